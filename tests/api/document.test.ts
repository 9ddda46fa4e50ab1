import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { createApi } from '../../functions/api/app.ts';

const api = createApi({ supabaseUrl: 'http://127.0.0.1:9', publishableKey: 'sb_publishable_test' });
const response = await api.fetch(new Request('http://api.test/api/v1/openapi.json'));
const operation = z.looseObject({
  operationId: z.string(),
  summary: z.string(),
  tags: z.array(z.string()).min(1),
  security: z.array(z.unknown()).optional(),
  requestBody: z
    .object({ content: z.object({ 'application/json': z.looseObject({ example: z.unknown() }) }) })
    .loose()
    .optional(),
  responses: z.record(z.string(), z.unknown()),
});
const document = z
  .looseObject({
    openapi: z.literal('3.1.0'),
    paths: z.record(z.string(), z.record(z.string(), operation)),
    components: z.looseObject({ securitySchemes: z.record(z.string(), z.unknown()) }),
  })
  .parse(await response.json());
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, it]) => ({ name: `${method} ${path}`, ...it })),
);

test('the document is valid OpenAPI 3.1', async () => {
  expect(await new Validator().validate(document)).toEqual({ valid: true });
});

test('every operation has a name of its own', () => {
  const names = operations.map(({ operationId }) => operationId);
  expect(new Set(names).size).toBe(names.length);
});

test('every body has an example that the endpoint itself accepts', async () => {
  const withBody = operations.filter(({ requestBody }) => requestBody !== undefined);
  expect(withBody.length).toBeGreaterThan(5);
  const token = `x.${btoa(JSON.stringify({ sub: crypto.randomUUID(), role: 'authenticated' }))}.x`;
  for (const { name, requestBody } of withBody) {
    const { example } = requestBody?.content['application/json'] ?? {};
    expect(example, name).toBeDefined();
    const [method = '', path = ''] = name.split(' ');
    const url = `http://api.test/api/v1${path
      .replace('{line_number}', '1')
      .replaceAll(/\{\w+\}/g, crypto.randomUUID())}`;
    const { status } = await api.fetch(
      new Request(url, {
        method: method.toUpperCase(),
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(example),
      }),
    );
    // there is no database behind it
    expect(status, name).toBe(503);
  }
});

test('whatever is not public asks for an access token, and says so', () => {
  const open = operations.filter(({ security }) => security?.length === 0);
  expect(open.map(({ operationId }) => operationId).toSorted()).toEqual([
    'getErrorCode',
    'listErrorCodes',
    'quoteOrder',
  ]);
  for (const { name, security, responses } of operations) {
    if (security?.length !== 0) expect(Object.keys(responses), name).toContain('401');
  }
});

test('the endpoints of the source document are all there', () => {
  const names = new Set(operations.map(({ name }) => name));
  for (const name of [
    'get /orders',
    'get /orders/{order_id}',
    'post /orders',
    'put /orders/{order_id}',
    'patch /orders/{order_id}/status',
    'post /orders/{order_id}/cancel',
    'get /orders/{order_id}/tracking',
    'get /orders/{order_id}/items',
    'post /orders/{order_id}/items',
    'put /orders/{order_id}/items/{line_number}',
    'delete /orders/{order_id}/items/{line_number}',
    'get /orders/admin',
    'get /orders/vendor',
    'get /orders/analytics',
    'post /orders/bulk-update',
  ]) {
    expect(names, name).toContain(name);
  }
});
