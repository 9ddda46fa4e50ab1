import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeJwt, jwtVerify } from 'jose';
import { expect, test } from 'vitest';
import { createKeys, demoPassword, jwtSecretBytes, loadKeys } from '../../local/keys.ts';
import { closeAtEnd } from '../support/at-end.ts';
import { temporaryFolder } from './support.ts';

closeAtEnd();

test('a data folder keeps its keys, and only its owner may read them', async () => {
  const folder = await temporaryFolder();
  const made = await loadKeys(folder);
  expect(await loadKeys(folder)).toEqual(made);
  expect((await stat(join(folder, 'keys.json'))).mode & 0o777).toBe(0o600);
});

test('no two data folders share a key', async () => {
  const [one, other] = await Promise.all([createKeys(), createKeys()]);
  const values = [...Object.values(one), ...Object.values(other)];
  expect(new Set(values).size).toBe(values.length);
});

test('the tokens of the keys name their roles and are signed with the folder’s secret', async () => {
  const keys = await createKeys();
  await jwtVerify(keys.anonJwt, jwtSecretBytes(keys), { issuer: 'supabase' });
  await jwtVerify(keys.serviceRoleJwt, jwtSecretBytes(keys), { issuer: 'supabase' });
  expect(decodeJwt(keys.anonJwt).role).toBe('anon');
  expect(decodeJwt(keys.serviceRoleJwt).role).toBe('service_role');
});

test('a demo password follows from the folder’s secret and the address', async () => {
  const keys = await createKeys();
  const password = demoPassword(keys, 'admin@order-ledger.test');
  expect(demoPassword(keys, 'admin@order-ledger.test')).toBe(password);
  expect(demoPassword(keys, 'finance@order-ledger.test')).not.toBe(password);
  expect(demoPassword(await createKeys(), 'admin@order-ledger.test')).not.toBe(password);
});
