import { afterAll, expect, test, vi } from 'vitest';
import { expectBooksInOrder, expectNoDeadlock } from '../support/books.ts';
import { createCustomer, createVariant, type OrderRef, placed } from '../support/shop.ts';
import { startTestApi } from '../support/test-api.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { intentEvent, newSecret, type Signing, signed } from './support.ts';

const [present, former, stranger] = [newSecret(), newSecret(), newSecret()];
vi.stubEnv('PAYMENT_WEBHOOK_SECRETS_STRIPE', `${present} ${former}`);
afterAll(() => vi.unstubAllEnvs());

const db = await createTestDatabase('payment_webhook');
const api = await startTestApi(db);
const url = `${api.url}/functions/v1/payment-webhook/stripe`;
const variant = await createVariant(db.sql, { stock: 100_000, price: 1000 });

async function order(): Promise<OrderRef> {
  const customer = await createCustomer(db.sql);
  return placed(db.sql, customer, [[variant, 1]], { p_payment_method: 'bank_transfer' });
}

async function send(body: string, signing: Partial<Signing> = {}, headers = {}) {
  const response = await fetch(url, {
    method: 'POST',
    body,
    headers: { ...signed(body, { secret: present, ...signing }), ...headers },
  });
  return { status: response.status, body: await response.json() };
}

async function paid(of: OrderRef) {
  const [row] = await db.sql`
    select o.payment_status, o.paid_amount, (select count(*)::int from payments p where p.order_id = o.id) as payments
    from orders o where o.id = ${of.id}`;
  return { ...row };
}

const unpaid = { payment_status: 'unpaid', paid_amount: 0, payments: 0 };
const paidOnce = { payment_status: 'paid', paid_amount: 1000, payments: 1 };

test('a signed event pays the order, and once however often it is sent', async () => {
  const of = await order();
  const body = intentEvent({ order: of.id, amount: 1000 });
  const id = 'msg_same';
  const stored = { received: true, ignored: false };
  expect(await send(body, { id })).toMatchObject({
    status: 200,
    body: { ...stored, events: [{ effect: 'booked' }] },
  });
  // a replay within the tolerance, and the provider's own second attempt with a new signature
  for (const again of [{ id }, {}]) {
    expect(await send(body, again)).toMatchObject({
      status: 200,
      body: { ...stored, events: [{ effect: 'repeated' }] },
    });
  }
  expect(await paid(of)).toEqual(paidOnce);
});

test('both secrets are good while one takes the place of the other', async () => {
  for (const secret of [present, former]) {
    const of = await order();
    expect((await send(intentEvent({ order: of.id, amount: 1000 }), { secret })).status).toBe(200);
    expect(await paid(of)).toEqual(paidOnce);
  }
});

const minutes = (count: number) => new Date(Date.now() + count * 60_000);

test.each<[string, Partial<Signing>, Record<string, string>]>([
  ['with a secret of somebody else', { secret: stranger }, {}],
  ['six minutes ago', { at: minutes(-6) }, {}],
  ['six minutes ahead', { at: minutes(6) }, {}],
  ['for another message', {}, { 'webhook-id': 'msg_other' }],
  ['at another time', {}, { 'webhook-timestamp': String(Math.floor(Date.now() / 1000) - 10) }],
  ['in another version', {}, { 'webhook-signature': 'v2,AAAA' }],
  ['without a signature', {}, { 'webhook-signature': '' }],
])('what was signed %s is refused and changes nothing', async (_how, signing, headers) => {
  const of = await order();
  const answer = await send(intentEvent({ order: of.id, amount: 1000 }), signing, headers);
  expect(answer).toMatchObject({ status: 401, body: { code: 'invalid_signature' } });
  expect(await paid(of)).toEqual(unpaid);
});

test('a body that was changed on its way is refused', async () => {
  const of = await order();
  const headers = signed(intentEvent({ order: of.id, amount: 1, event: 'evt_x' }), {
    secret: present,
  });
  const answer = await send(
    intentEvent({ order: of.id, amount: 1000, event: 'evt_x' }),
    {},
    headers,
  );
  expect(answer.status).toBe(401);
  expect(await paid(of)).toEqual(unpaid);
});

