import fc from 'fast-check';
import { expect, test } from 'vitest';
import { expectBooksInOrder } from '../support/books.ts';
import { createCustomer, createVariant, type OrderRef, placed } from '../support/shop.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { deliveries, type History, history, type Saying, TOTAL } from './histories.ts';

const db = await createTestDatabase('cards_any_order');
const variant = await createVariant(db.sql, { stock: 1_000_000, price: TOTAL });

async function order({ wallet }: History): Promise<OrderRef> {
  const customer = await createCustomer(db.sql, { balance: wallet });
  const payment =
    wallet === 0
      ? { p_payment_method: 'bank_transfer' }
      : { p_payment_method: 'wallet_partial', p_wallet_amount: wallet };
  return placed(db.sql, customer, [[variant, 1]], payment);
}

async function hear(of: OrderRef, saying: Saying, place: number): Promise<void> {
  const event = {
    ...saying,
    event_id: `evt_${of.id}_${place}`,
    provider_payment_id: `pi_${of.id}`,
    order_id: of.id,
    currency: 'USD',
    occurred_at: '2026-03-01T12:00:00Z',
  };
  const [answer] = await db.sql`
    select success, error_message from ledger_confirm_payment('stripe', ${db.sql.json(event)})`;
  expect(answer).toEqual({ success: true, error_message: null });
}

/** All that a customer, finance or an accountant sees of it in the end. */
async function books(of: OrderRef) {
  const [facts] = await db.sql`
    select o.status, o.payment_status, o.credited_amount, o.paid_amount - o.refunded_amount as held,
           o.wallet_refunded_amount, o.outstanding_amount, a.available_balance, a.total_orders,
           c.status as card, c.captured_amount, c.refunded_amount as gone, c.charged_back_amount, c.problem
    from orders o
    join accounts a on a.id = o.account_id
    join card_payments c on c.order_id = o.id
    where o.id = ${of.id}`;
  const chart = await db.sql`
    select c.code, sum(case c.code when p.debit_account then p.amount else -p.amount end)::bigint as balance
    from postings p
    join chart_accounts c on c.code in (p.debit_account, p.credit_account)
    where p.account_id = (select o.account_id from orders o where o.id = ${of.id})
    group by c.code
    having sum(case c.code when p.debit_account then p.amount else -p.amount end) <> 0
    order by c.code`;
  return { facts: { ...facts }, chart: chart.map((row) => ({ ...row })) };
}

test.each([true, false])(
  'events of a card payment end in the same books in any order and however often (confirmed when paid: %s)',
  async (confirmed) => {
    await db.sql`update settings set value = ${db.sql.json(confirmed)} where key = 'auto_confirm_when_paid'`;
    await fc.assert(
      fc.asyncProperty(
        history.chain((chosen) =>
          fc.tuple(fc.constant(chosen), deliveries(chosen.sayings), deliveries(chosen.sayings)),
        ),
        async ([chosen, ...orders]) => {
          const ends = [];
          for (const places of orders) {
            const of = await order(chosen);
            for (const place of places) {
              await hear(of, chosen.sayings[place] as Saying, place);
            }
            ends.push(await books(of));
          }
          expect(ends[1]).toEqual(ends[0]);
        },
      ),
      { numRuns: Number(process.env.CARD_RUNS ?? 25), verbose: 1 },
    );
    await expectBooksInOrder(db.sql);
  },
);
