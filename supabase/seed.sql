-- A small shop for local use and demos. Ids are fixed so that examples can name them; loading it
-- twice changes nothing.
select ledger.create_month_partitions();

insert into public.vendors (id, name, platform_rate_bp) values
  ('10000000-0000-4000-8000-000000000001', 'Clay & Kiln', 1200),
  ('10000000-0000-4000-8000-000000000002', 'Northern Roast', 1000)
on conflict (id) do nothing;

insert into public.products (id, vendor_id, name, description) values
  ('20000000-0000-4000-8000-000000000001', '10000000-0000-4000-8000-000000000001', 'Blue mug', 'Stoneware, glazed by hand.'),
  ('20000000-0000-4000-8000-000000000002', '10000000-0000-4000-8000-000000000001', 'Tea bowl', 'Unglazed outside, white inside.'),
  ('20000000-0000-4000-8000-000000000003', '10000000-0000-4000-8000-000000000002', 'House espresso', 'Beans, roasted on Mondays.'),
  ('20000000-0000-4000-8000-000000000004', null, 'Gift card', 'Printed card in an envelope.')
on conflict (id) do nothing;

insert into public.variants (id, product_id, sku, name, price_amount, currency) values
  ('30000000-0000-4000-8000-000000000001', '20000000-0000-4000-8000-000000000001', 'MUG-BLUE-S', 'small', 1450, 'USD'),
  ('30000000-0000-4000-8000-000000000002', '20000000-0000-4000-8000-000000000001', 'MUG-BLUE-L', 'large', 1850, 'USD'),
  ('30000000-0000-4000-8000-000000000003', '20000000-0000-4000-8000-000000000002', 'BOWL-TEA', 'Default', 2200, 'USD'),
  ('30000000-0000-4000-8000-000000000004', '20000000-0000-4000-8000-000000000003', 'ESP-250', '250 g', 990, 'USD'),
  ('30000000-0000-4000-8000-000000000005', '20000000-0000-4000-8000-000000000003', 'ESP-1000', '1 kg', 3490, 'USD'),
  ('30000000-0000-4000-8000-000000000006', '20000000-0000-4000-8000-000000000004', 'GIFT-25', '25', 2500, 'USD')
on conflict (id) do nothing;

select v.sku, s.success, s.stock_quantity
from (values
  ('30000000-0000-4000-8000-000000000001'::uuid, 40), ('30000000-0000-4000-8000-000000000002', 25),
  ('30000000-0000-4000-8000-000000000003', 3), ('30000000-0000-4000-8000-000000000004', 200),
  ('30000000-0000-4000-8000-000000000005', 60), ('30000000-0000-4000-8000-000000000006', 1000)) stock (variant_id, quantity)
join public.variants v on v.id = stock.variant_id
cross join lateral public.ledger_adjust_stock(stock.variant_id, stock.quantity, 'received', 'opening stock', 'seed ' || v.sku) s;

insert into public.shipping_methods (code, currency, name, price_amount) values
  ('standard', 'USD', 'Three to five days', 490),
  ('express', 'USD', 'Next day', 1290)
on conflict (code, currency) do nothing;

insert into public.discount_codes (code, kind, percent_bp, max_redemptions_per_customer) values
  ('WELCOME10', 'percent', 1000, 1)
on conflict (code) do nothing;
insert into public.discount_codes (code, kind, fixed_amount, currency, minimum_subtotal_amount, max_redemptions) values
  ('FIVEOFF', 'fixed', 500, 'USD', 2000, 100)
on conflict (code) do nothing;
