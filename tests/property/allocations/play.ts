import type { Sql } from '../../support/connection.ts';
import {
  allocate,
  autoAllocate,
  creditInvoice,
  issue,
  issued,
  issueForOrder,
  receive,
  releasePayment,
  reverse,
  voidInvoice,
  voidPayment,
} from '../../support/receivables.ts';
import { BACKEND } from '../../support/sessions.ts';
import {
  changeStatus,
  createCustomer,
  createVariant,
  placed,
  succeed,
} from '../../support/shop.ts';
import { ask, type Written } from './ask.ts';
import { bounce, paidAndRefunded, settle } from './late-invoice.ts';
import {
  type Books,
  fits,
  give,
  invoiceOf,
  left,
  paid,
  release,
  remaining,
  takeBack,
  takes,
} from './model.ts';
import { portion, type Step } from './plan.ts';

const PRICE = 700;
const pick = <T>(list: readonly T[], which: number): T | undefined => list[which % list.length];

export async function newBooks(sql: Sql): Promise<Books> {
  const customer = await createCustomer(sql, { balance: 1 });
  return { customer, invoices: new Map(), payments: new Map(), orders: [] };
}

/** The answer must be what the model foresaw. */
function expectAnswer(answer: Written, success: boolean): boolean {
  if (answer.success !== success) {
    throw new Error(`${answer.error_code} (${answer.error_message}): success should be ${success}`);
  }
  return success;
}

/** Plays a step on the database and in the model; a step that means nothing here is left out. */
export async function play(sql: Sql, books: Books, step: Step): Promise<void> {
  await perStep(sql, books, step);
  await followOrders(sql, books);
}

/** What an order owes is the order's own story (tests/property/refunds); its invoice claims that much. */
async function followOrders(sql: Sql, books: Books): Promise<void> {
  const rows = await sql<{ id: string; due: number; status: string }[]>`
    select id, amount_due::float8 as due, status from orders where id = any (${books.orders.map(({ id }) => id)})`;
  for (const invoice of books.invoices.values()) {
    const order = rows.find(({ id }) => id === invoice.order);
    if (!order) continue;
    invoice.amount = paid(invoice) + order.due;
    invoice.isOpen = !['rejected', 'cancelled', 'refunded'].includes(order.status);
  }
}

async function perStep(sql: Sql, books: Books, step: Step): Promise<void> {
  const { customer } = books;
  const newInvoice = { parts: [], isOpen: true, isCredited: false };
  if (step.kind === 'issue') {
    const id = await issued(sql, issue(customer, step.amount));
    books.invoices.set(id, { ...newInvoice, amount: step.amount });
  } else if (step.kind === 'order') {
    const variant = await createVariant(sql, { stock: 10, price: PRICE });
    const order = await placed(sql, customer, [[variant, step.quantity]], {
      p_payment_method: 'bank_transfer',
    });
    books.orders.push(order);
    const id = await issued(sql, issueForOrder(order.id));
    books.invoices.set(id, { ...newInvoice, amount: order.total, order: order.id });
  } else if (step.kind === 'lateInvoice') {
    const variant = await createVariant(sql, { stock: 10, price: PRICE });
    const order = await paidAndRefunded(sql, books, variant, step);
    const id = await issued(sql, issueForOrder(order.id));
    books.invoices.set(id, { ...newInvoice, amount: 0, order: order.id });
  } else if (step.kind === 'pay') {
    const { payment_id = '' } = await succeed(sql, receive(customer, step.amount));
    books.payments.set(payment_id, step.amount);
  } else if ('which' in step) {
    await onPayment(sql, books, step);
    await onInvoice(sql, books, step);
    await onOrder(sql, books, step);
  }
}

