import { expect, test } from 'vitest';
import { startCrowd, testThatBooksAreInOrder } from '../support/crowd.ts';
import { rounds } from '../support/rounds.ts';
import { BACKEND, beginAs, type Call, send } from '../support/sessions.ts';
import { createCustomer, createVariant, placed } from '../support/shop.ts';

const SIZE = 12;
const { db, crowd } = await startCrowd('invoice_numbers', SIZE);
const customers = await Promise.all(Array.from({ length: SIZE }, () => createCustomer(db.sql)));

const call =
  (procedure: string) =>
  (args: object): Call => ({ actor: BACKEND, procedure, args: { ...args } });
const issue = call('ledger_issue_invoice');
const credit = call('ledger_credit_invoice');

const work = (customer: string | undefined, price = 100): Call =>
  issue({
    p_user_id: customer,
    p_lines: [{ description: 'work', quantity: 1, unit_price_amount: price }],
  });

/** Numbers of a series that are missing or there twice, and how far it has counted beyond them. */
async function gaps(series: string) {
  const [row] = await db.sql`
    select s.next_number - s.first_number - count(i.id) as missing, count(i.id) - count(distinct i.number) as twice,
           s.next_number - 1 - coalesce(max(i.number), s.first_number - 1) as beyond
    from invoice_series s left join invoices i on i.series = s.code
    where s.code = ${series} group by s.code`;
  return row;
}
const NONE = { missing: 0, twice: 0, beyond: 0 };

test.for(rounds(3))(
  'twelve connections issue, are refused and give up: the series has no gap (round %i)',
  async () => {
    const variant = await createVariant(db.sql, { stock: 10, price: 100 });
    const order = await placed(db.sql, customers[0] ?? '', [[variant, 1]], {
      p_payment_method: 'bank_transfer',
    });
    await crowd.work(
      customers.map((customer, index) => async (perform) => {
        for (let turn = 0; turn < 6; turn++) {
          const kind = (index + turn) % 4;
          if (kind === 0) {
            expect((await perform(work(customer))).success).toBe(true);
          } else if (kind === 1) {
            // refused: nothing to pay
            expect((await perform(work(customer, 0))).error_code).toBe('invalid_argument');
          } else if (kind === 2) {
            // one of all of these has it, the others are refused
            const answer = await perform(issue({ p_order_id: order.id }));
            expect(['order_invoiced', null]).toContain(answer.error_code);
          } else {
            // the number is taken, and goes back
            await giveUp(work(customer));
          }
        }
      }),
    );
    expect(await gaps('invoice')).toEqual(NONE);
  },
);

test('credit notes are numbered without a gap too, also when one of two is refused', async () => {
  const invoices = await Promise.all(
    customers.map(async (customer) => {
      const connection = await db.sql.reserve();
      try {
        await beginAs(connection, BACKEND);
        const answer = await send(connection, work(customer, 1000));
        await connection.unsafe('commit');
        return answer.invoice_id;
      } finally {
        connection.release();
      }
    }),
  );
  // two for each of six invoices: only one of both fits
  const answers = await crowd.race(
    Array.from({ length: SIZE }, (_, index) =>
      credit({ p_invoice_id: invoices[index % 6], p_amount: 600 }),
    ),
  );
  expect(answers.filter(({ success }) => success)).toHaveLength(6);
  expect(answers.flatMap(({ error_code }) => error_code ?? [])).toEqual(
    Array.from({ length: 6 }, () => 'credit_exceeds_invoice'),
  );
  expect(await gaps('credit_note')).toEqual(NONE);
  expect(await gaps('invoice')).toEqual(NONE);
});

/** A call whose transaction is rolled back, as when a connection is lost. */
async function giveUp(one: Call): Promise<void> {
  const connection = await db.sql.reserve();
  try {
    await beginAs(connection, one.actor);
    expect((await send(connection, one)).success).toBe(true);
    await connection.unsafe('rollback');
  } finally {
    connection.release();
  }
}

testThatBooksAreInOrder(db, crowd);
