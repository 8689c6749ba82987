import { pathNotFound } from './api-error.ts';
import type { ApiResource, ApiResources } from './api-resources.ts';

/** What is answered but not stored: questions about oneself. */
export const reviews: Record<string, string> = {
  selfsubjectaccessreviews: 'SelfSubjectAccessReview',
  selfsubjectrulesreviews: 'SelfSubjectRulesReview',
  selfsubjectreviews: 'SelfSubjectReview',
};

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

/**
 * `/version`, `/api`, `/apis`, `/api/v1`, `/apis/apps`, `/apis/apps/v1`: what there is to ask for.
 * @returns `undefined` for a path that is none of these. @throws {ApiError} 404 for a group or version that is not served.
 */
export function discover(pathname: string, resources: ApiResources, gitVersion: string): object | undefined {
  const [root, first, second, ...rest] = pathname.split('/').filter((segment) => segment !== '');
  if (rest.length > 0) return undefined;
  if (root === 'version' && first === undefined) return version(gitVersion);
  if (root === 'api') {
    if (first === undefined) return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
    return second === undefined ? resourceList('', first, resources) : undefined;
  }
  if (root !== 'apis') return undefined;
  if (first === undefined)
    return {
      kind: 'APIGroupList',
      apiVersion: 'v1',
      groups: groups(resources).map(([name, versions]) => apiGroup(name, versions)),
    };
  if (second !== undefined) return resourceList(first, second, resources);
  const group = groups(resources).find(([name]) => name === first);
  if (!group) throw pathNotFound();
  return { kind: 'APIGroup', apiVersion: 'v1', ...apiGroup(...group) };
}

function version(gitVersion: string): object {
  const [, major = '1', minor = '34'] = /^v(\d+)\.(\d+)/.exec(gitVersion) ?? [];
  return {
    major,
    minor,
    gitVersion,
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: '',
    compiler: '',
    platform: 'demo',
  };
}

function groups(resources: ApiResources): [name: string, versions: string[]][] {
  const byGroup = new Map<string, Set<string>>([
    ['authorization.k8s.io', new Set(['v1'])],
    ['authentication.k8s.io', new Set(['v1'])],
  ]);
  for (const { group, versions } of resources.all()) {
    if (group === '') continue;
    const known = byGroup.get(group) ?? new Set();
    byGroup.set(group, known);
    versions.forEach((each) => known.add(each));
  }
  return [...byGroup].map(([name, versions]) => [name, [...versions]]);
}

function apiGroup(name: string, versions: string[]): object {
  const listed = versions.map((each) => ({ groupVersion: `${name}/${each}`, version: each }));
  return { name, versions: listed, preferredVersion: listed[0] };
}

function resourceList(group: string, version: string, resources: ApiResources): object {
  const served = resources.all().filter((resource) => resource.group === group && resource.versions.includes(version));
  const listed = [...served.flatMap(describe), ...reviewsOf(group, version)];
  if (listed.length === 0) throw pathNotFound();
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: group ? `${group}/${version}` : version,
    resources: listed,
  };
}

function describe(resource: ApiResource): object[] {
  const { plural, kind, namespaced, subresources } = resource;
  return [
    { name: plural, singularName: kind.toLowerCase(), namespaced, kind, verbs },
    ...subresources.map((subresource) => ({
      name: `${plural}/${subresource}`,
      singularName: '',
      namespaced,
      kind: subresource === 'exec' ? 'PodExecOptions' : kind,
      verbs: { exec: ['create', 'get'], log: ['get'] }[subresource] ?? ['get', 'patch', 'update'],
    })),
  ];
}

function reviewsOf(group: string, version: string): object[] {
  if (version !== 'v1') return [];
  const plurals = Object.keys(reviews).filter(
    (plural) => group === (plural === 'selfsubjectreviews' ? 'authentication.k8s.io' : 'authorization.k8s.io'),
  );
  return plurals.map((plural) => ({
    name: plural,
    singularName: reviews[plural]!.toLowerCase(),
    namespaced: false,
    kind: reviews[plural],
    verbs: ['create'],
  }));
}

/** The answer to a question about oneself: who holds the token may do everything here. */
export function answerReview(plural: string, body: Record<string, unknown>): object {
  const apiVersion = plural === 'selfsubjectreviews' ? 'authentication.k8s.io/v1' : 'authorization.k8s.io/v1';
  const every = ['*'];
  const statuses: Record<string, object> = {
    selfsubjectaccessreviews: { allowed: true, reason: 'the demo cluster allows everything' },
    selfsubjectrulesreviews: {
      resourceRules: [{ verbs: every, apiGroups: every, resources: every }],
      nonResourceRules: [{ verbs: every, nonResourceURLs: every }],
      incomplete: false,
    },
    selfsubjectreviews: { userInfo: { username: 'demo', groups: ['system:masters', 'system:authenticated'] } },
  };
  return { ...body, kind: reviews[plural], apiVersion, status: statuses[plural] };
}
