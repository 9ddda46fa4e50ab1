import { afterAll } from 'vitest';

const ends: (() => Promise<void> | void)[] = [];
let isAwaited = false;

/**
 * Sees to what helpers open for this test file: it is closed when the file is done, after the hooks of the file and in
 * reverse order. To be called at the top of the file: a worker loads helpers once, so they cannot have hooks of their own.
 */
export function closeAtEnd(): void {
  isAwaited = true;
  afterAll(async () => {
    isAwaited = false;
    for (const end of ends.splice(0).reverse()) await end();
  });
}

/** For helpers: what is to be done when the test file is. */
export function atEnd(end: () => Promise<void> | void): void {
  if (!isAwaited) throw new Error('the test file has to call closeAtEnd() at its top');
  ends.push(end);
}
