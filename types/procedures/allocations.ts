import { z } from 'zod';
import {
  actorId,
  amount,
  currency,
  id,
  moment,
  notes,
  orNull,
  positiveAmount,
  signedAmount,
  transactionId,
} from '../fields.ts';
import type { Procedure } from '../procedure.ts';

export const invoiceBalanceStatus = z
  .enum(['unpaid', 'partial', 'paid'])
  .describe('How far the invoice is paid.');

export const allocationStrategy = z
  .enum(['fifo', 'aging', 'risk', 'weighted'])
  .describe(
    'fifo: issued first; aging: most overdue first, then the largest; risk: days overdue times what is left; weighted: by the weights in settings. fifo when left out.',
  );

const version = (description: string) => z.int().min(0).describe(description);

const writtenAllocations = z
  .array(
    z.object({
      allocationId: id('The row.'),
      paymentId: id('The payment.'),
      invoiceId: id('The invoice.'),
      orderId: orNull(id('The order that the invoice is of.')),
      amount: signedAmount('What the row gives to the invoice; below zero for a reversal.'),
      remainingAmount: amount('What is left to pay of the invoice now.'),
      status: invoiceBalanceStatus,
    }),
  )
  .describe('The rows that were written.');

const firstTransactionId = transactionId.describe(
  'The transaction that was written; the first one when invoices of several orders were paid.',
);

const debtFigures = (description: string) =>
  z
    .object({
      debtAmount: signedAmount('What invoices claim and no payment has.'),
      invoicedAmount: signedAmount('What live invoices claim.'),
      allocatedAmount: signedAmount('What payments have given to them.'),
      unappliedAmount: signedAmount('What payments have and no invoice.'),
    })
    .describe(description);

const balances = (description: string) =>
  z
    .object({
      accountVersion: version('The last transaction before that moment; 0 before the first.'),
      walletBalance: signedAmount('What the wallet could spend.'),
      debtBalance: amount('What invoices claimed and no payment had.'),
      unappliedBalance: amount('What payments had and no invoice.'),
    })
    .describe(description);

const askedCustomer = id('The customer, when that is not the caller. For staff and backends.');

const accountCurrency = currency('Currency of the account; the shop default when left out.');

