import { afterAll, test } from 'vitest';
import { expectBooksSealed, expectNoDeadlock } from './books.ts';
import { connect } from './connection.ts';
import { type Answer, backendOf, type Call, GATES, perform } from './sessions.ts';
import { createTestDatabase, type TestDatabase } from './test-database.ts';

export interface Crowd {
  /** Sends one call from each connection, all let go at the same moment. */
  race(calls: Call[]): Promise<Answer[]>;
  /** Runs one worker per connection; all have arrived before the first goes on. */
  work(workers: ((perform: (call: Call) => Promise<Answer>) => Promise<void>)[]): Promise<void>;
  /** Ends when the server has seen all of them leave: only then its statistics are complete. */
  close(): Promise<void>;
}

/** A database and a crowd for a test file of races. To be called at the top of the file. */
export async function startCrowd(
  name: string,
  size: number,
): Promise<{ db: TestDatabase; crowd: Crowd }> {
  const db = await createTestDatabase(name);
  const crowd = await gatherCrowd(db, size);
  afterAll(() => crowd.close());
  return { db, crowd };
}

/** The last test of a file of races. */
export function testThatBooksAreInOrder(db: TestDatabase, crowd?: Crowd): void {
  test('in the end every sum of the books is right, every seal holds, and there was no deadlock', async () => {
    await crowd?.close();
    await expectNoDeadlock(db.sql);
    await expectBooksSealed(db.sql);
  });
}

/** Many connections that act at once, each as whomever its call names. */
async function gatherCrowd(db: TestDatabase, size: number): Promise<Crowd> {
  const url = db.server.url('postgres', db.name);
  const pool = connect(url, size);
  const keeper = connect(url, 1);
  const members = await Promise.all(Array.from({ length: size }, () => pool.reserve()));
  const pids = await Promise.all(members.map(backendOf));
  let closed = false;
  let lastGate = 0;

  /** Starts everything behind a closed gate and opens it when all stand before it. */
  async function behindGate<T>(starts: ((gate: number) => Promise<T>)[]): Promise<T[]> {
    const gate = ++lastGate;
    await keeper`select pg_advisory_lock(${GATES}, ${gate})`;
    const runs = Promise.allSettled(starts.map((start) => start(gate)));
    let settled = false;
    void runs.then(() => {
      settled = true;
    });
    const waiting = async () => {
      const [row] = await keeper<{ count: number }[]>`
        select count(*) from pg_locks
        where database = (select oid from pg_database where datname = current_database())
          and locktype = 'advisory' and classid = ${GATES} and objid = ${gate} and not granted`;
      return row?.count ?? 0;
    };
    while (!settled && (await waiting()) < starts.length);
    await keeper`select pg_advisory_unlock(${GATES}, ${gate})`;
    return valuesOf(await runs);
  }

  const memberAt = (index: number) => {
    const member = members[index];
    if (!member) throw new Error(`a crowd of ${size} cannot do ${index + 1} things at once`);
    return member;
  };
  return {
    race: (calls) =>
      behindGate(calls.map((call, index) => (gate) => perform(memberAt(index), call, gate))),
    async work(workers) {
      await behindGate(
        workers.map((worker, index) => async (gate) => {
          const member = memberAt(index);
          await member`select pg_advisory_lock_shared(${GATES}, ${gate}), pg_advisory_unlock_shared(${GATES}, ${gate})`;
          await worker((call) => perform(member, call));
        }),
      );
    },
    async close() {
      if (closed) return;
      closed = true;
      for (const member of members) member.release();
      await pool.end();
      const left = async () => {
        const [row] = await keeper<{ count: number }[]>`
          select count(*) from pg_stat_activity where pid = any (${pids})`;
        return row?.count ?? 0;
      };
      while ((await left()) > 0);
      await keeper.end();
    },
  };
}

/** All results, or one error that tells of every failure. */
function valuesOf<T>(results: PromiseSettledResult<T>[]): T[] {
  const failures = results.flatMap((result) =>
    result.status === 'rejected' ? [result.reason as unknown] : [],
  );
  if (failures.length > 0) {
    throw new AggregateError(failures, failures.map(String).join('\n'));
  }
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}
