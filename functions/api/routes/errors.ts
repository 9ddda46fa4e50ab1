import { createRoute, z } from '@hono/zod-openapi';
import type { Api, ApiContext } from '../context.ts';
import { answerOf } from '../database.ts';
import { ownErrors } from '../own-errors.ts';
import { ownProblem } from '../problem.ts';
import { json, readProblems } from '../responses.ts';

const errorCode = z
  .object({
    code: z.string().describe('Stable; `code` of a problem.'),
    http_status: z.int().describe('The status it is answered with.'),
    message: z.string().nullable().describe('Its sentence; {names} are filled from details.'),
    description: z.string().describe('When it is answered.'),
  })
  .openapi('ErrorCode');

/** What `type` of a problem leads to: the catalogue of the database, and the API's own codes. */
export function addErrorRoutes(api: Api): void {
  api.openapi(
    createRoute({
      method: 'get',
      path: '/errors',
      operationId: 'listErrorCodes',
      tags: ['Errors'],
      summary: 'Every code that a problem can have.',
      security: [],
      responses: { 200: json('All codes.', z.array(errorCode)), ...readProblems },
    }),
    async (c) => c.json(await errorCodes(c), 200),
  );

  api.openapi(
    createRoute({
      method: 'get',
      path: '/errors/{code}',
      operationId: 'getErrorCode',
      tags: ['Errors'],
      summary: 'What a code means.',
      security: [],
      request: { params: z.object({ code: z.string().openapi({ example: 'price_changed' }) }) },
      responses: { 200: json('The code.', errorCode), ...readProblems },
    }),
    async (c) => {
      const { code } = c.req.valid('param');
      const found = (await errorCodes(c)).find((row) => row.code === code);
      if (!found) throw ownProblem('error_code_not_found', `There is no code "${code}".`);
      return c.json(found, 200);
    },
  );
}

async function errorCodes(c: ApiContext): Promise<z.output<typeof errorCode>[]> {
  const rows = await answerOf(
    c.get('database').client.from('error_codes').select('code,http_status,message,description'),
  );
  const own = Object.entries(ownErrors).map(([code, [http_status, description]]) => ({
    code,
    http_status,
    message: null,
    description,
  }));
  const all = [...z.array(errorCode).parse(rows), ...own];
  return all.toSorted((a, b) => a.code.localeCompare(b.code));
}
