import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { PROJECT_ROOT } from '../../local/database/supabase-cli.ts';
import { describeDifferences, differences } from '../../local/tools/diff/differences.ts';
import { databaseFromMigrations, databaseFromSql } from '../../local/tools/diff/scratch.ts';
import { makeSnapshot, snapshotFile } from '../../local/tools/generate/snapshot.ts';
import { generateTypes, typesFile } from '../../local/tools/generate/types.ts';
import { adviseOn } from '../../local/tools/lint/advisors.ts';
import { judge, readExceptions } from '../../local/tools/lint/findings.ts';
import { testServer } from '../support/server.ts';

const server = testServer();
const fromSql = await databaseFromSql(server, 'generated_from_sql', PROJECT_ROOT);

test('the migrations make the same database as sql/ (else: npm run db:diff -- NAME)', async () => {
  const migrated = await databaseFromMigrations(server, 'generated_migrated', PROJECT_ROOT);
  const found = await differences(migrated, fromSql, PROJECT_ROOT);
  expect(describeDifferences(found)).toBe('');
});

test('types/database.ts is what sql/ makes (else: npm run db:types)', async () => {
  expect(readFileSync(typesFile(PROJECT_ROOT), 'utf8')).toBe(await generateTypes(fromSql));
});

test('sql/schema.snapshot.sql is what sql/ makes (else: npm run db:snapshot)', async () => {
  expect(readFileSync(snapshotFile(PROJECT_ROOT), 'utf8')).toBe(await makeSnapshot(fromSql));
});

test('the advisors find nothing that supabase/advisors.json does not argue for', async () => {
  const exceptions = readExceptions(PROJECT_ROOT).filter(({ lint }) => lint !== 'plpgsql_check');
  expect(judge(await adviseOn(fromSql), exceptions)).toEqual([]);
});
