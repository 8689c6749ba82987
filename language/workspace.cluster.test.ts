import { describe, expect, test } from 'vitest';
import type { ClusterSnapshot, PlainObject } from '../contract/cluster-layer.ts';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { isClusterUri } from './engine/resource-index.ts';
import { listCompletions } from './features/completion.ts';
import { Names } from './features/completion/names.ts';
import { findHover } from './features/hover.ts';
import { Workspace } from './workspace.ts';

const routes = (subset = 'v1') => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: front, namespace: shop }
spec:
  hosts: [front.example.com]
  gateways: [edge]
  http:
    - route:
        - destination: { host: front, subset: ${subset}, port: { number: 81 } }
`;
const object = (apiVersion: string, kind: string, name: string, more: PlainObject = {}): PlainObject => ({
  apiVersion,
  kind,
  metadata: { name, namespace: 'shop', managedFields: [{ manager: 'kubectl' }], uid: '1' },
  ...more,
});
const destinationRule = object('networking.istio.io/v1', 'DestinationRule', 'front', {
  spec: { host: 'front', subsets: [{ name: 'v1', labels: { version: 'v1' } }] },
});
const gateway = object('networking.istio.io/v1', 'Gateway', 'edge', {
  spec: { servers: [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }] },
});
const service = object('v1', 'Service', 'front', { spec: { ports: [{ name: 'http', port: 80 }] } });
const pod = (name: string, labels: Record<string, string>): PlainObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'shop', labels },
  spec: { containers: [{ name: 'app', image: 'a', env: [{ name: 'A', value: 'b' }] }], volumes: [] },
  status: { phase: 'Running', conditions: [{ type: 'Ready' }] },
});
const cluster = (resources: PlainObject[], complete: string[] = []): ClusterSnapshot => ({
  name: 'kind-mesh',
  resources,
  complete,
});

const gateways = ['networking.istio.io/Gateway', 'gateway.networking.k8s.io/Gateway'];

function workspaceWith(...files: string[]): Workspace {
  const workspace = new Workspace({ onRuleFailure: (_, error) => expect.fail(String(error)) });
  for (const [index, text] of files.entries()) workspace.setFile(`file:///${index}.yaml`, text);
  return workspace;
}

const refTypes = (workspace: Workspace) =>
  workspace
    .findings()
    .filter(({ uri }) => !isClusterUri(uri))
    .flatMap(({ refType }) => refType ?? [])
    .sort();

