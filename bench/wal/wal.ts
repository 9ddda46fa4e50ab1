import { readFileSync } from 'node:fs';
import type { Case } from '../cases/case.ts';
import { keepWal, releaseWal } from '../measure/counters.ts';
import { openLanes } from '../measure/lanes.ts';
import { type Bench, takeTurn } from '../measure/turn.ts';
import { table } from '../report/markdown.ts';

export interface LogEntry {
  table_name: string;
  /** A table or an index; none for what belongs to no relation, as a commit. */
  relation: string;
  resource_manager: string;
  record_type: string;
  records: number;
  bytes: number;
  page_bytes: number;
}

/** What a case writes into the log, per operation. */
export interface LogBreakdown {
  case: string;
  operations: number;
  entries: LogEntry[];
}

const query = readFileSync(new URL('./wal.sql', import.meta.url), 'utf8');

/** Does operations on one connection after a checkpoint, and reads the log that they left. */
export async function breakDownLog(
  bench: Bench,
  measured: Case,
  operations: number,
): Promise<LogBreakdown> {
  const lanes = await openLanes(bench.url, 1);
  try {
    await bench.admin`checkpoint`;
    await keepWal(bench.admin);
    const { walFrom, walTo } = await takeTurn(bench, lanes, measured, { operations, warmUp: 6 });
    const entries = await bench.admin.unsafe<LogEntry[]>(query, [walFrom, walTo]);
    const each = (entry: LogEntry): LogEntry => ({
      ...entry,
      records: entry.records / operations,
      bytes: entry.bytes / operations,
      page_bytes: entry.page_bytes / operations,
    });
    return { case: measured.name, operations, entries: entries.map(each) };
  } finally {
    await releaseWal(bench.admin);
    await lanes.close();
  }
}

type Figures = Pick<LogEntry, 'records' | 'bytes' | 'page_bytes'>;

function totals(entries: LogEntry[], key: (entry: LogEntry) => string): [string, Figures][] {
  const sums = new Map<string, Figures>();
  for (const entry of entries) {
    const sum = sums.get(key(entry)) ?? { records: 0, bytes: 0, page_bytes: 0 };
    sums.set(key(entry), {
      records: sum.records + entry.records,
      bytes: sum.bytes + entry.bytes,
      page_bytes: sum.page_bytes + entry.page_bytes,
    });
  }
  return [...sums].sort(([, a], [, b]) => b.bytes - a.bytes);
}

/** Bytes per operation; below it are splits of index pages and the like. */
const RARE = 1;

const HEAD = ['records/op', 'bytes/op', 'whole pages bytes/op'];
const figures = ({ records, bytes, page_bytes }: Figures) => [
  records.toFixed(2),
  bytes.toFixed(0),
  page_bytes.toFixed(0),
];

/** All of it, by table, by kind of record, and in full. */
export function describeLog({ case: name, operations, entries }: LogBreakdown): string {
  const by = (title: string, key: (entry: LogEntry) => string) =>
    table([
      [title, ...HEAD],
      ...totals(entries, key).map(([label, sum]) => [label.trim() || '(none)', ...figures(sum)]),
    ]);
  return [
    `## The log of ${name}, per operation, over ${operations} after a checkpoint`,
    by('', () => 'all'),
    by('table, with its indexes', (entry) => entry.table_name),
    by('kind', (entry) => entry.resource_manager),
    by('relation and record', (entry) =>
      entry.bytes < RARE
        ? 'what is below one byte'
        : `${entry.relation} ${entry.resource_manager} ${entry.record_type}`,
    ),
    '',
  ].join('\n\n');
}
