export interface Assertion {
  name: string;
  ok: boolean;
  /** What pgTAP says of a failure: have, want, and so on. */
  diagnostics: string;
}

export interface TapReport {
  assertions: Assertion[];
  /** Why the report as a whole is not to be trusted: no plan, or another number than planned. */
  problem?: string;
}

const RESULT = /^(not )?ok (\d+)(?: - (.*?))?(?: # (TODO|SKIP)\b.*)?$/i;
const PLAN = /^1\.\.(\d+)(?: # SKIP.*)?$/i;

/** Reads what pgTAP prints. */
export function readTap(lines: string[]): TapReport {
  const assertions: Assertion[] = [];
  let planned: number | undefined;
  for (const line of lines) {
    const result = RESULT.exec(line);
    const plan = PLAN.exec(line);
    const last = assertions.at(-1);
    if (result) {
      const [, not, number, name, directive] = result;
      assertions.push({
        name: name?.trim() || `assertion ${number}`,
        ok: !not || directive !== undefined,
        diagnostics: '',
      });
    } else if (plan) {
      planned = Number(plan[1]);
    } else if (last && line.startsWith('#')) {
      last.diagnostics += `${line.replace(/^#\s?/, '')}\n`;
    }
  }
  if (planned === undefined) return { assertions, problem: 'there is no plan' };
  if (planned !== assertions.length) {
    return { assertions, problem: `${planned} planned, ${assertions.length} ran` };
  }
  return { assertions };
}
