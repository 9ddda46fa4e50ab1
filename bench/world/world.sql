/*
 * The shop that is measured: customers with money, variants with stock, one product that everybody
 * wants and one customer who buys all the time. Money and stock come in through the procedures;
 * settings stay as shipped. Ids follow from numbers, so that two runs meet the same rows.
 */
create schema bench;

select ledger.create_month_partitions();

create function bench.id(p_kind text, p_number int)
returns uuid
language sql immutable strict
as $$
  select md5(p_kind || ' ' || p_number)::uuid;
$$;

/* Number 0 is the hot customer, and variant 0 the hot one: they are apart from the others. */
create procedure bench.open_shop(p_customers int, p_variants int)
language plpgsql
as $$
begin
  insert into auth.users (id, email, raw_user_meta_data)
  select bench.id('customer', n), format('customer-%s@bench.invalid', n), '{}'
  from generate_series(0, p_customers) n;

  perform from generate_series(0, p_customers) n,
    lateral public.ledger_credit_account(p_user_id => bench.id('customer', n), p_amount => 1000000000000);

  insert into public.vendors (id, name)
  select bench.id('vendor', n), format('Vendor %s', n) from generate_series(0, 19) n;

  -- five variants a product, every other product with a vendor
  insert into public.products (id, vendor_id, name)
  select bench.id('product', n), case when n % 2 = 1 then bench.id('vendor', n / 2 % 20) end, format('Product %s', n)
  from generate_series(0, p_variants / 5) n;

  insert into public.variants (id, product_id, sku, name, price_amount, currency)
  select bench.id('variant', n), bench.id('product', n / 5), format('SKU-%s', n), format('Size %s', n % 5),
         500 + n * 37 % 4500, 'USD'
  from generate_series(0, p_variants) n;

  perform from generate_series(1, p_variants) n,
    lateral public.ledger_adjust_stock(bench.id('variant', n), 1000000000, 'received');

  insert into public.discount_codes (code, kind, percent_bp) values ('BENCH10', 'percent', 1000);
end $$;

/* What the cases' effects are read from. */
create view bench.figures as
  select (select sum(a.total_earned) from public.accounts a)::text as earned,
         (select sum(a.total_orders) from public.accounts a)::text as spent,
         (select sum(s.on_hand) from public.stock_levels s)::text as stock;

/*
 * Ages the rows that the cases write: each update is a transaction of its own, of the kind that the
 * procedures make, and every second one takes back what the first one did. One pair in a hundred is
 * for the hot customer, one for the hot variant. To be called with ledger.procedure set.
 */
create procedure bench.age(p_first_pair bigint, p_last_pair bigint)
language plpgsql
as $$
declare
  v_accounts uuid[] := array(select a.id from public.accounts a
                             where a.user_id in (select u.id from auth.users u where u.email like '%@bench.invalid')
                             order by a.id);
  v_variants uuid[] := array(select v.id from public.variants v where v.sku ~ '^SKU-[1-9]' order by v.id);
  v_id uuid;
begin
  for v_pair in p_first_pair .. p_last_pair loop
    for v_sign in -1 .. 1 by 2 loop
      if v_pair % 2 = 0 then
        v_id := case when v_pair % 100 = 0 then ledger.account_id(bench.id('customer', 0), 'USD')
                     else v_accounts[1 + v_pair / 2 % cardinality(v_accounts)] end;
        update public.accounts a set total_earned = a.total_earned + v_sign where a.id = v_id;
      else
        v_id := case when v_pair % 100 = 1 then bench.id('variant', 0)
                     else v_variants[1 + v_pair / 2 % cardinality(v_variants)] end;
        update public.stock_levels s set on_hand = s.on_hand - v_sign where s.variant_id = v_id and s.slot = 0;
      end if;
      commit;
    end loop;
  end loop;
end $$;
