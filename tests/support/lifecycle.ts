import type { Sql } from './connection.ts';
import { BACKEND, type Call } from './sessions.ts';
import { adjustStock, cancel, changeStatus, place } from './shop.ts';

/** What may be refused when everybody acts on the same orders; anything raised is a failure. */
export const LIFECYCLE_REFUSALS = [
  'insufficient_stock',
  'insufficient_funds',
  'status_conflict',
  'invalid_transition',
  'cancellation_not_allowed',
  'payment_required',
  'order_not_found',
  'edit_not_allowed',
  'line_not_found',
  'line_shipped',
  'empty_order',
  'nothing_to_refund',
  'refund_exceeds_paid',
  'refund_not_allowed',
  'refund_conflict',
  'units_not_refundable',
  'units_not_shippable',
  'nothing_to_ship',
  'units_not_returnable',
  'shipment_conflict',
  'return_not_allowed',
  'return_conflict',
  'reservation_not_found',
  'reservation_expired',
  'payment_conflict',
  'payment_already_used',
  'reservation_conflict',
  'too_many_reservations',
  'amount_mismatch',
];

interface World {
  sql: Sql;
  staff: string;
  customers: string[];
  variants: string[];
}

interface OrderRow {
  id: string;
  customer: string;
  total: number;
  status: string;
  due: number;
  lines: { line: number; quantity: number }[];
}

const NEXT: Record<string, string[]> = {
  pending: ['confirmed', 'processing', 'processing', 'cancelled'],
  confirmed: ['processing', 'processing', 'cancelled'],
  processing: ['shipped', 'delivered', 'cancelled'],
  shipped: ['delivered', 'delivered', 'cancelled'],
  delivered: ['refunded', 'cancelled'],
};

type Pick = (length: number) => number;
type Action = (world: World, pick: Pick) => Promise<Call | undefined>;

/** Numbers below a length, drawn one after the other from one number. */
function drawFrom(number: number): Pick {
  let state = number;
  return (length) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % length;
  };
}

const one = <T>(list: readonly T[], pick: Pick): T | undefined => list[pick(list.length)];

async function anOrder(
  { sql }: World,
  pick: Pick,
  statuses: string[],
): Promise<OrderRow | undefined> {
  const orders = await sql<OrderRow[]>`
    select o.id, o.user_id as customer, o.total_amount::float8 as total, o.status, o.amount_due::float8 as due,
           (select jsonb_agg(jsonb_build_object('line', i.line_number, 'quantity', i.quantity) order by i.line_number)
            from order_items i where i.order_id = o.id) as lines
    from orders o where o.status = any (${statuses}) order by o.id desc limit 10`;
  return one(orders, pick);
}

async function anId({ sql }: World, pick: Pick, query: string): Promise<string | undefined> {
  return one(await sql.unsafe<{ id: string }[]>(`${query} limit 6`), pick)?.id;
}

const byStaff = (procedure: string, args: Call['args']): Call => ({
  actor: BACKEND,
  procedure,
  args,
});

