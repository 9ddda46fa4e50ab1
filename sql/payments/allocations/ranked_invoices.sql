/* A list in a function, because two procedures name it. */
create function ledger.allocation_strategies()
returns text[]
language sql immutable parallel safe
return '{fifo,aging,risk,weighted}'::text[];
comment on function ledger.allocation_strategies() is 'What p_strategy of ledger_auto_allocate_payment can be.';

/*
 * The open invoices of an account in the order in which a strategy pays them (source 002, E-D1 and 16.6),
 * as of p_at. Days are whole days of 24 hours; overdue ones count from due_at, below zero before it.
 *
 *   fifo      issued first, paid first
 *   aging     most overdue first, then the largest remaining amount
 *   risk      score = days overdue (0 before that) x remaining amount: days times minor units
 *   weighted  score = (w_age x age + w_overdue x overdue + w_size x size) / (w_age + w_overdue + w_size), from 0 to
 *             1: age, overdue and size are the invoice's days since issue, days overdue (0 before
 *             that) and remaining amount, each divided by the largest among the open invoices; the
 *             weights are the settings allocation_weight_age, _overdue and _size; all zero is fifo
 *
 * Equal ones follow by issue date and id. Invoices of orders that were rejected or have ended are left
 * out, for they take no payments.
 */
create function ledger.ranked_invoices(p_account_id uuid, p_strategy text, p_at timestamptz)
returns table (place bigint, invoice_id uuid, invoice_number text, order_id uuid, remaining_amount bigint, days_overdue integer, score numeric)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_settings jsonb := ledger.all_settings();
  v_age numeric := (v_settings ->> 'allocation_weight_age')::numeric;
  v_overdue numeric := (v_settings ->> 'allocation_weight_overdue')::numeric;
  v_size numeric := (v_settings ->> 'allocation_weight_size')::numeric;
begin
  return query
    with open as (
      select i.id, i.invoice_number, i.order_id, i.issued_at, b.remaining_amount,
             floor(extract(epoch from p_at - i.due_at) / 86400)::integer as days_overdue,
             greatest(floor(extract(epoch from p_at - i.issued_at) / 86400), 0)::integer as days_old
      from public.invoice_balance_cache b
      join public.invoices i on i.id = b.invoice_id
      left join public.orders o on o.id = i.order_id
      where b.account_id = p_account_id and b.remaining_amount > 0
        and (o.id is null or o.status not in ('rejected', 'cancelled', 'refunded'))),
    scored as (
      select n.*, case p_strategy
        when 'aging' then n.days_overdue::numeric
        when 'risk' then greatest(n.days_overdue, 0)::numeric * n.remaining_amount
        when 'weighted' then coalesce(round(
          (v_age * n.days_old / nullif(max(n.days_old) over (), 0)::numeric) / nullif(v_age + v_overdue + v_size, 0), 9), 0)
          + coalesce(round(
          (v_overdue * greatest(n.days_overdue, 0) / nullif(max(greatest(n.days_overdue, 0)) over (), 0)::numeric) / nullif(v_age + v_overdue + v_size, 0), 9), 0)
          + coalesce(round(
          (v_size * n.remaining_amount / nullif(max(n.remaining_amount) over (), 0)::numeric) / nullif(v_age + v_overdue + v_size, 0), 9), 0)
        else 0::numeric end as score
      from open n)
    select row_number() over (order by s.score desc, case p_strategy when 'aging' then s.remaining_amount end desc, s.issued_at, s.id),
           s.id, s.invoice_number, s.order_id, s.remaining_amount, s.days_overdue, s.score
    from scored s;
end $$;
comment on function ledger.ranked_invoices(uuid, text, timestamptz) is
  'Open invoices of an account in the order in which a strategy pays them; remaining_amount in minor units, score as the strategy defines it.';

/*
 * What a payment's remainder comes to by a strategy: the first invoices whole, the last one in part. An
 * invoice that a backfill has given a part of this payment is left out (ledger.refuse_allocation), and
 * so is an order's that is not among p_locked_orders (null: all are), which was issued a moment ago.
 */
create function ledger.plan_allocation(p_payment public.payments, p_strategy text, p_locked_orders uuid[] default null)
returns table (place bigint, invoice_id uuid, invoice_number text, order_id uuid, amount bigint, remaining_amount bigint, days_overdue integer, score numeric)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    with usable as (
      select r.*, sum(r.remaining_amount) over (order by r.place) - r.remaining_amount as before
      from ledger.ranked_invoices(p_payment.account_id, p_strategy, clock_timestamp()) r
      where (r.order_id is null or p_locked_orders is null or r.order_id = any (p_locked_orders))
        and not exists (
          select from public.payment_allocations a
          where a.payment_id = p_payment.id and a.invoice_id = r.invoice_id and a.synthetic and a.reverses_allocation_id is null
            and not exists (select from public.payment_allocations v where v.reverses_allocation_id = a.id)))
    select row_number() over (order by u.place), u.invoice_id, u.invoice_number, u.order_id,
           least(u.remaining_amount, p_payment.unapplied_amount - u.before)::bigint, u.remaining_amount, u.days_overdue, u.score
    from usable u
    where u.before < p_payment.unapplied_amount
    order by 1;
end $$;
comment on function ledger.plan_allocation(public.payments, text, uuid[]) is
  'Which invoices a payment''s remainder goes to by a strategy, and how much to each, in minor units.';
