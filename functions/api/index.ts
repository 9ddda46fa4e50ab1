import process from 'node:process';
import { z } from 'zod';
import { createApi } from './app.ts';

/** Hosted projects give their keys by name; older ones have the anon key alone. */
const keys = z
  .object({ default: z.string() })
  .safeParse(JSON.parse(process.env.SUPABASE_PUBLISHABLE_KEYS ?? '{}'));

const api = createApi({
  supabaseUrl: z.url().parse(process.env.SUPABASE_URL),
  publishableKey: keys.success
    ? keys.data.default
    : z.string().parse(process.env.SUPABASE_ANON_KEY),
});

export default { fetch: (request: Request): Response | Promise<Response> => api.fetch(request) };
