import { expect, test } from 'vitest';
import { expectBooksInOrder, someKey, startShop } from './support.ts';

const shop = await startShop('api_checkout');
const { ask, variant } = shop;
const items = [{ variant_id: variant, quantity: 2 }];

test('a reservation holds stock, and the order consumes it', async () => {
  const reserved = await ask('customer', 'POST /reservations', { body: { items, minutes: 15 } });
  expect(reserved.status).toBe(201);
  expect(reserved.body.lines).toEqual([{ variant_id: variant, quantity: 2 }]);
  const { reservation_id } = reserved.body;
  expect((await ask('other', `DELETE /reservations/${reservation_id}`)).status).toBe(404);
  const placed = await ask('customer', 'POST /orders', { body: { items, reservation_id } });
  expect(placed.status).toBe(201);
  const late = await ask('customer', `DELETE /reservations/${reservation_id}`);
  expect([late.status, late.body.code]).toEqual([409, expect.stringMatching(/^reservation_/)]);
});

test('a reservation is given back, once', async () => {
  const { body } = await ask('customer', 'POST /reservations', { body: { items } });
  const path = `DELETE /reservations/${body.reservation_id}`;
  const headers = someKey();
  const released = await ask('customer', path, { headers });
  expect([released.status, released.body.status]).toEqual([200, 'released']);
  const again = await ask('customer', path, { headers });
  expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([200, 'true']);
});

test('a draft is saved, listed, read, replaced and placed', async () => {
  const saved = await ask('customer', 'POST /drafts', { body: { items, notes: 'garden' } });
  expect([saved.status, saved.body.total_amount]).toEqual([201, 2000]);
  const path = saved.headers.get('location')?.replace('/functions/v1/api/v1', '') ?? '';
  expect(path).toBe(`/drafts/${saved.body.draft_id}`);

  const listed = await ask('customer', 'GET /drafts');
  expect(listed.body.items).toMatchObject([{ id: saved.body.draft_id, notes: 'garden' }]);
  const read = await ask('customer', `GET ${path}`);
  expect([read.headers.get('etag'), read.body.problem]).toEqual(['"1"', null]);
  expect((await ask('other', `GET ${path}`)).body.code).toBe('draft_not_found');
  expect((await ask('other', 'GET /drafts')).body.items).toEqual([]);

  const body = { items: [{ variant_id: variant, quantity: 3 }] };
  const ifMatch = { 'if-match': '"1"' };
  const replaced = await ask('customer', `PUT ${path}`, { body, headers: ifMatch });
  expect([replaced.status, replaced.headers.get('etag')]).toEqual([200, '"2"']);
  for (const request of [`PUT ${path}`, `POST ${path}/place`]) {
    const stale = await ask('customer', request, {
      body: request[1] === 'U' ? body : {},
      headers: ifMatch,
    });
    expect([stale.status, stale.body.code]).toEqual([412, 'version_conflict']);
  }

  await shop.db.sql`update variants set price_amount = 1100 where id = ${variant}`;
  const moved = await ask('customer', `POST ${path}/place`, { body: {} });
  expect([moved.status, moved.body.code]).toEqual([409, 'price_changed']);
  const headers = someKey();
  const place = { body: { expected_total: 3300 }, headers };
  const placed = await ask('customer', `POST ${path}/place`, place);
  expect([placed.status, placed.body.total_amount]).toEqual([201, 3300]);
  const again = await ask('customer', `POST ${path}/place`, place);
  expect([again.status, again.body]).toEqual([201, placed.body]);
  expect((await ask('customer', `GET ${path}`)).status).toBe(404);
  await shop.db.sql`update variants set price_amount = 1000 where id = ${variant}`;
});

test('a draft is deleted', async () => {
  const { body } = await ask('customer', 'POST /drafts', { body: { items } });
  expect((await ask('other', `DELETE /drafts/${body.draft_id}`)).status).toBe(404);
  const deleted = await ask('customer', `DELETE /drafts/${body.draft_id}`);
  expect([deleted.status, deleted.body]).toEqual([204, undefined]);
  expect((await ask('customer', `DELETE /drafts/${body.draft_id}`)).status).toBe(404);
});

test('the books are in order', () => expectBooksInOrder(shop));
