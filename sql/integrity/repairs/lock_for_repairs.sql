/*
 * All that some repairs write or rest on, locked in the one order of locks: cards by name and imports, which
 * are somebody's first lock, then all orders, all accounts, all stock, all discount counters. What lies
 * under an order or an account (payments, caches, deadlines, commissions) is written by nobody without it.
 */
create function ledger.lock_for_repairs(p_action_ids uuid[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_subjects jsonb := (
    select coalesce(jsonb_object_agg(s.subject, s.ids), '{}')
    from (select k.subject, jsonb_agg(a.subject) as ids
          from public.reconciliation_actions a join ledger.repair_kinds k on k.kind = a.repair
          where a.id = any (p_action_ids)
          group by k.subject) s);
  v_orders uuid[] := ledger.ids_in(v_subjects -> 'order');
  v_commissions uuid[] := ledger.ids_in(v_subjects -> 'commission');
  v_earnings uuid[] := ledger.ids_in(v_subjects -> 'vendor_earning');
  v_invoices uuid[] := ledger.ids_in(v_subjects -> 'invoice');
  v_cards uuid[] := ledger.ids_in(v_subjects -> 'card_payment');
  v_card record;
begin
  -- lock: cards by name, imports
  for v_card in select c.provider, c.provider_payment_id from public.card_payments c where c.id = any (v_cards) order by 1, 2 loop
    perform ledger.lock_card_by_name(v_card.provider, v_card.provider_payment_id);
  end loop;
  perform from public.import_runs r where r.id = any (ledger.ids_in(v_subjects -> 'import_run')) order by r.id for no key update;

  -- lock: orders, accounts by id
  v_orders := v_orders
    || array(select c.order_id from public.referral_commissions c where c.id = any (v_commissions))
    || array(select e.order_id from public.vendor_earnings e where e.id = any (v_earnings))
    || array(select i.order_id from public.invoices i where i.id = any (v_invoices) and i.order_id is not null);
  perform from public.orders o where o.id = any (v_orders) order by o.id for no key update;
  perform from public.accounts a
  where a.id in (
    select unnest(ledger.ids_in(v_subjects -> 'account'))
    union select o.account_id from public.orders o where o.id = any (v_orders)
    union select c.account_id from public.referral_commissions c where c.id = any (v_commissions)
    union select e.account_id from public.vendor_earnings e where e.id = any (v_earnings)
    union select i.account_id from public.invoices i where i.id = any (v_invoices)
    union select c.account_id from public.card_payments c where c.id = any (v_cards))
  order by a.id
  for no key update;

  -- lock: stock, discount counters
  perform ledger.lock_all_stock(ledger.ids_in(v_subjects -> 'variant') || array(
    select distinct b.variant_id from public.backorders b
    where b.order_id in (select a.subject from public.reconciliation_actions a where a.id = any (p_action_ids) and a.repair = 'backorders')));
  perform from public.discount_usage u where u.discount_code_id = any (ledger.ids_in(v_subjects -> 'discount_code')) order by u.discount_code_id for no key update;
end $$;
comment on function ledger.lock_for_repairs(uuid[]) is 'Locks all that these repairs write or rest on, in the order of locks.';

create function ledger.ids_in(p_ids jsonb)
returns uuid[]
language sql immutable
set search_path = pg_catalog, pg_temp
return array(select (jsonb_array_elements_text(coalesce(p_ids, '[]')))::uuid);
comment on function ledger.ids_in(jsonb) is 'A JSON array of ids as an array; {} of null.';
