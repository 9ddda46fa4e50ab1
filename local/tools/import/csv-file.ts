import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline, Readable, Transform } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { CsvError, parse } from 'csv-parse';

/** One row of a file as it is: every cell a text, by the name of its column. */
export type Row = Record<string, string>;

export interface Batch {
  /** Number of the first row; rows are counted from 1, without the header. */
  firstRow: number;
  rows: Row[];
  /** How far into the file this batch reaches, as it lies on the disk. */
  bytes: number;
}

export interface CsvFile {
  columns: string[];
  size: number;
  batches(): AsyncGenerator<Batch>;
}

const BATCH_ROWS = 2000;
const BATCH_CHARACTERS = 4_000_000;
/** A quote that is never closed would swallow the rest of the file. */
const MAX_RECORD = 1_000_000;

/**
 * Opens a CSV of any size: with or without BOM, plain or gzipped (a name that ends in .gz). It is
 * read as its batches are asked for, so what is in memory does not grow with it.
 */
export async function openCsv(path: string, delimiter = ','): Promise<CsvFile> {
  const { size } = await stat(path);
  const first = await readHeader(path, delimiter);
  return {
    columns: first,
    size,
    async *batches() {
      const read = { bytes: 0 };
      let batch: Row[] = [];
      let characters = 0;
      let firstRow = 1;
      for await (const { record, info } of records(path, delimiter, read)) {
        if (info.records === 1) continue;
        const row = asRow(first, record, info.lines);
        batch.push(row);
        characters += record.reduce((sum, cell) => sum + cell.length, 0);
        if (batch.length === BATCH_ROWS || characters > BATCH_CHARACTERS) {
          yield { firstRow, rows: batch, bytes: read.bytes };
          firstRow += batch.length;
          batch = [];
          characters = 0;
        }
      }
      if (batch.length > 0) yield { firstRow, rows: batch, bytes: read.bytes };
    },
  };
}

async function readHeader(path: string, delimiter: string): Promise<string[]> {
  for await (const { record } of records(path, delimiter, { bytes: 0 })) {
    const header = record.map((name) => name.trim());
    const twice = header.find((name, place) => header.indexOf(name) !== place);
    if (header.includes('')) throw new Error(`${path}: a column of the header has no name`);
    if (twice !== undefined) throw new Error(`${path}: the header names "${twice}" twice`);
    return header;
  }
  throw new Error(`${path} is empty: its first line should name the columns`);
}

interface Parsed {
  record: string[];
  info: { lines: number; records: number };
}

async function* records(
  path: string,
  delimiter: string,
  read: { bytes: number },
): AsyncGenerator<Parsed> {
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      read.bytes += chunk.length;
      done(null, chunk);
    },
  });
  const parser = parse({
    delimiter,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: MAX_RECORD,
    info: true,
  });
  const file = createReadStream(path);
  const bytes = path.endsWith('.gz')
    ? pipeline(file, counted, createGunzip(), ignore)
    : pipeline(file, counted, ignore);
  const texts = pipeline(Readable.from(decoded(bytes, path)), parser, ignore);
  let lastLine = 0;
  try {
    for await (const parsed of texts) {
      lastLine = (parsed as Parsed).info.lines;
      yield parsed as Parsed;
    }
  } catch (error) {
    throw explained(error, path, lastLine);
  } finally {
    file.destroy();
  }
}

/** Errors come out of the iteration. */
function ignore(): void {}

async function* decoded(bytes: AsyncIterable<Buffer>, path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let offset = 0;
  const decode = (chunk?: Buffer) => {
    try {
      return decoder.decode(chunk, { stream: chunk !== undefined });
    } catch {
      throw new Error(
        `${path} is not UTF-8 (after byte ${offset}): save it as UTF-8, or convert it with iconv`,
      );
    }
  };
  for await (const chunk of bytes) {
    yield decode(chunk);
    offset += chunk.length;
  }
  yield decode();
}

function asRow(columns: string[], record: string[], line: number): Row {
  if (record.length !== columns.length) {
    throw new Error(
      `line ${line} has ${record.length} columns, the header has ${columns.length}: nothing after it was read`,
    );
  }
  const nul = record.findIndex((cell) => cell.includes('\0'));
  if (nul >= 0) throw new Error(`line ${line}: "${columns[nul]}" contains a NUL character`);
  return Object.fromEntries(columns.map((name, place) => [name, record[place] ?? '']));
}

function explained(error: unknown, path: string, lastLine: number): unknown {
  if (error instanceof CsvError) {
    if (error.code === 'CSV_QUOTE_NOT_CLOSED' || error.code === 'CSV_MAX_RECORD_SIZE') {
      return new Error(
        `${path}, line ${lastLine + 1}: a quote is opened in the row that begins here and never closed. Nothing after this line was read.`,
      );
    }
    return new Error(
      `${path}, line ${error.lines}: ${error.message}. Nothing after this line was read.`,
    );
  }
  if (error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')) {
    return new Error(`${path} is named .gz and is not gzip: ${error.message}`);
  }
  return error;
}
