import { beforeAll, describe, expect, test } from 'vitest';
import type { Sql } from '../../support/connection.ts';
import { testThatBooksAreInOrder } from '../../support/crowd.ts';
import { interleave, type Outcome } from '../../support/interleave.ts';
import { BACKEND, type Call } from '../../support/sessions.ts';
import {
  cancel,
  changeStatus,
  createCustomer,
  createStaff,
  createVariant,
  type OrderRef,
  placed,
  succeed,
} from '../../support/shop.ts';
import { createTestDatabase } from '../../support/test-database.ts';

const db = await createTestDatabase('permutations_receipts');
const [one, two] = [await createStaff(db.sql, 'finance'), await createStaff(db.sql, 'finance')];

const FIRST_WINS = 'a acts, b acts: waits, a commits, b goes on, b commits';
const SECOND_GETS_IT = 'a acts, b acts: waits, a rolls back, b goes on, b commits';

const submit = (customer: string, orderId: string | undefined, reference: string): Call => ({
  actor: customer,
  procedure: 'ledger_submit_receipt',
  args: { p_order_id: orderId, p_amount: 2000, p_reference: reference },
});

const review = (actor: string, id: string, action: string, amount?: number): Call => ({
  actor,
  procedure: 'ledger_review_receipt',
  args: { p_receipt_id: id, p_action: action, p_amount: amount, p_notes: 'looked at' },
});

const withdraw = (customer: string, id: string): Call => ({
  actor: customer,
  procedure: 'ledger_withdraw_receipt',
  args: { p_receipt_id: id },
});

const record = (orderId: string, reference: string): Call => ({
  actor: two,
  procedure: 'ledger_record_payment',
  args: { p_order_id: orderId, p_amount: 2000, p_reference: reference },
});

let counted = 0;
const aReference = () => `R-${++counted}`;

/** An order of 2000 by transfer, without a receipt. */
async function anOrder(sql: Sql): Promise<OrderRef> {
  const customer = await createCustomer(sql);
  const variant = await createVariant(sql, { stock: 10, price: 1000 });
  return placed(sql, customer, [[variant, 2]], { p_payment_method: 'bank_transfer' });
}

/** The same, with a receipt for all of it under review. */
async function aReceipt(sql: Sql) {
  const order = await anOrder(sql);
  const reference = aReference();
  await succeed(sql, submit(order.customer, order.id, reference));
  const [{ id = '' } = {}] = await sql<{ id: string }[]>`
    select id from payment_receipts where reference = ${reference}`;
  return { id, reference, order, customer: order.customer };
}

/** The receipt, its order and the money, as they are in the end. */
async function state(sql: Sql, order: OrderRef) {
  const [row] = await sql`
    select o.status, o.payment_status, o.paid_amount, a.available_balance,
           (select coalesce(sum(p.amount), 0)::bigint from payments p where p.order_id = o.id and p.status = 'captured') as captured,
           (select string_agg(r.status, ', ' order by r.id) from payment_receipts r where r.order_id = o.id) as receipts
    from orders o join accounts a on a.id = o.account_id where o.id = ${order.id}`;
  return row;
}

const wins = ({ committed }: Outcome) => committed.filter((answer) => answer.success).length;

const refusals = ({ committed }: Outcome) =>
  committed.flatMap((answer) => (answer.success ? [] : [answer.error_code]));

const APPROVED = {
  status: 'confirmed',
  payment_status: 'paid',
  paid_amount: 2000,
  available_balance: 0,
  captured: 2000,
  receipts: 'approved',
};

const UNPAID = {
  status: 'pending',
  payment_status: 'unpaid',
  paid_amount: 0,
  available_balance: 0,
  captured: 0,
};

const UNDER_REVIEW = { ...UNPAID, payment_status: 'receipt_uploaded', receipts: 'submitted' };

