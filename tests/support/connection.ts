import postgres from 'postgres';

/** Money is below 2^53, so a JavaScript number holds it; whatever does not fit is a bug. */
function exactNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new Error(`${text} does not fit a JavaScript number`);
  return value;
}

const options = {
  onnotice: () => {},
  types: { bigint: { to: 20, from: [20], serialize: String, parse: exactNumber } },
};

export type Sql = postgres.Sql<{ bigint: number }>;
export type Transaction = postgres.TransactionSql<{ bigint: number }>;

/** Connections as the tests want them: bigint as number, no notices. */
export function connect(url: string, max = 10): Sql {
  return postgres(url, { ...options, max });
}
