-- A line is divided in one place: its parts are whole minor units, never fall, and end at exactly the line.
begin;
select plan(7);

create temp table parts as
select i.n, i.incl, u.units, i.item, ledger.line_part(i.item, i.incl, u.units) as part
from (
  select row_number() over () as n, b.incl,
         jsonb_populate_record(null::order_items, jsonb_build_object(
           'vendor_id', case when v.rate is not null then gen_random_uuid() end, 'platform_rate_bp', v.rate, 'quantity', q.quantity,
           'unit_price_amount', p.price, 'total_price_amount', p.price * q.quantity, 'discount_amount', div(p.price * q.quantity * d.thousandth, 1000),
           'tax_rate_bp', t.tax_bp,
           'tax_amount', ledger.line_tax(p.price * q.quantity - div(p.price * q.quantity * d.thousandth, 1000), t.tax_bp, b.incl))) as item
  from (values (0::numeric), (1), (3), (999), (1000000000001)) p (price)
  cross join (values (1), (2), (3), (7)) q (quantity)
  cross join (values (0), (1), (333), (667), (999), (1000)) d (thousandth)
  cross join (values (0), (700), (1900), (10000)) t (tax_bp)
  cross join (values (true), (false)) b (incl)
  cross join (values (null::integer), (1), (1234), (10000)) v (rate)) i
cross join lateral generate_series(0, (i.item).quantity) u (units);

select is((select count(distinct n) from parts), 3840::bigint, 'lines of all sorts');
select is_empty($$ select * from parts where units = 0 and part <> row(0, 0, 0, 0, 0, 0)::ledger.line_part $$, 'no units cost nothing');
select is_empty($$
    select * from parts where units = (item).quantity
    and ((part).goods_amount, (part).discount_amount, (part).tax_amount)
        is distinct from ((item).total_price_amount, (item).discount_amount, (item).tax_amount) $$, 'all units cost exactly the line');
select is_empty($$
    select * from parts where (part).total_amount <> (part).goods_amount - (part).discount_amount + case when incl then 0 else (part).tax_amount end
    or (part).base_amount <> (part).goods_amount - (part).discount_amount - case when incl then (part).tax_amount else 0 end $$,
  'a part costs its goods less its discount and, unless prices contain it, its tax');
select is_empty($$
    select * from (
      select n, (part).goods_amount - lag((part).goods_amount) over w as goods, (part).discount_amount - lag((part).discount_amount) over w as discount,
             (part).tax_amount - lag((part).tax_amount) over w as tax, (part).total_amount - lag((part).total_amount) over w as total,
             (part).base_amount - lag((part).base_amount) over w as base, (part).vendor_amount - lag((part).vendor_amount) over w as vendor
      from parts window w as (partition by n order by units)) d
    where least(goods, discount, tax, total, base, vendor) < 0 or vendor > base $$,
  'no amount falls from one unit to the next, and a unit''s vendor has at most its base');
select is_empty($$
    select * from parts where (part).vendor_amount
      <> case when (item).platform_rate_bp is null then 0 else (part).base_amount - div((part).base_amount::numeric * (item).platform_rate_bp * 2 + 10000, 20000) end $$,
  'the vendor has the base less the platform''s rate, rounded half up; the house has no vendor');
select is(
  (select string_agg((part).total_amount::text, ',' order by units)
   from (select distinct on (units) units, part from parts
         where (item).unit_price_amount = 999 and (item).quantity = 3 and (item).discount_amount = 998 and (item).tax_rate_bp = 700 and not incl) p),
  '0,714,1426,2139', 'three units of 999 less 998 with 7 % of tax cost 714, 712 and 713');

select * from finish();
rollback;
