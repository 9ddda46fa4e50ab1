import { expect, test } from 'vitest';
import { expectBooksInOrder, type Shop, someKey, startShop } from './support.ts';

const shop = await startShop('api_retries');
const { ask, variant } = shop;
const body = { items: [{ variant_id: variant, quantity: 1 }] };

async function ordersOf(userId: string): Promise<number> {
  const [row] = await shop.db.sql`
    select count(*)::int as count from orders where user_id = ${userId}`;
  return row?.count;
}

async function buyer(options: { balance?: number } = {}): Promise<string> {
  const { createCustomer } = await import('../support/shop.ts');
  return createCustomer(shop.db.sql, { balance: 100_000, ...options });
}

test('a replay has the same answer and says so', async () => {
  const customer = await buyer();
  const headers = someKey();
  const first = await ask(customer, 'POST /orders', { body, headers });
  expect([first.status, first.headers.get('idempotency-replayed')]).toEqual([201, null]);
  const again = await ask(customer, 'POST /orders', { body, headers });
  expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, 'true']);
  expect(again.body).toEqual(first.body);
  expect(again.headers.get('location')).toBe(first.headers.get('location'));
  expect(await ordersOf(customer)).toBe(1);
});

test('the same key with another body is refused, and of another caller it is another key', async () => {
  const customer = await buyer();
  const headers = someKey();
  await ask(customer, 'POST /orders', { body, headers });
  const other = await ask(customer, 'POST /orders', { body: { ...body, notes: 'x' }, headers });
  expect([other.status, other.body.code]).toEqual([422, 'idempotency_conflict']);
  expect(other.headers.get('idempotency-replayed')).toBeNull();
  const another = await ask(await buyer(), 'POST /orders', { body, headers });
  expect([another.status, another.headers.get('idempotency-replayed')]).toEqual([201, null]);
});

test('ten at once with one key place one order, and nine are told that it is a replay', async () => {
  const customer = await buyer();
  const headers = someKey();
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => ask(customer, 'POST /orders', { body, headers })),
  );
  expect(new Set(answers.map((answer) => answer.body.order_id)).size).toBe(1);
  expect(answers.filter((a) => a.headers.get('idempotency-replayed') === 'true')).toHaveLength(9);
  expect(await ordersOf(customer)).toBe(1);
});

test('a refusal is not kept: the same key works once it can', async () => {
  const customer = await buyer({ balance: 500 });
  const headers = someKey();
  expect((await ask(customer, 'POST /orders', { body, headers })).status).toBe(402);
  const { credit, succeed } = await import('../support/shop.ts');
  await succeed(shop.db.sql, credit(customer, 500));
  expect((await ask(customer, 'POST /orders', { body, headers })).status).toBe(201);
});

test('a change of status is replayed although the order has moved on', async () => {
  const { id } = await shop.order();
  const headers = someKey();
  const confirm = { body: { status: 'confirmed' }, headers };
  const first = await ask('admin', `PATCH /orders/${id}/status`, confirm);
  await ask('admin', `PATCH /orders/${id}/status`, { body: { status: 'processing' } });
  const again = await ask('admin', `PATCH /orders/${id}/status`, confirm);
  expect([again.status, again.body]).toEqual([200, first.body]);
  expect(again.headers.get('idempotency-replayed')).toBe('true');
});

test.each(['', 'x'.repeat(256)])('a key of a wrong length is refused: %#', async (key) => {
  const answer = await ask('customer', 'POST /orders', {
    body,
    headers: { 'idempotency-key': key },
  });
  expect([answer.status, answer.body.errors]).toMatchObject([
    400,
    [{ in: 'header', path: '/idempotency-key' }],
  ]);
});

test('the bucket of a limited procedure is told, and an empty one is 429', async () => {
  const limit = { capacity: 3, refill: 0.01 };
  await setLimit(shop, limit);
  const customer = await buyer();
  const left: (string | null)[] = [];
  for (let call = 1; call <= 3; call += 1) {
    const { status, headers } = await ask(customer, 'POST /orders', { body });
    expect([status, headers.get('ratelimit-policy')]).toEqual([
      201,
      '"ledger_place_order";q=3;w=300',
    ]);
    left.push(/r=\d+/.exec(headers.get('ratelimit') ?? '')?.[0] ?? null);
  }
  expect(left).toEqual(['r=2', 'r=1', 'r=0']);

  const refused = await ask(customer, 'POST /orders', { body });
  expect([refused.status, refused.body.code]).toEqual([429, 'rate_limited']);
  expect(Number(refused.headers.get('retry-after'))).toBe(100);
  expect(refused.headers.get('ratelimit')).toMatch(/^"ledger_place_order";r=0;t=300$/);
  expect((await ask(await buyer(), 'POST /orders', { body })).status).toBe(201);
  const staff = await ask('admin', 'POST /orders', { body: { ...body, user_id: customer } });
  expect([staff.status, staff.headers.get('ratelimit')]).toEqual([201, null]);
  await setLimit(shop, { capacity: 300, refill: 5 });
});

test('the books are in order', () => expectBooksInOrder(shop));

async function setLimit({ db }: Shop, { capacity, refill }: { capacity: number; refill: number }) {
  await db.sql`
    update rate_limits set capacity = ${capacity}, refill_per_second = ${refill}
    where procedure = 'ledger_place_order'`;
}
