import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../local/database/supabase-cli.ts';
import { atEnd } from '../support/at-end.ts';

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface Running {
  child: ChildProcess;
  /** Settles when the command has ended. */
  outcome: Promise<Outcome>;
  /** Settles when stderr has said this. */
  said(text: string): Promise<void>;
}

/** `npm run import -- ...` as a process of its own. */
export function startImport(...args: string[]): Running {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', join(PROJECT_ROOT, 'local/tools/import.ts'), ...args],
    { cwd: PROJECT_ROOT, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const said = { stdout: '', stderr: '' };
  const waiting: { text: string; tell: () => void }[] = [];
  child.stdout.on('data', (chunk) => {
    said.stdout += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    said.stderr += String(chunk);
    for (const { tell } of waiting.filter(({ text }) => said.stderr.includes(text))) tell();
  });
  const outcome = new Promise<Outcome>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...said }));
  });
  return {
    child,
    outcome,
    async said(text) {
      const heard = new Promise<void>((tell) => {
        waiting.push({ text, tell });
        if (said.stderr.includes(text)) tell();
      });
      const ended = await Promise.race([heard, outcome]);
      if (ended !== undefined && !said.stderr.includes(text)) {
        throw new Error(`it ended without saying "${text}": ${said.stderr}`);
      }
    },
  };
}

export const runImport = (...args: string[]): Promise<Outcome> => startImport(...args).outcome;

/** A file for one test, in a folder of its own that goes when the file's tests have ended. */
export function fileWith(name: string, content: string | Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), 'order-ledger-import-'));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** A file of products, one a line. */
export function productsFile(rows: number): string {
  const lines = Array.from({ length: rows }, (_, n) => `SKU-${n},Thing ${n},${n + 1}.50`);
  return fileWith('products.csv', ['sku,name,price', ...lines, ''].join('\n'));
}
