/** One customer's account as it should be, in minor units. */
export interface Invoice {
  /** What it claims. Of an order: what was allocated and what the order still owes. */
  amount: number;
  /** What payments gave to it, oldest first. */
  parts: { payment: string; amount: number }[];
  /** The order that it is of. */
  order?: string;
  isOpen: boolean;
  isCredited: boolean;
}

export interface Books {
  customer: string;
  invoices: Map<string, Invoice>;
  /** What is left of each payment. */
  payments: Map<string, number>;
  orders: { id: string; customer: string; total: number }[];
}

export const paid = ({ parts }: Invoice) => parts.reduce((sum, { amount }) => sum + amount, 0);
export const remaining = (invoice: Invoice) => invoice.amount - paid(invoice);
export const left = (books: Books, payment: string) => books.payments.get(payment) ?? 0;

export function invoiceOf(books: Books, id: string): Invoice {
  const invoice = books.invoices.get(id);
  if (!invoice) throw new Error(`the model has no invoice ${id}`);
  return invoice;
}

export const takes = (invoice: Invoice) => invoice.isOpen && remaining(invoice) > 0;

/** Whether these lines fit the payment and the invoices. */
export const fits = (books: Books, payment: string, lines: { id: string; amount: number }[]) =>
  lines.reduce((sum, { amount }) => sum + amount, 0) <= left(books, payment) &&
  lines.every(({ id, amount }) => {
    const invoice = invoiceOf(books, id);
    return invoice.isOpen && amount <= remaining(invoice);
  });

/** Gives a part of a payment to an invoice; what it gave before is one part with it, the newest. */
export function give(books: Books, payment: string, id: string, amount: number): void {
  const invoice = invoiceOf(books, id);
  const before = invoice.parts.find((part) => part.payment === payment)?.amount ?? 0;
  invoice.parts = [
    ...invoice.parts.filter((part) => part.payment !== payment),
    { payment, amount: before + amount },
  ];
  books.payments.set(payment, left(books, payment) - amount);
}

/** Takes this much of what an invoice has back, newest first. */
export function release(books: Books, id: string, amount: number): void {
  const invoice = invoiceOf(books, id);
  for (let rest = amount; rest > 0; ) {
    const newest = invoice.parts.pop();
    if (!newest) throw new Error(`invoice ${id} has less than ${amount}`);
    const taken = Math.min(rest, newest.amount);
    books.payments.set(newest.payment, left(books, newest.payment) + taken);
    if (taken < newest.amount) invoice.parts.push({ ...newest, amount: newest.amount - taken });
    rest -= taken;
  }
}

/** Takes what a payment gave to an invoice back, all of it. */
export function takeBack(books: Books, payment: string, id: string): void {
  const invoice = invoiceOf(books, id);
  const part = invoice.parts.find((candidate) => candidate.payment === payment);
  invoice.parts = invoice.parts.filter((candidate) => candidate !== part);
  books.payments.set(payment, left(books, payment) + (part?.amount ?? 0));
}
