import { z } from 'zod';
import { NOISY, type Summary, summarise } from '../measure/statistics.ts';
import { table } from '../report/markdown.ts';
import { environment, latency, summary } from '../report/result.ts';
import { WAYS } from './ways.ts';

const timing = z.object({
  /** Calls a second, of each round. */
  rates: z.array(z.number().positive()).min(1),
  rate: summary,
  /** Milliseconds, over all rounds. */
  latency,
});

const cell = z.object({
  case: z.string(),
  title: z.string(),
  clients: z.number().int().positive(),
  /** Of each way, in each round. */
  operations: z.number().int().positive(),
  ways: z.record(z.enum(WAYS), timing),
});

/** A saved run of the HTTP bench. */
export const httpResult = z.object({
  format: z.literal(1),
  environment,
  cells: z.array(cell),
});

export type HttpTiming = z.infer<typeof timing>;
export type HttpCell = z.infer<typeof cell>;
export type HttpResult = z.infer<typeof httpResult>;

const whole = (value: number) => Math.round(value).toLocaleString('en');
const marked = ({ median, spread }: Summary, digits: number) =>
  `${digits === 0 ? whole(median) : median.toFixed(digits)}${spread > NOISY ? ' !' : ''}`;

/** One way's figures by another's, round by round. */
function ratio(above: number[], below: number[]): Summary {
  return summarise(above.map((value, round) => value / (below[round] ?? Number.NaN)));
}

/** What the front adds to PostgREST's own time of a call, as a share of it. */
export function frontAdds({ ways }: HttpCell): number {
  return ratio(ways.postgrest.rates, ways.front.rates).median - 1;
}

function targets(cells: HttpCell[]): string[] {
  const verdict = (met: boolean) => (met ? 'met' : 'MISSED');
  const lines = cells.map((one) => {
    const added = frontAdds(one);
    return `- ${one.case}, ${one.clients} client(s): the front adds ${(added * 100).toFixed(0)} % to PostgREST's own time (target 20 %): ${verdict(added <= 0.2)}`;
  });
  for (const placing of cells.filter(({ case: name }) => name === 'place_3')) {
    const nothing = cells.find((c) => c.case === 'nothing' && c.clients === placing.clients);
    if (!nothing) continue;
    const { median } = ratio(placing.ways.front.rates, nothing.ways.front.rates);
    lines.push(
      `- place_3 over HTTP, ${placing.clients} client(s): ${median.toFixed(2)} x the empty function's rate (target 0.5): ${verdict(median >= 0.5)}`,
    );
  }
  return lines;
}

/** A run for people. */
export function httpMarkdown({ environment: on, cells }: HttpResult): string {
  const head = ['case', 'clients', 'way', 'calls/s', 'spread', 'P50 ms', 'P95 ms', 'P99 ms'];
  const rows = cells.flatMap(({ ways, ...one }) =>
    WAYS.map((way) => [
      one.case,
      String(one.clients),
      way,
      marked(ways[way].rate, 0),
      `${Math.round(ways[way].rate.spread * 100)} %`,
      ways[way].latency.p50.toFixed(2),
      ways[way].latency.p95.toFixed(2),
      ways[way].latency.p99.toFixed(2),
    ]),
  );
  return [
    `# HTTP, ${on.at}`,
    `${on.cpu}, ${on.cores} cores, PostgreSQL ${on.postgres}, Node ${on.node}, schema from ${on.schema}, commit ${on.commit}`,
    'supabase_js: supabase-js through the front port. front: plain HTTP through it. postgrest: plain HTTP to its own port. database: the bare statement. ! marks a spread above 10 %.',
    table([head, ...rows]),
    targets(cells).join('\n'),
    '',
  ].join('\n\n');
}
