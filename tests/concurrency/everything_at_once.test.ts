import fc from 'fast-check';
import { expect, test } from 'vitest';
import { startCrowd, testThatBooksAreInOrder } from '../support/crowd.ts';
import { rounds } from '../support/rounds.ts';
import type { Answer, Call } from '../support/sessions.ts';
import {
  adjustStock,
  cancel,
  cancelWithdrawal,
  changeStatus,
  createCustomer,
  createStaff,
  createVariant,
  credit,
  freeze,
  type OrderRef,
  place,
  refer,
  requestWithdrawal,
  reviewWithdrawal,
} from '../support/shop.ts';

/*
 * Everybody does everything on a few customers, variants and orders, so that nearly every call meets
 * another one's locks. SEED repeats the choices of a run (not its timing).
 */
const WORKERS = 20;
const CALLS = 25;
const SEED = Number(process.env.SEED ?? '1');

const { db, crowd } = await startCrowd('everything_at_once', WORKERS);

/** What may be answered here; anything raised, a deadlock first of all, fails the test. */
const ALLOWED = [
  'insufficient_stock',
  'insufficient_funds',
  'account_frozen',
  'account_already_frozen',
  'account_not_found',
  'status_conflict',
  'invalid_transition',
  'cancellation_not_allowed',
  'payment_required',
  'withdrawal_conflict',
  'stock_below_zero',
  'rate_limited',
  'order_not_found',
];

/** Numbers that an action takes its choices from. */
const choice = fc.record({
  action: fc.integer({ min: 0, max: 99 }),
  who: fc.nat(1000),
  what: fc.nat(1000),
  lines: fc.uniqueArray(fc.nat(4), { minLength: 1, maxLength: 4 }),
  quantity: fc.integer({ min: 1, max: 3 }),
});
type Choice = typeof choice extends fc.Arbitrary<infer T> ? T : never;

const NEXT: Record<string, string[]> = {
  pending: ['confirmed', 'processing', 'cancelled', 'rejected'],
  confirmed: ['processing', 'cancelled'],
  processing: ['shipped', 'delivered', 'cancelled'],
  shipped: ['delivered', 'cancelled'],
  delivered: ['cancelled', 'refunded'],
  rejected: ['cancelled'],
};

const pick = <T>(list: readonly T[], number: number): T | undefined => list[number % list.length];

test.for(rounds(2))(
  'placements, cancellations, deliveries, credits, withdrawals, freezes and stock together end without a deadlock (round %i)',
  async (round) => {
    const { sql } = db;
    const admin = await createStaff(sql, 'admin');
    const customers = await Promise.all(
      Array.from({ length: 6 }, (_, i) => createCustomer(sql, i === 0 ? {} : { balance: 20_000 })),
    );
    // referrers of each other, in a ring or in pairs; the first has no account yet
    for (const [i, customer] of customers.entries()) {
      await refer(sql, pick(customers, round % 2 ? i + 1 : i ^ 1) ?? '', customer);
    }
    const variants = await Promise.all(
      Array.from({ length: 5 }, () => createVariant(sql, { stock: 60, price: 700 })),
    );
    const orders: (OrderRef & { status: string })[] = [];
    const withdrawals: { id: string; customer: string }[] = [];

    const callOf = (chosen: Choice): Call | undefined => {
      const { action, who, what, quantity } = chosen;
      const customer = pick(customers, who) ?? '';
      const order = pick(orders.slice(-12), what);
      const withdrawal = pick(withdrawals.slice(-4), what);
      const variant = pick(variants, what) ?? '';
      const lines = chosen.lines.map((line): [string, number] => [variants[line] ?? '', quantity]);
      if (action < 30) {
        return place(customer, lines, {
          p_payment_method: pick(['wallet', 'wallet_partial', 'bank_transfer'], what),
        });
      }
      if (action < 60) {
        if (!order) return undefined;
        const restock = pick([true, false, undefined], who);
        return changeStatus(
          admin,
          order,
          order.status,
          pick(NEXT[order.status] ?? ['cancelled'], who) ?? '',
          {
            p_metadata: restock === undefined ? {} : { restock },
          },
        );
      }
      if (action < 70) return order && cancel(order.customer, order.id);
      if (action < 77) return adjustStock(variant, quantity * 3);
      if (action < 80) return adjustStock(variant, -quantity, { p_reason: 'damaged' });
      if (action < 86) return credit(customer, 1500, { p_type: pick(['deposit', 'bonus'], what) });
      if (action < 91) return requestWithdrawal(customer, 300 * quantity);
      if (action < 95) {
        return (
          withdrawal &&
          reviewWithdrawal(
            admin,
            withdrawal.id,
            pick(['approve', 'reject', 'mark_paid'] as const, who) ?? 'approve',
          )
        );
      }
      if (action < 97) return withdrawal && cancelWithdrawal(withdrawal.customer, withdrawal.id);
      return freeze(customer, action === 97);
    };
    const remember = (call: Call, answer: Answer) => {
      const { order_id: id, withdrawal_id, status, order_status } = answer;
      const known = orders.find((order) => order.id === id);
      if (known) known.status = order_status ?? known.status;
      else if (id && status)
        orders.push({ id, customer: call.actor, total: answer.total_amount ?? 0, status });
      else if (withdrawal_id && status === 'requested')
        withdrawals.push({ id: withdrawal_id, customer: call.actor });
    };

    const plans = fc.sample(fc.array(choice, { minLength: CALLS, maxLength: CALLS }), {
      seed: SEED * 1000 + round,
      numRuns: WORKERS,
    });
    const refusals = new Set<string>();
    let done = 0;
    await crowd.work(
      plans.map((plan) => async (perform) => {
        for (const chosen of plan) {
          const call = callOf(chosen);
          if (!call) continue;
          const answer = await perform(call);
          if (answer.success) {
            done += 1;
            remember(call, answer);
          } else {
            refusals.add(answer.error_code ?? 'none');
          }
        }
      }),
    );

    expect([...refusals].filter((code) => !ALLOWED.includes(code))).toEqual([]);
    expect(done).toBeGreaterThan((WORKERS * CALLS) / 4);
    // nothing was spent that was not there: only a commission taken back may leave less than nothing
    const overspent = await sql`
    select t.type, t.amount, t.balance_after
    from transactions t join accounts a on a.id = t.account_id
    where a.user_id = any (${customers}) and t.amount < 0 and t.balance_after < 0 and t.type <> 'commission_clawed_back'`;
    expect([...overspent]).toEqual([]);
    expect([...(await sql`select * from ledger.book_differences()`)]).toEqual([]);
  },
);

testThatBooksAreInOrder(db, crowd);
