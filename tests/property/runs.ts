import type fc from 'fast-check';

/**
 * PROPERTY_RUNS multiplies how many runs each property gets, for a soak. PROPERTY_SEED and
 * PROPERTY_PATH, printed with every failure, repeat one.
 */
const { PROPERTY_RUNS, PROPERTY_SEED, PROPERTY_PATH } = process.env;
const factor = wholeNumber('PROPERTY_RUNS', PROPERTY_RUNS) ?? 1;
const seed = wholeNumber('PROPERTY_SEED', PROPERTY_SEED);

export function parameters<T>(numRuns: number): fc.Parameters<T> {
  return {
    numRuns: numRuns * factor,
    ...(seed === undefined ? {} : { seed }),
    ...(PROPERTY_PATH === undefined ? {} : { path: PROPERTY_PATH }),
  };
}

/** Long enough for all runs and for shrinking a failure. */
export function timeout(secondsPerRun: number, numRuns: number): number {
  return (120 + secondsPerRun * numRuns * factor) * 1000;
}

function wholeNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new Error(`${name} must be a whole number, not ${text}`);
  return value;
}
