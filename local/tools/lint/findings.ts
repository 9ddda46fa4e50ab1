import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

export interface Finding {
  lint: string;
  /** schema.name of what it is about. */
  object: string;
  detail: string;
}

const exceptionSchema = z.strictObject({
  lint: z.string(),
  /** schema.name; `*` stands for any characters. */
  object: z.string(),
  /** Part of the finding's text, where an exception is for this and nothing else of the object. */
  says: z.string().optional(),
  reason: z.string().min(20, 'say why this is right'),
});

export type Exception = z.infer<typeof exceptionSchema>;

/** The findings that a project argues to live with: `supabase/advisors.json`. */
export function readExceptions(root: string): Exception[] {
  const file = join(root, 'supabase', 'advisors.json');
  if (!existsSync(file)) return [];
  return z.array(exceptionSchema).parse(JSON.parse(readFileSync(file, 'utf8')));
}

function covers(exception: Exception, finding: Finding): boolean {
  const parts = exception.object.split('*').map((part) => part.replace(/[^\w]/g, '\\$&'));
  const pattern = new RegExp(`^${parts.join('.*')}$`);
  return (
    exception.lint === finding.lint &&
    pattern.test(finding.object) &&
    finding.detail.includes(exception.says ?? '')
  );
}

/** What is wrong: findings without an exception, and exceptions without a finding. */
export function judge(findings: Finding[], exceptions: Exception[]): string[] {
  const open = findings.filter((finding) => !exceptions.some((e) => covers(e, finding)));
  const unused = exceptions.filter((e) => !findings.some((finding) => covers(e, finding)));
  return [
    ...open.map(({ lint, object, detail }) => `${lint}: ${object}: ${detail}`),
    ...unused.map(({ lint, object }) => `advisors.json: nothing needs ${lint} for ${object}`),
  ];
}
