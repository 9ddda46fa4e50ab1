import { createReadStream, createWriteStream, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { History } from './chain.ts';
import { eventsOf, type SealedDatabase, sealsOf } from './database.ts';

/** Lines of a file, one in memory at a time. */
async function* linesOf(path: string): AsyncIterable<string> {
  if (!existsSync(path)) throw new Error(`${path} is not there`);
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Infinity });
  for await (const line of lines) if (line !== '') yield line;
}

/** A history from files that `dump` wrote. */
export async function historyFromFiles(sealsPath: string, eventsPath: string): Promise<History> {
  const epochs = new Map<number, number>();
  for await (const seal of sealsOf(linesOf(sealsPath))) {
    const after = epochs.get(seal.epoch) ?? seal.epoch_after_event_id;
    epochs.set(seal.epoch, Math.min(after, seal.epoch_after_event_id));
  }
  return {
    epochs: [...epochs].sort(([a], [b]) => a - b).map(([, after]) => after),
    seals: sealsOf(linesOf(sealsPath)),
    events: eventsOf(linesOf(eventsPath)),
  };
}

/** Writes seals.ndjson and events.ndjson into a folder; answers how many rows of each. */
export async function dumpTo(
  folder: string,
  database: SealedDatabase,
  onRow: (what: string, rows: number) => void,
): Promise<{ seals: number; events: number }> {
  mkdirSync(folder, { recursive: true });
  const newest = await database.newestSeal();
  const write = async (what: string, lines: AsyncIterable<string>) => {
    let rows = 0;
    const counted = async function* () {
      for await (const line of lines) {
        onRow(what, ++rows);
        yield `${line}\n`;
      }
    };
    await pipeline(Readable.from(counted()), createWriteStream(join(folder, `${what}.ndjson`)));
    return rows;
  };
  return {
    seals: await write('seals', database.seals(newest)),
    events: await write('events', database.events(await database.epochs(newest))),
  };
}
