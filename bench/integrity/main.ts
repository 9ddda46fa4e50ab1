import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { PROJECT_ROOT } from '../../local/database/supabase-cli.ts';
import { progressTo } from '../progress.ts';
import { saveText } from '../report/save.ts';
import { Interrupted } from '../server/server.ts';
import { integrityMarkdown } from './report.ts';
import { runIntegrity } from './run.ts';

interface Flags {
  orders: number;
  invoices: number;
  operations: number;
  out: string;
  json?: boolean;
}

function count(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('Give a whole number above 0.');
}

async function main({ out, json, ...options }: Flags): Promise<void> {
  const result = await runIntegrity({ ...options, progress: progressTo(process.stderr) });
  const markdown = `${out.replace(/\.json$/, '')}.md`;
  saveText(out, `${JSON.stringify(result, null, 1)}\n`);
  saveText(markdown, `${integrityMarkdown(result)}\n`);
  console.log(json ? JSON.stringify(result, null, 1) : integrityMarkdown(result));
  console.error(`wrote ${out} and ${markdown}`);
}

try {
  await new Command('npm run bench:integrity --')
    .description(
      'Measures the checks of the books, the seals and the replay in a large shop, on a fresh server.',
    )
    .option('--orders <number>', 'orders of the shop', count, 1_000_000)
    .option('--invoices <number>', 'invoices, most of them paid, on top of these', count, 50_000)
    .option('--operations <number>', 'operations before the run of what has changed', count, 1_000)
    .option(
      '--out <file.json>',
      'beside it the same as Markdown',
      join(PROJECT_ROOT, 'bench', 'results', 'integrity.json'),
    )
    .option('--json', 'print the run as JSON')
    .addHelpText(
      'after',
      '\nTEST_SCHEMA=sql takes the database from sql/ and not from the migrations.\nExit codes: 0 measured, 1 failed (also when a run finds something; nothing is saved), 130 interrupted.',
    )
    .action(main)
    .parseAsync();
} catch (error) {
  // what was under way when Ctrl-C came would keep the process
  if (error instanceof Interrupted) process.exit(130);
  console.error(process.env.DEBUG ? error : `bench:integrity: ${(error as Error).message}`);
  process.exitCode = 1;
}
