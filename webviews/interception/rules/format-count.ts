/** A number of packets short enough for a narrow column: `950`, `1.2K`, `3.4M`. */
export function formatPackets(packets: number, locale?: string): string {
  return formats(locale).short.format(packets);
}

/** The same signs in every language. */
const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** Bytes in the largest decimal unit that leaves at least one whole: `300 B`, `5.3 kB`, `1.2 MB`. */
export function formatBytes(bytes: number, locale?: string): string {
  let power = 0;
  // Divides as long as one decimal would still read 1,000 or more: 999,960 bytes are 1 MB, not 1,000 kB.
  while (power < units.length - 1 && Math.round((bytes / 1000 ** power) * 10) / 10 >= 1000) power += 1;
  return `${formats(locale).decimal.format(bytes / 1000 ** power)} ${units[power]}`;
}

/** Every digit, grouped: what the tooltip shows. */
export function formatExactly(count: number, locale?: string): string {
  return formats(locale).exact.format(count);
}

interface Formats {
  short: Intl.NumberFormat;
  decimal: Intl.NumberFormat;
  exact: Intl.NumberFormat;
}

const made = new Map<string | undefined, Formats>();

/** Making a formatter costs more than formatting a thousand numbers with it. */
function formats(locale: string | undefined): Formats {
  let found = made.get(locale);
  if (!found) {
    found = {
      short: new Intl.NumberFormat(locale, { notation: 'compact', maximumFractionDigits: 1 }),
      decimal: new Intl.NumberFormat(locale, { maximumFractionDigits: 1 }),
      exact: new Intl.NumberFormat(locale),
    };
    made.set(locale, found);
  }
  return found;
}

/**
 * How much of the busiest rule's traffic a rule has seen, 0 to 1. Logarithmic: a rule that met 300 packets stays visible
 * beside one that met 3 million.
 */
export function share(packets: number, most: number): number {
  return packets <= 0 || most <= 0 ? 0 : Math.log1p(packets) / Math.log1p(most);
}
