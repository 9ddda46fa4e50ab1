import { latencyOf, summarise } from '../measure/statistics.ts';
import type { World } from '../world/world.ts';
import type { HttpCall, HttpCase } from './calls.ts';
import type { HttpCell } from './report.ts';
import { WAYS, type Way, type WayName } from './ways.ts';

interface Extent {
  clients: number;
  rounds: number;
  /** Instead of the case's own number. */
  operations?: number;
}

/** One case by all ways in turn, round by round. */
export async function measureCase(
  measured: HttpCase,
  world: World,
  ways: Record<WayName, Way>,
  { clients, rounds, ...extent }: Extent,
): Promise<HttpCell> {
  const share = clients >= 8 ? 1 : 0.25;
  const operations = extent.operations ?? Math.ceil(measured.operations * share);
  const found = Object.fromEntries(
    WAYS.map((way) => [way, { rates: [] as number[], latencies: [] as number[] }]),
  ) as Record<WayName, { rates: number[]; latencies: number[] }>;
  let next = 0;
  const calls = (count: number) =>
    Array.from({ length: count }, () => measured.callOf(world, next++));
  for (const way of WAYS) await drive(ways[way], calls(clients * 5));
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < WAYS.length; turn++) {
      // each round begins with another way, so that none is always the one after a checkpoint
      const way = WAYS[(round + turn) % WAYS.length] ?? 'front';
      const { rate, latencies } = await drive(ways[way], calls(operations));
      found[way].rates.push(rate);
      found[way].latencies.push(...latencies);
    }
  }
  return {
    case: measured.name,
    title: measured.title,
    clients,
    operations,
    ways: Object.fromEntries(
      WAYS.map((way) => {
        const { rates, latencies } = found[way];
        return [way, { rates, rate: summarise(rates), latency: latencyOf(latencies) }];
      }),
    ) as HttpCell['ways'],
  };
}

/** All senders at once, each taking the next call; a refusal is no result. */
async function drive(way: Way, calls: HttpCall[]): Promise<{ rate: number; latencies: number[] }> {
  const latencies: number[] = [];
  let next = 0;
  const started = performance.now();
  await Promise.all(
    way.senders.map(async (send) => {
      for (let call = calls[next++]; call !== undefined; call = calls[next++]) {
        const sent = performance.now();
        const answer = await send(call);
        latencies.push(performance.now() - sent);
        complain(way.name, call, answer);
      }
    }),
  );
  return { rate: calls.length / ((performance.now() - started) / 1000), latencies };
}

function complain(way: string, call: HttpCall, answer: unknown): void {
  const rows = Array.isArray(answer) ? (answer as Record<string, unknown>[]) : [];
  if ('procedure' in call) {
    if (rows[0]?.success === false) {
      throw new Error(`${call.procedure} by ${way}: ${String(rows[0].error_message)}`);
    }
  } else if (rows.length !== call.length) {
    throw new Error(`${call.table} by ${way}: ${rows.length} rows and not ${call.length}`);
  }
}
