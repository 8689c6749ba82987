/** A number of packets short enough for a narrow column: `950`, `1.2K`, `3.4M`. */
export function formatPackets(packets: number, locale?: string): string {
  return new Intl.NumberFormat(locale, { notation: 'compact', maximumFractionDigits: 1 }).format(packets);
}

const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte', 'petabyte'] as const;

/** Bytes in the largest decimal unit that leaves at least one whole: `300 byte`, `5.3 kB`, `1.2 MB`. */
export function formatBytes(bytes: number, locale?: string): string {
  let power = 0;
  // Divides as long as one decimal would still read 1,000 or more: 999,960 bytes are 1 MB, not 1,000 kB.
  while (power < units.length - 1 && Math.round((bytes / 1000 ** power) * 10) / 10 >= 1000) power += 1;
  return new Intl.NumberFormat(locale, {
    style: 'unit',
    unit: units[power],
    unitDisplay: 'short',
    maximumFractionDigits: 1,
  }).format(bytes / 1000 ** power);
}

/** Every digit, grouped: what the tooltip shows. */
export function formatExactly(count: number, locale?: string): string {
  return new Intl.NumberFormat(locale).format(count);
}

/**
 * How much of the busiest rule's traffic a rule has seen, 0 to 1. Logarithmic: a rule that met 300 packets stays visible
 * beside one that met 3 million.
 */
export function share(packets: number, most: number): number {
  return packets <= 0 || most <= 0 ? 0 : Math.log1p(packets) / Math.log1p(most);
}
