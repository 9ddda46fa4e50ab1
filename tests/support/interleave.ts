import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { expectBooksStillInOrder } from './books.ts';
import type { Sql } from './connection.ts';
import { type Answer, backendOf, beginAs, type Call, send } from './sessions.ts';
import type { TestDatabase } from './test-database.ts';

/**
 * Permutation tests, as pg_isolation_regress does them: the steps of a few sessions in every order,
 * each order from a fresh setting. Whether a step waits is read from the server's own lock table.
 */

export type Ending = 'commit' | 'rollback';

/** What a session does in its one transaction: a call, or statements by hand as role postgres. */
export type Action = Call | { statements: string };

export interface Setting {
  /** By name; each has two steps, its action (which begins the transaction) and its ending. */
  sessions: Record<string, Action>;
  /** Whether what came out is allowed. */
  check(outcome: Outcome): Promise<void> | void;
}

export interface Outcome {
  /** What happened, such as `a acts, b acts: waits, a commits, b goes on, b commits`. */
  trace: string;
  endings: Record<string, Ending>;
  /** The answer of a session's call, whether it was committed or not. */
  answer(session: string): Answer;
  /** Answers that were committed. */
  committed: Answer[];
  /** Sessions that had to wait for another. */
  waited: string[];
}

export interface Permutation {
  /** Names of sessions, each twice. */
  order: string[];
  /** A session that is not named commits. */
  endings: Record<string, Ending>;
}

/** Every order of three or more sessions that all act before one of them ends. */
export function overlaps(names: string[]): Permutation[] {
  return arrangements(names).flatMap((acts) =>
    arrangements(names).map((ends) => ({ order: [...acts, ...ends], endings: {} })),
  );
}

/** Every order of two steps for each session, times every way of ending but all rolled back. */
export function permutations(names: string[]): Permutation[] {
  const endings: Ending[] = ['commit', 'rollback'];
  const ways = names.reduce<Record<string, Ending>[]>(
    (all, name) => all.flatMap((way) => endings.map((ending) => ({ ...way, [name]: ending }))),
    [{}],
  );
  return arrangements(names.flatMap((name) => [name, name])).flatMap((order) =>
    ways
      .filter((way) => Object.values(way).includes('commit'))
      .map((way) => ({ order, endings: way })),
  );
}

/** Every order of these words; the same word twice is one order. */
function arrangements(words: string[]): string[][] {
  if (words.length === 0) return [[]];
  return [...new Set(words)].flatMap((first) =>
    arrangements(words.toSpliced(words.indexOf(first), 1)).map((rest) => [first, ...rest]),
  );
}

/**
 * Plays the permutations and checks each, and the books every few. An order that cannot be, because a
 * session would have to end while it waits, is left out. Answers the traces of those that were.
 */
export async function interleave(
  db: TestDatabase,
  setUp: (sql: Sql) => Promise<Setting>,
  list?: Permutation[],
): Promise<string[]> {
  const { sql } = db;
  const first = await setUp(sql);
  const names = Object.keys(first.sessions);
  const seats = await seatsOf(db, names.length);
  const traces: string[] = [];
  for (const [index, permutation] of (list ?? permutations(names)).entries()) {
    const setting = index === 0 ? first : await setUp(sql);
    const players = Object.entries(setting.sessions).map(([name, action], index) =>
      enter(name, action, seats[index]),
    );
    const outcome = await play(sql, players, permutation);
    if (!outcome) continue;
    traces.push(outcome.trace);
    try {
      await setting.check(outcome);
      // what one of them breaks stays broken
      if (traces.length % 8 === 0) await expectBooksStillInOrder(sql);
    } catch (error) {
      throw new Error(`${outcome.trace}:\n${String(error)}`, { cause: error });
    }
  }
  // sessions report the deadlocks they were in now and then, and these stay
  await Promise.all(seats.map(({ connection }) => connection`select pg_stat_force_next_flush()`));
  expect(traces).not.toEqual([]);
  await expectBooksStillInOrder(sql);
  return traces;
}

/** A connection that plays, and its server process. */
interface Seat {
  connection: Sql;
  pid: number;
}

const seatsByDatabase = new WeakMap<TestDatabase, Seat[]>();

/** The same for all tests of a file: in a new session every procedure is compiled and planned anew. */
async function seatsOf(db: TestDatabase, count: number): Promise<Seat[]> {
  const seats = seatsByDatabase.get(db) ?? [];
  while (seats.length < count) {
    const connection = db.connect(1);
    seats.push({ connection, pid: await backendOf(connection) });
  }
  seatsByDatabase.set(db, seats);
  return seats;
}

