import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { startStack } from '../stack.ts';
import { playDay } from './day.ts';

new Command('npm run demo --')
  .description(
    'Starts the whole backend on a throw-away folder, plays a day of a shop through supabase-js, checks the books, and stops. Exit code 0: everything came out as it should.',
  )
  .parse();

const started = performance.now();
const folder = await mkdtemp(join(tmpdir(), 'order-ledger-demo-'));
try {
  const stack = await startStack({ dataDir: folder, log: (line) => console.log(`  ${line}`) });
  try {
    await playDay(stack);
  } finally {
    await stack.stop();
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
console.log(`\nDone in ${((performance.now() - started) / 1000).toFixed(1)} s.`);
