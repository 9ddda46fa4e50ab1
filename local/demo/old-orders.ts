import { readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import type { z } from 'zod';
import type { procedures } from '../../types/index.ts';
import { money, step } from './narrate.ts';
import type { Person } from './people.ts';

type Fix = z.infer<(typeof procedures)['emergencyOrderFix']['output']>;
type Row = Record<string, string>;

/** Customer 94 of an older system: five orders, four of which it left broken. */
const files = new URL('../../tests/import/samples/customer_94/', import.meta.url);
const table = (name: string) =>
  parse(readFileSync(new URL(`${name}.csv`, files)), { columns: true }) as Row[];

/** Broken orders come in as far as they are proven, and are put right after a look at what that means. */
export async function playOldOrders(admin: Person): Promise<void> {
  step(
    "Orders of an older system: customer 94 comes over, with goods, orders and the wallet's balance",
  );
  await bringIn(admin, 'customers', {});
  await bringIn(admin, 'products', { currency: 'IQD' });
  const customerId = await importedCustomer(admin, '94');
  const balance = Number(table('customers')[0]?.wallet_balance?.replaceAll(',', ''));
  await admin.ledger.creditAccount({
    userId: customerId,
    amount: Math.round(balance * 1000),
    currency: 'IQD',
    type: 'deposit',
  });
  await bringIn(admin, 'orders', { currency: 'IQD', broken_orders: 'claim' });

  step('A dry run says what is wrong with them, and what would come of it');
  printFix(await admin.ledger.emergencyOrderFix({ userId: customerId }));

  step('The admin has it done; a second run finds nothing');
  for (const run of ['first', 'second']) {
    const { foundOrders, fixedOrders, orders } = await admin.ledger.emergencyOrderFix({
      userId: customerId,
      dryRun: false,
    });
    console.log(`  ${run} run: ${foundOrders} found, ${fixedOrders} fixed`);
    for (const { orderNumber, after } of orders) console.log(`  ${orderNumber} is ${after.stage}`);
  }
}

async function bringIn(
  { ledger }: Person,
  kind: 'customers' | 'products' | 'orders',
  options: Row,
): Promise<void> {
  const rows = table(kind);
  const { runId } = await ledger.importBegin({
    kind,
    sourceName: `${kind}.csv`,
    options: { decimal_separator: '.', ...options },
  });
  await ledger.importStage({ runId, firstRow: 1, rows, isLast: true });
  await ledger.importAnalyze({ runId });
  let progress = await ledger.importApply({ runId });
  while (!progress.done) progress = await ledger.importApply({ runId });
  console.log(`  ${kind}: ${progress.appliedRows} of ${rows.length} rows are in the books`);
}

async function importedCustomer({ supabase }: Person, name: string): Promise<string> {
  const { data, error } = await supabase
    .from('import_identities')
    .select('target_id')
    .match({ kind: 'customer', external_id: name })
    .single<{ target_id: string }>();
  if (error) throw error;
  return data.target_id;
}

function printFix({ orders }: Fix): void {
  for (const { orderNumber, outcome, problems, currency, steps, before, after } of orders) {
    const from = `${before.status} ${before.paymentStatus}`;
    console.log(
      `  ${orderNumber} ${outcome.padEnd(8)}${from.padEnd(25)} -> ${after.status} ${after.paymentStatus}, ${after.stage}: ${problems.join(', ')}`,
    );
    for (const { step: name, amount } of steps) {
      if (amount !== undefined) console.log(`    ${name} ${money(amount, currency)} ${currency}`);
    }
  }
}
