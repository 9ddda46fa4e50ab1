import { expect } from 'vitest';
import type { Sql } from './connection.ts';

/** Every sum of the books agrees with its other side. */
export async function expectBooksInOrder(sql: Sql): Promise<void> {
  expect([...(await sql`select * from ledger.book_differences()`)]).toEqual([]);
}

/** The same for tests that look at the books again and again: a session plans these statements once. */
export async function expectBooksStillInOrder(sql: Sql): Promise<void> {
  expect([...(await sql`select * from tests.book_differences()`)]).toEqual([]);
}

/** The books are in order, every event is under a seal, and every seal holds. */
export async function expectBooksSealed(sql: Sql): Promise<void> {
  await expectBooksInOrder(sql);
  await sealEverything(sql);
  expect([...(await sql`select * from ledger.verify_seals() where problem is not null`)]).toEqual(
    [],
  );
}

/** Repeats the sealer until nothing is left: a running transaction, of any database, holds it back. */
export async function sealEverything(sql: Sql): Promise<void> {
  for (;;) {
    await sql`select ledger.seal_events()`;
    const [left] = await sql`
      select (select count(*) from immutable_events) - (select coalesce(sum(event_count), 0) from event_seals) as events`;
    if (Number(left?.events) === 0) return;
  }
}

/** Sessions report the deadlocks they were in when they end, so the crowd must have left. */
export async function expectNoDeadlock(sql: Sql): Promise<void> {
  const [row] =
    await sql`select deadlocks from pg_stat_database where datname = current_database()`;
  expect(row).toEqual({ deadlocks: 0 });
}
