import { existsSync, writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { PROJECT_ROOT } from '../database/supabase-cli.ts';
import type { PostgresServer } from '../postgres/postgres.ts';
import { databaseFromMigrations, withScratchServer } from './diff/scratch.ts';
import { judge, readExceptions } from './lint/findings.ts';
import { checkFunctions } from './lint/plpgsql-check.ts';
import { installPgtap } from './pgtap-runner/pgtap-extension.ts';
import { listTestFiles, runTestFiles, type TapFile } from './pgtap-runner/pgtap-run.ts';
import { printTap } from './pgtap-runner/tap-print.ts';
import { runCommand } from './run-command.ts';

const DATABASE = 'pg15';

/** plpgsql_check as a test file of one assertion. */
async function functionsAreSound(server: PostgresServer): Promise<TapFile> {
  const findings = await checkFunctions(server, DATABASE);
  if (!findings) throw new Error('install plpgsql_check: apt install postgresql-15-plpgsql-check');
  const exceptions = readExceptions(PROJECT_ROOT).filter(({ lint }) => lint === 'plpgsql_check');
  const wrong = judge(findings, exceptions);
  const name = 'plpgsql_check finds nothing in any function';
  const ok = wrong.length === 0;
  return {
    name: 'plpgsql_check',
    lines: ['1..1', `${ok ? '' : 'not '}ok 1 - ${name}`, ...wrong.map((line) => `# ${line}`)],
    assertions: [{ name, ok, diagnostics: wrong.join('\n') }],
  };
}

async function* allTests(server: PostgresServer): AsyncGenerator<TapFile> {
  yield await functionsAreSound(server);
  await installPgtap(server, DATABASE);
  yield* runTestFiles(server.url('postgres', DATABASE), listTestFiles());
}

await runCommand(
  new Command('test:pg15')
    .description('migrations, plpgsql_check and pgTAP on PostgreSQL 15, as older projects have it')
    .option('--pg-bin <folder>', 'its programs', '/usr/lib/postgresql/15/bin')
    .option('--totals <file>', 'write {"passed", "failed"} there')
    .action(async ({ pgBin, totals }: { pgBin: string; totals?: string }) => {
      if (!existsSync(pgBin)) {
        throw new Error(
          `there is no ${pgBin}: ` +
            'apt install postgresql-15 postgresql-15-pgtap postgresql-15-plpgsql-check',
        );
      }
      const counted = await withScratchServer(
        async (server) => {
          await databaseFromMigrations(server, DATABASE, PROJECT_ROOT);
          return printTap(allTests(server));
        },
        { binDir: pgBin },
      );
      if (totals) writeFileSync(totals, JSON.stringify(counted));
      process.exitCode = counted.failed > 0 ? 1 : 0;
    }),
);
