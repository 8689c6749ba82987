/**
 * What stand-alone mode needs besides the file on the node: a delegating plugin calls ours only where the cluster says so.
 * Multus looks for a NetworkAttachmentDefinition, Galaxy for an entry of its ConfigMap, both read the pod's annotation
 * `k8s.v1.cni.cncf.io/networks`, and Istio's injector writes that annotation when it is told that its own plugin is not
 * chained. All of it is a plan of edits: text before, text after, and why.
 */
import * as l10n from '@vscode/l10n';
import type { ConfigMap, Pod } from '../kubernetes.ts';
import { appendItem, itemsAt, removeItem, setValue, textAt } from './edit-json-members.ts';
import { UnreadableJson } from './json-text.ts';

/** A text in the cluster that changes. */
export interface WiringEdit {
  resource: { apiVersion: string; kind: string; namespace: string; name: string };
  /** The key of a ConfigMap’s `data` whose text it is. Absent: `before` and `after` are the whole resource, as JSON. */
  key?: string;
  /** Null: it is not there yet. */
  before: string | null;
  /** Null: it is taken away. */
  after: string | null;
  /** Why, and what it does. */
  says: string;
}

export interface WiringProblem {
  /** `error`: stand-alone mode does not work like this. `warning`: it works, but not for everybody. */
  severity: 'error' | 'warning';
  message: string;
  resource?: { kind: string; namespace: string; name: string };
}

export type Delegator = 'multus' | 'galaxy';

export interface WiringInput {
  delegator: Delegator;
  /** What stand-alone mode wrote on the nodes: its network’s name, and the file’s text. */
  network: { name: string; config: string };
  /** Namespaces whose new pods are injected, whether they have pods yet or not. */
  namespaces: readonly string[];
  pods: readonly Pod[];
  /** The cluster’s NetworkAttachmentDefinitions. */
  attachments: readonly NetworkAttachment[];
  /** At least those of `kube-system` (Galaxy’s) and of the control planes (the injectors’). */
  configMaps: readonly ConfigMap[];
}

export interface NetworkAttachment {
  metadata?: { namespace?: string; name?: string };
  spec?: { config?: string };
}

export interface StandaloneWiring {
  /** In the order in which they are applied: what is looked for is there before it is named. */
  edits: WiringEdit[];
  problems: WiringProblem[];
  /** Injected pods that do not name the network: they are redirected after they were recreated. */
  unnamed: { namespace: string; name: string }[];
}

/** Tells a delegating plugin which networks a pod is connected to. Galaxy’s own `DefaultNetworks` do not count beside it. */
export const networksAnnotation = 'k8s.v1.cni.cncf.io/networks';

/** Which delegating plugin a chain’s type is; undefined: none that can be wired. */
export function delegatorOf(type: string): Delegator | undefined {
  if (type.startsWith('multus')) return 'multus';
  return type === 'galaxy-sdn' ? 'galaxy' : undefined;
}

/** Plans the wiring. What stands already is not planned again. */
export function planWiring(input: WiringInput): StandaloneWiring {
  const plan: StandaloneWiring = { edits: [], problems: [], unnamed: unnamedPods(input) };
  const defaults = input.delegator === 'galaxy' ? wireGalaxy(input, plan) : wireMultus(input, plan);
  wireInjectors(input, defaults, plan);
  if (plan.unnamed.length > 0) plan.problems.push(mustBeRecreated(input, plan.unnamed));
  return plan;
}

/**
 * The way back.
 * @param edits what was applied.
 * @param now the text that stands there today; null: nothing does.
 * @returns edits that give the old text back; where somebody else wrote since, ours alone is taken out, or a problem says why not.
 */
export function planUnwiring(
  edits: readonly WiringEdit[],
  now: (edit: WiringEdit) => string | null,
  network: string,
): Pick<StandaloneWiring, 'edits' | 'problems'> {
  const back: Pick<StandaloneWiring, 'edits' | 'problems'> = { edits: [], problems: [] };
  for (const edit of [...edits].reverse()) {
    const there = now(edit);
    if (there === edit.before) continue;
    const after = there === edit.after ? edit.before : takenOut(edit, there, network);
    if (after === undefined) {
      const { kind, namespace, name } = edit.resource;
      const message = l10n.t(
        '{0} {1}/{2} was changed by somebody else since: take “{3}” out of it by hand.',
        ...[kind, namespace, name, network],
      );
      back.problems.push({ severity: 'warning', message, resource: { kind, namespace, name } });
    } else if (after !== there) {
      const says = l10n.t('Takes back what stand-alone mode changed here.');
      back.edits.push({ ...edit, before: there, after, says });
    }
  }
  return back;
}

