SET local check_function_bodies = off;

DROP TRIGGER "rows_come_from_procedures" ON "public"."reconciliation_runs";

ALTER TABLE "public"."reconciliation_runs"
  DROP CONSTRAINT "figures_are_not_negative";

ALTER TABLE "public"."reconciliation_runs"
  DROP CONSTRAINT "only_no_difference_is_ok";

DROP FUNCTION "ledger"."check_balances"();

DROP FUNCTION "ledger"."differences_of_accounts"();

DROP FUNCTION "ledger"."differences_of_allocations"();

DROP FUNCTION "ledger"."differences_of_cards"();

DROP FUNCTION "ledger"."differences_of_fulfilment"();

DROP FUNCTION "ledger"."differences_of_grace"();

DROP FUNCTION "ledger"."differences_of_imports"();

DROP FUNCTION "ledger"."differences_of_invoices"();

DROP FUNCTION "ledger"."differences_of_order_money"();

DROP FUNCTION "ledger"."differences_of_orders"();

DROP FUNCTION "ledger"."differences_of_payments"();

DROP FUNCTION "ledger"."differences_of_receipts"();

DROP FUNCTION "ledger"."differences_of_refunds"();

DROP FUNCTION "ledger"."differences_of_stock"();

DROP FUNCTION "ledger"."differences_of_texts"();

DROP FUNCTION "ledger"."differences_of_vendors"();

DROP FUNCTION "ledger"."mark_order_of_card"(public.card_payments);

DROP FUNCTION "ledger"."purge_audit_log"();

DROP FUNCTION "ledger"."record_imported_orders"(public.orders[], ledger.actor);

DROP FUNCTION "ledger"."verify_seals"();

DROP FUNCTION "public"."integrity_verify_seals"(bigint, text);

CREATE SEQUENCE "ledger"."denied_calls_seq" AS bigint INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1 NO CYCLE;

CREATE SEQUENCE "ledger"."verified_seal_seq" AS bigint INCREMENT BY 1 MINVALUE 0 MAXVALUE 9223372036854775807 START WITH 0 CACHE 1 NO CYCLE;

CREATE TABLE "ledger"."guards" (
  "table_name"   text   NOT NULL,
  "trigger_name" text   NOT NULL,
  "fires"        "char" NOT NULL,
  "digest"       text   NOT NULL,
  CONSTRAINT "guards_pkey" PRIMARY KEY (table_name, trigger_name)
);

CREATE TABLE "ledger"."integrity_relations" (
  "name"     text    NOT NULL,
  "position" integer NOT NULL,
  "whole"    text    NOT NULL,
  "scoped"   text,
  CONSTRAINT "integrity_relations_pkey" PRIMARY KEY (name),
  CONSTRAINT "integrity_relations_position_key" UNIQUE ("position")
);

CREATE TABLE "ledger"."kpi_metrics" (
  "name"        text NOT NULL,
  "part_of"     text,
  "unit"        text NOT NULL,
  "direction"   text,
  "description" text NOT NULL,
  "query"       text,
  CONSTRAINT "answered_by_itself_or_as_a_part" CHECK (((query IS NULL) = (part_of IS NOT NULL))),
  CONSTRAINT "direction_is_known" CHECK ((direction = ANY (ARRAY['lower'::text, 'higher'::text]))),
  CONSTRAINT "kpi_metrics_pkey" PRIMARY KEY (name),
  CONSTRAINT "name_is_a_name" CHECK ((name ~ '^[a-z][a-z0-9_]*$'::text)),
  CONSTRAINT "unit_is_known" CHECK ((unit = ANY (ARRAY['ppm'::text, 'us'::text, 'ms'::text, 's'::text, 'count'::text, 'minor'::text])))
);

ALTER TABLE "ledger"."scheduled_jobs"
  SET (fillfactor=50);

CREATE TABLE "public"."alert_rules" (
  "code"        text    NOT NULL,
  "severity"    text    NOT NULL,
  "unit"        text    NOT NULL,
  "limit_value" bigint  NOT NULL,
  "query"       text,
  "enabled"     boolean NOT NULL DEFAULT true,
  "is_own"      boolean NOT NULL DEFAULT true,
  "description" text    NOT NULL,
  CONSTRAINT "alert_rules_pkey" PRIMARY KEY (code),
  CONSTRAINT "code_is_a_name" CHECK ((code ~ '^[a-z][a-z0-9_]*$'::text)),
  CONSTRAINT "limit_is_exact" CHECK (((limit_value >= 0) AND (limit_value <= '9007199254740991'::bigint))),
  CONSTRAINT "severity_is_known" CHECK ((severity = ANY (ARRAY['critical'::text, 'error'::text, 'warning'::text]))),
  CONSTRAINT "unit_is_known" CHECK ((unit = ANY (ARRAY['count'::text, 'turns'::text, 'percent'::text, 'ppm'::text, 'us'::text, 's'::text, 'days'::text])))
);

ALTER TABLE "public"."alert_rules"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."alert_rules" FROM "anon";

CREATE TABLE "public"."alerts" (
  "id"              uuid                     NOT NULL DEFAULT ledger.uuid_v7(),
  "rule_code"       text                     NOT NULL,
  "subject"         text                     NOT NULL,
  "status"          text                     NOT NULL DEFAULT 'open'::text,
  "severity"        text                     NOT NULL,
  "value"           bigint                   NOT NULL,
  "highest_value"   bigint                   NOT NULL,
  "limit_value"     bigint                   NOT NULL,
  "details"         jsonb                    NOT NULL DEFAULT '{}'::jsonb,
  "raised_at"       timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  "last_seen_at"    timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  "told_at"         timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  "told_value"      bigint                   NOT NULL,
  "clean_turns"     smallint                 NOT NULL DEFAULT 0,
  "acknowledged_at" timestamp with time zone,
  "acknowledged_by" uuid,
  "notes"           text,
  "resolved_at"     timestamp with time zone,
  CONSTRAINT "acknowledged_says_when" CHECK (((status <> 'acknowledged'::text) OR (acknowledged_at IS NOT NULL))),
  CONSTRAINT "notes_are_of_an_acknowledged_alert" CHECK (((acknowledged_at IS NOT NULL) OR ((notes IS NULL) AND (acknowledged_by IS NULL)))),
  CONSTRAINT "resolved_says_when" CHECK (((status = 'resolved'::text) = (resolved_at IS NOT NULL))),
  CONSTRAINT "severity_is_known" CHECK ((severity = ANY (ARRAY['critical'::text, 'error'::text, 'warning'::text]))),
  CONSTRAINT "status_is_known" CHECK ((status = ANY (ARRAY['open'::text, 'acknowledged'::text, 'resolved'::text]))),
  CONSTRAINT "subject_is_short" CHECK (((length(subject) >= 1) AND (length(subject) <= 300))),
  CONSTRAINT "values_are_above_the_limit" CHECK (((LEAST(value, highest_value) > limit_value) AND (highest_value >= value))),
  CONSTRAINT "alerts_pkey" PRIMARY KEY (id)
);

ALTER TABLE "public"."alerts"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."alerts" FROM "anon";

CREATE TABLE "public"."event_fingerprints" (
  "seal_hash"    bytea    NOT NULL,
  "event_ids"    bigint[] NOT NULL,
  "fingerprints" bytea    NOT NULL,
  CONSTRAINT "event_fingerprints_pkey" PRIMARY KEY (seal_hash),
  CONSTRAINT "every_event_has_eight_bytes" CHECK ((length(fingerprints) = (8 * cardinality(event_ids))))
);

ALTER TABLE "public"."event_fingerprints"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."event_fingerprints" FROM "anon";

CREATE TABLE "public"."imported_order_claims" (
  "order_id"           uuid                     NOT NULL,
  "account_id"         uuid                     NOT NULL,
  "import_run_id"      uuid                     NOT NULL,
  "problems"           text[]                   NOT NULL,
  "customer_status"    text,
  "management_status"  text,
  "claimed_status"     text                     NOT NULL,
  "payment_status"     text,
  "wallet_amount"      bigint                   NOT NULL DEFAULT 0,
  "wallet_transaction" text,
  "receipt_id"         uuid,
  "tried_at"           timestamp with time zone,
  "settled_at"         timestamp with time zone,
  "settled_by"         uuid,
  "created_at"         timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT "a_wallet_part_is_proven_or_claimed" CHECK (((wallet_transaction IS NULL) OR (wallet_amount = 0))),
  CONSTRAINT "claimed_status_is_on_the_way" CHECK ((claimed_status = ANY (ARRAY['pending'::text, 'confirmed'::text, 'processing'::text, 'shipped'::text, 'delivered'::text]))),
  CONSTRAINT "imported_order_claims_pkey" PRIMARY KEY (order_id),
  CONSTRAINT "imported_order_claims_receipt_id_key" UNIQUE (receipt_id),
  CONSTRAINT "only_a_receipt_is_stuck" CHECK (((receipt_id IS NOT NULL) = ('receipt_stuck'::text = ANY (problems)))),
  CONSTRAINT "only_a_wallet_lacks_its_transaction" CHECK (((wallet_amount > 0) = ('wallet_without_transaction'::text = ANY (problems)))),
  CONSTRAINT "problems_are_known" CHECK (((cardinality(problems) > 0) AND (problems <@ '{status_mismatch,wallet_without_transaction,receipt_stuck}'::text[]))),
  CONSTRAINT "texts_are_short" CHECK (((GREATEST(length(customer_status), length(management_status), length(payment_status)) <= 100) AND (length(wallet_transaction) <= 200))),
  CONSTRAINT "wallet_amount_is_exact_and_not_negative" CHECK (((wallet_amount >= 0) AND (wallet_amount <= '9007199254740991'::bigint))),
  CONSTRAINT "who_settled_it_says_when" CHECK (((settled_by IS NULL) OR (settled_at IS NOT NULL)))
);

ALTER TABLE "public"."imported_order_claims"
  ENABLE ROW LEVEL SECURITY;

ALTER TABLE "public"."imported_order_claims"
  SET (fillfactor=80);

REVOKE ALL ON TABLE "public"."imported_order_claims" FROM "anon";

CREATE TABLE "public"."integrity_checks" (
  "code"     text    NOT NULL,
  "family"   text    NOT NULL,
  "proves"   text    NOT NULL,
  "severity" text    NOT NULL,
  "scopes"   text[]  NOT NULL DEFAULT '{all,changed,account}'::text[],
  "query"    text    NOT NULL,
  "repair"   text,
  "enabled"  boolean NOT NULL DEFAULT true,
  CONSTRAINT "code_and_family_are_names" CHECK (((code ~ '^[a-z][a-z0-9_]*$'::text) AND (family ~ '^[a-z][a-z0-9_]*$'::text))),
  CONSTRAINT "integrity_checks_pkey" PRIMARY KEY (code),
  CONSTRAINT "scopes_are_known" CHECK (((scopes <@ '{all,changed,account}'::text[]) AND ('all'::text = ANY (scopes)))),
  CONSTRAINT "severity_is_known" CHECK ((severity = ANY (ARRAY['critical'::text, 'error'::text, 'warning'::text])))
);

ALTER TABLE "public"."integrity_checks"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."integrity_checks" FROM "anon";

CREATE TABLE "public"."integrity_findings" (
  "id"          uuid                     NOT NULL DEFAULT ledger.uuid_v7(),
  "run_id"      uuid                     NOT NULL,
  "check_code"  text                     NOT NULL,
  "severity"    text                     NOT NULL,
  "subject"     text                     NOT NULL,
  "account_id"  uuid,
  "expected"    text,
  "found"       text,
  "diff_amount" bigint,
  "created_at"  timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT "severity_is_known" CHECK ((severity = ANY (ARRAY['critical'::text, 'error'::text, 'warning'::text]))),
  CONSTRAINT "integrity_findings_pkey" PRIMARY KEY (id)
);

ALTER TABLE "public"."integrity_findings"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."integrity_findings" FROM "anon";

CREATE TABLE "public"."kpi_snapshots" (
  "metric"   text                     NOT NULL,
  "taken_at" timestamp with time zone NOT NULL,
  "value"    bigint,
  "details"  jsonb                    NOT NULL,
  CONSTRAINT "details_are_an_object" CHECK ((jsonb_typeof(details) = 'object'::text)),
  CONSTRAINT "kpi_snapshots_pkey" PRIMARY KEY (metric, taken_at),
  CONSTRAINT "value_is_exact" CHECK ((abs(value) <= '9007199254740991'::bigint))
);

ALTER TABLE "public"."kpi_snapshots"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."kpi_snapshots" FROM "anon";

CREATE TABLE "public"."reconciliation_actions" (
  "id"            uuid                     NOT NULL DEFAULT ledger.uuid_v7(),
  "run_id"        uuid                     NOT NULL,
  "finding_id"    uuid,
  "check_code"    text                     NOT NULL,
  "repair"        text                     NOT NULL,
  "subject"       uuid                     NOT NULL,
  "account_id"    uuid,
  "stream_type"   text                     NOT NULL,
  "plan"          jsonb                    NOT NULL,
  "diff_amount"   bigint                   NOT NULL,
  "status"        text                     NOT NULL DEFAULT 'planned'::text,
  "error_code"    text,
  "error_message" text,
  "applied_at"    timestamp with time zone,
  "applied_by"    uuid,
  "event_id"      bigint,
  "undo"          jsonb,
  "undone_at"     timestamp with time zone,
  "undone_by"     uuid,
  "undo_event_id" bigint,
  "created_at"    timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  "updated_at"    timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT "applied_says_when_and_how_to_undo" CHECK (((status <> ALL (ARRAY['applied'::text, 'undone'::text])) OR ((applied_at IS NOT NULL) AND (event_id IS
    NOT NULL) AND (undo IS NOT NULL)))),
  CONSTRAINT "diff_is_not_negative" CHECK ((diff_amount >= 0)),
  CONSTRAINT "not_applied_says_why" CHECK (((status <> ALL (ARRAY['failed'::text, 'stale'::text])) OR (error_code IS NOT NULL))),
  CONSTRAINT "plan_has_lines" CHECK (((jsonb_typeof(plan) = 'array'::text) AND (plan <> '[]'::jsonb))),
  CONSTRAINT "status_is_known" CHECK ((status = ANY (ARRAY['planned'::text, 'applied'::text, 'failed'::text, 'stale'::text, 'undone'::text, 'superseded'::text]))),
  CONSTRAINT "undone_says_when" CHECK (((status = 'undone'::text) = (undone_at IS NOT NULL))),
  CONSTRAINT "reconciliation_actions_pkey" PRIMARY KEY (id)
);

ALTER TABLE "public"."reconciliation_actions"
  ENABLE ROW LEVEL SECURITY;

REVOKE ALL ON TABLE "public"."reconciliation_actions" FROM "anon";

ALTER TABLE "ledger"."idempotency_keys"
  ADD COLUMN "started_at" timestamp WITH time zone NOT NULL DEFAULT statement_timestamp();

ALTER TABLE "ledger"."outbox"
  ADD COLUMN "settled_at" timestamp WITH time zone;

ALTER TABLE "ledger"."scheduled_jobs"
  ADD COLUMN "time_limit" interval NOT NULL DEFAULT '00:10:00'::interval;

ALTER TABLE "ledger"."scheduled_jobs"
  ADD COLUMN "max_silence" interval;

ALTER TABLE "ledger"."scheduled_jobs"
  ADD COLUMN "watched_since" timestamp WITH time zone NOT NULL DEFAULT clock_timestamp();

ALTER TABLE "ledger"."scheduled_jobs"
  ADD COLUMN "last_started_at" timestamp WITH time zone;

ALTER TABLE "ledger"."scheduled_jobs"
  ADD COLUMN "last_finished_at" timestamp WITH time zone;

ALTER TABLE "ledger"."scheduled_jobs"
  ADD COLUMN "last_succeeded_at" timestamp WITH time zone;

ALTER TABLE "ledger"."scheduled_jobs"
  ADD COLUMN "last_duration_ms" bigint;

ALTER TABLE "ledger"."scheduled_jobs"
  ADD COLUMN "last_error" text;

ALTER TABLE "ledger"."scheduled_jobs"
  ADD COLUMN "runs" bigint NOT NULL DEFAULT 0;

ALTER TABLE "ledger"."scheduled_jobs"
  ADD COLUMN "failures" bigint NOT NULL DEFAULT 0;

ALTER TABLE "ledger"."scheduled_jobs"
  ADD COLUMN "failures_in_a_row" bigint NOT NULL DEFAULT 0;

ALTER TABLE "ledger"."scheduled_jobs"
  ADD COLUMN "skipped" bigint NOT NULL DEFAULT 0;

ALTER TABLE "public"."reconciliation_runs"
  ADD COLUMN "scope" text NOT NULL DEFAULT 'all'::text;

ALTER TABLE "public"."reconciliation_runs"
  ADD COLUMN "findings" bigint NOT NULL DEFAULT 0;

ALTER TABLE "public"."reconciliation_runs"
  ADD COLUMN "horizon" bigint;

CREATE TYPE "ledger"."breach" AS (
  "rule_code" text,
  "subject"   text,
  "value"     bigint
);

CREATE TYPE "ledger"."chosen_repairs" AS (
  "action_ids" uuid[],
  "amount"     bigint,
  "left_count" bigint
);

CREATE TYPE "ledger"."finding" AS (
  "check_code"   text,
  "severity"     text,
  "subject"      text,
  "account_id"   uuid,
  "expected"     text,
  "found"        text,
  "diff_amount"  bigint,
  "family"       text,
  "milliseconds" bigint
);

CREATE TYPE "ledger"."imported_claim" AS (
  "order_id"           uuid,
  "account_id"         uuid,
  "user_id"            uuid,
  "order_number"       text,
  "currency"           text,
  "created_at"         timestamp WITH time zone,
  "problems"           text[],
  "customer_status"    text,
  "management_status"  text,
  "claimed_status"     text,
  "payment_status"     text,
  "wallet_amount"      bigint,
  "wallet_transaction" text,
  "receipt_id"         uuid,
  "receipt_reference"  text,
  "receipt_amount"     bigint
);

CREATE TYPE "ledger"."integrity_scope" AS (
  "kind"                text,
  "account_ids"         uuid[],
  "order_ids"           uuid[],
  "variant_ids"         uuid[],
  "touched_account_ids" uuid[],
  "touched_variant_ids" uuid[],
  "stream_ids"          uuid[]
);

CREATE TYPE "ledger"."order_money" AS (
  "wallet_amount"          bigint,
  "paid_amount"            bigint,
  "refunded_amount"        bigint,
  "wallet_refunded_amount" bigint,
  "credited_amount"        bigint
);

CREATE TYPE "ledger"."repair" AS (
  "stream_type" text,
  "account_id"  uuid,
  "lines"       jsonb,
  "problem"     text
);

CREATE TYPE "ledger"."replayed_account" AS (
  "account_id"                uuid,
  "total_earned"              bigint,
  "total_withdrawn"           bigint,
  "total_pending_withdrawals" bigint,
  "total_orders"              bigint,
  "version"                   bigint,
  "has_every_version"         boolean,
  "is_frozen"                 boolean,
  "invoiced_amount"           bigint,
  "allocated_amount"          bigint,
  "unapplied_amount"          bigint
);

CREATE TYPE "ledger"."replayed_fact" AS (
  "kind"        text,
  "subject"     uuid,
  "what"        text,
  "replayed"    jsonb,
  "stored"      jsonb,
  "is_recorded" boolean
);

CREATE TYPE "ledger"."replayed_order" AS (
  "order_id"               uuid,
  "account_id"             uuid,
  "status"                 text,
  "payment_status"         text,
  "total_amount"           bigint,
  "wallet_amount"          bigint,
  "paid_amount"            bigint,
  "refunded_amount"        bigint,
  "wallet_refunded_amount" bigint,
  "credited_amount"        bigint,
  "exact_after_event_id"   bigint
);

CREATE TYPE "ledger"."replayed_variant" AS (
  "variant_id"           uuid,
  "on_hand"              bigint,
  "held"                 bigint,
  "exact_after_event_id" bigint
);

CREATE TYPE "ledger"."seal_problem" AS (
  "seal_number" bigint,
  "event_count" integer,
  "event_id"    bigint,
  "problem"     text
);

CREATE TYPE "public"."integrity_checkpoint_result" AS (
  "success"        boolean,
  "transaction_id" uuid,
  "error_code"     text,
  "error_message"  text,
  "error_details"  jsonb,
  "seal_number"    bigint,
  "hash"           text,
  "epoch"          integer,
  "last_event_id"  bigint,
  "event_count"    bigint,
  "sealed_at"      timestamp WITH time zone,
  "database"       text
);

CREATE TYPE "public"."integrity_emergency_order_fix_result" AS (
  "success"          boolean,
  "transaction_id"   uuid,
  "error_code"       text,
  "error_message"    text,
  "error_details"    jsonb,
  "dry_run"          boolean,
  "found_orders"     bigint,
  "fixed_orders"     bigint,
  "refused_orders"   bigint,
  "remaining_orders" bigint,
  "orders"           jsonb
);

CREATE TYPE "public"."integrity_replay_result" AS (
  "success"        boolean,
  "transaction_id" uuid,
  "error_code"     text,
  "error_message"  text,
  "error_details"  jsonb,
  "accounts"       bigint,
  "orders"         bigint,
  "variants"       bigint,
  "differences"    bigint,
  "not_recorded"   bigint,
  "rows"           jsonb
);

CREATE TYPE "public"."integrity_run_result" AS (
  "success"        boolean,
  "transaction_id" uuid,
  "error_code"     text,
  "error_message"  text,
  "error_details"  jsonb,
  "run"            jsonb,
  "findings"       jsonb
);

CREATE TYPE "public"."integrity_verify_seals_result" AS (
  "success"        boolean,
  "transaction_id" uuid,
  "error_code"     text,
  "error_message"  text,
  "error_details"  jsonb,
  "verified_from"  bigint,
  "verified_to"    bigint,
  "newest_seal"    bigint,
  "is_complete"    boolean,
  "event_count"    bigint,
  "problem_count"  bigint,
  "problems"       jsonb
);

CREATE TYPE "public"."ledger_acknowledge_alert_result" AS (
  "success"         boolean,
  "transaction_id"  uuid,
  "error_code"      text,
  "error_message"   text,
  "error_details"   jsonb,
  "alert_id"        uuid,
  "rule_code"       text,
  "subject"         text,
  "status"          text,
  "acknowledged_at" timestamp WITH time zone
);

CREATE TYPE "public"."ledger_pay_order_from_wallet_result" AS (
  "success"            boolean,
  "transaction_id"     uuid,
  "error_code"         text,
  "error_message"      text,
  "error_details"      jsonb,
  "order_id"           uuid,
  "order_number"       text,
  "wallet_amount"      bigint,
  "order_status"       text,
  "payment_status"     text,
  "outstanding_amount" bigint,
  "available_balance"  bigint
);

CREATE TYPE "public"."reconciliation_apply_result" AS (
  "success"        boolean,
  "transaction_id" uuid,
  "error_code"     text,
  "error_message"  text,
  "error_details"  jsonb,
  "dry_run"        boolean,
  "applied_count"  bigint,
  "stale_count"    bigint,
  "failed_count"   bigint,
  "left_count"     bigint,
  "amount"         bigint,
  "flag_state"     text,
  "actions"        jsonb
);

CREATE TYPE "public"."reconciliation_plan_result" AS (
  "success"        boolean,
  "transaction_id" uuid,
  "error_code"     text,
  "error_message"  text,
  "error_details"  jsonb,
  "run_id"         uuid,
  "plans"          jsonb,
  "for_people"     jsonb,
  "left_count"     bigint
);

CREATE TYPE "public"."reconciliation_undo_result" AS (
  "success"        boolean,
  "transaction_id" uuid,
  "error_code"     text,
  "error_message"  text,
  "error_details"  jsonb,
  "action_id"      uuid,
  "status"         text,
  "lines"          jsonb,
  "event_id"       bigint
);

CREATE TYPE "public"."report_integrity_result" AS (
  "success"        boolean,
  "transaction_id" uuid,
  "error_code"     text,
  "error_message"  text,
  "error_details"  jsonb,
  "reported_at"    timestamp WITH time zone,
  "runs"           jsonb,
  "findings"       jsonb,
  "alerts"         jsonb,
  "repairs"        jsonb,
  "kpis"           jsonb,
  "jobs"           jsonb,
  "seals"          jsonb,
  "flags"          jsonb,
  "partitions"     jsonb,
  "outbox"         jsonb
);

ALTER TYPE "ledger"."import_order_line" ADD ATTRIBUTE "wallet_amount" bigint CASCADE;

ALTER TYPE "ledger"."import_order_line" ADD ATTRIBUTE "wallet_transaction" text CASCADE;

ALTER TYPE "ledger"."import_order_line" ADD ATTRIBUTE "lacks_transaction" boolean CASCADE;

ALTER TYPE "ledger"."import_order_line" ADD ATTRIBUTE "receipt_reference" text CASCADE;

ALTER TYPE "ledger"."import_order_line" ADD ATTRIBUTE "receipt_amount" bigint CASCADE;

ALTER TYPE "ledger"."import_order_line" ADD ATTRIBUTE "has_receipt" boolean CASCADE;

ALTER TYPE "ledger"."import_order_line" ADD ATTRIBUTE "customer_status" text CASCADE;

ALTER TYPE "ledger"."import_order_line" ADD ATTRIBUTE "management_status" text CASCADE;

ALTER TYPE "ledger"."import_order_line" ADD ATTRIBUTE "claimed_status" text CASCADE;

ALTER TYPE "ledger"."import_order_line" ADD ATTRIBUTE "has_mismatch" boolean CASCADE;

ALTER TYPE "ledger"."import_order_line" ADD ATTRIBUTE "said_payment_status" text CASCADE;

CREATE OR REPLACE FUNCTION ledger.alert_facts (
  p_alert public.alerts,
  p_rule  public.alert_rules
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return jsonb_build_object(
    'alert_id', p_alert.id, 'rule', p_alert.rule_code, 'subject', p_alert.subject, 'severity', p_alert.severity, 'value', p_alert.value,
    'highest_value', p_alert.highest_value, 'limit_value', p_alert.limit_value, 'unit', p_rule.unit, 'description', p_rule.description,
    'raised_at', p_alert.raised_at, 'details', p_alert.details - 'error');
end $function$;

CREATE OR REPLACE FUNCTION ledger.alerts_of_report()
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (
    select jsonb_build_object(
      'open', count(*) filter (where a.status = 'open'), 'acknowledged', count(*) filter (where a.status = 'acknowledged'),
      'newest', coalesce(jsonb_agg(jsonb_build_object(
        'alert_id', a.id, 'rule', a.rule_code, 'severity', a.severity, 'subject', a.subject, 'status', a.status, 'value', a.value,
        'limit_value', a.limit_value, 'raised_at', a.raised_at, 'last_seen_at', a.last_seen_at) order by a.number) filter (where a.number <= 50), '[]'))
    from (select s.*, row_number() over (order by s.raised_at desc, s.id desc) as number from public.alerts s where s.status <> 'resolved') a);
end $function$;

CREATE OR REPLACE FUNCTION ledger.attach_month (
  p_table text,
  p_from  timestamp with time zone,
  p_to    timestamp with time zone
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_partition text := p_table || to_char(p_from at time zone 'UTC', '_YYYY_MM');
begin
  execute format('create table ledger.%I (like public.%I including defaults including constraints)', v_partition, p_table);
  execute format('alter table public.%I attach partition ledger.%I for values from (%L) to (%L)', p_table, v_partition, p_from, p_to);
  execute format('alter table ledger.%I enable row level security', v_partition);
  perform ledger.guard_partition(format('ledger.%I', v_partition)::regclass, p_table, 'the ledger_* procedures');
end $function$;

CREATE OR REPLACE FUNCTION ledger.backordered_since (
  p_order_id uuid,
  p_before   jsonb
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return coalesce((
    select jsonb_build_object('backordered', jsonb_agg(jsonb_build_object('variant_id', n.key, 'backordered', n.units) order by n.key))
    from (select b.key, b.value::bigint - coalesce((p_before ->> b.key)::bigint, 0) as units
          from jsonb_each_text(ledger.backordered_units(p_order_id)) b) n
    where n.units <> 0
    having count(*) > 0), '{}');
end $function$;

CREATE OR REPLACE FUNCTION ledger.backordered_units (
  p_order_id uuid
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return coalesce((select jsonb_object_agg(b.variant_id, b.quantity) from public.backorders b where b.order_id = p_order_id), '{}');
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
  perform ledger.mark_order_of_card(p_step);
  return v_problem;
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
  select f.check_code, f.subject, f.expected, f.found
  from ledger.findings(array(select c.code from public.integrity_checks c where c.enabled and c.severity <> 'warning')) f
  where f.check_code is not null;
$function$;

CREATE OR REPLACE FUNCTION ledger.booked_amount (
  p_scope ledger.integrity_scope
)
  RETURNS bigint
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  if p_scope.kind = 'all' then
    return (select coalesce(sum(p.amount), 0) from public.postings p);
  end if;
  return (
    select coalesce(sum(p.amount), 0)
    from public.transactions t
    -- one by one: a join might be planned as a scan of all postings
    cross join lateral (select n.amount from public.postings n where n.transaction_id = t.id offset 0) p
    where t.account_id = any (p_scope.account_ids));
end $function$;

CREATE OR REPLACE FUNCTION ledger.breaches_of_rule (
  p_rule public.alert_rules
)
  RETURNS SETOF ledger.breach
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  SET lock_timeout TO '2s'
  AS $function$
declare
  v_count bigint;
begin
  return query execute format(
    'select $1, b.subject, b.value::bigint
     from (select q.subject::text as subject, max(round(q.value)) as value from (%s) q (subject, value) where q.subject <> '''' group by 1) b
     where b.value > $2 limit 1001', p_rule.query) using p_rule.code, p_rule.limit_value;
  get diagnostics v_count = row_count;
  if v_count > 1000 then
    raise exception 'the rule has more than 1000 subjects above its limit';
  end if;
end $function$;

CREATE OR REPLACE FUNCTION ledger.call_durations (
  p_procedures text[],
  p_from       timestamp with time zone,
  p_to         timestamp with time zone
)
  RETURNS TABLE (
    calls      bigint,
    average_us bigint,
    p50_us     bigint,
    p95_us     bigint
  )
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return query
    select count(*), round(avg(d.us))::bigint,
           percentile_disc(0.5) within group (order by d.us), percentile_disc(0.95) within group (order by d.us)
    from (select (extract(epoch from k.created_at - k.started_at) * 1000000)::bigint as us
          from ledger.idempotency_keys k
          where k.created_at >= p_from and k.created_at < p_to and k.procedure = any (p_procedures)
            -- keys from before calls were timed say when that began
            and k.started_at <= k.created_at) d;
end $function$;

CREATE OR REPLACE FUNCTION ledger.carry_out_repair (
  p_action public.reconciliation_actions,
  p_reason text,
  p_actor  ledger.actor
)
  RETURNS public.reconciliation_actions
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_repair ledger.repair;
  v_action public.reconciliation_actions := p_action;
begin
  begin
    v_repair := ledger.repair_of(p_action.repair, p_action.subject);
    if v_repair.problem is not null or ledger.changes_of_lines(v_repair.lines) is distinct from ledger.changes_of_lines(p_action.plan) then
      v_action.status := 'stale';
      v_action.error_code := 'stale';
      v_action.error_message := coalesce(v_repair.problem, 'what there is to mend is not what was planned');
    else
      v_action.plan := v_repair.lines;
      v_action.undo := ledger.write_repair(v_action.plan);
      -- checks that wait for the commit are asked now, where only this repair is undone by them
      set constraints all immediate;
      set constraints all deferred;
      if (ledger.repair_of(p_action.repair, p_action.subject)).lines <> '[]' then
        raise exception using errcode = 'OL002', message = 'it is not mended by what was planned';
      end if;
      v_action.event_id := ledger.record_operation('integrity.repaired', v_repair.stream_type, p_action.subject, v_repair.account_id,
        jsonb_build_object('action_id', p_action.id, 'repair', p_action.repair, 'check_code', p_action.check_code, 'run_id', p_action.run_id,
                           'diff_amount', p_action.diff_amount, 'lines', v_action.plan, 'reason', p_reason),
        p_actor, ledger.correlation_id());
      v_action.status := 'applied';
      v_action.applied_at := clock_timestamp();
      v_action.applied_by := p_actor.user_id;
    end if;
  exception when others then
    v_action := p_action;
    v_action.status := 'failed';
    v_action.error_code := sqlstate;
    v_action.error_message := sqlerrm;
  end;
  update public.reconciliation_actions a set
    status = v_action.status, plan = v_action.plan, error_code = v_action.error_code, error_message = left(v_action.error_message, 2000), applied_at = v_action.applied_at,
    applied_by = v_action.applied_by, event_id = v_action.event_id, undo = v_action.undo, updated_at = clock_timestamp()
  where a.id = p_action.id
  returning a.* into v_action;
  return v_action;
end $function$;

CREATE OR REPLACE FUNCTION ledger.carry_out_repairs (
  p_action_ids uuid[],
  p_reason     text,
  p_actor      ledger.actor
)
  RETURNS SETOF public.reconciliation_actions
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_action public.reconciliation_actions;
begin
  -- lock: one who plans, applies or undoes at a time, because a plan writes to actions in no order; then all it touches
  perform pg_advisory_xact_lock(hashtextextended('plan repairs', 0));
  perform from public.reconciliation_actions a where a.id = any (p_action_ids) order by a.id for no key update;
  perform ledger.lock_for_repairs(p_action_ids);
  -- who switched the flag off while this waited wants nothing repaired, and who does so now waits until this is done
  perform from public.feature_flags f where f.key = 'active_reconciliation' and f.state = 'enforce' for no key update;
  if not found then
    return;
  end if;
  for v_action in
    select a.* from public.reconciliation_actions a join ledger.repair_kinds k on k.kind = a.repair
    -- who applied it meanwhile was first
    where a.id = any (p_action_ids) and a.status = 'planned'
    order by k.position, a.id
  loop
    return next ledger.carry_out_repair(v_action, p_reason, p_actor);
  end loop;
  perform ledger.switch_off_failing_repairs();
end $function$;

CREATE OR REPLACE FUNCTION ledger.changed_since (
  p_horizon      bigint,
  p_long_history bigint DEFAULT 500
)
  RETURNS ledger.integrity_scope
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_scope ledger.integrity_scope;
  v_streams uuid[];
  v_first_at timestamptz;
begin
  v_scope.kind := 'changed';
  select coalesce(array_agg(distinct e.account_id) filter (where e.account_id is not null), '{}'), coalesce(array_agg(distinct e.stream_id), '{}'),
         min(e.occurred_at)
  into v_scope.touched_account_ids, v_streams, v_first_at
  from public.immutable_events e
  where e.written_by_xid >= p_horizon;

  -- an order that another stream's event moved (a payment on its invoice) was written to in the same transaction
  v_scope.order_ids := array(
    select o.id from public.orders o where o.id = any (v_streams)
    union
    select o.id
    from public.accounts a
    join public.orders o on o.user_id = a.user_id and o.account_id = a.id
    where a.id = any (v_scope.touched_account_ids) and o.updated_at >= v_first_at - interval '1 hour');
  -- an order's books are its account's, whoever's account the event was about
  v_scope.touched_account_ids := array(
    select unnest(v_scope.touched_account_ids)
    union
    select o.account_id from public.orders o where o.id = any (v_scope.order_ids));
  v_scope.touched_variant_ids := array(
    select i.variant_id from public.order_items i where i.order_id = any (v_scope.order_ids)
    union
    -- an edit may have taken the last line of a variant out
    select (c.change ->> 'variant_id')::uuid
    from public.immutable_events e
    cross join lateral jsonb_array_elements(e.payload -> 'changes') c (change)
    where e.written_by_xid >= p_horizon and e.event_type = 'order.edited'
    union
    select v.id from public.variants v where v.id = any (v_streams)
    union
    select l.variant_id from public.stock_reservation_lines l where l.reservation_id = any (v_streams));

  v_scope.account_ids := array(
    select a.id from public.accounts a where a.id = any (v_scope.touched_account_ids) and a.version <= p_long_history);
  v_scope.variant_ids := array(
    select s.variant_id from public.stock_levels s where s.variant_id = any (v_scope.touched_variant_ids)
    group by s.variant_id having sum(s.version) <= p_long_history);
  return v_scope;
end $function$;

CREATE OR REPLACE FUNCTION ledger.changes_of_lines (
  p_lines jsonb
)
  RETURNS jsonb
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (
    select jsonb_agg(case when jsonb_typeof(l.line -> 'from') = 'number' and jsonb_typeof(l.line -> 'to') = 'number'
                          then l.line - array['from', 'to'] || jsonb_build_object('by', (l.line ->> 'to')::numeric - (l.line ->> 'from')::numeric)
                          else l.line end order by l.place)
    from jsonb_array_elements(p_lines) with ordinality l (line, place));
end $function$;

CREATE OR REPLACE FUNCTION ledger.check_alerts()
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_rule public.alert_rules;
  v_found ledger.breach[] := array[]::ledger.breach[];
  v_of_rule ledger.breach[];
  v_asked text[] := array[]::text[];
  v_errors jsonb := jsonb_build_object();
  v_code text;
begin
  perform ledger.watch_jobs_anew('check alerts');

  -- ask
  for v_rule in select r.* from ledger.rules_to_ask() r loop
    begin
      v_of_rule := array(select b from ledger.breaches_of_rule(v_rule) b);
      v_found := v_found || v_of_rule;
      v_asked := v_asked || v_rule.code;
    exception when query_canceled or assert_failure or others then
      v_errors := v_errors || jsonb_build_object(v_rule.code, jsonb_build_object('error', sqlerrm, 'sqlstate', sqlstate));
      exit when sqlstate = '57014';
    end;
  end loop;

  -- write: alerts of all rules, those that are gone or switched off among them
  for v_code in
    select r.code from public.alert_rules r where not r.enabled or r.query is not null
    union
    select a.rule_code from public.alerts a where a.status <> 'resolved' and not exists (select from public.alert_rules r where r.code = a.rule_code)
    order by 1
  loop
    if v_code = any (v_asked) then
      perform ledger.raise_alert(v_code, b.subject, b.value)
      from (select f.subject, f.value from unnest(v_found) f where f.rule_code = v_code order by f.subject) b;
      perform ledger.resolve_alerts(v_code, array(select f.subject from unnest(v_found) f where f.rule_code = v_code), 2::smallint);
    elsif not exists (select from public.alert_rules r where r.code = v_code and r.enabled) then
      perform ledger.resolve_alerts(v_code);
    end if;
  end loop;
  perform ledger.raise_alert('rule_cannot_be_asked', e.key, 1, e.value) from (select x.* from jsonb_each(v_errors) x order by x.key) e;
  -- of those whose turn did not come nothing is known
  perform ledger.resolve_alerts('rule_cannot_be_asked', array(
    select r.code from public.alert_rules r where r.enabled and r.query is not null and r.code <> all (v_asked)));
  return (select count(*) from public.alerts a where a.status <> 'resolved');
end $function$;

CREATE OR REPLACE FUNCTION ledger.check_integrity()
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  perform ledger.run_checks(null, 'changed');
  perform ledger.check_debt_drift();
end $function$;

CREATE OR REPLACE FUNCTION ledger.choose_repairs (
  p_account_id  uuid,
  p_action_ids  uuid[],
  p_max_repairs bigint,
  p_max_amount  bigint
)
  RETURNS ledger.chosen_repairs
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_action record;
  v_chosen ledger.chosen_repairs := row('{}', 0, 0);
begin
  for v_action in
    select a.id, a.diff_amount, p_action_ids is null and ledger.raises_a_balance(a.plan) as is_left
    from public.reconciliation_actions a
    join ledger.repair_kinds k on k.kind = a.repair
    where a.status = 'planned' and (p_account_id is null or a.account_id = p_account_id) and (p_action_ids is null or a.id = any (p_action_ids))
    order by k.position, a.id
  loop
    if not v_action.is_left and cardinality(v_chosen.action_ids) < p_max_repairs and v_action.diff_amount <= p_max_amount - v_chosen.amount then
      v_chosen.action_ids := v_chosen.action_ids || v_action.id;
      v_chosen.amount := v_chosen.amount + v_action.diff_amount;
    else
      v_chosen.left_count := v_chosen.left_count + 1;
    end if;
  end loop;
  return v_chosen;
end $function$;

CREATE OR REPLACE FUNCTION ledger.claims_to_fix (
  p_user_id uuid
)
  RETURNS SETOF public.imported_order_claims
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  select c.*
  from public.imported_order_claims c
  where c.settled_at is null
    and (p_user_id is null or c.account_id in (select a.id from public.accounts a where a.user_id = p_user_id));
$function$;

CREATE OR REPLACE FUNCTION ledger.close_seal (
  p_last      public.event_seals,
  p_xids      bigint[],
  p_event_ids bigint[],
  p_lines     text[]
)
  RETURNS public.event_seals
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_phase text := current_setting('ledger.procedure', true);
  v_seal public.event_seals;
begin
  perform set_config('ledger.procedure', 'seal_events', true);
  insert into public.event_seals as s
    (seal_number, epoch, epoch_after_event_id, last_xid, last_event_id, first_event_id, highest_event_id, event_count, previous_hash, hash)
  values (p_last.seal_number + 1, p_last.epoch, p_last.epoch_after_event_id,
          p_xids[cardinality(p_xids)], p_event_ids[cardinality(p_event_ids)], p_event_ids[1],
          (select max(i.id) from unnest(p_event_ids) i (id)), cardinality(p_event_ids), p_last.hash,
          ledger.seal_hash(p_last.hash, array_to_string(p_lines, e'\n')))
  returning s.* into v_seal;
  insert into public.event_fingerprints (seal_hash, event_ids, fingerprints)
  select v_seal.hash, p_event_ids, string_agg(ledger.event_fingerprint(l.line), ''::bytea order by l.n)
  from unnest(p_lines) with ordinality l (line, n)
  on conflict (seal_hash) do nothing;
  -- the newest seals could be remade by who can remake events: their hashes go where nobody here can
  insert into ledger.outbox (type, payload) values ('events.sealed', jsonb_build_object(
    'seal_number', v_seal.seal_number, 'event_count', v_seal.event_count, 'hash', encode(v_seal.hash, 'hex')));
  perform set_config('ledger.procedure', coalesce(v_phase, ''), true);
  return v_seal;
end $function$;

CREATE OR REPLACE FUNCTION ledger.columns_as (
  p_object  jsonb,
  p_format  text,
  p_between text
)
  RETURNS text
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (select string_agg(format(p_format, n), p_between order by n) from jsonb_object_keys(p_object) n);
end $function$;

CREATE OR REPLACE FUNCTION ledger.count_denied_call()
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  if current_setting('transaction_read_only') = 'off' then
    perform nextval('ledger.denied_calls_seq');
  end if;
end $function$;

CREATE OR REPLACE FUNCTION ledger.count_skipped_job (
  p_name text
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  perform set_config('ledger.procedure', 'run_job', true);
  update ledger.scheduled_jobs j set skipped = j.skipped + 1
  where j.name = (select s.name from ledger.scheduled_jobs s where s.name = p_name for no key update skip locked);
  perform set_config('ledger.procedure', '', true);
end $function$;

CREATE OR REPLACE FUNCTION ledger.create_month_partitions (
  p_months_ahead integer DEFAULT 3
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  SET lock_timeout TO '900ms'
  AS $function$
declare
  v_table text;
  v_months timestamptz[];
  v_may_wait boolean := true;
  v_is_begun boolean;
  v_created integer := 0;
begin
  perform pg_advisory_xact_lock(hashtextextended('ledger.create_month_partitions', 0));
  foreach v_table in array array['immutable_events', 'audit_log'] loop
    v_months := array(
      select m.month
      from (select (date_trunc('month', clock_timestamp() at time zone 'UTC') + make_interval(months => n)) at time zone 'UTC' as month
            from generate_series(0, p_months_ahead) n) m
      where to_regclass('ledger.' || v_table || to_char(m.month at time zone 'UTC', '_YYYY_MM')) is null
      order by 1);
    v_is_begun := exists (select from ledger.months_said_empty(v_table));
    if v_is_begun or pg_relation_size(format('ledger.%I', v_table || '_default')::regclass) >= 16777216 then
      -- with a lock of the other table in its hands it reads nothing
      if v_may_wait and (v_is_begun or exists (select from ledger.months_to_prepare(v_table, v_months))) then
        v_may_wait := false;
        v_created := v_created + ledger.prepare_months_of(v_table, v_months);
        exit;
      end if;
      continue;
    end if;
    continue when v_months = '{}';
    begin
      -- the parent first, as attach and purge take them. Months to come disturb nobody who writes to one of their own;
      -- for this month writers have to stand before the table: one that had chosen the default partition and
      -- waited there would fail once its month is attached
      execute format('lock table only public.%I in %s mode %s', v_table,
                     case when v_months[1] <= clock_timestamp() then 'share row exclusive' else 'share update exclusive' end,
                     case when not v_may_wait then 'nowait' end);
      execute format('lock table only ledger.%I in access exclusive mode %s', v_table || '_default', case when not v_may_wait then 'nowait' end);
      v_may_wait := false;
      v_created := v_created + ledger.create_months_of(v_table, v_months);
    exception when lock_not_available then
      -- what was waited for in vain is a failure of the job
      if v_may_wait then
        raise;
      end if;
      raise notice '% is in use: its months are made when the job runs next', v_table;
    end;
  end loop;

  -- those that were made by hand are guarded when there was nothing to make: that waits for who writes to them
  if v_may_wait then
    perform ledger.guard_partition(i.inhrelid, c.relname, 'the ledger_* procedures')
    from pg_catalog.pg_inherits i
    join pg_catalog.pg_class c on c.oid = i.inhparent
    where i.inhparent in ('public.immutable_events'::regclass, 'public.audit_log'::regclass)
      and not exists (select from pg_catalog.pg_trigger t where t.tgrelid = i.inhrelid and t.tgname = 'rows_come_from_procedures')
    limit 1;
  end if;
  return v_created;
end $function$;

CREATE OR REPLACE FUNCTION ledger.create_months_of (
  p_table  text,
  p_months timestamp with time zone[]
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_tomorrow timestamptz := (date_trunc('day', clock_timestamp() at time zone 'UTC') + interval '1 day') at time zone 'UTC';
  v_month timestamptz;
  v_from timestamptz;
  v_to timestamptz;
  v_created integer := 0;
begin
  foreach v_month in array p_months loop
    v_to := ((v_month at time zone 'UTC') + interval '1 month') at time zone 'UTC';
    v_from := case when ledger.default_has_rows(p_table, v_month, v_to) then greatest(v_month, v_tomorrow) else v_month end;
    continue when v_from >= v_to or ledger.default_has_rows(p_table, v_from, v_to);
    perform ledger.attach_month(p_table, v_from, v_to);
    v_created := v_created + 1;
  end loop;
  return v_created;
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
    perform ledger.count_denied_call();
    raise exception using errcode = 'insufficient_privilege',
      message = 'p_actor_id names somebody else', hint = 'Only a backend with the secret key may act for others; leave p_actor_id out.';
  end if;
  return row(v_user_id, false, v_user_id)::ledger.actor;
end $function$;

CREATE OR REPLACE FUNCTION ledger.days_without_partition (
  p_at timestamp with time zone DEFAULT clock_timestamp()
)
  RETURNS TABLE (
    partitioned_table text,
    days              bigint
  )
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  select t.name, count(*)
  from (values ('immutable_events'), ('audit_log')) t (name)
  cross join generate_series(1, 7) n
  cross join lateral (select to_char(p_at at time zone 'UTC' + make_interval(days => n), '_YYYY_MM')) m (month)
  where m.month <> to_char(p_at at time zone 'UTC', '_YYYY_MM') and to_regclass('ledger.' || t.name || m.month) is null
  group by t.name;
$function$;

CREATE OR REPLACE FUNCTION ledger.default_has_rows (
  p_table text,
  p_from  timestamp with time zone,
  p_to    timestamp with time zone
)
  RETURNS boolean
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_has_rows boolean;
begin
  execute format('select exists (select from ledger.%I d where d.occurred_at >= $1 and d.occurred_at < $2)', p_table || '_default')
    into v_has_rows using p_from, p_to;
  return v_has_rows;
end $function$;

CREATE OR REPLACE FUNCTION ledger.diff_of_lines (
  p_lines jsonb
)
  RETURNS bigint
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return coalesce((
    select sum(o.total_amount)
    from public.orders o
    where o.id in (select (l.line #>> '{key,id}')::uuid from jsonb_array_elements(p_lines) l (line)
                   where l.line ->> 'relation' = 'orders' and l.line ->> 'column' in ('status', 'payment_status'))), 0) + coalesce((
    select sum(abs((d.value ->> 'to')::numeric - coalesce((d.value ->> 'from')::numeric, 0)))
    from (
      select l.line ->> 'column' as name, l.line as value from jsonb_array_elements(p_lines) l (line) where l.line ->> 'column' is not null
      union all
      select w.key, jsonb_build_object('from', 0, 'to', w.value)
      from jsonb_array_elements(p_lines) l (line) cross join lateral jsonb_each(l.line -> 'to') w
      where l.line ->> 'column' is null and l.line -> 'from' = 'null') d
    where jsonb_typeof(d.value -> 'to') = 'number' and d.name not in ('version', 'redemptions') and d.name !~ '_rows$'), 0);
end $function$;

CREATE OR REPLACE FUNCTION ledger.digest_of_row (
  p_table regclass,
  p_key   jsonb
)
  RETURNS text
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_digest text;
begin
  execute format('select hash_record_extended(t, 0)::text from %1$s t, jsonb_populate_record(null::%1$s, $1) k where %2$s', p_table,
                 ledger.columns_as(p_key, 't.%1$I = k.%1$I', ' and '))
    into v_digest using p_key;
  return v_digest;
end $function$;

CREATE OR REPLACE FUNCTION ledger.draft_imported_claims (
  p_run    public.import_runs,
  p_orders public.orders[]
)
  RETURNS ledger.imported_claim[]
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  if p_run.options ->> 'broken_orders' is distinct from 'claim' then
    return null;
  end if;
  return (
    with said as (
      select w.external_id, bool_or(l.has_mismatch) as has_mismatch, bool_or(l.lacks_transaction) as lacks_transaction,
             bool_or(l.has_receipt) as has_receipt, min(l.customer_status) as customer_status, min(l.management_status) as management_status,
             min(l.claimed_status) as claimed_status, min(l.said_payment_status) as payment_status, max(l.wallet_amount) as wallet_amount,
             min(l.wallet_transaction) as wallet_transaction, min(l.receipt_reference) as receipt_reference, max(l.receipt_amount) as receipt_amount
      from public.import_rows w
      cross join lateral jsonb_populate_record(null::ledger.import_order_line, w.parsed) l
      where w.run_id = p_run.id and w.parsed ? 'order_number' and w.state = 'staged'
        and w.external_id in (select o.metadata ->> 'old_number' from unnest(p_orders) o)
      group by w.external_id)
    select array_agg(row(o.id, o.account_id, o.user_id, o.order_number, o.currency, o.created_at, p.problems, s.customer_status, s.management_status,
             coalesce(s.claimed_status, o.status), s.payment_status, c.wallet_amount, s.wallet_transaction,
             case when s.has_receipt then ledger.imported_id(o.created_at) end, s.receipt_reference,
             case when s.has_receipt then coalesce(s.receipt_amount, o.total_amount - o.paid_amount - c.wallet_amount) end)::ledger.imported_claim order by o.id)
    from unnest(p_orders) o
    join said s on s.external_id = o.metadata ->> 'old_number'
    cross join lateral (select case when s.lacks_transaction then coalesce(s.wallet_amount, o.total_amount - o.paid_amount) else 0 end) c (wallet_amount)
    cross join lateral (select array_remove(array[
      case when s.has_mismatch then 'status_mismatch' end, case when s.lacks_transaction then 'wallet_without_transaction' end,
      case when s.has_receipt then 'receipt_stuck' end], null)) p (problems)
    where p.problems <> '{}');
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
    'payment_method', case when t.payment_method in ('cash', 'other') then 'bank_transfer' else t.payment_method end,
    'prices_include_tax', v_include, 'subtotal_amount', t.subtotal, 'discount_amount', t.discount, 'shipping_amount', t.shipping,
    'tax_amount', t.tax, 'total_amount', t.total, 'wallet_amount', 0,
    'paid_amount', case ledger.imported_payment_status(p_run.options, t.payment_status, t.paid, t.total) when 'unpaid' then 0 when 'partially_paid' then t.paid else t.total end,
    'notes', t.notes, 'created_at', t.placed_at,
    'metadata', jsonb_strip_nulls(jsonb_build_object('imported', true, 'import_run_id', p_run.id, 'old_number', t.external_id,
      'country', t.country, 'paid_by', case when t.payment_method in ('card', 'cash', 'bank_transfer') then t.payment_method
                                                  when t.payment_method = 'bank_transfer_grace' then 'bank_transfer' end,
      'ends_as', case when t.status in ('cancelled', 'refunded') then t.status end)))) order by t.placed_at, t.external_id)
  into v_orders
  from totals t;
  return v_orders;
end $function$;

CREATE OR REPLACE FUNCTION ledger.drop_messages_of_old_goods (
  p_order_id uuid,
  p_since    timestamp with time zone
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_count integer;
begin
  delete from ledger.outbox m
  where m.id >= ledger.first_id_at(p_since)
    and m.type in ('order.status_changed', 'order.shipment_created', 'order.shipment_delivered')
    and exists (select from public.immutable_events e
                where e.id = m.event_id and e.occurred_at = m.created_at and e.stream_id = p_order_id
                  and e.written_by_xid = (pg_current_xact_id()::text)::bigint);
  get diagnostics v_count = row_count;
  return v_count;
end $function$;

CREATE OR REPLACE FUNCTION ledger.event_canonical (
  p_event public.immutable_events
)
  RETURNS text
  LANGUAGE sql
  STABLE
RETURN
  (jsonb_build_array((p_event).id, CASE WHEN isfinite((p_event).occurred_at) THEN ((EXTRACT(epoch FROM (p_event).occurred_at) * (1000000)::numeric))::bigint ELSE NULL::bigint END,
  (p_event).event_type,
  (p_event).stream_type,
  (p_event).stream_id, (p_event).account_id, (p_event).payload, (p_event).actor_id, (p_event).correlation_id, (p_event).causation_id, (p_event).written_by_xid))::text;

CREATE OR REPLACE FUNCTION ledger.event_fingerprint (
  p_canonical text
)
  RETURNS bytea
  LANGUAGE sql
  IMMUTABLE
RETURN substr(sha256(convert_to(p_canonical, 'UTF8'::name)), 1, 8);

CREATE OR REPLACE FUNCTION ledger.events_under_seal (
  p_before public.event_seals,
  p_seal   public.event_seals
)
  RETURNS SETOF public.immutable_events
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  select e.*
  from public.immutable_events e
  where e.written_by_xid between case when p_before.epoch = p_seal.epoch then p_before.last_xid else 0 end and p_seal.last_xid
    and (p_before.epoch <> p_seal.epoch or (e.written_by_xid, e.id) > (p_before.last_xid, p_before.last_event_id))
    and (e.written_by_xid, e.id) <= (p_seal.last_xid, p_seal.last_event_id)
    and e.id > p_seal.epoch_after_event_id
    and e.id <= (select coalesce(min(n.epoch_after_event_id), 9223372036854775807)
                 from (select s.epoch_after_event_id from public.event_seals s where s.epoch > p_seal.epoch and s.event_count = 0 order by s.epoch, s.seal_number limit 1) n)
  order by e.written_by_xid, e.id;
$function$;

CREATE OR REPLACE FUNCTION ledger.exact_value (
  p_value numeric
)
  RETURNS bigint
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  if abs(p_value) > 9007199254740991 then
    raise exception using errcode = 'numeric_value_out_of_range', message = format('%s is more than a metric can say exactly', p_value);
  end if;
  return p_value;
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
  v_is_over boolean := false;
begin
  -- lock: orders, then accounts, stock and discount counters
  select array_agg(w.id) into v_order_ids
  from (select o.id
        from public.payment_deadlines d
        join public.orders o on o.account_id = d.account_id and o.id = d.order_id
        where d.status = 'open' and d.due_at <= clock_timestamp() and o.payment_status = 'in_grace'
        order by exists (select from public.alerts a
                         where a.rule_code = 'grace_not_ended' and a.subject = o.order_number and a.status <> 'resolved'), d.due_at
        limit p_limit
        for no key update of o skip locked) w;
  if v_order_ids is null then
    perform ledger.resolve_alerts('grace_not_ended', ledger.orders_still_in_grace());
    return 0;
  end if;
  perform ledger.lock_for_bulk_change(v_order_ids, case ledger.setting_text('grace_expiry') when 'cancel' then 'cancelled' else 'confirmed' end);

  -- write and record
  foreach v_order_id in array v_order_ids loop
    begin
      v_count := v_count + ledger.expire_order(v_order_id, v_actor)::integer;
    exception when query_canceled or assert_failure or others then
      v_is_over := sqlstate = '57014';
      perform ledger.raise_alert(
        'grace_not_ended', (select o.order_number from public.orders o where o.id = v_order_id), 1,
        jsonb_build_object('order_id', v_order_id, 'error', sqlerrm, 'sqlstate', sqlstate));
    end;
    -- the time limit of the job does not come twice
    exit when v_is_over;
  end loop;
  perform ledger.resolve_alerts('grace_not_ended', ledger.orders_still_in_grace());
  return v_count;
end $function$;

CREATE OR REPLACE FUNCTION ledger.family_query (
  p_checks    public.integrity_checks[],
  p_is_scoped boolean
)
  RETURNS text
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_query text := (
    -- what a row is about may be what is missing of it
    select string_agg(format('select %L::text, %L::text, coalesce(c.subject::text, ''none''), c.account_id::uuid, c.expected::text, c.found::text, '
                             || e'c.diff_amount::bigint, %L::text, null::bigint from (%s\n) c (subject, account_id, expected, found, diff_amount)',
                             c.code, c.severity, c.family, c.query), e'\nunion all\n')
    from unnest(p_checks) c);
begin
  return coalesce('with ' || ledger.relations_of(v_query, p_is_scoped) || e'\n', '') || v_query;
end $function$;

CREATE OR REPLACE FUNCTION ledger.findings (
  p_codes text[]                 DEFAULT NULL::text[],
  p_scope ledger.integrity_scope DEFAULT ROW('all'::text, NULL::uuid[], NULL::uuid[], NULL::uuid[], NULL::uuid[], NULL::uuid[], NULL::uuid[])::ledger.integrity_scope
)
  RETURNS SETOF ledger.finding
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  SET jit TO 'off'
  SET work_mem TO '32MB'
  AS $function$
declare
  v_family record;
  v_started_at timestamptz;
begin
  -- in the snapshot of the rows that their events are compared with
  p_scope.stream_ids := array(select s.stream_id from ledger.streams_of_accounts(p_scope.account_ids) s);
  for v_family in
    -- of everything each family is a statement; of little all together are, and read what they share once
    select case when p_scope.kind = 'all' or c.family = 'own' then c.family else 'together' end as name, array_agg(c order by c.code) as checks
    from public.integrity_checks c
    -- the check that tells of those switched off cannot be switched off
    where case when p_codes is null then c.enabled or c.code = 'every_check_is_on' else c.code = any (p_codes) end and p_scope.kind = any (c.scopes)
    -- a shop's own stand alone, and last: one that fails or takes for ever takes no other with it
    group by 1, case c.family when 'own' then c.code end
    order by bool_or(c.family = 'own'), 1, min(c.code)
  loop
    v_started_at := clock_timestamp();
    return query select * from ledger.findings_of_each(v_family.checks, p_scope);
    return next row(null, null, null, null, null, null, null, v_family.name,
                    round(extract(epoch from clock_timestamp() - v_started_at) * 1000))::ledger.finding;
  end loop;
end $function$;

CREATE OR REPLACE FUNCTION ledger.findings_by_check()
  RETURNS TABLE (
    check_code text,
    severity   text,
    findings   bigint,
    found_at   timestamp with time zone
  )
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  SET work_mem TO '32MB'
  AS $function$
declare
  v_large jsonb := coalesce((
    select jsonb_object_agg(l.code, jsonb_build_array(l.severity, l.findings, l.found_at))
    from (select c.code, c.severity, max((r.details -> 'by_check' ->> c.code)::bigint) as findings, max(r.created_at) as found_at
          from ledger.cleared_checks c
          join public.reconciliation_runs r on r.check_code = 'books' and r.findings >= 1000 and (r.started_at, r.id) >= (c.started_at, c.run_id)
                                               and r.started_at <= clock_timestamp() + interval '5 minutes'
          where r.details -> 'by_check' ? c.code
          group by c.code, c.severity) l
    where l.findings >= 1000), '{}');
begin
  return query
    select l.key, l.value ->> 0, (l.value ->> 1)::bigint, (l.value ->> 2)::timestamptz from jsonb_each(v_large) l
    union all
    -- of two severities the worse, which is the first by name as well
    select s.check_code, min(s.severity), count(*), max(s.found_at)
    from (select f.check_code, f.subject, min(f.severity collate "C") as severity, max(f.created_at) as found_at
          from ledger.present_findings f
          where f.check_code <> all (array(select jsonb_object_keys(v_large)))
          group by f.check_code, f.subject) s
    group by s.check_code;
end $function$;

CREATE OR REPLACE FUNCTION ledger.findings_of_checks (
  p_checks public.integrity_checks[],
  p_scope  ledger.integrity_scope
)
  RETURNS SETOF ledger.finding
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return query execute ledger.family_query(p_checks, p_scope.kind <> 'all')
    using p_scope.account_ids, p_scope.order_ids, p_scope.variant_ids, p_scope.touched_account_ids, p_scope.touched_variant_ids,
              p_scope.stream_ids;
end $function$;

CREATE OR REPLACE FUNCTION ledger.findings_of_each (
  p_checks public.integrity_checks[],
  p_scope  ledger.integrity_scope
)
  RETURNS SETOF ledger.finding
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return query select * from ledger.findings_of_checks(p_checks, p_scope);
exception
  when query_canceled or others then
    if sqlstate = '57014' and p_checks[1].family <> 'own' then
      raise;
    elsif cardinality(p_checks) > 1 then
      return query select f.* from unnest(p_checks) c cross join lateral ledger.findings_of_each(array[c], p_scope) f;
    else
      return next row('check_can_be_run', case p_checks[1].family when 'own' then 'error' else 'critical' end, p_checks[1].code, null,
                      'a check that can be run', sqlerrm, null, p_checks[1].family, null)::ledger.finding;
    end if;
end $function$;

CREATE OR REPLACE FUNCTION ledger.findings_of_report()
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object(
             'check_code', f.check_code, 'severity', f.severity, 'findings', f.findings, 'found_at', f.found_at, 'proves', c.proves, 'repair', c.repair)
             order by array_position('{critical,error,warning}', f.severity), f.check_code), '[]')
    from ledger.findings_by_check() f
    left join public.integrity_checks c on c.code = f.check_code);
end $function$;

CREATE OR REPLACE FUNCTION ledger.fix_imported_order (
  p_claim public.imported_order_claims,
  p_order public.orders,
  p_actor ledger.actor
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_action constant text := 'an order of the older system, put right';
  v_problems text[] := ledger.problems_left(p_claim, p_order);
  v_order public.orders := p_order;
  v_next public.orders;
  v_amount bigint;
  v_status text;
  v_receipt public.ledger_review_receipt_result;
  v_change ledger.order_change;
  v_steps jsonb := jsonb_build_array();
begin
  -- the wallet's part gets its transaction
  if 'wallet_without_transaction' = any (v_problems) then
    v_amount := ledger.wallet_part_left(p_claim, v_order);
    perform ledger.give_up_fix((select ledger.refuse_wallet_payment(v_order, a, v_amount) from public.accounts a where a.id = v_order.account_id));
    v_change := ledger.pay_from_wallet(v_order, v_amount, p_actor, v_action, ledger.correlation_id(), p_confirm => true);
    select o.* into v_next from public.orders o where o.account_id = v_order.account_id and o.id = v_order.id;
    v_steps := v_steps || jsonb_build_object('step', 'wallet_paid', 'amount', v_amount, 'transaction_id', v_change.transaction_id)
                       || ledger.step_of_status(v_order, v_next);
    v_order := v_next;
  end if;

  -- the receipt is approved as far as something is due, so that no number of a file becomes money of a wallet
  if 'receipt_stuck' = any (v_problems) then
    select least(r.amount, v_order.amount_due) into v_amount from public.payment_receipts r where r.id = p_claim.receipt_id;
    perform ledger.give_up_fix(case when v_amount = 0 then ledger.refuse('receipt_not_due', jsonb_build_object(
      'order_number', v_order.order_number, 'receipt_id', p_claim.receipt_id)) end);
    select r.* into v_receipt
    from public.ledger_review_receipt(p_claim.receipt_id, 'approve', v_amount, v_action, p_actor_id => p_actor.user_id) r;
    perform set_config('ledger.procedure', 'integrity_emergency_order_fix', true);
    perform ledger.give_up_fix(case when not v_receipt.success then to_jsonb(v_receipt) end);
    select o.* into v_next from public.orders o where o.account_id = v_order.account_id and o.id = v_order.id;
    v_steps := v_steps || jsonb_build_object('step', 'receipt_approved', 'amount', v_receipt.approved_amount, 'receipt_id', v_receipt.receipt_id,
                                             'payment_id', v_receipt.payment_id, 'transaction_id', v_receipt.transaction_id)
                       || ledger.step_of_status(v_order, v_next);
    v_order := v_next;
  end if;

  -- the status follows that of the management, through every status between
  while ledger.status_rank(v_order.status) < ledger.status_rank(p_claim.claimed_status) loop
    v_status := (array['pending', 'confirmed', 'processing', 'shipped', 'delivered'])[ledger.status_rank(v_order.status) + 1];
    perform ledger.give_up_fix(ledger.refuse_transition(v_order, v_status));
    v_change := ledger.apply_order_status(v_order, v_status, p_actor, v_action, '{}');
    perform ledger.give_up_fix(v_change.refusal);
    select o.* into v_next from public.orders o where o.account_id = v_order.account_id and o.id = v_order.id;
    v_steps := v_steps || ledger.step_of_status(v_order, v_next, v_change.transaction_id);
    v_order := v_next;
  end loop;
  return v_steps;
end $function$;

CREATE OR REPLACE FUNCTION ledger.flags_of_report()
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (select coalesce(jsonb_agg(jsonb_build_object('key', f.key, 'state', f.state, 'percentage', f.percentage, 'updated_at', f.updated_at) order by f.key), '[]')
          from public.feature_flags f);
end $function$;

CREATE OR REPLACE FUNCTION ledger.give_up_fix (
  p_refusal jsonb
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  if p_refusal is not null then
    raise exception using errcode = 'LREFU', message = p_refusal::text;
  end if;
end $function$;

CREATE OR REPLACE FUNCTION ledger.guards_now()
  RETURNS TABLE (
    table_name   text,
    is_partition boolean,
    trigger_name text,
    fires        "char",
    digest       text
  )
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  select n.nspname || '.' || c.relname, c.relispartition, t.tgname::text, t.tgenabled,
         md5(concat_ws(' ', t.tgtype, t.tgfoid::regprocedure, encode(t.tgargs, 'hex'), p.prosrc, p.proconfig,
                       case when t.tgqual is not null then substring(pg_get_triggerdef(t.oid) from ' WHEN .*') end))
  from pg_trigger t
  join pg_class c on c.oid = t.tgrelid
  join pg_namespace n on n.oid = c.relnamespace
  join pg_proc p on p.oid = t.tgfoid
  where not t.tgisinternal and n.nspname in ('public', 'ledger');
$function$;

CREATE OR REPLACE FUNCTION ledger.ids_in (
  p_ids jsonb
)
  RETURNS uuid[]
  LANGUAGE sql
  IMMUTABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
RETURN ARRAY(SELECT (jsonb_array_elements_text(COALESCE(p_ids, '[]'::jsonb)))::uuid AS jsonb_array_elements_text);

CREATE OR REPLACE FUNCTION ledger.import_option_names()
  RETURNS text[]
  LANGUAGE sql
  IMMUTABLE
RETURN
  '{currency,columns,decimal_separator,accept_exponent,date_format,time_zone,external_id_prefix,method,methods,statuses,words,order_number_prefix,cancellation_prefix,default_status,default_payment_status,default_payment_method,guest_customer,prices_include_tax,tax_rate_bp,refunds,stock,broken_orders}'::text[];

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
  v_claims ledger.imported_claim[];
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
  v_batch.rejected_rows := v_batch.rejected_rows + ledger.reject_used_receipts(v_run, v_orders);
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
  v_claims := ledger.write_imported_receipts(v_run, v_orders);
  perform ledger.write_imported_goods(v_items, v_run.options ->> 'stock' = 'take', v_actor);
  perform ledger.record_imported_orders(v_orders, v_run.options ->> 'stock' = 'take', v_actor);
  perform ledger.record_imported_claims(v_run, v_claims, v_actor);
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

CREATE OR REPLACE FUNCTION ledger.job_command (
  p_name text
)
  RETURNS text
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (select format('set statement_timeout = %s; select ledger.run_job(%L)', round(extract(epoch from j.time_limit) * 1000), j.name)
          from ledger.scheduled_jobs j where j.name = p_name);
end $function$;

CREATE OR REPLACE FUNCTION ledger.job_lock (
  p_name text
)
  RETURNS bigint
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return hashtextextended('ledger.run_job ' || p_name, 0);
end $function$;

CREATE OR REPLACE FUNCTION ledger.jobs_of_report()
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object(
             'name', j.name, 'schedule', j.schedule, 'enabled', j.enabled, 'last_started_at', j.last_started_at, 'last_succeeded_at', j.last_succeeded_at,
             'last_duration_ms', j.last_duration_ms, 'last_error', j.last_error, 'runs', j.runs, 'failures', j.failures, 'skipped', j.skipped,
             'running_since', j.running_since, 'is_overdue', j.is_silent) order by j.name), '[]')
    from ledger.jobs j);
end $function$;

CREATE OR REPLACE FUNCTION ledger.keep_job_run (
  p_name       text,
  p_started_at timestamp with time zone,
  p_error      text
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  SET lock_timeout TO '2s'
  AS $function$
declare
  v_now timestamptz := clock_timestamp();
begin
  perform set_config('ledger.procedure', 'run_job', true);
  update ledger.scheduled_jobs j set
    last_started_at = p_started_at,
    last_finished_at = v_now,
    last_succeeded_at = case when p_error is null then v_now else j.last_succeeded_at end,
    last_duration_ms = round(extract(epoch from v_now - p_started_at) * 1000),
    last_error = p_error,
    runs = j.runs + 1,
    failures = j.failures + (p_error is not null)::integer,
    failures_in_a_row = case when p_error is null then 0 else j.failures_in_a_row + 1 end
  where j.name = p_name;
  perform set_config('ledger.procedure', '', true);
exception when lock_not_available then
  raise warning 'job "%" ran, but somebody keeps its row locked, so that it does not say so', p_name;
end $function$;

CREATE OR REPLACE FUNCTION ledger.kpi_about (
  p_metric text,
  p_at     timestamp with time zone
)
  RETURNS bigint
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (
    select s.value
    from public.kpi_snapshots s
    where s.metric = p_metric and s.taken_at > p_at - interval '2 hours' and s.taken_at <= p_at + interval '5 minutes'
    order by s.taken_at desc limit 1);
end $function$;

CREATE OR REPLACE FUNCTION ledger.kpi_values (
  p_at timestamp with time zone
)
  RETURNS SETOF public.kpi_snapshots
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_metric ledger.kpi_metrics;
  v_names text[];
  v_answers jsonb;
  v_rows public.kpi_snapshots[];
  v_is_over boolean := false;
begin
  for v_metric in select m.* from ledger.metrics_to_ask() m loop
    v_names := array(select m.name from ledger.kpi_metrics m where m.name = v_metric.name or m.part_of = v_metric.name);
    begin
      execute format('select jsonb_object_agg(a.metric, jsonb_build_array(a.value, a.details)) from (%s) a (metric, value, details)', v_metric.query)
        into v_answers using p_at - interval '1 hour', p_at;
      v_rows := array(
        select row(n.name, p_at, ledger.exact_value((v_answers -> n.name ->> 0)::numeric), case jsonb_typeof(v_answers -> n.name -> 1) when 'object' then v_answers -> n.name -> 1 else '{}' end)::public.kpi_snapshots
        from unnest(v_names) n (name));
    exception when query_canceled or assert_failure or others then
      v_is_over := sqlstate = '57014';
      v_rows := array(
        select row(n.name, p_at, null, jsonb_build_object('error', sqlerrm, 'sqlstate', sqlstate))::public.kpi_snapshots
        from unnest(v_names) n (name));
    end;
    return query select r.* from unnest(v_rows) r;
    exit when v_is_over;
  end loop;
end $function$;

CREATE OR REPLACE FUNCTION ledger.kpis_of_report()
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object(
             'metric', m.name, 'unit', m.unit, 'direction', m.direction, 'description', m.description,
             'taken_at', n.taken_at, 'value', n.value, 'details', coalesce(n.details, '{}'),
             'day_ago', ledger.kpi_about(m.name, n.taken_at - interval '1 day'),
             'week_ago', ledger.kpi_about(m.name, n.taken_at - interval '7 days'),
             'series', coalesce(p.points, '[]')) order by m.name), '[]')
    from ledger.kpi_metrics m
    left join lateral (select s.* from public.kpi_snapshots s where s.metric = m.name and s.taken_at <= clock_timestamp() + interval '5 minutes'
                       order by s.taken_at desc limit 1) n on true
    cross join lateral (
      select jsonb_agg(jsonb_build_object('taken_at', l.taken_at, 'value', l.value) order by l.taken_at) as points
      from (select s.taken_at, s.value from public.kpi_snapshots s where s.metric = m.name and s.taken_at <= clock_timestamp() + interval '5 minutes'
            order by s.taken_at desc limit 48) l) p);
end $function$;

CREATE OR REPLACE FUNCTION ledger.largest_seal()
  RETURNS integer
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return 100000;
end $function$;

CREATE OR REPLACE FUNCTION ledger.last_runs()
  RETURNS SETOF public.reconciliation_runs
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return query
    select r.*
    from (values (1, 'books', 'all'), (2, 'books', 'changed'), (3, 'debt_cache', 'all'), (4, 'old_flags', 'all')) k (position, check_code, scope)
    cross join lateral (
      select n.* from public.reconciliation_runs n
      where n.check_code = k.check_code and n.scope = k.scope
        -- a run of some checks says nothing of the others
        and (n.check_code <> 'books' or n.horizon is not null)
        and n.started_at <= clock_timestamp() + interval '5 minutes'
      order by n.started_at desc, n.id desc limit 1) r
    order by k.position;
end $function$;

CREATE OR REPLACE FUNCTION ledger.list_sealed_events()
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_seals integer;
begin
  perform set_config('ledger.procedure', 'list_sealed_events', true);
  insert into public.event_fingerprints (seal_hash, event_ids, fingerprints)
  select s.hash, l.event_ids, l.fingerprints
  from public.event_seals s
  cross join lateral (
    select array_agg(e.id) as event_ids, string_agg(ledger.event_fingerprint(ledger.event_canonical(e)), '') as fingerprints
    from ledger.events_under_seal(ledger.seal_before(s.seal_number), s) e) l
  where l.event_ids is not null and not exists (select from public.event_fingerprints f where f.seal_hash = s.hash);
  get diagnostics v_seals = row_count;
  perform set_config('ledger.procedure', '', true);
  return v_seals;
end $function$;

CREATE OR REPLACE FUNCTION ledger.lock_for_repairs (
  p_action_ids uuid[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_subjects jsonb := (
    select coalesce(jsonb_object_agg(s.subject, s.ids), '{}')
    from (select k.subject, jsonb_agg(a.subject) as ids
          from public.reconciliation_actions a join ledger.repair_kinds k on k.kind = a.repair
          where a.id = any (p_action_ids)
          group by k.subject) s);
  v_orders uuid[] := ledger.ids_in(v_subjects -> 'order');
  v_commissions uuid[] := ledger.ids_in(v_subjects -> 'commission');
  v_earnings uuid[] := ledger.ids_in(v_subjects -> 'vendor_earning');
  v_invoices uuid[] := ledger.ids_in(v_subjects -> 'invoice');
  v_cards uuid[] := ledger.ids_in(v_subjects -> 'card_payment');
  v_card record;
begin
  -- lock: cards by name, imports
  for v_card in select c.provider, c.provider_payment_id from public.card_payments c where c.id = any (v_cards) order by 1, 2 loop
    perform ledger.lock_card_by_name(v_card.provider, v_card.provider_payment_id);
  end loop;
  perform from public.import_runs r where r.id = any (ledger.ids_in(v_subjects -> 'import_run')) order by r.id for no key update;

  -- lock: orders, accounts by id
  v_orders := v_orders
    || array(select c.order_id from public.referral_commissions c where c.id = any (v_commissions))
    || array(select e.order_id from public.vendor_earnings e where e.id = any (v_earnings))
    || array(select i.order_id from public.invoices i where i.id = any (v_invoices) and i.order_id is not null);
  perform from public.orders o where o.id = any (v_orders) order by o.id for no key update;
  perform from public.accounts a
  where a.id in (
    select unnest(ledger.ids_in(v_subjects -> 'account'))
    union select o.account_id from public.orders o where o.id = any (v_orders)
    union select c.account_id from public.referral_commissions c where c.id = any (v_commissions)
    union select e.account_id from public.vendor_earnings e where e.id = any (v_earnings)
    union select i.account_id from public.invoices i where i.id = any (v_invoices)
    union select c.account_id from public.card_payments c where c.id = any (v_cards))
  order by a.id
  for no key update;

  -- lock: stock, discount counters
  perform ledger.lock_all_stock(ledger.ids_in(v_subjects -> 'variant') || array(
    select distinct b.variant_id from public.backorders b
    where b.order_id in (select a.subject from public.reconciliation_actions a where a.id = any (p_action_ids) and a.repair = 'backorders')));
  perform from public.discount_usage u where u.discount_code_id = any (ledger.ids_in(v_subjects -> 'discount_code')) order by u.discount_code_id for no key update;
end $function$;

CREATE OR REPLACE FUNCTION ledger.mark_order_of_card (
  p_step ledger.card_step
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_card public.card_payments := p_step.card;
  v_order public.orders;
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
    where n.account_id = v_card.account_id and n.id = v_card.order_id) s
  where o.account_id = v_card.account_id and o.id = v_card.order_id and o.status not in ('rejected', 'cancelled', 'refunded')
    and o.payment_status not in ('in_grace', 'receipt_uploaded') and o.payment_status <> s.payment_status
  returning o.* into v_order;
  if found then
    perform ledger.record_operation('order.payment_status_changed', 'order', v_order.id, v_order.account_id,
      jsonb_build_object('order_number', v_order.order_number, 'user_id', v_order.user_id, 'currency', v_order.currency, 'card_payment_id', v_card.id,
                         'payment_status', v_order.payment_status, 'outstanding_amount', v_order.outstanding_amount),
      p_step.actor, p_step.correlation_id);
  end if;
end $function$;

CREATE OR REPLACE FUNCTION ledger.metrics_to_ask()
  RETURNS SETOF ledger.kpi_metrics
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return query
    select m.*
    from ledger.kpi_metrics m
    left join lateral (
      select s.taken_at, s.details ->> 'sqlstate' as sqlstate from public.kpi_snapshots s
      where s.metric = m.name order by s.taken_at desc limit 1) n on n.sqlstate = '57014'
    where m.query is not null
    order by n.taken_at nulls first, m.name;
end $function$;

CREATE OR REPLACE FUNCTION ledger.months_said_empty (
  p_table text
)
  RETURNS TABLE (
    rule_name text,
    is_proven boolean,
    starts_at timestamp with time zone,
    ends_at   timestamp with time zone
  )
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  select c.conname::text, c.convalidated, f.day at time zone 'UTC', (date_trunc('month', f.day) + interval '1 month') at time zone 'UTC'
  from pg_constraint c
  cross join lateral (select to_date(right(c.conname, 10), 'YYYY_MM_DD')::timestamp as day) f
  where c.conrelid = to_regclass('ledger.' || p_table || '_default') and c.conname ~ '^nothing_lies_here_from_\d{4}_\d{2}_\d{2}$';
$function$;

CREATE OR REPLACE FUNCTION ledger.months_to_prepare (
  p_table  text,
  p_months timestamp with time zone[]
)
  RETURNS TABLE (
    starts_at timestamp with time zone,
    ends_at   timestamp with time zone
  )
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  select f.starts_at, f.ends_at
  from unnest(p_months) m (month)
  cross join lateral (
    select greatest(m.month, (date_trunc('day', clock_timestamp() at time zone 'UTC') + interval '8 days') at time zone 'UTC') as starts_at,
           (m.month at time zone 'UTC' + interval '1 month') at time zone 'UTC' as ends_at) f
  where f.starts_at < f.ends_at and not ledger.default_has_rows(p_table, f.starts_at, f.ends_at);
$function$;

CREATE OR REPLACE FUNCTION ledger.names_of_findings (
  p_scope ledger.integrity_scope
)
  RETURNS text[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return array(select distinct format('%s %s', f.check_code, f.subject) from ledger.findings(null, p_scope) f
               where f.check_code not in ('account_equals_last_transaction', 'stock_equals_last_movement'));
end $function$;

CREATE OR REPLACE FUNCTION ledger.newest_kpi (
  p_metric text
)
  RETURNS TABLE (
    metric text,
    value  bigint,
    calls  bigint
  )
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  select k.metric, k.value, (k.details ->> 'calls')::bigint
  from (select s.* from public.kpi_snapshots s
        where s.metric = p_metric and s.taken_at <= clock_timestamp() + interval '5 minutes'
        order by s.taken_at desc limit 1) k
  where k.taken_at > clock_timestamp() - interval '3 hours' and k.value is not null;
$function$;

CREATE OR REPLACE FUNCTION ledger.note_settled_message()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  new.settled_at := case when new.status in ('sent', 'dead') then clock_timestamp() end;
  return new;
end $function$;

CREATE OR REPLACE FUNCTION ledger.order_money_by_rows (
  p_order public.orders
)
  RETURNS ledger.order_money
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_money ledger.order_money;
  v_to_wallet bigint;
begin
  select coalesce(sum(f.credited_amount), 0), coalesce(sum(f.wallet_amount), 0),
         coalesce(sum(f.wallet_amount + f.credit_amount + case f.payout_status when 'withdrawn' then 0 else f.payout_amount end), 0),
         coalesce(sum(f.credit_amount + case f.payout_status when 'failed' then f.payout_amount else 0 end), 0)
  into v_money.credited_amount, v_money.wallet_refunded_amount, v_money.refunded_amount, v_to_wallet
  from public.refunds f
  where f.account_id = p_order.account_id and f.order_id = p_order.id;
  -- what moved in the wallet for the order is: less what it paid, and all that came back to it or became its credit
  v_money.wallet_amount := v_money.wallet_refunded_amount + v_to_wallet
    + coalesce((select sum(p.credit_amount - p.reclaimed_amount) from public.payments p where p.order_id = p_order.id and p.status = 'captured'), 0)
    - coalesce((select sum(t.amount) from public.transactions t where t.order_id = p_order.id), 0);
  v_money.paid_amount := v_money.wallet_amount
    + coalesce((select sum(p.applied_amount) from public.payments p where p.order_id = p_order.id and p.status = 'captured'), 0)
    + coalesce((select sum(l.allocated_amount) from public.invoices i join public.payment_allocations l on l.invoice_id = i.id where i.order_id = p_order.id), 0);
  return v_money;
end $function$;

CREATE OR REPLACE FUNCTION ledger.orders_still_in_grace()
  RETURNS text[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return array(
    select a.subject
    from public.alerts a
    join public.orders o on o.order_number = a.subject and o.payment_status = 'in_grace'
    join public.payment_deadlines d on d.account_id = o.account_id and d.order_id = o.id and d.status = 'open' and d.due_at <= clock_timestamp()
    where a.rule_code = 'grace_not_ended' and a.status <> 'resolved');
end $function$;

CREATE OR REPLACE FUNCTION ledger.outbox_of_report()
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return jsonb_build_object(
    'waiting', (select count(*) from (select from ledger.outbox o where o.status in ('pending', 'sending') limit 10000) w),
    'oldest_due_at', (select o.next_retry_at from ledger.outbox o
                      where o.status in ('pending', 'sending') and o.next_retry_at <= clock_timestamp() order by o.next_retry_at limit 1));
end $function$;

CREATE OR REPLACE FUNCTION ledger.partitions_of_report()
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (
    select jsonb_agg(jsonb_build_object(
             'table', t.name, 'newest_month', m.newest, 'months_ahead', m.ahead,
             'default_has_rows', case t.name when 'audit_log' then exists (select from ledger.audit_log_default)
                                             else exists (select from ledger.immutable_events_default) end) order by t.name)
    from (values ('audit_log'), ('immutable_events')) t (name)
    cross join lateral (
      select max(replace(right(c.relname, 7), '_', '-')) as newest,
             count(*) filter (where right(c.relname, 7) > to_char(clock_timestamp() at time zone 'UTC', 'YYYY_MM')) as ahead
      from pg_catalog.pg_inherits i
      join pg_catalog.pg_class c on c.oid = i.inhrelid
      where i.inhparent = ('public.' || t.name)::regclass and c.relname ~ '_\d{4}_\d{2}$') m);
end $function$;

CREATE OR REPLACE FUNCTION ledger.pay_from_wallet (
  p_order          public.orders,
  p_amount         bigint,
  p_actor          ledger.actor,
  p_actor_action   text,
  p_correlation_id uuid,
  p_confirm        boolean       DEFAULT NULL::boolean
)
  RETURNS ledger.order_change
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_order public.orders;
  v_transaction public.transactions;
  v_change ledger.order_change;
begin
  -- write: order, its deadline, transaction, posting
  update public.orders o set
    wallet_amount = o.wallet_amount + p_amount,
    paid_amount = o.paid_amount + p_amount,
    payment_status = ledger.payment_status_of(o.total_amount, o.credited_amount, o.paid_amount + p_amount, o.refunded_amount,
                                              ledger.payment_status_kept(o)),
    version = o.version + 1,
    updated_at = clock_timestamp()
  where o.account_id = p_order.account_id and o.id = p_order.id
  returning o.* into v_order;
  v_order := ledger.settle_payment_deadline(v_order);
  v_transaction := ledger.write_transaction(
    p_order.account_id, 'order_paid_from_wallet', p_actor, p_actor_action, p_correlation_id, p_orders => p_amount, p_order_id => p_order.id,
    p_metadata => jsonb_build_object('order_number', p_order.order_number));
  perform ledger.write_postings(v_transaction, p_order.currency, array[
    row('wallet', case p_order.status when 'delivered' then 'receivable' else 'order_escrow' end, p_amount)]::ledger.posting_leg[]);

  -- lock: invoice; record
  perform ledger.record_operation('order.paid_from_wallet', 'order', p_order.id, p_order.account_id,
    ledger.balance_effect(v_transaction, p_orders => p_amount)
      || ledger.follow_order_invoice(v_order, v_transaction, p_actor => p_actor) || jsonb_build_object(
      'order_number', p_order.order_number, 'user_id', p_order.user_id, 'currency', p_order.currency, 'wallet_amount', p_amount,
      'payment_status', v_order.payment_status, 'outstanding_amount', v_order.outstanding_amount),
    p_actor, p_correlation_id);

  -- what is covered by now goes on
  v_change := ledger.confirm_when_covered(v_order, p_actor, p_confirm);
  v_change.order_status := coalesce(v_change.order_status, v_order.status);
  v_change.payment_status := v_order.payment_status;
  v_change.outstanding_amount := v_order.outstanding_amount;
  v_change.transaction_id := v_transaction.id;
  v_change.wallet_amount := p_amount;
  v_change.available_balance := v_transaction.balance_after;
  return v_change;
end $function$;

CREATE OR REPLACE FUNCTION ledger.payment_status_by_rows (
  p_order           public.orders,
  p_deadline_status text
)
  RETURNS text
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_has_receipt boolean := exists (select from public.payment_receipts r
    where r.account_id = p_order.account_id and r.order_id = p_order.id and r.status = 'submitted');
  v_may_stay boolean := case p_order.payment_status when 'in_grace' then p_deadline_status = 'open' when 'receipt_uploaded' then v_has_receipt
                                                    else p_deadline_status is distinct from 'open' end;
  v_surplus text := ledger.payment_status_kept(jsonb_populate_record(p_order, '{"payment_status": "overpaid"}'));
  v_status text := ledger.payment_status_of(p_order.total_amount, p_order.credited_amount, p_order.paid_amount, p_order.refunded_amount,
    case p_order.payment_status when 'overpaid' then v_surplus else p_order.payment_status end);
  v_replayed text := (select r.payment_status from ledger.replayed_orders(array[p_order.id]) r);
begin
  if v_replayed is not null then
    return (select v_replayed where v_replayed = ledger.payment_status_of(
      p_order.total_amount, p_order.credited_amount, p_order.paid_amount, p_order.refunded_amount, v_replayed));
  elsif v_may_stay and v_status = p_order.payment_status then
    return v_status;
  end if;
  return ledger.payment_status_of(p_order.total_amount, p_order.credited_amount, p_order.paid_amount, p_order.refunded_amount,
    case when v_has_receipt then 'receipt_uploaded' when p_deadline_status = 'open' then 'in_grace' else nullif(v_surplus, 'paid') end);
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
    ('public.return_lines', 'reason', 'account_id', 'null'),
    -- words of staff go with who wrote them, or after integrity_retention_days
    ('public.alerts', 'notes', 'acknowledged_by', 'null'),
    -- words and numbers of the older system
    ('public.imported_order_claims', 'customer_status', 'account_id', 'null'),
    ('public.imported_order_claims', 'management_status', 'account_id', 'null'),
    ('public.imported_order_claims', 'payment_status', 'account_id', 'null'),
    ('public.imported_order_claims', 'wallet_transaction', 'account_id', 'null');
$function$;

CREATE OR REPLACE FUNCTION ledger.plan_repair (
  p_run_id     uuid,
  p_finding_id uuid,
  p_check_code text,
  p_repair     text,
  p_subject    uuid
)
  RETURNS text
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_repair ledger.repair := ledger.repair_of(p_repair, p_subject);
  v_undone_at timestamptz;
  v_is_wanted boolean;
begin
  if v_repair.problem is null and v_repair.lines <> '[]'
     and not exists (select from public.reconciliation_actions a
                     where a.repair = p_repair and a.subject = p_subject and a.status = 'planned' and a.plan = v_repair.lines) then
    select case when ledger.changes_of_lines(a.plan) = ledger.changes_of_lines(v_repair.lines) then a.undone_at end into v_undone_at
    from public.reconciliation_actions a
    where a.repair = p_repair and a.subject = p_subject and a.status in ('applied', 'undone')
    order by a.id desc limit 1;
    v_repair.problem := case when v_undone_at is not null then format('the same repair was undone at %s', v_undone_at)
                             else ledger.refusal_of_repair(p_repair, p_subject, v_repair.account_id, p_finding_id, v_repair.lines) end;
  end if;
  if v_repair.problem = 'busy' then
    return 'busy';
  end if;
  v_is_wanted := v_repair.problem is null and v_repair.lines <> '[]';
  update public.reconciliation_actions a set
    status = case when v_is_wanted then 'superseded' else 'stale' end,
    error_code = case when not v_is_wanted then 'stale' end,
    error_message = case when not v_is_wanted then coalesce(v_repair.problem, 'there is nothing to mend any more') end,
    updated_at = clock_timestamp()
  where a.repair = p_repair and a.subject = p_subject and a.status = 'planned' and not (v_is_wanted and a.plan = v_repair.lines);
  if v_is_wanted then
    insert into public.reconciliation_actions (run_id, finding_id, check_code, repair, subject, account_id, stream_type, plan, diff_amount)
    values (p_run_id, p_finding_id, p_check_code, p_repair, p_subject, v_repair.account_id, v_repair.stream_type, v_repair.lines, ledger.diff_of_lines(v_repair.lines))
    on conflict (repair, subject) where status = 'planned' do nothing;
    return null;
  end if;
  return coalesce(v_repair.problem, 'nothing that is kept differs from its rows: it may follow from another finding, or the rows themselves were changed');
end $function$;

CREATE OR REPLACE FUNCTION ledger.plan_repairs (
  p_run  public.reconciliation_runs,
  p_time interval                   DEFAULT '00:00:05'::interval
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_phase text := current_setting('ledger.procedure', true);
  v_wanted record;
  v_reason text;
  v_ends_at timestamptz := clock_timestamp() + p_time;
  v_left bigint := 0;
  v_planned uuid[] := '{}'::uuid[];
  v_refused jsonb := '[]'::jsonb;
begin
  -- one at a time, so that each subject has one open plan; it waits for no order and no order for it
  perform pg_advisory_xact_lock(hashtextextended('plan repairs', 0));
  perform set_config('ledger.procedure', 'reconciliation_plan', true);
  -- what is open from before is looked at again, because others are tried behind it
  perform ledger.plan_repair(a.run_id, a.finding_id, a.check_code, a.repair, a.subject)
  from (select n.* from public.reconciliation_actions n where n.status = 'planned' and n.run_id <> p_run.id order by n.id limit 1000) a;
  for v_wanted in
    select w.* from ledger.repairs_wanted(p_run) w
  loop
    -- what is for people does not keep others from being planned
    if cardinality(v_planned) >= 1000 or clock_timestamp() > v_ends_at then
      v_left := v_left + 1;
      continue;
    end if;
    v_reason := ledger.plan_repair(p_run.id, v_wanted.finding_id, v_wanted.check_code, v_wanted.repair, v_wanted.subject);
    if v_reason is null then
      v_planned := v_planned || (select a.id from public.reconciliation_actions a
                                 where a.repair = v_wanted.repair and a.subject = v_wanted.subject and a.status = 'planned');
    elsif v_reason = 'busy' then
      v_left := v_left + 1;
    else
      v_refused := v_refused || jsonb_build_array(jsonb_build_object('check_code', v_wanted.check_code, 'repair', v_wanted.repair,
                                                                     'subject', v_wanted.subject, 'findings', 1, 'reason', v_reason));
    end if;
  end loop;
  perform set_config('ledger.procedure', coalesce(v_phase, ''), true);
  return jsonb_build_object('planned', to_jsonb(v_planned), 'refused', v_refused, 'left_count', v_left);
end $function$;

CREATE OR REPLACE FUNCTION ledger.prepare_months_of (
  p_table  text,
  p_months timestamp with time zone[]
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_default text := p_table || '_default';
  v_too_near timestamptz := clock_timestamp() + interval '2 days';
  v_month record;
  v_created integer := 0;
begin
  if not exists (select from ledger.months_said_empty(p_table)) then
    -- say
    execute format('lock table only ledger.%I in access exclusive mode', v_default);
    for v_month in select t.* from ledger.months_to_prepare(p_table, p_months) t loop
      execute format('alter table ledger.%I add constraint %I check (occurred_at < %L or occurred_at >= %L) not valid', v_default,
                     to_char(v_month.starts_at at time zone 'UTC', '"nothing_lies_here_from_"YYYY_MM_DD'), v_month.starts_at, v_month.ends_at);
    end loop;

  elsif exists (select from ledger.months_said_empty(p_table) e where not e.is_proven)
        and not exists (select from ledger.months_said_empty(p_table) e where e.starts_at <= v_too_near) then
    -- prove
    execute format('lock table only ledger.%I in share update exclusive mode', v_default);
    for v_month in select e.rule_name from ledger.months_said_empty(p_table) e where not e.is_proven loop
      execute format('alter table ledger.%I validate constraint %I', v_default, v_month.rule_name);
    end loop;

  else
    -- attach what is proven; the parent first, as the purge takes them
    execute format('lock table only public.%I in share update exclusive mode', p_table);
    execute format('lock table only ledger.%I in access exclusive mode', v_default);
    for v_month in select e.* from ledger.months_said_empty(p_table) e order by e.starts_at loop
      if v_month.is_proven and v_month.starts_at > v_too_near
         and to_regclass('ledger.' || p_table || to_char(v_month.starts_at at time zone 'UTC', '_YYYY_MM')) is null then
        perform ledger.attach_month(p_table, v_month.starts_at, v_month.ends_at);
        v_created := v_created + 1;
      end if;
      execute format('alter table ledger.%I drop constraint %I', v_default, v_month.rule_name);
    end loop;
  end if;
  return v_created;
end $function$;

CREATE OR REPLACE FUNCTION ledger.problem_of_card_events (
  p_card  public.card_payments,
  p_facts ledger.card_facts
)
  RETURNS text
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_untold text;
  v_unheard text;
  v_last jsonb;
begin
  select min(e.payload ->> 'event_id') filter (where e.payload ? 'captured_amount' and h.event_id is null),
         (array_agg(case when e.payload ? 'captured_amount' then e.payload end order by e.id desc))[1]
  into v_untold, v_last
  from public.immutable_events e
  left join public.card_events h on h.card_payment_id = p_card.id and h.event_id = e.payload ->> 'event_id'
  where e.stream_id in (p_card.id, p_card.order_id) and e.event_type like 'card.%' and e.payload ->> 'card_payment_id' = p_card.id::text;
  select min(h.event_id) into v_unheard
  from public.card_events h
  where h.card_payment_id = p_card.id
    and not exists (select from public.immutable_events e
                    where e.stream_id in (p_card.id, p_card.order_id) and e.payload ->> 'card_payment_id' = p_card.id::text and e.payload ->> 'event_id' = h.event_id);
  return case
    when v_untold is not null then format('the provider''s event %s is gone', v_untold)
    when v_unheard is not null then format('no event of ours tells of the provider''s event %s', v_unheard)
    when (v_last ->> 'status', v_last ->> 'captured_amount', v_last ->> 'refunded_amount', v_last ->> 'charged_back_amount')
         <> (p_facts.status, p_facts.captured_amount::text, p_facts.refunded_amount::text, p_facts.charged_back_amount::text) then
      format('the provider''s events come to %s/%s/%s, our last event to %s/%s/%s', p_facts.captured_amount, p_facts.refunded_amount, p_facts.charged_back_amount,
             v_last ->> 'captured_amount', v_last ->> 'refunded_amount', v_last ->> 'charged_back_amount') end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.problem_of_its_seal (
  p_event_id bigint
)
  RETURNS text
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_event public.immutable_events;
  v_seal public.event_seals := ledger.seal_before(null);
  v_below bigint := 0;
  v_number bigint := v_seal.seal_number;
  v_middle public.event_seals;
begin
  select e.* into v_event from public.immutable_events e where e.id = p_event_id;
  if v_event.id > v_seal.epoch_after_event_id and (v_event.written_by_xid, v_event.id) > (v_seal.last_xid, v_seal.last_event_id) or v_number = 0 then
    return null;
  end if;
  while v_below + 1 < v_number loop
    select s.* into v_middle from public.event_seals s where s.seal_number = (v_below + v_number) / 2;
    if v_event.id <= v_middle.epoch_after_event_id or (v_event.written_by_xid, v_event.id) <= (v_middle.last_xid, v_middle.last_event_id) then
      v_number := v_middle.seal_number;
      v_seal := v_middle;
    else
      v_below := (v_below + v_number) / 2;
    end if;
  end loop;
  return (select format('seal %s over event %s: %s', v_number, p_event_id, p.problem)
          from ledger.seal_problems(ledger.seal_before(v_number), v_seal) p limit 1);
end $function$;

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
      ('refunds', '{paid_out,wallet,pending}'), ('stock', '{keep,take}'), ('broken_orders', '{reject,claim}'), ('prices_include_tax', '{true,false}')) k (option, words)
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

CREATE OR REPLACE FUNCTION ledger.problem_of_order_postings (
  p_order public.orders
)
  RETURNS text
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_owed bigint := p_order.total_amount - p_order.credited_amount - p_order.paid_amount + p_order.refunded_amount;
  v_held bigint := case p_order.status when 'delivered' then 0 else p_order.paid_amount - p_order.refunded_amount end;
  v_escrow bigint;
  v_receivable bigint;
begin
  select coalesce(sum(case 'order_escrow' when p.credit_account then p.amount when p.debit_account then -p.amount end), 0),
         coalesce(sum(case 'receivable' when p.debit_account then p.amount when p.credit_account then -p.amount end), 0)
  into v_escrow, v_receivable
  from public.transactions t
  join public.postings p on p.transaction_id = t.id
  where t.order_id = p_order.id;
  return case
    when v_escrow <> v_held then format('payments and refunds leave %s in escrow, the postings %s', v_held, v_escrow)
    when v_receivable <> case p_order.status when 'delivered' then v_owed else 0 end then
      format('payments and refunds leave %s owed, the postings %s', v_owed, v_receivable) end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.problem_of_reservations (
  p_variant_id uuid
)
  RETURNS text
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (
    select format('reservation %s holds %s units by its rows and %s by its events', r.id, r.by_rows, r.by_events)
    from (
      select n.id,
             case n.status when 'active' then coalesce((select sum(l.quantity) from public.stock_reservation_lines l
                                                        where l.reservation_id = n.id and l.variant_id = p_variant_id), 0) else 0 end as by_rows,
             coalesce((select sum((x.line ->> 'quantity')::bigint)
                       from public.immutable_events e
                       cross join lateral jsonb_array_elements(e.payload -> 'lines') x (line)
                       where e.stream_id = n.id and e.event_type = 'stock.reserved' and x.line ->> 'variant_id' = p_variant_id::text
                         and not exists (select from public.immutable_events d where d.stream_id = n.id and d.event_type like 'stock.reservation\_%')), 0) as by_events
      from public.stock_reservations n
      where n.status = 'active' or exists (select from public.stock_reservation_lines l where l.reservation_id = n.id and l.variant_id = p_variant_id)) r
    where r.by_rows <> r.by_events
    limit 1);
end $function$;

CREATE OR REPLACE FUNCTION ledger.problems_left (
  p_claim public.imported_order_claims,
  p_order public.orders
)
  RETURNS text[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return array_remove(array[
    case when ledger.status_rank(p_order.status) < ledger.status_rank(p_claim.claimed_status) then 'status_mismatch' end,
    case when ledger.wallet_part_left(p_claim, p_order) > 0 then 'wallet_without_transaction' end,
    case when p_order.status not in ('rejected', 'cancelled', 'refunded') and exists (
      select from public.payment_receipts r
      where r.account_id = p_claim.account_id and r.id = p_claim.receipt_id and r.status = 'submitted') then 'receipt_stuck' end], null);
end $function$;

CREATE OR REPLACE FUNCTION ledger.purge_audit_log (
  p_limit integer DEFAULT 50000
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  SET lock_timeout TO '900ms'
  AS $function$
declare
  v_limit timestamptz := clock_timestamp() - make_interval(days => ledger.setting_text('audit_retention_days')::int);
  v_partition text;
  v_lines integer;
begin
  v_partition := (
    select min(c.relname)
    from pg_catalog.pg_inherits i
    join pg_catalog.pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'public.audit_log'::regclass
      and c.relname ~ '^audit_log_\d{4}_\d{2}$'
      and (to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month') at time zone 'UTC' <= v_limit);
  if v_partition is not null then
    execute format('drop table ledger.%I', v_partition);
    return 1;
  end if;
  perform set_config('ledger.procedure', 'purge_audit_log', true);
  delete from ledger.audit_log_default d
  where d.ctid = any (array(select o.ctid from ledger.audit_log_default o where o.occurred_at < v_limit limit p_limit));
  get diagnostics v_lines = row_count;
  perform set_config('ledger.procedure', '', true);
  return v_lines;
end $function$;

CREATE OR REPLACE FUNCTION ledger.purge_integrity (
  p_limit integer DEFAULT 200000
)
  RETURNS bigint
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_until timestamptz := clock_timestamp() - make_interval(days => ledger.setting_text('integrity_retention_days')::integer);
  v_findings bigint;
  v_alerts bigint;
  v_repairs bigint;
begin
  perform set_config('ledger.procedure', 'purge_integrity', true);
  delete from public.reconciliation_actions a where a.status in ('superseded', 'stale') and a.updated_at < v_until;
  get diagnostics v_repairs = row_count;
  delete from public.alerts a where a.status = 'resolved' and a.resolved_at < v_until;
  get diagnostics v_alerts = row_count;
  -- ids rise with time, so the old ones are found by them
  delete from public.integrity_findings f
  where f.id = any (array(
    select o.id from public.integrity_findings o
    where o.id < ledger.first_id_at(v_until) and o.created_at < v_until
      and not exists (select from public.reconciliation_actions a where a.finding_id = o.id)
    order by o.id
    limit p_limit));
  get diagnostics v_findings = row_count;
  perform set_config('ledger.procedure', '', true);
  return v_findings + v_alerts + v_repairs;
end $function$;

CREATE OR REPLACE FUNCTION ledger.purge_kpi_snapshots()
  RETURNS bigint
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_count bigint;
begin
  perform set_config('ledger.procedure', 'purge_kpi_snapshots', true);
  delete from public.kpi_snapshots s
  where s.taken_at < clock_timestamp() - make_interval(days => ledger.setting_text('kpi_retention_days')::int)
    -- of a clock that was once ahead
    or s.taken_at > clock_timestamp() + interval '1 day';
  get diagnostics v_count = row_count;
  perform set_config('ledger.procedure', '', true);
  return v_count;
end $function$;

CREATE OR REPLACE FUNCTION ledger.put_back (
  p_action public.reconciliation_actions
)
  RETURNS text
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  perform ledger.write_repair(p_action.undo -> 'lines');
  set constraints all immediate;
  set constraints all deferred;
  return null;
-- what was there before may be what a rule of the tables forbids
exception when check_violation or foreign_key_violation or unique_violation or sqlstate 'OL002' then
  return sqlerrm;
end $function$;

CREATE OR REPLACE FUNCTION ledger.raise_alert (
  p_rule    text,
  p_subject text,
  p_value   bigint,
  p_details jsonb  DEFAULT '{}'::jsonb
)
  RETURNS uuid
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_phase text := coalesce(current_setting('ledger.procedure', true), '');
  v_rule public.alert_rules;
  v_id uuid := ledger.uuid_v7();
  v_alert public.alerts;
  v_is_told boolean;
begin
  select r.* into v_rule from public.alert_rules r where r.code = p_rule;
  if not found then
    raise exception 'there is no alert rule "%"', p_rule;
  elsif not v_rule.enabled or coalesce(p_value <= v_rule.limit_value, true) then
    return null;
  end if;

  perform set_config('ledger.procedure', 'ledger.raise_alert', true);
  insert into public.alerts as a (id, rule_code, subject, severity, value, highest_value, limit_value, details, told_value)
  values (v_id, v_rule.code, left(p_subject, 300), v_rule.severity, p_value, p_value, v_rule.limit_value, coalesce(p_details, '{}'), p_value)
  on conflict (rule_code, subject) where status <> 'resolved' do update set
    value = excluded.value,
    highest_value = greatest(a.highest_value, excluded.value),
    limit_value = excluded.limit_value,
    details = excluded.details,
    last_seen_at = clock_timestamp(),
    clean_turns = 0
  returning a.* into v_alert;
  v_is_told := v_alert.id = v_id;
  if not v_is_told and v_rule.unit = 'count' and v_alert.highest_value > v_alert.told_value
     and v_alert.told_at < clock_timestamp() - interval '1 hour' then
    update public.alerts a set status = 'open', told_at = clock_timestamp(), told_value = a.highest_value where a.id = v_alert.id
    returning a.* into v_alert;
    v_is_told := true;
  end if;
  if v_is_told then
    perform ledger.record_operation('alert.raised', 'alert', v_alert.id, null, ledger.alert_facts(v_alert, v_rule), null, ledger.correlation_id());
  end if;
  perform set_config('ledger.procedure', v_phase, true);
  return v_alert.id;
end $function$;

CREATE OR REPLACE FUNCTION ledger.raises_a_balance (
  p_lines jsonb
)
  RETURNS boolean
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return coalesce((
    select sum(case l.line ->> 'column' when 'total_earned' then 1 else -1 end * ((l.line ->> 'to')::bigint - (l.line ->> 'from')::bigint)) > 0
    from jsonb_array_elements(p_lines) l (line)
    where l.line ->> 'relation' = 'accounts' and l.line ->> 'column' in ('total_earned', 'total_withdrawn', 'total_pending_withdrawals', 'total_orders')), false);
end $function$;

CREATE OR REPLACE FUNCTION ledger.read_order_claims (
  p_data    jsonb,
  p_options jsonb,
  p_line    ledger.import_order_line
)
  RETURNS ledger.import_order_line
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_line ledger.import_order_line := p_line;
  v_of_customer text := ledger.import_word(p_data, p_options, 'customer_status');
  v_may_claim boolean := coalesce(p_options ->> 'broken_orders' = 'claim', false) and not p_line.is_cancellation;
  v_has_ended boolean := p_line.status in ('rejected', 'cancelled', 'refunded');
  v_keeps_claims boolean := v_may_claim and not v_has_ended;
begin
  v_line.wallet_transaction := left(ledger.import_field(p_data, p_options, 'wallet_transaction'), 200);
  v_line.claimed_status := ledger.status_of_stage(ledger.import_word(p_data, p_options, 'management_status'), v_of_customer);

  -- statuses; ends are for a person to decide
  if v_keeps_claims then
    v_line.has_mismatch := ledger.status_rank(v_of_customer) <> ledger.status_rank(v_line.claimed_status);
    v_line.status := case when ledger.status_rank(v_line.claimed_status) < ledger.status_rank(v_line.status) then v_line.claimed_status else v_line.status end;
    v_line.customer_status := left(ledger.import_field(p_data, p_options, 'customer_status'), 100);
    v_line.management_status := left(ledger.import_field(p_data, p_options, 'management_status'), 100);
    v_line.said_payment_status := left(ledger.import_field(p_data, p_options, 'payment_status'), 100);
  end if;

  -- the wallet's part: with a transaction it was paid like any other
  if v_line.payment_method not in ('wallet', 'wallet_partial') then
    v_line.wallet_amount := null;
  elsif v_line.wallet_transaction is not null then
    v_line.paid_amount := coalesce(v_line.paid_amount + v_line.wallet_amount, v_line.wallet_amount, v_line.paid_amount);
    v_line.wallet_amount := null;
  elsif v_may_claim then
    v_line.lacks_transaction := v_keeps_claims;
    v_line.wallet_amount := case when v_keeps_claims then v_line.wallet_amount end;
  end if;

  -- a receipt under review
  if v_keeps_claims and v_line.payment_status = 'receipt_uploaded' then
    v_line.receipt_reference := ledger.import_field(p_data, p_options, 'receipt_reference');
    v_line.has_receipt := true;
  else
    v_line.receipt_amount := null;
  end if;
  -- what is not proven was not paid, so the amount says the payment status
  if v_line.lacks_transaction is not null or v_line.has_receipt or (v_may_claim and v_line.payment_status = 'receipt_uploaded') then
    v_line.paid_amount := case when v_has_ended and v_line.payment_method = 'wallet' then 0 else coalesce(v_line.paid_amount, 0) end;
    v_line.payment_status := case when v_has_ended or v_line.payment_status in ('paid', 'unpaid', 'partially_paid', 'receipt_uploaded')
                                  then null else v_line.payment_status end;
  end if;
  return v_line;
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
  foreach v_field in array '{unit_price,discount,shipping,total,paid_amount,wallet_amount,receipt_amount}'::text[] loop
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
      when 'paid_amount' then v_line.paid_amount := v_amount.amount;
      when 'wallet_amount' then v_line.wallet_amount := v_amount.amount;
      else v_line.receipt_amount := v_amount.amount;
    end case;
  end loop;
  v_text := ledger.import_field(p_data, p_options, 'placed_at');
  v_date := ledger.parse_date(v_text, p_options);
  v_line.placed_at := v_date.at;
  v_rejects := v_rejects || ledger.reject_if(
    coalesce(v_date.code, case when v_date.at not between timestamptz '1970-01-02 00:00:00+00' and clock_timestamp() then 'row_date_out_of_range' end),
    p_row_number, 'placed_at', v_text);

  -- what is proven of it, and what is claimed beyond
  v_line := ledger.read_order_claims(p_data, p_options, v_line);

  -- what the line amounts to
  v_sum := v_line.unit_price_amount::numeric * v_line.quantity - coalesce(v_line.discount_amount, 0) * sign(v_line.quantity);
  if abs(v_sum) > 9007199254740991 then
    v_rejects := v_rejects || ledger.reject_if('row_amount_too_large', p_row_number, 'amount', v_sum::text);
    v_sum := null;
  elsif v_line.discount_amount > v_line.unit_price_amount::numeric * abs(v_line.quantity) then
    v_rejects := v_rejects || ledger.reject_if('row_discount_too_large', p_row_number, 'discount', ledger.import_field(p_data, p_options, 'discount'));
  end if;
  return row(p_row_number, v_line.order_number, v_sum, jsonb_strip_nulls(to_jsonb(v_line)),
             v_rejects || ledger.reject_order_words(p_row_number, p_data, p_options, v_line)
                       || ledger.reject_order_claims(p_row_number, v_line))::ledger.import_reading;
end $function$;

CREATE OR REPLACE FUNCTION ledger.reconcile()
  RETURNS jsonb
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_state text := (select f.state from public.feature_flags f where f.key = 'active_reconciliation');
  v_run public.reconciliation_runs;
  v_answer jsonb;
begin
  if v_state = 'off' then
    return jsonb_build_object('state', v_state);
  end if;
  for v_run in
    select r.*
    from unnest('{books,debt_cache,old_flags}'::text[]) c (code)
    cross join lateral (select n.* from public.reconciliation_runs n where n.check_code = c.code order by n.id desc limit 1) r
    -- what was found long ago is looked for again first
    where r.created_at > clock_timestamp() - interval '1 day'
  loop
    perform ledger.plan_repairs(v_run, '2 minutes');
  end loop;
  select to_jsonb(r) into v_answer from public.reconciliation_apply(p_dry_run => v_state = 'dry', p_reason => 'hourly') r;
  return jsonb_build_object('state', v_answer ->> 'flag_state') || (v_answer - array['success', 'transaction_id', 'error_code', 'error_message', 'error_details', 'flag_state', 'actions']);
end $function$;

CREATE OR REPLACE FUNCTION ledger.record_imported_claims (
  p_run    public.import_runs,
  p_claims ledger.imported_claim[],
  p_actor  ledger.actor
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  insert into public.immutable_events (id, occurred_at, event_type, stream_type, stream_id, account_id, payload, actor_id, correlation_id)
  select nextval('ledger.event_id_seq'), c.created_at, 'receipt.submitted', 'order', c.order_id, c.account_id,
         jsonb_build_object('imported', true, 'recorded_at', clock_timestamp(), 'receipt_id', c.receipt_id, 'order_number', c.order_number,
           'currency', c.currency, 'receipt_amount', c.receipt_amount, 'receipt_status', 'submitted', 'payment_status', 'receipt_uploaded'),
         p_actor.user_id, gen_random_uuid()
  from unnest(p_claims) c
  where c.receipt_id is not null;
  insert into public.imported_order_claims
    (order_id, account_id, import_run_id, problems, customer_status, management_status, claimed_status, payment_status, wallet_amount,
     wallet_transaction, receipt_id)
  select c.order_id, c.account_id, p_run.id, c.problems, c.customer_status, c.management_status, c.claimed_status, c.payment_status,
         c.wallet_amount, c.wallet_transaction, c.receipt_id
  from unnest(p_claims) c;
end $function$;

CREATE OR REPLACE FUNCTION ledger.record_imported_orders (
  p_orders          public.orders[],
  p_take_from_stock boolean,
  p_actor           ledger.actor
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
               'total_amount', o.total_amount, 'wallet_amount', 0, 'stock', case when p_take_from_stock then 'taken' else 'kept' end,
               'items', (select jsonb_agg(jsonb_build_object('variant_id', i.variant_id, 'quantity', i.quantity) order by i.line_number)
                         from public.order_items i where i.account_id = o.account_id and i.order_id = o.id))
             when 'payment_imported' then jsonb_build_object('payment_id', s.payment_id, 'payment_amount', o.paid_amount, 'applied_amount', o.paid_amount,
                                                         'payment_status', o.payment_status)
             else jsonb_build_object('from_status', 'pending', 'to_status', o.status, 'payment_status', o.payment_status) end as payload
    from unnest(v_steps) s
    join unnest(p_orders) d on d.id = s.order_id
    join public.orders o on o.account_id = d.account_id and o.id = d.id
    join public.transactions t on t.id = s.transaction_id
    order by o.account_id, t.account_version) e;
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
    'lines', (select coalesce(jsonb_agg(jsonb_build_object('line_number', t.line_number, 'variant_id', t.variant_id, 'quantity', t.quantity,
                               'unshipped_quantity', t.unshipped_quantity, 'restocked_quantity', t.restocked_quantity, 'total_amount', t.total_amount) order by t.line_number), '[]')
              from unnest(p_taken) t));
end $function$;

CREATE OR REPLACE FUNCTION ledger.refusal_of_repair (
  p_repair     text,
  p_subject    uuid,
  p_account_id uuid,
  p_finding_id uuid,
  p_lines      jsonb
)
  RETURNS text
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  SET lock_timeout TO '200ms'
  AS $function$
declare
  v_scope ledger.integrity_scope := ledger.scope_of_repair(p_repair, p_subject, p_account_id);
  v_finding public.integrity_findings;
  v_before text[];
  v_after text[];
  v_plan jsonb;
begin
  begin
    for v_plan in
      select a.plan
      from public.reconciliation_actions a
      join ledger.repair_kinds k on k.kind = a.repair
      where a.status = 'planned' and a.account_id = p_account_id
        and (k.position, a.subject) < (select n.position, p_subject from ledger.repair_kinds n where n.kind = p_repair)
      order by k.position, a.id
    loop
      perform ledger.write_repair(v_plan);
    end loop;
    perform ledger.write_repair(p_lines);
    set constraints all immediate;
    v_after := case when v_scope.kind is not null then ledger.names_of_findings(v_scope) end;
    raise exception using errcode = 'OL003', message = 'it can be written';
  exception
    when sqlstate 'OL003' then
      null;
    when sqlstate 'OL002' or lock_not_available or deadlock_detected then
      return 'busy';
    when others then
      return format('it could not be written: %s', sqlerrm);
  end;

  if v_scope.kind is null then
    return null;
  end if;
  -- what the run found is what was there before, mostly; else it is looked at now
  select f.* into v_finding from public.integrity_findings f where f.id = p_finding_id;
  v_before := array(select format('%s %s', f.check_code, f.subject) from public.integrity_findings f where f.run_id = v_finding.run_id);
  if v_after <@ v_before and format('%s %s', v_finding.check_code, v_finding.subject) <> all (v_after) then
    return null;
  end if;
  v_before := ledger.names_of_findings(v_scope);
  return case
    when not v_after <@ v_before then
      format('after it this would be found: %s', (select min(n) from unnest(v_after) n where n <> all (v_before)))
    when v_after @> v_before and format('%s %s', v_finding.check_code, v_finding.subject) = any (v_before) then
      'after it as much would be found as before' end;
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
  elsif p_flag.key = 'active_reconciliation' and p_state = 'enforce' and p_flag.state <> 'enforce' then
    -- what would be written was there to be seen first
    v_clean := (select count(*) from public.reconciliation_runs r where r.check_code = 'books' and r.horizon is not null and r.created_at > p_flag.updated_at);
    return case when p_flag.state <> 'dry' or v_clean = 0 then
      ledger.refuse('reconciliation_not_tried', jsonb_build_object('state', p_flag.state, 'runs', case p_flag.state when 'dry' then v_clean else 0 end)) end;
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

CREATE OR REPLACE FUNCTION ledger.refuse_order_fix (
  p_user_id       uuid,
  p_order_numbers text[],
  p_dry_run       boolean
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_unknown text := (
    select n.number
    from unnest(p_order_numbers) with ordinality n (number, position)
    where n.number is not null and not exists (select from public.orders o where o.order_number = n.number)
    order by n.position
    limit 1);
begin
  return case
    when p_dry_run is null then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_dry_run', 'problem', 'true or false'))
    when p_user_id is not null and p_order_numbers is not null then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_user_id, p_order_numbers', 'problem', 'one of them, or neither for all orders'))
    when array_ndims(p_order_numbers) > 1 or cardinality(p_order_numbers) not between 1 and 100 or array_position(p_order_numbers, null) is not null then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_order_numbers', 'problem', 'a list of 1 to 100 order numbers'))
    when v_unknown is not null then ledger.refuse('order_not_found', jsonb_build_object('order_id', v_unknown))
    when p_user_id is not null and not exists (select from public.profiles p where p.id = p_user_id) then
      ledger.refuse('customer_not_found', jsonb_build_object('user_id', p_user_id))
  end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_repairs (
  p_dry_run     boolean,
  p_account_id  uuid,
  p_action_ids  uuid[],
  p_max_repairs integer,
  p_max_amount  bigint,
  p_reason      text
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_state text := (select f.state from public.feature_flags f where f.key = 'active_reconciliation');
begin
  return case
    when p_dry_run is null then ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_dry_run', 'problem', 'true or false'))
    when p_max_repairs < 0 then ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_max_repairs', 'problem', 'from 0 on'))
    when p_max_amount < 0 then ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_max_amount', 'problem', 'from 0 on'))
    when length(p_reason) > 2000 then ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'at most 2000 characters'))
    when p_account_id is not null and not exists (select from public.accounts a where a.id = p_account_id) then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_account_id', 'problem', 'the id of an account'))
    when cardinality(p_action_ids) > 1000 or array_ndims(p_action_ids) > 1 or array_position(p_action_ids, null) is not null then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_action_ids', 'problem', 'at most 1000 ids'))
    when v_state = 'off' or (v_state <> 'enforce' and not p_dry_run) then
      ledger.refuse('reconciliation_off', jsonb_build_object('state', v_state, 'needed', case when p_dry_run then 'dry or enforce' else 'enforce' end))
    when exists (select from unnest(p_action_ids) i (id) where not exists (select from public.reconciliation_actions a where a.id = i.id)) then
      ledger.refuse('repair_not_found', jsonb_build_object('action_id',
        (select min(i.id::text) from unnest(p_action_ids) i (id) where not exists (select from public.reconciliation_actions a where a.id = i.id))))
  end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.refuse_wallet_payment (
  p_order   public.orders,
  p_account public.accounts,
  p_amount  bigint
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return case
    when p_order.status in ('rejected', 'cancelled', 'refunded') then
      ledger.refuse('order_not_payable', jsonb_build_object('order_number', p_order.order_number, 'reason', 'it is ' || p_order.status))
    when p_order.amount_due = 0 then
      ledger.refuse('order_not_payable', jsonb_build_object('order_number', p_order.order_number, 'reason', 'nothing is due'))
    when p_amount is null or p_amount not between 1 and p_order.amount_due then
      ledger.refuse('invalid_amount', jsonb_build_object('amount', p_amount, 'expected', format('from 1 to %s, what is due', p_order.amount_due)))
    when p_account.frozen_reason is not null then ledger.refuse('account_frozen', jsonb_build_object('reason', p_account.frozen_reason))
    when p_amount > p_account.available_balance then
      ledger.refuse('insufficient_funds', jsonb_build_object('currency', p_order.currency, 'required', p_amount, 'available', p_account.available_balance))
    when greatest(p_order.paid_amount, p_account.total_orders) + p_amount > 9007199254740991 then
      ledger.refuse('amount_too_large', jsonb_build_object('maximum', 9007199254740991))
  end;
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
                when count(distinct l.paid_amount) > 1 then 'paid_amount'
                when count(distinct l.claimed_status) > 1 then 'management_status'
                when count(distinct lower(l.customer_status)) > 1 or count(distinct coalesce(l.has_mismatch, false)) > 1 then 'customer_status'
                -- a claim that only some of the rows make is none: nulls count
                when count(distinct l.wallet_transaction) > 1 or count(distinct coalesce(l.lacks_transaction, false)) > 1 then 'wallet_transaction'
                when count(distinct row(l.wallet_amount)) > 1 then 'wallet_amount'
                when count(distinct (l.receipt_reference, l.receipt_amount, l.has_receipt)) > 1 then 'receipt_reference' end as field,
           max(l.total_amount) as total, max(l.paid_amount) as paid, max(l.payment_status) as said_status,
           bool_or(l.lacks_transaction) as lacks_transaction, max(l.wallet_amount) as wallet, bool_or(l.has_receipt) as has_receipt, max(l.receipt_amount) as receipt,
           ledger.imported_total(v_options, array_agg(l)) as reckoned
    from public.import_rows w
    cross join lateral jsonb_populate_record(null::ledger.import_order_line, w.parsed) l
    where w.run_id = p_run_id and w.state = 'staged' and not l.is_cancellation
    group by w.external_id)
  select array_agg(row(o.row_number, j.field, j.code, j.value, j.details)::ledger.import_reject)
  from orders o
  cross join lateral ledger.imported_payment_status(v_options, o.said_status, o.paid, o.reckoned) s (payment_status)
  cross join lateral (select o.reckoned - o.paid - case when o.lacks_transaction then coalesce(o.wallet, o.reckoned - o.paid) else 0 end) d (open_amount)
  cross join lateral (values
    (o.field, case when o.field is not null then 'row_disagrees_with_order' end, o.external_id, '{}'::jsonb),
    ('total', case when greatest(o.reckoned, o.goods) > 9007199254740991 then 'row_amount_too_large'
                   when o.total <> o.reckoned then 'row_total_differs' end, o.total::text, jsonb_build_object('reckoned', o.reckoned)),
    ('paid_amount', case when case s.payment_status when 'unpaid' then o.paid <> 0
                                                    when 'partially_paid' then coalesce(o.paid not between 1 and o.reckoned - 1, true)
                                                    else o.paid <> o.reckoned end then 'row_paid_amount_wrong' end,
     o.paid::text, jsonb_build_object('total', o.reckoned, 'status', s.payment_status)),
    -- what is claimed beyond that: at least something, and no more than is left, for the wallet first
    ('wallet_amount', case when o.lacks_transaction and coalesce(o.wallet, o.reckoned - o.paid) not between 1 and o.reckoned - o.paid then 'row_paid_amount_wrong' end,
     o.wallet::text, jsonb_build_object('total', o.reckoned, 'status', s.payment_status)),
    ('receipt_amount', case when o.has_receipt and coalesce(o.receipt, d.open_amount) not between 1 and d.open_amount then 'row_paid_amount_wrong' end,
     o.receipt::text, jsonb_build_object('total', o.reckoned, 'status', s.payment_status))) j (field, code, value, details)
  where j.code is not null);
end $function$;

CREATE OR REPLACE FUNCTION ledger.reject_order_claims (
  p_row_number bigint,
  p_line       ledger.import_order_line
)
  RETURNS ledger.import_reject[]
  LANGUAGE sql
  IMMUTABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  select ledger.reject_if(case when p_line.lacks_transaction and p_line.payment_method = 'wallet_partial' and p_line.wallet_amount is null then 'row_value_missing' end,
                          p_row_number, 'wallet_amount', null)
      || ledger.reject_if(case when p_line.has_receipt is not true then null
                               when coalesce(ledger.reference_key(p_line.receipt_reference), '') = '' then 'row_value_missing'
                               when length(p_line.receipt_reference) > 200 then 'row_text_too_long' end,
                          p_row_number, 'receipt_reference', p_line.receipt_reference, '{"maximum": 200}')
      || ledger.reject_if(case when (p_line.lacks_transaction or p_line.has_receipt) and p_line.has_mismatch is null
                                and p_line.claimed_status is not null and ledger.status_rank(p_line.claimed_status) is null then 'row_statuses_disagree' end,
                          p_row_number, 'management_status', p_line.status || ' / ' || p_line.claimed_status);
$function$;

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
  v_payment_status text := coalesce(p_line.payment_status, p_options ->> 'default_payment_status');
begin
  return ledger.reject_if(case when v_of_customer <> p_line.claimed_status and p_line.has_mismatch is null then 'row_statuses_disagree' end,
                          p_row_number, 'status', v_of_customer || ' / ' || p_line.claimed_status)
      || ledger.reject_if(case when p_line.status <> all (ledger.order_statuses()) then 'row_value_unknown' end, p_row_number, 'status', p_line.status,
                          jsonb_build_object('known', array_to_string(ledger.order_statuses(), ', ')))
      || ledger.reject_if(case when v_payment_status not in ('paid', 'unpaid', 'partially_paid')
                                and not (v_payment_status = 'refunded' and p_line.status in ('cancelled', 'refunded')) then 'row_value_unknown' end,
                          p_row_number, 'payment_status', v_payment_status, '{"known": "paid, unpaid, partially_paid"}')
      || ledger.reject_if(case when p_line.payment_method in ('wallet', 'wallet_partial') and coalesce(p_line.wallet_transaction, p_line.lacks_transaction::text) is null
                                 then 'row_wallet_without_transaction'
                               when p_line.payment_method not in ('bank_transfer', 'bank_transfer_grace', 'card', 'cash', 'invoice', 'wallet', 'wallet_partial', 'other')
                                 then 'row_value_unknown' end,
                          p_row_number, 'payment_method', p_line.payment_method,
                          '{"known": "bank_transfer, bank_transfer_grace, card, cash, invoice, wallet, wallet_partial, other"}')
      || ledger.reject_if(case when p_line.is_cancellation and p_line.quantity >= 0 then 'row_quantity_not_negative'
                               when not p_line.is_cancellation and p_line.quantity <= 0 then 'row_quantity_not_positive' end,
                          p_row_number, 'quantity', p_line.quantity::text);
end $function$;

CREATE OR REPLACE FUNCTION ledger.reject_used_receipts (
  p_run    public.import_runs,
  p_orders public.orders[]
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return ledger.reject_import_rows(p_run.id, array(
    select row(w.row_number, 'receipt_reference', 'row_reference_used', c.receipt_reference, '{"method": "bank_transfer"}')::ledger.import_reject
    from (select n.*, row_number() over (partition by ledger.reference_key(n.receipt_reference) order by n.created_at, n.order_id) as place
          from unnest(ledger.draft_imported_claims(p_run, p_orders)) n
          where n.receipt_id is not null) c
    join unnest(p_orders) o on o.id = c.order_id
    join public.import_rows w on w.run_id = p_run.id and w.external_id = o.metadata ->> 'old_number' and w.parsed ? 'order_number' and w.state = 'staged'
    where c.place > 1
       or exists (select from public.payments p
                  where p.method = 'bank_transfer' and p.reference is not null and p.status = 'captured'
                    and ledger.reference_key(p.reference) = ledger.reference_key(c.receipt_reference))
       or exists (select from public.payment_receipts r
                  where r.reference is not null and r.status in ('submitted', 'approved', 'partly_approved') and r.payment_voided_at is null
                    and ledger.reference_key(r.reference) = ledger.reference_key(c.receipt_reference))));
end $function$;

CREATE OR REPLACE FUNCTION ledger.relations_named (
  p_text text
)
  RETURNS text[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_words text[] := regexp_split_to_array(p_text, '[^a-z0-9_.]+');
begin
  return array(select r.name from ledger.integrity_relations r where r.name = any (v_words));
end $function$;

CREATE OR REPLACE FUNCTION ledger.relations_of (
  p_text      text,
  p_is_scoped boolean
)
  RETURNS text
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_relation record;
  v_names text[] := ledger.relations_named(p_text);
  v_list text;
begin
  for v_relation in
    select r.name, case when p_is_scoped then coalesce(r.scoped, r.whole) else r.whole end as definition,
           r.scoped is not null and not p_is_scoped as is_table
    from ledger.integrity_relations r
    order by r.position desc
  loop
    continue when v_relation.name <> all (v_names);
    -- a table that is read whole names no other
    v_names := v_names || case when not v_relation.is_table then ledger.relations_named(v_relation.definition) end;
    -- a table read as it is keeps its indexes; what is added up is added up once
    v_list := format('%I as %s (%s)', v_relation.name, case when v_relation.is_table then 'not materialized' else '' end, v_relation.definition)
              || coalesce(e',\n' || v_list, '');
  end loop;
  return v_list;
end $function$;

CREATE OR REPLACE FUNCTION ledger.repair_account_totals (
  p_subject uuid
)
  RETURNS ledger.repair
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_account public.accounts;
  v_events record;
  v_booked record;
  v_wallet bigint;
  v_payable bigint;
  v_open bigint;
  v_balance bigint;
  v_repair ledger.repair;
begin
  select a.* into v_account from public.accounts a where a.id = p_subject;
  if not found then
    return v_repair;
  end if;
  select coalesce(sum(r.total_earned), 0)::bigint as earned, coalesce(sum(r.total_withdrawn), 0)::bigint as withdrawn,
         coalesce(sum(r.total_pending_withdrawals), 0)::bigint as pending, coalesce(sum(r.total_orders), 0)::bigint as orders,
         coalesce(max(r.version), 0)::bigint as version, coalesce(bool_and(r.has_every_version), true) as is_whole
  into v_events from ledger.replayed_accounts(array[p_subject]) r;
  select coalesce(sum(t.amount), 0)::bigint as amount, count(*) as transactions, coalesce(max(t.account_version), 0) as last_version
  into v_booked from public.transactions t where t.account_id = p_subject;
  select coalesce(sum(case 'wallet' when p.credit_account then p.amount when p.debit_account then -p.amount end), 0)::bigint,
         coalesce(sum(case 'withdrawals_payable' when p.credit_account then p.amount when p.debit_account then -p.amount end), 0)::bigint
  into v_wallet, v_payable
  from public.postings p
  where p.account_id = p_subject;

  v_open := coalesce((select sum(w.amount) from public.withdrawals w where w.account_id = p_subject and w.status in ('requested', 'approved')), 0);

  v_balance := v_events.earned - v_events.withdrawn - v_events.pending - v_events.orders;
  v_repair.stream_type := 'account';
  v_repair.account_id := p_subject;
  v_repair.problem := case
    when not v_events.is_whole then 'an event of it is missing, or there twice'
    when v_balance <> v_booked.amount then format('the events come to a balance of %s, the transactions to %s', v_balance, v_booked.amount)
    when v_balance <> v_wallet then format('the events come to a balance of %s, the postings of the wallet to %s', v_balance, v_wallet)
    when v_events.pending <> v_payable or v_events.pending <> v_open then
      format('the events say that %s are being withdrawn, the postings say %s, the withdrawals %s', v_events.pending, v_payable, v_open)
    when v_events.version <> v_booked.transactions or v_events.version <> v_booked.last_version then
      format('the events tell of %s transactions, there are %s, the last one with the number %s', v_events.version, v_booked.transactions, v_booked.last_version)
  end;
  v_repair.lines := ledger.repair_lines('accounts', jsonb_build_object('id', p_subject),
    jsonb_build_object('total_earned', v_account.total_earned, 'total_withdrawn', v_account.total_withdrawn,
      'total_pending_withdrawals', v_account.total_pending_withdrawals, 'total_orders', v_account.total_orders, 'version', v_account.version),
    jsonb_build_object('total_earned', v_events.earned, 'total_withdrawn', v_events.withdrawn,
      'total_pending_withdrawals', v_events.pending, 'total_orders', v_events.orders, 'version', v_events.version));
  return v_repair;
end $function$;

CREATE OR REPLACE FUNCTION ledger.repair_backorders (
  p_subject uuid
)
  RETURNS ledger.repair
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_order public.orders;
  v_history ledger.repair := ledger.repair_order_status(p_subject);
  v_has_ended boolean;
  v_repair ledger.repair;
begin
  select o.* into v_order from public.orders o where o.id = p_subject;
  if not found then
    return v_repair;
  end if;
  v_has_ended := coalesce(v_history.lines #>> '{0,to}', v_order.status) in ('cancelled', 'refunded');
  v_repair.stream_type := 'order';
  v_repair.account_id := v_order.account_id;
  with waiting as (
    select b.*, coalesce((select -sum(m.quantity) from public.stock_movements m
                          where m.order_id = p_subject and m.variant_id = b.variant_id and m.reason = 'backorder_filled'), 0)::bigint as filled
    from public.backorders b
    where b.order_id = p_subject)
  select coalesce(v_history.problem, min(format('%s units of variant %s were filled, and only %s were ever missing', w.filled, w.variant_id, w.quantity))
                                       filter (where w.filled > w.quantity)),
         jsonb_agg(l.line order by w.variant_id, l.place) filter (where l.line is not null)
  into v_repair.problem, v_repair.lines
  from waiting w
  left join lateral jsonb_array_elements(ledger.repair_lines('backorders', jsonb_build_object('order_id', p_subject, 'variant_id', w.variant_id),
    jsonb_build_object('account_id', w.account_id, 'filled_quantity', w.filled_quantity, 'dropped_quantity', w.dropped_quantity),
    jsonb_build_object('account_id', v_order.account_id, 'filled_quantity', w.filled,
                       'dropped_quantity', case when v_has_ended then w.quantity - w.filled else w.dropped_quantity end)))
    with ordinality l (line, place) on true;
  return v_repair;
end $function$;

CREATE OR REPLACE FUNCTION ledger.repair_balance_caches (
  p_subject uuid
)
  RETURNS ledger.repair
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_rows record;
  v_events record;
  v_moved record;
  v_repair ledger.repair;
begin
  if not exists (select from public.accounts a where a.id = p_subject) then
    return v_repair;
  end if;
  select r.* into v_rows from ledger.recomputed_debts(p_subject) r;
  select r.* into v_events from ledger.replayed_debts(p_subject) r;
  select coalesce(sum(m.invoiced_change), 0) as invoiced_amount, coalesce(sum(m.allocated_change), 0) as allocated_amount, coalesce(sum(m.unapplied_change), 0) as unapplied_amount
  into v_moved from public.debt_movements m where m.account_id = p_subject;
  v_repair.stream_type := 'account';
  v_repair.account_id := p_subject;
  v_repair.problem := case
    when (v_rows.invoiced_amount, v_rows.allocated_amount, v_rows.unapplied_amount) <> (v_events.invoiced_amount, v_events.allocated_amount, v_events.unapplied_amount) then
      format('invoices, allocations and remainders come to %s/%s/%s, the events to %s/%s/%s', v_rows.invoiced_amount, v_rows.allocated_amount,
             v_rows.unapplied_amount, v_events.invoiced_amount, v_events.allocated_amount, v_events.unapplied_amount)
    when (v_rows.invoiced_amount, v_rows.allocated_amount, v_rows.unapplied_amount) <> (v_moved.invoiced_amount, v_moved.allocated_amount, v_moved.unapplied_amount) then
      format('invoices, allocations and remainders come to %s/%s/%s, the movements of the debt to %s/%s/%s', v_rows.invoiced_amount, v_rows.allocated_amount,
             v_rows.unapplied_amount, v_moved.invoiced_amount, v_moved.allocated_amount, v_moved.unapplied_amount) end;
  v_repair.lines := (
    select jsonb_agg(l.line order by case d.kind when 'payment' then 1 when 'invoice' then 2 else 3 end, d.subject_id, l.place)
    from ledger.balance_differences(p_subject) d
    cross join lateral jsonb_array_elements(case d.kind
      when 'payment' then ledger.repair_lines('payments', jsonb_build_object('id', d.subject_id), d.cached, d.recomputed)
      when 'invoice' then ledger.repair_lines('invoice_balance_cache', jsonb_build_object('invoice_id', d.subject_id),
        case when exists (select from public.invoice_balance_cache b where b.invoice_id = d.subject_id) then jsonb_build_object('account_id', p_subject) || d.cached end,
        jsonb_build_object('account_id', p_subject) || d.recomputed)
      else ledger.repair_lines('account_debt_cache', jsonb_build_object('account_id', d.subject_id),
        case when exists (select from public.account_debt_cache c where c.account_id = d.subject_id) then d.cached end, d.recomputed - 'debt_amount')
      end) with ordinality l (line, place));
  return v_repair;
end $function$;

CREATE OR REPLACE FUNCTION ledger.repair_card_payment (
  p_subject uuid
)
  RETURNS ledger.repair
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_card public.card_payments;
  v_facts ledger.card_facts;
  v_repair ledger.repair;
begin
  select c.* into v_card from public.card_payments c where c.id = p_subject;
  if not found then
    return v_repair;
  end if;
  v_facts := ledger.card_facts_of(v_card);
  v_repair.stream_type := 'card_payment';
  v_repair.account_id := v_card.account_id;
  v_repair.problem := ledger.problem_of_card_events(v_card, v_facts);
  v_repair.lines := ledger.repair_lines('card_payments', jsonb_build_object('id', p_subject), to_jsonb(v_card), jsonb_build_object(
    'status', v_facts.status, 'authorised_amount', v_facts.authorised_amount, 'captured_amount', v_facts.captured_amount,
    'refunded_amount', v_facts.refunded_amount, 'charged_back_amount', v_facts.charged_back_amount));
  return v_repair;
end $function$;

CREATE OR REPLACE FUNCTION ledger.repair_discount_usage (
  p_subject uuid
)
  RETURNS ledger.repair
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_usage public.discount_usage;
  v_repair ledger.repair;
begin
  select u.* into v_usage from public.discount_usage u where u.discount_code_id = p_subject;
  if found then
    v_repair.stream_type := 'discount_code';
    v_repair.problem := (
      select format('order %s has %s redemption of it, and should have %s', coalesce(o.id, r.order_id),
                    case when r.order_id is null then 'no' else 'a' end, case when o.id is null then 'none' else 'one' end)
      from (select n.id
            from public.orders n
            where n.discount_code_id = p_subject
              -- one that ended before it was delivered has given its code back
              and (n.status not in ('cancelled', 'refunded')
                   or exists (select from public.order_status_history h where h.order_id = n.id and h.status = 'delivered'))) o
      full join (select * from public.discount_redemptions where discount_code_id = p_subject and released_at is null) r on r.order_id = o.id
      where o.id is null or r.order_id is null
      limit 1);
    v_repair.lines := ledger.repair_lines('discount_usage', jsonb_build_object('discount_code_id', p_subject),
      jsonb_build_object('redemptions', v_usage.redemptions),
      jsonb_build_object('redemptions', (select count(*) from public.discount_redemptions r where r.discount_code_id = p_subject and r.released_at is null)));
  end if;
  return v_repair;
end $function$;

CREATE OR REPLACE FUNCTION ledger.repair_import_counts (
  p_subject uuid
)
  RETURNS ledger.repair
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_run public.import_runs;
  v_repair ledger.repair;
begin
  select r.* into v_run from public.import_runs r where r.id = p_subject;
  if found then
    v_repair.stream_type := 'import';
    v_repair.lines := ledger.repair_lines('import_runs', jsonb_build_object('id', p_subject), to_jsonb(v_run), (
      select jsonb_build_object('staged_rows', count(*), 'applied_rows', count(*) filter (where w.state = 'applied'),
                                'skipped_rows', count(*) filter (where w.state = 'skipped'), 'rejected_rows', count(*) filter (where w.state = 'rejected'))
      from public.import_rows w
      where w.run_id = p_subject));
  end if;
  return v_repair;
end $function$;

CREATE OR REPLACE FUNCTION ledger.repair_invoice_credit (
  p_subject uuid
)
  RETURNS ledger.repair
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_invoice public.invoices;
  v_noted bigint;
  v_repair ledger.repair;
begin
  select i.* into v_invoice from public.invoices i where i.id = p_subject and i.kind = 'invoice';
  if not found then
    return v_repair;
  end if;
  v_noted := coalesce((select sum(n.total_amount) from public.invoices n where n.credits_invoice_id = p_subject and n.kind = 'credit_note'), 0);
  v_repair.stream_type := 'invoice';
  v_repair.account_id := v_invoice.account_id;
  v_repair.problem := case when v_invoice.prepaid_amount + v_noted > v_invoice.total_amount then
    format('its credit notes come to %s, and only %s can be credited', v_noted, v_invoice.total_amount - v_invoice.prepaid_amount) end;
  v_repair.lines := ledger.repair_lines('invoices', jsonb_build_object('id', p_subject),
    jsonb_build_object('credited_amount', v_invoice.credited_amount), jsonb_build_object('credited_amount', v_noted));
  return v_repair;
end $function$;

CREATE OR REPLACE FUNCTION ledger.repair_lines (
  p_relation text,
  p_key      jsonb,
  p_from     jsonb,
  p_to       jsonb
)
  RETURNS jsonb
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  if p_from is null then
    return jsonb_build_array(jsonb_build_object('relation', p_relation, 'key', p_key, 'column', null, 'from', null, 'to', p_key || p_to));
  end if;
  return coalesce((
    select jsonb_agg(jsonb_build_object('relation', p_relation, 'key', p_key, 'column', t.key, 'from', p_from -> t.key, 'to', t.value) order by t.key)
    from jsonb_each(p_to) t
    where p_from -> t.key is distinct from t.value), '[]');
end $function$;

CREATE OR REPLACE FUNCTION ledger.repair_of (
  p_kind    text,
  p_subject uuid
)
  RETURNS ledger.repair
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_repair ledger.repair;
begin
  v_repair := case p_kind
    when 'order_status' then ledger.repair_order_status(p_subject)
    when 'order_money' then ledger.repair_order_money(p_subject)
    when 'account_totals' then ledger.repair_account_totals(p_subject)
    when 'stock_levels' then ledger.repair_stock_levels(p_subject)
    when 'backorders' then ledger.repair_backorders(p_subject)
    when 'card_payment' then ledger.repair_card_payment(p_subject)
    when 'invoice_credit' then ledger.repair_invoice_credit(p_subject)
    when 'balance_caches' then ledger.repair_balance_caches(p_subject)
    when 'old_flags' then ledger.repair_old_flags(p_subject)
    when 'commission' then ledger.repair_commission(p_subject)
    when 'vendor_earning' then ledger.repair_vendor_earning(p_subject)
    when 'import_counts' then ledger.repair_import_counts(p_subject)
    when 'discount_usage' then ledger.repair_discount_usage(p_subject)
  end;
  if v_repair.stream_type is null then
    v_repair.problem := coalesce(v_repair.problem, 'what it is about is not there any more');
  end if;
  v_repair.lines := coalesce(v_repair.lines, '[]');
  return v_repair;
-- rows or events that cannot even be read are not its business, and stop nobody else's repair
exception when others then
  return row(null, null, '[]', format('it cannot be reckoned: %s', sqlerrm))::ledger.repair;
end $function$;

CREATE OR REPLACE FUNCTION ledger.repair_old_flags (
  p_subject uuid
)
  RETURNS ledger.repair
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_repair ledger.repair;
begin
  if not exists (select from public.accounts a where a.id = p_subject) then
    return v_repair;
  end if;
  v_repair.stream_type := 'account';
  v_repair.account_id := p_subject;
  if (select f.state from public.feature_flags f where f.key = 'allocation_dual_write') = 'off' then
    return v_repair;
  end if;
  with live as (
    select l.payment_id, l.invoice_id, sum(l.allocated_amount)::bigint as amount
    from public.payment_allocations l
    where l.account_id = p_subject
    group by l.payment_id, l.invoice_id
    having sum(l.allocated_amount) <> 0),
  by_payment as (
    select l.payment_id, sum(l.amount)::bigint as amount, case when count(*) = 1 then (array_agg(l.invoice_id))[1] end as invoice_id from live l group by l.payment_id),
  flags as (
    select 1 as kind, coalesce(f.payment_id, b.payment_id) as id, 'old_payment_flags' as relation, 'payment_id' as key, to_jsonb(f) as old,
           jsonb_build_object('account_id', p_subject, 'allocated_amount', coalesce(b.amount, 0), 'invoice_id',
             case when f.payment_id is null or f.invoice_id is not null then b.invoice_id end) as new
    from (select n.* from public.old_payment_flags n where n.account_id = p_subject) f
    full join by_payment b on b.payment_id = f.payment_id
    union all
    select 2, b.invoice_id, 'old_invoice_flags', 'invoice_id', to_jsonb(f),
           jsonb_build_object('account_id', p_subject, 'amount', b.amount, 'paid_amount', b.allocated_total)
    from public.invoice_balance_cache b
    left join public.old_invoice_flags f on f.invoice_id = b.invoice_id
    where b.account_id = p_subject)
  select jsonb_agg(l.line order by f.kind, f.id, l.place) into v_repair.lines
  from flags f
  cross join lateral jsonb_array_elements(ledger.repair_lines(f.relation, jsonb_build_object(f.key, f.id), f.old, f.new)) with ordinality l (line, place);
  return v_repair;
end $function$;

CREATE OR REPLACE FUNCTION ledger.repair_order_money (
  p_subject uuid
)
  RETURNS ledger.repair
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_order public.orders;
  v_right public.orders;
  v_history ledger.repair := ledger.repair_order_status(p_subject);
  v_deadline public.payment_deadlines;
  v_deadline_status text;
  -- the same text in whatever time zone somebody plans or applies it
  v_moment constant text := 'YYYY-MM-DD"T"HH24:MI:SS.US"+00"';
  v_repair ledger.repair;
begin
  select o.* into v_order from public.orders o where o.id = p_subject;
  if not found then
    return v_repair;
  end if;
  v_right := jsonb_populate_record(v_order, to_jsonb(ledger.order_money_by_rows(v_order)));
  v_right.status := coalesce(v_history.lines #>> '{0,to}', v_order.status);

  -- a deadline is settled when nothing is due or the order has ended, and runs while the order is in grace
  select d.* into v_deadline from public.payment_deadlines d where d.order_id = p_subject and d.account_id = v_order.account_id;
  v_deadline_status := case
    when v_right.status in ('rejected', 'cancelled', 'refunded')
      or v_right.total_amount - v_right.credited_amount - v_right.paid_amount + v_right.refunded_amount <= 0 then 'settled'
    else v_deadline.status end;
  v_right.payment_status := ledger.payment_status_by_rows(v_right, case when v_deadline.order_id is not null then v_deadline_status end);
  if v_deadline.status = 'settled' and v_deadline_status = 'settled' and v_right.payment_status = 'in_grace' then
    v_deadline_status := 'open';
  end if;

  v_repair.stream_type := 'order';
  v_repair.account_id := v_order.account_id;
  v_repair.problem := coalesce(v_history.problem, ledger.problem_of_order_postings(v_right), ledger.problem_of_replayed_money(v_right),
    case when v_right.payment_status is null then 'its last event says a payment status that its money cannot have' end);
  v_repair.lines := ledger.repair_lines('orders', jsonb_build_object('id', p_subject),
      to_jsonb(v_order), to_jsonb(ledger.order_money_by_rows(v_order)) || jsonb_build_object('payment_status', v_right.payment_status))
    || case when v_deadline.order_id is null or v_deadline.status = v_deadline_status then '[]'
            else ledger.repair_lines('payment_deadlines', jsonb_build_object('order_id', p_subject),
              jsonb_build_object('status', v_deadline.status, 'settled_at', to_char(v_deadline.settled_at at time zone 'utc', v_moment)),
              jsonb_build_object('status', v_deadline_status, 'settled_at',
                case v_deadline_status when 'settled' then to_char(v_order.updated_at at time zone 'utc', v_moment) end)) end;
  return v_repair;
end $function$;

CREATE OR REPLACE FUNCTION ledger.repair_order_status (
  p_subject uuid
)
  RETURNS ledger.repair
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_order public.orders;
  v_status text;
  v_event_id bigint;
  v_break text;
  v_untold uuid;
  v_repair ledger.repair;
begin
  select o.* into v_order from public.orders o where o.id = p_subject;
  if not found then
    return v_repair;
  end if;
  select (array_agg(h.status order by h.event_id desc))[1], max(h.event_id),
         min(format('from %s to %s', h.before, h.from_status)) filter (where h.before is distinct from h.from_status)
  into v_status, v_event_id, v_break
  from (select s.event_id, s.status, s.from_status, lag(s.status) over (order by s.event_id) as before
        from public.order_status_history s where s.order_id = p_subject) h;
  select t.id into v_untold
  from public.transactions t
  where t.order_id = p_subject and t.account_id = v_order.account_id
    and t.type in ('order_created', 'order_status_changed', 'order_shipped', 'order_cancelled', 'order_refunded')
    and not exists (select from public.immutable_events e where e.stream_id = p_subject and e.payload ->> 'transaction_id' = t.id::text)
  limit 1;

  v_repair.stream_type := 'order';
  v_repair.account_id := v_order.account_id;
  v_repair.problem := case
    when v_status is null then 'no event says which status it had'
    when v_break is not null then format('its history has a gap %s', v_break)
    when v_untold is not null then format('no event tells of its transaction %s', v_untold)
    when v_status <> v_order.status then coalesce(
      ledger.problem_of_status_changes(p_subject),
      ledger.problem_of_order_postings(jsonb_populate_record(v_order,
        to_jsonb(ledger.order_money_by_rows(v_order)) || jsonb_build_object('status', v_status))),
      ledger.problem_of_its_seal(v_event_id))
  end;
  v_repair.lines := ledger.repair_lines('orders', jsonb_build_object('id', p_subject),
    jsonb_build_object('status', v_order.status), jsonb_build_object('status', v_status));
  return v_repair;
end $function$;

CREATE OR REPLACE FUNCTION ledger.repair_share (
  p_relation           text,
  p_subject            uuid,
  p_account_id         uuid,
  p_stream_id          uuid,
  p_share_amount       bigint,
  p_clawed_back_amount bigint,
  p_earned             text,
  p_clawed_back        text
)
  RETURNS ledger.repair
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_earned bigint;
  v_clawed_back bigint;
  v_told bigint;
  v_repair ledger.repair;
begin
  if p_account_id is null then
    return v_repair;
  end if;
  select coalesce(sum(t.amount) filter (where t.type = p_earned), 0), coalesce(-sum(t.amount) filter (where t.type = p_clawed_back), 0)
  into v_earned, v_clawed_back
  from public.transactions t
  where t.account_id = p_account_id and t.reference_id = p_subject;
  select coalesce(-sum((e.payload ->> 'amount')::bigint), 0)
  into v_told
  from public.immutable_events e
  where e.stream_id = p_stream_id and replace(e.event_type, '.', '_') = p_clawed_back
    and coalesce(e.payload ->> 'commission_id', e.payload ->> 'earning_id') = p_subject::text;
  v_repair.stream_type := 'account';
  v_repair.account_id := p_account_id;
  v_repair.problem := case
    when v_earned <> p_share_amount or v_clawed_back not between 0 and p_share_amount then
      format('it was earned as %s, and the transactions of its account say %s, of which %s were taken back', p_share_amount, v_earned, v_clawed_back)
    when v_told <> v_clawed_back then
      format('the transactions of its account say that %s were taken back, the events %s', v_clawed_back, v_told)
    else (ledger.repair_account_totals(p_account_id)).problem end;
  v_repair.lines := ledger.repair_lines(p_relation, jsonb_build_object('id', p_subject),
    jsonb_build_object('clawed_back_amount', p_clawed_back_amount), jsonb_build_object('clawed_back_amount', v_clawed_back));
  return v_repair;
end $function$;

CREATE OR REPLACE FUNCTION ledger.repair_commission (
  p_subject uuid
)
  RETURNS ledger.repair
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
RETURN
  (SELECT ledger.repair_share('referral_commissions'::text, c.id, c.account_id, c.account_id, c.commission_amount, c.clawed_back_amount, 'commission_earned'::text,
  'commission_clawed_back'::text) AS repair_share FROM public.referral_commissions c WHERE (c.id = repair_commission.p_subject));

CREATE OR REPLACE FUNCTION ledger.repair_stock_levels (
  p_subject uuid
)
  RETURNS ledger.repair
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_repair ledger.repair;
begin
  if not exists (select from public.variants v where v.id = p_subject) then
    return v_repair;
  end if;
  v_repair.stream_type := 'variant';
  with moved as (
    select m.slot, sum(m.quantity)::bigint as quantity, count(*) as movements, max(m.slot_version) as last_version
    from public.stock_movements m
    where m.variant_id = p_subject
    group by m.slot),
  held as (
    select l.slot, sum(l.quantity)::bigint as quantity
    from public.stock_reservations r
    join public.stock_reservation_lines l on l.reservation_id = r.id
    where r.status = 'active' and l.variant_id = p_subject
    group by l.slot),
  slots as (
    select coalesce(s.slot, m.slot) as slot, to_jsonb(s) as old, coalesce(m.quantity, 0) as on_hand, coalesce(h.quantity, 0) as held,
           coalesce(m.movements, 0) as movements,
           case when m.movements <> m.last_version or m.quantity < 0 then
                  format('slot %s has %s movements, the last one with the number %s, that come to %s', m.slot, m.movements, m.last_version, m.quantity)
                when coalesce(h.quantity, 0) > coalesce(m.quantity, 0) then
                  format('the movements leave %s units in slot %s, and %s are reserved', coalesce(m.quantity, 0), coalesce(s.slot, m.slot), h.quantity)
           end as problem
    from (select l.* from public.stock_levels l where l.variant_id = p_subject) s
    full join moved m on m.slot = s.slot
    left join held h on h.slot = coalesce(s.slot, m.slot))
  select min(s.problem),
         jsonb_agg(l.line order by s.slot, l.place) filter (where l.line is not null)
  into v_repair.problem, v_repair.lines
  from slots s
  left join lateral jsonb_array_elements(ledger.repair_lines('stock_levels', jsonb_build_object('variant_id', p_subject, 'slot', s.slot), s.old,
    jsonb_build_object('on_hand', s.on_hand, 'held', s.held, 'version', s.movements))) with ordinality l (line, place) on true;
  select coalesce(v_repair.problem, format('the movements leave %s units of it, the events %s', m.quantity, r.on_hand)) into v_repair.problem
  from ledger.replayed_stock(array[p_subject]) r
  cross join (select coalesce(sum(m.quantity), 0) as quantity from public.stock_movements m where m.variant_id = p_subject) m
  where r.on_hand <> m.quantity;
  if v_repair.lines @> '[{"column": "held"}]' then
    v_repair.problem := coalesce(v_repair.problem, ledger.problem_of_reservations(p_subject));
  end if;
  return v_repair;
end $function$;

CREATE OR REPLACE FUNCTION ledger.repair_update (
  p_table regclass,
  p_key   jsonb,
  p_to    jsonb
)
  RETURNS text
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return format('update %1$s t set %2$s%3$s from jsonb_populate_record(null::%1$s, $1) k, jsonb_populate_record(null::%1$s, $2) o,
                        jsonb_populate_record(null::%1$s, $3) n where %4$s and %5$s',
    p_table, ledger.columns_as(p_to, '%1$I = n.%1$I', ', '),
    -- what a client compares, and when it was changed; accounts and stock count something else by their version
    (select string_agg(case a.attname when 'version' then ', version = t.version + 1' else ', updated_at = clock_timestamp()' end, '')
     from pg_catalog.pg_attribute a
     where a.attrelid = p_table and not a.attisdropped and not p_to ? a.attname::text
       and (a.attname = 'updated_at' or a.attname = 'version' and p_table not in ('public.accounts'::regclass, 'public.stock_levels'::regclass))),
    ledger.columns_as(p_key, 't.%1$I = k.%1$I', ' and '), ledger.columns_as(p_to, 't.%1$I is not distinct from o.%1$I', ' and '));
end $function$;

CREATE OR REPLACE FUNCTION ledger.repair_vendor_earning (
  p_subject uuid
)
  RETURNS ledger.repair
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
RETURN
  (SELECT ledger.repair_share('vendor_earnings'::text, e.id, e.account_id, e.vendor_id, e.share_amount, e.clawed_back_amount, 'vendor_earned'::text, 'vendor_clawed_back'::text) AS
  repair_share FROM public.vendor_earnings e WHERE (e.id = repair_vendor_earning.p_subject));

CREATE OR REPLACE FUNCTION ledger.repair_whole_row (
  p_table regclass,
  p_from  jsonb,
  p_to    jsonb
)
  RETURNS text
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return case when p_to is null then
    format('delete from %1$s t using jsonb_populate_record(null::%1$s, $1) k where %2$s', p_table,
           ledger.columns_as(p_from, 't.%1$I is not distinct from k.%1$I', ' and '))
  else
    format('insert into %1$s (%2$s) select %2$s from jsonb_populate_record(null::%1$s, $2) on conflict do nothing', p_table,
           ledger.columns_as(p_to, '%1$I', ', ')) end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.repairs_of_report()
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (
    select jsonb_build_object(
      'planned', count(*) filter (where a.status = 'planned'), 'applied', count(*) filter (where a.status = 'applied'),
      'failed', count(*) filter (where a.status = 'failed'), 'stale', count(*) filter (where a.status = 'stale'),
      'undone', count(*) filter (where a.status = 'undone'), 'superseded', count(*) filter (where a.status = 'superseded'),
      'last_applied_at', max(a.applied_at))
    from public.reconciliation_actions a);
end $function$;

CREATE OR REPLACE FUNCTION ledger.repairs_wanted (
  p_run public.reconciliation_runs
)
  RETURNS TABLE (
    repair     text,
    subject    uuid,
    finding_id uuid,
    check_code text
  )
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return query
    with wanted as (
      select k.position, k.kind, case k.subject when 'account' then coalesce(f.account_id, ledger.uuid_in(left(f.subject, 36))) else ledger.uuid_in(left(f.subject, 36)) end as subject,
             f.id, f.check_code
      from public.integrity_findings f
      join public.integrity_checks c on c.code = f.check_code
      join ledger.repair_kinds k on k.kind = c.repair
      where f.run_id = p_run.id
      union all
      -- drift runs keep their first accounts
      select k.position, k.kind, ledger.uuid_in(d.value ->> 'account_id'), null, p_run.check_code
      from jsonb_array_elements(p_run.details -> 'first') d
      join ledger.repair_kinds k on k.kind = case p_run.check_code when 'debt_cache' then 'balance_caches' when 'old_flags' then 'old_flags' end)
    select w.kind, w.subject, (array_agg(w.id order by w.id))[1], (array_agg(w.check_code order by w.id))[1]
    from wanted w
    where w.subject is not null
    group by w.position, w.kind, w.subject
    order by w.position, w.subject;
end $function$;

CREATE OR REPLACE FUNCTION ledger.replay_facts (
  p_account_ids    uuid[],
  p_order_ids      uuid[],
  p_variant_ids    uuid[],
  p_only_differing boolean
)
  RETURNS SETOF ledger.replayed_fact
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return query
    select 'account', n.id, f.what, f.replayed, f.stored, true
    from (select a.*, d.invoiced_amount, d.allocated_amount, d.unapplied_amount
          from public.accounts a left join public.account_debt_cache d on d.account_id = a.id
          where p_account_ids is null or a.id = any (p_account_ids)) a
    full join ledger.replayed_accounts(p_account_ids) r on r.account_id = a.id
    cross join lateral (select coalesce(a.id, r.account_id) as id) n
    cross join lateral (values
      ('total_earned', to_jsonb(coalesce(r.total_earned, 0)), to_jsonb(a.total_earned)),
      ('total_withdrawn', to_jsonb(coalesce(r.total_withdrawn, 0)), to_jsonb(a.total_withdrawn)),
      ('total_pending_withdrawals', to_jsonb(coalesce(r.total_pending_withdrawals, 0)), to_jsonb(a.total_pending_withdrawals)),
      ('total_orders', to_jsonb(coalesce(r.total_orders, 0)), to_jsonb(a.total_orders)),
      ('available_balance', to_jsonb(coalesce(r.total_earned - r.total_withdrawn - r.total_pending_withdrawals - r.total_orders, 0)), to_jsonb(a.available_balance)),
      ('version', to_jsonb(coalesce(r.version, 0)), to_jsonb(a.version)),
      ('one_event_per_version', to_jsonb(coalesce(r.has_every_version, true)), 'true'),
      ('is_frozen', to_jsonb(coalesce(r.is_frozen, false)), to_jsonb(a.frozen_reason is not null)),
      ('invoiced_amount', to_jsonb(coalesce(r.invoiced_amount, 0)), to_jsonb(coalesce(a.invoiced_amount, 0))),
      ('allocated_amount', to_jsonb(coalesce(r.allocated_amount, 0)), to_jsonb(coalesce(a.allocated_amount, 0))),
      ('unapplied_amount', to_jsonb(coalesce(r.unapplied_amount, 0)), to_jsonb(coalesce(a.unapplied_amount, 0)))) f (what, replayed, stored)
    where not p_only_differing or f.replayed is distinct from f.stored;

  -- most orders are equal, and are not taken apart
  return query
    select 'order', coalesce(o.id, r.order_id), f.what, f.replayed, f.stored, r.exact_after_event_id is null or f.replayed is not null
    from (select * from public.orders o where p_order_ids is null or o.id = any (p_order_ids)) o
    full join ledger.replayed_orders(p_order_ids) r on r.order_id = o.id
    cross join lateral (values
      ('account_id', to_jsonb(r.account_id), to_jsonb(o.account_id)), ('status', to_jsonb(r.status), to_jsonb(o.status)),
      ('payment_status', to_jsonb(r.payment_status), to_jsonb(o.payment_status)), ('total_amount', to_jsonb(r.total_amount), to_jsonb(o.total_amount)),
      ('wallet_amount', to_jsonb(r.wallet_amount), to_jsonb(o.wallet_amount)), ('paid_amount', to_jsonb(r.paid_amount), to_jsonb(o.paid_amount)),
      ('refunded_amount', to_jsonb(r.refunded_amount), to_jsonb(o.refunded_amount)),
      ('wallet_refunded_amount', to_jsonb(r.wallet_refunded_amount), to_jsonb(o.wallet_refunded_amount)),
      ('credited_amount', to_jsonb(r.credited_amount), to_jsonb(o.credited_amount))) f (what, replayed, stored)
    where not p_only_differing
       or ((o.account_id, o.status, o.payment_status, o.total_amount, o.wallet_amount, o.paid_amount, o.refunded_amount, o.wallet_refunded_amount, o.credited_amount)
           is distinct from
           (r.account_id, r.status, r.payment_status, r.total_amount, r.wallet_amount, r.paid_amount, r.refunded_amount, r.wallet_refunded_amount, r.credited_amount)
           and f.replayed is distinct from f.stored);

  return query
    select 'variant', coalesce(v.variant_id, r.variant_id), f.what, f.replayed, f.stored, f.replayed is not null
    from (select s.variant_id, sum(s.on_hand)::bigint as on_hand, sum(s.held)::bigint as held
          from public.stock_levels s
          where p_variant_ids is null or s.variant_id = any (p_variant_ids)
          group by s.variant_id) v
    full join ledger.replayed_stock(p_variant_ids) r on r.variant_id = v.variant_id
    cross join lateral (values
      ('stock_quantity', case when r.exact_after_event_id is null then to_jsonb(coalesce(r.on_hand, 0)) end, to_jsonb(v.on_hand)),
      ('held_quantity', to_jsonb(coalesce(r.held, 0)), to_jsonb(v.held))) f (what, replayed, stored)
    where not p_only_differing or f.replayed is distinct from f.stored;
end $function$;

CREATE OR REPLACE FUNCTION ledger.replayed_accounts (
  p_account_ids uuid[] DEFAULT NULL::uuid[]
)
  RETURNS SETOF ledger.replayed_account
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return query execute format($query$
    select e.account_id,
           coalesce(sum((e.payload #>> '{effect,total_earned}')::bigint), 0)::bigint,
           coalesce(sum((e.payload #>> '{effect,total_withdrawn}')::bigint), 0)::bigint,
           coalesce(sum((e.payload #>> '{effect,total_pending_withdrawals}')::bigint), 0)::bigint,
           coalesce(sum((e.payload #>> '{effect,total_orders}')::bigint), 0)::bigint,
           coalesce(max((e.payload ->> 'account_version')::bigint), 0)::bigint,
           count(e.payload ->> 'account_version') = coalesce(max((e.payload ->> 'account_version')::bigint), 0)
             and coalesce(sum((e.payload ->> 'account_version')::bigint) = count(e.payload ->> 'account_version') * (max((e.payload ->> 'account_version')::bigint) + 1) / 2, true),
           coalesce(max(e.id) filter (where e.event_type = 'account.frozen') > coalesce(max(e.id) filter (where e.event_type = 'account.released'), 0), false),
           coalesce(sum((e.payload #>> '{debt_effect,invoiced}')::bigint), 0)::bigint,
           coalesce(sum((e.payload #>> '{debt_effect,allocated}')::bigint), 0)::bigint,
           coalesce(sum((e.payload #>> '{debt_effect,unapplied}')::bigint), 0)::bigint
    from %s e
    where e.account_id is not null and e.payload ?| '{effect,debt_effect}'
    group by e.account_id
  $query$, case when p_account_ids is null then 'public.immutable_events'
                else '(select i.* from ledger.streams_of_accounts($1) s join public.immutable_events i on i.stream_id = s.stream_id and i.account_id = any ($1))' end)
  using p_account_ids;
end $function$;

CREATE OR REPLACE FUNCTION ledger.replayed_orders (
  p_order_ids uuid[] DEFAULT NULL::uuid[]
)
  RETURNS SETOF ledger.replayed_order
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return query execute format($query$
    with said as (
      select e.stream_id, e.account_id,
             case when e.event_type in ('order.placed', 'order.status_changed') then lpad(e.id::text, 19, '0') || (e.payload ->> 'to_status') end as status,
             case when e.event_type not like 'integrity.%%' then
               lpad(e.id::text, 19, '0') || coalesce(e.payload ->> 'payment_status', e.payload #>> '{new,payment_status}') end as payment_status,
             case e.event_type when 'order.placed' then (e.payload ->> 'total_amount')::bigint
                               when 'order.edited' then (e.payload #>> '{new,total_amount}')::bigint - (e.payload #>> '{old,total_amount}')::bigint end as total,
             case when e.event_type in ('order.placed', 'order.edited', 'order.paid_from_wallet') then (e.payload ->> 'wallet_amount')::bigint end as wallet,
             case e.event_type
               when 'payment.recorded' then (e.payload ->> 'applied_amount')::bigint
               when 'payment.imported' then (e.payload ->> 'applied_amount')::bigint
               when 'payment.allocated' then (e.payload ->> 'allocated_amount')::bigint
               when 'allocation.reversed' then (e.payload ->> 'allocated_amount')::bigint
               when 'payment.voided' then -(e.payload ->> 'applied_amount')::bigint
               when 'payment.charged_back' then -(e.payload ->> 'applied_amount')::bigint end as paid_from_outside,
             case when e.payload ? 'returned_amount' then (e.payload ->> 'returned_amount')::bigint
                  when e.event_type in ('refund.paid', 'refund.failed', 'refund.withdrawn') then (e.payload ->> 'refunded_change')::bigint end as refunded,
             -- an ending without a refund is of before there were refunds: all went back, to the wallet as far as that had paid
             e.event_type = 'order.status_changed' and e.payload ->> 'to_status' in ('cancelled', 'refunded') and not e.payload ? 'refund_id' as ends_whole,
             case when e.event_type = 'order.status_changed' and not e.payload ? 'refund_id' then -coalesce((e.payload #>> '{effect,total_orders}')::bigint, 0)
                  when e.event_type in ('order.status_changed', 'order.refunded') then (e.payload ->> 'wallet_amount')::bigint
                  when e.event_type = 'order.edited' then
                    (e.payload ->> 'wallet_amount')::bigint - coalesce((e.payload #>> '{effect,total_orders}')::bigint, 0) end as wallet_refunded,
             case when e.event_type in ('order.status_changed', 'order.refunded') then (e.payload ->> 'credited_amount')::bigint end as credited,
             case when e.event_type in ('refund.paid', 'refund.failed', 'refund.withdrawn') and not e.payload ? 'refunded_change'
                    or e.event_type = 'payment.imported' and not e.payload ? 'payment_status' then e.id end as untold,
             case when e.event_type = 'payment.recorded' and e.payload ->> 'source' = 'card' then e.id end as by_card,
             e.event_type = 'payment.recorded' and e.payload ->> 'credit_amount' <> '0' as has_surplus,
             -- so said a surplus before there was a status for it
             case when e.event_type = 'payment.recorded' and e.payload ->> 'credit_amount' <> '0' and e.payload ->> 'payment_status' = 'paid' then e.id end as surplus_as_paid,
             e.event_type = 'order.payment_status_changed' as is_marked
      from %s e
      where e.stream_type = 'order'),
    summed as (
      select s.stream_id, min(s.account_id::text)::uuid as account_id,
             substr(max(s.status collate "C"), 20) as status, substr(max(s.payment_status collate "C"), 20) as payment_status,
             coalesce(sum(s.total), 0) as total, coalesce(sum(s.wallet), 0) as wallet, coalesce(sum(s.paid_from_outside), 0) as paid_from_outside,
             coalesce(sum(s.refunded), 0) as refunded, coalesce(sum(s.wallet_refunded), 0) as wallet_refunded,
             case when bool_or(s.ends_whole) then coalesce(sum(s.total), 0) else coalesce(sum(s.credited), 0) end as credited, max(s.untold) as untold,
             greatest(case when bool_or(s.has_surplus) and not bool_or(s.is_marked) then max(s.by_card) end, max(s.surplus_as_paid)) as unmarked
      from said s
      group by s.stream_id)
    select s.stream_id, s.account_id, s.status, case when coalesce(s.untold, s.unmarked) is null then s.payment_status end, s.total::bigint, s.wallet::bigint,
           (s.wallet + s.paid_from_outside)::bigint, case when s.untold is null then s.refunded::bigint end,
           s.wallet_refunded::bigint, s.credited::bigint, greatest(s.untold, s.unmarked)
    from summed s
  $query$, case when p_order_ids is null then 'public.immutable_events'
                else '(select i.* from public.immutable_events i where i.stream_id = any ($1))' end)
  using p_order_ids;
end $function$;

CREATE OR REPLACE FUNCTION ledger.problem_of_replayed_money (
  p_order public.orders
)
  RETURNS text
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
RETURN
  (SELECT format('the events come to %s of %s, its rows to %s'::text, f.replayed, f.what, f.by_rows) AS format FROM
  (ledger.replayed_orders(ARRAY[(problem_of_replayed_money.p_order).id]) r(order_id, account_id, status, payment_status, total_amount, wallet_amount, paid_amount, refunded_amount,
  wallet_refunded_amount,
  credited_amount,
  exact_after_event_id) CROSS JOIN LATERAL
  (VALUES ('wallet_amount'::text,r.wallet_amount,(problem_of_replayed_money.p_order).wallet_amount),
  ('paid_amount'::text,r.paid_amount,(problem_of_replayed_money.p_order).paid_amount),
  ('refunded_amount'::text,r.refunded_amount,(problem_of_replayed_money.p_order).refunded_amount),
  ('wallet_refunded_amount'::text,r.wallet_refunded_amount,(problem_of_replayed_money.p_order).wallet_refunded_amount),
  ('credited_amount'::text,r.credited_amount,(problem_of_replayed_money.p_order).credited_amount)) f(what, replayed, by_rows)) WHERE (f.replayed <> f.by_rows) LIMIT 1);

CREATE OR REPLACE FUNCTION ledger.replayed_stock (
  p_variant_ids uuid[] DEFAULT NULL::uuid[]
)
  RETURNS SETOF ledger.replayed_variant
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return query execute format($query$
    with units as (
      select e.id, e.stream_id, e.event_type, u.unit, e.event_type = 'order.placed' and e.payload ? 'imported' and not e.payload ? 'stock' as is_untold
      from %1$s e
      cross join lateral jsonb_array_elements(case e.event_type
        when 'stock.adjusted' then jsonb_build_array(e.payload || jsonb_build_object('variant_id', e.stream_id))
        when 'backorder.filled' then jsonb_build_array(e.payload)
        when 'order.placed' then case e.payload ->> 'stock' when 'kept' then '[]' else e.payload -> 'items' end || coalesce(e.payload -> 'backordered', '[]')
        when 'order.edited' then (e.payload -> 'changes') || coalesce(e.payload -> 'backordered', '[]')
        when 'order.return_received' then coalesce(e.payload -> 'restocked', '[{}]')
        else e.payload -> 'lines' end) u (unit)
      where e.event_type in ('stock.adjusted', 'backorder.filled', 'order.placed', 'order.edited', 'order.return_received', 'order.refunded')
         -- a change of status that took nothing back is most of all events
         or (e.event_type = 'order.status_changed' and e.payload ? 'lines')),
    held as (
      select (l.line ->> 'variant_id')::uuid as variant_id, (l.line ->> 'quantity')::bigint as quantity
      from %1$s e
      cross join lateral jsonb_array_elements(e.payload -> 'lines') l (line)
      where e.event_type = 'stock.reserved'
        and not exists (select from %1$s n
                        where n.stream_id = e.stream_id
                          and n.event_type in ('stock.reservation_consumed', 'stock.reservation_released', 'stock.reservation_expired'))),
    waited as (
      -- not all that an order waits for is in its events, and the one that placed it says nothing of it
      select b.variant_id, e.id
      from public.backorders b
      join %1$s e on e.stream_id = b.order_id and e.event_type = 'order.placed'
      cross join lateral (select jsonb_build_array(jsonb_build_object('variant_id', b.variant_id)) as variant) v
      where not coalesce(e.payload -> 'backordered' @> v.variant, false)
        and b.quantity <> coalesce((
          select sum((u.unit ->> 'backordered')::bigint)
          from public.immutable_events n
          cross join lateral jsonb_array_elements(n.payload -> 'backordered') u (unit)
          where n.stream_id = b.order_id and n.event_type = 'order.edited' and u.unit ->> 'variant_id' = b.variant_id::text), 0)),
    moved as (
      select (u.unit ->> 'variant_id')::uuid as variant_id, u.stream_id, u.id,
             case when u.is_untold then null
                  when u.unit ? 'backordered' then (u.unit ->> 'backordered')::bigint
                  when u.event_type in ('stock.adjusted', 'order.return_received') then (u.unit ->> 'quantity')::bigint
                  when u.event_type in ('order.placed', 'backorder.filled') then -(u.unit ->> 'quantity')::bigint
                  when u.event_type = 'order.edited' then (u.unit ->> 'old_quantity')::bigint - (u.unit ->> 'new_quantity')::bigint
                  else (u.unit ->> 'restocked_quantity')::bigint end as quantity, 0 as held
      from units u
      union all
      -- an ending of before there were refunds put all of it back, or nothing
      select (i.unit ->> 'variant_id')::uuid, e.stream_id, e.id, (i.unit ->> 'quantity')::bigint, 0
      from %1$s e
      join %1$s p on p.stream_id = e.stream_id and p.event_type = 'order.placed'
      cross join lateral jsonb_array_elements(p.payload -> 'items') i (unit)
      where e.event_type = 'order.status_changed' and e.payload ->> 'restocked' = 'true' and not e.payload ? 'refund_id'
      union all
      select h.variant_id, null, 0, 0, h.quantity from held h
      union all
      select w.variant_id, null, w.id, null, 0 from waited w),
    summed as (
      select m.variant_id, case when m.variant_id is null then m.stream_id end as order_id, coalesce(sum(m.quantity), 0) as on_hand, sum(m.held) as held,
             max(m.id) filter (where m.quantity is null or (m.variant_id is null and m.quantity <> 0)) as untold
      from moved m
      where $1 is null or m.variant_id = any ($1) or m.variant_id is null
      group by m.variant_id, order_id),
    open as (
      -- what an event did not name the variant of may be of each that its order ever had
      select (u.unit ->> 'variant_id')::uuid as variant_id, max(n.untold) as untold
      from summed n
      join public.immutable_events e on e.stream_id = n.order_id and e.event_type in ('order.placed', 'order.edited')
      cross join lateral jsonb_array_elements((case e.event_type when 'order.placed' then e.payload -> 'items' else e.payload -> 'changes' end) || '[]') u (unit)
      where n.untold is not null
      group by 1),
    told as (
      select s.variant_id, s.on_hand, s.held, greatest(s.untold, o.untold) as untold
      from summed s
      left join open o on o.variant_id = s.variant_id
      where s.variant_id is not null)
    select t.variant_id, case when t.untold is null then t.on_hand::bigint end, t.held::bigint, t.untold
    from told t
  $query$, case when p_variant_ids is null then 'public.immutable_events'
                else '(select i.* from ledger.streams_of_variants($1) s join public.immutable_events i on i.stream_id = s.stream_id)' end)
  using p_variant_ids;
end $function$;

CREATE OR REPLACE FUNCTION ledger.require_permission (
  p_actor      ledger.actor,
  p_permission text
)
  RETURNS ledger.actor
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  if not p_actor.is_system and not ledger.has_permission(p_actor, p_permission) then
    perform ledger.count_denied_call();
    raise exception using errcode = 'insufficient_privilege',
      message = format('this needs the permission "%s"', p_permission),
      hint = format('Roles that have it: %s.', coalesce(
        (select string_agg(r.role, ', ' order by r.role) from public.role_permissions r where r.permission = p_permission), 'none'));
  end if;
  return p_actor;
end $function$;

CREATE OR REPLACE FUNCTION ledger.resolve_alerts (
  p_rule  text,
  p_still text[]   DEFAULT '{}'::text[],
  p_turns smallint DEFAULT (1)::smallint
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_phase text := coalesce(current_setting('ledger.procedure', true), '');
  v_rule public.alert_rules;
  v_alert public.alerts;
  v_count integer := 0;
begin
  for v_alert in
    select a.* from public.alerts a
    where a.rule_code = p_rule and a.status <> 'resolved'
      and not exists (select from unnest(p_still) s (subject) where left(s.subject, 300) = a.subject)
    order by a.subject
    for no key update
  loop
    if v_rule is null then
      perform set_config('ledger.procedure', 'ledger.resolve_alerts', true);
      select r.* into v_rule from public.alert_rules r where r.code = p_rule;
    end if;
    update public.alerts a set
      clean_turns = a.clean_turns + 1,
      status = case when a.clean_turns + 1 >= p_turns then 'resolved' else a.status end,
      resolved_at = case when a.clean_turns + 1 >= p_turns then clock_timestamp() end
    where a.id = v_alert.id
    returning a.* into v_alert;
    continue when v_alert.resolved_at is null;
    perform ledger.record_operation('alert.resolved', 'alert', v_alert.id, null,
      ledger.alert_facts(v_alert, v_rule) || jsonb_build_object('resolved_at', v_alert.resolved_at), null, ledger.correlation_id());
    v_count := v_count + 1;
  end loop;
  perform set_config('ledger.procedure', v_phase, true);
  return v_count;
end $function$;

CREATE OR REPLACE FUNCTION ledger.rules_to_ask()
  RETURNS SETOF public.alert_rules
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return query
    select r.*
    from public.alert_rules r
    left join public.alerts a on a.rule_code = 'rule_cannot_be_asked' and a.subject = r.code and a.status <> 'resolved' and a.details ->> 'sqlstate' = '57014'
    where r.enabled and r.query is not null
    order by a.last_seen_at nulls first, r.code;
end $function$;

CREATE OR REPLACE FUNCTION ledger.run_checks (
  p_codes      text[] DEFAULT NULL::text[],
  p_scope      text   DEFAULT 'all'::text,
  p_account_id uuid   DEFAULT NULL::uuid
)
  RETURNS public.reconciliation_runs
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_phase text := current_setting('ledger.procedure', true);
  v_run public.reconciliation_runs;
  v_scope ledger.integrity_scope;
begin
  v_run.id := ledger.uuid_v7();
  v_run.started_at := clock_timestamp();
  v_run.horizon := (pg_snapshot_xmin(pg_current_snapshot())::text)::bigint;
  v_scope := ledger.scope_of_run(p_scope, p_account_id, v_run.horizon);
  perform set_config('ledger.procedure', 'ledger.run_checks', true);

  with found as materialized (
    select f.*, row_number() over (partition by f.check_code order by f.subject) as number
    from ledger.findings(p_codes, v_scope) f),
  counted as (
    select f.check_code, f.severity, count(*) as findings, sum(abs(f.diff_amount)) as diff from found f where f.check_code is not null group by f.check_code, f.severity),
  volume as (select ledger.booked_amount(v_scope) as amount),
  written as (
    insert into public.reconciliation_runs
      (id, check_code, status, accounts, differing_accounts, expected_amount, diff_abs, diff_ratio_ppm, limit_ppm, details, started_at, scope, findings, horizon)
    select v_run.id, 'books',
           case when t.findings = 0 then 'OK' when t.is_serious then 'FAIL' else 'WARN' end,
           case v_scope.kind when 'all' then (select count(*) from public.accounts) else cardinality(v_scope.touched_account_ids) end,
           t.accounts, v.amount, t.diff,
           case when t.diff = 0 then 0 when v.amount = 0 then 1000000 else least(ceil(t.diff * 1000000.0 / v.amount), 9007199254740991) end,
           0,
           jsonb_build_object(
             'codes', to_jsonb(p_codes),
             -- what this run clears: the findings of a check that could not be run stay
             'asked', case when v_scope.kind = 'all' then (
               select coalesce(jsonb_agg(c.code order by c.code), '[]') || case when p_codes is null then '["check_can_be_run"]'::jsonb else '[]' end
               from public.integrity_checks c
               where case when p_codes is null then c.enabled or c.code = 'every_check_is_on' else c.code = any (p_codes) end
                 and not exists (select from found f where f.check_code = 'check_can_be_run' and f.subject = c.code)) end,
             'account_id', p_account_id, 'orders', cardinality(v_scope.order_ids), 'variants', cardinality(v_scope.touched_variant_ids),
             'long_accounts', cardinality(v_scope.touched_account_ids) - cardinality(v_scope.account_ids),
             'long_variants', cardinality(v_scope.touched_variant_ids) - cardinality(v_scope.variant_ids),
             'by_check', coalesce((select jsonb_object_agg(c.check_code, c.findings) from counted c), '{}'),
             'milliseconds', coalesce((select jsonb_object_agg(m.family, m.milliseconds) from (select f.family, sum(f.milliseconds) as milliseconds from found f where f.check_code is null group by f.family) m), '{}')),
           v_run.started_at, v_scope.kind, t.findings,
           -- only a run of everything that is checked moves the horizon; what a check could not see has to be looked at again
           case when p_codes is null and v_scope.kind <> 'account'
                 and not exists (select from found f where f.check_code = 'check_can_be_run' and f.family <> 'own') then v_run.horizon end
    from volume v
    cross join (
      select coalesce(sum(c.findings), 0)::bigint as findings, least(coalesce(sum(c.diff), 0), 9007199254740991)::bigint as diff,
             coalesce(bool_or(c.severity <> 'warning'), false) as is_serious,
             (select count(distinct f.account_id) from found f where f.check_code is not null) as accounts
      from counted c) t
    returning *),
  kept as (
    insert into public.integrity_findings (run_id, check_code, severity, subject, account_id, expected, found, diff_amount)
    select v_run.id, f.check_code, f.severity, f.subject, f.account_id, f.expected, f.found, f.diff_amount
    from found f
    where f.check_code is not null and f.number <= 1000)
  select w.* into v_run from written w;
  perform set_config('ledger.procedure', coalesce(v_phase, ''), true);
  return v_run;
end $function$;

CREATE OR REPLACE FUNCTION ledger.run_job (
  p_name text
)
  RETURNS text
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_job ledger.scheduled_jobs;
  v_started_at timestamptz := clock_timestamp();
  v_error text;
begin
  select j.* into v_job from ledger.scheduled_jobs j where j.name = p_name;
  if not found then
    raise exception 'there is no job "%"', p_name using hint = 'ledger.scheduled_jobs has them all.';
  elsif not v_job.enabled then
    return 'switched off';
  elsif not pg_try_advisory_xact_lock(ledger.job_lock(p_name)) then
    perform ledger.count_skipped_job(p_name);
    return 'skipped';
  end if;

  begin
    execute v_job.command;
    set constraints all immediate;
  exception
  -- it waits for nobody for long: not now is no failure, and a job that never has its turn is silent
  when lock_not_available then
    raise notice 'job "%" gave up until its next turn: %', p_name, sqlerrm;
    perform ledger.count_skipped_job(p_name);
    return 'skipped';
  -- also when it ran out of its time, or somebody stopped it
  when query_canceled or assert_failure or others then
    v_error := left(format('%s (%s)', sqlerrm, sqlstate), 2000);
    raise warning 'job "%" failed: %', p_name, v_error;
  end;
  perform ledger.keep_job_run(p_name, v_started_at, v_error);
  return case when v_error is null then 'done' else 'failed' end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.runs_of_report()
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object(
             'run_id', r.id, 'check_code', r.check_code, 'scope', r.scope, 'status', r.status, 'findings', r.findings,
             'accounts', r.accounts, 'differing_accounts', r.differing_accounts, 'diff_abs', r.diff_abs, 'diff_ratio_ppm', r.diff_ratio_ppm,
             'limit_ppm', r.limit_ppm, 'started_at', r.started_at, 'ended_at', r.created_at) order by r.number), '[]')
    from ledger.last_runs() with ordinality r (id, check_code, status, accounts, differing_accounts, expected_amount, diff_abs, diff_ratio_ppm,
                                               limit_ppm, details, started_at, created_at, scope, findings, horizon, number));
end $function$;

CREATE OR REPLACE FUNCTION ledger.schedule_jobs()
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_job ledger.scheduled_jobs;
  v_count integer := 0;
begin
  if not exists (select from pg_catalog.pg_extension e where e.extname = 'pg_cron') then
    raise exception 'pg_cron is not installed; enable it first (Database, Extensions), then call ledger.schedule_jobs() again';
  end if;
  -- a name that is there already gets the new schedule and command
  for v_job in select * from ledger.scheduled_jobs j where j.enabled order by j.name loop
    begin
      execute 'select cron.schedule($1, $2, $3)' using 'order-ledger ' || v_job.name, v_job.schedule, ledger.job_command(v_job.name);
    exception when others then
      raise exception using errcode = sqlstate, message = format('job "%s" cannot be scheduled at "%s": %s', v_job.name, v_job.schedule, sqlerrm),
        hint = 'No job was handed over. Correct its schedule, or switch it off, and call ledger.schedule_jobs() again.';
    end;
    v_count := v_count + 1;
  end loop;
  -- what is switched off or gone since has no more turns
  execute $unschedule$
    select cron.unschedule(c.jobid)
    from cron.job c
    where c.jobname like 'order-ledger %' and c.database = current_database() and c.username = current_user
      and not exists (select from ledger.scheduled_jobs j where j.enabled and 'order-ledger ' || j.name = c.jobname)
  $unschedule$;
  return v_count;
end $function$;

CREATE OR REPLACE FUNCTION ledger.scope_of_repair (
  p_repair     text,
  p_subject    uuid,
  p_account_id uuid
)
  RETURNS ledger.integrity_scope
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_scope ledger.integrity_scope;
begin
  if p_repair = 'stock_levels' or (select a.version > 1000 from public.accounts a where a.id = p_account_id) then
    v_scope.kind := 'changed';
    v_scope.account_ids := '{}';
    v_scope.order_ids := array(select o.id from public.orders o where o.id = p_subject);
    v_scope.variant_ids := array(select v.id from public.variants v where v.id = p_subject);
    v_scope.touched_account_ids := array_remove(array[p_account_id], null);
    v_scope.touched_variant_ids := v_scope.variant_ids;
  elsif p_account_id is not null then
    v_scope := ledger.scope_of_run('account', p_account_id, 0);
  end if;
  return v_scope;
end $function$;

CREATE OR REPLACE FUNCTION ledger.scope_of_run (
  p_scope      text,
  p_account_id uuid,
  p_horizon    bigint
)
  RETURNS ledger.integrity_scope
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_last_horizon bigint := (
    select r.horizon from public.reconciliation_runs r
    where r.check_code = 'books' and r.horizon is not null
      -- a clock that was once ahead must not keep later runs from being the last
      and r.started_at <= clock_timestamp() + interval '5 minutes'
    order by r.started_at desc, r.id desc limit 1);
begin
  return case
    when p_scope = 'account' then
      row('account', array[p_account_id], array(select o.id from public.orders o join public.accounts a on a.id = o.account_id and a.user_id = o.user_id
                                                where a.id = p_account_id), '{}'::uuid[], array[p_account_id], '{}'::uuid[], null)::ledger.integrity_scope
    when p_scope = 'changed' and v_last_horizon <= p_horizon then ledger.changed_since(v_last_horizon)
    else row('all', null, null, null, null, null, null)::ledger.integrity_scope
  end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.seal_before (
  p_seal_number bigint
)
  RETURNS public.event_seals
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  (select s.* from public.event_seals s where p_seal_number is null or s.seal_number < p_seal_number order by s.seal_number desc limit 1)
  union all
  select 0, 1, 0, 0, 0, null, 0, 0, sha256(''), sha256(''), null
  limit 1;
$function$;

CREATE OR REPLACE FUNCTION ledger.seal_below (
  p_last      public.event_seals,
  p_horizon   bigint,
  p_seal_size integer,
  p_at_most   bigint
)
  RETURNS public.event_seals
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_last public.event_seals := p_last;
  v_event record;
  v_xids bigint[] := array[]::bigint[];
  v_event_ids bigint[] := array[]::bigint[];
  v_lines text[] := array[]::text[];
  v_bytes bigint := 0;
begin
  for v_event in
    select e.written_by_xid, e.id, ledger.event_canonical(e) as line
    from public.immutable_events e
    where e.written_by_xid >= p_last.last_xid and e.written_by_xid < p_horizon
      and (e.written_by_xid, e.id) > (p_last.last_xid, p_last.last_event_id)
      and e.id > p_last.epoch_after_event_id
    order by e.written_by_xid, e.id
    limit p_at_most
  loop
    v_xids := v_xids || v_event.written_by_xid;
    v_event_ids := v_event_ids || v_event.id;
    v_lines := v_lines || v_event.line;
    v_bytes := v_bytes + octet_length(v_event.line);
    if cardinality(v_lines) >= p_seal_size or v_bytes >= 16777216 then
      v_last := ledger.close_seal(v_last, v_xids, v_event_ids, v_lines);
      v_xids := array[]::bigint[];
      v_event_ids := array[]::bigint[];
      v_lines := array[]::text[];
      v_bytes := 0;
    end if;
  end loop;
  if cardinality(v_lines) > 0 then
    v_last := ledger.close_seal(v_last, v_xids, v_event_ids, v_lines);
  end if;
  return v_last;
end $function$;

CREATE OR REPLACE FUNCTION ledger.seal_events (
  p_seal_size integer DEFAULT 10000
)
  RETURNS bigint
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_before public.event_seals;
  v_horizon bigint;
begin
  -- one sealer at a time; a second one has nothing to add
  if not pg_try_advisory_xact_lock(hashtextextended('ledger.seal_events', 0)) then
    return 0;
  end if;
  v_horizon := (pg_snapshot_xmin(pg_current_snapshot())::text)::bigint;
  v_before := ledger.seal_before(null);
  if v_horizon < v_before.last_xid then
    raise exception 'the last seal was made in another cluster (transaction %, here %)', v_before.last_xid, v_horizon
      using hint = 'After restoring a logical dump call ledger.start_seal_epoch() once.';
  end if;
  perform ledger.seal_below(v_before, v_horizon, least(p_seal_size, ledger.largest_seal()), 1000000);
  return (select coalesce(sum(s.event_count), 0) from public.event_seals s where s.seal_number > v_before.seal_number);
end $function$;

CREATE OR REPLACE FUNCTION ledger.seal_hash (
  p_previous bytea,
  p_events   text
)
  RETURNS bytea
  LANGUAGE sql
  IMMUTABLE
RETURN sha256((p_previous || convert_to(COALESCE(p_events, ''::text), 'UTF8'::name)));

CREATE OR REPLACE FUNCTION ledger.seal_misfits (
  p_before public.event_seals,
  p_seal   public.event_seals
)
  RETURNS TABLE (
    event_id bigint,
    problem  text
  )
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  with made_of as materialized (
    select i.id, substr(f.fingerprints, (8 * i.n - 7)::int, 8) as fingerprint
    from public.event_fingerprints f, unnest(f.event_ids) with ordinality i (id, n)
    where f.seal_hash = p_seal.hash),
  there as materialized (
    select e.id, ledger.event_fingerprint(ledger.event_canonical(e)) as fingerprint
    from ledger.events_under_seal(p_before, p_seal) e
    where exists (select from made_of)),
  misfits as materialized (
    select id, gone.id is not null as is_gone, come.id is not null as is_come
    from (select m.id from made_of m where not exists (select from there t where t.id = m.id and t.fingerprint = m.fingerprint)) gone
    full join (select t.id from there t where not exists (select from made_of m where m.id = t.id and m.fingerprint = t.fingerprint)) come using (id))
  (select m.id, format('event %s %s', m.id, case when m.is_gone and m.is_come then 'was changed' when m.is_gone then 'is missing' else 'was inserted' end)
   from misfits m order by m.id limit 20)
  union all
  select null, format('%s more events do not fit', count(*) - 20) from misfits having count(*) > 20;
$function$;

CREATE OR REPLACE FUNCTION ledger.seal_problems (
  p_before public.event_seals,
  p_seal   public.event_seals
)
  RETURNS SETOF ledger.seal_problem
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_begins_epoch boolean := p_seal.epoch = p_before.epoch + 1 and p_seal.event_count = 0;
  v_events integer;
  v_lines text;
  v_event_ids bigint[];
  v_fingerprints bytea;
  v_highest_id bigint;
  v_list public.event_fingerprints;
  v_problem text;
begin
  v_problem := case
    when p_seal.event_count > ledger.largest_seal() then format('says that it covers %s events, more than any seal', p_seal.event_count)
    when p_seal.seal_number <> p_before.seal_number + 1 then 'a seal before this one is missing'
    when not v_begins_epoch and (p_seal.epoch, p_seal.epoch_after_event_id) <> (p_before.epoch, p_before.epoch_after_event_id) then
      'is of another epoch than the seal before it'
    when not v_begins_epoch and (p_seal.last_xid, p_seal.last_event_id) <= (p_before.last_xid, p_before.last_event_id) then
      'ends before the seal before it does'
  end;
  if v_problem is not null then
    return next row(p_seal.seal_number, p_seal.event_count, null, v_problem)::ledger.seal_problem;
    return;
  end if;
  if p_seal.previous_hash <> p_before.hash then
    return next row(p_seal.seal_number, p_seal.event_count, null, 'does not continue the seal before it')::ledger.seal_problem;
  end if;

  -- one event too many is enough to know: what was inserted does not fill the memory
  select count(*), string_agg(e.line, e'\n'), array_agg(e.id), string_agg(ledger.event_fingerprint(e.line), ''), max(e.id)
  into v_events, v_lines, v_event_ids, v_fingerprints, v_highest_id
  from (select u.id, ledger.event_canonical(u) as line
        from ledger.events_under_seal(p_before, p_seal) u limit p_seal.event_count + 1) e;
  if v_events = p_seal.event_count
     and p_seal.hash in (ledger.seal_hash(p_seal.previous_hash, v_lines), ledger.seal_hash(p_before.hash, v_lines)) then
    select f.* into v_list from public.event_fingerprints f where f.seal_hash = p_seal.hash;
    v_problem := case
      when v_events = 0 then null
      when (p_seal.first_event_id, p_seal.highest_event_id) is distinct from (v_event_ids[1], v_highest_id) then
        'names another first or highest event than it covers'
      when v_list.seal_hash is null then 'holds, but the list of its events is gone'
      when (v_list.event_ids, v_list.fingerprints) is distinct from (v_event_ids, v_fingerprints) then
        'holds, but the list of its events was changed'
    end;
    if v_problem is not null then
      return next row(p_seal.seal_number, p_seal.event_count, null, v_problem)::ledger.seal_problem;
    end if;
    return;
  end if;
  return query
    select p_seal.seal_number, p_seal.event_count, m.event_id, m.problem from ledger.seal_misfits(p_before, p_seal) m;
  if not found then
    return next row(p_seal.seal_number, p_seal.event_count, null, case
      when v_events > p_seal.event_count then format('covers %s events, more are there', p_seal.event_count)
      when v_events < p_seal.event_count then format('covers %s events, %s are there', p_seal.event_count, v_events)
      else 'has another hash than its events: they or the seal were remade' end)::ledger.seal_problem;
  end if;
end $function$;

CREATE OR REPLACE FUNCTION ledger.seal_witnesses()
  RETURNS TABLE (
    subject  text,
    expected text,
    found    text
  )
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  (select format('seal %s', o.payload ->> 'seal_number'), o.payload ->> 'hash', coalesce(encode(s.hash, 'hex'), 'gone')
   from ledger.outbox o
   left join public.event_seals s on s.seal_number::text = o.payload ->> 'seal_number'
   where o.type = 'events.sealed' and encode(s.hash, 'hex') is distinct from o.payload ->> 'hash'
   order by o.id
   limit 20)
  union all
  select format('the seal over events %s to %s', f.event_ids[1], f.event_ids[cardinality(f.event_ids)]), encode(f.seal_hash, 'hex'), 'gone'
  from public.event_fingerprints f
  where not exists (select from public.event_seals s where s.hash = f.seal_hash)
    and not exists (select from ledger.outbox o where o.type = 'events.sealed' and o.payload ->> 'hash' = encode(f.seal_hash, 'hex'));
$function$;

CREATE OR REPLACE FUNCTION ledger.seals_of_report()
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (
    select jsonb_build_object('seal_number', s.seal_number, 'sealed_at', s.sealed_at, 'highest_event_id', s.highest_event_id,
                              'unsealed_events', ledger.unsealed_events(10000))
    from (values (1)) one (row)
    left join (select n.* from public.event_seals n order by n.seal_number desc limit 1) s on true);
end $function$;

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
    -- nobody had brought the customer of an imported order that is older than the referral
    select r.* into v_referral from public.referrals r where r.referee_user_id = p_order.user_id and r.created_at <= p_order.created_at;
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
      'refund_id', p_refund.id, 'currency', p_refund.currency, 'payout_amount', p_refund.payout_amount, 'payout_status', p_action, 'refunded_change', v_refunded,
      'payment_status', v_order.payment_status, 'outstanding_amount', v_order.outstanding_amount, 'reference', p_reference),
    p_actor, p_correlation_id);
  v_settled.transaction_id := v_transaction.id;
  v_settled.available_balance := v_transaction.balance_after;
  return v_settled;
end $function$;

CREATE OR REPLACE FUNCTION ledger.silence_of_schedule (
  p_schedule text
)
  RETURNS interval
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return case
    when p_schedule ~ '^(\d+ seconds?|\* \* \* \* \*)$' then interval '15 minutes'
    when p_schedule ~ '^\*/\d+ \* \* \* \*$' then interval '15 minutes' + substring(p_schedule from '\d+')::integer * interval '3 minutes'
    when p_schedule ~ '^\S+ \* \* \* \*$' then interval '3 hours'
    when p_schedule ~ '^\S+ \S+ \* \* \*$' then interval '50 hours'
    when p_schedule ~ '^\S+ \S+ \* \* \S+$' then interval '15 days'
    when p_schedule ~ '^\S+ \S+ \S+ \* \S+$' then interval '63 days'
    when p_schedule ~ '^\S+ \S+ \S+ \*/\d+ \S+$' then interval '7 days' + substring(p_schedule from '^\S+ \S+ \S+ \*/(\d+)')::integer * interval '31 days'
    -- months that are named may be a year apart
    else interval '400 days'
  end;
end $function$;

CREATE OR REPLACE FUNCTION ledger.start_seal_epoch()
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_last public.event_seals;
begin
  lock table public.immutable_events, public.event_seals in share row exclusive mode;
  v_last := ledger.seal_before(null);
  if v_last.seal_number = 0 then
    raise exception 'there are no seals yet, so there is no epoch to end';
  end if;
  v_last := ledger.seal_below(v_last, 9223372036854775807, 10000, null);

  -- the old epoch ends at the highest id that came with the dump; what this cluster has written
  -- since has higher ids, whatever its transaction ids are
  perform set_config('ledger.procedure', 'start_seal_epoch', true);
  insert into public.event_seals
    (seal_number, epoch, epoch_after_event_id, last_xid, last_event_id, first_event_id, highest_event_id, event_count, previous_hash, hash)
  select v_last.seal_number + 1, v_last.epoch + 1, max(s.highest_event_id), 0, 0, null, max(s.highest_event_id), 0, v_last.hash,
         ledger.seal_hash(v_last.hash, null)
  from public.event_seals s;
  perform set_config('ledger.procedure', '', true);
end $function$;

CREATE OR REPLACE FUNCTION ledger.state_of_order (
  p_order_id uuid
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  select jsonb_build_object('status', m.status, 'payment_status', m.payment_status, 'stage', m.stage, 'paid_amount', m.paid_amount,
                            'amount_due', m.amount_due, 'available_balance', a.available_balance)
  from public.order_management m
  join public.accounts a on a.id = m.account_id
  where m.order_id = p_order_id;
$function$;

CREATE OR REPLACE FUNCTION ledger.status_of_stage (
  p_stage       text,
  p_of_customer text
)
  RETURNS text
  LANGUAGE sql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO 'pg_catalog', 'pg_temp'
RETURN CASE p_stage WHEN 'finance_pending'::text THEN 'pending'::text WHEN 'finance_review'::text THEN 'pending'::text WHEN 'bank_transfer_grace'::text THEN 'pending'::text WHEN
  'awaiting_confirmation'::text THEN 'pending'::text WHEN 'warehouse_ready'::text THEN 'confirmed'::text WHEN 'warehouse_processing'::text THEN 'processing'::text WHEN
  'logistics_dispatched'::text THEN CASE WHEN (COALESCE(p_of_customer, 'shipped'::text) = 'shipped'::text) THEN 'shipped'::text ELSE 'delivered'::text END ELSE p_stage END;

CREATE OR REPLACE FUNCTION ledger.status_rank (
  p_status text
)
  RETURNS integer
  LANGUAGE sql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO 'pg_catalog', 'pg_temp'
RETURN array_position(ARRAY['pending'::text, 'confirmed'::text, 'processing'::text, 'shipped'::text, 'delivered'::text], p_status);

CREATE OR REPLACE FUNCTION ledger.step_of_status (
  p_from           public.orders,
  p_to             public.orders,
  p_transaction_id uuid          DEFAULT NULL::uuid
)
  RETURNS jsonb
  LANGUAGE sql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO 'pg_catalog', 'pg_temp'
RETURN CASE WHEN ((p_from).status = (p_to).status) THEN '[]'::jsonb ELSE
  jsonb_build_array(jsonb_strip_nulls(jsonb_build_object('step', 'status_changed', 'from', (p_from).status, 'to', (p_to).status, 'transaction_id', p_transaction_id))) END;

CREATE OR REPLACE FUNCTION ledger.strays_before (
  p_before public.event_seals,
  p_seal   public.event_seals
)
  RETURNS bigint
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  select count(*)
  from public.immutable_events e
  where e.id <= p_seal.epoch_after_event_id
    and (p_before.seal_number = 0
         or (e.id > p_before.epoch_after_event_id and e.written_by_xid >= p_before.last_xid
             and (e.written_by_xid, e.id) > (p_before.last_xid, p_before.last_event_id)));
$function$;

CREATE OR REPLACE FUNCTION ledger.strays_behind (
  p_newest public.event_seals
)
  RETURNS bigint
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
  select count(*)
  from public.immutable_events e
  where e.written_by_xid <= 0
     or e.id > p_newest.epoch_after_event_id and e.written_by_xid >= greatest((pg_snapshot_xmax(pg_current_snapshot())::text)::bigint, (pg_current_xact_id_if_assigned()::text)::bigint + 1);
$function$;

CREATE OR REPLACE FUNCTION ledger.streams_of_accounts (
  p_account_ids uuid[]
)
  RETURNS TABLE (
    stream_id uuid
  )
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return query
    select a.id from public.accounts a where a.id = any (p_account_ids)
    union
    select o.id from public.accounts a join public.orders o on o.user_id = a.user_id and o.account_id = a.id where a.id = any (p_account_ids)
    union
    -- also of orders and the like whose rows are gone
    select n.id from public.transactions t cross join lateral (values (t.order_id), (t.reference_id)) n (id)
    where t.account_id = any (p_account_ids) and n.id is not null
    union
    select p.id from public.payments p where p.account_id = any (p_account_ids)
    union
    select i.id from public.invoices i where i.account_id = any (p_account_ids)
    union
    select w.id from public.withdrawals w where w.account_id = any (p_account_ids)
    union
    select p.id from public.payment_receipts p where p.account_id = any (p_account_ids)
    union
    select n.id from public.accounts a join public.stock_reservations n on n.user_id = a.user_id and n.account_id = a.id where a.id = any (p_account_ids)
    union
    -- a vendor's own, also what somebody earned who is its owner no more
    select v.id from public.accounts a join public.vendors v on v.owner_user_id = a.user_id where a.id = any (p_account_ids)
    union
    select n.vendor_id from public.vendor_earnings n where n.account_id = any (p_account_ids);
end $function$;

CREATE OR REPLACE FUNCTION ledger.streams_of_variants (
  p_variant_ids uuid[]
)
  RETURNS TABLE (
    stream_id uuid
  )
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return query
    select v.id from unnest(p_variant_ids) v (id)
    union
    select m.order_id from public.stock_movements m where m.variant_id = any (p_variant_ids) and m.order_id is not null
    union
    -- those that ended hold nothing
    select l.reservation_id
    from public.stock_reservations r
    join public.stock_reservation_lines l on l.reservation_id = r.id
    where r.status = 'active' and l.variant_id = any (p_variant_ids);
end $function$;

CREATE OR REPLACE FUNCTION ledger.switch_off_failing_repairs()
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_flag public.feature_flags;
  v_failed bigint;
  v_tried bigint;
  v_run_id uuid;
begin
  select f.* into v_flag from public.feature_flags f where f.key = 'active_reconciliation';
  select count(*) filter (where a.status = 'failed'), count(*), (array_agg(a.run_id order by a.updated_at desc) filter (where a.status = 'failed'))[1]
  into v_failed, v_tried, v_run_id
  from public.reconciliation_actions a
  where a.status in ('applied', 'failed', 'undone') and a.updated_at > v_flag.updated_at and coalesce(a.applied_at, a.updated_at) > v_flag.updated_at;
  if v_flag.state <> 'off' and v_failed * 100 > v_tried * ledger.setting_text('reconciliation_failure_percent')::bigint then
    perform ledger.change_flag('active_reconciliation', 'off', 0, format('%s of %s repairs failed', v_failed, v_tried), null, v_run_id);
    perform ledger.raise_alert('reconciliation_failures', 'active_reconciliation', v_failed, jsonb_build_object('failed', v_failed, 'tried', v_tried, 'run_id', v_run_id));
  elsif v_failed = 0 and v_tried > 0 then
    perform ledger.resolve_alerts('reconciliation_failures', '{}');
  end if;
end $function$;

CREATE OR REPLACE FUNCTION ledger.take_kpi_snapshot()
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_phase text := current_setting('ledger.procedure', true);
  v_count integer;
begin
  perform set_config('ledger.procedure', 'take_kpi_snapshot', true);
  insert into public.kpi_snapshots (metric, taken_at, value, details)
  select v.metric, v.taken_at, v.value, v.details from ledger.kpi_values(clock_timestamp()) v;
  get diagnostics v_count = row_count;
  perform set_config('ledger.procedure', coalesce(v_phase, ''), true);
  return v_count;
end $function$;

CREATE OR REPLACE FUNCTION ledger.transaction_of_status (
  p_event_type  text,
  p_from_status text,
  p_to_status   text
)
  RETURNS text
  LANGUAGE sql
  IMMUTABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
RETURN CASE WHEN ((p_event_type = 'order.placed'::text) AND (p_to_status = ANY (ARRAY['pending'::text, 'confirmed'::text, 'processing'::text]))) THEN 'order_created'::text WHEN
  ((p_event_type = 'order.refunded'::text) AND (p_to_status = p_from_status)) THEN 'order_refunded'::text WHEN
  ((p_event_type <> 'order.status_changed'::text) OR (p_to_status = p_from_status)) THEN 'none'::text WHEN (p_to_status = ANY (ARRAY['cancelled'::text, 'refunded'::text])) THEN
  ('order_'::text || p_to_status) WHEN (p_to_status = ANY (ARRAY['confirmed'::text, 'processing'::text, 'shipped'::text, 'delivered'::text, 'rejected'::text])) THEN
  'order_status_changed'::text ELSE 'none'::text END;

CREATE OR REPLACE FUNCTION ledger.problem_of_status_changes (
  p_order_id uuid
)
  RETURNS text
  LANGUAGE sql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
RETURN
  (SELECT format('the event says %s to %s, its transaction %s: %s'::text, (e.payload ->> 'from_status'::text), (e.payload ->> 'to_status'::text), COALESCE(t.type, 'is gone'::text),
  t.actor_action) AS format FROM (public.immutable_events e LEFT JOIN public.transactions t ON ((t.id = ((e.payload ->> 'transaction_id'::text))::uuid)))
  WHERE
  ((e.stream_id = problem_of_status_changes.p_order_id) AND (e.stream_type = 'order'::text) AND (e.event_type = ANY (ARRAY['order.placed'::text, 'order.status_changed'::text,
  'order.refunded'::text])) AND
  ((t.id IS NULL) OR (t.order_id IS DISTINCT FROM problem_of_status_changes.p_order_id) OR ((t.type <> ledger.transaction_of_status(e.event_type, (e.payload ->>
  'from_status'::text),
  (e.payload ->> 'to_status'::text))) AND ((t.actor_action IS DISTINCT FROM 'imported'::text) OR (t.type <> ALL (ARRAY['order_created'::text, 'order_status_changed'::text])))) OR
  ((t.actor_action ~ '^order [a-z]+ to [a-z]+$'::text) AND (t.actor_action <> format('order %s to %s'::text, (e.payload ->> 'from_status'::text), (e.payload ->>
  'to_status'::text)))))) ORDER BY e.id LIMIT 1);

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
    'order_created', 'order_edited', 'order_paid_from_wallet', 'order_status_changed', 'order_shipped', 'order_cancelled', 'order_refunded',
    'payment_recorded', 'payment_voided', 'refund_paid_out', 'refund_failed', 'refund_withdrawn', 'vendor_earned', 'vendor_clawed_back',
    'withdrawal_requested', 'withdrawal_approved', 'withdrawal_paid', 'withdrawal_rejected', 'withdrawal_cancelled',
    'commission_earned', 'commission_clawed_back',
    'invoice_issued', 'invoice_credited', 'invoice_voided', 'invoice_changed', 'payment_allocated', 'allocation_reversed', 'payment_released',
    'payment_charged_back', 'payment_imported', 'grace_granted', 'grace_ended', 'credit_terms_set'];
end $function$;

CREATE OR REPLACE FUNCTION ledger.try_order_fix (
  p_order_id uuid,
  p_actor    ledger.actor
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_order public.orders;
  v_claim public.imported_order_claims;
  v_before jsonb := ledger.state_of_order(p_order_id);
  v_started timestamptz := clock_timestamp();
  v_claimed jsonb;
  v_problems text[];
  v_steps jsonb;
  v_refusal jsonb;
begin
  select o.* into v_order from public.orders o where o.id = p_order_id;
  select c.* into v_claim from public.imported_order_claims c where c.order_id = p_order_id and c.settled_at is null for no key update;
  v_problems := case when v_claim.order_id is null then '{}' else ledger.problems_left(v_claim, v_order) end;
  v_claimed := case when v_claim.order_id is not null then jsonb_strip_nulls(jsonb_build_object(
    'problems', v_claim.problems, 'status', v_claim.claimed_status, 'wallet_amount', nullif(v_claim.wallet_amount, 0), 'receipt_id', v_claim.receipt_id)) end;

  if v_claim.order_id is not null then
    begin
      v_steps := ledger.fix_imported_order(v_claim, v_order, p_actor);
      if v_claim.claimed_status in ('shipped', 'delivered') then
        perform ledger.drop_messages_of_old_goods(p_order_id, v_started);
      end if;
      update public.imported_order_claims c set settled_at = clock_timestamp(), settled_by = p_actor.user_id where c.order_id = p_order_id;
      perform ledger.record_operation('integrity.order_fixed', 'order', v_order.id, v_order.account_id,
        jsonb_build_object('order_number', v_order.order_number, 'user_id', v_order.user_id, 'currency', v_order.currency, 'claimed', v_claimed,
          'problems', v_problems, 'found', v_before - 'available_balance', 'steps', v_steps,
          'became', ledger.state_of_order(p_order_id) - 'available_balance'),
        p_actor, ledger.correlation_id());
    exception
      when sqlstate 'LREFU' then
        v_refusal := sqlerrm::jsonb;
      when others then
        v_refusal := ledger.refuse('bulk_item_failed', jsonb_build_object('order_id', p_order_id, 'problem', sqlerrm, 'sqlstate', sqlstate));
    end;
    if v_refusal is not null then
      v_steps := null;
      update public.imported_order_claims c set tried_at = clock_timestamp() where c.order_id = p_order_id;
    end if;
  end if;

  return jsonb_build_object(
    'order_id', v_order.id, 'order_number', v_order.order_number, 'user_id', v_order.user_id, 'currency', v_order.currency,
    'problems', v_problems, 'claimed', v_claimed, 'steps', coalesce(v_steps, '[]'),
    'outcome', case when v_refusal is not null then 'refused' when coalesce(v_steps, '[]') = '[]' then 'nothing_to_do' else 'fixed' end,
    'error_code', v_refusal -> 'error_code', 'error_message', v_refusal -> 'error_message', 'error_details', v_refusal -> 'error_details',
    'before', v_before, 'after', ledger.state_of_order(p_order_id));
end $function$;

CREATE OR REPLACE FUNCTION ledger.try_repair (
  p_action public.reconciliation_actions
)
  RETURNS public.reconciliation_actions
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_repair ledger.repair := ledger.repair_of(p_action.repair, p_action.subject);
begin
  if v_repair.problem is not null or ledger.changes_of_lines(v_repair.lines) is distinct from ledger.changes_of_lines(p_action.plan) then
    p_action.status := 'stale';
    p_action.error_code := 'stale';
    p_action.error_message := coalesce(v_repair.problem, 'what there is to mend is not what was planned');
  end if;
  return p_action;
end $function$;

CREATE OR REPLACE FUNCTION ledger.units_to_restock (
  p_order     public.orders,
  p_return_id uuid,
  p_lines     jsonb
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  return (select coalesce(jsonb_agg(jsonb_build_object('variant_id', a.variant_id, 'quantity', a.restocked_quantity) order by a.line_number), '[]')
          from ledger.arriving_lines(p_order, p_return_id, p_lines) a
          where a.restocked_quantity > 0);
end $function$;

CREATE OR REPLACE FUNCTION ledger.unsealed_events (
  p_at_most bigint DEFAULT NULL::bigint
)
  RETURNS bigint
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_last public.event_seals;
begin
  select s.* into v_last from public.event_seals s order by s.seal_number desc limit 1;
  return (
    select count(*)
    from (select from public.immutable_events e
          where e.written_by_xid >= coalesce(v_last.last_xid, 0)
            and (e.written_by_xid, e.id) > (coalesce(v_last.last_xid, 0), coalesce(v_last.last_event_id, 0))
            and e.id > coalesce(v_last.epoch_after_event_id, 0)
          limit p_at_most) u);
end $function$;

CREATE OR REPLACE FUNCTION ledger.verify_next_seals (
  p_for interval DEFAULT '00:00:20'::interval
)
  RETURNS bigint
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_newest bigint := (ledger.seal_before(null)).seal_number;
  v_from bigint := (select case when q.last_value < v_newest then q.last_value + 1 else 1 end from ledger.verified_seal_seq q);
  v_looked_at ledger.seal_problem[];
  v_to bigint;
  v_subject record;
  v_subjects text[] := array[]::text[];
begin
  -- look
  select coalesce(array_agg(v) filter (where v.problem is not null), '{}'), coalesce(max(v.seal_number), v_newest)
  into v_looked_at, v_to
  from ledger.verify_seals(v_from, null, null, clock_timestamp() + p_for) v;

  -- write: an alert for each of the first seals, and one for all others
  for v_subject in
    select s.subject, count(*) as problems, jsonb_agg(s.problem order by s.n) filter (where s.n <= 20) as first_problems
    from (select p.problem, row_number() over () as n,
                 case when p.seal_number is null then 'events without a seal' when dense_rank() over (order by p.seal_number) <= 20 then format('seal %s', p.seal_number)
                      else 'further seals' end as subject
          from unnest(v_looked_at) p) s
    group by s.subject
    order by s.subject
  loop
    v_subjects := v_subjects || v_subject.subject;
    perform ledger.raise_alert('seals_do_not_hold', v_subject.subject, v_subject.problems, jsonb_build_object('problems', coalesce(v_subject.first_problems, '[]')));
  end loop;
  -- what was not looked at in this run is as it was
  perform ledger.resolve_alerts('seals_do_not_hold', v_subjects || array(
    select a.subject from public.alerts a
    where a.rule_code = 'seals_do_not_hold' and a.status <> 'resolved'
      and case when a.subject ~ '^seal \d{1,18}$' then substr(a.subject, 6)::bigint not between v_from and v_to else v_from > 1 or v_to < v_newest end));
  perform setval('ledger.verified_seal_seq', v_to);
  return cardinality(v_looked_at);
end $function$;

CREATE OR REPLACE FUNCTION ledger.verify_seals (
  p_from  bigint                   DEFAULT 1,
  p_to    bigint                   DEFAULT NULL::bigint,
  p_limit bigint                   DEFAULT NULL::bigint,
  p_until timestamp with time zone DEFAULT 'infinity'::timestamp WITH time zone
)
  RETURNS SETOF ledger.seal_problem
  LANGUAGE plpgsql
  STABLE
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_before public.event_seals := ledger.seal_before(p_from);
  v_newest public.event_seals := ledger.seal_before(null);
  v_seal public.event_seals;
  v_holds boolean;
  v_strays bigint;
begin
  for v_seal in
    select s.* from public.event_seals s where s.seal_number >= p_from and (p_to is null or s.seal_number <= p_to) order by s.seal_number limit p_limit
  loop
    -- a row that makes it fail is named as any other
    begin
      return query select * from ledger.seal_problems(v_before, v_seal);
      v_holds := not found;
    exception when others then
      v_holds := false;
      return next row(v_seal.seal_number, v_seal.event_count, null, format('cannot be recomputed (%s)', sqlstate))::ledger.seal_problem;
    end;
    if v_holds then
      return next row(v_seal.seal_number, v_seal.event_count, null, null)::ledger.seal_problem;
    end if;
    if v_before.seal_number = 0 or v_seal.epoch <> v_before.epoch then
      v_strays := ledger.strays_before(v_before, v_seal);
      if v_strays > 0 then
        return next row(null, v_strays, null, format('%s events were inserted where no seal reaches', v_strays))::ledger.seal_problem;
      end if;
    end if;
    v_before := v_seal;
    exit when clock_timestamp() > p_until;
  end loop;

  if v_before.seal_number <> v_newest.seal_number then
    return;
  end if;
  if v_newest.seal_number > 0 then
    v_strays := ledger.strays_behind(v_newest);
    if (pg_snapshot_xmin(pg_current_snapshot())::text)::bigint < v_newest.last_xid then
      return next row(null, v_strays, null, 'the database was restored into another cluster: call ledger.start_seal_epoch()')::ledger.seal_problem;
    elsif v_strays > 0 then
      return next row(null, v_strays, null, format('%s events were inserted where no seal reaches', v_strays))::ledger.seal_problem;
    end if;
  end if;
  return query
    select null::bigint, null::integer, null::bigint, format(case w.found when 'gone' then '%s was told of and is gone' else '%s is another than was told' end, w.subject)
    from ledger.seal_witnesses() w;
end $function$;

CREATE OR REPLACE FUNCTION ledger.wallet_part_left (
  p_claim public.imported_order_claims,
  p_order public.orders
)
  RETURNS bigint
  LANGUAGE sql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO 'pg_catalog', 'pg_temp'
RETURN CASE WHEN ((p_order).status = ANY (ARRAY['rejected'::text, 'cancelled'::text, 'refunded'::text])) THEN (0)::bigint ELSE
  GREATEST(LEAST(((p_claim).wallet_amount - (p_order).wallet_amount), (p_order).amount_due), (0)::bigint) END;

CREATE OR REPLACE FUNCTION ledger.watch_job_again()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
begin
  new.watched_since := clock_timestamp();
  return new;
end $function$;

CREATE OR REPLACE FUNCTION ledger.watch_jobs_anew (
  p_watcher text
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_phase text := coalesce(current_setting('ledger.procedure', true), '');
begin
  if not exists (select from ledger.jobs j where j.name = p_watcher and j.is_silent) then
    return;
  end if;
  perform set_config('ledger.procedure', 'run_job', true);
  -- who is at its end has succeeded
  update ledger.scheduled_jobs j set watched_since = clock_timestamp()
  where j.name in (select s.name from ledger.scheduled_jobs s order by s.name for no key update skip locked);
  perform set_config('ledger.procedure', v_phase, true);
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
  v_run.limit_ppm := (select r.limit_value from public.alert_rules r where r.code = 'debt_drift_ppm_limit');
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

CREATE OR REPLACE FUNCTION ledger.write_imported_receipts (
  p_run    public.import_runs,
  p_orders public.orders[]
)
  RETURNS ledger.imported_claim[]
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_claims ledger.imported_claim[] := ledger.draft_imported_claims(p_run, p_orders);
begin
  insert into public.payment_receipts (id, account_id, user_id, order_id, currency, amount, reference, submitted_at, created_at)
  select c.receipt_id, c.account_id, c.user_id, c.order_id, c.currency, c.receipt_amount, c.receipt_reference, c.created_at, c.created_at
  from unnest(v_claims) c
  where c.receipt_id is not null;
  update public.orders o set payment_status = 'receipt_uploaded'
  from unnest(v_claims) c
  where o.account_id = c.account_id and o.id = c.order_id and c.receipt_id is not null;
  return v_claims;
end $function$;

CREATE OR REPLACE FUNCTION ledger.write_repair (
  p_lines jsonb
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_row record;
  v_is_written boolean;
  v_rows jsonb := '[]'::jsonb;
begin
  for v_row in
    select l.line ->> 'relation' as relation, l.line -> 'key' as key, l.line ->> 'column' is null as is_whole,
           case when l.line ->> 'column' is null then nullif((array_agg(l.line -> 'from'))[1], 'null') else jsonb_object_agg(coalesce(l.line ->> 'column', ''), l.line -> 'from') end as old,
           case when l.line ->> 'column' is null then nullif((array_agg(l.line -> 'to'))[1], 'null') else jsonb_object_agg(coalesce(l.line ->> 'column', ''), l.line -> 'to') end as new
    from jsonb_array_elements(p_lines) with ordinality l (line, place)
    group by 1, 2, 3
    order by min(l.place)
  loop
    v_is_written := ledger.write_repair_row(format('public.%I', v_row.relation)::regclass, v_row.key, v_row.is_whole, v_row.old, v_row.new);
    if not v_is_written then
      raise exception using errcode = 'OL002', message = format('%s %s is not as the repair says any more', v_row.relation, v_row.key);
    end if;
    v_rows := v_rows || jsonb_build_array(jsonb_build_object('relation', v_row.relation, 'key', v_row.key));
  end loop;
  return jsonb_build_object(
    'lines', (select jsonb_agg(l.line || jsonb_build_object('from', l.line -> 'to', 'to', l.line -> 'from') order by l.place desc)
              from jsonb_array_elements(p_lines) with ordinality l (line, place)),
    'rows', (select jsonb_agg(r.value || jsonb_build_object('digest', ledger.digest_of_row(format('public.%I', r.value ->> 'relation')::regclass, r.value -> 'key')))
             from jsonb_array_elements(v_rows) r));
end $function$;

CREATE OR REPLACE FUNCTION ledger.write_repair_row (
  p_table    regclass,
  p_key      jsonb,
  p_is_whole boolean,
  p_from     jsonb,
  p_to       jsonb
)
  RETURNS boolean
  LANGUAGE plpgsql
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_count bigint;
begin
  if p_is_whole then
    execute ledger.repair_whole_row(p_table, p_from, p_to) using p_from, p_to;
  else
    execute ledger.repair_update(p_table, p_key, p_to) using p_key, p_from, p_to;
  end if;
  get diagnostics v_count = row_count;
  return v_count = 1;
end $function$;

CREATE OR REPLACE FUNCTION public.integrity_checkpoint()
  RETURNS SETOF public.integrity_checkpoint_result
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_seal public.event_seals;
begin
  -- who may
  perform ledger.require_permission(ledger.current_actor(), 'audit.read');

  -- answer
  v_seal := ledger.seal_before(null);
  return next row(
    true, null, null, null, null,
    v_seal.seal_number, encode(v_seal.hash, 'hex'), v_seal.epoch, v_seal.last_event_id,
    (select coalesce(sum(s.event_count), 0) from public.event_seals s), v_seal.sealed_at,
    format('%s/%s', (select c.system_identifier from pg_control_system() c), current_database()))::public.integrity_checkpoint_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."integrity_checkpoint"() FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.integrity_emergency_order_fix (
  p_user_id         uuid    DEFAULT NULL::uuid,
  p_order_numbers   text[]  DEFAULT NULL::text[],
  p_dry_run         boolean DEFAULT true,
  p_idempotency_key text    DEFAULT NULL::text,
  p_actor_id        uuid    DEFAULT NULL::uuid
)
  RETURNS SETOF public.integrity_emergency_order_fix_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_key text := case when p_dry_run is false then p_idempotency_key end;
  v_request jsonb := jsonb_build_array(p_user_id, p_order_numbers, p_actor_id);
  v_answer jsonb;
  v_order_ids uuid[];
  v_order_id uuid;
  v_result public.integrity_emergency_order_fix_result;
begin
  -- who may
  v_actor := ledger.actor_with(p_actor_id, 'integrity.repair');

  -- asked before; a dry run leaves no key
  v_answer := ledger.idempotency_begin('integrity_emergency_order_fix', v_key, v_actor.caller_id, v_request);

  -- check the call; the orders are checked one by one
  v_answer := coalesce(v_answer, ledger.refuse_order_fix(p_user_id, p_order_numbers, p_dry_run));
  if v_answer is not null then
    return next jsonb_populate_record(null::public.integrity_emergency_order_fix_result, v_answer);
    return;
  end if;

  -- lock: orders, accounts, for all of them before the first is changed; two calls at once find each order once
  v_order_ids := case when p_order_numbers is not null
    then array(select o.id from public.orders o where o.order_number = any (p_order_numbers) order by o.id)
    else array(select c.order_id from ledger.claims_to_fix(p_user_id) c order by c.tried_at nulls first, c.order_id limit 100) end;
  perform ledger.lock_for_bulk_change(v_order_ids, 'delivered');

  -- write: each order whole or not at all, the oldest first
  v_result := row(true, null, null, null, null, p_dry_run, 0, 0, 0, 0, '[]'::jsonb);
  begin
    perform set_config('ledger.procedure', 'integrity_emergency_order_fix', true);
    for v_order_id in select u.id from unnest(v_order_ids) u (id) order by u.id loop
      v_result.orders := v_result.orders || ledger.try_order_fix(v_order_id, v_actor);
    end loop;
    if p_dry_run then
      set constraints all immediate;
      raise exception using errcode = 'LDRY0';
    end if;
  exception when sqlstate 'LDRY0' then
    -- nothing has happened, so nothing of it has an id
    v_result.orders := (
      select coalesce(jsonb_agg(e.value || jsonb_build_object(
          'outcome', case e.value ->> 'outcome' when 'fixed' then 'planned' else e.value ->> 'outcome' end,
          'steps', (select coalesce(jsonb_agg(s.value - '{transaction_id,payment_id}'::text[] order by s.ordinality), '[]')
                    from jsonb_array_elements(e.value -> 'steps') with ordinality s)) order by e.ordinality), '[]')
      from jsonb_array_elements(v_result.orders) with ordinality e);
  end;

  -- answer, stored under the key
  select count(*) filter (where cardinality(p.problems) > 0), count(*) filter (where p.outcome = 'fixed'), count(*) filter (where p.outcome = 'refused')
  into v_result.found_orders, v_result.fixed_orders, v_result.refused_orders
  from jsonb_to_recordset(v_result.orders) as p (problems text[], outcome text);
  v_result.remaining_orders := (
    select count(*) from ledger.claims_to_fix(p_user_id) c where p_order_numbers is null or c.order_id = any (v_order_ids));
  if not ledger.has_permission(v_actor, 'accounts.read') then
    v_result.orders := (
      select coalesce(jsonb_agg(e.value #- '{before,available_balance}' #- '{after,available_balance}' order by e.ordinality), '[]')
      from jsonb_array_elements(v_result.orders) with ordinality e);
  end if;
  v_answer := ledger.idempotency_end('integrity_emergency_order_fix', v_key, v_actor.caller_id, v_request, null, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."integrity_emergency_order_fix"(uuid, text[], boolean, text, uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.integrity_replay (
  p_account_id uuid    DEFAULT NULL::uuid,
  p_order_id   uuid    DEFAULT NULL::uuid,
  p_variant_id uuid    DEFAULT NULL::uuid,
  p_all        boolean DEFAULT false
)
  RETURNS SETOF public.integrity_replay_result
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_all boolean := coalesce(p_all, false);
  v_refusal jsonb;
  v_result public.integrity_replay_result;
begin
  -- who may
  perform ledger.require_permission(ledger.current_actor(), 'audit.read');

  -- check: one thing is asked, and somebody has heard of it; a row that is gone is still in the events
  v_refusal := case
    when num_nonnulls(p_account_id, p_order_id, p_variant_id) + v_all::integer <> 1 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_account_id, p_order_id, p_variant_id, p_all', 'problem', 'exactly one of them'))
    when p_account_id is not null and not exists (select from public.accounts a where a.id = p_account_id)
      and not exists (select from ledger.replayed_accounts(array[p_account_id])) then
      ledger.refuse('account_not_found', jsonb_build_object('account_id', p_account_id))
    when p_order_id is not null and not exists (select from public.orders o where o.id = p_order_id)
      and not exists (select from ledger.replayed_orders(array[p_order_id])) then
      ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id))
    when p_variant_id is not null and not exists (select from public.stock_levels s where s.variant_id = p_variant_id)
      and not exists (select from ledger.replayed_stock(array[p_variant_id])) then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_variant_id', 'problem', 'there is no such product variant'))
  end;
  if v_refusal is not null then
    return next jsonb_populate_record(v_result, v_refusal);
    return;
  end if;

  -- answer
  with compared as (
    select f.*, row_number() over (order by f.kind, f.subject, f.what) as number
    from ledger.replay_facts(
      case when not v_all then array_remove(array[p_account_id], null) end,
      case when not v_all then array_remove(array[p_order_id], null) end,
      case when not v_all then array_remove(array[p_variant_id], null) end, v_all) f)
  select count(*) filter (where c.is_recorded and c.replayed is distinct from c.stored), count(*) filter (where not c.is_recorded),
         coalesce(jsonb_agg(jsonb_build_object('kind', c.kind, 'subject', c.subject, 'what', c.what, 'replayed', c.replayed, 'stored', c.stored,
                                               'is_equal', case when c.is_recorded then c.replayed is not distinct from c.stored end)
                            order by c.number) filter (where c.number <= 1000), '[]')
  into v_result.differences, v_result.not_recorded, v_result.rows
  from compared c;
  v_result.success := true;
  v_result.accounts := case when v_all then (select count(*) from public.accounts) else num_nonnulls(p_account_id) end;
  v_result.orders := case when v_all then (select count(*) from public.orders) else num_nonnulls(p_order_id) end;
  v_result.variants := case when v_all then (select count(*) from public.variants) else num_nonnulls(p_variant_id) end;
  return next v_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."integrity_replay"(uuid, uuid, uuid, boolean) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.integrity_run (
  p_codes      text[] DEFAULT NULL::text[],
  p_scope      text   DEFAULT 'changed'::text,
  p_account_id uuid   DEFAULT NULL::uuid
)
  RETURNS SETOF public.integrity_run_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_refusal jsonb;
  v_unknown text;
  v_run public.reconciliation_runs;
  v_result public.integrity_run_result;
begin
  -- who may
  perform ledger.require_permission(ledger.current_actor(), 'audit.read');

  -- check
  v_unknown := (select string_agg(c.code, ', ') from unnest(p_codes) c (code) where not exists (select from public.integrity_checks i where i.code = c.code));
  v_refusal := case
    when p_scope is null or p_scope not in ('all', 'changed', 'account') then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_scope', 'problem', 'one of all, changed, account'))
    when (p_scope = 'account') <> (p_account_id is not null) then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_account_id', 'problem', 'given with the scope account, and only then'))
    when p_account_id is not null and not exists (select from public.accounts a where a.id = p_account_id) then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_account_id', 'problem', 'the id of an account'))
    when v_unknown is not null or array_position(p_codes, null) is not null or p_codes = '{}' then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_codes', 'problem', 'codes of integrity_checks; unknown: ' || coalesce(v_unknown, 'null')))
  end;
  if v_refusal is not null then
    return next jsonb_populate_record(v_result, v_refusal);
    return;
  end if;

  -- write, answer
  v_run := ledger.run_checks(p_codes, p_scope, p_account_id);
  v_result.success := true;
  v_result.run := to_jsonb(v_run);
  v_result.findings := (
    select coalesce(jsonb_agg(to_jsonb(f) - 'run_id' - 'created_at' order by f.check_code, f.subject), '[]')
    from (select n.* from public.integrity_findings n where n.run_id = v_run.id order by n.check_code, n.subject limit 1000) f);
  return next v_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."integrity_run"(text[], text, uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.integrity_verify_seals (
  p_seal_number bigint  DEFAULT NULL::bigint,
  p_hash        text    DEFAULT NULL::text,
  p_from_seal   bigint  DEFAULT NULL::bigint,
  p_to_seal     bigint  DEFAULT NULL::bigint,
  p_limit       integer DEFAULT NULL::integer
)
  RETURNS SETOF public.integrity_verify_seals_result
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_refusal jsonb;
  v_from bigint;
  v_result public.integrity_verify_seals_result;
begin
  -- who may
  perform ledger.require_permission(ledger.current_actor(), 'audit.read');

  -- check
  v_refusal := case
    when p_from_seal < 1 then ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_from_seal', 'problem', 'the number of a seal, from 1'))
    when p_to_seal < coalesce(p_from_seal, 1) then ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_to_seal', 'problem', 'not before p_from_seal'))
    when p_limit < 1 then ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_limit', 'problem', 'at least one seal'))
    when (p_seal_number is null) <> (p_hash is null) then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_hash', 'problem', 'given together with p_seal_number'))
  end;
  if v_refusal is not null then
    return next jsonb_populate_record(v_result, v_refusal);
    return;
  end if;

  -- answer
  v_from := least(coalesce(p_from_seal, 1), (ledger.seal_before(null)).seal_number + 1);
  v_result.newest_seal := (ledger.seal_before(null)).seal_number;
  v_result.verified_from := v_from;
  with looked_at as materialized (
    select v.seal_number, v.event_count, v.event_id, v.problem, row_number() over () as n
    from ledger.verify_seals(v_from, p_to_seal, p_limit, clock_timestamp() + interval '4 seconds') v),
  problems as (
    select l.seal_number, l.event_id, l.problem, l.n from looked_at l where l.problem is not null
    union all
    select p_seal_number, null, 'is not the seal whose hash was kept', 0
    from (select 1) one
    left join public.event_seals s on s.seal_number = p_seal_number
    where p_seal_number is not null and encode(s.hash, 'hex') is distinct from lower(p_hash))
  select coalesce(max(s.seal_number), v_from - 1), coalesce(sum(s.event_count), 0), (select count(*) from problems),
         (select coalesce(jsonb_agg(jsonb_build_object('seal_number', f.seal_number, 'event_id', f.event_id, 'problem', f.problem) order by f.n), '[]')
          from (select * from problems p order by p.n limit 1000) f)
  into v_result.verified_to, v_result.event_count, v_result.problem_count, v_result.problems
  from (select distinct l.seal_number, l.event_count from looked_at l where l.seal_number is not null) s;
  v_result.is_complete := v_result.verified_to >= least(coalesce(p_to_seal, v_result.newest_seal), v_result.newest_seal);
  v_result.success := true;
  return next v_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."integrity_verify_seals"(bigint, text, bigint, bigint, integer) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.ledger_acknowledge_alert (
  p_alert_id        uuid,
  p_notes           text DEFAULT NULL::text,
  p_idempotency_key text DEFAULT NULL::text,
  p_actor_id        uuid DEFAULT NULL::uuid
)
  RETURNS SETOF public.ledger_acknowledge_alert_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_alert public.alerts;
  v_result public.ledger_acknowledge_alert_result;
begin
  -- who may
  v_actor := ledger.actor_with(p_actor_id, 'alerts.handle');

  -- asked before
  v_request := jsonb_build_array(p_alert_id, p_notes, p_actor_id);
  v_answer := ledger.idempotency_begin('ledger_acknowledge_alert', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_acknowledge_alert_result, v_answer);
    return;
  end if;

  -- lock: alert
  select a.* into v_alert from public.alerts a where a.id = p_alert_id for no key update;

  -- check
  v_answer := case
    when v_alert.id is null then ledger.refuse('alert_not_found', jsonb_build_object('alert_id', p_alert_id))
    when length(p_notes) > 2000 then
      ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_notes', 'problem', 'at most 2000 characters'))
    when v_alert.status <> 'open' then
      ledger.refuse('alert_conflict', jsonb_build_object('status', v_alert.status, 'acknowledged_by', v_alert.acknowledged_by))
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_acknowledge_alert_result, v_answer);
    return;
  end if;

  -- write: alert
  perform set_config('ledger.procedure', 'ledger_acknowledge_alert', true);
  update public.alerts a set status = 'acknowledged', acknowledged_at = clock_timestamp(), acknowledged_by = v_actor.user_id, notes = p_notes
  where a.id = p_alert_id
  returning a.* into v_alert;

  -- record: the notes stay with the alert
  perform ledger.record_operation('alert.acknowledged', 'alert', v_alert.id, null,
    jsonb_build_object('alert_id', v_alert.id, 'rule', v_alert.rule_code, 'subject', v_alert.subject, 'value', v_alert.value,
                       'acknowledged_at', v_alert.acknowledged_at),
    v_actor, ledger.correlation_id());

  -- answer, stored under the key
  v_result := row(true, null, null, null, null, v_alert.id, v_alert.rule_code, v_alert.subject, v_alert.status, v_alert.acknowledged_at);
  v_answer := ledger.idempotency_end('ledger_acknowledge_alert', p_idempotency_key, v_actor.caller_id, v_request, null, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."ledger_acknowledge_alert"(uuid, text, text, uuid) FROM PUBLIC, "anon";

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
  v_backordered jsonb;
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
  v_backordered := ledger.backordered_units(v_order.id);
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
        'wallet_amount', v_money.taken_amount, 'returned_amount', v_money.returned_amount, 'refund_id', v_refund_id, 'notes', p_reason)
      || ledger.backordered_since(v_order.id, v_backordered),
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

CREATE OR REPLACE FUNCTION public.ledger_pay_order_from_wallet (
  p_order_id        uuid,
  p_amount          bigint DEFAULT NULL::bigint,
  p_idempotency_key text   DEFAULT NULL::text,
  p_user_id         uuid   DEFAULT NULL::uuid
)
  RETURNS SETOF public.ledger_pay_order_from_wallet_result
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
  v_account public.accounts;
  v_amount bigint;
  v_change ledger.order_change;
  v_result public.ledger_pay_order_from_wallet_result;
begin
  -- who may
  v_actor := ledger.current_actor();
  v_user_id := ledger.customer_of_call(v_actor, p_user_id, 'payments.record');

  -- asked before
  v_request := jsonb_build_array(v_user_id, p_order_id, p_amount);
  v_answer := ledger.idempotency_begin('ledger_pay_order_from_wallet', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is null and not v_actor.is_system then
    v_answer := ledger.rate_limit_take(v_actor.user_id, 'ledger_pay_order_from_wallet');
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_pay_order_from_wallet_result, v_answer);
    return;
  end if;

  -- lock: order, account
  select o.* into v_order from public.orders o where o.id = p_order_id and o.user_id = v_user_id for no key update;
  select a.* into v_account from public.accounts a where a.id = v_order.account_id for no key update;

  -- check
  v_amount := coalesce(p_amount, v_order.amount_due);
  v_answer := case
    when v_user_id is null then ledger.refuse('customer_required')
    when v_order.id is null then ledger.refuse('order_not_found', jsonb_build_object('order_id', p_order_id))
    else ledger.refuse_wallet_payment(v_order, v_account, v_amount)
  end;
  if v_answer is not null then
    return next jsonb_populate_record(null::public.ledger_pay_order_from_wallet_result, v_answer);
    return;
  end if;

  -- write and record
  perform set_config('ledger.procedure', 'ledger_pay_order_from_wallet', true);
  v_change := ledger.pay_from_wallet(v_order, v_amount, v_actor, 'paid from the wallet', ledger.correlation_id());

  -- answer, stored under the key
  v_result := row(true, v_change.transaction_id, null, null, null, v_order.id, v_order.order_number, v_amount, v_change.order_status,
                  v_change.payment_status, v_change.outstanding_amount,
                  case when v_actor.user_id = v_user_id or ledger.has_permission(v_actor, 'accounts.read') then v_change.available_balance end);
  v_answer := ledger.idempotency_end('ledger_pay_order_from_wallet', p_idempotency_key, v_actor.caller_id, v_request, v_order.account_id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."ledger_pay_order_from_wallet"(uuid, bigint, text, uuid) FROM PUBLIC, "anon";

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
  v_payload jsonb;
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
  v_payload := jsonb_build_object(
    'order_number', v_order_number, 'user_id', v_user_id, 'currency', v_pricing.currency, 'from_status', null,
    'to_status', v_status, 'payment_status', v_payment_status, 'payment_method', p_payment_method,
    'total_amount', v_pricing.total_amount, 'wallet_amount', v_wallet_amount, 'items', v_pricing.items);
  if (v_stock.plan).backordered_ids is not null then
    v_payload := v_payload || ledger.backordered_since(v_order_id, '{}');
  end if;
  v_transaction_id := ledger.write_operation(
    v_account_id, v_account_version, v_available, 'order_created', -v_wallet_amount,
    case when v_wallet_amount = 0 then '{}' else jsonb_build_object('total_orders', v_wallet_amount) end,
    v_actor.user_id, 'order placed', jsonb_build_object('order_number', v_order_number), v_order_id, v_pricing.currency,
    case when v_wallet_amount > 0 then array[row('wallet', 'order_escrow', v_wallet_amount)]::ledger.posting_leg[] end,
    'order.placed', v_payload,
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
  v_restocked jsonb;
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
    v_restocked := ledger.units_to_restock(v_order, p_return_id, p_lines);
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
    jsonb_strip_nulls(jsonb_build_object('refund_id', v_change.refund_id, 'restocked', v_restocked)));

  -- answer, stored under the key
  v_answer := jsonb_build_object('success', true, 'transaction_id', v_change.transaction_id, 'order_id', v_order.id,
    'return_id', p_return_id, 'status', v_return.status, 'refund_id', v_change.refund_id,
    'returned_amount', coalesce(v_change.returned_amount, 0), 'order_status', coalesce(v_change.order_status, v_order.status),
    'payment_status', coalesce(v_change.payment_status, v_order.payment_status));
  v_answer := ledger.idempotency_end('ledger_review_return', p_idempotency_key, v_actor.caller_id, v_request, v_order.account_id, v_answer);
  perform set_config('ledger.procedure', '', true);
  return next jsonb_populate_record(null::public.ledger_review_return_result, v_answer);
end $function$;

CREATE OR REPLACE FUNCTION public.reconciliation_apply (
  p_dry_run         boolean DEFAULT true,
  p_account_id      uuid    DEFAULT NULL::uuid,
  p_action_ids      uuid[]  DEFAULT NULL::uuid[],
  p_max_repairs     integer DEFAULT NULL::integer,
  p_max_amount      bigint  DEFAULT NULL::bigint,
  p_reason          text    DEFAULT NULL::text,
  p_idempotency_key text    DEFAULT NULL::text,
  p_actor_id        uuid    DEFAULT NULL::uuid
)
  RETURNS SETOF public.reconciliation_apply_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_chosen ledger.chosen_repairs;
  v_actions public.reconciliation_actions[];
  v_result public.reconciliation_apply_result;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'integrity.repair');

  -- asked before
  v_request := jsonb_build_array(p_dry_run, p_account_id, p_action_ids, p_max_repairs, p_max_amount, p_reason, p_actor_id);
  v_answer := ledger.idempotency_begin('reconciliation_apply', p_idempotency_key, v_actor.caller_id, v_request);
  v_answer := coalesce(v_answer, ledger.refuse_repairs(p_dry_run, p_account_id, p_action_ids, p_max_repairs, p_max_amount, p_reason));
  if v_answer is not null then
    return next jsonb_populate_record(v_result, v_answer);
    return;
  end if;

  -- check: the limits of the shop, or narrower ones
  v_chosen := ledger.choose_repairs(p_account_id, p_action_ids,
    least(p_max_repairs, ledger.setting_text('reconciliation_max_repairs')::bigint),
    least(p_max_amount, ledger.setting_text('reconciliation_max_amount')::bigint));

  -- lock, look again, write, record: plan by plan
  if p_dry_run then
    v_actions := array(select ledger.try_repair(a) from public.reconciliation_actions a where a.id = any (v_chosen.action_ids));
  else
    perform set_config('ledger.procedure', 'reconciliation_apply', true);
    v_actions := array(select r from ledger.carry_out_repairs(v_chosen.action_ids, p_reason, v_actor) r);
  end if;

  -- answer, stored under the key unless nothing was done
  select count(*) filter (where a.status in ('planned', 'applied')), count(*) filter (where a.status = 'stale'), count(*) filter (where a.status = 'failed'),
         coalesce(sum(a.diff_amount) filter (where a.status in ('planned', 'applied')), 0),
         coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'check_code', a.check_code, 'repair', a.repair, 'subject', a.subject, 'account_id', a.account_id,
           'status', a.status, 'plan', a.plan, 'diff_amount', a.diff_amount, 'error_code', a.error_code, 'error_message', a.error_message)), '[]')
  into v_result.applied_count, v_result.stale_count, v_result.failed_count, v_result.amount, v_result.actions
  from unnest(v_actions) a;
  v_result.success := true;
  v_result.dry_run := p_dry_run;
  v_result.left_count := v_chosen.left_count + case when p_dry_run then 0 else (
    select count(*) from public.reconciliation_actions a where a.id = any (v_chosen.action_ids) and a.status = 'planned') end;
  v_result.flag_state := (select f.state from public.feature_flags f where f.key = 'active_reconciliation');
  if not p_dry_run then
    v_answer := ledger.idempotency_end('reconciliation_apply', p_idempotency_key, v_actor.caller_id, v_request, p_account_id, to_jsonb(v_result));
    perform set_config('ledger.procedure', '', true);
  end if;
  return next v_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."reconciliation_apply"(boolean, uuid, uuid[], integer, bigint, text, text, uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.reconciliation_plan (
  p_run_id uuid DEFAULT NULL::uuid
)
  RETURNS SETOF public.reconciliation_plan_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_run public.reconciliation_runs;
  v_planned jsonb;
  v_result public.reconciliation_plan_result;
begin
  -- who may
  perform ledger.require_permission(ledger.current_actor(), 'audit.read');

  -- check
  select r.* into v_run
  from public.reconciliation_runs r
  where case when p_run_id is null then r.check_code = 'books' else r.id = p_run_id end
  order by r.id desc
  limit 1;
  if v_run.id is null then
    return next jsonb_populate_record(v_result, ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_run_id',
      'problem', case when p_run_id is null then 'there is no run yet; call integrity_run' else 'the id of a run in reconciliation_runs' end)));
    return;
  end if;

  -- write: plans
  v_planned := ledger.plan_repairs(v_run);

  -- answer: the plans, and what no repair is for
  v_result.success := true;
  v_result.run_id := v_run.id;
  v_result.plans := (
    select coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'check_code', a.check_code, 'repair', a.repair, 'subject', a.subject, 'account_id', a.account_id,
                                                 'plan', a.plan, 'diff_amount', a.diff_amount, 'created_at', a.created_at) order by k.position, a.id), '[]')
    from public.reconciliation_actions a
    join ledger.repair_kinds k on k.kind = a.repair
    where a.id = any (ledger.ids_in(v_planned -> 'planned')));
  v_result.for_people := v_planned -> 'refused' || (
    select coalesce(jsonb_agg(jsonb_build_object('check_code', f.check_code, 'repair', null, 'subject', f.subject, 'findings', f.findings,
                                                 'reason', 'there is no repair for what this check finds') order by f.check_code), '[]')
    from (select n.check_code, min(n.subject) as subject, count(*) as findings
          from public.integrity_findings n
          left join public.integrity_checks c on c.code = n.check_code
          where n.run_id = v_run.id and c.repair is null
          group by n.check_code) f);
  v_result.left_count := (v_planned ->> 'left_count')::bigint;
  return next v_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."reconciliation_plan"(uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.reconciliation_undo (
  p_action_id       uuid,
  p_reason          text DEFAULT NULL::text,
  p_idempotency_key text DEFAULT NULL::text,
  p_actor_id        uuid DEFAULT NULL::uuid
)
  RETURNS SETOF public.reconciliation_undo_result
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor;
  v_request jsonb;
  v_answer jsonb;
  v_action public.reconciliation_actions;
  v_changed jsonb;
  v_problem text;
  v_result public.reconciliation_undo_result;
begin
  -- who may
  v_actor := ledger.require_permission(ledger.current_actor(p_actor_id), 'integrity.repair');

  -- asked before
  v_request := jsonb_build_array(p_action_id, p_reason, p_actor_id);
  v_answer := ledger.idempotency_begin('reconciliation_undo', p_idempotency_key, v_actor.caller_id, v_request);
  if v_answer is not null then
    return next jsonb_populate_record(v_result, v_answer);
    return;
  end if;

  -- lock: who plans or applies, the action, then what it wrote
  perform pg_advisory_xact_lock(hashtextextended('plan repairs', 0));
  select a.* into v_action from public.reconciliation_actions a where a.id = p_action_id for no key update;
  perform ledger.lock_for_repairs(array[p_action_id]);

  -- check: every row is as the repair left it
  v_changed := (select r.row from jsonb_array_elements(v_action.undo -> 'rows') r (row)
                where ledger.digest_of_row(format('public.%I', r.row ->> 'relation')::regclass, r.row -> 'key') is distinct from r.row ->> 'digest' limit 1);
  v_answer := case
    when length(p_reason) > 2000 then ledger.refuse('invalid_argument', jsonb_build_object('argument', 'p_reason', 'problem', 'at most 2000 characters'))
    when v_action.id is null then ledger.refuse('repair_not_found', jsonb_build_object('action_id', p_action_id))
    when v_action.status <> 'applied' then
      ledger.refuse('repair_not_undoable', jsonb_build_object('action_id', p_action_id, 'reason', format('it is %s', v_action.status)))
    when v_action.diff_amount > ledger.setting_text('reconciliation_max_amount')::bigint then
      ledger.refuse('repair_not_undoable', jsonb_build_object('action_id', p_action_id, 'reason',
        format('it comes to %s, and reconciliation_max_amount is %s', v_action.diff_amount, ledger.setting_text('reconciliation_max_amount'))))
    when v_changed is not null then
      ledger.refuse('repair_not_undoable', jsonb_build_object('action_id', p_action_id, 'reason',
        format('%s %s was changed since', v_changed ->> 'relation', v_changed -> 'key')))
  end;

  -- write
  if v_answer is null then
    perform set_config('ledger.procedure', 'reconciliation_undo', true);
    v_problem := ledger.put_back(v_action);
    if v_problem is not null then
      perform set_config('ledger.procedure', '', true);
      v_answer := ledger.refuse('repair_not_undoable', jsonb_build_object('action_id', p_action_id, 'reason', v_problem));
    end if;
  end if;
  if v_answer is not null then
    return next jsonb_populate_record(v_result, v_answer);
    return;
  end if;

  -- record
  v_result.event_id := ledger.record_operation('integrity.repair_undone', v_action.stream_type, v_action.subject, v_action.account_id,
    jsonb_build_object('action_id', v_action.id, 'repair', v_action.repair, 'check_code', v_action.check_code, 'run_id', v_action.run_id,
                       'diff_amount', v_action.diff_amount, 'lines', v_action.undo -> 'lines', 'reason', p_reason),
    v_actor, ledger.correlation_id());
  update public.reconciliation_actions a set status = 'undone', undone_at = clock_timestamp(), undone_by = v_actor.user_id,
    undo_event_id = v_result.event_id, updated_at = clock_timestamp()
  where a.id = p_action_id;

  -- answer, stored under the key
  v_result.success := true;
  v_result.action_id := v_action.id;
  v_result.status := 'undone';
  v_result.lines := v_action.undo -> 'lines';
  v_answer := ledger.idempotency_end('reconciliation_undo', p_idempotency_key, v_actor.caller_id, v_request, v_action.account_id, to_jsonb(v_result));
  perform set_config('ledger.procedure', '', true);
  return next v_result;
end $function$;

REVOKE ALL ON FUNCTION "public"."reconciliation_undo"(uuid, text, text, uuid) FROM PUBLIC, "anon";

CREATE OR REPLACE FUNCTION public.report_integrity()
  RETURNS SETOF public.report_integrity_result
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO 'pg_catalog', 'pg_temp'
  AS $function$
declare
  v_actor ledger.actor := ledger.current_actor();
begin
  -- who may
  if not ledger.has_permission(v_actor, 'audit.read') then
    v_actor := ledger.require_permission(v_actor, 'reports.read');
  end if;

  -- answer
  return query
    select true, null::uuid, null::text, null::text, null::jsonb, clock_timestamp(),
           ledger.runs_of_report(), ledger.findings_of_report(), ledger.alerts_of_report(), ledger.repairs_of_report(), ledger.kpis_of_report(),
           ledger.jobs_of_report(), ledger.seals_of_report(), ledger.flags_of_report(), ledger.partitions_of_report(), ledger.outbox_of_report();
end $function$;

REVOKE ALL ON FUNCTION "public"."report_integrity"() FROM PUBLIC, "anon";

ALTER TABLE "ledger"."kpi_metrics"
  ADD CONSTRAINT "kpi_metrics_part_of_fkey" FOREIGN KEY (part_of) REFERENCES ledger.kpi_metrics(name) ON DELETE RESTRICT;

ALTER TABLE "ledger"."scheduled_jobs"
  ADD CONSTRAINT "failures_in_a_row_are_failures_and_those_are_runs"
    CHECK (((failures_in_a_row >= 0) AND (failures_in_a_row <= failures) AND (failures <= runs) AND (skipped >= 0)));

ALTER TABLE "ledger"."scheduled_jobs"
  ADD CONSTRAINT "max_silence_is_positive" CHECK ((max_silence > '00:00:00'::interval));

ALTER TABLE "ledger"."scheduled_jobs"
  ADD CONSTRAINT "schedule_has_five_fields_or_is_in_seconds" CHECK (((schedule ~ '^(([1-9]|[1-5]\d) seconds?|([-\d*/,]+ ){4}[-\d*/,A-Za-z]+)$'::text) AND (schedule !~ '/0'::text)));

ALTER TABLE "ledger"."scheduled_jobs"
  ADD CONSTRAINT "time_limit_is_from_a_second_to_a_day" CHECK (((time_limit >= '00:00:01'::interval) AND (time_limit <= '1 day'::interval)));

ALTER TABLE "public"."immutable_events"
  ADD CONSTRAINT "year_has_four_digits"
    CHECK
    ((isfinite(occurred_at) AND ((EXTRACT(year FROM (occurred_at AT TIME ZONE 'UTC'::text)) >= (1)::numeric) AND (EXTRACT(year FROM (occurred_at AT TIME ZONE 'UTC'::text)) <=
    (9999)::numeric))));

ALTER TABLE "public"."imported_order_claims"
  ADD CONSTRAINT "imported_order_claims_account_id_fkey" FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE RESTRICT;

ALTER TABLE "public"."imported_order_claims"
  ADD CONSTRAINT "imported_order_claims_order_id_fkey" FOREIGN KEY (order_id) REFERENCES public.orders(id) ON DELETE RESTRICT;

ALTER TABLE "public"."imported_order_claims"
  ADD CONSTRAINT "imported_order_claims_receipt_id_fkey" FOREIGN KEY (receipt_id) REFERENCES public.payment_receipts(id) ON DELETE RESTRICT;

ALTER TABLE "public"."integrity_findings"
  ADD CONSTRAINT "integrity_findings_run_id_fkey" FOREIGN KEY (run_id) REFERENCES public.reconciliation_runs(id) ON DELETE RESTRICT;

ALTER TABLE "public"."kpi_snapshots"
  ADD CONSTRAINT "kpi_snapshots_metric_fkey" FOREIGN KEY (metric) REFERENCES ledger.kpi_metrics(name) ON DELETE RESTRICT;

ALTER TABLE "public"."reconciliation_actions"
  ADD CONSTRAINT "reconciliation_actions_run_id_fkey" FOREIGN KEY (run_id) REFERENCES public.reconciliation_runs(id) ON DELETE RESTRICT;

ALTER TABLE "public"."reconciliation_runs"
  ADD CONSTRAINT "figures_are_not_negative" CHECK ((LEAST(accounts, differing_accounts, diff_abs, diff_ratio_ppm, limit_ppm, findings) >= 0));

ALTER TABLE "public"."reconciliation_runs"
  ADD CONSTRAINT "only_no_difference_is_ok" CHECK (((status = 'OK'::text) = ((diff_abs = 0) AND (differing_accounts = 0) AND (findings = 0))));

ALTER TABLE "public"."reconciliation_runs"
  ADD CONSTRAINT "scope_is_known" CHECK ((scope = ANY (ARRAY['all'::text, 'changed'::text, 'account'::text])));

CREATE VIEW "ledger"."cleared_checks" WITH (security_invoker=true) AS  SELECT c.code,
    c.severity,
    COALESCE(r.started_at, '-infinity'::timestamp with time zone) AS started_at,
    COALESCE(r.id, '00000000-0000-0000-0000-000000000000'::uuid) AS run_id
   FROM (( SELECT i.code,
            i.severity
           FROM public.integrity_checks i
        UNION ALL
         SELECT 'check_can_be_run'::text AS code,
            'critical'::text AS severity) c
     LEFT JOIN LATERAL ( SELECT n.started_at,
            n.id
           FROM public.reconciliation_runs n
          WHERE ((n.check_code = 'books'::text) AND (n.scope = 'all'::text) AND ((n.details -> 'asked'::text) ? c.code) AND (n.started_at <= (clock_timestamp() + '00:05:00'::interval)))
          ORDER BY n.started_at DESC, n.id DESC
         LIMIT 1) r ON (true));

CREATE VIEW "ledger"."jobs" WITH (security_invoker=true) AS  SELECT name,
    schedule,
    enabled,
    description,
    time_limit,
    COALESCE(max_silence, ledger.silence_of_schedule(schedule)) AS max_silence,
    last_started_at,
    last_finished_at,
    last_succeeded_at,
    last_duration_ms,
    last_error,
    runs,
    failures,
    failures_in_a_row,
    skipped,
    ( SELECT min(a.xact_start) AS min
           FROM (pg_locks l
             JOIN pg_stat_activity a ON ((a.pid = l.pid)))
          WHERE ((l.locktype = 'advisory'::text) AND l.granted AND (l.objsubid = 1) AND (l.database = ( SELECT d.oid
                   FROM pg_database d
                  WHERE (d.datname = current_database()))) AND ((((l.classid)::bigint << 32) | (l.objid)::bigint) = ledger.job_lock(j.name)))) AS running_since,
    (clock_timestamp() - GREATEST(last_succeeded_at, watched_since)) AS silent_for,
    (enabled AND ((clock_timestamp() - GREATEST(last_succeeded_at, watched_since)) > COALESCE(max_silence, ledger.silence_of_schedule(schedule)))) AS is_silent
   FROM ledger.scheduled_jobs j;

CREATE VIEW "ledger"."repair_kinds" WITH (security_invoker=true) AS  SELECT "position",
    kind,
    subject
   FROM ( VALUES (1,'order_status'::text,'order'::text), (2,'order_money'::text,'order'::text), (3,'account_totals'::text,'account'::text), (4,'stock_levels'::text,'variant'::text), (5,'backorders'::text,'order'::text), (6,'card_payment'::text,'card_payment'::text), (7,'invoice_credit'::text,'invoice'::text), (8,'balance_caches'::text,'account'::text), (9,'old_flags'::text,'account'::text), (10,'commission'::text,'commission'::text), (11,'vendor_earning'::text,'vendor_earning'::text), (12,'import_counts'::text,'import_run'::text), (13,'discount_usage'::text,'discount_code'::text)) k("position", kind, subject);

CREATE INDEX audit_log_default_by_time ON ledger.audit_log_default USING btree (occurred_at);

CREATE INDEX immutable_events_default_by_time ON ledger.immutable_events_default USING btree (occurred_at);

CREATE INDEX kpi_metrics_by_whole ON ledger.kpi_metrics USING btree (part_of)
  WHERE (part_of IS NOT NULL);

CREATE INDEX outbox_of_seals ON ledger.outbox USING btree (id)
  WHERE (TYPE = 'events.sealed'::text);

CREATE INDEX outbox_settled ON ledger.outbox USING btree (settled_at)
  WHERE (settled_at IS NOT NULL);

CREATE UNIQUE INDEX alerts_not_resolved ON public.alerts USING btree (rule_code, subject)
  WHERE (status <> 'resolved'::text);

CREATE INDEX event_seals_by_epoch ON public.event_seals USING btree (epoch, seal_number);

CREATE INDEX imported_order_claims_by_account ON public.imported_order_claims USING btree (account_id);

CREATE INDEX imported_order_claims_unsettled ON public.imported_order_claims USING btree (tried_at NULLS FIRST, order_id)
  WHERE (settled_at IS NULL);

CREATE INDEX integrity_findings_by_run ON public.integrity_findings USING btree (run_id, check_code, subject);

CREATE INDEX kpi_snapshots_by_age ON public.kpi_snapshots USING btree (taken_at);

CREATE INDEX reconciliation_actions_by_finding ON public.reconciliation_actions USING btree (finding_id)
  WHERE (finding_id IS NOT NULL);

CREATE INDEX reconciliation_actions_by_run ON public.reconciliation_actions USING btree (run_id);

CREATE UNIQUE INDEX reconciliation_actions_open ON public.reconciliation_actions USING btree (repair, subject)
  WHERE (status = 'planned'::text);

CREATE INDEX reconciliation_actions_tried ON public.reconciliation_actions USING btree (updated_at)
  WHERE (status = ANY (ARRAY['applied'::text, 'failed'::text, 'undone'::text]));

CREATE INDEX reconciliation_runs_by_start ON public.reconciliation_runs USING btree (check_code, started_at DESC, id DESC);

CREATE TRIGGER edits_are_audited
  AFTER INSERT OR DELETE OR UPDATE ON ledger.guards
  FOR EACH ROW
  WHEN ((COALESCE(current_setting('ledger.procedure'::text, true), ''::text) = ''::text))
  EXECUTE FUNCTION ledger.audit_hand_edit('table_name');

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON ledger.guards
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_truncate('guards');

CREATE TRIGGER rows_of_the_schema_stay
  BEFORE DELETE OR UPDATE OF table_name, trigger_name, fires, digest ON ledger.guards
  FOR EACH ROW
  WHEN ((COALESCE(current_setting('ledger.procedure'::text, true), ''::text) = ''::text))
  EXECUTE FUNCTION ledger.refuse_schema_row('guards', 'table_name, trigger_name, fires, digest');

CREATE TRIGGER edits_are_audited
  AFTER INSERT OR DELETE OR UPDATE ON ledger.integrity_relations
  FOR EACH ROW
  WHEN ((COALESCE(current_setting('ledger.procedure'::text, true), ''::text) = ''::text))
  EXECUTE FUNCTION ledger.audit_hand_edit('name');

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON ledger.integrity_relations
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_truncate('integrity_relations');

CREATE TRIGGER rows_of_the_schema_stay
  BEFORE DELETE OR UPDATE OF name, whole, scoped ON ledger.integrity_relations
  FOR EACH ROW
  WHEN ((COALESCE(current_setting('ledger.procedure'::text, true), ''::text) = ''::text))
  EXECUTE FUNCTION ledger.refuse_schema_row('integrity_relations', 'name, whole, scoped');

CREATE TRIGGER edits_are_audited
  AFTER INSERT OR DELETE OR UPDATE ON ledger.kpi_metrics
  FOR EACH ROW
  WHEN ((COALESCE(current_setting('ledger.procedure'::text, true), ''::text) = ''::text))
  EXECUTE FUNCTION ledger.audit_hand_edit('name');

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON ledger.kpi_metrics
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_truncate('kpi_metrics');

CREATE TRIGGER settled_says_when
  BEFORE UPDATE OF status ON ledger.outbox
  FOR EACH ROW
  WHEN ((new.status IS DISTINCT FROM old.status))
  EXECUTE FUNCTION ledger.note_settled_message();

CREATE TRIGGER silence_begins_when_switched_on
  BEFORE UPDATE OF enabled ON ledger.scheduled_jobs
  FOR EACH ROW
  WHEN ((new.enabled AND (NOT old.enabled)))
  EXECUTE FUNCTION ledger.watch_job_again();

CREATE TRIGGER edits_are_audited
  AFTER INSERT OR DELETE OR UPDATE ON public.alert_rules
  FOR EACH ROW
  WHEN ((COALESCE(current_setting('ledger.procedure'::text, true), ''::text) = ''::text))
  EXECUTE FUNCTION ledger.audit_hand_edit('code');

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.alert_rules
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_truncate('alert_rules');

CREATE TRIGGER rows_of_the_schema_stay
  BEFORE DELETE OR UPDATE OF code, severity, unit, query, is_own ON public.alert_rules
  FOR EACH ROW
  WHEN (((NOT old.is_own) AND (COALESCE(current_setting('ledger.procedure'::text, true), ''::text) = ''::text)))
  EXECUTE FUNCTION ledger.refuse_schema_row('alert_rules', 'code, severity, unit, query, is_own');

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.alerts
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('alerts', 'ledger_acknowledge_alert; an alert is resolved when its cause is gone');

ALTER TABLE "public"."alerts"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.alerts
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('alerts', 'ledger_acknowledge_alert; an alert is resolved when its cause is gone');

CREATE TRIGGER rows_stay
  BEFORE DELETE ON public.alerts
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('alerts', 'ledger_acknowledge_alert; an alert is resolved when its cause is gone');

ALTER TABLE "public"."alerts"
  ENABLE ALWAYS TRIGGER "rows_stay";

CREATE TRIGGER values_come_from_procedures
  BEFORE UPDATE ON public.alerts
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('alerts', 'ledger_acknowledge_alert; an alert is resolved when its cause is gone');

ALTER TABLE "public"."alerts"
  ENABLE ALWAYS TRIGGER "values_come_from_procedures";

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.event_fingerprints
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_change('event_fingerprints');

ALTER TABLE "public"."event_fingerprints"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.event_fingerprints
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('event_fingerprints', 'ledger.seal_events');

CREATE TRIGGER rows_never_change
  BEFORE DELETE OR UPDATE ON public.event_fingerprints
  FOR EACH ROW
  EXECUTE FUNCTION ledger.refuse_change('event_fingerprints');

ALTER TABLE "public"."event_fingerprints"
  ENABLE ALWAYS TRIGGER "rows_never_change";

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.imported_order_claims
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('imported_order_claims', 'import_apply or integrity_emergency_order_fix');

ALTER TABLE "public"."imported_order_claims"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.imported_order_claims
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('imported_order_claims', 'import_apply or integrity_emergency_order_fix');

CREATE TRIGGER rows_stay
  BEFORE DELETE ON public.imported_order_claims
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('imported_order_claims', 'import_apply or integrity_emergency_order_fix');

ALTER TABLE "public"."imported_order_claims"
  ENABLE ALWAYS TRIGGER "rows_stay";

CREATE TRIGGER values_come_from_procedures
  BEFORE UPDATE ON public.imported_order_claims
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('imported_order_claims', 'import_apply or integrity_emergency_order_fix');

ALTER TABLE "public"."imported_order_claims"
  ENABLE ALWAYS TRIGGER "values_come_from_procedures";

CREATE TRIGGER checks_of_the_schema_stay
  BEFORE UPDATE ON public.integrity_checks
  FOR EACH ROW
  WHEN
    (((old.family <> 'own'::text) AND (COALESCE(current_setting('ledger.procedure'::text, true), ''::text) = ''::text) AND ((ROW(old.code, old.family, old.severity, old.scopes,
    old.query, old.repair))::text <> (ROW(new.code, new.family, new.severity, new.scopes, new.query, new.repair))::text)))
  EXECUTE FUNCTION ledger.refuse_schema_row('integrity_checks', 'code, family, severity, scopes, query, repair');

CREATE TRIGGER edits_are_audited
  AFTER INSERT OR DELETE OR UPDATE ON public.integrity_checks
  FOR EACH ROW
  WHEN ((COALESCE(current_setting('ledger.procedure'::text, true), ''::text) = ''::text))
  EXECUTE FUNCTION ledger.audit_hand_edit('code');

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.integrity_checks
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_truncate('integrity_checks');

CREATE TRIGGER rows_of_the_schema_stay
  BEFORE DELETE ON public.integrity_checks
  FOR EACH ROW
  WHEN (((old.family <> 'own'::text) AND (COALESCE(current_setting('ledger.procedure'::text, true), ''::text) = ''::text)))
  EXECUTE FUNCTION ledger.refuse_schema_row('integrity_checks', 'code, family, severity, scopes, query, repair');

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.integrity_findings
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_change('integrity_findings');

ALTER TABLE "public"."integrity_findings"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.integrity_findings
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('integrity_findings', 'integrity_run or its jobs');

CREATE TRIGGER rows_never_change
  BEFORE UPDATE ON public.integrity_findings
  FOR EACH ROW
  EXECUTE FUNCTION ledger.refuse_change('integrity_findings');

ALTER TABLE "public"."integrity_findings"
  ENABLE ALWAYS TRIGGER "rows_never_change";

CREATE TRIGGER rows_stay
  BEFORE DELETE ON public.integrity_findings
  FOR EACH ROW
  WHEN ((COALESCE(current_setting('ledger.procedure'::text, true), ''::text) <> 'purge_integrity'::text))
  EXECUTE FUNCTION ledger.refuse_change('integrity_findings');

ALTER TABLE "public"."integrity_findings"
  ENABLE ALWAYS TRIGGER "rows_stay";

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.kpi_snapshots
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_change('kpi_snapshots');

ALTER TABLE "public"."kpi_snapshots"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.kpi_snapshots
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('kpi_snapshots', 'ledger.take_kpi_snapshot, or let its job do so');

CREATE TRIGGER rows_never_change
  BEFORE UPDATE ON public.kpi_snapshots
  FOR EACH ROW
  EXECUTE FUNCTION ledger.refuse_change('kpi_snapshots');

ALTER TABLE "public"."kpi_snapshots"
  ENABLE ALWAYS TRIGGER "rows_never_change";

CREATE TRIGGER rows_stay
  BEFORE DELETE ON public.kpi_snapshots
  FOR EACH ROW
  WHEN ((COALESCE(current_setting('ledger.procedure'::text, true), ''::text) <> 'purge_kpi_snapshots'::text))
  EXECUTE FUNCTION ledger.refuse_change('kpi_snapshots');

ALTER TABLE "public"."kpi_snapshots"
  ENABLE ALWAYS TRIGGER "rows_stay";

CREATE TRIGGER rows_are_never_truncated
  BEFORE TRUNCATE ON public.reconciliation_actions
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('reconciliation_actions', 'reconciliation_plan, reconciliation_apply or reconciliation_undo');

ALTER TABLE "public"."reconciliation_actions"
  ENABLE ALWAYS TRIGGER "rows_are_never_truncated";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.reconciliation_actions
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('reconciliation_actions', 'reconciliation_plan, reconciliation_apply or reconciliation_undo');

CREATE TRIGGER rows_stay
  BEFORE DELETE ON public.reconciliation_actions
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('reconciliation_actions', 'reconciliation_plan, reconciliation_apply or reconciliation_undo');

ALTER TABLE "public"."reconciliation_actions"
  ENABLE ALWAYS TRIGGER "rows_stay";

CREATE TRIGGER values_come_from_procedures
  BEFORE UPDATE ON public.reconciliation_actions
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('reconciliation_actions', 'reconciliation_plan, reconciliation_apply or reconciliation_undo');

ALTER TABLE "public"."reconciliation_actions"
  ENABLE ALWAYS TRIGGER "values_come_from_procedures";

CREATE TRIGGER rows_come_from_procedures
  BEFORE INSERT ON public.reconciliation_runs
  FOR EACH STATEMENT
  EXECUTE FUNCTION ledger.refuse_hand_edit('reconciliation_runs', 'integrity_run, integrity_check_drift or their jobs');

CREATE POLICY "alert_rules_are_seen_by_auditors" ON "public"."alert_rules"
  FOR SELECT
  TO "authenticated"
  USING (( SELECT ledger.caller_may('audit.read'::text) AS caller_may));

CREATE POLICY "alerts_are_seen_by_auditors" ON "public"."alerts"
  FOR SELECT
  TO "authenticated"
  USING (( SELECT ledger.caller_may('audit.read'::text) AS caller_may));

CREATE POLICY "fingerprints_are_seen_by_auditors" ON "public"."event_fingerprints"
  FOR SELECT
  TO "authenticated"
  USING (( SELECT ledger.caller_may('audit.read'::text) AS caller_may));

CREATE POLICY "imported_order_claims_are_seen_by_auditors" ON "public"."imported_order_claims"
  FOR SELECT
  TO "authenticated"
  USING (( SELECT ledger.caller_may('audit.read'::text) AS caller_may));

CREATE POLICY "integrity_checks_are_seen_by_auditors" ON "public"."integrity_checks"
  FOR SELECT
  TO "authenticated"
  USING (( SELECT ledger.caller_may('audit.read'::text) AS caller_may));

CREATE POLICY "integrity_findings_are_seen_by_auditors" ON "public"."integrity_findings"
  FOR SELECT
  TO "authenticated"
  USING (( SELECT ledger.caller_may('audit.read'::text) AS caller_may));

CREATE POLICY "kpi_snapshots_are_seen_by_who_reads_reports" ON "public"."kpi_snapshots"
  FOR SELECT
  TO "authenticated"
  USING ((( SELECT ledger.caller_may('reports.read'::text) AS caller_may) OR ( SELECT ledger.caller_may('audit.read'::text) AS caller_may)));

CREATE POLICY "reconciliation_actions_are_seen_by_auditors" ON "public"."reconciliation_actions"
  FOR SELECT
  TO "authenticated"
  USING (( SELECT ledger.caller_may('audit.read'::text) AS caller_may));

COMMENT ON COLUMN "ledger"."guards"."digest" IS 'Of what the trigger does: when it fires, its condition, its arguments and the body of its function.';

COMMENT ON COLUMN "ledger"."guards"."fires" IS 'pg_trigger.tgenabled as it should be: O in ordinary sessions, A in replica mode too.';

COMMENT ON COLUMN "ledger"."idempotency_keys"."started_at" IS 'When the statement of the call came in; created_at is its last write.';

COMMENT ON COLUMN "ledger"."integrity_relations"."scoped" IS 'The same of the accounts $1, the orders $2, the variants $3, all touched accounts $4 and variants $5 (uuid[]); null: as whole, over scoped relations.';

COMMENT ON COLUMN "ledger"."kpi_metrics"."direction" IS 'Whether lower or higher is better; null when neither is.';

COMMENT ON COLUMN "ledger"."kpi_metrics"."part_of" IS 'The metric whose query answers this one as well.';

COMMENT ON COLUMN "ledger"."kpi_metrics"."query" IS 'Answers (metric text, value bigint, details jsonb) of this metric and its parts, from an hour ago ($1) and now ($2). value null: there is nothing to measure.';

COMMENT ON COLUMN "ledger"."kpi_metrics"."unit" IS 'ppm: millionths; us, ms, s: micro-, milliseconds, seconds; count; minor: minor units of the setting default_currency.';

COMMENT ON COLUMN "ledger"."outbox"."settled_at" IS 'When it was delivered (sent) or given up (dead); null while it waits.';

COMMENT ON COLUMN "ledger"."scheduled_jobs"."command" IS 'One statement that names everything with its schema; it runs in one transaction.';

COMMENT ON COLUMN "ledger"."scheduled_jobs"."last_error" IS 'What the last run failed with, and the SQLSTATE; null when it succeeded.';

COMMENT ON COLUMN "ledger"."scheduled_jobs"."max_silence" IS 'Without success for so long the job counts as dead; null: as its schedule lets expect.';

COMMENT ON COLUMN "ledger"."scheduled_jobs"."runs" IS 'Runs that came to an end, well or not; skipped ones and those whose session was ended are not among them.';

COMMENT ON COLUMN "ledger"."scheduled_jobs"."skipped" IS 'Turns that were left out because the run before was still at it, or what the job needed was in use.';

COMMENT ON COLUMN "ledger"."scheduled_jobs"."time_limit" IS 'A run that takes longer is ended, and has failed. Call ledger.schedule_jobs() after changing it or the schedule.';

COMMENT ON COLUMN "ledger"."scheduled_jobs"."watched_since" IS 'Since when it should have been running: when it was added, or switched on again.';

COMMENT ON COLUMN "public"."alert_rules"."is_own" IS 'Of this shop, and not of the schema.';

COMMENT ON COLUMN "public"."alert_rules"."limit_value" IS 'There is an alert while a value is above this.';

COMMENT ON COLUMN "public"."alert_rules"."query" IS 'Answers (subject text, value bigint), at most 1000 rows above the limit; null when a job raises it.';

COMMENT ON COLUMN "public"."alert_rules"."unit" IS 'Of value and limit_value; us are microseconds, ppm millionths, turns those of a job. A count that goes on rising is told again.';

COMMENT ON COLUMN "public"."alerts"."acknowledged_by" IS 'Who looks after it; null for a backend.';

COMMENT ON COLUMN "public"."alerts"."clean_turns" IS 'Evaluations in a row that found its value within the limit.';

COMMENT ON COLUMN "public"."alerts"."highest_value" IS 'The highest that was seen of this breach.';

COMMENT ON COLUMN "public"."alerts"."limit_value" IS 'The limit that it was above, as of last_seen_at.';

COMMENT ON COLUMN "public"."alerts"."notes" IS 'What staff say they do about it; goes with who wrote them, or after integrity_retention_days.';

COMMENT ON COLUMN "public"."alerts"."severity" IS 'Of its rule, when it was raised.';

COMMENT ON COLUMN "public"."alerts"."subject" IS 'What it is about: a job, a check, an order number, ...';

COMMENT ON COLUMN "public"."alerts"."told_value" IS 'The highest value as its last message told it, at told_at.';

COMMENT ON COLUMN "public"."alerts"."value" IS 'As it was seen last, in the rule''s unit.';

COMMENT ON COLUMN "public"."event_seals"."sealed_at" IS 'When this server made the seal; no part of its hash.';

COMMENT ON COLUMN "public"."imported_order_claims"."claimed_status" IS 'The status it has to come to: that of the management, which knew where the goods were.';

COMMENT ON COLUMN "public"."imported_order_claims"."customer_status" IS 'What the customer was shown, in the older system''s words.';

COMMENT ON COLUMN "public"."imported_order_claims"."import_run_id" IS 'The import that brought it; imports belong to the shop and not to a customer, so there is no key.';

COMMENT ON COLUMN "public"."imported_order_claims"."management_status" IS 'Where the management had it, in the older system''s words.';

COMMENT ON COLUMN "public"."imported_order_claims"."payment_status" IS 'How far it was paid, in the older system''s words.';

COMMENT ON COLUMN "public"."imported_order_claims"."problems" IS 'What was wrong with it: status_mismatch, wallet_without_transaction, receipt_stuck.';

COMMENT ON COLUMN "public"."imported_order_claims"."receipt_id" IS 'The receipt that nobody had looked at.';

COMMENT ON COLUMN "public"."imported_order_claims"."settled_at" IS 'When the order was fixed, or found to need nothing any more.';

COMMENT ON COLUMN "public"."imported_order_claims"."tried_at" IS 'When integrity_emergency_order_fix last tried, and was refused.';

COMMENT ON COLUMN "public"."imported_order_claims"."wallet_amount" IS 'What its wallet is said to have paid without a transaction; 0 when there is no such part.';

COMMENT ON COLUMN "public"."imported_order_claims"."wallet_transaction" IS 'The older system''s transaction of a wallet part that is proven.';

COMMENT ON COLUMN "public"."integrity_checks"."family" IS 'Checks of a family run as one statement and share what they add up.';

COMMENT ON COLUMN "public"."integrity_checks"."proves" IS 'What is true while the check finds nothing.';

COMMENT ON COLUMN "public"."integrity_checks"."query" IS 'Answers subject, account_id (uuid), expected, found and diff_amount (a whole number) of each row that offends, over the names in ledger.integrity_relations; other relations with their schema. diff_amount in minor units or units of stock, null where there is no number.';

COMMENT ON COLUMN "public"."integrity_checks"."repair" IS 'Kind of repair that mends it (reconciliation_actions), null where a person has to.';

COMMENT ON COLUMN "public"."integrity_checks"."scopes" IS 'all: of everything; changed: of what has changed since the last run; account: of one account.';

COMMENT ON COLUMN "public"."integrity_checks"."severity" IS 'critical: money or history is wrong; error: something kept differs from what it follows from; warning: somebody should look.';

COMMENT ON COLUMN "public"."integrity_findings"."diff_amount" IS 'What the two sides differ by: minor units, or units of stock; null where they are no numbers.';

COMMENT ON COLUMN "public"."integrity_findings"."subject" IS 'The id of the account, order, variant, ... that it is about; some checks add more behind a blank or a slash.';

COMMENT ON COLUMN "public"."kpi_snapshots"."details" IS 'What the value is made of, an object of its own for each metric; {"error", "sqlstate"} when it could not be measured.';

COMMENT ON COLUMN "public"."kpi_snapshots"."value" IS 'In the metric''s unit; null when there was nothing to measure, or (details.error) when it could not be.';

COMMENT ON COLUMN "public"."reconciliation_actions"."account_id" IS 'Whose books it is in; null for the shop''s own.';

COMMENT ON COLUMN "public"."reconciliation_actions"."diff_amount" IS 'Sum over the lines of what figures change by: minor units of the account''s currency, or units of stock; the whole total of an order whose status or payment status changes. Counters of rows do not count.';

COMMENT ON COLUMN "public"."reconciliation_actions"."finding_id" IS 'The finding it was planned for, the first of several; null when it was planned for a drift run.';

COMMENT ON COLUMN "public"."reconciliation_actions"."plan" IS 'Diff lines [{"relation", "key": {column: value}, "column", "from", "to"}]; column null: the whole row is missing ("from" null) and is written. Amounts in minor units.';

COMMENT ON COLUMN "public"."reconciliation_actions"."repair" IS 'Kind of repair: ledger.repair_kinds.';

COMMENT ON COLUMN "public"."reconciliation_actions"."subject" IS 'The account, order, variant, ... that is repaired, as its kind says.';

COMMENT ON COLUMN "public"."reconciliation_actions"."undo" IS '{"lines": the lines the other way round, "rows": [{"relation", "key", "digest"}] of what was written, as it was then}.';

COMMENT ON COLUMN "public"."reconciliation_runs"."findings" IS 'Rows that offended a check of integrity_checks; 0 of drift checks.';

COMMENT ON COLUMN "public"."reconciliation_runs"."horizon" IS 'Transaction id below which everything had been looked at; where the next run of what has changed begins.';

COMMENT ON COLUMN "public"."reconciliation_runs"."scope" IS 'all: everything; changed: what had changed since the run before; account: one account.';

COMMENT ON FUNCTION "ledger"."alert_facts"(public.alerts, public.alert_rules) IS 'An alert as its messages tell it.';

COMMENT ON FUNCTION "ledger"."alerts_of_report"() IS 'How many alerts are not resolved, and the newest 50 of them.';

COMMENT ON FUNCTION "ledger"."attach_month"(text, timestamp with time zone, timestamp with time zone) IS 'Makes the partition of a month, or of its rest, of a table whose locks the caller holds, with the guards of the table.';

COMMENT ON FUNCTION "ledger"."backordered_since"(uuid, jsonb) IS 'Part of an event: {"backordered": [{"variant_id", "backordered"}]}, by how much an order waits for more (below zero: less) than p_before (ledger.backordered_units) says; {} when it does not.';

COMMENT ON FUNCTION "ledger"."backordered_units"(uuid) IS 'backorders.quantity by variant of an order; {} when it never waited for anything.';

COMMENT ON FUNCTION "ledger"."booked_amount"(ledger.integrity_scope) IS 'The money that was booked in a scope, in minor units of all currencies.';

COMMENT ON FUNCTION "ledger"."breaches_of_rule"(public.alert_rules) IS 'What is above the limit of a rule with a query.';

COMMENT ON FUNCTION "ledger"."call_durations"(text[], timestamp with time zone, timestamp with time zone) IS 'Durations of the calls of these procedures that had an idempotency key, by when they ended: from the arrival of the statement to its last write, in microseconds.';

COMMENT ON FUNCTION "ledger"."carry_out_repair"(public.reconciliation_actions, text, ledger.actor) IS 'Applies a plan whose subject is locked, or says why not; answers the action.';

COMMENT ON FUNCTION "ledger"."carry_out_repairs"(uuid[], text, ledger.actor) IS 'Applies these plans as far as they are open, and answers them; none when active_reconciliation is not at enforce any more.';

COMMENT ON FUNCTION "ledger"."changed_since"(bigint, bigint) IS 'Orders that events from a transaction id on are about, the accounts and variants of these events (touched), and those of them with at most p_long_history rows of it.';

COMMENT ON FUNCTION "ledger"."changes_of_lines"(jsonb) IS 'Diff lines with what a figure changes by in place of from and to.';

COMMENT ON FUNCTION "ledger"."check_alerts"() IS 'Job: evaluates the alert rules; answers how many alerts there are that are not resolved.';

COMMENT ON FUNCTION "ledger"."check_integrity"() IS 'Job: runs all checks on what has changed, and the drift check of debts, which switches flags off.';

COMMENT ON FUNCTION "ledger"."choose_repairs"(uuid, uuid[], bigint, bigint) IS 'Open plans that fit the limits.';

COMMENT ON FUNCTION "ledger"."claims_to_fix"(uuid) IS 'What is claimed of the orders of a customer (null: of all) and not settled yet.';

COMMENT ON FUNCTION "ledger"."close_seal"(public.event_seals, bigint[], bigint[], text[]) IS 'Writes the next seal over these events (transaction, id and canonical form of each, in order).';

COMMENT ON FUNCTION "ledger"."columns_as"(jsonb, text, text) IS 'The keys of an object as columns, each in a pattern (%1$I), joined.';

COMMENT ON FUNCTION "ledger"."count_denied_call"() IS 'Counts a call that was refused because the caller may not make it; the count outlives the call.';

COMMENT ON FUNCTION "ledger"."count_skipped_job"(text) IS 'Counts a turn that was left out.';

COMMENT ON FUNCTION "ledger"."create_month_partitions"(integer) IS 'Job: makes the partitions of this month and the next ones; answers how many were new. What is in use is left for the next run; months of a large default partition take three runs.';

COMMENT ON FUNCTION "ledger"."create_months_of"(text, timestamp with time zone[]) IS 'Makes partitions of months (UTC) of a table whose locks the caller holds; answers how many.';

COMMENT ON FUNCTION "ledger"."days_without_partition"(timestamp with time zone) IS 'How many of the next seven days lie in a later month that has no partition, for each table that is partitioned by month and lacks one.';

COMMENT ON FUNCTION "ledger"."default_has_rows"(text, timestamp with time zone, timestamp with time zone) IS 'Whether rows of that time, without its end, lie in the default partition of a table.';

COMMENT ON FUNCTION "ledger"."diff_of_lines"(jsonb) IS 'Sum of what amounts and quantities of diff lines change by, and of the totals of orders whose status or payment status they change.';

COMMENT ON FUNCTION "ledger"."digest_of_row"(regclass, jsonb) IS 'A hash of a row, to see later whether it was changed.';

COMMENT ON FUNCTION "ledger"."draft_imported_claims"(public.import_runs, public.orders[]) IS 'What drafted orders of an import claim, of those that are broken.';

COMMENT ON FUNCTION "ledger"."drop_messages_of_old_goods"(uuid, timestamp with time zone) IS 'Takes back the messages about status and parcels of an order that this transaction has written since p_since; answers how many.';

COMMENT ON FUNCTION "ledger"."event_fingerprint"(text) IS 'First eight bytes of the SHA-256 of an event''s canonical form.';

COMMENT ON FUNCTION "ledger"."events_under_seal"(public.event_seals, public.event_seals) IS 'Events that a seal covers, given the seal before it, in the order of the chain.';

COMMENT ON FUNCTION "ledger"."exact_value"(numeric) IS 'A value that JSON keeps exactly, rounded to a whole number; raises beyond.';

COMMENT ON FUNCTION "ledger"."expire_grace"(integer) IS 'Job: cancels (setting grace_expiry = cancel, when nothing of it has left the house) or flags the orders whose grace period has passed with something due; answers how many. One that it cannot end is an alert (grace_not_ended) until it can.';

COMMENT ON FUNCTION "ledger"."family_query"(public.integrity_checks[], boolean) IS 'One statement of the checks of a family.';

COMMENT ON FUNCTION "ledger"."findings"(text[], ledger.integrity_scope) IS 'Rows that offend the checks named (null: all enabled) in a scope, in one snapshot; and a row without check_code for each family (of a scope: for all families together), with its milliseconds.';

COMMENT ON FUNCTION "ledger"."findings_by_check"() IS 'What offends the books as far as runs know, by check.';

COMMENT ON FUNCTION "ledger"."findings_of_checks"(public.integrity_checks[], ledger.integrity_scope) IS 'Rows that offend checks of one family; raises when one of them cannot be run.';

COMMENT ON FUNCTION "ledger"."findings_of_each"(public.integrity_checks[], ledger.integrity_scope) IS 'Rows that offend checks of one family; a check that cannot be run is a finding (check_can_be_run).';

COMMENT ON FUNCTION "ledger"."findings_of_report"() IS 'What offends the books as far as runs know, by check, the worst first.';

COMMENT ON FUNCTION "ledger"."fix_imported_order"(public.imported_order_claims, public.orders, ledger.actor) IS 'Puts a locked order right and answers its steps [{"step": wallet_paid | receipt_approved | status_changed, ...}], amounts in minor units. Raises LREFU with the refusal where it cannot.';

COMMENT ON FUNCTION "ledger"."flags_of_report"() IS 'Feature flags and their states.';

COMMENT ON FUNCTION "ledger"."give_up_fix"(jsonb) IS 'Raises LREFU with a refusal as its message, if there is one.';

COMMENT ON FUNCTION "ledger"."guards_now"() IS 'Triggers on tables and partitions as they are at present.';

COMMENT ON FUNCTION "ledger"."ids_in"(jsonb) IS 'A JSON array of ids as an array; {} of null.';

COMMENT ON FUNCTION "ledger"."job_command"(text) IS 'What a scheduler sends at each turn of a job.';

COMMENT ON FUNCTION "ledger"."job_lock"(text) IS 'Key of the advisory lock that a running job holds.';

COMMENT ON FUNCTION "ledger"."jobs_of_report"() IS 'Jobs with their last runs.';

COMMENT ON FUNCTION "ledger"."keep_job_run"(text, timestamp with time zone, text) IS 'Keeps the end of a job''s run; p_error is null when it succeeded.';

COMMENT ON FUNCTION "ledger"."kpi_about"(text, timestamp with time zone) IS 'Value of a metric in the last snapshot until five minutes after a moment; null when there is none in two hours before.';

COMMENT ON FUNCTION "ledger"."kpi_values"(timestamp with time zone) IS 'Every metric of ledger.kpi_metrics as of now, in one snapshot; p_at is the end of the hour that rates are of.';

COMMENT ON FUNCTION "ledger"."kpis_of_report"() IS 'Each metric with its newest value, those of a day and a week before, and its last 48.';

COMMENT ON FUNCTION "ledger"."largest_seal"() IS 'How many events a seal covers at most.';

COMMENT ON FUNCTION "ledger"."last_runs"() IS 'The last run of each kind: of the books, of all and of what had changed, and of the drift checks.';

COMMENT ON FUNCTION "ledger"."list_sealed_events"() IS 'Makes the lists of events of seals that have none; answers of how many.';

COMMENT ON FUNCTION "ledger"."lock_for_repairs"(uuid[]) IS 'Locks all that these repairs write or rest on, in the order of locks.';

COMMENT ON FUNCTION "ledger"."mark_order_of_card"(ledger.card_step) IS 'Gives the order of a card payment the payment status that its money and surplus say, with an event where it was another.';

COMMENT ON FUNCTION "ledger"."metrics_to_ask"() IS 'Metrics with a query, those that were cancelled last.';

COMMENT ON FUNCTION "ledger"."months_said_empty"(text) IS 'Months that a run of the job is at, of a table with a large default partition.';

COMMENT ON FUNCTION "ledger"."months_to_prepare"(text, timestamp with time zone[]) IS 'What of these months (UTC) may have a partition, of a table with a large default partition.';

COMMENT ON FUNCTION "ledger"."names_of_findings"(ledger.integrity_scope) IS 'What is found in a scope, each as its check and subject.';

COMMENT ON FUNCTION "ledger"."newest_kpi"(text) IS 'The newest value of a key figure that is no older than three hours; calls: of how many it is, where it is of calls.';

COMMENT ON FUNCTION "ledger"."note_settled_message"() IS 'Trigger: notes when a message was delivered or given up; one that is tried again waits again.';

COMMENT ON FUNCTION "ledger"."order_money_by_rows"(public.orders) IS 'An order''s money, added up from refunds, payments, allocations and transactions.';

COMMENT ON FUNCTION "ledger"."orders_still_in_grace"() IS 'Numbers of the orders with an alert grace_not_ended whose grace period is over and that are still in it.';

COMMENT ON FUNCTION "ledger"."outbox_of_report"() IS 'Messages that wait, counted up to 10000, and since when the oldest of them is due.';

COMMENT ON FUNCTION "ledger"."partitions_of_report"() IS 'Monthly partitions of events and audit log: the newest, how many are ahead of this month, and whether the default one has rows.';

COMMENT ON FUNCTION "ledger"."pay_from_wallet"(public.orders, bigint, ledger.actor, text, uuid, boolean) IS 'Takes an amount out of the wallet for a locked and checked order, with its records; wallet_amount is what was taken, transaction_id that of the payment.';

COMMENT ON FUNCTION "ledger"."payment_status_by_rows"(public.orders, text) IS 'The payment status of an order whose money and deadline are those given; null where its last event says one that cannot be.';

COMMENT ON FUNCTION "ledger"."plan_repair"(uuid, uuid, text, text, uuid) IS 'Plans a repair of a subject as everything is now; answers why there is none, or null.';

COMMENT ON FUNCTION "ledger"."plan_repairs"(public.reconciliation_runs, interval) IS 'Plans the repairs of a run, at most a thousand and for about p_time; what is left comes behind what is planned when it is called again. Answers {"planned": [ids of the open plans], "refused": [{check_code, repair, subject, findings, reason}], "left_count"}.';

COMMENT ON FUNCTION "ledger"."prepare_months_of"(text, timestamp with time zone[]) IS 'Takes the next of three steps towards partitions of months (UTC) of a table whose default partition is large; answers how many were attached. The caller holds no lock.';

COMMENT ON FUNCTION "ledger"."problem_of_card_events"(public.card_payments, ledger.card_facts) IS 'Why the events of a card''s provider are not those that were told of; null when they are.';

COMMENT ON FUNCTION "ledger"."problem_of_its_seal"(bigint) IS 'Why the seal that covers an event does not hold, or null.';

COMMENT ON FUNCTION "ledger"."problem_of_order_postings"(public.orders) IS 'Why the postings of an order do not fit its money; null when they do.';

COMMENT ON FUNCTION "ledger"."problem_of_replayed_money"(public.orders) IS 'Why the events of an order do not come to this money; null when they do, or do not say it.';

COMMENT ON FUNCTION "ledger"."problem_of_reservations"(uuid) IS 'Why the reservations of a variant differ from their events; null when they do not.';

COMMENT ON FUNCTION "ledger"."problem_of_status_changes"(uuid) IS 'Why a status change of an order does not fit the transaction that it left; null when all do.';

COMMENT ON FUNCTION "ledger"."problems_left"(public.imported_order_claims, public.orders) IS 'Which problems of a claim its order still has: status_mismatch, wallet_without_transaction, receipt_stuck. Nothing is wrong with one that has ended.';

COMMENT ON FUNCTION "ledger"."purge_audit_log"(integer) IS 'Job: of what is older than the setting audit_retention_days drops a month, or else removes p_limit lines; answers how many of either.';

COMMENT ON FUNCTION "ledger"."purge_integrity"(integer) IS 'Job: removes findings (at most p_limit), resolved alerts, and superseded or stale plans of repairs that are older than the setting integrity_retention_days; answers how many.';

COMMENT ON FUNCTION "ledger"."purge_kpi_snapshots"() IS 'Job: removes snapshots older than the setting kpi_retention_days, or more than a day ahead; answers how many.';

COMMENT ON FUNCTION "ledger"."put_back"(public.reconciliation_actions) IS 'Writes the lines of a repair the other way round; answers why not, and has then written nothing.';

COMMENT ON FUNCTION "ledger"."raise_alert"(text, text, bigint, jsonb) IS 'Raises an alert of a rule for a subject, or brings its value up to date; answers its id, or null when the value is within the limit or the rule is off.';

COMMENT ON FUNCTION "ledger"."raises_a_balance"(jsonb) IS 'Whether diff lines raise what an account has available.';

COMMENT ON FUNCTION "ledger"."read_order_claims"(jsonb, jsonb, ledger.import_order_line) IS 'A line whose words and amounts are read, with its status, paid amount and payment status as far as they are proven, and what was claimed beyond.';

COMMENT ON FUNCTION "ledger"."reconcile"() IS 'Job: plans the repairs of the last runs while active_reconciliation is dry, plans and applies them while it is enforce; answers what reconciliation_apply did.';

COMMENT ON FUNCTION "ledger"."record_imported_claims"(public.import_runs, ledger.imported_claim[], ledger.actor) IS 'Writes the events of receipts that came with orders of an import, and what the broken ones of these orders claimed.';

COMMENT ON FUNCTION "ledger"."record_imported_orders"(public.orders[], boolean, ledger.actor) IS 'Writes the transactions, postings and events of written orders of an import, with the time of the order and "imported": true; "stock" says whether their goods were taken from the stock.';

COMMENT ON FUNCTION "ledger"."refusal_of_repair"(text, uuid, uuid, uuid, jsonb) IS 'Why these lines must not be written, busy where that could not be tried, or null; nothing stays written.';

COMMENT ON FUNCTION "ledger"."refuse_order_fix"(uuid, text[], boolean) IS 'The refusal for an emergency fix of orders as it was asked for, or null.';

COMMENT ON FUNCTION "ledger"."refuse_repairs"(boolean, uuid, uuid[], integer, bigint, text) IS 'The refusal of reconciliation_apply, or null.';

COMMENT ON FUNCTION "ledger"."refuse_wallet_payment"(public.orders, public.accounts, bigint) IS 'The refusal for paying an amount of an order from the wallet: order_not_payable, invalid_amount, account_frozen, insufficient_funds, amount_too_large; or null.';

COMMENT ON FUNCTION "ledger"."reject_disagreeing_orders"(uuid) IS 'Rejects for the first row of orders whose rows disagree, whose total is not the sum of its parts, whose paid amount is not what its payment status says, or which claim more of a wallet or a receipt than is open.';

COMMENT ON FUNCTION "ledger"."reject_order_claims"(bigint, ledger.import_order_line) IS 'Reasons to reject a line of which what is claimed cannot be kept.';

COMMENT ON FUNCTION "ledger"."reject_used_receipts"(public.import_runs, public.orders[]) IS 'Rejects drafted orders whose receipt names a transfer that is known already; answers how many rows.';

COMMENT ON FUNCTION "ledger"."relations_named"(text) IS 'Those of ledger.integrity_relations that a query names without a schema.';

COMMENT ON FUNCTION "ledger"."relations_of"(text, boolean) IS 'The WITH list of the relations that a query reads, whole or scoped; null when it reads none.';

COMMENT ON FUNCTION "ledger"."repair_account_totals"(uuid) IS 'What brings an account''s totals and version to what its events say.';

COMMENT ON FUNCTION "ledger"."repair_backorders"(uuid) IS 'What brings an order''s backorders to the movements that filled them, and gives up those of an ended order.';

COMMENT ON FUNCTION "ledger"."repair_balance_caches"(uuid) IS 'What brings the kept sums of an account''s payments, invoices and debt to what their rows say.';

COMMENT ON FUNCTION "ledger"."repair_card_payment"(uuid) IS 'What brings a card payment to its provider''s events.';

COMMENT ON FUNCTION "ledger"."repair_commission"(uuid) IS 'What brings a referral commission to its transactions.';

COMMENT ON FUNCTION "ledger"."repair_discount_usage"(uuid) IS 'What brings the counter of a discount code to its live redemptions.';

COMMENT ON FUNCTION "ledger"."repair_import_counts"(uuid) IS 'What brings the counters of an import to its rows.';

COMMENT ON FUNCTION "ledger"."repair_invoice_credit"(uuid) IS 'What brings the credited amount of an invoice to its credit notes.';

COMMENT ON FUNCTION "ledger"."repair_lines"(text, jsonb, jsonb, jsonb) IS 'Diff lines of one row: of each column of p_to whose value is not that of p_from.';

COMMENT ON FUNCTION "ledger"."repair_of"(text, uuid) IS 'What a kind of repair would write for a subject, as everything is now.';

COMMENT ON FUNCTION "ledger"."repair_old_flags"(uuid) IS 'What brings the old flags of an account to what is allocated; nothing while they are not kept.';

COMMENT ON FUNCTION "ledger"."repair_order_money"(uuid) IS 'What brings an order''s amounts, payment status and deadline to what payments, allocations and refunds say.';

COMMENT ON FUNCTION "ledger"."repair_order_status"(uuid) IS 'What brings an order''s status to the last one of its history.';

COMMENT ON FUNCTION "ledger"."repair_share"(text, uuid, uuid, uuid, bigint, bigint, text, text) IS 'What brings clawed_back_amount of a commission or a vendor''s share to the transactions; the types of those are given.';

COMMENT ON FUNCTION "ledger"."repair_stock_levels"(uuid) IS 'What brings a variant''s stock to its movements and what is held of it to its active reservations.';

COMMENT ON FUNCTION "ledger"."repair_update"(regclass, jsonb, jsonb) IS 'The statement that mends columns of a row.';

COMMENT ON FUNCTION "ledger"."repair_vendor_earning"(uuid) IS 'What brings a vendor''s earning to its transactions.';

COMMENT ON FUNCTION "ledger"."repair_whole_row"(regclass, jsonb, jsonb) IS 'The statement that inserts a row that was missing, or deletes it again.';

COMMENT ON FUNCTION "ledger"."repairs_of_report"() IS 'Repairs by status.';

COMMENT ON FUNCTION "ledger"."repairs_wanted"(public.reconciliation_runs) IS 'Repairs and subjects that the findings of a run ask for, those first that others rest on.';

COMMENT ON FUNCTION "ledger"."replay_facts"(uuid[], uuid[], uuid[], boolean) IS 'What is replayed from events of these accounts, orders and variants (null: all, {}: none) beside what is stored; amounts in minor units, or units of stock.';

COMMENT ON FUNCTION "ledger"."replayed_accounts"(uuid[]) IS 'Totals, version, freeze and debt (minor units) of these accounts, or of all, replayed from events alone. version: the highest that an event names; has_every_version: one event names each up to it.';

COMMENT ON FUNCTION "ledger"."replayed_orders"(uuid[]) IS 'Status, payment status and amounts (minor units) of these orders, or of all, replayed from events alone. exact_after_event_id: the last event that did not say enough; payment_status, and after a payout refunded_amount, are null then. An order without events has no row.';

COMMENT ON FUNCTION "ledger"."replayed_stock"(uuid[]) IS 'Units on hand and held of these variants, or of all, replayed from events alone. exact_after_event_id: the last event that did not say enough of the variant; on_hand is null then. A variant without events has no row.';

COMMENT ON FUNCTION "ledger"."resolve_alerts"(text, text[], smallint) IS 'Resolves the alerts of a rule except for the subjects that are still above its limit, once p_turns evaluations have found them so; answers how many.';

COMMENT ON FUNCTION "ledger"."rules_to_ask"() IS 'Rules with a query that are switched on, those that were cancelled last.';

COMMENT ON FUNCTION "ledger"."run_checks"(text[], text, uuid) IS 'Runs checks (null: all enabled) in the scope all, changed or account, keeps the run and its findings, and answers the run.';

COMMENT ON FUNCTION "ledger"."run_job"(text) IS 'Runs a job now, unless it runs already or is switched off, and keeps how it ended; answers done, failed, skipped (it runs already, or gave up waiting for a lock) or switched off. A failing command does not raise.';

COMMENT ON FUNCTION "ledger"."runs_of_report"() IS 'The last runs, for report_integrity.';

COMMENT ON FUNCTION "ledger"."schedule_jobs"() IS 'Hands all enabled jobs to pg_cron and takes back those that are off or gone; answers how many it has. Call it after installing a release, and after changing a schedule. Safe to repeat.';

COMMENT ON FUNCTION "ledger"."scope_of_repair"(text, uuid, uuid) IS 'The scope of the checks that a trial of a repair asks; its kind is null where there is none.';

COMMENT ON FUNCTION "ledger"."scope_of_run"(text, uuid, bigint) IS 'What a run looks at: all, changed since the last run that looked at all or at changes, or one account.';

COMMENT ON FUNCTION "ledger"."seal_before"(bigint) IS 'The seal before a number (null: the newest); number 0, the hash of nothing, when there is none.';

COMMENT ON FUNCTION "ledger"."seal_below"(public.event_seals, bigint, integer, bigint) IS 'Seals the events after a seal whose transaction is below p_horizon, at most so many (null: all); answers the last seal there is then.';

COMMENT ON FUNCTION "ledger"."seal_events"(integer) IS 'Job: seals the events that no running transaction can still join, a million at most; answers how many.';

COMMENT ON FUNCTION "ledger"."seal_misfits"(public.event_seals, public.event_seals) IS 'Events that are not as the seal found them, given the seal before it: changed, missing or inserted.';

COMMENT ON FUNCTION "ledger"."seal_problems"(public.event_seals, public.event_seals) IS 'What does not hold of a seal, given the seal before it; no row when it holds.';

COMMENT ON FUNCTION "ledger"."seal_witnesses"() IS 'Seals that an events.sealed message, or a list of events that belongs to no seal, tells of and that are gone or have another hash.';

COMMENT ON FUNCTION "ledger"."seals_of_report"() IS 'The newest seal, and how many events wait for the next, counted up to 10000.';

COMMENT ON FUNCTION "ledger"."silence_of_schedule"(text) IS 'After how long without success a job of this schedule counts as dead.';

COMMENT ON FUNCTION "ledger"."state_of_order"(uuid) IS 'Status, payment status, stage, paid and due amount of an order, and the balance of its customer.';

COMMENT ON FUNCTION "ledger"."status_of_stage"(text, text) IS 'The order status of a management''s stage, beside what the customer was shown; any other word as it is.';

COMMENT ON FUNCTION "ledger"."status_rank"(text) IS 'Place of a status on the way from pending to delivered; null for any other.';

COMMENT ON FUNCTION "ledger"."step_of_status"(public.orders, public.orders, uuid) IS 'A list of one step, or of none when the status is the same.';

COMMENT ON FUNCTION "ledger"."strays_before"(public.event_seals, public.event_seals) IS 'Events that belong to the epoch that ends before p_seal, and to none of its seals.';

COMMENT ON FUNCTION "ledger"."strays_behind"(public.event_seals) IS 'Events of the newest seal''s epoch of transactions that have not been.';

COMMENT ON FUNCTION "ledger"."streams_of_accounts"(uuid[]) IS 'Streams that events of these accounts can be of: themselves, their orders, payments, invoices, withdrawals, receipts, reservations and vendors.';

COMMENT ON FUNCTION "ledger"."streams_of_variants"(uuid[]) IS 'Streams that events about units of these variants can be of: themselves, orders and reservations.';

COMMENT ON FUNCTION "ledger"."switch_off_failing_repairs"() IS 'Switches active_reconciliation off when too many of the repairs failed that were tried since it was set.';

COMMENT ON FUNCTION "ledger"."take_kpi_snapshot"() IS 'Job: measures every metric and keeps what it says; answers how many.';

COMMENT ON FUNCTION "ledger"."transaction_of_status"(text, text, text) IS 'The type of transaction that an event of an order''s status belongs to; none where there is no such event. Imported orders came to their status by order_status_changed.';

COMMENT ON FUNCTION "ledger"."try_order_fix"(uuid, ledger.actor) IS 'Puts a locked order right if anything is claimed of it; answers what integrity_emergency_order_fix says of it. Refusals: those of the wallet payment, the receipt''s review and the status changes; bulk_item_failed where nobody foresaw it.';

COMMENT ON FUNCTION "ledger"."try_repair"(public.reconciliation_actions) IS 'The action as it would be read now: planned when its plan holds, else stale. Writes nothing.';

COMMENT ON FUNCTION "ledger"."units_to_restock"(public.orders, uuid, jsonb) IS 'Units of arriving lines that go into stock: [{"variant_id", "quantity"}].';

COMMENT ON FUNCTION "ledger"."unsealed_events"(bigint) IS 'Events that no seal covers yet, counted up to p_at_most (null: all).';

COMMENT ON FUNCTION "ledger"."verify_next_seals"(interval) IS 'Job: verifies the seals behind those of its last run for so long, then begins anew; raises seals_do_not_hold for what does not hold, and answers how many problems there are.';

COMMENT ON FUNCTION "ledger"."verify_seals"(bigint, bigint, bigint, timestamp with time zone) IS 'Recomputes seals from p_from to p_to, at most p_limit of them; problem says what does not hold, event_id of which event. A row without a number counts events that no seal covers or ever would, or names a seal that messages or lists of events tell of and that is not there.';

COMMENT ON FUNCTION "ledger"."wallet_part_left"(public.imported_order_claims, public.orders) IS 'What the wallet is said to have paid for an order and has not, as far as it is due; minor units.';

COMMENT ON FUNCTION "ledger"."watch_job_again"() IS 'Trigger: a job that is switched on again is not dead for the time it was off.';

COMMENT ON FUNCTION "ledger"."watch_jobs_anew"(text) IS 'When the job that watches the others has been silent for too long itself, all of them have their time anew.';

COMMENT ON FUNCTION "ledger"."write_imported_receipts"(public.import_runs, public.orders[]) IS 'Writes the receipts that written orders of an import came with, under review since the time of the order; answers the claims of all of them.';

COMMENT ON FUNCTION "ledger"."write_repair"(jsonb) IS 'Writes diff lines row by row, and answers what reconciliation_actions.undo keeps.';

COMMENT ON FUNCTION "ledger"."write_repair_row"(regclass, jsonb, boolean, jsonb, jsonb) IS 'Writes one row of a repair where it is as expected; answers whether it was.';

COMMENT ON FUNCTION "public"."integrity_checkpoint"() IS 'The newest seal: its number, hash (hex), epoch and last event, the number of events under all seals up to it, and the database (system identifier of the cluster / name). Number 0 and the hash of nothing before the first seal. Kept elsewhere and signed (npm run seals) it shows a history that was rewritten with all its seals. Needs audit.read. DESIGN rule 7.';

COMMENT ON FUNCTION "public"."integrity_emergency_order_fix"(uuid, text[], boolean, text, uuid) IS 'Puts orders right that were broken in an older system (imported_order_claims): of p_user_id, those of p_order_numbers (1 to 100), or with neither the next 100 of all. A wallet part without a transaction is paid from the wallet, a receipt under review is approved as far as something is due, the status follows the management''s, each through the product''s own steps; p_dry_run (the default) answers what would come of it and changes nothing. orders: [{order_id, order_number, user_id, currency, problems [status_mismatch, wallet_without_transaction, receipt_stuck], claimed, steps [{step, ...}], outcome (planned, fixed, nothing_to_do, refused), error_code, error_message, error_details, before and after {status, payment_status, stage, paid_amount, amount_due, available_balance}}], minor units; a refused one stays as it was, and the others go on. remaining_orders: claims that are still unsettled; call it again. Needs integrity.repair; balances are answered to who has accounts.read. An order of this system cannot have two statuses, for both sides are views of one row. Errors of the call: invalid_argument, order_not_found, customer_not_found, idempotency_conflict; of an order: insufficient_funds, account_frozen, payment_required, invalid_transition, own_receipt, receipt_not_due, payment_reference_used and others of those steps, bulk_item_failed. Source 000.';

COMMENT ON FUNCTION "public"."integrity_replay"(uuid, uuid, uuid, boolean) IS 'Replays an account (p_account_id: totals, balance, version, freeze, debt), an order (p_order_id: status, payment status, amounts), the stock of a variant (p_variant_id: units on hand and held) or everything (p_all) from the events alone and compares it with what is stored. rows: [{"kind": account | order | variant, "subject": id, "what", "replayed", "stored", "is_equal"}], with p_all only what differs, the first 1000; is_equal and replayed are null where events of before did not say enough (not_recorded counts them). Amounts in minor units. accounts, orders, variants: how many were looked at. With p_all it reads every event: of a large shop call it with a statement_timeout to match. Needs audit.read. Errors: invalid_argument, account_not_found, order_not_found. Source 002.';

COMMENT ON FUNCTION "public"."integrity_run"(text[], text, uuid) IS 'Runs the checks of integrity_checks (p_codes; null: all that are enabled) on everything (all), on what has changed since the last run (changed), or on one account (account, with p_account_id), in one snapshot and without making anybody wait; keeps and answers the run (a row of reconciliation_runs) and its first 1000 findings. Needs audit.read. Errors: invalid_argument. DESIGN section 8.';

COMMENT ON FUNCTION "public"."integrity_verify_seals"(bigint, text, bigint, bigint, integer) IS 'Recomputes seals over immutable_events, from p_from_seal (null: the first) to p_to_seal (null: the newest), for about four seconds and at most p_limit seals, and answers how far it came: not is_complete means call again with p_from_seal = verified_to + 1. problems ([{"seal_number", "event_id", "problem"}], the first 1000 of problem_count) name the events that were changed, are missing or were inserted, and seals that do not hold; seal_number null is about events that no seal covers. With p_seal_number and p_hash (hex) of an events.sealed message it also says whether that seal is still the same. Needs audit.read. Errors: invalid_argument. DESIGN rule 7.';

COMMENT ON FUNCTION "public"."ledger_acknowledge_alert"(uuid, text, text, uuid) IS 'Says that somebody looks after an open alert (a row of alerts), with p_notes of up to 2000 characters. It is resolved when the next evaluation finds its value within the limit. Needs alerts.handle. Errors: alert_not_found, alert_conflict, invalid_argument, idempotency_conflict. Source 002, E-C4.';

COMMENT ON FUNCTION "public"."ledger_pay_order_from_wallet"(uuid, bigint, text, uuid) IS 'Pays all that is due for an order of the caller (staff with payments.record: of p_user_id), or p_amount of it in minor units, from the wallet; wallet_amount is what was taken; an invoice of the order claims so much less. With the setting auto_confirm_when_paid a covered pending order becomes confirmed. available_balance is answered to the customer and to who has accounts.read. Errors: customer_required, order_not_found, order_not_payable (it has ended, or nothing is due), invalid_amount, insufficient_funds, account_frozen, amount_too_large, rate_limited, idempotency_conflict. Source 000.';

COMMENT ON FUNCTION "public"."ledger_set_flag"(text, text, integer, text, text, uuid) IS 'Switches a feature flag. allocation_dual_write: off, shadow, enforce; leaving off takes the old flags over from what is allocated. allocation_read_switch: off, canary (p_percentage of the accounts, by a stable hash), full. Reading from the cache by more accounts, or enforcing, needs as many last runs without drift as the setting drift_free_runs says. ledger_backfill_mode: off only, and not while a backfill is under way. active_reconciliation: off, dry, enforce; enforce only from dry, after a run of all checks. Needs flags.set. Errors: invalid_argument, drift_not_ruled_out, reconciliation_not_tried, backfill_running. Source 002, 16.8.';

COMMENT ON FUNCTION "public"."reconciliation_apply"(boolean, uuid, uuid[], integer, bigint, text, text, uuid) IS 'Applies open plans of reconciliation_plan (of an account, those named, or all), or with p_dry_run, the default, says what that would do and changes nothing. Each plan is reckoned anew under its locks and written only if it still changes the same by as much, else it is stale; one that fails undoes itself only. At most the settings reconciliation_max_repairs and reconciliation_max_amount (minor units of all currencies and units of stock together), or the narrower p_max_repairs and p_max_amount; left_count plans beyond them stay planned, and so do those that raise what an account has available unless p_action_ids names them. actions [{id, check_code, repair, subject, account_id, status, plan, diff_amount, error_code, error_message}], of a dry run with the status planned for what would be applied. Needs the flag active_reconciliation at enforce, for a dry run at dry; what waits while it is switched off applies nothing more; when more than reconciliation_failure_percent of the repairs tried since it was set have failed it is switched off (flag_state). Needs integrity.repair. Errors: reconciliation_off, repair_not_found, invalid_argument. Source 002, E-B4.';

COMMENT ON FUNCTION "public"."reconciliation_plan"(uuid) IS 'Plans repairs of what a run found (null: the last run of the checks; a drift run for its first accounts) and answers them: plans [{id, check_code, repair, subject, account_id, plan, diff_amount, created_at}], plan being diff lines [{relation, key, column, from, to}], amounts in minor units; for_people [{check_code, repair, subject, findings, reason}] is what no repair mends (without a repair: one row per check); left_count subjects that somebody was at work on, or that came behind the first thousand or after five seconds: asked again, it answers the same plans and goes on with these. A plan was tried and taken back: after it fewer checks find something, and none what it did not find before. Repairs nothing. Needs audit.read. Errors: invalid_argument. Source 002, E-B4.';

COMMENT ON FUNCTION "public"."reconciliation_undo"(uuid, text, text, uuid) IS 'Undoes an applied repair: its rows say again what they said before (lines: diff lines, amounts in minor units), with an event integrity.repair_undone, and the next run finds it again; the same is not planned for it a second time. Only up to the setting reconciliation_max_amount, while each of these rows is as the repair left it; whatever state active_reconciliation has. Needs integrity.repair. Errors: repair_not_found, repair_not_undoable, invalid_argument. Source 002, E-B4.';

COMMENT ON FUNCTION "public"."report_integrity"() IS 'The shop''s health, for a dashboard. runs: the last run of the books (scope all, changed) and of the drift checks (check_code debt_cache, old_flags), [{run_id, check_code, scope, status, findings, accounts, differing_accounts, diff_abs, diff_ratio_ppm, limit_ppm, started_at, ended_at}]. findings: what offends the books as far as runs know, by check, the worst first, [{check_code, severity, findings, found_at, proves, repair}]. alerts: {open, acknowledged, newest: [{alert_id, rule, severity, subject, status, value, limit_value, raised_at, last_seen_at}]} (50). repairs: {planned, applied, failed, stale, undone, superseded, last_applied_at}. kpis: each metric as of the last hourly snapshot, [{metric, unit, direction, description, taken_at, value, details, day_ago, week_ago, series: [{taken_at, value}]}], 48 points, oldest first; unit: ppm, us, ms, s, count, minor (minor units of the default currency). jobs: [{name, schedule, enabled, last_started_at, last_succeeded_at, last_duration_ms, last_error, runs, failures, skipped, running_since, is_overdue}]. seals: {seal_number, sealed_at, highest_event_id, unsealed_events}. flags: [{key, state, percentage, updated_at}]. partitions: [{table, newest_month, months_ahead, default_has_rows}]. outbox: {waiting, oldest_due_at}. unsealed_events and waiting are counted up to 10000. Needs reports.read or audit.read: who may read reports sees alerts, findings by check and the jobs'' last errors here, whose tables need audit.read. Source 002.';

COMMENT ON SEQUENCE "ledger"."verified_seal_seq" IS 'Newest seal that ledger.verify_next_seals has looked at in its present round.';

COMMENT ON TABLE "ledger"."guards" IS 'Triggers of the schema that refuse what would break the books.';

COMMENT ON TABLE "ledger"."integrity_relations" IS 'Names that the queries of integrity_checks read, and what they stand for.';

COMMENT ON TABLE "ledger"."kpi_metrics" IS 'What ledger.take_kpi_snapshot() measures.';

COMMENT ON TABLE "ledger"."scheduled_jobs" IS 'SQL commands to run on a cron schedule (UTC), and how their last runs ended. Read it through ledger.jobs.';

COMMENT ON TABLE "public"."alert_rules" IS 'What is watched, and from where on it is an alert; edit limit_value and enabled in the dashboard; rules of a shop''s own are added, changed and removed there as well.';

COMMENT ON TABLE "public"."alerts" IS 'Breaches of alert_rules, those that are over among them.';

COMMENT ON TABLE "public"."event_fingerprints" IS 'Immutable. The events of the seal with this hash, in its order, with the first eight bytes of the SHA-256 of each one''s canonical form.';

COMMENT ON TABLE "public"."imported_order_claims" IS 'What an older system claimed of orders that were broken there and came in only as far as they are proven. Amounts in minor units of the order''s currency.';

COMMENT ON TABLE "public"."integrity_checks" IS 'Checks of the books. A row of a shop''s own has family own; all others belong to the schema.';

COMMENT ON TABLE "public"."integrity_findings" IS 'Immutable until purged after the setting integrity_retention_days. Rows that offended a check, as a run found them.';

COMMENT ON TABLE "public"."kpi_snapshots" IS 'Immutable until purged after the setting kpi_retention_days. Each metric of ledger.kpi_metrics, once an hour.';

COMMENT ON TABLE "public"."reconciliation_actions" IS 'Repairs of integrity findings: planned, applied, undone. At most one is planned per repair and subject.';

COMMENT ON TABLE "public"."reconciliation_runs" IS 'Immutable. Runs of the checks of the books (check_code books) and of the drift checks. Amounts in minor units, summed over currencies: only their ratio is for reading, details has them by currency.';

COMMENT ON TYPE "ledger"."breach" IS 'A subject of an alert rule whose value is above the limit.';

COMMENT ON TYPE "ledger"."chosen_repairs" IS 'Plans within the limits, what they come to (minor units, units of stock), and how many are left beyond them.';

COMMENT ON TYPE "ledger"."finding" IS 'A row that offends a check; without check_code: how long the checks of a family took.';

COMMENT ON TYPE "ledger"."import_order_line" IS 'Keys of import_rows.parsed of kind orders. A cancellation has a negative quantity; payment_status is null where the row says none. wallet_amount is a part without a transaction, and paid_amount does not hold it.';

COMMENT ON TYPE "ledger"."imported_claim" IS 'What a drafted order of an import claims beyond what is proven; amounts in minor units.';

COMMENT ON TYPE "ledger"."integrity_scope" IS 'all, changed or account; orders; accounts and variants whose whole history is added up; and all accounts and variants, with those whose history is too long for that; the streams that events of the accounts can be of, which ledger.findings fills in.';

COMMENT ON TYPE "ledger"."order_money" IS 'What an order says of its money, by the rows it follows from; minor units.';

COMMENT ON TYPE "ledger"."personal_column" IS 'owner_column: names the person (user_id, id, acknowledged_by) or their account (account_id). becomes: an SQL expression over the row, ''gone'' when the row is removed, null when the column is kept.';

COMMENT ON TYPE "ledger"."repair" IS 'stream_type and account_id of its event; lines: as in reconciliation_actions.plan, [] when there is nothing to mend; problem: why it is not for a repair, and then no lines count.';

COMMENT ON TYPE "ledger"."replayed_account" IS 'An account as its events have left it; amounts in minor units.';

COMMENT ON TYPE "ledger"."replayed_fact" IS 'kind: account, order or variant; subject: its id; is_recorded: whether its events say it.';

COMMENT ON TYPE "ledger"."replayed_order" IS 'An order as its events have left it; amounts in minor units.';

COMMENT ON TYPE "ledger"."replayed_variant" IS 'The stock of a variant as events have left it, in units.';

COMMENT ON TYPE "ledger"."seal_problem" IS 'A seal (null: no seal), its events, what does not hold, and the event that it is about.';

COMMENT ON VIEW "ledger"."cleared_checks" IS 'Checks, and since which run of everything their findings count; -infinity: there was none.';

COMMENT ON VIEW "ledger"."jobs" IS 'Jobs with their last runs; running_since while one runs, is_silent when it has not succeeded for longer than max_silence.';

COMMENT ON VIEW "ledger"."repair_kinds" IS 'Kinds of repair, in the order in which they are applied, and what each is about.';

REVOKE ALL ON FUNCTION "ledger"."alert_facts"(public.alerts, public.alert_rules) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."alerts_of_report"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."attach_month"(text, timestamp WITH time zone, timestamp WITH time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."backordered_since"(uuid, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."backordered_units"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."booked_amount"(ledger.integrity_scope) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."breaches_of_rule"(public.alert_rules) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."call_durations"(text[], timestamp WITH time zone, timestamp WITH time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."carry_out_repair"(public.reconciliation_actions, text, ledger.actor) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."carry_out_repairs"(uuid[], text, ledger.actor) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."changed_since"(bigint, bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."changes_of_lines"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."check_alerts"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."check_integrity"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."choose_repairs"(uuid, uuid[], bigint, bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."claims_to_fix"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."close_seal"(public.event_seals, bigint[], bigint[], text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."columns_as"(jsonb, text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."count_denied_call"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."count_skipped_job"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."create_months_of"(text, timestamp WITH time zone[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."days_without_partition"(timestamp WITH time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."default_has_rows"(text, timestamp WITH time zone, timestamp WITH time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."diff_of_lines"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."digest_of_row"(regclass, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."draft_imported_claims"(public.import_runs, public.orders[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."drop_messages_of_old_goods"(uuid, timestamp WITH time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."event_fingerprint"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."events_under_seal"(public.event_seals, public.event_seals) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."exact_value"(numeric) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."family_query"(public.integrity_checks[], boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."findings"(text[], ledger.integrity_scope) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."findings_by_check"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."findings_of_checks"(public.integrity_checks[], ledger.integrity_scope) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."findings_of_each"(public.integrity_checks[], ledger.integrity_scope) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."findings_of_report"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."fix_imported_order"(public.imported_order_claims, public.orders, ledger.actor) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."flags_of_report"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."give_up_fix"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."guards_now"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."ids_in"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."job_command"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."job_lock"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."jobs_of_report"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."keep_job_run"(text, timestamp WITH time zone, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."kpi_about"(text, timestamp WITH time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."kpi_values"(timestamp WITH time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."kpis_of_report"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."largest_seal"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."last_runs"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."list_sealed_events"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."lock_for_repairs"(uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."mark_order_of_card"(ledger.card_step) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."metrics_to_ask"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."months_said_empty"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."months_to_prepare"(text, timestamp WITH time zone[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."names_of_findings"(ledger.integrity_scope) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."newest_kpi"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."note_settled_message"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."order_money_by_rows"(public.orders) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."orders_still_in_grace"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."outbox_of_report"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."partitions_of_report"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."pay_from_wallet"(public.orders, bigint, ledger.actor, text, uuid, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."payment_status_by_rows"(public.orders, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."plan_repair"(uuid, uuid, text, text, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."plan_repairs"(public.reconciliation_runs, interval) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."prepare_months_of"(text, timestamp WITH time zone[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."problem_of_card_events"(public.card_payments, ledger.card_facts) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."problem_of_its_seal"(bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."problem_of_order_postings"(public.orders) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."problem_of_replayed_money"(public.orders) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."problem_of_reservations"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."problem_of_status_changes"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."problems_left"(public.imported_order_claims, public.orders) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."purge_audit_log"(integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."purge_integrity"(integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."purge_kpi_snapshots"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."put_back"(public.reconciliation_actions) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."raise_alert"(text, text, bigint, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."raises_a_balance"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."read_order_claims"(jsonb, jsonb, ledger.import_order_line) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."reconcile"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."record_imported_claims"(public.import_runs, ledger.imported_claim[], ledger.actor) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."record_imported_orders"(public.orders[], boolean, ledger.actor) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refusal_of_repair"(text, uuid, uuid, uuid, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_order_fix"(uuid, text[], boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_repairs"(boolean, uuid, uuid[], integer, bigint, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."refuse_wallet_payment"(public.orders, public.accounts, bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."reject_order_claims"(bigint, ledger.import_order_line) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."reject_used_receipts"(public.import_runs, public.orders[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."relations_named"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."relations_of"(text, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."repair_account_totals"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."repair_backorders"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."repair_balance_caches"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."repair_card_payment"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."repair_commission"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."repair_discount_usage"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."repair_import_counts"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."repair_invoice_credit"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."repair_lines"(text, jsonb, jsonb, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."repair_of"(text, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."repair_old_flags"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."repair_order_money"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."repair_order_status"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."repair_share"(text, uuid, uuid, uuid, bigint, bigint, text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."repair_stock_levels"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."repair_update"(regclass, jsonb, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."repair_vendor_earning"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."repair_whole_row"(regclass, jsonb, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."repairs_of_report"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."repairs_wanted"(public.reconciliation_runs) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."replay_facts"(uuid[], uuid[], uuid[], boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."replayed_accounts"(uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."replayed_orders"(uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."replayed_stock"(uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."resolve_alerts"(text, text[], smallint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."rules_to_ask"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."run_checks"(text[], text, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."run_job"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."runs_of_report"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."scope_of_repair"(text, uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."scope_of_run"(text, uuid, bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."seal_before"(bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."seal_below"(public.event_seals, bigint, integer, bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."seal_misfits"(public.event_seals, public.event_seals) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."seal_problems"(public.event_seals, public.event_seals) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."seal_witnesses"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."seals_of_report"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."silence_of_schedule"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."state_of_order"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."status_of_stage"(text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."status_rank"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."step_of_status"(public.orders, public.orders, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."strays_before"(public.event_seals, public.event_seals) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."strays_behind"(public.event_seals) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."streams_of_accounts"(uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."streams_of_variants"(uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."switch_off_failing_repairs"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."take_kpi_snapshot"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."transaction_of_status"(text, text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."try_order_fix"(uuid, ledger.actor) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."try_repair"(public.reconciliation_actions) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."units_to_restock"(public.orders, uuid, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."unsealed_events"(bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."verify_next_seals"(interval) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."verify_seals"(bigint, bigint, bigint, timestamp WITH time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."wallet_part_left"(public.imported_order_claims, public.orders) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."watch_job_again"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."watch_jobs_anew"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."write_imported_receipts"(public.import_runs, public.orders[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."write_repair"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "ledger"."write_repair_row"(regclass, jsonb, boolean, jsonb, jsonb) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."integrity_checkpoint"() TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."integrity_checkpoint"() TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."integrity_emergency_order_fix"(uuid, text[], boolean, text, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."integrity_emergency_order_fix"(uuid, text[], boolean, text, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."integrity_replay"(uuid, uuid, uuid, boolean) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."integrity_replay"(uuid, uuid, uuid, boolean) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."integrity_run"(text[], text, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."integrity_run"(text[], text, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."integrity_verify_seals"(bigint, text, bigint, bigint, integer) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."integrity_verify_seals"(bigint, text, bigint, bigint, integer) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."ledger_acknowledge_alert"(uuid, text, text, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."ledger_acknowledge_alert"(uuid, text, text, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."ledger_pay_order_from_wallet"(uuid, bigint, text, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."ledger_pay_order_from_wallet"(uuid, bigint, text, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."reconciliation_apply"(boolean, uuid, uuid[], integer, bigint, text, text, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."reconciliation_apply"(boolean, uuid, uuid[], integer, bigint, text, text, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."reconciliation_plan"(uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."reconciliation_plan"(uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."reconciliation_undo"(uuid, text, text, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."reconciliation_undo"(uuid, text, text, uuid) TO "service_role";

GRANT EXECUTE ON FUNCTION "public"."report_integrity"() TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."report_integrity"() TO "service_role";

REVOKE ALL ON TABLE "public"."alert_rules" FROM "authenticated";

GRANT SELECT ON TABLE "public"."alert_rules" TO "authenticated";

REVOKE ALL ON TABLE "public"."alert_rules" FROM "service_role";

GRANT SELECT ON TABLE "public"."alert_rules" TO "service_role";

REVOKE ALL ON TABLE "public"."alerts" FROM "authenticated";

GRANT SELECT ON TABLE "public"."alerts" TO "authenticated";

REVOKE ALL ON TABLE "public"."alerts" FROM "service_role";

GRANT SELECT ON TABLE "public"."alerts" TO "service_role";

REVOKE ALL ON TABLE "public"."event_fingerprints" FROM "authenticated";

GRANT SELECT ON TABLE "public"."event_fingerprints" TO "authenticated";

REVOKE ALL ON TABLE "public"."event_fingerprints" FROM "service_role";

GRANT SELECT ON TABLE "public"."event_fingerprints" TO "service_role";

REVOKE ALL ON TABLE "public"."imported_order_claims" FROM "authenticated";

GRANT SELECT ON TABLE "public"."imported_order_claims" TO "authenticated";

REVOKE ALL ON TABLE "public"."imported_order_claims" FROM "service_role";

GRANT SELECT ON TABLE "public"."imported_order_claims" TO "service_role";

REVOKE ALL ON TABLE "public"."integrity_checks" FROM "authenticated";

GRANT SELECT ON TABLE "public"."integrity_checks" TO "authenticated";

REVOKE ALL ON TABLE "public"."integrity_checks" FROM "service_role";

GRANT SELECT ON TABLE "public"."integrity_checks" TO "service_role";

REVOKE ALL ON TABLE "public"."integrity_findings" FROM "authenticated";

GRANT SELECT ON TABLE "public"."integrity_findings" TO "authenticated";

REVOKE ALL ON TABLE "public"."integrity_findings" FROM "service_role";

GRANT SELECT ON TABLE "public"."integrity_findings" TO "service_role";

REVOKE ALL ON TABLE "public"."kpi_snapshots" FROM "authenticated";

GRANT SELECT ON TABLE "public"."kpi_snapshots" TO "authenticated";

REVOKE ALL ON TABLE "public"."kpi_snapshots" FROM "service_role";

GRANT SELECT ON TABLE "public"."kpi_snapshots" TO "service_role";

REVOKE ALL ON TABLE "public"."reconciliation_actions" FROM "authenticated";

GRANT SELECT ON TABLE "public"."reconciliation_actions" TO "authenticated";

REVOKE ALL ON TABLE "public"."reconciliation_actions" FROM "service_role";

GRANT SELECT ON TABLE "public"."reconciliation_actions" TO "service_role";

ALTER TABLE "public"."reconciliation_actions"
  ADD CONSTRAINT "reconciliation_actions_finding_id_fkey" FOREIGN KEY (finding_id) REFERENCES public.integrity_findings(id) ON DELETE RESTRICT;

CREATE VIEW "ledger"."present_findings" WITH (security_invoker=true) AS  WITH cleared AS MATERIALIZED (
         SELECT c_1.code,
            c_1.started_at,
            c_1.run_id
           FROM ledger.cleared_checks c_1
        ), repaired AS MATERIALIZED (
         SELECT c_1.code,
            (a.subject)::text AS subject,
            max(a.applied_at) AS applied_at
           FROM (public.reconciliation_actions a
             JOIN public.integrity_checks c_1 ON ((c_1.repair = a.repair)))
          WHERE (a.status = 'applied'::text)
          GROUP BY c_1.code, a.subject
        )
 SELECT f.id,
    f.run_id,
    f.check_code,
    f.severity,
    f.subject,
    f.account_id,
    f.expected,
    f.found,
    f.diff_amount,
    f.created_at
   FROM ((cleared c
     JOIN public.reconciliation_runs r ON (((r.check_code = 'books'::text) AND (r.findings > 0) AND (ROW(r.started_at, r.id) >= ROW(c.started_at, c.run_id)) AND (r.started_at <= (clock_timestamp() + '00:05:00'::interval)))))
     JOIN public.integrity_findings f ON (((f.run_id = r.id) AND (f.check_code = c.code))))
  WHERE ((NOT (EXISTS ( SELECT
           FROM repaired a
          WHERE ((a.code = f.check_code) AND (a.subject = "left"(f.subject, 36)) AND (a.applied_at > f.created_at))))) AND (NOT (EXISTS ( SELECT
           FROM repaired a
          WHERE ((a.code = f.check_code) AND (a.subject = (f.account_id)::text) AND (a.applied_at > f.created_at))))));

COMMENT ON VIEW "ledger"."present_findings" IS 'Findings since the last run of everything that asked their check, without what was repaired.';

CREATE INDEX reconciliation_actions_by_subject ON public.reconciliation_actions USING btree (subject, id)
  WHERE (status = ANY (ARRAY['applied'::text, 'undone'::text]));

set ledger.procedure = 'migration';

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
  ('order_not_payable', 409, 'Order {order_number} takes no payment from the wallet: {reason}.', 'The order was rejected or has ended, or nothing is due for it.'),
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
  ('alert_not_found', 404, 'There is no alert {alert_id}.', 'The alert does not exist.'),
  ('alert_conflict', 409, 'The alert is {status} already.', 'Somebody else acknowledged it first, or its cause is gone.'),
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
  ('reconciliation_off', 409, 'Repairs wait: the flag active_reconciliation is {state}, and this needs {needed}.', 'Nothing is repaired while the flag is off, and only shown while it is dry.'),
  ('reconciliation_not_tried', 409, 'Repairs cannot be enforced yet: active_reconciliation must have been dry for a run of all checks. It is {state}, with {runs} such runs since it was set.', 'Set it to dry, call integrity_run and reconciliation_plan, look at the plans, then enforce.'),
  ('repair_not_found', 404, 'There is no repair {action_id}.', 'The row of reconciliation_actions does not exist.'),
  ('repair_not_undoable', 409, 'The repair {action_id} cannot be undone: {reason}.', 'It was not applied, or what it wrote was changed since.'),
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
  ('receipt_not_due', 409, 'Nothing is due for order {order_number} any more: finance decides about its receipt.', 'An emergency fix approves no receipt beyond what is due; the order was paid meanwhile.'),
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
  ('ledger_pay_order_from_wallet', 60, 1),
  ('ledger_submit_receipt', 30, 0.1),
  ('ledger_request_withdrawal', 60, 1)
on conflict (procedure) do nothing;

-- sql/foundation/scheduled_jobs.data.sql

insert into ledger.scheduled_jobs (name, schedule, command, description) values
  ('seal events', '* * * * *', 'select ledger.seal_events()', 'Closes events into the next seals.'),
  ('verify seals', '7-57/10 * * * *', 'select ledger.verify_next_seals()', 'Recomputes seals from their events, twenty seconds of them, round after round.'),
  ('expire reservations', '* * * * *', 'select ledger.expire_reservations()', 'Frees stock that reservations held past their time.'),
  ('alert late receipts', '*/10 * * * *', 'select ledger.alert_late_receipts()', 'Queues a message for each receipt that waits too long for its review.'),
  ('remind of grace', '*/5 * * * *', 'select ledger.remind_of_grace()', 'Reminds customers of orders that are to be paid soon.'),
  ('expire grace', '* * * * *', 'select ledger.expire_grace()', 'Cancels or flags orders that were not paid in time.'),
  ('create partitions', '15-17 * * * *', 'select ledger.create_month_partitions()', 'Monthly partitions of events and audit log, ahead of time.'),
  ('continue bulk changes', '* * * * *', 'select ledger.continue_bulk_changes()', 'Carries on with bulk changes that nobody is at.'),
  ('check integrity', '20 * * * *', 'select ledger.check_integrity()', 'Runs all checks on what has changed; compares debts with their cache and the old flags, and switches off what drifts.'),
  ('reconcile', '25 * * * *', 'select ledger.reconcile()', 'Plans repairs of what the last runs found, and applies them where active_reconciliation says so.'),
  ('take kpi snapshot', '5 * * * *', 'select ledger.take_kpi_snapshot()', 'Measures the key figures and keeps them.'),
  ('purge kpi snapshots', '25 2 * * *', 'select ledger.purge_kpi_snapshots()', 'Removes key figures beyond the retention.'),
  ('purge integrity findings', '30 2 * * *', 'select ledger.purge_integrity()', 'Removes findings, alerts that are over and plans that came to nothing, beyond the retention.'),
  ('purge bulk changes', '35 2 * * *', 'select ledger.purge_bulk_changes()', 'Removes finished bulk changes beyond the retention.'),
  ('purge order drafts', '40 2 * * *', 'select ledger.purge_order_drafts()', 'Removes drafts beyond the retention.'),
  ('purge imported rows', '55 2 * * *', 'select ledger.purge_import_rows()', 'Blanks rows of ended imports beyond the retention.'),
  ('purge audit log', '*/10 2-4 * * *', 'select ledger.purge_audit_log()', 'Drops an audit partition beyond the retention, or removes as many lines.'),
  ('purge idempotency keys', '45 2 * * *', 'select ledger.purge_idempotency_keys()', 'Removes idempotency keys beyond the retention.')
on conflict (name) do nothing;

insert into ledger.scheduled_jobs (name, schedule, command, time_limit, description) values
  ('check alerts', '*/5 * * * *', 'select ledger.check_alerts()', '2 minutes', 'Evaluates the alert rules: raises, and resolves what is over.'),
  ('check all integrity', '50 2 * * *', 'select ledger.run_checks()', '1 hour', 'Runs all checks on everything.')
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
  ('backfill_drift_ppm_limit', '0', 'integer', 0, 1000000, null, 'Difference between what a backfill should have allocated and what it did, in millionths, beyond which it is taken back (source 002, 16.5).'),
  ('import_retention_days', '90', 'integer', 1, 3650, null, 'Days after the end of an import that its rows are kept as they came.'),
  ('drift_free_runs', '3', 'integer', 1, 1000, null, 'Drift runs in a row without any difference before the debt is read from the cache by more accounts (source 002, 16.8).'),
  ('reconciliation_max_repairs', '100', 'integer', 0, 1000, null, 'Repairs that one call of reconciliation_apply, or one run of its job, may apply.'),
  ('reconciliation_max_amount', '10000000', 'integer', 0, 9007199254740991, null, 'What these repairs may correct together, in minor units of all currencies and units of stock.'),
  ('reconciliation_failure_percent', '2', 'integer', 0, 100, null, 'Share of repairs that may fail before active_reconciliation is switched off (source 002, 16.8).'),
  ('dual_write_failure_percent', '3', 'integer', 0, 100, null, 'Share of old flags that may fail to be written in shadow before dual writing is switched off (source 002, 16.8).'),
  ('stuck_order_hours_finance_pending', '168', 'integer', 0, 8760, null, 'Hours without any change after which an order that waits for its money is reported; 0: never.'),
  ('stuck_order_hours_finance_review', '48', 'integer', 0, 8760, null, 'Hours after which an order whose receipt is looked at is reported; 0: never.'),
  ('stuck_order_hours_awaiting_confirmation', '48', 'integer', 0, 8760, null, 'Hours after which a paid order that nobody has confirmed is reported; 0: never.'),
  ('stuck_order_hours_warehouse_ready', '72', 'integer', 0, 8760, null, 'Hours after which an order that the warehouse has not begun is reported; 0: never.'),
  ('stuck_order_hours_warehouse_processing', '72', 'integer', 0, 8760, null, 'Hours after which an order that the warehouse has not sent is reported; 0: never.'),
  ('stuck_order_hours_logistics_dispatched', '336', 'integer', 0, 8760, null, 'Hours after which an order that has not arrived is reported; 0: never.'),
  ('idempotency_retention_days', '30', 'integer', 1, 3650, null, 'Days that idempotency keys and their answers are kept.'),
  ('integrity_retention_days', '400', 'integer', 30, 3650, null, 'Days that findings of checks, alerts that are over and plans of repairs that came to nothing are kept.'),
  ('kpi_retention_days', '400', 'integer', 8, 3650, null, 'Days that hourly key figures are kept.'),
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
  ('integrity.repair', 'Repair what integrity checks found, and orders of an older system that are broken.'),
  ('alerts.handle', 'Acknowledge alerts.'),
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
  ('admin', 'integrity.repair'),
  ('admin', 'alerts.handle'),
  ('finance', 'alerts.handle')
on conflict (role, permission) do nothing;

-- sql/integrity/alerts/alert_rules.data.sql

-- what is watched; limits are those of source 002 where it has one
insert into public.alert_rules (is_own, code, severity, unit, limit_value, description, query) values
  (false, 'debt_drift_ppm_limit', 'error', 'ppm', 5000, 'What debts differ by in their cache or in the old flags. A drift run fails beyond this, and two in a row switch off the flag they speak against (source 002, section 13: 0.5 %).', $$
    select c.code, r.diff_ratio_ppm
    from (values ('debt_cache'), ('old_flags')) c (code)
    cross join lateral (
      select n.* from public.reconciliation_runs n
      where n.check_code = c.code and n.started_at <= clock_timestamp() + interval '5 minutes'
      order by n.started_at desc, n.id desc limit 1) r
    where c.code = 'debt_cache' or exists (select from public.feature_flags f where f.key = 'allocation_dual_write' and f.state <> 'off')
  $$),
  (false, 'allocation_latency_limit', 'warning', 'us', 120000, 'Nineteen of twenty allocations took at most this, in an hour with twenty and more (source 002, section 11: 120 ms).', $$
    select m.metric, m.value from ledger.newest_kpi('allocation_latency_p95_us') m where m.calls >= 20
  $$),
  (false, 'placement_latency_limit', 'warning', 'us', 200000, 'Nineteen of twenty placed orders took at most this, in an hour with twenty and more.', $$
    select m.metric, m.value from ledger.newest_kpi('placement_latency_p95_us') m where m.calls >= 20
  $$),
  (false, 'outbox_lag', 'error', 's', 900, 'How long the message that is due the longest waits while the flag outbox_enabled is on. Where nothing was ever delivered that is told after a day: a shop that delivers nothing switches the flag off. The check outbox_lags has the same limit.', $$
    select 'outbox', extract(epoch from clock_timestamp() - o.next_retry_at)
    from (select n.next_retry_at from ledger.outbox n where n.status in ('pending', 'sending') order by n.next_retry_at limit 1) o
    where (o.next_retry_at < clock_timestamp() - interval '1 day' or exists (select from ledger.outbox s where s.settled_at is not null))
      and exists (select from public.feature_flags f where f.key = 'outbox_enabled' and f.state = 'on')
  $$),
  (false, 'outbox_dead', 'error', 'count', 0, 'Messages that are not tried any more.', $$
    select m.metric, m.value from ledger.newest_kpi('outbox_dead') m
  $$),
  (false, 'integrity_findings', 'critical', 'count', 0, 'Rows that offend a check of the books, by check: money, history or something kept is wrong.', $$
    select f.check_code, f.findings from ledger.findings_by_check() f where f.severity <> 'warning'
  $$),
  (false, 'integrity_warnings', 'warning', 'count', 0, 'Rows that somebody should look at, by check, such as orders that are stuck. From when on an order is stuck is said by the settings stuck_order_hours_<stage>.', $$
    select f.check_code, f.findings
    from ledger.findings_by_check() f
    -- these are told of at once, by rules of their own and by the message receipt.late
    where f.severity = 'warning' and f.check_code not in ('events_are_sealed', 'outbox_lags', 'receipt_waits_too_long')
  $$),
  (false, 'seals_behind', 'critical', 's', 900, 'Age of the oldest event behind the last seal. The check events_are_sealed has the same limit.', $$
    select 'events', extract(epoch from clock_timestamp() - e.occurred_at)
    from (select coalesce(max(s.highest_event_id), 0) as id from public.event_seals s) l
    cross join lateral (select i.occurred_at from public.immutable_events i where i.id > l.id order by i.id limit 1) e
  $$),
  (false, 'partitions_ahead', 'error', 'days', 0, 'Days of the next seven that lie in a month without a partition; its rows would go to the default partition.', $$
    select d.partitioned_table, d.days from ledger.days_without_partition() d
  $$),
  (false, 'job_failed', 'error', 'turns', 0, 'Times in a row that a job has failed; last_error in ledger.jobs says with what.', $$
    select j.name, j.failures_in_a_row from ledger.jobs j where j.enabled
  $$),
  (false, 'job_silent', 'error', 'percent', 100, 'Time since a job succeeded, in percent of the time it may be silent: it does not run, or never ends well.', $$
    select j.name, extract(epoch from j.silent_for) * 100 / extract(epoch from j.max_silence) from ledger.jobs j where j.enabled
  $$),
  (false, 'denied_calls', 'warning', 'count', 50, 'Calls refused because the caller lacks the permission, or speaks for somebody else, in the last hour or a little more: since the newest snapshot of the key figures that is 55 minutes old.', $$
    select 'calls', case when q.is_called then q.last_value else 0 end - coalesce((
      select (k.details ->> 'total')::bigint from public.kpi_snapshots k
      where k.metric = 'denied_calls' and k.details ? 'total' and k.taken_at <= clock_timestamp() - interval '55 minutes'
      order by k.taken_at desc limit 1), 0)
    from ledger.denied_calls_seq q
  $$),
  (false, 'flag_switched_off', 'error', 'count', 0, 'A feature flag that was switched off because of what was found, until it is on again; of active_reconciliation reconciliation_failures tells.', $$
    select f.key, 1
    from public.feature_flags f
    cross join lateral (select e.event_type from public.immutable_events e where e.stream_id = md5(f.key)::uuid order by e.id desc limit 1) l
    where f.state = 'off' and l.event_type = 'flag.switched_off' and f.key <> 'active_reconciliation'
  $$),
  (false, 'old_flag_failures', 'warning', 'count', 0, 'Old flags that could not be written in the last hour, while allocation_dual_write was shadow.', $$
    select 'allocation_dual_write', count(*) from public.old_flag_failures f where f.created_at > clock_timestamp() - interval '1 hour'
  $$),
  (false, 'idempotency_purge_behind', 'warning', 'count', 0, 'Idempotency keys two days and more beyond their retention; counted up to a thousand.', $$
    select 'idempotency_keys', count(*)
    from (select from ledger.idempotency_keys k
          where k.created_at < clock_timestamp() - make_interval(days => ledger.setting_text('idempotency_retention_days')::integer + 2) limit 1000) k
  $$)
on conflict (code) do update set
  is_own = excluded.is_own, severity = excluded.severity, unit = excluded.unit, description = excluded.description, query = excluded.query;

-- raised and resolved by the job that finds them
insert into public.alert_rules (is_own, code, severity, unit, limit_value, description) values
  (false, 'rule_cannot_be_asked', 'error', 'count', 0, 'A rule of this table whose query fails; details say how.'),
  (false, 'seals_do_not_hold', 'critical', 'count', 0, 'What does not hold of a seal, as the job that verifies them found it: events or seals were changed.'),
  (false, 'grace_not_ended', 'error', 'count', 0, 'An order whose grace period is over and that could be neither cancelled nor flagged; details say why.'),
  (false, 'reconciliation_failures', 'error', 'count', 0, 'Repairs that failed in the run that had too many of them.')
on conflict (code) do update set
  is_own = excluded.is_own, severity = excluded.severity, unit = excluded.unit, description = excluded.description;

-- sql/integrity/checks/accounts.data.sql

-- what an account says, beside its transactions, its wallet in the postings, its events, its withdrawals, its commissions
insert into public.integrity_checks (family, code, severity, repair, proves, query) values
  ('accounts', 'account_equals_transactions', 'critical', 'account_totals', 'The balance of each account is the sum of its transactions.', $$
    select a.id, a.id, a.available_balance, coalesce(t.amount, 0), coalesce(t.amount, 0) - a.available_balance
    from accounts a left join account_transactions t on t.account_id = a.id
    where a.available_balance <> coalesce(t.amount, 0)
  $$),
  ('accounts', 'account_equals_last_transaction', 'critical', 'account_totals', 'The balance of each account is what its last transaction left.', $$
    select a.id, a.id, a.available_balance, l.balance_after, l.balance_after - a.available_balance
    from touched_accounts a
    cross join lateral (select t.balance_after from public.transactions t where t.account_id = a.id order by t.account_version desc limit 1) l
    where a.available_balance <> l.balance_after
  $$),
  ('accounts', 'account_version_counts_transactions', 'critical', 'account_totals', 'The version of each account counts its transactions without a gap.', $$
    select a.id, a.id, a.version, coalesce(t.transactions, 0), null
    from accounts a left join account_transactions t on t.account_id = a.id
    where a.version <> coalesce(t.transactions, 0) or a.version <> coalesce(t.last_version, 0)
  $$),
  ('accounts', 'account_equals_wallet_postings', 'critical', 'account_totals', 'The balance of each account is what the double entry has in its wallet.', $$
    select a.id, a.id, a.available_balance, coalesce(w.wallet, 0), coalesce(w.wallet, 0) - a.available_balance
    from accounts a left join account_wallets w on w.account_id = a.id
    where a.available_balance <> coalesce(w.wallet, 0)
  $$),
  ('accounts', 'withdrawals_payable_equals_pending', 'critical', 'account_totals', 'What waits to be paid out is booked as payable, and what was paid out is not any more.', $$
    select a.id, a.id, a.total_pending_withdrawals, coalesce(w.payable, 0), coalesce(w.payable, 0) - a.total_pending_withdrawals
    from accounts a left join account_wallets w on w.account_id = a.id
    where a.total_pending_withdrawals <> coalesce(w.payable, 0)
  $$),
  ('accounts', 'account_totals_replay_from_events', 'critical', 'account_totals', 'The four totals of each account follow from its events alone.', $$
    select a.id, a.id, format('%s/%s/%s/%s', a.total_earned, a.total_withdrawn, a.total_pending_withdrawals, a.total_orders),
           format('%s/%s/%s/%s', coalesce(r.earned, 0), coalesce(r.withdrawn, 0), coalesce(r.pending, 0), coalesce(r.orders, 0)),
           abs(a.total_earned - coalesce(r.earned, 0)) + abs(a.total_withdrawn - coalesce(r.withdrawn, 0))
             + abs(a.total_pending_withdrawals - coalesce(r.pending, 0)) + abs(a.total_orders - coalesce(r.orders, 0))
    from accounts a
    left join (
      select e.account_id, sum((e.effect ->> 'total_earned')::bigint) as earned, sum((e.effect ->> 'total_withdrawn')::bigint) as withdrawn,
             sum((e.effect ->> 'total_pending_withdrawals')::bigint) as pending, sum((e.effect ->> 'total_orders')::bigint) as orders
      from (select n.account_id, n.payload -> 'effect' as effect from immutable_events n where n.payload ? 'effect') e
      group by e.account_id) r on r.account_id = a.id
    where (a.total_earned, a.total_withdrawn, a.total_pending_withdrawals, a.total_orders)
          <> (coalesce(r.earned, 0), coalesce(r.withdrawn, 0), coalesce(r.pending, 0), coalesce(r.orders, 0))
  $$),
  ('accounts', 'total_orders_equals_orders', 'critical', 'account_totals', 'What an account has spent on orders is what its orders took from the wallet and did not give back.', $$
    select a.id, a.id, a.total_orders, coalesce(o.amount, 0), coalesce(o.amount, 0) - a.total_orders
    from accounts a
    left join (select n.account_id, sum(n.wallet_amount - n.wallet_refunded_amount) as amount from orders_of_accounts n group by n.account_id) o on o.account_id = a.id
    where a.total_orders <> coalesce(o.amount, 0)
  $$),
  ('accounts', 'pending_equals_open_withdrawals', 'critical', 'account_totals', 'What an account has pending is the sum of its open withdrawals.', $$
    select a.id, a.id, a.total_pending_withdrawals, coalesce(w.amount, 0), coalesce(w.amount, 0) - a.total_pending_withdrawals
    from accounts a
    left join (select n.account_id, sum(n.amount) as amount from withdrawals n where n.status in ('requested', 'approved') group by n.account_id) w on w.account_id = a.id
    where a.total_pending_withdrawals <> coalesce(w.amount, 0)
  $$),
  ('accounts', 'commission_equals_transactions', 'critical', 'commission', 'Each commission is what was credited and taken back for it, in the account of its referrer.', $$
    select coalesce(c.id, m.reference_id), coalesce(c.account_id, m.account_id::uuid), format('%s in %s', c.commission_amount - c.clawed_back_amount, c.account_id),
           format('%s in %s', m.amount, m.account_id), coalesce(m.amount, 0) - coalesce(c.commission_amount - c.clawed_back_amount, 0)
    from referral_commissions c
    full join (select t.reference_id, sum(t.amount) as amount, min(t.account_id::text) as account_id, count(distinct t.account_id) as accounts
               from transactions t
               where t.type in ('commission_earned', 'commission_clawed_back')
               group by t.reference_id) m on m.reference_id = c.id
    where (c.commission_amount - c.clawed_back_amount, c.account_id::text, 1::bigint) is distinct from (m.amount, m.account_id, m.accounts)
  $$),
  ('accounts', 'commission_follows_its_rate', 'critical', null, 'Each commission is its rate of what the order was worth.', $$
    select c.id, c.account_id, ledger.commission_amount(c.base_amount, c.rate_bp), c.commission_amount,
           c.commission_amount - ledger.commission_amount(c.base_amount, c.rate_bp)
    from referral_commissions c
    where c.commission_amount <> ledger.commission_amount(c.base_amount, c.rate_bp)
  $$),
  ('accounts', 'posting_refers_to_what_is_there', 'critical', null, 'Each posting is in the account and currency of its transaction, between accounts of the chart.', $$
    select format('%s/%s', p.transaction_id, p.leg_number), p.account_id, 'its transaction''s account and currency, the chart',
           format('%s %s %s %s', p.account_id, p.currency, p.debit_account, p.credit_account), null
    from postings p
    left join transactions t on t.id = p.transaction_id and t.account_id = p.account_id
    left join accounts a on a.id = p.account_id and a.currency = p.currency
    left join public.chart_accounts d on d.code = p.debit_account
    left join public.chart_accounts c on c.code = p.credit_account
    where t.id is null or a.id is null or d.code is null or c.code is null
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;

-- whose account there is not is in no account's scope
insert into public.integrity_checks (family, code, severity, scopes, repair, proves, query) values
  ('accounts', 'transaction_refers_to_what_is_there', 'critical', '{all}', null, 'Each transaction is of an account that there is.', $$
    select t.id, t.account_id, 'an account', t.account_id, t.amount
    from transactions t left join accounts a on a.id = t.account_id
    where a.id is null
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;

-- sql/integrity/checks/allocations.data.sql

/*
 * The invariants I1 to I10 of source 002 (2.4, 16.7), from the rows and not from the constraints that keep
 * them: what allocations add up to, beside payments, invoices, the two caches, debt movements and events.
 */
insert into public.integrity_checks (family, code, severity, repair, proves, query) values
  -- I1, I6
  ('allocations', 'payment_gives_at_most_its_amount', 'critical', null, 'No payment pays invoices with more than it is.', $$
    select p.id, p.account_id, format('at most %s', case p.status when 'captured' then p.amount else 0 end), g.amount,
           g.amount - case p.status when 'captured' then p.amount else 0 end
    from payments p join payments_given g on g.payment_id = p.id
    where g.amount > case p.status when 'captured' then p.amount else 0 end or g.amount < 0
  $$),
  -- I2, I7
  ('allocations', 'invoice_takes_at_most_its_amount', 'critical', null, 'No invoice is paid with more than it claims.', $$
    select i.id, i.account_id, format('at most %s', i.amount), g.amount, g.amount - i.amount
    from invoices i join invoices_taken g on g.invoice_id = i.id
    where g.amount > i.amount or g.amount < 0
  $$),
  -- I3
  ('allocations', 'invoice_remaining_is_amount_less_allocations', 'error', 'balance_caches', 'What remains of each invoice is what it claims less what was allocated to it.', $$
    select coalesce(i.id, b.invoice_id), coalesce(i.account_id, b.account_id), format('%s of account %s', i.amount - coalesce(g.amount, 0), i.account_id),
           format('%s of account %s', b.remaining_amount, b.account_id), coalesce(b.remaining_amount, 0) - coalesce(i.amount - coalesce(g.amount, 0), 0)
    from (select n.* from invoices n where n.kind = 'invoice') i
    full join invoice_balance_cache b on b.invoice_id = i.id
    left join invoices_taken g on g.invoice_id = i.id
    where (b.account_id, b.amount, b.remaining_amount) is distinct from (i.account_id, i.amount, (i.amount - coalesce(g.amount, 0))::bigint)
  $$),
  -- I4, I8, I9
  ('allocations', 'invoice_status_follows_what_remains', 'error', 'balance_caches', 'Each invoice is unpaid, partial or paid as what remains of it says.', $$
    select b.invoice_id, b.account_id, w.status, b.status_cached, null
    from invoice_balance_cache b
    join invoices i on i.id = b.invoice_id
    left join invoices_taken g on g.invoice_id = b.invoice_id
    cross join lateral (select case when i.amount - coalesce(g.amount, 0) = 0 then 'paid'
                                    when i.amount - coalesce(g.amount, 0) = i.amount then 'unpaid' else 'partial' end as status) w
    where b.status_cached <> w.status
  $$),
  -- I5, and I10: no drift at all
  ('allocations', 'debt_is_invoices_less_allocations', 'error', 'balance_caches', 'The debt of each account is its invoices less what was allocated to them.', $$
    select coalesce(r.account_id, c.account_id), coalesce(r.account_id, c.account_id),
           format('%s/%s/%s', coalesce(r.invoiced, 0), coalesce(r.allocated, 0), coalesce(r.unapplied, 0)),
           format('%s/%s/%s', coalesce(c.invoiced_amount, 0), coalesce(c.allocated_amount, 0), coalesce(c.unapplied_amount, 0)),
           coalesce(c.debt_amount, 0) - coalesce(r.invoiced - r.allocated, 0)
    from debts_recomputed r
    full join account_debt_cache c on c.account_id = r.account_id
    where (coalesce(r.invoiced, 0), coalesce(r.allocated, 0), coalesce(r.unapplied, 0))
          <> (coalesce(c.invoiced_amount, 0), coalesce(c.allocated_amount, 0), coalesce(c.unapplied_amount, 0))
  $$),
  ('allocations', 'debt_replays_from_events', 'error', 'balance_caches', 'The debt of each account follows from its events alone.', $$
    select coalesce(c.account_id, e.account_id), coalesce(c.account_id, e.account_id),
           format('%s/%s/%s', coalesce(c.invoiced_amount, 0), coalesce(c.allocated_amount, 0), coalesce(c.unapplied_amount, 0)),
           format('%s/%s/%s', coalesce(e.invoiced, 0), coalesce(e.allocated, 0), coalesce(e.unapplied, 0)),
           coalesce(e.invoiced - e.allocated, 0) - coalesce(c.debt_amount, 0)
    from account_debt_cache c
    full join (
      select n.account_id, coalesce(sum((n.payload #>> '{debt_effect,invoiced}')::bigint), 0) as invoiced,
             coalesce(sum((n.payload #>> '{debt_effect,allocated}')::bigint), 0) as allocated,
             coalesce(sum((n.payload #>> '{debt_effect,unapplied}')::bigint), 0) as unapplied
      from immutable_events n
      where n.payload ? 'debt_effect'
      group by n.account_id) e on e.account_id = c.account_id
    where (coalesce(c.invoiced_amount, 0), coalesce(c.allocated_amount, 0), coalesce(c.unapplied_amount, 0))
          <> (coalesce(e.invoiced, 0), coalesce(e.allocated, 0), coalesce(e.unapplied, 0))
  $$),
  ('allocations', 'debt_equals_its_movements', 'error', 'balance_caches', 'The debt of each account is the sum of its movements, and what the last of them left.', $$
    select coalesce(c.account_id, m.account_id), coalesce(c.account_id, m.account_id),
           format('%s/%s/%s, last %s/%s', coalesce(c.invoiced_amount, 0), coalesce(c.allocated_amount, 0), coalesce(c.unapplied_amount, 0),
                  coalesce(c.debt_amount, 0), coalesce(c.unapplied_amount, 0)),
           format('%s/%s/%s, last %s/%s', coalesce(m.invoiced, 0), coalesce(m.allocated, 0), coalesce(m.unapplied, 0),
                  coalesce(l.debt_after, 0), coalesce(l.unapplied_after, 0)),
           coalesce(m.invoiced - m.allocated, 0) - coalesce(c.debt_amount, 0)
    from account_debt_cache c
    full join (
      select n.account_id, sum(n.invoiced_change) as invoiced, sum(n.allocated_change) as allocated, sum(n.unapplied_change) as unapplied,
             max(n.account_version) as last_version
      from debt_movements n
      group by n.account_id) m on m.account_id = c.account_id
    left join debt_movements l on l.account_id = m.account_id and l.account_version = m.last_version
    where (coalesce(c.invoiced_amount, 0), coalesce(c.allocated_amount, 0), coalesce(c.unapplied_amount, 0), coalesce(c.debt_amount, 0), coalesce(c.unapplied_amount, 0))
          <> (coalesce(m.invoiced, 0), coalesce(m.allocated, 0), coalesce(m.unapplied, 0), coalesce(l.debt_after, 0), coalesce(l.unapplied_after, 0))
  $$),
  ('allocations', 'debt_movement_is_of_its_transaction', 'critical', null, 'Each movement of a debt is of the transaction with its version.', $$
    select format('%s/%s', m.account_id, m.account_version), m.account_id, m.transaction_id, t.id, null
    from debt_movements m
    left join transactions t on t.account_id = m.account_id and t.account_version = m.account_version
    where t.id is distinct from m.transaction_id
  $$),
  ('allocations', 'one_allocation_is_live_per_payment_and_invoice', 'critical', null, 'Each payment pays each invoice at most once at a time.', $$
    select format('%s/%s', l.payment_id, l.invoice_id), min(l.account_id::text), 1, count(*), null
    from payment_allocations l
    left join payment_allocations r on r.reverses_allocation_id = l.id
    where l.reverses_allocation_id is null and r.id is null
    group by l.payment_id, l.invoice_id
    having count(*) > 1
  $$),
  ('allocations', 'reversal_is_of_all_of_its_row', 'critical', null, 'A reversal takes back all of what it reverses.', $$
    select r.id, r.account_id, format('%s %s %s', l.payment_id, l.invoice_id, -l.allocated_amount),
           format('%s %s %s', r.payment_id, r.invoice_id, r.allocated_amount), r.allocated_amount + l.allocated_amount
    from payment_allocations r
    join payment_allocations l on l.id = r.reverses_allocation_id
    where (l.account_id, l.payment_id, l.invoice_id, -l.allocated_amount) <> (r.account_id, r.payment_id, r.invoice_id, r.allocated_amount)
  $$),
  ('allocations', 'allocation_refers_to_what_is_there', 'critical', null, 'Each allocation is between a payment and an invoice of its account, with a transaction of its own.', $$
    select l.id, l.account_id, 'payment, invoice and transaction of its account', l.account_id, null
    from payment_allocations l
    left join payments p on p.id = l.payment_id and p.account_id = l.account_id
    left join invoices i on i.id = l.invoice_id and i.account_id = l.account_id and i.kind = 'invoice' and i.currency = p.currency
    left join transactions t on t.id = l.transaction_id and t.account_id = l.account_id
    where p.id is null or i.id is null or t.id is null or t.order_id is distinct from i.order_id
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;

-- sql/integrity/checks/broken_orders.data.sql

-- orders of an older system that came in broken (imported_order_claims)
insert into public.integrity_checks (family, code, severity, repair, scopes, proves, query) values
  ('broken_orders', 'imported_order_waits_for_its_fix', 'warning', null, '{all,changed,account}',
   'No order is left as an older system broke it: integrity_emergency_order_fix puts it right.', $$
    select o.id, o.account_id, 'what the older system claimed, settled', array_to_string(c.problems, ', '), nullif(c.wallet_amount, 0)
    from orders o
    join public.imported_order_claims c on c.order_id = o.id and c.account_id = o.account_id
    where c.settled_at is null
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;

-- sql/integrity/checks/cards.data.sql

-- what card payments say, beside the events they sum up, what was booked of them, and the payments that were made of that
insert into public.integrity_checks (family, code, severity, repair, proves, query) values
  ('cards', 'card_payment_equals_its_events', 'error', 'card_payment', 'Each card payment says what its provider''s messages come to.', $$
    select c.id, c.account_id, format('%s %s/%s/%s/%s', f.status, f.authorised_amount, f.captured_amount, f.refunded_amount, f.charged_back_amount),
           format('%s %s/%s/%s/%s', c.status, c.authorised_amount, c.captured_amount, c.refunded_amount, c.charged_back_amount),
           c.captured_amount - f.captured_amount
    from card_payments c
    cross join lateral ledger.card_facts_of(row(c.*)::public.card_payments) f
    where (f.status, f.authorised_amount, f.captured_amount, f.refunded_amount, f.charged_back_amount)
          <> (c.status, c.authorised_amount, c.captured_amount, c.refunded_amount, c.charged_back_amount)
  $$),
  ('cards', 'card_booking_has_its_event', 'critical', null, 'What was booked of a card payment has the provider''s message that gave occasion to it.', $$
    select b.id, b.account_id, format('the event %s of its card payment', b.event_id), 'none', b.amount
    from card_bookings b
    left join public.card_payments c on c.id = b.card_payment_id
    left join public.card_events e on e.provider = c.provider and e.event_id = b.event_id and e.card_payment_id = c.id
    where e.event_id is null
  $$),
  ('cards', 'captured_cards_are_booked', 'critical', null, 'What was captured from a card is booked whole.', $$
    select c.id, c.account_id, c.captured_amount, coalesce(b.captured, 0), coalesce(b.captured, 0) - c.captured_amount
    from card_payments c
    left join (select n.card_payment_id, sum(n.amount) filter (where n.kind = 'captured') as captured
               from card_bookings n group by n.card_payment_id) b on b.card_payment_id = c.id
    where c.order_id is not null and c.problem is null and c.captured_amount <> coalesce(b.captured, 0)
  $$),
  -- what failed is booked as far as it moved anything
  ('cards', 'card_refunds_and_disputes_are_booked', 'critical', null, 'Each refund and dispute at the provider is booked whole.', $$
    select format('%s/%s', c.id, o.object_id), c.account_id, o.amount, format('%s/%s', o.settled_amount, o.taken_out_amount),
           o.settled_amount + o.taken_out_amount - case when o.has_failed then 0 else o.amount end
    from card_payments c
    cross join lateral ledger.card_objects(row(c.*)::public.card_payments) o
    where c.problem is null and c.captured_amount > 0
      and exists (select from public.card_events e
                  where e.card_payment_id = c.id and e.kind in ('refunded', 'refund_failed', 'charged_back', 'charge_back_won'))
      and case when o.has_failed then o.taken_out_amount <> 0 or not o.has_failed_in_the_books
               else o.amount <> o.settled_amount + o.taken_out_amount end
  $$),
  ('cards', 'card_bookings_equal_payments', 'critical', null, 'Each payment made by card is what was booked of card payments, in their customer''s account.', $$
    select p.id, p.account_id, format('%s/%s of %s', p.amount, p.charged_back_amount, p.account_id),
           format('%s/%s of %s', coalesce(b.came_in, 0), coalesce(b.went_out, 0), b.account_ids),
           abs(coalesce(b.came_in, 0) - p.amount) + abs(coalesce(b.went_out, 0) - p.charged_back_amount)
    from payments p
    left join (select n.payment_id,
                      sum(n.amount) filter (where n.kind in ('captured', 'put_back', 'surplus_failed')) as came_in,
                      sum(n.amount) filter (where n.kind in ('taken_out', 'surplus_returned')) as went_out,
                      array_agg(distinct n.account_id) as account_ids
               from card_bookings n
               where n.payment_id is not null
               group by n.payment_id) b on b.payment_id = p.id
    where (p.source = 'card' or b.payment_id is not null)
      and (p.amount, p.charged_back_amount, array[p.account_id]) is distinct from (coalesce(b.came_in, 0), coalesce(b.went_out, 0), b.account_ids)
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;

-- sql/integrity/checks/fulfilment.data.sql

-- what shipments and returns say, beside the orders, refunds and stock they belong to
insert into public.integrity_checks (family, code, severity, repair, proves, query) values
  ('fulfilment', 'shipped_at_most_what_was_ordered', 'critical', null, 'No more units of a line went out than were ordered.', $$
    select format('%s/%s', s.order_id, s.line_number), i.account_id, format('at most %s', i.quantity), s.quantity, s.quantity - i.quantity
    from shipped_units s join order_items i on i.order_id = s.order_id and i.line_number = s.line_number
    where s.quantity > i.quantity
  $$),
  ('fulfilment', 'shipped_order_is_out', 'error', null, 'Of an order that is shipped or delivered every unit went out that was not given up.', $$
    select format('%s/%s', i.order_id, i.line_number), o.account_id, i.quantity - coalesce(f.unshipped, 0), coalesce(s.quantity, 0),
           coalesce(s.quantity, 0) - (i.quantity - coalesce(f.unshipped, 0))
    from orders o
    join order_items i on i.order_id = o.id
    left join shipped_units s on s.order_id = i.order_id and s.line_number = i.line_number
    left join refunded_units f on f.order_id = i.order_id and f.line_number = i.line_number
    where o.status in ('shipped', 'delivered') and i.quantity - coalesce(f.unshipped, 0) <> coalesce(s.quantity, 0)
  $$),
  ('fulfilment', 'delivered_order_has_arrived', 'error', null, 'All shipments of a delivered order have arrived.', $$
    select s.id, o.account_id, 'delivered', s.status, null
    from shipments s join orders o on o.id = s.order_id
    where o.status = 'delivered' and s.delivered_at is null
  $$),
  ('fulfilment', 'shipments_count_from_one', 'error', null, 'Shipments of an order are numbered from one without a gap.', $$
    select s.order_id, min(s.account_id::text), count(*), max(s.shipment_number), null
    from shipments s
    group by s.order_id
    having count(*) <> max(s.shipment_number)
  $$),
  ('fulfilment', 'shipment_has_lines_of_its_order', 'critical', null, 'Each shipment holds lines of its order, in the order''s account.', $$
    select s.id, o.account_id, 'lines, in the books of its order', 'other or none', null
    from shipments s
    join orders o on o.id = s.order_id
    left join (select l.shipment_id, bool_and((l.order_id, l.account_id) = (n.order_id, n.account_id)) as are_its
               from shipment_lines l join shipments n on n.id = l.shipment_id group by l.shipment_id) l on l.shipment_id = s.id
    where s.account_id <> o.account_id or l.are_its is not true
  $$),
  ('fulfilment', 'return_has_lines_of_its_order', 'critical', null, 'Each return is of lines of its order, in the order''s account.', $$
    select r.id, o.account_id, 'lines, in the books of its order', 'other or none', null
    from returns r
    join orders o on o.id = r.order_id
    left join (select l.return_id, bool_and((l.order_id, l.account_id) = (n.order_id, n.account_id)) as are_its
               from return_lines l join returns n on n.id = l.return_id group by l.return_id) l on l.return_id = r.id
    where (r.account_id, r.user_id) <> (o.account_id, o.user_id) or l.are_its is not true
  $$),
  ('fulfilment', 'return_status_follows_its_lines', 'error', null, 'The status of each return follows from what of it was approved and has arrived.', $$
    select r.id, r.account_id, r.status, format('%s approved, %s received', l.approved, l.received), null
    from returns r
    left join (select n.return_id, sum(n.approved_quantity) as approved, sum(n.received_quantity) as received
               from return_lines n group by n.return_id) l on l.return_id = r.id
    where case r.status
            when 'approved' then l.approved <= l.received
            when 'received' then l.approved = 0 or l.approved <> l.received
            when 'closed' then false
            else l.approved <> 0 end
  $$),
  -- goods of a delivered order that was refunded ahead of them may still come
  ('fulfilment', 'ended_order_has_no_open_return', 'error', null, 'No return of an order that ended waits for anything but goods that were refunded ahead.', $$
    select r.id, r.account_id, 'closed', r.status, null
    from returns r join orders o on o.id = r.order_id
    where (o.status = 'refunded' and r.status = 'requested') or (o.status = 'cancelled' and r.status in ('requested', 'approved'))
  $$),
  ('fulfilment', 'received_at_most_what_was_shipped', 'critical', null, 'No more units of a line came back than went out.', $$
    select format('%s/%s', r.order_id, r.line_number), o.account_id, format('at most %s', coalesce(s.quantity, 0)), r.received, r.received - coalesce(s.quantity, 0)
    from lines_returned r
    left join shipped_units s on s.order_id = r.order_id and s.line_number = r.line_number
    left join orders o on o.id = r.order_id
    where r.received > coalesce(s.quantity, 0)
  $$),
  ('fulfilment', 'refunded_returns_are_refunded_units', 'critical', null, 'Units that came back and were refunded are among the refunded ones.', $$
    select format('%s/%s', r.order_id, r.line_number), o.account_id, format('at most %s', coalesce(f.quantity, 0)), r.refunded, r.refunded - coalesce(f.quantity, 0)
    from lines_returned r
    left join refunded_units f on f.order_id = r.order_id and f.line_number = r.line_number
    left join orders o on o.id = r.order_id
    where r.refunded > coalesce(f.quantity, 0)
  $$),
  ('fulfilment', 'restocked_returns_equal_movements', 'critical', null, 'Returns that put units back in stock have the movements that did so.', $$
    select format('%s/%s', coalesce(b.order_id, m.order_id), coalesce(b.variant_id, m.variant_id)), b.account_id, coalesce(b.quantity, 0), coalesce(m.quantity, 0),
           coalesce(m.quantity, 0) - coalesce(b.quantity, 0)
    from (select l.order_id, i.variant_id, min(i.account_id::text) as account_id, sum(l.restocked_quantity) as quantity
          from return_lines l join order_items i on i.order_id = l.order_id and i.line_number = l.line_number
          where l.restocked_quantity > 0
          group by l.order_id, i.variant_id) b
    full join (select n.order_id, n.variant_id, sum(n.quantity) as quantity
               from order_movements n
               where n.reason = 'return_restocked'
               group by n.order_id, n.variant_id) m on m.order_id = b.order_id and m.variant_id = b.variant_id
    where coalesce(b.quantity, 0) <> coalesce(m.quantity, 0)
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;

-- sql/integrity/checks/guards.data.sql

-- as this schema has made them; later rows come with later tables
insert into ledger.guards (table_name, trigger_name, fires, digest)
select g.table_name, g.trigger_name, g.fires, g.digest from ledger.guards_now() g where not g.is_partition
on conflict (table_name, trigger_name) do update set fires = excluded.fires, digest = excluded.digest;

-- sql/integrity/checks/imports.data.sql

-- what imports say, beside their rows, the payments and invoices these became, and what backfills made of flags
insert into public.integrity_checks (family, code, severity, repair, scopes, proves, query) values
  ('imports', 'import_counts_equal_rows', 'error', 'import_counts', '{all}', 'The counters of each import count its rows.', $$
    select r.id, null, format('%s/%s/%s/%s', r.staged_rows, r.applied_rows, r.skipped_rows, r.rejected_rows),
           format('%s/%s/%s/%s', coalesce(n.staged, 0), coalesce(n.applied, 0), coalesce(n.skipped, 0), coalesce(n.rejected, 0)), null
    from public.import_runs r
    left join (
      select w.run_id, count(*) as staged, count(*) filter (where w.state = 'applied') as applied,
             count(*) filter (where w.state = 'skipped') as skipped, count(*) filter (where w.state = 'rejected') as rejected
      from import_rows w
      group by w.run_id) n on n.run_id = r.id
    where (r.staged_rows, r.applied_rows, r.skipped_rows, r.rejected_rows)
          <> (coalesce(n.staged, 0), coalesce(n.applied, 0), coalesce(n.skipped, 0), coalesce(n.rejected, 0))
  $$),
  ('imports', 'rejected_row_has_its_reason', 'error', null, '{all}', 'Each row that was not imported says why.', $$
    select format('%s/%s', w.run_id, w.row_number), null, 'a reason', 'none', w.amount
    from import_rows w
    where w.state = 'rejected'
      and not exists (select from public.import_rejects j where j.run_id = w.run_id and j.row_number = w.row_number)
  $$),
  ('imports', 'applied_row_equals_what_it_became', 'critical', null, '{all,changed,account}', 'Each imported row says what the payment or invoice made of it says.', $$
    select format('%s/%s', w.run_id, w.row_number), coalesce(p.account_id, i.account_id), format('%s %s', w.amount, w.external_id),
           format('%s %s', coalesce(p.amount, i.total_amount), coalesce(p.external_id, i.external_id)), coalesce(p.amount, i.total_amount, 0) - w.amount
    from import_rows w
    join public.import_runs r on r.id = w.run_id and r.kind in ('payments', 'invoices')
    left join payments p on p.id = w.target_id and p.source = 'import'
    left join invoices i on i.id = w.target_id and i.source = 'import'
    where w.state = 'applied' and (w.amount, w.external_id) is distinct from (case r.kind when 'payments' then p.amount else i.total_amount end,
          case when w.external_id is not null then case r.kind when 'payments' then p.external_id else i.external_id end end)
  $$),
  ('imports', 'synthetic_allocation_is_of_imports', 'critical', null, '{all,changed,account}', 'Each allocation that a backfill made is of a flagged payment and an invoice that were imported.', $$
    select a.id, a.account_id, 'a flagged payment and an invoice, both imported', format('%s %s', a.payment_id, a.invoice_id), a.allocated_amount
    from payment_allocations a
    left join payments p on p.id = a.payment_id and p.source = 'import'
    left join invoices i on i.id = a.invoice_id and i.source = 'import'
    left join import_rows w on w.run_id = a.import_run_id and w.target_id = a.payment_id and w.parsed ->> 'is_allocated' = 'true'
    where a.synthetic and (p.id is null or i.id is null or w.run_id is null)
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;

-- sql/integrity/checks/integrity_relations.data.sql

-- tables: as they are, and of the accounts $1, the orders $2 and the variants $3 of a run. What has a long history is
-- not among $1 and $3, but among all touched accounts $4 and variants $5: so checks of an order read by order, and
-- checks that add up a history read by account or variant. $6 are the streams that events of $1 can be of
insert into ledger.integrity_relations (position, name, whole, scoped) values
  (1, 'accounts', 'select * from public.accounts', 'select * from public.accounts where id = any ($1)'),
  (21, 'touched_accounts', 'select * from public.accounts', 'select * from public.accounts where id = any ($4)'),
  (2, 'profiles', 'select * from public.profiles', 'select * from public.profiles where id in (select user_id from accounts)'),
  -- orders that a run looks at, and all orders of its accounts
  (3, 'orders', 'select * from public.orders', 'select * from public.orders where id = any ($2)'),
  (4, 'orders_of_accounts', 'select * from public.orders',
      'select o.* from accounts a join public.orders o on o.user_id = a.user_id and o.account_id = a.id'),
  (5, 'transactions', 'select * from public.transactions', 'select * from public.transactions where account_id = any ($1)'),
  (6, 'payments', 'select * from public.payments', 'select * from public.payments where account_id = any ($1)'),
  (7, 'invoices', 'select * from public.invoices', 'select * from public.invoices where account_id = any ($1)'),
  -- postings have no index by account: they are found by their transactions, one by one
  (8, 'postings', 'select * from public.postings',
      'select p.* from transactions t cross join lateral (select n.* from public.postings n where n.transaction_id = t.id offset 0) p'),
  (9, 'withdrawals', 'select * from public.withdrawals', 'select * from public.withdrawals where account_id = any ($1)'),
  (10, 'referral_commissions', 'select * from public.referral_commissions', 'select * from public.referral_commissions where account_id = any ($1)'),
  (11, 'payment_allocations', 'select * from public.payment_allocations', 'select * from public.payment_allocations where account_id = any ($1)'),
  (12, 'invoice_balance_cache', 'select * from public.invoice_balance_cache', 'select * from public.invoice_balance_cache where account_id = any ($1)'),
  (13, 'account_debt_cache', 'select * from public.account_debt_cache', 'select * from public.account_debt_cache where account_id = any ($1)'),
  (14, 'debt_movements', 'select * from public.debt_movements', 'select * from public.debt_movements where account_id = any ($1)'),
  (15, 'invoice_lines', 'select * from public.invoice_lines', 'select l.* from invoices i join public.invoice_lines l on l.invoice_id = i.id'),
  (16, 'payment_receipts', 'select * from public.payment_receipts', 'select * from public.payment_receipts where account_id = any ($1)'),
  (17, 'card_payments', 'select * from public.card_payments', 'select * from public.card_payments where account_id = any ($1)'),
  (18, 'card_bookings', 'select * from public.card_bookings',
      'select b.* from card_payments c join public.card_bookings b on b.card_payment_id = c.id union select b.* from payments p join public.card_bookings b on b.payment_id = p.id'),
  (19, 'vendor_earnings', 'select * from public.vendor_earnings', 'select * from public.vendor_earnings where account_id = any ($1)'),
  (20, 'import_rows', 'select * from public.import_rows',
      'select w.* from (select id from payments union all select id from invoices) t join public.import_rows w on w.target_id = t.id and w.state = ''applied'''),
  -- what belongs to an order
  (30, 'order_items', 'select * from public.order_items', 'select * from public.order_items where order_id = any ($2)'),
  (31, 'refunds', 'select * from public.refunds', 'select * from public.refunds where order_id = any ($2)'),
  (32, 'refund_lines', 'select * from public.refund_lines', 'select * from public.refund_lines where order_id = any ($2)'),
  (33, 'shipments', 'select * from public.shipments', 'select * from public.shipments where order_id = any ($2)'),
  (34, 'shipment_lines', 'select * from public.shipment_lines', 'select * from public.shipment_lines where order_id = any ($2)'),
  (35, 'returns', 'select * from public.returns', 'select * from public.returns where order_id = any ($2)'),
  (36, 'return_lines', 'select * from public.return_lines', 'select * from public.return_lines where order_id = any ($2)'),
  (37, 'backorders', 'select * from public.backorders', 'select * from public.backorders where order_id = any ($2)'),
  (38, 'discount_redemptions', 'select * from public.discount_redemptions', 'select * from public.discount_redemptions where order_id = any ($2)'),
  (39, 'payment_deadlines', 'select * from public.payment_deadlines', 'select * from public.payment_deadlines where order_id = any ($2)'),
  (40, 'order_commissions', 'select * from public.referral_commissions', 'select * from public.referral_commissions where order_id = any ($2)'),
  (41, 'order_earnings', 'select * from public.vendor_earnings', 'select * from public.vendor_earnings where order_id = any ($2)'),
  (42, 'order_payments', 'select * from public.payments', 'select * from public.payments where order_id = any ($2)'),
  (47, 'order_invoices', 'select * from public.invoices where order_id is not null', 'select * from public.invoices where order_id = any ($2)'),
  (48, 'order_allocations', 'select l.*, i.order_id from public.payment_allocations l join public.invoices i on i.id = l.invoice_id where i.order_id is not null',
       'select l.*, i.order_id from order_invoices i join public.payment_allocations l on l.invoice_id = i.id'),
  (49, 'order_receipts', 'select * from public.payment_receipts where order_id is not null', 'select * from public.payment_receipts where order_id = any ($2)'),
  -- of an order, or of an account and no order
  (43, 'order_transactions', 'select * from public.transactions',
      'select * from public.transactions where order_id = any ($2) union all select * from transactions where order_id is null'),
  (44, 'order_postings', 'select p.*, t.order_id from public.postings p left join public.transactions t on t.id = p.transaction_id',
      'select p.*, t.order_id from order_transactions t cross join lateral (select n.* from public.postings n where n.transaction_id = t.id offset 0) p'),
  (45, 'order_statuses', 'select event_id, order_id, status from public.order_status_history',
      'select event_id, order_id, status from public.order_status_history where order_id = any ($2)'),
  -- the index by order knows ranges: one walk from the oldest order to the newest
  (46, 'order_movements', 'select * from public.stock_movements where order_id is not null',
      'select * from public.stock_movements where order_id between (select id from orders order by id limit 1) and (select id from orders order by id desc limit 1) and order_id = any ($2)'),
  (93, 'order_events', 'select * from public.immutable_events where stream_type = ''order''', 'select * from public.immutable_events where stream_id = any ($2)'),
  -- what belongs to a variant
  (50, 'variants', 'select * from public.variants', 'select * from public.variants where id = any ($5)'),
  (51, 'stock_levels', 'select * from public.stock_levels', 'select * from public.stock_levels where variant_id = any ($5)'),
  (53, 'counted_stock_levels', 'select * from public.stock_levels', 'select * from public.stock_levels where variant_id = any ($3)'),
  (52, 'stock_movements', 'select * from public.stock_movements', 'select * from public.stock_movements where variant_id = any ($3)'),
  -- events have no index by account: they are found by the streams that an account's events can be of
  (90, 'event_streams', 'select null::uuid as id where false', 'select unnest($6) as id'),
  (91, 'immutable_events', 'select * from public.immutable_events',
      'select e.* from event_streams s cross join lateral (select n.* from public.immutable_events n where n.stream_id = s.id offset 0) e where e.account_id = any ($1)'),
  (92, 'event_texts', 'select * from public.event_texts', 'select * from public.event_texts where account_id = any ($1)')
on conflict (name) do update set position = excluded.position, whole = excluded.whole, scoped = excluded.scoped;

-- sums that several checks of a family share
insert into ledger.integrity_relations (position, name, whole) values
  (100, 'account_transactions', 'select account_id, sum(amount) as amount, count(*) as transactions, max(account_version) as last_version from transactions group by account_id'),
  (101, 'account_wallets', $$
    select account_id, sum(case 'wallet' when credit_account then amount when debit_account then -amount else 0 end) as wallet,
           sum(case 'withdrawals_payable' when credit_account then amount when debit_account then -amount else 0 end) as payable
    from postings group by account_id $$),
  (110, 'order_last_statuses', $$
    select order_id, (array_agg(status order by event_id desc))[1] as status, bool_or(status = 'delivered') as was_delivered
    from order_statuses group by order_id $$),
  (111, 'order_refunds', $$
    select f.order_id, sum(f.goods_amount) as goods, sum(f.discount_amount) as discount, sum(f.tax_amount) as tax, sum(f.shipping_amount) as shipping,
           sum(f.allowance_amount) as allowance, sum(f.allowance_tax_amount) as allowance_tax, sum(f.credit_amount) as credit,
           sum(f.payout_amount) filter (where f.payout_status = 'pending') as pending,
           sum(f.payout_amount) filter (where f.payout_status = 'failed') as failed,
           sum(f.credited_amount) as credited, sum(f.wallet_amount) as to_wallet,
           sum(f.wallet_amount + f.credit_amount + case f.payout_status when 'withdrawn' then 0 else f.payout_amount end) as refunded,
           sum(f.payout_amount) filter (where f.payout_status = 'withdrawn') as withdrawn
    from refunds f group by f.order_id $$),
  (112, 'refunded_units', 'select order_id, line_number, sum(quantity)::bigint as quantity, sum(unshipped_quantity) as unshipped from refund_lines group by order_id, line_number'),
  (113, 'shipped_units', 'select order_id, line_number, sum(quantity) as quantity from shipment_lines group by order_id, line_number'),
  -- what of a line is its vendor's and was not taken back; ledger.line_part of all units is simply the line
  (114, 'vendor_shares', $$
    select i.order_id, i.vendor_id, i.platform_rate_bp,
           w.base - ledger.divide_half_up(w.base * i.platform_rate_bp, 10000)
             - case when r.quantity is null then 0 else (ledger.line_part(row(i.*)::public.order_items, o.prices_include_tax, r.quantity)).vendor_amount end as amount
    from order_items i
    join orders o on o.id = i.order_id
    left join refunded_units r on r.order_id = i.order_id and r.line_number = i.line_number
    cross join lateral (select (i.total_price_amount - i.discount_amount - case when o.prices_include_tax then i.tax_amount else 0 end)::numeric as base) w
    where i.platform_rate_bp is not null $$),
  (120, 'order_booked', $$
    select order_id,
           sum(case 'order_escrow' when credit_account then amount when debit_account then -amount else 0 end) as escrow,
           sum(case 'receivable' when credit_account then amount when debit_account then -amount else 0 end) as receivable,
           sum(case 'refunds_payable' when credit_account then amount when debit_account then -amount else 0 end) as payable,
           sum(case 'revenue' when credit_account then amount when debit_account then -amount else 0 end) as revenue,
           sum(case 'vendor_payable' when credit_account then amount when debit_account then -amount else 0 end) as vendors,
           sum(case 'tax_payable' when credit_account then amount when debit_account then -amount else 0 end) as tax,
           sum(case 'shipping_income' when credit_account then amount when debit_account then -amount else 0 end) as shipping,
           sum(case 'discounts' when credit_account then amount when debit_account then -amount else 0 end) as discounts
    from order_postings group by order_id $$),
  (121, 'order_left', $$
    select l.id, l.account_id,
           -- escrow holds what was paid and did not go back until the delivery, and nothing after it
           case l.status when 'delivered' then 0 else l.held end as escrow,
           case l.status when 'delivered' then -l.outstanding_amount else 0 end as receivable,
           l.pending as payable,
           -- income is what was delivered and not taken back
           case when l.has_income then l.goods - l.contained_tax - l.vendors else 0 end as revenue,
           case when l.has_income then l.vendors else 0 end as vendors,
           case when l.has_income then l.tax - l.allowance_tax else 0 end as tax,
           case when l.has_income then l.shipping else 0 end as shipping,
           case when l.has_income then l.allowance_tax - l.discount - l.allowance else 0 end as discounts
    from (
      select o.id, o.account_id, o.status, o.status in ('delivered', 'cancelled', 'refunded') as has_income, o.outstanding_amount,
             o.paid_amount - o.refunded_amount as held,
             o.subtotal_amount - coalesce(b.goods, 0) as goods, o.discount_amount - coalesce(b.discount, 0) as discount,
             o.tax_amount - coalesce(b.tax, 0) as tax, case when o.prices_include_tax then o.tax_amount - coalesce(b.tax, 0) else 0 end as contained_tax,
             o.shipping_amount - coalesce(b.shipping, 0) as shipping, coalesce(b.allowance, 0) as allowance,
             coalesce(b.allowance_tax, 0) as allowance_tax, coalesce(b.pending, 0) as pending, coalesce(v.amount, 0) as vendors
      from orders o
      left join order_refunds b on b.order_id = o.id
      left join (select s.order_id, sum(s.amount) as amount from vendor_shares s group by s.order_id) v on v.order_id = o.id) l $$),
  -- where the money of each order should be, beside where it is by the postings: where these differ
  (122, 'order_money', $$
    select coalesce(l.id, b.order_id) as order_id, l.account_id, e.account, coalesce(e.expected, 0) as expected, coalesce(e.found, 0) as found
    from order_left l
    full join order_booked b on b.order_id = l.id
    cross join lateral (values
      ('order_escrow', l.escrow, b.escrow),
      ('receivable', l.receivable, b.receivable),
      ('refunds_payable', l.payable, b.payable),
      ('revenue', l.revenue, b.revenue),
      ('vendor_payable', l.vendors, b.vendors),
      ('tax_payable', l.tax, b.tax),
      ('shipping_income', l.shipping, b.shipping),
      ('discounts', l.discounts, b.discounts)) e (account, expected, found)
    where (coalesce(l.escrow, 0), coalesce(l.receivable, 0), coalesce(l.payable, 0), coalesce(l.revenue, 0), coalesce(l.vendors, 0), coalesce(l.tax, 0), coalesce(l.shipping, 0), coalesce(l.discounts, 0))
          <> (coalesce(b.escrow, 0), coalesce(b.receivable, 0), coalesce(b.payable, 0), coalesce(b.revenue, 0), coalesce(b.vendors, 0), coalesce(b.tax, 0), coalesce(b.shipping, 0), coalesce(b.discounts, 0))
      and coalesce(e.expected, 0) <> coalesce(e.found, 0)
      -- of what is no order: receivable and income are those of free invoices
      and (coalesce(l.id, b.order_id) is not null or e.account in ('order_escrow', 'refunds_payable')) $$),
  (130, 'payments_given', 'select payment_id, sum(allocated_amount) as amount from payment_allocations group by payment_id'),
  (131, 'invoices_taken', 'select invoice_id, sum(allocated_amount) as amount from payment_allocations group by invoice_id'),
  (132, 'debts_recomputed', $$
    select coalesce(i.account_id, p.account_id) as account_id, coalesce(i.amount, 0) as invoiced, coalesce(p.allocated, 0) as allocated, coalesce(p.unapplied, 0) as unapplied
    from (select n.account_id, sum(n.amount) as amount from invoices n group by n.account_id) i
    full join (
      select n.account_id, sum(coalesce(g.amount, 0)) as allocated,
             sum(case n.status when 'captured' then n.unapplied_amount + n.allocated_amount - coalesce(g.amount, 0) else 0 end) as unapplied
      from payments n left join payments_given g on g.payment_id = n.id
      group by n.account_id) p on p.account_id = i.account_id $$),
  (140, 'lines_refunded', $$
    select l.order_id, l.line_number, sum(l.quantity)::bigint as quantity, sum(l.unshipped_quantity) as unshipped, sum(l.restocked_quantity) as restocked,
           row(sum(l.goods_amount), sum(l.discount_amount), sum(l.tax_amount), sum(l.total_amount), sum(l.base_amount), sum(l.vendor_amount))::ledger.line_part as part
    from refund_lines l group by l.order_id, l.line_number $$),
  (141, 'lines_returned', 'select order_id, line_number, sum(received_quantity) as received, sum(refunded_quantity) as refunded from return_lines group by order_id, line_number'),
  (150, 'units_sold', $$
    select order_id, variant_id, -sum(quantity) as quantity from order_movements
    where reason in ('order_placed', 'order_edited', 'backorder_filled') group by order_id, variant_id $$)
on conflict (name) do update set position = excluded.position, whole = excluded.whole, scoped = excluded.scoped;

-- sql/integrity/checks/invoices.data.sql

-- what invoices say, beside their lines, their orders, their series, their credit notes and the postings
insert into public.integrity_checks (family, code, severity, repair, proves, query) values
  ('invoices', 'invoice_totals_equal_lines', 'critical', null, 'Subtotal, discount and tax of each invoice are the sums of its lines.', $$
    select i.id, i.account_id, format('%s/%s/%s', coalesce(l.subtotal, 0), coalesce(l.discount, 0), coalesce(l.tax, 0)),
           format('%s/%s/%s', i.subtotal_amount, i.discount_amount, i.tax_amount),
           abs(i.subtotal_amount - coalesce(l.subtotal, 0)) + abs(i.discount_amount - coalesce(l.discount, 0)) + abs(i.tax_amount - coalesce(l.tax, 0))
    from invoices i
    left join (select n.invoice_id, sum(n.total_price_amount) as subtotal, sum(n.discount_amount) as discount, sum(n.tax_amount) as tax
               from invoice_lines n group by n.invoice_id) l on l.invoice_id = i.id
    where (i.subtotal_amount, i.discount_amount, i.tax_amount) <> (coalesce(l.subtotal, 0), coalesce(l.discount, 0), coalesce(l.tax, 0))
  $$),
  ('invoices', 'order_invoice_equals_order', 'critical', null, 'What remains of the invoice of an order is what the order says is due.', $$
    select i.id, i.account_id, o.amount_due, b.remaining_amount, coalesce(b.remaining_amount, 0) - coalesce(o.amount_due, 0)
    from invoices i
    left join orders_of_accounts o on o.id = i.order_id
    left join invoice_balance_cache b on b.invoice_id = i.id
    where i.kind = 'invoice' and i.status = 'issued' and i.order_id is not null and o.amount_due is distinct from b.remaining_amount
  $$),
  -- a void one claims nothing, and nothing is allocated to it
  ('invoices', 'invoice_has_its_balance', 'error', 'balance_caches', 'Each invoice has its balance, credit notes have none, and to a void one nothing is allocated.', $$
    select i.id, i.account_id, case i.kind when 'invoice' then i.amount::text else 'none' end,
           coalesce(format('%s, %s allocated', b.amount, b.allocated_total), 'none'), coalesce(b.amount, 0) - i.amount
    from invoices i left join invoice_balance_cache b on b.invoice_id = i.id
    where case i.kind when 'invoice' then b.amount is distinct from i.amount or (i.status = 'void' and b.allocated_total <> 0)
                      else b.invoice_id is not null end
  $$),
  ('invoices', 'receivable_equals_orders_and_invoices', 'critical', null, 'What is receivable of each account is what its delivered orders and free invoices are owed.', $$
    select coalesce(w.account_id, r.account_id), coalesce(w.account_id, r.account_id), coalesce(w.amount, 0), coalesce(r.amount, 0),
           coalesce(r.amount, 0) - coalesce(w.amount, 0)
    from (
      select s.account_id, sum(s.amount) as amount
      from (select o.account_id, o.outstanding_amount as amount from orders_of_accounts o where o.status = 'delivered'
            union all
            select b.account_id, b.remaining_amount
            from invoice_balance_cache b join invoices i on i.id = b.invoice_id
            where i.order_id is null) s
      group by s.account_id) w
    full join (
      select p.account_id, sum(case p.debit_account when 'receivable' then p.amount else -p.amount end) as amount
      from postings p
      where 'receivable' in (p.debit_account, p.credit_account)
      group by p.account_id) r on r.account_id = w.account_id
    where coalesce(w.amount, 0) <> coalesce(r.amount, 0)
  $$),
  -- what free invoices claim and their notes give back, each in its chart account
  ('invoices', 'income_equals_free_invoices', 'critical', null, 'What is booked as income without an order is what free invoices claim.', $$
    select format('%s %s', coalesce(c.account_id, b.account_id), coalesce(c.account, b.account)), coalesce(c.account_id, b.account_id),
           coalesce(c.amount, 0), coalesce(b.amount, 0), coalesce(b.amount, 0) - coalesce(c.amount, 0)
    from (
      select i.account_id, n.account, sum(n.amount * case i.kind when 'invoice' then 1 else -1 end) as amount
      from invoices i
      cross join lateral (values ('revenue', i.total_amount - i.tax_amount - i.shipping_amount), ('tax_payable', i.tax_amount),
                                 ('shipping_income', i.shipping_amount)) n (account, amount)
      where i.order_id is null and i.status = 'issued'
      group by i.account_id, n.account) c
    full join (
      select p.account_id, l.account, sum(l.amount) as amount
      from postings p
      join transactions t on t.id = p.transaction_id and t.order_id is null
      cross join lateral (values (p.credit_account, p.amount), (p.debit_account, -p.amount)) l (account, amount)
      where l.account in ('revenue', 'tax_payable', 'shipping_income')
      group by p.account_id, l.account) b on b.account_id = c.account_id and b.account = c.account
    where coalesce(c.amount, 0) <> coalesce(b.amount, 0)
  $$),
  ('invoices', 'invoice_credited_by_its_notes', 'critical', 'invoice_credit', 'What was credited of each invoice is the sum of its credit notes.', $$
    select i.id, i.account_id, coalesce(n.total, 0), i.credited_amount, i.credited_amount - coalesce(n.total, 0)
    from invoices i
    left join (select m.credits_invoice_id as invoice_id, sum(m.total_amount) as total
               from invoices m where m.kind = 'credit_note' group by m.credits_invoice_id) n on n.invoice_id = i.id
    where i.kind = 'invoice' and i.credited_amount <> coalesce(n.total, 0)
  $$),
  ('invoices', 'credit_note_equals_its_refund', 'critical', null, 'The credit note of a refund is over what the refund credited.', $$
    select n.id, n.account_id, coalesce(f.credited_amount::text, 'a refund of its order'), n.total_amount, n.total_amount - coalesce(f.credited_amount, 0)
    from invoices n left join public.refunds f on f.id = n.refund_id and f.order_id = n.order_id
    where n.kind = 'credit_note' and n.order_id is not null and f.credited_amount is distinct from n.total_amount
  $$),
  ('invoices', 'invoice_refers_to_what_is_there', 'critical', null, 'Each invoice is of its customer''s account in its currency, with an order and an invoice of that account.', $$
    select i.id, i.account_id, 'an account, an order and an invoice of the same customer and currency', format('%s %s', i.account_id, i.currency), null
    from invoices i
    left join accounts a on a.id = i.account_id and a.user_id = i.user_id and a.currency = i.currency
    left join orders_of_accounts o on o.id = i.order_id and o.account_id = i.account_id and o.currency = i.currency
    left join invoices c on c.id = i.credits_invoice_id and c.account_id = i.account_id and c.kind = 'invoice'
    where a.id is null or (i.order_id is not null and o.id is null)
      or (i.kind = 'credit_note' and (c.id is null or c.order_id is distinct from i.order_id))
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;

-- a series is everybody's
insert into public.integrity_checks (family, code, severity, scopes, repair, proves, query) values
  ('invoices', 'invoice_series_have_no_gaps', 'critical', '{all}', null, 'Invoices of each series are numbered without a gap. (Order numbers come from a sequence: a refused order leaves one.)', $$
    select s.code, null, format('%s, up to %s', s.next_number - s.first_number, s.next_number - 1),
           format('%s, up to %s', count(i.number), coalesce(max(i.number), s.first_number - 1)), null
    from public.invoice_series s left join invoices i on i.series = s.code
    group by s.code, s.first_number, s.next_number
    having count(i.number) <> s.next_number - s.first_number or coalesce(max(i.number), s.first_number - 1) <> s.next_number - 1
        or min(i.number) <> s.first_number
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;

-- sql/integrity/checks/machinery.data.sql

-- what keeps the books: guards, seals, messages, partitions, and the checks themselves; of everything only
insert into public.integrity_checks (family, code, severity, scopes, repair, proves, query) values
  ('machinery', 'guards_are_on', 'critical', '{all,changed}', null, 'Every trigger that keeps hands off the books is there and on, and does what the schema says.', $$
    select format('%s %s', g.table_name, g.trigger_name), null, format('%s %s', g.fires, g.digest), coalesce(format('%s %s', n.fires, n.digest), 'dropped'), null
    from ledger.guards g
    left join ledger.guards_now() n on n.table_name = g.table_name and n.trigger_name = g.trigger_name
    where to_regclass(g.table_name) is not null and (n.fires, n.digest) is distinct from (g.fires, g.digest)
  $$),
  ('machinery', 'partitions_have_their_guards', 'critical', '{all,changed}', null, 'Every partition of an immutable table has the guards of its table.', $$
    select format('%s %s', p.name, g.trigger_name), null, format('%s %s', g.fires, g.digest), coalesce(format('%s %s', n.fires, n.digest), 'none'), null
    from (select format('%s.%s', s.nspname, c.relname) as name, format('%s.%s', q.nspname, r.relname) as parent_name
          from pg_inherits i
          join pg_class c on c.oid = i.inhrelid
          join pg_namespace s on s.oid = c.relnamespace
          join pg_class r on r.oid = i.inhparent and r.relkind = 'p'
          join pg_namespace q on q.oid = r.relnamespace) p
    join ledger.guards g on g.table_name = p.parent_name
    left join ledger.guards_now() n on n.table_name = p.name and n.trigger_name = g.trigger_name
    where (n.fires, n.digest) is distinct from (g.fires, g.digest)
  $$),
  ('machinery', 'every_check_is_on', 'warning', '{all,changed}', null, 'No check of the schema was switched off by hand.', $$
    select c.code, null, 'enabled', 'switched off', null from public.integrity_checks c where not c.enabled and c.family <> 'own'
  $$),
  ('machinery', 'events_are_sealed', 'warning', '{all,changed}', null, 'Events are sealed soon after they are written (limit of the alert rule seals_behind).', $$
    select e.id, e.account_id, format('sealed within %s seconds', l.seconds), e.occurred_at, null
    from (select a.limit_value as seconds from public.alert_rules a where a.code = 'seals_behind') l
    cross join lateral (
      select n.id, n.account_id, n.occurred_at
      from public.immutable_events n
      where n.written_by_xid > coalesce((select s.last_xid from public.event_seals s order by s.seal_number desc limit 1), 0)
        and n.id > coalesce((select s.epoch_after_event_id from public.event_seals s order by s.seal_number desc limit 1), 0)
        and n.occurred_at < clock_timestamp() - make_interval(secs => l.seconds)
      order by n.written_by_xid
      limit 1) e
  $$),
  -- the month in which the partitions were first made may lie there
  ('machinery', 'events_lie_in_their_month', 'warning', '{all}', null, 'The default partitions of events and audit log hold nothing of a month after the first.', $$
    select d.name, null, 0, d.rows, null
    from (select 'immutable_events_default' as name, count(*) as rows from ledger.immutable_events_default n
          where n.occurred_at >= (select (to_date(min(right(c.relname, 7)), 'YYYY_MM'))::timestamp at time zone 'UTC' from pg_class c
                                  where c.relnamespace = 'ledger'::regnamespace and c.relname ~ '^immutable_events_\d{4}_\d{2}$')
          union all
          select 'audit_log_default', count(*) from ledger.audit_log_default n
          where n.occurred_at >= (select (to_date(min(right(c.relname, 7)), 'YYYY_MM'))::timestamp at time zone 'UTC' from pg_class c
                                  where c.relnamespace = 'ledger'::regnamespace and c.relname ~ '^audit_log_\d{4}_\d{2}$')) d
    where d.rows > 0
  $$),
  ('machinery', 'seal_equals_its_message', 'critical', '{all}', null, 'Each seal that a message or a list of sealed events tells of is there, with that hash.', $$
    select w.subject, null, w.expected, w.found, null from ledger.seal_witnesses() w
  $$),
  -- a message finds what it says in its event, by number and time
  ('machinery', 'message_has_its_event', 'error', '{all}', null, 'Each message to the outside that points to an event finds it, and is of its kind.', $$
    select o.id, o.account_id, format('event %s of %s, %s', o.event_id, o.created_at, o.type), coalesce(format('%s', e.event_type), 'none'), null
    from ledger.outbox o
    left join public.immutable_events e on e.id = o.event_id and e.occurred_at = o.created_at
    where o.event_id is not null and (e.id is null or e.event_type <> o.type)
  $$),
  -- what was imported is no news; what is older than all messages was delivered and removed
  ('machinery', 'event_has_its_message', 'warning', '{all}', null, 'Each event since the oldest message has its message to the outside, but those of imports.', $$
    select e.id, e.account_id, format('a message of %s', e.event_type), 'none', null
    from public.immutable_events e
    where e.id >= (select min(o.event_id) from ledger.outbox o)
      and not exists (select from ledger.outbox o where o.event_id = e.id)
      and not exists (select from public.import_identities i where i.target_id = e.stream_id)
  $$),
  ('machinery', 'outbox_lags', 'warning', '{all,changed}', null, 'While messages are delivered none waits longer than the limit of the alert rule outbox_lag.', $$
    select o.id, o.account_id, format('sent within %s seconds', l.limit_value), o.next_retry_at, null
    from (select n.* from ledger.outbox n where n.status in ('pending', 'sending') order by n.next_retry_at limit 1) o
    join public.alert_rules l on l.code = 'outbox_lag'
    where o.next_retry_at < clock_timestamp() - make_interval(secs => l.limit_value)
      and (o.next_retry_at < clock_timestamp() - interval '1 day' or exists (select from ledger.outbox s where s.settled_at is not null))
      and exists (select from public.feature_flags f where f.key = 'outbox_enabled' and f.state = 'on')
  $$),
  ('machinery', 'import_identity_points_to_what_is_there', 'error', '{all}', null, 'What an import remembers to have made is there.', $$
    select format('%s %s', i.kind, i.external_id), null, i.target_id, 'none', null
    from public.import_identities i
    where case i.kind
            when 'order' then not exists (select from public.orders o where o.id = i.target_id)
            when 'payment' then not exists (select from public.payments p where p.id = i.target_id)
            when 'invoice' then not exists (select from public.invoices n where n.id = i.target_id)
            else false end
  $$),
  ('machinery', 'imported_row_has_its_identity', 'error', '{all}', null, 'An import remembers what it made of each row that has a number of its own.', $$
    select format('%s/%s', w.run_id, w.row_number), coalesce(p.account_id, n.account_id), w.external_id, 'not remembered', null
    from public.import_rows w
    join public.import_runs r on r.id = w.run_id and r.kind in ('payments', 'invoices')
    left join public.payments p on p.id = w.target_id
    left join public.invoices n on n.id = w.target_id
    where w.state = 'applied' and w.external_id is not null and coalesce(p.status = 'captured', n.status = 'issued')
      and not exists (select from public.import_identities i where i.target_id = w.target_id)
  $$),
  ('machinery', 'order_waits_too_long', 'warning', '{all}', null, 'No order stays in a stage beyond the hours of the setting stuck_order_hours_<stage>.', $$
    select m.order_id, m.account_id, format('out of %s within %s hours', m.stage, s.hours), m.updated_at, null
    from (select n.key, case when n.key like 'stuck\_order\_hours\_%' then (n.value #>> '{}')::int end as hours from public.settings n) s
    join public.order_management m on s.key = 'stuck_order_hours_' || m.stage
    where s.hours > 0 and m.status not in ('cancelled', 'refunded', 'delivered', 'rejected')
      and m.updated_at < clock_timestamp() - make_interval(hours => s.hours)
  $$),
  ('machinery', 'receipt_waits_too_long', 'warning', '{all,changed}', null, 'No receipt waits for its review beyond the setting receipt_review_hours.', $$
    select r.id, r.account_id, format('reviewed within %s hours', ledger.setting_text('receipt_review_hours')), r.submitted_at, r.amount
    from public.payment_receipts r
    where r.status = 'submitted' and r.submitted_at < clock_timestamp() - make_interval(hours => ledger.setting_text('receipt_review_hours')::int)
  $$),
  ('machinery', 'reservation_outlives_its_time', 'warning', '{all,changed}', null, 'No reservation holds stock an hour beyond its time.', $$
    select r.id, r.account_id, 'ended', r.expires_at, null
    from public.stock_reservations r
    where r.status = 'active' and r.expires_at < clock_timestamp() - interval '1 hour'
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;

-- sql/integrity/checks/order_money.data.sql

-- where the money of each order is by the postings, beside where it should be by what the order says
insert into public.integrity_checks (family, code, severity, repair, proves, query)
select 'order_money', v.code, 'critical', v.repair, v.proves, format($query$
    select format('%%s %%s', d.order_id, d.account), coalesce(d.account_id, o.account_id), d.expected, d.found, d.found - d.expected
    from order_money d left join orders o on o.id = d.order_id
    where d.account %s
  $query$, v.accounts)
from (values
  ('escrow_equals_open_orders', 'order_money', '= ''order_escrow''', 'Escrow holds what was paid for each order that is not delivered and did not go back, and nothing after.'),
  ('receivable_equals_delivered_orders', 'order_money', '= ''receivable''', 'Of each delivered order what is outstanding is receivable.'),
  ('refunds_payable_equals_pending', null, '= ''refunds_payable''', 'Refunds payable are the payouts of refunds that wait.'),
  ('income_equals_delivered_orders', null, 'not in (''order_escrow'', ''receivable'', ''refunds_payable'')',
   'Revenue, tax, shipping, discounts and vendors'' parts of each order are those of what was delivered and not taken back.')) v (code, repair, accounts, proves)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;

insert into public.integrity_checks (family, code, severity, repair, proves, query) values
  ('order_money', 'order_wallet_equals_transactions', 'critical', 'order_money', 'What each order took from the wallet and gave back is the sum of its transactions.', $$
    select o.id, o.account_id, o.amount, coalesce(t.amount, 0), coalesce(t.amount, 0) - o.amount
    from (select n.id, n.account_id, n.wallet_refunded_amount - n.wallet_amount + coalesce(b.credit, 0) + coalesce(b.failed, 0) + coalesce(p.credit, 0) as amount
          from orders n
          left join order_refunds b on b.order_id = n.id
          left join (select m.order_id, sum(m.credit_amount - m.reclaimed_amount) as credit
                     from order_payments m where m.status = 'captured' group by m.order_id) p on p.order_id = n.id) o
    left join (select n.order_id, sum(n.amount) as amount from order_transactions n where n.order_id is not null group by n.order_id) t on t.order_id = o.id
    where o.amount <> coalesce(t.amount, 0)
  $$),
  ('order_money', 'payment_status_follows_the_money', 'error', 'order_money', 'The payment status of each order follows from what it costs, what was paid and what went back.', $$
    select o.id, o.account_id, s.status, o.payment_status, null
    from orders o
    cross join lateral (select ledger.payment_status_of(o.total_amount, o.credited_amount, o.paid_amount, o.refunded_amount,
      -- overpaid stands as long as a payment of the order has its surplus in the wallet (ledger.payment_status_kept)
      case when o.payment_status = 'overpaid' and not exists (select from order_payments p where p.order_id = o.id and p.status = 'captured' and p.credit_amount > 0)
           then 'paid' else o.payment_status end) as status) s
    where o.payment_status <> s.status
  $$),
  ('order_money', 'commission_follows_what_is_left', 'critical', null, 'Of each commission that part was taken back that went back of its order.', $$
    select c.order_id, c.account_id, e.amount, c.clawed_back_amount, c.clawed_back_amount - e.amount
    from order_commissions c
    join orders o on o.id = c.order_id
    left join order_refunds b on b.order_id = o.id
    cross join lateral (select (o.subtotal_amount - o.discount_amount - case when o.prices_include_tax then o.tax_amount else 0 end) as whole,
                               coalesce(b.goods - b.discount - case when o.prices_include_tax then b.tax else 0 end, 0)::bigint as back) base
    cross join lateral (
      select base.whole - base.back - ledger.share_of_allowance(base.whole - base.back,
               row(0, 0, 0, o.total_amount - o.shipping_amount, 0, 0, o.shipping_amount, 0, 0)::ledger.order_part,
               row(0, 0, 0, o.credited_amount - coalesce(b.shipping + b.allowance, 0), 0, 0, coalesce(b.shipping, 0), coalesce(b.allowance, 0), 0)::ledger.order_part) as base_left) l
    cross join lateral (select ledger.divide_half_up(c.commission_amount::numeric * (c.base_amount - l.base_left), c.base_amount) as amount) e
    where c.clawed_back_amount <> e.amount
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;

-- sql/integrity/checks/orders.data.sql

-- what an order says, beside its lines, its history, its discount code
insert into public.integrity_checks (family, code, severity, repair, proves, query) values
  ('orders', 'order_totals_equal_items', 'critical', null, 'Subtotal, discount and tax of each order are the sums of its lines.', $$
    select o.id, o.account_id, format('%s/%s/%s', o.subtotal_amount, o.discount_amount, o.tax_amount), format('%s/%s/%s', i.subtotal, i.discount, i.tax),
           abs(o.subtotal_amount - coalesce(i.subtotal, 0)) + abs(o.discount_amount - coalesce(i.discount, 0)) + abs(o.tax_amount - coalesce(i.tax, 0))
    from orders o
    left join (select n.order_id, sum(n.total_price_amount) as subtotal, sum(n.discount_amount) as discount, sum(n.tax_amount) as tax
               from order_items n group by n.order_id) i on i.order_id = o.id
    where (o.subtotal_amount, o.discount_amount, o.tax_amount) is distinct from (i.subtotal, i.discount, i.tax)
  $$),
  ('orders', 'order_has_its_transaction', 'critical', null, 'Each order has the transaction that it was placed with.', $$
    select o.id, o.account_id, 'an order_created transaction', 'none', o.wallet_amount
    from orders o
    where not exists (select from order_transactions t where t.order_id = o.id and t.type = 'order_created')
  $$),
  ('orders', 'order_status_equals_history', 'critical', 'order_status', 'The status of each order is the last one in its history.', $$
    select o.id, o.account_id, o.status, coalesce(l.status, 'none'), null
    from orders o left join order_last_statuses l on l.order_id = o.id
    where o.status is distinct from l.status
  $$),
  -- what foreign keys would say, and more; orders do not pay for them
  ('orders', 'order_refers_to_what_is_there', 'critical', null, 'Each order is of its customer''s account in its currency, with a payment method that there is.', $$
    select o.id, o.account_id, 'account of its customer and currency, payment method', format('%s %s', o.account_id, o.payment_method), null
    from orders o
    left join touched_accounts a on a.id = o.account_id and a.user_id = o.user_id and a.currency = o.currency
    left join public.payment_methods p on p.code = o.payment_method
    where a.id is null or p.code is null
  $$),
  ('orders', 'line_refers_to_what_is_there', 'critical', null, 'Each line is in its order''s account, of a variant and a vendor that there are.', $$
    select format('%s/%s', i.order_id, i.line_number), coalesce(o.account_id, i.account_id), 'its order''s account, variant, vendor',
           format('%s %s %s', i.account_id, i.variant_id, i.vendor_id), null
    from order_items i
    left join orders o on o.id = i.order_id
    left join public.variants v on v.id = i.variant_id
    left join public.vendors w on w.id = i.vendor_id
    where o.account_id is distinct from i.account_id or v.id is null or (w.id is null and i.vendor_id is not null)
  $$),
  -- an order that ended before it was delivered has given its code back
  ('orders', 'discount_redemption_follows_order', 'error', null, 'Each order with a discount code has redeemed it for what it saved, and ended orders have given theirs back.', $$
    select coalesce(o.id, r.order_id), coalesce(o.account_id, r.account_id), format('%s of %s in %s', o.discount_amount, o.code_id, o.account_id),
           format('%s of %s in %s', r.amount, r.discount_code_id, r.account_id), coalesce(r.amount, 0) - case when o.code_id is null then 0 else o.discount_amount end
    from (select n.id, n.account_id, n.discount_amount,
                 case when n.status not in ('cancelled', 'refunded') or l.was_delivered then n.discount_code_id end as code_id
          from orders n left join order_last_statuses l on l.order_id = n.id
          where n.discount_code_id is not null or exists (select from discount_redemptions d where d.order_id = n.id)) o
    full join (select * from discount_redemptions where released_at is null) r on r.order_id = o.id
    where r.discount_code_id is distinct from o.code_id or r.amount <> o.discount_amount or r.account_id <> o.account_id
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;

-- a code is everybody's
insert into public.integrity_checks (family, code, severity, repair, scopes, proves, query) values
  ('orders', 'discount_usage_equals_redemptions', 'error', 'discount_usage', '{all}', 'The counter of each discount code counts its redemptions.', $$
    select u.discount_code_id, null, u.redemptions, count(r.order_id), null
    from public.discount_usage u
    left join discount_redemptions r on r.discount_code_id = u.discount_code_id and r.released_at is null
    group by u.discount_code_id, u.redemptions
    having u.redemptions <> count(r.order_id)
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;

-- sql/integrity/checks/payments.data.sql

-- what payments say, beside the orders and invoices they pay, their transactions and their postings
insert into public.integrity_checks (family, code, severity, repair, proves, query) values
  ('payments', 'paid_from_outside_equals_payments', 'critical', 'order_money', 'What was paid for each order from outside is what payments and allocations brought it.', $$
    select o.id, o.account_id, o.paid_amount - o.wallet_amount, coalesce(a.amount, 0), coalesce(a.amount, 0) - (o.paid_amount - o.wallet_amount)
    from orders o
    left join (
      select n.order_id, sum(n.amount) as amount
      from (select p.order_id, p.applied_amount as amount from order_payments p where p.status = 'captured' and p.applied_amount > 0
            union all
            select l.order_id, l.allocated_amount from order_allocations l) n
      group by n.order_id) a on a.order_id = o.id
    where o.paid_amount - o.wallet_amount <> coalesce(a.amount, 0)
  $$),
  ('payments', 'allocated_equals_allocations', 'critical', 'balance_caches', 'What a payment says it gave is the sum of its allocations.', $$
    select coalesce(p.id, a.payment_id), p.account_id, p.allocated_amount, coalesce(a.amount, 0), coalesce(a.amount, 0) - coalesce(p.allocated_amount, 0)
    from payments p full join payments_given a on a.payment_id = p.id
    where p.allocated_amount is distinct from coalesce(a.amount, 0)
  $$),
  ('payments', 'payment_equals_its_transactions', 'critical', null, 'Of each payment the bank and the wallet have by its transactions what it says.', $$
    select p.id, p.account_id, format('%s/%s', w.banked, w.credited), format('%s/%s', coalesce(m.banked, 0), coalesce(m.credited, 0)),
           abs(coalesce(m.banked, 0) - w.banked) + abs(coalesce(m.credited, 0) - w.credited)
    from payments p
    cross join lateral (select case p.status when 'captured' then p.amount - p.charged_back_amount else 0 end as banked,
                               case p.status when 'captured' then p.credit_amount - p.reclaimed_amount else 0 end as credited) w
    left join (
      select t.reference_id as payment_id, sum(t.amount) as credited, sum(b.banked) as banked
      from transactions t
      left join (select n.transaction_id, sum(case 'bank' when n.debit_account then n.amount else -n.amount end) as banked
                 from postings n where 'bank' in (n.debit_account, n.credit_account) group by n.transaction_id) b on b.transaction_id = t.id
      where t.type in ('payment_recorded', 'payment_imported', 'payment_voided', 'payment_released', 'payment_charged_back')
      group by t.reference_id) m on m.payment_id = p.id
    where (w.banked, w.credited) <> (coalesce(m.banked, 0), coalesce(m.credited, 0))
  $$),
  ('payments', 'unapplied_payments_equal_remainders', 'critical', 'balance_caches', 'What is booked as not applied is what the payments of each account have over.', $$
    select coalesce(u.account_id, b.account_id), coalesce(u.account_id, b.account_id), coalesce(u.amount, 0), coalesce(b.balance, 0),
           coalesce(b.balance, 0) - coalesce(u.amount, 0)
    from (select p.account_id, sum(p.unapplied_amount) as amount from payments p where p.unapplied_amount > 0 group by p.account_id) u
    full join (select p.account_id, sum(case p.credit_account when 'unapplied_payments' then p.amount else -p.amount end) as balance
               from postings p
               where 'unapplied_payments' in (p.debit_account, p.credit_account)
               group by p.account_id) b on b.account_id = u.account_id
    where coalesce(u.amount, 0) <> coalesce(b.balance, 0)
  $$),
  ('payments', 'payment_refers_to_what_is_there', 'critical', null, 'Each payment is of an account of its currency, and its order of that account.', $$
    select p.id, p.account_id, 'an account of its currency, an order of that account', format('%s %s %s', p.account_id, p.currency, p.order_id), null
    from payments p
    left join accounts a on a.id = p.account_id and a.currency = p.currency
    left join orders_of_accounts o on o.id = p.order_id and o.account_id = p.account_id and o.currency = p.currency
    where a.id is null or (p.order_id is not null and o.id is null)
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;

-- sql/integrity/checks/receipts.data.sql

-- what receipts and deadlines say, beside their payments and orders
insert into public.integrity_checks (family, code, severity, repair, proves, query) values
  ('receipts', 'approved_receipt_is_its_payment', 'critical', null, 'The payment of each approved receipt is what was approved.', $$
    select r.id, r.account_id,
           format('%s %s of %s for %s, %s', r.approved_amount, r.currency, r.account_id, r.order_id, case when r.payment_voided_at is null then 'captured' else 'voided' end),
           coalesce(format('%s %s of %s for %s, %s', p.amount, p.currency, p.account_id, p.order_id, p.status), 'no payment'),
           coalesce(p.amount, 0) - r.approved_amount
    from payment_receipts r
    left join payments p on p.id = r.payment_id
    where r.payment_id is not null
      and (p.amount, p.currency, p.account_id, p.order_id, p.source, p.status)
          is distinct from (r.approved_amount, r.currency, r.account_id, r.order_id, 'receipt', case when r.payment_voided_at is null then 'captured' else 'voided' end)
  $$),
  ('receipts', 'payment_of_a_receipt_has_it', 'critical', null, 'Each payment that was made of a receipt has it.', $$
    select p.id, p.account_id, 'an approved receipt', 'none', p.amount
    from payments p
    where p.source = 'receipt' and not exists (select from payment_receipts r where r.payment_id = p.id)
  $$),
  ('receipts', 'receipt_refers_to_what_is_there', 'critical', null, 'Each receipt is of its customer''s account in its currency, with an order and an invoice of that account.', $$
    select r.id, r.account_id, 'an account, order and invoice of its customer and currency', format('%s %s %s', r.account_id, r.order_id, r.invoice_id), null
    from payment_receipts r
    left join accounts a on a.id = r.account_id and a.user_id = r.user_id and a.currency = r.currency
    left join orders_of_accounts o on o.id = r.order_id and o.account_id = r.account_id
    left join invoices i on i.id = r.invoice_id and i.account_id = r.account_id
    where a.id is null or (r.order_id is not null and o.id is null) or (r.invoice_id is not null and i.id is null)
      or (i.order_id is not null and i.order_id is distinct from r.order_id)
  $$),
  ('receipts', 'receipt_uploaded_has_a_receipt', 'error', 'order_money', 'Each order whose receipt is looked at has one.', $$
    select o.id, o.account_id, 'a receipt under review', 'none', null
    from orders o
    where o.payment_status = 'receipt_uploaded'
      and not exists (select from order_receipts r where r.account_id = o.account_id and r.order_id = o.id and r.status = 'submitted')
  $$),
  ('receipts', 'in_grace_has_an_open_deadline', 'error', 'order_money', 'Each order in grace has an open deadline.', $$
    select o.id, o.account_id, 'an open deadline', coalesce(d.status, 'none'), null
    from orders o
    left join payment_deadlines d on d.order_id = o.id
    where o.payment_status = 'in_grace' and d.status is distinct from 'open'
  $$),
  ('receipts', 'deadline_waits_for_its_order', 'error', 'order_money', 'Each deadline that is not settled is of a living order that is due.', $$
    select d.order_id, o.account_id, d.status, format('%s, %s, %s due', o.status, o.payment_status, o.amount_due), null
    from payment_deadlines d
    join orders o on o.id = d.order_id
    where (d.status <> 'settled' and (o.amount_due = 0 or o.status in ('rejected', 'cancelled', 'refunded')))
      or (d.status = 'open' and o.payment_status not in ('in_grace', 'receipt_uploaded'))
  $$),
  ('receipts', 'settled_deadline_has_nothing_due', 'error', null, 'Each settled deadline is of an order of which nothing is due or that has ended.', $$
    select d.order_id, o.account_id, 'open or overdue', format('settled; %s, %s, %s due', o.status, o.payment_status, o.amount_due), o.amount_due
    from payment_deadlines d
    join orders o on o.id = d.order_id
    where d.status = 'settled' and o.amount_due > 0 and o.status not in ('rejected', 'cancelled', 'refunded')
  $$),
  ('receipts', 'deadline_refers_to_what_is_there', 'critical', null, 'Each deadline is of an order of its account.', $$
    select d.order_id, d.account_id, 'an order of its account', d.account_id, null
    from payment_deadlines d
    left join orders o on o.id = d.order_id and o.account_id = d.account_id
    where o.id is null
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;

-- sql/integrity/checks/refunds.data.sql

-- what was taken back of an order, beside what the order says of it and what its lines are worth
insert into public.integrity_checks (family, code, severity, repair, proves, query) values
  ('refunds', 'credited_equals_refunds', 'critical', 'order_money', 'What was credited of each order is the sum of its refunds.', $$
    select o.id, o.account_id, o.credited_amount, coalesce(f.credited, 0), coalesce(f.credited, 0) - o.credited_amount
    from orders o left join order_refunds f on f.order_id = o.id
    where o.credited_amount <> coalesce(f.credited, 0)
  $$),
  ('refunds', 'refunded_equals_refunds', 'critical', 'order_money', 'What went back of each order, and to the wallet, is what its refunds say.', $$
    select o.id, o.account_id, format('%s/%s', o.refunded_amount, o.wallet_refunded_amount), format('%s/%s', coalesce(f.refunded, 0), coalesce(f.to_wallet, 0)),
           abs(coalesce(f.refunded, 0) - o.refunded_amount) + abs(coalesce(f.to_wallet, 0) - o.wallet_refunded_amount)
    from orders o left join order_refunds f on f.order_id = o.id
    where (o.refunded_amount, o.wallet_refunded_amount) <> (coalesce(f.refunded, 0), coalesce(f.to_wallet, 0))
  $$),
  ('refunds', 'ended_order_is_credited_whole', 'critical', null, 'Of an order that ended everything was credited, and nothing is outstanding.', $$
    select o.id, o.account_id, format('%s credited, nothing outstanding', o.total_amount),
           format('%s credited, %s outstanding', o.credited_amount, o.outstanding_amount), o.credited_amount - o.total_amount
    from orders o
    left join order_refunds f on f.order_id = o.id
    where o.status in ('cancelled', 'refunded')
      -- what was withdrawn waits for its payment to be voided, or for being paid out after all
      and (o.credited_amount <> o.total_amount or o.outstanding_amount > 0 or o.outstanding_amount < -coalesce(f.withdrawn, 0))
  $$),
  ('refunds', 'refund_equals_its_parts', 'critical', null, 'The amounts of each refund are the sums of its lines.', $$
    select f.id, f.account_id, format('%s/%s/%s/%s', f.goods_amount, f.discount_amount, f.tax_amount, f.credited_amount - f.shipping_amount - f.allowance_amount),
           format('%s/%s/%s/%s', coalesce(l.goods, 0), coalesce(l.discount, 0), coalesce(l.tax, 0), coalesce(l.total, 0)),
           coalesce(l.total, 0) - (f.credited_amount - f.shipping_amount - f.allowance_amount)
    from refunds f
    left join (select n.refund_id, sum(n.goods_amount) as goods, sum(n.discount_amount) as discount, sum(n.tax_amount) as tax, sum(n.total_amount) as total
               from refund_lines n group by n.refund_id) l on l.refund_id = f.id
    where (f.goods_amount, f.discount_amount, f.tax_amount, f.credited_amount - f.shipping_amount - f.allowance_amount)
          <> (coalesce(l.goods, 0), coalesce(l.discount, 0), coalesce(l.tax, 0), coalesce(l.total, 0))
  $$),
  ('refunds', 'refunded_shipping_is_part_of_it', 'critical', null, 'No more shipping went back than was charged, and no allowance is below nothing.', $$
    select o.id, o.account_id, format('at most %s, allowance not below 0', o.shipping_amount), format('%s, %s', f.shipping, f.allowance), f.shipping - o.shipping_amount
    from orders o join order_refunds f on f.order_id = o.id
    where f.shipping > o.shipping_amount or f.allowance < 0
  $$),
  ('refunds', 'refunded_units_cost_their_part', 'critical', null, 'The units that were taken back of each line cost what they are of the line.', $$
    select format('%s/%s', i.order_id, i.line_number), i.account_id, p, l.part, ((l.part).total_amount - p.total_amount)
    from lines_refunded l
    join order_items i on i.order_id = l.order_id and i.line_number = l.line_number
    join orders o on o.id = i.order_id
    cross join lateral ledger.line_part(row(i.*)::public.order_items, o.prices_include_tax, l.quantity) p
    where p is distinct from l.part
  $$),
  ('refunds', 'refunded_units_were_shipped', 'critical', null, 'No more units were taken back of a line than went out, beside those that were given up.', $$
    select format('%s/%s', i.order_id, i.line_number), i.account_id, format('at most %s', coalesce(s.quantity, 0)), l.quantity - l.unshipped,
           l.quantity - l.unshipped - coalesce(s.quantity, 0)
    from lines_refunded l
    join order_items i on i.order_id = l.order_id and i.line_number = l.line_number
    left join shipped_units s on s.order_id = l.order_id and s.line_number = l.line_number
    where l.quantity - l.unshipped > coalesce(s.quantity, 0)
  $$),
  ('refunds', 'given_up_units_were_not_shipped', 'critical', null, 'No units were given up that went out.', $$
    select format('%s/%s', i.order_id, i.line_number), i.account_id, format('at most %s', i.quantity - coalesce(s.quantity, 0)), l.unshipped,
           l.unshipped - i.quantity + coalesce(s.quantity, 0)
    from lines_refunded l
    join order_items i on i.order_id = l.order_id and i.line_number = l.line_number
    left join shipped_units s on s.order_id = l.order_id and s.line_number = l.line_number
    where l.unshipped > i.quantity - coalesce(s.quantity, 0)
  $$),
  ('refunds', 'restocked_refunds_equal_movements', 'critical', null, 'Refunds that put units back in stock have the movements that did so.', $$
    select format('%s/%s', coalesce(b.order_id, m.order_id), coalesce(b.variant_id, m.variant_id)), b.account_id, coalesce(b.quantity, 0), coalesce(m.quantity, 0),
           coalesce(m.quantity, 0) - coalesce(b.quantity, 0)
    from (select l.order_id, i.variant_id, i.account_id, sum(l.restocked) as quantity
          from lines_refunded l join order_items i on i.order_id = l.order_id and i.line_number = l.line_number
          where l.restocked > 0
          group by l.order_id, i.variant_id, i.account_id) b
    full join (select n.order_id, n.variant_id, sum(n.quantity) as quantity
               from order_movements n
               where n.reason in ('order_cancelled', 'order_refunded')
               group by n.order_id, n.variant_id) m on m.order_id = b.order_id and m.variant_id = b.variant_id
    where coalesce(b.quantity, 0) <> coalesce(m.quantity, 0)
  $$),
  ('refunds', 'refund_refers_to_what_is_there', 'critical', null, 'Each refund is of an order of its account and currency.', $$
    select f.id, f.account_id, 'an order of its account and currency', format('%s %s', f.account_id, f.currency), null
    from refunds f
    left join orders o on o.id = f.order_id and o.account_id = f.account_id and o.currency = f.currency
    where o.id is null
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;

-- sql/integrity/checks/replay.data.sql

-- what is in the tables beside what the events alone say (DESIGN rule 7): a row that was changed together with
-- all that it should agree with still disagrees with its events
insert into ledger.integrity_relations (position, name, whole, scoped) values
  -- null ids are all
  (80, 'replayed_accounts', 'select * from ledger.replayed_accounts($1)', null),
  (81, 'replayed_orders', 'select * from ledger.replayed_orders($2)', null),
  (82, 'replayed_stock', 'select * from ledger.replayed_stock()', null),
  (94, 'booking_events', 'select e.* from public.immutable_events e where e.payload ? ''transaction_id''',
       'select e.* from immutable_events e where e.payload ? ''transaction_id'''),
  (95, 'invoice_events', 'select e.* from public.immutable_events e where e.event_type = ''invoice.issued'' or e.payload ? ''credit_note_id''',
       'select e.* from immutable_events e where e.event_type = ''invoice.issued'' or e.payload ? ''credit_note_id''')
on conflict (name) do update set position = excluded.position, whole = excluded.whole, scoped = excluded.scoped;

insert into public.integrity_checks (family, code, severity, repair, proves, query) values
  ('replay', 'order_replays_from_events', 'error', 'order_money',
   'The amounts and the payment status of every order are what its events add up to.', $$
    select format('%s %s', coalesce(o.id, r.order_id), f.what), coalesce(o.account_id, r.account_id), f.replayed, f.stored,
           case when f.what <> 'payment_status' then f.stored::bigint - f.replayed::bigint end
    from orders o
    full join replayed_orders r on r.order_id = o.id
    cross join lateral (values
      ('payment_status', r.payment_status, o.payment_status), ('total_amount', r.total_amount::text, o.total_amount::text),
      ('wallet_amount', r.wallet_amount::text, o.wallet_amount::text), ('paid_amount', r.paid_amount::text, o.paid_amount::text),
      ('refunded_amount', r.refunded_amount::text, o.refunded_amount::text),
      ('wallet_refunded_amount', r.wallet_refunded_amount::text, o.wallet_refunded_amount::text),
      ('credited_amount', r.credited_amount::text, o.credited_amount::text)) f (what, replayed, stored)
    where (o.payment_status, o.total_amount, o.wallet_amount, o.paid_amount, o.refunded_amount, o.wallet_refunded_amount, o.credited_amount)
          is distinct from (r.payment_status, r.total_amount, r.wallet_amount, r.paid_amount, r.refunded_amount, r.wallet_refunded_amount, r.credited_amount)
      and f.replayed is distinct from f.stored
      and not (r.exact_after_event_id is not null and f.replayed is null)
  $$),
  ('replay', 'account_events_have_no_gap', 'critical', null,
   'Every account has one event of each of its versions.', $$
    select r.account_id::text, r.account_id, format('one event of each version up to %s', r.version), 'some without an event or with two', null::bigint
    from replayed_accounts r
    where not r.has_every_version
  $$),
  ('replay', 'account_freeze_replays_from_events', 'error', null,
   'Accounts are frozen exactly where the last word about that froze them.', $$
    select a.id::text, a.id, coalesce(r.is_frozen, false)::text, (a.frozen_reason is not null)::text, null::bigint
    from accounts a
    left join replayed_accounts r on r.account_id = a.id
    where (a.frozen_reason is not null) <> coalesce(r.is_frozen, false)
  $$),
  ('replay', 'transaction_equals_its_event', 'critical', null,
   'Every transaction has an event that says the same of it, and every event that names a transaction has that one.', $$
    select coalesce(t.id, e.transaction_id)::text, coalesce(t.account_id, e.account_id),
           format('%s %s, version %s, order %s, by %s in %s', e.type, e.amount, e.account_version, coalesce(e.order_id, t.order_id), e.actor_id, e.correlation_id),
           format('%s %s, version %s, order %s, by %s in %s', t.type, t.amount, t.account_version, t.order_id, t.actor_id, t.correlation_id),
           t.amount - e.amount
    from transactions t
    full join (
      select (b.payload ->> 'transaction_id')::uuid as transaction_id, b.account_id, b.payload ->> 'transaction_type' as type,
             (b.payload ->> 'amount')::bigint as amount, (b.payload ->> 'account_version')::bigint as account_version,
             case when b.stream_type = 'order' then b.stream_id end as order_id, b.actor_id, b.correlation_id
      from booking_events b) e on e.transaction_id = t.id
    where (t.account_id, t.type, t.amount, t.account_version, t.actor_id, t.correlation_id)
          is distinct from (e.account_id, e.type, e.amount, e.account_version, e.actor_id, e.correlation_id)
       or t.order_id is distinct from coalesce(e.order_id, t.order_id)
  $$),
  ('replay', 'status_fits_its_transaction', 'critical', null,
   'Every change of an order''s status left the transaction of its kind: an order that was cancelled or refunded by its books did not go on.', $$
    select e.stream_id::text, e.account_id, format('the status of an %s transaction', t.type),
           format('%s from %s to %s', e.event_type, e.payload ->> 'from_status', e.payload ->> 'to_status'), null::bigint
    from booking_events e
    join order_transactions t on t.id = (e.payload ->> 'transaction_id')::uuid
    where e.event_type in ('order.placed', 'order.status_changed', 'order.refunded')
      and t.type <> ledger.transaction_of_status(e.event_type, e.payload ->> 'from_status', e.payload ->> 'to_status')
      and (t.actor_action is distinct from 'imported' or t.type not in ('order_created', 'order_status_changed'))
  $$),
  ('replay', 'order_equals_its_placing', 'critical', null,
   'Number, customer, account, currency and payment method of every order are those of the event that placed it.', $$
    select o.id::text, o.account_id, format('%s of %s in %s by %s, account %s', p.order_number, p.user_id, p.currency, p.payment_method, p.account_id),
           format('%s of %s in %s by %s, account %s', o.order_number, o.user_id, o.currency, o.payment_method, o.account_id), null::bigint
    from orders o
    left join (
      select e.stream_id, e.account_id, e.payload ->> 'order_number' as order_number, (e.payload ->> 'user_id')::uuid as user_id,
             e.payload ->> 'currency' as currency, e.payload ->> 'payment_method' as payment_method
      from order_events e
      where e.event_type = 'order.placed') p on p.stream_id = o.id
    where (o.order_number, o.user_id, o.currency, o.payment_method, o.account_id)
          is distinct from (p.order_number, p.user_id, p.currency, p.payment_method, p.account_id)
  $$),
  ('replay', 'withdrawal_equals_its_events', 'critical', null,
   'Every withdrawal has the amount that its request held and the status of its last event.', $$
    select coalesce(w.id, e.stream_id)::text, coalesce(w.account_id, e.account_id), format('%s %s', e.status, e.amount), format('%s %s', w.status, w.amount),
           w.amount - e.amount
    from (select n.* from public.withdrawals n join accounts a on a.id = n.account_id) w
    full join (
      select b.stream_id, min(b.account_id::text)::uuid as account_id,
             substr(max(lpad(b.id::text, 19, '0') || (b.payload ->> 'status') collate "C"), 20) as status,
             max((b.payload #>> '{effect,total_pending_withdrawals}')::bigint) as amount
      from booking_events b
      where b.stream_type = 'withdrawal'
      group by b.stream_id) e on e.stream_id = w.id
    where (w.account_id, w.status, w.amount) is distinct from (e.account_id, e.status, e.amount)
  $$),
  ('replay', 'invoice_equals_its_event', 'critical', null,
   'Number, account and total of every invoice and credit note are those of the event that issued it.', $$
    select i.id::text, i.account_id, format('%s over %s, account %s', e.invoice_number, e.total_amount, e.account_id),
           format('%s over %s, account %s', i.invoice_number, i.total_amount, i.account_id), i.total_amount - e.total_amount
    from invoices i
    left join (
      select n.account_id, (n.payload ->> 'invoice_id')::uuid as invoice_id, n.payload ->> 'invoice_number' as invoice_number,
             (n.payload ->> 'total_amount')::bigint as total_amount
      from invoice_events n
      where n.event_type = 'invoice.issued'
      union all
      select n.account_id, (n.payload ->> 'credit_note_id')::uuid, n.payload ->> 'credit_note_number', (n.payload ->> 'credit_note_amount')::bigint
      from invoice_events n
      where n.payload ? 'credit_note_id') e on e.invoice_id = i.id
    where (i.account_id, i.invoice_number, i.total_amount) is distinct from (e.account_id, e.invoice_number, e.total_amount)
      or (i.number is not null and i.invoice_number !~ ('(^|[^1-9])' || i.number || '$'))
  $$),
  ('replay', 'delivery_equals_its_event', 'error', null,
   'A shipment is delivered exactly when an event says so.', $$
    select s.id::text, s.account_id, coalesce(e.delivered_at::text, 'on its way'), coalesce(s.delivered_at::text, 'on its way'), null::bigint
    from public.shipments s
    join orders o on o.id = s.order_id
    join (
      select d.stream_id, d.payload ->> 'shipment_id' as shipment_id, max((d.payload ->> 'delivered_at')::timestamptz) as delivered_at
      from order_events d
      where d.event_type in ('order.shipment_created', 'order.shipment_delivered')
      group by d.stream_id, d.payload ->> 'shipment_id') e on e.stream_id = s.order_id and e.shipment_id = s.id::text
    -- imported parcels have no event of their own until somebody here confirms them
    where s.delivered_at is distinct from e.delivered_at
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;

-- units of a variant are in the events of all orders that ever had it
insert into public.integrity_checks (family, code, severity, scopes, repair, proves, query) values
  ('replay', 'stock_replays_from_events', 'error', '{all}', 'stock_levels',
   'The units on hand and held of every variant are what events brought, sold, held and put back.', $$
    select format('%s %s', coalesce(v.variant_id, r.variant_id), f.what), null::uuid, f.replayed::text, f.stored::text, f.stored - f.replayed
    from (select s.variant_id, sum(s.on_hand)::bigint as on_hand, sum(s.held)::bigint as held
          from stock_levels s group by s.variant_id) v
    full join replayed_stock r on r.variant_id = v.variant_id
    cross join lateral (values
      ('on_hand', case when r.exact_after_event_id is null then coalesce(r.on_hand, 0) end, coalesce(v.on_hand, 0)),
      ('held', coalesce(r.held, 0), coalesce(v.held, 0))) f (what, replayed, stored)
    where f.replayed <> f.stored
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;

-- sql/integrity/checks/statements.data.sql

-- transactions, postings and movements beside each other, row by row
insert into public.integrity_checks (family, code, severity, scopes, repair, proves, query) values
  ('statements', 'transaction_equals_its_wallet_postings', 'critical', '{all,changed,account}', null, 'Each transaction changes the balance by what its postings bring to the wallet and take from it.', $$
    select t.id, t.account_id, t.amount, coalesce(w.amount, 0), coalesce(w.amount, 0) - t.amount
    from transactions t
    left join (select p.transaction_id, sum(case p.credit_account when 'wallet' then p.amount else -p.amount end) as amount
               from postings p where 'wallet' in (p.debit_account, p.credit_account) group by p.transaction_id) w on w.transaction_id = t.id
    where t.amount <> coalesce(w.amount, 0)
  $$),
  ('statements', 'statement_adds_up', 'critical', '{all,changed,account}', null, 'Each transaction leaves the balance before it and its own amount.', $$
    select s.id, s.account_id, s.balance_before + s.amount, s.balance_after, s.balance_after - s.balance_before - s.amount
    from (select t.id, t.account_id, t.amount, t.balance_after,
                 lag(t.balance_after, 1, 0::bigint) over (partition by t.account_id order by t.account_version) as balance_before
          from transactions t) s
    where s.balance_after <> s.balance_before + s.amount
  $$),
  ('statements', 'money_from_outside_is_in_the_bank', 'critical', '{all,changed,account}', null, 'Deposits come from the bank and withdrawals go there.', $$
    select format('%s/%s', p.transaction_id, p.leg_number), p.account_id, format('%s to %s', s.debit_account, s.credit_account),
           format('%s to %s', p.debit_account, p.credit_account), p.amount
    from transactions t
    join (values ('deposit', 'bank', 'wallet'), ('withdrawal_requested', 'wallet', 'withdrawals_payable'), ('withdrawal_paid', 'withdrawals_payable', 'bank'),
                 ('withdrawal_rejected', 'withdrawals_payable', 'wallet'), ('withdrawal_cancelled', 'withdrawals_payable', 'wallet'))
      s (type, debit_account, credit_account) on s.type = t.type
    join postings p on p.transaction_id = t.id
    where (p.debit_account, p.credit_account) <> (s.debit_account, s.credit_account)
  $$),
  ('statements', 'paid_withdrawals_equal_postings', 'critical', '{all,changed,account}', null, 'What withdrawals say was paid out has left the bank.', $$
    select a.id, a.id, coalesce(w.amount, 0), coalesce(b.amount, 0), coalesce(b.amount, 0) - coalesce(w.amount, 0)
    from accounts a
    left join (select n.account_id, sum(n.amount) as amount from withdrawals n where n.status = 'paid' group by n.account_id) w on w.account_id = a.id
    left join (select p.account_id, sum(p.amount) as amount
               from postings p where p.debit_account = 'withdrawals_payable' and p.credit_account = 'bank' group by p.account_id) b on b.account_id = a.id
    where coalesce(w.amount, 0) <> coalesce(b.amount, 0)
  $$),
  ('statements', 'movements_add_up', 'critical', '{all,changed}', null, 'Each movement of stock leaves what was there before it and its own quantity.', $$
    select format('%s/%s/%s', s.variant_id, s.slot, s.slot_version), null, s.before + s.quantity, s.on_hand_after, s.on_hand_after - s.before - s.quantity
    from (select m.*, lag(m.on_hand_after, 1, 0::bigint) over (partition by m.variant_id, m.slot order by m.slot_version) as before from stock_movements m) s
    where s.on_hand_after <> s.before + s.quantity
  $$),
  -- every posting has both sides, so what is not zero is in an account that the chart has not
  ('statements', 'trial_balance_is_zero', 'critical', '{all}', null, 'Debits equal credits in every currency, over the accounts of the chart.', $$
    select l.currency, null, 0, sum(l.amount), sum(l.amount)
    from (select p.currency, p.debit_account as account, sum(p.amount) as amount from postings p group by p.currency, p.debit_account
          union all
          select p.currency, p.credit_account, -sum(p.amount) from postings p group by p.currency, p.credit_account) l
    join public.chart_accounts c on c.code = l.account
    group by l.currency
    having sum(l.amount) <> 0
  $$),
  ('statements', 'trial_balance_equals_balances', 'critical', '{all}', null, 'In every currency the wallets, the pending withdrawals and the unapplied payments are what the double entry has.', $$
    select format('%s %s', coalesce(b.currency, k.currency), coalesce(b.account, k.account)), null, coalesce(k.amount, 0), coalesce(b.amount, 0),
           coalesce(b.amount, 0) - coalesce(k.amount, 0)
    from (select l.currency, l.account, sum(l.amount) as amount
          from (select p.currency, p.credit_account as account, sum(p.amount) as amount from postings p group by p.currency, p.credit_account
                union all
                select p.currency, p.debit_account, -sum(p.amount) from postings p group by p.currency, p.debit_account) l
          where l.account in ('wallet', 'withdrawals_payable', 'unapplied_payments')
          group by l.currency, l.account) b
    full join (
      select a.currency, 'wallet' as account, sum(a.available_balance) as amount from accounts a group by a.currency
      union all
      select a.currency, 'withdrawals_payable', sum(a.total_pending_withdrawals) from accounts a group by a.currency
      union all
      select p.currency, 'unapplied_payments', sum(p.unapplied_amount) from payments p group by p.currency) k on k.currency = b.currency and k.account = b.account
    where coalesce(k.amount, 0) <> coalesce(b.amount, 0)
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;

-- sql/integrity/checks/stock.data.sql

-- what the stock says, beside its movements, what orders sold, what reservations hold and what is backordered
insert into public.integrity_checks (family, code, severity, scopes, repair, proves, query) values
  ('stock', 'stock_equals_movements', 'critical', '{all,changed}', 'stock_levels', 'What is on hand in each slot is the sum of its movements, and each was counted.', $$
    select format('%s/%s', s.variant_id, s.slot), null, s.on_hand, coalesce(m.quantity, 0), coalesce(m.quantity, 0) - s.on_hand
    from counted_stock_levels s
    left join (select n.variant_id, n.slot, sum(n.quantity) as quantity, count(*) as movements from stock_movements n group by n.variant_id, n.slot) m
      on m.variant_id = s.variant_id and m.slot = s.slot
    where s.on_hand <> coalesce(m.quantity, 0) or s.version <> coalesce(m.movements, 0)
  $$),
  ('stock', 'stock_equals_last_movement', 'critical', '{all,changed}', 'stock_levels', 'What is on hand in each slot is what its last movement left.', $$
    select format('%s/%s', s.variant_id, s.slot), null, m.on_hand_after, s.on_hand, s.on_hand - m.on_hand_after
    from stock_levels s
    cross join lateral (select n.on_hand_after, n.slot_version from public.stock_movements n
                        where n.variant_id = s.variant_id and n.slot = s.slot order by n.slot_version desc limit 1) m
    where (s.on_hand, s.version) <> (m.on_hand_after, m.slot_version)
  $$),
  ('stock', 'held_equals_active_reservations', 'error', '{all,changed}', 'stock_levels', 'What is held in each slot is what active reservations hold there.', $$
    select format('%s/%s', s.variant_id, s.slot), null, coalesce(h.quantity, 0), s.held, s.held - coalesce(h.quantity, 0)
    from stock_levels s
    left join (select l.variant_id, l.slot, sum(l.quantity) as quantity
               from public.stock_reservations r
               join public.stock_reservation_lines l on l.reservation_id = r.id
               where r.status = 'active'
               group by l.variant_id, l.slot) h on h.variant_id = s.variant_id and h.slot = s.slot
    where s.held <> coalesce(h.quantity, 0)
  $$),
  ('stock', 'variant_has_stock', 'error', '{all,changed}', null, 'Each variant has a row of stock for each of its slots.', $$
    select v.id, null, format('%s rows in stock_levels', v.stock_slots), count(s.slot), null
    from variants v left join stock_levels s on s.variant_id = v.id and s.slot < v.stock_slots
    group by v.id, v.stock_slots
    having count(s.slot) <> v.stock_slots
  $$),
  ('stock', 'spread_moves_nothing', 'critical', '{all,changed}', null, 'Spreading stock over slots makes and loses no unit.', $$
    select m.variant_id, null, 0, sum(m.quantity), sum(m.quantity)
    from stock_movements m
    where m.reason = 'slots_spread'
    group by m.variant_id
    having sum(m.quantity) <> 0
  $$),
  -- in a slot that is no longer in use nobody would look
  ('stock', 'unused_slot_holds_reserved_units_only', 'error', '{all,changed}', null, 'Slots that are not used any more hold nothing but what is reserved in them.', $$
    select format('%s/%s', s.variant_id, s.slot), null, s.held, s.on_hand, s.on_hand - s.held
    from stock_levels s join variants v on v.id = s.variant_id
    where s.slot >= v.stock_slots and s.on_hand <> s.held
  $$),
  -- open units wait only while nothing is available
  ('stock', 'backorder_waits_for_nothing_that_is_there', 'error', '{all,changed}', null, 'No order waits for units that are there.', $$
    select b.variant_id, null, 0, s.available, s.available
    from (select distinct w.variant_id
          from public.backorders w
          join public.orders o on o.id = w.order_id and o.status <> 'rejected'
          where w.open_quantity > 0) b
    join (select n.variant_id, sum(n.on_hand - n.held) as available from stock_levels n group by n.variant_id) s on s.variant_id = b.variant_id
    where s.available > 0
  $$),
  -- a movement of stock that there is not is of no variant that a run of changes could look at
  ('stock', 'movement_refers_to_what_is_there', 'critical', '{all}', null, 'Each movement is of stock that there is.', $$
    select format('%s/%s/%s', m.variant_id, m.slot, m.slot_version), null, 'stock of a variant', 'none', m.quantity
    from stock_movements m
    left join stock_levels s on s.variant_id = m.variant_id and s.slot = m.slot
    where s.variant_id is null
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;

-- what orders moved
insert into public.integrity_checks (family, code, severity, repair, proves, query) values
  -- what an order has now: what left for it, and what it waits for or has given up waiting for
  ('stock_of_orders', 'sold_equals_order_movements', 'critical', null, 'What each order sold has left the stock, is waited for or was given up.', $$
    select format('%s/%s', coalesce(o.order_id, m.order_id), coalesce(o.variant_id, m.variant_id)),
           (select n.account_id from orders n where n.id = coalesce(o.order_id, m.order_id)),
           coalesce(o.quantity, 0), format('%s, backordered %s', coalesce(m.quantity, 0), coalesce(b.open_quantity + b.dropped_quantity, 0)),
           coalesce(m.quantity, 0) + coalesce(b.open_quantity + b.dropped_quantity, 0) - coalesce(o.quantity, 0)
    from (select i.order_id, i.variant_id, sum(i.quantity) as quantity from order_items i group by i.order_id, i.variant_id) o
    full join units_sold m on m.order_id = o.order_id and m.variant_id = o.variant_id
    left join backorders b on b.order_id = coalesce(o.order_id, m.order_id) and b.variant_id = coalesce(o.variant_id, m.variant_id)
    where coalesce(o.quantity, 0) <> coalesce(m.quantity, 0) + coalesce(b.open_quantity + b.dropped_quantity, 0)
  $$),
  ('stock_of_orders', 'no_more_came_back_than_had_left', 'critical', null, 'No more units came back of an order than had left for it.', $$
    select format('%s/%s', b.order_id, b.variant_id), o.account_id, coalesce(m.quantity, 0), b.quantity, b.quantity - coalesce(m.quantity, 0)
    from (select r.order_id, r.variant_id, sum(r.quantity) as quantity
          from order_movements r
          where r.reason in ('order_cancelled', 'order_refunded', 'return_restocked')
          group by r.order_id, r.variant_id) b
    left join units_sold m on m.order_id = b.order_id and m.variant_id = b.variant_id
    left join orders o on o.id = b.order_id
    where b.quantity > coalesce(m.quantity, 0)
  $$),
  ('stock_of_orders', 'backorder_filled_by_movements', 'critical', 'backorders', 'What a backorder says was filled has left the stock.', $$
    select format('%s/%s', b.order_id, b.variant_id), b.account_id, b.filled_quantity, coalesce(f.quantity, 0), coalesce(f.quantity, 0) - b.filled_quantity
    from backorders b
    left join (select m.order_id, m.variant_id, -sum(m.quantity) as quantity
               from order_movements m where m.reason = 'backorder_filled' group by m.order_id, m.variant_id) f
      on f.order_id = b.order_id and f.variant_id = b.variant_id
    where b.filled_quantity <> coalesce(f.quantity, 0)
  $$),
  -- an order that ended gives up all that it waited for, which is seen by what is open
  ('stock_of_orders', 'backorder_dropped_by_refunds', 'critical', null, 'What a living order gave up waiting for was refunded before it was shipped.', $$
    select format('%s/%s', b.order_id, b.variant_id), b.account_id, coalesce(r.quantity, 0), b.dropped_quantity, b.dropped_quantity - coalesce(r.quantity, 0)
    from backorders b
    join orders o on o.id = b.order_id and o.status not in ('cancelled', 'refunded')
    left join (select l.order_id, i.variant_id, sum(l.unshipped_quantity - l.restocked_quantity) as quantity
               from refund_lines l
               join order_items i on i.order_id = l.order_id and i.line_number = l.line_number
               where l.unshipped_quantity > 0
               group by l.order_id, i.variant_id) r on r.order_id = b.order_id and r.variant_id = b.variant_id
    where b.dropped_quantity <> coalesce(r.quantity, 0)
  $$),
  ('stock_of_orders', 'backorder_waits_for_a_living_order', 'error', 'backorders', 'What waits to be filled is for an order of its account that has not ended.', $$
    select format('%s/%s', b.order_id, b.variant_id), b.account_id, 'an order of its account that has not ended', coalesce(o.status, 'none'), b.open_quantity
    from backorders b left join orders o on o.id = b.order_id and o.account_id = b.account_id
    where o.id is null or (b.open_quantity > 0 and o.status in ('cancelled', 'refunded'))
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;

-- sql/integrity/checks/texts.data.sql

-- texts beside events: each says what its event's digest says, and is there until its person is erased
insert into public.integrity_checks (family, code, severity, proves, query) values
  ('texts', 'text_is_its_events', 'critical', 'What people wrote about an operation is what its sealed event has the digest of.', $$
    select t.event_id::text, t.account_id, coalesce(e.payload ->> 'texts_digest', 'an event with a digest'), ledger.texts_digest(t.texts, t.salt), null::bigint
    from event_texts t
    left join public.immutable_events e on e.id = t.event_id
    where e.payload ->> 'texts_digest' is distinct from ledger.texts_digest(t.texts, t.salt)
  $$),
  ('texts', 'event_has_its_text', 'critical', 'No text of an event is gone unless its person was erased.', $$
    select e.id::text, e.account_id, e.payload ->> 'texts_digest', 'no text, and nobody was erased', null::bigint
    from immutable_events e
    left join event_texts t on t.event_id = e.id
    left join accounts a on a.id = e.account_id
    left join profiles p on p.id = a.user_id
    where e.payload ? 'texts_digest' and t.event_id is null and p.erased_at is null
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;

-- sql/integrity/checks/vendors.data.sql

-- what vendors earned, beside the lines it follows from, their owners' transactions and what is payable
insert into public.integrity_checks (family, code, severity, repair, proves, query) values
  ('vendors', 'vendor_earnings_equal_lines', 'critical', null, 'What each vendor earned of a delivered order is their share of its lines that was not taken back.', $$
    select format('%s/%s', coalesce(s.order_id, e.order_id), coalesce(s.vendor_id, e.vendor_id)), e.account_id,
           coalesce(s.share_amount, 0), coalesce(e.share_amount - e.clawed_back_amount, 0),
           coalesce(e.share_amount - e.clawed_back_amount, 0) - coalesce(s.share_amount, 0)
    from (select n.order_id, n.vendor_id, sum(n.amount) as share_amount
          from vendor_shares n
          join orders o on o.id = n.order_id
          where n.vendor_id is not null and (o.status = 'delivered' or o.id in (select w.order_id from order_earnings w))
          group by n.order_id, n.vendor_id) s
    full join order_earnings e on e.order_id = s.order_id and e.vendor_id = s.vendor_id
    where coalesce(s.share_amount, 0) <> coalesce(e.share_amount - e.clawed_back_amount, 0)
  $$),
  ('vendors', 'vendor_earnings_equal_transactions', 'critical', 'vendor_earning', 'What each vendor earned was credited to their account.', $$
    select coalesce(e.id, m.reference_id), coalesce(e.account_id, m.account_id::uuid),
           format('%s in %s', case when e.account_id is not null then e.share_amount - e.clawed_back_amount end, e.account_id),
           format('%s in %s', m.amount, m.account_id), coalesce(m.amount, 0) - coalesce(e.share_amount - e.clawed_back_amount, 0)
    from (select * from vendor_earnings where account_id is not null) e
    full join (select t.reference_id, sum(t.amount) as amount, min(t.account_id::text) as account_id, count(distinct t.account_id) as accounts
               from transactions t
               where t.type in ('vendor_earned', 'vendor_clawed_back')
               group by t.reference_id) m on m.reference_id = e.id
    where e.id is null or m.amount is distinct from e.share_amount - e.clawed_back_amount
       or m.account_id <> e.account_id::text or m.accounts <> 1
  $$),
  -- owed to vendors by the orders of an account, less what its owner was given as a vendor
  ('vendors', 'vendor_payable_equals_shares', 'critical', null, 'What is payable to vendors in each account is what its orders owe them, less what its owner earned as one.', $$
    select coalesce(p.account_id, w.account_id), coalesce(p.account_id, w.account_id), coalesce(w.amount, 0), coalesce(p.balance, 0),
           coalesce(p.balance, 0) - coalesce(w.amount, 0)
    from (select n.account_id, sum(case n.credit_account when 'vendor_payable' then n.amount else -n.amount end) as balance
          from postings n
          where 'vendor_payable' in (n.debit_account, n.credit_account)
          group by n.account_id) p
    full join (
      select s.account_id, sum(s.amount) as amount
      from (select o.account_id, e.share_amount - e.clawed_back_amount as amount
            from orders_of_accounts o join public.vendor_earnings e on e.order_id = o.id
            union all
            select e.account_id, e.clawed_back_amount - e.share_amount
            from vendor_earnings e where e.account_id is not null) s
      group by s.account_id) w on w.account_id = p.account_id
    where coalesce(p.balance, 0) <> coalesce(w.amount, 0)
  $$),
  -- the order is in its customer's books, so no foreign key says this
  ('vendors', 'vendor_earning_refers_to_what_is_there', 'critical', null, 'What a vendor earned is of an order in its currency.', $$
    select e.id, e.account_id, 'an order of the same currency', format('%s %s', e.order_id, e.currency), e.share_amount - e.clawed_back_amount
    from order_earnings e
    left join orders o on o.id = e.order_id and o.currency = e.currency
    where o.id is null
  $$)
on conflict (code) do update set
  family = excluded.family, severity = excluded.severity, proves = excluded.proves, query = excluded.query, repair = excluded.repair, scopes = excluded.scopes;

-- sql/integrity/kpis/kpi_metrics_of_the_machinery.data.sql

-- how fast calls and messages are, and what guards the books; rates are of an hour
insert into ledger.kpi_metrics (name, unit, direction, description, query) values
  ('placement_latency_p95_us', 'us', 'lower', 'Nineteen of twenty placed orders of the last hour took at most this, from the call''s arrival in the database to its last write; calls with an idempotency key. details: {calls, average_us}.', $$
    select m.metric, m.value, jsonb_build_object('calls', d.calls, 'average_us', d.average_us)
    from ledger.call_durations('{ledger_place_order,order_draft_place}', $1, $2) d
    cross join lateral (values ('placement_latency_p95_us', d.p95_us), ('placement_latency_p50_us', d.p50_us)) m (metric, value)
  $$),
  ('allocation_latency_p95_us', 'us', 'lower', 'Nineteen of twenty calls of the last hour that allocated a payment took at most this, measured as placing is (source 002, section 11). details: {calls, average_us}.', $$
    select m.metric, m.value, jsonb_build_object('calls', d.calls, 'average_us', d.average_us)
    from ledger.call_durations('{ledger_allocate_payment,ledger_auto_allocate_payment}', $1, $2) d
    cross join lateral (values ('allocation_latency_p95_us', d.p95_us), ('allocation_latency_p50_us', d.p50_us)) m (metric, value)
  $$),
  ('outbox_waiting', 'count', 'lower', 'Messages that wait to be delivered.', $$
    with waiting as (
      select count(*) as messages, min(o.created_at) as oldest_at
      from ledger.outbox o where o.status in ('pending', 'sending')),
    settled as (
      select count(*) filter (where o.status = 'sent') as sent, count(*) filter (where o.status = 'dead') as dead,
             percentile_disc(0.95) within group (order by (extract(epoch from o.settled_at - o.created_at) * 1000)::bigint) filter (where o.status = 'sent') as p95
      from ledger.outbox o where o.settled_at >= $1 and o.settled_at < $2),
    dead as (select count(*) as messages from ledger.outbox o where o.status = 'dead')
    select m.metric, m.value, m.details
    from waiting w cross join settled s cross join dead d
    cross join lateral (values
      ('outbox_waiting', w.messages, '{}'::jsonb),
      ('outbox_lag_s', case when w.messages = 0 then 0 else greatest(extract(epoch from $2 - w.oldest_at), 0)::bigint end, '{}'),
      ('outbox_dead', d.messages, '{}'),
      ('outbox_success_ratio_ppm', s.sent * 1000000 / nullif(s.sent + s.dead, 0), jsonb_build_object('sent', s.sent, 'dead', s.dead)),
      ('outbox_latency_p95_ms', s.p95, jsonb_build_object('sent', s.sent))) m (metric, value, details)
  $$),
  ('integrity_findings', 'count', 'lower', 'Rows that offend a check of the books, as far as runs know, without warnings; null before the first run. details: {warnings, by_check, run_id, at, scope, status}, the last four of the last run.', $$
    select 'integrity_findings', coalesce(f.findings, 0), jsonb_build_object(
      'warnings', coalesce(f.warnings, 0), 'by_check', coalesce(f.by_check, '{}'), 'run_id', r.id, 'at', r.created_at, 'scope', r.scope, 'status', r.status)
    from (select n.* from public.reconciliation_runs n
          where n.check_code = 'books' and n.horizon is not null and n.started_at <= $2 + interval '5 minutes'
          order by n.started_at desc, n.id desc limit 1) r
    cross join lateral (
      select sum(c.findings) filter (where c.severity <> 'warning') as findings, sum(c.findings) filter (where c.severity = 'warning') as warnings,
             jsonb_object_agg(c.check_code, c.findings) as by_check
      from ledger.findings_by_check() c) f
  $$),
  ('unsealed_events', 'count', 'lower', 'Events that no seal covers yet. details: {seal_number, sealed_at}.', $$
    select 'unsealed_events', ledger.unsealed_events(), jsonb_build_object('seal_number', s.seal_number, 'sealed_at', s.sealed_at)
    from (values (1)) one (row)
    left join (select n.* from public.event_seals n order by n.seal_number desc limit 1) s on true
  $$),
  ('denied_calls', 'count', 'lower', 'Calls refused for want of a permission since the newest snapshot that is at least an hour old, or (since null) ever. details: {total, since}.', $$
    select 'denied_calls', greatest(d.total - coalesce((b.details ->> 'total')::bigint, 0), 0), jsonb_build_object('total', d.total, 'since', b.taken_at)
    from (select case when q.is_called then q.last_value else 0 end as total from ledger.denied_calls_seq q) d
    left join (select s.* from public.kpi_snapshots s
               -- the job is not on the second
               where s.metric = 'denied_calls' and s.taken_at <= $1 + interval '1 minute' and s.details ? 'total'
               order by s.taken_at desc limit 1) b on true
  $$)
on conflict (name) do update set
  part_of = excluded.part_of, unit = excluded.unit, direction = excluded.direction, description = excluded.description, query = excluded.query;

-- answered by the query of another
insert into ledger.kpi_metrics (name, part_of, unit, direction, description) values
  ('placement_latency_p50_us', 'placement_latency_p95_us', 'us', 'lower', 'Half of the placed orders of the last hour took at most this. details: {calls, average_us}.'),
  ('allocation_latency_p50_us', 'allocation_latency_p95_us', 'us', 'lower', 'Half of the calls of the last hour that allocated a payment took at most this. details: {calls, average_us}.'),
  ('outbox_lag_s', 'outbox_waiting', 's', 'lower', 'Age of the oldest message that waits; 0 when none does.'),
  ('outbox_dead', 'outbox_waiting', 'count', 'lower', 'Messages that are not tried any more.'),
  ('outbox_success_ratio_ppm', 'outbox_waiting', 'ppm', 'higher', 'Delivered messages, among those delivered or given up in the last hour. details: {sent, dead}.'),
  ('outbox_latency_p95_ms', 'outbox_waiting', 'ms', 'lower', 'Nineteen of twenty messages delivered in the last hour took at most this from their cause. details: {sent}.')
on conflict (name) do update set
  part_of = excluded.part_of, unit = excluded.unit, direction = excluded.direction, description = excluded.description, query = excluded.query;

-- sql/integrity/kpis/kpi_metrics_of_the_shop.data.sql

-- orders and money; processing and success are of a day, because an hour of a small shop has too few orders
insert into ledger.kpi_metrics (name, unit, direction, description, query) values
  ('debt_drift_ppm', 'ppm', 'lower', 'What the debt in the cache differs by from the debt by invoices and allocations, in the last drift run (source 002, E-B5). details: {run_id, at, status, old_flags_ppm}.', $$
    select 'debt_drift_ppm', c.diff_ratio_ppm, jsonb_build_object('run_id', c.id, 'at', c.created_at, 'status', c.status, 'old_flags_ppm', f.diff_ratio_ppm)
    from (select r.* from public.reconciliation_runs r where r.check_code = 'debt_cache' and r.started_at <= $2 + interval '5 minutes' order by r.started_at desc, r.id desc limit 1) c
    left join (select r.* from public.reconciliation_runs r where r.check_code = 'old_flags' and r.started_at <= $2 + interval '5 minutes' order by r.started_at desc, r.id desc limit 1) f on true
  $$),
  ('partial_allocation_ratio_ppm', 'ppm', 'lower', 'Invoices paid in part, among those that anything is allocated to (source 002, E-B5). details: {partial, paid, unpaid}, of invoices that claim something.', $$
    select 'partial_allocation_ratio_ppm', b.partial * 1000000 / nullif(b.partial + b.paid, 0), to_jsonb(b)
    from (select count(*) filter (where c.status_cached = 'partial') as partial, count(*) filter (where c.status_cached = 'paid') as paid,
                 count(*) filter (where c.status_cached = 'unpaid') as unpaid
          from public.invoice_balance_cache c where c.amount > 0) b
  $$),
  ('orders_open', 'count', null, 'Orders that have not come to an end. details: {status: orders}.', $$
    with orders as materialized (
      select o.status, o.currency, count(*) as orders, coalesce(sum(-o.outstanding_amount) filter (where o.outstanding_amount < 0), 0) as surplus
      from public.orders o group by o.status, o.currency),
    held as (
      select currency, sum(h.unapplied) as unapplied_amount, sum(h.surplus) as surplus_amount
      from (select o.currency, 0 as unapplied, o.surplus from orders o where o.surplus > 0
            union all
            select p.currency, p.unapplied_amount, 0 from public.payments p where p.unapplied_amount > 0) h
      group by currency)
    select 'orders_open', coalesce(sum(s.orders) filter (where s.status not in ('delivered', 'rejected', 'cancelled', 'refunded')), 0),
           coalesce(jsonb_object_agg(s.status, s.orders), '{}')
    from (select o.status, sum(o.orders) as orders from orders o group by o.status) s
    union all
    select 'overpayment_buffer', coalesce(sum(h.unapplied_amount + h.surplus_amount) filter (where h.currency = ledger.setting_text('default_currency')), 0),
           coalesce(jsonb_object_agg(h.currency, to_jsonb(h) - 'currency'), '{}')
    from held h
  $$),
  ('processing_time_p95_s', 's', 'lower', 'Nineteen of twenty orders delivered in the last day took at most this from placing to delivery. details: {orders}.', $$
    with ended as (
      select o.status, max(t.created_at) - o.created_at as took
      from public.transactions t
      join public.orders o on o.id = t.order_id
      where t.id >= ledger.first_id_at($2, '-1 day -1 minute') and t.created_at >= $2 - interval '1 day' and t.created_at < $2
        -- part of a delivered order may be refunded long after
        and case o.status when 'delivered' then t.type = 'order_status_changed' when 'rejected' then t.type = 'order_status_changed'
                          when 'cancelled' then t.type = 'order_cancelled' when 'refunded' then t.type = 'order_refunded' end
      group by o.id, o.status, o.created_at),
    figures as (
      select count(*) filter (where e.status = 'delivered') as delivered, count(*) as orders,
             jsonb_build_object('delivered', count(*) filter (where e.status = 'delivered'), 'rejected', count(*) filter (where e.status = 'rejected'),
                                'cancelled', count(*) filter (where e.status = 'cancelled'), 'refunded', count(*) filter (where e.status = 'refunded')) as by_status,
             percentile_disc(0.5) within group (order by extract(epoch from e.took)::bigint) filter (where e.status = 'delivered') as p50,
             percentile_disc(0.95) within group (order by extract(epoch from e.took)::bigint) filter (where e.status = 'delivered') as p95
      from ended e)
    select m.metric, m.value, m.details
    from figures f
    cross join lateral (values
      ('processing_time_p95_s', f.p95, jsonb_build_object('orders', f.delivered)),
      ('processing_time_p50_s', f.p50, jsonb_build_object('orders', f.delivered)),
      ('success_rate_ppm', f.delivered * 1000000 / nullif(f.orders, 0), f.by_status)) m (metric, value, details)
  $$),
  ('payments_to_review', 'count', 'lower', 'Receipts of transfers that wait for finance. details: {late, oldest_s}.', $$
    select 'payments_to_review', count(*), jsonb_build_object(
      'late', count(*) filter (where r.submitted_at < $2 - make_interval(hours => ledger.setting_text('receipt_review_hours')::int)),
      'oldest_s', coalesce(greatest(extract(epoch from $2 - min(r.submitted_at)), 0)::bigint, 0))
    from public.payment_receipts r where r.status = 'submitted'
  $$),
  ('receivables_overdue', 'minor', 'lower', 'What is left of invoices whose time has passed, in the shop''s currency. details: {currency: {amount, invoices}}.', $$
    select 'receivables_overdue', coalesce(sum(o.amount) filter (where o.currency = ledger.setting_text('default_currency')), 0),
           coalesce(jsonb_object_agg(o.currency, to_jsonb(o) - 'currency'), '{}')
    from (select i.currency, sum(b.remaining_amount) as amount, count(*) as invoices
          from public.invoices i
          join public.invoice_balance_cache b on b.account_id = i.account_id and b.invoice_id = i.id
          where i.amount > 0 and i.due_at < $2 and b.remaining_amount > 0
          group by i.currency) o
  $$),
  ('wallet_liabilities', 'minor', null, 'What customers have in their wallets or have asked to be paid out, in the shop''s currency. details: {currency: {available, pending, overdrawn}}: balances above zero, asked for, and below zero, as amounts.', $$
    select 'wallet_liabilities', coalesce(sum(w.available + w.pending) filter (where w.currency = ledger.setting_text('default_currency')), 0),
           coalesce(jsonb_object_agg(w.currency, to_jsonb(w) - 'currency'), '{}')
    from (select a.currency, coalesce(sum(a.available_balance) filter (where a.available_balance > 0), 0) as available,
                 sum(a.total_pending_withdrawals) as pending, coalesce(-sum(a.available_balance) filter (where a.available_balance < 0), 0) as overdrawn
          from public.accounts a group by a.currency) w
  $$)
on conflict (name) do update set
  part_of = excluded.part_of, unit = excluded.unit, direction = excluded.direction, description = excluded.description, query = excluded.query;

-- answered by the query of another
insert into ledger.kpi_metrics (name, part_of, unit, direction, description) values
  ('overpayment_buffer', 'orders_open', 'minor', null, 'Money of customers that pays for nothing yet, in the shop''s currency: payments that are not allocated, and what orders hold beyond their cost. details: {currency: {unapplied_amount, surplus_amount}}.'),
  ('processing_time_p50_s', 'processing_time_p95_s', 's', 'lower', 'Half of the orders delivered in the last day took at most this from placing to delivery. details: {orders}.'),
  ('success_rate_ppm', 'processing_time_p95_s', 'ppm', 'higher', 'Delivered orders, among those that came to an end in the last day, by what they are now. details: {delivered, rejected, cancelled, refunded}.')
on conflict (name) do update set
  part_of = excluded.part_of, unit = excluded.unit, direction = excluded.direction, description = excluded.description, query = excluded.query;

reset ledger.procedure;

-- jobs that others replace, and times that changed: where somebody has set another, it stays
select set_config('ledger.procedure', 'migration', true);
delete from ledger.scheduled_jobs j where j.name in ('check balances', 'check debt drift');
update ledger.scheduled_jobs j set schedule = '15-17 * * * *' where j.name = 'create partitions' and j.schedule = '15 2 * * *';
update ledger.scheduled_jobs j
set schedule = '*/10 2-4 * * *', description = 'Drops an audit partition beyond the retention, or removes as many lines.'
where j.name = 'purge audit log' and j.schedule = '30 2 * * *';

-- a limit of the drift runs that was a setting is that of an alert now
update public.alert_rules r set limit_value = (s.value #>> '{}')::bigint
from public.settings s
where s.key = 'debt_drift_ppm_limit' and r.code = 'debt_drift_ppm_limit';
delete from public.settings s where s.key = 'debt_drift_ppm_limit';

-- which events the seals of before were made of
select ledger.list_sealed_events();
select set_config('ledger.procedure', '', true);
