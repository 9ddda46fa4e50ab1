/** Currencies without decimals at Stripe; the others have two, or are named below. */
const WITHOUT_DECIMALS = new Set(
  'BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF'.split(' '),
);

const WITH_THREE_DECIMALS = new Set('BHD JOD KWD OMR TND'.split(' '));

/**
 * How many decimals Stripe's amounts of a currency have. That is Stripe's own list and not ISO 4217: ISK and UGX
 * have two there although nobody pays fractions of them, and so has what neither list names, which is why the
 * database is told and turns the amount into minor units of ours.
 */
export function decimalsAtStripe(currency: string): number {
  const code = currency.toUpperCase();
  if (WITHOUT_DECIMALS.has(code)) return 0;
  return WITH_THREE_DECIMALS.has(code) ? 3 : 2;
}
