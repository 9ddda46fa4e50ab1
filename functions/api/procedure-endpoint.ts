import { createRoute, z } from '@hono/zod-openapi';
import type { Operation } from '../../types/procedure.ts';
import { signedIn } from './caller.ts';
import type { Api, ApiContext } from './context.ts';
import type { Row } from './database.ts';
import { entityTag, expectedVersion, ifMatch, passVersion } from './preconditions.ts';
import {
  etagHeader,
  json,
  preconditionProblems,
  writeHeaders,
  writeProblems,
} from './responses.ts';
import { requireSeen, type Subject } from './subject.ts';
import { onTheWire } from './wire.ts';

export interface ProcedureEndpoint {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** Its parameters are arguments of the procedure. */
  path: string;
  tag: string;
  operationId: string;
  summary: string;
  description?: string;
  procedure: Operation;
  /** Anybody may ask, also without a token. */
  isPublic?: boolean;
  subject?: Subject;
  /** Of the path, beside those that are arguments; for `body.toArguments`. */
  parameters?: z.ZodRawShape;
  /** If-Match says which version is meant; the answer tells the new one. */
  versioned?: boolean;
  /** The body, where it is not what the procedure takes besides the path's parameters. */
  body?: { schema: z.ZodObject; toArguments: (body: Row, parameters: Row) => Row };
  /** Further arguments, from what the caller sees. */
  lookUp?: (c: ApiContext, parameters: Row) => Promise<Row>;
  /** 204 where the answer has nothing to say. */
  status?: 200 | 201 | 204;
  location?: (answer: Row) => string;
  example?: Row;
}

/** An endpoint that is a procedure: its body are the arguments, its answer are the columns. */
export function procedureEndpoint(api: Api, endpoint: ProcedureEndpoint): void {
  const { procedure, status = 200, versioned = false, isPublic = false } = endpoint;
  const input = onTheWire(procedure.input);
  const output = onTheWire(procedure.output);
  const subjects = z.object(shapeOf(input, (name) => inPath(endpoint.path, name))).required();
  const parameters = z.object({ ...subjects.shape, ...endpoint.parameters });
  const ownBody = z.strictObject(
    shapeOf(input, (name) => !inPath(endpoint.path, name) && name !== 'expected_version'),
  );
  const bodySchema = endpoint.body?.schema ?? ownBody;
  const hasBody = Object.keys(bodySchema.shape).length > 0;
  const bodyIsRequired = hasBody && !bodySchema.safeParse({}).success;
  const headers = z.object({
    ...(procedure.takesIdempotencyKey && { 'idempotency-key': idempotencyKey }),
    ...(versioned && { 'if-match': ifMatch }),
  });

  const route = createRoute({
    method: endpoint.method,
    path: endpoint.path,
    operationId: endpoint.operationId,
    tags: [endpoint.tag],
    summary: endpoint.summary,
    description: endpoint.description ?? `Calls \`${procedure.name}\`. ${procedure.summary}`,
    ...(isPublic ? { security: [] } : { middleware: [signedIn] }),
    request: {
      ...(Object.keys(parameters.shape).length > 0 && { params: parameters }),
      ...(Object.keys(headers.shape).length > 0 && { headers }),
      ...(hasBody && {
        body: {
          required: bodyIsRequired,
          content: {
            'application/json': {
              schema: bodySchema,
              ...(endpoint.example && { example: endpoint.example }),
            },
          },
        },
      }),
    },
    responses: {
      [status]: {
        ...(status === 204 ? { description: 'Done.' } : json('Done.', output)),
        ...(procedure.takesIdempotencyKey && {
          headers: versioned ? writeHeaders.extend(etagHeader.partial().shape) : writeHeaders,
        }),
      },
      ...writeProblems,
      ...(versioned && preconditionProblems),
    },
  });

  api.openapi(route, async (c) => {
    const path = accepted(c, 'param');
    const header = accepted(c, 'header');
    const body = accepted(c, 'json');
    const version = versioned ? expectedVersion(header['if-match'] as string) : undefined;
    const args = {
      ...subjects.parse(path),
      ...(await endpoint.lookUp?.(c, path)),
      ...(endpoint.body?.toArguments(body, path) ?? body),
      ...(versioned && { expected_version: version }),
      ...(procedure.takesIdempotencyKey && { idempotency_key: header['idempotency-key'] }),
    };
    const row = await c
      .get('database')
      .call(procedure, argumentsOf(args))
      .catch(async (error: unknown) => {
        if (version !== undefined) passVersion(error);
        if (endpoint.subject) await requireSeen(c, error, endpoint.subject, path);
        throw error;
      });
    const answer = output.parse(row);
    if (endpoint.location) c.header('location', endpoint.location(answer));
    if (typeof answer.version === 'number') c.header('etag', entityTag(answer.version));
    if (status === 204) return c.body(null, 204) as never;
    // What it may be is said by the schema above, which the compiler does not see.
    return c.json(answer, status) as never;
  });
}

export const idempotencyKey = z
  .string()
  .min(1)
  .max(255)
  .describe('The same key again gives the same answer, and does nothing twice.')
  .openapi({ example: '5b1c1d0e-9f7e-4a57-8f3a-0a4f1c9f2b11' })
  .optional();

const inPath = (path: string, name: string) => path.includes(`{${name}}`);

/** Fields of an input that belong to the path, or that do not. */
const shapeOf = (input: z.ZodObject, belongs: (name: string) => boolean) =>
  Object.fromEntries(
    Object.entries(input.shape as Record<string, z.ZodType>).filter(([name]) => belongs(name)),
  );

/** What the schema of the route has accepted; its type is known to the schema alone. */
const accepted = (c: ApiContext, part: 'param' | 'header' | 'json') =>
  (c.req.valid(part as never) ?? {}) as Row;

const argumentsOf = (input: Row): Row =>
  Object.fromEntries(Object.entries(input).map(([name, value]) => [`p_${name}`, value]));
