import * as l10n from '@vscode/l10n';
import type {
  ControlPlane,
  MeshProblem,
  NamespaceState,
  WebhookState,
} from '../../../mesh/control-plane/describe-mesh.ts';
import { listSettings } from '../../../mesh/control-plane/list-settings.ts';
import { saySelector } from '../../../mesh/control-plane/say-selector.ts';
import { isForAllPods } from '../../../mesh/security/choose-policies.ts';
import type { PeerPolicy } from '../../../mesh/security/choose-policies.ts';
import { MessageNode } from '../message-node.ts';
import { versionWords } from '../words.ts';
import type { NodeFlag, NodeItem, TooltipLine, Tone, TreeNode } from '../tree-node.ts';

/** A node of this tree: what it shows, and how to make what is below it. */
export class MeshNode implements TreeNode {
  readonly id: string;
  readonly flags: readonly NodeFlag[];
  /** For commands: the object behind it. */
  readonly kind?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly #item: NodeItem;
  readonly #tooltip: () => TooltipLine[];
  readonly #children: () => TreeNode[];

  constructor(
    id: string,
    parts: {
      item: NodeItem;
      tooltip?: () => TooltipLine[];
      children?: () => TreeNode[];
      flags?: readonly NodeFlag[];
      object?: { kind: string; namespace: string; name: string };
    },
  ) {
    this.id = id;
    this.#item = parts.item;
    this.#tooltip = parts.tooltip ?? (() => [{ as: 'text', text: parts.item.spoken }]);
    this.#children = parts.children ?? (() => []);
    this.flags = parts.flags ?? [];
    if (parts.object) Object.assign(this, parts.object);
  }

  item(): NodeItem {
    return this.#item;
  }

  tooltip(): TooltipLine[] {
    return this.#tooltip();
  }

  children(): TreeNode[] {
    return this.#children();
  }
}

/** A heading with how many stand below it, and how many of them are not as they should be. */
export function groupNode(
  id: string,
  label: string,
  {
    children,
    problems,
    icon,
    description,
  }: { children: TreeNode[]; problems: number; icon: string; description?: string },
): TreeNode {
  const words = [description ?? String(children.length), problemWords(problems)].filter(Boolean).join(' · ');
  return new MeshNode(`mesh:${id}`, {
    item: {
      label,
      description: words,
      icon: problems > 0 ? 'warning' : icon,
      tone: problems > 0 ? 'warning' : 'plain',
      spoken: `${label}, ${words}`,
      expands: children.length === 0 ? 'no' : problems > 0 ? 'expanded' : 'collapsed',
    },
    children: () => children,
  });
}

/** istiod: revision, version, how many are ready, tags; below it its problems and what it was told. */
export function controlPlaneNode(one: ControlPlane): TreeNode {
  const { namespace, name, revision, version, ready, wanted, tags, problems } = one;
  const id = `mesh:control-plane:${namespace}/${name}`;
  const description = [
    problems[0]?.short,
    l10n.t('revision {0}', revision),
    versionWords(version),
    l10n.t('{0} of {1} ready', ready, wanted),
    tags.length > 0 && l10n.t('tags {0}', tags.join(', ')),
    namespace,
  ];
  const worst = worstOf(problems);
  return new MeshNode(id, {
    flags: ['control-plane', ...(worst ? (['problem'] as const) : [])],
    object: { kind: 'Deployment', namespace, name },
    item: {
      label: name,
      ...spoken(l10n.t('Control plane {0}', `${namespace}/${name}`), description),
      icon: worst ?? 'circuit-board',
      tone: worst ?? 'good',
      expands: worst ? 'expanded' : 'collapsed',
    },
    tooltip: () => [{ as: 'heading', text: `${namespace}/${name}` }, ...problems.flatMap(problemLines)],
    children: () => [...problemNodes(id, problems), ...settingNodes(id, one)],
  });
}

