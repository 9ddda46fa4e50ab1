import { describe, expect, test } from 'vitest';
import { exactJson } from '../../local/tools/import/exact-json.ts';
import { reportLines } from '../../local/tools/import/report.ts';

const report = {
  success: true,
  error_code: null,
  error_message: null,
  run_id: '00000000-0000-4000-8000-000000000000',
  kind: 'payments',
  source_name: 'file.csv',
  currency: 'IRR',
  state: 'applied',
  staged_rows: 3,
  applied_rows: 1,
  skipped_rows: 1,
  rejected_rows: 1,
  sums: null,
  rejects: [],
  analysis: {},
};

describe('sums beyond what a double holds', () => {
  test('are printed to the minor unit', () => {
    const sums = { applied: 10_000_000_000_000_001n, rejected: 3n, total: 10_000_000_000_000_004n };
    const lines = reportLines({ ...report, sums }, 2).join('\n');
    expect(lines).toMatch(/applied +1 +100,000,000,000,000\.01 IRR/);
    expect(lines).toMatch(/read +3 +100,000,000,000,000\.04 IRR/);
    expect(lines).toContain('and left: 0.00 IRR');
  });

  test('differ by what they differ by', () => {
    const sums = { applied: 8_000_000_000_000_001n, total: 8_000_000_000_000_000n };
    expect(reportLines({ ...report, sums }, 2).join('\n')).toContain('and left: -0.01 IRR');
    expect(reportLines({ ...report, sums }, 0).join('\n')).toContain('8,000,000,000,000,001 IRR');
  });

  test('are read from JSON as they are written there', () => {
    const text = String.raw`{"a": 10000000000000001, "b": -99999999999999999999, "c": 9007199254740991, "d": 0.1234567890123456, "e": "x \" 10000000000000001", "f": [1e20, 7]}`;
    expect(exactJson.parse(text)).toEqual({
      a: '10000000000000001',
      b: '-99999999999999999999',
      c: 9_007_199_254_740_991,
      d: 0.1234567890123456,
      e: 'x " 10000000000000001',
      f: [1e20, 7],
    });
  });
});

test('rows that may be payments of orders are pointed at, and only where there are some', () => {
  const of = (rows: number, amount: bigint) =>
    reportLines({ ...report, analysis: { possible_duplicates: { rows, amount } } }, 2).join('\n');
  expect(of(2, 500n)).toContain('may be payments of orders that are here: 2, 5.00 IRR');
  expect(of(0, 0n)).not.toContain('may be payments');
});
