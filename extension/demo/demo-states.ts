import * as l10n from '@vscode/l10n';

export type DemoStateId = 'before-cni' | 'with-cni' | 'broken';

/** One state in which the demo cluster can be opened; its id is the name of the recording's directory. */
export interface DemoState {
  readonly id: DemoStateId;
  /** Both in the user's language, at the time of asking. */
  readonly title: string;
  readonly description: string;
}

/** In the order in which one would tell the story. Small on purpose: this file is loaded without the server. */
export const demoStates: readonly DemoState[] = [
  {
    id: 'with-cni',
    get title() {
      return l10n.t('Istio with its CNI plugin');
    },
    get description() {
      return l10n.t('The plugin is chained on node n1 and programs the pods’ rules; every workload has restarted.');
    },
  },
  {
    id: 'before-cni',
    get title() {
      return l10n.t('Istio with init containers');
    },
    get description() {
      return l10n.t('istio-init programs the rules. Namespace locked refuses it, so its workload cannot start.');
    },
  },
  {
    id: 'broken',
    get title() {
      return l10n.t('A shop with seven faults');
    },
    get description() {
      return l10n.t(
        'A broken CNI chain: pods can neither start nor stop. And six more faults to find, in pods, rules and manifests.',
      );
    },
  },
];
