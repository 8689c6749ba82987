import { matchesSelector } from '../../mesh/selectors.ts';
import type { Container, LabelSelector, PodSpec } from '../../mesh/kubernetes.ts';
import { invalid } from './api-error.ts';
import { isEqual, isObject, valueAt, type ApiObject } from './api-object.ts';
import type { ApiResource } from './api-resources.ts';

interface Problem {
  field: string;
  reason: string;
  message: string;
}

/**
 * What a real server would refuse and a manifest of ours could get wrong. Not the whole of Kubernetes' validation: names,
 * labels, the size of a ConfigMap, and what a workload cannot do without.
 * @throws {ApiError} 422 with one cause per field.
 */
export function validateObject(resource: ApiResource, object: ApiObject, live: ApiObject | undefined): void {
  const problems = [
    ...validateName(resource, object),
    ...validateLabels(object),
    ...(['ConfigMap', 'Secret'].includes(object.kind) ? validateSize(object) : []),
    ...(resource.group === 'apps' ? validateWorkload(object, live) : []),
    ...(object.kind === 'Pod' ? validatePodSpec(object.spec as PodSpec | undefined, 'spec') : []),
  ];
  if (problems.length > 0) throw invalid(resource, object.metadata.name, problems);
}

const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const subdomain = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;
const labelValue = /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/;

function validateName({ kind, group }: ApiResource, { metadata: { name } }: ApiObject): Problem[] {
  // RBAC names (`system:node`) may hold anything that fits into a path.
  if (group === 'rbac.authorization.k8s.io') return [];
  const short = kind === 'Namespace' || kind === 'Service';
  const ok = short
    ? label.test(name) && name.length <= 63
    : subdomain.test(name) && name.length <= 253 && !name.includes('..');
  if (ok) return [];
  const rule = short ? 'a lowercase RFC 1123 label' : 'a lowercase RFC 1123 subdomain';
  return [
    {
      field: 'metadata.name',
      reason: 'FieldValueInvalid',
      message: `Invalid value: ${JSON.stringify(name)}: ${rule} must consist of lower case alphanumeric characters, '-'${short ? '' : " or '.'"}, and must start and end with an alphanumeric character`,
    },
  ];
}

function validateLabels({ metadata }: ApiObject): Problem[] {
  const problems: Problem[] = [];
  for (const [key, value] of Object.entries(metadata.labels ?? {})) {
    if (typeof value === 'string' && value.length <= 63 && labelValue.test(value)) continue;
    problems.push({
      field: 'metadata.labels',
      reason: 'FieldValueInvalid',
      message: `Invalid value: ${JSON.stringify(value)}: a valid label (${key}) must be an empty string or consist of at most 63 alphanumeric characters, '-', '_' or '.'`,
    });
  }
  for (const value of Object.values(metadata.annotations ?? {})) {
    if (typeof value !== 'string')
      problems.push({
        field: 'metadata.annotations',
        reason: 'FieldValueTypeInvalid',
        message: `Invalid value: ${JSON.stringify(value)}: must be a string`,
      });
  }
  return problems;
}

/** 1 MiB of values: what etcd takes, with room for the rest of the object. */
function validateSize(object: ApiObject): Problem[] {
  const texts = Object.values(isObject(object.data) ? object.data : {});
  const binaries = Object.values(isObject(object.binaryData) ? object.binaryData : {});
  const size =
    texts.reduce<number>((sum, value) => sum + Buffer.byteLength(String(value)), 0) +
    binaries.reduce<number>((sum, value) => sum + Math.floor((String(value).length * 3) / 4), 0);
  return size <= 1024 * 1024
    ? []
    : [{ field: '[]', reason: 'FieldValueTooLong', message: 'Too long: may not be more than 1048576 bytes' }];
}

function validateWorkload(object: ApiObject, live: ApiObject | undefined): Problem[] {
  if (!['Deployment', 'DaemonSet', 'StatefulSet', 'ReplicaSet'].includes(object.kind)) return [];
  const selector = object.spec?.selector as LabelSelector | undefined;
  const labels = valueAt(object, 'spec.template.metadata.labels') as Record<string, string> | undefined;
  const problems = validatePodSpec(valueAt(object, 'spec.template.spec') as PodSpec | undefined, 'spec.template.spec');
  const before = live?.spec?.selector;
  if (!isObject(selector) || Object.keys(selector).length === 0) {
    problems.unshift({ field: 'spec.selector', reason: 'FieldValueRequired', message: 'Required value' });
  } else if (!matchesSelector(selector, labels)) {
    problems.unshift({
      field: 'spec.template.metadata.labels',
      reason: 'FieldValueInvalid',
      message: `Invalid value: ${JSON.stringify(labels ?? {})}: \`selector\` does not match template \`labels\``,
    });
  }
  if (before !== undefined && !isEqual(before, selector)) {
    problems.push({
      field: 'spec.selector',
      reason: 'FieldValueInvalid',
      message: `Invalid value: ${JSON.stringify(selector)}: field is immutable`,
    });
  }
  return problems;
}

function validatePodSpec(spec: PodSpec | undefined, at: string): Problem[] {
  if (!spec?.containers?.length)
    return [{ field: `${at}.containers`, reason: 'FieldValueRequired', message: 'Required value' }];
  const volumes = ((spec as { volumes?: { name: string }[] }).volumes ?? []).map(({ name }) => name);
  return spec.containers.flatMap((container, index) =>
    validateContainer(container, `${at}.containers[${index}]`, volumes),
  );
}

function validateContainer(
  container: Container & { volumeMounts?: { name: string }[] },
  at: string,
  volumes: string[],
): Problem[] {
  const required = (['name', 'image'] as const).filter((field) => !container[field]);
  const mounts = (container.volumeMounts ?? [])
    .map(({ name }, index) => ({ name, index }))
    .filter(({ name }) => !volumes.includes(name));
  return [
    ...required.map((field) => ({ field: `${at}.${field}`, reason: 'FieldValueRequired', message: 'Required value' })),
    ...mounts.map(({ name, index }) => ({
      field: `${at}.volumeMounts[${index}].name`,
      reason: 'FieldValueNotFound',
      message: `Not found: "${name}"`,
    })),
  ];
}
