import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import type { FindingJson } from '../../contract/language-server.ts';
import { describeReading } from '../../contract/reading-view.ts';
import type { InterceptionState } from '../../contract/interception-view.ts';
import type { KubernetesObject, Pod } from '../../mesh/kubernetes.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { toolNames } from '../ids.ts';
import { failedState, podGone } from '../panels/interception-state.ts';
import { tools } from './index.ts';
import { fit, type ToolServices } from './tool.ts';

const root = join(import.meta.dirname, '..', '..');
interface Declared {
  name: string;
  toolReferenceName: string;
  modelDescription: string;
  canBeReferencedInPrompt: boolean;
  inputSchema: Record<string, unknown> & { properties: Record<string, { description?: string }> };
}
const declared = (
  JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { contributes: { languageModelTools: Declared[] } }
).contributes.languageModelTools;

const recording = join(root, 'extension', 'demo', 'recordings', 'with-cni');
const { items } = JSON.parse(readFileSync(join(recording, 'resources.json'), 'utf8')) as { items: KubernetesObject[] };
const pod = items.find(({ kind, metadata }) => kind === 'Pod' && metadata?.name?.startsWith('reviews-')) as Pod;
const name = pod.metadata!.name!;
const text = readFileSync(join(recording, 'rules', `shop_${name}.v4.save`), 'utf8');

/** A cluster that serves what was recorded. */
const cluster = {
  context: { id: 'demo:with-cni', name: 'demo', kind: 'demo' },
  get: ({ kind }: { kind: string }, wanted: string) =>
    Promise.resolve(items.find((item) => item.kind === kind && item.metadata?.name === wanted)),
  list: ({ kind }: { kind: string }, { namespace }: { namespace?: string } = {}) =>
    Promise.resolve({
      items: items.filter((item) => item.kind === kind && (!namespace || item.metadata?.namespace === namespace)),
      resourceVersion: '1',
    }),
} as unknown as Cluster;

const finding: FindingJson = {
  code: 'IST0101',
  level: 'error',
  message: 'Referenced host not found',
  file: '/shop/a.yaml',
  range: { start: { line: 1, character: 2 }, end: { line: 1, character: 9 } },
  docs: 'https://istio.io',
  related: [],
  fixes: [],
};

const services: ToolServices = {
  chosenCluster: () => 'demo',
  isInside: (path) => !path.startsWith('/etc'),
  connect: () => Promise.resolve(cluster),
  readPod: (_, place) => {
    if (place.name !== name) return Promise.resolve({ state: failedState(place, podGone(place)), gone: true });
    const readings = [describeReading({ family: '4', backend: 'nft', text })];
    const state: InterceptionState = { pod: place, phase: 'ready', readings, listening: [], notes: [] };
    return Promise.resolve({ state, pod, way: 'helper' });
  },
  findings: (path) =>
    Promise.resolve({
      file: path,
      reply: path === 'notes.txt' ? {} : { findings: path === 'ok.yaml' ? [] : [finding] },
    }),
};

const toolOf = (wanted: string) => tools.find((tool) => tool.name === wanted)!;
const run = async (wanted: string, input: unknown, limit = 40_000) => {
  const tool = toolOf(wanted);
  return tool.run(tool.read(input), services, { signal: new AbortController().signal, limit });
};
const target = { namespace: 'shop', pod: name };
const packet = { direction: 'out', dst: '10.0.0.9', dport: 80 };

