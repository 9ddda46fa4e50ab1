import { readFileSync } from 'node:fs';
import type postgres from 'postgres';

/** What a statement took: its time, the most memory of its own that its backend had, what it spilled to disk. */
export interface Cost {
  milliseconds: number;
  /** Null where the system does not say. */
  peakMemoryBytes: number | null;
  tempBytes: number;
}

const SAMPLE_MS = 50;

/** Memory of a process that it shares with no other. */
function ownMemory(pid: number): number | null {
  try {
    const kilobytes = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return kilobytes ? Number(kilobytes[1]) * 1024 : null;
  } catch {
    return null;
  }
}

const tempBytes = async (sql: postgres.Sql) => {
  const [row] = await sql`
    select temp_bytes::float8 as bytes from pg_stat_database where datname = current_database()`;
  return Number(row?.bytes);
};

/** Does the work on a connection of its own, whose server process is new, and watches that. */
export async function watched<T>(
  sql: postgres.Sql,
  connect: () => postgres.Sql,
  work: (sql: postgres.Sql) => Promise<T>,
): Promise<{ cost: Cost; value: T }> {
  const before = await tempBytes(sql);
  const own = connect();
  let peak: number | null = null;
  let timer: NodeJS.Timeout | undefined;
  try {
    const [backend] = await own`select pg_backend_pid() as pid`;
    const sample = () => {
      const bytes = ownMemory(Number(backend?.pid));
      if (bytes !== null) peak = Math.max(peak ?? 0, bytes);
    };
    sample();
    timer = setInterval(sample, SAMPLE_MS);
    const started = performance.now();
    const value = await work(own);
    const milliseconds = performance.now() - started;
    sample();
    // a session reports what it spilled when it ends
    await own.end();
    const spilled = (await tempBytes(sql)) - before;
    return { cost: { milliseconds, peakMemoryBytes: peak, tempBytes: spilled }, value };
  } finally {
    clearInterval(timer);
    await own.end();
  }
}