/** Each with how often it is drawn. */
const ACTIONS: [weight: number, procedure: string, action: Action][] = [
  [
    16,
    'ledger_place_order',
    async ({ customers, variants }, pick) =>
      place(
        one(customers, pick) ?? '',
        [
          [one(variants, pick) ?? '', 1 + pick(4)],
          [one(variants, pick) ?? '', 1 + pick(3)],
        ],
        {
          p_payment_method: one(['wallet', 'wallet_partial', 'bank_transfer'], pick),
          p_wallet_amount: undefined,
        },
      ),
  ],
  [
    6,
    'order_reserve',
    async ({ customers, variants }, pick) => ({
      actor: one(customers, pick) ?? '',
      procedure: 'order_reserve',
      args: { p_items: [{ variant_id: one(variants, pick), quantity: 1 + pick(4) }] },
    }),
  ],
  [
    6,
    'ledger_place_order',
    async (world, pick) => {
      const [held] = await world.sql<{ id: string; user_id: string; variant_id: string }[]>`
      select r.id, r.user_id, l.variant_id from stock_reservations r join stock_reservation_lines l on l.reservation_id = r.id
      where r.status = 'active' order by r.id desc offset ${pick(3)} limit 1`;
      return (
        held && place(held.user_id, [[held.variant_id, 1 + pick(5)]], { p_reservation_id: held.id })
      );
    },
  ],
  [
    3,
    'order_release_reservation',
    async ({ sql }, pick) => {
      const held = one(
        await sql<{ id: string; user_id: string }[]>`
          select id, user_id from stock_reservations where status = 'active' order by id desc limit 6`,
        pick,
      );
      return (
        held && {
          actor: held.user_id,
          procedure: 'order_release_reservation',
          args: { p_reservation_id: held.id },
        }
      );
    },
  ],
  [
    10,
    'ledger_edit_order',
    async (world, pick) => {
      const order = await anOrder(world, pick, ['pending', 'confirmed', 'processing']);
      const line = order && one(order.lines, pick);
      if (!order || !line) return undefined;
      const added =
        pick(3) === 0 ? [{ variant_id: one(world.variants, pick), quantity: 1 + pick(2) }] : [];
      return byStaff('ledger_edit_order', {
        p_order_id: order.id,
        p_changes: [{ line_number: line.line, quantity: pick(5) }, ...added],
      });
    },
  ],
  [
    5,
    'ledger_cancel_order',
    async (world, pick) => {
      const order = await anOrder(world, pick, ['pending', 'confirmed']);
      return order && cancel(order.customer, order.id, { p_to: one(['wallet', 'original'], pick) });
    },
  ],
  [
    14,
    'ledger_change_order_status',
    async (world, pick) => {
      const order = await anOrder(world, pick, Object.keys(NEXT));
      const to = order && one(NEXT[order.status] ?? [], pick);
      return order && to ? changeStatus(world.staff, order, order.status, to) : undefined;
    },
  ],
  [
    6,
    'ledger_ship_order',
    async (world, pick) => {
      const order = await anOrder(world, pick, ['confirmed', 'processing']);
      const line = order && one(order.lines, pick);
      return (
        order &&
        byStaff('ledger_ship_order', {
          p_order_id: order.id,
          p_lines: pick(2) || !line ? undefined : [{ line_number: line.line, quantity: 1 }],
        })
      );
    },
  ],
  [
    6,
    'ledger_confirm_delivery',
    async (world, pick) => {
      const id = await anId(
        world,
        pick,
        `select id from shipments where delivered_at is null order by id desc`,
      );
      return id === undefined
        ? undefined
        : byStaff('ledger_confirm_delivery', { p_shipment_id: id });
    },
  ],
  [
    7,
    'ledger_record_payment',
    async (world, pick) => {
      const order = await anOrder(world, pick, [
        'pending',
        'confirmed',
        'processing',
        'shipped',
        'delivered',
        'cancelled',
      ]);
      return (
        order &&
        byStaff('ledger_record_payment', {
          p_order_id: order.id,
          p_amount: one([order.due, order.due, 300, 900], pick) || 250,
        })
      );
    },
  ],
  [
    2,
    'ledger_void_payment',
    async (world, pick) => {
      const id = await anId(
        world,
        pick,
        `select id from payments where status = 'captured' order by id desc`,
      );
      return id === undefined
        ? undefined
        : byStaff('ledger_void_payment', { p_payment_id: id, p_reason: 'it bounced' });
    },
  ],
  [
    10,
    'ledger_refund_order',
    async (world, pick) => {
      const order = await anOrder(world, pick, ['processing', 'shipped', 'delivered', 'delivered']);
      const line = order && one(order.lines, pick);
      if (!order || !line) return undefined;
      const what = one(
        [
          { p_lines: [{ line_number: line.line, quantity: 1, restock: pick(2) === 0 }] },
          { p_lines: [{ line_number: line.line, quantity: line.quantity }] },
          { p_lines: [{ line_number: line.line, quantity: 1, unshipped: true }] },
          { p_amount: 1 + pick(400) },
        ],
        pick,
      );
      return byStaff('ledger_refund_order', {
        p_order_id: order.id,
        p_to: one(['wallet', 'original', 'original'], pick),
        ...what,
      });
    },
  ],
  [
    5,
    'ledger_settle_refund',
    async (world, pick) => {
      const id = await anId(
        world,
        pick,
        `select id from refunds where payout_status in ('pending', 'withdrawn') order by id desc`,
      );
      return id === undefined
        ? undefined
        : byStaff('ledger_settle_refund', {
            p_refund_id: id,
            p_action: one(['paid', 'failed', 'withdrawn'], pick),
          });
    },
  ],
  [
    6,
    'ledger_request_return',
    async (world, pick) => {
      const order = await anOrder(world, pick, ['shipped', 'delivered']);
      const line = order && one(order.lines, pick);
      return (
        order &&
        line && {
          actor: order.customer,
          procedure: 'ledger_request_return',
          args: {
            p_order_id: order.id,
            p_lines: [{ line_number: line.line, quantity: 1 + pick(2), reason: 'broken' }],
          },
        }
      );
    },
  ],
  [
    10,
    'ledger_review_return',
    async (world, pick) => {
      const [found] = await world.sql<{ id: string; status: string; line: number }[]>`
      select r.id, r.status, l.line_number as line from returns r join return_lines l on l.return_id = r.id
      where r.status in ('requested', 'approved') order by r.id desc offset ${pick(4)} limit 1`;
      return (
        found &&
        byStaff(
          'ledger_review_return',
          found.status === 'requested'
            ? { p_return_id: found.id, p_action: pick(6) ? 'approve' : 'reject', p_notes: 'seen' }
            : {
                p_return_id: found.id,
                p_action: 'receive',
                p_lines: [
                  pick(2)
                    ? { line_number: found.line, received: 1, restock: 1 }
                    : { line_number: found.line, received: 1, write_off: 1 },
                ],
              },
        )
      );
    },
  ],
  [
    5,
    'ledger_adjust_stock',
    async ({ variants }, pick) => adjustStock(one(variants, pick) ?? '', 2 + pick(6)),
  ],
];

export const LIFECYCLE_PROCEDURES = [...new Set(ACTIONS.map(([, procedure]) => procedure))].sort();

/** A call for a number: what it acts on is looked up now, and may have changed when it gets there. */
export function lifecycle(world: World): (number: number) => Promise<Call | undefined> {
  const deck = ACTIONS.flatMap(([weight, , action]) => Array<Action>(weight).fill(action));
  return async (number) => {
    const pick = drawFrom(number);
    return one(deck, pick)?.(world, pick);
  };
}
