import { inject } from 'vitest';
import type { PostgresServer } from '../../local/postgres/postgres.ts';

/** The server that the run shares. It is not a test file's to stop. */
export function testServer(): PostgresServer {
  const { urls, ...server } = inject('postgres');
  return {
    ...server,
    url(role, database = 'postgres') {
      const url = new URL(urls[role]);
      url.pathname = `/${encodeURIComponent(database)}`;
      return url.href;
    },
    stop: () => Promise.reject(new Error('the test run stops its server')),
  };
}
