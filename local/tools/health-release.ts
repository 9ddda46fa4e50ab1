import { Command } from 'commander';
import { PROJECT_ROOT } from '../database/supabase-cli.ts';
import { writeOrCheck } from './generate/generated-file.ts';
import { releaseFile, releaseText } from './generate/release.ts';

await new Command('health:release')
  .description('list version and migrations for functions/health')
  .option('--check', 'write nothing; exit with 1 if the file is stale', false)
  .option('--project <folder>', 'folder with functions/ and supabase/', PROJECT_ROOT)
  .action(({ check, project }: { check: boolean; project: string }) => {
    writeOrCheck(releaseFile(project), releaseText(project), check, 'npm run health:release');
  })
  .parseAsync();
