import type { Api } from '../context.ts';
import { addBulkRoutes } from './bulk.ts';
import { addCheckoutRoutes } from './checkout.ts';
import { addDraftRoutes } from './drafts.ts';
import { addEmergencyRoutes } from './emergency.ts';
import { addErrorRoutes } from './errors.ts';
import { addFulfilmentRoutes } from './fulfilment.ts';
import { addItemRoutes } from './items.ts';
import { addMoneyRoutes } from './money.ts';
import { addOrderLists } from './order-lists.ts';
import { addOrderStatusRoutes } from './order-status.ts';
import { addOrderRoutes } from './orders.ts';
import { addReportRoutes } from './reports.ts';
import { addVendorRoutes } from './vendor.ts';

/** Named paths come before those with a parameter in the same place. */
export function addRoutes(api: Api): void {
  addOrderLists(api);
  addReportRoutes(api);
  addVendorRoutes(api);
  addBulkRoutes(api);
  addCheckoutRoutes(api);
  addDraftRoutes(api);
  addOrderRoutes(api);
  addOrderStatusRoutes(api);
  addItemRoutes(api);
  addFulfilmentRoutes(api);
  addMoneyRoutes(api);
  addEmergencyRoutes(api);
  addErrorRoutes(api);
}