function takenOut(edit: WiringEdit, there: string | null, network: string): string | null | undefined {
  if (there === null) return null;
  if (edit.key === undefined || edit.resource.name !== galaxyMap) return undefined;
  try {
    const place = namesOf(there).indexOf(network);
    const without = place < 0 ? there : removeItem(there, ['NetworkConf'], place);
    const called = itemsAt(without, ['DefaultNetworks']).indexOf(JSON.stringify(network));
    return called < 0 ? without : removeItem(without, ['DefaultNetworks'], called);
  } catch (error) {
    if (error instanceof UnreadableJson) return undefined;
    throw error;
  }
}

const attachmentVersion = 'k8s.cni.cncf.io/v1';
const attachmentKind = 'NetworkAttachmentDefinition';

/** Multus takes a name without a namespace from the pod’s own: one definition in each. @returns no network has to stand before ours. */
function wireMultus({ network, namespaces, pods, attachments }: WiringInput, plan: StandaloneWiring): string[] {
  const injected = pods.filter(isInjected).map((pod) => pod.metadata?.namespace ?? 'default');
  for (const namespace of [...new Set([...namespaces, ...injected])].sort()) {
    const there = attachments.find(
      ({ metadata }) => metadata?.namespace === namespace && metadata.name === network.name,
    );
    const resource = { apiVersion: attachmentVersion, kind: attachmentKind, namespace, name: network.name };
    if (there && isSameJson(there.spec?.config, network.config)) continue;
    plan.edits.push({
      resource,
      before: there ? manifestOf(resource, there.spec?.config ?? '') : null,
      after: manifestOf(resource, network.config.trim()),
      says: l10n.t(
        'Multus looks in the pod’s own namespace for the network that its annotation names: without this definition no injected pod of “{0}” would start.',
        namespace,
      ),
    });
  }
  if (plan.edits.length > 0)
    plan.problems.push({
      severity: 'warning',
      message: l10n.t(
        'A namespace that is added to the mesh later needs its own {0} “{1}”: until it has one, its injected pods do not start.',
        attachmentKind,
        network.name,
      ),
    });
  return [];
}

function manifestOf(resource: WiringEdit['resource'], config: string): string {
  const { apiVersion, kind, namespace, name } = resource;
  const metadata = { name, namespace, labels: { 'app.kubernetes.io/managed-by': 'meshloom' } };
  return `${JSON.stringify({ apiVersion, kind, metadata, spec: { config } }, undefined, 2)}\n`;
}

const galaxyMap = 'galaxy-etc';

/** @returns the networks that the annotation must name before ours, because it takes the place of the default ones. */
function wireGalaxy({ network, configMaps }: WiringInput, plan: StandaloneWiring): string[] {
  const map = configMaps.find(({ metadata }) => metadata?.name === galaxyMap && metadata.namespace === 'kube-system');
  const resource = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'kube-system', name: galaxyMap };
  const found = Object.entries(map?.data ?? {}).find(([, text]) => isGalaxySettings(text));
  if (!found) {
    const message = map
      ? l10n.t('ConfigMap kube-system/{0} holds no settings with “NetworkConf” or “DefaultNetworks”.', galaxyMap)
      : l10n.t(
          'There is no ConfigMap kube-system/{0}: Galaxy’s networks are configured elsewhere; add “{1}” there.',
          ...[galaxyMap, network.name],
        );
    plan.problems.push({ severity: 'error', message, resource });
    return [];
  }
  const [key, before] = found;
  const { DefaultNetworks, ENIIPNetwork } = JSON.parse(before) as GalaxySettings;
  const defaults = (Array.isArray(DefaultNetworks) ? DefaultNetworks : [])
    .filter((name) => typeof name === 'string')
    .filter((name) => name !== network.name);
  if (defaults.length === 0)
    plan.problems.push({
      severity: 'error',
      resource,
      message: l10n.t(
        'Galaxy has no default network (“DefaultNetworks” in ConfigMap kube-system/{0}): ours would be the only one of each pod, and gives it no address. Name the network of the pods there first.',
        galaxyMap,
      ),
    });
  if (typeof ENIIPNetwork === 'string' && ENIIPNetwork !== '')
    plan.problems.push({
      severity: 'warning',
      resource,
      message: l10n.t(
        'Pods that ask for an ENI address get “{0}” alone, not the default networks: those of the mesh must name “{0},{1}” in the annotation {2}.',
        ...[ENIIPNetwork, network.name, networksAnnotation],
      ),
    });
  if (defaults.length === 0) return [];
  const after = withNetwork(before, network);
  if (after !== before)
    plan.edits.push({
      resource,
      key,
      before,
      after,
      says: l10n.t(
        'Galaxy knows the network “{0}” then, and calls it after {1} for every pod without the annotation {2}. Galaxy reads this when it starts: restart its DaemonSet.',
        ...[network.name, defaults.join(', '), networksAnnotation],
      ),
    });
  return defaults;
}

