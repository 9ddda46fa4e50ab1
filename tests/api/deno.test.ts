import { expect, test } from 'vitest';
import { startShop } from './support.ts';

const shop = await startShop('api_deno');
const base = `${shop.api.url}/functions/v1/api/v1`;

async function send(path: string, init: RequestInit = {}) {
  const token = await shop.api.token(shop.people.customer);
  const headers = { authorization: `Bearer ${token}`, ...init.headers };
  return fetch(`${base}${path}`, { ...init, headers });
}

test('the function in Deno behind the gateway places an order and answers it again', async () => {
  const place = () =>
    send('/orders/', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'one' },
      body: JSON.stringify({ items: [{ variant_id: shop.variant, quantity: 1 }] }),
    });
  const placed = await place();
  expect(placed.status).toBe(201);
  expect(placed.headers.get('access-control-allow-origin')).toBe('*');
  expect(placed.headers.get('ratelimit')).toMatch(/^"ledger_place_order";r=\d+;t=\d+$/);
  const answer = (await placed.json()) as { order_id: string };
  const replayed = await place();
  expect(replayed.headers.get('idempotency-replayed')).toBe('true');
  expect(await replayed.json()).toEqual(answer);

  const read = await fetch(new URL(placed.headers.get('location') ?? '', shop.api.url), {
    headers: { authorization: `Bearer ${await shop.api.token(shop.people.customer)}` },
  });
  expect(await read.json()).toMatchObject({ order_id: answer.order_id, history: [{}] });
});

test('problems, pages and preflights come through the gateway as they are', async () => {
  const other = await send('/orders/00000000-0000-4000-8000-000000000000');
  expect([other.status, other.headers.get('content-type')]).toEqual([
    404,
    'application/problem+json',
  ]);
  const listed = await send('/orders?limit=1');
  expect([listed.status, await listed.json()]).toMatchObject([200, { items: [{}] }]);
  expect((await fetch(`${base}/orders`)).status).toBe(401);
  const secret = await fetch(`${base}/orders/admin`, {
    headers: { apikey: shop.api.keys.secretKey },
  });
  expect(secret.status).toBe(200);
  const preflight = await fetch(`${base}/orders`, {
    method: 'OPTIONS',
    headers: { origin: 'https://shop.example', 'access-control-request-method': 'PATCH' },
  });
  expect(preflight.headers.get('access-control-allow-methods')).toMatch(/PATCH/);
});

test('the document is public, and the page that shows it is there', async () => {
  const document = await fetch(`${base}/openapi.json`);
  expect(await document.json()).toMatchObject({ openapi: '3.1.0' });
  const page = await fetch(`${shop.api.url}/docs`);
  expect([page.status, page.headers.get('content-type')]).toMatchObject([
    200,
    expect.stringContaining('text/html'),
  ]);
  const html = await page.text();
  for (const [, file] of html.matchAll(/(?:href|src)="([^"]+)"/g)) {
    expect((await fetch(new URL(file ?? '', shop.api.url))).status, file).toBe(200);
  }
  expect(html).toContain('/functions/v1/api/v1/openapi.json');
});
