import { cases } from '../cases/index.ts';
import type { Cell } from './result.ts';

export interface Verdict {
  what: string;
  value: string;
  met: boolean;
}

type Find = (name: string, connections: number, state?: string) => Cell | undefined;

/** A verdict on cells that were measured, or none. */
type Target = (find: Find) => Verdict | undefined;

const atLeast =
  (name: string, connections: number, limit: number, baseline: string): Target =>
  (find) => {
    const ratio = find(name, connections)?.ratios[baseline];
    if (!ratio) return undefined;
    return {
      what: `${name} with ${connections} connections: at least ${limit} x ${baseline}`,
      value: `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)} to ${ratio.max.toFixed(2)})`,
      met: ratio.median >= limit,
    };
  };

const evenTail =
  (name: string): Target =>
  (find) => {
    const latency = find(name, 64)?.latency;
    if (!latency) return undefined;
    const factor = latency.p99 / latency.p50;
    return {
      what: `${name} with 64 connections: P99 below 10 x P50`,
      value: `${factor.toFixed(1)} x`,
      met: factor < 10,
    };
  };

const shortLog: Target = (find) => {
  const cell = find('place_3', 20);
  if (!cell) return undefined;
  const bytes = cell.perOperation.walBytes;
  return {
    what: 'place_3: at most 6 KB of log an order, whole pages not counted',
    value: `${(bytes / 1024).toFixed(2)} KB`,
    met: bytes <= 6 * 1024,
  };
};

const READS = ['order_list', 'order_tracking', 'statement_page'];

const quickRead =
  (name: string): Target =>
  (find) => {
    const latency = find(name, 1, 'scale')?.databaseLatency;
    if (!latency) return undefined;
    return {
      what: `${name} in a large shop, 1 connection: P95 under 5 ms in the database`,
      value: `${latency.p95.toFixed(2)} ms`,
      met: latency.p95 < 5,
    };
  };

/**
 * The two states are measured minutes apart, so each rate is taken as a multiple of the transfer
 * baseline's rate in the same rounds.
 */
const noSlower =
  (name: string, connections: number): Target =>
  (find) => {
    const empty = find(name, connections);
    const large = find(name, connections, 'scale');
    if (!empty?.ratios.transfer || !large?.ratios.transfer) return undefined;
    const share = large.ratios.transfer.median / empty.ratios.transfer.median;
    const plain = large.rate.median / empty.rate.median;
    return {
      what: `${name} with ${connections} connections in a large shop: at least 0.9 x an empty one`,
      value: `${share.toFixed(2)} (the bare rates: ${plain.toFixed(2)})`,
      met: share >= 0.9,
    };
  };

/** What the project promises, held against a run. */
export function judgeTargets(cells: Cell[]): Verdict[] {
  const find: Find = (name, connections, state = 'young') =>
    cells.find((c) => c.case === name && c.connections === connections && c.state === state);
  const counts = [...new Set(cells.map(({ connections }) => connections))];
  const targets: Target[] = [
    atLeast('place_3', 20, 0.4, 'transfer'),
    atLeast('credit', 20, 0.7, 'transfer'),
    atLeast('status_change', 20, 0.7, 'transfer'),
    atLeast('place_hot_product', 64, 0.7, 'place_1'),
    evenTail('place_hot_product'),
    atLeast('place_hot_product_slots', 64, 0.7, 'place_1'),
    evenTail('place_hot_product_slots'),
    atLeast('place_hot_customer', 20, 0.5, 'single_row_hot'),
    shortLog,
    ...READS.map(quickRead),
    ...cases.flatMap(({ name }) => counts.map((connections) => noSlower(name, connections))),
  ];
  return targets.flatMap((target) => target(find) ?? []);
}
