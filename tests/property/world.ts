import { randomUUID } from 'node:crypto';
import type { Sql, Transaction } from '../support/connection.ts';
import type { Actor } from './model/calls.ts';
import { type DiscountCode, pairOf, type Settings, type Shop } from './model/shop.ts';
import type { Plan } from './plan.ts';

export const CUSTOMERS = ['ann', 'bob', 'cem', 'dia'] as const;
export const STAFF = ['admin', 'finance', 'warehouse', 'logistics', 'vendor'] as const;
export type Customer = (typeof CUSTOMERS)[number];
export type Person = Customer | (typeof STAFF)[number];
export type Who = Person | Exclude<Actor, object>;

/** A shop for one run with people, goods and codes of its own, so that runs share one database. */
export interface World {
  /** In the names of what belongs to this run. */
  tag: string;
  shop: Shop;
  people: Record<Person, string>;
  variants: string[];
  shippingMethod: string;
  codes: string[];
}

const PAYMENT_METHODS = ['wallet', 'wallet_partial', 'bank_transfer'];

/** Signs people up, fills the catalogue and writes the same into a model. Nobody has money yet. */
export async function createWorld(sql: Sql, plan: Plan): Promise<World> {
  const tag = randomUUID().slice(0, 8).toUpperCase();
  const people = Object.fromEntries(
    [...CUSTOMERS, ...STAFF].map((name) => [name, randomUUID()]),
  ) as World['people'];
  const shippingMethod = `parcel-${tag}`;
  const shop = openShop(plan, tag, shippingMethod);
  await sql.begin(async (transaction) => {
    await signUp(transaction, people);
    await stockCatalogue(transaction, shop, tag);
    await transaction`
      insert into public.shipping_methods (code, currency, name, price_amount)
      values (${shippingMethod}, 'USD', 'Parcel', ${String(plan.shipping)}::text::bigint)
    `;
    for (const [code, terms] of shop.discountCodes) await offerCode(transaction, code, terms);
    await transaction`
      update public.payment_methods set is_active = code = any (${PAYMENT_METHODS}::text[])
    `;
    for (const [key, value] of Object.entries(plan.settings)) {
      await changeSetting(transaction, key as keyof Settings, value);
    }
  });

  const profiles = await sql<{ id: string; referralCode: string; permissions: string[] }[]>`
    select p.id, p.referral_code as "referralCode",
      array(select r.permission from public.user_roles u join public.role_permissions r using (role)
            where u.user_id = p.id) as permissions
    from public.profiles p
    where p.id = any (${Object.values(people)}::uuid[])
  `;
  for (const { id, referralCode, permissions } of profiles) {
    shop.people.set(id, { referralCode, permissions: new Set(permissions) });
  }
  const variants = [...shop.variants.keys()];
  return { tag, shop, people, variants, shippingMethod, codes: [...shop.discountCodes.keys()] };
}

function openShop(plan: Plan, tag: string, shippingMethod: string): Shop {
  const variants = plan.variants.map(({ price, taxRateBp }, index) => ({
    price,
    taxRateBp,
    // The last one cannot be ordered together with the others.
    currency: index === plan.variants.length - 1 ? 'EUR' : 'USD',
    isActive: true,
    onHand: 0n,
    movements: 0n,
    lowStockAlerts: 0n,
  }));
  const percent: DiscountCode = {
    discount: { kind: 'percent', percentBp: plan.percentBp },
    currency: null,
    minimumSubtotal: 0n,
    maxRedemptions: null,
    maxPerCustomer: null,
    isActive: true,
  };
  const fixed: DiscountCode = {
    ...percent,
    discount: { kind: 'fixed', amount: plan.fixedAmount },
    currency: 'USD',
    minimumSubtotal: 1_000n,
  };
  return {
    people: new Map(),
    settings: { ...plan.settings },
    paymentMethods: new Set(PAYMENT_METHODS),
    shippingMethods: new Map([[pairOf(shippingMethod, 'USD'), plan.shipping]]),
    variants: new Map(variants.map((variant) => [randomUUID(), variant])),
    discountCodes: new Map([
      [`PERCENT-${tag}`, percent],
      [`FIXED-${tag}`, fixed],
      [`TWICE-${tag}`, { ...percent, maxRedemptions: 2n }],
      [`ONCE-EACH-${tag}`, { ...percent, maxPerCustomer: 1n }],
    ]),
    accounts: new Map(),
    orders: new Map(),
    withdrawals: new Map(),
    addresses: new Map(),
    referrals: new Map(),
    commissions: new Map(),
    books: new Map(),
    events: new Map(),
    answered: new Map(),
  };
}

async function signUp(sql: Transaction, people: World['people']): Promise<void> {
  await sql`
    insert into auth.users (id, aud, role, email, email_confirmed_at, raw_user_meta_data)
    select u.id, 'authenticated', 'authenticated', u.id || '@test.invalid', now(), '{}'
    from unnest(${Object.values(people)}::uuid[]) u (id)
  `;
  await sql`
    insert into public.user_roles (user_id, role)
    select u.id, u.role
    from unnest(${STAFF.map((role) => people[role])}::uuid[], ${[...STAFF]}::text[]) u (id, role)
  `;
}

async function stockCatalogue(sql: Transaction, shop: Shop, tag: string): Promise<void> {
  for (const [index, [id, variant]] of [...shop.variants].entries()) {
    const productId = randomUUID();
    await sql`
      insert into public.products (id, name, tax_rate_bp)
      values (${productId}, ${`Product ${index}`}, ${text(variant.taxRateBp)}::text::integer)
    `;
    await sql`
      insert into public.variants (id, product_id, sku, name, price_amount, currency)
      values (${id}, ${productId}, ${`${tag}-${index}`}, 'Default',
        ${text(variant.price)}::text::bigint, ${variant.currency})
    `;
  }
}

async function offerCode(sql: Transaction, code: string, terms: DiscountCode): Promise<void> {
  const { discount } = terms;
  await sql`
    insert into public.discount_codes
      (code, kind, percent_bp, fixed_amount, currency, minimum_subtotal_amount, max_redemptions,
       max_redemptions_per_customer)
    values (${code}, ${discount.kind},
      ${text(discount.kind === 'percent' ? discount.percentBp : null)}::text::integer,
      ${text(discount.kind === 'fixed' ? discount.amount : null)}::text::bigint,
      ${terms.currency}, ${text(terms.minimumSubtotal)}::text::bigint,
      ${text(terms.maxRedemptions)}::text::bigint, ${text(terms.maxPerCustomer)}::text::bigint)
  `;
}

const SETTINGS: Record<keyof Settings, string> = {
  taxRateBp: 'tax_rate_bp',
  pricesIncludeTax: 'prices_include_tax',
  autoConfirmWhenPaid: 'auto_confirm_when_paid',
  defaultOrderStatus: 'default_order_status',
  cancellationWindowMinutes: 'cancellation_window_minutes',
  referralRateBp: 'referral_rate_bp',
  lowStockThreshold: 'low_stock_threshold',
};

export async function changeSetting(
  sql: Sql | Transaction,
  key: keyof Settings,
  value: Settings[keyof Settings],
): Promise<void> {
  const json = typeof value === 'bigint' ? value.toString() : JSON.stringify(value);
  await sql`update public.settings set value = ${json}::text::jsonb where key = ${SETTINGS[key]}`;
}

function text(value: bigint | null): string | null {
  return value === null ? null : value.toString();
}
