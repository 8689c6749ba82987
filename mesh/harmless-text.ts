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

/** What stands in it as in {@link harmful}, but for line ends and tabs: the text of a file stays a text of lines. */
const harmfulInText =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu;

/** A copy of plain data in which no text hides anything; keys stay as they are. What hides nothing is not copied. */
export function harmlessData<T>(data: T): T {
  if (typeof data === 'string') return data.replace(harmfulInText, '\ufffd') as T;
  if (typeof data !== 'object' || data === null) return data;
  if (Array.isArray(data)) {
    const items = data.map((item: unknown) => harmlessData(item));
    return items.every((item, at) => item === data[at]) ? data : (items as T);
  }
  const entries = Object.entries(data).map(([key, value]: [string, unknown]) => [key, harmlessData(value)] as const);
  return entries.every(([key, value]) => value === (data as Record<string, unknown>)[key])
    ? data
    : (Object.fromEntries(entries) as T);
}
