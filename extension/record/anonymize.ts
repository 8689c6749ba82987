/**
 * Gives everything in a recording that has a name another one, the same wherever it occurs: in fields, in host names, inside
 * messages, JSON and YAML in annotations, comments of packet rules, CNI configuration. Names are taken apart at their dashes
 * and dots and each part is renamed by itself, so that `reviews`, `reviews-v1`, `reviews-v1-5bc6-x2x` and
 * `*.reviews.shop.svc.cluster.local` go on belonging together. Words of the trade (kept-words.ts), keys, ports, versions and
 * well-known addresses stay. The same recording gives the same names every time.
 */
import { createHash } from 'node:crypto';
import type { PlainObject } from '../../contract/cluster-layer.ts';
import { takeTurns } from '../cluster/take-turns.ts';
import { AddressAnonymizer, isKeptAddress, parseAddress } from './anonymize-addresses.ts';
import { isKeptAtom, keptDomains, keptWords } from './kept-words.ts';
import { mask } from './mask-secrets.ts';
import { pseudoWords } from './pseudo-words.ts';
import type { RecordingFile } from './recording-file.ts';

/** Everything that looks like an address, alone or with a prefix length. */
const addressPattern =
  /(?<![\w.:-])(?:(?:\d{1,3}\.){3}\d{1,3}|(?:[0-9a-f]{0,4}:){2,7}(?:[0-9a-f]{1,4}|(?:\d{1,3}\.){3}\d{1,3})?)(?:\/\d{1,3})?(?![\w-]|\.\d)/gi;
const dashedAddress = /(?<![\d-])(\d{1,3})-(\d{1,3})-(\d{1,3})-(\d{1,3})(?![\d-])/g;
const emailPattern = /(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+/g;
const macPattern = /(?<![0-9a-f:])(?:[0-9a-f]{2}:){5}[0-9a-f]{2}(?![0-9a-f:])/gi;
const digestPattern = /sha256:([0-9a-f]{64})/g;
const accountPattern = /(?<!\d)\d{12}(?!\d)/g;
/** A word of dashes and dots, as names of Kubernetes and hosts are. */
const wordPattern = /[A-Za-z0-9]+(?:[.-]+[A-Za-z0-9]+)*/g;

/** Fields whose values are words of Kubernetes, or that name nobody. */
const untouched = new Set(
  `kind apiVersion uid resourceVersion creationTimestamp deletionTimestamp startedAt finishedAt startTime firstTimestamp lastTimestamp
  eventTime lastTransitionTime lastProbeTime lastUpdateTime lastHeartbeatTime renewTime fieldPath protocol phase reason operator
  topologyKey resource divisor containerID architecture operatingSystem osImage kernelVersion containerRuntimeVersion kubeletVersion
  kubeProxyVersion terminationMessagePath imagePullPolicy restartPolicy dnsPolicy mode effect recordedAt writtenBy
  formatVersion origin backend family cniVersion supportedVersions addressType qosClass applyTo operation verbs
  apiGroups apiVersions scope sideEffects failurePolicy matchPolicy reinvocationPolicy ipFamilies ipFamilyPolicy sessionAffinity
  state source`
    .trim()
    .split(/\s+/),
);
/** Maps whose keys are names or hosts, not words of a schema. */
const namedKeys = new Set(['labels', 'matchLabels', 'annotations', 'selector', 'nodeSelector', 'namespaceSelector']);
/** Of other annotations the values are whatever somebody liked to write. */
const keptAnnotations =
  /^(?:[\w-]+\.)*(?:istio\.io|cncf\.io|meshloom\.dev|prometheus\.io)\/|^(?:ambient\.|sidecar\.|proxy\.|traffic\.)|^(?:kubectl\.kubernetes\.io\/(?:default-container|restartedAt)|deployment\.kubernetes\.io\/revision|pod-security\.kubernetes\.io\/.*|kubernetes\.io\/(?:config\.(?:source|seen|mirror|hash)|ingress\.class))$/;
/** Containers of the mesh and of the network: their arguments and variables say how they work. */
const knownContainers =
  /^(?:istio-.*|discovery|install-cni|node-helper|cni|kube-.*|calico-.*|cilium-.*|ztunnel|waypoint|meshloom-.*|config-init|mount-.*|kindnet.*|coredns|etcd)$/;

export interface Anonymized {
  recording: RecordingFile;
  /** For tests and for the person who recorded it: never written to the file. */
  renamed: ReadonlyMap<string, string>;
  addresses: ReadonlyMap<string, string>;
}

/** @returns a new recording; the one given stays as it is. */
export function anonymize(recording: RecordingFile): Anonymized {
  const steps = anonymizing(recording);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/**
 * The same for who shares a thread with an editor: a few milliseconds at a time.
 * @param options.onProgress how much of it is done, 0 to 1.
 * @throws what `signal` was aborted with, soon after it was.
 */
export async function anonymizeInTurns(
  recording: RecordingFile,
  { signal, onProgress = () => undefined }: { signal: AbortSignal; onProgress?: (share: number) => void },
): Promise<Anonymized> {
  const steps = anonymizing(recording);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    const turn = takeTurns();
    if (!turn) continue;
    onProgress(value);
    await turn;
    signal.throwIfAborted();
  }
}

/** A step per object. @yields how much is done, 0 to 1. */
function* anonymizing(recording: RecordingFile): Generator<number, Anonymized> {
  const seen = new Collector();
  const thin = yield* within(0, 0.1, withoutFreeText(recording));
  yield* within(0.1, 0.5, seen.collect(thin));
  let result = yield* within(0.5, 1, rename(thin, seen));
  if (!isSameOrder(thin, result.recording)) {
    // Which file a runtime loads is told by the order of their names: then these stay.
    for (const name of fileNames(thin).flat()) for (const atom of atomsOf(name)) seen.atoms.delete(atom.toLowerCase());
    result = yield* within(0.5, 1, rename(thin, seen));
  }
  return result;
}

/** A part of the way: from 0 to 1 for itself, from `from` to `to` of the whole. */
function* within<T>(from: number, to: number, steps: Generator<number, T>): Generator<number, T> {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    yield from + value * (to - from);
  }
}

