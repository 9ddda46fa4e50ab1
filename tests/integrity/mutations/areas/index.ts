import type { Mutation } from '../mutation.ts';
import { events } from './events.ts';
import { fulfilment } from './fulfilment.ts';
import { guards } from './guards.ts';
import { money } from './money.ts';
import { orders } from './orders.ts';
import { payments } from './payments.ts';
import { receivables } from './receivables.ts';
import { stock } from './stock.ts';

export const AREAS: Record<string, Mutation[]> = {
  money,
  orders,
  stock,
  payments,
  receivables,
  fulfilment,
  events,
  guards,
};
