import { dollars, printRefusal, step } from './narrate.ts';
import type { Person } from './people.ts';

/** A customer who pays by transfer: a receipt for an order, then invoices, an allocation, a statement. */
export async function playReceivables(
  finance: Person,
  customer: { name: string; person: Person },
  variantId: string,
): Promise<void> {
  const { name, person } = customer;

  step(`${name} orders a mug by transfer and sends the bank's receipt; finance approves it`);
  const order = await person.ledger.placeOrder({
    items: [{ variantId, quantity: 1 }],
    paymentMethod: 'bank_transfer',
  });
  const { receiptId, paymentStatus } = await person.ledger.submitReceipt({
    orderId: order.orderId,
    amount: order.amountDue,
    reference: 'TR 2024-07',
  });
  console.log(
    `  ${order.orderNumber} is ${paymentStatus}, ${dollars(order.amountDue)} to be looked at`,
  );
  await printRefusal('receipt_reference_used', () =>
    person.ledger.submitReceipt({ amount: order.amountDue, reference: 'tr-202407' }),
  );
  const review = await finance.ledger.reviewReceipt({ receiptId, action: 'approve' });
  console.log(`  ${order.orderNumber} is ${review.paymentStatus} and ${review.orderStatus}`);

  step(`Finance invoices ${name} for an engraving and a course`);
  for (const [description, unitPriceAmount] of [
    ['Engraving', 12_000],
    ['Course', 4_500],
  ] as const) {
    const invoice = await finance.ledger.issueInvoice({
      userId: person.id,
      lines: [{ description, quantity: 1, unitPriceAmount }],
    });
    console.log(`  ${invoice.invoiceNumber} claims ${dollars(invoice.amount)}`);
  }

  step('A transfer of 140.00 comes in: the oldest invoice first, a part of the next one');
  const { paymentId } = await finance.ledger.recordPayment({ userId: person.id, amount: 14_000 });
  const { plan } = await finance.ledger.autoAllocatePayment({ paymentId, strategy: 'fifo' });
  for (const { invoiceNumber, amount, remainingAmount } of plan) {
    console.log(`  ${invoiceNumber} gets ${dollars(amount)} of ${dollars(remainingAmount)}`);
  }
  const { debtAmount } = await person.ledger.accountDebt({});
  console.log(`  ${name} owes ${dollars(debtAmount)}`);

  step(`${name} reads the statement`);
  const { movements, closing } = await person.ledger.accountStatement({});
  for (const { type, walletChange, debtChange, debtBalance } of movements) {
    console.log(
      `  ${type.padEnd(24)}wallet ${dollars(walletChange).padStart(8)}  debt ${dollars(debtChange).padStart(8)}  owes ${dollars(debtBalance).padStart(8)}`,
    );
  }
  console.log(
    `  closing: wallet ${dollars(closing.walletBalance)}, debt ${dollars(closing.debtBalance)}`,
  );
}
