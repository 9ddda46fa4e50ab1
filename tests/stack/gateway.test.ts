import { beforeAll, expect, test } from 'vitest';
import { gateway } from '../../local/api/gateway.ts';
import { onDemand } from '../../local/api/on-demand.ts';
import { createKeys, type Keys } from '../../local/keys.ts';
import { closeAtEnd } from '../support/at-end.ts';
import { echo, listening, userJwt } from './support.ts';

closeAtEnd();

let keys: Keys;
let url: string;

beforeAll(async () => {
  keys = await createKeys();
  const { port } = await listening(echo);
  const upstream = onDemand(async () => ({
    port,
    exited: new Promise<void>(() => {}),
    stop: async () => {},
  }));
  const broken = onDemand(() => Promise.reject(new Error('it does not start')));
  const server = await listening(
    gateway(keys, {
      rest: upstream,
      auth: async (request) => Response.json({ url: request.url }),
      functions: new Map([
        ['open', { verifyJwt: false, server: upstream }],
        ['closed', { verifyJwt: true, server: upstream }],
        ['broken', { verifyJwt: false, server: broken }],
      ]),
    }).listener,
  );
  url = server.url;
});

/** What the upstream says that it got, or what the gateway says itself. */
interface Body {
  method?: string;
  url?: string;
  headers: Record<string, string>;
  message?: string;
}

async function send(path: string, headers: Record<string, string> = {}, method = 'GET') {
  const response = await fetch(url + path, { method, headers });
  const body = (await response.json()) as Body;
  return { status: response.status, headers: response.headers, body };
}

test.each([
  ['the publishable key', () => keys.publishableKey, () => keys.anonJwt],
  ['the secret key', () => keys.secretKey, () => keys.serviceRoleJwt],
  ['a legacy anon key', () => keys.anonJwt, () => keys.anonJwt],
  ['a legacy service_role key', () => keys.serviceRoleJwt, () => keys.serviceRoleJwt],
])('%s becomes the token of its role', async (_name, key, jwt) => {
  const { body } = await send('/rest/v1/orders', { apikey: key() });
  expect(body.headers.authorization).toBe(`Bearer ${jwt()}`);
});

test('a key in Authorization gives way to the role of the apikey header', async () => {
  const { body } = await send('/rest/v1/orders', {
    apikey: keys.publishableKey,
    authorization: `Bearer ${keys.secretKey}`,
  });
  expect(body.headers.authorization).toBe(`Bearer ${keys.anonJwt}`);
});

test('a user’s token passes through', async () => {
  const authorization = `Bearer ${await userJwt(keys)}`;
  const { body } = await send('/rest/v1/orders', { apikey: keys.publishableKey, authorization });
  expect(body.headers.authorization).toBe(authorization);
});

test('a key in the URL works and is taken out of it, the rest stays as it was written', async () => {
  const query = `select=a,b&apikey=${keys.publishableKey}&name=eq.x%20y`;
  const { body } = await send(`/rest/v1/orders?${query}`);
  expect(body.url).toBe('/orders?select=a,b&name=eq.x%20y');
  expect(body.headers.authorization).toBe(`Bearer ${keys.anonJwt}`);
});

test.each(['/rest/v1/orders', '/auth/v1/user'])('without a key %s is refused', async (path) => {
  const { status, body, headers } = await send(path, { authorization: `Bearer ${keys.secretKey}` });
  expect(status).toBe(401);
  expect(body).toMatchObject({
    message: 'No API key found in request',
    hint: 'No `apikey` request header or url param was found.',
  });
  expect(headers.get('sb-error-code')).toBe('UNAUTHORIZED_MISSING_API_KEY');
  expect(headers.get('access-control-allow-origin')).toBe('*');
});

test.each(['/rest/v1/orders', '/auth/v1/user'])('an unknown key is refused by %s', async (path) => {
  const { status, body } = await send(path, { apikey: (await createKeys()).secretKey });
  expect(status).toBe(401);
  expect(body.message).toBe('Invalid API key');
});

test('a link in a mail opens without a key, other auth paths that begin like it do not', async () => {
  expect((await send('/auth/v1/verify?token=x')).status).toBe(200);
  expect((await send('/auth/v1/verify/../user')).status).toBe(401);
  expect((await send('/auth/v1/verifyx')).status).toBe(401);
});

test('the address that a client claims does not arrive', async () => {
  const { body } = await send('/rest/v1/orders', {
    apikey: keys.publishableKey,
    'x-forwarded-for': '203.0.113.7',
  });
  expect(body.headers['x-forwarded-for']).toBe('127.0.0.1');
});

test('an open function is called without a key or token, as webhooks do', async () => {
  const { status, body } = await send('/functions/v1/open/path?x=1', {}, 'POST');
  expect(status).toBe(200);
  expect(body).toMatchObject({ method: 'POST', url: '/open/path?x=1' });
  expect(body.headers.authorization).toBeUndefined();
});

test('a function that verifies tokens takes a user’s, a key’s, and no other', async () => {
  const call = (headers: Record<string, string>) => send('/functions/v1/closed', headers);
  const bearer = async (jwt: Promise<string>) => call({ authorization: `Bearer ${await jwt}` });

  expect((await bearer(userJwt(keys))).status).toBe(200);
  expect((await call({ apikey: keys.publishableKey })).status).toBe(200);
  expect((await call({})).body.message).toBe('Missing authorization header');
  const expired = await bearer(userJwt(keys, { expires: '1 second ago' }));
  const forged = await bearer(userJwt(await createKeys()));
  const unsigned = await call({ authorization: `Bearer ${await withoutSignature(userJwt(keys))}` });
  for (const refused of [expired, forged, unsigned]) {
    expect(refused.status).toBe(401);
    expect(refused.body.message).toBe('Invalid JWT');
  }
});

test('a browser may ask a function what it accepts before it has a token', async () => {
  expect((await send('/functions/v1/closed', {}, 'OPTIONS')).body.method).toBe('OPTIONS');
});

test('a function that does not exist is not found', async () => {
  const { status, body } = await send('/functions/v1/nothing', { apikey: keys.publishableKey });
  expect(status).toBe(404);
  expect(body.message).toBe('Requested function was not found');
});

test('a part that is down is 503 and says so', async () => {
  const { status, body } = await send('/functions/v1/broken');
  expect(status).toBe(503);
  expect(body).toMatchObject({ code: 'SERVICE_UNAVAILABLE', details: 'it does not start' });
});

test('a path that Supabase does not have is not found', async () => {
  expect((await send('/rest/v1x', { apikey: keys.publishableKey })).status).toBe(404);
});

async function withoutSignature(jwt: Promise<string>): Promise<string> {
  const [, payload] = (await jwt).split('.');
  const header = Buffer.from(JSON.stringify({ alg: 'none', typ: 'JWT' })).toString('base64url');
  return `${header}.${payload}.`;
}
