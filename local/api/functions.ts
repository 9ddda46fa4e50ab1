import { createRequire } from 'node:module';
import { join } from 'node:path';
import process from 'node:process';
import { z } from 'zod';
import type { FunctionConfig } from '../config.ts';
import { PROJECT_ROOT } from '../database/supabase-cli.ts';
import type { Keys } from '../keys.ts';
import { ready, startChild } from './child.ts';
import { type OnDemand, onDemand, type Running } from './on-demand.ts';

export interface FunctionsOptions {
  /** Where the gateway listens: functions call the API through it, as they do when hosted. */
  url: string;
  /** The database as postgres. */
  databaseUrl: string;
  keys: Keys;
  configs: Record<string, FunctionConfig>;
  log: (line: string) => void;
}

export interface EdgeFunction {
  verifyJwt: boolean;
  server: OnDemand;
}

/** One Deno process for each function, each with the import map it is deployed with. */
export function edgeFunctions(options: FunctionsOptions): Map<string, EdgeFunction> {
  const enabled = Object.entries(options.configs).filter(([, config]) => config.enabled);
  return new Map(
    enabled.map(([name, config]) => [
      name,
      {
        verifyJwt: config.verify_jwt,
        server: onDemand(() => startFunction(name, config, options)),
      },
    ]),
  );
}

/** What is set for functions where the stack is started, as `supabase secrets set` does on a hosted project. */
const SECRETS_OF_FUNCTIONS = /^PAYMENT_WEBHOOK_SECRETS_/;

async function startFunction(
  name: string,
  config: FunctionConfig,
  { url, databaseUrl, keys, log }: FunctionsOptions,
): Promise<Running> {
  const child = startChild({
    command: deno(),
    args: [
      'serve',
      '--no-prompt',
      '--allow-net',
      // Holds the variables below and a few that say where things are, nothing else.
      '--allow-env',
      // What a function imports it may read anyway; packages read their own files.
      `--allow-read=${join(PROJECT_ROOT, 'node_modules')}`,
      `--config=${config.import_map}`,
      '--host=127.0.0.1',
      '--port=0',
      config.entrypoint,
    ],
    env: {
      ...Object.fromEntries(
        Object.entries(process.env).filter(([name]) => SECRETS_OF_FUNCTIONS.test(name)),
      ),
      NO_COLOR: '1',
      DENO_NO_UPDATE_CHECK: '1',
      SUPABASE_URL: url,
      SUPABASE_DB_URL: databaseUrl,
      SUPABASE_ANON_KEY: keys.anonJwt,
      SUPABASE_SERVICE_ROLE_KEY: keys.serviceRoleJwt,
      SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: keys.publishableKey }),
      SUPABASE_SECRET_KEYS: JSON.stringify({ default: keys.secretKey }),
    },
    log: (line) => log(`${name}: ${line}`),
  });
  const port = await ready(child, () => announcedPort(child.tail()), `The function ${name}`);
  return { port, exited: child.exited, stop: child.stop };
}

/** The binary itself: the package's command is a wrapper that does not pass signals on. */
function deno(): string {
  const installer: unknown = createRequire(import.meta.url)('deno/install_api.cjs');
  return z
    .object({ runInstall: z.function({ output: z.string() }) })
    .parse(installer)
    .runInstall();
}

function announcedPort(lines: string[]): number {
  const port = lines.map((line) => /Listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1]);
  const found = port.find((value) => value !== undefined);
  if (found === undefined) throw new Error('not listening yet');
  return Number(found);
}
