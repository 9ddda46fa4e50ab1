import process from 'node:process';
import { z } from 'zod';
import { createPaymentWebhook } from './app.ts';
import { confirmPaymentAt } from './confirm-payment.ts';
import { secretsIn } from './signature.ts';
import { stripe } from './stripe/stripe.ts';

/** Hosted projects give their keys by name; older ones have the service_role key alone. */
const keys = z
  .object({ default: z.string() })
  .safeParse(JSON.parse(process.env.SUPABASE_SECRET_KEYS ?? '{}'));

const webhook = createPaymentWebhook({
  adapters: [stripe],
  secretsOf: ({ name }) =>
    secretsIn(process.env[`PAYMENT_WEBHOOK_SECRETS_${name.toUpperCase()}`] ?? ''),
  confirmPayment: confirmPaymentAt(
    z.url().parse(process.env.SUPABASE_URL),
    keys.success ? keys.data.default : z.string().parse(process.env.SUPABASE_SERVICE_ROLE_KEY),
  ),
});

export default {
  fetch: (request: Request): Response | Promise<Response> => webhook.fetch(request),
};
