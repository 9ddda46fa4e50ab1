import { expect, test } from 'vitest';
import { expectBooksInOrder } from '../support/books.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { analyze, applyAll, beginAndStage, someCustomers, textFile } from './text_payments.ts';

/*
 * A migration of payments whose amounts are text, 2 % of them dirty (source 002, E-A1). IMPORT_ROWS
 * makes it as large as a real one; at 100,000 rows it has to be through in a minute, which is
 * measured on two cores with nothing else running:
 *   IMPORT_ROWS=100000 npx vitest run tests/import/text_migration.test.ts
 */
const ROWS = Number(process.env.IMPORT_ROWS ?? 3_000);
const SECONDS = 60;

const db = await createTestDatabase('text_migration');

test(`${ROWS} text amounts become payments, to the minor unit, with every reject named`, async () => {
  const customers = await someCustomers(db.sql, Math.min(2_000, Math.ceil(ROWS / 50)));
  const file = textFile(ROWS, customers);

  const started = performance.now();
  const runId = await beginAndStage(db.sql, file.rows, 'text amounts');
  const staged = performance.now();
  const report = await analyze(db.sql, runId);
  const analysed = performance.now();
  await applyAll(db.sql, runId);
  const applied = performance.now();
  const seconds = (applied - started) / 1_000;
  console.log(
    `${ROWS} rows: staged in ${((staged - started) / 1_000).toFixed(1)} s, analysed in ${((analysed - staged) / 1_000).toFixed(1)} s, applied in ${((applied - analysed) / 1_000).toFixed(1)} s, ${seconds.toFixed(1)} s in all`,
  );

  const rejects = await db.sql`
    select row_number, code from import_rejects where run_id = ${runId} order by row_number`;
  expect([...rejects]).toEqual(file.rejects);
  const [books] = await db.sql`
    select count(*)::int as payments, sum(amount)::bigint as total, sum(unapplied_amount)::bigint as unapplied
    from payments where source = 'import'`;
  expect(books).toEqual({ payments: file.clean, total: file.total, unapplied: file.total });
  const [posted] = await db.sql`
    select sum(amount)::bigint as total from postings where debit_account = 'bank' and credit_account = 'unapplied_payments'`;
  expect(posted).toEqual({ total: file.total });
  expect(report).toMatchObject({ amounts: { rows: ROWS } });
  await expectBooksInOrder(db.sql);
  if (ROWS >= 100_000) expect(seconds).toBeLessThan((SECONDS * ROWS) / 100_000);
}, 600_000);

test('the same file a second time does nothing', async () => {
  const [before] =
    await db.sql`select count(*)::int as payments, sum(amount)::bigint as total from payments`;
  const [first] = await db.sql`select id from import_runs where source_name = 'text amounts'`;
  const [again] = await db.sql<{ run_id: string }[]>`
    select run_id from import_begin('payments', 'again', '{"currency": "USD"}')`;
  const runId = again?.run_id ?? '';
  await db.sql`
    select import_stage(${runId}, w.chunk * 5000 + 1, jsonb_agg(w.data order by w.row_number))
    from (select (row_number - 1) / 5000 as chunk, row_number, data from import_rows where run_id = ${first?.id}) w
    group by w.chunk`;
  await db.sql`select import_stage(${runId}, 1, '[]', true)`;
  await analyze(db.sql, runId);
  await applyAll(db.sql, runId);
  const [counts] = await db.sql`select applied_rows from import_runs where id = ${runId}`;
  expect(counts).toEqual({ applied_rows: 0 });
  const [after] =
    await db.sql`select count(*)::int as payments, sum(amount)::bigint as total from payments`;
  expect(after).toEqual(before);
}, 600_000);
