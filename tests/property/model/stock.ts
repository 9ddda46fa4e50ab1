import { once, requireCaller, requirePermission } from './callers.ts';
import { type Answer, type CallOf, refused, success } from './calls.ts';
import { LARGEST_AMOUNT } from './pricing.ts';
import { moveStock, recordEvent, type Shop } from './shop.ts';

/** So far below the largest figure that what orders bring back always fits. */
const MOST_ON_HAND = 10n ** 12n;

/** DESIGN section 6: stock is never below zero, and every change has its reason. */
export function adjustStock(shop: Shop, call: CallOf<'ledger_adjust_stock'>): Answer {
  const { p_variant_id: id, p_quantity: quantity, p_reason: reason = 'received' } = call.args;
  requireCaller(call.actor, call.args.p_actor_id);
  requirePermission(shop, call.actor, 'stock.adjust');

  return once(shop, call, [id, quantity, reason, call.args.p_actor_id], () => {
    const variant = shop.variants.get(id);
    if (!variant) return refused('invalid_argument', { argument: 'p_variant_id' });
    if (!['received', 'counted', 'damaged'].includes(reason)) {
      return refused('invalid_argument', { argument: 'p_reason' });
    }
    if (quantity < -LARGEST_AMOUNT || quantity > LARGEST_AMOUNT) return refused('amount_too_large');
    const wrongSign =
      quantity === 0n ||
      (reason === 'received' && quantity < 0n) ||
      (reason === 'damaged' && quantity > 0n);
    if (wrongSign) return refused('invalid_amount', { amount: quantity });
    if (variant.onHand + quantity > MOST_ON_HAND) return refused('stock_too_large');
    if (variant.onHand + quantity < 0n) {
      return refused('stock_below_zero', { quantity: -quantity, available: variant.onHand });
    }
    moveStock(shop, variant, quantity);
    recordEvent(shop, 'stock.adjusted');
    return success({ variant_id: id, stock_quantity: variant.onHand });
  });
}
