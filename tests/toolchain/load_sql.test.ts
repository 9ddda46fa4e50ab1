import { join } from 'node:path';
import { expect, test } from 'vitest';
import { listSqlFiles } from '../../local/database/sql-files.ts';
import { databaseFromSql } from '../../local/tools/diff/scratch.ts';
import { testServer } from '../support/server.ts';
import { scratchProject } from './scratch-project.ts';

test('files come in the order of the list, globs by name, data files last', () => {
  const { root } = scratchProject({
    'sql/load-order.txt': 'b/base.sql # first\n\nb/*.sql\na/*.sql\n*/*.data.sql\n',
    'sql/a/one.sql': '',
    'sql/a/rows.data.sql': '',
    'sql/b/base.sql': '',
    'sql/b/aaa.sql': '',
  });
  expect(listSqlFiles(join(root, 'sql'))).toEqual({
    structure: ['b/base.sql', 'b/aaa.sql', 'a/one.sql'],
    data: ['a/rows.data.sql'],
  });
});

test('a file that no line names is an error', () => {
  const { root } = scratchProject({
    'sql/load-order.txt': 'a/one.sql\n',
    'sql/a/one.sql': '',
    'sql/a/two.sql': '',
  });
  expect(() => listSqlFiles(join(root, 'sql'))).toThrow('does not name a/two.sql');
});

test('a line that names nothing is an error', () => {
  const { root } = scratchProject({ 'sql/load-order.txt': 'a/one.sql\n' });
  expect(() => listSqlFiles(join(root, 'sql'))).toThrow('nothing is named a/one.sql');
});

test('an error names file and line, after characters of any width', async () => {
  const { root } = scratchProject({
    'sql/load-order.txt': 'a/one.sql\n',
    'sql/a/one.sql': `-- ä 😀
create schema things; /* ü
*/
create table things.a (id int);

create table things.b (
  id int,
  name txet
);
`,
  });
  await expect(databaseFromSql(testServer(), 'load_sql_error', root)).rejects.toThrow(
    /one\.sql:8: type "txet" does not exist/,
  );
});
