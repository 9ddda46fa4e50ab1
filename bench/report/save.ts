import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { toMarkdown } from './markdown.ts';
import { type BenchResult, benchResult } from './result.ts';

/** Writes a run as JSON, and beside it as Markdown; gives both paths. */
export function saveResult(path: string, result: BenchResult): string[] {
  const markdown = `${path.replace(/\.json$/, '')}.md`;
  saveText(path, `${JSON.stringify(benchResult.parse(result), null, 1)}\n`);
  saveText(markdown, toMarkdown(result));
  return [path, markdown];
}

export function saveText(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

export function readResult(path: string): BenchResult {
  const parsed = benchResult.safeParse(JSON.parse(readFileSync(path, 'utf8')));
  if (parsed.success) return parsed.data;
  throw new Error(`${path} is not a saved run: ${parsed.error.message}`);
}
