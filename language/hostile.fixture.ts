/** Texts that somebody made to hurt, or that a broken program wrote: each as long as an editor still opens at once. */
export const hostile: readonly (readonly [title: string, text: string])[] = [
  ['1 MB on one line', `${head()}  host: ${'a'.repeat(1_000_000)}\n`],
  ['1 MB on one line, in quotes', `${head()}  host: "${'a\\n'.repeat(330_000)}"\n`],
  ['1 MB on one line, with an anchor', `${head()}  host: &a ${'a '.repeat(500_000)}\n`],
  ['1 MB of key', `${head()}  ${'k'.repeat(1_000_000)}: 1\n`],
  ['1 MB of quoted key', `${head()}  "${'k '.repeat(500_000)}": 1\n`],
  ['1 MB of JSON on one line', JSON.stringify({ ...json(), spec: { hosts: many(60_000, (at) => `host-${at}`) } })],
  ['100,000 keys', `${head()}${many(100_000, (at) => `  key-${at}: ${at}\n`).join('')}`],
  ['100,000 keys and an anchor', `${head()}  a: &a b\n${many(100_000, (at) => `  key-${at}: ${at}\n`).join('')}`],
  ['100,000 keys in braces', `${head()}  x: {${many(100_000, (at) => `k${at}: ${at}`).join(', ')}}\n`],
  ['100,000 times the same key', `${head()}${'  host: a\n'.repeat(100_000)}`],
  ['100,000 list items', `${head()}  hosts:\n${many(100_000, (at) => `  - host-${at}\n`).join('')}`],
  ['100,000 labels', `${head().replace('spec:\n', '')}  labels:\n${many(100_000, (at) => `    l${at}: v\n`).join('')}`],
  ['100,000 anchors', `${head()}${many(100_000, (at) => `  k${at}: &a${at} v\n`).join('')}`],
  ['100,000 aliases', `${head()}  a: &a {b: c}\n${many(100_000, (at) => `  k${at}: *a\n`).join('')}`],
  ['100,000 merges', `${head()}  a: &a {b: c}\n${'  <<: *a\n'.repeat(100_000)}`],
  ['100,000 documents', '---\nkind: Pod\n'.repeat(100_000)],
  ['100,000 ends of documents', 'a: b\n...\n'.repeat(100_000)],
  ['100,000 opening brackets', `${head()}  x: ${'['.repeat(100_000)}`],
  ['100,000 opening braces', '{'.repeat(100_000)],
  ['100,000 pairs of brackets', `${head()}  x: ${'['.repeat(100_000)}${']'.repeat(100_000)}\n`],
  ['20,000 dashes', `${head()}  x:\n    ${'- '.repeat(20_000)}a\n`],
  ['100,000 question marks', '? '.repeat(100_000)],
  ['1,000 levels', `${head()}${many(1_000, (at) => `${' '.repeat(at + 2)}k:\n`).join('')}`],
  ['100,000 lines of quoted text', `${head()}  host: "${'a\n  '.repeat(100_000)}"\n`],
  ['100,000 lines of plain text', `${head()}  host: ${'a\n   '.repeat(100_000)}\n`],
  ['100,000 lines of folded text', `${head()}  host: >\n${'    a\n'.repeat(100_000)}`],
  ['100,000 lines of text', `${head()}  host: |\n${'    a\n'.repeat(100_000)}`],
  ['100,000 comments', `${head()}${'  # no\n'.repeat(100_000)}  host: a\n`],
  ['100,000 comments in brackets', `${head()}  x: [\n${'  # no\n'.repeat(100_000)}  ]\n`],
  ['100,000 unclosed quotes', `${head()}${'  a: "\n'.repeat(100_000)}`],
  ['100,000 slips', `${head()}${'  a: b: c\n'.repeat(100_000)}`],
  ['100,000 tabs', `${head()}${'\ta: b\n'.repeat(100_000)}`],
  ['1 MB of line ends', `${'\n'.repeat(1_000_000)}${head()}`],
  ['1 MB of blanks', `${head()}${' '.repeat(1_000_000)}`],
  ['1 MB of blanks before a colon', `${head()}  host${' '.repeat(1_000_000)}: a\n`],
  ['1 MB of braces of templates', `${head()}  host: ${'{{ a }}'.repeat(140_000)}\n`],
  ['1 MB of carriage returns', `${head()}${'\r'.repeat(1_000_000)}`],
  [
    'text with the line ends of Windows',
    `${head()}${many(40_000, (at) => `  key-${at}: "x" # y\n`).join('')}`.replaceAll('\n', '\r\n'),
  ],
  ['an alias bomb', bomb(30, 9)],
  ['an alias bomb just small enough', bomb(5, 9)],
  ['a bomb of merges', mergeBomb()],
  ['an alias of itself', `${head()}  a: &a\n    b: *a\n    c: [*a, *a]\n`],
  ['aliases in a circle', `${head()}  a: &a {b: *b}\n  b: &b {a: *a}\n`],
];

function head(): string {
  return 'apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata:\n  name: "<img src=x onerror=alert(1)>"\nspec:\n';
}

function json(): Record<string, unknown> {
  return { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: { name: 'a' } };
}

function many(count: number, make: (at: number) => string): string[] {
  return Array.from({ length: count }, (_, at) => make(at));
}

function bomb(levels: number, times: number): string {
  const lines = many(levels, (at) => `  a${at + 1}: &a${at + 1} [${Array(times).fill(`*a${at}`).join(', ')}]\n`);
  return `${head()}  a0: &a0 x\n${lines.join('')}`;
}

function mergeBomb(): string {
  const lines = many(
    40,
    (at) => `  a${at + 1}: &a${at + 1}\n    <<: [*a${at}, *a${at}]\n    k${at}: &b${at} {x: *a${at}, y: *a${at}}\n`,
  );
  return `${head()}  a0: &a0 {x: y}\n${lines.join('')}`;
}