type State = 'idle' | 'running' | 'waiting' | 'acted' | 'ended';

interface Player extends Seat {
  name: string;
  action: Action;
  state: State;
  /** Fulfilled when the action is done, well or not. */
  done?: Promise<void>;
  answer?: Answer;
  failure?: unknown;
}

function enter(name: string, action: Action, seat?: Seat): Player {
  if (!seat) throw new Error(`no connection is left for session ${name}`);
  return { ...seat, name, action, state: 'idle' };
}

/** Nothing when the order cannot be. */
async function play(
  observer: Sql,
  players: Player[],
  { order, endings }: Permutation,
): Promise<Outcome | undefined> {
  const pids = players.map((player) => player.pid);
  const trace: string[] = [];
  const waiting = new Set<string>();

  const endingOf = (player: Player) => endings[player.name] ?? 'commit';
  const underWay = () =>
    players.filter((player) => player.state === 'running' || player.state === 'waiting');
  /** Whether somebody who could end their transaction stands before this player. */
  const standsBehind = (player: Player, blockers: Map<number, number[]>, seen: number[]): boolean =>
    (blockers.get(player.pid) ?? []).some((pid) => {
      const other = players.find((one) => one.pid === pid);
      if (!other || seen.includes(pid)) return false;
      return other.state === 'acted' || standsBehind(other, blockers, [...seen, pid]);
    });
  /**
   * Until every action under way is done or waits for somebody who can still end. Players who wait
   * for each other do not count as waiting: the server breaks their deadlock, and that is a failure.
   */
  const settle = async () => {
    while (underWay().length > 0) {
      // the server is asked now and then only: each question takes a processor from the action itself
      await Promise.race([...underWay().map((player) => player.done), delay(2)]);
      if (underWay().length === 0) break;
      const rows = await observer<{ pid: number; blockers: number[] }[]>`
        select pid, pg_blocking_pids(pid) as blockers from unnest(${pids}::int[]) pid`;
      const blockers = new Map(rows.map((row) => [row.pid, row.blockers]));
      if (underWay().every((player) => standsBehind(player, blockers, [player.pid]))) break;
    }
    for (const player of underWay()) player.state = 'waiting';
    for (const player of players) {
      if (player.state !== 'acted' || !waiting.delete(player.name)) continue;
      trace.push(`${player.name} goes on`);
    }
  };
  const act = (player: Player) => {
    player.state = 'running';
    player.done = perform(player)
      .then((answer) => {
        if (answer) player.answer = answer;
      })
      .catch((error: unknown) => {
        player.failure = error;
      })
      .finally(() => {
        player.state = 'acted';
      });
  };

  try {
    for (const name of order) {
      const player = players.find((one) => one.name === name);
      if (!player) throw new Error(`there is no session ${name}`);
      if (player.state === 'waiting') return undefined;
      if (player.state === 'idle') {
        act(player);
        await settle();
        const waits = (player.state as State) === 'waiting';
        if (waits) waiting.add(name);
        trace.push(waits ? `${name} acts: waits` : `${name} acts`);
      } else {
        const ending = endingOf(player);
        await player.connection.unsafe(ending);
        player.state = 'ended';
        trace.push(`${name} ${ending === 'commit' ? 'commits' : 'rolls back'}`);
        await settle();
      }
    }
  } finally {
    await leave(players);
  }
  const failures = players.flatMap((player) =>
    player.failure === undefined ? [] : [`${player.name}: ${String(player.failure)}`],
  );
  if (failures.length > 0) throw new Error(`${trace.join(', ')}:\n${failures.join('\n')}`);

  const answer = (name: string) => {
    const found = players.find((player) => player.name === name)?.answer;
    if (!found) throw new Error(`session ${name} has no answer`);
    return found;
  };
  return {
    trace: trace.join(', '),
    endings,
    answer,
    waited: players.flatMap((player) =>
      trace.includes(`${player.name} goes on`) ? [player.name] : [],
    ),
    committed: players.flatMap((player) =>
      player.answer && endingOf(player) === 'commit' ? [player.answer] : [],
    ),
  };
}

async function perform({ connection, action }: Player): Promise<Answer | undefined> {
  if ('procedure' in action) {
    await beginAs(connection, action.actor);
    return send(connection, action);
  }
  await connection.unsafe(`begin; ${action.statements}`);
  return undefined;
}

/** Ends what an order that cannot be has left open; all at once, because some wait for others. */
async function leave(players: Player[]): Promise<void> {
  await Promise.all(
    players
      .filter((player) => player.state !== 'ended')
      .map((player) => player.connection.unsafe('rollback')),
  );
}
