/*
 * Nothing in schema ledger is called from outside: it is not exposed, and EXECUTE is revoked beside.
 * The exceptions are what row-level policies call as the reader, and the default of ids that a
 * backend may insert.
 */
revoke execute on all functions in schema ledger from public, anon, authenticated, service_role;
grant execute on function ledger.caller_may(text) to authenticated;
grant execute on function ledger.uuid_v7() to service_role;
revoke all on all tables in schema ledger from public, anon, authenticated, service_role;
