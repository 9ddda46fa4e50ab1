import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { Sql } from '../../support/connection.ts';
import { BACKEND, type Call, perform } from '../../support/sessions.ts';
import { createCustomer, createVariant, place, succeed } from '../../support/shop.ts';
import {
  applyEdit,
  applyPayment,
  type Edit,
  held,
  type Order,
  priceLines,
  type Shop,
} from './model.ts';
import { type OrderPlan, type Step, VARIANTS } from './plan.ts';

/** An order in the database beside its model. */
export interface Placed {
  orderId: string;
  customer: string;
  variants: string[];
  shop: Shop;
  order: Order;
}

const STOCK = 25n;

async function createDiscount(sql: Sql, { discount }: OrderPlan): Promise<string | undefined> {
  if (discount === null) return undefined;
  const code = randomUUID().toUpperCase();
  await sql`
    insert into discount_codes (code, kind, percent_bp, fixed_amount, currency, minimum_subtotal_amount)
    values (${code}, ${discount.kind}, ${discount.kind === 'percent' ? Number(discount.percentBp) : null},
            ${discount.kind === 'fixed' ? Number(discount.amount) : null}, 'USD', ${Number(discount.minimum)})`;
  return code;
}

/** Nothing when the plan's order cannot be placed: no money for it, or goods below the code's minimum. */
export async function placeOrder(sql: Sql, plan: OrderPlan): Promise<Placed | undefined> {
  const shop: Shop = {
    prices: [...plan.prices],
    taxRates: plan.taxRates,
    stock: plan.prices.map(() => STOCK),
    pricesIncludeTax: plan.pricesIncludeTax,
  };
  const order: Order = {
    lines: [],
    lastNumber: 0,
    discount: plan.discount,
    shipping: plan.shipping,
    paidByWalletAlone: false,
    total: 0n,
    fromWallet: 0n,
    fromOutside: 0n,
    backToWallet: 0n,
    becameCredit: 0n,
    toPayOut: 0n,
    available: plan.balance,
  };
  applyEdit(shop, order, {
    changed: new Map(),
    added: plan.lines,
    walletAmount: null,
    to: 'wallet',
  });
  const part = (order.total * BigInt(plan.part)) / 100n;
  const fromWallet = { wallet: order.total, wallet_partial: part, bank_transfer: 0n }[plan.method];
  if (fromWallet > plan.balance || (plan.discount !== null && order.discount === null)) return;
  order.paidByWalletAlone = plan.method === 'wallet';
  order.fromWallet = fromWallet;
  order.available -= fromWallet;

  await sql`
    update settings set value = ${String(plan.pricesIncludeTax)}::text::jsonb where key = 'prices_include_tax'`;
  const variants: string[] = [];
  for (let index = 0; index < VARIANTS; index++) {
    const price = Number(shop.prices[index]);
    const id = await createVariant(sql, { stock: Number(STOCK), price });
    await sql`
      update products p set tax_rate_bp = ${Number(shop.taxRates[index])}
      from variants v where v.id = ${id} and p.id = v.product_id`;
    variants.push(id);
  }
  const method = randomUUID();
  await sql`insert into shipping_methods (code, currency, name, price_amount) values (${method}, 'USD', 'Post', ${Number(plan.shipping)})`;
  const customer = await createCustomer(sql, { balance: Number(plan.balance) });
  const answer = await succeed(
    sql,
    place(
      customer,
      plan.lines.map((line) => [variants[line.variant] ?? '', Number(line.quantity)]),
      {
        p_payment_method: plan.method,
        p_wallet_amount: plan.method === 'wallet_partial' ? Number(part) : undefined,
        p_shipping_method: method,
        p_discount_code: await createDiscount(sql, plan),
        p_expected_total: Number(order.total),
      },
    ),
  );
  return { orderId: answer.order_id ?? '', customer, variants, shop, order };
}

/** The edit that a step means for the order as it is now; nothing when it would change nothing. */
function editOf({ shop, order }: Placed, step: Extract<Step, { do: 'edit' }>): Edit | undefined {
  const changed = new Map(
    step.changed.map(({ line, quantity }) => [
      order.lines[line % order.lines.length]?.number ?? 1,
      quantity,
    ]),
  );
  if (changed.size + step.added.length === 0) return undefined;
  const edit: Edit = { changed, added: step.added, walletAmount: null, to: step.to };
  if (step.walletPart === null) return edit;
  // what it will owe, tried on copies
  const trial = structuredClone(order);
  applyEdit(structuredClone(shop), trial, {
    ...edit,
    walletAmount: order.paidByWalletAlone ? null : 0n,
  });
  const owed = trial.paidByWalletAlone
    ? trial.fromWallet - order.fromWallet
    : trial.total - held(trial);
  return { ...edit, walletAmount: ((owed > 0n ? owed : 0n) * step.walletPart) / 100n };
}

