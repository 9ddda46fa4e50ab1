-- A customer who reads a table without a filter reads their own rows and not everybody's: the policy's bounds are an index's.
begin;
create temp table tables as select unnest('{account_debt_cache,debt_movements,invoice_balance_cache,payment_allocations,accounts,addresses,backorders,credit_terms,payment_deadlines,event_texts,invoice_lines,invoices,order_drafts,payment_receipts,payments,profiles,referral_commissions,refund_lines,refunds,
  return_lines,returns,shipment_lines,shipments,stock_reservations,transactions,withdrawals}'::text[]) as name;
grant select on tables to authenticated;
select plan((select count(*)::int from tables) * 2);
select tests.create_customer('alice', 1000), tests.create_staff('auditor', 'admin');
-- with few rows a scan of them all is quicker
set local enable_seqscan = off;
set local enable_bitmapscan = off;

/* The condition with which the table's own index is entered when somebody reads it. */
create function pg_temp.entered_with(p_table text) returns text language plpgsql as $$
declare
  v_plan jsonb;
begin
  execute format('explain (costs off, format json) select * from public.%I', p_table) into v_plan;
  return v_plan #>> '{0,Plan,Index Cond}';
end $$;
select tests.authenticate_as('alice');
select matches(pg_temp.entered_with(name), '\((user_id|account_id|id) >= .*\) AND \((user_id|account_id|id) <= ', name || ': by whose rows they are') from tables;
select tests.authenticate_as('auditor');
select matches(pg_temp.entered_with(name), '\((user_id|account_id|id) >= .*\) AND \((user_id|account_id|id) <= ', name || ': for staff over everybody, with the same plan') from tables;
select tests.act_as_owner();
select * from finish();
rollback;
