import * as l10n from '@vscode/l10n';
import { injectorWebhooks, selectingWebhooks } from '../injection/injector-webhooks.ts';
import type { InjectorWebhook } from '../injection/injector-webhooks.ts';
import { readInjectorConfig } from '../injection/injector-config.ts';
import type { InjectorConfig } from '../injection/injector-config.ts';
import type { ConfigMap, Labels, MutatingWebhookConfiguration, Namespace, Workload } from '../kubernetes.ts';
import type { MeshSettings } from '../mesh-settings.ts';
import { imageTag } from '../pods/image-tag.ts';

/** Something that is not as it should be, with what to do. */
export interface MeshProblem {
  severity: 'error' | 'warning';
  short: string;
  says: string;
  next: string;
}

/** An istiod, with what it was told. */
export interface ControlPlane {
  namespace: string;
  name: string;
  /** `default`, `1-24` */
  revision: string;
  version?: string;
  wanted: number;
  ready: number;
  /** Tags whose webhooks lead to it. */
  tags: string[];
  /** The ConfigMap `istio[-REVISION]`; absent: there is none, or it may not be read. */
  settings?: MeshSettings;
  settingsName?: string;
  injector?: InjectorConfig;
  problems: MeshProblem[];
}

export interface WebhookState {
  webhook: InjectorWebhook;
  /** Namespaces of which it takes pods that carry no label of their own. */
  namespaces: string[];
  problems: MeshProblem[];
}

/** What a namespace's labels lead to. */
export type NamespaceChoice = 'injected' | 'ambient' | 'disabled' | 'none';

export interface NamespaceState {
  name: string;
  choice: NamespaceChoice;
  /** Who injects there. */
  revision?: string;
  /** The label that asks, as written: `istio.io/rev=prod`. */
  label?: string;
  problems: MeshProblem[];
}

export interface MeshState {
  controlPlanes: ControlPlane[];
  webhooks: WebhookState[];
  namespaces: NamespaceState[];
}

export interface MeshInputs {
  deployments: Iterable<Workload>;
  /** Whether the Deployments of a namespace were read: where they were not, nobody is missing. Absent: all were. */
  isRead?: (namespace: string) => boolean;
  namespaces: Iterable<Namespace>;
  /** Absent: they may not be read. */
  webhooks?: readonly MutatingWebhookConfiguration[];
  /** Those of the control planes' namespaces; absent: they may not be read. */
  configMaps?: readonly ConfigMap[];
  /** The text `mesh` of a ConfigMap `istio`. */
  parseSettings: (text: string) => MeshSettings;
}

/** The mesh as its control planes, webhooks and namespaces make it, with what does not fit together. */
export function describeMesh(inputs: MeshInputs): MeshState {
  const namespaces = [...inputs.namespaces].sort((a, b) => compare(nameOf(a), nameOf(b)));
  const webhooks = inputs.webhooks && injectorWebhooks(inputs.webhooks);
  const controlPlanes = [...inputs.deployments]
    .filter(isControlPlane)
    .map((deployment) => readControlPlane(deployment, webhooks ?? [], inputs))
    .sort((a, b) => compare(a.revision, b.revision) || compare(a.namespace, b.namespace));
  for (const one of controlPlanes) one.problems.push(...problemsOf(one, controlPlanes));
  const services = new Map(inputs.webhooks?.flatMap(servicesOf) ?? []);
  const { isRead = () => true } = inputs;
  const seen = (service: CalledService) => (service && isRead(service.namespace) ? service : undefined);
  return {
    controlPlanes,
    webhooks: (webhooks ?? []).map((webhook) => ({
      webhook,
      namespaces: namespaces.filter((one) => takesPlainPods(webhook, one)).map(nameOf),
      problems: webhookProblems(webhook, seen(services.get(webhook.name)), controlPlanes),
    })),
    namespaces: namespaces.map((namespace) => readNamespace(namespace, webhooks)),
  };
}

// ---- control planes -------------------------------------------------------------------------------------------------

function isControlPlane({ metadata, spec }: Workload): boolean {
  const { labels = {} } = metadata ?? {};
  if (labels['app'] === 'istiod' || labels['istio'] === 'pilot') return true;
  return (spec?.template?.spec?.containers ?? []).some(
    ({ name, image = '' }) => name === 'discovery' && /\/pilot[:@]/.test(image),
  );
}

