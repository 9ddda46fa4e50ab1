/*
 * Number series of invoices and credit notes. The counter is a row and not a sequence, so that a number
 * goes back with the transaction that took it: a series has no gaps. It is locked last, after discount
 * codes, and until the commit. A shop that is split by customer gives each server series of its own.
 */
create table public.invoice_series (
  code text primary key,
  kind text not null,
  prefix text not null,
  digits smallint not null default 6,
  first_number bigint not null default 1,
  next_number bigint not null default 1,
  description text not null,
  unique (prefix),
  constraint kind_is_known check (kind in ('invoice', 'credit_note')),
  constraint code_is_short check (length(code) between 1 and 30),
  constraint prefix_is_short check (length(prefix) <= 20),
  constraint digits_are_a_few check (digits between 1 and 18),
  -- INV-1 followed by 2, and INV- followed by 12, would be one number
  constraint prefix_does_not_end_in_a_digit check (prefix !~ '[0-9]$'),
  constraint next_number_is_not_before_the_first check (next_number >= first_number and first_number >= 1)
);
alter table public.invoice_series enable row level security;
revoke all on public.invoice_series from anon, authenticated, service_role;
grant select on public.invoice_series to authenticated, service_role;
create policy invoice_series_are_seen_by_who_issues on public.invoice_series for select to authenticated
  using ((select ledger.caller_may('invoices.issue')) or (select ledger.caller_may('accounts.read')));
select ledger.audit_hand_edits_of('public.invoice_series', 'code');

/* By hand a series is added, and its prefix, digits and description are changed; its counting is not, and none is removed once it has counted. */
create function ledger.guard_invoice_series()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
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
end $$;
comment on function ledger.guard_invoice_series() is 'Trigger: refuses hand edits of what a series counts, and prefixes that were another''s.';
create trigger series_count_by_themselves before insert or update or delete on public.invoice_series
  for each row execute function ledger.guard_invoice_series();
comment on table public.invoice_series is
  'Number series: an admin may add one, or change how its numbers are written from now on; next_number moves with the invoices only.';
comment on column public.invoice_series.first_number is 'Where the series began; next_number - first_number invoices were issued in it.';

/* Takes the next number of a series; the row stays locked until the commit. */
create function ledger.next_invoice_number(p_series text, out number bigint, out invoice_number text)
returns record
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.invoice_series s set next_number = s.next_number + 1
  where s.code = p_series
  returning s.next_number - 1, s.prefix || lpad((s.next_number - 1)::text, greatest(s.digits, length((s.next_number - 1)::text)), '0')
  into next_invoice_number.number, next_invoice_number.invoice_number;
end $$;
comment on function ledger.next_invoice_number(text) is 'The next number of a series, and how it is written.';
