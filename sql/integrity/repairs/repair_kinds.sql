/*
 * Kinds of repair; a lower position comes first, for others may rest on it. The subject says what a finding of it is
 * about, and so what is locked. The function ledger.repair_<kind>(subject) answers what would mend it, and
 * writes nothing.
 */
create view ledger.repair_kinds
with (security_invoker = true)
as
  select k.position, k.kind, k.subject
  from (values
    (1, 'order_status', 'order'),
    (2, 'order_money', 'order'),
    (3, 'account_totals', 'account'),
    (4, 'stock_levels', 'variant'),
    (5, 'backorders', 'order'),
    (6, 'card_payment', 'card_payment'),
    (7, 'invoice_credit', 'invoice'),
    (8, 'balance_caches', 'account'),
    (9, 'old_flags', 'account'),
    (10, 'commission', 'commission'),
    (11, 'vendor_earning', 'vendor_earning'),
    (12, 'import_counts', 'import_run'),
    (13, 'discount_usage', 'discount_code')) k (position, kind, subject);
comment on view ledger.repair_kinds is 'Kinds of repair, in the order in which they are applied, and what each is about.';

/* What would mend a subject. */
create type ledger.repair as (stream_type text, account_id uuid, lines jsonb, problem text);
comment on type ledger.repair is
  'stream_type and account_id of its event; lines: as in reconciliation_actions.plan, [] when there is nothing to mend; problem: why it is not for a repair, and then no lines count.';

/* The lines between a row as it is and as it should be; p_from null: the row is missing. */
create function ledger.repair_lines(p_relation text, p_key jsonb, p_from jsonb, p_to jsonb)
returns jsonb
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_from is null then
    return jsonb_build_array(jsonb_build_object('relation', p_relation, 'key', p_key, 'column', null, 'from', null, 'to', p_key || p_to));
  end if;
  return coalesce((
    select jsonb_agg(jsonb_build_object('relation', p_relation, 'key', p_key, 'column', t.key, 'from', p_from -> t.key, 'to', t.value) order by t.key)
    from jsonb_each(p_to) t
    where p_from -> t.key is distinct from t.value), '[]');
end $$;
comment on function ledger.repair_lines(text, jsonb, jsonb, jsonb) is 'Diff lines of one row: of each column of p_to whose value is not that of p_from.';

/* What the figures of some lines change by; counters of rows are no figures, and how an order or its payment stands decides about all of it. */
create function ledger.diff_of_lines(p_lines jsonb)
returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce((
    select sum(o.total_amount)
    from public.orders o
    where o.id in (select (l.line #>> '{key,id}')::uuid from jsonb_array_elements(p_lines) l (line)
                   where l.line ->> 'relation' = 'orders' and l.line ->> 'column' in ('status', 'payment_status'))), 0) + coalesce((
    select sum(abs((d.value ->> 'to')::numeric - coalesce((d.value ->> 'from')::numeric, 0)))
    from (
      select l.line ->> 'column' as name, l.line as value from jsonb_array_elements(p_lines) l (line) where l.line ->> 'column' is not null
      union all
      select w.key, jsonb_build_object('from', 0, 'to', w.value)
      from jsonb_array_elements(p_lines) l (line) cross join lateral jsonb_each(l.line -> 'to') w
      where l.line ->> 'column' is null and l.line -> 'from' = 'null') d
    where jsonb_typeof(d.value -> 'to') = 'number' and d.name not in ('version', 'redemptions') and d.name !~ '_rows$'), 0);
end $$;
comment on function ledger.diff_of_lines(jsonb) is
  'Sum of what amounts and quantities of diff lines change by, and of the totals of orders whose status or payment status they change.';

/* What would mend a subject now; a kind that cannot say it, or a subject that is gone, is a problem and not an error. */
create function ledger.repair_of(p_kind text, p_subject uuid)
returns ledger.repair
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_repair ledger.repair;
begin
  v_repair := case p_kind
    when 'order_status' then ledger.repair_order_status(p_subject)
    when 'order_money' then ledger.repair_order_money(p_subject)
    when 'account_totals' then ledger.repair_account_totals(p_subject)
    when 'stock_levels' then ledger.repair_stock_levels(p_subject)
    when 'backorders' then ledger.repair_backorders(p_subject)
    when 'card_payment' then ledger.repair_card_payment(p_subject)
    when 'invoice_credit' then ledger.repair_invoice_credit(p_subject)
    when 'balance_caches' then ledger.repair_balance_caches(p_subject)
    when 'old_flags' then ledger.repair_old_flags(p_subject)
    when 'commission' then ledger.repair_commission(p_subject)
    when 'vendor_earning' then ledger.repair_vendor_earning(p_subject)
    when 'import_counts' then ledger.repair_import_counts(p_subject)
    when 'discount_usage' then ledger.repair_discount_usage(p_subject)
  end;
  if v_repair.stream_type is null then
    v_repair.problem := coalesce(v_repair.problem, 'what it is about is not there any more');
  end if;
  v_repair.lines := coalesce(v_repair.lines, '[]');
  return v_repair;
-- rows or events that cannot even be read are not its business, and stop nobody else's repair
exception when others then
  return row(null, null, '[]', format('it cannot be reckoned: %s', sqlerrm))::ledger.repair;
end $$;
comment on function ledger.repair_of(text, uuid) is 'What a kind of repair would write for a subject, as everything is now.';

/* What lines change, whatever figures they start from: five units too many are five too many after a sale. */
create function ledger.changes_of_lines(p_lines jsonb)
returns jsonb
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select jsonb_agg(case when jsonb_typeof(l.line -> 'from') = 'number' and jsonb_typeof(l.line -> 'to') = 'number'
                          then l.line - array['from', 'to'] || jsonb_build_object('by', (l.line ->> 'to')::numeric - (l.line ->> 'from')::numeric)
                          else l.line end order by l.place)
    from jsonb_array_elements(p_lines) with ordinality l (line, place));
end $$;
comment on function ledger.changes_of_lines(jsonb) is 'Diff lines with what a figure changes by in place of from and to.';

/* Whether lines give an account more to spend than it has: that a person has to want, by naming the plan. */
create function ledger.raises_a_balance(p_lines jsonb)
returns boolean
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce((
    select sum(case l.line ->> 'column' when 'total_earned' then 1 else -1 end * ((l.line ->> 'to')::bigint - (l.line ->> 'from')::bigint)) > 0
    from jsonb_array_elements(p_lines) l (line)
    where l.line ->> 'relation' = 'accounts' and l.line ->> 'column' in ('total_earned', 'total_withdrawn', 'total_pending_withdrawals', 'total_orders')), false);
end $$;
comment on function ledger.raises_a_balance(jsonb) is 'Whether diff lines raise what an account has available.';
