import { Command } from 'commander';
import { PROJECT_ROOT } from '../database/supabase-cli.ts';
import { databaseFromSql, withScratchServer } from './diff/scratch.ts';
import { writeOrCheck } from './generate/generated-file.ts';
import { makeSnapshot, snapshotFile } from './generate/snapshot.ts';
import { runCommand } from './run-command.ts';

await runCommand(
  new Command('db:snapshot')
    .description('make sql/schema.snapshot.sql, the schema in one file for reviewers')
    .option('--check', 'write nothing; exit with 1 if the file is stale', false)
    .option('--project <folder>', 'folder with sql/', PROJECT_ROOT)
    .action(async ({ check, project }: { check: boolean; project: string }) => {
      const text = await withScratchServer(async (server) =>
        makeSnapshot(await databaseFromSql(server, 'snapshot', project)),
      );
      writeOrCheck(snapshotFile(project), text, check, 'npm run db:snapshot');
    }),
);
