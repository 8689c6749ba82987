/**
 * What we take for a regular expression of RE2, against RE2 itself as Envoy has it: its admin port refuses a filter that is
 * none, in RE2's words. Two differences are meant: Go, by which Istio decides, has no `\C`; and how large a program may grow
 * is the engine's business, not the language's.
 */
import { Agent, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { whyNoRe2 } from '../../language/rules/values/regex.ts';
import { pick, seeded } from '../netns/random-rules.ts';
import { bootstrap } from './istio-shape.ts';
import { obtainEnvoy } from './obtain-envoy.ts';
import { askAdmin, freePort, RunningEnvoy, until } from './run-envoy.ts';

const program = await obtainEnvoy();
if ('missing' in program) console.warn(`test/envoy: skipped, because ${program.missing}`);

const pieces = [
  ...['a', 'b', 'é', '/', '.', '*', '+', '?', '|', '(', ')', '[', ']', '{', '}', '^', '$', '-', '\\', ' '],
  ...[
    '(?:',
    '(?i)',
    '(?i:',
    '(?i',
    '(?-s:',
    '(?U)',
    '(?x)',
    '(?m)',
    '(?P<n>',
    '(?<n>',
    '(?P=n)',
    '(?#c)',
    '(?=',
    '(?!',
    '(?<=',
  ],
  ...['[^', '[:alpha:]', '[[:^digit:]]', '[[:foo:]]', '[a-z]', '[z-a]', '[\\d-z]', '[a-\\d]', '[-a]', '[]a]', '[a\\]]'],
  ...['{2}', '{2,}', '{,2}', '{3,2}', '{1001}', '{2}?', '{2}+', '**', '*?', '+?', '??'],
  ...[
    '\\d',
    '\\w',
    '\\b',
    '\\B',
    '\\A',
    '\\z',
    '\\Z',
    '\\G',
    '\\h',
    '\\R',
    '\\K',
    '\\X',
    '\\Q',
    '\\E',
    '\\-',
    '\\_',
    '\\é',
  ],
  ...['\\pL', '\\p{Greek}', '\\p{Foo}', '\\P{^Lu}', '\\x41', '\\x{10FFFF}', '\\x{110000}', '\\xg', '\\u0041'],
  ...['\\0', '\\1', '\\07', '\\8', '\\n', '\\e', '\\cA', '\\a', '\\f', '\\v'],
];

describe.skipIf('missing' in program)('regular expressions', () => {
  const envoy = new RunningEnvoy();
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  let port = 0;
  beforeAll(async () => {
    port = await freePort();
    envoy.start((program as { path: string }).path, bootstrap({ admin: { address: '127.0.0.1', port } }));
    await until(
      () => askAdmin(port, '/ready'),
      (state) => state.includes('LIVE'),
    );
  });
  afterAll(async () => {
    agent.destroy();
    await envoy.stop();
  });

  /** @returns why Envoy refuses it; empty: it does not. */
  const judge = (regex: string) =>
    new Promise<string>((resolve, reject) => {
      const path = `/stats?type=TextReadouts&filter=${encodeURIComponent(regex)}`;
      const asked = request({ host: '127.0.0.1', port, agent, path }, (response) => {
        let said = '';
        response.on('data', (chunk: Buffer) => (said += chunk.toString()));
        response.on('end', () => resolve(response.statusCode === 200 ? '' : said.trim()));
      });
      asked.on('error', reject).end();
    });

  const [from = 1, to = from] = (process.env['MESHLOOM_TRACE_SEEDS'] ?? '1-5').split('-').map(Number);
  it('are what RE2 takes for one', async () => {
    const differences: object[] = [];
    for (let seed = from; seed <= to; seed++) {
      const random = seeded(seed * 7919);
      const some = Array.from({ length: 300 }, () =>
        Array.from({ length: 1 + Math.floor(random() * 6) }, () => pick(random, pieces)).join(''),
      );
      const said = await Promise.all(some.map(judge));
      some.forEach((regex, at) => {
        const [ours, theirs = ''] = [whyNoRe2(regex), said[at]];
        if (theirs.includes('pattern too large')) return;
        if ((ours !== undefined) !== (theirs !== '')) differences.push({ regex, ours, theirs });
      });
    }
    expect(differences).toEqual([]);
  });
});