function* rename(thin: RecordingFile, seen: Collector): Generator<number, Anonymized> {
  const salt = createHash('sha256')
    .update([...seen.atoms].sort().join('\n'))
    .digest('hex');
  const addresses = yield* within(0, 0.1, chooseAddresses(salt, seen));
  const renamer = new Renamer(salt, seen, addresses);
  yield* within(0.1, 0.3, renamer.choose(seen));
  const result = (yield* within(0.3, 1, renamer.recording(thin))) as unknown as RecordingFile;
  return {
    recording: { ...result, type: thin.type, formatVersion: thin.formatVersion, anonymized: true },
    renamed: renamer.renamed,
    addresses: new Map([...seen.addresses].map((address) => [address, addresses.map(address)])),
  };
}

/** The values of a recording's fields, and of its lists each item by itself. */
function* itemsOf(recording: object): Generator<{ key: string; item: unknown; at?: number; share: number }> {
  const entries = Object.entries(recording);
  const total = entries.reduce((sum, [, value]) => sum + (Array.isArray(value) ? value.length : 1), 0);
  let done = 0;
  for (const [key, value] of entries) {
    if (!Array.isArray(value)) yield { key, item: value, share: done++ / total };
    else for (const [at, item] of (value as unknown[]).entries()) yield { key, item, at, share: done++ / total };
  }
}

/** Of each node's directory of configuration. */
function fileNames({ nodes }: RecordingFile): string[][] {
  return nodes.map(({ cni }) => (cni?.files ?? []).map(({ name }) => name));
}

