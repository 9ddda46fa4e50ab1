import { expect, test } from 'vitest';
import { z } from 'zod';
import {
  businessErrors,
  clientErrorCodes,
  orderStatus,
  type Procedure,
  paymentMethod,
  paymentStatus,
  procedures,
  receiptStatus,
  recordedMethod,
  withdrawalStatus,
} from '../../types/index.ts';
import { columnName } from '../../types/wire.ts';
import { createTestDatabase } from '../support/test-database.ts';

const db = await createTestDatabase('client_catalog');

interface Field {
  name: string;
  type: string;
}

interface Signature {
  name: string;
  reads_only: boolean;
  arguments: (Field & { optional: boolean })[];
  /** Null where the rows are plain values. */
  columns: Field[] | null;
}

const signatures = await db.sql<Signature[]>`
  select p.proname as name, p.provolatile = 's' as reads_only,
    (select coalesce(jsonb_agg(jsonb_build_object('name', a.name, 'type', a.type::regtype,
                       'optional', a.position > p.pronargs - p.pronargdefaults)), '[]')
     from unnest(p.proargnames[1:p.pronargs], p.proargtypes::oid[])
       with ordinality a (name, type, position)) as arguments,
    coalesce(
      (select jsonb_agg(jsonb_build_object('name', c.attname, 'type', c.atttypid::regtype))
       from pg_type t
       join pg_attribute c on c.attrelid = t.typrelid and c.attnum > 0 and not c.attisdropped
       where t.oid = p.prorettype),
      (select jsonb_agg(jsonb_build_object('name', o.name, 'type', o.type::regtype))
       from unnest(p.proargnames, p.proallargtypes, p.proargmodes) o (name, type, mode)
       where o.mode = 't')) as columns
  from pg_proc p
  where p.pronamespace = 'public'::regnamespace
    and p.prorettype <> 'trigger'::regtype
    and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
  order by p.proname
`;
const signatureOf = new Map(signatures.map((signature) => [signature.name, signature]));

const known = Object.entries<Procedure>(procedures);

/** What is a type of its own in Postgres and a text in JSON. */
const textTypes = new Map([
  ['uuid', 'uuid'],
  ['date', 'date'],
  ['date-time', 'timestamp with time zone'],
]);

/** The Postgres types that a schema's JSON may be sent to or come from. */
function postgresTypes(schema: z.ZodType): string[] {
  const { anyOf, type, format } = z.toJSONSchema(schema);
  const [only] = (anyOf ?? []).filter((branch) => branch.type !== 'null');
  const [kind] = [only?.type ?? type].flat().filter((name) => name !== 'null');
  switch (kind) {
    case 'integer':
      return ['bigint', 'integer'];
    case 'boolean':
      return ['boolean'];
    case 'string':
      return [textTypes.get(only?.format ?? format ?? '') ?? 'text'];
    case 'array':
      return ['jsonb', 'uuid[]', 'text[]'];
    default:
      return ['jsonb'];
  }
}

function fields(shape: Record<string, z.ZodType>, prefix = '') {
  return Object.entries(shape).map(([field, schema]) => ({
    name: prefix + columnName(field),
    types: postgresTypes(schema),
    optional: schema.safeParse(undefined).success,
  }));
}

const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
const names = (list: { name: string }[]) => list.map(({ name }) => name).sort();

test('the client has every procedure of the database, and no other', () => {
  expect(names(known.map(([, procedure]) => procedure))).toEqual(
    signatures.map(({ name }) => name),
  );
});

test.each(known)('%s is called as its procedure is', (method, { name }) => {
  const spoken = name.replace(/^(ledger|integrity|report)_/, '');
  // the prefix stays where the rest would not say what it is
  const accepted = /^(report|integrity)_/.test(name) ? [spoken, name] : [spoken];
  expect(accepted).toContain(columnName(method));
});

