import type postgres from 'postgres';
import type { Cell, Round } from '../report/result.ts';
import { fullPageBytes } from './counters.ts';
import { latencyOf, summarise } from './statistics.ts';
import type { Turn } from './turn.ts';

/** A turn of the case itself, and the round it was in. */
export interface Taken {
  turn: Turn;
  round: Round;
}

type Figures = Omit<Cell, 'state' | 'case' | 'connections' | 'ordersBefore'>;

/** What is published of a cell's rounds; the log of the last one must still be there. */
export async function describeTurns(admin: postgres.Sql, taken: Taken[]): Promise<Figures> {
  const turns = taken.map(({ turn }) => turn);
  const rounds = taken.map(({ round }) => round);
  const [first] = taken;
  const last = taken.at(-1)?.turn;
  if (!first || !last) throw new Error('there was no round');
  const databaseTimes = turns.flatMap(({ timing }) => timing.databaseTimes);
  const sum = (value: (turn: Turn) => number) => turns.reduce((all, turn) => all + value(turn), 0);
  const operations = sum((turn) => turn.operations);
  const each = (value: (trace: Turn['trace']) => number) =>
    sum(({ trace }) => value(trace)) / operations;
  const pages = await fullPageBytes(admin, last.walFrom, last.walTo);
  return {
    operations: last.operations,
    rounds,
    rate: summarise(rounds.map(({ rate }) => rate)),
    ratios: Object.fromEntries(
      Object.keys(first.round.against).map((name) => [
        name,
        summarise(rounds.map(({ rate, against }) => rate / (against[name] ?? Number.NaN))),
      ]),
    ),
    latency: latencyOf(turns.flatMap(({ timing }) => timing.latencies)),
    ...(databaseTimes.length > 0 ? { databaseLatency: latencyOf(databaseTimes) } : {}),
    perOperation: {
      walBytes: (last.trace.walBytes - pages) / last.operations,
      walFullPageBytes: pages / last.operations,
      walBytesFirstRound: first.turn.trace.walBytes / first.turn.operations,
      rowsInserted: each((trace) => trace.rowsInserted),
      rowsUpdated: each((trace) => trace.rowsUpdated),
      rowsUpdatedHot: each((trace) => trace.rowsUpdatedHot),
      rowsDeleted: each((trace) => trace.rowsDeleted),
      deadRows: each((trace) => trace.deadRows),
      bytesWritten: each((trace) => Math.max(0, trace.relationBytes) + trace.walBytes),
    },
  };
}
