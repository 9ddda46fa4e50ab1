import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'csv-parse/sync';
import { expect, test } from 'vitest';
import { closeAtEnd } from '../support/at-end.ts';
import { expectBooksInOrder } from '../support/books.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { fileWith, productsFile, runImport, startImport } from './cli-support.ts';

closeAtEnd();

const db = await createTestDatabase('import cli');
const url = db.server.url('postgres', db.name);
const sample = join(dirname(fileURLToPath(import.meta.url)), 'samples/online-retail.csv');

/** The last run of a kind, as its row says. */
const lastRun = async (kind: string) => {
  const [run] = await db.sql`
    select id, state, staged_rows, applied_rows, skipped_rows, rejected_rows, sums
    from import_runs where kind = ${kind} order by created_at desc limit 1`;
  return run;
};

test('a month of the preset comes in with products, customers, orders and cancellations', async () => {
  const rejects = fileWith('rejects.csv', '');
  const { code, stdout, stderr } = await runImport(
    ...[sample, '--preset', 'online-retail', '--database-url', url, '--rejects', rejects],
  );
  expect(stderr).toContain('rejected rows:');
  expect(code).toBe(2);
  expect(await lastRun('products')).toMatchObject({
    applied_rows: 5,
    skipped_rows: 9,
    rejected_rows: 4,
  });
  expect(await lastRun('customers')).toMatchObject({
    applied_rows: 2,
    skipped_rows: 12,
    rejected_rows: 4,
  });
  expect(await lastRun('orders')).toMatchObject({
    state: 'applied',
    staged_rows: 18,
    applied_rows: 10,
    rejected_rows: 8,
  });
  expect([
    ...(await db.sql`
      select order_number, status, payment_status, total_amount, credited_amount, metadata ->> 'country' as country
      from orders order by order_number`),
  ]).toEqual([
    {
      order_number: '900001',
      status: 'delivered',
      payment_status: 'partially_refunded',
      total_amount: 4074,
      credited_amount: 678,
      country: 'United Kingdom',
    },
    {
      order_number: '900002',
      status: 'cancelled',
      payment_status: 'refunded',
      total_amount: 6510,
      credited_amount: 6510,
      country: 'France',
    },
    {
      order_number: '900003',
      status: 'cancelled',
      payment_status: 'refunded',
      total_amount: 4068,
      credited_amount: 4068,
      country: 'United Kingdom',
    },
    {
      order_number: '900008',
      status: 'delivered',
      payment_status: 'paid',
      total_amount: 0,
      credited_amount: 0,
      country: 'France',
    },
  ]);
  expect(stdout).toMatch(/sum of the file less applied, skipped, rejected and left: 0\.00 GBP/);
  expect(stdout).toMatch(/rows whose amount cannot be read and is in no sum: 1/);
  const written = readFileSync(rejects, 'utf8').split('\n');
  expect(written[0]).toBe('kind,row_number,field,code,message,value,row');
  expect(written.filter((line) => line.startsWith('orders,'))).toHaveLength(9);
  await expectBooksInOrder(db.sql);
});

test('the same file again does nothing', async () => {
  const facts = () => db.sql`
    select (select count(*) from transactions) as transactions, (select count(*) from stock_movements) as movements,
           (select count(*) from profiles) as people, (select count(*) from variants) as variants,
           (select sum(version) from accounts) as versions`;
  const before = [...(await facts())];
  const { code } = await runImport(
    ...[
      sample,
      '--preset',
      'online-retail',
      '--database-url',
      url,
      '--rejects',
      fileWith('r.csv', ''),
    ],
  );
  expect(code).toBe(2);
  expect(await lastRun('orders')).toMatchObject({
    applied_rows: 0,
    skipped_rows: 10,
    rejected_rows: 8,
  });
  expect([...(await facts())]).toEqual(before);
});

test('a dry run changes nothing, and --resume applies it', async () => {
  const file = fileWith('products.csv', 'Code,Title,Cost\nDRY,Dry,1.00\n');
  const named = ['--map', 'sku=Code', '--map', 'name=Title', '--map', 'price=Cost'];
  const dry = await runImport(
    ...[file, '--kind', 'products', ...named, '--dry-run', '--json', '--database-url', url],
  );
  expect(dry.code).toBe(0);
  expect(dry.stderr).toContain('would apply 1, skip 0, reject 0 of 1 rows');
  const [report] = JSON.parse(dry.stdout) as { run_id: string; state: string }[];
  expect(report?.state).toBe('analyzed');
  const known = () => db.sql`select sku from variants where sku = 'DRY'`;
  expect([...(await known())]).toEqual([]);

  const done = await runImport('--resume', report?.run_id ?? '', '--database-url', url);
  expect(done.code).toBe(0);
  expect([...(await known())]).toEqual([{ sku: 'DRY' }]);
});

