import { Webhook, WebhookVerificationError } from 'standardwebhooks';

/** Several while one takes the place of another: `whsec_...`, with spaces or commas between. */
export function secretsIn(variable: string): Webhook[] {
  return variable
    .split(/[\s,]+/)
    .filter((secret) => secret !== '')
    .map((secret) => new Webhook(secret));
}

/**
 * Whether a body is signed with one of the secrets (Standard Webhooks: webhook-id, webhook-timestamp,
 * webhook-signature) and was so within the last five minutes; else what is wrong with it.
 */
export function signatureProblem(
  secrets: Webhook[],
  headers: Headers,
  body: string,
): string | undefined {
  let problem = 'no secret is set';
  for (const secret of secrets) {
    try {
      secret.verify(body, Object.fromEntries(headers), { jsonParse: false });
      return undefined;
    } catch (error) {
      if (!(error instanceof WebhookVerificationError)) throw error;
      problem = error.message;
    }
  }
  return problem;
}
