import { expect, test } from 'vitest';
import { expectBooksInOrder, expectNoDeadlock } from '../support/books.ts';
import type { Sql } from '../support/connection.ts';
import { BACKEND, type Call } from '../support/sessions.ts';
import { createCustomer, createStaff, succeed } from '../support/shop.ts';
import { createTestDatabase } from '../support/test-database.ts';

/**
 * The move of a system with flags to allocations (source 002, phase A and 16.8): old flags are written
 * beside allocations until three cycles show no difference, then the debt is read from its cache by
 * some accounts, by all, and back again.
 */
const { sql } = await createTestDatabase('drift');
const admin = await createStaff(sql, 'admin');

const call = (procedure: string, args: Record<string, unknown>, actor = BACKEND): Call => ({
  actor,
  procedure,
  args,
});

const invoice = async (customer: string, amount: number) =>
  (
    await succeed(
      sql,
      call('ledger_issue_invoice', {
        p_user_id: customer,
        p_lines: [{ description: 'Work', quantity: 1, unit_price_amount: amount, tax_rate_bp: 0 }],
      }),
    )
  ).invoice_id as string;

const pay = async (customer: string, amount: number) =>
  (await succeed(sql, call('ledger_record_payment', { p_user_id: customer, p_amount: amount })))
    .payment_id as string;

/** Answers the ids of the allocations. */
async function allocate(payment: string, lines: [string, number][]): Promise<string[]> {
  const answer: object = await succeed(
    sql,
    call('ledger_allocate_payment', {
      p_payment_id: payment,
      p_lines: lines.map(([invoice_id, amount]) => ({ invoice_id, amount })),
    }),
  );
  return (answer as { allocations: { allocation_id: string }[] }).allocations.map(
    ({ allocation_id }) => allocation_id,
  );
}

const setFlag = (key: string, state: string, percentage = 0) =>
  call('ledger_set_flag', { p_key: key, p_state: state, p_percentage: percentage }, admin);

async function refused(change: Call): Promise<string> {
  const [answer] = await sql<{ success: boolean; error_code: string }[]>`
    select s.success, s.error_code
    from ledger_set_flag(${change.args.p_key as string}, ${change.args.p_state as string}, ${change.args.p_percentage as number}) s`;
  expect(answer?.success).toBe(false);
  return answer?.error_code ?? '';
}

const check = async (database: Sql = sql) =>
  Object.fromEntries(
    (
      await database<{ check_code: string; status: string; diff_abs: number }[]>`
        select check_code, status, diff_abs from ledger.check_debt_drift()`
    ).map((run) => [run.check_code, run]),
  );

/** One cycle of a business: invoices, payments in parts and wholes, reversals, a credit note. */
async function cycle(customers: string[]): Promise<void> {
  for (const [index, customer] of customers.entries()) {
    const first = await invoice(customer, 1000 + index);
    const second = await invoice(customer, 700);
    const large = await pay(customer, 1300);
    const small = await pay(customer, 150);
    const [allocation] = await allocate(large, [
      [first, 1000],
      [second, 300],
    ]);
    await allocate(small, [[second, 100]]);
    if (index % 2 === 0) {
      await succeed(sql, call('ledger_reverse_allocation', { p_allocation_id: allocation }));
    }
    await succeed(sql, call('ledger_credit_invoice', { p_invoice_id: second, p_amount: 50 }));
  }
}

const debts = (customers: string[]) =>
  Promise.all(
    customers.map(async (customer) => {
      const [debt] = await sql<{ debt_amount: number; is_cached: boolean }[]>`
        select debt_amount, is_cached from account_debt(${customer})`;
      return debt;
    }),
  );

