import { expect, test } from 'vitest';
import { expectBooksInOrder } from '../support/books.ts';
import { BACKEND } from '../support/sessions.ts';
import { createCustomer, createVariant, placed, succeed } from '../support/shop.ts';
import { createTestDatabase } from '../support/test-database.ts';
import type { Saying } from './histories.ts';

const db = await createTestDatabase('cards_payouts');
const variant = await createVariant(db.sql, { stock: 100_000, price: 1000 });
await db.sql`update settings set value = 'true' where key = 'auto_confirm_when_paid'`;

function permutations<T>(of: readonly T[]): T[][] {
  if (of.length === 0) return [[]];
  return of.flatMap((one, place) =>
    permutations(of.filter((_, other) => other !== place)).map((rest) => [one, ...rest]),
  );
}

const refunded = (name: string, amount: number, ours?: number) => ({
  kind: 'refunded',
  object_id: name,
  amount,
  ours,
});
const dispute = (name: string, amount: number) => ({
  kind: 'charged_back',
  object_id: name,
  amount,
});
const won = (name: string, amount: number) => ({
  kind: 'charge_back_won',
  object_id: name,
  amount,
});

/** What an order of 1000, paid by card, has to be paid out, and what the provider says afterwards; ours: which payout it names. */
const histories: Record<
  string,
  { payouts: number[]; says: (Saying & { ours?: number | undefined })[] }
> = {
  'a payout is made while more is disputed': {
    payouts: [300],
    says: [refunded('re_1', 300), dispute('dp_1', 700)],
  },
  'a payout is made, and a dispute is won': {
    payouts: [300],
    says: [refunded('re_1', 300, 0), dispute('dp_1', 1000), won('dp_1', 1000)],
  },
  'two payouts of one amount, one of them named': {
    payouts: [200, 200],
    says: [refunded('re_1', 200), refunded('re_2', 200, 0), dispute('dp_1', 600)],
  },
  'a part is disputed, and all that is paid out is named': {
    payouts: [100, 400],
    says: [refunded('re_1', 400, 1), refunded('re_2', 100, 0), dispute('dp_1', 450)],
  },
};

test.each(Object.entries(histories))(
  'what is paid out and disputed ends in the same money in any order: %s',
  async (name, { payouts, says }) => {
    const ends: Record<string, unknown>[] = [];
    for (const [turn, order] of permutations(says).entries()) {
      const customer = await createCustomer(db.sql);
      const of = await placed(db.sql, customer, [[variant, 1]], {
        p_payment_method: 'bank_transfer',
      });
      const hear = (saying: object, place: number) =>
        succeed(db.sql, {
          actor: BACKEND,
          procedure: 'ledger_confirm_payment',
          args: {
            p_provider: 'stripe',
            p_event: {
              ...saying,
              event_id: `${name} ${turn} ${place}`,
              provider_payment_id: `pi_${of.id}`,
              order_id: of.id,
              currency: 'USD',
              occurred_at: '2026-03-01T12:00:00Z',
            },
          },
        });
      await hear({ kind: 'captured', amount: 1000 }, -1);
      for (const amount of payouts) {
        await succeed(db.sql, {
          actor: BACKEND,
          procedure: 'ledger_refund_order',
          args: { p_order_id: of.id, p_amount: amount, p_to: 'original' },
        });
      }
      const ids = (await db.sql`select id from refunds where order_id = ${of.id} order by id`).map(
        (row) => row.id as string,
      );
      for (const [place, { ours, ...saying }] of order.entries()) {
        await hear(ours === undefined ? saying : { ...saying, refund_id: ids[ours] }, place);
      }
      const [facts] = await db.sql`
        select o.status, o.credited_amount, o.paid_amount - o.refunded_amount as held, o.outstanding_amount,
               a.available_balance, c.problem,
               (select coalesce(sum(case 'bank' when p.debit_account then p.amount when p.credit_account then -p.amount else 0 end), 0)::int
                from postings p where p.account_id = a.id) as bank,
               exists (select from refunds f where f.order_id = o.id and f.payout_status = 'pending') as waits
        from orders o join accounts a on a.id = o.account_id join card_payments c on c.order_id = o.id
        where o.id = ${of.id}`;
      ends.push({ ...facts });
    }
    expect(ends).toEqual(ends.map(() => ends[0]));
    expect(ends[0]).toMatchObject({ problem: null, waits: false });
    await expectBooksInOrder(db.sql);
  },
);
