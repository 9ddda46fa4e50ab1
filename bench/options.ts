import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { cases } from './cases/index.ts';
import type { HttpOptions } from './http/run.ts';
import type { State } from './states/states.ts';
import { FULL, QUICK, type WorldSize } from './world/world.ts';

/** The command line as it is typed. */
export interface Flags {
  cases?: string[];
  connections?: number[];
  rounds: number;
  operations?: number;
  aged?: number | true;
  underSnapshot?: boolean;
  scale?: number | true;
  quick?: boolean;
  with?: string;
  compare?: string;
  out?: string;
  json?: boolean;
  http?: boolean;
  wal?: boolean;
  list?: boolean;
}

/** What a run needs to know. */
export interface RunOptions {
  cases: string[];
  connections: number[];
  rounds: number;
  /** Instead of each case's own number. */
  operations?: number;
  states: State[];
  /** How many updates make rows aged. */
  updates: number;
  /** How many orders make a large shop. */
  orders: number;
  size: WorldSize;
  /** SQL for the finished database: a change to be tried without touching `sql/`. */
  extraSql?: string;
}

const UPDATES = 2_000_000;
const ORDERS = 1_000_000;
const QUICK_OPERATIONS = 60;

function count(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('Give a whole number above 0.');
}

const list = (text: string) => text.split(',').map((one) => one.trim());

export const command = () =>
  new Command('npm run bench --')
    .description(
      'Measures the procedures beside baselines, on a fresh server with its shipped settings.',
    )
    .option('--cases <names>', 'these cases only, with commas between', list)
    .option('--connections <numbers>', 'default: 1,8,20,64', (text) => list(text).map(count))
    .option('--rounds <number>', 'rounds of each cell', count, 3)
    .option('--operations <number>', 'operations of each round, instead of the case’s own', count)
    .option('--aged [updates]', `also after so many updates of the same rows (${UPDATES})`, count)
    .option('--under-snapshot', 'also aged while a session holds an old snapshot')
    .option('--scale [orders]', `also in a shop of so many orders (${ORDERS})`, count)
    .option('--quick', 'a small world and few operations, to see that everything works')
    .option('--with <file.sql>', 'run this on the finished database first, to try a change')
    .option('--compare <file.json>', 'say what is slower or faster than in that saved run')
    .option('--out <file.json>', 'default: bench/results/<time>.json; of --wal the Markdown')
    .option('--json', 'print the run as JSON')
    .option('--http', 'measure calls over HTTP instead, with --connections clients (1,20)')
    .option('--wal', 'measure nothing, but say what the cases (place_3) write into the log')
    .option('--list', 'list the cases and end')
    .addHelpText(
      'after',
      '\nTEST_SCHEMA=sql takes the database from sql/ and not from the migrations.' +
        '\nExit codes: 0 measured, 1 failed (nothing is saved), 2 slower than the saved run beyond noise.',
    );

export function runOptions(flags: Flags): RunOptions {
  const { quick = false, aged, underSnapshot, scale } = flags;
  const operations = flags.operations ?? (quick ? QUICK_OPERATIONS : undefined);
  const states: State[] = ['young'];
  if (aged !== undefined) states.push('aged');
  if (underSnapshot) states.push('aged_under_snapshot');
  if (scale !== undefined) states.push('scale');
  return {
    cases: flags.cases ?? (flags.wal ? ['place_3'] : cases.map(({ name }) => name)),
    connections: flags.connections ?? (quick ? [2] : [1, 8, 20, 64]),
    rounds: flags.rounds,
    states,
    updates: typeof aged === 'number' ? aged : UPDATES,
    orders: typeof scale === 'number' ? scale : ORDERS,
    size: quick ? QUICK : FULL,
    ...(operations === undefined ? {} : { operations }),
    ...(flags.with === undefined ? {} : { extraSql: readFileSync(flags.with, 'utf8') }),
  };
}

export function httpOptions(flags: Flags): HttpOptions {
  const { quick = false, cases: named, connections, operations, rounds } = flags;
  return {
    clients: connections ?? (quick ? [2] : [1, 20]),
    rounds,
    size: quick ? QUICK : FULL,
    ...(named === undefined ? {} : { cases: named }),
    ...(operations === undefined && !quick ? {} : { operations: operations ?? QUICK_OPERATIONS }),
  };
}
