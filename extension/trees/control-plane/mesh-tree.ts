import * as l10n from '@vscode/l10n';
import { describeMesh } from '../../../mesh/control-plane/describe-mesh.ts';
import type { MeshProblem, MeshState } from '../../../mesh/control-plane/describe-mesh.ts';
import { isForAllPods } from '../../../mesh/security/choose-policies.ts';
import { asPolicy } from '../../../mesh/security/security-objects.ts';
import { parseSettings } from '../../explain/security-objects.ts';
import { degradedNodes } from '../degraded-nodes.ts';
import { controlPlaneNode, groupNode, namespaceNode, policyNode, webhookNode } from './mesh-nodes.ts';
import type { MeshModel } from '../store/mesh-model.ts';
import { MessageNode, failureNode } from '../message-node.ts';
import { nothingToShow } from '../nothing-to-show.ts';
import type { PolicyWatch } from './policy-watch.ts';
import type { TreeNode } from '../tree-node.ts';
import type { Part, StoreChange, TreeStore } from '../store/tree-store.ts';

/** What the picture is made of; pods and events only change the counts. */
const shapingParts: Part[] = ['deployments', 'namespaces', 'mutatingWebhooks', 'configMaps'];

/** Control planes, the webhooks that inject for them, namespaces by what their labels lead to, and PeerAuthentications. */
export class MeshTree {
  readonly #store: TreeStore;
  readonly #model: MeshModel;
  readonly #policies: PolicyWatch;
  #state: MeshState | undefined;
  #shownCounts = '';

  constructor(store: TreeStore, model: MeshModel, policies: PolicyWatch) {
    this.#store = store;
    this.#model = model;
    this.#policies = policies;
  }

  async roots(): Promise<TreeNode[]> {
    await this.#store.whenSettled();
    const instead = nothingToShow(this.#store);
    if (instead) return instead;
    await this.#model.prepare();
    const state = this.#describe();
    this.#shownCounts = this.#counts();
    return [
      ...degradedNodes(this.#store, ['namespaces', 'deployments', 'mutatingWebhooks', 'configMaps', 'pods']),
      ...this.#controlPlanes(state),
      // What may not be read is not none.
      ...(this.#isHidden('mutatingWebhooks') ? [] : [this.#webhooks(state)]),
      ...(this.#isHidden('namespaces') && state.namespaces.length === 0 ? [] : [this.#namespaces(state)]),
      ...this.#authentications(state),
    ];
  }

  /** @returns undefined: the whole tree; empty: none. */
  stale(change: StoreChange): TreeNode[] | undefined {
    const reshaped = change.state || shapingParts.some((part) => change.parts.has(part));
    if (reshaped) this.#state = undefined;
    return reshaped || this.#counts() !== this.#shownCounts ? undefined : [];
  }

  problems(): number {
    const { controlPlanes, webhooks, namespaces } = this.#describe();
    return countProblems(controlPlanes) + countProblems(webhooks) + countProblems(namespaces);
  }

  #describe(): MeshState {
    const { tables } = this.#store;
    this.#state ??= describeMesh({
      deployments: tables.deployments.all(),
      isRead: (namespace) => this.#isRead('deployments', namespace),
      namespaces: tables.namespaces.all(),
      ...this.#model.environment(),
      parseSettings,
    });
    return this.#state;
  }

  /** Whether it may be, and is, read in that namespace. */
  #isRead(part: Part, namespace: string): boolean {
    const { onlyNamespaces, refusedIn } = this.#store.part(part);
    if (this.#isHidden(part) || refusedIn?.includes(namespace)) return false;
    return onlyNamespaces?.includes(namespace) ?? true;
  }

  #isHidden(part: Part): boolean {
    return this.#store.part(part).phase === 'refused';
  }

