import type { TapFile } from './pgtap-run.ts';

export interface Totals {
  passed: number;
  failed: number;
}

/** Prints the reports as they come; a file that ended early or missed its plan is a failure. */
export async function printTap(files: AsyncIterable<TapFile>): Promise<Totals> {
  const totals = { passed: 0, failed: 0 };
  for await (const { name, lines, assertions, problem } of files) {
    console.log(`# ${name}`);
    for (const line of lines.filter(Boolean)) console.log(line);
    if (problem) console.log(`Bail out! ${problem}`);
    totals.passed += assertions.filter((assertion) => assertion.ok).length;
    totals.failed += assertions.filter((assertion) => !assertion.ok).length + (problem ? 1 : 0);
  }
  console.log(`# ${totals.passed} passed, ${totals.failed} failed`);
  return totals;
}
