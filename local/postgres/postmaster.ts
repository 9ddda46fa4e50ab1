import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // alive, and somebody else's
  }
}

function commandLineOf(pid: number): string {
  const file = `/proc/${pid}/cmdline`;
  if (existsSync(file)) return readFileSync(file, 'utf8').replaceAll('\0', ' ');
  if (process.platform === 'linux') return '';
  return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).trim();
}

/** Alive, and not merely waiting for its parent to notice that it ended. */
export function isRunning(pid: number): boolean {
  return isAlive(pid) && commandLineOf(pid) !== '';
}

/** The process id of the server that runs in this folder, if its pid file is not a leftover. */
export function runningServer(dataDir: string): number | undefined {
  const file = join(dataDir, 'postmaster.pid');
  if (!existsSync(file)) return undefined;
  const pid = Number.parseInt(readFileSync(file, 'utf8'), 10);
  // After a reboot the number may be another program's.
  return isAlive(pid) && commandLineOf(pid).includes(`-D ${dataDir} `) ? pid : undefined;
}

/** Fast shutdown; sessions that do not end within ten seconds are cut off. */
export async function stopProcess(pid: number): Promise<void> {
  const gone = async (milliseconds: number) => {
    const end = Date.now() + milliseconds;
    while (isRunning(pid)) {
      if (Date.now() > end) return false;
      await delay(20);
    }
    return true;
  };
  process.kill(pid, 'SIGINT');
  if (await gone(10_000)) return;
  process.kill(pid, 'SIGQUIT');
  if (!(await gone(10_000))) throw new Error(`process ${pid} does not end`);
}
