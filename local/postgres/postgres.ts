import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../free-port.ts';
import { type Binaries, postgresBinaries } from './postgres-binaries.ts';
import { isAlive, runningServer, stopProcess } from './postmaster.ts';
import { type ProcessOwner, processOwner } from './unprivileged.ts';

const ROLES = ['postgres', 'supabase_admin', 'authenticator', 'supabase_auth_admin'] as const;
export type LoginRole = (typeof ROLES)[number];

export interface PostgresServer {
  port: number;
  dataDir: string;
  /** A connection string; the database is `postgres` unless named. */
  url(role: LoginRole, database?: string): string;
  /** Fast shutdown: sessions end, nothing committed is lost. */
  stop(): Promise<void>;
  pid: number;
}

export interface PostgresOptions {
  dataDir: string;
  port?: number;
  /** Folder with `postgres` and `initdb` of another installation. */
  binDir?: string;
  /** `false` trades crash safety for speed; for throw-away databases only. */
  durable?: boolean;
}

/**
 * Reasons not to start that pass by themselves: somebody took the port between our finding it and
 * the server's binding it; a killed server still stands in the system's list of processes, or its
 * sessions have not noticed yet that it is gone.
 */
const PASSING =
  /could not bind|lock file "postmaster.pid" already exists|pre-existing shared memory block/;
const PATIENCE = 30_000;

type Passwords = Record<LoginRole, string>;

/** Starts the server of a data folder, creating the folder's contents on first use. */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const dataDir = resolve(options.dataDir);
  mkdirSync(dirname(dataDir), { recursive: true });
  const binaries = await postgresBinaries(options.binDir);
  const owner = processOwner(dataDir, binaries.dir);
  const durable = options.durable ?? true;
  const passwords = await initialise(dataDir, binaries, owner, durable);
  await endOrphan(dataDir);

  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const port = await freePort(options.port);
    const launched = await launch(binaries, owner, dataDir, port, durable);
    if (launched) return { port, dataDir, url: urls(port, passwords), ...launched };
    const messages = logTail(dataDir);
    if (!PASSING.test(messages) || Date.now() > deadline) {
      throw new Error(`PostgreSQL did not start in ${dataDir}:\n${messages}`);
    }
    await delay(50);
  }
}

