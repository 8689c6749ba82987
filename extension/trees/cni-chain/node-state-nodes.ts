/** What the API alone tells of a node's network: its agents, its failures, the pods that hang. */
import * as l10n from '@vscode/l10n';
import type { Pod } from '../../../mesh/kubernetes.ts';
import type { HangingPod, NetworkAgent, NodeFailure } from '../../../mesh/pods/describe-node.ts';
import { adviseOnCniFailure, summarizeCniFailure } from '../../../mesh/pods/parse-cni-failure.ts';
import { commandIds } from '../../ids.ts';
import type { NodeItem, TooltipLine, TreeNode } from '../tree-node.ts';
import { eventLines, isProblem, toneOf, troubleLines } from '../words.ts';

/** A DaemonSet that has to do with the node's network. */
export class AgentNode implements TreeNode {
  readonly id: string;
  readonly flags = ['agent'] as const;
  readonly #agent: NetworkAgent;

  constructor(parent: string, agent: NetworkAgent) {
    this.id = `${parent}/agent:${agent.namespace}/${agent.name}`;
    this.#agent = agent;
  }

  item(): NodeItem {
    const { product, namespace, name, version, pod, orphan } = this.#agent;
    const trouble = isProblem(pod?.trouble) ? pod.trouble : undefined;
    const standing = !pod
      ? l10n.t('no pod on this node')
      : (trouble?.short ?? (pod.ready ? l10n.t('ready') : l10n.t('not ready')));
    const description = [`${namespace}/${name}`, version, standing, orphan && l10n.t('its DaemonSet is gone')]
      .filter(Boolean)
      .join(' · ');
    const tone = trouble ? toneOf(trouble) : pod?.ready ? 'good' : 'warning';
    return {
      label: product,
      description,
      icon: tone === 'good' ? 'server-process' : tone === 'error' ? 'error' : 'warning',
      tone,
      spoken: `${product}, ${description}`,
      expands: 'no',
    };
  }

  tooltip(): TooltipLine[] {
    const { product, image, pod, hostPaths } = this.#agent;
    return [
      { as: 'heading', text: product },
      { as: 'text', text: image },
      ...(pod ? [{ as: 'text', text: l10n.t('Its pod on this node: {0}', pod.name) } as const] : []),
      ...(pod?.trouble ? troubleLines(pod.trouble) : []),
      ...(hostPaths.length > 0
        ? [
            { as: 'text', text: l10n.t('What it mounts of the node:') } as const,
            ...hostPaths.map((path) => ({ as: 'item', text: path }) as const),
          ]
        : []),
    ];
  }

  children(): TreeNode[] {
    return [];
  }
}

/** The same failure, however many pods it hits. */
export class NodeFailureNode implements TreeNode {
  readonly id: string;
  readonly flags = ['problem'] as const;
  readonly failure: NodeFailure;

  constructor(id: string, failure: NodeFailure) {
    this.id = id;
    this.failure = failure;
  }

  item(): NodeItem {
    const { says, count } = this.failure;
    const description = l10n.t('{0} times', count);
    return { label: says, description, icon: 'error', tone: 'error', spoken: `${says} ${description}`, expands: 'no' };
  }

  tooltip(): TooltipLine[] {
    const { failure, says, event, pods } = this.failure;
    return [
      { as: 'heading', text: summarizeCniFailure(failure) },
      { as: 'text', text: says },
      { as: 'text', text: adviseOnCniFailure(failure) },
      ...pods.map(({ namespace, name }) => ({ as: 'item', text: `${namespace}/${name}` }) as const),
      ...eventLines(event),
    ];
  }

  children(): TreeNode[] {
    return [];
  }
}

/** A pod that the node's network holds up; choosing it shows it in Workloads, other commands take the pod itself. */
export class HangingPodNode implements TreeNode {
  readonly kind = 'Pod';
  readonly id: string;
  readonly namespace: string;
  readonly name: string;
  readonly flags = ['pod', 'problem'] as const;
  readonly pod: Pod;
  readonly #pod: HangingPod;

  constructor(parent: string, pod: HangingPod) {
    this.id = `${parent}/pod:${pod.namespace}/${pod.name}`;
    this.namespace = pod.namespace;
    this.name = pod.name;
    this.pod = pod.object;
    this.#pod = pod;
  }

  item(): NodeItem {
    const { namespace, name, trouble } = this.#pod;
    return {
      label: `${namespace}/${name}`,
      description: trouble.short,
      icon: trouble.kind === 'validation' ? 'shield' : 'watch',
      tone: 'error',
      spoken: l10n.t('Pod {0}, {1}', `${namespace}/${name}`, trouble.short),
      expands: 'no',
      command: { id: commandIds.revealPod, title: l10n.t('Show Pod in Workloads') },
    };
  }

  tooltip(): TooltipLine[] {
    return troubleLines(this.#pod.trouble);
  }

  children(): TreeNode[] {
    return [];
  }
}
