/*
 * What a trial of a repair looks at: its account with its orders, or its variant; null where no check looks at
 * less than everything. Of an account with a long history only its order and its last row, as in a run of what changed.
 */
create function ledger.scope_of_repair(p_repair text, p_subject uuid, p_account_id uuid)
returns ledger.integrity_scope
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_scope ledger.integrity_scope;
begin
  if p_repair = 'stock_levels' or (select a.version > 1000 from public.accounts a where a.id = p_account_id) then
    v_scope.kind := 'changed';
    v_scope.account_ids := '{}';
    v_scope.order_ids := array(select o.id from public.orders o where o.id = p_subject);
    v_scope.variant_ids := array(select v.id from public.variants v where v.id = p_subject);
    v_scope.touched_account_ids := array_remove(array[p_account_id], null);
    v_scope.touched_variant_ids := v_scope.variant_ids;
  elsif p_account_id is not null then
    v_scope := ledger.scope_of_run('account', p_account_id, 0);
  end if;
  return v_scope;
end $$;
comment on function ledger.scope_of_repair(text, uuid, uuid) is 'The scope of the checks that a trial of a repair asks; its kind is null where there is none.';

/*
 * What checks find there now, as "code subject". Not beside the last transaction or movement, which has kept what
 * was wrong when it came, and stays as it is.
 */
create function ledger.names_of_findings(p_scope ledger.integrity_scope)
returns text[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return array(select distinct format('%s %s', f.check_code, f.subject) from ledger.findings(null, p_scope) f
               where f.check_code not in ('account_equals_last_transaction', 'stock_equals_last_movement'));
end $$;
comment on function ledger.names_of_findings(ledger.integrity_scope) is 'What is found in a scope, each as its check and subject.';

/*
 * Why lines must not be written: rules of the tables forbid them, or afterwards a check finds what it did not
 * find before, or nothing less; then some row that they follow from was changed. Writes them, behind the open
 * plans of the same account that come before them, looks, and takes all of it back. Nobody waits for long: where
 * somebody else is at work the trial is over, and answers busy.
 */
create function ledger.refusal_of_repair(p_repair text, p_subject uuid, p_account_id uuid, p_finding_id uuid, p_lines jsonb)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '200ms'
as $$
declare
  v_scope ledger.integrity_scope := ledger.scope_of_repair(p_repair, p_subject, p_account_id);
  v_finding public.integrity_findings;
  v_before text[];
  v_after text[];
  v_plan jsonb;
begin
  begin
    for v_plan in
      select a.plan
      from public.reconciliation_actions a
      join ledger.repair_kinds k on k.kind = a.repair
      where a.status = 'planned' and a.account_id = p_account_id
        and (k.position, a.subject) < (select n.position, p_subject from ledger.repair_kinds n where n.kind = p_repair)
      order by k.position, a.id
    loop
      perform ledger.write_repair(v_plan);
    end loop;
    perform ledger.write_repair(p_lines);
    set constraints all immediate;
    v_after := case when v_scope.kind is not null then ledger.names_of_findings(v_scope) end;
    raise exception using errcode = 'OL003', message = 'it can be written';
  exception
    when sqlstate 'OL003' then
      null;
    when sqlstate 'OL002' or lock_not_available or deadlock_detected then
      return 'busy';
    when others then
      return format('it could not be written: %s', sqlerrm);
  end;

  if v_scope.kind is null then
    return null;
  end if;
  -- what the run found is what was there before, mostly; else it is looked at now
  select f.* into v_finding from public.integrity_findings f where f.id = p_finding_id;
  v_before := array(select format('%s %s', f.check_code, f.subject) from public.integrity_findings f where f.run_id = v_finding.run_id);
  if v_after <@ v_before and format('%s %s', v_finding.check_code, v_finding.subject) <> all (v_after) then
    return null;
  end if;
  v_before := ledger.names_of_findings(v_scope);
  return case
    when not v_after <@ v_before then
      format('after it this would be found: %s', (select min(n) from unnest(v_after) n where n <> all (v_before)))
    when v_after @> v_before and format('%s %s', v_finding.check_code, v_finding.subject) = any (v_before) then
      'after it as much would be found as before' end;
end $$;
comment on function ledger.refusal_of_repair(text, uuid, uuid, uuid, jsonb) is
  'Why these lines must not be written, busy where that could not be tried, or null; nothing stays written.';
