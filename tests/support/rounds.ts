/**
 * Numbers of the rounds that a concurrency test runs. ROUNDS multiplies them: `ROUNDS=50 npm test
 * -- concurrency` is a soak run.
 */
export function rounds(usual: number): number[] {
  const factor = Number(process.env.ROUNDS ?? '1');
  if (!Number.isInteger(factor) || factor < 1) {
    throw new Error(`ROUNDS is ${process.env.ROUNDS}: give a whole number from 1 on`);
  }
  return Array.from({ length: usual * factor }, (_, index) => index + 1);
}
