import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { startCrowd, testThatBooksAreInOrder } from '../support/crowd.ts';
import { rounds } from '../support/rounds.ts';
import type { Call } from '../support/sessions.ts';
import {
  adjustStock,
  cancel,
  cancelWithdrawal,
  changeStatus,
  createCustomer,
  createStaff,
  createVariant,
  credit,
  freeze,
  place,
  placed,
  requestWithdrawal,
  reviewWithdrawal,
  succeed,
} from '../support/shop.ts';

const TIMES = 10;
const { db, crowd } = await startCrowd('same_key', TIMES);
const admin = await createStaff(db.sql, 'admin');

/** Everything that a second effect would show in. */
async function traces() {
  const [row] = await db.sql`
    select (select count(*) from orders) as orders, (select count(*) from transactions) as transactions,
           (select count(*) from postings) as postings, (select count(*) from immutable_events) as events,
           (select count(*) from stock_movements) as movements, (select count(*) from withdrawals) as withdrawals,
           (select count(*) from audit_log) as audits, (select count(*) from ledger.outbox) as messages,
           (select count(*) from ledger.idempotency_keys) as keys`;
  return row as Record<string, number>;
}

const NOTHING = {
  orders: 0,
  transactions: 0,
  postings: 0,
  events: 0,
  movements: 0,
  withdrawals: 0,
  audits: 0,
  messages: 0,
  keys: 0,
};
const RECORDS = { events: 1, audits: 1, messages: 1, keys: 1 };

/** Each case sets its scene, and says what one effect of its call leaves. */
const cases: [
  name: string,
  setUp: (key: Record<string, unknown>) => Promise<Call>,
  effect: object,
][] = [
  [
    'ledger_place_order',
    async (key) => {
      const variant = await createVariant(db.sql, { stock: 100 });
      return place(await createCustomer(db.sql, { balance: 50_000 }), [[variant, 2]], key);
    },
    { orders: 1, transactions: 1, postings: 1, movements: 1 },
  ],
  [
    'ledger_cancel_order',
    async (key) => {
      const variant = await createVariant(db.sql, { stock: 100 });
      const customer = await createCustomer(db.sql, { balance: 50_000 });
      return cancel(customer, (await placed(db.sql, customer, [[variant, 2]])).id, key);
    },
    { transactions: 1, postings: 1, movements: 1 },
  ],
  [
    'ledger_change_order_status',
    async (key) => {
      const variant = await createVariant(db.sql, { stock: 100 });
      const order = await placed(db.sql, await createCustomer(db.sql, { balance: 50_000 }), [
        [variant, 2],
      ]);
      return changeStatus(admin, order, 'pending', 'processing', key);
    },
    { transactions: 1 },
  ],
  [
    'ledger_credit_account',
    async (key) => credit(await createCustomer(db.sql), 700, key, admin),
    { transactions: 1, postings: 1 },
  ],
  [
    'ledger_request_withdrawal',
    async (key) => requestWithdrawal(await createCustomer(db.sql, { balance: 50_000 }), 700, key),
    { transactions: 1, postings: 1, withdrawals: 1 },
  ],
  [
    'ledger_review_withdrawal',
    async (key) => {
      const asked = await succeed(
        db.sql,
        requestWithdrawal(await createCustomer(db.sql, { balance: 50_000 }), 700),
      );
      return reviewWithdrawal(admin, asked.withdrawal_id ?? '', 'approve', key);
    },
    { transactions: 1 },
  ],
  [
    'ledger_cancel_withdrawal',
    async (key) => {
      const customer = await createCustomer(db.sql, { balance: 50_000 });
      const asked = await succeed(db.sql, requestWithdrawal(customer, 700));
      return cancelWithdrawal(customer, asked.withdrawal_id ?? '', key);
    },
    { transactions: 1, postings: 1 },
  ],
  [
    'ledger_adjust_stock',
    async (key) => adjustStock(await createVariant(db.sql), 50, key, admin),
    { movements: 1 },
  ],
  [
    'ledger_freeze_account',
    async (key) => freeze(await createCustomer(db.sql, { balance: 1 }), true, key),
    { transactions: 1 },
  ],
];

describe.for(cases)(
  '%s with one key ten times at once (DESIGN section 4, rule 3)',
  ([, setUp, effect]) => {
    test.for(rounds(2))('has one effect and ten same answers (round %i)', async () => {
      const call = await setUp({ p_idempotency_key: randomUUID() });
      const before = await traces();

      const answers = await crowd.race(Array<Call>(TIMES).fill(call));

      expect(answers[0]).toMatchObject({ success: true });
      expect(answers).toEqual(Array(TIMES).fill(answers[0]));
      const after = await traces();
      expect(
        Object.fromEntries(
          Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)]),
        ),
      ).toEqual({ ...NOTHING, ...RECORDS, ...effect });
    });
  },
);

test.for(rounds(3))(
  'of ten different orders with one key one is placed and nine are told of the conflict (round %i)',
  async () => {
    const variant = await createVariant(db.sql, { stock: 100 });
    const customer = await createCustomer(db.sql, { balance: 100_000 });
    const key = { p_idempotency_key: randomUUID() };

    const answers = await crowd.race(
      Array.from({ length: TIMES }, (_, i) => place(customer, [[variant, i + 1]], key)),
    );

    expect(answers.filter((answer) => answer.success)).toHaveLength(1);
    expect(answers.filter((answer) => answer.error_code === 'idempotency_conflict')).toHaveLength(
      9,
    );
    expect([
      ...(await db.sql`select total_amount from orders where user_id = ${customer}`),
    ]).toEqual([{ total_amount: answers.find((answer) => answer.success)?.total_amount }]);
  },
);

test.for(rounds(3))(
  'ten customers with the same key each have their own order (round %i)',
  async () => {
    const variant = await createVariant(db.sql, { stock: 100 });
    const key = { p_idempotency_key: randomUUID() };
    const people = await Promise.all(
      Array.from({ length: TIMES }, () => createCustomer(db.sql, { balance: 1000 })),
    );

    const answers = await crowd.race(people.map((person) => place(person, [[variant, 1]], key)));

    expect(new Set(answers.map((answer) => answer.success && answer.order_id)).size).toBe(TIMES);
    expect([
      ...(await db.sql`select distinct user_id from orders where user_id = any (${people})`),
    ]).toHaveLength(TIMES);
  },
);

testThatBooksAreInOrder(db, crowd);
