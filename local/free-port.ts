import { createServer } from 'node:net';

function bind(port: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(undefined);
      else reject(error);
    });
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const address = server.address();
      server.close(() =>
        resolve(address && typeof address === 'object' ? address.port : undefined),
      );
    });
  });
}

/** The wanted port if nobody listens on it, else one the system picks. */
export async function freePort(wanted?: number): Promise<number> {
  const port = (wanted && (await bind(wanted))) || (await bind(0));
  if (!port) throw new Error('no free port on 127.0.0.1');
  return port;
}
