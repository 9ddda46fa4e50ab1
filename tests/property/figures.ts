import type { Sql } from '../support/connection.ts';
import { available } from './model/shop.ts';
import type { World } from './world.ts';

/** Figures of a shop by name, as text, so that a difference reads as one line. */
export type Figures = Record<string, string>;

/** Every balance, stock figure, order, withdrawal and commission as the database has it. */
export async function readFigures(sql: Sql, world: World): Promise<Figures> {
  const users = Object.values(world.people);
  const rows = await sql<{ name: string; figure: string }[]>`
    select concat('account ', a.user_id, ' ', a.currency) as name,
      concat_ws(' ', 'earned', a.total_earned, 'withdrawn', a.total_withdrawn,
        'pending', a.total_pending_withdrawals, 'orders', a.total_orders,
        'available', a.available_balance, 'version', a.version,
        case when a.frozen_reason is not null then 'frozen' end) as figure
    from public.accounts a where a.user_id = any (${users}::uuid[])
    union all
    select concat('stock ', s.variant_id), concat_ws(' ', s.stock_quantity, s.held_quantity)
    from public.variant_stock s where s.variant_id = any (${world.variants}::uuid[])
    union all
    select concat('order ', o.id),
      concat_ws(' ', o.user_id, o.currency, o.status, o.payment_status, 'subtotal', o.subtotal_amount,
        'discount', o.discount_amount, 'shipping', o.shipping_amount, 'tax', o.tax_amount,
        'total', o.total_amount, 'wallet', o.wallet_amount, 'paid', o.paid_amount,
        'refunded', o.refunded_amount, 'due', o.amount_due)
    from public.orders o where o.user_id = any (${users}::uuid[])
    union all
    select concat('withdrawal ', w.id), concat_ws(' ', w.user_id, w.currency, w.amount, w.status)
    from public.withdrawals w
    where w.account_id in (select a.id from public.accounts a where a.user_id = any (${users}::uuid[]))
    union all
    select concat('commission ', c.order_id),
      concat_ws(' ', a.user_id, c.currency, 'base', c.base_amount, 'earned', c.commission_amount,
        'clawed back', c.clawed_back_amount)
    from public.referral_commissions c
    join public.accounts a on a.id = c.account_id
    where a.user_id = any (${users}::uuid[])
    union all
    select concat('referral ', r.referee_user_id), concat_ws(' ', r.referrer_user_id, r.rate_bp)
    from public.referrals r where r.referee_user_id = any (${users}::uuid[])
    union all
    select concat('code ', c.code), u.redemptions::text
    from public.discount_codes c
    join public.discount_usage u on u.discount_code_id = c.id
    where c.code = any (${world.codes}::text[])
    union all
    select concat('address ', a.id), a.user_id::text
    from public.addresses a where a.user_id = any (${users}::uuid[])
  `;
  return named(rows.map(({ name, figure }) => [name, figure]));
}

export function expectedFigures({ shop }: World): Figures {
  const orders = [...shop.orders.values()];
  return named([
    ...[...shop.accounts].map(([pair, a]): [string, string] => [
      `account ${pair.replace('/', ' ')}`,
      `earned ${a.earned} withdrawn ${a.withdrawn} pending ${a.pending} orders ${a.orders} ` +
        `available ${available(a)} version ${a.transactions}${a.isFrozen ? ' frozen' : ''}`,
    ]),
    ...[...shop.variants].map(([id, v]): [string, string] => [`stock ${id}`, `${v.onHand} 0`]),
    ...orders.map((o): [string, string] => {
      const isEnded = o.status === 'cancelled' || o.status === 'refunded';
      const { subtotal, discount, shipping, tax, total } = o.totals;
      return [
        `order ${o.id}`,
        `${o.userId} ${o.currency} ${o.status} ${o.paymentStatus} subtotal ${subtotal} ` +
          `discount ${discount} shipping ${shipping} tax ${tax} total ${total} wallet ${o.wallet} ` +
          `paid ${o.wallet} refunded ${o.refunded} due ${isEnded ? 0n : total - o.wallet}`,
      ];
    }),
    ...[...shop.withdrawals].map(([id, w]): [string, string] => [
      `withdrawal ${id}`,
      `${w.userId} ${w.currency} ${w.amount} ${w.status}`,
    ]),
    ...[...shop.commissions].map(([id, c]): [string, string] => [
      `commission ${id}`,
      `${c.referrer} ${c.currency} base ${c.base} earned ${c.amount} clawed back ${c.clawedBack}`,
    ]),
    ...[...shop.referrals].map(([referee, r]): [string, string] => [
      `referral ${referee}`,
      `${r.referrer} ${r.rateBp}`,
    ]),
    ...[...shop.discountCodes.keys()].map((code): [string, string] => [
      `code ${code}`,
      `${orders.filter((o) => o.code === code && o.holdsRedemption).length}`,
    ]),
    ...[...shop.addresses].map(([id, a]): [string, string] => [`address ${id}`, a.userId]),
  ]);
}

