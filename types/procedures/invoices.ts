import { z } from 'zod';
import {
  actorId,
  amount,
  basisPoints,
  currency,
  id,
  jsonObject,
  moment,
  notes,
  orNull,
  positiveAmount,
  text,
  transactionId,
} from '../fields.ts';
import type { Procedure } from '../procedure.ts';

const invoiceId = id('The invoice.');
const invoiceNumber = z.string().describe('Its number, such as INV-000001.');
const version = z.int().min(1).describe('Counts changes of the invoice.');
const expectedVersion = version
  .describe('Refused when the invoice has another version by now.')
  .optional();
const reference = text(0, 200, "The customer's reference; printed.");

const invoiceLine = z.strictObject({
  description: text(1, 1000, 'What it is for.'),
  quantity: z.int().min(1).max(1_000_000_000_000).describe('How many.'),
  unitPriceAmount: amount('Price of one.'),
  discountAmount: amount('Off the line.').optional(),
  taxRateBp: basisPoints("Tax rate; the shop's when left out.").optional(),
  sku: text(0, 200, 'Article number.').optional(),
});

export const invoices = {
  issueInvoice: {
    name: 'ledger_issue_invoice',
    summary:
      'Issues the invoice of an order, or a free one of lines for a customer. Needs invoices.issue.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      orderId: id('The order; for a free invoice leave it out.').optional(),
      userId: id('The customer of a free invoice.').optional(),
      lines: z
        .array(invoiceLine)
        .min(1)
        .max(1000)
        .describe('Lines of a free invoice; an order has its own.')
        .optional(),
      currency: currency('Of a free invoice; the shop default when left out.').optional(),
      dueAt: moment("When it is due; by the customer's terms when left out.").optional(),
      series: text(1, 30, 'The number series; invoice when left out.').optional(),
      pricesIncludeTax: z
        .boolean()
        .describe(
          "Whether the prices of a free invoice contain the tax; the shop's setting when left out.",
        )
        .optional(),
      billingAddress: jsonObject(
        "The address on it, at most 4 KB; the order's when left out.",
      ).optional(),
      reference: reference.optional(),
      notes: notes('Printed on it.').optional(),
      actorId: actorId.optional(),
    }),
    output: z.object({
      transactionId,
      invoiceId,
      invoiceNumber,
      orderId: orNull(id('Its order; null for a free invoice.')),
      currency: currency('Of all its amounts.'),
      totalAmount: amount('What it comes to.'),
      taxAmount: amount('Tax in it.'),
      prepaidAmount: amount('What of an order was paid before and did not go back.'),
      amount: amount('What it claims.'),
      dueAt: moment('When it is due.'),
      version,
    }),
  },

  creditInvoice: {
    name: 'ledger_credit_invoice',
    summary:
      'Credits units of lines or an amount of a free invoice by a credit note; what was paid beyond what is left is unapplied again. Needs invoices.issue.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      invoiceId,
      lines: z
        .array(
          z.strictObject({
            lineNumber: z.int().min(1).max(2_147_483_647).describe("The line's number."),
            quantity: z.int().min(1).describe('In units.'),
          }),
        )
        .min(1)
        .max(5000)
        .describe('Units to credit; or say an amount.')
        .optional(),
      amount: positiveAmount('To credit, with its tax; or name lines.').optional(),
      reason: notes('Why; the customer can read it.').optional(),
      expectedVersion,
      actorId: actorId.optional(),
    }),
    output: z.object({
      transactionId,
      invoiceId,
      creditNoteId: id('The credit note.'),
      creditNoteNumber: z.string().describe('Its number, such as CN-000001.'),
      creditedAmount: positiveAmount('What it credits.'),
      taxAmount: amount('Tax in that.'),
      releasedAmount: amount('What of it had been paid, and is unapplied now.'),
      remainingAmount: amount('What is left to pay of the invoice.'),
      version,
    }),
  },

  changeInvoice: {
    name: 'ledger_change_invoice',
    summary: 'Changes when an invoice is due, its reference and its notes. Needs invoices.issue.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      invoiceId,
      dueAt: moment('When it is due.').optional(),
      reference: reference.optional(),
      notes: notes('Printed on it; empty to remove them.').optional(),
      expectedVersion,
      actorId: actorId.optional(),
    }),
    output: z.object({
      transactionId,
      invoiceId,
      invoiceNumber,
      dueAt: moment('When it is due.'),
      reference: z.string().nullable().describe("The customer's reference."),
      notes: z.string().nullable().describe('Printed on it.'),
      version,
    }),
  },

  voidInvoice: {
    name: 'ledger_void_invoice',
    summary:
      'Makes an invoice void that should not have been issued; its order can be edited again. Needs invoices.issue.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      invoiceId,
      reason: notes('Why; the customer can read it.').optional(),
      actorId: actorId.optional(),
    }),
    output: z.object({
      transactionId,
      invoiceId,
      invoiceNumber,
      orderId: orNull(id('Its order; null for a free invoice.')),
      voidedAmount: amount('What it claimed.'),
      version,
    }),
  },

  invoiceDocument: {
    name: 'invoice_document',
    summary: 'All that a printed invoice or credit note says, and what is paid of it.',
    answers: 'result',
    takesIdempotencyKey: false,
    input: z.strictObject({ invoiceId: id('The invoice or credit note.') }),
    output: z.object({
      invoiceId,
      document: jsonObject(
        'The document; keys as they are in the database, amounts in minor units.',
      ),
    }),
  },
} as const satisfies Record<string, Procedure>;
