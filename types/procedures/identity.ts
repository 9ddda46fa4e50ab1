import { z } from 'zod';
import { customerId, id, text } from '../fields.ts';
import type { Procedure } from '../procedure.ts';

export const identity = {
  saveAddress: {
    name: 'ledger_save_address',
    summary: 'Adds an address of the customer, or changes one. Placed orders keep their own copy.',
    answers: 'result',
    takesIdempotencyKey: true,
    input: z.strictObject({
      recipient: text(1, 200, 'Who receives it.'),
      line1: text(1, 300, 'Street and number.'),
      line2: text(0, 300, 'Second address line.').optional(),
      city: text(1, 200, 'City.'),
      region: text(0, 200, 'Region, state or province.').optional(),
      postalCode: text(0, 20, 'Postal code.').optional(),
      country: z
        .string()
        .regex(/^[A-Za-z]{2}$/, { error: 'must be the two letters of ISO 3166-1, such as IQ' })
        .describe('Country, ISO 3166-1 alpha-2.'),
      phone: text(0, 40, 'Phone number.').optional(),
      addressId: id('The address to change; left out, one is added.').optional(),
      userId: customerId.optional(),
    }),
    output: z.object({ addressId: id('The address.') }),
  },

  deleteAddress: {
    name: 'ledger_delete_address',
    summary: 'Removes an address of the customer. Placed orders keep their own copy.',
    answers: 'result',
    takesIdempotencyKey: false,
    doneWhenRefusedOnRepeat: 'address_not_found',
    input: z.strictObject({
      addressId: id('The address to remove.'),
      userId: customerId.optional(),
    }),
    output: z.object({}),
  },

  myPermissions: {
    name: 'my_permissions',
    summary: "The signed-in user's permissions through their roles; none for a customer.",
    answers: 'rows',
    input: z.strictObject({}),
    row: z.string().describe('A permission, such as orders.read.'),
    orderBy: [],
  },
} as const satisfies Record<string, Procedure>;
