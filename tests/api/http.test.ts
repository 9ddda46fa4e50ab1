import { SignJWT } from 'jose';
import { expect, test, vi } from 'vitest';
import { createKeys, jwtSecretBytes, type Keys } from '../../local/keys.ts';
import { userJwt } from '../stack/support.ts';
import { startShop } from './support.ts';

const shop = await startShop('api_http');
const { ask, people, variant } = shop;
const base = 'http://api.test/api/v1';
const line = { variant_id: variant, quantity: 1 };

async function send(path: string, init: RequestInit = {}) {
  const token = await shop.api.token(people.customer);
  const response = await shop.fetch(
    new Request(`${base}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${token}`, ...init.headers },
    }),
  );
  return { response, body: JSON.parse((await response.text()) || 'null') };
}

const json = { 'content-type': 'application/json' };

test.each([
  ['a body that is no JSON', 400, 'invalid_json', { body: '{"items":', headers: json }],
  ['no body', 400, 'invalid_input', {}],
  ['an empty body', 400, 'invalid_json', { body: '', headers: json }],
  ['a body that is no object', 400, 'invalid_input', { body: '[]', headers: json }],
  ['another media type', 415, 'unsupported_media_type', { body: 'items=1' }],
  ['too much of it', 413, 'body_too_large', { body: `"${'x'.repeat(2 ** 20)}"`, headers: json }],
  [
    'JSON nested without end',
    400,
    'invalid_json',
    { body: `{"metadata":${'['.repeat(5000)}${']'.repeat(5000)}}`, headers: json },
  ],
  [
    'a string that never ends',
    400,
    'invalid_json',
    { body: `"${'\\"'.repeat(400_000)}`, headers: json },
  ],
  [
    'half of a surrogate pair',
    400,
    'invalid_input',
    { body: JSON.stringify({ items: [line], notes: '\ud800' }), headers: json },
  ],
  [
    'a text that Postgres cannot store',
    400,
    'invalid_input',
    { body: JSON.stringify({ items: [line], metadata: { a: '\0' } }), headers: json },
  ],
] as const)('%s is answered with %i', async (_name, status, code, init) => {
  const { response, body } = await send('/orders', { method: 'POST', ...init });
  expect([response.status, body.code]).toEqual([status, code]);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
});

test('no body takes long to refuse', async () => {
  const begin = performance.now();
  for (const part of ['\\"', '"\\', '"', '[', '{"a":']) {
    const body = part.repeat(Math.floor((2 ** 20 - 1) / part.length));
    const { response } = await send('/orders/quote', { method: 'POST', headers: json, body });
    expect(response.status).toBe(400);
  }
  expect(performance.now() - begin).toBeLessThan(5000);
});

test('a broken rule of the ledger is a defect: logged, and the caller is not told more', async () => {
  await shop.db.sql`
    alter table orders add constraint no_order_is_of_77 check (total_amount <> 77000)`;
  const body = { items: [{ ...line, quantity: 77 }] };
  const log = vi.spyOn(console, 'error').mockImplementation(() => {});
  const answer = await ask('customer', 'POST /orders', { body });
  expect(String(log.mock.calls)).toContain('no_order_is_of_77');
  log.mockRestore();
  expect([answer.status, answer.body.code]).toEqual([500, 'internal_error']);
  expect(JSON.stringify(answer.body)).not.toContain('no_order_is_of_77');
});

test('what is wrong with a request is said with its place', async () => {
  const { body } = await ask('customer', 'POST /orders?x=1', {
    body: { items: [{ ...line, quantity: 0 }], walletAmount: 5, notes: 'x'.repeat(2001) },
  });
  expect(body.errors).toEqual([
    { in: 'body', path: '/items/0/quantity', message: expect.any(String) },
    { in: 'body', path: '/notes', message: 'must have 0 to 2000 characters' },
    { in: 'body', path: '', message: 'Unrecognized key: "walletAmount"' },
  ]);
  const query = await ask('customer', 'GET /orders?stat=pending&limit=0');
  expect(query.status).toBe(400);
  expect(query.body.errors).toMatchObject([
    { in: 'query', path: '/limit' },
    { in: 'query', path: '' },
  ]);
  const path = await ask('customer', 'GET /orders/7');
  expect(path.body.errors).toMatchObject([{ in: 'path', path: '/order_id' }]);
});

