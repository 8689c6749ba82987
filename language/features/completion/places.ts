/** Which names belong in which place. */
import type { Kind } from '../../kinds.ts';
import { textAt, valueAt } from './cursor.ts';
import type { Path, Plain } from './cursor.ts';
import type { Name, Names } from './names.ts';

/** Where the cursor is: in which resource, at which path within it. */
export interface Place {
  kind: Kind;
  namespace: string;
  /** The resource, as far as it can be read. */
  root: Plain;
  path: Path;
}

type Answer = (names: Names, place: Place) => Name[];

interface Rule {
  /** Of this kind only; absent: of any. */
  kind?: Kind;
  /** Of the keys and indices, joined by slashes. */
  path: RegExp;
  answer: Answer;
}

const hosts: Answer = (names, { namespace }) => names.hosts(namespace);
const namespaces: Answer = (names) => names.namespaces();
const gateways: Answer = (names, { namespace }) => names.gateways(namespace);
const credentials: Answer = (names, { namespace }) => names.credentials(namespace);
const visibility: Answer = (names) => [...['.', '*', '~'].map((name) => ({ name, from: '' })), ...names.namespaces()];
const labelValue =
  (isEverywhere = false): Answer =>
  (names, { path, namespace }) =>
    names.labelValues(String(path.at(-1)), isEverywhere ? '' : namespace);
/** Of the destination whose port or subset is typed. */
const ofHost =
  (steps: number, ask: 'ports' | 'subsets'): Answer =>
  (names, { path, root, namespace }) => {
    const host = textAt(root, [...path.slice(0, -steps), 'host']);
    return host === undefined ? [] : names[ask](host, namespace);
  };
const ofOwnHost: Answer = (names, { root, namespace }) => {
  const host = textAt(root, ['spec', 'host']);
  return host === undefined ? [] : names.ports(host, namespace);
};

const values: readonly Rule[] = [
  { path: /^metadata\/namespace$/, answer: namespaces },
  { path: /(?:^|\/)metadata\/labels\/istio\.io\/rev$/, answer: (names) => names.revisions() },
  { path: /(?:^|\/)exportTo\/\d+$/, answer: visibility },
  { path: /\/credentialName$/, answer: credentials },
  { path: /\/serviceAccountName$/, answer: (names, { namespace }) => names.serviceAccounts(namespace, false) },
  { path: /^spec\/(?:selector|workloadSelector)\/(?:matchLabels|labels)\/[^]+$/, answer: labelValue() },
  { kind: 'VirtualService', path: /^spec\/hosts\/\d+$/, answer: hosts },
  { kind: 'VirtualService', path: /\/gateways\/\d+$/, answer: gateways },
  { kind: 'VirtualService', path: /\/(?:destination|mirror)\/host$/, answer: hosts },
  { kind: 'VirtualService', path: /\/(?:destination|mirror)\/subset$/, answer: ofHost(1, 'subsets') },
  { kind: 'VirtualService', path: /\/(?:destination|mirror)\/port\/number$/, answer: ofHost(2, 'ports') },
  { kind: 'VirtualService', path: /\/sourceNamespace$/, answer: namespaces },
  { kind: 'VirtualService', path: /\/sourceLabels\/[^]+$/, answer: labelValue(true) },
  { kind: 'VirtualService', path: /\/delegate\/namespace$/, answer: namespaces },
  {
    kind: 'VirtualService',
    path: /\/delegate\/name$/,
    answer: (names, { root, path, namespace }) =>
      names.objects('VirtualService', textAt(root, [...path.slice(0, -1), 'namespace']) ?? namespace),
  },
  { kind: 'DestinationRule', path: /^spec\/host$/, answer: hosts },
  { kind: 'DestinationRule', path: /\/portLevelSettings\/\d+\/port\/number$/, answer: ofOwnHost },
  { kind: 'DestinationRule', path: /^spec\/subsets\/\d+\/labels\/[^]+$/, answer: labelValue(true) },
  {
    kind: 'Sidecar',
    path: /^spec\/egress\/\d+\/hosts\/\d+$/,
    answer: (names, { namespace }) => names.egressHosts(namespace),
  },
  { kind: 'Gateway', path: /^spec\/selector\/[^]+$/, answer: labelValue(true) },
  { kind: 'Gateway', path: /\/servers\/\d+\/hosts\/\d+$/, answer: (names, { namespace }) => names.hosts(namespace) },
  { kind: 'Service', path: /^spec\/selector\/[^]+$/, answer: labelValue() },
  { kind: 'AuthorizationPolicy', path: /\/(?:principals|notPrincipals)\/\d+$/, answer: (names) => names.principals() },
  { kind: 'AuthorizationPolicy', path: /\/(?:namespaces|notNamespaces)\/\d+$/, answer: namespaces },
  {
    kind: 'AuthorizationPolicy',
    path: /\/(?:serviceAccounts|notServiceAccounts)\/\d+$/,
    answer: (names, { namespace }) => names.serviceAccounts(namespace, true),
  },
  {
    path: /^spec\/targetRefs?(?:\/\d+)?\/name$/,
    answer: (names, { root, path, namespace }) => {
      const kind = textAt(root, [...path.slice(0, -1), 'kind']);
      const known = { Gateway: 'K8sGateway', Service: 'Service', ServiceEntry: 'ServiceEntry' } as const;
      const wanted = Object.entries(known).find(([name]) => name === kind)?.[1];
      return wanted ? names.objects(wanted, namespace) : [];
    },
  },
  { path: /\/parentRefs\/\d+\/name$/, answer: (names, { namespace }) => names.objects('K8sGateway', namespace) },
  { path: /\/backendRefs\/\d+\/name$/, answer: (names, { namespace }) => names.objects('Service', namespace) },
  {
    path: /\/backendRefs\/\d+\/port$/,
    answer: (names, { root, path, namespace }) => {
      const name = textAt(root, [...path.slice(0, -1), 'name']);
      return name === undefined
        ? []
        : names.ports(name, textAt(root, [...path.slice(0, -1), 'namespace']) ?? namespace);
    },
  },
];

const keys: readonly Rule[] = [
  {
    path: /^spec\/(?:selector|workloadSelector)\/(?:matchLabels|labels)$/,
    answer: (names, { namespace }) => names.labelKeys(namespace),
  },
  { kind: 'Service', path: /^spec\/selector$/, answer: (names, { namespace }) => names.labelKeys(namespace) },
  { kind: 'Gateway', path: /^spec\/selector$/, answer: (names) => names.labelKeys('') },
  { kind: 'DestinationRule', path: /^spec\/subsets\/\d+\/labels$/, answer: (names) => names.labelKeys('') },
  { kind: 'VirtualService', path: /\/sourceLabels$/, answer: (names) => names.labelKeys('') },
];

/** Names that may stand at a place as a value. */
export function namesForValue(names: Names, place: Place): Name[] {
  return ask(values, names, place);
}

/** Names that may stand at a place as a key: those of labels. */
export function namesForKey(names: Names, place: Place): Name[] {
  const taken = valueAt(place.root, place.path);
  return ask(keys, names, place).filter(({ name }) => !(taken instanceof Map && taken.has(name)));
}

function ask(rules: readonly Rule[], names: Names, place: Place): Name[] {
  const path = place.path.join('/');
  const rule = rules.find((each) => (each.kind === undefined || each.kind === place.kind) && each.path.test(path));
  return rule ? rule.answer(names, place) : [];
}
