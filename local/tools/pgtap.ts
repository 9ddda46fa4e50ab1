import { Command } from 'commander';
import { PROJECT_ROOT } from '../database/supabase-cli.ts';
import { databaseFromSql, withScratchServer } from './diff/scratch.ts';
import { installPgtap } from './pgtap-runner/pgtap-extension.ts';
import { listTestFiles, runTestFiles } from './pgtap-runner/pgtap-run.ts';
import { printTap } from './pgtap-runner/tap-print.ts';
import { runCommand } from './run-command.ts';

await runCommand(
  new Command('test:db')
    .description('run the pgTAP files of tests/database, on a new database made from sql/')
    .argument('[paths...]', 'files or folders; all of them if none is named')
    .action(async (paths: string[]) => {
      const { passed, failed } = await withScratchServer(async (server) => {
        const url = await databaseFromSql(server, 'pgtap', PROJECT_ROOT);
        await installPgtap(server, 'pgtap');
        return printTap(runTestFiles(url, listTestFiles(paths)));
      });
      // Nothing tested is no success.
      process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
    }),
);
