begin;
select plan(37);

select tests.create_variant('plain', stock => 1000, price => 333);
select tests.create_variant('reduced', stock => 1000, price => 777, tax_rate_bp => 700);
select tests.create_customer('alice', 10000000);
insert into shipping_methods (code, currency, name, price_amount) values ('courier', 'USD', 'Courier', 499);
insert into discount_codes (code, kind, percent_bp) values ('ODD', 'percent', 1234);
insert into discount_codes (code, kind, fixed_amount, currency) values ('TAKE501', 'fixed', 501, 'USD');
select tests.set_setting('tax_rate_bp', '1975');
create temp table carts as
select row_number() over () as cart, i.items, s.method, d.code, t.included
from (values (array['plain x 1']), (array['plain x 7', 'reduced x 3', 'plain x 1']), (array['reduced x 13', 'plain x 29'])) i (items)
cross join (values (null::text), ('courier')) s (method)
cross join (values (null::text), ('ODD'), ('TAKE501')) d (code)
cross join (values (false), (true)) t (included);
grant select on carts to authenticated;

/* The quote of a cart and the order placed from it, as the same JSON. */
create function tests.quoted_and_charged(cart bigint) returns text[] language plpgsql as $$
declare
  c record;
  v_quote jsonb;
  v_order jsonb;
begin
  select * into c from pg_temp.carts where carts.cart = quoted_and_charged.cart;
  perform tests.set_setting('prices_include_tax', to_jsonb(c.included));
  perform tests.authenticate_as('alice');
  select jsonb_build_object('total', q.total_amount, 'subtotal', q.subtotal_amount, 'discount', q.discount_amount,
           'shipping', q.shipping_amount, 'tax', q.tax_amount, 'currency', q.currency, 'included', q.prices_include_tax,
           'lines', (select jsonb_agg(jsonb_build_array(l -> 'product_sku', l -> 'quantity', l -> 'unit_price_amount', l -> 'total_price_amount',
                                                        l -> 'discount_amount', l -> 'tax_amount') order by l -> 'line_number')
                     from jsonb_array_elements(q.lines) l))
  into v_quote
  from order_quote(tests.lines(variadic c.items), c.method, c.code) q;
  perform tests.expect_success(p)
  from ledger_place_order(tests.lines(variadic c.items), p_shipping_method => c.method, p_discount_code => c.code,
    p_expected_total => (v_quote ->> 'total')::bigint, p_notes => 'cart ' || cart) p;
  perform tests.act_as_owner();
  select jsonb_build_object('total', o.total_amount, 'subtotal', o.subtotal_amount, 'discount', o.discount_amount,
           'shipping', o.shipping_amount, 'tax', o.tax_amount, 'currency', o.currency, 'included', o.prices_include_tax,
           'lines', (select jsonb_agg(jsonb_build_array(i.product_sku, i.quantity, i.unit_price_amount, i.total_price_amount,
                                                        i.discount_amount, i.tax_amount) order by i.line_number)
                     from order_items i where i.order_id = o.id))
  into v_order
  from tests.order_named('cart ' || cart) o;
  return array[v_quote::text, v_order::text];
end $$;

select is(q.both[2], q.both[1], format('%s, sent by %s, with code %s, tax %s: charged as quoted (DESIGN section 6)',
  array_to_string(c.items, ' and '), coalesce(c.method, 'nobody'), coalesce(c.code, 'none'), case when c.included then 'included' else 'added' end))
from carts c cross join lateral (select tests.quoted_and_charged(c.cart) as both offset 0) q order by c.cart;
select is_empty('select * from ledger.book_differences()', 'the books are in order');

select * from finish();
rollback;
