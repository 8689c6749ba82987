import * as l10n from '@vscode/l10n';
import { commandIds } from '../../ids.ts';
import { degradedNodes } from '../degraded-nodes.ts';
import type { MeshModel } from '../store/mesh-model.ts';
import type { NodeAgents } from '../cni-chain/node-agents.ts';
import { MessageNode } from '../message-node.ts';
import { nothingToShow } from '../nothing-to-show.ts';
import { describeFilter, filterWorkloads, isFiltering, showsNamespace, type TreeFilter } from './tree-filter.ts';
import type { TreeNode } from '../tree-node.ts';
import type { StoreChange, TreeStore } from '../store/tree-store.ts';

import { EndedNode, NamespaceNode, PodNode, WorkloadNode } from './workload-nodes.ts';
const all: { readonly current: TreeFilter } = { current: {} };

/** namespace → workload → pod → containers. */
export class WorkloadsTree {
  readonly #store: TreeStore;
  readonly #model: MeshModel;
  readonly #agents: NodeAgents | undefined;
  /** Handed out once and kept: the editor refreshes a node only if it knows that very object. */
  readonly #namespaces = new Map<string, NamespaceNode>();
  #shown = '';
  #missing = '';

  readonly #filter: { readonly current: TreeFilter };

  /** @param filter what is shown; whoever changes it has the tree drawn anew. */
  constructor(store: TreeStore, model: MeshModel, agents?: NodeAgents, filter: { readonly current: TreeFilter } = all) {
    this.#filter = filter;
    this.#store = store;
    this.#model = model;
    this.#agents = agents;
  }

  async roots(): Promise<TreeNode[]> {
    await this.#store.whenSettled();
    await this.#model.prepare();
    const instead = nothingToShow(this.#store);
    if (instead) {
      this.#missing = this.#whatIsMissing();
      return instead;
    }
    const degraded = degradedNodes(this.#store, [
      'namespaces',
      'pods',
      'deployments',
      'replicaSets',
      'statefulSets',
      'daemonSets',
      'jobs',
      'cronJobs',
      'events',
      'mutatingWebhooks',
    ]);
    this.#missing = this.#whatIsMissing();
    const names = this.#model.namespaceNames();
    this.#shown = names.join(' ');
    if (names.length === 0 && degraded.length === 0) {
      const { namespaces } = this.#store.scope?.from === 'chosen' ? this.#store.scope : {};
      const label = namespaces
        ? l10n.t('No workloads in {0}', namespaces.join(', '))
        : l10n.t('No workloads in this cluster');
      return [new MessageNode('empty', { label, icon: 'info' })];
    }
    const shown = names.filter((name) => this.#isShown(name));
    if (shown.length === 0 && names.length > 0) {
      return [
        ...degraded,
        new MessageNode('filtered', {
          label: l10n.t('Nothing matches the filter'),
          description: l10n.t('{0} · Clear', describeFilter(this.#filter.current)),
          icon: 'filter',
          tone: 'quiet',
          command: { id: commandIds.clearWorkloadsFilter, title: l10n.t('Clear') },
        }),
      ];
    }
    return [...degraded, ...shown.map((name) => this.#namespaceNode(name))];
  }

  /** @returns the nodes to refresh; undefined: the whole tree. */
  stale(change: StoreChange): TreeNode[] | undefined {
    // That a connection was lost, or stands again, is said over the tree; its lines stay.
    const whole =
      (change.state && this.#missing !== this.#whatIsMissing()) ||
      change.parts.has('namespaces') ||
      change.parts.has('mutatingWebhooks') ||
      change.parts.has('configMaps');
    // With a filter a namespace may come into the picture, or leave it.
    if (whole || isFiltering(this.#filter.current) || this.#model.namespaceNames().join(' ') !== this.#shown)
      return undefined;
    return [...change.namespaces].flatMap((name) => {
      const node = this.#namespaces.get(name);
      return node?.isOutdated() ? [node] : [];
    });
  }

  /** The names of all namespaces, filtered or not. */
  namespaces(): string[] {
    return [...this.#model.namespaceNames()];
  }

  #isShown(name: string): boolean {
    const filter = this.#filter.current;
    if (!showsNamespace(filter, name)) return false;
    return !filter.name && !filter.onlyProblems
      ? true
      : filterWorkloads(filter, this.#model.namespace(name)).length > 0;
  }

  #whatIsMissing(): string {
    const { phase, failure } = this.#store;
    const degraded = this.#store
      .degraded()
      .map(({ part, state: { phase: now, failure: why, refusedIn, onlyNamespaces } }) =>
        [part, now, why?.message, refusedIn, onlyNamespaces].join(),
      );
    return [phase, failure?.message, this.#store.login?.says, ...degraded].join('|');
  }

  /** The number of problems in the tree. */
  problems(): number {
    return this.#model.problems();
  }

  /** From its namespace down to the pod itself; undefined when the pod is not there (any more). */
  pathTo(namespace: string, name: string): TreeNode[] | undefined {
    if (!this.#model.namespaceNames().includes(namespace)) return undefined;
    const top = this.#namespaceNode(namespace);
    return findPath([top], name);
  }

  parentOf(node: TreeNode): TreeNode | undefined {
    if (node instanceof WorkloadNode) return this.#namespaceNode(node.namespace);
    if (node instanceof EndedNode) return this.#aboveEnded(node);
    return node instanceof PodNode ? this.pathTo(node.namespace, node.name)?.at(-2) : undefined;
  }

  #aboveEnded(node: EndedNode): TreeNode | undefined {
    const [pod] = node.children();
    return pod instanceof PodNode ? this.pathTo(pod.namespace, pod.name)?.at(-3) : undefined;
  }

  #namespaceNode(name: string): NamespaceNode {
    const known = this.#namespaces.get(name);
    if (known) return known;
    const node = new NamespaceNode(name, this.#model, this.#agents, this.#filter);
    this.#namespaces.set(name, node);
    return node;
  }
}

function isPod(node: TreeNode, name: string): boolean {
  return node instanceof PodNode && node.name === name;
}

/** From the first of the nodes down to a pod; what is below a pod is not looked at. */
function findPath(path: TreeNode[], name: string): TreeNode[] | undefined {
  const last = path.at(-1);
  if (!last || isPod(last, name)) return path;
  if (!(last instanceof NamespaceNode || last instanceof WorkloadNode || last instanceof EndedNode)) return undefined;
  for (const child of last.children()) {
    const found = findPath([...path, child], name);
    if (found) return found;
  }
  return undefined;
}
