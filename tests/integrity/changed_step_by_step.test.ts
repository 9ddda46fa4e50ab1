import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runFile } from '../../local/database/load-sql.ts';
import { PROJECT_ROOT } from '../../local/database/supabase-cli.ts';
import { connect } from '../support/connection.ts';
import { type Answer, BACKEND, type Call, perform } from '../support/sessions.ts';
import { createCustomer, createVariant, placed } from '../support/shop.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { openTraffic } from './traffic.ts';

/*
 * One operation after the other, each in a transaction of its own and followed by a run of what has changed: all
 * that the operation wrote to is in the scope of the run, nothing is found, and what is then broken of it is.
 */
const KINDS = 20;
const db = await createTestDatabase('changed_step_by_step');
const sql = connect(db.server.url('supabase_admin', db.name), 1);
afterAll(() => sql.end());

beforeAll(async () => {
  for (const helpers of ['000-setup.sql', '000-watch.sql']) {
    await runFile(sql, join(PROJECT_ROOT, 'tests', 'database', helpers));
  }
});

type Subject = 'account' | 'order' | 'variant';
type Rows = Map<string, { subject: Subject; digest: string }>;

/** A digest of every account, of every order with its lines, and of every variant's stock. */
async function digests(): Promise<Rows> {
  const rows = await sql<{ subject: Subject; id: string; digest: string }[]>`
    select 'account' as subject, a.id, md5(a::text) as digest from public.accounts a
    union all
    select 'order', o.id, md5(o::text || (select string_agg(i::text, ' ' order by i.line_number) from public.order_items i where i.order_id = o.id))
    from public.orders o
    union all
    select 'variant', s.variant_id, md5(string_agg(s::text, ' ' order by s.slot)) from public.stock_levels s group by s.variant_id`;
  return new Map(rows.map(({ subject, id, digest }) => [id, { subject, digest }]));
}

/** What the next run of what has changed looks at. */
async function scope(): Promise<Record<Subject, string[]>> {
  const [ids] = await sql<Record<Subject, string[]>[]>`
    select s.touched_account_ids as account, s.order_ids as order, s.touched_variant_ids as variant
    from (select max(r.horizon) as horizon from public.reconciliation_runs r) r
    cross join lateral ledger.changed_since(r.horizon) s`;
  if (!ids) throw new Error('there is no run to go on from');
  return ids;
}

async function run(): Promise<{ scope: string; by_check: Record<string, number> }> {
  const [answer] = await sql<{ scope: string; by_check: Record<string, number> }[]>`
    select r.scope, (r.details -> 'by_check') - 'event_has_its_message' as by_check
    from ledger.run_checks(null, 'changed') r`;
  if (!answer) throw new Error('the run answered nothing');
  return answer;
}

/** A corruption of each, and the check that names it. */
const CORRUPTIONS: Record<Subject, [check: string, statement: string]> = {
  account: [
    'account_equals_last_transaction',
    'update public.accounts set total_earned = total_earned + 1 where id = $id',
  ],
  order: [
    'order_equals_its_placing',
    `update public.orders set order_number = 'ELSE' where id = $id`,
  ],
  variant: [
    'stock_equals_last_movement',
    'update public.stock_levels set on_hand = on_hand + 1 where variant_id = $id',
  ],
};

/** What a run finds when this is broken; and then it never was. */
async function foundAfter(subject: Subject, id: string): Promise<string[]> {
  const [, statement] = CORRUPTIONS[subject];
  await sql.unsafe('begin');
  try {
    await sql`select tests.tamper(${statement.replace('$id', `'${id}'`)})`;
    return Object.keys((await run()).by_check);
  } finally {
    await sql.unsafe('rollback');
  }
}

type Changed = { id: string; subject: Subject }[];

/** Makes a call; answers what it wrote to, all of which the next run looks at, or nothing when it was refused. */
async function step(call: Call, onAnswer: (answer: Answer) => void): Promise<Changed | undefined> {
  const before = await digests();
  const answer = await perform(sql, call);
  onAnswer(answer);
  if (!answer.success) return undefined;
  const looked = await scope();
  const changed = [...(await digests())]
    .filter(([id, { digest }]) => before.get(id)?.digest !== digest)
    .map(([id, { subject }]) => ({ id, subject }));
  for (const { id, subject } of changed) {
    expect(looked[subject], `${call.procedure}: ${subject}`).toContain(id);
  }
  return changed;
}

test('whatever an operation wrote to is looked at by the next run, and found when it is broken', async () => {
  const traffic = await openTraffic(db.sql);
  await sql`select ledger.run_checks()`;
  const kinds = new Set<string>();
  const broken = new Set<Subject>();
  for (let calls = 0; kinds.size < KINDS && calls < 1000; calls += 1) {
    const call = await traffic.next(0);
    const changed = call && (await step(call, (answer) => traffic.remember(call, answer)));
    // the rest of it once for each kind of operation
    if (!changed || kinds.has(call.procedure)) continue;
    kinds.add(call.procedure);
    for (const subject of ['account', 'order', 'variant'] as const) {
      const id = changed.find((one) => one.subject === subject)?.id;
      if (id === undefined) continue;
      const found = await foundAfter(subject, id);
      expect(found, `${call.procedure}: ${subject}`).toContain(CORRUPTIONS[subject][0]);
      broken.add(subject);
    }
    expect(await run(), call.procedure).toEqual({ scope: 'changed', by_check: {} });
  }
  expect(traffic.refused()).toEqual([]);
  expect(broken.size, 'accounts, orders and variants were broken').toBe(3);
  expect(kinds.size, [...kinds].join(', ')).toBe(KINDS);
}, 120_000);

test('what an edit took out of its order is looked at', async () => {
  const customer = await createCustomer(db.sql, { balance: 5000 });
  const kept = await createVariant(db.sql, { stock: 5 });
  const taken = await createVariant(db.sql, { stock: 5 });
  const order = await placed(db.sql, customer, [
    [kept, 1],
    [taken, 2],
  ]);
  await run();
  const edit: Call = {
    actor: BACKEND,
    procedure: 'ledger_edit_order',
    args: { p_order_id: order.id, p_changes: [{ line_number: 2, quantity: 0 }] },
  };
  const changed = await step(edit, (answer) => expect(answer.error_message).toBe(null));
  expect(changed).toContainEqual({ id: taken, subject: 'variant' });
  expect(await foundAfter('variant', taken)).toContain('stock_equals_last_movement');
  expect(await run()).toEqual({ scope: 'changed', by_check: {} });
});
