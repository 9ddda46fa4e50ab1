import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PROJECT_ROOT } from '../../local/database/supabase-cli.ts';
import { type PostgresServer, startPostgres } from '../../local/postgres/postgres.ts';
import { databaseFromMigrations, databaseFromSql } from '../../local/tools/diff/scratch.ts';
import { expectBooksInOrder, sealEverything } from '../support/books.ts';
import { connect, type Sql } from '../support/connection.ts';
import { rounds } from '../support/rounds.ts';
import { type Answer, type Call, perform } from '../support/sessions.ts';
import { createCustomer, createVariant, credit, place } from '../support/shop.ts';

/*
 * A durable server of its own is killed, all its processes at once and without a word, while it
 * serves. What it had acknowledged must be there when it comes up on the same folder.
 */
const CLIENTS = 12;
const ACKNOWLEDGED_BEFORE_THE_END = 80;
const DATABASE = 'shop';

const folder = mkdtempSync(join(tmpdir(), 'order-ledger-crash-'));
const dataDir = join(folder, 'postgres');
let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres({ dataDir });
  const build = process.env.TEST_SCHEMA === 'sql' ? databaseFromSql : databaseFromMigrations;
  await build(server, DATABASE, PROJECT_ROOT);
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

async function withShop<T>(connections: number, work: (sql: Sql) => Promise<T>): Promise<T> {
  const sql = connect(server.url('postgres', DATABASE), connections);
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 0 });
  }
}

async function performOn(sql: Sql, call: Call): Promise<Answer> {
  const connection = await sql.reserve();
  try {
    return await perform(connection, call);
  } finally {
    connection.release();
  }
}

/** SIGKILL for the server and every process it has. */
async function killServer(): Promise<void> {
  const pids = await withShop(
    1,
    (sql) => sql<{ pid: number }[]>`select pid from pg_stat_activity where pid is not null`,
  );
  for (const pid of [server.pid, ...pids.map((row) => row.pid)]) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      // a session that ended of itself since
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

interface Sent {
  call: Call;
  answer?: Answer;
}

test.for(rounds(3))(
  'no acknowledged order is lost and none is half there when the server is killed (round %i)',
  async () => {
    const { customers, variant } = await withShop(4, async (sql) => ({
      variant: await createVariant(sql, { stock: 1_000_000, price: 100 }),
      customers: await Promise.all(
        Array.from({ length: CLIENTS }, () => createCustomer(sql, { balance: 1_000_000 })),
      ),
    }));

    // load, and the end of it
    const sent: Sent[] = [];
    let acknowledged = 0;
    let killed: Promise<void> | undefined;
    const lost: unknown[] = [];
    const client = async (sql: Sql, customer: string) => {
      const connection = await sql.reserve();
      for (let turn = 0; ; turn += 1) {
        const key = { p_idempotency_key: randomUUID() };
        const one: Sent = {
          call:
            turn % 4 === 3
              ? credit(customer, 50, key)
              : place(customer, [[variant, 1 + (turn % 3)]], key),
        };
        sent.push(one);
        one.answer = await perform(connection, one.call);
        acknowledged += 1;
        if (acknowledged >= ACKNOWLEDGED_BEFORE_THE_END) killed ??= killServer();
      }
    };
    await withShop(CLIENTS, async (sql) => {
      const ends = await Promise.allSettled(customers.map((customer) => client(sql, customer)));
      lost.push(
        ...ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : [])),
      );
    });
    await killed;
    expect(lost).toHaveLength(CLIENTS);

    server = await startPostgres({ dataDir });
    await withShop(CLIENTS, async (sql) => {
      const known = sent.filter((one) => one.answer !== undefined);
      const unknown = sent.filter((one) => one.answer === undefined);
      expect(known.length).toBeGreaterThanOrEqual(ACKNOWLEDGED_BEFORE_THE_END);
      expect(unknown.length).toBeGreaterThan(0);

      // what was acknowledged is answered again as it was; what was not is sent again, twice
      expect(await Promise.all(known.map((one) => performOn(sql, one.call)))).toEqual(
        known.map((one) => one.answer),
      );
      const retried = await Promise.all(unknown.map((one) => performOn(sql, one.call)));
      expect(retried.every((answer) => answer.success)).toBe(true);
      expect(await Promise.all(unknown.map((one) => performOn(sql, one.call)))).toEqual(retried);

      const answers = [...known.map((one) => one.answer), ...retried];
      const orders = await sql`select id from orders where user_id = any (${customers})`;
      expect(orders.map((row) => row.id as string).toSorted()).toEqual(
        answers.flatMap((answer) => answer?.order_id ?? []).toSorted(),
      );
      const credits = await sql`
      select t.id from transactions t join accounts a on a.id = t.account_id
      where a.user_id = any (${customers}) and t.type = 'deposit' and t.amount = 50`;
      expect(credits.map((row) => row.id as string).toSorted()).toEqual(
        answers
          .flatMap((answer) => (answer?.order_id ? [] : (answer?.transaction_id ?? [])))
          .toSorted(),
      );
      await expectBooksInOrder(sql);
      await sealEverything(sql);
      expect([
        ...(await sql`select * from ledger.verify_seals() where problem is not null`),
      ]).toEqual([]);
    });
  },
);
