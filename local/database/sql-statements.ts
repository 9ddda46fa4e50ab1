import { parse, type SqlError } from 'libpg-query';

export interface Statement {
  text: string;
  /** The line of the file on which it starts. */
  line: number;
}

const lineOf = (text: string) => text.split('\n').length;

/** The statements of a file, as PostgreSQL's own parser tells them apart. */
export async function splitStatements(path: string, text: string): Promise<Statement[]> {
  const bytes = Buffer.from(text, 'utf8'); // the parser counts bytes
  const slice = (from: number, to?: number) => bytes.subarray(from, to).toString('utf8');
  const { stmts = [] } = await parseFile(path, text);
  return stmts.map(({ stmt_location: from = 0, stmt_len: length }) => {
    const raw = slice(from, length === undefined ? undefined : from + length);
    const lead = /^(\s|--[^\n]*(\n|$)|\/\*[\s\S]*?\*\/)*/.exec(raw)?.[0] ?? '';
    return { text: raw.slice(lead.length), line: lineOf(slice(0, from) + lead) };
  });
}

interface ParseResult {
  stmts?: { stmt_location?: number; stmt_len?: number }[];
}

async function parseFile(path: string, text: string): Promise<ParseResult> {
  try {
    return (await parse(text)) as ParseResult;
  } catch (error) {
    const details = (error as SqlError).sqlDetails;
    if (!details) throw error;
    const line = lineOf(text.slice(0, details.cursorPosition));
    throw new Error(`${path}:${line}: ${details.message}`, { cause: error });
  }
}
