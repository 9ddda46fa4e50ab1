import type { Sql } from '../../support/connection.ts';
import { voidPayment } from '../../support/receivables.ts';
import { BACKEND } from '../../support/sessions.ts';
import { changeStatus, placed, succeed } from '../../support/shop.ts';
import { ask } from './ask.ts';
import { type Books, give, takeBack } from './model.ts';
import { portion, type Step } from './plan.ts';

/** An order that was paid in two parts without an invoice, and of which a part went back, or is about to. */
export async function paidAndRefunded(
  sql: Sql,
  books: Books,
  variant: string,
  step: Extract<Step, { kind: 'lateInvoice' }>,
) {
  const order = await placed(sql, books.customer, [[variant, step.quantity]], {
    p_payment_method: 'bank_transfer',
  });
  books.orders.push(order);
  await succeed(sql, changeStatus(BACKEND, order, 'pending', 'processing'));
  const first = portion(order.total - 1, step.share);
  for (const amount of [first, order.total - first]) {
    const { payment_id = '' } = await succeed(sql, {
      actor: BACKEND,
      procedure: 'ledger_record_payment',
      args: { p_order_id: order.id, p_amount: amount },
    });
    books.payments.set(payment_id, 0);
  }
  await succeed(sql, {
    actor: BACKEND,
    procedure: 'ledger_refund_order',
    args: { p_order_id: order.id, p_amount: portion(order.total, step.back), p_to: 'original' },
  });
  if (step.payout !== 'pending') await settle(sql, order.id, step.payout);
  return order;
}

/** What became of the first money of an order that waits to go back. */
export async function settle(sql: Sql, orderId: string, action: 'paid' | 'failed' | 'withdrawn') {
  const [refund] = await sql<{ id: string }[]>`
    select id from refunds where order_id = ${orderId} and payout_status = 'pending' order by id limit 1`;
  if (!refund) return;
  await ask(sql, {
    actor: BACKEND,
    procedure: 'ledger_settle_refund',
    args: { p_refund_id: refund.id, p_action: action },
  });
}

/** The first payment of an order bounces, and its customer pays for the invoice what is owed again. */
export async function bounce(sql: Sql, books: Books, orderId: string) {
  const [payment] = await sql<{ id: string }[]>`
    select id from payments where order_id = ${orderId} and status = 'captured' order by id limit 1`;
  if (!payment || !(await ask(sql, voidPayment(payment.id))).success) return;
  for (const id of books.invoices.keys()) takeBack(books, payment.id, id);
  books.payments.delete(payment.id);

  const [owed] = await sql<{ id: string; amount: number }[]>`
    select b.invoice_id as id, b.remaining_amount::float8 as amount
    from invoice_balance_cache b
    join invoices i on i.id = b.invoice_id and i.status = 'issued'
    join orders o on o.id = i.order_id and o.status not in ('rejected', 'cancelled', 'refunded')
    where o.id = ${orderId} and b.remaining_amount > 0`;
  if (!owed) return;
  const { payment_id = '' } = await succeed(sql, {
    actor: BACKEND,
    procedure: 'ledger_record_payment',
    args: { p_invoice_id: owed.id, p_amount: owed.amount },
  });
  books.payments.set(payment_id, owed.amount);
  give(books, payment_id, owed.id, owed.amount);
}
