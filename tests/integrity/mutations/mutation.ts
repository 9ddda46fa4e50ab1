import type { Sql } from '../../support/connection.ts';
import type { Names } from './names.ts';

/** A way to break a shop's data, and what has to come of it. */
export interface Mutation {
  what: string;
  /** SQL with <names>, run with foreign keys and the triggers of what it names off. */
  statement: string | string[];
  /** It is the schema that is broken. */
  ddl?: true;
  /** What names it, and only that: "code subject" of checks, "seals" and what they say. */
  found: string[];
  /** The kinds of repair that mend it; none where a person has to. */
  repaired?: string[];
  /** What is found all the same afterwards, for a person. */
  left?: string[];
}

/** A connection of a superuser, and the newest seal as it was kept elsewhere. */
export interface Vandal {
  sql: Sql;
  names: Names;
  checkpoint: { seal_number: number; hash: string };
}

export async function breakIn({ sql, names }: Vandal, { statement, ddl }: Mutation): Promise<void> {
  for (const one of [statement].flat().map(names.toSql)) {
    if (ddl) await sql.unsafe(one);
    else await sql`select tests.tamper(${one})`;
  }
}

/** All that a run of everything and the seals say, in the order of the alphabet. */
export async function findings(vandal: Vandal): Promise<string[]> {
  return [...(await findingsOfRun(vandal)), ...(await problemsOfSeals(vandal))].sort();
}

async function findingsOfRun({ sql, names }: Vandal): Promise<string[]> {
  const [answer] = await sql<
    { run: { status: string }; findings: { check_code: string; subject: string }[] }[]
  >`select r.run, r.findings from public.integrity_run(p_scope => 'all') r`;
  const found = answer?.findings ?? [];
  if ((answer?.run.status === 'OK') !== (found.length === 0)) {
    throw new Error(`the run says ${answer?.run.status} of ${found.length} findings`);
  }
  return found.map(({ check_code, subject }) => `${check_code} ${names.toNames(subject)}`);
}

async function problemsOfSeals({ sql, names, checkpoint }: Vandal): Promise<string[]> {
  const { seal_number, hash } = checkpoint;
  const [answer] = await sql<
    { is_complete: boolean; problems: { seal_number: number | null; problem: string }[] }[]
  >`
    select v.is_complete, v.problems from public.integrity_verify_seals(${seal_number}, ${hash}) v`;
  if (!answer?.is_complete) throw new Error('the seals were not verified to their end');
  return answer.problems.map(
    ({ seal_number: number, problem }) => `seal ${number ?? 'none'}: ${names.toNames(problem)}`,
  );
}

export interface Outcome {
  found: string[];
  repaired: string[];
  /** What is found after the repair. */
  left: string[];
}

/** Breaks in, looks, repairs what there are plans for, looks again; and all of it never was. */
export async function outcomeOf(vandal: Vandal, mutation: Mutation): Promise<Outcome> {
  const { sql } = vandal;
  await sql.unsafe('begin');
  try {
    await breakIn(vandal, mutation);
    const found = await findings(vandal);
    const repaired = await repair(sql);
    return { found, repaired, left: repaired.length > 0 ? await findings(vandal) : found };
  } finally {
    await sql.unsafe('rollback');
  }
}

/** Plans and applies; answers the kinds of what was applied. */
async function repair(sql: Sql): Promise<string[]> {
  const [plan] = await sql<
    { plans: unknown[] }[]
  >`select p.plans from public.reconciliation_plan() p`;
  if (plan?.plans.length === 0) return [];
  const [answer] = await sql<
    {
      success: boolean;
      error_message: string;
      actions: { repair: string; status: string; error_message: string }[];
    }[]
  >`select a.success, a.error_message, a.actions from public.reconciliation_apply(p_dry_run => false) a`;
  if (!answer?.success) throw new Error(`the repair was refused: ${answer?.error_message}`);
  const undone = answer.actions.filter(({ status }) => status !== 'applied');
  if (undone.length > 0) throw new Error(`a repair failed: ${JSON.stringify(undone)}`);
  return [...new Set(answer.actions.map(({ repair: kind }) => kind))].sort();
}
