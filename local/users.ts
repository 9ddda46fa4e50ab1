import postgres from 'postgres';
import { z } from 'zod';
import { demoPassword, type Keys } from './keys.ts';

const roles = ['customer', 'vendor', 'warehouse', 'logistics', 'finance', 'admin'] as const;

export interface DemoUser {
  email: string;
  password: string;
  role: (typeof roles)[number];
  id: string;
}

export interface DemoUsersOptions {
  /** Where auth is served. */
  url: string;
  keys: Keys;
  /** The database as postgres, who is the dashboard's user as well. */
  databaseUrl: string;
}

/** One user for each role: signed up as anybody is, then given the role as an admin gives it. */
export async function demoUsers(options: DemoUsersOptions): Promise<DemoUser[]> {
  const { url, keys, databaseUrl } = options;
  const sql = postgres(databaseUrl, { max: 1, prepare: false });

  async function idOf(email: string, password: string): Promise<string> {
    const [known] = await sql<{ id: string }[]>`select id from auth.users where email = ${email}`;
    if (known !== undefined) return known.id;
    return signUp(url, keys, { email, password });
  }

  try {
    const users: DemoUser[] = [];
    for (const role of roles) {
      const email = `${role}@order-ledger.test`;
      const password = demoPassword(keys, email);
      users.push({ email, password, role, id: await idOf(email, password) });
    }
    // A customer needs no role.
    const staff = users.filter(({ role }) => role !== 'customer');
    await sql`
      insert into public.user_roles ${sql(staff.map(({ id, role }) => ({ user_id: id, role })))}
      on conflict do nothing
    `;
    return users;
  } finally {
    await sql.end();
  }
}

const signedUp = z.object({ user: z.object({ id: z.uuid() }) });

async function signUp(
  url: string,
  keys: Keys,
  user: { email: string; password: string },
): Promise<string> {
  const response = await fetch(`${url}/auth/v1/signup`, {
    method: 'POST',
    headers: { apikey: keys.publishableKey, 'content-type': 'application/json' },
    body: JSON.stringify(user),
  });
  if (!response.ok) {
    throw new Error(`signing up ${user.email}: ${response.status} ${await response.text()}`);
  }
  return signedUp.parse(await response.json()).user.id;
}
