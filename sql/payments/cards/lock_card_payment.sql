/* The payments that a card payment was booked as. */
create function ledger.payments_of_card(p_card_payment_id uuid)
returns uuid[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return array(select distinct b.payment_id from public.card_bookings b
               where b.card_payment_id = p_card_payment_id and b.payment_id is not null);
end $$;
comment on function ledger.payments_of_card(uuid) is 'Ids of the payments that a card payment was booked as.';

/* The orders that they pay, with the one it is for. */
create function ledger.orders_of_card(p_card public.card_payments)
returns uuid[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return array(
    select p_card.order_id
    union
    select o.order_id from unnest(ledger.payments_of_card(p_card.id)) p (id) cross join lateral unnest(ledger.orders_of_payment(p.id)) o (order_id));
end $$;
comment on function ledger.orders_of_card(public.card_payments) is 'The orders that a card payment is for or pays.';

/*
 * Locks all that an event of a card payment with an order can touch: orders by id, accounts by id (those of a
 * delivered order that earned by it too), payments by id, invoices by id, refunds by id. Stock is locked after them where
 * something is taken back. What was allocated to further orders until the accounts were locked makes it start
 * anew, as in ledger.lock_payment. The card payment itself is locked by its name (ledger.card_payment_named).
 */
create function ledger.lock_card_payment(p_card public.card_payments)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_order_ids uuid[];
  v_order public.orders;
begin
  loop
    begin
      v_order_ids := ledger.orders_of_card(p_card);
      perform from public.orders o where o.id = any (v_order_ids) order by o.id for no key update;
      select o.* into v_order from public.orders o where o.id = p_card.order_id;
      perform ledger.lock_accounts(ledger.accounts_to_take_back_from(v_order), v_order.currency, p_open => false);
      if not ledger.orders_of_card(p_card) <@ v_order_ids then
        raise exception using errcode = 'OL001', message = 'the payment was allocated to another order meanwhile';
      end if;
      perform from public.payments p where p.id = any (ledger.payments_of_card(p_card.id)) order by p.id for no key update;
      perform from public.invoices i
      where i.account_id = p_card.account_id
        and i.id in (select l.invoice_id from unnest(ledger.payments_of_card(p_card.id)) p (id) cross join lateral ledger.live_allocations(p_card.account_id, p_payment_id => p.id) l)
      order by i.id
      for no key update;
      perform from public.refunds f where f.account_id = p_card.account_id and f.order_id = p_card.order_id order by f.id for no key update;
      return;
    exception when sqlstate 'OL001' then
      null;
    end;
  end loop;
end $$;
comment on function ledger.lock_card_payment(public.card_payments) is 'Locks the orders, accounts, payments, invoices and refunds that an event of a card payment can touch.';

/* A card payment, locked by its name: first of all locks, in the place of the idempotency key. Of nulls when there is none. */
create function ledger.lock_card_by_name(p_provider text, p_name text)
returns public.card_payments
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('card payment ' || p_provider || ':' || p_name, 0));
  return (select c from public.card_payments c where c.provider = p_provider and c.provider_payment_id = p_name);
end $$;
comment on function ledger.lock_card_by_name(text, text) is 'The card payment of this name, if there is one, locked by its name.';

/*
 * The card payment of this name, which is new with its first event, locked by its name. The first event that names an
 * existing order says which one it is for.
 */
create function ledger.card_payment_named(p_provider text, p_event jsonb)
returns public.card_payments
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_name text := p_event ->> 'provider_payment_id';
  v_card public.card_payments;
  v_order public.orders;
begin
  v_card := ledger.lock_card_by_name(p_provider, v_name);
  if v_card.order_id is null then
    select o.* into v_order from public.orders o where o.id = ledger.uuid_in(p_event ->> 'order_id');
  end if;
  if v_card.id is null then
    insert into public.card_payments as c (provider, provider_payment_id, order_id, account_id, currency)
    values (p_provider, v_name, v_order.id, v_order.account_id, v_order.currency)
    returning c.* into v_card;
  elsif v_order.id is not null then
    update public.card_payments c set order_id = v_order.id, account_id = v_order.account_id, currency = v_order.currency,
      updated_at = clock_timestamp()
    where c.id = v_card.id
    returning c.* into v_card;
  end if;
  return v_card;
end $$;
comment on function ledger.card_payment_named(text, jsonb) is 'The card payment that a well-formed event is about, locked by its name.';
