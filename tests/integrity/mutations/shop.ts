import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { runFile } from '../../../local/database/load-sql.ts';
import { PROJECT_ROOT } from '../../../local/database/supabase-cli.ts';
import { sealEverything } from '../../support/books.ts';
import type { Sql } from '../../support/connection.ts';

/** In this order, for some need what others left. */
const OPENINGS = [
  'shop',
  'office',
  'imports',
  'desk',
  'till',
  'review',
  'market',
  'warehouse',
  'returns',
  'refunds',
  'cards',
  'trust',
  'shadow',
];

/** A shop in which every table has rows; sealed after each opening, so that there are several seals. */
export async function openEverything(sql: Sql): Promise<void> {
  const folder = join(PROJECT_ROOT, 'tests', 'database');
  const helpers = readdirSync(folder).filter((name) => name.startsWith('000-'));
  const session = await sql.reserve();
  try {
    for (const name of helpers.sort()) await runFile(session, join(folder, name));
    for (const opening of OPENINGS) {
      await session.unsafe(`select tests.open_${opening}()`);
      await sealEverything(session as unknown as Sql);
    }
    await allowRepairs(session as unknown as Sql);
  } finally {
    session.release();
  }
}

/** Repairs are enforced only after they were looked at. */
async function allowRepairs(sql: Sql): Promise<void> {
  for (const state of ['dry', 'enforce']) {
    await sql`select tests.expect_success(f) from public.ledger_set_flag('active_reconciliation', ${state}) f`;
    await sql`select tests.expect_success(r) from public.integrity_run(p_scope => 'all') r`;
  }
  await sealEverything(sql);
}
