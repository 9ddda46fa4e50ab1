import { money, step } from './narrate.ts';
import type { Person } from './people.ts';

/** The books at the end of the day; throws when they are not in order. */
export async function printBooks(auditor: Person): Promise<void> {
  step('The books');
  const balances = await auditor.ledger.trialBalance();
  for (const { currency, chartAccount, debitAmount, creditAmount } of balances) {
    console.log(
      `  ${currency} ${chartAccount.padEnd(22)}${money(debitAmount, currency).padStart(15)}${money(creditAmount, currency).padStart(15)}`,
    );
  }
  const balanceOf = (currency: string) =>
    balances
      .filter((balance) => balance.currency === currency)
      .reduce((sum, { debitAmount, creditAmount }) => sum + debitAmount - creditAmount, 0);
  const currencies = [...new Set(balances.map(({ currency }) => currency))];
  for (const currency of currencies) {
    console.log(`  ${currency} trial balance ${money(balanceOf(currency), currency).padStart(38)}`);
  }
  const unbalanced = currencies.filter((currency) => balanceOf(currency) !== 0);

  const differences = await auditor.ledger.checkBooks();
  const { problems: broken } = await auditor.ledger.verifySeals();
  const sealed = await sealedEvents(auditor);
  console.log(
    `  accounts, transactions, postings, events, orders and stock agree: ${differences.length === 0 ? 'yes' : 'NO'}`,
  );
  console.log(`  seals intact over ${sealed} events: ${broken.length === 0 ? 'yes' : 'NO'}`);

  if (unbalanced.length > 0 || differences.length > 0 || broken.length > 0 || sealed === 0) {
    throw new Error(
      `the books are not in order: ${JSON.stringify({ unbalanced, differences, broken, sealed })}`,
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
