-- DESIGN rules 2 and 11: the codes live in one table, and the message says what was wrong and what would be right.
begin;
select plan(9);
select is(ledger.refuse('insufficient_funds', '{"required": 1234, "available": 5, "currency": "USD"}') ->> 'error_message', '12.34 USD is needed, 0.05 USD is available.', 'amounts read as money');
select is(ledger.refuse('insufficient_stock', '{"available": 3, "name": "Blue mug", "requested": 5}') ->> 'error_message', 'Only 3 of "Blue mug" left, 5 asked.', 'DESIGN rule 11''s example');
select is(ledger.refuse('empty_order'), '{"success": false, "error_code": "empty_order", "error_message": "The order has no items.", "error_details": {}}'::jsonb, 'the answer of a refusal');
select is(ledger.refuse('invalid_amount', '{"amount": null, "expected": "above zero"}') ->> 'error_message', 'The amount must be above zero, not .', 'a null leaves its place empty');
select throws_ok($$ insert into public.error_codes values ('Not Snake', 400, 'x', 'x') $$, '23514', null, 'a code is snake_case');
select throws_ok($$ insert into public.error_codes values ('server_error', 500, 'x', 'x') $$, '23514', null, 'a refusal is the client''s error, not the server''s');

-- the sentences and the comments fit together
select is_empty($$ select e.code from public.error_codes e where e.message !~ '^[A-Z{"].*[.}]$' $$, 'every message is a sentence, or ends with one that it is given');
select is_empty($$ select distinct p.proname, m[1] from pg_proc p, regexp_matches(obj_description(p.oid, 'pg_proc'), '([a-z]+(?:_[a-z]+)+)', 'g') m
                   where p.pronamespace = 'public'::regnamespace and obj_description(p.oid, 'pg_proc') ~ 'Errors:'
                     and position(m[1] in split_part(obj_description(p.oid, 'pg_proc'), 'Errors:', 2)) > 0
                     and m[1] not in (select code from public.error_codes) and m[1] not in ('error_codes', 'ledger_place_order') $$,
  'the errors that a procedure''s comment names exist');
select results_eq($$ select code, http_status::int from public.error_codes where code in ('idempotency_conflict', 'insufficient_funds', 'insufficient_stock', 'order_not_found', 'rate_limited') order by code $$,
  $$ values ('idempotency_conflict', 422), ('insufficient_funds', 402), ('insufficient_stock', 409), ('order_not_found', 404), ('rate_limited', 429) $$, 'codes carry their HTTP status');
select * from finish();
rollback;
