import type { Sql } from './connection.ts';

type Row = Record<string, string>;

/** Imports rows to their end; gives the run. A row that is rejected is an error. */
export async function bringIn(
  sql: Sql,
  kind: 'customers' | 'products' | 'orders',
  rows: Row[],
  options: Record<string, unknown> = {},
): Promise<string> {
  const given = { decimal_separator: '.', ...options };
  const [begun] = await sql<{ run_id: string }[]>`
    select run_id from import_begin(${kind}, 'old shop', ${sql.json(given as never)})`;
  const runId = begun?.run_id ?? '';
  await sql`select import_stage(${runId}, 1, ${sql.json(rows as never)}, true)`;
  await sql`select import_analyze(${runId})`;
  for (;;) {
    const [progress] = await sql`select done, error_message from import_apply(${runId})`;
    if (progress?.error_message) throw new Error(String(progress.error_message));
    if (progress?.done) break;
  }
  const [reject] = await sql`
    select message from import_rejects where run_id = ${runId} order by row_number limit 1`;
  if (reject) throw new Error(String(reject.message));
  return runId;
}

export interface OldOrder {
  id: string;
  number: string;
  customer: string;
}

let counted = 0;

/** An order of a minute ago over 20.00 USD, as an older system claims it to be. */
export async function brokenOrder(
  sql: Sql,
  customer: string,
  sku: string,
  claims: Row,
): Promise<OldOrder> {
  const number = `OLD-${++counted}-${Math.random().toString(36).slice(2)}`;
  const placedAt = new Date(Date.now() - 60_000).toISOString();
  const line = { sku, quantity: '2', unit_price: '10.00', placed_at: placedAt };
  const row = { order_number: number, customer, ...line, ...claims };
  await bringIn(sql, 'orders', [row], { currency: 'USD', broken_orders: 'claim' });
  const [order] = await sql<{ id: string }[]>`select id from orders where order_number = ${number}`;
  return { id: order?.id ?? '', number, customer };
}

export const walletWithoutTransaction: Row = {
  payment_method: 'wallet',
  payment_status: 'paid',
  customer_status: 'pending',
  management_status: 'finance_pending',
};

export const sentOutUnknownToTheCustomer: Row = {
  payment_method: 'bank_transfer',
  payment_status: 'paid',
  customer_status: 'pending',
  management_status: 'logistics_dispatched',
};

export const stuckReceipt = (reference: string): Row => ({
  payment_method: 'bank_transfer',
  payment_status: 'receipt_uploaded',
  receipt_reference: reference,
  customer_status: 'pending',
  management_status: 'finance_review',
});
