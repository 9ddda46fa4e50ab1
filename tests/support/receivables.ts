import type { Sql } from './connection.ts';
import { BACKEND, type Call } from './sessions.ts';
import { succeed } from './shop.ts';

type Extra = Record<string, unknown>;

/** A free invoice of one line, without tax. */
export const issue = (customer: string, amount: number, extra: Extra = {}): Call => ({
  actor: BACKEND,
  procedure: 'ledger_issue_invoice',
  args: {
    p_user_id: customer,
    p_lines: [{ description: 'work', quantity: 1, unit_price_amount: amount, tax_rate_bp: 0 }],
    ...extra,
  },
});

/** The invoice of an order, for what it still owes. */
export const issueForOrder = (orderId: string): Call => ({
  actor: BACKEND,
  procedure: 'ledger_issue_invoice',
  args: { p_order_id: orderId },
});

/** Money that came in on account. */
export const receive = (customer: string, amount: number, extra: Extra = {}): Call => ({
  actor: BACKEND,
  procedure: 'ledger_record_payment',
  args: { p_amount: amount, p_user_id: customer, ...extra },
});

export interface Share {
  invoice_id: string;
  amount: number;
  expected_version?: number;
}

export const allocate = (paymentId: string, lines: Share[], extra: Extra = {}): Call => ({
  actor: BACKEND,
  procedure: 'ledger_allocate_payment',
  args: { p_payment_id: paymentId, p_lines: lines, ...extra },
});

export const autoAllocate = (paymentId: string, strategy = 'fifo', extra: Extra = {}): Call => ({
  actor: BACKEND,
  procedure: 'ledger_auto_allocate_payment',
  args: { p_payment_id: paymentId, p_strategy: strategy, ...extra },
});

export const reverse = (allocationId: string): Call => ({
  actor: BACKEND,
  procedure: 'ledger_reverse_allocation',
  args: { p_allocation_id: allocationId },
});

export const creditInvoice = (invoiceId: string, amount: number): Call => ({
  actor: BACKEND,
  procedure: 'ledger_credit_invoice',
  args: { p_invoice_id: invoiceId, p_amount: amount, p_reason: 'goodwill' },
});

export const voidInvoice = (invoiceId: string): Call => ({
  actor: BACKEND,
  procedure: 'ledger_void_invoice',
  args: { p_invoice_id: invoiceId, p_reason: 'a mistake' },
});

export const changeInvoice = (invoiceId: string, dueAt: Date): Call => ({
  actor: BACKEND,
  procedure: 'ledger_change_invoice',
  args: { p_invoice_id: invoiceId, p_due_at: dueAt.toISOString() },
});

export const voidPayment = (paymentId: string): Call => ({
  actor: BACKEND,
  procedure: 'ledger_void_payment',
  args: { p_payment_id: paymentId },
});

export const releasePayment = (paymentId: string, amount?: number): Call => ({
  actor: BACKEND,
  procedure: 'ledger_release_payment',
  args: { p_payment_id: paymentId, p_amount: amount },
});

/** An invoice that is there when it answers; its id. */
export async function issued(sql: Sql, call: Call): Promise<string> {
  return (await succeed(sql, call)).invoice_id ?? '';
}

/** A payment that is there when it answers; its id. */
export async function received(sql: Sql, call: Call): Promise<string> {
  return (await succeed(sql, call)).payment_id ?? '';
}

/** The live allocations of a customer, oldest first. */
export async function liveAllocations(sql: Sql, customer: string): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select l.id from payment_allocations l join accounts a on a.id = l.account_id
    where a.user_id = ${customer} and l.reverses_allocation_id is null
      and not exists (select from payment_allocations r where r.reverses_allocation_id = l.id)
    order by l.id`;
  return rows.map((row) => row.id);
}

/** What an invoice claims, what its rows add up to, and what the cache has of both. */
export async function balanceOf(sql: Sql, invoiceId: string) {
  const [row] = await sql<
    { amount: number; sum: number; allocated: number; remaining: number; status: string }[]
  >`
    select i.amount::float8 as amount, b.allocated_total::float8 as allocated,
      b.remaining_amount::float8 as remaining, b.status_cached as status,
      (select coalesce(sum(l.allocated_amount), 0)::float8 from payment_allocations l where l.invoice_id = i.id) as sum
    from invoices i join invoice_balance_cache b on b.invoice_id = i.id where i.id = ${invoiceId}`;
  if (!row) throw new Error(`there is no invoice ${invoiceId}`);
  return row;
}