function settingNodes(id: string, { settings, settingsName, namespace, revision, injector }: ControlPlane): TreeNode[] {
  if (!settings)
    return [
      new MessageNode(`${id}/no-settings`, {
        label: l10n.t('Its configuration could not be read'),
        description: l10n.t('ConfigMap istio of revision {0}', revision),
        icon: 'info',
        tone: 'quiet',
      }),
    ];
  return listSettings(settings, namespace, injector).map(
    ({ key, value, isDefault, says }) =>
      new MeshNode(`${id}/setting:${key}`, {
        item: {
          label: key,
          description: isDefault ? l10n.t('{0} (default)', value) : value,
          icon: 'settings-gear',
          tone: isDefault ? 'quiet' : 'plain',
          spoken: `${key}: ${value}. ${says}`,
          expands: 'no',
        },
        tooltip: () => [
          { as: 'heading', text: `${key}: ${value}` },
          { as: 'text', text: says },
          {
            as: 'text',
            text: isDefault
              ? l10n.t('Nobody said otherwise: Istio’s default.')
              : l10n.t('Said in the installation; see ConfigMap {0} in namespace {1}.', settingsName ?? '', namespace),
          },
        ],
      }),
  );
}

/** A webhook: of which namespaces and pods the API server asks it, in words, and whom that takes in now. */
export function webhookNode({ webhook, namespaces, problems }: WebhookState): TreeNode {
  const { name, revision, tag, namespaceSelector, objectSelector, failurePolicy, matchConditions } = webhook;
  const id = `mesh:webhook:${name}`;
  const worst = worstOf(problems);
  const [configuration = '', ...rest] = name.split('/');
  const label = rest.join('/').replace('.sidecar-injector.istio.io', '');
  const description = [
    problems[0]?.short,
    l10n.t('revision {0}', revision),
    tag !== undefined && l10n.t('tag {0}', tag),
    namespaces.length > 0 ? l10n.t('takes {0}', namespaces.join(', ')) : l10n.t('takes no whole namespace'),
  ];
  const where = saySelector(namespaceSelector) || l10n.t('all');
  const which = saySelector(objectSelector) || l10n.t('all');
  return new MeshNode(id, {
    flags: worst ? ['problem'] : [],
    item: {
      label,
      ...spoken(l10n.t('Webhook {0}', label), description),
      icon: worst ?? 'plug',
      tone: worst ?? 'plain',
      expands: 'collapsed',
    },
    tooltip: () => [
      { as: 'heading', text: name },
      ...problems.flatMap(problemLines),
      { as: 'item', text: l10n.t('Namespaces: {0}', where) },
      { as: 'item', text: l10n.t('Pods: {0}', which) },
      ...(matchConditions ?? []).map(({ expression }) => ({ as: 'quote', text: expression }) as const),
    ],
    children: () => [
      ...problemNodes(id, problems),
      fact(id, 'namespaces', l10n.t('Namespaces'), where),
      fact(id, 'pods', l10n.t('Pods'), which),
      fact(id, 'failure', 'failurePolicy', failurePolicy ?? 'Fail'),
      fact(id, 'configuration', l10n.t('Configuration'), configuration),
    ],
  });
}

function fact(id: string, key: string, label: string, value: string): TreeNode {
  return new MessageNode(`${id}/${key}`, { label, description: value, icon: 'symbol-field', tone: 'quiet' });
}

/** A namespace: what its labels lead to, and how many of its pods are in the mesh. */
export function namespaceNode(state: NamespaceState, counts: { pods: number; inMesh: number }): TreeNode {
  const { name, revision, label, problems } = state;
  const id = `mesh:namespace:${name}`;
  const worst = worstOf(problems);
  const description = [
    problems[0]?.short,
    choiceWords(state),
    counts.pods > 0 && l10n.t('{0} of {1} in the mesh', counts.inMesh, counts.pods),
  ];
  return new MeshNode(id, {
    flags: worst ? ['problem'] : [],
    item: {
      label: name,
      ...spoken(l10n.t('Namespace {0}', name), description),
      icon: worst ?? (state.choice === 'injected' || state.choice === 'ambient' ? 'pass' : 'circle-outline'),
      tone: worst ?? (state.choice === 'injected' || state.choice === 'ambient' ? 'good' : 'quiet'),
      expands: problems.length > 0 ? 'collapsed' : 'no',
    },
    tooltip: () => [
      { as: 'heading', text: name },
      ...problems.flatMap(problemLines),
      {
        as: 'text',
        text: label === undefined ? l10n.t('It has no label that asks for the mesh.') : l10n.t('Label {0}', label),
      },
      ...(revision ? [{ as: 'text', text: l10n.t('New pods are injected by revision {0}.', revision) } as const] : []),
      {
        as: 'text',
        text: l10n.t('{0} pods are in the mesh, {1} are not.', counts.inMesh, counts.pods - counts.inMesh),
      },
    ],
    children: () => problemNodes(id, problems),
  });
}

