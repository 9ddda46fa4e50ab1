import { expect, test } from 'vitest';
import { testThatBooksAreInOrder } from '../../support/crowd.ts';
import { interleave, overlaps } from '../../support/interleave.ts';
import {
  adjustStock,
  cancel,
  createCustomer,
  createVariant,
  place,
  placed,
} from '../../support/shop.ts';
import {
  createSpreadVariant,
  pass,
  release,
  reserve,
  reserved,
  spreadStock,
  stockOf,
} from '../../support/stock.ts';
import { createTestDatabase } from '../../support/test-database.ts';

const db = await createTestDatabase('permutations_stock');

const EXPIRE = { statements: 'select ledger.expire_reservations()' };
const buyers = async (count: number) =>
  Promise.all(Array.from({ length: count }, () => createCustomer(db.sql, { balance: 10_000 })));

test('a reservation, placed with while it is released: one of the two has it', async () => {
  const traces = await interleave(db, async (sql) => {
    const variant = await createVariant(sql, { stock: 3 });
    const [owner = ''] = await buyers(1);
    const reservation = await reserved(sql, owner, [[variant, 3]]);
    return {
      sessions: {
        a: place(owner, [[variant, 2]], { p_reservation_id: reservation }),
        b: release(owner, reservation),
      },
      async check({ committed, endings, answer }) {
        const winners = committed.filter((one) => one.success);
        expect(winners).toHaveLength(1);
        expect(committed.filter((one) => !one.success).map((one) => one.error_code)).toEqual(
          committed.length === 2 ? ['reservation_conflict'] : [],
        );
        const bought = endings.a !== 'rollback' && answer('a').success;
        expect(await stockOf(sql, variant)).toMatchObject({ onHand: bought ? 1 : 3, held: 0 });
      },
    };
  });
  expect(traces).toContain('a acts, b acts: waits, a commits, b goes on, b commits');
});

test('a reservation past its time, placed with while it expires: it is refused, and its units are free', async () => {
  await interleave(
    db,
    async (sql) => {
      const variant = await createVariant(sql, { stock: 3 });
      const [owner = '', other = ''] = await buyers(2);
      const reservation = await reserved(sql, owner, [[variant, 3]]);
      await pass(sql, reservation);
      return {
        sessions: {
          a: place(owner, [[variant, 2]], { p_reservation_id: reservation }),
          b: EXPIRE,
          c: place(other, [[variant, 3]]),
        },
        async check({ answer, endings, trace }) {
          expect(answer('a').error_code).toBe('reservation_expired');
          const bought = answer('c').success;
          // who comes before the job is told that nothing is available
          const afterJob =
            trace.includes('b commits') &&
            trace.indexOf('b commits') <
              Math.max(trace.indexOf('c acts'), trace.indexOf('c goes on'));
          expect(bought).toBe(afterJob);
          expect(endings.b).not.toBe('rollback');
          await sql`select ledger.expire_reservations()`;
          expect(await stockOf(sql, variant)).toMatchObject({ onHand: bought ? 0 : 3, held: 0 });
        },
      };
    },
    overlaps(['a', 'b', 'c']),
  );
});

test('a reservation and an order for the last units: one has them', async () => {
  await interleave(db, async (sql) => {
    const variant = await createVariant(sql, { stock: 2 });
    const [one = '', two = ''] = await buyers(2);
    return {
      sessions: { a: reserve(one, [[variant, 2]]), b: place(two, [[variant, 2]]) },
      async check({ committed, answer, endings }) {
        expect(committed.filter((each) => each.success)).toHaveLength(1);
        const held = endings.a !== 'rollback' && answer('a').success;
        expect(await stockOf(sql, variant)).toMatchObject(
          held ? { onHand: 2, held: 2 } : { onHand: 0, held: 0 },
        );
      },
    };
  });
});

test('two orders of one unit each over two slots: both have it, neither waits', async () => {
  const traces = await interleave(db, async (sql) => {
    const variant = await createSpreadVariant(sql, { stock: 2, slots: 2 });
    const [one = '', two = ''] = await buyers(2);
    return {
      sessions: { a: place(one, [[variant, 1]]), b: place(two, [[variant, 1]]) },
      async check({ committed, waited }) {
        expect(waited).toEqual([]);
        expect(committed.every((answer) => answer.success)).toBe(true);
        expect(await stockOf(sql, variant)).toMatchObject({ onHand: 2 - committed.length });
      },
    };
  });
  expect(traces).toHaveLength(18);
});

