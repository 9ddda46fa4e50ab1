import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BACKEND } from '../support/sessions.ts';
import { succeed } from '../support/shop.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { describe, expectEverythingSealed } from './checks.ts';
import type { Call, Success } from './model/calls.ts';
import { halfUp, LARGEST_AMOUNT } from './model/pricing.ts';
import { perform } from './perform.ts';
import { parameters, timeout } from './runs.ts';
import { createWorld } from './world.ts';

const db = await createTestDatabase('property_commission');
const RUNS = 40;

async function mustSucceed(call: Call): Promise<Success['columns']> {
  const { answer } = await perform(db.sql, call);
  if (answer.kind !== 'success') throw new Error(`${describe(call)}: ${describe(answer)}`);
  return answer.columns;
}

/** An order of one unit by Bob, whom Ann brought, paid from his wallet and delivered. */
async function deliverOrder(price: bigint, rateBp: bigint) {
  const { people, shop, variants } = await createWorld(db.sql, {
    variants: [
      { price, taxRateBp: 0n },
      { price: 1n, taxRateBp: 0n },
    ],
    shipping: 0n,
    percentBp: 1n,
    fixedAmount: 1n,
    settings: {
      taxRateBp: 0n,
      pricesIncludeTax: false,
      autoConfirmWhenPaid: false,
      defaultOrderStatus: 'processing',
      cancellationWindowMinutes: 1440n,
      referralRateBp: rateBp,
      lowStockThreshold: 0n,
    },
  });
  const actor = 'service_role';
  const [variant = ''] = variants;
  const { ann, bob } = people;
  const code = shop.people.get(ann)?.referralCode ?? '';
  const calls: Call[] = [
    { procedure: 'ledger_adjust_stock', actor, args: { p_variant_id: variant, p_quantity: 1n } },
    { procedure: 'ledger_credit_account', actor, args: { p_user_id: bob, p_amount: price } },
    {
      procedure: 'ledger_register_referral',
      actor,
      args: { p_referral_code: code, p_user_id: bob },
    },
  ];
  for (const call of calls) await mustSucceed(call);
  const placed = await mustSucceed({
    procedure: 'ledger_place_order',
    actor,
    args: { p_items: [{ variant_id: variant, quantity: 1 }], p_user_id: bob },
  });
  const orderId = String(placed.order_id);
  await mustSucceed({
    procedure: 'ledger_change_order_status',
    actor,
    args: {
      p_user_id: bob,
      p_reference_id: orderId,
      p_old_status: 'processing',
      p_new_status: 'delivered',
      p_amount: price,
    },
  });
  return { orderId, referrer: ann };
}

/** A refund of a part of the order's one unit, which is all that it is made of. */
async function refundGoods(orderId: string, amount: bigint): Promise<void> {
  await succeed(db.sql, {
    procedure: 'ledger_refund_order',
    actor: BACKEND,
    args: { p_order_id: orderId, p_amount: Number(amount) },
  });
}

test(
  'what is clawed back of a commission is its share of the refunded goods, never more than was earned, and all of it in the end (DESIGN section 5, source 003)',
  async () => {
    const price = fc.oneof(fc.bigInt(1n, 20_000n), fc.bigInt(1n, LARGEST_AMOUNT));
    const rateBp = fc.oneof(fc.constantFrom(1n, 500n, 10_000n), fc.bigInt(0n, 10_000n));
    const parts = fc.array(fc.bigInt(0n, 1_000n), { maxLength: 5 });
    const property = fc.asyncProperty(price, rateBp, parts, async (base, rate, thousandths) => {
      const { orderId, referrer } = await deliverOrder(base, rate);
      const commission = halfUp(base * rate, 10_000n);
      let most = 0n;
      for (const part of [...thousandths, 1_000n]) {
        const refunded = (base * part) / 1_000n;
        if (refunded > most) {
          await refundGoods(orderId, refunded - most);
          most = refunded;
        }
        const [state] = await db.sql<{ earned: number; clawed_back: number; left: number }[]>`
          select c.commission_amount as earned, c.clawed_back_amount as clawed_back,
            a.available_balance as left
          from public.referral_commissions c
          join public.accounts a on a.id = c.account_id and a.user_id = ${referrer}
          where c.order_id = ${orderId}
        `;
        if (commission === 0n) {
          expect(state).toBeUndefined();
        } else {
          const clawedBack = halfUp(commission * most, base);
          expect(clawedBack <= commission).toBe(true);
          expect(state).toEqual({
            earned: Number(commission),
            clawed_back: Number(clawedBack),
            left: Number(commission - clawedBack),
          });
        }
      }
      expect(most).toBe(base);
    });
    await fc.assert(property, parameters(RUNS));
    expect(await db.sql`select * from ledger.book_differences()`).toEqual([]);
    await expectEverythingSealed(db.sql);
  },
  timeout(RUNS),
);
