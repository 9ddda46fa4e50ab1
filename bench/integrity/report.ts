import { environmentText, table } from '../report/markdown.ts';
import type { IntegrityResult, Step } from './run.ts';

const whole = (value: number) => Math.round(value).toLocaleString('en');
const seconds = (milliseconds: number) => `${(milliseconds / 1000).toFixed(2)} s`;
const megabytes = (bytes: number | null) =>
  bytes === null ? '' : `${whole(bytes / 1_048_576)} MB`;

const TARGETS: { name: RegExp; limitMs: number }[] = [
  { name: /^everything/, limitMs: 300_000 },
  { name: /operations changed$/, limitMs: 5_000 },
];

function verdict({ name, cost }: Step): string {
  const target = TARGETS.find((one) => one.name.test(name));
  if (!target) return '';
  return `under ${target.limitMs / 1000} s: ${cost.milliseconds < target.limitMs ? 'met' : 'missed'}`;
}

/** The run as a page: what each step took, and which families of checks it went to. */
export function integrityMarkdown(result: IntegrityResult): string {
  const { environment, options, rows, steps } = result;
  const runs = steps.filter(({ families }) => families);
  const families = [...new Set(runs.flatMap((step) => Object.keys(step.families ?? {})))].sort();
  return [
    `# Checks of the books in a shop of ${whole(options.orders)} orders, ${environment.at.slice(0, 10)}`,
    environmentText(environment),
    `Made by \`npm run bench:integrity -- --orders ${options.orders} --invoices ${options.invoices} --operations ${options.operations}\`. Rows: ${Object.entries(
      rows,
    )
      .map(([name, count]) => `${name} ${whole(count)}`)
      .join(
        ', ',
      )}. Each step runs on a new connection with nobody else beside it; memory is what its server process shares with no other (sampled), spilled what it wrote to temporary files.`,
    table([
      ['step', 'time', 'memory', 'spilled', 'figures', 'target'],
      ...steps.map((step) => [
        step.name,
        seconds(step.cost.milliseconds),
        megabytes(step.cost.peakMemoryBytes),
        megabytes(step.cost.tempBytes),
        Object.entries(step.figures)
          .map(([name, value]) => `${name} ${whole(value)}`)
          .join(', '),
        verdict(step),
      ]),
    ]),
    'Milliseconds by family of checks:',
    table([
      ['family', ...runs.map(({ name }) => name)],
      ...families.map((family) => [
        family,
        ...runs.map((step) => whole(step.families?.[family] ?? 0)),
      ]),
    ]),
  ].join('\n\n');
}
