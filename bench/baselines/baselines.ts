import { type Case, type Statement, spot, type Work } from '../cases/case.ts';
import type { World } from '../world/world.ts';

type Operation = (index: number, world: World) => Statement;

const baseline = (name: string, title: string, operations: number, operation: Operation): Case => ({
  name,
  title,
  operations,
  against: [],
  async prepare({ world }): Promise<Work> {
    return { operation: (index) => [operation(index, world)], moves: {} };
  },
});

/** Two different accounts. */
function transfer(index: number, { baselineAccounts }: World): Statement {
  const from = spot(baselineAccounts, index);
  const to = (from + 1 + spot(baselineAccounts - 1, index, 1)) % baselineAccounts;
  return { text: 'select bench.transfer($1, $2, $3)', values: [from + 1, to + 1, 100] };
}

function tpcb(index: number, { branches, accountsPerBranch }: World): Statement {
  const teller = spot(branches * 10, index);
  const account = spot(branches * accountsPerBranch, index, 1);
  return {
    text: 'select bench.tpcb($1, $2, $3, $4)',
    values: [account + 1, Math.floor(teller / 10) + 1, teller + 1, 1],
  };
}

const count = (id: number): Statement => ({
  text: 'update bench.counters set value = value + 1 where id = $1',
  values: [id],
});

export const baselines: Case[] = [
  baseline('tpcb', 'Baseline (a): TPC-B of pgbench as one function.', 5000, tpcb),
  baseline('transfer', 'Baseline (b): the smallest double-entry transfer.', 5000, transfer),
  baseline(
    'single_row',
    'Baseline (c): one UPDATE of one row of many.',
    8000,
    (index, { baselineAccounts }) => count(1 + spot(baselineAccounts, index)),
  ),
  baseline('single_row_hot', 'Baseline (c) with all connections on one row.', 2000, () => count(1)),
];
