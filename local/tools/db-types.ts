import { Command } from 'commander';
import { PROJECT_ROOT } from '../database/supabase-cli.ts';
import { databaseFromSql, withScratchServer } from './diff/scratch.ts';
import { writeOrCheck } from './generate/generated-file.ts';
import { generateTypes, typesFile } from './generate/types.ts';
import { runCommand } from './run-command.ts';

await runCommand(
  new Command('db:types')
    .description('make types/database.ts from sql/')
    .option('--check', 'write nothing; exit with 1 if the file is stale', false)
    .option('--project <folder>', 'folder with sql/ and types/', PROJECT_ROOT)
    .action(async ({ check, project }: { check: boolean; project: string }) => {
      const text = await withScratchServer(async (server) =>
        generateTypes(await databaseFromSql(server, 'types', project)),
      );
      writeOrCheck(typesFile(project), text, check, 'npm run db:types');
    }),
);