interface GalaxySettings {
  NetworkConf?: unknown;
  DefaultNetworks?: unknown;
  ENIIPNetwork?: unknown;
}

function isGalaxySettings(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && ('NetworkConf' in value || 'DefaultNetworks' in value);
  } catch {
    return false;
  }
}

function withNetwork(text: string, network: WiringInput['network']): string {
  const place = namesOf(text).indexOf(network.name);
  const config = JSON.stringify(JSON.parse(network.config));
  const there = textAt(text, ['NetworkConf', place]);
  let result = text;
  if (place >= 0 && !isSameJson(there, config)) result = removeItem(result, ['NetworkConf'], place);
  if (place < 0 || result !== text)
    result =
      textAt(result, ['NetworkConf']) === undefined
        ? setValue(result, ['NetworkConf'], `[${config}]`)
        : appendItem(result, ['NetworkConf'], config);
  const name = JSON.stringify(network.name);
  return itemsAt(result, ['DefaultNetworks']).includes(name) ? result : appendItem(result, ['DefaultNetworks'], name);
}

/** What the entries of `NetworkConf` are called by; Galaxy takes the type where there is no name. */
function namesOf(text: string): (string | undefined)[] {
  return itemsAt(text, ['NetworkConf']).map((item) => {
    const { name, type } = JSON.parse(item) as { name?: string; type?: string };
    return name ?? type;
  });
}

const injectorMap = /^istio-sidecar-injector(-.+)?$/;

/** The injector writes the annotation when it is told that Istio’s plugin is not chained; its template says which network. */
function wireInjectors(input: WiringInput, defaults: readonly string[], plan: StandaloneWiring): void {
  const injectors = input.configMaps.filter(({ metadata }) => injectorMap.test(metadata?.name ?? ''));
  if (injectors.length === 0)
    plan.problems.push({
      severity: 'error',
      message: l10n.t(
        'No injector’s ConfigMap (istio-sidecar-injector…) was found: write the annotation {0}: {1} into the pods’ templates by hand.',
        ...[networksAnnotation, [...defaults, input.network.name].join(',')],
      ),
    });
  for (const map of injectors) wireInjector(input, map, defaults, plan);
}

function wireInjector(
  { network }: WiringInput,
  map: ConfigMap,
  defaults: readonly string[],
  plan: StandaloneWiring,
): void {
  const { namespace = 'istio-system', name = '' } = map.metadata ?? {};
  const resource = { apiVersion: 'v1', kind: 'ConfigMap', namespace, name };
  const { values, config = '' } = map.data ?? {};
  const template = withTemplate(config, network.name, defaults);
  if (template === undefined) {
    plan.problems.push({
      severity: 'error',
      resource,
      message: l10n.t(
        'The templates in ConfigMap {0}/{1} never write the annotation {2}: this release of the injector cannot name a network. Write {2}: {3} into the pods’ templates.',
        ...[namespace, name, networksAnnotation, [...defaults, network.name].join(',')],
      ),
    });
    return;
  }
  try {
    const switched = values === undefined ? undefined : unchained(values, config);
    if (switched !== undefined && switched !== values)
      plan.edits.push({
        resource,
        key: 'values',
        before: values!,
        after: switched,
        says: l10n.t(
          'Tells the injector that the plugin is not chained: it writes the annotation {0} on each pod that it injects, and no container istio-init.',
          networksAnnotation,
        ),
      });
  } catch (error) {
    if (!(error instanceof UnreadableJson)) throw error;
    plan.problems.push({
      severity: 'error',
      resource,
      message: l10n.t('“values” in ConfigMap {0}/{1} cannot be edited: {2}', namespace, name, error.message),
    });
  }
  if (template !== config)
    plan.edits.push({
      resource,
      key: 'config',
      before: config,
      after: template,
      says:
        defaults.length > 0
          ? l10n.t(
              'The annotation takes the place of the default networks: a pod that names none itself gets “{0}”, so that it keeps its address.',
              [...defaults, network.name].join(', '),
            )
          : l10n.t('The injector names “{0}” in the annotation, not Istio’s own network.', network.name),
    });
  plan.problems.push({
    severity: 'warning',
    resource,
    message: l10n.t(
      'Helm or istioctl writes ConfigMap {0}/{1} anew at the next upgrade: set the same values there (pilot.cni.provider=multus, or istio_cni.chained=false), then plan the wiring again.',
      namespace,
      name,
    ),
  });
}

