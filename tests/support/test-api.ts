import { createClient, type SupabaseClient } from '@supabase/supabase-js';
import { SignJWT } from 'jose';
import { afterAll } from 'vitest';
import { startApi } from '../../local/api/api.ts';
import { createKeys, jwtSecretBytes, type Keys } from '../../local/keys.ts';
import '../../local/websocket.ts';
import type { Database } from '../../types/database.ts';
import type { TestDatabase } from './test-database.ts';

export type Client = SupabaseClient<Database>;

export interface TestApi {
  url: string;
  keys: Keys;
  /** A client without a user. */
  anon: Client;
  /** A client with the secret key. */
  service: Client;
  /** A client that is signed in as a user who exists. */
  user(userId: string): Promise<Client>;
  /** Their access token. */
  token(userId: string): Promise<string>;
}

/**
 * PostgREST, auth and functions on a test file's database, stopped when the file is done. To be
 * called at the top of the file.
 */
export async function startTestApi(db: TestDatabase): Promise<TestApi> {
  const keys = await createKeys();
  const api = await startApi({ server: db.server, database: db.name, keys });
  afterAll(() => api.stop());

  const client = (key: string, token?: string): Client =>
    createClient<Database>(api.url, key, {
      auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
      ...(token ? { global: { headers: { Authorization: `Bearer ${token}` } } } : {}),
    });
  const token = (userId: string): Promise<string> =>
    new SignJWT({ role: 'authenticated', aal: 'aal1' })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setSubject(userId)
      .setAudience('authenticated')
      .setIssuedAt()
      .setExpirationTime('1 hour')
      .sign(jwtSecretBytes(keys));
  return {
    url: api.url,
    keys,
    anon: client(keys.publishableKey),
    service: client(keys.secretKey),
    token,
    user: async (userId) => client(keys.publishableKey, await token(userId)),
  };
}
