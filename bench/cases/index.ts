import { baselines } from '../baselines/baselines.ts';
import type { Case } from './case.ts';
import { hotCases } from './hot.ts';
import { lifecycleCases } from './lifecycle.ts';
import { moneyCases } from './money.ts';
import { orderCases } from './orders.ts';
import { placeCases } from './place.ts';
import { quoteCase } from './quote.ts';
import { readCases } from './reads.ts';
import { receivableCases } from './receivables.ts';
import { recordCases } from './records.ts';

/** What is measured unless somebody names cases. */
export const cases: Case[] = [
  ...placeCases,
  ...hotCases,
  ...orderCases,
  ...lifecycleCases,
  ...moneyCases,
  ...receivableCases,
  quoteCase,
  ...readCases,
  ...recordCases,
];

const everything: Case[] = [...cases, ...baselines];

/** A case or a baseline: a baseline can be measured as a case too. */
export function caseNamed(name: string): Case {
  const found = everything.find((one) => one.name === name);
  if (found) return found;
  throw new Error(
    `there is no case ${name}; there are ${everything.map((c) => c.name).join(', ')}`,
  );
}

/** For `--list`. */
export function listCases(): string {
  const width = Math.max(...everything.map(({ name }) => name.length));
  return everything.map(({ name, title }) => `${name.padEnd(width)}  ${title}`).join('\n');
}
