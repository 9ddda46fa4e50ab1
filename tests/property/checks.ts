import { expect } from 'vitest';
import type { Sql } from '../support/connection.ts';
import { expectedFigures, expectedRecords, readFigures, readRecords } from './figures.ts';
import type { Answer } from './model/calls.ts';
import type { World } from './world.ts';

/** The database's answer is the model's, in everything that the model says. */
export function expectAnswer(actual: Answer, expected: Answer, about: string): void {
  expect(partOf(actual, expected), about).toEqual(expected);
}

function partOf(actual: Answer, expected: Answer): Answer {
  if (actual.kind === 'success' && expected.kind === 'success') {
    return { ...actual, columns: pick(actual.columns, expected.columns) };
  }
  if (actual.kind === 'refused' && expected.kind === 'refused') {
    return { ...actual, details: pick(actual.details, expected.details) };
  }
  return actual;
}

function pick<T>(from: Record<string, T>, like: Record<string, unknown>): Record<string, T> {
  return Object.fromEntries(Object.entries(from).filter(([name]) => name in like));
}

export async function expectFigures(sql: Sql, world: World, about: string): Promise<void> {
  expect(await readFigures(sql, world), about).toEqual(expectedFigures(world));
}

/**
 * What differs in the books of the whole database, and by how much, and from what all events replay
 * to. A run is to blame only for what was not so before it: else the damage of a failed run would make
 * every later one fail as well, and shrinking would end at an innocent one.
 */
export async function bookDifferences(sql: Sql): Promise<string[]> {
  const rows = await sql<{ difference: string }[]>`
    select concat_ws(' ', d.check_code, d.subject,
      case when d.expected ~ '^-?[0-9]+$' and d.found ~ '^-?[0-9]+$'
        then (d.found::numeric - d.expected::numeric)::text
        else concat_ws(' ', d.found, 'instead of', d.expected) end) as difference
    from tests.book_differences() d
    union all
    select concat_ws(' ', 'replayed', f.kind, f.subject, f.what, f.replayed, 'is stored as', f.stored)
    from ledger.replay_facts(null, null, null, true) f
    order by 1
  `;
  return rows.map(({ difference }) => difference);
}

/** After a run: what it left behind, every sum of the books, and the seals over all of it. */
export async function expectSoundBooks(sql: Sql, world: World, before: string[]): Promise<void> {
  expect(await readRecords(sql, world)).toEqual(expectedRecords(world));
  expect(await bookDifferences(sql)).toEqual(before);
  await sql`select ledger.seal_events()`;
  expect(await sql`select * from ledger.verify_seals() where problem is not null`).toEqual([]);
  const unequal = await sql`
    select t.currency from public.report_trial_balance() t
    group by t.currency having sum(t.debit_amount) <> sum(t.credit_amount)
  `;
  expect(unequal).toEqual([]);
}

/**
 * Everything that happened gets sealed: no event is left open or out of reach. The sealer waits for
 * transactions of the whole server, so those of other test files have to end first.
 */
export async function expectEverythingSealed(sql: Sql): Promise<void> {
  const unsealed = async () => {
    await sql`select ledger.seal_events()`;
    const [counts] = await sql<{ unsealed: number }[]>`
      select (select count(*) from public.immutable_events)
        - (select coalesce(sum(s.event_count), 0)::bigint from public.event_seals s) as unsealed
    `;
    return counts?.unsealed;
  };
  await expect.poll(unsealed, { timeout: 20_000 }).toBe(0);
}

export function describe(step: unknown): string {
  return JSON.stringify(step, (_, value) => (typeof value === 'bigint' ? `${value}n` : value));
}
