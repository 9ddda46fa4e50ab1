/* Steps of ledger_place_order that have a name of their own. */

/* How much the wallet pays, or the refusal: {"wallet_amount": ...} | {"success": false, ...}. */
create function ledger.wallet_part(
  p_payment_method text, p_wallet_amount bigint, p_total bigint, p_available bigint, p_currency text)
returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when not exists (select from public.payment_methods m where m.code = p_payment_method and m.is_active) then
      ledger.refuse('payment_method_unavailable', jsonb_build_object('payment_method', p_payment_method,
        'available', (select string_agg(m.code, ', ' order by m.code) from public.payment_methods m where m.is_active)))
    when p_payment_method not in ('wallet', 'wallet_partial') and p_wallet_amount <> 0 then
      ledger.refuse('invalid_wallet_amount', jsonb_build_object('wallet_amount', p_wallet_amount,
        'expected', '0 or left out when all of it is transferred; wallet_partial pays a part from the wallet'))
    when p_payment_method not in ('wallet', 'wallet_partial') then '{"wallet_amount": 0}'
    when p_payment_method = 'wallet' and p_wallet_amount <> p_total then
      ledger.refuse('invalid_wallet_amount', jsonb_build_object('wallet_amount', p_wallet_amount,
        'expected', format('the total, %s, or left out when the wallet pays', p_total)))
    when p_wallet_amount not between 0 and p_total then
      ledger.refuse('invalid_wallet_amount', jsonb_build_object('wallet_amount', p_wallet_amount,
        'expected', format('from 0 to the total, %s', p_total)))
    when case p_payment_method when 'wallet' then p_total else coalesce(p_wallet_amount, 0) end > greatest(p_available, 0) then
      ledger.refuse('insufficient_funds', jsonb_build_object('currency', p_currency, 'available', p_available,
        'required', case p_payment_method when 'wallet' then p_total else p_wallet_amount end))
    else jsonb_build_object('wallet_amount', case p_payment_method
      when 'wallet' then p_total
      else coalesce(p_wallet_amount, least(p_total, greatest(p_available, 0))) end)
  end;
$$;
comment on function ledger.wallet_part(text, bigint, bigint, bigint, text) is
  'What the wallet pays of a total with this payment method, or the refusal. Minor units.';

/*
 * Lock step "variants by id": locks the stock of a priced order and answers its first shortage as
 * a refusal. Lines of the same variant count together.
 */
create function ledger.lock_stock_for(p_lines ledger.priced_line[])
returns jsonb
language sql
set search_path = pg_catalog, pg_temp
as $$
  with wanted as (
    select l.variant_id, sum(l.quantity) as quantity, min(l.line_number) as line_number,
           min(l.product_name) as product_name, min(l.variant_name) as variant_name
    from unnest(p_lines) l
    group by l.variant_id),
  locked as materialized (
    select s.variant_id, s.on_hand - s.held as available
    from public.stock_levels s
    where s.variant_id in (select w.variant_id from wanted w) and s.slot = 0
    order by s.variant_id
    for no key update),
  short as (
    select w.*, coalesce(l.available, 0) as available
    from wanted w
    left join locked l using (variant_id)
    where coalesce(l.available, 0) < w.quantity)
  select ledger.refuse('insufficient_stock', jsonb_build_object(
    'variant_id', s.variant_id, 'name', ledger.item_name(s.product_name, s.variant_name),
    'available', s.available, 'requested', s.quantity,
    'shortages', (select jsonb_agg(jsonb_build_object('variant_id', a.variant_id, 'available', a.available, 'requested', a.quantity)
                                   order by a.line_number) from short a)))
  from short s
  order by s.line_number
  limit 1;
$$;
comment on function ledger.lock_stock_for(ledger.priced_line[]) is
  'Locks the stock rows of these lines by variant id; answers the refusal for the first variant that is short, or null.';

/* Status of a new order: the setting's, but never past a transition that needs a payment still missing. */
create function ledger.first_status(p_is_paid boolean)
returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_is_paid and d.status = 'pending' and ledger.setting_text('auto_confirm_when_paid')::boolean then 'confirmed'
    when p_is_paid or d.status = 'pending' or exists (
      select from public.order_status_transitions t
      where t.from_status = 'pending' and t.to_status = d.status and not t.needs_payment) then d.status
    else 'pending' end
  from (select ledger.setting_text('default_order_status') as status) d;
$$;
comment on function ledger.first_status(boolean) is 'Status that a new order starts with (source 004: default status, auto-confirm).';

/* A customer's address as an order keeps it, or null. */
create function ledger.address_snapshot(p_address_id uuid, p_user_id uuid)
returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_strip_nulls(to_jsonb(a) - 'user_id' - 'created_at')
  from public.addresses a
  where a.id = p_address_id and a.user_id = p_user_id;
$$;
comment on function ledger.address_snapshot(uuid, uuid) is 'Snapshot of an address of this customer; null when there is none.';
