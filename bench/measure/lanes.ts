import postgres from 'postgres';
import type { Row, Statement, Work } from '../cases/case.ts';

/** Connections that are open and kept; each sends one operation after the other. */
export interface Lanes {
  connections: postgres.ReservedSql[];
  close(): Promise<void>;
}

export interface Timing {
  seconds: number;
  /** Share of one core that this process used meanwhile. */
  clientCpu: number;
  /** Of each operation, in milliseconds. */
  latencies: number[];
  /** What the database says it spent, for work that asks. */
  databaseTimes: number[];
}

export async function openLanes(url: string, count: number): Promise<Lanes> {
  const pool = postgres(url, { max: count, max_lifetime: null, onnotice: () => {} });
  const connections = await Promise.all(Array.from({ length: count }, () => pool.reserve()));
  return {
    connections,
    async close() {
      for (const connection of connections) connection.release();
      await pool.end();
    },
  };
}

/** Sends operations `from` up to `to`, all lanes at once; a failed one ends them all. */
export async function drive(
  lanes: Lanes,
  work: Work,
  { from, to }: { from: number; to: number },
  onRows: (index: number, rows: Row[][]) => void = () => {},
): Promise<Timing> {
  const { chain = 1 } = work;
  const latencies: number[] = [];
  const databaseTimes: number[] = [];
  let next = from;

  async function one(lane: postgres.ReservedSql, index: number): Promise<void> {
    const statements = work.operation(index);
    const sent = performance.now();
    const rows = await send(lane, statements);
    latencies.push(performance.now() - sent);
    const complaint = work.complaint?.(rows);
    if (complaint !== undefined) throw new Error(`operation ${index}: ${complaint}`);
    if (work.databaseTime) databaseTimes.push(work.databaseTime(rows));
    onRows(index, rows);
  }
  async function along(lane: postgres.ReservedSql): Promise<void> {
    while (next < to) {
      const first = next;
      next += chain;
      for (let index = first; index < Math.min(first + chain, to); index++) await one(lane, index);
    }
  }

  const cpu = process.cpuUsage();
  const started = performance.now();
  const ended = await Promise.allSettled(
    lanes.connections.map((lane) =>
      along(lane).catch((error: unknown) => {
        next = to;
        throw error;
      }),
    ),
  );
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  for (const lane of ended) if (lane.status === 'rejected') throw lane.reason;
  return { seconds, clientCpu: (user + system) / 1e6 / seconds, latencies, databaseTimes };
}

/** All statements go out before the first answer is waited for. */
async function send(lane: postgres.ReservedSql, statements: Statement[]): Promise<Row[][]> {
  return Promise.all(
    statements.map(({ text, values }) => lane.unsafe<Row[]>(text, values, { prepare: true })),
  );
}