function readControlPlane(
  deployment: Workload,
  webhooks: readonly InjectorWebhook[],
  inputs: MeshInputs,
): ControlPlane {
  const { metadata = {}, spec, status } = deployment;
  const { namespace = '', name = '', labels = {} } = metadata;
  const revision = labels['istio.io/rev'] ?? 'default';
  const own = (inputs.configMaps ?? []).filter((configMap) => configMap.metadata?.namespace === namespace);
  const suffix = revision === 'default' ? '' : `-${revision}`;
  const settingsName = `istio${suffix}`;
  const text = own.find((configMap) => configMap.metadata?.name === settingsName)?.data?.['mesh'];
  const injectorMap = own.find((configMap) => configMap.metadata?.name === `istio-sidecar-injector${suffix}`);
  const injector = injectorMap && readInjectorConfig(injectorMap);
  const version = versionOf(deployment);
  return {
    namespace,
    name,
    revision,
    ...(version && { version }),
    wanted: spec?.replicas ?? 1,
    ready: status?.readyReplicas ?? 0,
    tags: [
      ...new Set(webhooks.flatMap(({ tag, revision: of }) => (tag !== undefined && of === revision ? [tag] : []))),
    ],
    ...(text !== undefined && { settings: inputs.parseSettings(text), settingsName }),
    ...(injector && { injector }),
    problems: [],
  };
}

function versionOf({ metadata, spec }: Workload): string | undefined {
  const containers = spec?.template?.spec?.containers ?? [];
  const image = (containers.find(({ name }) => name === 'discovery') ?? containers[0])?.image ?? '';
  const tag = imageTag(image)?.replace(/-(?:distroless|debug)$/, '');
  return tag ?? metadata?.labels?.['app.kubernetes.io/version'];
}

function problemsOf(one: ControlPlane, all: readonly ControlPlane[]): MeshProblem[] {
  const { namespace, name, revision, ready, wanted, settings } = one;
  const problems: MeshProblem[] = [];
  if (wanted === 0 || ready === 0)
    problems.push({
      severity: 'error',
      short: wanted === 0 ? l10n.t('scaled to zero') : l10n.t('not ready'),
      says: l10n.t(
        'No replica of {0} is ready ({1} wanted): proxies keep what they have, but new ones get no configuration and no certificate, and nothing is injected.',
        `${namespace}/${name}`,
        wanted,
      ),
      next: l10n.t('Look at its pods and their logs in Workloads.'),
    });
  const twin = all.find((other) => other !== one && other.revision === revision);
  if (twin)
    problems.push({
      severity: 'warning',
      short: l10n.t('two of one revision'),
      says: l10n.t(
        'Both {0} and {1} are revision {2}: whose webhook comes last decides.',
        `${namespace}/${name}`,
        `${twin.namespace}/${twin.name}`,
        revision,
      ),
      next: l10n.t('Give one of them a revision of its own.'),
    });
  if (settings?.rootNamespace !== undefined && settings.rootNamespace !== namespace)
    problems.push({
      severity: 'warning',
      short: l10n.t('root namespace {0}', settings.rootNamespace),
      says: l10n.t(
        'The root namespace of {0} is {1}, and it runs in {2}: policies for the whole mesh count in {1} only.',
        name,
        settings.rootNamespace,
        namespace,
      ),
      next: l10n.t('Put policies for the whole mesh there, or take rootNamespace out of the mesh’s configuration.'),
    });
  const foreign = all.find((other) => other.settings && settings && rootOf(other) !== rootOf(one));
  if (foreign)
    problems.push({
      severity: 'warning',
      short: l10n.t('root namespaces differ'),
      says: l10n.t(
        'Revision {0} takes policies for the whole mesh from {1}, revision {2} from {3}.',
        revision,
        rootOf(one),
        foreign.revision,
        rootOf(foreign),
      ),
      next: l10n.t('Use one root namespace for revisions that share workloads.'),
    });
  return problems;
}

function rootOf({ settings, namespace }: ControlPlane): string {
  return settings?.rootNamespace ?? namespace;
}

// ---- webhooks -------------------------------------------------------------------------------------------------------

type CalledService = { namespace: string; name: string } | undefined;

/** Webhook (`configuration/name`) → the service it calls; undefined for one that is called by URL. */
function servicesOf({ metadata, webhooks = [] }: MutatingWebhookConfiguration): [string, CalledService][] {
  return webhooks.map(({ name, clientConfig }) => [`${metadata?.name ?? ''}/${name}`, clientConfig?.service]);
}

