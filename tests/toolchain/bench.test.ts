import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { summarise } from '../../bench/measure/statistics.ts';
import { type ComparedCell, compareRuns } from '../../bench/report/compare.ts';
import type { BenchResult, Cell } from '../../bench/report/result.ts';
import { readResult } from '../../bench/report/save.ts';
import { PROJECT_ROOT } from '../../local/database/supabase-cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'order-ledger-bench-'));
afterAll(() => rmSync(folder, { recursive: true }));
const inFolder = (name: string) => join(folder, name);

interface Ended {
  code: number;
  messages: string;
}

/** A small run of two cases, as somebody at a shell starts it. */
function bench(...words: string[]): Promise<Ended> {
  const all = [
    '--import',
    'tsx',
    'bench/main.ts',
    '--quick',
    '--cases',
    'place_1,credit',
    ...words,
  ];
  return new Promise((done) => {
    execFile(process.execPath, all, { cwd: PROJECT_ROOT }, (error, _, messages) => {
      done({ code: error ? Number(error.code) : 0, messages });
    });
  });
}

function sqlFile(name: string, text: string): string {
  writeFileSync(inFolder(name), text);
  return inFolder(name);
}

const cellOf = (run: BenchResult, name: string): Cell => {
  const cell = run.cells.find((one) => one.case === name);
  if (!cell) throw new Error(`${name} was not measured`);
  return cell;
};

test('a run is saved with its raw rounds, and one that got slower is told from it', async () => {
  const first = await bench('--out', inFolder('first.json'));
  expect(first).toMatchObject({ code: 0 });
  const saved = readResult(inFolder('first.json'));
  expect(saved.environment.settings).not.toHaveProperty('fsync');
  const place = cellOf(saved, 'place_1');
  expect(place.rounds).toHaveLength(3);
  expect(place.rounds.map(({ against }) => Object.keys(against).sort())).toEqual(
    Array(3).fill(['single_row', 'tpcb', 'transfer']),
  );
  expect(place.rate.median).toBe(summarise(place.rounds.map(({ rate }) => rate)).median);
  expect(place.perOperation.rowsUpdated).toBeCloseTo(2, 1); // account and stock
  expect(readFileSync(inFolder('first.md'), 'utf8')).toContain('| place_1 | 2 |');

  const slow = sqlFile(
    'slow.sql',
    `create function bench.dawdle() returns trigger language plpgsql as $$
       begin perform pg_sleep(0.05); return new; end $$;
     create trigger dawdle before update on public.accounts for each row
       when (old.total_earned <> new.total_earned) execute function bench.dawdle();`,
  );
  const words = ['--with', slow, '--compare', inFolder('first.json')];
  const second = await bench(...words, '--out', inFolder('second.json'));
  expect(second.messages).toMatch(/\| young \| credit \| 2 \|.*\| slower \|/);
  expect(second.code).toBe(2);
});

test('a run whose books do not balance fails and saves nothing', async () => {
  const broken = sqlFile(
    'broken.sql',
    `set ledger.procedure = 'nobody';
     update public.accounts set total_earned = total_earned + 1 where user_id = bench.id('customer', 1);`,
  );
  const run = await bench('--with', broken, '--out', inFolder('broken.json'));
  expect(run.messages).toContain('the books do not balance');
  expect(run.code).toBe(1);
  expect(existsSync(inFolder('broken.json'))).toBe(false);
});

test('what differs within the spread of the rounds is no news, and on another machine neither', () => {
  const run = (rates: number[], machine = 1): ComparedCell[] => [
    {
      state: 'young',
      case: 'place_1',
      connections: 20,
      rounds: rates.map((rate) => ({
        rate: rate * machine,
        against: { transfer: 1000 * machine },
      })),
    },
  ];
  const verdict = (before: ComparedCell[], after: ComparedCell[]) =>
    compareRuns(before, after)[0]?.verdict;
  const usual = run([400, 410, 420]);

  expect(verdict(usual, run([300, 310, 320]))).toBe('slower');
  expect(verdict(usual, run([500, 510, 520]))).toBe('faster');
  expect(verdict(run([400, 420, 1000]), run([50, 60, 70])), 'far below a wide one').toBe('slower');
  expect(verdict(usual, run([385, 390, 395])), 'less than 10 %').toBe('same');
  expect(verdict(usual, run([250, 330, 405])), 'the ranges overlap').toBe('same');
  expect(verdict(run([330, 410, 420]), run([200, 325, 328])), 'wide').toBe('same');
  expect(verdict(usual, run([400, 410, 420], 0.3)), 'a slow machine').toBe('same');
});