function choiceWords({ choice, revision = '', label }: NamespaceState): string {
  switch (choice) {
    case 'injected':
      return label === undefined ? l10n.t('injected by default') : l10n.t('injected, revision {0}', revision || '?');
    case 'ambient':
      return l10n.t('ambient');
    case 'disabled':
      return l10n.t('injection disabled');
    case 'none':
      // It may ask in vain.
      return label ?? l10n.t('not asked for');
  }
}

/** A PeerAuthentication: for whom it is, and what it says. */
export function policyNode(policy: PeerPolicy, rootNamespace: string): TreeNode {
  const { namespace, name, mode = 'UNSET', portModes = {}, labels = {} } = policy;
  const ports = Object.entries(portModes).map(([port, said]) => `${port}: ${said ?? 'UNSET'}`);
  const isLost = namespace === rootNamespace && !isForAllPods(policy);
  const selector = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  const scope = isLost
    ? l10n.t('selects nothing in the root namespace')
    : !isForAllPods(policy)
      ? selector.join(', ')
      : namespace === rootNamespace
        ? l10n.t('the whole mesh')
        : l10n.t('the whole namespace');
  const description = [mode, ...ports, scope];
  return new MeshNode(`mesh:policy:${namespace}/${name}`, {
    flags: ['policy'],
    object: { kind: 'PeerAuthentication', namespace, name },
    item: {
      label: namespace === rootNamespace && !isLost ? name : `${namespace}/${name}`,
      ...spoken(l10n.t('PeerAuthentication {0}', `${namespace}/${name}`), description),
      icon: isLost ? 'warning' : mode === 'STRICT' ? 'lock' : mode === 'DISABLE' ? 'unlock' : 'shield',
      tone: isLost ? 'warning' : 'plain',
      expands: 'no',
    },
    tooltip: () => [
      { as: 'heading', text: `${namespace}/${name}` },
      { as: 'text', text: l10n.t('Mode {0}, for {1}', mode, scope) },
      ...ports.map((port) => ({ as: 'item', text: l10n.t('Port {0}', port) }) as const),
      ...(policy.created
        ? [{ as: 'text', text: l10n.t('Created {0}; of one level the oldest counts.', policy.created) } as const]
        : []),
    ],
  });
}

// ---- problems -------------------------------------------------------------------------------------------------------

function problemNodes(id: string, problems: readonly MeshProblem[]): TreeNode[] {
  return problems.map(
    (problem, at) =>
      new MessageNode(`${id}/problem:${at}`, {
        label: problem.short,
        description: problem.says,
        icon: problem.severity,
        tone: problem.severity,
        flags: ['problem'],
        tooltip: problemLines(problem),
      }),
  );
}

function problemLines({ short, says, next }: MeshProblem): TooltipLine[] {
  return [
    { as: 'heading', text: short },
    { as: 'text', text: says },
    { as: 'text', text: next },
  ];
}

function worstOf(problems: readonly MeshProblem[]): Extract<Tone, 'error' | 'warning'> | undefined {
  if (problems.length === 0) return undefined;
  return problems.some(({ severity }) => severity === 'error') ? 'error' : 'warning';
}

function problemWords(count: number): string | undefined {
  if (count === 0) return undefined;
  return count === 1 ? l10n.t('1 problem') : l10n.t('{0} problems', count);
}

function spoken(what: string, parts: readonly (string | false | undefined)[]): { description: string; spoken: string } {
  const description = parts.filter(Boolean).join(' · ');
  return { description, spoken: `${what}, ${description}` };
}
