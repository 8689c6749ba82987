/** A node's chain as its helper read it: the file in force, its plugins, what is wrong. */
import * as l10n from '@vscode/l10n';
import type { CniPluginProbe } from '../../../contract/node-helper.ts';
import { compareCniVersions, publishedCniVersions } from '../../../mesh/cni/cni-versions.ts';
import { describeCniHazard } from '../../../mesh/cni/hazards.ts';
import { describePluginRole } from '../../../mesh/cni/plugin-roles.ts';
import type { ChainPlugin, ChainProblem, DelegateCall } from '../../../mesh/cni/read-chain.ts';
import { commandIds } from '../../ids.ts';
import { describeCall } from './chain-words.ts';
import { MessageNode } from '../message-node.ts';
import type { NodeReading } from './node-chains.ts';
import type { NodeFlag, NodeItem, TooltipLine, TreeNode } from '../tree-node.ts';

/** The file in force; below it the plugins in the order in which they run. */
export class EffectiveFileNode implements TreeNode {
  readonly id: string;
  readonly flags = ['chain-file'] as const;
  readonly #name: string;
  readonly #reading: Extract<NodeReading, { state: 'read' }>;

  constructor(parent: string, name: string, reading: Extract<NodeReading, { state: 'read' }>) {
    this.id = `${parent}/file:${name}`;
    this.#name = name;
    this.#reading = reading;
  }

  item(): NodeItem {
    const { cniVersion, name } = this.#reading.chain;
    const description = [
      l10n.t('in force'),
      name && l10n.t('network {0}', name),
      cniVersion && l10n.t('CNI {0}', cniVersion),
    ]
      .filter(Boolean)
      .join(' · ');
    return {
      label: this.#name,
      description,
      icon: 'file-code',
      tone: 'plain',
      spoken: l10n.t('File {0}, {1}', this.#name, description),
      expands: 'expanded',
    };
  }

  tooltip(): TooltipLine[] {
    const content = this.#reading.chain.effective?.content;
    return [
      { as: 'heading', text: `${this.#reading.result.confDir}/${this.#name}` },
      ...(content ? [{ as: 'quote', text: content } as const] : []),
    ];
  }

  children(): TreeNode[] {
    const { chain, result } = this.#reading;
    return chain.plugins.map(
      (plugin, index) =>
        new PluginNode(`${this.id}/plugin:${index}:${plugin.type}`, {
          plugin,
          place: index + 1,
          asked: chain.cniVersion,
          probes: result.plugins,
        }),
    );
  }
}

/** One plugin of the chain, and below it the programs that it calls. */
export class PluginNode implements TreeNode {
  readonly id: string;
  readonly flags: readonly NodeFlag[];
  readonly #plugin: ChainPlugin;
  readonly #place: number;
  readonly #asked: string | undefined;
  readonly #probes: readonly CniPluginProbe[];

  constructor(
    id: string,
    inputs: { plugin: ChainPlugin; place: number; asked: string | undefined; probes: readonly CniPluginProbe[] },
  ) {
    this.id = id;
    this.flags = inputs.plugin.problems.length > 0 ? ['plugin', 'problem'] : ['plugin'];
    this.#plugin = inputs.plugin;
    this.#place = inputs.place;
    this.#asked = inputs.asked;
    this.#probes = inputs.probes;
  }