/** What the operations left behind: items, history, events, alerts, and the double entry. */
export async function readRecords(sql: Sql, world: World): Promise<Figures> {
  const users = Object.values(world.people);
  const rows = await sql<{ name: string; figure: string }[]>`
    with ours as (select a.id from public.accounts a where a.user_id = any (${users}::uuid[])),
    sides as (
      select p.currency, p.debit_account as chart_account, p.amount from public.postings p
      where p.account_id in (select id from ours)
      union all
      select p.currency, p.credit_account, -p.amount from public.postings p
      where p.account_id in (select id from ours))
    select concat('line ', i.order_id, ' ', i.line_number) as name,
      concat_ws(' ', i.total_price_amount, i.discount_amount, i.tax_amount) as figure
    from public.order_items i where i.account_id in (select id from ours)
    union all
    select concat('history ', h.order_id), string_agg(h.status, ' ' order by h.event_id)
    from public.order_status_history h
    join public.orders o on o.id = h.order_id
    where o.user_id = any (${users}::uuid[])
    group by h.order_id
    union all
    select concat('books ', s.currency, '/', s.chart_account), sum(s.amount)::text
    from sides s
    group by s.currency, s.chart_account
    having sum(s.amount) <> 0
    union all
    select concat('events ', e.event_type), count(*)::text
    from public.immutable_events e
    where e.account_id in (select id from ours) or e.stream_id = any (${users}::uuid[])
      or e.stream_id = any (${world.variants}::uuid[])
    group by e.event_type
    union all
    select concat('movements ', m.variant_id), count(*)::text
    from public.stock_movements m where m.variant_id = any (${world.variants}::uuid[])
    group by m.variant_id
    union all
    select concat('alerts ', o.payload ->> 'variant_id'), count(*)::text
    from ledger.outbox o
    where o.type = 'stock.low' and o.payload ->> 'variant_id' = any (${world.variants}::text[])
    group by o.payload ->> 'variant_id'
  `;
  return named(rows.map(({ name, figure }) => [name, figure]));
}

export function expectedRecords({ shop }: World): Figures {
  const count = (name: string, figures: Iterable<[string, bigint]>): [string, string][] =>
    [...figures]
      .filter(([, figure]) => figure !== 0n)
      .map(([key, figure]) => [`${name} ${key}`, `${figure}`]);
  const variants = [...shop.variants];
  return named([
    ...[...shop.orders.values()].flatMap((order) => [
      ...order.totals.lines.map((line, index): [string, string] => [
        `line ${order.id} ${index + 1}`,
        `${line.total} ${line.discount} ${line.tax}`,
      ]),
      [`history ${order.id}`, order.history.join(' ')] as [string, string],
    ]),
    ...count('books', shop.books),
    ...count('events', shop.events),
    ...count(
      'movements',
      variants.map(([id, variant]) => [id, variant.movements]),
    ),
    ...count(
      'alerts',
      variants.map(([id, variant]) => [id, variant.lowStockAlerts]),
    ),
  ]);
}

function named(figures: Iterable<readonly [string, string]>): Figures {
  return Object.fromEntries([...figures].sort(([one], [other]) => (one < other ? -1 : 1)));
}