test('two orders for the last units of two slots: one has both', async () => {
  const traces = await interleave(db, async (sql) => {
    const variant = await createSpreadVariant(sql, { stock: 2, slots: 2 });
    const [one = '', two = ''] = await buyers(2);
    return {
      sessions: { a: place(one, [[variant, 2]]), b: place(two, [[variant, 2]]) },
      async check({ committed }) {
        expect(committed.map((answer) => answer.error_code).toSorted()).toEqual(
          committed.length === 2 ? ['insufficient_stock', null] : [null],
        );
        expect(await stockOf(sql, variant)).toMatchObject({ onHand: 0 });
      },
    };
  });
  expect(traces).toContain('a acts, b acts: waits, a commits, b goes on, b commits');
  expect(traces).toContain('a acts, b acts: waits, a rolls back, b goes on, b commits');
});

test('an order beside the number of slots that changes: it is never refused, whatever it saw', async () => {
  for (const [before, after] of [
    [1, 4],
    [4, 1],
    [2, 8],
  ] as const) {
    await interleave(db, async (sql) => {
      const variant = await createSpreadVariant(sql, { stock: 8, slots: before });
      const [buyer = ''] = await buyers(1);
      return {
        sessions: { a: spreadStock(variant, after), b: place(buyer, [[variant, 7]]) },
        async check({ committed }) {
          expect(committed.map((answer) => answer.error_code)).toEqual(committed.map(() => null));
        },
      };
    });
  }
});

test('an order of two products that waits while the first one is spread takes it from its new slots', async () => {
  const traces = await interleave(
    db,
    async (sql) => {
      const [mug, cup] = [
        await createVariant(sql, { stock: 8 }),
        await createVariant(sql, { stock: 8 }),
      ];
      const [buyer = ''] = await buyers(1);
      return {
        sessions: {
          a: spreadStock(mug, 4),
          b: place(buyer, [
            [mug, 7],
            [cup, 1],
          ]),
        },
        async check({ answer }) {
          expect(answer('b').error_code).toBeNull();
          expect(await stockOf(sql, mug)).toMatchObject({ onHand: 1 });
        },
      };
    },
    [{ order: ['a', 'b', 'a', 'b'], endings: {} }],
  );
  expect(traces).toEqual(['a acts, b acts: waits, a commits, b goes on, b commits']);
});

test('units counted away from several slots beside an order: none is taken twice', async () => {
  await interleave(db, async (sql) => {
    const variant = await createSpreadVariant(sql, { stock: 6, slots: 3 });
    const [buyer = ''] = await buyers(1);
    return {
      sessions: {
        a: adjustStock(variant, -4, { p_reason: 'damaged' }),
        b: place(buyer, [[variant, 4]]),
      },
      async check({ committed }) {
        expect(committed.filter((answer) => answer.success)).toHaveLength(1);
        expect(await stockOf(sql, variant)).toMatchObject({ onHand: 2 });
      },
    };
  });
});

test('received units beside an order that has to wait for them: they find each other', async () => {
  await interleave(db, async (sql) => {
    const variant = await createSpreadVariant(sql, { stock: 1, slots: 2 });
    await sql`update variants set backorder_allowed = true where id = ${variant}`;
    const [buyer = ''] = await buyers(1);
    return {
      sessions: { a: adjustStock(variant, 2), b: place(buyer, [[variant, 3]]) },
      async check({ committed, endings }) {
        expect(committed.every((answer) => answer.success)).toBe(true);
        const [received, ordered] = [endings.a !== 'rollback', endings.b !== 'rollback'];
        expect(await stockOf(sql, variant)).toMatchObject({
          onHand: ordered ? 0 : 3,
          waiting: ordered && !received ? 2 : 0,
        });
      },
    };
  });
});

test('the cancellation of one order that waits beside that of another that has units: nothing is lost', async () => {
  await interleave(db, async (sql) => {
    const variant = await createVariant(sql, { stock: 2 });
    await sql`update variants set backorder_allowed = true where id = ${variant}`;
    const [one = '', two = ''] = await buyers(2);
    const [first, second] = [
      await placed(sql, one, [[variant, 2]]),
      await placed(sql, two, [[variant, 3]]),
    ];
    return {
      sessions: { a: cancel(one, first.id), b: cancel(two, second.id) },
      async check({ committed, endings }) {
        expect(committed.every((answer) => answer.success)).toBe(true);
        const [gaveBack, gaveUp] = [endings.a !== 'rollback', endings.b !== 'rollback'];
        expect(await stockOf(sql, variant)).toMatchObject({
          onHand: gaveBack && gaveUp ? 2 : 0,
          waiting: gaveUp ? 0 : gaveBack ? 1 : 3,
        });
      },
    };
  });
});

testThatBooksAreInOrder(db);
