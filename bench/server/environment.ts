import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import type postgres from 'postgres';
import { PROJECT_ROOT } from '../../local/database/supabase-cli.ts';
import type { Environment } from '../report/result.ts';
import { schemaSource } from './server.ts';

/** On what a run was made: enough to judge its figures, nothing that names the machine. */
export async function describeEnvironment(sql: postgres.Sql): Promise<Environment> {
  const [server] = await sql`select current_setting('server_version') as version`;
  const settings = await sql<{ name: string; setting: string }[]>`
    select name, current_setting(name) as setting
    from pg_settings
    where source in ('configuration file', 'command line')
      and boot_val is distinct from setting
      and name not in ('port', 'listen_addresses', 'unix_socket_directories', 'dynamic_shared_memory_type')
    order by name`;
  const [cpu] = cpus();
  return {
    at: new Date().toISOString(),
    commit: commit(),
    schema: schemaSource(),
    cpu: cpu?.model ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    postgres: String(server?.version),
    settings: Object.fromEntries(settings.map(({ name, setting }) => [name, setting])),
  };
}

/** Null where the project was not checked out with git. */
function commit(): string | null {
  try {
    const git = (...words: string[]) =>
      execFileSync('git', words, { cwd: PROJECT_ROOT, encoding: 'utf8', stdio: 'pipe' }).trim();
    const changed = git('status', '--porcelain') === '' ? '' : ' with changes';
    return git('rev-parse', '--short', 'HEAD') + changed;
  } catch {
    return null;
  }
}