function isSameOrder(before: RecordingFile, after: RecordingFile): boolean {
  const orders = (recording: RecordingFile) =>
    fileNames(recording).map((names) => names.map((_, at) => at).sort((a, b) => (names[a]! < names[b]! ? -1 : 1)));
  return JSON.stringify(orders(before)) === JSON.stringify(orders(after));
}

/** A salt with which no address becomes one that is in the recording. */
function* chooseAddresses(salt: string, { addresses, subnets }: Collector): Generator<number, AddressAnonymizer> {
  const turned = [...addresses].filter((address) => !isKeptAddress(address));
  const taken = new Set(turned);
  for (let attempt = 0; ; attempt++) {
    const anonymizer = new AddressAnonymizer(`${salt}/${attempt}`, subnets);
    if (attempt === 200) return anonymizer;
    let isFree = true;
    for (const address of turned) {
      isFree = !taken.has(anonymizer.map(address));
      if (!isFree) break;
      yield attempt / 200;
    }
    if (isFree) return anonymizer;
  }
}

/** What is not needed and could hold anything: values of unknown annotations, of applications' variables and arguments, certificates. */
function* withoutFreeText(recording: RecordingFile): Generator<number, RecordingFile> {
  const resources: PlainObject[] = [];
  for (const object of recording.resources) {
    resources.push(withoutText(object));
    yield resources.length / recording.resources.length;
  }
  const notes = recording.nodes.map((node) => ({ ...node, ...(node.cni && { cni: withoutCaches(node.cni) }) }));
  return { ...recording, resources, nodes: notes, notes: [...recording.notes] };
}

function withoutText(object: PlainObject): PlainObject {
  const bare = stripText(object, '') as PlainObject;
  if (object['kind'] !== 'Secret') return bare;
  const names = Object.keys((object['data'] ?? {}) as PlainObject);
  return { ...bare, data: Object.fromEntries(names.map((name) => [name, ''])) };
}

function withoutCaches<T extends { credentials?: unknown }>({ credentials: _, ...cni }: T): Omit<T, 'credentials'> {
  return cni;
}

function stripText(value: unknown, name: string): unknown {
  if (Array.isArray(value)) {
    if (name === 'containers' || name === 'initContainers' || name === 'ephemeralContainers')
      return value.map((each: unknown) => stripText(stripContainer(each), ''));
    return value.map((each: unknown) => stripText(each, ''));
  }
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  if (name === 'annotations') return Object.fromEntries(entries.filter(([key]) => keptAnnotations.test(key)));
  return Object.fromEntries(
    // The authorities that sign for this cluster name it.
    entries.map(([key, each]) => [key, key === 'caBundle' || key === 'caCertificates' ? '' : stripText(each, key)]),
  );
}

function stripContainer(container: unknown): unknown {
  const { name, env, args, command, ...rest } = container as PlainObject;
  if (typeof name === 'string' && knownContainers.test(name)) return container;
  const masked = (list: unknown) => (Array.isArray(list) ? list.map(() => mask) : list);
  return {
    name,
    ...rest,
    ...(command !== undefined && { command: masked(command) }),
    ...(args !== undefined && { args: masked(args) }),
    ...(env !== undefined && { env: Array.isArray(env) ? env.map(stripVariable) : env }),
  };
}

function stripVariable(variable: unknown): unknown {
  const { value, ...rest } = variable as PlainObject;
  return { ...rest, ...(value !== undefined && { value: value === '' ? '' : mask }) };
}

/** Finds out what has a name. */
class Collector {
  /** Parts of names. */
  readonly atoms = new Set<string>();
  /** Names that are renamed as a whole. */
  readonly nodes = new Set<string>();
  /** Ends of pods' names that the cluster made up: they say nothing. */
  readonly suffixes = new Set<string>();
  readonly addresses = new Set<string>();
  readonly subnets = new Set<string>();
  readonly emails = new Set<string>();
  /** Texts that were looked through, by their field. */
  readonly #seen = new Map<string, Set<string>>();

