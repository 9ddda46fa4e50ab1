/**
 * Codes of business refusals with the HTTP status that a REST layer answers them with. The rows of
 * `public.error_codes` are the source; a test compares the two.
 */
export const businessErrors = {
  idempotency_conflict: 422,
  invalid_idempotency_key: 400,
  rate_limited: 429,
  invalid_amount: 400,
  amount_too_large: 400,
  invalid_argument: 400,
  customer_required: 400,
  customer_not_found: 404,
  account_not_found: 404,
  account_frozen: 403,
  account_already_frozen: 409,
  insufficient_funds: 402,
  unknown_currency: 400,
  currency_mismatch: 400,
  invalid_items: 400,
  empty_order: 400,
  too_many_lines: 400,
  invalid_quantity: 400,
  variant_not_found: 404,
  variant_unavailable: 409,
  insufficient_stock: 409,
  price_changed: 409,
  payment_method_unavailable: 400,
  invalid_wallet_amount: 400,
  shipping_method_unavailable: 400,
  address_not_found: 404,
  discount_code_invalid: 404,
  discount_code_not_applicable: 409,
  discount_code_exhausted: 409,
  discount_code_already_used: 409,
  order_not_found: 404,
  unknown_status: 400,
  status_conflict: 409,
  invalid_transition: 409,
  amount_mismatch: 409,
  payment_required: 402,
  cancellation_not_allowed: 409,
  line_not_found: 404,
  units_not_shippable: 409,
  nothing_to_ship: 409,
  shipment_not_found: 404,
  shipment_conflict: 409,
  return_not_found: 404,
  return_not_allowed: 409,
  units_not_returnable: 409,
  return_conflict: 409,
  vendor_not_found: 404,
  refund_not_allowed: 409,
  nothing_to_refund: 409,
  units_not_refundable: 409,
  refund_exceeds_paid: 409,
  refund_not_found: 404,
  refund_conflict: 409,
  withdrawal_not_found: 404,
  withdrawal_conflict: 409,
  edit_not_allowed: 409,
  line_shipped: 409,
  version_conflict: 409,
  payment_not_found: 404,
  payment_reference_used: 409,
  payment_conflict: 409,
  payment_already_used: 409,
  stock_below_zero: 409,
  stock_too_large: 400,
  reservation_not_found: 404,
  reservation_expired: 409,
  reservation_conflict: 409,
  reservation_too_large: 409,
  too_many_reservations: 409,
  not_permitted: 403,
  bulk_change_not_found: 404,
  bulk_item_failed: 409,
  draft_not_found: 404,
  draft_conflict: 409,
  too_many_drafts: 409,
  erase_not_possible: 409,
  referral_code_not_found: 404,
  referral_not_allowed: 409,
} as const satisfies Record<string, number>;

export type BusinessErrorCode = keyof typeof businessErrors;

/** What the client itself may find; none of them is a business code. */
export const clientErrorCodes = [
  /** The arguments do not fit the procedure's schema; nothing was sent. */
  'invalid_input',
  /** Nobody is signed in, or who is may not do this. */
  'permission_denied',
  /** No answer came, however often it was asked; whether the call had its effect is not known. */
  'connection_lost',
  /** The caller's signal ended the call; whether it had its effect is not known. */
  'aborted',
  /** An answer came that does not fit the procedure's schema. */
  'unexpected_answer',
] as const;

export type ClientErrorCode = (typeof clientErrorCodes)[number];

/** Beyond the two lists: codes of PostgREST (`PGRST202`), of Postgres (`57014`), or `http_413`. */
export type LedgerErrorCode = BusinessErrorCode | ClientErrorCode | (string & Record<never, never>);
