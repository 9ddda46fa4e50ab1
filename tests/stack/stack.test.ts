import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../local/free-port.ts';
import { closeAtEnd } from '../support/at-end.ts';
import { echo, listening, temporaryFolder } from './support.ts';

closeAtEnd();

interface StackJson {
  url: string;
  publishable_key: string;
  secret_key: string;
  database_url: string;
  users: { email: string; password: string; role: string; id: string }[];
}

interface Started {
  process: ChildProcess;
  stack: StackJson;
}

const main = fileURLToPath(new URL('../../local/main.ts', import.meta.url));
const processes: ChildProcess[] = [];
let folder: string;

beforeAll(async () => {
  folder = await temporaryFolder();
});

afterEach(async () => {
  for (const child of processes.splice(0)) await end(child, 'SIGTERM');
});

/** What `npm start -- ARGS` runs. */
function npmStart(...args: string[]) {
  const child = spawn(process.execPath, ['--import', 'tsx', main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  processes.push(child);
  const written = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    written.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    written.stderr += chunk;
  });
  return { child, written };
}

async function start(...args: string[]): Promise<Started> {
  const { child, written } = npmStart('--data', folder, '--json', ...args);
  const ended = once(child, 'exit').then(() => {
    throw new Error(`the stack did not start:\n${written.stderr}`);
  });
  const whole = expect.poll(() => written.stdout, { timeout: 60_000 }).toMatch(/^\{.*\n\}\n$/s);
  await Promise.race([whole, ended]);
  return { process: child, stack: JSON.parse(written.stdout) as StackJson };
}

async function exitOf(...args: string[]) {
  const { child, written } = npmStart(...args);
  const [code] = await once(child, 'close');
  return { code, ...written };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exit = once(child, 'exit');
  child.kill(signal);
  const [code] = await exit;
  return code;
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    () => true,
    () => false,
  );
}

/** Other sessions than this one on the database, by who opened them. */
async function sessions({ database_url }: StackJson): Promise<string[]> {
  const sql = postgres(database_url, { max: 1 });
  try {
    const rows = await sql<{ usename: string }[]>`
      select usename from pg_stat_activity
      where usename in ('authenticator', 'supabase_auth_admin', 'postgres')
        and backend_type = 'client backend' and pid <> pg_backend_pid()
    `;
    return rows.map(({ usename }) => usename);
  } finally {
    await sql.end();
  }
}

test('the stack starts, is killed, recovers, and stops', async () => {
  const first = await start();
  const { stack } = first;
  const file = join(folder, 'stack.json');

  // stack.json says what was printed, to the owner only
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(stack);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(Object.keys(stack)).toEqual([
    'url',
    'publishable_key',
    'secret_key',
    'database_url',
    'users',
  ]);

  // one user for each role, who can sign in
  const roles = ['customer', 'vendor', 'warehouse', 'logistics', 'finance', 'admin'];
  expect(stack.users.map(({ role }) => role)).toEqual(roles);
  for (const { email, password, id } of stack.users) {
    const response = await fetch(`${stack.url}/auth/v1/token?grant_type=password`, {
      method: 'POST',
      headers: { apikey: stack.publishable_key, 'content-type': 'application/json' },
      body: JSON.stringify({ email, password }),
    });
    expect(await response.json()).toMatchObject({ user: { id, email } });
  }
  const held = await fetch(`${stack.url}/rest/v1/user_roles?select=user_id,role`, {
    headers: { apikey: stack.secret_key },
  });
  const given = stack.users.slice(1).map(({ id, role }) => ({ user_id: id, role }));
  expect(await held.json()).toEqual(expect.arrayContaining(given));

  // it is well
  const health = await fetch(`${stack.url}/functions/v1/health`);
  expect(await health.json()).toMatchObject({
    status: 'ok',
    migrations: { pending: [] },
    outbox: { unsent: expect.any(Number) },
  });

  // a second one on the same data is told who has it
  const second = await exitOf('--data', folder);
  expect(second.code).toBe(3);
  expect(second.stderr).toContain(`process ${first.process.pid} serves ${stack.url} since 20`);

  // killed: its servers end with it, but for the database, which the next start ends
  await end(first.process, 'SIGKILL');
  await expect.poll(() => sessions(stack), { timeout: 10_000 }).toEqual([]);
  expect(existsSync(file)).toBe(true);

  const again = await start();
  expect(again.stack.users).toEqual(stack.users);
  expect(again.stack.secret_key).toBe(stack.secret_key);

  // stopped: nothing is left but the data
  expect(await end(again.process, 'SIGTERM')).toBe(0);
  expect(await answers(again.stack.url)).toBe(false);
  await expect(sessions(again.stack)).rejects.toThrow('ECONNREFUSED');
  expect(existsSync(file)).toBe(false);
}, 120_000);

test('an interrupted start leaves nothing running; a fresh one has other keys', async () => {
  const keysFile = join(folder, 'keys.json');
  const keys = await readFile(keysFile, 'utf8');
  const { child, written } = npmStart('--data', folder);
  await expect.poll(() => written.stderr, { timeout: 30_000 }).toContain('applying migrations');
  expect(await end(child, 'SIGINT')).toBe(0);
  expect(written.stderr).toContain('stopped before it was ready');
  expect(existsSync(join(folder, 'postgres', 'postmaster.pid'))).toBe(false);
  expect(await readFile(keysFile, 'utf8')).toBe(keys);

  const { stack } = await start('--fresh');
  expect(keys).not.toContain(stack.secret_key);
}, 60_000);

test('a port that was asked for and is taken is an error that names it', async () => {
  const { port } = await listening(echo);
  const { code, stderr } = await exitOf('--data', folder, '--port', String(port));
  expect(code).toBe(1);
  expect(stderr).toContain(`Port ${port} is taken`);
}, 60_000);

test('in the place of a taken default port a free one is found', async () => {
  const { port } = await listening(echo);
  expect(await freePort(port)).not.toBe(port);
});

test('a wrong option is told apart from a failure', async () => {
  expect((await exitOf('--port', 'many')).code).toBe(2);
  expect((await exitOf('--help')).stdout).toContain('--fresh');
}, 20_000);