test.each(['SIGINT', 'SIGKILL'] as const)(
  'what %s stopped is completed by --resume',
  async (signal) => {
    const file = productsFile(12_000);
    const stopped = startImport(file, '--kind', 'products', '--database-url', url);
    await stopped.said('bytes read');
    stopped.child.kill(signal);
    const { code, stderr } = await stopped.outcome;
    const run = await lastRun('products');
    expect(run?.state).not.toBe('applied');
    if (signal === 'SIGINT') {
      expect(code).toBe(130);
      expect(stderr).toContain(`complete it with --resume ${run?.id}`);
    }
    const resumed = await runImport(file, '--resume', run?.id, '--database-url', url);
    expect(resumed.stderr).not.toContain('import:');
    expect(resumed.code).toBe(0);
    expect(await lastRun('products')).toMatchObject({
      id: run?.id,
      state: 'applied',
      staged_rows: 12_000,
    });
  },
);

test('sums are exact, and rejected cells are no formulas', async () => {
  const formula = '=HYPERLINK("http://evil.example","x")';
  const cells = [formula, '+1', '-5', '@SUM(1)', '\t=1', '＝1', 'nobody-1'];
  const quoted = (cell: string) => `"${cell.replaceAll('"', '""')}"`;
  const file = fileWith(
    'payments.csv',
    [
      'external_id,customer,amount,paid_at',
      ...cells.map((cell, n) => `L-${n},${quoted(cell)},90071992547409.91,2024-01-01`),
      '',
    ].join('\n'),
  );
  const rejects = fileWith('rejects.csv', '');
  const flags = ['--kind', 'payments', '--currency', 'USD', '--option', 'decimal_separator=.'];
  const { code, stdout } = await runImport(
    ...[file, ...flags, '--database-url', url, '--rejects', rejects, '--json'],
  );
  expect(code).toBe(2);
  const [report] = JSON.parse(stdout) as { sums: Record<string, string> }[];
  expect(report?.sums.rejected).toBe('63050394783186937');
  const rows = parse(readFileSync(rejects, 'utf8'), { columns: true }) as Record<string, string>[];
  expect(rows).toHaveLength(cells.length);
  for (const row of rows) {
    for (const cell of Object.values(row)) expect(cell).toMatch(/^[^=+@\t＝-]/);
  }
  expect(rows[0]?.value).toBe(`'${formula}`);
  expect(JSON.parse(rows[0]?.row ?? '')).toMatchObject({ customer: formula });
});

test('what is wrong with the call or the file is said, and the exit code is 1', async () => {
  const file = fileWith('some.csv', 'sku,name,price\nA,B,1\n"C,D,1\n');
  const calls: [string[], RegExp][] = [
    [[file, '--database-url', url], /say what the rows are: --kind/],
    [[file, '--kind', 'ships', '--database-url', url], /--kind is one of payments/],
    [[file, '--preset', 'none', '--database-url', url], /there is no preset "none"/],
    [
      [file, '--kind', 'products', '--map', 'sku=Code', '--database-url', url],
      /has no column "Code"/,
    ],
    [
      [file, '--kind', 'products', '--currency', 'XXX', '--database-url', url],
      /There is no currency/,
    ],
    [[file, '--kind', 'products', '--database-url', url], /line 3: a quote is opened.*--resume/],
    [
      ['--resume', '00000000-0000-4000-8000-000000000000', '--database-url', url],
      /There is no import/,
    ],
    [['/nowhere.csv', '--kind', 'products', '--database-url', url], /ENOENT/],
  ];
  for (const [args, message] of calls) {
    const { code, stderr } = await runImport(...args);
    expect(stderr).toMatch(message);
    expect(code).toBe(1);
  }
});

test('a run that is given up stays so', async () => {
  const file = fileWith('products.csv', 'sku,name,price\nGONE,Gone,1\n');
  await runImport(file, '--kind', 'products', '--dry-run', '--database-url', url);
  const run = await lastRun('products');
  expect((await runImport('--abort', run?.id, '--database-url', url)).code).toBe(0);
  const resumed = await runImport('--resume', run?.id, '--database-url', url);
  expect(resumed.stderr).toContain('was aborted');
  expect(resumed.code).toBe(1);
  expect([...(await db.sql`select from variants where sku = 'GONE'`)]).toEqual([]);
});

test('--help tells the exit codes', async () => {
  const { code, stdout } = await runImport('--help');
  expect(code).toBe(0);
  expect(stdout).toContain('Exit codes: 0');
  expect(existsSync('--help')).toBe(false);
});
