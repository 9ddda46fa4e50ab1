import type { Case } from '../cases/case.ts';
import { caseNamed } from '../cases/index.ts';
import type { Cell } from '../report/result.ts';
import { expectBooksInOrder, NoResult } from './books.ts';
import { keepWal, releaseWal } from './counters.ts';
import { describeTurns, type Taken } from './figures.ts';
import { type Lanes, openLanes } from './lanes.ts';
import { latencyOf } from './statistics.ts';
import { type Bench, type Turn, takeTurn } from './turn.ts';

export interface CellPlan {
  measured: Case;
  connections: number;
  rounds: number;
  /** Instead of each case's own number. */
  operations?: number;
}

/** plpgsql settles on its plans after the fifth call. */
const WARM_UP = 6;
/** With few connections the same number of operations would take many times as long. */
const FEW = { connections: 8, share: 0.3 };

/** A case with so many connections, some rounds, each beside its baselines; then the books. */
export async function measureCell(bench: Bench, plan: CellPlan): Promise<Cell> {
  const what = `${bench.state} ${plan.measured.name} with ${plan.connections} connections`;
  const lanes = await openLanes(bench.url, plan.connections);
  try {
    const [orders] = await bench.sql<{ count: number }[]>`
      select count(*)::int as count from public.orders`;
    await bench.admin`checkpoint`;
    await keepWal(bench.admin);
    const taken: Taken[] = [];
    for (let number = 0; number < plan.rounds; number++) {
      taken.push(await takeRound(bench, lanes, plan, number));
    }
    const cell: Cell = {
      state: bench.state,
      case: plan.measured.name,
      connections: plan.connections,
      ordersBefore: orders?.count ?? 0,
      ...(await describeTurns(bench.admin, taken)),
    };
    if (!plan.measured.onlyReads) await expectBooksInOrder(bench.sql, what);
    return cell;
  } catch (error) {
    if (error instanceof NoResult) throw error;
    throw new Error(`${what}: ${error instanceof Error ? error.message : error}`, { cause: error });
  } finally {
    await releaseWal(bench.admin);
    await lanes.close();
  }
}

/** The case and its baselines one after the other, in another order each time. */
async function takeRound(
  bench: Bench,
  lanes: Lanes,
  plan: CellPlan,
  number: number,
): Promise<Taken> {
  const contestants = [plan.measured, ...plan.measured.against.map(caseNamed)];
  const start = number % contestants.length;
  const turns = new Map<string, Turn>();
  for (const contestant of [...contestants.slice(start), ...contestants.slice(0, start)]) {
    const turn = await takeTurn(bench, lanes, contestant, {
      operations: plan.operations ?? usualOperations(contestant, plan.connections),
      warmUp: number === 0 ? WARM_UP : 0,
    });
    turns.set(contestant.name, turn);
  }
  const turn = turns.get(plan.measured.name);
  if (!turn) throw new Error('the case had no turn');
  turns.delete(plan.measured.name);
  const round = {
    rate: turn.rate,
    seconds: turn.timing.seconds,
    clientCpu: turn.timing.clientCpu,
    latency: latencyOf(turn.timing.latencies),
    against: Object.fromEntries([...turns].map(([name, { rate }]) => [name, rate])),
    trace: turn.trace,
  };
  return { turn, round };
}

function usualOperations({ operations }: Case, connections: number): number {
  return Math.round(operations * (connections < FEW.connections ? FEW.share : 1));
}
