import postgres from 'postgres';
import { withConnection } from '../../local/database/bootstrap.ts';
import type { PostgresServer } from '../../local/postgres/postgres.ts';
import type { Bench } from '../measure/turn.ts';
import type { Progress } from '../progress.ts';
import { withDatabase } from '../server/server.ts';
import { readWorld, type WorldSize } from '../world/world.ts';
import { age } from './ageing.ts';

/**
 * In what condition the rows are: young, after millions of updates on them (aged), the same while a
 * session holds an old snapshot, so that nothing of it can be cleaned up (aged_under_snapshot), and
 * young in a shop of very many orders (scale).
 */
export type State = 'young' | 'aged' | 'aged_under_snapshot' | 'scale';

export interface StateOptions {
  size: WorldSize;
  updates: number;
  orders: number;
  progress: Progress;
}

/** A database of its own in this state, for as long as the work takes. */
export async function withState<T>(
  server: PostgresServer,
  state: State,
  options: StateOptions,
  work: (bench: Bench) => Promise<T>,
): Promise<T> {
  const name = `bench_${state}`;
  const url = server.url('postgres', name);
  return withDatabase(server, name, async () => {
    const sql = postgres(url, { max: 2, onnotice: () => {} });
    const admin = postgres(server.url('supabase_admin', name), { max: 1, onnotice: () => {} });
    const world = await readWorld(sql, options.size);
    const bench: Bench = { state, url, admin, sql, world };
    try {
      switch (state) {
        case 'young':
          return await work(bench);
        case 'aged':
          await age(url, options);
          return await work(bench);
        case 'aged_under_snapshot':
          return await withOldSnapshot(url, async () => {
            await age(url, options);
            return work(bench);
          });
        case 'scale':
          await load(bench, options);
          return await work(bench);
      }
    } finally {
      await Promise.all([sql.end({ timeout: 5 }), admin.end({ timeout: 5 })]);
    }
  });
}

async function withOldSnapshot<T>(url: string, work: () => Promise<T>): Promise<T> {
  return withConnection(url, async (holder) => {
    await holder`begin isolation level repeatable read`;
    await holder`select 1`;
    return work();
  });
}

async function load({ admin }: Bench, { orders, progress }: StateOptions): Promise<void> {
  const { loadScale } = await import('../scale/load.ts');
  await loadScale(admin, {
    orders,
    progress: (done, total, what) => progress.step(`loading ${what}`, done, total),
  });
  await admin`vacuum analyze`;
}