test('two reviewers approve one receipt: it is one payment, and the other is told', async () => {
  const traces = await interleave(db, async (sql) => {
    const { id, order } = await aReceipt(sql);
    return {
      sessions: { a: review(one, id, 'approve'), b: review(two, id, 'approve') },
      async check(outcome) {
        expect(wins(outcome)).toBe(1);
        expect(refusals(outcome).every((code) => code === 'receipt_conflict')).toBe(true);
        expect(await state(sql, order)).toEqual(APPROVED);
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

test('one reviewer approves while another rejects: one of both', async () => {
  const traces = await interleave(db, async (sql) => {
    const { id, order } = await aReceipt(sql);
    return {
      sessions: { a: review(one, id, 'approve'), b: review(two, id, 'reject') },
      async check(outcome) {
        expect(wins(outcome)).toBe(1);
        const [winner] = outcome.committed.filter((answer) => answer.success);
        expect(await state(sql, order)).toEqual(
          winner?.status === 'approved' ? APPROVED : { ...UNPAID, receipts: 'rejected' },
        );
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

test('the customer withdraws a receipt while it is approved: one of both', async () => {
  const traces = await interleave(db, async (sql) => {
    const { id, order, customer } = await aReceipt(sql);
    return {
      sessions: { a: review(one, id, 'approve'), b: withdraw(customer, id) },
      async check(outcome) {
        expect(wins(outcome)).toBe(1);
        expect(refusals(outcome).every((code) => code === 'receipt_conflict')).toBe(true);
        const [winner] = outcome.committed.filter((answer) => answer.success);
        expect(await state(sql, order)).toEqual(
          winner?.status === 'approved' ? APPROVED : { ...UNPAID, receipts: 'withdrawn' },
        );
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

test('a receipt is approved while its order is cancelled: what came in is in the wallet', async () => {
  const traces = await interleave(db, async (sql) => {
    const { id, order, customer } = await aReceipt(sql);
    return {
      sessions: { a: review(one, id, 'approve'), b: cancel(customer, order.id) },
      async check({ committed, endings }) {
        const [approved, cancelled] = [endings.a === 'commit', endings.b === 'commit'];
        expect(committed.every((answer) => answer.success)).toBe(true);
        // cancelled before or after: what came in is the customer's again
        if (!cancelled) expect(await state(sql, order)).toEqual(APPROVED);
        else {
          expect(await state(sql, order)).toMatchObject({
            status: 'cancelled',
            available_balance: approved ? 2000 : 0,
            captured: approved ? 2000 : 0,
            receipts: approved ? 'approved' : 'submitted',
          });
        }
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
});

test('a receipt is sent while its order is rejected: it is taken before, and refused after', async () => {
  await interleave(db, async (sql) => {
    const order = await anOrder(sql);
    return {
      sessions: {
        a: submit(order.customer, order.id, aReference()),
        b: changeStatus(BACKEND, order, 'pending', 'rejected'),
      },
      async check({ answer, endings, committed }) {
        const { receipts, status, payment_status } = (await state(sql, order)) ?? {};
        const sent = endings.a === 'commit' && answer('a').success;
        if (endings.a === 'commit' && !sent)
          expect(answer('a').error_code).toBe('receipt_not_allowed');
        expect({ receipts, status, payment_status }).toEqual({
          receipts: sent ? 'submitted' : null,
          status: endings.b === 'commit' ? 'rejected' : 'pending',
          payment_status: sent ? 'receipt_uploaded' : 'unpaid',
        });
        expect(committed.some((row) => row.success)).toBe(true);
      },
    };
  });
});

test('two customers show one transfer: one receipt has its reference', async () => {
  const traces = await interleave(db, async (sql) => {
    const [first, second] = [await anOrder(sql), await anOrder(sql)];
    const reference = aReference();
    return {
      sessions: {
        a: submit(first.customer, first.id, reference),
        b: submit(second.customer, second.id, ` ${reference.toLowerCase().replace('-', ' ')}`),
      },
      async check(outcome) {
        expect(wins(outcome)).toBe(1);
        expect(refusals(outcome).every((code) => code === 'receipt_reference_used')).toBe(true);
        const states = [await state(sql, first), await state(sql, second)];
        expect(states).toContainEqual(UNDER_REVIEW);
        expect(states).toContainEqual({ ...UNPAID, receipts: null });
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

test('a receipt is approved while its transfer is recorded by hand: it is one payment', async () => {
  const traces = await interleave(db, async (sql) => {
    const { id, order, reference } = await aReceipt(sql);
    return {
      sessions: { a: review(one, id, 'approve'), b: record(order.id, reference) },
      async check(outcome) {
        expect(wins(outcome)).toBe(1);
        expect(refusals(outcome).every((code) => code === 'payment_reference_used')).toBe(true);
        const { captured, payment_status, receipts } = (await state(sql, order)) ?? {};
        expect({ captured, payment_status }).toEqual({ captured: 2000, payment_status: 'paid' });
        expect(['approved', 'submitted']).toContain(receipts);
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

test('one transfer is shown by a customer and recorded for another order meanwhile: at most one payment comes of it', async () => {
  await interleave(db, async (sql) => {
    const [shown, recorded] = [await anOrder(sql), await anOrder(sql)];
    const reference = aReference();
    return {
      sessions: {
        a: submit(shown.customer, shown.id, reference),
        b: record(recorded.id, reference),
      },
      async check({ answer, endings }) {
        if (endings.b === 'commit') expect(answer('b').success).toBe(true);
        const [receipt] = await sql<{ id: string }[]>`
          select id from payment_receipts where reference = ${reference} and status = 'submitted'`;
        if (receipt)
          await sql.begin((tx) => tx`select ledger_review_receipt(${receipt.id}, 'approve')`);
        const [row] = await sql`
          select count(*)::int as payments from payments where reference = ${reference} and status = 'captured'`;
        expect(row?.payments).toBe(endings.b === 'commit' || receipt ? 1 : 0);
      },
    };
  });
});

test('a handed back receipt is sent again twice: once', async () => {
  const traces = await interleave(db, async (sql) => {
    const { id, order, customer } = await aReceipt(sql);
    await succeed(sql, review(one, id, 'hand_back'));
    const again = (amount: number): Call => ({
      actor: customer,
      procedure: 'ledger_submit_receipt',
      args: { p_receipt_id: id, p_amount: amount },
    });
    return {
      sessions: { a: again(1500), b: again(1800) },
      async check(outcome) {
        expect(wins(outcome)).toBe(1);
        expect(refusals(outcome).every((code) => code === 'receipt_conflict')).toBe(true);
        expect(await state(sql, order)).toEqual(UNDER_REVIEW);
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
});

test('a receipt under review and the erasing of its customer: who has one stays', async () => {
  await interleave(db, async (sql) => {
    const customer = await createCustomer(sql);
    return {
      sessions: {
        a: submit(customer, undefined, aReference()),
        b: { actor: BACKEND, procedure: 'profile_erase', args: { p_user_id: customer } },
      },
      async check(outcome) {
        expect(wins(outcome)).toBe(1);
        const [row] = await sql`
          select (select erased_at is not null from profiles where id = ${customer}) as erased,
                 (select count(*)::int from payment_receipts where user_id = ${customer} and status = 'submitted') as receipts`;
        expect([
          { erased: true, receipts: 0 },
          { erased: false, receipts: 1 },
        ]).toContainEqual(row);
      },
    };
  });
});

/** Storage as far as its policies need it: its tables and the function they call. */
async function installStorage(sql: Sql): Promise<void> {
  await sql.unsafe(`
    create schema storage;
    create table storage.buckets (
      id text primary key, name text not null unique, public boolean, file_size_limit bigint, allowed_mime_types text[]);
    create table storage.objects (
      id uuid primary key default gen_random_uuid(), bucket_id text references storage.buckets (id), name text,
      created_at timestamptz default now(), metadata jsonb, unique (bucket_id, name));
    alter table storage.objects enable row level security;
    create function storage.foldername(name text) returns text[] language sql immutable as
      $$ select (string_to_array(name, '/'))[1 : cardinality(string_to_array(name, '/')) - 1] $$;
    grant usage on schema storage to authenticated;
    grant all on storage.objects to authenticated;
    select ledger.enable_receipt_storage()`);
}

const asCustomer = (customer: string, statement: string) => ({
  statements: `set local role authenticated;
    set local request.jwt.claims = '{"role": "authenticated", "sub": "${customer}"}'; ${statement}`,
});

const upload = (path: string) => `insert into storage.objects (bucket_id, name, metadata)
  values ('receipts', '${path}', '{"mimetype": "application/pdf", "size": 1000}')`;

const filesAndReceipts = (sql: Sql, path: string) => sql`
  select (select count(*)::int from storage.objects where name = ${path}) as files,
         (select count(*)::int from payment_receipts where storage_path = ${path}) as receipts`;

describe('where Storage is installed', () => {
  beforeAll(() => installStorage(db.sql));

  test('a file is removed while a receipt is sent with it: there is no receipt without its file', async () => {
    const traces = await interleave(db, async (sql) => {
      const customer = await createCustomer(sql);
      const path = `${customer}/a.pdf`;
      await sql.unsafe(upload(path));
      const call = submit(customer, undefined, aReference());
      return {
        sessions: {
          a: { ...call, args: { ...call.args, p_storage_path: path } },
          b: asCustomer(customer, `delete from storage.objects where name = '${path}'`),
        },
        async check(outcome) {
          expect(refusals(outcome).every((code) => code === 'receipt_file_not_found')).toBe(true);
          const [row] = await filesAndReceipts(sql, path);
          expect(row).toEqual({ files: row?.receipts, receipts: wins(outcome) });
        },
      };
    });
    expect(traces).toContain(FIRST_WINS);
    expect(traces).toContain(SECOND_GETS_IT);
  });

  test('a file is uploaded while a receipt is sent with it: the receipt waits for it', async () => {
    const traces = await interleave(db, async (sql) => {
      const customer = await createCustomer(sql);
      const path = `${customer}/a.pdf`;
      const call = submit(customer, undefined, aReference());
      return {
        sessions: {
          a: asCustomer(customer, upload(path)),
          b: { ...call, args: { ...call.args, p_storage_path: path } },
        },
        async check(outcome) {
          expect(refusals(outcome).every((code) => code === 'receipt_file_not_found')).toBe(true);
          const [row] = await filesAndReceipts(sql, path);
          expect(row?.receipts).toBe(wins(outcome));
          expect(row?.files).toBe(outcome.endings.a === 'commit' ? 1 : 0);
        },
      };
    });
    expect(traces).toContain(FIRST_WINS);
    expect(traces).toContain(SECOND_GETS_IT);
  });
});

testThatBooksAreInOrder(db);
