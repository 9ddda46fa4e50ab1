import { withConnection } from '../../database/bootstrap.ts';

interface Fact {
  relation: string;
  fact: string;
}

/** Facts of a schema that pg-delta does not compare, a sentence each. */
function facts(databaseUrl: string): Promise<Fact[]> {
  return withConnection(
    databaseUrl,
    (sql) => sql<Fact[]>`
      with relations as (
        select c.oid, format('%I.%I', n.nspname, c.relname) as name
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        where n.nspname !~ '^pg_'
          and n.nspname not in ('information_schema', 'auth', 'extensions', 'supabase_migrations')
          and c.relkind in ('r', 'p', 'v', 'm', 'c')
          and not c.relispartition
      ), columns as (
        select r.name as relation, a.*, t.typstorage
        from relations r
        join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
        join pg_type t on t.oid = a.atttypid
      )
      select relation,
        format('%s has the columns %s', relation, string_agg(attname, ', ' order by attnum)) as fact
      from columns group by relation
      union all
      select relation, format('%s.%s has statistics target %s', relation, attname, attstattarget)
      from columns where coalesce(attstattarget, -1) <> -1
      union all
      select relation, format('%s.%s has storage %s', relation, attname, attstorage)
      from columns where attstorage <> typstorage
      union all
      select relation, format('%s.%s has compression %s', relation, attname, attcompression)
      from columns where attcompression <> ''
      union all
      select r.name, format('trigger %s on %s fires in %s', t.tgname, r.name,
        case t.tgenabled when 'A' then 'every mode' when 'R' then 'replica mode' else 'no mode' end)
      from pg_trigger t join relations r on r.oid = t.tgrelid
      where not t.tgisinternal and t.tgenabled <> 'O'
      union all
      select r.name, format('there is %s', pg_get_statisticsobjdef(s.oid))
      from pg_statistic_ext s join relations r on r.oid = s.stxrelid
      union all
      select r.name, format('%s is clustered on %s', r.name, i.indexrelid::regclass)
      from pg_index i join relations r on r.oid = i.indrelid where i.indisclustered
      order by fact
    `,
  );
}

/** The facts of one database that the other lacks, of tables, views and composite types that both have. */
function missing(here: Fact[], there: Fact[]): string[] {
  const relations = new Set(there.map(({ relation }) => relation));
  const known = new Set(there.map(({ fact }) => fact));
  return here
    .filter(({ relation, fact }) => relations.has(relation) && !known.has(fact))
    .map(({ fact }) => fact);
}

/** Where two databases differ in a way that no generated migration mends. */
export async function unmanagedDifferences(fromUrl: string, toUrl: string): Promise<string[]> {
  const [from, to] = await Promise.all([facts(fromUrl), facts(toUrl)]);
  return [
    ...missing(to, from).map((fact) => `only in sql/: ${fact}`),
    ...missing(from, to).map((fact) => `only in the migrations: ${fact}`),
  ];
}
