import fc from 'fast-check';

/** Text as it is while somebody types, pastes, cuts and merges: samples with pieces lost, inserted, repeated and mixed. */
export function mutated(samples: readonly string[]): fc.Arbitrary<string> {
  const text = fc.constantFrom(...samples);
  const insertion = fc.oneof(
    fc.constantFrom(...'{}[]:-*&!|>"\'#%@`,\t\n\r?~< \\.0_'),
    fc.string({ maxLength: 8 }),
    fc.constantFrom(...insertions),
  );
  const cut = fc.tuple(text, fc.nat()).map(([sample, at]) => sample.slice(0, at % (sample.length + 1)));
  const removed = fc
    .tuple(text, fc.nat(), fc.nat({ max: 30 }))
    .map(([sample, at, length]) => sample.slice(0, at % sample.length) + sample.slice((at % sample.length) + length));
  const inserted = fc.tuple(text, fc.nat(), insertion).map(([sample, at, piece]) => insert(sample, at, piece));
  const edited = fc
    .tuple(text, fc.array(fc.tuple(fc.nat(), insertion, fc.nat({ max: 4 })), { minLength: 2, maxLength: 5 }))
    .map(([sample, edits]) => edits.reduce((typed, [at, piece, lost]) => insert(typed, at, piece, lost), sample));
  const mixed = fc.tuple(text, text, fc.nat()).map(([a, b, at]) => a.slice(0, at % a.length) + b);
  const movedLines = fc.tuple(text, fc.nat(), fc.nat(), fc.nat({ max: 6 })).map(([sample, from, to, indent]) => {
    const lines = sample.split('\n');
    const [line = ''] = lines.splice(from % lines.length, 1);
    lines.splice(to % (lines.length + 1), 0, ' '.repeat(indent) + line.trimStart());
    return lines.join('\n');
  });
  const encoded = fc.tuple(text, fc.constantFrom(...encodings)).map(([sample, encode]) => encode(sample));
  return fc.oneof(cut, removed, inserted, edited, mixed, movedLines, encoded, fc.string({ maxLength: 200 }));
}

const insertions = [
  ...[
    '---\n',
    '...\n',
    '\n---\n',
    '<<: *a',
    '<<: {a: b}',
    '- - -',
    '%YAML 9\n',
    '\ud800',
    '\u0085',
    '\u2028',
    '\ufeff',
  ],
  ...[
    '{{',
    '{{ .Values.x }}',
    '{{- end }}',
    ': ',
    ' #',
    '# c\n',
    '\n\n',
    '\n  ',
    '\n# c\n',
    ': |\n',
    ': >-\n',
    '|+',
    ' "',
    "''",
  ],
  ...[
    '&a ',
    '*a',
    '!!str ',
    '? ',
    '- ',
    '-\n',
    'on: ',
    '~: ',
    '\\u0041',
    '\\"',
    '0x1F',
    '1e3',
    '.inf',
    'null',
    '<b>&amp;',
  ],
];

const encodings: ((text: string) => string)[] = [
  (text) => `\ufeff${text}`,
  (text) => text.replaceAll('\n', '\r\n'),
  (text) => text.replaceAll('\n', '\r'),
  (text) => text.replaceAll('  ', '\t'),
  (text) => Buffer.from(text, 'utf16le').toString('latin1'),
  (text) => Buffer.from(text, 'utf8').toString('utf16le'),
  (text) => Buffer.from(text.replaceAll('e', 'é'), 'latin1').toString('utf8'),
  (text) => text.replaceAll('\n', '\n\n'),
  (text) => text.replaceAll('\n', ' # said\n'),
  (text) => text.replaceAll(/^( *)/gm, '$1$1'),
  (text) => text.replaceAll(/: (\w+)$/gm, ': "$1"'),
  (text) => text.replaceAll(/^( *)(\w+): (\S+)$/gm, '$1"$2": $3'),
];

function insert(text: string, at: number, piece: string, lost = 0): string {
  const place = at % (text.length + 1);
  return text.slice(0, place) + piece + text.slice(place + lost);
}
