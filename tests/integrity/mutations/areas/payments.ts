import type { Mutation } from '../mutation.ts';

/** Money from outside: payments, receipts, cards, and refunds that go back there. */
export const payments: Mutation[] = [
  {
    what: 'a transfer of more',
    statement:
      'update public.payments set amount = amount + 100, applied_amount = applied_amount + 100 where id = <payment R-1>',
    found: [
      'paid_from_outside_equals_payments order rita 1',
      'payment_equals_its_transactions payment R-1',
    ],
  },
  {
    what: 'a payment on account of less',
    statement: 'update public.payments set amount = amount - 100 where id = <payment T-2>',
    found: [
      'debt_is_invoices_less_allocations ann',
      'payment_equals_its_transactions payment T-2',
      'trial_balance_equals_balances USD unapplied_payments',
      'unapplied_payments_equal_remainders ann',
    ],
  },
  {
    what: 'a voided payment said to be captured',
    statement: `update public.payments set status = 'captured' where id = <payment ann 2>`,
    found: [
      'paid_from_outside_equals_payments order ann 4',
      'payment_equals_its_transactions payment ann 2',
    ],
  },
  {
    what: 'a captured payment said to be voided',
    statement: `update public.payments set status = 'voided' where id = <payment T-1>`,
    found: [
      'paid_from_outside_equals_payments order ann 4',
      'payment_equals_its_transactions payment T-1',
    ],
  },
  {
    what: 'a payment of another order',
    statement: 'update public.payments set order_id = <order ann 6> where id = <payment T-1>',
    found: [
      'paid_from_outside_equals_payments order ann 4',
      'paid_from_outside_equals_payments order ann 6',
    ],
  },
  {
    what: 'a payment that is gone',
    statement: 'delete from public.payments where id = <payment T-2>',
    found: [
      'debt_is_invoices_less_allocations ann',
      'trial_balance_equals_balances USD unapplied_payments',
      'unapplied_payments_equal_remainders ann',
    ],
  },
  {
    what: 'a payment of which more was charged back',
    statement:
      'update public.payments set charged_back_amount = charged_back_amount + 50, applied_amount = applied_amount - 50 where id = <payment pi_by card>',
    found: [
      'card_bookings_equal_payments payment pi_by card',
      'paid_from_outside_equals_payments order by card',
      'payment_equals_its_transactions payment pi_by card',
    ],
  },
  {
    what: 'a payment said to be allocated',
    statement:
      'update public.payments set allocated_amount = allocated_amount + 10 where id = <payment ann 7>',
    found: [
      'allocated_equals_allocations payment ann 7',
      'trial_balance_equals_balances USD unapplied_payments',
      'unapplied_payments_equal_remainders ann',
    ],
    repaired: ['balance_caches'],
  },
  {
    what: 'a surplus that did not become credit',
    statement:
      'update public.payments set credit_amount = 0, applied_amount = applied_amount + credit_amount where id = <payment ann 4>',
    found: [
      'order_wallet_equals_transactions order ann 4',
      'paid_from_outside_equals_payments order ann 4',
      'payment_equals_its_transactions payment ann 4',
      'payment_status_follows_the_money order ann 4',
    ],
  },
  {
    what: 'a receipt said to be approved with the payment of somebody else',
    statement: `update public.payment_receipts set status = 'approved', approved_amount = amount, payment_id = <payment T-2>, reviewed_at = clock_timestamp() where id = <receipt Q-4>`,
    found: ['approved_receipt_is_its_payment receipt Q-4'],
  },
  {
    what: 'an approved receipt of another amount',
    statement:
      'update public.payment_receipts set approved_amount = approved_amount + 5, amount = amount + 5 where id = <receipt Q-3>',
    found: ['approved_receipt_is_its_payment receipt Q-3'],
  },
  {
    what: 'an approved receipt with the payment of another',
    statement:
      'update public.payment_receipts set payment_id = <payment T-2> where id = <receipt Q-3>',
    found: [
      'approved_receipt_is_its_payment receipt Q-3',
      'payment_of_a_receipt_has_it payment Q-3',
    ],
  },
  {
    what: 'a receipt of somebody else',
    statement: 'update public.payment_receipts set account_id = <bob> where id = <receipt Q-1>',
    found: ['receipt_refers_to_what_is_there receipt Q-1'],
  },
  {
    what: 'a card said to have been charged less',
    statement:
      'update public.card_payments set captured_amount = captured_amount - 28 where id = <card payment pi_by card>',
    found: [
      'captured_cards_are_booked card payment pi_by card',
      'card_payment_equals_its_events card payment pi_by card',
    ],
    repaired: ['card_payment'],
  },
  {
    what: 'a card event of another amount',
    statement: `update public.card_events set amount = amount + 1 where card_payment_id = <card payment pi_by card> and kind = 'captured'`,
    found: ['card_payment_equals_its_events card payment pi_by card'],
  },
  {
    what: 'a card event that is gone',
    statement: `delete from public.card_events where card_payment_id = <card payment pi_by card> and kind = 'charged_back'`,
    found: [
      'card_booking_has_its_event booking taken_out',
      'card_payment_equals_its_events card payment pi_by card',
    ],
  },
  {
    what: 'a booking of a card that is gone',
    statement: `delete from public.card_bookings where card_payment_id = <card payment pi_by card> and kind = 'captured'`,
    found: [
      'captured_cards_are_booked card payment pi_by card',
      'card_bookings_equal_payments payment pi_by card',
    ],
  },
  {
    what: 'a refund of more',
    statement:
      'update public.refunds set credited_amount = credited_amount + 100, payout_amount = payout_amount + 100 where id = <refund rita 3>',
    found: [
      'credited_equals_refunds order rita 2',
      'refund_equals_its_parts refund rita 3',
      'refunded_equals_refunds order rita 2',
      'refunds_payable_equals_pending order rita 2 refunds_payable',
    ],
  },
  {
    what: 'a refund said to be paid out',
    statement: `update public.refunds set payout_status = 'paid', settled_at = clock_timestamp() where id = <refund rita 2>`,
    found: ['refunds_payable_equals_pending order rita 1 refunds_payable'],
  },
  {
    what: 'a refund to be paid out said to have gone to the wallet',
    statement:
      'update public.refunds set payout_amount = payout_amount - 28, wallet_amount = wallet_amount + 28 where id = <refund rita 2>',
    found: [
      'refunded_equals_refunds order rita 1',
      'refunds_payable_equals_pending order rita 1 refunds_payable',
    ],
  },
  {
    what: 'a refund that is gone, with its lines',
    statement: `with lines as (delete from public.refund_lines where refund_id = <refund rita 1>)
      delete from public.refunds where id = <refund rita 1>`,
    found: [
      'commission_follows_what_is_left order rita 1',
      'credited_equals_refunds order rita 1',
      'income_equals_delivered_orders order rita 1 revenue',
      'income_equals_delivered_orders order rita 1 tax_payable',
      'refunded_equals_refunds order rita 1',
      'restocked_refunds_equal_movements order rita 1/TEA',
    ],
  },
  {
    what: 'a refunded line of more units',
    statement:
      'update public.refund_lines set quantity = quantity + 1 where refund_id = <refund rita 1>',
    found: ['refunded_units_cost_their_part order rita 1/1'],
  },
  {
    what: 'a refunded unit said not to be in stock',
    statement:
      'update public.refund_lines set restocked_quantity = 0 where refund_id = <refund rita 1>',
    found: ['restocked_refunds_equal_movements order rita 1/TEA'],
  },
];
