insert into public.postings (account_id, transaction_id, leg_number, debit_account, credit_account, amount, currency, created_at)
select p.account_id, scale.id_at(p.at, p.number, 2), l.leg, l.debit, l.credit, l.amount, z.currency, p.at
from scale.operations p
cross join scale.size z
left join scale.orders o on o.n = p.n
join lateral (values
  ('deposit', 1, 'bank', 'wallet', p.amount),
  ('placed', 1, 'wallet', 'order_escrow', o.total),
  ('delivered', 2, 'order_escrow', 'revenue', o.subtotal),
  ('delivered', 3, 'order_escrow', 'tax_payable', o.tax),
  ('cancelled', 1, 'order_escrow', 'wallet', o.total)) l (what, leg, debit, credit, amount) on l.what = p.what and l.amount > 0
where p.chunk = $1::int
order by p.number, l.leg
