import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pRetry from 'p-retry';

export interface Child {
  /** Resolves, never rejects, when the process is gone. */
  exited: Promise<void>;
  /** The last lines it wrote. */
  tail(): string[];
  stop(): Promise<void>;
}

export interface ChildOptions {
  command: string;
  args: string[];
  env: Record<string, string>;
  log: (line: string) => void;
}

const guard = fileURLToPath(new URL('guard.js', import.meta.url));
const tailLength = 20;
const startTimeout = 60_000;

/**
 * Starts a server that ends when it is stopped and whenever this process ends, however it ends.
 * It gets a process group of its own, so that Ctrl-C reaches only this process, which then
 * stops its parts in order.
 */
export function startChild({ command, args, env, log }: ChildOptions): Child {
  const child = spawn(process.execPath, [guard, command, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    env: { ...ambient(), ...env },
  });
  const exited = once(child, 'exit').then(() => undefined);

  const lines: string[] = [];
  for (const output of [child.stdout, child.stderr]) {
    createInterface({ input: output }).on('line', (line) => {
      lines.push(line);
      if (lines.length > tailLength) lines.shift();
      log(line);
    });
  }

  return {
    exited,
    tail: () => [...lines],
    stop: async () => {
      child.stdin.end();
      await exited;
    },
  };
}

/** Asks until the answer comes; gives up, and says what the server wrote, when it has ended. */
export async function ready<T>(child: Child, ask: () => T | Promise<T>, name: string): Promise<T> {
  const ended = new AbortController();
  child.exited.then(() => ended.abort());
  try {
    return await pRetry(async () => ask(), {
      retries: Number.POSITIVE_INFINITY,
      factor: 1,
      minTimeout: 20,
      maxRetryTime: startTimeout,
      signal: ended.signal,
    });
  } catch (cause) {
    await child.stop();
    throw new Error(`${name} did not start. It wrote:\n${child.tail().join('\n')}`, { cause });
  }
}

/** Secrets of the surrounding shell are no business of a server that serves the project. */
function ambient(): Record<string, string> {
  const names = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'XDG_CACHE_HOME', 'DENO_DIR'];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
