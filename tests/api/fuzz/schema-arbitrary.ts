import fc from 'fast-check';

/** The part of JSON Schema that the document uses. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  enum?: unknown[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  anyOf?: Schema[];
  example?: unknown;
}

/** Ids for a field of this name, mostly of what exists, so that requests come to something. */
export type Ids = (name: string) => fc.Arbitrary<string>;

/** Values that fit a schema. */
export function fitting(schema: Schema, ids: Ids, name = ''): fc.Arbitrary<unknown> {
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map((option) => fitting(option, ids, name)));
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const types = [schema.type ?? 'any'].flat();
  const any = fc.oneof(...types.map((type) => fittingType(type, schema, ids, name)));
  return schema.example === undefined ? any : fc.oneof(fc.constant(schema.example), any);
}

function fittingType(type: string, schema: Schema, ids: Ids, name: string): fc.Arbitrary<unknown> {
  switch (type) {
    case 'string':
      return schema.format === 'uuid' ? ids(name) : fittingText(schema);
    case 'integer':
    case 'number':
      return fittingNumber(schema);
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return fc.array(fitting(schema.items ?? {}, ids, name), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 2, 2),
      });
    case 'object':
      return fittingObject(schema, ids);
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function fittingText(schema: Schema): fc.Arbitrary<string> {
  if (schema.format === 'date-time') {
    const around = Date.now();
    const day = 86_400_000;
    return fc
      .integer({ min: around - 60 * day, max: around + 60 * day })
      .map((ms) => new Date(ms).toISOString());
  }
  if (schema.pattern) return fc.stringMatching(new RegExp(schema.pattern));
  return fc.string({
    unit: 'grapheme',
    minLength: schema.minLength ?? 0,
    maxLength: Math.min(schema.maxLength ?? 20, 20),
  });
}

function fittingNumber({ minimum = -1000, maximum = Number.MAX_SAFE_INTEGER }: Schema) {
  const upTo = (most: number) =>
    fc.integer({ min: minimum, max: Math.min(maximum, minimum + most) });
  return fc.oneof(
    { weight: 6, arbitrary: upTo(1) },
    { weight: 3, arbitrary: upTo(3000) },
    { weight: 1, arbitrary: fc.maxSafeInteger().filter((n) => n >= minimum && n <= maximum) },
  );
}

function fittingObject(schema: Schema, ids: Ids): fc.Arbitrary<unknown> {
  const { properties = {}, required = [], additionalProperties } = schema;
  const known = fittingFields(
    Object.fromEntries(
      Object.entries(properties).map(([name, field]) => [name, fitting(field, ids, name)]),
    ),
    required,
  );
  if (typeof additionalProperties !== 'object') return known;
  const more = fc.dictionary(fc.string({ maxLength: 8 }), fitting(additionalProperties, ids), {
    maxKeys: 2,
  });
  return fc.tuple(more, known).map(([extra, own]) => ({ ...extra, ...own }));
}

/** Fields with what is required, and now and then with what is not. */
export function fittingFields(
  fields: Record<string, fc.Arbitrary<unknown>>,
  required: string[],
): fc.Arbitrary<Record<string, unknown>> {
  const absent = { weight: 3, arbitrary: fc.constant(undefined) };
  const model = Object.entries(fields).map(([name, arbitrary]) => {
    if (required.includes(name)) return [name, arbitrary] as const;
    return [name, fc.oneof(absent, { weight: 1, arbitrary })] as const;
  });
  return fc.record(Object.fromEntries(model));
}
