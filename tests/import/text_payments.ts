import type { Sql } from '../support/connection.ts';
import { createCustomer } from '../support/shop.ts';

export interface TextRow {
  external_id: string;
  customer: string;
  amount: string;
  paid_at: string;
  is_allocated: string;
}

const persian = (text: string) =>
  text.replace(/\d/g, (digit) => '۰۱۲۳۴۵۶۷۸۹'.charAt(Number(digit)));

/** Minor units as text, the way people have typed it. */
const SPELLINGS: ((minor: number) => string)[] = [
  (minor) => (minor / 100).toFixed(2),
  (minor) => (minor / 100).toFixed(2),
  (minor) => `$${(minor / 100).toLocaleString('en-US', { minimumFractionDigits: 2 })}`,
  (minor) => `${(minor / 100).toLocaleString('de-DE', { minimumFractionDigits: 2 })} USD`,
  (minor) => persian((minor / 100).toFixed(2).replace('.', '٫')),
];

/** What no one can read, and the code it is rejected with. */
const DIRT: [Partial<TextRow>, string][] = [
  [{ amount: 'N/A' }, 'row_amount_not_numeric'],
  [{ amount: '1.234' }, 'row_amount_ambiguous'],
  [{ amount: '' }, 'row_value_missing'],
  [{ amount: '€ 12.50' }, 'row_amount_of_other_currency'],
  [{ amount: '-3.00' }, 'row_amount_not_positive'],
  [{ paid_at: '1402/12/10' }, 'row_date_jalali'],
  [{ customer: 'nobody@example.com' }, 'row_customer_not_found'],
];

export interface TextFile {
  rows: TextRow[];
  /** What the rows that can be read amount to, minor units. */
  total: number;
  clean: number;
  /** Row number and code of every dirty one. */
  rejects: { row_number: number; code: string }[];
}

/** A file of payments with text amounts; one row of every fifty is dirty. */
export function textFile(count: number, customers: string[], prefix = 'P'): TextFile {
  const file: TextFile = { rows: [], total: 0, clean: 0, rejects: [] };
  for (let n = 1; n <= count; n += 1) {
    const minor = 100 + ((n * 7919) % 1_000_000);
    const row: TextRow = {
      external_id: `${prefix}-${n}`,
      customer: customers[n % customers.length] ?? '',
      amount: SPELLINGS[n % SPELLINGS.length]?.(minor) ?? '',
      paid_at: `2024-0${1 + (n % 9)}-1${n % 10}`,
      is_allocated: n % 2 === 0 ? 'true' : 'false',
    };
    const [dirt, code] = n % 50 === 0 ? (DIRT[(n / 50) % DIRT.length] ?? []) : [];
    if (code === undefined) {
      file.total += minor;
      file.clean += 1;
    } else {
      file.rejects.push({ row_number: n, code });
    }
    file.rows.push({ ...row, ...dirt });
  }
  return file;
}

export async function someCustomers(sql: Sql, count: number): Promise<string[]> {
  const customers: string[] = [];
  for (let n = 0; n < count; n += 1) customers.push(await createCustomer(sql));
  return customers;
}

export async function beginAndStage(sql: Sql, rows: TextRow[], name: string): Promise<string> {
  const [begun] = await sql<{ run_id: string }[]>`
    select run_id from import_begin('payments', ${name}, '{"currency": "USD"}')`;
  const runId = begun?.run_id ?? '';
  for (let first = 0; first < rows.length; first += 5_000) {
    const part = rows.slice(first, first + 5_000);
    const isLast = first + part.length >= rows.length;
    const [staged] = await sql`
      select error_code from import_stage(${runId}, ${first + 1}, ${sql.json(part as never)}, ${isLast})`;
    if (staged?.error_code) throw new Error(String(staged.error_code));
  }
  return runId;
}

export async function analyze(sql: Sql, runId: string): Promise<Record<string, unknown>> {
  const [analysed] = await sql`select report from import_analyze(${runId})`;
  return analysed?.report as Record<string, unknown>;
}

/** Calls import_apply until it is done. */
export async function applyAll(sql: Sql, runId: string, limit = 5_000): Promise<void> {
  for (;;) {
    const [progress] = await sql`
      select done, error_message from import_apply(${runId}, p_limit => ${limit})`;
    if (progress?.error_message) throw new Error(String(progress.error_message));
    if (progress?.done) return;
  }
}
