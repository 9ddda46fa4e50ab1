/*
 * Imports of an older system's data (source 002, E-A1 and 16.1). A file is staged as it is, row by row;
 * an analysis reads every row and says what it would become, or why it cannot be read; applying writes
 * what could be read, batch by batch. Nothing is guessed: what is ambiguous is rejected, with its row
 * and reason, until somebody says in the run's options how it is meant.
 */
create table public.import_runs (
  id uuid primary key default ledger.uuid_v7(),
  kind text not null,
  source_name text not null,
  currency text not null references public.currencies (code) on delete restrict,
  options jsonb not null default '{}',
  state text not null default 'staging',
  staged_rows bigint not null default 0,
  applied_rows bigint not null default 0,
  skipped_rows bigint not null default 0,
  rejected_rows bigint not null default 0,
  sums jsonb not null default '{}',
  analysis jsonb,
  backfill_state text,
  backfill_account_id uuid,
  backfill jsonb,
  created_by uuid,
  applied_by uuid,
  created_at timestamptz not null default clock_timestamp(),
  analyzed_at timestamptz,
  applied_at timestamptz,
  aborted_at timestamptz,
  updated_at timestamptz not null default clock_timestamp(),
  constraint kind_is_a_word check (kind ~ '^[a-z][a-z_]{0,29}$'),
  constraint state_is_known check (state in ('staging', 'staged', 'analyzed', 'applying', 'applied', 'aborted')),
  constraint backfill_state_is_known check (backfill_state in ('reading', 'writing', 'drifted', 'done', 'aborted')),
  constraint only_payments_are_backfilled check (backfill_state is null or kind = 'payments'),
  constraint source_name_says_something check (length(source_name) between 1 and 200),
  constraint options_are_an_object check (jsonb_typeof(options) = 'object'),
  constraint rows_are_counted_once check (
    least(applied_rows, skipped_rows, rejected_rows) >= 0 and applied_rows + skipped_rows + rejected_rows <= staged_rows),
  constraint applied_says_when check ((state = 'applied') <= (applied_at is not null)),
  constraint aborted_says_when check ((state = 'aborted') = (aborted_at is not null))
) with (fillfactor = 70);
alter table public.import_runs enable row level security;
revoke all on public.import_runs from anon, authenticated, service_role;
grant select on public.import_runs to authenticated, service_role;
create policy import_runs_are_seen_by_who_imports on public.import_runs for select to authenticated
  using ((select ledger.caller_may('imports.run')));
select ledger.protect_from_hands('public.import_runs', 'import_begin, import_stage, import_analyze, import_apply or import_abort');
comment on table public.import_runs is 'Imports: what kind of rows, from where, how far. Counts are rows, sums are minor units of currency.';
comment on column public.import_runs.options is 'How the file is to be read: columns ({"amount": "Amount (IRR)"}), decimal_separator, date_format, ...';
comment on column public.import_runs.applied_by is 'Who called import_apply last, if the call said so; the books name them for what it wrote.';
comment on column public.import_runs.backfill_state is 'How far import_backfill is with the payments of the run; null before it began.';
comment on column public.import_runs.backfill_account_id is 'The last account it has been through, in the order of their ids.';
comment on column public.import_runs.backfill is 'What it found and did: see import_backfill.';
comment on column public.import_runs.sums is 'What the rows of each state amount to, {"applied": minor units, ...}, once all are applied.';

/* A row as it came, and what the analysis read out of it. */
create table public.import_rows (
  run_id uuid not null references public.import_runs (id) on delete restrict,
  row_number bigint not null,
  data jsonb not null,
  state text not null default 'staged',
  external_id text,
  amount bigint,
  parsed jsonb,
  target_id uuid,
  user_id uuid generated always as ((parsed ->> 'user_id')::uuid) stored,
  primary key (run_id, row_number),
  constraint row_number_is_positive check (row_number > 0),
  constraint data_is_an_object check (jsonb_typeof(data) = 'object'),
  constraint state_is_known check (state in ('staged', 'applied', 'skipped', 'rejected'))
) with (fillfactor = 60);
alter table public.import_rows enable row level security;
revoke all on public.import_rows from anon, authenticated, service_role;
grant select on public.import_rows to authenticated, service_role;
create policy import_rows_are_seen_by_who_imports on public.import_rows for select to authenticated
  using ((select ledger.caller_may('imports.run')));
