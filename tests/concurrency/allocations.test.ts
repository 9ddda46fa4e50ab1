import fc from 'fast-check';
import { expect, test } from 'vitest';
import { expectBooksInOrder } from '../support/books.ts';
import { startCrowd, testThatBooksAreInOrder } from '../support/crowd.ts';
import {
  allocate,
  autoAllocate,
  balanceOf,
  changeInvoice,
  creditInvoice,
  issue,
  issued,
  issueForOrder,
  liveAllocations,
  receive,
  received,
  releasePayment,
  reverse,
  voidInvoice,
  voidPayment,
} from '../support/receivables.ts';
import { rounds } from '../support/rounds.ts';
import { type Answer, BACKEND, type Call } from '../support/sessions.ts';
import { changeStatus, createCustomer, createVariant, place, succeed } from '../support/shop.ts';

/*
 * Source 002, 16.3 and R3: many payments to one invoice, allocation by strategy, edits of the invoice and
 * reversals, all at once. SEED repeats the choices of a run (not its timing).
 */
const WORKERS = 12;
const SEED = Number(process.env.SEED ?? '1');

const { db, crowd } = await startCrowd('allocations', WORKERS);
const { sql } = db;
const mug = await createVariant(sql, { stock: 100_000, price: 1000 });

const times = <T>(count: number, make: (index: number) => T) =>
  Array.from({ length: count }, (_, i) => make(i));
const pick = <T>(list: readonly T[], number: number): T | undefined => list[number % list.length];

test.for(rounds(4))(
  'twelve payments for an invoice that needs five of them: five are allocated (round %i)',
  async () => {
    const customer = await createCustomer(sql);
    const invoice = await issued(sql, issue(customer, 500));
    const payments = await Promise.all(times(WORKERS, () => received(sql, receive(customer, 100))));

    const answers = await crowd.race(
      payments.map((payment) => allocate(payment, [{ invoice_id: invoice, amount: 100 }])),
    );

    expect(answers.filter((answer) => answer.success)).toHaveLength(5);
    expect(answers.filter((answer) => answer.error_code === 'invoice_settled')).toHaveLength(7);
    expect(await balanceOf(sql, invoice)).toEqual({
      amount: 500,
      sum: 500,
      allocated: 500,
      remaining: 0,
      status: 'paid',
    });
  },
);

test.for(rounds(4))(
  'one payment allocated by twelve at once gives no more than it has (round %i)',
  async (round) => {
    const customer = await createCustomer(sql);
    const invoices = await Promise.all(times(6, () => issued(sql, issue(customer, 300))));
    const payment = await received(sql, receive(customer, 1000));

    const answers = await crowd.race(
      times(WORKERS, (i) =>
        i % 3 === 0
          ? autoAllocate(payment, pick(['fifo', 'aging', 'risk', 'weighted'], i + round))
          : allocate(payment, [{ invoice_id: pick(invoices, i) ?? '', amount: 150 }]),
      ),
    );

    const refused = answers.flatMap((answer) => (answer.success ? [] : [answer.error_code]));
    expect(
      refused.filter(
        (code) =>
          ![
            'allocation_exceeds_payment',
            'allocation_exceeds_invoice',
            'invoice_settled',
            'nothing_to_allocate',
          ].includes(code ?? ''),
      ),
    ).toEqual([]);
    const [row] = await sql`
      select allocated_amount::float8 as allocated, unapplied_amount::float8 as unapplied from payments where id = ${payment}`;
    // whoever came last by a strategy took what was left
    expect(row).toEqual({ allocated: 1000, unapplied: 0 });
    await expectBooksInOrder(sql);
  },
);

test.for(rounds(3))(
  'the same key from twelve connections allocates once (round %i)',
  async (round) => {
    const customer = await createCustomer(sql);
    const invoice = await issued(sql, issue(customer, 5000));
    const payment = await received(sql, receive(customer, 5000));

    const answers = await crowd.race(
      times(WORKERS, () =>
        allocate(payment, [{ invoice_id: invoice, amount: 100 }], {
          p_idempotency_key: `round ${round} of ${customer}`,
        }),
      ),
    );

    expect(new Set(answers.map((answer) => answer.transaction_id)).size).toBe(1);
    expect(await balanceOf(sql, invoice)).toMatchObject({ allocated: 100, remaining: 4900 });
  },
);

test.for(rounds(3))('a version that was read lets one of twelve through (round %i)', async () => {
  const customer = await createCustomer(sql);
  const invoice = await issued(sql, issue(customer, 5000));
  const payment = await received(sql, receive(customer, 5000));

  const answers = await crowd.race(
    times(WORKERS, () =>
      allocate(payment, [{ invoice_id: invoice, amount: 100, expected_version: 1 }]),
    ),
  );

  expect(answers.filter((answer) => answer.success)).toHaveLength(1);
  expect(answers.filter((a) => a.error_code === 'invoice_balance_changed')).toHaveLength(11);
});

test.for(rounds(3))(
  'the invoice is void or paid, not both; the allocation is reversed once (round %i)',
  async () => {
    const customer = await createCustomer(sql);
    const invoice = await issued(sql, issue(customer, 500));
    const payment = await received(sql, receive(customer, 500));

    const answers = await crowd.race([
      ...times(4, () => voidInvoice(invoice)),
      ...times(4, () => allocate(payment, [{ invoice_id: invoice, amount: 500 }])),
      ...times(4, () => voidPayment(payment)),
    ]);
    const [row] = await sql`
      select i.status, b.allocated_total::float8 as allocated from invoices i
      join invoice_balance_cache b on b.invoice_id = i.id where i.id = ${invoice}`;
    expect(row?.status === 'void' ? row.allocated : 0).toBe(0);
    expect(answers.filter((answer) => answer.success).length).toBeGreaterThan(0);

    const second = await issued(sql, issue(customer, 500));
    const other = await received(sql, receive(customer, 500));
    await succeed(sql, allocate(other, [{ invoice_id: second, amount: 500 }]));
    const [allocation = ''] = await liveAllocations(sql, customer).then((ids) => ids.slice(-1));
    const reversals = await crowd.race(times(WORKERS, () => reverse(allocation)));
    expect(reversals.filter((answer) => answer.success)).toHaveLength(1);
    expect(await balanceOf(sql, second)).toMatchObject({ allocated: 0, status: 'unpaid' });
  },
);

