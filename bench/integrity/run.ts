import { join } from 'node:path';
import postgres from 'postgres';
import { runFile } from '../../local/database/load-sql.ts';
import { PROJECT_ROOT } from '../../local/database/supabase-cli.ts';
import { databaseFromMigrations, databaseFromSql } from '../../local/tools/diff/scratch.ts';
import type { Progress } from '../progress.ts';
import type { Environment } from '../report/result.ts';
import { loadScale } from '../scale/load.ts';
import { describeEnvironment } from '../server/environment.ts';
import { schemaSource, withBenchServer } from '../server/server.ts';
import { type Cost, watched } from './watch.ts';

export interface IntegrityOptions {
  orders: number;
  /** Written through the procedures, for the load does not bring any. */
  invoices: number;
  /** Between the full run and the one of what has changed. */
  operations: number;
  progress: Progress;
}

export interface Step {
  name: string;
  cost: Cost;
  /** What it did, as numbers by name. */
  figures: Record<string, number>;
  /** Milliseconds of each family of checks, where it ran them. */
  families?: Record<string, number>;
}

export interface IntegrityResult {
  format: 1;
  environment: Environment;
  options: { orders: number; invoices: number; operations: number };
  rows: Record<string, number>;
  steps: Step[];
}

const CONNECTIONS = 2;
const TABLES = [
  'orders',
  'order_items',
  'transactions',
  'postings',
  'immutable_events',
  'stock_movements',
  'invoices',
  'payments',
  'payment_allocations',
];

/** Builds the large shop on a server of its own and measures in it. */
export function runIntegrity(options: IntegrityOptions): Promise<IntegrityResult> {
  return withBenchServer(async (server) => {
    const name = 'bench_integrity';
    const build = schemaSource() === 'sql' ? databaseFromSql : databaseFromMigrations;
    await build(server, name, PROJECT_ROOT);
    const { progress, ...said } = options;
    const connect = () =>
      postgres(server.url('supabase_admin', name), { max: 1, onnotice: () => {} });
    const sql = connect();
    try {
      await loadScale(sql, {
        orders: options.orders,
        progress: (done, total, what) => progress.step(`loading ${what}`, done, total),
      });
      await sql.unsafe('begin');
      await runFile(sql, join(import.meta.dirname, 'work.sql'));
      await sql.unsafe('commit');
      const environment = await describeEnvironment(sql);
      const steps = await measure(sql, connect, options);
      return { format: 1, environment, options: said, rows: await countRows(sql), steps };
    } finally {
      await sql.end({ timeout: 5 });
    }
  });
}

async function measure(
  sql: postgres.Sql,
  connect: () => postgres.Sql,
  { invoices, operations, progress }: IntegrityOptions,
): Promise<Step[]> {
  const steps: Step[] = [];
  const add = (step: Step) => {
    steps.push(step);
    progress.line(`${step.name}: ${(step.cost.milliseconds / 1000).toFixed(2)} s`);
  };
  /** Through two connections; each takes every other stretch. */
  const act = async (procedure: string, count: number) => {
    progress.step(procedure, 0, count);
    const started = performance.now();
    const half = Math.ceil(count / CONNECTIONS);
    await Promise.all(
      Array.from({ length: CONNECTIONS }, async (_, worker) => {
        const own = connect();
        try {
          await own`set synchronous_commit = off`;
          await own.unsafe(
            `call integrity_bench.${procedure}(${worker * half + 1}, ${Math.min((worker + 1) * half, count)})`,
          );
        } finally {
          await own.end();
        }
      }),
    );
    progress.line(
      `${procedure} x ${count}: ${((performance.now() - started) / 1000).toFixed(1)} s`,
    );
  };
  const run = async (name: string, scope: string, account: string | null = null) => {
    const { cost, value } = await watched(sql, connect, async (own) => {
      const [answer] = await own`
        select r.run, r.success, r.error_message from public.integrity_run(p_scope => ${scope}, p_account_id => ${account}) r`;
      if (!answer?.success) throw new Error(`the run was refused: ${answer?.error_message}`);
      return answer.run as Run;
    });
    // an order may wait for long in a shop that was loaded: that is a warning
    if (value.status === 'FAIL') {
      throw new Error(
        `the run of ${scope} found ${JSON.stringify(value.details.by_check)}: the books do not balance`,
      );
    }
    const figures = {
      warnings: value.findings,
      accounts: value.accounts,
      orders: value.details.orders ?? 0,
    };
    add({ name, cost, figures, families: value.details.milliseconds });
  };
  const query = async (name: string, figure: string, text: string) => {
    const { cost, value } = await watched(sql, connect, (own) => own.unsafe(text));
    add({ name, cost, figures: { [figure]: Number(value[0]?.[figure] ?? 0) } });
  };

  await act('bill', invoices);
  await sql`vacuum (analyze)`;
  await query('sealing all events', 'events', 'select ledger.seal_events() as events');
  await query(
    'verifying all seals',
    'seals',
    'select count(*) as seals from ledger.verify_seals()',
  );
  await run('everything', 'all');
  await query(
    'replaying everything',
    'differences',
    'select r.differences from public.integrity_replay(p_all => true) r',
  );
  await act('work', operations);
  await run(`what ${operations.toLocaleString('en')} operations changed`, 'changed');
  await run('what nothing changed', 'changed');
  const [largest] =
    await sql`select account_id as id from public.orders group by account_id order by count(*) desc limit 1`;
  await run('the account with the most orders', 'account', String(largest?.id));
  await run('everything once more', 'all');
  return steps;
}

interface Run {
  status: string;
  findings: number;
  accounts: number;
  details: RunDetails;
}

interface RunDetails {
  by_check: Record<string, number>;
  orders: number | null;
  milliseconds: Record<string, number>;
}

async function countRows(sql: postgres.Sql): Promise<Record<string, number>> {
  const rows: Record<string, number> = {};
  for (const table of TABLES) {
    const [counted] = await sql`select count(*)::float8 as rows from ${sql(`public.${table}`)}`;
    rows[table] = Number(counted?.rows);
  }
  return rows;
}
