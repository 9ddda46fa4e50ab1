import type { Sql } from '../../support/connection.ts';
import { type Answer, BACKEND } from '../../support/sessions.ts';
import { succeed } from '../../support/shop.ts';
import {
  backAfter,
  end,
  notRefunded,
  type OrderState,
  outstanding,
  refusal,
  takeBack,
  toBeShipped,
  type Wish,
} from './model.ts';
import type { Settlement, Step } from './plan.ts';
import type { Placed } from './world.ts';

/** Plays a step on the database and in the model; a step that means nothing here is left out. */
export async function play(sql: Sql, placed: Placed, step: Step): Promise<void> {
  const { state } = placed;
  if (step.kind === 'pay') await pay(sql, placed, step.share);
  else if (step.kind === 'ship') await ship(sql, placed, step.shares);
  else if (step.kind === 'arrive') await arrive(sql, placed);
  else if (step.kind === 'deliver') {
    if (!['processing', 'shipped'].includes(state.status)) return;
    await changeStatus(sql, placed, 'delivered', {});
    const shipped = state.shipped.map((before, at) => before + toBeShipped(state, at));
    placed.state = { ...state, status: 'delivered', shipped, arrived: shipped };
  } else if (step.kind === 'refund') await refund(sql, placed, step);
  else if (step.kind === 'return') await sendBack(sql, placed, step);
  else if (step.kind === 'settle') await settle(sql, placed, step.action);
  else {
    if (state.status === 'refunded') return;
    const status = state.status === 'delivered' ? step.status : 'cancelled';
    await changeStatus(sql, placed, status, { refund_to: step.to, restock: step.restock });
    placed.state = end(state, status, step.to, step.restock);
  }
}

export async function changeStatus(
  sql: Sql,
  { orderId, customer, state }: Placed,
  status: string,
  metadata: object,
): Promise<Answer> {
  return succeed(sql, {
    actor: BACKEND,
    procedure: 'ledger_change_order_status',
    args: {
      p_user_id: customer,
      p_reference_id: orderId,
      p_old_status: state.status,
      p_new_status: status,
      p_amount: Number(state.total),
      p_metadata: metadata,
    },
  });
}

const portion = (of: bigint, share: number) => (of * BigInt(share)) / 1000n;

const asLines = (units: bigint[], extra: object = {}) =>
  units.flatMap((quantity, at) =>
    quantity > 0n ? [{ line_number: at + 1, quantity: Number(quantity), ...extra }] : [],
  );

async function pay(sql: Sql, placed: Placed, share: number): Promise<void> {
  const amount = portion(outstanding(placed.state), share);
  if (amount <= 0n || placed.state.status === 'refunded') return;
  const args = { p_order_id: placed.orderId, p_amount: Number(amount) };
  await succeed(sql, { actor: BACKEND, procedure: 'ledger_record_payment', args });
  placed.state = { ...placed.state, paidFromOutside: placed.state.paidFromOutside + amount };
}

async function ship(sql: Sql, placed: Placed, shares: number[]): Promise<void> {
  const { state } = placed;
  const units = state.lines.map((_, at) =>
    portion(toBeShipped(state, at), Math.min(shares[at] ?? 0, 1000)),
  );
  if (state.status !== 'processing' || units.every((count) => count === 0n)) return;
  const args = { p_order_id: placed.orderId, p_lines: asLines(units) };
  await succeed(sql, { actor: BACKEND, procedure: 'ledger_ship_order', args });
  const shipped = state.shipped.map((before, at) => before + (units[at] ?? 0n));
  const after = { ...state, shipped };
  const all = state.lines.every((_, at) => toBeShipped(after, at) === 0n);
  placed.state = { ...after, status: all ? 'shipped' : state.status };
}

/** The next parcel arrives; when all is out and was the last, the order is delivered by it. */
async function arrive(sql: Sql, placed: Placed): Promise<void> {
  const { state } = placed;
  const [parcel] = await sql<{ id: string }[]>`
    select id from shipments
    where order_id = ${placed.orderId} and delivered_at is null order by shipment_number limit 1`;
  if (!parcel || !['processing', 'shipped'].includes(state.status)) return;
  const args = { p_shipment_id: parcel.id };
  await succeed(sql, { actor: BACKEND, procedure: 'ledger_confirm_delivery', args });
  const lines = await sql<{ line_number: number; quantity: number }[]>`
    select line_number, quantity from shipment_lines where shipment_id = ${parcel.id}`;
  const arrived = [...state.arrived];
  for (const { line_number, quantity } of lines) {
    arrived[line_number - 1] = (arrived[line_number - 1] ?? 0n) + BigInt(quantity);
  }
  const isLast = state.lines.every(
    (_, at) => toBeShipped(state, at) === 0n && arrived[at] === state.shipped[at],
  );
  placed.state = { ...state, arrived, status: isLast ? 'delivered' : state.status };
}

