begin;
select plan(19);
select tests.create_customer('ann', 1000), tests.create_customer('bob', 1000), tests.create_customer('new'), tests.create_staff('finance', 'finance');
select tests.create_variant('mug', 3, 100), tests.create_variant('pen', 3, 100, currency => 'EUR'), tests.create_variant('old', 3, 100);
update public.variants set is_active = false where sku = 'old';
select tests.expect_success(f) from public.ledger_freeze_account(tests.get_supabase_uid('bob'), true, 'why') f;
create temp table before as select tests.state() as state;

select is(tests.outcome_as('ann', format('select * from public.order_reserve(%s)', v.arguments)), v.code, format('%s: %s', v.arguments, v.code))
from (values
  ('null', 'invalid_argument'), ($$'{}'$$, 'invalid_argument'), ($$'[]'$$, 'empty_order'), ($$'[1]'$$, 'invalid_items'),
  ($$'[{"variant_id": "x", "quantity": 1}]'$$, 'invalid_items'),
  ($$tests.items('mug', 0)$$, 'invalid_quantity'), ($$tests.items('mug', -1)$$, 'invalid_quantity'), ($$tests.items('mug', 1000001)$$, 'invalid_quantity'),
  ($$tests.items('mug', 4)$$, 'insufficient_stock'), ($$tests.items('old')$$, 'variant_unavailable'),
  ($$jsonb_build_array(jsonb_build_object('variant_id', gen_random_uuid(), 'quantity', 1))$$, 'variant_not_found'),
  ($$tests.items('mug') || tests.items('pen')$$, 'currency_mismatch'),
  ($$tests.items('mug'), 0$$, 'invalid_argument'), ($$tests.items('mug'), 1441$$, 'invalid_argument'), ($$tests.items('mug'), p_idempotency_key => ''$$, 'invalid_idempotency_key'),
  (format($$tests.items('mug'), p_user_id => %L$$, tests.get_supabase_uid('bob')), '42501')) v (arguments, code);
select is(tests.outcome_as('bob', $$ select * from public.order_reserve(tests.items('mug')) $$), 'account_frozen', 'a frozen account holds nothing');
select is(tests.outcome_as('service_role', $$ select * from public.order_reserve(tests.items('mug')) $$), 'customer_required', 'a backend says for whom');
select is(tests.changes((select state from before), tests.state()), null, 'nothing of all this changed anything');
select * from finish();
rollback;
