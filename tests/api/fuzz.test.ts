import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { parameters, timeout } from '../property/runs.ts';
import {
  type Endpoint,
  type GeneratedRequest,
  type Operation,
  requestTo,
} from './fuzz/requests.ts';
import type { Schema } from './fuzz/schema-arbitrary.ts';
import { worldOf } from './fuzz/world.ts';
import { expectBooksInOrder, startShop } from './support.ts';

/** Requests that are sent at once, and how often. */
const TOGETHER = 10;
const ROUNDS = 200;

const shop = await startShop('api_fuzz');
const { body: document } = await shop.ask('nobody', 'GET /openapi.json');
const endpoints: Endpoint[] = Object.entries<Record<string, Operation>>(document.paths).flatMap(
  ([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      operation,
      [fc.toStringMethod]: () => operation.operationId,
    })),
);
const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);
const validators = new Map<Schema, ReturnType<typeof ajv.compile>>();

/** What is wrong with an answer, by the document. */
async function faultOf(request: GeneratedRequest): Promise<string | undefined> {
  const { endpoint, who, url, headers, body } = request;
  const answer = await shop.send(who, endpoint.method, url, headers, body);
  tally(endpoint, answer.status);
  if (answer.status >= 500) return `${answer.status} ${answer.text}`;
  const documented = endpoint.operation.responses[answer.status];
  if (documented === undefined) return `undocumented ${answer.status} ${answer.text}`;
  if (documented.content === undefined) return answer.text === '' ? undefined : 'a body';
  const type = answer.headers.get('content-type')?.split(';')[0] ?? '';
  const schema = documented.content[type]?.schema;
  if (schema === undefined) return `undocumented ${answer.status} as ${type}`;
  const validate =
    validators.get(schema) ?? ajv.compile({ ...schema, components: document.components });
  validators.set(schema, validate);
  const content = JSON.parse(answer.text);
  if (request.wellFormed && isMalformed(content)) return `calls it malformed: ${answer.text}`;
  if (validate(content)) return undefined;
  return `${answer.status} ${ajv.errorsText(validate.errors)}: ${answer.text}`;
}

/** What the document cannot say: a cursor is of its list, a period excludes from and to. */
const unsaid = new Set(['/after', '/period']);

function isMalformed(content: unknown): boolean {
  const { success, data } = z
    .object({ errors: z.array(z.object({ path: z.string() })) })
    .safeParse(content);
  return success && data.errors.some(({ path }) => !unsaid.has(path));
}

const seen = new Map<string, Set<number>>();

function tally({ operation }: Endpoint, status: number): void {
  const statuses = seen.get(operation.operationId) ?? new Set();
  seen.set(operation.operationId, statuses.add(status));
}

test(
  'generated requests get no 5xx, and answers that match the document',
  async () => {
    const ids = await worldOf(shop);
    const request = fc.constantFrom(...endpoints).chain((endpoint) => requestTo(endpoint, ids));
    await fc.assert(
      fc.asyncProperty(
        fc.array(request, { minLength: TOGETHER, maxLength: TOGETHER }),
        async (batch) => {
          const faults = await Promise.all(
            batch.map(async (one) => {
              const fault = await faultOf(one);
              return (
                fault &&
                `${one.who} ${one.endpoint.method} ${one.url} ${JSON.stringify(one.headers)} ${one.body}: ${fault}`
              );
            }),
          );
          expect(faults.filter((fault) => fault !== undefined)).toEqual([]);
        },
      ),
      // what a request finds is what those before it left: a smaller one would find something else
      { ...parameters(ROUNDS), endOnFailure: true },
    );
  },
  timeout(ROUNDS),
);

test('each endpoint was reached, and most came to something', () => {
  const names = endpoints.map(({ operation }) => operation.operationId);
  expect(names.filter((name) => !seen.has(name))).toEqual([]);
  const fruitful = [...seen].filter(([, statuses]) => [...statuses].some((status) => status < 300));
  expect(fruitful.length).toBeGreaterThan(names.length / 2);
});

test('the books are in order', () => expectBooksInOrder(shop));
