import { join } from 'node:path';
import { PROJECT_ROOT } from '../local/database/supabase-cli.ts';
import { listCases } from './cases/index.ts';
import { httpMarkdown } from './http/report.ts';
import { runHttp, saveHttp } from './http/run.ts';
import { command, type Flags, httpOptions, runOptions } from './options.ts';
import { progressTo } from './progress.ts';
import { compareRuns, comparisonTable } from './report/compare.ts';
import { toMarkdown } from './report/markdown.ts';
import { readResult, saveResult, saveText } from './report/save.ts';
import { runBench, runLog } from './run.ts';
import { Interrupted } from './server/server.ts';

const exitCode = { failed: 1, slower: 2, interrupted: 130 };
const progress = progressTo(process.stderr);

try {
  await command().action(main).parseAsync();
} catch (error) {
  // what was under way when Ctrl-C came would keep the process
  if (error instanceof Interrupted) process.exit(exitCode.interrupted);
  console.error(process.env.DEBUG ? error : `bench: ${(error as Error).message}`);
  process.exitCode = exitCode.failed;
}

async function main(flags: Flags): Promise<void> {
  if (flags.list) console.log(listCases());
  else if (flags.wal) await breakDown(flags);
  else if (flags.http) await measureHttp(flags);
  else await measure(flags);
}

async function measure(flags: Flags): Promise<void> {
  const saved = flags.compare === undefined ? undefined : readResult(flags.compare);
  const result = await runBench(runOptions(flags), progress);
  const files = saveResult(outFile(flags, result.environment.at), result);
  console.log(flags.json ? JSON.stringify(result, null, 1) : toMarkdown(result));
  console.error(`wrote ${files.join(' and ')}`);
  if (saved) {
    const comparisons = compareRuns(saved.cells, result.cells);
    console.error(`\n${comparisonTable(comparisons)}`);
    if (comparisons.some(({ verdict }) => verdict === 'slower')) process.exitCode = exitCode.slower;
  }
}

async function measureHttp(flags: Flags): Promise<void> {
  const result = await runHttp(httpOptions(flags), progress);
  const files = saveHttp(outFile(flags, result.environment.at), result);
  console.log(flags.json ? JSON.stringify(result, null, 1) : httpMarkdown(result));
  console.error(`wrote ${files.join(' and ')}`);
}

function outFile({ out }: Flags, at: string): string {
  return out ?? join(PROJECT_ROOT, 'bench', 'results', `${at.replace(/[:.]/g, '-')}.json`);
}

async function breakDown(flags: Flags): Promise<void> {
  const text = await runLog(runOptions(flags), progress);
  if (flags.out !== undefined) saveText(flags.out, text);
  console.log(text);
}