test('an unknown path is 404, a wrong method 405 with those that there are', async () => {
  expect(await ask('customer', 'GET /nothing')).toMatchObject({
    status: 404,
    body: { code: 'unknown_path' },
  });
  const { status, headers, body } = await ask('customer', 'DELETE /orders');
  expect([status, body.code]).toEqual([405, 'method_not_allowed']);
  expect(headers.get('allow')).toBe('GET, HEAD, POST');
});

test('a trailing slash changes nothing, and HEAD is GET without a body', async () => {
  const { id } = await shop.order();
  for (const path of ['/orders', `/orders/${id}`, `/orders/${id}/tracking`]) {
    const [plain, slashed] = [await send(path), await send(`${path}/`)];
    expect([slashed.response.status, slashed.body]).toEqual([200, plain.body]);
  }
  const { response, body } = await send(`/orders/${id}`, { method: 'HEAD' });
  expect([response.status, response.headers.get('etag'), body]).toEqual([200, '"1"', null]);
});

test('a token that is none, or of another project, is 401', async () => {
  const { keys } = shop.api;
  const tokens = [
    'x.y.z',
    await userJwt(await createKeys()),
    await userJwt(keys, { expires: '1 hour ago' }),
    await userJwt(keys, { subject: 'somebody' }),
    await tokenOf(keys, { role: 'nobody' }),
    await tokenOf(keys, { role: 'postgres' }),
    await tokenOf(keys, { role: 'authenticated', sub: undefined }),
  ];
  for (const authorization of tokens.map((token) => `Bearer ${token}`)) {
    const { response, body } = await send('/orders', { headers: { authorization } });
    expect([response.status, body.code]).toEqual([401, 'not_signed_in']);
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
  }
});

test('a secret key is a backend, a publishable one a visitor', async () => {
  const withKey = (apikey: string, path: string, init: RequestInit = {}) =>
    shop
      .fetch(new Request(`${base}${path}`, { ...init, headers: { ...json, apikey } }))
      .then((response) => response.status);
  const { secretKey, publishableKey } = shop.api.keys;
  expect(await withKey(secretKey, '/orders/admin')).toBe(200);
  expect(await withKey(publishableKey, '/orders/admin')).toBe(401);
  const body = JSON.stringify({ items: [line] });
  expect(await withKey(publishableKey, '/orders/quote', { method: 'POST', body })).toBe(200);
});

test('a page of another origin may send what the API reads, and read what it sends', async () => {
  const origin = 'https://shop.example';
  const preflight = await shop.fetch(
    new Request(`${base}/orders`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    }),
  );
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get('access-control-allow-headers')).toMatch(
    /authorization.*idempotency-key.*if-match/,
  );
  expect(preflight.headers.get('access-control-allow-methods')).toMatch(/PATCH/);
  for (const path of ['/orders', '/nothing']) {
    const { response } = await send(path, { headers: { origin } });
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(response.headers.get('access-control-expose-headers')).toMatch(/etag.*retry-after/);
  }
});

test('the correlation id of a request is that of its records', async () => {
  const id = '5b1c1d0e-9f7e-4a57-8f3a-0a4f1c9f2b11';
  const placed = await ask('customer', 'POST /orders', {
    body: { items: [line] },
    headers: { 'x-correlation-id': id },
  });
  const [event] = await shop.db.sql`
    select correlation_id from immutable_events where stream_id = ${placed.body.order_id}`;
  expect(event).toEqual({ correlation_id: id });
});

test('a correlation id that is none is left out, whatever it holds', async () => {
  for (const id of ['café', 'x', '\xff\xfe']) {
    const { response } = await send('/orders', { headers: { 'x-correlation-id': id } });
    expect(response.status).toBe(200);
  }
});

test('every code that the API or the database answers is explained', async () => {
  const { body } = await ask('nobody', 'GET /errors');
  const [{ count } = { count: 0 }] = await shop.db.sql`select count(*)::int from error_codes`;
  expect(body.length).toBeGreaterThan(count);
  for (const code of ['method_not_allowed', 'insufficient_funds']) {
    expect((await ask('nobody', `GET /errors/${code}`)).body).toMatchObject({ code });
  }
  expect((await ask('nobody', 'GET /errors/none')).status).toBe(404);
});

function tokenOf(keys: Keys, claims: Record<string, unknown>): Promise<string> {
  return new SignJWT({ sub: people.customer, ...claims })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setExpirationTime('1 hour')
    .sign(jwtSecretBytes(keys));
}
