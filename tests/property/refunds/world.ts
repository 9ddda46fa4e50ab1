import { randomUUID } from 'node:crypto';
import type { Sql } from '../../support/connection.ts';
import { BACKEND } from '../../support/sessions.ts';
import {
  adjustStock,
  createCustomer,
  createVendor,
  credit,
  place,
  refer,
  succeed,
} from '../../support/shop.ts';
import { priceBasket } from '../model/pricing.ts';
import type { OrderState } from './model.ts';
import type { OrderPlan } from './plan.ts';

export interface Placed {
  orderId: string;
  customer: string;
  owner: string;
  referrer: string;
  /** What the customer's wallet held before the order. */
  balance: bigint;
  state: OrderState;
}

export async function setSetting(sql: Sql, key: string, value: unknown): Promise<void> {
  await sql`update settings set value = ${JSON.stringify(value)}::text::jsonb where key = ${key}`;
}

/** Goods, people and prices as the plan has them, and the order, in processing. */
export async function placeOrder(sql: Sql, plan: OrderPlan): Promise<Placed> {
  await setSetting(sql, 'prices_include_tax', plan.pricesIncludeTax);
  await setSetting(sql, 'referral_rate_bp', plan.referralRateBp);
  const [owner, referrer, customer] = [
    await createCustomer(sql),
    await createCustomer(sql),
    await createCustomer(sql),
  ];
  await refer(sql, referrer, customer);
  const vendor = await createVendor(sql, { owner, rateBp: plan.platformRateBp });
  const variants: string[] = [];
  for (const line of plan.lines) {
    const [product] = await sql`
      insert into products (name, vendor_id, tax_rate_bp)
      values ('Mug', ${line.ofVendor ? vendor : null}, ${line.taxRateBp}) returning id`;
    const [variant] = await sql<{ id: string }[]>`
      insert into variants (product_id, sku, name, price_amount, currency)
      values (${product?.id}, ${randomUUID()}, 'large', ${line.price}, 'USD') returning id`;
    await succeed(sql, adjustStock(variant?.id ?? '', line.quantity));
    variants.push(variant?.id ?? '');
  }
  const method = randomUUID();
  await sql`insert into shipping_methods (code, currency, name, price_amount)
            values (${method}, 'USD', 'Post', ${plan.shipping})`;
  const lines = plan.lines.map((line) => ({
    price: BigInt(line.price),
    quantity: BigInt(line.quantity),
    taxRateBp: BigInt(line.taxRateBp),
  }));
  const basket = {
    lines,
    shipping: BigInt(plan.shipping),
    pricesIncludeTax: plan.pricesIncludeTax,
  };
  const { subtotal } = priceBasket({ ...basket, discount: null });
  const discount = (subtotal * BigInt(plan.discount)) / 1000n;
  const code = discount === 0n ? undefined : await discountCode(sql, discount);
  const totals = priceBasket({ ...basket, discount: { kind: 'fixed', amount: discount } });
  const wallet = (totals.total * BigInt(plan.walletShare)) / 1000n;
  const balance = wallet + 100n;
  await succeed(sql, credit(customer, Number(balance)));
  const { order_id = '' } = await succeed(
    sql,
    place(
      BACKEND,
      plan.lines.map((line, at) => [variants[at] ?? '', line.quantity]),
      {
        p_user_id: customer,
        p_payment_method: 'wallet_partial',
        p_wallet_amount: Number(wallet),
        p_shipping_method: method,
        p_discount_code: code,
        p_expected_total: Number(totals.total),
      },
    ),
  );
  const none = plan.lines.map(() => 0n);
  const state: OrderState = {
    lines: lines.map(({ price, quantity }, at) => {
      const { discount: off = 0n, tax = 0n } = totals.lines[at] ?? {};
      return { price, quantity, discount: off, tax };
    }),
    pricesIncludeTax: plan.pricesIncludeTax,
    shipping: basket.shipping,
    total: totals.total,
    status: 'pending',
    shipped: none,
    arrived: none,
    refunded: none,
    givenUp: none,
    kept: none,
    back: none,
    waiting: none,
    shippingRefunded: 0n,
    allowance: 0n,
    paidByWallet: wallet,
    paidFromOutside: 0n,
    backToWallet: 0n,
    becameCredit: 0n,
    toPayOut: 0n,
  };
  return { orderId: order_id, customer, owner, referrer, balance, state };
}

async function discountCode(sql: Sql, amount: bigint): Promise<string> {
  const code = randomUUID().toUpperCase();
  await sql`insert into discount_codes (code, kind, fixed_amount, currency)
            values (${code}, 'fixed', ${Number(amount)}, 'USD')`;
  return code;
}
