/*
 * Orders of an older system bring their payments with them. A file of that system's payments has the same money
 * under other names, and nothing in it says so; what can be said is that a customer paid as much for an
 * order on that day. Such rows are not rejected: a person decides.
 */
create function ledger.possible_duplicate_payments(p_run_id uuid)
returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with run as (
    select r.id, r.currency, coalesce(r.options ->> 'time_zone', 'UTC') as zone from public.import_runs r where r.id = p_run_id),
  both_sides as (
    select w.user_id, w.amount, ((w.parsed ->> 'paid_at')::timestamptz at time zone r.zone)::date as day, w.row_number
    from run r
    join public.import_rows w on w.run_id = r.id and w.state = 'staged'
    where not exists (select from public.import_identities i where i.kind = 'payment' and i.external_id = w.external_id)
    union all
    select a.user_id, p.amount, (p.paid_at at time zone r.zone)::date, null
    from run r
    join public.payments p on p.currency = r.currency and p.order_id is not null and p.status = 'captured'
    join public.accounts a on a.id = p.account_id
    where a.user_id in (select w.user_id from public.import_rows w where w.run_id = p_run_id)),
  -- a window and no join: of rows that were just staged the planner knows nothing
  compared as (
    select b.amount, b.row_number, bool_or(b.row_number is null) over (partition by b.user_id, b.amount, b.day) as is_double
    from both_sides b)
  select jsonb_build_object('rows', count(*), 'amount', coalesce(sum(c.amount), 0),
                            'first_rows', coalesce(to_jsonb((array_agg(c.row_number order by c.row_number))[1:10]), '[]'))
  from compared c
  where c.is_double and c.row_number is not null;
$$;
comment on function ledger.possible_duplicate_payments(uuid) is
  'Staged payments of an import of whose customer a payment of an order with the same amount and day is here: {"rows", "amount" in minor units, "first_rows": their numbers, at most ten}.';
