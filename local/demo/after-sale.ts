import { dollars, type Order, printBalance, step } from './narrate.ts';
import type { Person } from './people.ts';

/** What happens to an order after it was placed: changed, shipped in parts, returned, refunded. */
export async function playAfterSale(
  admin: Person,
  customer: { name: string; person: Person },
  order: Order,
  move: (to: Order['status']) => Promise<void>,
): Promise<void> {
  const { name, person } = customer;
  const orderId = order.id;

  step(`${name} thinks again: one piece less of the first line`);
  const edited = await person.ledger.editOrder({
    orderId,
    changes: [{ lineNumber: 1, quantity: 2 }],
  });
  order.total = edited.totalAmount;
  console.log(
    `  ${order.number} costs ${dollars(edited.totalAmount)} now; ${dollars(edited.returnedAmount)} went back`,
  );
  await printBalance(name, person);

  step('The warehouse sends it in two parcels');
  await move('processing');
  const parcels = [
    await admin.ledger.shipOrder({
      orderId,
      lines: [{ lineNumber: 1, quantity: 2 }],
      carrier: 'Parcel Post',
      trackingNumber: 'PP 1001',
    }),
    await admin.ledger.shipOrder({ orderId, carrier: 'Parcel Post', trackingNumber: 'PP 1002' }),
  ];
  for (const { shipmentId, shipmentNumber } of parcels) {
    const { orderStatus } = await admin.ledger.confirmDelivery({ shipmentId });
    order.status = orderStatus;
    console.log(`  parcel ${shipmentNumber} has arrived: ${order.number} is ${orderStatus}`);
  }

  step('One piece is broken: it comes back, is written off, and what it cost goes back');
  const { returnId } = await person.ledger.requestReturn({
    orderId,
    lines: [{ lineNumber: 1, quantity: 1, reason: 'the handle came off' }],
  });
  await admin.ledger.reviewReturn({ returnId, action: 'approve' });
  const received = await admin.ledger.reviewReturn({
    returnId,
    action: 'receive',
    lines: [{ lineNumber: 1, writeOff: 1 }],
  });
  console.log(
    `  the return is ${received.status}; ${dollars(received.returnedAmount ?? 0)} went back`,
  );
  await printBalance(name, person);

  step('For the trouble the house takes off two dollars more');
  const refund = await admin.ledger.refundOrder({ orderId, amount: 200, reason: 'our apologies' });
  console.log(
    `  ${order.number} is ${refund.orderStatus} and ${refund.paymentStatus}; ${dollars(refund.outstandingAmount)} is outstanding`,
  );
  await printBalance(name, person);

  const tracking = await person.ledger.orderTracking({ orderId });
  for (const { status, at } of tracking.history) console.log(`  ${at.slice(0, 16)}  ${status}`);
}

/** What the sellers have earned by the orders of the day. */
export async function printVendors(admin: Person, vendorIds: string[]): Promise<void> {
  step('What the vendors earned');
  for (const vendorId of vendorIds) {
    const { vendorName, currencies } = await admin.ledger.reportVendor({ vendorId });
    for (const figures of currencies) {
      console.log(
        `  ${vendorName.padEnd(15)}${figures.units} sold for ${dollars(figures.grossAmount)}; ` +
          `earned ${dollars(figures.earnedAmount)}, taken back ${dollars(figures.clawedBackAmount)}`,
      );
    }
  }
}
