import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Api, startApi } from '../../local/api/api.ts';
import { createKeys, type Keys } from '../../local/keys.ts';
import type { PostgresServer } from '../../local/postgres/postgres.ts';
import { closeAtEnd } from '../support/at-end.ts';
import { emptyProject, userJwt } from './support.ts';

closeAtEnd();

let server: PostgresServer;
let keys: Keys;
let api: Api;
let sql: postgres.Sql;

beforeAll(async () => {
  server = await emptyProject();
  keys = await createKeys();
  sql = postgres(server.url('postgres'), { max: 1 });
  await sql`
    create function public.whoami() returns jsonb
    language sql stable set search_path = '' as $$
      select jsonb_build_object('role', current_user, 'user_id', auth.uid())
    $$
  `;
  api = await startApi({ server, database: 'postgres', keys });
}, 60_000);

afterAll(async () => {
  await api.stop();
  await sql.end();
});

interface Who {
  role: string;
  user_id: string | null;
}

interface Session {
  access_token: string;
  refresh_token: string;
  user: { id: string };
}

function send(path: string, headers: Record<string, string>, body?: unknown): Promise<Response> {
  return fetch(api.url + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function whoami(headers: Record<string, string>): Promise<Who> {
  const response = await send('/rest/v1/rpc/whoami', headers);
  expect(response.status).toBe(200);
  return (await response.json()) as Who;
}

async function session(path: string, body: unknown): Promise<Session> {
  const response = await send(`/auth/v1${path}`, { apikey: keys.publishableKey }, body);
  expect(response.status).toBe(200);
  return (await response.json()) as Session;
}

test('a publishable key acts as anon, a secret key as service_role', async () => {
  expect(await whoami({ apikey: keys.publishableKey })).toEqual({ role: 'anon', user_id: null });
  expect(await whoami({ apikey: keys.secretKey })).toEqual({ role: 'service_role', user_id: null });
});

test('somebody signs up, is signed in at once, and acts as themselves', async () => {
  const email = 'someone@order-ledger.test';
  const { access_token, user } = await session('/signup', { email, password: 'long enough' });
  const who = await whoami({
    apikey: keys.publishableKey,
    authorization: `Bearer ${access_token}`,
  });
  expect(who).toEqual({ role: 'authenticated', user_id: user.id });
});

test('signing in and refreshing give tokens of the same user; a wrong password gives none', async () => {
  const credentials = { email: 'again@order-ledger.test', password: 'long enough' };
  const { user } = await session('/signup', credentials);
  const signedIn = await session('/token?grant_type=password', credentials);
  const { refresh_token } = signedIn;
  const refreshed = await session('/token?grant_type=refresh_token', { refresh_token });
  expect([signedIn.user.id, refreshed.user.id]).toEqual([user.id, user.id]);

  const wrong = { ...credentials, password: 'something else' };
  const key = { apikey: keys.publishableKey };
  expect((await send('/auth/v1/token?grant_type=password', key, wrong)).status).toBe(400);
});

test('an expired token and one signed by another are refused', async () => {
  for (const [jwt, message] of [
    [await userJwt(keys, { expires: '1 hour ago' }), 'JWT expired'],
    [await userJwt(await createKeys()), 'JWSError JWSInvalidSignature'],
  ]) {
    const authorization = `Bearer ${jwt}`;
    const headers = { apikey: keys.publishableKey, authorization };
    const response = await send('/rest/v1/rpc/whoami', headers);
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ message });
  }
});

test('a page of another origin may call every part', async () => {
  const origin = 'https://shop.example';
  for (const path of ['/rest/v1/rpc/whoami', '/auth/v1/token', '/functions/v1/health']) {
    const response = await send(path, { apikey: keys.publishableKey, origin });
    expect(response.headers.get('access-control-allow-origin'), path).toBe('*');
  }
  for (const path of ['/rest/v1/rpc/whoami', '/auth/v1/token']) {
    const preflight = await fetch(api.url + path, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'apikey,authorization',
      },
    });
    expect(preflight.ok).toBe(true);
    expect(preflight.headers.get('access-control-allow-headers')).toMatch(/apikey.*authorization/);
  }
});

test('a function that was made later can be called', async () => {
  await sql`create function public.made_later() returns integer language sql as 'select 7'`;
  const call = async () => {
    const response = await send('/rest/v1/rpc/made_later', { apikey: keys.publishableKey }, {});
    return response.json();
  };
  await expect.poll(call, { timeout: 10_000 }).toBe(7);
});

test('health says what is missing: this database has no migration and no outbox', async () => {
  const response = await send('/functions/v1/health', {});
  expect(response.status).toBe(200);
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(await response.json()).toMatchObject({
    status: 'degraded',
    versions: { postgres: expect.stringMatching(/^17\./), postgrest: expect.any(String) },
    database: { reachable: true, latency_ms: expect.any(Number) },
    migrations: { applied: 0 },
    outbox: null,
    jobs: null,
  });
});

// The last one: it stops the database.
test('while the database is down every part says so with 503', async () => {
  await sql.end();
  await server.stop();
  const key = { apikey: keys.publishableKey };
  const credentials = { email: 'someone@order-ledger.test', password: 'long enough' };

  const rest = await send('/rest/v1/rpc/whoami', key);
  expect([rest.status, await rest.json()]).toMatchObject([503, { code: expect.any(String) }]);
  const auth = await send('/auth/v1/token?grant_type=password', key, credentials);
  expect([auth.status, await auth.json()]).toMatchObject([
    503,
    { error_code: 'database_unavailable' },
  ]);
  const health = await send('/functions/v1/health', key);
  expect([health.status, await health.json()]).toMatchObject([
    503,
    {
      status: 'down',
      database: { reachable: false },
      migrations: null,
      outbox: null,
      jobs: null,
    },
  ]);
});
