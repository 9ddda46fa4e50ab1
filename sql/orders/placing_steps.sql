/* Steps of ledger_place_order that have a name of their own. */

/* How much the wallet pays of a total; null where ledger.refuse_wallet_part says why not. */
create function ledger.wallet_part(p_payment_method text, p_wallet_amount bigint, p_total bigint, p_available bigint)
returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_amount bigint := case p_payment_method
    when 'wallet' then coalesce(p_wallet_amount, p_total)
    when 'wallet_partial' then coalesce(p_wallet_amount, least(p_total, greatest(p_available, 0)))
    else coalesce(p_wallet_amount, 0) end;
begin
  perform from public.payment_methods m where m.code = p_payment_method and m.is_active;
  if found and v_amount between 0 and greatest(p_available, 0)
     and (case p_payment_method when 'wallet' then v_amount = p_total when 'wallet_partial' then v_amount <= p_total else v_amount = 0 end) then
    return v_amount;
  end if;
  return null;
end $$;
comment on function ledger.wallet_part(text, bigint, bigint, bigint) is
  'What the wallet pays of a total with this payment method, in minor units; null when it cannot be paid that way.';

create function ledger.refuse_wallet_part(
  p_payment_method text, p_wallet_amount bigint, p_total bigint, p_available bigint, p_currency text)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case
    when not exists (select from public.payment_methods m where m.code = p_payment_method and m.is_active) then
      ledger.refuse('payment_method_unavailable', jsonb_build_object('payment_method', p_payment_method,
        'available', (select string_agg(m.code, ', ' order by m.code) from public.payment_methods m where m.is_active)))
    when p_payment_method not in ('wallet', 'wallet_partial') then
      ledger.refuse('invalid_wallet_amount', jsonb_build_object('wallet_amount', p_wallet_amount,
        'expected', '0 or left out when all of it is transferred; wallet_partial pays a part from the wallet'))
    when p_payment_method = 'wallet' and p_wallet_amount <> p_total then
      ledger.refuse('invalid_wallet_amount', jsonb_build_object('wallet_amount', p_wallet_amount,
        'expected', format('the total, %s, or left out when the wallet pays', p_total)))
    when p_wallet_amount not between 0 and p_total then
      ledger.refuse('invalid_wallet_amount', jsonb_build_object('wallet_amount', p_wallet_amount,
        'expected', format('from 0 to the total, %s', p_total)))
    else ledger.refuse('insufficient_funds', jsonb_build_object('currency', p_currency, 'available', p_available,
      'required', coalesce(p_wallet_amount, p_total)))
  end;
end $$;
comment on function ledger.refuse_wallet_part(text, bigint, bigint, bigint, text) is
  'Why ledger.wallet_part answered null, as a refusal.';

/*
 * Lock step "variants by id": locks the stock of a priced order and answers its first shortage as
 * a refusal. Lines of the same variant count together.
 */
create function ledger.lock_stock_for(p_pricing ledger.order_pricing)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
  v_locked jsonb;
  v_enough boolean;
  v_short jsonb;
begin
  -- compared in the aggregate and not in a condition: that would be tried before the lock, which then
  -- took only rows that look short already
  select count(*) = cardinality(p_pricing.variant_ids)
         and bool_and(s.available + p_pricing.quantities[array_position(p_pricing.variant_ids, s.variant_id)] >= 0),
         jsonb_object_agg(s.variant_id, s.available)
  into v_enough, v_locked
  from (select l.variant_id, l.on_hand - l.held as available
        from public.stock_levels l
        where l.variant_id = any (p_pricing.variant_ids) and l.slot = 0
        order by l.variant_id
        for no key update) s;
  if v_enough then
    return null;
  end if;

  select jsonb_agg(jsonb_build_object('variant_id', w.variant_id, 'name', w.name, 'available', w.available, 'requested', w.quantity)
                   order by w.line_number)
  into v_short
  from (select l.variant_id, sum(l.quantity) as quantity, min(l.line_number) as line_number,
               min(ledger.item_name(l.product_name, l.variant_name)) as name,
               coalesce((v_locked ->> l.variant_id::text)::bigint, 0) as available
        from unnest(p_pricing.lines) l
        group by l.variant_id) w
  where w.available < w.quantity;
  return ledger.refuse('insufficient_stock', (v_short -> 0) || jsonb_build_object(
    'shortages', (select jsonb_agg(e.shortage - 'name' order by e.position)
                  from jsonb_array_elements(v_short) with ordinality e (shortage, position))));
end $$;
comment on function ledger.lock_stock_for(ledger.order_pricing) is
  'Locks the stock rows of a priced order by variant id; answers the refusal for the first variant that is short, or null.';

/* Status of a new order: the setting's, but never past a transition that needs a payment still missing. */
create function ledger.first_status(p_is_paid boolean, p_settings jsonb)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_default text := p_settings ->> 'default_order_status';
begin
  if v_default = 'pending' then
    return case when p_is_paid and (p_settings ->> 'auto_confirm_when_paid')::boolean then 'confirmed' else 'pending' end;
  elsif p_is_paid or exists (
    select from public.order_status_transitions t
    where t.from_status = 'pending' and t.to_status = v_default and not t.needs_payment) then
    return v_default;
  end if;
  return 'pending';
end $$;
comment on function ledger.first_status(boolean, jsonb) is 'Status that a new order starts with (source 004: default status, auto-confirm).';

/* A customer's address as an order keeps it, or null. */
create function ledger.address_snapshot(p_address_id uuid, p_user_id uuid)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_address_id is null then
    return null;
  end if;
  return (select jsonb_strip_nulls(to_jsonb(a) - 'user_id' - 'created_at')
          from public.addresses a
          where a.id = p_address_id and a.user_id = p_user_id);
end $$;
comment on function ledger.address_snapshot(uuid, uuid) is 'Snapshot of an address of this customer; null when there is none.';
