import { expect, test } from 'vitest';
import type { Sql } from '../../support/connection.ts';
import { testThatBooksAreInOrder } from '../../support/crowd.ts';
import { interleave, type Outcome } from '../../support/interleave.ts';
import { BACKEND } from '../../support/sessions.ts';
import {
  cancelWithdrawal,
  createCustomer,
  createStaff,
  credit,
  freeze,
  requestWithdrawal,
  reviewWithdrawal,
  succeed,
} from '../../support/shop.ts';
import { createTestDatabase } from '../../support/test-database.ts';

const db = await createTestDatabase('permutations_withdrawals');
const [one, two] = [await createStaff(db.sql, 'finance'), await createStaff(db.sql, 'finance')];

const FIRST_WINS = 'a acts, b acts: waits, a commits, b goes on, b commits';
const SECOND_GETS_IT = 'a acts, b acts: waits, a rolls back, b goes on, b commits';

async function aWithdrawal(sql: Sql) {
  const customer = await createCustomer(sql, { balance: 5000 });
  const { withdrawal_id = '' } = await succeed(sql, requestWithdrawal(customer, 4000));
  return { customer, id: withdrawal_id };
}

const MONEY: Record<string, object> = {
  requested: { pending: 4000, withdrawn: 0, available: 1000 },
  approved: { pending: 4000, withdrawn: 0, available: 1000 },
  paid: { pending: 0, withdrawn: 4000, available: 1000 },
  rejected: { pending: 0, withdrawn: 0, available: 5000 },
  cancelled: { pending: 0, withdrawn: 0, available: 5000 },
};

async function expectStatus(id: string, status: string | undefined) {
  const [row] = await db.sql`
    select w.status, a.total_pending_withdrawals as pending, a.total_withdrawn as withdrawn, a.available_balance as available
    from withdrawals w join accounts a on a.id = w.account_id where w.id = ${id}`;
  expect(row).toEqual({ status, ...MONEY[status ?? ''] });
}

/** Of two that end the same hold one wins, and the other is told what it has become. */
async function expectOneWinner({ committed }: Outcome, id: string) {
  const [winner, ...more] = committed.filter((answer) => answer.success);
  expect(more).toEqual([]);
  for (const loser of committed.filter((answer) => !answer.success)) {
    expect(loser).toMatchObject({
      error_code: 'withdrawal_conflict',
      error_details: { status: winner?.status },
    });
  }
  await expectStatus(id, winner?.status);
}

test('one reviewer marks an approved withdrawal as paid while another rejects it: one of both', async () => {
  const traces = await interleave(db, async (sql) => {
    const { id } = await aWithdrawal(sql);
    await succeed(sql, reviewWithdrawal(one, id, 'approve'));
    return {
      sessions: {
        a: reviewWithdrawal(one, id, 'mark_paid'),
        b: reviewWithdrawal(two, id, 'reject'),
      },
      check: (outcome) => expectOneWinner(outcome, id),
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

test('two reviewers mark one withdrawal as paid: it is paid once', async () => {
  const traces = await interleave(db, async (sql) => {
    const { id } = await aWithdrawal(sql);
    await succeed(sql, reviewWithdrawal(one, id, 'approve'));
    return {
      sessions: {
        a: reviewWithdrawal(one, id, 'mark_paid'),
        b: reviewWithdrawal(two, id, 'mark_paid'),
      },
      check: (outcome) => expectOneWinner(outcome, id),
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

test('the customer takes a request back while a reviewer approves it: one of both', async () => {
  const traces = await interleave(db, async (sql) => {
    const { id, customer } = await aWithdrawal(sql);
    return {
      sessions: { a: reviewWithdrawal(one, id, 'approve'), b: cancelWithdrawal(customer, id) },
      check: (outcome) => expectOneWinner(outcome, id),
    };
  });
  expect(traces).toContain(FIRST_WINS);
  expect(traces).toContain(SECOND_GETS_IT);
});

test('the customer takes a request back while a reviewer rejects it: the money comes back once', async () => {
  const traces = await interleave(db, async (sql) => {
    const { id, customer } = await aWithdrawal(sql);
    return {
      sessions: { a: reviewWithdrawal(one, id, 'reject'), b: cancelWithdrawal(customer, id) },
      check: (outcome) => expectOneWinner(outcome, id),
    };
  });
  expect(traces).toContain(FIRST_WINS);
});

test('one reviewer approves while another rejects: it ends rejected, unless the approval alone counts', async () => {
  const traces = await interleave(db, async (sql) => {
    const { id } = await aWithdrawal(sql);
    return {
      sessions: { a: reviewWithdrawal(one, id, 'approve'), b: reviewWithdrawal(two, id, 'reject') },
      async check({ answer, committed, endings }) {
        if (endings.b === 'commit') expect(answer('b').success).toBe(true);
        for (const loser of committed.filter((row) => !row.success)) {
          expect(loser.error_code).toBe('withdrawal_conflict');
        }
        await expectStatus(id, endings.b === 'commit' ? 'rejected' : 'approved');
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
});

test('two requests for the same money: one holds it', async () => {
  const traces = await interleave(db, async (sql) => {
    const customer = await createCustomer(sql, { balance: 5000 });
    return {
      sessions: {
        a: requestWithdrawal(customer, 4000),
        b: requestWithdrawal(BACKEND, 4000, { p_user_id: customer }),
      },
      async check({ committed }) {
        expect(committed.map((answer) => answer.success || answer.error_code).toSorted()).toEqual(
          committed.length === 1 ? [true] : ['insufficient_funds', true],
        );
        const [account] = await sql`
          select total_pending_withdrawals, available_balance from accounts where user_id = ${customer}`;
        expect(account).toEqual({ total_pending_withdrawals: 4000, available_balance: 1000 });
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
});

test('an adjustment downwards and a request for the same money: one of them has it', async () => {
  const traces = await interleave(db, async (sql) => {
    const customer = await createCustomer(sql, { balance: 5000 });
    return {
      sessions: {
        a: credit(customer, -4000, { p_type: 'adjustment' }),
        b: requestWithdrawal(customer, 4000),
      },
      async check({ committed }) {
        expect(committed.map((answer) => answer.success || answer.error_code).toSorted()).toEqual(
          committed.length === 1 ? [true] : ['insufficient_funds', true],
        );
        const [account] =
          await sql`select available_balance from accounts where user_id = ${customer}`;
        expect(account).toEqual({ available_balance: 1000 });
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
});

test('a freeze beside the payment of an approved withdrawal: nothing is paid out after the freeze', async () => {
  const traces = await interleave(db, async (sql) => {
    const { id, customer } = await aWithdrawal(sql);
    await succeed(sql, reviewWithdrawal(one, id, 'approve'));
    return {
      sessions: { a: freeze(customer, true), b: reviewWithdrawal(two, id, 'mark_paid') },
      async check({ answer, endings, trace }) {
        const frozenBefore =
          trace.includes('a commits') &&
          trace.indexOf('a commits') <
            Math.max(trace.indexOf('b acts'), trace.indexOf('b goes on'));
        expect(answer('b').success || answer('b').error_code).toBe(
          frozenBefore ? 'account_frozen' : true,
        );
        await expectStatus(id, !frozenBefore && endings.b === 'commit' ? 'paid' : 'approved');
      },
    };
  });
  expect(traces).toContain(FIRST_WINS);
});

testThatBooksAreInOrder(db);
