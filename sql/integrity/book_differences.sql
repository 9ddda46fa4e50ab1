/*
 * Every sum that must be right, compared from its two sides; all parts are read in one statement and
 * so in one snapshot. Answers the rows that differ: none means the books are in order.
 */
create function ledger.book_differences()
returns table (check_code text, subject text, expected text, found text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select d.check_code, d.subject, d.expected, d.found from ledger.differences_of_accounts() d
  union all
  select d.check_code, d.subject, d.expected, d.found from ledger.differences_of_orders() d
  union all
  select d.check_code, d.subject, d.expected, d.found from ledger.differences_of_order_money() d
  union all
  select d.check_code, d.subject, d.expected, d.found from ledger.differences_of_refunds() d
  union all
  select d.check_code, d.subject, d.expected, d.found from ledger.differences_of_stock() d
  union all
  select d.check_code, d.subject, d.expected, d.found from ledger.differences_of_payments() d
  union all
  select d.check_code, d.subject, d.expected, d.found from ledger.differences_of_cards() d
  union all
  select d.check_code, d.subject, d.expected, d.found from ledger.differences_of_allocations() d
  union all
  select d.check_code, d.subject, d.expected, d.found from ledger.differences_of_invoices() d
  union all
  select d.check_code, d.subject, d.expected, d.found from ledger.differences_of_receipts() d
  union all
  select d.check_code, d.subject, d.expected, d.found from ledger.differences_of_grace() d
  union all
  select d.check_code, d.subject, d.expected, d.found from ledger.differences_of_fulfilment() d
  union all
  select d.check_code, d.subject, d.expected, d.found from ledger.differences_of_vendors() d
  union all
  select d.check_code, d.subject, d.expected, d.found from ledger.differences_of_texts() d
  union all
  select d.check_code, d.subject, d.expected, d.found from ledger.differences_of_imports() d;
$$;
comment on function ledger.book_differences() is 'Sums that should be equal and are not; no rows when the books are in order.';
