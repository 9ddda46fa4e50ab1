import { expect, test } from 'vitest';
import { onDemand, type Running } from '../../local/api/on-demand.ts';

function fakeServer(port: number) {
  let die = () => {};
  const exited = new Promise<void>((done) => {
    die = done;
  });
  const running: Running = {
    port,
    exited,
    stop: async () => die(),
  };
  return { running, die };
}

test('a server starts with the first request, and once for all that come meanwhile', async () => {
  let starts = 0;
  const server = onDemand(async () => fakeServer(++starts).running);
  expect(starts).toBe(0);
  const ports = await Promise.all([server.get(), server.get()]);
  expect(ports.map(({ port }) => port)).toEqual([1, 1]);
});

test('a server that died is started again', async () => {
  const servers = [fakeServer(1), fakeServer(2)];
  let starts = 0;
  const server = onDemand(async () => servers[starts++]?.running ?? Promise.reject(new Error()));
  expect((await server.get()).port).toBe(1);
  servers[0]?.die();
  await expect.poll(async () => (await server.get()).port).toBe(2);
});

test('a start that failed is tried again with the next request', async () => {
  let starts = 0;
  const server = onDemand(async () => {
    if (++starts === 1) throw new Error('not yet');
    return fakeServer(starts).running;
  });
  await expect(server.get()).rejects.toThrow('not yet');
  expect((await server.get()).port).toBe(2);
});

test('a stopped server does not start any more', async () => {
  const { running } = fakeServer(1);
  const server = onDemand(async () => running);
  await server.get();
  await server.stop();
  await running.exited;
  await expect(server.get()).rejects.toThrow('stopping');
});
