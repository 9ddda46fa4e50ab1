import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withConnection } from '../../local/database/bootstrap.ts';
import { PROJECT_ROOT } from '../../local/database/supabase-cli.ts';
import { expectBooksInOrder, sealEverything } from '../support/books.ts';
import { createCustomer, createVariant, placed } from '../support/shop.ts';
import { createTestDatabase } from '../support/test-database.ts';

/** The signed checkpoint: what a database cannot say of itself, and nobody in it can take back. */
const { sql, server, name } = await createTestDatabase('seal_checkpoint');
const folder = mkdtempSync(join(tmpdir(), 'order-ledger-seals-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (path: string) => join(folder, path);
const DATABASE = ['--database-url', server.url('postgres', name)];
const FILES = ['--seals', file('dump/seals.ndjson'), '--events', file('dump/events.ndjson')];

function seals(...args: string[]): Promise<{ code: number; out: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--import', 'tsx', 'local/tools/seals.ts', ...args],
      { cwd: PROJECT_ROOT },
      (error, stdout, stderr) => {
        resolve({ code: error ? Number(error.code) : 0, out: stdout + stderr });
      },
    );
  });
}

const verify = (checkpoint: string, ...source: string[]) =>
  seals(
    ...['verify', '--checkpoint', file(checkpoint), '--public-key', file('public.pem')],
    ...source,
  );

async function shop(orders: number): Promise<void> {
  const customer = await createCustomer(sql, { balance: 10_000 });
  const variant = await createVariant(sql, { stock: 100 });
  for (let n = 0; n < orders; n++) await placed(sql, customer, [[variant, 1]]);
}

/** As a superuser who means it, with the guards off. */
const behindTheGuards = (statements: string) =>
  withConnection(server.url('supabase_admin', name), async (superuser) => {
    await superuser.begin(async (transaction) => {
      for (const table of ['immutable_events', 'event_seals', 'event_fingerprints']) {
        await transaction.unsafe(`alter table public.${table} disable trigger user`);
      }
      await transaction.unsafe(statements);
      for (const table of ['immutable_events', 'event_seals', 'event_fingerprints']) {
        await transaction.unsafe(`
          alter table public.${table} enable trigger rows_come_from_procedures,
            enable always trigger rows_never_change, enable always trigger rows_are_never_truncated`);
      }
    });
  });

const problemsInside = async () => {
  const [row] = await sql`select problems from integrity_verify_seals()`;
  return row?.problems;
};

beforeAll(async () => {
  await shop(3);
  await sql`select ledger.seal_events(4)`;
  await sealEverything(sql);
  const made = await seals(
    ...['keygen', '--key', file('key.pem'), '--public-key', file('public.pem')],
  );
  expect(made).toEqual({ code: 0, out: '' });
  const exported = await seals(
    ...['export', '--key', file('key.pem'), '--out', file('first.json'), ...DATABASE],
  );
  expect(exported.code).toBe(0);
});

test('what was signed holds, from the database and from files, also when more came after it', async () => {
  await shop(2);
  await sealEverything(sql);
  await shop(1);
  expect(await verify('first.json', ...DATABASE)).toMatchObject({ code: 0 });
  expect((await seals('dump', '--out', file('dump'), ...DATABASE)).code).toBe(0);

  const offline = await verify('first.json', ...FILES, '--json');
  expect(offline.code).toBe(0);
  const verdict = JSON.parse(offline.out);
  const [there] = await sql`
    select (select count(*) from event_seals) as seals, (select sum(event_count)::int from event_seals) as "sealedEvents",
      (select count(*) from immutable_events) - (select sum(event_count)::int from event_seals) as "waitingEvents"`;
  expect(verdict).toMatchObject({ ...there, holds: true, problems: [] });
  expect(verdict.waitingEvents).toBeGreaterThan(0);
});

