/*
 * Nothing in schema ledger is called from outside: it is not exposed, and EXECUTE is revoked beside.
 * The one exception is what row-level policies call as the reader.
 */
revoke execute on all functions in schema ledger from public, anon, authenticated, service_role;
grant execute on function ledger.caller_may(text) to authenticated;
revoke all on all tables in schema ledger from public, anon, authenticated, service_role;
