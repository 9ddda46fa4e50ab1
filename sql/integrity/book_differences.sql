/*
 * Every sum that must be right, compared from its two sides; all parts are read in one statement and
 * so in one snapshot. Answers the rows that differ: none means the books are in order. What only wants
 * somebody's attention (warnings) is no difference.
 */
create function ledger.book_differences()
returns table (check_code text, subject text, expected text, found text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select f.check_code, f.subject, f.expected, f.found
  from ledger.findings(array(select c.code from public.integrity_checks c where c.enabled and c.severity <> 'warning')) f
  where f.check_code is not null;
$$;
comment on function ledger.book_differences() is 'Sums that should be equal and are not; no rows when the books are in order.';
