import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { Shop } from '../support.ts';
import type { Ids } from './schema-arbitrary.ts';

const statuses = [
  [],
  ['confirmed'],
  ['confirmed', 'processing'],
  ['confirmed', 'processing'],
  ['processing', 'shipped'],
  ['processing', 'delivered'],
  ['processing', 'delivered'],
  ['rejected'],
  ['cancelled'],
];

/** Orders in every status, with what hangs on them; ids of all that, and of nothing. */
export async function worldOf(shop: Shop): Promise<Ids> {
  const { ask, people } = shop;
  await shop.db.sql`
    with vendor as (
      insert into vendors (name, owner_user_id, platform_rate_bp)
      values ('Clay & Kiln', ${people.vendor}, 1200) returning id
    )
    update products set vendor_id = (select id from vendor)
    where id = (select product_id from variants where id = ${shop.variant})`;
  for (const through of [...statuses, ...statuses]) await shop.order({ units: 4, through });
  await shop.order({ units: 2, of: people.other, through: ['processing', 'delivered'] });

  const due = await ask('customer', 'POST /orders', {
    body: {
      items: [{ variant_id: shop.variant, quantity: 3 }],
      payment_method: 'bank_transfer',
    },
  });
  await ask('finance', `POST /orders/${due.body.order_id}/payments`, { body: { amount: 1000 } });
  const delivered = await shop.order({ units: 5, through: ['processing', 'delivered'] });
  const lines = [{ line_number: 1, quantity: 2 }];
  await ask('customer', `POST /orders/${delivered.id}/returns`, { body: { lines } });
  await ask('finance', `POST /orders/${delivered.id}/refunds`, { body: { lines, to: 'original' } });
  const open = await shop.order({ units: 5, through: ['processing'] });
  await ask('warehouse', `POST /orders/${open.id}/shipments`, { body: { lines } });

  const found = await shop.db.sql<{ name: string; id: string }[]>`
    select 'order_id' as name, id from orders union all select 'shipment_id', id from shipments
    union all select 'return_id', id from returns union all select 'refund_id', id from refunds
    union all select 'payment_id', id from payments union all select 'vendor_id', id from vendors`;
  const known: Record<string, string[]> = {
    variant_id: [shop.variant],
    user_id: [people.customer],
    actor_id: [people.admin],
  };
  for (const { name, id } of found) known[name] = [...(known[name] ?? []), id];
  const all = Object.values(known).flat();
  return (name) =>
    fc.oneof(
      { weight: 18, arbitrary: fc.constantFrom(...(known[name] ?? all)) },
      { weight: 1, arbitrary: fc.constantFrom(...all) },
      { weight: 1, arbitrary: fc.constant(randomUUID()) },
    );
}
