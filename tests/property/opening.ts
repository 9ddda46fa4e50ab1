import type { Call } from './model/calls.ts';
import type { World } from './world.ts';

/** How a shop opens: goods arrive, three of four customers have money, and Ann has brought Bob. */
export function* opening({ people, variants, shop }: World): Generator<Call> {
  const actor = 'service_role';
  for (const [index, id] of variants.entries()) {
    const args = { p_variant_id: id, p_quantity: BigInt(12 + 6 * index) };
    yield { procedure: 'ledger_adjust_stock', actor, args };
  }
  const deposits = [
    { p_user_id: people.ann, p_amount: 160_000n },
    { p_user_id: people.bob, p_amount: 90_000n },
    { p_user_id: people.bob, p_amount: 20_000n, p_currency: 'EUR' },
    { p_user_id: people.cem, p_amount: 12_000n },
  ];
  for (const args of deposits) yield { procedure: 'ledger_credit_account', actor, args };
  const code = shop.people.get(people.ann)?.referralCode ?? '';
  const args = { p_referral_code: code, p_user_id: people.bob };
  yield { procedure: 'ledger_register_referral', actor, args };
}
