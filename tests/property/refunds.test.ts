import fc from 'fast-check';
import { expect, test } from 'vitest';
import { expectBooksInOrder, expectBooksStillInOrder } from '../support/books.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { credited, outstanding, paymentStatus } from './refunds/model.ts';
import { endings, orderPlans, type Step, stepLists } from './refunds/plan.ts';
import { changeStatus, play, walletOf } from './refunds/play.ts';
import { type Placed, placeOrder } from './refunds/world.ts';
import { parameters, timeout } from './runs.ts';

const db = await createTestDatabase('property_refunds');
const { sql } = db;
const RUNS = 40;
// so that goods also go out before they are paid, as on credit
await sql`update order_status_transitions set needs_payment = false`;

async function expectOrder({ orderId, state, customer, ...placed }: Placed, about: string) {
  const [row] = await sql`
    select o.status, o.payment_status, o.credited_amount, o.paid_amount, o.refunded_amount,
      o.wallet_refunded_amount, o.outstanding_amount, a.available_balance,
      (select array_agg(s.stock_quantity order by i.line_number)
       from order_items i join variant_stock s on s.variant_id = i.variant_id where i.order_id = o.id) as back
    from orders o join accounts a on a.id = o.account_id where o.id = ${orderId}`;
  const back = state.backToWallet + state.becameCredit + state.toPayOut;
  const paid = state.paidByWallet + state.paidFromOutside;
  expect(row, about).toEqual({
    status: state.status,
    payment_status: paymentStatus(state),
    credited_amount: Number(credited(state)),
    paid_amount: Number(paid),
    refunded_amount: Number(back),
    wallet_refunded_amount: Number(state.backToWallet),
    outstanding_amount: Number(outstanding(state)),
    available_balance: Number(walletOf({ ...placed, state })),
    back: state.back.map(Number),
  });
  expect(back <= paid, about).toBe(true);
}

/**
 * Nothing of the order is left anywhere: not in escrow, income, tax, nor with vendors and referrers. An amount that was
 * allowed for the shipping stands beside the shipping, which itself was not refunded.
 */
async function expectNothingLeft({ orderId, state }: Placed, about: string) {
  expect(credited(state), about).toBe(state.total);
  expect(outstanding(state), about).toBe(0n);
  const accounts = await sql`
    select l.account, sum(l.amount)::bigint as amount
    from postings p join transactions t on t.id = p.transaction_id
    cross join lateral (values (p.credit_account, p.amount), (p.debit_account, -p.amount)) l (account, amount)
    where t.order_id = ${orderId} and l.account not in ('wallet', 'bank', 'refunds_payable')
    group by l.account having sum(l.amount) <> 0 order by l.account`;
  const allowed = Number(state.allowance);
  const shipping = [
    { account: 'discounts', amount: -allowed },
    { account: 'shipping_income', amount: allowed },
  ];
  expect([...accounts], about).toEqual(allowed > 0 ? shipping : []);
  const earners = await sql`
    select commission_amount - clawed_back_amount as left from referral_commissions
    where order_id = ${orderId} and clawed_back_amount <> commission_amount
    union all
    select share_amount - clawed_back_amount from vendor_earnings
    where order_id = ${orderId} and clawed_back_amount <> share_amount`;
  expect([...earners], about).toEqual([]);
}

test(
  'whatever is refunded, returned and ended in whatever order: what is owed, what goes back and what is in stock is what the model says, never more than was paid, and in the end exactly all of it',
  async () => {
    const property = fc.asyncProperty(orderPlans, stepLists, endings, async (plan, steps, last) => {
      const placed = await placeOrder(sql, plan);
      await expectOrder(placed, 'as placed');
      await changeStatus(sql, placed, 'processing', {});
      placed.state.status = 'processing';
      for (const step of [...steps, last]) {
        await play(sql, placed, step);
        await expectOrder(placed, JSON.stringify(step));
      }
      const { refunded, lines } = placed.state;
      if (lines.every(({ quantity }, at) => quantity === refunded[at])) {
        await expectNothingLeft(placed, 'in the end');
      }
      await expectBooksStillInOrder(sql);
    });
    await fc.assert(property, parameters(RUNS));
    await expectBooksInOrder(sql);
  },
  timeout(RUNS),
);

test(
  'the same units refunded in another order and in other splits cost the same',
  async () => {
    const orders = fc.array(
      fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 3, maxLength: 3 }),
      {
        maxLength: 5,
      },
    );
    const property = fc.asyncProperty(orderPlans, orders, orders, async (plan, ...splits) => {
      const ends: unknown[] = [];
      for (const split of splits) {
        const placed = await placeOrder(sql, plan);
        await changeStatus(sql, placed, 'processing', {});
        placed.state.status = 'processing';
        await play(sql, placed, { kind: 'deliver' });
        const whole = [1000, 1000, 1000];
        for (const shares of [...split, whole]) {
          const step: Step = {
            kind: 'refund',
            shares,
            unshipped: [],
            shipping: 0,
            amount: 0,
            to: 'wallet',
            restock: false,
          };
          await play(sql, placed, step);
          await expectOrder(placed, JSON.stringify(step));
        }
        ends.push(
          await sql`
            select l.line_number, sum(l.quantity)::bigint as quantity, sum(l.goods_amount)::bigint as goods,
              sum(l.discount_amount)::bigint as discount, sum(l.tax_amount)::bigint as tax,
              sum(l.total_amount)::bigint as total, sum(l.vendor_amount)::bigint as vendor
            from refund_lines l where l.order_id = ${placed.orderId}
            group by l.line_number order by l.line_number`,
        );
      }
      expect(ends[0]).toEqual(ends[1]);
    });
    await fc.assert(property, parameters(RUNS / 2));
    await expectBooksInOrder(sql);
  },
  timeout(RUNS),
);
