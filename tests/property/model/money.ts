import {
  customerOf,
  type Names,
  named,
  once,
  requireCaller,
  requirePermission,
} from './callers.ts';
import { type Answer, type CallOf, refused } from './calls.ts';
import { LARGEST_AMOUNT } from './pricing.ts';
import {
  available,
  CURRENCIES,
  DEFAULT_CURRENCY,
  findAccount,
  openAccount,
  post,
  recordEvent,
  type Shop,
} from './shop.ts';

/* Credits, freezing and withdrawals: DESIGN section 5, source 003. */

/** The account of the chart that a credit comes from; a negative adjustment goes back there. */
const SOURCES: Record<string, string> = {
  deposit: 'bank',
  earning: 'commission_expense',
  bonus: 'commission_expense',
  adjustment: 'adjustments',
};

export function creditAccount(
  shop: Shop,
  call: CallOf<'ledger_credit_account'>,
  names: Names,
): Answer {
  const { p_user_id: userId, p_amount: amount, p_type: type = 'deposit', p_actor_id } = call.args;
  const currency = (call.args.p_currency ?? DEFAULT_CURRENCY).toUpperCase();
  requireCaller(call.actor, p_actor_id);
  const permission = type === 'adjustment' ? 'accounts.adjust' : 'accounts.credit';
  requirePermission(shop, call.actor, permission);

  return once(shop, call, [userId, amount, type, call.args.p_currency, p_actor_id], () => {
    if (userId === null) return refused('customer_required');
    const source = SOURCES[type];
    if (source === undefined) return refused('invalid_argument', { argument: 'p_type' });
    if (amount === 0n || (amount < 0n && type !== 'adjustment')) {
      return refused('invalid_amount');
    }
    if (amount < -LARGEST_AMOUNT || amount > LARGEST_AMOUNT) return refused('amount_too_large');
    if (!shop.people.has(userId)) return refused('customer_not_found', { user_id: userId });
    if (!CURRENCIES.includes(currency)) return refused('unknown_currency', { currency });
    const found = findAccount(shop, userId, currency);
    if ((found?.earned ?? 0n) + amount > LARGEST_AMOUNT) return refused('amount_too_large');
    if (amount < 0n && available(found) + amount < 0n) {
      return refused('insufficient_funds', { required: -amount, available: available(found) });
    }

    const account = openAccount(shop, userId, currency);
    account.earned += amount;
    account.transactions += 1n;
    if (amount > 0n) post(shop, currency, source, 'wallet', amount);
    else post(shop, currency, 'wallet', source, -amount);
    recordEvent(shop, 'account.credited');
    const columns = { amount, currency, available_balance: available(account) };
    return named(names, columns, 'transaction_id', 'account_id');
  });
}

export function freezeAccount(
  shop: Shop,
  call: CallOf<'ledger_freeze_account'>,
  names: Names,
): Answer {
  const { p_user_id: userId, p_frozen: frozen, p_reason: reason, p_actor_id } = call.args;
  const currency = (call.args.p_currency ?? DEFAULT_CURRENCY).toUpperCase();
  requireCaller(call.actor, p_actor_id);
  requirePermission(shop, call.actor, 'accounts.freeze');

  return once(shop, call, [userId, frozen, reason, call.args.p_currency, p_actor_id], () => {
    const account = findAccount(shop, userId, currency);
    if (!account) return refused('account_not_found', { currency });
    if (frozen && !reason?.trim()) return refused('invalid_argument', { argument: 'p_reason' });
    if (frozen === account.isFrozen) {
      return refused('account_already_frozen', { state: frozen ? 'frozen' : 'released' });
    }
    account.isFrozen = frozen;
    account.transactions += 1n;
    recordEvent(shop, frozen ? 'account.frozen' : 'account.released');
    return named(names, { frozen }, 'transaction_id', 'account_id');
  });
}

