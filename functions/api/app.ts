import { OpenAPIHono } from '@hono/zod-openapi';
import { Hono } from 'hono';
import { cors } from 'hono/cors';
import { HTTPException } from 'hono/http-exception';
import { methodNotAllowed } from 'hono/method-not-allowed';
import type { z } from 'zod';
import { callerOf } from './caller.ts';
import type { Api, ApiEnvironment, Settings } from './context.ts';
import { databaseFor } from './database.ts';
import { documentOf } from './document.ts';
import { type InputError, invalidInput, ownProblem, Problem } from './problem.ts';
import { jsonBody, limitedBody } from './request-body.ts';
import { addEmergencyFix } from './routes/emergency.ts';
import { addRoutes } from './routes/index.ts';

const emptyApi = (): Api =>
  new OpenAPIHono<ApiEnvironment>({
    strict: false,
    defaultHook: (result) => {
      if (!result.success) throw invalidInput(inputErrors(result.target, result.error.issues));
    },
  });

/** The REST API as a plain Request to Response. Paths are as the platform passes them: /api/v1/... */
export function createApi(settings: Settings): { fetch: Hono['fetch'] } {
  const api = emptyApi();
  addRoutes(api);
  const document = documentOf(api);
  api.get('/openapi.json', (c) => c.json(document));

  const app = new Hono<ApiEnvironment>({ strict: false });
  app.use(crossOrigin);
  app.use(async (c, next) => {
    await next();
    // What is on an account is nobody else's to keep.
    if (!c.res.headers.has('cache-control')) c.header('cache-control', 'private, no-cache');
    for (const [name, value] of c.get('database')?.headers ?? []) c.header(name, value);
  });
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) =>
        ownProblem(
          'method_not_allowed',
          `${c.req.method} is not for this path; ${methods.join(', ')} is.`,
          { headers: { allow: methods.join(', ') } },
        ).toResponse(),
    }),
  );
  app.use(limitedBody);
  app.use(jsonBody);
  app.use(async (c, next) => {
    const caller = callerOf(c.req.raw.headers, settings.publishableKey);
    c.set('caller', caller);
    c.set('database', databaseFor(caller, settings));
    await next();
  });
  app.route('/api/v1', api);
  const unversioned = emptyApi();
  addEmergencyFix(unversioned);
  app.route('/api', unversioned);
  app.notFound((c) =>
    ownProblem(
      'unknown_path',
      `There is nothing at ${c.req.path}; openapi.json lists what there is.`,
    ).toResponse(),
  );
  app.onError((error) => problemOf(error).toResponse());
  return app;
}

const crossOrigin = cors({
  origin: '*',
  allowHeaders: [
    'authorization',
    'apikey',
    'content-type',
    'idempotency-key',
    'if-match',
    'if-none-match',
    'x-client-info',
    'x-correlation-id',
  ],
  exposeHeaders: [
    'etag',
    'idempotency-replayed',
    'link',
    'location',
    'ratelimit',
    'ratelimit-policy',
    'retry-after',
  ],
  maxAge: 86_400,
});

function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  // Hono's own, for what it could not read.
  if (error instanceof HTTPException && error.status === 400) {
    return ownProblem('invalid_json', error.message);
  }
  console.error(error);
  return ownProblem('internal_error', 'This is a defect of the server; its log says more.');
}

const parts = { json: 'body', query: 'query', param: 'path', header: 'header' } as const;

function inputErrors(target: string, issues: z.core.$ZodIssue[]): InputError[] {
  const part = parts[target as keyof typeof parts] ?? 'body';
  return issues.map(({ path, message }) => ({
    in: part,
    path: path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''),
    message,
  }));
}
