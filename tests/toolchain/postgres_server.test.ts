import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { bootstrapDatabase, withConnection } from '../../local/database/bootstrap.ts';
import { type PostgresServer, startPostgres } from '../../local/postgres/postgres.ts';
import { isRunning } from '../../local/postgres/postmaster.ts';

function dataDir(): string {
  const folder = mkdtempSync(join(tmpdir(), 'order-ledger-server-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, 'postgres');
}

async function started(
  folder: string,
  options: { port?: number; durable?: boolean } = {},
): Promise<PostgresServer> {
  const server = await startPostgres({ dataDir: folder, ...options });
  onTestFinished(() => server.stop());
  return server;
}

const count = (server: PostgresServer) =>
  withConnection(server.url('supabase_admin'), async (sql) => {
    const [row] = await sql`select count(*)::int as n from kept`;
    return row?.n;
  });

test('what was committed is there after the server was killed', async () => {
  const folder = dataDir();
  const server = await started(folder);
  await withConnection(server.url('supabase_admin'), async (sql) => {
    await sql`create table kept (n int)`;
    await sql`insert into kept values (1)`;
  });
  process.kill(server.pid, 'SIGKILL');
  expect(await count(await started(folder))).toBe(1);
});

test('a server whose starter was killed is ended and started anew', async () => {
  const folder = dataDir();
  const program = `
    import { startPostgres } from ${JSON.stringify(import.meta.resolve('../../local/postgres/postgres.ts'))};
    console.log((await startPostgres({ dataDir: ${JSON.stringify(folder)} })).pid);
    setInterval(() => {}, 1000);
  `;
  const words = ['--import', 'tsx', '--input-type=module', '--eval', program];
  const starter = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(starter.stdout, 'data')) as [Buffer];
  const orphan = Number(line);
  await expect(startPostgres({ dataDir: folder })).rejects.toThrow('in use by process');

  starter.kill('SIGKILL');
  await once(starter, 'exit');
  expect(isRunning(orphan)).toBe(true);
  const server = await started(folder);
  expect(server.pid).not.toBe(orphan);
  expect(isRunning(orphan)).toBe(false);
});

test('a taken port is not waited for: the server gets another', async () => {
  const holder = createServer();
  await once(holder.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void holder.close());
  const { port } = holder.address() as { port: number };
  const server = await started(dataDir(), { port, durable: false });
  expect(server.port).not.toBe(port);
});

test('passwords are generated, and only the owner of the folder can read them', async () => {
  const server = await started(dataDir(), { durable: false });
  const file = join(server.dataDir, 'passwords.json');
  expect(statSync(file).mode & 0o077).toBe(0);
  const { supabase_admin: password } = JSON.parse(readFileSync(file, 'utf8')) as {
    supabase_admin: string;
  };
  expect(server.url('supabase_admin')).toContain(password);
  const wrong = server.url('supabase_admin').replace(password, 'wrong');
  await expect(withConnection(wrong, (sql) => sql`select 1`)).rejects.toThrow('password');
});

test('the roles are as on the platform, and stay so when set up twice', async () => {
  const server = await started(dataDir(), { durable: false });
  await bootstrapDatabase(server);
  await bootstrapDatabase(server);
  await withConnection(server.url('postgres'), async (sql) => {
    const refused = (statement: string) =>
      expect(sql.unsafe(statement)).rejects.toThrow(/permission denied|must be owner/);
    const [me] = await sql`
      select rolsuper, rolbypassrls, rolcreaterole from pg_roles where rolname = current_user
    `;
    expect(me).toEqual({ rolsuper: false, rolbypassrls: true, rolcreaterole: true });
    await refused('create table auth.mine ()');
    await refused(
      'create event trigger mine on sql_drop execute function extensions.pgrst_drop_watch()',
    );
    await refused('alter table auth.users disable trigger all');

    // What the platform lets postgres do.
    await sql.unsafe(
      'create function public.t() returns trigger language plpgsql as $$ begin end $$',
    );
    await sql.unsafe('create trigger t after insert on auth.users execute function public.t()');
    await sql.unsafe('create table public.p (id uuid references auth.users)');
    await sql.unsafe('set session_replication_role = replica');

    await sql.unsafe(`set request.jwt.claims = '{"sub": "00000000-0000-4000-8000-000000000001"}'`);
    const [{ uid } = {}] = await sql`select auth.uid()`;
    expect(uid).toBe('00000000-0000-4000-8000-000000000001');
    const [{ open } = {}] =
      await sql`select has_table_privilege('anon', 'public.p', 'insert') as open`;
    expect(open, 'new tables are open until revoked, as on the platform').toBe(true);
  });
});

test('databases are set up at the same time without getting in each other’s way', async () => {
  const server = await started(dataDir(), { durable: false });
  const names = Array.from({ length: 8 }, (_, i) => `beside_${i}`);
  await Promise.all(names.map((name) => bootstrapDatabase(server, name)));
});