function webhookProblems(
  { revision, failurePolicy = 'Fail' }: InjectorWebhook,
  service: CalledService,
  controlPlanes: readonly ControlPlane[],
): MeshProblem[] {
  // By URL, or where nobody may look: the control plane is elsewhere, and nothing of it can be seen here.
  if (!service) return [];
  const answering = controlPlanes.filter((one) => one.namespace === service.namespace && one.revision === revision);
  if (answering.some(({ ready }) => ready > 0)) return [];
  const fails = failurePolicy !== 'Ignore';
  const who = `${service.namespace}/${service.name}`;
  return [
    {
      severity: fails ? 'error' : 'warning',
      short: fails ? l10n.t('nobody answers: pods are refused') : l10n.t('nobody answers: pods stay out'),
      says: [
        answering.length > 0
          ? l10n.t('It calls Service {0} of revision {1}, of which no replica is ready.', who, revision)
          : l10n.t('It calls Service {0}, and no control plane of revision {1} runs in that namespace.', who, revision),
        fails
          ? l10n.t('Its failurePolicy is Fail: the API server refuses every new pod that it selects.')
          : l10n.t('Its failurePolicy is Ignore: new pods start without a sidecar.'),
      ].join(' '),
      next: l10n.t('Bring the control plane back, or delete the webhook configuration that was left behind.'),
    },
  ];
}

function takesPlainPods(webhook: InjectorWebhook, namespace: Namespace): boolean {
  return selectingWebhooks([webhook], nameOf(namespace), namespace.metadata?.labels ?? {}, {}).length > 0;
}

// ---- namespaces -----------------------------------------------------------------------------------------------------

const injectionKey = 'istio-injection';
const revisionKey = 'istio.io/rev';
const modeKey = 'istio.io/dataplane-mode';

function readNamespace(namespace: Namespace, webhooks: readonly InjectorWebhook[] | undefined): NamespaceState {
  const name = nameOf(namespace);
  const labels = namespace.metadata?.labels ?? {};
  const label = askingLabel(labels);
  const base = { name, ...(label !== undefined && { label }) };
  if (!webhooks) return { ...base, choice: byLabelsAlone(labels), problems: [] };
  const taking = webhooks.filter((webhook) => takesPlainPods(webhook, namespace));
  const [first] = taking;
  const choice = first ? 'injected' : byLabelsAlone(labels) === 'injected' ? 'none' : byLabelsAlone(labels);
  return {
    ...base,
    choice,
    ...(first && { revision: first.revision }),
    problems: namespaceProblems(name, labels, label, taking, webhooks),
  };
}

function askingLabel(labels: Labels): string | undefined {
  const key = [injectionKey, revisionKey, modeKey].find((one) => one in labels);
  return key && `${key}=${labels[key] ?? ''}`;
}

function byLabelsAlone(labels: Labels): NamespaceChoice {
  if (labels[injectionKey] === 'enabled') return 'injected';
  if (labels[injectionKey] === 'disabled') return 'disabled';
  if (labels[revisionKey] !== undefined) return 'injected';
  return labels[modeKey] === 'ambient' ? 'ambient' : 'none';
}

function namespaceProblems(
  name: string,
  labels: Labels,
  label: string | undefined,
  taking: readonly InjectorWebhook[],
  webhooks: readonly InjectorWebhook[],
): MeshProblem[] {
  const problems: MeshProblem[] = [];
  const revisions = [...new Set(taking.map(({ revision }) => revision))];
  if (revisions.length > 1)
    problems.push({
      severity: 'error',
      short: l10n.t('two revisions claim it'),
      says: l10n.t(
        'Webhooks of the revisions {0} take the pods of namespace {1}: each of them is asked in turn, and the proxy of the last one stays.',
        revisions.join(', '),
        name,
      ),
      next: l10n.t(
        'Leave the default to one revision: delete the other one’s default tag, or label the namespace with istio.io/rev.',
      ),
    });
  const wants =
    labels[injectionKey] === 'enabled' || (labels[revisionKey] !== undefined && labels[injectionKey] === undefined);
  if (wants && taking.length === 0)
    problems.push({
      severity: 'error',
      short: l10n.t('no webhook serves its label'),
      says: l10n.t(
        'Namespace {0} is labelled {1}, and no injector’s webhook takes its pods: they start without a sidecar.',
        name,
        label ?? '',
      ),
      next: l10n.t('There are {0}. Label it with one of these, or install what is missing.', offered(webhooks)),
    });
  if (labels[injectionKey] !== undefined && labels[revisionKey] !== undefined)
    problems.push({
      severity: 'warning',
      short: l10n.t('istio-injection and istio.io/rev'),
      says: l10n.t(
        'Namespace {0} has both labels; istio-injection={1} counts, istio.io/rev={2} does not.',
        name,
        labels[injectionKey],
        labels[revisionKey],
      ),
      next: l10n.t('Remove one of them.'),
    });
  return problems;
}

function offered(webhooks: readonly InjectorWebhook[]): string {
  const names = new Set(webhooks.flatMap(({ tag, revision }) => [revision, ...(tag === undefined ? [] : [tag])]));
  return names.size > 0 ? [...names].sort().join(', ') : l10n.t('no injectors at all');
}

function nameOf({ metadata }: Namespace): string {
  return metadata?.name ?? '';
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
