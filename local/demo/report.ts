import { dollars, step } from './narrate.ts';
import type { Person } from './people.ts';

/** The books at the end of the day; throws when they are not in order. */
export async function printBooks(auditor: Person): Promise<void> {
  step('The books');
  const balances = await auditor.ledger.trialBalance();
  for (const { chartAccount, debitAmount, creditAmount } of balances) {
    console.log(
      `  ${chartAccount.padEnd(22)}${dollars(debitAmount).padStart(10)}${dollars(creditAmount).padStart(10)}`,
    );
  }
  const debits = balances.reduce((sum, { debitAmount }) => sum + debitAmount, 0);
  const credits = balances.reduce((sum, { creditAmount }) => sum + creditAmount, 0);
  console.log(`  ${'trial balance'.padEnd(22)}${dollars(debits - credits).padStart(20)}`);

  const differences = await auditor.ledger.checkBooks();
  const { problems: broken } = await auditor.ledger.verifySeals();
  const sealed = await sealedEvents(auditor);
  console.log(
    `  accounts, transactions, postings, events, orders and stock agree: ${differences.length === 0 ? 'yes' : 'NO'}`,
  );
  console.log(`  seals intact over ${sealed} events: ${broken.length === 0 ? 'yes' : 'NO'}`);

  if (debits !== credits || differences.length > 0 || broken.length > 0 || sealed === 0) {
    throw new Error(
      `the books are not in order: ${JSON.stringify({ debits, credits, differences, broken, sealed })}`,
    );
  }
}

async function sealedEvents({ supabase }: Person): Promise<number> {
  const { data, error } = await supabase
    .from('event_seals')
    .select('event_count')
    .overrideTypes<{ event_count: number }[], { merge: false }>();
  if (error) throw error;
  return data.reduce((sum, { event_count }) => sum + event_count, 0);
}
