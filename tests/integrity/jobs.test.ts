import { beforeAll, expect, test } from 'vitest';
import { expectBooksSealed, sealEverything } from '../support/books.ts';
import { createCustomer, createVariant, placed } from '../support/shop.ts';
import { createTestDatabase } from '../support/test-database.ts';

/** What pgTAP, inside one transaction, cannot show: the jobs over committed work. */
const { sql, asUser } = await createTestDatabase('jobs');
let ann: string;

beforeAll(async () => {
  ann = await createCustomer(sql, { balance: 10_000 });
  const variant = await createVariant(sql, { stock: 10 });
  for (let n = 0; n < 3; n++) await placed(sql, ann, [[variant, 1]]);
});

test('every scheduled command runs in a transaction of its own, twice, and leaves the books in order', async () => {
  const jobs = await sql<{ name: string }[]>`select name from ledger.scheduled_jobs order by name`;

  expect(jobs.length).toBeGreaterThan(0);
  for (const { name } of [...jobs, ...jobs]) {
    expect([...(await sql`select ledger.run_job(${name}) as ${sql(name)}`)]).toEqual([
      { [name]: 'done' },
    ]);
  }
  await expectBooksSealed(sql);
});

test('committed events are sealed in the order of their transactions, and seals over them hold', async () => {
  const [events] = await sql`
    select count(*) as events, bool_and(e.written_by_xid <= s.last_xid) as covered
    from immutable_events e, (select max(last_xid) as last_xid from event_seals) s`;
  const [seals] = await sql`select sum(event_count)::bigint as sealed from event_seals`;

  expect(events).toMatchObject({ covered: true });
  expect(seals?.sealed).toBe(events?.events);
});

test('an event that its owner changes behind the guards is found, and the next seals do not hide it', async () => {
  await sql.begin(async (owner) => {
    await owner`alter table immutable_events disable trigger all`;
    await owner`
      update immutable_events set payload = payload || '{"amount": 1}'
      where id = (select min(id) from immutable_events where event_type = 'order.placed')`;
    await owner`alter table immutable_events enable trigger all`;
  });
  const [credited] = await sql`select success from ledger_credit_account(${ann}, 5)`;
  expect(credited).toEqual({ success: true });
  await sealEverything(sql);

  const problems = await sql`select problem from ledger.verify_seals() where problem is not null`;
  expect([...problems]).toEqual([{ problem: expect.stringMatching(/^event \d+ was changed$/) }]);
  await expect(
    asUser(ann, (caller) => caller`select * from integrity_verify_seals()`),
  ).rejects.toMatchObject({ code: '42501' });
  const named = await sql`
    select check_code from ledger.book_differences() where check_code like 'transaction_%'
  `;
  expect([...named]).toEqual([{ check_code: 'transaction_equals_its_event' }]);
});
