import { alerts } from './alerts.ts';
import { allocations } from './allocations.ts';
import { bulk } from './bulk.ts';
import { cards } from './cards.ts';
import { catalog } from './catalog.ts';
import { drafts } from './drafts.ts';
import { emergency } from './emergency.ts';
import { fulfilment } from './fulfilment.ts';
import { grace } from './grace.ts';
import { identity } from './identity.ts';
import { imports } from './imports.ts';
import { integrity } from './integrity.ts';
import { invoices } from './invoices.ts';
import { kpis } from './kpis.ts';
import { ledger } from './ledger.ts';
import { marketplace } from './marketplace.ts';
import { orders } from './orders.ts';
import { payments } from './payments.ts';
import { privacy } from './privacy.ts';
import { receipts } from './receipts.ts';
import { repairs } from './repairs.ts';
import { replay } from './replay.ts';
import { reports } from './reports.ts';
import { reservations } from './reservations.ts';
import { seals } from './seals.ts';

/** Every procedure by the name of its method in the client. */
export const procedures = {
  ...identity,
  ...ledger,
  ...catalog,
  ...orders,
  ...bulk,
  ...drafts,
  ...reservations,
  ...payments,
  ...cards,
  ...invoices,
  ...receipts,
  ...allocations,
  ...grace,
  ...imports,
  ...fulfilment,
  ...marketplace,
  ...reports,
  ...kpis,
  ...privacy,
  ...alerts,
  ...integrity,
  ...repairs,
  ...replay,
  ...seals,
  ...emergency,
};

export type Procedures = typeof procedures;
export type ProcedureMethod = keyof Procedures;