test('three cycles of shadow writing differ in nothing; then some read from the cache, all, and none again', async () => {
  const customers = await Promise.all(Array.from({ length: 12 }, () => createCustomer(sql)));
  await cycle(customers.slice(0, 4));

  // what is allocated already is taken over
  expect(await refused(setFlag('allocation_read_switch', 'canary', 5))).toBe('drift_not_ruled_out');
  await succeed(sql, setFlag('allocation_dual_write', 'shadow'));
  for (const third of [customers, customers.slice(4), customers]) {
    await cycle(third);
    expect(await check()).toMatchObject({
      debt_cache: { status: 'OK', diff_abs: 0 },
      old_flags: { status: 'OK', diff_abs: 0 },
    });
  }
  const [flags] = await sql`
    select count(*) filter (where f.is_allocated) as allocated, (select count(*) from old_flag_failures) as failures
    from old_payment_flags f`;
  expect(Number(flags?.allocated)).toBeGreaterThan(0);
  expect(flags?.failures).toBe(0);

  const recomputed = await debts(customers);
  expect(recomputed.some((debt) => debt?.is_cached)).toBe(false);
  const amounts = recomputed.map((debt) => debt?.debt_amount);
  await succeed(sql, setFlag('allocation_dual_write', 'enforce'));

  let cached = 0;
  for (const percentage of [5, 25, 60]) {
    await succeed(sql, setFlag('allocation_read_switch', 'canary', percentage));
    const read = await debts(customers);
    expect(read.map((debt) => debt?.debt_amount)).toEqual(amounts);
    const now = read.filter((debt) => debt?.is_cached).length;
    expect(now).toBeGreaterThanOrEqual(cached);
    cached = now;
  }
  expect(cached).toBeGreaterThan(0);
  await succeed(sql, setFlag('allocation_read_switch', 'full'));
  const full = await debts(customers);
  expect(full.map((debt) => debt?.debt_amount)).toEqual(amounts);
  expect(full.every((debt) => debt?.is_cached)).toBe(true);

  await cycle(customers);
  expect(await check()).toMatchObject({
    debt_cache: { status: 'OK' },
    old_flags: { status: 'OK' },
  });
  await succeed(sql, setFlag('allocation_read_switch', 'off'));
  expect((await debts(customers)).some((debt) => debt?.is_cached)).toBe(false);
  await expectBooksInOrder(sql);
});

test('drift beyond the limit in two runs in a row switches reading from the cache off, with a record', async () => {
  const customer = await createCustomer(sql);
  await invoice(customer, 500_000);
  await succeed(sql, setFlag('allocation_read_switch', 'full'));
  const spoil = (difference: number) =>
    sql.begin(async (owner) => {
      await owner`alter table account_debt_cache disable trigger user`;
      await owner`update account_debt_cache set invoiced_amount = invoiced_amount + ${difference}
                  where account_id = ledger.account_id(${customer}, 'USD')`;
      await owner`alter table account_debt_cache enable trigger user`;
      await owner`alter table account_debt_cache enable always trigger rows_stay`;
      await owner`alter table account_debt_cache enable always trigger values_come_from_procedures`;
      await owner`alter table account_debt_cache enable always trigger rows_are_never_truncated`;
    });
  const state = async () =>
    (await sql`select state from feature_flags where key = 'allocation_read_switch'`)[0]?.state;

  await spoil(400_000);
  expect((await check()).debt_cache).toMatchObject({ status: 'FAIL', diff_abs: 400000 });
  expect(await state()).toBe('full');
  // a clean run in between begins the count anew
  await spoil(-400_000);
  expect((await check()).debt_cache).toMatchObject({ status: 'OK' });
  await spoil(400_000);
  expect((await check()).debt_cache).toMatchObject({ status: 'FAIL' });
  expect(await state()).toBe('full');
  expect((await check()).debt_cache).toMatchObject({ status: 'FAIL' });
  expect(await state()).toBe('off');

  const [switched] = await sql`
    select e.payload ->> 'flag' as flag, e.payload ->> 'from_state' as from_state, a.action,
           exists (select from ledger.outbox o where o.event_id = e.id) as told
    from immutable_events e join audit_log a on a.action = e.event_type and a.target_id = e.stream_id::text
    where e.event_type = 'flag.switched_off'`;
  expect(switched).toEqual({
    flag: 'allocation_read_switch',
    from_state: 'full',
    action: 'flag.switched_off',
    told: true,
  });
  expect(await refused(setFlag('allocation_read_switch', 'canary', 5))).toBe('drift_not_ruled_out');
  await spoil(-400_000);
  await expectBooksInOrder(sql);
});

