/** Strings of JSON, or numbers: what is within a string is none. */
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** JSON in which a string is told from a number by its first letter, and a number keeps its digits. */
type Tagged = string | boolean | null | Tagged[] | { [key: string]: Tagged };

export interface CanonicalEvent {
  id: number;
  xid: number;
  /** What of the event goes into its seal: as `ledger.event_canonical` says it. */
  line: string;
}

/** A row that no database wrote so: it was damaged or made by hand. */
export class Unreadable extends Error {}

/** An event as exported (a row of immutable_events as JSON, times in UTC), in its canonical form. */
export function canonicalEvent(row: string): CanonicalEvent {
  const event = parse(row);
  if (event === null || typeof event !== 'object' || Array.isArray(event)) {
    throw new Unreadable(`this is no event: ${row.slice(0, 80)}`);
  }
  const column = (name: string): Tagged => {
    const value = event[`s${name}`];
    if (value === undefined) throw new Unreadable(`an event has no ${name}: ${row.slice(0, 80)}`);
    return value;
  };
  const columns = ['event_type', 'stream_type', 'stream_id', 'account_id', 'payload', 'actor_id'];
  const line = [
    print(column('id')),
    microseconds(String(column('occurred_at')).slice(1)),
    ...[...columns, 'correlation_id', 'causation_id', 'written_by_xid'].map((name) =>
      print(column(name)),
    ),
  ];
  return {
    id: wholeNumber(column('id')),
    xid: wholeNumber(column('written_by_xid')),
    line: `[${line.join(', ')}]`,
  };
}

/** The text that Postgres gives a `jsonb` with this content. */
export const jsonbText = (json: string): string => print(parse(json));

function parse(json: string): Tagged {
  const tagged = json.replace(TOKENS, (token) =>
    token.startsWith('"') ? `"s${token.slice(1)}` : `"n${token}"`,
  );
  try {
    return JSON.parse(tagged);
  } catch {
    throw new Unreadable(`this is no JSON: ${json.slice(0, 80)}`);
  }
}

function print(value: Tagged): string {
  if (typeof value === 'string') {
    return value.startsWith('n') ? numericText(value.slice(1)) : JSON.stringify(value.slice(1));
  }
  if (value === null || typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return `[${value.map(print).join(', ')}]`;
  const members = Object.entries(value)
    .map(([key, member]) => ({ key: Buffer.from(key.slice(1)), member }))
    // shorter keys first, then by bytes
    .sort((a, b) => a.key.length - b.key.length || Buffer.compare(a.key, b.key))
    .map(({ key, member }) => `${JSON.stringify(key.toString())}: ${print(member)}`);
  return `{${members.join(', ')}}`;
}

/** A number as `numeric` prints it: no exponent, digits after the point as they were given. */
function numericText(number: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(number) ?? [];
  const shift = Number(exponent);
  const scale = Math.max(0, fraction.length - shift);
  const digits = (whole + fraction).padEnd(whole.length + Math.max(shift, fraction.length), '0');
  const point = digits.length - scale;
  const filled = point > 0 ? digits : digits.padStart(scale + 1, '0');
  const before = filled.slice(0, filled.length - scale).replace(/^0+(?=\d)/, '');
  const text = scale > 0 ? `${before}.${filled.slice(-scale)}` : before;
  return /[1-9]/.test(text) ? sign + text : text;
}

const TIME = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))?(?:\+00:00|Z)$/;

/** What is at no time has none, as in `ledger.event_canonical`. */
function microseconds(time: string): string {
  if (/^-?infinity$/.test(time)) return 'null';
  const [, second, fraction = ''] = TIME.exec(time) ?? [];
  const milliseconds = Date.parse(`${second}Z`);
  if (Number.isNaN(milliseconds)) throw new Unreadable(`not a time in UTC: ${time}`);
  const micros = BigInt(milliseconds) * 1000n + BigInt(fraction.padEnd(6, '0'));
  return micros.toString();
}

function wholeNumber(value: Tagged): number {
  const number = typeof value === 'string' && value.startsWith('n') ? Number(value.slice(1)) : NaN;
  if (!Number.isSafeInteger(number)) throw new Unreadable(`not a whole number: ${String(value)}`);
  return number;
}
