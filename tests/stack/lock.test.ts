import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DataInUseError, lockData } from '../../local/lock.ts';
import { closeAtEnd } from '../support/at-end.ts';
import { temporaryFolder } from './support.ts';

closeAtEnd();

test('a second holder is refused and told the process, the address and the time', async () => {
  const folder = await temporaryFolder();
  const lock = lockData(folder);
  lock.announce('http://127.0.0.1:54321');
  expect(() => lockData(folder)).toThrow(DataInUseError);
  expect(() => lockData(folder)).toThrow(
    new RegExp(`process ${process.pid} serves http://127.0.0.1:54321 since 20\\d\\d-`),
  );
  lock.release();
});

test('a released lock can be taken again', async () => {
  const folder = await temporaryFolder();
  const first = lockData(folder);
  first.release();
  const second = lockData(folder);
  second.release();
});

test('the lock of a killed process does not count, even if its number was given away again', async () => {
  const folder = await temporaryFolder();
  await writeFile(
    join(folder, 'stack.lock'),
    JSON.stringify({ pid: process.pid, since: '2020-01-01T00:00:00.000Z' }),
  );
  const lock = lockData(folder);
  lock.release();
});

test('a lock ends when its holder is killed', async () => {
  const folder = await temporaryFolder();
  const lockModule = new URL('../../local/lock.ts', import.meta.url).href;
  const holder = spawn(process.execPath, [
    ...['--import', 'tsx', '--input-type=module', '-e'],
    `const { lockData } = await import('${lockModule}');
     lockData('${folder}');
     console.log('locked');
     setInterval(() => {}, 1000);`,
  ]);
  await once(holder.stdout, 'data');
  expect(() => lockData(folder)).toThrow(`process ${holder.pid}`);
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  const lock = lockData(folder);
  lock.release();
});
