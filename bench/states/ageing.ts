import { withConnection } from '../../local/database/bootstrap.ts';
import type { Progress } from '../progress.ts';

const CHUNK = 50_000;

/**
 * Updates the rows that the cases write, each time in a transaction of its own. That nobody waits
 * for the disk makes it quick and the rows no younger.
 */
export async function age(
  url: string,
  { updates, progress }: { updates: number; progress: Progress },
): Promise<void> {
  await withConnection(url, async (sql) => {
    await sql`set synchronous_commit = off`;
    await sql`set ledger.procedure = 'bench'`;
    for (let done = 0; done < updates; done += CHUNK) {
      const upTo = Math.min(done + CHUNK, updates);
      await sql`call bench.age(${done / 2}::bigint, ${Math.floor(upTo / 2) - 1}::bigint)`;
      progress.step('ageing', upTo, updates);
    }
  });
}