  *collect(recording: RecordingFile): Generator<number, void> {
    for (const object of recording.resources) {
      this.#resource(object);
      yield 0;
    }
    for (const { node } of recording.nodes) this.nodes.add(node);
    this.#name(recording.cluster.name);
    for (const { key, item, share } of itemsOf(recording)) {
      if (key !== 'resources' || !isDefinition((item as PlainObject)['kind'])) this.#member(key, item);
      yield share;
    }
  }

  /** One property's value, or one item of its list. */
  #member(key: string, value: unknown): void {
    if (!(untouched.has(key) && typeof value === 'string') && key !== 'interfaces') this.#walk(value, key);
  }

  #resource({ kind, metadata }: PlainObject): void {
    const { name, namespace, labels, ownerReferences, generateName } = (metadata ?? {}) as PlainObject;
    if (kind === 'Node') this.nodes.add(String(name));
    const own = String(name);
    for (const owner of Array.isArray(ownerReferences) ? (ownerReferences as PlainObject[]) : []) {
      const start = `${String(owner['name'])}-`;
      if (own.startsWith(start) && (kind === 'Pod' || kind === 'ReplicaSet'))
        for (const atom of own.slice(start.length).split('-'))
          if (/^[a-z0-9]{4,10}$/.test(atom)) this.suffixes.add(atom);
    }
    const hash = ((labels ?? {}) as PlainObject)['pod-template-hash'];
    if (typeof hash === 'string' && /^[a-z0-9]{4,10}$/.test(hash)) this.suffixes.add(hash);
    if (isDefinition(kind)) return;
    // An event is called after what it is about, and a number.
    if (kind === 'Event') this.#name(own.replace(/\.[0-9a-f]{10,}$/, ''));
    else this.#name(own);
    if (typeof generateName === 'string') this.#name(generateName);
    if (typeof namespace === 'string') this.#name(namespace);
  }

  /** Everything below, for fields that name something, and for hosts, addresses and the like wherever they stand. */
  #walk(value: unknown, field: string): void {
    if (typeof value === 'string') return this.#string(value, field);
    if (Array.isArray(value)) return value.forEach((each) => this.#walk(each, field));
    if (typeof value !== 'object' || value === null) return;
    for (const [key, each] of Object.entries(value)) {
      if (namedKeys.has(field)) this.#key(key);
      if ((untouched.has(key) && typeof each === 'string') || key === 'interfaces') continue;
      this.#walk(each, namedKeys.has(field) && field !== 'annotations' ? 'label' : key);
    }
  }

  #key(key: string): void {
    const slash = key.indexOf('/');
    if (slash > 0) this.#hosts(key.slice(0, slash));
  }

  #string(text: string, field: string): void {
    // Of ten thousand pods most say the same.
    const seen = this.#seen.get(field) ?? new Set<string>();
    if (seen.has(text)) return;
    this.#seen.set(field, seen.add(text));
    for (const [found] of text.matchAll(addressPattern)) this.#address(found);
    for (const found of text.matchAll(dashedAddress)) this.#address(found.slice(1).join('.'));
    if (text.includes('@')) for (const [found] of text.matchAll(emailPattern)) this.#email(found);
    if (field === 'image') this.#image(text);
    else if (field === 'label' || nameFields.has(field)) this.#name(text);
    else if (hostFields.has(field)) this.#hostName(text);
    this.#hosts(text);
    if (/[{[]|:\s/.test(text) && text.length > 20) this.#embedded(text);
  }

  /** Names in JSON or YAML that stands in a string: `"cluster": "east-1"`, `namespace: shop`. */
  #embedded(text: string): void {
    for (const [, field = '', value = ''] of text.matchAll(
      /["']?\b([A-Za-z]+)["']?[ \t]*:[ \t]*["']?([A-Za-z0-9][\w.-]*)/g,
    ))
      if (nameFields.has(field)) this.#name(value);
      else if (hostFields.has(field)) this.#hostName(value);
  }

  #address(text: string): void {
    const [address = ''] = text.split('/');
    if (parseAddress(address) === undefined) return;
    this.addresses.add(address);
    if (text.includes('/')) this.subnets.add(text);
  }

  #email(text: string): void {
    const [local = '', domain = ''] = text.split('@');
    this.emails.add(local);
    this.#name(local);
    this.#hostName(domain);
  }

  #image(text: string): void {
    const [path = '', ...tag] = text.replace(/@.*$/, '').split(/:(?=[^/]*$)/);
    const parts = path.split('/');
    const isRegistry = parts.length > 1 && /[.:]|^localhost$/.test(parts[0]!);
    if (isRegistry) this.#hostName(parts.shift()!.replace(/:\d+$/, ''));
    for (const part of parts) this.#name(part);
    // Of a tag: words, but not what tells versions.
    for (const atom of tag.join('').split(/[^A-Za-z0-9]+/)) if (/^[a-z]{3,}$/.test(atom)) this.#atom(atom);
  }

  #name(text: string): void {
    // In capitals: a variable of the environment.
    if (text.length > 253 || this.nodes.has(text) || /^[A-Z][A-Z0-9_]*$/.test(text)) return;
    for (const word of text.match(wordPattern) ?? []) {
      if (parseAddress(word) !== undefined || keptDomains.some((domain) => word === domain)) continue;
      for (const atom of atomsOf(stripDomain(word).own)) this.#atom(atom);
    }
  }

  #hostName(text: string): void {
    if (text.length > 300 || parseAddress(text.split('/')[0]!) !== undefined) return;
    const host = text.replace(/^[a-z+]+:\/\//, '').replace(/[:/].*$/, '');
    if (/^[*A-Za-z0-9._-]+$/.test(host)) this.#name(host.replace(/^\*\.?/, ''));
  }

  /** Hosts of the world, in any text: by how they end. */
  #hosts(text: string): void {
    for (const [word] of text.matchAll(wordPattern))
      if (
        /\.(?:com|net|org|io|dev|cloud|internal|corp|lan|intra|local|app|ai|co|info|biz|us|uk|de|fr|nl|eu|cn|jp|in|ch|at|ru|br)$/.test(
          word,
        )
      )
        if (isApiGroup(word)) continue;
        else this.#name(word);
    for (const [, host = ''] of text.matchAll(/:\/\/(?:[^@/\s]*@)?([A-Za-z0-9.-]+)/g)) this.#name(host);
  }

  #atom(atom: string): void {
    const small = atom.toLowerCase();
    if (!isKeptAtom(small) && !/^[0-9a-f]{12,}$/.test(small)) this.atoms.add(small);
  }
}

