import { withConnection } from '../database/bootstrap.ts';
import type { Stack } from '../stack.ts';
import { playAfterSale, printVendors } from './after-sale.ts';
import { type Order, printBalance, printRefusal, step } from './narrate.ts';
import { playOldOrders } from './old-orders.ts';
import { type Person, signIn, signUp } from './people.ts';
import { playReceivables } from './receivables.ts';
import { printBooks } from './report.ts';

/** Variants of supabase/seed.sql. */
const blueMug = '30000000-0000-4000-8000-000000000001';
const largeMug = '30000000-0000-4000-8000-000000000002';
const teaBowl = '30000000-0000-4000-8000-000000000003';
const espresso = '30000000-0000-4000-8000-000000000005';
const vendors = ['10000000-0000-4000-8000-000000000001', '10000000-0000-4000-8000-000000000002'];

/** The main job from end to end: sign-up, deposit, orders and what becomes of them, a commission, the books. */
export async function playDay(stack: Stack): Promise<void> {
  const admin = await signIn(stack, 'admin');
  const finance = await signIn(stack, 'finance');

  step('Noor signs up; Samir does too, with her referral code');
  const noor = await signUp(stack, 'Noor');
  const samir = await signUp(stack, 'Samir');
  await samir.ledger.registerReferral({ referralCode: await referralCode(noor) });

  step('Finance credits a deposit of 150.00 USD to Samir');
  await finance.ledger.creditAccount({ userId: samir.id, amount: 15_000, type: 'deposit' });
  await printBalance('Samir', samir);

  step('Samir orders two mugs, a bowl and a kilo of espresso from his wallet');
  const first = await place(samir, { [blueMug]: 2, [teaBowl]: 1, [espresso]: 1 });
  await printBalance('Samir', samir);
  for (const to of ['processing', 'delivered', 'cancelled'] as const) {
    await move(admin, first, to);
    await printBalance('Samir', samir);
    if (to === 'delivered') await printBalance('Noor', noor);
  }
  console.log(
    '  the money and the commission went back; delivered goods stay out until they return',
  );

  step('Samir orders again; it is shipped and delivered, and Noor earns her commission');
  const second = await place(samir, { [largeMug]: 3 });
  for (const to of ['processing', 'shipped', 'delivered'] as const) await move(admin, second, to);
  await printBalance('Samir', samir);
  await printBalance('Noor', noor);

  step('Samir asks for more bowls than there are');
  await printRefusal('insufficient_stock', () =>
    samir.ledger.placeOrder({ items: [{ variantId: teaBowl, quantity: 4 }] }),
  );
  await printBalance('Samir', samir);

  step('Samir asks for more than his wallet holds');
  await printRefusal('insufficient_funds', () =>
    samir.ledger.placeOrder({ items: [{ variantId: espresso, quantity: 20 }] }),
  );
  await printBalance('Samir', samir);

  step('Samir orders three mugs and a kilo of espresso');
  const third = await place(samir, { [blueMug]: 3, [espresso]: 1 });
  await playAfterSale(admin, { name: 'Samir', person: samir }, third, (to) =>
    move(admin, third, to),
  );
  await printVendors(admin, vendors);
  await playReceivables(finance, { name: 'Noor', person: noor }, blueMug);
  await playOldOrders(admin);

  // the scheduler does this once a minute
  await withConnection(stack.databaseUrl, (sql) => sql`select ledger.seal_events()`);
  await printBooks(admin);
}

async function referralCode({ supabase, id }: Person): Promise<string> {
  const { data, error } = await supabase
    .from('profiles')
    .select('referral_code')
    .eq('id', id)
    .single<{ referral_code: string }>();
  if (error) throw error;
  return data.referral_code;
}

async function place(customer: Person, quantities: Record<string, number>): Promise<Order> {
  const order = await customer.ledger.placeOrder({
    items: Object.entries(quantities).map(([variantId, quantity]) => ({ variantId, quantity })),
  });
  console.log(`  ${order.orderNumber} is ${order.status} and ${order.paymentStatus}`);
  return {
    id: order.orderId,
    number: order.orderNumber,
    customerId: customer.id,
    status: order.status,
    total: order.totalAmount,
  };
}

async function move(staff: Person, order: Order, to: Order['status']): Promise<void> {
  const from = order.status;
  const { orderStatus } = await staff.ledger.changeOrderStatus({
    userId: order.customerId,
    referenceId: order.id,
    oldStatus: from,
    newStatus: to,
    amount: order.total,
  });
  order.status = orderStatus;
  console.log(`  ${order.number}: ${from} -> ${orderStatus}`);
}
