import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parse } from 'smol-toml';
import { z } from 'zod';

const supabaseFolder = new URL('../supabase/', import.meta.url);

/** A path in config.toml is relative to the folder that config.toml lies in. */
const path = z.string().transform((value) => fileURLToPath(new URL(value, supabaseFolder)));

const functionConfig = z.object({
  enabled: z.boolean().default(true),
  verify_jwt: z.boolean().default(true),
  entrypoint: path,
  import_map: path,
});

/** What the local stack needs of supabase/config.toml; the CLI reads the rest. */
const config = z.object({
  api: z.object({
    port: z.number(),
    schemas: z.array(z.string()),
    extra_search_path: z.array(z.string()),
    max_rows: z.number(),
  }),
  db: z.object({ port: z.number() }),
  auth: z.object({
    site_url: z.string(),
    jwt_expiry: z.number(),
    enable_refresh_token_rotation: z.boolean(),
    refresh_token_reuse_interval: z.number(),
    enable_signup: z.boolean(),
    minimum_password_length: z.number(),
    email: z.object({ enabled: z.boolean(), enable_confirmations: z.boolean() }),
  }),
  functions: z.record(z.string(), functionConfig).default({}),
});

export type Config = z.infer<typeof config>;
export type FunctionConfig = z.infer<typeof functionConfig>;

export async function readConfig(): Promise<Config> {
  return config.parse(parse(await readFile(new URL('config.toml', supabaseFolder), 'utf8')));
}
