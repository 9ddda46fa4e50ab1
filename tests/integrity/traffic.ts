import type { Sql } from '../support/connection.ts';
import { LIFECYCLE_REFUSALS, lifecycle } from '../support/lifecycle.ts';
import {
  allocate,
  autoAllocate,
  issue,
  receive,
  reverse,
  voidInvoice,
} from '../support/receivables.ts';
import type { Answer, Call } from '../support/sessions.ts';
import {
  cancelWithdrawal,
  createCustomer,
  createStaff,
  createVariant,
  createVendor,
  credit,
  freeze,
  refer,
  requestWithdrawal,
  reviewWithdrawal,
} from '../support/shop.ts';

/** Everything that a shop does, on few enough rows for nearly every call to meet another one's locks. */
export interface Traffic {
  /** What a worker does next; nothing where there is nothing to do it on. */
  next(worker: number): Promise<Call | undefined>;
  remember(call: Call, answer: Answer): void;
  /** How many calls did something. */
  done(): number;
  /** Ends when so many more calls have done something. */
  untilDone(more: number): Promise<void>;
  /** Refusals that should not come. */
  refused(): string[];
  accountOf(number: number): string;
  variant(): string;
}

const REFUSALS = [
  ...LIFECYCLE_REFUSALS,
  'account_frozen',
  'account_already_frozen',
  'allocation_conflict',
  'allocation_exceeds_invoice',
  'allocation_exceeds_payment',
  'invoice_allocated',
  'invoice_conflict',
  'invoice_credited',
  // a payment of one customer and an invoice of another
  'invoice_not_found',
  'invoice_not_open',
  'invoice_settled',
  'nothing_to_allocate',
  'nothing_unapplied',
  'order_invoice',
  'rate_limited',
  'withdrawal_conflict',
];

const pick = <T>(list: readonly T[], number: number): T | undefined => list[number % list.length];
const newest = <T>(list: T[], number: number): T | undefined => pick(list.slice(-10), number);

export async function openTraffic(sql: Sql): Promise<Traffic> {
  const staff = await createStaff(sql, 'admin');
  const customers = await Promise.all(
    Array.from({ length: 6 }, () => createCustomer(sql, { balance: 400_000 })),
  );
  for (const [i, customer] of customers.entries()) {
    await refer(sql, pick(customers, i + 1) ?? '', customer);
  }
  const vendor = await createVendor(sql, { owner: customers[0], rateBp: 1500 });
  const variants = await Promise.all(
    Array.from({ length: 6 }, (_, i) =>
      createVariant(sql, { stock: 500, price: 700, vendor: i < 2 ? vendor : undefined }),
    ),
  );
  await sql`update variants set backorder_allowed = true where id = ${variants[2] ?? ''}`;
  await sql`select ledger_spread_stock(${variants[3] ?? ''}, 4)`;
  const accounts = await sql<{ id: string }[]>`select id from accounts order by id`;

  const ofOrders = lifecycle({ sql, staff, customers, variants });
  const withdrawals: { id: string; customer: string }[] = [];
  const invoices: string[] = [];
  const payments: string[] = [];
  const allocations: string[] = [];
  const refusals = new Set<string>();
  const waiting: { until: number; resolve: () => void }[] = [];
  let asked = 0;
  let done = 0;

  const ofMoney = (action: number, number: number): Call | undefined => {
    const customer = pick(customers, number) ?? '';
    const withdrawal = newest(withdrawals, number);
    const invoice = newest(invoices, number);
    const payment = newest(payments, number + 1);
    if (action < 10) return credit(customer, 1500);
    if (action < 16) return requestWithdrawal(customer, 100 + (number % 7));
    if (action < 24) {
      const decision = pick(['approve', 'mark_paid', 'reject'] as const, number) ?? 'approve';
      return withdrawal && reviewWithdrawal(staff, withdrawal.id, decision);
    }
    if (action < 26) return withdrawal && cancelWithdrawal(withdrawal.customer, withdrawal.id);
    if (action < 28) return freeze(customer, number % 4 === 0);
    if (action < 45) return issue(customer, 300 + (number % 200));
    if (action < 60) return receive(customer, 200 + (number % 300));
    if (action < 76) {
      return invoice && payment
        ? allocate(payment, [{ invoice_id: invoice, amount: 50 }])
        : undefined;
    }
    if (action < 88) return payment ? autoAllocate(payment) : undefined;
    if (action < 96) {
      const allocation = newest(allocations, number);
      return allocation ? reverse(allocation) : undefined;
    }
    return invoice ? voidInvoice(invoice) : undefined;
  };

  return {
    async next(worker) {
      asked += 1;
      const number = asked * 7919 + worker * 104_729;
      return number % 3 === 0 ? ofMoney(Math.floor(number / 3) % 100, number) : ofOrders(number);
    },
    remember({ actor, procedure }, answer) {
      if (!answer.success) {
        refusals.add(answer.error_code ?? 'none');
        return;
      }
      done += 1;
      for (const { until, resolve } of waiting) if (done >= until) resolve();
      const {
        withdrawal_id,
        invoice_id,
        payment_id,
        allocations: written,
      } = answer as Answer & {
        allocations?: { allocation_id: string; amount: number }[];
      };
      if (procedure === 'ledger_request_withdrawal' && withdrawal_id) {
        withdrawals.push({ id: withdrawal_id, customer: actor });
      }
      if (procedure === 'ledger_issue_invoice' && invoice_id) invoices.push(invoice_id);
      if (procedure === 'ledger_record_payment' && payment_id) payments.push(payment_id);
      for (const { allocation_id, amount } of written ?? []) {
        if (amount > 0) allocations.push(allocation_id);
      }
    },
    done: () => done,
    untilDone: (more) =>
      new Promise((resolve) => {
        waiting.push({ until: done + more, resolve });
      }),
    refused: () => [...refusals].filter((code) => !REFUSALS.includes(code)),
    accountOf: (number) => pick(accounts, number)?.id ?? '',
    variant: () => variants[5] ?? '',
  };
}
