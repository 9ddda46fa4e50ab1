import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { createApi } from '../../functions/api/app.ts';
import { BACKEND, type Call } from '../support/sessions.ts';
import {
  changeStatus,
  createCustomer,
  createStaff,
  createVariant,
  type OrderRef,
  placed,
  type StaffRole,
  succeed,
} from '../support/shop.ts';
import { startTestApi } from '../support/test-api.ts';
import { createTestDatabase } from '../support/test-database.ts';

export const staffRoles: StaffRole[] = ['admin', 'finance', 'warehouse', 'logistics'];

/** Who asks: by the name of a role, or by their id. */
export type Who = StaffRole | 'customer' | 'other' | 'nobody' | 'backend' | (string & {});

export interface Asking {
  body?: unknown;
  headers?: Record<string, string>;
}

export interface Answered {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: what a test expects of it is what it is
  body: any;
}

export interface Shop {
  db: Awaited<ReturnType<typeof createTestDatabase>>;
  api: Awaited<ReturnType<typeof startTestApi>>;
  people: Record<StaffRole | 'customer' | 'other', string>;
  variant: string;
  /** A request to the REST API, such as `ask('customer', 'GET /orders')`. */
  ask(who: Who, request: string, asking?: Asking): Promise<Answered>;
  /** The same, as it goes over the wire. */
  send(
    who: Who,
    method: string,
    path: string,
    headers: Record<string, string>,
    body: string | undefined,
  ): Promise<{ status: number; headers: Headers; text: string }>;
  /** The same without a person: headers as they are. */
  fetch(request: Request): Promise<Response>;
  /** A paid order of the customer, of 1000 a unit, moved through these statuses. */
  order(options?: { units?: number; of?: string; through?: string[] }): Promise<OrderRef>;
}

/** A shop on a database of its own, with the REST API in this process and the real PostgREST. */
export async function startShop(name: string): Promise<Shop> {
  const db = await createTestDatabase(name);
  const api = await startTestApi(db);
  const rest = createApi({ supabaseUrl: api.url, publishableKey: api.keys.publishableKey });
  const [customer, other, admin, finance, warehouse, logistics, vendor] = await Promise.all([
    createCustomer(db.sql, { balance: 10_000_000 }),
    createCustomer(db.sql, { balance: 10_000_000 }),
    ...(['admin', 'finance', 'warehouse', 'logistics', 'vendor'] as const).map((role) =>
      createStaff(db.sql, role),
    ),
  ] as Promise<string>[]);
  const people = {
    customer,
    other,
    admin,
    finance,
    warehouse,
    logistics,
    vendor,
  } as Shop['people'];
  const variant = await createVariant(db.sql, { stock: 100_000, price: 1000 });

  async function authorization(who: Who): Promise<string | undefined> {
    if (who === 'nobody') return undefined;
    if (who === 'backend') return `Bearer ${api.keys.serviceRoleJwt}`;
    return `Bearer ${await api.token(people[who as StaffRole] ?? who)}`;
  }

  const shop: Shop = {
    db,
    api,
    people,
    variant,
    fetch: async (request) => rest.fetch(request),
    async send(who, method, path, headers, body) {
      const token = await authorization(who);
      const response = await rest.fetch(
        new Request(`http://api.test/api/v1${path}`, {
          method,
          headers: { ...(token !== undefined && { authorization: token }), ...headers },
          ...(body !== undefined && { body }),
        }),
      );
      return { status: response.status, headers: response.headers, text: await response.text() };
    },
    async ask(who, request, { body, headers } = {}) {
      const [method = '', path = ''] = request.split(' ');
      const type = body === undefined ? {} : { 'content-type': 'application/json' };
      const json = body === undefined ? undefined : JSON.stringify(body);
      const { text, ...answer } = await shop.send(who, method, path, { ...type, ...headers }, json);
      return { ...answer, body: text === '' ? undefined : JSON.parse(text) };
    },
    async order({ units = 1, of = customer as string, through = [] } = {}) {
      const order = await placed(db.sql, of, [[variant, units]]);
      let from = 'pending';
      for (const to of through) {
        await succeed(db.sql, changeStatus(BACKEND, order, from, to));
        from = to;
      }
      return order;
    },
  };
  return shop;
}

export const backendCall = (procedure: string, args: Record<string, unknown>): Call => ({
  actor: BACKEND,
  procedure,
  args,
});

export const someKey = () => ({ 'idempotency-key': randomUUID() });

export async function expectBooksInOrder({ db }: Shop): Promise<void> {
  expect(await db.sql`select * from ledger.book_differences()`).toEqual([]);
}