test.each(known)('%s takes the arguments of its procedure', (_method, procedure) => {
  const expected = fields(procedure.input.shape, 'p_');
  if (procedure.answers !== 'rows' && procedure.takesIdempotencyKey) {
    expected.push({ name: 'p_idempotency_key', types: ['text'], optional: true });
  }
  const found = signatureOf.get(procedure.name)?.arguments ?? [];
  expect(names(expected)).toEqual(names(found));
  expect(expected.sort(byName).map(({ optional }) => optional)).toEqual(
    [...found].sort(byName).map(({ optional }) => optional),
  );
  for (const [at, { type }] of [...found].sort(byName).entries()) {
    expect(expected[at]?.types).toContain(type);
  }
});

const verdictColumns = [
  'success',
  'transaction_id',
  'error_code',
  'error_message',
  'error_details',
];

test.each(known)('%s reads the columns that its procedure answers', (_method, procedure) => {
  const columns = signatureOf.get(procedure.name)?.columns ?? [];
  if (procedure.answers === 'rows') {
    const row = procedure.row instanceof z.ZodObject ? fields(procedure.row.shape) : [];
    expect(names(row)).toEqual(names(columns));
    return;
  }
  const expected = fields(
    procedure.answers === 'results' ? procedure.row.shape : procedure.output.shape,
  );
  expect([...new Set([...verdictColumns, ...names(expected)])].sort()).toEqual(names(columns));
  for (const { name, types } of expected) {
    expect(types).toContain(columns.find((column) => column.name === name)?.type);
  }
});

test.each(known)('%s is harmless to send twice', (_method, procedure) => {
  const readsOnly = signatureOf.get(procedure.name)?.reads_only;
  if (procedure.answers === 'rows') expect(readsOnly).toBe(true);
  else if (
    procedure.answers === 'result' &&
    (procedure.doneWhenRefusedOnRepeat !== undefined || procedure.goesOn)
  )
    expect(readsOnly).toBe(false);
  else expect(readsOnly).toBe(!procedure.takesIdempotencyKey);
});

test.each(known)('%s can be described as JSON Schema, field by field', (_method, procedure) => {
  const answer = procedure.answers === 'result' ? procedure.output : procedure.row;
  for (const schema of [procedure.input, answer]) {
    const { properties = {} } = z.toJSONSchema(schema);
    for (const [field, property] of Object.entries(properties)) {
      expect(property, field).toHaveProperty('description');
    }
  }
});

test('the error codes and their HTTP statuses are those of the database', async () => {
  const rows = await db.sql<{ code: keyof typeof businessErrors; http_status: number }[]>`
    select code, http_status from public.error_codes
  `;
  expect(businessErrors).toEqual(
    Object.fromEntries(rows.map(({ code, http_status }) => [code, http_status])),
  );
});

test("no code of the client's own is a business code", () => {
  expect(clientErrorCodes.filter((code) => code in businessErrors)).toEqual([]);
});

/** The values that a CHECK lists. */
const listed = (check: string): string[] =>
  [...check.matchAll(/'(\w+)'/g)].map(([, value = '']) => value);

test.each([
  ['order_statuses', orderStatus],
  ['order_payment_statuses', paymentStatus],
])('the values of ledger.%s() are those of the schema', async (list, schema) => {
  const [row] = await db.sql.unsafe<{ values: string[] }[]>(`select ledger.${list}() as values`);
  expect(row?.values).toEqual(schema.options);
});

test.each([
  ['payment_methods', 'method_is_known', paymentMethod],
  ['payments', 'method_is_known', recordedMethod],
  ['withdrawals', 'status_is_known', withdrawalStatus],
  ['payment_receipts', 'status_is_known', receiptStatus],
])('the values of %s.%s are those of the schema', async (table, constraint, schema) => {
  const [check] = await db.sql<{ definition: string }[]>`
    select pg_get_constraintdef(oid) as definition
    from pg_constraint
    where conrelid = ${`public.${table}`}::regclass and conname = ${constraint}
  `;
  expect(listed(check?.definition ?? '')).toEqual(schema.options);
});
