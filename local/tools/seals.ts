import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { z } from 'zod';
import { PROJECT_ROOT } from '../database/supabase-cli.ts';
import { Unreadable } from './seals/canonical.ts';
import {
  isSignedBy,
  signCheckpoint,
  signedCheckpoint,
  verifyCheckpoint,
} from './seals/checkpoint.ts';
import { checkpointOf, historyOf, openDatabase, type SealedDatabase } from './seals/database.ts';
import { dumpTo, historyFromFiles } from './seals/files.ts';

const EXIT_CODES = `
Exit codes: 0 all is as it was; 2 history does not lead to the checkpoint, does not hold by itself, or cannot be read;
3 the checkpoint was not signed with this key; 1 it could not be done.`;

interface Source {
  databaseUrl?: string;
}

const databaseOption = () =>
  new Option('--database-url <url>', 'the database (default: the running local stack)');
const jsonOption = () => new Option('--json', 'print the result as JSON').default(false);

function databaseUrl({ databaseUrl }: Source): string {
  if (databaseUrl !== undefined) return databaseUrl;
  const path = join(PROJECT_ROOT, '.data', 'stack.json');
  if (!existsSync(path)) {
    throw new Error('no stack was started here: npm start, or say --database-url');
  }
  return z.object({ database_url: z.string() }).parse(JSON.parse(readFileSync(path, 'utf8')))
    .database_url;
}

async function withDatabase<T>(flags: Source, work: (database: SealedDatabase) => Promise<T>) {
  const database = openDatabase(databaseUrl(flags));
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

/** Now and then, on stderr. */
function progress(what: string): (count: number) => void {
  let last = Date.now();
  return (count) => {
    if (Date.now() - last < 2000) return;
    last = Date.now();
    console.error(`${what} ${count.toLocaleString('en')}`);
  };
}

/** Never over something that is there. */
const writeNew = (path: string, content: string, mode = 0o644) =>
  writeFileSync(path, content, { flag: 'wx', mode });

const command = new Command('seals')
  .description('Signs the newest seal over the events, and verifies history against it elsewhere.')
  .addHelpText('after', EXIT_CODES);

command
  .command('keygen')
  .description(
    'make an Ed25519 key pair; the private key stays with who signs, never in the database',
  )
  .requiredOption('--key <file>', 'where to write the private key')
  .requiredOption('--public-key <file>', 'where to write the public key')
  .action(({ key, publicKey }: { key: string; publicKey: string }) => {
    const pair = generateKeyPairSync('ed25519');
    writeNew(key, pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 0o600);
    writeNew(publicKey, pair.publicKey.export({ type: 'spki', format: 'pem' }).toString());
  });

command
  .command('export')
  .description('sign the newest seal')
  .requiredOption('--key <file>', 'the private key')
  .requiredOption('--out <file>', 'where to write the checkpoint; never over an older one')
  .addOption(databaseOption())
  .action(async (flags: Source & { key: string; out: string }) => {
    const content = await withDatabase(flags, checkpointOf);
    const signed = signCheckpoint(content, createPrivateKey(readFileSync(flags.key)));
    writeNew(flags.out, `${JSON.stringify(signed, null, 2)}\n`);
    console.log(`${flags.out}: seal ${content.sealNumber} over ${content.eventCount} events`);
  });

command
  .command('dump')
  .description('write seals.ndjson and events.ndjson, to be verified without the database')
  .requiredOption('--out <folder>', 'where to write them')
  .addOption(databaseOption())
  .action(async (flags: Source & { out: string }) => {
    const say = { seals: progress('seals'), events: progress('events') };
    const rows = await withDatabase(flags, (database) =>
      dumpTo(flags.out, database, (what, count) =>
        (what === 'seals' ? say.seals : say.events)(count),
      ),
    );
    console.log(`${flags.out}: ${rows.seals} seals, ${rows.events} events`);
  });

interface VerifyFlags extends Source {
  checkpoint: string;
  publicKey: string;
  seals?: string;
  events?: string;
  json: boolean;
}

command
  .command('verify')
  .description('recompute every seal from its events and compare with a checkpoint')
  .requiredOption('--checkpoint <file>', 'the checkpoint')
  .requiredOption('--public-key <file>', 'the public key of who signed it')
  .addOption(databaseOption().conflicts(['seals', 'events']))
  .option('--seals <file>', 'seals.ndjson, instead of a database')
  .option('--events <file>', 'events.ndjson')
  .addOption(jsonOption())
  .addHelpText('after', EXIT_CODES)
  .action(async (flags: VerifyFlags) => {
    const signed = signedCheckpoint.parse(JSON.parse(readFileSync(flags.checkpoint, 'utf8')));
    if (!isSignedBy(signed, createPublicKey(readFileSync(flags.publicKey)))) {
      console.error(`${flags.checkpoint} was not signed with this key, or was changed since`);
      process.exitCode = 3;
      return;
    }
    const { seals, events } = flags;
    if ((seals === undefined) !== (events === undefined)) {
      throw new Error('say both --seals and --events, or neither');
    }
    const verify = async (history: Awaited<ReturnType<typeof historyOf>>) =>
      verifyCheckpoint(signed.checkpoint, history, progress('seal'));
    const verdict =
      seals !== undefined && events !== undefined
        ? await verify(await historyFromFiles(seals, events))
        : await withDatabase(flags, async (database) => verify(await historyOf(database)));
    if (flags.json) console.log(JSON.stringify(verdict, null, 2));
    else {
      const { database, sealedAt, sealNumber } = signed.checkpoint;
      console.log(`checkpoint of database ${database}, seal ${sealNumber} of ${sealedAt}`);
      for (const { sealNumber, problem } of verdict.problems.slice(0, 100)) {
        console.log(`seal ${sealNumber ?? '-'}: ${problem}`);
      }
      console.log(
        `${verdict.seals} seals, ${verdict.sealedEvents} events, ${verdict.waitingEvents} not sealed yet: ${
          verdict.holds ? `all as it was at seal ${signed.checkpoint.sealNumber}` : 'NOT as it was'
        }`,
      );
    }
    process.exitCode = verdict.holds ? 0 : 2;
  });

try {
  await command.parseAsync();
} catch (error) {
  console.error(
    process.env.DEBUG ? error : `seals: ${error instanceof Error ? error.message : error}`,
  );
  process.exitCode = error instanceof Unreadable ? 2 : 1;
}
