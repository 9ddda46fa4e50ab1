-- What tests of imports need: an import of rows that is staged, or applied.

/* An import that is staged; tests.import_run(name) finds it. */
create or replace function tests.stage_import(kind text, name text, rows jsonb, options jsonb default '{}') returns uuid
language plpgsql set search_path = '' as $$
declare
  v_run_id uuid := (select b.run_id from public.import_begin(stage_import.kind, stage_import.name, '{"currency": "USD"}' || stage_import.options) b);
begin
  perform tests.expect_success(s) from public.import_stage(v_run_id, 1, stage_import.rows, true) s;
  return v_run_id;
end $$;

/* An import that is analysed and applied to its end. */
create or replace function tests.import(kind text, name text, rows jsonb, options jsonb default '{}') returns uuid
language plpgsql set search_path = '' as $$
declare
  v_run_id uuid := tests.stage_import(import.kind, import.name, import.rows, import.options);
begin
  perform tests.expect_success(a) from public.import_analyze(v_run_id) a;
  while not (select a.done from public.import_apply(v_run_id) a) loop
  end loop;
  return v_run_id;
end $$;

create or replace function tests.import_run(name text) returns uuid
language plpgsql stable security definer set search_path = '' as $$
begin
  return (select r.id from public.import_runs r where r.source_name = import_run.name);
end $$;

/* The flag of backfills, as import_backfill sets it. */
create or replace function tests.set_backfill_mode(mode text) returns void
language plpgsql security definer set search_path = '' as $$
begin
  perform set_config('ledger.procedure', 'import_backfill', true);
  update public.feature_flags f set state = set_backfill_mode.mode where f.key = 'ledger_backfill_mode';
  perform set_config('ledger.procedure', '', true);
end $$;

/* A row of a payments file. */
create or replace function tests.payment_row(external_id text, customer text, amount text, paid_at text default '2024-03-01', more jsonb default '{}') returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_build_object('external_id', external_id, 'customer', tests.get_supabase_uid(payment_row.customer), 'amount', payment_row.amount,
                            'paid_at', payment_row.paid_at) || payment_row.more;
end $$;

create or replace function tests.invoice_row(external_id text, customer text, amount text, issued_at text default '2024-02-01', more jsonb default '{}') returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return jsonb_build_object('external_id', external_id, 'customer', tests.get_supabase_uid(invoice_row.customer), 'amount', invoice_row.amount,
                            'issued_at', invoice_row.issued_at) || invoice_row.more;
end $$;

/*
 * Imports of ivy's: an applied one of invoices ('old invoices') and of payments ('old payments', one of them
 * flagged as allocated), one of which a row was rejected, and payments that are analysed ('new payments'),
 * staged ('staged payments'), and being staged ('half a file').
 */
create or replace function tests.open_imports() returns void
language plpgsql set search_path = '' as $$
declare
  v_run_id uuid;
begin
  perform tests.create_customer('ivy');
  perform tests.import('invoices', 'old invoices', jsonb_build_array(tests.invoice_row('I-1', 'ivy', '12.00')));
  perform tests.import('payments', 'old payments', jsonb_build_array(
    tests.payment_row('P-1', 'ivy', '5.00', more => '{"is_allocated": "true", "invoice": "I-1"}'), tests.payment_row('P-2', 'ivy', 'nothing')));
  v_run_id := tests.stage_import('payments', 'new payments', jsonb_build_array(tests.payment_row('P-3', 'ivy', '7.00')));
  perform tests.expect_success(a) from public.import_analyze(v_run_id) a;
  perform tests.stage_import('payments', 'staged payments', jsonb_build_array(tests.payment_row('P-4', 'ivy', '7.00')));
  v_run_id := (select b.run_id from public.import_begin('payments', 'half a file') b);
  perform tests.expect_success(s) from public.import_stage(v_run_id, 1, '[{"external_id": "P-5"}]') s;
end $$;

begin;
select plan(1);
select has_function('tests', 'import', 'the helpers of imports are in place');
select * from finish();
rollback;
