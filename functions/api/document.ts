import type { Api } from './context.ts';
import { PUBLIC_BASE } from './context.ts';

const description = `Orders, from the quote to the refund. Amounts are whole minor units of a currency
(1250 is 12.50 USD). Row-level security decides what a caller sees: somebody else's order is not found.

- **Errors** are \`application/problem+json\` with a stable \`code\`; \`GET /errors/{code}\` explains it.
- **Idempotency-Key** on anything that creates or moves something: the same key again gives the same
  answer with \`Idempotency-Replayed: true\`; with another request it is refused (422).
- **ETag** of an order is its version. \`If-None-Match\` answers 304, \`If-Match\` refuses with 412 what
  was meant for another version.
- **Lists** come in pages; \`Link: <...>; rel="next"\` leads to the next one, which is right also when
  orders are placed meanwhile.
- **Rate limits** are token buckets per user; \`RateLimit\` tells what is left, 429 comes with \`Retry-After\`.
`;

export function documentOf(api: Api) {
  api.openAPIRegistry.registerComponent('securitySchemes', 'accessToken', {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: "The signed-in user's access token of Supabase Auth.",
  });
  return api.getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: 'order-ledger', version: '1', description },
    servers: [{ url: PUBLIC_BASE }],
    security: [{ accessToken: [] }],
    tags: [
      { name: 'Orders', description: 'Placing, reading, moving and cancelling orders.' },
      { name: 'Items', description: 'Changing what was ordered.' },
      { name: 'Fulfilment', description: 'Shipments and returns.' },
      { name: 'Money', description: 'Payments and refunds.' },
      { name: 'Checkout', description: 'Quotes, reservations and drafts.' },
      { name: 'Management', description: 'For staff and vendors.' },
      { name: 'Errors', description: 'What the codes of problems mean.' },
    ],
  });
}
