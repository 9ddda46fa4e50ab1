import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { serveStatic } from '@hono/node-server/serve-static';
import { Hono } from 'hono';
import { html } from 'hono/html';

/** Where the function `api` serves the document that the page shows. */
const DOCUMENT = '/functions/v1/api/v1/openapi.json';

const page = html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>order-ledger: REST API</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css" />
  </head>
  <body>
    <div id="page"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script>
      SwaggerUIBundle({ url: '${DOCUMENT}', dom_id: '#page', deepLinking: true, persistAuthorization: true });
    </script>
  </body>
</html>`;

/** The REST API's document as a page to read and try; hosted projects serve no pages. */
export function docsPage(): Hono {
  const files = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  const docs = new Hono();
  docs.get('/docs', (c) => c.redirect('/docs/'));
  docs.get('/docs/', (c) => c.html(page));
  docs.use(
    '/docs/*',
    serveStatic({ root: files, rewriteRequestPath: (path) => path.slice('/docs'.length) }),
  );
  return docs;
}
