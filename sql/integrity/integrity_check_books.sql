create function public.integrity_check_books()
returns table (check_code text, subject text, expected text, found text)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform ledger.require_permission(ledger.current_actor(), 'audit.read');
  return query select * from ledger.book_differences();
end $$;
revoke execute on function public.integrity_check_books() from public, anon;
grant execute on function public.integrity_check_books() to authenticated, service_role;
comment on function public.integrity_check_books() is
  'Rows where two sides of the books differ: accounts, transactions, postings, events, orders, stock. None is good. Needs audit.read.';
