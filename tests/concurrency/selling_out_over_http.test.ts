import { expect, test } from 'vitest';
import { testThatBooksAreInOrder } from '../support/crowd.ts';
import { rounds } from '../support/rounds.ts';
import { createCustomer, createVariant } from '../support/shop.ts';
import { startTestApi } from '../support/test-api.ts';
import { createTestDatabase } from '../support/test-database.ts';

const db = await createTestDatabase('selling_out_over_http');
const api = await startTestApi(db);

test.for(rounds(3))(
  'of 32 clients that order through supabase-js at once 20 have one of 20, and 12 read how many are left (round %i)',
  async () => {
    const variant = await createVariant(db.sql, { stock: 20, price: 1250 });
    const people = await Promise.all(
      Array.from({ length: 32 }, () => createCustomer(db.sql, { balance: 5000 })),
    );
    const clients = await Promise.all(people.map((person) => api.user(person)));

    const responses = await Promise.all(
      clients.map((client) =>
        client
          .rpc('ledger_place_order', { p_items: [{ variant_id: variant, quantity: 1 }] })
          .single(),
      ),
    );

    expect(responses.filter(({ error }) => error !== null)).toEqual([]);
    const refused = responses.filter(({ data }) => data?.success === false);
    expect(refused.map(({ data }) => [data?.error_code, data?.error_message])).toEqual(
      Array(12).fill(['insufficient_stock', 'Only 0 of "Blue mug, large" left, 1 asked.']),
    );
    const [left] = await db.sql`
    select (select on_hand from stock_levels where variant_id = ${variant}) as stock,
           (select count(*) from orders where user_id = any (${people})) as orders,
           (select count(*) from stock_movements where variant_id = ${variant} and reason = 'order_placed') as movements,
           (select count(*) from accounts where user_id = any (${people}) and available_balance = 3750) as paid`;
    expect(left).toEqual({ stock: 0, orders: 20, movements: 20, paid: 20 });
  },
);

test.for(rounds(3))(
  'one order sent ten times at once with one key through supabase-js is one order and ten same answers (round %i)',
  async (round) => {
    const variant = await createVariant(db.sql, { stock: 20, price: 1250 });
    const customer = await createCustomer(db.sql, { balance: 50_000 });
    const client = await api.user(customer);

    const responses = await Promise.all(
      Array.from({ length: 10 }, () =>
        client
          .rpc('ledger_place_order', {
            p_items: [{ variant_id: variant, quantity: 1 }],
            p_idempotency_key: `checkout ${round}`,
          })
          .single(),
      ),
    );

    expect(responses[0]?.data).toMatchObject({
      success: true,
      total_amount: 1250,
      available_balance: 48_750,
    });
    expect(responses.map(({ data }) => data)).toEqual(Array(10).fill(responses[0]?.data));
    const [orders] = await db.sql`select count(*) from orders where user_id = ${customer}`;
    expect(orders).toEqual({ count: 1 });
  },
);

testThatBooksAreInOrder(db);
