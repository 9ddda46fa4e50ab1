import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gateway } from '../../local/api/gateway.ts';
import { onDemand } from '../../local/api/on-demand.ts';
import { startPostgrest } from '../../local/api/postgrest.ts';
import { readConfig } from '../../local/config.ts';
import { createKeys, type Keys } from '../../local/keys.ts';

/** What the measuring process is told of its front. */
export interface FrontPorts {
  frontUrl: string;
  postgrestUrl: string;
  keys: Keys;
}

/**
 * PostgREST and the front port on one database, in a process of their own as `npm start` is: in the
 * client's process the front's work would look like the client's. Ends when its parent is gone.
 */
const databaseUrl = process.argv[2];
if (databaseUrl === undefined || process.send === undefined) {
  throw new Error('this is started by the bench, with the URL of a database');
}
const keys = await createKeys();
const { api } = await readConfig();
const rest = onDemand(() => startPostgrest({ databaseUrl, keys, api, log: console.error }));
const notServed = () => Promise.resolve(new Response(null, { status: 404 }));
const front = gateway(keys, { rest, auth: notServed, functions: new Map() });
const http = createServer({ keepAliveTimeout: 65_000 }, front.listener).listen(0, '127.0.0.1');
await once(http, 'listening');
const { port } = await rest.get();
const ports: FrontPorts = {
  frontUrl: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
  postgrestUrl: `http://127.0.0.1:${port}`,
  keys,
};
process.send(ports);

process.once('disconnect', () => {
  http.close();
  http.closeAllConnections();
  front.disconnect();
  void rest.stop();
});
