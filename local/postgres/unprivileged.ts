import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** How to start a program that refuses to run as root. */
export interface ProcessOwner {
  /** Whose the program's files are; nothing when that is the present user. */
  files?: Ids;
  /** What to hand to `spawn`. */
  spawn: Partial<Ids>;
  /** Words before the command line, for programs the owner could not reach otherwise. */
  prefix: string[];
}

interface Ids {
  uid: number;
  gid: number;
}

const SETPRIV = '/usr/bin/setpriv';

function lookUp(user: string): Ids | undefined {
  try {
    const id = (flag: string) => Number(execFileSync('id', [flag, user], { stdio: 'pipe' }));
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    return undefined; // `id` exits non-zero for a user that does not exist
  }
}

function everyoneMayEnter(path: string): boolean {
  for (let folder = path; ; folder = dirname(folder)) {
    if (existsSync(folder) && (statSync(folder).mode & 0o001) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

/**
 * PostgreSQL refuses to run as root. Started by root, it runs as the folder's owner or, for a new
 * folder, as the system user `postgres`, else `nobody`, which every system has.
 */
export function processOwner(dataDir: string, programDir: string): ProcessOwner {
  if (process.getuid?.() !== 0) return { spawn: {}, prefix: [] };

  const folder = existsSync(dataDir) ? statSync(dataDir) : undefined;
  const user = folder && folder.uid !== 0 ? folder : (lookUp('postgres') ?? lookUp('nobody'));
  if (!user) throw new Error('started as root, and there is no user `postgres` or `nobody`');
  const { uid, gid } = user;

  if (everyoneMayEnter(dirname(dataDir)) && everyoneMayEnter(programDir)) {
    return { files: { uid, gid }, spawn: { uid, gid }, prefix: [] };
  }
  // A project below /root: the owner keeps root's right to pass closed folders, and nothing else.
  if (!existsSync(SETPRIV)) {
    throw new Error(
      `the database runs as user ${uid}, who cannot reach ${dataDir} or ${programDir}: ` +
        'move the project out of the closed folder, or start it as an ordinary user',
    );
  }
  const right = '+dac_override';
  // initdb looks at its own programs with access(2), which else asks without that right.
  const rights = [
    '--securebits=+no_setuid_fixup',
    `--inh-caps=${right}`,
    `--ambient-caps=${right}`,
  ];
  return {
    files: { uid, gid },
    spawn: {},
    prefix: [SETPRIV, `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', ...rights],
  };
}
