/*
 * What happens in the loaded shop before and between the runs, all of it through the procedures: invoices with
 * payments, which the load does not bring, and then everyday work.
 */
create schema integrity_bench;

create table integrity_bench.customers as
  select row_number() over (order by md5(a.id::text)) as number, a.id as account_id, a.user_id
  from public.accounts a
  where a.available_balance > 0;
create unique index on integrity_bench.customers (number);
create table integrity_bench.variants as
  select row_number() over (order by md5(s.variant_id::text)) as number, s.variant_id
  from public.stock_levels s
  where s.on_hand > 1000 and s.slot = 0;
create unique index on integrity_bench.variants (number);
analyze integrity_bench.customers, integrity_bench.variants;

create function integrity_bench.customer(p_number bigint)
returns integrity_bench.customers
language sql stable
as $$
  select c from integrity_bench.customers c
  where c.number = 1 + mod(p_number * 7919, (select max(m.number) from integrity_bench.customers m));
$$;

create function integrity_bench.variant(p_number bigint)
returns uuid
language sql stable
as $$
  select v.variant_id from integrity_bench.variants v
  where v.number = 1 + mod(p_number * 104729, (select max(m.number) from integrity_bench.variants m));
$$;

/* An invoice of 1.00 to 9.99; most are paid in whole or in part. */
create procedure integrity_bench.bill(p_from bigint, p_to bigint)
language plpgsql
as $$
declare
  v_customer integrity_bench.customers;
  v_invoice_id uuid;
  v_amount bigint;
begin
  for n in p_from .. p_to loop
    v_customer := integrity_bench.customer(n);
    v_amount := 100 + mod(n * 13, 900);
    v_invoice_id := (select i.invoice_id from public.ledger_issue_invoice(
      p_user_id => v_customer.user_id,
      p_lines => jsonb_build_array(jsonb_build_object('description', 'work', 'quantity', 1, 'unit_price_amount', v_amount, 'tax_rate_bp', 0))) i);
    if mod(n, 4) > 0 then
      perform from public.ledger_record_payment(p_invoice_id => v_invoice_id, p_amount => v_amount / (1 + mod(n, 2)));
    end if;
    commit;
  end loop;
end $$;

/* Of ten operations four place an order, two credit, one delivers, one cancels, one refunds and one receives stock. */
create procedure integrity_bench.work(p_from bigint, p_to bigint)
language plpgsql
as $$
declare
  v_customer integrity_bench.customers;
  v_order public.orders;
  v_step integer;
begin
  for n in p_from .. p_to loop
    v_step := mod(n, 10);
    v_customer := integrity_bench.customer(n - case when v_step between 6 and 8 then v_step - 1 else 0 end);
    if v_step between 6 and 8 then
      select o.* into v_order from public.orders o
      where o.user_id = v_customer.user_id and o.account_id = v_customer.account_id and o.status in ('pending', 'processing', 'delivered')
      order by o.created_at desc limit 1;
    end if;
    case
      when v_step < 4 then
        perform from public.ledger_place_order(
          (select jsonb_agg(jsonb_build_object('variant_id', i.variant_id, 'quantity', 1))
           from (select distinct integrity_bench.variant(n * 3 + l) as variant_id from generate_series(0, 2) l) i),
          p_user_id => v_customer.user_id);
      when v_step < 6 then
        perform from public.ledger_credit_account(v_customer.user_id, 5000);
      when v_step = 6 then
        perform from public.ledger_change_order_status(
          v_order.user_id, v_order.id, v_order.status, case v_order.status when 'processing' then 'delivered' else 'processing' end, v_order.total_amount);
      when v_step = 7 then
        perform from public.ledger_refund_order(v_order.id, p_amount => 1);
      when v_step = 8 then
        perform from public.ledger_cancel_order(v_order.id, p_user_id => v_customer.user_id);
      else
        perform from public.ledger_adjust_stock(integrity_bench.variant(n), 3);
    end case;
    commit;
  end loop;
end $$;
