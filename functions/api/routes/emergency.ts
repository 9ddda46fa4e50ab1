import { emergency } from '../../../types/procedures/emergency.ts';
import type { Api } from '../context.ts';
import { customerOf } from '../customer-of-order.ts';
import { procedureEndpoint } from '../procedure-endpoint.ts';
import { theOrder } from '../subject.ts';
import { onTheWire } from '../wire.ts';

/** Also at the path that source 000 gives it, without a version. */
export function addEmergencyFix(api: Api): void {
  procedureEndpoint(api, {
    method: 'post',
    path: '/admin/emergency-order-fix',
    operationId: 'emergencyOrderFix',
    tag: 'Management',
    summary: 'Put orders right that were broken in an older system. For admins.',
    procedure: emergency.emergencyOrderFix,
    example: { order_numbers: ['M2511133', 'M2511135'], dry_run: true },
  });
}

export function addEmergencyRoutes(api: Api): void {
  addEmergencyFix(api);
  procedureEndpoint(api, {
    method: 'post',
    path: '/orders/{order_id}/wallet-payments',
    operationId: 'payOrderFromWallet',
    tag: 'Money',
    summary: 'Pay what is due for an order from the wallet.',
    procedure: emergency.payOrderFromWallet,
    subject: theOrder,
    body: {
      schema: onTheWire(emergency.payOrderFromWallet.input).omit({ order_id: true, user_id: true }),
      toArguments: (body) => body,
    },
    lookUp: customerOf,
    status: 201,
    example: { amount: 1200 },
  });
}
