/* `public` is what clients may see; `ledger` holds everything else and is exposed by nothing.
 *
 * Every function sets `search_path = pg_catalog, pg_temp` and names everything else in full. An empty
 * path would still look into pg_temp first for types, so that a session's own temporary domain
 * named "text" would run its checks with the owner's rights.
 */
create schema if not exists ledger;
comment on schema ledger is
  'Internals of order-ledger: helpers, jobs, outbox, partitions. Not exposed over HTTP; call the ledger_* procedures in public.';
revoke all on schema ledger from public, anon, authenticated, service_role;
