/**
 * Edits at random, for as many steps as `MESHLOOM_STEPS` says (a few hundred without), from the seed `MESHLOOM_SEED`: after each, what the
 * workspace says is what a new one says of the same files, cluster and settings.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import type { ClusterSnapshot, PlainObject } from '../contract/cluster-layer.ts';
import { Workspace } from './workspace.ts';
import type { Report, WorkspaceOptions } from './workspace.ts';

const steps = Number(process.env['MESHLOOM_STEPS'] ?? 250);
const firstSeed = Number(process.env['MESHLOOM_SEED'] ?? 1);
/** A workspace lives this long; then another begins, so that a failure is found again soon. */
const stepsPerLife = 125;

const root = join(import.meta.dirname, 'rules');
/** The documents of each fixture: they speak of each other. */
const fixtures = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.yaml'))
  .sort()
  .map((name) => readFileSync(join(root, name), 'utf8').split(/^---\n/m))
  .map((documents) =>
    documents.filter((text) => text.trim() !== '').map((text) => (text.endsWith('\n') ? text : `${text}\n`)),
  );
const templates = [
  'apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: { name: {{ .Values.name }} }\n',
  'apiVersion: v1\nkind: Service\nmetadata: { name: {{ .Values.name }} }\n',
  '{{ if .x }}\napiVersion: apps/v1\nkind: Deployment\n{{ end }}\n',
];
const words = [
  'shop',
  'default',
  'reviews',
  'v1',
  'v2',
  'istio-system',
  'mesh',
  'edge',
  '80',
  '"*"',
  '# note',
  'kube-system',
];
const fileNames = ['a.yaml', 'b.yaml', 'c/d.yaml', 'c/e.yaml', 'z.yaml'];
const kinds = [
  ...['/Pod', '/Service', '/Namespace', '/Secret', 'apps/Deployment', 'networking.istio.io/Gateway'],
  ...['gateway.networking.k8s.io/Gateway', 'networking.istio.io/ServiceEntry', 'networking.istio.io/DestinationRule'],
];

class Dice {
  private state: number;

  constructor(seed: number) {
    this.state = seed;
  }

  /** From 0 to below `limit`. */
  roll(limit: number): number {
    // mulberry32
    this.state = (this.state + 0x6d2b79f5) | 0;
    let bits = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) % limit;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.roll(list.length)]!;
  }

  shuffle<T>(list: readonly T[]): T[] {
    return list
      .map((item) => [this.roll(1 << 20), item] as const)
      .sort(([a], [b]) => a - b)
      .map(([, item]) => item);
  }
}

/** What a workspace was told, in the plainest form. */
class Life {
  readonly log: string[] = [];
  private readonly dice: Dice;
  private readonly files = new Map<string, string>();
  private cluster: { name: string; objects: Map<string, PlainObject>; complete: string[] } | undefined;
  private readonly failures: unknown[] = [];
  private options: WorkspaceOptions = { onRuleFailure: ({ id }, error) => this.failures.push(id, error) };
  private readonly warm = new Workspace(this.options);
  private theme = 0;

  constructor(seed: number) {
    this.dice = new Dice(seed);
  }

  step(): void {
    const { dice } = this;
    if (dice.roll(12) === 0) this.theme = dice.roll(fixtures.length);
    const actions = [
      ...Array<() => void>(8).fill(() => this.type()),
      ...Array<() => void>(5).fill(() => this.insertDocument()),
      ...Array<() => void>(3).fill(() => this.deleteDocument()),
      ...Array<() => void>(3).fill(() => this.write(dice.pick(fileNames), this.documents().join('---\n'))),
      () => this.swapDocuments(),
      () => this.remove(dice.pick(fileNames)),
      () => this.rename(),
      () => this.patch(),
      () => this.configure(),
      () => this.setCluster(),
      () => this.changeCluster(),
      () => this.changeCluster(),
      () => void this.warm.work(0),
    ];
    dice.pick(actions)();
  }

  check(): void {
    const cold = new Workspace(this.options);
    if (this.dice.roll(2) === 0) cold.setCluster(this.snapshot());
    for (const [uri, text] of this.dice.shuffle([...this.files])) cold.setFile(uri, text);
    cold.setCluster(this.snapshot());
    expect(plain(this.warm.findings())).toEqual(plain(cold.findings()));
    expect(this.failures).toEqual([]);
  }

  /** Some that belong together; now and then one that does not. */
  private documents(): string[] {
    const { dice } = this;
    return Array.from({ length: 1 + dice.roll(4) }, () => this.document());
  }

  private document(): string {
    const { dice } = this;
    const chance = dice.roll(20);
    if (chance === 0) return dice.pick(templates);
    return dice.pick(chance < 4 ? dice.pick(fixtures) : fixtures[this.theme]!);
  }

