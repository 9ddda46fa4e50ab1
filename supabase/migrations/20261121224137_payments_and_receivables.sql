-- ids of one millisecond keep the order they were made in
create or replace function ledger.uuid_v7()
returns uuid
language plpgsql volatile parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  v_microseconds bigint := (extract(epoch from clock_timestamp()) * 1000000)::bigint;
begin
  -- 28672 is 0x7000, the version; the variant's bits are those of the random UUID
  return encode(
    overlay(uuid_send(gen_random_uuid())
            placing int8send(((v_microseconds / 1000) << 16) | 28672 | ((v_microseconds % 1000) * 4096 / 1000))
            from 1 for 8),
    'hex')::uuid;
end $$;

create or replace function ledger.first_id_at(p_at timestamptz, p_room interval default '0')
returns uuid
language plpgsql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
  v_at timestamptz := least(greatest(p_at, timestamptz '1970-01-02 00:00:00+00'), timestamptz '9999-12-31 00:00:00+00') + p_room;
begin
  return encode(
    overlay(uuid_send('00000000-0000-7000-8000-000000000000'::uuid)
            placing substring(int8send(floor(extract(epoch from v_at) * 1000)::bigint) from 3)
            from 1 for 6),
    'hex')::uuid;
end $$;

SET local check_function_bodies = off;

DROP POLICY "payments_are_seen_by_their_customer_and_staff" ON "public"."payments";

DROP TRIGGER "rows_are_never_truncated" ON "public"."payments";

DROP TRIGGER "rows_come_from_procedures" ON "public"."payments";

DROP TRIGGER "rows_stay" ON "public"."payments";

DROP TRIGGER "values_come_from_procedures" ON "public"."payments";

DROP INDEX "public"."payments_by_reference";

ALTER TABLE "public"."payment_methods"
  DROP CONSTRAINT "only_what_is_built_is_offered";

ALTER TABLE "public"."payments"
  DROP CONSTRAINT "amount_is_applied_or_credited";

ALTER TABLE "public"."payments"
  DROP CONSTRAINT "method_is_known";

DROP FUNCTION "ledger"."confirm_when_covered"(public.orders, ledger.actor);

DROP FUNCTION "ledger"."first_status"(boolean, jsonb);

DROP FUNCTION "public"."ledger_record_payment"(uuid, bigint, text, text, text, text, uuid);

CREATE TABLE "public"."account_debt_cache" (
  "account_id"       uuid                     NOT NULL,
  "invoiced_amount"  bigint                   NOT NULL DEFAULT 0,
  "allocated_amount" bigint                   NOT NULL DEFAULT 0,
  "unapplied_amount" bigint                   NOT NULL DEFAULT 0,
  "debt_amount"      bigint                   GENERATED ALWAYS AS ((invoiced_amount - allocated_amount)) STORED NOT NULL,
  "version"          bigint                   NOT NULL DEFAULT 0,
  "updated_at"       timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT "account_debt_cache_pkey" PRIMARY KEY (account_id),
  CONSTRAINT "allocated_at_most_what_is_claimed" CHECK ((allocated_amount <= invoiced_amount)),
  CONSTRAINT "amounts_are_not_negative" CHECK ((LEAST(invoiced_amount, allocated_amount, unapplied_amount) >= 0))
);

ALTER TABLE "public"."account_debt_cache"
  ENABLE ROW LEVEL SECURITY;

ALTER TABLE "public"."account_debt_cache"
  SET (fillfactor=70);

REVOKE ALL ON TABLE "public"."account_debt_cache" FROM "anon";

CREATE TABLE "public"."card_bookings" (
  "id"              uuid                     NOT NULL DEFAULT ledger.uuid_v7(),
  "card_payment_id" uuid                     NOT NULL,
  "account_id"      uuid                     NOT NULL,
  "event_id"        text                     NOT NULL,
  "kind"            text                     NOT NULL,
  "object_id"       text,
  "is_refund"       boolean,
  "amount"          bigint                   NOT NULL,
  "payment_id"      uuid,
  "refund_id"       uuid,
  "transaction_id"  uuid,
  "created_at"      timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT "amount_is_positive_and_exact" CHECK (((amount >= 1) AND (amount <= '9007199254740991'::bigint))),
  CONSTRAINT "kind_is_known"
    CHECK
    ((kind = ANY (ARRAY['captured'::text, 'taken_out'::text, 'put_back'::text, 'surplus_returned'::text, 'surplus_failed'::text, 'allowed'::text, 'paid_out'::text,
    'payout_failed'::text]))),
  CONSTRAINT "only_a_capture_is_about_no_object" CHECK ((((kind = 'captured'::text) = (object_id IS NULL)) AND ((object_id IS NULL) = (is_refund IS NULL)))),
  CONSTRAINT "says_what_it_moved" CHECK (
CASE
    WHEN (kind = ANY (ARRAY['allowed'::text, 'paid_out'::text, 'payout_failed'::text])) THEN (refund_id IS NOT NULL)
    ELSE (payment_id IS NOT NULL)
END),
  CONSTRAINT "card_bookings_pkey" PRIMARY KEY (id)
);

ALTER TABLE "public"."card_bookings"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."card_bookings" FROM "anon";

CREATE TABLE "public"."card_events" (
  "provider"        text                     NOT NULL,
  "event_id"        text                     NOT NULL,
  "card_payment_id" uuid                     NOT NULL,
  "account_id"      uuid,
  "kind"            text                     NOT NULL,
  "object_id"       text,
  "order_id"        uuid,
  "refund_id"       uuid,
  "currency"        text                     NOT NULL,
  "amount"          bigint,
  "captured_total"  bigint,
  "is_final"        boolean,
  "expires_at"      timestamp with time zone,
  "occurred_at"     timestamp with time zone NOT NULL,
  "payload"         jsonb                    NOT NULL,
  "payload_digest"  uuid                     NOT NULL,
  "created_at"      timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT "amounts_are_exact_and_not_negative" CHECK (((LEAST(amount, captured_total) >= 0) AND (GREATEST(amount, captured_total) <= '9007199254740991'::bigint))),
  CONSTRAINT "card_events_pkey" PRIMARY KEY (PROVIDER, event_id),
  CONSTRAINT "kind_is_known"
    CHECK
    ((kind = ANY (ARRAY['authorised'::text, 'captured'::text, 'voided'::text, 'failed'::text, 'refunded'::text, 'refund_failed'::text, 'charged_back'::text,
    'charge_back_won'::text]))),
  CONSTRAINT "refunds_and_disputes_have_a_name" CHECK (((object_id IS
    NOT NULL) OR (kind <> ALL (ARRAY['refunded'::text, 'refund_failed'::text, 'charged_back'::text, 'charge_back_won'::text]))))
);

ALTER TABLE "public"."card_events"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."card_events" FROM "anon";

CREATE TABLE "public"."card_payments" (
  "id"                  uuid                     NOT NULL DEFAULT ledger.uuid_v7(),
  "provider"            text                     NOT NULL,
  "provider_payment_id" text                     NOT NULL,
  "account_id"          uuid,
  "order_id"            uuid,
  "currency"            text,
  "status"              text                     NOT NULL DEFAULT 'announced'::text,
  "authorised_amount"   bigint                   NOT NULL DEFAULT 0,
  "captured_amount"     bigint                   NOT NULL DEFAULT 0,
  "refunded_amount"     bigint                   NOT NULL DEFAULT 0,
  "charged_back_amount" bigint                   NOT NULL DEFAULT 0,
  "expires_at"          timestamp with time zone,
  "problem"             text,
  "handled_at"          timestamp with time zone,
  "handled_by"          uuid,
  "handled_notes"       text,
  "created_at"          timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  "updated_at"          timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT "amounts_are_exact_and_not_negative"
    CHECK
    (((LEAST(authorised_amount, captured_amount, refunded_amount, charged_back_amount) >= 0) AND (GREATEST(authorised_amount, captured_amount, refunded_amount, charged_back_amount)
    <= '9007199254740991'::bigint))),
  CONSTRAINT "an_order_brings_account_and_currency" CHECK ((num_nulls(order_id, account_id, currency) = ANY (ARRAY[0, 3]))),
  CONSTRAINT "card_payments_provider_provider_payment_id_key" UNIQUE (PROVIDER, provider_payment_id),
  CONSTRAINT "handled_notes_are_short" CHECK ((length(handled_notes) <= 2000)),
  CONSTRAINT "provider_is_short" CHECK (((length(provider) >= 1) AND (length(provider) <= 50))),
  CONSTRAINT "provider_payment_id_is_short" CHECK (((length(provider_payment_id) >= 1) AND (length(provider_payment_id) <= 150))),
  CONSTRAINT "status_is_known"
    CHECK ((status = ANY (ARRAY['announced'::text, 'authorised'::text, 'captured'::text, 'voided'::text, 'failed'::text, 'refunded'::text, 'charged_back'::text]))),
  CONSTRAINT "what_is_handled_says_when" CHECK (((handled_at IS NOT NULL) OR (num_nonnulls(handled_by, handled_notes) = 0))),
  CONSTRAINT "card_payments_pkey" PRIMARY KEY (id)
);

ALTER TABLE "public"."card_payments"
  ENABLE ROW LEVEL SECURITY;

ALTER TABLE "public"."card_payments"
  SET (fillfactor=70);

REVOKE ALL ON TABLE "public"."card_payments" FROM "anon";

CREATE TABLE "public"."credit_terms" (
  "account_id"          uuid                     NOT NULL,
  "credit_limit_amount" bigint,
  "due_days"            integer,
  "max_grace_orders"    integer,
  "granted_by"          uuid,
  "version"             bigint                   NOT NULL DEFAULT 1,
  "created_at"          timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  "updated_at"          timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT "credit_limit_is_exact_and_not_negative" CHECK (((credit_limit_amount >= 0) AND (credit_limit_amount <= '9007199254740991'::bigint))),
  CONSTRAINT "credit_terms_pkey" PRIMARY KEY (account_id),
  CONSTRAINT "due_days_are_a_year_at_most" CHECK (((due_days >= 0) AND (due_days <= 365))),
  CONSTRAINT "grace_orders_are_counted" CHECK (((max_grace_orders >= 0) AND (max_grace_orders <= 1000)))
);

ALTER TABLE "public"."credit_terms"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."credit_terms" FROM "anon";

CREATE TABLE "public"."debt_movements" (
  "account_id"       uuid                     NOT NULL,
  "account_version"  bigint                   NOT NULL,
  "transaction_id"   uuid                     NOT NULL,
  "invoiced_change"  bigint                   NOT NULL,
  "allocated_change" bigint                   NOT NULL,
  "unapplied_change" bigint                   NOT NULL,
  "debt_after"       bigint                   NOT NULL,
  "unapplied_after"  bigint                   NOT NULL,
  "created_at"       timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT "debt_movements_pkey" PRIMARY KEY (account_id, account_version),
  CONSTRAINT "something_changes" CHECK (((invoiced_change <> 0) OR (allocated_change <> 0) OR (unapplied_change <> 0)))
);

ALTER TABLE "public"."debt_movements"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."debt_movements" FROM "anon";

CREATE TABLE "public"."import_identities" (
  "kind"        text                     NOT NULL,
  "external_id" text                     NOT NULL,
  "target_id"   uuid                     NOT NULL,
  "run_id"      uuid                     NOT NULL,
  "created_at"  timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT "external_id_says_something" CHECK (((length(external_id) >= 1) AND (length(external_id) <= 200))),
  CONSTRAINT "import_identities_pkey" PRIMARY KEY (kind, external_id),
  CONSTRAINT "kind_is_a_word" CHECK ((kind ~ '^[a-z][a-z_]{0,29}$'::text))
);

ALTER TABLE "public"."import_identities"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."import_identities" FROM "anon";

CREATE TABLE "public"."import_rejects" (
  "run_id"     uuid   NOT NULL,
  "row_number" bigint NOT NULL,
  "field"      text   NOT NULL,
  "code"       text   NOT NULL,
  "message"    text   NOT NULL,
  "value"      text,
  "user_id"    uuid,
  CONSTRAINT "import_rejects_pkey" PRIMARY KEY (run_id, row_number, field)
);

ALTER TABLE "public"."import_rejects"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."import_rejects" FROM "anon";

CREATE TABLE "public"."import_rows" (
  "run_id"      uuid   NOT NULL,
  "row_number"  bigint NOT NULL,
  "data"        jsonb  NOT NULL,
  "state"       text   NOT NULL DEFAULT 'staged'::text,
  "external_id" text,
  "amount"      bigint,
  "parsed"      jsonb,
  "target_id"   uuid,
  "user_id"     uuid   GENERATED ALWAYS AS (((parsed ->> 'user_id'::text))::uuid) STORED,
  CONSTRAINT "data_is_an_object" CHECK ((jsonb_typeof(data) = 'object'::text)),
  CONSTRAINT "import_rows_pkey" PRIMARY KEY (run_id, row_number),
  CONSTRAINT "row_number_is_positive" CHECK ((row_number > 0)),
  CONSTRAINT "state_is_known" CHECK ((state = ANY (ARRAY['staged'::text, 'applied'::text, 'skipped'::text, 'rejected'::text])))
);

ALTER TABLE "public"."import_rows"
  ENABLE ROW LEVEL SECURITY;

ALTER TABLE "public"."import_rows"
  SET (fillfactor=60);

REVOKE ALL ON TABLE "public"."import_rows" FROM "anon";

CREATE TABLE "public"."import_runs" (
  "id"                  uuid                     NOT NULL DEFAULT ledger.uuid_v7(),
  "kind"                text                     NOT NULL,
  "source_name"         text                     NOT NULL,
  "currency"            text                     NOT NULL,
  "options"             jsonb                    NOT NULL DEFAULT '{}'::jsonb,
  "state"               text                     NOT NULL DEFAULT 'staging'::text,
  "staged_rows"         bigint                   NOT NULL DEFAULT 0,
  "applied_rows"        bigint                   NOT NULL DEFAULT 0,
  "skipped_rows"        bigint                   NOT NULL DEFAULT 0,
  "rejected_rows"       bigint                   NOT NULL DEFAULT 0,
  "sums"                jsonb                    NOT NULL DEFAULT '{}'::jsonb,
  "analysis"            jsonb,
  "backfill_state"      text,
  "backfill_account_id" uuid,
  "backfill"            jsonb,
  "created_by"          uuid,
  "applied_by"          uuid,
  "created_at"          timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  "analyzed_at"         timestamp with time zone,
  "applied_at"          timestamp with time zone,
  "aborted_at"          timestamp with time zone,
  "updated_at"          timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT "aborted_says_when" CHECK (((state = 'aborted'::text) = (aborted_at IS NOT NULL))),
  CONSTRAINT "applied_says_when" CHECK (((state = 'applied'::text) <= (applied_at IS NOT NULL))),
  CONSTRAINT "backfill_state_is_known" CHECK ((backfill_state = ANY (ARRAY['reading'::text, 'writing'::text, 'drifted'::text, 'done'::text, 'aborted'::text]))),
  CONSTRAINT "kind_is_a_word" CHECK ((kind ~ '^[a-z][a-z_]{0,29}$'::text)),
  CONSTRAINT "only_payments_are_backfilled" CHECK (((backfill_state IS NULL) OR (kind = 'payments'::text))),
  CONSTRAINT "options_are_an_object" CHECK ((jsonb_typeof(options) = 'object'::text)),
  CONSTRAINT "rows_are_counted_once" CHECK (((LEAST(applied_rows, skipped_rows, rejected_rows) >= 0) AND (((applied_rows + skipped_rows) + rejected_rows) <= staged_rows))),
  CONSTRAINT "source_name_says_something" CHECK (((length(source_name) >= 1) AND (length(source_name) <= 200))),
  CONSTRAINT "state_is_known" CHECK ((state = ANY (ARRAY['staging'::text, 'staged'::text, 'analyzed'::text, 'applying'::text, 'applied'::text, 'aborted'::text]))),
  CONSTRAINT "import_runs_pkey" PRIMARY KEY (id)
);

ALTER TABLE "public"."import_runs"
  ENABLE ROW LEVEL SECURITY;

ALTER TABLE "public"."import_runs"
  SET (fillfactor=70);

REVOKE ALL ON TABLE "public"."import_runs" FROM "anon";

CREATE TABLE "public"."invoice_balance_cache" (
  "invoice_id"       uuid                     NOT NULL,
  "account_id"       uuid                     NOT NULL,
  "amount"           bigint                   NOT NULL,
  "allocated_total"  bigint                   NOT NULL DEFAULT 0,
  "remaining_amount" bigint                   GENERATED ALWAYS AS ((amount - allocated_total)) STORED NOT NULL,
  "status_cached"    text                     GENERATED ALWAYS AS (
CASE
    WHEN (amount = allocated_total) THEN 'paid'::text
    WHEN (allocated_total = 0) THEN 'unpaid'::text
    ELSE 'partial'::text
END) STORED NOT NULL,
  "version"          bigint                   NOT NULL DEFAULT 1,
  "updated_at"       timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT "allocated_at_most_the_amount" CHECK (((allocated_total >= 0) AND (allocated_total <= amount))),
  CONSTRAINT "invoice_balance_cache_pkey" PRIMARY KEY (invoice_id)
);

ALTER TABLE "public"."invoice_balance_cache"
  ENABLE ROW LEVEL SECURITY;

ALTER TABLE "public"."invoice_balance_cache"
  SET (fillfactor=70);

REVOKE ALL ON TABLE "public"."invoice_balance_cache" FROM "anon";

CREATE TABLE "public"."invoice_lines" (
  "invoice_id"         uuid    NOT NULL,
  "line_number"        integer NOT NULL,
  "account_id"         uuid    NOT NULL,
  "description"        text    NOT NULL,
  "sku"                text,
  "quantity"           bigint  NOT NULL,
  "unit_price_amount"  bigint  NOT NULL,
  "total_price_amount" bigint  NOT NULL,
  "discount_amount"    bigint  NOT NULL DEFAULT 0,
  "tax_rate_bp"        integer NOT NULL DEFAULT 0,
  "tax_amount"         bigint  NOT NULL DEFAULT 0,
  CONSTRAINT "description_says_something" CHECK (((length(description) >= 1) AND (length(description) <= 1000))),
  CONSTRAINT "discount_is_part_of_the_line" CHECK (((discount_amount >= 0) AND (discount_amount <= total_price_amount))),
  CONSTRAINT "invoice_lines_pkey" PRIMARY KEY (invoice_id, line_number),
  CONSTRAINT "quantity_is_positive" CHECK ((quantity > 0)),
  CONSTRAINT "tax_is_not_negative" CHECK (((tax_amount >= 0) AND ((tax_rate_bp >= 0) AND (tax_rate_bp <= 10000)))),
  CONSTRAINT "total_is_price_times_quantity" CHECK ((total_price_amount = (unit_price_amount * quantity)))
);

ALTER TABLE "public"."invoice_lines"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."invoice_lines" FROM "anon";

CREATE TABLE "public"."invoice_series" (
  "code"         text     NOT NULL,
  "kind"         text     NOT NULL,
  "prefix"       text     NOT NULL,
  "digits"       smallint NOT NULL DEFAULT 6,
  "first_number" bigint   NOT NULL DEFAULT 1,
  "next_number"  bigint   NOT NULL DEFAULT 1,
  "description"  text     NOT NULL,
  CONSTRAINT "code_is_short" CHECK (((length(code) >= 1) AND (length(code) <= 30))),
  CONSTRAINT "digits_are_a_few" CHECK (((digits >= 1) AND (digits <= 18))),
  CONSTRAINT "invoice_series_pkey" PRIMARY KEY (code),
  CONSTRAINT "invoice_series_prefix_key" UNIQUE (prefix),
  CONSTRAINT "kind_is_known" CHECK ((kind = ANY (ARRAY['invoice'::text, 'credit_note'::text]))),
  CONSTRAINT "next_number_is_not_before_the_first" CHECK (((next_number >= first_number) AND (first_number >= 1))),
  CONSTRAINT "prefix_does_not_end_in_a_digit" CHECK ((prefix !~ '[0-9]$'::text)),
  CONSTRAINT "prefix_is_short" CHECK ((length(prefix) <= 20))
);

ALTER TABLE "public"."invoice_series"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."invoice_series" FROM "anon";

CREATE TABLE "public"."invoices" (
  "id"                 uuid                     NOT NULL DEFAULT ledger.uuid_v7(),
  "account_id"         uuid                     NOT NULL,
  "user_id"            uuid                     NOT NULL,
  "currency"           text                     NOT NULL,
  "kind"               text                     NOT NULL DEFAULT 'invoice'::text,
  "order_id"           uuid,
  "credits_invoice_id" uuid,
  "refund_id"          uuid,
  "series"             text,
  "number"             bigint,
  "invoice_number"     text                     NOT NULL,
  "status"             text                     NOT NULL DEFAULT 'issued'::text,
  "issued_at"          timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  "due_at"             timestamp with time zone,
  "prices_include_tax" boolean                  NOT NULL,
  "subtotal_amount"    bigint                   NOT NULL,
  "discount_amount"    bigint                   NOT NULL DEFAULT 0,
  "shipping_amount"    bigint                   NOT NULL DEFAULT 0,
  "tax_amount"         bigint                   NOT NULL DEFAULT 0,
  "total_amount"       bigint                   NOT NULL,
  "prepaid_amount"     bigint                   NOT NULL DEFAULT 0,
  "credited_amount"    bigint                   NOT NULL DEFAULT 0,
  "amount"             bigint                   GENERATED ALWAYS AS (
CASE
    WHEN ((status = 'void'::text) OR (kind = 'credit_note'::text)) THEN (0)::bigint
    ELSE ((total_amount - prepaid_amount) - credited_amount)
END) STORED NOT NULL,
  "customer_name"      text,
  "billing_address"    jsonb,
  "reference"          text,
  "notes"              text,
  "source"             text                     NOT NULL DEFAULT 'issued'::text,
  "external_id"        text,
  "issued_by"          uuid,
  "voided_by"          uuid,
  "voided_at"          timestamp with time zone,
  "void_reason"        text,
  "version"            bigint                   NOT NULL DEFAULT 1,
  "created_at"         timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  "updated_at"         timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT "amounts_are_exact_and_not_negative" CHECK ((LEAST(subtotal_amount, shipping_amount, tax_amount, total_amount, credited_amount) >= 0)),
  CONSTRAINT "amounts_are_not_too_large" CHECK ((GREATEST(subtotal_amount, shipping_amount, tax_amount, total_amount) <= '9007199254740991'::bigint)),
  CONSTRAINT "claims_nothing_below_zero" CHECK (((prepaid_amount + credited_amount) <= total_amount)),
  CONSTRAINT "credit_note_says_what_it_credits" CHECK (((kind = 'credit_note'::text) = (credits_invoice_id IS NOT NULL))),
  CONSTRAINT "customer_name_is_short" CHECK ((length(customer_name) <= 200)),
  CONSTRAINT "discount_is_part_of_the_subtotal" CHECK (((discount_amount >= 0) AND (discount_amount <= subtotal_amount))),
  CONSTRAINT "invoice_is_due_sometime" CHECK (((kind = 'invoice'::text) = (due_at IS NOT NULL))),
  CONSTRAINT "invoices_series_number_key" UNIQUE (series, number),
  CONSTRAINT "kind_is_known" CHECK ((kind = ANY (ARRAY['invoice'::text, 'credit_note'::text]))),
  CONSTRAINT "number_comes_with_its_series" CHECK (((series IS NULL) = (number IS NULL))),
  CONSTRAINT "only_an_order_is_prepaid" CHECK (((prepaid_amount = 0) OR (order_id IS NOT NULL))),
  CONSTRAINT "only_imported_ones_are_in_no_series" CHECK (((series IS NULL) = (source = 'import'::text))),
  CONSTRAINT "source_is_known" CHECK ((source = ANY (ARRAY['issued'::text, 'import'::text]))),
  CONSTRAINT "status_is_known" CHECK ((status = ANY (ARRAY['issued'::text, 'void'::text]))),
  CONSTRAINT "texts_are_short" CHECK (((length(reference) <= 200) AND (length(notes) <= 2000) AND (length(void_reason) <= 2000))),
  CONSTRAINT "total_follows_from_its_parts" CHECK ((total_amount = (((subtotal_amount - discount_amount) + shipping_amount) +
CASE
    WHEN prices_include_tax THEN (0)::bigint
    ELSE tax_amount
END))),
  CONSTRAINT "void_says_when" CHECK (((status = 'void'::text) = (voided_at IS NOT NULL))),
  CONSTRAINT "invoices_id_amount_key" UNIQUE (id, amount),
  CONSTRAINT "invoices_pkey" PRIMARY KEY (id)
);

ALTER TABLE "public"."invoices"
  ENABLE ROW LEVEL SECURITY;

ALTER TABLE "public"."invoices"
  SET (fillfactor=80);

REVOKE ALL ON TABLE "public"."invoices" FROM "anon";

CREATE TABLE "public"."old_flag_failures" (
  "id"         uuid                     NOT NULL DEFAULT ledger.uuid_v7(),
  "account_id" uuid                     NOT NULL,
  "payment_id" uuid,
  "invoice_id" uuid                     NOT NULL,
  "problem"    text                     NOT NULL,
  "created_at" timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT "old_flag_failures_pkey" PRIMARY KEY (id)
);

ALTER TABLE "public"."old_flag_failures"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."old_flag_failures" FROM "anon";

CREATE TABLE "public"."old_invoice_flags" (
  "invoice_id"  uuid                     NOT NULL,
  "account_id"  uuid                     NOT NULL,
  "amount"      bigint                   NOT NULL,
  "paid_amount" bigint                   NOT NULL,
  "status"      text                     GENERATED ALWAYS AS (
CASE
    WHEN (paid_amount = amount) THEN 'paid'::text
    WHEN (paid_amount = 0) THEN 'unpaid'::text
    ELSE 'partial'::text
END) STORED NOT NULL,
  "updated_at"  timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT "old_invoice_flags_pkey" PRIMARY KEY (invoice_id),
  CONSTRAINT "paid_at_most_the_amount" CHECK (((paid_amount >= 0) AND (paid_amount <= amount)))
);

ALTER TABLE "public"."old_invoice_flags"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."old_invoice_flags" FROM "anon";

CREATE TABLE "public"."old_payment_flags" (
  "payment_id"       uuid                     NOT NULL,
  "account_id"       uuid                     NOT NULL,
  "allocated_amount" bigint                   NOT NULL,
  "is_allocated"     boolean                  GENERATED ALWAYS AS ((allocated_amount <> 0)) STORED NOT NULL,
  "invoice_id"       uuid,
  "updated_at"       timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT "allocated_amount_is_not_negative" CHECK ((allocated_amount >= 0)),
  CONSTRAINT "old_payment_flags_pkey" PRIMARY KEY (payment_id)
);

ALTER TABLE "public"."old_payment_flags"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."old_payment_flags" FROM "anon";

CREATE TABLE "public"."payment_allocations" (
  "id"                     uuid                     NOT NULL DEFAULT ledger.uuid_v7(),
  "account_id"             uuid                     NOT NULL,
  "payment_id"             uuid                     NOT NULL,
  "invoice_id"             uuid                     NOT NULL,
  "allocated_amount"       bigint                   NOT NULL,
  "method"                 text                     NOT NULL,
  "reverses_allocation_id" uuid,
  "synthetic"              boolean                  NOT NULL DEFAULT false,
  "import_run_id"          uuid,
  "performed_by"           uuid,
  "transaction_id"         uuid                     NOT NULL,
  "idempotency_key"        text,
  "created_at"             timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT "amount_is_exact" CHECK (((abs(allocated_amount) >= 1) AND (abs(allocated_amount) <= '9007199254740991'::bigint))),
  CONSTRAINT "idempotency_key_says_something" CHECK (((length(idempotency_key) >= 1) AND (length(idempotency_key) <= 400))),
  CONSTRAINT "method_is_known" CHECK ((method = ANY (ARRAY['auto'::text, 'manual'::text]))),
  CONSTRAINT "only_reversals_are_negative" CHECK (((allocated_amount < 0) = (reverses_allocation_id IS NOT NULL))),
  CONSTRAINT "payment_allocations_idempotency_key_key" UNIQUE (idempotency_key),
  CONSTRAINT "payment_allocations_reverses_allocation_id_key" UNIQUE (reverses_allocation_id),
  CONSTRAINT "payment_allocations_pkey" PRIMARY KEY (id)
);

ALTER TABLE "public"."payment_allocations"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."payment_allocations" FROM "anon";

CREATE TABLE "public"."payment_deadlines" (
  "order_id"    uuid                     NOT NULL,
  "account_id"  uuid                     NOT NULL,
  "status"      text                     NOT NULL DEFAULT 'open'::text,
  "due_at"      timestamp with time zone NOT NULL,
  "granted_by"  uuid,
  "extensions"  integer                  NOT NULL DEFAULT 0,
  "reminded_at" timestamp with time zone,
  "expired_at"  timestamp with time zone,
  "settled_at"  timestamp with time zone,
  "created_at"  timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  "updated_at"  timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT "extensions_are_not_negative" CHECK ((extensions >= 0)),
  CONSTRAINT "overdue_says_since_when" CHECK (((status <> 'overdue'::text) OR (expired_at IS NOT NULL))),
  CONSTRAINT "payment_deadlines_pkey" PRIMARY KEY (order_id),
  CONSTRAINT "settled_says_when" CHECK (((status = 'settled'::text) = (settled_at IS NOT NULL))),
  CONSTRAINT "status_is_known" CHECK ((status = ANY (ARRAY['open'::text, 'overdue'::text, 'settled'::text])))
);

ALTER TABLE "public"."payment_deadlines"
  ENABLE ROW LEVEL SECURITY;

ALTER TABLE "public"."payment_deadlines"
  SET (fillfactor=80);

REVOKE ALL ON TABLE "public"."payment_deadlines" FROM "anon";

CREATE TABLE "public"."payment_receipts" (
  "id"                uuid                     NOT NULL DEFAULT ledger.uuid_v7(),
  "account_id"        uuid                     NOT NULL,
  "user_id"           uuid                     NOT NULL,
  "order_id"          uuid,
  "invoice_id"        uuid,
  "currency"          text                     NOT NULL,
  "amount"            bigint                   NOT NULL,
  "reference"         text,
  "storage_path"      text,
  "paid_on"           date,
  "notes"             text,
  "status"            text                     NOT NULL DEFAULT 'submitted'::text,
  "submitted_by"      uuid,
  "submitted_at"      timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  "alerted_at"        timestamp with time zone,
  "reviewed_by"       uuid,
  "reviewed_at"       timestamp with time zone,
  "review_notes"      text,
  "approved_amount"   bigint,
  "payment_id"        uuid,
  "payment_voided_at" timestamp with time zone,
  "created_at"        timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  "updated_at"        timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT "amount_is_positive_and_exact" CHECK (((amount >= 1) AND (amount <= '9007199254740991'::bigint))),
  CONSTRAINT "approved_exactly_when_it_is_a_payment" CHECK ((((status = ANY (ARRAY['approved'::text, 'partly_approved'::text])) = ((payment_id IS NOT NULL) AND (approved_amount IS
    NOT NULL))) AND ((payment_id IS NULL) = (approved_amount IS NULL)))),
  CONSTRAINT "approved_whole_or_a_part"
    CHECK (((approved_amount > 0) AND ((status <> 'approved'::text) OR (approved_amount = amount)) AND ((status <> 'partly_approved'::text) OR (approved_amount < amount)))),
  CONSTRAINT "only_a_payment_is_voided" CHECK (((payment_voided_at IS NULL) OR (payment_id IS NOT NULL))),
  CONSTRAINT "payment_receipts_payment_id_key" UNIQUE (payment_id),
  CONSTRAINT "reviewed_says_when" CHECK (((reviewed_at IS NOT NULL) OR (status = ANY (ARRAY['submitted'::text, 'withdrawn'::text])))),
  CONSTRAINT "something_shows_the_transfer" CHECK (((reference IS NOT NULL) OR (storage_path IS
    NOT NULL) OR (status = ANY (ARRAY['rejected'::text, 'withdrawn'::text, 'handed_back'::text])))),
  CONSTRAINT "status_is_known"
    CHECK ((status = ANY (ARRAY['submitted'::text, 'approved'::text, 'partly_approved'::text, 'rejected'::text, 'handed_back'::text, 'withdrawn'::text]))),
  CONSTRAINT "texts_are_short" CHECK (((length(reference) <= 200) AND (length(storage_path) <= 500) AND (length(notes) <= 2000) AND (length(review_notes) <= 2000))),
  CONSTRAINT "texts_say_something" CHECK (((reference <> ''::text) AND (storage_path <> ''::text))),
  CONSTRAINT "payment_receipts_pkey" PRIMARY KEY (id)
);

ALTER TABLE "public"."payment_receipts"
  ENABLE ROW LEVEL SECURITY;

ALTER TABLE "public"."payment_receipts"
  SET (fillfactor=80);

REVOKE ALL ON TABLE "public"."payment_receipts" FROM "anon";

CREATE TABLE "public"."reconciliation_runs" (
  "id"                 uuid                     NOT NULL DEFAULT ledger.uuid_v7(),
  "check_code"         text                     NOT NULL,
  "status"             text                     NOT NULL,
  "accounts"           bigint                   NOT NULL,
  "differing_accounts" bigint                   NOT NULL,
  "expected_amount"    bigint                   NOT NULL,
  "diff_abs"           bigint                   NOT NULL,
  "diff_ratio_ppm"     bigint                   NOT NULL,
  "limit_ppm"          bigint                   NOT NULL,
  "details"            jsonb                    NOT NULL DEFAULT '{}'::jsonb,
  "started_at"         timestamp with time zone NOT NULL,
  "created_at"         timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT "figures_are_not_negative" CHECK ((LEAST(accounts, differing_accounts, diff_abs, diff_ratio_ppm, limit_ppm) >= 0)),
  CONSTRAINT "only_no_difference_is_ok" CHECK (((status = 'OK'::text) = ((diff_abs = 0) AND (differing_accounts = 0)))),
  CONSTRAINT "status_is_known" CHECK ((status = ANY (ARRAY['OK'::text, 'WARN'::text, 'FAIL'::text]))),
  CONSTRAINT "reconciliation_runs_pkey" PRIMARY KEY (id)
);

ALTER TABLE "public"."reconciliation_runs"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."reconciliation_runs" FROM "anon";

ALTER TABLE "public"."payments"
  ADD COLUMN "allocated_amount" bigint NOT NULL DEFAULT 0;

ALTER TABLE "public"."payments"
  ADD COLUMN "charged_back_amount" bigint NOT NULL DEFAULT 0;

ALTER TABLE "public"."payments"
  ADD COLUMN "reclaimed_amount" bigint NOT NULL DEFAULT 0;

ALTER TABLE "public"."payments"
  ADD COLUMN "unapplied_amount" bigint GENERATED ALWAYS AS (
CASE status
    WHEN 'captured'::text THEN (((((amount - applied_amount) - credit_amount) - allocated_amount) - charged_back_amount) + reclaimed_amount)
    ELSE (0)::bigint
END) STORED NOT NULL;

ALTER TABLE "public"."payments"
  ADD COLUMN "source" text NOT NULL DEFAULT 'recorded'::text;

ALTER TABLE "public"."payments"
  ADD COLUMN "external_id" text;

ALTER TABLE "public"."payments"
  ADD COLUMN "paid_at" timestamp WITH time zone NOT NULL DEFAULT clock_timestamp();

ALTER TABLE "public"."payments"
  ALTER COLUMN "order_id" DROP NOT NULL;

CREATE TYPE "ledger"."allocation_change" AS (
  "transaction_id"   uuid,
  "allocated_amount" bigint,
  "unapplied_amount" bigint,
  "allocations"      jsonb
);

CREATE TYPE "ledger"."allocation_line" AS (
  "invoice_id" uuid,
  "amount"     bigint
);

CREATE TYPE "ledger"."backfill_figures" AS (
  "accounts"         bigint,
  "payments"         bigint,
  "flagged_amount"   numeric,
  "expected_amount"  numeric,
  "synthetic_amount" numeric
);

CREATE TYPE "ledger"."cancelled_units" AS (
  "row_number"  bigint,
  "order_id"    uuid,
  "line_number" integer,
  "quantity"    bigint
);

CREATE TYPE "ledger"."captured_payment" AS (
  "refusal"            jsonb,
  "payment_id"         uuid,
  "transaction_id"     uuid,
  "applied_amount"     bigint,
  "allocated_amount"   bigint,
  "credit_amount"      bigint,
  "unapplied_amount"   bigint,
  "order_status"       text,
  "payment_status"     text,
  "outstanding_amount" bigint,
  "available_balance"  bigint,
  "invoice_id"         uuid
);

CREATE TYPE "ledger"."card_facts" AS (
  "status"              text,
  "authorised_amount"   bigint,
  "captured_amount"     bigint,
  "is_final"            boolean,
  "refunded_amount"     bigint,
  "charged_back_amount" bigint,
  "expires_at"          timestamp WITH time zone
);

CREATE TYPE "ledger"."card_step" AS (
  "card"           public.card_payments,
  "event_id"       text,
  "actor"          ledger.actor,
  "correlation_id" uuid
);

CREATE TYPE "ledger"."charged_back_payment" AS (
  "refusal"             jsonb,
  "transaction_id"      uuid,
  "charged_back_amount" bigint,
  "unapplied_amount"    bigint,
  "allocated_amount"    bigint,
  "applied_amount"      bigint,
  "wallet_amount"       bigint,
  "order_status"        text,
  "payment_status"      text,
  "outstanding_amount"  bigint,
  "available_balance"   bigint
);

CREATE TYPE "ledger"."drift" AS (
  "account_id"        uuid,
  "currency"          text,
  "expected"          bigint,
  "found"             bigint,
  "differs_elsewhere" boolean
);

CREATE TYPE "ledger"."import_batch" AS (
  "applied_rows"  integer,
  "skipped_rows"  integer,
  "rejected_rows" integer
);

CREATE TYPE "ledger"."import_customer_row" AS (
  "customer"   text,
  "email"      text,
  "name"       text,
  "phone"      text,
  "created_at" timestamp WITH time zone,
  "address"    jsonb
);

CREATE TYPE "ledger"."import_order_line" AS (
  "order_number"      text,
  "is_cancellation"   boolean,
  "customer"          text,
  "user_id"           uuid,
  "sku"               text,
  "product_name"      text,
  "quantity"          bigint,
  "unit_price_amount" bigint,
  "discount_amount"   bigint,
  "tax_rate_bp"       integer,
  "shipping_amount"   bigint,
  "total_amount"      bigint,
  "paid_amount"       bigint,
  "placed_at"         timestamp WITH time zone,
  "status"            text,
  "payment_status"    text,
  "payment_method"    text,
  "country"           text,
  "notes"             text
);

CREATE TYPE "ledger"."import_product_row" AS (
  "sku"          text,
  "name"         text,
  "variant"      text,
  "product"      text,
  "description"  text,
  "price_amount" bigint,
  "tax_rate_bp"  integer,
  "vendor"       text,
  "stock"        bigint,
  "active"       boolean
);

CREATE TYPE "ledger"."import_reject" AS (
  "row_number" bigint,
  "field"      text,
  "code"       text,
  "value"      text,
  "details"    jsonb
);

CREATE TYPE "ledger"."import_reading" AS (
  "row_number"  bigint,
  "external_id" text,
  "amount"      bigint,
  "parsed"      jsonb,
  "rejects"     ledger.import_reject[]
);

CREATE TYPE "ledger"."imported_step" AS (
  "account_id"      uuid,
  "account_version" bigint,
  "transaction_id"  uuid,
  "order_id"        uuid,
  "payment_id"      uuid,
  "type"            text
);

CREATE TYPE "ledger"."invoice_draft_line" AS (
  "line_number"        integer,
  "description"        text,
  "sku"                text,
  "quantity"           bigint,
  "unit_price_amount"  bigint,
  "total_price_amount" bigint,
  "discount_amount"    bigint,
  "tax_rate_bp"        integer,
  "tax_amount"         bigint
);

CREATE TYPE "ledger"."invoice_draft" AS (
  "refusal"            jsonb,
  "prices_include_tax" boolean,
  "subtotal_amount"    bigint,
  "discount_amount"    bigint,
  "shipping_amount"    bigint,
  "tax_amount"         bigint,
  "total_amount"       bigint,
  "prepaid_amount"     bigint,
  "lines"              ledger.invoice_draft_line[],
  "customer_name"      text,
  "billing_address"    jsonb,
  "series"             text,
  "due_at"             timestamp WITH time zone,
  "reference"          text,
  "notes"              text,
  "source"             text,
  "external_id"        text,
  "invoice_number"     text,
  "issued_at"          timestamp WITH time zone
);

CREATE TYPE "ledger"."invoice_to_import" AS (
  "row_number"      bigint,
  "external_id"     text,
  "account_id"      uuid,
  "user_id"         uuid,
  "amount"          bigint,
  "tax_amount"      bigint,
  "invoice_number"  text,
  "issued_at"       timestamp WITH time zone,
  "due_at"          timestamp WITH time zone,
  "reference"       text,
  "notes"           text,
  "description"     text,
  "invoice_id"      uuid,
  "transaction_id"  uuid,
  "event_id"        bigint,
  "salt"            uuid,
  "account_version" bigint,
  "balance_after"   bigint,
  "debt_after"      bigint,
  "unapplied_after" bigint
);

CREATE TYPE "ledger"."issued_invoice" AS (
  "invoice_id"        uuid,
  "invoice_number"    text,
  "transaction_id"    uuid,
  "total_amount"      bigint,
  "amount"            bigint,
  "due_at"            timestamp WITH time zone,
  "version"           bigint,
  "available_balance" bigint
);

CREATE TYPE "ledger"."locked_payment" AS (
  "payment"   public.payments,
  "account"   public.accounts,
  "order_ids" uuid[]
);

CREATE TYPE "ledger"."parsed_amount" AS (
  "amount"  bigint,
  "code"    text,
  "details" jsonb
);

CREATE TYPE "ledger"."parsed_date" AS (
  "at"   timestamp WITH time zone,
  "code" text
);

CREATE TYPE "ledger"."payment_to_import" AS (
  "row_number"      bigint,
  "external_id"     text,
  "account_id"      uuid,
  "amount"          bigint,
  "method"          text,
  "reference"       text,
  "notes"           text,
  "paid_at"         timestamp WITH time zone,
  "payment_id"      uuid,
  "transaction_id"  uuid,
  "event_id"        bigint,
  "salt"            uuid,
  "account_version" bigint,
  "balance_after"   bigint,
  "debt_after"      bigint,
  "unapplied_after" bigint
);

CREATE TYPE "ledger"."settled_refund" AS (
  "refusal"           jsonb,
  "transaction_id"    uuid,
  "available_balance" bigint
);

CREATE TYPE "ledger"."slots_to_place" AS (
  "refusal" jsonb,
  "slots"   smallint[],
  "plan"    ledger.stock_plan
);

CREATE TYPE "public"."account_debt_compare_result" AS (
  "success"        boolean,
  "transaction_id" uuid,
  "error_code"     text,
  "error_message"  text,
  "error_details"  jsonb,
  "user_id"        uuid,
  "differences"    bigint,
  "accounts"       jsonb
);

CREATE TYPE "public"."account_debt_result" AS (
  "success"          boolean,
  "transaction_id"   uuid,
  "error_code"       text,
  "error_message"    text,
  "error_details"    jsonb,
  "account_id"       uuid,
  "currency"         text,
  "debt_amount"      bigint,
  "invoiced_amount"  bigint,
  "allocated_amount" bigint,
  "unapplied_amount" bigint,
  "is_cached"        boolean
);

CREATE TYPE "public"."account_statement_result" AS (
  "success"        boolean,
  "transaction_id" uuid,
  "error_code"     text,
  "error_message"  text,
  "error_details"  jsonb,
  "account_id"     uuid,
  "currency"       text,
  "from_at"        timestamp WITH time zone,
  "to_at"          timestamp WITH time zone,
  "opening"        jsonb,
  "movements"      jsonb,
  "closing"        jsonb,
  "next_version"   bigint
);

CREATE TYPE "public"."import_abort_result" AS (
  "success"        boolean,
  "transaction_id" uuid,
  "error_code"     text,
  "error_message"  text,
  "error_details"  jsonb,
  "run_id"         uuid,
  "kind"           text,
  "state"          text,
  "dropped_amount" bigint,
  "voided_rows"    bigint,
  "kept_rows"      bigint,
  "done"           boolean
);

CREATE TYPE "public"."import_analyze_result" AS (
  "success"        boolean,
  "transaction_id" uuid,
  "error_code"     text,
  "error_message"  text,
  "error_details"  jsonb,
  "run_id"         uuid,
  "state"          text,
  "staged_rows"    bigint,
  "rejected_rows"  bigint,
  "report"         jsonb
);

CREATE TYPE "public"."import_backfill_result" AS (
  "success"          boolean,
  "transaction_id"   uuid,
  "error_code"       text,
  "error_message"    text,
  "error_details"    jsonb,
  "run_id"           uuid,
  "backfill_state"   text,
  "mode"             text,
  "allocated_amount" bigint,
  "done"             boolean,
  "report"           jsonb
);

CREATE TYPE "public"."import_begin_result" AS (
  "success"        boolean,
  "transaction_id" uuid,
  "error_code"     text,
  "error_message"  text,
  "error_details"  jsonb,
  "run_id"         uuid,
  "kind"           text,
  "state"          text,
  "currency"       text
);

CREATE TYPE "public"."import_progress_result" AS (
  "success"        boolean,
  "transaction_id" uuid,
  "error_code"     text,
  "error_message"  text,
  "error_details"  jsonb,
  "run_id"         uuid,
  "kind"           text,
  "state"          text,
  "staged_rows"    bigint,
  "applied_rows"   bigint,
  "skipped_rows"   bigint,
  "rejected_rows"  bigint,
  "done"           boolean
);

CREATE TYPE "public"."import_report_result" AS (
  "success"        boolean,
  "transaction_id" uuid,
  "error_code"     text,
  "error_message"  text,
  "error_details"  jsonb,
  "run_id"         uuid,
  "kind"           text,
  "source_name"    text,
  "currency"       text,
  "state"          text,
  "staged_rows"    bigint,
  "applied_rows"   bigint,
  "skipped_rows"   bigint,
  "rejected_rows"  bigint,
  "sums"           jsonb,
  "rejects"        jsonb,
  "analysis"       jsonb,
  "backfill"       jsonb,
  "created_at"     timestamp WITH time zone,
  "analyzed_at"    timestamp WITH time zone,
  "applied_at"     timestamp WITH time zone,
  "aborted_at"     timestamp WITH time zone
);

CREATE TYPE "public"."integrity_check_drift_result" AS (
  "success"        boolean,
  "transaction_id" uuid,
  "error_code"     text,
  "error_message"  text,
  "error_details"  jsonb,
  "runs"           jsonb
);

CREATE TYPE "public"."invoice_document_result" AS (
  "success"        boolean,
  "transaction_id" uuid,
  "error_code"     text,
  "error_message"  text,
  "error_details"  jsonb,
  "invoice_id"     uuid,
  "document"       jsonb
);

CREATE TYPE "public"."invoice_recalculate_result" AS (
  "success"           boolean,
  "transaction_id"    uuid,
  "error_code"        text,
  "error_message"     text,
  "error_details"     jsonb,
  "difference_count"  bigint,
  "repaired_accounts" bigint,
  "differences"       jsonb
);

CREATE TYPE "public"."ledger_allocate_payment_result" AS (
  "success"          boolean,
  "transaction_id"   uuid,
  "error_code"       text,
  "error_message"    text,
  "error_details"    jsonb,
  "payment_id"       uuid,
  "currency"         text,
  "allocated_amount" bigint,
  "unapplied_amount" bigint,
  "allocations"      jsonb
);

CREATE TYPE "public"."ledger_auto_allocate_payment_result" AS (
  "success"          boolean,
  "transaction_id"   uuid,
  "error_code"       text,
  "error_message"    text,
  "error_details"    jsonb,
  "payment_id"       uuid,
  "currency"         text,
  "strategy"         text,
  "dry_run"          boolean,
  "allocated_amount" bigint,
  "unapplied_amount" bigint,
  "allocations"      jsonb,
  "plan"             jsonb
);

CREATE TYPE "public"."ledger_change_invoice_result" AS (
  "success"        boolean,
  "transaction_id" uuid,
  "error_code"     text,
  "error_message"  text,
  "error_details"  jsonb,
  "invoice_id"     uuid,
  "invoice_number" text,
  "due_at"         timestamp WITH time zone,
  "reference"      text,
  "notes"          text,
  "version"        bigint
);

CREATE TYPE "public"."ledger_confirm_payment_result" AS (
  "success"             boolean,
  "transaction_id"      uuid,
  "error_code"          text,
  "error_message"       text,
  "error_details"       jsonb,
  "card_payment_id"     uuid,
  "order_id"            uuid,
  "status"              text,
  "effect"              text,
  "problem"             text,
  "captured_amount"     bigint,
  "refunded_amount"     bigint,
  "charged_back_amount" bigint,
  "order_status"        text,
  "payment_status"      text,
  "outstanding_amount"  bigint
);

CREATE TYPE "public"."ledger_credit_invoice_result" AS (
  "success"            boolean,
  "transaction_id"     uuid,
  "error_code"         text,
  "error_message"      text,
  "error_details"      jsonb,
  "invoice_id"         uuid,
  "credit_note_id"     uuid,
  "credit_note_number" text,
  "credited_amount"    bigint,
  "tax_amount"         bigint,
  "released_amount"    bigint,
  "remaining_amount"   bigint,
  "version"            bigint
);

CREATE TYPE "public"."ledger_extend_grace_result" AS (
  "success"            boolean,
  "transaction_id"     uuid,
  "error_code"         text,
  "error_message"      text,
  "error_details"      jsonb,
  "order_id"           uuid,
  "payment_status"     text,
  "due_at"             timestamp WITH time zone,
  "extensions"         integer,
  "outstanding_amount" bigint
);

CREATE TYPE "public"."ledger_issue_invoice_result" AS (
  "success"        boolean,
  "transaction_id" uuid,
  "error_code"     text,
  "error_message"  text,
  "error_details"  jsonb,
  "invoice_id"     uuid,
  "invoice_number" text,
  "order_id"       uuid,
  "currency"       text,
  "total_amount"   bigint,
  "tax_amount"     bigint,
  "prepaid_amount" bigint,
  "amount"         bigint,
  "due_at"         timestamp WITH time zone,
  "version"        bigint
);

CREATE TYPE "public"."ledger_match_card_payment_result" AS (
  "success"             boolean,
  "transaction_id"      uuid,
  "error_code"          text,
  "error_message"       text,
  "error_details"       jsonb,
  "card_payment_id"     uuid,
  "order_id"            uuid,
  "status"              text,
  "problem"             text,
  "handled_at"          timestamp WITH time zone,
  "captured_amount"     bigint,
  "refunded_amount"     bigint,
  "charged_back_amount" bigint,
  "order_status"        text,
  "payment_status"      text,
  "outstanding_amount"  bigint
);

CREATE TYPE "public"."ledger_release_payment_result" AS (
  "success"           boolean,
  "transaction_id"    uuid,
  "error_code"        text,
  "error_message"     text,
  "error_details"     jsonb,
  "payment_id"        uuid,
  "order_id"          uuid,
  "released_amount"   bigint,
  "credit_amount"     bigint,
  "unapplied_amount"  bigint,
  "available_balance" bigint
);

CREATE TYPE "public"."ledger_reverse_allocation_result" AS (
  "success"          boolean,
  "transaction_id"   uuid,
  "error_code"       text,
  "error_message"    text,
  "error_details"    jsonb,
  "allocation_id"    uuid,
  "payment_id"       uuid,
  "invoice_id"       uuid,
  "reversed_amount"  bigint,
  "remaining_amount" bigint,
  "unapplied_amount" bigint,
  "allocations"      jsonb
);

CREATE TYPE "public"."ledger_review_receipt_result" AS (
  "success"            boolean,
  "transaction_id"     uuid,
  "error_code"         text,
  "error_message"      text,
  "error_details"      jsonb,
  "receipt_id"         uuid,
  "status"             text,
  "order_id"           uuid,
  "invoice_id"         uuid,
  "payment_id"         uuid,
  "approved_amount"    bigint,
  "applied_amount"     bigint,
  "allocated_amount"   bigint,
  "credit_amount"      bigint,
  "unapplied_amount"   bigint,
  "order_status"       text,
  "payment_status"     text,
  "outstanding_amount" bigint,
  "available_balance"  bigint
);

CREATE TYPE "public"."ledger_set_credit_terms_result" AS (
  "success"             boolean,
  "transaction_id"      uuid,
  "error_code"          text,
  "error_message"       text,
  "error_details"       jsonb,
  "account_id"          uuid,
  "currency"            text,
  "credit_limit_amount" bigint,
  "due_days"            integer,
  "max_grace_orders"    integer,
  "version"             bigint
);

CREATE TYPE "public"."ledger_set_flag_result" AS (
  "success"             boolean,
  "transaction_id"      uuid,
  "error_code"          text,
  "error_message"       text,
  "error_details"       jsonb,
  "key"                 text,
  "state"               text,
  "percentage"          integer,
  "previous_state"      text,
  "previous_percentage" integer
);

CREATE TYPE "public"."ledger_submit_receipt_result" AS (
  "success"        boolean,
  "transaction_id" uuid,
  "error_code"     text,
  "error_message"  text,
  "error_details"  jsonb,
  "receipt_id"     uuid,
  "order_id"       uuid,
  "invoice_id"     uuid,
  "status"         text,
  "amount"         bigint,
  "currency"       text,
  "payment_status" text
);

CREATE TYPE "public"."ledger_void_invoice_result" AS (
  "success"        boolean,
  "transaction_id" uuid,
  "error_code"     text,
  "error_message"  text,
  "error_details"  jsonb,
  "invoice_id"     uuid,
  "invoice_number" text,
  "order_id"       uuid,
  "voided_amount"  bigint,
  "version"        bigint
);

CREATE TYPE "public"."ledger_withdraw_receipt_result" AS (
  "success"        boolean,
  "transaction_id" uuid,
  "error_code"     text,
  "error_message"  text,
  "error_details"  jsonb,
  "receipt_id"     uuid,
  "status"         text,
  "order_id"       uuid,
  "invoice_id"     uuid,
  "payment_status" text
);

ALTER TYPE "public"."ledger_record_payment_result" ADD ATTRIBUTE "allocated_amount" bigint CASCADE;

ALTER TYPE "public"."ledger_record_payment_result" ADD ATTRIBUTE "unapplied_amount" bigint CASCADE;

ALTER TYPE "public"."ledger_record_payment_result" ADD ATTRIBUTE "invoice_id" uuid CASCADE;

ALTER TYPE "public"."ledger_record_payment_result" ADD ATTRIBUTE "user_id" uuid CASCADE;

ALTER TYPE "public"."ledger_void_payment_result" ADD ATTRIBUTE "reversed_amount" bigint CASCADE;

CREATE OR REPLACE FUNCTION ledger.account_asked_for (
  p_actor    ledger.actor,
  p_user_id  uuid,
  p_currency text,
  OUT        account public.accounts,
  OUT        refusal jsonb
)
  RETURNS record
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_user_id uuid := coalesce(p_user_id, p_actor.user_id);
  v_currency text := upper(coalesce(p_currency, ledger.setting_text('default_currency')));
begin
  if v_user_id is null then
    refusal := ledger.refuse('customer_required');
    return;
  end if;
  if v_user_id is distinct from p_actor.user_id and not ledger.has_permission(p_actor, 'accounts.read') then
    refusal := ledger.refuse('customer_not_found', jsonb_build_object('user_id', v_user_id));
    return;
  end if;
  select a.* into account from public.accounts a where a.id = ledger.account_id(v_user_id, v_currency);
  if account.id is null then
    refusal := case when exists (select from public.profiles p where p.id = v_user_id) or exists (select from public.accounts a where a.user_id = v_user_id)
                    then ledger.refuse('account_not_found', jsonb_build_object('currency', v_currency))
                    else ledger.refuse('customer_not_found', jsonb_build_object('user_id', v_user_id)) end;
  end if;
end $function$;

CREATE OR REPLACE FUNCTION ledger.account_version_before (
  p_account_id uuid,
  p_at         timestamp with time zone
)
  RETURNS bigint
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_low bigint := 0;
  v_high bigint := coalesce((select max(t.account_version) from public.transactions t where t.account_id = p_account_id), 0);
  v_middle bigint;
begin
  while v_low < v_high loop
    v_middle := (v_low + v_high + 1) / 2;
    if (select t.created_at from public.transactions t where t.account_id = p_account_id and t.account_version = v_middle) < p_at then
      v_low := v_middle;
    else
      v_high := v_middle - 1;
    end if;
  end loop;
  return v_low;
end $function$;

CREATE OR REPLACE FUNCTION ledger.accounts_to_backfill (
  p_run_id uuid,
  p_after  uuid    DEFAULT NULL::uuid,
  p_limit  integer DEFAULT NULL::integer
)
  RETURNS uuid[]
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  select coalesce(array_agg(a.account_id order by a.account_id), '{}')
  from (select distinct p.account_id
        from public.import_rows w
        join public.payments p on p.id = w.target_id
        where w.run_id = p_run_id and w.state = 'applied' and w.parsed ->> 'is_allocated' = 'true' and (p_after is null or p.account_id > p_after)
        order by p.account_id
        limit p_limit) a;
$function$;

CREATE OR REPLACE FUNCTION ledger.add_change (
  p_first ledger.allocation_change,
  p_then  ledger.allocation_change
)
  RETURNS ledger.allocation_change
  LANGUAGE sql
  IMMUTABLE
  PARALLEL SAFE
RETURN
  ROW(COALESCE((p_first).transaction_id, (p_then).transaction_id), (COALESCE((p_first).allocated_amount, (0)::bigint) + (p_then).allocated_amount), (p_then).unapplied_amount,
  (COALESCE((p_first).allocations, '[]'::jsonb) || (p_then).allocations))::ledger.allocation_change;

CREATE OR REPLACE FUNCTION ledger.alert_late_receipts()
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_count integer;
begin
  perform set_config('ledger.procedure', 'alert_late_receipts', true);
  with late as (
    select r.account_id, r.id
    from public.payment_receipts r
    where r.status = 'submitted' and r.alerted_at is null
      and r.submitted_at <= clock_timestamp() - make_interval(hours => ledger.setting_text('receipt_review_hours')::integer)
    order by r.submitted_at, r.id
    for no key update skip locked),
  marked as (
    update public.payment_receipts r set alerted_at = clock_timestamp(), updated_at = clock_timestamp()
    from late l
    where r.account_id = l.account_id and r.id = l.id
    returning r.*),
  told as (
    insert into ledger.outbox (account_id, type, payload)
    select m.account_id, 'receipt.late', jsonb_build_object('receipt_id', m.id, 'order_id', m.order_id, 'invoice_id', m.invoice_id,
      'receipt_amount', m.amount, 'currency', m.currency, 'submitted_at', m.submitted_at)
    from marked m
    returning id)
  select count(*) into v_count from told;
  perform set_config('ledger.procedure', '', true);
  return v_count;
end $function$;

CREATE OR REPLACE FUNCTION ledger.allocate (
  p_account_id     uuid,
  p_payment_id     uuid,
  p_lines          ledger.allocation_line[],
  p_method         text,
  p_actor          ledger.actor,
  p_correlation_id uuid,
  p_key            text                     DEFAULT NULL::text,
  p_synthetic      boolean                  DEFAULT false,
  p_import_run_id  uuid                     DEFAULT NULL::uuid,
  p_confirm        boolean                  DEFAULT NULL::boolean
)
  RETURNS ledger.allocation_change
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_part record;
  v_transaction public.transactions;
  v_raised uuid[];
  v_ids uuid[];
  v_change ledger.allocation_change;
begin
  for v_part in
    select i.order_id, array_agg(row(l.invoice_id, l.amount)::ledger.allocation_line order by l.ordinality) as lines
    from unnest(p_lines) with ordinality l
    join public.invoices i on i.account_id = p_account_id and i.id = l.invoice_id
    group by i.order_id
    order by i.order_id
  loop
    v_transaction := ledger.write_transaction(
      p_account_id, 'payment_allocated', p_actor, 'payment allocated', p_correlation_id,
      p_order_id => v_part.order_id, p_reference_id => p_payment_id);
    v_raised := array(
      select a.id
      from unnest(v_part.lines) l
      cross join lateral ledger.live_allocations(p_account_id, l.invoice_id, p_payment_id) a);
    v_ids := ledger.write_reversals(v_transaction, v_raised, p_actor);
    with written as (
      insert into public.payment_allocations
        (account_id, payment_id, invoice_id, allocated_amount, method, synthetic, import_run_id, performed_by, transaction_id, idempotency_key)
      select p_account_id, p_payment_id, l.invoice_id, l.amount + coalesce(a.allocated_amount, 0), p_method, p_synthetic, p_import_run_id,
             p_actor.user_id, v_transaction.id, p_key || ':' || l.invoice_id
      from unnest(v_part.lines) with ordinality l
      left join public.payment_allocations a on a.id = any (v_raised) and a.invoice_id = l.invoice_id
      order by l.ordinality
      returning id)
    select v_ids || array_agg(w.id) into v_ids from written w;
    v_change := ledger.add_change(v_change, ledger.book_allocations(v_transaction, v_ids, 'payment.allocated', p_payment_id,
      jsonb_build_object('method', p_method, 'synthetic', p_synthetic), p_actor, p_confirm));
  end loop;
  return v_change;
end $function$;

CREATE OR REPLACE FUNCTION ledger.allocation_lines_of (
  p_lines jsonb
)
  RETURNS ledger.allocation_line[]
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (select array_agg(row((e.line ->> 'invoice_id')::uuid, (e.line ->> 'amount')::numeric::bigint)::ledger.allocation_line order by e.ordinality)
          from jsonb_array_elements(p_lines) with ordinality e (line));
end $function$;

CREATE OR REPLACE FUNCTION ledger.allocation_strategies()
  RETURNS text[]
  LANGUAGE sql
  IMMUTABLE
  PARALLEL SAFE
RETURN '{fifo,aging,risk,weighted}'::text[];

CREATE OR REPLACE FUNCTION ledger.allow_to_card (
  p_step      ledger.card_step,
  p_object_id text,
  p_amount    bigint
)
  RETURNS bigint
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_card public.card_payments := p_step.card;
  v_order public.orders := (select o from public.orders o where o.account_id = v_card.account_id and o.id = v_card.order_id);
  v_amount bigint := least(p_amount, ledger.allowable_to_card(v_card, v_order));
  v_change ledger.order_change;
begin
  if v_amount = 0 then
    return 0;
  end if;
  -- as if the wallet had its part back already: a provider gives back to the card alone
  v_order.wallet_refunded_amount := v_order.wallet_amount;
  v_change := ledger.take_back(v_order, null, 0, v_amount, 'original', p_step.actor, 'refunded by ' || v_card.provider, p_step.correlation_id);
  if v_change.refusal is not null then
    return 0;
  end if;
  perform ledger.write_card_booking(p_step, 'allowed', p_object_id, true, v_amount, null, v_change.refund_id, v_change.transaction_id);
  perform ledger.settle_refund(
    (select o from public.orders o where o.account_id = v_card.account_id and o.id = v_card.order_id),
    (select a from public.accounts a where a.id = v_card.account_id),
    (select f from public.refunds f where f.account_id = v_card.account_id and f.id = v_change.refund_id),
    'paid', p_object_id, p_step.actor, p_step.correlation_id, true);
  return v_amount;
end $function$;

CREATE OR REPLACE FUNCTION ledger.allowable_to_card (
  p_card  public.card_payments,
  p_order public.orders
)
  RETURNS bigint
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return greatest(least(
    ledger.held_from_outside(p_order),
    (select sum(p.amount - p.credit_amount - p.unapplied_amount - p.charged_back_amount)
     from public.payments p
     where p.id = any (ledger.payments_of_card(p_card.id))
       and p.id not in (select b.payment_id from public.card_bookings b where b.card_payment_id = p_card.id and b.kind = 'surplus_failed'))
    - ledger.booked_of_card(p_card.id, '{allowed}')), 0);
end $function$;

CREATE OR REPLACE FUNCTION ledger.amount_pattern (
  p_text text
)
  RETURNS text
  LANGUAGE sql
  IMMUTABLE
  PARALLEL SAFE
RETURN
  "left"(regexp_replace(translate(COALESCE(p_text, ''::text), '0123456789۰۱۲۳۴۵۶۷۸٠١٢٣٤٥٦٧٨'::text, '9999999999۹۹۹۹۹۹۹۹۹٩٩٩٩٩٩٩٩٩'::text), '^([^9۹٩]*)[9۹٩]+'::text, ('\1'::text ||
  CASE WHEN (p_text ~ '[۰-۹]'::text) THEN '۹'::text WHEN (p_text ~ '[٠-٩]'::text) THEN '٩'::text ELSE '9'::text END)), 60);

CREATE OR REPLACE FUNCTION ledger.apply_import_batch (
  p_run   public.import_runs,
  p_limit integer,
  p_actor ledger.actor
)
  RETURNS public.import_runs
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_batch ledger.import_batch;
  v_is_done boolean;
begin
  -- whom the kinds name as who wrote it
  update public.import_runs r set applied_by = p_actor.user_id where r.id = p_run.id;
  -- two runs of one kind may bring the same names: the second sees what the first one made of them
  perform pg_advisory_xact_lock(hashtextextended('import ' || p_run.kind, 0));
  execute format('select * from ledger.%I($1, $2)', 'import_' || p_run.kind || '_apply') into v_batch using p_run.id, p_limit;
  v_is_done := not exists (select from public.import_rows w where w.run_id = p_run.id and w.state = 'staged');
  if not v_is_done and v_batch.applied_rows + v_batch.skipped_rows + v_batch.rejected_rows = 0 then
    raise exception 'import %: nothing was done with the rows that are left', p_run.id;
  end if;
  update public.import_runs r set
    state = case when v_is_done then 'applied' else 'applying' end,
    applied_rows = r.applied_rows + v_batch.applied_rows,
    skipped_rows = r.skipped_rows + v_batch.skipped_rows,
    rejected_rows = r.rejected_rows + v_batch.rejected_rows,
    sums = case when v_is_done then ledger.import_sums(r.id) else r.sums end,
    applied_at = case when v_is_done then clock_timestamp() end,
    updated_at = clock_timestamp()
  where r.id = p_run.id
  returning r.* into p_run;
  if v_is_done then
    perform ledger.record_operation('import.applied', 'import', p_run.id, null,
      jsonb_build_object('kind', p_run.kind, 'source_name', p_run.source_name, 'currency', p_run.currency, 'sums', p_run.sums,
        'applied_rows', p_run.applied_rows, 'skipped_rows', p_run.skipped_rows, 'rejected_rows', p_run.rejected_rows),
      p_actor, ledger.correlation_id());
  end if;
  return p_run;
end $function$;

CREATE OR REPLACE FUNCTION ledger.apply_order_cancellation (
  p_run    public.import_runs,
  p_number text,
  p_actor  ledger.actor
)
  RETURNS ledger.import_batch
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_units ledger.cancelled_units[] := ledger.units_to_cancel(p_run, p_number);
  v_order public.orders;
  v_at timestamptz;
  v_is_whole boolean;
  v_lines jsonb;
  v_change ledger.order_change;
  v_rejects ledger.import_reject[];
  v_batch ledger.import_batch := row(0, 0, 0)::ledger.import_batch;
begin
  select min((w.parsed ->> 'placed_at')::timestamptz) into v_at
  from public.import_rows w
  where w.run_id = p_run.id and w.external_id = p_number and w.parsed ? 'order_number' and w.state = 'staged';

  for v_order in
    select o.* from public.orders o where o.id in (select u.order_id from unnest(v_units) u) order by o.id
  loop
    select jsonb_agg(jsonb_build_object('line_number', l.line_number, 'quantity', l.quantity, 'restock', coalesce(p_run.options ->> 'stock' = 'take', false))),
           sum(l.quantity) = (select sum(i.quantity) from public.order_items i where i.account_id = v_order.account_id and i.order_id = v_order.id)
             and v_order.credited_amount = 0
    into v_lines, v_is_whole
    from (select u.line_number, sum(u.quantity) as quantity from unnest(v_units) u where u.order_id = v_order.id group by u.line_number) l;
    v_change := ledger.take_back_imported(p_run, v_order, case when not v_is_whole then v_lines end,
                                          case when v_is_whole then 'cancelled' end, v_at, p_actor, p_number);
    if v_change.refusal is not null then
      raise exception using errcode = 'LREFU', message = v_change.refusal ->> 'error_message';
    end if;
    insert into public.import_identities (kind, external_id, target_id, run_id)
    select 'order_cancellation', n.name, v_change.refund_id, p_run.id
    from ledger.cancellation_rows(p_run.id, p_number) n
    where n.row_number in (select u.row_number from unnest(v_units) u where u.order_id = v_order.id)
    on conflict (kind, external_id) do nothing;
  end loop;

  update public.import_rows w set state = 'applied', target_id = i.target_id
  from ledger.cancellation_rows(p_run.id, p_number) n
  join public.import_identities i on i.kind = 'order_cancellation' and i.external_id = n.name
  where w.run_id = p_run.id and w.row_number = n.row_number and w.row_number in (select u.row_number from unnest(v_units) u);
  get diagnostics v_batch.applied_rows = row_count;

  select array_agg(row(w.row_number, 'quantity', 'row_nothing_to_cancel', w.parsed ->> 'quantity',
                       jsonb_build_object('sku', w.parsed ->> 'sku'))::ledger.import_reject) into v_rejects
  from public.import_rows w
  where w.run_id = p_run.id and w.external_id = p_number and w.parsed ? 'order_number' and w.state = 'staged';
  v_batch.rejected_rows := ledger.reject_import_rows(p_run.id, v_rejects);
  return v_batch;
end $function$;

CREATE OR REPLACE FUNCTION ledger.apply_order_cancellations (
  p_run   public.import_runs,
  p_limit integer,
  p_actor ledger.actor
)
  RETURNS ledger.import_batch
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_started timestamptz := clock_timestamp();
  v_numbers text[];
  v_number text;
  v_part ledger.import_batch;
  v_batch ledger.import_batch := row(0, 0, 0)::ledger.import_batch;
begin
  select array_agg(n.external_id order by n.at, n.external_id) into v_numbers
  from (select l.external_id, min(l.at) as at
        from (select w.external_id, (w.parsed ->> 'placed_at')::timestamptz as at
              from public.import_rows w
              where w.run_id = p_run.id and w.state = 'staged' and w.parsed ? 'order_number'
              order by at, w.external_id
              -- each of them takes locks of its own
              limit least(p_limit, 500)) l
        group by l.external_id) n;
  if v_numbers is null then
    -- what is left is of persons who were erased since the analysis, or of a run that was left alone too long
    v_batch.rejected_rows := ledger.reject_import_rows(p_run.id, array(
      select case when p.id is null then row(w.row_number, 'customer', 'row_customer_not_found', null, null)::ledger.import_reject
                  else row(w.row_number, 'order_number', 'row_value_missing', null, null)::ledger.import_reject end
      from public.import_rows w
      left join public.profiles p on p.id = w.user_id and p.erased_at is null
      where w.run_id = p_run.id and w.state = 'staged'
      limit p_limit));
    return v_batch;
  end if;

  -- lock
  perform ledger.lock_orders_to_cancel(p_run, array(
    select distinct (w.parsed ->> 'user_id')::uuid
    from public.import_rows w
    where w.run_id = p_run.id and w.external_id = any (v_numbers) and w.parsed ? 'order_number' and w.state = 'staged'));

  -- what was imported before
  update public.import_rows w set state = 'skipped', target_id = i.target_id
  from unnest(v_numbers) n (number)
  cross join lateral ledger.cancellation_rows(p_run.id, n.number) r
  join public.import_identities i on i.kind = 'order_cancellation' and i.external_id = r.name
  where w.run_id = p_run.id and w.row_number = r.row_number and w.state = 'staged';
  get diagnostics v_batch.skipped_rows = row_count;

  foreach v_number in array v_numbers loop
    v_part := ledger.try_order_cancellation(p_run, v_number, p_actor);
    v_batch.applied_rows := v_batch.applied_rows + v_part.applied_rows;
    v_batch.rejected_rows := v_batch.rejected_rows + v_part.rejected_rows;
  end loop;
  perform ledger.drop_messages_since(v_started);
  return v_batch;
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
  elsif p_to = 'rejected' then
    return ledger.reject_order(p_order, p_actor, p_actor_action, p_metadata);
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

CREATE OR REPLACE FUNCTION ledger.backfill_account (
  p_account_id     uuid,
  p_run_id         uuid,
  p_actor          ledger.actor,
  p_correlation_id uuid
)
  RETURNS bigint
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_part record;
  v_allocated bigint := 0;
begin
  -- lock: account, payments, invoices
  perform from public.accounts a where a.id = p_account_id for no key update;
  perform from public.payments p
  where p.account_id = p_account_id and p.id in (select f.payment_id from ledger.flagged_payments(p_account_id, p_run_id) f)
  order by p.id
  for no key update;
  perform from public.invoices i
  where i.account_id = p_account_id and i.id in (select c.invoice_id from ledger.claiming_invoices(p_account_id) c)
  order by i.id
  for no key update;

  -- write
  for v_part in
    select b.payment_id, b.run_id, array_agg(row(b.invoice_id, b.amount)::ledger.allocation_line order by b.is_claimed desc, i.issued_at, i.id) as lines
    from ledger.plan_backfill(p_account_id, p_run_id) b
    join public.invoices i on i.id = b.invoice_id
    join public.payments p on p.id = b.payment_id
    group by b.payment_id, b.run_id, p.paid_at
    order by p.paid_at, b.payment_id
  loop
    v_allocated := v_allocated + (ledger.allocate(p_account_id, v_part.payment_id, v_part.lines, 'auto', p_actor, p_correlation_id,
                                                  p_synthetic => true, p_import_run_id => v_part.run_id)).allocated_amount;
  end loop;
  return v_allocated;
end $function$;

CREATE OR REPLACE FUNCTION ledger.backfill_customer (
  p_user_id uuid,
  p_actor   ledger.actor
)
  RETURNS public.import_backfill_result
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_accounts uuid[] := array(select a.id from public.accounts a where a.user_id = p_user_id order by a.id);
  v_account_id uuid;
  v_allocated bigint := 0;
  v_figures ledger.backfill_figures;
begin
  foreach v_account_id in array v_accounts loop
    v_allocated := v_allocated + ledger.backfill_account(v_account_id, null, p_actor, ledger.correlation_id());
  end loop;
  v_figures := ledger.backfill_figures(v_accounts);
  if ledger.backfill_drifts(v_figures) then
    raise exception 'backfill of customer %: % expected, % allocated', p_user_id, (v_figures).expected_amount, (v_figures).synthetic_amount;
  end if;
  return row(true, null, null, null, null, null, 'done', null, v_allocated, true, ledger.backfill_sums(v_figures))::public.import_backfill_result;
end $function$;

CREATE OR REPLACE FUNCTION ledger.backfill_drifts (
  p_figures ledger.backfill_figures
)
  RETURNS boolean
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return abs((p_figures).expected_amount - (p_figures).synthetic_amount) * 1000000
         > (p_figures).expected_amount * ledger.setting_text('backfill_drift_ppm_limit')::numeric;
end $function$;

CREATE OR REPLACE FUNCTION ledger.backfill_figures (
  p_account_ids uuid[],
  p_run_id      uuid   DEFAULT NULL::uuid
)
  RETURNS ledger.backfill_figures
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  select row(count(*), coalesce(sum(f.payments), 0), coalesce(sum(f.flagged), 0), coalesce(sum(least(f.flagged, f.synthetic + i.remaining)), 0),
             coalesce(sum(f.synthetic), 0))::ledger.backfill_figures
  from unnest(p_account_ids) a (account_id)
  cross join lateral (
    select count(*) as payments, coalesce(sum(p.unapplied_amount + p.synthetic_amount), 0) as flagged, coalesce(sum(p.synthetic_amount), 0) as synthetic
    from ledger.flagged_payments(a.account_id, p_run_id) p) f
  cross join lateral (select coalesce(sum(c.remaining_amount), 0) as remaining from ledger.claiming_invoices(a.account_id) c) i;
$function$;

CREATE OR REPLACE FUNCTION ledger.backfill_findings (
  p_run_id uuid
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  with flagged as (
    select w.row_number, w.parsed ->> 'invoice' as invoice, p.account_id
    from public.import_rows w
    join public.payments p on p.id = w.target_id
    where w.run_id = p_run_id and w.state = 'applied' and w.parsed ->> 'is_allocated' = 'true'),
  accounts as (select distinct f.account_id from flagged f),
  statuses as (
    select i.invoice_number, w.parsed ->> 'status' as old_status, b.status_cached as status
    from accounts a
    join public.invoices i on i.account_id = a.account_id and i.source = 'import' and i.status = 'issued'
    join public.invoice_balance_cache b on b.invoice_id = i.id
    join public.import_rows w on w.target_id = i.id and w.state = 'applied'
    where w.parsed ->> 'status' <> b.status_cached),
  unknown as (
    select f.row_number, f.invoice
    from flagged f
    left join public.import_identities n on n.kind = 'invoice' and ledger.import_key(n.external_id) = ledger.import_key(f.invoice)
    left join public.invoices i on i.id = n.target_id and i.account_id = f.account_id
    where f.invoice is not null and i.id is null)
  select jsonb_build_object(
    'invoices_not_found', jsonb_build_object(
      'rows', (select count(*) from unknown),
      'examples', (select coalesce(jsonb_agg(jsonb_build_object('row', u.row_number, 'invoice', u.invoice) order by u.row_number), '[]')
                   from (select * from unknown order by row_number limit 20) u)),
    'statuses_that_differ', (
      select coalesce(jsonb_agg(jsonb_build_object('old_status', s.old_status, 'status', s.status, 'invoices', s.invoices, 'examples', s.examples)
                                order by s.old_status, s.status), '[]')
      from (select t.old_status, t.status, count(*) as invoices, to_jsonb((array_agg(t.invoice_number order by t.invoice_number))[1:20]) as examples
            from statuses t
            group by t.old_status, t.status) s));
$function$;

CREATE OR REPLACE FUNCTION ledger.backfill_sums (
  p_figures ledger.backfill_figures
)
  RETURNS jsonb
  LANGUAGE sql
  IMMUTABLE
RETURN
  jsonb_build_object('accounts', (p_figures).accounts, 'payments', (p_figures).payments, 'flagged_amount', (p_figures).flagged_amount, 'expected_amount',
  (p_figures).expected_amount,
  'synthetic_amount',
  (p_figures).synthetic_amount,
  'without_claim', ((p_figures).flagged_amount - (p_figures).expected_amount), 'drift', abs(((p_figures).expected_amount - (p_figures).synthetic_amount)));

CREATE OR REPLACE FUNCTION ledger.balance_differences (
  p_account_id uuid DEFAULT NULL::uuid
)
  RETURNS TABLE (
    account_id uuid,
    kind       text,
    subject_id uuid,
    cached     jsonb,
    recomputed jsonb
  )
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return query
    with given as (
      select l.payment_id, l.invoice_id, l.allocated_amount as amount
      from public.payment_allocations l
      where p_account_id is null or l.account_id = p_account_id),
    by_payment as (select g.payment_id, sum(g.amount) as amount from given g group by g.payment_id),
    by_invoice as (select g.invoice_id, sum(g.amount) as amount from given g group by g.invoice_id)
    select p.account_id, 'payment', p.id, jsonb_build_object('allocated_amount', p.allocated_amount),
           jsonb_build_object('allocated_amount', coalesce(g.amount, 0))
    from public.payments p
    left join by_payment g on g.payment_id = p.id
    where (p_account_id is null or p.account_id = p_account_id) and p.allocated_amount <> coalesce(g.amount, 0)
    union all
    select i.account_id, 'invoice', i.id,
           jsonb_build_object('amount', b.amount, 'allocated_total', b.allocated_total)
             || case when b.account_id <> i.account_id then jsonb_build_object('account_id', b.account_id) else '{}' end,
           jsonb_build_object('amount', i.amount, 'allocated_total', coalesce(g.amount, 0))
             || case when b.account_id <> i.account_id then jsonb_build_object('account_id', i.account_id) else '{}' end
    from public.invoices i
    left join public.invoice_balance_cache b on b.invoice_id = i.id
    left join by_invoice g on g.invoice_id = i.id
    where (p_account_id is null or i.account_id = p_account_id) and i.kind = 'invoice'
      and (b.account_id, b.amount, b.allocated_total) is distinct from (i.account_id, i.amount, coalesce(g.amount, 0)::bigint)
    union all
    select coalesce(r.account_id, c.account_id), 'account', coalesce(r.account_id, c.account_id),
           ledger.debt_figures(coalesce(c.invoiced_amount, 0), coalesce(c.allocated_amount, 0), coalesce(c.unapplied_amount, 0)),
           ledger.debt_figures(coalesce(r.invoiced_amount, 0), coalesce(r.allocated_amount, 0), coalesce(r.unapplied_amount, 0))
    from (select d.* from ledger.recomputed_debts(p_account_id) d) r
    full join (select n.* from public.account_debt_cache n where p_account_id is null or n.account_id = p_account_id) c on c.account_id = r.account_id
    where (coalesce(c.invoiced_amount, 0), coalesce(c.allocated_amount, 0), coalesce(c.unapplied_amount, 0))
          <> (coalesce(r.invoiced_amount, 0), coalesce(r.allocated_amount, 0), coalesce(r.unapplied_amount, 0));
end $function$;

CREATE OR REPLACE FUNCTION ledger.balances_at (
  p_account_id uuid,
  p_version    bigint
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_debt record;
begin
  select m.debt_after, m.unapplied_after into v_debt
  from public.debt_movements m
  where m.account_id = p_account_id and m.account_version <= p_version
  order by m.account_version desc
  limit 1;
  return jsonb_build_object(
    'account_version', p_version,
    'wallet_balance', coalesce((select t.balance_after from public.transactions t where t.account_id = p_account_id and t.account_version = p_version), 0),
    'debt_balance', coalesce(v_debt.debt_after, 0),
    'unapplied_balance', coalesce(v_debt.unapplied_after, 0));
end $function$;

CREATE OR REPLACE FUNCTION ledger.begin_owing (
  p_order_id       uuid,
  p_transaction_id uuid,
  p_settings       jsonb,
  p_actor          ledger.actor
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_order public.orders;
  v_account public.accounts;
  v_correlation_id uuid := ledger.correlation_id();
begin
  select o.* into v_order from public.orders o where o.id = p_order_id;
  if v_order.payment_method = 'bank_transfer_grace' then
    perform ledger.grant_grace(v_order, v_order.created_at + make_interval(hours => (p_settings ->> 'grace_hours')::integer),
                               p_actor, v_correlation_id, jsonb_build_object('placed_with_transaction_id', p_transaction_id));
  else
    select a.* into v_account from public.accounts a where a.id = v_order.account_id;
    perform ledger.write_invoice(v_account, v_order, ledger.draft_of_order(v_order), p_actor, v_correlation_id);
  end if;
end $function$;

CREATE OR REPLACE FUNCTION ledger.book_allocations (
  p_transaction    public.transactions,
  p_allocation_ids uuid[],
  p_event_type     text,
  p_payment_id     uuid,
  p_payload        jsonb,
  p_actor          ledger.actor,
  p_confirm        boolean             DEFAULT NULL::boolean
)
  RETURNS ledger.allocation_change
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_currency text;
  v_order public.orders;
  v_asset text := 'receivable';
  v_change ledger.allocation_change;
begin
  select sum(l.allocated_amount), min(p.currency) into v_change.allocated_amount, v_currency
  from public.payment_allocations l
  join public.payments p on p.account_id = l.account_id and p.id = l.payment_id
  where l.account_id = p_transaction.account_id and l.id = any (p_allocation_ids);

  -- write: order, postings, debt; the claim follows an order that holds more than it costs, and owes nothing again at first
  if p_transaction.order_id is not null then
    v_order := ledger.pay_order(p_transaction.account_id, p_transaction.order_id, v_change.allocated_amount);
    v_asset := case v_order.status when 'delivered' then 'receivable' else 'order_escrow' end;
  end if;
  perform ledger.write_postings(p_transaction, v_currency, array[
    case when v_change.allocated_amount > 0 then row('unapplied_payments', v_asset, v_change.allocated_amount)::ledger.posting_leg
         else row(v_asset, 'unapplied_payments', -v_change.allocated_amount)::ledger.posting_leg end]);
  p_payload := p_payload || case when v_order.id is null
    then ledger.write_debt_movement(p_transaction, p_allocated => v_change.allocated_amount, p_unapplied => -v_change.allocated_amount)
    else ledger.follow_order_invoice(v_order, p_transaction, p_actor => p_actor,
                                     p_allocated => v_change.allocated_amount, p_unapplied => -v_change.allocated_amount) end;

  -- what the rows did, with the figures as they are after all of it
  v_change.transaction_id := p_transaction.id;
  v_change.allocations := (
    select jsonb_agg(jsonb_build_object(
             'allocation_id', l.id, 'payment_id', l.payment_id, 'invoice_id', l.invoice_id, 'order_id', i.order_id, 'amount', l.allocated_amount,
             'remaining_amount', b.remaining_amount, 'status', b.status_cached) order by array_position(p_allocation_ids, l.id))
    from public.payment_allocations l
    join public.invoices i on i.account_id = l.account_id and i.id = l.invoice_id
    join public.invoice_balance_cache b on b.account_id = l.account_id and b.invoice_id = l.invoice_id
    where l.account_id = p_transaction.account_id and l.id = any (p_allocation_ids));
  v_change.unapplied_amount := (
    select sum(p.unapplied_amount) from public.payments p
    where p.account_id = p_transaction.account_id
      and p.id in (select (n.allocation ->> 'payment_id')::uuid from jsonb_array_elements(v_change.allocations) n (allocation)));

  -- record
  perform ledger.record_operation(p_event_type,
    case when v_order.id is null then 'payment' else 'order' end, coalesce(v_order.id, p_payment_id), p_transaction.account_id,
    ledger.balance_effect(p_transaction) || jsonb_build_object(
      'payment_id', p_payment_id, 'currency', v_currency, 'allocated_amount', v_change.allocated_amount, 'allocations', v_change.allocations)
      || case when v_order.id is null then '{}' else jsonb_build_object(
           'order_number', v_order.order_number, 'payment_status', v_order.payment_status, 'outstanding_amount', v_order.outstanding_amount) end
      || p_payload,
    p_actor, p_transaction.correlation_id);

  -- an order that is covered by now goes on
  if v_order.id is not null and v_change.allocated_amount > 0 then
    perform ledger.confirm_when_covered(v_order, p_actor, p_confirm);
  end if;
  return v_change;
end $function$;

CREATE OR REPLACE FUNCTION ledger.book_card_payment (
  p_step      ledger.card_step,
  p_facts     ledger.card_facts,
  p_was_final boolean
)
  RETURNS text
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_card public.card_payments := p_step.card;
  v_captured bigint := ledger.booked_of_card(v_card.id, '{captured}');
  v_refunded bigint;
  v_wanted bigint;
  v_allows boolean;
  v_object record;
  v_problem text;
begin
  -- a backfill waits for nobody: what would change allocations waits for it
  v_problem := ledger.refuse_card_during_backfill(v_card) ->> 'error_code';
  if v_problem is not null then
    return v_problem;
  end if;

  -- something new that comes before what was taken out, or something of that which was won
  if p_facts.captured_amount > v_captured
     or exists (select from ledger.card_objects(v_card) o
                where case when not o.is_refund then o.amount < o.taken_out_amount
                           else o.settled_amount + o.taken_out_amount = 0
                             or (o.has_failed and (o.taken_out_amount > 0 or not o.has_failed_in_the_books))
                             or (p_facts.is_final and not p_was_final and o.taken_out_amount > 0) end) then
    for v_object in select * from ledger.card_objects(v_card) o where o.taken_out_amount > 0 loop
      v_problem := coalesce(v_problem, ledger.capture_card(p_step, 'put_back', v_object.object_id, v_object.is_refund, v_object.taken_out_amount) ->> 'error_code');
    end loop;
  end if;

  -- captured
  if p_facts.captured_amount > v_captured and v_problem is null then
    v_problem := ledger.capture_card(p_step, 'captured', null, null, p_facts.captured_amount - v_captured) ->> 'error_code';
  end if;
  v_captured := ledger.booked_of_card(v_card.id, '{captured}');
  if v_captured = 0 then
    return v_problem;
  end if;

  -- refunded: what fits, by name; what failed went out and came back
  v_allows := ledger.card_allows(v_card, p_facts.is_final);
  v_refunded := (select coalesce(sum(o.settled_amount + o.taken_out_amount), 0) from ledger.card_objects(v_card) o where o.is_refund and not o.has_failed);
  for v_object in select * from ledger.card_objects(v_card) o where o.is_refund loop
    if v_object.settled_amount + v_object.taken_out_amount < v_object.amount then
      if v_object.has_failed and v_object.settled_amount = 0 then
        v_problem := coalesce(ledger.book_card_refund(p_step, v_object.object_id, v_object.amount, true, v_object.refund_id, v_allows), v_problem);
      elsif not v_object.has_failed and v_refunded + v_object.amount - v_object.settled_amount - v_object.taken_out_amount > v_captured then
        v_problem := 'more_than_captured';
      elsif not v_object.has_failed then
        v_problem := coalesce(ledger.book_card_refund(p_step, v_object.object_id, v_object.amount - v_object.settled_amount - v_object.taken_out_amount,
                                                      false, v_object.refund_id, v_allows), v_problem);
        v_refunded := v_refunded + v_object.amount - v_object.settled_amount - v_object.taken_out_amount;
      end if;
    end if;
    if v_object.has_failed and not v_object.has_failed_in_the_books
       or v_object.has_failed and ledger.booked_of_card(v_card.id, '{surplus_returned,allowed,paid_out}', v_object.object_id, true) > v_object.settled_amount then
      v_problem := coalesce(ledger.fail_card_refund(p_step, v_object.object_id), v_problem);
    end if;
  end loop;

  -- disputed: as far as it was captured and not refunded
  v_wanted := v_captured - v_refunded;
  for v_object in select * from ledger.card_objects(v_card) o where not o.is_refund loop
    if v_object.amount > v_wanted then
      v_problem := coalesce(v_problem, 'more_than_captured');
    end if;
    v_object.amount := least(v_object.amount, v_wanted);
    v_wanted := v_wanted - v_object.amount;
    if v_object.amount > v_object.taken_out_amount
       and ledger.take_out_of_card(p_step, 'taken_out', v_object.object_id, false, v_object.amount - v_object.taken_out_amount,
                                   'charged back by ' || v_card.provider, false) < v_object.amount - v_object.taken_out_amount then
      v_problem := coalesce(v_problem, 'more_than_captured');
    end if;
  end loop;
  perform ledger.mark_order_of_card(v_card);
  return v_problem;
end $function$;

CREATE OR REPLACE FUNCTION ledger.book_card_refund (
  p_step       ledger.card_step,
  p_object_id  text,
  p_amount     bigint,
  p_has_failed boolean,
  p_refund_id  uuid,
  p_allows     boolean
)
  RETURNS text
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_card public.card_payments := p_step.card;
  v_payout_id uuid := ledger.payout_of_card_refund(v_card, p_object_id, p_refund_id, p_amount);
  v_left bigint := p_amount;
  v_reason text := 'refunded by ' || v_card.provider;
  v_problem text;
begin
  if v_payout_id is not null then
    v_problem := ledger.settle_card_refund(p_step, p_object_id, v_payout_id, case when p_has_failed and (
                   select f.payout_status from public.refunds f where f.account_id = v_card.account_id and f.id = v_payout_id) = 'failed'
                   then 'failed' else 'paid' end, 'paid_out') ->> 'error_code';
    -- one that was withdrawn, and whose money the order does not hold any more, is as if it had never been to be paid out
    if v_problem is distinct from 'refund_conflict' or not exists (
      select from public.refunds f where f.account_id = v_card.account_id and f.id = v_payout_id and f.payout_status = 'withdrawn') then
      return v_problem;
    end if;
  elsif p_refund_id is not null or exists (
    select from public.refunds f
    where f.account_id = v_card.account_id and f.order_id = v_card.order_id and f.payout_amount = p_amount
      and f.payout_status in ('paid', 'failed') and not ledger.is_refund_of_a_card(f.id)) then
    return 'refund_mismatch';
  end if;

  if p_allows then
    v_left := v_left - ledger.take_out_of_card(p_step, 'surplus_returned', p_object_id, true, v_left, v_reason, true);
    v_left := v_left - ledger.allow_to_card(p_step, p_object_id, v_left);
  end if;
  if p_has_failed then
    return null;
  end if;
  v_left := v_left - ledger.take_out_of_card(p_step, 'taken_out', p_object_id, true, v_left, v_reason, true);
  v_left := v_left - ledger.take_out_of_card(p_step, 'taken_out', p_object_id, true, v_left, v_reason, false);
  return case when v_left > 0 then 'more_than_captured' end;
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
  select d.check_code, d.subject, d.expected, d.found from ledger.differences_of_cards() d
  union all
  select d.check_code, d.subject, d.expected, d.found from ledger.differences_of_allocations() d
  union all
  select d.check_code, d.subject, d.expected, d.found from ledger.differences_of_invoices() d
  union all
  select d.check_code, d.subject, d.expected, d.found from ledger.differences_of_receipts() d
  union all
  select d.check_code, d.subject, d.expected, d.found from ledger.differences_of_grace() d
  union all
  select d.check_code, d.subject, d.expected, d.found from ledger.differences_of_fulfilment() d
  union all
  select d.check_code, d.subject, d.expected, d.found from ledger.differences_of_vendors() d
  union all
  select d.check_code, d.subject, d.expected, d.found from ledger.differences_of_texts() d
  union all
  select d.check_code, d.subject, d.expected, d.found from ledger.differences_of_imports() d;
$function$;

CREATE OR REPLACE FUNCTION ledger.book_imported_invoices (
  p_run      public.import_runs,
  p_invoices ledger.invoice_to_import[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  update public.accounts a set version = n.version, updated_at = clock_timestamp()
  from (select i.account_id, max(i.account_version) as version from unnest(p_invoices) i group by i.account_id) n
  where a.id = n.account_id;
  insert into public.transactions
    (id, account_id, account_version, type, amount, balance_after, reference_id, actor_id, actor_action, metadata, correlation_id)
  select i.transaction_id, i.account_id, i.account_version, 'invoice_issued', 0, i.balance_after, i.invoice_id, p_run.applied_by,
         'invoice imported', jsonb_build_object('import_run_id', p_run.id), p_run.id
  from unnest(p_invoices) i;
  insert into public.postings (account_id, transaction_id, leg_number, debit_account, credit_account, amount, currency)
  select i.account_id, i.transaction_id, l.leg_number, 'receivable', l.credit_account, l.amount, p_run.currency
  from unnest(p_invoices) i
  cross join lateral (values (1, 'revenue', i.amount - i.tax_amount), (2, 'tax_payable', i.tax_amount)) l (leg_number, credit_account, amount)
  where l.amount > 0;

  -- the debt: what is claimed rises
  insert into public.account_debt_cache as c (account_id, invoiced_amount, version)
  select i.account_id, sum(i.amount), count(*) from unnest(p_invoices) i group by i.account_id
  on conflict (account_id) do update set
    invoiced_amount = c.invoiced_amount + excluded.invoiced_amount,
    version = c.version + excluded.version,
    updated_at = clock_timestamp();
  insert into public.debt_movements
    (account_id, account_version, transaction_id, invoiced_change, allocated_change, unapplied_change, debt_after, unapplied_after)
  select i.account_id, i.account_version, i.transaction_id, i.amount, 0, 0, i.debt_after, i.unapplied_after
  from unnest(p_invoices) i;
end $function$;

CREATE OR REPLACE FUNCTION ledger.booked_of_card (
  p_card_payment_id uuid,
  p_kinds           text[],
  p_object_id       text    DEFAULT NULL::text,
  p_is_refund       boolean DEFAULT NULL::boolean
)
  RETURNS bigint
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (select coalesce(sum(b.amount), 0)::bigint
          from public.card_bookings b
          where b.card_payment_id = p_card_payment_id and b.kind = any (p_kinds) 
            and (p_object_id is null or (b.object_id = p_object_id and b.is_refund = p_is_refund)));
end $function$;

CREATE OR REPLACE FUNCTION ledger.cancellation_rows (
  p_run_id uuid,
  p_number text
)
  RETURNS TABLE (
    row_number bigint,
    name       text
  )
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  select w.row_number, format('%s#%s', p_number, md5(jsonb_build_array(s.said, row_number() over (partition by s.said order by w.row_number))::text))
  from public.import_rows w
  cross join lateral (select jsonb_build_array(w.parsed -> 'sku', w.parsed -> 'unit_price_amount', w.parsed -> 'quantity')) s (said)
  where w.run_id = p_run_id and w.external_id = p_number and w.parsed ? 'order_number';
$function$;

CREATE OR REPLACE FUNCTION ledger.capture_card (
  p_step      ledger.card_step,
  p_kind      text,
  p_object_id text,
  p_is_refund boolean,
  p_amount    bigint
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_card public.card_payments := p_step.card;
  v_order public.orders := (select o from public.orders o where o.account_id = v_card.account_id and o.id = v_card.order_id);
  v_account public.accounts := (select a from public.accounts a where a.id = v_card.account_id);
  v_captured ledger.captured_payment;
begin
  v_captured := ledger.capture_payment(
    v_account, v_order, null, p_amount, 'card', ledger.reference_of_card(v_card),
    case p_kind when 'captured' then 'captured by ' when 'put_back' then 'kept after all, by ' else 'refund failed at ' end || v_card.provider,
    'card', p_step.actor, p_step.correlation_id);
  if v_captured.refusal is null then
    perform ledger.write_card_booking(p_step, p_kind, p_object_id, p_is_refund, p_amount, v_captured.payment_id, null, v_captured.transaction_id);
  end if;
  return v_captured.refusal;
end $function$;

CREATE OR REPLACE FUNCTION ledger.capture_payment (
  p_account        public.accounts,
  p_order          public.orders,
  p_invoice_id     uuid,
  p_amount         bigint,
  p_method         text,
  p_reference      text,
  p_notes          text,
  p_source         text,
  p_actor          ledger.actor,
  p_correlation_id uuid,
  p_confirm        boolean                  DEFAULT NULL::boolean,
  p_external_id    text                     DEFAULT NULL::text,
  p_paid_at        timestamp with time zone DEFAULT NULL::timestamp WITH time zone
)
  RETURNS ledger.captured_payment
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_order_is_open boolean := p_order.status not in ('rejected', 'cancelled', 'refunded');
  v_invoice public.invoices;
  v_reference text := nullif(regexp_replace(p_reference, '^\s+|\s+$', '', 'g'), '');
  v_unapplied bigint;
  v_payment_id uuid := ledger.uuid_v7();
  v_account_id uuid;
  v_order public.orders := p_order;
  v_transaction public.transactions;
  v_result ledger.captured_payment;
begin
  -- lock: invoice
  select i.* into v_invoice
  from public.invoices i
  where i.account_id = p_account.id and i.kind = 'invoice' and i.status = 'issued'
    and case when p_invoice_id is null then i.order_id = p_order.id else i.id = p_invoice_id end
  for no key update;

  -- check
  if v_invoice.id is not null then
    v_result.allocated_amount := case when v_order_is_open is not false
        and (v_invoice.source <> 'import' or ledger.refuse_during_backfill() is null)
      then least(p_amount, (select b.remaining_amount from public.invoice_balance_cache b
                            where b.account_id = p_account.id and b.invoice_id = v_invoice.id)) else 0 end;
  end if;
  v_result.allocated_amount := coalesce(v_result.allocated_amount, 0);
  v_result.applied_amount := case when v_invoice.id is null and v_order_is_open then least(p_amount, p_order.amount_due) else 0 end;
  v_result.credit_amount := case when p_order.id is not null and (v_invoice.id is null or not v_order_is_open)
                                 then p_amount - v_result.applied_amount else 0 end;
  v_unapplied := p_amount - v_result.applied_amount - v_result.credit_amount;
  v_result.unapplied_amount := v_unapplied - v_result.allocated_amount;
  v_result.refusal := case
    when p_invoice_id is not null and v_invoice.id is null then ledger.refuse_invoice(p_account.id, p_invoice_id)
    when p_order.paid_amount + v_result.applied_amount + v_result.allocated_amount > 9007199254740991
      or p_account.total_earned + v_result.credit_amount > 9007199254740991
      or v_unapplied + (select c.unapplied_amount from public.account_debt_cache c where c.account_id = p_account.id) > 9007199254740991 then
      ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
    when exists (select from public.payments p
                 where p.method = p_method and ledger.reference_key(p.reference) = ledger.reference_key(v_reference) and p.status = 'captured') then
      ledger.refuse('payment_reference_used', jsonb_build_object('method', p_method, 'reference', v_reference))
    -- a surplus would be nobody's
    when v_result.credit_amount + v_result.unapplied_amount > 0 then ledger.refuse_erased(p_account.user_id)
  end;
  if v_result.refusal is not null then
    return v_result;
  end if;

  -- write: payment, and the account if it is the first of it; two records of the same transfer that are made at once
  -- meet in its index, and the second writes neither
  with captured as (
    insert into public.payments
      (id, account_id, order_id, currency, method, amount, applied_amount, credit_amount, reference, notes, recorded_by, source, external_id, paid_at)
    values
      (v_payment_id, p_account.id, p_order.id, p_account.currency, p_method, p_amount, v_result.applied_amount, v_result.credit_amount,
       v_reference, p_notes, p_actor.user_id, p_source, p_external_id, coalesce(p_paid_at, clock_timestamp()))
    on conflict (method, ledger.reference_key(reference)) where reference is not null and status = 'captured' do nothing
    returning account_id),
  opened as (
    insert into public.accounts (id, user_id, currency)
    select c.account_id, p_account.user_id, p_account.currency from captured c where p_account.version is null)
  select c.account_id into v_account_id from captured c;
  if v_account_id is null then
    v_result.refusal := ledger.refuse('payment_reference_used', jsonb_build_object('method', p_method, 'reference', v_reference));
    return v_result;
  end if;

  -- write: order, transaction, postings
  if p_order.id is not null and v_invoice.id is null then
    v_order := ledger.pay_order(p_account.id, p_order.id, v_result.applied_amount,
                                case when v_order_is_open and v_result.credit_amount > 0 then 'overpaid' else p_order.payment_status end);
  elsif p_order.id is not null then
    v_order := ledger.pay_order(p_account.id, p_order.id, 0, p_order.payment_status);
  end if;
  v_transaction := ledger.write_transaction(
    p_account.id, case p_source when 'import' then 'payment_imported' else 'payment_recorded' end, p_actor,
    coalesce(p_notes, 'payment recorded'), p_correlation_id,
    p_earned => v_result.credit_amount, p_order_id => p_order.id, p_reference_id => v_payment_id);
  perform ledger.write_postings(v_transaction, p_account.currency, array[
    row('bank', case p_order.status when 'delivered' then 'receivable' else 'order_escrow' end, v_result.applied_amount),
    row('bank', 'wallet', v_result.credit_amount),
    row('bank', 'unapplied_payments', v_unapplied)]::ledger.posting_leg[]);

  -- record
  perform ledger.record_operation('payment.recorded', case when p_order.id is null then 'payment' else 'order' end,
    coalesce(p_order.id, v_payment_id), p_account.id,
    ledger.balance_effect(v_transaction, p_earned => v_result.credit_amount)
      || ledger.write_debt_movement(v_transaction, p_unapplied => v_unapplied)
      || jsonb_build_object(
      'order_number', p_order.order_number, 'invoice_id', v_invoice.id, 'payment_id', v_payment_id, 'currency', p_account.currency,
      'method', p_method, 'reference', v_reference, 'source', p_source, 'payment_amount', p_amount, 'applied_amount', v_result.applied_amount,
      'credit_amount', v_result.credit_amount, 'payment_status', v_order.payment_status, 'outstanding_amount', v_order.outstanding_amount,
      'notes', p_notes),
    p_actor, p_correlation_id);

  -- the invoice gets its part; what is covered by now goes on
  if v_result.allocated_amount > 0 then
    perform ledger.allocate(p_account.id, v_payment_id, array[row(v_invoice.id, v_result.allocated_amount)]::ledger.allocation_line[],
                            case when p_invoice_id is null then 'auto' else 'manual' end, p_actor, p_correlation_id, p_confirm => p_confirm);
  elsif v_order_is_open and v_invoice.id is null then
    perform ledger.confirm_when_covered(v_order, p_actor, p_confirm);
  end if;

  v_result.payment_id := v_payment_id;
  v_result.invoice_id := v_invoice.id;
  v_result.transaction_id := v_transaction.id;
  select o.status, o.payment_status, o.outstanding_amount
  into v_result.order_status, v_result.payment_status, v_result.outstanding_amount
  from public.orders o
  where o.account_id = p_account.id and o.id = p_order.id;
  v_result.available_balance := v_transaction.balance_after;
  return v_result;
end $function$;

CREATE OR REPLACE FUNCTION ledger.card_allows (
  p_card     public.card_payments,
  p_is_final boolean
)
  RETURNS boolean
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return p_is_final and exists (
    select from public.orders o
    where o.account_id = p_card.account_id and o.id = p_card.order_id
      and o.status in ('confirmed', 'processing', 'shipped', 'delivered') and o.outstanding_amount = 0);
end $function$;

CREATE OR REPLACE FUNCTION ledger.card_answer (
  p_card     public.card_payments,
  p_event_id text,
  p_is_new   boolean
)
  RETURNS public.ledger_confirm_payment_result
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_order public.orders := (select o from public.orders o where o.id = p_card.order_id);
  v_transaction_id uuid := (select b.transaction_id from public.card_bookings b
                            where b.card_payment_id = p_card.id and b.event_id = p_event_id
                            order by b.id desc limit 1);
  v_problem text := (select u.reason from public.card_events_unmatched u where u.provider = p_card.provider and u.event_id = p_event_id);
begin
  return row(
    true, v_transaction_id, null, null, null, p_card.id, p_card.order_id, p_card.status,
    case when not p_is_new then 'repeated' when v_problem is not null then 'unmatched' when v_transaction_id is not null then 'booked' else 'kept' end,
    v_problem, p_card.captured_amount, p_card.refunded_amount, p_card.charged_back_amount,
    v_order.status, v_order.payment_status, v_order.outstanding_amount)::public.ledger_confirm_payment_result;
end $function$;

CREATE OR REPLACE FUNCTION ledger.card_disputes (
  p_card public.card_payments
)
  RETURNS TABLE (
    object_id text,
    amount    bigint
  )
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return query
    select e.object_id, case when bool_or(e.kind = 'charge_back_won') then 0 else max(e.amount) end
    from public.card_events e
    where e.card_payment_id = p_card.id and e.kind in ('charged_back', 'charge_back_won') and e.currency = p_card.currency
      and (e.amount > 0 or e.kind = 'charge_back_won')
    group by e.object_id;
end $function$;

CREATE OR REPLACE FUNCTION ledger.card_facts_of (
  p_card public.card_payments
)
  RETURNS ledger.card_facts
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_facts ledger.card_facts;
  v_is_voided boolean;
  v_has_failed boolean;
begin
  select coalesce(max(e.amount) filter (where e.kind = 'authorised'), 0),
         -- the largest that was heard of: money that was captured does not become less by a smaller total
         coalesce(greatest(
           max(e.captured_total) filter (where e.kind = 'captured'),
           least(coalesce(sum(e.amount) filter (where e.kind = 'captured' and e.captured_total is null), 0), 9007199254740991)), 0),
         coalesce(bool_or(e.is_final) filter (where e.kind = 'captured'), false),
         max(e.expires_at) filter (where e.kind = 'authorised'),
         coalesce(bool_or(e.kind = 'voided'), false), coalesce(bool_or(e.kind = 'failed'), false)
  into v_facts.authorised_amount, v_facts.captured_amount, v_facts.is_final, v_facts.expires_at, v_is_voided, v_has_failed
  from public.card_events e
  where e.card_payment_id = p_card.id and e.currency = p_card.currency;
  v_facts.refunded_amount := (select least(coalesce(sum(r.amount) filter (where not r.has_failed), 0), 9007199254740991) from ledger.card_refunds(p_card) r);
  v_facts.charged_back_amount := (select least(coalesce(sum(d.amount), 0), 9007199254740991) from ledger.card_disputes(p_card) d);
  v_facts.status := case
    when v_facts.captured_amount > 0 and v_facts.charged_back_amount > 0 then 'charged_back'
    when v_facts.captured_amount > 0 and v_facts.refunded_amount >= v_facts.captured_amount then 'refunded'
    when v_facts.captured_amount > 0 then 'captured'
    when v_is_voided then 'voided'
    when v_facts.authorised_amount > 0 then 'authorised'
    when v_has_failed then 'failed'
    else 'announced'
  end;
  return v_facts;
end $function$;

CREATE OR REPLACE FUNCTION ledger.card_objects (
  p_card public.card_payments
)
  RETURNS TABLE (
    object_id               text,
    is_refund               boolean,
    amount                  bigint,
    has_failed              boolean,
    refund_id               uuid,
    settled_amount          bigint,
    taken_out_amount        bigint,
    has_failed_in_the_books boolean
  )
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return query
    select o.object_id, o.is_refund, o.amount, o.has_failed, o.refund_id,
           ledger.booked_of_card(p_card.id, '{surplus_returned,allowed,paid_out}', o.object_id, o.is_refund),
           ledger.booked_of_card(p_card.id, '{taken_out}', o.object_id, o.is_refund)
             - ledger.booked_of_card(p_card.id, '{put_back}', o.object_id, o.is_refund),
           ledger.booked_of_card(p_card.id, '{surplus_failed,payout_failed}', o.object_id, o.is_refund)
             >= ledger.booked_of_card(p_card.id, '{surplus_returned,allowed,paid_out}', o.object_id, o.is_refund)
    from (select r.object_id, true as is_refund, r.amount, r.has_failed, r.refund_id from ledger.card_refunds(p_card) r
          union all
          select d.object_id, false, d.amount, false, null from ledger.card_disputes(p_card) d) o
    order by o.object_id, o.is_refund;
end $function$;

CREATE OR REPLACE FUNCTION ledger.card_payment_named (
  p_provider text,
  p_event    jsonb
)
  RETURNS public.card_payments
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_name text := p_event ->> 'provider_payment_id';
  v_card public.card_payments;
  v_order public.orders;
begin
  v_card := ledger.lock_card_by_name(p_provider, v_name);
  if v_card.order_id is null then
    select o.* into v_order from public.orders o where o.id = ledger.uuid_in(p_event ->> 'order_id');
  end if;
  if v_card.id is null then
    insert into public.card_payments as c (provider, provider_payment_id, order_id, account_id, currency)
    values (p_provider, v_name, v_order.id, v_order.account_id, v_order.currency)
    returning c.* into v_card;
  elsif v_order.id is not null then
    update public.card_payments c set order_id = v_order.id, account_id = v_order.account_id, currency = v_order.currency,
      updated_at = clock_timestamp()
    where c.id = v_card.id
    returning c.* into v_card;
  end if;
  return v_card;
end $function$;

CREATE OR REPLACE FUNCTION ledger.card_refunds (
  p_card public.card_payments
)
  RETURNS TABLE (
    object_id  text,
    amount     bigint,
    has_failed boolean,
    refund_id  uuid
  )
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return query
    select e.object_id, max(e.amount), bool_or(e.kind = 'refund_failed'), (max(e.refund_id::text))::uuid
    from public.card_events e
    where e.card_payment_id = p_card.id and e.kind in ('refunded', 'refund_failed') and e.currency = p_card.currency and e.amount > 0
    group by e.object_id;
end $function$;

CREATE OR REPLACE FUNCTION ledger.change_flag (
  p_key        text,
  p_state      text,
  p_percentage integer,
  p_reason     text,
  p_actor      ledger.actor,
  p_run_id     uuid         DEFAULT NULL::uuid
)
  RETURNS boolean
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_flag public.feature_flags;
begin
  select f.* into v_flag from public.feature_flags f where f.key = p_key for update;
  if (v_flag.state, v_flag.percentage) = (p_state, p_percentage) then
    return false;
  end if;
  update public.feature_flags f set state = p_state, percentage = p_percentage, updated_at = clock_timestamp() where f.key = p_key;
  if p_key = 'allocation_dual_write' and v_flag.state = 'off' then
    perform ledger.fill_old_flags();
  end if;
  perform ledger.record_operation(
    case when p_run_id is null then 'flag.changed' else 'flag.switched_off' end, 'feature_flag', md5(p_key)::uuid, null,
    jsonb_build_object('flag', p_key, 'from_state', v_flag.state, 'from_percentage', v_flag.percentage, 'to_state', p_state,
                       'to_percentage', p_percentage, 'cause', p_reason, 'run_id', p_run_id),
    p_actor, ledger.correlation_id());
  return true;
end $function$;

CREATE OR REPLACE FUNCTION ledger.charge_back (
  p_locked         ledger.locked_payment,
  p_amount         bigint,
  p_reason         text,
  p_actor          ledger.actor,
  p_correlation_id uuid,
  p_surplus_first  boolean               DEFAULT false
)
  RETURNS ledger.charged_back_payment
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_payment public.payments := p_locked.payment;
  v_account public.accounts := p_locked.account;
  v_left bigint := v_payment.amount - v_payment.charged_back_amount;
  v_rest bigint := p_amount;
  v_surplus bigint := case when p_surplus_first then least(v_payment.credit_amount, p_amount) else 0 end;
  v_part record;
  v_taken bigint;
  v_order public.orders;
  v_transaction public.transactions;
  v_result ledger.charged_back_payment;
begin
  -- check
  v_result.refusal := case
    when v_payment.status <> 'captured' then
      ledger.refuse('payment_conflict', jsonb_build_object('payment_id', v_payment.id, 'status', v_payment.status))
    when p_amount is null or p_amount <= 0 then
      ledger.refuse('invalid_amount', jsonb_build_object('amount', p_amount, 'expected', 'above zero'))
    when p_amount > v_left then ledger.refuse('charge_back_exceeds_payment', jsonb_build_object(
      'payment_id', v_payment.id, 'currency', v_payment.currency, 'amount', p_amount, 'left', v_left))
    when v_account.total_earned - p_amount < -9007199254740991 then
      ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
  end;
  if v_result.refusal is not null then
    return v_result;
  end if;

  -- write: what is unapplied, payouts that wait, and what invoices have of it
  v_result.unapplied_amount := least(v_rest, v_payment.unapplied_amount);
  v_surplus := least(v_surplus, v_rest - v_result.unapplied_amount);
  if v_payment.order_id is not null then
    perform ledger.withdraw_payouts_for(v_payment, p_amount - v_surplus, p_actor, p_correlation_id);
  end if;
  v_rest := v_rest - v_result.unapplied_amount - v_surplus;
  v_result.allocated_amount := 0;
  for v_part in
    select l.invoice_id, i.order_id, l.allocated_amount as amount
    from ledger.live_allocations(v_account.id, p_payment_id => v_payment.id) l
    join public.invoices i on i.account_id = l.account_id and i.id = l.invoice_id
    order by l.id desc
  loop
    v_taken := least(v_rest, v_part.amount);
    if v_part.order_id is not null then
      v_taken := least(v_taken, (select ledger.held_from_outside(o) from public.orders o where o.id = v_part.order_id));
    end if;
    continue when v_taken <= 0;
    perform ledger.release_allocations(v_account.id, v_part.invoice_id, v_taken, p_actor, p_reason, p_correlation_id, v_payment.id);
    v_result.allocated_amount := v_result.allocated_amount + v_taken;
    v_rest := v_rest - v_taken;
  end loop;

  -- write: payment; what the order has of it, and what the wallet got
  select o.* into v_order from public.orders o where o.account_id = v_account.id and o.id = v_payment.order_id;
  v_result.applied_amount := greatest(least(v_rest, v_payment.applied_amount, coalesce(ledger.held_from_outside(v_order), 0)), 0);
  v_result.wallet_amount := v_surplus + v_rest - v_result.applied_amount;
  v_result.charged_back_amount := p_amount;
  update public.payments p set
    applied_amount = p.applied_amount - v_result.applied_amount,
    credit_amount = p.credit_amount - least(p.credit_amount, v_result.wallet_amount),
    charged_back_amount = p.charged_back_amount + p_amount,
    reclaimed_amount = p.reclaimed_amount + greatest(v_result.wallet_amount - p.credit_amount, 0),
    updated_at = clock_timestamp()
  where p.account_id = v_account.id and p.id = v_payment.id;
  if v_payment.order_id is not null then
    v_order := ledger.pay_order(v_account.id, v_payment.order_id, -v_result.applied_amount);
  end if;

  -- write: transaction, postings
  v_transaction := ledger.write_transaction(
    v_account.id, 'payment_charged_back', p_actor, coalesce(p_reason, 'payment charged back'), p_correlation_id,
    p_earned => -v_result.wallet_amount, p_order_id => v_payment.order_id, p_reference_id => v_payment.id);
  v_taken := v_result.unapplied_amount + v_result.allocated_amount;
  perform ledger.write_postings(v_transaction, v_payment.currency, array[
    row('unapplied_payments', 'bank', v_taken),
    row(case v_order.status when 'delivered' then 'receivable' else 'order_escrow' end, 'bank', v_result.applied_amount),
    row('wallet', 'bank', v_result.wallet_amount)]::ledger.posting_leg[]);

  -- record
  perform ledger.record_operation('payment.charged_back', case when v_payment.order_id is null then 'payment' else 'order' end,
    coalesce(v_payment.order_id, v_payment.id), v_account.id,
    ledger.balance_effect(v_transaction, p_earned => -v_result.wallet_amount)
      || case when v_order.id is not null
              then ledger.follow_order_invoice(v_order, v_transaction, p_actor => p_actor, p_unapplied => -v_taken)
              else ledger.write_debt_movement(v_transaction, p_unapplied => -v_taken) end
      || jsonb_build_object(
      'order_number', v_order.order_number, 'payment_id', v_payment.id, 'currency', v_payment.currency, 'payment_amount', v_payment.amount,
      'charged_back_amount', p_amount, 'unapplied_amount', v_result.unapplied_amount, 'allocated_amount', v_result.allocated_amount,
      'applied_amount', v_result.applied_amount, 'wallet_amount', v_result.wallet_amount, 'payment_status', v_order.payment_status,
      'outstanding_amount', v_order.outstanding_amount, 'reason', p_reason),
    p_actor, p_correlation_id);

  v_result.transaction_id := v_transaction.id;
  v_result.order_status := v_order.status;
  v_result.payment_status := v_order.payment_status;
  v_result.outstanding_amount := v_order.outstanding_amount;
  v_result.available_balance := v_transaction.balance_after;
  return v_result;
end $function$;

CREATE OR REPLACE FUNCTION ledger.check_balances()
  RETURNS bigint
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_result public.invoice_recalculate_result;
begin
  select r.* into v_result from public.invoice_recalculate() r;
  if v_result.difference_count > 0 then
    insert into ledger.outbox (type, payload)
    values ('balances.differ', jsonb_build_object('difference_count', v_result.difference_count,
            'first', (select jsonb_agg(d.difference order by d.ordinality)
                      from jsonb_array_elements(v_result.differences) with ordinality d (difference) where d.ordinality <= 20)));
  end if;
  return v_result.difference_count;
end $function$;

CREATE OR REPLACE FUNCTION ledger.check_debt_drift()
  RETURNS SETOF public.reconciliation_runs
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_phase text := current_setting('ledger.procedure', true);
  v_started_at timestamptz := clock_timestamp();
  v_dual_write text;
  v_check text;
  v_drifts ledger.drift[];
  v_accounts bigint;
  v_expected bigint;
  v_by_currency jsonb;
  v_run public.reconciliation_runs;
begin
  -- one run at a time, so that "in a row" means something
  perform pg_advisory_xact_lock(hashtextextended('check debt drift', 0));
  perform set_config('ledger.procedure', 'ledger.check_debt_drift', true);
  -- held: flags that stop being kept while they are compared would read as drift
  select f.state into v_dual_write from public.feature_flags f where f.key = 'allocation_dual_write' for share;
  foreach v_check in array case v_dual_write when 'off' then array['debt_cache'] else array['debt_cache', 'old_flags'] end loop
    with compared as materialized (
      select d.* from ledger.drift_of_cache() d where v_check = 'debt_cache'
      union all
      select d.* from ledger.drift_of_old_flags() d where v_check = 'old_flags'),
    summed as (
      select c.currency, count(*) as accounts, sum(c.expected) as expected, sum(abs(c.found - c.expected)) as diff from compared c group by c.currency)
    select (select array_agg(row(c.account_id, c.currency, c.expected, c.found, c.differs_elsewhere)::ledger.drift
                             order by abs(c.found - c.expected) desc, c.account_id)
            from compared c where c.found <> c.expected or c.differs_elsewhere),
           coalesce(sum(s.accounts), 0), coalesce(sum(s.expected), 0),
           coalesce(jsonb_object_agg(s.currency, jsonb_build_object('accounts', s.accounts, 'expected', s.expected, 'diff', s.diff)), '{}')
    into v_drifts, v_accounts, v_expected, v_by_currency
    from summed s;
    v_run := ledger.write_drift_run(v_check, v_drifts, v_accounts, v_by_currency, v_started_at, v_expected,
                                    case v_check when 'old_flags' then ledger.dual_write_figures() else '{}' end);
    perform ledger.switch_off_what_drifted(v_run);
    return next v_run;
  end loop;
  perform set_config('ledger.procedure', coalesce(v_phase, ''), true);
end $function$;

CREATE OR REPLACE FUNCTION ledger.check_flag()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_refusal jsonb := ledger.refuse_flag(old, new.state, new.percentage);
begin
  if old.key = 'allocation_dual_write' and old.state = 'off' and new.state <> 'off'
     and coalesce(current_setting('ledger.procedure', true), '') = '' then
    raise exception using errcode = 'insufficient_privilege',
      message = 'dual writing is not switched on by hand: the old flags have to take over what is allocated so far',
      hint = 'Call ledger_set_flag.';
  elsif v_refusal is not null then
    raise exception using errcode = 'check_violation', message = v_refusal ->> 'error_message', detail = (v_refusal -> 'error_details')::text;
  end if;
  return new;
end $function$;

CREATE OR REPLACE FUNCTION ledger.claiming_invoices (
  p_account_id uuid
)
  RETURNS TABLE (
    invoice_id       uuid,
    issued_at        timestamp with time zone,
    remaining_amount bigint
  )
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return query
    select i.id, i.issued_at, b.remaining_amount
    from public.invoices i
    join public.invoice_balance_cache b on b.account_id = i.account_id and b.invoice_id = i.id
    where i.account_id = p_account_id and i.source = 'import' and i.kind = 'invoice' and i.status = 'issued';
end $function$;

CREATE OR REPLACE FUNCTION ledger.confirm_when_covered (
  p_order   public.orders,
  p_actor   ledger.actor,
  p_confirm boolean       DEFAULT NULL::boolean
)
  RETURNS ledger.order_change
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  if p_order.status <> 'pending' or p_order.amount_due > 0
     or not coalesce(p_confirm, ledger.setting_text('auto_confirm_when_paid')::boolean)
     or ledger.refuse_transition(p_order, 'confirmed') is not null then
    return null;
  end if;
  return ledger.apply_order_status(p_order, 'confirmed', p_actor, 'confirmed when it was paid', '{}');
end $function$;

CREATE OR REPLACE FUNCTION ledger.count_allocation()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_reversed public.payment_allocations;
begin
  -- what a row says of others
  if new.reverses_allocation_id is not null then
    select a.* into v_reversed from public.payment_allocations a where a.id = new.reverses_allocation_id;
    if (v_reversed.payment_id, v_reversed.invoice_id, v_reversed.allocated_amount) is distinct from (new.payment_id, new.invoice_id, -new.allocated_amount) then
      raise exception using errcode = 'check_violation', constraint = 'reversal_is_of_all_of_its_row', table = 'payment_allocations', schema = 'public',
        message = format('allocation %s reverses %s, but not with the same payment, invoice and amount', new.id, new.reverses_allocation_id);
    end if;
  elsif exists (
    select from public.payment_allocations a
    where a.payment_id = new.payment_id and a.invoice_id = new.invoice_id and a.id <> new.id and a.reverses_allocation_id is null
      and not exists (select from public.payment_allocations r where r.reverses_allocation_id = a.id)) then
    raise exception using errcode = 'check_violation', constraint = 'one_live_row_per_payment_and_invoice', table = 'payment_allocations', schema = 'public',
      message = format('payment %s has a live allocation to invoice %s already', new.payment_id, new.invoice_id),
      hint = 'Reverse it with ledger_reverse_allocation, then allocate the amount that is right.';
  end if;

  -- the payment, then the invoice; their constraints refuse what is too much
  update public.payments p set allocated_amount = p.allocated_amount + new.allocated_amount, updated_at = clock_timestamp()
  where p.account_id = new.account_id and p.id = new.payment_id;
  if not found then
    raise exception using errcode = 'foreign_key_violation', constraint = 'payment_is_of_the_account', table = 'payment_allocations', schema = 'public',
      message = format('payment %s is not of account %s', new.payment_id, new.account_id);
  end if;
  update public.invoice_balance_cache b set
    allocated_total = b.allocated_total + new.allocated_amount,
    version = b.version + 1,
    updated_at = clock_timestamp()
  where b.account_id = new.account_id and b.invoice_id = new.invoice_id;
  if not found then
    raise exception using errcode = 'foreign_key_violation', constraint = 'invoice_is_of_the_account', table = 'payment_allocations', schema = 'public',
      message = format('invoice %s is not of account %s', new.invoice_id, new.account_id);
  end if;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION ledger.credit_used (
  p_account_id uuid,
  p_order_id   uuid                       DEFAULT NULL::uuid,
  OUT          debt_amount bigint,
  OUT          not_invoiced_amount bigint
)
  RETURNS record
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  debt_amount := coalesce((select c.debt_amount from public.account_debt_cache c where c.account_id = p_account_id), 0);
  select coalesce(sum(o.amount_due), 0) into not_invoiced_amount
  from public.orders o
  where o.account_id = p_account_id and o.payment_method = 'invoice' and o.status not in ('rejected', 'cancelled', 'refunded')
    and o.amount_due > 0 and o.id is distinct from p_order_id
    and not exists (select from public.invoices i
                    where i.order_id = o.id and i.account_id = p_account_id and i.kind = 'invoice' and i.status = 'issued');
end $function$;

CREATE OR REPLACE FUNCTION ledger.credited_units (
  p_invoice public.invoices
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
    from public.invoices n
    join public.invoice_lines l on l.invoice_id = n.id
    join public.invoice_lines i on i.invoice_id = p_invoice.id and i.line_number = l.line_number
    where n.account_id = p_invoice.account_id and n.credits_invoice_id = p_invoice.id
    group by l.line_number;
end $function$;

CREATE OR REPLACE FUNCTION ledger.currency_of_word (
  p_word     text,
  p_currency text,
  OUT        is_known boolean,
  OUT        factor integer
)
  RETURNS record
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_word text := upper(regexp_replace(p_word, '[\s\u200c._-]', '', 'g'));
  v_meant text[];
begin
  factor := 1;
  if v_word = p_currency then
    is_known := true;
    return;
  end if;
  v_meant := case
    when v_word in ('ریال', 'ريال', '﷼', 'RIAL', 'RIALS', 'RLS') then '{IRR}'
    when v_word in ('تومان', 'تومن', 'TOMAN', 'TOMANS', 'IRT') then '{IRR}'
    when v_word in ('$', 'US$', 'DOLLAR', 'DOLLARS', 'دلار') then '{USD,CAD,AUD,NZD,SGD,HKD,MXN}'
    when v_word in ('€', 'EURO', 'EUROS', 'یورو') then '{EUR}'
    when v_word in ('£', 'POUND', 'POUNDS') then '{GBP}'
    when v_word in ('¥', '円') then '{JPY,CNY}'
    when v_word in ('₹', 'RS') then '{INR}'
    when v_word in ('₺', 'TL') then '{TRY}'
    when v_word in ('دینار', 'دينار', 'دع') then '{IQD,KWD,BHD,JOD}'
    when v_word in ('درهم', 'دإ') then '{AED}'
    else (select array[c.code] from public.currencies c where c.code = v_word)
  end;
  is_known := v_meant is not null;
  factor := case when p_currency <> all (v_meant) or (v_word = 'US$' and p_currency <> 'USD') then 0
                 when v_word in ('تومان', 'تومن', 'TOMAN', 'TOMANS', 'IRT') then 10 else 1 end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.debt_figures (
  p_invoiced  bigint,
  p_allocated bigint,
  p_unapplied bigint
)
  RETURNS jsonb
  LANGUAGE sql
  IMMUTABLE
  PARALLEL SAFE
RETURN jsonb_build_object('debt_amount', (p_invoiced - p_allocated), 'invoiced_amount', p_invoiced, 'allocated_amount', p_allocated, 'unapplied_amount', p_unapplied);

CREATE OR REPLACE FUNCTION ledger.decimal_mark (
  p_body     text,
  p_decimal  text,
  p_exponent integer
)
  RETURNS text
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_marks text := regexp_replace(p_body, '[0-9]', '', 'g');
  v_last text := right(v_marks, 1);
  v_others text := left(v_marks, -1);
  v_may_group boolean;
  v_may_be_decimal boolean;
begin
  if v_marks = '' then
    return '';
  end if;
  -- grouped before the last mark by one kind of mark and in threes, or not at all
  v_may_be_decimal := v_last in ('.', ',', '٫') and position(v_last in v_others) = 0
    and v_others = repeat(left(v_others, 1), length(v_others)) and position('٫' in v_others) = 0
    and (v_others = '' or p_body ~ '^[1-9][0-9]{0,2}([^0-9][0-9]{3})+[^0-9][0-9]+$');
  v_may_group := v_marks = repeat(v_last, length(v_marks)) and v_last <> '٫' and p_body ~ '^[1-9][0-9]{0,2}([^0-9][0-9]{3})+$';
  -- what the options say, where the marks leave a choice
  if p_decimal is not null then
    v_may_group := v_may_group and v_last <> p_decimal;
    v_may_be_decimal := v_may_be_decimal and v_last in (p_decimal, '٫') and left(v_others, 1) <> p_decimal;
  elsif v_may_group and v_may_be_decimal and v_last = ',' and p_exponent <> 3 then
    -- 1,234: three decimals are none of this currency
    v_may_be_decimal := false;
  end if;
  return case when v_may_group and v_may_be_decimal then null
              when v_may_be_decimal then v_last
              when v_may_group then '' else '!' end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.differences_of_allocations()
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
  with by_payment as (
    select l.payment_id, sum(l.allocated_amount) as amount from public.payment_allocations l group by l.payment_id),
  by_invoice as (
    select l.invoice_id, sum(l.allocated_amount) as amount from public.payment_allocations l group by l.invoice_id),
  moved as (
    select m.account_id, sum(m.invoiced_change) as invoiced, sum(m.allocated_change) as allocated, sum(m.unapplied_change) as unapplied,
           (array_agg(m.debt_after order by m.account_version desc))[1] as debt_after,
           (array_agg(m.unapplied_after order by m.account_version desc))[1] as unapplied_after
    from public.debt_movements m
    group by m.account_id)
  -- I1, I6
  select 'payment_gives_at_most_its_amount', p.id::text, format('at most %s', case p.status when 'captured' then p.amount else 0 end), g.amount::text
  from public.payments p join by_payment g on g.payment_id = p.id
  where g.amount > case p.status when 'captured' then p.amount else 0 end or g.amount < 0
  union all
  -- I2, I7
  select 'invoice_takes_at_most_its_amount', i.id::text, format('at most %s', i.amount), g.amount::text
  from public.invoices i join by_invoice g on g.invoice_id = i.id
  where g.amount > i.amount or g.amount < 0
  union all
  -- I3
  select 'invoice_remaining_is_amount_less_allocations', coalesce(i.id, b.invoice_id)::text,
         format('%s of account %s', i.amount - coalesce(g.amount, 0), i.account_id), format('%s of account %s', b.remaining_amount, b.account_id)
  from (select n.* from public.invoices n where n.kind = 'invoice') i
  full join public.invoice_balance_cache b on b.invoice_id = i.id
  left join by_invoice g on g.invoice_id = i.id
  where (b.account_id, b.amount, b.remaining_amount) is distinct from (i.account_id, i.amount, (i.amount - coalesce(g.amount, 0))::bigint)
  union all
  -- I4, I8, I9
  select 'invoice_status_follows_what_remains', b.invoice_id::text, w.status, b.status_cached
  from public.invoice_balance_cache b
  join public.invoices i on i.id = b.invoice_id
  left join by_invoice g on g.invoice_id = b.invoice_id
  cross join lateral (select case when i.amount - coalesce(g.amount, 0) = 0 then 'paid'
                                  when i.amount - coalesce(g.amount, 0) = i.amount then 'unpaid' else 'partial' end as status) w
  where b.status_cached <> w.status
  union all
  -- I5, and I10: no drift at all
  select 'debt_is_invoices_less_allocations', coalesce(r.account_id, c.account_id)::text,
         format('%s/%s/%s', coalesce(r.invoiced_amount, 0), coalesce(r.allocated_amount, 0), coalesce(r.unapplied_amount, 0)),
         format('%s/%s/%s', coalesce(c.invoiced_amount, 0), coalesce(c.allocated_amount, 0), coalesce(c.unapplied_amount, 0))
  from ledger.recomputed_debts() r
  full join public.account_debt_cache c on c.account_id = r.account_id
  where (coalesce(r.invoiced_amount, 0), coalesce(r.allocated_amount, 0), coalesce(r.unapplied_amount, 0))
        <> (coalesce(c.invoiced_amount, 0), coalesce(c.allocated_amount, 0), coalesce(c.unapplied_amount, 0))
  union all
  select 'debt_replays_from_events', coalesce(c.account_id, e.account_id)::text,
         format('%s/%s/%s', coalesce(c.invoiced_amount, 0), coalesce(c.allocated_amount, 0), coalesce(c.unapplied_amount, 0)),
         format('%s/%s/%s', coalesce(e.invoiced_amount, 0), coalesce(e.allocated_amount, 0), coalesce(e.unapplied_amount, 0))
  from public.account_debt_cache c
  full join ledger.replayed_debts() e on e.account_id = c.account_id
  where (coalesce(c.invoiced_amount, 0), coalesce(c.allocated_amount, 0), coalesce(c.unapplied_amount, 0))
        <> (coalesce(e.invoiced_amount, 0), coalesce(e.allocated_amount, 0), coalesce(e.unapplied_amount, 0))
  union all
  select 'debt_equals_its_movements', coalesce(c.account_id, m.account_id)::text,
         format('%s/%s/%s, last %s/%s', coalesce(c.invoiced_amount, 0), coalesce(c.allocated_amount, 0), coalesce(c.unapplied_amount, 0),
                coalesce(c.debt_amount, 0), coalesce(c.unapplied_amount, 0)),
         format('%s/%s/%s, last %s/%s', coalesce(m.invoiced, 0), coalesce(m.allocated, 0), coalesce(m.unapplied, 0),
                coalesce(m.debt_after, 0), coalesce(m.unapplied_after, 0))
  from public.account_debt_cache c
  full join moved m on m.account_id = c.account_id
  where (coalesce(c.invoiced_amount, 0), coalesce(c.allocated_amount, 0), coalesce(c.unapplied_amount, 0), coalesce(c.debt_amount, 0), coalesce(c.unapplied_amount, 0))
        <> (coalesce(m.invoiced, 0), coalesce(m.allocated, 0), coalesce(m.unapplied, 0), coalesce(m.debt_after, 0), coalesce(m.unapplied_after, 0))
  union all
  select 'debt_movement_is_of_its_transaction', format('%s/%s', m.account_id, m.account_version), m.transaction_id::text, t.id::text
  from public.debt_movements m
  left join public.transactions t on t.account_id = m.account_id and t.account_version = m.account_version
  where t.id is distinct from m.transaction_id
  union all
  select 'one_allocation_is_live_per_payment_and_invoice', format('%s/%s', l.payment_id, l.invoice_id), '1', count(*)::text
  from public.payment_allocations l
  where l.reverses_allocation_id is null
    and not exists (select from public.payment_allocations r where r.reverses_allocation_id = l.id)
  group by l.payment_id, l.invoice_id
  having count(*) > 1
  union all
  select 'reversal_is_of_all_of_its_row', r.id::text, format('%s %s %s', l.payment_id, l.invoice_id, -l.allocated_amount),
         format('%s %s %s', r.payment_id, r.invoice_id, r.allocated_amount)
  from public.payment_allocations r
  join public.payment_allocations l on l.id = r.reverses_allocation_id
  where (l.account_id, l.payment_id, l.invoice_id, -l.allocated_amount) <> (r.account_id, r.payment_id, r.invoice_id, r.allocated_amount)
  union all
  select 'allocation_refers_to_what_is_there', l.id::text, 'payment, invoice and transaction of its account', l.account_id::text
  from public.payment_allocations l
  left join public.payments p on p.id = l.payment_id and p.account_id = l.account_id
  left join public.invoices i on i.id = l.invoice_id and i.account_id = l.account_id and i.kind = 'invoice' and i.currency = p.currency
  left join public.transactions t on t.id = l.transaction_id and t.account_id = l.account_id and t.order_id is not distinct from i.order_id
  where p.id is null or i.id is null or t.id is null;
$function$;

CREATE OR REPLACE FUNCTION ledger.differences_of_cards()
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
    select b.card_payment_id,
           sum(b.amount) filter (where b.kind = 'captured') as captured
    from public.card_bookings b
    group by b.card_payment_id),
  per_payment as (
    select b.payment_id,
           sum(b.amount) filter (where b.kind in ('captured', 'put_back', 'surplus_failed')) as came_in,
           sum(b.amount) filter (where b.kind in ('taken_out', 'surplus_returned')) as went_out,
           array_agg(distinct b.account_id) as account_ids
    from public.card_bookings b
    where b.payment_id is not null
    group by b.payment_id)
  select 'card_payment_equals_its_events', c.id::text,
         format('%s %s/%s/%s/%s', f.status, f.authorised_amount, f.captured_amount, f.refunded_amount, f.charged_back_amount),
         format('%s %s/%s/%s/%s', c.status, c.authorised_amount, c.captured_amount, c.refunded_amount, c.charged_back_amount)
  from public.card_payments c
  cross join lateral ledger.card_facts_of(c) f
  where (f.status, f.authorised_amount, f.captured_amount, f.refunded_amount, f.charged_back_amount)
        <> (c.status, c.authorised_amount, c.captured_amount, c.refunded_amount, c.charged_back_amount)
  union all
  select 'captured_cards_are_booked', c.id::text, c.captured_amount::text, coalesce(b.captured, 0)::text
  from public.card_payments c
  left join booked b on b.card_payment_id = c.id
  where c.order_id is not null and c.problem is null and c.captured_amount <> coalesce(b.captured, 0)
  union all
  -- what failed is booked as far as it moved anything
  select 'card_refunds_and_disputes_are_booked', format('%s/%s', c.id, o.object_id), o.amount::text, format('%s/%s', o.settled_amount, o.taken_out_amount)
  from public.card_payments c
  cross join lateral ledger.card_objects(c) o
  where c.problem is null and c.captured_amount > 0
    and case when o.has_failed then o.taken_out_amount <> 0 or not o.has_failed_in_the_books
             else o.amount <> o.settled_amount + o.taken_out_amount end
  union all
  select 'card_bookings_equal_payments', p.id::text, format('%s/%s of %s', p.amount, p.charged_back_amount, p.account_id),
         format('%s/%s of %s', coalesce(b.came_in, 0), coalesce(b.went_out, 0), b.account_ids)
  from public.payments p
  left join per_payment b on b.payment_id = p.id
  where (p.source = 'card' or b.payment_id is not null)
    and (p.amount, p.charged_back_amount, array[p.account_id]) is distinct from (coalesce(b.came_in, 0), coalesce(b.went_out, 0), b.account_ids);
$function$;

CREATE OR REPLACE FUNCTION ledger.differences_of_grace()
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
  select 'in_grace_has_an_open_deadline', o.id::text, 'an open deadline', coalesce(d.status, 'none')
  from public.orders o
  left join public.payment_deadlines d on d.order_id = o.id
  where o.payment_status = 'in_grace' and d.status is distinct from 'open'
  union all
  select 'deadline_waits_for_its_order', d.order_id::text, d.status, format('%s, %s, %s due', o.status, o.payment_status, o.amount_due)
  from public.payment_deadlines d
  join public.orders o on o.id = d.order_id
  where (d.status <> 'settled' and (o.amount_due = 0 or o.status in ('rejected', 'cancelled', 'refunded')))
    or (d.status = 'open' and o.payment_status not in ('in_grace', 'receipt_uploaded'))
  union all
  select 'deadline_refers_to_what_is_there', d.order_id::text, 'an order of its account', d.account_id::text
  from public.payment_deadlines d
  left join public.orders o on o.id = d.order_id and o.account_id = d.account_id
  where o.id is null;
$function$;

CREATE OR REPLACE FUNCTION ledger.differences_of_imports()
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
  select 'import_counts_equal_rows', r.id::text, format('%s/%s/%s/%s', r.staged_rows, r.applied_rows, r.skipped_rows, r.rejected_rows),
         format('%s/%s/%s/%s', n.staged, n.applied, n.skipped, n.rejected)
  from public.import_runs r
  cross join lateral (
    select count(*) as staged, count(*) filter (where w.state = 'applied') as applied, count(*) filter (where w.state = 'skipped') as skipped,
           count(*) filter (where w.state = 'rejected') as rejected
    from public.import_rows w
    where w.run_id = r.id) n
  where (r.staged_rows, r.applied_rows, r.skipped_rows, r.rejected_rows) <> (n.staged, n.applied, n.skipped, n.rejected)
  union all
  select 'applied_row_equals_what_it_became', format('%s/%s', w.run_id, w.row_number), format('%s %s', w.amount, w.external_id),
         format('%s %s', coalesce(p.amount, i.total_amount), coalesce(p.external_id, i.external_id))
  from public.import_rows w
  join public.import_runs r on r.id = w.run_id and r.kind in ('payments', 'invoices')
  left join public.payments p on r.kind = 'payments' and p.id = w.target_id and p.source = 'import'
  left join public.invoices i on r.kind = 'invoices' and i.id = w.target_id and i.source = 'import'
  where w.state = 'applied' and (w.amount, w.external_id) is distinct from (coalesce(p.amount, i.total_amount),
        case when w.external_id is not null then coalesce(p.external_id, i.external_id) end)
  union all
  select 'rejected_row_has_its_reason', format('%s/%s', w.run_id, w.row_number), 'a reason', 'none'
  from public.import_rows w
  where w.state = 'rejected'
    and not exists (select from public.import_rejects j where j.run_id = w.run_id and j.row_number = w.row_number)
  union all
  select 'synthetic_allocation_is_of_imports', a.id::text, 'a flagged payment and an invoice, both imported', format('%s %s', a.payment_id, a.invoice_id)
  from public.payment_allocations a
  left join public.payments p on p.id = a.payment_id and p.source = 'import'
  left join public.invoices i on i.id = a.invoice_id and i.source = 'import'
  left join public.import_rows w on w.run_id = a.import_run_id and w.target_id = a.payment_id and w.parsed ->> 'is_allocated' = 'true'
  where a.synthetic and (p.id is null or i.id is null or w.run_id is null);
$function$;

CREATE OR REPLACE FUNCTION ledger.differences_of_invoices()
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
  with lines as (
    select l.invoice_id, sum(l.total_price_amount) as subtotal, sum(l.discount_amount) as discount, sum(l.tax_amount) as tax
    from public.invoice_lines l
    group by l.invoice_id),
  noted as (
    select n.credits_invoice_id as invoice_id, sum(n.total_amount) as total
    from public.invoices n
    where n.kind = 'credit_note'
    group by n.credits_invoice_id),
  -- what free invoices claim and their notes give back, each in its chart account
  claimed as (
    select i.account_id, c.account, sum(c.amount * case i.kind when 'invoice' then 1 else -1 end) as amount
    from public.invoices i
    cross join lateral (values ('revenue', i.total_amount - i.tax_amount - i.shipping_amount), ('tax_payable', i.tax_amount),
                               ('shipping_income', i.shipping_amount)) c (account, amount)
    where i.order_id is null and i.status = 'issued'
    group by i.account_id, c.account),
  booked as (
    select p.account_id, l.account, sum(l.amount) as amount
    from public.postings p
    join public.transactions t on t.id = p.transaction_id
    cross join lateral (values (p.credit_account, p.amount), (p.debit_account, -p.amount)) l (account, amount)
    where l.account in ('revenue', 'tax_payable', 'shipping_income') and t.order_id is null
    group by p.account_id, l.account),
  owed as (
    select s.account_id, sum(s.amount) as amount
    from (select o.account_id, o.outstanding_amount as amount from public.orders o where o.status = 'delivered'
          union all
          select b.account_id, b.remaining_amount
          from public.invoice_balance_cache b join public.invoices i on i.id = b.invoice_id
          where i.order_id is null) s
    group by s.account_id),
  receivable as (
    select p.account_id, sum(case p.debit_account when 'receivable' then p.amount else -p.amount end) as amount
    from public.postings p
    where 'receivable' in (p.debit_account, p.credit_account)
    group by p.account_id)
  select 'invoice_totals_equal_lines', i.id::text, format('%s/%s/%s', coalesce(l.subtotal, 0), coalesce(l.discount, 0), coalesce(l.tax, 0)),
         format('%s/%s/%s', i.subtotal_amount, i.discount_amount, i.tax_amount)
  from public.invoices i left join lines l on l.invoice_id = i.id
  where (i.subtotal_amount, i.discount_amount, i.tax_amount) <> (coalesce(l.subtotal, 0), coalesce(l.discount, 0), coalesce(l.tax, 0))
  union all
  select 'order_invoice_equals_order', i.id::text, o.amount_due::text, b.remaining_amount::text
  from public.invoices i
  left join public.orders o on o.id = i.order_id
  left join public.invoice_balance_cache b on b.invoice_id = i.id
  where i.kind = 'invoice' and i.status = 'issued' and i.order_id is not null and o.amount_due is distinct from b.remaining_amount
  union all
  -- a void one claims nothing, and nothing is allocated to it
  select 'invoice_has_its_balance', i.id::text, case i.kind when 'invoice' then i.amount::text else 'none' end,
         coalesce(format('%s, %s allocated', b.amount, b.allocated_total), 'none')
  from public.invoices i left join public.invoice_balance_cache b on b.invoice_id = i.id
  where case i.kind when 'invoice' then b.amount is distinct from i.amount or (i.status = 'void' and b.allocated_total <> 0)
                    else b.invoice_id is not null end
  union all
  select 'receivable_equals_orders_and_invoices', coalesce(w.account_id, r.account_id)::text, coalesce(w.amount, 0)::text, coalesce(r.amount, 0)::text
  from owed w full join receivable r on r.account_id = w.account_id
  where coalesce(w.amount, 0) <> coalesce(r.amount, 0)
  union all
  select 'income_equals_free_invoices', format('%s %s', coalesce(c.account_id, b.account_id), coalesce(c.account, b.account)),
         coalesce(c.amount, 0)::text, coalesce(b.amount, 0)::text
  from claimed c full join booked b on b.account_id = c.account_id and b.account = c.account
  where coalesce(c.amount, 0) <> coalesce(b.amount, 0)
  union all
  select 'invoice_series_have_no_gaps', s.code, format('%s, up to %s', s.next_number - s.first_number, s.next_number - 1),
         format('%s, up to %s', count(i.number), coalesce(max(i.number), s.first_number - 1))
  from public.invoice_series s left join public.invoices i on i.series = s.code
  group by s.code, s.first_number, s.next_number
  having count(i.number) <> s.next_number - s.first_number or coalesce(max(i.number), s.first_number - 1) <> s.next_number - 1
      or min(i.number) <> s.first_number
  union all
  select 'invoice_credited_by_its_notes', i.id::text, coalesce(n.total, 0)::text, i.credited_amount::text
  from public.invoices i left join noted n on n.invoice_id = i.id
  where i.kind = 'invoice' and i.credited_amount <> coalesce(n.total, 0)
  union all
  select 'credit_note_equals_its_refund', n.id::text, coalesce(f.credited_amount::text, 'a refund of its order'), n.total_amount::text
  from public.invoices n left join public.refunds f on f.id = n.refund_id and f.order_id = n.order_id
  where n.kind = 'credit_note' and n.order_id is not null and f.credited_amount is distinct from n.total_amount
  union all
  select 'invoice_refers_to_what_is_there', i.id::text, 'an account, an order and an invoice of the same customer and currency',
         format('%s %s', i.account_id, i.currency)
  from public.invoices i
  left join public.accounts a on a.id = i.account_id and a.user_id = i.user_id and a.currency = i.currency
  left join public.orders o on o.id = i.order_id and o.account_id = i.account_id and o.currency = i.currency
  left join public.invoices c on c.id = i.credits_invoice_id and c.account_id = i.account_id and c.kind = 'invoice'
                                 and c.order_id is not distinct from i.order_id
  where a.id is null or (i.order_id is not null and o.id is null) or (i.kind = 'credit_note' and c.id is null);
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
      -- the receivable of what is no order is that of free invoices: ledger.differences_of_invoices
      and (t.order_id is not null or l.account in ('order_escrow', 'refunds_payable'))
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
  left join (select p.order_id, sum(p.credit_amount - p.reclaimed_amount) as credit from public.payments p where p.status = 'captured' group by p.order_id) p
    on p.order_id = o.id
  left join (select t.order_id, sum(t.amount) as amount from public.transactions t where t.order_id is not null group by t.order_id) t
    on t.order_id = o.id
  where o.wallet_refunded_amount - o.wallet_amount + coalesce(b.credit, 0) + coalesce(b.failed, 0) + coalesce(p.credit, 0) <> coalesce(t.amount, 0)
  union all
  select 'payment_status_follows_the_money', o.id::text, s.status, o.payment_status
  from public.orders o
  cross join lateral ledger.payment_status_of(o.total_amount, o.credited_amount, o.paid_amount, o.refunded_amount,
    case o.payment_status when 'overpaid' then ledger.payment_status_kept(o) else o.payment_status end) s (status)
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
    select n.order_id, sum(n.amount) as amount
    from (select p.order_id, p.applied_amount as amount from public.payments p where p.status = 'captured' and p.applied_amount > 0
          union all
          select i.order_id, l.allocated_amount
          from public.payment_allocations l
          join public.invoices i on i.id = l.invoice_id
          where i.order_id is not null) n
    group by n.order_id),
  allocated as (
    select l.payment_id, sum(l.allocated_amount) as amount
    from public.payment_allocations l
    group by l.payment_id),
  moved as (
    select t.reference_id as payment_id, sum(t.amount) as credited,
           sum((select sum(case 'bank' when p.debit_account then p.amount when p.credit_account then -p.amount else 0 end)
                from public.postings p where p.transaction_id = t.id)) as banked
    from public.transactions t
    where t.type in ('payment_recorded', 'payment_imported', 'payment_voided', 'payment_released', 'payment_charged_back')
    group by t.reference_id),
  unapplied as (
    select p.account_id, sum(p.unapplied_amount) as amount
    from public.payments p
    where p.unapplied_amount > 0
    group by p.account_id),
  booked as (
    select p.account_id, sum(case when p.credit_account = 'unapplied_payments' then p.amount else 0 end)
                         - sum(case when p.debit_account = 'unapplied_payments' then p.amount else 0 end) as balance
    from public.postings p
    where 'unapplied_payments' in (p.debit_account, p.credit_account)
    group by p.account_id)
  select 'paid_from_outside_equals_payments', o.id::text, (o.paid_amount - o.wallet_amount)::text, coalesce(a.amount, 0)::text
  from public.orders o left join applied a on a.order_id = o.id
  where o.paid_amount - o.wallet_amount <> coalesce(a.amount, 0)
  union all
  select 'allocated_equals_allocations', coalesce(p.id, a.payment_id)::text, p.allocated_amount::text, coalesce(a.amount, 0)::text
  from public.payments p full join allocated a on a.payment_id = p.id
  where p.allocated_amount is distinct from coalesce(a.amount, 0)
  union all
  select 'payment_equals_its_transactions', p.id::text, format('%s/%s', w.banked, w.credited), format('%s/%s', coalesce(m.banked, 0), coalesce(m.credited, 0))
  from public.payments p
  cross join lateral (select case p.status when 'captured' then p.amount - p.charged_back_amount else 0 end as banked,
                             case p.status when 'captured' then p.credit_amount - p.reclaimed_amount else 0 end as credited) w
  left join moved m on m.payment_id = p.id
  where (w.banked, w.credited) <> (coalesce(m.banked, 0), coalesce(m.credited, 0))
  union all
  select 'unapplied_payments_equal_remainders', coalesce(u.account_id, b.account_id)::text, coalesce(u.amount, 0)::text, coalesce(b.balance, 0)::text
  from unapplied u full join booked b on b.account_id = u.account_id
  where coalesce(u.amount, 0) <> coalesce(b.balance, 0)
  union all
  select 'payment_refers_to_what_is_there', p.id::text, 'an account of its currency, an order of that account', format('%s %s %s', p.account_id, p.currency, p.order_id)
  from public.payments p
  left join public.accounts a on a.id = p.account_id and a.currency = p.currency
  left join public.orders o on o.id = p.order_id and o.account_id = p.account_id and o.currency = p.currency
  where a.id is null or (p.order_id is not null and o.id is null);
$function$;

CREATE OR REPLACE FUNCTION ledger.differences_of_receipts()
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
  select 'approved_receipt_is_its_payment', r.id::text,
         format('%s %s of %s for %s, %s', r.approved_amount, r.currency, r.account_id, r.order_id,
                case when r.payment_voided_at is null then 'captured' else 'voided' end),
         coalesce(format('%s %s of %s for %s, %s', p.amount, p.currency, p.account_id, p.order_id, p.status), 'no payment')
  from public.payment_receipts r
  left join public.payments p on p.id = r.payment_id
  where r.payment_id is not null
    and (p.amount, p.currency, p.account_id, p.order_id, p.source, p.status)
        is distinct from (r.approved_amount, r.currency, r.account_id, r.order_id, 'receipt', case when r.payment_voided_at is null then 'captured' else 'voided' end)
  union all
  select 'payment_of_a_receipt_has_it', p.id::text, 'an approved receipt', 'none'
  from public.payments p
  where p.source = 'receipt' and not exists (select from public.payment_receipts r where r.payment_id = p.id)
  union all
  select 'receipt_refers_to_what_is_there', r.id::text, 'an account, order and invoice of its customer and currency',
         format('%s %s %s', r.account_id, r.order_id, r.invoice_id)
  from public.payment_receipts r
  left join public.accounts a on a.id = r.account_id and a.user_id = r.user_id and a.currency = r.currency
  left join public.orders o on o.id = r.order_id and o.account_id = r.account_id
  left join public.invoices i on i.id = r.invoice_id and i.account_id = r.account_id
  where a.id is null or (r.order_id is not null and o.id is null) or (r.invoice_id is not null and i.id is null)
    or (i.order_id is not null and i.order_id is distinct from r.order_id)
  union all
  select 'receipt_uploaded_has_a_receipt', o.id::text, 'a receipt under review', 'none'
  from public.orders o
  where o.payment_status = 'receipt_uploaded'
    and not exists (select from public.payment_receipts r where r.account_id = o.account_id and r.order_id = o.id and r.status = 'submitted');
$function$;

CREATE OR REPLACE FUNCTION ledger.document_lines (
  p_invoice public.invoices
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object(
      'line_number', l.line_number, 'description', l.description, 'sku', l.sku, 'quantity', l.quantity, 'unit_price_amount', l.unit_price_amount,
      'discount_amount', l.discount_amount, 'tax_rate_bp', l.tax_rate_bp, 'tax_amount', l.tax_amount,
      'net_amount', l.total_price_amount - l.discount_amount - case when p_invoice.prices_include_tax then l.tax_amount else 0 end,
      'total_amount', l.total_price_amount - l.discount_amount + case when p_invoice.prices_include_tax then 0 else l.tax_amount end)
      order by l.line_number), '[]')
    from public.invoice_lines l
    where l.account_id = p_invoice.account_id and l.invoice_id = p_invoice.id);
end $function$;

CREATE OR REPLACE FUNCTION ledger.document_of (
  p_invoice public.invoices
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_balance public.invoice_balance_cache;
  v_claims boolean := p_invoice.kind = 'invoice';
begin
  select b.* into v_balance from public.invoice_balance_cache b where b.account_id = p_invoice.account_id and b.invoice_id = p_invoice.id;
  return jsonb_build_object(
    'invoice_id', p_invoice.id, 'kind', p_invoice.kind, 'invoice_number', p_invoice.invoice_number, 'status', p_invoice.status,
    'issued_at', p_invoice.issued_at, 'due_at', p_invoice.due_at, 'currency', p_invoice.currency,
    'exponent', (select c.exponent from public.currencies c where c.code = p_invoice.currency),
    'prices_include_tax', p_invoice.prices_include_tax,
    'customer', jsonb_build_object('user_id', p_invoice.user_id, 'name', p_invoice.customer_name, 'address', p_invoice.billing_address),
    'order', (select jsonb_build_object('order_id', o.id, 'order_number', o.order_number, 'placed_at', o.created_at, 'shipping_address', o.shipping_address)
              from public.orders o where o.account_id = p_invoice.account_id and o.id = p_invoice.order_id),
    'credits', (select jsonb_build_object('invoice_id', i.id, 'invoice_number', i.invoice_number, 'issued_at', i.issued_at)
                from public.invoices i where i.account_id = p_invoice.account_id and i.id = p_invoice.credits_invoice_id),
    'reference', p_invoice.reference, 'notes', p_invoice.notes, 'void_reason', p_invoice.void_reason, 'voided_at', p_invoice.voided_at,
    'lines', ledger.document_lines(p_invoice),
    'taxes', ledger.document_taxes(p_invoice),
    'subtotal_amount', p_invoice.subtotal_amount, 'discount_amount', p_invoice.discount_amount, 'shipping_amount', p_invoice.shipping_amount,
    'tax_amount', p_invoice.tax_amount, 'total_amount', p_invoice.total_amount, 'version', p_invoice.version)
  || case when v_claims then jsonb_build_object(
    'prepaid_amount', greatest(p_invoice.prepaid_amount, 0), 'paid_back_amount', greatest(-p_invoice.prepaid_amount, 0), 'credited_amount', p_invoice.credited_amount, 'amount', p_invoice.amount,
    'allocated_amount', v_balance.allocated_total, 'remaining_amount', v_balance.remaining_amount,
    'payment_status', case p_invoice.status when 'void' then null else v_balance.status_cached end,
    'payments', (select coalesce(jsonb_agg(jsonb_build_object('payment_id', p.id, 'method', p.method, 'paid_at', p.paid_at, 'amount', l.allocated_amount,
                          'reference', p.reference) order by p.paid_at, p.id), '[]')
                 from ledger.live_allocations(p_invoice.account_id, p_invoice.id) l
                 join public.payments p on p.account_id = p_invoice.account_id and p.id = l.payment_id),
    'credit_notes', (select coalesce(jsonb_agg(jsonb_build_object('invoice_id', n.id, 'invoice_number', n.invoice_number, 'issued_at', n.issued_at,
                              'total_amount', n.total_amount) order by n.id), '[]')
                     from public.invoices n where n.account_id = p_invoice.account_id and n.credits_invoice_id = p_invoice.id)) else '{}' end
  || jsonb_build_object('printed', (
    select jsonb_object_agg(a.name, ledger.format_money(a.amount, p_invoice.currency))
    from (values ('subtotal', p_invoice.subtotal_amount), ('discount', p_invoice.discount_amount), ('shipping', p_invoice.shipping_amount),
                 ('tax', p_invoice.tax_amount), ('total', p_invoice.total_amount), ('prepaid', greatest(p_invoice.prepaid_amount, 0)),
                 ('paid_back', greatest(-p_invoice.prepaid_amount, 0)), ('credited', p_invoice.credited_amount), ('allocated', v_balance.allocated_total),
                 ('remaining', v_balance.remaining_amount)) a (name, amount)
    where a.amount is not null));
end $function$;

CREATE OR REPLACE FUNCTION ledger.document_taxes (
  p_invoice public.invoices
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object('tax_rate_bp', t.tax_rate_bp, 'net_amount', t.net, 'tax_amount', t.tax) order by t.tax_rate_bp), '[]')
    from (select l.tax_rate_bp, sum(l.tax_amount) as tax,
                 sum(l.total_price_amount - l.discount_amount - case when p_invoice.prices_include_tax then l.tax_amount else 0 end) as net
          from public.invoice_lines l
          where l.account_id = p_invoice.account_id and l.invoice_id = p_invoice.id
          group by l.tax_rate_bp) t);
end $function$;

CREATE OR REPLACE FUNCTION ledger.draft_imported_items (
  p_run    public.import_runs,
  p_orders public.orders[]
)
  RETURNS public.order_items[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (
    select array_agg(row(o.account_id, o.id, l.line_number, v.id, p.vendor_id, coalesce(l.product_name, p.name), l.sku, v.name, l.quantity,
             l.unit_price_amount, l.unit_price_amount * l.quantity, coalesce(l.discount_amount, 0), l.tax_rate_bp,
             ledger.line_tax(l.unit_price_amount * l.quantity - coalesce(l.discount_amount, 0), l.tax_rate_bp, o.prices_include_tax),
             o.created_at, null)::public.order_items order by o.id, l.line_number)
    from unnest(p_orders) o
    cross join lateral (
      select n.*, row_number() over (order by w.row_number)::integer as line_number
      from public.import_rows w
      cross join lateral jsonb_populate_record(null::ledger.import_order_line, w.parsed) n
      where w.run_id = p_run.id and w.external_id = o.metadata ->> 'old_number' and w.parsed ? 'order_number' and w.state = 'staged') l
    join public.variants v on v.sku = l.sku
    join public.products p on p.id = v.product_id);
end $function$;

CREATE OR REPLACE FUNCTION ledger.draft_imported_orders (
  p_run     public.import_runs,
  p_numbers text[]
)
  RETURNS public.orders[]
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_include boolean := ledger.imported_prices_include_tax(p_run.options);
  v_orders public.orders[];
begin
  with lines as (
    select w.external_id, l.*, l.unit_price_amount * l.quantity as goods,
           l.unit_price_amount * l.quantity - coalesce(l.discount_amount, 0) as net
    from public.import_rows w
    cross join lateral jsonb_populate_record(null::ledger.import_order_line, w.parsed) l
    where w.run_id = p_run.id and w.external_id = any (p_numbers) and w.parsed ? 'order_number' and w.state = 'staged'),
  sums as (
    select l.external_id, min(l.placed_at) as placed_at, (array_agg(l.user_id))[1] as user_id, min(l.status) as status,
           min(l.payment_status) as payment_status, min(l.payment_method) as payment_method, min(l.country) as country, min(l.notes) as notes,
           sum(l.goods)::bigint as subtotal, sum(coalesce(l.discount_amount, 0))::bigint as discount, max(coalesce(l.shipping_amount, 0)) as shipping,
           sum(ledger.line_tax(l.net, l.tax_rate_bp, v_include))::bigint as tax, max(l.paid_amount) as paid
    from lines l
    group by l.external_id),
  totals as (
    select s.external_id, s.placed_at, s.status, s.payment_status, s.payment_method, s.country, s.notes, s.subtotal, s.discount, s.shipping,
           s.tax, s.paid, s.subtotal - s.discount + s.shipping + case when v_include then 0 else s.tax end as total,
           (select p.id from public.profiles p where p.id = s.user_id and p.erased_at is null) as user_id
    from sums s)
  select array_agg(jsonb_populate_record(null::public.orders, jsonb_build_object(
    'id', ledger.imported_id(t.placed_at), 'account_id', ledger.account_id(t.user_id, p_run.currency), 'user_id', t.user_id,
    'order_number', concat(p_run.options ->> 'order_number_prefix', t.external_id), 'currency', p_run.currency,
    'status', case t.status when 'cancelled' then 'confirmed' when 'refunded' then 'delivered' else t.status end,
    'payment_method', case when t.payment_method in ('card', 'invoice') then t.payment_method else 'bank_transfer' end,
    'prices_include_tax', v_include, 'subtotal_amount', t.subtotal, 'discount_amount', t.discount, 'shipping_amount', t.shipping,
    'tax_amount', t.tax, 'total_amount', t.total, 'wallet_amount', 0,
    'paid_amount', case ledger.imported_payment_status(p_run.options, t.payment_status, t.paid, t.total) when 'unpaid' then 0 when 'partially_paid' then t.paid else t.total end,
    'notes', t.notes, 'created_at', t.placed_at,
    'metadata', jsonb_strip_nulls(jsonb_build_object('imported', true, 'import_run_id', p_run.id, 'old_number', t.external_id,
      'country', t.country, 'paid_by', case when t.payment_method in ('card', 'cash', 'bank_transfer') then t.payment_method end,
      'ends_as', case when t.status in ('cancelled', 'refunded') then t.status end)))) order by t.placed_at, t.external_id)
  into v_orders
  from totals t;
  return v_orders;
end $function$;

CREATE OR REPLACE FUNCTION ledger.draft_of (
  p_lines              ledger.invoice_draft_line[],
  p_prices_include_tax boolean,
  p_shipping_amount    bigint                      DEFAULT 0
)
  RETURNS ledger.invoice_draft
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_draft ledger.invoice_draft;
  v_total numeric;
begin
  select coalesce(sum(l.total_price_amount), 0), coalesce(sum(l.discount_amount), 0), coalesce(sum(l.tax_amount), 0)
  into v_draft.subtotal_amount, v_draft.discount_amount, v_draft.tax_amount
  from unnest(p_lines) l;
  v_draft.prices_include_tax := p_prices_include_tax;
  v_draft.shipping_amount := p_shipping_amount;
  v_draft.prepaid_amount := 0;
  v_draft.lines := p_lines;
  v_total := v_draft.subtotal_amount - v_draft.discount_amount + p_shipping_amount
             + case when p_prices_include_tax then 0 else v_draft.tax_amount end;
  if greatest(v_total, v_draft.subtotal_amount, v_draft.tax_amount) > 9007199254740991 then
    v_draft.refusal := ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991));
  else
    v_draft.total_amount := v_total;
  end if;
  return v_draft;
end $function$;

CREATE OR REPLACE FUNCTION ledger.draft_of_credit (
  p_invoice public.invoices,
  p_lines   jsonb,
  p_amount  bigint
)
  RETURNS ledger.invoice_draft
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_draft ledger.invoice_draft;
begin
  v_draft.refusal := case
    when p_lines is not null and p_amount is not null then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_lines, p_amount', 'problem', 'either lines or an amount'))
    when p_amount < 0 then ledger.refuse('invalid_amount', jsonb_build_object('amount', p_amount, 'expected', 'above zero'))
    when p_lines is null and coalesce(p_amount, 0) = 0 then
      ledger.refuse('nothing_to_credit', jsonb_build_object('invoice_number', p_invoice.invoice_number))
  end;
  if v_draft.refusal is not null then
    return v_draft;
  end if;
  v_draft := case when p_lines is not null then ledger.draft_of_credited_lines(p_invoice, p_lines)
                  else ledger.draft_of_credited_amount(p_invoice, p_amount) end;
  if v_draft.refusal is null then
    v_draft.refusal := case
      when v_draft.total_amount = 0 then ledger.refuse('nothing_to_credit', jsonb_build_object('invoice_number', p_invoice.invoice_number))
      -- no rate gives back more than it took, its tax neither
      when exists (
        select from (select l.tax_rate_bp, sum(l.total_price_amount - l.discount_amount + case when p_invoice.prices_include_tax then 0 else l.tax_amount end) as gross,
                            sum(l.tax_amount) as tax
                     from unnest(v_draft.lines) l group by l.tax_rate_bp) d
        left join ledger.left_by_rate(p_invoice) r on r.tax_rate_bp = d.tax_rate_bp
        where d.gross > coalesce(r.gross_amount, 0) or d.tax > coalesce(r.tax_amount, 0)) then
        ledger.refuse('credit_exceeds_invoice', jsonb_build_object('invoice_number', p_invoice.invoice_number, 'currency', p_invoice.currency,
          'left', p_invoice.total_amount - p_invoice.credited_amount, 'requested', v_draft.total_amount))
    end;
  end if;
  return v_draft;
end $function$;

CREATE OR REPLACE FUNCTION ledger.draft_of_credited_amount (
  p_invoice public.invoices,
  p_amount  bigint
)
  RETURNS ledger.invoice_draft
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_left bigint := p_invoice.total_amount - p_invoice.credited_amount;
  v_last integer := (select max(l.line_number) from public.invoice_lines l where l.invoice_id = p_invoice.id);
  v_draft ledger.invoice_draft;
begin
  if p_amount > v_left then
    v_draft.refusal := ledger.refuse('credit_exceeds_invoice', jsonb_build_object('invoice_number', p_invoice.invoice_number,
      'currency', p_invoice.currency, 'left', v_left, 'requested', p_amount));
    return v_draft;
  end if;
  return ledger.draft_of((
    select array_agg(row(v_last + s.place, 'Reduction of invoice ' || p_invoice.invoice_number, null, 1, s.net, s.net, 0, s.tax_rate_bp,
                         s.tax)::ledger.invoice_draft_line order by s.place)
    from (
      select t.*, row_number() over (order by t.tax_rate_bp) as place,
             t.share - case when p_invoice.prices_include_tax then 0 else t.tax end as net
      from (
        select r.tax_rate_bp, r.share,
               case when r.gross_amount = 0 then 0 else ledger.divide_half_up(r.tax_amount::numeric * r.share, r.gross_amount)::bigint end as tax
        from (
          select g.tax_rate_bp, g.gross_amount, g.tax_amount,
                 (div(p_amount * g.so_far, v_left) - div(p_amount * (g.so_far - g.gross_amount), v_left))::bigint as share
          from (select f.*, sum(f.gross_amount) over (order by f.tax_rate_bp) as so_far from ledger.left_by_rate(p_invoice) f) g) r
        where r.share > 0) t) s), p_invoice.prices_include_tax);
end $function$;

CREATE OR REPLACE FUNCTION ledger.draft_of_credited_lines (
  p_invoice public.invoices,
  p_lines   jsonb
)
  RETURNS ledger.invoice_draft
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_draft ledger.invoice_draft;
  v_bad record;
begin
  v_draft.refusal := ledger.refuse_line_list(p_lines, '{quantity}');
  if v_draft.refusal is not null then
    return v_draft;
  end if;
  select a.line_number, a.quantity, i.line_number is null as is_unknown, i.quantity - coalesce(c.quantity, 0) as creditable into v_bad
  from (select (e.line ->> 'line_number')::numeric::integer as line_number, (e.line ->> 'quantity')::numeric::bigint as quantity
        from jsonb_array_elements(p_lines) e (line)) a
  left join public.invoice_lines i on i.invoice_id = p_invoice.id and i.line_number = a.line_number
  left join ledger.credited_units(p_invoice) c on c.line_number = a.line_number
  where i.line_number is null or a.quantity > i.quantity - coalesce(c.quantity, 0)
  order by a.line_number
  limit 1;
  if found then
    v_draft.refusal := case
      when v_bad.is_unknown then ledger.refuse('invoice_line_not_found', jsonb_build_object(
        'invoice_number', p_invoice.invoice_number, 'line', v_bad.line_number))
      else ledger.refuse('units_not_creditable', jsonb_build_object('invoice_number', p_invoice.invoice_number, 'line', v_bad.line_number,
        'creditable', v_bad.creditable, 'requested', v_bad.quantity)) end;
    return v_draft;
  end if;
  return ledger.draft_of((
    select array_agg(row(i.line_number, i.description, i.sku, a.quantity, i.unit_price_amount, z.goods_amount - b.goods_amount,
                         z.discount_amount - b.discount_amount, i.tax_rate_bp, z.tax_amount - b.tax_amount)::ledger.invoice_draft_line
                     order by i.line_number)
    from (select (e.line ->> 'line_number')::numeric::integer as line_number, (e.line ->> 'quantity')::numeric::bigint as quantity
          from jsonb_array_elements(p_lines) e (line)) a
    join public.invoice_lines i on i.invoice_id = p_invoice.id and i.line_number = a.line_number
    left join ledger.credited_units(p_invoice) c on c.line_number = a.line_number
    -- a line of an invoice is divided as one of an order
    cross join lateral (select jsonb_populate_record(null::public.order_items, to_jsonb(i)) as item) o
    cross join lateral ledger.line_part(o.item, p_invoice.prices_include_tax, coalesce(c.quantity, 0)) b
    cross join lateral ledger.line_part(o.item, p_invoice.prices_include_tax, coalesce(c.quantity, 0) + a.quantity) z
    where a.quantity > 0), p_invoice.prices_include_tax);
end $function$;

CREATE OR REPLACE FUNCTION ledger.draft_of_lines (
  p_lines              jsonb,
  p_prices_include_tax boolean
)
  RETURNS ledger.invoice_draft
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_default_rate integer := ledger.setting_text('tax_rate_bp')::integer;
  v_draft ledger.invoice_draft;
begin
  v_draft.refusal := ledger.refuse_invoice_lines(p_lines);
  if v_draft.refusal is not null then
    return v_draft;
  end if;
  v_draft := ledger.draft_of((
    select array_agg(row(l.place, trim(l.description), nullif(trim(l.sku), ''), l.quantity, l.price, l.quantity * l.price, l.discount, l.rate,
                         ledger.line_tax(l.quantity * l.price - l.discount, l.rate, p_prices_include_tax))::ledger.invoice_draft_line
                     order by l.place)
    from (select e.place, e.line ->> 'description' as description, e.line ->> 'sku' as sku,
                 (e.line ->> 'quantity')::numeric::bigint as quantity, (e.line ->> 'unit_price_amount')::numeric::bigint as price,
                 coalesce((e.line ->> 'discount_amount')::numeric::bigint, 0) as discount,
                 coalesce((e.line ->> 'tax_rate_bp')::numeric::integer, v_default_rate) as rate
          from jsonb_array_elements(p_lines) with ordinality e (line, place)) l), p_prices_include_tax);
  if v_draft.total_amount = 0 then
    v_draft.refusal := ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_lines', 'problem', 'they come to nothing'));
  end if;
  return v_draft;
end $function$;

CREATE OR REPLACE FUNCTION ledger.draft_of_order (
  p_order public.orders
)
  RETURNS ledger.invoice_draft
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_includes_tax boolean := p_order.prices_include_tax;
  v_shipping bigint;
  v_allowance bigint;
  v_allowance_tax bigint;
  v_net bigint;
  v_tax bigint;
  v_off_lines bigint;
  v_lines ledger.invoice_draft_line[];
  v_draft ledger.invoice_draft;
begin
  select p_order.shipping_amount - coalesce(sum(f.shipping_amount), 0), coalesce(sum(f.allowance_amount), 0), coalesce(sum(f.allowance_tax_amount), 0)
  into v_shipping, v_allowance, v_allowance_tax
  from public.refunds f
  where f.order_id = p_order.id;

  -- units that are left, each line with what is left of its discount and tax
  select array_agg(row(i.line_number, ledger.invoice_text(ledger.item_name(i.product_name, i.variant_name), i.product_sku), i.product_sku,
                       i.quantity - coalesce(r.quantity, 0), i.unit_price_amount, i.total_price_amount - b.goods_amount,
                       i.discount_amount - b.discount_amount, i.tax_rate_bp, i.tax_amount - b.tax_amount)::ledger.invoice_draft_line
                   order by i.line_number),
         coalesce(sum(i.total_price_amount - i.discount_amount - b.goods_amount + b.discount_amount), 0), coalesce(sum(i.tax_amount - b.tax_amount), 0)
  into v_lines, v_net, v_tax
  from public.order_items i
  left join ledger.refunded_units(p_order.id) r on r.line_number = i.line_number
  cross join lateral ledger.line_part(i, v_includes_tax, coalesce(r.quantity, 0)) b
  where i.account_id = p_order.account_id and i.order_id = p_order.id and i.quantity > coalesce(r.quantity, 0);

  -- the allowance, by cumulative rounding so that its parts add up to it
  if v_allowance > 0 then
    v_off_lines := least(v_allowance - case when v_includes_tax then 0 else v_allowance_tax end, v_net);
    v_shipping := v_shipping - (v_allowance - case when v_includes_tax then 0 else v_allowance_tax end - v_off_lines);
    select array_agg(row(s.line_number, s.description, s.sku, s.quantity, s.unit_price_amount, s.total_price_amount,
                         s.discount_amount + case when v_net = 0 then 0
                           else div(v_off_lines * s.net_to, v_net) - div(v_off_lines * (s.net_to - s.net), v_net) end,
                         s.tax_rate_bp,
                         s.tax_amount - case when v_tax = 0 then 0
                           else div(v_allowance_tax * s.tax_to, v_tax) - div(v_allowance_tax * (s.tax_to - s.tax_amount), v_tax) end
                        )::ledger.invoice_draft_line order by s.line_number)
    into v_lines
    from (select l.*, l.total_price_amount - l.discount_amount as net,
                 sum(l.total_price_amount - l.discount_amount) over (order by l.line_number) as net_to,
                 sum(l.tax_amount) over (order by l.line_number) as tax_to
          from unnest(v_lines) l) s;
  end if;

  v_draft := ledger.draft_of(v_lines, v_includes_tax, v_shipping);
  v_draft.prepaid_amount := v_draft.total_amount - p_order.amount_due;
  v_draft.billing_address := coalesce(p_order.billing_address, p_order.shipping_address);
  return v_draft;
end $function$;

CREATE OR REPLACE FUNCTION ledger.draft_of_refund (
  p_invoice public.invoices,
  p_order   public.orders,
  p_refund  public.refunds
)
  RETURNS ledger.invoice_draft
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_left ledger.invoice_draft := ledger.draft_of_order(p_order);
  v_shipping bigint;
  v_tax bigint;
  v_price bigint;
  v_units ledger.invoice_draft_line[] := coalesce(ledger.lines_of_refund(p_refund), '{}');
  v_last integer := (select max(u.line_number) from unnest(v_units) u);
  v_rests ledger.invoice_draft_line[];
  v_wholes ledger.invoice_draft_line[];
  v_is_worth_less boolean;
begin
  select p_invoice.shipping_amount - coalesce(sum(n.shipping_amount), 0) - v_left.shipping_amount into v_shipping
  from public.invoices n
  where n.account_id = p_invoice.account_id and n.credits_invoice_id = p_invoice.id;
  v_shipping := least(greatest(v_shipping, 0), p_refund.credited_amount);
  v_tax := least(greatest(p_refund.tax_amount + p_refund.allowance_tax_amount, 0), p_refund.credited_amount - v_shipping);
  v_price := p_refund.credited_amount - v_shipping - case when p_order.prices_include_tax then 0 else v_tax end;

  select array_agg(row(coalesce(v_last, 0) + s.place, 'Reduction of order ' || p_order.order_number, null, 1, s.rest, s.rest, 0, s.tax_rate_bp,
                       s.tax_rest)::ledger.invoice_draft_line order by s.place) filter (where s.rest > 0 or s.tax_rest > 0),
         array_agg(row(s.place, s.description, null, 1, s.price_amount, s.price_amount, 0, s.tax_rate_bp,
                       s.tax_amount)::ledger.invoice_draft_line order by s.place) filter (where s.price_amount > 0 or s.tax_amount > 0),
         coalesce(bool_or(s.rest < 0 or s.tax_rest < 0), false)
  into v_rests, v_wholes, v_is_worth_less
  from (select r.*, r.price_amount - coalesce(u.price, 0) as rest, r.tax_amount - coalesce(u.tax, 0) as tax_rest,
               (row_number() over (order by r.tax_rate_bp))::integer as place,
               ledger.invoice_text(case when u.names is null then 'Reduction of order ' || p_order.order_number
                                        else format('Taken back of order %s, after a reduction: %s', p_order.order_number, u.names) end, null) as description
        from ledger.refund_by_rate(p_invoice, v_left.lines, v_price, v_tax) r
        left join (select l.tax_rate_bp, sum(l.total_price_amount - l.discount_amount)::bigint as price, sum(l.tax_amount)::bigint as tax,
                          string_agg(format('%s x %s', l.quantity, l.description), '; ' order by l.line_number) as names
                   from unnest(v_units) l
                   group by l.tax_rate_bp) u on u.tax_rate_bp = r.tax_rate_bp) s;
  return ledger.draft_of(case when v_is_worth_less then v_wholes else v_units || coalesce(v_rests, '{}') end, p_order.prices_include_tax, v_shipping);
end $function$;

CREATE OR REPLACE FUNCTION ledger.drift_of_cache()
  RETURNS SETOF ledger.drift
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  with stale as (
    select b.account_id
    from public.invoice_balance_cache b
    left join (select l.invoice_id, sum(l.allocated_amount) as amount from public.payment_allocations l group by l.invoice_id) l using (invoice_id)
    where b.allocated_total <> coalesce(l.amount, 0)
    group by b.account_id)
  select a.id, a.currency, coalesce(r.invoiced_amount - r.allocated_amount, 0), coalesce(c.debt_amount, 0),
         coalesce(c.unapplied_amount, 0) <> coalesce(r.unapplied_amount, 0) or s.account_id is not null
  from ledger.recomputed_debts() r
  full join public.account_debt_cache c on c.account_id = r.account_id
  join public.accounts a on a.id = coalesce(r.account_id, c.account_id)
  left join stale s on s.account_id = a.id;
$function$;

CREATE OR REPLACE FUNCTION ledger.drift_of_old_flags()
  RETURNS SETOF ledger.drift
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  with claimed as (
    select b.account_id, sum(b.amount) as amount from public.invoice_balance_cache b group by b.account_id),
  allocated as (
    select l.account_id, sum(l.allocated_amount) as amount from public.payment_allocations l group by l.account_id),
  flagged as (
    select f.account_id, sum(f.allocated_amount) as amount from public.old_payment_flags f group by f.account_id),
  stale as (
    select b.account_id
    from public.invoice_balance_cache b
    left join public.old_invoice_flags f on f.invoice_id = b.invoice_id
    where (f.account_id, f.amount, f.paid_amount, f.status) is distinct from (b.account_id, b.amount, b.allocated_total, b.status_cached)
    union
    select p.account_id
    from public.payments p
    left join public.old_payment_flags f on f.payment_id = p.id
    where (p.allocated_amount, p.account_id) <> (coalesce(f.allocated_amount, 0), coalesce(f.account_id, p.account_id))
    union
    -- a flag that names an invoice names the one that has it all
    select f.account_id
    from public.old_payment_flags f
    where f.invoice_id is not null
      and f.allocated_amount is distinct from (select sum(l.allocated_amount) from public.payment_allocations l
                                               where l.payment_id = f.payment_id and l.invoice_id = f.invoice_id))
  select a.id, a.currency, coalesce(c.amount, 0) - coalesce(l.amount, 0), coalesce(c.amount, 0) - coalesce(f.amount, 0), s.account_id is not null
  from public.accounts a
  left join claimed c on c.account_id = a.id
  left join allocated l on l.account_id = a.id
  left join flagged f on f.account_id = a.id
  left join stale s on s.account_id = a.id
  where c.account_id is not null or f.account_id is not null;
$function$;

CREATE OR REPLACE FUNCTION ledger.drop_messages_since (
  p_started timestamp with time zone
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_count integer;
begin
  delete from ledger.outbox m
  where m.id >= ledger.first_id_at(p_started) and m.event_id is not null
    and exists (select from public.immutable_events e
                where e.id = m.event_id and e.occurred_at = m.created_at and e.written_by_xid = (pg_current_xact_id()::text)::bigint);
  get diagnostics v_count = row_count;
  return v_count;
end $function$;

CREATE OR REPLACE FUNCTION ledger.drop_synthetic_allocations (
  p_run_id uuid,
  p_limit  integer,
  p_actor  ledger.actor,
  p_reason text,
  p_since  timestamp with time zone DEFAULT NULL::timestamp WITH time zone
)
  RETURNS bigint
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_part record;
  v_dropped bigint := 0;
begin
  for v_part in
    select l.account_id, array_agg(l.id order by l.id) as ids, array_agg(l.payment_id) as payment_ids, array_agg(l.invoice_id) as invoice_ids
    from (select a.id, a.account_id, a.payment_id, a.invoice_id
          from public.payment_allocations a
          where a.import_run_id = p_run_id and a.synthetic and a.reverses_allocation_id is null and (p_since is null or a.created_at >= p_since)
            and not exists (select from public.payment_allocations r where r.reverses_allocation_id = a.id)
          order by a.account_id, a.id
          limit p_limit) l
    group by l.account_id
    order by l.account_id
  loop
    -- lock: account, payments, invoices; somebody may have reversed some in between
    perform from public.accounts a where a.id = v_part.account_id for no key update;
    perform from public.payments p where p.account_id = v_part.account_id and p.id = any (v_part.payment_ids) order by p.id for no key update;
    perform from public.invoices i where i.account_id = v_part.account_id and i.id = any (v_part.invoice_ids) order by i.id for no key update;
    v_part.ids := array(
      select n.id from unnest(v_part.ids) n (id)
      where not exists (select from public.payment_allocations r where r.reverses_allocation_id = n.id) order by n.id);
    continue when v_part.ids = '{}';
    v_dropped := v_dropped - (ledger.reverse_allocations(v_part.account_id, v_part.ids, p_actor, p_reason, ledger.correlation_id())).allocated_amount;
  end loop;
  return v_dropped;
end $function$;

CREATE OR REPLACE FUNCTION ledger.dual_write_figures()
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_since timestamptz := coalesce((select r.created_at from public.reconciliation_runs r where r.check_code = 'old_flags' order by r.id desc limit 1), '-infinity');
  v_failures bigint := (select count(*) from public.old_flag_failures f where f.created_at > v_since);
  v_writes bigint := (select count(*) from public.old_invoice_flags f where f.updated_at > v_since);
begin
  return jsonb_build_object('writes', v_writes + v_failures, 'failures', v_failures);
end $function$;

CREATE OR REPLACE FUNCTION ledger.due_days_of (
  p_account_id uuid
)
  RETURNS integer
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return coalesce((select t.due_days from public.credit_terms t where t.account_id = p_account_id),
                  ledger.setting_text('invoice_due_days')::integer);
end $function$;

CREATE OR REPLACE FUNCTION ledger.enable_receipt_storage()
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  if to_regclass('storage.objects') is null or to_regprocedure('storage.foldername(text)') is null then
    raise exception 'Storage is not installed here: there is no table storage.objects'
      using hint = 'Enable Storage for the project, then call ledger.enable_receipt_storage() again.';
  end if;
  insert into storage.buckets as b (id, name, public, file_size_limit, allowed_mime_types)
  values ('receipts', 'receipts', false, ledger.receipt_file_bytes(), ledger.receipt_file_types())
  on conflict (id) do update set
    public = excluded.public, file_size_limit = excluded.file_size_limit, allowed_mime_types = excluded.allowed_mime_types;

  drop policy if exists receipts_are_uploaded_by_their_owner on storage.objects;
  create policy receipts_are_uploaded_by_their_owner on storage.objects for insert to authenticated
    with check (bucket_id = 'receipts' and (storage.foldername(name))[1] = (select auth.uid()::text) and not ledger.is_file_of_receipt(name));
  drop policy if exists receipts_are_seen_by_their_owner_and_who_reviews on storage.objects;
  create policy receipts_are_seen_by_their_owner_and_who_reviews on storage.objects for select to authenticated
    using (bucket_id = 'receipts'
           and ((storage.foldername(name))[1] = (select auth.uid()::text) or (select ledger.caller_may('receipts.review'))));
  -- there is no policy to change a file: another one is another upload
  drop policy if exists receipts_are_removed_by_their_owner_until_one_is_sent on storage.objects;
  create policy receipts_are_removed_by_their_owner_until_one_is_sent on storage.objects for delete to authenticated
    using (bucket_id = 'receipts' and (storage.foldername(name))[1] = (select auth.uid()::text) and not ledger.is_file_of_receipt(name));
end $function$;

CREATE OR REPLACE FUNCTION ledger.end_backfill (
  p_run           public.import_runs,
  p_only_backfill boolean,
  p_reason        text,
  p_actor         ledger.actor
)
  RETURNS text
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_run public.import_runs;
begin
  update public.import_runs r set
    state = case when p_only_backfill then r.state else 'aborted' end,
    backfill_state = case when r.backfill_state is not null then 'aborted' end,
    backfill_account_id = null,
    aborted_at = case when p_only_backfill then r.aborted_at else coalesce(r.aborted_at, clock_timestamp()) end,
    updated_at = clock_timestamp()
  where r.id = p_run.id
  returning r.* into v_run;
  if p_run.backfill_state in ('reading', 'writing', 'drifted') then
    perform ledger.change_flag('ledger_backfill_mode', 'off', 0, 'backfill aborted', p_actor);
  end if;
  if p_only_backfill then
    perform ledger.record_operation('import.backfilled', 'import', p_run.id, null,
      jsonb_build_object('backfill_state', 'aborted', 'currency', p_run.currency, 'cause', p_reason) || coalesce(v_run.backfill, '{}'), p_actor,
      ledger.correlation_id());
  else
    perform ledger.record_operation('import.aborted', 'import', p_run.id, null,
      jsonb_build_object('kind', p_run.kind, 'source_name', p_run.source_name, 'from_state', p_run.state, 'cause', p_reason), p_actor,
      ledger.correlation_id());
  end if;
  return v_run.state;
end $function$;

CREATE OR REPLACE FUNCTION ledger.end_grace (
  p_account_id uuid,
  p_order_id   uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  update public.payment_deadlines d set status = 'settled', settled_at = clock_timestamp(), updated_at = clock_timestamp()
  where d.account_id = p_account_id and d.order_id = p_order_id and d.status <> 'settled';
  if found then
    update public.orders o set
      payment_status = ledger.payment_status_of(o.total_amount, o.credited_amount, o.paid_amount, o.refunded_amount,
                                                nullif(o.payment_status, 'in_grace'))
    where o.account_id = p_account_id and o.id = p_order_id;
  end if;
end $function$;

CREATE OR REPLACE FUNCTION ledger.end_imported_orders (
  p_run    public.import_runs,
  p_orders public.orders[],
  p_actor  ledger.actor
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_draft public.orders;
  v_order public.orders;
  v_change ledger.order_change;
begin
  for v_draft in
    select o.* from unnest(p_orders) o where o.metadata ? 'ends_as' order by o.id
  loop
    select o.* into v_order from public.orders o where o.account_id = v_draft.account_id and o.id = v_draft.id;
    v_change := ledger.take_back_imported(p_run, v_order, null, v_draft.metadata ->> 'ends_as', v_order.created_at, p_actor);
    if v_change.refusal is not null then
      raise exception 'order % of the import cannot be ended: %', v_order.order_number, v_change.refusal ->> 'error_message';
    end if;
  end loop;
end $function$;

CREATE OR REPLACE FUNCTION ledger.expire_grace (
  p_limit integer DEFAULT 200
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor := ledger.current_actor();
  v_order_ids uuid[];
  v_order_id uuid;
  v_count integer := 0;
begin
  -- lock: orders, then accounts, stock and discount counters
  select array_agg(w.id) into v_order_ids
  from (select o.id
        from public.payment_deadlines d
        join public.orders o on o.account_id = d.account_id and o.id = d.order_id
        where d.status = 'open' and d.due_at <= clock_timestamp() and o.payment_status = 'in_grace'
        order by d.due_at
        limit p_limit
        for no key update of o skip locked) w;
  if v_order_ids is null then
    return 0;
  end if;
  perform ledger.lock_for_bulk_change(v_order_ids, case ledger.setting_text('grace_expiry') when 'cancel' then 'cancelled' else 'confirmed' end);

  -- write and record
  foreach v_order_id in array v_order_ids loop
    begin
      v_count := v_count + ledger.expire_order(v_order_id, v_actor)::integer;
    exception when others then
      raise warning 'order %: its grace period is over, but: % (%)', v_order_id, sqlerrm, sqlstate;
    end;
  end loop;
  return v_count;
end $function$;

CREATE OR REPLACE FUNCTION ledger.expire_order (
  p_order_id uuid,
  p_actor    ledger.actor
)
  RETURNS boolean
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_order public.orders;
  v_change ledger.order_change;
begin
  select o.* into v_order
  from public.orders o
  join public.payment_deadlines d on d.account_id = o.account_id and d.order_id = o.id
  where o.id = p_order_id and o.payment_status = 'in_grace' and d.status = 'open' and d.due_at <= clock_timestamp();
  if not found then
    return false;
  end if;
  perform set_config('ledger.procedure', 'expire_grace', true);
  if ledger.expires_as_cancelled(v_order) then
    begin
      v_change := ledger.apply_order_status(v_order, 'cancelled', p_actor, 'not paid in time', '{}');
    exception when raise_exception or integrity_constraint_violation or data_exception or insufficient_privilege then
      v_change.refusal := jsonb_build_object('error_message', sqlerrm);
    end;
    if v_change.refusal is not null then
      perform ledger.flag_overdue(v_order, p_actor, v_change.refusal ->> 'error_message');
    else
      update public.payment_deadlines d set expired_at = clock_timestamp(), updated_at = clock_timestamp()
      where d.account_id = v_order.account_id and d.order_id = v_order.id;
    end if;
  else
    perform ledger.flag_overdue(v_order, p_actor);
  end if;
  perform set_config('ledger.procedure', '', true);
  return true;
end $function$;

CREATE OR REPLACE FUNCTION ledger.expires_as_cancelled (
  p_order public.orders
)
  RETURNS boolean
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return ledger.setting_text('grace_expiry') = 'cancel'
    and p_order.status in ('pending', 'confirmed', 'processing')
    and not exists (select from ledger.shipped_units(p_order.id))
    and ledger.refuse_transition(p_order, 'cancelled') is null;
end $function$;

CREATE OR REPLACE FUNCTION ledger.fail_card_refund (
  p_step      ledger.card_step,
  p_object_id text
)
  RETURNS text
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_card_id uuid := (p_step.card).id;
  v_surplus bigint := ledger.booked_of_card(v_card_id, '{surplus_returned}', p_object_id, true)
                      - ledger.booked_of_card(v_card_id, '{surplus_failed}', p_object_id, true);
  v_refund_id uuid;
  v_refusal jsonb;
begin
  if v_surplus > 0 then
    v_refusal := ledger.capture_card(p_step, 'surplus_failed', p_object_id, true, v_surplus);
  end if;
  for v_refund_id in
    select b.refund_id from public.card_bookings b
    where b.card_payment_id = v_card_id and b.object_id = p_object_id and b.is_refund and b.kind in ('allowed', 'paid_out')
      and not exists (select from public.card_bookings f where f.refund_id = b.refund_id and f.kind = 'payout_failed')
  loop
    v_refusal := coalesce(v_refusal, ledger.settle_card_refund(p_step, p_object_id, v_refund_id, 'failed', 'payout_failed'));
  end loop;
  return v_refusal ->> 'error_code';
end $function$;

CREATE OR REPLACE FUNCTION ledger.fill_old_flags()
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  lock table public.invoice_balance_cache in share row exclusive mode;
  delete from public.old_payment_flags;
  delete from public.old_invoice_flags;
  insert into public.old_payment_flags (payment_id, account_id, invoice_id, allocated_amount)
  select a.payment_id, a.account_id, case when count(*) = 1 then (array_agg(a.invoice_id))[1] end, sum(a.amount)
  from (select l.account_id, l.payment_id, l.invoice_id, sum(l.allocated_amount) as amount
        from public.payment_allocations l
        group by l.account_id, l.payment_id, l.invoice_id
        having sum(l.allocated_amount) <> 0) a
  group by a.payment_id, a.account_id;
  insert into public.old_invoice_flags (invoice_id, account_id, amount, paid_amount)
  select b.invoice_id, b.account_id, b.amount, coalesce(sum(l.allocated_amount), 0)
  from public.invoice_balance_cache b
  left join public.payment_allocations l on l.invoice_id = b.invoice_id
  group by b.invoice_id;
end $function$;

CREATE OR REPLACE FUNCTION ledger.first_status (
  p_is_paid        boolean,
  p_payment_method text,
  p_settings       jsonb
)
  RETURNS text
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_default text := p_settings ->> 'default_order_status';
begin
  if v_default = 'pending' then
    return case when p_is_paid and (p_settings ->> 'auto_confirm_when_paid')::boolean then 'confirmed' else 'pending' end;
  elsif p_is_paid or p_payment_method in ('bank_transfer_grace', 'invoice') or exists (
    select from public.order_status_transitions t
    where t.from_status = 'pending' and t.to_status = v_default and not t.needs_payment) then
    return v_default;
  end if;
  return 'pending';
end $function$;

CREATE OR REPLACE FUNCTION ledger.flag_overdue (
  p_order   public.orders,
  p_actor   ledger.actor,
  p_problem text          DEFAULT NULL::text
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_order public.orders;
  v_due_at timestamptz;
  v_transaction public.transactions;
  v_correlation_id uuid := ledger.correlation_id();
begin
  update public.orders o set
    payment_status = ledger.payment_status_of(o.total_amount, o.credited_amount, o.paid_amount, o.refunded_amount),
    version = o.version + 1,
    updated_at = clock_timestamp()
  where o.account_id = p_order.account_id and o.id = p_order.id
  returning o.* into v_order;
  update public.payment_deadlines d set status = 'overdue', expired_at = clock_timestamp(), updated_at = clock_timestamp()
  where d.account_id = p_order.account_id and d.order_id = p_order.id
  returning d.due_at into v_due_at;
  v_transaction := ledger.write_transaction(
    p_order.account_id, 'grace_ended', p_actor, 'not paid in time', v_correlation_id, p_order_id => p_order.id);
  perform ledger.record_operation('order.grace_ended', 'order', p_order.id, p_order.account_id,
    ledger.balance_effect(v_transaction) || jsonb_build_object(
      'order_number', p_order.order_number, 'user_id', p_order.user_id, 'currency', p_order.currency, 'due_at', v_due_at,
      'order_status', v_order.status, 'payment_status', v_order.payment_status, 'outstanding_amount', v_order.outstanding_amount,
      'problem', p_problem),
    p_actor, v_correlation_id);
end $function$;

CREATE OR REPLACE FUNCTION ledger.flagged_payments (
  p_account_id uuid,
  p_run_id     uuid DEFAULT NULL::uuid
)
  RETURNS TABLE (
    payment_id         uuid,
    run_id             uuid,
    paid_at            timestamp with time zone,
    unapplied_amount   bigint,
    synthetic_amount   bigint,
    claimed_invoice_id uuid
  )
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return query
    select p.id, w.run_id, p.paid_at, p.unapplied_amount, p.allocated_amount, i.id
    from public.payments p
    join public.import_rows w on w.target_id = p.id and w.state = 'applied' and w.parsed ->> 'is_allocated' = 'true'
    join public.import_runs u on u.id = w.run_id and u.state <> 'aborted'
    left join public.import_identities n on n.kind = 'invoice' and ledger.import_key(n.external_id) = ledger.import_key(w.parsed ->> 'invoice')
    left join public.invoices i on i.id = n.target_id and i.account_id = p_account_id and i.status = 'issued'
    where p.account_id = p_account_id and p.status = 'captured' and p.source = 'import' and (p_run_id is null or w.run_id = p_run_id)
      and not exists (
        select from ledger.live_allocations(p_account_id, p_payment_id => p.id) a where not a.synthetic)
      and not exists (
        select from public.payment_allocations a
        join public.payment_allocations b on b.reverses_allocation_id = a.id and not b.synthetic
        where a.payment_id = p.id and a.synthetic);
end $function$;

CREATE OR REPLACE FUNCTION ledger.follow_card_events (
  p_step      ledger.card_step,
  p_was_final boolean,
  p_books     boolean
)
  RETURNS public.card_payments
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_card public.card_payments := p_step.card;
  v_facts ledger.card_facts := ledger.card_facts_of(v_card);
  v_problem text;
begin
  v_problem := case
    when v_card.order_id is null then null
    when ledger.refuse_erased((select o.user_id from public.orders o where o.id = v_card.order_id)) is not null then 'customer_erased'
    when p_books then ledger.book_card_payment(p_step, v_facts, p_was_final)
  end;
  update public.card_payments c set
    status = v_facts.status,
    authorised_amount = v_facts.authorised_amount,
    captured_amount = v_facts.captured_amount,
    refunded_amount = v_facts.refunded_amount,
    charged_back_amount = v_facts.charged_back_amount,
    expires_at = v_facts.expires_at,
    problem = v_problem,
    updated_at = clock_timestamp()
  where c.id = v_card.id
  returning c.* into v_card;
  return v_card;
end $function$;

CREATE OR REPLACE FUNCTION ledger.follow_order_invoice (
  p_order       public.orders,
  p_transaction public.transactions,
  p_refund_id   uuid                DEFAULT NULL::uuid,
  p_actor       ledger.actor        DEFAULT NULL::ledger.actor,
  p_allocated   bigint              DEFAULT 0,
  p_unapplied   bigint              DEFAULT 0
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_invoice public.invoices;
  v_refund public.refunds;
  v_change bigint;
  v_credited bigint;
  v_note jsonb := jsonb_build_object();
begin
  -- serial: the account is locked, and no invoice is written without that
  select i.* into v_invoice
  from public.invoices i
  where i.account_id = p_order.account_id and i.order_id = p_order.id and i.kind = 'invoice' and i.status = 'issued'
  for no key update;
  if v_invoice.id is null then
    return ledger.write_debt_movement(p_transaction, 0, p_allocated, p_unapplied);
  end if;
  v_change := p_order.amount_due - (select b.remaining_amount from public.invoice_balance_cache b
                                    where b.account_id = p_order.account_id and b.invoice_id = v_invoice.id);
  select f.* into v_refund from public.refunds f where f.account_id = p_order.account_id and f.id = p_refund_id;
  v_credited := coalesce(v_refund.credited_amount, 0);

  if v_change <> 0 or v_credited <> 0 then
    update public.invoices i set
      credited_amount = i.credited_amount + v_credited,
      prepaid_amount = i.prepaid_amount - v_credited - v_change,
      version = i.version + 1,
      updated_at = clock_timestamp()
    where i.account_id = v_invoice.account_id and i.id = v_invoice.id
    returning i.* into v_invoice;
  end if;
  if v_change <> 0 then
    update public.invoice_balance_cache b set amount = v_invoice.amount, version = b.version + 1, updated_at = clock_timestamp()
    where b.account_id = v_invoice.account_id and b.invoice_id = v_invoice.id;
  end if;

  if v_credited > 0 then
    v_note := ledger.write_credit_note_of_refund(v_invoice, p_order, v_refund, p_actor);
  end if;
  return v_note
    || jsonb_build_object('invoice_id', v_invoice.id, 'invoice_number', v_invoice.invoice_number, 'invoice_amount', v_invoice.amount,
                          'remaining_amount', p_order.amount_due)
    || ledger.write_debt_movement(p_transaction, v_change, p_allocated, p_unapplied);
end $function$;

CREATE OR REPLACE FUNCTION ledger.grace_left (
  p_order_id uuid
)
  RETURNS boolean
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return exists (select from public.payment_deadlines d
                 where d.order_id = p_order_id and d.status <> 'overdue' and d.due_at > clock_timestamp());
end $function$;

CREATE OR REPLACE FUNCTION ledger.grace_of (
  p_order_id uuid
)
  RETURNS text
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (select 'in_grace' from public.payment_deadlines d where d.order_id = p_order_id and d.status = 'open');
end $function$;

CREATE OR REPLACE FUNCTION ledger.grant_grace (
  p_order          public.orders,
  p_until          timestamp with time zone,
  p_actor          ledger.actor,
  p_correlation_id uuid,
  p_facts          jsonb
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  insert into public.payment_deadlines as d (order_id, account_id, due_at, granted_by)
  values (p_order.id, p_order.account_id, p_until, p_actor.user_id)
  on conflict (order_id) do update set
    status = 'open',
    due_at = excluded.due_at,
    granted_by = excluded.granted_by,
    extensions = d.extensions + 1,
    reminded_at = null,
    settled_at = null,
    updated_at = clock_timestamp();
  perform ledger.record_operation('order.grace_granted', 'order', p_order.id, p_order.account_id,
    p_facts || jsonb_build_object(
      'order_number', p_order.order_number, 'user_id', p_order.user_id, 'currency', p_order.currency, 'due_at', p_until,
      'payment_status', p_order.payment_status, 'outstanding_amount', p_order.outstanding_amount),
    p_actor, p_correlation_id);
end $function$;

CREATE OR REPLACE FUNCTION ledger.guard_invoice_series()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  if coalesce(current_setting('ledger.procedure', true), '') = '' then
    if tg_op = 'INSERT' and new.next_number <> new.first_number
       or tg_op = 'UPDATE' and (new.code, new.kind, new.first_number, new.next_number) is distinct from (old.code, old.kind, old.first_number, old.next_number)
       or tg_op = 'DELETE' and (old.next_number > old.first_number or old.code in ('invoice', 'credit_note')) then
      raise exception using errcode = 'insufficient_privilege',
        message = format('%s of the counting of series "%s" by hand is refused: a series has no gaps', lower(tg_op), coalesce(old.code, new.code)),
        hint = 'Numbers are taken by ledger_issue_invoice and ledger_credit_invoice. A series may be added, with its first_number.';
    end if;
    -- a prefix that another series had once would write its numbers again
    if tg_op <> 'DELETE' and exists (
      select from public.invoices i
      where i.source = 'issued' and i.series <> new.code and left(i.invoice_number, length(new.prefix)) = new.prefix
        and substr(i.invoice_number, length(new.prefix) + 1) ~ '^[0-9]+$') then
      raise exception using errcode = 'unique_violation', constraint = 'prefix_was_not_another_series', table = 'invoice_series', schema = 'public',
        message = format('numbers with the prefix "%s" were given by another series', new.prefix), hint = 'Choose another prefix.';
    end if;
  end if;
  return case tg_op when 'DELETE' then old else new end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.has_synthetic_allocations (
  p_run_id uuid,
  p_since  timestamp with time zone DEFAULT NULL::timestamp WITH time zone
)
  RETURNS boolean
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  select exists (
    select from public.payment_allocations a
    where a.import_run_id = p_run_id and a.synthetic and a.reverses_allocation_id is null and (p_since is null or a.created_at >= p_since)
      and not exists (select from public.payment_allocations r where r.reverses_allocation_id = a.id));
$function$;

CREATE OR REPLACE FUNCTION ledger.held_from_outside (
  p_order public.orders
)
  RETURNS bigint
  LANGUAGE sql
  IMMUTABLE
RETURN ((((p_order).paid_amount - (p_order).wallet_amount) - (p_order).refunded_amount) + (p_order).wallet_refunded_amount);

CREATE OR REPLACE FUNCTION ledger.hold_backfill (
  p_run_id uuid,
  p_actor  ledger.actor
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  update public.import_runs r set
    backfill_state = 'drifted',
    backfill_account_id = null,
    backfill = coalesce(r.backfill, '{}') - 'began_at',
    updated_at = clock_timestamp()
  where r.id = p_run_id;
  perform ledger.change_flag('ledger_backfill_mode', 'active', 0, 'backfill is taken back', p_actor);
end $function$;

CREATE OR REPLACE FUNCTION ledger.impersonal_part (
  p_parsed jsonb,
  p_state  text
)
  RETURNS jsonb
  LANGUAGE sql
  IMMUTABLE
  PARALLEL SAFE
RETURN CASE WHEN (p_parsed IS
  NOT NULL) THEN
  jsonb_strip_nulls((jsonb_build_object('user_id', (p_parsed -> 'user_id'::text)) || CASE WHEN (p_state <> 'applied'::text) THEN '{}'::jsonb ELSE jsonb_build_object('is_allocated',
  (p_parsed -> 'is_allocated'::text), 'invoice', (p_parsed -> 'invoice'::text), 'status', (p_parsed -> 'status'::text)) END)) ELSE NULL::jsonb END;

CREATE OR REPLACE FUNCTION ledger.impersonal_report (
  p_report jsonb
)
  RETURNS jsonb
  LANGUAGE sql
  IMMUTABLE
  PARALLEL SAFE
RETURN CASE WHEN ((p_report #> '{amounts,patterns}'::text[]) IS NULL) THEN p_report ELSE
  jsonb_set(p_report, '{amounts,patterns}'::text[], (SELECT COALESCE(jsonb_agg(((p.value - 'examples'::text) || CASE WHEN ((p.value ->> 'readable_rows'::text) = '0'::text) THEN
  '{"pattern": null}'::jsonb ELSE '{}'::jsonb END) ORDER BY p.ordinality),
  '[]'::jsonb) AS "coalesce" FROM jsonb_array_elements((impersonal_report.p_report #> '{amounts,patterns}'::text[])) WITH ORDINALITY p(VALUE, ordinality))) END;

CREATE OR REPLACE FUNCTION ledger.import_amount_patterns (
  p_run_id uuid,
  p_field  text DEFAULT 'amount'::text
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  with rows as (
    select w.row_number, ledger.import_field(w.data, r.options, p_field) as text, c.exponent,
           case when j.row_number is null or j.code = 'row_amount_not_positive' then w.amount end as amount
    from public.import_runs r
    join public.currencies c on c.code = r.currency
    join public.import_rows w on w.run_id = r.id
    left join public.import_rejects j on j.run_id = w.run_id and j.row_number = w.row_number and j.field = p_field
    where r.id = p_run_id),
  patterns as (
    select ledger.amount_pattern(w.text) as pattern, count(*) as rows, count(w.amount) as readable_rows, sum(w.amount) as amount,
           (array_agg(distinct left(w.text, 60)))[1:3] as examples,
           row_number() over (order by count(*) desc, ledger.amount_pattern(w.text)) as place
    from rows w
    group by 1),
  shown as (
    select case when min(p.place) <= 50 then min(p.pattern) end as pattern, sum(p.rows) as rows, sum(p.readable_rows) as readable_rows,
           sum(p.amount) as amount, min(p.place) as place, (jsonb_agg(to_jsonb(p.examples) order by p.place)) -> 0 as examples
    from patterns p
    group by least(p.place, 51)),
  totals as (
    select count(*) as rows, count(w.amount) as readable, coalesce(sum(w.amount), 0) as total,
           sum(ledger.naive_amount(w.text, w.exponent)) as naive_total, count(ledger.naive_amount(w.text, w.exponent)) as naive_rows
    from rows w)
  select jsonb_build_object(
    'rows', t.rows, 'readable', t.readable, 'unreadable', t.rows - t.readable, 'total', t.total,
    'naive_readable', t.naive_rows, 'naive_total', trim_scale(t.naive_total), 'difference', trim_scale(t.total - t.naive_total),
    'patterns', coalesce((
      select jsonb_agg(jsonb_build_object('pattern', s.pattern, 'rows', s.rows, 'share', round(s.rows::numeric / t.rows, 6),
                                          'readable_rows', s.readable_rows, 'amount', s.amount, 'examples', s.examples) order by s.place)
      from shown s), '[]'))
  from totals t;
$function$;

CREATE OR REPLACE FUNCTION ledger.import_chunks (
  p_run_id uuid
)
  RETURNS TABLE (
    first_row bigint,
    last_row  bigint
  )
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  select min(w.row_number), max(w.row_number)
  from (select r.row_number, (row_number() over (order by r.row_number) - 1) / 10000 as chunk
        from public.import_rows r
        where r.run_id = p_run_id) w
  group by w.chunk
  order by w.chunk;
$function$;

CREATE OR REPLACE FUNCTION ledger.import_customers_analyze (
  p_run_id uuid
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_run public.import_runs;
  v_first_row bigint;
  v_last_row bigint;
begin
  select r.* into v_run from public.import_runs r where r.id = p_run_id;
  for v_first_row, v_last_row in select c.first_row, c.last_row from ledger.import_chunks(p_run_id) c loop
    perform ledger.keep_import_readings(p_run_id, array(
      select ledger.read_customer_row(w.row_number, w.data, v_run.options)
      from public.import_rows w
      where w.run_id = p_run_id and w.row_number between v_first_row and v_last_row));
  end loop;
  return (
    select jsonb_build_object('customers', count(distinct w.external_id), 'without_email', count(distinct w.external_id) filter (where not w.parsed ? 'email'))
    from public.import_rows w
    where w.run_id = p_run_id and w.state = 'staged');
end $function$;

CREATE OR REPLACE FUNCTION ledger.import_customers_apply (
  p_run_id uuid,
  p_limit  integer
)
  RETURNS ledger.import_batch
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_run public.import_runs;
  v_rows bigint[];
  v_batch ledger.import_batch := row(0, 0, 0)::ledger.import_batch;
begin
  select r.* into v_run from public.import_runs r where r.id = p_run_id;
  -- imports of customers one after the other: two could bring the same person
  perform pg_advisory_xact_lock(hashtextextended('import customers', 0));
  v_rows := array(select w.row_number from public.import_rows w where w.run_id = p_run_id and w.state = 'staged' order by w.row_number limit p_limit);

  -- check: a run that was left alone has no data any more
  v_batch.rejected_rows := ledger.reject_blanked_rows(p_run_id, v_rows, 'customer');

  -- who is here by their e-mail is known under the older system's name from now on
  insert into public.import_identities (kind, external_id, target_id, run_id)
  select distinct on (w.external_id) 'customer', w.external_id, p.id, p_run_id
  from public.import_rows w
  join auth.users u on u.email = w.parsed ->> 'email'
  join public.profiles p on p.id = u.id and p.erased_at is null
  where w.run_id = p_run_id and w.row_number = any (v_rows)
  order by w.external_id, w.row_number
  on conflict (kind, external_id) do nothing;

  -- the first row of each of the others, by name and by e-mail
  v_batch.applied_rows := ledger.write_imported_customers(v_run, array(
    select n.row_number
    from (select w.row_number, row_number() over (partition by w.external_id order by w.row_number) as of_name,
                 row_number() over (partition by coalesce(w.parsed ->> 'email', w.row_number::text) order by w.row_number) as of_email
          from public.import_rows w
          where w.run_id = p_run_id and w.row_number = any (v_rows) and w.state = 'staged'
            and not exists (select from public.import_identities i where i.kind = 'customer' and i.external_id = w.external_id)) n
    where n.of_name = 1 and n.of_email = 1));

  update public.import_rows w set state = 'skipped', target_id = i.target_id, parsed = w.parsed || jsonb_build_object('user_id', i.target_id)
  from public.import_identities i
  where w.run_id = p_run_id and w.row_number = any (v_rows) and w.state = 'staged' and i.kind = 'customer' and i.external_id = w.external_id;
  get diagnostics v_batch.skipped_rows = row_count;
  return v_batch;
end $function$;

CREATE OR REPLACE FUNCTION ledger.import_external_id (
  p_text    text,
  p_options jsonb
)
  RETURNS text
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_name text := btrim(regexp_replace(regexp_replace(ledger.latin_digits(p_text),
    '[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]', '', 'g'), '[[:space:]\u00a0\u2000-\u200a\u202f\u205f\u3000]+', ' ', 'g'));
begin
  v_name := regexp_replace(v_name, '^([0-9]+)\.0+$', '\1');
  v_name := coalesce(p_options ->> 'external_id_prefix', '') || nullif(v_name, '');
  return case when position('@' in v_name) > 0 then 'digest ' || encode(sha256(convert_to(lower(v_name), 'UTF8')), 'hex') else v_name end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.import_facts (
  p_kind   text,
  p_parsed jsonb
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return jsonb_strip_nulls(case p_kind
    when 'payment' then jsonb_build_object(
      'paid_at', (p_parsed ->> 'paid_at')::timestamptz at time zone 'UTC', 'method', p_parsed ->> 'method',
      'reference', ledger.reference_key(p_parsed ->> 'reference'), 'notes', p_parsed ->> 'notes',
      'is_allocated', p_parsed -> 'is_allocated', 'invoice', ledger.import_key(p_parsed ->> 'invoice'))
    else jsonb_build_object(
      'issued_at', (p_parsed ->> 'issued_at')::timestamptz at time zone 'UTC', 'invoice_number', p_parsed ->> 'invoice_number',
      'tax_amount', coalesce(p_parsed -> 'tax_amount', '0'), 'description', coalesce(p_parsed ->> 'description', 'Invoice ' || (p_parsed ->> 'invoice_number'))) end);
end $function$;

CREATE OR REPLACE FUNCTION ledger.import_field (
  p_data    jsonb,
  p_options jsonb,
  p_field   text
)
  RETURNS text
  LANGUAGE sql
  IMMUTABLE
  PARALLEL SAFE
RETURN
  NULLIF(btrim((p_data ->> COALESCE((p_options #>> ARRAY['columns'::text, p_field]), p_field)), (((((((' '::text || chr(9)) || chr(10)) || chr(13)) || chr(160)) || chr(8206)) ||
  chr(8207)) || chr(65279))), ''::text);

CREATE OR REPLACE FUNCTION ledger.import_invoices_analyze (
  p_run_id uuid
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_run public.import_runs;
  v_exponent integer;
  v_chunk record;
begin
  select r.* into v_run from public.import_runs r where r.id = p_run_id;
  select c.exponent into v_exponent from public.currencies c where c.code = v_run.currency;
  for v_chunk in select c.first_row, c.last_row from ledger.import_chunks(p_run_id) c loop
    perform ledger.keep_import_readings(p_run_id, array(
      select ledger.read_invoice_row(w.row_number, w.data, v_run.options, v_run.currency, v_exponent)
      from public.import_rows w
      where w.run_id = p_run_id and w.row_number between v_chunk.first_row and v_chunk.last_row and w.state = 'staged'), p_find_customers => true);
  end loop;
  perform ledger.reject_duplicate_rows(p_run_id);
  perform ledger.reject_used_numbers(p_run_id);
  return jsonb_build_object(
    'amounts', ledger.import_amount_patterns(p_run_id),
    'statuses', (select coalesce(jsonb_object_agg(s.status, jsonb_build_object('rows', s.rows, 'amount', s.amount)), '{}')
                 from (select coalesce(w.parsed ->> 'status', 'none') as status, count(*) as rows, sum(w.amount) as amount
                       from public.import_rows w
                       where w.run_id = p_run_id and w.state = 'staged'
                       group by 1) s));
end $function$;

CREATE OR REPLACE FUNCTION ledger.import_invoices_apply (
  p_run_id uuid,
  p_limit  integer
)
  RETURNS ledger.import_batch
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_run public.import_runs;
  v_row_numbers bigint[];
  v_batch ledger.import_batch;
  v_invoices ledger.invoice_to_import[];
begin
  select r.* into v_run from public.import_runs r where r.id = p_run_id;
  v_row_numbers := array(
    select w.row_number from public.import_rows w where w.run_id = p_run_id and w.state = 'staged' order by w.row_number limit p_limit);

  -- lock: accounts
  perform ledger.lock_accounts_of_rows(v_run, v_row_numbers);

  -- what cannot be any more, what is there already, what is too much
  v_batch.rejected_rows := ledger.reject_lost_customers(p_run_id, v_row_numbers) + ledger.reject_blanked_rows(p_run_id, v_row_numbers, 'issued_at');
  v_batch.skipped_rows := ledger.skip_imported_rows(p_run_id, 'invoice', v_row_numbers);
  v_batch.rejected_rows := v_batch.rejected_rows + ledger.reject_imported_differently(p_run_id, 'invoice', v_row_numbers)
    + ledger.reject_used_numbers(p_run_id, v_row_numbers) + ledger.reject_what_is_too_much(p_run_id, v_row_numbers, v_run.currency, true);

  -- write and record
  v_invoices := ledger.invoices_to_import(v_run, v_row_numbers);
  v_batch.applied_rows := cardinality(v_invoices);
  perform ledger.write_imported_invoices(v_run, v_invoices);
  perform ledger.book_imported_invoices(v_run, v_invoices);
  perform ledger.record_imported_invoices(v_run, v_invoices);
  return v_batch;
end $function$;

CREATE OR REPLACE FUNCTION ledger.import_key (
  p_external_id text
)
  RETURNS text
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  STRICT
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return regexp_replace(ledger.reference_key(p_external_id), '^0+([0-9]+)$', '\1');
end $function$;

CREATE OR REPLACE FUNCTION ledger.import_name (
  p_text text
)
  RETURNS text
  LANGUAGE sql
  IMMUTABLE
  PARALLEL SAFE
RETURN regexp_replace(p_text, '^([0-9]+)\.0+$'::text, '\1'::text);

CREATE OR REPLACE FUNCTION ledger.import_option_names()
  RETURNS text[]
  LANGUAGE sql
  IMMUTABLE
RETURN
  '{currency,columns,decimal_separator,accept_exponent,date_format,time_zone,external_id_prefix,method,methods,statuses,words,order_number_prefix,cancellation_prefix,default_status,default_payment_status,default_payment_method,guest_customer,prices_include_tax,tax_rate_bp,refunds,stock}'::text[];

CREATE OR REPLACE FUNCTION ledger.import_orders_analyze (
  p_run_id uuid
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_run public.import_runs;
  v_exponent integer;
  v_first_row bigint;
  v_last_row bigint;
  v_rejects ledger.import_reject[];
begin
  select r.* into v_run from public.import_runs r where r.id = p_run_id;
  v_exponent := (select c.exponent from public.currencies c where c.code = v_run.currency);

  -- what each row says
  for v_first_row, v_last_row in select c.first_row, c.last_row from ledger.import_chunks(p_run_id) c loop
    perform ledger.keep_import_readings(p_run_id, array(
      select ledger.read_order_row(w.row_number, w.data, v_run.options, v_run.currency, v_exponent)
      from public.import_rows w
      where w.run_id = p_run_id and w.row_number between v_first_row and v_last_row),
      p_find_customers => true);
  end loop;

  -- what it takes for granted, and what the rows of an order say together
  perform ledger.reject_import_rows(p_run_id, ledger.reject_unknown_skus(p_run_id));
  perform ledger.reject_import_rows(p_run_id, ledger.reject_disagreeing_orders(p_run_id));

  -- and an order goes with each of its rows
  select array_agg(row(w.row_number, 'order_number', 'row_of_rejected_order', w.external_id,
                       jsonb_build_object('row', w.rejected_row))::ledger.import_reject) into v_rejects
  from (select r.row_number, r.external_id, r.state, min(r.row_number) filter (where r.state = 'rejected') over (partition by r.external_id) as rejected_row
        from public.import_rows r
        where r.run_id = p_run_id and r.parsed @> '{"is_cancellation": false}') w
  where w.state = 'staged' and w.rejected_row is not null;
  perform ledger.reject_import_rows(p_run_id, v_rejects);

  return (
    select jsonb_build_object(
      'orders', count(distinct w.external_id) filter (where not l.is_cancellation),
      'cancellations', count(distinct w.external_id) filter (where l.is_cancellation),
      'customers', count(distinct l.user_id),
      'skus', count(distinct l.sku),
      'first_at', min(l.placed_at), 'last_at', max(l.placed_at),
      'amount', coalesce(sum(w.amount) filter (where not l.is_cancellation), 0),
      'cancelled_amount', coalesce(sum(w.amount) filter (where l.is_cancellation), 0))
    from public.import_rows w
    cross join lateral jsonb_populate_record(null::ledger.import_order_line, w.parsed) l
    where w.run_id = p_run_id and w.state = 'staged');
end $function$;

CREATE OR REPLACE FUNCTION ledger.import_orders_apply (
  p_run_id uuid,
  p_limit  integer
)
  RETURNS ledger.import_batch
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_run public.import_runs;
  v_actor ledger.actor;
  v_numbers text[];
  v_orders public.orders[];
  v_items public.order_items[];
  v_user_ids uuid[];
  v_batch ledger.import_batch;
  v_started timestamptz := clock_timestamp();
begin
  select r.* into v_run from public.import_runs r where r.id = p_run_id;
  v_actor := row(v_run.applied_by, true, '00000000-0000-0000-0000-000000000000')::ledger.actor;
  v_numbers := array(
    select distinct n.external_id
    from (select w.external_id
          from public.import_rows w
          where w.run_id = p_run_id and w.state = 'staged' and w.parsed @> '{"is_cancellation": false}'
          order by w.row_number
          limit p_limit) n);
  if v_numbers = '{}' then
    return ledger.apply_order_cancellations(v_run, p_limit, v_actor);
  end if;

  -- lock: accounts, with those that may lose a commission by an order that ended, and stock; who was
  -- erased until then has no orders any more
  v_user_ids := array(
    select distinct p.id
    from public.import_rows w
    left join public.referrals r on r.referee_user_id = w.user_id and w.parsed @> '{"status": "refunded"}'
    join public.profiles p on p.id in (w.user_id, r.referrer_user_id) and p.erased_at is null
    where w.run_id = p_run_id and w.external_id = any (v_numbers) and w.parsed ? 'order_number' and w.state = 'staged');
  perform ledger.lock_accounts(v_user_ids, v_run.currency);
  v_orders := ledger.draft_imported_orders(v_run, v_numbers);
  v_items := ledger.draft_imported_items(v_run, v_orders);
  perform ledger.lock_stock_to_return(array(select distinct i.variant_id from unnest(v_items) i));

  -- check: what was imported before, and what cannot be imported any more
  v_batch := ledger.pass_over_orders(v_run, v_orders, v_items);
  select array_agg(o) into v_orders
  from unnest(v_orders) o
  where exists (select from public.import_rows w
                where w.run_id = p_run_id and w.external_id = o.metadata ->> 'old_number' and w.parsed ? 'order_number' and w.state = 'staged');
  if v_orders is null then
    return v_batch;
  end if;
  select array_agg(i) into v_items from unnest(v_items) i where i.order_id in (select o.id from unnest(v_orders) o);

  -- write and record
  perform ledger.write_imported_orders(v_orders, v_items);
  perform ledger.write_imported_goods(v_items, v_run.options ->> 'stock' = 'take', v_actor);
  perform ledger.record_imported_orders(v_orders, v_actor);
  perform ledger.end_imported_orders(v_run, v_orders, v_actor);
  perform ledger.drop_messages_since(v_started);

  insert into public.import_identities (kind, external_id, target_id, run_id)
  select 'order', o.metadata ->> 'old_number', o.id, p_run_id
  from unnest(v_orders) o;
  -- a file of payments that are called after their orders brings nothing new
  insert into public.import_identities (kind, external_id, target_id, run_id)
  select 'payment', ledger.import_external_id('order ' || (o.metadata ->> 'old_number'), '{}'), p.id, p_run_id
  from unnest(v_orders) o
  join public.payments p on p.account_id = o.account_id and p.order_id = o.id
  on conflict do nothing;
  update public.import_rows w set state = 'applied', target_id = o.id
  from unnest(v_orders) o
  where w.run_id = p_run_id and w.external_id = o.metadata ->> 'old_number' and w.parsed ? 'order_number' and w.state = 'staged';
  get diagnostics v_batch.applied_rows = row_count;
  return v_batch;
end $function$;

CREATE OR REPLACE FUNCTION ledger.import_payments_analyze (
  p_run_id uuid
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_run public.import_runs;
  v_exponent integer;
  v_chunk record;
begin
  select r.* into v_run from public.import_runs r where r.id = p_run_id;
  select c.exponent into v_exponent from public.currencies c where c.code = v_run.currency;
  for v_chunk in select c.first_row, c.last_row from ledger.import_chunks(p_run_id) c loop
    perform ledger.keep_import_readings(p_run_id, array(
      select ledger.read_payment_row(w.row_number, w.data, v_run.options, v_run.currency, v_exponent)
      from public.import_rows w
      where w.run_id = p_run_id and w.row_number between v_chunk.first_row and v_chunk.last_row and w.state = 'staged'), p_find_customers => true);
  end loop;
  perform ledger.reject_duplicate_rows(p_run_id);
  perform ledger.reject_used_references(p_run_id);
  return jsonb_build_object(
    'amounts', ledger.import_amount_patterns(p_run_id),
    'possible_duplicates', ledger.possible_duplicate_payments(p_run_id),
    'flagged_allocated', (select jsonb_build_object('rows', count(*), 'amount', coalesce(sum(w.amount), 0))
                          from public.import_rows w
                          where w.run_id = p_run_id and w.state = 'staged' and w.parsed ->> 'is_allocated' = 'true'));
end $function$;

CREATE OR REPLACE FUNCTION ledger.import_payments_apply (
  p_run_id uuid,
  p_limit  integer
)
  RETURNS ledger.import_batch
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_run public.import_runs;
  v_row_numbers bigint[];
  v_batch ledger.import_batch;
  v_payments ledger.payment_to_import[];
begin
  select r.* into v_run from public.import_runs r where r.id = p_run_id;
  v_row_numbers := array(
    select w.row_number from public.import_rows w where w.run_id = p_run_id and w.state = 'staged' order by w.row_number limit p_limit);

  -- lock: accounts
  perform ledger.lock_accounts_of_rows(v_run, v_row_numbers);

  -- what cannot be any more, what is there already, what is too much
  v_batch.rejected_rows := ledger.reject_lost_customers(p_run_id, v_row_numbers) + ledger.reject_blanked_rows(p_run_id, v_row_numbers, 'paid_at');
  v_batch.skipped_rows := ledger.skip_imported_rows(p_run_id, 'payment', v_row_numbers);
  v_batch.rejected_rows := v_batch.rejected_rows + ledger.reject_imported_differently(p_run_id, 'payment', v_row_numbers)
    + ledger.reject_used_references(p_run_id, v_row_numbers) + ledger.reject_what_is_too_much(p_run_id, v_row_numbers, v_run.currency, false);

  -- write: the number of each row in its account, and what is unapplied after it
  v_payments := ledger.payments_to_import(v_run, v_row_numbers);
  v_batch.applied_rows := cardinality(v_payments);
  perform ledger.write_imported_payments(v_run, v_payments);
  perform ledger.record_imported_payments(v_run, v_payments);
  return v_batch;
end $function$;

CREATE OR REPLACE FUNCTION ledger.import_products_analyze (
  p_run_id uuid
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_run public.import_runs;
  v_exponent integer;
  v_first_row bigint;
  v_last_row bigint;
begin
  select r.* into v_run from public.import_runs r where r.id = p_run_id;
  v_exponent := (select c.exponent from public.currencies c where c.code = v_run.currency);
  for v_first_row, v_last_row in select c.first_row, c.last_row from ledger.import_chunks(p_run_id) c loop
    perform ledger.keep_import_readings(p_run_id, array(
      select ledger.read_product_row(w.row_number, w.data, v_run.options, v_run.currency, v_exponent)
      from public.import_rows w
      where w.run_id = p_run_id and w.row_number between v_first_row and v_last_row));
  end loop;
  return (
    select jsonb_build_object('skus', count(distinct w.external_id),
      'new_skus', count(distinct w.external_id) filter (where not exists (select from public.variants v where v.sku = w.external_id)))
    from public.import_rows w
    where w.run_id = p_run_id and w.state = 'staged');
end $function$;

CREATE OR REPLACE FUNCTION ledger.import_products_apply (
  p_run_id uuid,
  p_limit  integer
)
  RETURNS ledger.import_batch
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_run public.import_runs;
  v_rows bigint[];
  v_batch ledger.import_batch := row(0, 0, 0)::ledger.import_batch;
begin
  select r.* into v_run from public.import_runs r where r.id = p_run_id;
  -- imports of products one after the other: two could bring the same SKU
  perform pg_advisory_xact_lock(hashtextextended('import products', 0));
  v_rows := array(select w.row_number from public.import_rows w where w.run_id = p_run_id and w.state = 'staged' order by w.row_number limit p_limit);

  -- check: a run that was left alone has no data any more
  v_batch.rejected_rows := ledger.reject_blanked_rows(p_run_id, v_rows, 'sku');

  -- write: what is not here, from the first row of each SKU
  v_batch.applied_rows := ledger.write_imported_products(v_run, array(
    select distinct on (w.external_id) w.row_number
    from public.import_rows w
    where w.run_id = p_run_id and w.row_number = any (v_rows) and w.state = 'staged'
      and not exists (select from public.variants v where v.sku = w.external_id)
    order by w.external_id, w.row_number));

  -- the other rows say nothing new
  update public.import_rows w set state = 'skipped', target_id = v.id
  from public.variants v
  where w.run_id = p_run_id and w.row_number = any (v_rows) and w.state = 'staged' and v.sku = w.external_id;
  get diagnostics v_batch.skipped_rows = row_count;
  return v_batch;
end $function$;

CREATE OR REPLACE FUNCTION ledger.import_reject_summary (
  p_run_id uuid
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  select coalesce(jsonb_agg(jsonb_build_object('code', j.code, 'field', j.field, 'rows', j.rows, 'examples', j.examples)
                            order by j.rows desc, j.code, j.field), '[]')
  from (select r.code, r.field, count(*) as rows,
               to_jsonb((array_agg(jsonb_build_object('row', r.row_number, 'value', left(r.value, 100), 'message', r.message)
                                   order by r.row_number))[1:3]) as examples
        from public.import_rejects r
        where r.run_id = p_run_id
        group by r.code, r.field) j;
$function$;

CREATE OR REPLACE FUNCTION ledger.import_sums (
  p_run_id uuid
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  select jsonb_object_agg(s.state, s.amount) || jsonb_build_object('rows_without_amount', sum(s.unreadable), 'total', sum(s.amount))
  from (select w.state, coalesce(sum(w.amount), 0) as amount, count(*) filter (where w.amount is null) as unreadable
        from public.import_rows w
        where w.run_id = p_run_id
        group by w.state) s;
$function$;

CREATE OR REPLACE FUNCTION ledger.import_word (
  p_data    jsonb,
  p_options jsonb,
  p_field   text
)
  RETURNS text
  LANGUAGE sql
  IMMUTABLE
  PARALLEL SAFE
RETURN
  (SELECT COALESCE((import_word.p_options #>> ARRAY['words'::text, import_word.p_field, w.word]), lower(w.word)) AS "coalesce" FROM ledger.import_field(import_word.p_data,
  import_word.p_options, import_word.p_field) w(word));

CREATE OR REPLACE FUNCTION ledger.imported_before (
  p_run_id      uuid,
  p_kind        text,
  p_row_numbers bigint[]
)
  RETURNS TABLE (
    row_number  bigint,
    external_id text,
    target_id   uuid,
    imported_id text,
    status      text,
    is_same     boolean,
    imported    text,
    found       text
  )
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  select w.row_number, w.external_id, i.target_id, i.external_id, t.status,
         t.status in ('captured', 'issued') and lower(i.external_id) = lower(w.external_id) and t.amount = w.amount and t.account_id = n.account_id and d.is_same,
         concat_ws(', ', case when lower(i.external_id) <> lower(w.external_id) then i.external_id end,
                   ledger.format_money(t.amount, r.currency) || case when t.account_id <> n.account_id then ' of somebody else' else '' end, d.imported),
         concat_ws(', ', ledger.format_money(w.amount, r.currency), d.found)
  from public.import_rows w
  join public.import_runs r on r.id = w.run_id
  join public.import_identities i on i.kind = p_kind and ledger.import_key(i.external_id) = ledger.import_key(w.external_id)
  cross join lateral ledger.imported_target(p_kind, i.target_id) t
  cross join lateral ledger.account_id((w.parsed ->> 'user_id')::uuid, r.currency) n (account_id)
  cross join lateral (
    select bool_and(b.value is not distinct from a.value) as is_same,
           string_agg(format('%s %s', coalesce(a.key, b.key), coalesce(left(a.value, 60), 'none')), ', ' order by coalesce(a.key, b.key)) filter (where b.value is distinct from a.value) as imported,
           string_agg(format('%s %s', coalesce(a.key, b.key), coalesce(left(b.value, 60), 'none')), ', ' order by coalesce(a.key, b.key)) filter (where b.value is distinct from a.value) as found
    from jsonb_each_text(ledger.imported_facts(p_kind, i.target_id)) a
    full join jsonb_each_text(ledger.import_facts(p_kind, w.parsed)) b on b.key = a.key) d
  where w.run_id = p_run_id and w.row_number = any (p_row_numbers) and w.state = 'staged';
$function$;

CREATE OR REPLACE FUNCTION ledger.imported_customers (
  p_values text[]
)
  RETURNS TABLE (
    value   text,
    user_id uuid
  )
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  select v.value, p.id
  from (select distinct u.value from unnest(p_values) u (value) where u.value is not null) v
  left join public.import_identities i on i.kind = 'customer' and i.external_id = v.value
  left join auth.users e on i.target_id is null and position('@' in v.value) > 1 and e.email = lower(v.value)
  join public.profiles p on p.erased_at is null and p.id = coalesce(i.target_id, e.id,
    case when v.value ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then v.value::uuid end);
$function$;

CREATE OR REPLACE FUNCTION ledger.imported_facts (
  p_kind      text,
  p_target_id uuid
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return ledger.import_facts(p_kind, case p_kind
    when 'payment' then (
      select jsonb_build_object('paid_at', p.paid_at, 'method', p.method, 'reference', p.reference, 'notes', p.notes,
                                'is_allocated', w.parsed -> 'is_allocated', 'invoice', w.parsed ->> 'invoice')
      from public.payments p
      left join public.import_rows w on w.target_id = p.id and w.state = 'applied'
      where p.id = p_target_id)
    else (
      select jsonb_build_object('issued_at', i.issued_at, 'invoice_number', i.invoice_number, 'tax_amount', i.tax_amount, 'description', l.description)
      from public.invoices i
      join public.invoice_lines l on l.invoice_id = i.id and l.line_number = 1
      where i.id = p_target_id) end);
end $function$;

CREATE OR REPLACE FUNCTION ledger.imported_id (
  p_at timestamp with time zone
)
  RETURNS uuid
  LANGUAGE sql
RETURN
  (encode(set_bit(set_bit(OVERLAY(uuid_send(gen_random_uuid()) PLACING SUBSTRING(int8send(((EXTRACT(epoch FROM p_at) * (1000)::numeric))::bigint) FROM 3) FROM 1 FOR 6),
  (52)::bigint, 1), (53)::bigint, 1), 'hex'::text))::uuid;

CREATE OR REPLACE FUNCTION ledger.imported_payment_status (
  p_options     jsonb,
  p_status      text,
  p_paid_amount bigint,
  p_total       numeric
)
  RETURNS text
  LANGUAGE sql
  IMMUTABLE
  PARALLEL SAFE
RETURN COALESCE(p_status, CASE WHEN ((p_paid_amount)::numeric = p_total) THEN 'paid'::text WHEN (p_paid_amount = 0) THEN 'unpaid'::text WHEN (p_paid_amount IS
  NOT NULL) THEN 'partially_paid'::text ELSE NULL::text END, (p_options ->> 'default_payment_status'::text), 'paid'::text);

CREATE OR REPLACE FUNCTION ledger.imported_prices_include_tax (
  p_options jsonb
)
  RETURNS boolean
  LANGUAGE sql
  STABLE
RETURN COALESCE(((p_options ->> 'prices_include_tax'::text))::boolean, (ledger.setting_text('prices_include_tax'::text))::boolean);

CREATE OR REPLACE FUNCTION ledger.imported_target (
  p_kind      text,
  p_target_id uuid,
  OUT         amount bigint,
  OUT         account_id uuid,
  OUT         status text
)
  RETURNS record
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  select p.amount, p.account_id, p.status from public.payments p where p_kind = 'payment' and p.id = p_target_id
  union all
  select i.total_amount, i.account_id, i.status from public.invoices i where p_kind = 'invoice' and i.id = p_target_id;
$function$;

CREATE OR REPLACE FUNCTION ledger.imported_total (
  p_options jsonb,
  p_lines   ledger.import_order_line[]
)
  RETURNS numeric
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_include boolean := ledger.imported_prices_include_tax(p_options);
begin
  return (
    select sum(n.net::numeric + case when v_include then 0 else ledger.line_tax(n.net, n.tax_rate_bp, false) end) + max(coalesce(n.shipping_amount, 0))
    from (select l.unit_price_amount * l.quantity - coalesce(l.discount_amount, 0) as net, l.tax_rate_bp, l.shipping_amount
          from unnest(p_lines) l) n);
end $function$;

CREATE OR REPLACE FUNCTION ledger.insert_invoice (
  p_account            public.accounts,
  p_kind               text,
  p_order_id           uuid,
  p_credits_invoice_id uuid,
  p_refund_id          uuid,
  p_draft              ledger.invoice_draft,
  p_actor              ledger.actor
)
  RETURNS public.invoices
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_id uuid := ledger.uuid_v7();
  v_is_imported boolean := p_draft.source is not distinct from 'import';
  v_series text := case when not v_is_imported then coalesce(p_draft.series, p_kind) end;
  v_number bigint;
  v_invoice_number text := p_draft.invoice_number;
  v_invoice public.invoices;
begin
  if not v_is_imported then
    select n.number, n.invoice_number into v_number, v_invoice_number from ledger.next_invoice_number(v_series) n;
  end if;
  insert into public.invoices as i
    (id, account_id, user_id, currency, kind, order_id, credits_invoice_id, refund_id, series, number, invoice_number, issued_at, due_at,
     prices_include_tax, subtotal_amount, discount_amount, shipping_amount, tax_amount, total_amount, prepaid_amount, customer_name,
     billing_address, reference, notes, source, external_id, issued_by)
  values
    (v_id, p_account.id, p_account.user_id, p_account.currency, p_kind, p_order_id, p_credits_invoice_id, p_refund_id, v_series, v_number,
     v_invoice_number, coalesce(p_draft.issued_at, clock_timestamp()), p_draft.due_at, p_draft.prices_include_tax, p_draft.subtotal_amount,
     p_draft.discount_amount, p_draft.shipping_amount, p_draft.tax_amount, p_draft.total_amount, coalesce(p_draft.prepaid_amount, 0),
     coalesce(p_draft.customer_name, (select p.display_name from public.profiles p where p.id = p_account.user_id)),
     p_draft.billing_address, p_draft.reference, p_draft.notes, coalesce(p_draft.source, 'issued'), p_draft.external_id, p_actor.user_id)
  returning i.* into v_invoice;
  insert into public.invoice_lines
    (invoice_id, line_number, account_id, description, sku, quantity, unit_price_amount, total_price_amount, discount_amount, tax_rate_bp, tax_amount)
  select v_id, l.line_number, p_account.id, l.description, l.sku, l.quantity, l.unit_price_amount, l.total_price_amount, l.discount_amount,
         l.tax_rate_bp, l.tax_amount
  from unnest(p_draft.lines) l;
  return v_invoice;
end $function$;

CREATE OR REPLACE FUNCTION ledger.invoice_legs (
  p_invoice public.invoices
)
  RETURNS ledger.posting_leg[]
  LANGUAGE sql
  IMMUTABLE
RETURN CASE WHEN ((p_invoice).order_id IS NULL) THEN
  ARRAY[ROW('receivable'::text, 'revenue'::text, (((p_invoice).total_amount - (p_invoice).tax_amount) - (p_invoice).shipping_amount))::ledger.posting_leg,
  ROW('receivable'::text, 'shipping_income'::text, (p_invoice).shipping_amount)::ledger.posting_leg,
  ROW('receivable'::text, 'tax_payable'::text, (p_invoice).tax_amount)::ledger.posting_leg] ELSE NULL::ledger.posting_leg[] END;

CREATE OR REPLACE FUNCTION ledger.invoice_text (
  p_description text,
  p_sku         text
)
  RETURNS text
  LANGUAGE sql
  IMMUTABLE
RETURN "left"(COALESCE(NULLIF(TRIM(BOTH FROM p_description), ''::text), NULLIF(TRIM(BOTH FROM p_sku), ''::text), '-'::text), 1000);

CREATE OR REPLACE FUNCTION ledger.invoices_to_import (
  p_run         public.import_runs,
  p_row_numbers bigint[]
)
  RETURNS ledger.invoice_to_import[]
  LANGUAGE sql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  select coalesce(array_agg(row(
           n.row_number, n.external_id, a.id, a.user_id, n.amount, coalesce((n.parsed ->> 'tax_amount')::bigint, 0), n.parsed ->> 'invoice_number',
           n.issued_at, coalesce((n.parsed ->> 'due_at')::timestamptz, n.issued_at + make_interval(days => ledger.due_days_of(a.id))),
           n.parsed ->> 'reference', n.parsed ->> 'notes',
           coalesce(n.parsed ->> 'description', 'Invoice ' || (n.parsed ->> 'invoice_number')),
           ledger.uuid_v7(), ledger.uuid_v7(), nextval('ledger.event_id_seq'), gen_random_uuid(),
           a.version + n.place, a.available_balance, coalesce(c.debt_amount, 0) + n.running, coalesce(c.unapplied_amount, 0)
         )::ledger.invoice_to_import order by n.row_number), '{}')
  from (select w.row_number, w.external_id, w.amount, w.parsed, (w.parsed ->> 'issued_at')::timestamptz as issued_at,
               ledger.account_id((w.parsed ->> 'user_id')::uuid, p_run.currency) as account_id,
               row_number() over by_account as place, sum(w.amount) over by_account as running
        from public.import_rows w
        where w.run_id = p_run.id and w.row_number = any (p_row_numbers) and w.state = 'staged'
        window by_account as (partition by w.parsed ->> 'user_id' order by w.row_number)) n
  join public.accounts a on a.id = n.account_id
  left join public.account_debt_cache c on c.account_id = n.account_id;
$function$;

CREATE OR REPLACE FUNCTION ledger.is_exact_amount (
  p_value jsonb,
  p_least bigint
)
  RETURNS boolean
  LANGUAGE sql
  IMMUTABLE
RETURN
  COALESCE(CASE jsonb_typeof(p_value) WHEN 'number'::text THEN ((((p_value #>> '{}'::text[]))::numeric >= (p_least)::numeric) AND (((p_value #>> '{}'::text[]))::numeric <=
  ('9007199254740991'::bigint)::numeric) AND (((p_value #>> '{}'::text[]))::numeric = trunc(((p_value #>> '{}'::text[]))::numeric))) WHEN 'null'::text THEN true ELSE
  (p_value IS NULL) END, false);

CREATE OR REPLACE FUNCTION ledger.is_file_of_receipt (
  p_path text
)
  RETURNS boolean
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  perform ledger.lock_receipt_file(p_path);
  return exists (select from public.payment_receipts r where r.storage_path = p_path);
end $function$;

CREATE OR REPLACE FUNCTION ledger.is_refund_of_a_card (
  p_refund_id uuid
)
  RETURNS boolean
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return exists (select from public.card_bookings b where b.refund_id = p_refund_id and b.kind in ('paid_out', 'allowed'));
end $function$;

CREATE OR REPLACE FUNCTION ledger.keep_card_event (
  p_card  public.card_payments,
  p_event jsonb
)
  RETURNS boolean
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_currency text := upper(p_event ->> 'currency');
  v_decimals integer := (p_event ->> 'exponent')::integer;
begin
  insert into public.card_events
    (provider, event_id, card_payment_id, account_id, kind, object_id, order_id, refund_id, currency, amount, captured_total, is_final,
     expires_at, occurred_at, payload, payload_digest)
  values
    (p_card.provider, p_event ->> 'event_id', p_card.id, p_card.account_id, p_event ->> 'kind', p_event ->> 'object_id',
     ledger.uuid_in(p_event ->> 'order_id'), ledger.uuid_in(p_event ->> 'refund_id'), v_currency,
     ledger.to_minor_units((p_event ->> 'amount')::numeric, v_decimals, v_currency),
     ledger.to_minor_units((p_event ->> 'captured_total')::numeric, v_decimals, v_currency),
     -- a provider that counts no total captures once
     coalesce((p_event ->> 'is_final')::boolean, p_event ->> 'captured_total' is null),
     ledger.time_in(p_event ->> 'expires_at'), ledger.time_in(p_event ->> 'occurred_at'),
     -- nothing else is kept: it could be about a person
     (select jsonb_object_agg(f.key, f.value) from jsonb_each(p_event) f
      where f.key in ('event_id', 'kind', 'provider_payment_id', 'object_id', 'order_id', 'refund_id', 'currency', 'amount', 'exponent',
                      'captured_total', 'is_final', 'occurred_at', 'expires_at')),
     md5(p_event::text)::uuid)
  on conflict (provider, event_id) do nothing;
  return found;
end $function$;

CREATE OR REPLACE FUNCTION ledger.keep_import_readings (
  p_run_id         uuid,
  p_readings       ledger.import_reading[],
  p_find_customers boolean                 DEFAULT false
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  with customers as materialized (
    select c.value, c.user_id
    from ledger.imported_customers(case when p_find_customers then array(select distinct r.parsed ->> 'customer' from unnest(p_readings) r) end) c)
  update public.import_rows w set
    external_id = r.external_id,
    amount = r.amount,
    parsed = r.parsed || case when c.user_id is null then '{}' else jsonb_build_object('user_id', c.user_id) end
  from unnest(p_readings) r
  left join customers c on c.value = r.parsed ->> 'customer'
  where w.run_id = p_run_id and w.row_number = r.row_number;
  perform ledger.reject_import_rows(p_run_id, array(
    select row(j.row_number, j.field, j.code, j.value, j.details)::ledger.import_reject
    from unnest(p_readings) r
    cross join lateral unnest(r.rejects) j));
  if p_find_customers then
    perform ledger.reject_import_rows(p_run_id, array(
      select row(w.row_number, 'customer', 'row_customer_not_found', w.parsed ->> 'customer', null)::ledger.import_reject
      from unnest(p_readings) r
      join public.import_rows w on w.run_id = p_run_id and w.row_number = r.row_number
      where w.parsed ? 'customer' and not w.parsed ? 'user_id'));
  end if;
end $function$;

CREATE OR REPLACE FUNCTION ledger.keep_old_flag_of_invoice()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  perform ledger.keep_old_flags(new.account_id, null, new.invoice_id, 0);
  return null;
end $function$;

CREATE OR REPLACE FUNCTION ledger.keep_old_flags (
  p_account_id uuid,
  p_payment_id uuid,
  p_invoice_id uuid,
  p_amount     bigint
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_state text := (select f.state from public.feature_flags f where f.key = 'allocation_dual_write');
begin
  if v_state = 'enforce' then
    perform ledger.write_old_flags(p_account_id, p_payment_id, p_invoice_id, p_amount);
  elsif v_state = 'shadow' then
    begin
      perform ledger.write_old_flags(p_account_id, p_payment_id, p_invoice_id, p_amount);
    exception when others then
      insert into public.old_flag_failures (account_id, payment_id, invoice_id, problem)
      values (p_account_id, p_payment_id, p_invoice_id, format('%s (%s)', sqlerrm, sqlstate));
    end;
  end if;
end $function$;

CREATE OR REPLACE FUNCTION ledger.keep_old_flags_of_allocation()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  perform ledger.keep_old_flags(new.account_id, new.payment_id, new.invoice_id, new.allocated_amount);
  return null;
end $function$;

CREATE OR REPLACE FUNCTION ledger.latin_digits (
  p_text text
)
  RETURNS text
  LANGUAGE sql
  IMMUTABLE
  PARALLEL SAFE
  STRICT
RETURN translate(p_text, '۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩'::text, '01234567890123456789'::text);

CREATE OR REPLACE FUNCTION ledger.left_by_rate (
  p_invoice public.invoices
)
  RETURNS TABLE (
    tax_rate_bp  integer,
    gross_amount bigint,
    tax_amount   bigint
  )
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return query
    select l.tax_rate_bp,
           sum((l.total_price_amount - l.discount_amount + case when p_invoice.prices_include_tax then 0 else l.tax_amount end) * s.sign)::bigint,
           sum(l.tax_amount * s.sign)::bigint
    from public.invoices n
    join public.invoice_lines l on l.invoice_id = n.id
    cross join lateral (select case n.kind when 'invoice' then 1 else -1 end as sign) s
    where n.account_id = p_invoice.account_id and (n.id = p_invoice.id or n.credits_invoice_id = p_invoice.id)
    group by l.tax_rate_bp;
end $function$;

CREATE OR REPLACE FUNCTION ledger.lines_of_refund (
  p_refund public.refunds
)
  RETURNS ledger.invoice_draft_line[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (
    select array_agg(row(l.line_number, ledger.invoice_text(ledger.item_name(i.product_name, i.variant_name), i.product_sku), i.product_sku,
                         l.quantity, i.unit_price_amount, l.goods_amount, l.discount_amount, i.tax_rate_bp, l.tax_amount)::ledger.invoice_draft_line
                     order by l.line_number)
    from public.refund_lines l
    join public.order_items i on i.account_id = l.account_id and i.order_id = l.order_id and i.line_number = l.line_number
    where l.account_id = p_refund.account_id and l.refund_id = p_refund.id);
end $function$;

CREATE OR REPLACE FUNCTION ledger.live_allocations (
  p_account_id uuid,
  p_invoice_id uuid DEFAULT NULL::uuid,
  p_payment_id uuid DEFAULT NULL::uuid
)
  RETURNS SETOF public.payment_allocations
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return query
    select l.*
    from public.payment_allocations l
    where l.account_id = p_account_id and l.reverses_allocation_id is null
      and (l.invoice_id = p_invoice_id or (p_invoice_id is null and l.payment_id = p_payment_id))
      and (p_payment_id is null or l.payment_id = p_payment_id)
      and not exists (select from public.payment_allocations r where r.reverses_allocation_id = l.id);
end $function$;

CREATE OR REPLACE FUNCTION ledger.live_invoice_number (
  p_account_id uuid,
  p_order_id   uuid
)
  RETURNS text
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (select i.invoice_number from public.invoices i
          where i.account_id = p_account_id and i.order_id = p_order_id and i.kind = 'invoice' and i.status = 'issued');
end $function$;

CREATE OR REPLACE FUNCTION ledger.live_synthetic (
  p_run_id uuid
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  select jsonb_build_object('live_allocations', count(*) filter (where r.id is null),
                            'live_amount', coalesce(sum(a.allocated_amount) filter (where r.id is null), 0),
                            'reversed_allocations', count(r.id))
  from public.payment_allocations a
  left join public.payment_allocations r on r.reverses_allocation_id = a.id
  where a.import_run_id = p_run_id and a.synthetic and a.reverses_allocation_id is null;
$function$;

CREATE OR REPLACE FUNCTION ledger.lock_accounts_of_rows (
  p_run         public.import_runs,
  p_row_numbers bigint[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  perform ledger.lock_accounts(array(
    select distinct p.id
    from public.import_rows w
    join public.profiles p on p.id = w.user_id and p.erased_at is null
    where w.run_id = p_run.id and w.row_number = any (p_row_numbers) and w.state = 'staged'), p_run.currency);
end $function$;

CREATE OR REPLACE FUNCTION ledger.lock_card_by_name (
  p_provider text,
  p_name     text
)
  RETURNS public.card_payments
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  perform pg_advisory_xact_lock(hashtextextended('card payment ' || p_provider || ':' || p_name, 0));
  return (select c from public.card_payments c where c.provider = p_provider and c.provider_payment_id = p_name);
end $function$;

CREATE OR REPLACE FUNCTION ledger.lock_card_payment (
  p_card public.card_payments
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_order_ids uuid[];
  v_order public.orders;
begin
  loop
    begin
      v_order_ids := ledger.orders_of_card(p_card);
      perform from public.orders o where o.id = any (v_order_ids) order by o.id for no key update;
      select o.* into v_order from public.orders o where o.id = p_card.order_id;
      perform ledger.lock_accounts(ledger.accounts_to_take_back_from(v_order), v_order.currency, p_open => false);
      if not ledger.orders_of_card(p_card) <@ v_order_ids then
        raise exception using errcode = 'OL001', message = 'the payment was allocated to another order meanwhile';
      end if;
      perform from public.payments p where p.id = any (ledger.payments_of_card(p_card.id)) order by p.id for no key update;
      perform from public.invoices i
      where i.account_id = p_card.account_id
        and i.id in (select l.invoice_id from unnest(ledger.payments_of_card(p_card.id)) p (id) cross join lateral ledger.live_allocations(p_card.account_id, p_payment_id => p.id) l)
      order by i.id
      for no key update;
      perform from public.refunds f where f.account_id = p_card.account_id and f.order_id = p_card.order_id order by f.id for no key update;
      return;
    exception when sqlstate 'OL001' then
      null;
    end;
  end loop;
end $function$;

CREATE OR REPLACE FUNCTION ledger.lock_for_allocation (
  p_payment_id  uuid,
  p_invoice_ids uuid[]
)
  RETURNS public.payments
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_account_id uuid := (select p.account_id from public.payments p where p.id = p_payment_id);
  v_payment public.payments;
begin
  perform from public.orders o
  where o.account_id = v_account_id
    and o.id in (select i.order_id from public.invoices i where i.account_id = v_account_id and i.id = any (p_invoice_ids))
  order by o.id
  for no key update;
  perform from public.accounts a where a.id = v_account_id for no key update;
  select p.* into v_payment from public.payments p where p.account_id = v_account_id and p.id = p_payment_id for no key update;
  perform from public.invoices i where i.account_id = v_account_id and i.id = any (p_invoice_ids) order by i.id for no key update;
  return v_payment;
end $function$;

CREATE OR REPLACE FUNCTION ledger.lock_invoice (
  p_invoice_id uuid
)
  RETURNS public.invoices
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_invoice public.invoices;
begin
  select i.* into v_invoice from public.invoices i where i.id = p_invoice_id;
  if v_invoice.order_id is not null then
    perform from public.orders o where o.account_id = v_invoice.account_id and o.id = v_invoice.order_id for no key update;
  end if;
  perform from public.accounts a where a.id = v_invoice.account_id for no key update;
  select i.* into v_invoice from public.invoices i where i.account_id = v_invoice.account_id and i.id = p_invoice_id for no key update;
  return v_invoice;
end $function$;

CREATE OR REPLACE FUNCTION ledger.lock_orders_to_cancel (
  p_run      public.import_runs,
  p_user_ids uuid[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_order_ids uuid[];
begin
  v_order_ids := array(
    select o.id
    from public.orders o
    where o.user_id = any (p_user_ids) and o.currency = p_run.currency and o.status in ('shipped', 'delivered')
      and exists (select from public.import_identities e where e.kind = 'order' and e.target_id = o.id)
    order by o.id
    for no key update);
  perform ledger.lock_accounts(array(
    select distinct u.user_id
    from public.orders o
    cross join lateral unnest(ledger.accounts_to_take_back_from(o)) u (user_id)
    where o.id = any (v_order_ids)), p_run.currency, p_open => false);
  if p_run.options ->> 'stock' = 'take' then
    perform ledger.lock_stock_to_return(array(select distinct i.variant_id from public.order_items i where i.order_id = any (v_order_ids)));
  end if;
end $function$;

CREATE OR REPLACE FUNCTION ledger.lock_payment (
  p_payment_id uuid
)
  RETURNS ledger.locked_payment
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_seen uuid[];
  v_locked ledger.locked_payment;
begin
  loop
    begin
      v_seen := ledger.orders_of_payment(p_payment_id);
      perform from public.orders o where o.id = any (v_seen) order by o.id for no key update;
      select a into v_locked.account
      from public.accounts a
      where a.id = (select p.account_id from public.payments p where p.id = p_payment_id)
      for no key update;
      v_locked.order_ids := ledger.orders_of_payment(p_payment_id);
      if not v_locked.order_ids <@ v_seen then
        raise exception using errcode = 'OL001', message = 'the payment was allocated to another order meanwhile';
      end if;
      select p into v_locked.payment
      from public.payments p
      where p.account_id = (v_locked.account).id and p.id = p_payment_id
      for no key update;
      perform from public.invoices i
      where i.account_id = (v_locked.account).id
        and i.id in (select l.invoice_id from ledger.live_allocations((v_locked.account).id, p_payment_id => p_payment_id) l)
      order by i.id
      for no key update;
      return v_locked;
    exception when sqlstate 'OL001' then
      null;
    end;
  end loop;
end $function$;

CREATE OR REPLACE FUNCTION ledger.lock_receipt_file (
  p_path text
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  perform pg_advisory_xact_lock(hashtextextended('receipt file ' || p_path, 0));
end $function$;

CREATE OR REPLACE FUNCTION ledger.lock_slots_for (
  p_variant_ids    uuid[],
  p_quantities     bigint[],
  p_thresholds     bigint[],
  p_reservation_id uuid
)
  RETURNS ledger.slots_to_place
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_stock ledger.slots_to_place;
begin
  if p_reservation_id is null and p_thresholds is not null and cardinality(p_variant_ids) = 1 then
    v_stock.slots := ledger.lock_own_slot(p_variant_ids[1], -p_quantities[1], p_thresholds[1]);
  end if;
  if v_stock.slots is null then
    v_stock.plan := ledger.plan_stock(p_variant_ids, p_quantities, p_reservation_id);
    v_stock.refusal := (v_stock.plan).refusal;
  elsif v_stock.slots = '{}' then
    v_stock.refusal := ledger.refuse_shortages(jsonb_build_array(jsonb_build_object(
      'variant_id', p_variant_ids[1], 'available', 0, 'requested', -p_quantities[1])));
  end if;
  return v_stock;
end $function$;

CREATE OR REPLACE FUNCTION ledger.look_at_backfill (
  p_run     public.import_runs,
  p_user_id uuid
)
  RETURNS public.import_backfill_result
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_accounts uuid[] := case when p_user_id is null then ledger.accounts_to_backfill(p_run.id)
                            else array(select a.id from public.accounts a where a.user_id = p_user_id) end;
begin
  return row(true, null, null, null, null, p_run.id, p_run.backfill_state, null,
             (select coalesce(sum(b.amount), 0) from unnest(v_accounts) a (id) cross join lateral ledger.plan_backfill(a.id, p_run.id) b),
             true, ledger.backfill_sums(ledger.backfill_figures(v_accounts, p_run.id)) - 'drift')::public.import_backfill_result;
end $function$;

CREATE OR REPLACE FUNCTION ledger.mark_order_of_card (
  p_card public.card_payments
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  update public.orders o set
    payment_status = s.payment_status,
    version = o.version + 1,
    updated_at = clock_timestamp()
  from (
    select ledger.payment_status_of(n.total_amount, n.credited_amount, n.paid_amount, n.refunded_amount,
             case when exists (select from public.payments p where p.order_id = n.id and p.status = 'captured' and p.credit_amount > 0)
                  then 'overpaid' else ledger.payment_status_kept(n) end) as payment_status
    from public.orders n
    where n.account_id = p_card.account_id and n.id = p_card.order_id) s
  where o.account_id = p_card.account_id and o.id = p_card.order_id and o.status not in ('rejected', 'cancelled', 'refunded')
    and o.payment_status not in ('in_grace', 'receipt_uploaded') and o.payment_status <> s.payment_status;
end $function$;

CREATE OR REPLACE FUNCTION ledger.mark_receipt_of_voided_payment()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  update public.payment_receipts r set payment_voided_at = clock_timestamp(), updated_at = clock_timestamp()
  where r.account_id = new.account_id and r.payment_id = new.id;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION ledger.may_owe (
  p_account_id     uuid,
  p_order_id       uuid,
  p_payment_status text,
  p_payment_method text
)
  RETURNS boolean
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (p_payment_status in ('in_grace', 'receipt_uploaded') and exists (
      select from public.payment_deadlines d
      where d.order_id = p_order_id and d.account_id = p_account_id and d.status = 'open' and d.due_at > clock_timestamp()))
    or (p_payment_method = 'invoice' and exists (
      select from public.invoices i
      where i.order_id = p_order_id and i.account_id = p_account_id and i.kind = 'invoice' and i.status = 'issued'
        and i.due_at > clock_timestamp()));
end $function$;

CREATE OR REPLACE FUNCTION ledger.mend_balances (
  p_account_id uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_debt record;
begin
  update public.payments p set allocated_amount = (d.recomputed ->> 'allocated_amount')::bigint, updated_at = clock_timestamp()
  from ledger.balance_differences(p_account_id) d
  where d.kind = 'payment' and p.account_id = p_account_id and p.id = d.subject_id;
  insert into public.invoice_balance_cache as b (invoice_id, account_id, amount, allocated_total)
  select d.subject_id, p_account_id, (d.recomputed ->> 'amount')::bigint, (d.recomputed ->> 'allocated_total')::bigint
  from ledger.balance_differences(p_account_id) d
  where d.kind = 'invoice'
  on conflict (invoice_id) do update set
    account_id = excluded.account_id,
    amount = excluded.amount,
    allocated_total = excluded.allocated_total,
    version = b.version + 1,
    updated_at = clock_timestamp();
  select d.* into v_debt from ledger.recomputed_debts(p_account_id) d;
  insert into public.account_debt_cache as c (account_id, invoiced_amount, allocated_amount, unapplied_amount)
  values (p_account_id, v_debt.invoiced_amount, v_debt.allocated_amount, v_debt.unapplied_amount)
  on conflict (account_id) do update set
    invoiced_amount = excluded.invoiced_amount, allocated_amount = excluded.allocated_amount, unapplied_amount = excluded.unapplied_amount,
    version = c.version + 1, updated_at = clock_timestamp();
end $function$;

CREATE OR REPLACE FUNCTION ledger.moving_transactions (
  p_account_id uuid,
  p_after      bigint,
  p_last       bigint,
  p_limit      integer
)
  RETURNS TABLE (
    account_version  bigint,
    at               timestamp with time zone,
    type             text,
    transaction_id   uuid,
    order_id         uuid,
    reference_id     uuid,
    description      text,
    wallet_change    bigint,
    wallet_balance   bigint,
    debt_change      bigint,
    unapplied_change bigint
  )
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_left integer := p_limit;
  v_stretch bigint := p_limit;
  v_found integer;
begin
  while v_left > 0 and p_after < p_last loop
    return query
      select t.account_version, t.created_at, t.type, t.id, t.order_id, t.reference_id, t.actor_action,
             t.amount, t.balance_after, coalesce(m.invoiced_change - m.allocated_change, 0), coalesce(m.unapplied_change, 0)
      from public.transactions t
      left join public.debt_movements m on m.account_id = p_account_id and m.account_version = t.account_version
        and m.account_version > p_after and m.account_version <= p_after + v_stretch
      where t.account_id = p_account_id and t.account_version > p_after and t.account_version <= least(p_after + v_stretch, p_last)
        and (t.amount <> 0 or m.account_version is not null)
      order by t.account_version
      limit v_left;
    get diagnostics v_found = row_count;
    v_left := v_left - v_found;
    p_after := p_after + v_stretch;
    v_stretch := least(v_stretch * 2, 5000);
  end loop;
end $function$;

CREATE OR REPLACE FUNCTION ledger.naive_amount (
  p_text     text,
  p_exponent integer
)
  RETURNS numeric
  LANGUAGE sql
  IMMUTABLE
  PARALLEL SAFE
RETURN CASE WHEN (p_text ~ '^\s*[-+]?([0-9]{1,40}(\.[0-9]{0,40})?|\.[0-9]{1,40})([eE][-+]?[0-9]{1,2})?\s*$'::text) THEN
  trim_scale(((p_text)::numeric * power((10)::numeric, (p_exponent)::numeric))) ELSE NULL::numeric END;

CREATE OR REPLACE FUNCTION ledger.next_invoice_number (
  p_series text,
  OUT      number bigint,
  OUT      invoice_number text
)
  RETURNS record
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  update public.invoice_series s set next_number = s.next_number + 1
  where s.code = p_series
  returning s.next_number - 1, s.prefix || lpad((s.next_number - 1)::text, greatest(s.digits, length((s.next_number - 1)::text)), '0')
  into next_invoice_number.number, next_invoice_number.invoice_number;
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
    select 'receipts under review', count(*)
    from public.payment_receipts r
    where r.account_id = any (p_account_ids) and r.status = 'submitted'
    union all
    select 'refunds to be paid out', count(*)
    from public.refunds r
    where r.account_id = any (p_account_ids) and r.payout_status = 'pending'
    union all
    select 'open returns', count(*)
    from public.returns r
    where r.account_id = any (p_account_ids) and r.status in ('requested', 'approved')
    union all
    select 'payments with a remainder', count(*)
    from public.payments p
    where p.account_id = any (p_account_ids) and p.unapplied_amount > 0
    union all
    -- of an order too: it may be open for no other reason
    select 'unpaid invoices', count(*)
    from public.invoice_balance_cache b
    where b.account_id = any (p_account_ids) and b.remaining_amount > 0
    union all
    select 'staff roles', count(*) from public.user_roles u where u.user_id = p_user_id
    union all
    select 'vendors', count(*) from public.vendors v where v.owner_user_id = p_user_id) b
  where b.number > 0;
  return case when v_open is not null then jsonb_build_object('counts', v_open, 'open',
    (select string_agg(format('%s: %s', e.key, e.value), ', ' order by e.key) from jsonb_each_text(v_open) e)) end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.order_of_date (
  p_format text
)
  RETURNS text
  LANGUAGE sql
  IMMUTABLE
  PARALLEL SAFE
RETURN CASE upper(regexp_replace(p_format, '\s.*$'::text, ''::text)) WHEN 'DD/MM/YYYY'::text THEN 'DMY'::text WHEN 'DD.MM.YYYY'::text THEN 'DMY'::text WHEN 'DD-MM-YYYY'::text THEN
  'DMY'::text WHEN 'MM/DD/YYYY'::text THEN 'MDY'::text WHEN 'MM.DD.YYYY'::text THEN 'MDY'::text WHEN 'MM-DD-YYYY'::text THEN 'MDY'::text WHEN 'YYYY/MM/DD'::text THEN 'YMD'::text
  WHEN 'YYYY.MM.DD'::text THEN 'YMD'::text WHEN 'YYYY-MM-DD'::text THEN 'YMD'::text ELSE NULL::text END;

CREATE OR REPLACE FUNCTION ledger.orders_of_card (
  p_card public.card_payments
)
  RETURNS uuid[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return array(
    select p_card.order_id
    union
    select o.order_id from unnest(ledger.payments_of_card(p_card.id)) p (id) cross join lateral unnest(ledger.orders_of_payment(p.id)) o (order_id));
end $function$;

CREATE OR REPLACE FUNCTION ledger.orders_of_payment (
  p_payment_id uuid
)
  RETURNS uuid[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return array(
    select p.order_id from public.payments p where p.id = p_payment_id and p.order_id is not null
    union
    select i.order_id
    from public.payments p
    cross join lateral ledger.live_allocations(p.account_id, p_payment_id => p.id) l
    join public.invoices i on i.account_id = l.account_id and i.id = l.invoice_id
    where p.id = p_payment_id and i.order_id is not null);
end $function$;

CREATE OR REPLACE FUNCTION ledger.parse_amount (
  p_text     text,
  p_currency text,
  p_exponent integer,
  p_options  jsonb   DEFAULT '{}'::jsonb
)
  RETURNS ledger.parsed_amount
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_text text;
  v_body text;
  v_word text;
  v_is_known boolean;
  v_factor integer := 1;
  v_sign integer := 1;
  v_mark text;
  v_power integer := 0;
  v_value numeric;
begin
  -- most are plain
  if p_text ~ '^[0-9]{1,15}$' then
    v_value := p_text::numeric * power(10::numeric, p_exponent);
    return case when v_value <= 9007199254740991 then row(v_value::bigint, null, null)::ledger.parsed_amount
                else row(null, 'row_amount_too_large', null)::ledger.parsed_amount end;
  end if;

  -- one alphabet of digits, signs and spaces
  v_text := btrim(regexp_replace(translate(ledger.latin_digits(p_text), '−–‐﹣－＋' || U&'\00a0\202f\2009', '-----+   '), '[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]', '', 'g'), E' \t\r\n');
  if coalesce(v_text, '') = '' then
    return row(null, 'row_value_missing', null)::ledger.parsed_amount;
  elsif length(v_text) > 100 then
    return row(null, 'row_amount_not_numeric', null)::ledger.parsed_amount;
  end if;

  -- exponent notation
  if v_text ~ '^[-+]?[0-9]+([.,][0-9]+)?[eE][-+]?[0-9]{1,2}$' then
    if not coalesce((p_options ->> 'accept_exponent')::boolean, false) then
      return row(null, 'row_amount_not_exact', null)::ledger.parsed_amount;
    end if;
    v_power := substring(v_text from '[eE]\+?(-?[0-9]+)$')::integer;
    v_text := regexp_replace(v_text, '[eE].*$', '');
    v_mark := substring(v_text from '[.,]');
    -- 1,234E+5: nobody groups digits in this notation, but a comma and three digits look like it
    if v_mark <> coalesce(p_options ->> 'decimal_separator', v_mark) or (v_text ~ ',[0-9]{3}$' and not p_options ? 'decimal_separator') then
      return row(null, 'row_amount_ambiguous', null)::ledger.parsed_amount;
    end if;
    v_text := translate(v_text, '.,', '٫٫');
  end if;

  -- a currency's word or sign before or behind the number
  if v_text ~ '[^0-9.,''’٫٬، ()+$€£¥₹₺﷼-]\.[0-9]' then
    -- Rs.500: the dot of an abbreviation, or half a rupee
    return row(null, 'row_amount_ambiguous', null)::ledger.parsed_amount;
  end if;
  v_text := regexp_replace(v_text, '([^0-9.,''’٫٬، ()+-])\.(?= |$)', '\1', 'g');
  v_word := substring(v_text from '[^0-9.,''’٫٬، ()+-](?:.*[^0-9.,''’٫٬، ()+-])?');
  if v_word is not null then
    if v_word ~ '[0-9]' then
      return row(null, 'row_amount_not_numeric', null)::ledger.parsed_amount;
    end if;
    select w.is_known, w.factor into v_is_known, v_factor from ledger.currency_of_word(v_word, p_currency) w;
    if not v_is_known then
      return row(null, 'row_amount_not_numeric', null)::ledger.parsed_amount;
    elsif v_factor = 0 then
      return row(null, 'row_amount_of_other_currency', jsonb_build_object('word', v_word, 'currency', p_currency))::ledger.parsed_amount;
    end if;
    v_text := btrim(replace(v_text, v_word, ' '));
  end if;

  -- sign: in front, behind, or parentheses
  if v_text ~ '^\(.*\)$' then
    v_sign := -1;
    v_text := substr(v_text, 2, length(v_text) - 2);
  elsif v_text ~ '^[-+]' then
    v_sign := case left(v_text, 1) when '-' then -1 else 1 end;
    v_text := substr(v_text, 2);
  elsif v_text ~ '-$' then
    v_sign := -1;
    v_text := left(v_text, -1);
  end if;

  -- separators
  v_body := replace(btrim(v_text), '’', '''');
  v_body := case when v_body ~ '^[.,٫][0-9]+$' then '0' || v_body else v_body end;
  if v_body !~ '^[0-9]+([.,''٫٬، ][0-9]+)*$' then
    return row(null, 'row_amount_not_numeric', null)::ledger.parsed_amount;
  end if;
  -- a toman has a decimal more than the rial
  v_mark := ledger.decimal_mark(v_body, p_options ->> 'decimal_separator', p_exponent + case v_factor when 10 then 1 else 0 end);
  if v_mark is null then
    return row(null, 'row_amount_ambiguous', null)::ledger.parsed_amount;
  elsif v_mark = '!' then
    return row(null, case when p_options ? 'decimal_separator' then 'row_amount_ambiguous' else 'row_amount_not_numeric' end, null)::ledger.parsed_amount;
  elsif v_mark = '' then
    v_value := regexp_replace(v_body, '[^0-9]', '', 'g')::numeric;
  else
    v_value := (regexp_replace(split_part(v_body, v_mark, 1), '[^0-9]', '', 'g') || '.' || split_part(v_body, v_mark, 2))::numeric;
  end if;

  -- minor units, exactly
  v_value := v_sign * v_factor * v_value * power(10::numeric, p_exponent + v_power);
  if abs(v_value) > 9007199254740991 then
    return row(null, 'row_amount_too_large', null)::ledger.parsed_amount;
  elsif v_value <> trunc(v_value) then
    return row(null, 'row_amount_too_precise', jsonb_build_object('currency', p_currency, 'decimals', p_exponent))::ledger.parsed_amount;
  end if;
  return row(v_value::bigint, null, null)::ledger.parsed_amount;
end $function$;

CREATE OR REPLACE FUNCTION ledger.parse_date (
  p_text    text,
  p_options jsonb DEFAULT '{}'::jsonb
)
  RETURNS ledger.parsed_date
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_parts text[];
  v_order text;
  v_year integer;
  v_month integer;
  v_day integer;
  v_second double precision;
  v_text text := btrim(ledger.latin_digits(p_text));
begin
  if coalesce(v_text, '') = '' then
    return row(null, 'row_value_missing')::ledger.parsed_date;
  elsif v_text ~ '(فروردین|اردیبهشت|خرداد|تیر|مرداد|شهریور|مهر|آبان|آذر|دی|بهمن|اسفند)' then
    return row(null, 'row_date_jalali')::ledger.parsed_date;
  end if;
  v_parts := regexp_match(v_text, '^(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})(?:[T ]\s*(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d{1,9})?))?\s*(Z|[-+]\d{2}:?\d{2}|[-+]\d{2})?)?$');
  v_order := case when v_parts[2] = '-' and length(v_parts[1]) = 4 then 'YMD' else ledger.order_of_date(p_options ->> 'date_format') end;
  if v_parts is null then
    return row(null, 'row_date_unreadable')::ledger.parsed_date;
  elsif greatest(case when length(v_parts[1]) = 4 then v_parts[1]::integer end, case when length(v_parts[4]) = 4 then v_parts[4]::integer end)
        between 1200 and 1599 then
    return row(null, 'row_date_jalali')::ledger.parsed_date;
  elsif v_order is null then
    return row(null, 'row_date_unreadable')::ledger.parsed_date;
  end if;
  v_year := (case when v_order = 'YMD' then v_parts[1] else v_parts[4] end)::integer;
  v_month := (case when v_order = 'MDY' then v_parts[1] else v_parts[3] end)::integer;
  v_day := (case v_order when 'DMY' then v_parts[1] when 'MDY' then v_parts[3] else v_parts[4] end)::integer;
  v_second := coalesce(v_parts[7], '0')::double precision;
  if v_year not between 1900 and 2199 or v_month not between 1 and 12 or v_day < 1
     or v_day > extract(day from make_date(v_year, v_month, 1) + interval '1 month' - interval '1 day')
     or coalesce(v_parts[5]::integer > 23, false) or coalesce(v_parts[6]::integer > 59, false) or v_second >= 60
     or coalesce(nullif(substring(v_parts[8] from 2 for 2), '')::integer > 14, false)
     or coalesce(substring(v_parts[8] from '^.{3}:?(\d{2})$')::integer > 59, false) then
    return row(null, 'row_date_unreadable')::ledger.parsed_date;
  end if;
  return row(make_timestamptz(v_year, v_month, v_day, coalesce(v_parts[5]::integer, 0), coalesce(v_parts[6]::integer, 0), v_second,
                              coalesce(replace(v_parts[8], 'Z', 'UTC'), p_options ->> 'time_zone', 'UTC')), null)::ledger.parsed_date;
end $function$;

CREATE OR REPLACE FUNCTION ledger.parse_flag (
  p_text text
)
  RETURNS boolean
  LANGUAGE sql
  IMMUTABLE
  PARALLEL SAFE
RETURN CASE lower(ledger.latin_digits(p_text)) WHEN 'true'::text THEN true WHEN 't'::text THEN true WHEN '1'::text THEN true WHEN 'yes'::text THEN true WHEN 'y'::text THEN true
  WHEN 'بله'::text THEN true WHEN 'false'::text THEN false WHEN 'f'::text THEN false WHEN '0'::text THEN false WHEN 'no'::text THEN false WHEN 'n'::text THEN false WHEN 'خیر'::text
  THEN false ELSE NULL::boolean END;

CREATE OR REPLACE FUNCTION ledger.pass_over_orders (
  p_run    public.import_runs,
  p_orders public.orders[],
  p_items  public.order_items[]
)
  RETURNS ledger.import_batch
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_prefix text := ledger.setting_text('order_number_prefix');
  v_batch ledger.import_batch := row(0, 0, 0)::ledger.import_batch;
  v_rejects ledger.import_reject[];
begin
  update public.import_rows w set state = 'skipped', target_id = i.target_id
  from unnest(p_orders) o
  join public.import_identities i on i.kind = 'order' and i.external_id = o.metadata ->> 'old_number'
  join public.orders e on e.id = i.target_id and e.total_amount = o.total_amount and e.user_id = o.user_id
  where w.run_id = p_run.id and w.external_id = o.metadata ->> 'old_number' and w.parsed ? 'order_number' and w.state = 'staged';
  get diagnostics v_batch.skipped_rows = row_count;

  with wanted as (
    select i.order_id, i.variant_id, sum(sum(i.quantity)) over (partition by i.variant_id order by min(i.created_at), i.order_id) as up_to
    from unnest(p_items) i
    where p_run.options ->> 'stock' = 'take'
    group by i.order_id, i.variant_id),
  short as (
    select distinct on (n.order_id) n.order_id, v.sku
    from wanted n
    join public.stock_levels s on s.variant_id = n.variant_id and s.slot = 0
    join public.variants v on v.id = n.variant_id
    where n.up_to > s.on_hand - s.held
    order by n.order_id, v.sku),
  faulty as (
    select o.metadata ->> 'old_number' as old_number,
           case when o.user_id is null then 'row_customer_not_found'
                when i.target_id is not null then 'row_differs_from_imported'
                when exists (select from public.orders n where n.order_number = o.order_number)
                  -- or may be taken: orders of this shop are counted behind the prefix
                  or (starts_with(o.order_number, v_prefix) and substr(o.order_number, length(v_prefix) + 1) ~ '^[0-9]+$') then 'row_order_number_taken'
                when s.order_id is not null then 'row_stock_missing' end as code,
           s.sku, e.total_amount as imported, o.total_amount as found
    from unnest(p_orders) o
    left join public.import_identities i on i.kind = 'order' and i.external_id = o.metadata ->> 'old_number'
    left join public.orders e on e.id = i.target_id
    left join short s on s.order_id = o.id)
  select array_agg(row(w.row_number, 'order_number', f.code, f.old_number, jsonb_build_object('sku', f.sku, 'imported', f.imported, 'found', f.found))::ledger.import_reject) into v_rejects
  from faulty f
  join public.import_rows w on w.run_id = p_run.id and w.external_id = f.old_number and w.parsed ? 'order_number' and w.state = 'staged'
  where f.code is not null;
  v_batch.rejected_rows := ledger.reject_import_rows(p_run.id, v_rejects);
  return v_batch;
end $function$;

CREATE OR REPLACE FUNCTION ledger.pay_order (
  p_account_id uuid,
  p_order_id   uuid,
  p_amount     bigint,
  p_present    text   DEFAULT NULL::text
)
  RETURNS public.orders
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_order public.orders;
begin
  update public.orders o set
    paid_amount = o.paid_amount + p_amount,
    payment_status = ledger.payment_status_of(o.total_amount, o.credited_amount, o.paid_amount + p_amount, o.refunded_amount,
                                              coalesce(p_present, ledger.payment_status_kept(o))),
    version = o.version + 1,
    updated_at = clock_timestamp()
  where o.account_id = p_account_id and o.id = p_order_id
  returning o.* into v_order;
  return ledger.settle_payment_deadline(v_order);
end $function$;

CREATE OR REPLACE FUNCTION ledger.payment_status_after_edit (
  p_order        public.orders,
  p_total_amount bigint,
  p_money        ledger.edit_money
)
  RETURNS text
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_paid bigint := p_order.paid_amount + p_money.taken_amount;
  v_refunded bigint := p_order.refunded_amount + p_money.returned_amount;
begin
  return ledger.payment_status_of(p_total_amount, p_order.credited_amount, v_paid, v_refunded,
    case when p_order.amount_due = 0 and v_paid - v_refunded < p_total_amount - p_order.credited_amount and ledger.grace_left(p_order.id)
         then 'in_grace' else ledger.payment_status_kept(p_order) end);
end $function$;

CREATE OR REPLACE FUNCTION ledger.payment_status_kept (
  p_order public.orders
)
  RETURNS text
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  if p_order.payment_status <> 'overpaid' then
    return p_order.payment_status;
  end if;
  return case when exists (select from public.payments p where p.order_id = p_order.id and p.status = 'captured' and p.credit_amount > 0)
              then 'overpaid' else 'paid' end;
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
  ((p_paid - p_refunded) < (p_total - p_credited)) THEN 'partially_paid'::text WHEN
  (((p_paid - p_refunded) = (p_total - p_credited)) AND (p_present IS DISTINCT FROM 'overpaid'::text)) THEN 'paid'::text ELSE 'overpaid'::text END;

CREATE OR REPLACE FUNCTION ledger.payment_status_without (
  p_order      public.orders,
  p_receipt_id uuid
)
  RETURNS text
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  if p_order.payment_status is distinct from 'receipt_uploaded' then
    return p_order.payment_status;
  end if;
  return ledger.payment_status_of(p_order.total_amount, p_order.credited_amount, p_order.paid_amount, p_order.refunded_amount,
    case when exists (
           select from public.payment_receipts r
           where r.account_id = p_order.account_id and r.order_id = p_order.id and r.status = 'submitted' and r.id <> p_receipt_id)
         then 'receipt_uploaded' else ledger.grace_of(p_order.id) end);
end $function$;

CREATE OR REPLACE FUNCTION ledger.payments_of_card (
  p_card_payment_id uuid
)
  RETURNS uuid[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return array(select distinct b.payment_id from public.card_bookings b
               where b.card_payment_id = p_card_payment_id and b.payment_id is not null);
end $function$;

CREATE OR REPLACE FUNCTION ledger.payments_to_import (
  p_run         public.import_runs,
  p_row_numbers bigint[]
)
  RETURNS ledger.payment_to_import[]
  LANGUAGE sql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  select coalesce(array_agg(row(
           n.row_number, n.external_id, n.account_id, n.amount, n.parsed ->> 'method', n.parsed ->> 'reference', n.parsed ->> 'notes',
           (n.parsed ->> 'paid_at')::timestamptz, ledger.uuid_v7(), ledger.uuid_v7(), nextval('ledger.event_id_seq'), gen_random_uuid(),
           a.version + n.place, a.available_balance, coalesce(c.debt_amount, 0), coalesce(c.unapplied_amount, 0) + n.running
         )::ledger.payment_to_import order by n.row_number), '{}')
  from (select w.row_number, w.external_id, w.amount, w.parsed, ledger.account_id((w.parsed ->> 'user_id')::uuid, p_run.currency) as account_id,
               row_number() over by_account as place, sum(w.amount) over by_account as running
        from public.import_rows w
        where w.run_id = p_run.id and w.row_number = any (p_row_numbers) and w.state = 'staged'
        window by_account as (partition by w.parsed ->> 'user_id' order by w.row_number)) n
  join public.accounts a on a.id = n.account_id
  left join public.account_debt_cache c on c.account_id = n.account_id;
$function$;

CREATE OR REPLACE FUNCTION ledger.payout_of_card_refund (
  p_card      public.card_payments,
  p_object_id text,
  p_refund_id uuid,
  p_amount    bigint
)
  RETURNS uuid
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (
    select f.id
    from public.refunds f
    where f.account_id = p_card.account_id and f.order_id = p_card.order_id and f.payout_amount = p_amount
      and not ledger.is_refund_of_a_card(f.id)
      and (ledger.reference_key(f.payout_reference) = ledger.reference_key(p_object_id) or f.id = p_refund_id
           or (f.payout_status = 'pending'
               and (p_refund_id is null
                    or (ledger.is_refund_of_a_card(p_refund_id) and exists (
                          select from public.refunds n
                          where n.account_id = f.account_id and n.id = p_refund_id and n.order_id = f.order_id and n.payout_amount = p_amount)))))
    order by ledger.reference_key(f.payout_reference) is distinct from ledger.reference_key(p_object_id), f.id is distinct from p_refund_id, f.id
    limit 1);
end $function$;

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
    ('public.payments', 'external_id', 'account_id', null),
    ('public.card_payments', 'handled_notes', 'account_id', 'null'),
    ('public.payment_receipts', 'notes', 'account_id', 'null'),
    ('public.payment_receipts', 'review_notes', 'account_id', 'null'),
    ('public.payment_receipts', 'reference', 'account_id', null),
    -- the files themselves lie in Storage, under the person's id
    ('public.payment_receipts', 'storage_path', 'account_id', 'case when status in (''approved'', ''partly_approved'') then storage_path end'),
    -- invoices are kept as they were issued, as the law on bookkeeping and tax asks: with name, address, goods and the customer's reference
    ('public.invoices', 'customer_name', 'account_id', null),
    ('public.invoices', 'billing_address', 'account_id', null),
    ('public.invoices', 'reference', 'account_id', null),
    ('public.invoices', 'invoice_number', 'account_id', null),
    ('public.invoices', 'external_id', 'account_id', null),
    ('public.invoices', 'notes', 'account_id', 'null'),
    ('public.invoices', 'void_reason', 'account_id', 'null'),
    ('public.invoice_lines', 'description', 'account_id', null),
    ('public.invoice_lines', 'sku', 'account_id', null),
    ('public.refunds', 'reason', 'account_id', 'null'),
    ('public.refunds', 'payout_reference', 'account_id', null),
    ('public.shipments', 'carrier', 'account_id', null),
    ('public.shipments', 'tracking_number', 'account_id', 'null'),
    ('public.shipments', 'metadata', 'account_id', '''{}'''),
    ('public.returns', 'reason', 'account_id', 'null'),
    ('public.returns', 'review_notes', 'account_id', 'null'),
    ('public.import_rows', 'data', 'user_id', '''{}'''),
    ('public.import_rows', 'parsed', 'user_id', 'ledger.impersonal_part(parsed, state)'),
    ('public.import_rows', 'external_id', 'user_id', 'case when position(''@'' in external_id) = 0 then external_id end'),
    ('public.import_rejects', 'message', 'user_id', '''erased'''),
    ('public.import_rejects', 'value', 'user_id', 'null'),
    ('public.import_identities', 'external_id', 'target_id', 'gone'),
    ('public.return_lines', 'reason', 'account_id', 'null');
$function$;

CREATE OR REPLACE FUNCTION ledger.plan_allocation (
  p_payment       public.payments,
  p_strategy      text,
  p_locked_orders uuid[]          DEFAULT NULL::uuid[]
)
  RETURNS TABLE (
    place            bigint,
    invoice_id       uuid,
    invoice_number   text,
    order_id         uuid,
    amount           bigint,
    remaining_amount bigint,
    days_overdue     integer,
    score            numeric
  )
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return query
    with usable as (
      select r.*, sum(r.remaining_amount) over (order by r.place) - r.remaining_amount as before
      from ledger.ranked_invoices(p_payment.account_id, p_strategy, clock_timestamp()) r
      where (r.order_id is null or p_locked_orders is null or r.order_id = any (p_locked_orders))
        and not exists (
          select from public.payment_allocations a
          where a.payment_id = p_payment.id and a.invoice_id = r.invoice_id and a.synthetic and a.reverses_allocation_id is null
            and not exists (select from public.payment_allocations v where v.reverses_allocation_id = a.id)))
    select row_number() over (order by u.place), u.invoice_id, u.invoice_number, u.order_id,
           least(u.remaining_amount, p_payment.unapplied_amount - u.before)::bigint, u.remaining_amount, u.days_overdue, u.score
    from usable u
    where u.before < p_payment.unapplied_amount
    order by 1;
end $function$;

CREATE OR REPLACE FUNCTION ledger.plan_backfill (
  p_account_id uuid,
  p_run_id     uuid DEFAULT NULL::uuid
)
  RETURNS TABLE (
    payment_id uuid,
    run_id     uuid,
    invoice_id uuid,
    amount     bigint,
    is_claimed boolean
  )
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  with payments as materialized (
    select f.payment_id, f.run_id, f.paid_at, f.unapplied_amount, f.claimed_invoice_id
    from ledger.flagged_payments(p_account_id, p_run_id) f
    where f.unapplied_amount > 0),
  invoices as materialized (
    select c.invoice_id, c.issued_at, c.remaining_amount from ledger.claiming_invoices(p_account_id) c where c.remaining_amount > 0),
  claimed as (
    select p.payment_id, p.run_id, i.invoice_id,
           least(p.unapplied_amount, i.remaining_amount - coalesce(sum(p.unapplied_amount) over (
             partition by i.invoice_id order by p.paid_at, p.payment_id rows between unbounded preceding and 1 preceding), 0)) as amount
    from payments p
    join invoices i on i.invoice_id = p.claimed_invoice_id),
  payments_left as (
    select p.payment_id, p.run_id, l.amount, sum(l.amount) over (order by p.paid_at, p.payment_id) - l.amount as starts
    from payments p
    cross join lateral (
      select p.unapplied_amount - coalesce((select sum(c.amount) from claimed c where c.payment_id = p.payment_id and c.amount > 0), 0) as amount) l
    where l.amount > 0),
  invoices_left as (
    select i.invoice_id, l.amount, sum(l.amount) over (order by i.issued_at, i.invoice_id) - l.amount as starts
    from invoices i
    cross join lateral (
      select i.remaining_amount - coalesce((select sum(c.amount) from claimed c where c.invoice_id = i.invoice_id and c.amount > 0), 0) as amount) l
    where l.amount > 0)
  select c.payment_id, c.run_id, c.invoice_id, c.amount::bigint, true from claimed c where c.amount > 0
  union all
  select p.payment_id, p.run_id, i.invoice_id, (least(p.starts + p.amount, i.starts + i.amount) - greatest(p.starts, i.starts))::bigint, false
  from payments_left p
  join invoices_left i on p.starts < i.starts + i.amount and i.starts < p.starts + p.amount;
$function$;

CREATE OR REPLACE FUNCTION ledger.possible_duplicate_payments (
  p_run_id uuid
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  with run as (
    select r.id, r.currency, coalesce(r.options ->> 'time_zone', 'UTC') as zone from public.import_runs r where r.id = p_run_id),
  both_sides as (
    select w.user_id, w.amount, ((w.parsed ->> 'paid_at')::timestamptz at time zone r.zone)::date as day, w.row_number
    from run r
    join public.import_rows w on w.run_id = r.id and w.state = 'staged'
    where not exists (select from public.import_identities i where i.kind = 'payment' and i.external_id = w.external_id)
    union all
    select a.user_id, p.amount, (p.paid_at at time zone r.zone)::date, null
    from run r
    join public.payments p on p.currency = r.currency and p.order_id is not null and p.status = 'captured'
    join public.accounts a on a.id = p.account_id
    where a.user_id in (select w.user_id from public.import_rows w where w.run_id = p_run_id)),
  -- a window and no join: of rows that were just staged the planner knows nothing
  compared as (
    select b.amount, b.row_number, bool_or(b.row_number is null) over (partition by b.user_id, b.amount, b.day) as is_double
    from both_sides b)
  select jsonb_build_object('rows', count(*), 'amount', coalesce(sum(c.amount), 0),
                            'first_rows', coalesce(to_jsonb((array_agg(c.row_number order by c.row_number))[1:10]), '[]'))
  from compared c
  where c.is_double and c.row_number is not null;
$function$;

CREATE OR REPLACE FUNCTION ledger.problem_of_kinds (
  p_options jsonb
)
  RETURNS text
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_known record;
begin
  -- one of these, or texts that each mean one of these
  for v_known in
    select k.option, k.words
    from (values
      ('method', '{bank_transfer,card,cash,other}'::text[]), ('methods', '{bank_transfer,card,cash,other}'),
      ('statuses', '{unpaid,partial,paid}'), ('default_status', ledger.order_statuses()),
      ('default_payment_status', '{paid,unpaid,partially_paid}'), ('default_payment_method', '{bank_transfer,card,cash,invoice,other}'),
      ('refunds', '{paid_out,wallet,pending}'), ('stock', '{keep,take}'), ('prices_include_tax', '{true,false}')) k (option, words)
    where p_options ? k.option
  loop
    if v_known.option in ('methods', 'statuses') then
      if jsonb_typeof(p_options -> v_known.option) <> 'object'
         or exists (select from jsonb_each_text(p_options -> v_known.option) w where coalesce(lower(w.value) <> all (v_known.words), true)) then
        return format('%s is an object {text: %s}', v_known.option, array_to_string(v_known.words, ' or '));
      end if;
    elsif coalesce(p_options ->> v_known.option <> all (v_known.words), true) then
      return format('%s is %s', v_known.option, array_to_string(v_known.words, ' or '));
    end if;
  end loop;

  return case
    when p_options ? 'tax_rate_bp' and coalesce(p_options ->> 'tax_rate_bp' !~ '^([0-9]{1,4}|10000)$', true) then 'tax_rate_bp is a number from 0 to 10000'
    when exists (select from jsonb_each(p_options) o
                 where o.key in ('external_id_prefix', 'order_number_prefix', 'cancellation_prefix', 'guest_customer')
                   and (jsonb_typeof(o.value) <> 'string' or length(o.value #>> '{}') not between 1 and case o.key when 'guest_customer' then 200 else 50 end)) then
      'prefixes are texts of 1 to 50 characters, guest_customer is the name of a customer'
    when p_options ? 'words' and (jsonb_typeof(p_options -> 'words') <> 'object'
         or exists (select from jsonb_each(p_options -> 'words') w where jsonb_typeof(w.value) <> 'object')) then
      'words is an object {field: {text: word}}'
  end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.problem_of_names (
  p_options jsonb
)
  RETURNS text
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  select format('there is no option %s; known: %s', left(o.key, 60), array_to_string(ledger.import_option_names(), ', '))
  from jsonb_object_keys(p_options) o (key)
  where o.key <> all (ledger.import_option_names())
  order by o.key
  limit 1;
$function$;

CREATE OR REPLACE FUNCTION ledger.problem_of_reading (
  p_options jsonb
)
  RETURNS text
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return case
    when jsonb_typeof(coalesce(p_options -> 'columns', '{}')) <> 'object' then 'columns is an object {field: column name}'
    when exists (select from jsonb_each(coalesce(p_options -> 'columns', '{}')) c where jsonb_typeof(c.value) <> 'string') then
      'each of columns names a column'
    when p_options ? 'decimal_separator' and coalesce(p_options ->> 'decimal_separator' not in ('.', ','), true) then
      'decimal_separator is "." or ","'
    when jsonb_typeof(coalesce(p_options -> 'accept_exponent', 'false')) <> 'boolean' then 'accept_exponent is true or false'
    when p_options ? 'date_format' and ledger.order_of_date(p_options ->> 'date_format') is null then
      'date_format is one like DD/MM/YYYY, MM/DD/YYYY or YYYY/MM/DD'
    when p_options ? 'time_zone' and not exists (
      select from pg_catalog.pg_timezone_names z where z.name = p_options ->> 'time_zone') then
      'time_zone is a name such as Asia/Tehran'
  end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.purge_import_rows()
  RETURNS bigint
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_count bigint;
  v_runs uuid[];
begin
  perform set_config('ledger.procedure', 'purge_import_rows', true);
  v_runs := array(
    select r.id from public.import_runs r
    where coalesce(r.aborted_at, r.applied_at, r.updated_at) < clock_timestamp() - make_interval(days => ledger.setting_text('import_retention_days')::integer)
    for no key update skip locked);
  update public.import_rows w set data = '{}', parsed = ledger.impersonal_part(w.parsed, w.state)
  where w.run_id = any (v_runs) and w.data <> '{}';
  get diagnostics v_count = row_count;
  update public.import_rejects j set value = null, message = j.code
  where j.run_id = any (v_runs) and j.value is not null;
  perform set_config('ledger.procedure', '', true);
  return v_count;
end $function$;

CREATE OR REPLACE FUNCTION ledger.ranked_invoices (
  p_account_id uuid,
  p_strategy   text,
  p_at         timestamp with time zone
)
  RETURNS TABLE (
    place            bigint,
    invoice_id       uuid,
    invoice_number   text,
    order_id         uuid,
    remaining_amount bigint,
    days_overdue     integer,
    score            numeric
  )
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_settings jsonb := ledger.all_settings();
  v_age numeric := (v_settings ->> 'allocation_weight_age')::numeric;
  v_overdue numeric := (v_settings ->> 'allocation_weight_overdue')::numeric;
  v_size numeric := (v_settings ->> 'allocation_weight_size')::numeric;
begin
  return query
    with open as (
      select i.id, i.invoice_number, i.order_id, i.issued_at, b.remaining_amount,
             floor(extract(epoch from p_at - i.due_at) / 86400)::integer as days_overdue,
             greatest(floor(extract(epoch from p_at - i.issued_at) / 86400), 0)::integer as days_old
      from public.invoice_balance_cache b
      join public.invoices i on i.id = b.invoice_id
      left join public.orders o on o.id = i.order_id
      where b.account_id = p_account_id and b.remaining_amount > 0
        and (o.id is null or o.status not in ('rejected', 'cancelled', 'refunded'))),
    scored as (
      select n.*, case p_strategy
        when 'aging' then n.days_overdue::numeric
        when 'risk' then greatest(n.days_overdue, 0)::numeric * n.remaining_amount
        when 'weighted' then coalesce(round(
          (v_age * n.days_old / nullif(max(n.days_old) over (), 0)::numeric) / nullif(v_age + v_overdue + v_size, 0), 9), 0)
          + coalesce(round(
          (v_overdue * greatest(n.days_overdue, 0) / nullif(max(greatest(n.days_overdue, 0)) over (), 0)::numeric) / nullif(v_age + v_overdue + v_size, 0), 9), 0)
          + coalesce(round(
          (v_size * n.remaining_amount / nullif(max(n.remaining_amount) over (), 0)::numeric) / nullif(v_age + v_overdue + v_size, 0), 9), 0)
        else 0::numeric end as score
      from open n)
    select row_number() over (order by s.score desc, case p_strategy when 'aging' then s.remaining_amount end desc, s.issued_at, s.id),
           s.id, s.invoice_number, s.order_id, s.remaining_amount, s.days_overdue, s.score
    from scored s;
end $function$;

CREATE OR REPLACE FUNCTION ledger.read_customer_row (
  p_row_number bigint,
  p_data       jsonb,
  p_options    jsonb
)
  RETURNS ledger.import_reading
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_row ledger.import_customer_row;
  v_date ledger.parsed_date;
  v_created text := ledger.import_field(p_data, p_options, 'created_at');
  v_line1 text := ledger.import_field(p_data, p_options, 'line1');
  v_country text := upper(ledger.import_field(p_data, p_options, 'country'));
begin
  v_row.customer := coalesce(ledger.import_name(ledger.import_field(p_data, p_options, 'customer')), p_options ->> 'guest_customer');
  v_row.email := lower(ledger.import_field(p_data, p_options, 'email'));
  v_row.name := left(ledger.import_field(p_data, p_options, 'name'), 200);
  v_row.phone := left(ledger.import_field(p_data, p_options, 'phone'), 40);
  if v_created is not null then
    v_date := ledger.parse_date(v_created, p_options);
    v_row.created_at := v_date.at;
  end if;
  if v_line1 is not null then
    v_row.address := jsonb_strip_nulls(jsonb_build_object(
      'recipient', left(coalesce(ledger.import_field(p_data, p_options, 'recipient'), v_row.name), 200), 'line1', left(v_line1, 300),
      'line2', left(ledger.import_field(p_data, p_options, 'line2'), 300), 'city', left(ledger.import_field(p_data, p_options, 'city'), 200),
      'region', left(ledger.import_field(p_data, p_options, 'region'), 200),
      'postal_code', left(ledger.import_field(p_data, p_options, 'postal_code'), 20), 'country', v_country, 'phone', v_row.phone));
  end if;
  return row(p_row_number, coalesce(v_row.customer, v_row.email), null, jsonb_strip_nulls(to_jsonb(v_row)),
    ledger.reject_if(case when coalesce(v_row.customer, v_row.email) is null then 'row_value_missing'
                          when length(v_row.customer) > 200 then 'row_text_too_long' end, p_row_number, 'customer', v_row.customer, '{"maximum": 200}')
    || ledger.reject_if(case when v_row.email !~ '^[^@\s]+@[^@\s]+\.[^@\s]+$' or length(v_row.email) > 200 then 'row_email_invalid' end,
                        p_row_number, 'email', v_row.email)
    || ledger.reject_if(v_date.code, p_row_number, 'created_at', v_created)
    || ledger.reject_if(case when v_line1 is not null and not v_row.address ?& '{recipient,city,country}' then 'row_address_incomplete'
                             when v_line1 is not null and v_country !~ '^[A-Z]{2}$' then 'row_country_unknown' end,
                        p_row_number, 'country', v_country))::ledger.import_reading;
end $function$;

CREATE OR REPLACE FUNCTION ledger.read_invoice_row (
  p_row_number bigint,
  p_data       jsonb,
  p_options    jsonb,
  p_currency   text,
  p_exponent   integer
)
  RETURNS ledger.import_reading
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_external_id text := ledger.import_external_id(ledger.import_field(p_data, p_options, 'external_id'), p_options);
  v_number text := coalesce(ledger.import_field(p_data, p_options, 'invoice_number'), v_external_id);
  v_customer text := ledger.import_name(ledger.import_field(p_data, p_options, 'customer'));
  v_currency text := upper(ledger.import_field(p_data, p_options, 'currency'));
  v_status text := lower(ledger.import_field(p_data, p_options, 'status'));
  v_amount ledger.parsed_amount := ledger.parse_amount(ledger.import_field(p_data, p_options, 'amount'), p_currency, p_exponent, p_options);
  v_tax ledger.parsed_amount := ledger.parse_amount(coalesce(ledger.import_field(p_data, p_options, 'tax_amount'), '0'), p_currency, p_exponent, p_options);
  v_issued ledger.parsed_date := ledger.parse_date(ledger.import_field(p_data, p_options, 'issued_at'), p_options);
  v_due ledger.parsed_date := ledger.parse_date(ledger.import_field(p_data, p_options, 'due_at'), p_options);
  v_rejects ledger.import_reject[] := array[]::ledger.import_reject[];
begin
  v_status := coalesce(lower(p_options #>> array['statuses', coalesce(v_status, '')]), case v_status when 'overdue' then 'unpaid' else v_status end);
  if v_amount.code is null and v_amount.amount <= 0 then
    v_amount.code := 'row_amount_not_positive';
  end if;
  if v_tax.code is null and v_tax.amount not between 0 and v_amount.amount then
    v_tax.code := 'row_tax_not_part';
  end if;

  -- what is wrong with it
  select coalesce(array_agg(row(p_row_number, f.field, f.code, f.value, f.details)::ledger.import_reject), '{}') into v_rejects
  from (values
    ('external_id', case when v_external_id is null then 'row_value_missing' when length(v_external_id) > 200 then 'row_text_too_long' end,
     v_external_id, jsonb_build_object('maximum', 200)),
    ('invoice_number', case when length(v_number) > 100 then 'row_text_too_long' end, v_number, jsonb_build_object('maximum', 100)),
    ('customer', case when v_customer is null then 'row_value_missing' end, null, null),
    ('amount', v_amount.code, ledger.import_field(p_data, p_options, 'amount'), v_amount.details),
    ('tax_amount', v_tax.code, ledger.import_field(p_data, p_options, 'tax_amount'), v_tax.details),
    ('issued_at', coalesce(v_issued.code, ledger.refuse_import_time(v_issued.at)), ledger.import_field(p_data, p_options, 'issued_at'), null),
    ('due_at', case when v_due.at < v_issued.at then 'row_due_before_issued' else nullif(v_due.code, 'row_value_missing') end, ledger.import_field(p_data, p_options, 'due_at'), null),
    ('currency', case when v_currency <> p_currency then 'row_value_unknown' end, v_currency, jsonb_build_object('known', p_currency)),
    ('status', case when v_status not in ('unpaid', 'partial', 'paid') then 'row_value_unknown' end, v_status,
     jsonb_build_object('known', 'unpaid, partial, paid, overdue')),
    ('reference', case when length(ledger.import_field(p_data, p_options, 'reference')) > 200 then 'row_text_too_long' end,
     ledger.import_field(p_data, p_options, 'reference'), jsonb_build_object('maximum', 200)),
    ('notes', case when length(ledger.import_field(p_data, p_options, 'notes')) > 2000 then 'row_text_too_long' end,
     ledger.import_field(p_data, p_options, 'notes'), jsonb_build_object('maximum', 2000)),
    ('description', case when length(ledger.import_field(p_data, p_options, 'description')) > 1000 then 'row_text_too_long' end,
     ledger.import_field(p_data, p_options, 'description'), jsonb_build_object('maximum', 1000))) f (field, code, value, details)
  where f.code is not null;

  return row(p_row_number, left(v_external_id, 200),
    case when v_amount.code is null or v_amount.code = 'row_amount_not_positive' then v_amount.amount end,
    jsonb_strip_nulls(jsonb_build_object(
      'customer', left(v_customer, 300), 'invoice_number', v_number, 'tax_amount', v_tax.amount, 'issued_at', v_issued.at, 'due_at', v_due.at,
      'status', case when v_status in ('unpaid', 'partial', 'paid') then v_status end, 'reference', ledger.import_field(p_data, p_options, 'reference'), 'notes', ledger.import_field(p_data, p_options, 'notes'),
      'description', ledger.import_field(p_data, p_options, 'description'))),
    v_rejects);
end $function$;

CREATE OR REPLACE FUNCTION ledger.read_order_row (
  p_row_number bigint,
  p_data       jsonb,
  p_options    jsonb,
  p_currency   text,
  p_exponent   integer
)
  RETURNS ledger.import_reading
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_line ledger.import_order_line;
  v_rejects ledger.import_reject[] := array[]::ledger.import_reject[];
  v_amount ledger.parsed_amount;
  v_date ledger.parsed_date;
  v_field text;
  v_text text;
  v_sum numeric;
begin
  -- names and words
  v_line.order_number := ledger.import_name(ledger.import_field(p_data, p_options, 'order_number'));
  v_line.customer := coalesce(ledger.import_name(ledger.import_field(p_data, p_options, 'customer')),
                              lower(ledger.import_field(p_data, p_options, 'email')), p_options ->> 'guest_customer');
  v_line.sku := ledger.import_field(p_data, p_options, 'sku');
  v_line.product_name := left(ledger.import_field(p_data, p_options, 'product_name'), 255);
  v_line.country := left(ledger.import_field(p_data, p_options, 'country'), 100);
  v_line.notes := left(ledger.import_field(p_data, p_options, 'notes'), 2000);
  v_line.is_cancellation := coalesce(starts_with(v_line.order_number, nullif(p_options ->> 'cancellation_prefix', '')), false);
  v_line.status := coalesce(ledger.import_word(p_data, p_options, 'status'), ledger.import_word(p_data, p_options, 'customer_status'),
                            ledger.import_word(p_data, p_options, 'management_status'), p_options ->> 'default_status', 'delivered');
  v_line.payment_status := ledger.import_word(p_data, p_options, 'payment_status');
  v_line.payment_method := coalesce(ledger.import_word(p_data, p_options, 'payment_method'), p_options ->> 'default_payment_method', 'other');

  v_rejects := ledger.reject_if(case when v_line.order_number is null then 'row_value_missing'
                                     when length(v_line.order_number) > 100 then 'row_text_too_long' end, p_row_number, 'order_number', v_line.order_number, '{"maximum": 100}')
    || ledger.reject_if(case when v_line.customer is null then 'row_value_missing' end, p_row_number, 'customer', null)
    || ledger.reject_if(case when v_line.sku is null then 'row_value_missing' when length(v_line.sku) > 100 then 'row_text_too_long' end,
                        p_row_number, 'sku', v_line.sku, '{"maximum": 100}')
    || ledger.reject_other_currency(p_row_number, p_data, p_options, p_currency);

  -- numbers
  v_text := regexp_replace(ledger.latin_digits(ledger.import_field(p_data, p_options, 'quantity')), '\.0+$', '');
  if v_text ~ '^[-+]?[0-9]{1,12}$' then
    v_line.quantity := v_text::bigint;
  else
    v_rejects := v_rejects || ledger.reject_if(case when v_text is null then 'row_value_missing' else 'row_number_not_whole' end, p_row_number, 'quantity', v_text);
  end if;
  v_text := rtrim(ledger.latin_digits(ledger.import_field(p_data, p_options, 'tax_rate')), ' %');
  v_line.tax_rate_bp := case when v_text is null then coalesce((p_options ->> 'tax_rate_bp')::integer, 0)
                             when v_text ~ '^[0-9]{1,3}(\.[0-9]{1,2}0*)?$' and v_text::numeric <= 100 then v_text::numeric * 100 end;
  v_rejects := v_rejects || ledger.reject_if(case when v_line.tax_rate_bp is null then 'row_tax_rate_unreadable' end, p_row_number, 'tax_rate', v_text);

  -- amounts and the time
  foreach v_field in array '{unit_price,discount,shipping,total,paid_amount}'::text[] loop
    v_text := ledger.import_field(p_data, p_options, v_field);
    continue when v_text is null and v_field <> 'unit_price';
    v_amount := ledger.parse_amount(v_text, p_currency, p_exponent, p_options);
    if v_amount.amount < 0 then
      v_amount.code := 'row_amount_negative';
    end if;
    v_rejects := v_rejects || ledger.reject_if(v_amount.code, p_row_number, v_field, v_text, v_amount.details);
    case v_field
      when 'unit_price' then v_line.unit_price_amount := v_amount.amount;
      when 'discount' then v_line.discount_amount := v_amount.amount;
      when 'shipping' then v_line.shipping_amount := v_amount.amount;
      when 'total' then v_line.total_amount := v_amount.amount;
      else v_line.paid_amount := v_amount.amount;
    end case;
  end loop;
  v_text := ledger.import_field(p_data, p_options, 'placed_at');
  v_date := ledger.parse_date(v_text, p_options);
  v_line.placed_at := v_date.at;
  v_rejects := v_rejects || ledger.reject_if(
    coalesce(v_date.code, case when v_date.at not between timestamptz '1970-01-02 00:00:00+00' and clock_timestamp() then 'row_date_out_of_range' end),
    p_row_number, 'placed_at', v_text);

  -- what the line amounts to
  v_sum := v_line.unit_price_amount::numeric * v_line.quantity - coalesce(v_line.discount_amount, 0) * sign(v_line.quantity);
  if abs(v_sum) > 9007199254740991 then
    v_rejects := v_rejects || ledger.reject_if('row_amount_too_large', p_row_number, 'amount', v_sum::text);
    v_sum := null;
  elsif v_line.discount_amount > v_line.unit_price_amount::numeric * abs(v_line.quantity) then
    v_rejects := v_rejects || ledger.reject_if('row_discount_too_large', p_row_number, 'discount', ledger.import_field(p_data, p_options, 'discount'));
  end if;
  return row(p_row_number, v_line.order_number, v_sum, jsonb_strip_nulls(to_jsonb(v_line)),
             v_rejects || ledger.reject_order_words(p_row_number, p_data, p_options, v_line))::ledger.import_reading;
end $function$;

CREATE OR REPLACE FUNCTION ledger.read_payment_row (
  p_row_number bigint,
  p_data       jsonb,
  p_options    jsonb,
  p_currency   text,
  p_exponent   integer
)
  RETURNS ledger.import_reading
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_external_id text := ledger.import_external_id(ledger.import_field(p_data, p_options, 'external_id'), p_options);
  v_customer text := ledger.import_name(ledger.import_field(p_data, p_options, 'customer'));
  v_currency text := upper(ledger.import_field(p_data, p_options, 'currency'));
  v_method text := ledger.import_field(p_data, p_options, 'method');
  v_reference text := ledger.import_field(p_data, p_options, 'reference');
  v_notes text := ledger.import_field(p_data, p_options, 'notes');
  v_flag text := ledger.import_field(p_data, p_options, 'is_allocated');
  v_amount_text text := ledger.import_field(p_data, p_options, 'amount');
  v_paid_text text := ledger.import_field(p_data, p_options, 'paid_at');
  v_amount ledger.parsed_amount := ledger.parse_amount(v_amount_text, p_currency, p_exponent, p_options);
  v_paid ledger.parsed_date := ledger.parse_date(v_paid_text, p_options);
  v_is_allocated boolean := ledger.parse_flag(v_flag);
  v_rejects ledger.import_reject[] := array[]::ledger.import_reject[];
begin
  v_method := coalesce(p_options #>> array['methods', coalesce(v_method, '')], v_method, p_options ->> 'method', 'bank_transfer');
  if v_amount.code is null and v_amount.amount <= 0 then
    v_amount.code := 'row_amount_not_positive';
  end if;

  -- what is wrong with it
  if v_external_id is null or length(v_external_id) > 200 then
    v_rejects := v_rejects || ledger.text_reject(p_row_number, 'external_id', v_external_id, 200);
  end if;
  if v_customer is null then
    v_rejects := v_rejects || row(p_row_number, 'customer', 'row_value_missing', null, null)::ledger.import_reject;
  end if;
  if v_amount.code is not null then
    v_rejects := v_rejects || row(p_row_number, 'amount', v_amount.code, v_amount_text, v_amount.details)::ledger.import_reject;
  end if;
  v_paid.code := coalesce(v_paid.code, ledger.refuse_import_time(v_paid.at));
  if v_paid.code is not null then
    v_rejects := v_rejects || row(p_row_number, 'paid_at', v_paid.code, v_paid_text, null)::ledger.import_reject;
  end if;
  if v_currency <> p_currency then
    v_rejects := v_rejects || row(p_row_number, 'currency', 'row_value_unknown', v_currency, jsonb_build_object('known', p_currency))::ledger.import_reject;
  end if;
  if v_method not in ('bank_transfer', 'card', 'cash', 'other') then
    v_rejects := v_rejects
      || row(p_row_number, 'method', 'row_value_unknown', v_method, jsonb_build_object('known', 'bank_transfer, card, cash, other'))::ledger.import_reject;
  end if;
  if v_flag is not null and v_is_allocated is null then
    v_rejects := v_rejects || row(p_row_number, 'is_allocated', 'row_value_unknown', v_flag, jsonb_build_object('known', 'true, false, 1, 0, yes, no'))::ledger.import_reject;
  end if;
  if length(v_reference) > 200 then
    v_rejects := v_rejects || ledger.text_reject(p_row_number, 'reference', v_reference, 200);
  end if;
  if length(v_notes) > 2000 then
    v_rejects := v_rejects || ledger.text_reject(p_row_number, 'notes', v_notes, 2000);
  end if;

  return row(p_row_number, left(v_external_id, 200), case when v_amount.code is null or v_amount.code = 'row_amount_not_positive' then v_amount.amount end,
    jsonb_strip_nulls(jsonb_build_object(
      'customer', left(v_customer, 300), 'paid_at', v_paid.at, 'method', v_method, 'reference', v_reference, 'notes', v_notes,
      'is_allocated', v_is_allocated, 'invoice', left(ledger.import_external_id(ledger.import_field(p_data, p_options, 'invoice'), p_options), 200))),
    v_rejects);
end $function$;

CREATE OR REPLACE FUNCTION ledger.read_product_row (
  p_row_number bigint,
  p_data       jsonb,
  p_options    jsonb,
  p_currency   text,
  p_exponent   integer
)
  RETURNS ledger.import_reading
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_row ledger.import_product_row;
  v_amount ledger.parsed_amount;
  v_price text := ledger.import_field(p_data, p_options, 'price');
  v_stock text := regexp_replace(ledger.latin_digits(ledger.import_field(p_data, p_options, 'stock')), '\.0+$', '');
  v_rate text := rtrim(ledger.latin_digits(ledger.import_field(p_data, p_options, 'tax_rate')), ' %');
  v_active text := lower(ledger.import_field(p_data, p_options, 'active'));
begin
  v_row.sku := ledger.import_field(p_data, p_options, 'sku');
  v_row.name := ledger.import_field(p_data, p_options, 'name');
  v_row.variant := coalesce(left(ledger.import_field(p_data, p_options, 'variant'), 255), 'Default');
  v_row.product := left(ledger.import_field(p_data, p_options, 'product'), 180);
  v_row.description := ledger.import_field(p_data, p_options, 'description');
  v_row.vendor := left(ledger.import_field(p_data, p_options, 'vendor'), 200);
  v_amount := ledger.parse_amount(v_price, p_currency, p_exponent, p_options);
  v_row.price_amount := v_amount.amount;
  v_row.tax_rate_bp := case when v_rate ~ '^[0-9]{1,3}(\.[0-9]{1,2}0*)?$' and v_rate::numeric <= 100 then v_rate::numeric * 100 end;
  v_row.stock := case when v_stock ~ '^[0-9]{1,12}$' then v_stock::bigint end;
  v_row.active := coalesce(v_active not in ('false', 'f', 'no', 'n', '0'), true);
  return row(p_row_number, v_row.sku, null, jsonb_strip_nulls(to_jsonb(v_row)),
    ledger.reject_if(case when v_row.sku is null then 'row_value_missing' when length(v_row.sku) > 100 then 'row_text_too_long' end,
                     p_row_number, 'sku', v_row.sku, '{"maximum": 100}')
    || ledger.reject_if(case when v_row.name is null then 'row_value_missing' when length(v_row.name) > 255 then 'row_text_too_long' end,
                        p_row_number, 'name', v_row.name, '{"maximum": 255}')
    || ledger.reject_if(coalesce(v_amount.code, case when v_amount.amount < 0 then 'row_amount_negative' when v_amount.amount = 0 then 'row_price_zero' end),
                        p_row_number, 'price', v_price, v_amount.details)
    || ledger.reject_if(case when v_rate is not null and v_row.tax_rate_bp is null then 'row_tax_rate_unreadable' end, p_row_number, 'tax_rate', v_rate)
    || ledger.reject_other_currency(p_row_number, p_data, p_options, p_currency)
    || ledger.reject_if(case when v_stock is not null and v_row.stock is null then 'row_number_not_whole' end, p_row_number, 'stock', v_stock))::ledger.import_reading;
end $function$;

CREATE OR REPLACE FUNCTION ledger.reads_debt_from_cache (
  p_account_id uuid
)
  RETURNS boolean
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_flag public.feature_flags;
begin
  select f.* into v_flag from public.feature_flags f where f.key = 'allocation_read_switch';
  return case v_flag.state
    when 'full' then true
    when 'canary' then mod(hashtextextended(p_account_id::text, 0) & 9223372036854775807, 100) < v_flag.percentage
    else false end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.receipt_file_bytes()
  RETURNS bigint
  LANGUAGE sql
  IMMUTABLE
  PARALLEL SAFE
RETURN ((10 * 1024) * 1024);

CREATE OR REPLACE FUNCTION ledger.receipt_file_types()
  RETURNS text[]
  LANGUAGE sql
  IMMUTABLE
  PARALLEL SAFE
RETURN '{image/jpeg,image/png,image/webp,image/heic,application/pdf}'::text[];

CREATE OR REPLACE FUNCTION ledger.recomputed_debts (
  p_account_id uuid DEFAULT NULL::uuid
)
  RETURNS TABLE (
    account_id       uuid,
    invoiced_amount  bigint,
    allocated_amount bigint,
    unapplied_amount bigint
  )
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  -- two statements, for the plan of one account is none for all of them
  if p_account_id is not null then
    return query
      select p_account_id,
             coalesce((select sum(i.amount) from public.invoices i where i.account_id = p_account_id), 0)::bigint,
             coalesce((select sum(l.allocated_amount) from public.payment_allocations l where l.account_id = p_account_id), 0)::bigint,
             coalesce((select sum(case p.status when 'captured' then p.unapplied_amount + p.allocated_amount - coalesce(a.amount, 0) else 0 end)
                       from public.payments p
                       left join (select l.payment_id, sum(l.allocated_amount) as amount
                                  from public.payment_allocations l
                                  where l.account_id = p_account_id
                                  group by l.payment_id) a on a.payment_id = p.id
                       where p.account_id = p_account_id), 0)::bigint;
    return;
  end if;
  return query
    with invoiced as (
      select i.account_id, sum(i.amount)::bigint as amount from public.invoices i group by i.account_id),
    given as (
      select l.account_id, l.payment_id, sum(l.allocated_amount)::bigint as amount from public.payment_allocations l group by l.account_id, l.payment_id),
    paid as (
      select p.account_id, sum(coalesce(g.amount, 0))::bigint as allocated,
             sum(case p.status when 'captured' then p.unapplied_amount + p.allocated_amount - coalesce(g.amount, 0) else 0 end)::bigint as unapplied
      from public.payments p
      left join given g on g.payment_id = p.id
      group by p.account_id)
    select coalesce(i.account_id, p.account_id), coalesce(i.amount, 0)::bigint, coalesce(p.allocated, 0)::bigint, coalesce(p.unapplied, 0)::bigint
    from invoiced i
    full join paid p on p.account_id = i.account_id;
end $function$;

CREATE OR REPLACE FUNCTION ledger.record_imported_invoices (
  p_run      public.import_runs,
  p_invoices ledger.invoice_to_import[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  insert into public.event_texts (event_id, account_id, stream_type, texts, salt)
  select i.event_id, i.account_id, 'invoice', jsonb_strip_nulls(jsonb_build_object('reference', i.reference, 'notes', i.notes)), i.salt
  from unnest(p_invoices) i
  where coalesce(i.reference, i.notes) is not null;
  insert into public.immutable_events (id, event_type, stream_type, stream_id, account_id, payload, actor_id, correlation_id)
  select i.event_id, 'invoice.issued', 'invoice', i.invoice_id, i.account_id,
         jsonb_build_object(
           'transaction_id', i.transaction_id, 'transaction_type', 'invoice_issued', 'account_version', i.account_version, 'amount', 0,
           'effect', '{}'::jsonb, 'debt_effect', jsonb_build_object('invoiced', i.amount))
         || ledger.invoice_facts(v)
         || jsonb_build_object('source', 'import', 'external_id', i.external_id, 'imported', true, 'import_run_id', p_run.id)
         || case when t.texts is null then '{}' else jsonb_build_object('texts_digest', ledger.texts_digest(t.texts, i.salt)) end,
         p_run.applied_by, p_run.id
  from unnest(p_invoices) i
  join public.invoices v on v.id = i.invoice_id
  left join public.event_texts t on t.event_id = i.event_id
  order by i.event_id;
  insert into public.import_identities (kind, external_id, target_id, run_id)
  select 'invoice', i.external_id, i.invoice_id, p_run.id from unnest(p_invoices) i;
  update public.import_rows w set state = 'applied', target_id = i.invoice_id
  from unnest(p_invoices) i
  where w.run_id = p_run.id and w.row_number = i.row_number;
end $function$;

CREATE OR REPLACE FUNCTION ledger.record_imported_orders (
  p_orders public.orders[],
  p_actor  ledger.actor
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_steps ledger.imported_step[] := ledger.write_imported_transactions(p_orders, p_actor);
begin
  -- a payment goes into escrow, and a delivery takes it out as for any order
  insert into public.postings (account_id, transaction_id, leg_number, debit_account, credit_account, amount, currency, created_at)
  select s.account_id, s.transaction_id, l.ordinality, l.debit_account, l.credit_account, l.amount, o.currency, o.created_at
  from unnest(v_steps) s
  join unnest(p_orders) d on d.id = s.order_id
  join public.orders o on o.account_id = d.account_id and o.id = d.id
  cross join lateral unnest(case
    when s.type = 'payment_imported' then array[row('bank', 'order_escrow', o.paid_amount)]::ledger.posting_leg[]
    when s.type = 'order_status_changed' and o.status = 'delivered' then ledger.delivery_legs(o, ledger.whole_order(o)) end) with ordinality l
  where l.amount <> 0;

  insert into public.immutable_events (id, occurred_at, event_type, stream_type, stream_id, account_id, payload, actor_id, correlation_id)
  select nextval('ledger.event_id_seq'), e.at, e.event_type, 'order', e.order_id, e.account_id, e.payload, p_actor.user_id, e.correlation_id
  from (
    select o.created_at as at, o.id as order_id, o.account_id, t.correlation_id, t.account_version,
           case s.type when 'order_created' then 'order.placed' when 'payment_imported' then 'payment.imported' else 'order.status_changed' end as event_type,
           ledger.balance_effect(t) || jsonb_build_object('imported', true, 'recorded_at', clock_timestamp(), 'order_number', o.order_number,
             'user_id', o.user_id, 'currency', o.currency) || case s.type
             when 'order_created' then jsonb_build_object('from_status', null, 'to_status', 'pending',
               'payment_status', ledger.payment_status_of(o.total_amount, 0, 0, 0), 'payment_method', o.payment_method,
               'total_amount', o.total_amount, 'wallet_amount', 0,
               'items', (select jsonb_agg(jsonb_build_object('variant_id', i.variant_id, 'quantity', i.quantity) order by i.line_number)
                         from public.order_items i where i.account_id = o.account_id and i.order_id = o.id))
             when 'payment_imported' then jsonb_build_object('payment_id', s.payment_id, 'payment_amount', o.paid_amount, 'applied_amount', o.paid_amount)
             else jsonb_build_object('from_status', 'pending', 'to_status', o.status, 'payment_status', o.payment_status) end as payload
    from unnest(v_steps) s
    join unnest(p_orders) d on d.id = s.order_id
    join public.orders o on o.account_id = d.account_id and o.id = d.id
    join public.transactions t on t.id = s.transaction_id
    order by o.account_id, t.account_version) e;
end $function$;

CREATE OR REPLACE FUNCTION ledger.record_imported_payments (
  p_run      public.import_runs,
  p_payments ledger.payment_to_import[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  insert into public.event_texts (event_id, account_id, stream_type, texts, salt)
  select p.event_id, p.account_id, 'payment', jsonb_strip_nulls(jsonb_build_object('reference', p.reference, 'notes', p.notes)), p.salt
  from unnest(p_payments) p
  where coalesce(p.reference, p.notes) is not null;
  insert into public.immutable_events (id, event_type, stream_type, stream_id, account_id, payload, actor_id, correlation_id)
  select p.event_id, 'payment.imported', 'payment', p.payment_id, p.account_id,
         jsonb_build_object(
           'transaction_id', p.transaction_id, 'transaction_type', 'payment_imported', 'account_version', p.account_version, 'amount', 0,
           'effect', '{}'::jsonb, 'debt_effect', jsonb_build_object('unapplied', p.amount), 'payment_id', p.payment_id, 'currency', p_run.currency,
           'method', p.method, 'source', 'import', 'payment_amount', p.amount, 'applied_amount', 0, 'credit_amount', 0,
           'external_id', p.external_id, 'paid_at', p.paid_at, 'imported', true, 'import_run_id', p_run.id)
         || case when t.texts is null then '{}' else jsonb_build_object('texts_digest', ledger.texts_digest(t.texts, p.salt)) end,
         p_run.applied_by, p_run.id
  from unnest(p_payments) p
  left join public.event_texts t on t.event_id = p.event_id
  order by p.event_id;
  insert into public.import_identities (kind, external_id, target_id, run_id)
  select 'payment', p.external_id, p.payment_id, p_run.id from unnest(p_payments) p;
  update public.import_rows w set state = 'applied', target_id = p.payment_id
  from unnest(p_payments) p
  where w.run_id = p_run.id and w.row_number = p.row_number;
end $function$;

CREATE OR REPLACE FUNCTION ledger.record_receipt (
  p_event_type     text,
  p_receipt        public.payment_receipts,
  p_order          public.orders,
  p_notes          text,
  p_actor          ledger.actor,
  p_correlation_id uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  perform ledger.record_operation(p_event_type,
    case when p_order.id is null then 'receipt' else 'order' end, coalesce(p_order.id, p_receipt.id), p_receipt.account_id,
    jsonb_strip_nulls(jsonb_build_object(
      'receipt_id', p_receipt.id, 'order_number', p_order.order_number, 'invoice_id', p_receipt.invoice_id, 'currency', p_receipt.currency,
      'receipt_amount', p_receipt.amount, 'approved_amount', p_receipt.approved_amount, 'payment_id', p_receipt.payment_id,
      'receipt_status', p_receipt.status, 'payment_status', p_order.payment_status, 'paid_on', p_receipt.paid_on,
      'reference', p_receipt.reference, 'notes', p_notes)),
    p_actor, p_correlation_id);
end $function$;

CREATE OR REPLACE FUNCTION ledger.reference_key (
  p_reference text
)
  RETURNS text
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  STRICT
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return upper(regexp_replace(translate(p_reference, '۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩', '01234567890123456789'),
    '[[:space:]\u0085\u00a0\u00ad\u061c\u1680\u180e\u2000-\u2015\u2028-\u202f\u205f-\u206f\u2212\u3000\ufe58\ufe63\ufeff\uff0d-]+', '', 'g'));
end $function$;

CREATE OR REPLACE FUNCTION ledger.reference_of_card (
  p_card public.card_payments
)
  RETURNS text
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_number integer := 1 + cardinality(ledger.payments_of_card(p_card.id));
  v_name text := p_card.provider_payment_id || case when v_number > 1 then '/' || v_number else '' end;
begin
  return case when exists (
                select from public.payments p
                where p.method = 'card' and ledger.reference_key(p.reference) = ledger.reference_key(v_name)
                  and p.status = 'captured' and p.source = 'card')
              then left(p_card.provider, 40) || ':' else '' end || v_name;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refund_by_rate (
  p_invoice      public.invoices,
  p_left         ledger.invoice_draft_line[],
  p_price_amount bigint,
  p_tax_amount   bigint
)
  RETURNS TABLE (
    tax_rate_bp  integer,
    price_amount bigint,
    tax_amount   bigint
  )
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return query
    with moves as (
      select m.rate, sum(m.price) as price, sum(m.tax) as tax
      from (select r.tax_rate_bp as rate, r.gross_amount - case when p_invoice.prices_include_tax then 0 else r.tax_amount end as price, r.tax_amount as tax
            from ledger.left_by_rate(p_invoice) r
            union all
            select l.tax_rate_bp, l.discount_amount - l.total_price_amount, -l.tax_amount from unnest(p_left) l) m
      group by m.rate),
    sums as (
      select m.rate, sum(m.price) over w as price, sum(m.tax) over w as tax, lead(m.rate) over w is null as is_last
      from moves m window w as (order by m.rate)),
    risen as (
      select s.rate, case when s.is_last then p_price_amount else least(p_price_amount, greatest(max(s.price) over w, 0)) end as price,
             case when s.is_last then p_tax_amount else least(p_tax_amount, greatest(max(s.tax) over w, 0)) end as tax
      from sums s window w as (order by s.rate))
    select r.rate, (r.price - lag(r.price, 1, 0::numeric) over w)::bigint, (r.tax - lag(r.tax, 1, 0::numeric) over w)::bigint
    from risen r window w as (order by r.rate);
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_allocation (
  p_payment  public.payments,
  p_lines    ledger.allocation_line[],
  p_versions bigint[]                 DEFAULT NULL::bigint[]
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_line record;
  v_total numeric := (select sum(l.amount) from unnest(p_lines) l);
begin
  for v_line in
    select l.ordinality as line, l.invoice_id, l.amount, p_versions[l.ordinality] as expected, i.id as found_id, i.invoice_number, i.kind, i.status,
           b.remaining_amount, b.version, o.status as order_status, o.order_number, a.synthetic
    from unnest(p_lines) with ordinality l
    left join public.invoices i on i.account_id = p_payment.account_id and i.id = l.invoice_id
    left join public.invoice_balance_cache b on b.invoice_id = i.id
    left join public.orders o on o.id = i.order_id
    left join lateral ledger.live_allocations(p_payment.account_id, i.id, p_payment.id) a on i.id is not null
    order by l.ordinality
  loop
    if v_line.found_id is null then
      return ledger.refuse('invoice_not_found', jsonb_build_object('invoice_id', v_line.invoice_id));
    elsif v_line.kind = 'credit_note' or v_line.status = 'void' or v_line.order_status in ('rejected', 'cancelled', 'refunded') then
      return ledger.refuse('invoice_not_open', jsonb_build_object('invoice_id', v_line.invoice_id, 'invoice_number', v_line.invoice_number,
        'status', case when v_line.kind = 'credit_note' then 'a credit note' when v_line.status = 'void' then 'void'
                       else format('of order %s, which is %s', v_line.order_number, v_line.order_status) end));
    elsif v_line.version <> v_line.expected then
      return ledger.refuse('invoice_balance_changed', jsonb_build_object('invoice_id', v_line.invoice_id, 'invoice_number', v_line.invoice_number,
        'version', v_line.version, 'expected', v_line.expected));
    elsif v_line.remaining_amount = 0 then
      return ledger.refuse('invoice_settled', jsonb_build_object('invoice_id', v_line.invoice_id, 'invoice_number', v_line.invoice_number,
        'amount', v_line.amount, 'currency', p_payment.currency));
    elsif v_line.amount > v_line.remaining_amount then
      return ledger.refuse('allocation_exceeds_invoice', jsonb_build_object('invoice_id', v_line.invoice_id, 'invoice_number', v_line.invoice_number,
        'remaining', v_line.remaining_amount, 'amount', v_line.amount, 'currency', p_payment.currency));
    elsif v_line.synthetic then
      return ledger.refuse('already_allocated', jsonb_build_object('invoice_id', v_line.invoice_id, 'invoice_number', v_line.invoice_number));
    end if;
  end loop;
  return case when v_total > p_payment.unapplied_amount then
    ledger.refuse('allocation_exceeds_payment', jsonb_build_object('payment_id', p_payment.id, 'currency', p_payment.currency,
      'unapplied', p_payment.unapplied_amount, 'amount', v_total)) end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_allocation_lines (
  p_lines jsonb
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_count integer;
  v_bad record;
begin
  if coalesce(jsonb_typeof(p_lines), 'null') <> 'array' then
    return ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_lines',
      'problem', 'an array of {"invoice_id", "amount"}, with "expected_version" where it is known'));
  end if;
  v_count := jsonb_array_length(p_lines);
  if v_count not between 1 and 1000 then
    return ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_lines', 'problem', format('1 to 1000 lines, not %s', v_count)));
  end if;
  select n.line, n.problem into v_bad
  from (select e.ordinality as line, case
    when jsonb_typeof(e.item) <> 'object' then 'must be an object with invoice_id and amount'
    when coalesce(jsonb_typeof(e.item -> 'invoice_id') = 'string'
                  and e.item ->> 'invoice_id' ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$', false) is false then 'invoice_id is missing or no UUID'
    when coalesce(case when jsonb_typeof(e.item -> 'amount') = 'number' then
                    (e.item ->> 'amount')::numeric between 1 and 9007199254740991
                    and (e.item ->> 'amount')::numeric = trunc((e.item ->> 'amount')::numeric) end, false) is false
      then 'amount must be a whole number of minor units above zero'
    when coalesce(case jsonb_typeof(e.item -> 'expected_version') when 'null' then true when 'number' then
                    (e.item ->> 'expected_version')::numeric between 0 and 9007199254740991 else e.item -> 'expected_version' is null end, true) is false
      then 'expected_version must be a number'
    when count(*) over (partition by lower(e.item ->> 'invoice_id')) > 1 then 'the same invoice is on another line too: one line per invoice'
  end as problem
  from jsonb_array_elements(p_lines) with ordinality e (item)) n
  where n.problem is not null
  order by n.line
  limit 1;
  return case when v_bad.problem is not null then
    ledger.refuse('invalid_argument', jsonb_build_object('argument', format('p_lines, line %s', v_bad.line), 'problem', v_bad.problem)) end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_beside_backfill (
  p_run_id uuid DEFAULT NULL::uuid
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return case when exists (
      select from public.import_runs r
      where r.backfill_state in ('reading', 'writing', 'drifted') and r.id is distinct from p_run_id) then
    ledger.refuse('backfill_running', jsonb_build_object(
      'mode', (select f.state from public.feature_flags f where f.key = 'ledger_backfill_mode'))) end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_card_during_backfill (
  p_card public.card_payments
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return case
    when (exists (select from public.payments p where p.id = any (ledger.payments_of_card(p_card.id)) and p.allocated_amount > 0)
          or exists (select from public.invoices i
                     where i.account_id = p_card.account_id and i.order_id = p_card.order_id and i.kind = 'invoice' and i.status = 'issued'))
         and exists (select from ledger.card_objects(p_card) o
                     where case when not o.is_refund then o.amount <> o.taken_out_amount
                                when o.has_failed then o.taken_out_amount > 0 or o.settled_amount = 0 or not o.has_failed_in_the_books
                                else o.amount > o.settled_amount + o.taken_out_amount end)
      then ledger.refuse_during_backfill() end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_card_event (
  p_provider text,
  p_event    jsonb
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_kind text := p_event ->> 'kind';
  v_problem text;
begin
  if coalesce(length(p_provider), 0) not between 1 and 50 then
    return ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_provider', 'problem', 'the provider''s name, of at most 50 characters'));
  end if;
  v_problem := case
    when coalesce(jsonb_typeof(p_event), 'null') <> 'object' or octet_length(p_event::text) > 16384 then 'must be a JSON object of at most 16 KB'
    when exists (select from unnest(array['event_id', 'kind', 'provider_payment_id', 'currency']) f where jsonb_typeof(p_event -> f) is distinct from 'string') then
      'event_id, kind, provider_payment_id and currency must be texts'
    when exists (select from unnest(array['object_id', 'order_id', 'refund_id', 'occurred_at', 'expires_at']) f
                 where coalesce(jsonb_typeof(p_event -> f), 'null') not in ('string', 'null')) then
      'object_id, order_id, refund_id, occurred_at and expires_at are texts'
    when length(p_event ->> 'event_id') not between 1 and 200 or length(p_event ->> 'provider_payment_id') not between 1 and 150
      or length(p_event ->> 'object_id') not between 1 and 200 then
      'event_id and object_id have 1 to 200 characters, provider_payment_id 1 to 150'
    when v_kind not in ('authorised', 'captured', 'voided', 'failed', 'refunded', 'refund_failed', 'charged_back', 'charge_back_won') then
      'kind is one of authorised, captured, voided, failed, refunded, refund_failed, charged_back, charge_back_won'
    when p_event ->> 'currency' !~ '^[A-Za-z]{3}$' then 'currency is an ISO 4217 code'
    when v_kind in ('refunded', 'refund_failed', 'charged_back', 'charge_back_won') and p_event ->> 'object_id' is null then
      'object_id names the refund or dispute'
    when not ledger.is_exact_amount(p_event -> 'amount', 0) or not ledger.is_exact_amount(p_event -> 'captured_total', 0)
      or (v_kind in ('captured', 'refunded', 'refund_failed', 'charged_back') and coalesce((p_event ->> 'amount')::numeric, 0) = 0) then
      'amount and captured_total are whole numbers of at most 2^53 - 1, and an amount that moves is above zero'
    when not ledger.is_exact_amount(p_event -> 'exponent', 0) or (p_event ->> 'exponent')::numeric > 4 then
      'exponent is the number of decimals of the amounts, 0 to 4'
    when coalesce(jsonb_typeof(p_event -> 'is_final'), 'null') not in ('boolean', 'null') then 'is_final is true or false'
    when ledger.time_in(p_event ->> 'occurred_at') is null then 'occurred_at is an ISO 8601 time'
    when p_event ->> 'expires_at' is not null and ledger.time_in(p_event ->> 'expires_at') is null then 'expires_at is an ISO 8601 time'
  end;
  if v_problem is not null then
    return ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_event', 'problem', v_problem));
  end if;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_card_match (
  p_card            public.card_payments,
  p_order           public.orders,
  p_card_payment_id uuid,
  p_order_id        uuid,
  p_notes           text
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return case
    when length(p_notes) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_notes', 'problem', 'at most 2000 characters'))
    when p_card.id is null then ledger.refuse('card_payment_not_found', jsonb_build_object('card_payment_id', p_card_payment_id))
    when p_order_id is null and p_card.order_id is null and nullif(trim(p_notes), '') is null then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_order_id, p_notes', 'problem', 'say which order it is for, or what was done about it'))
    when p_order_id is null then null
    when p_order.id is null then ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id))
    when p_card.order_id <> p_order_id then ledger.refuse('card_payment_matched', jsonb_build_object('card_payment_id', p_card.id,
      'order_number', (select o.order_number from public.orders o where o.id = p_card.order_id)))
    when p_card.order_id is null and not exists (
      select from public.card_events e where e.card_payment_id = p_card.id and e.currency = p_order.currency) then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_order_id',
        'problem', format('nothing of the card payment is in %s, the currency of order %s', p_order.currency, p_order.order_number)))
    else ledger.refuse_erased(p_order.user_id)
  end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_claim (
  p_account_id uuid,
  p_amount     bigint
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (select ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
          from public.account_debt_cache c
          where c.account_id = p_account_id and c.invoiced_amount + p_amount > 9007199254740991);
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_credit (
  p_account_id uuid,
  p_currency   text,
  p_due        bigint,
  p_order_id   uuid   DEFAULT NULL::uuid
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_limit bigint := (select t.credit_limit_amount from public.credit_terms t where t.account_id = p_account_id);
  v_used record;
begin
  if v_limit is null then
    return ledger.refuse('credit_not_granted', jsonb_build_object('currency', p_currency));
  end if;
  v_used := ledger.credit_used(p_account_id, p_order_id);
  return case when v_used.debt_amount + v_used.not_invoiced_amount + p_due > v_limit then
    ledger.refuse('credit_limit_exceeded', jsonb_build_object(
      'currency', p_currency, 'limit', v_limit, 'debt', v_used.debt_amount, 'not_invoiced', v_used.not_invoiced_amount, 'due', p_due,
      'required', v_used.debt_amount + v_used.not_invoiced_amount + p_due,
      'available', greatest(v_limit - v_used.debt_amount - v_used.not_invoiced_amount, 0))) end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_due_date (
  p_due_at timestamp with time zone
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return case when p_due_at not between clock_timestamp() - interval '10 years' and clock_timestamp() + interval '10 years' then
    ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_due_at', 'problem', 'within ten years of today')) end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_during_backfill (
  p_synthetic boolean DEFAULT false
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_mode text := (select f.state from public.feature_flags f where f.key = 'ledger_backfill_mode');
begin
  return case when v_mode = 'read_only' or (v_mode = 'active' and p_synthetic is not true) then
    ledger.refuse('backfill_running', jsonb_build_object('mode', v_mode)) end;
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
  v_invoice_number text := ledger.live_invoice_number(p_order.account_id, p_order.id);
  v_bad record;
begin
  if v_invoice_number is not null then
    return ledger.refuse('order_invoiced', jsonb_build_object('order_number', p_order.order_number, 'invoice_number', v_invoice_number));
  end if;
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

CREATE OR REPLACE FUNCTION ledger.refuse_flag (
  p_flag       public.feature_flags,
  p_state      text,
  p_percentage smallint
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_needed integer := ledger.setting_text('drift_free_runs')::integer;
  v_check text := case p_flag.key when 'allocation_read_switch' then 'debt_cache' when 'allocation_dual_write' then 'old_flags' end;
  v_is_wider boolean := case p_flag.key
    when 'allocation_read_switch' then (case p_state when 'full' then 100 when 'canary' then p_percentage else 0 end)
                                     > (case p_flag.state when 'full' then 100 when 'canary' then p_flag.percentage else 0 end)
    when 'allocation_dual_write' then p_state = 'enforce' and p_flag.state <> 'enforce'
    else false end;
  v_clean bigint;
begin
  if p_flag.key is null or not p_state = any (p_flag.allowed_states) then
    return ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_state',
      'problem', 'one of ' || array_to_string(p_flag.allowed_states, ', ')));
  elsif p_percentage not between 0 and 100 or (p_flag.key = 'allocation_read_switch' and p_state = 'canary' and p_percentage not between 1 and 99) then
    return ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_percentage',
      'problem', 'from 0 to 100; from 1 to 99 for canary'));
  elsif p_flag.key = 'ledger_backfill_mode' and p_state <> p_flag.state
        and coalesce(current_setting('ledger.procedure', true), '') not in ('import_backfill', 'import_abort') then
    -- off, when somebody left it on that is gone
    return case when p_state <> 'off' then
        ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_state', 'problem', 'off: import_backfill closes allocations, and opens them again'))
      else ledger.refuse_beside_backfill() end;
  elsif not v_is_wider then
    return null;
  end if;
  -- what was found long ago, or before the flags were kept, says nothing of now
  v_clean := (select count(*) from (select r.status, r.created_at from public.reconciliation_runs r where r.check_code = v_check order by r.id desc limit v_needed) r
              where r.status = 'OK' and r.created_at > clock_timestamp() - interval '1 day'
                and (v_check = 'debt_cache' or r.created_at > p_flag.updated_at and p_flag.state = 'shadow'));
  return case
    when v_clean < v_needed then
      ledger.refuse('drift_not_ruled_out', jsonb_build_object('flag', p_flag.key, 'check', v_check, 'needed', v_needed, 'clean', v_clean))
    when (select f.state from public.feature_flags f where f.key = 'ledger_backfill_mode') <> 'off' then
      ledger.refuse('backfill_running', jsonb_build_object('mode',
        (select f.state from public.feature_flags f where f.key = 'ledger_backfill_mode')))
  end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_grace (
  p_order public.orders,
  p_until timestamp with time zone
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_deadline public.payment_deadlines;
  v_reason text := case
    when p_order.status in ('rejected', 'cancelled', 'refunded') then format('it is %s', p_order.status)
    when p_order.payment_method not in ('bank_transfer', 'bank_transfer_grace', 'wallet_partial') then
      format('it is paid by %s, not by transfer', p_order.payment_method)
    when p_order.amount_due = 0 then 'nothing is due'
  end;
begin
  if v_reason is not null then
    return ledger.refuse('grace_not_possible', jsonb_build_object('order_number', p_order.order_number, 'reason', v_reason));
  end if;
  select d.* into v_deadline
  from public.payment_deadlines d
  where d.account_id = p_order.account_id and d.order_id = p_order.id and d.status <> 'settled';
  return case
    when p_until <= v_deadline.due_at then ledger.refuse('invalid_argument', jsonb_build_object(
      'argument', 'p_until', 'problem', format('later than %s, which is granted already', v_deadline.due_at)))
    when v_deadline.order_id is null then ledger.refuse_grace_limit(p_order.account_id, p_order.id)
  end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_grace_limit (
  p_account_id uuid,
  p_order_id   uuid DEFAULT NULL::uuid
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_maximum integer := coalesce(
    (select t.max_grace_orders from public.credit_terms t where t.account_id = p_account_id),
    ledger.setting_text('max_grace_orders')::integer);
  v_open bigint := (
    select count(*) from public.payment_deadlines d
    where d.account_id = p_account_id and d.status in ('open', 'overdue') and d.order_id is distinct from p_order_id);
begin
  return case when v_open >= v_maximum then
    ledger.refuse('grace_limit_reached', jsonb_build_object('open', v_open, 'maximum', v_maximum)) end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_import_kind (
  p_kind text
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return case when coalesce(p_kind, '') !~ '^[a-z][a-z_]{0,29}$'
                or to_regprocedure(format('ledger.import_%s_apply(uuid, integer)', p_kind)) is null then
    ledger.refuse('unknown_import_kind', jsonb_build_object('kind', p_kind, 'known', (
      select string_agg(substr(p.proname, 8, length(p.proname) - 13), ', ' order by p.proname)
      from pg_catalog.pg_proc p
      where p.pronamespace = 'ledger'::regnamespace and p.proname ~ '^import_[a-z_]+_apply$'))) end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_import_options (
  p_options jsonb
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_problem text;
begin
  v_problem := case
    when jsonb_typeof(p_options) <> 'object' or octet_length(p_options::text) > 16384 then 'an object of at most 16 KB'
    else coalesce(ledger.problem_of_names(p_options), ledger.problem_of_reading(p_options), ledger.problem_of_kinds(p_options))
  end;
  return case when v_problem is not null then
    ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_options', 'problem', v_problem)) end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_import_state (
  p_run_id uuid,
  p_run    public.import_runs,
  p_wanted text,
  p_states text[]
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return case
    when p_run.id is null then ledger.refuse('import_not_found', jsonb_build_object('run_id', p_run_id))
    when p_run.state <> all (p_states) then
      ledger.refuse('import_conflict', jsonb_build_object('run_id', p_run_id, 'state', p_run.state, 'wanted', p_wanted,
        'expected', array_to_string(p_states, ' or ')))
  end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_import_time (
  p_at timestamp with time zone
)
  RETURNS text
  LANGUAGE sql
RETURN CASE WHEN ((p_at < '1970-01-02 00:00:00+00'::timestamp WITH time zone) OR (p_at > clock_timestamp())) THEN 'row_date_out_of_range'::text ELSE NULL::text END;

CREATE OR REPLACE FUNCTION ledger.refuse_invoice (
  p_account_id uuid,
  p_invoice_id uuid
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_invoice public.invoices;
begin
  select i.* into v_invoice from public.invoices i where i.account_id = p_account_id and i.id = p_invoice_id;
  return case
    when v_invoice.id is null then ledger.refuse('invoice_not_found', jsonb_build_object('invoice_id', p_invoice_id))
    when v_invoice.kind <> 'invoice' or v_invoice.status <> 'issued' then
      ledger.refuse('invoice_not_open', jsonb_build_object('invoice_id', p_invoice_id, 'invoice_number', v_invoice.invoice_number,
        'status', case v_invoice.kind when 'invoice' then v_invoice.status else 'a credit note' end))
  end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_invoice_change (
  p_invoice          public.invoices,
  p_invoice_id       uuid,
  p_expected_version bigint
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return case
    when p_invoice.id is null then ledger.refuse('invoice_not_found', jsonb_build_object('invoice_id', p_invoice_id))
    when p_invoice.kind = 'credit_note' or p_invoice.status = 'void' then ledger.refuse('invoice_conflict', jsonb_build_object(
      'invoice_number', p_invoice.invoice_number, 'status', case p_invoice.status when 'void' then 'already void' else 'a credit note' end))
    when p_expected_version <> p_invoice.version then ledger.refuse('invoice_changed', jsonb_build_object(
      'invoice_number', p_invoice.invoice_number, 'version', p_invoice.version, 'expected', p_expected_version))
  end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_invoice_lines (
  p_lines jsonb
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_bad record;
begin
  if coalesce(jsonb_typeof(p_lines), 'null') <> 'array' or jsonb_array_length(p_lines) not between 1 and 1000 then
    return ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_lines', 'problem',
      'a JSON array of 1 to 1000 lines such as [{"description": "Set-up", "quantity": 1, "unit_price_amount": 5000}]'));
  end if;
  select c.place, c.problem into v_bad
  from (
    select e.place, case
      when jsonb_typeof(e.line) <> 'object' then 'must be an object'
      when exists (select from jsonb_object_keys(e.line) k (name)
                   where k.name not in ('description', 'quantity', 'unit_price_amount', 'discount_amount', 'tax_rate_bp', 'sku')) then
        'may have description, quantity, unit_price_amount, discount_amount, tax_rate_bp and sku, and nothing else'
      when coalesce(jsonb_typeof(e.line -> 'description'), 'null') <> 'string' or length(trim(e.line ->> 'description')) not between 1 and 1000 then
        'description is a text of 1 to 1000 characters'
      when coalesce(jsonb_typeof(e.line -> 'sku'), 'null') not in ('string', 'null') or length(e.line ->> 'sku') > 200 then
        'sku is a text of at most 200 characters'
      when not ledger.is_whole_number(e.line -> 'quantity', 1, 1000000000000) then 'quantity is a whole number from 1 to 10^12'
      when not ledger.is_whole_number(e.line -> 'unit_price_amount', 0, 9007199254740991) then
        'unit_price_amount is a whole number of minor units, from zero'
      when jsonb_typeof(e.line -> 'tax_rate_bp') <> 'null' and not ledger.is_whole_number(e.line -> 'tax_rate_bp', 0, 10000) then
        'tax_rate_bp is a whole number from 0 to 10000'
      when (e.line ->> 'quantity')::numeric * (e.line ->> 'unit_price_amount')::numeric > 9007199254740991 then
        'quantity times unit_price_amount is too large'
      when jsonb_typeof(e.line -> 'discount_amount') <> 'null'
           and not ledger.is_whole_number(e.line -> 'discount_amount', 0,
             trunc((e.line ->> 'quantity')::numeric * (e.line ->> 'unit_price_amount')::numeric)::bigint) then
        'discount_amount is a whole number of minor units, and no more than the line'
    end as problem
    from jsonb_array_elements(p_lines) with ordinality e (line, place)) c
  where c.problem is not null
  order by c.place
  limit 1;
  return case when found then
    ledger.refuse('invalid_argument', jsonb_build_object('argument', format('p_lines, line %s', v_bad.place), 'problem', v_bad.problem)) end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_invoice_series (
  p_series text
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return case when not exists (select from public.invoice_series s where s.code = p_series and s.kind = 'invoice') then
    ledger.refuse('invoice_series_not_found', jsonb_build_object('series', coalesce(p_series, 'null'), 'available', (
      select string_agg(s.code, ', ' order by s.code) from public.invoice_series s where s.kind = 'invoice'))) end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_invoice_texts (
  p_reference       text,
  p_notes           text,
  p_billing_address jsonb DEFAULT NULL::jsonb
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return case
    when length(p_reference) > 200 or length(p_notes) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reference, p_notes',
        'problem', 'a reference has at most 200 characters, notes at most 2000'))
    when coalesce(jsonb_typeof(p_billing_address), 'object') <> 'object' or octet_length(p_billing_address::text) > 4096 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_billing_address', 'problem', 'a JSON object of at most 4 KB'))
  end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_owing (
  p_payment_method text,
  p_account_id     uuid,
  p_currency       text,
  p_due            bigint
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return case
    when p_due = 0 then null
    when p_payment_method = 'bank_transfer_grace' then ledger.refuse_grace_limit(p_account_id)
    else ledger.refuse_credit(p_account_id, p_currency, p_due)
  end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_payment (
  p_amount             bigint,
  p_method             text,
  p_reference          text,
  p_notes              text,
  p_paid_at            timestamp with time zone,
  p_subjects           integer,
  p_has_stray_currency boolean
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return case
    when p_subjects <> 1 or p_has_stray_currency then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_order_id, p_invoice_id, p_user_id',
        'problem', 'exactly one of them; p_currency goes with p_user_id only'))
    when p_amount is null or p_amount <= 0 then
      ledger.refuse('invalid_amount', jsonb_build_object('amount', p_amount, 'expected', 'above zero'))
    when p_amount > 9007199254740991 then ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
    when p_method is null or p_method not in ('bank_transfer', 'card', 'cash', 'other') then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_method', 'problem', 'one of bank_transfer, card, cash, other'))
    when length(p_reference) > 200 or length(p_notes) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reference, p_notes',
        'problem', 'a reference has at most 200 characters, notes at most 2000'))
    when ledger.reference_key(p_reference) = '' and p_reference ~ '\S' then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reference', 'problem', 'letters or digits are among it'))
    -- a day ahead, for clocks and time zones
    when p_paid_at not between '1970-01-01Z' and clock_timestamp() + interval '1 day' then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_paid_at', 'problem', 'not in the future, and not before 1970'))
  end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_receipt_claim (
  p_receipt public.payment_receipts
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return case
    when p_receipt.amount is null or p_receipt.amount <= 0 then
      ledger.refuse('invalid_amount', jsonb_build_object('amount', p_receipt.amount, 'expected', 'above zero'))
    when p_receipt.amount > 9007199254740991 then ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
    when p_receipt.reference is null and p_receipt.storage_path is null then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reference, p_storage_path',
        'problem', 'say how the bank names the transfer, or upload its receipt'))
    when length(p_receipt.reference) > 200 or ledger.reference_key(p_receipt.reference) = '' then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reference', 'problem', 'at most 200 characters, letters or digits among them'))
    when length(p_receipt.notes) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_notes', 'problem', 'at most 2000 characters'))
    -- tomorrow is today already somewhere
    when p_receipt.paid_on not between date '2000-01-01' and (clock_timestamp() at time zone 'UTC')::date + 1 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_paid_on', 'problem', 'the day of the transfer, not one to come'))
    else ledger.refuse_receipt_file(p_receipt.user_id, p_receipt.storage_path)
  end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_receipt_file (
  p_user_id uuid,
  p_path    text
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_metadata jsonb;
begin
  if p_path is null then
    return null;
  elsif length(p_path) > 500 or not starts_with(p_path, p_user_id || '/') or p_path ~ '(^|/)\.{0,2}(/|$)' or p_path ~ '[\\[:cntrl:]]' then
    return ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_storage_path',
      'problem', format('the name of a file in the bucket receipts, in the customer''s own folder: %s/...', p_user_id)));
  elsif to_regclass('storage.objects') is null then
    return null;
  end if;
  perform ledger.lock_receipt_file(p_path);
  execute 'select coalesce(o.metadata, ''{}'') from storage.objects o where o.bucket_id = ''receipts'' and o.name = $1 order by o.created_at desc limit 1'
  into v_metadata using p_path;
  return case
    when v_metadata is null then ledger.refuse('receipt_file_not_found', jsonb_build_object('storage_path', p_path))
    when not coalesce(lower(v_metadata ->> 'mimetype') = any (ledger.receipt_file_types()), false) then
      ledger.refuse('receipt_file_invalid', jsonb_build_object('problem',
        format('it is %s', coalesce(v_metadata ->> 'mimetype', 'of unknown type')), 'types', array_to_string(ledger.receipt_file_types(), ', ')))
    when (v_metadata ->> 'size')::numeric > ledger.receipt_file_bytes() then
      ledger.refuse('receipt_file_invalid', jsonb_build_object('problem',
        format('it has %s bytes', v_metadata ->> 'size'), 'types', array_to_string(ledger.receipt_file_types(), ', ')))
  end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_receipt_subject (
  p_order   public.orders,
  p_invoice public.invoices
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return case
    when p_order.status in ('rejected', 'cancelled', 'refunded') then
      ledger.refuse('receipt_not_allowed', jsonb_build_object('subject', 'order ' || p_order.order_number, 'reason', 'it is ' || p_order.status))
    when p_invoice.kind <> 'invoice' then
      ledger.refuse('receipt_not_allowed', jsonb_build_object('subject', p_invoice.invoice_number, 'reason', 'it is a credit note'))
    when p_invoice.status <> 'issued' then
      ledger.refuse('receipt_not_allowed', jsonb_build_object('subject', 'invoice ' || p_invoice.invoice_number, 'reason', 'it is ' || p_invoice.status))
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
  elsif v_transition.needs_payment and p_order.amount_due > 0 and not ledger.may_owe(
    p_order.account_id, p_order.id, p_order.payment_status, p_order.payment_method) then
    return ledger.refuse('payment_required', jsonb_build_object('order_number', p_order.order_number, 'to', p_to,
      'due', p_order.amount_due, 'currency', p_order.currency));
  end if;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_used_receipt (
  p_receipt public.payment_receipts
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return case
    when exists (
      select from public.payments p
      where p.method = 'bank_transfer' and ledger.reference_key(p.reference) = ledger.reference_key(p_receipt.reference)
        and p.reference is not null and p.status = 'captured') then
      ledger.refuse('payment_reference_used', jsonb_build_object('method', 'bank_transfer', 'reference', p_receipt.reference))
    when exists (
      select from public.payment_receipts r
      where ledger.reference_key(r.reference) = ledger.reference_key(p_receipt.reference)
        and r.reference is not null and r.status in ('submitted', 'approved', 'partly_approved') and r.payment_voided_at is null
        and r.id is distinct from p_receipt.id) then
      ledger.refuse('receipt_reference_used', jsonb_build_object('reference', p_receipt.reference))
    when exists (
      select from public.payment_receipts r
      where r.storage_path = p_receipt.storage_path
        and r.status in ('submitted', 'approved', 'partly_approved') and r.payment_voided_at is null
        and r.id is distinct from p_receipt.id) then
      ledger.refuse('receipt_file_used', jsonb_build_object('storage_path', p_receipt.storage_path))
  end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_void (
  p_locked ledger.locked_payment
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_payment public.payments := p_locked.payment;
  v_short record;
begin
  if v_payment.status <> 'captured' or v_payment.charged_back_amount > 0 then
    return ledger.refuse('payment_conflict', jsonb_build_object('payment_id', v_payment.id,
      'status', case v_payment.status when 'captured' then 'charged back' else v_payment.status end));
  elsif v_payment.source = 'card' then
    -- refunds and disputes there undo it: voided, the provider would have money that no book shows
    return ledger.refuse('payment_conflict', jsonb_build_object('payment_id', v_payment.id, 'status', 'booked from what its card provider says'));
  end if;

  -- of each order it pays, what was paid from outside and is still there covers it
  select o.id, o.order_number, ledger.held_from_outside(o) as held, d.amount into v_short
  from (select n.order_id, sum(n.amount)::bigint as amount
        from (select v_payment.order_id, v_payment.applied_amount as amount
              union all
              select i.order_id, l.allocated_amount
              from ledger.live_allocations(v_payment.account_id, p_payment_id => v_payment.id) l
              join public.invoices i on i.account_id = l.account_id and i.id = l.invoice_id) n
        group by n.order_id) d
  join public.orders o on o.account_id = v_payment.account_id and o.id = d.order_id
  where d.amount > ledger.held_from_outside(o)
  order by o.id
  limit 1;
  if found then
    return ledger.refuse('payment_already_used', jsonb_build_object('currency', v_payment.currency, 'amount', v_short.amount, 'left', v_short.held,
      'where', 'with the order ' || v_short.order_number || coalesce(
        (select format(' (%s waits to be paid out, and is back with it once ledger_settle_refund says withdrawn)',
                       ledger.format_money(sum(f.payout_amount)::bigint, v_payment.currency))
         from public.refunds f
         where f.order_id = v_short.id and f.payout_status = 'pending'
         having count(*) > 0), '')));
  elsif v_payment.credit_amount > greatest((p_locked.account).available_balance, 0) then
    return ledger.refuse('payment_already_used', jsonb_build_object('currency', v_payment.currency, 'amount', v_payment.credit_amount,
      'left', (p_locked.account).available_balance, 'where', 'in the wallet'));
  elsif v_payment.allocated_amount > 0 then
    return ledger.refuse_during_backfill();
  end if;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_voiding (
  p_invoice public.invoices
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_allocated bigint := (select b.allocated_total from public.invoice_balance_cache b
                         where b.account_id = p_invoice.account_id and b.invoice_id = p_invoice.id);
  v_notes text := (select string_agg(n.invoice_number, ', ' order by n.id) from public.invoices n
                   where n.account_id = p_invoice.account_id and n.credits_invoice_id = p_invoice.id);
begin
  return case
    when v_allocated > 0 then ledger.refuse('invoice_allocated', jsonb_build_object(
      'invoice_number', p_invoice.invoice_number, 'allocated', v_allocated, 'currency', p_invoice.currency))
    when v_notes is not null then ledger.refuse('invoice_credited', jsonb_build_object(
      'invoice_number', p_invoice.invoice_number, 'credit_notes', v_notes))
  end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_wallet_part (
  p_payment_method text,
  p_wallet_amount  bigint,
  p_total          bigint,
  p_available      bigint,
  p_currency       text
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return case
    when not exists (select from public.payment_methods m where m.code = p_payment_method and m.is_active) then
      ledger.refuse('payment_method_unavailable', jsonb_build_object('payment_method', p_payment_method,
        'available', (select string_agg(m.code, ', ' order by m.code) from public.payment_methods m where m.is_active)))
    when p_payment_method not in ('wallet', 'wallet_partial') then
      ledger.refuse('invalid_wallet_amount', jsonb_build_object('wallet_amount', p_wallet_amount,
        'expected', '0 or left out with this payment method; wallet_partial pays a part from the wallet'))
    when p_payment_method = 'wallet' and p_wallet_amount <> p_total then
      ledger.refuse('invalid_wallet_amount', jsonb_build_object('wallet_amount', p_wallet_amount,
        'expected', format('the total, %s, or left out when the wallet pays', p_total)))
    when p_wallet_amount not between 0 and p_total then
      ledger.refuse('invalid_wallet_amount', jsonb_build_object('wallet_amount', p_wallet_amount,
        'expected', format('from 0 to the total, %s', p_total)))
    else ledger.refuse('insufficient_funds', jsonb_build_object('currency', p_currency, 'available', p_available,
      'required', coalesce(p_wallet_amount, p_total)))
  end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.reject_blanked_rows (
  p_run_id      uuid,
  p_row_numbers bigint[],
  p_field       text
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return ledger.reject_import_rows(p_run_id, array(
    select row(w.row_number, p_field, 'row_value_missing', null, null)::ledger.import_reject
    from public.import_rows w
    where w.run_id = p_run_id and w.row_number = any (p_row_numbers) and w.state = 'staged' and w.data = '{}'));
end $function$;

CREATE OR REPLACE FUNCTION ledger.reject_disagreeing_orders (
  p_run_id uuid
)
  RETURNS ledger.import_reject[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_options jsonb := (select r.options from public.import_runs r where r.id = p_run_id);
begin
  return (with orders as (
    select w.external_id, min(w.row_number) as row_number, sum(l.unit_price_amount::numeric * l.quantity) as goods,
           case when count(distinct l.user_id) > 1 then 'customer'
                when count(distinct l.status) > 1 then 'status'
                when count(distinct l.payment_status) > 1 then 'payment_status'
                when count(distinct l.payment_method) > 1 then 'payment_method'
                when count(distinct l.shipping_amount) > 1 then 'shipping'
                when count(distinct l.total_amount) > 1 then 'total'
                when count(distinct l.paid_amount) > 1 then 'paid_amount' end as field,
           max(l.total_amount) as total, max(l.paid_amount) as paid, max(l.payment_status) as said_status,
           ledger.imported_total(v_options, array_agg(l)) as reckoned
    from public.import_rows w
    cross join lateral jsonb_populate_record(null::ledger.import_order_line, w.parsed) l
    where w.run_id = p_run_id and w.state = 'staged' and not l.is_cancellation
    group by w.external_id)
  select array_agg(row(o.row_number, j.field, j.code, j.value, j.details)::ledger.import_reject)
  from orders o
  cross join lateral ledger.imported_payment_status(v_options, o.said_status, o.paid, o.reckoned) s (payment_status)
  cross join lateral (values
    (o.field, case when o.field is not null then 'row_disagrees_with_order' end, o.external_id, '{}'::jsonb),
    ('total', case when greatest(o.reckoned, o.goods) > 9007199254740991 then 'row_amount_too_large'
                   when o.total <> o.reckoned then 'row_total_differs' end, o.total::text, jsonb_build_object('reckoned', o.reckoned)),
    ('paid_amount', case when case s.payment_status when 'unpaid' then o.paid <> 0
                                                    when 'partially_paid' then coalesce(o.paid not between 1 and o.reckoned - 1, true)
                                                    else o.paid <> o.reckoned end then 'row_paid_amount_wrong' end,
     o.paid::text, jsonb_build_object('total', o.reckoned, 'status', s.payment_status))) j (field, code, value, details)
  where j.code is not null);
end $function$;

CREATE OR REPLACE FUNCTION ledger.reject_duplicate_rows (
  p_run_id uuid,
  p_field  text DEFAULT 'external_id'::text
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return ledger.reject_import_rows(p_run_id, array(
    select row(d.row_number, p_field, 'row_duplicate', d.external_id, jsonb_build_object('first_row', d.first_row))::ledger.import_reject
    from (select w.row_number, w.external_id, min(w.row_number) over (partition by ledger.import_key(w.external_id)) as first_row
          from public.import_rows w
          where w.run_id = p_run_id and w.external_id is not null) d
    where d.row_number <> d.first_row));
end $function$;

CREATE OR REPLACE FUNCTION ledger.reject_if (
  p_code       text,
  p_row_number bigint,
  p_field      text,
  p_value      text,
  p_details    jsonb  DEFAULT NULL::jsonb
)
  RETURNS ledger.import_reject[]
  LANGUAGE sql
  IMMUTABLE
  PARALLEL SAFE
RETURN CASE WHEN (p_code IS NULL) THEN '{}'::ledger.import_reject[] ELSE ARRAY[ROW(p_row_number, p_field, p_code, p_value, p_details)::ledger.import_reject] END;

CREATE OR REPLACE FUNCTION ledger.reject_import_rows (
  p_run_id  uuid,
  p_rejects ledger.import_reject[]
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_count integer;
begin
  insert into public.import_rejects (run_id, row_number, field, code, message, value, user_id)
  select p_run_id, r.row_number, r.field, r.code,
         ledger.refuse(r.code, coalesce(r.details, '{}') || jsonb_build_object('field', r.field, 'value', r.value)) ->> 'error_message',
         left(r.value, 1000), w.user_id
  from unnest(p_rejects) r
  join public.import_rows w on w.run_id = p_run_id and w.row_number = r.row_number
  on conflict (run_id, row_number, field) do nothing;
  update public.import_rows w set state = 'rejected'
  where w.run_id = p_run_id and w.state = 'staged' and w.row_number in (select r.row_number from unnest(p_rejects) r);
  get diagnostics v_count = row_count;
  return v_count;
end $function$;

CREATE OR REPLACE FUNCTION ledger.reject_imported_differently (
  p_run_id      uuid,
  p_kind        text,
  p_row_numbers bigint[]
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return ledger.reject_import_rows(p_run_id, array(
    select case when b.status in ('captured', 'issued') then
      row(b.row_number, 'external_id', 'row_differs_from_imported', b.external_id,
          jsonb_build_object('imported', b.imported, 'found', b.found))::ledger.import_reject
      else row(b.row_number, 'external_id', 'row_imported_before', b.external_id, jsonb_build_object('status', b.status))::ledger.import_reject end
    from ledger.imported_before(p_run_id, p_kind, p_row_numbers) b));
end $function$;

CREATE OR REPLACE FUNCTION ledger.reject_lost_customers (
  p_run_id      uuid,
  p_row_numbers bigint[]
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return ledger.reject_import_rows(p_run_id, array(
    select row(w.row_number, 'customer', 'row_customer_not_found', w.parsed ->> 'customer', null)::ledger.import_reject
    from public.import_rows w
    left join public.profiles p on p.id = (w.parsed ->> 'user_id')::uuid and p.erased_at is null
    where w.run_id = p_run_id and w.row_number = any (p_row_numbers) and w.state = 'staged' and p.id is null));
end $function$;

CREATE OR REPLACE FUNCTION ledger.reject_order (
  p_order        public.orders,
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
  -- lock: account, invoice; then check and write
  perform from public.accounts a where a.id = p_order.account_id for no key update;
  v_change.refusal := ledger.void_invoice_of_order(p_order, 'order rejected', p_actor, ledger.correlation_id());
  if v_change.refusal is not null then
    return v_change;
  end if;
  perform ledger.end_grace(p_order.account_id, p_order.id);
  return ledger.change_status_plainly(p_order.account_id, p_order.id, p_order.order_number, p_order.user_id, p_order.currency,
                                      p_order.status, 'rejected', p_actor.user_id, p_actor_action, p_metadata);
end $function$;

CREATE OR REPLACE FUNCTION ledger.reject_order_words (
  p_row_number bigint,
  p_data       jsonb,
  p_options    jsonb,
  p_line       ledger.import_order_line
)
  RETURNS ledger.import_reject[]
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_of_customer text := ledger.import_word(p_data, p_options, 'customer_status');
  v_of_management text := ledger.import_word(p_data, p_options, 'management_status');
  v_payment_status text := coalesce(p_line.payment_status, p_options ->> 'default_payment_status');
begin
  return ledger.reject_if(case when v_of_customer <> v_of_management then 'row_statuses_disagree' end, p_row_number, 'status',
                          v_of_customer || ' / ' || v_of_management)
      || ledger.reject_if(case when p_line.status <> all (ledger.order_statuses()) then 'row_value_unknown' end, p_row_number, 'status', p_line.status,
                          jsonb_build_object('known', array_to_string(ledger.order_statuses(), ', ')))
      || ledger.reject_if(case when v_payment_status not in ('paid', 'unpaid', 'partially_paid')
                                and not (v_payment_status = 'refunded' and p_line.status in ('cancelled', 'refunded')) then 'row_value_unknown' end,
                          p_row_number, 'payment_status', v_payment_status, '{"known": "paid, unpaid, partially_paid"}')
      || ledger.reject_if(case when p_line.payment_method in ('wallet', 'wallet_partial') then 'row_wallet_without_transaction'
                               when p_line.payment_method not in ('bank_transfer', 'card', 'cash', 'invoice', 'other') then 'row_value_unknown' end,
                          p_row_number, 'payment_method', p_line.payment_method, '{"known": "bank_transfer, card, cash, invoice, other"}')
      || ledger.reject_if(case when p_line.is_cancellation and p_line.quantity >= 0 then 'row_quantity_not_negative'
                               when not p_line.is_cancellation and p_line.quantity <= 0 then 'row_quantity_not_positive' end,
                          p_row_number, 'quantity', p_line.quantity::text);
end $function$;

CREATE OR REPLACE FUNCTION ledger.reject_other_currency (
  p_row_number bigint,
  p_data       jsonb,
  p_options    jsonb,
  p_currency   text
)
  RETURNS ledger.import_reject[]
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_currency text := upper(ledger.import_field(p_data, p_options, 'currency'));
begin
  return ledger.reject_if(case when v_currency <> p_currency then 'row_value_unknown' end, p_row_number, 'currency', v_currency,
                          jsonb_build_object('known', p_currency));
end $function$;

CREATE OR REPLACE FUNCTION ledger.reject_unknown_skus (
  p_run_id uuid
)
  RETURNS ledger.import_reject[]
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  select array_agg(row(w.row_number, 'sku', 'row_product_not_found', w.parsed ->> 'sku', null)::ledger.import_reject)
  from public.import_rows w
  where w.run_id = p_run_id and w.state = 'staged' and not exists (select from public.variants v where v.sku = w.parsed ->> 'sku');
$function$;

CREATE OR REPLACE FUNCTION ledger.reject_used_numbers (
  p_run_id      uuid,
  p_row_numbers bigint[] DEFAULT NULL::bigint[]
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return ledger.reject_import_rows(p_run_id, array(
    select row(w.row_number, 'invoice_number', 'row_number_used', w.invoice_number, null)::ledger.import_reject
    from (select r.row_number, r.external_id, r.parsed ->> 'invoice_number' as invoice_number,
                 row_number() over (partition by r.parsed ->> 'invoice_number' order by r.row_number) as place
          from public.import_rows r
          where r.run_id = p_run_id and r.state = 'staged' and (p_row_numbers is null or r.row_number = any (p_row_numbers))) w
    where w.place > 1
      or exists (select from public.invoices i
                 where i.invoice_number = w.invoice_number and i.source = 'import' and i.status = 'issued' and i.external_id <> w.external_id)));
end $function$;

CREATE OR REPLACE FUNCTION ledger.reject_used_references (
  p_run_id      uuid,
  p_row_numbers bigint[] DEFAULT NULL::bigint[]
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return ledger.reject_import_rows(p_run_id, array(
    select row(w.row_number, 'reference', 'row_reference_used', w.reference, jsonb_build_object('method', w.method))::ledger.import_reject
    from (select r.row_number, r.external_id, r.parsed ->> 'method' as method, r.parsed ->> 'reference' as reference,
                 row_number() over (partition by r.parsed ->> 'method', ledger.reference_key(r.parsed ->> 'reference') order by r.row_number) as place
          from public.import_rows r
          where r.run_id = p_run_id and r.state = 'staged' and r.parsed ->> 'reference' is not null
            and (p_row_numbers is null or r.row_number = any (p_row_numbers))) w
    left join public.payments p on p.method = w.method and ledger.reference_key(p.reference) = ledger.reference_key(w.reference) and p.status = 'captured'
    where w.place > 1 or (p.id is not null and p.external_id is distinct from w.external_id)));
end $function$;

CREATE OR REPLACE FUNCTION ledger.reject_what_is_too_much (
  p_run_id      uuid,
  p_row_numbers bigint[],
  p_currency    text,
  p_is_invoiced boolean
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return ledger.reject_import_rows(p_run_id, array(
    select row(n.row_number, 'amount', 'row_amount_too_large', n.amount::text, null)::ledger.import_reject
    from (select w.row_number, w.amount, ledger.account_id((w.parsed ->> 'user_id')::uuid, p_currency) as account_id,
                 sum(w.amount) over (partition by w.parsed ->> 'user_id' order by w.row_number) as running
          from public.import_rows w
          where w.run_id = p_run_id and w.row_number = any (p_row_numbers) and w.state = 'staged') n
    left join public.account_debt_cache c on c.account_id = n.account_id
    where n.running + coalesce(case when p_is_invoiced then c.invoiced_amount else c.unapplied_amount end, 0) > 9007199254740991));
end $function$;

CREATE OR REPLACE FUNCTION ledger.release_allocations (
  p_account_id     uuid,
  p_invoice_id     uuid,
  p_amount         bigint,
  p_actor          ledger.actor,
  p_reason         text,
  p_correlation_id uuid,
  p_payment_id     uuid         DEFAULT NULL::uuid
)
  RETURNS ledger.allocation_change
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_ids uuid[];
  v_kept bigint;
begin
  select array_agg(n.id order by n.id desc), max(n.running) - p_amount into v_ids, v_kept
  from (select l.id, l.allocated_amount, sum(l.allocated_amount) over (order by l.id desc) as running
        from ledger.live_allocations(p_account_id, p_invoice_id, p_payment_id) l) n
  where n.running - n.allocated_amount < p_amount;
  if v_ids is null or v_kept < 0 then
    raise exception 'less than % is allocated to invoice % by payment %', p_amount, p_invoice_id, p_payment_id;
  end if;
  return ledger.take_back_allocations(p_account_id, v_ids, v_kept, p_actor, p_reason, p_correlation_id);
end $function$;

CREATE OR REPLACE FUNCTION ledger.remind_of_grace (
  p_limit integer DEFAULT 1000
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_before interval := make_interval(hours => ledger.setting_text('grace_reminder_hours')::integer);
  v_count integer;
begin
  perform set_config('ledger.procedure', 'remind_of_grace', true);
  with due as (
    select d.order_id
    from public.payment_deadlines d
    join public.orders o on o.account_id = d.account_id and o.id = d.order_id
    where d.status = 'open' and d.reminded_at is null and o.payment_status = 'in_grace'
      and d.due_at > clock_timestamp() and d.due_at <= clock_timestamp() + v_before
    order by d.due_at
    limit p_limit
    for no key update of d skip locked),
  marked as (
    update public.payment_deadlines d set reminded_at = clock_timestamp()
    from due
    where d.order_id = due.order_id
    returning d.order_id, d.account_id, d.due_at)
  insert into ledger.outbox (account_id, type, payload)
  select m.account_id, 'order.payment_reminder', jsonb_build_object(
    'order_id', o.id, 'order_number', o.order_number, 'user_id', o.user_id, 'currency', o.currency, 'due_at', m.due_at,
    'outstanding_amount', o.outstanding_amount)
  from marked m
  join public.orders o on o.account_id = m.account_id and o.id = m.order_id;
  get diagnostics v_count = row_count;
  perform set_config('ledger.procedure', '', true);
  return v_count;
end $function$;

CREATE OR REPLACE FUNCTION ledger.replayed_debts (
  p_account_id uuid DEFAULT NULL::uuid
)
  RETURNS TABLE (
    account_id       uuid,
    invoiced_amount  bigint,
    allocated_amount bigint,
    unapplied_amount bigint
  )
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  if p_account_id is not null then
    return query
      with streams as (
        select o.id from public.orders o where o.account_id = p_account_id and o.user_id = (select a.user_id from public.accounts a where a.id = p_account_id)
        union all select i.id from public.invoices i where i.account_id = p_account_id
        union all select p.id from public.payments p where p.account_id = p_account_id
        union all select p_account_id)
      select p_account_id,
             coalesce(sum((e.payload #>> '{debt_effect,invoiced}')::bigint), 0)::bigint,
             coalesce(sum((e.payload #>> '{debt_effect,allocated}')::bigint), 0)::bigint,
             coalesce(sum((e.payload #>> '{debt_effect,unapplied}')::bigint), 0)::bigint
      from streams s
      join public.immutable_events e on e.stream_id = s.id and e.account_id = p_account_id
      where e.payload ? 'debt_effect';
    return;
  end if;
  return query
    select e.account_id,
           coalesce(sum((e.payload #>> '{debt_effect,invoiced}')::bigint), 0)::bigint,
           coalesce(sum((e.payload #>> '{debt_effect,allocated}')::bigint), 0)::bigint,
           coalesce(sum((e.payload #>> '{debt_effect,unapplied}')::bigint), 0)::bigint
    from public.immutable_events e
    where e.payload ? 'debt_effect'
    group by e.account_id;
end $function$;

CREATE OR REPLACE FUNCTION ledger.rests_something_on (
  p_kind      text,
  p_target_id uuid
)
  RETURNS boolean
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  select exists (
      select from public.payments p
      where p_kind = 'payment' and p.id = p_target_id and p.applied_amount + p.credit_amount + p.allocated_amount + p.charged_back_amount > 0)
    or exists (
      select from public.invoice_balance_cache b where p_kind = 'invoice' and b.invoice_id = p_target_id and b.allocated_total > 0)
    or exists (
      select from public.invoices n where p_kind = 'invoice' and n.credits_invoice_id = p_target_id);
$function$;

CREATE OR REPLACE FUNCTION ledger.reverse_allocations (
  p_account_id     uuid,
  p_allocation_ids uuid[],
  p_actor          ledger.actor,
  p_reason         text,
  p_correlation_id uuid
)
  RETURNS ledger.allocation_change
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return ledger.take_back_allocations(p_account_id, p_allocation_ids, 0, p_actor, p_reason, p_correlation_id);
end $function$;

CREATE OR REPLACE FUNCTION ledger.set_payment_status (
  p_order          public.orders,
  p_payment_status text
)
  RETURNS public.orders
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  if p_order.payment_status <> p_payment_status then
    update public.orders o set payment_status = p_payment_status, version = o.version + 1, updated_at = clock_timestamp()
    where o.account_id = p_order.account_id and o.id = p_order.id
    returning o.* into p_order;
  end if;
  return p_order;
end $function$;

CREATE OR REPLACE FUNCTION ledger.settle_card_refund (
  p_step      ledger.card_step,
  p_object_id text,
  p_refund_id uuid,
  p_action    text,
  p_kind      text
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_card public.card_payments := p_step.card;
  v_refund public.refunds := (select f from public.refunds f where f.account_id = v_card.account_id and f.id = p_refund_id);
  v_settled ledger.settled_refund;
begin
  if v_refund.payout_status <> p_action then
    v_settled := ledger.settle_refund(
      (select o from public.orders o where o.account_id = v_card.account_id and o.id = v_card.order_id),
      (select a from public.accounts a where a.id = v_card.account_id),
      v_refund, p_action, p_object_id, p_step.actor, p_step.correlation_id, true);
    if v_settled.refusal is not null then
      return v_settled.refusal;
    end if;
  end if;
  perform ledger.write_card_booking(p_step, p_kind, p_object_id, true, v_refund.payout_amount, null, p_refund_id, v_settled.transaction_id);
  return null;
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
    -- what is owed on invoice keeps to the credit terms, also when it comes by an edit
    when p_order.payment_method = 'invoice' and v_due - v_money.taken_amount > p_order.amount_due then
      ledger.refuse_credit(p_order.account_id, p_order.currency, v_due - v_money.taken_amount, p_order.id)
  end;
  return v_money;
end $function$;

CREATE OR REPLACE FUNCTION ledger.settle_payment_deadline (
  p_order public.orders
)
  RETURNS public.orders
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_now timestamptz := clock_timestamp();
  v_order public.orders := p_order;
  v_status text;
begin
  if p_order.amount_due = 0 or p_order.status in ('rejected', 'cancelled', 'refunded') then
    update public.payment_deadlines d set status = 'settled', settled_at = v_now, updated_at = v_now
    where d.account_id = p_order.account_id and d.order_id = p_order.id and d.status <> 'settled';
    return v_order;
  end if;
  update public.payment_deadlines d set
    status = case when d.due_at > v_now then 'open' else 'overdue' end,
    expired_at = case when d.due_at > v_now then d.expired_at else v_now end,
    settled_at = null,
    updated_at = v_now
  where d.account_id = p_order.account_id and d.order_id = p_order.id and d.status = 'settled'
  returning d.status into v_status;
  if v_status = 'open' then
    update public.orders o set payment_status = ledger.payment_status_of(
      o.total_amount, o.credited_amount, o.paid_amount, o.refunded_amount,
      case o.payment_status when 'receipt_uploaded' then o.payment_status else 'in_grace' end)
    where o.account_id = p_order.account_id and o.id = p_order.id
    returning o.* into v_order;
  end if;
  return v_order;
end $function$;

CREATE OR REPLACE FUNCTION ledger.settle_refund (
  p_order          public.orders,
  p_account        public.accounts,
  p_refund         public.refunds,
  p_action         text,
  p_reference      text,
  p_actor          ledger.actor,
  p_correlation_id uuid,
  p_by_provider    boolean         DEFAULT false
)
  RETURNS ledger.settled_refund
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_order public.orders := p_order;
  v_holder text := case p_order.status when 'delivered' then 'receivable' else 'order_escrow' end;
  v_is_held boolean;
  v_comes_back boolean := p_by_provider and p_action = 'failed' and p_refund.payout_status = 'paid';
  v_failed bigint := case p_action when 'failed' then p_refund.payout_amount else 0 end;
  v_refunded bigint;
  v_transaction public.transactions;
  v_settled ledger.settled_refund;
begin
  -- check: what was withdrawn is with the order, as far as it went nowhere else since
  v_is_held := p_refund.payout_status = 'withdrawn' and p_refund.payout_amount <= least(-p_order.outstanding_amount,
    (p_order.paid_amount - p_order.wallet_amount) - (p_order.refunded_amount - p_order.wallet_refunded_amount));
  v_settled.refusal := case
    when p_refund.payout_status <> 'pending' and not v_comes_back and (p_action = 'withdrawn' or not v_is_held) then
      ledger.refuse('refund_conflict', jsonb_build_object('refund_id', p_refund.id, 'payout_status',
        case p_refund.payout_status when 'none' then 'not to be paid out' else 'already ' || p_refund.payout_status end))
    when p_action = 'paid' and p_account.frozen_reason is not null and not p_by_provider then
      ledger.refuse('account_frozen', jsonb_build_object('reason', p_account.frozen_reason))
    when p_action = 'paid' and not p_by_provider and p_account.available_balance < 0
      and exists (select from public.payments p where p.order_id = p_refund.order_id and p.reclaimed_amount > 0) then
      ledger.refuse('refund_conflict', jsonb_build_object('refund_id', p_refund.id, 'payout_status',
        'not paid out while the wallet is short of what a bank took back of its order: as failed it fills the wallet'))
    when p_account.total_earned + v_failed > 9007199254740991 then
      ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
  end;
  if v_settled.refusal is not null then
    return v_settled;
  end if;

  -- write: refund, order
  update public.refunds f set
    payout_status = p_action,
    payout_reference = p_reference,
    settled_by = p_actor.user_id,
    settled_at = clock_timestamp()
  where f.account_id = p_account.id and f.id = p_refund.id;
  v_refunded := case when p_action = 'withdrawn' then -p_refund.payout_amount when v_is_held then p_refund.payout_amount else 0 end;
  if v_refunded <> 0 then
    update public.orders o set
      refunded_amount = o.refunded_amount + v_refunded,
      payment_status = ledger.payment_status_of(o.total_amount, o.credited_amount, o.paid_amount, o.refunded_amount + v_refunded,
                                                ledger.payment_status_kept(o)),
      version = o.version + 1,
      updated_at = clock_timestamp()
    where o.account_id = p_order.account_id and o.id = p_order.id
    returning o.* into v_order;
    perform ledger.settle_payment_deadline(v_order);
  end if;

  -- write: transaction, posting
  v_transaction := ledger.write_transaction(
    p_account.id, case p_action when 'paid' then 'refund_paid_out' else 'refund_' || p_action end, p_actor, 'refund ' || p_action,
    p_correlation_id, p_earned => v_failed, p_order_id => p_refund.order_id, p_reference_id => p_refund.id);
  perform ledger.write_postings(v_transaction, p_refund.currency, array[
    row(case when v_is_held then v_holder when v_comes_back then 'bank' else 'refunds_payable' end,
        case p_action when 'paid' then 'bank' when 'failed' then 'wallet' else v_holder end, p_refund.payout_amount)]::ledger.posting_leg[]);

  -- record
  perform ledger.record_operation('refund.' || p_action, 'order', p_refund.order_id, p_account.id,
    ledger.balance_effect(v_transaction, p_earned => v_failed)
      || case when v_refunded <> 0 then ledger.follow_order_invoice(v_order, v_transaction, p_actor => p_actor) else '{}' end
      || jsonb_build_object(
      'refund_id', p_refund.id, 'currency', p_refund.currency, 'payout_amount', p_refund.payout_amount, 'payout_status', p_action,
      'payment_status', v_order.payment_status, 'outstanding_amount', v_order.outstanding_amount, 'reference', p_reference),
    p_actor, p_correlation_id);
  v_settled.transaction_id := v_transaction.id;
  v_settled.available_balance := v_transaction.balance_after;
  return v_settled;
end $function$;

CREATE OR REPLACE FUNCTION ledger.skip_imported_rows (
  p_run_id      uuid,
  p_kind        text,
  p_row_numbers bigint[]
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_count integer;
begin
  update public.import_rows w set state = 'skipped', target_id = b.target_id
  from ledger.imported_before(p_run_id, p_kind, p_row_numbers) b
  where w.run_id = p_run_id and w.row_number = b.row_number and b.is_same;
  get diagnostics v_count = row_count;
  return v_count;
end $function$;

CREATE OR REPLACE FUNCTION ledger.step_backfill (
  p_run   public.import_runs,
  p_limit integer,
  p_actor ledger.actor
)
  RETURNS public.import_backfill_result
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_state text := p_run.backfill_state;
  v_accounts uuid[];
  v_account_id uuid;
  v_figures ledger.backfill_figures;
  v_allocated bigint := 0;
  v_report jsonb := p_run.backfill;
  v_since timestamptz := (p_run.backfill ->> 'began_at')::timestamptz;
begin
  if v_state is null or v_state in ('done', 'aborted') then
    -- step 1: allocations are closed, and what is flagged is counted
    perform ledger.change_flag('ledger_backfill_mode', 'read_only', 0, 'backfill reads', p_actor);
    v_report := ledger.backfill_sums(ledger.backfill_figures(ledger.accounts_to_backfill(p_run.id), p_run.id)) - 'drift'
                || jsonb_build_object('began_at', clock_timestamp());
    v_state := 'reading';
  elsif v_state = 'drifted' then
    -- what drifted is taken back, and nothing that an earlier backfill made
    v_allocated := -ledger.drop_synthetic_allocations(p_run.id, p_limit, p_actor, 'backfill drifted', v_since);
    if not ledger.has_synthetic_allocations(p_run.id, v_since) then
      v_state := 'aborted';
    end if;
  else
    -- steps 2 to 5: account by account
    perform ledger.change_flag('ledger_backfill_mode', 'active', 0, 'backfill writes', p_actor);
    v_accounts := ledger.accounts_to_backfill(p_run.id, case v_state when 'writing' then p_run.backfill_account_id end, p_limit);
    foreach v_account_id in array v_accounts loop
      v_allocated := v_allocated + ledger.backfill_account(v_account_id, p_run.id, p_actor, ledger.correlation_id());
    end loop;
    v_state := 'writing';
    if cardinality(v_accounts) < p_limit then
      -- steps 6 and 7: the differential check
      v_figures := ledger.backfill_figures(ledger.accounts_to_backfill(p_run.id), p_run.id);
      v_report := ledger.backfill_sums(v_figures) || ledger.backfill_findings(p_run.id) || jsonb_build_object('began_at', v_since);
      v_state := case when ledger.backfill_drifts(v_figures) then 'drifted' else 'done' end;
    end if;
  end if;

  update public.import_runs r set
    backfill_state = v_state,
    backfill_account_id = case v_state when 'writing' then coalesce(v_accounts[cardinality(v_accounts)], r.backfill_account_id) end,
    backfill = v_report,
    updated_at = clock_timestamp()
  where r.id = p_run.id;
  if v_state in ('done', 'aborted') then
    perform ledger.change_flag('ledger_backfill_mode', 'off', 0, 'backfill ' || v_state, p_actor);
    perform ledger.record_operation('import.backfilled', 'import', p_run.id, null,
      jsonb_build_object('backfill_state', v_state, 'currency', p_run.currency) || v_report, p_actor, ledger.correlation_id());
  end if;
  return row(true, null, null, null, null, p_run.id, v_state, null, v_allocated, v_state in ('done', 'aborted'), v_report)::public.import_backfill_result;
end $function$;

CREATE OR REPLACE FUNCTION ledger.switch_off_what_drifted (
  p_run public.reconciliation_runs
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_key text := case p_run.check_code when 'debt_cache' then 'allocation_read_switch' else 'allocation_dual_write' end;
  v_writes bigint := (p_run.details ->> 'writes')::bigint;
  v_failures bigint := (p_run.details ->> 'failures')::bigint;
  v_reason text;
begin
  v_reason := case
    when v_failures * 100 > v_writes * ledger.setting_text('dual_write_failure_percent')::bigint then
      format('%s of %s writes failed', v_failures, v_writes)
    when p_run.status = 'FAIL' and 'FAIL' = (
      select r.status from public.reconciliation_runs r
      where r.check_code = p_run.check_code and r.id < p_run.id order by r.id desc limit 1) then
      format('drift of %s ppm in the second run beyond %s ppm', p_run.diff_ratio_ppm, p_run.limit_ppm)
  end;
  if v_reason is not null then
    perform ledger.change_flag(v_key, 'off', 0, v_reason, null, p_run.id);
  end if;
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
  v_order public.orders;
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
                                              o.refunded_amount + v_change.returned_amount, ledger.payment_status_kept(o)),
    refunded_amount = o.refunded_amount + v_change.returned_amount,
    wallet_refunded_amount = o.wallet_refunded_amount + v_money.wallet_amount,
    credited_amount = o.credited_amount + v_credited,
    version = o.version + 1,
    updated_at = clock_timestamp()
  where o.account_id = p_order.account_id and o.id = p_order.id
  returning o.* into v_order;
  v_change.order_status := v_order.status;
  v_change.payment_status := v_order.payment_status;
  v_change.outstanding_amount := v_order.outstanding_amount;
  perform ledger.settle_payment_deadline(v_order);

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
      || ledger.follow_order_invoice(v_order, v_transaction, v_refund_id, p_actor)
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

CREATE OR REPLACE FUNCTION ledger.take_back_allocations (
  p_account_id     uuid,
  p_allocation_ids uuid[],
  p_kept           bigint,
  p_actor          ledger.actor,
  p_reason         text,
  p_correlation_id uuid
)
  RETURNS ledger.allocation_change
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_last_id uuid := p_allocation_ids[cardinality(p_allocation_ids)];
  v_part record;
  v_transaction public.transactions;
  v_ids uuid[];
  v_change ledger.allocation_change;
begin
  for v_part in
    select i.order_id, array_agg(l.id order by l.id) as ids, (array_agg(l.payment_id order by l.id))[1] as payment_id
    from public.payment_allocations l
    join public.invoices i on i.account_id = l.account_id and i.id = l.invoice_id
    where l.account_id = p_account_id and l.id = any (p_allocation_ids)
    group by i.order_id
    order by i.order_id
  loop
    v_transaction := ledger.write_transaction(
      p_account_id, 'allocation_reversed', p_actor, coalesce(p_reason, 'allocation reversed'), p_correlation_id,
      p_order_id => v_part.order_id, p_reference_id => v_part.payment_id);
    v_ids := ledger.write_reversals(v_transaction, v_part.ids, p_actor);
    if p_kept > 0 and v_last_id = any (v_part.ids) then
      with kept as (
        insert into public.payment_allocations
          (account_id, payment_id, invoice_id, allocated_amount, method, synthetic, import_run_id, performed_by, transaction_id)
        select l.account_id, l.payment_id, l.invoice_id, p_kept, l.method, l.synthetic, l.import_run_id, p_actor.user_id, v_transaction.id
        from public.payment_allocations l
        where l.account_id = p_account_id and l.id = v_last_id
        returning id)
      select v_ids || k.id into v_ids from kept k;
    end if;
    v_change := ledger.add_change(v_change, ledger.book_allocations(v_transaction, v_ids, 'allocation.reversed', v_part.payment_id,
      jsonb_build_object('reversed', v_part.ids, 'reason', p_reason), p_actor));
  end loop;
  return v_change;
end $function$;

CREATE OR REPLACE FUNCTION ledger.take_back_imported (
  p_run     public.import_runs,
  p_order   public.orders,
  p_lines   jsonb,
  p_ends_as text,
  p_at      timestamp with time zone,
  p_actor   ledger.actor,
  p_number  text                     DEFAULT NULL::text
)
  RETURNS ledger.order_change
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_refunds text := coalesce(p_run.options ->> 'refunds', 'paid_out');
  v_change ledger.order_change;
  v_refund public.refunds;
  v_account public.accounts;
  v_order public.orders;
  v_settled ledger.settled_refund;
begin
  v_change := ledger.take_back(p_order, p_lines, 0, 0, case v_refunds when 'wallet' then 'wallet' else 'original' end, p_actor,
    concat_ws(' ', 'imported:', coalesce(p_number, p_ends_as), 'of', to_char(p_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI')),
    ledger.correlation_id(), p_ends_as => p_ends_as,
    p_metadata => jsonb_build_object('imported', true, 'import_run_id', p_run.id, 'happened_at', p_at,
                                     'restock', coalesce(p_run.options ->> 'stock' = 'take', false)));
  if v_change.refusal is not null or v_change.payout_amount = 0 or v_refunds <> 'paid_out' then
    return v_change;
  end if;

  -- the money went back in the older system
  select o.* into v_order from public.orders o where o.account_id = p_order.account_id and o.id = p_order.id;
  select a.* into v_account from public.accounts a where a.id = p_order.account_id;
  select f.* into v_refund from public.refunds f where f.account_id = p_order.account_id and f.id = v_change.refund_id for no key update;
  v_settled := ledger.settle_refund(v_order, v_account, v_refund, 'paid', p_number, p_actor, ledger.correlation_id(), p_by_provider => true);
  v_change.refusal := v_settled.refusal;
  return v_change;
end $function$;

CREATE OR REPLACE FUNCTION ledger.take_out_of_card (
  p_step         ledger.card_step,
  p_kind         text,
  p_object_id    text,
  p_is_refund    boolean,
  p_amount       bigint,
  p_reason       text,
  p_only_surplus boolean
)
  RETURNS bigint
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_card_id uuid := (p_step.card).id;
  v_ids uuid[] := array(select p.id from unnest(ledger.payments_of_card(v_card_id)) p (id)
                        where not p_only_surplus or p.id not in (select b.payment_id from public.card_bookings b
                                                                 where b.card_payment_id = v_card_id and b.kind = 'surplus_failed')
                        order by p.id desc);
  v_source record;
  v_payment public.payments;
  v_taken bigint;
  v_left bigint := p_amount;
  v_charged_back ledger.charged_back_payment;
begin
  for v_source in
    select s.place, p.id
    from unnest(case when p_only_surplus then '{surplus}' when cardinality(v_ids) = 1 then '{anywhere}'
                     else '{remainder,order,anywhere}' end::text[]) with ordinality s (place, step)
    cross join unnest(v_ids) with ordinality p (id, position)
    order by s.step, p.position
  loop
    exit when v_left = 0;
    v_payment := (select p from public.payments p where p.id = v_source.id);
    v_taken := least(v_left, v_payment.amount - v_payment.charged_back_amount, case v_source.place
      when 'surplus' then v_payment.unapplied_amount + v_payment.credit_amount
      when 'remainder' then v_payment.unapplied_amount
      when 'order' then least(v_payment.allocated_amount + v_payment.applied_amount,
                              (select ledger.held_from_outside(o) from public.orders o where o.id = (p_step.card).order_id))
      else v_left end);
    continue when v_payment.status <> 'captured' or v_taken <= 0;
    v_charged_back := ledger.charge_back(
      row(v_payment, (select a from public.accounts a where a.id = v_payment.account_id), ledger.orders_of_payment(v_source.id))::ledger.locked_payment,
      v_taken, p_reason, p_step.actor, p_step.correlation_id, p_only_surplus);
    exit when v_charged_back.refusal is not null;
    perform ledger.write_card_booking(p_step, p_kind, p_object_id, p_is_refund, v_taken, v_source.id, null, v_charged_back.transaction_id);
    v_left := v_left - v_taken;
  end loop;
  return p_amount - v_left;
end $function$;

CREATE OR REPLACE FUNCTION ledger.text_reject (
  p_row_number bigint,
  p_field      text,
  p_value      text,
  p_maximum    integer
)
  RETURNS ledger.import_reject
  LANGUAGE sql
  IMMUTABLE
RETURN
  ROW(p_row_number, p_field, CASE WHEN (p_value IS NULL) THEN 'row_value_missing'::text ELSE 'row_text_too_long'::text END, "left"(p_value, 1000), jsonb_build_object('maximum',
  p_maximum))::ledger.import_reject;

CREATE OR REPLACE FUNCTION ledger.time_in (
  p_text text
)
  RETURNS timestamp WITH time zone
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  if p_text !~ '^\d{4}-\d\d-\d\dT\d\d:\d\d' then
    return null;
  end if;
  return p_text::timestamptz;
exception
  when datetime_field_overflow or invalid_datetime_format or invalid_time_zone_displacement_value or invalid_parameter_value then
    return null;
end $function$;

CREATE OR REPLACE FUNCTION ledger.to_minor_units (
  p_amount   numeric,
  p_decimals integer,
  p_currency text
)
  RETURNS bigint
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_decimals integer := (select c.exponent from public.currencies c where c.code = p_currency);
  v_amount numeric := p_amount * power(10::numeric, v_decimals - coalesce(p_decimals, v_decimals));
begin
  return case when v_amount = trunc(v_amount) and v_amount <= 9007199254740991 then v_amount::bigint end;
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
    'commission_earned', 'commission_clawed_back',
    'invoice_issued', 'invoice_credited', 'invoice_voided', 'invoice_changed', 'payment_allocated', 'allocation_reversed', 'payment_released',
    'payment_charged_back', 'payment_imported', 'grace_granted', 'grace_ended', 'credit_terms_set'];
end $function$;

CREATE OR REPLACE FUNCTION ledger.try_order_cancellation (
  p_run    public.import_runs,
  p_number text,
  p_actor  ledger.actor
)
  RETURNS ledger.import_batch
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_problem text;
begin
  return ledger.apply_order_cancellation(p_run, p_number, p_actor);
exception when sqlstate 'LREFU' then
  v_problem := sqlerrm;
  return row(0, 0, ledger.reject_import_rows(p_run.id, array(
    select row(w.row_number, 'order_number', 'row_cancellation_refused', p_number, jsonb_build_object('problem', v_problem))::ledger.import_reject
    from public.import_rows w
    where w.run_id = p_run.id and w.external_id = p_number and w.parsed ? 'order_number' and w.state = 'staged')))::ledger.import_batch;
end $function$;

CREATE OR REPLACE FUNCTION ledger.units_to_cancel (
  p_run    public.import_runs,
  p_number text
)
  RETURNS ledger.cancelled_units[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (
    with wanted as (
      select w.row_number, l.user_id, l.sku, l.unit_price_amount as price, -l.quantity as quantity,
             l.placed_at, sum(-l.quantity) over (partition by l.sku, l.unit_price_amount order by -l.quantity, w.row_number) as up_to
      from public.import_rows w
      cross join lateral jsonb_populate_record(null::ledger.import_order_line, w.parsed) l
      where w.run_id = p_run.id and w.external_id = p_number and w.parsed ? 'order_number' and w.state = 'staged'),
    units as (
      select o.id as order_id, o.created_at, i.line_number, i.product_sku as sku, i.unit_price_amount as price,
             i.quantity - coalesce((select sum(f.quantity) from public.refund_lines f
                                    where f.order_id = i.order_id and f.line_number = i.line_number), 0) as quantity
      from public.orders o
      join public.order_items i on i.account_id = o.account_id and i.order_id = o.id
      where o.user_id = (select n.user_id from wanted n limit 1) and o.currency = p_run.currency and o.status in ('shipped', 'delivered')
        and o.created_at <= (select min(n.placed_at) from wanted n)
        and exists (select from public.import_identities e where e.kind = 'order' and e.target_id = o.id)),
    there as (
      select u.*, sum(u.quantity) over (partition by u.sku, u.price order by u.created_at desc, u.order_id desc, u.line_number desc) as up_to,
             sum(u.quantity) over (partition by u.sku, u.price) as total
      from units u
      where u.quantity > 0)
    select array_agg(row(n.row_number, t.order_id, t.line_number,
                         least(n.up_to, t.up_to) - greatest(n.up_to - n.quantity, t.up_to - t.quantity))::ledger.cancelled_units)
    from wanted n
    join there t on t.sku = n.sku and t.price = n.price and n.up_to <= t.total
                and n.up_to > t.up_to - t.quantity and t.up_to > n.up_to - n.quantity);
end $function$;

CREATE OR REPLACE FUNCTION ledger.uuid_in (
  p_text text
)
  RETURNS uuid
  LANGUAGE sql
  IMMUTABLE
  PARALLEL SAFE
RETURN CASE WHEN (p_text ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'::text) THEN (p_text)::uuid ELSE NULL::uuid END;

CREATE OR REPLACE FUNCTION ledger.void_imported (
  p_run    public.import_runs,
  p_limit  integer,
  p_actor  ledger.actor,
  p_reason text,
  OUT      voided_rows bigint,
  OUT      kept_rows bigint,
  OUT      is_done boolean
)
  RETURNS record
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_kind text := case p_run.kind when 'payments' then 'payment' else 'invoice' end;
  v_target record;
  v_seen integer := 0;
begin
  voided_rows := 0;
  for v_target in
    select i.external_id, i.target_id, t.account_id
    from public.import_identities i
    cross join lateral ledger.imported_target(v_kind, i.target_id) t
    where i.run_id = p_run.id and i.kind = v_kind and t.status in ('captured', 'issued') and not ledger.rests_something_on(v_kind, i.target_id)
    order by t.account_id, i.target_id
    limit p_limit
  loop
    v_seen := v_seen + 1;
    perform from public.accounts a where a.id = v_target.account_id for no key update;
    if ledger.void_untouched(v_kind, v_target.account_id, v_target.target_id, p_reason, p_actor) then
      delete from public.import_identities i where i.kind = v_kind and i.external_id = v_target.external_id;
      voided_rows := voided_rows + 1;
    end if;
  end loop;
  is_done := v_seen < p_limit;
  kept_rows := case when is_done then (
    select count(*)
    from public.import_identities i
    cross join lateral ledger.imported_target(v_kind, i.target_id) t
    where i.run_id = p_run.id and i.kind = v_kind and t.status in ('captured', 'issued')) else 0 end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.void_invoice (
  p_invoice        public.invoices,
  p_reason         text,
  p_actor          ledger.actor,
  p_correlation_id uuid
)
  RETURNS public.transactions
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_transaction public.transactions;
begin
  -- write: invoice, its balance, transaction, postings
  update public.invoices i set
    status = 'void',
    voided_by = p_actor.user_id,
    voided_at = clock_timestamp(),
    void_reason = p_reason,
    version = i.version + 1,
    updated_at = clock_timestamp()
  where i.account_id = p_invoice.account_id and i.id = p_invoice.id;
  update public.invoice_balance_cache b set amount = 0, version = b.version + 1, updated_at = clock_timestamp()
  where b.account_id = p_invoice.account_id and b.invoice_id = p_invoice.id;
  v_transaction := ledger.write_transaction(
    p_invoice.account_id, 'invoice_voided', p_actor, coalesce(p_reason, format('invoice %s void', p_invoice.invoice_number)), p_correlation_id,
    p_order_id => p_invoice.order_id, p_reference_id => p_invoice.id);
  perform ledger.write_postings(v_transaction, p_invoice.currency, ledger.reversed(ledger.invoice_legs(p_invoice)));

  -- record, with the debt
  perform ledger.record_operation('invoice.voided', case when p_invoice.order_id is null then 'invoice' else 'order' end,
    coalesce(p_invoice.order_id, p_invoice.id), p_invoice.account_id,
    ledger.balance_effect(v_transaction) || ledger.write_debt_movement(v_transaction, p_invoiced => -p_invoice.amount)
      || ledger.invoice_facts(p_invoice) || jsonb_build_object('invoice_amount', 0, 'voided_amount', p_invoice.amount, 'reason', p_reason),
    p_actor, p_correlation_id);
  return v_transaction;
end $function$;

CREATE OR REPLACE FUNCTION ledger.void_invoice_of_order (
  p_order          public.orders,
  p_reason         text,
  p_actor          ledger.actor,
  p_correlation_id uuid
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_invoice public.invoices;
begin
  select i.* into v_invoice
  from public.invoices i
  where i.account_id = p_order.account_id and i.order_id = p_order.id and i.kind = 'invoice' and i.status = 'issued'
  for no key update;
  if v_invoice.id is null then
    return null;
  elsif ledger.refuse_voiding(v_invoice) is not null then
    return ledger.refuse('order_invoiced', jsonb_build_object('order_number', p_order.order_number, 'invoice_number', v_invoice.invoice_number));
  end if;
  perform ledger.void_invoice(v_invoice, p_reason, p_actor, p_correlation_id);
  return null;
end $function$;

CREATE OR REPLACE FUNCTION ledger.void_payment (
  p_locked         ledger.locked_payment,
  p_reason         text,
  p_actor          ledger.actor,
  p_correlation_id uuid,
  OUT              voided_order public.orders,
  OUT              voiding public.transactions
)
  RETURNS record
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_payment public.payments := p_locked.payment;
  v_unapplied bigint := v_payment.unapplied_amount + v_payment.allocated_amount;
begin
  -- write: allocations, payment, order
  if v_payment.allocated_amount > 0 then
    perform ledger.reverse_allocations(v_payment.account_id,
      array(select l.id from ledger.live_allocations(v_payment.account_id, p_payment_id => v_payment.id) l order by l.id),
      p_actor, p_reason, p_correlation_id);
  end if;
  update public.payments p set
    status = 'voided',
    voided_by = p_actor.user_id,
    void_reason = p_reason,
    updated_at = clock_timestamp()
  where p.account_id = v_payment.account_id and p.id = v_payment.id;
  if v_payment.order_id is not null then
    voided_order := ledger.pay_order(v_payment.account_id, v_payment.order_id, -v_payment.applied_amount);
  end if;

  -- write: transaction, postings
  voiding := ledger.write_transaction(
    v_payment.account_id, 'payment_voided', p_actor, coalesce(p_reason, 'payment voided'), p_correlation_id,
    p_earned => -v_payment.credit_amount, p_order_id => v_payment.order_id, p_reference_id => v_payment.id);
  perform ledger.write_postings(voiding, v_payment.currency, array[
    row(case voided_order.status when 'delivered' then 'receivable' else 'order_escrow' end, 'bank', v_payment.applied_amount),
    row('wallet', 'bank', v_payment.credit_amount),
    row('unapplied_payments', 'bank', v_unapplied)]::ledger.posting_leg[]);

  -- record
  perform ledger.record_operation('payment.voided', case when v_payment.order_id is null then 'payment' else 'order' end,
    coalesce(v_payment.order_id, v_payment.id), v_payment.account_id,
    ledger.balance_effect(voiding, p_earned => -v_payment.credit_amount)
      || case when v_payment.order_id is not null
              then ledger.follow_order_invoice(voided_order, voiding, p_actor => p_actor, p_unapplied => -v_unapplied)
              else ledger.write_debt_movement(voiding, p_unapplied => -v_unapplied) end
      || jsonb_build_object(
      'order_number', voided_order.order_number, 'payment_id', v_payment.id, 'currency', v_payment.currency,
      'payment_amount', v_payment.amount, 'applied_amount', v_payment.applied_amount, 'credit_amount', v_payment.credit_amount,
      'allocated_amount', v_payment.allocated_amount, 'unapplied_amount', v_unapplied,
      'payment_status', voided_order.payment_status, 'outstanding_amount', voided_order.outstanding_amount, 'notes', p_reason),
    p_actor, p_correlation_id);
end $function$;

CREATE OR REPLACE FUNCTION ledger.void_untouched (
  p_kind       text,
  p_account_id uuid,
  p_target_id  uuid,
  p_reason     text,
  p_actor      ledger.actor
)
  RETURNS boolean
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_locked ledger.locked_payment;
  v_invoice public.invoices;
begin
  if ledger.rests_something_on(p_kind, p_target_id) then
    return false;
  elsif p_kind = 'payment' then
    -- untouched, it pays no order: no lock before the account's is needed
    select a into v_locked.account from public.accounts a where a.id = p_account_id;
    select p into v_locked.payment
    from public.payments p
    where p.account_id = p_account_id and p.id = p_target_id and p.status = 'captured'
    for no key update;
    if (v_locked.payment).id is null then
      return false;
    end if;
    v_locked.order_ids := '{}';
    perform ledger.void_payment(v_locked, p_reason, p_actor, ledger.correlation_id());
    return true;
  end if;
  select i.* into v_invoice
  from public.invoices i
  where i.account_id = p_account_id and i.id = p_target_id and i.status = 'issued'
  for no key update;
  if v_invoice.id is null or ledger.refuse_voiding(v_invoice) is not null then
    return false;
  end if;
  perform ledger.void_invoice(v_invoice, p_reason, p_actor, ledger.correlation_id());
  return true;
end $function$;

CREATE OR REPLACE FUNCTION ledger.withdraw_payouts_for (
  p_payment        public.payments,
  p_amount         bigint,
  p_actor          ledger.actor,
  p_correlation_id uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_order public.orders;
  v_own bigint;
  v_elsewhere bigint;
  v_needed bigint;
  v_refund public.refunds;
begin
  select o.* into v_order from public.orders o where o.account_id = p_payment.account_id and o.id = p_payment.order_id;
  -- what the order has of the payment and gave back, as far as nothing else of the payment is there instead
  v_own := p_payment.applied_amount + coalesce((
    select sum(l.allocated_amount)
    from ledger.live_allocations(p_payment.account_id, p_payment_id => p_payment.id) l
    join public.invoices i on i.account_id = l.account_id and i.id = l.invoice_id and i.order_id = p_payment.order_id), 0);
  v_elsewhere := p_payment.unapplied_amount + p_payment.allocated_amount + p_payment.applied_amount - v_own;
  v_needed := least(p_amount - v_elsewhere, v_own) - ledger.held_from_outside(v_order);
  for v_refund in
    select f.* from public.refunds f
    where f.account_id = p_payment.account_id and f.order_id = p_payment.order_id and f.payout_status = 'pending'
    order by f.id
    for no key update
  loop
    continue when v_refund.payout_amount > v_needed;
    perform ledger.settle_refund(
      (select o from public.orders o where o.account_id = p_payment.account_id and o.id = p_payment.order_id),
      (select a from public.accounts a where a.id = p_payment.account_id), v_refund, 'withdrawn', null, p_actor, p_correlation_id);
    v_needed := v_needed - v_refund.payout_amount;
  end loop;
end $function$;

CREATE OR REPLACE FUNCTION ledger.write_card_booking (
  p_step           ledger.card_step,
  p_kind           text,
  p_object_id      text,
  p_is_refund      boolean,
  p_amount         bigint,
  p_payment_id     uuid,
  p_refund_id      uuid,
  p_transaction_id uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  insert into public.card_bookings (card_payment_id, account_id, event_id, kind, object_id, is_refund, amount, payment_id, refund_id, transaction_id)
  values ((p_step.card).id, (p_step.card).account_id, p_step.event_id, p_kind, p_object_id, p_is_refund, p_amount, p_payment_id, p_refund_id, p_transaction_id);
end $function$;

CREATE OR REPLACE FUNCTION ledger.write_credit_note_of_refund (
  p_invoice public.invoices,
  p_order   public.orders,
  p_refund  public.refunds,
  p_actor   ledger.actor
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_draft ledger.invoice_draft := ledger.draft_of_refund(p_invoice, p_order, p_refund);
  v_account public.accounts;
  v_note public.invoices;
begin
  v_draft.billing_address := p_invoice.billing_address;
  v_draft.customer_name := p_invoice.customer_name;
  v_draft.notes := p_refund.reason;
  select a.* into v_account from public.accounts a where a.id = p_order.account_id;
  v_note := ledger.insert_invoice(v_account, 'credit_note', p_order.id, p_invoice.id, p_refund.id, v_draft, p_actor);
  return jsonb_build_object('credit_note_id', v_note.id, 'credit_note_number', v_note.invoice_number, 'credit_note_amount', v_note.total_amount);
end $function$;

CREATE OR REPLACE FUNCTION ledger.write_debt_movement (
  p_transaction public.transactions,
  p_invoiced    bigint              DEFAULT 0,
  p_allocated   bigint              DEFAULT 0,
  p_unapplied   bigint              DEFAULT 0
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_debt bigint;
  v_unapplied bigint;
begin
  if p_invoiced = 0 and p_allocated = 0 and p_unapplied = 0 then
    return '{}'::jsonb;
  end if;
  insert into public.account_debt_cache as c (account_id) values (p_transaction.account_id) on conflict (account_id) do nothing;
  update public.account_debt_cache c set
    invoiced_amount = c.invoiced_amount + p_invoiced,
    allocated_amount = c.allocated_amount + p_allocated,
    unapplied_amount = c.unapplied_amount + p_unapplied,
    version = c.version + 1,
    updated_at = clock_timestamp()
  where c.account_id = p_transaction.account_id
  returning c.debt_amount, c.unapplied_amount into v_debt, v_unapplied;

  insert into public.debt_movements
    (account_id, account_version, transaction_id, invoiced_change, allocated_change, unapplied_change, debt_after, unapplied_after)
  values
    (p_transaction.account_id, p_transaction.account_version, p_transaction.id, p_invoiced, p_allocated, p_unapplied, v_debt, v_unapplied);
  return jsonb_build_object('debt_effect', jsonb_strip_nulls(jsonb_build_object(
    'invoiced', nullif(p_invoiced, 0), 'allocated', nullif(p_allocated, 0), 'unapplied', nullif(p_unapplied, 0))));
end $function$;

CREATE OR REPLACE FUNCTION ledger.write_drift_run (
  p_check_code  text,
  p_drifts      ledger.drift[],
  p_accounts    bigint,
  p_by_currency jsonb,
  p_started_at  timestamp with time zone,
  p_expected    bigint,
  p_details     jsonb                    DEFAULT '{}'::jsonb
)
  RETURNS public.reconciliation_runs
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_run public.reconciliation_runs;
begin
  v_run.check_code := p_check_code;
  v_run.accounts := p_accounts;
  v_run.differing_accounts := coalesce(cardinality(p_drifts), 0);
  v_run.expected_amount := p_expected;
  v_run.diff_abs := coalesce((select sum(abs(d.found - d.expected)) from unnest(p_drifts) d), 0);
  v_run.diff_ratio_ppm := case when v_run.diff_abs = 0 then 0 when p_expected = 0 then 1000000
                               else least(ceil(v_run.diff_abs * 1000000.0 / p_expected), 9007199254740991) end;
  v_run.limit_ppm := ledger.setting_text('debt_drift_ppm_limit')::bigint;
  insert into public.reconciliation_runs
    (check_code, status, accounts, differing_accounts, expected_amount, diff_abs, diff_ratio_ppm, limit_ppm, details, started_at)
  values
    (p_check_code,
     case when v_run.differing_accounts = 0 then 'OK' when v_run.diff_ratio_ppm > v_run.limit_ppm then 'FAIL' else 'WARN' end,
     v_run.accounts, v_run.differing_accounts, v_run.expected_amount, v_run.diff_abs, v_run.diff_ratio_ppm, v_run.limit_ppm,
     p_details || jsonb_build_object('by_currency', p_by_currency, 'first', coalesce(
       (select jsonb_agg(jsonb_build_object('account_id', d.account_id, 'currency', d.currency, 'expected', d.expected, 'found', d.found) order by d.ordinality)
        from unnest(p_drifts) with ordinality d (account_id, currency, expected, found, differs_elsewhere, ordinality) where d.ordinality <= 20), '[]')),
     p_started_at)
  returning * into v_run;
  return v_run;
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
                                              o.refunded_amount + p_money.returned_amount, ledger.payment_status_kept(o)),
    version = o.version + 1,
    updated_at = clock_timestamp()
  where o.account_id = p_order.account_id and o.id = p_order.id
  returning o.* into v_order;
  return v_order;
end $function$;

CREATE OR REPLACE FUNCTION ledger.write_imported_customers (
  p_run  public.import_runs,
  p_rows bigint[]
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_columns text;
  v_values text;
  v_count integer;
begin
  insert into public.import_identities (kind, external_id, target_id, run_id)
  select 'customer', w.external_id, gen_random_uuid(), p_run.id
  from public.import_rows w
  where w.run_id = p_run.id and w.row_number = any (p_rows);
  update public.import_rows w set state = 'applied', target_id = i.target_id, parsed = w.parsed || jsonb_build_object('user_id', i.target_id)
  from public.import_identities i
  where w.run_id = p_run.id and w.row_number = any (p_rows) and i.kind = 'customer' and i.external_id = w.external_id;
  get diagnostics v_count = row_count;

  select string_agg(format('%I', c.name), ', '), string_agg(c.value, ', ') into v_columns, v_values
  from (values
    ('id', 'w.target_id'), ('instance_id', '''00000000-0000-0000-0000-000000000000'''), ('aud', '''authenticated'''), ('role', '''authenticated'''),
    ('email', 'w.parsed ->> ''email'''), ('raw_user_meta_data', 'jsonb_strip_nulls(jsonb_build_object(''display_name'', w.parsed ->> ''name''))'),
    ('raw_app_meta_data', '''{"provider": "email", "providers": ["email"], "imported": true}'''), ('encrypted_password', ''''''),
    ('created_at', 'coalesce((w.parsed ->> ''created_at'')::timestamptz, now())'), ('updated_at', 'now()'),
    ('confirmation_token', ''''''), ('recovery_token', ''''''), ('email_change', ''''''), ('email_change_token_new', ''''''),
    ('email_change_token_current', ''''''), ('phone_change', ''''''), ('phone_change_token', ''''''), ('reauthentication_token', '''''')) c (name, value)
  join pg_catalog.pg_attribute a on a.attrelid = 'auth.users'::regclass and a.attname = c.name and a.attnum > 0 and not a.attisdropped;
  execute format('insert into auth.users (%s) select %s from public.import_rows w where w.run_id = $1 and w.row_number = any ($2)', v_columns, v_values)
  using p_run.id, p_rows;

  insert into public.addresses (user_id, recipient, line1, line2, city, region, postal_code, country, phone)
  select w.target_id, d.recipient, d.line1, d.line2, d.city, d.region, d.postal_code, d.country, d.phone
  from public.import_rows w
  cross join lateral jsonb_populate_record(null::public.addresses, w.parsed -> 'address') d
  where w.run_id = p_run.id and w.row_number = any (p_rows) and w.parsed ? 'address';
  return v_count;
end $function$;

CREATE OR REPLACE FUNCTION ledger.write_imported_goods (
  p_items           public.order_items[],
  p_take_from_stock boolean,
  p_actor           ledger.actor
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  with sold as (
    select i.order_id, i.variant_id, sum(i.quantity)::bigint as quantity, min(i.created_at) as created_at
    from unnest(p_items) i
    group by i.order_id, i.variant_id),
  moves as (
    select s.order_id, s.variant_id, s.created_at, m.quantity, m.reason, m.notes, l.version, l.on_hand,
           row_number() over w as place, sum(m.quantity) over w as sum_so_far
    from sold s
    join public.stock_levels l on l.variant_id = s.variant_id and l.slot = 0
    cross join lateral (values
      (1, s.quantity, 'received', 'goods of an imported order: they had come in before it'),
      (2, -s.quantity, 'order_placed', null)) m (step, quantity, reason, notes)
    where m.step = 2 or not coalesce(p_take_from_stock, false)
    window w as (partition by s.variant_id order by s.created_at, s.order_id, m.step)),
  recorded as (
    insert into public.stock_movements
      (variant_id, slot, slot_version, quantity, on_hand_after, reason, order_id, actor_id, notes, created_at)
    select m.variant_id, 0, m.version + m.place, m.quantity, m.on_hand + m.sum_so_far, m.reason, m.order_id, p_actor.user_id, m.notes, m.created_at
    from moves m)
  update public.stock_levels l set on_hand = l.on_hand + c.change, version = l.version + c.movements
  from (select m.variant_id, sum(m.quantity)::bigint as change, count(*) as movements from moves m group by m.variant_id) c
  where l.variant_id = c.variant_id and l.slot = 0;
end $function$;

CREATE OR REPLACE FUNCTION ledger.write_imported_invoices (
  p_run      public.import_runs,
  p_invoices ledger.invoice_to_import[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  insert into public.invoices
    (id, account_id, user_id, currency, invoice_number, issued_at, due_at, prices_include_tax, subtotal_amount, tax_amount, total_amount,
     customer_name, reference, notes, source, external_id, issued_by)
  select i.invoice_id, i.account_id, i.user_id, p_run.currency, i.invoice_number, i.issued_at, i.due_at, false, i.amount - i.tax_amount,
         i.tax_amount, i.amount, p.display_name, i.reference, i.notes, 'import', i.external_id, p_run.applied_by
  from unnest(p_invoices) i
  left join public.profiles p on p.id = i.user_id;
  insert into public.invoice_lines
    (invoice_id, line_number, account_id, description, quantity, unit_price_amount, total_price_amount, tax_amount)
  select i.invoice_id, 1, i.account_id, i.description, 1, i.amount - i.tax_amount, i.amount - i.tax_amount, i.tax_amount
  from unnest(p_invoices) i;
  insert into public.invoice_balance_cache (invoice_id, account_id, amount)
  select i.invoice_id, i.account_id, i.amount from unnest(p_invoices) i;
end $function$;

CREATE OR REPLACE FUNCTION ledger.write_imported_orders (
  p_orders public.orders[],
  p_items  public.order_items[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  insert into public.orders
    (id, account_id, user_id, order_number, currency, status, payment_status, payment_method, prices_include_tax, subtotal_amount,
     discount_amount, shipping_amount, tax_amount, total_amount, wallet_amount, paid_amount, notes, metadata, created_at)
  select o.id, o.account_id, o.user_id, o.order_number, o.currency, o.status,
         ledger.payment_status_of(o.total_amount, 0, o.paid_amount, 0), o.payment_method, o.prices_include_tax, o.subtotal_amount,
         o.discount_amount, o.shipping_amount, o.tax_amount, o.total_amount, 0, o.paid_amount, o.notes,
         o.metadata - '{ends_as,paid_by}'::text[], o.created_at
  from unnest(p_orders) o;
  insert into public.order_items
    (account_id, order_id, line_number, variant_id, vendor_id, product_name, product_sku, variant_name, quantity, unit_price_amount,
     total_price_amount, discount_amount, tax_rate_bp, tax_amount, created_at, platform_rate_bp)
  select i.account_id, i.order_id, i.line_number, i.variant_id, i.vendor_id, i.product_name, i.product_sku, i.variant_name, i.quantity,
         i.unit_price_amount, i.total_price_amount, i.discount_amount, i.tax_rate_bp, i.tax_amount, i.created_at, i.platform_rate_bp
  from unnest(p_items) i;

  insert into public.payments
    (id, account_id, order_id, currency, method, amount, applied_amount, credit_amount, source, created_at, paid_at)
  select ledger.imported_id(o.created_at), o.account_id, o.id, o.currency, coalesce(o.metadata ->> 'paid_by', 'other'), o.paid_amount,
         o.paid_amount, 0, 'import', o.created_at, o.created_at
  from unnest(p_orders) o
  where o.paid_amount > 0;

  with sent as (
    insert into public.shipments (id, account_id, order_id, shipment_number, metadata, shipped_at, delivered_at)
    select ledger.imported_id(o.created_at), o.account_id, o.id, 1, '{"imported": true}', o.created_at,
           case o.status when 'delivered' then o.created_at end
    from unnest(p_orders) o
    where o.status in ('shipped', 'delivered')
    returning id, order_id)
  insert into public.shipment_lines (shipment_id, line_number, account_id, order_id, quantity)
  select s.id, i.line_number, i.account_id, i.order_id, i.quantity
  from unnest(p_items) i
  join sent s on s.order_id = i.order_id;
end $function$;

CREATE OR REPLACE FUNCTION ledger.write_imported_payments (
  p_run      public.import_runs,
  p_payments ledger.payment_to_import[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  update public.accounts a set version = n.version, updated_at = clock_timestamp()
  from (select p.account_id, max(p.account_version) as version from unnest(p_payments) p group by p.account_id) n
  where a.id = n.account_id;
  insert into public.payments
    (id, account_id, currency, method, amount, applied_amount, credit_amount, reference, notes, recorded_by, source, external_id, paid_at)
  select p.payment_id, p.account_id, p_run.currency, p.method, p.amount, 0, 0, p.reference, p.notes, p_run.applied_by, 'import', p.external_id, p.paid_at
  from unnest(p_payments) p;
  insert into public.transactions
    (id, account_id, account_version, type, amount, balance_after, reference_id, actor_id, actor_action, metadata, correlation_id)
  select p.transaction_id, p.account_id, p.account_version, 'payment_imported', 0, p.balance_after, p.payment_id, p_run.applied_by,
         'payment imported', jsonb_build_object('import_run_id', p_run.id), p_run.id
  from unnest(p_payments) p;
  insert into public.postings (account_id, transaction_id, leg_number, debit_account, credit_account, amount, currency)
  select p.account_id, p.transaction_id, 1, 'bank', 'unapplied_payments', p.amount, p_run.currency
  from unnest(p_payments) p;

  -- the debt: only what is unapplied rises
  insert into public.account_debt_cache as c (account_id, unapplied_amount, version)
  select p.account_id, sum(p.amount), count(*) from unnest(p_payments) p group by p.account_id
  on conflict (account_id) do update set
    unapplied_amount = c.unapplied_amount + excluded.unapplied_amount,
    version = c.version + excluded.version,
    updated_at = clock_timestamp();
  insert into public.debt_movements
    (account_id, account_version, transaction_id, invoiced_change, allocated_change, unapplied_change, debt_after, unapplied_after)
  select p.account_id, p.account_version, p.transaction_id, 0, 0, p.amount, p.debt_after, p.unapplied_after
  from unnest(p_payments) p;
end $function$;

CREATE OR REPLACE FUNCTION ledger.write_imported_products (
  p_run  public.import_runs,
  p_rows bigint[]
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_count integer;
begin
  insert into public.vendors (name)
  select distinct w.parsed ->> 'vendor'
  from public.import_rows w
  where w.run_id = p_run.id and w.row_number = any (p_rows) and w.parsed ? 'vendor'
    and not exists (select from public.vendors v where v.name = w.parsed ->> 'vendor');

  -- products by the name that their rows share, else by SKU
  with wanted as (
    select distinct on (n.name) n.name, n.row
    from (select w.row_number, l as row, coalesce('product ' || l.product, 'sku ' || l.sku) as name
          from public.import_rows w
          cross join lateral jsonb_populate_record(null::ledger.import_product_row, w.parsed) l
          where w.run_id = p_run.id and w.row_number = any (p_rows)) n
    where not exists (select from public.import_identities i where i.kind = 'product_group' and i.external_id = n.name)
    order by n.name, n.row_number),
  named as materialized (
    select ledger.uuid_v7() as id, w.name, w.row from wanted w),
  written as (
    insert into public.products (id, vendor_id, name, description, tax_rate_bp, is_active)
    select n.id, (select v.id from public.vendors v where v.name = (n.row).vendor order by v.id limit 1), coalesce((n.row).product, (n.row).name),
           (n.row).description, (n.row).tax_rate_bp, true
    from named n)
  insert into public.import_identities (kind, external_id, target_id, run_id)
  select 'product_group', n.name, n.id, p_run.id
  from named n;

  with added as (
    insert into public.variants (product_id, sku, name, price_amount, currency, is_active)
    select i.target_id, l.sku, case when l.product is null then l.variant else coalesce(nullif(l.variant, 'Default'), l.name) end,
           l.price_amount, p_run.currency, l.active
    from public.import_rows w
    cross join lateral jsonb_populate_record(null::ledger.import_product_row, w.parsed) l
    join public.import_identities i on i.kind = 'product_group' and i.external_id = coalesce('product ' || l.product, 'sku ' || l.sku)
    where w.run_id = p_run.id and w.row_number = any (p_rows)
    returning id, sku)
  insert into public.import_identities (kind, external_id, target_id, run_id)
  select 'product', a.sku, a.id, p_run.id
  from added a;

  update public.import_rows w set state = 'applied', target_id = i.target_id
  from public.import_identities i
  where w.run_id = p_run.id and w.row_number = any (p_rows) and i.kind = 'product' and i.external_id = w.external_id;
  get diagnostics v_count = row_count;
  perform ledger.write_opening_stock(p_run, p_rows);
  return v_count;
end $function$;

CREATE OR REPLACE FUNCTION ledger.write_imported_transactions (
  p_orders public.orders[],
  p_actor  ledger.actor
)
  RETURNS ledger.imported_step[]
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_steps ledger.imported_step[];
begin
  select array_agg(row(o.account_id, a.version + s.place, ledger.imported_id(o.created_at), o.id, s.payment_id, s.type)::ledger.imported_step
                   order by o.account_id, s.place)
  into v_steps
  from (
    select o.id, p.id as payment_id, t.type, row_number() over (partition by o.account_id order by o.created_at, o.id, t.step) as place
    from unnest(p_orders) o
    left join public.payments p on p.account_id = o.account_id and p.order_id = o.id
    cross join lateral (values (1, 'order_created', true), (2, 'payment_imported', p.id is not null),
                               (3, 'order_status_changed', o.status <> 'pending')) t (step, type, applies)
    where t.applies) s
  join unnest(p_orders) o on o.id = s.id
  join public.accounts a on a.id = o.account_id;

  insert into public.transactions
    (id, account_id, account_version, type, amount, balance_after, order_id, reference_id, actor_id, actor_action, metadata, correlation_id, created_at)
  select s.transaction_id, s.account_id, s.account_version, s.type, 0, a.available_balance, s.order_id,
         case s.type when 'payment_imported' then s.payment_id end, p_actor.user_id, 'imported',
         jsonb_build_object('imported', true, 'order_number', o.order_number), gen_random_uuid(), o.created_at
  from unnest(v_steps) s
  join unnest(p_orders) o on o.id = s.order_id
  join public.accounts a on a.id = s.account_id;
  update public.accounts a set version = s.version, updated_at = clock_timestamp()
  from (select n.account_id, max(n.account_version) as version from unnest(v_steps) n group by n.account_id) s
  where a.id = s.account_id;
  return v_steps;
end $function$;

CREATE OR REPLACE FUNCTION ledger.write_invoice (
  p_account        public.accounts,
  p_order          public.orders,
  p_draft          ledger.invoice_draft,
  p_actor          ledger.actor,
  p_correlation_id uuid,
  p_metadata       jsonb                DEFAULT '{}'::jsonb
)
  RETURNS ledger.issued_invoice
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_draft ledger.invoice_draft := p_draft;
  v_invoice public.invoices;
  v_transaction public.transactions;
begin
  v_draft.issued_at := coalesce(p_draft.issued_at, clock_timestamp());
  v_draft.due_at := coalesce(p_draft.due_at, v_draft.issued_at + make_interval(days => ledger.due_days_of(p_account.id)));
  v_invoice := ledger.insert_invoice(p_account, 'invoice', p_order.id, null, null, v_draft, p_actor);
  insert into public.invoice_balance_cache (invoice_id, account_id, amount) values (v_invoice.id, p_account.id, v_invoice.amount);

  v_transaction := ledger.write_transaction(
    p_account.id, 'invoice_issued', p_actor, format('invoice %s issued', v_invoice.invoice_number), p_correlation_id,
    p_order_id => p_order.id, p_reference_id => v_invoice.id, p_metadata => p_metadata);
  perform ledger.write_postings(v_transaction, p_account.currency, ledger.invoice_legs(v_invoice));
  perform ledger.record_operation('invoice.issued', case when p_order.id is null then 'invoice' else 'order' end, coalesce(p_order.id, v_invoice.id),
    p_account.id,
    ledger.balance_effect(v_transaction) || ledger.write_debt_movement(v_transaction, p_invoiced => v_invoice.amount)
      || ledger.invoice_facts(v_invoice)
      || jsonb_build_object('order_number', p_order.order_number, 'reference', v_invoice.reference, 'notes', v_invoice.notes),
    p_actor, p_correlation_id);
  return row(v_invoice.id, v_invoice.invoice_number, v_transaction.id, v_invoice.total_amount, v_invoice.amount, v_invoice.due_at,
             v_invoice.version, v_transaction.balance_after)::ledger.issued_invoice;
end $function$;

CREATE OR REPLACE FUNCTION ledger.write_old_flags (
  p_account_id uuid,
  p_payment_id uuid,
  p_invoice_id uuid,
  p_amount     bigint
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_claimed bigint := (select b.amount from public.invoice_balance_cache b where b.account_id = p_account_id and b.invoice_id = p_invoice_id);
begin
  if p_payment_id is not null then
    insert into public.old_payment_flags (payment_id, account_id, allocated_amount)
    values (p_payment_id, p_account_id, 0)
    on conflict (payment_id) do nothing;
    update public.old_payment_flags f set
      allocated_amount = f.allocated_amount + p_amount,
      invoice_id = case when f.allocated_amount + p_amount = 0 then null
                        when f.allocated_amount = 0 or f.invoice_id = p_invoice_id then p_invoice_id end,
      updated_at = clock_timestamp()
    where f.account_id = p_account_id and f.payment_id = p_payment_id;
  end if;
  insert into public.old_invoice_flags (invoice_id, account_id, amount, paid_amount)
  values (p_invoice_id, p_account_id, v_claimed, 0)
  on conflict (invoice_id) do nothing;
  update public.old_invoice_flags f set
    amount = v_claimed,
    paid_amount = f.paid_amount + p_amount,
    updated_at = clock_timestamp()
  where f.account_id = p_account_id and f.invoice_id = p_invoice_id;
end $function$;

CREATE OR REPLACE FUNCTION ledger.write_opening_stock (
  p_run  public.import_runs,
  p_rows bigint[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  with opening as (
    select w.target_id as variant_id, (w.parsed ->> 'stock')::bigint as quantity
    from public.import_rows w
    where w.run_id = p_run.id and w.row_number = any (p_rows) and (w.parsed ->> 'stock')::bigint > 0),
  moved as (
    update public.stock_levels s set on_hand = s.on_hand + o.quantity, version = s.version + 1
    from opening o
    where s.variant_id = o.variant_id and s.slot = 0
    returning s.variant_id, s.version, s.on_hand, o.quantity),
  recorded as (
    insert into public.stock_movements (variant_id, slot, slot_version, quantity, on_hand_after, reason, actor_id, notes)
    select m.variant_id, 0, m.version, m.quantity, m.on_hand, 'received', p_run.applied_by, 'opening stock of an import'
    from moved m)
  insert into public.immutable_events (event_type, stream_type, stream_id, payload, actor_id, correlation_id)
  select 'stock.adjusted', 'variant', m.variant_id,
         jsonb_build_object('imported', true, 'import_run_id', p_run.id, 'quantity', m.quantity, 'reason', 'received',
                            'on_hand_after', m.on_hand), p_run.applied_by, gen_random_uuid()
  from moved m;
end $function$;

CREATE OR REPLACE FUNCTION ledger.write_receipt (
  p_receipt public.payment_receipts,
  p_actor   ledger.actor
)
  RETURNS public.payment_receipts
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  if p_receipt.id is null then
    insert into public.payment_receipts as r
      (account_id, user_id, order_id, invoice_id, currency, amount, reference, storage_path, paid_on, notes, submitted_by)
    values
      (p_receipt.account_id, p_receipt.user_id, p_receipt.order_id, p_receipt.invoice_id, p_receipt.currency, p_receipt.amount,
       p_receipt.reference, p_receipt.storage_path, p_receipt.paid_on, p_receipt.notes, p_actor.user_id)
    returning r.* into p_receipt;
  else
    update public.payment_receipts r set
      amount = p_receipt.amount, reference = p_receipt.reference, storage_path = p_receipt.storage_path, paid_on = p_receipt.paid_on,
      notes = p_receipt.notes, status = 'submitted', submitted_by = p_actor.user_id, submitted_at = clock_timestamp(), alerted_at = null,
      updated_at = clock_timestamp()
    where r.account_id = p_receipt.account_id and r.id = p_receipt.id
    returning r.* into p_receipt;
  end if;
  return p_receipt;
end $function$;

CREATE OR REPLACE FUNCTION ledger.write_reversals (
  p_transaction    public.transactions,
  p_allocation_ids uuid[],
  p_actor          ledger.actor
)
  RETURNS uuid[]
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_ids uuid[];
begin
  with written as (
    insert into public.payment_allocations
      (account_id, payment_id, invoice_id, allocated_amount, method, reverses_allocation_id, synthetic, import_run_id, performed_by, transaction_id)
    select l.account_id, l.payment_id, l.invoice_id, -l.allocated_amount, l.method, l.id, b.is_backfill, case when b.is_backfill then l.import_run_id end, p_actor.user_id, p_transaction.id
    from public.payment_allocations l
    cross join lateral (select l.synthetic and current_setting('ledger.procedure', true) in ('import_backfill', 'import_abort') as is_backfill) b
    where l.account_id = p_transaction.account_id and l.id = any (p_allocation_ids)
    order by l.id
    returning id)
  select coalesce(array_agg(w.id), '{}') into v_ids from written w;
  return v_ids;
end $function$;

CREATE OR REPLACE FUNCTION public.account_debt (
  p_user_id  uuid DEFAULT NULL::uuid,
  p_currency text DEFAULT NULL::text
)
  RETURNS SETOF public.account_debt_result
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_asked record;
  v_account public.accounts;
  v_refusal jsonb;
  v_is_cached boolean;
  v_debt record;
begin
  -- who may
  select * into v_asked from ledger.account_asked_for(ledger.current_actor(), p_user_id, p_currency);
  v_account := v_asked.account;
  v_refusal := v_asked.refusal;
  if v_refusal is not null then
    return next jsonb_populate_record(null::public.account_debt_result, v_refusal);
    return;
  end if;

  -- answer; an account that never had an invoice owes nothing by invoices, and that is an answer
  v_is_cached := ledger.reads_debt_from_cache(v_account.id);
  if v_is_cached then
    select c.invoiced_amount, c.allocated_amount, c.unapplied_amount into v_debt from public.account_debt_cache c where c.account_id = v_account.id;
  else
    select r.invoiced_amount, r.allocated_amount, r.unapplied_amount into v_debt from ledger.recomputed_debts(v_account.id) r;
  end if;
  return next row(true, null, null, null, null, v_account.id, v_account.currency,
                  coalesce(v_debt.invoiced_amount - v_debt.allocated_amount, 0), coalesce(v_debt.invoiced_amount, 0),
                  coalesce(v_debt.allocated_amount, 0), coalesce(v_debt.unapplied_amount, 0), v_is_cached)::public.account_debt_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."account_debt"(uuid, text) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.account_debt_compare (
  p_user_id uuid DEFAULT NULL::uuid
)
  RETURNS SETOF public.account_debt_compare_result
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor := ledger.current_actor();
  v_user_id uuid := coalesce(p_user_id, v_actor.user_id);
  v_is_dual boolean := (select f.state <> 'off' from public.feature_flags f where f.key = 'allocation_dual_write');
  v_accounts jsonb;
begin
  -- who may
  if v_user_id is null or (v_user_id is distinct from v_actor.user_id and not ledger.has_permission(v_actor, 'accounts.read'))
     or not exists (select from public.accounts a where a.user_id = v_user_id) then
    return next jsonb_populate_record(null::public.account_debt_compare_result,
      case when v_user_id is null then ledger.refuse('customer_required')
           else ledger.refuse('customer_not_found', jsonb_build_object('user_id', v_user_id)) end);
    return;
  end if;

  -- answer
  select jsonb_agg(jsonb_build_object(
           'account_id', a.id, 'currency', a.currency,
           'cached', f.cached, 'recomputed', f.recomputed, 'replayed', f.replayed, 'flagged', f.flagged,
           'is_read_from_cache', ledger.reads_debt_from_cache(a.id),
           'differs', f.cached <> f.recomputed or f.cached <> f.replayed or coalesce((f.cached -> 'debt_amount') <> f.flagged, false)) order by a.currency)
  into v_accounts
  from public.accounts a
  left join public.account_debt_cache c on c.account_id = a.id
  cross join lateral ledger.recomputed_debts(a.id) r
  cross join lateral ledger.replayed_debts(a.id) e
  cross join lateral (select
    ledger.debt_figures(coalesce(c.invoiced_amount, 0), coalesce(c.allocated_amount, 0), coalesce(c.unapplied_amount, 0)) as cached,
    ledger.debt_figures(r.invoiced_amount, r.allocated_amount, r.unapplied_amount) as recomputed,
    ledger.debt_figures(e.invoiced_amount, e.allocated_amount, e.unapplied_amount) as replayed,
    case when v_is_dual then to_jsonb(
      coalesce((select sum(b.amount) from public.invoice_balance_cache b where b.account_id = a.id), 0)
      - coalesce((select sum(o.allocated_amount) from public.old_payment_flags o where o.account_id = a.id), 0)) end as flagged) f
  where a.user_id = v_user_id;
  return next row(true, null, null, null, null, v_user_id,
                  (select count(*) from jsonb_array_elements(v_accounts) n (account) where (n.account ->> 'differs')::boolean),
                  v_accounts)::public.account_debt_compare_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."account_debt_compare"(uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.account_statement (
  p_user_id       uuid                     DEFAULT NULL::uuid,
  p_from          timestamp with time zone DEFAULT NULL::timestamp WITH time zone,
  p_to            timestamp with time zone DEFAULT NULL::timestamp WITH time zone,
  p_currency      text                     DEFAULT NULL::text,
  p_limit         integer                  DEFAULT 100,
  p_after_version bigint                   DEFAULT NULL::bigint
)
  RETURNS SETOF public.account_statement_result
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_asked record;
  v_account public.accounts;
  v_refusal jsonb;
  v_first bigint;
  v_last bigint;
  v_limit integer := least(p_limit, 1000);
  v_before jsonb;
  v_movements jsonb;
  v_next bigint;
begin
  -- who may, and check
  select * into v_asked from ledger.account_asked_for(ledger.current_actor(), p_user_id, p_currency);
  v_account := v_asked.account;
  v_refusal := v_asked.refusal;
  v_refusal := coalesce(v_refusal, case
    when p_from > p_to then ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_from, p_to', 'problem', 'p_from is not after p_to'))
    when p_limit is null or p_limit < 1 then ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_limit', 'problem', '1 to 1000'))
    when p_after_version < 0 then ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_after_version', 'problem', 'next_version of the page before')) end);
  if v_refusal is not null then
    return next jsonb_populate_record(null::public.account_statement_result, v_refusal);
    return;
  end if;

  -- the versions between the two moments, then one page of those that moved something
  v_first := case when p_from is null then 0 else ledger.account_version_before(v_account.id, p_from) end;
  v_last := case when p_to is null then v_account.version else ledger.account_version_before(v_account.id, p_to) end;
  v_before := ledger.balances_at(v_account.id, greatest(v_first, p_after_version));
  select jsonb_agg(to_jsonb(t) - '{place,more}'::text[] order by t.account_version) filter (where t.place <= v_limit),
         max(t.account_version) filter (where t.place = v_limit and t.more > v_limit)
  into v_movements, v_next
  from (select p.*,
               (v_before ->> 'debt_balance')::bigint + sum(p.debt_change) over (order by p.account_version) as debt_balance,
               (v_before ->> 'unapplied_balance')::bigint + sum(p.unapplied_change) over (order by p.account_version) as unapplied_balance,
               row_number() over (order by p.account_version) as place,
               count(*) over () as more
        from ledger.moving_transactions(v_account.id, greatest(v_first, p_after_version), v_last, v_limit + 1) p) t;

  -- answer
  return next row(true, null, null, null, null, v_account.id, v_account.currency, p_from, p_to,
                  ledger.balances_at(v_account.id, v_first), coalesce(v_movements, '[]'), ledger.balances_at(v_account.id, v_last), v_next)
              ::public.account_statement_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."account_statement"(uuid, timestamp WITH time zone, timestamp WITH time zone, text, integer, bigint) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.import_abort (
  p_run_id        uuid,
  p_reason        text    DEFAULT NULL::text,
  p_void          boolean DEFAULT false,
  p_limit         integer DEFAULT 1000,
  p_actor_id      uuid    DEFAULT NULL::uuid,
  p_only_backfill boolean DEFAULT false
)
  RETURNS SETOF public.import_abort_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_answer jsonb;
  v_run public.import_runs;
  v_is_backfilled boolean;
  v_result public.import_abort_result;
begin
  -- who may
  v_actor := ledger.actor_with(p_actor_id, 'imports.run');

  -- lock: run; a backfill's mode is one for all
  select r.* into v_run from public.import_runs r where r.id = p_run_id for no key update;
  perform pg_advisory_xact_lock(hashtextextended('import_backfill', 0));
  v_is_backfilled := coalesce(v_run.backfill_state <> 'aborted', false) or ledger.has_synthetic_allocations(p_run_id);

  -- check
  v_answer := coalesce(
    case when p_only_backfill then ledger.refuse_import_state(p_run_id, v_run, 'an abort of its backfill', '{applied}')
         else ledger.refuse_import_state(p_run_id, v_run, 'an abort', '{staging,staged,analyzed,applying,applied}'
           || case when p_void or v_is_backfilled then '{aborted}' else '{}' end::text[]) end,
    case
      when length(p_reason) > 2000 then
        ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'at most 2000 characters'))
      when p_limit is null or p_limit not between 1 and 10000 then
        ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_limit', 'problem', 'from 1 to 10000 rows'))
      when p_void and v_run.kind not in ('payments', 'invoices') then
        ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_void', 'problem', 'for payments and invoices only'))
      when p_void and p_only_backfill then
        ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_void', 'problem', 'not with p_only_backfill, which leaves all that was imported'))
      when p_only_backfill and not v_is_backfilled then
        ledger.refuse('import_conflict', jsonb_build_object('run_id', p_run_id, 'state', v_run.state, 'wanted', 'an abort of its backfill', 'expected', 'backfilled'))
      when p_void or v_is_backfilled then ledger.refuse_beside_backfill(p_run_id)
    end);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.import_abort_result, v_answer);
    return;
  end if;

  -- write: synthetic allocations first, then what they were made of
  perform set_config('ledger.procedure', 'import_abort', true);
  v_result := row(true, null, null, null, null, p_run_id, v_run.kind, v_run.state, 0, 0, 0, false);
  v_result.dropped_amount := ledger.drop_synthetic_allocations(p_run_id, p_limit, v_actor, coalesce(p_reason, 'import aborted'));
  v_result.done := not ledger.has_synthetic_allocations(p_run_id);
  if not v_result.done or (p_void and v_result.dropped_amount > 0) then
    -- voiding begins at the first account again, and so in another call
    perform ledger.hold_backfill(p_run_id, v_actor);
    v_result.done := false;
  elsif coalesce(p_void, false) then
    select n.voided_rows, n.kept_rows, n.is_done into v_result.voided_rows, v_result.kept_rows, v_result.done
    from ledger.void_imported(v_run, p_limit, v_actor, coalesce(p_reason, 'import aborted')) n;
  end if;
  if v_result.done then
    v_result.state := ledger.end_backfill(v_run, coalesce(p_only_backfill, false), p_reason, v_actor);
  end if;

  -- answer
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."import_abort"(uuid, text, boolean, integer, uuid, boolean) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.import_analyze (
  p_run_id  uuid,
  p_options jsonb DEFAULT NULL::jsonb
)
  RETURNS SETOF public.import_analyze_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_answer jsonb;
  v_run public.import_runs;
  v_report jsonb;
begin
  -- who may
  perform ledger.actor_with(null, 'imports.run');

  -- lock: run
  select r.* into v_run from public.import_runs r where r.id = p_run_id for no key update;

  -- check
  v_answer := coalesce(
    ledger.refuse_import_state(p_run_id, v_run, 'analysis', '{staged,analyzed}'),
    case when upper(p_options ->> 'currency') <> v_run.currency then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_options', 'problem', 'the currency of an import is that of its beginning')) end,
    ledger.refuse_import_options(coalesce(p_options, '{}')));
  if v_answer is not null then
    return next jsonb_populate_record(null::public.import_analyze_result, v_answer);
    return;
  end if;

  -- write: what an earlier analysis said is taken back
  perform set_config('ledger.procedure', 'import_analyze', true);
  if v_run.analyzed_at is not null then
    delete from public.import_rejects j where j.run_id = p_run_id;
    update public.import_rows w set state = 'staged', external_id = null, amount = null, parsed = null
    where w.run_id = p_run_id and (w.state <> 'staged' or w.parsed is not null);
  end if;
  update public.import_runs r set options = r.options || coalesce(p_options, '{}') where r.id = p_run_id;
  execute format('select ledger.%I($1)', 'import_' || v_run.kind || '_analyze') into v_report using p_run_id;
  update public.import_runs r set
    state = 'analyzed',
    rejected_rows = (select count(*) from public.import_rows w where w.run_id = p_run_id and w.state = 'rejected'),
    analysis = ledger.impersonal_report(v_report),
    analyzed_at = clock_timestamp(),
    updated_at = clock_timestamp()
  where r.id = p_run_id
  returning r.* into v_run;

  -- answer
  perform set_config('ledger.procedure', '', true);
  return next row(true, null, null, null, null, v_run.id, v_run.state, v_run.staged_rows, v_run.rejected_rows,
                  v_report || jsonb_build_object('rejects', ledger.import_reject_summary(p_run_id)))::public.import_analyze_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."import_analyze"(uuid, jsonb) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.import_apply (
  p_run_id   uuid,
  p_dry_run  boolean DEFAULT false,
  p_limit    integer DEFAULT 5000,
  p_actor_id uuid    DEFAULT NULL::uuid
)
  RETURNS SETOF public.import_progress_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_answer jsonb;
  v_run public.import_runs;
begin
  -- who may
  v_actor := ledger.actor_with(p_actor_id, 'imports.run');

  -- lock: run; applied stays applied
  select r.* into v_run from public.import_runs r where r.id = p_run_id for no key update;
  if v_run.state = 'applied' then
    return next ledger.import_progress(v_run);
    return;
  end if;

  -- lock: no backfill begins, or reckons, beside what it reckons with
  if v_run.kind in ('payments', 'invoices') then
    perform pg_advisory_xact_lock_shared(hashtextextended('import_backfill', 0));
  end if;

  -- check
  v_answer := coalesce(
    ledger.refuse_import_state(p_run_id, v_run, 'applying', '{analyzed,applying}'),
    case when p_limit is null or p_limit not between 1 and 50000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_limit', 'problem', 'from 1 to 50000 rows')) end,
    case when v_run.kind in ('payments', 'invoices') then ledger.refuse_beside_backfill() end);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.import_progress_result, v_answer);
    return;
  end if;

  -- write: one batch, or all of them for a look
  perform set_config('ledger.procedure', 'import_apply', true);
  if coalesce(p_dry_run, false) then
    begin
      while v_run.state <> 'applied' loop
        v_run := ledger.apply_import_batch(v_run, p_limit, v_actor);
      end loop;
      -- what is deferred to the commit is looked at here
      set constraints all immediate;
      raise exception using errcode = 'LDRY0';
    exception when sqlstate 'LDRY0' then
      null;
    end;
  else
    v_run := ledger.apply_import_batch(v_run, p_limit, v_actor);
  end if;

  -- answer
  perform set_config('ledger.procedure', '', true);
  return next ledger.import_progress(v_run);
end $function$;

REVOKE ALL ON FUNCTION "public"."import_apply"(uuid, boolean, integer, uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.import_backfill (
  p_run_id   uuid    DEFAULT NULL::uuid,
  p_user_id  uuid    DEFAULT NULL::uuid,
  p_dry_run  boolean DEFAULT false,
  p_limit    integer DEFAULT 200,
  p_actor_id uuid    DEFAULT NULL::uuid
)
  RETURNS SETOF public.import_backfill_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_answer jsonb;
  v_run public.import_runs;
  v_mode text;
  v_result public.import_backfill_result;
begin
  -- who may
  v_actor := ledger.actor_with(p_actor_id, 'imports.run');

  -- lock: run; the mode is one for all of them
  if p_run_id is not null then
    select r.* into v_run from public.import_runs r where r.id = p_run_id for no key update;
  end if;
  perform pg_advisory_xact_lock(hashtextextended('import_backfill', 0));
  v_mode := (select f.state from public.feature_flags f where f.key = 'ledger_backfill_mode');

  -- check
  v_answer := case
    when (p_run_id is null) = (p_user_id is null) then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_run_id, p_user_id', 'problem', 'one of both: an import, or a customer'))
    when p_limit is null or p_limit not between 1 and 10000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_limit', 'problem', 'from 1 to 10000 accounts'))
    when p_user_id is not null and not exists (select from public.accounts a where a.user_id = p_user_id) then
      ledger.refuse('customer_not_found', jsonb_build_object('user_id', p_user_id))
    when p_run_id is not null and v_run.kind <> 'payments' then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_run_id', 'problem', 'an import of payments, for their flags are followed'))
    when p_run_id is not null then ledger.refuse_import_state(p_run_id, v_run, 'a backfill', '{applied}')
  end;
  v_answer := coalesce(v_answer, case when v_mode <> case when v_run.backfill_state = 'reading' then 'read_only'
                                                          when v_run.backfill_state in ('writing', 'drifted') then 'active' else 'off' end then
    ledger.refuse('backfill_running', jsonb_build_object('mode', v_mode)) end);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.import_backfill_result, v_answer);
    return;
  end if;

  -- write: a step of the run, or the customer at once
  perform set_config('ledger.procedure', 'import_backfill', true);
  v_result := case
    when coalesce(p_dry_run, false) then ledger.look_at_backfill(v_run, p_user_id)
    when p_user_id is not null then ledger.backfill_customer(p_user_id, v_actor)
    else ledger.step_backfill(v_run, p_limit, v_actor) end;

  -- answer
  perform set_config('ledger.procedure', '', true);
  v_result.mode := (select f.state from public.feature_flags f where f.key = 'ledger_backfill_mode');
  return next v_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."import_backfill"(uuid, uuid, boolean, integer, uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.import_begin (
  p_kind            text,
  p_source_name     text,
  p_options         jsonb DEFAULT '{}'::jsonb,
  p_idempotency_key text  DEFAULT NULL::text,
  p_actor_id        uuid  DEFAULT NULL::uuid
)
  RETURNS SETOF public.import_begin_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_request jsonb := jsonb_build_array(p_kind, p_source_name, p_options, p_actor_id);
  v_answer jsonb;
  v_run public.import_runs;
  v_result public.import_begin_result;
begin
  -- who may
  v_actor := ledger.actor_with(p_actor_id, 'imports.run');

  -- asked before
  v_answer := ledger.idempotency_begin('import_begin', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.import_begin_result, v_answer);
    return;
  end if;

  -- check
  v_run.currency := upper(coalesce(p_options ->> 'currency', ledger.setting_text('default_currency')));
  v_answer := coalesce(
    ledger.refuse_import_kind(p_kind),
    case
      when coalesce(length(p_source_name), 0) not between 1 and 200 then
        ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_source_name', 'problem', '1 to 200 characters'))
      when not exists (select from public.currencies c where c.code = v_run.currency) then
        ledger.refuse('unknown_currency', jsonb_build_object('currency', v_run.currency,
          'known', (select string_agg(c.code, ', ' order by c.code) from public.currencies c)))
      else ledger.refuse_import_options(coalesce(p_options, '{}'))
    end);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.import_begin_result, v_answer);
    return;
  end if;

  -- write
  perform set_config('ledger.procedure', 'import_begin', true);
  insert into public.import_runs as r (kind, source_name, currency, options, created_by)
  values (p_kind, p_source_name, v_run.currency, coalesce(p_options, '{}'), v_actor.user_id)
  returning r.* into v_run;

  -- record
  perform ledger.record_operation('import.begun', 'import', v_run.id, null,
    jsonb_build_object('kind', v_run.kind, 'source_name', v_run.source_name, 'currency', v_run.currency), v_actor, ledger.correlation_id());

  -- answer, stored under the key
  v_result := row(true, null, null, null, null, v_run.id, v_run.kind, v_run.state, v_run.currency);
  v_answer := ledger.idempotency_end('import_begin', p_idempotency_key, v_actor.caller_id, v_request, null, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."import_begin"(text, text, jsonb, text, uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.import_report (
  p_run_id uuid
)
  RETURNS SETOF public.import_report_result
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_run public.import_runs;
begin
  -- who may
  perform ledger.actor_with(null, 'imports.run');
  select r.* into v_run from public.import_runs r where r.id = p_run_id;
  if v_run.id is null then
    return next jsonb_populate_record(null::public.import_report_result,
      ledger.refuse('import_not_found', jsonb_build_object('run_id', p_run_id)));
    return;
  end if;

  -- answer
  return next row(true, null, null, null, null, v_run.id, v_run.kind, v_run.source_name, v_run.currency, v_run.state, v_run.staged_rows,
                  v_run.applied_rows, v_run.skipped_rows, v_run.rejected_rows, coalesce(ledger.import_sums(p_run_id), '{}'),
                  ledger.import_reject_summary(p_run_id), v_run.analysis,
                  case when v_run.backfill_state is not null then
                    v_run.backfill || jsonb_build_object('state', v_run.backfill_state) || ledger.live_synthetic(p_run_id) end,
                  v_run.created_at, v_run.analyzed_at, v_run.applied_at, v_run.aborted_at)::public.import_report_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."import_report"(uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.import_stage (
  p_run_id    uuid,
  p_first_row bigint,
  p_rows      jsonb,
  p_is_last   boolean DEFAULT false
)
  RETURNS SETOF public.import_progress_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_answer jsonb;
  v_run public.import_runs;
  v_count bigint;
  v_row bigint;
begin
  -- who may
  perform ledger.actor_with(null, 'imports.run');

  -- lock: run
  select r.* into v_run from public.import_runs r where r.id = p_run_id for no key update;

  -- check
  v_answer := coalesce(
    ledger.refuse_import_state(p_run_id, v_run, 'staging', '{staging,staged,analyzed}'),
    case
      when p_first_row is null or p_first_row not between 1 and 1000000000 then
        ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_first_row', 'problem', 'a row number from 1 to 1000000000'))
      when p_rows is null or jsonb_typeof(p_rows) <> 'array' then
        ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_rows', 'problem', 'an array of objects, one for each row'))
      when jsonb_array_length(p_rows) > 10000 then
        ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_rows', 'problem', 'at most 10000 rows at a time'))
    end);
  if v_answer is null then
    select min(p_first_row + w.ordinality - 1) into v_row
    from jsonb_array_elements(p_rows) with ordinality w
    where jsonb_typeof(w.value) <> 'object' or octet_length(w.value::text) > 65536;
    if v_row is not null then
      v_answer := ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_rows',
        'problem', format('row %s is no object of at most 64 KB', v_row)));
    end if;
  end if;
  if v_answer is null then
    select min(w.row_number) into v_row
    from public.import_rows w
    where w.run_id = p_run_id and w.row_number between p_first_row and p_first_row + jsonb_array_length(p_rows) - 1
      and w.data <> p_rows -> (w.row_number - p_first_row)::integer;
    if v_row is not null then
      v_answer := ledger.refuse('import_row_differs', jsonb_build_object('run_id', p_run_id, 'row', v_row));
    end if;
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.import_progress_result, v_answer);
    return;
  end if;

  -- write
  perform set_config('ledger.procedure', 'import_stage', true);
  insert into public.import_rows (run_id, row_number, data)
  select p_run_id, p_first_row + w.ordinality - 1, w.value
  from jsonb_array_elements(p_rows) with ordinality w
  on conflict (run_id, row_number) do nothing;
  get diagnostics v_count = row_count;
  update public.import_runs r set
    staged_rows = r.staged_rows + v_count,
    -- what was analysed stays so when nothing was added
    state = case when v_count = 0 and r.state = 'analyzed' then r.state when coalesce(p_is_last, false) then 'staged'
                 when v_count = 0 then r.state else 'staging' end,
    updated_at = clock_timestamp()
  where r.id = p_run_id
  returning r.* into v_run;

  -- answer
  perform set_config('ledger.procedure', '', true);
  return next ledger.import_progress(v_run);
end $function$;

REVOKE ALL ON FUNCTION "public"."import_stage"(uuid, bigint, jsonb, boolean) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.integrity_check_drift()
  RETURNS SETOF public.integrity_check_drift_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  perform ledger.require_permission(ledger.current_actor(), 'audit.read');
  return query select true, null::uuid, null::text, null::text, null::jsonb,
                      (select jsonb_agg(to_jsonb(r) order by r.id) from ledger.check_debt_drift() r);
end $function$;

REVOKE ALL ON FUNCTION "public"."integrity_check_drift"() FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.invoice_document (
  p_invoice_id uuid
)
  RETURNS SETOF public.invoice_document_result
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_invoice public.invoices;
begin
  -- who may
  v_actor := ledger.current_actor();
  select i.* into v_invoice from public.invoices i where i.id = p_invoice_id;
  if v_invoice.id is null or not (coalesce(v_invoice.user_id = v_actor.user_id, false) or ledger.has_permission(v_actor, 'accounts.read')) then
    return next jsonb_populate_record(null::public.invoice_document_result,
      ledger.refuse('invoice_not_found', jsonb_build_object('invoice_id', p_invoice_id)));
    return;
  end if;

  -- answer
  return next row(true, null, null, null, null, v_invoice.id, ledger.document_of(v_invoice))::public.invoice_document_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."invoice_document"(uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.invoice_recalculate (
  p_account_id uuid    DEFAULT NULL::uuid,
  p_repair     boolean DEFAULT false
)
  RETURNS SETOF public.invoice_recalculate_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_account_id uuid;
  v_differences jsonb;
  v_found jsonb;
  v_count bigint;
  v_repaired bigint := 0;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(), case when p_repair then 'payments.allocate' else 'accounts.read' end);

  -- check
  if p_account_id is not null and not exists (select from public.accounts a where a.id = p_account_id) then
    return next jsonb_populate_record(null::public.invoice_recalculate_result,
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_account_id', 'problem', 'there is no such account')));
    return;
  end if;
  select count(*), jsonb_agg(to_jsonb(d) order by d.account_id, d.kind, d.subject_id) into v_count, v_differences
  from ledger.balance_differences(p_account_id) d;

  -- lock each account that differs, look again, write, record
  if p_repair then
    for v_account_id in
      select distinct (d.difference ->> 'account_id')::uuid from jsonb_array_elements(v_differences) d (difference) order by 1
    loop
      perform from public.accounts a where a.id = v_account_id for no key update;
      v_found := (select jsonb_agg(to_jsonb(d) order by d.kind, d.subject_id) from ledger.balance_differences(v_account_id) d);
      continue when v_found is null;
      perform set_config('ledger.procedure', 'invoice_recalculate', true);
      perform ledger.mend_balances(v_account_id);
      perform ledger.record_operation('balances.mended', 'account', v_account_id, v_account_id,
        jsonb_build_object('differences', v_found), v_actor, ledger.correlation_id());
      perform set_config('ledger.procedure', '', true);
      v_repaired := v_repaired + 1;
    end loop;
  end if;

  -- answer; of very many the first thousand are enough to know
  return next row(true, null, null, null, null, v_count, v_repaired,
                  (select coalesce(jsonb_agg(d.difference order by d.ordinality), '[]')
                   from jsonb_array_elements(v_differences) with ordinality d (difference) where d.ordinality <= 1000))
              ::public.invoice_recalculate_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."invoice_recalculate"(uuid, boolean) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.ledger_allocate_payment (
  p_payment_id      uuid,
  p_lines           jsonb,
  p_idempotency_key text  DEFAULT NULL::text,
  p_actor_id        uuid  DEFAULT NULL::uuid
)
  RETURNS SETOF public.ledger_allocate_payment_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_lines ledger.allocation_line[];
  v_versions bigint[];
  v_payment public.payments;
  v_key text;
  v_change ledger.allocation_change;
  v_result public.ledger_allocate_payment_result;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'payments.allocate');

  -- asked before
  v_request := jsonb_build_array(p_payment_id, p_lines, p_actor_id);
  v_answer := coalesce(
    ledger.idempotency_begin('ledger_allocate_payment', p_idempotency_key, v_actor.caller_id, v_request),
    ledger.refuse_allocation_lines(p_lines));
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_allocate_payment_result, v_answer);
    return;
  end if;

  -- lock: orders, account, payment, invoices
  v_lines := ledger.allocation_lines_of(p_lines);
  v_versions := (select array_agg(trunc((e.line ->> 'expected_version')::numeric) order by e.ordinality)
                 from jsonb_array_elements(p_lines) with ordinality e (line));
  v_payment := ledger.lock_for_allocation(p_payment_id, (select array_agg(l.invoice_id) from unnest(v_lines) l));

  -- check; a digest of the key names the lines for good, also when its answer is not kept any more
  v_key := encode(sha256(convert_to(format('%s:ledger_allocate_payment:%s', v_actor.caller_id, p_idempotency_key), 'UTF8')), 'hex');
  v_answer := case
    when v_payment.id is null then ledger.refuse('payment_not_found', jsonb_build_object('payment_id', p_payment_id))
    when v_payment.status <> 'captured' then
      ledger.refuse('payment_conflict', jsonb_build_object('payment_id', p_payment_id, 'status', v_payment.status))
    when p_idempotency_key is not null and exists (
      select from unnest(v_lines) l
      join public.payment_allocations a on a.idempotency_key = v_key || ':' || l.invoice_id) then
      ledger.refuse('idempotency_conflict', jsonb_build_object('key', p_idempotency_key, 'procedure', 'ledger_allocate_payment'))
    else coalesce(ledger.refuse_during_backfill(), ledger.refuse_allocation(v_payment, v_lines, v_versions))
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_allocate_payment_result, v_answer);
    return;
  end if;

  -- write and record
  perform set_config('ledger.procedure', 'ledger_allocate_payment', true);
  v_change := ledger.allocate(v_payment.account_id, p_payment_id, v_lines, 'manual', v_actor, ledger.correlation_id(),
                              case when p_idempotency_key is not null then v_key end);

  -- answer, stored under the key
  v_result := row(true, v_change.transaction_id, null, null, null,
                  p_payment_id, v_payment.currency, v_change.allocated_amount, v_change.unapplied_amount, v_change.allocations);
  v_answer := ledger.idempotency_end('ledger_allocate_payment', p_idempotency_key, v_actor.caller_id, v_request, v_payment.account_id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."ledger_allocate_payment"(uuid, jsonb, text, uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.ledger_auto_allocate_payment (
  p_payment_id      uuid,
  p_strategy        text    DEFAULT 'fifo'::text,
  p_idempotency_key text    DEFAULT NULL::text,
  p_actor_id        uuid    DEFAULT NULL::uuid,
  p_dry_run         boolean DEFAULT false
)
  RETURNS SETOF public.ledger_auto_allocate_payment_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_strategy text := lower(p_strategy);
  v_payment public.payments;
  v_invoices uuid[];
  v_orders uuid[];
  v_lines ledger.allocation_line[];
  v_plan jsonb;
  v_change ledger.allocation_change;
  v_result public.ledger_auto_allocate_payment_result;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'payments.allocate');

  -- asked before
  v_request := jsonb_build_array(p_payment_id, p_strategy, p_actor_id, p_dry_run);
  v_answer := coalesce(
    ledger.idempotency_begin('ledger_auto_allocate_payment', p_idempotency_key, v_actor.caller_id, v_request),
    case when v_strategy is null or v_strategy <> all (ledger.allocation_strategies()) then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_strategy',
        'problem', 'one of ' || array_to_string(ledger.allocation_strategies(), ', '))) end);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_auto_allocate_payment_result, v_answer);
    return;
  end if;

  -- lock: the orders of all open invoices, account, payment; a dry run looks only
  if p_dry_run then
    select p.* into v_payment from public.payments p where p.id = p_payment_id;
  else
    v_invoices := array(
      select b.invoice_id from public.invoice_balance_cache b
      where b.account_id = (select p.account_id from public.payments p where p.id = p_payment_id) and b.remaining_amount > 0);
    v_payment := ledger.lock_for_allocation(p_payment_id, v_invoices);
    v_orders := array(select i.order_id from public.invoices i where i.id = any (v_invoices) and i.order_id is not null);
  end if;

  -- check
  v_answer := case
    when v_payment.id is null then ledger.refuse('payment_not_found', jsonb_build_object('payment_id', p_payment_id))
    when v_payment.status <> 'captured' then
      ledger.refuse('payment_conflict', jsonb_build_object('payment_id', p_payment_id, 'status', v_payment.status))
    else coalesce(ledger.refuse_during_backfill(),
      case when v_payment.unapplied_amount = 0 then ledger.refuse('nothing_to_allocate', jsonb_build_object('reason', 'the payment has no remainder')) end)
  end;
  if v_answer is null then
    select array_agg(row(l.invoice_id, l.amount)::ledger.allocation_line order by l.place), jsonb_agg(to_jsonb(l) - 'place' order by l.place)
    into v_lines, v_plan
    from ledger.plan_allocation(v_payment, v_strategy, v_orders) l;
    if v_lines is null then
      v_answer := ledger.refuse('nothing_to_allocate', jsonb_build_object('reason', 'the customer has no open invoice in ' || v_payment.currency));
    end if;
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_auto_allocate_payment_result, v_answer);
    return;
  end if;

  -- a dry run ends here
  if p_dry_run then
    select sum(l.amount) into v_change.allocated_amount from unnest(v_lines) l;
    return next row(true, null, null, null, null, p_payment_id, v_payment.currency, v_strategy, true,
                    v_change.allocated_amount, v_payment.unapplied_amount - v_change.allocated_amount, '[]'::jsonb, v_plan)
                ::public.ledger_auto_allocate_payment_result;
    return;
  end if;

  -- write and record
  perform set_config('ledger.procedure', 'ledger_auto_allocate_payment', true);
  v_change := ledger.allocate(v_payment.account_id, p_payment_id, v_lines, 'auto', v_actor, ledger.correlation_id());

  -- answer, stored under the key
  v_result := row(true, v_change.transaction_id, null, null, null, p_payment_id, v_payment.currency, v_strategy, false,
                  v_change.allocated_amount, v_change.unapplied_amount, v_change.allocations, v_plan);
  v_answer := ledger.idempotency_end('ledger_auto_allocate_payment', p_idempotency_key, v_actor.caller_id, v_request, v_payment.account_id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."ledger_auto_allocate_payment"(uuid, text, text, uuid, boolean) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.ledger_change_invoice (
  p_invoice_id       uuid,
  p_due_at           timestamp with time zone DEFAULT NULL::timestamp WITH time zone,
  p_reference        text                     DEFAULT NULL::text,
  p_notes            text                     DEFAULT NULL::text,
  p_expected_version bigint                   DEFAULT NULL::bigint,
  p_idempotency_key  text                     DEFAULT NULL::text,
  p_actor_id         uuid                     DEFAULT NULL::uuid
)
  RETURNS SETOF public.ledger_change_invoice_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_invoice public.invoices;
  v_new public.invoices;
  v_transaction public.transactions;
  v_correlation_id uuid := ledger.correlation_id();
  v_result public.ledger_change_invoice_result;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'invoices.issue');

  -- asked before
  v_request := jsonb_build_array(p_invoice_id, p_due_at, p_reference, p_notes, p_expected_version, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_change_invoice', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_change_invoice_result, v_answer);
    return;
  end if;

  -- lock: order, account, invoice
  v_invoice := ledger.lock_invoice(p_invoice_id);

  -- check
  v_answer := coalesce(
    ledger.refuse_invoice_change(v_invoice, p_invoice_id, p_expected_version),
    ledger.refuse_due_date(p_due_at),
    ledger.refuse_invoice_texts(p_reference, p_notes),
    case when num_nonnulls(p_due_at, p_reference, p_notes) = 0 then ledger.refuse('invalid_argument', jsonb_build_object(
      'argument', 'p_due_at, p_reference, p_notes', 'problem', 'say what to change')) end,
    ledger.refuse_erased(v_invoice.user_id));
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_change_invoice_result, v_answer);
    return;
  end if;

  -- write: invoice, transaction
  perform set_config('ledger.procedure', 'ledger_change_invoice', true);
  update public.invoices i set
    due_at = coalesce(p_due_at, i.due_at),
    reference = case when p_reference is null then i.reference else nullif(trim(p_reference), '') end,
    notes = case when p_notes is null then i.notes else nullif(trim(p_notes), '') end,
    version = i.version + 1,
    updated_at = clock_timestamp()
  where i.account_id = v_invoice.account_id and i.id = v_invoice.id
  returning i.* into v_new;
  v_transaction := ledger.write_transaction(
    v_invoice.account_id, 'invoice_changed', v_actor, format('invoice %s changed', v_invoice.invoice_number), v_correlation_id,
    p_order_id => v_invoice.order_id, p_reference_id => v_invoice.id);

  -- record: what it said before too
  perform ledger.record_operation('invoice.changed', case when v_invoice.order_id is null then 'invoice' else 'order' end,
    coalesce(v_invoice.order_id, v_invoice.id), v_invoice.account_id,
    ledger.balance_effect(v_transaction) || ledger.invoice_facts(v_new) || jsonb_build_object(
      'old_due_at', v_invoice.due_at, 'reference', v_new.reference, 'notes', v_new.notes),
    v_actor, v_correlation_id);

  -- answer, stored under the key
  v_result := row(true, v_transaction.id, null, null, null, v_new.id, v_new.invoice_number, v_new.due_at, v_new.reference, v_new.notes, v_new.version);
  v_answer := ledger.idempotency_end('ledger_change_invoice', p_idempotency_key, v_actor.caller_id, v_request, v_invoice.account_id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."ledger_change_invoice"(uuid, timestamp WITH time zone, text, text, bigint, text, uuid) FROM PUBLIC, "anon";

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
           and (not t.needs_payment or o.amount_due = 0)
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
  if v_new in ('shipped', 'delivered', 'rejected', 'cancelled', 'refunded') then
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

CREATE OR REPLACE FUNCTION public.ledger_confirm_payment (
  p_provider text,
  p_event    jsonb
)
  RETURNS SETOF public.ledger_confirm_payment_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_answer jsonb;
  v_step ledger.card_step;
  v_card public.card_payments;
  v_was_final boolean;
  v_is_new boolean;
  v_event jsonb;
  v_result public.ledger_confirm_payment_result;
begin
  -- who may: the backend that has verified where the event came from
  v_actor := ledger.current_actor();
  if not v_actor.is_system then
    raise exception using errcode = 'insufficient_privilege', message = 'only a backend may say what a card provider said',
      hint = 'Providers call functions/payment-webhook.';
  end if;

  -- check; an event is one thing for ever
  v_answer := ledger.refuse_card_event(p_provider, p_event);
  if v_answer is null then
    perform pg_advisory_xact_lock(hashtextextended('card event ' || p_provider || ':' || (p_event ->> 'event_id'), 0));
    v_answer := (select ledger.refuse('idempotency_conflict', jsonb_build_object('key', e.event_id, 'procedure', 'ledger_confirm_payment'))
                 from public.card_events e
                 where e.provider = p_provider and e.event_id = p_event ->> 'event_id' and e.payload_digest <> md5(p_event::text)::uuid);
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_confirm_payment_result, v_answer);
    return;
  end if;

  -- lock: the card payment by its name, then order, accounts, payments, invoices, refunds
  perform set_config('ledger.procedure', 'ledger_confirm_payment', true);
  v_card := ledger.card_payment_named(p_provider, p_event);
  if v_card.order_id is not null then
    perform ledger.lock_card_payment(v_card);
  end if;

  -- heard before: the same event has no second effect
  v_was_final := (ledger.card_facts_of(v_card)).is_final and v_card.problem is distinct from 'backfill_running';
  v_is_new := ledger.keep_card_event(v_card, p_event);

  -- write: what the events say by now, and what the books make of it
  v_step := row(v_card, p_event ->> 'event_id', v_actor, ledger.correlation_id());
  v_card := ledger.follow_card_events(v_step, v_was_final, v_is_new or v_card.problem is not null);

  -- record, and answer
  v_result := ledger.card_answer(v_card, p_event ->> 'event_id', v_is_new);
  if v_is_new then
    v_event := jsonb_build_object('card_payment_id', v_card.id, 'provider', p_provider, 'event_id', p_event ->> 'event_id',
      'kind', p_event ->> 'kind', 'status', v_card.status, 'effect', v_result.effect, 'problem', v_result.problem, 'currency', upper(p_event ->> 'currency'),
      'captured_amount', v_card.captured_amount, 'refunded_amount', v_card.refunded_amount, 'charged_back_amount', v_card.charged_back_amount);
    perform ledger.record_operation('card.' || (p_event ->> 'kind'), case when v_card.order_id is null then 'card_payment' else 'order' end,
      coalesce(v_card.order_id, v_card.id), v_card.account_id, v_event, v_actor, v_step.correlation_id);
  end if;
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."ledger_confirm_payment"(text, jsonb) FROM PUBLIC, "anon", "authenticated";

CREATE OR REPLACE FUNCTION public.ledger_credit_invoice (
  p_invoice_id       uuid,
  p_lines            jsonb  DEFAULT NULL::jsonb,
  p_amount           bigint DEFAULT NULL::bigint,
  p_reason           text   DEFAULT NULL::text,
  p_expected_version bigint DEFAULT NULL::bigint,
  p_idempotency_key  text   DEFAULT NULL::text,
  p_actor_id         uuid   DEFAULT NULL::uuid
)
  RETURNS SETOF public.ledger_credit_invoice_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_invoice public.invoices;
  v_account public.accounts;
  v_draft ledger.invoice_draft;
  v_released bigint;
  v_note public.invoices;
  v_transaction public.transactions;
  v_correlation_id uuid := ledger.correlation_id();
  v_result public.ledger_credit_invoice_result;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'invoices.issue');

  -- asked before
  v_request := jsonb_build_array(p_invoice_id, p_lines, p_amount, p_reason, p_expected_version, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_credit_invoice', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_credit_invoice_result, v_answer);
    return;
  end if;

  -- lock: account, the payments that may be released, invoice
  select a.* into v_account from public.accounts a
  where a.id = (select i.account_id from public.invoices i where i.id = p_invoice_id and i.order_id is null)
  for no key update;
  perform from public.payments p
  where p.account_id = v_account.id and p.id in (select l.payment_id from ledger.live_allocations(v_account.id, p_invoice_id) l)
  order by p.id for no key update;
  v_invoice := ledger.lock_invoice(p_invoice_id);

  -- check
  v_answer := coalesce(ledger.refuse_invoice_change(v_invoice, p_invoice_id, p_expected_version), case
    when v_invoice.order_id is not null then ledger.refuse('order_invoice', jsonb_build_object('invoice_number', v_invoice.invoice_number,
      'order_number', (select o.order_number from public.orders o where o.account_id = v_invoice.account_id and o.id = v_invoice.order_id)))
    when length(p_reason) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'at most 2000 characters'))
  end, ledger.refuse_erased(v_invoice.user_id));
  if v_answer is null then
    v_draft := ledger.draft_of_credit(v_invoice, p_lines, p_amount);
    v_released := greatest(v_draft.total_amount - (select b.remaining_amount from public.invoice_balance_cache b
                                                   where b.account_id = v_account.id and b.invoice_id = v_invoice.id), 0);
    v_answer := coalesce(v_draft.refusal, case when v_released > 0 then ledger.refuse_during_backfill() end);
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_credit_invoice_result, v_answer);
    return;
  end if;

  -- write: what was paid beyond what is left, an operation of its own; then note, invoice, its balance
  perform set_config('ledger.procedure', 'ledger_credit_invoice', true);
  if v_released > 0 then
    perform ledger.release_allocations(v_account.id, v_invoice.id, v_released, v_actor, coalesce(p_reason, 'invoice credited'), v_correlation_id);
  end if;
  v_draft.billing_address := v_invoice.billing_address;
  v_draft.customer_name := v_invoice.customer_name;
  v_draft.notes := p_reason;
  v_note := ledger.insert_invoice(v_account, 'credit_note', null, v_invoice.id, null, v_draft, v_actor);
  update public.invoices i set credited_amount = i.credited_amount + v_note.total_amount, version = i.version + 1, updated_at = clock_timestamp()
  where i.account_id = v_account.id and i.id = v_invoice.id
  returning i.* into v_invoice;
  update public.invoice_balance_cache b set amount = v_invoice.amount, version = b.version + 1, updated_at = clock_timestamp()
  where b.account_id = v_account.id and b.invoice_id = v_invoice.id
  returning b.remaining_amount into v_result.remaining_amount;

  -- write: transaction, postings, debt
  v_transaction := ledger.write_transaction(
    v_account.id, 'invoice_credited', v_actor, coalesce(p_reason, format('invoice %s credited', v_invoice.invoice_number)), v_correlation_id,
    p_reference_id => v_note.id);
  perform ledger.write_postings(v_transaction, v_account.currency, ledger.reversed(ledger.invoice_legs(v_note)));

  -- record
  perform ledger.record_operation('invoice.credited', 'invoice', v_invoice.id, v_account.id,
    ledger.balance_effect(v_transaction) || ledger.write_debt_movement(v_transaction, p_invoiced => -v_note.total_amount)
      || ledger.invoice_facts(v_invoice) || jsonb_build_object(
        'credit_note_id', v_note.id, 'credit_note_number', v_note.invoice_number, 'credit_note_amount', v_note.total_amount,
        'released_amount', v_released, 'remaining_amount', v_result.remaining_amount, 'reason', p_reason),
    v_actor, v_correlation_id);

  -- answer, stored under the key
  v_result := row(true, v_transaction.id, null, null, null, v_invoice.id, v_note.id, v_note.invoice_number, v_note.total_amount, v_note.tax_amount,
                  v_released, v_result.remaining_amount, v_invoice.version);
  v_answer := ledger.idempotency_end('ledger_credit_invoice', p_idempotency_key, v_actor.caller_id, v_request, v_account.id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."ledger_credit_invoice"(uuid, jsonb, bigint, text, bigint, text, uuid) FROM PUBLIC, "anon";

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
                  ledger.payment_status_after_edit(v_order, v_edit.total_amount, v_money), v_edit.changes, v_order.status, null);
  if p_dry_run then
    return next v_result;
    return;
  end if;

  -- write: order, lines, stock, refund, transaction, postings, discount
  perform set_config('ledger.procedure', 'ledger_edit_order', true);
  v_new := ledger.settle_payment_deadline(ledger.write_edited_order(v_order, v_edit, v_money));
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
  v_result.payment_status := v_new.payment_status;
  v_result.version := (select o.version from public.orders o where o.account_id = v_order.account_id and o.id = v_order.id);
  v_result.order_status := coalesce(v_change.order_status, v_result.order_status);
  v_result.refund_id := v_refund_id;
  v_answer := ledger.idempotency_end('ledger_edit_order', v_key, v_actor.caller_id, v_request, v_order.account_id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

CREATE OR REPLACE FUNCTION public.ledger_extend_grace (
  p_order_id        uuid,
  p_until           timestamp with time zone,
  p_reason          text                     DEFAULT NULL::text,
  p_idempotency_key text                     DEFAULT NULL::text,
  p_actor_id        uuid                     DEFAULT NULL::uuid
)
  RETURNS SETOF public.ledger_extend_grace_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_order public.orders;
  v_transaction public.transactions;
  v_correlation_id uuid := ledger.correlation_id();
  v_result public.ledger_extend_grace_result;
begin
  -- who may
  v_actor := ledger.actor_with(p_actor_id, 'grace.grant');

  -- asked before
  v_request := jsonb_build_array(p_order_id, p_until, p_reason, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_extend_grace', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_extend_grace_result, v_answer);
    return;
  end if;

  -- lock: order, account
  select o.* into v_order from public.orders o where o.id = p_order_id for no key update;
  perform from public.accounts a where a.id = v_order.account_id for no key update;

  -- check
  v_answer := case
    when v_order.id is null then ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id))
    when p_until is null or p_until <= clock_timestamp() or p_until > clock_timestamp() + interval '366 days' then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_until', 'problem', 'a time from now on, within a year'))
    when length(p_reason) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'at most 2000 characters'))
    else ledger.refuse_grace(v_order, p_until)
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_extend_grace_result, v_answer);
    return;
  end if;

  -- write: order, transaction; while a receipt is looked at the order goes on saying so
  perform set_config('ledger.procedure', 'ledger_extend_grace', true);
  update public.orders o set
    payment_status = case o.payment_status when 'receipt_uploaded' then o.payment_status else 'in_grace' end,
    version = o.version + 1,
    updated_at = clock_timestamp()
  where o.account_id = v_order.account_id and o.id = v_order.id
  returning o.* into v_order;
  v_transaction := ledger.write_transaction(
    v_order.account_id, 'grace_granted', v_actor, coalesce(p_reason, 'time to pay granted'), v_correlation_id, p_order_id => v_order.id);

  -- write and record: deadline, with its event
  perform ledger.grant_grace(v_order, p_until, v_actor, v_correlation_id,
                             ledger.balance_effect(v_transaction) || jsonb_build_object('reason', p_reason));

  -- answer, stored under the key
  v_result := row(true, v_transaction.id, null, null, null, v_order.id, v_order.payment_status, p_until,
                  (select d.extensions from public.payment_deadlines d where d.order_id = v_order.id), v_order.outstanding_amount);
  v_answer := ledger.idempotency_end('ledger_extend_grace', p_idempotency_key, v_actor.caller_id, v_request, v_order.account_id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."ledger_extend_grace"(uuid, timestamp WITH time zone, text, text, uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.ledger_issue_invoice (
  p_order_id           uuid                     DEFAULT NULL::uuid,
  p_user_id            uuid                     DEFAULT NULL::uuid,
  p_lines              jsonb                    DEFAULT NULL::jsonb,
  p_currency           text                     DEFAULT NULL::text,
  p_due_at             timestamp with time zone DEFAULT NULL::timestamp WITH time zone,
  p_series             text                     DEFAULT 'invoice'::text,
  p_prices_include_tax boolean                  DEFAULT NULL::boolean,
  p_billing_address    jsonb                    DEFAULT NULL::jsonb,
  p_reference          text                     DEFAULT NULL::text,
  p_notes              text                     DEFAULT NULL::text,
  p_idempotency_key    text                     DEFAULT NULL::text,
  p_actor_id           uuid                     DEFAULT NULL::uuid
)
  RETURNS SETOF public.ledger_issue_invoice_result
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
  v_currency text;
  v_invoice_number text;
  v_draft ledger.invoice_draft;
  v_issued ledger.issued_invoice;
  v_result public.ledger_issue_invoice_result;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'invoices.issue');

  -- asked before
  v_request := jsonb_build_array(p_order_id, p_user_id, p_lines, p_currency, p_due_at, p_series, p_prices_include_tax, p_billing_address,
                                 p_reference, p_notes, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_issue_invoice', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_issue_invoice_result, v_answer);
    return;
  end if;

  -- lock: order, account
  if p_order_id is not null then
    select o.* into v_order from public.orders o where o.id = p_order_id and (p_user_id is null or o.user_id = p_user_id) for no key update;
    v_currency := v_order.currency;
    select a.* into v_account from public.accounts a where a.id = v_order.account_id for no key update;
  elsif p_user_id is not null then
    v_currency := upper(coalesce(p_currency, ledger.setting_text('default_currency')));
    v_account := ledger.lock_account(p_user_id, v_currency, p_open => false);
  end if;

  -- check
  v_invoice_number := ledger.live_invoice_number(v_order.account_id, v_order.id);
  v_answer := case
    when p_order_id is null and p_user_id is null then ledger.refuse('customer_required')
    when p_order_id is not null and v_order.id is null then ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id))
    when p_order_id is not null and (p_lines is not null or p_prices_include_tax is not null or upper(p_currency) <> v_currency) then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_lines, p_prices_include_tax, p_currency',
        'problem', 'are those of the order, leave them out'))
    when v_order.status in ('rejected', 'cancelled', 'refunded') then
      ledger.refuse('invoice_not_possible', jsonb_build_object('order_number', v_order.order_number, 'status', v_order.status))
    when v_invoice_number is not null then
      ledger.refuse('order_invoiced', jsonb_build_object('order_number', v_order.order_number, 'invoice_number', v_invoice_number))
    else coalesce(
      case when v_account.id is null then ledger.refuse_opening(p_user_id, v_currency) else ledger.refuse_erased(v_account.user_id) end,
      ledger.refuse_invoice_series(p_series), ledger.refuse_due_date(p_due_at),
      ledger.refuse_invoice_texts(p_reference, p_notes, p_billing_address))
  end;
  if v_answer is null then
    v_draft := case when p_order_id is not null then ledger.draft_of_order(v_order)
      else ledger.draft_of_lines(p_lines, coalesce(p_prices_include_tax, ledger.setting_text('prices_include_tax')::boolean)) end;
    v_answer := coalesce(v_draft.refusal, ledger.refuse_claim(v_account.id, v_draft.total_amount - v_draft.prepaid_amount));
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_issue_invoice_result, v_answer);
    return;
  end if;

  -- write and record: account if it is the first of it, invoice with its number, transaction, postings, debt, event
  perform set_config('ledger.procedure', 'ledger_issue_invoice', true);
  if v_account.id is null then
    insert into public.accounts (id, user_id, currency) values (ledger.account_id(p_user_id, v_currency), p_user_id, v_currency)
    returning * into v_account;
  end if;
  v_draft.series := p_series;
  v_draft.due_at := p_due_at;
  v_draft.billing_address := coalesce(p_billing_address, v_draft.billing_address);
  v_draft.reference := nullif(trim(p_reference), '');
  v_draft.notes := nullif(trim(p_notes), '');
  v_issued := ledger.write_invoice(v_account, v_order, v_draft, v_actor, ledger.correlation_id());

  -- answer, stored under the key
  v_result := row(true, v_issued.transaction_id, null, null, null, v_issued.invoice_id, v_issued.invoice_number, p_order_id, v_currency,
                  v_draft.total_amount, v_draft.tax_amount, v_draft.prepaid_amount, v_issued.amount, v_issued.due_at, v_issued.version);
  v_answer := ledger.idempotency_end('ledger_issue_invoice', p_idempotency_key, v_actor.caller_id, v_request, v_account.id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."ledger_issue_invoice"(uuid, uuid, jsonb, text, timestamp WITH time zone, text, boolean, jsonb, text, text, text, uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.ledger_match_card_payment (
  p_card_payment_id uuid,
  p_order_id        uuid DEFAULT NULL::uuid,
  p_notes           text DEFAULT NULL::text,
  p_idempotency_key text DEFAULT NULL::text,
  p_actor_id        uuid DEFAULT NULL::uuid
)
  RETURNS SETOF public.ledger_match_card_payment_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_card public.card_payments;
  v_new public.card_payments;
  v_order public.orders;
  v_is_handled boolean := p_order_id is null and nullif(trim(p_notes), '') is not null;
  v_was_final boolean;
  v_last_booking uuid;
  v_correlation_id uuid := ledger.correlation_id();
  v_result public.ledger_match_card_payment_result;
begin
  -- who may
  v_actor := ledger.actor_with(p_actor_id, 'payments.record');

  -- asked before
  v_request := jsonb_build_array(p_card_payment_id, p_order_id, p_notes, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_match_card_payment', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_match_card_payment_result, v_answer);
    return;
  end if;

  -- lock: the card payment by its name, then its order, or the one it is to have, accounts, payments, invoices, refunds
  select c.* into v_card from public.card_payments c where c.id = p_card_payment_id;
  v_card := ledger.lock_card_by_name(v_card.provider, v_card.provider_payment_id);
  select o.* into v_order from public.orders o where o.id = coalesce(p_order_id, v_card.order_id);
  v_answer := ledger.refuse_card_match(v_card, v_order, p_card_payment_id, p_order_id, p_notes);
  if v_answer is null and v_order.id is not null then
    v_new := v_card;
    v_new.order_id := v_order.id;
    v_new.account_id := v_order.account_id;
    perform ledger.lock_card_payment(v_new);

    -- check again: the customer may have been erased meanwhile
    v_answer := ledger.refuse_card_match(v_card, v_order, p_card_payment_id, p_order_id, p_notes);
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_match_card_payment_result, v_answer);
    return;
  end if;

  -- write: card payment, and what the books make of it
  perform set_config('ledger.procedure', 'ledger_match_card_payment', true);
  update public.card_payments c set
    order_id = v_order.id,
    account_id = v_order.account_id,
    currency = v_order.currency,
    handled_at = case when v_is_handled then clock_timestamp() else c.handled_at end,
    handled_by = case when v_is_handled then v_actor.user_id else c.handled_by end,
    handled_notes = case when v_is_handled then p_notes else c.handled_notes end,
    updated_at = clock_timestamp()
  where c.id = v_card.id
  returning c.* into v_new;
  v_last_booking := (select max(b.id::text)::uuid from public.card_bookings b where b.card_payment_id = v_card.id);
  if not v_is_handled then
    -- of one that the books know nothing of, they do not know that it is final either
    v_was_final := v_card.order_id is not null and v_card.problem is distinct from 'backfill_running'
                   and (ledger.card_facts_of(v_card)).is_final;
    v_new := ledger.follow_card_events(
      row(v_new,
          (select e.event_id from public.card_events e where e.card_payment_id = v_card.id order by e.created_at desc, e.event_id desc limit 1),
          v_actor, v_correlation_id)::ledger.card_step,
      v_was_final, true);
  end if;

  -- record; words about nobody that is known are not put where they can never be removed
  perform ledger.record_operation(case when v_is_handled then 'card.handled' else 'card.matched' end,
    case when v_order.id is null then 'card_payment' else 'order' end, coalesce(v_order.id, v_card.id), v_order.account_id,
    jsonb_build_object('card_payment_id', v_card.id, 'provider', v_card.provider, 'status', v_new.status, 'problem', v_new.problem,
      'order_number', v_order.order_number, 'currency', v_order.currency, 'captured_amount', v_new.captured_amount,
      'refunded_amount', v_new.refunded_amount, 'charged_back_amount', v_new.charged_back_amount)
      || case when v_order.id is null then '{}' else jsonb_build_object('notes', p_notes) end,
    v_actor, v_correlation_id);

  -- answer, stored under the key
  select o.* into v_order from public.orders o where o.id = v_order.id;
  v_result := row(true,
    (select b.transaction_id from public.card_bookings b
     where b.card_payment_id = v_card.id and (v_last_booking is null or b.id > v_last_booking) and b.transaction_id is not null
     order by b.id desc limit 1),
    null, null, null, v_card.id, v_order.id, v_new.status, v_new.problem, v_new.handled_at, v_new.captured_amount,
    v_new.refunded_amount, v_new.charged_back_amount, v_order.status, v_order.payment_status, v_order.outstanding_amount);
  v_answer := ledger.idempotency_end('ledger_match_card_payment', p_idempotency_key, v_actor.caller_id, v_request, v_order.account_id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."ledger_match_card_payment"(uuid, uuid, text, text, uuid) FROM PUBLIC, "anon";

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
  v_stock ledger.slots_to_place;
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
      v_stock := ledger.lock_slots_for(v_pricing.variant_ids, v_pricing.quantities, v_pricing.thresholds, p_reservation_id);
      v_answer := v_stock.refusal;
    end if;
    if v_answer is not null and v_pricing.stock_is_plain and ledger.lock_slots_opened_since(v_pricing.variant_ids) then
      v_pricing.stock_is_plain := false;
      v_stock := ledger.lock_slots_for(v_pricing.variant_ids, v_pricing.quantities, null, null);
      v_answer := v_stock.refusal;
    end if;
    -- where both are short, the stock is what the customer reads about (source 003: stock, then balance)
    if v_answer is null and v_wallet_amount is null then
      v_answer := ledger.refuse_wallet_part(p_payment_method, p_wallet_amount, v_pricing.total_amount, v_available, v_pricing.currency);
    end if;
  end if;
  if p_payment_method in ('bank_transfer_grace', 'invoice') and v_answer is null then
    v_answer := ledger.refuse_owing(p_payment_method, ledger.account_id(v_user_id, v_pricing.currency), v_pricing.currency, v_pricing.total_amount);
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
     ledger.first_status(v_wallet_amount = v_pricing.total_amount, p_payment_method, v_settings),
     case when v_wallet_amount = v_pricing.total_amount then 'paid'
          when v_wallet_amount > 0 then 'partially_paid'
          when p_payment_method = 'bank_transfer_grace' then 'in_grace' else 'unpaid' end,
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
  elsif v_stock.slots is not null then
    v_written := ledger.move_in_slots(v_pricing.variant_ids, v_stock.slots, v_pricing.quantities, null, 'order_placed', v_actor, v_order_id);
  else
    v_written := ledger.apply_stock_plan(v_stock.plan, 'order_placed', v_actor, v_order_id, v_account_id, ledger.correlation_id());
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

  -- what is due may wait: deadline or invoice, with their records
  if p_payment_method in ('bank_transfer_grace', 'invoice') and v_wallet_amount < v_pricing.total_amount then
    perform ledger.begin_owing(v_order_id, v_transaction_id, v_settings, v_actor);
  end if;

  -- answer, stored under the key
  v_result := row(true, v_transaction_id, null, null, null, v_order_id, v_order_number, v_status, v_payment_status,
                  v_pricing.currency, v_pricing.total_amount, v_wallet_amount, v_pricing.total_amount - v_wallet_amount, v_available);
  if p_idempotency_key is not null then
    v_answer := ledger.idempotency_end('ledger_place_order', p_idempotency_key, v_actor.caller_id, v_request, v_account_id, to_jsonb(v_result));
  end if;
  v_phase := set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

CREATE OR REPLACE FUNCTION public.ledger_record_payment (
  p_order_id        uuid                     DEFAULT NULL::uuid,
  p_amount          bigint                   DEFAULT NULL::bigint,
  p_method          text                     DEFAULT 'bank_transfer'::text,
  p_reference       text                     DEFAULT NULL::text,
  p_notes           text                     DEFAULT NULL::text,
  p_idempotency_key text                     DEFAULT NULL::text,
  p_actor_id        uuid                     DEFAULT NULL::uuid,
  p_invoice_id      uuid                     DEFAULT NULL::uuid,
  p_user_id         uuid                     DEFAULT NULL::uuid,
  p_currency        text                     DEFAULT NULL::text,
  p_paid_at         timestamp with time zone DEFAULT NULL::timestamp WITH time zone
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
  v_currency text := upper(coalesce(p_currency, ledger.setting_text('default_currency')));
  v_order public.orders;
  v_account public.accounts;
  v_captured ledger.captured_payment;
  v_result public.ledger_record_payment_result;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'payments.record');

  -- asked before
  v_request := jsonb_build_array(p_order_id, p_amount, p_method, p_reference, p_notes, p_actor_id, p_invoice_id, p_user_id, p_currency, p_paid_at);
  v_answer := ledger.idempotency_begin('ledger_record_payment', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_record_payment_result, v_answer);
    return;
  end if;

  -- check what needs no lock
  v_answer := ledger.refuse_payment(p_amount, p_method, p_reference, p_notes, p_paid_at,
                                    num_nonnulls(p_order_id, p_invoice_id, p_user_id), p_user_id is null and p_currency is not null);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_record_payment_result, v_answer);
    return;
  end if;

  -- lock: order (that of an invoice, the invoice says for good), account
  select o.* into v_order
  from public.orders o
  where o.id = coalesce(p_order_id, (select i.order_id from public.invoices i where i.id = p_invoice_id))
  for no key update;
  if p_user_id is not null then
    v_account := ledger.lock_account(p_user_id, v_currency, p_open => false);
  else
    select a.* into v_account
    from public.accounts a
    where a.id = coalesce(v_order.account_id, (select i.account_id from public.invoices i where i.id = p_invoice_id))
    for no key update;
  end if;

  -- check
  v_answer := case
    when p_order_id is not null and v_order.id is null then ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id))
    when p_invoice_id is not null then ledger.refuse_invoice(v_account.id, p_invoice_id)
    when p_user_id is not null and v_account.id is null then ledger.refuse_opening(p_user_id, v_currency)
  end;
  if v_answer is null then
    if v_account.id is null then
      -- opened with its first payment
      v_account.id := ledger.account_id(p_user_id, v_currency);
      v_account.user_id := p_user_id;
      v_account.currency := v_currency;
    end if;
    -- write and record; its refusals come first
    perform set_config('ledger.procedure', 'ledger_record_payment', true);
    v_captured := ledger.capture_payment(v_account, v_order, p_invoice_id, p_amount, p_method, p_reference, p_notes, 'recorded', v_actor,
                                         ledger.correlation_id(), p_paid_at => p_paid_at);
    v_answer := v_captured.refusal;
  end if;
  if v_answer is not null then
    perform set_config('ledger.procedure', '', true);
    return next jsonb_populate_record(null::public.ledger_record_payment_result, v_answer);
    return;
  end if;

  -- answer, stored under the key
  v_result := row(true, v_captured.transaction_id, null, null, null, v_order.id, v_captured.payment_id, p_amount, v_captured.applied_amount,
                  v_captured.credit_amount, v_captured.order_status, v_captured.payment_status, v_captured.outstanding_amount,
                  case when ledger.has_permission(v_actor, 'accounts.read') then v_captured.available_balance end,
                  v_captured.allocated_amount, v_captured.unapplied_amount, v_captured.invoice_id, v_account.user_id);
  v_answer := ledger.idempotency_end('ledger_record_payment', p_idempotency_key, v_actor.caller_id, v_request, v_account.id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."ledger_record_payment"(uuid, bigint, text, text, text, text, uuid, uuid, uuid, text, timestamp WITH time zone) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.ledger_release_payment (
  p_payment_id      uuid,
  p_amount          bigint DEFAULT NULL::bigint,
  p_reason          text   DEFAULT NULL::text,
  p_idempotency_key text   DEFAULT NULL::text,
  p_actor_id        uuid   DEFAULT NULL::uuid
)
  RETURNS SETOF public.ledger_release_payment_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_payment public.payments;
  v_order public.orders;
  v_account public.accounts;
  v_amount bigint;
  v_transaction public.transactions;
  v_result public.ledger_release_payment_result;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'payments.record');

  -- asked before
  v_request := jsonb_build_array(p_payment_id, p_amount, p_reason, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_release_payment', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_release_payment_result, v_answer);
    return;
  end if;

  -- lock: order and account (which ones, the payment says for good), payment
  select p.* into v_payment from public.payments p where p.id = p_payment_id;
  select o.* into v_order from public.orders o where o.id = v_payment.order_id for no key update;
  select a.* into v_account from public.accounts a where a.id = v_payment.account_id for no key update;
  select p.* into v_payment from public.payments p where p.account_id = v_account.id and p.id = p_payment_id for no key update;

  -- check
  v_amount := coalesce(p_amount, v_payment.unapplied_amount);
  v_answer := case
    when v_payment.id is null then ledger.refuse('payment_not_found', jsonb_build_object('payment_id', p_payment_id))
    when p_amount <= 0 then ledger.refuse('invalid_amount', jsonb_build_object('amount', p_amount, 'expected', 'above zero'))
    when length(p_reason) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'at most 2000 characters'))
    when v_payment.status <> 'captured' then
      ledger.refuse('payment_conflict', jsonb_build_object('payment_id', p_payment_id, 'status', v_payment.status))
    when v_amount = 0 or v_amount > v_payment.unapplied_amount then ledger.refuse('nothing_unapplied', jsonb_build_object(
      'payment_id', p_payment_id, 'currency', v_payment.currency, 'amount', v_amount, 'left', v_payment.unapplied_amount))
    when v_account.total_earned + v_amount > 9007199254740991 then
      ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
    -- flags may mean it for an invoice
    else coalesce(ledger.refuse_erased(v_account.user_id), case when v_payment.source = 'import' then ledger.refuse_during_backfill() end)
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_release_payment_result, v_answer);
    return;
  end if;

  -- write: payment, transaction, posting
  perform set_config('ledger.procedure', 'ledger_release_payment', true);
  update public.payments p set credit_amount = p.credit_amount + v_amount, updated_at = clock_timestamp()
  where p.account_id = v_account.id and p.id = p_payment_id
  returning p.* into v_payment;
  v_transaction := ledger.write_transaction(
    v_account.id, 'payment_released', v_actor, coalesce(p_reason, 'payment released'), ledger.correlation_id(),
    p_earned => v_amount, p_order_id => v_payment.order_id, p_reference_id => p_payment_id);
  perform ledger.write_postings(v_transaction, v_payment.currency, array[row('unapplied_payments', 'wallet', v_amount)]::ledger.posting_leg[]);

  -- record
  perform ledger.record_operation('payment.released', case when v_order.id is null then 'payment' else 'order' end,
    coalesce(v_order.id, p_payment_id), v_account.id,
    ledger.balance_effect(v_transaction, p_earned => v_amount)
      || ledger.write_debt_movement(v_transaction, p_unapplied => -v_amount)
      || jsonb_build_object(
      'order_number', v_order.order_number, 'payment_id', p_payment_id, 'currency', v_payment.currency, 'released_amount', v_amount,
      'unapplied_amount', v_payment.unapplied_amount, 'reason', p_reason),
    v_actor, v_transaction.correlation_id);

  -- answer, stored under the key
  v_result := row(true, v_transaction.id, null, null, null, p_payment_id, v_payment.order_id, v_amount, v_payment.credit_amount,
                  v_payment.unapplied_amount,
                  case when ledger.has_permission(v_actor, 'accounts.read') then v_transaction.balance_after end);
  v_answer := ledger.idempotency_end('ledger_release_payment', p_idempotency_key, v_actor.caller_id, v_request, v_account.id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."ledger_release_payment"(uuid, bigint, text, text, uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.ledger_reverse_allocation (
  p_allocation_id   uuid,
  p_reason          text DEFAULT NULL::text,
  p_idempotency_key text DEFAULT NULL::text,
  p_actor_id        uuid DEFAULT NULL::uuid
)
  RETURNS SETOF public.ledger_reverse_allocation_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_allocation public.payment_allocations;
  v_order public.orders;
  v_change ledger.allocation_change;
  v_result public.ledger_reverse_allocation_result;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'payments.allocate');

  -- asked before
  v_request := jsonb_build_array(p_allocation_id, p_reason, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_reverse_allocation', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_reverse_allocation_result, v_answer);
    return;
  end if;

  -- lock: order, account, payment, invoice; a row of allocations never changes
  select l.* into v_allocation from public.payment_allocations l where l.id = p_allocation_id;
  perform ledger.lock_for_allocation(v_allocation.payment_id, array[v_allocation.invoice_id]);
  select o.* into v_order
  from public.orders o
  where o.account_id = v_allocation.account_id
    and o.id = (select i.order_id from public.invoices i where i.account_id = v_allocation.account_id and i.id = v_allocation.invoice_id);

  -- check
  v_answer := case
    when v_allocation.id is null then ledger.refuse('allocation_not_found', jsonb_build_object('allocation_id', p_allocation_id))
    when length(p_reason) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'at most 2000 characters'))
    when v_allocation.reverses_allocation_id is not null then
      ledger.refuse('allocation_conflict', jsonb_build_object('allocation_id', p_allocation_id, 'problem', 'is a reversal itself'))
    when exists (select from public.payment_allocations r where r.reverses_allocation_id = p_allocation_id) then
      ledger.refuse('allocation_conflict', jsonb_build_object('allocation_id', p_allocation_id, 'problem', 'is reversed already'))
    when v_allocation.allocated_amount > ledger.held_from_outside(v_order) then
      ledger.refuse('payment_already_used', jsonb_build_object('currency', v_order.currency, 'amount', v_allocation.allocated_amount,
        'left', ledger.held_from_outside(v_order), 'where', 'with the order ' || v_order.order_number))
    else ledger.refuse_during_backfill()
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_reverse_allocation_result, v_answer);
    return;
  end if;

  -- write and record
  perform set_config('ledger.procedure', 'ledger_reverse_allocation', true);
  v_change := ledger.reverse_allocations(v_allocation.account_id, array[p_allocation_id], v_actor, p_reason, ledger.correlation_id());

  -- answer, stored under the key
  v_result := row(true, v_change.transaction_id, null, null, null,
                  p_allocation_id, v_allocation.payment_id, v_allocation.invoice_id, v_allocation.allocated_amount,
                  (v_change.allocations #>> '{0,remaining_amount}')::bigint, v_change.unapplied_amount, v_change.allocations);
  v_answer := ledger.idempotency_end('ledger_reverse_allocation', p_idempotency_key, v_actor.caller_id, v_request, v_allocation.account_id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."ledger_reverse_allocation"(uuid, text, text, uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.ledger_review_receipt (
  p_receipt_id      uuid,
  p_action          text,
  p_amount          bigint DEFAULT NULL::bigint,
  p_notes           text   DEFAULT NULL::text,
  p_idempotency_key text   DEFAULT NULL::text,
  p_actor_id        uuid   DEFAULT NULL::uuid
)
  RETURNS SETOF public.ledger_review_receipt_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_action text := lower(trim(p_action));
  v_receipt public.payment_receipts;
  v_order public.orders;
  v_account public.accounts;
  v_payment ledger.captured_payment;
  v_correlation_id uuid := ledger.correlation_id();
  v_result public.ledger_review_receipt_result;
begin
  -- who may
  v_actor := ledger.actor_with(p_actor_id, 'receipts.review');

  -- asked before
  v_request := jsonb_build_array(p_receipt_id, v_action, p_amount, p_notes, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_review_receipt', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_review_receipt_result, v_answer);
    return;
  end if;

  -- lock: order and account (which ones, the receipt says for good), receipt
  select r.* into v_receipt from public.payment_receipts r where r.id = p_receipt_id;
  select o.* into v_order from public.orders o where o.account_id = v_receipt.account_id and o.id = v_receipt.order_id for no key update;
  select a.* into v_account from public.accounts a where a.id = v_receipt.account_id for no key update;
  select r.* into v_receipt from public.payment_receipts r where r.account_id = v_account.id and r.id = p_receipt_id for no key update;

  -- check
  v_answer := case
    when v_action is null or v_action not in ('approve', 'reject', 'hand_back') then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_action', 'problem', 'one of approve, reject, hand_back'))
    when v_receipt.id is null then ledger.refuse('receipt_not_found', jsonb_build_object('receipt_id', p_receipt_id))
    when v_actor.user_id = v_receipt.user_id then ledger.refuse('own_receipt')
    when length(p_notes) > 2000 or (v_action <> 'approve' and coalesce(trim(p_notes), '') = '') then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_notes',
        'problem', 'at most 2000 characters; who rejects a receipt or hands it back says why'))
    when v_action <> 'approve' and p_amount is not null then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_amount', 'problem', 'only what is approved has an amount'))
    when v_receipt.status <> 'submitted' then ledger.refuse('receipt_conflict', jsonb_build_object(
      'status', v_receipt.status, 'wanted', v_action, 'expected', 'submitted'))
    when p_amount not between 1 and v_receipt.amount then
      ledger.refuse('invalid_amount', jsonb_build_object('amount', p_amount, 'expected', 'from 1 to the ' || v_receipt.amount || ' of the receipt'))
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_review_receipt_result, v_answer);
    return;
  end if;

  -- write: what is approved becomes a payment, of its order as it is without a receipt under review; one for an invoice that is void is on account
  perform set_config('ledger.procedure', 'ledger_review_receipt', true);
  if v_action = 'approve' then
    v_order.payment_status := ledger.payment_status_without(v_order, v_receipt.id);
    v_payment := ledger.capture_payment(v_account, v_order,
      (select i.id from public.invoices i
       where i.account_id = v_account.id and i.id = v_receipt.invoice_id and i.order_id is null and i.status = 'issued'),
      coalesce(p_amount, v_receipt.amount), 'bank_transfer', v_receipt.reference, p_notes, 'receipt', v_actor, v_correlation_id,
      p_confirm => true, p_paid_at => v_receipt.paid_on::timestamp at time zone 'UTC');
    if v_payment.refusal is not null then
      perform set_config('ledger.procedure', '', true);
      return next jsonb_populate_record(null::public.ledger_review_receipt_result, v_payment.refusal);
      return;
    end if;
    select o.* into v_order from public.orders o where o.account_id = v_account.id and o.id = v_order.id;
  else
    v_order := ledger.set_payment_status(v_order, ledger.payment_status_without(v_order, v_receipt.id));
  end if;

  -- write: receipt
  update public.payment_receipts r set
    status = case v_action when 'reject' then 'rejected' when 'hand_back' then 'handed_back'
                           else case when p_amount < r.amount then 'partly_approved' else 'approved' end end,
    approved_amount = case v_action when 'approve' then coalesce(p_amount, r.amount) end,
    payment_id = v_payment.payment_id,
    reviewed_by = v_actor.user_id,
    reviewed_at = clock_timestamp(),
    review_notes = p_notes,
    updated_at = clock_timestamp()
  where r.account_id = v_account.id and r.id = v_receipt.id
  returning r.* into v_receipt;

  -- record: the payment has its own
  perform ledger.record_receipt('receipt.' || v_receipt.status, v_receipt, v_order, p_notes, v_actor, v_correlation_id);

  -- answer, stored under the key
  v_result := row(true, v_payment.transaction_id, null, null, null, v_receipt.id, v_receipt.status, v_receipt.order_id, v_receipt.invoice_id,
                  v_payment.payment_id, v_receipt.approved_amount, v_payment.applied_amount, v_payment.allocated_amount,
                  v_payment.credit_amount, v_payment.unapplied_amount, v_order.status, v_order.payment_status, v_order.outstanding_amount,
                  case when ledger.has_permission(v_actor, 'accounts.read') then coalesce(v_payment.available_balance, v_account.available_balance) end);
  v_answer := ledger.idempotency_end('ledger_review_receipt', p_idempotency_key, v_actor.caller_id, v_request, v_account.id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."ledger_review_receipt"(uuid, text, bigint, text, text, uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.ledger_set_credit_terms (
  p_user_id             uuid,
  p_currency            text    DEFAULT NULL::text,
  p_credit_limit_amount bigint  DEFAULT NULL::bigint,
  p_due_days            integer DEFAULT NULL::integer,
  p_max_grace_orders    integer DEFAULT NULL::integer,
  p_reason              text    DEFAULT NULL::text,
  p_idempotency_key     text    DEFAULT NULL::text,
  p_actor_id            uuid    DEFAULT NULL::uuid
)
  RETURNS SETOF public.ledger_set_credit_terms_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_currency text := upper(coalesce(p_currency, ledger.setting_text('default_currency')));
  v_account_id uuid;
  v_before public.credit_terms;
  v_terms public.credit_terms;
  v_transaction public.transactions;
  v_correlation_id uuid := ledger.correlation_id();
  v_result public.ledger_set_credit_terms_result;
begin
  -- who may
  v_actor := ledger.actor_with(p_actor_id, 'credit.grant');

  -- asked before
  v_request := jsonb_build_array(p_user_id, p_currency, p_credit_limit_amount, p_due_days, p_max_grace_orders, p_reason, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_set_credit_terms', p_idempotency_key, v_actor.caller_id, v_request);

  -- check what needs no lock
  v_answer := case
    when v_answer is not null then v_answer
    when p_user_id is null then ledger.refuse('customer_required')
    when p_credit_limit_amount < 0 then
      ledger.refuse('invalid_amount', jsonb_build_object('amount', p_credit_limit_amount, 'expected', 'zero or above'))
    when p_credit_limit_amount > 9007199254740991 then
      ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
    when p_due_days not between 0 and 365 or p_max_grace_orders not between 0 and 1000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_due_days, p_max_grace_orders',
        'problem', 'days from 0 to 365, orders from 0 to 1000'))
    when length(p_reason) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'at most 2000 characters'))
  end;

  -- lock: account; its customer may be gone, or be no customer yet
  if v_answer is null then
    select a.id into v_account_id from ledger.lock_account(p_user_id, v_currency, p_open => false) a;
    v_answer := case when v_account_id is null then ledger.refuse_opening(p_user_id, v_currency) else ledger.refuse_erased(p_user_id) end;
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_set_credit_terms_result, v_answer);
    return;
  end if;

  -- write: account, terms, transaction
  perform set_config('ledger.procedure', 'ledger_set_credit_terms', true);
  if v_account_id is null then
    insert into public.accounts as a (id, user_id, currency) values (ledger.account_id(p_user_id, v_currency), p_user_id, v_currency)
    returning a.id into v_account_id;
  end if;
  select t.* into v_before from public.credit_terms t where t.account_id = v_account_id;
  insert into public.credit_terms as t (account_id, credit_limit_amount, due_days, max_grace_orders, granted_by)
  values (v_account_id, p_credit_limit_amount, p_due_days, p_max_grace_orders, v_actor.user_id)
  on conflict (account_id) do update set
    credit_limit_amount = excluded.credit_limit_amount,
    due_days = excluded.due_days,
    max_grace_orders = excluded.max_grace_orders,
    granted_by = excluded.granted_by,
    version = t.version + 1,
    updated_at = clock_timestamp()
  returning t.* into v_terms;
  v_transaction := ledger.write_transaction(
    v_account_id, 'credit_terms_set', v_actor, coalesce(p_reason, 'credit terms set'), v_correlation_id);

  -- record: what it was stays in the event
  perform ledger.record_operation('account.credit_terms_set', 'account', v_account_id, v_account_id,
    ledger.balance_effect(v_transaction) || jsonb_build_object(
      'user_id', p_user_id, 'currency', v_currency, 'version', v_terms.version,
      'old', jsonb_build_object('credit_limit_amount', v_before.credit_limit_amount, 'due_days', v_before.due_days,
                                'max_grace_orders', v_before.max_grace_orders),
      'new', jsonb_build_object('credit_limit_amount', p_credit_limit_amount, 'due_days', p_due_days, 'max_grace_orders', p_max_grace_orders),
      'reason', p_reason),
    v_actor, v_correlation_id);

  -- answer, stored under the key
  v_result := row(true, v_transaction.id, null, null, null, v_account_id, v_currency, v_terms.credit_limit_amount, v_terms.due_days,
                  v_terms.max_grace_orders, v_terms.version);
  v_answer := ledger.idempotency_end('ledger_set_credit_terms', p_idempotency_key, v_actor.caller_id, v_request, v_account_id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."ledger_set_credit_terms"(uuid, text, bigint, integer, integer, text, text, uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.ledger_set_flag (
  p_key             text,
  p_state           text,
  p_percentage      integer DEFAULT 0,
  p_reason          text    DEFAULT NULL::text,
  p_idempotency_key text    DEFAULT NULL::text,
  p_actor_id        uuid    DEFAULT NULL::uuid
)
  RETURNS SETOF public.ledger_set_flag_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_flag public.feature_flags;
  v_result public.ledger_set_flag_result;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'flags.set');

  -- asked before
  v_request := jsonb_build_array(p_key, p_state, p_percentage, p_reason, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_set_flag', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_set_flag_result, v_answer);
    return;
  end if;

  -- lock: flag
  select f.* into v_flag from public.feature_flags f where f.key = p_key for update;

  -- check
  v_answer := case
    when v_flag.key is null then ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_key', 'problem',
      'one of ' || (select string_agg(f.key, ', ' order by f.key) from public.feature_flags f)))
    when p_state is null or p_percentage is null or p_percentage not between 0 and 100 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_state, p_percentage', 'problem', 'a state, and a percentage from 0 to 100'))
    when length(p_reason) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'at most 2000 characters'))
    else ledger.refuse_flag(v_flag, p_state, p_percentage::smallint)
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_set_flag_result, v_answer);
    return;
  end if;

  -- write and record
  perform set_config('ledger.procedure', 'ledger_set_flag', true);
  perform ledger.change_flag(p_key, p_state, p_percentage, p_reason, v_actor);

  -- answer, stored under the key
  v_result := row(true, null, null, null, null, p_key, p_state, p_percentage, v_flag.state, v_flag.percentage);
  v_answer := ledger.idempotency_end('ledger_set_flag', p_idempotency_key, v_actor.caller_id, v_request, null, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."ledger_set_flag"(text, text, integer, text, text, uuid) FROM PUBLIC, "anon";

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
  v_settled ledger.settled_refund;
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

  -- check
  v_answer := case
    when v_refund.id is null then ledger.refuse('refund_not_found', jsonb_build_object('refund_id', p_refund_id))
    when v_action is null or v_action not in ('paid', 'failed', 'withdrawn') then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_action', 'problem', 'one of paid, failed, withdrawn'))
    when length(p_reference) > 200 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reference', 'problem', 'at most 200 characters'))
  end;
  if v_answer is null then
    -- check what the refund allows, write, record
    perform set_config('ledger.procedure', 'ledger_settle_refund', true);
    v_settled := ledger.settle_refund(v_order, v_account, v_refund, v_action, p_reference, v_actor, ledger.correlation_id());
    v_answer := v_settled.refusal;
  end if;
  if v_answer is not null then
    perform set_config('ledger.procedure', '', true);
    return next jsonb_populate_record(null::public.ledger_settle_refund_result, v_answer);
    return;
  end if;

  -- answer, stored under the key
  v_result := row(true, v_settled.transaction_id, null, null, null, p_refund_id, v_refund.order_id, v_action, v_refund.payout_amount,
                  case when ledger.has_permission(v_actor, 'accounts.read') then v_settled.available_balance end);
  v_answer := ledger.idempotency_end('ledger_settle_refund', p_idempotency_key, v_actor.caller_id, v_request, v_account.id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

CREATE OR REPLACE FUNCTION public.ledger_submit_receipt (
  p_order_id        uuid   DEFAULT NULL::uuid,
  p_amount          bigint DEFAULT NULL::bigint,
  p_reference       text   DEFAULT NULL::text,
  p_storage_path    text   DEFAULT NULL::text,
  p_paid_on         date   DEFAULT NULL::date,
  p_notes           text   DEFAULT NULL::text,
  p_invoice_id      uuid   DEFAULT NULL::uuid,
  p_currency        text   DEFAULT NULL::text,
  p_receipt_id      uuid   DEFAULT NULL::uuid,
  p_idempotency_key text   DEFAULT NULL::text,
  p_user_id         uuid   DEFAULT NULL::uuid
)
  RETURNS SETOF public.ledger_submit_receipt_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_user_id uuid;
  v_request jsonb;
  v_answer jsonb;
  v_before public.payment_receipts;
  v_receipt public.payment_receipts;
  v_invoice public.invoices;
  v_order public.orders;
  v_account public.accounts;
begin
  -- who may
  v_actor := ledger.current_actor();
  v_user_id := ledger.customer_of_call(v_actor, p_user_id, 'payments.record');

  -- asked before
  v_request := jsonb_build_array(v_user_id, p_order_id, p_amount, p_reference, p_storage_path, p_paid_on, p_notes, p_invoice_id, p_currency, p_receipt_id);
  v_answer := ledger.idempotency_begin('ledger_submit_receipt', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is null and not v_actor.is_system then
    v_answer := ledger.rate_limit_take(v_actor.user_id, 'ledger_submit_receipt');
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_submit_receipt_result, v_answer);
    return;
  end if;

  -- lock: order and account (what a receipt or an invoice is for never changes), receipt; the invoice stands under its account's lock
  select r.* into v_before from public.payment_receipts r where r.id = p_receipt_id and r.user_id = v_user_id;
  select i.* into v_invoice from public.invoices i where i.id = coalesce(p_invoice_id, v_before.invoice_id) and i.user_id = v_user_id;
  select o.* into v_order
  from public.orders o
  where o.id = coalesce(p_order_id, v_before.order_id, v_invoice.order_id) and o.user_id = v_user_id
  for no key update;
  v_account := ledger.lock_account(v_user_id,
    coalesce(v_order.currency, v_invoice.currency, v_before.currency, upper(p_currency), ledger.setting_text('default_currency')), p_open => false);
  select r.* into v_before from public.payment_receipts r where r.account_id = v_account.id and r.id = v_before.id for no key update;
  select i.* into v_invoice from public.invoices i where i.account_id = v_account.id and i.id = v_invoice.id;

  -- the receipt as it is asked for
  v_receipt := v_before;
  v_receipt.user_id := v_user_id;
  v_receipt.order_id := v_order.id;
  v_receipt.invoice_id := v_invoice.id;
  v_receipt.currency := coalesce(v_account.currency, upper(p_currency), ledger.setting_text('default_currency'));
  v_receipt.account_id := ledger.account_id(v_user_id, v_receipt.currency);
  v_receipt.amount := coalesce(p_amount, v_before.amount);
  v_receipt.reference := coalesce(nullif(regexp_replace(p_reference, '^\s+|\s+$', '', 'g'), ''), v_before.reference);
  v_receipt.storage_path := coalesce(nullif(p_storage_path, ''), v_before.storage_path);
  v_receipt.paid_on := coalesce(p_paid_on, v_before.paid_on);
  v_receipt.notes := coalesce(p_notes, v_before.notes);

  -- check
  v_answer := case
    when v_user_id is null then ledger.refuse('customer_required')
    when p_receipt_id is not null and v_before.id is null then ledger.refuse('receipt_not_found', jsonb_build_object('receipt_id', p_receipt_id))
    when p_order_id is not null and v_order.id is null then ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id))
    when p_invoice_id is not null and v_invoice.id is null then ledger.refuse('invoice_not_found', jsonb_build_object('invoice_id', p_invoice_id))
    when (v_before.id is not null and (v_before.order_id, v_before.invoice_id) is distinct from (v_order.id, v_invoice.id))
      or (p_order_id is not null and p_invoice_id is not null and v_invoice.order_id is distinct from p_order_id) then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_order_id, p_invoice_id',
        'problem', 'a receipt is for one order or invoice, and stays for it when it is sent again'))
    when upper(p_currency) <> v_receipt.currency then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_currency', 'problem', format('it is in %s', v_receipt.currency)))
    when v_before.status <> 'handed_back' then ledger.refuse('receipt_conflict', jsonb_build_object(
      'status', v_before.status, 'wanted', 'submitted', 'expected', 'handed_back'))
    when v_account.id is null then ledger.refuse_opening(v_user_id, v_receipt.currency)
  end;
  v_answer := coalesce(v_answer, ledger.refuse_erased(v_user_id), ledger.refuse_receipt_subject(v_order, v_invoice),
                       ledger.refuse_receipt_claim(v_receipt), ledger.refuse_used_receipt(v_receipt));

  -- write: account (a first one), receipt, order; two who send the same transfer meet in its index
  if v_answer is null then
    begin
      perform set_config('ledger.procedure', 'ledger_submit_receipt', true);
      if v_account.id is null then
        insert into public.accounts (id, user_id, currency) values (v_receipt.account_id, v_user_id, v_receipt.currency);
      end if;
      v_receipt := ledger.write_receipt(v_receipt, v_actor);
    exception when unique_violation then
      v_answer := coalesce(ledger.refuse_used_receipt(v_receipt), ledger.refuse('receipt_reference_used', jsonb_build_object('reference', v_receipt.reference)));
    end;
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_submit_receipt_result, v_answer);
    return;
  end if;
  v_order := ledger.set_payment_status(v_order, case when v_order.amount_due > 0 then 'receipt_uploaded' else v_order.payment_status end);

  -- record
  perform ledger.record_receipt('receipt.submitted', v_receipt, v_order, v_receipt.notes, v_actor, ledger.correlation_id());

  -- answer, stored under the key
  v_answer := jsonb_build_object('success', true, 'receipt_id', v_receipt.id, 'order_id', v_receipt.order_id, 'invoice_id', v_receipt.invoice_id,
    'status', v_receipt.status, 'amount', v_receipt.amount, 'currency', v_receipt.currency, 'payment_status', v_order.payment_status);
  v_answer := ledger.idempotency_end('ledger_submit_receipt', p_idempotency_key, v_actor.caller_id, v_request, v_receipt.account_id, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.ledger_submit_receipt_result, v_answer);
end $function$;

REVOKE ALL ON FUNCTION "public"."ledger_submit_receipt"(uuid, bigint, text, text, date, text, uuid, text, uuid, text, uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.ledger_void_invoice (
  p_invoice_id      uuid,
  p_reason          text DEFAULT NULL::text,
  p_idempotency_key text DEFAULT NULL::text,
  p_actor_id        uuid DEFAULT NULL::uuid
)
  RETURNS SETOF public.ledger_void_invoice_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_invoice public.invoices;
  v_transaction public.transactions;
  v_result public.ledger_void_invoice_result;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'invoices.issue');

  -- asked before
  v_request := jsonb_build_array(p_invoice_id, p_reason, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_void_invoice', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_void_invoice_result, v_answer);
    return;
  end if;

  -- lock: order, account, invoice
  v_invoice := ledger.lock_invoice(p_invoice_id);

  -- check
  v_answer := coalesce(ledger.refuse_invoice_change(v_invoice, p_invoice_id, null), case
    when length(p_reason) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'at most 2000 characters'))
    else ledger.refuse_voiding(v_invoice)
  end);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_void_invoice_result, v_answer);
    return;
  end if;

  -- write and record
  perform set_config('ledger.procedure', 'ledger_void_invoice', true);
  v_transaction := ledger.void_invoice(v_invoice, p_reason, v_actor, ledger.correlation_id());

  -- answer, stored under the key
  v_result := row(true, v_transaction.id, null, null, null, v_invoice.id, v_invoice.invoice_number, v_invoice.order_id, v_invoice.amount,
                  v_invoice.version + 1);
  v_answer := ledger.idempotency_end('ledger_void_invoice', p_idempotency_key, v_actor.caller_id, v_request, v_invoice.account_id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."ledger_void_invoice"(uuid, text, text, uuid) FROM PUBLIC, "anon";

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
  v_locked ledger.locked_payment;
  v_payment public.payments;
  v_void record;
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

  -- lock: the orders it pays, account, payment, invoices
  v_locked := ledger.lock_payment(p_payment_id);
  v_payment := v_locked.payment;

  -- check
  v_answer := case
    when v_payment.id is null then ledger.refuse('payment_not_found', jsonb_build_object('payment_id', p_payment_id))
    when length(p_reason) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'at most 2000 characters'))
    else ledger.refuse_void(v_locked)
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_void_payment_result, v_answer);
    return;
  end if;

  -- write and record
  perform set_config('ledger.procedure', 'ledger_void_payment', true);
  v_void := ledger.void_payment(v_locked, p_reason, v_actor, ledger.correlation_id());

  -- answer, stored under the key
  v_result := row(true, (v_void.voiding).id, null, null, null, v_payment.order_id, p_payment_id, (v_void.voided_order).status,
                  (v_void.voided_order).payment_status, (v_void.voided_order).outstanding_amount,
                  case when ledger.has_permission(v_actor, 'accounts.read') then (v_void.voiding).balance_after end, v_payment.allocated_amount);
  v_answer := ledger.idempotency_end('ledger_void_payment', p_idempotency_key, v_actor.caller_id, v_request, v_payment.account_id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

CREATE OR REPLACE FUNCTION public.ledger_withdraw_receipt (
  p_receipt_id      uuid,
  p_idempotency_key text DEFAULT NULL::text,
  p_user_id         uuid DEFAULT NULL::uuid
)
  RETURNS SETOF public.ledger_withdraw_receipt_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_user_id uuid;
  v_request jsonb;
  v_answer jsonb;
  v_receipt public.payment_receipts;
  v_order public.orders;
begin
  -- who may
  v_actor := ledger.current_actor();
  v_user_id := ledger.customer_of_call(v_actor, p_user_id, 'payments.record');

  -- asked before
  v_request := jsonb_build_array(v_user_id, p_receipt_id);
  v_answer := ledger.idempotency_begin('ledger_withdraw_receipt', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_withdraw_receipt_result, v_answer);
    return;
  end if;

  -- lock: order and account (which ones, the receipt says for good), receipt
  select r.* into v_receipt from public.payment_receipts r where r.id = p_receipt_id and r.user_id = v_user_id;
  select o.* into v_order from public.orders o where o.account_id = v_receipt.account_id and o.id = v_receipt.order_id for no key update;
  perform from public.accounts a where a.id = v_receipt.account_id for no key update;
  select r.* into v_receipt from public.payment_receipts r where r.account_id = v_receipt.account_id and r.id = v_receipt.id for no key update;

  -- check
  v_answer := case
    when v_user_id is null then ledger.refuse('customer_required')
    when v_receipt.id is null then ledger.refuse('receipt_not_found', jsonb_build_object('receipt_id', p_receipt_id))
    when v_receipt.status not in ('submitted', 'handed_back') then ledger.refuse('receipt_conflict', jsonb_build_object(
      'status', v_receipt.status, 'wanted', 'withdrawn', 'expected', 'submitted or handed_back'))
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_withdraw_receipt_result, v_answer);
    return;
  end if;

  -- write: order, receipt
  perform set_config('ledger.procedure', 'ledger_withdraw_receipt', true);
  v_order := ledger.set_payment_status(v_order, ledger.payment_status_without(v_order, v_receipt.id));
  update public.payment_receipts r set status = 'withdrawn', updated_at = clock_timestamp()
  where r.account_id = v_receipt.account_id and r.id = v_receipt.id
  returning r.* into v_receipt;

  -- record
  perform ledger.record_receipt('receipt.withdrawn', v_receipt, v_order, null, v_actor, ledger.correlation_id());

  -- answer, stored under the key
  v_answer := jsonb_build_object('success', true, 'receipt_id', v_receipt.id, 'status', v_receipt.status, 'order_id', v_receipt.order_id,
    'invoice_id', v_receipt.invoice_id, 'payment_status', v_order.payment_status);
  v_answer := ledger.idempotency_end('ledger_withdraw_receipt', p_idempotency_key, v_actor.caller_id, v_request, v_receipt.account_id, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.ledger_withdraw_receipt_result, v_answer);
end $function$;

REVOKE ALL ON FUNCTION "public"."ledger_withdraw_receipt"(uuid, text, uuid) FROM PUBLIC, "anon";

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
              and (not t.needs_payment or v_order.amount_due = 0 or ledger.may_owe(
                     v_order.account_id, v_order.order_id, v_order.payment_status, v_order.payment_method))
              -- what is not in stock yet keeps an order from going out
              and (t.to_status not in ('shipped', 'delivered') or not exists (select from ledger.open_backorders(v_order.order_id)))
              and (ledger.has_permission(v_actor, t.permission)
                   or (v_is_owner and t.customer_may and clock_timestamp() <= v_may_cancel_until))),
           ledger.tracked_shipments(v_order.account_id, v_order.order_id),
           ledger.tracked_backorders(v_order.account_id, v_order.order_id),
           ledger.tracked_returns(v_order.account_id, v_order.order_id);
end $function$;

ALTER TABLE "public"."account_debt_cache"
  ADD CONSTRAINT "account_debt_cache_account_id_fkey" FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE RESTRICT;

ALTER TABLE "public"."card_bookings"
  ADD CONSTRAINT "card_bookings_payment_id_fkey" FOREIGN KEY (payment_id) REFERENCES public.payments(id) ON DELETE RESTRICT;

ALTER TABLE "public"."card_bookings"
  ADD CONSTRAINT "card_bookings_refund_id_fkey" FOREIGN KEY (refund_id) REFERENCES public.refunds(id) ON DELETE RESTRICT;

ALTER TABLE "public"."card_payments"
  ADD CONSTRAINT "card_payments_account_id_fkey" FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE RESTRICT;

ALTER TABLE "public"."card_payments"
  ADD CONSTRAINT "card_payments_currency_fkey" FOREIGN KEY (currency) REFERENCES public.currencies(code) ON DELETE RESTRICT;

ALTER TABLE "public"."card_payments"
  ADD CONSTRAINT "card_payments_order_id_fkey" FOREIGN KEY (order_id) REFERENCES public.orders(id) ON DELETE RESTRICT;

ALTER TABLE "public"."credit_terms"
  ADD CONSTRAINT "credit_terms_account_id_fkey" FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE RESTRICT;

ALTER TABLE "public"."import_rejects"
  ADD CONSTRAINT "import_rejects_code_fkey" FOREIGN KEY (code) REFERENCES public.error_codes(code) ON DELETE RESTRICT;

ALTER TABLE "public"."import_rejects"
  ADD CONSTRAINT "import_rejects_run_id_row_number_fkey" FOREIGN KEY (run_id, row_number) REFERENCES public.import_rows(run_id, row_number) ON DELETE RESTRICT;

ALTER TABLE "public"."import_runs"
  ADD CONSTRAINT "import_runs_currency_fkey" FOREIGN KEY (currency) REFERENCES public.currencies(code) ON DELETE RESTRICT;

ALTER TABLE "public"."invoices"
  ADD CONSTRAINT "invoices_account_id_fkey" FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE RESTRICT;

ALTER TABLE "public"."invoices"
  ADD CONSTRAINT "invoices_currency_fkey" FOREIGN KEY (currency) REFERENCES public.currencies(code) ON DELETE RESTRICT;

ALTER TABLE "public"."invoices"
  ADD CONSTRAINT "invoices_order_id_fkey" FOREIGN KEY (order_id) REFERENCES public.orders(id) ON DELETE RESTRICT;

ALTER TABLE "public"."invoices"
  ADD CONSTRAINT "invoices_refund_id_fkey" FOREIGN KEY (refund_id) REFERENCES public.refunds(id) ON DELETE RESTRICT;

ALTER TABLE "public"."invoices"
  ADD CONSTRAINT "invoices_series_fkey" FOREIGN KEY (series) REFERENCES public.invoice_series(code) ON DELETE RESTRICT;

ALTER TABLE "public"."payment_allocations"
  ADD CONSTRAINT "payment_allocations_payment_id_fkey" FOREIGN KEY (payment_id) REFERENCES public.payments(id) ON DELETE RESTRICT;

ALTER TABLE "public"."payment_deadlines"
  ADD CONSTRAINT "payment_deadlines_order_id_fkey" FOREIGN KEY (order_id) REFERENCES public.orders(id) ON DELETE RESTRICT;

ALTER TABLE "public"."payment_receipts"
  ADD CONSTRAINT "payment_receipts_account_id_fkey" FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE RESTRICT;

ALTER TABLE "public"."payment_receipts"
  ADD CONSTRAINT "payment_receipts_currency_fkey" FOREIGN KEY (currency) REFERENCES public.currencies(code) ON DELETE RESTRICT;

ALTER TABLE "public"."payment_receipts"
  ADD CONSTRAINT "payment_receipts_order_id_fkey" FOREIGN KEY (order_id) REFERENCES public.orders(id) ON DELETE RESTRICT;

ALTER TABLE "public"."payment_receipts"
  ADD CONSTRAINT "payment_receipts_payment_id_fkey" FOREIGN KEY (payment_id) REFERENCES public.payments(id) ON DELETE RESTRICT;

ALTER TABLE "public"."payments"
  ADD CONSTRAINT "charged_back_at_most_the_amount" CHECK (((charged_back_amount >= reclaimed_amount) AND (charged_back_amount <= amount)));

ALTER TABLE "public"."payments"
  ADD CONSTRAINT "method_is_known" CHECK ((method = ANY (ARRAY['bank_transfer'::text, 'card'::text, 'cash'::text, 'other'::text])));

ALTER TABLE "public"."payments"
  ADD CONSTRAINT "only_an_order_is_applied_to" CHECK (((applied_amount = 0) OR (order_id IS NOT NULL)));

ALTER TABLE "public"."payments"
  ADD CONSTRAINT "parts_are_part_of_the_amount"
    CHECK
    (((LEAST(applied_amount, credit_amount, allocated_amount, reclaimed_amount) >= 0) AND (((((applied_amount + credit_amount) + allocated_amount) + charged_back_amount) -
    reclaimed_amount) <= amount)));

ALTER TABLE "public"."payments"
  ADD CONSTRAINT "source_is_known" CHECK ((source = ANY (ARRAY['recorded'::text, 'receipt'::text, 'card'::text, 'import'::text])));

ALTER TABLE "public"."payments"
  ADD CONSTRAINT "voided_payment_is_not_allocated" CHECK (((status = 'captured'::text) OR (allocated_amount = 0)));

ALTER TABLE "public"."payments"
  ADD CONSTRAINT "what_pays_an_order_directly_pays_no_invoice"
    CHECK (((applied_amount = 0) OR (amount = (((applied_amount + credit_amount) + charged_back_amount) - reclaimed_amount))));

CREATE VIEW "public"."overdue_orders" WITH (security_invoker=true) AS  SELECT o.id AS order_id,
    o.order_number,
    o.user_id,
    o.account_id,
    o.status,
    o.payment_status,
    o.payment_method,
    o.currency,
    o.total_amount,
    o.paid_amount,
    o.outstanding_amount,
    d.due_at,
    d.extensions,
    d.expired_at,
    o.created_at,
    o.version
   FROM (public.payment_deadlines d
     JOIN public.orders o ON (((o.account_id = d.account_id) AND (o.id = d.order_id))))
  WHERE (d.status = 'overdue'::text);

REVOKE ALL ON TABLE "public"."overdue_orders" FROM "anon";

CREATE INDEX card_bookings_by_booked_payment ON public.card_bookings USING btree (payment_id)
  WHERE (payment_id IS NOT NULL);

CREATE INDEX card_bookings_by_payment ON public.card_bookings USING btree (card_payment_id);

CREATE INDEX card_bookings_by_refund ON public.card_bookings USING btree (refund_id)
  WHERE (refund_id IS NOT NULL);

CREATE INDEX card_events_by_payment ON public.card_events USING btree (card_payment_id);

CREATE INDEX card_payments_by_order ON public.card_payments USING btree (order_id)
  WHERE (order_id IS NOT NULL);

CREATE INDEX import_identities_by_run ON public.import_identities USING btree (run_id);

CREATE INDEX import_identities_by_target ON public.import_identities USING btree (target_id);

CREATE INDEX import_rejects_by_user ON public.import_rejects USING btree (user_id)
  WHERE (user_id IS NOT NULL);

CREATE INDEX import_rows_by_order_number ON public.import_rows USING btree (run_id, external_id)
  WHERE (parsed ? 'order_number'::text);

CREATE INDEX import_rows_by_target ON public.import_rows USING btree (target_id)
  WHERE (state = 'applied'::text);

CREATE INDEX import_rows_by_user ON public.import_rows USING btree (user_id)
  WHERE (user_id IS NOT NULL);

CREATE INDEX import_rows_to_apply ON public.import_rows USING btree (run_id, row_number)
  WHERE (state = 'staged'::text);

CREATE INDEX invoice_balances_by_account ON public.invoice_balance_cache USING btree (account_id);

CREATE INDEX invoice_balances_open ON public.invoice_balance_cache USING btree (account_id)
  WHERE (remaining_amount > 0);

CREATE INDEX invoice_lines_by_account ON public.invoice_lines USING btree (account_id);

CREATE INDEX invoices_by_credited_invoice ON public.invoices USING btree (credits_invoice_id)
  WHERE (credits_invoice_id IS NOT NULL);

CREATE UNIQUE INDEX invoices_by_external_id ON public.invoices USING btree (external_id)
  WHERE ((external_id IS NOT NULL) AND (status = 'issued'::text));

CREATE UNIQUE INDEX invoices_by_imported_number ON public.invoices USING btree (invoice_number)
  WHERE ((source = 'import'::text) AND (status = 'issued'::text));

CREATE UNIQUE INDEX invoices_by_number ON public.invoices USING btree (invoice_number)
  WHERE (source = 'issued'::text);

CREATE INDEX invoices_by_order ON public.invoices USING btree (order_id)
  WHERE (order_id IS NOT NULL);

CREATE INDEX invoices_by_refund ON public.invoices USING btree (refund_id)
  WHERE (refund_id IS NOT NULL);

CREATE UNIQUE INDEX invoices_live_of_order ON public.invoices USING btree (order_id)
  WHERE ((kind = 'invoice'::text) AND (status = 'issued'::text));

CREATE INDEX old_flag_failures_by_time ON public.old_flag_failures USING btree (created_at);

CREATE INDEX old_invoice_flags_by_account ON public.old_invoice_flags USING btree (account_id);

CREATE INDEX old_payment_flags_by_account ON public.old_payment_flags USING btree (account_id);

CREATE INDEX orders_on_invoice ON public.orders USING btree (account_id)
  WHERE (payment_method = 'invoice'::text);

CREATE INDEX payment_allocations_by_invoice ON public.payment_allocations USING btree (invoice_id);

CREATE INDEX payment_allocations_by_payment ON public.payment_allocations USING btree (payment_id, invoice_id);

CREATE INDEX payment_allocations_synthetic ON public.payment_allocations USING btree (import_run_id)
  WHERE synthetic;

CREATE INDEX payment_deadlines_by_account ON public.payment_deadlines USING btree (account_id, status);

CREATE INDEX payment_deadlines_open ON public.payment_deadlines USING btree (due_at)
  WHERE (status = 'open'::text);

CREATE INDEX payment_deadlines_overdue ON public.payment_deadlines USING btree (due_at)
  WHERE (status = 'overdue'::text);

CREATE UNIQUE INDEX payment_receipts_by_file ON public.payment_receipts USING btree (storage_path)
  WHERE ((storage_path IS NOT NULL) AND (status = ANY (ARRAY['submitted'::text, 'approved'::text, 'partly_approved'::text])) AND (payment_voided_at IS NULL));

CREATE INDEX payment_receipts_by_invoice ON public.payment_receipts USING btree (invoice_id)
  WHERE (invoice_id IS NOT NULL);

CREATE INDEX payment_receipts_by_order ON public.payment_receipts USING btree (order_id)
  WHERE (order_id IS NOT NULL);

CREATE INDEX payment_receipts_of_file ON public.payment_receipts USING btree (storage_path)
  WHERE (storage_path IS NOT NULL);

CREATE UNIQUE INDEX payments_by_external_id ON public.payments USING btree (external_id)
  WHERE ((external_id IS NOT NULL) AND (status = 'captured'::text));

CREATE INDEX payments_unapplied ON public.payments USING btree (account_id, paid_at, id)
  WHERE (unapplied_amount > 0);

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.account_debt_cache
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('account_debt_cache', 'ledger_issue_invoice, ledger_allocate_payment or invoice_recalculate');

ALTER TABLE "public"."account_debt_cache"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.account_debt_cache
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('account_debt_cache', 'ledger_issue_invoice, ledger_allocate_payment or invoice_recalculate');

CREATE TRIGGER rows_stay
  BEFORE DELETE ON public.account_debt_cache
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('account_debt_cache', 'ledger_issue_invoice, ledger_allocate_payment or invoice_recalculate');

ALTER TABLE "public"."account_debt_cache"
  ENABLE ALWAYS TRIGGER "rows_stay";

CREATE TRIGGER values_come_from_procedures
  BEFORE UPDATE ON public.account_debt_cache
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('account_debt_cache', 'ledger_issue_invoice, ledger_allocate_payment or invoice_recalculate');

ALTER TABLE "public"."account_debt_cache"
  ENABLE ALWAYS TRIGGER "values_come_from_procedures";

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.card_bookings
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_change('card_bookings');

ALTER TABLE "public"."card_bookings"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.card_bookings
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('card_bookings', 'ledger_confirm_payment or ledger_match_card_payment');

CREATE TRIGGER rows_never_change
  BEFORE DELETE OR UPDATE ON public.card_bookings
  FOR EACH ROW
  EXECUTE FUNCTION ledger.refuse_change('card_bookings');

ALTER TABLE "public"."card_bookings"
  ENABLE ALWAYS TRIGGER "rows_never_change";

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.card_events
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_change('card_events');

ALTER TABLE "public"."card_events"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.card_events
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('card_events', 'ledger_confirm_payment');

CREATE TRIGGER rows_never_change
  BEFORE DELETE OR UPDATE ON public.card_events
  FOR EACH ROW
  EXECUTE FUNCTION ledger.refuse_change('card_events');

ALTER TABLE "public"."card_events"
  ENABLE ALWAYS TRIGGER "rows_never_change";

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.card_payments
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('card_payments', 'ledger_confirm_payment or ledger_match_card_payment');

ALTER TABLE "public"."card_payments"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.card_payments
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('card_payments', 'ledger_confirm_payment or ledger_match_card_payment');

CREATE TRIGGER rows_stay
  BEFORE DELETE ON public.card_payments
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('card_payments', 'ledger_confirm_payment or ledger_match_card_payment');

ALTER TABLE "public"."card_payments"
  ENABLE ALWAYS TRIGGER "rows_stay";

CREATE TRIGGER values_come_from_procedures
  BEFORE UPDATE ON public.card_payments
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('card_payments', 'ledger_confirm_payment or ledger_match_card_payment');

ALTER TABLE "public"."card_payments"
  ENABLE ALWAYS TRIGGER "values_come_from_procedures";

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.credit_terms
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('credit_terms', 'ledger_set_credit_terms');

ALTER TABLE "public"."credit_terms"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.credit_terms
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('credit_terms', 'ledger_set_credit_terms');

CREATE TRIGGER rows_stay
  BEFORE DELETE ON public.credit_terms
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('credit_terms', 'ledger_set_credit_terms');

ALTER TABLE "public"."credit_terms"
  ENABLE ALWAYS TRIGGER "rows_stay";

CREATE TRIGGER values_come_from_procedures
  BEFORE UPDATE ON public.credit_terms
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('credit_terms', 'ledger_set_credit_terms');

ALTER TABLE "public"."credit_terms"
  ENABLE ALWAYS TRIGGER "values_come_from_procedures";

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.debt_movements
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_change('debt_movements');

ALTER TABLE "public"."debt_movements"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.debt_movements
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('debt_movements', 'the ledger_* procedures');

CREATE TRIGGER rows_never_change
  BEFORE DELETE OR UPDATE ON public.debt_movements
  FOR EACH ROW
  EXECUTE FUNCTION ledger.refuse_change('debt_movements');

ALTER TABLE "public"."debt_movements"
  ENABLE ALWAYS TRIGGER "rows_never_change";

CREATE TRIGGER flags_change_in_order
  BEFORE UPDATE OF state, percentage ON public.feature_flags
  FOR EACH ROW
  EXECUTE FUNCTION ledger.check_flag();

ALTER TABLE "public"."feature_flags"
  ENABLE ALWAYS TRIGGER "flags_change_in_order";

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.import_identities
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('import_identities', 'import_apply');

ALTER TABLE "public"."import_identities"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.import_identities
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('import_identities', 'import_apply');

CREATE TRIGGER rows_stay
  BEFORE DELETE ON public.import_identities
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('import_identities', 'import_apply');

ALTER TABLE "public"."import_identities"
  ENABLE ALWAYS TRIGGER "rows_stay";

CREATE TRIGGER values_come_from_procedures
  BEFORE UPDATE ON public.import_identities
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('import_identities', 'import_apply');

ALTER TABLE "public"."import_identities"
  ENABLE ALWAYS TRIGGER "values_come_from_procedures";

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.import_rejects
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('import_rejects', 'import_analyze or import_apply');

ALTER TABLE "public"."import_rejects"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.import_rejects
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('import_rejects', 'import_analyze or import_apply');

CREATE TRIGGER rows_stay
  BEFORE DELETE ON public.import_rejects
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('import_rejects', 'import_analyze or import_apply');

ALTER TABLE "public"."import_rejects"
  ENABLE ALWAYS TRIGGER "rows_stay";

CREATE TRIGGER values_come_from_procedures
  BEFORE UPDATE ON public.import_rejects
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('import_rejects', 'import_analyze or import_apply');

ALTER TABLE "public"."import_rejects"
  ENABLE ALWAYS TRIGGER "values_come_from_procedures";

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.import_rows
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('import_rows', 'import_stage, import_analyze or import_apply');

ALTER TABLE "public"."import_rows"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.import_rows
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('import_rows', 'import_stage, import_analyze or import_apply');

CREATE TRIGGER rows_stay
  BEFORE DELETE ON public.import_rows
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('import_rows', 'import_stage, import_analyze or import_apply');

ALTER TABLE "public"."import_rows"
  ENABLE ALWAYS TRIGGER "rows_stay";

CREATE TRIGGER values_come_from_procedures
  BEFORE UPDATE ON public.import_rows
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('import_rows', 'import_stage, import_analyze or import_apply');

ALTER TABLE "public"."import_rows"
  ENABLE ALWAYS TRIGGER "values_come_from_procedures";

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.import_runs
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('import_runs', 'import_begin, import_stage, import_analyze, import_apply or import_abort');

ALTER TABLE "public"."import_runs"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.import_runs
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('import_runs', 'import_begin, import_stage, import_analyze, import_apply or import_abort');

CREATE TRIGGER rows_stay
  BEFORE DELETE ON public.import_runs
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('import_runs', 'import_begin, import_stage, import_analyze, import_apply or import_abort');

ALTER TABLE "public"."import_runs"
  ENABLE ALWAYS TRIGGER "rows_stay";

CREATE TRIGGER values_come_from_procedures
  BEFORE UPDATE ON public.import_runs
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('import_runs', 'import_begin, import_stage, import_analyze, import_apply or import_abort');

ALTER TABLE "public"."import_runs"
  ENABLE ALWAYS TRIGGER "values_come_from_procedures";

CREATE TRIGGER old_flags_follow
  AFTER INSERT OR UPDATE OF amount ON public.invoice_balance_cache
  FOR EACH ROW
  EXECUTE FUNCTION ledger.keep_old_flag_of_invoice();

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.invoice_balance_cache
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('invoice_balance_cache', 'ledger_allocate_payment, ledger_reverse_allocation or invoice_recalculate');

ALTER TABLE "public"."invoice_balance_cache"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.invoice_balance_cache
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('invoice_balance_cache', 'ledger_allocate_payment, ledger_reverse_allocation or invoice_recalculate');

CREATE TRIGGER rows_stay
  BEFORE DELETE ON public.invoice_balance_cache
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('invoice_balance_cache', 'ledger_allocate_payment, ledger_reverse_allocation or invoice_recalculate');

ALTER TABLE "public"."invoice_balance_cache"
  ENABLE ALWAYS TRIGGER "rows_stay";

CREATE TRIGGER values_come_from_procedures
  BEFORE UPDATE ON public.invoice_balance_cache
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('invoice_balance_cache', 'ledger_allocate_payment, ledger_reverse_allocation or invoice_recalculate');

ALTER TABLE "public"."invoice_balance_cache"
  ENABLE ALWAYS TRIGGER "values_come_from_procedures";

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.invoice_lines
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_change('invoice_lines');

ALTER TABLE "public"."invoice_lines"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.invoice_lines
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('invoice_lines', 'ledger_issue_invoice or ledger_credit_invoice');

CREATE TRIGGER rows_never_change
  BEFORE DELETE OR UPDATE ON public.invoice_lines
  FOR EACH ROW
  EXECUTE FUNCTION ledger.refuse_change('invoice_lines');

ALTER TABLE "public"."invoice_lines"
  ENABLE ALWAYS TRIGGER "rows_never_change";

CREATE TRIGGER edits_are_audited
  AFTER INSERT OR DELETE OR UPDATE ON public.invoice_series
  FOR EACH ROW
  WHEN ((COALESCE(current_setting('ledger.procedure'::text, true), ''::text) = ''::text))
  EXECUTE FUNCTION ledger.audit_hand_edit('code');

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.invoice_series
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_truncate('invoice_series');

CREATE TRIGGER series_count_by_themselves
  BEFORE INSERT OR DELETE OR UPDATE ON public.invoice_series
  FOR EACH ROW
  EXECUTE FUNCTION ledger.guard_invoice_series();

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.invoices
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('invoices', 'ledger_issue_invoice, ledger_credit_invoice, ledger_change_invoice or ledger_void_invoice');

ALTER TABLE "public"."invoices"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.invoices
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('invoices', 'ledger_issue_invoice, ledger_credit_invoice, ledger_change_invoice or ledger_void_invoice');

CREATE TRIGGER rows_stay
  BEFORE DELETE ON public.invoices
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('invoices', 'ledger_issue_invoice, ledger_credit_invoice, ledger_change_invoice or ledger_void_invoice');

ALTER TABLE "public"."invoices"
  ENABLE ALWAYS TRIGGER "rows_stay";

CREATE TRIGGER values_come_from_procedures
  BEFORE UPDATE ON public.invoices
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('invoices', 'ledger_issue_invoice, ledger_credit_invoice, ledger_change_invoice or ledger_void_invoice');

ALTER TABLE "public"."invoices"
  ENABLE ALWAYS TRIGGER "values_come_from_procedures";

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.old_flag_failures
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_change('old_flag_failures');

ALTER TABLE "public"."old_flag_failures"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.old_flag_failures
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('old_flag_failures', 'ledger_allocate_payment or ledger_reverse_allocation');

CREATE TRIGGER rows_never_change
  BEFORE DELETE OR UPDATE ON public.old_flag_failures
  FOR EACH ROW
  EXECUTE FUNCTION ledger.refuse_change('old_flag_failures');

ALTER TABLE "public"."old_flag_failures"
  ENABLE ALWAYS TRIGGER "rows_never_change";

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.old_invoice_flags
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('old_invoice_flags', 'ledger_allocate_payment or ledger_reverse_allocation');

ALTER TABLE "public"."old_invoice_flags"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.old_invoice_flags
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('old_invoice_flags', 'ledger_allocate_payment or ledger_reverse_allocation');

CREATE TRIGGER rows_stay
  BEFORE DELETE ON public.old_invoice_flags
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('old_invoice_flags', 'ledger_allocate_payment or ledger_reverse_allocation');

ALTER TABLE "public"."old_invoice_flags"
  ENABLE ALWAYS TRIGGER "rows_stay";

CREATE TRIGGER values_come_from_procedures
  BEFORE UPDATE ON public.old_invoice_flags
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('old_invoice_flags', 'ledger_allocate_payment or ledger_reverse_allocation');

ALTER TABLE "public"."old_invoice_flags"
  ENABLE ALWAYS TRIGGER "values_come_from_procedures";

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.old_payment_flags
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('old_payment_flags', 'ledger_allocate_payment or ledger_reverse_allocation');

ALTER TABLE "public"."old_payment_flags"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.old_payment_flags
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('old_payment_flags', 'ledger_allocate_payment or ledger_reverse_allocation');

CREATE TRIGGER rows_stay
  BEFORE DELETE ON public.old_payment_flags
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('old_payment_flags', 'ledger_allocate_payment or ledger_reverse_allocation');

ALTER TABLE "public"."old_payment_flags"
  ENABLE ALWAYS TRIGGER "rows_stay";

CREATE TRIGGER values_come_from_procedures
  BEFORE UPDATE ON public.old_payment_flags
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('old_payment_flags', 'ledger_allocate_payment or ledger_reverse_allocation');

ALTER TABLE "public"."old_payment_flags"
  ENABLE ALWAYS TRIGGER "values_come_from_procedures";

CREATE TRIGGER allocation_counts
  AFTER INSERT ON public.payment_allocations
  FOR EACH ROW
  EXECUTE FUNCTION ledger.count_allocation();

ALTER TABLE "public"."payment_allocations"
  ENABLE ALWAYS TRIGGER "allocation_counts";

CREATE TRIGGER old_flags_follow
  AFTER INSERT ON public.payment_allocations
  FOR EACH ROW
  EXECUTE FUNCTION ledger.keep_old_flags_of_allocation();

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.payment_allocations
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_change('payment_allocations');

ALTER TABLE "public"."payment_allocations"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.payment_allocations
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('payment_allocations', 'ledger_allocate_payment or ledger_reverse_allocation');

CREATE TRIGGER rows_never_change
  BEFORE DELETE OR UPDATE ON public.payment_allocations
  FOR EACH ROW
  EXECUTE FUNCTION ledger.refuse_change('payment_allocations');

ALTER TABLE "public"."payment_allocations"
  ENABLE ALWAYS TRIGGER "rows_never_change";

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.payment_deadlines
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('payment_deadlines', 'ledger_place_order (by bank_transfer_grace) or ledger_extend_grace');

ALTER TABLE "public"."payment_deadlines"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.payment_deadlines
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('payment_deadlines', 'ledger_place_order (by bank_transfer_grace) or ledger_extend_grace');

CREATE TRIGGER rows_stay
  BEFORE DELETE ON public.payment_deadlines
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('payment_deadlines', 'ledger_place_order (by bank_transfer_grace) or ledger_extend_grace');

ALTER TABLE "public"."payment_deadlines"
  ENABLE ALWAYS TRIGGER "rows_stay";

CREATE TRIGGER values_come_from_procedures
  BEFORE UPDATE ON public.payment_deadlines
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('payment_deadlines', 'ledger_place_order (by bank_transfer_grace) or ledger_extend_grace');

ALTER TABLE "public"."payment_deadlines"
  ENABLE ALWAYS TRIGGER "values_come_from_procedures";

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.payment_receipts
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('payment_receipts', 'ledger_submit_receipt, ledger_review_receipt or ledger_withdraw_receipt');

ALTER TABLE "public"."payment_receipts"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.payment_receipts
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('payment_receipts', 'ledger_submit_receipt, ledger_review_receipt or ledger_withdraw_receipt');

CREATE TRIGGER rows_stay
  BEFORE DELETE ON public.payment_receipts
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('payment_receipts', 'ledger_submit_receipt, ledger_review_receipt or ledger_withdraw_receipt');

ALTER TABLE "public"."payment_receipts"
  ENABLE ALWAYS TRIGGER "rows_stay";

CREATE TRIGGER values_come_from_procedures
  BEFORE UPDATE ON public.payment_receipts
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('payment_receipts', 'ledger_submit_receipt, ledger_review_receipt or ledger_withdraw_receipt');

ALTER TABLE "public"."payment_receipts"
  ENABLE ALWAYS TRIGGER "values_come_from_procedures";

CREATE TRIGGER receipt_follows_its_voided_payment
  AFTER UPDATE OF status ON public.payments
  FOR EACH ROW
  WHEN (((new.source = 'receipt'::text) AND (new.status = 'voided'::text) AND (old.status <> 'voided'::text)))
  EXECUTE FUNCTION ledger.mark_receipt_of_voided_payment();

ALTER TABLE "public"."payments"
  ENABLE ALWAYS TRIGGER "receipt_follows_its_voided_payment";

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.payments
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('payments', 'ledger_record_payment, ledger_allocate_payment, ledger_reverse_allocation or ledger_void_payment');

ALTER TABLE "public"."payments"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.payments
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('payments', 'ledger_record_payment, ledger_allocate_payment, ledger_reverse_allocation or ledger_void_payment');

CREATE TRIGGER rows_stay
  BEFORE DELETE ON public.payments
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('payments', 'ledger_record_payment, ledger_allocate_payment, ledger_reverse_allocation or ledger_void_payment');

ALTER TABLE "public"."payments"
  ENABLE ALWAYS TRIGGER "rows_stay";

CREATE TRIGGER values_come_from_procedures
  BEFORE UPDATE ON public.payments
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('payments', 'ledger_record_payment, ledger_allocate_payment, ledger_reverse_allocation or ledger_void_payment');

ALTER TABLE "public"."payments"
  ENABLE ALWAYS TRIGGER "values_come_from_procedures";

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.reconciliation_runs
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_change('reconciliation_runs');

ALTER TABLE "public"."reconciliation_runs"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.reconciliation_runs
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('reconciliation_runs', 'integrity_check_drift or the job "check debt drift"');

CREATE TRIGGER rows_never_change
  BEFORE DELETE OR UPDATE ON public.reconciliation_runs
  FOR EACH ROW
  EXECUTE FUNCTION ledger.refuse_change('reconciliation_runs');

ALTER TABLE "public"."reconciliation_runs"
  ENABLE ALWAYS TRIGGER "rows_never_change";

CREATE POLICY "account_debts_are_seen_by_their_owner_and_staff" ON "public"."account_debt_cache"
  FOR SELECT
  TO "authenticated"
  USING
    (((account_id >= ( SELECT ledger.first_account_seen('accounts.read'::text) AS first_account_seen)) AND (account_id <= ( SELECT ledger.last_account_seen('accounts.read'::text)
    AS last_account_seen)) AND ((account_id IN ( SELECT a.id
   FROM public.accounts a
  WHERE (a.user_id = ( SELECT auth.uid() AS uid)))) OR ( SELECT ledger.caller_may('accounts.read'::text) AS caller_may))));

CREATE POLICY "card_bookings_are_seen_by_staff" ON "public"."card_bookings"
  FOR SELECT
  TO "authenticated"
  USING (( SELECT ledger.caller_may('accounts.read'::text) AS caller_may));

CREATE POLICY "card_events_are_seen_by_staff" ON "public"."card_events"
  FOR SELECT
  TO "authenticated"
  USING (( SELECT ledger.caller_may('accounts.read'::text) AS caller_may));

CREATE POLICY "card_payments_are_seen_by_their_customer_and_staff" ON "public"."card_payments"
  FOR SELECT
  TO "authenticated"
  USING (((account_id IN ( SELECT a.id
   FROM public.accounts a
  WHERE (a.user_id = ( SELECT auth.uid() AS uid)))) OR ( SELECT ledger.caller_may('accounts.read'::text) AS caller_may)));

CREATE POLICY "credit_terms_are_seen_by_their_customer_and_staff" ON "public"."credit_terms"
  FOR SELECT
  TO "authenticated"
  USING
    (((account_id >= ( SELECT ledger.first_account_seen('accounts.read'::text) AS first_account_seen)) AND (account_id <= ( SELECT ledger.last_account_seen('accounts.read'::text)
    AS last_account_seen)) AND ((account_id IN ( SELECT a.id
   FROM public.accounts a
  WHERE (a.user_id = ( SELECT auth.uid() AS uid)))) OR ( SELECT ledger.caller_may('accounts.read'::text) AS caller_may))));

CREATE POLICY "debt_movements_are_seen_by_their_owner_and_staff" ON "public"."debt_movements"
  FOR SELECT
  TO "authenticated"
  USING
    (((account_id >= ( SELECT ledger.first_account_seen('accounts.read'::text) AS first_account_seen)) AND (account_id <= ( SELECT ledger.last_account_seen('accounts.read'::text)
    AS last_account_seen)) AND ((account_id IN ( SELECT a.id
   FROM public.accounts a
  WHERE (a.user_id = ( SELECT auth.uid() AS uid)))) OR ( SELECT ledger.caller_may('accounts.read'::text) AS caller_may))));

CREATE POLICY "import_identities_are_seen_by_who_imports" ON "public"."import_identities"
  FOR SELECT
  TO "authenticated"
  USING (( SELECT ledger.caller_may('imports.run'::text) AS caller_may));

CREATE POLICY "import_rejects_are_seen_by_who_imports" ON "public"."import_rejects"
  FOR SELECT
  TO "authenticated"
  USING (( SELECT ledger.caller_may('imports.run'::text) AS caller_may));

CREATE POLICY "import_rows_are_seen_by_who_imports" ON "public"."import_rows"
  FOR SELECT
  TO "authenticated"
  USING (( SELECT ledger.caller_may('imports.run'::text) AS caller_may));

CREATE POLICY "import_runs_are_seen_by_who_imports" ON "public"."import_runs"
  FOR SELECT
  TO "authenticated"
  USING (( SELECT ledger.caller_may('imports.run'::text) AS caller_may));

CREATE POLICY "invoice_balances_are_seen_by_their_customer_and_staff" ON "public"."invoice_balance_cache"
  FOR SELECT
  TO "authenticated"
  USING
    (((account_id >= ( SELECT ledger.first_account_seen('accounts.read'::text) AS first_account_seen)) AND (account_id <= ( SELECT ledger.last_account_seen('accounts.read'::text)
    AS last_account_seen)) AND ((account_id IN ( SELECT a.id
   FROM public.accounts a
  WHERE (a.user_id = ( SELECT auth.uid() AS uid)))) OR ( SELECT ledger.caller_may('accounts.read'::text) AS caller_may))));

CREATE POLICY "invoice_lines_are_seen_by_their_customer_and_staff" ON "public"."invoice_lines"
  FOR SELECT
  TO "authenticated"
  USING
    (((account_id >= ( SELECT ledger.first_account_seen('accounts.read'::text) AS first_account_seen)) AND (account_id <= ( SELECT ledger.last_account_seen('accounts.read'::text)
    AS last_account_seen)) AND ((account_id IN ( SELECT a.id
   FROM public.accounts a
  WHERE (a.user_id = ( SELECT auth.uid() AS uid)))) OR ( SELECT ledger.caller_may('accounts.read'::text) AS caller_may))));

CREATE POLICY "invoice_series_are_seen_by_who_issues" ON "public"."invoice_series"
  FOR SELECT
  TO "authenticated"
  USING ((( SELECT ledger.caller_may('invoices.issue'::text) AS caller_may) OR ( SELECT ledger.caller_may('accounts.read'::text) AS caller_may)));

CREATE POLICY "invoices_are_seen_by_their_customer_and_staff" ON "public"."invoices"
  FOR SELECT
  TO "authenticated"
  USING
    (((account_id >= ( SELECT ledger.first_account_seen('accounts.read'::text) AS first_account_seen)) AND (account_id <= ( SELECT ledger.last_account_seen('accounts.read'::text)
    AS last_account_seen)) AND ((user_id = ( SELECT auth.uid() AS uid)) OR ( SELECT ledger.caller_may('accounts.read'::text) AS caller_may))));

CREATE POLICY "old_flag_failures_are_seen_by_finance" ON "public"."old_flag_failures"
  FOR SELECT
  TO "authenticated"
  USING (( SELECT ledger.caller_may('accounts.read'::text) AS caller_may));

CREATE POLICY "old_invoice_flags_are_seen_by_finance" ON "public"."old_invoice_flags"
  FOR SELECT
  TO "authenticated"
  USING (( SELECT ledger.caller_may('accounts.read'::text) AS caller_may));

CREATE POLICY "old_payment_flags_are_seen_by_finance" ON "public"."old_payment_flags"
  FOR SELECT
  TO "authenticated"
  USING (( SELECT ledger.caller_may('accounts.read'::text) AS caller_may));

CREATE POLICY "allocations_are_seen_by_their_customer_and_staff" ON "public"."payment_allocations"
  FOR SELECT
  TO "authenticated"
  USING
    (((account_id >= ( SELECT ledger.first_account_seen('accounts.read'::text) AS first_account_seen)) AND (account_id <= ( SELECT ledger.last_account_seen('accounts.read'::text)
    AS last_account_seen)) AND ((account_id IN ( SELECT a.id
   FROM public.accounts a
  WHERE (a.user_id = ( SELECT auth.uid() AS uid)))) OR ( SELECT ledger.caller_may('accounts.read'::text) AS caller_may))));

CREATE POLICY "deadlines_are_seen_by_their_customer_and_staff" ON "public"."payment_deadlines"
  FOR SELECT
  TO "authenticated"
  USING
    (((account_id >= ( SELECT ledger.first_account_seen('orders.read'::text) AS first_account_seen)) AND (account_id <= ( SELECT ledger.last_account_seen('orders.read'::text) AS
    last_account_seen)) AND ((account_id IN ( SELECT a.id
   FROM public.accounts a
  WHERE (a.user_id = ( SELECT auth.uid() AS uid)))) OR ( SELECT ledger.caller_may('orders.read'::text) AS caller_may))));

CREATE POLICY "receipts_are_seen_by_their_customer_and_who_reviews" ON "public"."payment_receipts"
  FOR SELECT
  TO "authenticated"
  USING
    (((account_id >= ( SELECT ledger.first_account_seen('receipts.review'::text) AS first_account_seen)) AND (account_id <= ( SELECT
    ledger.last_account_seen('receipts.review'::text) AS last_account_seen)) AND
    ((user_id = ( SELECT auth.uid() AS uid)) OR ( SELECT ledger.caller_may('receipts.review'::text) AS caller_may))));

CREATE POLICY "payments_are_seen_by_their_customer_and_staff" ON "public"."payments"
  FOR SELECT
  TO "authenticated"
  USING
    (((account_id >= LEAST(( SELECT ledger.first_account_seen('orders.read'::text) AS first_account_seen), ( SELECT ledger.first_account_seen('accounts.read'::text) AS
    first_account_seen))) AND
    (account_id <= GREATEST(( SELECT ledger.last_account_seen('orders.read'::text) AS last_account_seen), ( SELECT ledger.last_account_seen('accounts.read'::text) AS
    last_account_seen))) AND ((account_id IN ( SELECT a.id
   FROM public.accounts a
  WHERE (a.user_id = ( SELECT auth.uid() AS uid)))) OR ( SELECT ledger.caller_may('accounts.read'::text) AS caller_may) OR ((order_id IS
    NOT NULL) AND ( SELECT ledger.caller_may('orders.read'::text) AS caller_may)))));

CREATE POLICY "reconciliation_runs_are_seen_by_auditors" ON "public"."reconciliation_runs"
  FOR SELECT
  TO "authenticated"
  USING (( SELECT ledger.caller_may('audit.read'::text) AS caller_may));

COMMENT ON COLUMN "public"."account_debt_cache"."invoiced_amount" IS 'Sum of invoices.amount: what live invoices claim.';

COMMENT ON COLUMN "public"."account_debt_cache"."unapplied_amount" IS 'Sum of payments.unapplied_amount: money that came in and is not used yet.';

COMMENT ON COLUMN "public"."card_bookings"."event_id" IS 'The event that gave occasion to it; of what ledger_match_card_payment books, the last one before.';

COMMENT ON COLUMN "public"."card_bookings"."is_refund" IS 'Whether object_id is a refund, or a dispute: a provider may give both the same name.';

COMMENT ON COLUMN "public"."card_bookings"."kind" IS 'captured: a payment; taken_out, put_back: money of it that left, for as long as nothing else is known, and came again; surplus_returned: out of what was more than the order needed; allowed: a refund made at the provider, taken off the order; paid_out: a refund of ours, settled; surplus_failed, payout_failed: the same again when the provider could not pay it.';

COMMENT ON COLUMN "public"."card_events"."amount" IS 'Null when the currency is not known here, or has too few decimals for it; payload has the provider''s own figure.';

COMMENT ON COLUMN "public"."card_events"."captured_total" IS 'Captured so far, this time included, where the provider says so.';

COMMENT ON COLUMN "public"."card_events"."is_final" IS 'Of a capture: nothing more will be captured.';

COMMENT ON COLUMN "public"."card_events"."order_id" IS 'The order it names, if that is an id at all; it may not exist.';

COMMENT ON COLUMN "public"."card_events"."payload_digest" IS 'MD5 of the event as it was sent: the same event_id with other contents is refused.';

COMMENT ON COLUMN "public"."card_payments"."charged_back_amount" IS 'Disputes that were not won.';

COMMENT ON COLUMN "public"."card_payments"."expires_at" IS 'Until when an authorisation can be captured, where the provider says so. Only shown.';

COMMENT ON COLUMN "public"."card_payments"."handled_at" IS 'When somebody last said by ledger_match_card_payment that it is dealt with: what was heard before is unmatched no more.';

COMMENT ON COLUMN "public"."card_payments"."handled_notes" IS 'What was done about it. The customer can read it.';

COMMENT ON COLUMN "public"."card_payments"."order_id" IS 'The order it is for; null until an event, or ledger_match_card_payment, names one that exists.';

COMMENT ON COLUMN "public"."card_payments"."problem" IS 'Why something of it is not in the books: customer_erased, refund_mismatch (it names a payout of ours that is not this, or one of its amount was settled by hand), more_than_captured, backfill_running (booked with the next event, or by ledger_match_card_payment), or the code of a refusal. The view card_events_unmatched lists them.';

COMMENT ON COLUMN "public"."card_payments"."refunded_amount" IS 'Refunds at the provider that did not fail.';

COMMENT ON COLUMN "public"."credit_terms"."credit_limit_amount" IS 'What the customer may owe in all when an order is placed on invoice; null when none may be.';

COMMENT ON COLUMN "public"."credit_terms"."due_days" IS 'Days until their invoices are due; null: the setting invoice_due_days.';

COMMENT ON COLUMN "public"."credit_terms"."max_grace_orders" IS 'Orders they may have in grace at a time; null: the setting max_grace_orders.';

COMMENT ON COLUMN "public"."import_rows"."amount" IS 'What the row amounts to in minor units of the run''s currency, when that can be read.';

COMMENT ON COLUMN "public"."import_rows"."parsed" IS 'What the analysis read out of data; its keys are those of the kind.';

COMMENT ON COLUMN "public"."import_rows"."row_number" IS 'Where the row stands in its file, as the one who staged it counts.';

COMMENT ON COLUMN "public"."import_rows"."target_id" IS 'What the row became: a payment, an invoice, an order, ...';

COMMENT ON COLUMN "public"."import_rows"."user_id" IS 'Whom the row is about: parsed.user_id, as soon as that is known.';

COMMENT ON COLUMN "public"."import_runs"."applied_by" IS 'Who called import_apply last, if the call said so; the books name them for what it wrote.';

COMMENT ON COLUMN "public"."import_runs"."backfill" IS 'What it found and did: see import_backfill.';

COMMENT ON COLUMN "public"."import_runs"."backfill_account_id" IS 'The last account it has been through, in the order of their ids.';

COMMENT ON COLUMN "public"."import_runs"."backfill_state" IS 'How far import_backfill is with the payments of the run; null before it began.';

COMMENT ON COLUMN "public"."import_runs"."options" IS 'How the file is to be read: columns ({"amount": "Amount (IRR)"}), decimal_separator, date_format, ...';

COMMENT ON COLUMN "public"."import_runs"."sums" IS 'What the rows of each state amount to, {"applied": minor units, ...}, once all are applied.';

COMMENT ON COLUMN "public"."invoice_balance_cache"."status_cached" IS 'unpaid, partial or paid; paid exactly when nothing remains.';

COMMENT ON COLUMN "public"."invoice_balance_cache"."version" IS 'Counts changes; a call that sends p_expected_version is refused when it has changed.';

COMMENT ON COLUMN "public"."invoice_series"."first_number" IS 'Where the series began; next_number - first_number invoices were issued in it.';

COMMENT ON COLUMN "public"."invoices"."amount" IS 'What is claimed: total - prepaid - credited; 0 for a void one and for a credit note. What is left of it: invoice_balance_cache.remaining_amount.';

COMMENT ON COLUMN "public"."invoices"."credited_amount" IS 'The sum of its credit notes. What they gave back in money is in prepaid_amount too.';

COMMENT ON COLUMN "public"."invoices"."customer_name" IS 'The customer''s name when it was issued; a credit note has that of its invoice.';

COMMENT ON COLUMN "public"."invoices"."issued_by" IS 'Who issued it; null for a backend.';

COMMENT ON COLUMN "public"."invoices"."prepaid_amount" IS 'Of the total of an order, what was paid without this invoice (by the wallet, by payments of the order), less what went back to the customer: below zero when more went back than came that way.';

COMMENT ON COLUMN "public"."old_payment_flags"."allocated_amount" IS 'How much of it, minor units; a flag alone could not say a part.';

COMMENT ON COLUMN "public"."old_payment_flags"."invoice_id" IS 'The invoice that it went to; null once it went to several, until all of it is reversed.';

COMMENT ON COLUMN "public"."order_status_transitions"."needs_payment" IS 'Only when the order is paid, the time it was given is not over, or it is on an invoice that is not overdue.';

COMMENT ON COLUMN "public"."payment_allocations"."idempotency_key" IS 'Names the line of the call that made it: a digest of who called and with which key, and the invoice.';

COMMENT ON COLUMN "public"."payment_allocations"."synthetic" IS 'Made by a backfill from the flags of an older system, not by a decision.';

COMMENT ON COLUMN "public"."payment_deadlines"."expired_at" IS 'When it passed last with something due, or when something was due again after it.';

COMMENT ON COLUMN "public"."payment_deadlines"."extensions" IS 'How often it was put off by ledger_extend_grace.';

COMMENT ON COLUMN "public"."payment_deadlines"."granted_by" IS 'Who gave the time last; null for a backend.';

COMMENT ON COLUMN "public"."payment_deadlines"."reminded_at" IS 'When the reminder of this due_at was queued.';

COMMENT ON COLUMN "public"."payment_receipts"."alerted_at" IS 'When ledger.alert_late_receipts said that it lies too long since it was sent.';

COMMENT ON COLUMN "public"."payment_receipts"."amount" IS 'What the customer says they transferred.';

COMMENT ON COLUMN "public"."payment_receipts"."approved_amount" IS 'What finance found of it; payments.amount of payment_id.';

COMMENT ON COLUMN "public"."payment_receipts"."order_id" IS 'The order, also when the receipt names its invoice.';

COMMENT ON COLUMN "public"."payment_receipts"."payment_voided_at" IS 'When the payment that was made of it was voided; its reference and file may be used again then.';

COMMENT ON COLUMN "public"."payment_receipts"."storage_path" IS 'Name of the file in the bucket receipts: <user id>/...';

COMMENT ON COLUMN "public"."payment_receipts"."submitted_at" IS 'When it was last sent; a receipt that was handed back is sent again.';

COMMENT ON COLUMN "public"."payment_receipts"."submitted_by" IS 'Who sent it: the customer, or staff on their behalf; null for a backend.';

COMMENT ON COLUMN "public"."payments"."allocated_amount" IS 'What its live allocations give to invoices.';

COMMENT ON COLUMN "public"."payments"."applied_amount" IS 'What went to an order without an invoice: part of orders.paid_amount while captured.';

COMMENT ON COLUMN "public"."payments"."charged_back_amount" IS 'What the card holder''s bank took back.';

COMMENT ON COLUMN "public"."payments"."credit_amount" IS 'What became wallet credit (total_earned): the surplus of an order, or a remainder that was released.';

COMMENT ON COLUMN "public"."payments"."external_id" IS 'Its name in the system it was imported from.';

COMMENT ON COLUMN "public"."payments"."paid_at" IS 'When the money came in; created_at is when it was recorded.';

COMMENT ON COLUMN "public"."payments"."reclaimed_amount" IS 'Part of charged_back_amount that came out of the wallet, because this part of the payment had gone back to the customer.';

COMMENT ON COLUMN "public"."payments"."unapplied_amount" IS 'What is left of a captured payment, to be allocated later.';

COMMENT ON COLUMN "public"."reconciliation_runs"."diff_abs" IS 'Sum over the accounts of what they differ by, whatever its sign.';

COMMENT ON COLUMN "public"."reconciliation_runs"."diff_ratio_ppm" IS 'diff_abs to expected_amount, in millionths; a million when nothing was expected.';

COMMENT ON COLUMN "public"."reconciliation_runs"."status" IS 'OK without any difference, WARN up to limit_ppm, FAIL beyond.';

COMMENT ON FUNCTION "ledger"."account_asked_for"(ledger.actor, uuid, text) IS 'A customer''s account in a currency, for the customer and for who has accounts.read; otherwise the refusal.';

COMMENT ON FUNCTION "ledger"."account_version_before"(uuid, timestamp with time zone) IS 'account_version of an account''s last transaction before a moment; 0 when there is none.';

COMMENT ON FUNCTION "ledger"."accounts_to_backfill"(uuid, uuid, integer) IS 'Accounts with flagged payments of a run, behind p_after.';

COMMENT ON FUNCTION "ledger"."add_change"(ledger.allocation_change, ledger.allocation_change) IS 'What two changes did together; transaction_id is the first one''s.';

COMMENT ON FUNCTION "ledger"."alert_late_receipts"() IS 'Job: queues a message receipt.late for every receipt under review for longer than the setting receipt_review_hours, once each time it was sent; answers how many.';

COMMENT ON FUNCTION "ledger"."allocate"(uuid, uuid, ledger.allocation_line[], text, ledger.actor, uuid, text, boolean, uuid, boolean) IS 'Allocates a locked payment to locked invoices, in minor units, with all that follows for orders, postings and debt.';

COMMENT ON FUNCTION "ledger"."allocation_lines_of"(jsonb) IS 'The lines of p_lines, which has been checked.';

COMMENT ON FUNCTION "ledger"."allocation_strategies"() IS 'What p_strategy of ledger_auto_allocate_payment can be.';

COMMENT ON FUNCTION "ledger"."allow_to_card"(ledger.card_step, text, bigint) IS 'Takes up to p_amount (minor units) off the order of a card payment because the provider paid it out; answers how much.';

COMMENT ON FUNCTION "ledger"."allowable_to_card"(public.card_payments, public.orders) IS 'What of a refund at the provider can be an allowance on the order, in minor units.';

COMMENT ON FUNCTION "ledger"."amount_pattern"(text) IS 'The pattern of an amount, such as 9,999.99: digits as 9 in their alphabet, the first run of them as one digit.';

COMMENT ON FUNCTION "ledger"."apply_import_batch"(public.import_runs, integer, ledger.actor) IS 'Applies one batch of a locked import and counts it; answers the run.';

COMMENT ON FUNCTION "ledger"."apply_order_cancellation"(public.import_runs, text, ledger.actor) IS 'Applies the staged rows of one cancellation; answers how many were applied and rejected. What it can touch is locked.';

COMMENT ON FUNCTION "ledger"."apply_order_cancellations"(public.import_runs, integer, ledger.actor) IS 'Applies the next cancellations of an import, oldest first; answers how many rows became what.';

COMMENT ON FUNCTION "ledger"."backfill_account"(uuid, uuid, ledger.actor, uuid) IS 'Backfills the allocations of one account; answers what was allocated, in minor units.';

COMMENT ON FUNCTION "ledger"."backfill_customer"(uuid, ledger.actor) IS 'Backfills all accounts of a customer in one transaction; a drift undoes it.';

COMMENT ON FUNCTION "ledger"."backfill_drifts"(ledger.backfill_figures) IS 'Whether the differential check of a backfill fails.';

COMMENT ON FUNCTION "ledger"."backfill_figures"(uuid[], uuid) IS 'The differential check of a backfill (source 002, 16.5): synthetic_amount and expected_amount are equal once it is through.';

COMMENT ON FUNCTION "ledger"."backfill_findings"(uuid) IS 'What a backfill cannot settle: unknown invoices, and old statuses that disagree with the balances.';

COMMENT ON FUNCTION "ledger"."backfill_sums"(ledger.backfill_figures) IS 'The figures of a backfill as its report shows them, in minor units.';

COMMENT ON FUNCTION "ledger"."balance_differences"(uuid) IS 'Kept sums of payments, invoices and accounts that differ from their rows: kind (payment, invoice, account) and subject_id say which, cached and recomputed what.';

COMMENT ON FUNCTION "ledger"."balances_at"(uuid, bigint) IS 'Balances (minor units) of an account after a transaction: {account_version, wallet_balance, debt_balance, unapplied_balance}; of zeros before the first.';

COMMENT ON FUNCTION "ledger"."begin_owing"(uuid, uuid, jsonb, ledger.actor) IS 'Gives an order just placed by bank_transfer_grace its deadline, or one placed on invoice its invoice; p_transaction_id is that of the placing.';

COMMENT ON FUNCTION "ledger"."book_allocations"(public.transactions, uuid[], text, uuid, jsonb, ledger.actor, boolean) IS 'Books rows of payment_allocations that were just written, of one order or of free invoices: order, posting, debt, event; answers what they did.';

COMMENT ON FUNCTION "ledger"."book_card_payment"(ledger.card_step, ledger.card_facts, boolean) IS 'Books what the events of a card payment with an order say and the books do not say yet; the code of what stood in the way, or null.';

COMMENT ON FUNCTION "ledger"."book_card_refund"(ledger.card_step, text, bigint, boolean, uuid, boolean) IS 'Books a refund at the provider, or what is not booked of it (minor units); the code of what stood in the way, or null.';

COMMENT ON FUNCTION "ledger"."book_imported_invoices"(public.import_runs, ledger.invoice_to_import[]) IS 'Books imported invoices: account versions, transactions, receivable against revenue and tax, debt.';

COMMENT ON FUNCTION "ledger"."booked_of_card"(uuid, text[], text, boolean) IS 'Sum of the bookings of these kinds.';

COMMENT ON FUNCTION "ledger"."cancellation_rows"(uuid, text) IS 'The rows of a cancellation of an import, each by what it says: SKU, price, quantity, and which of those that are equal in it.';

COMMENT ON FUNCTION "ledger"."capture_card"(ledger.card_step, text, text, boolean, bigint) IS 'Books p_amount (minor units) of a card payment as a payment; each has a reference of its own (ledger.reference_of_card).';

COMMENT ON FUNCTION "ledger"."capture_payment"(public.accounts, public.orders, uuid, bigint, text, text, text, text, ledger.actor, uuid, boolean, text, timestamp
  with time zone) IS 'Books a payment from outside for a locked order (of nulls when it is for none) and account, with all that follows. Refusals, before its first write: invoice_not_found, invoice_not_open, amount_too_large, customer_not_found (a surplus or remainder for somebody who was erased), payment_reference_used.';

COMMENT ON FUNCTION "ledger"."card_allows"(public.card_payments, boolean) IS 'Whether refunds at the provider become allowances on the order.';

COMMENT ON FUNCTION "ledger"."card_answer"(public.card_payments, text, boolean) IS 'The answer of ledger_confirm_payment.';

COMMENT ON FUNCTION "ledger"."card_disputes"(public.card_payments) IS 'The disputes of a card payment; amount 0 when it was won.';

COMMENT ON FUNCTION "ledger"."card_facts_of"(public.card_payments) IS 'What the set of a card payment''s events says of it.';

COMMENT ON FUNCTION "ledger"."card_objects"(public.card_payments) IS 'Refunds and disputes of a card payment: amount at the provider, and what the books made of it (settled for good, or taken out until more is known). Minor units.';

COMMENT ON FUNCTION "ledger"."card_payment_named"(text, jsonb) IS 'The card payment that a well-formed event is about, locked by its name.';

COMMENT ON FUNCTION "ledger"."card_refunds"(public.card_payments) IS 'The refunds of a card payment at its provider; refund_id is ours, where they name it.';

COMMENT ON FUNCTION "ledger"."change_flag"(text, text, integer, text, ledger.actor, uuid) IS 'Changes a feature flag and records it; p_run_id: the run that made it be switched off. Answers whether anything changed.';

COMMENT ON FUNCTION "ledger"."charge_back"(ledger.locked_payment, bigint, text, ledger.actor, uuid, boolean) IS 'Takes a part of a captured payment out of the books again. Refusals, before its first write: payment_conflict (voided), invalid_amount, charge_back_exceeds_payment, amount_too_large.';

COMMENT ON FUNCTION "ledger"."check_balances"() IS 'Job: how many kept sums of payments, invoices and accounts differ; queues the message balances.differ when any does.';

COMMENT ON FUNCTION "ledger"."check_debt_drift"() IS 'Compares the debt of every account with its cache and, while they are kept, with the old flags; writes the runs and answers them. The hourly job.';

COMMENT ON FUNCTION "ledger"."check_flag"() IS 'Trigger: refuses a state of a flag that its rules do not allow yet.';

COMMENT ON FUNCTION "ledger"."claiming_invoices"(uuid) IS 'Imported invoices of an account and what remains of them, in minor units.';

COMMENT ON FUNCTION "ledger"."confirm_when_covered"(public.orders, ledger.actor, boolean) IS 'Confirms a locked pending order that nothing is due for, if the shop or the caller (p_confirm) wants that; what it did, or nulls.';

COMMENT ON FUNCTION "ledger"."count_allocation"() IS 'Trigger: keeps a payment''s allocated_amount and invoice_balance_cache, and what rows of payment_allocations say of each other.';

COMMENT ON FUNCTION "ledger"."credit_used"(uuid, uuid) IS 'What an account owes by invoices, and by orders placed on invoice that have none, but for one order; minor units.';

COMMENT ON FUNCTION "ledger"."credited_units"(public.invoices) IS 'Units of each line of a free invoice that credit notes took back.';

COMMENT ON FUNCTION "ledger"."currency_of_word"(text, text) IS 'Whether a word or sign is that of a currency, and how many units of p_currency one of it is: 1, 10 for the toman in IRR, 0 when it is another currency''s.';

COMMENT ON FUNCTION "ledger"."debt_figures"(bigint, bigint, bigint) IS 'Debt, invoiced, allocated and unapplied amount as one object; minor units.';

COMMENT ON FUNCTION "ledger"."decimal_mark"(text, text, integer) IS 'The decimal separator of a number: '''' when it has none, null when that can be read two ways, ! when in no way.';

COMMENT ON FUNCTION "ledger"."differences_of_allocations"() IS 'Allocations that differ from payments, invoices, caches, movements or events: I1 to I10 of source 002.';

COMMENT ON FUNCTION "ledger"."differences_of_cards"() IS 'Card payments that differ from their events, and bookings that differ from card payments or payments.';

COMMENT ON FUNCTION "ledger"."differences_of_grace"() IS 'Orders in grace and deadlines that do not fit together.';

COMMENT ON FUNCTION "ledger"."differences_of_imports"() IS 'Imports that differ from their rows or from what these became, and synthetic allocations that no flag explains.';

COMMENT ON FUNCTION "ledger"."differences_of_invoices"() IS 'Invoices that differ from their lines, orders, series, credit notes or postings.';

COMMENT ON FUNCTION "ledger"."differences_of_payments"() IS 'Payments that differ from their orders, allocations, transactions or postings.';

COMMENT ON FUNCTION "ledger"."differences_of_receipts"() IS 'Receipts that differ from their payments, orders or invoices.';

COMMENT ON FUNCTION "ledger"."document_lines"(public.invoices) IS 'The lines of a printed invoice, minor units.';

COMMENT ON FUNCTION "ledger"."document_of"(public.invoices) IS 'What invoice_document answers of an invoice or credit note.';

COMMENT ON FUNCTION "ledger"."document_taxes"(public.invoices) IS 'The taxes of a printed invoice by rate, minor units.';

COMMENT ON FUNCTION "ledger"."draft_imported_items"(public.import_runs, public.orders[]) IS 'The lines of drafted orders of an import.';

COMMENT ON FUNCTION "ledger"."draft_imported_orders"(public.import_runs, text[]) IS 'The staged orders of these numbers as they will be written; user_id is null where the customer is not known any more.';

COMMENT ON FUNCTION "ledger"."draft_of"(ledger.invoice_draft_line[], boolean, bigint) IS 'A draft of these lines: subtotal before discount, tax by line, total. Refuses amounts that are too large.';

COMMENT ON FUNCTION "ledger"."draft_of_credit"(public.invoices, jsonb, bigint) IS 'The credit note of a locked free invoice: of lines [{"line_number", "quantity"}] or of an amount in minor units; or the refusal.';

COMMENT ON FUNCTION "ledger"."draft_of_credited_amount"(public.invoices, bigint) IS 'A credit note of an amount (with its tax, minor units, above zero) of a free invoice, or the refusal.';

COMMENT ON FUNCTION "ledger"."draft_of_credited_lines"(public.invoices, jsonb) IS 'A credit note of p_lines [{"line_number", "quantity"}] of a free invoice, or the refusal.';

COMMENT ON FUNCTION "ledger"."draft_of_lines"(jsonb, boolean) IS 'A free invoice of lines as ledger_issue_invoice takes them, or the refusal. tax_rate_bp is the shop''s where a line says none.';

COMMENT ON FUNCTION "ledger"."draft_of_order"(public.orders) IS 'The invoice of a locked order: what is left of its lines and shipping; prepaid is what of it is not due any more.';

COMMENT ON FUNCTION "ledger"."draft_of_refund"(public.invoices, public.orders, public.refunds) IS 'The credit note of a refund of an order, which is as it is after it, with a live invoice: its total is what the refund credited.';

COMMENT ON FUNCTION "ledger"."drift_of_cache"() IS 'Debt of each account by invoices and allocations, beside account_debt_cache.';

COMMENT ON FUNCTION "ledger"."drift_of_old_flags"() IS 'Debt of each account by invoices and allocations, beside the old flags.';

COMMENT ON FUNCTION "ledger"."drop_messages_since"(timestamp with time zone) IS 'Takes back the messages about events that this transaction has written since p_started; answers how many.';

COMMENT ON FUNCTION "ledger"."drop_synthetic_allocations"(uuid, integer, ledger.actor, text, timestamp with time zone) IS 'Reverses synthetic allocations of a run, and only them; answers what was taken back, in minor units.';

COMMENT ON FUNCTION "ledger"."dual_write_figures"() IS '{"writes", "failures"} of old flags since the last run of their check; several writes of one invoice count as one, so the share of failures is never taken for smaller than it is.';

COMMENT ON FUNCTION "ledger"."due_days_of"(uuid) IS 'Days until an invoice of this account is due: by its terms, else by the setting invoice_due_days.';

COMMENT ON FUNCTION "ledger"."enable_receipt_storage"() IS 'Makes the private bucket "receipts" (10 MB; JPEG, PNG, WebP, HEIC, PDF) and its policies: customers upload into the folder of their id under names that no receipt refers to, see what is in it, and remove what no receipt refers to; who has receipts.review sees all. Safe to repeat.';

COMMENT ON FUNCTION "ledger"."end_backfill"(public.import_runs, boolean, text, ledger.actor) IS 'Ends a run, or with p_only_backfill its backfill, once nothing of it is left to be taken back.';

COMMENT ON FUNCTION "ledger"."end_grace"(uuid, uuid) IS 'Settles the deadline of a locked order, if it has one, and takes it out of its grace period.';

COMMENT ON FUNCTION "ledger"."end_imported_orders"(public.import_runs, public.orders[], ledger.actor) IS 'Ends those of written orders that were cancelled or refunded in the older system.';

COMMENT ON FUNCTION "ledger"."expire_grace"(integer) IS 'Job: cancels (setting grace_expiry = cancel, when nothing of it has left the house) or flags the orders whose grace period has passed with something due; answers how many.';

COMMENT ON FUNCTION "ledger"."expire_order"(uuid, ledger.actor) IS 'Cancels or flags a locked order whose grace period is over; answers whether it was. One that cannot be cancelled is flagged.';

COMMENT ON FUNCTION "ledger"."expires_as_cancelled"(public.orders) IS 'Whether a locked order is cancelled when its grace period passes.';

COMMENT ON FUNCTION "ledger"."fail_card_refund"(ledger.card_step, text) IS 'Books that a refund at the provider, which is booked, has failed; the code of what stood in the way, or null.';

COMMENT ON FUNCTION "ledger"."fill_old_flags"() IS 'Writes the old flags of everything that is allocated now.';

COMMENT ON FUNCTION "ledger"."first_status"(boolean, text, jsonb) IS 'Status that a new order starts with (source 004: default status, auto-confirm).';

COMMENT ON FUNCTION "ledger"."flag_overdue"(public.orders, ledger.actor, text) IS 'Takes a locked order out of its grace period and marks its deadline overdue; p_problem: why it was not cancelled though it should be.';

COMMENT ON FUNCTION "ledger"."flagged_payments"(uuid, uuid) IS 'Payments of an account that were flagged as allocated and that nobody has allocated since; synthetic_amount: what a backfill has given of them. Minor units.';

COMMENT ON FUNCTION "ledger"."follow_card_events"(ledger.card_step, boolean, boolean) IS 'Books what the events of a card payment say (p_books: whether there is anything that the books have not seen), and keeps what stood in the way as its problem.';

COMMENT ON FUNCTION "ledger"."follow_order_invoice"(public.orders, public.transactions, uuid, ledger.actor, bigint, bigint) IS 'Moves the claim of an order''s live invoice with what the order owes, and writes the debt movement of the transaction; answers what its event says of it ({} when there is nothing).';

COMMENT ON FUNCTION "ledger"."grace_left"(uuid) IS 'Whether an order was given time that is not over, also when it was paid meanwhile.';

COMMENT ON FUNCTION "ledger"."grace_of"(uuid) IS 'in_grace while the deadline of an order is open, else null: the last argument of ledger.payment_status_of.';

COMMENT ON FUNCTION "ledger"."grant_grace"(public.orders, timestamp with time zone, ledger.actor, uuid, jsonb) IS 'Opens the deadline of a locked order, or puts it off, with its event; p_facts is what else the event says.';

COMMENT ON FUNCTION "ledger"."guard_invoice_series"() IS 'Trigger: refuses hand edits of what a series counts, and prefixes that were another''s.';

COMMENT ON FUNCTION "ledger"."has_synthetic_allocations"(uuid, timestamp with time zone) IS 'Whether synthetic allocations of a run are live, of those made since a time.';

COMMENT ON FUNCTION "ledger"."held_from_outside"(public.orders) IS 'What was paid for an order from outside and did not go back.';

COMMENT ON FUNCTION "ledger"."hold_backfill"(uuid, ledger.actor) IS 'Marks the backfill of a locked run as one to be taken back whole.';

COMMENT ON FUNCTION "ledger"."impersonal_part"(jsonb, text) IS 'A read row without names, references and notes.';

COMMENT ON FUNCTION "ledger"."impersonal_report"(jsonb) IS 'The report of an analysis as it is kept: without examples, and without patterns of what could not be read.';

COMMENT ON FUNCTION "ledger"."import_amount_patterns"(uuid, text) IS 'Patterns of the amounts of an import, in minor units: {"rows", "readable", "unreadable", "total", "naive_total", "difference", "patterns": [{"pattern", "rows", "share", "readable_rows", "amount", "examples"}]}; the pattern of all that are rarer than the first fifty is null.';

COMMENT ON FUNCTION "ledger"."import_chunks"(uuid) IS 'Ranges of row numbers of a run, of ten thousand rows each.';

COMMENT ON FUNCTION "ledger"."import_customers_analyze"(uuid) IS 'Reads the staged rows of an import of customers, rejects those that cannot be read; answers {"customers", "without_email"} of the others.';

COMMENT ON FUNCTION "ledger"."import_customers_apply"(uuid, integer) IS 'Writes the next customers of an import; answers how many rows became what.';

COMMENT ON FUNCTION "ledger"."import_external_id"(text, jsonb) IS 'The name of a payment or invoice of the older system in its normal form; null when nothing is left of it.';

COMMENT ON FUNCTION "ledger"."import_facts"(text, jsonb) IS 'Time, names and words of a read row. Those that people can change once it is imported are left out, as is what the older system computed.';

COMMENT ON FUNCTION "ledger"."import_field"(jsonb, jsonb, text) IS 'What a staged row says for a field, without the blanks and marks of direction around it; null when it says nothing.';

COMMENT ON FUNCTION "ledger"."import_invoices_analyze"(uuid) IS 'Analysis of staged invoices; see import_analyze.';

COMMENT ON FUNCTION "ledger"."import_invoices_apply"(uuid, integer) IS 'Applies the next staged invoices of a locked import.';

COMMENT ON FUNCTION "ledger"."import_key"(text) IS 'What the spellings of one external id have in common.';

COMMENT ON FUNCTION "ledger"."import_name"(text) IS 'A name or number of the older system without the decimals that a spreadsheet gave it.';

COMMENT ON FUNCTION "ledger"."import_option_names"() IS 'The options that imports know.';

COMMENT ON FUNCTION "ledger"."import_orders_analyze"(uuid) IS 'Reads the staged rows of an import of orders and rejects those that cannot be imported; answers orders, cancellations, customers, skus, times and sums (minor units) of the others.';

COMMENT ON FUNCTION "ledger"."import_orders_apply"(uuid, integer) IS 'Writes the next orders of an import, then its cancellations; answers how many rows became what. Options: order_number_prefix, stock (keep, take), refunds (paid_out, wallet, pending).';

COMMENT ON FUNCTION "ledger"."import_payments_analyze"(uuid) IS 'Analysis of staged payments; see import_analyze.';

COMMENT ON FUNCTION "ledger"."import_payments_apply"(uuid, integer) IS 'Applies the next staged payments of a locked import.';

COMMENT ON FUNCTION "ledger"."import_products_analyze"(uuid) IS 'Reads the staged rows of an import of products, rejects those that cannot be read; answers {"skus", "new_skus"} of the others.';

COMMENT ON FUNCTION "ledger"."import_products_apply"(uuid, integer) IS 'Writes the next products of an import; answers how many rows became what.';

COMMENT ON FUNCTION "ledger"."import_reject_summary"(uuid) IS 'Rejects of a run by code and field, with three examples of each.';

COMMENT ON FUNCTION "ledger"."import_sums"(uuid) IS 'Sums of a run''s rows by their state, in minor units, and how many rows have no amount that can be read.';

COMMENT ON FUNCTION "ledger"."import_word"(jsonb, jsonb, text) IS 'What a row says for a field that has a fixed set of values, in this system''s words.';

COMMENT ON FUNCTION "ledger"."imported_before"(uuid, text, bigint[]) IS 'Staged rows whose external id is taken: is_same when they say what was imported then, else imported and found name what differs.';

COMMENT ON FUNCTION "ledger"."imported_customers"(text[]) IS 'The customers that external ids, profile ids or e-mail addresses mean; those that mean nobody are left out.';

COMMENT ON FUNCTION "ledger"."imported_facts"(text, uuid) IS 'What ledger.import_facts says of the row that an imported payment or invoice was.';

COMMENT ON FUNCTION "ledger"."imported_id"(timestamp with time zone) IS 'A UUID of version 7 as one made at that moment would be.';

COMMENT ON FUNCTION "ledger"."imported_payment_status"(jsonb, text, bigint, numeric) IS 'The payment status of an order of an import: as said, else as paid, else as the options say.';

COMMENT ON FUNCTION "ledger"."imported_prices_include_tax"(jsonb) IS 'Whether the prices of an import contain the tax: options.prices_include_tax, else the setting.';

COMMENT ON FUNCTION "ledger"."imported_target"(text, uuid) IS 'Amount (minor units), account and status of an imported payment or invoice.';

COMMENT ON FUNCTION "ledger"."imported_total"(jsonb, ledger.import_order_line[]) IS 'What an order of these lines of an import amounts to.';

COMMENT ON FUNCTION "ledger"."insert_invoice"(public.accounts, text, uuid, uuid, uuid, ledger.invoice_draft, ledger.actor) IS 'Writes an invoice or credit note with its lines; answers its row. Everything else is its caller''s.';

COMMENT ON FUNCTION "ledger"."invoice_legs"(public.invoices) IS 'Postings of an invoice that is no order''s, when it is issued; a credit note''s are the reverse.';

COMMENT ON FUNCTION "ledger"."invoice_text"(text, text) IS 'The description of an invoice''s line.';

COMMENT ON FUNCTION "ledger"."invoices_to_import"(public.import_runs, bigint[]) IS 'The invoices that rows become, with the ids of their records; accounts are locked.';

COMMENT ON FUNCTION "ledger"."is_exact_amount"(jsonb, bigint) IS 'Whether a JSON value is a whole number from p_least to 2^53 - 1, null or missing.';

COMMENT ON FUNCTION "ledger"."is_file_of_receipt"(text) IS 'Whether a receipt refers to this file of the bucket receipts.';

COMMENT ON FUNCTION "ledger"."is_refund_of_a_card"(uuid) IS 'Whether the refund is booked for one at a card provider.';

COMMENT ON FUNCTION "ledger"."keep_card_event"(public.card_payments, jsonb) IS 'Writes a well-formed event; false when it was there already.';

COMMENT ON FUNCTION "ledger"."keep_import_readings"(uuid, ledger.import_reading[], boolean) IS 'Writes what an analysis read out of rows; those with rejects are rejected.';

COMMENT ON FUNCTION "ledger"."keep_old_flag_of_invoice"() IS 'Trigger: what an invoice claims, in its old flag.';

COMMENT ON FUNCTION "ledger"."keep_old_flags"(uuid, uuid, uuid, bigint) IS 'Keeps the old flags beside allocations, as the flag allocation_dual_write says.';

COMMENT ON FUNCTION "ledger"."keep_old_flags_of_allocation"() IS 'Trigger: an allocation or its reversal, in the old flags.';

COMMENT ON FUNCTION "ledger"."latin_digits"(text) IS 'A text with Persian and Arabic digits as 0 to 9.';

COMMENT ON FUNCTION "ledger"."left_by_rate"(public.invoices) IS 'What of a free invoice was not credited yet, by tax rate; gross with its tax, minor units.';

COMMENT ON FUNCTION "ledger"."lines_of_refund"(public.refunds) IS 'The units of a refund as lines of its credit note.';

COMMENT ON FUNCTION "ledger"."live_allocations"(uuid, uuid, uuid) IS 'Live allocations to an invoice, of a payment, or (with both) of the payment to the invoice: at most one.';

COMMENT ON FUNCTION "ledger"."live_invoice_number"(uuid, uuid) IS 'The number of an order''s live invoice; null when it has none.';

COMMENT ON FUNCTION "ledger"."live_synthetic"(uuid) IS 'What is live of the synthetic allocations of a run now, and what was reversed; minor units.';

COMMENT ON FUNCTION "ledger"."lock_accounts_of_rows"(public.import_runs, bigint[]) IS 'Locks, and opens, the accounts that the staged rows of a batch are about.';

COMMENT ON FUNCTION "ledger"."lock_card_by_name"(text, text) IS 'The card payment of this name, if there is one, locked by its name.';

COMMENT ON FUNCTION "ledger"."lock_card_payment"(public.card_payments) IS 'Locks the orders, accounts, payments, invoices and refunds that an event of a card payment can touch.';

COMMENT ON FUNCTION "ledger"."lock_for_allocation"(uuid, uuid[]) IS 'Locks the orders of invoices, the account of a payment, the payment and the invoices; answers the payment.';

COMMENT ON FUNCTION "ledger"."lock_invoice"(uuid) IS 'Locks the order and the account of an invoice, then the invoice; answers its row.';

COMMENT ON FUNCTION "ledger"."lock_orders_to_cancel"(public.import_runs, uuid[]) IS 'Locks what the cancellations of these customers can touch: orders by id, accounts by id, stock by variant.';

COMMENT ON FUNCTION "ledger"."lock_payment"(uuid) IS 'A payment, locked with its orders, account and invoices; of nulls when there is none.';

COMMENT ON FUNCTION "ledger"."lock_receipt_file"(text) IS 'Makes sending a receipt, and uploading or removing its file, one after the other.';

COMMENT ON FUNCTION "ledger"."lock_slots_for"(uuid[], bigint[], bigint[], uuid) IS 'Locks the stock of an order that is not plain, and says where its units come from; quantities below zero, p_thresholds null: by a plan in any case.';

COMMENT ON FUNCTION "ledger"."look_at_backfill"(public.import_runs, uuid) IS 'A dry run of a backfill: allocated_amount is what it would allocate.';

COMMENT ON FUNCTION "ledger"."mark_order_of_card"(public.card_payments) IS 'Gives the order of a card payment the payment status that its money and surplus say.';

COMMENT ON FUNCTION "ledger"."mark_receipt_of_voided_payment"() IS 'Trigger on payments: a receipt says when its payment was voided.';

COMMENT ON FUNCTION "ledger"."may_owe"(uuid, uuid, text, text) IS 'Whether a status change that needs the money goes without it: the time the order was given is not over, or it is on an invoice that is not overdue.';

COMMENT ON FUNCTION "ledger"."mend_balances"(uuid) IS 'Sets the kept sums of a locked account''s payments, invoices and debt to what their rows say.';

COMMENT ON FUNCTION "ledger"."moving_transactions"(uuid, bigint, bigint, integer) IS 'Transactions of an account that moved money or debt, between two versions, in order; amounts in minor units.';

COMMENT ON FUNCTION "ledger"."naive_amount"(text, integer) IS 'A text cast to numeric, in minor units; null when the cast fails.';

COMMENT ON FUNCTION "ledger"."next_invoice_number"(text) IS 'The next number of a series, and how it is written.';

COMMENT ON FUNCTION "ledger"."order_of_date"(text) IS 'The order of day, month and year in a date format: DMY, MDY or YMD; null for any other.';

COMMENT ON FUNCTION "ledger"."orders_of_card"(public.card_payments) IS 'The orders that a card payment is for or pays.';

COMMENT ON FUNCTION "ledger"."orders_of_payment"(uuid) IS 'The orders that a payment pays, directly or by their invoices.';

COMMENT ON FUNCTION "ledger"."parse_amount"(text, text, integer, jsonb) IS 'Reads an amount: minor units of p_currency (with p_exponent decimals), or the code of why not. Options: decimal_separator "." or ",", accept_exponent true.';

COMMENT ON FUNCTION "ledger"."parse_date"(text, jsonb) IS 'Reads an ISO date or time, or one in the order of options.date_format; without a zone in options.time_zone (UTC). Else a code: row_value_missing, row_date_jalali, row_date_unreadable.';

COMMENT ON FUNCTION "ledger"."parse_flag"(text) IS 'A text that says yes or no; null when it says something else.';

COMMENT ON FUNCTION "ledger"."pass_over_orders"(public.import_runs, public.orders[], public.order_items[]) IS 'Skips and rejects those of drafted orders that are not to be written; answers how many rows.';

COMMENT ON FUNCTION "ledger"."pay_order"(uuid, uuid, bigint, text) IS 'Adds to what was paid for a locked order, or takes from it, and answers the order as it is then. Postings and records are the caller''s.';

COMMENT ON FUNCTION "ledger"."payment_status_after_edit"(public.orders, bigint, ledger.edit_money) IS 'orders.payment_status of an order once it is edited to this total and its money settled.';

COMMENT ON FUNCTION "ledger"."payment_status_kept"(public.orders) IS 'The present payment status of an order as ledger.payment_status_of takes it: overpaid only if it does not follow from the amounts alone.';

COMMENT ON FUNCTION "ledger"."payment_status_of"(bigint, bigint, bigint, bigint, text) IS 'orders.payment_status from total, credited, paid and refunded amount, and the present one: in_grace and receipt_uploaded stay while something is due, overpaid while nothing is. An order taken back whole that nobody paid for is unpaid; one edited down to nothing is paid.';

COMMENT ON FUNCTION "ledger"."payment_status_without"(public.orders, uuid) IS 'orders.payment_status as it is when this receipt is not under review.';

COMMENT ON FUNCTION "ledger"."payments_of_card"(uuid) IS 'Ids of the payments that a card payment was booked as.';

COMMENT ON FUNCTION "ledger"."payments_to_import"(public.import_runs, bigint[]) IS 'The payments that rows become, with the ids of their records; accounts are locked. Event ids rise with the row numbers as far as the plan reads them in order.';

COMMENT ON FUNCTION "ledger"."payout_of_card_refund"(public.card_payments, text, uuid, bigint) IS 'The refund whose payout of p_amount (minor units) this is, or null.';

COMMENT ON FUNCTION "ledger"."plan_allocation"(public.payments, text, uuid[]) IS 'Which invoices a payment''s remainder goes to by a strategy, and how much to each, in minor units.';

COMMENT ON FUNCTION "ledger"."plan_backfill"(uuid, uuid) IS 'Which flagged payments of an account go to which imported invoices, and how much, in minor units; is_claimed: the row of the payment named the invoice.';

COMMENT ON FUNCTION "ledger"."possible_duplicate_payments"(uuid) IS 'Staged payments of an import of whose customer a payment of an order with the same amount and day is here: {"rows", "amount" in minor units, "first_rows": their numbers, at most ten}.';

COMMENT ON FUNCTION "ledger"."problem_of_kinds"(jsonb) IS 'What is wrong with the options that only some kinds ask for, or null.';

COMMENT ON FUNCTION "ledger"."problem_of_names"(jsonb) IS 'What is wrong with the names of options, or null.';

COMMENT ON FUNCTION "ledger"."problem_of_reading"(jsonb) IS 'What is wrong with the options of every kind, or null.';

COMMENT ON FUNCTION "ledger"."purge_import_rows"() IS 'Job: blanks the rows of imports that ended (or were left alone) longer ago than import_retention_days; answers how many.';

COMMENT ON FUNCTION "ledger"."ranked_invoices"(uuid, text, timestamp with time zone) IS 'Open invoices of an account in the order in which a strategy pays them; remaining_amount in minor units, score as the strategy defines it.';

COMMENT ON FUNCTION "ledger"."read_customer_row"(bigint, jsonb, jsonb) IS 'What a row of kind customers says, and the reasons to reject it.';

COMMENT ON FUNCTION "ledger"."read_invoice_row"(bigint, jsonb, jsonb, text, integer) IS 'One staged invoice, as the analysis reads it.';

COMMENT ON FUNCTION "ledger"."read_order_row"(bigint, jsonb, jsonb, text, integer) IS 'What a row of kind orders says, what it amounts to (quantity x price - discount, minor units, negative for a cancellation), and the reasons to reject it.';

COMMENT ON FUNCTION "ledger"."read_payment_row"(bigint, jsonb, jsonb, text, integer) IS 'One staged payment, as the analysis reads it.';

COMMENT ON FUNCTION "ledger"."read_product_row"(bigint, jsonb, jsonb, text, integer) IS 'What a row of kind products says, and the reasons to reject it.';

COMMENT ON FUNCTION "ledger"."reads_debt_from_cache"(uuid) IS 'Whether account_debt reads account_debt_cache for this account, as allocation_read_switch says.';

COMMENT ON FUNCTION "ledger"."receipt_file_bytes"() IS 'How large the file of a receipt may be.';

COMMENT ON FUNCTION "ledger"."receipt_file_types"() IS 'Media types of files that a receipt may be.';

COMMENT ON FUNCTION "ledger"."recomputed_debts"(uuid) IS 'Invoiced, allocated and unapplied amount (minor units) of an account, or of all, recomputed from invoices, allocations and payments.';

COMMENT ON FUNCTION "ledger"."record_imported_invoices"(public.import_runs, ledger.invoice_to_import[]) IS 'Writes the events of imported invoices, what they are called in the older system, and what became of their rows.';

COMMENT ON FUNCTION "ledger"."record_imported_orders"(public.orders[], ledger.actor) IS 'Writes the transactions, postings and events of written orders of an import, with the time of the order and "imported": true.';

COMMENT ON FUNCTION "ledger"."record_imported_payments"(public.import_runs, ledger.payment_to_import[]) IS 'Writes the events of imported payments, what they are called in the older system, and what became of their rows.';

COMMENT ON FUNCTION "ledger"."record_receipt"(text, public.payment_receipts, public.orders, text, ledger.actor, uuid) IS 'Event, audit line and message of what happened to a receipt, in the stream of its order or its own.';

COMMENT ON FUNCTION "ledger"."reference_key"(text) IS 'What two spellings of one bank reference have in common.';

COMMENT ON FUNCTION "ledger"."reference_of_card"(public.card_payments) IS 'What the next payment that a card payment is booked as is called.';

COMMENT ON FUNCTION "ledger"."refund_by_rate"(public.invoices, ledger.invoice_draft_line[], bigint, bigint) IS 'Price (as lines say it) and tax that a refund credits of each tax rate of an order''s invoice; p_left: lines left of the order by now. Minor units.';

COMMENT ON FUNCTION "ledger"."refuse_allocation"(public.payments, ledger.allocation_line[], bigint[]) IS 'The refusal for giving a locked payment to locked invoices, or null; p_versions: the expected balance version of each line, where there is one.';

COMMENT ON FUNCTION "ledger"."refuse_allocation_lines"(jsonb) IS 'The refusal for a p_lines of the wrong shape, or null.';

COMMENT ON FUNCTION "ledger"."refuse_beside_backfill"(uuid) IS 'backfill_running while a backfill of another run is under way, or null.';

COMMENT ON FUNCTION "ledger"."refuse_card_during_backfill"(public.card_payments) IS 'The refusal for booking refunds and disputes of a card payment that invoices are paid by, while allocations are closed; or null.';

COMMENT ON FUNCTION "ledger"."refuse_card_event"(text, jsonb) IS 'The refusal for an event that is not of the shape of ledger_confirm_payment, or null.';

COMMENT ON FUNCTION "ledger"."refuse_card_match"(public.card_payments, public.orders, uuid, uuid, text) IS 'The refusal for matching a card payment with an order, or for saying that it is dealt with; or null.';

COMMENT ON FUNCTION "ledger"."refuse_claim"(uuid, bigint) IS 'The refusal for claiming this much more of an account by an invoice, or null.';

COMMENT ON FUNCTION "ledger"."refuse_credit"(uuid, text, bigint, uuid) IS 'The refusal for an order on invoice of which p_due (minor units) would be due, beyond what the credit terms allow, or null.';

COMMENT ON FUNCTION "ledger"."refuse_due_date"(timestamp with time zone) IS 'The refusal for a due date that cannot be meant, or null.';

COMMENT ON FUNCTION "ledger"."refuse_during_backfill"(boolean) IS 'The refusal for an allocation or a reversal while ledger_backfill_mode is read_only, or active and it is not synthetic; null otherwise. Ask with the account locked.';

COMMENT ON FUNCTION "ledger"."refuse_flag"(public.feature_flags, text, smallint) IS 'The refusal for a state that this flag cannot take now, or null.';

COMMENT ON FUNCTION "ledger"."refuse_grace"(public.orders, timestamp with time zone) IS 'The refusal for giving a locked order time to be paid, or null.';

COMMENT ON FUNCTION "ledger"."refuse_grace_limit"(uuid, uuid) IS 'The refusal for one more order in grace on a locked account, p_order_id not counted, or null.';

COMMENT ON FUNCTION "ledger"."refuse_import_kind"(text) IS 'The refusal for a kind of import that does not exist, or null.';

COMMENT ON FUNCTION "ledger"."refuse_import_options"(jsonb) IS 'The refusal for options of an import that have no meaning, or null.';

COMMENT ON FUNCTION "ledger"."refuse_import_state"(uuid, public.import_runs, text, text[]) IS 'The refusal for an import that is not there, or not in one of these states; or null.';

COMMENT ON FUNCTION "ledger"."refuse_import_time"(timestamp with time zone) IS 'row_date_out_of_range for a time at which nothing imported can have happened, or null.';

COMMENT ON FUNCTION "ledger"."refuse_invoice"(uuid, uuid) IS 'The refusal for paying something else than a live invoice of the account, or null.';

COMMENT ON FUNCTION "ledger"."refuse_invoice_change"(public.invoices, uuid, bigint) IS 'The refusal for crediting, changing or voiding this invoice (its row, locked; of nulls when there is none), or null.';

COMMENT ON FUNCTION "ledger"."refuse_invoice_lines"(jsonb) IS 'The refusal for lines of a free invoice, or null.';

COMMENT ON FUNCTION "ledger"."refuse_invoice_series"(text) IS 'The refusal for a series that does not exist or is of credit notes, or null.';

COMMENT ON FUNCTION "ledger"."refuse_invoice_texts"(text, text, jsonb) IS 'The refusal for reference, notes and billing address of an invoice, or null.';

COMMENT ON FUNCTION "ledger"."refuse_owing"(text, uuid, text, bigint) IS 'Why a customer, whose account is locked, cannot order by bank_transfer_grace or invoice with this much due, or null.';

COMMENT ON FUNCTION "ledger"."refuse_payment"(bigint, text, text, text, timestamp with time zone, integer, boolean) IS 'The refusal for a payment whose arguments cannot be right, or null.';

COMMENT ON FUNCTION "ledger"."refuse_receipt_claim"(public.payment_receipts) IS 'The refusal for a receipt whose amount, reference, texts, day or file is not what it has to be, or null.';

COMMENT ON FUNCTION "ledger"."refuse_receipt_file"(uuid, text) IS 'The refusal for a path outside the customer''s folder, or, where Storage is installed, for a file that is not there or is no receipt; else null.';

COMMENT ON FUNCTION "ledger"."refuse_receipt_subject"(public.orders, public.invoices) IS 'The refusal for a receipt for an order that has ended or an invoice that claims nothing any more, or null.';

COMMENT ON FUNCTION "ledger"."refuse_used_receipt"(public.payment_receipts) IS 'The refusal for a receipt of a transfer that is recorded or shown already, or null.';

COMMENT ON FUNCTION "ledger"."refuse_void"(ledger.locked_payment) IS 'The refusal for voiding a locked payment, or null.';

COMMENT ON FUNCTION "ledger"."refuse_voiding"(public.invoices) IS 'The refusal for voiding an invoice that is live, or null.';

COMMENT ON FUNCTION "ledger"."reject_blanked_rows"(uuid, bigint[], text) IS 'Rejects rows that have no data any more.';

COMMENT ON FUNCTION "ledger"."reject_disagreeing_orders"(uuid) IS 'Rejects for the first row of orders whose rows disagree, whose total is not the sum of its parts, or whose paid amount is not what its payment status says.';

COMMENT ON FUNCTION "ledger"."reject_duplicate_rows"(uuid, text) IS 'Rejects rows whose external id stands in an earlier row of the same import; answers how many.';

COMMENT ON FUNCTION "ledger"."reject_if"(text, bigint, text, text, jsonb) IS 'The reason as a list of one, or an empty list when there is no code.';

COMMENT ON FUNCTION "ledger"."reject_import_rows"(uuid, ledger.import_reject[]) IS 'Rejects rows of an import with their reasons; answers how many rows became rejected.';

COMMENT ON FUNCTION "ledger"."reject_imported_differently"(uuid, text, bigint[]) IS 'Rejects rows whose external id was imported before as something else, or is void by now.';

COMMENT ON FUNCTION "ledger"."reject_lost_customers"(uuid, bigint[]) IS 'Rejects rows of customers who are not there any more.';

COMMENT ON FUNCTION "ledger"."reject_order"(public.orders, ledger.actor, text, jsonb) IS 'Rejects a locked and checked order; its live invoice becomes void in a transaction of its own. Refuses before its first write: order_invoiced.';

COMMENT ON FUNCTION "ledger"."reject_order_words"(bigint, jsonb, jsonb, ledger.import_order_line) IS 'Reasons to reject a line whose status, payment or quantity cannot be taken.';

COMMENT ON FUNCTION "ledger"."reject_other_currency"(bigint, jsonb, jsonb, text) IS 'The reason to reject a row that names another currency than the run''s.';

COMMENT ON FUNCTION "ledger"."reject_unknown_skus"(uuid) IS 'Rejects for staged rows of orders whose product is not known here.';

COMMENT ON FUNCTION "ledger"."reject_used_numbers"(uuid, bigint[]) IS 'Rejects staged invoices whose number another invoice has; answers how many.';

COMMENT ON FUNCTION "ledger"."reject_used_references"(uuid, bigint[]) IS 'Rejects staged payments whose reference is taken; answers how many.';

COMMENT ON FUNCTION "ledger"."reject_what_is_too_much"(uuid, bigint[], text, boolean) IS 'Rejects rows by which an account''s sums would grow beyond what is kept exactly.';

COMMENT ON FUNCTION "ledger"."release_allocations"(uuid, uuid, bigint, ledger.actor, text, uuid, uuid) IS 'Takes back p_amount (minor units) of the live allocations to an invoice, or of a payment, newest first; the part of the last one that stays is a new row.';

COMMENT ON FUNCTION "ledger"."remind_of_grace"(integer) IS 'Job: queues order.payment_reminder once for each deadline that passes within the setting grace_reminder_hours; answers how many.';

COMMENT ON FUNCTION "ledger"."replayed_debts"(uuid) IS 'Invoiced, allocated and unapplied amount (minor units) of an account, or of all, replayed from events alone.';

COMMENT ON FUNCTION "ledger"."rests_something_on"(text, uuid) IS 'Whether an imported payment or invoice was used, allocated, paid or credited.';

COMMENT ON FUNCTION "ledger"."reverse_allocations"(uuid, uuid[], ledger.actor, text, uuid) IS 'Reverses live allocations of a locked account by rows of their own, with all that follows for orders, postings and debt.';

COMMENT ON FUNCTION "ledger"."set_payment_status"(public.orders, text) IS 'Writes the payment status of a locked order, if it is another one; answers the order.';

COMMENT ON FUNCTION "ledger"."settle_card_refund"(ledger.card_step, text, uuid, text, text) IS 'Marks the payout of a refund paid or failed because the card provider did so; a refusal, or null.';

COMMENT ON FUNCTION "ledger"."settle_payment_deadline"(public.orders) IS 'Settles the deadline of a locked order, as it is by now, when nothing is due or it has ended; one that was settled runs on when something is due again, or is overdue when its time has passed. Answers the order.';

COMMENT ON FUNCTION "ledger"."settle_refund"(public.orders, public.accounts, public.refunds, text, text, ledger.actor, uuid, boolean) IS 'Settles the payout of a locked refund; p_action: paid, failed, withdrawn. Refusals, before its first write: refund_conflict, account_frozen, amount_too_large.';

COMMENT ON FUNCTION "ledger"."skip_imported_rows"(uuid, text, bigint[]) IS 'Skips rows that were imported before as they are.';

COMMENT ON FUNCTION "ledger"."step_backfill"(public.import_runs, integer, ledger.actor) IS 'One step of a backfill: closes allocations, writes a batch of accounts, or checks; answers what it did.';

COMMENT ON FUNCTION "ledger"."switch_off_what_drifted"(public.reconciliation_runs) IS 'Switches the flag off that a run and the one before it speak against.';

COMMENT ON FUNCTION "ledger"."take_back_allocations"(uuid, uuid[], bigint, ledger.actor, text, uuid) IS 'Reverses live allocations; of the last one p_kept (minor units) stays.';

COMMENT ON FUNCTION "ledger"."take_back_imported"(public.import_runs, public.orders, jsonb, text, timestamp with time zone, ledger.actor, text) IS 'Takes back a part of a locked order, or ends it, as an import says it happened at p_at; what is paid out is settled as options.refunds says.';

COMMENT ON FUNCTION "ledger"."take_out_of_card"(ledger.card_step, text, text, boolean, bigint, text, boolean) IS 'Takes p_amount (minor units) of a card payment out of the books, as far as it is there; answers how much.';

COMMENT ON FUNCTION "ledger"."text_reject"(bigint, text, text, integer) IS 'The reject of a text that is missing or too long.';

COMMENT ON FUNCTION "ledger"."time_in"(text) IS 'An ISO 8601 time, or null for any other text.';

COMMENT ON FUNCTION "ledger"."to_minor_units"(numeric, integer, text) IS 'A whole number with p_decimals decimals (the currency''s own when null) as minor units of a currency; null when that is not exact.';

COMMENT ON FUNCTION "ledger"."try_order_cancellation"(public.import_runs, text, ledger.actor) IS 'Applies the staged rows of one cancellation, or rejects all of them when it cannot be carried out.';

COMMENT ON FUNCTION "ledger"."units_to_cancel"(public.import_runs, text) IS 'Units of earlier imported orders that the staged rows of a cancellation take back; rows for which there are not enough have none.';

COMMENT ON FUNCTION "ledger"."uuid_in"(text) IS 'The UUID that a text is, or null.';

COMMENT ON FUNCTION "ledger"."void_imported"(public.import_runs, integer, ledger.actor, text) IS 'Voids imported payments or invoices of an aborted run, p_limit at a time; answers how many, how many stay (at the end), and whether that was all.';

COMMENT ON FUNCTION "ledger"."void_invoice"(public.invoices, text, ledger.actor, uuid) IS 'Makes an invoice void that ledger.refuse_voiding had nothing against; p_invoice is its row before. Answers the transaction.';

COMMENT ON FUNCTION "ledger"."void_invoice_of_order"(public.orders, text, ledger.actor, uuid) IS 'Makes the live invoice of a locked order void, if it has one; answers the refusal order_invoiced, before any write, where it cannot be.';

COMMENT ON FUNCTION "ledger"."void_payment"(ledger.locked_payment, text, ledger.actor, uuid) IS 'Voids a payment that ledger.lock_payment locked and ledger.refuse_void had nothing against.';

COMMENT ON FUNCTION "ledger"."void_untouched"(text, uuid, uuid, text, ledger.actor) IS 'Voids an imported payment or invoice that nothing rests on; answers whether it did.';

COMMENT ON FUNCTION "ledger"."withdraw_payouts_for"(public.payments, bigint, ledger.actor, uuid) IS 'Withdraws payouts of a locked payment''s order, as far as a charge back of p_amount (minor units) needs them.';

COMMENT ON FUNCTION "ledger"."write_card_booking"(ledger.card_step, text, text, boolean, bigint, uuid, uuid, uuid) IS 'Records what the books did about a card payment.';

COMMENT ON FUNCTION "ledger"."write_credit_note_of_refund"(public.invoices, public.orders, public.refunds, ledger.actor) IS 'Issues the credit note of a refund; answers what the refund''s event says of it.';

COMMENT ON FUNCTION "ledger"."write_debt_movement"(public.transactions, bigint, bigint, bigint) IS 'Applies differences to an account''s debt, beside the transaction of the operation; answers the part of its event that says so.';

COMMENT ON FUNCTION "ledger"."write_drift_run"(text, ledger.drift[], bigint, jsonb, timestamp with time zone, bigint, jsonb) IS 'Keeps what a drift check found as a run, with its first 20 accounts.';

COMMENT ON FUNCTION "ledger"."write_imported_customers"(public.import_runs, bigint[]) IS 'Writes users, profiles and addresses of rows of an import whose names are new; answers how many.';

COMMENT ON FUNCTION "ledger"."write_imported_goods"(public.order_items[], boolean, ledger.actor) IS 'Writes the stock movements of drafted orders: in and out, or with p_take_from_stock out only. Slot 0 of their variants is locked.';

COMMENT ON FUNCTION "ledger"."write_imported_invoices"(public.import_runs, ledger.invoice_to_import[]) IS 'Writes imported invoices with a line and the balance of each.';

COMMENT ON FUNCTION "ledger"."write_imported_orders"(public.orders[], public.order_items[]) IS 'Writes drafted orders with their lines, what was paid for them, and one shipment of each that is out, at the time of the order.';

COMMENT ON FUNCTION "ledger"."write_imported_payments"(public.import_runs, ledger.payment_to_import[]) IS 'Writes imported payments with account versions, transactions, postings and debt.';

COMMENT ON FUNCTION "ledger"."write_imported_products"(public.import_runs, bigint[]) IS 'Writes vendors, products, variants and opening stock of rows of an import whose SKUs are new; answers how many rows were applied.';

COMMENT ON FUNCTION "ledger"."write_imported_transactions"(public.orders[], ledger.actor) IS 'Writes the transactions of written orders of an import and counts their accounts'' versions; answers them.';

COMMENT ON FUNCTION "ledger"."write_invoice"(public.accounts, public.orders, ledger.invoice_draft, ledger.actor, uuid, jsonb) IS 'Issues a drafted invoice (ledger.draft_of_order, ledger.draft_of_lines, ledger.draft_of) on a locked account. Its remaining amount is its amount.';

COMMENT ON FUNCTION "ledger"."write_old_flags"(uuid, uuid, uuid, bigint) IS 'Counts an allocation in the old flags of its payment and its invoice.';

COMMENT ON FUNCTION "ledger"."write_opening_stock"(public.import_runs, bigint[]) IS 'Receives the opening stock of new variants of an import.';

COMMENT ON FUNCTION "ledger"."write_receipt"(public.payment_receipts, ledger.actor) IS 'Writes a receipt as it was sent; one that was handed back is under review again.';

COMMENT ON FUNCTION "ledger"."write_reversals"(public.transactions, uuid[], ledger.actor) IS 'Writes the reversing row of each allocation; answers their ids.';

COMMENT ON FUNCTION "public"."account_debt"(uuid, text) IS 'What a customer owes by invoices (minor units of the currency; the shop''s when p_currency is left out): debt_amount = invoiced_amount - allocated_amount; unapplied_amount is money of payments that no invoice has yet, and is not taken off. is_cached: read from account_debt_cache, else recomputed, as the flag allocation_read_switch says. For the customer, and for staff with accounts.read; anybody else''s reads as not found. Errors: customer_required, customer_not_found, account_not_found. Source 002.';

COMMENT ON FUNCTION "public"."account_debt_compare"(uuid) IS 'A customer''s debt from every source (minor units): accounts is an array of {account_id, currency, cached, recomputed, replayed, flagged, is_read_from_cache, differs}, one per currency; each of the first three is {debt_amount, invoiced_amount, allocated_amount, unapplied_amount}: of account_debt_cache, added up from invoices, allocations and payments, and replayed from events alone. flagged is the debt by the old flags alone, null while allocation_dual_write is off. differences counts the accounts that differ. For the customer, and for staff with accounts.read. Errors: customer_required, customer_not_found (also who has no account). Source 002.';

COMMENT ON FUNCTION "public"."account_statement"(uuid, timestamp with time zone, timestamp with time zone, text, integer, bigint) IS 'Statement of a customer''s account from p_from (included; the beginning when null) to p_to (not included; now when null), in minor units of the currency (the shop''s when null). opening and closing are {account_version, wallet_balance, debt_balance, unapplied_balance}: what the account had before the first and after the last transaction of that time, of zeros before its first ever; they are those of the whole time, whatever the page. movements, in the order of the account, at most p_limit (1 to 1000): {account_version, at, type, transaction_id, order_id, reference_id, description, wallet_change, wallet_balance, debt_change, debt_balance, unapplied_change, unapplied_balance}; what moved none of them is left out. next_version is p_after_version of the next page, null on the last. debt is what invoices claim and no payment has, unapplied what payments have and no invoice. For the customer, and for staff with accounts.read. Errors: customer_required, customer_not_found, account_not_found, invalid_argument.';

COMMENT ON FUNCTION "public"."import_abort"(uuid, text, boolean, integer, uuid, boolean) IS 'Ends an import, p_limit rows a call until done: reverses the synthetic allocations of its backfill (dropped_amount, minor units) and nothing that people did; with p_void also voids its payments or invoices that are untouched (voided_rows; kept_rows are not), and forgets their names, so that they can be imported again. p_only_backfill ends the backfill alone. Needs imports.run, which is all that voiding needs here. Errors: import_not_found, import_conflict, invalid_argument, backfill_running (that of another import). Source 002, 16.5.';

COMMENT ON FUNCTION "public"."import_analyze"(uuid, jsonb) IS 'Reads the staged rows of an import and rejects what cannot be read; may be repeated with p_options, which are added to the run''s. report: {"amounts": {"patterns": [{"pattern", "rows", "share", "readable_rows", "amount", "examples"}], "unreadable", "total", "naive_total", "difference", ...}, "rejects": [{"code", "rows", "examples"}], and what the kind says}. Needs imports.run. Errors: import_not_found, import_conflict, invalid_argument. Source 002, E-A1.';

COMMENT ON FUNCTION "public"."import_apply"(uuid, boolean, integer, uuid) IS 'Applies the next p_limit rows or so of an analysed import in one transaction; call it until done is true. p_dry_run applies all that is left, answers what would come of it, and changes nothing. The books name p_actor_id, or the caller, for what it writes. Needs imports.run. Errors: import_not_found, import_conflict, invalid_argument, backfill_running (payments and invoices wait for a backfill). Source 002, E-A1.';

COMMENT ON FUNCTION "public"."import_backfill"(uuid, uuid, boolean, integer, uuid) IS 'Backfills synthetic allocations of an applied import of payments, a step a call until done, or of one customer at once. report, in minor units: {"accounts", "payments", "flagged_amount", "expected_amount" (what imported invoices can take of it), "synthetic_amount", "without_claim", "drift", "invoices_not_found", "statuses_that_differ"}. Needs imports.run. Errors: invalid_argument, import_not_found, import_conflict, customer_not_found, backfill_running (the mode is not where this backfill left it); sums of a customer that drift raise, and nothing is changed. Source 002, 16.5.';

COMMENT ON FUNCTION "public"."import_begin"(text, text, jsonb, text, uuid) IS 'Opens an import of p_kind (payments, invoices, orders, products, customers) from p_source_name. p_options: {"currency", "columns": {field: column name}, "decimal_separator": "." or ",", "date_format", ...}; what is not said is not guessed. Needs imports.run. Errors: unknown_import_kind, unknown_currency, invalid_argument, idempotency_conflict. Source 002, E-A1.';

COMMENT ON FUNCTION "public"."import_report"(uuid) IS 'An import: counts of rows, sums by state in minor units ({"applied", "skipped", "rejected", "staged", "total", "rows_without_amount"}), rejects by code with examples, the analysis (without the examples of import_analyze), and for a backfill what it allocated and which old statuses disagree (see import_backfill), with what is live of it now. Needs imports.run. Errors: import_not_found. Source 002, E-A1 and 16.5.';

COMMENT ON FUNCTION "public"."import_stage"(uuid, bigint, jsonb, boolean) IS 'Stages p_rows ([{column: text}, ...], at most 10000 of at most 64 KB) as rows p_first_row and on. Staging the same again does nothing; p_is_last ends it (p_rows may be empty). Needs imports.run. Errors: import_not_found, import_conflict, import_row_differs, invalid_argument. Source 002, E-A1.';

COMMENT ON FUNCTION "public"."integrity_check_drift"() IS 'Runs the hourly drift check now and answers its runs (rows of reconciliation_runs): debt_cache, and old_flags while allocation_dual_write is not off. Two runs in a row beyond debt_drift_ppm_limit switch the flag off that they speak against. Needs audit.read. Source 002, E-A5.';

COMMENT ON FUNCTION "public"."invoice_document"(uuid) IS 'A printable invoice or credit note as JSON: {kind, invoice_number, status, issued_at, due_at, currency, exponent, prices_include_tax, customer {user_id, name, address}, order, credits, reference, notes, lines [{line_number, description, sku, quantity, unit_price_amount, discount_amount, tax_rate_bp, tax_amount, net_amount, total_amount}], taxes [{tax_rate_bp, net_amount, tax_amount}], subtotal_amount, discount_amount, shipping_amount, tax_amount, total_amount, prepaid_amount, paid_back_amount, credited_amount, amount (total - prepaid + paid back - credited), allocated_amount, remaining_amount, payment_status, payments [{payment_id, method, paid_at, amount, reference}], credit_notes [{invoice_id, invoice_number, issued_at, total_amount}], printed [amounts as people read them]}. Minor units. Errors: invoice_not_found. Issue: payments and receivables.';

COMMENT ON FUNCTION "public"."invoice_recalculate"(uuid, boolean) IS 'Compares all kept sums of an account, or of all accounts, with the rows they are sums of. differences is an array of at most 1000 {account_id, kind, subject_id, cached, recomputed}, kind payment, invoice or account, amounts in minor units; difference_count counts all. With p_repair the sums are mended (repaired_accounts), and an event balances.mended says what they were. Needs accounts.read, for a repair payments.allocate. Errors: invalid_argument (no such account). Source 002.';

COMMENT ON FUNCTION "public"."ledger_allocate_payment"(uuid, jsonb, text, uuid) IS 'Allocates p_lines, an array of 1 to 1000 {"invoice_id", "amount", "expected_version"?} with each invoice once and amounts in minor units, of a captured payment to invoices of its customer, all or nothing; expected_version is invoice_balance_cache.version as it was read. allocations are the rows written, of {allocation_id, payment_id, invoice_id, order_id, amount, remaining_amount, status}; transaction_id is the first one''s when they are about several orders. Needs payments.allocate. Errors: invalid_argument, payment_not_found, payment_conflict (voided), invoice_not_found, invoice_not_open, invoice_settled (nothing left of it), allocation_exceeds_invoice, allocation_exceeds_payment, already_allocated (by a backfill), invoice_balance_changed, backfill_running, idempotency_conflict. Source 002.';

COMMENT ON FUNCTION "public"."ledger_auto_allocate_payment"(uuid, text, text, uuid, boolean) IS 'Allocates what is left of a captured payment to open invoices of its customer. p_strategy: fifo (issued first), aging (most overdue first, then the largest remaining amount), risk (days overdue x remaining amount, highest first), weighted (age, days overdue and size, each as a share of the largest, weighted by the settings allocation_weight_*). plan is what was decided, of {invoice_id, invoice_number, order_id, amount, remaining_amount (before), days_overdue, score}; allocations as of ledger_allocate_payment. With p_dry_run nothing changes, and no key is kept. Amounts in minor units. Needs payments.allocate. Errors: invalid_argument, payment_not_found, payment_conflict (voided), nothing_to_allocate, backfill_running, idempotency_conflict. Source 002.';

COMMENT ON FUNCTION "public"."ledger_change_invoice"(uuid, timestamp with time zone, text, text, bigint, text, uuid) IS 'Changes when an invoice is due, its reference and its notes; null keeps, an empty text removes. Needs invoices.issue; the customer can read them. Errors: invoice_not_found, invoice_conflict (void, or a credit note), invoice_changed (another version than expected), customer_not_found (erased), invalid_argument. Source 002.';

COMMENT ON FUNCTION "public"."ledger_change_order_status"(uuid, uuid, text, text, bigint, jsonb, uuid, text, text) IS 'Moves order p_reference_id of customer p_user_id from p_old_status to p_new_status (any case); p_amount is its total in minor units. Needs orders.read and the permission of the row in order_status_transitions; available_balance is answered to who has accounts.read. The customer can read p_actor_action and p_metadata. Errors: order_not_found, unknown_status, status_conflict, amount_mismatch, invalid_transition, payment_required, units_not_shippable (something of it is on backorder), order_invoiced (to rejected, with payments allocated to its invoice or credit notes of it; without, the invoice becomes void), invalid_argument, amount_too_large (an account cannot hold what it would get). Source 003.';

COMMENT ON FUNCTION "public"."ledger_confirm_payment"(text, jsonb) IS 'Takes an event of a card provider: {"event_id", "kind": authorised | captured | voided | failed | refunded | refund_failed | charged_back | charge_back_won, "provider_payment_id", "currency", "amount", "exponent", "captured_total", "is_final", "object_id", "order_id", "refund_id", "occurred_at", "expires_at"}. amount is a whole number with exponent decimals (the currency''s own minor units when left out); captured_total is what is captured so far, is_final that nothing more will be (when no total is given, a capture is the only one); object_id names the refund or dispute at the provider, refund_id ours. effect: booked; kept (nothing to book, or not yet); unmatched (problem says why; see card_events_unmatched); repeated. For service_role only. Errors: invalid_argument, idempotency_conflict (the event was heard with other contents). DESIGN section 7.';

COMMENT ON FUNCTION "public"."ledger_credit_invoice"(uuid, jsonb, bigint, text, bigint, text, uuid) IS 'Credits p_lines [{"line_number": 1, "quantity": 2}] or p_amount (with its tax) of a free invoice by a credit note; the invoice of an order is credited by ledger_refund_order. released_amount: what of it had been paid, and is unapplied with its payments now. Minor units. Needs invoices.issue; the customer can read p_reason. Errors: invoice_not_found, invoice_conflict (void, or a credit note), invoice_changed (another version than expected), order_invoice, nothing_to_credit, invalid_amount, invalid_argument, invoice_line_not_found, units_not_creditable, credit_exceeds_invoice, backfill_running, customer_not_found (erased). Source 002.';

COMMENT ON FUNCTION "public"."ledger_edit_order"(uuid, jsonb, boolean, bigint, bigint, bigint, text, text, text, uuid, uuid) IS 'Edits an order that is pending, confirmed or processing, of the caller (while pending; staff with orders.edit: of anyone). p_changes: [{"line_number": 2, "quantity": 3} (0 removes) | {"variant_id": uuid, "quantity": int} (adds)]; in refusals of added items line is their place among the added ones. Existing lines keep their price; added ones cost what the catalogue says; the discount is reckoned anew and dropped when its minimum is no longer met. An order paid by wallet takes the difference from it, others take p_wallet_amount (0 when left out) and the rest is due; what was paid too much goes back, what came from outside to p_to (wallet, or original: paid out, refund_id is settled by ledger_settle_refund). p_dry_run answers the same and writes nothing (version is the present one). changes: [{line_number, variant_id, product_sku, old_quantity, new_quantity, unit_price_amount}]. Minor units. Errors: order_not_found, order_invoiced, edit_not_allowed, version_conflict, line_not_found, line_shipped, empty_order, too_many_lines, invalid_quantity, invalid_argument, price_changed, insufficient_stock, insufficient_funds, invalid_wallet_amount, credit_not_granted and credit_limit_exceeded (an order by invoice would owe more), account_frozen, amount_too_large, currency_mismatch, variant_not_found, variant_unavailable, invalid_items, rate_limited. Source 004.';

COMMENT ON FUNCTION "public"."ledger_extend_grace"(uuid, timestamp with time zone, text, text, uuid) IS 'Gives an order by bank_transfer, bank_transfer_grace or wallet_partial time to be paid until p_until (within a year), or puts its deadline off, also one that has passed. It is in_grace from then on and may go out unpaid. Needs grace.grant. outstanding_amount in minor units. The customer can read p_reason. p_until is later than the present deadline. Errors: order_not_found, invalid_argument, grace_not_possible, grace_limit_reached. Source 000.';

COMMENT ON FUNCTION "public"."ledger_issue_invoice"(uuid, uuid, jsonb, text, timestamp with time zone, text, boolean, jsonb, text, text, text, uuid) IS 'Issues the invoice of p_order_id, or a free one for p_user_id of p_lines [{"description": text, "quantity": int, "unit_price_amount": int, "discount_amount": int, "tax_rate_bp": int, "sku": text}] in p_currency. Tax per line, half up; p_prices_include_tax: the setting when left out. p_due_at: by the customer''s terms, else the setting invoice_due_days. amount is what is claimed: total_amount less prepaid_amount, what of an order was paid before and did not go back. Minor units. Needs invoices.issue; the customer can read reference and notes. Errors: customer_required, customer_not_found, unknown_currency, order_not_found, order_invoiced, invoice_not_possible, invoice_series_not_found, invalid_argument, amount_too_large. Source 002.';

COMMENT ON FUNCTION "public"."ledger_match_card_payment"(uuid, uuid, text, text, uuid) IS 'Settles a card payment that card_events_unmatched lists. p_order_id: the order it is for, where it has none yet, of any customer, in the currency of its events; then all that was heard of it is booked. Neither p_order_id nor p_notes: what can be booked by now is. p_notes alone: it was dealt with otherwise, and is listed no more until something new is heard. problem says what still stands in the way; amounts in minor units. Needs payments.record. Errors: card_payment_not_found, card_payment_matched (it has another order), order_not_found, customer_not_found (the order''s was erased), invalid_argument. DESIGN section 7.';

COMMENT ON FUNCTION "public"."ledger_place_order"(jsonb, text, bigint, uuid, uuid, text, text, bigint, text, jsonb, text, uuid, uuid) IS 'Places an order of p_items [{"variant_id": uuid, "quantity": int}] for the caller (staff with orders.place: for p_user_id). Amounts in minor units. Payment methods: wallet, wallet_partial (p_wallet_amount, else as much as there is), bank_transfer, card, and where the goods may go out unpaid: bank_transfer_grace (within the setting grace_hours) and invoice (issued with the order, within the customer''s credit terms). p_reservation_id: stock that order_reserve holds for the customer; the order consumes it. Units beyond the stock of a variant with backorder_allowed wait in backorders. Errors: insufficient_stock, reservation_not_found, reservation_expired, reservation_conflict, insufficient_funds, grace_limit_reached, credit_not_granted, credit_limit_exceeded, price_changed, account_frozen, and those of error_codes for items, addresses, shipping, discount and payment method. Sources 000, 003, 004.';

COMMENT ON FUNCTION "public"."ledger_record_payment"(uuid, bigint, text, text, text, text, uuid, uuid, uuid, text, timestamp with time zone) IS 'Records p_amount (minor units) that came in for the order p_order_id, the invoice p_invoice_id or from the customer p_user_id on account (in p_currency, the shop''s default when left out): exactly one of them. p_method: bank_transfer, card, cash or other; p_reference is its name at the bank, once per method, however it is typed; p_paid_at: when the money came in, now when left out. applied_amount goes to an order without an invoice and credit_amount (its surplus; all of it when the order was rejected, cancelled or refunded) to the wallet; allocated_amount goes to the invoice, also when the order has one; unapplied_amount stays with the payment. With the setting auto_confirm_when_paid a covered pending order becomes confirmed. Needs payments.record; available_balance is answered to who has accounts.read. Errors: order_not_found, invoice_not_found, invoice_not_open, customer_not_found (also a surplus for somebody who was erased), unknown_currency, invalid_amount, invalid_argument, amount_too_large, payment_reference_used. Sources 000, 002, 004.';

COMMENT ON FUNCTION "public"."ledger_release_payment"(uuid, bigint, text, text, uuid) IS 'Moves p_amount (minor units; all that is left when left out) of a payment''s unapplied remainder into the customer''s wallet. Needs payments.record; available_balance is answered to who has accounts.read. Errors: payment_not_found, invalid_amount, invalid_argument, payment_conflict (voided), nothing_unapplied, amount_too_large, customer_not_found (erased), backfill_running (imported ones wait). Source 002.';

COMMENT ON FUNCTION "public"."ledger_reverse_allocation"(uuid, text, text, uuid) IS 'Reverses a live allocation whole: reversed_amount (minor units) is unapplied remainder of its payment again, remaining_amount is what is left to pay of the invoice now; allocations is the reversing row, as of ledger_allocate_payment. Needs payments.allocate. Errors: allocation_not_found, invalid_argument, allocation_conflict (reversed already, or a reversal itself), payment_already_used (the order it paid has given the money back), backfill_running, idempotency_conflict. Source 002.';

COMMENT ON FUNCTION "public"."ledger_review_receipt"(uuid, text, bigint, text, text, uuid) IS 'Decides on a submitted receipt: approve (p_amount, in minor units, when less came than the receipt says), reject or hand_back (p_notes says why). What is approved is a payment by bank_transfer: applied_amount to the order, allocated_amount to the invoice, credit_amount to the wallet, unapplied_amount left with the payment; an order that is covered becomes paid, and a pending one confirmed. Needs receipts.review, and another person than the customer; available_balance is answered to who has accounts.read. Errors: receipt_not_found, own_receipt, receipt_conflict (reviewed or withdrawn by somebody else first), invalid_argument, invalid_amount, amount_too_large, payment_reference_used (its transfer has been recorded meanwhile), customer_not_found, idempotency_conflict. Source 000.';

COMMENT ON FUNCTION "public"."ledger_set_credit_terms"(uuid, text, bigint, integer, integer, text, text, uuid) IS 'Sets a customer''s credit terms in p_currency (the default currency when left out): p_credit_limit_amount (minor units) that they may owe by invoices when they order on invoice, null for no credit; p_due_days until those invoices are due and p_max_grace_orders at a time, null for as the settings say. Needs credit.grant. The customer can read p_reason. Errors: customer_required, customer_not_found, unknown_currency, invalid_amount, amount_too_large, invalid_argument, idempotency_conflict.';

COMMENT ON FUNCTION "public"."ledger_set_flag"(text, text, integer, text, text, uuid) IS 'Switches a feature flag. allocation_dual_write: off, shadow, enforce; leaving off takes the old flags over from what is allocated. allocation_read_switch: off, canary (p_percentage of the accounts, by a stable hash), full. Reading from the cache by more accounts, or enforcing, needs as many last runs without drift as the setting drift_free_runs says. ledger_backfill_mode: off only, and not while a backfill is under way. Needs flags.set. Errors: invalid_argument, drift_not_ruled_out, backfill_running. Source 002, 16.8.';

COMMENT ON FUNCTION "public"."ledger_settle_refund"(uuid, text, text, text, uuid) IS 'Settles the payout of a refund: paid (p_reference: the bank''s); failed, and its payout_amount (minor units) becomes wallet credit; or withdrawn, and the order holds it again (orders.refunded_amount falls): for a payment that bounced, ledger_void_payment follows. A withdrawn one can be paid or fail as long as the order holds that much too much. Needs refunds.settle; available_balance is answered to who has accounts.read. Errors: refund_not_found, invalid_argument, refund_conflict (nothing to pay out, settled already, or paid while the wallet is below zero for what a bank took back of its order), account_frozen (paid), amount_too_large. Issue: the whole order lifecycle.';

COMMENT ON FUNCTION "public"."ledger_submit_receipt"(uuid, bigint, text, text, date, text, uuid, text, uuid, text, uuid) IS 'Shows finance a transfer of p_amount (minor units) of the caller (staff with payments.record: of p_user_id) for an order, an invoice, or with neither on account in p_currency. p_reference is its name at the bank, once, however it is typed; p_storage_path the file in the bucket receipts, <user id>/...; one of both is needed. p_receipt_id sends one again that was handed back, for the same order or invoice. transaction_id is null. Errors: customer_required, customer_not_found, receipt_not_found, receipt_conflict (not handed back), order_not_found, invoice_not_found, receipt_not_allowed (the order has ended, the invoice is void), invalid_amount, amount_too_large, invalid_argument, unknown_currency, payment_reference_used, receipt_reference_used, receipt_file_used, receipt_file_not_found, receipt_file_invalid, rate_limited, idempotency_conflict. Source 000.';

COMMENT ON FUNCTION "public"."ledger_void_invoice"(uuid, text, text, uuid) IS 'Makes an invoice void: voided_amount (minor units) is owed no more by it; its number stays taken. The order of it owes what it owes. Needs invoices.issue; the customer can read p_reason. Errors: invoice_not_found, invoice_conflict (void already, or a credit note), invoice_allocated, invoice_credited, invalid_argument. Source 002.';

COMMENT ON FUNCTION "public"."ledger_void_payment"(uuid, text, text, uuid) IS 'Voids a captured payment (minor units): its order owes applied_amount again, credit_amount leaves the wallet, its allocations are reversed (reversed_amount in all, and the orders of those invoices owe that again), and what was unapplied is no more. Needs payments.record; available_balance is answered to who has accounts.read. Errors: payment_not_found, invalid_argument, payment_conflict (voided or charged back already, or booked from what a card provider says), payment_already_used (its money has gone back or waits to be paid out, or the surplus was spent), backfill_running (it is allocated, and allocations are closed). Sources 000, 002.';

COMMENT ON FUNCTION "public"."ledger_withdraw_receipt"(uuid, text, uuid) IS 'Takes a submitted or handed back receipt of the caller (staff with payments.record: of p_user_id) back. transaction_id is null. Errors: customer_required, receipt_not_found, receipt_conflict, idempotency_conflict.';

COMMENT ON TABLE "public"."account_debt_cache" IS 'What an account owes by invoices, in minor units: debt = invoiced - allocated (I5 of source 002). Read it through account_debt.';

COMMENT ON TABLE "public"."card_bookings" IS 'Immutable. What the books did about a card payment, in minor units; object_id is the provider''s refund or dispute.';

COMMENT ON TABLE "public"."card_events" IS 'Immutable. Each event of a provider once, with amounts in minor units of currency.';

COMMENT ON TABLE "public"."card_payments" IS 'Payments of card providers as they stand there, in minor units of currency. What the books made of one: card_bookings.';

COMMENT ON TABLE "public"."credit_terms" IS 'Credit terms of a customer per currency, in minor units. They bind orders to come, not those that were placed.';

COMMENT ON TABLE "public"."debt_movements" IS 'Immutable. What an operation changed of an account''s debt, in minor units; account_version is that of its transaction.';

COMMENT ON TABLE "public"."import_identities" IS 'Names of the older system: customer, product, variant, order, payment or invoice, and its id here.';

COMMENT ON TABLE "public"."import_rejects" IS 'Rows that were not imported, with the field, the code and sentence of the reason, and the value as it came. Of rows whose person nobody knew, the values stay until import_retention_days after the run, also when that person is erased before.';

COMMENT ON TABLE "public"."import_rows" IS 'Rows of imports as they came: staged, then applied, skipped (imported before) or rejected (see import_rejects).';

COMMENT ON TABLE "public"."import_runs" IS 'Imports: what kind of rows, from where, how far. Counts are rows, sums are minor units of currency.';

COMMENT ON TABLE "public"."invoice_balance_cache" IS 'What is allocated to each invoice and what is left, in minor units. A credit note has no row; a void invoice has one of 0.';

COMMENT ON TABLE "public"."invoice_lines" IS 'Immutable. Lines of invoices and credit notes, in minor units.';

COMMENT ON TABLE "public"."invoice_series" IS 'Number series: an admin may add one, or change how its numbers are written from now on; next_number moves with the invoices only.';

COMMENT ON TABLE "public"."invoices" IS 'Invoices and credit notes, in minor units of currency. Payments reach them by payment_allocations.';

COMMENT ON TABLE "public"."old_flag_failures" IS 'Immutable. Old flags that could not be written in the state shadow, with the reason.';

COMMENT ON TABLE "public"."old_invoice_flags" IS 'Invoices as a system without allocations sees them, in minor units; kept like old_payment_flags.';

COMMENT ON TABLE "public"."old_payment_flags" IS 'Payments as a system without allocations sees them; kept while allocation_dual_write is shadow or enforce.';

COMMENT ON TABLE "public"."payment_allocations" IS 'Immutable. Allocations of payments to invoices, in minor units of their account''s currency; below zero for a reversal. Live are those that no row reverses: at most one per payment and invoice.';

COMMENT ON TABLE "public"."payment_deadlines" IS 'Until when orders that may go out unpaid have to be paid. While one is open its order is in_grace.';

COMMENT ON TABLE "public"."payment_receipts" IS 'Receipts of transfers, in minor units of currency: for an order, for an invoice, or on account. The customer can read review_notes.';

COMMENT ON TABLE "public"."payments" IS 'Payments from outside, in minor units of currency. captured, or voided when it never was one. The customer can read reference, notes and void_reason.';

COMMENT ON TABLE "public"."reconciliation_runs" IS 'Immutable. Runs of the drift checks. Amounts in minor units, summed over currencies: only their ratio is for reading, details has them by currency.';

COMMENT ON TYPE "ledger"."allocation_change" IS 'allocated_amount: by how much the allocations rose, below zero for a reversal; unapplied_amount: what is left of the payments now; allocations: the rows it wrote, of {allocation_id, payment_id, invoice_id, order_id, amount, remaining_amount, status}, remaining_amount and status those of the invoice.';

COMMENT ON TYPE "ledger"."backfill_figures" IS 'flagged_amount: what the flagged payments have that is unapplied or synthetically allocated; expected_amount: of that, what imported invoices can take, account by account; synthetic_amount: what is synthetically allocated.';

COMMENT ON TYPE "ledger"."captured_payment" IS 'applied_amount went to an order without an invoice, allocated_amount to an invoice, credit_amount to the wallet, unapplied_amount stays with the payment. order_status, payment_status and outstanding_amount are those of its order, after it was confirmed if it was.';

COMMENT ON TYPE "ledger"."card_facts" IS 'is_final: the provider will capture nothing more. refunded without what failed, charged back without what was won. Amounts in minor units.';

COMMENT ON TYPE "ledger"."card_step" IS 'The card payment, the event that gave occasion, who acts, and the operation''s correlation.';

COMMENT ON TYPE "ledger"."charged_back_payment" IS 'charged_back_amount is the sum of what was taken from the unapplied remainder, from invoices, from the order and from the wallet.';

COMMENT ON TYPE "ledger"."drift" IS 'What an account owes by its allocations, and what the side in question says; differs_elsewhere: in a flag or a remainder.';

COMMENT ON TYPE "ledger"."import_batch" IS 'How many rows a batch gave which state.';

COMMENT ON TYPE "ledger"."import_customer_row" IS 'Keys of import_rows.parsed of kind customers.';

COMMENT ON TYPE "ledger"."import_order_line" IS 'Keys of import_rows.parsed of kind orders. A cancellation has a negative quantity; payment_status is null where the row says none.';

COMMENT ON TYPE "ledger"."import_product_row" IS 'Keys of import_rows.parsed of kind products; price_amount in minor units.';

COMMENT ON TYPE "ledger"."import_reading" IS 'A row as the analysis read it; rejects is empty or null when nothing is wrong with it.';

COMMENT ON TYPE "ledger"."import_reject" IS 'Why a row is rejected; details fill the placeholders of the code''s sentence beside {field} and {value}.';

COMMENT ON TYPE "ledger"."imported_step" IS 'A transaction of an imported order before it is written.';

COMMENT ON TYPE "ledger"."invoice_draft" IS 'Totals and lines, or the refusal. Left null: series (invoice or credit_note), due_at (by the terms of the account), customer_name (of the profile), source (issued), issued_at (now). An imported one (source import) brings invoice_number and has no series.';

COMMENT ON TYPE "ledger"."locked_payment" IS 'order_ids: the orders that the payment pays, directly or by their invoices; all of them are locked.';

COMMENT ON TYPE "ledger"."parsed_amount" IS 'An amount in minor units, or the code of why a text is none, with what the code''s sentence needs.';

COMMENT ON TYPE "ledger"."parsed_date" IS 'A point in time, or the code of why a text is none.';

COMMENT ON TYPE "ledger"."settled_refund" IS 'Answer of ledger.settle_refund; available_balance in minor units.';

COMMENT ON TYPE "ledger"."slots_to_place" IS 'Where the units of an order come from: slots of one variant, or a plan; or why there are too few.';

COMMENT ON VIEW "public"."overdue_orders" IS 'Orders whose grace period passed with something due, or that owe again after it; amounts in minor units. ledger_extend_grace gives them more time.';

REVOKE ALL ON FUNCTION "ledger"."account_asked_for"(ledger.actor, uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."account_version_before"(uuid, timestamp WITH time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."accounts_to_backfill"(uuid, uuid, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."add_change"(ledger.allocation_change, ledger.allocation_change) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."alert_late_receipts"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."allocate"(uuid, uuid, ledger.allocation_line[], text, ledger.actor, uuid, text, boolean, uuid, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."allocation_lines_of"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."allocation_strategies"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."allow_to_card"(ledger.card_step, text, bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."allowable_to_card"(public.card_payments, public.orders) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."amount_pattern"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."apply_import_batch"(public.import_runs, integer, ledger.actor) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."apply_order_cancellation"(public.import_runs, text, ledger.actor) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."apply_order_cancellations"(public.import_runs, integer, ledger.actor) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."backfill_account"(uuid, uuid, ledger.actor, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."backfill_customer"(uuid, ledger.actor) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."backfill_drifts"(ledger.backfill_figures) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."backfill_figures"(uuid[], uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."backfill_findings"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."backfill_sums"(ledger.backfill_figures) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."balance_differences"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."balances_at"(uuid, bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."begin_owing"(uuid, uuid, jsonb, ledger.actor) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."book_allocations"(public.transactions, uuid[], text, uuid, jsonb, ledger.actor, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."book_card_payment"(ledger.card_step, ledger.card_facts, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."book_card_refund"(ledger.card_step, text, bigint, boolean, uuid, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."book_imported_invoices"(public.import_runs, ledger.invoice_to_import[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."booked_of_card"(uuid, text[], text, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."cancellation_rows"(uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."capture_card"(ledger.card_step, text, text, boolean, bigint) FROM PUBLIC;

REVOKE ALL
  ON FUNCTION "ledger"."capture_payment"(public.accounts, public.orders, uuid, bigint, text, text, text, text, ledger.actor, uuid, boolean, text, timestamp WITH time zone)
  FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."card_allows"(public.card_payments, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."card_answer"(public.card_payments, text, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."card_disputes"(public.card_payments) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."card_facts_of"(public.card_payments) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."card_objects"(public.card_payments) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."card_payment_named"(text, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."card_refunds"(public.card_payments) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."change_flag"(text, text, integer, text, ledger.actor, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."charge_back"(ledger.locked_payment, bigint, text, ledger.actor, uuid, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."check_balances"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."check_debt_drift"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."check_flag"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."claiming_invoices"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."confirm_when_covered"(public.orders, ledger.actor, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."count_allocation"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."credit_used"(uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."credited_units"(public.invoices) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."currency_of_word"(text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."debt_figures"(bigint, bigint, bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."decimal_mark"(text, text, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."differences_of_allocations"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."differences_of_cards"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."differences_of_grace"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."differences_of_imports"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."differences_of_invoices"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."differences_of_receipts"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."document_lines"(public.invoices) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."document_of"(public.invoices) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."document_taxes"(public.invoices) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."draft_imported_items"(public.import_runs, public.orders[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."draft_imported_orders"(public.import_runs, text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."draft_of"(ledger.invoice_draft_line[], boolean, bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."draft_of_credit"(public.invoices, jsonb, bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."draft_of_credited_amount"(public.invoices, bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."draft_of_credited_lines"(public.invoices, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."draft_of_lines"(jsonb, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."draft_of_order"(public.orders) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."draft_of_refund"(public.invoices, public.orders, public.refunds) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."drift_of_cache"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."drift_of_old_flags"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."drop_messages_since"(timestamp WITH time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."drop_synthetic_allocations"(uuid, integer, ledger.actor, text, timestamp WITH time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."dual_write_figures"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."due_days_of"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."enable_receipt_storage"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."end_backfill"(public.import_runs, boolean, text, ledger.actor) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."end_grace"(uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."end_imported_orders"(public.import_runs, public.orders[], ledger.actor) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."expire_grace"(integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."expire_order"(uuid, ledger.actor) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."expires_as_cancelled"(public.orders) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."fail_card_refund"(ledger.card_step, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."fill_old_flags"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."first_status"(boolean, text, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."flag_overdue"(public.orders, ledger.actor, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."flagged_payments"(uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."follow_card_events"(ledger.card_step, boolean, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."follow_order_invoice"(public.orders, public.transactions, uuid, ledger.actor, bigint, bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."grace_left"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."grace_of"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."grant_grace"(public.orders, timestamp WITH time zone, ledger.actor, uuid, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."guard_invoice_series"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."has_synthetic_allocations"(uuid, timestamp WITH time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."held_from_outside"(public.orders) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."hold_backfill"(uuid, ledger.actor) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."impersonal_part"(jsonb, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."impersonal_report"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."import_amount_patterns"(uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."import_chunks"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."import_customers_analyze"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."import_customers_apply"(uuid, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."import_external_id"(text, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."import_facts"(text, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."import_field"(jsonb, jsonb, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."import_invoices_analyze"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."import_invoices_apply"(uuid, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."import_key"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."import_name"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."import_option_names"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."import_orders_analyze"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."import_orders_apply"(uuid, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."import_payments_analyze"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."import_payments_apply"(uuid, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."import_products_analyze"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."import_products_apply"(uuid, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."import_reject_summary"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."import_sums"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."import_word"(jsonb, jsonb, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."imported_before"(uuid, text, bigint[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."imported_customers"(text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."imported_facts"(text, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."imported_id"(timestamp WITH time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."imported_payment_status"(jsonb, text, bigint, numeric) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."imported_prices_include_tax"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."imported_target"(text, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."imported_total"(jsonb, ledger.import_order_line[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."insert_invoice"(public.accounts, text, uuid, uuid, uuid, ledger.invoice_draft, ledger.actor) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."invoice_legs"(public.invoices) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."invoice_text"(text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."invoices_to_import"(public.import_runs, bigint[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."is_exact_amount"(jsonb, bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."is_file_of_receipt"(text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "ledger"."is_file_of_receipt"(text) TO "authenticated";

REVOKE ALL ON FUNCTION "ledger"."is_refund_of_a_card"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."keep_card_event"(public.card_payments, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."keep_import_readings"(uuid, ledger.import_reading[], boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."keep_old_flag_of_invoice"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."keep_old_flags"(uuid, uuid, uuid, bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."keep_old_flags_of_allocation"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."latin_digits"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."left_by_rate"(public.invoices) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."lines_of_refund"(public.refunds) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."live_allocations"(uuid, uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."live_invoice_number"(uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."live_synthetic"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."lock_accounts_of_rows"(public.import_runs, bigint[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."lock_card_by_name"(text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."lock_card_payment"(public.card_payments) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."lock_for_allocation"(uuid, uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."lock_invoice"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."lock_orders_to_cancel"(public.import_runs, uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."lock_payment"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."lock_receipt_file"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."lock_slots_for"(uuid[], bigint[], bigint[], uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."look_at_backfill"(public.import_runs, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."mark_order_of_card"(public.card_payments) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."mark_receipt_of_voided_payment"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."may_owe"(uuid, uuid, text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."mend_balances"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."moving_transactions"(uuid, bigint, bigint, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."naive_amount"(text, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."next_invoice_number"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."order_of_date"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."orders_of_card"(public.card_payments) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."orders_of_payment"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."parse_amount"(text, text, integer, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."parse_date"(text, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."parse_flag"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."pass_over_orders"(public.import_runs, public.orders[], public.order_items[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."pay_order"(uuid, uuid, bigint, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."payment_status_after_edit"(public.orders, bigint, ledger.edit_money) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."payment_status_kept"(public.orders) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."payment_status_without"(public.orders, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."payments_of_card"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."payments_to_import"(public.import_runs, bigint[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."payout_of_card_refund"(public.card_payments, text, uuid, bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."plan_allocation"(public.payments, text, uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."plan_backfill"(uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."possible_duplicate_payments"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."problem_of_kinds"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."problem_of_names"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."problem_of_reading"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."purge_import_rows"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."ranked_invoices"(uuid, text, timestamp WITH time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."read_customer_row"(bigint, jsonb, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."read_invoice_row"(bigint, jsonb, jsonb, text, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."read_order_row"(bigint, jsonb, jsonb, text, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."read_payment_row"(bigint, jsonb, jsonb, text, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."read_product_row"(bigint, jsonb, jsonb, text, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."reads_debt_from_cache"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."receipt_file_bytes"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."receipt_file_types"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."recomputed_debts"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."record_imported_invoices"(public.import_runs, ledger.invoice_to_import[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."record_imported_orders"(public.orders[], ledger.actor) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."record_imported_payments"(public.import_runs, ledger.payment_to_import[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."record_receipt"(text, public.payment_receipts, public.orders, text, ledger.actor, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."reference_key"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."reference_of_card"(public.card_payments) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refund_by_rate"(public.invoices, ledger.invoice_draft_line[], bigint, bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_allocation"(public.payments, ledger.allocation_line[], bigint[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_allocation_lines"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_beside_backfill"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_card_during_backfill"(public.card_payments) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_card_event"(text, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_card_match"(public.card_payments, public.orders, uuid, uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_claim"(uuid, bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_credit"(uuid, text, bigint, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_due_date"(timestamp WITH time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_during_backfill"(boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_flag"(public.feature_flags, text, smallint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_grace"(public.orders, timestamp WITH time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_grace_limit"(uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_import_kind"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_import_options"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_import_state"(uuid, public.import_runs, text, text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_import_time"(timestamp WITH time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_invoice"(uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_invoice_change"(public.invoices, uuid, bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_invoice_lines"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_invoice_series"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_invoice_texts"(text, text, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_owing"(text, uuid, text, bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_payment"(bigint, text, text, text, timestamp WITH time zone, integer, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_receipt_claim"(public.payment_receipts) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_receipt_file"(uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_receipt_subject"(public.orders, public.invoices) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_used_receipt"(public.payment_receipts) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_void"(ledger.locked_payment) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_voiding"(public.invoices) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."reject_blanked_rows"(uuid, bigint[], text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."reject_disagreeing_orders"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."reject_duplicate_rows"(uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."reject_if"(text, bigint, text, text, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."reject_import_rows"(uuid, ledger.import_reject[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."reject_imported_differently"(uuid, text, bigint[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."reject_lost_customers"(uuid, bigint[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."reject_order"(public.orders, ledger.actor, text, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."reject_order_words"(bigint, jsonb, jsonb, ledger.import_order_line) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."reject_other_currency"(bigint, jsonb, jsonb, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."reject_unknown_skus"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."reject_used_numbers"(uuid, bigint[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."reject_used_references"(uuid, bigint[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."reject_what_is_too_much"(uuid, bigint[], text, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."release_allocations"(uuid, uuid, bigint, ledger.actor, text, uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."remind_of_grace"(integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."replayed_debts"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."rests_something_on"(text, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."reverse_allocations"(uuid, uuid[], ledger.actor, text, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."set_payment_status"(public.orders, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."settle_card_refund"(ledger.card_step, text, uuid, text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."settle_payment_deadline"(public.orders) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."settle_refund"(public.orders, public.accounts, public.refunds, text, text, ledger.actor, uuid, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."skip_imported_rows"(uuid, text, bigint[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."step_backfill"(public.import_runs, integer, ledger.actor) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."switch_off_what_drifted"(public.reconciliation_runs) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."take_back_allocations"(uuid, uuid[], bigint, ledger.actor, text, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."take_back_imported"(public.import_runs, public.orders, jsonb, text, timestamp WITH time zone, ledger.actor, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."take_out_of_card"(ledger.card_step, text, text, boolean, bigint, text, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."text_reject"(bigint, text, text, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."time_in"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."to_minor_units"(numeric, integer, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."try_order_cancellation"(public.import_runs, text, ledger.actor) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."units_to_cancel"(public.import_runs, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."uuid_in"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."void_imported"(public.import_runs, integer, ledger.actor, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."void_invoice"(public.invoices, text, ledger.actor, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."void_invoice_of_order"(public.orders, text, ledger.actor, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."void_payment"(ledger.locked_payment, text, ledger.actor, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."void_untouched"(text, uuid, uuid, text, ledger.actor) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."withdraw_payouts_for"(public.payments, bigint, ledger.actor, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."write_card_booking"(ledger.card_step, text, text, boolean, bigint, uuid, uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."write_credit_note_of_refund"(public.invoices, public.orders, public.refunds, ledger.actor) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."write_debt_movement"(public.transactions, bigint, bigint, bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."write_drift_run"(text, ledger.drift[], bigint, jsonb, timestamp WITH time zone, bigint, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."write_imported_customers"(public.import_runs, bigint[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."write_imported_goods"(public.order_items[], boolean, ledger.actor) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."write_imported_invoices"(public.import_runs, ledger.invoice_to_import[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."write_imported_orders"(public.orders[], public.order_items[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."write_imported_payments"(public.import_runs, ledger.payment_to_import[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."write_imported_products"(public.import_runs, bigint[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."write_imported_transactions"(public.orders[], ledger.actor) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."write_invoice"(public.accounts, public.orders, ledger.invoice_draft, ledger.actor, uuid, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."write_old_flags"(uuid, uuid, uuid, bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."write_opening_stock"(public.import_runs, bigint[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."write_receipt"(public.payment_receipts, ledger.actor) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."write_reversals"(public.transactions, uuid[], ledger.actor) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."account_debt"(uuid, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."account_debt"(uuid, text) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."account_debt_compare"(uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."account_debt_compare"(uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."account_statement"(uuid, timestamp WITH time zone, timestamp WITH time zone, text, integer, bigint) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."account_statement"(uuid, timestamp WITH time zone, timestamp WITH time zone, text, integer, bigint) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."import_abort"(uuid, text, boolean, integer, uuid, boolean) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."import_abort"(uuid, text, boolean, integer, uuid, boolean) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."import_analyze"(uuid, jsonb) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."import_analyze"(uuid, jsonb) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."import_apply"(uuid, boolean, integer, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."import_apply"(uuid, boolean, integer, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."import_backfill"(uuid, uuid, boolean, integer, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."import_backfill"(uuid, uuid, boolean, integer, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."import_begin"(text, text, jsonb, text, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."import_begin"(text, text, jsonb, text, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."import_report"(uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."import_report"(uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."import_stage"(uuid, bigint, jsonb, boolean) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."import_stage"(uuid, bigint, jsonb, boolean) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."integrity_check_drift"() TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."integrity_check_drift"() TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."invoice_document"(uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."invoice_document"(uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."invoice_recalculate"(uuid, boolean) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."invoice_recalculate"(uuid, boolean) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."ledger_allocate_payment"(uuid, jsonb, text, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."ledger_allocate_payment"(uuid, jsonb, text, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."ledger_auto_allocate_payment"(uuid, text, text, uuid, boolean) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."ledger_auto_allocate_payment"(uuid, text, text, uuid, boolean) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."ledger_change_invoice"(uuid, timestamp WITH time zone, text, text, bigint, text, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."ledger_change_invoice"(uuid, timestamp WITH time zone, text, text, bigint, text, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."ledger_confirm_payment"(text, jsonb) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."ledger_credit_invoice"(uuid, jsonb, bigint, text, bigint, text, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."ledger_credit_invoice"(uuid, jsonb, bigint, text, bigint, text, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."ledger_extend_grace"(uuid, timestamp WITH time zone, text, text, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."ledger_extend_grace"(uuid, timestamp WITH time zone, text, text, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."ledger_issue_invoice"(uuid, uuid, jsonb, text, timestamp WITH time zone, text, boolean, jsonb, text, text, text, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."ledger_issue_invoice"(uuid, uuid, jsonb, text, timestamp WITH time zone, text, boolean, jsonb, text, text, text, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."ledger_match_card_payment"(uuid, uuid, text, text, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."ledger_match_card_payment"(uuid, uuid, text, text, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."ledger_record_payment"(uuid, bigint, text, text, text, text, uuid, uuid, uuid, text, timestamp WITH time zone) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."ledger_record_payment"(uuid, bigint, text, text, text, text, uuid, uuid, uuid, text, timestamp WITH time zone) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."ledger_release_payment"(uuid, bigint, text, text, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."ledger_release_payment"(uuid, bigint, text, text, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."ledger_reverse_allocation"(uuid, text, text, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."ledger_reverse_allocation"(uuid, text, text, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."ledger_review_receipt"(uuid, text, bigint, text, text, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."ledger_review_receipt"(uuid, text, bigint, text, text, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."ledger_set_credit_terms"(uuid, text, bigint, integer, integer, text, text, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."ledger_set_credit_terms"(uuid, text, bigint, integer, integer, text, text, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."ledger_set_flag"(text, text, integer, text, text, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."ledger_set_flag"(text, text, integer, text, text, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."ledger_submit_receipt"(uuid, bigint, text, text, date, text, uuid, text, uuid, text, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."ledger_submit_receipt"(uuid, bigint, text, text, date, text, uuid, text, uuid, text, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."ledger_void_invoice"(uuid, text, text, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."ledger_void_invoice"(uuid, text, text, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."ledger_withdraw_receipt"(uuid, text, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."ledger_withdraw_receipt"(uuid, text, uuid) TO "service_role";

REVOKE ALL ON TABLE "public"."account_debt_cache" FROM "authenticated";

GRANT SELECT ON TABLE "public"."account_debt_cache" TO "authenticated";

REVOKE ALL ON TABLE "public"."account_debt_cache" FROM "service_role";

GRANT SELECT ON TABLE "public"."account_debt_cache" TO "service_role";

REVOKE ALL ON TABLE "public"."card_bookings" FROM "authenticated";

GRANT SELECT ON TABLE "public"."card_bookings" TO "authenticated";

REVOKE ALL ON TABLE "public"."card_bookings" FROM "service_role";

GRANT SELECT ON TABLE "public"."card_bookings" TO "service_role";

REVOKE ALL ON TABLE "public"."card_events" FROM "authenticated";

GRANT SELECT ON TABLE "public"."card_events" TO "authenticated";

REVOKE ALL ON TABLE "public"."card_events" FROM "service_role";

GRANT SELECT ON TABLE "public"."card_events" TO "service_role";

REVOKE ALL ON TABLE "public"."card_payments" FROM "authenticated";

GRANT SELECT ON TABLE "public"."card_payments" TO "authenticated";

REVOKE ALL ON TABLE "public"."card_payments" FROM "service_role";

GRANT SELECT ON TABLE "public"."card_payments" TO "service_role";

REVOKE ALL ON TABLE "public"."credit_terms" FROM "authenticated";

GRANT SELECT ON TABLE "public"."credit_terms" TO "authenticated";

REVOKE ALL ON TABLE "public"."credit_terms" FROM "service_role";

GRANT SELECT ON TABLE "public"."credit_terms" TO "service_role";

REVOKE ALL ON TABLE "public"."debt_movements" FROM "authenticated";

GRANT SELECT ON TABLE "public"."debt_movements" TO "authenticated";

REVOKE ALL ON TABLE "public"."debt_movements" FROM "service_role";

GRANT SELECT ON TABLE "public"."debt_movements" TO "service_role";

REVOKE ALL ON TABLE "public"."import_identities" FROM "authenticated";

GRANT SELECT ON TABLE "public"."import_identities" TO "authenticated";

REVOKE ALL ON TABLE "public"."import_identities" FROM "service_role";

GRANT SELECT ON TABLE "public"."import_identities" TO "service_role";

REVOKE ALL ON TABLE "public"."import_rejects" FROM "authenticated";

GRANT SELECT ON TABLE "public"."import_rejects" TO "authenticated";

REVOKE ALL ON TABLE "public"."import_rejects" FROM "service_role";

GRANT SELECT ON TABLE "public"."import_rejects" TO "service_role";

REVOKE ALL ON TABLE "public"."import_rows" FROM "authenticated";

GRANT SELECT ON TABLE "public"."import_rows" TO "authenticated";

REVOKE ALL ON TABLE "public"."import_rows" FROM "service_role";

GRANT SELECT ON TABLE "public"."import_rows" TO "service_role";

REVOKE ALL ON TABLE "public"."import_runs" FROM "authenticated";

GRANT SELECT ON TABLE "public"."import_runs" TO "authenticated";

REVOKE ALL ON TABLE "public"."import_runs" FROM "service_role";

GRANT SELECT ON TABLE "public"."import_runs" TO "service_role";

REVOKE ALL ON TABLE "public"."invoice_balance_cache" FROM "authenticated";

GRANT SELECT ON TABLE "public"."invoice_balance_cache" TO "authenticated";

REVOKE ALL ON TABLE "public"."invoice_balance_cache" FROM "service_role";

GRANT SELECT ON TABLE "public"."invoice_balance_cache" TO "service_role";

REVOKE ALL ON TABLE "public"."invoice_lines" FROM "authenticated";

GRANT SELECT ON TABLE "public"."invoice_lines" TO "authenticated";

REVOKE ALL ON TABLE "public"."invoice_lines" FROM "service_role";

GRANT SELECT ON TABLE "public"."invoice_lines" TO "service_role";

REVOKE ALL ON TABLE "public"."invoice_series" FROM "authenticated";

GRANT SELECT ON TABLE "public"."invoice_series" TO "authenticated";

REVOKE ALL ON TABLE "public"."invoice_series" FROM "service_role";

GRANT SELECT ON TABLE "public"."invoice_series" TO "service_role";

REVOKE ALL ON TABLE "public"."invoices" FROM "authenticated";

GRANT SELECT ON TABLE "public"."invoices" TO "authenticated";

REVOKE ALL ON TABLE "public"."invoices" FROM "service_role";

GRANT SELECT ON TABLE "public"."invoices" TO "service_role";

REVOKE ALL ON TABLE "public"."old_flag_failures" FROM "authenticated";

GRANT SELECT ON TABLE "public"."old_flag_failures" TO "authenticated";

REVOKE ALL ON TABLE "public"."old_flag_failures" FROM "service_role";

GRANT SELECT ON TABLE "public"."old_flag_failures" TO "service_role";

REVOKE ALL ON TABLE "public"."old_invoice_flags" FROM "authenticated";

GRANT SELECT ON TABLE "public"."old_invoice_flags" TO "authenticated";

REVOKE ALL ON TABLE "public"."old_invoice_flags" FROM "service_role";

GRANT SELECT ON TABLE "public"."old_invoice_flags" TO "service_role";

REVOKE ALL ON TABLE "public"."old_payment_flags" FROM "authenticated";

GRANT SELECT ON TABLE "public"."old_payment_flags" TO "authenticated";

REVOKE ALL ON TABLE "public"."old_payment_flags" FROM "service_role";

GRANT SELECT ON TABLE "public"."old_payment_flags" TO "service_role";

REVOKE ALL ON TABLE "public"."payment_allocations" FROM "authenticated";

GRANT SELECT ON TABLE "public"."payment_allocations" TO "authenticated";

REVOKE ALL ON TABLE "public"."payment_allocations" FROM "service_role";

GRANT SELECT ON TABLE "public"."payment_allocations" TO "service_role";

REVOKE ALL ON TABLE "public"."payment_deadlines" FROM "authenticated";

GRANT SELECT ON TABLE "public"."payment_deadlines" TO "authenticated";

REVOKE ALL ON TABLE "public"."payment_deadlines" FROM "service_role";

GRANT SELECT ON TABLE "public"."payment_deadlines" TO "service_role";

REVOKE ALL ON TABLE "public"."payment_receipts" FROM "authenticated";

GRANT SELECT ON TABLE "public"."payment_receipts" TO "authenticated";

REVOKE ALL ON TABLE "public"."payment_receipts" FROM "service_role";

GRANT SELECT ON TABLE "public"."payment_receipts" TO "service_role";

REVOKE ALL ON TABLE "public"."reconciliation_runs" FROM "authenticated";

GRANT SELECT ON TABLE "public"."reconciliation_runs" TO "authenticated";

REVOKE ALL ON TABLE "public"."reconciliation_runs" FROM "service_role";

GRANT SELECT ON TABLE "public"."reconciliation_runs" TO "service_role";

REVOKE ALL ON TABLE "public"."overdue_orders" FROM "authenticated";

GRANT SELECT ON TABLE "public"."overdue_orders" TO "authenticated";

REVOKE ALL ON TABLE "public"."overdue_orders" FROM "service_role";

GRANT SELECT ON TABLE "public"."overdue_orders" TO "service_role";

ALTER TABLE "public"."card_bookings"
  ADD CONSTRAINT "card_bookings_card_payment_id_fkey" FOREIGN KEY (card_payment_id) REFERENCES public.card_payments(id) ON DELETE RESTRICT;

ALTER TABLE "public"."card_events"
  ADD CONSTRAINT "card_events_card_payment_id_fkey" FOREIGN KEY (card_payment_id) REFERENCES public.card_payments(id) ON DELETE RESTRICT;

CREATE VIEW "public"."card_events_unmatched" WITH (security_invoker=true) AS  SELECT c.id AS card_payment_id,
    e.provider,
    e.event_id,
    e.kind,
    c.provider_payment_id,
    e.object_id,
    c.account_id,
    c.order_id,
    e.currency,
    e.amount,
    r.reason,
    e.occurred_at,
    e.created_at,
    e.payload
   FROM ((public.card_events e
     JOIN public.card_payments c ON ((c.id = e.card_payment_id)))
     CROSS JOIN LATERAL ( SELECT
                CASE
                    WHEN (NOT (EXISTS ( SELECT
                       FROM public.currencies u
                      WHERE (u.code = e.currency)))) THEN 'unknown_currency'::text
                    WHEN (c.order_id IS NULL) THEN 'order_unknown'::text
                    WHEN (e.currency <> c.currency) THEN 'other_currency'::text
                    WHEN (e.amount IS NULL) THEN 'inexact_amount'::text
                    WHEN ((e.kind <> 'authorised'::text) AND (NOT (EXISTS ( SELECT
                       FROM public.card_bookings b
                      WHERE ((b.card_payment_id = c.id) AND
                            CASE
                                WHEN (e.kind = 'captured'::text) THEN (b.kind = 'captured'::text)
                                ELSE ((b.object_id = e.object_id) AND (b.is_refund = (e.kind = ANY (ARRAY['refunded'::text, 'refund_failed'::text]))))
                            END))))) THEN c.problem
                    ELSE NULL::text
                END AS reason) r)
  WHERE ((e.kind = ANY (ARRAY['authorised'::text, 'captured'::text, 'refunded'::text, 'refund_failed'::text, 'charged_back'::text])) AND (r.reason IS NOT NULL) AND ((c.handled_at IS NULL) OR (e.created_at > c.handled_at)));

REVOKE ALL ON TABLE "public"."card_events_unmatched" FROM "anon";

CREATE INDEX card_payments_by_account ON public.card_payments USING btree (account_id, id);

COMMENT ON VIEW "public"."card_events_unmatched" IS 'Events of card providers that the books do not follow, for who may see all accounts. reason: order_unknown (it names no order that exists), unknown_currency, other_currency (than its order''s), inexact_amount (fewer decimals here than there), customer_erased, refund_mismatch, more_than_captured, backfill_running, or the code of a refusal. What was heard before ledger_match_card_payment said that a payment is dealt with is left out. amount in minor units of currency, null when it is not known here; payload has it as it was sent.';

REVOKE ALL ON TABLE "public"."card_events_unmatched" FROM "authenticated";

GRANT SELECT ON TABLE "public"."card_events_unmatched" TO "authenticated";

REVOKE ALL ON TABLE "public"."card_events_unmatched" FROM "service_role";

GRANT SELECT ON TABLE "public"."card_events_unmatched" TO "service_role";

CREATE OR REPLACE FUNCTION ledger.import_progress (
  p_run public.import_runs
)
  RETURNS public.import_progress_result
  LANGUAGE sql
  IMMUTABLE
RETURN
  ROW(true, NULL::uuid, NULL::text, NULL::text, NULL::jsonb, (p_run).id, (p_run).kind, (p_run).state, (p_run).staged_rows, (p_run).applied_rows, (p_run).skipped_rows,
  (p_run).rejected_rows, ((p_run).state = ANY (ARRAY['applied'::text, 'aborted'::text])))::public.import_progress_result;

ALTER TABLE "public"."import_identities"
  ADD CONSTRAINT "import_identities_run_id_fkey" FOREIGN KEY (run_id) REFERENCES public.import_runs(id) ON DELETE RESTRICT;

ALTER TABLE "public"."import_rows"
  ADD CONSTRAINT "import_rows_run_id_fkey" FOREIGN KEY (run_id) REFERENCES public.import_runs(id) ON DELETE RESTRICT;

COMMENT ON FUNCTION "ledger"."import_progress"(public.import_runs) IS 'How far an import is, as its procedures answer it.';

REVOKE ALL ON FUNCTION "ledger"."import_progress"(public.import_runs) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ledger.invoice_facts (
  p_invoice public.invoices
)
  RETURNS jsonb
  LANGUAGE sql
  IMMUTABLE
RETURN
  jsonb_build_object('invoice_id', (p_invoice).id, 'invoice_number', (p_invoice).invoice_number, 'kind', (p_invoice).kind, 'user_id', (p_invoice).user_id, 'currency',
  (p_invoice).currency,
  'order_id',
  (p_invoice).order_id,
  'total_amount',
  (p_invoice).total_amount,
  'tax_amount',
  (p_invoice).tax_amount,
  'invoice_amount',
  (p_invoice).amount,
  'credited_amount', (p_invoice).credited_amount, 'prepaid_amount', (p_invoice).prepaid_amount, 'issued_at', (p_invoice).issued_at, 'due_at', (p_invoice).due_at);

ALTER TABLE "public"."invoice_balance_cache"
  ADD CONSTRAINT "amount_is_the_invoices" FOREIGN KEY (invoice_id, amount) REFERENCES public.invoices(id, amount) ON DELETE RESTRICT DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE "public"."invoice_lines"
  ADD CONSTRAINT "invoice_lines_invoice_id_fkey" FOREIGN KEY (invoice_id) REFERENCES public.invoices(id) ON DELETE RESTRICT;

ALTER TABLE "public"."invoices"
  ADD CONSTRAINT "invoices_credits_invoice_id_fkey" FOREIGN KEY (credits_invoice_id) REFERENCES public.invoices(id) ON DELETE RESTRICT;

ALTER TABLE "public"."payment_allocations"
  ADD CONSTRAINT "payment_allocations_invoice_id_fkey" FOREIGN KEY (invoice_id) REFERENCES public.invoices(id) ON DELETE RESTRICT;

ALTER TABLE "public"."payment_receipts"
  ADD CONSTRAINT "payment_receipts_invoice_id_fkey" FOREIGN KEY (invoice_id) REFERENCES public.invoices(id) ON DELETE RESTRICT;

CREATE VIEW "public"."open_invoices" WITH (security_invoker=true) AS  SELECT i.id AS invoice_id,
    i.invoice_number,
    i.user_id,
    i.account_id,
    i.order_id,
    i.currency,
    i.issued_at,
    i.due_at,
    i.total_amount,
    i.prepaid_amount,
    i.credited_amount,
    i.amount,
    b.allocated_total,
    b.remaining_amount,
    b.status_cached AS status,
    (GREATEST(floor((EXTRACT(epoch FROM (clock_timestamp() - i.due_at)) / (86400)::numeric)), (0)::numeric))::integer AS days_overdue,
    i.reference,
    i.version,
    b.version AS balance_version
   FROM (public.invoices i
     JOIN public.invoice_balance_cache b ON (((b.account_id = i.account_id) AND (b.invoice_id = i.id))))
  WHERE ((i.amount > 0) AND (b.remaining_amount > 0));

REVOKE ALL ON TABLE "public"."open_invoices" FROM "anon";

CREATE INDEX invoices_by_account ON public.invoices USING btree (account_id, issued_at, id);

CREATE INDEX invoices_claiming_by_due ON public.invoices USING btree (due_at, id)
  WHERE (amount > 0);

CREATE TRIGGER what_was_issued_never_changes
  BEFORE UPDATE OF id,
    account_id,
    user_id,
    currency,
    kind,
    order_id,
    credits_invoice_id,
    refund_id,
    series,
    number,
    invoice_number,
    issued_at,
    prices_include_tax,
    subtotal_amount, discount_amount, shipping_amount, tax_amount, total_amount, customer_name, billing_address, source, external_id, issued_by, created_at ON public.invoices
  FOR EACH ROW
  EXECUTE FUNCTION ledger.refuse_change('invoices');

ALTER TABLE "public"."invoices"
  ENABLE ALWAYS TRIGGER "what_was_issued_never_changes";

COMMENT ON FUNCTION "ledger"."invoice_facts"(public.invoices) IS 'What events say of an invoice; amounts in minor units.';

COMMENT ON VIEW "public"."open_invoices" IS 'Invoices with something left to pay, in minor units; days_overdue counts whole days since due_at. version is the invoice''s, balance_version that of what is allocated.';

REVOKE ALL ON FUNCTION "ledger"."invoice_facts"(public.invoices) FROM PUBLIC;

REVOKE ALL ON TABLE "public"."open_invoices" FROM "authenticated";

GRANT SELECT ON TABLE "public"."open_invoices" TO "authenticated";

REVOKE ALL ON TABLE "public"."open_invoices" FROM "service_role";

GRANT SELECT ON TABLE "public"."open_invoices" TO "service_role";

ALTER TABLE "public"."payment_allocations"
  ADD CONSTRAINT "payment_allocations_reverses_allocation_id_fkey" FOREIGN KEY (reverses_allocation_id) REFERENCES public.payment_allocations(id) ON DELETE RESTRICT;

CREATE INDEX payment_allocations_by_account ON public.payment_allocations USING btree (account_id, id);

CREATE VIEW "public"."receipt_queue" WITH (security_invoker=true) AS  SELECT r.id AS receipt_id,
    r.submitted_at,
    (clock_timestamp() - r.submitted_at) AS age,
    (clock_timestamp() >= (r.submitted_at + make_interval(hours => ( SELECT ((s.value #>> '{}'::text[]))::integer AS int4
           FROM public.settings s
          WHERE (s.key = 'receipt_review_hours'::text))))) AS is_late,
    r.account_id,
    r.user_id,
    p.display_name AS customer_name,
    r.currency,
    r.amount,
    r.reference,
    r.paid_on,
    r.storage_path,
    r.notes,
    r.submitted_by,
    r.order_id,
    m.order_number,
    m.status AS order_status,
    m.payment_status,
    m.stage,
    m.amount_due AS order_amount_due,
    r.invoice_id,
    i.invoice_number,
    b.remaining_amount AS invoice_remaining_amount
   FROM ((((public.payment_receipts r
     LEFT JOIN public.profiles p ON ((p.id = r.user_id)))
     LEFT JOIN public.order_management m ON ((m.order_id = r.order_id)))
     LEFT JOIN public.invoices i ON ((i.id = r.invoice_id)))
     LEFT JOIN public.invoice_balance_cache b ON ((b.invoice_id = r.invoice_id)))
  WHERE (r.status = 'submitted'::text)
  ORDER BY r.submitted_at, r.id;

REVOKE ALL ON TABLE "public"."receipt_queue" FROM "anon";

CREATE INDEX payment_receipts_by_account ON public.payment_receipts USING btree (account_id, id);

CREATE INDEX payment_receipts_submitted ON public.payment_receipts USING btree (submitted_at, id)
  WHERE (status = 'submitted'::text);

COMMENT ON VIEW "public"."receipt_queue" IS 'Receipts under review, oldest first, with what they are for; amounts in minor units. Who reviews sees all, a customer their own; is_late after receipt_review_hours.';

REVOKE ALL ON TABLE "public"."receipt_queue" FROM "authenticated";

GRANT SELECT ON TABLE "public"."receipt_queue" TO "authenticated";

REVOKE ALL ON TABLE "public"."receipt_queue" FROM "service_role";

GRANT SELECT ON TABLE "public"."receipt_queue" TO "service_role";

CREATE INDEX reconciliation_runs_by_check ON public.reconciliation_runs USING btree (check_code, id DESC);

CREATE INDEX import_identities_by_key ON public.import_identities USING btree (kind, ledger.import_key(external_id));

CREATE UNIQUE INDEX payment_receipts_by_reference ON public.payment_receipts USING btree (ledger.reference_key(reference))
  WHERE ((reference IS NOT NULL) AND (status = ANY (ARRAY['submitted'::text, 'approved'::text, 'partly_approved'::text])) AND (payment_voided_at IS NULL));

CREATE UNIQUE INDEX payments_by_reference ON public.payments USING btree (method, ledger.reference_key(reference))
  WHERE ((reference IS NOT NULL) AND (status = 'captured'::text));

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
  ('grace_limit_reached', 409, 'This customer has {open} orders that were given time to be paid; {maximum} at a time are allowed.', 'As many orders in grace or overdue as the credit terms, or the setting max_grace_orders, allow.'),
  ('grace_not_possible', 409, 'Order {order_number} cannot be given time to be paid: {reason}.', 'Nothing is due, the order has ended, or it is not paid by transfer.'),
  ('credit_not_granted', 402, 'This customer has no credit in {currency}: orders on invoice need credit terms.', 'No credit terms, or none with a limit.'),
  ('credit_limit_exceeded', 402, '{required:money} would be owed, {limit:money} is the credit limit.', 'What is owed by invoices and open orders on invoice, with this order, is more than the limit.'),
  ('payment_not_found', 404, 'There is no payment {payment_id}.', 'The payment does not exist.'),
  ('payment_reference_used', 409, 'A payment by {method} with the reference "{reference}" is recorded already.', 'The same transfer a second time; void the first one when it was recorded for the wrong order.'),
  ('card_payment_not_found', 404, 'There is no card payment {card_payment_id}.', 'The card payment does not exist.'),
  ('card_payment_matched', 409, 'The card payment is for order {order_number} already.', 'An event, or somebody else, said first which order it is for.'),
  ('payment_conflict', 409, 'The payment is already {status}.', 'Somebody else voided it first.'),
  ('invoice_not_open', 409, 'Invoice {invoice_number} takes no payments: it is {status}.', 'It is void, or a credit note.'),
  ('invoice_settled', 409, 'Nothing is left to pay of invoice {invoice_number}; {amount:money} cannot be allocated to it.', 'The invoice is paid, or claims nothing any more.'),
  ('invoice_balance_changed', 409, 'The balance of invoice {invoice_number} is at version {version}, not {expected}: somebody changed it in between. Read it again.', 'expected_version of a line is not invoice_balance_cache.version.'),
  ('allocation_exceeds_invoice', 409, 'Only {remaining:money} of invoice {invoice_number} is left to pay, {amount:money} asked.', 'More than the invoice''s remaining amount.'),
  ('allocation_exceeds_payment', 409, 'Only {unapplied:money} of the payment is left to allocate, {amount:money} asked.', 'More than the payment''s unapplied amount.'),
  ('already_allocated', 409, 'A backfill has allocated the payment to invoice {invoice_number} already; reverse that with ledger_reverse_allocation, then allocate all of it.', 'Synthetic allocations are not mixed with real ones.'),
  ('nothing_to_allocate', 409, 'Nothing can be allocated: {reason}.', 'The payment has no remainder, or its customer has no open invoice.'),
  ('allocation_not_found', 404, 'There is no allocation {allocation_id}.', 'The allocation does not exist.'),
  ('allocation_conflict', 409, 'The allocation {problem}.', 'It was reversed already, or is a reversal itself.'),
  ('backfill_running', 409, 'Allocations wait until the backfill is done: ledger_backfill_mode is {mode}.', 'A backfill of synthetic allocations is running.'),
  ('nothing_unapplied', 409, 'Of the payment only {left:money} is unapplied, {amount:money} asked.', 'The remainder was allocated or released before.'),
  ('charge_back_exceeds_payment', 409, 'Only {left:money} of the payment was not taken back yet, {amount:money} asked.', 'More is charged back than was captured.'),
  ('payment_already_used', 409, 'Of the payment''s {amount:money} only {left:money} is still {where}; what has gone back or was spent cannot be voided.', 'The money, or a part of it, was refunded, or its surplus was spent.'),
  ('invoice_not_found', 404, 'There is no invoice {invoice_id}.', 'The invoice does not exist, or is someone else''s.'),
  ('invoice_series_not_found', 404, 'There is no series "{series}" of invoices; there are: {available}.', 'p_series names no row of invoice_series, or a series of credit notes.'),
  ('invoice_not_possible', 409, 'Order {order_number} is "{status}": there is nothing to invoice.', 'The order was rejected or has ended.'),
  ('order_invoiced', 409, 'Order {order_number} has the invoice {invoice_number}; void it first.', 'An order has one invoice at a time, and what was invoiced is not edited: ledger_void_invoice, then edit or invoice anew. One that was paid or credited keeps its order from being rejected; cancel it.'),
  ('order_invoice', 409, 'Invoice {invoice_number} is that of order {order_number}: refund the order, and the credit note comes with it.', 'ledger_refund_order issues the credit notes of an order''s invoice.'),
  ('invoice_conflict', 409, 'Invoice {invoice_number} is {status}.', 'It is void already, or a credit note.'),
  ('invoice_changed', 409, 'Invoice {invoice_number} is at version {version}, not {expected}: somebody changed it in between. Read it again.', 'p_expected_version is not the invoice''s present version.'),
  ('invoice_allocated', 409, '{allocated:money} are allocated to invoice {invoice_number}; reverse that first.', 'An invoice with payments is not void; ledger_reverse_allocation takes them off it.'),
  ('invoice_credited', 409, 'Invoice {invoice_number} has the credit notes {credit_notes}: credit what is left of it.', 'An invoice of which something was credited is not void.'),
  ('invoice_line_not_found', 404, 'Invoice {invoice_number} has no line {line}.', 'A line number that the invoice does not have.'),
  ('nothing_to_credit', 409, 'Say what to credit of invoice {invoice_number}: lines or an amount.', 'Neither lines nor an amount above zero, or lines that cost nothing.'),
  ('units_not_creditable', 409, 'Line {line} of invoice {invoice_number}: only {creditable} units can be credited, {requested} asked.', 'More units than are on the line and were not credited yet.'),
  ('credit_exceeds_invoice', 409, 'Only {left:money} of invoice {invoice_number} can be credited, {requested:money} asked.', 'More than its total less what was credited; of lines, also when an amount was credited before that reaches into them.'),
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
  ('drift_not_ruled_out', 409, 'The flag {flag} cannot be widened yet: the last {needed} runs of the check {check} must be without any difference, and {clean} of them are.', 'Run integrity_check_drift, or wait for the hourly job; a difference has to be found and mended first.'),
  ('unknown_import_kind', 400, 'There is no import of "{kind}"; known kinds: {known}.', 'A kind of rows that nothing imports.'),
  ('import_not_found', 404, 'There is no import {run_id}.', 'The import does not exist.'),
  ('import_conflict', 409, 'The import is {state}; {wanted} needs it to be {expected}.', 'The import is not where the call needs it to be.'),
  ('import_row_differs', 409, 'Row {row} of the import was staged with another text; begin a new import for another file.', 'A row number was staged before with other values.'),
  ('row_value_missing', 422, '{field} is empty.', 'A row to import lacks a field that it needs.'),
  ('row_value_unknown', 422, '{field} is "{value}"; known: {known}.', 'A field of a row has none of the values it can have.'),
  ('row_text_too_long', 422, '{field} is longer than {maximum} characters.', 'A text of a row is too long to be kept.'),
  ('row_amount_not_numeric', 422, '"{value}" is no amount.', 'Words, groups of digits that are none, or two numbers in a field for an amount.'),
  ('row_amount_ambiguous', 422, '"{value}" can be read two ways, or not as the options say; the option decimal_separator says which mark is the decimal one.', 'An amount such as 1.234, which nobody said how to read.'),
  ('row_amount_not_exact', 422, '"{value}" may have lost digits in a spreadsheet; the option accept_exponent takes it as it is.', 'An amount in exponent notation.'),
  ('row_amount_of_other_currency', 422, '"{value}" is not in {currency}, the currency of the import: it says "{word}".', 'An amount with the word or sign of another currency.'),
  ('row_amount_too_precise', 422, '"{value}" has more than the {decimals} decimals of {currency}.', 'An amount with a part below the minor unit.'),
  ('row_amount_too_large', 422, '"{value}" is larger than what is kept exactly.', 'An amount beyond 2^53 - 1 minor units.'),
  ('row_amount_not_positive', 422, '"{value}" is not above zero.', 'A payment or invoice of nothing, or of less.'),
  ('row_date_unreadable', 422, '"{value}" is no ISO date such as 2025-03-31; the option date_format says in which order another one is written.', 'A date in a form that nobody said how to read, or one that does not exist.'),
  ('row_date_jalali', 422, '"{value}" is a date of the Persian calendar; convert the column to the Gregorian one first.', 'A date of the Persian calendar.'),
  ('row_customer_not_found', 422, 'There is no customer "{value}"; import customers first.', 'A row names a customer by an external id or e-mail that nobody has.'),
  ('row_duplicate', 422, '"{value}" stands in row {first_row} already.', 'A second row of a file with the same external id.'),
  ('row_reference_used', 422, 'A payment by {method} with the reference "{value}" is there already.', 'The same voucher a second time, in the file or in the books.'),
  ('row_number_used', 422, 'There is another imported invoice with the number "{value}".', 'An invoice number for the second time, in the file or in the books.'),
  ('row_tax_not_part', 422, '"{value}" is no tax contained in the amount.', 'A tax below zero or above the amount of its invoice.'),
  ('row_imported_before', 422, '"{value}" was imported before and is {status} by now.', 'An external id whose payment or invoice was voided after it was imported.'),
  ('row_differs_from_imported', 422, '"{value}" was imported before as {imported}, not as {found}.', 'An external id that was imported before with another amount, customer, time or reference, or in another spelling.'),
  ('row_amount_negative', 422, '"{value}" is below zero.', 'A price, discount or shipping below zero.'),
  ('row_price_zero', 422, 'The price of a product is above zero; a line of an order may be free.', 'A product without a price would be sold for nothing.'),
  ('row_number_not_whole', 422, '"{value}" is no whole number.', 'A quantity or stock that is no whole number.'),
  ('row_quantity_not_positive', 422, 'A quantity of {value} outside a cancellation says nothing of what was sold.', 'A line of an order with a quantity of zero or below.'),
  ('row_quantity_not_negative', 422, 'A cancellation takes back units; its quantity is {value}.', 'A line of a cancellation with a quantity of zero or above.'),
  ('row_tax_rate_unreadable', 422, '"{value}" is no tax rate from 0 to 100 percent with at most two decimals.', 'A tax rate that cannot be read.'),
  ('row_date_out_of_range', 422, '"{value}" is before 1970 or in the future.', 'An order, payment or invoice of a time that none here can have.'),
  ('row_due_before_issued', 422, '"{value}" is before the invoice was issued.', 'An invoice that was due before there was one.'),
  ('row_discount_too_large', 422, 'The discount "{value}" is larger than the line it is for.', 'A discount beyond what the line amounts to.'),
  ('row_statuses_disagree', 422, 'The customer''s and the management''s status are "{value}"; only one of them can be right.', 'A row of a system that kept two statuses, which differ.'),
  ('row_wallet_without_transaction', 422, 'It was paid by "{value}", and no transaction of that wallet was imported.', 'A payment by a wallet whose movements are not known here.'),
  ('row_product_not_found', 422, 'There is no product with the SKU "{value}"; import products first.', 'A row names a SKU that nothing has.'),
  ('row_of_rejected_order', 422, 'Row {row} of order {value} is rejected, and an order is imported whole or not at all.', 'A row that is in order itself.'),
  ('row_disagrees_with_order', 422, 'The rows of order {value} do not agree on {field}.', 'A field of the order differs from row to row.'),
  ('row_total_differs', 422, 'The total is {value} minor units, the lines of the order amount to {reckoned}.', 'A total that is not the sum of its parts.'),
  ('row_paid_amount_wrong', 422, 'Of an order over {total} minor units that is {status}, "{value}" minor units cannot have been paid.', 'A paid amount that is not what the payment status says, or is missing of what is partially paid.'),
  ('row_order_number_taken', 422, 'The number of order {value} is one of this shop''s own; the option order_number_prefix keeps them apart.', 'An order number that is in use, or that the shop will come to.'),
  ('row_stock_missing', 422, 'There are not enough units of {sku} in stock for order {value}.', 'An order that is to take from the stock, which has too little.'),
  ('row_nothing_to_cancel', 422, 'No earlier imported orders of the customer have that many units of {sku} left at this price.', 'A cancellation of what was not imported, or was taken back before.'),
  ('row_cancellation_refused', 422, 'Cancellation {value} cannot be carried out: {problem}', 'An order that does not give back what a cancellation takes.'),
  ('row_email_invalid', 422, '"{value}" is no e-mail address.', 'An e-mail address that cannot be one.'),
  ('row_address_incomplete', 422, 'An address needs a recipient, a city and a country beside its line1.', 'An address of a customer that is not complete.'),
  ('row_country_unknown', 422, '"{value}" is no country code of two letters such as IQ.', 'A country that is not in ISO 3166-1 alpha-2.'),
  ('receipt_not_found', 404, 'There is no receipt {receipt_id} of this customer.', 'The receipt does not exist or is someone else''s.'),
  ('receipt_conflict', 409, 'The receipt is already "{status}"; {wanted} needs it to be {expected}.', 'Somebody else reviewed, withdrew or sent it first.'),
  ('receipt_not_allowed', 409, 'A receipt for {subject} is not taken: {reason}.', 'The order has ended, or the invoice claims nothing any more.'),
  ('receipt_reference_used', 409, 'A receipt with the reference "{reference}" is under review or approved already.', 'The same transfer a second time, however it is typed.'),
  ('receipt_file_used', 409, 'The file {storage_path} belongs to a receipt that is under review or approved already.', 'The same file a second time.'),
  ('receipt_file_not_found', 404, 'There is no file {storage_path} in the bucket receipts; upload it first.', 'Storage knows no such file.'),
  ('receipt_file_invalid', 400, 'The file cannot be a receipt: {problem}. It has at most 10 MB and is one of {types}.', 'A file of another type, or too large.'),
  ('own_receipt', 403, 'Nobody reviews a receipt of their own.', 'The reviewer is the customer who sent it.'),
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
  ('ledger_submit_receipt', 30, 0.1),
  ('ledger_request_withdrawal', 60, 1)
on conflict (procedure) do nothing;

-- sql/foundation/scheduled_jobs.data.sql

insert into ledger.scheduled_jobs (name, schedule, command, description) values
  ('seal events', '* * * * *', 'select ledger.seal_events()', 'Closes events into the next seals.'),
  ('expire reservations', '* * * * *', 'select ledger.expire_reservations()', 'Frees stock that reservations held past their time.'),
  ('alert late receipts', '*/10 * * * *', 'select ledger.alert_late_receipts()', 'Queues a message for each receipt that waits too long for its review.'),
  ('remind of grace', '*/5 * * * *', 'select ledger.remind_of_grace()', 'Reminds customers of orders that are to be paid soon.'),
  ('expire grace', '* * * * *', 'select ledger.expire_grace()', 'Cancels or flags orders that were not paid in time.'),
  ('create partitions', '15 2 * * *', 'select ledger.create_month_partitions()', 'Monthly partitions of events and audit log, ahead of time.'),
  ('continue bulk changes', '* * * * *', 'select ledger.continue_bulk_changes()', 'Carries on with bulk changes that nobody is at.'),
  ('check debt drift', '10 * * * *', 'select ledger.check_debt_drift()', 'Compares debts with their cache and the old flags, and switches off what drifts.'),
  ('check balances', '50 2 * * *', 'select ledger.check_balances()', 'Adds up what payments, invoices and accounts have in allocations; reports what differs.'),
  ('purge bulk changes', '35 2 * * *', 'select ledger.purge_bulk_changes()', 'Removes finished bulk changes beyond the retention.'),
  ('purge order drafts', '40 2 * * *', 'select ledger.purge_order_drafts()', 'Removes drafts beyond the retention.'),
  ('purge imported rows', '55 2 * * *', 'select ledger.purge_import_rows()', 'Blanks rows of ended imports beyond the retention.'),
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
  ('grace_reminder_hours', '24', 'integer', 0, 8760, null, 'Hours before the end of a grace period that its customer is reminded; 0: not at all.'),
  ('grace_expiry', '"cancel"', 'text', null, null, '{cancel,flag}', 'What becomes of an order whose grace period passes unpaid: cancelled unless something of it has left the house, or flagged as overdue.'),
  ('max_grace_orders', '3', 'integer', 0, 1000, null, 'Orders in grace, or overdue, that a customer may have at a time in one currency, unless their credit terms say otherwise.'),
  ('invoice_due_days', '30', 'integer', 0, 365, null, 'Days until an invoice is due, for customers whose credit terms do not say.'),
  ('receipt_review_hours', '24', 'integer', 1, 8760, null, 'Hours after which a receipt under review is late, and an alert is queued.'),
  ('allocation_weight_age', '1', 'integer', 0, 1000, null, 'Weight of an invoice''s age in the strategy weighted of ledger_auto_allocate_payment.'),
  ('allocation_weight_overdue', '2', 'integer', 0, 1000, null, 'Weight of the days an invoice is overdue in the strategy weighted.'),
  ('allocation_weight_size', '1', 'integer', 0, 1000, null, 'Weight of what is left of an invoice in the strategy weighted.'),
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
  ('debt_drift_ppm_limit', '5000', 'integer', 0, 1000000, null, 'Difference between the debt in the cache and the debt recomputed, in millionths, beyond which a drift run fails (source 002, section 13: 0.5 %).'),
  ('backfill_drift_ppm_limit', '0', 'integer', 0, 1000000, null, 'Difference between what a backfill should have allocated and what it did, in millionths, beyond which it is taken back (source 002, 16.5).'),
  ('import_retention_days', '90', 'integer', 1, 3650, null, 'Days after the end of an import that its rows are kept as they came.'),
  ('drift_free_runs', '3', 'integer', 1, 1000, null, 'Drift runs in a row without any difference before the debt is read from the cache by more accounts (source 002, 16.8).'),
  ('dual_write_failure_percent', '3', 'integer', 0, 100, null, 'Share of old flags that may fail to be written in shadow before dual writing is switched off (source 002, 16.8).'),
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
  ('receipts.review', 'Review receipts of transfers.'),
  ('grace.grant', 'Give orders more time to be paid.'),
  ('credit.grant', 'Set credit terms of customers.'),
  ('invoices.issue', 'Issue, credit and void invoices.'),
  ('payments.allocate', 'Allocate payments to invoices, and reverse that.'),
  ('flags.set', 'Switch feature flags.'),
  ('imports.run', 'Import the data of an older system.'),
  ('reports.read', 'See reports of the whole shop.'),
  ('customers.erase', 'Erase the personal data of customers.'),
  ('customers.read', 'See all profiles, addresses and referrals.'),
  ('stock.read', 'See stock movements and what is not for sale.'),
  ('stock.adjust', 'Adjust stock.'),
  ('withdrawals.review', 'Approve, reject and pay withdrawals.')
on conflict (code) do nothing;

-- of new permissions only: what an admin has taken from a role stays taken
insert into public.role_permissions (role, permission) values
  ('admin', 'receipts.review'),
  ('admin', 'grace.grant'),
  ('admin', 'credit.grant'),
  ('admin', 'invoices.issue'),
  ('admin', 'payments.allocate'),
  ('admin', 'flags.set'),
  ('admin', 'imports.run'),
  ('finance', 'receipts.review'),
  ('finance', 'grace.grant'),
  ('finance', 'credit.grant'),
  ('finance', 'invoices.issue'),
  ('finance', 'payments.allocate')
on conflict (role, permission) do nothing;

-- sql/orders/checkout_options.data.sql

-- what gives time or credit, or needs a provider, is offered when the shop says so
insert into public.payment_methods (code, description, is_active) values
  ('wallet', 'The wallet pays all of it.', true),
  ('wallet_partial', 'The wallet pays a part, the rest is due by transfer.', true),
  ('bank_transfer', 'All of it is due by transfer.', true),
  ('bank_transfer_grace', 'All of it is due by transfer within the grace period; the goods may go out before.', false),
  ('card', 'A card provider confirms.', false),
  ('invoice', 'On an invoice, within the customer''s credit terms.', false)
on conflict (code) do nothing;

-- sql/payments/invoices/invoice_series.data.sql

insert into public.invoice_series (code, kind, prefix, digits, description) values
  ('invoice', 'invoice', 'INV-', 6, 'Invoices.'),
  ('credit_note', 'credit_note', 'CN-', 6, 'Credit notes.')
on conflict (code) do nothing;

-- reference rows whose words changed
update public.payment_methods m set description = v.description
from (values
  ('bank_transfer_grace', 'All of it is due by transfer within the grace period; the goods may go out before.'),
  ('invoice', 'On an invoice, within the customer''s credit terms.')) v (code, description)
where m.code = v.code;

-- what data written before this migration needs to be as if it had been there
select set_config('ledger.procedure', 'migration', true);
update public.payments p set paid_at = p.created_at;
update public.orders o set payment_status = 'overpaid'
where o.payment_status = 'paid'
  and exists (select from public.payments p where p.order_id = o.id and p.status = 'captured' and p.credit_amount > 0);
select set_config('ledger.procedure', '', true);
