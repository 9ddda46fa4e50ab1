import type { Sql } from '../../support/connection.ts';

/**
 * What the mutations (as <ann>) and their findings (as ann) call the rows: ann is Ann's account, "order ann 2" her second
 * order, "order office" the one with this note, "MUG" a variant.
 */
const NAMES = `
  with owners as (
    select a.id, a.user_id, u.raw_user_meta_data ->> 'test_identifier' as name
    from public.accounts a join auth.users u on u.id = a.user_id
    where a.currency = 'USD'),
  rows (kind, id, account_id, label, key) as (
    select 'order', o.id, o.account_id, o.notes, o.id::text from public.orders o
    union all select 'payment', p.id, p.account_id, p.reference, p.id::text from public.payments p
    union all select 'invoice', i.id, i.account_id, i.reference, i.id::text from public.invoices i
    union all select 'receipt', r.id, r.account_id, r.reference, r.id::text from public.payment_receipts r
    union all select 'withdrawal', w.id, w.account_id, null, w.id::text from public.withdrawals w
    union all select 'refund', f.id, f.account_id, null, f.id::text from public.refunds f
    union all select 'return', r.id, r.account_id, null, r.id::text from public.returns r
    union all select 'shipment', s.id, s.account_id, null, s.id::text from public.shipments s
    union all select 'reservation', r.id, r.account_id, null, r.id::text from public.stock_reservations r
    union all select 'commission', c.id, c.account_id, null, c.id::text from public.referral_commissions c
    union all select 'card payment', c.id, c.account_id, c.provider_payment_id, c.id::text from public.card_payments c
    union all select 'booking', b.id, b.account_id, b.kind, b.id::text from public.card_bookings b
    union all select 'earning', e.id, e.account_id, v.name, e.id::text from public.vendor_earnings e join public.vendors v on v.id = e.vendor_id
    union all select 'import', r.id, null, r.source_name, r.id::text from public.import_runs r
    union all select 'allocation', l.id, l.account_id, null, l.id::text from public.payment_allocations l
    union all select 'transaction', t.id, t.account_id, null, lpad(t.account_version::text, 9, '0') from public.transactions t),
  numbered as (
    select r.*, o.name as owner, row_number() over (partition by r.kind, r.account_id order by r.key) as number,
           count(*) over (partition by r.kind, r.label) as same
    from rows r left join owners o on o.id = r.account_id)
  select o.name, o.id::text from owners o
  union all
  select 'user ' || o.name, o.user_id::text from owners o
  union all
  select n.kind || ' ' || case when n.label is not null and n.same = 1 then n.label else n.owner || ' ' || n.number end, n.id::text from numbered n
  union all
  select v.sku, v.id::text from public.variants v
  union all
  -- which of several slots holds reserved units is drawn
  select format('%s/%s', v.sku, case when l.held > 0 then 'held' else 'free' end), format('%s/%s', l.variant_id, l.slot)
  from public.variants v join public.stock_levels l on l.variant_id = v.id
  where v.stock_slots > 1
  union all
  select c.code, c.id::text from public.discount_codes c
  union all
  select 'vendor ' || v.name, v.id::text from public.vendors v
  union all
  select 'message of event ' || m.event_id, m.id::text from ledger.outbox m where m.event_id is not null
  union all
  select format('event %s %s %s', e.event_type, coalesce(o.name, 'none'), row_number() over (partition by e.event_type, e.account_id order by e.id)), e.id::text
  from public.immutable_events e left join owners o on o.id = e.account_id`;

export interface Names {
  /** A statement with <names>: each with its id. */
  toSql(text: string): string;
  /** A subject of a finding with names in the place of ids. */
  toNames(subject: string): string;
}

const SLOT = /^[0-9a-f-]{36}\/\d+/;
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

export async function readNames(sql: Sql): Promise<Names> {
  const rows = await sql.unsafe<{ name: string; id: string }[]>(NAMES);
  const ids = new Map(rows.map(({ name, id }) => [name, id]));
  const names = new Map(rows.map(({ name, id }) => [id, name]));
  if (ids.size !== rows.length) throw new Error('two rows have the same name');
  return {
    toSql: (text) =>
      text.replace(/<([A-Za-z][^<>]*)>/g, (_, name: string) => {
        const id = ids.get(name);
        if (id === undefined) throw new Error(`there is no ${name}: ${[...ids.keys()].join(', ')}`);
        return `'${id}'`;
      }),
    toNames: (subject) =>
      subject
        .replace(/^\d+$/, (id) => names.get(id) ?? id)
        .replace(SLOT, (slot) => names.get(slot) ?? slot)
        .replace(UUID, (id) => names.get(id) ?? id)
        .replace(/\bevent (\d+)\b/, (text, id: string) => names.get(id) ?? text),
  };
}
