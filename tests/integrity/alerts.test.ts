import { beforeAll, expect, test } from 'vitest';
import { expectBooksInOrder } from '../support/books.ts';
import { connect, type Sql } from '../support/connection.ts';
import { createTestDatabase } from '../support/test-database.ts';

/** Alerts from connections of their own, all at once. */
const { sql, server, createUser, session, name: database } = await createTestDatabase('alerts');
const crowd: Sql[] = Array.from({ length: 6 }, () => connect(server.url('postgres', database), 1));

beforeAll(async () => {
  await sql`create table public.gauges (subject text primary key, value bigint)`;
  await sql`
    insert into alert_rules (code, severity, unit, limit_value, description, query)
    values ('gauge', 'warning', 'count', 0, '', 'select subject, value from public.gauges')
  `;
  return async () => {
    await Promise.all(crowd.map((one) => one.end({ timeout: 1 })));
  };
});

async function told(type: string): Promise<number> {
  const [row] = await sql<{ messages: number }[]>`
    select count(*) as messages from ledger.outbox_messages
    where type = ${type} and payload ->> 'rule' = 'gauge'
  `;
  return row?.messages ?? 0;
}

test('a breach that many see at once is one alert and one message, and over once', async () => {
  for (let round = 1; round <= 10; round++) {
    await sql`insert into public.gauges select n::text, 1 from generate_series(1, 5) n`;
    await Promise.all(crowd.map((one) => one`select ledger.check_alerts()`));
    expect(await told('alert.raised')).toBe(round * 5);
    await sql`delete from public.gauges`;
    await Promise.all(crowd.map((one) => one`select ledger.check_alerts()`));
    expect(await told('alert.resolved')).toBe(round * 5);
  }
  const open = await sql`select from alerts where rule_code = 'gauge' and status <> 'resolved'`;
  expect(open).toHaveLength(0);
});

test('of those who acknowledge an alert at once one does, however it is evaluated beside', async () => {
  const staff = await createUser();
  await sql`insert into user_roles (user_id, role) values (${staff}, 'finance')`;
  const callers = await Promise.all([1, 2, 3, 4].map(() => session({ userId: staff })));
  for (let round = 0; round < 10; round++) {
    await sql`insert into public.gauges values ('one', ${round + 1}), ('two', 1)`;
    await sql`select ledger.check_alerts()`;
    const [alert] = await sql<{ id: string }[]>`
      select id from alerts where subject = 'one' and status = 'open'
    `;
    const evaluated = Promise.all(crowd.map((one) => one`select ledger.check_alerts()`));
    const answers = await Promise.all(
      callers.map(
        async (caller) =>
          (
            await caller<{ error_code: string | null }[]>`
              select error_code from ledger_acknowledge_alert(${alert?.id ?? null})
            `
          )[0]?.error_code ?? 'done',
      ),
    );
    await evaluated;
    expect(answers.sort()).toEqual(['alert_conflict', 'alert_conflict', 'alert_conflict', 'done']);
    await sql`delete from public.gauges`;
    await sql`select ledger.check_alerts(), ledger.check_alerts()`;
  }
  expect(await told('alert.acknowledged')).toBe(10);
  await expectBooksInOrder(sql);
});

test('calls that are refused are counted although they leave nothing, and reading ones stay refused', async () => {
  const customer = await session({ userId: await createUser() });
  const before = await sql`select last_value, is_called from ledger.denied_calls_seq`;
  for (let call = 0; call < 3; call++) {
    await expect(
      customer`select * from ledger_credit_account(${crypto.randomUUID()}, 1)`,
    ).rejects.toMatchObject({ code: '42501' });
  }
  const after = await sql`select last_value from ledger.denied_calls_seq`;
  const start = before[0]?.is_called ? before[0].last_value : 0;
  expect(after[0]?.last_value).toBe(start + 3);

  await customer`begin read only`;
  await expect(customer`select * from report_trial_balance()`).rejects.toMatchObject({
    code: '42501',
  });
  await customer`rollback`;
});
