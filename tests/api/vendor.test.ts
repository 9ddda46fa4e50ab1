import { expect, test } from 'vitest';
import { createVariant, createVendor, credit, place, succeed } from '../support/shop.ts';
import { startShop } from './support.ts';

const shop = await startShop('api_vendor');
const { ask, people, variant } = shop;

test('a vendor reads their own lines, without whose they are, and their figures', async () => {
  const vendorId = await createVendor(shop.db.sql, { owner: people.vendor });
  const goods = await createVariant(shop.db.sql, { stock: 100, vendor: vendorId });
  const buyer = await shop.db.createUser();
  await succeed(shop.db.sql, credit(buyer, 100_000));
  for (let n = 0; n < 5; n += 1) {
    await succeed(
      shop.db.sql,
      place(buyer, [
        [goods, 1],
        [variant, 1],
        [goods, 2],
      ]),
    );
  }
  const seen: string[] = [];
  let path: string | undefined = '/orders/vendor?limit=3';
  while (path !== undefined) {
    const { status, headers, body } = await ask('vendor', `GET ${path}`);
    expect(status).toBe(200);
    for (const row of body.items) {
      expect(row).toMatchObject({ vendor_id: vendorId, variant_id: goods, shipping_address: null });
      expect(Object.keys(row)).not.toContain('user_id');
      seen.push(`${row.order_id} ${row.line_number}`);
    }
    path = /<\/functions\/v1\/api\/v1(.*)>/.exec(headers.get('link') ?? '')?.[1];
  }
  expect([seen.length, new Set(seen).size]).toEqual([10, 10]);
  const report = await ask('vendor', 'GET /orders/vendor/analytics?period=day');
  expect(report.body).toMatchObject({
    vendor_id: vendorId,
    currencies: [{ orders: 5, units: 15 }],
  });
  expect(
    (await ask('customer', `GET /orders/vendor/analytics?vendor_id=${vendorId}`)).body.code,
  ).toBe('vendor_not_found');
});
