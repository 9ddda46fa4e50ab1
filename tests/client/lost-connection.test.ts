import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { createClient } from '@supabase/supabase-js';
import { describe, expect, test } from 'vitest';
import { createOrderLedger } from '../../types/index.ts';
import { order, placed, placedResult, someId } from './examples.ts';
import {
  answer,
  cutOff,
  refusal,
  reset,
  silence,
  startFakeRest,
  success,
  type Treatment,
} from './fake-rest.ts';

const rest = await startFakeRest();
const ledger = rest.ledger();
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const postgrestError = (status: number, code: string) =>
  answer(status, { code, message: 'as PostgREST words it', details: null, hint: null });

test('a call without a key of its own is sent with a new one', async () => {
  rest.willAnswer(placed, placed);
  await ledger.placeOrder(order);
  await ledger.placeOrder(order);
  const keys = rest.calls.map(({ args }) => args.p_idempotency_key);
  expect(keys).toEqual([expect.stringMatching(uuid), expect.stringMatching(uuid)]);
  expect(keys[0]).not.toBe(keys[1]);
});

describe('the same call is sent again with the same key', () => {
  const losses: [string, Treatment][] = [
    ['the connection is reset before the answer', reset],
    ['the connection ends in the middle of the answer', cutOff],
    ['a gateway answers 502 with a page of its own', answer(502, '<h1>Bad Gateway</h1>')],
    [
      'a gateway answers 503 in JSON',
      answer(503, { code: 'SERVICE_UNAVAILABLE', message: 'down' }),
    ],
    ['a gateway answers 504 with nothing', answer(504, '')],
    ['a gateway answers 502 with null', answer(502, null)],
    ['a gateway answers 503 in words of its own', answer(503, { error: { text: 'down' } })],
    ['Cloudflare cannot reach the server', answer(522, 'error code: 522')],
    ['PostgREST has no database', postgrestError(503, 'PGRST000')],
    ['PostgREST has lost the database', postgrestError(503, 'PGRST001')],
    ['PostgREST has not read the schema yet', postgrestError(503, 'PGRST002')],
    ['PostgREST has no connection to spare', postgrestError(504, 'PGRST003')],
    ['the database shuts down', postgrestError(500, '57P01')],
    ['the database drops the connection', postgrestError(503, '08006')],
  ];

  test.each(losses)('when %s', async (_name, loss) => {
    rest.willAnswer(loss, loss, placed);
    await expect(ledger.placeOrder(order, { idempotencyKey: 'cart 7' })).resolves.toEqual(
      placedResult,
    );
    expect(rest.calls).toHaveLength(3);
    expect(rest.calls[1]).toEqual(rest.calls[0]);
    expect(rest.calls[2]).toEqual(rest.calls[0]);
    expect(rest.calls[0]?.args.p_idempotency_key).toBe('cart 7');
  });

  test('also when the key was made for the call', async () => {
    rest.willAnswer(reset, placed);
    await ledger.placeOrder(order);
    expect(rest.calls[0]?.args.p_idempotency_key).toMatch(uuid);
    expect(rest.calls[1]).toEqual(rest.calls[0]);
  });

  test('when no answer comes in time', async () => {
    rest.willAnswer(silence, placed);
    const impatient = rest.ledger({ attemptTimeout: 100 });
    await expect(impatient.placeOrder(order)).resolves.toEqual(placedResult);
    expect(rest.calls[1]).toEqual(rest.calls[0]);
  });
});

test('it is given up after so many attempts, with the key to ask again', async () => {
  rest.willAnswer(reset, reset, reset, placed);
  const call = rest.ledger({ retries: 2 }).placeOrder(order, { idempotencyKey: 'cart 8' });
  await expect(call).rejects.toMatchObject({
    name: 'LedgerError',
    code: 'connection_lost',
    message: expect.stringContaining('ask again with the same idempotency key'),
    details: { idempotencyKey: 'cart 8', attempts: 3 },
  });
  expect(rest.calls).toHaveLength(3);
});

test('a server that is not there is a lost connection', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await once(server.close(), 'close');

  const nowhere = createClient(`http://127.0.0.1:${port}`, 'sb_publishable_test', {
    auth: { persistSession: false },
  });
  const call = createOrderLedger(nowhere, { retries: 1, retryDelay: 1 }).myPermissions();
  await expect(call).rejects.toMatchObject({ code: 'connection_lost', details: { attempts: 2 } });
});

describe('nothing is sent again', () => {
  test('when the call is refused', async () => {
    rest.willAnswer(refusal('insufficient_stock', 'Only 3 of "Blue mug" left, 5 asked.'), placed);
    await expect(ledger.placeOrder(order)).rejects.toMatchObject({ code: 'insufficient_stock' });
    expect(rest.calls).toHaveLength(1);
  });

  test.each([
    ['a statement time-out', 500, '57014'],
    ['a lock time-out', 500, '55P03'],
    ['a missing permission', 403, '42501'],
    ['a procedure that does not exist', 404, 'PGRST202'],
    ['an error that the database answers with 503 itself', 503, 'PT503'],
  ])('after %s', async (_name, status, code) => {
    rest.willAnswer(postgrestError(status, code), placed);
    await expect(ledger.placeOrder(order)).rejects.toThrow('as PostgREST words it');
    expect(rest.calls).toHaveLength(1);
  });

  test('when its caller has given up, before or after the first attempt', async () => {
    const early = new AbortController();
    early.abort(new Error('the page was closed'));
    rest.willAnswer(placed);
    await expect(ledger.placeOrder(order, { signal: early.signal })).rejects.toMatchObject({
      code: 'aborted',
      cause: new Error('the page was closed'),
    });
    expect(rest.calls).toHaveLength(0);

    const late = new AbortController();
    rest.willAnswer(() => late.abort('enough'), placed);
    const call = ledger.placeOrder(order, { signal: late.signal, idempotencyKey: 'cart 9' });
    await expect(call).rejects.toMatchObject({
      code: 'aborted',
      details: { idempotencyKey: 'cart 9' },
      cause: 'enough',
    });
    expect(rest.calls).toHaveLength(1);
  });
});

describe('deleting an address, which takes no key', () => {
  const gone = refusal('address_not_found', 'There is no such address.');

  test('is done when its repetition finds nothing left to delete', async () => {
    rest.willAnswer(reset, gone);
    await expect(ledger.deleteAddress({ addressId: someId })).resolves.toEqual({});
    expect(rest.calls[1]).toEqual(rest.calls[0]);
    expect(rest.calls[0]?.args).toEqual({ p_address_id: someId });
  });

  test('is done when its repetition deletes it', async () => {
    rest.willAnswer(reset, success({}));
    await expect(ledger.deleteAddress({ addressId: someId })).resolves.toEqual({});
  });

  test('is refused when the address never was there', async () => {
    rest.willAnswer(gone);
    await expect(ledger.deleteAddress({ addressId: someId })).rejects.toMatchObject({
      code: 'address_not_found',
    });
  });
});