test('a flag that cannot be written is noted in shadow and refuses in enforce; too many switch dual writing off', async () => {
  const customer = await createCustomer(sql);
  const [one, payment] = [await invoice(customer, 300), await pay(customer, 300)];
  await succeed(sql, setFlag('allocation_dual_write', 'shadow'));
  await check();
  await sql.unsafe(`
    create function public.old_system_is_down() returns trigger language plpgsql as $$ begin raise exception 'the old system is down'; end $$;
    create trigger down before insert or update on public.old_payment_flags for each row execute function public.old_system_is_down();`);

  const [allocation] = await allocate(payment, [[one, 100]]);
  const [failure] = await sql`select problem from old_flag_failures where payment_id = ${payment}`;
  expect(failure?.problem).toContain('the old system is down');
  await expectBooksInOrder(sql);

  await sql`update feature_flags set state = 'off' where key = 'allocation_dual_write'`;
  await sql.unsafe('alter table public.old_payment_flags disable trigger down');
  await succeed(sql, setFlag('allocation_dual_write', 'shadow'));
  for (let run = 0; run < 3; run++) await check();
  await succeed(sql, setFlag('allocation_dual_write', 'enforce'));
  await sql.unsafe('alter table public.old_payment_flags enable trigger down');
  await expect(sql`select * from ledger_reverse_allocation(${allocation ?? ''})`).rejects.toThrow(
    'the old system is down',
  );

  await succeed(sql, setFlag('allocation_dual_write', 'shadow'));
  await succeed(sql, call('ledger_reverse_allocation', { p_allocation_id: allocation }));
  await check();
  const [flag] = await sql`select state from feature_flags where key = 'allocation_dual_write'`;
  expect(flag?.state).toBe('off');
  await sql.unsafe('drop trigger down on public.old_payment_flags');
  await expectBooksInOrder(sql);
});

test('dual writing is switched on and off beside credit notes and allocations without a deadlock', async () => {
  const customers = await Promise.all(Array.from({ length: 4 }, () => createCustomer(sql)));
  const business = customers.map(async (customer) => {
    for (let turn = 0; turn < 15; turn++) {
      const claimed = await invoice(customer, 400);
      await allocate(await pay(customer, 300), [[claimed, 300]]);
      await succeed(sql, call('ledger_credit_invoice', { p_invoice_id: claimed, p_amount: 200 }));
    }
  });
  const switching = (async () => {
    for (let turn = 0; turn < 20; turn++) {
      await succeed(sql, setFlag('allocation_dual_write', turn % 2 === 0 ? 'shadow' : 'off'));
    }
    await succeed(sql, setFlag('allocation_dual_write', 'shadow'));
  })();
  await Promise.all([...business, switching]);

  expect(await check()).toMatchObject({
    debt_cache: { status: 'OK' },
    old_flags: { status: 'OK', diff_abs: 0 },
  });
  await expectNoDeadlock(sql);
});

test('dual writing takes over the invoices that somebody is just crediting, without waiting for them', async () => {
  const customer = await createCustomer(sql);
  const claimed = await invoice(customer, 500);
  await succeed(sql, setFlag('allocation_dual_write', 'off'));
  const crediting = await sql.reserve();
  try {
    // what ledger_credit_invoice writes, step by step
    await crediting`begin`;
    await crediting`select set_config('ledger.procedure', 'test', true)`;
    await crediting`update invoices set credited_amount = credited_amount + 1 where id = ${claimed}`;
    await succeed(sql, setFlag('allocation_dual_write', 'shadow'));
    await crediting`update invoice_balance_cache set amount = amount - 1 where invoice_id = ${claimed}`;
  } finally {
    await crediting`rollback`;
    crediting.release();
  }
  const [flag] = await sql`select amount from old_invoice_flags where invoice_id = ${claimed}`;
  expect(flag).toEqual({ amount: 500 });
}, 20_000);
