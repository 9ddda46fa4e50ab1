import { randomUUID } from 'node:crypto';
import { afterAll } from 'vitest';
import { withConnection } from '../../local/database/bootstrap.ts';
import type { PostgresServer } from '../../local/postgres/postgres.ts';
import { connect, type Sql, type Transaction } from './connection.ts';
import { TEMPLATE } from './global-setup.ts';
import { testServer } from './server.ts';

/** Who asks: a user by id, somebody without a token, or a backend with the secret key. */
export type Caller = { userId: string } | 'anon' | 'service_role';

export interface TestDatabase {
  name: string;
  server: PostgresServer;
  /** As postgres, who runs migrations and sits in the dashboard. Ten connections at most. */
  sql: Sql;
  /** Somebody who has signed up; gives the id. */
  createUser(email?: string): Promise<string>;
  /** A transaction in which a caller speaks, with the role and claims of their request. */
  as<T>(caller: Caller, work: (sql: Transaction) => Promise<T>): Promise<T>;
  /** The same for a user. */
  asUser<T>(userId: string, work: (sql: Transaction) => Promise<T>): Promise<T>;
  /** More connections as postgres, ended when the file is done. */
  connect(max: number): Sql;
  /** One connection on which a caller speaks until it is ended, for tests that mind each step. */
  session(caller: Caller): Promise<Sql>;
}

/**
 * A copy of the template for one test file, dropped when the file is done. To be called at the top
 * of the file: `const db = await createTestDatabase('orders')`.
 */
export async function createTestDatabase(name: string): Promise<TestDatabase> {
  const server = testServer();
  const database = `test_${name.replace(/\W/g, '_')}_${randomUUID().slice(0, 8)}`;
  const admin = (statement: string) =>
    withConnection(server.url('supabase_admin'), (sql) => sql.unsafe(statement));
  await admin(`create database ${database} template ${TEMPLATE} owner postgres strategy file_copy`);

  const url = server.url('postgres', database);
  const opened: Sql[] = [];
  const open = (max: number) => {
    const connections = connect(url, max);
    opened.push(connections);
    return connections;
  };
  const sql = open(10);
  afterAll(async () => {
    await Promise.all(opened.map((connections) => connections.end({ timeout: 5 })));
    await admin(`drop database ${database} with (force)`);
  });

  const as: TestDatabase['as'] = async (caller, work) => {
    // What `begin` gives is typed for arrays of queries; ours is one promise.
    let result: { value: Awaited<ReturnType<typeof work>> } | undefined;
    await sql.begin(async (transaction) => {
      await become(transaction, caller, true);
      result = { value: await work(transaction) };
    });
    if (!result) throw new Error('the transaction ended without a result');
    return result.value;
  };

  return {
    name: database,
    server,
    sql,
    as,
    asUser: (userId, work) => as({ userId }, work),
    async createUser(email) {
      const id = randomUUID();
      await sql`
        insert into auth.users (id, aud, role, email, email_confirmed_at, raw_user_meta_data)
        values (
          ${id}, 'authenticated', 'authenticated', ${email ?? `${id}@test.invalid`}, now(), '{}'
        )
      `;
      return id;
    },
    connect: open,
    async session(caller) {
      const session = open(1);
      await become(session, caller, false);
      return session;
    },
  };
}

async function become(sql: Sql | Transaction, caller: Caller, local: boolean): Promise<void> {
  const role = typeof caller === 'string' ? caller : 'authenticated';
  const claims = typeof caller === 'string' ? { role } : { sub: caller.userId, role };
  await sql`
    select set_config('request.jwt.claims', ${JSON.stringify(claims)}, ${local}),
      set_config('role', ${role}, ${local})
  `;
}
