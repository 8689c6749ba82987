import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { PlainObject } from '../../contract/cluster-layer.ts';
import { Workspace } from '../workspace.ts';
import type { WorkspaceOptions } from '../workspace.ts';
import { rules } from './index.ts';

/** What a workspace says between resources, as `code kind/name.namespace line`, with the refType of IST0101 in brackets. */
export function said(text: string, options: WorkspaceOptions = {}, only?: (code: string) => boolean): string[] {
  const failures: unknown[] = [];
  const workspace = new Workspace({ ...options, rules, onRuleFailure: (_, error) => failures.push(error) });
  workspace.setFile('file:///manifest.yaml', text);
  const reports = workspace
    .findings()
    .filter(({ rule, code }) => (only ? only(code) : !/^(structure|yaml|injection)\//.test(rule)))
    .filter(({ code }) => !['IST0106', 'IST0133'].includes(code));
  expect(failures).toEqual([]);
  return reports.map(({ code, resource, range, refType }) => {
    const name = resource ? `${resource.kind}/${resource.name}${resource.namespace && `.${resource.namespace}`}` : '';
    return `${code} ${name} ${range.start.line + 1}${refType === undefined ? '' : ` (${refType})`}`;
  });
}

/** A title, the manifests (line 1 is the first one), and everything that is to be said of them. */
export type Case = readonly [title: string, text: string, wanted: readonly string[]];

/** Tests for a table of cases. The text of each begins behind its first line break. */
export function testCases(options: WorkspaceOptions, cases: readonly Case[]): void {
  test.each(cases)('%s', (_, text, wanted) => {
    expect(said(text.replace(/^\n/, ''), options)).toEqual(wanted);
    holdOfParts(text, options);
  });
}

const ofIstio =
  'VirtualService DestinationRule Gateway ServiceEntry Sidecar WorkloadEntry WorkloadGroup EnvoyFilter ProxyConfig';
const inGroup = (group: string, kinds: string) => kinds.split(' ').map((kind) => `${group}/${kind}`);
const wholeKinds = [
  ...inGroup('', 'Namespace Node'),
  ...inGroup('admissionregistration.k8s.io', 'MutatingWebhookConfiguration ValidatingWebhookConfiguration'),
];
const allKinds = [
  ...wholeKinds,
  ...inGroup('', 'Pod Service ServiceAccount Secret'),
  ...inGroup('apps', 'Deployment StatefulSet DaemonSet'),
  ...inGroup('networking.istio.io', ofIstio),
  ...inGroup('security.istio.io', 'AuthorizationPolicy PeerAuthentication RequestAuthentication'),
  ...inGroup('telemetry.istio.io', 'Telemetry'),
  ...inGroup('extensions.istio.io', 'WasmPlugin TrafficExtension'),
  ...inGroup('gateway.networking.k8s.io', 'Gateway'),
];

/** Who may read a part of a cluster, one namespace or all kinds but one, is told nothing that the whole does not bear out. */
function holdOfParts(text: string, options: WorkspaceOptions): void {
  const objects = parseAllDocuments(text)
    .map((document) => document.toJS() as PlainObject | null)
    .filter((object) => object !== null && typeof object['kind'] === 'string')
    .map((object) => withNamespace(object!));
  const whole = new Set(saidOfCluster(objects, allKinds, options));
  for (const namespace of new Set(objects.map(namespaceOf))) {
    const part = objects.filter((object) => ['', namespace].includes(namespaceOf(object)));
    for (const one of saidOfCluster(part, wholeKinds, options)) expect(whole, `of ${namespace} alone`).toContain(one);
  }
  for (const kind of new Set(objects.map((object) => String(object['kind'])))) {
    const part = objects.filter((object) => object['kind'] !== kind);
    const complete = allKinds.filter((name) => !name.endsWith(`/${kind}`));
    for (const one of saidOfCluster(part, complete, options)) expect(whole, `without ${kind}`).toContain(one);
  }
}

function saidOfCluster(resources: PlainObject[], complete: string[], options: WorkspaceOptions): string[] {
  const workspace = new Workspace({ ...options, strictness: 'lenient', rules, judgeCluster: true, once: true });
  workspace.setCluster({ name: 'kind-mesh', resources, complete });
  return workspace.findings().map(({ code, uri, message }) => `${code} ${uri} ${message}`);
}

function namespaceOf({ metadata }: PlainObject): string {
  return (metadata as { namespace?: string } | undefined)?.namespace ?? '';
}

function withNamespace(object: PlainObject): PlainObject {
  if (/^Namespace$|^Node$|Webhook|^CustomResource/.test(String(object['kind'])) || namespaceOf(object)) return object;
  return { ...object, metadata: { ...(object['metadata'] as object), namespace: 'default' } };
}
