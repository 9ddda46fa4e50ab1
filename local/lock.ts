import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { tryLock } from 'fs-native-extensions';
import { z } from 'zod';

const holderSchema = z.object({
  pid: z.number(),
  since: z.string(),
  url: z.string().optional(),
});

type Holder = z.infer<typeof holderSchema>;

export interface DataLock {
  /** Tells those who come later where the holder serves. */
  announce(url: string): void;
  release(): void;
}

export class DataInUseError extends Error {
  constructor(dataDir: string, holder: Holder | undefined) {
    super(
      `The data in ${dataDir} is in use: ${describe(holder)}. ` +
        'Stop it first, or choose another folder with --data.',
    );
    this.name = 'DataInUseError';
  }
}

/**
 * Makes this process the only one to use a data folder. The system holds the lock and ends it
 * with the process, however that ends; the file only says who has it, and so is never removed.
 */
export function lockData(dataDir: string): DataLock {
  mkdirSync(dataDir, { recursive: true });
  const path = join(dataDir, 'stack.lock');
  // Append mode creates it if need be, and leaves what another holder wrote.
  const fd = openSync(path, 'a', 0o600);
  if (!tryLock(fd)) {
    closeSync(fd);
    throw new DataInUseError(dataDir, readHolder(path));
  }
  const own: Holder = { pid: process.pid, since: new Date().toISOString() };
  write(fd, own);

  return {
    announce: (url) => write(fd, { ...own, url }),
    release: () => closeSync(fd),
  };
}

function write(fd: number, holder: Holder): void {
  ftruncateSync(fd);
  writeSync(fd, JSON.stringify(holder));
}

/** Undefined while the holder is just writing it. */
function readHolder(path: string): Holder | undefined {
  const text = readFileSync(path, 'utf8');
  return text === '' ? undefined : holderSchema.parse(JSON.parse(text));
}

function describe(holder: Holder | undefined): string {
  if (holder === undefined) return 'another process is about to start on it';
  const { pid, since, url } = holder;
  return `process ${pid} ${url === undefined ? 'is starting' : `serves ${url}`} since ${since}`;
}
