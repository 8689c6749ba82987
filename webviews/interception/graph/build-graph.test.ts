import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { describeReading } from '../../../contract/reading-view.ts';
import { parseRules } from '../../../mesh/interception/parse-rules.ts';
import { recordedRules } from '../../gallery/recorded-rules.ts';
import { buildGraph } from './build-graph.ts';
import { drawLine, layoutGraph } from './layout-graph.ts';
import { sayConditions } from './say-conditions.ts';
import { fitGraph, nextNode, reveal, zoomAt } from './viewport.ts';

const graphOf = (text: string) => buildGraph(describeReading({ family: '4', backend: 'nft', text }));
const save = (...lines: string[]) =>
  `*nat\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n${lines.join('\n')}\nCOMMIT\n`;

describe('buildGraph', () => {
  it('leads from the hooks through the chains to the ports', () => {
    const { nodes, edges } = graphOf(recordedRules.redirect.v4);
    const title = (id: string) => nodes.find((node) => node.id === id)?.title;
    const lines = edges.map(({ from, to }) => `${title(from)} → ${title(to)}`);
    expect(lines).toContain('PREROUTING → ISTIO_INBOUND');
    expect(lines).toContain('ISTIO_IN_REDIRECT → :15006');
    expect(lines).toContain('ISTIO_REDIRECT → :15001');
    expect(nodes.filter(({ kind }) => kind === 'hook').map((node) => node.title)).toEqual(['PREROUTING', 'OUTPUT']);
  });

  it('holds every rule in exactly one connection', () => {
    for (const { v4 } of Object.values(recordedRules)) {
      const rules = graphOf(v4).edges.flatMap((edge) => edge.rules);
      expect(rules.sort((a, b) => a - b)).toEqual(Array.from(v4.match(/-A /g) ?? [], (_, at) => at));
    }
  });

  it('shows the order of the tables, the policy that drops, and a chain that nothing leads to', () => {
    const { edges, nodes } = graphOf(recordedRules.tproxy.v4);
    expect(edges.find(({ kind }) => kind === 'then')).toMatchObject({ from: 'mangle/OUTPUT', to: 'nat/OUTPUT' });
    expect(nodes.find(({ id }) => id === 'nat/ISTIO_INBOUND')?.subtitle).toContain('no rule leads here');
    const dropping = graphOf('*filter\n:INPUT DROP [0:0]\nCOMMIT\n');
    expect(dropping.edges.map(({ kind, to }) => [kind, to])).toEqual([['policy', 'end filter DROP']]);
  });

  it('draws what is nearest to the hooks, and says how much it leaves out', () => {
    const many = Array.from({ length: 400 }, (_, at) => at);
    const { nodes, leftOut } = graphOf(
      save(
        ...many.map((at) => `:C${at} - [0:0]`),
        ...many.map((at) => `[${at}:0] -A OUTPUT -d 10.0.${at >> 8}.${at & 255}/32 -j C${at}`),
        ...many.map((at) => `[0:0] -A C${at} -j ACCEPT`),
      ),
    );
    expect(leftOut).toBe(401 - 120);
    expect(nodes.some(({ title }) => title === 'C399')).toBe(true);
    expect(nodes.some(({ title }) => title === 'C0')).toBe(false);
  });

  it('calls no chain unreached that a verdict map of nft may lead to', () => {
    const text = readFileSync('mesh/interception/fixtures/kube-proxy-nftables.ruleset', 'utf8');
    expect(graphOf(text).nodes.filter(({ subtitle }) => subtitle.includes('no rule leads here'))).toEqual([]);
  });

  it('takes rules that lead in a circle', () => {
    const graph = graphOf(save(':A - [0:0]', ':B - [0:0]', '-A OUTPUT -j A', '-A A -j B', '-A B -j A', '-A B -j B'));
    const { nodes } = layoutGraph(graph, 'LR');
    expect([...nodes.values()].every(({ x, y }) => Number.isFinite(x) && Number.isFinite(y))).toBe(true);
  });
});

it.each([
  ['-p tcp -m tcp --dport 15008', 'tcp :15008'],
  [
    '! -d 127.0.0.1/32 -o lo -p tcp -m tcp ! --dport 15008 -m owner --uid-owner 1337',
    'uid 1337 · tcp not :15008 · out lo · not to 127.0.0.1',
  ],
  ['-p udp -m udp -m multiport --dports 53,54', 'udp :53,54'],
  ['-m conntrack --ctstate INVALID', 'INVALID'],
  ['-m comment --comment "a b" -m statistic --mode random --probability 0.33333333349', '33.3 %'],
  ['', 'all'],
])('says the condition of “%s” in short', (conditions, words) => {
  const [chain] = parseRules(save(`-A OUTPUT ${conditions} -j RETURN`.replace('  ', ' '))).chains.filter(
    ({ rules }) => rules.length,
  );
  expect(sayConditions(chain!.rules[0]!)).toBe(words);
});

describe('the viewport', () => {
  const layout = layoutGraph(graphOf(recordedRules.redirect.v4), 'LR');

  it('shows a small graph whole, and a large one around its first box', () => {
    expect(fitGraph(layout, { width: 4000, height: 4000 }).scale).toBe(1);
    const box = layout.nodes.values().next().value!;
    const { x, y, scale } = fitGraph({ ...layout, height: 9000 }, { width: 900, height: 300 }, { ...box, y: 4500 });
    expect(scale).toBeGreaterThan(0.7);
    expect(y + 4500 * scale).toBeCloseTo(150);
    expect(x).toBeGreaterThanOrEqual(0);
  });

  it('zooms about a point', () => {
    const { x, scale } = zoomAt({ x: 10, y: 10, scale: 1 }, 2, { x: 110, y: 10 });
    expect(110 - x).toBe((110 - 10) * scale);
  });

  it('walks to the neighbour in the direction of the key, and brings it into sight', () => {
    expect(nextNode(layout.nodes, 'nat/ISTIO_OUTPUT', 'ArrowLeft')).toBe('nat/OUTPUT');
    expect(nextNode(layout.nodes, 'nat/PREROUTING', 'ArrowRight')).toBe('nat/ISTIO_INBOUND');
    expect(nextNode(layout.nodes, 'nat/PREROUTING', 'x')).toBeUndefined();
    const moved = reveal(
      { x: -500, y: 0, scale: 1 },
      { x: 100, y: 50, width: 60, height: 30 },
      { width: 400, height: 300 },
    );
    expect(moved.x).toBe(-50);
  });

  it('draws a line through every point', () => {
    expect(
      drawLine(
        [
          { x: 0, y: 0 },
          { x: 10, y: 20 },
        ],
        'LR',
      ),
    ).toBe('M 0.0 0.0 C 5.0 0.0 5.0 20.0 10.0 20.0');
  });
});
