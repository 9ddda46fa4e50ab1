import fc from 'fast-check';
import type { Who } from '../support.ts';
import { broken, oddText } from './odd.ts';
import { fitting, fittingFields, type Ids, type Schema } from './schema-arbitrary.ts';

export interface Operation {
  operationId: string;
  parameters?: {
    name: string;
    in: 'path' | 'query' | 'header';
    required?: boolean;
    schema: Schema;
  }[];
  requestBody?: {
    required?: boolean;
    content: { 'application/json': { schema: Schema; example?: unknown } };
  };
  responses: Record<
    string,
    { content?: Record<string, { schema: Schema }>; headers?: Record<string, unknown> }
  >;
}

export interface Endpoint {
  method: string;
  path: string;
  operation: Operation;
  /** How a failure prints it. */
  [fc.toStringMethod]: () => string;
}

export interface GeneratedRequest {
  endpoint: Endpoint;
  who: Who;
  wellFormed: boolean;
  url: string;
  headers: Record<string, string>;
  body: string | undefined;
}

const whoAsks = fc.constantFrom<Who>(
  'customer',
  'customer',
  'other',
  'admin',
  'admin',
  'finance',
  'warehouse',
  'logistics',
  'vendor',
  'backend',
  'nobody',
);

/** A request to one endpoint, as the document has it, or broken somewhere. */
export function requestTo(endpoint: Endpoint, ids: Ids): fc.Arbitrary<GeneratedRequest> {
  const { parameters = [], requestBody } = endpoint.operation;
  const json = requestBody?.content['application/json'];
  const given = fittingFields(
    Object.fromEntries(
      parameters.map(({ name, in: part, schema }) => [
        `${part} ${name}`,
        parameter(name, schema, ids),
      ]),
    ),
    parameters.filter((its) => its.in === 'path').map((its) => `path ${its.name}`),
  );
  const body =
    json === undefined ? fc.constant(undefined) : fitting({ ...json.schema, ...json }, ids);
  return fc
    .tuple(given, body, whoAsks, fc.integer({ min: 1, max: 10 }))
    .chain(([values, json, who, dice]) => {
      const well = assemble(endpoint, who, values, asBody(json));
      if (dice > 4) return fc.constant(well);
      return malformed(endpoint, who, values, json);
    });
}

function malformed(endpoint: Endpoint, who: Who, values: Values, json: unknown) {
  const odd = { wellFormed: false };
  const names = Object.keys(values);
  const kinds: fc.Arbitrary<GeneratedRequest>[] = [
    oddText.map((text) => {
      const request = assemble(endpoint, who, values, asBody(json));
      return {
        ...request,
        ...odd,
        url: `${request.url}&${encodeURIComponent(storable(text))}=1`,
      };
    }),
  ];
  if (json !== undefined) {
    kinds.push(
      oddText.map((text) => ({ ...assemble(endpoint, who, values, text || undefined), ...odd })),
      broken(json).map((value) => ({
        ...assemble(endpoint, who, values, JSON.stringify(value)),
        ...odd,
      })),
    );
  }
  if (names.length > 0) {
    kinds.push(
      fc.tuple(fc.constantFrom(...names), oddText).map(([name, text]) => ({
        ...assemble(endpoint, who, { ...values, [name]: text }, asBody(json)),
        ...odd,
      })),
    );
  }
  return fc.oneof(...kinds);
}

/** A few keys, so that the same one comes again, with the same request and with others. */
const keys = fc.integer({ min: 1, max: 20 }).map((n) => `key ${n}`);
const tags = fc.oneof(
  fc.integer({ min: 1, max: 6 }).map((n) => `"${n}"`),
  fc.constant('*'),
);

function parameter(name: string, schema: Schema, ids: Ids): fc.Arbitrary<unknown> {
  if (name === 'idempotency-key') return keys;
  if (name === 'if-match' || name === 'if-none-match') return tags;
  return fitting(schema, ids, name);
}

type Values = Record<string, unknown>;

function assemble(
  endpoint: Endpoint,
  who: Who,
  values: Values,
  body: string | undefined,
): GeneratedRequest {
  let url = endpoint.path;
  const query = new URLSearchParams();
  const headers: Record<string, string> = {};
  for (const [key, value] of Object.entries(values)) {
    if (value === undefined) continue;
    const [part = '', name = ''] = key.split(' ');
    const text = storable(String(value));
    if (part === 'path') url = url.replace(`{${name}}`, encodeURIComponent(text) || '-');
    if (part === 'header') headers[name] = asHeader(text);
    if (part === 'query')
      for (const one of [value].flat()) query.append(name, storable(String(one)));
  }
  if (body !== undefined) headers['content-type'] = 'application/json';
  return { endpoint, who, wellFormed: true, url: `${url}?${query}`, headers, body };
}

const asBody = (json: unknown) => (json === undefined ? undefined : JSON.stringify(json));

/** What a URL can carry: half of a surrogate pair becomes the replacement character. */
const storable = (text: string) => new TextDecoder().decode(new TextEncoder().encode(text));

/** What a header can carry at all. */
const asHeader = (text: string) => text.replaceAll(/[^\x20-\x7e]/g, '?').trim();