async function refund(
  sql: Sql,
  placed: Placed,
  step: Extract<Step, { kind: 'refund' }>,
): Promise<void> {
  const { state } = placed;
  const wish: Wish = {
    units: state.lines.map((_, at) =>
      portion(
        step.unshipped[at] ? toBeShipped(state, at) : notRefunded(state, at),
        step.shares[at] ?? 0,
      ),
    ),
    unshipped: step.unshipped,
    shipping: portion(state.shipping - state.shippingRefunded, step.shipping),
    amount: portion(state.total, step.amount),
  };
  const refused = refusal(state, wish);
  const connection = await sql.reserve();
  try {
    const lines = asLines(wish.units).map((line) => ({
      ...line,
      unshipped: step.unshipped[line.line_number - 1] ?? false,
    }));
    const [answer] = await connection<Answer[]>`
      select * from ledger_refund_order(${placed.orderId}, ${lines.length > 0 ? sql.json(lines) : null}::jsonb,
        ${Number(wish.shipping)}, ${Number(wish.amount)}, ${step.to}, ${step.restock})`;
    if ((answer?.error_code ?? undefined) !== refused) {
      throw new Error(`${answer?.error_code} (${answer?.error_message}) instead of ${refused}`);
    }
  } finally {
    connection.release();
  }
  if (refused !== undefined) return;
  placed.state = {
    ...takeBack(state, wish, step.to),
    back: backAfter(state, wish, step.restock),
  };
}

async function sendBack(
  sql: Sql,
  placed: Placed,
  step: Extract<Step, { kind: 'return' }>,
): Promise<void> {
  const { state } = placed;
  const units = state.lines.map((_, at) =>
    portion(
      notRefunded(state, at) - (state.waiting[at] ?? 0n),
      Math.min(step.shares[at] ?? 0, 1000),
    ),
  );
  if (!['shipped', 'delivered'].includes(state.status) || units.every((n) => n === 0n)) return;
  const review = async (p_action: string, lines: object[]) => {
    const args = {
      p_return_id: id,
      p_action,
      p_lines: lines,
      p_refund: step.refund,
      p_to: step.to,
    };
    await succeed(sql, { actor: BACKEND, procedure: 'ledger_review_return', args });
  };
  const asked = await succeed(sql, {
    actor: BACKEND,
    procedure: 'ledger_request_return',
    args: { p_order_id: placed.orderId, p_lines: asLines(units), p_user_id: placed.customer },
  });
  const id = (asked as Answer & { return_id: string }).return_id;
  await review('approve', asLines(units));
  await review(
    'receive',
    units.flatMap((n, at) =>
      n > 0n ? [{ line_number: at + 1, received: Number(n), restock: Number(n) }] : [],
    ),
  );
  const plus = (before: bigint[]) => before.map((count, at) => count + (units[at] ?? 0n));
  const { waiting, kept } = state;
  const wish = { units, unshipped: [], shipping: 0n, amount: 0n };
  placed.state = step.refund
    ? { ...takeBack(state, wish, step.to), waiting, kept, back: plus(state.back) }
    : { ...state, waiting: plus(waiting), back: plus(state.back) };
}

/** Settles the oldest payout that waits. What is withdrawn of an order that has ended, and so gives nothing back any more, is paid after all. */
async function settle(sql: Sql, placed: Placed, action: Settlement): Promise<void> {
  const [next] = await sql<{ id: string; payout_amount: number }[]>`
    select id, payout_amount from refunds
    where order_id = ${placed.orderId} and payout_status = 'pending' order by id limit 1`;
  if (!next) return;
  const settled = async (as: Settlement) => {
    const args = { p_refund_id: next.id, p_action: as };
    await succeed(sql, { actor: BACKEND, procedure: 'ledger_settle_refund', args });
  };
  await settled(action);
  const { state } = placed;
  if (action === 'failed') placed.balance += BigInt(next.payout_amount);
  else if (action === 'withdrawn' && state.status === 'refunded') await settled('paid');
  else if (action === 'withdrawn') {
    placed.state = { ...state, toPayOut: state.toPayOut - BigInt(next.payout_amount) };
  }
}

/** What the wallet has by the model. */
export const walletOf = ({ balance, state }: { balance: bigint; state: OrderState }) =>
  balance - state.paidByWallet + state.backToWallet + state.becameCredit;
