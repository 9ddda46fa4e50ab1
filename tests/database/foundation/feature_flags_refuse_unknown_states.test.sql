-- DESIGN section 8: feature flags have allowed states.
begin;
select plan(15);
select results_eq('select key, allowed_states, state from public.feature_flags order by key',
  $$ values ('active_reconciliation', '{off,dry,enforce}'::text[], 'off'), ('allocation_dual_write', '{off,shadow,enforce}', 'off'),
            ('allocation_read_switch', '{off,canary,full}', 'off'), ('ledger_backfill_mode', '{off,read_only,active}', 'off'), ('outbox_enabled', '{off,on}', 'on') $$,
  'the flags, their states and what they start with');
select is(tests.try_as('postgres', format('update public.feature_flags set state = %L where key = %L', s, f.key)), 'done', format('%s may be %s', f.key, s))
from public.feature_flags f, unnest(f.allowed_states) s where f.key not like 'allocation%' and (f.key, s) not in (('ledger_backfill_mode', 'read_only'), ('ledger_backfill_mode', 'active'), ('active_reconciliation', 'enforce')) order by f.key, s;
select is(tests.try_as('postgres', statement), expected, what) from (values
  ($$update public.feature_flags set state = 'enforce' where key = 'outbox_enabled'$$, '23514', 'a state of another flag is refused'),
  ($$update public.feature_flags set state = 'ON' where key = 'outbox_enabled'$$, '23514', 'a state in the wrong case is refused'),
  ($$update public.feature_flags set percentage = 101 where key = 'allocation_read_switch'$$, '23514', 'more than all is refused'),
  ($$update public.feature_flags set percentage = -1 where key = 'allocation_read_switch'$$, '23514', 'less than none is refused'),
  ($$update public.feature_flags set allowed_states = '{off}' where key = 'outbox_enabled'$$, '42501', 'the allowed states are not for hands'),
  ($$update public.feature_flags set state = 'enforce' where key = 'active_reconciliation'$$, '23514', 'repairs are not enforced before they were tried'),
  ($$update public.feature_flags set state = 'active' where key = 'ledger_backfill_mode'$$, '23514', 'nor is the mode of backfills'),
  ($$update public.feature_flags set state = 'read_only' where key = 'ledger_backfill_mode'$$, '23514', 'whatever it is to be'),
  ($$delete from public.feature_flags where key = 'outbox_enabled'$$, '42501', 'nor can a flag be removed')) v (statement, expected, what);
select * from finish();
rollback;
