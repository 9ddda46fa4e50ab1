import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ZodError } from 'zod';
import { decimalsAtStripe } from '../../functions/payment-webhook/stripe/amounts.ts';
import { stripe } from '../../functions/payment-webhook/stripe/stripe.ts';

const folder = new URL('./stripe/', import.meta.url);
const order = '11111111-1111-4111-8111-111111111111';
const refund = '22222222-2222-4222-8222-222222222222';

function recorded(name: string) {
  const text = readFileSync(new URL(`${name}.json`, folder), 'utf8');
  return JSON.parse(text) as { data: { object: Record<string, unknown> } };
}

const changed = (name: string, changes: Record<string, unknown>) => {
  const event = recorded(name);
  return { ...event, data: { object: { ...event.data.object, ...changes } } };
};

const common = { providerPaymentId: 'pi_3MugOrder0000000001', currency: 'usd', exponent: 2 };

test.each([
  [
    'payment_intent.amount_capturable_updated',
    { kind: 'authorised', amount: 4280, orderId: order },
  ],
  [
    'charge.succeeded',
    { kind: 'authorised', amount: 4280, orderId: order, expiresAt: '2026-03-08T11:58:30.000Z' },
  ],
  [
    'charge.captured',
    { kind: 'captured', amount: 4280, capturedTotal: 4280, isFinal: false, orderId: order },
  ],
  [
    'payment_intent.succeeded',
    { kind: 'captured', amount: 4280, capturedTotal: 4280, isFinal: true, orderId: order },
  ],
  ['payment_intent.canceled', { kind: 'voided', orderId: order }],
  ['payment_intent.payment_failed', { kind: 'failed', orderId: order }],
  [
    'refund.created',
    {
      kind: 'refunded',
      objectId: 're_3MugOrder0000000001',
      amount: 1280,
      orderId: order,
      refundId: refund,
    },
  ],
  [
    'refund.failed',
    {
      kind: 'refund_failed',
      objectId: 're_3MugOrder0000000001',
      amount: 1280,
      orderId: order,
      refundId: refund,
    },
  ],
  [
    'charge.dispute.funds_withdrawn',
    { kind: 'charged_back', objectId: 'du_1MugOrder0000000001', amount: 3000 },
  ],
  [
    'charge.dispute.funds_reinstated',
    { kind: 'charge_back_won', objectId: 'du_1MugOrder0000000001', amount: 3000 },
  ],
])('%s is read as what happened', (name, expected) => {
  const [event, ...others] = stripe.toEvents(recorded(name));
  expect(others).toEqual([]);
  expect(event).toEqual({
    ...common,
    ...expected,
    eventId: expect.stringMatching(/^evt_/),
    occurredAt: expect.stringMatching(/^2026-03-01T12:/),
  });
});

test.each(['customer.created', 'refund.updated', 'refund.of_an_expired_authorisation'])(
  '%s moves no money and is ignored',
  (name) => {
    expect(stripe.toEvents(recorded(name))).toEqual([]);
  },
);

test('every recorded event is looked at above', () => {
  expect(readdirSync(folder)).toHaveLength(13);
});

test('a charge without a payment intent stands for itself, and its capture is the only one', () => {
  expect(stripe.toEvents(changed('charge.captured', { payment_intent: null }))).toMatchObject([
    { providerPaymentId: 'ch_3MugOrder0000000001', isFinal: true },
  ]);
});

test('a charge that is captured at once says so itself', () => {
  const direct = { captured: true, amount_captured: 4280, payment_intent: null };
  expect(stripe.toEvents(changed('charge.succeeded', direct))).toMatchObject([
    { kind: 'captured', amount: 4280, capturedTotal: 4280, isFinal: true },
  ]);
});

test('what is expanded is read as well', () => {
  const expanded = { payment_intent: { id: 'pi_expanded', object: 'payment_intent' } };
  expect(stripe.toEvents(changed('refund.created', expanded))).toMatchObject([
    { providerPaymentId: 'pi_expanded' },
  ]);
});

test('a refund that is called off is one that failed', () => {
  const [event] = stripe.toEvents(changed('refund.updated', { status: 'canceled' }));
  expect(event).toMatchObject({ kind: 'refund_failed', amount: 1280, refundId: refund });
});

test('metadata that is no id of ours does not keep the money from being heard of', () => {
  const metadata = { order_id: `x\u0000${'y'.repeat(499)}`, refund_id: '' };
  const [event] = stripe.toEvents(changed('refund.created', { metadata }));
  expect(event).toMatchObject({ kind: 'refunded', amount: 1280 });
  expect(event).not.toHaveProperty('orderId');
});

test('a body that is not of this shape is refused, not guessed at', () => {
  const amounts = ['4280', 42.8, -1, 2 ** 60, null];
  for (const amount_received of amounts) {
    expect(() => stripe.toEvents(changed('payment_intent.succeeded', { amount_received }))).toThrow(
      ZodError,
    );
  }
  expect(() => stripe.toEvents([])).toThrow(ZodError);
  expect(() =>
    stripe.toEvents(changed('refund.created', { charge: null, payment_intent: null })),
  ).toThrow(/neither a charge nor a payment intent/);
});

test('amounts have the decimals that Stripe gives a currency, not those it has', () => {
  const decimals = ['usd', 'JPY', 'kwd', 'isk', 'UGX', 'irr', 'iqd'].map(decimalsAtStripe);
  expect(decimals).toEqual([2, 0, 3, 2, 2, 2, 2]);
});
