import { describe, expect, test } from 'vitest';
import { startCrowd, testThatBooksAreInOrder } from '../support/crowd.ts';
import { rounds } from '../support/rounds.ts';
import { type Answer, BACKEND } from '../support/sessions.ts';
import { adjustStock, cancel, createCustomer, createDiscountCode, place } from '../support/shop.ts';
import { createSpreadVariant, expectSoldOut, spreadStock, stockOf } from '../support/stock.ts';

const { db, crowd } = await startCrowd('stock_slots', 64);

const customers = (count: number) =>
  Promise.all(Array.from({ length: count }, () => createCustomer(db.sql, { balance: 1_000_000 })));
const people = await customers(64);

const count = (answers: Answer[], outcome: string) =>
  answers.filter((answer) => (answer.error_code ?? 'success') === outcome).length;

describe('64 clients at once for a product in several slots', () => {
  test.for(rounds(1).flatMap((round) => [4, 16, 64].map((slots) => [slots, round] as const)))(
    'sell exactly the 100 that are there over %i slots, until all are refused (round %i)',
    async ([slots]) => {
      const variant = await createSpreadVariant(db.sql, { stock: 100, slots, price: 1 });
      const answers: Answer[] = [];

      await crowd.work(
        people.map((person) => async (perform) => {
          for (let turn = 0; turn < 3; turn++) {
            answers.push(await perform(place(person, [[variant, 1]])));
          }
        }),
      );

      expect([count(answers, 'success'), count(answers, 'insufficient_stock')]).toEqual([
        100,
        64 * 3 - 100,
      ]);
      await expectSoldOut(db.sql, variant, 100);
    },
  );

  test.for(rounds(3))(
    'of 100 units over 64 slots 33 orders of 3 are placed: none is refused while three are left (round %i)',
    async () => {
      const variant = await createSpreadVariant(db.sql, { stock: 100, slots: 64, price: 1 });

      const answers = await crowd.race(people.map((person) => place(person, [[variant, 3]])));

      expect(answers.filter((answer) => answer.success)).toHaveLength(33);
      expect(await stockOf(db.sql, variant)).toMatchObject({ onHand: 1, sold: 99 });
    },
  );

  test.for(rounds(2))(
    'two such products in opposite order, with orders that need several slots, never wait in a circle (round %i)',
    async () => {
      const [mug, cup] = [
        await createSpreadVariant(db.sql, { stock: 60, slots: 8, price: 1 }),
        await createSpreadVariant(db.sql, { stock: 60, slots: 4, price: 1 }),
      ];
      const answers: Answer[] = [];

      await crowd.work(
        people.map((person, index) => async (perform) => {
          const lines: [string, number][] = [
            [mug, 1 + (index % 3)],
            [cup, 1 + (index % 3)],
          ];
          answers.push(await perform(place(person, index % 2 ? lines : lines.toReversed())));
          answers.push(await perform(place(person, [[index % 2 ? mug : cup, 10]])));
        }),
      );

      expect(count(answers, 'success') + count(answers, 'insufficient_stock')).toBe(128);
      for (const variant of [mug, cup]) {
        const { onHand, sold } = await stockOf(db.sql, variant);
        expect(onHand + sold).toBe(60);
      }
    },
  );

  test.for(rounds(2))(
    'orders, cancellations, receipts, write-offs and new numbers of slots at once end with the right sum (round %i)',
    async () => {
      const variant = await createSpreadVariant(db.sql, { stock: 200, slots: 8, price: 1 });
      const refusals = new Set<string | null>();
      let [bought, cancelled, adjusted] = [0, 0, 0];

      await crowd.work(
        people.map((person, index) => async (perform) => {
          for (let turn = 0; turn < 4; turn++) {
            if (index % 8 === 7) {
              const slots = [1, 16, 4, 64][(turn + index) % 4] ?? 1;
              expect((await perform(spreadStock(variant, slots))).success).toBe(true);
            } else if (index % 8 === 6) {
              const quantity = turn % 2 ? -3 : 5;
              const answer = await perform(
                adjustStock(variant, quantity, { p_reason: 'counted' }, BACKEND),
              );
              if (answer.success) adjusted += quantity;
              else refusals.add(answer.error_code);
            } else {
              const answer = await perform(place(person, [[variant, 2]]));
              if (!answer.success || !answer.order_id) {
                refusals.add(answer.error_code);
              } else {
                bought += 2;
                if (turn % 2) {
                  expect((await perform(cancel(person, answer.order_id))).success).toBe(true);
                  cancelled += 2;
                }
              }
            }
          }
        }),
      );

      expect(await stockOf(db.sql, variant)).toMatchObject({
        onHand: 200 + adjusted - bought + cancelled,
        sold: bought,
      });
      for (const code of refusals) {
        expect(['insufficient_stock', 'stock_below_zero']).toContain(code);
      }
    },
  );

  test.for(rounds(2))(
    'orders with one discount code that run low, beside cancellations that raise the stock again, never wait in a circle (round %i)',
    async () => {
      const variant = await createSpreadVariant(db.sql, { stock: 60, slots: 4, price: 1 });
      const code = await createDiscountCode(db.sql, {});
      const refusals = new Set<string | null>();

      await crowd.work(
        people.map((person, index) => async (perform) => {
          for (let turn = 0; turn < 4; turn++) {
            const answer = await perform(
              place(person, [[variant, 1 + (index % 3)]], { p_discount_code: code }),
            );
            if (!answer.order_id) refusals.add(answer.error_code);
            else if (turn < 3) await perform(cancel(person, answer.order_id));
          }
        }),
      );

      expect([...refusals].filter((refusal) => refusal !== 'insufficient_stock')).toEqual([]);
      const [alerts] = await db.sql`
        select count(*) from ledger.outbox
        where type = 'stock.low' and payload ->> 'variant_id' = ${variant}`;
      expect(alerts?.count).toBeGreaterThan(0);
    },
  );
});

testThatBooksAreInOrder(db, crowd);
