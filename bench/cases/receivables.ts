import { at, type Case, call, pick, type Row, refusal, type Shop, type Work } from './case.ts';
import { asCustomer } from './reads.ts';

const against = ['transfer', 'single_row', 'tpcb'];
const AMOUNT = 1000;
const LINES = JSON.stringify([
  { description: 'Work', quantity: 1, unit_price_amount: AMOUNT, tax_rate_bp: 0 },
]);

const person = (shop: Shop, index: number) => pick(shop.world.people, index).id;

const issuing = (shop: Shop): Work => ({
  operation: (index) => [
    call('ledger_issue_invoice', { p_user_id: person(shop, index), p_lines: LINES }),
  ],
  complaint: refusal,
  moves: {},
});

const paying = (shop: Shop): Work => ({
  operation: (index) => [
    call('ledger_record_payment', { p_user_id: person(shop, index), p_amount: AMOUNT }),
  ],
  complaint: refusal,
  moves: {},
});

/** Payments, and invoices of the same customers: one pair for each operation. */
async function pairs(shop: Shop, count: number): Promise<{ payment: string; invoice: string }[]> {
  const invoices = await shop.run(issuing(shop), count);
  const payments = await shop.run(paying(shop), count);
  const text = (row: Row, column: string) => String(row[column]);
  return invoices.map((invoice, index) => ({
    invoice: text(invoice, 'invoice_id'),
    payment: text(at(payments, index), 'payment_id'),
  }));
}

const recordPayment: Case = {
  name: 'record_payment',
  title: 'Records transfers of customers on account, spread over all.',
  operations: 3000,
  against,
  prepare: async (shop) => paying(shop),
};

const issueInvoice: Case = {
  name: 'issue_invoice',
  title: 'Issues invoices of one line, all in one number series.',
  operations: 2000,
  against,
  prepare: async (shop) => issuing(shop),
};

const allocate: Case = {
  name: 'allocate',
  title: 'Allocates the half of a payment to an invoice, spread over all customers.',
  operations: 2000,
  against,
  async prepare(shop, count) {
    const ready = await pairs(shop, count);
    return {
      operation(index) {
        const { payment, invoice } = at(ready, index);
        const p_lines = JSON.stringify([{ invoice_id: invoice, amount: AMOUNT / 2 }]);
        return [call('ledger_allocate_payment', { p_payment_id: payment, p_lines })];
      },
      complaint: refusal,
      moves: {},
    };
  },
};

const autoAllocate: Case = {
  name: 'auto_allocate',
  title: 'Allocates a payment to the oldest invoices of its customer.',
  operations: 1500,
  against,
  async prepare(shop, count) {
    const ready = await pairs(shop, count);
    return {
      operation: (index) => [
        call('ledger_auto_allocate_payment', { p_payment_id: at(ready, index).payment }),
      ],
      complaint: refusal,
      moves: {},
    };
  },
};

const QUERY = 2;

/** A customer asks about their own account; each has some invoices and payments. */
const asking = (name: string, title: string, text: string): Case => ({
  name,
  title,
  operations: 4000,
  against,
  onlyReads: true,
  async prepare(shop) {
    await pairs(shop, 2 * shop.world.people.length);
    return {
      operation: (index) => asCustomer(person(shop, index), { text, values: [] }),
      complaint: (rows) => (rows[QUERY]?.length ? undefined : 'the answer has no row'),
      databaseTime: (rows) => Number(rows[QUERY + 1]?.[0]?.now) - Number(rows[1]?.[0]?.now),
      moves: {},
    };
  },
});

export const receivableCases: Case[] = [
  recordPayment,
  issueInvoice,
  allocate,
  autoAllocate,
  asking('account_debt', 'A customer asks what they owe.', 'select * from public.account_debt()'),
  asking(
    'account_statement',
    'A customer reads the statement of the last day.',
    "select * from public.account_statement(p_from => now() - interval '1 day')",
  ),
];
