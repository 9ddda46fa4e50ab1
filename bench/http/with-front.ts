import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { FrontPorts } from './front.ts';

/** PostgREST and the front in a process of their own, for as long as the work takes. */
export async function withFront<T>(
  databaseUrl: string,
  work: (ports: FrontPorts) => Promise<T>,
): Promise<T> {
  const child = fork(join(import.meta.dirname, 'front.ts'), [databaseUrl], {
    execArgv: ['--import', 'tsx'],
    detached: true, // Ctrl-C is for this process, which then ends the child
  });
  const exited = once(child, 'exit');
  try {
    const failed = exited.then(([code]) => {
      throw new Error(`the front ended with code ${String(code)}`);
    });
    const [ports] = (await Promise.race([once(child, 'message'), failed])) as [FrontPorts];
    failed.catch(() => {}); // that it ends is expected from here on
    return await work(ports);
  } finally {
    if (child.connected) child.disconnect();
    await exited;
  }
}