  private type(): void {
    const { dice } = this;
    const uri = dice.pick(fileNames);
    const text = this.files.get(uri);
    if (!text) return this.insertDocument();
    const at = dice.roll(text.length);
    switch (dice.roll(4)) {
      case 0:
        return this.write(uri, text.slice(0, at) + text.slice(at + 1));
      case 1:
        return this.write(uri, `${text.slice(0, at)}${dice.pick(['x', '1', ' ', '\n', '"', ':'])}${text.slice(at)}`);
      default: {
        const places = [...text.matchAll(/[\w."*-]+/g)];
        const place = places.length > 0 ? dice.pick(places) : undefined;
        if (!place) return;
        const word = dice.roll(2) === 0 ? dice.pick(words) : dice.pick(places)[0];
        this.write(uri, text.slice(0, place.index) + word + text.slice(place.index + place[0].length));
      }
    }
  }

  private insertDocument(): void {
    const uri = this.dice.pick(fileNames);
    const parts = this.partsOf(uri);
    parts.splice(this.dice.roll(parts.length + 1), 0, this.document());
    this.write(uri, parts.slice(0, 8).join('---\n'));
  }

  private deleteDocument(): void {
    const uri = this.dice.pick(fileNames);
    const parts = this.partsOf(uri);
    parts.splice(this.dice.roll(Math.max(1, parts.length)), 1);
    this.write(uri, parts.join('---\n'));
  }

  private swapDocuments(): void {
    const uri = this.dice.pick(fileNames);
    this.write(uri, this.dice.shuffle(this.partsOf(uri)).join('---\n'));
  }

  private rename(): void {
    const from = this.dice.pick(fileNames);
    const text = this.files.get(from);
    if (text === undefined) return;
    this.remove(from);
    this.write(this.dice.pick(fileNames), text);
  }

  private patch(): void {
    const patches = fileNames.filter(() => this.dice.roll(4) === 0).map((path) => `- path: ${path}\n`);
    this.write('kustomization.yaml', `resources: []\npatches:\n${patches.join('')}`);
  }

  private configure(): void {
    const { dice } = this;
    const change: WorkspaceOptions = dice.pick<() => WorkspaceOptions>([
      () => ({ strictness: dice.pick(['strict', 'lenient']) }),
      () => ({ defaultNamespace: dice.pick(['default', 'shop']) }),
      () => ({ clusterDomain: dice.pick(['cluster.local', 'example.org']) }),
      () => ({ rootNamespace: dice.pick(['istio-system', 'shop']) }),
    ])();
    this.log.push(`configure ${JSON.stringify(change)}`);
    this.options = { ...this.options, ...change };
    this.warm.configure(change);
  }

  private setCluster(): void {
    const { dice } = this;
    if (dice.roll(3) === 0) this.cluster = undefined;
    else {
      const objects = new Map(this.objects().map((object) => [keyOf(object), object]));
      this.cluster = { name: dice.pick(['one', 'two']), objects, complete: kinds.filter(() => dice.roll(2) === 0) };
    }
    this.log.push(`cluster ${this.cluster ? [...this.cluster.objects.keys()].join(' ') : 'none'}`);
    this.warm.setCluster(this.snapshot());
  }

  private changeCluster(): void {
    const { cluster, dice } = this;
    if (!cluster) return;
    const changed = this.objects().slice(0, 2);
    const removed = [...cluster.objects.values()].filter(() => dice.roll(4) === 0);
    for (const object of removed) cluster.objects.delete(keyOf(object));
    const kept = changed.filter((object) => !removed.some((gone) => keyOf(gone) === keyOf(object)));
    for (const object of kept) cluster.objects.set(keyOf(object), object);
    this.log.push(`cluster + ${kept.map(keyOf).join(' ')} - ${removed.map(keyOf).join(' ')}`);
    this.warm.changeCluster({ changed: kept, removed: removed.map(referenceTo) });
  }

  /** Objects as an API server would give them. */
  private objects(): PlainObject[] {
    return [...this.documents(), ...this.documents()].flatMap((text) => {
      try {
        const object = parseYaml(text, { logLevel: 'error' }) as PlainObject | null;
        const metadata = object?.['metadata'] as PlainObject | undefined;
        if (typeof object?.['kind'] !== 'string' || typeof object['apiVersion'] !== 'string') return [];
        if (typeof metadata?.['name'] !== 'string') return [];
        return [{ ...object, metadata: { namespace: 'default', ...metadata } }];
      } catch {
        return [];
      }
    });
  }

  private snapshot(): ClusterSnapshot | undefined {
    if (!this.cluster) return undefined;
    const { name, objects, complete } = this.cluster;
    return { name, complete, resources: this.dice.shuffle([...objects.values()]) };
  }

  private partsOf(uri: string): string[] {
    return (this.files.get(uri) ?? '').split(/^---\n/m).filter((part) => part.trim() !== '');
  }

  private write(uri: string, text: string): void {
    this.log.push(`write ${uri}\n${text}`);
    this.files.set(uri, text);
    this.warm.setFile(uri, text);
  }

  private remove(uri: string): void {
    this.log.push(`remove ${uri}`);
    this.files.delete(uri);
    this.warm.removeFile(uri);
  }
}

test(`${steps} edits at random give what a cold run gives`, { timeout: 60_000 + steps * 200 }, () => {
  for (let done = 0; done < steps; done += stepsPerLife) {
    const seed = firstSeed + done / stepsPerLife;
    const life = new Life(seed);
    try {
      for (let step = 0; step < stepsPerLife; step++) {
        life.step();
        if (step % 4 !== 3) life.check();
      }
      life.check();
    } catch (error) {
      const last = life.log.slice(-3).join('\n=====\n');
      throw new Error(`MESHLOOM_SEED=${seed}, edit ${life.log.length}; the last were:\n${last}`, { cause: error });
    }
  }
});

function plain(reports: readonly Report[]): unknown[] {
  return reports.map((report) => ({
    ...report,
    fixes: report.fixes.map(({ title, edits }) => ({ title, edits: edits() })),
  }));
}

function keyOf(object: PlainObject): string {
  const { apiVersion, kind, namespace, name } = referenceTo(object);
  return `${apiVersion.replace(/\/.*/, '')}/${kind}/${namespace}/${name}`;
}

function referenceTo(object: PlainObject) {
  const metadata = object['metadata'] as PlainObject;
  return {
    apiVersion: String(object['apiVersion']),
    kind: String(object['kind']),
    namespace: typeof metadata['namespace'] === 'string' ? metadata['namespace'] : '',
    name: String(metadata['name']),
  };
}
