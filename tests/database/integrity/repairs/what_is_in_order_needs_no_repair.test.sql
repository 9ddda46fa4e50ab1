-- What is in order needs no repair: every kind, over everything that a shop has it for.
begin;
select plan(2);
select tests.open_shop();
select tests.open_office();
select tests.open_imports();
select tests.open_desk();
select tests.open_till();
select tests.open_review();
select tests.open_market();
select tests.open_warehouse();
select tests.open_returns();
select tests.open_refunds();
select tests.open_cards();
create temp table subjects as
  select k.kind, s.id
  from ledger.repair_kinds k
  join (select 'account' as subject, a.id from public.accounts a
        union all select 'order', o.id from public.orders o
        union all select 'variant', v.id from public.variants v
        union all select 'discount_code', c.id from public.discount_codes c
        union all select 'import_run', r.id from public.import_runs r
        union all select 'commission', c.id from public.referral_commissions c
        union all select 'vendor_earning', e.id from public.vendor_earnings e where e.account_id is not null
        union all select 'invoice', i.id from public.invoices i where i.kind = 'invoice'
        union all select 'card_payment', c.id from public.card_payments c) s on s.subject = k.subject;
select is_empty($$ select s.kind, s.id, r.problem, r.lines from subjects s cross join lateral ledger.repair_of(s.kind, s.id) r where r.problem is not null or r.lines <> '[]' $$,
  'nothing that is in order is mended, or said to be for people');
select set_eq('select distinct kind from subjects', 'select kind from ledger.repair_kinds', 'and every kind was asked');
select * from finish();
rollback;
