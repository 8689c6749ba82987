/** A number with a unit, as Go writes durations: `1.5h`, `300ms`; several may follow each other. */
const part = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;
const milliseconds: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1e3,
  m: 6e4,
  h: 3.6e6,
};
/** Go counts nanoseconds in 63 bits: a little more than 292 years. */
const longest = 2 ** 63 / 1e6;

/**
 * Reads a duration as Istio does (the grammar of Go): `5s`, `1m30s`, `0.5s`, `-1s`, `0`.
 * @returns milliseconds; undefined when it is no duration, as `5`, `5 s` and `5sec` are none.
 */
export function parseDuration(text: string): number | undefined {
  const digits = text.replace(/^[-+]/, '');
  if (digits === '0') return 0;
  let sum = 0;
  part.lastIndex = 0;
  while (part.lastIndex < digits.length) {
    const found = part.exec(digits);
    if (!found) return undefined;
    sum += Number(found[1]) * milliseconds[found[2]!]!;
  }
  if (digits === '' || sum > longest) return undefined;
  return text.startsWith('-') ? -sum : sum;
}
