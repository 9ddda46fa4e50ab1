import { expect, test } from 'vitest';
import { expectBooksInOrder, startShop } from './support.ts';

const shop = await startShop('api_versions');
const { ask } = shop;
const ifMatch = (tag: string) => ({ 'if-match': tag });
const to = (status: string, tag?: string) => ({
  body: { status },
  ...(tag !== undefined && { headers: ifMatch(tag) }),
});

test('an order that is known is not sent again until it changes', async () => {
  const { id } = await shop.order();
  const read = (tag: string) =>
    ask('customer', `GET /orders/${id}`, { headers: { 'if-none-match': tag } });
  for (const tag of ['"1"', 'W/"1"', '"0", "1"', '*']) {
    const { status, headers, body } = await read(tag);
    expect([status, headers.get('etag'), body], tag).toEqual([304, '"1"', undefined]);
  }
  expect((await read('"7"')).status).toBe(200);
  await ask('admin', `PATCH /orders/${id}/status`, to('confirmed'));
  const changed = await read('"1"');
  expect([changed.status, changed.headers.get('etag')]).toEqual([200, '"2"']);
  expect((await read('1')).status).toBe(400);
});

test('what is changed by hand, or erased with a person, is another version', async () => {
  const { id } = await shop.order();
  const read = () => ask('customer', `GET /orders/${id}`, { headers: { 'if-none-match': '"1"' } });
  await shop.db.sql`update orders set metadata = '{}' where id = ${id}`;
  expect((await read()).status).toBe(304);
  await shop.db.sql`update orders set notes = 'by hand' where id = ${id}`;
  const changed = await read();
  expect([changed.status, changed.headers.get('etag'), changed.body.notes]).toEqual([
    200,
    '"2"',
    'by hand',
  ]);
  const stale = await ask('admin', `PATCH /orders/${id}/status`, to('confirmed', '"1"'));
  expect(stale.status).toBe(412);
});

test('a change meant for another version is refused and changes nothing', async () => {
  const { id } = await shop.order();
  for (const tag of ['"2"', 'W/"1"', '"1x"', '"0"', `"${2 ** 60}"`]) {
    const { status, body } = await ask('admin', `PATCH /orders/${id}/status`, to('confirmed', tag));
    expect([status, body.code], tag).toEqual([412, 'version_conflict']);
  }
  const { body } = await ask('customer', `GET /orders/${id}`);
  expect(body).toMatchObject({ status: 'pending', version: 1 });
  for (const tag of ['nothing', '"1", "2"']) {
    expect((await ask('admin', `PATCH /orders/${id}/status`, to('confirmed', tag))).status).toBe(
      400,
    );
  }
  expect((await ask('admin', `PATCH /orders/${id}/status`, to('confirmed', '"1"'))).status).toBe(
    200,
  );
  expect((await ask('admin', `PATCH /orders/${id}/status`, to('processing', '*'))).status).toBe(
    200,
  );
});

test('of many who change the version they have seen, one does', async () => {
  for (let round = 0; round < 5; round += 1) {
    const { id } = await shop.order();
    const answers = await Promise.all(
      ['confirmed', 'processing', 'rejected', 'cancelled', 'confirmed', 'processing'].map(
        (status) => ask('admin', `PATCH /orders/${id}/status`, to(status, '"1"')),
      ),
    );
    const statuses = answers.map(({ status }) => status).toSorted();
    expect(statuses).toEqual([200, 412, 412, 412, 412, 412]);
    expect((await ask('customer', `GET /orders/${id}`)).body.version).toBe(2);
  }
});

test('the books are in order', () => expectBooksInOrder(shop));
