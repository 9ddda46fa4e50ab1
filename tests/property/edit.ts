import type { Sql } from '../support/connection.ts';
import type { Edit } from './intents.ts';
import { changeSetting, type World } from './world.ts';

/** A hand edit in the dashboard, here and in the model. What was ordered before keeps its prices. */
export async function edit(sql: Sql, world: World, change: Edit): Promise<void> {
  const { shop } = world;
  if ('setting' in change) {
    await changeSetting(sql, change.setting, change.value);
    shop.settings = { ...shop.settings, [change.setting]: change.value };
  } else if ('variant' in change) {
    const id = world.variants[change.variant % world.variants.length] ?? '';
    const variant = shop.variants.get(id);
    if (!variant) throw new Error(`there is no variant ${change.variant}`);
    if ('price' in change) {
      await sql`
        update public.variants set price_amount = ${String(change.price)}::text::bigint where id = ${id}
      `;
      variant.price = change.price;
    } else {
      await sql`update public.variants set is_active = ${change.isActive} where id = ${id}`;
      variant.isActive = change.isActive;
    }
  } else if ('code' in change) {
    const name = world.codes[change.code % world.codes.length] ?? '';
    const code = shop.discountCodes.get(name);
    if (!code) throw new Error(`there is no discount code ${name}`);
    await sql`update public.discount_codes set is_active = ${change.isActive} where code = ${name}`;
    code.isActive = change.isActive;
  } else {
    await sql`
      update public.payment_methods set is_active = ${change.isActive} where code = ${change.method}
    `;
    if (change.isActive) shop.paymentMethods.add(change.method);
    else shop.paymentMethods.delete(change.method);
  }
}
