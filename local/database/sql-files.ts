import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { globSync } from 'tinyglobby';

/** Written by `npm run db:snapshot`, loaded by nobody. */
export const SNAPSHOT = 'schema.snapshot.sql';

const isData = (file: string) => file.endsWith('.data.sql');

export interface SqlFiles {
  /** What makes the schema, in load order. */
  structure: string[];
  /** `*.data.sql`: reference rows, loaded after all of the schema. */
  data: string[];
}

/**
 * The files of `sql/`, in the order of its `load-order.txt`: one path or glob a line, `#` starts a
 * comment, a glob stands for its files by name without those listed before, and for data files only
 * if it says so. A file that no line names is a mistake and not a file to skip.
 */
export function listSqlFiles(sqlDir: string): SqlFiles {
  const listed = new Set<string>();
  for (const line of readFileSync(join(sqlDir, 'load-order.txt'), 'utf8').split('\n')) {
    const pattern = line.replace(/#.*/, '').trim();
    if (pattern === '') continue;
    const found = globSync(pattern, { cwd: sqlDir })
      .filter((file) => isData(file) === isData(pattern))
      .sort();
    if (found.length === 0) throw new Error(`load-order.txt: nothing is named ${pattern}`);
    for (const file of found) listed.add(file);
  }
  const forgotten = globSync('**/*.sql', { cwd: sqlDir })
    .filter((file) => file !== SNAPSHOT && !listed.has(file))
    .sort();
  if (forgotten.length > 0) {
    throw new Error(`load-order.txt does not name ${forgotten.join(', ')}`);
  }
  const files = [...listed];
  return { structure: files.filter((file) => !isData(file)), data: files.filter(isData) };
}
