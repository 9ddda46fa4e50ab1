import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { IntegrityResult } from '../../bench/integrity/run.ts';
import { PROJECT_ROOT } from '../../local/database/supabase-cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'order-ledger-bench-integrity-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('the runs of the checks are measured in a loaded shop, which they find in order', async () => {
  const out = join(folder, 'integrity.json');
  const words = ['bench/integrity/main.ts', '--orders', '2000', '--invoices', '40'];
  const messages = await new Promise<string>((done) => {
    execFile(
      process.execPath,
      ['--import', 'tsx', ...words, '--operations', '100', '--out', out],
      { cwd: PROJECT_ROOT },
      (error, _, said) => done(error ? said : ''),
    );
  });
  expect(messages).toBe('');
  const { rows, steps } = JSON.parse(readFileSync(out, 'utf8')) as IntegrityResult;
  expect(rows.orders).toBeGreaterThan(2000);
  expect(rows.payment_allocations).toBe(30);
  const changed = steps.find(({ name }) => name.endsWith('operations changed'));
  expect(changed?.figures.orders).toBeGreaterThan(20);
  expect(changed?.figures.orders).toBeLessThan(500);
  expect(readFileSync(join(folder, 'integrity.md'), 'utf8')).toContain('| everything |');
});
