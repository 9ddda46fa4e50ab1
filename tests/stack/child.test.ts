import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { ready, startChild } from '../../local/api/child.ts';

/** A server that says where it listens. */
const server = `
  const server = require('node:http').createServer((request, response) => response.end('here'));
  server.listen(0, '127.0.0.1', () => console.log('port', server.address().port));
`;

function answers(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/`).then(
    () => true,
    () => false,
  );
}

function portIn(text: string): number {
  const port = /port (\d+)/.exec(text)?.[1];
  if (port === undefined) throw new Error('no port yet');
  return Number(port);
}

test('a stopped server is gone', async () => {
  const child = startChild({
    command: process.execPath,
    args: ['-e', server],
    env: {},
    log: () => {},
  });
  const port = await ready(child, () => portIn(child.tail().join('\n')), 'the server');
  expect(await answers(port)).toBe(true);
  await child.stop();
  expect(await answers(port)).toBe(false);
});

test('a server that ends instead of starting is reported with what it wrote', async () => {
  const child = startChild({
    command: process.execPath,
    args: ['-e', 'console.error("no such database"); process.exit(1)'],
    env: {},
    log: () => {},
  });
  const never = () => portIn(child.tail().join('\n'));
  await expect(ready(child, never, 'The server')).rejects.toThrow(
    'The server did not start. It wrote:\nno such database',
  );
});

test('a server sees nothing of the environment but what it is given and where things are', async () => {
  process.env.ORDER_LEDGER_TEST_SECRET = 'secret';
  const child = startChild({
    command: process.execPath,
    args: ['-p', '[process.env.ORDER_LEDGER_TEST_SECRET, process.env.GIVEN].join()'],
    env: { GIVEN: 'given' },
    log: () => {},
  });
  await child.exited;
  delete process.env.ORDER_LEDGER_TEST_SECRET;
  expect(child.tail()).toEqual([',given']);
});

test('a server ends when the process that started it is killed', async () => {
  const childModule = new URL('../../local/api/child.ts', import.meta.url).href;
  const starter = spawn(process.execPath, [
    ...['--import', 'tsx', '--input-type=module', '-e'],
    `const { startChild } = await import('${childModule}');
     startChild({
       command: process.execPath, args: ['-e', ${JSON.stringify(server)}], env: {},
       log: (line) => console.log(line),
     });`,
  ]);
  const [line] = await once(starter.stdout, 'data');
  const port = portIn(String(line));
  expect(await answers(port)).toBe(true);
  starter.kill('SIGKILL');
  await expect.poll(() => answers(port), { timeout: 10_000 }).toBe(false);
}, 20_000);
