import type { Mutation } from '../mutation.ts';

/** Invoices, allocations, what is kept of both, and what came from an older system. */
export const receivables: Mutation[] = [
  {
    what: 'an invoice of more',
    statement:
      'update public.invoices set total_amount = total_amount + 100, subtotal_amount = subtotal_amount + 100 where id = <invoice rent>',
    found: [
      'debt_is_invoices_less_allocations ann',
      'income_equals_free_invoices ann revenue',
      'invoice_equals_its_event invoice rent',
      'invoice_has_its_balance invoice rent',
      'invoice_remaining_is_amount_less_allocations invoice rent',
      'invoice_totals_equal_lines invoice rent',
    ],
  },
  {
    what: 'an invoice said to be void',
    statement: `update public.invoices set status = 'void', voided_at = clock_timestamp(), void_reason = 'by hand' where id = <invoice spare>`,
    found: [
      'debt_is_invoices_less_allocations olga',
      'income_equals_free_invoices olga revenue',
      'invoice_has_its_balance invoice spare',
      'invoice_remaining_is_amount_less_allocations invoice spare',
      'invoice_status_follows_what_remains invoice spare',
    ],
  },
  {
    what: 'a void invoice said to be issued',
    statement: `update public.invoices set status = 'issued', voided_at = null, voided_by = null, void_reason = null where id = <invoice mistake>`,
    found: [
      'debt_is_invoices_less_allocations olga',
      'income_equals_free_invoices olga revenue',
      'invoice_has_its_balance invoice mistake',
      'invoice_remaining_is_amount_less_allocations invoice mistake',
      'invoice_status_follows_what_remains invoice mistake',
    ],
  },
  {
    what: 'an invoice that is gone, with its number',
    statement: `with l as (delete from public.invoice_lines where invoice_id = <invoice spare>), b as (delete from public.invoice_balance_cache where invoice_id = <invoice spare>)
      delete from public.invoices where id = <invoice spare>`,
    found: [
      'debt_is_invoices_less_allocations olga',
      'income_equals_free_invoices olga revenue',
      'invoice_series_have_no_gaps invoice',
      'receivable_equals_orders_and_invoices olga',
    ],
  },
  {
    what: 'a gap in the numbers of invoices',
    statement: `update public.invoices set number = 8 where id = <invoice spare>`,
    found: ['invoice_equals_its_event invoice spare', 'invoice_series_have_no_gaps invoice'],
  },
  {
    what: 'two invoices that exchange their numbers',
    statement: [
      `update public.invoices set number = number + 1000, invoice_number = invoice_number || 'x' where id in (<invoice spare>, <invoice rent>)`,
      `update public.invoices i set number = n.number - 1000, invoice_number = rtrim(n.invoice_number, 'x')
       from public.invoices n
       where i.id in (<invoice spare>, <invoice rent>) and n.id in (<invoice spare>, <invoice rent>) and n.id <> i.id`,
    ],
    found: ['invoice_equals_its_event invoice rent', 'invoice_equals_its_event invoice spare'],
  },
  {
    what: 'a line of an invoice with another price',
    statement:
      'update public.invoice_lines set unit_price_amount = unit_price_amount + 1, total_price_amount = total_price_amount + quantity where invoice_id = <invoice rent>',
    found: ['invoice_totals_equal_lines invoice rent'],
  },
  {
    what: 'an invoice of somebody else',
    statement:
      'update public.invoices set account_id = <bob>, user_id = <user bob> where id = <invoice rent>',
    found: [
      'allocation_refers_to_what_is_there allocation ann 1',
      'debt_is_invoices_less_allocations ann',
      'debt_is_invoices_less_allocations bob',
      'income_equals_free_invoices ann revenue',
      'income_equals_free_invoices bob revenue',
      'invoice_equals_its_event invoice rent',
      'invoice_remaining_is_amount_less_allocations invoice rent',
    ],
  },
  {
    what: 'an invoice that more was credited of',
    statement:
      'update public.invoices set credited_amount = credited_amount + 10 where id = <invoice advice>',
    found: [
      'debt_is_invoices_less_allocations olga',
      'invoice_credited_by_its_notes invoice advice',
      'invoice_has_its_balance invoice advice',
      'invoice_remaining_is_amount_less_allocations invoice advice',
    ],
    repaired: ['invoice_credit'],
  },
  {
    what: 'a credit note that is gone',
    statement: `with l as (delete from public.invoice_lines where invoice_id = <invoice olga 4>)
      delete from public.invoices where id = <invoice olga 4>`,
    found: [
      'income_equals_free_invoices olga revenue',
      'income_equals_free_invoices olga tax_payable',
      'invoice_credited_by_its_notes invoice advice',
      'invoice_series_have_no_gaps credit_note',
    ],
  },
  {
    what: 'a credit note of another amount',
    statement:
      'update public.invoices set total_amount = total_amount + 1, subtotal_amount = subtotal_amount + 1 where id = <invoice olga 2>',
    found: [
      'credit_note_equals_its_refund invoice olga 2',
      'invoice_credited_by_its_notes invoice office',
      'invoice_equals_its_event invoice olga 2',
      'invoice_totals_equal_lines invoice olga 2',
    ],
  },
  {
    what: 'an allocation of more',
    statement:
      'update public.payment_allocations set allocated_amount = allocated_amount + 10 where id = <allocation olga 2>',
    found: [
      'allocated_equals_allocations payment O-2',
      'debt_is_invoices_less_allocations olga',
      'invoice_remaining_is_amount_less_allocations invoice advice',
      'payment_gives_at_most_its_amount payment O-2',
    ],
  },
  {
    what: 'an allocation that is gone',
    statement: 'delete from public.payment_allocations where id = <allocation ann 1>',
    found: [
      'allocated_equals_allocations payment O-3',
      'debt_is_invoices_less_allocations ann',
      'invoice_remaining_is_amount_less_allocations invoice rent',
      'invoice_status_follows_what_remains invoice rent',
    ],
  },
  {
    what: 'an allocation that is there twice',
    statement: `insert into public.payment_allocations (account_id, payment_id, invoice_id, allocated_amount, method, transaction_id)
      select account_id, payment_id, invoice_id, allocated_amount, method, transaction_id from public.payment_allocations where id = <allocation olga 1>`,
    found: [
      'allocated_equals_allocations payment O-1',
      'debt_is_invoices_less_allocations olga',
      'invoice_remaining_is_amount_less_allocations invoice office',
      'one_allocation_is_live_per_payment_and_invoice payment O-1/invoice office',
      'paid_from_outside_equals_payments order office',
      'payment_gives_at_most_its_amount payment O-1',
    ],
  },
  {
    what: 'an allocation to another invoice',
    statement:
      'update public.payment_allocations set invoice_id = <invoice spare> where id = <allocation olga 2>',
    found: [
      'invoice_remaining_is_amount_less_allocations invoice advice',
      'invoice_remaining_is_amount_less_allocations invoice spare',
      'invoice_status_follows_what_remains invoice advice',
      'invoice_status_follows_what_remains invoice spare',
      'invoice_takes_at_most_its_amount invoice spare',
    ],
  },
  {
    what: 'a reversal of less than its allocation',
    statement:
      'update public.payment_allocations set allocated_amount = -150 where id = <allocation ann 3>',
    found: [
      'allocated_equals_allocations payment ann 7',
      'debt_is_invoices_less_allocations ann',
      'invoice_remaining_is_amount_less_allocations invoice ann 2',
      'payment_gives_at_most_its_amount payment ann 7',
      'reversal_is_of_all_of_its_row allocation ann 3',
    ],
  },
  {
    what: 'a paid part that an invoice forgot',
    statement:
      'update public.invoice_balance_cache set allocated_total = 0 where invoice_id = <invoice rent>',
    found: [
      'invoice_remaining_is_amount_less_allocations invoice rent',
      'invoice_status_follows_what_remains invoice rent',
      'receivable_equals_orders_and_invoices ann',
    ],
    repaired: ['balance_caches'],
  },
  {
    what: 'an invoice kept as larger than it is',
    statement:
      'update public.invoice_balance_cache set amount = amount + 50 where invoice_id = <invoice spare>',
    found: [
      'invoice_has_its_balance invoice spare',
      'invoice_remaining_is_amount_less_allocations invoice spare',
      'receivable_equals_orders_and_invoices olga',
    ],
    repaired: ['balance_caches'],
  },
  {
    what: 'an invoice whose balance is gone',
    statement: 'delete from public.invoice_balance_cache where invoice_id = <invoice spare>',
    found: [
      'invoice_has_its_balance invoice spare',
      'invoice_remaining_is_amount_less_allocations invoice spare',
      'receivable_equals_orders_and_invoices olga',
    ],
    repaired: ['balance_caches'],
  },
  {
    what: 'a debt that was made smaller',
    statement:
      'update public.account_debt_cache set invoiced_amount = invoiced_amount - 100 where account_id = <ann>',
    found: [
      'debt_equals_its_movements ann',
      'debt_is_invoices_less_allocations ann',
      'debt_replays_from_events ann',
    ],
    repaired: ['balance_caches'],
  },
  {
    what: 'a movement of debt that is gone',
    statement: `delete from public.debt_movements where transaction_id = <transaction olga 10>`,
    found: ['debt_equals_its_movements olga'],
  },
  {
    what: 'a movement of debt of more',
    statement:
      'update public.debt_movements set invoiced_change = invoiced_change + 7 where transaction_id = <transaction ann 13>',
    found: ['debt_equals_its_movements ann'],
  },
  {
    what: 'an imported row that became another amount',
    statement: `update public.import_rows set amount = amount - 100 where run_id = <import old payments> and state = 'applied'`,
    found: ['applied_row_equals_what_it_became import old payments/1'],
  },
  {
    what: 'an import that applied one row more',
    statement:
      'update public.import_runs set applied_rows = applied_rows + 1, rejected_rows = rejected_rows - 1 where id = <import old payments>',
    found: ['import_counts_equal_rows import old payments'],
    repaired: ['import_counts'],
  },
  {
    what: 'an imported invoice that nothing knows of',
    statement: `delete from public.import_identities where target_id = <invoice ivy 1>`,
    found: [
      'event_has_its_message event invoice.issued ivy 1',
      'imported_row_has_its_identity import old invoices/1',
    ],
  },
];
