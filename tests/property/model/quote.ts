import { customerOf } from './callers.ts';
import { type Answer, type CallOf, type Item, refused } from './calls.ts';
import { isTooLarge, LARGEST_AMOUNT, priceBasket, subtotalOf, type Totals } from './pricing.ts';
import { type DiscountCode, pairOf, type Shop } from './shop.ts';

/** The totals of items at the present prices: source 004, DESIGN section 6. */
interface Quote {
  currency: string;
  code: string | null;
  totals: Totals;
}

/** The settings max_line_quantity and max_order_lines as shipped. */
const LARGEST_QUANTITY = 1_000_000;
const MOST_LINES = 500;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What an order costs at present, or why it cannot be priced. */
export function quote(
  shop: Shop,
  userId: string | null,
  args: { p_items: Item[]; p_shipping_method?: string; p_discount_code?: string },
): Quote | Answer {
  const { p_items: items, p_shipping_method: method } = args;
  if (items.length === 0) return refused('empty_order');
  if (items.length > MOST_LINES) return refused('too_many_lines', { lines: BigInt(items.length) });
  for (const [index, item] of items.entries()) {
    const line = BigInt(index + 1);
    if (!UUID.test(item.variant_id)) return refused('invalid_items', { line });
    const { quantity } = item;
    if (!Number.isInteger(quantity) || quantity < 1 || quantity > LARGEST_QUANTITY) {
      return refused('invalid_quantity', { line });
    }
  }

  const lines = [];
  const currencies = new Set<string>();
  for (const [index, item] of items.entries()) {
    const variant = shop.variants.get(item.variant_id);
    const details = { line: BigInt(index + 1), variant_id: item.variant_id };
    if (!variant) return refused('variant_not_found', details);
    if (!variant.isActive) return refused('variant_unavailable', details);
    currencies.add(variant.currency);
    lines.push({
      price: variant.price,
      quantity: BigInt(item.quantity),
      taxRateBp: variant.taxRateBp ?? shop.settings.taxRateBp,
    });
  }
  const [currency = '', another] = currencies;
  if (another !== undefined) return refused('currency_mismatch');
  const subtotal = subtotalOf(lines);
  if (subtotal > LARGEST_AMOUNT) return refused('amount_too_large');

  const code = args.p_discount_code?.trim().toUpperCase() ?? null;
  const discountCode = code === null ? null : shop.discountCodes.get(code);
  if (code !== null) {
    const problem = refuseCode(shop, code, discountCode ?? undefined, currency, subtotal, userId);
    if (problem) return problem;
  }

  const shipping = method === undefined ? 0n : shop.shippingMethods.get(pairOf(method, currency));
  if (shipping === undefined) return refused('shipping_method_unavailable', { currency });

  const { pricesIncludeTax } = shop.settings;
  const discount = discountCode?.discount ?? null;
  const totals = priceBasket({ lines, discount, shipping, pricesIncludeTax });
  return isTooLarge(totals) ? refused('amount_too_large') : { currency, code, totals };
}

function refuseCode(
  shop: Shop,
  code: string,
  found: DiscountCode | undefined,
  currency: string,
  subtotal: bigint,
  userId: string | null,
): Answer | null {
  if (!found?.isActive) return refused('discount_code_invalid', { code });
  if (found.currency !== null && found.currency !== currency) {
    return refused('discount_code_not_applicable', { code });
  }
  if (subtotal < found.minimumSubtotal) return refused('discount_code_not_applicable', { code });
  const live = [...shop.orders.values()].filter((o) => o.code === code && o.holdsRedemption);
  if (found.maxRedemptions !== null && live.length >= found.maxRedemptions) {
    return refused('discount_code_exhausted', { code });
  }
  const own = live.filter((order) => order.userId === userId && order.currency === currency);
  if (found.maxPerCustomer !== null && own.length >= found.maxPerCustomer) {
    return refused('discount_code_already_used', { code });
  }
  return null;
}

export function orderQuote(shop: Shop, call: CallOf<'order_quote'>): Answer {
  const { actor, args } = call;
  // Visitors may ask as well; only naming a customer takes a permission.
  const userId =
    actor === 'anon' && args.p_user_id === undefined
      ? null
      : customerOf(shop, actor, args.p_user_id, 'orders.place');
  const priced = quote(shop, userId, args);
  if ('kind' in priced) return priced;
  const { totals, currency } = priced;
  return {
    kind: 'success',
    columns: {
      currency,
      subtotal_amount: totals.subtotal,
      discount_amount: totals.discount,
      shipping_amount: totals.shipping,
      tax_amount: totals.tax,
      total_amount: totals.total,
    },
  };
}
