import { beforeAll, expect, test } from 'vitest';
import { expectBooksInOrder, expectNoDeadlock } from '../support/books.ts';
import { connect } from '../support/connection.ts';
import { backendOf, type Call, perform, send } from '../support/sessions.ts';
import { createCustomer, createVariant, credit, place } from '../support/shop.ts';
import { createTestDatabase } from '../support/test-database.ts';

/** The jobs of partitions beside traffic: an order neither fails for them nor waits longer than they do. */
const db = await createTestDatabase('partition_job');
const { sql } = db;
const url = db.server.url('postgres', db.name);
const LOCK_TIMEOUT = 900;

const partitionsOf = async (table: string) =>
  (
    await sql<{ name: string }[]>`
      select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent = ${table}::regclass and c.relname not like '%default' order by 1`
  ).map(({ name }) => name);

/** As if the job had never run: what is in the defaults stays, all months go. */
beforeAll(async () => {
  for (const table of ['immutable_events', 'audit_log']) {
    for (const name of await partitionsOf(table)) await sql.unsafe(`drop table ledger.${name}`);
  }
  await createCustomer(sql, { balance: 1 });
});

test('a session that holds the audit log and then wants the events meets the job without a deadlock', async () => {
  const [customer, pool] = [await createCustomer(sql), connect(url, 2)];
  const [writer, job] = [await pool.reserve(), await pool.reserve()];
  try {
    const writerPid = await backendOf(writer);
    // a hand edit, which leaves a line in the audit log
    await writer.unsafe(
      "begin; update public.settings set value = '200' where key = 'audit_retention_days'",
    );

    // events are free, the audit log is not: its months are left for the next run
    await job.unsafe('begin');
    const [made] = await job<{ made: number }[]>`select ledger.create_month_partitions(1) as made`;
    // on the last day of a month there is no rest of it to make
    expect(made?.made).toBeGreaterThan(0);
    expect(await partitionsOf('audit_log')).toEqual([]);

    const call = credit(customer, 5);
    const answer = send(writer, call);
    answer.catch(() => {});
    const isWaiting = async () => {
      const [row] = await sql<{ waits: boolean }[]>`
        select cardinality(pg_blocking_pids(${writerPid})) > 0 as waits`;
      return row?.waits;
    };
    while (!(await isWaiting()));
    await job.unsafe('commit');
    expect(await answer).toMatchObject({ success: true });
    await writer.unsafe('commit');
  } finally {
    writer.release();
    job.release();
    await pool.end();
  }
  const [rest] = await sql<{ made: number }[]>`select ledger.create_month_partitions(1) as made`;
  expect(rest?.made).toBeGreaterThan(0);
  await expectNoDeadlock(sql);
});

test('orders go on while months are attached and dropped: none fails, none waits longer than the job may', async () => {
  const variant = await createVariant(sql, { stock: 100_000 });
  const customers = await Promise.all(
    Array.from({ length: 4 }, () => createCustomer(sql, { balance: 1_000_000 })),
  );
  const pool = connect(url, customers.length + 2);
  let isOver = false;
  const waits: number[] = [];
  const orders = async (customer: string) => {
    const session = await pool.reserve();
    while (!isOver) {
      const startedAt = performance.now();
      const call: Call = place(customer, [[variant, 1]]);
      expect(await perform(session, call)).toMatchObject({ success: true });
      waits.push(performance.now() - startedAt);
    }
    session.release();
  };
  const jobs = async () => {
    const session = await pool.reserve();
    let made = 0;
    for (let ahead = 2; ahead < 40; ahead++) {
      // behind the writers it may give up: then it has its turn again
      const [row] = await session<
        { made: number }[]
      >`select ledger.create_month_partitions(${ahead}) as made`.catch((error: unknown) => {
        expect(error).toMatchObject({ code: '55P03' });
        return [{ made: 0 }];
      });
      made += row?.made ?? 0;
      await session`select ledger.purge_audit_log()`;
    }
    isOver = true;
    session.release();
    return made;
  };
  // old months to drop, beside those that are made
  for (let n = 1; n <= 12; n++) {
    await sql.unsafe(`create table ledger.audit_log_2020_${String(n).padStart(2, '0')} partition of public.audit_log
      for values from ('2020-01-01'::timestamptz + interval '${n - 1} months') to ('2020-01-01'::timestamptz + interval '${n} months')`);
  }
  const [made] = await Promise.all([jobs(), ...customers.map(orders)]);
  await pool.end();

  expect(made).toBeGreaterThan(40);
  expect(await partitionsOf('audit_log')).not.toContain('audit_log_2020_12');
  expect(waits.length).toBeGreaterThan(customers.length);
  // twice the wait for a lock, for the parent and a partition of it, and what a busy machine takes
  expect(Math.max(...waits)).toBeLessThan(2 * LOCK_TIMEOUT + 1000);
  await expectNoDeadlock(sql);
  await expectBooksInOrder(sql);
});

test('rows of the month in which the job ran late stay in the default, and later days have a partition', async () => {
  const [, [late]] = await sql.begin((one) => [
    one`set local timezone = 'UTC'`,
    one<{ bound: string; events: number }[]>`
      select pg_get_expr(c.relpartbound, c.oid) as bound, (select count(*) from ledger.immutable_events_default) as events
      from pg_class c where c.relname = to_char(now() at time zone 'UTC', '"immutable_events_"YYYY_MM')`,
  ]);
  const [day] = await sql<{ tomorrow: string; isLast: boolean }[]>`
    select to_char(date_trunc('day', now() at time zone 'UTC') + interval '1 day', 'YYYY-MM-DD') as tomorrow,
      extract(day from (now() at time zone 'UTC') + interval '1 day') = 1 as "isLast"`;
  if (!day?.isLast) {
    expect(late?.bound).toContain(`FROM ('${day?.tomorrow} 00:00:00`);
    expect(late?.events).toBeGreaterThan(0);
  }
});