describe('package.json and the tools', () => {
  it('name the same tools, each described and with a schema that takes nothing unknown', () => {
    expect(declared.map((tool) => tool.name).sort()).toEqual(Object.values(toolNames).sort());
    expect(tools.map((tool) => tool.name).sort()).toEqual(Object.values(toolNames).sort());
    for (const { modelDescription, toolReferenceName, canBeReferencedInPrompt, inputSchema } of declared) {
      expect(modelDescription).toContain('Reads only');
      expect(toolReferenceName).toMatch(/^mesh[A-Z]\w+$/);
      expect(canBeReferencedInPrompt).toBe(true);
      expect(inputSchema.additionalProperties).toBe(false);
      expect(Object.values(inputSchema.properties).filter(({ description }) => !description)).toEqual([]);
    }
    expect(new Set(declared.map((tool) => tool.toolReferenceName)).size).toBe(declared.length);
  });

  const inputs: [tool: string, input: unknown, isGood: boolean][] = [
    [toolNames.analyzeFile, { path: 'a.yaml' }, true],
    [toolNames.analyzeFile, { path: '' }, false],
    [toolNames.analyzeFile, {}, false],
    [toolNames.analyzeFile, { path: 1 }, false],
    [toolNames.analyzeFile, { path: 'a.yaml', fix: true }, false],
    [toolNames.analyzeFile, [], false],
    [toolNames.analyzeFile, null, false],
    [toolNames.explainInjection, { namespace: 'shop', name: 'legacy' }, true],
    [toolNames.explainInjection, { kind: 'StatefulSet', namespace: 'shop', name: 'legacy' }, true],
    [toolNames.explainInjection, { kind: 'CronJob', namespace: 'shop', name: 'legacy' }, false],
    [toolNames.explainInjection, { name: 'legacy' }, false],
    [toolNames.podRules, target, true],
    [toolNames.podRules, { ...target, family: '6', table: 'nat', chain: 'OUTPUT', search: '80', drift: true }, true],
    [toolNames.podRules, { ...target, family: 6 }, false],
    [toolNames.podRules, { ...target, drift: 'yes' }, false],
    [toolNames.podRules, { namespace: 'shop' }, false],
    [toolNames.tracePacket, { ...target, ...packet }, true],
    [toolNames.tracePacket, { rules: text, ...packet }, true],
    [toolNames.tracePacket, { rules: text, ...target, ...packet }, false],
    [toolNames.tracePacket, { rules: text, pod: name, ...packet }, false],
    [toolNames.tracePacket, { rules: text, namespace: 'shop', ...packet }, false],
    [toolNames.tracePacket, packet, false],
    [toolNames.tracePacket, { ...target, direction: 'out', dst: '10.0.0.9' }, false],
    [toolNames.tracePacket, { ...target, ...packet, dport: 65536 }, false],
    [toolNames.tracePacket, { ...target, ...packet, dport: 1.5 }, false],
    [toolNames.tracePacket, { ...target, ...packet, dport: '80' }, false],
    [toolNames.tracePacket, { ...target, ...packet, uid: -1 }, false],
    [
      toolNames.tracePacket,
      {
        ...target,
        ...packet,
        proto: 'udp',
        src: '10.0.0.1',
        sport: 1,
        uid: 1337,
        gid: 0,
        mark: 1,
        iface: 'lo',
        ctstate: 'INVALID',
      },
      true,
    ],
    [toolNames.tracePacket, { ...target, ...packet, proto: 'icmp' }, false],
  ];
  const ajv = new Ajv({ strict: false });

  it.each(inputs)('agree on what %s takes: %j', (wanted, input, isGood) => {
    const schema = declared.find((tool) => tool.name === wanted)!.inputSchema;
    expect(ajv.validate(schema, input)).toBe(isGood);
    const read = () => toolOf(wanted).read(input);
    if (isGood) expect(read).not.toThrow();
    else expect(read).toThrow(/"\w+"|object/);
  });
});

describe('before anything live is touched', () => {
  it('asks, with the names of cluster, namespace and pod', () => {
    for (const [wanted, input] of [
      [toolNames.podRules, target],
      [toolNames.tracePacket, { ...target, ...packet }],
      [toolNames.explainInjection, { namespace: 'shop', name }],
    ] as const) {
      const tool = toolOf(wanted);
      const { title, message } = tool.confirm!(tool.read(input), services)!;
      expect(`${title} ${message}`).toContain('demo');
      expect(`${title} ${message}`).toContain(name);
      expect(message).toContain('Nothing is changed');
    }
  });

  it('asks nothing for a file of the window or for rules that are given', () => {
    const trace = toolOf(toolNames.tracePacket);
    expect(trace.confirm!(trace.read({ rules: text, ...packet }), services)).toBeUndefined();
    const analyze = toolOf(toolNames.analyzeFile);
    expect(analyze.confirm!({ path: 'a.yaml' }, services)).toBeUndefined();
    expect(analyze.confirm!({ path: '/etc/passwd' }, services)?.message).toContain('/etc/passwd');
  });
});

