import fc from 'fast-check';
import { expect, test } from 'vitest';
import { expectBooksInOrder, expectBooksStillInOrder } from '../support/books.ts';
import { BACKEND } from '../support/sessions.ts';
import { succeed } from '../support/shop.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { orderPlans, steps } from './edits/plan.ts';
import { expectAsModelled, placeOrder, play } from './edits/play.ts';
import { parameters, timeout } from './runs.ts';

const db = await createTestDatabase('property_edits');
const { sql } = db;
const RUNS = 40;

test(
  'an order edited in whatever way costs what a new order of its lines at their prices would; money and stock follow, and a dry run says so before',
  async () => {
    const property = fc.asyncProperty(orderPlans, steps, async (plan, list) => {
      const placed = await placeOrder(sql, plan);
      fc.pre(placed !== undefined);
      await expectAsModelled(sql, placed, 'as placed');
      for (const step of list) {
        await play(sql, placed, step);
        await expectAsModelled(sql, placed, `after ${fc.stringify(step)}`);
      }
      await expectBooksStillInOrder(sql);
    });
    await fc.assert(property, parameters(RUNS));
    await expectBooksInOrder(sql);
  },
  timeout(RUNS),
);

test(
  'an edited order that is cancelled gives back every unit and everything that is still with it',
  async () => {
    const property = fc.asyncProperty(orderPlans, steps, async (plan, list) => {
      const placed = await placeOrder(sql, plan);
      fc.pre(placed !== undefined);
      for (const step of list) await play(sql, placed, step);
      const { order } = placed;
      await succeed(sql, {
        actor: BACKEND,
        procedure: 'ledger_cancel_order',
        args: { p_order_id: placed.orderId, p_user_id: placed.customer },
      });
      const [row] = await sql`
        select o.outstanding_amount, o.paid_amount - o.refunded_amount as kept, a.total_orders, a.available_balance,
               (select min(s.on_hand) from stock_levels s where s.variant_id = any (${placed.variants}::uuid[])) as stock
        from orders o join accounts a on a.id = o.account_id where o.id = ${placed.orderId}`;
      expect(row).toEqual({
        outstanding_amount: 0,
        kept: 0,
        total_orders: 0,
        available_balance: Number(
          order.available +
            order.fromWallet -
            order.backToWallet +
            order.fromOutside -
            order.becameCredit -
            order.toPayOut,
        ),
        stock: 25,
      });
      await expectBooksStillInOrder(sql);
    });
    await fc.assert(property, parameters(RUNS / 2));
    await expectBooksInOrder(sql);
  },
  timeout(RUNS / 2),
);
