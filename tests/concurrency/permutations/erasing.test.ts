import { expect, test } from 'vitest';
import type { Sql } from '../../support/connection.ts';
import { testThatBooksAreInOrder } from '../../support/crowd.ts';
import { interleave } from '../../support/interleave.ts';
import { BACKEND, type Call } from '../../support/sessions.ts';
import {
  cancel,
  changeStatus,
  createCustomer,
  createVariant,
  credit,
  type OrderRef,
  place,
  placed,
  refer,
  requestWithdrawal,
  signUp,
  succeed,
} from '../../support/shop.ts';
import { createTestDatabase } from '../../support/test-database.ts';

const db = await createTestDatabase('permutations_erasing');
const WORD = 'Zarathustra';

/** A person of whom nothing is open, with an address, a draft and two finished orders. */
async function aPerson(sql: Sql) {
  const variant = await createVariant(sql, { stock: 20, price: 1000 });
  const person = await createCustomer(sql, { balance: 1000 });
  const stranger = await signUp(sql);
  const [{ code = '' } = {}] = await sql<{ code: string }[]>`
    select referral_code as code from profiles where id = ${person}`;
  const saving = (line1: string): Call => ({
    actor: person,
    procedure: 'ledger_save_address',
    args: { p_recipient: WORD, p_line1: line1, p_city: 'Basra', p_country: 'IQ' },
  });
  await succeed(sql, saving('1'));
  const [{ id: address = '' } = {}] = await sql<{ id: string }[]>`
    select id from addresses where user_id = ${person}`;
  const words = { p_notes: WORD, p_shipping_address_id: address };
  const order = await placed(sql, person, [[variant, 1]], words);
  await succeed(sql, inBulk(order, 'processing'));
  await succeed(sql, inBulk(order, 'delivered'));
  const drafting: Call = {
    actor: person,
    procedure: 'order_draft_save',
    args: { p_items: [{ variant_id: variant, quantity: 1 }], p_notes: WORD },
  };
  await succeed(sql, drafting);
  const [{ id: draft = '' } = {}] = await sql<{ id: string }[]>`
    select id from order_drafts where user_id = ${person}`;
  return {
    person,
    stranger,
    code,
    variant,
    order,
    saving,
    drafting,
    placing: place(person, [[variant, 1]], { p_payment_method: 'bank_transfer', ...words }),
    placingDraft: {
      actor: person,
      procedure: 'order_draft_place',
      args: { p_draft_id: draft, p_payment_method: 'bank_transfer' },
    } satisfies Call,
    erasing: { actor: person, procedure: 'profile_erase', args: {} } satisfies Call,
    /** Rows with the word, of this person. */
    async traces() {
      const [row] = await sql<{ traces: number }[]>`
        select (select count(*) from addresses t where t.user_id = ${person} and t::text like ${`%${WORD}%`})
             + (select count(*) from order_drafts t where t.user_id = ${person} and t::text like ${`%${WORD}%`})
             + (select count(*) from orders t where t.user_id = ${person} and t::text like ${`%${WORD}%`})
             + (select count(*) from transactions t join accounts a on a.id = t.account_id
                where a.user_id = ${person} and t::text like ${`%${WORD}%`})
             + (select count(*) from event_texts t join accounts a on a.id = t.account_id where a.user_id = ${person}) as traces`;
      return row?.traces;
    },
    /** Money on their accounts, and customers who would earn them more. */
    async holdings() {
      const [row] = await sql<{ balance: number; brought: number }[]>`
        select (select coalesce(sum(a.available_balance), 0)::int from accounts a where a.user_id = ${person}) as balance,
               (select count(*)::int from referrals r where r.referrer_user_id = ${person} and r.rate_bp > 0) as brought`;
      return row;
    },
    async isErased() {
      const [row] =
        await sql`select erased_at is not null as erased from profiles where id = ${person}`;
      return row?.erased;
    },
  };
}