/** `istio_cni` up to Istio 1.23, `pilot.cni` from 1.22 on; what the templates read is what counts. */
function unchained(values: string, config: string): string {
  const reads = (field: string) => config.includes(`.Values.${field}`);
  let text = values;
  const set = (path: string[], value: string) => {
    if (textAt(text, path) !== value) text = setValue(text, path, value);
  };
  const isOld = reads('istio_cni.') || textAt(values, ['istio_cni']) !== undefined;
  if (isOld) {
    set(['istio_cni', 'enabled'], 'true');
    set(['istio_cni', 'chained'], 'false');
    if (reads('istio_cni.provider') || textAt(values, ['istio_cni', 'provider']) !== undefined)
      set(['istio_cni', 'provider'], '"multus"');
  }
  if (reads('pilot.cni.') || textAt(values, ['pilot', 'cni']) !== undefined || !isOld) {
    set(['pilot', 'cni', 'enabled'], 'true');
    set(['pilot', 'cni', 'provider'], '"multus"');
    if (reads('pilot.cni.chained') || textAt(values, ['pilot', 'cni', 'chained']) !== undefined)
      set(['pilot', 'cni', 'chained'], 'false');
  }
  return text;
}

/**
 * `appendMultusNetwork (index .ObjectMeta.Annotations `k8s…/networks`) `istio-cni``, as Istio’s templates have it, with our
 * network. Where default networks must stand before it, they take the place of an annotation that is not there.
 * @returns undefined when no template writes the annotation.
 */
function withTemplate(config: string, network: string, defaults: readonly string[]): string | undefined {
  let isFound = false;
  const own = defaults.join(',');
  const after = config.replace(
    /(appendMultusNetwork\s+)(\(or\s+)?(\(index\s+\.ObjectMeta\.Annotations\s+(`|\\?")k8s\.v1\.cni\.cncf\.io\/networks\4\))(?:\s+(?:`|\\?")[^`"\\]*(?:`|\\?")\))?(\s+)(?:`|\\?")[^`"\\]*(?:`|\\?")/g,
    (_, call: string, __: string | undefined, annotation: string, quote: string, space: string) => {
      isFound = true;
      const first = own === '' ? annotation : `(or ${annotation} ${quote}${own}${quote})`;
      return `${call}${first}${space}${quote}${network}${quote}`;
    },
  );
  return isFound ? after : undefined;
}

function unnamedPods({ pods, network }: WiringInput): StandaloneWiring['unnamed'] {
  return pods
    .filter((pod) => isInjected(pod) && pod.spec?.hostNetwork !== true && !names(pod, network.name))
    .map(({ metadata }) => ({ namespace: metadata?.namespace ?? 'default', name: metadata?.name ?? '' }));
}

function isInjected({ metadata, spec }: Pod): boolean {
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  return (
    metadata?.annotations?.['sidecar.istio.io/status'] !== undefined ||
    containers.some(({ name }) => name === 'istio-proxy')
  );
}

/** Both spellings: `flannel, shop/meshloom-cni@eth1` and a list in JSON. */
function names({ metadata }: Pod, network: string): boolean {
  const value = metadata?.annotations?.[networksAnnotation]?.trim() ?? '';
  if (!value.startsWith('['))
    return value.split(',').some((one) => one.trim().replace(/^.*\//, '').replace(/@.*$/, '') === network);
  try {
    const list: unknown = JSON.parse(value);
    return Array.isArray(list) && list.some((one) => (one as { name?: unknown } | null)?.name === network);
  } catch {
    return false;
  }
}

function mustBeRecreated({ network }: WiringInput, unnamed: StandaloneWiring['unnamed']): WiringProblem {
  const listed = unnamed.slice(0, 5).map(({ namespace, name }) => `${namespace}/${name}`);
  const namespaces = [...new Set(unnamed.map(({ namespace }) => namespace))];
  return {
    severity: 'warning',
    message: l10n.t(
      '{0} injected pods in {1} do not name the network “{2}” ({3}{4}): their traffic is not redirected until they are recreated.',
      ...[String(unnamed.length), namespaces.join(', '), network.name],
      ...[listed.join(', '), unnamed.length > listed.length ? ', …' : ''],
    ),
  };
}

function isSameJson(a: string | undefined, b: string): boolean {
  try {
    return a !== undefined && JSON.stringify(JSON.parse(a)) === JSON.stringify(JSON.parse(b));
  } catch {
    return false;
  }
}
