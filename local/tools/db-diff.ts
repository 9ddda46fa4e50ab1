import { Argument, Command, InvalidArgumentError } from 'commander';
import { PROJECT_ROOT } from '../database/supabase-cli.ts';
import { diffToMigration } from './diff/diff-to-migration.ts';
import { withScratchServer } from './diff/scratch.ts';
import { runCommand } from './run-command.ts';

function migrationName(name: string): string {
  if (/^[a-z][a-z0-9_]*$/.test(name)) return name;
  throw new InvalidArgumentError('use lower-case letters, digits and underscores');
}

await runCommand(
  new Command('db:diff')
    .description('write what changed in sql/ as a new migration')
    .addArgument(new Argument('<name>', 'what the change is about').argParser(migrationName))
    .option('--project <folder>', 'folder with sql/ and supabase/', PROJECT_ROOT)
    .action(async (name: string, { project }: { project: string }) => {
      const { path, remaining } = await withScratchServer((server) =>
        diffToMigration(server, project, name),
      );
      console.log(path ? `wrote ${path}` : 'no difference');
      if (remaining !== '') {
        console.error(`sql/ says more than that; write it into the migration:\n${remaining}`);
        process.exitCode = 1;
      }
    }),
);