-- the next batch of import_apply
create index import_rows_to_apply on public.import_rows (run_id, row_number) where state = 'staged';
-- profile_erase: rows of a person
create index import_rows_by_user on public.import_rows (user_id) where user_id is not null;
-- what the older system said of a payment or an invoice: the backfill
create index import_rows_by_target on public.import_rows (target_id) where state = 'applied';
select ledger.protect_from_hands('public.import_rows', 'import_stage, import_analyze or import_apply');
comment on table public.import_rows is 'Rows of imports as they came: staged, then applied, skipped (imported before) or rejected (see import_rejects).';
comment on column public.import_rows.row_number is 'Where the row stands in its file, as the one who staged it counts.';
comment on column public.import_rows.amount is 'What the row amounts to in minor units of the run''s currency, when that can be read.';
comment on column public.import_rows.parsed is 'What the analysis read out of data; its keys are those of the kind.';
comment on column public.import_rows.user_id is 'Whom the row is about: parsed.user_id, as soon as that is known.';
comment on column public.import_rows.target_id is 'What the row became: a payment, an invoice, an order, ...';

/* Why a row could not be imported: one line for each field that was at fault. */
create table public.import_rejects (
  run_id uuid not null,
  row_number bigint not null,
  field text not null,
  code text not null references public.error_codes (code) on delete restrict,
  message text not null,
  value text,
  user_id uuid,
  primary key (run_id, row_number, field),
  foreign key (run_id, row_number) references public.import_rows (run_id, row_number) on delete restrict
);
alter table public.import_rejects enable row level security;
revoke all on public.import_rejects from anon, authenticated, service_role;
grant select on public.import_rejects to authenticated, service_role;
create policy import_rejects_are_seen_by_who_imports on public.import_rejects for select to authenticated
  using ((select ledger.caller_may('imports.run')));
-- profile_erase: rejects of a person
create index import_rejects_by_user on public.import_rejects (user_id) where user_id is not null;
select ledger.protect_from_hands('public.import_rejects', 'import_analyze or import_apply');
comment on table public.import_rejects is
  'Rows that were not imported, with the field, the code and sentence of the reason, and the value as it came. Of rows whose person nobody knew, the values stay until import_retention_days after the run, also when that person is erased before.';

/* What something of the older system is called here: each is imported once, whatever the run. */
create table public.import_identities (
  kind text not null,
  external_id text not null,
  target_id uuid not null,
  run_id uuid not null references public.import_runs (id) on delete restrict,
  created_at timestamptz not null default clock_timestamp(),
  primary key (kind, external_id),
  constraint kind_is_a_word check (kind ~ '^[a-z][a-z_]{0,29}$'),
  constraint external_id_says_something check (length(external_id) between 1 and 200)
);
alter table public.import_identities enable row level security;
revoke all on public.import_identities from anon, authenticated, service_role;
grant select on public.import_identities to authenticated, service_role;
create policy import_identities_are_seen_by_who_imports on public.import_identities for select to authenticated
  using ((select ledger.caller_may('imports.run')));
-- what a run brought in, and what something was called before
create index import_identities_by_run on public.import_identities (run_id);
create index import_identities_by_target on public.import_identities (target_id);
-- a payment or an invoice by any spelling of its name
create index import_identities_by_key on public.import_identities (kind, ledger.import_key(external_id));
select ledger.protect_from_hands('public.import_identities', 'import_apply');
comment on table public.import_identities is 'Names of the older system: customer, product, variant, order, payment or invoice, and its id here.';
