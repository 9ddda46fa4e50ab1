insert into public.roles (code, description) values
  ('admin', 'Everything.'),
  ('finance', 'Money: credits, withdrawals, payment side of orders.'),
  ('warehouse', 'Stock, and orders up to their dispatch.'),
  ('logistics', 'Dispatched orders up to their delivery.'),
  ('vendor', 'A vendor''s own products and lines.')
on conflict (code) do nothing;

insert into public.permissions (code, description) values
  ('accounts.read', 'See all accounts, transactions and postings.'),
  ('accounts.credit', 'Credit accounts: deposits, earnings, bonuses.'),
  ('accounts.adjust', 'Adjust accounts up or down.'),
  ('accounts.freeze', 'Freeze and release accounts.'),
  ('audit.read', 'See all events, seals and the audit log.'),
  ('orders.read', 'See all orders.'),
  ('orders.place', 'Place orders on behalf of customers.'),
  ('orders.confirm', 'Confirm orders.'),
  ('orders.reject', 'Reject orders.'),
  ('orders.process', 'Take orders into processing.'),
  ('orders.ship', 'Ship orders.'),
  ('orders.deliver', 'Mark orders delivered.'),
  ('orders.cancel', 'Cancel orders that are not delivered.'),
  ('orders.cancel_delivered', 'Cancel delivered orders.'),
  ('orders.edit', 'Edit orders of customers.'),
  ('orders.refund', 'Refund orders.'),
  ('returns.review', 'Approve, reject and receive returns.'),
  ('payments.record', 'Record and void payments.'),
  ('refunds.settle', 'Mark refunds paid out or failed.'),
  ('receipts.review', 'Review receipts of transfers.'),
  ('grace.grant', 'Give orders more time to be paid.'),
  ('credit.grant', 'Set credit terms of customers.'),
  ('invoices.issue', 'Issue, credit and void invoices.'),
  ('payments.allocate', 'Allocate payments to invoices, and reverse that.'),
  ('flags.set', 'Switch feature flags.'),
  ('integrity.repair', 'Repair what integrity checks found, and orders of an older system that are broken.'),
  ('alerts.handle', 'Acknowledge alerts.'),
  ('imports.run', 'Import the data of an older system.'),
  ('reports.read', 'See reports of the whole shop.'),
  ('customers.erase', 'Erase the personal data of customers.'),
  ('customers.read', 'See all profiles, addresses and referrals.'),
  ('stock.read', 'See stock movements and what is not for sale.'),
  ('stock.adjust', 'Adjust stock.'),
  ('withdrawals.review', 'Approve, reject and pay withdrawals.')
on conflict (code) do nothing;

insert into public.role_permissions (role, permission)
select 'admin', p.code from public.permissions p
union all
select v.role, v.permission
from (values
  ('finance', 'accounts.read'), ('finance', 'accounts.credit'), ('finance', 'accounts.freeze'),
  ('finance', 'audit.read'), ('finance', 'orders.read'), ('finance', 'orders.confirm'),
  ('finance', 'orders.reject'), ('finance', 'orders.cancel'), ('finance', 'orders.refund'),
  ('finance', 'customers.read'), ('finance', 'withdrawals.review'), ('finance', 'payments.record'),
  ('finance', 'refunds.settle'), ('finance', 'orders.edit'), ('finance', 'returns.review'), ('finance', 'reports.read'),
  ('finance', 'receipts.review'), ('finance', 'grace.grant'), ('finance', 'credit.grant'), ('finance', 'invoices.issue'),
  ('finance', 'payments.allocate'), ('finance', 'alerts.handle'),
  ('warehouse', 'orders.read'), ('warehouse', 'orders.process'), ('warehouse', 'orders.ship'),
  ('warehouse', 'stock.read'), ('warehouse', 'stock.adjust'), ('warehouse', 'returns.review'),
  ('logistics', 'orders.read'), ('logistics', 'orders.ship'), ('logistics', 'orders.deliver')
) v (role, permission)
on conflict (role, permission) do nothing;
