/** What is said of some rounds' figures. */
export interface Summary {
  median: number;
  min: number;
  max: number;
  /** (max - min) / median. */
  spread: number;
}

/** A spread above this is flagged: the machine had something else to do. */
export const NOISY = 0.1;

export function summarise(values: number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const low = sorted[sorted.length % 2 === 1 ? middle : middle - 1];
  const high = sorted[middle];
  const [min] = sorted;
  const max = sorted.at(-1);
  if (low === undefined || high === undefined || min === undefined || max === undefined) {
    throw new Error('there are no rounds to summarise');
  }
  const median = (low + high) / 2;
  return { median, min, max, spread: (max - min) / median };
}

/** Milliseconds, by nearest rank. */
export interface Latency {
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

export function latencyOf(milliseconds: number[]): Latency {
  const sorted = Float64Array.from(milliseconds).sort();
  const rank = (share: number) => {
    const found = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
    if (found === undefined) throw new Error('no operation was timed');
    return found;
  };
  return { p50: rank(0.5), p95: rank(0.95), p99: rank(0.99), max: rank(1) };
}
