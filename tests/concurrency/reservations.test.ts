import { describe, expect, test } from 'vitest';
import { startCrowd, testThatBooksAreInOrder } from '../support/crowd.ts';
import { rounds } from '../support/rounds.ts';
import { type Answer, BACKEND } from '../support/sessions.ts';
import { adjustStock, cancel, createCustomer, createVariant, place } from '../support/shop.ts';
import {
  createSpreadVariant,
  expectSoldOut,
  pass,
  release,
  reserve,
  reserved,
  stockOf,
} from '../support/stock.ts';

const { db, crowd } = await startCrowd('reservations', 32);

/** New ones for each test: a customer may have a few reservations only. */
const customers = () =>
  Promise.all(Array.from({ length: 32 }, () => createCustomer(db.sql, { balance: 1_000_000 })));

describe('32 clients at once', () => {
  test.for(rounds(3))(
    'reserve and order the same 20 units: each unit is held or sold once (round %i)',
    async () => {
      const people = await customers();
      const variant = await createVariant(db.sql, { stock: 20, price: 1 });

      const answers = await crowd.race(
        people.map((person, index) =>
          index % 2 ? reserve(person, [[variant, 1]]) : place(person, [[variant, 1]]),
        ),
      );

      expect(answers.filter((answer) => answer.success)).toHaveLength(20);
      const { onHand, held, sold } = await stockOf(db.sql, variant);
      expect([onHand - held, held + sold]).toEqual([0, 20]);
    },
  );

  test.for(rounds(3))(
    'place with the same reservation: one order consumes it (round %i)',
    async () => {
      const people = await customers();
      const variant = await createVariant(db.sql, { stock: 50, price: 1 });
      const [owner = ''] = people;
      const reservation = await reserved(db.sql, owner, [[variant, 5]]);

      const answers = await crowd.race(
        people.map(() =>
          place(BACKEND, [[variant, 5]], { p_user_id: owner, p_reservation_id: reservation }),
        ),
      );

      expect(answers.filter((answer) => answer.success)).toHaveLength(1);
      expect(answers.filter((answer) => answer.error_code === 'reservation_conflict')).toHaveLength(
        31,
      );
      expect(await stockOf(db.sql, variant)).toMatchObject({ onHand: 45, held: 0, sold: 5 });
    },
  );

  test.for(rounds(2).flatMap((round) => [1, 6].map((slots) => [slots, round] as const)))(
    'reserve, place, release, let pass and expire over %i slots: nothing is sold twice, and all of it can be sold (round %i)',
    async ([slots]) => {
      const people = await customers();
      const variant = await createSpreadVariant(db.sql, { stock: 60, slots, price: 1 });
      const failures: Answer[] = [];

      await crowd.work(
        people.map((person, index) => async (perform) => {
          for (let turn = 0; turn < 4; turn++) {
            const answer = await perform(reserve(person, [[variant, 1 + (turn % 3)]]));
            if (!answer.success || !answer.reservation_id) {
              failures.push(answer);
              continue;
            }
            const reservation = answer.reservation_id;
            const way = (index + turn) % 4;
            if (way === 3) await pass(db.sql, reservation);
            if (way === 3) await db.sql`select ledger.expire_reservations()`;
            const quantity = 1 + ((turn + index) % 3);
            failures.push(
              await perform(
                way === 2
                  ? release(person, reservation)
                  : place(person, [[variant, quantity]], { p_reservation_id: reservation }),
              ),
            );
          }
        }),
      );

      expect(
        failures
          .filter((answer) => !answer.success)
          .filter(
            ({ error_code }) =>
              error_code !== 'insufficient_stock' && error_code !== 'reservation_expired',
          ),
      ).toEqual([]);
      // what a refused order left held, in the end
      await db.sql.begin(async (transaction) => {
        await transaction`select set_config('ledger.procedure', 'test', true)`;
        await transaction`update stock_reservations set expires_at = now() where status = 'active'`;
      });
      await db.sql`select ledger.expire_reservations()`;
      const { onHand, held, sold } = await stockOf(db.sql, variant);
      expect([held, onHand + sold]).toEqual([0, 60]);
      const [last = ''] = people;
      if (onHand > 0) {
        const [answer] = await crowd.race([place(last, [[variant, onHand]])]);
        expect(answer?.success).toBe(true);
      }
      await expectSoldOut(db.sql, variant, 60);
    },
  );

  test.for(rounds(2).flatMap((round) => [1, 6].map((slots) => [slots, round] as const)))(
    'order more than there is while stock comes in over %i slots: what is waited for and what came in agree (round %i)',
    async ([slots]) => {
      const people = await customers();
      const variant = await createSpreadVariant(db.sql, { stock: 10, slots, price: 1 });
      await db.sql`update variants set backorder_allowed = true where id = ${variant}`;
      const failures: Answer[] = [];
      let [received, cancelled] = [0, 0];

      await crowd.work(
        people.map((person, index) => async (perform) => {
          for (let turn = 0; turn < 3; turn++) {
            if (index % 4 === 3) {
              failures.push(await perform(adjustStock(variant, 4)));
              received += 4;
              continue;
            }
            const answer = await perform(place(person, [[variant, 2]]));
            failures.push(answer);
            if (turn === 1 && answer.order_id) {
              failures.push(await perform(cancel(person, answer.order_id)));
              cancelled += 2;
            }
          }
        }),
      );

      expect(failures.filter((answer) => !answer.success)).toEqual([]);
      const { onHand, sold, waiting } = await stockOf(db.sql, variant);
      expect(onHand - waiting).toBe(10 + received - (sold - cancelled));
      expect(Math.min(onHand, waiting)).toBe(0);
    },
  );
});

testThatBooksAreInOrder(db, crowd);
