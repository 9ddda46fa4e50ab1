-- A draft is priced and kept, replaced as a whole, and holds neither stock nor money.
begin;
select plan(23);
select tests.create_customer('alice', 10000), tests.create_customer('bob'), tests.create_staff('admin', 'admin'), tests.create_staff('warehouse', 'warehouse');
select tests.create_variant('mug', 5, 1000, tax_rate_bp => 1000), tests.create_variant('tea', 0, 300);
insert into shipping_methods (code, currency, name, price_amount) values ('post', 'USD', 'Post', 500);
insert into discount_codes (code, kind, percent_bp) values ('TEN', 'percent', 1000);
select tests.expect_success(a) from ledger_save_address('Alice', '1 Mill Lane', 'Basra', 'IQ', p_user_id => tests.get_supabase_uid('alice')) a;
create temp table home as select id from addresses;
grant select on home to authenticated;

create temp table before as select tests.state() - 'public.order_drafts' - 'ledger.idempotency_keys' as state;
select tests.authenticate_as('alice');
select results_eq($$ select success, version, currency, subtotal_amount, discount_amount, shipping_amount, tax_amount, total_amount
                     from order_draft_save(tests.lines('mug x 2', 'tea x 9'), p_shipping_address_id => (select id from home), p_shipping_method => 'post',
                       p_discount_code => ' ten ', p_notes => 'ring twice', p_idempotency_key => 'cart') $$,
  $$ values (true, 1::bigint, 'USD', 4700::bigint, 470::bigint, 500::bigint, 180::bigint, 4910::bigint) $$, 'a draft answers what it would cost, also of what is not in stock');
select is((select count(*)::int from order_draft_save(tests.lines('mug x 2', 'tea x 9'), p_shipping_address_id => (select id from home), p_shipping_method => 'post',
  p_discount_code => ' ten ', p_notes => 'ring twice', p_idempotency_key => 'cart') s join order_drafts d on d.id = s.draft_id), 1, 'the same key answers the same draft');
select results_eq('select count(*)::int, min(items::text), min(discount_code), min(notes) from order_drafts',
  $$ select 1, jsonb_build_array(jsonb_build_object('variant_id', tests.get_variant_id('mug'), 'quantity', 2, 'unit_price_amount', 1000),
                                 jsonb_build_object('variant_id', tests.get_variant_id('tea'), 'quantity', 9, 'unit_price_amount', 300))::text, 'TEN', 'ring twice' $$,
  'there is one draft, with its prices');
select results_eq($$ select success, version, total_amount from order_draft_save(tests.lines('mug x 1'), (select id from order_drafts), p_expected_version => 1) $$,
  $$ values (true, 2::bigint, 1100::bigint) $$, 'it is replaced as a whole');
select results_eq('select shipping_method, discount_code, notes, shipping_address_id from order_drafts', 'values (null::text, null::text, null::text, null::uuid)', 'what was left out is gone');
select results_eq($$ select error_code, (error_details ->> 'version')::int from order_draft_save(tests.lines('mug x 3'), (select id from order_drafts), p_expected_version => 1) $$,
  $$ values ('draft_conflict', 2) $$, 'of two who change it from the same version one is told');
select tests.act_as_owner();
select is(tests.changes((select state from before), tests.state() - 'public.order_drafts' - 'ledger.idempotency_keys'), null, 'nothing else has changed: no stock, no money, no event');

-- refusals
create temp table drafts as select id from order_drafts;
grant select on drafts to authenticated;
select is(tests.outcome('alice', call), expected, expected || ': ' || call) from (values
  ('empty_order', $$order_draft_save('[]')$$), ('invalid_argument', $$order_draft_save(null)$$), ('invalid_quantity', $$order_draft_save(tests.items('mug', 0))$$),
  ('variant_not_found', $$order_draft_save('[{"variant_id": "00000000-0000-4000-8000-000000000001", "quantity": 1}]')$$),
  ('discount_code_invalid', $$order_draft_save(tests.items('mug'), p_discount_code => 'no')$$),
  ('shipping_method_unavailable', $$order_draft_save(tests.items('mug'), p_shipping_method => 'no')$$),
  ('invalid_argument', $$order_draft_save(tests.items('mug'), p_notes => repeat('x', 2001))$$),
  ('draft_not_found', $$order_draft_save(tests.items('mug'), gen_random_uuid())$$)) c (expected, call);
select is(tests.outcome('bob', 'order_draft_save(tests.items(''mug''), (select id from drafts))'), 'draft_not_found', 'another''s draft is not found');
select is(tests.outcome('bob', 'order_draft_save(tests.items(''mug''), p_shipping_address_id => (select id from home))'), 'address_not_found', 'nor another''s address');
select is(tests.outcome('bob', format('order_draft_save(tests.items(''mug''), p_user_id => %L)', tests.get_supabase_uid('alice'))), '42501', 'nobody drafts in another''s name');
select is(tests.outcome('warehouse', 'order_draft_save(tests.items(''mug''), (select id from drafts))'), 'draft_not_found', 'nor do staff who may not place orders');
select is(tests.outcome('admin', format('order_draft_save(tests.items(''mug''), p_user_id => %L)', tests.get_supabase_uid('alice'))), 'success', 'staff who may do');
select is(tests.outcome('admin', 'order_draft_save(tests.items(''mug''), (select id from drafts))'), 'success', 'also without saying whose draft it is');
select is(tests.outcome(null, 'order_draft_save(tests.items(''mug''))'), 'customer_required', 'a backend says for whom');

-- a limit
select tests.set_setting('max_order_drafts', '1');
select is(tests.outcome('alice', 'order_draft_save(tests.items(''mug''))'), 'too_many_drafts', 'a customer keeps so many drafts and no more');
select * from finish();
rollback;
