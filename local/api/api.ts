import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readConfig } from '../config.ts';
import type { Keys } from '../keys.ts';
import type { PostgresServer } from '../postgres/postgres.ts';
import { startAuth } from './auth.ts';
import { edgeFunctions } from './functions.ts';
import { gateway } from './gateway.ts';
import { onDemand } from './on-demand.ts';
import { startPostgrest } from './postgrest.ts';

export interface ApiOptions {
  server: PostgresServer;
  database: string;
  keys: Keys;
  /** Any free one by default. */
  port?: number;
  /** Whether edge functions are served, each by a Deno of its own from its first request on. */
  functions?: boolean;
  /** What PostgREST and the functions write. */
  log?: (line: string) => void;
}

export interface Api {
  url: string;
  stop(): Promise<void>;
}

const clientIdleTimeout = 65_000;
const drainTimeout = 5_000;

/** PostgREST, auth and edge functions for one database, behind one HTTP port. */
export async function startApi(options: ApiOptions): Promise<Api> {
  const { server: postgres, database, keys, functions = true, log = () => {} } = options;
  const config = await readConfig();
  const http = createServer({ keepAliveTimeout: clientIdleTimeout });
  http.listen(options.port ?? 0, '127.0.0.1');
  await once(http, 'listening');
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;

  const rest = onDemand(() =>
    startPostgrest({
      databaseUrl: postgres.url('authenticator', database),
      keys,
      api: config.api,
      log: (line) => log(`postgrest: ${line}`),
    }),
  );
  const auth = startAuth({
    databaseUrl: postgres.url('supabase_auth_admin', database),
    keys,
    auth: config.auth,
  });
  const edge = edgeFunctions({
    url,
    databaseUrl: postgres.url('postgres', database),
    keys,
    configs: functions ? config.functions : {},
    log,
  });
  const front = gateway(keys, { rest, auth: auth.fetch, functions: edge });
  http.on('request', front.listener);

  const stop = async () => {
    const closed = once(http, 'close');
    http.close();
    const impatience = setTimeout(() => http.closeAllConnections(), drainTimeout);
    await closed;
    clearTimeout(impatience);
    front.disconnect();
    await Promise.all([
      rest.stop(),
      auth.close(),
      ...[...edge.values()].map((edgeFunction) => edgeFunction.server.stop()),
    ]);
  };

  try {
    await rest.get();
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, stop };
}
