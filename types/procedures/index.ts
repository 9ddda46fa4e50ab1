import { catalog } from './catalog.ts';
import { identity } from './identity.ts';
import { integrity } from './integrity.ts';
import { ledger } from './ledger.ts';
import { orders } from './orders.ts';
import { payments } from './payments.ts';

/** Every procedure by the name of its method in the client. */
export const procedures = {
  ...identity,
  ...ledger,
  ...catalog,
  ...orders,
  ...payments,
  ...integrity,
};

export type Procedures = typeof procedures;
export type ProcedureMethod = keyof Procedures;
