import type { z } from 'zod';
import { LedgerError, type LedgerErrorCode, type orderStatus } from '../../types/index.ts';
import type { Person } from './people.ts';

export interface Order {
  id: string;
  number: string;
  customerId: string;
  status: z.infer<typeof orderStatus>;
  total: number;
}

interface Account {
  total_earned: number;
  total_withdrawn: number;
  total_pending_withdrawals: number;
  total_orders: number;
  available_balance: number;
}

let steps = 0;

export function step(sentence: string): void {
  steps += 1;
  console.log(`\n${steps}. ${sentence}`);
}

/** Decimals of the currencies that the demo's orders are in. */
const decimals: Record<string, number> = { USD: 2, IQD: 3 };

export function money(minorUnits: number, currency: string): string {
  const places = decimals[currency];
  if (places === undefined) throw new Error(`the demo knows no amounts in ${currency}`);
  return (minorUnits / 10 ** places).toFixed(places);
}

/** US dollars, as everything in the demo's shop is priced. */
export function dollars(minorUnits: number): string {
  return money(minorUnits, 'USD');
}

/** The four totals and what they leave, read as the customer reads them. */
export async function printBalance(name: string, { supabase, id }: Person): Promise<void> {
  const { data, error } = await supabase
    .from('accounts')
    .select(
      'total_earned, total_withdrawn, total_pending_withdrawals, total_orders, available_balance',
    )
    .eq('user_id', id)
    .single<Account>();
  if (error) throw error;
  const figures = [
    ['earned', data.total_earned],
    ['withdrawn', data.total_withdrawn],
    ['pending', data.total_pending_withdrawals],
    ['orders', data.total_orders],
    ['available', data.available_balance],
  ] as const;
  console.log(
    `  ${name.padEnd(6)}${figures.map(([label, value]) => `${label} ${dollars(value).padStart(7)}`).join('  ')}`,
  );
}

/** The message that the customer reads; anything but this refusal is a failure of the demo. */
export async function printRefusal(
  code: LedgerErrorCode,
  call: () => Promise<unknown>,
): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (!(error instanceof LedgerError) || error.code !== code) throw error;
    console.log(`  refused (${error.code}): ${error.message}`);
    return;
  }
  throw new Error(`the call should have been refused as ${code}`);
}
