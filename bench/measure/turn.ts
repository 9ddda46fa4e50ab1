import type postgres from 'postgres';
import type { Case, Row, Shop, Work } from '../cases/case.ts';
import type { Trace } from '../report/result.ts';
import type { World } from '../world/world.ts';
import { expectMoved, readFigures } from './books.ts';
import { readCounters, traceBetween } from './counters.ts';
import { drive, type Lanes, type Timing } from './lanes.ts';

/** A database that is measured, and the ways into it. */
export interface Bench {
  state: string;
  url: string;
  /** As the server's superuser, who may look into the log. */
  admin: postgres.Sql;
  /** As the owner of the procedures: a backend, so not rate-limited. */
  sql: postgres.Sql;
  world: World;
}

export interface TurnPlan {
  operations: number;
  /** Calls of each lane before the clock starts, after which its plans are made. */
  warmUp: number;
}

/** A case's operations of one round. */
export interface Turn {
  timing: Timing;
  operations: number;
  /** Operations a second. */
  rate: number;
  /** Where the log stood before and after. */
  walFrom: string;
  walTo: string;
  trace: Trace;
}

/** Prepares, lets all lanes do the operations by the clock, and sees that each had its effect. */
export async function takeTurn(
  bench: Bench,
  lanes: Lanes,
  contestant: Case,
  plan: TurnPlan,
): Promise<Turn> {
  const warmUp = lanes.connections.length * plan.warmUp;
  const total = warmUp + plan.operations;
  const work = await contestant.prepare(shopOf(bench, lanes), total);
  const figures = await readFigures(bench.sql);
  await drive(lanes, work, { from: 0, to: warmUp });

  const before = await readCounters(bench.admin, lanes);
  const timing = await drive(lanes, work, { from: warmUp, to: total });
  const after = await readCounters(bench.admin, lanes);

  expectMoved(figures, await readFigures(bench.sql), work.moves, contestant.name);
  await work.verify?.(bench.sql);
  return {
    timing,
    operations: plan.operations,
    rate: plan.operations / timing.seconds,
    walFrom: before.lsn,
    walTo: after.lsn,
    trace: await traceBetween(bench.admin, before, after),
  };
}

function shopOf({ sql, world }: Bench, lanes: Lanes): Shop {
  return {
    sql,
    world,
    async run(work: Work, count: number) {
      const answers: Row[] = [];
      await drive(lanes, work, { from: 0, to: count }, (index, [rows]) => {
        answers[index] = rows?.[0] ?? {};
      });
      return answers;
    },
  };
}
