import type fc from 'fast-check';

/**
 * PROPERTY_RUNS multiplies how many runs each property gets, for a soak. PROPERTY_SEED and
 * PROPERTY_PATH, printed with every failure, repeat one.
 */
const { PROPERTY_RUNS, PROPERTY_SEED, PROPERTY_PATH } = process.env;
const factor = wholeNumber('PROPERTY_RUNS', PROPERTY_RUNS) ?? 1;
const seed = wholeNumber('PROPERTY_SEED', PROPERTY_SEED);

/** How often a property runs, and how long: shrinking a failure ends in time to report it. */
export function parameters<T>(numRuns: number): fc.Parameters<T> {
  return {
    numRuns: numRuns * factor,
    interruptAfterTimeLimit: timeout(numRuns) - 20_000,
    markInterruptAsFailure: true,
    ...(seed === undefined ? {} : { seed }),
    ...(PROPERTY_PATH === undefined ? {} : { path: PROPERTY_PATH }),
  };
}

/** Milliseconds for a test of so many runs, on a slow and busy machine. */
export function timeout(numRuns: number): number {
  return 90_000 + 3_000 * numRuns * factor;
}

function wholeNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new Error(`${name} must be a whole number, not ${text}`);
  return value;
}
