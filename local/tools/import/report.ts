import type { ImportReport } from './run.ts';

/** Sums are of rows whose amount is worth adding up. */
const SUMMED = ['payments', 'invoices', 'orders'];

/** What became of the rows of a run, as lines for people. */
export function reportLines(report: ImportReport, exponent: number): string[] {
  const number = (value: number) => value.toLocaleString('en');
  const decimals = new Intl.NumberFormat('en', {
    minimumFractionDigits: exponent,
    maximumFractionDigits: exponent,
  });
  // a text is formatted digit by digit, a number as the nearest double
  const money = (minor: bigint) => decimals.format(`${minor}E-${exponent}` as `${number}`);
  const sums = report.sums ?? {};
  const hasSums = SUMMED.includes(report.kind ?? '');
  const row = (name: string, rows: number, sum: bigint | undefined) =>
    `  ${name.padEnd(12)}${number(rows).padStart(12)}${hasSums ? `${money(sum ?? 0n)} ${report.currency ?? ''}`.padStart(32) : ''}`;

  const left =
    report.staged_rows - report.applied_rows - report.skipped_rows - report.rejected_rows;
  const lines = [
    `${report.kind ?? ''} of ${report.source_name ?? ''} (${report.state ?? ''}, run ${report.run_id ?? ''})`,
    row('read', report.staged_rows, sums.total),
    row('applied', report.applied_rows, sums.applied),
    row('skipped', report.skipped_rows, sums.skipped),
    row('rejected', report.rejected_rows, sums.rejected),
    ...(left > 0 ? [row('left', left, sums.staged)] : []),
  ];
  if (hasSums) {
    const parts = ['applied', 'skipped', 'rejected', 'staged'].map((state) => sums[state] ?? 0n);
    const difference = (sums.total ?? 0n) - parts.reduce((sum, part) => sum + part, 0n);
    lines.push(
      `  sum of the file less applied, skipped, rejected and left: ${money(difference)} ${report.currency ?? ''}`,
    );
    const unread = Number(sums.rows_without_amount ?? 0);
    if (unread > 0) {
      lines.push(`  rows whose amount cannot be read and is in no sum: ${number(unread)}`);
    }
  }
  const doubles = report.analysis?.possible_duplicates;
  if (doubles !== undefined && doubles.rows > 0) {
    lines.push(
      `  rows that may be payments of orders that are here: ${number(doubles.rows)}, ${money(doubles.amount)} ${report.currency ?? ''} (same customer, amount and day)`,
    );
  }
  for (const reject of report.rejects ?? []) {
    lines.push(`  ${number(reject.rows).padStart(10)}  ${reject.code} (${reject.field})`);
    for (const { row: place, message } of reject.examples) {
      lines.push(`              row ${number(place)}: ${message}`);
    }
  }
  return lines;
}
