import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { bootstrapDatabase } from '../../local/database/bootstrap.ts';
import { jwtSecretBytes, type Keys } from '../../local/keys.ts';
import { type PostgresServer, startPostgres } from '../../local/postgres/postgres.ts';
import { atEnd } from '../support/at-end.ts';

/** Removed when the tests of the file are done. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'order-ledger-stack-'));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A database server as a new project has it, without this project's migrations. */
export async function emptyProject(): Promise<PostgresServer> {
  const dataDir = join(await temporaryFolder(), 'postgres');
  const server = await startPostgres({ dataDir, durable: false });
  atEnd(() => server.stop());
  await bootstrapDatabase(server);
  return server;
}

/** Listens on a free port until the tests of the file are done. */
export async function listening(listener: RequestListener): Promise<{ url: string; port: number }> {
  const server: Server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port };
}

/** Answers with what arrived. */
export const echo: RequestListener = (request: IncomingMessage, response) => {
  response.setHeader('content-type', 'application/json');
  response.end(
    JSON.stringify({ method: request.method, url: request.url, headers: request.headers }),
  );
};

export async function userJwt(
  keys: Keys,
  { expires = '1 hour', subject = '00000000-0000-4000-8000-000000000001' } = {},
): Promise<string> {
  return new SignJWT({ role: 'authenticated', aud: 'authenticated' })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(subject)
    .setIssuedAt()
    .setExpirationTime(expires)
    .sign(jwtSecretBytes(keys));
}
