import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { diffToMigration } from '../../local/tools/diff/diff-to-migration.ts';
import { testServer } from '../support/server.ts';
import { scratchProject } from './scratch-project.ts';

const server = testServer();

const shelves = `
  create schema shop;
  create type shop.kind as enum ('low', 'high');
  create table shop.shelves (name text primary key, kind shop.kind not null, made_at timestamptz default now());
`;
const rows = (names: string[]) =>
  `insert into shop.shelves (name, kind) values ${names.map((name) => `('${name}', 'low')`).join(', ')} on conflict do nothing;\n`;

function shop() {
  return scratchProject({
    'sql/load-order.txt': 'shop/shelves.sql\nshop/*.sql\nshop/*.data.sql\n',
    'sql/shop/shelves.sql': shelves,
    'sql/shop/shelves.data.sql': rows(['a']),
  });
}

/** The same with its first migration written already. */
function migratedShop() {
  const project = shop();
  project.write('supabase/migrations/20250101000000_first.sql', shelves + rows(['a']));
  return project;
}

const migrationsOf = (root: string) => readdirSync(join(root, 'supabase', 'migrations')).sort();

test('the first migration is sql/ itself, and after it there is no difference', async () => {
  const { root } = shop();
  const first = await diffToMigration(server, root, 'first');
  expect(first.remaining).toBe('');
  expect(readFileSync(first.path ?? '', 'utf8')).toContain(shelves.trim());

  expect(await diffToMigration(server, root, 'nothing')).toEqual({ remaining: '' });
  expect(migrationsOf(root)).toHaveLength(1);
});

test('a later migration holds what changed: schema, privileges and reference rows', async () => {
  const { root, write } = migratedShop();
  write('sql/shop/shelves.data.sql', rows(['a', 'b']));
  write(
    'sql/shop/view.sql',
    `create view public.shelf_names with (security_invoker = true) as select name from shop.shelves;
     revoke all on public.shelf_names from anon, authenticated, service_role;
     grant select on public.shelf_names to authenticated;
     comment on view public.shelf_names is 'names';`,
  );
  const second = await diffToMigration(server, root, 'second');
  expect(second.remaining).toBe('');
  const text = readFileSync(second.path ?? '', 'utf8');
  expect(text).toContain('shelf_names');
  expect(text).toContain("('b', 'low')");
  expect(text).not.toContain('create table shop.shelves');
  expect(text, 'PostgreSQL 15 has no such privilege').not.toContain('MAINTAIN');
});

test('rows that refuse hands are changed by a migration all the same', async () => {
  const { root, write } = migratedShop();
  const guard = `
    create function shop.refuse() returns trigger language plpgsql as
      $$ begin raise exception 'by hand'; end $$;
    create trigger rows_stay before update on shop.shelves for each row
      when (coalesce(current_setting('ledger.procedure', true), '') = '') execute function shop.refuse();
  `;
  write('supabase/migrations/20250102000000_guard.sql', guard);
  write('sql/shop/shelves_guard.sql', guard);
  write(
    'sql/shop/shelves.data.sql',
    rows(['a'])
      .replace('low', 'high')
      .replace('do nothing', '(name) do update set kind = excluded.kind'),
  );
  const third = await diffToMigration(server, root, 'third');
  expect(third.remaining).toBe('');
  expect(readFileSync(third.path ?? '', 'utf8')).toMatch(/reset ledger\.procedure;\s*$/);
});

test('fields of a composite type in another order are said: rows are made of them by position', async () => {
  const { root, write } = migratedShop();
  const fields = (names: string[]) =>
    `create type shop.answer as (${names.map((name) => `${name} text`).join(', ')});`;
  write('supabase/migrations/20250102000000_second.sql', fields(['code', 'words', 'amount']));
  write('sql/shop/answer.sql', fields(['code', 'amount', 'words']));
  const third = await diffToMigration(server, root, 'third');
  expect(third.remaining).toContain(
    'only in sql/: shop.answer has the columns code, amount, words',
  );
});

test('what no statement was written for is said and not passed over', async () => {
  const { root, write } = migratedShop();
  write('sql/shop/shelves.data.sql', rows(['a']).replace('low', 'high'));
  write(
    'sql/shop/statistics.sql',
    'alter table shop.shelves alter column name set statistics 500;',
  );
  const { remaining } = await diffToMigration(server, root, 'second');
  expect(remaining).toContain('rows differ: sql/shop/shelves.data.sql');
  expect(remaining).toContain('only in sql/: shop.shelves.name has statistics target 500');
});
