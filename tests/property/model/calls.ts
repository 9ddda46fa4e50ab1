/** A call of a procedure as a client makes it: who, and the arguments under their SQL names. */

/** Who calls. `owner` is a direct session, as the dashboard has it. */
export type Actor = { userId: string } | 'anon' | 'service_role' | 'owner';

export interface Item {
  variant_id: string;
  quantity: number;
}

export interface Arguments {
  ledger_place_order: {
    p_items: Item[];
    p_payment_method?: string;
    p_wallet_amount?: bigint;
    p_shipping_address_id?: string;
    p_shipping_method?: string;
    p_discount_code?: string;
    p_expected_total?: bigint;
    p_idempotency_key?: string;
    p_user_id?: string;
  };
  order_quote: {
    p_items: Item[];
    p_shipping_method?: string;
    p_discount_code?: string;
    p_user_id?: string;
  };
  ledger_cancel_order: {
    p_order_id: string;
    p_reason?: string;
    p_idempotency_key?: string;
    p_user_id?: string;
  };
  ledger_change_order_status: {
    p_user_id: string;
    p_reference_id: string;
    p_old_status: string;
    p_new_status: string;
    p_amount: bigint;
    p_metadata?: { restock?: boolean };
    p_actor_id?: string;
    p_idempotency_key?: string;
  };
  ledger_credit_account: {
    p_user_id: string | null;
    p_amount: bigint;
    p_type?: string;
    p_currency?: string;
    p_idempotency_key?: string;
    p_actor_id?: string;
  };
  ledger_freeze_account: {
    p_user_id: string;
    p_frozen: boolean;
    p_reason?: string;
    p_currency?: string;
    p_idempotency_key?: string;
    p_actor_id?: string;
  };
  ledger_request_withdrawal: {
    p_amount: bigint;
    p_destination: Record<string, string>;
    p_currency?: string;
    p_idempotency_key?: string;
    p_user_id?: string;
  };
  ledger_review_withdrawal: {
    p_withdrawal_id: string;
    p_decision: string;
    p_idempotency_key?: string;
    p_actor_id?: string;
  };
  ledger_cancel_withdrawal: {
    p_withdrawal_id: string;
    p_idempotency_key?: string;
    p_user_id?: string;
  };
  ledger_register_referral: {
    p_referral_code: string;
    p_idempotency_key?: string;
    p_user_id?: string;
  };
  ledger_adjust_stock: {
    p_variant_id: string;
    p_quantity: bigint;
    p_reason?: string;
    p_idempotency_key?: string;
    p_actor_id?: string;
  };
  ledger_save_address: {
    p_recipient: string;
    p_line1: string;
    p_city: string;
    p_country: string;
    p_address_id?: string;
    p_idempotency_key?: string;
    p_user_id?: string;
  };
  ledger_delete_address: { p_address_id: string; p_user_id?: string };
}

export type Procedure = keyof Arguments;

export type CallOf<P extends Procedure> = { procedure: P; actor: Actor; args: Arguments[P] };

export type Call = { [P in Procedure]: CallOf<P> }[Procedure];

export type Value = string | bigint | boolean | null;

/**
 * What came of a call. Of a success the model names the columns it knows, of a refusal the details;
 * the database may say more.
 */
export type Answer =
  | { kind: 'success'; columns: Record<string, Value> }
  | { kind: 'refused'; code: string; details: Record<string, Value> }
  | { kind: 'raised'; sqlstate: string };

export type Success = Extract<Answer, { kind: 'success' }>;

export function refused(code: string, details: Record<string, Value> = {}): Answer {
  return { kind: 'refused', code, details };
}

export function success(columns: Record<string, Value>): Success {
  return { kind: 'success', columns };
}
