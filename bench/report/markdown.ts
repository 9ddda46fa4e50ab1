import { NOISY, type Summary, summarise } from '../measure/statistics.ts';
import type { BenchResult, Cell, Environment } from './result.ts';
import { judgeTargets } from './targets.ts';

const whole = (value: number) => Math.round(value).toLocaleString('en');
const milliseconds = (value: number) => value.toFixed(value < 10 ? 2 : 1);
const spread = ({ spread }: Summary) =>
  `${Math.round(spread * 100)} %${spread > NOISY ? ' !' : ''}`;
const ratio = ({ median, spread }: Summary) => median.toFixed(2) + (spread > NOISY ? ' !' : '');

export const table = (rows: string[][]): string =>
  rows
    .flatMap((row, index) => {
      const line = `| ${row.join(' | ')} |`;
      return index === 0 ? [line, `|${row.map(() => '---').join('|')}|`] : [line];
    })
    .join('\n');

/** A cell in one line, while the run goes on. */
export function describeCell(cell: Cell): string {
  const ratios = Object.entries(cell.ratios).map(([name, value]) => `${ratio(value)} x ${name}`);
  return [
    `${cell.state} ${cell.case} with ${cell.connections}:`,
    `${whole(cell.rate.median)}/s (${spread(cell.rate)}),`,
    `P50 ${milliseconds(cell.latency.p50)} P99 ${milliseconds(cell.latency.p99)} ms,`,
    ...(ratios.length > 0 ? [`${ratios.join(', ')},`] : []),
    `log ${whole(cell.perOperation.walBytes)} B`,
  ].join(' ');
}

function stateTable(cells: Cell[]): string {
  const head =
    'case, connections, ops/s, spread, P50 ms, P95 ms, P99 ms, in the database P95 ms, ratio to, log B/op, whole pages B/op, written B/op, rows/op, HOT, dead/op, client CPU, orders before';
  return table([
    head.split(', '),
    ...cells.map(({ perOperation: each, ...cell }) => [
      cell.case,
      String(cell.connections),
      whole(cell.rate.median),
      spread(cell.rate),
      milliseconds(cell.latency.p50),
      milliseconds(cell.latency.p95),
      milliseconds(cell.latency.p99),
      cell.databaseLatency ? milliseconds(cell.databaseLatency.p95) : '',
      Object.entries(cell.ratios)
        .map(([name, value]) => `${name} ${ratio(value)}`)
        .join(', '),
      whole(each.walBytes),
      whole(each.walFullPageBytes),
      whole(each.bytesWritten),
      (each.rowsInserted + each.rowsUpdated + each.rowsDeleted).toFixed(1),
      each.rowsUpdated > 0 ? `${Math.round((each.rowsUpdatedHot / each.rowsUpdated) * 100)} %` : '',
      each.deadRows.toFixed(2),
      `${Math.round(summarise(cell.rounds.map(({ clientCpu }) => clientCpu)).median * 100)} %`,
      whole(cell.ordersBefore),
    ]),
  ]);
}

/** Where figures come from, in two sentences. */
export function environmentText(environment: Environment): string {
  const settings = Object.entries(environment.settings).map(([name, value]) => `${name}=${value}`);
  const { cores, cpu, platform, postgres, node, commit, schema } = environment;
  return [
    `${cores} cores (${cpu}), ${platform}, PostgreSQL ${postgres}, Node ${node},`,
    `commit ${commit ?? 'unknown'}, database from ${schema}.`,
    `Settings beside the server's defaults: ${settings.join(', ')}.`,
  ].join(' ');
}

/** A run for people. */
export function toMarkdown(result: BenchResult): string {
  const { environment } = result;
  const states = [...new Set(result.cells.map(({ state }) => state))];
  const targets = judgeTargets(result.cells);
  return [
    `# Benchmark of ${environment.at.slice(0, 10)}`,
    environmentText(environment),
    'Figures are medians of rounds; `!` marks a spread, (max - min) / median, above 10 %. A ratio is made in each round, of rates taken one after the other. Log bytes are those of the last round, whole pages apart; client CPU is the benchmark’s own share of one core. The raw rounds are in the JSON file beside this one.',
    ...states.flatMap((state) => [
      `## ${state}`,
      stateTable(result.cells.filter((cell) => cell.state === state)),
    ]),
    ...(targets.length > 0
      ? [
          '## Targets',
          table([
            ['target', 'measured', ''],
            ...targets.map(({ what, value, met }) => [what, value, met ? 'met' : 'missed']),
          ]),
        ]
      : []),
    '',
  ].join('\n\n');
}
