import type { LabelSelector } from '../../mesh/kubernetes.ts';
import { matchesSelector } from '../../mesh/selectors.ts';
import { badRequest } from './api-error.ts';
import type { ApiObject } from './api-object.ts';
import { valueAt } from './api-object.ts';
import type { ApiResource } from './api-resources.ts';

export type ObjectFilter = (object: ApiObject) => boolean;

/** `labelSelector` and `fieldSelector` of a request as one question. @throws {ApiError} 400, when one cannot be read. */
export function parseSelectors(resource: ApiResource, query: URLSearchParams): ObjectFilter {
  const labels = parseLabelSelector(query.get('labelSelector') ?? '');
  const fields = parseFieldSelector(resource, query.get('fieldSelector') ?? '');
  return (object) => matchesSelector(labels, object.metadata.labels) && fields(object);
}

/** `app=web,tier!=db,zone in (a,b),zone notin (c),canary,!legacy` */
export function parseLabelSelector(text: string): LabelSelector {
  const matchExpressions = splitOutsideParentheses(text).map((part) => {
    const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(part);
    if (set) {
      const values = set[3]!.split(',').map((value) => value.trim());
      return { key: labelKey(set[1]!, part), operator: set[2] === 'in' ? 'In' : 'NotIn', values };
    }
    const comparison = /^([^\s=!]+)\s*(==|=|!=)\s*([^\s=!]*)$/.exec(part);
    if (comparison) {
      return {
        key: labelKey(comparison[1]!, part),
        operator: comparison[2] === '!=' ? 'NotIn' : 'In',
        values: [comparison[3]!],
      };
    }
    const absent = part.startsWith('!');
    return { key: labelKey(absent ? part.slice(1).trim() : part, part), operator: absent ? 'DoesNotExist' : 'Exists' };
  });
  return { matchExpressions };
}

function labelKey(key: string, part: string): string {
  if (/^(?:[A-Za-z0-9][-A-Za-z0-9.]*\/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?$/.test(key)) return key;
  throw badRequest(`unable to parse requirement: invalid label key or operator in "${part}"`);
}

function splitOutsideParentheses(text: string): string[] {
  const parts = text.split(/,(?![^(]*\))/).map((part) => part.trim());
  return parts.filter((part) => part !== '');
}

/** Beside name and namespace, which every kind has: https://kubernetes.io/docs/concepts/overview/working-with-objects/field-selectors/ */
const selectableFields: Record<string, string[]> = {
  Pod: [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'status.phase',
    'status.podIP',
    'status.nominatedNodeName',
  ],
  Event: [
    ...['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'].map(
      (field) => `involvedObject.${field}`,
    ),
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
  Namespace: ['status.phase'],
  Node: ['spec.unschedulable'],
  Secret: ['type'],
  ReplicaSet: ['status.replicas'],
  Job: ['status.successful'],
};

function parseFieldSelector(resource: ApiResource, text: string): ObjectFilter {
  const known = [
    'metadata.name',
    ...(resource.namespaced ? ['metadata.namespace'] : []),
    ...(selectableFields[resource.kind] ?? []),
  ];
  const requirements = text
    .split(',')
    .filter((part) => part !== '')
    .map((part) => {
      const [, field, operator, wanted] = /^([^=!]+)(==|=|!=)(.*)$/.exec(part) ?? [];
      if (field === undefined || wanted === undefined)
        throw badRequest(`invalid selector: '${text}'; can't understand '${part}'`);
      if (!known.includes(field)) throw badRequest(`field label not supported: ${field}`);
      return { field, wanted, equal: operator !== '!=' };
    });
  return (object) => requirements.every(({ field, wanted, equal }) => (fieldText(object, field) === wanted) === equal);
}

/** An absent field compares as the empty text, except a boolean, which compares as `false`. */
function fieldText(object: ApiObject, field: string): string {
  const value = valueAt(object, field === 'source' ? 'source.component' : field);
  if (value === undefined || value === null)
    return field === 'spec.hostNetwork' || field === 'spec.unschedulable' ? 'false' : '';
  return String(value as string | number | boolean);
}
