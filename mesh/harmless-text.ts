/**
 * What would make text look like other text than it is, or do something: control characters (a terminal's escapes, line
 * ends) and the marks that turn the direction of writing (`nimda` for `admin`).
 */
const harmful = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu;

/** Text of a cluster's making, on one line and as it is: what cannot be seen is shown as `�`, line ends as spaces. */
export function harmless(text: string, longest: number): string {
  return cutAt(text, longest)
    .replace(/[\r\n\t]+/g, ' ')
    .replace(harmful, '\ufffd');
}

/** Cut before anything else looks at it: an annotation may have megabytes. Never within a pair of surrogates. */
export function cutAt(text: string, longest: number): string {
  if (text.length <= longest) return text;
  return `${text.slice(0, longest).replace(/[\ud800-\udbff]$/, '')}…`;
}
