begin;
select plan(12);

select tests.create_variant('mug', stock => 2);
select tests.create_customer('alice', 1000);
create function pg_temp.message_for(p_variant_name text) returns text language plpgsql as $$
begin
  update public.variants set name = p_variant_name where sku = 'mug';
  return (select p.error_message from ledger_place_order(tests.lines('mug x 3'), p_user_id => tests.get_supabase_uid('alice')) p);
end $$;

select is(
  pg_temp.message_for(n.name), format('Only 2 of "Product mug, %s" left, 3 asked.', n.name), format('a variant named %s appears so in the message', n.name))
from unnest(array['{requested}', '{available:money}', '\1 & \\2', '100 %s', '{', '}{', '{nothing}']) n (name);
select is(tests.outcome('alice', c.call), c.expected, c.call)
from (values
  ($$ ledger_place_order(tests.lines('mug x 1'), '{payment_method:money}') $$, 'payment_method_unavailable'),
  ($$ order_quote(tests.lines('mug x 1'), '{shipping_method:money}') $$, 'shipping_method_unavailable'),
  ($$ ledger_register_referral('{code:money}') $$, 'referral_code_not_found')) c (call, expected);
select throws_ok(
  $$ select ledger.refuse('no_such_code') $$, 'P0001', 'error code "no_such_code" is not in public.error_codes', 'a code that is not in the table is a bug and raises');
select is(
  ledger.refuse('insufficient_funds', '{"required": 1234, "available": -5, "currency": "IQD"}') ->> 'error_message',
  '1.234 IQD is needed, -0.005 IQD is available.', 'amounts appear with their currency''s decimals, also below zero');

select * from finish();
rollback;
