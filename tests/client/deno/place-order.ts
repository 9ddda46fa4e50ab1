import { createClient } from '@supabase/supabase-js';
import { createOrderLedger, LedgerError } from '../../../types/index.ts';

// Places two orders on the server that the first argument names, and prints what came of them.
// Nothing of node: is imported, as nothing of the client may: the same file would run in a browser.
const { Deno } = globalThis as unknown as { Deno: { args: string[] } };
const [url = '', variantId = ''] = Deno.args;
const supabase = createClient(url, 'sb_publishable_test', { auth: { persistSession: false } });
const ledger = createOrderLedger(supabase, { retryDelay: 1 });
const order = { items: [{ variantId, quantity: 2 }] };

const placed = await ledger.placeOrder(order);
const refused: unknown = await ledger.placeOrder(order).catch((error: unknown) => error);
console.log(
  JSON.stringify({
    placed,
    refused: refused instanceof LedgerError && { code: refused.code, details: refused.details },
  }),
);
