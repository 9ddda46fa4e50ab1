import { type Case, call, pick, refusal } from './case.ts';

/** Minor units that a credit is of. */
export const AMOUNT = 250;

const credit: Case = {
  name: 'credit',
  title: 'Credits wallets, spread over all customers.',
  operations: 5000,
  against: ['transfer', 'credit_records', 'single_row', 'tpcb'],
  prepare: async ({ world }, count) => ({
    operation: (index) => [
      call('ledger_credit_account', { p_user_id: pick(world.people, index).id, p_amount: AMOUNT }),
    ],
    complaint: refusal,
    moves: { earned: count * AMOUNT },
  }),
};

export const moneyCases: Case[] = [credit];
