/** What restarting a workload would do, before it is done. No editor here. */
import * as l10n from '@vscode/l10n';
import { parse } from 'yaml';
import { decideInjection } from '../../mesh/injection/decide-injection.ts';
import type { Pod, Workload } from '../../mesh/kubernetes.ts';
import { ClusterFailure, type Cluster, type ResourceType } from '../cluster/cluster.ts';
import { readInjectionEnvironment } from '../cluster/read-injection.ts';
import { notThere, ownerOf, workloadTypes, type ObjectReference } from './pod-targets.ts';
import { printObject } from './print-object.ts';

export interface RestartPlan {
  reference: ObjectReference;
  type: ResourceType;
  /** Strategic merge patch; it fails on another object of the same name. */
  patch: object;
  /** YAML of the workload now, and as the API server says it would be. */
  before: string;
  after: string;
  /** Whether the new pods will be in the mesh, and how. */
  injection: string;
  /** What a person should know beforehand. */
  notes: string[];
  undo: string;
}

const restartable = ['Deployment', 'StatefulSet', 'DaemonSet'];
const annotation = 'kubectl.kubernetes.io/restartedAt';

interface RestartableSpec {
  replicas?: number;
  paused?: boolean;
  strategy?: { type?: string };
  updateStrategy?: { type?: string };
}

/**
 * Reads the workload, and lets the API server try the change without keeping it.
 * @param now for the annotation, as `kubectl rollout restart` writes it.
 * @throws ClusterFailure for what cannot be restarted so, with what can be done instead.
 */
export async function planRestart(cluster: Cluster, reference: ObjectReference, now: string): Promise<RestartPlan> {
  const { kind, namespace, name } = reference;
  const type = restartable.includes(kind) ? workloadTypes[kind] : undefined;
  if (!type) throw cannotRestart(reference);
  const object = await cluster.get<Workload>(type, name, { namespace });
  if (!object) throw notThere(cluster, reference);
  const spec = (object.spec ?? {}) as RestartableSpec;
  if (spec.paused) throw isPaused(reference);
  const patch = {
    metadata: { uid: object.metadata?.uid },
    spec: { template: { metadata: { annotations: { [annotation]: now } } } },
  };
  const changed = await cluster.patch<Workload>(type, name, patch, { namespace, dryRun: true });
  return {
    reference,
    type,
    patch,
    before: printWithoutNoise(object),
    after: printWithoutNoise(changed),
    injection: await predictInjection(cluster, reference, changed),
    notes: notesAbout(kind, spec),
    undo: l10n.t(
      'To undo: kubectl --context {0} -n {1} rollout undo {2}/{3}',
      cluster.context.name,
      namespace,
      kind.toLowerCase(),
      name,
    ),
  };
}

/** What a person pointed at, as something that can be restarted: a pod's workload for a pod. @throws ClusterFailure */
export async function findRestartable(
  cluster: Cluster,
  reference: ObjectReference,
  pod?: Pod,
): Promise<ObjectReference> {
  if (reference.kind !== 'Pod') return reference;
  const owner = pod && (await ownerOf(cluster, pod));
  if (owner && restartable.includes(owner.kind)) return owner;
  throw cannotRestart(reference, owner);
}

function cannotRestart({ kind, namespace, name }: ObjectReference, owner?: ObjectReference): ClusterFailure {
  const what = l10n.t('{0} {1} in namespace {2} cannot be restarted', kind, name, namespace);
  if (kind === 'Pod' && !owner)
    return new ClusterFailure(
      'invalid',
      l10n.t('{0}: no controller would make this pod again.', what),
      l10n.t(
        'Keep its YAML, delete it and create it again: it is injected when it is created. Better, put it into a Deployment.',
      ),
    );
  const actual = owner?.kind ?? kind;
  if (actual === 'Job' || actual === 'CronJob')
    return new ClusterFailure(
      'invalid',
      l10n.t('{0}: a {1} runs its pods once.', what, actual),
      l10n.t('Create the Job again; pods of its next run are injected as things stand then.'),
    );
  return new ClusterFailure(
    'invalid',
    l10n.t('{0}: a {1} does not roll its pods.', what, actual),
    l10n.t('Restart what owns it, or delete its pods one by one.'),
  );
}

function isPaused({ kind, namespace, name }: ObjectReference): ClusterFailure {
  return new ClusterFailure(
    'invalid',
    l10n.t('{0} {1} in namespace {2} cannot be restarted: its rollout is paused.', kind, name, namespace),
    l10n.t('Resume it first: kubectl -n {0} rollout resume {1}/{2}', namespace, kind.toLowerCase(), name),
  );
}

function notesAbout(kind: string, { replicas = 1, strategy, updateStrategy }: RestartableSpec): string[] {
  if (kind !== 'DaemonSet' && replicas === 0) return [l10n.t('It wants no pods: nothing will start.')];
  if (updateStrategy?.type === 'OnDelete')
    return [l10n.t('Its update strategy is OnDelete: pods stay as they are until somebody deletes them.')];
  if (strategy?.type === 'Recreate') return [l10n.t('Its strategy is Recreate: all pods end before new ones start.')];
  if (kind === 'StatefulSet' && replicas === 1) return [l10n.t('It has one pod, which is away while it restarts.')];
  return [];
}

/** As far as one may read; what decides is told, or what could not be read. */
async function predictInjection(
  cluster: Cluster,
  { namespace, name }: ObjectReference,
  workload: Workload,
): Promise<string> {
  const template = workload.spec?.template;
  const pod: Pod = {
    metadata: { ...template?.metadata, namespace, name },
    ...(template?.spec && { spec: template.spec }),
  };
  try {
    const { known, missing } = await readInjectionEnvironment(cluster, namespace);
    const decision = decideInjection({ pod, ...known, parseYaml: parse });
    const why = decision.steps.at(-1)?.says ?? '';
    const unsure = missing.length > 0 ? ` ${l10n.t('Could not be read: {0}.', missing.join(', '))}` : '';
    return decision.injected
      ? l10n.t('New pods will get a sidecar: {0}', why) + unsure
      : l10n.t('New pods will get no sidecar: {0}', why) + unsure;
  } catch (error) {
    if (!(error instanceof ClusterFailure)) throw error;
    return l10n.t('Whether new pods will get a sidecar is not known: {0}', error.message);
  }
}

/** Without what changes by itself: a diff shows what we change. */
function printWithoutNoise({ status: _, metadata, ...object }: Workload): string {
  const { resourceVersion: __, generation: ___, ...kept } = (metadata ?? {}) as Record<string, unknown>;
  const { managedFields: ____, ...shown } = kept;
  return printObject({ ...object, metadata: shown } as Workload);
}
