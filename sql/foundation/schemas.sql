/* `public` is what clients may see; `ledger` holds everything else and is exposed by nothing. */
create schema if not exists ledger;
comment on schema ledger is
  'Internals of order-ledger: helpers, jobs, outbox, partitions. Not exposed over HTTP; call the ledger_* procedures in public.';
revoke all on schema ledger from public, anon, authenticated, service_role;