test('a checkpoint that was changed, or signed by somebody else, is told from one that does not hold', async () => {
  const signed = JSON.parse(readFileSync(file('first.json'), 'utf8'));
  signed.checkpoint.eventCount += 1;
  writeFileSync(file('changed.json'), JSON.stringify(signed));
  expect(await verify('changed.json', ...FILES)).toMatchObject({ code: 3 });

  await seals(...['keygen', '--key', file('other.pem'), '--public-key', file('other.pub.pem')]);
  const other = await seals(
    ...['verify', '--checkpoint', file('first.json'), '--public-key', file('other.pub.pem')],
    ...FILES,
  );
  expect(other.code).toBe(3);
  expect(await verify('missing.json', ...FILES)).toMatchObject({ code: 1 });
  expect((await seals(...['keygen', '--key', file('key.pem'), '--public-key', 'x'])).code).toBe(1);
});

test('a line of an exported file that was changed or removed is found without the database', async () => {
  const lines = readFileSync(file('dump/events.ndjson'), 'utf8').trim().split('\n');
  const write = (changed: string[]) => {
    writeFileSync(file('events.ndjson'), `${changed.join('\n')}\n`);
    return verify(
      'first.json',
      '--seals',
      file('dump/seals.ndjson'),
      '--events',
      file('events.ndjson'),
    );
  };
  expect(await write(lines)).toMatchObject({ code: 0 });
  expect(await write(lines.toSpliced(1, 1))).toMatchObject({ code: 2 });
  expect(await write(lines.with(1, (lines[1] ?? '').replace(/"amount": \d/, '$&0')))).toMatchObject(
    { code: lines[1]?.includes('"amount"') ? 2 : 0 },
  );
  expect(
    await write(lines.map((line) => line.replace('order.placed', 'order.placed!'))),
  ).toMatchObject({ code: 2, out: expect.stringContaining('has another hash than its events') });
  const [first = '', ...others] = lines;
  const time = /"occurred_at": "[^"]*"/;
  for (const damaged of [
    [...others, first],
    [first.slice(0, 40), ...others],
    [first.replace(time, '"occurred_at": "infinity"'), ...others],
    [first.replace(time, '"occurred_at": "10000-01-01T00:00:00+00:00"'), ...others],
    [first.replace(time, '"occurred_at": "2026-13-41T00:00:00+00:00"'), ...others],
  ]) {
    expect(await write(damaged)).toMatchObject({ code: 2 });
  }
});

test('a new epoch, as after a restore, continues the chain', async () => {
  await sealEverything(sql);
  await sql`select ledger.start_seal_epoch()`;
  await shop(1);
  await sealEverything(sql);
  expect(await problemsInside()).toEqual([]);
  await seals(...['export', '--key', file('key.pem'), '--out', file('second.json'), ...DATABASE]);
  expect(await verify('first.json', ...DATABASE)).toMatchObject({ code: 0 });
  expect(await verify('second.json', ...DATABASE)).toMatchObject({ code: 0 });
  // a state from before the checkpoint, such as an old backup, is not it
  expect(await verify('second.json', ...FILES)).toMatchObject({
    code: 2,
    out: expect.stringContaining('is not there'),
  });
});

test('a superuser who rewrites an event is named; one who remakes every seal is found by the checkpoint alone', async () => {
  const [event] = await sql<{ id: number }[]>`
    select min(id) as id from immutable_events where event_type = 'order.placed'`;
  await behindTheGuards(
    `update public.immutable_events set payload = payload || '{"rewritten": 1}' where id = ${event?.id}`,
  );
  expect(await problemsInside()).toMatchObject([
    { event_id: event?.id, problem: `event ${event?.id} was changed` },
  ]);

  await behindTheGuards(`
    delete from public.event_seals; delete from public.event_fingerprints;
    select ledger.seal_events(4)`);
  expect(await problemsInside()).toContainEqual(
    expect.objectContaining({ problem: 'seal 1 is another than was told' }),
  );
  await behindTheGuards(`
    delete from public.event_seals; delete from public.event_fingerprints;
    delete from ledger.outbox where type = 'events.sealed';
    select ledger.seal_events(4)`);
  await sealEverything(sql);
  expect(await problemsInside()).toEqual([]);
  await expectBooksInOrder(sql);

  for (const checkpoint of ['first.json', 'second.json']) {
    expect(await verify(checkpoint, ...DATABASE)).toMatchObject({ code: 2 });
  }
  expect((await verify('first.json', ...DATABASE)).out).toContain('history was rewritten');
  expect(await verify('first.json', ...FILES)).toMatchObject({ code: 0 });
});