describe('what the tools answer', () => {
  it('analyze_file: findings as the command line prints them', async () => {
    expect((await run(toolNames.analyzeFile, { path: 'a.yaml' })).json).toEqual([finding]);
    expect((await run(toolNames.analyzeFile, { path: 'ok.yaml' })).json).toEqual([]);
    await expect(run(toolNames.analyzeFile, { path: 'notes.txt' })).rejects.toThrow('notes.txt is not read');
  });

  it('explain_injection: steps as the command line prints them', async () => {
    const { json, says } = await run(toolNames.explainInjection, { namespace: 'shop', name: 'legacy' });
    const [explained] = json as { injected: boolean; by: unknown; steps: { verdict: string; says: string }[] }[];
    expect(explained).toMatchObject({
      resource: { kind: 'Deployment', namespace: 'shop', name: 'legacy' },
      injected: false,
      by: null,
    });
    expect(explained?.steps.at(-1)).toMatchObject({ check: 'annotation', verdict: 'skip' });
    expect(says).toBe(explained?.steps.at(-1)?.says);
  });

  it('pod_rules: every rule once with its explanation, and how it was obtained', async () => {
    const { json } = await run(toolNames.podRules, { ...target, drift: true });
    const { readings, ...rest } = json as { readings: { rules: Record<string, unknown>[] }[] } & Record<
      string,
      unknown
    >;
    expect(rest).toMatchObject({ origin: 'helper', pod: { name }, drift: { comparisons: [{ status: 'same' }] } });
    expect(readings[0]).toMatchObject({ id: '4-nft', mode: 'sidecar-redirect', warnings: [] });
    expect(readings[0]?.rules.map(({ rule }) => rule)).toHaveLength(text.match(/ -A /g)!.length);
    expect(Object.keys(readings[0]?.rules[0] ?? {})).toEqual(
      expect.arrayContaining(['table', 'chain', 'rule', 'counters', 'explanation', 'cause']),
    );
  });

  it('pod_rules: only what was asked for, and never more than fits', async () => {
    const rulesOf = (json: unknown) => (json as { readings: { rules: { rule: string }[] }[] }).readings[0]!.rules;
    const found = rulesOf((await run(toolNames.podRules, { ...target, search: '3306' })).json);
    expect(found.length).toBeGreaterThan(0);
    expect(found.every(({ rule }) => rule.includes('3306'))).toBe(true);
    const { json, says } = await run(toolNames.podRules, target, 4_000);
    expect(JSON.stringify(json).length).toBeLessThanOrEqual(4_000);
    expect(json).toHaveProperty('truncated');
    expect(says).toContain('left out');
  });

  it('trace_packet: verdict and path as the command line prints them, live and from a text', async () => {
    const live = (await run(toolNames.tracePacket, { ...target, ...packet, uid: 1000 })).json as { path: unknown[] };
    expect(live).toMatchObject({ verdict: 'REDIRECT', port: 15001, origin: 'helper', reading: '4-nft' });
    expect(live.path).toContainEqual({ table: 'nat', rule: '-A OUTPUT -j ISTIO_OUTPUT' });
    const given = (await run(toolNames.tracePacket, { rules: text, ...packet, uid: 1000 })).json as object;
    expect(Object.keys(given)).toEqual(['verdict', 'port', 'path', 'says']);
    expect(given).toMatchObject({ path: live.path });
  });

  it('says what, why and what next when a pod is not there', async () => {
    await expect(run(toolNames.podRules, { namespace: 'shop', pod: 'gone' })).rejects.toThrow(
      /gone.*Choose another pod/,
    );
    await expect(run(toolNames.tracePacket, { ...target, ...packet, dst: '::1' })).rejects.toThrow('family');
  });
});

describe('fit', () => {
  it('leaves out the last ones, and all when one alone is too long', () => {
    expect(fit(['a', 'b'], 100, (kept) => kept)).toEqual({ json: ['a', 'b'], leftOut: 0 });
    expect(fit(['aaaa', 'bbbb', 'cccc'], 16, (kept) => kept)).toEqual({ json: ['aaaa', 'bbbb'], leftOut: 1 });
    expect(fit(['a'.repeat(100)], 16, (kept) => kept)).toEqual({ json: [], leftOut: 1 });
  });
});
