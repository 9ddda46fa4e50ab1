/* Steps of ledger_place_order that have a name of their own. */

/* The settings that placing an order asks, price_order and begin_owing with it: fewer than there are, as putting them together costs. */
create function ledger.settings_of_placing()
returns text[]
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return array['auto_confirm_when_paid', 'default_order_status', 'grace_hours', 'low_stock_threshold', 'max_line_quantity', 'max_order_lines',
               'order_number_length', 'order_number_prefix', 'prices_include_tax', 'tax_rate_bp'];
end $$;
comment on function ledger.settings_of_placing() is 'Keys of the settings that ledger_place_order reads.';

/* What is wrong with an order before anything is locked, or null; the addresses are those that were not found. */
create function ledger.refuse_placing(
  p_user_id uuid, p_notes text, p_metadata jsonb, p_shipping_address_id uuid, p_billing_address_id uuid,
  p_pricing ledger.order_pricing, p_expected_total bigint)
returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return case
    when p_user_id is null then ledger.refuse('customer_required')
    when length(p_notes) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_notes', 'problem', 'at most 2000 characters'))
    when coalesce(jsonb_typeof(p_metadata), 'object') <> 'object' or octet_length(p_metadata::text) > 16384 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_metadata', 'problem', 'a JSON object of at most 16 KB'))
    when coalesce(p_shipping_address_id, p_billing_address_id) is not null then
      ledger.refuse('address_not_found', jsonb_build_object('address_id', coalesce(p_shipping_address_id, p_billing_address_id)))
    when p_pricing.refusal is not null then p_pricing.refusal
    when p_expected_total <> p_pricing.total_amount then
      ledger.refuse('price_changed', jsonb_build_object('total', p_pricing.total_amount, 'expected', p_expected_total,
                                                        'currency', p_pricing.currency))
  end;
end $$;
comment on function ledger.refuse_placing(uuid, text, jsonb, uuid, uuid, ledger.order_pricing, bigint) is
  'The refusal for an order whose customer, notes, metadata, addresses, prices or expected total are not right, or null.';

/* How much the wallet pays of a total; null where ledger.refuse_wallet_part says why not. */
create function ledger.wallet_part(p_payment_method text, p_is_offered boolean, p_wallet_amount bigint, p_total bigint, p_available bigint)
returns bigint
language sql immutable parallel safe
return case
  when not p_is_offered then null
  when p_payment_method = 'wallet' then
    case when coalesce(p_wallet_amount, p_total) = p_total and p_total <= greatest(p_available, 0) then p_total end
  when p_payment_method = 'wallet_partial' then
    case when p_wallet_amount is null then least(p_total, greatest(p_available, 0))
         when p_wallet_amount between 0 and least(p_total, greatest(p_available, 0)) then p_wallet_amount end
  when coalesce(p_wallet_amount, 0) = 0 then 0
end;
comment on function ledger.wallet_part(text, boolean, bigint, bigint, bigint) is
  'What the wallet pays of a total with this payment method (p_is_offered: it is active), in minor units; null when it cannot be paid that way.';

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
        'expected', '0 or left out with this payment method; wallet_partial pays a part from the wallet'))
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

/* Status of a new order: the setting's, but never past a transition that needs a payment still missing, unless it may go out unpaid. */
create function ledger.first_status(p_is_paid boolean, p_payment_method text, p_settings jsonb)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_default text := p_settings ->> 'default_order_status';
begin
  if v_default = 'pending' then
    return case when p_is_paid and (p_settings ->> 'auto_confirm_when_paid')::boolean then 'confirmed' else 'pending' end;
  elsif p_is_paid or p_payment_method in ('bank_transfer_grace', 'invoice') or exists (
    select from public.order_status_transitions t
    where t.from_status = 'pending' and t.to_status = v_default and not t.needs_payment) then
    return v_default;
  end if;
  return 'pending';
end $$;
comment on function ledger.first_status(boolean, text, jsonb) is 'Status that a new order starts with (source 004: default status, auto-confirm).';

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
