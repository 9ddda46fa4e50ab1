-- A shop's desk for the tests: drafts, a bulk change, and words beside events. Needs the shop of
-- 000-shop.sql and, like it, stays when the file is done.

/* After tests.open_shop(): ann and bob keep a draft of a mug each; the admin has asked for an order that is not there to be
   confirmed; ann's account was frozen and released, with a reason. No order, balance or stock is another. */
create or replace function tests.open_desk() returns void
language plpgsql set search_path = '' as $$
begin
  perform tests.expect_success(s)
  from unnest('{ann,bob}'::text[]) n (name)
  cross join lateral public.order_draft_save(tests.items('MUG'), p_notes => 'cart of ' || n.name, p_user_id => tests.get_supabase_uid(n.name)) s;
  perform tests.authenticate_as('admin');
  perform public.ledger_bulk_change_status('{00000000-0000-4000-8000-000000000001}', 'confirmed');
  perform tests.act_as_owner();
  perform tests.expect_success(f)
  from unnest('{true,false}'::boolean[]) w (frozen)
  cross join lateral public.ledger_freeze_account(tests.get_supabase_uid('ann'), w.frozen, 'a card was lost') f;
end $$;

begin;
select plan(1);
select has_function('tests', 'open_desk', 'the helper for drafts is in place');
select * from finish();
rollback;
