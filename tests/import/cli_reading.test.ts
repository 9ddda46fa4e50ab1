import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { PROJECT_ROOT } from '../../local/database/supabase-cli.ts';
import { openCsv, type Row } from '../../local/tools/import/csv-file.ts';
import { closeAtEnd } from '../support/at-end.ts';
import { fileWith } from './cli-support.ts';

closeAtEnd();

async function rowsOf(path: string, delimiter?: string): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const batch of (await openCsv(path, delimiter)).batches()) {
    expect(batch.firstRow).toBe(rows.length + 1);
    rows.push(...batch.rows);
  }
  return rows;
}

const text = 'a,b\n1,"x, ""y""\nz"\n2,\n';
const rows = [
  { a: '1', b: 'x, "y"\nz' },
  { a: '2', b: '' },
];

describe('a file is read whatever way it was saved', () => {
  test.each([
    ['plain', 'f.csv', text],
    ['with a byte order mark', 'f.csv', `\uFEFF${text}`],
    [
      'with the line ends of Windows',
      'f.csv',
      text.replaceAll('\n', '\r\n').replace('"\r\nz', '"\nz'),
    ],
    ['without a last line end', 'f.csv', text.trimEnd()],
    ['with empty lines', 'f.csv', text.replace('\n2', '\n\n2')],
  ])('%s', async (_, name, content) => {
    const read = await rowsOf(fileWith(name, content));
    expect(read.map(({ b, ...row }) => ({ ...row, b: b?.replace('\r\n', '\n') }))).toEqual(rows);
  });

  test('gzipped', async () => {
    expect(await rowsOf(fileWith('f.csv.gz', gzipSync(text)))).toEqual(rows);
  });

  test('with another delimiter', async () => {
    expect(await rowsOf(fileWith('f.csv', 'a;b\n1;2,5\n'), ';')).toEqual([{ a: '1', b: '2,5' }]);
  });
});

describe('what cannot be read is refused with its line', () => {
  test.each([
    ['a quote that is never closed', 'a,b\n1,2\n"3,4\n5,6\n', /line 3: a quote is opened/],
    ['a quote within a cell', 'a,b\n1,"2"x\n', /line 2: Invalid Closing Quote/],
    ['a row with too many columns', 'a,b\n1,2\n1,2,3\n', /line 3 has 3 columns, the header has 2/],
    ['a row with too few', 'a,b\n1\n', /line 2 has 1 columns/],
    ['a NUL', 'a,b\n1,\0\n', /line 2: "b" contains a NUL/],
    ['an empty file', '', /is empty/],
    ['a column without a name', 'a,,b\n', /has no name/],
    ['a column named twice', 'a,b,a\n', /names "a" twice/],
  ])('%s', async (_, content, message) => {
    await expect(rowsOf(fileWith('f.csv', content))).rejects.toThrow(message);
  });

  test('bytes that are not UTF-8', async () => {
    const path = fileWith('f.csv', Buffer.from('a,b\n1,caf\xe9\n', 'latin1'));
    await expect(rowsOf(path)).rejects.toThrow(/not UTF-8/);
  });

  test('a file that is only named .gz', async () => {
    await expect(rowsOf(fileWith('f.csv.gz', text))).rejects.toThrow(/is not gzip/);
  });
});

test('memory does not grow with the file', async () => {
  // gzip takes parts one behind the other: 240 MB of text, of which only a few can be in memory
  const part = gzipSync(`${'x'.repeat(9_999)},${'y'.repeat(9_999)}\n`.repeat(200), { level: 1 });
  const path = fileWith('big.csv.gz', Buffer.concat([gzipSync('a,b\n'), ...Array(60).fill(part)]));
  // in a process of its own, whose memory no other test has been using
  const program = `
    import { openCsv } from ${JSON.stringify(import.meta.resolve('../../local/tools/import/csv-file.ts'))};
    const file = await openCsv(${JSON.stringify(path)});
    const before = process.memoryUsage().rss;
    let [count, peak] = [0, 0];
    for await (const batch of file.batches()) {
      count += batch.rows.length;
      peak = Math.max(peak, process.memoryUsage().rss - before);
    }
    console.log(JSON.stringify({ count, peak }));
  `;
  const words = ['--import', 'tsx', '--input-type=module', '--eval', program];
  const { stdout } = await promisify(execFile)(process.execPath, words, { cwd: PROJECT_ROOT });
  const { count, peak } = JSON.parse(stdout) as { count: number; peak: number };
  expect(count).toBe(12_000);
  expect(peak).toBeLessThan(160_000_000);
});
