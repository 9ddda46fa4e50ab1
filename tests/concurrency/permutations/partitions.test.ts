import { expect, test } from 'vitest';
import { testThatBooksAreInOrder } from '../../support/crowd.ts';
import { interleave } from '../../support/interleave.ts';
import { createCustomer, createVariant, credit, place } from '../../support/shop.ts';
import { createTestDatabase } from '../../support/test-database.ts';

const [bare, db] = [
  await createTestDatabase('permutations_no_month'),
  await createTestDatabase('permutations_partitions'),
];

/** Months that have a partition of events. */
const months = async () =>
  (
    await db.sql`
      select count(*) from pg_inherits
      where inhparent = 'public.immutable_events'::regclass
        and inhrelid <> 'ledger.immutable_events_default'::regclass`
  )[0]?.count as number;

const job = (monthsAhead: number) => ({
  statements: `select ledger.create_month_partitions(${monthsAhead})`,
});

/** The job that makes one month more than there is. */
const oneMoreMonth = async () => job(await months());

test('the first job of a new shop beside its first event: the event is kept and the job succeeds', async () => {
  await interleave(bare, async () => {
    // as if there had been no job: the month is attached while the event is on its way
    for (const table of ['immutable_events', 'audit_log']) {
      const rows = await bare.sql<{ name: string }[]>`
        select inhrelid::regclass::text as name from pg_inherits
        where inhparent = ${table}::regclass and inhrelid::regclass::text not like '%default'`;
      for (const { name } of rows) await bare.sql.unsafe(`drop table ${name}`);
    }
    const customer = await bare.createUser();
    return {
      sessions: { writer: credit(customer, 100), job: job(3) },
      async check({ answer, endings }) {
        expect(answer('writer').success).toBe(true);
        const [events] = await bare.sql`
          select count(*) from immutable_events e join accounts a on a.id = e.account_id where a.user_id = ${customer}`;
        expect(events).toEqual({ count: endings.writer === 'commit' ? 1 : 0 });
      },
    };
  });
});

test('the job beside a placement: the order is placed and the month is there', async () => {
  await db.sql`select ledger.create_month_partitions(3)`;
  await interleave(db, async (sql) => {
    const customer = await createCustomer(sql, { balance: 1000 });
    const variant = await createVariant(sql, { stock: 1 });
    const before = await months();
    return {
      sessions: { job: await oneMoreMonth(), writer: place(customer, [[variant, 1]]) },
      async check({ answer, endings }) {
        expect(answer('writer').success).toBe(true);
        expect((await months()) - before).toBe(endings.job === 'commit' ? 1 : 0);
        const [stray] = await sql`select count(*) from ledger.immutable_events_default`;
        expect(stray).toEqual({ count: 0 });
      },
    };
  });
});

test('the job that waits for somebody who reads the events keeps nobody from placing orders', async () => {
  await interleave(
    db,
    async (sql) => {
      const customer = await createCustomer(sql, { balance: 1000 });
      const variant = await createVariant(sql, { stock: 1 });
      return {
        sessions: {
          reader: { statements: 'select count(*) from public.immutable_events, public.audit_log' },
          job: await oneMoreMonth(),
          writer: place(customer, [[variant, 1]]),
        },
        check({ answer, waited }) {
          expect(answer('writer').success).toBe(true);
          expect(waited).not.toContain('writer');
        },
      };
    },
    [
      { order: ['reader', 'job', 'writer', 'writer', 'reader', 'job'], endings: {} },
      { order: ['reader', 'job', 'writer', 'reader', 'writer', 'job'], endings: {} },
      { order: ['writer', 'reader', 'job', 'reader', 'writer', 'job'], endings: {} },
    ],
  );
});

test('two jobs at once make each month once', async () => {
  await interleave(db, async () => {
    const before = await months();
    return {
      sessions: { a: await oneMoreMonth(), b: await oneMoreMonth() },
      async check() {
        expect((await months()) - before).toBe(1);
      },
    };
  });
});

testThatBooksAreInOrder(db);