/** What may be answered when everything meets; anything raised, a deadlock first of all, fails the test. */
const ALLOWED = [
  'allocation_exceeds_payment',
  'allocation_exceeds_invoice',
  'allocation_conflict',
  'invoice_settled',
  'invoice_not_open',
  'invoice_conflict',
  'invoice_balance_changed',
  'nothing_to_allocate',
  'nothing_unapplied',
  'payment_conflict',
  'payment_already_used',
  'order_invoice',
  'order_invoiced',
  'status_conflict',
  'invalid_transition',
  'credit_exceeds_invoice',
  'invoice_allocated',
  'invoice_credited',
  'invoice_not_found',
  'refund_not_allowed',
  'refund_exceeds_paid',
];

const choice = fc.record({
  action: fc.integer({ min: 0, max: 99 }),
  who: fc.nat(1000),
  what: fc.nat(1000),
  amount: fc.integer({ min: 1, max: 400 }),
});
type Choice = typeof choice extends fc.Arbitrary<infer T> ? T : never;

test.for(rounds(2))(
  'allocations, strategies, reversals, credit notes, due dates, voids, refunds and cancellations together: never over-allocated, no deadlock (round %i)',
  async (round) => {
    await sql`update order_status_transitions set needs_payment = false`;
    const customers = await Promise.all(times(2, () => createCustomer(sql)));
    const invoices: string[] = [];
    const payments: string[] = [];
    const allocations: string[] = [];
    const orders: { id: string; customer: string; total: number }[] = [];
    for (const customer of customers) {
      for (const amount of [900, 500, 700])
        invoices.push(await issued(sql, issue(customer, amount)));
      for (const amount of [1200, 600, 800])
        payments.push(await received(sql, receive(customer, amount)));
      for (const quantity of [1, 2]) {
        const order = await succeed(
          sql,
          place(BACKEND, [[mug, quantity]], {
            p_user_id: customer,
            p_payment_method: 'bank_transfer',
          }),
        );
        orders.push({ id: order.order_id ?? '', customer, total: quantity * 1000 });
        invoices.push(await issued(sql, issueForOrder(order.order_id ?? '')));
      }
    }

    const callOf = ({ action, who, what, amount }: Choice): Call | undefined => {
      const invoice = pick(invoices, what) ?? '';
      const payment = pick(payments, who) ?? '';
      const order = pick(orders, what);
      const allocation = pick(allocations.slice(-8), what);
      if (action < 30) {
        // in half of the calls two invoices, in no order of their ids
        const other = pick(invoices, who + what) ?? '';
        const lines = [{ invoice_id: invoice, amount }];
        if (what % 2 && other !== invoice) lines.push({ invoice_id: other, amount: 50 });
        return allocate(payment, lines);
      }
      if (action < 45)
        return autoAllocate(payment, pick(['fifo', 'aging', 'risk', 'weighted'], what));
      if (action < 65) return allocation ? reverse(allocation) : undefined;
      if (action < 72) return creditInvoice(invoice, amount);
      if (action < 77) return changeInvoice(invoice, new Date(Date.now() + who * 86_400_000));
      if (action < 79) return voidInvoice(invoice);
      if (action < 81) return voidPayment(payment);
      if (action < 84) return releasePayment(payment, Math.min(amount, 20));
      if (action < 92) {
        return (
          order && {
            actor: BACKEND,
            procedure: 'ledger_refund_order',
            args: { p_order_id: order.id, p_amount: Math.min(amount, 60) },
          }
        );
      }
      if (action < 96 && order) {
        return changeStatus(
          BACKEND,
          { id: order.id, customer: order.customer, total: order.total },
          'pending',
          'confirmed',
        );
      }
      return receive(pick(customers, who) ?? '', amount);
    };

    const refusals = new Set<string>();
    const plans = fc.sample(fc.array(choice, { minLength: 20, maxLength: 20 }), {
      seed: SEED * 100 + round,
      numRuns: WORKERS,
    });
    const remember = (
      answer: Answer & { allocations?: { allocation_id: string; amount: number }[] },
    ) => {
      if (!answer.success) refusals.add(answer.error_code ?? '');
      if (answer.success && answer.payment_id && !answer.allocations)
        payments.push(answer.payment_id);
      for (const written of answer.allocations ?? []) {
        if (written.amount > 0) allocations.push(written.allocation_id);
      }
    };
    await crowd.work(
      plans.map((plan) => async (perform) => {
        for (const chosen of plan) {
          const call = callOf(chosen);
          if (call) remember(await perform(call));
        }
      }),
    );

    expect([...refusals].filter((code) => !ALLOWED.includes(code))).toEqual([]);
    expect(allocations.length).toBeGreaterThan(20);
    for (const invoice of invoices) {
      const { amount, sum, allocated, remaining } = await balanceOf(sql, invoice);
      expect({ sum, remaining }).toEqual({ sum: allocated, remaining: amount - allocated });
      expect(allocated).toBeLessThanOrEqual(amount);
    }
    await expectBooksInOrder(sql);
  },
);

testThatBooksAreInOrder(db, crowd);