/** Whoever is erased is erased whole, whatever they or others did at the same moment. */
const races: Record<string, (person: Awaited<ReturnType<typeof aPerson>>) => Call> = {
  'places an order': ({ placing }) => placing,
  'places a draft': ({ placingDraft }) => placingDraft,
  'saves an address': ({ saving }) => saving('2'),
  'saves a draft': ({ drafting }) => drafting,
  'is given credit in another currency': ({ person }) =>
    credit(person, 500, { p_currency: 'EUR', p_notes: WORD }),
  'is given credit': ({ person }) => credit(person, 500, { p_notes: WORD }),
  'asks for a withdrawal': ({ person }) => requestWithdrawal(person, 100),
  'cancels the finished order': ({ person, order }) => cancel(person, order.id, { p_reason: WORD }),
  'returns what they ordered': ({ person, order }) => ({
    actor: person,
    procedure: 'ledger_request_return',
    args: {
      p_order_id: order.id,
      p_lines: [{ line_number: 1, quantity: 1, reason: WORD }],
      p_reason: WORD,
    },
  }),
  'is refunded for what they ordered': ({ order }) => ({
    actor: BACKEND,
    procedure: 'ledger_refund_order',
    args: { p_order_id: order.id, p_amount: 100, p_reason: WORD },
  }),
  'is named by whom they brought': ({ code, stranger }) => ({
    actor: stranger,
    procedure: 'ledger_register_referral',
    args: { p_referral_code: code },
  }),
  'is erased a second time': ({ erasing }) => ({ ...erasing }),
};

test.for(Object.entries(races))(
  'a person who %s while they are erased is erased whole or not at all',
  async ([, other]) => {
    await interleave(db, async (sql) => {
      const person = await aPerson(sql);
      return {
        sessions: { a: person.erasing, b: other(person) },
        async check({ endings, answer }) {
          const erased = await person.isErased();
          if (endings.a === 'commit' && answer('a').success) expect(erased).toBe(true);
          if (erased) {
            expect(await person.traces()).toBe(0);
            expect(await person.holdings()).toEqual({ balance: 0, brought: 0 });
          }
          if (!erased && endings.a === 'commit') {
            expect(answer('a')).toMatchObject({ success: false, error_code: 'erase_not_possible' });
          }
        },
      };
    });
  },
);

/** A wallet that nobody can reach gets no commission, whether it was there before or would be opened by it. */
const referrers: Record<string, (sql: Sql) => Promise<string>> = {
  'without an account': signUp,
  'with an account': async (sql) => (await aPerson(sql)).person,
};
const deliveries: Record<string, (order: OrderRef) => Call> = {
  'by itself': (order) => changeStatus(BACKEND, order, 'processing', 'delivered'),
  'in a list': (order) => inBulk(order, 'delivered'),
};

test.for(
  Object.entries(referrers).flatMap(([who, referring]) =>
    Object.entries(deliveries).map(([how, deliver]) => ({ who, referring, how, deliver })),
  ),
)(
  'a referrer $who who is erased while an order that would earn them something is delivered $how',
  async ({ referring, deliver }) => {
    await interleave(db, async (sql) => {
      const variant = await createVariant(sql, { stock: 5, price: 1000 });
      const referrer = await referring(sql);
      const customer = await createCustomer(sql, { balance: 1000 });
      await refer(sql, referrer, customer);
      const order = await placed(sql, customer, [[variant, 1]]);
      await succeed(sql, inBulk(order, 'processing'));
      return {
        sessions: {
          a: { actor: referrer, procedure: 'profile_erase', args: {} },
          b: deliver(order),
        },
        async check({ committed }) {
          expect(
            committed.every(
              (answer) => answer.success || answer.error_code === 'erase_not_possible',
            ),
          ).toBe(true);
          const [row] = await sql<{ erased: boolean; earned: number }[]>`
            select p.erased_at is not null as erased,
                   (select count(*)::int from referral_commissions c join accounts a on a.id = c.account_id
                    where a.user_id = p.id) as earned
            from profiles p where p.id = ${referrer}`;
          if (row?.erased) expect(row.earned).toBe(0);
        },
      };
    });
  },
);

function inBulk(order: OrderRef, to: string): Call {
  return {
    actor: BACKEND,
    procedure: 'ledger_bulk_change_status',
    args: { p_order_ids: `{${order.id}}`, p_new_status: to },
  };
}

testThatBooksAreInOrder(db);
