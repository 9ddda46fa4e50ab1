import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { PROJECT_ROOT } from '../../local/database/supabase-cli.ts';

const run = promisify(execFile);

test('npm run demo plays a day of the shop and ends with books in order', async () => {
  const { stdout } = await run('npm', ['run', '--silent', 'demo'], { cwd: PROJECT_ROOT });
  expect(stdout).toContain('ORD00000001: delivered -> cancelled');
  expect(stdout).toContain('ORD00000002: shipped -> delivered');
  expect(stdout).toContain('refused (insufficient_stock): Only 2 of "Tea bowl" left, 4 asked.');
  expect(stdout).toContain(
    'refused (insufficient_funds): 698.00 USD is needed, 94.50 USD is available.',
  );
  expect(stdout).toMatch(
    /Samir +earned +150\.00 +withdrawn +0\.00 +pending +0\.00 +orders +55\.50 +available +94\.50/,
  );
  expect(stdout).toMatch(/M2511135 planned +pending unpaid +-> delivered paid/);
  expect(stdout).toMatch(/first run: 4 found, 4 fixed\n(.*\n)+ +second run: 0 found, 0 fixed\n/);
  expect(stdout).toMatch(/IQD trial balance +0\.000\n +USD trial balance +0\.00\n/);
  expect(stdout).toContain('orders and stock agree: yes');
  expect(stdout).toMatch(/seals intact over \d+ events: yes/);
}, 120_000);
