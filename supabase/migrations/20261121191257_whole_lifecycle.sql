SET local check_function_bodies = off;

DROP TRIGGER "rows_never_change" ON "public"."audit_log";

DROP TRIGGER "rows_are_never_truncated" ON "public"."order_items";

DROP TRIGGER "rows_come_from_procedures" ON "public"."order_items";

DROP TRIGGER "rows_stay" ON "public"."order_items";

DROP TRIGGER "values_come_from_procedures" ON "public"."order_items";

DROP TRIGGER "amounts_fit_together" ON "public"."orders";

DROP TRIGGER "values_come_from_procedures" ON "public"."orders";

DROP TRIGGER "rows_never_change" ON "public"."transactions";

DROP VIEW "ledger"."outbox_messages";

DROP VIEW "public"."customer_orders";

DROP VIEW "public"."order_management";

DROP VIEW "public"."order_status_history";

DROP FUNCTION "ledger"."claw_back_commission"(uuid, bigint, ledger.actor, uuid);

DROP FUNCTION "ledger"."commission_base"(public.orders);

DROP FUNCTION "ledger"."delivery_legs"(public.orders);

DROP FUNCTION "ledger"."wallet_part"(text, bigint, bigint, bigint);

DROP FUNCTION "public"."ledger_cancel_order"(uuid, text, text, uuid);

DROP FUNCTION "public"."ledger_place_order"(jsonb, text, bigint, uuid, uuid, text, text, bigint, text, jsonb, text, uuid);

DROP TYPE "ledger"."stock_change";

ALTER TABLE "public"."orders"
  DROP COLUMN "amount_due";

CREATE TABLE "ledger"."low_stock_marks" (
  "variant_id" uuid    NOT NULL,
  "is_low"     boolean NOT NULL,
  CONSTRAINT "low_stock_marks_pkey" PRIMARY KEY (variant_id)
);

CREATE TABLE "public"."backorders" (
  "order_id"         uuid                     NOT NULL,
  "variant_id"       uuid                     NOT NULL,
  "account_id"       uuid                     NOT NULL,
  "quantity"         bigint                   NOT NULL,
  "filled_quantity"  bigint                   NOT NULL DEFAULT 0,
  "dropped_quantity" bigint                   NOT NULL DEFAULT 0,
  "created_at"       timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  "open_quantity"    bigint                   GENERATED ALWAYS AS (((quantity - filled_quantity) - dropped_quantity)) STORED NOT NULL,
  CONSTRAINT "backorders_pkey" PRIMARY KEY (order_id, variant_id),
  CONSTRAINT "filled_and_dropped_are_part_of_quantity" CHECK (((filled_quantity + dropped_quantity) <= quantity)),
  CONSTRAINT "parts_are_not_negative" CHECK (((quantity >= 0) AND (filled_quantity >= 0) AND (dropped_quantity >= 0)))
);

ALTER TABLE "public"."backorders"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."backorders" FROM "anon";

CREATE TABLE "public"."bulk_change_orders" (
  "bulk_change_id" uuid    NOT NULL,
  "position"       integer NOT NULL,
  "order_id"       uuid    NOT NULL,
  "success"        boolean,
  "transaction_id" uuid,
  "error_code"     text,
  "error_message"  text,
  "error_details"  jsonb,
  "order_number"   text,
  "order_status"   text,
  "payment_status" text,
  CONSTRAINT "a_failure_has_a_code" CHECK (((success IS NOT FALSE) OR (error_code IS NOT NULL))),
  CONSTRAINT "bulk_change_orders_pkey" PRIMARY KEY (bulk_change_id, "position")
);

ALTER TABLE "public"."bulk_change_orders"
  ENABLE ROW LEVEL SECURITY;

ALTER TABLE "public"."bulk_change_orders"
  SET (fillfactor=60);

REVOKE ALL ON TABLE "public"."bulk_change_orders" FROM "anon";

CREATE TABLE "public"."bulk_changes" (
  "id"               uuid                     NOT NULL DEFAULT ledger.uuid_v7(),
  "new_status"       text                     NOT NULL,
  "metadata"         jsonb                    NOT NULL,
  "actor_action"     text,
  "asked_by"         uuid,
  "asked_by_backend" boolean                  NOT NULL,
  "asked_orders"     integer                  NOT NULL,
  "succeeded_orders" integer                  NOT NULL DEFAULT 0,
  "failed_orders"    integer                  NOT NULL DEFAULT 0,
  "waiting_orders"   integer                  GENERATED ALWAYS AS (((asked_orders - succeeded_orders) - failed_orders)) STORED NOT NULL,
  "created_at"       timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  "updated_at"       timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT "counts_are_not_negative" CHECK ((LEAST(succeeded_orders, failed_orders) >= 0)),
  CONSTRAINT "no_more_is_done_than_was_asked" CHECK (((succeeded_orders + failed_orders) <= asked_orders)),
  CONSTRAINT "bulk_changes_pkey" PRIMARY KEY (id)
);

ALTER TABLE "public"."bulk_changes"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."bulk_changes" FROM "anon";

CREATE TABLE "public"."event_texts" (
  "event_id"    bigint NOT NULL,
  "account_id"  uuid   NOT NULL,
  "stream_type" text   NOT NULL,
  "texts"       jsonb  NOT NULL,
  "salt"        uuid   NOT NULL DEFAULT gen_random_uuid(),
  CONSTRAINT "event_texts_pkey" PRIMARY KEY (event_id),
  CONSTRAINT "texts_say_something" CHECK ((texts <> '{}'::jsonb))
);

ALTER TABLE "public"."event_texts"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."event_texts" FROM "anon";

CREATE TABLE "public"."order_drafts" (
  "id"                  uuid                     NOT NULL DEFAULT ledger.uuid_v7(),
  "account_id"          uuid                     NOT NULL,
  "user_id"             uuid                     NOT NULL,
  "currency"            text                     NOT NULL,
  "items"               jsonb                    NOT NULL,
  "total_amount"        bigint                   NOT NULL,
  "shipping_address_id" uuid,
  "billing_address_id"  uuid,
  "shipping_method"     text,
  "discount_code"       text,
  "notes"               text,
  "saved_by"            uuid,
  "version"             bigint                   NOT NULL DEFAULT 1,
  "created_at"          timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  "updated_at"          timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT "items_are_a_list" CHECK (((jsonb_typeof(items) = 'array'::text) AND (items <> '[]'::jsonb))),
  CONSTRAINT "notes_are_short" CHECK ((length(notes) <= 2000)),
  CONSTRAINT "total_is_exact" CHECK (((total_amount >= 0) AND (total_amount <= '9007199254740991'::bigint))),
  CONSTRAINT "order_drafts_pkey" PRIMARY KEY (id)
);

ALTER TABLE "public"."order_drafts"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."order_drafts" FROM "anon";

CREATE TABLE "public"."payments" (
  "id"             uuid                     NOT NULL DEFAULT ledger.uuid_v7(),
  "account_id"     uuid                     NOT NULL,
  "order_id"       uuid                     NOT NULL,
  "currency"       text                     NOT NULL,
  "method"         text                     NOT NULL,
  "amount"         bigint                   NOT NULL,
  "applied_amount" bigint                   NOT NULL,
  "credit_amount"  bigint                   NOT NULL,
  "reference"      text,
  "status"         text                     NOT NULL DEFAULT 'captured'::text,
  "notes"          text,
  "recorded_by"    uuid,
  "voided_by"      uuid,
  "void_reason"    text,
  "created_at"     timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  "updated_at"     timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT "amount_is_applied_or_credited" CHECK (((amount = (applied_amount + credit_amount)) AND (LEAST(applied_amount, credit_amount) >= 0))),
  CONSTRAINT "amount_is_positive_and_exact" CHECK (((amount >= 1) AND (amount <= '9007199254740991'::bigint))),
  CONSTRAINT "method_is_known" CHECK ((method = ANY (ARRAY['bank_transfer'::text, 'card'::text, 'cash'::text]))),
  CONSTRAINT "reference_says_something" CHECK ((reference <> ''::text)),
  CONSTRAINT "status_is_known" CHECK ((status = ANY (ARRAY['captured'::text, 'voided'::text]))),
  CONSTRAINT "texts_are_short" CHECK (((length(reference) <= 200) AND (length(notes) <= 2000) AND (length(void_reason) <= 2000))),
  CONSTRAINT "payments_pkey" PRIMARY KEY (id)
);

ALTER TABLE "public"."payments"
  ENABLE ROW LEVEL SECURITY;

ALTER TABLE "public"."payments"
  SET (fillfactor=80);

REVOKE ALL ON TABLE "public"."payments" FROM "anon";

CREATE TABLE "public"."refund_lines" (
  "refund_id"          uuid    NOT NULL,
  "line_number"        integer NOT NULL,
  "account_id"         uuid    NOT NULL,
  "order_id"           uuid    NOT NULL,
  "quantity"           bigint  NOT NULL,
  "unshipped_quantity" bigint  NOT NULL DEFAULT 0,
  "restocked_quantity" bigint  NOT NULL DEFAULT 0,
  "goods_amount"       bigint  NOT NULL,
  "discount_amount"    bigint  NOT NULL,
  "tax_amount"         bigint  NOT NULL,
  "total_amount"       bigint  NOT NULL,
  "base_amount"        bigint  NOT NULL,
  "vendor_amount"      bigint  NOT NULL,
  CONSTRAINT "amounts_are_not_negative" CHECK ((LEAST(goods_amount, discount_amount, tax_amount, total_amount, base_amount, vendor_amount) >= 0)),
  CONSTRAINT "other_quantities_are_part_of_it" CHECK (((LEAST(unshipped_quantity, restocked_quantity) >= 0) AND (GREATEST(unshipped_quantity, restocked_quantity) <= quantity))),
  CONSTRAINT "quantity_is_positive" CHECK ((quantity > 0)),
  CONSTRAINT "refund_lines_pkey" PRIMARY KEY (refund_id, line_number)
);

ALTER TABLE "public"."refund_lines"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."refund_lines" FROM "anon";

CREATE TABLE "public"."refunds" (
  "id"                   uuid                     NOT NULL DEFAULT ledger.uuid_v7(),
  "account_id"           uuid                     NOT NULL,
  "order_id"             uuid                     NOT NULL,
  "return_id"            uuid,
  "currency"             text                     NOT NULL,
  "goods_amount"         bigint                   NOT NULL DEFAULT 0,
  "discount_amount"      bigint                   NOT NULL DEFAULT 0,
  "tax_amount"           bigint                   NOT NULL DEFAULT 0,
  "shipping_amount"      bigint                   NOT NULL DEFAULT 0,
  "allowance_amount"     bigint                   NOT NULL DEFAULT 0,
  "allowance_tax_amount" bigint                   NOT NULL DEFAULT 0,
  "credited_amount"      bigint                   NOT NULL DEFAULT 0,
  "wallet_amount"        bigint                   NOT NULL DEFAULT 0,
  "credit_amount"        bigint                   NOT NULL DEFAULT 0,
  "payout_amount"        bigint                   NOT NULL DEFAULT 0,
  "payout_status"        text                     NOT NULL DEFAULT 'none'::text,
  "destination"          text                     NOT NULL,
  "reason"               text,
  "actor_id"             uuid,
  "settled_by"           uuid,
  "settled_at"           timestamp with time zone,
  "payout_reference"     text,
  "created_at"           timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT "amounts_are_exact"
    CHECK
    ((GREATEST(goods_amount, tax_amount, shipping_amount, abs(allowance_amount), credited_amount, wallet_amount, credit_amount, payout_amount) <= '9007199254740991'::bigint)),
  CONSTRAINT "destination_is_known" CHECK ((destination = ANY (ARRAY['wallet'::text, 'original'::text]))),
  CONSTRAINT "outside_money_goes_where_it_was_sent" CHECK ((
CASE destination
    WHEN 'wallet'::text THEN payout_amount
    ELSE credit_amount
END = 0)),
  CONSTRAINT "parts_are_not_negative"
    CHECK ((LEAST(goods_amount, discount_amount, tax_amount, shipping_amount, credited_amount, wallet_amount, credit_amount, payout_amount) >= 0)),
  CONSTRAINT "payout_status_is_known" CHECK ((payout_status = ANY (ARRAY['none'::text, 'pending'::text, 'paid'::text, 'failed'::text, 'withdrawn'::text]))),
  CONSTRAINT "payouts_have_an_amount" CHECK (((payout_status = 'none'::text) = (payout_amount = 0))),
  CONSTRAINT "settled_payouts_say_when" CHECK (((payout_status = ANY (ARRAY['paid'::text, 'failed'::text, 'withdrawn'::text])) = (settled_at IS NOT NULL))),
  CONSTRAINT "texts_are_short" CHECK (((length(reason) <= 2000) AND (length(payout_reference) <= 200))),
  CONSTRAINT "refunds_pkey" PRIMARY KEY (id)
);

ALTER TABLE "public"."refunds"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."refunds" FROM "anon";

CREATE TABLE "public"."return_lines" (
  "return_id"            uuid    NOT NULL,
  "line_number"          integer NOT NULL,
  "account_id"           uuid    NOT NULL,
  "order_id"             uuid    NOT NULL,
  "quantity"             bigint  NOT NULL,
  "reason"               text,
  "approved_quantity"    bigint  NOT NULL DEFAULT 0,
  "restocked_quantity"   bigint  NOT NULL DEFAULT 0,
  "written_off_quantity" bigint  NOT NULL DEFAULT 0,
  "received_quantity"    bigint  GENERATED ALWAYS AS ((restocked_quantity + written_off_quantity)) STORED NOT NULL,
  "refunded_quantity"    bigint  NOT NULL DEFAULT 0,
  CONSTRAINT "approved_at_most_what_was_asked" CHECK (((approved_quantity >= 0) AND (approved_quantity <= quantity))),
  CONSTRAINT "quantity_is_positive" CHECK ((quantity > 0)),
  CONSTRAINT "reason_is_short" CHECK ((length(reason) <= 500)),
  CONSTRAINT "received_at_most_what_was_approved"
    CHECK (((LEAST(restocked_quantity, written_off_quantity) >= 0) AND ((restocked_quantity + written_off_quantity) <= approved_quantity))),
  CONSTRAINT "refunded_at_most_what_was_received" CHECK (((refunded_quantity >= 0) AND (refunded_quantity <= (restocked_quantity + written_off_quantity)))),
  CONSTRAINT "return_lines_pkey" PRIMARY KEY (return_id, line_number)
);

ALTER TABLE "public"."return_lines"
  ENABLE ROW LEVEL SECURITY;

ALTER TABLE "public"."return_lines"
  SET (fillfactor=80);

REVOKE ALL ON TABLE "public"."return_lines" FROM "anon";

CREATE TABLE "public"."returns" (
  "id"           uuid                     NOT NULL DEFAULT ledger.uuid_v7(),
  "account_id"   uuid                     NOT NULL,
  "order_id"     uuid                     NOT NULL,
  "user_id"      uuid                     NOT NULL,
  "status"       text                     NOT NULL DEFAULT 'requested'::text,
  "reason"       text,
  "requested_by" uuid,
  "reviewed_by"  uuid,
  "review_notes" text,
  "created_at"   timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  "updated_at"   timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT "status_is_known" CHECK ((status = ANY (ARRAY['requested'::text, 'approved'::text, 'received'::text, 'rejected'::text, 'closed'::text]))),
  CONSTRAINT "texts_are_short" CHECK (((length(reason) <= 2000) AND (length(review_notes) <= 2000))),
  CONSTRAINT "returns_pkey" PRIMARY KEY (id)
);

ALTER TABLE "public"."returns"
  ENABLE ROW LEVEL SECURITY;

ALTER TABLE "public"."returns"
  SET (fillfactor=80);

REVOKE ALL ON TABLE "public"."returns" FROM "anon";

CREATE TABLE "public"."shipment_lines" (
  "shipment_id" uuid    NOT NULL,
  "line_number" integer NOT NULL,
  "account_id"  uuid    NOT NULL,
  "order_id"    uuid    NOT NULL,
  "quantity"    bigint  NOT NULL,
  CONSTRAINT "quantity_is_positive" CHECK ((quantity > 0)),
  CONSTRAINT "shipment_lines_pkey" PRIMARY KEY (shipment_id, line_number)
);

ALTER TABLE "public"."shipment_lines"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."shipment_lines" FROM "anon";

CREATE TABLE "public"."shipments" (
  "id"                    uuid                     NOT NULL DEFAULT ledger.uuid_v7(),
  "account_id"            uuid                     NOT NULL,
  "order_id"              uuid                     NOT NULL,
  "shipment_number"       integer                  NOT NULL,
  "carrier"               text,
  "tracking_number"       text,
  "estimated_delivery_at" timestamp with time zone,
  "metadata"              jsonb                    NOT NULL DEFAULT '{}'::jsonb,
  "shipped_by"            uuid,
  "shipped_at"            timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  "delivered_at"          timestamp with time zone,
  "status"                text                     GENERATED ALWAYS AS (
CASE
    WHEN (delivered_at IS NULL) THEN 'shipped'::text
    ELSE 'delivered'::text
END) STORED NOT NULL,
  CONSTRAINT "carrier_is_short" CHECK (((length(carrier) >= 1) AND (length(carrier) <= 100))),
  CONSTRAINT "numbers_count_from_one" CHECK ((shipment_number > 0)),
  CONSTRAINT "shipments_order_id_shipment_number_key" UNIQUE (order_id, shipment_number),
  CONSTRAINT "tracking_number_is_short" CHECK (((length(tracking_number) >= 1) AND (length(tracking_number) <= 200))),
  CONSTRAINT "shipments_pkey" PRIMARY KEY (id)
);

ALTER TABLE "public"."shipments"
  ENABLE ROW LEVEL SECURITY;

ALTER TABLE "public"."shipments"
  SET (fillfactor=80);

REVOKE ALL ON TABLE "public"."shipments" FROM "anon";

CREATE TABLE "public"."stock_reservation_lines" (
  "reservation_id" uuid     NOT NULL,
  "variant_id"     uuid     NOT NULL,
  "slot"           smallint NOT NULL,
  "account_id"     uuid     NOT NULL,
  "quantity"       bigint   NOT NULL,
  CONSTRAINT "quantity_is_positive" CHECK ((quantity > 0)),
  CONSTRAINT "stock_reservation_lines_pkey" PRIMARY KEY (reservation_id, variant_id, slot)
);

ALTER TABLE "public"."stock_reservation_lines"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."stock_reservation_lines" FROM "anon";

CREATE TABLE "public"."stock_reservations" (
  "id"         uuid                     NOT NULL DEFAULT ledger.uuid_v7(),
  "account_id" uuid                     NOT NULL,
  "user_id"    uuid                     NOT NULL,
  "status"     text                     NOT NULL DEFAULT 'active'::text,
  "order_id"   uuid,
  "expires_at" timestamp with time zone NOT NULL,
  "created_at" timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  "ended_at"   timestamp with time zone,
  CONSTRAINT "consumed_by_an_order" CHECK (((status = 'consumed'::text) = (order_id IS NOT NULL))),
  CONSTRAINT "ended_unless_active" CHECK (((status = 'active'::text) = (ended_at IS NULL))),
  CONSTRAINT "stock_reservations_pkey" PRIMARY KEY (id)
);

ALTER TABLE "public"."stock_reservations"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."stock_reservations" FROM "anon";

CREATE TABLE "public"."vendor_earnings" (
  "id"                 uuid                     NOT NULL DEFAULT ledger.uuid_v7(),
  "account_id"         uuid,
  "owner_user_id"      uuid,
  "vendor_id"          uuid                     NOT NULL,
  "order_id"           uuid                     NOT NULL,
  "currency"           text                     NOT NULL,
  "base_amount"        bigint                   NOT NULL,
  "share_amount"       bigint                   NOT NULL,
  "clawed_back_amount" bigint                   NOT NULL DEFAULT 0,
  "created_at"         timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  "updated_at"         timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT "an_owner_has_an_account" CHECK (((owner_user_id IS NULL) = (account_id IS NULL))),
  CONSTRAINT "clawed_back_at_most_what_was_earned" CHECK (((clawed_back_amount >= 0) AND (clawed_back_amount <= share_amount))),
  CONSTRAINT "share_is_part_of_the_base" CHECK (((share_amount >= 1) AND (share_amount <= base_amount))),
  CONSTRAINT "vendor_earnings_order_id_vendor_id_key" UNIQUE (order_id, vendor_id),
  CONSTRAINT "vendor_earnings_pkey" PRIMARY KEY (id)
);

ALTER TABLE "public"."vendor_earnings"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."vendor_earnings" FROM "anon";

ALTER TABLE "public"."order_items"
  ADD COLUMN "platform_rate_bp" integer;

ALTER TABLE "public"."orders"
  ADD COLUMN "wallet_refunded_amount" bigint NOT NULL DEFAULT 0;

ALTER TABLE "public"."orders"
  ADD COLUMN "credited_amount" bigint NOT NULL DEFAULT 0;

ALTER TABLE "public"."orders"
  ADD COLUMN "outstanding_amount" bigint GENERATED ALWAYS AS ((((total_amount - credited_amount) - paid_amount) + refunded_amount)) STORED NOT NULL;

ALTER TABLE "public"."orders"
  ADD COLUMN "amount_due" bigint GENERATED ALWAYS AS (GREATEST((((total_amount - credited_amount) - paid_amount) + refunded_amount), (0)::bigint)) STORED NOT NULL;

ALTER TABLE "public"."profiles"
  ADD COLUMN "erased_at" timestamp WITH time zone;

ALTER TABLE "public"."variants"
  ADD COLUMN "backorder_allowed" boolean NOT NULL DEFAULT false;

ALTER TABLE "public"."variants"
  ADD COLUMN "stock_slots" smallint NOT NULL DEFAULT 1;

CREATE TYPE "ledger"."arriving_line" AS (
  "line_number"              integer,
  "variant_id"               uuid,
  "name"                     text,
  "receivable_quantity"      bigint,
  "restocked_quantity"       bigint,
  "written_off_quantity"     bigint,
  "refunded_before_quantity" bigint
);

CREATE TYPE "ledger"."edit_money" AS (
  "refusal"         jsonb,
  "taken_amount"    bigint,
  "returned_amount" bigint,
  "wallet_amount"   bigint,
  "credit_amount"   bigint,
  "payout_amount"   bigint
);

CREATE TYPE "ledger"."edited_order" AS (
  "refusal"          jsonb,
  "lines_before"     ledger.priced_line[],
  "lines"            ledger.priced_line[],
  "last_line_number" integer,
  "subtotal_amount"  bigint,
  "discount_amount"  bigint,
  "tax_amount"       bigint,
  "total_amount"     bigint,
  "keeps_discount"   boolean,
  "variant_ids"      uuid[],
  "quantities"       bigint[],
  "changes"          jsonb
);

CREATE TYPE "ledger"."line_part" AS (
  "goods_amount"    bigint,
  "discount_amount" bigint,
  "tax_amount"      bigint,
  "total_amount"    bigint,
  "base_amount"     bigint,
  "vendor_amount"   bigint
);

CREATE TYPE "ledger"."order_changes" AS (
  "refusal"      jsonb,
  "line_numbers" integer[],
  "quantities"   bigint[],
  "added_items"  jsonb
);

CREATE TYPE "ledger"."order_part" AS (
  "goods_amount"         bigint,
  "discount_amount"      bigint,
  "tax_amount"           bigint,
  "lines_amount"         bigint,
  "base_amount"          bigint,
  "vendor_amount"        bigint,
  "shipping_amount"      bigint,
  "allowance_amount"     bigint,
  "allowance_tax_amount" bigint
);

CREATE TYPE "ledger"."personal_column" AS (
  "relation"     text,
  "column_name"  text,
  "owner_column" text,
  "becomes"      text
);

CREATE TYPE "ledger"."report_range" AS (
  "refusal"  jsonb,
  "from_at"  timestamp WITH time zone,
  "to_at"    timestamp WITH time zone,
  "first_id" uuid,
  "last_id"  uuid
);

CREATE TYPE "ledger"."returnable_line" AS (
  "line_number"         integer,
  "variant_id"          uuid,
  "name"                text,
  "shipped_quantity"    bigint,
  "outside_quantity"    bigint,
  "returnable_quantity" bigint
);

CREATE TYPE "ledger"."returned_money" AS (
  "wallet_amount" bigint,
  "credit_amount" bigint,
  "payout_amount" bigint
);

CREATE TYPE "ledger"."shippable_line" AS (
  "line_number"          integer,
  "name"                 text,
  "quantity"             bigint,
  "shipped_quantity"     bigint,
  "backordered_quantity" bigint,
  "shippable_quantity"   bigint
);

CREATE TYPE "ledger"."slot_share" AS (
  "slot"      smallint,
  "on_hand"   bigint,
  "available" bigint,
  "taken"     bigint,
  "freed"     bigint
);

CREATE TYPE "ledger"."stock_plan" AS (
  "refusal"         jsonb,
  "variant_ids"     uuid[],
  "slots"           smallint[],
  "quantities"      bigint[],
  "held"            bigint[],
  "low_ids"         uuid[],
  "low_quantities"  bigint[],
  "backordered_ids" uuid[],
  "backordered"     bigint[],
  "returned_ids"    uuid[],
  "returned"        bigint[]
);

CREATE TYPE "ledger"."taken_line" AS (
  "line_number"        integer,
  "variant_id"         uuid,
  "quantity"           bigint,
  "unshipped_quantity" bigint,
  "restocked_quantity" bigint,
  "goods_amount"       bigint,
  "discount_amount"    bigint,
  "tax_amount"         bigint,
  "total_amount"       bigint,
  "base_amount"        bigint,
  "vendor_amount"      bigint
);

CREATE TYPE "ledger"."vendor_share" AS (
  "vendor_id"     uuid,
  "owner_user_id" uuid,
  "base_amount"   bigint,
  "share_amount"  bigint
);

CREATE TYPE "public"."ledger_bulk_change_status_result" AS (
  "success"        boolean,
  "transaction_id" uuid,
  "error_code"     text,
  "error_message"  text,
  "error_details"  jsonb,
  "bulk_change_id" uuid,
  "order_id"       uuid,
  "order_number"   text,
  "order_status"   text,
  "payment_status" text
);

CREATE TYPE "public"."ledger_confirm_delivery_result" AS (
  "success"         boolean,
  "transaction_id"  uuid,
  "error_code"      text,
  "error_message"   text,
  "error_details"   jsonb,
  "order_id"        uuid,
  "shipment_id"     uuid,
  "shipment_number" integer,
  "delivered_at"    timestamp WITH time zone,
  "order_status"    text
);

CREATE TYPE "public"."ledger_continue_bulk_change_result" AS (
  "success"          boolean,
  "transaction_id"   uuid,
  "error_code"       text,
  "error_message"    text,
  "error_details"    jsonb,
  "bulk_change_id"   uuid,
  "asked_orders"     integer,
  "waiting_orders"   integer,
  "succeeded_orders" integer,
  "failed_orders"    integer
);

CREATE TYPE "public"."ledger_edit_order_result" AS (
  "success"            boolean,
  "transaction_id"     uuid,
  "error_code"         text,
  "error_message"      text,
  "error_details"      jsonb,
  "order_id"           uuid,
  "version"            bigint,
  "total_amount"       bigint,
  "difference_amount"  bigint,
  "wallet_amount"      bigint,
  "returned_amount"    bigint,
  "outstanding_amount" bigint,
  "payment_status"     text,
  "changes"            jsonb,
  "order_status"       text,
  "refund_id"          uuid
);

CREATE TYPE "public"."ledger_record_payment_result" AS (
  "success"            boolean,
  "transaction_id"     uuid,
  "error_code"         text,
  "error_message"      text,
  "error_details"      jsonb,
  "order_id"           uuid,
  "payment_id"         uuid,
  "amount"             bigint,
  "applied_amount"     bigint,
  "credit_amount"      bigint,
  "order_status"       text,
  "payment_status"     text,
  "outstanding_amount" bigint,
  "available_balance"  bigint
);

CREATE TYPE "public"."ledger_refund_order_result" AS (
  "success"            boolean,
  "transaction_id"     uuid,
  "error_code"         text,
  "error_message"      text,
  "error_details"      jsonb,
  "order_id"           uuid,
  "refund_id"          uuid,
  "order_status"       text,
  "payment_status"     text,
  "credited_amount"    bigint,
  "wallet_amount"      bigint,
  "credit_amount"      bigint,
  "payout_amount"      bigint,
  "outstanding_amount" bigint
);

CREATE TYPE "public"."ledger_request_return_result" AS (
  "success"        boolean,
  "transaction_id" uuid,
  "error_code"     text,
  "error_message"  text,
  "error_details"  jsonb,
  "order_id"       uuid,
  "return_id"      uuid,
  "status"         text
);

CREATE TYPE "public"."ledger_review_return_result" AS (
  "success"         boolean,
  "transaction_id"  uuid,
  "error_code"      text,
  "error_message"   text,
  "error_details"   jsonb,
  "order_id"        uuid,
  "return_id"       uuid,
  "status"          text,
  "refund_id"       uuid,
  "returned_amount" bigint,
  "order_status"    text,
  "payment_status"  text
);

CREATE TYPE "public"."ledger_set_order_status_result" AS (
  "success"           boolean,
  "transaction_id"    uuid,
  "error_code"        text,
  "error_message"     text,
  "error_details"     jsonb,
  "order_id"          uuid,
  "order_status"      text,
  "payment_status"    text,
  "returned_amount"   bigint,
  "available_balance" bigint,
  "version"           bigint
);

CREATE TYPE "public"."ledger_settle_refund_result" AS (
  "success"           boolean,
  "transaction_id"    uuid,
  "error_code"        text,
  "error_message"     text,
  "error_details"     jsonb,
  "refund_id"         uuid,
  "order_id"          uuid,
  "payout_status"     text,
  "payout_amount"     bigint,
  "available_balance" bigint
);

CREATE TYPE "public"."ledger_ship_order_result" AS (
  "success"         boolean,
  "transaction_id"  uuid,
  "error_code"      text,
  "error_message"   text,
  "error_details"   jsonb,
  "order_id"        uuid,
  "shipment_id"     uuid,
  "shipment_number" integer,
  "order_status"    text
);

CREATE TYPE "public"."ledger_spread_stock_result" AS (
  "success"        boolean,
  "transaction_id" uuid,
  "error_code"     text,
  "error_message"  text,
  "error_details"  jsonb,
  "variant_id"     uuid,
  "stock_slots"    integer,
  "stock_quantity" bigint
);

CREATE TYPE "public"."ledger_void_payment_result" AS (
  "success"            boolean,
  "transaction_id"     uuid,
  "error_code"         text,
  "error_message"      text,
  "error_details"      jsonb,
  "order_id"           uuid,
  "payment_id"         uuid,
  "order_status"       text,
  "payment_status"     text,
  "outstanding_amount" bigint,
  "available_balance"  bigint
);

CREATE TYPE "public"."order_draft_delete_result" AS (
  "success"        boolean,
  "transaction_id" uuid,
  "error_code"     text,
  "error_message"  text,
  "error_details"  jsonb
);

CREATE TYPE "public"."order_draft_get_result" AS (
  "success"             boolean,
  "transaction_id"      uuid,
  "error_code"          text,
  "error_message"       text,
  "error_details"       jsonb,
  "draft_id"            uuid,
  "user_id"             uuid,
  "version"             bigint,
  "currency"            text,
  "subtotal_amount"     bigint,
  "discount_amount"     bigint,
  "shipping_amount"     bigint,
  "tax_amount"          bigint,
  "total_amount"        bigint,
  "saved_total_amount"  bigint,
  "price_changed"       boolean,
  "lines"               jsonb,
  "problem"             jsonb,
  "shipping_address_id" uuid,
  "billing_address_id"  uuid,
  "shipping_method"     text,
  "discount_code"       text,
  "notes"               text,
  "created_at"          timestamp WITH time zone,
  "updated_at"          timestamp WITH time zone
);

CREATE TYPE "public"."order_draft_place_result" AS (
  "success"           boolean,
  "transaction_id"    uuid,
  "error_code"        text,
  "error_message"     text,
  "error_details"     jsonb,
  "order_id"          uuid,
  "order_number"      text,
  "status"            text,
  "payment_status"    text,
  "currency"          text,
  "total_amount"      bigint,
  "wallet_amount"     bigint,
  "amount_due"        bigint,
  "available_balance" bigint
);

CREATE TYPE "public"."order_draft_save_result" AS (
  "success"         boolean,
  "transaction_id"  uuid,
  "error_code"      text,
  "error_message"   text,
  "error_details"   jsonb,
  "draft_id"        uuid,
  "version"         bigint,
  "currency"        text,
  "subtotal_amount" bigint,
  "discount_amount" bigint,
  "shipping_amount" bigint,
  "tax_amount"      bigint,
  "total_amount"    bigint
);

CREATE TYPE "public"."order_release_reservation_result" AS (
  "success"        boolean,
  "transaction_id" uuid,
  "error_code"     text,
  "error_message"  text,
  "error_details"  jsonb,
  "reservation_id" uuid,
  "status"         text
);

CREATE TYPE "public"."order_reserve_result" AS (
  "success"        boolean,
  "transaction_id" uuid,
  "error_code"     text,
  "error_message"  text,
  "error_details"  jsonb,
  "reservation_id" uuid,
  "expires_at"     timestamp WITH time zone,
  "lines"          jsonb
);

CREATE TYPE "public"."profile_erase_result" AS (
  "success"        boolean,
  "transaction_id" uuid,
  "error_code"     text,
  "error_message"  text,
  "error_details"  jsonb,
  "user_id"        uuid,
  "erased_at"      timestamp WITH time zone,
  "sign_in_erased" boolean
);

CREATE TYPE "public"."report_orders_result" AS (
  "success"        boolean,
  "transaction_id" uuid,
  "error_code"     text,
  "error_message"  text,
  "error_details"  jsonb,
  "from_at"        timestamp WITH time zone,
  "to_at"          timestamp WITH time zone,
  "currency"       text,
  "totals"         jsonb,
  "by_status"      jsonb,
  "by_day"         jsonb,
  "top_products"   jsonb,
  "customers"      jsonb,
  "processing"     jsonb,
  "refunds"        jsonb
);

CREATE TYPE "public"."report_vendor_result" AS (
  "success"        boolean,
  "transaction_id" uuid,
  "error_code"     text,
  "error_message"  text,
  "error_details"  jsonb,
  "vendor_id"      uuid,
  "vendor_name"    text,
  "from_at"        timestamp WITH time zone,
  "to_at"          timestamp WITH time zone,
  "currencies"     jsonb
);

ALTER TYPE "ledger"."order_change" ADD ATTRIBUTE "refund_id" uuid CASCADE;

ALTER TYPE "ledger"."order_change" ADD ATTRIBUTE "credited_amount" bigint CASCADE;

ALTER TYPE "ledger"."order_change" ADD ATTRIBUTE "wallet_amount" bigint CASCADE;

ALTER TYPE "ledger"."order_change" ADD ATTRIBUTE "credit_amount" bigint CASCADE;

ALTER TYPE "ledger"."order_change" ADD ATTRIBUTE "payout_amount" bigint CASCADE;

ALTER TYPE "ledger"."order_change" ADD ATTRIBUTE "outstanding_amount" bigint CASCADE;

-- in the order that sql/ gives them
ALTER TYPE "ledger"."order_pricing"
  DROP ATTRIBUTE "items" CASCADE,
  DROP ATTRIBUTE "quantities" CASCADE,
  DROP ATTRIBUTE "thresholds" CASCADE,
  DROP ATTRIBUTE "variant_ids" CASCADE,
  ADD ATTRIBUTE "variant_ids" uuid[] CASCADE,
  ADD ATTRIBUTE "quantities" bigint[] CASCADE,
  ADD ATTRIBUTE "thresholds" bigint[] CASCADE,
  ADD ATTRIBUTE "items" jsonb CASCADE,
  ADD ATTRIBUTE "stock_is_plain" boolean CASCADE;

ALTER TYPE "ledger"."priced_line" ADD ATTRIBUTE "platform_rate_bp" integer CASCADE;

ALTER TYPE "public"."order_tracking_result" ADD ATTRIBUTE "shipments" jsonb CASCADE;

ALTER TYPE "public"."order_tracking_result" ADD ATTRIBUTE "backorders" jsonb CASCADE;

ALTER TYPE "public"."order_tracking_result" ADD ATTRIBUTE "returns" jsonb CASCADE;

CREATE OR REPLACE FUNCTION ledger.accounts_to_take_back_from (
  p_order public.orders
)
  RETURNS uuid[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  if p_order.status <> 'delivered' then
    return array[p_order.user_id];
  end if;
  return p_order.user_id || ledger.vendor_earners(p_order.id)
         || array(select r.referrer_user_id from public.referrals r where r.referee_user_id = p_order.user_id);
end $function$;

CREATE OR REPLACE FUNCTION ledger.actor_with (
  p_actor_id   uuid,
  p_permission text
)
  RETURNS ledger.actor
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  if ledger.is_backend_call() then
    return row(p_actor_id, true, '00000000-0000-0000-0000-000000000000')::ledger.actor;
  end if;
  return ledger.require_permission(ledger.current_actor(p_actor_id), p_permission);
end $function$;

CREATE OR REPLACE FUNCTION ledger.add_response_header (
  p_name  text,
  p_value text
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  if coalesce(current_setting('request.headers', true), '') <> '' then
    perform set_config('response.headers',
      (coalesce(nullif(current_setting('response.headers', true), ''), '[]')::jsonb || jsonb_build_object(p_name, p_value))::text, true);
  end if;
end $function$;

CREATE OR REPLACE FUNCTION ledger.alert_low_stock (
  p_variant_ids uuid[],
  p_quantities  bigint[]
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  SET plan_cache_mode TO 'force_generic_plan'
  AS $function$
declare
  v_count integer;
begin
  perform ledger.lock_low_stock_marks(p_variant_ids);

  with sums as (
    select v.id, v.sku, v.name, ledger.low_stock_threshold(v) as threshold, m.is_low as was_low,
           (select sum(s.on_hand) from public.stock_levels s where s.variant_id = v.id)::bigint as on_hand,
           p_quantities[array_position(p_variant_ids, v.id)] as change
    from public.variants v
    left join ledger.low_stock_marks m on m.variant_id = v.id
    where v.id = any (p_variant_ids)),
  marked as (
    update ledger.low_stock_marks m set is_low = not m.is_low
    from sums s
    where m.variant_id = s.id and m.is_low <> (s.on_hand <= s.threshold))
  insert into ledger.outbox (type, payload)
  select 'stock.low', jsonb_build_object('variant_id', s.id, 'sku', s.sku, 'name', s.name, 'on_hand', s.on_hand, 'threshold', s.threshold)
  from sums s
  where s.on_hand <= s.threshold and not (coalesce(s.was_low, true) and s.on_hand - s.change <= s.threshold);
  get diagnostics v_count = row_count;
  return v_count;
end $function$;

CREATE OR REPLACE FUNCTION ledger.apply_order_status (
  p_order        public.orders,
  p_to           text,
  p_actor        ledger.actor,
  p_actor_action text,
  p_metadata     jsonb
)
  RETURNS ledger.order_change
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_change ledger.order_change;
begin
  if p_to in ('shipped', 'delivered') then
    return ledger.send_out(p_order, p_to, p_actor, p_actor_action, p_metadata);
  elsif p_to not in ('cancelled', 'refunded') then
    return ledger.change_status_plainly(p_order.account_id, p_order.id, p_order.order_number, p_order.user_id, p_order.currency,
                                        p_order.status, p_to, p_actor.user_id, p_actor_action, p_metadata);
  elsif coalesce(p_metadata ->> 'refund_to', 'wallet') not in ('wallet', 'original') then
    v_change.refusal := ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_metadata',
      'problem', '"refund_to" in it is wallet or original'));
    return v_change;
  end if;
  return ledger.take_back(p_order, null, 0, 0, coalesce(p_metadata ->> 'refund_to', 'wallet'), p_actor, p_actor_action,
                          ledger.correlation_id(), p_ends_as => p_to, p_metadata => p_metadata);
end $function$;

CREATE OR REPLACE FUNCTION ledger.apply_stock_plan (
  p_plan           ledger.stock_plan,
  p_reason         text,
  p_actor          ledger.actor,
  p_order_id       uuid,
  p_account_id     uuid,
  p_correlation_id uuid
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_count integer := 0;
  v_dropped bigint[];
  v_freed_ids uuid[];
  v_freed_slots smallint[];
begin
  -- what leaves, and what was reserved for it
  if p_plan.variant_ids is not null then
    v_count := ledger.move_in_slots(p_plan.variant_ids, p_plan.slots, p_plan.quantities, p_plan.held, p_reason, p_actor, p_order_id);
  end if;

  -- what is not there
  if p_plan.backordered_ids is not null then
    insert into public.backorders as b (order_id, variant_id, account_id, quantity)
    select p_order_id, w.variant_id, p_account_id, w.quantity
    from unnest(p_plan.backordered_ids, p_plan.backordered) w (variant_id, quantity)
    -- an order has one place in the queue: with more units it queues anew
    on conflict (order_id, variant_id) do update set quantity = b.quantity + excluded.quantity, created_at = excluded.created_at;
  end if;

  -- what comes back: units that were still waited for never left
  if p_plan.returned_ids is not null then
    v_dropped := ledger.drop_open_units(p_order_id, p_plan.returned_ids, p_plan.returned, true);
    v_count := v_count + ledger.restock(p_plan.returned_ids,
      array(select w.quantity - w.dropped from unnest(p_plan.returned, v_dropped) with ordinality w (quantity, dropped, place) order by w.place),
      p_reason, p_actor, p_order_id, p_correlation_id);
  end if;

  -- what was reserved and is not used
  if p_plan.held is not null then
    select array_agg(w.variant_id), array_agg(w.slot) into v_freed_ids, v_freed_slots
    from unnest(p_plan.variant_ids, p_plan.slots, p_plan.quantities, p_plan.held) w (variant_id, slot, quantity, held)
    where w.held < w.quantity;
    if v_freed_ids is not null then
      perform ledger.pass_on_freed_units(v_freed_ids, v_freed_slots, p_actor, p_correlation_id);
    end if;
  end if;

  if p_plan.low_ids is not null then
    perform ledger.alert_low_stock(p_plan.low_ids, p_plan.low_quantities);
  end if;
  return v_count;
end $function$;

CREATE OR REPLACE FUNCTION ledger.approve_lines (
  p_order     public.orders,
  p_return_id uuid,
  p_lines     jsonb
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  update public.return_lines l set
    approved_quantity = case when p_lines is null then l.quantity
      else coalesce((select (e.line ->> 'quantity')::numeric::bigint
                     from jsonb_array_elements(p_lines) e (line)
                     where (e.line ->> 'line_number')::numeric = l.line_number), 0) end
  where l.account_id = p_order.account_id and l.return_id = p_return_id;
end $function$;

CREATE OR REPLACE FUNCTION ledger.arriving_lines (
  p_order     public.orders,
  p_return_id uuid,
  p_lines     jsonb
)
  RETURNS SETOF ledger.arriving_line
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return query
    with awaited as (
      select r.line_number, r.variant_id, r.name, coalesce(l.approved_quantity - l.received_quantity, 0) as awaited,
             greatest(0, least(coalesce(l.approved_quantity - l.received_quantity, 0), r.outside_quantity)) as receivable,
             r.shipped_quantity - coalesce(f.quantity - f.unshipped_quantity, 0) - coalesce(b.unrefunded_quantity, 0) as refundable
      from ledger.returnable_lines(p_order) r
      left join public.return_lines l on l.account_id = p_order.account_id and l.return_id = p_return_id and l.line_number = r.line_number
      left join ledger.received_units(p_order.id) b on b.line_number = r.line_number
      left join ledger.refunded_units(p_order.id) f on f.line_number = r.line_number),
    named as (
      select (e.line ->> 'line_number')::numeric::integer as line_number,
             coalesce((e.line ->> 'restock')::numeric, case when e.line ? 'write_off' then 0 else (e.line ->> 'received')::numeric end)::bigint as restocked,
             coalesce((e.line ->> 'write_off')::numeric, 0)::bigint as written_off
      from jsonb_array_elements(p_lines) e (line)
      union all
      select w.line_number, w.awaited, 0 from awaited w where p_lines is null)
    select n.line_number, w.variant_id, w.name, w.receivable, n.restocked, n.written_off,
           greatest(0, n.restocked + n.written_off - greatest(0, w.refundable))
    from named n
    join awaited w on w.line_number = n.line_number
    where n.restocked + n.written_off > 0
    order by n.line_number;
end $function$;

CREATE OR REPLACE FUNCTION ledger.awaits_goods (
  p_order     public.orders,
  p_return_id uuid
)
  RETURNS boolean
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return exists (select from ledger.arriving_lines(p_order, p_return_id, null) a where a.receivable_quantity > 0);
end $function$;

CREATE OR REPLACE FUNCTION ledger.award_commission (
  p_order_id       uuid,
  p_referral       public.referrals,
  p_base_amount    bigint,
  p_currency       text,
  p_actor          ledger.actor,
  p_correlation_id uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_account_id uuid;
  v_commission bigint;
  v_commission_id uuid := ledger.uuid_v7();
  v_transaction public.transactions;
begin
  v_commission := ledger.commission_amount(p_base_amount, p_referral.rate_bp);
  if coalesce(v_commission, 0) = 0 then
    return;
  end if;
  -- the first money of somebody opens their account
  perform ledger.lock_accounts(array[p_referral.referrer_user_id], p_currency);
  v_account_id := ledger.account_id(p_referral.referrer_user_id, p_currency);

  insert into public.referral_commissions
    (id, account_id, order_id, referee_user_id, rate_bp, base_amount, commission_amount, currency)
  values (v_commission_id, v_account_id, p_order_id, p_referral.referee_user_id, p_referral.rate_bp, p_base_amount, v_commission, p_currency);
  v_transaction := ledger.write_transaction(
    v_account_id, 'commission_earned', p_actor, 'commission on a delivered order', p_correlation_id,
    p_earned => v_commission, p_reference_id => v_commission_id);
  perform ledger.write_postings(v_transaction, p_currency,
    array[row('commission_expense', 'wallet', v_commission)]::ledger.posting_leg[]);
  perform ledger.record_operation('commission.earned', 'account', v_account_id, v_account_id,
    ledger.balance_effect(v_transaction, p_earned => v_commission)
      || jsonb_build_object('commission_id', v_commission_id, 'base_amount', p_base_amount, 'rate_bp', p_referral.rate_bp),
    p_actor, p_correlation_id, p_order_id);
end $function$;

CREATE OR REPLACE FUNCTION ledger.award_vendor_earnings (
  p_order          public.orders,
  p_shares         ledger.vendor_share[],
  p_actor          ledger.actor,
  p_correlation_id uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_share ledger.vendor_share;
  v_account_id uuid;
  v_earning_id uuid;
  v_transaction public.transactions;
begin
  for v_share in select s.* from unnest(p_shares) s where s.share_amount > 0 order by s.vendor_id loop
    v_account_id := ledger.account_id(v_share.owner_user_id, p_order.currency);
    v_earning_id := ledger.uuid_v7();
    v_transaction := null;
    -- the first money of somebody opens their account
    if v_account_id is not null then
      perform ledger.lock_accounts(array[v_share.owner_user_id], p_order.currency);
    end if;
    insert into public.vendor_earnings
      (id, account_id, owner_user_id, vendor_id, order_id, currency, base_amount, share_amount)
    values
      (v_earning_id, v_account_id, v_share.owner_user_id, v_share.vendor_id, p_order.id, p_order.currency,
       v_share.base_amount, v_share.share_amount);
    if v_account_id is not null then
      v_transaction := ledger.write_transaction(
        v_account_id, 'vendor_earned', p_actor, 'share of a delivered order', p_correlation_id,
        p_earned => v_share.share_amount, p_reference_id => v_earning_id);
      perform ledger.write_postings(v_transaction, p_order.currency,
        array[row('vendor_payable', 'wallet', v_share.share_amount)]::ledger.posting_leg[]);
    end if;
    perform ledger.record_operation('vendor.earned', 'vendor', v_share.vendor_id, v_account_id,
      case when v_account_id is null then '{}' else ledger.balance_effect(v_transaction, p_earned => v_share.share_amount) end
        || jsonb_build_object('earning_id', v_earning_id, 'order_id', p_order.id, 'currency', p_order.currency,
                              'base_amount', v_share.base_amount, 'share_amount', v_share.share_amount),
      p_actor, p_correlation_id, p_order.id);
  end loop;
end $function$;

CREATE OR REPLACE FUNCTION ledger.book_differences()
  RETURNS TABLE (
    check_code text,
    subject    text,
    expected   text,
    found      text
  )
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  select d.check_code, d.subject, d.expected, d.found from ledger.differences_of_accounts() d
  union all
  select d.check_code, d.subject, d.expected, d.found from ledger.differences_of_orders() d
  union all
  select d.check_code, d.subject, d.expected, d.found from ledger.differences_of_order_money() d
  union all
  select d.check_code, d.subject, d.expected, d.found from ledger.differences_of_refunds() d
  union all
  select d.check_code, d.subject, d.expected, d.found from ledger.differences_of_stock() d
  union all
  select d.check_code, d.subject, d.expected, d.found from ledger.differences_of_payments() d
  union all
  select d.check_code, d.subject, d.expected, d.found from ledger.differences_of_fulfilment() d
  union all
  select d.check_code, d.subject, d.expected, d.found from ledger.differences_of_vendors() d
  union all
  select d.check_code, d.subject, d.expected, d.found from ledger.differences_of_texts() d;
$function$;

CREATE OR REPLACE FUNCTION ledger.broadcast_order_event()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  -- realtime.send swallows what fails inside it, and this what fails before that (it is gone, renamed, not
  -- allowed): an order never fails because nobody can be told
  perform realtime.send(
    jsonb_strip_nulls(jsonb_build_object(
      'event_id', new.id, 'event_type', new.event_type, 'order_id', new.stream_id,
      'order_number', new.payload ->> 'order_number', 'from_status', new.payload ->> 'from_status',
      'status', new.payload ->> 'to_status', 'payment_status', new.payload ->> 'payment_status', 'occurred_at', new.occurred_at)),
    new.event_type, 'order:' || new.stream_id, true);
  return null;
exception
  when others then
    raise warning 'event % was not broadcast: %', new.id, sqlerrm;
    return null;
end $function$;

CREATE OR REPLACE FUNCTION ledger.bulk_change_answers (
  p_bulk_change_id uuid
)
  RETURNS SETOF public.ledger_bulk_change_status_result
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return query
    select o.success, o.transaction_id, o.error_code, o.error_message, o.error_details,
           o.bulk_change_id, o.order_id, o.order_number, o.order_status, o.payment_status
    from public.bulk_change_orders o
    where o.bulk_change_id = p_bulk_change_id
    order by o.position;
end $function$;

CREATE OR REPLACE FUNCTION ledger.carry_out_bulk_change (
  p_bulk_change_id uuid,
  p_limit          integer
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_bulk public.bulk_changes;
  v_positions integer[];
  v_order_ids uuid[];
  v_order_id uuid;
  v_answer public.ledger_bulk_change_status_result;
  v_answers public.ledger_bulk_change_status_result[];
  v_procedure text := current_setting('ledger.procedure', true);
begin
  -- lock: orders of the list that nobody else is at, and what their changes need
  select b.* into v_bulk from public.bulk_changes b where b.id = p_bulk_change_id;
  select array_agg(w.position order by w.position), array_agg(w.order_id order by w.position)
  into v_positions, v_order_ids
  from (select o.position, o.order_id
        from public.bulk_change_orders o
        where o.bulk_change_id = p_bulk_change_id and o.success is null
        order by o.position
        limit p_limit
        for update skip locked) w;
  if v_positions is null then
    return 0;
  end if;
  perform ledger.lock_for_bulk_change(v_order_ids, v_bulk.new_status);

  -- write: orders; should one of them fail in a way nobody foresaw, each is tried by itself
  begin
    foreach v_order_id in array v_order_ids loop
      v_answers := array_append(v_answers, ledger.change_bulk_order(v_bulk, v_order_id));
    end loop;
  exception when others then
    v_answers := null;
    foreach v_order_id in array v_order_ids loop
      begin
        v_answer := ledger.change_bulk_order(v_bulk, v_order_id);
      exception when others then
        v_answer := jsonb_populate_record(null::public.ledger_bulk_change_status_result,
          ledger.refuse('bulk_item_failed', jsonb_build_object('order_id', v_order_id, 'problem', sqlerrm, 'sqlstate', sqlstate)));
        v_answer.order_id := v_order_id;
      end;
      v_answers := array_append(v_answers, v_answer);
    end loop;
  end;

  -- record: the outcomes, and how far it is
  perform set_config('ledger.procedure', 'carry_out_bulk_change', true);
  update public.bulk_change_orders o set
    success = a.success, transaction_id = a.transaction_id, error_code = a.error_code, error_message = a.error_message,
    error_details = a.error_details, order_number = a.order_number, order_status = a.order_status, payment_status = a.payment_status
  from unnest(v_answers) with ordinality a
  where o.bulk_change_id = p_bulk_change_id and o.position = v_positions[a.ordinality];
  update public.bulk_changes b set
    succeeded_orders = b.succeeded_orders + (select count(*) from unnest(v_answers) a where a.success),
    failed_orders = b.failed_orders + (select count(*) from unnest(v_answers) a where not a.success),
    updated_at = clock_timestamp()
  where b.id = p_bulk_change_id;
  perform set_config('ledger.procedure', coalesce(v_procedure, ''), true);
  return cardinality(v_positions);
end $function$;

CREATE OR REPLACE FUNCTION ledger.change_bulk_order (
  p_bulk     public.bulk_changes,
  p_order_id uuid
)
  RETURNS public.ledger_bulk_change_status_result
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_asker ledger.actor := row(p_bulk.asked_by, p_bulk.asked_by_backend, p_bulk.asked_by);
  v_order public.orders;
  v_permission text;
  v_outcome jsonb;
  v_answer public.ledger_bulk_change_status_result;
begin
  select o.* into v_order from public.orders o where o.id = p_order_id;
  -- the first permission that is missing: to see orders, or to make this change
  select n.permission into v_permission
  from (select 1 as position, 'orders.read' as permission
        union all
        select 2, t.permission
        from public.order_status_transitions t
        where t.from_status = v_order.status and t.to_status = p_bulk.new_status) n
  where not ledger.has_permission(v_asker, n.permission)
  order by n.position
  limit 1;

  v_outcome := case
    when v_order.id is null then ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id))
    when v_permission is not null then ledger.refuse('not_permitted', jsonb_build_object(
      'order_number', v_order.order_number, 'from', v_order.status, 'to', p_bulk.new_status, 'permission', v_permission))
  end;
  if v_outcome is null then
    select to_jsonb(c) into v_outcome
    from public.ledger_change_order_status(v_order.user_id, v_order.id, v_order.status, p_bulk.new_status, v_order.total_amount,
      p_bulk.metadata, p_bulk.asked_by, p_bulk.actor_action) c;
  end if;
  v_answer := jsonb_populate_record(null::public.ledger_bulk_change_status_result, v_outcome);
  v_answer.bulk_change_id := p_bulk.id;
  v_answer.order_id := p_order_id;
  v_answer.order_number := v_order.order_number;
  v_answer.order_status := coalesce(v_answer.order_status, v_order.status);
  v_answer.payment_status := coalesce(v_answer.payment_status, v_order.payment_status);
  return v_answer;
end $function$;

CREATE OR REPLACE FUNCTION ledger.change_status_plainly (
  p_account_id   uuid,
  p_order_id     uuid,
  p_order_number text,
  p_user_id      uuid,
  p_currency     text,
  p_from         text,
  p_to           text,
  p_actor_id     uuid,
  p_actor_action text,
  p_metadata     jsonb
)
  RETURNS ledger.order_change
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_payment_status text;
  v_outstanding bigint;
  v_account_version bigint;
  v_available bigint;
  v_transaction_id uuid;
begin
  update public.orders o set status = p_to, version = o.version + 1, updated_at = clock_timestamp()
  where o.account_id = p_account_id and o.id = p_order_id
  returning o.payment_status, o.outstanding_amount into v_payment_status, v_outstanding;

  update public.accounts a set version = a.version + 1, updated_at = clock_timestamp()
  where a.id = p_account_id
  returning a.version, a.available_balance into v_account_version, v_available;

  v_transaction_id := ledger.write_operation(
    p_account_id, v_account_version, v_available, 'order_status_changed', 0, '{}',
    p_actor_id, coalesce(p_actor_action, format('order %s to %s', p_from, p_to)), p_metadata, p_order_id, p_currency, null,
    'order.status_changed', jsonb_build_object(
      'order_number', p_order_number, 'user_id', p_user_id, 'currency', p_currency, 'from_status', p_from, 'to_status', p_to,
      'payment_status', v_payment_status),
    case when p_actor_action is not null or p_metadata <> '{}' then
      jsonb_build_object('notes', coalesce(p_metadata ->> 'notes', p_actor_action), 'metadata', p_metadata) end);

  return row(null, v_transaction_id, p_to, v_payment_status, 0, v_available, null, null, null, null, null, v_outstanding)::ledger.order_change;
end $function$;

CREATE OR REPLACE FUNCTION ledger.check_order_amounts()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_broken text;
begin
  v_broken := case
    when new.total_amount <> new.subtotal_amount - new.discount_amount + new.shipping_amount
                             + case when new.prices_include_tax then 0 else new.tax_amount end then 'total_follows_from_its_parts'
    when least(new.subtotal_amount, new.shipping_amount, new.tax_amount, new.total_amount) < 0
      or greatest(new.subtotal_amount, new.shipping_amount, new.tax_amount, new.total_amount) > 9007199254740991
      or new.discount_amount not between 0 and new.subtotal_amount then 'amounts_are_exact_and_not_negative'
    when new.wallet_amount < 0 or new.paid_amount < new.wallet_amount then 'wallet_part_is_part_of_what_was_paid'
    when new.wallet_refunded_amount not between 0 and new.wallet_amount or new.refunded_amount < new.wallet_refunded_amount then
      'wallet_gets_back_what_it_paid'
    when new.credited_amount not between 0 and new.total_amount then 'credited_at_most_the_total'
  end;
  if v_broken is not null then
    raise exception using errcode = 'check_violation', constraint = v_broken, table = 'orders', schema = 'public',
      message = format('order %s would break the rule "%s"', new.order_number, v_broken);
  end if;
  return new;
end $function$;

CREATE OR REPLACE FUNCTION ledger.claw_back_commission (
  p_order_id         uuid,
  p_base_left_amount bigint,
  p_actor            ledger.actor,
  p_correlation_id   uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_commission public.referral_commissions;
  v_amount bigint;
  v_transaction public.transactions;
begin
  select c.* into v_commission from public.referral_commissions c where c.order_id = p_order_id for no key update;
  if not found then
    return;
  end if;
  v_amount := ledger.divide_half_up(
                v_commission.commission_amount::numeric * (v_commission.base_amount - p_base_left_amount), v_commission.base_amount)
              - v_commission.clawed_back_amount;
  if v_amount <= 0 then
    return;
  end if;
  update public.referral_commissions c set clawed_back_amount = c.clawed_back_amount + v_amount where c.id = v_commission.id;
  v_transaction := ledger.write_transaction(
    v_commission.account_id, 'commission_clawed_back', p_actor, 'commission of an order that was cancelled or refunded',
    p_correlation_id, p_earned => -v_amount, p_reference_id => v_commission.id);
  perform ledger.write_postings(v_transaction, v_commission.currency,
    array[row('wallet', 'commission_expense', v_amount)]::ledger.posting_leg[]);
  perform ledger.record_operation('commission.clawed_back', 'account', v_commission.account_id, v_commission.account_id,
    ledger.balance_effect(v_transaction, p_earned => -v_amount)
      || jsonb_build_object('commission_id', v_commission.id, 'base_left_amount', p_base_left_amount),
    p_actor, p_correlation_id, p_order_id);
end $function$;

CREATE OR REPLACE FUNCTION ledger.claw_back_vendor_earnings (
  p_order          public.orders,
  p_actor          ledger.actor,
  p_correlation_id uuid
)
  RETURNS bigint
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_earning public.vendor_earnings;
  v_shares ledger.vendor_share[];
  v_amount bigint;
  v_total bigint := 0;
  v_transaction public.transactions;
begin
  if not exists (select from public.vendor_earnings e where e.order_id = p_order.id) then
    return 0;
  end if;
  v_shares := ledger.vendor_shares(p_order);

  for v_earning in select e.* from public.vendor_earnings e where e.order_id = p_order.id order by e.vendor_id loop
    v_amount := v_earning.share_amount - v_earning.clawed_back_amount
                - coalesce((select s.share_amount from unnest(v_shares) s where s.vendor_id = v_earning.vendor_id), 0);
    continue when v_amount <= 0;
    v_total := v_total + v_amount;
    v_transaction := null;
    update public.vendor_earnings e
    set clawed_back_amount = e.clawed_back_amount + v_amount, updated_at = clock_timestamp()
    where e.id = v_earning.id;
    if v_earning.account_id is not null then
      v_transaction := ledger.write_transaction(
        v_earning.account_id, 'vendor_clawed_back', p_actor, 'share of goods that were refunded', p_correlation_id,
        p_earned => -v_amount, p_reference_id => v_earning.id);
      perform ledger.write_postings(v_transaction, v_earning.currency,
        array[row('wallet', 'vendor_payable', v_amount)]::ledger.posting_leg[]);
    end if;
    perform ledger.record_operation('vendor.clawed_back', 'vendor', v_earning.vendor_id, v_earning.account_id,
      case when v_earning.account_id is null then '{}' else ledger.balance_effect(v_transaction, p_earned => -v_amount) end
        || jsonb_build_object('earning_id', v_earning.id, 'order_id', p_order.id, 'currency', v_earning.currency,
                              'clawed_back_amount', v_amount),
      p_actor, p_correlation_id, p_order.id);
  end loop;
  return v_total;
end $function$;

CREATE OR REPLACE FUNCTION ledger.confirm_when_covered (
  p_order public.orders,
  p_actor ledger.actor
)
  RETURNS ledger.order_change
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  if p_order.status <> 'pending' or p_order.amount_due > 0 or not ledger.setting_text('auto_confirm_when_paid')::boolean
     or ledger.refuse_transition(p_order, 'confirmed') is not null then
    return null;
  end if;
  return ledger.apply_order_status(p_order, 'confirmed', p_actor, 'confirmed when it was paid', '{}');
end $function$;

CREATE OR REPLACE FUNCTION ledger.consume_reservation (
  p_reservation_id uuid,
  p_order_id       uuid,
  p_actor          ledger.actor
)
  RETURNS bigint
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_account_id uuid;
begin
  update public.stock_reservations r set status = 'consumed', order_id = p_order_id, ended_at = clock_timestamp()
  where r.id = p_reservation_id and r.status = 'active'
  returning r.account_id into strict v_account_id;
  return ledger.record_operation('stock.reservation_consumed', 'reservation', p_reservation_id, v_account_id,
    jsonb_build_object('status', 'consumed', 'order_id', p_order_id), p_actor, ledger.correlation_id());
end $function$;

CREATE OR REPLACE FUNCTION ledger.continue_bulk_changes()
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_bulk_change_id uuid;
  v_taken integer;
begin
  for v_bulk_change_id in select b.id from public.bulk_changes b where b.waiting_orders > 0 order by b.id loop
    v_taken := ledger.carry_out_bulk_change(v_bulk_change_id, 500);
    if v_taken > 0 then
      return v_taken;
    end if;
  end loop;
  return 0;
end $function$;

CREATE OR REPLACE FUNCTION ledger.correlation_id()
  RETURNS uuid
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_headers jsonb := ledger.request_headers();
begin
  return ledger.correlation_id_in(v_headers);
end $function$;

CREATE OR REPLACE FUNCTION ledger.correlation_id_in (
  p_headers jsonb
)
  RETURNS uuid
  LANGUAGE sql
RETURN CASE WHEN ((p_headers ->> 'x-correlation-id'::text) ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'::text) THEN ((p_headers ->> 'x-correlation-id'::text))::uuid ELSE
  gen_random_uuid() END;

CREATE OR REPLACE FUNCTION ledger.cost_of (
  p_part ledger.order_part
)
  RETURNS bigint
  LANGUAGE sql
  IMMUTABLE
RETURN (((p_part).lines_amount + (p_part).shipping_amount) + (p_part).allowance_amount);

CREATE OR REPLACE FUNCTION ledger.credited_after (
  p_whole           ledger.order_part,
  p_before          ledger.order_part,
  p_taken           ledger.taken_line[],
  p_shipping_amount bigint,
  p_amount          bigint
)
  RETURNS ledger.order_part
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_after ledger.order_part;
begin
  select p_before.goods_amount + coalesce(sum(t.goods_amount), 0), p_before.discount_amount + coalesce(sum(t.discount_amount), 0),
         p_before.tax_amount + coalesce(sum(t.tax_amount), 0), p_before.lines_amount + coalesce(sum(t.total_amount), 0),
         p_before.base_amount + coalesce(sum(t.base_amount), 0), p_before.vendor_amount + coalesce(sum(t.vendor_amount), 0),
         p_before.shipping_amount + p_shipping_amount, 0, 0
  into v_after
  from unnest(p_taken) t;
  v_after.allowance_amount := least(p_before.allowance_amount + p_amount,
    p_whole.lines_amount - v_after.lines_amount + p_whole.shipping_amount - v_after.shipping_amount);
  v_after.allowance_tax_amount := ledger.share_of_allowance(p_whole.tax_amount - v_after.tax_amount, p_whole, v_after);
  return v_after;
end $function$;

CREATE OR REPLACE FUNCTION ledger.credited_part (
  p_order public.orders
)
  RETURNS ledger.order_part
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_line_numbers integer[];
  v_units bigint[];
  v_part ledger.order_part;
begin
  select coalesce(array_agg(r.line_number), '{}'), array_agg(r.quantity) into v_line_numbers, v_units
  from ledger.refunded_units(p_order.id) r;
  v_part := ledger.part_of_lines(p_order, v_line_numbers, v_units);
  select coalesce(sum(f.shipping_amount), 0), coalesce(sum(f.allowance_amount), 0), coalesce(sum(f.allowance_tax_amount), 0)
  into v_part.shipping_amount, v_part.allowance_amount, v_part.allowance_tax_amount
  from public.refunds f
  where f.order_id = p_order.id;
  return v_part;
end $function$;

CREATE OR REPLACE FUNCTION ledger.current_actor (
  p_actor_id uuid DEFAULT NULL::uuid
)
  RETURNS ledger.actor
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_user_id uuid;
begin
  if ledger.is_backend_call() then
    return row(p_actor_id, true, '00000000-0000-0000-0000-000000000000')::ledger.actor;
  end if;
  if current_setting('role', true) = 'authenticated' then
    v_user_id := auth.uid();
  end if;
  if v_user_id is null then
    raise exception using errcode = 'insufficient_privilege',
      message = 'nobody is signed in', hint = 'Sign in and send the user''s access token.';
  end if;
  if p_actor_id is not null and p_actor_id is distinct from v_user_id then
    raise exception using errcode = 'insufficient_privilege',
      message = 'p_actor_id names somebody else', hint = 'Only a backend with the secret key may act for others; leave p_actor_id out.';
  end if;
  return row(v_user_id, false, v_user_id)::ledger.actor;
end $function$;

CREATE OR REPLACE FUNCTION ledger.customer_figures (
  p_range    ledger.report_range,
  p_currency text
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (
    select jsonb_build_object(
      'customers', count(*),
      'new', count(*) filter (where not c.came_before),
      'returning', count(*) filter (where c.came_before),
      'with_several_orders', count(*) filter (where c.orders > 1))
    from (
      select b.orders, exists (
               select from public.orders e
               where e.user_id = b.user_id and e.id < b.first_order_id and e.created_at < p_range.from_at) as came_before
      from (select o.user_id, count(*) as orders, (array_agg(o.id order by o.id))[1] as first_order_id
            from public.orders o
            where o.id >= p_range.first_id and o.id < p_range.last_id
              and o.created_at >= p_range.from_at and o.created_at < p_range.to_at and o.currency = p_currency
            group by o.user_id) b) c);
end $function$;

CREATE OR REPLACE FUNCTION ledger.deliver_shipments (
  p_order          public.orders,
  p_shipment_id    uuid,
  p_delivered_at   timestamp with time zone,
  p_actor          ledger.actor,
  p_correlation_id uuid
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_shipment public.shipments;
  v_count integer := 0;
begin
  for v_shipment in
    update public.shipments s set delivered_at = p_delivered_at
    where s.account_id = p_order.account_id and s.order_id = p_order.id and s.delivered_at is null
      and (p_shipment_id is null or s.id = p_shipment_id)
    returning s.*
  loop
    perform ledger.record_operation('order.shipment_delivered', 'order', p_order.id, p_order.account_id,
      jsonb_build_object('order_number', p_order.order_number, 'user_id', p_order.user_id, 'shipment_id', v_shipment.id,
        'shipment_number', v_shipment.shipment_number, 'delivered_at', v_shipment.delivered_at),
      p_actor, p_correlation_id);
    v_count := v_count + 1;
  end loop;
  return v_count;
end $function$;

CREATE OR REPLACE FUNCTION ledger.delivery_legs (
  p_order public.orders,
  p_left  ledger.order_part
)
  RETURNS ledger.posting_leg[]
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return ledger.forward(
    row('receivable', 'order_escrow', p_order.outstanding_amount)::ledger.posting_leg || ledger.recognition_legs(p_left));
end $function$;

CREATE OR REPLACE FUNCTION ledger.differences_of_accounts()
  RETURNS TABLE (
    check_code text,
    subject    text,
    expected   text,
    found      text
  )
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  with per_account as (
    select t.account_id, sum(t.amount) as amount, count(*) as transactions, max(t.account_version) as last_version,
           (array_agg(t.balance_after order by t.account_version desc))[1] as last_balance
    from public.transactions t
    group by t.account_id),
  wallets as (
    select p.account_id, sum(case when p.credit_account = 'wallet' then p.amount else 0 end)
                         - sum(case when p.debit_account = 'wallet' then p.amount else 0 end) as balance
    from public.postings p
    where 'wallet' in (p.debit_account, p.credit_account)
    group by p.account_id),
  replayed as (
    select e.account_id,
           coalesce(sum((e.payload #>> '{effect,total_earned}')::bigint), 0) as earned,
           coalesce(sum((e.payload #>> '{effect,total_withdrawn}')::bigint), 0) as withdrawn,
           coalesce(sum((e.payload #>> '{effect,total_pending_withdrawals}')::bigint), 0) as pending,
           coalesce(sum((e.payload #>> '{effect,total_orders}')::bigint), 0) as orders
    from public.immutable_events e
    where e.payload ? 'effect'
    group by e.account_id),
  payable as (
    select p.account_id, sum(case when p.credit_account = 'withdrawals_payable' then p.amount else 0 end)
                         - sum(case when p.debit_account = 'withdrawals_payable' then p.amount else 0 end) as balance
    from public.postings p
    where 'withdrawals_payable' in (p.debit_account, p.credit_account)
    group by p.account_id)
  select 'account_equals_transactions', a.id::text, a.available_balance::text, coalesce(t.amount, 0)::text
  from public.accounts a left join per_account t on t.account_id = a.id
  where a.available_balance <> coalesce(t.amount, 0)
  union all
  select 'account_equals_last_transaction', a.id::text, a.available_balance::text, t.last_balance::text
  from public.accounts a join per_account t on t.account_id = a.id
  where a.available_balance <> t.last_balance
  union all
  select 'account_version_counts_transactions', a.id::text, a.version::text, coalesce(t.transactions, 0)::text
  from public.accounts a left join per_account t on t.account_id = a.id
  where a.version <> coalesce(t.transactions, 0) or a.version <> coalesce(t.last_version, 0)
  union all
  select 'account_equals_wallet_postings', a.id::text, a.available_balance::text, coalesce(w.balance, 0)::text
  from public.accounts a left join wallets w on w.account_id = a.id
  where a.available_balance <> coalesce(w.balance, 0)
  union all
  select 'account_totals_replay_from_events', a.id::text,
         format('%s/%s/%s/%s', a.total_earned, a.total_withdrawn, a.total_pending_withdrawals, a.total_orders),
         format('%s/%s/%s/%s', coalesce(r.earned, 0), coalesce(r.withdrawn, 0), coalesce(r.pending, 0), coalesce(r.orders, 0))
  from public.accounts a left join replayed r on r.account_id = a.id
  where (a.total_earned, a.total_withdrawn, a.total_pending_withdrawals, a.total_orders)
        <> (coalesce(r.earned, 0), coalesce(r.withdrawn, 0), coalesce(r.pending, 0), coalesce(r.orders, 0))
  union all
  select 'total_orders_equals_orders', a.id::text, a.total_orders::text, coalesce(sum(o.wallet_amount - o.wallet_refunded_amount), 0)::text
  from public.accounts a left join public.orders o on o.account_id = a.id
  group by a.id, a.total_orders
  having a.total_orders <> coalesce(sum(o.wallet_amount - o.wallet_refunded_amount), 0)
  union all
  select 'withdrawals_payable_equals_pending', a.id::text, a.total_pending_withdrawals::text, coalesce(p.balance, 0)::text
  from public.accounts a left join payable p on p.account_id = a.id
  where a.total_pending_withdrawals <> coalesce(p.balance, 0)
  union all
  select 'pending_equals_open_withdrawals', a.id::text, a.total_pending_withdrawals::text, coalesce(sum(w.amount), 0)::text
  from public.accounts a left join public.withdrawals w on w.account_id = a.id and w.status in ('requested', 'approved')
  group by a.id, a.total_pending_withdrawals
  having a.total_pending_withdrawals <> coalesce(sum(w.amount), 0)
  union all
  select 'commission_equals_transactions', coalesce(c.id, m.reference_id)::text, format('%s in %s', c.commission_amount - c.clawed_back_amount, c.account_id),
         format('%s in %s', m.amount, m.account_id)
  from public.referral_commissions c
  full join (select t.reference_id, sum(t.amount) as amount, string_agg(distinct t.account_id::text, ', ') as account_id
             from public.transactions t
             where t.type in ('commission_earned', 'commission_clawed_back')
             group by t.reference_id) m on m.reference_id = c.id
  where (c.commission_amount - c.clawed_back_amount, c.account_id::text) is distinct from (m.amount, m.account_id)
  union all
  select 'commission_follows_its_rate', c.id::text, ledger.commission_amount(c.base_amount, c.rate_bp)::text, c.commission_amount::text
  from public.referral_commissions c
  where c.commission_amount <> ledger.commission_amount(c.base_amount, c.rate_bp)
  union all
  select 'transaction_refers_to_what_is_there', t.id::text, 'an account', t.account_id::text
  from public.transactions t
  left join public.accounts a on a.id = t.account_id
  where a.id is null
  union all
  select 'posting_refers_to_what_is_there', format('%s/%s', p.transaction_id, p.leg_number), 'its transaction''s account and currency, the chart',
         format('%s %s %s %s', p.account_id, p.currency, p.debit_account, p.credit_account)
  from public.postings p
  left join public.transactions t on t.id = p.transaction_id and t.account_id = p.account_id
  left join public.accounts a on a.id = p.account_id and a.currency = p.currency
  left join public.chart_accounts d on d.code = p.debit_account
  left join public.chart_accounts c on c.code = p.credit_account
  where t.id is null or a.id is null or d.code is null or c.code is null;
$function$;

CREATE OR REPLACE FUNCTION ledger.differences_of_fulfilment()
  RETURNS TABLE (
    check_code text,
    subject    text,
    expected   text,
    found      text
  )
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  with shipped as (
    select l.order_id, l.line_number, sum(l.quantity) as quantity
    from public.shipment_lines l
    group by l.order_id, l.line_number),
  returned as (
    select l.order_id, l.line_number, sum(l.received_quantity) as received, sum(l.refunded_quantity) as refunded
    from public.return_lines l
    group by l.order_id, l.line_number),
  refunded as (
    select r.order_id, r.line_number, sum(r.quantity) as quantity, sum(r.unshipped_quantity) as unshipped
    from public.refund_lines r
    group by r.order_id, r.line_number)
  select 'shipped_at_most_what_was_ordered', format('%s/%s', s.order_id, s.line_number), format('at most %s', i.quantity), s.quantity::text
  from shipped s join public.order_items i on i.order_id = s.order_id and i.line_number = s.line_number
  where s.quantity > i.quantity
  union all
  select 'shipped_order_is_out', format('%s/%s', i.order_id, i.line_number), (i.quantity - coalesce(f.unshipped, 0))::text, coalesce(s.quantity, 0)::text
  from public.orders o
  join public.order_items i on i.order_id = o.id
  left join shipped s on s.order_id = i.order_id and s.line_number = i.line_number
  left join refunded f on f.order_id = i.order_id and f.line_number = i.line_number
  where o.status in ('shipped', 'delivered') and i.quantity - coalesce(f.unshipped, 0) <> coalesce(s.quantity, 0)
  union all
  select 'delivered_order_has_arrived', s.id::text, 'delivered', s.status
  from public.shipments s join public.orders o on o.id = s.order_id
  where o.status = 'delivered' and s.delivered_at is null
  union all
  select 'shipments_count_from_one', s.order_id::text, count(*)::text, max(s.shipment_number)::text
  from public.shipments s
  group by s.order_id
  having count(*) <> max(s.shipment_number)
  union all
  select 'shipment_has_lines_of_its_order', s.id::text, 'lines, in the books of its order', 'other or none'
  from public.shipments s
  join public.orders o on o.id = s.order_id
  where s.account_id <> o.account_id
     or not exists (select from public.shipment_lines l where l.shipment_id = s.id)
     or exists (select from public.shipment_lines l
                where l.shipment_id = s.id and (l.order_id, l.account_id) <> (s.order_id, s.account_id))
  union all
  select 'return_has_lines_of_its_order', r.id::text, 'lines, in the books of its order', 'other or none'
  from public.returns r
  join public.orders o on o.id = r.order_id
  where (r.account_id, r.user_id) <> (o.account_id, o.user_id)
     or not exists (select from public.return_lines l where l.return_id = r.id)
     or exists (select from public.return_lines l
                where l.return_id = r.id and (l.order_id, l.account_id) <> (r.order_id, r.account_id))
  union all
  select 'return_status_follows_its_lines', r.id::text, r.status, format('%s approved, %s received', l.approved, l.received)
  from public.returns r
  cross join lateral (select sum(n.approved_quantity) as approved, sum(n.received_quantity) as received
                      from public.return_lines n where n.return_id = r.id) l
  where case r.status
          when 'approved' then l.approved <= l.received
          when 'received' then l.approved = 0 or l.approved <> l.received
          when 'closed' then false
          else l.approved <> 0 end
  union all
  -- goods of a delivered order that was refunded ahead of them may still come
  select 'ended_order_has_no_open_return', r.id::text, 'closed', r.status
  from public.returns r join public.orders o on o.id = r.order_id
  where (o.status = 'refunded' and r.status = 'requested') or (o.status = 'cancelled' and r.status in ('requested', 'approved'))
  union all
  select 'received_at_most_what_was_shipped', format('%s/%s', r.order_id, r.line_number), format('at most %s', coalesce(s.quantity, 0)), r.received::text
  from returned r left join shipped s on s.order_id = r.order_id and s.line_number = r.line_number
  where r.received > coalesce(s.quantity, 0)
  union all
  select 'refunded_returns_are_refunded_units', format('%s/%s', r.order_id, r.line_number), format('at most %s', coalesce(f.quantity, 0)), r.refunded::text
  from returned r left join refunded f on f.order_id = r.order_id and f.line_number = r.line_number
  where r.refunded > coalesce(f.quantity, 0)
  union all
  select 'restocked_returns_equal_movements', format('%s/%s', coalesce(b.order_id, m.order_id), coalesce(b.variant_id, m.variant_id)),
         coalesce(b.quantity, 0)::text, coalesce(m.quantity, 0)::text
  from (select l.order_id, i.variant_id, sum(l.restocked_quantity) as quantity
        from public.return_lines l join public.order_items i on i.order_id = l.order_id and i.line_number = l.line_number
        where l.restocked_quantity > 0
        group by l.order_id, i.variant_id) b
  full join (select m.order_id, m.variant_id, sum(m.quantity) as quantity
             from public.stock_movements m
             where m.reason = 'return_restocked'
             group by m.order_id, m.variant_id) m on m.order_id = b.order_id and m.variant_id = b.variant_id
  where coalesce(b.quantity, 0) <> coalesce(m.quantity, 0);
$function$;

CREATE OR REPLACE FUNCTION ledger.differences_of_order_money()
  RETURNS TABLE (
    check_code text,
    subject    text,
    expected   text,
    found      text
  )
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  with booked as (
    select t.order_id, l.account, sum(l.amount) as amount
    from public.postings p
    left join public.transactions t on t.id = p.transaction_id
    cross join lateral (values (p.credit_account, p.amount), (p.debit_account, -p.amount)) l (account, amount)
    where l.account in ('order_escrow', 'receivable', 'refunds_payable', 'revenue', 'vendor_payable', 'tax_payable', 'shipping_income', 'discounts')
      and (t.order_id is not null or l.account in ('order_escrow', 'receivable', 'refunds_payable'))
    group by t.order_id, l.account),
  taken_back as (
    select f.order_id, sum(f.goods_amount) as goods, sum(f.discount_amount) as discount, sum(f.tax_amount) as tax, sum(f.shipping_amount) as shipping,
           sum(f.allowance_amount) as allowance, sum(f.allowance_tax_amount) as allowance_tax, sum(f.credit_amount) as credit,
           sum(f.payout_amount) filter (where f.payout_status = 'pending') as pending,
           sum(f.payout_amount) filter (where f.payout_status = 'failed') as failed
    from public.refunds f
    group by f.order_id),
  vendors_part as (
    select i.order_id, sum(whole.vendor_amount - back.vendor_amount) as amount
    from public.order_items i
    join public.orders o on o.id = i.order_id
    left join (select l.order_id, l.line_number, sum(l.quantity)::bigint as quantity
               from public.refund_lines l group by l.order_id, l.line_number) r on r.order_id = i.order_id and r.line_number = i.line_number
    cross join lateral ledger.line_part(i, o.prices_include_tax, i.quantity) whole
    cross join lateral ledger.line_part(i, o.prices_include_tax, coalesce(r.quantity, 0)) back
    where i.platform_rate_bp is not null
    group by i.order_id),
  left_of as (
    select o.id, o.status, o.outstanding_amount, o.paid_amount - o.refunded_amount as held,
           o.subtotal_amount - coalesce(b.goods, 0) as goods, o.discount_amount - coalesce(b.discount, 0) as discount,
           o.tax_amount - coalesce(b.tax, 0) as tax, case when o.prices_include_tax then o.tax_amount - coalesce(b.tax, 0) else 0 end as contained_tax,
           o.shipping_amount - coalesce(b.shipping, 0) as shipping, coalesce(b.allowance, 0) as allowance,
           coalesce(b.allowance_tax, 0) as allowance_tax, coalesce(b.pending, 0) as pending, coalesce(v.amount, 0) as vendors
    from public.orders o
    left join taken_back b on b.order_id = o.id
    left join vendors_part v on v.order_id = o.id),
  expected as (
    -- escrow holds what was paid and did not go back until the delivery, and nothing after it
    select l.id as order_id, 'order_escrow' as account, case l.status when 'delivered' then 0 else l.held end as amount
    from left_of l
    union all
    select l.id, 'receivable', case l.status when 'delivered' then -l.outstanding_amount else 0 end from left_of l
    union all
    select l.id, 'refunds_payable', l.pending from left_of l
    union all
    -- income is what was delivered and not taken back
    select l.id, e.account, case when l.status in ('delivered', 'cancelled', 'refunded') then e.amount else 0 end
    from left_of l
    cross join lateral (values
      ('revenue', l.goods - l.contained_tax - l.vendors), ('vendor_payable', l.vendors), ('tax_payable', l.tax - l.allowance_tax),
      ('shipping_income', l.shipping), ('discounts', -l.discount - l.allowance + l.allowance_tax)) e (account, amount)),
  differing as (
    select coalesce(e.account, b.account) as account, format('%s %s', coalesce(e.order_id, b.order_id), coalesce(e.account, b.account)) as subject,
           coalesce(e.amount, 0)::text as expected, coalesce(b.amount, 0)::text as found
    from expected e
    full join booked b on b.order_id = e.order_id and b.account = e.account
    where coalesce(e.amount, 0) <> coalesce(b.amount, 0))
  select 'escrow_equals_open_orders', d.subject, d.expected, d.found from differing d where d.account = 'order_escrow'
  union all
  select 'receivable_equals_delivered_orders', d.subject, d.expected, d.found from differing d where d.account = 'receivable'
  union all
  select 'refunds_payable_equals_pending', d.subject, d.expected, d.found from differing d where d.account = 'refunds_payable'
  union all
  select 'income_equals_delivered_orders', d.subject, d.expected, d.found
  from differing d
  where d.account not in ('order_escrow', 'receivable', 'refunds_payable')
  union all
  select 'order_wallet_equals_transactions', o.id::text,
         (o.wallet_refunded_amount - o.wallet_amount + coalesce(b.credit, 0) + coalesce(b.failed, 0) + coalesce(p.credit, 0))::text,
         coalesce(t.amount, 0)::text
  from public.orders o
  left join taken_back b on b.order_id = o.id
  left join (select p.order_id, sum(p.credit_amount) as credit from public.payments p where p.status = 'captured' group by p.order_id) p
    on p.order_id = o.id
  left join (select t.order_id, sum(t.amount) as amount from public.transactions t where t.order_id is not null group by t.order_id) t
    on t.order_id = o.id
  where o.wallet_refunded_amount - o.wallet_amount + coalesce(b.credit, 0) + coalesce(b.failed, 0) + coalesce(p.credit, 0) <> coalesce(t.amount, 0)
  union all
  select 'payment_status_follows_the_money', o.id::text, s.status, o.payment_status
  from public.orders o
  cross join lateral ledger.payment_status_of(o.total_amount, o.credited_amount, o.paid_amount, o.refunded_amount, o.payment_status) s (status)
  where o.payment_status <> s.status
  union all
  select 'commission_follows_what_is_left', c.order_id::text, e.amount::text, c.clawed_back_amount::text
  from public.referral_commissions c
  join public.orders o on o.id = c.order_id
  left join taken_back b on b.order_id = o.id
  cross join lateral (select (o.subtotal_amount - o.discount_amount - case when o.prices_include_tax then o.tax_amount else 0 end) as whole,
                             coalesce(b.goods - b.discount - case when o.prices_include_tax then b.tax else 0 end, 0)::bigint as back) base
  cross join lateral (
    select base.whole - base.back - ledger.share_of_allowance(base.whole - base.back,
             row(0, 0, 0, o.total_amount - o.shipping_amount, 0, 0, o.shipping_amount, 0, 0)::ledger.order_part,
             row(0, 0, 0, o.credited_amount - coalesce(b.shipping + b.allowance, 0), 0, 0, coalesce(b.shipping, 0), coalesce(b.allowance, 0), 0)::ledger.order_part) as base_left) l
  cross join lateral (select ledger.divide_half_up(c.commission_amount::numeric * (c.base_amount - l.base_left), c.base_amount) as amount) e
  where c.clawed_back_amount <> e.amount;
$function$;

CREATE OR REPLACE FUNCTION ledger.differences_of_orders()
  RETURNS TABLE (
    check_code text,
    subject    text,
    expected   text,
    found      text
  )
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  with item_sums as (
    select i.order_id, sum(i.quantity) as quantity, sum(i.total_price_amount) as subtotal, sum(i.discount_amount) as discount, sum(i.tax_amount) as tax
    from public.order_items i
    group by i.order_id),
  last_status as (
    select h.order_id, (array_agg(h.status order by h.event_id desc))[1] as status, bool_or(h.status = 'delivered') as was_delivered
    from public.order_status_history h
    group by h.order_id)
  select 'order_totals_equal_items', o.id::text,
         format('%s/%s/%s', o.subtotal_amount, o.discount_amount, o.tax_amount),
         format('%s/%s/%s', i.subtotal, i.discount, i.tax)
  from public.orders o left join item_sums i on i.order_id = o.id
  where (o.subtotal_amount, o.discount_amount, o.tax_amount) is distinct from (i.subtotal, i.discount, i.tax)
  union all
  select 'order_has_its_transaction', o.id::text, 'an order_created transaction', 'none'
  from public.orders o
  where not exists (select from public.transactions t where t.order_id = o.id and t.type = 'order_created')
  union all
  select 'order_status_equals_history', o.id::text, o.status, coalesce(l.status, 'none')
  from public.orders o left join last_status l on l.order_id = o.id
  where o.status is distinct from l.status
  union all
  -- what foreign keys would say, and more; orders do not pay for them
  select 'order_refers_to_what_is_there', o.id::text, 'account of its customer and currency, payment method', format('%s %s', o.account_id, o.payment_method)
  from public.orders o
  left join public.accounts a on a.id = o.account_id and a.user_id = o.user_id and a.currency = o.currency
  left join public.payment_methods p on p.code = o.payment_method
  where a.id is null or p.code is null
  union all
  select 'line_refers_to_what_is_there', format('%s/%s', i.order_id, i.line_number), 'its order''s account, variant, vendor',
         format('%s %s %s', i.account_id, i.variant_id, i.vendor_id)
  from public.order_items i
  left join public.orders o on o.id = i.order_id and o.account_id = i.account_id
  left join public.variants v on v.id = i.variant_id
  left join public.vendors w on w.id = i.vendor_id
  where o.id is null or v.id is null or (w.id is null and i.vendor_id is not null)
  union all
  select 'discount_usage_equals_redemptions', u.discount_code_id::text, u.redemptions::text, count(r.order_id)::text
  from public.discount_usage u
  left join public.discount_redemptions r on r.discount_code_id = u.discount_code_id and r.released_at is null
  group by u.discount_code_id, u.redemptions
  having u.redemptions <> count(r.order_id)
  union all
  -- an order that ended before it was delivered has given its code back
  select 'discount_redemption_follows_order', coalesce(o.id, r.order_id)::text, format('%s of %s in %s', o.discount_amount, e.discount_code_id, o.account_id),
         format('%s of %s in %s', r.amount, r.discount_code_id, r.account_id)
  from public.orders o
  left join last_status l on l.order_id = o.id
  full join (select * from public.discount_redemptions where released_at is null) r on r.order_id = o.id
  cross join lateral (select case when o.status not in ('cancelled', 'refunded') or l.was_delivered then o.discount_code_id end as discount_code_id) e
  where r.discount_code_id is distinct from e.discount_code_id or r.amount <> o.discount_amount or r.account_id <> o.account_id;
$function$;

CREATE OR REPLACE FUNCTION ledger.differences_of_payments()
  RETURNS TABLE (
    check_code text,
    subject    text,
    expected   text,
    found      text
  )
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  with applied as (
    select p.order_id, sum(p.applied_amount) as amount
    from public.payments p
    where p.status = 'captured'
    group by p.order_id),
  moved as (
    select t.reference_id as payment_id, sum(t.amount) as credited,
           sum((select sum(case 'bank' when p.debit_account then p.amount when p.credit_account then -p.amount else 0 end)
                from public.postings p where p.transaction_id = t.id)) as banked
    from public.transactions t
    where t.type in ('payment_recorded', 'payment_voided')
    group by t.reference_id)
  select 'paid_from_outside_equals_payments', o.id::text, (o.paid_amount - o.wallet_amount)::text, coalesce(a.amount, 0)::text
  from public.orders o left join applied a on a.order_id = o.id
  where o.paid_amount - o.wallet_amount <> coalesce(a.amount, 0)
  union all
  select 'payment_equals_its_transactions', p.id::text, format('%s/%s', w.banked, w.credited), format('%s/%s', coalesce(m.banked, 0), coalesce(m.credited, 0))
  from public.payments p
  cross join lateral (select case p.status when 'captured' then p.amount else 0 end as banked,
                             case p.status when 'captured' then p.credit_amount else 0 end as credited) w
  left join moved m on m.payment_id = p.id
  where (w.banked, w.credited) <> (coalesce(m.banked, 0), coalesce(m.credited, 0))
  union all
  select 'payment_refers_to_what_is_there', p.id::text, 'an order of its account and currency', format('%s %s', p.account_id, p.currency)
  from public.payments p
  left join public.orders o on o.id = p.order_id and o.account_id = p.account_id and o.currency = p.currency
  where o.id is null;
$function$;

CREATE OR REPLACE FUNCTION ledger.differences_of_refunds()
  RETURNS TABLE (
    check_code text,
    subject    text,
    expected   text,
    found      text
  )
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  with per_order as (
    select f.order_id, sum(f.credited_amount) as credited,
           sum(f.wallet_amount + f.credit_amount + case f.payout_status when 'withdrawn' then 0 else f.payout_amount end) as refunded,
           sum(f.wallet_amount) as to_wallet, sum(f.shipping_amount) as shipping, sum(f.allowance_amount) as allowance
    from public.refunds f
    group by f.order_id),
  per_refund as (
    select l.refund_id, sum(l.goods_amount) as goods, sum(l.discount_amount) as discount, sum(l.tax_amount) as tax, sum(l.total_amount) as total
    from public.refund_lines l
    group by l.refund_id),
  per_line as (
    select l.order_id, l.line_number, sum(l.quantity)::bigint as quantity, sum(l.unshipped_quantity) as unshipped, sum(l.restocked_quantity) as restocked,
           row(sum(l.goods_amount), sum(l.discount_amount), sum(l.tax_amount), sum(l.total_amount), sum(l.base_amount),
               sum(l.vendor_amount))::ledger.line_part as part
    from public.refund_lines l
    group by l.order_id, l.line_number),
  shipped as (
    select l.order_id, l.line_number, sum(l.quantity) as quantity
    from public.shipment_lines l
    group by l.order_id, l.line_number)
  select 'credited_equals_refunds', o.id::text, o.credited_amount::text, coalesce(f.credited, 0)::text
  from public.orders o left join per_order f on f.order_id = o.id
  where o.credited_amount <> coalesce(f.credited, 0)
  union all
  select 'refunded_equals_refunds', o.id::text, format('%s/%s', o.refunded_amount, o.wallet_refunded_amount),
         format('%s/%s', coalesce(f.refunded, 0), coalesce(f.to_wallet, 0))
  from public.orders o left join per_order f on f.order_id = o.id
  where (o.refunded_amount, o.wallet_refunded_amount) <> (coalesce(f.refunded, 0), coalesce(f.to_wallet, 0))
  union all
  select 'ended_order_is_credited_whole', o.id::text, format('%s credited, nothing outstanding', o.total_amount),
         format('%s credited, %s outstanding', o.credited_amount, o.outstanding_amount)
  from public.orders o
  where o.status in ('cancelled', 'refunded')
    -- what was withdrawn waits for its payment to be voided, or for being paid out after all
    and (o.credited_amount <> o.total_amount or o.outstanding_amount > 0 or o.outstanding_amount < -(
      select coalesce(sum(f.payout_amount), 0) from public.refunds f where f.order_id = o.id and f.payout_status = 'withdrawn'))
  union all
  select 'refund_equals_its_parts', f.id::text,
         format('%s/%s/%s/%s', f.goods_amount, f.discount_amount, f.tax_amount, f.credited_amount - f.shipping_amount - f.allowance_amount),
         format('%s/%s/%s/%s', coalesce(l.goods, 0), coalesce(l.discount, 0), coalesce(l.tax, 0), coalesce(l.total, 0))
  from public.refunds f left join per_refund l on l.refund_id = f.id
  where (f.goods_amount, f.discount_amount, f.tax_amount, f.credited_amount - f.shipping_amount - f.allowance_amount)
        <> (coalesce(l.goods, 0), coalesce(l.discount, 0), coalesce(l.tax, 0), coalesce(l.total, 0))
  union all
  select 'refunded_shipping_is_part_of_it', o.id::text, format('at most %s, allowance not below 0', o.shipping_amount),
         format('%s, %s', f.shipping, f.allowance)
  from public.orders o join per_order f on f.order_id = o.id
  where f.shipping > o.shipping_amount or f.allowance < 0
  union all
  select 'refunded_units_cost_their_part', format('%s/%s', i.order_id, i.line_number), p::text, l.part::text
  from per_line l
  join public.order_items i on i.order_id = l.order_id and i.line_number = l.line_number
  join public.orders o on o.id = i.order_id
  cross join lateral ledger.line_part(i, o.prices_include_tax, l.quantity) p
  where p is distinct from l.part
  union all
  select 'refunded_units_were_shipped', format('%s/%s', i.order_id, i.line_number), format('at most %s', coalesce(s.quantity, 0)),
         (l.quantity - l.unshipped)::text
  from per_line l
  join public.order_items i on i.order_id = l.order_id and i.line_number = l.line_number
  left join shipped s on s.order_id = l.order_id and s.line_number = l.line_number
  where l.quantity - l.unshipped > coalesce(s.quantity, 0)
  union all
  select 'given_up_units_were_not_shipped', format('%s/%s', i.order_id, i.line_number),
         format('at most %s', i.quantity - coalesce(s.quantity, 0)), l.unshipped::text
  from per_line l
  join public.order_items i on i.order_id = l.order_id and i.line_number = l.line_number
  left join shipped s on s.order_id = l.order_id and s.line_number = l.line_number
  where l.unshipped > i.quantity - coalesce(s.quantity, 0)
  union all
  select 'restocked_refunds_equal_movements', format('%s/%s', coalesce(b.order_id, m.order_id), coalesce(b.variant_id, m.variant_id)),
         coalesce(b.quantity, 0)::text, coalesce(m.quantity, 0)::text
  from (select l.order_id, i.variant_id, sum(l.restocked) as quantity
        from per_line l join public.order_items i on i.order_id = l.order_id and i.line_number = l.line_number
        where l.restocked > 0
        group by l.order_id, i.variant_id) b
  full join (select m.order_id, m.variant_id, sum(m.quantity) as quantity
             from public.stock_movements m
             where m.reason in ('order_cancelled', 'order_refunded')
             group by m.order_id, m.variant_id) m on m.order_id = b.order_id and m.variant_id = b.variant_id
  where coalesce(b.quantity, 0) <> coalesce(m.quantity, 0)
  union all
  select 'refund_refers_to_what_is_there', f.id::text, 'an order of its account and currency', format('%s %s', f.account_id, f.currency)
  from public.refunds f
  left join public.orders o on o.id = f.order_id and o.account_id = f.account_id and o.currency = f.currency
  where o.id is null;
$function$;

CREATE OR REPLACE FUNCTION ledger.differences_of_stock()
  RETURNS TABLE (
    check_code text,
    subject    text,
    expected   text,
    found      text
  )
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  with ordered as (
    select i.order_id, i.variant_id, sum(i.quantity) as quantity
    from public.order_items i
    group by i.order_id, i.variant_id),
  moved as (
    select m.order_id, m.variant_id, -sum(m.quantity) as quantity
    from public.stock_movements m
    where m.reason in ('order_placed', 'order_edited', 'backorder_filled')
    group by m.order_id, m.variant_id),
  held as (
    select l.variant_id, l.slot, sum(l.quantity) as quantity
    from public.stock_reservation_lines l
    join public.stock_reservations r on r.id = l.reservation_id
    where r.status = 'active'
    group by l.variant_id, l.slot),
  filled as (
    select m.order_id, m.variant_id, -sum(m.quantity) as quantity
    from public.stock_movements m
    where m.reason = 'backorder_filled'
    group by m.order_id, m.variant_id)
  select 'stock_equals_movements', format('%s/%s', s.variant_id, s.slot), s.on_hand::text, coalesce(sum(m.quantity), 0)::text
  from public.stock_levels s left join public.stock_movements m on m.variant_id = s.variant_id and m.slot = s.slot
  group by s.variant_id, s.slot, s.on_hand, s.version
  having s.on_hand <> coalesce(sum(m.quantity), 0) or s.version <> count(m.variant_id)
  union all
  -- what an order has now: what left for it, and what it waits for or has given up waiting for
  select 'sold_equals_order_movements', format('%s/%s', coalesce(o.order_id, m.order_id), coalesce(o.variant_id, m.variant_id)),
         coalesce(o.quantity, 0)::text, format('%s, backordered %s', coalesce(m.quantity, 0), coalesce(b.open_quantity + b.dropped_quantity, 0))
  from ordered o
  full join moved m on m.order_id = o.order_id and m.variant_id = o.variant_id
  left join public.backorders b on b.order_id = coalesce(o.order_id, m.order_id) and b.variant_id = coalesce(o.variant_id, m.variant_id)
  where coalesce(o.quantity, 0) <> coalesce(m.quantity, 0) + coalesce(b.open_quantity + b.dropped_quantity, 0)
  union all
  select 'no_more_came_back_than_had_left', format('%s/%s', b.order_id, b.variant_id), coalesce(m.quantity, 0)::text, b.quantity::text
  from (select r.order_id, r.variant_id, sum(r.quantity) as quantity
        from public.stock_movements r
        where r.reason in ('order_cancelled', 'order_refunded', 'return_restocked')
        group by r.order_id, r.variant_id) b
  left join moved m on m.order_id = b.order_id and m.variant_id = b.variant_id
  where b.quantity > coalesce(m.quantity, 0)
  union all
  select 'movement_refers_to_what_is_there', format('%s/%s/%s', m.variant_id, m.slot, m.slot_version), 'stock of a variant', 'none'
  from public.stock_movements m
  left join public.stock_levels s on s.variant_id = m.variant_id and s.slot = m.slot
  where s.variant_id is null
  union all
  select 'variant_has_stock', v.id::text, format('%s rows in stock_levels', v.stock_slots), count(s.slot)::text
  from public.variants v left join public.stock_levels s on s.variant_id = v.id and s.slot < v.stock_slots
  group by v.id, v.stock_slots
  having count(s.slot) <> v.stock_slots
  union all
  select 'spread_moves_nothing', m.variant_id::text, '0', sum(m.quantity)::text
  from public.stock_movements m
  where m.reason = 'slots_spread'
  group by m.variant_id
  having sum(m.quantity) <> 0
  union all
  -- in a slot that is no longer in use nobody would look
  select 'unused_slot_holds_reserved_units_only', format('%s/%s', s.variant_id, s.slot), s.held::text, s.on_hand::text
  from public.stock_levels s join public.variants v on v.id = s.variant_id
  where s.slot >= v.stock_slots and s.on_hand <> s.held
  union all
  select 'held_equals_active_reservations', format('%s/%s', s.variant_id, s.slot), coalesce(h.quantity, 0)::text, s.held::text
  from public.stock_levels s left join held h on h.variant_id = s.variant_id and h.slot = s.slot
  where s.held <> coalesce(h.quantity, 0)
  union all
  select 'backorder_filled_by_movements', format('%s/%s', b.order_id, b.variant_id), b.filled_quantity::text, coalesce(f.quantity, 0)::text
  from public.backorders b left join filled f on f.order_id = b.order_id and f.variant_id = b.variant_id
  where b.filled_quantity <> coalesce(f.quantity, 0)
  union all
  select 'backorder_waits_for_a_living_order', format('%s/%s', b.order_id, b.variant_id), 'an order of its account that has not ended',
         coalesce(o.status, 'none')
  from public.backorders b left join public.orders o on o.id = b.order_id and o.account_id = b.account_id
  where o.id is null or (b.open_quantity > 0 and o.status in ('cancelled', 'refunded'))
  union all
  -- open units wait only while nothing is available
  select 'backorder_waits_for_nothing_that_is_there', b.variant_id::text, '0', s.available_quantity::text
  from (select distinct w.variant_id
        from public.backorders w
        join public.orders o on o.id = w.order_id and o.status <> 'rejected'
        where w.open_quantity > 0) b
  join public.variant_stock s on s.variant_id = b.variant_id
  where s.available_quantity > 0;
$function$;

CREATE OR REPLACE FUNCTION ledger.differences_of_texts()
  RETURNS TABLE (
    check_code text,
    subject    text,
    expected   text,
    found      text
  )
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  select 'text_is_its_events', t.event_id::text, coalesce(e.payload ->> 'texts_digest', 'an event with a digest'),
         ledger.texts_digest(t.texts, t.salt)
  from public.event_texts t
  left join public.immutable_events e on e.id = t.event_id
  where e.payload ->> 'texts_digest' is distinct from ledger.texts_digest(t.texts, t.salt)
  union all
  select 'event_has_its_text', e.id::text, e.payload ->> 'texts_digest', 'no text, and nobody was erased'
  from public.immutable_events e
  left join public.event_texts t on t.event_id = e.id
  left join public.accounts a on a.id = e.account_id
  left join public.profiles p on p.id = a.user_id
  where e.payload ? 'texts_digest' and t.event_id is null and p.erased_at is null;
$function$;

CREATE OR REPLACE FUNCTION ledger.differences_of_vendors()
  RETURNS TABLE (
    check_code text,
    subject    text,
    expected   text,
    found      text
  )
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  with shares as (
    select i.order_id, i.vendor_id, sum(whole.vendor_amount - back.vendor_amount) as share_amount
    from public.order_items i
    join public.orders o on o.id = i.order_id
    left join (select r.order_id, r.line_number, sum(r.quantity)::bigint as quantity
               from public.refund_lines r
               group by r.order_id, r.line_number) r on r.order_id = i.order_id and r.line_number = i.line_number
    cross join lateral ledger.line_part(i, o.prices_include_tax, i.quantity) whole
    cross join lateral ledger.line_part(i, o.prices_include_tax, coalesce(r.quantity, 0)) back
    where i.vendor_id is not null
      and (o.status = 'delivered' or exists (select from public.vendor_earnings e where e.order_id = o.id))
    group by i.order_id, i.vendor_id),
  moved as (
    select t.reference_id, sum(t.amount) as amount, min(t.account_id::text) as account_id, count(distinct t.account_id) as accounts
    from public.transactions t
    where t.type in ('vendor_earned', 'vendor_clawed_back')
    group by t.reference_id),
  payable as (
    select p.account_id, sum(case when p.credit_account = 'vendor_payable' then p.amount else 0 end)
                         - sum(case when p.debit_account = 'vendor_payable' then p.amount else 0 end) as balance
    from public.postings p
    where 'vendor_payable' in (p.debit_account, p.credit_account)
    group by p.account_id),
  -- owed to vendors by the orders of an account, less what its owner was given as a vendor
  owed as (
    select s.account_id, sum(s.amount) as amount
    from (select o.account_id, e.share_amount - e.clawed_back_amount as amount
          from public.vendor_earnings e join public.orders o on o.id = e.order_id
          union all
          select e.account_id, e.clawed_back_amount - e.share_amount
          from public.vendor_earnings e where e.account_id is not null) s
    group by s.account_id)
  select 'vendor_earnings_equal_lines', format('%s/%s', coalesce(s.order_id, e.order_id), coalesce(s.vendor_id, e.vendor_id)),
         coalesce(s.share_amount, 0)::text, coalesce(e.share_amount - e.clawed_back_amount, 0)::text
  from shares s
  full join public.vendor_earnings e on e.order_id = s.order_id and e.vendor_id = s.vendor_id
  where coalesce(s.share_amount, 0) <> coalesce(e.share_amount - e.clawed_back_amount, 0)
  union all
  select 'vendor_earnings_equal_transactions', coalesce(e.id, m.reference_id)::text,
         format('%s in %s', case when e.account_id is not null then e.share_amount - e.clawed_back_amount end, e.account_id),
         format('%s in %s', m.amount, m.account_id)
  from (select * from public.vendor_earnings where account_id is not null) e
  full join moved m on m.reference_id = e.id
  where e.id is null or m.amount is distinct from e.share_amount - e.clawed_back_amount
     or m.account_id <> e.account_id::text or m.accounts <> 1
  union all
  select 'vendor_payable_equals_shares', coalesce(p.account_id, o.account_id)::text, coalesce(o.amount, 0)::text, coalesce(p.balance, 0)::text
  from payable p
  full join owed o on o.account_id = p.account_id
  where coalesce(p.balance, 0) <> coalesce(o.amount, 0)
  union all
  -- the order is in its customer's books, so no foreign key says this
  select 'vendor_earning_refers_to_what_is_there', e.id::text, 'an order of the same currency', format('%s %s', e.order_id, e.currency)
  from public.vendor_earnings e
  left join public.orders o on o.id = e.order_id and o.currency = e.currency
  where o.id is null;
$function$;

CREATE OR REPLACE FUNCTION ledger.draft_lines (
  p_draft public.order_drafts
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (
    select jsonb_agg(jsonb_build_object(
             'line_number', i.line, 'variant_id', v.id, 'product_name', p.name, 'product_sku', v.sku, 'variant_name', v.name,
             'quantity', (i.item -> 'quantity')::bigint,
             'unit_price_amount', v.price_amount, 'saved_unit_price_amount', (i.item -> 'unit_price_amount')::bigint,
             'price_changed', v.price_amount <> (i.item -> 'unit_price_amount')::bigint or v.currency <> p_draft.currency,
             'is_for_sale', v.is_active and p.is_active,
             'available_quantity', (select coalesce(sum(s.on_hand - s.held), 0)::bigint from public.stock_levels s where s.variant_id = v.id))
             order by i.line)
    from jsonb_array_elements(p_draft.items) with ordinality i (item, line)
    join public.variants v on v.id = (i.item ->> 'variant_id')::uuid
    join public.products p on p.id = v.product_id);
end $function$;

CREATE OR REPLACE FUNCTION ledger.drop_backorders (
  p_order_id uuid
)
  RETURNS bigint
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_dropped bigint[];
begin
  select ledger.drop_open_units(p_order_id, array_agg(b.variant_id), array_agg(b.quantity), false) into v_dropped
  from ledger.open_backorders(p_order_id) b;
  return coalesce((select sum(d.quantity) from unnest(v_dropped) d (quantity)), 0);
end $function$;

CREATE OR REPLACE FUNCTION ledger.drop_open_units (
  p_order_id    uuid,
  p_variant_ids uuid[],
  p_quantities  bigint[],
  p_is_edit     boolean
)
  RETURNS bigint[]
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_dropped bigint[];
begin
  select array_agg(least(w.quantity, coalesce(b.open_quantity, 0)) order by w.place) into v_dropped
  from unnest(p_variant_ids, p_quantities) with ordinality w (variant_id, quantity, place)
  left join public.backorders b on b.order_id = p_order_id and b.variant_id = w.variant_id;

  update public.backorders b set
    quantity = b.quantity - case when p_is_edit then w.quantity else 0 end,
    dropped_quantity = b.dropped_quantity + case when p_is_edit then 0 else w.quantity end
  from unnest(p_variant_ids, v_dropped) w (variant_id, quantity)
  where b.order_id = p_order_id and b.variant_id = w.variant_id and w.quantity > 0;
  return v_dropped;
end $function$;

CREATE OR REPLACE FUNCTION ledger.duration_figures (
  p_seconds bigint[]
)
  RETURNS jsonb
  LANGUAGE sql
  IMMUTABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  select jsonb_build_object('orders', count(s), 'p50_seconds', percentile_disc(0.5) within group (order by s),
    'p90_seconds', percentile_disc(0.9) within group (order by s), 'p95_seconds', percentile_disc(0.95) within group (order by s))
  from unnest(p_seconds) s
  where s is not null;
$function$;

CREATE OR REPLACE FUNCTION ledger.edit_legs (
  p_money ledger.edit_money
)
  RETURNS ledger.posting_leg[]
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return row('wallet', 'order_escrow', p_money.taken_amount)::ledger.posting_leg
         || ledger.return_legs(row(p_money.wallet_amount, p_money.credit_amount, p_money.payout_amount)::ledger.returned_money);
end $function$;

CREATE OR REPLACE FUNCTION ledger.edited_lines (
  p_order    public.orders,
  p_changes  ledger.order_changes,
  p_settings jsonb
)
  RETURNS ledger.edited_order
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_edit ledger.edited_order;
  v_added ledger.order_pricing;
  v_max_lines integer := (p_settings ->> 'max_order_lines')::integer;
begin
  select array_agg(row(i.line_number, i.variant_id, i.vendor_id, i.product_name, i.product_sku, i.variant_name, i.quantity,
                       i.unit_price_amount, i.total_price_amount, i.discount_amount, i.tax_rate_bp, i.tax_amount,
                       i.platform_rate_bp)::ledger.priced_line order by i.line_number),
         greatest(max(i.line_number), (select max((t.metadata ->> 'last_line_number')::integer) from public.transactions t
                                       where t.order_id = p_order.id and t.type = 'order_edited'))
  into v_edit.lines_before, v_edit.last_line_number
  from public.order_items i
  where i.account_id = p_order.account_id and i.order_id = p_order.id;

  -- what is added, priced like a new order
  if p_changes.added_items is not null then
    v_added := ledger.price_order(p_order.user_id, p_changes.added_items, null, null, p_settings);
    v_edit.refusal := case
      when v_added.refusal is not null then v_added.refusal
      when v_added.currency <> p_order.currency then
        ledger.refuse('currency_mismatch', jsonb_build_object('currencies', p_order.currency || ', ' || v_added.currency))
      when v_added.prices_include_tax <> p_order.prices_include_tax then
        ledger.refuse('edit_not_allowed', jsonb_build_object('order_number', p_order.order_number,
          'reason', 'prices contain tax now and did not when it was placed, or the other way round, so nothing can be added'))
    end;
    if v_edit.refusal is not null then
      return v_edit;
    end if;
  end if;

  -- a line's total that is too large is null
  select array_agg(row(n.line_number, n.variant_id, n.vendor_id, n.product_name, n.product_sku, n.variant_name, n.quantity, n.unit_price_amount,
                       case when n.unit_price_amount <= 9007199254740991 / n.quantity then n.unit_price_amount * n.quantity end,
                       0, n.tax_rate_bp, 0, n.platform_rate_bp)::ledger.priced_line order by n.line_number)
  into v_edit.lines
  from (select l.line_number, l.variant_id, l.vendor_id, l.product_name, l.product_sku, l.variant_name,
               coalesce(c.quantity, l.quantity) as quantity, l.unit_price_amount, l.tax_rate_bp, l.platform_rate_bp
        from unnest(v_edit.lines_before) l
        left join unnest(p_changes.line_numbers, p_changes.quantities) c (line_number, quantity) on c.line_number = l.line_number
        union all
        select v_edit.last_line_number + a.line_number, a.variant_id, a.vendor_id, a.product_name, a.product_sku, a.variant_name,
               a.quantity, a.unit_price_amount, a.tax_rate_bp, a.platform_rate_bp
        from unnest(v_added.lines) a) n
  where n.quantity > 0;

  v_edit.last_line_number := v_edit.last_line_number + coalesce(cardinality(v_added.lines), 0);
  if v_edit.lines is null then
    v_edit.refusal := ledger.refuse('empty_order');
  elsif cardinality(v_edit.lines) > greatest(v_max_lines, cardinality(v_edit.lines_before)) then
    v_edit.refusal := ledger.refuse('too_many_lines', jsonb_build_object('maximum', v_max_lines, 'lines', cardinality(v_edit.lines)));
  elsif exists (select from unnest(v_edit.lines) l where l.total_price_amount is null) then
    v_edit.refusal := ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991));
  end if;
  return v_edit;
end $function$;

CREATE OR REPLACE FUNCTION ledger.enable_realtime()
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  if to_regprocedure('realtime.send(jsonb, text, text, boolean)') is null or to_regclass('realtime.messages') is null then
    raise exception 'Realtime is not installed here: there is no function realtime.send(jsonb, text, text, boolean)'
      using hint = 'Enable Realtime for the project, then call ledger.enable_realtime() again.';
  end if;
  create or replace trigger order_events_are_broadcast
    after insert on public.immutable_events
    for each row when (new.stream_type = 'order')
    execute function ledger.broadcast_order_event();
  -- listening only: there is no policy that lets a client send
  drop policy if exists orders_are_followed_by_their_customer_and_staff on realtime.messages;
  create policy orders_are_followed_by_their_customer_and_staff on realtime.messages for select to authenticated
    using (extension = 'broadcast' and (select ledger.may_follow((select realtime.topic()))));
end $function$;

CREATE OR REPLACE FUNCTION ledger.end_returns (
  p_order            public.orders,
  p_may_still_come   boolean,
  p_actor            ledger.actor,
  p_correlation_id   uuid,
  p_except_return_id uuid          DEFAULT NULL::uuid
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_return_id uuid;
  v_count integer := 0;
begin
  for v_return_id in
    update public.returns r set status = 'closed', updated_at = clock_timestamp()
    where r.account_id = p_order.account_id and r.order_id = p_order.id and r.status in ('requested', 'approved')
      and r.id is distinct from p_except_return_id
      and not (p_may_still_come and r.status = 'approved' and ledger.awaits_goods(p_order, r.id))
    returning r.id
  loop
    perform ledger.record_return('order.return_closed', p_order, v_return_id, p_actor, p_correlation_id);
    v_count := v_count + 1;
  end loop;
  return v_count;
end $function$;

CREATE OR REPLACE FUNCTION ledger.erase_personal_data (
  p_user_id     uuid,
  p_account_ids uuid[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_table record;
begin
  for v_table in
    select d.relation, d.owner_column, bool_or(d.becomes = 'gone') as goes,
           string_agg(format('%I = %s', d.column_name, d.becomes), ', ') filter (where d.becomes <> 'gone') as changes
    from ledger.personal_data() d
    group by d.relation, d.owner_column
    having count(d.becomes) > 0
    order by d.relation
  loop
    execute case when v_table.goes then format('delete from %s where %I = any ($1)', v_table.relation, v_table.owner_column)
                 else format('update %s set %s where %I = any ($1)', v_table.relation, v_table.changes, v_table.owner_column) end
    using case when v_table.owner_column = 'account_id' then p_account_ids else array[p_user_id] end;
  end loop;
end $function$;

CREATE OR REPLACE FUNCTION ledger.erase_sign_in (
  p_user_id uuid
)
  RETURNS boolean
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_changes text;
  v_table text;
begin
  if not (has_table_privilege('auth.users', 'update') and has_table_privilege('auth.users', 'select')) then
    return false;
  end if;

  -- columns that this version of the auth server has
  select string_agg(format('%I = %s', c.name, c.value), ', ') into v_changes
  from (values
    ('email', 'case when email is not null then id::text || ''@erased.invalid'' end'), ('phone', 'null'), ('encrypted_password', ''''''),
    ('raw_user_meta_data', '''{}'''), ('raw_app_meta_data', '''{}'''), ('email_change', ''''''), ('phone_change', ''''''),
    ('confirmation_token', ''''''), ('recovery_token', ''''''), ('email_change_token_new', ''''''),
    ('email_change_token_current', ''''''), ('phone_change_token', ''''''), ('reauthentication_token', ''''''),
    ('deleted_at', 'now()'), ('banned_until', 'timestamptz ''9999-12-31''')) c (name, value)
  join pg_catalog.pg_attribute a on a.attrelid = 'auth.users'::regclass and a.attname = c.name and a.attnum > 0 and not a.attisdropped;
  execute format('update auth.users set %s where id = $1', v_changes) using p_user_id;

  -- sessions first: what hangs on them goes with them
  foreach v_table in array array['sessions', 'refresh_tokens', 'identities', 'mfa_factors', 'one_time_tokens', 'flow_state'] loop
    continue when not exists (
      select from pg_catalog.pg_attribute a
      where a.attrelid = to_regclass('auth.' || v_table) and a.attname = 'user_id' and not a.attisdropped
        and has_table_privilege(a.attrelid, 'delete'));
    -- refresh_tokens.user_id is a text there
    execute format('delete from auth.%I where user_id::text = $1::text', v_table) using p_user_id;
  end loop;
  -- what the auth server has logged names them by their address
  if has_table_privilege(to_regclass('auth.audit_log_entries'), 'delete') and has_table_privilege(to_regclass('auth.audit_log_entries'), 'select') then
    execute $sql$ delete from auth.audit_log_entries
                  where $1::text in (payload ->> 'actor_id', payload -> 'traits' ->> 'user_id') $sql$ using p_user_id;
  end if;
  return true;
end $function$;

CREATE OR REPLACE FUNCTION ledger.expire_reservations (
  p_limit integer DEFAULT 10000
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_reservation_ids uuid[];
  v_count integer := 0;
begin
  -- lock: reservations; stock follows
  select array_agg(r.id) into v_reservation_ids
  from (select s.id
        from public.stock_reservations s
        where s.status = 'active' and s.expires_at <= clock_timestamp()
        order by s.expires_at
        limit p_limit
        for no key update skip locked) r;

  -- write and record
  if v_reservation_ids is not null then
    perform set_config('ledger.procedure', 'expire_reservations', true);
    v_count := ledger.free_reservations(v_reservation_ids, 'expired', ledger.current_actor());
    perform set_config('ledger.procedure', '', true);
  end if;
  return v_count;
end $function$;

CREATE OR REPLACE FUNCTION ledger.fill_backorders (
  p_variant_ids    uuid[],
  p_slots          smallint[],
  p_actor          ledger.actor,
  p_correlation_id uuid
)
  RETURNS bigint
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  SET plan_cache_mode TO 'force_generic_plan'
  AS $function$
declare
  v_fill record;
  v_units bigint := 0;
begin
  for v_fill in
    with waiting as (
      select b.order_id, b.variant_id, b.account_id, b.created_at, b.open_quantity,
             sum(b.open_quantity) over (partition by b.variant_id order by b.created_at, b.order_id) as up_to
      from public.backorders b
      join public.orders o on o.id = b.order_id and o.status <> 'rejected'
      where b.variant_id = any (p_variant_ids) and b.open_quantity > 0),
    there as (
      select s.variant_id, s.slot, s.on_hand - s.held as available,
             sum(s.on_hand - s.held) over (partition by s.variant_id order by s.slot) as up_to
      from public.stock_levels s
      join (select distinct u.variant_id, u.slot from unnest(p_variant_ids, p_slots) u (variant_id, slot)) u
        on u.variant_id = s.variant_id and u.slot = s.slot
      where s.variant_id = any (p_variant_ids) and s.on_hand > s.held)
    select w.order_id, w.variant_id, w.account_id, t.slot, w.open_quantity,
           (least(w.up_to, t.up_to) - greatest(w.up_to - w.open_quantity, t.up_to - t.available))::bigint as quantity
    from waiting w
    join there t on t.variant_id = w.variant_id and t.up_to > w.up_to - w.open_quantity and w.up_to > t.up_to - t.available
    order by w.variant_id, w.created_at, w.order_id, t.slot
  loop
    perform ledger.move_in_slots(array[v_fill.variant_id], array[v_fill.slot], array[-v_fill.quantity], null,
                                 'backorder_filled', p_actor, v_fill.order_id);
    update public.backorders b set filled_quantity = b.filled_quantity + v_fill.quantity
    where b.order_id = v_fill.order_id and b.variant_id = v_fill.variant_id;
    perform ledger.record_operation('backorder.filled', 'order', v_fill.order_id, v_fill.account_id,
      jsonb_build_object('variant_id', v_fill.variant_id, 'quantity', v_fill.quantity,
                         'open_quantity', ledger.open_backorder(v_fill.order_id, v_fill.variant_id)),
      p_actor, p_correlation_id);
    v_units := v_units + v_fill.quantity;
  end loop;
  return v_units;
end $function$;

CREATE OR REPLACE FUNCTION ledger.first_id_at (
  p_at   timestamp with time zone,
  p_room interval                 DEFAULT '00:00:00'::interval
)
  RETURNS uuid
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  STRICT
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_at timestamptz := least(greatest(p_at, timestamptz '1970-01-02 00:00:00+00'), timestamptz '9999-12-31 00:00:00+00') + p_room;
begin
  return encode(
    overlay(uuid_send('00000000-0000-7000-8000-000000000000'::uuid)
            placing substring(int8send((extract(epoch from v_at) * 1000)::bigint) from 3)
            from 1 for 6),
    'hex')::uuid;
end $function$;

CREATE OR REPLACE FUNCTION ledger.forward (
  p_legs ledger.posting_leg[]
)
  RETURNS ledger.posting_leg[]
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (select array_agg(case when l.amount < 0 then row(l.credit_account, l.debit_account, -l.amount)::ledger.posting_leg
                                else row(l.debit_account, l.credit_account, l.amount)::ledger.posting_leg end order by l.ordinality)
          from unnest(p_legs) with ordinality l);
end $function$;

CREATE OR REPLACE FUNCTION ledger.free_reservations (
  p_reservation_ids uuid[],
  p_status          text,
  p_actor           ledger.actor
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  SET plan_cache_mode TO 'force_generic_plan'
  AS $function$
declare
  v_variant_ids uuid[];
  v_slots smallint[];
  v_held bigint[];
  v_correlation_id uuid := ledger.correlation_id();
  v_reservation record;
  v_count integer := 0;
begin
  -- lock: stock, slot 0 too
  select array_agg(g.variant_id), array_agg(g.slot), array_agg(-g.quantity) into v_variant_ids, v_slots, v_held
  from (select l.variant_id, l.slot, sum(l.quantity)::bigint as quantity
        from public.stock_reservation_lines l
        where l.reservation_id = any (p_reservation_ids)
        group by l.variant_id, l.slot) g;
  perform from public.stock_levels s
  where s.variant_id = any (v_variant_ids)
    and (s.slot = 0 or exists (select from unnest(v_variant_ids, v_slots) u (variant_id, slot) where u.variant_id = s.variant_id and u.slot = s.slot))
  order by s.variant_id, s.slot
  for no key update;

  -- write and record
  if v_variant_ids is not null then
    perform ledger.move_in_slots(v_variant_ids, v_slots, array_fill(0::bigint, array[cardinality(v_slots)]), v_held, null, p_actor);
    perform ledger.pass_on_freed_units(v_variant_ids, v_slots, p_actor, v_correlation_id);
  end if;
  for v_reservation in
    update public.stock_reservations r set status = p_status, ended_at = clock_timestamp()
    where r.id = any (p_reservation_ids) and r.status = 'active'
    returning r.id, r.account_id
  loop
    perform ledger.record_operation('stock.reservation_' || p_status, 'reservation', v_reservation.id, v_reservation.account_id,
                                    jsonb_build_object('status', p_status), p_actor, v_correlation_id);
    v_count := v_count + 1;
  end loop;
  return v_count;
end $function$;

CREATE OR REPLACE FUNCTION ledger.idempotency_begin (
  p_procedure text,
  p_key       text,
  p_caller_id uuid,
  p_request   jsonb
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_request_hash uuid;
  v_answer jsonb;
begin
  if p_key is null then
    return null;
  end if;
  if length(p_key) not between 1 and 255 then
    return ledger.refuse('invalid_idempotency_key', jsonb_build_object('length', length(p_key)));
  end if;
  perform pg_advisory_xact_lock(hashtextextended(p_caller_id::text || p_procedure || ':' || p_key, 0));
  select k.request_hash, k.answer into v_request_hash, v_answer
  from ledger.idempotency_keys k
  where k.caller_id = p_caller_id and k.procedure = p_procedure and k.key = p_key;
  if not found then
    return null;
  end if;
  if v_request_hash <> md5(p_request::text)::uuid then
    return ledger.refuse('idempotency_conflict', jsonb_build_object('key', p_key, 'procedure', p_procedure));
  end if;
  perform ledger.add_response_header('Idempotency-Replayed', 'true');
  return v_answer;
end $function$;

CREATE OR REPLACE FUNCTION ledger.is_draft_of (
  p_draft public.order_drafts,
  p_actor ledger.actor
)
  RETURNS boolean
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return p_draft.id is not null
    and (coalesce(p_draft.user_id = p_actor.user_id, false) or ledger.has_permission(p_actor, 'orders.place'));
end $function$;

CREATE OR REPLACE FUNCTION ledger.is_of_erased (
  p_account_id uuid
)
  RETURNS boolean
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return exists (
    select from public.accounts a join public.profiles p on p.id = a.user_id
    where a.id = p_account_id and p.erased_at is not null);
end $function$;

CREATE OR REPLACE FUNCTION ledger.is_sale (
  p_order_status text
)
  RETURNS boolean
  LANGUAGE sql
  IMMUTABLE
  PARALLEL SAFE
RETURN (p_order_status <> ALL (ARRAY['rejected'::text, 'cancelled'::text]));

CREATE OR REPLACE FUNCTION ledger.is_whole_number (
  p_value   jsonb,
  p_minimum bigint,
  p_maximum bigint
)
  RETURNS boolean
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return case when jsonb_typeof(p_value) = 'number'
              then (p_value #>> '{}')::numeric between p_minimum and p_maximum
                   and (p_value #>> '{}')::numeric = trunc((p_value #>> '{}')::numeric)
              else false end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.line_part (
  p_item               public.order_items,
  p_prices_include_tax boolean,
  p_units              bigint
)
  RETURNS ledger.line_part
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_line_net bigint := p_item.total_price_amount - p_item.discount_amount;
  v_net bigint;
  v_part ledger.line_part;
begin
  v_part.goods_amount := p_item.unit_price_amount * p_units;
  v_part.discount_amount := div(p_item.discount_amount::numeric * p_units, p_item.quantity);
  v_net := v_part.goods_amount - v_part.discount_amount;
  v_part.tax_amount := case when v_line_net = 0 then 0
                            else ledger.divide_half_up(p_item.tax_amount::numeric * v_net, v_line_net) end;
  v_part.total_amount := v_net + case when p_prices_include_tax then 0 else v_part.tax_amount end;
  v_part.base_amount := v_net - case when p_prices_include_tax then v_part.tax_amount else 0 end;
  v_part.vendor_amount := case when p_item.platform_rate_bp is null then 0
    else v_part.base_amount - ledger.divide_half_up(v_part.base_amount::numeric * p_item.platform_rate_bp, 10000) end;
  return v_part;
end $function$;

CREATE OR REPLACE FUNCTION ledger.lines_asked_back (
  p_order public.orders,
  p_lines jsonb
)
  RETURNS ledger.taken_line[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_line_numbers integer[];
  v_units bigint[];
  v_unshipped bigint[];
  v_restocked bigint[];
begin
  select array_agg(a.line_number), array_agg(a.quantity), array_agg(a.unshipped),
         array_agg(case
           when a.unshipped > 0 then a.unshipped - least(a.unshipped, greatest(coalesce(b.quantity, 0) - a.before, 0))
           when a.restock then greatest(a.quantity - coalesce(v.unrefunded_quantity, 0), 0)
           else 0 end)
  into v_line_numbers, v_units, v_unshipped, v_restocked
  from (
    select n.*, i.variant_id,
           (sum(n.unshipped) over (partition by i.variant_id order by n.line_number) - n.unshipped)::bigint as before
    from (
      select e.line_number::integer, e.quantity::bigint, e.restock, case when e.unshipped then e.quantity::bigint else 0 end as unshipped
      from jsonb_to_recordset(p_lines) e (line_number numeric, quantity numeric, restock boolean, unshipped boolean)) n
    join public.order_items i on i.account_id = p_order.account_id and i.order_id = p_order.id and i.line_number = n.line_number) a
  left join ledger.received_units(p_order.id) v on v.line_number = a.line_number
  left join ledger.open_backorders(p_order.id) b on b.variant_id = a.variant_id;
  return ledger.taken_lines(p_order, v_line_numbers, v_units, v_unshipped, v_restocked);
end $function$;

CREATE OR REPLACE FUNCTION ledger.lines_left (
  p_order   public.orders,
  p_restock boolean
)
  RETURNS ledger.taken_line[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_line_numbers integer[];
  v_units bigint[];
  v_unshipped bigint[];
  v_restocked bigint[];
begin
  select array_agg(l.line_number), array_agg(l.units), array_agg(l.unshipped),
         array_agg(case when p_restock is false then 0 else
           l.unshipped - least(l.unshipped, greatest(l.backordered - l.behind, 0))
           + case when p_restock then l.outside else least(l.outside, l.under_way) end end)
  into v_line_numbers, v_units, v_unshipped, v_restocked
  from (
    select o.*, (sum(o.unshipped) over (partition by o.variant_id order by o.line_number desc) - o.unshipped)::bigint as behind
    from (
      select i.line_number, i.variant_id, coalesce(b.quantity, 0) as backordered, i.quantity - coalesce(r.quantity, 0) as units,
             i.quantity - coalesce(s.shipped_quantity, 0) - coalesce(r.unshipped_quantity, 0) as unshipped,
             coalesce(s.shipped_quantity, 0) - coalesce(r.quantity - r.unshipped_quantity, 0) - coalesce(v.unrefunded_quantity, 0) as outside,
             greatest(coalesce(w.quantity, 0) - (coalesce(r.quantity - r.unshipped_quantity, 0)
                                                 - coalesce(v.received_quantity - v.unrefunded_quantity, 0)), 0) as under_way
      from public.order_items i
      left join ledger.refunded_units(p_order.id) r on r.line_number = i.line_number
      left join ledger.received_units(p_order.id) v on v.line_number = i.line_number
      left join ledger.shipped_units(p_order.id) s on s.line_number = i.line_number
      left join ledger.units_under_way(p_order.id) w on w.line_number = i.line_number
      left join ledger.open_backorders(p_order.id) b on b.variant_id = i.variant_id
      where i.account_id = p_order.account_id and i.order_id = p_order.id) o) l;
  return ledger.taken_lines(p_order, v_line_numbers, v_units, v_unshipped, v_restocked);
end $function$;

CREATE OR REPLACE FUNCTION ledger.lines_to_ship (
  p_order public.orders,
  p_lines jsonb
)
  RETURNS TABLE (
    line_number      integer,
    quantity         bigint,
    shipped_quantity bigint,
    asked            bigint
  )
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return query
    select s.line_number, s.quantity, s.shipped_quantity,
           case when p_lines is null then s.shippable_quantity
                else coalesce((select (e.line ->> 'quantity')::numeric::bigint
                               from jsonb_array_elements(p_lines) e (line)
                               where (e.line ->> 'line_number')::numeric = s.line_number), 0) end
    from ledger.shippable_lines(p_order) s;
end $function$;

CREATE OR REPLACE FUNCTION ledger.lock_all_stock (
  p_variant_ids uuid[]
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  SET plan_cache_mode TO 'force_generic_plan'
  AS $function$
declare
  v_count integer;
begin
  for v_time in 1..2 loop
    perform from public.stock_levels s
    where s.variant_id = any (p_variant_ids)
    order by s.variant_id, s.slot
    for no key update;
    get diagnostics v_count = row_count;
  end loop;
  return v_count;
end $function$;

CREATE OR REPLACE FUNCTION ledger.lock_for_bulk_change (
  p_order_ids uuid[],
  p_to        text
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_ends boolean := p_to in ('cancelled', 'refunded');
  v_user_id uuid;
  v_currency text;
  v_variant_ids uuid[];
begin
  -- lock: orders
  perform from public.orders o where o.id = any (p_order_ids) order by o.id for no key update;

  -- lock: accounts by id, whatever their currencies: of the customers, and of who earns by a delivery or loses by its end
  for v_user_id, v_currency in
    with changed as (select o.* from public.orders o where o.id = any (p_order_ids))
    select u.user_id, u.currency
    from (
      select c.user_id, c.currency from changed c
      union
      select r.referrer_user_id, c.currency
      from changed c
      join public.referrals r on r.referee_user_id = c.user_id
      where p_to = 'delivered' or c.status = 'delivered'
      union
      select w.owner_id, c.currency
      from changed c
      cross join lateral unnest(ledger.owners_of(ledger.vendor_shares(c::public.orders))) w (owner_id)
      where p_to = 'delivered'
      union
      select e.earner_id, c.currency
      from changed c
      cross join lateral unnest(ledger.vendor_earners(c.id)) e (earner_id)
      where c.status = 'delivered') u
    order by ledger.account_id(u.user_id, u.currency)
  loop
    perform ledger.lock_accounts(array[v_user_id], v_currency, p_open => false);
  end loop;

  -- lock: stock, discount counters
  if v_ends then
    v_variant_ids := array(select distinct i.variant_id from public.order_items i where i.order_id = any (p_order_ids) order by 1);
    perform ledger.lock_all_stock(v_variant_ids);
    perform ledger.lock_low_stock_marks(v_variant_ids);
    perform from public.discount_usage u
    where u.discount_code_id in (select o.discount_code_id from public.orders o where o.id = any (p_order_ids))
    order by u.discount_code_id
    for no key update;
  end if;
end $function$;

CREATE OR REPLACE FUNCTION ledger.lock_low_stock_marks (
  p_variant_ids uuid[]
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  SET plan_cache_mode TO 'force_generic_plan'
  AS $function$
declare
  v_count integer;
begin
  perform from ledger.low_stock_marks m
  where m.variant_id = any (p_variant_ids)
  order by m.variant_id
  for no key update;
  get diagnostics v_count = row_count;
  return v_count;
end $function$;

CREATE OR REPLACE FUNCTION ledger.lock_marks_of_plan (
  p_plan ledger.stock_plan
)
  RETURNS ledger.stock_plan
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_freed_ids uuid[];
begin
  if p_plan.low_ids is not null then
    select array_agg(l.variant_id), array_agg(l.quantity) into p_plan.low_ids, p_plan.low_quantities
    from ledger.may_run_low(p_plan.low_ids, p_plan.low_quantities) l;
  end if;
  v_freed_ids := array(select w.variant_id
                       from unnest(p_plan.variant_ids, p_plan.quantities, p_plan.held) w (variant_id, quantity, held)
                       where w.held < w.quantity);
  if p_plan.low_ids is not null or p_plan.returned_ids is not null or v_freed_ids <> '{}' then
    perform ledger.lock_low_stock_marks(p_plan.low_ids || p_plan.returned_ids || v_freed_ids);
  end if;
  return p_plan;
end $function$;

CREATE OR REPLACE FUNCTION ledger.lock_one_slot (
  p_variant_id uuid,
  p_slots      smallint,
  p_units      bigint
)
  RETURNS ledger.slot_share
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  SET plan_cache_mode TO 'force_generic_plan'
  AS $function$
declare
  v_first integer := pg_backend_pid() % p_slots;
  v_share ledger.slot_share;
begin
  -- a row that became short between being seen and being locked stays locked although it is not answered
  begin
    select l.slot, l.on_hand, l.on_hand - l.held, p_units, 0 into v_share
    from public.stock_levels l
    where l.variant_id = p_variant_id and l.slot = v_first and l.on_hand - l.held >= p_units
    for no key update skip locked;
    if not found then
      select l.slot, l.on_hand, l.on_hand - l.held, p_units, 0 into v_share
      from public.stock_levels l
      where l.variant_id = p_variant_id and l.on_hand - l.held >= p_units
      order by (l.slot + p_slots - v_first) % p_slots, l.slot
      limit 1
      for no key update skip locked;
    end if;
    if v_share.slot is null then
      raise exception using errcode = 'SLOT0', message = 'no slot with enough is free';
    end if;
    return v_share;
  exception when sqlstate 'SLOT0' then
    null;
  end;

  begin
    select l.slot, l.on_hand, l.on_hand - l.held, p_units, 0 into v_share
    from public.stock_levels l
    where l.variant_id = p_variant_id and l.on_hand - l.held >= p_units
      and l.slot = (select e.slot
                    from public.stock_levels e
                    where e.variant_id = p_variant_id and e.on_hand - e.held >= p_units
                    order by (e.slot + p_slots - v_first) % p_slots, e.slot
                    limit 1)
    for no key update;
    if v_share.slot is null then
      raise exception using errcode = 'SLOT0', message = 'the slot that was waited for is short';
    end if;
    return v_share;
  exception when sqlstate 'SLOT0' then
    return null;
  end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.lock_own_slot (
  p_variant_id uuid,
  p_units      bigint,
  p_threshold  bigint
)
  RETURNS smallint[]
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  SET plan_cache_mode TO 'force_generic_plan'
  AS $function$
declare
  v_slot smallint;
  v_has_enough boolean;
begin
  -- seen without a lock in the inner query; what the lock finds is judged outside of the condition, so that a
  -- slot that was locked is always answered
  for v_try in 0..2 loop
    select l.slot, l.on_hand - l.held >= p_units and l.on_hand - p_units > p_threshold into v_slot, v_has_enough
    from public.stock_levels l
    where l.variant_id = p_variant_id
      and l.slot = (select s.slot
                    from public.variants v
                    join public.stock_levels s on s.variant_id = v.id and s.slot = (pg_backend_pid() + v_try * 23) % v.stock_slots
                    where v.id = p_variant_id and s.on_hand - s.held >= 21 * p_units and s.on_hand - 21 * p_units > p_threshold)
    for no key update skip locked;
    exit when found;
  end loop;
  if v_slot is null then
    select l.slot, l.on_hand - l.held >= p_units and l.on_hand - p_units > p_threshold into v_slot, v_has_enough
    from public.stock_levels l
    where l.variant_id = p_variant_id
      and l.slot = any (array(select s.slot
                              from public.stock_levels s
                              where s.variant_id = p_variant_id and s.on_hand - s.held >= 21 * p_units and s.on_hand - 21 * p_units > p_threshold))
    order by (l.slot - pg_backend_pid()) & 63, l.slot
    limit 1
    for no key update skip locked;
  end if;

  if v_has_enough then
    return array[v_slot];
  elsif v_slot is null or ledger.lock_slots_without_waiting(array[p_variant_id]) then
    return null;
  end if;
  return '{}'::smallint[];
end $function$;

CREATE OR REPLACE FUNCTION ledger.lock_reservation (
  p_reservation_id uuid,
  p_user_id        uuid
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_reservation public.stock_reservations;
begin
  select r.* into v_reservation
  from public.stock_reservations r
  where r.id = p_reservation_id and r.user_id = p_user_id
  for no key update;
  return ledger.refuse_reservation(v_reservation, p_reservation_id);
end $function$;

CREATE OR REPLACE FUNCTION ledger.lock_slots (
  p_variant_id     uuid,
  p_slots          smallint[],
  p_units          bigint,
  p_reserved_slots smallint[],
  p_reserved       bigint[]
)
  RETURNS ledger.slot_share[]
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  SET plan_cache_mode TO 'force_generic_plan'
  AS $function$
begin
  return (
    select array_agg(row(s.slot, s.on_hand, s.available, greatest(0, least(s.available, p_units - (s.so_far - s.available))), s.freed)::ledger.slot_share
                     order by s.slot)
    from (
      select g.*, sum(g.available) over (order by g.freed = 0, g.slot) as so_far
      from (
        select l.slot, l.on_hand, coalesce(p_reserved[array_position(p_reserved_slots, l.slot)], 0) as freed,
               l.on_hand - l.held + coalesce(p_reserved[array_position(p_reserved_slots, l.slot)], 0) as available
        from public.stock_levels l
        where l.variant_id = p_variant_id and (p_slots is null or l.slot = any (p_slots))
        order by l.slot
        for no key update) g) s);
end $function$;

CREATE OR REPLACE FUNCTION ledger.lock_slots_opened_since (
  p_variant_ids uuid[]
)
  RETURNS boolean
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return exists (select from public.variants v where v.id = any (p_variant_ids) and v.stock_slots > 1)
         and ledger.lock_slots_without_waiting(p_variant_ids);
end $function$;

CREATE OR REPLACE FUNCTION ledger.lock_slots_without_waiting (
  p_variant_ids uuid[]
)
  RETURNS boolean
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  perform from public.stock_levels s
  where s.variant_id = any (p_variant_ids)
  order by s.variant_id, s.slot
  for no key update nowait;
  return true;
exception when lock_not_available then
  return false;
end $function$;

CREATE OR REPLACE FUNCTION ledger.lock_stock_to_return (
  p_variant_ids uuid[]
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  SET plan_cache_mode TO 'force_generic_plan'
  AS $function$
declare
  v_count integer;
begin
  perform from public.stock_levels s
  where s.variant_id = any (p_variant_ids) and s.slot = 0
  order by s.variant_id
  for no key update;
  get diagnostics v_count = row_count;
  return v_count;
end $function$;

CREATE OR REPLACE FUNCTION ledger.low_stock_threshold (
  p_variant public.variants
)
  RETURNS bigint
  LANGUAGE sql
  STABLE
RETURN COALESCE((p_variant).low_stock_threshold, (SELECT ((s.value #>> '{}'::text[]))::bigint AS int8 FROM public.settings s WHERE (s.key = 'low_stock_threshold'::text)));

CREATE OR REPLACE FUNCTION ledger.may_follow (
  p_topic text
)
  RETURNS boolean
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return p_topic ~ '^order:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
    and exists (
      select from public.orders o
      where o.id = substr(p_topic, 7)::uuid and (o.user_id = auth.uid() or ledger.caller_may('orders.read')));
end $function$;

CREATE OR REPLACE FUNCTION ledger.may_run_low (
  p_variant_ids uuid[],
  p_quantities  bigint[]
)
  RETURNS TABLE (
    variant_id uuid,
    quantity   bigint
  )
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  SET plan_cache_mode TO 'force_generic_plan'
  AS $function$
begin
  return query
    select w.variant_id, w.quantity
    from unnest(p_variant_ids, p_quantities) w (variant_id, quantity)
    join public.variants v on v.id = w.variant_id
    left join ledger.low_stock_marks m on m.variant_id = w.variant_id
    cross join lateral (select sum(s.on_hand) as on_hand, ledger.low_stock_threshold(v) as threshold
                        from public.stock_levels s where s.variant_id = w.variant_id) s
    where m.variant_id is null
       or (s.on_hand + w.quantity <= s.threshold and not (m.is_low and s.on_hand <= s.threshold));
end $function$;

CREATE OR REPLACE FUNCTION ledger.moment (
  p_text text
)
  RETURNS timestamp WITH time zone
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return case when p_text ~ '^\d{4}-\d{2}-\d{2}' then p_text::timestamptz end;
exception when data_exception then
  return null;
end $function$;

CREATE OR REPLACE FUNCTION ledger.move_in_slots (
  p_variant_ids uuid[],
  p_slots       smallint[],
  p_quantities  bigint[],
  p_held        bigint[],
  p_reason      text,
  p_actor       ledger.actor,
  p_order_id    uuid         DEFAULT NULL::uuid,
  p_notes       text         DEFAULT NULL::text
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  SET plan_cache_mode TO 'force_generic_plan'
  AS $function$
declare
  v_count integer;
begin
  with moved as (
    update public.stock_levels s set
      on_hand = s.on_hand + w.quantity,
      held = s.held + coalesce(w.held, 0),
      version = s.version + case when w.quantity <> 0 then 1 else 0 end
    from unnest(p_variant_ids, p_slots, p_quantities, p_held) w (variant_id, slot, quantity, held)
    where s.variant_id = any (p_variant_ids) and s.variant_id = w.variant_id and s.slot = w.slot
    returning s.variant_id, s.slot, s.version, s.on_hand, w.quantity),
  recorded as (
    insert into public.stock_movements
      (variant_id, slot, slot_version, quantity, on_hand_after, reason, order_id, actor_id, notes)
    select m.variant_id, m.slot, m.version, m.quantity, m.on_hand, p_reason, p_order_id, p_actor.user_id, p_notes
    from moved m
    where m.quantity <> 0)
  select count(*) into v_count from moved;

  if v_count <> coalesce(cardinality(p_variant_ids), 0) then
    raise exception 'of % slots % could be moved: each is named once and has a row in stock_levels', cardinality(p_variant_ids), v_count;
  end if;
  return v_count;
end $function$;

CREATE OR REPLACE FUNCTION ledger.open_backorder (
  p_order_id   uuid,
  p_variant_id uuid
)
  RETURNS bigint
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return coalesce((select b.open_quantity from public.backorders b where b.order_id = p_order_id and b.variant_id = p_variant_id), 0);
end $function$;

CREATE OR REPLACE FUNCTION ledger.open_backorders (
  p_order_id uuid
)
  RETURNS TABLE (
    variant_id uuid,
    quantity   bigint
  )
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return query select b.variant_id, b.open_quantity from public.backorders b where b.order_id = p_order_id and b.open_quantity > 0;
end $function$;

CREATE OR REPLACE FUNCTION ledger.open_business_of (
  p_user_id       uuid,
  p_account_ids   uuid[],
  p_order_ids     uuid[],
  p_may_be_frozen boolean
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_open jsonb;
begin
  select jsonb_object_agg(b.what, b.number) into v_open
  from (
    select 'accounts with a balance' as what, count(*) as number
    from public.accounts a
    where a.user_id = p_user_id and (a.available_balance <> 0 or a.total_pending_withdrawals <> 0)
    union all
    -- why it is frozen is not for the person to make away with
    select 'frozen accounts', count(*)
    from public.accounts a
    where a.user_id = p_user_id and a.frozen_reason is not null and not p_may_be_frozen
    union all
    select 'accounts just opened', count(*) from public.accounts a where a.user_id = p_user_id and a.id <> all (p_account_ids)
    union all
    -- placed while its account was waited for: it would have to be locked before the account
    select 'orders just placed', count(*) from public.orders o where o.user_id = p_user_id and o.id <> all (p_order_ids)
    union all
    select 'open orders', count(*)
    from public.orders o
    where o.user_id = p_user_id
      and (o.status in ('pending', 'confirmed', 'processing', 'shipped') or (o.status = 'rejected' and o.paid_amount <> o.refunded_amount))
    union all
    select 'orders with something to pay', count(*)
    from public.orders o
    where o.user_id = p_user_id and o.status in ('delivered', 'cancelled', 'refunded') and o.outstanding_amount <> 0
    union all
    select 'open withdrawals', count(*)
    from public.withdrawals w
    where w.account_id = any (p_account_ids) and w.status in ('requested', 'approved')
    union all
    select 'refunds to be paid out', count(*)
    from public.refunds r
    where r.account_id = any (p_account_ids) and r.payout_status = 'pending'
    union all
    select 'open returns', count(*)
    from public.returns r
    where r.account_id = any (p_account_ids) and r.status in ('requested', 'approved')
    union all
    select 'staff roles', count(*) from public.user_roles u where u.user_id = p_user_id
    union all
    select 'vendors', count(*) from public.vendors v where v.owner_user_id = p_user_id) b
  where b.number > 0;
  return case when v_open is not null then jsonb_build_object('counts', v_open, 'open',
    (select string_agg(format('%s: %s', e.key, e.value), ', ' order by e.key) from jsonb_each_text(v_open) e)) end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.open_stock()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_outer text := coalesce(current_setting('ledger.procedure', true), '');
begin
  perform set_config('ledger.procedure', 'open_stock', true);
  insert into public.stock_levels (variant_id, slot)
  select new.id, s.slot from generate_series(0, new.stock_slots - 1) s (slot);
  perform set_config('ledger.procedure', v_outer, true);
  return null;
end $function$;

CREATE OR REPLACE FUNCTION ledger.order_figures (
  p_range    ledger.report_range,
  p_currency text
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (
    with sums as materialized (
      select (o.created_at at time zone 'UTC')::date as day, o.status, ledger.is_sale(o.status) as sold, count(*) as orders,
             sum(o.total_amount) as total, sum(o.subtotal_amount) as subtotal, sum(o.discount_amount) as discount,
             sum(o.shipping_amount) as shipping, sum(o.tax_amount) as tax, sum(o.credited_amount) as credited, sum(o.amount_due) as due
      from public.orders o
      where o.id >= p_range.first_id and o.id < p_range.last_id
        and o.created_at >= p_range.from_at and o.created_at < p_range.to_at and o.currency = p_currency
      group by 1, 2)
    select jsonb_build_object(
      'totals', (
        select jsonb_build_object(
          'orders', coalesce(sum(s.orders), 0),
          'sales', coalesce(sum(s.orders) filter (where s.sold), 0),
          'placed_amount', coalesce(sum(s.total), 0),
          'average_amount', ledger.divide_half_up(sum(s.total), sum(s.orders)),
          'subtotal_amount', coalesce(sum(s.subtotal) filter (where s.sold), 0),
          'discount_amount', coalesce(sum(s.discount) filter (where s.sold), 0),
          'shipping_amount', coalesce(sum(s.shipping) filter (where s.sold), 0),
          'tax_amount', coalesce(sum(s.tax) filter (where s.sold), 0),
          'credited_amount', coalesce(sum(s.credited) filter (where s.sold), 0),
          'revenue_amount', coalesce(sum(s.total - s.credited) filter (where s.sold), 0),
          'outstanding_amount', coalesce(sum(s.due) filter (where s.sold), 0),
          'success_rate_bp', ledger.divide_half_up(
            coalesce(sum(s.orders) filter (where s.status = 'delivered'), 0) * 10000,
            sum(s.orders) filter (where s.status in ('delivered', 'rejected', 'cancelled', 'refunded'))))
        from sums s),
      'by_status', (
        select coalesce(jsonb_agg(jsonb_build_object('status', t.status, 'orders', t.orders, 'total_amount', t.total)
                                  order by array_position(ledger.order_statuses(), t.status)), '[]')
        from (select s.status, sum(s.orders) as orders, sum(s.total) as total from sums s group by s.status) t),
      'by_day', (
        select coalesce(jsonb_agg(jsonb_build_object('day', d.day, 'orders', d.orders, 'placed_amount', d.total, 'revenue_amount', d.revenue)
                                  order by d.day), '[]')
        from (select s.day, sum(s.orders) as orders, sum(s.total) as total,
                     coalesce(sum(s.total - s.credited) filter (where s.sold), 0) as revenue
              from sums s group by s.day) d)));
end $function$;

CREATE OR REPLACE FUNCTION ledger.order_state (
  p_order public.orders,
  p_lines ledger.priced_line[]
)
  RETURNS jsonb
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return jsonb_build_object(
    'subtotal_amount', p_order.subtotal_amount, 'discount_amount', p_order.discount_amount, 'tax_amount', p_order.tax_amount,
    'total_amount', p_order.total_amount, 'payment_status', p_order.payment_status,
    'lines', (select jsonb_agg(jsonb_build_object(
                'line_number', l.line_number, 'variant_id', l.variant_id, 'quantity', l.quantity, 'unit_price_amount', l.unit_price_amount,
                'discount_amount', l.discount_amount, 'tax_amount', l.tax_amount) order by l.line_number)
              from unnest(p_lines) l));
end $function$;

CREATE OR REPLACE FUNCTION ledger.owners_of (
  p_shares ledger.vendor_share[]
)
  RETURNS uuid[]
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return coalesce((select array_agg(distinct s.owner_user_id) from unnest(p_shares) s where s.owner_user_id is not null), '{}');
end $function$;

CREATE OR REPLACE FUNCTION ledger.part_between (
  p_from ledger.order_part,
  p_to   ledger.order_part
)
  RETURNS ledger.order_part
  LANGUAGE sql
  IMMUTABLE
RETURN
  ROW(((p_to).goods_amount - (p_from).goods_amount), ((p_to).discount_amount - (p_from).discount_amount), ((p_to).tax_amount - (p_from).tax_amount), ((p_to).lines_amount -
  (p_from).lines_amount),
  ((p_to).base_amount - (p_from).base_amount),
  ((p_to).vendor_amount - (p_from).vendor_amount),
  ((p_to).shipping_amount - (p_from).shipping_amount),
  ((p_to).allowance_amount - (p_from).allowance_amount), ((p_to).allowance_tax_amount - (p_from).allowance_tax_amount))::ledger.order_part;

CREATE OR REPLACE FUNCTION ledger.part_of_lines (
  p_order        public.orders,
  p_line_numbers integer[]     DEFAULT NULL::integer[],
  p_units        bigint[]      DEFAULT NULL::bigint[]
)
  RETURNS ledger.order_part
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_part ledger.order_part;
begin
  select coalesce(sum(l.goods_amount), 0), coalesce(sum(l.discount_amount), 0), coalesce(sum(l.tax_amount), 0),
         coalesce(sum(l.total_amount), 0), coalesce(sum(l.base_amount), 0), coalesce(sum(l.vendor_amount), 0), 0, 0, 0
  into v_part
  from public.order_items i
  cross join lateral ledger.line_part(i, p_order.prices_include_tax,
    case when p_line_numbers is null then i.quantity else p_units[array_position(p_line_numbers, i.line_number)] end) l
  where i.account_id = p_order.account_id and i.order_id = p_order.id
    and (p_line_numbers is null or i.line_number = any (p_line_numbers));
  return v_part;
end $function$;

CREATE OR REPLACE FUNCTION ledger.pass_on_freed_units (
  p_variant_ids    uuid[],
  p_slots          smallint[],
  p_actor          ledger.actor,
  p_correlation_id uuid
)
  RETURNS bigint
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  SET plan_cache_mode TO 'force_generic_plan'
  AS $function$
declare
  v_stray record;
  v_before jsonb;
  v_units bigint;
  v_filled_ids uuid[];
  v_filled bigint[];
begin
  for v_stray in
    select s.variant_id, array_agg(s.slot) as slots, array_agg(s.on_hand - s.held) as quantities, sum(s.on_hand - s.held)::bigint as total
    from public.stock_levels s
    join unnest(p_variant_ids, p_slots) u (variant_id, slot) on u.variant_id = s.variant_id and u.slot = s.slot
    join public.variants v on v.id = s.variant_id
    where s.variant_id = any (p_variant_ids) and s.slot >= v.stock_slots and s.on_hand > s.held
    group by s.variant_id
  loop
    perform ledger.move_in_slots(
      array_fill(v_stray.variant_id, array[cardinality(v_stray.slots) + 1]), v_stray.slots || 0::smallint,
      array(select -q.quantity from unnest(v_stray.quantities) with ordinality q (quantity, place) order by q.place) || v_stray.total,
      null, 'slots_spread', p_actor);
  end loop;

  select jsonb_object_agg(s.variant_id, s.stock_quantity) into v_before from public.variant_stock s where s.variant_id = any (p_variant_ids);
  v_units := ledger.fill_backorders(p_variant_ids || p_variant_ids, p_slots || array_fill(0::smallint, array[cardinality(p_variant_ids)]),
                                    p_actor, p_correlation_id);
  if v_units > 0 then
    select array_agg(s.variant_id), array_agg(s.stock_quantity - (v_before ->> s.variant_id::text)::bigint) into v_filled_ids, v_filled
    from public.variant_stock s
    where s.variant_id = any (p_variant_ids) and s.stock_quantity <> (v_before ->> s.variant_id::text)::bigint;
    perform ledger.alert_low_stock(v_filled_ids, v_filled);
  end if;
  return v_units;
end $function$;

CREATE OR REPLACE FUNCTION ledger.payment_status_of (
  p_total    bigint,
  p_credited bigint,
  p_paid     bigint,
  p_refunded bigint,
  p_present  text   DEFAULT NULL::text
)
  RETURNS text
  LANGUAGE sql
  IMMUTABLE
  PARALLEL SAFE
RETURN CASE WHEN ((p_present = ANY (ARRAY['in_grace'::text, 'receipt_uploaded'::text])) AND ((p_paid - p_refunded) < (p_total - p_credited))) THEN p_present WHEN
  ((p_total = p_credited) AND (p_credited > 0) AND (p_paid > 0) AND (p_paid = p_refunded)) THEN 'refunded'::text WHEN ((p_credited > 0) AND (p_refunded > 0)) THEN
  'partially_refunded'::text WHEN ((p_paid = p_refunded) AND (p_total > 0) AND ((p_credited < p_total) OR (p_paid = 0))) THEN 'unpaid'::text WHEN
  ((p_paid - p_refunded) < (p_total - p_credited)) THEN 'partially_paid'::text WHEN ((p_paid - p_refunded) = (p_total - p_credited)) THEN 'paid'::text ELSE 'overpaid'::text END;

CREATE OR REPLACE FUNCTION ledger.personal_data()
  RETURNS SETOF ledger.personal_column
  LANGUAGE sql
  IMMUTABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  values
    ('public.profiles', 'display_name', 'id', 'null'),
    ('public.profiles', 'referral_code', 'id', 'case when erased_at is null then upper(substr(replace(gen_random_uuid()::text, ''-'', ''''), 1, 10)) else referral_code end'),
    ('public.profiles', 'erased_at', 'id', 'coalesce(erased_at, clock_timestamp())'),
    ('public.addresses', 'recipient', 'user_id', 'gone'),
    ('public.addresses', 'line1', 'user_id', 'gone'),
    ('public.addresses', 'line2', 'user_id', 'gone'),
    ('public.addresses', 'city', 'user_id', 'gone'),
    ('public.addresses', 'region', 'user_id', 'gone'),
    ('public.addresses', 'postal_code', 'user_id', 'gone'),
    ('public.addresses', 'country', 'user_id', 'gone'),
    ('public.addresses', 'phone', 'user_id', 'gone'),
    ('public.order_drafts', 'notes', 'user_id', 'gone'),
    ('public.accounts', 'frozen_reason', 'user_id', '''erased'''),
    ('public.orders', 'shipping_address', 'user_id', 'ledger.place_of_supply(shipping_address)'),
    ('public.orders', 'billing_address', 'user_id', 'ledger.place_of_supply(billing_address)'),
    ('public.orders', 'notes', 'user_id', 'null'),
    ('public.orders', 'metadata', 'user_id', '''{}'''),
    ('public.transactions', 'actor_action', 'account_id', '''erased'''),
    ('public.transactions', 'metadata', 'account_id', '''{}'''),
    ('public.event_texts', 'texts', 'account_id', 'gone'),
    ('public.withdrawals', 'destination', 'account_id', '''{}'''),
    ('public.withdrawals', 'notes', 'account_id', 'null'),
    ('public.withdrawals', 'review_notes', 'account_id', 'null'),
    ('public.withdrawals', 'bank_reference', 'account_id', null),
    ('public.payments', 'notes', 'account_id', 'null'),
    ('public.payments', 'void_reason', 'account_id', 'null'),
    ('public.payments', 'reference', 'account_id', null),
    ('public.refunds', 'reason', 'account_id', 'null'),
    ('public.refunds', 'payout_reference', 'account_id', null),
    ('public.shipments', 'carrier', 'account_id', null),
    ('public.shipments', 'tracking_number', 'account_id', 'null'),
    ('public.shipments', 'metadata', 'account_id', '''{}'''),
    ('public.returns', 'reason', 'account_id', 'null'),
    ('public.returns', 'review_notes', 'account_id', 'null'),
    ('public.return_lines', 'reason', 'account_id', 'null');
$function$;

CREATE OR REPLACE FUNCTION ledger.place_of_supply (
  p_address jsonb
)
  RETURNS jsonb
  LANGUAGE sql
  IMMUTABLE
RETURN CASE WHEN (p_address IS
  NOT NULL) THEN jsonb_strip_nulls(jsonb_build_object('country', (p_address -> 'country'::text), 'region', (p_address -> 'region'::text))) ELSE NULL::jsonb END;

CREATE OR REPLACE FUNCTION ledger.plan_stock (
  p_variant_ids    uuid[],
  p_quantities     bigint[],
  p_reservation_id uuid     DEFAULT NULL::uuid
)
  RETURNS ledger.stock_plan
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_plan ledger.stock_plan;
  v_want record;
  v_shares ledger.slot_share[];
  v_share ledger.slot_share;
  v_taken bigint;
  v_shortages jsonb := '[]'::jsonb;
begin
  for v_want in
    select v.id, -coalesce(w.quantity, 0) as units, v.stock_slots, v.backorder_allowed, ledger.low_stock_threshold(v) as threshold,
           r.slots as reserved_slots, r.quantities as reserved, coalesce(r.total, 0) as reserved_total
    from unnest(p_variant_ids, p_quantities) w (variant_id, quantity)
    full join (select l.variant_id, array_agg(l.slot) as slots, array_agg(l.quantity) as quantities, sum(l.quantity) as total
               from public.stock_reservation_lines l
               where l.reservation_id = p_reservation_id
               group by l.variant_id) r on r.variant_id = w.variant_id
    join public.variants v on v.id = coalesce(w.variant_id, r.variant_id)
    order by v.id
  loop
    if v_want.units < 0 then
      perform ledger.lock_stock_to_return(array[v_want.id]);
      v_plan.returned_ids := v_plan.returned_ids || v_want.id;
      v_plan.returned := v_plan.returned || -v_want.units;
      continue;
    end if;

    -- one slot that has all of it; else all of them, unless even together they had too little when it was asked.
    -- What a reservation does not use is freed, for which slot 0 is locked too
    v_shares := null;
    if v_want.stock_slots > 1 and v_want.reserved_slots is null then
      v_share := ledger.lock_one_slot(v_want.id, v_want.stock_slots, v_want.units);
      if v_share.slot is not null then
        v_shares := array[v_share];
      elsif not v_want.backorder_allowed then
        v_taken := (select sum(l.on_hand - l.held) from public.stock_levels l where l.variant_id = v_want.id);
        if v_taken < v_want.units then
          v_shortages := v_shortages || jsonb_build_object('variant_id', v_want.id, 'available', v_taken, 'requested', v_want.units);
          continue;
        end if;
      end if;
    end if;
    v_shares := coalesce(v_shares, ledger.lock_slots(v_want.id,
      case when v_want.units <= v_want.reserved_total then v_want.reserved_slots || 0::smallint end,
      v_want.units, v_want.reserved_slots, v_want.reserved));
    -- short: once more, for slots that were opened while the first statement waited
    if (select sum(s.taken) from unnest(v_shares) s) < v_want.units then
      v_shares := ledger.lock_slots(v_want.id, null, v_want.units, v_want.reserved_slots, v_want.reserved);
    end if;

    v_taken := 0;
    foreach v_share in array v_shares loop
      v_taken := v_taken + v_share.taken;
      if v_share.taken > 0 or v_share.freed > 0 then
        v_plan.variant_ids := v_plan.variant_ids || v_want.id;
        v_plan.slots := v_plan.slots || v_share.slot;
        v_plan.quantities := v_plan.quantities || -v_share.taken;
        v_plan.held := v_plan.held || -v_share.freed;
      end if;
    end loop;
    -- the sum is low only where each slot is: the last one tells when there is no need to ask
    if v_taken > 0 and v_share.on_hand - v_share.taken <= v_want.threshold then
      v_plan.low_ids := v_plan.low_ids || v_want.id;
      v_plan.low_quantities := v_plan.low_quantities || -v_taken;
    end if;
    if v_taken < v_want.units and v_want.backorder_allowed then
      v_plan.backordered_ids := v_plan.backordered_ids || v_want.id;
      v_plan.backordered := v_plan.backordered || v_want.units - v_taken;
    elsif v_taken < v_want.units then
      v_shortages := v_shortages || jsonb_build_object('variant_id', v_want.id, 'available', v_taken, 'requested', v_want.units);
    end if;
  end loop;

  if v_shortages <> '[]' then
    v_plan.refusal := ledger.refuse_shortages((
      select jsonb_agg(s.shortage order by array_position(p_variant_ids, (s.shortage ->> 'variant_id')::uuid))
      from jsonb_array_elements(v_shortages) s (shortage)));
  else
    v_plan := ledger.lock_marks_of_plan(v_plan);
  end if;
  return v_plan;
end $function$;

CREATE OR REPLACE FUNCTION ledger.price_edit (
  p_order    public.orders,
  p_changes  ledger.order_changes,
  p_settings jsonb
)
  RETURNS ledger.edited_order
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_edit ledger.edited_order := ledger.edited_lines(p_order, p_changes, p_settings);
  v_max_amount bigint := 9007199254740991;
  v_subtotal numeric;
  v_tax numeric;
  v_total numeric;
  v_code public.discount_codes;
begin
  if v_edit.refusal is not null then
    return v_edit;
  end if;
  v_subtotal := (select sum(l.total_price_amount) from unnest(v_edit.lines) l);
  if v_subtotal > v_max_amount then
    v_edit.refusal := ledger.refuse('amount_too_large', jsonb_build_object('maximum', v_max_amount));
    return v_edit;
  end if;
  v_edit.subtotal_amount := v_subtotal;

  -- discount
  select c.* into v_code from public.discount_codes c where c.id = p_order.discount_code_id;
  v_edit.keeps_discount := v_code.id is not null and v_subtotal >= v_code.minimum_subtotal_amount
                           and coalesce(v_code.currency = p_order.currency, true);
  v_edit.discount_amount := case
    when not v_edit.keeps_discount then 0
    when v_code.kind = 'percent' then ledger.divide_half_up(v_subtotal * v_code.percent_bp, 10000)
    else least(v_code.fixed_amount, v_edit.subtotal_amount) end;

  -- its shares, tax, total
  v_edit.lines := ledger.share_discount(v_edit.lines, v_edit.discount_amount, greatest(v_edit.subtotal_amount, 1), p_order.prices_include_tax);
  v_tax := (select sum(l.tax_amount) from unnest(v_edit.lines) l);
  v_total := v_subtotal - v_edit.discount_amount + p_order.shipping_amount + case when p_order.prices_include_tax then 0 else v_tax end;
  if v_total > v_max_amount then
    v_edit.refusal := ledger.refuse('amount_too_large', jsonb_build_object('maximum', v_max_amount));
    return v_edit;
  end if;
  v_edit.tax_amount := v_tax;
  v_edit.total_amount := v_total;

  -- what moves: lines of the same variant together
  select array_agg(w.variant_id order by w.line_number), array_agg(w.quantity order by w.line_number)
  into v_edit.variant_ids, v_edit.quantities
  from (select m.variant_id, sum(m.quantity)::bigint as quantity, min(m.line_number) as line_number
        from (select b.variant_id, b.quantity, b.line_number from unnest(v_edit.lines_before) b
              union all
              select a.variant_id, -a.quantity, a.line_number from unnest(v_edit.lines) a) m
        group by m.variant_id
        having sum(m.quantity) <> 0) w;
  v_edit.changes := (
    select coalesce(jsonb_agg(jsonb_build_object(
             'line_number', coalesce(b.line_number, a.line_number), 'variant_id', coalesce(b.variant_id, a.variant_id),
             'product_sku', coalesce(b.product_sku, a.product_sku), 'old_quantity', coalesce(b.quantity, 0),
             'new_quantity', coalesce(a.quantity, 0), 'unit_price_amount', coalesce(b.unit_price_amount, a.unit_price_amount))
             order by coalesce(b.line_number, a.line_number)), '[]')
    from unnest(v_edit.lines_before) b
    full join unnest(v_edit.lines) a on a.line_number = b.line_number
    where b.quantity is distinct from a.quantity);
  return v_edit;
end $function$;

CREATE OR REPLACE FUNCTION ledger.price_order (
  p_user_id         uuid,
  p_items           jsonb,
  p_shipping_method text,
  p_discount_code   text,
  p_settings        jsonb
)
  RETURNS ledger.order_pricing
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  SET plan_cache_mode TO 'force_generic_plan'
  AS $function$
declare
  v_max_quantity integer := (p_settings ->> 'max_line_quantity')::integer;
  v_includes_tax boolean := (p_settings ->> 'prices_include_tax')::boolean;
  v_refusal jsonb;
  v_currency text;
  v_last_currency text;
  v_asked_ids uuid[];
  v_asked_quantities bigint[];
  v_lines ledger.priced_line[];
  v_items jsonb;
  v_variant_ids uuid[];
  v_quantities bigint[];
  v_thresholds bigint[];
  v_stock_is_plain boolean;
  v_each_once boolean;
  v_found integer;
  v_code public.discount_codes;
  v_subtotal numeric;
  v_discount bigint := 0;
  v_shipping bigint := 0;
  v_tax numeric;
  v_total numeric;
begin
  v_refusal := ledger.refuse_item_list(p_items, p_settings);

  -- what is asked: null where a line has no proper id or quantity
  if v_refusal is null then
    select array_agg(case when i.item ->> 'variant_id' ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then (i.item ->> 'variant_id')::uuid end),
           array_agg(case when jsonb_typeof(i.item -> 'quantity') = 'number' then
                       case when (i.item -> 'quantity')::numeric between 1 and v_max_quantity
                             and (i.item -> 'quantity')::numeric = trunc((i.item -> 'quantity')::numeric) then (i.item -> 'quantity')::bigint end end)
    into v_asked_ids, v_asked_quantities
    from jsonb_array_elements(p_items) i (item);

    -- catalogue; amounts that are too large are null, and no tax is more than its line
    select array_agg(row(c.line, c.id, c.vendor_id, c.product_name, c.sku, c.name, c.quantity, c.price_amount, c.gross, 0, c.tax_rate_bp,
                         c.tax, c.platform_rate_bp)::ledger.priced_line order by c.line),
           jsonb_agg(jsonb_build_object('variant_id', c.id, 'quantity', c.quantity, 'unit_price_amount', c.price_amount) order by c.line),
           array_agg(c.id), array_agg(-c.quantity), array_agg(c.threshold), bool_and(c.stock_is_plain), bool_and(array_position(v_asked_ids, c.id) = c.line),
           count(*), min(c.currency), max(c.currency), case when count(c.gross) = count(*) then sum(c.gross) end, sum(c.tax)
    into v_lines, v_items, v_variant_ids, v_quantities, v_thresholds, v_stock_is_plain, v_each_once,
         v_found, v_currency, v_last_currency, v_subtotal, v_tax
    from (
      select g.*, ledger.line_tax(g.gross, g.tax_rate_bp, v_includes_tax) as tax
      from (
        select w.line, w.quantity, v.id, v.sku, v.name, v.price_amount, v.currency, p.vendor_id, d.platform_rate_bp, p.name as product_name,
               coalesce(p.tax_rate_bp, (p_settings ->> 'tax_rate_bp')::integer) as tax_rate_bp,
               coalesce(v.low_stock_threshold, (p_settings ->> 'low_stock_threshold')::bigint) as threshold,
               case when v.price_amount <= 9007199254740991 / w.quantity then v.price_amount * w.quantity end as gross,
               v.stock_slots = 1 and not v.backorder_allowed as stock_is_plain
        from unnest(v_asked_ids, v_asked_quantities) with ordinality w (variant_id, quantity, line)
        join public.variants v on v.id = w.variant_id
        join public.products p on p.id = v.product_id
        left join public.vendors d on d.id = p.vendor_id
        where v.id = any (v_asked_ids) and v.is_active and p.is_active and w.quantity is not null) g
      offset 0) c;
    if v_found < cardinality(v_asked_ids) or v_last_currency <> v_currency or v_subtotal is null or v_subtotal > 9007199254740991 then
      v_refusal := case
        when v_found < cardinality(v_asked_ids) then coalesce(
          ledger.refuse_lines(p_items, p_settings), ledger.refuse('invalid_items', jsonb_build_object('line', 0, 'problem', 'cannot be priced')))
        when v_last_currency <> v_currency then ledger.refuse_currencies(v_lines)
        else ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991)) end;
    elsif not v_each_once then
      select array_agg(w.variant_id), array_agg(w.quantity), array_agg(w.threshold)
      into v_variant_ids, v_quantities, v_thresholds
      from (select s.variant_id, sum(s.quantity)::bigint as quantity, min(s.threshold) as threshold
            from unnest(v_variant_ids, v_quantities, v_thresholds) s (variant_id, quantity, threshold)
            group by s.variant_id) w;
    end if;
  end if;

  -- discount
  if p_discount_code is not null and v_refusal is null then
    select c.* into v_code from public.discount_codes c where c.code = upper(trim(p_discount_code));
    v_refusal := ledger.refuse_discount(v_code, upper(trim(p_discount_code)), v_currency, v_subtotal::bigint,
                                        ledger.account_id(p_user_id, v_currency));
    v_discount := case v_code.kind when 'percent' then ledger.divide_half_up(v_subtotal * v_code.percent_bp, 10000)
                                   else least(v_code.fixed_amount, v_subtotal) end;
    if v_refusal is null and v_discount > 0 then
      v_lines := ledger.share_discount(v_lines, v_discount, v_subtotal::bigint, v_includes_tax);
      v_tax := (select sum(l.tax_amount) from unnest(v_lines) l);
    end if;
  end if;

  -- shipping
  if p_shipping_method is not null and v_refusal is null then
    select s.price_amount into v_shipping
    from public.shipping_methods s
    where s.code = p_shipping_method and s.currency = v_currency and s.is_active;
    if not found then
      v_refusal := ledger.refuse('shipping_method_unavailable', jsonb_build_object(
        'shipping_method', p_shipping_method, 'currency', v_currency,
        'available', coalesce((select string_agg(s.code, ', ' order by s.code) from public.shipping_methods s
                               where s.currency = v_currency and s.is_active), 'none')));
    end if;
  end if;

  -- total
  v_total := v_subtotal - v_discount + v_shipping + case when v_includes_tax then 0 else v_tax end;
  if v_total > 9007199254740991 then
    v_refusal := coalesce(v_refusal, ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991)));
  end if;
  if v_refusal is not null then
    return row(v_refusal, null, null, null, null, null, null, null, null, null, null, null, null, null, null)::ledger.order_pricing;
  end if;
  return row(null, v_currency, v_includes_tax, v_subtotal, v_discount, v_shipping, v_tax, v_total, v_code.id,
             v_lines, v_variant_ids, v_quantities, v_thresholds, v_items, v_stock_is_plain)::ledger.order_pricing;
end $function$;

CREATE OR REPLACE FUNCTION ledger.processing_figures (
  p_range    ledger.report_range,
  p_currency text
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (
    select jsonb_build_object(
      'placed_to_shipped', ledger.duration_figures(array_agg(extract(epoch from t.shipped_at - t.placed_at)::bigint)),
      'shipped_to_delivered', ledger.duration_figures(array_agg(extract(epoch from t.delivered_at - t.shipped_at)::bigint)),
      'placed_to_delivered', ledger.duration_figures(array_agg(extract(epoch from t.delivered_at - t.placed_at)::bigint)))
    from (
      select o.created_at as placed_at,
             min(e.occurred_at) filter (where e.payload ->> 'to_status' = 'shipped') as shipped_at,
             min(e.occurred_at) filter (where e.payload ->> 'to_status' = 'delivered') as delivered_at
      from public.orders o
      join public.immutable_events e on e.stream_id = o.id
      where o.id >= p_range.first_id and o.id < p_range.last_id
        and o.created_at >= p_range.from_at and o.created_at < p_range.to_at and o.currency = p_currency
        and o.status in ('shipped', 'delivered', 'cancelled', 'refunded')
        -- months before the range have no events of its orders
        and e.occurred_at >= p_range.from_at - interval '1 hour' and e.event_type = 'order.status_changed'
      group by o.id, o.created_at) t);
end $function$;

CREATE OR REPLACE FUNCTION ledger.purge_bulk_changes()
  RETURNS bigint
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_count bigint;
begin
  perform set_config('ledger.procedure', 'purge_bulk_changes', true);
  delete from public.bulk_changes b
  where b.waiting_orders = 0
    and b.updated_at < clock_timestamp() - make_interval(days => greatest(
      ledger.setting_text('bulk_change_retention_days')::integer, ledger.setting_text('idempotency_retention_days')::integer));
  get diagnostics v_count = row_count;
  perform set_config('ledger.procedure', '', true);
  return v_count;
end $function$;

CREATE OR REPLACE FUNCTION ledger.purge_order_drafts()
  RETURNS bigint
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_count bigint;
begin
  perform set_config('ledger.procedure', 'purge_order_drafts', true);
  delete from public.order_drafts d
  where d.id in (
    select o.id
    from public.order_drafts o
    where o.updated_at < clock_timestamp() - make_interval(days => ledger.setting_text('draft_retention_days')::integer)
    for update skip locked); -- one that is being placed is in use
  get diagnostics v_count = row_count;
  perform set_config('ledger.procedure', '', true);
  return v_count;
end $function$;

CREATE OR REPLACE FUNCTION ledger.raise_order_version()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  if new.version = old.version
     and (new.notes, new.metadata, new.shipping_address, new.billing_address)
         is distinct from (old.notes, old.metadata, old.shipping_address, old.billing_address) then
    new.version := old.version + 1;
    new.updated_at := clock_timestamp();
  end if;
  return new;
end $function$;

CREATE OR REPLACE FUNCTION ledger.range_of_report (
  p_from timestamp with time zone,
  p_to   timestamp with time zone
)
  RETURNS ledger.report_range
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_range ledger.report_range;
begin
  v_range.refusal := case
    when not isfinite(p_from) or not isfinite(p_to) or extract(year from p_from) not between 1970 and 9999
      or extract(year from p_to) not between 1970 and 9999 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_from, p_to', 'problem', 'moments from 1970 to 9999'))
  end;
  if v_range.refusal is not null then
    return v_range;
  end if;
  v_range.to_at := coalesce(p_to, clock_timestamp());
  v_range.from_at := coalesce(p_from, v_range.to_at - interval '30 days');
  if v_range.from_at >= v_range.to_at or v_range.to_at - v_range.from_at > interval '366 days' then
    v_range.refusal := ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_from, p_to',
      'problem', 'p_from is before p_to, and at most 366 days'));
  end if;
  v_range.first_id := ledger.first_id_at(v_range.from_at, '-1 hour');
  v_range.last_id := ledger.first_id_at(v_range.to_at, '1 hour');
  return v_range;
end $function$;

CREATE OR REPLACE FUNCTION ledger.rate_limit_take (
  p_user_id   uuid,
  p_procedure text
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_limit public.rate_limits;
  v_tokens numeric;
begin
  select l.* into v_limit
  from public.rate_limits l
  where l.procedure = p_procedure
    and not exists (select from public.user_roles u where u.user_id = p_user_id and u.role <> 'vendor');
  if not found then
    return null;
  end if;
  insert into ledger.rate_limit_buckets as b (user_id, procedure, tokens, refilled_at)
  values (p_user_id, p_procedure, v_limit.capacity - 1, clock_timestamp())
  on conflict (user_id, procedure) do update set
    tokens = least(v_limit.capacity,
                   b.tokens + greatest(0, extract(epoch from excluded.refilled_at - b.refilled_at)) * v_limit.refill_per_second) - 1,
    refilled_at = excluded.refilled_at
  where least(v_limit.capacity,
              b.tokens + greatest(0, extract(epoch from excluded.refilled_at - b.refilled_at)) * v_limit.refill_per_second) >= 1
  returning b.tokens into v_tokens;
  -- only who asks by HTTP can read it
  if coalesce(current_setting('request.headers', true), '') <> '' then
    perform ledger.tell_rate_limit(v_limit, coalesce(v_tokens, 0));
  end if;
  if v_tokens is not null then
    return null;
  end if;
  return ledger.refuse('rate_limited', jsonb_build_object(
    'procedure', p_procedure,
    'retry_after_seconds', greatest(1, ceil(1 / v_limit.refill_per_second))));
end $function$;

CREATE OR REPLACE FUNCTION ledger.read_changes (
  p_changes  jsonb,
  p_settings jsonb
)
  RETURNS ledger.order_changes
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_changes ledger.order_changes;
begin
  v_changes.refusal := ledger.refuse_changes(p_changes, p_settings);
  if v_changes.refusal is not null then
    return v_changes;
  end if;
  select array_agg(trunc((e.change ->> 'line_number')::numeric)::integer) filter (where e.change ? 'line_number'),
         array_agg(trunc((e.change ->> 'quantity')::numeric)::bigint) filter (where e.change ? 'line_number'),
         jsonb_agg(e.change order by e.place) filter (where e.change ? 'variant_id')
  into v_changes.line_numbers, v_changes.quantities, v_changes.added_items
  from jsonb_array_elements(p_changes) with ordinality e (change, place);
  return v_changes;
end $function$;

CREATE OR REPLACE FUNCTION ledger.receive_return (
  p_order          public.orders,
  p_return_id      uuid,
  p_lines          jsonb,
  p_refund         boolean,
  p_to             text,
  p_notes          text,
  p_actor          ledger.actor,
  p_correlation_id uuid
)
  RETURNS ledger.order_change
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_arriving ledger.arriving_line[];
  v_change ledger.order_change;
  v_variant_ids uuid[];
  v_quantities bigint[];
begin
  v_arriving := array(select a from ledger.arriving_lines(p_order, p_return_id, p_lines) a);
  v_change.order_status := p_order.status;
  v_change.payment_status := p_order.payment_status;

  -- money
  if p_refund then
    v_change := ledger.take_back(
      p_order, (select jsonb_agg(jsonb_build_object('line_number', a.line_number, 'quantity', a.restocked_quantity + a.written_off_quantity))
                from unnest(v_arriving) a),
      0, 0, p_to, p_actor, coalesce(p_notes, 'returned goods arrived'), p_correlation_id, p_return_id => p_return_id);
    if v_change.refusal is not null then
      return v_change;
    end if;
  end if;

  -- goods
  select array_agg(g.variant_id order by g.variant_id), array_agg(g.quantity order by g.variant_id)
  into v_variant_ids, v_quantities
  from (select a.variant_id, sum(a.restocked_quantity)::bigint as quantity
        from unnest(v_arriving) a
        where a.restocked_quantity > 0
        group by a.variant_id) g;
  if v_variant_ids is not null then
    perform ledger.lock_stock_to_return(v_variant_ids);
    perform ledger.restock(v_variant_ids, v_quantities, 'return_restocked', p_actor, p_order.id, p_correlation_id);
  end if;
  update public.return_lines l set
    restocked_quantity = l.restocked_quantity + a.restocked_quantity,
    written_off_quantity = l.written_off_quantity + a.written_off_quantity,
    refunded_quantity = l.refunded_quantity
      + case when p_refund then a.restocked_quantity + a.written_off_quantity else a.refunded_before_quantity end
  from unnest(v_arriving) a
  where l.account_id = p_order.account_id and l.return_id = p_return_id and l.line_number = a.line_number;
  return v_change;
end $function$;

CREATE OR REPLACE FUNCTION ledger.received_units (
  p_order_id uuid
)
  RETURNS TABLE (
    line_number         integer,
    received_quantity   bigint,
    unrefunded_quantity bigint
  )
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return query
    select l.line_number, sum(l.received_quantity)::bigint, sum(l.received_quantity - l.refunded_quantity)::bigint
    from public.return_lines l
    where l.order_id = p_order_id
    group by l.line_number;
end $function$;

CREATE OR REPLACE FUNCTION ledger.recognition_legs (
  p_part ledger.order_part
)
  RETURNS ledger.posting_leg[]
  LANGUAGE sql
  IMMUTABLE
RETURN ARRAY[ROW('order_escrow'::text, 'revenue'::text, ((p_part).base_amount - (p_part).vendor_amount))::ledger.posting_leg,
  ROW('order_escrow'::text, 'vendor_payable'::text, (p_part).vendor_amount)::ledger.posting_leg,
  ROW('order_escrow'::text, 'tax_payable'::text, ((p_part).tax_amount + (p_part).allowance_tax_amount))::ledger.posting_leg,
  ROW('order_escrow'::text, 'shipping_income'::text, (p_part).shipping_amount)::ledger.posting_leg,
  ROW('order_escrow'::text, 'discounts'::text, ((p_part).allowance_amount - (p_part).allowance_tax_amount))::ledger.posting_leg,
  ROW('discounts'::text, 'revenue'::text, (p_part).discount_amount)::ledger.posting_leg];

CREATE OR REPLACE FUNCTION ledger.record_operation (
  p_event_type     text,
  p_stream_type    text,
  p_stream_id      uuid,
  p_account_id     uuid,
  p_payload        jsonb,
  p_actor          ledger.actor,
  p_correlation_id uuid,
  p_causation_id   uuid         DEFAULT NULL::uuid
)
  RETURNS bigint
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_headers jsonb := ledger.request_headers();
  v_event_id bigint := nextval('ledger.event_id_seq');
  v_now timestamptz;
begin
  insert into public.immutable_events as e
    (id, event_type, stream_type, stream_id, account_id, payload, actor_id, correlation_id, causation_id)
  values
    (v_event_id, p_event_type, p_stream_type, p_stream_id, p_account_id,
     ledger.event_payload(v_event_id, p_account_id, p_stream_type, p_payload), p_actor.user_id, p_correlation_id, p_causation_id)
  returning e.occurred_at into v_now;

  insert into public.audit_log
    (occurred_at, action, target_type, target_id, account_id, actor_id, actor_role, ip_address, user_agent, correlation_id)
  values
    (v_now, p_event_type, p_stream_type, p_stream_id::text, p_account_id, p_actor.user_id,
     ledger.role_of_call(), ledger.client_address(v_headers), v_headers ->> 'user-agent', p_correlation_id);

  insert into ledger.outbox (account_id, type, event_id, created_at, next_retry_at)
  values (p_account_id, p_event_type, v_event_id, v_now, v_now);
  return v_event_id;
end $function$;

CREATE OR REPLACE FUNCTION ledger.record_return (
  p_event_type     text,
  p_order          public.orders,
  p_return_id      uuid,
  p_actor          ledger.actor,
  p_correlation_id uuid,
  p_details        jsonb         DEFAULT '{}'::jsonb
)
  RETURNS bigint
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return ledger.record_operation(p_event_type, 'order', p_order.id, p_order.account_id,
    jsonb_build_object(
      'order_number', p_order.order_number, 'user_id', p_order.user_id, 'return_id', p_return_id,
      'status', (select r.status from public.returns r where r.account_id = p_order.account_id and r.id = p_return_id),
      'lines', (select jsonb_agg(jsonb_build_object('line_number', l.line_number, 'quantity', l.quantity,
                         'approved_quantity', l.approved_quantity, 'restocked_quantity', l.restocked_quantity,
                         'written_off_quantity', l.written_off_quantity, 'refunded_quantity', l.refunded_quantity)
                         order by l.line_number)
                from public.return_lines l
                where l.account_id = p_order.account_id and l.return_id = p_return_id)) || p_details,
    p_actor, p_correlation_id);
end $function$;

CREATE OR REPLACE FUNCTION ledger.refund_facts (
  p_order     public.orders,
  p_change    ledger.order_change,
  p_taken     ledger.taken_line[],
  p_return_id uuid,
  p_to        text
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return jsonb_build_object(
    'order_number', p_order.order_number, 'user_id', p_order.user_id, 'currency', p_order.currency,
    'from_status', p_order.status, 'to_status', p_change.order_status, 'payment_status', p_change.payment_status,
    'refund_id', p_change.refund_id, 'return_id', p_return_id, 'credited_amount', p_change.credited_amount,
    'returned_amount', p_change.returned_amount, 'wallet_amount', p_change.wallet_amount, 'credit_amount', p_change.credit_amount,
    'payout_amount', p_change.payout_amount, 'destination', p_to, 'outstanding_amount', p_change.outstanding_amount,
    'restocked', exists (select from unnest(p_taken) t where t.restocked_quantity > 0),
    'lines', (select coalesce(jsonb_agg(jsonb_build_object('line_number', t.line_number, 'quantity', t.quantity,
                               'unshipped_quantity', t.unshipped_quantity, 'restocked_quantity', t.restocked_quantity, 'total_amount', t.total_amount) order by t.line_number), '[]')
              from unnest(p_taken) t));
end $function$;

CREATE OR REPLACE FUNCTION ledger.refund_figures (
  p_range    ledger.report_range,
  p_currency text
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (
    select jsonb_build_object(
      'refunds', count(*),
      'orders', count(distinct r.order_id),
      'credited_amount', coalesce(sum(r.credited_amount), 0),
      'returned_amount', coalesce(sum(r.wallet_amount + r.credit_amount + case r.payout_status when 'withdrawn' then 0 else r.payout_amount end), 0),
      'wallet_amount', coalesce(sum(r.wallet_amount), 0),
      'credit_amount', coalesce(sum(r.credit_amount), 0),
      'payout_amount', coalesce(sum(r.payout_amount) filter (where r.payout_status <> 'withdrawn'), 0),
      'pending_payout_amount', coalesce(sum(r.payout_amount) filter (where r.payout_status = 'pending'), 0))
    from public.refunds r
    where r.id >= p_range.first_id and r.id < p_range.last_id
      and r.created_at >= p_range.from_at and r.created_at < p_range.to_at and r.currency = p_currency);
end $function$;

CREATE OR REPLACE FUNCTION ledger.refunded_units (
  p_order_id uuid
)
  RETURNS TABLE (
    line_number        integer,
    quantity           bigint,
    unshipped_quantity bigint,
    restocked_quantity bigint
  )
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return query
    select l.line_number, sum(l.quantity)::bigint, sum(l.unshipped_quantity)::bigint,
           sum(least(l.restocked_quantity, l.quantity - l.unshipped_quantity))::bigint
    from public.refund_lines l
    where l.order_id = p_order_id
    group by l.line_number;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_approval (
  p_order     public.orders,
  p_return_id uuid,
  p_lines     jsonb
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_answer jsonb;
begin
  if p_lines is null then
    return null;
  end if;
  v_answer := ledger.refuse_line_list(p_lines, '{quantity}');
  if v_answer is null then
    v_answer := ledger.refuse_unknown_line(p_order, p_lines);
  end if;
  if v_answer is null then
    v_answer := (
      select ledger.refuse('units_not_returnable', jsonb_build_object('line', i.line_number,
        'name', ledger.item_name(i.product_name, i.variant_name), 'returnable', coalesce(l.quantity, 0), 'requested', e.line -> 'quantity'))
      from jsonb_array_elements(p_lines) e (line)
      join public.order_items i on i.account_id = p_order.account_id and i.order_id = p_order.id
        and i.line_number = (e.line ->> 'line_number')::numeric
      left join public.return_lines l on l.account_id = p_order.account_id and l.return_id = p_return_id and l.line_number = i.line_number
      where (e.line ->> 'quantity')::numeric > coalesce(l.quantity, 0)
      order by i.line_number
      limit 1);
  end if;
  return v_answer;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_arrival (
  p_order     public.orders,
  p_return_id uuid,
  p_lines     jsonb
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_answer jsonb;
  v_line ledger.arriving_line;
begin
  if p_lines is not null then
    v_answer := ledger.refuse_line_list(p_lines, '{received,restock,write_off}');
    if v_answer is null then
      v_answer := ledger.refuse_unknown_line(p_order, p_lines);
    end if;
    if v_answer is null and exists (
      select from jsonb_array_elements(p_lines) e (line)
      where e.line ? 'received' and (e.line ? 'restock' or e.line ? 'write_off')
        and (e.line ->> 'received')::numeric
            <> coalesce((e.line ->> 'restock')::numeric, 0) + coalesce((e.line ->> 'write_off')::numeric, 0)) then
      v_answer := ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_lines', 'problem', 'received is restock + write_off'));
    end if;
    if v_answer is not null then
      return v_answer;
    end if;
  end if;
  select a.* into v_line
  from ledger.arriving_lines(p_order, p_return_id, p_lines) a
  where a.restocked_quantity + a.written_off_quantity > a.receivable_quantity
  limit 1;
  if found then
    return ledger.refuse('units_not_returnable', jsonb_build_object('line', v_line.line_number, 'name', v_line.name,
      'returnable', v_line.receivable_quantity, 'requested', v_line.restocked_quantity + v_line.written_off_quantity));
  end if;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_change_of_transaction()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  if tg_op = 'UPDATE' and current_setting('ledger.procedure', true) = 'profile_erase'
     and to_jsonb(new) - '{actor_action,metadata}'::text[] = to_jsonb(old) - '{actor_action,metadata}'::text[] then
    return new;
  end if;
  raise exception using
    errcode = 'insufficient_privilege',
    message = format('%s on %I is refused: its rows are never changed or removed', lower(tg_op), tg_table_name),
    hint = 'Correct a record with a new one that reverses it, through the procedure for it.';
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_changes (
  p_changes  jsonb,
  p_settings jsonb
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_max_lines integer := (p_settings ->> 'max_order_lines')::integer;
  v_max_quantity bigint := (p_settings ->> 'max_line_quantity')::bigint;
  v_bad record;
begin
  if jsonb_typeof(p_changes) is distinct from 'array' or jsonb_array_length(p_changes) not between 1 and v_max_lines then
    return ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_changes', 'problem',
      format('a JSON array of 1 to %s changes such as [{"line_number": 1, "quantity": 2}, {"variant_id": "...", "quantity": 1}]', v_max_lines)));
  end if;

  select c.place, c.change, c.problem into v_bad
  from (
    select e.place, e.change, case
      when jsonb_typeof(e.change) <> 'object' then 'must be an object'
      when (e.change ? 'line_number') = (e.change ? 'variant_id') then 'names either a line_number or a variant_id'
      when e.change ? 'variant_id' then null -- read like the items of a new order
      when not ledger.is_whole_number(e.change -> 'line_number', 1, 2147483647) then 'line_number is no line''s number'
      when not ledger.is_whole_number(e.change -> 'quantity', 0, v_max_quantity) then 'quantity'
      when count(*) filter (where e.change ? 'line_number') over (partition by e.change -> 'line_number') > 1 then
        format('line %s is named twice', e.change -> 'line_number')
    end as problem
    from jsonb_array_elements(p_changes) with ordinality e (change, place)) c
  where c.problem is not null
  order by c.place
  limit 1;
  return case
    when not found then null
    when v_bad.problem = 'quantity' then ledger.refuse('invalid_quantity', jsonb_build_object('line', v_bad.change -> 'line_number',
      'maximum', v_max_quantity, 'quantity', left(coalesce((v_bad.change -> 'quantity')::text, 'missing'), 50)))
    else ledger.refuse('invalid_argument', jsonb_build_object('argument', format('p_changes, change %s', v_bad.place), 'problem', v_bad.problem)) end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_edit (
  p_order    public.orders,
  p_changes  ledger.order_changes,
  p_by_staff boolean
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_reason text := case
    when p_order.status not in ('pending', 'confirmed', 'processing') then format('it is already %s', p_order.status)
    when p_order.status <> 'pending' and not p_by_staff then format('it is %s, customers edit while it is pending', p_order.status)
    -- also units that cost nothing: they would cost something by the edit, and count as taken back for good
    when p_order.credited_amount > 0 or exists (
      select from public.refund_lines l where l.order_id = p_order.id) then 'a part of it was refunded'
  end;
  v_bad record;
begin
  if v_reason is not null then
    return ledger.refuse('edit_not_allowed', jsonb_build_object('order_number', p_order.order_number, 'reason', v_reason));
  end if;

  select l.* into v_bad
  from (
    select c.line_number, c.quantity, coalesce(s.shipped_quantity, 0) as shipped, i.variant_id, i.unit_price_amount,
           ledger.item_name(i.product_name, i.variant_name) as name, v.price_amount, v.currency,
           case
             when i.line_number is null then 'unknown'
             when c.quantity < s.shipped_quantity then 'shipped'
             when p_by_staff or c.quantity <= i.quantity then null
             when not (v.is_active and p.is_active) then 'unavailable'
             when v.price_amount <> i.unit_price_amount or v.currency <> p_order.currency then 'price'
           end as problem
    from unnest(p_changes.line_numbers, p_changes.quantities) c (line_number, quantity)
    left join public.order_items i on i.account_id = p_order.account_id and i.order_id = p_order.id and i.line_number = c.line_number
    left join ledger.shipped_units(p_order.id) s on s.line_number = i.line_number
    left join public.variants v on v.id = i.variant_id
    left join public.products p on p.id = v.product_id) l
  where l.problem is not null
  order by l.line_number
  limit 1;
  return case v_bad.problem
    when 'unknown' then ledger.refuse('line_not_found', jsonb_build_object('order_number', p_order.order_number, 'line', v_bad.line_number))
    when 'shipped' then ledger.refuse('line_shipped', jsonb_build_object('order_number', p_order.order_number, 'line', v_bad.line_number,
      'name', v_bad.name, 'shipped', v_bad.shipped, 'quantity', v_bad.quantity))
    when 'unavailable' then ledger.refuse('variant_unavailable', jsonb_build_object('line', v_bad.line_number, 'variant_id', v_bad.variant_id,
      'name', v_bad.name))
    when 'price' then ledger.refuse('price_changed', jsonb_build_object('line', v_bad.line_number, 'variant_id', v_bad.variant_id,
      'total', v_bad.price_amount, 'expected', v_bad.unit_price_amount, 'currency', v_bad.currency))
  end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_erased (
  p_user_id uuid
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (select ledger.refuse('customer_not_found', jsonb_build_object('user_id', p_user_id))
          from public.profiles p
          where p.id = p_user_id and p.erased_at is not null);
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_line_list (
  p_lines  jsonb,
  p_keys   text[],
  p_needed boolean DEFAULT true
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_example text := format('a JSON array of up to 5000 objects such as [{"line_number": 1, "%s": 1}]', p_keys[1]);
  v_bad record;
begin
  if coalesce(jsonb_typeof(p_lines), 'null') <> 'array' or jsonb_array_length(p_lines) not between 1 and 5000 then
    return ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_lines', 'problem', v_example));
  end if;

  select c.place, c.problem into v_bad
  from (select e.place, case
          when jsonb_typeof(e.line) <> 'object' then 'must be an object'
          when not ledger.is_whole_number(e.line -> 'line_number', 1, 2147483647) then 'line_number is missing or no line''s number'
          when exists (select from unnest(p_keys) k (name)
                       where e.line ? k.name and not ledger.is_whole_number(e.line -> k.name, 0, 9007199254740991)) then
            format('%s: whole numbers of units', array_to_string(p_keys, ', '))
          when p_needed and not exists (select from unnest(p_keys) k (name)
                                        where ledger.is_whole_number(e.line -> k.name, 1, 9007199254740991)) then
            format('%s is missing or not above zero', array_to_string(p_keys, ', '))
          when jsonb_typeof(e.line -> 'reason') not in ('string', 'null') or length(e.line ->> 'reason') > 500 then
            'reason is a text of at most 500 characters'
        end as problem
        from jsonb_array_elements(p_lines) with ordinality e (line, place)) c
  where c.problem is not null
  order by c.place
  limit 1;
  if found then
    return ledger.refuse('invalid_argument', jsonb_build_object('argument', format('p_lines, entry %s', v_bad.place), 'problem', v_bad.problem));
  end if;

  select trunc((e.line ->> 'line_number')::numeric) as line_number into v_bad
  from jsonb_array_elements(p_lines) e (line)
  group by 1
  having count(*) > 1
  limit 1;
  if found then
    return ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_lines',
      'problem', format('line %s is named twice', v_bad.line_number)));
  end if;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_opening (
  p_user_id  uuid,
  p_currency text
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return case
    when not exists (select from public.profiles p where p.id = p_user_id and p.erased_at is null) then
      ledger.refuse('customer_not_found', jsonb_build_object('user_id', p_user_id))
    when not exists (select from public.currencies c where c.code = p_currency) then
      ledger.refuse('unknown_currency', jsonb_build_object('currency', p_currency,
        'known', (select string_agg(c.code, ', ' order by c.code) from public.currencies c)))
  end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_parcel (
  p_order    public.orders,
  p_metadata jsonb
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_problem text;
begin
  if not coalesce(p_metadata ?| '{carrier,tracking_number,estimated_delivery_at,delivered_at}', false) then
    return null;
  end if;
  v_problem := case
    when jsonb_typeof(p_metadata -> 'carrier') not in ('string', 'null') or length(p_metadata ->> 'carrier') not between 1 and 100 then
      'carrier is a text of 1 to 100 characters'
    when jsonb_typeof(p_metadata -> 'tracking_number') not in ('string', 'null') or length(p_metadata ->> 'tracking_number') not between 1 and 200 then
      'tracking_number is a text of 1 to 200 characters'
    when jsonb_typeof(p_metadata -> 'estimated_delivery_at') not in ('string', 'null')
      or (p_metadata ->> 'estimated_delivery_at' is not null and ledger.moment(p_metadata ->> 'estimated_delivery_at') is null) then
      'estimated_delivery_at is a moment such as 2026-01-31T12:00:00Z'
    when jsonb_typeof(p_metadata -> 'delivered_at') not in ('string', 'null')
      or (p_metadata ->> 'delivered_at' is not null
          and coalesce(ledger.moment(p_metadata ->> 'delivered_at') not between p_order.created_at and clock_timestamp(), true)) then
      'delivered_at is a moment such as 2026-01-31T12:00:00Z, after the order was placed and not in the future'
  end;
  return case when v_problem is not null then
    ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_metadata', 'problem', v_problem)) end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_placing (
  p_user_id             uuid,
  p_notes               text,
  p_metadata            jsonb,
  p_shipping_address_id uuid,
  p_billing_address_id  uuid,
  p_pricing             ledger.order_pricing,
  p_expected_total      bigint
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return case
    when p_user_id is null then ledger.refuse('customer_required')
    when length(p_notes) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_notes', 'problem', 'at most 2000 characters'))
    when coalesce(jsonb_typeof(p_metadata), 'object') <> 'object' or octet_length(p_metadata::text) > 16384 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_metadata', 'problem', 'a JSON object of at most 16 KB'))
    when coalesce(p_shipping_address_id, p_billing_address_id) is not null then
      ledger.refuse('address_not_found', jsonb_build_object('address_id', coalesce(p_shipping_address_id, p_billing_address_id)))
    when p_pricing.refusal is not null then p_pricing.refusal
    when p_expected_total <> p_pricing.total_amount then
      ledger.refuse('price_changed', jsonb_build_object('total', p_pricing.total_amount, 'expected', p_expected_total,
                                                        'currency', p_pricing.currency))
  end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_refund_amounts (
  p_order           public.orders,
  p_shipping_amount bigint,
  p_amount          bigint,
  p_before          ledger.order_part,
  p_part            ledger.order_part
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_paid bigint := p_order.paid_amount - p_order.refunded_amount;
  v_shipping_left bigint := p_order.shipping_amount - p_before.shipping_amount;
  v_left bigint := greatest(p_order.total_amount - p_order.credited_amount - p_part.lines_amount - p_shipping_amount, 0);
begin
  return case
    when p_shipping_amount > v_shipping_left then ledger.refuse('refund_exceeds_paid', jsonb_build_object(
      'order_number', p_order.order_number, 'currency', p_order.currency, 'what', 'shipping', 'requested', p_shipping_amount, 'refundable', v_shipping_left))
    when p_amount > v_left then ledger.refuse('refund_exceeds_paid', jsonb_build_object(
      'order_number', p_order.order_number, 'currency', p_order.currency, 'what', 'the order', 'requested', p_amount, 'refundable', v_left))
    when p_shipping_amount + p_amount > greatest(v_paid, 0) then ledger.refuse('refund_exceeds_paid', jsonb_build_object(
      'order_number', p_order.order_number, 'currency', p_order.currency, 'what', 'what was paid',
      'requested', p_shipping_amount + p_amount, 'refundable', greatest(v_paid, 0)))
  end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_refund_lines (
  p_order public.orders,
  p_lines jsonb
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_refusal jsonb;
begin
  if p_lines is null then
    return null;
  end if;
  v_refusal := ledger.refuse_line_list(p_lines, '{quantity}');
  if v_refusal is null and exists (
    select from jsonb_array_elements(p_lines) e (line)
    where jsonb_typeof(e.line -> 'restock') <> 'boolean' or jsonb_typeof(e.line -> 'unshipped') <> 'boolean') then
    v_refusal := ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_lines', 'problem', 'restock and unshipped are true or false'));
  end if;
  v_refusal := coalesce(v_refusal, ledger.refuse_unknown_line(p_order, p_lines));
  if v_refusal is not null then
    return v_refusal;
  end if;
  return (
    select ledger.refuse('units_not_refundable', jsonb_build_object('order_number', p_order.order_number, 'line', l.line_number,
      'name', l.name, 'requested', l.requested, 'refundable', l.refundable, 'shipped', l.shipped, 'refunded', l.refunded))
    from (
      select i.line_number, ledger.item_name(i.product_name, i.variant_name) as name, a.quantity as requested,
             coalesce(s.shipped_quantity, 0) as shipped, coalesce(r.quantity, 0) as refunded,
             case when a.unshipped then i.quantity - coalesce(s.shipped_quantity, 0) - coalesce(r.unshipped_quantity, 0)
                  else coalesce(s.shipped_quantity, 0) - coalesce(r.quantity - r.unshipped_quantity, 0) end as refundable
      from jsonb_to_recordset(p_lines) a (line_number numeric, quantity numeric, unshipped boolean)
      join public.order_items i on i.account_id = p_order.account_id and i.order_id = p_order.id and i.line_number = a.line_number
      left join ledger.shipped_units(p_order.id) s on s.line_number = i.line_number
      left join ledger.refunded_units(p_order.id) r on r.line_number = i.line_number) l
    where l.requested > l.refundable
    order by l.line_number
    limit 1);
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_reservation (
  p_reservation public.stock_reservations,
  p_asked       uuid
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return case
    when p_reservation.id is null then ledger.refuse('reservation_not_found', jsonb_build_object('reservation_id', p_asked))
    when p_reservation.status in ('consumed', 'released') then
      ledger.refuse('reservation_conflict', jsonb_build_object('reservation_id', p_asked, 'status', p_reservation.status))
    when p_reservation.status = 'expired' or p_reservation.expires_at <= clock_timestamp() then
      ledger.refuse('reservation_expired', jsonb_build_object('reservation_id', p_asked, 'expires_at', p_reservation.expires_at))
  end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_return (
  p_order public.orders,
  p_since timestamp with time zone
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_shipped boolean;
  v_in_time boolean;
  v_reason text;
begin
  select bool_or(true), bool_or(p_since is null or s.delivered_at is null or s.delivered_at >= p_since)
  into v_shipped, v_in_time
  from public.shipments s
  where s.account_id = p_order.account_id and s.order_id = p_order.id;
  v_reason := case
    when p_order.status in ('cancelled', 'refunded', 'rejected') then 'it is ' || p_order.status
    when v_shipped is null then 'nothing of it has been shipped'
    when not v_in_time then format('its return window of %s days is over', ledger.setting_text('return_window_days'))
  end;
  return case when v_reason is not null then ledger.refuse('return_not_allowed', jsonb_build_object(
    'order_number', p_order.order_number, 'status', p_order.status, 'reason', v_reason)) end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_returned_units (
  p_order public.orders,
  p_lines jsonb,
  p_since timestamp with time zone
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (
    select ledger.refuse('units_not_returnable', jsonb_build_object('line', r.line_number, 'name', r.name,
      'returnable', r.returnable_quantity, 'requested', e.line -> 'quantity'))
    from ledger.returnable_lines(p_order, p_since) r
    join jsonb_array_elements(p_lines) e (line) on (e.line ->> 'line_number')::numeric = r.line_number
    where (e.line ->> 'quantity')::numeric > r.returnable_quantity
    order by r.line_number
    limit 1);
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_shares (
  p_shares            ledger.vendor_share[],
  p_currency          text,
  p_referrer_user_id  uuid,
  p_commission_amount bigint
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  if exists (
    select from (
      select c.user_id, sum(c.amount) as amount
      from (select s.owner_user_id, s.share_amount from unnest(p_shares) s
            union all
            select p_referrer_user_id, p_commission_amount) c (user_id, amount)
      where c.user_id is not null
      group by c.user_id) e
    join public.accounts a on a.id = ledger.account_id(e.user_id, p_currency)
    where a.total_earned + e.amount > 9007199254740991) then
    return ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991));
  end if;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_ship_rest (
  p_order    public.orders,
  p_to       text,
  p_metadata jsonb
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_line ledger.shippable_line;
begin
  if p_to not in ('shipped', 'delivered') then
    return null;
  end if;
  if exists (select from ledger.open_backorders(p_order.id)) then
    select s.* into v_line
    from ledger.shippable_lines(p_order) s
    where s.backordered_quantity > 0
    order by s.line_number
    limit 1;
    if found then
      return ledger.refuse_units(v_line, v_line.quantity - v_line.shipped_quantity);
    end if;
  end if;
  return ledger.refuse_parcel(p_order, p_metadata);
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_shipping (
  p_order public.orders,
  p_lines jsonb
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_answer jsonb;
begin
  if p_lines is null then
    return (
      select ledger.refuse('nothing_to_ship', jsonb_build_object('order_number', p_order.order_number,
        'quantity', sum(s.quantity), 'shipped', sum(s.shipped_quantity), 'backordered', sum(s.backordered_quantity)))
      from ledger.shippable_lines(p_order) s
      having sum(s.shippable_quantity) = 0);
  end if;
  v_answer := ledger.refuse_line_list(p_lines, '{quantity}');
  if v_answer is null then
    v_answer := ledger.refuse_unknown_line(p_order, p_lines);
  end if;
  if v_answer is null then
    v_answer := (
      select ledger.refuse_units(s, (e.line ->> 'quantity')::numeric::bigint)
      from ledger.shippable_lines(p_order) s
      join jsonb_array_elements(p_lines) e (line) on (e.line ->> 'line_number')::numeric = s.line_number
      where (e.line ->> 'quantity')::numeric > s.shippable_quantity
      order by s.line_number
      limit 1);
  end if;
  return v_answer;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_shortages (
  p_shortages jsonb
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return ledger.refuse('insufficient_stock', (p_shortages -> 0) || jsonb_build_object('shortages', p_shortages, 'name', (
    select ledger.item_name(p.name, v.name)
    from public.variants v
    join public.products p on p.id = v.product_id
    where v.id = (p_shortages -> 0 ->> 'variant_id')::uuid)));
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_status_change (
  p_order        public.orders,
  p_order_id     uuid,
  p_old_status   text,
  p_new_status   text,
  p_amount       bigint,
  p_metadata     jsonb,
  p_actor_action text
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_old text := lower(trim(p_old_status));
  v_new text := lower(trim(p_new_status));
  v_statuses text[] := ledger.order_statuses();
begin
  return case
    when p_order.id is null then ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id))
    when v_new is null or v_new <> all (v_statuses) or v_old is null or v_old <> all (v_statuses) then
      ledger.refuse('unknown_status', jsonb_build_object('known', array_to_string(v_statuses, ', '),
        'status', case when v_new = any (v_statuses) then coalesce(p_old_status, 'null') else coalesce(p_new_status, 'null') end))
    when coalesce(jsonb_typeof(p_metadata), 'object') <> 'object' or octet_length(p_metadata::text) > 16384
      or coalesce(jsonb_typeof(p_metadata -> 'restock'), 'boolean') <> 'boolean' then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_metadata',
        'problem', 'a JSON object of at most 16 KB; "restock" in it is true or false'))
    when length(p_actor_action) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_actor_action', 'problem', 'at most 2000 characters'))
    when v_old <> p_order.status then ledger.refuse('status_conflict', jsonb_build_object(
      'order_number', p_order.order_number, 'status', p_order.status, 'expected', v_old))
    when p_amount is distinct from p_order.total_amount then ledger.refuse('amount_mismatch', jsonb_build_object(
      'order_number', p_order.order_number, 'total', p_order.total_amount, 'amount', coalesce(p_amount, 0), 'currency', p_order.currency))
    else ledger.refuse_transition(p_order, v_new)
  end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_transition (
  p_order public.orders,
  p_to    text
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_transition public.order_status_transitions;
begin
  select t.* into v_transition
  from public.order_status_transitions t
  where t.from_status = p_order.status and t.to_status = p_to;
  if not found then
    return ledger.refuse('invalid_transition', jsonb_build_object(
      'order_number', p_order.order_number, 'from', p_order.status, 'to', p_to,
      'possible', coalesce((select string_agg(a.to_status, ', ' order by a.to_status)
                            from public.order_status_transitions a where a.from_status = p_order.status), 'none, it is final')));
  elsif v_transition.needs_payment and p_order.amount_due > 0 and p_order.payment_status <> 'in_grace' then
    return ledger.refuse('payment_required', jsonb_build_object('order_number', p_order.order_number, 'to', p_to,
      'due', p_order.amount_due, 'currency', p_order.currency));
  end if;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_units (
  p_line      ledger.shippable_line,
  p_requested bigint
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return ledger.refuse('units_not_shippable', jsonb_build_object(
    'line', p_line.line_number, 'name', p_line.name, 'requested', p_requested, 'shippable', p_line.shippable_quantity,
    'quantity', p_line.quantity, 'shipped', p_line.shipped_quantity, 'backordered', p_line.backordered_quantity));
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_unknown_line (
  p_order public.orders,
  p_lines jsonb
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (
    select ledger.refuse('line_not_found', jsonb_build_object('order_number', p_order.order_number, 'line', e.line -> 'line_number'))
    from jsonb_array_elements(p_lines) with ordinality e (line, place)
    where not exists (select from public.order_items i
                      where i.account_id = p_order.account_id and i.order_id = p_order.id
                        and i.line_number = (e.line ->> 'line_number')::numeric)
    order by e.place
    limit 1);
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_vendor (
  p_vendor_id uuid
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return ledger.refuse('vendor_not_found', jsonb_build_object(
    'vendor_id', p_vendor_id, 'vendor', coalesce(p_vendor_id::text, 'that is yours')));
end $function$;

CREATE OR REPLACE FUNCTION ledger.reservation_statuses()
  RETURNS text[]
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return array['active', 'consumed', 'released', 'expired'];
end $function$;

CREATE OR REPLACE FUNCTION ledger.restock (
  p_variant_ids    uuid[],
  p_quantities     bigint[],
  p_reason         text,
  p_actor          ledger.actor,
  p_order_id       uuid,
  p_correlation_id uuid
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_variant_ids uuid[];
  v_quantities bigint[];
begin
  select array_agg(w.variant_id), array_agg(w.quantity) into v_variant_ids, v_quantities
  from unnest(p_variant_ids, p_quantities) w (variant_id, quantity)
  where w.quantity > 0;
  if v_variant_ids is null then
    return 0;
  end if;
  perform ledger.move_stock(v_variant_ids, v_quantities, p_reason, p_actor, p_order_id);
  -- few variants are waited for or lie in several slots
  if exists (select from public.backorders b where b.variant_id = any (v_variant_ids) and b.open_quantity > 0)
     or exists (select from ledger.low_stock_marks m where m.variant_id = any (v_variant_ids)) then
    perform ledger.fill_backorders(v_variant_ids, array_fill(0::smallint, array[cardinality(v_variant_ids)]), p_actor, p_correlation_id);
    perform ledger.alert_low_stock(v_variant_ids, v_quantities);
  end if;
  return cardinality(v_variant_ids);
end $function$;

CREATE OR REPLACE FUNCTION ledger.return_legs (
  p_money ledger.returned_money
)
  RETURNS ledger.posting_leg[]
  LANGUAGE sql
  IMMUTABLE
RETURN ARRAY[ROW('order_escrow'::text, 'wallet'::text, ((p_money).wallet_amount + (p_money).credit_amount))::ledger.posting_leg,
  ROW('order_escrow'::text, 'refunds_payable'::text, (p_money).payout_amount)::ledger.posting_leg];

CREATE OR REPLACE FUNCTION ledger.returnable_lines (
  p_order public.orders,
  p_since timestamp with time zone DEFAULT NULL::timestamp WITH time zone
)
  RETURNS SETOF ledger.returnable_line
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return query
    with shipped as (
      select l.line_number, sum(l.quantity)::bigint as quantity,
             coalesce(sum(l.quantity) filter (where p_since is null or s.delivered_at is null or s.delivered_at >= p_since), 0)::bigint as recent
      from public.shipment_lines l
      join public.shipments s on s.id = l.shipment_id
      where l.order_id = p_order.id
      group by l.line_number),
    in_returns as (
      select l.line_number, sum(case r.status when 'requested' then l.quantity else l.approved_quantity - l.received_quantity end)::bigint as quantity
      from public.returns r
      join public.return_lines l on l.return_id = r.id
      where r.account_id = p_order.account_id and r.order_id = p_order.id and r.status in ('requested', 'approved')
      group by l.line_number)
    select i.line_number, i.variant_id, ledger.item_name(i.product_name, i.variant_name), coalesce(s.quantity, 0),
           coalesce(s.quantity, 0) - coalesce(b.received_quantity, 0) - coalesce(f.restocked_quantity, 0),
           greatest(0, least(coalesce(s.recent, 0), coalesce(s.quantity, 0) - coalesce(f.quantity - f.unshipped_quantity, 0)
                             - coalesce(b.unrefunded_quantity, 0) - coalesce(o.quantity, 0)))
    from public.order_items i
    left join shipped s on s.line_number = i.line_number
    left join in_returns o on o.line_number = i.line_number
    left join ledger.received_units(p_order.id) b on b.line_number = i.line_number
    left join ledger.refunded_units(p_order.id) f on f.line_number = i.line_number
    where i.account_id = p_order.account_id and i.order_id = p_order.id;
end $function$;

CREATE OR REPLACE FUNCTION ledger.role_of_call()
  RETURNS text
  LANGUAGE sql
  STABLE
RETURN COALESCE(NULLIF(NULLIF(current_setting('role'::text, true), ''::text), 'none'::text), (SESSION_USER)::text);

CREATE OR REPLACE FUNCTION ledger.is_backend_call()
  RETURNS boolean
  LANGUAGE sql
  STABLE
RETURN (ledger.role_of_call() = ANY (ARRAY['service_role'::text, 'postgres'::text, 'supabase_admin'::text]));

CREATE OR REPLACE FUNCTION ledger.send_out (
  p_order        public.orders,
  p_to           text,
  p_actor        ledger.actor,
  p_actor_action text,
  p_metadata     jsonb
)
  RETURNS ledger.order_change
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_delivers boolean := p_to = 'delivered';
  v_referral public.referrals;
  v_shares ledger.vendor_share[];
  v_whole ledger.order_part;
  v_credited ledger.order_part;
  v_base bigint;
  v_transaction public.transactions;
  v_correlation_id uuid := ledger.correlation_id();
  v_change ledger.order_change;
begin
  -- lock: accounts of who earns by a delivery, with the customer's; where only its version moves, it is locked by its update
  if v_delivers then
    select r.* into v_referral from public.referrals r where r.referee_user_id = p_order.user_id;
    v_shares := ledger.vendor_shares(p_order);
    if v_referral.referrer_user_id is not null or v_shares is not null then
      perform ledger.lock_accounts(array_remove(array[p_order.user_id, v_referral.referrer_user_id], null) || ledger.owners_of(v_shares),
                                   p_order.currency, p_open => false);
      -- who was erased while their account was waited for earns nothing; now none of them can be
      select r.* into v_referral
      from public.referrals r
      join public.profiles p on p.id = r.referrer_user_id and p.erased_at is null
      where r.referee_user_id = p_order.user_id and r.referrer_user_id = v_referral.referrer_user_id;
      v_shares := ledger.shares_without_erased(v_shares);
    end if;
    v_whole := ledger.whole_order(p_order);
    v_credited := ledger.credited_part(p_order);
    v_base := v_whole.base_amount - ledger.credited_base(v_whole, v_credited);
  end if;

  -- check: nothing of it waits for stock, and what is earned fits the accounts
  v_change.refusal := ledger.refuse_ship_rest(p_order, p_to, p_metadata);
  if v_change.refusal is null and (v_referral.referrer_user_id is not null or v_shares is not null) then
    v_change.refusal := ledger.refuse_shares(v_shares, p_order.currency, v_referral.referrer_user_id,
                                             ledger.commission_amount(v_base, v_referral.rate_bp));
  end if;
  if v_change.refusal is not null then
    return v_change;
  end if;

  -- write: order
  update public.orders o set
    status = p_to,
    version = o.version + 1,
    updated_at = clock_timestamp()
  where o.account_id = p_order.account_id and o.id = p_order.id
  returning o.status, o.payment_status, o.outstanding_amount
  into v_change.order_status, v_change.payment_status, v_change.outstanding_amount;

  -- write: transaction, postings
  v_transaction := ledger.write_transaction(
    p_order.account_id, 'order_status_changed', p_actor, coalesce(p_actor_action, format('order %s to %s', p_order.status, p_to)),
    v_correlation_id, p_order_id => p_order.id, p_metadata => p_metadata);
  if v_delivers then
    perform ledger.write_postings(v_transaction, p_order.currency,
      ledger.delivery_legs(p_order, ledger.part_between(v_credited, v_whole)));
  end if;

  -- write: shipment, with its event; by now the account is locked, so that its events come in the order of its versions
  perform ledger.ship_rest(p_order, p_to, p_actor, v_correlation_id, p_metadata);

  -- record
  perform ledger.record_operation('order.status_changed', 'order', p_order.id, p_order.account_id,
    ledger.balance_effect(v_transaction) || jsonb_build_object(
      'order_number', p_order.order_number, 'user_id', p_order.user_id, 'currency', p_order.currency,
      'from_status', p_order.status, 'to_status', p_to, 'payment_status', v_change.payment_status,
      'notes', coalesce(p_metadata ->> 'notes', p_actor_action), 'metadata', p_metadata),
    p_actor, v_correlation_id);

  -- the sides of the referrer and of the vendors
  if v_referral.referrer_user_id is not null then
    perform ledger.award_commission(p_order.id, v_referral, v_base, p_order.currency, p_actor, v_correlation_id);
  end if;
  if v_shares is not null then
    perform ledger.award_vendor_earnings(p_order, v_shares, p_actor, v_correlation_id);
  end if;

  v_change.transaction_id := v_transaction.id;
  v_change.returned_amount := 0;
  -- the customer may be one of them
  v_change.available_balance := case when v_shares is not null
    then (select a.available_balance from public.accounts a where a.id = p_order.account_id) else v_transaction.balance_after end;
  return v_change;
end $function$;

CREATE OR REPLACE FUNCTION ledger.set_texts_aside (
  p_event_id    bigint,
  p_account_id  uuid,
  p_stream_type text,
  p_payload     jsonb
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_keys text[] := ledger.text_keys();
  v_texts jsonb;
  v_salt uuid := gen_random_uuid();
begin
  select jsonb_object_agg(p.key, p.value) into v_texts
  from jsonb_each(p_payload) p
  where p.key = any (v_keys) and p.value not in ('null', '{}', '""');
  if v_texts is null then
    return p_payload - v_keys;
  end if;
  insert into public.event_texts (event_id, account_id, stream_type, texts, salt)
  values (p_event_id, p_account_id, p_stream_type, v_texts, v_salt);
  return p_payload - v_keys || jsonb_build_object('texts_digest', ledger.texts_digest(v_texts, v_salt));
end $function$;

CREATE OR REPLACE FUNCTION ledger.settle_edit (
  p_order         public.orders,
  p_total_amount  bigint,
  p_wallet_amount bigint,
  p_to            text,
  p_account       public.accounts
)
  RETURNS ledger.edit_money
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_money ledger.edit_money;
  v_due bigint := greatest(p_total_amount - p_order.paid_amount + p_order.refunded_amount, 0);
begin
  v_money.taken_amount := coalesce(p_wallet_amount, case p_order.payment_method when 'wallet' then v_due else 0 end);
  v_money.returned_amount := greatest(p_order.paid_amount - p_order.refunded_amount - p_total_amount, 0);
  select s.wallet_amount, s.credit_amount, s.payout_amount
  into v_money.wallet_amount, v_money.credit_amount, v_money.payout_amount
  from ledger.split_return(p_order, v_money.returned_amount, p_to) s;

  v_money.refusal := case
    when p_order.payment_method = 'wallet' and v_money.taken_amount <> v_due then
      ledger.refuse('invalid_wallet_amount', jsonb_build_object('wallet_amount', p_wallet_amount,
        'expected', format('%s, what the wallet has to pay, or left out', v_due)))
    when v_money.taken_amount not between 0 and v_due then
      ledger.refuse('invalid_wallet_amount', jsonb_build_object('wallet_amount', p_wallet_amount,
        'expected', format('from 0 to %s, what is left to pay', v_due)))
    when p_account.frozen_reason is not null and (v_money.taken_amount > 0 or p_total_amount > p_order.total_amount) then
      ledger.refuse('account_frozen', jsonb_build_object('reason', p_account.frozen_reason))
    when v_money.taken_amount > greatest(p_account.available_balance, 0) then
      ledger.refuse('insufficient_funds', jsonb_build_object('currency', p_order.currency, 'required', v_money.taken_amount,
        'available', p_account.available_balance))
    when greatest(p_order.paid_amount + v_money.taken_amount, p_account.total_earned + v_money.credit_amount) > 9007199254740991 then
      ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
  end;
  return v_money;
end $function$;

CREATE OR REPLACE FUNCTION ledger.settle_received_units (
  p_order_id     uuid,
  p_line_numbers integer[],
  p_quantities   bigint[]
)
  RETURNS bigint[]
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_settled bigint[];
begin
  with waiting as (
    select l.return_id, l.line_number, l.received_quantity - l.refunded_quantity as left_quantity,
           p_quantities[array_position(p_line_numbers, l.line_number)]
             - coalesce(sum(l.received_quantity - l.refunded_quantity) over (
                 partition by l.line_number order by l.return_id rows between unbounded preceding and 1 preceding), 0) as wanted
    from public.return_lines l
    where l.order_id = p_order_id and l.line_number = any (p_line_numbers) and l.received_quantity > l.refunded_quantity),
  settled as (
    update public.return_lines l set refunded_quantity = l.refunded_quantity + least(w.left_quantity, w.wanted)
    from waiting w
    where l.return_id = w.return_id and l.line_number = w.line_number and w.wanted > 0
    returning l.line_number, least(w.left_quantity, w.wanted) as quantity)
  select array_agg(coalesce((select sum(s.quantity) from settled s where s.line_number = a.line_number), 0)::bigint order by a.place)
  into v_settled
  from unnest(p_line_numbers) with ordinality a (line_number, place);
  return v_settled;
end $function$;

CREATE OR REPLACE FUNCTION ledger.share_discount (
  p_lines              ledger.priced_line[],
  p_discount           bigint,
  p_subtotal           bigint,
  p_prices_include_tax boolean
)
  RETURNS ledger.priced_line[]
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (
    select array_agg(row(s.line_number, s.variant_id, s.vendor_id, s.product_name, s.product_sku, s.variant_name, s.quantity,
                         s.unit_price_amount, s.total_price_amount, s.share, s.tax_rate_bp,
                         ledger.line_tax(s.total_price_amount - s.share, s.tax_rate_bp, p_prices_include_tax),
                         s.platform_rate_bp)::ledger.priced_line
                     order by s.line_number)
    from (
      select g.*, (div(p_discount * g.so_far, p_subtotal) - div(p_discount * (g.so_far - g.total_price_amount), p_subtotal))::bigint as share
      from (
        select l.*, sum(l.total_price_amount) over (order by l.line_number) as so_far
        from unnest(p_lines) l) g) s);
end $function$;

CREATE OR REPLACE FUNCTION ledger.share_of_allowance (
  p_amount   bigint,
  p_whole    ledger.order_part,
  p_credited ledger.order_part
)
  RETURNS bigint
  LANGUAGE sql
  IMMUTABLE
RETURN
  (CASE WHEN ((p_credited).allowance_amount = 0) THEN (0)::numeric ELSE ledger.divide_half_up(((p_amount)::numeric * ((p_credited).allowance_amount)::numeric),
  (((((p_whole).lines_amount - (p_credited).lines_amount) + (p_whole).shipping_amount) - (p_credited).shipping_amount))::numeric) END)::bigint;

CREATE OR REPLACE FUNCTION ledger.credited_base (
  p_whole    ledger.order_part,
  p_credited ledger.order_part
)
  RETURNS bigint
  LANGUAGE sql
  IMMUTABLE
RETURN ((p_credited).base_amount + ledger.share_of_allowance(((p_whole).base_amount - (p_credited).base_amount), p_whole, p_credited));

CREATE OR REPLACE FUNCTION ledger.shares_without_erased (
  p_shares ledger.vendor_share[]
)
  RETURNS ledger.vendor_share[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (
    select array_agg(row(s.vendor_id, case when p.erased_at is null then s.owner_user_id end, s.base_amount, s.share_amount)::ledger.vendor_share
                     order by s.vendor_id)
    from unnest(p_shares) s
    left join public.profiles p on p.id = s.owner_user_id);
end $function$;

CREATE OR REPLACE FUNCTION ledger.ship_rest (
  p_order          public.orders,
  p_to             text,
  p_actor          ledger.actor,
  p_correlation_id uuid,
  p_metadata       jsonb
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_delivered_at timestamptz := case when p_to = 'delivered' then
    coalesce(ledger.moment(p_metadata ->> 'delivered_at'), clock_timestamp()) end;
  v_line_numbers integer[];
  v_quantities bigint[];
begin
  if p_to = 'delivered' then
    perform ledger.deliver_shipments(p_order, null, v_delivered_at, p_actor, p_correlation_id);
  end if;
  select array_agg(s.line_number order by s.line_number), array_agg(s.shippable_quantity order by s.line_number)
  into v_line_numbers, v_quantities
  from ledger.shippable_lines(p_order) s
  where s.shippable_quantity > 0;
  if v_line_numbers is null then
    return 0;
  end if;
  perform ledger.ship_units(p_order, v_line_numbers, v_quantities, p_actor, p_correlation_id, p_metadata, v_delivered_at);
  return 1;
end $function$;

CREATE OR REPLACE FUNCTION ledger.ship_units (
  p_order          public.orders,
  p_line_numbers   integer[],
  p_quantities     bigint[],
  p_actor          ledger.actor,
  p_correlation_id uuid,
  p_metadata       jsonb,
  p_delivered_at   timestamp with time zone DEFAULT NULL::timestamp WITH time zone,
  p_effect         jsonb                    DEFAULT '{}'::jsonb
)
  RETURNS public.shipments
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_shipment public.shipments;
begin
  insert into public.shipments as s
    (account_id, order_id, shipment_number, carrier, tracking_number, estimated_delivery_at, metadata, shipped_by, delivered_at)
  values
    (p_order.account_id, p_order.id,
     (select coalesce(max(n.shipment_number), 0) + 1 from public.shipments n where n.order_id = p_order.id),
     p_metadata ->> 'carrier', p_metadata ->> 'tracking_number', ledger.moment(p_metadata ->> 'estimated_delivery_at'),
     coalesce(p_metadata, '{}') - '{carrier,tracking_number,estimated_delivery_at,delivered_at}'::text[],
     p_actor.user_id, p_delivered_at)
  returning s.* into v_shipment;
  insert into public.shipment_lines (shipment_id, line_number, account_id, order_id, quantity)
  select v_shipment.id, l.line_number, p_order.account_id, p_order.id, l.quantity
  from unnest(p_line_numbers, p_quantities) l (line_number, quantity);

  perform ledger.record_operation('order.shipment_created', 'order', p_order.id, p_order.account_id,
    p_effect || jsonb_build_object(
      'order_number', p_order.order_number, 'user_id', p_order.user_id, 'shipment_id', v_shipment.id,
      'shipment_number', v_shipment.shipment_number, 'carrier', v_shipment.carrier,
      'tracking_number', v_shipment.tracking_number, 'estimated_delivery_at', v_shipment.estimated_delivery_at,
      'delivered_at', v_shipment.delivered_at,
      'lines', (select jsonb_agg(jsonb_build_object('line_number', l.line_number, 'quantity', l.quantity) order by l.line_number)
                from unnest(p_line_numbers, p_quantities) l (line_number, quantity))),
    p_actor, p_correlation_id);
  return v_shipment;
end $function$;

CREATE OR REPLACE FUNCTION ledger.shippable_lines (
  p_order public.orders
)
  RETURNS SETOF ledger.shippable_line
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return query
    with lines as (
      select i.line_number, i.variant_id, ledger.item_name(i.product_name, i.variant_name) as name, i.quantity - coalesce(r.unshipped_quantity, 0) as quantity,
             coalesce(s.shipped_quantity, 0) as shipped, coalesce(b.quantity, 0) as open_backorder
      from public.order_items i
      left join ledger.shipped_units(p_order.id) s on s.line_number = i.line_number
      left join ledger.refunded_units(p_order.id) r on r.line_number = i.line_number
      left join ledger.open_backorders(p_order.id) b on b.variant_id = i.variant_id
      where i.account_id = p_order.account_id and i.order_id = p_order.id),
    waiting as (
      select l.*, least(l.quantity - l.shipped, greatest(0, l.open_backorder - coalesce(sum(l.quantity - l.shipped) over (
               partition by l.variant_id order by l.line_number desc
               rows between unbounded preceding and 1 preceding), 0)))::bigint as backordered
      from lines l)
    select w.line_number, w.name, w.quantity, w.shipped, w.backordered, w.quantity - w.shipped - w.backordered
    from waiting w
    order by w.line_number;
end $function$;

CREATE OR REPLACE FUNCTION ledger.shipped_units (
  p_order_id uuid
)
  RETURNS TABLE (
    line_number      integer,
    shipped_quantity bigint
  )
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return query
    select l.line_number, sum(l.quantity)::bigint
    from public.shipment_lines l
    where l.order_id = p_order_id
    group by l.line_number;
end $function$;

CREATE OR REPLACE FUNCTION ledger.split_return (
  p_order  public.orders,
  p_amount bigint,
  p_to     text
)
  RETURNS ledger.returned_money
  LANGUAGE sql
  IMMUTABLE
RETURN
  ROW(LEAST(p_amount, ((p_order).wallet_amount - (p_order).wallet_refunded_amount)), CASE WHEN (p_to = 'wallet'::text) THEN GREATEST(((p_amount - (p_order).wallet_amount) +
  (p_order).wallet_refunded_amount),
  (0)::bigint) ELSE (0)::bigint END,
  CASE WHEN (p_to = 'wallet'::text) THEN (0)::bigint ELSE GREATEST(((p_amount - (p_order).wallet_amount) + (p_order).wallet_refunded_amount), (0)::bigint)
  END)::ledger.returned_money;

CREATE OR REPLACE FUNCTION ledger.status_after_refund (
  p_order public.orders,
  p_after ledger.order_part,
  p_taken ledger.taken_line[]
)
  RETURNS text
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  if p_order.status = 'delivered' and ledger.cost_of(p_after) = p_order.total_amount
     and (p_after.allowance_amount > 0 or not exists (
       select from public.order_items i
       left join ledger.refunded_units(p_order.id) r on r.line_number = i.line_number
       left join unnest(p_taken) t on t.line_number = i.line_number
       where i.account_id = p_order.account_id and i.order_id = p_order.id
         and i.quantity > coalesce(r.quantity, 0) + coalesce(t.quantity, 0))) then
    return 'refunded';
  end if;
  return p_order.status;
end $function$;

CREATE OR REPLACE FUNCTION ledger.stock_movement_reasons()
  RETURNS text[]
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return array['received', 'counted', 'damaged', 'slots_spread', 'order_placed', 'order_edited', 'backorder_filled',
               'order_cancelled', 'order_refunded', 'return_restocked'];
end $function$;

CREATE OR REPLACE FUNCTION ledger.sum_of_shares (
  p_shares ledger.vendor_share[]
)
  RETURNS bigint
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return coalesce((select sum(s.share_amount) from unnest(p_shares) s), 0);
end $function$;

CREATE OR REPLACE FUNCTION ledger.take_back (
  p_order           public.orders,
  p_lines           jsonb,
  p_shipping_amount bigint,
  p_amount          bigint,
  p_to              text,
  p_actor           ledger.actor,
  p_reason          text,
  p_correlation_id  uuid,
  p_return_id       uuid          DEFAULT NULL::uuid,
  p_ends_as         text          DEFAULT NULL::text,
  p_metadata        jsonb         DEFAULT '{}'::jsonb
)
  RETURNS ledger.order_change
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  SET plan_cache_mode TO 'force_generic_plan'
  AS $function$
declare
  v_was_delivered boolean := p_order.status = 'delivered';
  v_restock boolean := case when p_ends_as is not null then (p_metadata ->> 'restock')::boolean end;
  v_paid bigint := p_order.paid_amount - p_order.refunded_amount;
  v_whole ledger.order_part;
  v_before ledger.order_part;
  v_after ledger.order_part;
  v_taken ledger.taken_line[];
  v_part ledger.order_part;
  v_credited bigint;
  v_money ledger.returned_money;
  v_refund_id uuid := ledger.uuid_v7();
  v_transaction public.transactions;
  v_change ledger.order_change;
begin
  -- lock: accounts (those that earned by the delivery too), stock
  perform ledger.lock_accounts(ledger.accounts_to_take_back_from(p_order), p_order.currency, p_open => false);
  perform ledger.lock_stock_to_return(ledger.variants_to_take_back(p_order, p_lines, p_ends_as is not null, v_restock));

  -- check: customer, lines
  v_change.refusal := coalesce(ledger.refuse_erased(p_order.user_id), ledger.refuse_refund_lines(p_order, p_lines));
  if v_change.refusal is not null then
    return v_change;
  end if;

  -- what was taken back before, what is by now, and the money that follows from the difference
  v_whole := ledger.whole_order(p_order);
  v_before := ledger.credited_part(p_order);
  v_taken := case when p_ends_as is null then ledger.lines_asked_back(p_order, p_lines) else ledger.lines_left(p_order, v_restock) end;
  v_after := ledger.credited_after(v_whole, v_before, v_taken,
    case when p_ends_as is null then p_shipping_amount else p_order.shipping_amount - v_before.shipping_amount end,
    case when p_ends_as is null then p_amount else 0 end);
  v_part := ledger.part_between(v_before, v_after);
  v_credited := ledger.cost_of(v_part);
  v_money := ledger.split_return(p_order, greatest(v_paid - (p_order.total_amount - p_order.credited_amount - v_credited), 0), p_to);

  -- check: amounts
  v_change.refusal := case
    when p_ends_as is null then ledger.refuse_refund_amounts(p_order, p_shipping_amount, p_amount, v_before, v_part) end;
  if v_change.refusal is null and v_money.credit_amount > 0 then
    v_change.refusal := (select ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
                         from public.accounts a
                         where a.id = p_order.account_id and a.total_earned + v_money.credit_amount > 9007199254740991);
  end if;
  if v_change.refusal is not null then
    return v_change;
  end if;

  -- write: order
  v_change.refund_id := v_refund_id;
  v_change.credited_amount := v_credited;
  v_change.wallet_amount := v_money.wallet_amount;
  v_change.credit_amount := v_money.credit_amount;
  v_change.payout_amount := v_money.payout_amount;
  v_change.returned_amount := v_money.wallet_amount + v_money.credit_amount + v_money.payout_amount;
  update public.orders o set
    status = coalesce(p_ends_as, ledger.status_after_refund(p_order, v_after, v_taken)),
    payment_status = ledger.payment_status_of(o.total_amount, o.credited_amount + v_credited, o.paid_amount,
                                              o.refunded_amount + v_change.returned_amount, o.payment_status),
    refunded_amount = o.refunded_amount + v_change.returned_amount,
    wallet_refunded_amount = o.wallet_refunded_amount + v_money.wallet_amount,
    credited_amount = o.credited_amount + v_credited,
    version = o.version + 1,
    updated_at = clock_timestamp()
  where o.account_id = p_order.account_id and o.id = p_order.id
  returning o.status, o.payment_status, o.outstanding_amount
  into v_change.order_status, v_change.payment_status, v_change.outstanding_amount;

  -- write: refund, goods, discount
  perform ledger.write_refund(v_refund_id, p_order, p_return_id, v_part, v_taken, v_money, p_to, p_reason, p_actor);
  perform ledger.write_goods_back(p_order, v_change.order_status, v_taken, v_restock, p_return_id, p_actor, p_correlation_id);

  -- write: transaction, postings
  v_transaction := ledger.write_transaction(
    p_order.account_id, case p_ends_as when 'cancelled' then 'order_cancelled' else 'order_refunded' end,
    p_actor, coalesce(p_reason, case when p_ends_as is null then 'order refunded' else format('order %s to %s', p_order.status, p_ends_as) end),
    p_correlation_id, p_earned => v_money.credit_amount, p_orders => -v_money.wallet_amount, p_order_id => p_order.id,
    p_reference_id => v_refund_id, p_metadata => p_metadata);
  perform ledger.write_postings(v_transaction, p_order.currency, ledger.forward(
    case when v_was_delivered then ledger.reversed(ledger.recognition_legs(v_part)) end
    || ledger.return_legs(v_money)
    || case when v_was_delivered then array[row('order_escrow', 'receivable', v_credited - v_change.returned_amount)]::ledger.posting_leg[] end));

  -- record
  perform ledger.record_operation(
    case when v_change.order_status = p_order.status then 'order.refunded' else 'order.status_changed' end,
    'order', p_order.id, p_order.account_id,
    ledger.balance_effect(v_transaction, p_earned => v_money.credit_amount, p_orders => -v_money.wallet_amount)
      || ledger.refund_facts(p_order, v_change, v_taken, p_return_id, p_to)
      || jsonb_build_object('notes', coalesce(p_metadata ->> 'notes', p_reason), 'metadata', p_metadata),
    p_actor, p_correlation_id);

  -- the sides of those who earned by the delivery
  if v_was_delivered then
    perform ledger.claw_back_commission(p_order.id, v_whole.base_amount - ledger.credited_base(v_whole, v_after), p_actor, p_correlation_id);
    perform ledger.claw_back_vendor_earnings(p_order, p_actor, p_correlation_id);
  end if;

  -- the customer may be one of them
  v_change.transaction_id := v_transaction.id;
  v_change.available_balance := case when v_was_delivered
    then (select a.available_balance from public.accounts a where a.id = p_order.account_id) else v_transaction.balance_after end;
  return v_change;
end $function$;

CREATE OR REPLACE FUNCTION ledger.taken_lines (
  p_order        public.orders,
  p_line_numbers integer[],
  p_units        bigint[],
  p_unshipped    bigint[],
  p_restocked    bigint[]
)
  RETURNS ledger.taken_line[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (
    select array_agg(row(i.line_number, i.variant_id, t.units, t.unshipped, t.restocked,
             b.goods_amount - a.goods_amount, b.discount_amount - a.discount_amount, b.tax_amount - a.tax_amount,
             b.total_amount - a.total_amount, b.base_amount - a.base_amount, b.vendor_amount - a.vendor_amount)::ledger.taken_line
             order by i.line_number)
    from unnest(p_line_numbers, p_units, p_unshipped, p_restocked) t (line_number, units, unshipped, restocked)
    join public.order_items i on i.account_id = p_order.account_id and i.order_id = p_order.id and i.line_number = t.line_number
    left join ledger.refunded_units(p_order.id) r on r.line_number = i.line_number
    cross join lateral ledger.line_part(i, p_order.prices_include_tax, coalesce(r.quantity, 0)) a
    cross join lateral ledger.line_part(i, p_order.prices_include_tax, coalesce(r.quantity, 0) + t.units) b
    where t.units > 0);
end $function$;

CREATE OR REPLACE FUNCTION ledger.tell_rate_limit (
  p_limit  public.rate_limits,
  p_tokens numeric
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  perform ledger.add_response_header('RateLimit-Policy',
    format('"%s";q=%s;w=%s', p_limit.procedure, p_limit.capacity, ceil(p_limit.capacity / p_limit.refill_per_second)));
  perform ledger.add_response_header('RateLimit',
    format('"%s";r=%s;t=%s', p_limit.procedure, floor(p_tokens), ceil((p_limit.capacity - p_tokens) / p_limit.refill_per_second)));
end $function$;

CREATE OR REPLACE FUNCTION ledger.text_keys()
  RETURNS text[]
  LANGUAGE sql
  IMMUTABLE
  PARALLEL SAFE
RETURN '{notes,reason,reference,bank_reference,tracking_number,metadata}'::text[];

CREATE OR REPLACE FUNCTION ledger.event_payload (
  p_event_id    bigint,
  p_account_id  uuid,
  p_stream_type text,
  p_payload     jsonb
)
  RETURNS jsonb
  LANGUAGE sql
RETURN CASE WHEN (p_account_id IS NULL) THEN p_payload WHEN
  (COALESCE((p_payload ->> 'notes'::text), (p_payload ->> 'reason'::text), (p_payload ->> 'reference'::text), (p_payload ->> 'bank_reference'::text), (p_payload ->>
  'tracking_number'::text),
  NULLIF((p_payload ->> 'metadata'::text), '{}'::text)) IS NULL) THEN (p_payload - ledger.text_keys()) ELSE
  ledger.set_texts_aside(p_event_id, p_account_id, p_stream_type, p_payload) END;

CREATE OR REPLACE FUNCTION ledger.texts_digest (
  p_texts jsonb,
  p_salt  uuid
)
  RETURNS text
  LANGUAGE sql
  IMMUTABLE
RETURN encode(sha256(convert_to(((p_salt)::text || (p_texts)::text), 'UTF8'::name)), 'hex'::text);

CREATE OR REPLACE FUNCTION ledger.top_products (
  p_range    ledger.report_range,
  p_currency text
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object('product_id', t.product_id, 'product_name', p.name, 'orders', t.orders,
                                                 'units', t.units, 'amount', t.amount) order by t.amount desc, t.product_id), '[]')
    from (select v.product_id, count(distinct i.order_id) as orders, sum(i.quantity) as units,
                 sum(i.total_price_amount - i.discount_amount) as amount
          from public.orders o
          join public.order_items i on i.order_id = o.id
          join public.variants v on v.id = i.variant_id
          where o.id >= p_range.first_id and o.id < p_range.last_id
            and o.created_at >= p_range.from_at and o.created_at < p_range.to_at and o.currency = p_currency
            and ledger.is_sale(o.status)
            -- the same bounds for the lines, so that they are a range of their key too
            and i.order_id >= p_range.first_id and i.order_id < p_range.last_id
          group by v.product_id
          order by amount desc, v.product_id
          limit 10) t
    join public.products p on p.id = t.product_id);
end $function$;

CREATE OR REPLACE FUNCTION ledger.tracked_backorders (
  p_account_id uuid,
  p_order_id   uuid
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  if not exists (select from ledger.open_backorders(p_order_id)) then
    return '[]'::jsonb;
  end if;
  return (
    select coalesce(jsonb_agg(jsonb_build_object('line_number', i.line_number, 'variant_id', i.variant_id,
                                                 'quantity', s.backordered_quantity) order by i.line_number), '[]')
    from public.orders o
    cross join lateral ledger.shippable_lines(o) s
    join public.order_items i on i.account_id = o.account_id and i.order_id = o.id and i.line_number = s.line_number
    where o.account_id = p_account_id and o.id = p_order_id and s.backordered_quantity > 0);
end $function$;

CREATE OR REPLACE FUNCTION ledger.tracked_returns (
  p_account_id uuid,
  p_order_id   uuid
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object(
             'return_id', r.id, 'status', r.status, 'reason', r.reason, 'created_at', r.created_at, 'updated_at', r.updated_at,
             'lines', (select jsonb_agg(jsonb_build_object('line_number', l.line_number, 'quantity', l.quantity,
                                'approved_quantity', l.approved_quantity, 'received_quantity', l.received_quantity,
                                'refunded_quantity', l.refunded_quantity) order by l.line_number)
                       from public.return_lines l
                       where l.account_id = r.account_id and l.return_id = r.id)) order by r.id), '[]')
    from public.returns r
    where r.account_id = p_account_id and r.order_id = p_order_id);
end $function$;

CREATE OR REPLACE FUNCTION ledger.tracked_shipments (
  p_account_id uuid,
  p_order_id   uuid
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object(
             'shipment_id', s.id, 'shipment_number', s.shipment_number, 'status', s.status, 'carrier', s.carrier,
             'tracking_number', s.tracking_number, 'estimated_delivery_at', s.estimated_delivery_at,
             'shipped_at', s.shipped_at, 'delivered_at', s.delivered_at,
             'lines', (select jsonb_agg(jsonb_build_object('line_number', l.line_number, 'quantity', l.quantity) order by l.line_number)
                       from public.shipment_lines l
                       where l.account_id = s.account_id and l.shipment_id = s.id)) order by s.shipment_number), '[]')
    from public.shipments s
    where s.account_id = p_account_id and s.order_id = p_order_id);
end $function$;

CREATE OR REPLACE FUNCTION ledger.transaction_types()
  RETURNS text[]
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return array[
    'deposit', 'earning', 'bonus', 'adjustment', 'account_frozen', 'account_released',
    'order_created', 'order_edited', 'order_status_changed', 'order_shipped', 'order_cancelled', 'order_refunded',
    'payment_recorded', 'payment_voided', 'refund_paid_out', 'refund_failed', 'refund_withdrawn', 'vendor_earned', 'vendor_clawed_back',
    'withdrawal_requested', 'withdrawal_approved', 'withdrawal_paid', 'withdrawal_rejected', 'withdrawal_cancelled',
    'commission_earned', 'commission_clawed_back'];
end $function$;

CREATE OR REPLACE FUNCTION ledger.units_under_way (
  p_order_id uuid
)
  RETURNS TABLE (
    line_number integer,
    quantity    bigint
  )
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return query
    select l.line_number, sum(l.quantity)::bigint
    from public.shipment_lines l
    join public.shipments s on s.id = l.shipment_id
    where l.order_id = p_order_id and s.delivered_at is null
    group by l.line_number;
end $function$;

CREATE OR REPLACE FUNCTION ledger.variants_to_take_back (
  p_order   public.orders,
  p_lines   jsonb,
  p_ends    boolean,
  p_restock boolean
)
  RETURNS uuid[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (
    select coalesce(array_agg(distinct i.variant_id), '{}')
    from public.order_items i
    where i.account_id = p_order.account_id and i.order_id = p_order.id
      and case when p_ends then coalesce(p_restock, false) or p_order.status <> 'delivered'
               else p_lines @> jsonb_build_array(jsonb_build_object('line_number', i.line_number, 'restock', true))
                 or p_lines @> jsonb_build_array(jsonb_build_object('line_number', i.line_number, 'unshipped', true)) end);
end $function$;

CREATE OR REPLACE FUNCTION ledger.vendor_earners (
  p_order_id uuid
)
  RETURNS uuid[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return coalesce((select array_agg(distinct e.owner_user_id) from public.vendor_earnings e
                   where e.order_id = p_order_id and e.owner_user_id is not null), '{}');
end $function$;

CREATE OR REPLACE FUNCTION ledger.vendor_figures (
  p_range     ledger.report_range,
  p_vendor_id uuid
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (
    with per_order as (
      select o.id, o.currency, o.status, sum(i.quantity) as units, sum(i.total_price_amount) as gross_amount,
             sum(i.discount_amount) as discount_amount, sum(l.base_amount) as base_amount, sum(l.vendor_amount) as share_amount
      from public.order_items i
      join public.orders o on o.id = i.order_id
      cross join lateral ledger.line_part(i, o.prices_include_tax, i.quantity) l
      where i.vendor_id = p_vendor_id and i.order_id >= p_range.first_id and i.order_id < p_range.last_id
        and o.id >= p_range.first_id and o.id < p_range.last_id
        and o.created_at >= p_range.from_at and o.created_at < p_range.to_at
      group by o.id, o.currency, o.status),
    per_status as (
      select p.currency, p.status, count(*) as orders, sum(p.units) as units, sum(p.gross_amount) as gross_amount,
             sum(p.discount_amount) as discount_amount, sum(p.base_amount) as base_amount, sum(p.share_amount) as share_amount,
             coalesce(sum(e.share_amount), 0) as earned_amount, coalesce(sum(e.clawed_back_amount), 0) as clawed_back_amount,
             coalesce(sum(e.share_amount - e.clawed_back_amount) filter (where e.account_id is not null), 0) as wallet_amount
      from per_order p
      left join public.vendor_earnings e on e.order_id = p.id and e.vendor_id = p_vendor_id
      group by p.currency, p.status)
    select coalesce(jsonb_agg(c.figures order by c.currency), '[]')
    from (
      select s.currency, jsonb_build_object(
        'currency', s.currency,
        'orders', coalesce(sum(s.orders) filter (where ledger.is_sale(s.status)), 0),
        'units', coalesce(sum(s.units) filter (where ledger.is_sale(s.status)), 0),
        'gross_amount', coalesce(sum(s.gross_amount) filter (where ledger.is_sale(s.status)), 0),
        'discount_amount', coalesce(sum(s.discount_amount) filter (where ledger.is_sale(s.status)), 0),
        'platform_fee_amount', coalesce(sum(s.base_amount - s.share_amount) filter (where ledger.is_sale(s.status)), 0),
        'share_amount', coalesce(sum(s.share_amount) filter (where ledger.is_sale(s.status)), 0),
        'earned_amount', sum(s.earned_amount),
        'clawed_back_amount', sum(s.clawed_back_amount),
        'paid_to_wallet_amount', sum(s.wallet_amount),
        'payable_amount', sum(s.earned_amount - s.clawed_back_amount - s.wallet_amount),
        'by_status', jsonb_agg(jsonb_build_object(
          'status', s.status, 'orders', s.orders, 'units', s.units, 'gross_amount', s.gross_amount,
          'discount_amount', s.discount_amount, 'platform_fee_amount', s.base_amount - s.share_amount,
          'share_amount', s.share_amount, 'earned_amount', s.earned_amount, 'clawed_back_amount', s.clawed_back_amount)
          order by array_position(ledger.order_statuses(), s.status))) as figures
      from per_status s
      group by s.currency) c);
end $function$;

CREATE OR REPLACE FUNCTION ledger.vendor_may_see_address (
  p_order_status text
)
  RETURNS boolean
  LANGUAGE sql
  IMMUTABLE
  PARALLEL SAFE
RETURN (p_order_status = ANY (ARRAY['confirmed'::text, 'processing'::text, 'shipped'::text, 'delivered'::text]));

CREATE OR REPLACE FUNCTION ledger.vendor_shares (
  p_order public.orders
)
  RETURNS ledger.vendor_share[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  -- a house that sells its own goods alone pays for one look at the lines
  perform from public.order_items i
  where i.account_id = p_order.account_id and i.order_id = p_order.id and i.vendor_id is not null;
  if not found then
    return null;
  end if;

  return (
    select array_agg(row(s.vendor_id, v.owner_user_id, s.base_amount, s.share_amount)::ledger.vendor_share order by s.vendor_id)
    from (
      select i.vendor_id, sum(whole.base_amount - back.base_amount)::bigint as base_amount,
             sum(whole.vendor_amount - back.vendor_amount)::bigint as share_amount
      from public.order_items i
      left join ledger.refunded_units(p_order.id) r on r.line_number = i.line_number
      cross join lateral ledger.line_part(i, p_order.prices_include_tax, i.quantity) whole
      cross join lateral ledger.line_part(i, p_order.prices_include_tax, coalesce(r.quantity, 0)) back
      where i.account_id = p_order.account_id and i.order_id = p_order.id and i.vendor_id is not null
      group by i.vendor_id) s
    join public.vendors v on v.id = s.vendor_id);
end $function$;

CREATE OR REPLACE FUNCTION ledger.vendors_of_call (
  p_actor      ledger.actor,
  p_vendor_id  uuid,
  p_permission text
)
  RETURNS uuid[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  if p_vendor_id is null then
    return coalesce((select array_agg(v.id order by v.id) from public.vendors v where v.owner_user_id = p_actor.user_id), '{}');
  end if;
  return coalesce((
    select array[v.id]
    from public.vendors v
    where v.id = p_vendor_id and (v.owner_user_id = p_actor.user_id or ledger.has_permission(p_actor, p_permission))), '{}');
end $function$;

CREATE OR REPLACE FUNCTION ledger.wallet_part (
  p_payment_method text,
  p_is_offered     boolean,
  p_wallet_amount  bigint,
  p_total          bigint,
  p_available      bigint
)
  RETURNS bigint
  LANGUAGE sql
  IMMUTABLE
  PARALLEL SAFE
RETURN CASE WHEN (NOT p_is_offered) THEN NULL::bigint WHEN (p_payment_method = 'wallet'::text) THEN CASE WHEN
  ((COALESCE(p_wallet_amount, p_total) = p_total) AND (p_total <= GREATEST(p_available, (0)::bigint))) THEN p_total ELSE NULL::bigint END WHEN
  (p_payment_method = 'wallet_partial'::text) THEN CASE WHEN (p_wallet_amount IS NULL) THEN LEAST(p_total, GREATEST(p_available, (0)::bigint)) WHEN
  ((p_wallet_amount >= 0) AND (p_wallet_amount <= LEAST(p_total, GREATEST(p_available, (0)::bigint)))) THEN p_wallet_amount ELSE NULL::bigint END WHEN
  (COALESCE(p_wallet_amount, (0)::bigint) = 0) THEN (0)::bigint ELSE NULL::bigint END;

CREATE OR REPLACE FUNCTION ledger.whole_order (
  p_order public.orders
)
  RETURNS ledger.order_part
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_part ledger.order_part := ledger.part_of_lines(p_order);
begin
  v_part.shipping_amount := p_order.shipping_amount;
  return v_part;
end $function$;

CREATE OR REPLACE FUNCTION ledger.write_edit_refund (
  p_order  public.orders,
  p_money  ledger.edit_money,
  p_to     text,
  p_reason text,
  p_actor  ledger.actor
)
  RETURNS uuid
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_refund_id uuid := ledger.uuid_v7();
begin
  if p_money.returned_amount = 0 then
    return null;
  end if;
  insert into public.refunds
    (id, account_id, order_id, currency, wallet_amount, credit_amount, payout_amount, payout_status, destination, reason, actor_id)
  values
    (v_refund_id, p_order.account_id, p_order.id, p_order.currency, p_money.wallet_amount, p_money.credit_amount, p_money.payout_amount,
     case when p_money.payout_amount > 0 then 'pending' else 'none' end, p_to, p_reason, p_actor.user_id);
  return v_refund_id;
end $function$;

CREATE OR REPLACE FUNCTION ledger.write_edited_discount (
  p_order public.orders,
  p_edit  ledger.edited_order
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  if p_edit.keeps_discount then
    update public.discount_redemptions r set amount = p_edit.discount_amount
    where r.order_id = p_order.id and r.amount <> p_edit.discount_amount;
  elsif p_order.discount_code_id is not null then
    update public.discount_usage u set redemptions = u.redemptions - 1 where u.discount_code_id = p_order.discount_code_id;
    update public.discount_redemptions r set released_at = clock_timestamp() where r.order_id = p_order.id;
  end if;
end $function$;

CREATE OR REPLACE FUNCTION ledger.write_edited_lines (
  p_order public.orders,
  p_edit  ledger.edited_order
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  delete from public.order_items i
  where i.account_id = p_order.account_id and i.order_id = p_order.id
    and i.line_number <> all (select l.line_number from unnest(p_edit.lines) l);
  update public.order_items i set
    quantity = l.quantity,
    total_price_amount = l.total_price_amount,
    discount_amount = l.discount_amount,
    tax_amount = l.tax_amount
  from unnest(p_edit.lines) l
  where i.account_id = p_order.account_id and i.order_id = p_order.id and i.line_number = l.line_number
    and (i.quantity, i.discount_amount, i.tax_amount) <> (l.quantity, l.discount_amount, l.tax_amount);
  insert into public.order_items
    (account_id, order_id, line_number, variant_id, vendor_id, product_name, product_sku, variant_name, quantity,
     unit_price_amount, total_price_amount, discount_amount, tax_rate_bp, tax_amount, platform_rate_bp)
  select p_order.account_id, p_order.id, l.line_number, l.variant_id, l.vendor_id, l.product_name, l.product_sku, l.variant_name,
         l.quantity, l.unit_price_amount, l.total_price_amount, l.discount_amount, l.tax_rate_bp, l.tax_amount, l.platform_rate_bp
  from unnest(p_edit.lines) l
  where not exists (select from unnest(p_edit.lines_before) b where b.line_number = l.line_number);
end $function$;

CREATE OR REPLACE FUNCTION ledger.write_edited_order (
  p_order public.orders,
  p_edit  ledger.edited_order,
  p_money ledger.edit_money
)
  RETURNS public.orders
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_order public.orders;
begin
  update public.orders o set
    subtotal_amount = p_edit.subtotal_amount,
    discount_amount = p_edit.discount_amount,
    tax_amount = p_edit.tax_amount,
    total_amount = p_edit.total_amount,
    discount_code_id = case when p_edit.keeps_discount then o.discount_code_id end,
    wallet_amount = o.wallet_amount + p_money.taken_amount,
    paid_amount = o.paid_amount + p_money.taken_amount,
    refunded_amount = o.refunded_amount + p_money.returned_amount,
    wallet_refunded_amount = o.wallet_refunded_amount + p_money.wallet_amount,
    payment_status = ledger.payment_status_of(p_edit.total_amount, o.credited_amount, o.paid_amount + p_money.taken_amount,
                                              o.refunded_amount + p_money.returned_amount, o.payment_status),
    version = o.version + 1,
    updated_at = clock_timestamp()
  where o.account_id = p_order.account_id and o.id = p_order.id
  returning o.* into v_order;
  return v_order;
end $function$;

CREATE OR REPLACE FUNCTION ledger.write_goods_back (
  p_order          public.orders,
  p_status         text,
  p_taken          ledger.taken_line[],
  p_restock        boolean,
  p_return_id      uuid,
  p_actor          ledger.actor,
  p_correlation_id uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_ends boolean := p_status <> p_order.status;
  v_may_still_come boolean := p_order.status = 'delivered' and p_status = 'refunded' and not coalesce(p_restock, false);
  v_variant_ids uuid[];
  v_quantities bigint[];
begin
  if v_ends and p_order.status <> 'delivered' then
    perform ledger.drop_backorders(p_order.id);
  else
    perform ledger.drop_open_units(p_order.id, array_agg(t.variant_id), array_agg(t.quantity), false)
    from (select t.variant_id, sum(t.unshipped_quantity - t.restocked_quantity)::bigint as quantity
          from unnest(p_taken) t
          where t.unshipped_quantity > t.restocked_quantity
          group by t.variant_id) t
    having count(*) > 0;
  end if;
  select array_agg(g.variant_id), array_agg(g.quantity) into v_variant_ids, v_quantities
  from (select t.variant_id, sum(t.restocked_quantity)::bigint as quantity
        from unnest(p_taken) t
        where t.restocked_quantity > 0
        group by t.variant_id) g;
  if v_variant_ids is not null then
    perform ledger.restock(v_variant_ids, v_quantities, case p_status when 'cancelled' then 'order_cancelled' else 'order_refunded' end,
                           p_actor, p_order.id, p_correlation_id);
  end if;

  if p_return_id is null then
    perform ledger.settle_received_units(p_order.id,
      array(select t.line_number from unnest(p_taken) t order by t.line_number),
      array(select t.quantity - t.unshipped_quantity from unnest(p_taken) t order by t.line_number));
  end if;
  if v_ends then
    perform ledger.end_returns(p_order, v_may_still_come, p_actor, p_correlation_id, p_return_id);
    if p_order.status <> 'delivered' and p_order.discount_code_id is not null then
      update public.discount_usage u set redemptions = u.redemptions - 1 where u.discount_code_id = p_order.discount_code_id;
      update public.discount_redemptions r set released_at = clock_timestamp() where r.order_id = p_order.id;
    end if;
  end if;
end $function$;

CREATE OR REPLACE FUNCTION ledger.write_operation (
  p_account_id      uuid,
  p_account_version bigint,
  p_balance_after   bigint,
  p_type            text,
  p_amount          bigint,
  p_effect          jsonb,
  p_actor_id        uuid,
  p_actor_action    text,
  p_metadata        jsonb,
  p_order_id        uuid,
  p_currency        text,
  p_legs            ledger.posting_leg[],
  p_event_type      text,
  p_payload         jsonb,
  p_texts           jsonb
)
  RETURNS uuid
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_headers jsonb := ledger.request_headers();
  v_correlation_id uuid := ledger.correlation_id_in(v_headers);
  v_transaction_id uuid;
  v_event_id bigint := nextval('ledger.event_id_seq');
  v_now timestamptz;
begin
  insert into public.transactions as t
    (account_id, account_version, type, amount, balance_after, order_id, actor_id, actor_action, metadata, correlation_id)
  values
    (p_account_id, p_account_version, p_type, p_amount, p_balance_after, p_order_id, p_actor_id, p_actor_action,
     coalesce(p_metadata, '{}'), v_correlation_id)
  returning t.id into v_transaction_id;

  if p_legs is not null then
    insert into public.postings (account_id, transaction_id, leg_number, debit_account, credit_account, amount, currency)
    select p_account_id, v_transaction_id, l.ordinality, l.debit_account, l.credit_account, l.amount, p_currency
    from unnest(p_legs) with ordinality l
    where l.amount <> 0;
  end if;

  insert into public.immutable_events as e
    (id, event_type, stream_type, stream_id, account_id, payload, actor_id, correlation_id)
  values
    (v_event_id, p_event_type, case when p_order_id is null then 'account' else 'order' end, coalesce(p_order_id, p_account_id), p_account_id,
     p_payload || jsonb_build_object('transaction_id', v_transaction_id, 'transaction_type', p_type,
                                     'account_version', p_account_version, 'amount', p_amount, 'effect', p_effect)
       || case when p_texts is null then '{}'
               else ledger.set_texts_aside(v_event_id, p_account_id, case when p_order_id is null then 'account' else 'order' end, p_texts) end,
     p_actor_id, v_correlation_id)
  returning e.occurred_at into v_now;

  insert into public.audit_log
    (occurred_at, action, target_type, target_id, account_id, actor_id, actor_role, ip_address, user_agent, correlation_id)
  values
    (v_now, p_event_type, case when p_order_id is null then 'account' else 'order' end, coalesce(p_order_id, p_account_id)::text,
     p_account_id, p_actor_id, ledger.role_of_call(),
     ledger.client_address(v_headers), v_headers ->> 'user-agent', v_correlation_id);

  insert into ledger.outbox (account_id, type, event_id, created_at, next_retry_at)
  values (p_account_id, p_event_type, v_event_id, v_now, v_now);
  return v_transaction_id;
end $function$;

CREATE OR REPLACE FUNCTION ledger.write_refund (
  p_refund_id uuid,
  p_order     public.orders,
  p_return_id uuid,
  p_part      ledger.order_part,
  p_taken     ledger.taken_line[],
  p_money     ledger.returned_money,
  p_to        text,
  p_reason    text,
  p_actor     ledger.actor
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  insert into public.refunds
    (id, account_id, order_id, return_id, currency, goods_amount, discount_amount, tax_amount, shipping_amount, allowance_amount,
     allowance_tax_amount, credited_amount, wallet_amount, credit_amount, payout_amount, payout_status, destination, reason, actor_id)
  values
    (p_refund_id, p_order.account_id, p_order.id, p_return_id, p_order.currency, p_part.goods_amount, p_part.discount_amount, p_part.tax_amount,
     p_part.shipping_amount, p_part.allowance_amount, p_part.allowance_tax_amount, ledger.cost_of(p_part), p_money.wallet_amount,
     p_money.credit_amount, p_money.payout_amount, case when p_money.payout_amount > 0 then 'pending' else 'none' end, p_to, p_reason,
     p_actor.user_id);
  insert into public.refund_lines
    (refund_id, line_number, account_id, order_id, quantity, unshipped_quantity, restocked_quantity, goods_amount, discount_amount,
     tax_amount, total_amount, base_amount, vendor_amount)
  select p_refund_id, t.line_number, p_order.account_id, p_order.id, t.quantity, t.unshipped_quantity, t.restocked_quantity,
         t.goods_amount, t.discount_amount, t.tax_amount, t.total_amount, t.base_amount, t.vendor_amount
  from unnest(p_taken) t;
end $function$;

CREATE OR REPLACE FUNCTION public.ledger_adjust_stock (
  p_variant_id      uuid,
  p_quantity        bigint,
  p_reason          text   DEFAULT 'received'::text,
  p_notes           text   DEFAULT NULL::text,
  p_idempotency_key text   DEFAULT NULL::text,
  p_actor_id        uuid   DEFAULT NULL::uuid
)
  RETURNS SETOF public.ledger_adjust_stock_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_variant public.variants;
  v_shares ledger.slot_share[];
  v_on_hand bigint;
  v_available bigint;
  v_correlation_id uuid := ledger.correlation_id();
begin
  -- who may
  v_actor := ledger.current_actor(p_actor_id);
  perform ledger.require_permission(v_actor, 'stock.adjust');

  -- asked before
  v_request := jsonb_build_array(p_variant_id, p_quantity, p_reason, p_notes, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_adjust_stock', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_adjust_stock_result, v_answer);
    return;
  end if;

  -- lock: all of the variant's stock
  select v.* into v_variant from public.variants v where v.id = p_variant_id;
  perform ledger.lock_all_stock(array[p_variant_id]);
  v_shares := ledger.lock_slots(p_variant_id, null, case when p_quantity between -9007199254740991 and 0 then -p_quantity else 0 end, null, null);
  select sum(s.on_hand), sum(s.available) into v_on_hand, v_available from unnest(v_shares) s;

  -- check
  v_answer := case
    when v_variant.id is null then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_variant_id', 'problem', 'there is no such product variant'))
    when p_reason is null or p_reason not in ('received', 'counted', 'damaged') then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'one of received, counted, damaged'))
    when p_quantity not between -9007199254740991 and 9007199254740991 then
      ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
    when p_quantity is null or p_quantity = 0 or (p_reason = 'received' and p_quantity < 0) or (p_reason = 'damaged' and p_quantity > 0) then
      ledger.refuse('invalid_amount', jsonb_build_object('amount', p_quantity, 'expected',
        case p_reason when 'received' then 'above zero' when 'damaged' then 'below zero' else 'other than zero' end))
    when length(p_notes) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_notes', 'problem', 'at most 2000 characters'))
    -- far below what a column holds, so that what orders bring back always fits
    when v_on_hand + p_quantity > 1000000000000 then
      ledger.refuse('stock_too_large', jsonb_build_object('name', v_variant.name, 'maximum', 1000000000000))
    when v_available + p_quantity < 0 then
      ledger.refuse('stock_below_zero', jsonb_build_object('name', v_variant.name, 'quantity', -p_quantity, 'available', v_available))
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_adjust_stock_result, v_answer);
    return;
  end if;

  -- write: stock, movements
  perform set_config('ledger.procedure', 'ledger_adjust_stock', true);
  perform ledger.move_in_slots(array_agg(p_variant_id), array_agg(s.slot), array_agg(s.quantity), null, p_reason, v_actor, null, p_notes)
  from (select w.slot, case when p_quantity > 0 then p_quantity else -w.taken end as quantity from unnest(v_shares) w) s
  where case when p_quantity > 0 then s.slot = 0 else s.quantity < 0 end;

  -- record; what came in goes on to who waits for it
  perform ledger.record_operation('stock.adjusted', 'variant', p_variant_id, null,
    jsonb_build_object('quantity', p_quantity, 'reason', p_reason, 'notes', p_notes, 'on_hand_after', v_on_hand + p_quantity),
    v_actor, v_correlation_id);
  v_on_hand := v_on_hand + p_quantity;
  if p_quantity > 0 then
    v_on_hand := v_on_hand - ledger.fill_backorders(array[p_variant_id], array[0::smallint], v_actor, v_correlation_id);
  end if;
  perform ledger.alert_low_stock(array[p_variant_id], array[p_quantity]);

  -- answer
  v_answer := jsonb_build_object('success', true, 'variant_id', p_variant_id, 'stock_quantity', v_on_hand);
  v_answer := ledger.idempotency_end('ledger_adjust_stock', p_idempotency_key, v_actor.caller_id, v_request, null, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.ledger_adjust_stock_result, v_answer);
end $function$;

CREATE OR REPLACE FUNCTION public.ledger_bulk_change_status (
  p_order_ids       uuid[],
  p_new_status      text,
  p_metadata        jsonb   DEFAULT '{}'::jsonb,
  p_actor_action    text    DEFAULT NULL::text,
  p_idempotency_key text    DEFAULT NULL::text,
  p_actor_id        uuid    DEFAULT NULL::uuid,
  p_in_background   boolean DEFAULT false
)
  RETURNS SETOF public.ledger_bulk_change_status_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_status text := lower(trim(p_new_status));
  v_statuses text[] := ledger.order_statuses();
  v_maximum integer := case when p_in_background then 10000 else 500 end;
  v_bulk_change_id uuid := ledger.uuid_v7();
begin
  -- who may: staff who may read orders; which change, each order says for itself
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'orders.read');

  -- asked before
  v_request := jsonb_build_array(p_order_ids, v_status, p_metadata, p_actor_action, p_actor_id, p_in_background);
  v_answer := ledger.idempotency_begin('ledger_bulk_change_status', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer ? 'bulk_change_id' then
    return query select a.* from ledger.bulk_change_answers((v_answer ->> 'bulk_change_id')::uuid) a;
    return;
  end if;

  -- check the call; the orders are checked one by one
  v_answer := coalesce(v_answer, case
    when p_in_background is null then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_in_background', 'problem', 'true or false'))
    when array_ndims(p_order_ids) > 1 or coalesce(cardinality(p_order_ids), 0) not between 1 and v_maximum
      or array_position(p_order_ids, null) is not null then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_order_ids',
        'problem', format('a list of 1 to %s orders', v_maximum)))
    when v_status is null or v_status <> all (v_statuses) then
      ledger.refuse('unknown_status', jsonb_build_object('known', array_to_string(v_statuses, ', '), 'status', coalesce(p_new_status, 'null')))
    when coalesce(jsonb_typeof(p_metadata), 'object') <> 'object' or octet_length(p_metadata::text) > 16384 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_metadata', 'problem', 'a JSON object of at most 16 KB'))
    when length(p_actor_action) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_actor_action', 'problem', 'at most 2000 characters'))
  end);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_bulk_change_status_result, v_answer);
    return;
  end if;

  -- write: the list, each order once; then the orders
  perform set_config('ledger.procedure', 'ledger_bulk_change_status', true);
  insert into public.bulk_changes (id, new_status, metadata, actor_action, asked_by, asked_by_backend, asked_orders)
  select v_bulk_change_id, v_status, coalesce(p_metadata, '{}'), p_actor_action, v_actor.user_id, v_actor.is_system,
         count(distinct a.order_id)
  from unnest(p_order_ids) a (order_id);
  insert into public.bulk_change_orders (bulk_change_id, position, order_id)
  select v_bulk_change_id, row_number() over (order by min(a.position)), a.order_id
  from unnest(p_order_ids) with ordinality a (order_id, position)
  group by a.order_id;
  if not p_in_background then
    perform ledger.carry_out_bulk_change(v_bulk_change_id, v_maximum);
  end if;

  -- answer; the key names the list, which is kept
  v_answer := ledger.idempotency_end('ledger_bulk_change_status', p_idempotency_key, v_actor.caller_id, v_request, null,
    jsonb_build_object('bulk_change_id', v_bulk_change_id));
  perform set_config('ledger.procedure', '', true);
  return query select a.* from ledger.bulk_change_answers(v_bulk_change_id) a;
end $function$;

REVOKE ALL ON FUNCTION "public"."ledger_bulk_change_status"(uuid[], text, jsonb, text, text, uuid, boolean) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.ledger_cancel_order (
  p_order_id        uuid,
  p_reason          text DEFAULT NULL::text,
  p_idempotency_key text DEFAULT NULL::text,
  p_user_id         uuid DEFAULT NULL::uuid,
  p_to              text DEFAULT 'wallet'::text
)
  RETURNS SETOF public.ledger_cancel_order_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_user_id uuid;
  v_request jsonb;
  v_answer jsonb;
  v_order public.orders;
  v_window integer := ledger.setting_text('cancellation_window_minutes')::integer;
  v_change ledger.order_change;
  v_phase text;
  v_result public.ledger_cancel_order_result;
begin
  -- who may
  v_actor := ledger.current_actor();
  v_user_id := ledger.customer_of_call(v_actor, p_user_id, 'orders.cancel');

  -- asked before
  v_request := case when p_idempotency_key is not null then jsonb_build_array(v_user_id, p_order_id, p_reason, p_to) end;
  v_answer := ledger.idempotency_begin('ledger_cancel_order', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is null and not v_actor.is_system then
    v_answer := ledger.rate_limit_take(v_actor.user_id, 'ledger_cancel_order');
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_cancel_order_result, v_answer);
    return;
  end if;

  -- lock: order
  select o.* into v_order
  from public.orders o
  where o.id = p_order_id and o.user_id = v_user_id
  for no key update;

  -- check
  v_answer := case
    when v_user_id is null then ledger.refuse('customer_required')
    when v_order.id is null then ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id))
    when length(p_reason) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'at most 2000 characters'))
    when p_to is null or p_to not in ('wallet', 'original') then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_to', 'problem', 'wallet or original'))
    else coalesce(
      ledger.refuse_transition(v_order, 'cancelled'),
      case
        when not (select t.customer_may from public.order_status_transitions t
                  where t.from_status = v_order.status and t.to_status = 'cancelled') then
          ledger.refuse('cancellation_not_allowed', jsonb_build_object('order_number', v_order.order_number,
            'reason', format('it is already %s', v_order.status)))
        when clock_timestamp() > v_order.created_at + make_interval(mins => v_window) then
          ledger.refuse('cancellation_not_allowed', jsonb_build_object('order_number', v_order.order_number,
            'reason', format('it was placed more than %s minutes ago', v_window)))
      end)
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_cancel_order_result, v_answer);
    return;
  end if;

  -- write and record
  v_phase := set_config('ledger.procedure', 'ledger_cancel_order', true);
  v_change := ledger.apply_order_status(v_order, 'cancelled', v_actor, coalesce(p_reason, 'cancelled by the customer'),
                                        case p_to when 'wallet' then '{}' else jsonb_build_object('refund_to', p_to) end);
  if v_change.refusal is not null then
    perform set_config('ledger.procedure', '', true);
    return next jsonb_populate_record(null::public.ledger_cancel_order_result, v_change.refusal);
    return;
  end if;

  -- answer, stored under the key
  v_result := row(true, v_change.transaction_id, null, null, null, v_order.id, v_change.order_status, v_change.payment_status,
                  v_change.returned_amount, v_change.available_balance);
  if p_idempotency_key is not null then
    v_answer := ledger.idempotency_end('ledger_cancel_order', p_idempotency_key, v_actor.caller_id, v_request, v_order.account_id, to_jsonb(v_result));
  end if;
  v_phase := set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."ledger_cancel_order"(uuid, text, text, uuid, text) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.ledger_change_order_status (
  p_user_id         uuid,
  p_reference_id    uuid,
  p_old_status      text,
  p_new_status      text,
  p_amount          bigint,
  p_metadata        jsonb  DEFAULT '{}'::jsonb,
  p_actor_id        uuid   DEFAULT NULL::uuid,
  p_actor_action    text   DEFAULT NULL::text,
  p_idempotency_key text   DEFAULT NULL::text
)
  RETURNS SETOF public.ledger_change_order_status_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_old text := lower(trim(p_old_status));
  v_new text := lower(trim(p_new_status));
  v_order_id uuid;
  v_account_id uuid;
  v_order_number text;
  v_currency text;
  v_permission text;
  v_may_go boolean;
  v_order public.orders;
  v_change ledger.order_change;
  v_phase text;
  v_result public.ledger_change_order_status_result;
begin
  -- who may: staff who may read orders; which change, their permissions say below
  v_actor := ledger.actor_with(p_actor_id, 'orders.read');

  -- asked before
  if p_idempotency_key is not null then
    v_request := jsonb_build_array(p_user_id, p_reference_id, v_old, v_new, p_amount, p_metadata, p_actor_id, p_actor_action);
    v_answer := ledger.idempotency_begin('ledger_change_order_status', p_idempotency_key, v_actor.caller_id, v_request);
    if v_answer is not null then
      return next jsonb_populate_record(null::public.ledger_change_order_status_result, v_answer);
      return;
    end if;
  end if;

  -- lock: order; its transition is looked up by what the caller says, which has to be the order's status anyway
  select o.id, o.account_id, o.order_number, o.currency, t.permission,
         t.permission is not null and o.status = v_old and o.total_amount = p_amount
           and (not t.needs_payment or o.amount_due = 0 or o.payment_status = 'in_grace')
  into v_order_id, v_account_id, v_order_number, v_currency, v_permission, v_may_go
  from public.orders o
  left join public.order_status_transitions t on t.from_status = v_old and t.to_status = v_new
  where o.id = p_reference_id and o.user_id = p_user_id
  for no key update of o;

  -- check; refusals are worded only where one may be needed
  if v_may_go is not true or p_metadata is distinct from '{}' or p_actor_action is not null then
    select o.* into v_order from public.orders o where o.id = v_order_id;
    v_answer := ledger.refuse_status_change(v_order, p_reference_id, p_old_status, p_new_status, p_amount, p_metadata, p_actor_action);
    v_permission := (select t.permission from public.order_status_transitions t where t.from_status = v_order.status and t.to_status = v_new);
  end if;
  if v_permission is not null and not v_actor.is_system then
    v_actor := ledger.require_permission(v_actor, v_permission);
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_change_order_status_result, v_answer);
    return;
  end if;

  -- write and record
  v_phase := set_config('ledger.procedure', 'ledger_change_order_status', true);
  if v_new in ('shipped', 'delivered', 'cancelled', 'refunded') then
    select o.* into v_order from public.orders o where o.id = v_order_id;
    v_change := ledger.apply_order_status(v_order, v_new, v_actor, p_actor_action, p_metadata);
  else
    v_change := ledger.change_status_plainly(v_account_id, v_order_id, v_order_number, p_user_id, v_currency, v_old, v_new,
                                             v_actor.user_id, p_actor_action, p_metadata);
  end if;
  if v_change.refusal is not null then
    v_phase := set_config('ledger.procedure', '', true);
    return next jsonb_populate_record(null::public.ledger_change_order_status_result, v_change.refusal);
    return;
  end if;

  -- answer, stored under the key
  v_result := row(true, v_change.transaction_id, null, null, null, v_order_id, v_change.order_status, v_change.payment_status,
                  v_change.returned_amount, case when ledger.has_permission(v_actor, 'accounts.read') then v_change.available_balance end);
  if p_idempotency_key is not null then
    v_answer := ledger.idempotency_end('ledger_change_order_status', p_idempotency_key, v_actor.caller_id, v_request, v_account_id, to_jsonb(v_result));
  end if;
  v_phase := set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

CREATE OR REPLACE FUNCTION public.ledger_confirm_delivery (
  p_shipment_id     uuid,
  p_delivered_at    timestamp with time zone DEFAULT NULL::timestamp WITH time zone,
  p_idempotency_key text                     DEFAULT NULL::text,
  p_actor_id        uuid                     DEFAULT NULL::uuid
)
  RETURNS SETOF public.ledger_confirm_delivery_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_order public.orders;
  v_shipment public.shipments;
  v_delivered_at timestamptz := coalesce(p_delivered_at, clock_timestamp());
  v_is_last boolean;
  v_change ledger.order_change;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'orders.deliver');

  -- asked before
  v_request := jsonb_build_array(p_shipment_id, p_delivered_at, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_confirm_delivery', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_confirm_delivery_result, v_answer);
    return;
  end if;

  -- lock: order; the shipment is read again under it, because whoever changes a shipment holds its order
  select o.* into v_order
  from public.orders o
  where o.id = (select s.order_id from public.shipments s where s.id = p_shipment_id)
  for no key update;
  select s.* into v_shipment
  from public.shipments s
  where s.account_id = v_order.account_id and s.id = p_shipment_id;

  -- check
  v_answer := case
    when v_shipment.id is null then ledger.refuse('shipment_not_found', jsonb_build_object('shipment_id', p_shipment_id))
    when v_shipment.delivered_at is not null then ledger.refuse('shipment_conflict', jsonb_build_object(
      'shipment_id', p_shipment_id, 'shipment_number', v_shipment.shipment_number, 'order_number', v_order.order_number,
      'delivered_at', v_shipment.delivered_at))
    when v_delivered_at not between v_order.created_at and clock_timestamp() then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_delivered_at',
        'problem', 'a moment after the order was placed and not in the future'))
  end;
  if v_answer is null then
    v_is_last := not exists (select from public.shipments s
                             where s.account_id = v_order.account_id and s.order_id = v_order.id
                               and s.delivered_at is null and s.id <> p_shipment_id)
      and not exists (select from ledger.shippable_lines(v_order) s where s.shipped_quantity < s.quantity);
    if v_is_last or v_order.status in ('cancelled', 'refunded', 'rejected') then
      v_answer := ledger.refuse_transition(v_order, 'delivered');
      v_actor := ledger.require_transition(v_actor, v_order.status, 'delivered');
    end if;
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_confirm_delivery_result, v_answer);
    return;
  end if;

  -- write and record
  perform set_config('ledger.procedure', 'ledger_confirm_delivery', true);
  if v_is_last then
    v_change := ledger.apply_order_status(v_order, 'delivered', v_actor, null, jsonb_build_object('delivered_at', v_delivered_at));
    if v_change.refusal is not null then
      perform set_config('ledger.procedure', '', true);
      return next jsonb_populate_record(null::public.ledger_confirm_delivery_result, v_change.refusal);
      return;
    end if;
  else
    perform ledger.deliver_shipments(v_order, p_shipment_id, v_delivered_at, v_actor, ledger.correlation_id());
  end if;

  -- answer, stored under the key
  v_answer := jsonb_build_object('success', true, 'transaction_id', v_change.transaction_id, 'order_id', v_order.id,
    'shipment_id', p_shipment_id, 'shipment_number', v_shipment.shipment_number, 'delivered_at', v_delivered_at,
    'order_status', coalesce(v_change.order_status, v_order.status));
  v_answer := ledger.idempotency_end('ledger_confirm_delivery', p_idempotency_key, v_actor.caller_id, v_request, v_order.account_id, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.ledger_confirm_delivery_result, v_answer);
end $function$;

REVOKE ALL ON FUNCTION "public"."ledger_confirm_delivery"(uuid, timestamp WITH time zone, text, uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.ledger_continue_bulk_change (
  p_bulk_change_id uuid,
  p_limit          integer DEFAULT 100
)
  RETURNS SETOF public.ledger_continue_bulk_change_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_bulk public.bulk_changes;
begin
  -- who may: whoever asked for it, so that the changes are theirs; and backends
  v_actor := ledger.require_permission(ledger.current_actor(), 'orders.read');

  -- check
  select b.* into v_bulk
  from public.bulk_changes b
  where b.id = p_bulk_change_id and (v_actor.is_system or (b.asked_by = v_actor.user_id and not b.asked_by_backend));
  if v_bulk.id is null then
    return next jsonb_populate_record(null::public.ledger_continue_bulk_change_result,
      ledger.refuse('bulk_change_not_found', jsonb_build_object('bulk_change_id', p_bulk_change_id)));
    return;
  elsif p_limit is null or p_limit not between 1 and 500 then
    return next jsonb_populate_record(null::public.ledger_continue_bulk_change_result,
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_limit', 'problem', 'a number from 1 to 500')));
    return;
  end if;

  -- write, and answer
  perform ledger.carry_out_bulk_change(p_bulk_change_id, p_limit);
  return query
    select true, null::uuid, null::text, null::text, null::jsonb,
           b.id, b.asked_orders, b.waiting_orders, b.succeeded_orders, b.failed_orders
    from public.bulk_changes b
    where b.id = p_bulk_change_id;
end $function$;

REVOKE ALL ON FUNCTION "public"."ledger_continue_bulk_change"(uuid, integer) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.ledger_credit_account (
  p_user_id         uuid,
  p_amount          bigint,
  p_type            text   DEFAULT 'deposit'::text,
  p_currency        text   DEFAULT NULL::text,
  p_notes           text   DEFAULT NULL::text,
  p_metadata        jsonb  DEFAULT '{}'::jsonb,
  p_idempotency_key text   DEFAULT NULL::text,
  p_actor_id        uuid   DEFAULT NULL::uuid
)
  RETURNS SETOF public.ledger_credit_account_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_account_id uuid;
  v_currency text;
  v_version bigint;
  v_earned bigint;
  v_available bigint;
  v_is_checked boolean := false;
  v_transaction_id uuid;
  v_phase text;
  v_result public.ledger_credit_account_result;
begin
  -- who may
  v_actor := ledger.actor_with(p_actor_id, case p_type when 'adjustment' then 'accounts.adjust' else 'accounts.credit' end);

  -- asked before
  if p_idempotency_key is not null then
    v_request := jsonb_build_array(p_user_id, p_amount, p_type, p_currency, p_notes, p_metadata, p_actor_id);
    v_answer := ledger.idempotency_begin('ledger_credit_account', p_idempotency_key, v_actor.caller_id, v_request);
  end if;

  -- check what needs no lock; refusals are worded only where one may be needed
  if v_answer is null and (p_user_id is null or p_type is null or p_type not in ('deposit', 'earning', 'bonus', 'adjustment')
     or p_amount is null or p_amount not between 1 and 9007199254740991 or p_notes is not null or p_metadata is distinct from '{}') then
    v_answer := case
      when p_user_id is null then ledger.refuse('customer_required')
      when p_type is null or p_type not in ('deposit', 'earning', 'bonus', 'adjustment') then
        ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_type', 'problem', 'one of deposit, earning, bonus, adjustment'))
      when p_amount is null or p_amount = 0 or (p_amount < 0 and p_type <> 'adjustment') then
        ledger.refuse('invalid_amount', jsonb_build_object('amount', p_amount,
          'expected', case p_type when 'adjustment' then 'other than zero' else 'above zero' end))
      when p_amount not between -9007199254740991 and 9007199254740991 then
        ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
      when length(p_notes) > 2000 or octet_length(p_metadata::text) > 16384 or coalesce(jsonb_typeof(p_metadata), 'object') <> 'object' then
        ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_notes, p_metadata',
          'problem', 'notes have at most 2000 characters; metadata is a JSON object of at most 16 KB'))
    end;
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_credit_account_result, v_answer);
    return;
  end if;

  -- lock, check and write the account: one statement where it is open, not frozen and has room, as nearly always
  v_phase := set_config('ledger.procedure', 'ledger_credit_account', true);
  loop
    update public.accounts a set total_earned = a.total_earned + p_amount, version = a.version + 1, updated_at = clock_timestamp()
    where a.id = ledger.account_id(p_user_id, upper(coalesce(
            p_currency, (select s.value #>> '{}' from public.settings s where s.key = 'default_currency'))))
      and a.total_earned + p_amount <= 9007199254740991 and (p_amount > 0 or a.available_balance + p_amount >= 0)
      and (a.frozen_reason is null or v_is_checked)
    returning a.id, a.currency, a.version, a.available_balance into v_account_id, v_currency, v_version, v_available;
    exit when found;

    -- else lock it and say why not, or open it (a first credit), and then it has room; a frozen one may be an erased person's
    v_currency := upper(coalesce(p_currency, ledger.setting_text('default_currency')));
    select a.id, coalesce(a.total_earned, 0), coalesce(a.available_balance, 0) into v_account_id, v_earned, v_available
    from ledger.lock_account(p_user_id, v_currency, p_open => false) a;
    v_answer := coalesce(
      case when v_account_id is null then ledger.refuse_opening(p_user_id, v_currency) else ledger.refuse_erased(p_user_id) end,
      case when v_earned + p_amount > 9007199254740991 then ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
           when p_amount < 0 and v_available + p_amount < 0 then
             ledger.refuse('insufficient_funds', jsonb_build_object('required', -p_amount, 'available', v_available, 'currency', v_currency)) end);
    if v_answer is not null then
      v_phase := set_config('ledger.procedure', '', true);
      return next jsonb_populate_record(null::public.ledger_credit_account_result, v_answer);
      return;
    end if;
    v_is_checked := true;
    if v_account_id is null then
      insert into public.accounts (id, user_id, currency) values (ledger.account_id(p_user_id, v_currency), p_user_id, v_currency);
    end if;
  end loop;

  -- record: transaction, posting, event, audit, outbox
  v_transaction_id := ledger.write_operation(
    v_account_id, v_version, v_available, p_type, p_amount, jsonb_build_object('total_earned', p_amount),
    v_actor.user_id, coalesce(p_notes, p_type), p_metadata, null, v_currency,
    array[case p_type
      when 'deposit' then row('bank', 'wallet', p_amount)::ledger.posting_leg
      when 'adjustment' then
        case when p_amount > 0 then row('adjustments', 'wallet', p_amount)::ledger.posting_leg
             else row('wallet', 'adjustments', -p_amount)::ledger.posting_leg end
      else row('commission_expense', 'wallet', p_amount)::ledger.posting_leg end],
    'account.credited', jsonb_build_object('type', p_type, 'currency', v_currency),
    case when p_notes is not null or p_metadata <> '{}' then jsonb_build_object('notes', p_notes, 'metadata', p_metadata) end);

  -- answer, stored under the key
  v_result := row(true, v_transaction_id, null, null, null, v_account_id, p_amount, v_currency, v_available);
  if p_idempotency_key is not null then
    v_answer := ledger.idempotency_end('ledger_credit_account', p_idempotency_key, v_actor.caller_id, v_request, v_account_id, to_jsonb(v_result));
  end if;
  v_phase := set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

CREATE OR REPLACE FUNCTION public.ledger_edit_order (
  p_order_id         uuid,
  p_changes          jsonb,
  p_dry_run          boolean DEFAULT false,
  p_expected_version bigint  DEFAULT NULL::bigint,
  p_expected_total   bigint  DEFAULT NULL::bigint,
  p_wallet_amount    bigint  DEFAULT NULL::bigint,
  p_to               text    DEFAULT 'wallet'::text,
  p_reason           text    DEFAULT NULL::text,
  p_idempotency_key  text    DEFAULT NULL::text,
  p_user_id          uuid    DEFAULT NULL::uuid,
  p_actor_id         uuid    DEFAULT NULL::uuid
)
  RETURNS SETOF public.ledger_edit_order_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_by_staff boolean;
  v_user_id uuid;
  v_key text := case when p_dry_run is not true then p_idempotency_key end;
  v_request jsonb;
  v_answer jsonb;
  v_settings jsonb := ledger.all_settings();
  v_changes ledger.order_changes;
  v_order public.orders;
  v_new public.orders;
  v_account public.accounts;
  v_edit ledger.edited_order;
  v_money ledger.edit_money;
  v_plan ledger.stock_plan;
  v_transaction public.transactions;
  v_change ledger.order_change;
  v_refund_id uuid;
  v_correlation_id uuid := ledger.correlation_id();
  v_result public.ledger_edit_order_result;
begin
  -- who may: staff with orders.edit for anyone, customers for themselves
  v_actor := ledger.current_actor(p_actor_id);
  v_by_staff := ledger.has_permission(v_actor, 'orders.edit');
  v_user_id := case when v_by_staff then p_user_id else ledger.customer_of_call(v_actor, p_user_id, 'orders.edit') end;

  -- asked before; a dry run leaves no key
  v_request := jsonb_build_array(p_order_id, p_changes, p_expected_version, p_expected_total, p_wallet_amount, p_to, p_reason, p_user_id, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_edit_order', v_key, v_actor.caller_id, v_request);
  if v_answer is null and not v_actor.is_system then
    v_answer := ledger.rate_limit_take(v_actor.user_id, 'ledger_edit_order');
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_edit_order_result, v_answer);
    return;
  end if;

  -- lock: order
  select o.* into v_order
  from public.orders o
  where o.id = p_order_id and (v_user_id is null or o.user_id = v_user_id)
  for no key update;

  -- check: what is asked, and what it would come to
  v_changes := ledger.read_changes(p_changes, v_settings);
  v_answer := case
    when v_order.id is null then ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id))
    when p_to is null or p_to not in ('wallet', 'original') then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_to', 'problem', 'one of wallet, original'))
    when length(p_reason) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'at most 2000 characters'))
    when p_expected_version <> v_order.version then ledger.refuse('version_conflict', jsonb_build_object(
      'order_number', v_order.order_number, 'version', v_order.version, 'expected', p_expected_version))
    when v_changes.refusal is not null then v_changes.refusal
    else ledger.refuse_edit(v_order, v_changes, v_by_staff)
  end;
  if v_answer is null then
    v_edit := ledger.price_edit(v_order, v_changes, v_settings);
    v_answer := case
      when v_edit.refusal is not null then v_edit.refusal
      when p_expected_total <> v_edit.total_amount then ledger.refuse('price_changed', jsonb_build_object(
        'total', v_edit.total_amount, 'expected', p_expected_total, 'currency', v_order.currency))
    end;
  end if;

  -- lock: account, stock; each check under its lock. Where both are short, the stock is what is told, as for a new order
  if v_answer is null then
    select a.* into v_account from public.accounts a where a.id = v_order.account_id for no key update;
    v_money := ledger.settle_edit(v_order, v_edit.total_amount, p_wallet_amount, p_to, v_account);
    if v_edit.variant_ids is not null then
      v_plan := ledger.plan_stock(v_edit.variant_ids, v_edit.quantities);
    end if;
    v_answer := coalesce(v_plan.refusal, v_money.refusal);
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_edit_order_result, v_answer);
    return;
  end if;

  -- a dry run ends here
  v_result := row(true, null, null, null, null, v_order.id, v_order.version, v_edit.total_amount, v_edit.total_amount - v_order.total_amount,
                  v_money.taken_amount, v_money.returned_amount,
                  v_edit.total_amount - v_order.paid_amount - v_money.taken_amount + v_order.refunded_amount + v_money.returned_amount,
                  ledger.payment_status_of(v_edit.total_amount, v_order.credited_amount, v_order.paid_amount + v_money.taken_amount,
                                           v_order.refunded_amount + v_money.returned_amount, v_order.payment_status),
                  v_edit.changes, v_order.status, null);
  if p_dry_run then
    return next v_result;
    return;
  end if;

  -- write: order, lines, stock, refund, transaction, postings, discount
  perform set_config('ledger.procedure', 'ledger_edit_order', true);
  v_new := ledger.write_edited_order(v_order, v_edit, v_money);
  perform ledger.write_edited_lines(v_order, v_edit);
  if v_edit.variant_ids is not null then
    perform ledger.apply_stock_plan(v_plan, 'order_edited', v_actor, v_order.id, v_order.account_id, v_correlation_id);
  end if;
  v_refund_id := ledger.write_edit_refund(v_order, v_money, p_to, coalesce(p_reason, 'order edited'), v_actor);
  v_transaction := ledger.write_transaction(
    v_order.account_id, 'order_edited', v_actor, coalesce(p_reason, 'order edited'), v_correlation_id,
    p_earned => v_money.credit_amount, p_orders => v_money.taken_amount - v_money.wallet_amount,
    p_order_id => v_order.id, p_reference_id => v_refund_id,
    p_metadata => jsonb_build_object('order_number', v_order.order_number, 'last_line_number', v_edit.last_line_number));
  perform ledger.write_postings(v_transaction, v_order.currency, ledger.edit_legs(v_money));
  perform ledger.write_edited_discount(v_order, v_edit);

  -- record: the old state stays in the event
  perform ledger.record_operation('order.edited', 'order', v_order.id, v_order.account_id,
    ledger.balance_effect(v_transaction, p_earned => v_money.credit_amount, p_orders => v_money.taken_amount - v_money.wallet_amount)
      || jsonb_build_object(
        'order_number', v_order.order_number, 'user_id', v_order.user_id, 'currency', v_order.currency, 'version', v_new.version,
        'changes', v_edit.changes, 'old', ledger.order_state(v_order, v_edit.lines_before), 'new', ledger.order_state(v_new, v_edit.lines),
        'wallet_amount', v_money.taken_amount, 'returned_amount', v_money.returned_amount, 'refund_id', v_refund_id, 'notes', p_reason),
    v_actor, v_correlation_id);

  -- an order that is covered now is confirmed where the shop wants that
  if v_order.amount_due > 0 then
    v_change := ledger.confirm_when_covered(v_new, v_actor);
  end if;

  -- answer, stored under the key
  v_result.transaction_id := v_transaction.id;
  v_result.version := (select o.version from public.orders o where o.account_id = v_order.account_id and o.id = v_order.id);
  v_result.order_status := coalesce(v_change.order_status, v_result.order_status);
  v_result.refund_id := v_refund_id;
  v_answer := ledger.idempotency_end('ledger_edit_order', v_key, v_actor.caller_id, v_request, v_order.account_id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."ledger_edit_order"(uuid, jsonb, boolean, bigint, bigint, bigint, text, text, text, uuid, uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.ledger_freeze_account (
  p_user_id         uuid,
  p_frozen          boolean,
  p_reason          text    DEFAULT NULL::text,
  p_currency        text    DEFAULT NULL::text,
  p_idempotency_key text    DEFAULT NULL::text,
  p_actor_id        uuid    DEFAULT NULL::uuid
)
  RETURNS SETOF public.ledger_freeze_account_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_currency text := upper(coalesce(p_currency, ledger.setting_text('default_currency')));
  v_account public.accounts;
  v_transaction public.transactions;
  v_correlation_id uuid;
begin
  -- who may
  v_actor := ledger.current_actor(p_actor_id);
  perform ledger.require_permission(v_actor, 'accounts.freeze');

  -- asked before
  v_request := jsonb_build_array(p_user_id, p_frozen, p_reason, p_currency, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_freeze_account', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_freeze_account_result, v_answer);
    return;
  end if;

  -- lock: account
  select a.* into v_account
  from public.accounts a
  where a.id = ledger.account_id(p_user_id, v_currency)
  for no key update;

  -- check
  v_answer := case
    when v_account.id is null then ledger.refuse('account_not_found', jsonb_build_object('currency', v_currency))
    when p_frozen is null then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_frozen', 'problem', 'true to freeze, false to release'))
    when p_frozen and coalesce(length(trim(p_reason)), 0) not between 1 and 1000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'say why, in 1 to 1000 characters'))
    when length(p_reason) > 1000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'at most 1000 characters'))
    when p_frozen = (v_account.frozen_reason is not null) then
      ledger.refuse('account_already_frozen', jsonb_build_object('state', case when p_frozen then 'frozen' else 'released' end))
    -- the accounts of the erased stay frozen
    else ledger.refuse_erased(p_user_id)
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_freeze_account_result, v_answer);
    return;
  end if;

  -- write: account, transaction
  perform set_config('ledger.procedure', 'ledger_freeze_account', true);
  v_correlation_id := ledger.correlation_id();
  update public.accounts a set frozen_reason = case when p_frozen then trim(p_reason) end where a.id = v_account.id;
  v_transaction := ledger.write_transaction(
    v_account.id, case when p_frozen then 'account_frozen' else 'account_released' end, v_actor,
    coalesce(p_reason, 'account released'), v_correlation_id);

  -- record
  perform ledger.record_operation(case when p_frozen then 'account.frozen' else 'account.released' end, 'account',
    v_account.id, v_account.id, ledger.balance_effect(v_transaction) || jsonb_build_object('reason', p_reason),
    v_actor, v_correlation_id);

  -- answer
  v_answer := jsonb_build_object('success', true, 'transaction_id', v_transaction.id, 'account_id', v_account.id, 'frozen', p_frozen);
  v_answer := ledger.idempotency_end('ledger_freeze_account', p_idempotency_key, v_actor.caller_id, v_request, v_account.id, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.ledger_freeze_account_result, v_answer);
end $function$;

CREATE OR REPLACE FUNCTION public.ledger_place_order (
  p_items               jsonb,
  p_payment_method      text   DEFAULT 'wallet'::text,
  p_wallet_amount       bigint DEFAULT NULL::bigint,
  p_shipping_address_id uuid   DEFAULT NULL::uuid,
  p_billing_address_id  uuid   DEFAULT NULL::uuid,
  p_shipping_method     text   DEFAULT NULL::text,
  p_discount_code       text   DEFAULT NULL::text,
  p_expected_total      bigint DEFAULT NULL::bigint,
  p_notes               text   DEFAULT NULL::text,
  p_metadata            jsonb  DEFAULT '{}'::jsonb,
  p_idempotency_key     text   DEFAULT NULL::text,
  p_user_id             uuid   DEFAULT NULL::uuid,
  p_reservation_id      uuid   DEFAULT NULL::uuid
)
  RETURNS SETOF public.ledger_place_order_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_user_id uuid;
  v_request jsonb;
  v_answer jsonb;
  v_settings jsonb;
  v_phase text;
  v_pricing ledger.order_pricing;
  v_slots smallint[];
  v_stock ledger.stock_plan;
  v_account_id uuid;
  v_frozen_reason text;
  v_available bigint;
  v_is_offered boolean;
  v_shipping_address jsonb;
  v_billing_address jsonb;
  v_wallet_amount bigint;
  v_order_id uuid;
  v_order_number text;
  v_status text;
  v_payment_status text;
  v_account_version bigint;
  v_transaction_id uuid;
  v_written bigint;
  v_result public.ledger_place_order_result;
begin
  -- who may
  v_actor := ledger.current_actor();
  v_user_id := case when v_actor.is_system then p_user_id else ledger.customer_of_call(v_actor, p_user_id, 'orders.place') end;

  -- asked before
  if p_idempotency_key is not null then
    v_request := jsonb_build_array(v_user_id, p_items, p_payment_method, p_wallet_amount, p_shipping_address_id, p_billing_address_id,
                                   p_shipping_method, p_discount_code, p_expected_total, p_notes, p_metadata) || coalesce(to_jsonb(p_reservation_id), '[]');
    v_answer := ledger.idempotency_begin('ledger_place_order', p_idempotency_key, v_actor.caller_id, v_request);
  end if;
  if v_answer is null and not v_actor.is_system then
    v_answer := ledger.rate_limit_take(v_actor.user_id, 'ledger_place_order');
  end if;

  -- check what needs no lock: customer, arguments, prices; and lock the reservation, which comes before accounts
  if v_answer is null then
    select jsonb_object_agg(s.key, s.value),
           exists (select from public.payment_methods m where m.code = p_payment_method and m.is_active)
    into v_settings, v_is_offered
    from public.settings s;
    v_pricing := ledger.price_order(v_user_id, p_items, p_shipping_method, p_discount_code, v_settings);
    if p_shipping_address_id is not null or p_billing_address_id is not null then
      v_shipping_address := ledger.address_snapshot(p_shipping_address_id, v_user_id);
      v_billing_address := ledger.address_snapshot(p_billing_address_id, v_user_id);
    end if;
    -- what was left out needs no check; refusals are worded only where one may be needed
    if v_user_id is null or v_pricing.refusal is not null or p_expected_total is not null or p_notes is not null
       or p_metadata is distinct from '{}' or p_shipping_address_id is not null or p_billing_address_id is not null or p_reservation_id is not null then
      v_answer := coalesce(
        ledger.refuse_placing(v_user_id, p_notes, p_metadata, case when v_shipping_address is null then p_shipping_address_id end,
                              case when v_billing_address is null then p_billing_address_id end, v_pricing, p_expected_total),
        case when p_reservation_id is not null then ledger.lock_reservation(p_reservation_id, v_user_id) end);
    end if;
  end if;

  -- lock: account, stock by variant and slot, discount code; each check under its lock
  if v_answer is null then
    select a.id, a.frozen_reason, a.available_balance into v_account_id, v_frozen_reason, v_available
    from public.accounts a
    where a.id = ledger.account_id(v_user_id, v_pricing.currency)
    for no key update;
    if not found then
      select a.id, a.frozen_reason, coalesce(a.available_balance, 0) into v_account_id, v_frozen_reason, v_available
      from ledger.lock_account(v_user_id, v_pricing.currency, p_open => false) a;
    end if;
    if v_frozen_reason is not null then
      v_answer := ledger.refuse('account_frozen', jsonb_build_object('reason', v_frozen_reason));
    elsif v_account_id is null then -- who has an account is there
      v_answer := ledger.refuse_opening(v_user_id, v_pricing.currency);
    end if;
  end if;
  if v_answer is null then
    v_wallet_amount := ledger.wallet_part(p_payment_method, v_is_offered, p_wallet_amount, v_pricing.total_amount, v_available);
    if v_pricing.stock_is_plain and p_reservation_id is null then
      v_answer := ledger.lock_stock_for(v_pricing);
    else
      v_pricing.stock_is_plain := false;
      if p_reservation_id is null and cardinality(v_pricing.variant_ids) = 1 then
        v_slots := ledger.lock_own_slot(v_pricing.variant_ids[1], -v_pricing.quantities[1], v_pricing.thresholds[1]);
      end if;
      if v_slots is null then
        v_stock := ledger.plan_stock(v_pricing.variant_ids, v_pricing.quantities, p_reservation_id);
        v_answer := v_stock.refusal;
      elsif v_slots = '{}' then
        v_answer := ledger.refuse_shortages(jsonb_build_array(jsonb_build_object(
          'variant_id', v_pricing.variant_ids[1], 'available', 0, 'requested', -v_pricing.quantities[1])));
      end if;
    end if;
    if v_answer is not null or v_wallet_amount is null then
      if v_pricing.stock_is_plain and v_answer is not null and ledger.lock_slots_opened_since(v_pricing.variant_ids) then
        v_pricing.stock_is_plain := false;
        v_stock := ledger.plan_stock(v_pricing.variant_ids, v_pricing.quantities);
        v_answer := v_stock.refusal;
      end if;
      -- where both are short, the stock is what the customer reads about (source 003: stock, then balance)
      if v_answer is null and v_wallet_amount is null then
        v_answer := ledger.refuse_wallet_part(p_payment_method, p_wallet_amount, v_pricing.total_amount, v_available, v_pricing.currency);
      end if;
    end if;
  end if;
  if v_pricing.discount_code_id is not null and v_answer is null then
    perform from public.discount_usage u where u.discount_code_id = v_pricing.discount_code_id for no key update;
    v_answer := (select ledger.refuse_discount(c, c.code, v_pricing.currency, v_pricing.subtotal_amount,
                                               ledger.account_id(v_user_id, v_pricing.currency))
                 from public.discount_codes c where c.id = v_pricing.discount_code_id);
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_place_order_result, v_answer);
    return;
  end if;

  -- write: order, items, stock, discount; account (a first order may open it)
  v_phase := set_config('ledger.procedure', 'ledger_place_order', true);
  if v_account_id is null then
    insert into public.accounts as a (id, user_id, currency)
    values (ledger.account_id(v_user_id, v_pricing.currency), v_user_id, v_pricing.currency)
    returning a.id into v_account_id;
  end if;

  insert into public.orders as o
    (account_id, user_id, order_number, currency, status, payment_status, payment_method, prices_include_tax,
     subtotal_amount, discount_amount, shipping_amount, tax_amount, total_amount, wallet_amount, paid_amount,
     shipping_method, discount_code_id, shipping_address, billing_address, notes, metadata, placed_by)
  values
    (v_account_id, v_user_id, ledger.next_order_number(v_settings), v_pricing.currency,
     ledger.first_status(v_wallet_amount = v_pricing.total_amount, v_settings),
     case when v_wallet_amount = v_pricing.total_amount then 'paid'
          when v_wallet_amount > 0 then 'partially_paid' else 'unpaid' end,
     p_payment_method, v_pricing.prices_include_tax,
     v_pricing.subtotal_amount, v_pricing.discount_amount, v_pricing.shipping_amount, v_pricing.tax_amount,
     v_pricing.total_amount, v_wallet_amount, v_wallet_amount, p_shipping_method, v_pricing.discount_code_id,
     v_shipping_address, v_billing_address,
     p_notes, coalesce(p_metadata, '{}'), v_actor.user_id)
  returning o.id, o.order_number, o.status, o.payment_status into v_order_id, v_order_number, v_status, v_payment_status;

  insert into public.order_items
    (account_id, order_id, line_number, variant_id, vendor_id, product_name, product_sku, variant_name, quantity,
     unit_price_amount, total_price_amount, discount_amount, tax_rate_bp, tax_amount, platform_rate_bp)
  select v_account_id, v_order_id, l.line_number, l.variant_id, l.vendor_id, l.product_name, l.product_sku, l.variant_name,
         l.quantity, l.unit_price_amount, l.total_price_amount, l.discount_amount, l.tax_rate_bp, l.tax_amount, l.platform_rate_bp
  from unnest(v_pricing.lines) l;

  if v_pricing.stock_is_plain then
    v_written := ledger.move_stock(v_pricing.variant_ids, v_pricing.quantities, 'order_placed', v_actor, v_order_id,
                                   p_thresholds => v_pricing.thresholds);
  elsif v_slots is not null then
    v_written := ledger.move_in_slots(v_pricing.variant_ids, v_slots, v_pricing.quantities, null, 'order_placed', v_actor, v_order_id);
  else
    v_written := ledger.apply_stock_plan(v_stock, 'order_placed', v_actor, v_order_id, v_account_id, ledger.correlation_id());
    if p_reservation_id is not null then
      v_written := ledger.consume_reservation(p_reservation_id, v_order_id, v_actor);
    end if;
  end if;

  if v_pricing.discount_code_id is not null then
    update public.discount_usage u set redemptions = u.redemptions + 1 where u.discount_code_id = v_pricing.discount_code_id;
    insert into public.discount_redemptions (order_id, account_id, discount_code_id, amount)
    values (v_order_id, v_account_id, v_pricing.discount_code_id, v_pricing.discount_amount);
  end if;

  update public.accounts a set
    total_orders = a.total_orders + v_wallet_amount, version = a.version + 1, updated_at = clock_timestamp()
  where a.id = v_account_id
  returning a.version, a.available_balance into v_account_version, v_available;

  -- record: transaction, posting, event, audit, outbox
  v_transaction_id := ledger.write_operation(
    v_account_id, v_account_version, v_available, 'order_created', -v_wallet_amount,
    case when v_wallet_amount = 0 then '{}' else jsonb_build_object('total_orders', v_wallet_amount) end,
    v_actor.user_id, 'order placed', jsonb_build_object('order_number', v_order_number), v_order_id, v_pricing.currency,
    case when v_wallet_amount > 0 then array[row('wallet', 'order_escrow', v_wallet_amount)]::ledger.posting_leg[] end,
    'order.placed', jsonb_build_object(
      'order_number', v_order_number, 'user_id', v_user_id, 'currency', v_pricing.currency, 'from_status', null,
      'to_status', v_status, 'payment_status', v_payment_status, 'payment_method', p_payment_method,
      'total_amount', v_pricing.total_amount, 'wallet_amount', v_wallet_amount, 'items', v_pricing.items),
    case when p_notes <> '' then jsonb_build_object('notes', p_notes) end);

  -- answer, stored under the key
  v_result := row(true, v_transaction_id, null, null, null, v_order_id, v_order_number, v_status, v_payment_status,
                  v_pricing.currency, v_pricing.total_amount, v_wallet_amount, v_pricing.total_amount - v_wallet_amount, v_available);
  if p_idempotency_key is not null then
    v_answer := ledger.idempotency_end('ledger_place_order', p_idempotency_key, v_actor.caller_id, v_request, v_account_id, to_jsonb(v_result));
  end if;
  v_phase := set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."ledger_place_order"(jsonb, text, bigint, uuid, uuid, text, text, bigint, text, jsonb, text, uuid, uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.ledger_record_payment (
  p_order_id        uuid,
  p_amount          bigint,
  p_method          text   DEFAULT 'bank_transfer'::text,
  p_reference       text   DEFAULT NULL::text,
  p_notes           text   DEFAULT NULL::text,
  p_idempotency_key text   DEFAULT NULL::text,
  p_actor_id        uuid   DEFAULT NULL::uuid
)
  RETURNS SETOF public.ledger_record_payment_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_order public.orders;
  v_account public.accounts;
  v_reference text := nullif(regexp_replace(p_reference, '^\s+|\s+$', '', 'g'), '');
  v_applied bigint;
  v_credit bigint;
  v_payment_id uuid := ledger.uuid_v7();
  v_transaction public.transactions;
  v_change ledger.order_change;
  v_correlation_id uuid := ledger.correlation_id();
  v_result public.ledger_record_payment_result;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'payments.record');

  -- asked before
  v_request := jsonb_build_array(p_order_id, p_amount, p_method, p_reference, p_notes, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_record_payment', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_record_payment_result, v_answer);
    return;
  end if;

  -- lock: order, account
  select o.* into v_order from public.orders o where o.id = p_order_id for no key update;
  select a.* into v_account from public.accounts a where a.id = v_order.account_id for no key update;

  -- check
  v_applied := case when v_order.status in ('rejected', 'cancelled', 'refunded') then 0 else least(p_amount, v_order.amount_due) end;
  v_credit := p_amount - v_applied;
  v_answer := case
    when v_order.id is null then ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id))
    when p_amount is null or p_amount <= 0 then
      ledger.refuse('invalid_amount', jsonb_build_object('amount', p_amount, 'expected', 'above zero'))
    when p_method is null or p_method not in ('bank_transfer', 'card', 'cash') then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_method', 'problem', 'one of bank_transfer, card, cash'))
    when length(p_reference) > 200 or length(p_notes) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reference, p_notes',
        'problem', 'a reference has at most 200 characters, notes at most 2000'))
    when p_amount > 9007199254740991 or v_order.paid_amount + v_applied > 9007199254740991
      or v_account.total_earned + v_credit > 9007199254740991 then
      ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
    -- a surplus would be nobody's
    when v_credit > 0 then ledger.refuse_erased(v_order.user_id)
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_record_payment_result, v_answer);
    return;
  end if;

  -- write: payment; two records of the same transfer meet in its index, and one of them is refused before it changed anything
  perform set_config('ledger.procedure', 'ledger_record_payment', true);
  insert into public.payments (id, account_id, order_id, currency, method, amount, applied_amount, credit_amount, reference, notes, recorded_by)
  values (v_payment_id, v_order.account_id, v_order.id, v_order.currency, p_method, p_amount, v_applied, v_credit, v_reference, p_notes, v_actor.user_id)
  on conflict (method, upper(reference)) where reference is not null and status = 'captured' do nothing;
  if not found then
    perform set_config('ledger.procedure', '', true);
    return next jsonb_populate_record(null::public.ledger_record_payment_result,
      ledger.refuse('payment_reference_used', jsonb_build_object('method', p_method, 'reference', v_reference)));
    return;
  end if;

  -- write: order, transaction, postings
  update public.orders o set
    paid_amount = o.paid_amount + v_applied,
    payment_status = ledger.payment_status_of(o.total_amount, o.credited_amount, o.paid_amount + v_applied, o.refunded_amount,
                                              o.payment_status),
    version = o.version + 1,
    updated_at = clock_timestamp()
  where o.account_id = v_order.account_id and o.id = v_order.id
  returning o.* into v_order;
  v_transaction := ledger.write_transaction(
    v_order.account_id, 'payment_recorded', v_actor, coalesce(p_notes, 'payment recorded'), v_correlation_id,
    p_earned => v_credit, p_order_id => v_order.id, p_reference_id => v_payment_id);
  perform ledger.write_postings(v_transaction, v_order.currency, array[
    row('bank', case v_order.status when 'delivered' then 'receivable' else 'order_escrow' end, v_applied),
    row('bank', 'wallet', v_credit)]::ledger.posting_leg[]);

  -- record
  perform ledger.record_operation('payment.recorded', 'order', v_order.id, v_order.account_id,
    ledger.balance_effect(v_transaction, p_earned => v_credit) || jsonb_build_object(
      'order_number', v_order.order_number, 'payment_id', v_payment_id, 'currency', v_order.currency, 'method', p_method,
      'reference', v_reference, 'payment_amount', p_amount, 'applied_amount', v_applied, 'credit_amount', v_credit,
      'payment_status', v_order.payment_status, 'outstanding_amount', v_order.outstanding_amount, 'notes', p_notes),
    v_actor, v_correlation_id);

  -- a covered order is confirmed where the shop wants that
  v_result := row(true, v_transaction.id, null, null, null, v_order.id, v_payment_id, p_amount, v_applied, v_credit,
                  v_order.status, v_order.payment_status, v_order.outstanding_amount, v_transaction.balance_after);
  v_change := ledger.confirm_when_covered(v_order, v_actor);
  if v_change.transaction_id is not null then
    v_result.order_status := v_change.order_status;
    v_result.available_balance := v_change.available_balance;
  end if;

  -- answer, stored under the key
  if not ledger.has_permission(v_actor, 'accounts.read') then
    v_result.available_balance := null;
  end if;
  v_answer := ledger.idempotency_end('ledger_record_payment', p_idempotency_key, v_actor.caller_id, v_request, v_order.account_id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."ledger_record_payment"(uuid, bigint, text, text, text, text, uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.ledger_refund_order (
  p_order_id        uuid,
  p_lines           jsonb   DEFAULT NULL::jsonb,
  p_shipping_amount bigint  DEFAULT 0,
  p_amount          bigint  DEFAULT 0,
  p_to              text    DEFAULT 'wallet'::text,
  p_restock         boolean DEFAULT false,
  p_reason          text    DEFAULT NULL::text,
  p_idempotency_key text    DEFAULT NULL::text,
  p_actor_id        uuid    DEFAULT NULL::uuid
)
  RETURNS SETOF public.ledger_refund_order_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_order public.orders;
  v_lines jsonb := p_lines;
  v_shipping_amount bigint := coalesce(p_shipping_amount, 0);
  v_amount bigint := coalesce(p_amount, 0);
  v_change ledger.order_change;
  v_result public.ledger_refund_order_result;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'orders.refund');

  -- asked before
  v_request := jsonb_build_array(p_order_id, p_lines, p_shipping_amount, p_amount, p_to, p_restock, p_reason, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_refund_order', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_refund_order_result, v_answer);
    return;
  end if;

  -- lock: order
  select o.* into v_order from public.orders o where o.id = p_order_id for no key update;

  -- check; a line that does not say whether it is restocked does as p_restock says
  if jsonb_typeof(p_lines) = 'array' then
    v_lines := (select jsonb_agg(case when jsonb_typeof(e.line) = 'object'
                                      then jsonb_build_object('restock', coalesce(p_restock, false)) || e.line else e.line end order by e.place)
                from jsonb_array_elements(p_lines) with ordinality e (line, place));
  end if;
  v_answer := case
    when v_order.id is null then ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id))
    when least(v_shipping_amount, v_amount) < 0 then ledger.refuse('invalid_amount', jsonb_build_object(
      'amount', least(v_shipping_amount, v_amount), 'expected', 'zero or above'))
    when greatest(v_shipping_amount, v_amount) > 9007199254740991 then
      ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
    when p_to is null or p_to not in ('wallet', 'original') then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_to', 'problem', 'wallet or original'))
    when length(p_reason) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'at most 2000 characters'))
    when v_order.status not in ('confirmed', 'processing', 'shipped', 'delivered') then
      ledger.refuse('refund_not_allowed', jsonb_build_object('order_number', v_order.order_number, 'status', v_order.status))
    when v_lines is null and v_shipping_amount + v_amount = 0 then
      ledger.refuse('nothing_to_refund', jsonb_build_object('order_number', v_order.order_number))
  end;
  if v_answer is null then
    perform set_config('ledger.procedure', 'ledger_refund_order', true);
    -- lock accounts and stock, check amounts, write, record
    v_change := ledger.take_back(v_order, v_lines, v_shipping_amount, v_amount, p_to, v_actor, p_reason, ledger.correlation_id());
    v_answer := v_change.refusal;
  end if;
  if v_answer is not null then
    perform set_config('ledger.procedure', '', true);
    return next jsonb_populate_record(null::public.ledger_refund_order_result, v_answer);
    return;
  end if;

  -- answer, stored under the key
  v_result := row(true, v_change.transaction_id, null, null, null, v_order.id, v_change.refund_id, v_change.order_status,
                  v_change.payment_status, v_change.credited_amount, v_change.wallet_amount, v_change.credit_amount,
                  v_change.payout_amount, v_change.outstanding_amount);
  v_answer := ledger.idempotency_end('ledger_refund_order', p_idempotency_key, v_actor.caller_id, v_request, v_order.account_id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."ledger_refund_order"(uuid, jsonb, bigint, bigint, text, boolean, text, text, uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.ledger_register_referral (
  p_referral_code   text,
  p_idempotency_key text DEFAULT NULL::text,
  p_user_id         uuid DEFAULT NULL::uuid
)
  RETURNS SETOF public.ledger_register_referral_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_user_id uuid;
  v_request jsonb;
  v_answer jsonb;
  v_referrer_id uuid;
  v_rate_bp integer := ledger.setting_text('referral_rate_bp')::integer;
begin
  -- who may
  v_actor := ledger.current_actor();
  v_user_id := ledger.customer_of_call(v_actor, p_user_id, 'orders.place');

  -- asked before
  v_request := jsonb_build_array(v_user_id, p_referral_code);
  v_answer := ledger.idempotency_begin('ledger_register_referral', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_register_referral_result, v_answer);
    return;
  end if;

  -- lock: the customer's profile, so that two codes at once give one referrer; the referrer's, so that they are not erased meanwhile
  perform from public.profiles p where p.id = v_user_id for no key update;
  select p.id into v_referrer_id
  from public.profiles p
  where p.referral_code = upper(trim(p_referral_code)) and p.erased_at is null
  for key share;

  -- check
  v_answer := case
    when v_user_id is null then ledger.refuse('customer_required')
    when not exists (select from public.profiles p where p.id = v_user_id and p.erased_at is null) then
      ledger.refuse('customer_not_found', jsonb_build_object('user_id', v_user_id))
    when v_referrer_id is null then ledger.refuse('referral_code_not_found', jsonb_build_object('code', p_referral_code))
    when v_referrer_id = v_user_id then
      ledger.refuse('referral_not_allowed', jsonb_build_object('reason', 'nobody can refer themselves'))
    when exists (select from public.referrals r where r.referee_user_id = v_user_id) then
      ledger.refuse('referral_not_allowed', jsonb_build_object('reason', 'the customer already has a referrer'))
    when exists (select from public.orders o where o.user_id = v_user_id) then
      ledger.refuse('referral_not_allowed', jsonb_build_object('reason', 'the customer has already ordered'))
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_register_referral_result, v_answer);
    return;
  end if;

  -- write
  perform set_config('ledger.procedure', 'ledger_register_referral', true);
  insert into public.referrals (referee_user_id, referrer_user_id, rate_bp) values (v_user_id, v_referrer_id, v_rate_bp);

  -- record
  perform ledger.record_operation('referral.registered', 'profile', v_user_id, null,
    jsonb_build_object('referrer_user_id', v_referrer_id, 'referee_user_id', v_user_id, 'rate_bp', v_rate_bp),
    v_actor, ledger.correlation_id());

  -- answer
  v_answer := jsonb_build_object('success', true, 'referrer_user_id', v_referrer_id, 'rate_bp', v_rate_bp);
  v_answer := ledger.idempotency_end('ledger_register_referral', p_idempotency_key, v_actor.caller_id, v_request, null, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.ledger_register_referral_result, v_answer);
end $function$;

CREATE OR REPLACE FUNCTION public.ledger_request_return (
  p_order_id        uuid,
  p_lines           jsonb,
  p_reason          text  DEFAULT NULL::text,
  p_idempotency_key text  DEFAULT NULL::text,
  p_user_id         uuid  DEFAULT NULL::uuid
)
  RETURNS SETOF public.ledger_request_return_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_user_id uuid;
  v_request jsonb;
  v_answer jsonb;
  v_order public.orders;
  v_since timestamptz;
  v_return_id uuid := ledger.uuid_v7();
begin
  -- who may
  v_actor := ledger.current_actor();
  v_user_id := ledger.customer_of_call(v_actor, p_user_id, 'returns.review');

  -- asked before
  v_request := jsonb_build_array(v_user_id, p_order_id, p_lines, p_reason);
  v_answer := ledger.idempotency_begin('ledger_request_return', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is null and not v_actor.is_system then
    v_answer := ledger.rate_limit_take(v_actor.user_id, 'ledger_request_return');
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_request_return_result, v_answer);
    return;
  end if;

  -- lock: order
  select o.* into v_order
  from public.orders o
  where o.id = p_order_id and o.user_id = v_user_id
  for no key update;

  -- check
  if v_user_id is not distinct from v_actor.user_id and not v_actor.is_system then
    v_since := clock_timestamp() - make_interval(days => ledger.setting_text('return_window_days')::integer);
  end if;
  v_answer := case
    when v_user_id is null then ledger.refuse('customer_required')
    when v_order.id is null then ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id))
    when length(p_reason) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'at most 2000 characters'))
    else coalesce(ledger.refuse_erased(v_user_id), ledger.refuse_line_list(p_lines, '{quantity}'), ledger.refuse_return(v_order, v_since),
                  ledger.refuse_unknown_line(v_order, p_lines), ledger.refuse_returned_units(v_order, p_lines, v_since))
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_request_return_result, v_answer);
    return;
  end if;

  -- write: return, its lines
  perform set_config('ledger.procedure', 'ledger_request_return', true);
  insert into public.returns (id, account_id, order_id, user_id, reason, requested_by)
  values (v_return_id, v_order.account_id, v_order.id, v_order.user_id, p_reason, v_actor.user_id);
  insert into public.return_lines (return_id, line_number, account_id, order_id, quantity, reason)
  select v_return_id, (e.line ->> 'line_number')::numeric::integer, v_order.account_id, v_order.id,
         (e.line ->> 'quantity')::numeric::bigint, e.line ->> 'reason'
  from jsonb_array_elements(p_lines) e (line);

  -- record
  perform ledger.record_return('order.return_requested', v_order, v_return_id, v_actor, ledger.correlation_id());

  -- answer, stored under the key
  v_answer := jsonb_build_object('success', true, 'order_id', v_order.id, 'return_id', v_return_id, 'status', 'requested');
  v_answer := ledger.idempotency_end('ledger_request_return', p_idempotency_key, v_actor.caller_id, v_request, v_order.account_id, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.ledger_request_return_result, v_answer);
end $function$;

REVOKE ALL ON FUNCTION "public"."ledger_request_return"(uuid, jsonb, text, text, uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.ledger_review_return (
  p_return_id       uuid,
  p_action          text,
  p_lines           jsonb   DEFAULT NULL::jsonb,
  p_notes           text    DEFAULT NULL::text,
  p_refund          boolean DEFAULT true,
  p_to              text    DEFAULT 'wallet'::text,
  p_idempotency_key text    DEFAULT NULL::text,
  p_actor_id        uuid    DEFAULT NULL::uuid
)
  RETURNS SETOF public.ledger_review_return_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_action text := lower(trim(p_action));
  v_refunds boolean := v_action = 'receive' and coalesce(p_refund, true);
  v_request jsonb;
  v_answer jsonb;
  v_order public.orders;
  v_return public.returns;
  v_change ledger.order_change;
  v_correlation_id uuid := ledger.correlation_id();
begin
  -- who may: goods are the warehouse's, money needs the permission for it as well
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'returns.review');
  if v_refunds then
    v_actor := ledger.require_permission(v_actor, 'orders.refund');
  end if;

  -- asked before
  v_request := jsonb_build_array(p_return_id, v_action, p_lines, p_notes, p_refund, p_to, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_review_return', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is null and (v_action is null or v_action not in ('approve', 'reject', 'receive', 'close')) then
    v_answer := ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_action', 'problem', 'one of approve, reject, receive, close'));
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_review_return_result, v_answer);
    return;
  end if;

  -- lock: order; the return is read under it, because whoever changes a return holds its order: of two
  -- reviewers one wins, and the other is told
  select o.* into v_order
  from public.orders o
  where o.id = (select r.order_id from public.returns r where r.id = p_return_id)
  for no key update;
  select r.* into v_return
  from public.returns r
  where r.account_id = v_order.account_id and r.id = p_return_id;

  -- check
  v_answer := case
    when v_return.id is null then ledger.refuse('return_not_found', jsonb_build_object('return_id', p_return_id))
    when length(p_notes) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_notes', 'problem', 'at most 2000 characters'))
    when v_refunds and coalesce(p_to, '') not in ('wallet', 'original') then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_to', 'problem', 'one of wallet, original'))
    when v_action = 'reject' and coalesce(trim(p_notes), '') = '' then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_notes', 'problem', 'say why the return is rejected'))
    when v_return.status <> case when v_action in ('approve', 'reject') then 'requested' else 'approved' end then
      ledger.refuse('return_conflict', jsonb_build_object('return_id', p_return_id, 'status', v_return.status, 'wanted', v_action,
        'expected', case when v_action in ('approve', 'reject') then 'requested' else 'approved' end))
    when v_action = 'approve' then ledger.refuse_approval(v_order, p_return_id, p_lines)
    when v_action = 'receive' then ledger.refuse_arrival(v_order, p_return_id, p_lines)
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_review_return_result, v_answer);
    return;
  end if;

  -- write: money and goods of what arrived, return; of an order that was refunded ahead only goods come
  perform set_config('ledger.procedure', 'ledger_review_return', true);
  if v_action = 'receive' then
    v_change := ledger.receive_return(v_order, p_return_id, p_lines, v_refunds and v_order.status <> 'refunded', p_to, p_notes, v_actor, v_correlation_id);
    if v_change.refusal is not null then
      perform set_config('ledger.procedure', '', true);
      return next jsonb_populate_record(null::public.ledger_review_return_result, v_change.refusal);
      return;
    end if;
  elsif v_action = 'approve' then
    perform ledger.approve_lines(v_order, p_return_id, p_lines);
  end if;
  update public.returns r set
    status = case v_action
      when 'approve' then 'approved'
      when 'reject' then 'rejected'
      when 'close' then 'closed'
      else case
        when not exists (select from public.return_lines l
                         where l.account_id = r.account_id and l.return_id = r.id and l.received_quantity < l.approved_quantity) then 'received'
        when v_change.order_status = 'refunded' and not ledger.awaits_goods(v_order, r.id) then 'closed'
        else 'approved' end end,
    reviewed_by = v_actor.user_id,
    review_notes = coalesce(p_notes, r.review_notes),
    updated_at = clock_timestamp()
  where r.account_id = v_order.account_id and r.id = p_return_id
  returning r.status into v_return.status;

  -- record
  perform ledger.record_return(
    case v_action when 'approve' then 'order.return_approved' when 'reject' then 'order.return_rejected'
                  when 'receive' then 'order.return_received' else 'order.return_closed' end,
    v_order, p_return_id, v_actor, v_correlation_id,
    jsonb_strip_nulls(jsonb_build_object('refund_id', v_change.refund_id)));

  -- answer, stored under the key
  v_answer := jsonb_build_object('success', true, 'transaction_id', v_change.transaction_id, 'order_id', v_order.id,
    'return_id', p_return_id, 'status', v_return.status, 'refund_id', v_change.refund_id,
    'returned_amount', coalesce(v_change.returned_amount, 0), 'order_status', coalesce(v_change.order_status, v_order.status),
    'payment_status', coalesce(v_change.payment_status, v_order.payment_status));
  v_answer := ledger.idempotency_end('ledger_review_return', p_idempotency_key, v_actor.caller_id, v_request, v_order.account_id, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.ledger_review_return_result, v_answer);
end $function$;

REVOKE ALL ON FUNCTION "public"."ledger_review_return"(uuid, text, jsonb, text, boolean, text, text, uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.ledger_save_address (
  p_recipient       text,
  p_line1           text,
  p_city            text,
  p_country         text,
  p_line2           text DEFAULT NULL::text,
  p_region          text DEFAULT NULL::text,
  p_postal_code     text DEFAULT NULL::text,
  p_phone           text DEFAULT NULL::text,
  p_address_id      uuid DEFAULT NULL::uuid,
  p_idempotency_key text DEFAULT NULL::text,
  p_user_id         uuid DEFAULT NULL::uuid
)
  RETURNS SETOF public.ledger_save_address_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_user_id uuid;
  v_request jsonb;
  v_answer jsonb;
  v_problem text;
  v_address_id uuid;
begin
  -- who may
  v_actor := ledger.current_actor();
  v_user_id := ledger.customer_of_call(v_actor, p_user_id, 'orders.place');

  -- asked before
  v_request := jsonb_build_array(v_user_id, p_address_id, p_recipient, p_line1, p_line2, p_city, p_region, p_postal_code, p_country, p_phone);
  v_answer := ledger.idempotency_begin('ledger_save_address', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_save_address_result, v_answer);
    return;
  end if;

  -- lock: the person, who is not erased meanwhile
  perform from public.profiles p where p.id = v_user_id and p.erased_at is null for key share;

  -- check
  v_answer := case
    when v_user_id is null then ledger.refuse('customer_required')
    when not found then ledger.refuse('customer_not_found', jsonb_build_object('user_id', v_user_id))
  end;
  v_problem := case
    when coalesce(length(p_recipient), 0) not between 1 and 200 then 'p_recipient: 1 to 200 characters'
    when coalesce(length(p_line1), 0) not between 1 and 300 then 'p_line1: 1 to 300 characters'
    when coalesce(length(p_city), 0) not between 1 and 200 then 'p_city: 1 to 200 characters'
    when coalesce(upper(p_country), '') !~ '^[A-Z]{2}$' then 'p_country: the two letters of ISO 3166-1, such as IQ'
    when length(p_line2) > 300 then 'p_line2: at most 300 characters'
    when length(p_region) > 200 then 'p_region: at most 200 characters'
    when length(p_postal_code) > 20 then 'p_postal_code: at most 20 characters'
    when length(p_phone) > 40 then 'p_phone: at most 40 characters'
  end;
  v_answer := case
    when v_answer is not null then v_answer
    when v_problem is not null then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', split_part(v_problem, ': ', 1), 'problem', split_part(v_problem, ': ', 2)))
    when p_address_id is not null
      and not exists (select from public.addresses a where a.id = p_address_id and a.user_id = v_user_id) then
      ledger.refuse('address_not_found', jsonb_build_object('address_id', p_address_id))
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_save_address_result, v_answer);
    return;
  end if;

  -- write
  perform set_config('ledger.procedure', 'ledger_save_address', true);
  insert into public.addresses as a (id, user_id, recipient, line1, line2, city, region, postal_code, country, phone)
  values (coalesce(p_address_id, ledger.uuid_v7()), v_user_id, p_recipient, p_line1, p_line2, p_city, p_region,
          p_postal_code, upper(p_country), p_phone)
  on conflict (id) do update set
    recipient = excluded.recipient, line1 = excluded.line1, line2 = excluded.line2, city = excluded.city,
    region = excluded.region, postal_code = excluded.postal_code, country = excluded.country, phone = excluded.phone
  where a.user_id = v_user_id
  returning a.id into v_address_id;

  -- answer
  v_answer := jsonb_build_object('success', true, 'address_id', v_address_id);
  v_answer := ledger.idempotency_end('ledger_save_address', p_idempotency_key, v_actor.caller_id, v_request, null, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.ledger_save_address_result, v_answer);
end $function$;

CREATE OR REPLACE FUNCTION public.ledger_set_order_status (
  p_order_id         uuid,
  p_status           text,
  p_expected_version bigint DEFAULT NULL::bigint,
  p_notes            text   DEFAULT NULL::text,
  p_metadata         jsonb  DEFAULT '{}'::jsonb,
  p_idempotency_key  text   DEFAULT NULL::text,
  p_actor_id         uuid   DEFAULT NULL::uuid
)
  RETURNS SETOF public.ledger_set_order_status_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_order public.orders;
  v_change public.ledger_change_order_status_result;
  v_result public.ledger_set_order_status_result;
begin
  -- who may: whoever sees the order is told what they lack; for others there is no such order
  v_actor := ledger.current_actor(p_actor_id);

  -- asked before
  v_request := case when p_idempotency_key is not null then
    jsonb_build_array(p_order_id, p_status, p_expected_version, p_notes, p_metadata, p_actor_id) end;
  v_answer := ledger.idempotency_begin('ledger_set_order_status', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_set_order_status_result, v_answer);
    return;
  end if;

  -- lock: order
  select o.* into v_order
  from public.orders o
  where o.id = p_order_id and (o.user_id = v_actor.user_id or ledger.has_permission(v_actor, 'orders.read'))
  for no key update;

  -- check
  if v_order.id is null then
    v_answer := ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id));
  else
    v_actor := ledger.require_permission(v_actor, 'orders.read');
    if v_order.version <> p_expected_version then
      v_answer := ledger.refuse('version_conflict', jsonb_build_object(
        'order_number', v_order.order_number, 'version', v_order.version, 'expected', p_expected_version));
    end if;
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_set_order_status_result, v_answer);
    return;
  end if;

  -- write and record: the change itself checks the rest, writes and records
  select c.* into v_change
  from public.ledger_change_order_status(v_order.user_id, v_order.id, v_order.status, p_status, v_order.total_amount,
                                         p_metadata, p_actor_id, p_notes) c;
  if not v_change.success then
    return next jsonb_populate_record(null::public.ledger_set_order_status_result, to_jsonb(v_change));
    return;
  end if;

  -- answer, stored under the key
  v_result := row(true, v_change.transaction_id, null, null, null, v_change.order_id, v_change.order_status, v_change.payment_status,
                  v_change.returned_amount, v_change.available_balance, (select o.version from public.orders o where o.id = v_order.id));
  v_answer := ledger.idempotency_end('ledger_set_order_status', p_idempotency_key, v_actor.caller_id, v_request, v_order.account_id, to_jsonb(v_result));
  return next v_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."ledger_set_order_status"(uuid, text, bigint, text, jsonb, text, uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.ledger_settle_refund (
  p_refund_id       uuid,
  p_action          text,
  p_reference       text DEFAULT NULL::text,
  p_idempotency_key text DEFAULT NULL::text,
  p_actor_id        uuid DEFAULT NULL::uuid
)
  RETURNS SETOF public.ledger_settle_refund_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_action text := lower(trim(p_action));
  v_order public.orders;
  v_account public.accounts;
  v_refund public.refunds;
  v_holder text;
  v_is_held boolean;
  v_refunded bigint;
  v_failed bigint;
  v_transaction public.transactions;
  v_correlation_id uuid;
  v_result public.ledger_settle_refund_result;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'refunds.settle');

  -- asked before
  v_request := jsonb_build_array(p_refund_id, v_action, p_reference, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_settle_refund', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_settle_refund_result, v_answer);
    return;
  end if;

  -- lock: order (which one, the refund says for good), account, refund
  select o.* into v_order
  from public.orders o
  where o.id = (select f.order_id from public.refunds f where f.id = p_refund_id)
  for no key update;
  select a.* into v_account from public.accounts a where a.id = v_order.account_id for no key update;
  select f.* into v_refund from public.refunds f where f.account_id = v_account.id and f.id = p_refund_id for no key update;

  -- check: what was withdrawn is with the order, as far as it went nowhere else since
  v_holder := case v_order.status when 'delivered' then 'receivable' else 'order_escrow' end;
  v_is_held := v_refund.payout_status = 'withdrawn' and v_refund.payout_amount <= least(-v_order.outstanding_amount,
    (v_order.paid_amount - v_order.wallet_amount) - (v_order.refunded_amount - v_order.wallet_refunded_amount));
  v_failed := case v_action when 'failed' then v_refund.payout_amount else 0 end;
  v_answer := case
    when v_refund.id is null then ledger.refuse('refund_not_found', jsonb_build_object('refund_id', p_refund_id))
    when v_action is null or v_action not in ('paid', 'failed', 'withdrawn') then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_action', 'problem', 'one of paid, failed, withdrawn'))
    when length(p_reference) > 200 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reference', 'problem', 'at most 200 characters'))
    when v_refund.payout_status <> 'pending' and (v_action = 'withdrawn' or not v_is_held) then
      ledger.refuse('refund_conflict', jsonb_build_object('refund_id', p_refund_id, 'payout_status',
        case v_refund.payout_status when 'none' then 'not to be paid out' else 'already ' || v_refund.payout_status end))
    when v_action = 'paid' and v_account.frozen_reason is not null then
      ledger.refuse('account_frozen', jsonb_build_object('reason', v_account.frozen_reason))
    when v_account.total_earned + v_failed > 9007199254740991 then
      ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_settle_refund_result, v_answer);
    return;
  end if;

  -- write: refund, order, transaction, posting
  perform set_config('ledger.procedure', 'ledger_settle_refund', true);
  v_correlation_id := ledger.correlation_id();
  update public.refunds f set
    payout_status = v_action,
    payout_reference = p_reference,
    settled_by = v_actor.user_id,
    settled_at = clock_timestamp()
  where f.account_id = v_account.id and f.id = p_refund_id;
  v_refunded := case when v_action = 'withdrawn' then -v_refund.payout_amount when v_is_held then v_refund.payout_amount else 0 end;
  if v_refunded <> 0 then
    update public.orders o set
      refunded_amount = o.refunded_amount + v_refunded,
      payment_status = ledger.payment_status_of(o.total_amount, o.credited_amount, o.paid_amount, o.refunded_amount + v_refunded,
                                                o.payment_status),
      version = o.version + 1,
      updated_at = clock_timestamp()
    where o.account_id = v_order.account_id and o.id = v_order.id
    returning o.* into v_order;
  end if;
  v_transaction := ledger.write_transaction(
    v_account.id, case v_action when 'paid' then 'refund_paid_out' else 'refund_' || v_action end, v_actor, 'refund ' || v_action,
    v_correlation_id, p_earned => v_failed, p_order_id => v_refund.order_id, p_reference_id => p_refund_id);
  perform ledger.write_postings(v_transaction, v_refund.currency, array[
    row(case when v_is_held then v_holder else 'refunds_payable' end,
        case v_action when 'paid' then 'bank' when 'failed' then 'wallet' else v_holder end, v_refund.payout_amount)]::ledger.posting_leg[]);

  -- record
  perform ledger.record_operation('refund.' || v_action, 'order', v_refund.order_id, v_account.id,
    ledger.balance_effect(v_transaction, p_earned => v_failed) || jsonb_build_object(
      'refund_id', p_refund_id, 'currency', v_refund.currency, 'payout_amount', v_refund.payout_amount, 'payout_status', v_action,
      'payment_status', v_order.payment_status, 'outstanding_amount', v_order.outstanding_amount, 'reference', p_reference),
    v_actor, v_correlation_id);

  -- answer, stored under the key
  v_result := row(true, v_transaction.id, null, null, null, p_refund_id, v_refund.order_id, v_action, v_refund.payout_amount,
                  case when ledger.has_permission(v_actor, 'accounts.read') then v_transaction.balance_after end);
  v_answer := ledger.idempotency_end('ledger_settle_refund', p_idempotency_key, v_actor.caller_id, v_request, v_account.id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."ledger_settle_refund"(uuid, text, text, text, uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.ledger_ship_order (
  p_order_id              uuid,
  p_lines                 jsonb                    DEFAULT NULL::jsonb,
  p_carrier               text                     DEFAULT NULL::text,
  p_tracking_number       text                     DEFAULT NULL::text,
  p_estimated_delivery_at timestamp with time zone DEFAULT NULL::timestamp WITH time zone,
  p_metadata              jsonb                    DEFAULT '{}'::jsonb,
  p_idempotency_key       text                     DEFAULT NULL::text,
  p_actor_id              uuid                     DEFAULT NULL::uuid
)
  RETURNS SETOF public.ledger_ship_order_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_metadata jsonb;
  v_order public.orders;
  v_line_numbers integer[];
  v_quantities bigint[];
  v_is_rest boolean;
  v_change ledger.order_change;
  v_transaction public.transactions;
  v_correlation_id uuid;
  v_shipment public.shipments;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'orders.ship');

  -- asked before
  v_request := jsonb_build_array(p_order_id, p_lines, p_carrier, p_tracking_number, p_estimated_delivery_at, p_metadata, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_ship_order', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_ship_order_result, v_answer);
    return;
  end if;

  -- lock: order
  select o.* into v_order from public.orders o where o.id = p_order_id for no key update;

  -- check
  v_answer := case
    when v_order.id is null then ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id))
    when coalesce(jsonb_typeof(p_metadata), 'object') <> 'object' or octet_length(p_metadata::text) > 16384 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_metadata', 'problem', 'a JSON object of at most 16 KB'))
    when not isfinite(p_estimated_delivery_at) then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_estimated_delivery_at', 'problem', 'a moment that comes'))
    else ledger.refuse_transition(v_order, 'shipped')
  end;
  if v_answer is null then
    v_metadata := coalesce(p_metadata, '{}') || jsonb_strip_nulls(jsonb_build_object(
      'carrier', p_carrier, 'tracking_number', p_tracking_number, 'estimated_delivery_at', p_estimated_delivery_at));
    v_answer := coalesce(ledger.refuse_parcel(v_order, v_metadata), ledger.refuse_shipping(v_order, p_lines));
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_ship_order_result, v_answer);
    return;
  end if;
  select array_agg(s.line_number order by s.line_number) filter (where s.asked > 0),
         array_agg(s.asked order by s.line_number) filter (where s.asked > 0),
         bool_and(s.asked = s.quantity - s.shipped_quantity)
  into v_line_numbers, v_quantities, v_is_rest
  from ledger.lines_to_ship(v_order, p_lines) s;
  if v_is_rest then
    v_actor := ledger.require_transition(v_actor, v_order.status, 'shipped');
  end if;

  -- write and record: the last units make the order shipped, which ships what is left; units before them
  -- leave a shipment with a transaction of its own
  perform set_config('ledger.procedure', 'ledger_ship_order', true);
  if v_is_rest then
    v_change := ledger.apply_order_status(v_order, 'shipped', v_actor, null, v_metadata);
    if v_change.refusal is not null then
      perform set_config('ledger.procedure', '', true);
      return next jsonb_populate_record(null::public.ledger_ship_order_result, v_change.refusal);
      return;
    end if;
    select s.* into v_shipment
    from public.shipments s
    where s.account_id = v_order.account_id and s.order_id = v_order.id
    order by s.shipment_number desc
    limit 1;
  else
    v_correlation_id := ledger.correlation_id();
    v_transaction := ledger.write_transaction(
      v_order.account_id, 'order_shipped', v_actor, 'a part of the order shipped', v_correlation_id,
      p_order_id => v_order.id, p_metadata => v_metadata);
    v_shipment := ledger.ship_units(v_order, v_line_numbers, v_quantities, v_actor, v_correlation_id, v_metadata,
                                    p_effect => ledger.balance_effect(v_transaction));
  end if;

  -- answer, stored under the key
  v_answer := jsonb_build_object('success', true, 'transaction_id', coalesce(v_change.transaction_id, v_transaction.id),
    'order_id', v_order.id, 'shipment_id', v_shipment.id, 'shipment_number', v_shipment.shipment_number,
    'order_status', coalesce(v_change.order_status, v_order.status));
  v_answer := ledger.idempotency_end('ledger_ship_order', p_idempotency_key, v_actor.caller_id, v_request, v_order.account_id, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.ledger_ship_order_result, v_answer);
end $function$;

REVOKE ALL ON FUNCTION "public"."ledger_ship_order"(uuid, jsonb, text, text, timestamp WITH time zone, jsonb, text, uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.ledger_spread_stock (
  p_variant_id      uuid,
  p_slots           integer,
  p_idempotency_key text    DEFAULT NULL::text,
  p_actor_id        uuid    DEFAULT NULL::uuid
)
  RETURNS SETOF public.ledger_spread_stock_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_variant public.variants;
  v_on_hand bigint;
  v_available bigint;
begin
  -- who may
  v_actor := ledger.current_actor(p_actor_id);
  perform ledger.require_permission(v_actor, 'stock.adjust');

  -- asked before
  v_request := jsonb_build_array(p_variant_id, p_slots, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_spread_stock', p_idempotency_key, v_actor.caller_id, v_request);

  -- lock: all of the variant's stock
  if v_answer is null then
    perform ledger.lock_all_stock(array[p_variant_id]);
    select v.* into v_variant from public.variants v where v.id = p_variant_id;
    v_answer := case
      when v_variant.id is null then
        ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_variant_id', 'problem', 'there is no such product variant'))
      when p_slots is null or p_slots not between 1 and 64 then
        ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_slots', 'problem', 'a number of slots from 1 to 64'))
    end;
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_spread_stock_result, v_answer);
    return;
  end if;

  -- write: missing slots, movements that sum up to nothing, the number of slots
  perform set_config('ledger.procedure', 'ledger_spread_stock', true);
  insert into public.stock_levels (variant_id, slot)
  select p_variant_id, g.slot from generate_series(0, p_slots - 1) g (slot)
  on conflict (variant_id, slot) do nothing;
  select sum(s.on_hand), sum(s.on_hand - s.held) into v_on_hand, v_available from public.stock_levels s where s.variant_id = p_variant_id;
  perform ledger.move_in_slots(array_agg(p_variant_id), array_agg(s.slot), array_agg(s.quantity), null, 'slots_spread', v_actor)
  from (select l.slot, l.held - l.on_hand
               + case when l.slot < p_slots then v_available / p_slots + case when l.slot < v_available % p_slots then 1 else 0 end
                      else 0 end as quantity
        from public.stock_levels l
        where l.variant_id = p_variant_id) s
  where s.quantity <> 0;
  update public.variants v set stock_slots = p_slots where v.id = p_variant_id;

  -- write: whether the sum is low already
  if p_slots = 1 then
    delete from ledger.low_stock_marks m where m.variant_id = p_variant_id;
  else
    insert into ledger.low_stock_marks (variant_id, is_low)
    values (p_variant_id, v_on_hand <= ledger.low_stock_threshold(v_variant))
    on conflict (variant_id) do nothing;
  end if;

  -- record
  perform ledger.record_operation('stock.spread', 'variant', p_variant_id, null,
    jsonb_build_object('stock_slots', p_slots, 'slots_before', v_variant.stock_slots, 'on_hand', v_on_hand), v_actor, ledger.correlation_id());

  -- answer
  v_answer := jsonb_build_object('success', true, 'variant_id', p_variant_id, 'stock_slots', p_slots, 'stock_quantity', v_on_hand);
  v_answer := ledger.idempotency_end('ledger_spread_stock', p_idempotency_key, v_actor.caller_id, v_request, null, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.ledger_spread_stock_result, v_answer);
end $function$;

REVOKE ALL ON FUNCTION "public"."ledger_spread_stock"(uuid, integer, text, uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.ledger_void_payment (
  p_payment_id      uuid,
  p_reason          text DEFAULT NULL::text,
  p_idempotency_key text DEFAULT NULL::text,
  p_actor_id        uuid DEFAULT NULL::uuid
)
  RETURNS SETOF public.ledger_void_payment_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_order public.orders;
  v_account public.accounts;
  v_payment public.payments;
  v_outside bigint;
  v_waiting bigint;
  v_transaction public.transactions;
  v_correlation_id uuid := ledger.correlation_id();
  v_result public.ledger_void_payment_result;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'payments.record');

  -- asked before
  v_request := jsonb_build_array(p_payment_id, p_reason, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_void_payment', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_void_payment_result, v_answer);
    return;
  end if;

  -- lock: order (which one, the payment says for good), account, payment
  select o.* into v_order
  from public.orders o
  where o.id = (select p.order_id from public.payments p where p.id = p_payment_id)
  for no key update;
  select a.* into v_account from public.accounts a where a.id = v_order.account_id for no key update;
  select p.* into v_payment from public.payments p where p.account_id = v_order.account_id and p.id = p_payment_id for no key update;

  -- check: what was paid from outside and is still there covers it
  v_outside := (v_order.paid_amount - v_order.wallet_amount) - (v_order.refunded_amount - v_order.wallet_refunded_amount);
  v_waiting := (select sum(f.payout_amount) from public.refunds f where f.order_id = v_order.id and f.payout_status = 'pending');
  v_answer := case
    when v_payment.id is null then ledger.refuse('payment_not_found', jsonb_build_object('payment_id', p_payment_id))
    when length(p_reason) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'at most 2000 characters'))
    when v_payment.status <> 'captured' then
      ledger.refuse('payment_conflict', jsonb_build_object('payment_id', p_payment_id, 'status', v_payment.status))
    when v_payment.applied_amount > v_outside then
      ledger.refuse('payment_already_used', jsonb_build_object('currency', v_order.currency, 'amount', v_payment.applied_amount, 'left', v_outside,
        'where', 'with the order ' || v_order.order_number
          || coalesce(format(' (%s waits to be paid out, and is back with it once ledger_settle_refund says withdrawn)',
                             ledger.format_money(v_waiting, v_order.currency)), '')))
    when v_payment.credit_amount > greatest(v_account.available_balance, 0) then
      ledger.refuse('payment_already_used', jsonb_build_object('currency', v_order.currency, 'amount', v_payment.credit_amount,
        'left', v_account.available_balance, 'where', 'in the wallet'))
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_void_payment_result, v_answer);
    return;
  end if;

  -- write: payment, order, transaction, postings
  perform set_config('ledger.procedure', 'ledger_void_payment', true);
  update public.payments p set
    status = 'voided',
    voided_by = v_actor.user_id,
    void_reason = p_reason,
    updated_at = clock_timestamp()
  where p.account_id = v_order.account_id and p.id = p_payment_id;
  update public.orders o set
    paid_amount = o.paid_amount - v_payment.applied_amount,
    payment_status = ledger.payment_status_of(o.total_amount, o.credited_amount, o.paid_amount - v_payment.applied_amount, o.refunded_amount,
                                              o.payment_status),
    version = o.version + 1,
    updated_at = clock_timestamp()
  where o.account_id = v_order.account_id and o.id = v_order.id
  returning o.* into v_order;
  v_transaction := ledger.write_transaction(
    v_order.account_id, 'payment_voided', v_actor, coalesce(p_reason, 'payment voided'), v_correlation_id,
    p_earned => -v_payment.credit_amount, p_order_id => v_order.id, p_reference_id => p_payment_id);
  perform ledger.write_postings(v_transaction, v_order.currency, array[
    row(case v_order.status when 'delivered' then 'receivable' else 'order_escrow' end, 'bank', v_payment.applied_amount),
    row('wallet', 'bank', v_payment.credit_amount)]::ledger.posting_leg[]);

  -- record
  perform ledger.record_operation('payment.voided', 'order', v_order.id, v_order.account_id,
    ledger.balance_effect(v_transaction, p_earned => -v_payment.credit_amount) || jsonb_build_object(
      'order_number', v_order.order_number, 'payment_id', p_payment_id, 'currency', v_order.currency,
      'payment_amount', v_payment.amount, 'applied_amount', v_payment.applied_amount, 'credit_amount', v_payment.credit_amount,
      'payment_status', v_order.payment_status, 'outstanding_amount', v_order.outstanding_amount, 'notes', p_reason),
    v_actor, v_correlation_id);

  -- answer, stored under the key
  v_result := row(true, v_transaction.id, null, null, null, v_order.id, p_payment_id, v_order.status, v_order.payment_status, v_order.outstanding_amount,
                  case when ledger.has_permission(v_actor, 'accounts.read') then v_transaction.balance_after end);
  v_answer := ledger.idempotency_end('ledger_void_payment', p_idempotency_key, v_actor.caller_id, v_request, v_order.account_id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."ledger_void_payment"(uuid, text, text, uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.order_draft_delete (
  p_draft_id uuid
)
  RETURNS SETOF public.order_draft_delete_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_draft public.order_drafts;
begin
  -- who may
  v_actor := ledger.current_actor();

  -- lock: draft
  select d.* into v_draft from public.order_drafts d where d.id = p_draft_id for update;

  -- check
  if not ledger.is_draft_of(v_draft, v_actor) then
    return next jsonb_populate_record(null::public.order_draft_delete_result,
      ledger.refuse('draft_not_found', jsonb_build_object('draft_id', p_draft_id)));
    return;
  end if;

  -- write
  perform set_config('ledger.procedure', 'order_draft_delete', true);
  delete from public.order_drafts d where d.id = p_draft_id;
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.order_draft_delete_result, jsonb_build_object('success', true));
end $function$;

REVOKE ALL ON FUNCTION "public"."order_draft_delete"(uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.order_draft_get (
  p_draft_id uuid
)
  RETURNS SETOF public.order_draft_get_result
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_draft public.order_drafts;
  v_pricing ledger.order_pricing;
  v_problem jsonb;
begin
  -- who may
  v_actor := ledger.current_actor();
  select d.* into v_draft from public.order_drafts d where d.id = p_draft_id;
  if not ledger.is_draft_of(v_draft, v_actor) then
    return next jsonb_populate_record(null::public.order_draft_get_result,
      ledger.refuse('draft_not_found', jsonb_build_object('draft_id', p_draft_id)));
    return;
  end if;

  -- answer
  v_pricing := ledger.price_order(v_draft.user_id, v_draft.items, v_draft.shipping_method, v_draft.discount_code, ledger.all_settings());
  v_problem := case
    when v_pricing.refusal is not null then v_pricing.refusal
    when v_draft.shipping_address_id is not null and ledger.address_snapshot(v_draft.shipping_address_id, v_draft.user_id) is null then
      ledger.refuse('address_not_found', jsonb_build_object('address_id', v_draft.shipping_address_id))
    when v_draft.billing_address_id is not null and ledger.address_snapshot(v_draft.billing_address_id, v_draft.user_id) is null then
      ledger.refuse('address_not_found', jsonb_build_object('address_id', v_draft.billing_address_id))
  end;
  return next row(true, null, null, null, null,
    v_draft.id, v_draft.user_id, v_draft.version, v_draft.currency, v_pricing.subtotal_amount, v_pricing.discount_amount,
    v_pricing.shipping_amount, v_pricing.tax_amount, v_pricing.total_amount, v_draft.total_amount,
    v_pricing.total_amount <> v_draft.total_amount, ledger.draft_lines(v_draft), v_problem - 'success',
    v_draft.shipping_address_id, v_draft.billing_address_id, v_draft.shipping_method, v_draft.discount_code, v_draft.notes,
    v_draft.created_at, v_draft.updated_at)::public.order_draft_get_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."order_draft_get"(uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.order_draft_place (
  p_draft_id         uuid,
  p_payment_method   text   DEFAULT 'wallet'::text,
  p_wallet_amount    bigint DEFAULT NULL::bigint,
  p_expected_total   bigint DEFAULT NULL::bigint,
  p_expected_version bigint DEFAULT NULL::bigint,
  p_metadata         jsonb  DEFAULT '{}'::jsonb,
  p_idempotency_key  text   DEFAULT NULL::text,
  p_reservation_id   uuid   DEFAULT NULL::uuid
)
  RETURNS SETOF public.order_draft_place_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_draft public.order_drafts;
  v_order public.ledger_place_order_result;
begin
  -- who may
  v_actor := ledger.current_actor();

  -- asked before
  v_request := jsonb_build_array(p_draft_id, p_payment_method, p_wallet_amount, p_expected_total, p_expected_version, p_metadata,
                                 p_reservation_id);
  v_answer := ledger.idempotency_begin('order_draft_place', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.order_draft_place_result, v_answer);
    return;
  end if;

  -- lock: the draft, before everything that an order locks; of two who place it one finds it gone
  select d.* into v_draft from public.order_drafts d where d.id = p_draft_id for update;

  -- check
  v_answer := case
    when not ledger.is_draft_of(v_draft, v_actor) then ledger.refuse('draft_not_found', jsonb_build_object('draft_id', p_draft_id))
    when p_expected_version <> v_draft.version then
      ledger.refuse('draft_conflict', jsonb_build_object('version', v_draft.version, 'expected', p_expected_version))
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.order_draft_place_result, v_answer);
    return;
  end if;

  -- write: the order, with its own locks, checks and records
  select o.* into v_order
  from public.ledger_place_order(
    v_draft.items, p_payment_method, p_wallet_amount, v_draft.shipping_address_id, v_draft.billing_address_id,
    v_draft.shipping_method, v_draft.discount_code, coalesce(p_expected_total, v_draft.total_amount), v_draft.notes, p_metadata,
    p_user_id => v_draft.user_id, p_reservation_id => p_reservation_id) o;
  v_answer := to_jsonb(v_order);
  if not v_order.success then
    return next jsonb_populate_record(null::public.order_draft_place_result, v_answer);
    return;
  end if;

  -- write: the draft is used up
  perform set_config('ledger.procedure', 'order_draft_place', true);
  delete from public.order_drafts d where d.id = p_draft_id;

  -- answer
  v_answer := ledger.idempotency_end('order_draft_place', p_idempotency_key, v_actor.caller_id, v_request, v_draft.account_id, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.order_draft_place_result, v_answer);
end $function$;

REVOKE ALL ON FUNCTION "public"."order_draft_place"(uuid, text, bigint, bigint, bigint, jsonb, text, uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.order_draft_save (
  p_items               jsonb,
  p_draft_id            uuid   DEFAULT NULL::uuid,
  p_shipping_address_id uuid   DEFAULT NULL::uuid,
  p_billing_address_id  uuid   DEFAULT NULL::uuid,
  p_shipping_method     text   DEFAULT NULL::text,
  p_discount_code       text   DEFAULT NULL::text,
  p_notes               text   DEFAULT NULL::text,
  p_expected_version    bigint DEFAULT NULL::bigint,
  p_idempotency_key     text   DEFAULT NULL::text,
  p_user_id             uuid   DEFAULT NULL::uuid
)
  RETURNS SETOF public.order_draft_save_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_user_id uuid;
  v_request jsonb;
  v_answer jsonb;
  v_draft public.order_drafts;
  v_pricing ledger.order_pricing;
  v_items jsonb;
  v_maximum integer := ledger.setting_text('max_order_drafts')::integer;
begin
  -- who may
  v_actor := ledger.current_actor();
  v_user_id := ledger.customer_of_call(v_actor, p_user_id, 'orders.place');

  -- asked before
  v_request := jsonb_build_array(v_user_id, p_items, p_draft_id, p_shipping_address_id, p_billing_address_id, p_shipping_method,
                                 p_discount_code, p_notes, p_expected_version);
  v_answer := ledger.idempotency_begin('order_draft_save', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is null and not v_actor.is_system then
    v_answer := ledger.rate_limit_take(v_actor.user_id, 'order_draft_save');
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.order_draft_save_result, v_answer);
    return;
  end if;

  -- lock: the draft, or who gets a new one (so that their drafts can be counted); then the person, who stays meanwhile
  if p_draft_id is null then
    perform pg_advisory_xact_lock(hashtextextended('drafts of ' || v_user_id::text, 0));
  else
    select d.* into v_draft from public.order_drafts d where d.id = p_draft_id for no key update;
    -- staff need not say whose draft it is
    v_user_id := case when p_user_id is null and ledger.is_draft_of(v_draft, v_actor) then v_draft.user_id else v_user_id end;
  end if;
  perform from public.profiles p where p.id = v_user_id and p.erased_at is null for key share;

  -- check
  v_answer := case
    when v_user_id is null then ledger.refuse('customer_required')
    when not found then ledger.refuse('customer_not_found', jsonb_build_object('user_id', v_user_id))
    when p_draft_id is not null and v_draft.user_id is distinct from v_user_id then
      ledger.refuse('draft_not_found', jsonb_build_object('draft_id', p_draft_id))
    when p_expected_version <> v_draft.version then
      ledger.refuse('draft_conflict', jsonb_build_object('version', v_draft.version, 'expected', p_expected_version))
    when p_draft_id is null and (select count(*) from public.order_drafts d where d.user_id = v_user_id) >= v_maximum then
      ledger.refuse('too_many_drafts', jsonb_build_object('maximum', v_maximum))
    when length(p_notes) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_notes', 'problem', 'at most 2000 characters'))
    when p_shipping_address_id is not null and ledger.address_snapshot(p_shipping_address_id, v_user_id) is null then
      ledger.refuse('address_not_found', jsonb_build_object('address_id', p_shipping_address_id))
    when p_billing_address_id is not null and ledger.address_snapshot(p_billing_address_id, v_user_id) is null then
      ledger.refuse('address_not_found', jsonb_build_object('address_id', p_billing_address_id))
  end;
  if v_answer is null then
    v_pricing := ledger.price_order(v_user_id, p_items, p_shipping_method, p_discount_code, ledger.all_settings());
    v_answer := v_pricing.refusal;
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.order_draft_save_result, v_answer);
    return;
  end if;

  -- write
  perform set_config('ledger.procedure', 'order_draft_save', true);
  select jsonb_agg(jsonb_build_object('variant_id', l.variant_id, 'quantity', l.quantity, 'unit_price_amount', l.unit_price_amount)
                   order by l.line_number)
  into v_items
  from unnest(v_pricing.lines) l;
  insert into public.order_drafts as d
    (id, account_id, user_id, currency, items, total_amount, shipping_address_id, billing_address_id, shipping_method,
     discount_code, notes, saved_by)
  values
    (coalesce(p_draft_id, ledger.uuid_v7()), ledger.account_id(v_user_id, v_pricing.currency), v_user_id, v_pricing.currency, v_items,
     v_pricing.total_amount, p_shipping_address_id, p_billing_address_id, p_shipping_method, upper(trim(p_discount_code)), p_notes,
     v_actor.user_id)
  on conflict (id) do update set
    account_id = excluded.account_id, currency = excluded.currency, items = excluded.items, total_amount = excluded.total_amount,
    shipping_address_id = excluded.shipping_address_id, billing_address_id = excluded.billing_address_id,
    shipping_method = excluded.shipping_method, discount_code = excluded.discount_code, notes = excluded.notes,
    saved_by = excluded.saved_by, version = d.version + 1, updated_at = clock_timestamp()
  returning d.* into v_draft;

  -- answer
  v_answer := jsonb_build_object('success', true, 'draft_id', v_draft.id, 'version', v_draft.version, 'currency', v_draft.currency,
    'subtotal_amount', v_pricing.subtotal_amount, 'discount_amount', v_pricing.discount_amount,
    'shipping_amount', v_pricing.shipping_amount, 'tax_amount', v_pricing.tax_amount, 'total_amount', v_pricing.total_amount);
  v_answer := ledger.idempotency_end('order_draft_save', p_idempotency_key, v_actor.caller_id, v_request, v_draft.account_id, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.order_draft_save_result, v_answer);
end $function$;

REVOKE ALL ON FUNCTION "public"."order_draft_save"(jsonb, uuid, uuid, uuid, text, text, text, bigint, text, uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.order_release_reservation (
  p_reservation_id  uuid,
  p_idempotency_key text DEFAULT NULL::text,
  p_user_id         uuid DEFAULT NULL::uuid
)
  RETURNS SETOF public.order_release_reservation_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_user_id uuid;
  v_request jsonb;
  v_answer jsonb;
  v_reservation public.stock_reservations;
begin
  -- who may
  v_actor := ledger.current_actor();
  v_user_id := ledger.customer_of_call(v_actor, p_user_id, 'orders.place');

  -- asked before
  v_request := jsonb_build_array(v_user_id, p_reservation_id);
  v_answer := ledger.idempotency_begin('order_release_reservation', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.order_release_reservation_result, v_answer);
    return;
  end if;

  -- lock: reservation
  select r.* into v_reservation
  from public.stock_reservations r
  where r.id = p_reservation_id and r.user_id = v_user_id
  for no key update;

  -- check: one that is past its time may still be given back as long as nothing else ended it
  v_answer := case
    when v_user_id is null then ledger.refuse('customer_required')
    when v_reservation.status is distinct from 'active' then ledger.refuse_reservation(v_reservation, p_reservation_id)
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.order_release_reservation_result, v_answer);
    return;
  end if;

  -- lock, write and record
  perform set_config('ledger.procedure', 'order_release_reservation', true);
  perform ledger.free_reservations(array[p_reservation_id], 'released', v_actor);

  -- answer
  v_answer := jsonb_build_object('success', true, 'reservation_id', p_reservation_id, 'status', 'released');
  v_answer := ledger.idempotency_end('order_release_reservation', p_idempotency_key, v_actor.caller_id, v_request,
                                     v_reservation.account_id, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.order_release_reservation_result, v_answer);
end $function$;

REVOKE ALL ON FUNCTION "public"."order_release_reservation"(uuid, text, uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.order_reserve (
  p_items           jsonb,
  p_minutes         integer DEFAULT NULL::integer,
  p_idempotency_key text    DEFAULT NULL::text,
  p_user_id         uuid    DEFAULT NULL::uuid
)
  RETURNS SETOF public.order_reserve_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_user_id uuid;
  v_request jsonb;
  v_answer jsonb;
  v_settings jsonb;
  v_minutes integer;
  v_most_minutes integer;
  v_active integer;
  v_held bigint;
  v_asked bigint;
  v_pricing ledger.order_pricing;
  v_frozen_reason text;
  v_account_id uuid;
  v_stock ledger.stock_plan;
  v_reservation public.stock_reservations;
  v_lines jsonb;
begin
  -- who may
  v_actor := ledger.current_actor();
  v_user_id := ledger.customer_of_call(v_actor, p_user_id, 'orders.place');

  -- asked before
  v_request := jsonb_build_array(v_user_id, p_items, p_minutes);
  v_answer := ledger.idempotency_begin('order_reserve', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is null and not v_actor.is_system then
    v_answer := ledger.rate_limit_take(v_actor.user_id, 'order_reserve');
  end if;

  -- lock: the customer's reservations, so that two calls at once do not pass the limit; check what needs no stock
  if v_answer is null then
    perform pg_advisory_xact_lock(hashtextextended('order_reserve:' || coalesce(v_user_id::text, ''), 0));
    v_settings := ledger.all_settings();
    v_most_minutes := case when ledger.has_permission(v_actor, 'orders.place') then 1440 else (v_settings ->> 'reservation_minutes')::integer end;
    v_minutes := coalesce(p_minutes, (v_settings ->> 'reservation_minutes')::integer);
    v_pricing := ledger.price_order(v_user_id, p_items, null, null, v_settings);
    v_account_id := ledger.account_id(v_user_id, v_pricing.currency);
    v_frozen_reason := (select a.frozen_reason from public.accounts a where a.id = v_account_id);
    -- one past its time counts until the job has freed it: it holds its units until then
    select count(distinct r.id), coalesce(sum(l.quantity), 0) into v_active, v_held
    from public.stock_reservations r
    left join public.stock_reservation_lines l on l.reservation_id = r.id
    where r.user_id = v_user_id and r.status = 'active';
    v_asked := (select -sum(q.quantity) from unnest(v_pricing.quantities) q (quantity));
    v_answer := case
      when v_user_id is null then ledger.refuse('customer_required')
      when v_minutes not between 1 and v_most_minutes then
        ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_minutes',
          'problem', format('a number of minutes from 1 to %s', v_most_minutes)))
      when v_pricing.refusal is not null then v_pricing.refusal
      when v_frozen_reason is not null then ledger.refuse('account_frozen', jsonb_build_object('reason', v_frozen_reason))
      when v_active >= (v_settings ->> 'max_active_reservations')::integer then
        ledger.refuse('too_many_reservations', jsonb_build_object('active', v_active))
      when v_held + v_asked > (v_settings ->> 'max_reserved_units')::bigint then
        ledger.refuse('reservation_too_large', jsonb_build_object('held', v_held, 'requested', v_asked,
          'maximum', (v_settings ->> 'max_reserved_units')::bigint))
      else ledger.refuse_opening(v_user_id, v_pricing.currency)
    end;
  end if;

  -- lock: stock by variant and slot; check under its locks
  if v_answer is null then
    v_stock := ledger.plan_stock(v_pricing.variant_ids, v_pricing.quantities);
    v_answer := v_stock.refusal;
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.order_reserve_result, v_answer);
    return;
  end if;

  -- write: reservation, lines, what is held
  perform set_config('ledger.procedure', 'order_reserve', true);
  insert into public.stock_reservations as r (account_id, user_id, expires_at)
  values (v_account_id, v_user_id, clock_timestamp() + make_interval(mins => v_minutes))
  returning r.* into v_reservation;
  insert into public.stock_reservation_lines (reservation_id, variant_id, slot, account_id, quantity)
  select v_reservation.id, w.variant_id, w.slot, v_account_id, -w.quantity
  from unnest(v_stock.variant_ids, v_stock.slots, v_stock.quantities) w (variant_id, slot, quantity);
  if v_stock.variant_ids is not null then
    perform ledger.move_in_slots(v_stock.variant_ids, v_stock.slots, array_fill(0::bigint, array[cardinality(v_stock.slots)]),
                                 array(select -w.quantity from unnest(v_stock.quantities) with ordinality w (quantity, place) order by w.place),
                                 null, v_actor);
  end if;

  -- record
  v_lines := coalesce((select jsonb_agg(jsonb_build_object('variant_id', g.variant_id, 'quantity', g.quantity) order by g.variant_id)
                       from (select w.variant_id, -sum(w.quantity)::bigint as quantity
                             from unnest(v_stock.variant_ids, v_stock.quantities) w (variant_id, quantity)
                             group by w.variant_id) g), '[]');
  perform ledger.record_operation('stock.reserved', 'reservation', v_reservation.id, v_account_id,
    jsonb_build_object('user_id', v_user_id, 'expires_at', v_reservation.expires_at, 'lines', v_lines), v_actor, ledger.correlation_id());

  -- answer
  v_answer := jsonb_build_object('success', true, 'reservation_id', v_reservation.id, 'expires_at', v_reservation.expires_at, 'lines', v_lines);
  v_answer := ledger.idempotency_end('order_reserve', p_idempotency_key, v_actor.caller_id, v_request, v_account_id, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.order_reserve_result, v_answer);
end $function$;

REVOKE ALL ON FUNCTION "public"."order_reserve"(jsonb, integer, text, uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.order_tracking (
  p_order_id uuid
)
  RETURNS SETOF public.order_tracking_result
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_order public.order_management;
  v_is_owner boolean;
  v_may_cancel_until timestamptz;
begin
  -- who may
  v_actor := ledger.current_actor();
  select m.* into v_order from public.order_management m where m.order_id = p_order_id;
  v_is_owner := v_order.user_id = v_actor.user_id;
  if v_order.order_id is null or not (coalesce(v_is_owner, false) or ledger.has_permission(v_actor, 'orders.read')) then
    return next jsonb_populate_record(null::public.order_tracking_result,
      ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id)));
    return;
  end if;

  -- answer
  v_may_cancel_until := v_order.created_at + make_interval(mins => ledger.setting_text('cancellation_window_minutes')::integer);
  return query
    select true, null::uuid, null::text, null::text, null::jsonb,
           v_order.order_id, v_order.order_number, v_order.status, v_order.payment_status, v_order.stage, v_order.currency,
           v_order.total_amount, v_order.amount_due, v_order.created_at, v_order.updated_at,
           (select coalesce(jsonb_agg(jsonb_build_object(
                     'event_id', h.event_id, 'from_status', h.from_status, 'status', h.status, 'notes', h.notes, 'at', h.created_at)
                     order by h.event_id), '[]')
            from public.order_status_history h
            where h.order_id = v_order.order_id),
           -- what ledger_change_order_status would let this caller do, or ledger_cancel_order
           (select coalesce(jsonb_agg(t.to_status order by t.to_status), '[]')
            from public.order_status_transitions t
            where t.from_status = v_order.status
              and (not t.needs_payment or v_order.amount_due = 0 or v_order.payment_status = 'in_grace')
              -- what is not in stock yet keeps an order from going out
              and (t.to_status not in ('shipped', 'delivered') or not exists (select from ledger.open_backorders(v_order.order_id)))
              and (ledger.has_permission(v_actor, t.permission)
                   or (v_is_owner and t.customer_may and clock_timestamp() <= v_may_cancel_until))),
           ledger.tracked_shipments(v_order.account_id, v_order.order_id),
           ledger.tracked_backorders(v_order.account_id, v_order.order_id),
           ledger.tracked_returns(v_order.account_id, v_order.order_id);
end $function$;

CREATE OR REPLACE FUNCTION public.profile_erase (
  p_user_id         uuid DEFAULT NULL::uuid,
  p_reason          text DEFAULT 'requested'::text,
  p_idempotency_key text DEFAULT NULL::text,
  p_actor_id        uuid DEFAULT NULL::uuid
)
  RETURNS SETOF public.profile_erase_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_user_id uuid;
  v_request jsonb;
  v_answer jsonb;
  v_profile public.profiles;
  v_is_repeated boolean;
  v_order_ids uuid[];
  v_account_ids uuid[];
  v_account_id uuid;
  v_open jsonb;
  v_transaction public.transactions;
  v_correlation_id uuid;
  v_sign_in_erased boolean;
begin
  -- who may: everybody themselves; a backend says whom
  v_actor := ledger.current_actor(p_actor_id);
  v_user_id := case when v_actor.is_system then p_user_id
                    else ledger.customer_of_call(v_actor, p_user_id, 'customers.erase') end;

  -- asked before
  v_request := jsonb_build_array(v_user_id, p_reason, p_actor_id);
  v_answer := ledger.idempotency_begin('profile_erase', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.profile_erase_result, v_answer);
    return;
  end if;

  -- lock: drafts, orders, accounts, each by id; then the person, so that no first account, address or draft comes in between
  perform from public.order_drafts d where d.user_id = v_user_id order by d.id for update;
  v_order_ids := array(select o.id from public.orders o where o.user_id = v_user_id order by o.id for no key update);
  v_account_ids := array(select a.id from public.accounts a where a.user_id = v_user_id order by a.id for no key update);
  select p.* into v_profile from public.profiles p where p.id = v_user_id for update;
  v_is_repeated := v_profile.erased_at is not null;

  -- check
  v_answer := case
    when v_user_id is null then ledger.refuse('customer_required')
    when v_profile.id is null then ledger.refuse('customer_not_found', jsonb_build_object('user_id', v_user_id))
    when p_reason is null or p_reason not in ('requested', 'retention_over', 'legal_order') then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'one of requested, retention_over, legal_order'))
  end;
  if v_answer is null and not v_is_repeated then
    v_open := ledger.open_business_of(v_user_id, v_account_ids, v_order_ids, ledger.has_permission(v_actor, 'customers.erase'));
    v_answer := case when v_open is not null then ledger.refuse('erase_not_possible', v_open) end;
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.profile_erase_result, v_answer);
    return;
  end if;

  -- write: accounts are frozen, so that a token which is still good buys nothing
  perform set_config('ledger.procedure', 'profile_erase', true);
  v_correlation_id := ledger.correlation_id();
  foreach v_account_id in array case when v_is_repeated then '{}' else v_account_ids end loop
    v_transaction := ledger.write_transaction(v_account_id, 'account_frozen', v_actor, 'erased', v_correlation_id);
    perform ledger.record_operation('account.frozen', 'account', v_account_id, v_account_id,
      ledger.balance_effect(v_transaction), v_actor, v_correlation_id);
  end loop;

  -- write: what is known of the person
  perform ledger.erase_personal_data(v_user_id, v_account_ids);
  update public.audit_log l set details = '{"erased": true}'
  where l.details <> '{}'
    -- which roles they had is no word about them, and is asked when something went wrong
    and l.target_type <> 'user_roles'
    and l.details <> '{"erased": true}'
    and (v_user_id::text in (l.details -> 'old' ->> 'user_id', l.details -> 'new' ->> 'user_id')
         or (l.target_type = 'profiles' and l.target_id = v_user_id::text));
  -- nobody is left to earn by whom they brought
  update public.referrals r set rate_bp = 0 where r.referrer_user_id = v_user_id;
  -- their own names for what they asked; the key of being erased is still needed to answer it
  delete from ledger.idempotency_keys k where k.caller_id = v_user_id and k.procedure <> 'profile_erase';
  v_sign_in_erased := ledger.erase_sign_in(v_user_id);

  -- record
  if not v_is_repeated then
    perform ledger.record_operation('profile.erased', 'profile', v_user_id, null,
      jsonb_build_object('grounds', p_reason, 'accounts', cardinality(v_account_ids), 'orders', cardinality(v_order_ids),
                         'sign_in_erased', v_sign_in_erased),
      v_actor, v_correlation_id);
  end if;

  -- answer, stored under the key
  v_answer := jsonb_build_object('success', true, 'user_id', v_user_id, 'sign_in_erased', v_sign_in_erased, 'erased_at',
    (select p.erased_at from public.profiles p where p.id = v_user_id));
  v_answer := ledger.idempotency_end('profile_erase', p_idempotency_key, v_actor.caller_id, v_request, null, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.profile_erase_result, v_answer);
end $function$;

REVOKE ALL ON FUNCTION "public"."profile_erase"(uuid, text, text, uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.report_orders (
  p_from     timestamp with time zone DEFAULT NULL::timestamp WITH time zone,
  p_to       timestamp with time zone DEFAULT NULL::timestamp WITH time zone,
  p_currency text                     DEFAULT NULL::text
)
  RETURNS SETOF public.report_orders_result
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_currency text := upper(coalesce(p_currency, ledger.setting_text('default_currency')));
  v_range ledger.report_range;
  v_refusal jsonb;
begin
  -- who may
  perform ledger.require_permission(ledger.current_actor(), 'reports.read');

  -- check
  v_range := ledger.range_of_report(p_from, p_to);
  v_refusal := case
    when v_range.refusal is not null then v_range.refusal
    when not exists (select from public.currencies c where c.code = v_currency) then
      ledger.refuse('unknown_currency', jsonb_build_object('currency', v_currency,
        'known', (select string_agg(c.code, ', ' order by c.code) from public.currencies c)))
  end;
  if v_refusal is not null then
    return next jsonb_populate_record(null::public.report_orders_result, v_refusal);
    return;
  end if;

  -- answer
  return query
    select true, null::uuid, null::text, null::text, null::jsonb, v_range.from_at, v_range.to_at, v_currency,
           f.figures -> 'totals', f.figures -> 'by_status', f.figures -> 'by_day', ledger.top_products(v_range, v_currency),
           ledger.customer_figures(v_range, v_currency), ledger.processing_figures(v_range, v_currency),
           ledger.refund_figures(v_range, v_currency)
    from (select ledger.order_figures(v_range, v_currency) as figures offset 0) f;
end $function$;

REVOKE ALL ON FUNCTION "public"."report_orders"(timestamp WITH time zone, timestamp WITH time zone, text) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.report_vendor (
  p_vendor_id uuid                     DEFAULT NULL::uuid,
  p_from      timestamp with time zone DEFAULT NULL::timestamp WITH time zone,
  p_to        timestamp with time zone DEFAULT NULL::timestamp WITH time zone
)
  RETURNS SETOF public.report_vendor_result
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_vendor_ids uuid[];
  v_range ledger.report_range;
  v_refusal jsonb;
begin
  -- who may
  v_vendor_ids := ledger.vendors_of_call(ledger.current_actor(), p_vendor_id, 'reports.read');

  -- check
  v_range := ledger.range_of_report(p_from, p_to);
  v_refusal := case
    when cardinality(v_vendor_ids) = 0 then ledger.refuse_vendor(p_vendor_id)
    when cardinality(v_vendor_ids) > 1 then ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_vendor_id',
      'problem', 'say which one, you own several vendors'))
    else v_range.refusal
  end;
  if v_refusal is not null then
    return next jsonb_populate_record(null::public.report_vendor_result, v_refusal);
    return;
  end if;

  -- answer
  return query
    select true, null::uuid, null::text, null::text, null::jsonb, v.id, v.name, v_range.from_at, v_range.to_at,
           ledger.vendor_figures(v_range, v.id)
    from public.vendors v
    where v.id = v_vendor_ids[1];
end $function$;

REVOKE ALL ON FUNCTION "public"."report_vendor"(uuid, timestamp WITH time zone, timestamp WITH time zone) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.vendor_order_lines (
  p_vendor_id      uuid                     DEFAULT NULL::uuid,
  p_order_status   text                     DEFAULT NULL::text,
  p_from           timestamp with time zone DEFAULT NULL::timestamp WITH time zone,
  p_to             timestamp with time zone DEFAULT NULL::timestamp WITH time zone,
  p_after_order_id uuid                     DEFAULT NULL::uuid,
  p_after_line     integer                  DEFAULT NULL::integer,
  p_limit          integer                  DEFAULT 50
)
  RETURNS TABLE (
    order_id           uuid,
    order_number       text,
    order_status       text,
    line_number        integer,
    vendor_id          uuid,
    variant_id         uuid,
    product_name       text,
    product_sku        text,
    variant_name       text,
    quantity           bigint,
    shipped_quantity   bigint,
    refunded_quantity  bigint,
    currency           text,
    unit_price_amount  bigint,
    total_price_amount bigint,
    discount_amount    bigint,
    tax_amount         bigint,
    platform_rate_bp   integer,
    share_amount       bigint,
    placed_at          timestamp with time zone,
    shipping_method    text,
    shipping_address   jsonb
  )
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_vendor_ids uuid[];
  v_refusal jsonb;
  v_first_id uuid := coalesce(ledger.first_id_at(p_from, '-1 hour'), '00000000-0000-0000-0000-000000000000');
  v_last_id uuid := least(coalesce(ledger.first_id_at(p_to, '1 hour'), 'ffffffff-ffff-ffff-ffff-ffffffffffff'), p_after_order_id);
begin
  -- who may
  v_actor := ledger.current_actor();
  v_vendor_ids := ledger.vendors_of_call(v_actor, p_vendor_id, 'orders.read');
  if cardinality(v_vendor_ids) = 0 then
    v_refusal := ledger.refuse_vendor(p_vendor_id);
    raise exception using errcode = 'PT404', message = v_refusal ->> 'error_message', hint = v_refusal ->> 'error_code';
  end if;

  -- check
  if coalesce(p_limit, 0) not between 1 and 200 then
    raise exception using errcode = 'invalid_parameter_value', message = format('p_limit: from 1 to 200, not %s', coalesce(p_limit::text, 'null'));
  elsif not p_order_status = any (ledger.order_statuses()) then
    raise exception using errcode = 'invalid_parameter_value', message = format('p_order_status: one of %s, not "%s"',
      array_to_string(ledger.order_statuses(), ', '), left(p_order_status, 100));
  elsif (p_after_order_id is null) <> (p_after_line is null) then
    raise exception using errcode = 'invalid_parameter_value', message = 'p_after_order_id and p_after_line: both of the last line seen, or neither';
  end if;

  -- answer: so many lines of each vendor by its index, of these the newest, and what else there is to say for them alone
  return query
    select l.order_id, l.order_number, l.status, l.line_number, (l.item).vendor_id, (l.item).variant_id,
           (l.item).product_name, (l.item).product_sku, (l.item).variant_name, (l.item).quantity,
           coalesce((select s.shipped_quantity from ledger.shipped_units(l.order_id) s where s.line_number = l.line_number), 0),
           l.refunded, l.currency, (l.item).unit_price_amount, (l.item).total_price_amount, (l.item).discount_amount,
           (l.item).tax_amount, (l.item).platform_rate_bp,
           (select whole.vendor_amount - back.vendor_amount
            from ledger.line_part(l.item, l.prices_include_tax, (l.item).quantity) whole,
                 ledger.line_part(l.item, l.prices_include_tax, l.refunded) back),
           l.created_at, l.shipping_method,
           -- the address's own id would tell which orders are of one person
           case when ledger.vendor_may_see_address(l.status) then l.shipping_address - 'id' end
    from (
      select n.*, coalesce((select r.quantity from ledger.refunded_units(n.order_id) r where r.line_number = n.line_number), 0) as refunded
      from unnest(v_vendor_ids) v (vendor_id)
      cross join lateral (
        select i as item, i.order_id, i.line_number, o.order_number, o.status, o.currency, o.prices_include_tax, o.created_at,
               o.shipping_method, o.shipping_address
        from public.order_items i
        cross join lateral (
          select d.* from public.orders d
          where d.id = i.order_id and (p_order_status is null or d.status = p_order_status)
            and (p_from is null or d.created_at >= p_from) and (p_to is null or d.created_at < p_to)
          offset 0) o
        where i.vendor_id = v.vendor_id and i.order_id between v_first_id and v_last_id
          and (p_after_order_id is null or i.order_id < p_after_order_id or i.line_number > p_after_line)
        order by i.order_id desc, i.line_number
        limit p_limit) n
      order by n.order_id desc, n.line_number
      limit p_limit) l
    order by l.order_id desc, l.line_number;
end $function$;

REVOKE ALL ON FUNCTION "public"."vendor_order_lines"(uuid, text, timestamp WITH time zone, timestamp WITH time zone, uuid, integer, integer) FROM PUBLIC, "anon";

ALTER TABLE "ledger"."low_stock_marks"
  ADD CONSTRAINT "low_stock_marks_variant_id_fkey" FOREIGN KEY (variant_id) REFERENCES public.variants(id) ON DELETE RESTRICT;

ALTER TABLE "public"."backorders"
  ADD CONSTRAINT "backorders_order_id_fkey" FOREIGN KEY (order_id) REFERENCES public.orders(id) ON DELETE RESTRICT;

ALTER TABLE "public"."order_drafts"
  ADD CONSTRAINT "order_drafts_currency_fkey" FOREIGN KEY (currency) REFERENCES public.currencies(code) ON DELETE RESTRICT;

ALTER TABLE "public"."order_items"
  ADD CONSTRAINT "platform_rate_is_a_share" CHECK (((platform_rate_bp >= 0) AND (platform_rate_bp <= 10000)));

ALTER TABLE "public"."payments"
  ADD CONSTRAINT "payments_account_id_fkey" FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE RESTRICT;

ALTER TABLE "public"."payments"
  ADD CONSTRAINT "payments_currency_fkey" FOREIGN KEY (currency) REFERENCES public.currencies(code) ON DELETE RESTRICT;

ALTER TABLE "public"."payments"
  ADD CONSTRAINT "payments_order_id_fkey" FOREIGN KEY (order_id) REFERENCES public.orders(id) ON DELETE RESTRICT;

ALTER TABLE "public"."profiles"
  ADD CONSTRAINT "the_erased_have_no_name" CHECK (((erased_at IS NULL) OR (display_name IS NULL)));

ALTER TABLE "public"."refund_lines"
  ADD CONSTRAINT "refund_lines_order_id_line_number_fkey" FOREIGN KEY (order_id, line_number) REFERENCES public.order_items(order_id, line_number) ON DELETE RESTRICT;

ALTER TABLE "public"."refunds"
  ADD CONSTRAINT "refunds_account_id_fkey" FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE RESTRICT;

ALTER TABLE "public"."refunds"
  ADD CONSTRAINT "refunds_currency_fkey" FOREIGN KEY (currency) REFERENCES public.currencies(code) ON DELETE RESTRICT;

ALTER TABLE "public"."refunds"
  ADD CONSTRAINT "refunds_order_id_fkey" FOREIGN KEY (order_id) REFERENCES public.orders(id) ON DELETE RESTRICT;

ALTER TABLE "public"."return_lines"
  ADD CONSTRAINT "return_lines_order_id_line_number_fkey" FOREIGN KEY (order_id, line_number) REFERENCES public.order_items(order_id, line_number) ON DELETE RESTRICT;

ALTER TABLE "public"."returns"
  ADD CONSTRAINT "returns_order_id_fkey" FOREIGN KEY (order_id) REFERENCES public.orders(id) ON DELETE RESTRICT;

ALTER TABLE "public"."shipment_lines"
  ADD CONSTRAINT "shipment_lines_order_id_line_number_fkey" FOREIGN KEY (order_id, line_number) REFERENCES public.order_items(order_id, line_number) ON DELETE RESTRICT;

ALTER TABLE "public"."shipments"
  ADD CONSTRAINT "shipments_order_id_fkey" FOREIGN KEY (order_id) REFERENCES public.orders(id) ON DELETE RESTRICT;

ALTER TABLE "public"."stock_reservations"
  ADD CONSTRAINT "stock_reservations_order_id_fkey" FOREIGN KEY (order_id) REFERENCES public.orders(id) ON DELETE RESTRICT;

ALTER TABLE "public"."variants"
  ADD CONSTRAINT "stock_lies_in_1_to_64_slots" CHECK (((stock_slots >= 1) AND (stock_slots <= 64)));

ALTER TABLE "public"."vendor_earnings"
  ADD CONSTRAINT "vendor_earnings_account_id_fkey" FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE RESTRICT;

ALTER TABLE "public"."vendor_earnings"
  ADD CONSTRAINT "vendor_earnings_currency_fkey" FOREIGN KEY (currency) REFERENCES public.currencies(code) ON DELETE RESTRICT;

ALTER TABLE "public"."vendor_earnings"
  ADD CONSTRAINT "vendor_earnings_vendor_id_fkey" FOREIGN KEY (vendor_id) REFERENCES public.vendors(id) ON DELETE RESTRICT;

CREATE VIEW "ledger"."outbox_messages" WITH (security_invoker=true) AS  SELECT o.id,
    o.account_id,
    o.type,
    COALESCE(o.payload, (((
        CASE
            WHEN ((e.payload ?| ledger.text_keys()) AND ledger.is_of_erased(e.account_id)) THEN (e.payload - ledger.text_keys())
            ELSE e.payload
        END - 'texts_digest'::text) || COALESCE(t.texts, '{}'::jsonb)) || jsonb_build_object('stream_id', e.stream_id, 'correlation_id', e.correlation_id))) AS payload,
    o.status,
    o.retry_count,
    o.next_retry_at,
    o.error_last,
    o.created_at
   FROM ((ledger.outbox o
     LEFT JOIN public.immutable_events e ON (((e.id = o.event_id) AND (e.occurred_at = o.created_at))))
     LEFT JOIN public.event_texts t ON ((t.event_id = o.event_id)));

CREATE VIEW "public"."customer_orders" WITH (security_invoker=true) AS  SELECT id AS order_id,
    order_number,
    user_id,
    status,
    payment_status,
    payment_method,
    currency,
    subtotal_amount,
    discount_amount,
    shipping_amount,
    tax_amount,
    total_amount,
    wallet_amount,
    paid_amount,
    refunded_amount,
    amount_due,
    shipping_method,
    shipping_address,
    billing_address,
    notes,
    created_at,
    updated_at,
    credited_amount,
    outstanding_amount
   FROM public.orders o
  WHERE ((user_id >= ( SELECT ledger.first_user_seen('orders.read'::text, CURRENT_USER) AS first_user_seen)) AND (user_id <= ( SELECT ledger.last_user_seen('orders.read'::text, CURRENT_USER) AS last_user_seen)) AND (user_id = GREATEST(user_id, ( SELECT ledger.first_user_seen('orders.read'::text, CURRENT_USER) AS first_user_seen))));

REVOKE ALL ON TABLE "public"."customer_orders" FROM "anon";

CREATE VIEW "public"."order_management" WITH (security_invoker=true) AS  SELECT id AS order_id,
    order_number,
    user_id,
    account_id,
    status,
    payment_status,
    payment_method,
        CASE
            WHEN ((status = 'pending'::text) AND (payment_status = 'receipt_uploaded'::text)) THEN 'finance_review'::text
            WHEN ((status = 'pending'::text) AND (payment_status = 'in_grace'::text)) THEN 'bank_transfer_grace'::text
            WHEN ((status = 'pending'::text) AND (payment_status = ANY (ARRAY['paid'::text, 'overpaid'::text]))) THEN 'awaiting_confirmation'::text
            WHEN (status = 'pending'::text) THEN 'finance_pending'::text
            WHEN (status = 'confirmed'::text) THEN 'warehouse_ready'::text
            WHEN (status = 'processing'::text) THEN 'warehouse_processing'::text
            WHEN (status = 'shipped'::text) THEN 'logistics_dispatched'::text
            ELSE status
        END AS stage,
    currency,
    total_amount,
    paid_amount,
    refunded_amount,
    amount_due,
    placed_by,
    metadata,
    version,
    created_at,
    updated_at,
    credited_amount,
    outstanding_amount
   FROM public.orders o;

REVOKE ALL ON TABLE "public"."order_management" FROM "anon";

CREATE VIEW "public"."order_status_history" WITH (security_invoker=true) AS  SELECT e.id AS event_id,
    e.stream_id AS order_id,
    (e.payload ->> 'from_status'::text) AS from_status,
    (e.payload ->> 'to_status'::text) AS status,
    COALESCE((t.texts ->> 'notes'::text),
        CASE
            WHEN ((e.payload ? 'notes'::text) AND (NOT ledger.is_of_erased(e.account_id))) THEN (e.payload ->> 'notes'::text)
            ELSE NULL::text
        END) AS notes,
    e.actor_id AS created_by,
    ((e.payload ->> 'transaction_id'::text))::uuid AS transaction_id,
    e.occurred_at AS created_at
   FROM (public.immutable_events e
     LEFT JOIN public.event_texts t ON ((t.event_id = e.id)))
  WHERE ((e.stream_type = 'order'::text) AND (e.event_type = ANY (ARRAY['order.placed'::text, 'order.status_changed'::text])));

CREATE VIEW "public"."order_details" WITH (security_invoker=true) AS  SELECT o.id AS order_id,
    o.order_number,
    o.user_id,
    o.status,
    o.payment_status,
    m.stage,
    o.payment_method,
    o.currency,
    o.prices_include_tax,
    o.subtotal_amount,
    o.discount_amount,
    o.shipping_amount,
    o.tax_amount,
    o.total_amount,
    o.credited_amount,
    o.wallet_amount,
    o.paid_amount,
    o.refunded_amount,
    o.outstanding_amount,
    o.amount_due,
    o.shipping_method,
    o.shipping_address,
    o.billing_address,
    o.notes,
    o.metadata,
    o.placed_by,
    o.version,
    o.created_at,
    o.updated_at,
    ( SELECT jsonb_agg(jsonb_build_object('line_number', i.line_number, 'variant_id', i.variant_id, 'vendor_id', i.vendor_id, 'product_name', i.product_name, 'product_sku', i.product_sku, 'variant_name', i.variant_name, 'quantity', i.quantity, 'unit_price_amount', i.unit_price_amount, 'total_price_amount', i.total_price_amount, 'discount_amount', i.discount_amount, 'tax_rate_bp', i.tax_rate_bp, 'tax_amount', i.tax_amount) ORDER BY i.line_number) AS jsonb_agg
           FROM public.order_items i
          WHERE (i.order_id = o.id)) AS items,
    ( SELECT jsonb_agg(jsonb_build_object('event_id', h.event_id, 'from_status', h.from_status, 'status', h.status, 'notes', h.notes, 'at', h.created_at) ORDER BY h.event_id) AS jsonb_agg
           FROM public.order_status_history h
          WHERE (h.order_id = o.id)) AS history
   FROM (public.orders o
     JOIN public.order_management m ON ((m.order_id = o.id)));

REVOKE ALL ON TABLE "public"."order_details" FROM "anon";

REVOKE ALL ON TABLE "public"."order_status_history" FROM "anon";

CREATE INDEX audit_log_default_id_idx ON ledger.audit_log_default USING btree (id)
  WHERE (details <> '{}'::jsonb);

CREATE INDEX audit_log_of_hand_edits ON ONLY public.audit_log USING btree (id)
  WHERE (details <> '{}'::jsonb);

ALTER INDEX "public"."audit_log_of_hand_edits" ATTACH PARTITION "ledger"."audit_log_default_id_idx";

CREATE INDEX backorders_by_account ON public.backorders USING btree (account_id);

CREATE INDEX backorders_open ON public.backorders USING btree (variant_id, created_at, order_id)
  WHERE (open_quantity > 0);

CREATE INDEX event_texts_by_account ON public.event_texts USING btree (account_id);

CREATE INDEX order_drafts_by_age ON public.order_drafts USING btree (updated_at);

CREATE INDEX order_items_by_vendor ON public.order_items USING btree (vendor_id, order_id DESC, line_number)
  WHERE (vendor_id IS NOT NULL);

CREATE INDEX payments_by_order ON public.payments USING btree (order_id);

CREATE UNIQUE INDEX payments_by_reference ON public.payments USING btree (method, upper(reference))
  WHERE ((reference IS NOT NULL) AND (status = 'captured'::text));

CREATE INDEX refund_lines_by_account ON public.refund_lines USING btree (account_id);

CREATE INDEX refund_lines_by_order_line ON public.refund_lines USING btree (order_id, line_number);

CREATE INDEX refunds_by_order ON public.refunds USING btree (order_id);

CREATE INDEX refunds_by_return ON public.refunds USING btree (return_id)
  WHERE (return_id IS NOT NULL);

CREATE INDEX return_lines_by_account ON public.return_lines USING btree (account_id);

CREATE INDEX return_lines_by_order_line ON public.return_lines USING btree (order_id, line_number);

CREATE INDEX returns_by_order ON public.returns USING btree (order_id);

CREATE INDEX shipment_lines_by_account ON public.shipment_lines USING btree (account_id);

CREATE INDEX shipment_lines_by_order_line ON public.shipment_lines USING btree (order_id, line_number);

CREATE INDEX stock_reservations_by_order ON public.stock_reservations USING btree (order_id)
  WHERE (order_id IS NOT NULL);

CREATE INDEX stock_reservations_to_expire ON public.stock_reservations USING btree (expires_at)
  WHERE (status = 'active'::text);

CREATE INDEX vendor_earnings_by_vendor ON public.vendor_earnings USING btree (vendor_id, order_id);

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON ledger.low_stock_marks
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('low_stock_marks', 'ledger_spread_stock');

ALTER TABLE "ledger"."low_stock_marks"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON ledger.low_stock_marks
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('low_stock_marks', 'ledger_spread_stock');

CREATE TRIGGER rows_stay
  BEFORE DELETE ON ledger.low_stock_marks
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('low_stock_marks', 'ledger_spread_stock');

ALTER TABLE "ledger"."low_stock_marks"
  ENABLE ALWAYS TRIGGER "rows_stay";

CREATE TRIGGER values_come_from_procedures
  BEFORE UPDATE ON ledger.low_stock_marks
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('low_stock_marks', 'ledger_spread_stock');

ALTER TABLE "ledger"."low_stock_marks"
  ENABLE ALWAYS TRIGGER "values_come_from_procedures";

CREATE TRIGGER rows_never_change
  BEFORE DELETE OR UPDATE ON public.audit_log
  FOR EACH ROW
  WHEN ((COALESCE(current_setting('ledger.procedure'::text, true), ''::text) <> ALL (ARRAY['purge_audit_log'::text, 'profile_erase'::text])))
  EXECUTE FUNCTION ledger.refuse_change('audit_log');

ALTER TABLE "public"."audit_log"
  ENABLE ALWAYS TRIGGER "rows_never_change";

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.backorders
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('backorders', 'ledger_place_order, ledger_edit_order or ledger_adjust_stock');

ALTER TABLE "public"."backorders"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.backorders
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('backorders', 'ledger_place_order, ledger_edit_order or ledger_adjust_stock');

CREATE TRIGGER rows_stay
  BEFORE DELETE ON public.backorders
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('backorders', 'ledger_place_order, ledger_edit_order or ledger_adjust_stock');

ALTER TABLE "public"."backorders"
  ENABLE ALWAYS TRIGGER "rows_stay";

CREATE TRIGGER values_come_from_procedures
  BEFORE UPDATE ON public.backorders
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('backorders', 'ledger_place_order, ledger_edit_order or ledger_adjust_stock');

ALTER TABLE "public"."backorders"
  ENABLE ALWAYS TRIGGER "values_come_from_procedures";

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.bulk_change_orders
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('bulk_change_orders', 'ledger_bulk_change_status or ledger_continue_bulk_change');

ALTER TABLE "public"."bulk_change_orders"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.bulk_change_orders
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('bulk_change_orders', 'ledger_bulk_change_status or ledger_continue_bulk_change');

CREATE TRIGGER rows_stay
  BEFORE DELETE ON public.bulk_change_orders
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('bulk_change_orders', 'ledger_bulk_change_status or ledger_continue_bulk_change');

ALTER TABLE "public"."bulk_change_orders"
  ENABLE ALWAYS TRIGGER "rows_stay";

CREATE TRIGGER values_come_from_procedures
  BEFORE UPDATE ON public.bulk_change_orders
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('bulk_change_orders', 'ledger_bulk_change_status or ledger_continue_bulk_change');

ALTER TABLE "public"."bulk_change_orders"
  ENABLE ALWAYS TRIGGER "values_come_from_procedures";

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.bulk_changes
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('bulk_changes', 'ledger_bulk_change_status or ledger_continue_bulk_change');

ALTER TABLE "public"."bulk_changes"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.bulk_changes
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('bulk_changes', 'ledger_bulk_change_status or ledger_continue_bulk_change');

CREATE TRIGGER rows_stay
  BEFORE DELETE ON public.bulk_changes
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('bulk_changes', 'ledger_bulk_change_status or ledger_continue_bulk_change');

ALTER TABLE "public"."bulk_changes"
  ENABLE ALWAYS TRIGGER "rows_stay";

CREATE TRIGGER values_come_from_procedures
  BEFORE UPDATE ON public.bulk_changes
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('bulk_changes', 'ledger_bulk_change_status or ledger_continue_bulk_change');

ALTER TABLE "public"."bulk_changes"
  ENABLE ALWAYS TRIGGER "values_come_from_procedures";

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.event_texts
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_change('event_texts');

ALTER TABLE "public"."event_texts"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.event_texts
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('event_texts', 'the ledger_* procedures');

CREATE TRIGGER rows_never_change
  BEFORE DELETE OR UPDATE ON public.event_texts
  FOR EACH ROW
  WHEN ((COALESCE(current_setting('ledger.procedure'::text, true), ''::text) <> 'profile_erase'::text))
  EXECUTE FUNCTION ledger.refuse_change('event_texts');

ALTER TABLE "public"."event_texts"
  ENABLE ALWAYS TRIGGER "rows_never_change";

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.order_drafts
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('order_drafts', 'order_draft_save, order_draft_delete or order_draft_place');

ALTER TABLE "public"."order_drafts"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.order_drafts
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('order_drafts', 'order_draft_save, order_draft_delete or order_draft_place');

CREATE TRIGGER rows_stay
  BEFORE DELETE ON public.order_drafts
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('order_drafts', 'order_draft_save, order_draft_delete or order_draft_place');

ALTER TABLE "public"."order_drafts"
  ENABLE ALWAYS TRIGGER "rows_stay";

CREATE TRIGGER values_come_from_procedures
  BEFORE UPDATE ON public.order_drafts
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('order_drafts', 'order_draft_save, order_draft_delete or order_draft_place');

ALTER TABLE "public"."order_drafts"
  ENABLE ALWAYS TRIGGER "values_come_from_procedures";

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.order_items
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('order_items', 'ledger_place_order or ledger_edit_order');

ALTER TABLE "public"."order_items"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.order_items
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('order_items', 'ledger_place_order or ledger_edit_order');

CREATE TRIGGER rows_stay
  BEFORE DELETE ON public.order_items
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('order_items', 'ledger_place_order or ledger_edit_order');

ALTER TABLE "public"."order_items"
  ENABLE ALWAYS TRIGGER "rows_stay";

CREATE TRIGGER values_come_from_procedures
  BEFORE UPDATE ON public.order_items
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('order_items', 'ledger_place_order or ledger_edit_order');

ALTER TABLE "public"."order_items"
  ENABLE ALWAYS TRIGGER "values_come_from_procedures";

CREATE TRIGGER amounts_fit_together
  BEFORE INSERT OR UPDATE OF prices_include_tax,
    subtotal_amount,
    discount_amount, shipping_amount, tax_amount, total_amount, wallet_amount, paid_amount, refunded_amount, wallet_refunded_amount, credited_amount ON public.orders
  FOR EACH ROW
  EXECUTE FUNCTION ledger.check_order_amounts();

ALTER TABLE "public"."orders"
  ENABLE ALWAYS TRIGGER "amounts_fit_together";

CREATE TRIGGER texts_raise_the_version
  BEFORE UPDATE OF notes, metadata, shipping_address, billing_address ON public.orders
  FOR EACH ROW
  EXECUTE FUNCTION ledger.raise_order_version();

ALTER TABLE "public"."orders"
  ENABLE ALWAYS TRIGGER "texts_raise_the_version";

CREATE TRIGGER values_come_from_procedures
  BEFORE UPDATE OF id,
    account_id,
    user_id,
    order_number,
    currency,
    status,
    payment_status,
    payment_method,
    prices_include_tax,
    subtotal_amount,
    discount_amount,
    shipping_amount,
    tax_amount,
    total_amount,
    wallet_amount,
    paid_amount,
    refunded_amount,
    wallet_refunded_amount, credited_amount, shipping_method, discount_code_id, shipping_address, billing_address, placed_by, VERSION, created_at, updated_at ON public.orders
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('orders', 'ledger_place_order, ledger_change_order_status or ledger_cancel_order');

ALTER TABLE "public"."orders"
  ENABLE ALWAYS TRIGGER "values_come_from_procedures";

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.payments
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('payments', 'ledger_record_payment or ledger_void_payment');

ALTER TABLE "public"."payments"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.payments
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('payments', 'ledger_record_payment or ledger_void_payment');

CREATE TRIGGER rows_stay
  BEFORE DELETE ON public.payments
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('payments', 'ledger_record_payment or ledger_void_payment');

ALTER TABLE "public"."payments"
  ENABLE ALWAYS TRIGGER "rows_stay";

CREATE TRIGGER values_come_from_procedures
  BEFORE UPDATE ON public.payments
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('payments', 'ledger_record_payment or ledger_void_payment');

ALTER TABLE "public"."payments"
  ENABLE ALWAYS TRIGGER "values_come_from_procedures";

CREATE TRIGGER erased_at_comes_from_procedures
  BEFORE UPDATE OF erased_at ON public.profiles
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('profiles', 'profile_erase');

ALTER TABLE "public"."profiles"
  ENABLE ALWAYS TRIGGER "erased_at_comes_from_procedures";

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.refund_lines
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_change('refund_lines');

ALTER TABLE "public"."refund_lines"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.refund_lines
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('refund_lines', 'ledger_refund_order, ledger_cancel_order or ledger_change_order_status');

CREATE TRIGGER rows_never_change
  BEFORE DELETE OR UPDATE ON public.refund_lines
  FOR EACH ROW
  EXECUTE FUNCTION ledger.refuse_change('refund_lines');

ALTER TABLE "public"."refund_lines"
  ENABLE ALWAYS TRIGGER "rows_never_change";

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.refunds
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('refunds', 'ledger_refund_order or ledger_settle_refund');

ALTER TABLE "public"."refunds"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.refunds
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('refunds', 'ledger_refund_order or ledger_settle_refund');

CREATE TRIGGER rows_stay
  BEFORE DELETE ON public.refunds
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('refunds', 'ledger_refund_order or ledger_settle_refund');

ALTER TABLE "public"."refunds"
  ENABLE ALWAYS TRIGGER "rows_stay";

CREATE TRIGGER values_come_from_procedures
  BEFORE UPDATE ON public.refunds
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('refunds', 'ledger_refund_order or ledger_settle_refund');

ALTER TABLE "public"."refunds"
  ENABLE ALWAYS TRIGGER "values_come_from_procedures";

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.return_lines
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('return_lines', 'ledger_request_return or ledger_review_return');

ALTER TABLE "public"."return_lines"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.return_lines
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('return_lines', 'ledger_request_return or ledger_review_return');

CREATE TRIGGER rows_stay
  BEFORE DELETE ON public.return_lines
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('return_lines', 'ledger_request_return or ledger_review_return');

ALTER TABLE "public"."return_lines"
  ENABLE ALWAYS TRIGGER "rows_stay";

CREATE TRIGGER values_come_from_procedures
  BEFORE UPDATE ON public.return_lines
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('return_lines', 'ledger_request_return or ledger_review_return');

ALTER TABLE "public"."return_lines"
  ENABLE ALWAYS TRIGGER "values_come_from_procedures";

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.returns
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('returns', 'ledger_request_return or ledger_review_return');

ALTER TABLE "public"."returns"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.returns
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('returns', 'ledger_request_return or ledger_review_return');

CREATE TRIGGER rows_stay
  BEFORE DELETE ON public.returns
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('returns', 'ledger_request_return or ledger_review_return');

ALTER TABLE "public"."returns"
  ENABLE ALWAYS TRIGGER "rows_stay";

CREATE TRIGGER values_come_from_procedures
  BEFORE UPDATE ON public.returns
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('returns', 'ledger_request_return or ledger_review_return');

ALTER TABLE "public"."returns"
  ENABLE ALWAYS TRIGGER "values_come_from_procedures";

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.shipment_lines
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_change('shipment_lines');

ALTER TABLE "public"."shipment_lines"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.shipment_lines
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('shipment_lines', 'ledger_ship_order or ledger_change_order_status');

CREATE TRIGGER rows_never_change
  BEFORE DELETE OR UPDATE ON public.shipment_lines
  FOR EACH ROW
  EXECUTE FUNCTION ledger.refuse_change('shipment_lines');

ALTER TABLE "public"."shipment_lines"
  ENABLE ALWAYS TRIGGER "rows_never_change";

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.shipments
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('shipments', 'ledger_ship_order or ledger_confirm_delivery');

ALTER TABLE "public"."shipments"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.shipments
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('shipments', 'ledger_ship_order or ledger_confirm_delivery');

CREATE TRIGGER rows_stay
  BEFORE DELETE ON public.shipments
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('shipments', 'ledger_ship_order or ledger_confirm_delivery');

ALTER TABLE "public"."shipments"
  ENABLE ALWAYS TRIGGER "rows_stay";

CREATE TRIGGER values_come_from_procedures
  BEFORE UPDATE ON public.shipments
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('shipments', 'ledger_ship_order or ledger_confirm_delivery');

ALTER TABLE "public"."shipments"
  ENABLE ALWAYS TRIGGER "values_come_from_procedures";

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.stock_reservation_lines
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_change('stock_reservation_lines');

ALTER TABLE "public"."stock_reservation_lines"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.stock_reservation_lines
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('stock_reservation_lines', 'order_reserve');

CREATE TRIGGER rows_never_change
  BEFORE DELETE OR UPDATE ON public.stock_reservation_lines
  FOR EACH ROW
  EXECUTE FUNCTION ledger.refuse_change('stock_reservation_lines');

ALTER TABLE "public"."stock_reservation_lines"
  ENABLE ALWAYS TRIGGER "rows_never_change";

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.stock_reservations
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('stock_reservations', 'order_reserve or order_release_reservation');

ALTER TABLE "public"."stock_reservations"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.stock_reservations
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('stock_reservations', 'order_reserve or order_release_reservation');

CREATE TRIGGER rows_stay
  BEFORE DELETE ON public.stock_reservations
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('stock_reservations', 'order_reserve or order_release_reservation');

ALTER TABLE "public"."stock_reservations"
  ENABLE ALWAYS TRIGGER "rows_stay";

CREATE TRIGGER values_come_from_procedures
  BEFORE UPDATE ON public.stock_reservations
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('stock_reservations', 'order_reserve or order_release_reservation');

ALTER TABLE "public"."stock_reservations"
  ENABLE ALWAYS TRIGGER "values_come_from_procedures";

CREATE TRIGGER rows_never_change
  BEFORE DELETE OR UPDATE ON public.transactions
  FOR EACH ROW
  EXECUTE FUNCTION ledger.refuse_change_of_transaction();

ALTER TABLE "public"."transactions"
  ENABLE ALWAYS TRIGGER "rows_never_change";

CREATE TRIGGER stock_slots_come_from_procedures
  BEFORE UPDATE OF stock_slots ON public.variants
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('variants', 'ledger_spread_stock');

ALTER TABLE "public"."variants"
  ENABLE ALWAYS TRIGGER "stock_slots_come_from_procedures";

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.vendor_earnings
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('vendor_earnings', 'ledger_change_order_status or ledger_refund_order');

ALTER TABLE "public"."vendor_earnings"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.vendor_earnings
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('vendor_earnings', 'ledger_change_order_status or ledger_refund_order');

CREATE TRIGGER rows_stay
  BEFORE DELETE ON public.vendor_earnings
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('vendor_earnings', 'ledger_change_order_status or ledger_refund_order');

ALTER TABLE "public"."vendor_earnings"
  ENABLE ALWAYS TRIGGER "rows_stay";

CREATE TRIGGER values_come_from_procedures
  BEFORE UPDATE ON public.vendor_earnings
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('vendor_earnings', 'ledger_change_order_status or ledger_refund_order');

ALTER TABLE "public"."vendor_earnings"
  ENABLE ALWAYS TRIGGER "values_come_from_procedures";

CREATE POLICY "backorders_are_seen_by_their_customer_and_staff" ON "public"."backorders"
  FOR SELECT
  TO "authenticated"
  USING
    (((account_id >= ( SELECT ledger.first_account_seen('orders.read'::text) AS first_account_seen)) AND (account_id <= ( SELECT ledger.last_account_seen('orders.read'::text) AS
    last_account_seen)) AND ((account_id IN ( SELECT a.id
   FROM public.accounts a
  WHERE (a.user_id = ( SELECT auth.uid() AS uid)))) OR ( SELECT ledger.caller_may('orders.read'::text) AS caller_may))));

CREATE POLICY "bulk_change_orders_are_seen_by_staff" ON "public"."bulk_change_orders"
  FOR SELECT
  TO "authenticated"
  USING (( SELECT ledger.caller_may('orders.read'::text) AS caller_may));

CREATE POLICY "bulk_changes_are_seen_by_staff" ON "public"."bulk_changes"
  FOR SELECT
  TO "authenticated"
  USING (( SELECT ledger.caller_may('orders.read'::text) AS caller_may));

CREATE POLICY "event_texts_are_seen_by_who_sees_the_event" ON "public"."event_texts"
  FOR SELECT
  TO "authenticated"
  USING
    (((account_id >= LEAST(( SELECT ledger.first_account_seen('orders.read'::text) AS first_account_seen), ( SELECT ledger.first_account_seen('audit.read'::text) AS
    first_account_seen))) AND
    (account_id <= GREATEST(( SELECT ledger.last_account_seen('orders.read'::text) AS last_account_seen), ( SELECT ledger.last_account_seen('audit.read'::text) AS
    last_account_seen))) AND ((account_id IN ( SELECT a.id
   FROM public.accounts a
  WHERE (a.user_id = ( SELECT auth.uid() AS uid)))) OR ( SELECT ledger.caller_may('audit.read'::text) AS caller_may) OR
    ((stream_type = 'order'::text) AND ( SELECT ledger.caller_may('orders.read'::text) AS caller_may)))));

CREATE POLICY "drafts_are_seen_by_their_customer_and_staff" ON "public"."order_drafts"
  FOR SELECT
  TO "authenticated"
  USING
    (((user_id >= ( SELECT ledger.first_user_seen('orders.place'::text) AS first_user_seen)) AND (user_id <= ( SELECT ledger.last_user_seen('orders.place'::text) AS
    last_user_seen))));

CREATE POLICY "payments_are_seen_by_their_customer_and_staff" ON "public"."payments"
  FOR SELECT
  TO "authenticated"
  USING
    (((account_id >= ( SELECT ledger.first_account_seen('orders.read'::text) AS first_account_seen)) AND (account_id <= ( SELECT ledger.last_account_seen('orders.read'::text) AS
    last_account_seen)) AND ((account_id IN ( SELECT a.id
   FROM public.accounts a
  WHERE (a.user_id = ( SELECT auth.uid() AS uid)))) OR ( SELECT ledger.caller_may('orders.read'::text) AS caller_may))));

CREATE POLICY "refund_lines_are_seen_by_their_customer_and_staff" ON "public"."refund_lines"
  FOR SELECT
  TO "authenticated"
  USING
    (((account_id >= ( SELECT ledger.first_account_seen('orders.read'::text) AS first_account_seen)) AND (account_id <= ( SELECT ledger.last_account_seen('orders.read'::text) AS
    last_account_seen)) AND ((account_id IN ( SELECT a.id
   FROM public.accounts a
  WHERE (a.user_id = ( SELECT auth.uid() AS uid)))) OR ( SELECT ledger.caller_may('orders.read'::text) AS caller_may))));

CREATE POLICY "refunds_are_seen_by_their_customer_and_staff" ON "public"."refunds"
  FOR SELECT
  TO "authenticated"
  USING
    (((account_id >= ( SELECT ledger.first_account_seen('orders.read'::text) AS first_account_seen)) AND (account_id <= ( SELECT ledger.last_account_seen('orders.read'::text) AS
    last_account_seen)) AND ((account_id IN ( SELECT a.id
   FROM public.accounts a
  WHERE (a.user_id = ( SELECT auth.uid() AS uid)))) OR ( SELECT ledger.caller_may('orders.read'::text) AS caller_may))));

CREATE POLICY "return_lines_are_seen_by_their_customer_and_staff" ON "public"."return_lines"
  FOR SELECT
  TO "authenticated"
  USING
    (((account_id >= ( SELECT ledger.first_account_seen('orders.read'::text) AS first_account_seen)) AND (account_id <= ( SELECT ledger.last_account_seen('orders.read'::text) AS
    last_account_seen)) AND ((account_id IN ( SELECT a.id
   FROM public.accounts a
  WHERE (a.user_id = ( SELECT auth.uid() AS uid)))) OR ( SELECT ledger.caller_may('orders.read'::text) AS caller_may))));

CREATE POLICY "returns_are_seen_by_their_customer_and_staff" ON "public"."returns"
  FOR SELECT
  TO "authenticated"
  USING
    (((account_id >= ( SELECT ledger.first_account_seen('orders.read'::text) AS first_account_seen)) AND (account_id <= ( SELECT ledger.last_account_seen('orders.read'::text) AS
    last_account_seen)) AND ((user_id = ( SELECT auth.uid() AS uid)) OR ( SELECT ledger.caller_may('orders.read'::text) AS caller_may))));

CREATE POLICY "shipment_lines_are_seen_by_their_customer_and_staff" ON "public"."shipment_lines"
  FOR SELECT
  TO "authenticated"
  USING
    (((account_id >= ( SELECT ledger.first_account_seen('orders.read'::text) AS first_account_seen)) AND (account_id <= ( SELECT ledger.last_account_seen('orders.read'::text) AS
    last_account_seen)) AND ((account_id IN ( SELECT a.id
   FROM public.accounts a
  WHERE (a.user_id = ( SELECT auth.uid() AS uid)))) OR ( SELECT ledger.caller_may('orders.read'::text) AS caller_may))));

CREATE POLICY "shipments_are_seen_by_their_customer_and_staff" ON "public"."shipments"
  FOR SELECT
  TO "authenticated"
  USING
    (((account_id >= ( SELECT ledger.first_account_seen('orders.read'::text) AS first_account_seen)) AND (account_id <= ( SELECT ledger.last_account_seen('orders.read'::text) AS
    last_account_seen)) AND ((account_id IN ( SELECT a.id
   FROM public.accounts a
  WHERE (a.user_id = ( SELECT auth.uid() AS uid)))) OR ( SELECT ledger.caller_may('orders.read'::text) AS caller_may))));

CREATE POLICY "reservations_are_seen_by_their_customer_and_staff" ON "public"."stock_reservations"
  FOR SELECT
  TO "authenticated"
  USING
    (((user_id >= ( SELECT ledger.first_user_seen('orders.read'::text) AS first_user_seen)) AND (user_id <= ( SELECT ledger.last_user_seen('orders.read'::text) AS
    last_user_seen))));

CREATE POLICY "vendor_earnings_are_seen_by_their_owner_and_staff" ON "public"."vendor_earnings"
  FOR SELECT
  TO "authenticated"
  USING
    ((((account_id >= ( SELECT ledger.first_account_seen('accounts.read'::text) AS first_account_seen)) AND (account_id <= ( SELECT ledger.last_account_seen('accounts.read'::text)
    AS last_account_seen)) AND ((account_id IN ( SELECT a.id
   FROM public.accounts a
  WHERE (a.user_id = ( SELECT auth.uid() AS uid)))) OR ( SELECT ledger.caller_may('accounts.read'::text) AS caller_may))) OR
    ((account_id IS NULL) AND ( SELECT ledger.caller_may('accounts.read'::text) AS caller_may))));

COMMENT ON COLUMN "public"."accounts"."available_balance" IS 'May be negative only after a commission or a vendor''s share was clawed back.';

COMMENT ON COLUMN "public"."accounts"."total_earned" IS 'Credits, adjustments, commissions and vendors'' shares; below zero when more was clawed back or adjusted away than is left of them.';

COMMENT ON COLUMN "public"."backorders"."created_at" IS 'Its place in the queue: when it was ordered, or last raised by an edit.';

COMMENT ON COLUMN "public"."backorders"."dropped_quantity" IS 'Units given up because the order ended.';

COMMENT ON COLUMN "public"."backorders"."open_quantity" IS 'Units still waited for.';

COMMENT ON COLUMN "public"."backorders"."quantity" IS 'Units that were not there, less what an edit took off.';

COMMENT ON COLUMN "public"."bulk_changes"."asked_by" IS 'Who is recorded as acting, and whose permissions count unless a backend asked.';

COMMENT ON COLUMN "public"."event_texts"."salt" IS 'Goes into the event''s texts_digest; without it the digest of a short text could be guessed.';

COMMENT ON COLUMN "public"."order_drafts"."account_id" IS 'ledger.account_id(user_id, currency): the account that would pay, whether it is open yet or not.';

COMMENT ON COLUMN "public"."order_drafts"."items" IS '[{"variant_id", "quantity", "unit_price_amount"}]: lines with the price of one unit when the draft was saved, in minor units.';

COMMENT ON COLUMN "public"."order_drafts"."saved_by" IS 'Who saved it last: the customer, or staff on their behalf; null for a backend.';

COMMENT ON COLUMN "public"."order_drafts"."total_amount" IS 'What the order would have cost when the draft was saved, in minor units.';

COMMENT ON COLUMN "public"."order_drafts"."version" IS 'Rises with each save; p_expected_version compares with it.';

COMMENT ON COLUMN "public"."order_items"."platform_rate_bp" IS 'The platform''s share of a vendor''s line in basis points, as it was at placing; null for the house''s own goods.';

COMMENT ON COLUMN "public"."orders"."amount_due" IS 'What is left to pay: outstanding_amount, or nothing when it is negative.';

COMMENT ON COLUMN "public"."orders"."credited_amount" IS 'How much of the total was taken back by refunds, returns or cancellation; all of it once the order has ended.';

COMMENT ON COLUMN "public"."orders"."outstanding_amount" IS 'total - credited - paid + refunded: what the customer owes for the order; negative when the house owes them.';

COMMENT ON COLUMN "public"."orders"."paid_amount" IS 'Everything that was ever paid for the order.';

COMMENT ON COLUMN "public"."orders"."refunded_amount" IS 'Everything of it that went back.';

COMMENT ON COLUMN "public"."orders"."wallet_amount" IS 'What the wallet has paid in all; part of paid_amount.';

COMMENT ON COLUMN "public"."orders"."wallet_refunded_amount" IS 'Part of refunded_amount that went back into the wallet it came from.';

COMMENT ON COLUMN "public"."payments"."applied_amount" IS 'What went to the order: part of orders.paid_amount while captured.';

COMMENT ON COLUMN "public"."payments"."credit_amount" IS 'What was more than the order needed: wallet credit (total_earned).';

COMMENT ON COLUMN "public"."payments"."reference" IS 'The bank''s or provider''s name of it; the same one, in any case, is recorded once per method.';

COMMENT ON COLUMN "public"."profiles"."erased_at" IS 'When profile_erase made this person nobody in particular; nothing can be ordered or kept for them since.';

COMMENT ON COLUMN "public"."refund_lines"."restocked_quantity" IS 'Of these, units put back in stock.';

COMMENT ON COLUMN "public"."refund_lines"."unshipped_quantity" IS 'Of these, units that had not been shipped and will not be.';

COMMENT ON COLUMN "public"."refunds"."allowance_amount" IS 'Taken off without units coming back; below zero when refunded units took the place of an earlier allowance.';

COMMENT ON COLUMN "public"."refunds"."allowance_tax_amount" IS 'The tax in allowance_amount. tax_amount is that of the units.';

COMMENT ON COLUMN "public"."refunds"."credit_amount" IS 'Money paid from outside that became wallet credit (total_earned rises).';

COMMENT ON COLUMN "public"."refunds"."credited_amount" IS 'How much less the customer owes: goods - discount (+ tax where prices do not include it) + shipping + allowance.';

COMMENT ON COLUMN "public"."refunds"."destination" IS 'Where money from outside goes: wallet, or original (paid out).';

COMMENT ON COLUMN "public"."refunds"."payout_amount" IS 'Money paid from outside that is to be paid out; when that fails it becomes wallet credit, and when it is withdrawn the order holds it again.';

COMMENT ON COLUMN "public"."refunds"."wallet_amount" IS 'Money that went back into the wallet it came from (total_orders falls).';

COMMENT ON COLUMN "public"."return_lines"."quantity" IS 'Units that were asked to be returned.';

COMMENT ON COLUMN "public"."return_lines"."received_quantity" IS 'Units that have arrived: back in stock or written off.';

COMMENT ON COLUMN "public"."return_lines"."refunded_quantity" IS 'Of the units that arrived, those whose money has gone back.';

COMMENT ON COLUMN "public"."returns"."requested_by" IS 'Who asked: the customer, or staff on their behalf; null for a backend.';

COMMENT ON COLUMN "public"."shipments"."estimated_delivery_at" IS 'When the carrier expects to deliver it.';

COMMENT ON COLUMN "public"."shipments"."shipped_by" IS 'Who sent it; null for a backend.';

COMMENT ON COLUMN "public"."shipments"."status" IS 'shipped, and delivered once it has arrived.';

COMMENT ON COLUMN "public"."stock_levels"."held" IS 'Units that active reservations hold; available = on_hand - held.';

COMMENT ON COLUMN "public"."stock_reservations"."account_id" IS 'The account in the currency of what is held; it may open with the first order.';

COMMENT ON COLUMN "public"."transactions"."reference_id" IS 'What the operation was about when it was no order: a withdrawal, a commission, a vendor''s earning.';

COMMENT ON COLUMN "public"."variants"."backorder_allowed" IS 'Whether it can be ordered beyond what is in stock; the rest waits in backorders.';

COMMENT ON COLUMN "public"."variants"."stock_slots" IS 'Over how many rows of stock_levels its stock is spread; ledger_spread_stock changes it.';

COMMENT ON COLUMN "public"."vendor_earnings"."account_id" IS 'The account of who owned the vendor at delivery; null when nobody did, or they were erased: the share then stays in vendor_payable.';

COMMENT ON COLUMN "public"."vendor_earnings"."base_amount" IS 'The vendor''s goods after discount, without tax, as far as they were not refunded at delivery.';

COMMENT ON COLUMN "public"."vendor_earnings"."clawed_back_amount" IS 'What of share_amount was taken back by refunds since.';

COMMENT ON FUNCTION "ledger"."accounts_to_take_back_from"(public.orders) IS 'The users whose accounts are locked when something of an order is taken back.';

COMMENT ON FUNCTION "ledger"."actor_with"(uuid, text) IS 'The acting user, who has the permission, or a backend and for whom it acts. Raises 42501 otherwise.';

COMMENT ON FUNCTION "ledger"."add_response_header"(text, text) IS 'Adds a header to the answer of the HTTP request that is being served; does nothing outside HTTP.';

COMMENT ON FUNCTION "ledger"."alert_low_stock"(uuid[], bigint[]) IS 'Queues stock.low for variants whose stock, after these changes, has crossed their threshold; answers how many (source 004).';

COMMENT ON FUNCTION "ledger"."apply_order_status"(public.orders, text, ledger.actor, text, jsonb) IS 'Moves a locked and checked order to a status, with its money, goods and records. Of an order that ends, metadata.restock (boolean) says whether its goods come back, all that were not refunded or none; by default those that never left and those of shipments that have not arrived. metadata.refund_to (wallet, original) says where money from outside goes.';

COMMENT ON FUNCTION "ledger"."apply_stock_plan"(ledger.stock_plan, text, ledger.actor, uuid, uuid, uuid) IS 'Moves the stock of a plan with the reason order_placed or order_edited, keeps its backorders, puts back what comes back, and queues stock.low; answers how many slots and variants moved.';

COMMENT ON FUNCTION "ledger"."approve_lines"(public.orders, uuid, jsonb) IS 'Approves the lines of a return: all that was asked, or what a checked list says.';

COMMENT ON FUNCTION "ledger"."arriving_lines"(public.orders, uuid, jsonb) IS 'Lines of a return that arrive by a checked list (null: all that is awaited), with how many of each can.';

COMMENT ON FUNCTION "ledger"."awaits_goods"(public.orders, uuid) IS 'Whether units of an approved return have not arrived yet and are outside.';

COMMENT ON FUNCTION "ledger"."award_commission"(uuid, public.referrals, bigint, text, ledger.actor, uuid) IS 'Credits a referrer with the commission on an order of whom they brought; nothing when there is no referral. Both accounts are locked by the caller; the referrer''s is opened here when it is their first.';

COMMENT ON FUNCTION "ledger"."award_vendor_earnings"(public.orders, ledger.vendor_share[], ledger.actor, uuid) IS 'Credits the owners of an order''s vendors with their shares. All accounts are locked, and ledger.refuse_shares was asked, by the caller; one that somebody has not yet is opened here.';

COMMENT ON FUNCTION "ledger"."broadcast_order_event"() IS 'Trigger on immutable_events: broadcasts an order''s event to its channel; where that fails it warns, and the order goes on.';

COMMENT ON FUNCTION "ledger"."bulk_change_answers"(uuid) IS 'One answer for each order of a bulk change, in the order asked.';

COMMENT ON FUNCTION "ledger"."carry_out_bulk_change"(uuid, integer) IS 'Changes the next waiting orders of a bulk change, at most so many, and records the outcome of each; answers how many it took.';

COMMENT ON FUNCTION "ledger"."change_bulk_order"(public.bulk_changes, uuid) IS 'Changes one locked order of a bulk change, or says why not.';

COMMENT ON FUNCTION "ledger"."change_status_plainly"(uuid, uuid, text, uuid, text, text, text, uuid, text, jsonb) IS 'Gives a locked and checked order a status that moves neither money nor goods, with its transaction, event, audit line and message.';

COMMENT ON FUNCTION "ledger"."claw_back_commission"(uuid, bigint, ledger.actor, uuid) IS 'Takes back the share of an order''s commission that belongs to what is no longer left of its base. The referrer''s account is locked by the caller.';

COMMENT ON FUNCTION "ledger"."claw_back_vendor_earnings"(public.orders, ledger.actor, uuid) IS 'Takes back the vendors'' shares of the units refunded in all; answers how much that was now (minor units), which the caller moves from vendor_payable back to escrow in the customer''s books. The earners'' accounts are locked by the caller.';

COMMENT ON FUNCTION "ledger"."confirm_when_covered"(public.orders, ledger.actor) IS 'Confirms a locked pending order that nothing is due for, if the shop wants that; what it did, or nulls.';

COMMENT ON FUNCTION "ledger"."consume_reservation"(uuid, uuid, ledger.actor) IS 'Marks a locked active reservation as consumed by this order, with its event; answers the event''s id.';

COMMENT ON FUNCTION "ledger"."continue_bulk_changes"() IS 'Job: carries out the next 500 orders of the oldest bulk change that waits and nobody is at; answers how many.';

COMMENT ON FUNCTION "ledger"."correlation_id_in"(jsonb) IS 'The x-correlation-id of these headers, or a new id.';

COMMENT ON FUNCTION "ledger"."cost_of"(ledger.order_part) IS 'What a part of an order amounts to for the customer, minor units.';

COMMENT ON FUNCTION "ledger"."credited_after"(ledger.order_part, ledger.order_part, ledger.taken_line[], bigint, bigint) IS 'The part of an order that is taken back by now, with the allowance that is left and the tax in it.';

COMMENT ON FUNCTION "ledger"."credited_base"(ledger.order_part, ledger.order_part) IS 'How much of an order''s goods (the base of its commission) was taken back in all, minor units.';

COMMENT ON FUNCTION "ledger"."credited_part"(public.orders) IS 'The part of an order that was taken back: refunded units, shipping and allowances.';

COMMENT ON FUNCTION "ledger"."customer_figures"(ledger.report_range, text) IS 'Who ordered: new customers had no order before the range, in whatever currency.';

COMMENT ON FUNCTION "ledger"."deliver_shipments"(public.orders, uuid, timestamp with time zone, ledger.actor, uuid) IS 'Marks an open shipment of a locked order (all of them when null) as delivered, each with its event; answers how many.';

COMMENT ON FUNCTION "ledger"."delivery_legs"(public.orders, ledger.order_part) IS 'Postings of the delivery of an order of which p_left was not taken back.';

COMMENT ON FUNCTION "ledger"."differences_of_accounts"() IS 'Accounts that differ from their transactions, postings, events, commissions or withdrawals.';

COMMENT ON FUNCTION "ledger"."differences_of_fulfilment"() IS 'Differences between shipments and returns and the orders, refunds and stock they belong to.';

COMMENT ON FUNCTION "ledger"."differences_of_order_money"() IS 'Orders whose escrow, receivable, payouts, income, wallet transactions, payment status or commission are not what follows from them.';

COMMENT ON FUNCTION "ledger"."differences_of_orders"() IS 'Orders that differ from their lines, history or discount code.';

COMMENT ON FUNCTION "ledger"."differences_of_payments"() IS 'Payments that differ from their orders, transactions or postings.';

COMMENT ON FUNCTION "ledger"."differences_of_refunds"() IS 'Refunds that differ from their orders, their lines, the shipments or the stock.';

COMMENT ON FUNCTION "ledger"."differences_of_stock"() IS 'Stock that differs from its movements, movements from the orders, holds from the reservations, or backorders from what they say.';

COMMENT ON FUNCTION "ledger"."differences_of_texts"() IS 'Texts of events that were changed, removed or added without profile_erase.';

COMMENT ON FUNCTION "ledger"."differences_of_vendors"() IS 'Differences between what vendors earned, the orders it comes from, and what is payable.';

COMMENT ON FUNCTION "ledger"."draft_lines"(public.order_drafts) IS 'Lines of a draft with present and saved prices, and what is available of each variant.';

COMMENT ON FUNCTION "ledger"."drop_backorders"(uuid) IS 'Gives all open backorders of an ended order up; answers how many units. The caller holds slot 0 of the variants.';

COMMENT ON FUNCTION "ledger"."drop_open_units"(uuid, uuid[], bigint[], boolean) IS 'Gives up to these quantities of an order''s open backorders up; answers how many of each. The caller holds slot 0 of the variants.';

COMMENT ON FUNCTION "ledger"."duration_figures"(bigint[]) IS 'How many there are, and percentiles; null when there are none.';

COMMENT ON FUNCTION "ledger"."edit_legs"(ledger.edit_money) IS 'Postings of what an edit takes and gives back; the order is not delivered.';

COMMENT ON FUNCTION "ledger"."edited_lines"(public.orders, ledger.order_changes, jsonb) IS 'The lines of a locked order before and after changes, without discount and tax, or the refusal.';

COMMENT ON FUNCTION "ledger"."enable_realtime"() IS 'Broadcasts the events of orders from now on, to the private channel order:<id>. Safe to repeat; `drop trigger order_events_are_broadcast on immutable_events` ends it.';

COMMENT ON FUNCTION "ledger"."end_returns"(public.orders, boolean, ledger.actor, uuid, uuid) IS 'Closes the open returns of an order that has ended, but for the one that is being received and, where p_may_still_come, approved ones whose goods are outside; answers how many.';

COMMENT ON FUNCTION "ledger"."erase_personal_data"(uuid, uuid[]) IS 'Does to a person''s rows what the register of personal data says.';

COMMENT ON FUNCTION "ledger"."erase_sign_in"(uuid) IS 'Scrubs a user of auth.users and of the auth server''s log, and ends their sessions; false where the auth server''s tables may not be written.';

COMMENT ON FUNCTION "ledger"."event_payload"(bigint, uuid, text, jsonb) IS 'What goes into an event of what its operation says: everything but free texts.';

COMMENT ON FUNCTION "ledger"."expire_reservations"(integer) IS 'Job: frees the stock of reservations past their time; answers how many.';

COMMENT ON FUNCTION "ledger"."fill_backorders"(uuid[], smallint[], ledger.actor, uuid) IS 'Gives what is available in these slots to the variants'' waiting backorders, oldest first; answers how many units.';

COMMENT ON FUNCTION "ledger"."first_id_at"(timestamp with time zone, interval) IS 'The least UUID of version 7 made at or after a moment (to the millisecond), moved by p_room.';

COMMENT ON FUNCTION "ledger"."forward"(ledger.posting_leg[]) IS 'The same postings with no amount below zero.';

COMMENT ON FUNCTION "ledger"."free_reservations"(uuid[], text, ledger.actor) IS 'Frees what these locked active reservations hold and sets their status (released or expired); answers how many.';

COMMENT ON FUNCTION "ledger"."is_backend_call"() IS 'Whether a backend calls: service_role, or the owner in a direct session.';

COMMENT ON FUNCTION "ledger"."is_draft_of"(public.order_drafts, ledger.actor) IS 'Whether the actor may see, change and place a draft; false when there is none.';

COMMENT ON FUNCTION "ledger"."is_of_erased"(uuid) IS 'Whether an account is of a person who was erased.';

COMMENT ON FUNCTION "ledger"."is_sale"(text) IS 'Whether an order counts as sold: not rejected, not cancelled.';

COMMENT ON FUNCTION "ledger"."is_whole_number"(jsonb, bigint, bigint) IS 'Whether a JSON value is a whole number from p_minimum to p_maximum.';

COMMENT ON FUNCTION "ledger"."line_part"(public.order_items, boolean, bigint) IS 'What the first p_units units of a line amount to, minor units. Refunds, deliveries and vendor shares divide lines by this alone.';

COMMENT ON FUNCTION "ledger"."lines_asked_back"(public.orders, jsonb) IS 'The lines that a refund of well-formed p_lines takes back. Its stock is locked by the caller.';

COMMENT ON FUNCTION "ledger"."lines_left"(public.orders, boolean) IS 'All units of an order that were not refunded, with those that go back in stock as p_restock (or null) says. Its stock is locked by the caller.';

COMMENT ON FUNCTION "ledger"."lines_to_ship"(public.orders, jsonb) IS 'Lines of an order with what is out and what a checked p_lines (null: all that can go) sends now.';

COMMENT ON FUNCTION "ledger"."lock_all_stock"(uuid[]) IS 'Locks all slots of these variants, by variant and slot. Answers how many.';

COMMENT ON FUNCTION "ledger"."lock_for_bulk_change"(uuid[], text) IS 'Locks all that changing these orders to a status may lock, in the order of locks.';

COMMENT ON FUNCTION "ledger"."lock_low_stock_marks"(uuid[]) IS 'Locks the marks of those of these variants that lie in several slots, by id; after all stock, before the counter of a discount code. Answers how many.';

COMMENT ON FUNCTION "ledger"."lock_marks_of_plan"(ledger.stock_plan) IS 'Keeps of the plan''s low variants those that may cross their threshold, and locks the marks that it may change.';

COMMENT ON FUNCTION "ledger"."lock_one_slot"(uuid, smallint, bigint) IS 'Locks one slot with at least these units available and answers it; null, and nothing locked, when none seems to have them.';

COMMENT ON FUNCTION "ledger"."lock_own_slot"(uuid, bigint, bigint) IS 'Locks one slot of a variant that has many times these units and stays above the threshold, and answers it; null when ledger.plan_stock has to look at all slots; none when somebody else has just taken what was there.';

COMMENT ON FUNCTION "ledger"."lock_reservation"(uuid, uuid) IS 'Locks a customer''s reservation; the refusal when no order can be placed with it, or null.';

COMMENT ON FUNCTION "ledger"."lock_slots"(uuid, smallint[], bigint, smallint[], bigint[]) IS 'Locks these slots of a variant, or all when null, and shares the units out over them; answers what each has and gives.';

COMMENT ON FUNCTION "ledger"."lock_slots_opened_since"(uuid[]) IS 'Locks all slots of variants of which some lie in several by now; false when none does or somebody else holds one.';

COMMENT ON FUNCTION "ledger"."lock_slots_without_waiting"(uuid[]) IS 'Locks all slots of these variants; false, and nothing more locked, when somebody else holds one.';

COMMENT ON FUNCTION "ledger"."lock_stock_to_return"(uuid[]) IS 'Locks slot 0 of these variants by id: what comes in comes in there. Answers how many.';

COMMENT ON FUNCTION "ledger"."low_stock_threshold"(public.variants) IS 'Units at or below which a variant runs low (source 004).';

COMMENT ON FUNCTION "ledger"."may_follow"(text) IS 'Whether the signed-in user may join the Realtime channel of this name.';

COMMENT ON FUNCTION "ledger"."may_run_low"(uuid[], bigint[]) IS 'Those of these variants, with their signed quantities, that may cross their threshold; of several slots by the sum as far as it is committed.';

COMMENT ON FUNCTION "ledger"."moment"(text) IS 'A text of ISO 8601 as a moment; null when it is none.';

COMMENT ON FUNCTION "ledger"."move_in_slots"(uuid[], smallint[], bigint[], bigint[], text, ledger.actor, uuid, text) IS 'Applies signed quantities to these slots'' stock and to what is held there (p_held null: nothing), and records the movements; answers how many slots.';

COMMENT ON FUNCTION "ledger"."move_stock"(uuid[], bigint[], text, ledger.actor, uuid, text, bigint[]) IS 'Applies signed quantities to slot 0 of these variants, records the movements, queues stock.low once per crossing of a threshold (source 004); answers how many crossed it.';

COMMENT ON FUNCTION "ledger"."open_backorder"(uuid, uuid) IS 'Units of a variant that an order still waits for; 0 when none.';

COMMENT ON FUNCTION "ledger"."open_backorders"(uuid) IS 'Units per variant that an order still waits for; no rows when it waits for none.';

COMMENT ON FUNCTION "ledger"."open_business_of"(uuid, uuid[], uuid[], boolean) IS 'What keeps a person from being erased, frozen accounts too unless p_may_be_frozen: {"open": in words, "counts": {what: how many}}, or null.';

COMMENT ON FUNCTION "ledger"."open_stock"() IS 'Trigger on variants: opens the stock rows of a new variant.';

COMMENT ON FUNCTION "ledger"."order_figures"(ledger.report_range, text) IS 'totals: volume, revenue, average, and success: delivered orders among those that have come to an end, in basis points; by_status; by_day, days without orders left out.';

COMMENT ON FUNCTION "ledger"."order_state"(public.orders, ledger.priced_line[]) IS 'Totals, payment status and lines of an order as JSON: [{line_number, variant_id, quantity, unit_price_amount, discount_amount, tax_amount}].';

COMMENT ON FUNCTION "ledger"."owners_of"(ledger.vendor_share[]) IS 'Whose accounts a delivery locks beside its customer''s; an empty array when nobody''s.';

COMMENT ON FUNCTION "ledger"."part_between"(ledger.order_part, ledger.order_part) IS 'What lies between two parts of an order.';

COMMENT ON FUNCTION "ledger"."part_of_lines"(public.orders, integer[], bigint[]) IS 'What the first p_units units of these lines amount to together; of all lines whole when p_line_numbers is null.';

COMMENT ON FUNCTION "ledger"."pass_on_freed_units"(uuid[], smallint[], ledger.actor, uuid) IS 'After reservations freed units in these slots: moves those of slots beyond variants.stock_slots to slot 0 and fills waiting backorders; answers how many units those got.';

COMMENT ON FUNCTION "ledger"."payment_status_of"(bigint, bigint, bigint, bigint, text) IS 'orders.payment_status from total, credited, paid and refunded amount, and the present one: in_grace and receipt_uploaded stay while something is due. An order taken back whole that nobody paid for is unpaid; one edited down to nothing is paid.';

COMMENT ON FUNCTION "ledger"."personal_data"() IS 'Every column that can hold something about a person, and what profile_erase makes of it.';

COMMENT ON FUNCTION "ledger"."place_of_supply"(jsonb) IS 'Country and region of an address snapshot, which the tax office may ask for.';

COMMENT ON FUNCTION "ledger"."plan_stock"(uuid[], bigint[], uuid) IS 'Locks the stock of these variants and says from which slots these signed quantities come, what is backordered and what comes back; its refusal is insufficient_stock or null. Writes nothing.';

COMMENT ON FUNCTION "ledger"."price_edit"(public.orders, ledger.order_changes, jsonb) IS 'What a locked order would be after changes, or the refusal. Minor units, rounded like a new order.';

COMMENT ON FUNCTION "ledger"."processing_figures"(ledger.report_range, text) IS 'How long orders took from placing to dispatch and delivery, in seconds; orders that have not come so far are left out.';

COMMENT ON FUNCTION "ledger"."purge_bulk_changes"() IS 'Job: removes finished bulk changes older than the settings bulk_change_retention_days and idempotency_retention_days; answers how many.';

COMMENT ON FUNCTION "ledger"."purge_order_drafts"() IS 'Job: removes drafts idle longer than the retention; answers how many.';

COMMENT ON FUNCTION "ledger"."raise_order_version"() IS 'Trigger: the order has another version after its texts were changed.';

COMMENT ON FUNCTION "ledger"."range_of_report"(timestamp with time zone, timestamp with time zone) IS 'The range of a report: until now when p_to is null, of 30 days when p_from is null; at most 366 days.';

COMMENT ON FUNCTION "ledger"."read_changes"(jsonb, jsonb) IS 'p_changes of ledger_edit_order taken apart, or the refusal. p_settings: ledger.all_settings().';

COMMENT ON FUNCTION "ledger"."receive_return"(public.orders, uuid, jsonb, boolean, text, text, ledger.actor, uuid) IS 'Books the arrival of checked lines of an approved return: refund (when p_refund), stock, return lines. The order is locked by the caller.';

COMMENT ON FUNCTION "ledger"."received_units"(uuid) IS 'Units of each line that came back through returns, and how many of these are not refunded yet.';

COMMENT ON FUNCTION "ledger"."recognition_legs"(ledger.order_part) IS 'Postings that recognise a part of a delivered order; amounts may be below zero (ledger.forward). They take ledger.cost_of(p_part) out of escrow.';

COMMENT ON FUNCTION "ledger"."record_return"(text, public.orders, uuid, ledger.actor, uuid, jsonb) IS 'Records a step of a return in the events of its order; answers the event''s id.';

COMMENT ON FUNCTION "ledger"."refund_facts"(public.orders, ledger.order_change, ledger.taken_line[], uuid, text) IS 'What the event of a refund or an ending says of it; amounts in minor units.';

COMMENT ON FUNCTION "ledger"."refund_figures"(ledger.report_range, text) IS 'What was taken back in the range, of whichever orders: cancellations, refunds, returns, and surpluses of edited orders.';

COMMENT ON FUNCTION "ledger"."refunded_units"(uuid) IS 'Units of each line of an order that were refunded: in all, those that were never shipped, and those that were shipped and put back in stock. Lines without any are left out. Of an order that ended the last may count too much.';

COMMENT ON FUNCTION "ledger"."refuse_approval"(public.orders, uuid, jsonb) IS 'The refusal for approving more of a return than was asked, or a list of the wrong shape, or null.';

COMMENT ON FUNCTION "ledger"."refuse_arrival"(public.orders, uuid, jsonb) IS 'The refusal for more than can be received, or a list of the wrong shape, or null.';

COMMENT ON FUNCTION "ledger"."refuse_change_of_transaction"() IS 'Trigger: refuses UPDATE and DELETE of transactions for everybody, except that profile_erase may blank actor_action and metadata.';

COMMENT ON FUNCTION "ledger"."refuse_changes"(jsonb, jsonb) IS 'The refusal for a p_changes of the wrong shape, or null. Added items are read by ledger.price_order.';

COMMENT ON FUNCTION "ledger"."refuse_edit"(public.orders, ledger.order_changes, boolean) IS 'The refusal for changes to a locked order, or null. In price_changed, total is the unit price of today and expected the one of the line.';

COMMENT ON FUNCTION "ledger"."refuse_erased"(uuid) IS 'The refusal for giving or asking anything in the name of a person who was erased, or null.';

COMMENT ON FUNCTION "ledger"."refuse_line_list"(jsonb, text[], boolean) IS 'The refusal for a list of lines of the wrong shape, or null. p_keys: the keys that hold units.';

COMMENT ON FUNCTION "ledger"."refuse_parcel"(public.orders, jsonb) IS 'The refusal for what metadata says of a parcel in the wrong shape, or null.';

COMMENT ON FUNCTION "ledger"."refuse_placing"(uuid, text, jsonb, uuid, uuid, ledger.order_pricing, bigint) IS 'The refusal for an order whose customer, notes, metadata, addresses, prices or expected total are not right, or null.';

COMMENT ON FUNCTION "ledger"."refuse_refund_amounts"(public.orders, bigint, bigint, ledger.order_part, ledger.order_part) IS 'The refusal for shipping or a free amount that is more than can be refunded, or null. Minor units.';

COMMENT ON FUNCTION "ledger"."refuse_refund_lines"(public.orders, jsonb) IS 'The refusal for lines to be refunded, [{"line_number", "quantity", "restock", "unshipped"}], or null.';

COMMENT ON FUNCTION "ledger"."refuse_reservation"(public.stock_reservations, uuid) IS 'The refusal for a reservation that is not there, used or over; null when it can be used.';

COMMENT ON FUNCTION "ledger"."refuse_return"(public.orders, timestamp with time zone) IS 'The refusal for returning anything of an order (when p_since is given: of shipments that arrived since then), or null.';

COMMENT ON FUNCTION "ledger"."refuse_returned_units"(public.orders, jsonb, timestamp with time zone) IS 'The refusal for the first line of a checked list of which fewer units can be returned, or null.';

COMMENT ON FUNCTION "ledger"."refuse_shares"(ledger.vendor_share[], text, uuid, bigint) IS 'The refusal when shares and the referrer''s commission together are more than an account can hold, or null. The accounts are locked by the caller.';

COMMENT ON FUNCTION "ledger"."refuse_ship_rest"(public.orders, text, jsonb) IS 'The refusal for a status change to shipped or delivered of an order with open backorders, or with metadata that says of the parcel what cannot be; null else.';

COMMENT ON FUNCTION "ledger"."refuse_shipping"(public.orders, jsonb) IS 'The refusal for lines of an order that cannot go out, or null.';

COMMENT ON FUNCTION "ledger"."refuse_shortages"(jsonb) IS 'insufficient_stock for the first of these shortages, with all of them in its details.';

COMMENT ON FUNCTION "ledger"."refuse_status_change"(public.orders, uuid, text, text, bigint, jsonb, text) IS 'The refusal for a status change with these arguments (as of ledger_change_order_status), or null.';

COMMENT ON FUNCTION "ledger"."refuse_units"(ledger.shippable_line, bigint) IS 'The refusal for shipping more units of a line than can go out.';

COMMENT ON FUNCTION "ledger"."refuse_unknown_line"(public.orders, jsonb) IS 'The refusal for the first entry of a well-formed list that names no line of the order, or null.';

COMMENT ON FUNCTION "ledger"."refuse_vendor"(uuid) IS 'The refusal for a vendor who is not there, or not the caller''s.';

COMMENT ON FUNCTION "ledger"."reservation_statuses"() IS 'What stock_reservations.status can be.';

COMMENT ON FUNCTION "ledger"."restock"(uuid[], bigint[], text, ledger.actor, uuid, uuid) IS 'Puts units of an order back into the stock of these variants (quantities above zero; others are passed over) and fills waiting backorders; answers how many variants.';

COMMENT ON FUNCTION "ledger"."return_legs"(ledger.returned_money) IS 'Postings of money that goes back to the customer.';

COMMENT ON FUNCTION "ledger"."returnable_lines"(public.orders, timestamp with time zone) IS 'Each line of an order with its units: shipped, shipped and not back, and returnable (of shipments that have not arrived before p_since).';

COMMENT ON FUNCTION "ledger"."role_of_call"() IS 'The role the caller acts in: the one that was set, else the one that signed in to the database.';

COMMENT ON FUNCTION "ledger"."send_out"(public.orders, text, ledger.actor, text, jsonb) IS 'Moves a locked and checked order to shipped or delivered, with its shipments, money and records.';

COMMENT ON FUNCTION "ledger"."set_texts_aside"(bigint, uuid, text, jsonb) IS 'The payload of an event without what people wrote, which goes into event_texts.';

COMMENT ON FUNCTION "ledger"."settle_edit"(public.orders, bigint, bigint, text, public.accounts) IS 'What the wallet pays for an order''s new total, or what goes back of what was paid, or the refusal.';

COMMENT ON FUNCTION "ledger"."settle_received_units"(uuid, integer[], bigint[]) IS 'Marks up to these quantities of received units as refunded; answers per line how many there were.';

COMMENT ON FUNCTION "ledger"."share_of_allowance"(bigint, ledger.order_part, ledger.order_part) IS 'What of an amount (the tax or the goods that no refunded unit holds) the allowance on an order takes off, minor units, half up.';

COMMENT ON FUNCTION "ledger"."shares_without_erased"(ledger.vendor_share[]) IS 'The same shares, of nobody where the owner was erased. The owners'' accounts are locked by the caller, so none is erased any more.';

COMMENT ON FUNCTION "ledger"."ship_rest"(public.orders, text, ledger.actor, uuid, jsonb) IS 'Ships what is left of an order that becomes shipped or delivered, and with delivered marks all its shipments as arrived. metadata.carrier, tracking_number, estimated_delivery_at and delivered_at are taken when given. Answers how many shipments it made. Open backorders were refused before (ledger.refuse_ship_rest).';

COMMENT ON FUNCTION "ledger"."ship_units"(public.orders, integer[], bigint[], ledger.actor, uuid, jsonb, timestamp with time zone, jsonb) IS 'Writes a shipment of these units with its event; the order is locked and the units are checked by the caller.';

COMMENT ON FUNCTION "ledger"."shippable_lines"(public.orders) IS 'Each line of an order with its units: to be sent in all, shipped, on backorder, and shippable now.';

COMMENT ON FUNCTION "ledger"."shipped_units"(uuid) IS 'Units of each line of an order that were shipped; lines of which nothing was are left out.';

COMMENT ON FUNCTION "ledger"."split_return"(public.orders, bigint, text) IS 'How an amount that goes back divides between the wallet it came from, new wallet credit and a payout.';

COMMENT ON FUNCTION "ledger"."status_after_refund"(public.orders, ledger.order_part, ledger.taken_line[]) IS 'The status of an order of which these lines are taken back and p_after is taken back in all.';

COMMENT ON FUNCTION "ledger"."sum_of_shares"(ledger.vendor_share[]) IS 'What of an order is its vendors'', in minor units.';

COMMENT ON FUNCTION "ledger"."take_back"(public.orders, jsonb, bigint, bigint, text, ledger.actor, text, uuid, uuid, text, jsonb) IS 'Takes back lines [{"line_number", "quantity", "restock", "unshipped"}], shipping and a free amount of a locked order, or with p_ends_as all that is left. Refuses before its first write; the caller has set ledger.procedure. p_to: wallet or original, for what was paid from outside. A delivered order of which nothing is left becomes refunded.';

COMMENT ON FUNCTION "ledger"."taken_lines"(public.orders, integer[], bigint[], bigint[], bigint[]) IS 'Lines with the amounts of their next p_units units after those refunded before.';

COMMENT ON FUNCTION "ledger"."tell_rate_limit"(public.rate_limits, numeric) IS 'Tells an HTTP client how many tokens are left in their bucket, as headers of the answer.';

COMMENT ON FUNCTION "ledger"."text_keys"() IS 'What of an operation people write.';

COMMENT ON FUNCTION "ledger"."texts_digest"(jsonb, uuid) IS 'What an event keeps of its texts: SHA-256 of salt and texts, in hex.';

COMMENT ON FUNCTION "ledger"."top_products"(ledger.report_range, text) IS 'The ten products that sold for most, after discount, before refunds; by their present names.';

COMMENT ON FUNCTION "ledger"."tracked_backorders"(uuid, uuid) IS 'Open backorders of an order by line, as order_tracking answers them.';

COMMENT ON FUNCTION "ledger"."tracked_returns"(uuid, uuid) IS 'Returns of an order as order_tracking answers them.';

COMMENT ON FUNCTION "ledger"."tracked_shipments"(uuid, uuid) IS 'Shipments of an order as order_tracking answers them.';

COMMENT ON FUNCTION "ledger"."units_under_way"(uuid) IS 'Units of each line of an order in shipments that have not arrived; lines without any are left out.';

COMMENT ON FUNCTION "ledger"."variants_to_take_back"(public.orders, jsonb, boolean, boolean) IS 'The variants whose stock is locked when something of an order is taken back.';

COMMENT ON FUNCTION "ledger"."vendor_earners"(uuid) IS 'Whose wallets hold shares of an order: fixed at its delivery, whoever owns the vendors now. Their accounts are locked with the customer''s when it is refunded.';

COMMENT ON FUNCTION "ledger"."vendor_figures"(ledger.report_range, uuid) IS 'The figures of report_vendor, an array with one element per currency.';

COMMENT ON FUNCTION "ledger"."vendor_may_see_address"(text) IS 'Vendors see an order''s address once it is confirmed, and not when it was rejected, cancelled or refunded.';

COMMENT ON FUNCTION "ledger"."vendor_shares"(public.orders) IS 'The vendors of an order with what its units that were not refunded are worth to them, in minor units; null when none of its lines is a vendor''s.';

COMMENT ON FUNCTION "ledger"."vendors_of_call"(ledger.actor, uuid, text) IS 'p_vendor_id if the caller owns it or has the permission, all vendors of the caller when it is null; an empty array when there is none.';

COMMENT ON FUNCTION "ledger"."wallet_part"(text, boolean, bigint, bigint, bigint) IS 'What the wallet pays of a total with this payment method (p_is_offered: it is active), in minor units; null when it cannot be paid that way.';

COMMENT ON FUNCTION "ledger"."whole_order"(public.orders) IS 'All lines and the shipping of an order as a part.';

COMMENT ON FUNCTION "ledger"."write_edit_refund"(public.orders, ledger.edit_money, text, text, ledger.actor) IS 'Records the money that an edit gives back; what is to be paid out waits for ledger_settle_refund.';

COMMENT ON FUNCTION "ledger"."write_edited_discount"(public.orders, ledger.edited_order) IS 'Sets the redemption of an edited order right, or gives it back. The code''s counter is the last lock.';

COMMENT ON FUNCTION "ledger"."write_edited_lines"(public.orders, ledger.edited_order) IS 'Writes the lines of an edited order.';

COMMENT ON FUNCTION "ledger"."write_edited_order"(public.orders, ledger.edited_order, ledger.edit_money) IS 'Writes the totals and the payment side of an edited order; answers the new row.';

COMMENT ON FUNCTION "ledger"."write_goods_back"(public.orders, text, ledger.taken_line[], boolean, uuid, ledger.actor, uuid) IS 'Stock, returns, backorders and discount code of an order of which something was taken back; p_status is its status by now, p_restock what was said of the goods of its ending.';

COMMENT ON FUNCTION "ledger"."write_operation"(uuid, bigint, bigint, text, bigint, jsonb, uuid, text, jsonb, uuid, text, ledger.posting_leg[], text, jsonb, jsonb) IS
  'Writes the transaction, postings, event, audit line and outbox message of an operation on an account whose totals the caller has just moved; answers the transaction''s id. Amounts in minor units.';

COMMENT ON FUNCTION "ledger"."write_refund"(uuid, public.orders, uuid, ledger.order_part, ledger.taken_line[], ledger.returned_money, text, text, ledger.actor) IS
  'Writes a refund and its lines.';

COMMENT ON FUNCTION "public"."ledger_adjust_stock"(uuid, bigint, text, text, text, uuid) IS 'Changes a variant''s stock by a signed quantity (units): received, damaged or counted. What comes in fills waiting backorders first; stock_quantity is what is on hand after that. Needs stock.adjust. Errors: invalid_argument, invalid_amount, amount_too_large, stock_too_large, stock_below_zero.';

COMMENT ON FUNCTION "public"."ledger_bulk_change_status"(uuid[], text, jsonb, text, text, uuid, boolean) IS 'Moves 1 to 500 orders (in background 10000) to p_new_status (any case) and answers a row for each, in the order asked, an order named twice once: success null means that it still waits. Needs orders.read, and for each order the permission of its row in order_status_transitions. Errors of the call (one row without order_id): invalid_argument, unknown_status, idempotency_conflict; of an order: order_not_found, not_permitted, bulk_item_failed (nobody foresaw it; details.problem), and those of ledger_change_order_status. Source 004.';

COMMENT ON FUNCTION "public"."ledger_cancel_order"(uuid, text, text, uuid, text) IS 'Cancels an order of the caller (staff with orders.cancel: of p_user_id). What was paid from outside becomes wallet credit, or with p_to = original a refund to pay out; returned_amount (minor units) is all that goes back. Errors: order_not_found, invalid_argument, invalid_transition, cancellation_not_allowed. Source 004.';

COMMENT ON FUNCTION "public"."ledger_change_order_status"(uuid, uuid, text, text, bigint, jsonb, uuid, text, text) IS 'Moves order p_reference_id of customer p_user_id from p_old_status to p_new_status (any case); p_amount is its total in minor units. Needs orders.read and the permission of the row in order_status_transitions; available_balance is answered to who has accounts.read. The customer can read p_actor_action and p_metadata. Errors: order_not_found, unknown_status, status_conflict, amount_mismatch, invalid_transition, payment_required, units_not_shippable (something of it is on backorder), invalid_argument, amount_too_large (an account cannot hold what it would get). Source 003.';

COMMENT ON FUNCTION "public"."ledger_confirm_delivery"(uuid, timestamp with time zone, text, uuid) IS 'Marks shipment p_shipment_id as delivered, now or at p_delivered_at; the order becomes delivered when all of it has been shipped and has arrived (transaction_id is null before that). Needs orders.deliver. Errors: shipment_not_found, shipment_conflict (it has arrived already), invalid_argument, invalid_transition, payment_required, amount_too_large, idempotency_conflict. Source 004.';

COMMENT ON FUNCTION "public"."ledger_continue_bulk_change"(uuid, integer) IS 'Carries out at most p_limit (1 to 500) waiting orders of a bulk change and answers its counts. For who asked for it, and backends. Errors: bulk_change_not_found, invalid_argument.';

COMMENT ON FUNCTION "public"."ledger_edit_order"(uuid, jsonb, boolean, bigint, bigint, bigint, text, text, text, uuid, uuid) IS 'Edits an order that is pending, confirmed or processing, of the caller (while pending; staff with orders.edit: of anyone). p_changes: [{"line_number": 2, "quantity": 3} (0 removes) | {"variant_id": uuid, "quantity": int} (adds)]; in refusals of added items line is their place among the added ones. Existing lines keep their price; added ones cost what the catalogue says; the discount is reckoned anew and dropped when its minimum is no longer met. An order paid by wallet takes the difference from it, others take p_wallet_amount (0 when left out) and the rest is due; what was paid too much goes back, what came from outside to p_to (wallet, or original: paid out, refund_id is settled by ledger_settle_refund). p_dry_run answers the same and writes nothing (version is the present one). changes: [{line_number, variant_id, product_sku, old_quantity, new_quantity, unit_price_amount}]. Minor units. Errors: order_not_found, edit_not_allowed, version_conflict, line_not_found, line_shipped, empty_order, too_many_lines, invalid_quantity, invalid_argument, price_changed, insufficient_stock, insufficient_funds, invalid_wallet_amount, account_frozen, amount_too_large, currency_mismatch, variant_not_found, variant_unavailable, invalid_items, rate_limited. Source 004.';

COMMENT ON FUNCTION "public"."ledger_freeze_account"(uuid, boolean, text, text, text, uuid) IS 'Freezes (with a reason) or releases a customer''s account. Needs accounts.freeze. Errors: account_not_found, customer_not_found (erased), invalid_argument, account_already_frozen.';

COMMENT ON FUNCTION "public"."ledger_place_order"(jsonb, text, bigint, uuid, uuid, text, text, bigint, text, jsonb, text, uuid, uuid) IS 'Places an order of p_items [{"variant_id": uuid, "quantity": int}] for the caller (staff with orders.place: for p_user_id). Amounts in minor units. Payment methods: wallet, wallet_partial (p_wallet_amount, else as much as there is), bank_transfer. p_reservation_id: stock that order_reserve holds for the customer; the order consumes it. Units beyond the stock of a variant with backorder_allowed wait in backorders. Errors: insufficient_stock, reservation_not_found, reservation_expired, reservation_conflict, insufficient_funds, price_changed, account_frozen, and those of error_codes for items, addresses, shipping, discount and payment method. Sources 000, 003, 004.';

COMMENT ON FUNCTION "public"."ledger_record_payment"(uuid, bigint, text, text, text, text, uuid) IS 'Records p_amount (minor units of the order''s currency) that came in for an order by bank_transfer, card or cash; p_reference is its name at the bank, once per method, whatever its case. applied_amount goes to the order, credit_amount (the surplus; all of it when the order was rejected, cancelled or refunded) to the wallet. With the setting auto_confirm_when_paid a covered pending order becomes confirmed. Needs payments.record; available_balance is answered to who has accounts.read. Errors: order_not_found, customer_not_found (a surplus for somebody who was erased), invalid_amount, invalid_argument, amount_too_large, payment_reference_used. Sources 000, 004.';

COMMENT ON FUNCTION "public"."ledger_refund_order"(uuid, jsonb, bigint, bigint, text, boolean, text, text, uuid) IS 'Refunds of an order p_lines [{"line_number": 1, "quantity": 2, "restock": true}] (units that were shipped; with "unshipped": true units that were not and will not be, which are given up where they are on backorder and go back in stock else), p_shipping_amount and a free p_amount (minor units). What was paid from outside becomes wallet credit (p_to = wallet) or a payout (original). credited_amount: how much less the order costs; wallet_amount, credit_amount, payout_amount: the money that goes back; outstanding_amount: what is still owed. A delivered order of which nothing is left becomes refunded. Needs orders.refund; the customer can read p_reason. Errors: order_not_found, customer_not_found (erased), invalid_amount, amount_too_large, invalid_argument, refund_not_allowed, nothing_to_refund, line_not_found, units_not_refundable, refund_exceeds_paid. Issue: the whole order lifecycle; source 004 (refunds).';

COMMENT ON FUNCTION "public"."ledger_request_return"(uuid, jsonb, text, text, uuid) IS 'Asks to return units of an order of the caller (staff with returns.review: of p_user_id): p_lines [{"line_number": int, "quantity": units, "reason": text of at most 500 characters}]. transaction_id is null. Errors: customer_required, order_not_found, customer_not_found (erased), invalid_argument, return_not_allowed (not shipped, ended, or the return window is over), line_not_found, units_not_returnable, rate_limited, idempotency_conflict. Source 004.';

COMMENT ON FUNCTION "public"."ledger_review_return"(uuid, text, jsonb, text, boolean, text, text, uuid) IS 'Decides on a return (approve with p_lines [{"line_number", "quantity"}] for less than was asked; reject, with p_notes; close) or receives units of it (p_lines [{"line_number", "received", "restock", "write_off"}], received = restock + write_off, all that is awaited when null). With p_refund the units'' money goes back: what the wallet paid to the wallet, the rest to p_to (wallet or original); amounts in minor units, transaction_id and refund_id are null without it, and for an order that was refunded before its goods came. Needs returns.review, with p_refund also orders.refund. Errors: return_not_found, return_conflict, invalid_argument, line_not_found, units_not_returnable, units_not_refundable (refunded meanwhile), amount_too_large, idempotency_conflict. Source 004.';

COMMENT ON FUNCTION "public"."ledger_set_order_status"(uuid, text, bigint, text, jsonb, text, uuid) IS 'Moves an order to p_status (any case), if it still has p_expected_version; p_notes and p_metadata as p_actor_action and p_metadata of ledger_change_order_status, whose permissions and refusals it has; and version_conflict. The customer can read both. Source 004.';

COMMENT ON FUNCTION "public"."ledger_settle_refund"(uuid, text, text, text, uuid) IS 'Settles the payout of a refund: paid (p_reference: the bank''s); failed, and its payout_amount (minor units) becomes wallet credit; or withdrawn, and the order holds it again (orders.refunded_amount falls): for a payment that bounced, ledger_void_payment follows. A withdrawn one can be paid or fail as long as the order holds that much too much. Needs refunds.settle; available_balance is answered to who has accounts.read. Errors: refund_not_found, invalid_argument, refund_conflict (nothing to pay out, or settled already), account_frozen (paid), amount_too_large. Issue: the whole order lifecycle.';

COMMENT ON FUNCTION "public"."ledger_ship_order"(uuid, jsonb, text, text, timestamp with time zone, jsonb, text, uuid) IS 'Ships units of order p_order_id: p_lines [{"line_number": int, "quantity": units}], or all that can go when null. The order must be allowed to become shipped (order_status_transitions), and does with the last units. p_metadata is a JSON object of at most 16 KB. Needs orders.ship. Errors: order_not_found, invalid_transition, payment_required, invalid_argument, line_not_found, units_not_shippable, nothing_to_ship, idempotency_conflict. Source 004.';

COMMENT ON FUNCTION "public"."ledger_spread_stock"(uuid, integer, text, uuid) IS 'Spreads a variant''s available stock evenly over p_slots rows (1 to 64; 1 gathers it), so that many orders of it can be placed at once. stock_quantity: units on hand in all, which it does not change. Needs stock.adjust. Errors: invalid_argument.';

COMMENT ON FUNCTION "public"."ledger_void_payment"(uuid, text, text, uuid) IS 'Voids a captured payment: the order owes applied_amount again, credit_amount leaves the wallet. Needs payments.record; available_balance is answered to who has accounts.read. Errors: payment_not_found, invalid_argument, payment_conflict (voided already), payment_already_used (its money has gone back or waits to be paid out, or the surplus was spent). Source 000.';

COMMENT ON FUNCTION "public"."order_draft_delete"(uuid) IS 'Removes a draft of the caller (staff with orders.place: of anybody). Errors: draft_not_found.';

COMMENT ON FUNCTION "public"."order_draft_get"(uuid) IS 'A draft of the caller (staff with orders.place: of anybody). Amounts in minor units, as they are now; saved_total_amount as it was saved; price_changed says whether the two differ. lines: [{line_number, variant_id, product_name, product_sku, variant_name, quantity, unit_price_amount, saved_unit_price_amount, price_changed, is_for_sale, available_quantity}]. problem: {error_code, error_message, error_details} why it cannot be placed as it is, or null; amounts are null when it cannot be priced. Stock is not promised. Errors: draft_not_found.';

COMMENT ON FUNCTION "public"."order_draft_place"(uuid, text, bigint, bigint, bigint, jsonb, text, uuid) IS 'Places the order of a draft of the caller (staff with orders.place: of anybody, recorded as placed by them) and removes the draft. p_expected_total (minor units) is the total the customer saw; left out, the one the draft was saved with. p_reservation_id: stock that order_reserve holds for it. Errors: draft_not_found, draft_conflict, and those of ledger_place_order. Source 004.';

COMMENT ON FUNCTION "public"."order_draft_save"(jsonb, uuid, uuid, uuid, text, text, text, bigint, text, uuid) IS 'Keeps a draft of p_items [{"variant_id": uuid, "quantity": int}] for the caller (staff with orders.place: for p_user_id), or replaces draft p_draft_id, if its version still is p_expected_version. Amounts in minor units. Errors: draft_not_found, draft_conflict, too_many_drafts, customer_required, customer_not_found, address_not_found, invalid_argument, rate_limited, and those of ledger_place_order for items, shipping and discount. Source 004.';

COMMENT ON FUNCTION "public"."order_release_reservation"(uuid, text, uuid) IS 'Frees the stock of the customer''s own active reservation; status is released. Staff for others with orders.place. Errors: reservation_not_found, reservation_conflict, reservation_expired, customer_required.';

COMMENT ON FUNCTION "public"."order_reserve"(jsonb, integer, text, uuid) IS 'Holds the stock of p_items [{"variant_id": uuid, "quantity": int}] for p_minutes (the setting reservation_minutes when left out, which is also the most a customer may ask for; up to 1440 with orders.place). lines: [{"variant_id", "quantity"}] that are held. Staff for others with orders.place. Errors: those of ledger_place_order for items, insufficient_stock, too_many_reservations, reservation_too_large, account_frozen, customer_not_found, rate_limited.';

COMMENT ON FUNCTION "public"."order_tracking"(uuid) IS 'Status and history of an order: history is an array of {event_id, from_status, status, notes, at}, oldest first; next_steps an array of the statuses that the caller can bring it to now; shipments of {shipment_id, shipment_number, status, carrier, tracking_number, estimated_delivery_at, shipped_at, delivered_at, lines of {line_number, quantity}}; backorders of {line_number, variant_id, quantity}, what is not in stock yet; returns of {return_id, status, reason, created_at, updated_at, lines of {line_number, quantity, approved_quantity, received_quantity, refunded_quantity}}. Amounts in minor units, quantities in units. For its customer, and for staff with orders.read. Errors: order_not_found. Source 004.';

COMMENT ON FUNCTION "public"."profile_erase"(uuid, text, text, uuid) IS 'Erases what is known of the caller, or of p_user_id (needs customers.erase): profile, addresses, drafts, sign-in, address snapshots but for country and region, notes, metadata, bank details, words of transactions and events. Books, events and seals stay. p_reason: requested, retention_over or legal_order. sign_in_erased false: the backend still has to call auth.admin.deleteUser(user_id, true). Addresses of clients in audit_log go with its retention; events sealed before event_texts was there keep their words, which no view shows any more. Of somebody who is erased it removes what was written since. Errors: erase_not_possible (what is open: balances, orders, withdrawals, refunds, returns, roles, vendors; frozen accounts, without customers.erase), customer_not_found, customer_required, invalid_argument. Cannot be undone.';

COMMENT ON FUNCTION "public"."report_orders"(timestamp with time zone, timestamp with time zone, text) IS 'Figures over the orders placed from p_from to before p_to (30 days until now; at most 366) in one currency (the shop''s default): totals {orders, sales, placed_amount, average_amount, subtotal_amount, discount_amount, shipping_amount, tax_amount, credited_amount, revenue_amount, outstanding_amount, success_rate_bp}, by_status [{status, orders, total_amount}], by_day [{day, orders, placed_amount, revenue_amount}] (UTC), top_products [{product_id, product_name, orders, units, amount}], customers {customers, new, returning, with_several_orders}, processing {placed_to_shipped, shipped_to_delivered, placed_to_delivered: {orders, p50_seconds, p90_seconds, p95_seconds}}, and over the refunds made in that time refunds {refunds, orders, credited_amount, returned_amount, wallet_amount, credit_amount, payout_amount, pending_payout_amount}. Amounts in minor units; sales and what follows them leave out rejected and cancelled orders. Needs reports.read. Errors: invalid_argument, unknown_currency. Source 004.';

COMMENT ON FUNCTION "public"."report_vendor"(uuid, timestamp with time zone, timestamp with time zone) IS 'Figures over a vendor''s lines of the orders placed from p_from to before p_to (30 days until now; at most 366): currencies [{currency, orders, units, gross_amount, discount_amount, platform_fee_amount, share_amount, earned_amount, clawed_back_amount, paid_to_wallet_amount, payable_amount, by_status [{status, orders, units, gross_amount, discount_amount, platform_fee_amount, share_amount, earned_amount, clawed_back_amount}]}]. share_amount is what the lines are worth to the vendor, earned_amount what delivery credited, payable_amount what waits because nobody owns the vendor. A currency''s own figures up to share_amount leave out rejected and cancelled orders. Amounts in minor units. For the vendor''s owner, and staff with reports.read. Errors: vendor_not_found, invalid_argument. Source 004.';

COMMENT ON FUNCTION "public"."vendor_order_lines"(uuid, text, timestamp with time zone, timestamp with time zone, uuid, integer, integer) IS 'Order lines of a vendor''s products, newest order first: those of all vendors the caller owns, or of p_vendor_id (also for staff with orders.read). p_from is included, p_to is not; the next page comes after order_id and line_number of the last line; at most 200 at once. Amounts in minor units; share_amount is what the units that were not refunded are worth to the vendor; shipping_address is null unless the order is confirmed, processing, shipped or delivered. Raises PT404 with hint vendor_not_found for somebody else''s vendor, 22023 for arguments of the wrong shape. Source 004.';

COMMENT ON TABLE "ledger"."low_stock_marks" IS 'One row per variant whose stock is spread over slots: whether its sum is at or below the threshold.';

COMMENT ON TABLE "public"."backorders" IS 'Units per order and variant that were not in stock when ordered; they have not left the stock and cannot ship while they are open.';

COMMENT ON TABLE "public"."bulk_change_orders" IS 'The outcome for each order of a bulk change, in the order asked; success is null while the order waits. order_id is as it was asked, so it may name no order.';

COMMENT ON TABLE "public"."bulk_changes" IS 'Status changes of many orders at once: how many were asked for, succeeded, failed and are still waiting.';

COMMENT ON TABLE "public"."event_texts" IS 'Free texts of events: {"notes", "reason", "reference", "bank_reference", "tracking_number": text, "metadata": object}, those there are. Immutable until profile_erase removes those of a person.';

COMMENT ON TABLE "public"."order_drafts" IS 'Drafts of orders, kept for the setting draft_retention_days after their last change. Written by order_draft_save, consumed by order_draft_place.';

COMMENT ON TABLE "public"."payments" IS 'Payments from outside, in minor units of the order''s currency. captured, or voided when it never was one. The customer can read reference, notes and void_reason.';

COMMENT ON TABLE "public"."refund_lines" IS 'Immutable. Units of an order''s line that a refund took back, and what they amount to (ledger.line_part), in minor units.';

COMMENT ON TABLE "public"."refunds" IS 'What was taken back of an order, in minor units. Amounts never change; payout_status goes from pending to paid, failed or withdrawn. An order that was edited down has a row that gives money back and takes nothing back.';

COMMENT ON TABLE "public"."return_lines" IS 'Units of an order''s line in a return.';

COMMENT ON TABLE "public"."returns" IS 'Returns of orders: requested, then approved or rejected; received when all that was approved has arrived, closed when the rest of it was given up.';

COMMENT ON TABLE "public"."shipment_lines" IS 'Immutable. Units of an order''s line in a shipment.';

COMMENT ON TABLE "public"."shipments" IS 'Shipments of orders, numbered from 1 within the order. What each holds is in shipment_lines.';

COMMENT ON TABLE "public"."stock_reservation_lines" IS 'Units that a reservation holds per variant and slot; part of stock_levels.held while it is active. Read them by reservation_id: a customer may have no account yet to find them by.';

COMMENT ON TABLE "public"."stock_reservations" IS 'Stock held for a customer until expires_at; one order at most consumes it.';

COMMENT ON TABLE "public"."vendor_earnings" IS 'What each vendor earned by a delivered order, in minor units of currency. The platform''s rate is the line''s own snapshot (order_items.platform_rate_bp), so the platform''s fee is base_amount - share_amount.';

COMMENT ON TYPE "ledger"."edit_money" IS 'taken: from the wallet now; returned: what was paid too much, of it wallet into the wallet it came from, credit from outside into the wallet, payout from outside to be paid out.';

COMMENT ON TYPE "ledger"."edited_order" IS 'last_line_number: the highest that the order ever had; keeps_discount: its code still applies; quantities: signed, below zero leaves the stock; changes: [{line_number, variant_id, product_sku, old_quantity, new_quantity, unit_price_amount}].';

COMMENT ON TYPE "ledger"."line_part" IS 'goods: price before discount; total: what the customer pays; base: goods after discount without tax; vendor: the vendor''s share of the base.';

COMMENT ON TYPE "ledger"."order_change" IS 'returned_amount is all the money that goes back: wallet_amount into the wallet it came from, credit_amount as new wallet credit, payout_amount to be paid out.';

COMMENT ON TYPE "ledger"."order_changes" IS 'quantities: of line_numbers, 0 removes; added_items: [{"variant_id", "quantity"}] or null. Or the refusal.';

COMMENT ON TYPE "ledger"."order_part" IS 'lines: what units cost the customer. An allowance is an amount taken off without any unit coming back; allowance_tax is the tax in it.';

COMMENT ON TYPE "ledger"."order_pricing" IS 'Priced lines and their totals, or the refusal. variant_ids and quantities: what leaves the stock of each variant (below zero), lines of the same one together; thresholds: where each runs low; items: the lines as events keep them; stock_is_plain: all of it lies in slot 0 and cannot be backordered.';

COMMENT ON TYPE "ledger"."personal_column" IS 'owner_column: names the person (user_id, id) or their account (account_id). becomes: an SQL expression over the row, ''gone'' when the row is removed, null when the column is kept.';

COMMENT ON TYPE "ledger"."report_range" IS 'From a moment to before another, and the bounds of what was made meanwhile among time-ordered ids, an hour wider; or the refusal.';

COMMENT ON TYPE "ledger"."returned_money" IS 'wallet: back into the wallet it came from; credit: paid from outside, now in the wallet; payout: paid from outside, to be paid out.';

COMMENT ON TYPE "ledger"."stock_plan" IS 'refusal, or by slot the signed changes of on_hand (quantities) and held; low: variants that may run low and what leaves them; backordered: units that are not there; returned: units that come back.';

COMMENT ON TYPE "ledger"."vendor_share" IS 'A vendor''s part of one order: base_amount is the goods without tax, share_amount what of it is the vendor''s. owner_user_id: whose wallet gets it; null when nobody owns the vendor.';

COMMENT ON VIEW "ledger"."outbox_messages" IS 'The outbox with each message''s payload.';

COMMENT ON VIEW "public"."customer_orders" IS 'Orders as their customer sees them; amounts in minor units.';

COMMENT ON VIEW "public"."order_details" IS 'One order with items and history as arrays; amounts in minor units. To be read by order_id. version rises with every change of the order.';

COMMENT ON VIEW "public"."order_management" IS 'Orders as the management sees them; stage is derived from status and payment_status.';

COMMENT ON VIEW "public"."order_status_history" IS 'Every status an order has had, from its events (source 004); order by event_id.';

REVOKE ALL ON FUNCTION "ledger"."accounts_to_take_back_from"(public.orders) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."actor_with"(uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."add_response_header"(text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."alert_low_stock"(uuid[], bigint[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."apply_stock_plan"(ledger.stock_plan, text, ledger.actor, uuid, uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."approve_lines"(public.orders, uuid, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."arriving_lines"(public.orders, uuid, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."awaits_goods"(public.orders, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."award_vendor_earnings"(public.orders, ledger.vendor_share[], ledger.actor, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."broadcast_order_event"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."bulk_change_answers"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."carry_out_bulk_change"(uuid, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."change_bulk_order"(public.bulk_changes, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."change_status_plainly"(uuid, uuid, text, uuid, text, text, text, uuid, text, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."claw_back_commission"(uuid, bigint, ledger.actor, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."claw_back_vendor_earnings"(public.orders, ledger.actor, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."confirm_when_covered"(public.orders, ledger.actor) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."consume_reservation"(uuid, uuid, ledger.actor) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."continue_bulk_changes"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."correlation_id_in"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."cost_of"(ledger.order_part) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."credited_after"(ledger.order_part, ledger.order_part, ledger.taken_line[], bigint, bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."credited_base"(ledger.order_part, ledger.order_part) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."credited_part"(public.orders) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."customer_figures"(ledger.report_range, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."deliver_shipments"(public.orders, uuid, timestamp WITH time zone, ledger.actor, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."delivery_legs"(public.orders, ledger.order_part) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."differences_of_accounts"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."differences_of_fulfilment"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."differences_of_order_money"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."differences_of_orders"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."differences_of_payments"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."differences_of_refunds"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."differences_of_stock"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."differences_of_texts"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."differences_of_vendors"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."draft_lines"(public.order_drafts) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."drop_backorders"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."drop_open_units"(uuid, uuid[], bigint[], boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."duration_figures"(bigint[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."edit_legs"(ledger.edit_money) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."edited_lines"(public.orders, ledger.order_changes, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."enable_realtime"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."end_returns"(public.orders, boolean, ledger.actor, uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."erase_personal_data"(uuid, uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."erase_sign_in"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."event_payload"(bigint, uuid, text, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."expire_reservations"(integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."fill_backorders"(uuid[], smallint[], ledger.actor, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."first_id_at"(timestamp WITH time zone, interval) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."forward"(ledger.posting_leg[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."free_reservations"(uuid[], text, ledger.actor) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."is_backend_call"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."is_draft_of"(public.order_drafts, ledger.actor) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."is_of_erased"(uuid) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "ledger"."is_of_erased"(uuid) TO "authenticated", "service_role";

REVOKE ALL ON FUNCTION "ledger"."is_sale"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."is_whole_number"(jsonb, bigint, bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."line_part"(public.order_items, boolean, bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."lines_asked_back"(public.orders, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."lines_left"(public.orders, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."lines_to_ship"(public.orders, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."lock_all_stock"(uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."lock_for_bulk_change"(uuid[], text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."lock_low_stock_marks"(uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."lock_marks_of_plan"(ledger.stock_plan) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."lock_one_slot"(uuid, smallint, bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."lock_own_slot"(uuid, bigint, bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."lock_reservation"(uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."lock_slots"(uuid, smallint[], bigint, smallint[], bigint[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."lock_slots_opened_since"(uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."lock_slots_without_waiting"(uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."lock_stock_to_return"(uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."low_stock_threshold"(public.variants) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."may_follow"(text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "ledger"."may_follow"(text) TO "authenticated";

REVOKE ALL ON FUNCTION "ledger"."may_run_low"(uuid[], bigint[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."moment"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."move_in_slots"(uuid[], smallint[], bigint[], bigint[], text, ledger.actor, uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."open_backorder"(uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."open_backorders"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."open_business_of"(uuid, uuid[], uuid[], boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."order_figures"(ledger.report_range, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."order_state"(public.orders, ledger.priced_line[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."owners_of"(ledger.vendor_share[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."part_between"(ledger.order_part, ledger.order_part) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."part_of_lines"(public.orders, integer[], bigint[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."pass_on_freed_units"(uuid[], smallint[], ledger.actor, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."payment_status_of"(bigint, bigint, bigint, bigint, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."personal_data"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."place_of_supply"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."plan_stock"(uuid[], bigint[], uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."price_edit"(public.orders, ledger.order_changes, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."processing_figures"(ledger.report_range, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."purge_bulk_changes"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."purge_order_drafts"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."raise_order_version"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."range_of_report"(timestamp WITH time zone, timestamp WITH time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."read_changes"(jsonb, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."receive_return"(public.orders, uuid, jsonb, boolean, text, text, ledger.actor, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."received_units"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."recognition_legs"(ledger.order_part) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."record_return"(text, public.orders, uuid, ledger.actor, uuid, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refund_facts"(public.orders, ledger.order_change, ledger.taken_line[], uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refund_figures"(ledger.report_range, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refunded_units"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_approval"(public.orders, uuid, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_arrival"(public.orders, uuid, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_change_of_transaction"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_changes"(jsonb, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_edit"(public.orders, ledger.order_changes, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_erased"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_line_list"(jsonb, text[], boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_parcel"(public.orders, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_placing"(uuid, text, jsonb, uuid, uuid, ledger.order_pricing, bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_refund_amounts"(public.orders, bigint, bigint, ledger.order_part, ledger.order_part) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_refund_lines"(public.orders, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_reservation"(public.stock_reservations, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_return"(public.orders, timestamp WITH time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_returned_units"(public.orders, jsonb, timestamp WITH time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_shares"(ledger.vendor_share[], text, uuid, bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_ship_rest"(public.orders, text, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_shipping"(public.orders, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_shortages"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_status_change"(public.orders, uuid, text, text, bigint, jsonb, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_units"(ledger.shippable_line, bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_unknown_line"(public.orders, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_vendor"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."reservation_statuses"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."restock"(uuid[], bigint[], text, ledger.actor, uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."return_legs"(ledger.returned_money) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."returnable_lines"(public.orders, timestamp WITH time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."role_of_call"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."send_out"(public.orders, text, ledger.actor, text, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."set_texts_aside"(bigint, uuid, text, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."settle_edit"(public.orders, bigint, bigint, text, public.accounts) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."settle_received_units"(uuid, integer[], bigint[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."share_of_allowance"(bigint, ledger.order_part, ledger.order_part) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."shares_without_erased"(ledger.vendor_share[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."ship_rest"(public.orders, text, ledger.actor, uuid, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."ship_units"(public.orders, integer[], bigint[], ledger.actor, uuid, jsonb, timestamp WITH time zone, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."shippable_lines"(public.orders) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."shipped_units"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."split_return"(public.orders, bigint, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."status_after_refund"(public.orders, ledger.order_part, ledger.taken_line[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."sum_of_shares"(ledger.vendor_share[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."take_back"(public.orders, jsonb, bigint, bigint, text, ledger.actor, text, uuid, uuid, text, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."taken_lines"(public.orders, integer[], bigint[], bigint[], bigint[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."tell_rate_limit"(public.rate_limits, numeric) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."text_keys"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."texts_digest"(jsonb, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."top_products"(ledger.report_range, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."tracked_backorders"(uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."tracked_returns"(uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."tracked_shipments"(uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."units_under_way"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."variants_to_take_back"(public.orders, jsonb, boolean, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."vendor_earners"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."vendor_figures"(ledger.report_range, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."vendor_may_see_address"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."vendor_shares"(public.orders) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."vendors_of_call"(ledger.actor, uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."wallet_part"(text, boolean, bigint, bigint, bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."whole_order"(public.orders) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."write_edit_refund"(public.orders, ledger.edit_money, text, text, ledger.actor) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."write_edited_discount"(public.orders, ledger.edited_order) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."write_edited_lines"(public.orders, ledger.edited_order) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."write_edited_order"(public.orders, ledger.edited_order, ledger.edit_money) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."write_goods_back"(public.orders, text, ledger.taken_line[], boolean, uuid, ledger.actor, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."write_operation"(uuid, bigint, bigint, text, bigint, jsonb, uuid, text, jsonb, uuid, text, ledger.posting_leg[], text, jsonb, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."write_refund"(uuid, public.orders, uuid, ledger.order_part, ledger.taken_line[], ledger.returned_money, text, text, ledger.actor) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."ledger_bulk_change_status"(uuid[], text, jsonb, text, text, uuid, boolean) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."ledger_bulk_change_status"(uuid[], text, jsonb, text, text, uuid, boolean) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."ledger_cancel_order"(uuid, text, text, uuid, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."ledger_cancel_order"(uuid, text, text, uuid, text) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."ledger_confirm_delivery"(uuid, timestamp WITH time zone, text, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."ledger_confirm_delivery"(uuid, timestamp WITH time zone, text, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."ledger_continue_bulk_change"(uuid, integer) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."ledger_continue_bulk_change"(uuid, integer) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."ledger_edit_order"(uuid, jsonb, boolean, bigint, bigint, bigint, text, text, text, uuid, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."ledger_edit_order"(uuid, jsonb, boolean, bigint, bigint, bigint, text, text, text, uuid, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."ledger_place_order"(jsonb, text, bigint, uuid, uuid, text, text, bigint, text, jsonb, text, uuid, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."ledger_place_order"(jsonb, text, bigint, uuid, uuid, text, text, bigint, text, jsonb, text, uuid, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."ledger_record_payment"(uuid, bigint, text, text, text, text, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."ledger_record_payment"(uuid, bigint, text, text, text, text, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."ledger_refund_order"(uuid, jsonb, bigint, bigint, text, boolean, text, text, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."ledger_refund_order"(uuid, jsonb, bigint, bigint, text, boolean, text, text, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."ledger_request_return"(uuid, jsonb, text, text, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."ledger_request_return"(uuid, jsonb, text, text, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."ledger_review_return"(uuid, text, jsonb, text, boolean, text, text, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."ledger_review_return"(uuid, text, jsonb, text, boolean, text, text, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."ledger_set_order_status"(uuid, text, bigint, text, jsonb, text, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."ledger_set_order_status"(uuid, text, bigint, text, jsonb, text, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."ledger_settle_refund"(uuid, text, text, text, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."ledger_settle_refund"(uuid, text, text, text, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."ledger_ship_order"(uuid, jsonb, text, text, timestamp WITH time zone, jsonb, text, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."ledger_ship_order"(uuid, jsonb, text, text, timestamp WITH time zone, jsonb, text, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."ledger_spread_stock"(uuid, integer, text, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."ledger_spread_stock"(uuid, integer, text, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."ledger_void_payment"(uuid, text, text, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."ledger_void_payment"(uuid, text, text, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."order_draft_delete"(uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."order_draft_delete"(uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."order_draft_get"(uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."order_draft_get"(uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."order_draft_place"(uuid, text, bigint, bigint, bigint, jsonb, text, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."order_draft_place"(uuid, text, bigint, bigint, bigint, jsonb, text, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."order_draft_save"(jsonb, uuid, uuid, uuid, text, text, text, bigint, text, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."order_draft_save"(jsonb, uuid, uuid, uuid, text, text, text, bigint, text, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."order_release_reservation"(uuid, text, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."order_release_reservation"(uuid, text, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."order_reserve"(jsonb, integer, text, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."order_reserve"(jsonb, integer, text, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."profile_erase"(uuid, text, text, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."profile_erase"(uuid, text, text, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."report_orders"(timestamp WITH time zone, timestamp WITH time zone, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."report_orders"(timestamp WITH time zone, timestamp WITH time zone, text) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."report_vendor"(uuid, timestamp WITH time zone, timestamp WITH time zone) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."report_vendor"(uuid, timestamp WITH time zone, timestamp WITH time zone) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."vendor_order_lines"(uuid, text, timestamp WITH time zone, timestamp WITH time zone, uuid, integer, integer) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."vendor_order_lines"(uuid, text, timestamp WITH time zone, timestamp WITH time zone, uuid, integer, integer) TO "service_role";

REVOKE ALL ON TABLE "public"."backorders" FROM "authenticated";

GRANT SELECT ON TABLE "public"."backorders" TO "authenticated";

REVOKE ALL ON TABLE "public"."backorders" FROM "service_role";

GRANT SELECT ON TABLE "public"."backorders" TO "service_role";

REVOKE ALL ON TABLE "public"."bulk_change_orders" FROM "authenticated";

GRANT SELECT ON TABLE "public"."bulk_change_orders" TO "authenticated";

REVOKE ALL ON TABLE "public"."bulk_change_orders" FROM "service_role";

GRANT SELECT ON TABLE "public"."bulk_change_orders" TO "service_role";

REVOKE ALL ON TABLE "public"."bulk_changes" FROM "authenticated";

GRANT SELECT ON TABLE "public"."bulk_changes" TO "authenticated";

REVOKE ALL ON TABLE "public"."bulk_changes" FROM "service_role";

GRANT SELECT ON TABLE "public"."bulk_changes" TO "service_role";

REVOKE ALL ON TABLE "public"."event_texts" FROM "authenticated";

GRANT SELECT ON TABLE "public"."event_texts" TO "authenticated";

REVOKE ALL ON TABLE "public"."event_texts" FROM "service_role";

GRANT SELECT ON TABLE "public"."event_texts" TO "service_role";

REVOKE ALL ON TABLE "public"."order_drafts" FROM "authenticated";

GRANT SELECT ON TABLE "public"."order_drafts" TO "authenticated";

REVOKE ALL ON TABLE "public"."order_drafts" FROM "service_role";

GRANT SELECT ON TABLE "public"."order_drafts" TO "service_role";

REVOKE ALL ON TABLE "public"."payments" FROM "authenticated";

GRANT SELECT ON TABLE "public"."payments" TO "authenticated";

REVOKE ALL ON TABLE "public"."payments" FROM "service_role";

GRANT SELECT ON TABLE "public"."payments" TO "service_role";

REVOKE ALL ON TABLE "public"."refund_lines" FROM "authenticated";

GRANT SELECT ON TABLE "public"."refund_lines" TO "authenticated";

REVOKE ALL ON TABLE "public"."refund_lines" FROM "service_role";

GRANT SELECT ON TABLE "public"."refund_lines" TO "service_role";

REVOKE ALL ON TABLE "public"."refunds" FROM "authenticated";

GRANT SELECT ON TABLE "public"."refunds" TO "authenticated";

REVOKE ALL ON TABLE "public"."refunds" FROM "service_role";

GRANT SELECT ON TABLE "public"."refunds" TO "service_role";

REVOKE ALL ON TABLE "public"."return_lines" FROM "authenticated";

GRANT SELECT ON TABLE "public"."return_lines" TO "authenticated";

REVOKE ALL ON TABLE "public"."return_lines" FROM "service_role";

GRANT SELECT ON TABLE "public"."return_lines" TO "service_role";

REVOKE ALL ON TABLE "public"."returns" FROM "authenticated";

GRANT SELECT ON TABLE "public"."returns" TO "authenticated";

REVOKE ALL ON TABLE "public"."returns" FROM "service_role";

GRANT SELECT ON TABLE "public"."returns" TO "service_role";

REVOKE ALL ON TABLE "public"."shipment_lines" FROM "authenticated";

GRANT SELECT ON TABLE "public"."shipment_lines" TO "authenticated";

REVOKE ALL ON TABLE "public"."shipment_lines" FROM "service_role";

GRANT SELECT ON TABLE "public"."shipment_lines" TO "service_role";

REVOKE ALL ON TABLE "public"."shipments" FROM "authenticated";

GRANT SELECT ON TABLE "public"."shipments" TO "authenticated";

REVOKE ALL ON TABLE "public"."shipments" FROM "service_role";

GRANT SELECT ON TABLE "public"."shipments" TO "service_role";

REVOKE ALL ON TABLE "public"."stock_reservation_lines" FROM "authenticated";

GRANT SELECT ON TABLE "public"."stock_reservation_lines" TO "authenticated";

REVOKE ALL ON TABLE "public"."stock_reservation_lines" FROM "service_role";

GRANT SELECT ON TABLE "public"."stock_reservation_lines" TO "service_role";

REVOKE ALL ON TABLE "public"."stock_reservations" FROM "authenticated";

GRANT SELECT ON TABLE "public"."stock_reservations" TO "authenticated";

REVOKE ALL ON TABLE "public"."stock_reservations" FROM "service_role";

GRANT SELECT ON TABLE "public"."stock_reservations" TO "service_role";

REVOKE ALL ON TABLE "public"."vendor_earnings" FROM "authenticated";

GRANT SELECT ON TABLE "public"."vendor_earnings" TO "authenticated";

REVOKE ALL ON TABLE "public"."vendor_earnings" FROM "service_role";

GRANT SELECT ON TABLE "public"."vendor_earnings" TO "service_role";

REVOKE ALL ON TABLE "public"."customer_orders" FROM "authenticated";

GRANT SELECT ON TABLE "public"."customer_orders" TO "authenticated";

REVOKE ALL ON TABLE "public"."customer_orders" FROM "service_role";

GRANT SELECT ON TABLE "public"."customer_orders" TO "service_role";

REVOKE ALL ON TABLE "public"."order_details" FROM "authenticated";

GRANT SELECT ON TABLE "public"."order_details" TO "authenticated";

REVOKE ALL ON TABLE "public"."order_details" FROM "service_role";

GRANT SELECT ON TABLE "public"."order_details" TO "service_role";

REVOKE ALL ON TABLE "public"."order_management" FROM "authenticated";

GRANT SELECT ON TABLE "public"."order_management" TO "authenticated";

REVOKE ALL ON TABLE "public"."order_management" FROM "service_role";

GRANT SELECT ON TABLE "public"."order_management" TO "service_role";

REVOKE ALL ON TABLE "public"."order_status_history" FROM "authenticated";

GRANT SELECT ON TABLE "public"."order_status_history" TO "authenticated";

REVOKE ALL ON TABLE "public"."order_status_history" FROM "service_role";

GRANT SELECT ON TABLE "public"."order_status_history" TO "service_role";

ALTER TABLE "public"."bulk_change_orders"
  ADD CONSTRAINT "bulk_change_orders_bulk_change_id_fkey" FOREIGN KEY (bulk_change_id) REFERENCES public.bulk_changes(id) ON DELETE CASCADE;

CREATE INDEX bulk_changes_unfinished ON public.bulk_changes USING btree (id)
  WHERE (waiting_orders > 0);

CREATE INDEX order_drafts_by_customer ON public.order_drafts USING btree (user_id, id);

CREATE INDEX payments_by_account ON public.payments USING btree (account_id, id);

ALTER TABLE "public"."refund_lines"
  ADD CONSTRAINT "refund_lines_refund_id_fkey" FOREIGN KEY (refund_id) REFERENCES public.refunds(id) ON DELETE RESTRICT;

CREATE INDEX refunds_by_account ON public.refunds USING btree (account_id, id);

CREATE INDEX refunds_to_pay_out ON public.refunds USING btree (id)
  WHERE (payout_status = 'pending'::text);

CREATE TRIGGER amounts_never_change
  BEFORE UPDATE OF id,
    account_id,
    order_id,
    return_id,
    currency,
    goods_amount,
    discount_amount,
    tax_amount,
    shipping_amount, allowance_amount, allowance_tax_amount, credited_amount, wallet_amount, credit_amount, payout_amount, destination, actor_id, created_at ON public.refunds
  FOR EACH ROW
  EXECUTE FUNCTION ledger.refuse_change('refunds');

ALTER TABLE "public"."refunds"
  ENABLE ALWAYS TRIGGER "amounts_never_change";

ALTER TABLE "public"."refunds"
  ADD CONSTRAINT "refunds_return_id_fkey" FOREIGN KEY (return_id) REFERENCES public.returns(id) ON DELETE RESTRICT;

ALTER TABLE "public"."return_lines"
  ADD CONSTRAINT "return_lines_return_id_fkey" FOREIGN KEY (return_id) REFERENCES public.returns(id) ON DELETE RESTRICT;

CREATE INDEX returns_by_account ON public.returns USING btree (account_id, id);

CREATE INDEX returns_open ON public.returns USING btree (id)
  WHERE (status = ANY (ARRAY['requested'::text, 'approved'::text]));

ALTER TABLE "public"."shipment_lines"
  ADD CONSTRAINT "shipment_lines_shipment_id_fkey" FOREIGN KEY (shipment_id) REFERENCES public.shipments(id) ON DELETE RESTRICT;

CREATE INDEX shipments_by_account ON public.shipments USING btree (account_id, id);

ALTER TABLE "public"."stock_reservation_lines"
  ADD CONSTRAINT "stock_reservation_lines_reservation_id_fkey" FOREIGN KEY (reservation_id) REFERENCES public.stock_reservations(id) ON DELETE RESTRICT;

CREATE INDEX stock_reservations_by_customer ON public.stock_reservations USING btree (user_id, id);

CREATE POLICY "reservation_lines_are_seen_by_their_customer_and_staff" ON "public"."stock_reservation_lines"
  FOR SELECT
  TO "authenticated"
  USING (((reservation_id IN ( SELECT r.id
   FROM public.stock_reservations r
  WHERE (r.user_id = ( SELECT auth.uid() AS uid)))) OR ( SELECT ledger.caller_may('orders.read'::text) AS caller_may)));

CREATE INDEX vendor_earnings_by_account ON public.vendor_earnings USING btree (account_id, id);

ALTER TABLE "public"."stock_reservations"
  ADD CONSTRAINT "status_is_known" CHECK ((status = ANY (ledger.reservation_statuses())));

-- sql/foundation/error_codes.data.sql

insert into public.error_codes (code, http_status, message, description) values
  ('idempotency_conflict', 422, 'The idempotency key "{key}" was already used for {procedure} with other arguments; send a new key for a new request.', 'Same caller, procedure and key, other arguments.'),
  ('invalid_idempotency_key', 400, 'An idempotency key has 1 to 255 characters; this one has {length}.', 'The key is empty or too long.'),
  ('rate_limited', 429, 'Too many calls of {procedure}; try again in {retry_after_seconds} s.', 'The caller''s token bucket for this procedure is empty.'),
  ('invalid_amount', 400, 'The amount must be {expected}, not {amount}.', 'An amount of the wrong sign or size. Amounts are whole minor units.'),
  ('amount_too_large', 400, 'The amount is larger than {maximum} minor units, the largest that is kept exactly.', 'An amount or total beyond 2^53 - 1.'),
  ('invalid_argument', 400, '{argument}: {problem}', 'An argument has the wrong shape or size.'),
  ('customer_required', 400, 'Say for which customer: p_user_id is missing.', 'A backend called without naming the customer.'),
  ('customer_not_found', 404, 'There is no customer {user_id}.', 'The user does not exist, or is not visible to the caller.'),
  ('account_not_found', 404, 'The customer has no {currency} account.', 'The customer has no account in this currency.'),
  ('account_frozen', 403, 'The account is frozen: {reason}. Nothing can be spent or withdrawn until it is released.', 'Frozen by ledger_freeze_account.'),
  ('account_already_frozen', 409, 'The account is already {state}.', 'The account already is in the state asked for.'),
  ('insufficient_funds', 402, '{required:money} is needed, {available:money} is available.', 'The wallet does not hold what the operation takes.'),
  ('unknown_currency', 400, 'There is no currency "{currency}"; known ones: {known}.', 'A currency code that is not in currencies.'),
  ('currency_mismatch', 400, 'One order has one currency; these items are priced in {currencies}.', 'Items of several currencies in one order.'),
  ('invalid_items', 400, 'Line {line}: {problem}', 'p_items is not [{"variant_id": uuid, "quantity": whole number}, ...].'),
  ('empty_order', 400, 'The order has no items.', 'p_items is an empty array.'),
  ('too_many_lines', 400, 'An order has at most {maximum} lines; this one has {lines}.', 'More lines than the setting max_order_lines.'),
  ('invalid_quantity', 400, 'Line {line}: the quantity must be a whole number from 1 to {maximum}, not {quantity}.', 'A quantity that is no whole number, below 1 or above the setting max_line_quantity.'),
  ('variant_not_found', 404, 'Line {line}: there is no product variant {variant_id}.', 'A variant that does not exist.'),
  ('variant_unavailable', 409, 'Line {line}: "{name}" is not for sale at present.', 'The variant or its product is archived.'),
  ('insufficient_stock', 409, 'Only {available} of "{name}" left, {requested} asked.', 'Less stock than the order''s lines of this variant together ask for.'),
  ('price_changed', 409, 'The total is {total:money}, not {expected:money}: a price, tax, shipping cost or discount has changed.', 'p_expected_total is not the present total.'),
  ('payment_method_unavailable', 400, 'Payment method "{payment_method}" is not available; available: {available}.', 'Unknown or switched-off payment method.'),
  ('invalid_wallet_amount', 400, 'The wallet''s part must be {expected}, not {wallet_amount}.', 'p_wallet_amount does not fit the payment method or the total.'),
  ('shipping_method_unavailable', 400, 'Shipping method "{shipping_method}" is not available for {currency}; available: {available}.', 'Unknown or switched-off shipping method.'),
  ('address_not_found', 404, 'There is no address {address_id} of this customer.', 'The address does not exist or is someone else''s.'),
  ('discount_code_invalid', 404, 'Discount code "{code}" does not exist or is not valid now.', 'Unknown, switched-off, not yet or no longer valid.'),
  ('discount_code_not_applicable', 409, 'Discount code "{code}" needs {condition}.', 'The order does not meet the code''s conditions.'),
  ('discount_code_exhausted', 409, 'Discount code "{code}" has been used as often as it may.', 'The total limit of the code is reached.'),
  ('discount_code_already_used', 409, 'Discount code "{code}" can be used {maximum} time(s) per customer.', 'The customer''s limit of the code is reached.'),
  ('order_not_found', 404, 'There is no order {order_id} of this customer.', 'The order does not exist, is someone else''s, or belongs to another customer than named.'),
  ('unknown_status', 400, '"{status}" is no order status; known: {known}.', 'A status name that does not exist.'),
  ('status_conflict', 409, 'Order {order_number} is "{status}", not "{expected}": somebody changed it in between. Read it again.', 'p_old_status is not the order''s present status.'),
  ('invalid_transition', 409, 'Order {order_number} cannot go from "{from}" to "{to}"; possible: {possible}.', 'No such row in order_status_transitions.'),
  ('amount_mismatch', 409, 'Order {order_number} amounts to {total:money}, not {amount:money}.', 'p_amount is not the order''s total.'),
  ('payment_required', 402, 'Order {order_number} has {due:money} left to pay before it can become "{to}".', 'The transition needs a paid order.'),
  ('cancellation_not_allowed', 409, 'Order {order_number} can no longer be cancelled by the customer: {reason}.', 'Beyond the customer''s statuses or window; staff may still cancel.'),
  ('line_not_found', 404, 'Order {order_number} has no line {line}.', 'A line number that the order does not have.'),
  ('units_not_shippable', 409, 'Line {line}: only {shippable} of "{name}" can be shipped, {requested} asked; {shipped} of {quantity} are out and {backordered} on backorder.', 'More units than are left, or units that are not in stock yet.'),
  ('nothing_to_ship', 409, 'Order {order_number} has nothing that can be shipped: {shipped} of {quantity} units are out and {backordered} on backorder.', 'Everything is out, or what is left is on backorder.'),
  ('shipment_not_found', 404, 'There is no shipment {shipment_id}.', 'The shipment does not exist.'),
  ('shipment_conflict', 409, 'Shipment {shipment_number} of order {order_number} has already arrived.', 'Somebody else confirmed its delivery first.'),
  ('return_not_found', 404, 'There is no return {return_id}.', 'The return does not exist.'),
  ('return_not_allowed', 409, 'Nothing of order {order_number} can be returned: {reason}.', 'The order was not shipped, has ended, or its return window is over.'),
  ('units_not_returnable', 409, 'Line {line}: only {returnable} of "{name}" can be returned, {requested} asked.', 'More units than were shipped and are neither refunded nor in a return, or than were approved.'),
  ('return_conflict', 409, 'The return is already "{status}"; {wanted} needs it to be {expected}.', 'Somebody else reviewed or received it first, or its order has ended.'),
  ('vendor_not_found', 404, 'There is no vendor {vendor}.', 'The vendor does not exist or is someone else''s; or the caller owns none.'),
  ('refund_not_allowed', 409, 'Order {order_number} is "{status}": refunds are for confirmed, processing, shipped and delivered orders.', 'The order has not been accepted, or has ended.'),
  ('nothing_to_refund', 409, 'Say what to refund of order {order_number}: lines, shipping or an amount.', 'No lines, no shipping and no amount.'),
  ('units_not_refundable', 409, 'Line {line}: only {refundable} of "{name}" can be refunded, {requested} asked; {shipped} were shipped, {refunded} refunded.', 'More units than were shipped and not refunded yet, or with "unshipped" than were not shipped.'),
  ('refund_exceeds_paid', 409, 'Only {refundable:money} of {what} can be refunded for order {order_number}, {requested:money} asked.', 'More shipping or a larger free amount than is left of the order, or than was paid and did not go back.'),
  ('refund_not_found', 404, 'There is no refund {refund_id}.', 'The refund does not exist.'),
  ('refund_conflict', 409, 'The refund is {payout_status}.', 'It has nothing to pay out, or somebody else settled it first.'),
  ('withdrawal_not_found', 404, 'There is no withdrawal {withdrawal_id}.', 'The withdrawal does not exist or is someone else''s.'),
  ('withdrawal_conflict', 409, 'The withdrawal is already "{status}"; {wanted} needs it to be {expected}.', 'Somebody else reviewed, paid or cancelled it first.'),
  ('edit_not_allowed', 409, 'Order {order_number} cannot be edited: {reason}.', 'The order is shipped, has ended or was refunded in part, or its customer edits it after it was confirmed.'),
  ('line_shipped', 409, 'Of line {line} of order {order_number}, "{name}", {shipped} are shipped already; it cannot go down to {quantity}.', 'An edit below what has been shipped of a line.'),
  ('version_conflict', 409, 'Order {order_number} is at version {version}, not {expected}: somebody changed it in between. Read it again.', 'p_expected_version is not the order''s present version.'),
  ('payment_not_found', 404, 'There is no payment {payment_id}.', 'The payment does not exist.'),
  ('payment_reference_used', 409, 'A payment by {method} with the reference "{reference}" is recorded already.', 'The same transfer a second time; void the first one when it was recorded for the wrong order.'),
  ('payment_conflict', 409, 'The payment is already {status}.', 'Somebody else voided it first.'),
  ('payment_already_used', 409, 'Of the payment''s {amount:money} only {left:money} is still {where}; what has gone back or was spent cannot be voided.', 'The money, or a part of it, was refunded, or its surplus was spent.'),
  ('stock_below_zero', 409, 'Taking {quantity} of "{name}" would leave less than nothing: {available} available.', 'A stock adjustment below what is there or held.'),
  ('stock_too_large', 400, 'Stock of "{name}" is kept up to {maximum} units.', 'A stock adjustment beyond 10^12 units on hand.'),
  ('reservation_not_found', 404, 'There is no reservation {reservation_id} of this customer.', 'The reservation does not exist or is someone else''s.'),
  ('reservation_expired', 409, 'The reservation was held until {expires_at}; reserve or order without it.', 'The reservation is past its time.'),
  ('reservation_conflict', 409, 'The reservation is already "{status}".', 'An order has consumed the reservation, or it was released.'),
  ('reservation_too_large', 409, 'A customer may hold at most {maximum} units at a time; {held} are held and {requested} more asked.', 'More units than the setting max_reserved_units allows.'),
  ('too_many_reservations', 409, 'This customer already has {active} active reservations; release one or let it pass.', 'As many active reservations as the setting max_active_reservations allows.'),
  ('not_permitted', 403, 'Bringing order {order_number} from "{from}" to "{to}" needs the permission "{permission}".', 'One order of a bulk change that the caller may not change that way.'),
  ('bulk_change_not_found', 404, 'There is no bulk change {bulk_change_id} of the caller.', 'It does not exist, or somebody else asked for it.'),
  ('bulk_item_failed', 409, 'Order {order_id} could not be changed: {problem}', 'One order of a bulk change failed in a way that is a bug or a disturbance; the others went on.'),
  ('draft_not_found', 404, 'There is no draft {draft_id} of this customer.', 'The draft does not exist, was placed, deleted or too old, or is someone else''s.'),
  ('draft_conflict', 409, 'The draft has version {version}, not {expected}: somebody changed it in between. Read it again.', 'p_expected_version is not the draft''s present version.'),
  ('too_many_drafts', 409, 'A customer keeps at most {maximum} drafts; place or delete one first.', 'The setting max_order_drafts is reached.'),
  ('erase_not_possible', 409, 'The person cannot be erased yet: {open}.', 'Money, orders, withdrawals, payouts, returns, a staff role or a vendor are still theirs, or their account is frozen and they ask themselves; details has the numbers.'),
  ('referral_code_not_found', 404, 'There is no referral code "{code}".', 'No profile has this referral code.'),
  ('referral_not_allowed', 409, 'The referral cannot be registered: {reason}.', 'Self-referral, a second referrer, or a customer who already ordered.')
on conflict (code) do nothing;

-- sql/foundation/rate_limits.data.sql

insert into public.rate_limits (procedure, capacity, refill_per_second) values
  ('ledger_place_order', 300, 5),
  ('order_reserve', 120, 2),
  ('ledger_cancel_order', 300, 5),
  ('ledger_request_return', 60, 1),
  ('order_draft_save', 300, 5),
  ('ledger_edit_order', 300, 5),
  ('ledger_request_withdrawal', 60, 1)
on conflict (procedure) do nothing;

-- sql/foundation/scheduled_jobs.data.sql

insert into ledger.scheduled_jobs (name, schedule, command, description) values
  ('seal events', '* * * * *', 'select ledger.seal_events()', 'Closes events into the next seals.'),
  ('expire reservations', '* * * * *', 'select ledger.expire_reservations()', 'Frees stock that reservations held past their time.'),
  ('create partitions', '15 2 * * *', 'select ledger.create_month_partitions()', 'Monthly partitions of events and audit log, ahead of time.'),
  ('continue bulk changes', '* * * * *', 'select ledger.continue_bulk_changes()', 'Carries on with bulk changes that nobody is at.'),
  ('purge bulk changes', '35 2 * * *', 'select ledger.purge_bulk_changes()', 'Removes finished bulk changes beyond the retention.'),
  ('purge order drafts', '40 2 * * *', 'select ledger.purge_order_drafts()', 'Removes drafts beyond the retention.'),
  ('purge audit log', '30 2 * * *', 'select ledger.purge_audit_log()', 'Drops audit partitions beyond the retention.'),
  ('purge idempotency keys', '45 2 * * *', 'select ledger.purge_idempotency_keys()', 'Removes idempotency keys beyond the retention.')
on conflict (name) do nothing;

-- sql/foundation/settings.data.sql

insert into public.settings (key, value, kind, minimum, maximum, allowed, description) values
  ('default_currency', '"USD"', 'text', null, null, null, 'Currency of calls that name none.'),
  ('order_number_prefix', '"ORD"', 'text', null, null, null, 'Before the digits of an order number (source 004).'),
  ('order_number_length', '8', 'integer', 4, 18, null, 'Digits of an order number, zero-padded (source 004).'),
  ('default_order_status', '"pending"', 'text', null, null, '{pending,confirmed,processing}', 'Status of a new order (source 004).'),
  ('auto_confirm_when_paid', 'false', 'boolean', null, null, null, 'A covered order becomes confirmed at once (source 004, AUTO_CONFIRM_ORDERS).'),
  ('low_stock_threshold', '5', 'integer', 0, 1000000000, null, 'Stock at or below which an alert is queued, for variants without their own threshold (source 004).'),
  ('reservation_minutes', '15', 'integer', 1, 1440, null, 'Minutes that order_reserve holds stock for when it is not told, and at most for customers.'),
  ('max_active_reservations', '5', 'integer', 1, 1000, null, 'Reservations a customer may have at a time.'),
  ('max_reserved_units', '1000', 'integer', 1, 1000000000000, null, 'Units a customer may hold by reservations at a time.'),
  ('grace_hours', '72', 'integer', 1, 8760, null, 'Hours until a bank_transfer_grace order is due.'),
  ('tax_rate_bp', '0', 'integer', 0, 10000, null, 'Tax rate in basis points for products without their own; 1900 is 19 %.'),
  ('prices_include_tax', 'false', 'boolean', null, null, null, 'Whether catalogue prices contain the tax.'),
  ('cancellation_window_minutes', '1440', 'integer', 0, 525600, null, 'Minutes after placing within which customers may cancel themselves.'),
  ('max_order_lines', '500', 'integer', 1, 5000, null, 'Lines an order may have.'),
  ('max_line_quantity', '1000000', 'integer', 1, 2147483647, null, 'Largest quantity of one line.'),
  ('return_window_days', '30', 'integer', 0, 3650, null, 'Days after delivery within which customers may ask for a return themselves.'),
  ('referral_rate_bp', '500', 'integer', 0, 10000, null, 'Commission on a referred customer''s delivered orders, in basis points, for referrals registered from now on.'),
  ('max_order_drafts', '20', 'integer', 1, 1000, null, 'Drafts a customer may keep at a time.'),
  ('draft_retention_days', '90', 'integer', 1, 3650, null, 'Days after its last change that a draft is kept.'),
  ('bulk_change_retention_days', '90', 'integer', 1, 3650, null, 'Days that the outcomes of a finished bulk change are kept, and no shorter than idempotency keys.'),
  ('idempotency_retention_days', '30', 'integer', 1, 3650, null, 'Days that idempotency keys and their answers are kept.'),
  ('audit_retention_days', '180', 'integer', 30, 3650, null, 'Days that audit_log is kept.')
on conflict (key) do nothing;

-- sql/identity/roles.data.sql

insert into public.roles (code, description) values
  ('admin', 'Everything.'),
  ('finance', 'Money: credits, withdrawals, payment side of orders.'),
  ('warehouse', 'Stock, and orders up to their dispatch.'),
  ('logistics', 'Dispatched orders up to their delivery.'),
  ('vendor', 'A vendor''s own products and lines.')
on conflict (code) do nothing;

insert into public.permissions (code, description) values
  ('accounts.read', 'See all accounts, transactions and postings.'),
  ('accounts.credit', 'Credit accounts: deposits, earnings, bonuses.'),
  ('accounts.adjust', 'Adjust accounts up or down.'),
  ('accounts.freeze', 'Freeze and release accounts.'),
  ('audit.read', 'See all events, seals and the audit log.'),
  ('orders.read', 'See all orders.'),
  ('orders.place', 'Place orders on behalf of customers.'),
  ('orders.confirm', 'Confirm orders.'),
  ('orders.reject', 'Reject orders.'),
  ('orders.process', 'Take orders into processing.'),
  ('orders.ship', 'Ship orders.'),
  ('orders.deliver', 'Mark orders delivered.'),
  ('orders.cancel', 'Cancel orders that are not delivered.'),
  ('orders.cancel_delivered', 'Cancel delivered orders.'),
  ('orders.edit', 'Edit orders of customers.'),
  ('orders.refund', 'Refund orders.'),
  ('returns.review', 'Approve, reject and receive returns.'),
  ('payments.record', 'Record and void payments.'),
  ('refunds.settle', 'Mark refunds paid out or failed.'),
  ('reports.read', 'See reports of the whole shop.'),
  ('customers.erase', 'Erase the personal data of customers.'),
  ('customers.read', 'See all profiles, addresses and referrals.'),
  ('stock.read', 'See stock movements and what is not for sale.'),
  ('stock.adjust', 'Adjust stock.'),
  ('withdrawals.review', 'Approve, reject and pay withdrawals.')
on conflict (code) do nothing;

insert into public.role_permissions (role, permission)
select 'admin', p.code from public.permissions p
union all
select v.role, v.permission
from (values
  ('finance', 'accounts.read'), ('finance', 'accounts.credit'), ('finance', 'accounts.freeze'),
  ('finance', 'audit.read'), ('finance', 'orders.read'), ('finance', 'orders.confirm'),
  ('finance', 'orders.reject'), ('finance', 'orders.cancel'), ('finance', 'orders.refund'),
  ('finance', 'customers.read'), ('finance', 'withdrawals.review'), ('finance', 'payments.record'),
  ('finance', 'refunds.settle'), ('finance', 'orders.edit'), ('finance', 'returns.review'), ('finance', 'reports.read'),
  ('warehouse', 'orders.read'), ('warehouse', 'orders.process'), ('warehouse', 'orders.ship'),
  ('warehouse', 'stock.read'), ('warehouse', 'stock.adjust'), ('warehouse', 'returns.review'),
  ('logistics', 'orders.read'), ('logistics', 'orders.ship'), ('logistics', 'orders.deliver')
) v (role, permission)
on conflict (role, permission) do nothing;

-- sql/orders/order_status_transitions.data.sql

insert into public.order_status_transitions (from_status, to_status, permission, needs_payment, customer_may) values
  ('pending', 'confirmed', 'orders.confirm', true, false),
  ('pending', 'processing', 'orders.process', true, false),
  ('pending', 'rejected', 'orders.reject', false, false),
  ('pending', 'cancelled', 'orders.cancel', false, true),
  ('confirmed', 'processing', 'orders.process', true, false),
  ('confirmed', 'cancelled', 'orders.cancel', false, true),
  ('processing', 'shipped', 'orders.ship', true, false),
  ('processing', 'delivered', 'orders.deliver', true, false),
  ('processing', 'cancelled', 'orders.cancel', false, false),
  -- what went out arrives, whatever became of its payment: the rest is a receivable
  ('shipped', 'delivered', 'orders.deliver', false, false),
  ('shipped', 'cancelled', 'orders.cancel', false, false),
  ('delivered', 'cancelled', 'orders.cancel_delivered', false, false),
  ('delivered', 'refunded', 'orders.refund', false, false),
  ('rejected', 'cancelled', 'orders.cancel', false, true)
on conflict (from_status, to_status) do nothing;

-- reference rows that changed
insert into public.permissions (code, description) values
  ('orders.edit', 'Edit orders of customers.'),
  ('returns.review', 'Approve, reject and receive returns.'),
  ('payments.record', 'Record and void payments.'),
  ('refunds.settle', 'Mark refunds paid out or failed.'),
  ('reports.read', 'See reports of the whole shop.'),
  ('customers.erase', 'Erase the personal data of customers.')
on conflict (code) do nothing;
update public.permissions p set description = 'Refund orders.' where p.code = 'orders.refund';
insert into public.role_permissions (role, permission)
select 'admin', p.code from public.permissions p
union all
select v.role, v.permission
from (values
  ('finance', 'orders.edit'), ('finance', 'returns.review'), ('finance', 'payments.record'), ('finance', 'refunds.settle'),
  ('finance', 'reports.read'), ('warehouse', 'returns.review')) v (role, permission)
on conflict (role, permission) do nothing;
update public.order_status_transitions t set needs_payment = false where t.from_status = 'shipped' and t.to_status = 'delivered';

-- what data written before this migration needs to be as if it had been there
select set_config('ledger.procedure', 'migration', true);

-- orders that had gone out: one parcel each, with all of their units
with sent as (
  insert into public.shipments (account_id, order_id, shipment_number, shipped_at, delivered_at)
  select o.account_id, o.id, 1, coalesce(h.shipped_at, o.updated_at),
         case when o.status = 'delivered' then coalesce(h.delivered_at, o.updated_at) else h.delivered_at end
  from public.orders o
  cross join lateral (
    select min(e.occurred_at) as shipped_at, max(e.occurred_at) filter (where e.payload ->> 'to_status' = 'delivered') as delivered_at
    from public.immutable_events e
    where e.stream_id = o.id and e.event_type = 'order.status_changed' and e.payload ->> 'to_status' in ('shipped', 'delivered')) h
  where o.status in ('shipped', 'delivered') or h.shipped_at is not null
  returning id, account_id, order_id)
insert into public.shipment_lines (shipment_id, line_number, account_id, order_id, quantity)
select s.id, i.line_number, s.account_id, s.order_id, i.quantity
from sent s
join public.order_items i on i.order_id = s.order_id;

-- orders that had ended: all of them was taken back, and what the wallet had paid went back to it
update public.orders o set
  credited_amount = o.total_amount,
  wallet_refunded_amount = o.refunded_amount
where o.status in ('cancelled', 'refunded');

with ended as (
  insert into public.refunds
    (account_id, order_id, currency, goods_amount, discount_amount, tax_amount, shipping_amount, credited_amount, wallet_amount,
     destination, created_at)
  select o.account_id, o.id, o.currency, o.subtotal_amount, o.discount_amount, o.tax_amount, o.shipping_amount, o.total_amount,
         o.refunded_amount, 'wallet', o.updated_at
  from public.orders o
  where o.status in ('cancelled', 'refunded')
  returning id, order_id)
insert into public.refund_lines
  (refund_id, line_number, account_id, order_id, quantity, unshipped_quantity, restocked_quantity, goods_amount, discount_amount,
   tax_amount, total_amount, base_amount, vendor_amount)
select e.id, i.line_number, i.account_id, i.order_id, i.quantity,
       case when exists (select from public.shipments s where s.order_id = i.order_id) then 0 else i.quantity end,
       case when exists (select from public.stock_movements m
                         where m.order_id = i.order_id and m.variant_id = i.variant_id
                           and m.reason in ('order_cancelled', 'order_refunded')) then i.quantity else 0 end,
       p.goods_amount, p.discount_amount, p.tax_amount, p.total_amount, p.base_amount, p.vendor_amount
from ended e
join public.orders o on o.id = e.order_id
join public.order_items i on i.order_id = o.id
cross join lateral ledger.line_part(i, o.prices_include_tax, i.quantity) p;

select set_config('ledger.procedure', '', true);
