import { z } from '@hono/zod-openapi';
import { columnName } from '../../types/wire.ts';

type Fields = Record<string, z.ZodType>;

/**
 * A procedure's schema as it is written in requests and answers: fields by the names of arguments and
 * columns, in snake_case. Keys inside of a caller's own JSON stay as they are.
 */
export function onTheWire(schema: z.ZodObject): z.ZodObject {
  const { catchall } = schema.def;
  const fields: Fields = Object.fromEntries(
    Object.entries(schema.shape as Fields).map(([name, field]) => [columnName(name), wire(field)]),
  );
  const renamed = z.object(fields);
  const closed = catchall === undefined ? renamed : renamed.catchall(wire(catchall as z.ZodType));
  return described(schema, closed);
}

function wire(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodObject) return onTheWire(schema);
  if (schema instanceof z.ZodOptional) return wire(schema.unwrap() as z.ZodType).optional();
  if (schema instanceof z.ZodNullable) {
    return described(schema, wire(schema.unwrap() as z.ZodType).nullable());
  }
  if (schema instanceof z.ZodArray) {
    const element = wire(schema.element as z.ZodType);
    return described(schema, schema.clone({ ...schema.def, element }));
  }
  if (schema instanceof z.ZodRecord) {
    const valueType = wire(schema.valueType as z.ZodType);
    return described(schema, schema.clone({ ...schema.def, valueType }));
  }
  // Any JSON: what comes here has been parsed from some, and a document cannot show a recursion.
  return schema instanceof z.ZodLazy ? z.unknown() : schema;
}

function described<Schema extends z.ZodType>(original: z.ZodType, schema: Schema): Schema {
  const meta = original.meta();
  return meta === undefined ? schema : schema.meta(meta);
}