function urls(port: number, passwords: Passwords): PostgresServer['url'] {
  return (role, database = 'postgres') =>
    `postgresql://${role}:${passwords[role]}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
}

async function initialise(
  dataDir: string,
  binaries: Binaries,
  owner: ProcessOwner,
  durable: boolean,
): Promise<Passwords> {
  if (existsSync(join(dataDir, 'PG_VERSION'))) {
    const made = Number(readFileSync(join(dataDir, 'PG_VERSION'), 'utf8'));
    if (made === binaries.major) {
      return JSON.parse(readFileSync(join(dataDir, 'passwords.json'), 'utf8')) as Passwords;
    }
    throw new Error(
      `${dataDir} was made by PostgreSQL ${made} and this is ${binaries.major}: ` +
        'start with a fresh data folder',
    );
  }

  // Made beside its place and then moved there, so that a half-made folder is never taken for one.
  const unfinished = `${dataDir}.new`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  const passwords = Object.fromEntries(
    ROLES.map((role) => [role, randomBytes(18).toString('base64url')]),
  ) as Passwords;
  const passwordFile = join(tmpdir(), `initdb-${randomBytes(8).toString('hex')}`);
  writeFileSync(passwordFile, passwords.supabase_admin, { mode: 0o600 });
  try {
    if (owner.files) {
      chownSync(unfinished, owner.files.uid, owner.files.gid);
      chownSync(passwordFile, owner.files.uid, owner.files.gid);
    }
    await run(owner, binaries.initdb, [
      `--pgdata=${unfinished}`,
      '--username=supabase_admin',
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      ...(durable ? [] : ['--no-sync']),
      // The built-in provider sorts the same on every system; PostgreSQL 15 has no such thing.
      ...(binaries.major >= 17
        ? ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
        : ['--locale=C.UTF-8']),
    ]);
  } finally {
    rmSync(passwordFile);
  }
  writeFileSync(join(unfinished, 'passwords.json'), `${JSON.stringify(passwords, null, 2)}\n`, {
    mode: 0o600,
  });
  renameSync(unfinished, dataDir);
  return passwords;
}

function run(owner: ProcessOwner, program: string, args: string[]): Promise<void> {
  return new Promise((done, reject) => {
    const { command, words } = commandLine(owner, program, args);
    const child = spawn(command, words, { ...owner.spawn, stdio: ['ignore', 'ignore', 'pipe'] });
    let messages = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      messages += text;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) done();
      else reject(new Error(`${program} ended with code ${code}:\n${messages}`));
    });
  });
}

function commandLine(owner: ProcessOwner, program: string, args: string[]) {
  const [command = program, ...words] = [...owner.prefix, program, ...args];
  return { command, words };
}

/** A server whose starter is gone is ended; one whose starter lives is somebody's. */
async function endOrphan(dataDir: string): Promise<void> {
  const pid = runningServer(dataDir);
  if (pid === undefined) return;
  const ownerFile = join(dataDir, 'started-by');
  const starter = existsSync(ownerFile) ? Number(readFileSync(ownerFile, 'utf8')) : undefined;
  if (starter !== undefined && isAlive(starter)) {
    throw new Error(`the database in ${dataDir} is in use by process ${starter} (server ${pid})`);
  }
  await stopProcess(pid);
}

function logFile(dataDir: string): string {
  return join(dataDir, 'server.log');
}

function logTail(dataDir: string): string {
  return readFileSync(logFile(dataDir), 'utf8').split('\n').slice(-20).join('\n');
}

async function launch(
  binaries: Binaries,
  owner: ProcessOwner,
  dataDir: string,
  port: number,
  durable: boolean,
): Promise<Pick<PostgresServer, 'pid' | 'stop'> | undefined> {
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: '200',
    shared_buffers: '256MB',
    timezone: 'UTC',
    log_timezone: 'UTC',
    shared_preload_libraries: 'pg_stat_statements',
    ...(durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const { command, words } = commandLine(owner, binaries.postgres, ['-D', dataDir, ...flags]);

  // The log goes to a file, so that a server that outlives its starter does not write into a
  // closed pipe; in a process group of its own, so that Ctrl-C reaches the starter alone, which
  // stops the parts in order.
  const log = openSync(logFile(dataDir), 'w', 0o600);
  const child = spawn(command, words, {
    ...owner.spawn,
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const failure = new Promise<Error>((done) => child.once('error', done));
  const exited = new Promise<void>((done) => child.once('exit', () => done()));
  const running = () => child.exitCode === null && child.signalCode === null;
  const { pid } = child;
  if (pid === undefined) throw await failure;

  writeFileSync(join(dataDir, 'started-by'), String(process.pid), { mode: 0o600 });
  const endWithStarter = () => child.kill('SIGINT');
  process.once('exit', endWithStarter);

  // After a crash the server replays its log before it is ready: no deadline of ours.
  const pidFile = join(dataDir, 'postmaster.pid');
  const ready = () => {
    if (!existsSync(pidFile)) return false;
    const lines = readFileSync(pidFile, 'utf8').split('\n');
    return Number(lines[0]) === pid && lines[7]?.trim() === 'ready';
  };
  while (running() && !ready()) await delay(10);

  if (!running()) {
    process.off('exit', endWithStarter);
    return undefined;
  }
  child.unref();
  return {
    pid,
    async stop() {
      process.off('exit', endWithStarter);
      child.ref(); // else a process that has nothing left but this ends before the server has
      if (running()) child.kill('SIGINT');
      await exited;
    },
  };
}
