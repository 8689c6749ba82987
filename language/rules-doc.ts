import { rules } from './rules/index.ts';
import { yamlRules } from './yaml-rules.ts';

/**
 * The text of docs/rules.md: every rule with what triggers it and why, good and bad side by side.
 * @param fixtures the rules' fixtures by rule id; `# want:` marks the bad lines.
 */
export function printRulesDoc(fixtures: ReadonlyMap<string, string>): string {
  const intro = [
    '# Rules',
    '',
    'Printed from the rules themselves; `npm run generate` makes it again. Codes that begin with `IST` are Istio’s, so that they can be searched',
    'for; ours begin with `ML`. `# meshloom-disable-next-line CODE` silences a line, the annotation `galley.istio.io/analyze-suppress: CODE` a resource.',
    '',
    '| rule | code | level |',
    '| --- | --- | --- |',
  ];
  const listed = [...Object.values(yamlRules), ...rules];
  const table = listed.map(({ id, code, severity }) => `| [${id}](#${anchor(id)}) | ${code} | ${severity} |`);
  const pages = listed.flatMap(({ id, code, severity, docs, why }) => {
    const fixture = fixtures.get(id);
    const page = ['', `## ${id}`, '', why, '', `Code ${code}, level ${severity}. [Read more](${docs}).`];
    if (!fixture) return page;
    return [
      ...page,
      '',
      'Lines marked `# want:` are reported, the others are not:',
      '',
      '```yaml',
      readable(fixture),
      '```',
    ];
  });
  return `${[...intro, ...table, ...pages].join('\n').trimEnd()}\n`;
}

function readable(fixture: string): string {
  return fixture.replace(/^# meshloom-fixture:.*\n/, '').trimEnd();
}

/** As GitHub makes it of a heading. */
function anchor(id: string): string {
  return id.replaceAll('/', '');
}
