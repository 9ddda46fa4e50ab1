import { z } from 'zod';

export const summary = z.object({
  median: z.number(),
  min: z.number(),
  max: z.number(),
  spread: z.number(),
});

export const latency = z.object({
  p50: z.number(),
  p95: z.number(),
  p99: z.number(),
  max: z.number(),
});

/** What a round of operations left behind, in all. */
const trace = z.object({
  walBytes: z.number(),
  rowsInserted: z.number(),
  rowsUpdated: z.number(),
  rowsUpdatedHot: z.number(),
  rowsDeleted: z.number(),
  deadRows: z.number(),
  relationBytes: z.number(),
  autovacuumRan: z.boolean(),
  checkpointRan: z.boolean(),
});

const round = z.object({
  /** Operations a second. */
  rate: z.number().positive(),
  seconds: z.number().positive(),
  /** Share of one core that the client used. */
  clientCpu: z.number().nonnegative(),
  latency,
  /** Operations a second of what it is held against, in the same round. */
  against: z.record(z.string(), z.number().positive()),
  trace,
});

const cell = z.object({
  state: z.string(),
  case: z.string(),
  connections: z.number().int().positive(),
  /** In each round. */
  operations: z.number().int().positive(),
  /** How many orders the database held when the cell began. */
  ordersBefore: z.number().int().nonnegative(),
  rounds: z.array(round).min(1),
  rate: summary,
  /** The case's rate by the rate of what it is held against, round by round. */
  ratios: z.record(z.string(), summary),
  /** Milliseconds at the client, over all operations of all rounds. */
  latency,
  /** Milliseconds in the database, for cases that read as a customer does. */
  databaseLatency: latency.optional(),
  perOperation: z.object({
    /** Of the last round, whole pages not counted. */
    walBytes: z.number(),
    /** Whole pages in the log of the last round. */
    walFullPageBytes: z.number(),
    /** Of the first round after a checkpoint, whole pages counted. */
    walBytesFirstRound: z.number(),
    rowsInserted: z.number(),
    rowsUpdated: z.number(),
    rowsUpdatedHot: z.number(),
    rowsDeleted: z.number(),
    /** Row versions that were left for vacuum; below zero when it came by. */
    deadRows: z.number(),
    /** Growth of tables and indexes, and the log. */
    bytesWritten: z.number(),
  }),
});

export const environment = z.object({
  at: z.iso.datetime(),
  commit: z.string().nullable(),
  schema: z.enum(['migrations', 'sql']),
  cpu: z.string(),
  cores: z.number().int().positive(),
  memoryBytes: z.number(),
  platform: z.string(),
  node: z.string(),
  postgres: z.string(),
  /** Settings that are not the server's own defaults. */
  settings: z.record(z.string(), z.string()),
});

/** A saved run. */
export const benchResult = z.object({
  format: z.literal(1),
  environment,
  /** The flags it was started with. */
  options: z.record(z.string(), z.unknown()),
  cells: z.array(cell),
});

export type Trace = z.infer<typeof trace>;
export type Round = z.infer<typeof round>;
export type Cell = z.infer<typeof cell>;
export type Environment = z.infer<typeof environment>;
export type BenchResult = z.infer<typeof benchResult>;
