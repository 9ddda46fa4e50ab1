import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { supabaseCli } from '../../database/supabase-cli.ts';

/** Object kinds pg-delta leaves out, and why that is no gap here. */
const LEFT_OUT: Record<string, string> = {
  'parameter ACL': "the cluster's, set by the platform",
  'statistics object': 'compared by unmanaged.ts',
};

/** What turns one database's schema into the other's, by the CLI's pg-delta; empty if nothing. */
export async function schemaDiff(fromUrl: string, toUrl: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'order-ledger-diff-'));
  const file = join(folder, 'diff.sql');
  try {
    const words = ['--use-pg-delta', '--from', fromUrl, '--to', toUrl, '--output', file];
    const messages = await supabaseCli(['db', 'diff', ...words]);
    refuseGaps(messages);
    return existsSync(file) ? portable(readFileSync(file, 'utf8')) : '';
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function refuseGaps(messages: string): void {
  const kinds = /does not manage these PostgreSQL object kinds: ([^.]*)\./.exec(messages)?.[1];
  const unknown = (kinds?.split(', ') ?? []).filter((kind) => !(kind in LEFT_OUT));
  if (unknown.length > 0) {
    throw new Error(
      `pg-delta leaves out ${unknown.join(', ')}, so migrations could miss a change of theirs: ` +
        'do without them, or compare them in local/tools/diff/unmanaged.ts',
    );
  }
}

const EVERY_TABLE_PRIVILEGE =
  /DELETE, INSERT, MAINTAIN, REFERENCES, SELECT, TRIGGER, TRUNCATE, UPDATE/g;
const OWNER_KEEPS_ALL =
  /REVOKE ALL ON (.+) FROM "postgres";\n\nGRANT (?:ALL|EXECUTE|USAGE|SELECT, UPDATE, USAGE|CREATE, USAGE) ON \1 TO "postgres";\n*/g;

/**
 * PostgreSQL 15 and 16 have no MAINTAIN privilege, so "all" has to be said as such. What the owner
 * has anyway is not said at all.
 */
function portable(sql: string): string {
  return sql.replaceAll(EVERY_TABLE_PRIVILEGE, 'ALL').replaceAll(OWNER_KEEPS_ALL, '');
}
