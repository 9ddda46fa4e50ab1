import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import postgres from 'postgres';
import { z } from 'zod';
import { progressTo } from '../../bench/progress.ts';
import { PROJECT_ROOT } from '../database/supabase-cli.ts';
import { type ImportFlags, importFile, resumeRun } from './import/carry-out.ts';
import { exactJson } from './import/exact-json.ts';
import { presets } from './import/presets.ts';
import { writeRejects } from './import/rejects-file.ts';
import { reportLines } from './import/report.ts';
import { type ImportReport, importsOn, Stopped, type Watch } from './import/run.ts';

interface Flags extends ImportFlags {
  databaseUrl?: string;
  resume?: string;
  abort?: string;
  void: boolean;
  rejects?: string;
  json: boolean;
}

const collect = (value: string, list: string[]) => [...list, value];

const EXPLANATION = `
Kinds: products, customers, orders, payments, invoices. Import products and customers before orders.
A row is applied, skipped (it was imported before) or rejected with a reason; nothing is guessed.
Orders bring what was paid for them. Of a system that also exports its payments import either those with the orders
(--option default_payment_status=unpaid keeps them from bringing any) or the orders as they are: not both. The report of
payments says how many rows look like payments of orders that are here. What all kinds, fields and options
are is in sql/import/README.md.

Presets:
${Object.entries(presets)
  .map(([name, { description }]) => `  ${name}: ${description}`)
  .join('\n')}

Ctrl-C stops after the batch under way; --resume RUN goes on from there (with FILE, if it was not read to its end).
A command that stands for several kinds can also be run again from the start: what is there is skipped.

Exit codes: 0 every row was applied or skipped; 2 some rows were rejected, or a dry run would reject some;
1 it failed, and what was applied until then stays; 130 it was stopped.`;

const command = new Command('npm run import --')
  .description('Brings the data of an older system in, from a CSV file (UTF-8, plain or .gz).')
  .argument('[file]', 'the file; not needed with --abort, or to --resume what was read whole')
  .option('--kind <kind>', 'what the rows are')
  .option('--preset <name>', 'how files of a known origin are read')
  .option('--map <field=Column>', 'which column a field is in; may be repeated', collect, [])
  .option('--mapping <file>', 'a JSON file: {"columns": {"field": "Column"}, and other options}')
  .option('--option <name=value>', 'an option of import_begin; may be repeated', collect, [])
  .option('--currency <code>', "the currency of all amounts (default: the shop's)")
  .option('--delimiter <character>', 'what stands between columns', ',')
  .option('--database-url <url>', 'the database (default: the running local stack)')
  .option(
    '--dry-run',
    'do everything, then take it back; the run can be applied with --resume',
    false,
  )
  .addOption(new Option('--resume <run>', 'complete a run that was stopped').conflicts('abort'))
  .option('--abort <run>', 'give up a run: rows that were not applied never are')
  .option('--void', 'with --abort: payments and invoices of the run are voided as well', false)
  .option(
    '--rejects <file>',
    'where to write the rejected rows as CSV (default: beside the file); a cell that a spreadsheet would reckon has an apostrophe before it',
  )
  .option('--json', 'print the reports as JSON; sums are texts of minor units', false)
  .addHelpText('after', EXPLANATION);

const stackFile = z.object({ database_url: z.string() });

function databaseUrl(flags: Flags): string {
  if (flags.databaseUrl !== undefined) return flags.databaseUrl;
  const path = join(PROJECT_ROOT, '.data', 'stack.json');
  if (!existsSync(path)) {
    throw new Error('no stack was started here: npm start, or say --database-url');
  }
  return stackFile.parse(JSON.parse(readFileSync(path, 'utf8'))).database_url;
}

function watchOn(stream: NodeJS.WriteStream): Watch {
  const progress = progressTo(stream);
  let asked = false;
  process.on('SIGINT', () => {
    if (asked) process.exit(130);
    asked = true;
    progress.line('stopping after this batch; once more to stop at once');
  });
  return {
    staged: (rows, bytes, size) => {
      if (stream.isTTY) progress.step(`${rows.toLocaleString('en')} rows read, bytes`, bytes, size);
      else progress.step('bytes read', bytes, size);
    },
    applied: (done, total) => progress.step('applied rows', done, Math.max(total, 1)),
    line: (text) => progress.line(text),
    stopped: () => asked,
  };
}

/** The reports of runs on stdout, as tables or JSON. */
async function printReports(sql: postgres.Sql, reports: ImportReport[], json: boolean) {
  if (json) {
    const exact = (_: string, value: unknown) =>
      typeof value === 'bigint' ? value.toString() : value;
    console.log(JSON.stringify(reports, exact, 2));
    return;
  }
  const exponents = await sql<
    { code: string; exponent: number }[]
  >`select code, exponent from public.currencies`;
  for (const report of reports) {
    const currency = exponents.find(({ code }) => code === report.currency);
    console.log(reportLines(report, currency?.exponent ?? 0).join('\n'));
  }
}

async function main(path: string | undefined, flags: Flags): Promise<number> {
  const sql = postgres(databaseUrl(flags), {
    ...{ max: 1, prepare: false, onnotice: () => {} },
    types: { json: exactJson },
  });
  const imports = importsOn(sql);
  const watch = watchOn(process.stderr);
  try {
    if (flags.abort !== undefined) {
      while (!(await imports.abort(flags.abort, flags.void)).done);
      watch.line(`run ${flags.abort} is given up`);
      return 0;
    }
    if (path === undefined && flags.resume === undefined)
      throw new Error('name the file to import');
    const { runs, wouldReject } =
      flags.resume === undefined
        ? await importFile(path ?? '', flags, imports, watch)
        : await resumeRun(path, flags.resume, flags, imports, watch);

    const reports: ImportReport[] = [];
    for (const run of runs) reports.push(await imports.report(run));
    await printReports(sql, reports, flags.json);
    const rejected = reports.reduce((sum, report) => sum + report.rejected_rows, 0);
    if (rejected > 0) {
      const target = flags.rejects ?? `${path ?? flags.resume}.rejects.csv`;
      await writeRejects(sql, runs, target);
      watch.line(`rejected rows: ${target}`);
    }
    return rejected + wouldReject > 0 ? 2 : 0;
  } finally {
    await sql.end();
  }
}

command.action(async (path: string | undefined, flags: Flags) => {
  try {
    process.exitCode = await main(path, flags);
  } catch (error) {
    const { message } = error instanceof Error ? error : new Error(String(error));
    console.error(process.env.DEBUG ? error : `import: ${message}`);
    process.exitCode = error instanceof Stopped ? 130 : 1;
  }
});
await command.parseAsync();
