import { withConnection } from '../local/database/bootstrap.ts';
import type { PostgresServer } from '../local/postgres/postgres.ts';
import { caseNamed } from './cases/index.ts';
import { measureCell } from './measure/cell.ts';
import type { RunOptions } from './options.ts';
import type { Progress } from './progress.ts';
import { describeCell, environmentText } from './report/markdown.ts';
import type { BenchResult, Cell } from './report/result.ts';
import { describeEnvironment } from './server/environment.ts';
import { makeTemplate, withBenchServer } from './server/server.ts';
import { withState } from './states/states.ts';
import { breakDownLog, describeLog } from './wal/wal.ts';

/** A fresh server with the world on it. */
function withWorld<T>(
  options: RunOptions,
  work: (server: PostgresServer) => Promise<T>,
): Promise<T> {
  return withBenchServer(async (server) => {
    await makeTemplate(server, options.size, options.extraSql);
    return work(server);
  });
}

/** Measures every case with every number of connections in every state. */
export function runBench(options: RunOptions, progress: Progress): Promise<BenchResult> {
  const cases = options.cases.map(caseNamed);
  const { extraSql: _, ...flags } = options;
  return withWorld(options, async (server) => {
    const environment = await withConnection(server.url('supabase_admin'), describeEnvironment);
    const cells: Cell[] = [];
    const total = options.states.length * cases.length * options.connections.length;
    for (const state of options.states) {
      await withState(server, state, { ...options, progress }, async (bench) => {
        for (const measured of cases) {
          for (const connections of options.connections) {
            const cell = await measureCell(bench, { ...options, measured, connections });
            cells.push(cell);
            progress.line(`${cells.length} of ${total}: ${describeCell(cell)}`);
          }
        }
      });
    }
    return { format: 1, environment, options: flags, cells };
  });
}

/** Says what the cases write into the log, as Markdown. */
export function runLog(options: RunOptions, progress: Progress): Promise<string> {
  const cases = options.cases.map(caseNamed);
  return withWorld(options, (server) =>
    withState(server, 'young', { ...options, progress }, async (bench) => {
      const parts = [environmentText(await describeEnvironment(bench.admin))];
      for (const measured of cases) {
        parts.push(describeLog(await breakDownLog(bench, measured, options.operations ?? 500)));
      }
      return parts.join('\n\n');
    }),
  );
}