const nameFields = new Set(
  `name namespace generateName serviceAccountName serviceAccount nodeName claimName secretName configMapName subset credentialName
  clusterName cluster clusterID network host node principal principals namespaces serviceAccounts workload pod hostname subdomain
  portName targetPort priorityClassName schedulerName label trustDomain trustDomainAliases rootNamespace revision rev
  CLUSTER_ID component instance`
    .trim()
    .split(/\s+/),
);
const hostFields = new Set(
  `host hosts hostnames hostname server address externalName sni sniHosts url issuer jwksUri subjectAltNames domain exportTo dnsName
  authority allowOrigins exact prefix`
    .trim()
    .split(/\s+/),
);

function isDefinition(kind: unknown): boolean {
  return kind === 'CustomResourceDefinition';
}

/** `networking.istio.io`, the start of many keys: no host. */
function isApiGroup(word: string): boolean {
  return /(?:^|\.)(?:istio|kubernetes|k8s|x-k8s|cncf|openshift|cilium|projectcalico|argoproj|cert-manager|prometheus)\.(?:io|org)$/.test(
    word,
  );
}

function atomsOf(name: string): string[] {
  return name.split(/[.-]+/).filter(Boolean);
}

/** `reviews.shop.svc.cluster.local` → own `reviews.shop.svc`, rest `.cluster.local` */
function stripDomain(word: string): { own: string; domain: string } {
  const small = word.toLowerCase();
  const domain = keptDomains.find((kept) => small === kept || small.endsWith(`.${kept}`));
  if (domain === undefined) return { own: word, domain: '' };
  const own = word.slice(0, word.length - domain.length).replace(/\.$/, '');
  return { own, domain: word.slice(own.length) };
}

