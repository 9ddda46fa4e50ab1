import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { order, placed, placedResult, someId } from './examples.ts';
import { refusal, reset, startFakeRest } from './fake-rest.ts';

const rest = await startFakeRest();
const root = join(import.meta.dirname, '../..');

test('in Deno a lost call is sent again with the same key, and a refusal is a LedgerError', async () => {
  rest.willAnswer(reset, placed, refusal('insufficient_funds', 'Not enough.', { available: 1 }));
  const folder = join(import.meta.dirname, 'deno');
  const { stdout } = await promisify(execFile)(
    join(root, 'node_modules/.bin/deno'),
    [
      'run',
      '--check',
      '--no-prompt',
      '--allow-net=127.0.0.1',
      '--allow-env',
      `--allow-read=${root}`,
      `--config=${join(folder, 'deno.json')}`,
      join(folder, 'place-order.ts'),
      rest.url,
      someId,
    ],
    { env: { ...process.env, NO_COLOR: '1', DENO_NO_UPDATE_CHECK: '1' } },
  );
  expect(JSON.parse(stdout)).toEqual({
    placed: placedResult,
    refused: { code: 'insufficient_funds', details: { available: 1 } },
  });
  expect(rest.calls).toHaveLength(3);
  expect(rest.calls[1]).toEqual(rest.calls[0]);
  expect(rest.calls[0]?.args).toMatchObject({
    p_items: [{ variant_id: order.items[0]?.variantId, quantity: 2 }],
    p_idempotency_key: expect.stringMatching(/^[0-9a-f-]{36}$/),
  });
});
