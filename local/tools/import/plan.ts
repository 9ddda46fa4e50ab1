import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { presets } from './presets.ts';

export const kinds = ['payments', 'invoices', 'orders', 'products', 'customers'] as const;
export type Kind = (typeof kinds)[number];

export interface PlanOptions {
  kind?: string;
  preset?: string;
  map: string[];
  mapping?: string;
  option: string[];
  currency?: string;
}

export interface Plan {
  kinds: Kind[];
  /** What `import_begin` is told. */
  options: Record<string, unknown>;
}

const mappingFile = z
  .object({ columns: z.record(z.string(), z.string()).default({}) })
  .catchall(z.unknown());
const kindName = z.enum(kinds);

/** What is to be imported, and how its columns are read: preset, then mapping file, then the flags. */
export async function planOf(flags: PlanOptions, columns: string[]): Promise<Plan> {
  const preset = flags.preset === undefined ? undefined : presets[flags.preset];
  if (flags.preset !== undefined && preset === undefined) {
    throw new Error(
      `there is no preset "${flags.preset}"; known: ${Object.keys(presets).join(', ')}`,
    );
  }
  const file =
    flags.mapping === undefined
      ? { columns: {} }
      : mappingFile.parse(await readJson(flags.mapping));
  const pairs = (list: string[], flag: string) =>
    Object.fromEntries(list.map((text) => pairOf(text, flag)));
  const named = { ...preset?.columns, ...file.columns, ...pairs(flags.map, '--map field=Column') };
  const missing = Object.entries(named).find(([, column]) => !columns.includes(column));
  if (missing !== undefined) {
    throw new Error(
      `the file has no column "${missing[1]}" (for ${missing[0]}); it has ${columns.join(', ')}`,
    );
  }
  const options = {
    ...preset?.options,
    ...file,
    ...valuesOf(pairs(flags.option, '--option name=value')),
  };
  const currency = flags.currency ?? preset?.currency;
  return {
    kinds: kindsOf(flags.kind, preset?.kinds),
    options: { ...options, ...(currency === undefined ? {} : { currency }), columns: named },
  };
}

function kindsOf(kind: string | undefined, ofPreset: readonly string[] | undefined): Kind[] {
  if (kind === undefined && ofPreset === undefined) {
    throw new Error(`say what the rows are: --kind ${kinds.join('|')}`);
  }
  return (kind === undefined ? (ofPreset ?? []) : [kind]).map((name) => {
    const parsed = kindName.safeParse(name);
    if (!parsed.success) throw new Error(`--kind is one of ${kinds.join(', ')}, not "${name}"`);
    return parsed.data;
  });
}

function pairOf(text: string, flag: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new Error(`"${text}" is not of the form ${flag}`);
  return [text.slice(0, at), text.slice(at + 1)];
}

/** True, false, an object or a list where the text is one, else the text: a prefix may be 2024. */
function valuesOf(pairs: Record<string, string>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(pairs).map(([name, text]) => [
      name,
      /^(true|false|[{[].*)$/.test(text) ? (JSON.parse(text) as unknown) : text,
    ]),
  );
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as unknown;
  } catch (error) {
    throw new Error(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
