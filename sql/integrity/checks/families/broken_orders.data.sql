-- orders of an older system that came in broken (imported_order_claims)
insert into public.integrity_checks (family, code, severity, repair, scopes, proves, query) values
  ('broken_orders', 'imported_order_waits_for_its_fix', 'warning', null, '{all,changed,account}',
   'No order is left as an older system broke it: integrity_emergency_order_fix puts it right.', $$
    select o.id, o.account_id, 'what the older system claimed, settled', array_to_string(c.problems, ', '), nullif(c.wallet_amount, 0)
    from orders o
    join public.imported_order_claims c on c.order_id = o.id and c.account_id = o.account_id
    where c.settled_at is null
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;
