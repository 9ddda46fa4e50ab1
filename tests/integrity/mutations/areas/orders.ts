import type { Mutation } from '../mutation.ts';

/** Orders, their items, codes and deadlines. */
export const orders: Mutation[] = [
  {
    what: 'a delivered order said to be pending',
    statement: `update public.orders set status = 'pending' where id = <order market>`,
    found: [
      'escrow_equals_open_orders order market order_escrow',
      'income_equals_delivered_orders order market revenue',
      'income_equals_delivered_orders order market vendor_payable',
      'order_status_equals_history order market',
    ],
    repaired: ['order_status'],
  },
  {
    what: 'a cancelled order said to be delivered',
    statement: `update public.orders set status = 'delivered' where id = <order ann 3>`,
    found: ['order_status_equals_history order ann 3'],
    repaired: ['order_status'],
  },
  {
    what: 'a pending order said to be rejected',
    statement: `update public.orders set status = 'rejected' where id = <order bob 1>`,
    found: ['order_status_equals_history order bob 1'],
    repaired: ['order_status'],
  },
  {
    what: 'an order with another total',
    statement:
      'update public.orders set total_amount = total_amount - 50, subtotal_amount = subtotal_amount - 50 where id = <order bob 1>',
    found: [
      'order_replays_from_events order bob 1 total_amount',
      'order_totals_equal_items order bob 1',
      'payment_status_follows_the_money order bob 1',
    ],
  },
  {
    what: 'an order and its item with another price',
    statement: `with lines as (update public.order_items set unit_price_amount = unit_price_amount - 50, total_price_amount = total_price_amount - 50 where order_id = <order bob 1>)
      update public.orders set total_amount = total_amount - 50, subtotal_amount = subtotal_amount - 50 where id = <order bob 1>`,
    found: [
      'order_replays_from_events order bob 1 total_amount',
      'payment_status_follows_the_money order bob 1',
    ],
  },
  {
    what: 'tax moved to the goods',
    statement:
      'update public.orders set tax_amount = tax_amount - 28, subtotal_amount = subtotal_amount + 28 where id = <order ann 2>',
    found: [
      'income_equals_delivered_orders order ann 2 revenue',
      'income_equals_delivered_orders order ann 2 tax_payable',
      'order_totals_equal_items order ann 2',
    ],
  },
  {
    what: 'an order without its shipping',
    statement:
      'update public.orders set shipping_amount = 0, total_amount = total_amount - shipping_amount where id = <order ann 1>',
    found: [
      'order_replays_from_events order ann 1 total_amount',
      'payment_status_follows_the_money order ann 1',
    ],
  },
  {
    what: 'an order that the wallet paid less of',
    statement:
      'update public.orders set wallet_amount = wallet_amount - 10 where id = <order ann 5>',
    found: [
      'order_replays_from_events order ann 5 wallet_amount',
      'order_wallet_equals_transactions order ann 5',
      'paid_from_outside_equals_payments order ann 5',
      'total_orders_equals_orders ann',
    ],
    repaired: ['order_money'],
  },
  {
    what: 'an order that was paid twice',
    statement: 'update public.orders set paid_amount = paid_amount + 1250 where id = <order bob 1>',
    found: [
      'escrow_equals_open_orders order bob 1 order_escrow',
      'order_replays_from_events order bob 1 paid_amount',
      'paid_from_outside_equals_payments order bob 1',
      'payment_status_follows_the_money order bob 1',
    ],
    repaired: ['order_money'],
  },
  {
    what: 'an order that nothing was refunded of',
    statement: `update public.orders set refunded_amount = 0, wallet_refunded_amount = 0, credited_amount = 0, payment_status = 'paid' where id = <order rita 1>`,
    found: [
      'commission_follows_what_is_left order rita 1',
      'credited_equals_refunds order rita 1',
      'order_replays_from_events order rita 1 credited_amount',
      'order_replays_from_events order rita 1 payment_status',
      'order_replays_from_events order rita 1 refunded_amount',
      'order_replays_from_events order rita 1 wallet_refunded_amount',
      'order_wallet_equals_transactions order rita 1',
      'refunded_equals_refunds order rita 1',
      'total_orders_equals_orders rita',
    ],
    repaired: ['order_money'],
  },
  {
    what: 'an order that more was credited of',
    statement:
      'update public.orders set credited_amount = credited_amount + 100 where id = <order office>',
    found: [
      'credited_equals_refunds order office',
      'order_invoice_equals_order invoice office',
      'order_replays_from_events order office credited_amount',
    ],
    repaired: ['order_money'],
  },
  {
    what: 'an unpaid order said to be paid',
    statement: `update public.orders set payment_status = 'paid' where id = <order out of time>`,
    found: [
      'order_replays_from_events order out of time payment_status',
      'payment_status_follows_the_money order out of time',
    ],
    repaired: ['order_money'],
  },
  {
    what: 'a refunded order said to be paid',
    statement: `update public.orders set payment_status = 'paid' where id = <order ann 3>`,
    found: [
      'order_replays_from_events order ann 3 payment_status',
      'payment_status_follows_the_money order ann 3',
    ],
    repaired: ['order_money'],
  },
  {
    what: 'an order said to be paid by card',
    statement: `update public.orders set payment_method = 'card' where id = <order ann 4>`,
    found: ['order_equals_its_placing order ann 4'],
  },
  {
    what: 'an order of somebody else',
    statement:
      'update public.orders set user_id = <user bob>, account_id = <bob> where id = <order ann 2>',
    found: [
      'line_refers_to_what_is_there order ann 2/1',
      'order_equals_its_placing order ann 2',
      'return_has_lines_of_its_order return ann 1',
      'shipment_has_lines_of_its_order shipment ann 1',
      'total_orders_equals_orders ann',
      'total_orders_equals_orders bob',
    ],
  },
  {
    what: 'an order with the number of another',
    statement: `update public.orders set order_number = order_number || '0' where id = <order ann 2>`,
    found: ['order_equals_its_placing order ann 2'],
  },
  {
    what: 'an order that is gone, with all its items',
    statement: `with lines as (delete from public.order_items where order_id = <order bob 1>)
      delete from public.orders where id = <order bob 1>`,
    found: [
      'escrow_equals_open_orders order bob 1 order_escrow',
      'order_replays_from_events order bob 1 credited_amount',
      'order_replays_from_events order bob 1 paid_amount',
      'order_replays_from_events order bob 1 payment_status',
      'order_replays_from_events order bob 1 refunded_amount',
      'order_replays_from_events order bob 1 total_amount',
      'order_replays_from_events order bob 1 wallet_amount',
      'order_replays_from_events order bob 1 wallet_refunded_amount',
      'sold_equals_order_movements order bob 1/MUG',
      'total_orders_equals_orders bob',
    ],
  },
  {
    what: 'an item of one more',
    statement:
      'update public.order_items set quantity = 2, total_price_amount = unit_price_amount * 2 where order_id = <order bob 1>',
    found: ['order_totals_equal_items order bob 1', 'sold_equals_order_movements order bob 1/MUG'],
  },
  {
    what: 'an item of other goods at the same price',
    statement: 'update public.order_items set variant_id = <RUG> where order_id = <order bob 1>',
    found: [
      'sold_equals_order_movements order bob 1/MUG',
      'sold_equals_order_movements order bob 1/RUG',
    ],
  },
  {
    what: 'an item that is gone',
    statement: 'delete from public.order_items where order_id = <order ann 1> and line_number = 2',
    found: ['order_totals_equal_items order ann 1', 'sold_equals_order_movements order ann 1/TEA'],
  },
  {
    what: 'an item that nobody ordered',
    statement: `insert into public.order_items (account_id, order_id, line_number, variant_id, product_name, product_sku, variant_name, quantity,
        unit_price_amount, total_price_amount, discount_amount, tax_rate_bp, tax_amount)
      select account_id, order_id, 9, variant_id, product_name, product_sku, variant_name, 1, 0, 0, 0, 0, 0
      from public.order_items where order_id = <order bob 1>`,
    found: ['sold_equals_order_movements order bob 1/MUG'],
  },
  {
    what: 'a redemption that is gone',
    statement: 'delete from public.discount_redemptions where order_id = <order ann 1>',
    found: [
      'discount_redemption_follows_order order ann 1',
      'discount_usage_equals_redemptions TEN',
    ],
  },
  {
    what: 'a code that counts one redemption less',
    statement: 'update public.discount_usage set redemptions = redemptions - 1',
    found: ['discount_usage_equals_redemptions TEN'],
    repaired: ['discount_usage'],
  },
  {
    what: 'an order in grace without its deadline',
    statement: 'delete from public.payment_deadlines where order_id = <order in time>',
    found: ['in_grace_has_an_open_deadline order in time'],
  },
  {
    what: 'a deadline settled before its order was paid',
    statement: `update public.payment_deadlines set status = 'settled', settled_at = clock_timestamp() where order_id = <order in time>`,
    found: [
      'in_grace_has_an_open_deadline order in time',
      'settled_deadline_has_nothing_due order in time',
    ],
    repaired: ['order_money'],
  },
  {
    what: 'a deadline that waits for a paid order',
    statement: `update public.payment_deadlines set status = 'open', expired_at = null where order_id = <order out of time>`,
    found: ['deadline_waits_for_its_order order out of time'],
  },
];
