import { expect, test } from 'vitest';
import { startTestApi } from './test-api.ts';
import { createTestDatabase } from './test-database.ts';

const db = await createTestDatabase('harness');
const api = await startTestApi(db);

test('a caller speaks with their role and id, and only until the transaction ends', async () => {
  const userId = await db.createUser();
  const who = await db.asUser(userId, (sql) => sql`select auth.uid() as id, current_user as role`);
  expect(who).toEqual([{ id: userId, role: 'authenticated' }]);
  const [after] = await db.sql`select auth.uid() as id, current_user as role`;
  expect(after).toEqual({ id: null, role: 'postgres' });
});

test('a session keeps its caller from one transaction to the next', async () => {
  const session = await db.session('service_role');
  await session`begin`;
  await session`commit`;
  const [who] = await session`select current_user as role, auth.role() as claimed`;
  expect(who).toEqual({ role: 'service_role', claimed: 'service_role' });
});

test('a bigint is a number, and one that no number can hold is an error', async () => {
  const [row] = await db.sql`select 9007199254740991::bigint as amount`;
  expect(row).toEqual({ amount: Number.MAX_SAFE_INTEGER });
  await expect(db.sql`select 9007199254740993::bigint`).rejects.toThrow('does not fit');
});

test('the API serves the database of this file', async () => {
  const userId = await db.createUser();
  const client = await api.user(userId);
  const { error } = await client.from('accounts').select('id');
  expect(error).toBeNull();
});
