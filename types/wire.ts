import { z } from 'zod';

/** The column of a field: `orderId` is `order_id`. */
export const columnName = (key: string) =>
  key.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);

/** Input that its schema has accepted, as arguments of the procedure. */
export function toArguments(schema: z.ZodObject, input: object): Record<string, unknown> {
  const columns = rename(schema, input, (field) => [field, columnName(field)]);
  return Object.fromEntries(
    Object.entries(columns as object).map(([column, value]) => [`p_${column}`, value]),
  );
}

/** A row as the schema's fields; what the schema does not know is left out. */
export function fromRow(schema: z.ZodType, row: unknown): unknown {
  return rename(schema, row, (field) => [columnName(field), field]);
}

type Renaming = (field: string) => readonly [from: string, to: string];

/** Follows the schema, because keys inside of a caller's own JSON are not to be renamed. */
function rename(schema: unknown, value: unknown, renaming: Renaming): unknown {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) {
    return rename(schema.unwrap(), value, renaming);
  }
  if (schema instanceof z.ZodArray && Array.isArray(value)) {
    return value.map((element) => rename(schema.element, element, renaming));
  }
  if (schema instanceof z.ZodObject && !takesAnyKey(schema) && isRecord(value)) {
    const renamed: Record<string, unknown> = {};
    for (const [field, fieldSchema] of Object.entries(schema.shape)) {
      const [from, to] = renaming(field);
      if (value[from] !== undefined) renamed[to] = rename(fieldSchema, value[from], renaming);
    }
    return renamed;
  }
  return value;
}

function takesAnyKey(schema: z.ZodObject): boolean {
  const { catchall } = schema.def;
  return catchall !== undefined && !(catchall instanceof z.ZodNever);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
