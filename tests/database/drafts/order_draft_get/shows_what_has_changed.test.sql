-- A draft is shown at present prices, beside those it was saved with, and says what stands in its way.
begin;
select plan(18);
select tests.create_customer('alice', 10000), tests.create_customer('bob'), tests.create_staff('admin', 'admin'), tests.create_staff('logistics', 'logistics');
select tests.create_variant('mug', 5, 1000), tests.create_variant('tea', 1, 300);
insert into discount_codes (code, kind, percent_bp) values ('TEN', 'percent', 1000);
select tests.expect_success(a) from ledger_save_address('Alice', '1 Mill Lane', 'Basra', 'IQ', p_user_id => tests.get_supabase_uid('alice')) a;
select tests.expect_success(s) from order_draft_save(tests.lines('mug x 2', 'tea x 3'), p_shipping_address_id => (select id from addresses), p_discount_code => 'TEN',
  p_notes => 'ring twice', p_user_id => tests.get_supabase_uid('alice')) s;
create temp table drafts as select id from order_drafts;
grant select on drafts to authenticated;

select tests.authenticate_as('alice');
select results_eq('select success, version, subtotal_amount, discount_amount, total_amount, saved_total_amount, price_changed, problem, discount_code, notes from order_draft_get((select id from drafts))',
  $$ values (true, 1::bigint, 2900::bigint, 290::bigint, 2610::bigint, 2610::bigint, false, null::jsonb, 'TEN', 'ring twice') $$, 'at first it costs what it was saved with');
select results_eq($$ select l ->> 'product_sku', l ->> 'quantity', l ->> 'unit_price_amount', l ->> 'price_changed', l ->> 'available_quantity', l ->> 'is_for_sale'
                     from order_draft_get((select id from drafts)), jsonb_array_elements(lines) l $$,
  $$ values ('mug', '2', '1000', 'false', '5', 'true'), ('tea', '3', '300', 'false', '1', 'true') $$, 'its lines say what is available');
select tests.act_as_owner();

update variants set price_amount = 1100 where sku = 'mug';
select tests.authenticate_as('alice');
select results_eq('select total_amount, saved_total_amount, price_changed from order_draft_get((select id from drafts))', 'values (2790::bigint, 2610::bigint, true)', 'a raised price shows');
select results_eq($$ select l ->> 'product_sku', l ->> 'unit_price_amount', l ->> 'saved_unit_price_amount', (l ->> 'price_changed')::boolean
                     from order_draft_get((select id from drafts)), jsonb_array_elements(lines) l $$,
  $$ values ('mug', '1100', '1000', true), ('tea', '300', '300', false) $$, 'and on which line');
select results_eq('select total_amount, saved_total_amount, price_changed from order_draft_get((select id from drafts))', 'values (2790::bigint, 2610::bigint, true)', 'reading it changes nothing');
select tests.act_as_owner();

-- what stands in its way is said, and the draft can still be read
update discount_codes set is_active = false;
select is((select problem ->> 'error_code' from order_draft_get((select id from drafts))), 'discount_code_invalid', 'a code that has ended');
select results_eq('select total_amount, price_changed, jsonb_array_length(lines) from order_draft_get((select id from drafts))', 'values (null::bigint, null::boolean, 2)', 'has no total, but its lines');
update discount_codes set is_active = true;
update variants set is_active = false where sku = 'tea';
select is((select problem ->> 'error_code' from order_draft_get((select id from drafts))), 'variant_unavailable', 'goods that are no longer sold');
select is((select lines -> 1 ->> 'is_for_sale' from order_draft_get((select id from drafts))), 'false', 'show on their line');
update variants set is_active = true where sku = 'tea';
select tests.expect_success(d) from ledger_delete_address((select id from addresses), tests.get_supabase_uid('alice')) d;
select is((select problem ->> 'error_code' from order_draft_get((select id from drafts))), 'address_not_found', 'an address that is gone');
select ok(not (select problem ? 'success' from order_draft_get((select id from drafts))), 'the problem is not an answer of its own');

-- who may
select is(tests.outcome('bob', 'order_draft_get((select id from drafts))'), 'draft_not_found', 'another''s draft is not found');
select is(tests.outcome('logistics', 'order_draft_get((select id from drafts))'), 'draft_not_found', 'nor by staff who may not place orders');
select is(tests.outcome('admin', 'order_draft_get((select id from drafts))'), 'success', 'staff who may see it');
select is(tests.outcome('alice', 'order_draft_get(null)'), 'draft_not_found', 'no draft is not found');
select is(tests.count_as('bob', 'public.order_drafts'), '0', 'the table shows another''s drafts to no customer');
select is(tests.count_as('alice', 'public.order_drafts'), '1', 'but one''s own');
select is(tests.count_as('admin', 'public.order_drafts'), '1', 'and all to who may place orders');
select * from finish();
rollback;
