import { expect, test } from 'vitest';
import { expectBooksInOrder, expectNoDeadlock } from '../support/books.ts';
import { BACKEND, type Call } from '../support/sessions.ts';
import { cancel, createCustomer, createVariant, placed, succeed } from '../support/shop.ts';
import { createTestDatabase } from '../support/test-database.ts';

const db = await createTestDatabase('cards_at_once');
const variant = await createVariant(db.sql, { stock: 100_000, price: 1000 });
await db.sql`update settings set value = 'true' where key = 'auto_confirm_when_paid'`;

const backend = (procedure: string, args: Record<string, unknown>): Call => ({
  actor: BACKEND,
  procedure,
  args,
});

/** Sent from a connection of its own; a refusal is an answer, anything raised is a failure of the test. */
async function answer(call: Call): Promise<string> {
  try {
    await succeed(db.sql, call);
    return 'done';
  } catch (error) {
    if (error instanceof Error && error.message.startsWith(call.procedure)) return 'refused';
    throw error;
  }
}

test('a card, the customer and finance act on one order at once, and the books are in order', async () => {
  for (let round = 0; round < 15; round += 1) {
    const customer = await createCustomer(db.sql);
    const of = await placed(db.sql, customer, [[variant, 1]], {
      p_payment_method: 'bank_transfer',
    });
    const said = (kind: string, amount: number, more: Record<string, unknown> = {}): Call =>
      backend('ledger_confirm_payment', {
        p_provider: 'stripe',
        p_event: {
          event_id: `${of.id} ${kind} ${amount}`,
          provider_payment_id: `pi_${of.id}`,
          order_id: of.id,
          kind,
          amount,
          currency: 'USD',
          occurred_at: '2026-03-01T12:00:00Z',
          ...more,
        },
      });
    const part = { captured_total: 600, is_final: false };
    const calls = [
      said('captured', 600, part),
      said('captured', 400, { captured_total: 1000, is_final: true }),
      said('refunded', 200, { object_id: 're_1' }),
      said('charged_back', 300, { object_id: 'dp_1' }),
      said('charge_back_won', 300, { object_id: 'dp_1' }),
      said('captured', 600, part),
      backend('ledger_record_payment', { p_order_id: of.id, p_amount: 500, p_method: 'cash' }),
      backend('ledger_refund_order', { p_order_id: of.id, p_amount: 100, p_to: 'original' }),
      cancel(customer, of.id),
    ];
    const answers = await Promise.all(calls.map(answer));
    expect(answers.slice(0, 7)).toEqual(Array(7).fill('done'));

    const [card] = await db.sql`
      select c.captured_amount, c.refunded_amount, c.charged_back_amount, c.problem,
             (select coalesce(sum(case 'bank' when p.debit_account then p.amount when p.credit_account then -p.amount else 0 end), 0)::int
              from postings p where p.account_id = c.account_id) as bank
      from card_payments c where c.order_id = ${of.id}`;
    // 1000 by card and 500 in cash, less the 200 that the provider gave back
    expect(card).toEqual({
      captured_amount: 1000,
      refunded_amount: 200,
      charged_back_amount: 0,
      problem: null,
      bank: 1300,
    });
  }
  await expectBooksInOrder(db.sql);
  await expectNoDeadlock(db.sql);
});

test('finance says which order a card payment is for while more is heard of it, and all of it is booked', async () => {
  for (let round = 0; round < 15; round += 1) {
    const customer = await createCustomer(db.sql);
    const of = await placed(db.sql, customer, [[variant, 1]], {
      p_payment_method: 'bank_transfer',
    });
    const said = (kind: string, amount: number, more: Record<string, unknown> = {}): Call =>
      backend('ledger_confirm_payment', {
        p_provider: 'stripe',
        p_event: {
          event_id: `${of.id} ${kind}`,
          provider_payment_id: `pi_${of.id}`,
          kind,
          amount,
          currency: 'USD',
          occurred_at: '2026-03-01T12:00:00Z',
          ...more,
        },
      });
    await answer(said('captured', 1000));
    const [found] = await db.sql`
      select card_payment_id as id from card_events_unmatched where provider_payment_id = ${`pi_${of.id}`}`;
    const match = (key: string): Call =>
      backend('ledger_match_card_payment', {
        p_card_payment_id: found?.id,
        p_order_id: of.id,
        p_idempotency_key: `${of.id} ${key}`,
      });
    const calls = [
      said('refunded', 200, { object_id: 're_1' }),
      match('one'),
      said('charged_back', 300, { object_id: 'dp_1', order_id: of.id }),
      match('one'),
      match('two'),
      cancel(customer, of.id),
    ];
    const answers = await Promise.all(calls.map(answer));
    expect(answers.slice(0, 5)).toEqual(Array(5).fill('done'));

    const [card] = await db.sql`
      select c.order_id, c.problem,
             (select coalesce(sum(case 'bank' when p.debit_account then p.amount when p.credit_account then -p.amount else 0 end), 0)::int
              from postings p where p.account_id = c.account_id) as bank
      from card_payments c where c.id = ${found?.id}`;
    expect(card).toEqual({ order_id: of.id, problem: null, bank: 500 });
  }
  await expectBooksInOrder(db.sql);
  await expectNoDeadlock(db.sql);
});