describe('a cluster below the files', () => {
  test('defines what the files do not, until it goes', () => {
    const workspace = workspaceWith(routes());
    expect(refTypes(workspace)).toEqual(['gateway', 'host+subset in destinationrule']);
    workspace.setCluster(cluster([destinationRule, gateway], gateways));
    expect(refTypes(workspace)).toEqual([]);
    workspace.changeCluster({
      changed: [],
      removed: [{ apiVersion: 'networking.istio.io/v1', kind: 'Gateway', namespace: 'shop', name: 'edge' }],
    });
    expect(refTypes(workspace)).toEqual(['gateway']);
    workspace.changeCluster({ changed: [gateway], removed: [] });
    expect(refTypes(workspace)).toEqual([]);
    workspace.setCluster(undefined);
    expect(refTypes(workspace)).toEqual(['gateway', 'host+subset in destinationrule']);
  });

  test('is hidden by the file that defines the same object, and comes back with its removal', () => {
    const file = `apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: { name: front, namespace: shop }\nspec: { host: front, subsets: [{ name: v2 }] }\n`;
    const workspace = workspaceWith(routes(), file);
    workspace.setCluster(cluster([destinationRule, gateway]));
    expect(refTypes(workspace)).toEqual(['host+subset in destinationrule']);
    workspace.removeFile('file:///1.yaml');
    expect(refTypes(workspace)).toEqual([]);
  });

  test('makes an absence certain only of what it lists completely and no template may add', () => {
    const workspace = workspaceWith(routes());
    workspace.setCluster(cluster([destinationRule, gateway]));
    expect(refTypes(workspace)).toEqual([]);
    workspace.setCluster(cluster([destinationRule, gateway], ['/Service', 'networking.istio.io/ServiceEntry']));
    expect(refTypes(workspace)).toEqual(['host']);
    workspace.setFile('file:///t.yaml', 'apiVersion: v1\nkind: Service\nmetadata: { name: {{ .x }} }\n');
    expect(refTypes(workspace)).toEqual([]);
    workspace.removeFile('file:///t.yaml');
    expect(refTypes(workspace)).toEqual(['host']);
  });

  test('is named in the message, since no editor can open it', () => {
    const workspace = workspaceWith(routes());
    workspace.setCluster(cluster([destinationRule, gateway, service]));
    const [report] = workspace.findings();
    expect(report).toMatchObject({ refType: 'host:port', related: [] });
    expect(report?.message).toMatch(/In the cluster: Service shop\/front\.$/);
  });

  test('is judged, with addresses of its own', () => {
    const broken = object('networking.istio.io/v1', 'Gateway', 'broken', { spec: { serverz: [] } });
    const workspace = workspaceWith();
    workspace.setCluster(cluster([broken]));
    expect(workspace.findings().map(({ uri, code, resource }) => [uri, code, resource?.name])).toContainEqual([
      'cluster:kind-mesh/Gateway/shop/broken',
      'IST0106',
      'broken',
    ]);
    expect(workspace.findings().flatMap(({ fixes }) => fixes)).toEqual([]);
    const looking = new Workspace({ judgeCluster: false });
    looking.setCluster(cluster([broken]));
    expect(looking.findings()).toEqual([]);
  });

  test('of which a kind could not be read may hold what the files lack, be it in their own namespace', () => {
    const workspace = workspaceWith(routes());
    workspace.setCluster(cluster([], gateways));
    expect(refTypes(workspace)).toEqual(['gateway']);
    workspace.setCluster(cluster([], ['networking.istio.io/DestinationRule']));
    expect(refTypes(workspace)).toEqual(['host+subset in destinationrule']);
    workspace.setCluster(cluster([]));
    expect(refTypes(workspace)).toEqual([]);
    workspace.setCluster(undefined);
    expect(refTypes(workspace)).toEqual(['gateway', 'host+subset in destinationrule']);
  });

  test('has its running pods for pods, not the templates behind them', () => {
    const rule = `apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: { name: front, namespace: shop }\nspec: { host: front, subsets: [{ name: v2, labels: { version: v2 } }] }\n`;
    const template = { metadata: { labels: { app: 'front', version: 'v2' } }, spec: { containers: [{ name: 'app' }] } };
    const deployment = object('apps/v1', 'Deployment', 'front', { spec: { replicas: 0, template } });
    const selected = { ...service, spec: { selector: { app: 'front' }, ports: [{ name: 'http', port: 80 }] } };
    const workspace = workspaceWith(rule);
    workspace.setCluster(cluster([selected, deployment, pod('front-1', { app: 'front', version: 'v1' })], ['/Pod']));
    expect(workspace.findings().map(({ code }) => code)).toContain('IST0173');
    workspace.changeCluster({ changed: [pod('front-2', { app: 'front', version: 'v2' })], removed: [] });
    expect(workspace.findings().map(({ code }) => code)).not.toContain('IST0173');
  });

  test('takes CRDs of the cluster for the structure of their kinds', () => {
    const crd = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'gateways.networking.istio.io' },
      spec: {
        group: 'networking.istio.io',
        names: { kind: 'Gateway' },
        versions: [
          {
            name: 'v1',
            served: true,
            schema: {
              openAPIV3Schema: {
                type: 'object',
                properties: { spec: { type: 'object', properties: { brandNew: { type: 'string' } } } },
              },
            },
          },
        ],
      },
    };
    const text = 'apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: { name: edge }\nspec: { brandNew: x }\n';
    const unknown = (workspace: Workspace) =>
      workspace.findings().some(({ rule }) => rule === 'structure/unknown-field');
    const workspace = workspaceWith(text);
    expect(unknown(workspace)).toBe(true);
    workspace.setCluster(cluster([crd]));
    expect(unknown(workspace)).toBe(false);
    const line = text.split('\n')[3]!;
    const hover = () =>
      JSON.stringify(
        findHover(
          workspace.findFile('file:///0.yaml')!,
          [],
          { line: 3, character: line.indexOf('brandNew') + 2 },
          workspace.structures,
        ) ?? '',
      );
    const offered = () => {
      const open = `${text.split('\n').slice(0, 3).join('\n')}\nspec:\n  `;
      return listCompletions(TextDocument.create('file:///open.yaml', 'yaml', 1, open), open.length, {
        names: () => new Names([], undefined),
        ...(workspace.structures && { structures: workspace.structures }),
      }).items.map(({ label }) => label);
    };
    expect([hover(), offered()]).toEqual([expect.stringContaining('brandNew'), ['brandNew']]);
    workspace.setCluster(undefined);
    expect(unknown(workspace)).toBe(true);
    expect([hover(), offered()]).toEqual(['""', expect.arrayContaining(['servers'])]);
  });

  test('ten thousand pods of a hundred workloads cost little more than their names', () => {
    const pods = Array.from({ length: 10_000 }, (_, index) => pod(`app-${index}`, { app: `app-${index % 100}` }));
    const workspace = new Workspace({ judgeCluster: false });
    const before = process.memoryUsage().heapUsed;
    workspace.setCluster(cluster(pods));
    workspace.findings();
    pods.length = 0;
    const spent = process.memoryUsage().heapUsed - before;
    expect(spent).toBeLessThan(60_000_000);
  });
});

