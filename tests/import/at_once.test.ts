import { expect, test } from 'vitest';
import { startCrowd, testThatBooksAreInOrder } from '../support/crowd.ts';
import { BACKEND, type Call } from '../support/sessions.ts';
import { analyze, beginAndStage, someCustomers, textFile } from './text_payments.ts';

const { db, crowd } = await startCrowd('imports_at_once', 4);

const applying = (runId: string): Call => ({
  actor: BACKEND,
  procedure: 'import_apply',
  args: { p_run_id: runId, p_limit: 40 },
});

test('four who apply one import at once share its batches', async () => {
  const file = textFile(600, await someCustomers(db.sql, 7), 'shared');
  const runId = await beginAndStage(db.sql, file.rows, 'shared');
  await analyze(db.sql, runId);
  for (let round = 0; round < 5; round += 1) {
    const answers = await crowd.race(Array.from({ length: 4 }, () => applying(runId)));
    expect(answers.every((answer) => answer.success)).toBe(true);
  }
  const [run] = await db.sql`
    select state, applied_rows, rejected_rows from import_runs where id = ${runId}`;
  expect(run).toEqual({
    state: 'applied',
    applied_rows: file.clean,
    rejected_rows: file.rejects.length,
  });
  const [books] = await db.sql`
    select count(*)::int as payments, sum(amount)::bigint as total from payments where external_id like 'shared-%'`;
  expect(books).toEqual({ payments: file.clean, total: file.total });
});

test('two imports of one file at once bring each row in once', async () => {
  const customers = await someCustomers(db.sql, 7);
  const file = textFile(400, customers, 'twice');
  const runs = [
    await beginAndStage(db.sql, file.rows, 'twice, first'),
    await beginAndStage(db.sql, file.rows, 'twice, second'),
  ];
  for (const runId of runs) await analyze(db.sql, runId);
  for (let round = 0; round < 10; round += 1) {
    const answers = await crowd.race(runs.map(applying));
    expect(answers.every((answer) => answer.success)).toBe(true);
  }
  const [counts] = await db.sql`
    select sum(applied_rows)::int as applied, sum(skipped_rows)::int as skipped,
           bool_and(state = 'applied') as done
    from import_runs where id = any (${runs})`;
  expect(counts).toEqual({ applied: file.clean, skipped: file.clean, done: true });
  const [books] = await db.sql`
    select count(*)::int as payments, sum(amount)::bigint as total from payments where external_id like 'twice-%'`;
  expect(books).toEqual({ payments: file.clean, total: file.total });
});

testThatBooksAreInOrder(db, crowd);
