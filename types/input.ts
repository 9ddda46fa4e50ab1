import { z } from 'zod';
import { text } from './fields.ts';
import { LedgerError } from './ledger-error.ts';
import { toArguments } from './wire.ts';

const idempotencyKeySchema = text(1, 255, 'The same key again gives the same answer.');

/** What a caller passed, as arguments of the procedure. */
export function acceptInput(
  procedure: string,
  schema: z.ZodObject,
  input: unknown,
): Record<string, unknown> {
  return toArguments(schema, accept(procedure, schema, input));
}

/** The caller's key, else a new one: every call can be repeated. */
export function acceptIdempotencyKey(procedure: string, key: string | undefined): string {
  const schema = z.object({ idempotencyKey: idempotencyKeySchema });
  return accept(procedure, schema, { idempotencyKey: key ?? crypto.randomUUID() }).idempotencyKey;
}

function accept<Schema extends z.ZodType>(
  procedure: string,
  schema: Schema,
  value: unknown,
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  const problems = issues.map(({ path, message }) =>
    path.length === 0 ? message : `${z.core.toDotPath(path)}: ${message}`,
  );
  throw new LedgerError(
    'invalid_input',
    `${procedure}: ${problems.join('; ')}`,
    { issues },
    parsed.error,
  );
}
