import { createClient } from '@supabase/supabase-js';
import { SignJWT } from 'jose';
import { jwtSecretBytes, type Keys } from '../../local/keys.ts';
import '../../local/websocket.ts';
import { openLanes } from '../measure/lanes.ts';
import type { HttpCall } from './calls.ts';
import type { FrontPorts } from './front.ts';
import { plainHttp } from './plain-http.ts';

/** How a call travels; each of its senders sends one call after the other. */
export interface Way {
  name: string;
  senders: ((call: HttpCall) => Promise<unknown>)[];
  close(): Promise<void>;
}

export const WAYS = ['supabase_js', 'front', 'postgrest', 'database'] as const;
export type WayName = (typeof WAYS)[number];

/** All ways to one database, each with so many clients. */
export async function openWays(
  { frontUrl, postgrestUrl, keys }: FrontPorts,
  databaseUrl: string,
  clients: number,
): Promise<Record<WayName, Way>> {
  const tokens = tokensOf(keys);
  return {
    supabase_js: throughSupabaseJs(frontUrl, keys, tokens, clients),
    front: plainHttp('front', `${frontUrl}/rest/v1`, clients, async (call) => ({
      apikey: keys.secretKey,
      authorization: `Bearer ${await tokens(call.userId)}`,
    })),
    postgrest: plainHttp('postgrest', postgrestUrl, clients, async (call) => ({
      authorization: `Bearer ${await tokens(call.userId)}`,
    })),
    database: await bare(databaseUrl, clients),
  };
}

type Tokens = (userId: string | undefined) => Promise<string>;

/** A token is made once: signing is the auth server's work. */
function tokensOf(keys: Keys): Tokens {
  const made = new Map<string, Promise<string>>();
  const sign = (userId: string) =>
    new SignJWT({ role: 'authenticated', aal: 'aal1' })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setSubject(userId)
      .setAudience('authenticated')
      .setIssuedAt()
      .setExpirationTime('1 day')
      .sign(jwtSecretBytes(keys));
  return (userId) => {
    if (userId === undefined) return Promise.resolve(keys.serviceRoleJwt);
    const token = made.get(userId) ?? sign(userId);
    made.set(userId, token);
    return token;
  };
}

function throughSupabaseJs(url: string, keys: Keys, tokens: Tokens, clients: number): Way {
  const auth = { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false };
  const senders = Array.from({ length: clients }, () => {
    let userId: string | undefined;
    // an accessToken of its own is how supabase-js is told who is signed in
    const client = createClient(url, keys.publishableKey, {
      auth,
      accessToken: () => tokens(userId),
    });
    return async (call: HttpCall) => {
      userId = call.userId;
      const { data, error } =
        'procedure' in call
          ? await client.rpc(call.procedure, call.body)
          : await client
              .from(call.table)
              .select('*')
              .order(call.newestBy, { ascending: false })
              .limit(call.length);
      if (error) throw new Error(error.message);
      return data;
    };
  });
  return { name: 'supabase_js', senders, close: () => Promise.resolve() };
}

async function bare(databaseUrl: string, clients: number): Promise<Way> {
  const lanes = await openLanes(databaseUrl, clients);
  const senders = lanes.connections.map((lane) => async (call: HttpCall) => {
    const rows = await Promise.all(
      call.statements.map(({ text, values }) => lane.unsafe(text, values, { prepare: true })),
    );
    return rows[call.statements.length > 1 ? 2 : 0];
  });
  return { name: 'database', senders, close: () => lanes.close() };
}
