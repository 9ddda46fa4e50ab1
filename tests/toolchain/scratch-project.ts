import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

export interface ScratchProject {
  root: string;
  write(path: string, text: string): void;
}

/** A folder with a project of its own, gone when the test is. */
export function scratchProject(files: Record<string, string>): ScratchProject {
  const root = mkdtempSync(join(tmpdir(), 'order-ledger-project-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  write('supabase/config.toml', 'project_id = "scratch"\n');
  for (const [path, text] of Object.entries(files)) write(path, text);
  return { root, write };
}
