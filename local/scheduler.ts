import { Cron } from 'croner';
import postgres from 'postgres';

export interface Scheduler {
  /** Starts no more jobs and waits for those that run. */
  stop(): Promise<void>;
}

interface Job {
  name: string;
  schedule: string;
}

/**
 * Runs ledger.scheduled_jobs as pg_cron does, for servers that lack pg_cron: schedules are in UTC, and
 * a job that still runs when its next turn comes misses that turn. A changed schedule waits for the next
 * start. How a run ended is in the table; what failed is a warning of the server and goes to the log.
 */
export async function startScheduler(
  databaseUrl: string,
  log: (line: string) => void,
): Promise<Scheduler> {
  const sql = postgres(databaseUrl, {
    max: 2,
    prepare: false,
    onnotice: ({ severity, message }) => {
      if (severity === 'WARNING' && message !== undefined) log(message);
    },
  });
  const running = new Set<Promise<void>>();

  async function run(name: string): Promise<void> {
    try {
      // Read at each turn: a job may have been switched off, or changed, in the dashboard.
      const [job] = await sql<{ command: string }[]>`
        select ledger.job_command(name) as command
        from ledger.scheduled_jobs
        where name = ${name} and enabled
      `;
      if (job !== undefined) await sql.unsafe(job.command);
    } catch (error) {
      log(
        `job "${name}" could not be run: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  const crons = (await jobs(sql)).flatMap(({ name, schedule }) => {
    try {
      return new Cron(croned(schedule), { name, timezone: 'UTC', protect: true }, async () => {
        const turn = run(name);
        running.add(turn);
        await turn;
        running.delete(turn);
      });
    } catch (error) {
      // A schedule that says nothing keeps no other job from its turns.
      const problem = error instanceof Error ? error.message : String(error);
      log(`job "${name}" cannot be scheduled at "${schedule}": ${problem}`);
      return [];
    }
  });

  return {
    async stop() {
      for (const cron of crons) cron.stop();
      await Promise.all(running);
      await sql.end({ timeout: 5 });
    },
  };
}

async function jobs(sql: postgres.Sql): Promise<Job[]> {
  const [present] = await sql<{ jobs: boolean; pg_cron: boolean }[]>`
    select to_regclass('ledger.scheduled_jobs') is not null as jobs,
           exists (select from pg_extension where extname = 'pg_cron') as pg_cron
  `;
  if (present === undefined || !present.jobs || present.pg_cron) return [];
  return sql<Job[]>`select name, schedule from ledger.scheduled_jobs`;
}

/** pg_cron's own word for intervals of less than a minute. */
function croned(schedule: string): string {
  const seconds = /^(\d+) seconds?$/.exec(schedule)?.[1];
  return seconds === undefined ? schedule : `*/${seconds} * * * * *`;
}