export function requestWithdrawal(
  shop: Shop,
  call: CallOf<'ledger_request_withdrawal'>,
  names: Names,
): Answer {
  const { p_amount: amount, p_destination: destination } = call.args;
  const currency = (call.args.p_currency ?? DEFAULT_CURRENCY).toUpperCase();
  const userId = customerOf(shop, call.actor, call.args.p_user_id, 'withdrawals.review');

  return once(shop, call, [userId, amount, destination, call.args.p_currency], () => {
    if (userId === null) return refused('customer_required');
    if (amount <= 0n) return refused('invalid_amount');
    if (amount > LARGEST_AMOUNT) return refused('amount_too_large');
    if (Object.keys(destination).length === 0) {
      return refused('invalid_argument', { argument: 'p_destination' });
    }
    const account = findAccount(shop, userId, currency);
    if (!account) return refused('account_not_found', { currency });
    if (account.isFrozen) return refused('account_frozen');
    if (amount > available(account)) {
      return refused('insufficient_funds', { required: amount, available: available(account) });
    }

    account.pending += amount;
    account.transactions += 1n;
    post(shop, currency, 'wallet', 'withdrawals_payable', amount);
    recordEvent(shop, 'withdrawal.requested');
    const status = 'requested';
    const columns = { status, amount, currency, available_balance: available(account) };
    const answer = named(names, columns, 'transaction_id', 'withdrawal_id');
    const id = String(answer.columns.withdrawal_id);
    shop.withdrawals.set(id, { userId, currency, amount, status });
    return answer;
  });
}

const DECISIONS: Record<string, { to: string; from: readonly string[] }> = {
  approve: { to: 'approved', from: ['requested'] },
  reject: { to: 'rejected', from: ['requested', 'approved'] },
  mark_paid: { to: 'paid', from: ['approved'] },
};

export function reviewWithdrawal(
  shop: Shop,
  call: CallOf<'ledger_review_withdrawal'>,
  names: Names,
): Answer {
  const { p_withdrawal_id: id, p_actor_id } = call.args;
  const decision = call.args.p_decision.trim().toLowerCase();
  requireCaller(call.actor, p_actor_id);
  requirePermission(shop, call.actor, 'withdrawals.review');

  return once(shop, call, [id, decision, p_actor_id], () => {
    const step = DECISIONS[decision];
    if (!step) return refused('invalid_argument', { argument: 'p_decision' });
    return settle(shop, id, null, step, names);
  });
}

export function cancelWithdrawal(
  shop: Shop,
  call: CallOf<'ledger_cancel_withdrawal'>,
  names: Names,
): Answer {
  const { p_withdrawal_id: id } = call.args;
  const userId = customerOf(shop, call.actor, call.args.p_user_id, 'withdrawals.review');

  return once(shop, call, [userId, id], () => {
    if (userId === null) return refused('customer_required');
    return settle(shop, id, userId, { to: 'cancelled', from: ['requested'] }, names);
  });
}

/** One of two who settle wins; the other reads what became of it (DESIGN section 4, rule 4). */
function settle(
  shop: Shop,
  id: string,
  userId: string | null,
  step: { to: string; from: readonly string[] },
  names: Names,
): Answer {
  const withdrawal = shop.withdrawals.get(id);
  if (!withdrawal || (userId !== null && withdrawal.userId !== userId)) {
    return refused('withdrawal_not_found', { withdrawal_id: id });
  }
  if (!step.from.includes(withdrawal.status)) {
    return refused('withdrawal_conflict', { status: withdrawal.status });
  }
  const { amount, currency } = withdrawal;
  const account = openAccount(shop, withdrawal.userId, currency);
  // Of a frozen account money may come back, but none goes out.
  const goesOut = step.to === 'approved' || step.to === 'paid';
  if (goesOut && account.isFrozen) return refused('account_frozen');
  withdrawal.status = step.to;
  account.transactions += 1n;
  if (step.to === 'paid') {
    account.pending -= amount;
    account.withdrawn += amount;
    post(shop, currency, 'withdrawals_payable', 'bank', amount);
  } else if (step.to !== 'approved') {
    account.pending -= amount;
    post(shop, currency, 'withdrawals_payable', 'wallet', amount);
  }
  recordEvent(shop, `withdrawal.${step.to}`);
  const columns = { withdrawal_id: id, status: step.to, available_balance: available(account) };
  return named(names, columns, 'transaction_id');
}
