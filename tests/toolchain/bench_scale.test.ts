import { expect, test } from 'vitest';
import { loadScale } from '../../bench/scale/load.ts';
import { countReadPages } from '../../bench/scale/reads.ts';
import { expectBooksSealed } from '../support/books.ts';
import { connect } from '../support/connection.ts';
import { createTestDatabase } from '../support/test-database.ts';

const db = await createTestDatabase('bench_scale');
const ORDERS = 20_000;

test('a year of orders that was loaded in bulk has every record: the books balance and the seals hold', {
  timeout: 120_000,
}, async () => {
  const admin = connect(db.server.url('supabase_admin', db.name), 1);
  const steps: string[] = [];
  await loadScale(admin, { orders: ORDERS, progress: (_done, _total, what) => steps.push(what) });
  await admin.end();

  const [counted] = await db.sql`
    select (select count(*) from orders) as orders, (select count(*) from order_items) as items,
           (select count(*) from stock_movements where reason = 'order_placed') as movements,
           (select count(*) from orders o where o.status is distinct from (
              select h.status from order_status_history h where h.order_id = o.id order by h.event_id desc limit 1)) as wrong`;
  expect(counted).toEqual({
    orders: ORDERS,
    items: 3 * ORDERS,
    movements: 3 * ORDERS,
    wrong: 0,
  });
  expect(steps).toContain('orders');
  await expectBooksSealed(db.sql);
});

test('what a customer reads touches pages as their own rows are many, and not as the table is large', async () => {
  const found = await countReadPages(db.sql);
  expect(found.length).toBeGreaterThan(30);
  expect(found.filter(({ pages, limit }) => pages > limit)).toEqual([]);
});

test('after the load orders are placed as before', async () => {
  const [answer] = await db.sql`
    select o.success, o.order_number
    from ledger_place_order(
      (select jsonb_build_array(jsonb_build_object('variant_id', id, 'quantity', 1)) from variants order by id limit 1),
      'bank_transfer', p_user_id => (select id from profiles order by id limit 1)) o`;
  expect(answer).toMatchObject({ success: true });
  expect(await db.sql`select * from ledger.book_differences()`).toEqual([]);
});