async function playEdit(sql: Sql, placed: Placed, step: Extract<Step, { do: 'edit' }>) {
  const edit = editOf(placed, step);
  if (!edit) return;
  const before = placed.order.total;
  const expected = applyEdit(placed.shop, placed.order, edit);
  const call = (dryRun: boolean): Call => ({
    actor: BACKEND,
    procedure: 'ledger_edit_order',
    args: {
      p_order_id: placed.orderId,
      p_changes: [
        ...[...edit.changed].map(([number, quantity]) => ({
          line_number: number,
          quantity: Number(quantity),
        })),
        ...edit.added.map(({ variant, quantity }) => ({
          variant_id: placed.variants[variant],
          quantity: Number(quantity),
        })),
      ],
      p_dry_run: dryRun,
      p_wallet_amount: edit.walletAmount === null ? undefined : Number(edit.walletAmount),
      p_to: edit.to,
    },
  });
  if ('refusal' in expected) {
    expect(await refusalOf(sql, call(true))).toBe(expected.refusal);
    expect(await refusalOf(sql, call(false))).toBe(expected.refusal);
    return;
  }
  const tried = await succeed(sql, call(true));
  const answer = await succeed(sql, call(false));
  const ofTheCall = { transaction_id: null, version: null, refund_id: null };
  expect({ ...answer, ...ofTheCall }).toEqual({ ...tried, ...ofTheCall });
  expect(answer).toMatchObject({
    total_amount: Number(placed.order.total),
    difference_amount: Number(placed.order.total - before),
    wallet_amount: Number(expected.taken),
    returned_amount: Number(expected.returned),
    outstanding_amount: Number(placed.order.total - held(placed.order)),
  });
}

async function refusalOf(sql: Sql, call: Call): Promise<string | null> {
  const connection = await sql.reserve();
  try {
    return (await perform(connection, call)).error_code;
  } finally {
    connection.release();
  }
}

/** Does what a step says, and has the model do it too. */
export async function play(sql: Sql, placed: Placed, step: Step): Promise<void> {
  if (step.do === 'edit') {
    await playEdit(sql, placed, step);
  } else if (step.do === 'pay') {
    applyPayment(placed.order, step.amount);
    await succeed(sql, {
      actor: BACKEND,
      procedure: 'ledger_record_payment',
      args: { p_order_id: placed.orderId, p_amount: Number(step.amount) },
    });
  } else {
    placed.shop.prices[step.variant] = step.price;
    await sql`update variants set price_amount = ${Number(step.price)} where id = ${placed.variants[step.variant] ?? ''}`;
  }
}

/** The order, its lines, the wallet and the shelf are what the model says. */
export async function expectAsModelled(sql: Sql, placed: Placed, about: string): Promise<void> {
  const { orderId, variants, shop, order } = placed;
  const totals = priceLines(shop, order, order.lines);
  const [row] = await sql`
    select o.total_amount, o.discount_amount, o.tax_amount, o.wallet_amount, o.paid_amount, o.refunded_amount,
           o.wallet_refunded_amount, o.outstanding_amount, a.available_balance, a.total_orders,
           (select jsonb_agg(jsonb_build_array(i.line_number, i.quantity, i.total_price_amount, i.discount_amount, i.tax_amount)
                             order by i.line_number) from order_items i where i.order_id = o.id) as lines,
           (select jsonb_agg(s.on_hand order by array_position(${variants}::uuid[], s.variant_id))
            from stock_levels s where s.variant_id = any (${variants}::uuid[])) as stock
    from orders o join accounts a on a.id = o.account_id
    where o.id = ${orderId}`;
  expect(row, about).toEqual({
    total_amount: Number(totals.total),
    discount_amount: Number(totals.discount),
    tax_amount: Number(totals.tax),
    wallet_amount: Number(order.fromWallet),
    paid_amount: Number(order.fromWallet + order.fromOutside),
    refunded_amount: Number(order.backToWallet + order.becameCredit + order.toPayOut),
    wallet_refunded_amount: Number(order.backToWallet),
    outstanding_amount: Number(order.total - held(order)),
    available_balance: Number(order.available),
    total_orders: Number(order.fromWallet - order.backToWallet),
    lines: order.lines.map((line, index) =>
      [
        line.number,
        line.quantity,
        totals.lines[index]?.total,
        totals.lines[index]?.discount,
        totals.lines[index]?.tax,
      ].map(Number),
    ),
    stock: shop.stock.map(Number),
  });
}
