import { Command } from 'commander';
import { PROJECT_ROOT } from '../database/supabase-cli.ts';
import { databaseFromSql, withScratchServer } from './diff/scratch.ts';
import { adviseOn } from './lint/advisors.ts';
import { judge, readExceptions } from './lint/findings.ts';
import { checkFunctions } from './lint/plpgsql-check.ts';
import { runCommand } from './run-command.ts';

await runCommand(
  new Command('db:lint')
    .description("ask the platform's advisors, and plpgsql_check, about the schema that sql/ makes")
    .option('--project <folder>', 'folder with sql/ and supabase/advisors.json', PROJECT_ROOT)
    .option('--pg-bin <folder>', 'programs of a PostgreSQL that has plpgsql_check')
    .action(async ({ project, pgBin }: { project: string; pgBin?: string }) => {
      const wrong = await withScratchServer(
        async (server) => {
          const exceptions = readExceptions(project);
          const ofFunctions = (lint: string) => lint === 'plpgsql_check';
          const url = await databaseFromSql(server, 'lint', project);
          const advice = judge(
            await adviseOn(url),
            exceptions.filter(({ lint }) => !ofFunctions(lint)),
          );
          const checked = await checkFunctions(server, 'lint');
          if (!checked) {
            console.log('plpgsql_check is not installed on this server (see --pg-bin): not asked');
            return advice;
          }
          return [
            ...advice,
            ...judge(
              checked,
              exceptions.filter(({ lint }) => ofFunctions(lint)),
            ),
          ];
        },
        pgBin ? { binDir: pgBin } : {},
      );
      for (const line of wrong) console.error(line);
      console.log(wrong.length === 0 ? 'nothing found' : `${wrong.length} found`);
      process.exitCode = wrong.length === 0 ? 0 : 1;
    }),
);
