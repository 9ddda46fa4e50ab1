import { beforeAll, expect, test } from 'vitest';
import { expectBooksInOrder, expectNoDeadlock } from '../support/books.ts';
import { connect, type Transaction } from '../support/connection.ts';
import { perform } from '../support/sessions.ts';
import { createCustomer, createVariant, place } from '../support/shop.ts';
import { createTestDatabase } from '../support/test-database.ts';

/** Months of a shop whose default partition is large: it imported old orders, or the job was off. */
const db = await createTestDatabase('large_default_partition');
const { sql } = db;
const OLD_EVENTS = 300_000;
const STEPS = 3;

interface Turn {
  made: number;
  /** Rows of the default that were read in this turn, one by one. */
  read: number;
  /** Whether who writes to the default had to wait for the end of the turn. */
  shut: boolean;
}

const monthsOfEvents = async () =>
  (
    await sql<{ name: string }[]>`
      select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent = 'public.immutable_events'::regclass and c.relname not like '%default' order by 1`
  ).map(({ name }) => name);

const constraints = async () =>
  (
    await sql<{ name: string }[]>`
      select rule_name as name from ledger.months_said_empty('immutable_events') order by 1`
  ).map(({ name }) => name);

const rowsRead = async (job: Transaction) => {
  const [row] = await job<{ read: number }[]>`
    select seq_tup_read::int as read from pg_stat_xact_user_tables where relid = 'ledger.immutable_events_default'::regclass`;
  return row?.read ?? 0;
};

/** One turn of the job, in a transaction of its own. */
const turn = (): Promise<Turn> =>
  sql.begin(async (job) => {
    const before = await rowsRead(job);
    const [row] = await job<{ made: number }[]>`select ledger.create_month_partitions() as made`;
    const [lock] = await job<{ shut: boolean }[]>`
      select exists (select from pg_locks where pid = pg_backend_pid()
        and relation = 'ledger.immutable_events_default'::regclass and mode = 'AccessExclusiveLock') as shut`;
    if (row === undefined || lock === undefined) throw new Error('the job answers nothing');
    return { made: row.made, shut: lock.shut, read: (await rowsRead(job)) - before };
  });

beforeAll(async () => {
  for (const name of await monthsOfEvents()) await sql.unsafe(`drop table ledger.${name}`);
  // a long transaction would hold back the sealers of other tests
  const PART = 10_000;
  const insert = async (one: Transaction, after: number) => {
    await one`select set_config('ledger.procedure', 'test', true)`;
    await one`
      insert into public.immutable_events (occurred_at, event_type, stream_type, stream_id, payload, correlation_id)
      select timestamptz '2020-01-01' + n * interval '3 minutes', 'test', 'test', md5(n::text)::uuid, '{}', md5(n::text)::uuid
      from generate_series(${after + 1}::int, ${after + PART}::int) n`;
  };
  for (let n = 0; n < OLD_EVENTS; n += PART) await sql.begin((one) => insert(one, n));
});

test('a default of 300,000 events is never read while who writes to it waits', async () => {
  const variant = await createVariant(sql, { stock: 100_000 });
  const customers = [
    await createCustomer(sql, { balance: 1_000_000 }),
    await createCustomer(sql, { balance: 1_000_000 }),
  ];
  const pool = connect(db.server.url('postgres', db.name), customers.length);
  const waits: number[] = [];
  let isOver = false;
  const orders = async (customer: string) => {
    const session = await pool.reserve();
    while (!isOver) {
      const startedAt = performance.now();
      expect(await perform(session, place(customer, [[variant, 1]]))).toMatchObject({
        success: true,
      });
      waits.push(performance.now() - startedAt);
    }
    session.release();
  };
  const job = async () => {
    const turns: Turn[] = [];
    for (let n = 0; n < STEPS; n++) turns.push(await turn());
    isOver = true;
    return turns;
  };
  const [turns] = await Promise.all([job(), ...customers.map(orders)]);
  await pool.end();

  console.log(
    `longest of ${waits.length} orders beside the job: ${Math.round(Math.max(...waits))} ms`,
  );
  for (const { shut, read } of turns) if (shut) expect(read).toBe(0);
  expect(turns.map(({ shut }) => shut)).toEqual([true, false, true]);
  expect(turns[1]?.read).toBeGreaterThan(OLD_EVENTS);
  // at the end of a month the next one begins within the week in which nothing is made in this way
  expect(turns[2]?.made).toBeGreaterThanOrEqual(2);
  expect(await constraints()).toEqual([]);
  await expectNoDeadlock(sql);
  await expectBooksInOrder(sql);
});

test('the audit log has its turn behind the events', async () => {
  const before = await monthsOfEvents();
  const next = await turn();
  expect(next.shut).toBe(false);
  expect(await monthsOfEvents()).toEqual(before);
});

test('a month that was prepared, and for which no run came until it is near, refuses nothing after the next run', async () => {
  await sql`
    alter table ledger.immutable_events_default
      add constraint nothing_lies_here_from_2026_01_01 check (occurred_at < '2026-01-01+00' or occurred_at >= '2026-02-01+00') not valid`;
  const before = await monthsOfEvents();
  expect(await constraints()).toEqual(['nothing_lies_here_from_2026_01_01']);
  expect(await turn()).toMatchObject({ made: 0, read: 0 });
  expect(await constraints()).toEqual([]);
  expect(await monthsOfEvents()).toEqual(before);
});

test('an event of a month that is being prepared is refused only until the job is done with it', async () => {
  const [newest] = (await monthsOfEvents()).slice(-1);
  await sql.unsafe(`drop table ledger.${newest}`);
  await turn();
  expect(await constraints()).toHaveLength(1);
  await turn();
  expect((await turn()).made).toBe(1);
  expect(await constraints()).toEqual([]);
  expect(await monthsOfEvents()).toContain(newest);
});
