/*
 * What the cases are held against, made as fast as it honestly can be: bigint keys, the same
 * customers' worth of rows as the shop has, room on the pages for HOT updates.
 */

/* (a) pgbench's TPC-B: its tables, without foreign keys as pgbench makes them, as one function. */
create table bench.tpcb_branches (bid int primary key, bbalance int, filler char(88));
create table bench.tpcb_tellers (tid int primary key, bid int, tbalance int, filler char(84));
create table bench.tpcb_accounts (aid int primary key, bid int, abalance int, filler char(84));
create table bench.tpcb_history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22));

create function bench.tpcb(p_aid int, p_bid int, p_tid int, p_delta int)
returns int
language plpgsql
as $$
declare
  v_balance int;
begin
  update bench.tpcb_accounts set abalance = abalance + p_delta where aid = p_aid;
  select abalance into v_balance from bench.tpcb_accounts where aid = p_aid;
  update bench.tpcb_tellers set tbalance = tbalance + p_delta where tid = p_tid;
  update bench.tpcb_branches set bbalance = bbalance + p_delta where bid = p_bid;
  insert into bench.tpcb_history (tid, bid, aid, delta, mtime) values (p_tid, p_bid, p_aid, p_delta, current_timestamp);
  return v_balance;
end $$;

/*
 * (b) The smallest double-entry transfer: two locks in order, two balances, one transfer, two
 * entries with running balances. Primary keys and the index that a statement needs; no foreign keys,
 * since the accounts are locked, no idempotency, no events, no audit, no permissions, no guards.
 */
create table bench.accounts (
  id bigint generated always as identity primary key,
  balance bigint not null default 0
) with (fillfactor = 50);

create table bench.transfers (
  id bigint generated always as identity primary key,
  from_account_id bigint not null,
  to_account_id bigint not null,
  amount bigint not null check (amount > 0),
  created_at timestamptz not null default clock_timestamp()
);

create table bench.entries (
  id bigint generated always as identity primary key,
  transfer_id bigint not null,
  account_id bigint not null,
  amount bigint not null,
  balance_after bigint not null
);
create index entries_by_account on bench.entries (account_id, id);

create function bench.transfer(p_from bigint, p_to bigint, p_amount bigint)
returns bigint
language plpgsql
as $$
declare
  v_from_balance bigint;
  v_to_balance bigint;
  v_transfer_id bigint;
begin
  perform from bench.accounts a where a.id in (p_from, p_to) order by a.id for no key update;
  update bench.accounts a set balance = a.balance - p_amount where a.id = p_from returning a.balance into v_from_balance;
  update bench.accounts a set balance = a.balance + p_amount where a.id = p_to returning a.balance into v_to_balance;
  insert into bench.transfers (from_account_id, to_account_id, amount)
  values (p_from, p_to, p_amount)
  returning id into v_transfer_id;
  insert into bench.entries (transfer_id, account_id, amount, balance_after)
  values (v_transfer_id, p_from, -p_amount, v_from_balance), (v_transfer_id, p_to, p_amount, v_to_balance);
  return v_transfer_id;
end $$;

/* (c) One row of many, or the one that everybody wants. */
create table bench.counters (
  id int primary key,
  value bigint not null default 0
) with (fillfactor = 50);

create procedure bench.fill_baselines(p_branches int, p_accounts_per_branch int, p_accounts int)
language sql
as $$
  insert into bench.tpcb_branches (bid, bbalance) select n, 0 from generate_series(1, p_branches) n;
  insert into bench.tpcb_tellers (tid, bid, tbalance)
  select n, (n - 1) / 10 + 1, 0 from generate_series(1, p_branches * 10) n;
  insert into bench.tpcb_accounts (aid, bid, abalance, filler)
  select n, (n - 1) / p_accounts_per_branch + 1, 0, '' from generate_series(1, p_branches * p_accounts_per_branch) n;
  insert into bench.accounts (balance) select 1000000000 from generate_series(1, p_accounts);
  insert into bench.counters (id) select n from generate_series(1, p_accounts) n;
$$;
