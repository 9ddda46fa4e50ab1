import type { Answer, Call } from './model/calls.ts';

/** What callers have seen so far, and so can refer to. */
export interface Knowledge {
  /** Made, and perhaps not answered yet. */
  calls: Call[];
  orders: { id: string; userId: string; total: bigint; status: string }[];
  withdrawals: { id: string; userId: string }[];
  addresses: { id: string; userId: string }[];
}

export function nothingKnown(): Knowledge {
  return { calls: [], orders: [], withdrawals: [], addresses: [] };
}

export function learn(knowledge: Knowledge, call: Call, answer: Answer): void {
  if (answer.kind !== 'success') return;
  const { columns } = answer;
  const named = 'p_user_id' in call.args ? call.args.p_user_id : undefined;
  const userId = named ?? (typeof call.actor === 'string' ? '' : call.actor.userId);
  const add = <T extends { id: string }>(known: T[], item: T) => {
    if (!known.some(({ id }) => id === item.id)) known.push(item);
  };
  switch (call.procedure) {
    case 'ledger_place_order':
      add(knowledge.orders, {
        id: String(columns.order_id),
        userId,
        total: BigInt(String(columns.total_amount)),
        status: String(columns.status),
      });
      break;
    case 'ledger_request_withdrawal':
      add(knowledge.withdrawals, { id: String(columns.withdrawal_id), userId });
      break;
    case 'ledger_save_address':
      add(knowledge.addresses, { id: String(columns.address_id), userId });
      break;
    case 'ledger_cancel_order':
    case 'ledger_change_order_status': {
      const order = knowledge.orders.find(({ id }) => id === columns.order_id);
      if (order) order.status = String(columns.order_status);
    }
  }
}
