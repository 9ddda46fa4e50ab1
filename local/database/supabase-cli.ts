import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** The folder that holds `supabase/`. */
export const PROJECT_ROOT = fileURLToPath(new URL('../..', import.meta.url));

const program = createRequire(import.meta.url).resolve('supabase/dist/supabase.js');

/** Nothing leaves the machine; the local server has no TLS to ask for. */
const QUIET = {
  DO_NOT_TRACK: '1',
  SUPABASE_TELEMETRY_DISABLED: '1',
  SUPABASE_NO_UPDATE_NOTIFIER: '1',
  PGSSLMODE: 'disable',
};

export interface CliOptions {
  /** The project's folder; the one this file is in unless named. */
  workdir?: string;
  /** Exit codes other than 0 that are answers and not failures. */
  accept?: number[];
}

/**
 * Runs the official CLI on a local database and gives what it printed; its messages come with
 * the error if it fails.
 */
export function supabaseCli(args: string[], options: CliOptions = {}): Promise<string> {
  const workdir = options.workdir ?? PROJECT_ROOT;
  const words = [program, ...args, '--yes', '--agent=no', '--workdir', workdir];
  return new Promise((done, reject) => {
    execFile(
      process.execPath,
      words,
      {
        env: { ...process.env, ...QUIET },
        maxBuffer: 64 * 1024 * 1024,
      },
      (error, stdout, stderr) => {
        const code = error ? error.code : 0;
        if (!error || (typeof code === 'number' && options.accept?.includes(code))) done(stdout);
        else reject(new Error(`supabase ${args[0]} ${args[1]} failed:\n${stderr}${stdout}`));
      },
    ).stdin?.end();
  });
}