class Renamer {
  /** Atoms and node names. */
  readonly renamed = new Map<string, string>();
  readonly #salt: string;
  readonly #addresses: AddressAnonymizer;
  readonly #nodes: ReadonlySet<string>;
  readonly #words = new Map<string, string>();
  readonly #texts = new Map<string, string>();

  constructor(salt: string, { nodes }: Collector, addresses: AddressAnonymizer) {
    this.#salt = salt;
    this.#addresses = addresses;
    this.#nodes = nodes;
  }

  /** Chooses the names; to be done before anything is renamed. */
  *choose({ atoms, nodes, suffixes }: Collector): Generator<number, void> {
    const fresh = pseudoWords((word) => atoms.has(word) || suffixes.has(word) || keptWords.has(word));
    const named = yield* this.#byHash([...atoms].filter((each) => !suffixes.has(each)));
    for (const atom of named) {
      this.renamed.set(atom, fresh.next().value);
      yield 0.5;
    }
    for (const node of yield* this.#byHash([...nodes])) this.renamed.set(node, `node-${fresh.next().value}`);
  }

  /** In an order that tells nothing of theirs. */
  *#byHash(names: readonly string[]): Generator<number, string[]> {
    const ordered: [hash: string, name: string][] = [];
    for (const name of names) {
      ordered.push([this.#hash(name, 64), name]);
      yield 0;
    }
    return ordered.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, name]) => name);
  }

  /** All of it, an item of its lists at a time. */
  *recording(thin: RecordingFile): Generator<number, PlainObject> {
    const renamed: PlainObject = Object.fromEntries(
      Object.entries(thin).map(([key, value]) => [key, Array.isArray(value) ? [] : undefined]),
    );
    for (const { key, item, at, share } of itemsOf(thin)) {
      const value = this.value(item, key);
      if (at === undefined) renamed[key] = value;
      else (renamed[key] as unknown[]).push(value);
      yield share;
    }
    return renamed;
  }

  value(value: unknown, field: string): unknown {
    if (typeof value === 'string') return this.#field(value, field);
    if (Array.isArray(value)) return value.map((each: unknown) => this.value(each, field));
    if (typeof value !== 'object' || value === null) return value;
    if (isDefinition((value as PlainObject)['kind'])) return value;
    const isNamed = namedKeys.has(field) || field === 'data';
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [
        isNamed || key.includes('.') ? this.#key(key) : key,
        this.value(each, isNamed && field !== 'annotations' ? 'label' : key),
      ]),
    );
  }

  #field(text: string, field: string): string {
    if (text === '' || text === mask) return text;
    // Of what happened to a node, its name is the UID.
    if (field === 'uid') return this.renamed.get(text) ?? text;
    if (untouched.has(field)) return field === 'source' && /[./]/.test(text) ? this.text(text) : text;
    // A label's key, and what conditions of policies are about: `request.headers[x]`.
    if (field === 'key' || field === 'jsonPath') return this.#key(text);
    // Words of a program, in capitals: enumerations, names of variables.
    if (/^[A-Z][A-Z0-9_]*$/.test(text) || /^[A-Z][a-z]+(?:[A-Z][a-z]*)*$/.test(text)) return text;
    if (field === 'text' || field === 'policyRules' || field === 'routes') return this.rules(text);
    return this.text(text);
  }

  /** Keys stay, but for the domain before the slash. */
  #key(key: string): string {
    const slash = key.indexOf('/');
    return slash > 0 ? `${this.text(key.slice(0, slash))}${key.slice(slash)}` : key;
  }

  /** iptables-save, nft: addresses everywhere, names in comments. */
  rules(text: string): string {
    return this.#addressesIn(text)
      .replace(/"[^"\n]*"/g, (quoted) => this.#namesIn(quoted))
      .replace(/(--comment )([^\s"]+)/g, (_, flag: string, comment: string) => flag + this.#namesIn(comment));
  }

  text(text: string): string {
    let known = this.#texts.get(text);
    if (known === undefined) this.#texts.set(text, (known = this.#newText(text)));
    return known;
  }

  #newText(text: string): string {
    const digests = text.replace(digestPattern, (_, hex: string) => `sha256:${this.#hash(hex, 64)}`);
    const emails = !digests.includes('@')
      ? digests
      : digests.replace(emailPattern, (email) => {
          const at = email.indexOf('@');
          return `${this.#namesIn(email.slice(0, at))}@${this.#namesIn(email.slice(at + 1))}`;
        });
    const macs = emails.replace(macPattern, (mac) => this.#mac(mac));
    // Names first: a node may be called after its address.
    return this.#addressesIn(this.#namesIn(macs)).replace(accountPattern, (digits) => this.#digits(digits));
  }

  #addressesIn(text: string): string {
    const whole = text.replace(addressPattern, (found) => this.#addresses.map(found));
    return whole.replace(dashedAddress, (found, ...parts: string[]) => {
      const address = parts.slice(0, 4).join('.');
      return parseAddress(address) === undefined ? found : this.#addresses.map(address).replaceAll('.', '-');
    });
  }

  #namesIn(text: string): string {
    // `_` and `\w` never begin a name of Kubernetes, but variables are made of names: SHOP_SERVICE_HOST.
    return text.replace(wordPattern, (word) => this.#word(word));
  }

  #word(word: string): string {
    let known = this.#words.get(word);
    if (known === undefined) this.#words.set(word, (known = this.#rename(word)));
    return known;
  }

  #rename(word: string): string {
    if (parseAddress(word) !== undefined) return word;
    const node = this.renamed.get(word);
    if (node !== undefined) return node;
    const within = this.#nodeWithin(word);
    if (within !== undefined) {
      const at = word.indexOf(within);
      const [head, tail] = [word.slice(0, at), word.slice(at + within.length)];
      return `${this.#parts(head)}${this.renamed.get(within)!}${this.#parts(tail)}`;
    }
    const { own, domain } = stripDomain(word);
    return `${this.#parts(own)}${domain}`;
  }

  /** The longest, at borders of parts: `etcd-n1` has `n1` in it, `n10` has not. */
  #nodeWithin(word: string): string | undefined {
    const starts = [0, ...[...word.matchAll(/[.-]+/g)].map(({ index, 0: border }) => index + border.length)].slice(
      0,
      24,
    );
    const ends = [...[...word.matchAll(/[.-]+/g)].map(({ index }) => index), word.length].slice(-24);
    let longest: string | undefined;
    for (const start of starts)
      for (const end of ends) {
        if (end - start <= (longest?.length ?? 0)) continue;
        const part = word.slice(start, end);
        if (this.#nodes.has(part)) longest = part;
      }
    return longest;
  }

  #parts(text: string): string {
    return text.replace(/[A-Za-z0-9]+/g, (atom) => {
      const small = atom.toLowerCase();
      const renamed = this.renamed.get(small);
      if (renamed === undefined) return atom;
      if (atom === small) return renamed;
      return atom === atom.toUpperCase() ? renamed.toUpperCase() : renamed;
    });
  }

  #mac(mac: string): string {
    const hex = `02${this.#hash(mac.toLowerCase(), 10)}`;
    return hex.match(/../g)!.join(':');
  }

  #digits(digits: string): string {
    const number = BigInt(`0x${this.#hash(digits, 16)}`) % 10n ** BigInt(digits.length);
    return number.toString().padStart(digits.length, '0');
  }

  #hash(text: string, length: number): string {
    return createHash('sha256').update(`${this.#salt}/${text}`).digest('hex').slice(0, length);
  }
}
