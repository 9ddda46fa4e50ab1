import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { withConnection } from '../../database/bootstrap.ts';
import type { PostgresServer } from '../../postgres/postgres.ts';
import { postgresBinaries } from '../../postgres/postgres-binaries.ts';

const archive = join(
  dirname(createRequire(import.meta.url).resolve('@electric-sql/pglite-pgtap')),
  'pgtap.tar.gz',
);

/** pgTAP is SQL only, so the files made for another build of PostgreSQL serve the embedded one. */
async function addToEmbeddedServer(): Promise<void> {
  const { dir } = await postgresBinaries();
  const extensions = join(dir, '..', 'share', 'postgresql', 'extension');
  if (existsSync(join(extensions, 'pgtap.control'))) return;
  const folder = mkdtempSync(join(tmpdir(), 'pgtap-'));
  try {
    execFileSync('tar', ['-xzf', archive, '-C', folder]);
    const source = join(folder, 'share', 'postgresql', 'extension');
    // The control file last: where it is, the others are.
    const files = readdirSync(source).sort((a, b) => Number(isControl(a)) - Number(isControl(b)));
    for (const file of files) {
      const partial = join(extensions, `.${file}.${process.pid}`);
      copyFileSync(join(source, file), partial);
      renameSync(partial, join(extensions, file));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const isControl = (file: string) => file.endsWith('.control');

/** Makes pgTAP available in a database; a server of the system's own brings its own files. */
export async function installPgtap(server: PostgresServer, database: string): Promise<void> {
  await withConnection(server.url('supabase_admin', database), async (sql) => {
    const [there] = await sql`select from pg_available_extensions where name = 'pgtap'`;
    if (!there) await addToEmbeddedServer();
    await sql`create extension if not exists pgtap with schema extensions`;
  });
}