test('what no provider sends is refused for good, and what is none of ours is ignored', async () => {
  const of = await order();
  expect(await send('x'.repeat(300_000))).toMatchObject({ status: 413 });
  expect(await send('{')).toMatchObject({ status: 400, body: { code: 'invalid_json' } });
  expect(await send('{}')).toMatchObject({ status: 422, body: { code: 'unknown_shape' } });
  const half = intentEvent({ order: of.id, amount: 10.5 });
  expect(await send(half)).toMatchObject({ status: 422 });
  const other = intentEvent({ order: of.id, amount: 1000, type: 'payment_intent.created' });
  expect(await send(other)).toMatchObject({ status: 200, body: { ignored: true, events: [] } });
  expect((await fetch(url)).status).toBe(404);
  expect((await fetch(`${url}s`, { method: 'POST' })).status).toBe(404);
  expect(await paid(of)).toEqual(unpaid);
});

test('an event that is stored is not asked for again when it reads differently by now', async () => {
  const of = await order();
  const event = 'evt_twice';
  expect((await send(intentEvent({ order: of.id, amount: 1000, event }))).status).toBe(200);
  expect(await send(intentEvent({ order: of.id, amount: 2000, event }))).toMatchObject({
    status: 200,
    body: { events: [{ event_id: event, effect: 'repeated', problem: 'read_differently' }] },
  });
  expect(await paid(of)).toEqual(paidOnce);
});

test('money that cannot be matched is stored, answered and shown to finance', async () => {
  const of = await order();
  const nowhere = '00000000-0000-4000-8000-000000000001';
  for (const [event, problem] of [
    [{ order: of.id, amount: 1000, currency: 'eur' }, 'other_currency'],
    [{ order: of.id, amount: 1000, currency: 'chf' }, 'unknown_currency'],
    [{ order: nowhere, amount: 1000 }, 'order_unknown'],
  ] as const) {
    expect(await send(intentEvent(event))).toMatchObject({
      status: 200,
      body: { events: [{ effect: 'unmatched', problem }] },
    });
  }
  expect(await paid(of)).toEqual(unpaid);
  const shown = await db.sql`select reason from card_events_unmatched order by reason`;
  expect(shown.map(({ reason }) => reason)).toEqual([
    'order_unknown',
    'other_currency',
    'unknown_currency',
  ]);
});

test('ten deliveries at once, of one event and of ten, have one effect', async () => {
  const [one, many] = [await order(), await order()];
  const body = intentEvent({ order: one.id, amount: 1000 });
  const answers = await Promise.all([
    ...Array.from({ length: 10 }, () => send(body)),
    ...Array.from({ length: 10 }, () => send(intentEvent({ order: many.id, amount: 1000 }))),
  ]);
  expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
  expect([await paid(one), await paid(many)]).toEqual([paidOnce, paidOnce]);
});

test('what could not be stored is asked for again, and is stored then', async () => {
  const of = await order();
  const body = intentEvent({ order: of.id, amount: 1000 });
  await db.sql`alter function ledger_confirm_payment(text, jsonb) rename to away`;
  expect(await send(body)).toMatchObject({ status: 503, body: { code: 'not_stored' } });
  await db.sql`alter function away(text, jsonb) rename to ledger_confirm_payment`;
  expect(await send(body)).toMatchObject({ status: 200 });
  expect(await paid(of)).toEqual(paidOnce);
});

test('nobody but a backend says what a provider said', async () => {
  const of = await order();
  const client = await api.user(of.customer);
  const args = { p_provider: 'stripe', p_event: {} };
  for (const caller of [client, api.anon]) {
    const { error } = await caller.rpc('ledger_confirm_payment' as never, args as never);
    expect(error?.code).toBe('42501');
  }
});

test('the books are in order and nobody waited for somebody in a circle', async () => {
  await expectBooksInOrder(db.sql);
  await expectNoDeadlock(db.sql);
});
