import { Denied, type Names } from './callers.ts';
import type { Answer, Call } from './calls.ts';
import {
  cancelWithdrawal,
  creditAccount,
  freezeAccount,
  requestWithdrawal,
  reviewWithdrawal,
} from './money.ts';
import { cancelOrder, changeOrderStatus } from './order-status.ts';
import { deleteAddress, registerReferral, saveAddress } from './people.ts';
import { placeOrder } from './place-order.ts';
import { orderQuote } from './quote.ts';
import type { Shop } from './shop.ts';
import { adjustStock } from './stock.ts';

/**
 * What the shop should answer, and what the call should do to it. `names` are the ids that the
 * database gave to what the call made.
 */
export function answer(shop: Shop, call: Call, names: Names = {}): Answer {
  try {
    return dispatch(shop, call, names);
  } catch (error) {
    if (error instanceof Denied) return { kind: 'raised', sqlstate: '42501' };
    throw error;
  }
}

function dispatch(shop: Shop, call: Call, names: Names): Answer {
  switch (call.procedure) {
    case 'ledger_place_order':
      return placeOrder(shop, call, names);
    case 'order_quote':
      return orderQuote(shop, call);
    case 'ledger_cancel_order':
      return cancelOrder(shop, call, names);
    case 'ledger_change_order_status':
      return changeOrderStatus(shop, call, names);
    case 'ledger_credit_account':
      return creditAccount(shop, call, names);
    case 'ledger_freeze_account':
      return freezeAccount(shop, call, names);
    case 'ledger_request_withdrawal':
      return requestWithdrawal(shop, call, names);
    case 'ledger_review_withdrawal':
      return reviewWithdrawal(shop, call, names);
    case 'ledger_cancel_withdrawal':
      return cancelWithdrawal(shop, call, names);
    case 'ledger_register_referral':
      return registerReferral(shop, call);
    case 'ledger_adjust_stock':
      return adjustStock(shop, call);
    case 'ledger_save_address':
      return saveAddress(shop, call, names);
    case 'ledger_delete_address':
      return deleteAddress(shop, call);
  }
}
