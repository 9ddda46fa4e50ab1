/*
 * Nothing in schema ledger is called from outside: it is not exposed, and EXECUTE is revoked beside.
 * The exceptions are what row-level policies and views call as the reader, and the default of ids
 * that a backend may insert.
 */
revoke execute on all functions in schema ledger from public, anon, authenticated, service_role;
grant execute on function ledger.caller_may(text), ledger.first_account_seen(text), ledger.last_account_seen(text) to authenticated;
-- the view customer_orders asks them as whoever reads, and they tell of nobody but the reader
grant execute on function ledger.first_user_seen(text, name), ledger.last_user_seen(text, name) to public;
-- asked by the policy on realtime.messages, once ledger.enable_realtime() has made it
grant execute on function ledger.may_follow(text) to authenticated;
-- asked by the policy on storage.objects, once ledger.enable_receipt_storage() has made it
grant execute on function ledger.is_file_of_receipt(text) to authenticated;
-- asked by the view order_status_history
grant execute on function ledger.is_of_erased(uuid) to authenticated, service_role;
grant execute on function ledger.uuid_v7() to service_role;
revoke all on all tables in schema ledger from public, anon, authenticated, service_role;
