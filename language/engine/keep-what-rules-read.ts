import type { PlainObject } from '../../contract/cluster-layer.ts';
import type { Kind } from '../kinds.ts';

/** Of every object's metadata; the rest (managedFields above all) is bookkeeping. */
const metadataFields = [
  'name',
  'namespace',
  'labels',
  'annotations',
  'ownerReferences',
  'generation',
  'deletionTimestamp',
];
/** What `kubectl apply` writes down for itself: the whole object once more. */
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

const podFields = [
  ...['hostNetwork', 'nodeName', 'serviceAccountName', 'securityContext', 'dnsPolicy', 'shareProcessNamespace'],
  ...['containers', 'initContainers'],
];
const containerFields = ['name', 'image', 'ports', 'securityContext', 'restartPolicy', 'env', 'args'];
/** Environments may be long, and only the control plane's is of interest. */
const istioContainers = new Set(['istio-proxy', 'discovery', 'istio-init', 'istio-validation']);

/**
 * An object of a cluster without what no rule reads. A mesh of 10,000 pods is to fit beside an editor.
 * @returns a new object; parts of the given one may stand in it.
 */
export function keepWhatRulesRead(object: PlainObject, kind: Kind): PlainObject {
  const { apiVersion, kind: name, metadata, spec, status, ...others } = object;
  const head = { apiVersion, kind: name, metadata: keepMetadata(metadata) };
  switch (kind) {
    case 'Pod':
      return { ...head, spec: keepPodSpec(spec), ...phaseOf(status) };
    case 'Node':
      return head;
    case 'ConfigMap':
      return /^istio/.test(nameOf(metadata)) ? { ...head, ...others } : head;
    default: {
      const kept = podTemplate(spec);
      return { ...head, ...(kept !== undefined && { spec: kept }), ...others, ...conditionsOf(status) };
    }
  }
}

function keepMetadata(metadata: unknown): PlainObject {
  const kept = pick(metadata, metadataFields);
  const { annotations } = kept;
  if (isMap(annotations) && lastApplied in annotations) {
    const { [lastApplied]: _, ...rest } = annotations;
    kept['annotations'] = rest;
  }
  return kept;
}

function podTemplate(spec: unknown): unknown {
  if (!isMap(spec)) return spec;
  if (isMap(spec['jobTemplate']))
    return { ...spec, jobTemplate: { ...spec['jobTemplate'], spec: podTemplate(spec['jobTemplate']['spec']) } };
  const { template } = spec;
  // A ServiceEntry or WorkloadGroup has no containers there.
  if (!isMap(template) || !isMap(template['spec']) || !Array.isArray(template['spec']['containers'])) return spec;
  return { ...spec, template: { metadata: keepMetadata(template['metadata']), spec: keepPodSpec(template['spec']) } };
}

function keepPodSpec(spec: unknown): PlainObject {
  const kept = pick(spec, podFields);
  for (const list of ['containers', 'initContainers']) {
    const containers = kept[list];
    if (Array.isArray(containers)) kept[list] = containers.map(keepContainer);
  }
  return kept;
}

function keepContainer(container: unknown): PlainObject {
  const kept = pick(container, containerFields);
  if (istioContainers.has(String(kept['name']))) return kept;
  const { env: _, args: __, ...rest } = kept;
  return rest;
}

/** Whether it has come to its end. */
function phaseOf(status: unknown): PlainObject {
  const phase = isMap(status) ? status['phase'] : undefined;
  return phase === 'Succeeded' || phase === 'Failed' ? { status: { phase } } : {};
}

/** What the control plane says of it, and the addresses it gave. */
function conditionsOf(status: unknown): PlainObject {
  const kept = pick(status, ['conditions', 'addresses', 'listeners']);
  return Object.keys(kept).length > 0 ? { status: kept } : {};
}

function pick(value: unknown, fields: readonly string[]): PlainObject {
  if (!isMap(value)) return {};
  return Object.fromEntries(fields.filter((field) => value[field] !== undefined).map((field) => [field, value[field]]));
}

function nameOf(metadata: unknown): string {
  const name = isMap(metadata) ? metadata['name'] : undefined;
  return typeof name === 'string' ? name : '';
}

function isMap(value: unknown): value is PlainObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
