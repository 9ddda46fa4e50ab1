import { type Summary, summarise } from '../measure/statistics.ts';
import { table } from './markdown.ts';
import type { Cell } from './result.ts';

export interface Comparison {
  state: string;
  case: string;
  connections: number;
  /** What both runs' rates are a multiple of. */
  yardstick: string;
  before: Summary;
  after: Summary;
  /** -0.2 is a fifth slower. */
  change: number;
  verdict: 'slower' | 'faster' | 'same';
}

/** What changes by a smaller factor is never news. */
const LEAST_NEWS = 1.1;

/** Of a cell, what is compared. */
export type ComparedCell = Pick<Cell, 'state' | 'case' | 'connections'> & {
  rounds: Pick<Cell['rounds'][number], 'rate' | 'against'>[];
};

const sameCell = (a: ComparedCell) => (b: ComparedCell) =>
  a.state === b.state && a.case === b.case && a.connections === b.connections;

/**
 * Holds a run against a saved one, cell by cell. Not the rates are compared but their ratios to a
 * baseline that was measured in the same rounds, so that another machine, or the same one on
 * another day, makes no difference. A change is beyond noise when the rounds' ranges do not overlap
 * and the medians differ by more than 10 % and by more than the rounds of one run usually do: the
 * mean (geometric, of both runs) of the best round by the worst.
 */
export function compareRuns(saved: ComparedCell[], run: ComparedCell[]): Comparison[] {
  return run.flatMap((cell) => {
    const old = saved.find(sameCell(cell));
    return old ? (compareCells(old, cell) ?? []) : [];
  });
}

function compareCells(old: ComparedCell, cell: ComparedCell): Comparison | undefined {
  const [baselines, oldBaselines] = [cell, old].map(({ rounds }) =>
    Object.keys(rounds[0]?.against ?? {}),
  );
  const yardstick = ['transfer', ...(baselines ?? [])].find(
    (name) => baselines?.includes(name) && oldBaselines?.includes(name),
  );
  if (yardstick === undefined) return undefined;
  const [before, after] = [old, cell].map(({ rounds }) =>
    summarise(rounds.map(({ rate, against }) => rate / (against[yardstick] ?? Number.NaN))),
  );
  if (!before || !after) return undefined;
  const change = after.median / before.median - 1;
  const apart = after.max < before.min || after.min > before.max;
  // as factors, for a fall of 50 % is as large as a rise of 100 %
  const noise = Math.sqrt((before.max / before.min) * (after.max / after.min));
  const factor = Math.max(after.median / before.median, before.median / after.median);
  const news = apart && factor > Math.max(LEAST_NEWS, noise);
  const verdict = !news ? 'same' : change < 0 ? 'slower' : 'faster';
  const { state, case: name, connections } = cell;
  return { state, case: name, connections, yardstick, before, after, change, verdict };
}

const shown = ({ median, min, max }: Summary) =>
  `${median.toFixed(3)} (${min.toFixed(3)} to ${max.toFixed(3)})`;

/** The comparison for people, the slower ones first. */
export function comparisonTable(comparisons: Comparison[]): string {
  if (comparisons.length === 0) return 'The two runs have no cell in common.';
  const ordered = comparisons.toSorted((a, b) => a.change - b.change);
  return table([
    ['state', 'case', 'connections', 'ratio to', 'saved', 'now', 'change', 'beyond noise'],
    ...ordered.map((one) => [
      one.state,
      one.case,
      String(one.connections),
      one.yardstick,
      shown(one.before),
      shown(one.after),
      `${one.change > 0 ? '+' : ''}${Math.round(one.change * 100)} %`,
      one.verdict === 'same' ? '' : one.verdict,
    ]),
  ]);
}
