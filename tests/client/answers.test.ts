import { describe, expect, test } from 'vitest';
import { LedgerError } from '../../types/index.ts';
import { order, placedColumns, placedResult, someId } from './examples.ts';
import { answer, refusal, startFakeRest, success } from './fake-rest.ts';

const rest = await startFakeRest();
const ledger = rest.ledger();

test('a success is its own fields in camelCase, without what this client does not know', async () => {
  rest.willAnswer(success({ ...placedColumns, column_of_a_later_version: 1 }));
  await expect(ledger.placeOrder(order)).resolves.toEqual(placedResult);
});

test('lines inside of an answer are in camelCase too', async () => {
  const line = {
    line_number: 1,
    variant_id: someId,
    vendor_id: null,
    product_name: 'Blue mug',
    product_sku: 'MUG-1',
    variant_name: 'large',
    quantity: 2,
    unit_price_amount: 1250,
    total_price_amount: 2500,
    discount_amount: 0,
    tax_rate_bp: 1900,
    tax_amount: 475,
  };
  const totals = {
    currency: 'USD',
    prices_include_tax: false,
    subtotal_amount: 2500,
    discount_amount: 0,
    shipping_amount: 0,
    tax_amount: 475,
    total_amount: 2975,
  };
  rest.willAnswer(success({ ...totals, lines: [line] }));
  await expect(ledger.orderQuote(order)).resolves.toMatchObject({
    totalAmount: 2975,
    lines: [{ lineNumber: 1, vendorId: null, unitPriceAmount: 1250, taxRateBp: 1900 }],
  });
});

test("a refusal is thrown in the database's words, with its figures", async () => {
  const message = 'Only 3 of "Blue mug" left, 5 asked.';
  const details = { variant_id: someId, available: 3, requested: 5 };
  rest.willAnswer(refusal('insufficient_stock', message, details));
  const error = await ledger.placeOrder(order).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(LedgerError);
  expect(error).toMatchObject({
    name: 'LedgerError',
    code: 'insufficient_stock',
    message,
    details,
  });
});

describe('permission_denied', () => {
  const postgrestBody = {
    code: '42501',
    message: 'this needs the permission "stock.adjust"',
    details: null,
    hint: 'Roles that have it: admin, warehouse.',
  };
  const call = () => ledger.adjustStock({ variantId: someId, quantity: 1 });

  test('says which permission is missing and who has it', async () => {
    rest.willAnswer(answer(403, postgrestBody));
    await expect(call()).rejects.toMatchObject({
      code: 'permission_denied',
      message:
        'ledger_adjust_stock: this needs the permission "stock.adjust". Roles that have it: admin, warehouse.',
      details: { status: 403, code: '42501', hint: postgrestBody.hint },
      cause: postgrestBody,
    });
  });

  test.each([
    ['nobody is signed in', { code: '42501', message: 'nobody is signed in' }],
    ['the token has expired', { code: 'PGRST303', message: 'JWT expired' }],
    ['the gateway knows no such key', { message: 'Invalid API key', hint: 'Double check it.' }],
  ])('says to sign in when %s', async (_name, body) => {
    rest.willAnswer(answer(401, body));
    await expect(call()).rejects.toMatchObject({
      code: 'permission_denied',
      message: expect.stringMatching(/Sign in and send an access token that is still valid\.$/),
    });
  });
});

test.each([
  [404, { code: 'PGRST202', message: 'Could not find the function' }, 'PGRST202', 'migrations'],
  [500, { code: '57014', message: 'canceling statement' }, '57014', 'nothing has changed'],
  [400, { code: '22P05', message: 'unsupported Unicode escape' }, '22P05', 'NUL'],
  [500, null, 'http_500', 'the server answered 500'],
  [418, { error: ['short and stout'] }, 'http_418', 'the server answered 418'],
  [413, '<h1>Request Entity Too Large</h1>', 'http_413', 'Too Large'],
])('status %i with %o is thrown as %s', async (status, body, code, words) => {
  rest.willAnswer(answer(status, body));
  await expect(ledger.placeOrder(order)).rejects.toMatchObject({
    name: 'LedgerError',
    code,
    message: expect.stringContaining(words),
  });
});

describe('unexpected_answer', () => {
  const { amount_due: _, ...incomplete } = placedColumns;

  test.each([
    ['a column is missing', success(incomplete)],
    ['an amount is a text', success({ ...placedColumns, total_amount: '2500' })],
    ['an amount is not exact', success({ ...placedColumns, total_amount: 2 ** 53 })],
    ['a status is unknown', success({ ...placedColumns, status: 'lost' })],
    ['it does not say whether it succeeded', answer(200, { order_id: someId })],
    ['a refusal has no code', answer(200, { success: false })],
    ['it is null', answer(200, null)],
    ['it is a list', answer(200, [placedColumns])],
  ])('when %s; the key is there to find out what happened', async (_name, treatment) => {
    rest.willAnswer(treatment);
    await expect(ledger.placeOrder(order, { idempotencyKey: 'cart 1' })).rejects.toMatchObject({
      code: 'unexpected_answer',
      details: { idempotencyKey: 'cart 1', issues: expect.any(Array) },
    });
    expect(rest.calls).toHaveLength(1);
  });

  test('when a list has a row of another shape', async () => {
    rest.willAnswer(answer(200, [{ check_code: 1 }], { 'content-range': '0-0/1' }));
    await expect(ledger.checkBooks()).rejects.toMatchObject({ code: 'unexpected_answer' });
  });

  test('when a page that is no JSON comes with status 200', async () => {
    rest.willAnswer(answer(200, '<html>Please log in to this network</html>'));
    await expect(ledger.placeOrder(order, { idempotencyKey: 'cart 2' })).rejects.toMatchObject({
      code: 'unexpected_answer',
      details: { idempotencyKey: 'cart 2', status: 200 },
    });
  });
});

describe('a list', () => {
  const difference = (subject: string) => ({
    check_code: 'debt',
    subject,
    expected: '1',
    found: null,
  });

  test('is read to its end, page by page, in its own order', async () => {
    rest.willAnswer(
      answer(206, [difference('a'), difference('b')], { 'content-range': '0-1/3' }),
      answer(206, [difference('c')], { 'content-range': '2-2/3' }),
    );
    await expect(ledger.checkBooks()).resolves.toEqual(
      ['a', 'b', 'c'].map((subject) => ({
        checkCode: 'debt',
        subject,
        expected: '1',
        found: null,
      })),
    );
    expect(rest.calls.map(({ search }) => Object.fromEntries(search))).toEqual([
      { order: 'check_code.asc,subject.asc', offset: '0', limit: '1000' },
      { order: 'check_code.asc,subject.asc', offset: '2', limit: '1000' },
    ]);
  });

  test('may be empty, or of plain values', async () => {
    rest.willAnswer(answer(200, [], { 'content-range': '*/0' }));
    await expect(ledger.checkBooks()).resolves.toEqual([]);
    rest.willAnswer(answer(200, ['orders.read'], { 'content-range': '0-0/1' }));
    await expect(ledger.myPermissions()).resolves.toEqual(['orders.read']);
  });
});
