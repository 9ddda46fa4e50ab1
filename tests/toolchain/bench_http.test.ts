import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { httpResult } from '../../bench/http/report.ts';
import { runHttp, saveHttp } from '../../bench/http/run.ts';
import { QUICK } from '../../bench/world/world.ts';

test('calls are measured through the front, past it and bare, and the run is saved', {
  timeout: 120_000,
}, async () => {
  const lines: string[] = [];
  const result = await runHttp(
    { clients: [2], rounds: 2, operations: 10, size: QUICK },
    { step: () => {}, line: (text) => lines.push(text) },
  );
  expect(result.cells.map((cell) => cell.case)).toEqual([
    'nothing',
    'place_3',
    'credit',
    'quote',
    'order_list',
  ]);
  for (const { ways } of result.cells) {
    for (const way of Object.values(ways)) expect(way.rates).toHaveLength(2);
  }
  expect(lines).toHaveLength(5);

  const folder = mkdtempSync(join(tmpdir(), 'order-ledger-bench-'));
  try {
    const [json = '', markdown = ''] = saveHttp(join(folder, 'http.json'), result);
    expect(httpResult.parse(JSON.parse(readFileSync(json, 'utf8')))).toEqual(result);
    expect(readFileSync(markdown, 'utf8')).toContain('the front adds');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
