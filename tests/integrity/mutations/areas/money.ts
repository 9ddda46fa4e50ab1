import type { Mutation } from '../mutation.ts';

/** Accounts, their transactions and postings, withdrawals and commissions. */
export const money: Mutation[] = [
  {
    what: 'a deposit booked with more than it was',
    statement:
      'update public.postings set amount = amount + 100 where transaction_id = <transaction bob 1>',
    found: [
      'account_equals_wallet_postings bob',
      'transaction_equals_its_wallet_postings transaction bob 1',
      'trial_balance_equals_balances USD wallet',
    ],
  },
  {
    what: 'a posting in the books of somebody else',
    statement:
      'update public.postings set account_id = <bob> where transaction_id = <transaction ann 9>',
    found: [
      'account_equals_wallet_postings ann',
      'account_equals_wallet_postings bob',
      'posting_refers_to_what_is_there transaction ann 9/1',
      'withdrawals_payable_equals_pending ann',
      'withdrawals_payable_equals_pending bob',
    ],
  },
  {
    what: 'a posting that is gone',
    statement: 'delete from public.postings where transaction_id = <transaction rita 1>',
    found: [
      'account_equals_wallet_postings rita',
      'transaction_equals_its_wallet_postings transaction rita 1',
      'trial_balance_equals_balances USD wallet',
    ],
  },
  {
    what: 'a posting that is there twice',
    statement: `insert into public.postings (account_id, transaction_id, debit_account, credit_account, amount, currency, leg_number)
      select account_id, transaction_id, debit_account, credit_account, amount, currency, leg_number + 10
      from public.postings where transaction_id = <transaction dora 1>`,
    found: [
      'account_equals_wallet_postings dora',
      'transaction_equals_its_wallet_postings transaction dora 1',
      'trial_balance_equals_balances USD wallet',
    ],
  },
  {
    what: 'a posting whose sides are exchanged',
    statement: `update public.postings set debit_account = credit_account, credit_account = debit_account
      where transaction_id = <transaction bob 3>`,
    found: [
      'account_equals_wallet_postings bob',
      'money_from_outside_is_in_the_bank transaction bob 3/1',
      'transaction_equals_its_wallet_postings transaction bob 3',
      'trial_balance_equals_balances USD wallet',
      'trial_balance_equals_balances USD withdrawals_payable',
      'withdrawals_payable_equals_pending bob',
    ],
  },
  {
    what: 'a posting in another currency',
    statement: `update public.postings set currency = 'IQD' where transaction_id = <transaction carol 1>`,
    found: [
      'posting_refers_to_what_is_there transaction carol 1/1',
      'trial_balance_equals_balances IQD wallet',
      'trial_balance_equals_balances USD wallet',
    ],
  },
  {
    what: 'two orders that exchange their postings',
    statement: `update public.postings set amount = case transaction_id when <transaction ann 25> then 3750 else 2700 end
      where transaction_id in (<transaction ann 25>, <transaction ann 27>)`,
    found: [
      'escrow_equals_open_orders order ann 5 order_escrow',
      'escrow_equals_open_orders order ann 6 order_escrow',
      'transaction_equals_its_wallet_postings transaction ann 25',
      'transaction_equals_its_wallet_postings transaction ann 27',
    ],
  },
  {
    what: 'a posting to a cash account that nobody was paid from',
    statement: `update public.postings set debit_account = 'adjustments' where transaction_id = <transaction bob 1>`,
    found: ['money_from_outside_is_in_the_bank transaction bob 1/1'],
  },
  {
    what: 'a deposit of another amount',
    statement:
      'update public.transactions set amount = amount - 500 where id = <transaction dora 1>',
    found: [
      'account_equals_transactions dora',
      'statement_adds_up transaction dora 1',
      'transaction_equals_its_event transaction dora 1',
      'transaction_equals_its_wallet_postings transaction dora 1',
    ],
  },
  {
    what: 'two transactions that exchange their amounts',
    statement: `update public.transactions set amount = case id when <transaction ann 9> then -2000 else -1000 end
      where id in (<transaction ann 9>, <transaction ann 10>)`,
    found: [
      'statement_adds_up transaction ann 10',
      'statement_adds_up transaction ann 9',
      'transaction_equals_its_event transaction ann 10',
      'transaction_equals_its_event transaction ann 9',
      'transaction_equals_its_wallet_postings transaction ann 10',
      'transaction_equals_its_wallet_postings transaction ann 9',
    ],
  },
  {
    what: 'a balance in the middle of a statement',
    statement:
      'update public.transactions set balance_after = balance_after + 1 where id = <transaction ann 5>',
    found: ['statement_adds_up transaction ann 5', 'statement_adds_up transaction ann 6'],
  },
  {
    what: 'the newest balance of a statement',
    statement:
      'update public.transactions set balance_after = balance_after + 1 where id = <transaction bob 3>',
    found: ['account_equals_last_transaction bob', 'statement_adds_up transaction bob 3'],
  },
  {
    what: 'a statement that skips a number',
    statement: 'update public.transactions set account_version = 99 where id = <transaction bob 3>',
    found: [
      'account_version_counts_transactions bob',
      'transaction_equals_its_event transaction bob 3',
    ],
  },
  {
    what: 'a transaction that is gone, with its postings',
    statement: `with gone as (delete from public.postings where transaction_id = <transaction bob 3>)
      delete from public.transactions where id = <transaction bob 3>`,
    found: [
      'account_equals_last_transaction bob',
      'account_equals_transactions bob',
      'account_equals_wallet_postings bob',
      'account_version_counts_transactions bob',
      'transaction_equals_its_event transaction bob 3',
      'trial_balance_equals_balances USD wallet',
      'trial_balance_equals_balances USD withdrawals_payable',
      'withdrawals_payable_equals_pending bob',
    ],
  },
  {
    what: 'a transaction without money that is gone',
    statement: 'delete from public.transactions where id = <transaction ann 16>',
    found: [
      'account_version_counts_transactions ann',
      'transaction_equals_its_event transaction ann 16',
    ],
  },
  {
    what: 'a transaction that was moved to somebody else',
    statement:
      'update public.transactions set account_id = <dora>, account_version = 5 where id = <transaction bob 3>',
    found: [
      'account_equals_last_transaction bob',
      'account_equals_last_transaction dora',
      'account_equals_transactions bob',
      'account_equals_transactions dora',
      'account_version_counts_transactions bob',
      'account_version_counts_transactions dora',
      'posting_refers_to_what_is_there transaction bob 3/1',
      'statement_adds_up transaction bob 3',
      'transaction_equals_its_event transaction bob 3',
    ],
  },
  {
    what: 'a transaction from nowhere',
    statement: `insert into public.transactions (id, account_id, account_version, type, amount, balance_after, actor_action, correlation_id)
      values ('00000000-0000-4000-8000-000000000001', <bob>, 4, 'bonus', 5000, 53050, 'credited', gen_random_uuid())`,
    found: [
      'account_equals_last_transaction bob',
      'account_equals_transactions bob',
      'account_version_counts_transactions bob',
      'transaction_equals_its_event 00000000-0000-4000-8000-000000000001',
      'transaction_equals_its_wallet_postings 00000000-0000-4000-8000-000000000001',
    ],
  },
  {
    what: 'a deposit said to be a bonus',
    statement: `update public.transactions set type = 'bonus' where id = <transaction bob 1>`,
    found: ['transaction_equals_its_event transaction bob 1'],
  },
  {
    what: 'a credit said to have been given by somebody else',
    statement:
      'update public.transactions set actor_id = <user carol> where id = <transaction bob 1>',
    found: ['transaction_equals_its_event transaction bob 1'],
  },
  {
    what: 'more earned than ever came',
    statement: 'update public.accounts set total_earned = total_earned + 700 where id = <dora>',
    found: [
      'account_equals_last_transaction dora',
      'account_equals_transactions dora',
      'account_equals_wallet_postings dora',
      'account_totals_replay_from_events dora',
      'trial_balance_equals_balances USD wallet',
    ],
    repaired: ['account_totals'],
  },
  {
    what: 'a withdrawal that an account forgot',
    statement:
      'update public.accounts set total_withdrawn = total_withdrawn - 2000 where id = <ann>',
    found: [
      'account_equals_last_transaction ann',
      'account_equals_transactions ann',
      'account_equals_wallet_postings ann',
      'account_totals_replay_from_events ann',
      'trial_balance_equals_balances USD wallet',
    ],
    repaired: ['account_totals'],
  },
  {
    what: 'nothing held for a withdrawal',
    statement: 'update public.accounts set total_pending_withdrawals = 0 where id = <bob>',
    found: [
      'account_equals_last_transaction bob',
      'account_equals_transactions bob',
      'account_equals_wallet_postings bob',
      'account_totals_replay_from_events bob',
      'pending_equals_open_withdrawals bob',
      'trial_balance_equals_balances USD wallet',
      'trial_balance_equals_balances USD withdrawals_payable',
      'withdrawals_payable_equals_pending bob',
    ],
    repaired: ['account_totals'],
  },
  {
    what: 'less spent on orders',
    statement: 'update public.accounts set total_orders = total_orders - 300 where id = <carol>',
    found: [
      'account_equals_last_transaction carol',
      'account_equals_transactions carol',
      'account_equals_wallet_postings carol',
      'account_totals_replay_from_events carol',
      'total_orders_equals_orders carol',
      'trial_balance_equals_balances USD wallet',
    ],
    repaired: ['account_totals'],
  },
  {
    what: 'two totals that are wrong by the same amount',
    statement:
      'update public.accounts set total_earned = total_earned + 90, total_orders = total_orders + 90 where id = <carol>',
    found: ['account_totals_replay_from_events carol', 'total_orders_equals_orders carol'],
    repaired: ['account_totals'],
  },
  {
    what: 'an account at an older version',
    statement: 'update public.accounts set version = version - 1 where id = <olga>',
    found: ['account_version_counts_transactions olga'],
    repaired: ['account_totals'],
  },
  {
    what: 'an account that is frozen though nobody froze it',
    statement: `update public.accounts set frozen_reason = 'by hand' where id = <dora>`,
    found: ['account_freeze_replays_from_events dora'],
  },
  {
    what: 'an account that is gone',
    statement: 'delete from public.accounts where id = <dora>',
    found: [
      'order_refers_to_what_is_there order market',
      'posting_refers_to_what_is_there transaction dora 1/1',
      'posting_refers_to_what_is_there transaction dora 2/1',
      'posting_refers_to_what_is_there transaction dora 4/2',
      'posting_refers_to_what_is_there transaction dora 4/3',
      'transaction_refers_to_what_is_there transaction dora 1',
      'transaction_refers_to_what_is_there transaction dora 2',
      'transaction_refers_to_what_is_there transaction dora 3',
      'transaction_refers_to_what_is_there transaction dora 4',
      'trial_balance_equals_balances USD wallet',
    ],
  },
  {
    what: 'a requested withdrawal of less',
    statement: 'update public.withdrawals set amount = amount - 200 where id = <withdrawal ann 1>',
    found: ['pending_equals_open_withdrawals ann', 'withdrawal_equals_its_events withdrawal ann 1'],
  },
  {
    what: 'a paid withdrawal of more',
    statement: 'update public.withdrawals set amount = amount + 200 where id = <withdrawal ann 2>',
    found: ['paid_withdrawals_equal_postings ann', 'withdrawal_equals_its_events withdrawal ann 2'],
  },
  {
    what: 'a paid withdrawal requested again',
    statement: `update public.withdrawals set status = 'requested' where id = <withdrawal ann 2>`,
    found: [
      'paid_withdrawals_equal_postings ann',
      'pending_equals_open_withdrawals ann',
      'withdrawal_equals_its_events withdrawal ann 2',
    ],
  },
  {
    what: 'a requested withdrawal said to be approved',
    statement: `update public.withdrawals set status = 'approved' where id = <withdrawal bob 1>`,
    found: ['withdrawal_equals_its_events withdrawal bob 1'],
  },
  {
    what: 'a paid withdrawal that is gone',
    statement: 'delete from public.withdrawals where id = <withdrawal ann 2>',
    found: ['paid_withdrawals_equal_postings ann', 'withdrawal_equals_its_events withdrawal ann 2'],
  },
  {
    what: 'a commission of somebody else',
    statement:
      'update public.referral_commissions set account_id = <bob> where id = <commission ann 1>',
    found: ['commission_equals_transactions commission ann 1'],
  },
  {
    what: 'a commission that was clawed back once more',
    statement:
      'update public.referral_commissions set clawed_back_amount = clawed_back_amount + 1 where id = <commission carol 1>',
    found: [
      'commission_equals_transactions commission carol 1',
      'commission_follows_what_is_left order rita 1',
    ],
    repaired: ['commission'],
  },
  {
    what: 'a commission at another rate',
    statement:
      'update public.referral_commissions set rate_bp = rate_bp * 2 where id = <commission ann 1>',
    found: ['commission_follows_its_rate commission ann 1'],
  },
];
