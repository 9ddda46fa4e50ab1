/* Money is a bigint in the currency's minor unit beside its code; this table knows the exponent. */
create table public.currencies (
  code text primary key,
  name text not null,
  exponent smallint not null,
  constraint code_is_iso_4217 check (code ~ '^[A-Z]{3}$'),
  constraint exponent_is_sensible check (exponent between 0 and 4)
);
alter table public.currencies enable row level security;
revoke all on public.currencies from anon, authenticated, service_role;
grant select on public.currencies to anon, authenticated, service_role;
create policy currencies_are_public on public.currencies for select to anon, authenticated using (true);
comment on table public.currencies is 'Currencies and how many decimals their minor unit stands for (JPY 0, USD 2, IQD 3).';
comment on column public.currencies.exponent is 'Decimals of the minor unit: 1234 is 12.34 at exponent 2.';
