import { randomUUID } from 'node:crypto';
import type { Sql } from './connection.ts';
import { type Actor, type Answer, BACKEND, type Call, perform } from './sessions.ts';

/** What a test's shop is made of: people, goods and money, brought in as a shop brings them in. */
export type StaffRole = 'admin' | 'finance' | 'warehouse' | 'logistics' | 'vendor';

/** A call from a pool, with the answer it must have to be part of a test's setting. */
export async function succeed(sql: Sql, call: Call): Promise<Answer> {
  const connection = await sql.reserve();
  try {
    const answer = await perform(connection, call);
    if (!answer.success) throw new Error(`${call.procedure}: ${answer.error_message}`);
    return answer;
  } finally {
    connection.release();
  }
}

export async function signUp(sql: Sql): Promise<string> {
  const id = randomUUID();
  await sql`insert into auth.users (id, email, raw_user_meta_data) values (${id}, ${`${id}@example.com`}, '{}')`;
  return id;
}

export async function createCustomer(
  sql: Sql,
  options: { balance?: number; currency?: string } = {},
): Promise<string> {
  const id = await signUp(sql);
  if (options.balance)
    await succeed(sql, credit(id, options.balance, { p_currency: options.currency }));
  return id;
}

export async function createStaff(sql: Sql, role: StaffRole): Promise<string> {
  const id = await signUp(sql);
  await sql`insert into user_roles (user_id, role) values (${id}, ${role})`;
  return id;
}

export async function createVariant(
  sql: Sql,
  options: {
    stock?: number;
    price?: number;
    currency?: string;
    id?: string;
    vendor?: string | undefined;
  } = {},
): Promise<string> {
  const { stock = 0, price = 1000, currency = 'USD', id = randomUUID(), vendor = null } = options;
  const [product] = await sql`
    insert into products (name, vendor_id) values ('Blue mug', ${vendor}) returning id`;
  await sql`insert into variants (id, product_id, sku, name, price_amount, currency)
            values (${id}, ${product?.id}, ${id}, 'large', ${price}, ${currency})`;
  if (stock > 0) await succeed(sql, adjustStock(id, stock));
  return id;
}

/** A vendor of whom the platform takes so much in basis points; owned by a user, or by nobody. */
export async function createVendor(
  sql: Sql,
  options: { owner?: string | undefined; rateBp?: number } = {},
): Promise<string> {
  const { owner = null, rateBp = 1000 } = options;
  const [vendor] = await sql<{ id: string }[]>`
    insert into vendors (name, owner_user_id, platform_rate_bp)
    values ('Potter', ${owner}, ${rateBp}) returning id`;
  if (!vendor) throw new Error('a vendor was made without an id');
  return vendor.id;
}

export async function createDiscountCode(
  sql: Sql,
  limits: { total?: number; perCustomer?: number },
): Promise<string> {
  const code = randomUUID().toUpperCase();
  await sql`insert into discount_codes (code, kind, percent_bp, max_redemptions, max_redemptions_per_customer)
            values (${code}, 'percent', 1000, ${limits.total ?? null}, ${limits.perCustomer ?? null})`;
  return code;
}

export async function refer(sql: Sql, referrer: string, referee: string): Promise<void> {
  const [profile] = await sql`select referral_code from profiles where id = ${referrer}`;
  await succeed(sql, {
    actor: referee,
    procedure: 'ledger_register_referral',
    args: { p_referral_code: profile?.referral_code },
  });
}

type Extra = Record<string, unknown>;

export const credit = (
  customer: string,
  amount: number,
  extra: Extra = {},
  actor = BACKEND,
): Call => ({
  actor,
  procedure: 'ledger_credit_account',
  args: { p_user_id: customer, p_amount: amount, ...extra },
});

export const adjustStock = (
  variant: string,
  quantity: number,
  extra: Extra = {},
  actor = BACKEND,
): Call => ({
  actor,
  procedure: 'ledger_adjust_stock',
  args: { p_variant_id: variant, p_quantity: quantity, ...extra },
});

/** Lines are pairs of variant and quantity. */
export const place = (
  customer: Actor,
  lines: [variant: string, quantity: number][],
  extra: Extra = {},
): Call => ({
  actor: customer,
  procedure: 'ledger_place_order',
  args: {
    p_items: lines.map(([variant_id, quantity]) => ({ variant_id, quantity })),
    ...extra,
  },
});

export const cancel = (customer: string, orderId: string, extra: Extra = {}): Call => ({
  actor: customer,
  procedure: 'ledger_cancel_order',
  args: { p_order_id: orderId, ...extra },
});

export interface OrderRef {
  id: string;
  customer: string;
  total: number;
}

export async function placed(
  sql: Sql,
  customer: string,
  lines: [variant: string, quantity: number][],
  extra: Extra = {},
): Promise<OrderRef> {
  const answer = await succeed(sql, place(customer, lines, extra));
  if (answer.order_id === undefined || answer.total_amount === undefined) {
    throw new Error('an order was placed without an id');
  }
  return { id: answer.order_id, customer, total: answer.total_amount };
}

export const changeStatus = (
  actor: Actor,
  order: OrderRef,
  from: string,
  to: string,
  extra: Extra = {},
): Call => ({
  actor,
  procedure: 'ledger_change_order_status',
  args: {
    p_user_id: order.customer,
    p_reference_id: order.id,
    p_old_status: from,
    p_new_status: to,
    p_amount: order.total,
    ...extra,
  },
});

export const requestWithdrawal = (customer: string, amount: number, extra: Extra = {}): Call => ({
  actor: customer,
  procedure: 'ledger_request_withdrawal',
  args: { p_amount: amount, p_destination: { iban: 'GB33BUKB20201555555555' }, ...extra },
});

export const reviewWithdrawal = (
  actor: Actor,
  withdrawalId: string,
  decision: 'approve' | 'reject' | 'mark_paid',
  extra: Extra = {},
): Call => ({
  actor,
  procedure: 'ledger_review_withdrawal',
  args: { p_withdrawal_id: withdrawalId, p_decision: decision, ...extra },
});

export const cancelWithdrawal = (
  customer: string,
  withdrawalId: string,
  extra: Extra = {},
): Call => ({
  actor: customer,
  procedure: 'ledger_cancel_withdrawal',
  args: { p_withdrawal_id: withdrawalId, ...extra },
});

export const freeze = (customer: string, frozen: boolean, extra: Extra = {}): Call => ({
  actor: BACKEND,
  procedure: 'ledger_freeze_account',
  args: {
    p_user_id: customer,
    p_frozen: frozen,
    p_reason: frozen ? 'a card was stolen' : undefined,
    ...extra,
  },
});
