import { expect, test } from 'vitest';
import { connect } from '../support/connection.ts';
import { startCrowd, testThatBooksAreInOrder } from '../support/crowd.ts';
import { BACKEND, backendOf, beginAs, type Call, send } from '../support/sessions.ts';
import { analyze, applyAll, beginAndStage, someCustomers, textFile } from './text_payments.ts';

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

test('a person who is erased while their rows are applied keeps nobody waiting for ever', async () => {
  const [person = ''] = await someCustomers(db.sql, 1);
  const rows = (...names: string[]) =>
    names.map((name) => ({
      external_id: name,
      customer: person,
      amount: '5.00',
      paid_at: '2024-03-01',
      is_allocated: 'false',
    }));
  const before = await beginAndStage(db.sql, rows('erased-1'), 'erased, before');
  await analyze(db.sql, before);
  await applyAll(db.sql, before);
  await db.sql`select v.success from payments p, ledger_void_payment(p.id) v where p.external_id = 'erased-1'`;
  const run = await beginAndStage(db.sql, rows('erased-1', 'erased-9'), 'erased');
  await analyze(db.sql, run);

  const url = db.server.url('postgres', db.name);
  const [erasing, importing] = [connect(url, 1), connect(url, 1)];
  try {
    // profile_erase begins with the accounts
    await erasing`begin`;
    await erasing`select from accounts where user_id = ${person} for no key update`;
    const pids = { erasing: await backendOf(erasing), importing: await backendOf(importing) };
    await beginAs(importing, BACKEND);
    const applied = send(importing, applying(run));
    const isBlocked = async () => {
      const [row] = await db.sql<{ blocked: boolean }[]>`
        select ${pids.erasing} = any (pg_blocking_pids(${pids.importing})) as blocked`;
      return row?.blocked ?? false;
    };
    while (!(await isBlocked())) {
      // the import is on its way to the account
    }
    const [erased] = await erasing`select success from profile_erase(${person})`;
    await erasing`commit`;
    expect(erased).toEqual({ success: true });
    expect(await applied).toMatchObject({ success: true, done: true, rejected_rows: 2 });
    await importing`commit`;
  } finally {
    await Promise.all([erasing.end({ timeout: 0 }), importing.end({ timeout: 0 })]);
  }
});

testThatBooksAreInOrder(db, crowd);
