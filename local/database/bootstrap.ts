import { readFileSync } from 'node:fs';
import { App } from '@supabase/lite';
import { createPostgresConnection } from '@supabase/lite/postgres';
import postgres from 'postgres';
import type { LoginRole, PostgresServer } from '../postgres/postgres.ts';

const read = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8');

/**
 * Makes a database what a new Supabase project has: roles with their passwords, schemas,
 * privileges, the auth server's tables. A database that does not exist is created; one that is
 * ready stays as it is.
 */
export async function bootstrapDatabase(
  server: PostgresServer,
  database = 'postgres',
): Promise<void> {
  // The roles are the cluster's, and two that alter the same one at once collide. From template1,
  // for the database to be made may be `postgres`.
  await withConnection(server.url('supabase_admin', 'template1'), async (sql) => {
    await sql`select pg_advisory_lock(hashtext('bootstrap'))`;
    await createDatabase(sql, database);
    await prepareDatabase(server, database);
  });
}

async function prepareDatabase(server: PostgresServer, database: string): Promise<void> {
  await withConnection(server.url('supabase_admin', database), async (sql) => {
    await sql.unsafe(read('./bootstrap.sql'));
    for (const role of ['postgres', 'authenticator', 'supabase_auth_admin'] as const) {
      await setPassword(sql, role, new URL(server.url(role)).password);
    }
  });
  await withConnection(server.url('supabase_auth_admin', database), async (sql) => {
    const [present] = await sql`select to_regclass('auth.users') is not null as users`;
    await sql.begin(async (transaction) => {
      if (!present?.users) await transaction.unsafe(await authSchema());
      await transaction.unsafe(read('./bootstrap-auth.sql'));
    });
  });
}

export async function withConnection<T>(
  url: string,
  work: (sql: postgres.Sql) => Promise<T>,
): Promise<T> {
  const sql = postgres(url, { max: 1, onnotice: () => {}, prepare: false });
  try {
    return await work(sql);
  } finally {
    await sql.end();
  }
}

async function createDatabase(sql: postgres.Sql, database: string): Promise<void> {
  const [present] = await sql`select from pg_database where datname = ${database}`;
  if (!present) await sql`create database ${sql(database)} template template0`;
}

/** A verifier is made anew each time it is set, so one that works already is left alone. */
async function setPassword(sql: postgres.Sql, role: LoginRole, password: string): Promise<void> {
  const [login] =
    await sql`select rolpassword is not null as set from pg_authid where rolname = ${role}`;
  if (login?.set) return;
  await sql.unsafe(`alter role ${role} password '${password}'`);
}

/** The tables that the local auth server wants, in its own words. */
async function authSchema(): Promise<string> {
  const connection = createPostgresConnection({ url: 'postgresql://127.0.0.1:1/unused' });
  const app = new App({
    connection,
    auth: { enabled: true, jwt_secret: 'no token is signed with this one' },
    db: { migrations: { enabled: false } },
  });
  await app.init(); // puts the schema together; connects nowhere
  const { baseSchema } = connection.config;
  await connection.close();
  if (!baseSchema?.includes('auth.users')) throw new Error('@supabase/lite gave no auth schema');
  return baseSchema;
}