  #controlPlanes({ controlPlanes, webhooks }: MeshState): TreeNode[] {
    if (controlPlanes.length > 0) return controlPlanes.map(controlPlaneNode);
    const isElsewhere = webhooks.length > 0;
    // What nobody may look at may be there.
    const { phase, onlyNamespaces } = this.#store.part('deployments');
    if (phase === 'refused' || onlyNamespaces !== undefined)
      return [
        new MessageNode('mesh:control-plane-unseen', {
          label: l10n.t('The control plane cannot be seen from here'),
          description: l10n.t('its Deployment lies outside of what is read'),
          icon: 'lock',
          tone: 'quiet',
        }),
      ];
    return [
      new MessageNode('mesh:no-control-plane', {
        label: isElsewhere ? l10n.t('No control plane in this cluster') : l10n.t('Istio is not installed here'),
        description: isElsewhere
          ? l10n.t('its webhooks are there: it may run elsewhere, or was removed')
          : l10n.t('no istiod and no injector webhooks'),
        icon: 'info',
        tone: 'quiet',
      }),
    ];
  }

  #webhooks({ webhooks }: MeshState): TreeNode {
    return groupNode('webhooks', l10n.t('Injector webhooks'), {
      children: webhooks.map(webhookNode),
      problems: countProblems(webhooks),
      icon: 'plug',
    });
  }

  #namespaces({ namespaces }: MeshState): TreeNode {
    const inMesh = namespaces.filter(({ choice }) => choice === 'injected' || choice === 'ambient').length;
    const order = { injected: 0, ambient: 1, disabled: 2, none: 3 };
    const sorted = [...namespaces].sort(
      (a, b) =>
        b.problems.length - a.problems.length || order[a.choice] - order[b.choice] || (a.name < b.name ? -1 : 1),
    );
    return groupNode('namespaces', l10n.t('Namespaces'), {
      children: sorted.map((state) => namespaceNode(state, this.#model.namespace(state.name))),
      problems: countProblems(namespaces),
      icon: 'symbol-namespace',
      description: l10n.t('{0} of {1} in the mesh', inMesh, namespaces.length),
    });
  }

  #authentications({ controlPlanes }: MeshState): TreeNode[] {
    const [first] = controlPlanes;
    const root = first?.settings?.rootNamespace ?? first?.namespace ?? 'istio-system';
    const why = this.#whyNoPolicies();
    if (why) return [why];
    const policies = this.#policies.all().map(asPolicy);
    const level = (policy: (typeof policies)[number]) =>
      isForAllPods(policy) ? (policy.namespace === root ? 0 : 1) : 2;
    const sorted = policies.sort(
      (a, b) => level(a) - level(b) || (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1),
    );
    const { only } = this.#policies;
    const ofMesh = sorted.find((policy) => level(policy) === 0);
    const ofWhole = ofMesh
      ? l10n.t('{0}, the mesh: {1}', sorted.length, ofMesh.mode ?? 'UNSET')
      : l10n.t('{0}, the mesh: PERMISSIVE (default)', sorted.length);
    return [
      groupNode('policies', l10n.t('PeerAuthentications'), {
        children: sorted.map((policy) => policyNode(policy, root)),
        problems: sorted.filter((policy) => policy.namespace === root && level(policy) === 2).length,
        icon: 'lock',
        description: onlySome(sorted.length, only) ?? ofWhole,
      }),
    ];
  }

  #whyNoPolicies(): TreeNode | undefined {
    const { phase, failure } = this.#policies;
    if (phase === 'live' || (phase === 'lost' && this.#policies.all().length > 0)) return undefined;
    if (phase === 'waiting')
      return new MessageNode('mesh:policies', {
        label: l10n.t('PeerAuthentications'),
        description: l10n.t('reading…'),
        icon: 'sync',
      });
    if (phase === 'absent')
      return new MessageNode('mesh:policies', {
        label: l10n.t('No PeerAuthentications'),
        description: l10n.t('this cluster does not know them: Istio’s definitions are not installed'),
        icon: 'info',
        tone: 'quiet',
      });
    return failure && failureNode('mesh:policies', failure, l10n.t('PeerAuthentications could not be read'));
  }

  /** What pods change in the picture. */
  #counts(): string {
    return this.#describe()
      .namespaces.map(({ name }) => {
        const { pods, inMesh } = this.#model.namespace(name);
        return `${name} ${inMesh}/${pods}`;
      })
      .join();
  }
}

/** Of a part of the policies nothing follows for the mesh. */
function onlySome(count: number, only: readonly string[] | undefined): string | undefined {
  if (!only) return undefined;
  return only.length === 1
    ? l10n.t('{0}, only namespace {1} is read', count, only[0]!)
    : l10n.t('{0}, only namespaces {1} are read', count, only.join(', '));
}

function countProblems(entries: readonly { problems: readonly MeshProblem[] }[]): number {
  return entries.reduce((sum, { problems }) => sum + problems.length, 0);
}
