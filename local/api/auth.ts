import { App } from '@supabase/lite';
import { createPostgresConnection } from '@supabase/lite/postgres';
import { Hono } from 'hono';
import { cors } from 'hono/cors';
import type { Config } from '../config.ts';
import type { Keys } from '../keys.ts';

export interface Auth {
  /** Answers requests to /auth/v1/*. */
  fetch(request: Request): Promise<Response>;
  close(): Promise<void>;
}

export interface AuthOptions {
  /** The database as supabase_auth_admin. */
  databaseUrl: string;
  keys: Keys;
  auth: Config['auth'];
}

/**
 * Supabase Auth's stand-in. The package is an alpha, so this module is the only one that knows
 * it, and only its auth part is used: its REST part loses digits of large numbers.
 */
export function startAuth({ databaseUrl, keys, auth }: AuthOptions): Auth {
  const connection = createPostgresConnection({ url: databaseUrl });
  const app = new App({
    connection,
    api: { enabled: false },
    auth: {
      ...auth,
      enabled: true,
      jwt_secret: keys.jwtSecret,
      email: {
        enable_signup: auth.email.enabled,
        enable_confirmations: auth.email.enable_confirmations,
      },
    },
    // The gateway has checked the key already.
    options: { server: { apiKeys: false } },
  });
  const http = new Hono()
    .use(cors({ origin: '*', exposeHeaders: ['X-Total-Count', 'Link', 'X-Supabase-Api-Version'] }))
    .all('/auth/v1/*', async (context) => {
      const answer = await app.fetch(context.req.raw);
      if (answer.status < 500 || (await reachable(connection))) return answer;
      const msg = 'The database cannot be reached';
      return context.json({ code: 503, error_code: 'database_unavailable', msg }, 503);
    });
  return {
    fetch: async (request) => http.fetch(request),
    // Nothing is under way any more, and a driver that lost its database would wait for it for ever.
    close: () => connection.driver.end({ timeout: 0 }),
  };
}

function reachable({ driver }: ReturnType<typeof createPostgresConnection>): Promise<boolean> {
  return driver`select`.then(
    () => true,
    () => false,
  );
}
