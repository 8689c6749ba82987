import { cutAt, harmless } from '../../mesh/harmless-text.ts';

/** A row of a side bar shows a tenth of that. */
const longestLabel = 300;
const longestLine = 2_000;

/** Text of a cluster's making, on one line and as it is: what cannot be seen is shown as `�`, line ends as spaces. */
export function literalText(text: string, longest = longestLabel): string {
  return harmless(text, longest);
}

/** The same for where the editor draws `$(icon)` in a text: pickers, the status bar. */
export function plainLabel(text: string): string {
  return literalText(text).replaceAll('$(', '$ (');
}

/** The same over several lines, which stay lines. */
export function literalLines(text: string): string {
  return cutAt(text, longestLine)
    .split(/\r\n|\r|\n/)
    .map((line) => literalText(line, longestLine))
    .join('\n');
}
