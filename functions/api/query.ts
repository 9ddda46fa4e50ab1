import { z } from '@hono/zod-openapi';

/** Values of a path or a query come as texts; the document shows what they stand for. */
export const wholeNumber = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess(
    (given) => (typeof given === 'string' && /^-?\d+$/.test(given) ? Number(given) : given),
    schema,
  );

/** A parameter that may come several times. */
export const oneOrMore = <Value extends z.ZodType>(value: Value) =>
  z.preprocess(
    (given) => (given === undefined || Array.isArray(given) ? given : [given]),
    z.array(value).min(1).optional(),
  );
