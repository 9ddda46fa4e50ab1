import { expect, test } from 'vitest';
import type { Sql } from '../../support/connection.ts';
import { testThatBooksAreInOrder } from '../../support/crowd.ts';
import { interleave } from '../../support/interleave.ts';
import type { Call } from '../../support/sessions.ts';
import { createCustomer, createVariant, succeed } from '../../support/shop.ts';
import { createTestDatabase } from '../../support/test-database.ts';

const db = await createTestDatabase('permutations_drafts');

const FIRST_WINS = 'a acts, b acts: waits, a commits, b goes on, b commits';
const SECOND_GETS_IT = 'a acts, b acts: waits, a rolls back, b goes on, b commits';

async function aDraft(sql: Sql) {
  const customer = await createCustomer(sql, { balance: 10_000 });
  const variant = await createVariant(sql, { stock: 10, price: 1000 });
  const items = (quantity: number) => [{ variant_id: variant, quantity }];
  const call = (procedure: string, args: Record<string, unknown>): Call => ({
    actor: customer,
    procedure,
    args,
  });
  await succeed(sql, call('order_draft_save', { p_items: items(2) }));
  const [{ id = '' } = {}] = await sql<{ id: string }[]>`
    select id from order_drafts where user_id = ${customer}`;
  return {
    id,
    placing: call('order_draft_place', { p_draft_id: id }),
    saving: (quantity: number) =>
      call('order_draft_save', { p_items: items(quantity), p_draft_id: id, p_expected_version: 1 }),
    deleting: call('order_draft_delete', { p_draft_id: id }),
    /** What there is in the end: orders with their totals, and drafts. */
    async state() {
      const orders = await sql`select total_amount from orders where user_id = ${customer}`;
      const drafts = await sql`select version from order_drafts where user_id = ${customer}`;
      return {
        orders: orders.map((order) => order.total_amount),
        drafts: drafts.map((draft) => draft.version),
      };
    },
  };
}

const codes = (answers: { error_code: string | null }[]) =>
  answers.map((answer) => answer.error_code).sort();

test('a draft that two place is placed once', async () => {
  const traces = await interleave(db, async (sql) => {
    const draft = await aDraft(sql);
    return {
      sessions: { a: draft.placing, b: { ...draft.placing } },
      async check({ committed }) {
        expect(committed.filter((answer) => answer.success)).toHaveLength(1);
        expect(codes(committed.filter((answer) => !answer.success))).toEqual(
          committed.length === 2 ? ['draft_not_found'] : [],
        );
        expect(await draft.state()).toEqual({ orders: [2000], drafts: [] });
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

test('a draft that is changed while it is placed: what was placed is what somebody saw', async () => {
  const traces = await interleave(db, async (sql) => {
    const draft = await aDraft(sql);
    return {
      sessions: { a: draft.placing, b: draft.saving(3) },
      async check({ committed }) {
        const { orders, drafts } = await draft.state();
        // placed as it was or as it became, or not placed because the placing was rolled back
        expect([[], [2000], [3000]]).toContainEqual(orders);
        expect(orders.length + drafts.length).toBe(1);
        expect(committed.some((answer) => answer.success)).toBe(true);
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
});

test('of two who change a draft from the same version one is told', async () => {
  await interleave(db, async (sql) => {
    const draft = await aDraft(sql);
    return {
      sessions: { a: draft.saving(3), b: draft.saving(4) },
      async check({ committed }) {
        expect(committed.filter((answer) => answer.success)).toHaveLength(1);
        expect(codes(committed.filter((answer) => !answer.success))).toEqual(
          committed.length === 2 ? ['draft_conflict'] : [],
        );
        expect(await draft.state()).toEqual({ orders: [], drafts: [2] });
      },
    };
  });
});

test('a draft that is deleted while it is placed becomes an order or nothing', async () => {
  await interleave(db, async (sql) => {
    const draft = await aDraft(sql);
    return {
      sessions: { a: draft.placing, b: draft.deleting },
      async check({ committed }) {
        const { orders, drafts } = await draft.state();
        expect(drafts).toEqual([]);
        expect(committed.filter((answer) => answer.success)).toHaveLength(1);
        expect(orders).toEqual(committed.some((answer) => answer.order_id) ? [2000] : []);
      },
    };
  });
});

testThatBooksAreInOrder(db);
