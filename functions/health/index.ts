import process from 'node:process';
import postgres from 'postgres';
import { z } from 'zod';
import releaseFile from './release.json' with { type: 'json' };

const { version, migrations: expected } = z
  .object({ version: z.string(), migrations: z.array(z.string()) })
  .parse(releaseFile);

const serverFacts = z.object({
  postgres: z.string(),
  postgrest: z.string().nullable(),
  has_migrations: z.boolean(),
  has_outbox: z.boolean(),
  has_jobs: z.boolean(),
});

const outboxFacts = z.object({
  unsent: z.int(),
  oldest_unsent_at: z.date().nullable(),
  oldest_unsent_age_seconds: z.number().nullable(),
});

const jobFacts = z.object({
  /** Jobs whose last run failed, and jobs that have not succeeded for longer than they may. */
  failing: z.int(),
  silent: z.int(),
});

/** What a monitor reads. What could not be asked is null, which is not the same as 0. */
const health = z.object({
  status: z.enum(['ok', 'degraded', 'down']),
  versions: z.object({
    app: z.string(),
    postgres: z.string().nullable(),
    postgrest: z.string().nullable(),
  }),
  database: z.object({ reachable: z.boolean(), latency_ms: z.number().nullable() }),
  /** How many migrations are applied, and which ones of this release are not. */
  migrations: z.object({ applied: z.int(), pending: z.array(z.string()) }).nullable(),
  outbox: outboxFacts.nullable(),
  jobs: jobFacts.nullable(),
});

type Health = z.infer<typeof health>;

const sql = postgres(z.url().parse(process.env.SUPABASE_DB_URL), {
  max: 1,
  // A pooler hands each transaction another connection, which knows no prepared statements.
  prepare: false,
  connect_timeout: 5,
  idle_timeout: 20,
});

async function askServer() {
  const [facts] = await sql`
    select current_setting('server_version') as postgres,
      (select substring(a.application_name from '^PostgREST ([0-9.]+)')
         from pg_stat_activity a
        where a.application_name like 'PostgREST %'
        limit 1) as postgrest,
      to_regclass('supabase_migrations.schema_migrations') is not null as has_migrations,
      to_regclass('ledger.outbox') is not null as has_outbox,
      to_regclass('ledger.jobs') is not null as has_jobs
  `;
  return serverFacts.parse(facts);
}

async function askMigrations(hasMigrations: boolean): Promise<NonNullable<Health['migrations']>> {
  const rows = hasMigrations
    ? await sql<{ version: string }[]>`select version from supabase_migrations.schema_migrations`
    : [];
  const applied = new Set(rows.map(({ version }) => version));
  const pending = expected.filter((migration) => !applied.has(migration));
  return { applied: applied.size, pending };
}

async function askOutbox(): Promise<Health['outbox']> {
  const [facts] = await sql`
    select count(*)::int as unsent, min(created_at) as oldest_unsent_at,
      extract(epoch from clock_timestamp() - min(created_at))::float8 as oldest_unsent_age_seconds
    from ledger.outbox
    where status in ('pending', 'sending')
  `;
  return outboxFacts.parse(facts);
}

/** Alerts come from a job, so that jobs run at all has to be seen from outside. */
async function askJobs(): Promise<Health['jobs']> {
  const [facts] = await sql`
    select count(*) filter (where failures_in_a_row > 0)::int as failing,
      count(*) filter (where is_silent)::int as silent
    from ledger.jobs
    where enabled
  `;
  return jobFacts.parse(facts);
}

async function check(): Promise<Health> {
  const begin = performance.now();
  const server = await askServer().catch((error: unknown) => {
    console.error('the database does not answer:', error);
    return undefined;
  });
  const latency = Math.round((performance.now() - begin) * 10) / 10;
  if (server === undefined) {
    return {
      status: 'down',
      versions: { app: version, postgres: null, postgrest: null },
      database: { reachable: false, latency_ms: null },
      migrations: null,
      outbox: null,
      jobs: null,
    };
  }

  const migrations = await askMigrations(server.has_migrations);
  const outbox = server.has_outbox ? await askOutbox() : null;
  const jobs = server.has_jobs ? await askJobs() : null;
  const isWell = migrations.pending.length === 0 && outbox !== null && (jobs?.silent ?? 0) === 0;
  return {
    status: isWell ? 'ok' : 'degraded',
    versions: { app: version, postgres: server.postgres, postgrest: server.postgrest },
    database: { reachable: true, latency_ms: latency },
    migrations,
    outbox,
    jobs,
  };
}

export default {
  async fetch(): Promise<Response> {
    const state = await check();
    return Response.json(state, {
      status: state.database.reachable ? 200 : 503,
      headers: { 'cache-control': 'no-store', 'access-control-allow-origin': '*' },
    });
  },
};
