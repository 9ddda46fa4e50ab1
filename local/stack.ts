import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { startApi } from './api/api.ts';
import { readConfig } from './config.ts';
import { bootstrapDatabase } from './database/bootstrap.ts';
import { migrate, seed } from './database/migrate.ts';
import { writeSecretFile } from './files.ts';
import { freePort } from './free-port.ts';
import { loadKeys } from './keys.ts';
import { lockData } from './lock.ts';
import { type PostgresServer, startPostgres } from './postgres/postgres.ts';
import { runningServer, stopProcess } from './postgres/postmaster.ts';
import { startScheduler } from './scheduler.ts';
import { type DemoUser, demoUsers } from './users.ts';

export interface StackOptions {
  /** The folder that holds everything of this stack: database, keys, stack.json. */
  dataDir: string;
  /** Must be free. By default the one in config.toml, or another when that is taken. */
  port?: number;
  /** Forgets what the folder holds. */
  fresh?: boolean;
  /** Hears of each step, and what the servers write. */
  log?: (line: string) => void;
  /** Gives up starting. */
  signal?: AbortSignal;
}

export interface Stack {
  url: string;
  publishableKey: string;
  secretKey: string;
  databaseUrl: string;
  users: DemoUser[];
  server: PostgresServer;
  stop(): Promise<void>;
}

/** Brings up the whole backend on one folder: what `npm start` does. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const ends: (() => Promise<void>)[] = [];
  try {
    return await start(options, ends);
  } catch (error) {
    await endAll(ends).catch((failure: unknown) => {
      throw new AggregateError([error, failure], 'the stack neither started nor ended cleanly');
    });
    throw error;
  }
}

async function start(options: StackOptions, ends: (() => Promise<void>)[]): Promise<Stack> {
  const { port, fresh = false, log = () => {}, signal } = options;
  const step = (line: string) => {
    signal?.throwIfAborted();
    log(line);
  };
  const dataDir = resolve(options.dataDir);
  const inData = (name: string) => join(dataDir, name);
  const databaseDir = inData('postgres');
  const keysFile = inData('keys.json');
  const seededFile = inData('seeded.json');
  const stackFile = inData('stack.json');
  const config = await readConfig();

  const lock = lockData(dataDir);
  ends.push(async () => lock.release());
  const apiPort = await freePort(port ?? config.api.port);
  if (port !== undefined && apiPort !== port) {
    throw new Error(`Port ${port} is taken: choose another one with --port.`);
  }

  const leftover = runningServer(databaseDir);
  if (leftover !== undefined) {
    step(`ending the database server of a killed stack (process ${leftover})`);
    await stopProcess(leftover);
  }
  const outdated = fresh ? [databaseDir, keysFile, seededFile, stackFile] : [stackFile];
  for (const path of outdated) await rm(path, { recursive: true, force: true });
  if (existsSync(databaseDir) && !existsSync(keysFile)) {
    throw new Error(
      `${keysFile} is gone, and with it the passwords of the demo users: ` +
        'put it back, or start with --fresh.',
    );
  }

  step('starting PostgreSQL');
  const keys = await loadKeys(dataDir);
  const server = await startPostgres({ dataDir: databaseDir, port: config.db.port });
  ends.push(() => server.stop());
  if (server.port !== config.db.port) step(portTaken(config.db.port, server.port));
  await bootstrapDatabase(server);

  step('applying migrations');
  const databaseUrl = server.url('postgres');
  await migrate(databaseUrl);
  if (!existsSync(seededFile)) {
    step('seeding');
    await seed(databaseUrl);
    await writeSecretFile(seededFile, { at: new Date().toISOString() });
  }

  step('starting PostgREST, auth and functions');
  if (port === undefined && apiPort !== config.api.port) step(portTaken(config.api.port, apiPort));
  const api = await startApi({ server, database: 'postgres', keys, port: apiPort, log });
  ends.push(api.stop);
  lock.announce(api.url);

  step('preparing users and jobs');
  const users = await demoUsers({ url: api.url, keys, databaseUrl });
  const scheduler = await startScheduler(databaseUrl, log);
  ends.push(scheduler.stop);
  signal?.throwIfAborted();

  const stack: Stack = {
    url: api.url,
    publishableKey: keys.publishableKey,
    secretKey: keys.secretKey,
    databaseUrl,
    users,
    server,
    stop: once(() => endAll(ends)),
  };
  await writeSecretFile(stackFile, stackJson(stack));
  ends.push(() => rm(stackFile));
  return stack;
}

/** What other programs need to know to use the stack: the content of stack.json. */
export function stackJson({ url, publishableKey, secretKey, databaseUrl, users }: Stack) {
  return {
    url,
    publishable_key: publishableKey,
    secret_key: secretKey,
    database_url: databaseUrl,
    users,
  };
}

function portTaken(wanted: number, chosen: number): string {
  return `port ${wanted} is taken, so this is ${chosen}`;
}

/** In reverse order; one that fails does not keep the others from ending. */
async function endAll(ends: (() => Promise<void>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const end of ends.toReversed()) {
    await end().catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw new AggregateError(failures, 'the stack did not stop cleanly');
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= work();
    return result;
  };
}
