import type { Sql } from '../../support/connection.ts';
import { type Answer, type Call, perform } from '../../support/sessions.ts';

export type Written = Answer & {
  allocated_amount?: number;
  unapplied_amount?: number;
  allocations?: { invoice_id: string; amount: number }[];
};

export async function ask(sql: Sql, call: Call): Promise<Written> {
  const connection = await sql.reserve();
  try {
    return await perform(connection, call);
  } finally {
    connection.release();
  }
}
