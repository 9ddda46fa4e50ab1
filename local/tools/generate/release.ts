import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const manifest = z.object({ version: z.string() });

export function releaseFile(project: string): string {
  return join(project, 'functions', 'health', 'release.json');
}

/** What functions/health compares a database with: a deployed function cannot read the project. */
export function releaseText(project: string): string {
  const { version } = manifest.parse(
    JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')),
  );
  const migrations = readdirSync(join(project, 'supabase', 'migrations'))
    .flatMap((file) => /^(\d+)_.*\.sql$/.exec(file)?.[1] ?? [])
    .toSorted();
  return `${JSON.stringify({ version, migrations }, null, 2)}\n`;
}