export const allocations = {
  allocatePayment: {
    name: 'ledger_allocate_payment',
    summary:
      "Gives parts of a payment's remainder to invoices of its customer, all lines or none. Needs payments.allocate.",
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      paymentId: id('The payment.'),
      lines: z
        .array(
          z.strictObject({
            invoiceId: id('The invoice; on one line only.'),
            amount: positiveAmount('What of the payment goes to it.'),
            expectedVersion: version('Version of the balance as it was read.').optional(),
          }),
        )
        .min(1)
        .max(1000)
        .describe('What goes to which invoice.'),
      actorId: actorId.optional(),
    }),
    output: z.object({
      transactionId: firstTransactionId,
      paymentId: id('The payment.'),
      currency: currency('Currency of the amounts.'),
      allocatedAmount: positiveAmount('What was allocated in all.'),
      unappliedAmount: amount('What is left of the payment.'),
      allocations: writtenAllocations,
    }),
  },

  autoAllocatePayment: {
    name: 'ledger_auto_allocate_payment',
    summary:
      'Gives what is left of a payment to open invoices of its customer, by a strategy. Needs payments.allocate.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      paymentId: id('The payment.'),
      strategy: allocationStrategy.optional(),
      actorId: actorId.optional(),
      dryRun: z.boolean().describe('Only answers the plan; no when left out.').optional(),
    }),
    output: z.object({
      transactionId: orNull(firstTransactionId),
      paymentId: id('The payment.'),
      currency: currency('Currency of the amounts.'),
      strategy: allocationStrategy,
      dryRun: z.boolean().describe('Whether nothing was changed.'),
      allocatedAmount: positiveAmount('What was allocated in all, or would be.'),
      unappliedAmount: amount('What is left of the payment, or would be.'),
      allocations: writtenAllocations,
      plan: z
        .array(
          z.object({
            invoiceId: id('The invoice.'),
            invoiceNumber: z.string().describe('Its number.'),
            orderId: orNull(id('The order that it is of.')),
            amount: positiveAmount('What of the payment goes to it.'),
            remainingAmount: positiveAmount('What was left to pay of it before.'),
            daysOverdue: z.int().describe('Whole days past its due date; below zero before it.'),
            score: z.number().describe('What the strategy makes of it; 0 for fifo.'),
          }),
        )
        .describe('What the strategy decided, in its order.'),
    }),
  },

  reverseAllocation: {
    name: 'ledger_reverse_allocation',
    summary:
      'Takes an allocation back whole: its payment has the money again, its invoice is open by it. Needs payments.allocate.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      allocationId: id('The allocation.'),
      reason: notes('Why, for the history.').optional(),
      actorId: actorId.optional(),
    }),
    output: z.object({
      transactionId,
      allocationId: id('The allocation that was reversed.'),
      paymentId: id('Its payment.'),
      invoiceId: id('Its invoice.'),
      reversedAmount: positiveAmount('What was taken back.'),
      remainingAmount: amount('What is left to pay of the invoice now.'),
      unappliedAmount: positiveAmount('What is left of the payment now.'),
      allocations: writtenAllocations,
    }),
  },

  invoiceRecalculate: {
    name: 'invoice_recalculate',
    summary:
      'Compares all kept sums of payments, invoices and debts with their rows, and mends them if asked. Needs accounts.read, for a repair payments.allocate.',
    answers: 'result',
    takesIdempotencyKey: false,
    goesOn: true,
    input: z.strictObject({
      accountId: id('One account; all of them when left out.').optional(),
      repair: z.boolean().describe('Whether to mend what differs; no when left out.').optional(),
    }),
    output: z.object({
      differenceCount: z.int().min(0).describe('How many sums differed.'),
      repairedAccounts: z.int().min(0).describe('How many accounts were mended.'),
      differences: z
        .array(
          z.object({
            accountId: id('The account.'),
            kind: z.enum(['payment', 'invoice', 'account']).describe('Whose sum it is.'),
            subjectId: id('The payment, invoice or account.'),
            cached: z.json().describe('What was kept; its amounts in minor units.'),
            recomputed: z.json().describe('What the rows add up to; in minor units.'),
          }),
        )
        .describe('At most a thousand of them.'),
    }),
  },

  accountDebt: {
    name: 'account_debt',
    summary: 'What a customer owes by invoices.',
    answers: 'result',
    takesIdempotencyKey: false,
    input: z.strictObject({
      userId: askedCustomer.optional(),
      currency: accountCurrency.optional(),
    }),
    output: z.object({
      accountId: id('The account.'),
      currency: currency('Currency of the amounts.'),
      debtAmount: amount('What invoices claim and no payment has.'),
      invoicedAmount: amount('What live invoices claim.'),
      allocatedAmount: amount('What payments have given to them.'),
      unappliedAmount: amount('What payments have and no invoice; not taken off the debt.'),
      isCached: z
        .boolean()
        .describe('Read from the cache, else added up, as the flag allocation_read_switch says.'),
    }),
  },

  accountDebtCompare: {
    name: 'account_debt_compare',
    summary:
      'What a customer owes as each source has it: the cache, the rows, the events, the old flags.',
    answers: 'result',
    takesIdempotencyKey: false,
    input: z.strictObject({ userId: askedCustomer.optional() }),
    output: z.object({
      userId: id('The customer.'),
      differences: z.int().min(0).describe('How many accounts differ.'),
      accounts: z
        .array(
          z.object({
            accountId: id('The account.'),
            currency: currency('Its currency.'),
            cached: debtFigures('By the cache.'),
            recomputed: debtFigures('Added up from invoices, allocations and payments.'),
            replayed: debtFigures('Replayed from events alone.'),
            flagged: orNull(
              signedAmount('The debt by the old flags; null while those are not kept.'),
            ),
            isReadFromCache: z.boolean().describe('Whether accountDebt reads the cache for it.'),
            differs: z.boolean().describe('Whether any two sources differ.'),
          }),
        )
        .describe('One per currency.'),
    }),
  },

  accountStatement: {
    name: 'account_statement',
    summary:
      'Balances at the start and the end of a time, and every transaction between that moved wallet or debt.',
    answers: 'result',
    takesIdempotencyKey: false,
    input: z.strictObject({
      userId: askedCustomer.optional(),
      from: moment('Included; the beginning when left out.').optional(),
      to: moment('Not included; now when left out.').optional(),
      currency: accountCurrency.optional(),
      limit: z.int().min(1).max(1000).describe('Movements per page; 100 when left out.').optional(),
      afterVersion: version('nextVersion of the page before.').optional(),
    }),
    output: z.object({
      accountId: id('The account.'),
      currency: currency('Currency of the amounts.'),
      fromAt: orNull(moment('Start of the time.')),
      toAt: orNull(moment('End of the time.')),
      opening: balances('Before the first transaction of the time.'),
      movements: z
        .array(
          z.object({
            accountVersion: version('Its place in the account.'),
            at: moment('When.'),
            type: z.string().describe('What it was.'),
            transactionId: id('The transaction.'),
            orderId: orNull(id('The order that it was about.')),
            referenceId: orNull(id('What else it was about: a payment, an invoice, ...')),
            description: z.string().describe('What was said of it.'),
            walletChange: signedAmount('Of the wallet.'),
            walletBalance: signedAmount('Of the wallet, afterwards.'),
            debtChange: signedAmount('Of the debt.'),
            debtBalance: amount('Of the debt, afterwards.'),
            unappliedChange: signedAmount('Of unapplied payments.'),
            unappliedBalance: amount('Of unapplied payments, afterwards.'),
          }),
        )
        .describe('In the order of the account; one page of them.'),
      closing: balances('After the last transaction of the time.'),
      nextVersion: orNull(version('Where the next page starts; null on the last.')),
    }),
  },
} as const satisfies Record<string, Procedure>;