async function onPayment(sql: Sql, books: Books, step: Step & { which: number }): Promise<void> {
  const payment = pick([...books.payments.keys()], step.which);
  if (payment === undefined) return;
  if (step.kind === 'allocate') {
    const ids = [...books.invoices.keys()];
    const chosen = [...new Set(step.invoices.map((which) => pick(ids, which)))].flatMap(
      (id) => id ?? [],
    );
    const lines = chosen.map((id) => ({
      id,
      amount: portion(Math.min(remaining(invoiceOf(books, id)), left(books, payment)), step.share),
    }));
    if (lines.length === 0) return;
    const call = allocate(
      payment,
      lines.map(({ id, amount }) => ({ invoice_id: id, amount })),
    );
    if (expectAnswer(await ask(sql, call), fits(books, payment, lines))) {
      for (const { id, amount } of lines) give(books, payment, id, amount);
    }
  } else if (step.kind === 'auto') {
    const open = [...books.invoices.values()].filter(takes);
    const total = Math.min(
      left(books, payment),
      open.reduce((sum, one) => sum + remaining(one), 0),
    );
    const answer = await ask(sql, autoAllocate(payment, step.strategy));
    if (!expectAnswer(answer, total > 0)) return;
    if (answer.allocated_amount !== total)
      throw new Error(`${answer.allocated_amount}, not ${total}`);
    // of a pair that was raised: the row that is reversed, and the one of the sum
    for (const { invoice_id, amount } of answer.allocations ?? []) {
      if (amount < 0) takeBack(books, payment, invoice_id);
      else give(books, payment, invoice_id, amount);
    }
  } else if (step.kind === 'release') {
    const amount = portion(left(books, payment), step.share);
    const answer = await ask(sql, releasePayment(payment, amount));
    if (expectAnswer(answer, amount <= left(books, payment))) {
      books.payments.set(payment, left(books, payment) - amount);
    }
  } else if (step.kind === 'voidPayment') {
    const answer = await ask(sql, voidPayment(payment));
    if (!answer.success) return;
    for (const id of books.invoices.keys()) takeBack(books, payment, id);
    books.payments.delete(payment);
  }
}

async function onInvoice(sql: Sql, books: Books, step: Step & { which: number }): Promise<void> {
  const id = pick([...books.invoices.keys()], step.which);
  if (id === undefined) return;
  const invoice = invoiceOf(books, id);
  if (step.kind === 'payInvoice') {
    if (!invoice.isOpen) return;
    const amount = portion(remaining(invoice), step.share);
    const given = Math.min(amount, remaining(invoice));
    const call = { ...receive(books.customer, amount) };
    call.args = { p_amount: amount, p_invoice_id: id };
    const answer: Written = await succeed(sql, call);
    books.payments.set(answer.payment_id ?? '', amount);
    if (given > 0) give(books, answer.payment_id ?? '', id, given);
  } else if (step.kind === 'reverse') {
    const part = pick(invoice.parts, step.which);
    if (!part) return;
    const [row] = await sql<{ id: string }[]>`
      select l.id from payment_allocations l
      where l.payment_id = ${part.payment} and l.invoice_id = ${id} and l.reverses_allocation_id is null
        and not exists (select from payment_allocations r where r.reverses_allocation_id = l.id)`;
    const answer = await ask(sql, reverse(row?.id ?? ''));
    // what an order gave back is not there to be taken from it
    if (!answer.success && answer.error_code === 'payment_already_used' && invoice.order) return;
    expectAnswer(answer, true);
    takeBack(books, part.payment, id);
  } else if (step.kind === 'credit' && !invoice.order) {
    const amount = portion(invoice.amount, step.share);
    const answer = await ask(sql, creditInvoice(id, amount));
    if (!expectAnswer(answer, invoice.isOpen && amount <= invoice.amount)) return;
    release(books, id, Math.max(amount - remaining(invoice), 0));
    invoice.amount -= amount;
    invoice.isCredited = true;
  } else if (step.kind === 'void' && !invoice.order) {
    const possible = invoice.isOpen && paid(invoice) === 0 && !invoice.isCredited;
    if (!expectAnswer(await ask(sql, voidInvoice(id)), possible)) return;
    invoice.amount = 0;
    invoice.isOpen = false;
  }
}

async function onOrder(sql: Sql, books: Books, step: Step & { which: number }): Promise<void> {
  const order = pick(books.orders, step.which);
  if (order === undefined) return;
  const [now] = await sql<{ status: string }[]>`select status from orders where id = ${order.id}`;
  const status = now?.status ?? '';
  if (step.kind === 'refund') {
    await ask(sql, {
      actor: BACKEND,
      procedure: 'ledger_refund_order',
      args: { p_order_id: order.id, p_amount: portion(order.total, step.share), p_to: step.to },
    });
  } else if (step.kind === 'deliver') {
    for (const [from, to] of [
      ['pending', 'processing'],
      [status === 'pending' ? 'processing' : status, 'delivered'],
    ] as const) {
      if (from === status || to === 'delivered')
        await ask(sql, changeStatus(BACKEND, order, from, to));
    }
  } else if (step.kind === 'cancel') {
    await ask(sql, changeStatus(BACKEND, order, status, 'cancelled'));
  } else if (step.kind === 'settle') {
    await settle(sql, order.id, step.payout);
  } else if (step.kind === 'bounce') {
    await bounce(sql, books, order.id);
  }
}