  item(): NodeItem {
    const { type, supportedVersions, problems, role, from } = this.#plugin;
    const probe = this.#probeOf(type);
    const refused = this.#asked !== undefined && supportedVersions?.includes(this.#asked) === false;
    const description = [
      probe && !probe.path && l10n.t('program missing'),
      refused && l10n.t('asked for {0}', this.#asked ?? ''),
      supportedVersions ? l10n.t('speaks {0}', supportedVersions.join(', ')) : l10n.t('versions not known'),
      role !== 'unknown' && describePluginRole(role),
      from !== undefined && l10n.t('taken in from {0}', from),
    ]
      .filter(Boolean)
      .join(' · ');
    const tone = problems.some(({ severity }) => severity === 'error')
      ? 'error'
      : problems.length > 0
        ? 'warning'
        : 'plain';
    return {
      label: `${this.#place}. ${type}`,
      description,
      icon: tone === 'plain' ? 'extensions' : tone,
      tone,
      spoken: l10n.t(
        'Plugin {0}, {1}',
        `${this.#place} ${type}`,
        [description, ...problems.map(({ message }) => message)].join(', '),
      ),
      expands: this.#hasChildren() ? 'collapsed' : 'no',
    };
  }

  tooltip(): TooltipLine[] {
    const { type, path, supportedVersions, ipam, delegates, problems, role } = this.#plugin;
    const probe = this.#probeOf(type);
    return [
      { as: 'heading', text: type },
      { as: 'text', text: describePluginRole(role) },
      ...problems.flatMap(problemLines),
      ...(path
        ? [{ as: 'item', text: l10n.t('Program: {0}', path) } as const]
        : probe
          ? [{ as: 'item', text: probe.error ?? l10n.t('program missing') } as const]
          : []),
      ...versionLines(supportedVersions, this.#asked),
      ...(ipam ? [{ as: 'item', text: l10n.t('Addresses from: {0}', ipam) } as const] : []),
      ...(delegates.length > 0
        ? [{ as: 'item', text: l10n.t('Delegates to: {0}', delegates.join(', ')) } as const]
        : []),
    ];
  }

  children(): TreeNode[] {
    const { ipam, calls = [], delegates } = this.#plugin;
    const resolved = new Set(calls.flatMap(({ plugins }) => plugins.map(({ type }) => type)));
    return [
      ...(ipam ? [this.#program(ipam, l10n.t('hands out the addresses'))] : []),
      ...calls.map((call, index) => new DelegateCallNode(`${this.id}/call:${index}`, call, this.#probes)),
      ...[...new Set(delegates)]
        .filter((type) => !resolved.has(type))
        .map((type) => this.#program(type, l10n.t('called by {0}', this.#plugin.type))),
    ];
  }

  #hasChildren(): boolean {
    const { ipam, calls = [], delegates } = this.#plugin;
    return ipam !== undefined || calls.length > 0 || delegates.length > 0;
  }

  /** A program that this plugin starts. */
  #program(type: string, job: string): MessageNode {
    const probe = this.#probeOf(type);
    const missing = probe !== undefined && !probe.path;
    return new MessageNode(`${this.id}/calls:${type}`, {
      label: type,
      description: [
        job,
        missing && l10n.t('program missing'),
        probe?.supportedVersions && l10n.t('speaks {0}', probe.supportedVersions.join(', ')),
      ]
        .filter(Boolean)
        .join(' · '),
      icon: missing ? 'error' : 'debug-step-into',
      tone: missing ? 'error' : 'quiet',
      tooltip: [
        { as: 'heading', text: type },
        ...(probe?.path ? [{ as: 'item', text: l10n.t('Program: {0}', probe.path) } as const] : []),
        ...(probe?.error ? [{ as: 'item', text: probe.error } as const] : []),
        ...versionLines(probe?.supportedVersions, this.#asked),
      ],
    });
  }

  #probeOf(type: string): CniPluginProbe | undefined {
    return this.#probes.find((probe) => probe.type === type);
  }
}

/** A network that a delegating plugin calls, and the plugins of it. */
export class DelegateCallNode implements TreeNode {
  readonly id: string;
  readonly flags = ['plugin'] as const;
  readonly #call: DelegateCall;
  readonly #probes: readonly CniPluginProbe[];

  constructor(id: string, call: DelegateCall, probes: readonly CniPluginProbe[]) {
    this.id = id;
    this.#call = call;
    this.#probes = probes;
  }

  item(): NodeItem {
    const { named, unresolved, plugins } = this.#call;
    const description = [...describeCall(this.#call), unresolved].filter(Boolean).join(' · ');
    return {
      label: named,
      description,
      icon: unresolved === undefined ? 'debug-step-into' : 'question',
      tone: 'quiet',
      spoken: l10n.t('Network {0}, {1}', named, description),
      expands: plugins.length > 0 ? 'expanded' : 'no',
    };
  }

  tooltip(): TooltipLine[] {
    const { named, file, unresolved } = this.#call;
    return [
      { as: 'heading', text: named },
      ...(file === undefined ? [] : [{ as: 'item', text: l10n.t('Found in {0}', file) } as const]),
      ...describeCall(this.#call).map((text) => ({ as: 'item', text }) as const),
      ...(unresolved === undefined ? [] : [{ as: 'text', text: unresolved } as const]),
    ];
  }

  children(): TreeNode[] {
    const { plugins, cniVersion } = this.#call;
    return plugins.map(
      (plugin, index) =>
        new PluginNode(`${this.id}/plugin:${index}:${plugin.type}`, {
          plugin,
          place: index + 1,
          asked: cniVersion,
          probes: this.#probes,
        }),
    );
  }
}

/** Every version that was ever published and every one it speaks, a line each, the one asked for marked. */
function versionLines(spoken: readonly string[] | undefined, asked: string | undefined): TooltipLine[] {
  if (!spoken) return asked ? [{ as: 'item', text: l10n.t('Version asked for: {0}', asked) }] : [];
  const versions = [...new Set([...publishedCniVersions, ...spoken, ...(asked ? [asked] : [])])].sort(
    compareCniVersions,
  );
  return [
    { as: 'heading', text: l10n.t('CNI versions') },
    ...versions.map((version): TooltipLine => {
      const speaks = spoken.includes(version);
      const mark = speaks ? '✓' : '✗';
      if (version !== asked) return { as: 'item', text: `${mark} ${version}` };
      return {
        as: 'item',
        text: speaks
          ? l10n.t('{0} {1} ← asked for', mark, version)
          : l10n.t('{0} {1} ← asked for, and not spoken: every ADD and DEL fails', mark, version),
      };
    }),
  ];
}

export class ChainProblemNode implements TreeNode {
  readonly id: string;
  readonly flags = ['problem'] as const;
  readonly problem: ChainProblem;
  /** For the command that opens its page. */
  readonly code: string;

  constructor(id: string, problem: ChainProblem) {
    this.id = id;
    this.problem = problem;
    this.code = problem.code;
  }

  item(): NodeItem {
    const { severity, message, whatToDo, code, plugin, file } = this.problem;
    return {
      label: describeCniHazard(code).title,
      description: [plugin ?? file, code].filter(Boolean).join(' · '),
      icon: severity,
      tone: severity,
      spoken: `${message} ${whatToDo}`,
      expands: 'no',
      command: { id: commandIds.showRule, title: l10n.t('Open Documentation') },
    };
  }

  tooltip(): TooltipLine[] {
    return problemLines(this.problem);
  }

  children(): TreeNode[] {
    return [];
  }
}

function problemLines({ code, message, whatToDo }: ChainProblem): TooltipLine[] {
  return [
    { as: 'heading', text: `${code}: ${describeCniHazard(code).title}` },
    { as: 'text', text: message },
    { as: 'text', text: whatToDo },
  ];
}
