import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** True when the file says just this. */
export function isFresh(path: string, text: string): boolean {
  return existsSync(path) && readFileSync(path, 'utf8') === text;
}

/** For commands that make a file, and with `--check` only say whether it is as they would make it. */
export function writeOrCheck(path: string, text: string, check: boolean, command: string): void {
  if (isFresh(path, text)) {
    console.log(`${path} is fresh`);
  } else if (check) {
    console.error(`${path} is stale: run ${command}`);
    process.exitCode = 1;
  } else {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    console.log(`wrote ${path}`);
  }
}
