import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { Caller } from './caller.ts';
import type { Database } from './database.ts';

export interface Settings {
  /** Where PostgREST is, below /rest/v1. */
  supabaseUrl: string;
  /** Sent where a caller brings no key of their own; it gives no rights beyond a visitor's. */
  publishableKey: string;
}

export interface ApiEnvironment {
  Variables: {
    caller: Caller;
    /** Asks as the caller, so that row-level security decides. */
    database: Database;
  };
}

export type Api = OpenAPIHono<ApiEnvironment>;
export type ApiContext = Context<ApiEnvironment>;

/** Where the platform serves this function, for links in answers. */
export const PUBLIC_BASE = '/functions/v1/api/v1';