describe('namespaces that Istio does not look at', () => {
  test.each(['kube-system', 'kube-public', 'kube-node-lease', 'local-path-storage'])('%s', (namespace) => {
    const workspace = workspaceWith(routes().replace('namespace: shop', `namespace: ${namespace}`));
    expect(workspace.findings()).toEqual([]);
  });

  test('what is in them can be looked up all the same', () => {
    const workspace = workspaceWith(routes().replace('[edge]', '[kube-system/edge]'));
    workspace.setFile(
      'file:///g.yaml',
      'apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: { name: edge, namespace: kube-system }\nspec: { servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["*"] }] }\n',
    );
    expect(refTypes(workspace)).toEqual(['host+subset in destinationrule']);
  });
});

describe('only what an edit touches', () => {
  test('names the files whose findings may be others', () => {
    const workspace = workspaceWith(
      routes(),
      'apiVersion: v1\nkind: Service\nmetadata: { name: other, namespace: shop }\n',
    );
    workspace.work();
    workspace.takeChangedFiles();
    workspace.setFile(
      'file:///1.yaml',
      'apiVersion: v1\nkind: Service\nmetadata: { name: another, namespace: shop }\n',
    );
    workspace.work();
    expect([...workspace.takeChangedFiles()]).toEqual(['file:///1.yaml']);
    workspace.setFile('file:///2.yaml', JSON.stringify(gateway));
    workspace.work();
    expect([...workspace.takeChangedFiles()].sort()).toEqual(['file:///0.yaml', 'file:///2.yaml']);
    workspace.work();
    expect([...workspace.takeChangedFiles()]).toEqual([]);
  });

  test('rules that compare resources wait while files are still read', () => {
    const workspace = workspaceWith();
    workspace.hold(true);
    workspace.setFile('file:///0.yaml', routes().replace('gateways', 'gatewayz'));
    expect(workspace.findings().map(({ rule }) => rule)).toEqual(['structure/unknown-field']);
    workspace.hold(false);
    expect(refTypes(workspace)).toEqual(['host+subset in destinationrule']);
  });

  test('files that were left unread may define anything, in strict mode, too', () => {
    const workspace = workspaceWith(routes());
    workspace.configure({ strictness: 'strict' });
    expect(refTypes(workspace)).toEqual(['gateway', 'host', 'host+subset in destinationrule']);
    workspace.setPartial(true);
    expect(refTypes(workspace)).not.toContain('host');
    expect(refTypes(workspace)).not.toContain('gateway');
    workspace.setPartial(false);
    expect(refTypes(workspace)).toEqual(['gateway', 'host', 'host+subset in destinationrule']);
  });
});

