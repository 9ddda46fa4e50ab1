import { join } from 'node:path';
import { differingDataFiles } from './reference-rows.ts';
import { schemaDiff } from './schema-diff.ts';
import { unmanagedDifferences } from './unmanaged.ts';

export interface Differences {
  /** The statements that make one schema the other. */
  schema: string;
  /** Data files of `sql/` whose rows are not the same. */
  dataFiles: string[];
  /** What no generated statement mends, a sentence each. */
  unmanaged: string[];
}

/** How a database made from the migrations differs from one made from `sql/`. */
export async function differences(
  migrationsUrl: string,
  sqlUrl: string,
  root: string,
): Promise<Differences> {
  return {
    schema: await schemaDiff(migrationsUrl, sqlUrl),
    dataFiles: await differingDataFiles(migrationsUrl, sqlUrl, join(root, 'sql')),
    unmanaged: await unmanagedDifferences(migrationsUrl, sqlUrl),
  };
}

/** The same as text; empty when there is no difference. */
export function describeDifferences({ schema, dataFiles, unmanaged }: Differences): string {
  return [
    ...(schema ? [schema] : []),
    ...dataFiles.map((file) => `rows differ: sql/${file}`),
    ...unmanaged,
  ].join('\n');
}
