import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { Webhook } from 'standardwebhooks';
import { ZodError } from 'zod';
import type { Adapter } from './adapter.ts';
import type { ConfirmPayment } from './confirm-payment.ts';
import { signatureProblem } from './signature.ts';

export interface PaymentWebhook {
  adapters: Adapter[];
  secretsOf: (adapter: Adapter) => Webhook[];
  confirmPayment: ConfirmPayment;
}

/** Events are a few kilobytes; a charge with everything expanded is still far below. */
const MAXIMUM_BYTES = 256 * 1024;

/**
 * POST /payment-webhook/<provider>. 2xx: it is stored, or nothing that concerns the books. 4xx: it will
 * never be right, however often it is sent. 5xx: send it again.
 */
export function createPaymentWebhook(options: PaymentWebhook): { fetch: Hono['fetch'] } {
  const providers = new Map(
    options.adapters.map((adapter) => [
      adapter.name,
      { adapter, secrets: options.secretsOf(adapter) },
    ]),
  );
  const app = new Hono();

  app.post(
    '/payment-webhook/:provider',
    bodyLimit({
      maxSize: MAXIMUM_BYTES,
      onError: () => refused(413, 'body_too_large', `At most ${MAXIMUM_BYTES} bytes.`),
    }),
    async (c) => {
      const provider = providers.get(c.req.param('provider'));
      if (provider === undefined)
        return refused(404, 'unknown_provider', 'There is no such provider.');
      if (provider.secrets.length === 0) {
        return refused(503, 'not_configured', 'No secret is set for this provider.');
      }
      // nothing of the body is looked at before its signature
      const body = await c.req.text();
      const problem = signatureProblem(provider.secrets, c.req.raw.headers, body);
      if (problem !== undefined) return refused(401, 'invalid_signature', `${problem}.`);

      const outcomes: { event_id: string; effect: string; problem: string | null }[] = [];
      for (const event of provider.adapter.toEvents(JSON.parse(body))) {
        const confirmation = await options.confirmPayment(provider.adapter.name, event);
        if (!confirmation.stored) {
          return refused(confirmation.status, confirmation.code, confirmation.message);
        }
        const { effect, problem } = confirmation;
        outcomes.push({ event_id: event.eventId, effect, problem });
      }
      return Response.json({ received: true, ignored: outcomes.length === 0, events: outcomes });
    },
  );

  app.notFound((c) =>
    refused(404, 'unknown_path', `There is nothing at ${c.req.method} ${c.req.path}.`),
  );
  app.onError((error) => {
    if (error instanceof SyntaxError) return refused(400, 'invalid_json', 'The body is not JSON.');
    if (error instanceof ZodError) {
      const wrong = error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
      return refused(422, 'unknown_shape', wrong.join('; '));
    }
    console.error(error);
    return refused(503, 'not_stored', 'The event could not be stored; send it again.');
  });
  return app;
}

const refused = (status: number, code: string, message: string): Response =>
  Response.json({ code, message }, { status: status as ContentfulStatusCode });