describe('a document that shows an object of the cluster', () => {
  const view = 'meshloom-yaml://kind-mesh/shop/DestinationRule/front.yaml';
  const shown = `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: front, namespace: shop }
spec: { host: front, subsets: [{ name: v1, labels: { version: v1 } }] }
`;
  const written = shown.replaceAll('v1 }', 'v2 }').replace('name: v1,', 'name: v2,');
  const found = (workspace: Workspace) => workspace.findings().filter(({ uri }) => !isClusterUri(uri));
  const count = (workspace: Workspace) => found(workspace).length;
  const names = (workspace: Workspace) =>
    [...workspace.known()].filter(({ resource }) => resource.kind === 'DestinationRule').map(({ uri }) => uri);

  test('changes nothing, whether the cluster lies below, is another one, or is none', () => {
    for (const snapshot of [undefined, cluster([destinationRule, gateway]), { ...cluster([]), name: 'other' }]) {
      const workspace = workspaceWith(routes());
      workspace.setCluster(snapshot);
      const before = refTypes(workspace);
      workspace.setView(view, shown, 'kind-mesh');
      expect(refTypes(workspace)).toEqual(before);
      workspace.removeFile(view);
      expect(refTypes(workspace)).toEqual(before);
    }
  });

  test('stands back behind the file that says otherwise of the same object, whichever came first', () => {
    for (const isViewFirst of [true, false]) {
      const workspace = workspaceWith(routes());
      workspace.setCluster(cluster([destinationRule, gateway]));
      if (isViewFirst) workspace.setView(view, shown, 'kind-mesh');
      workspace.setFile('file:///dr.yaml', written);
      const alone = count(workspace);
      if (!isViewFirst) workspace.setView(view, shown, 'kind-mesh');
      expect(refTypes(workspace)).toEqual(['host+subset in destinationrule']);
      expect(count(workspace)).toBe(alone);
      expect(names(workspace)).toEqual(['file:///dr.yaml']);
      workspace.removeFile('file:///dr.yaml');
      expect([refTypes(workspace), names(workspace)]).toEqual([[], [view]]);
    }
  });

  test('is told about as long as it stands for the object, and once when it is open twice', () => {
    const workspace = workspaceWith();
    workspace.setCluster(cluster([gateway]));
    const broken = shown.replace('host: front', 'hosst: front');
    workspace.setView(view, broken, 'kind-mesh');
    const once = count(workspace);
    expect(once).toBeGreaterThan(0);
    workspace.setView(`${view}#2`, broken, 'kind-mesh');
    expect(count(workspace)).toBe(once);
    workspace.setCluster(undefined);
    expect(count(workspace)).toBe(0);
  });

  test('defines nothing for who asks what the files define', () => {
    const workspace = workspaceWith(routes());
    workspace.setCluster(cluster([gateway]));
    workspace.setView(view, shown, 'kind-mesh');
    expect([...workspace.definedResources()].map(({ kind }) => kind)).toEqual(['VirtualService']);
  });
});

describe('a cluster that is nobody’s mesh', () => {
  test('lends its names, and judges nothing', () => {
    const workspace = workspaceWith(routes());
    const before = refTypes(workspace);
    workspace.setNames({ ...cluster([destinationRule, gateway], ['networking.istio.io/Gateway']), name: 'Demo' });
    expect(refTypes(workspace)).toEqual(before);
    expect(workspace.clusterName).toBe('Demo');
    expect([...workspace.known()].filter(({ isCluster }) => isCluster)).toHaveLength(2);
    workspace.setCluster(undefined);
    expect([...workspace.known()].filter(({ isCluster }) => isCluster)).toHaveLength(0);
  });
});
