import { basename } from 'node:path';
import { openCsv } from './csv-file.ts';
import { type PlanOptions, planOf } from './plan.ts';
import { applyRun, type Imports, Stopped, stageFile, type Watch } from './run.ts';

export interface ImportFlags extends PlanOptions {
  dryRun: boolean;
  delimiter: string;
}

export interface CarriedOut {
  runs: string[];
  /** Rows that a dry run would have rejected; those of other runs are in their reports. */
  wouldReject: number;
}

/** Reads the file into a run of each kind, and applies them one after the other. */
export async function importFile(
  path: string,
  flags: ImportFlags,
  imports: Imports,
  watch: Watch,
): Promise<CarriedOut> {
  const file = await openCsv(path, flags.delimiter);
  const plan = await planOf(flags, file.columns);
  const outcome: CarriedOut = { runs: [], wouldReject: 0 };
  for (const kind of plan.kinds) {
    if (flags.dryRun && kind === 'orders' && plan.kinds.length > 1) {
      watch.line('orders need the products and customers that a dry run does not keep: not tried');
      continue;
    }
    const run = await imports.begin(kind, basename(path).slice(-200), plan.options);
    watch.line(`${kind}: run ${run}`);
    outcome.runs.push(run);
    await named(run, () => stageFile(imports, run, file, watch));
    outcome.wouldReject += await named(run, () => complete(run, flags, imports, watch));
  }
  return outcome;
}

/** Goes on with a run where it stopped; the file is needed when it was not read to its end. */
export async function resumeRun(
  path: string | undefined,
  run: string,
  flags: ImportFlags,
  imports: Imports,
  watch: Watch,
): Promise<CarriedOut> {
  const { state } = await imports.report(run);
  if (state === 'staging') {
    if (path === undefined) throw new Error('the file was not read to its end: name it as well');
    const file = await openCsv(path, flags.delimiter);
    await named(run, () => stageFile(imports, run, file, watch));
  }
  const wouldReject = await named(run, () => complete(run, flags, imports, watch));
  return { runs: [run], wouldReject };
}

async function complete(
  run: string,
  flags: ImportFlags,
  imports: Imports,
  watch: Watch,
): Promise<number> {
  const { state } = await imports.report(run);
  if (state === 'aborted') throw new Error(`run ${run} was aborted`);
  if (state === 'staged' || state === 'analyzed') {
    watch.line('reading what the rows say');
    await imports.analyze(run);
  }
  const answer = await applyRun(imports, run, flags.dryRun, watch);
  if (!flags.dryRun) return 0;
  watch.line(
    `would apply ${answer.applied_rows}, skip ${answer.skipped_rows}, reject ${answer.rejected_rows} of ${answer.staged_rows} rows; --resume ${run} applies them`,
  );
  return answer.rejected_rows;
}

/** Whatever stops a run, its number is said. */
async function named<T>(run: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Stopped) throw new Stopped(`stopped; complete it with --resume ${run}`);
    throw new Error(
      `${error instanceof Error ? error.message : String(error)} (run ${run}: go on with --resume, or give up with --abort)`,
    );
  }
}
