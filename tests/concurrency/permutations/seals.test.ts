import { expect, test } from 'vitest';
import { expectBooksSealed } from '../../support/books.ts';
import { testThatBooksAreInOrder } from '../../support/crowd.ts';
import { interleave } from '../../support/interleave.ts';
import { createCustomer, credit } from '../../support/shop.ts';
import { createTestDatabase } from '../../support/test-database.ts';

const db = await createTestDatabase('permutations_seals');

const SEALER = { statements: 'select ledger.seal_events()' };

/** Events of these customers, and how many of them the last seal covers. */
async function sealedEventsOf(...people: string[]) {
  const [row] = await db.sql`
    with last as (select last_xid, last_event_id from event_seals order by seal_number desc limit 1)
    select count(*) as events,
           count(*) filter (where (e.written_by_xid, e.id) <= (select l.last_xid, l.last_event_id from last l)) as sealed
    from immutable_events e join accounts a on a.id = e.account_id where a.user_id = any (${people})`;
  return row;
}

test('what a running transaction has written is under no seal, and under one when it has ended', async () => {
  await interleave(db, async (sql) => {
    const customer = await createCustomer(sql);
    return {
      sessions: { writer: credit(customer, 100), sealer: SEALER },
      async check({ trace, endings, waited }) {
        expect(waited).toEqual([]);
        const written = endings.writer === 'commit' ? 1 : 0;
        if (trace.indexOf('sealer acts') < trace.indexOf('writer commits')) {
          expect(await sealedEventsOf(customer)).toEqual({ events: written, sealed: 0 });
        }
        await expectBooksSealed(sql);
        expect(await sealedEventsOf(customer)).toEqual({ events: written, sealed: written });
      },
    };
  });
});

test('an event that is committed after a younger one is not left out by the sealer between them', async () => {
  const traces = await interleave(
    db,
    async (sql) => {
      const [early, late] = [await createCustomer(sql), await createCustomer(sql)];
      return {
        sessions: { early: credit(early, 100), late: credit(late, 100), sealer: SEALER },
        async check() {
          // everything from the oldest running transaction on has to wait for it
          expect(await sealedEventsOf(early, late)).toEqual({ events: 2, sealed: 0 });
          await expectBooksSealed(sql);
          expect(await sealedEventsOf(early, late)).toEqual({ events: 2, sealed: 2 });
        },
      };
    },
    [
      { order: ['early', 'late', 'late', 'sealer', 'sealer', 'early'], endings: {} },
      { order: ['early', 'late', 'late', 'sealer', 'early', 'sealer'], endings: {} },
      { order: ['early', 'late', 'sealer', 'early', 'late', 'sealer'], endings: {} },
      { order: ['early', 'late', 'sealer', 'late', 'sealer', 'early'], endings: {} },
      { order: ['early', 'sealer', 'late', 'late', 'sealer', 'early'], endings: {} },
    ],
  );
  expect(traces).toHaveLength(5);
});

test('two sealers at once: one seals, the other has nothing to add and does not wait', async () => {
  await interleave(db, async (sql) => {
    const customer = await createCustomer(sql, { balance: 100 });
    return {
      sessions: { a: SEALER, b: SEALER },
      async check({ waited }) {
        expect(waited).toEqual([]);
        await expectBooksSealed(sql);
        expect(await sealedEventsOf(customer)).toEqual({ events: 1, sealed: 1 });
      },
    };
  });
});

testThatBooksAreInOrder(db);
