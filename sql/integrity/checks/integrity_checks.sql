/*
 * Checks of the books as rows (DESIGN section 8). A check is a query that answers the rows that offend:
 *
 *   subject text, account_id uuid, expected text, found text, diff_amount bigint
 *
 * Its tables are the names in ledger.integrity_relations, without a schema. The run puts what they stand
 * for before the query: all rows, or those of one account, or those of what has changed. So each check
 * is written once and runs in every scope.
 */
create table public.integrity_checks (
  code text primary key,
  family text not null,
  proves text not null,
  severity text not null,
  scopes text[] not null default '{all,changed,account}',
  query text not null,
  repair text,
  enabled boolean not null default true,
  constraint severity_is_known check (severity in ('critical', 'error', 'warning')),
  constraint scopes_are_known check (scopes <@ '{all,changed,account}'::text[] and 'all' = any (scopes)),
  constraint code_and_family_are_names check (code ~ '^[a-z][a-z0-9_]*$' and family ~ '^[a-z][a-z0-9_]*$')
);
alter table public.integrity_checks enable row level security;
revoke all on public.integrity_checks from anon, authenticated, service_role;
grant select on public.integrity_checks to authenticated, service_role;
create policy integrity_checks_are_seen_by_auditors on public.integrity_checks for select to authenticated
  using ((select ledger.caller_may('audit.read')));
-- a check that was emptied finds nothing: those of the schema stay as they are, and hands may only switch them on and off
create trigger rows_of_the_schema_stay before delete on public.integrity_checks
  for each row when (old.family <> 'own' and coalesce(current_setting('ledger.procedure', true), '') = '')
  execute function ledger.refuse_schema_row('integrity_checks', 'code, family, severity, scopes, query, repair');
create trigger checks_of_the_schema_stay before update on public.integrity_checks
  for each row when (old.family <> 'own' and coalesce(current_setting('ledger.procedure', true), '') = ''
                     and row(old.code, old.family, old.severity, old.scopes, old.query, old.repair)::text
                         <> row(new.code, new.family, new.severity, new.scopes, new.query, new.repair)::text)
  execute function ledger.refuse_schema_row('integrity_checks', 'code, family, severity, scopes, query, repair');
select ledger.audit_hand_edits_of('public.integrity_checks', 'code');
comment on table public.integrity_checks is
  'Checks of the books. A row of a shop''s own has family own; all others belong to the schema.';
comment on column public.integrity_checks.family is 'Checks of a family run as one statement and share what they add up.';
comment on column public.integrity_checks.proves is 'What is true while the check finds nothing.';
comment on column public.integrity_checks.severity is 'critical: money or history is wrong; error: something kept differs from what it follows from; warning: somebody should look.';
comment on column public.integrity_checks.scopes is 'all: of everything; changed: of what has changed since the last run; account: of one account.';
comment on column public.integrity_checks.query is
  'Answers subject, account_id (uuid), expected, found and diff_amount (a whole number) of each row that offends, over the names in ledger.integrity_relations; other relations with their schema. diff_amount in minor units or units of stock, null where there is no number.';
comment on column public.integrity_checks.repair is 'Kind of repair that mends it (reconciliation_actions), null where a person has to.';

/*
 * What the checks' queries read. whole: all of it. scoped: of what a run looks at, which are accounts
 * ($1), orders ($2) and variants ($3), each uuid[], and with those of a long history all touched accounts ($4)
 * and variants ($5); null where that follows by itself, because the relation is made of others. A relation may read those with a lower position.
 */
create table ledger.integrity_relations (
  name text primary key,
  position integer not null unique,
  whole text not null,
  scoped text
);
select ledger.keep_schema_rows('ledger.integrity_relations', 'name, whole, scoped');
select ledger.audit_hand_edits_of('ledger.integrity_relations', 'name');
comment on table ledger.integrity_relations is 'Names that the queries of integrity_checks read, and what they stand for.';
comment on column ledger.integrity_relations.scoped is 'The same of the accounts $1, the orders $2, the variants $3, all touched accounts $4 and variants $5 (uuid[]); null: as whole, over scoped relations.';
