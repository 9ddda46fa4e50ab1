/** A string of JSON, or a number: what is within a string is none. */
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/**
 * JSON as postgres.js should read it. Sums are minor units and may be more than a double holds; a whole number
 * that would come out as another one is kept as a text.
 */
export const exactJson = {
  to: 3802,
  from: [114, 3802],
  serialize: JSON.stringify,
  parse: (text: string): unknown =>
    JSON.parse(text.replace(TOKENS, (token) => (isInexact(token) ? `"${token}"` : token))),
};

const isInexact = (token: string): boolean =>
  /^-?\d+$/.test(token) && !Number.isSafeInteger(Number(token));
