// Stands in for the Kubernetes extension: an API broker as `vscode-kubernetes-tools-api` describes it, a tree whose items
// have its context values, and commands that take its nodes. A test says what is to be in it by `standIn.set`.
const vscode = require('vscode');

let settings = { api: ['v1_1', 'v1'], kubeconfig: undefined, resources: [], throws: false };
const calls = [];
const changed = new vscode.EventEmitter();

/** Its own class: others know its fields by `resolveCommandTarget` only. */
class ResourceNode {
  nodeCategory = 'kubernetes-explorer-node';
  nodeType = 'resource';
  constructor({ kind, namespace, name }) {
    this.kind = {
      manifestKind: kind,
      abbreviation: kind.toLowerCase(),
      displayName: kind,
      pluralDisplayName: `${kind}s`,
    };
    this.name = name;
    this.namespace = namespace ?? null;
    this.kindName = `${kind.toLowerCase()}/${name}`;
    this.metadata = { name, ...(namespace && { namespace }) };
  }
}

const resolveCommandTarget = (target) => {
  if (settings.throws) throw new Error('another version');
  if (!(target instanceof ResourceNode)) return undefined;
  const { manifestKind, abbreviation } = target.kind;
  const { name, namespace, metadata } = target;
  return { nodeType: 'resource', name, namespace, metadata, resourceKind: { manifestKind, abbreviation } };
};

const parts = {
  clusterexplorer: () => ({ resolveCommandTarget, refresh: () => undefined }),
  configuration: () => ({
    getKubeconfigPath: () => {
      if (settings.throws) throw new Error('another version');
      return { pathType: 'host', hostPath: settings.kubeconfig };
    },
  }),
};

exports.activate = (context) => {
  const command = (id, run) => context.subscriptions.push(vscode.commands.registerCommand(id, run));
  command('standIn.set', (next) => {
    settings = { ...settings, ...next };
    changed.fire();
  });
  command('standIn.nodes', () => settings.resources.map((resource) => new ResourceNode(resource)));
  command('standIn.calls', () => calls.splice(0));
  for (const id of ['extension.vsKubernetesDescribe', 'extension.vsKubernetesLoad'])
    command(id, (node) => void calls.push({ id, kindName: node?.kindName, namespace: node?.namespace }));
  context.subscriptions.push(
    vscode.window.registerTreeDataProvider('extension.vsKubernetesExplorer', {
      onDidChangeTreeData: changed.event,
      getChildren: () => settings.resources.map((resource) => new ResourceNode(resource)),
      getTreeItem: (node) => {
        const item = new vscode.TreeItem(node.name);
        item.contextValue = `vsKubernetes.resource.${node.kind.abbreviation}`;
        return item;
      },
    }),
  );
  return {
    apiVersion: '0.1',
    get: (component, version) =>
      settings.api.includes(version) && parts[component]
        ? { available: true, api: parts[component]() }
        : { available: false, reason: 'version-unknown' },
  };
};
