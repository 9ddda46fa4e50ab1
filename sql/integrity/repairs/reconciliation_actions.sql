/*
 * Repairs of what checks found (source 002, E-B4): planned from a run, looked at, applied, and undone where
 * that was wrong. A repair brings what is kept to what the immutable rows say; those are never touched.
 *
 * planned     what would be written is in plan
 * applied     it was, under the locks of what it writes, after it was reckoned anew and changed the same by as much
 * stale       it was not the same any more
 * failed      it could not be written; nothing was
 * undone      what was there before is there again
 * superseded  a later plan of the same says something else
 */
create table public.reconciliation_actions (
  id uuid primary key default ledger.uuid_v7(),
  run_id uuid not null references public.reconciliation_runs (id) on delete restrict,
  finding_id uuid references public.integrity_findings (id) on delete restrict,
  check_code text not null,
  repair text not null,
  subject uuid not null,
  account_id uuid,
  stream_type text not null,
  plan jsonb not null,
  diff_amount bigint not null,
  status text not null default 'planned',
  error_code text,
  error_message text,
  applied_at timestamptz,
  applied_by uuid,
  event_id bigint,
  undo jsonb,
  undone_at timestamptz,
  undone_by uuid,
  undo_event_id bigint,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  constraint status_is_known check (status in ('planned', 'applied', 'failed', 'stale', 'undone', 'superseded')),
  constraint plan_has_lines check (jsonb_typeof(plan) = 'array' and plan <> '[]'),
  constraint diff_is_not_negative check (diff_amount >= 0),
  constraint applied_says_when_and_how_to_undo check (status not in ('applied', 'undone') or (applied_at is not null and event_id is not null and undo is not null)),
  constraint undone_says_when check ((status = 'undone') = (undone_at is not null)),
  constraint not_applied_says_why check (status not in ('failed', 'stale') or error_code is not null)
);
alter table public.reconciliation_actions enable row level security;
revoke all on public.reconciliation_actions from anon, authenticated, service_role;
grant select on public.reconciliation_actions to authenticated, service_role;
create policy reconciliation_actions_are_seen_by_auditors on public.reconciliation_actions for select to authenticated
  using ((select ledger.caller_may('audit.read')));
-- one open plan of a repair of a subject; what reconciliation_apply takes on
create unique index reconciliation_actions_open on public.reconciliation_actions (repair, subject) where status = 'planned';
-- what was applied to a subject last, and whether somebody undid it (ledger.plan_repair)
create index reconciliation_actions_by_subject on public.reconciliation_actions (subject, id) where status in ('applied', 'undone');
-- the plans of a run, and the foreign key
create index reconciliation_actions_by_run on public.reconciliation_actions (run_id);
-- the foreign key
create index reconciliation_actions_by_finding on public.reconciliation_actions (finding_id) where finding_id is not null;
-- the share of failures since the flag was set (ledger.share_of_failed_repairs)
create index reconciliation_actions_tried on public.reconciliation_actions (updated_at) where status in ('applied', 'failed', 'undone');
select ledger.protect_from_hands('public.reconciliation_actions', 'reconciliation_plan, reconciliation_apply or reconciliation_undo');
comment on table public.reconciliation_actions is
  'Repairs of integrity findings: planned, applied, undone. At most one is planned per repair and subject.';
comment on column public.reconciliation_actions.finding_id is 'The finding it was planned for, the first of several; null when it was planned for a drift run.';
comment on column public.reconciliation_actions.repair is 'Kind of repair: ledger.repair_kinds.';
comment on column public.reconciliation_actions.subject is 'The account, order, variant, ... that is repaired, as its kind says.';
comment on column public.reconciliation_actions.account_id is 'Whose books it is in; null for the shop''s own.';
comment on column public.reconciliation_actions.plan is
  'Diff lines [{"relation", "key": {column: value}, "column", "from", "to"}]; column null: the whole row is missing ("from" null) and is written. Amounts in minor units.';
comment on column public.reconciliation_actions.diff_amount is
  'Sum over the lines of what figures change by: minor units of the account''s currency, or units of stock; the whole total of an order whose status or payment status changes. Counters of rows do not count.';
comment on column public.reconciliation_actions.undo is
  '{"lines": the lines the other way round, "rows": [{"relation", "key", "digest"}] of what was written, as it was then}.';
