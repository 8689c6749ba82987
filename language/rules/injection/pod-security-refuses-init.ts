import * as l10n from '@vscode/l10n';
import { findPodSecurityRefusal } from '../../../mesh/injection/pod-security.ts';
import { defineRule, finding } from '../../rule.ts';
import { findCniSettings } from './injector-settings.ts';

const enforce = 'pod-security.kubernetes.io/enforce';

/** The webhook adds istio-init after the author wrote the pod, and before Pod Security looks at it. */
export const podSecurityRefusesInit = defineRule({
  id: 'injection/pod-security-refuses-init',
  code: 'ML0111',
  severity: 'warning',
  docs: 'https://istio.io/latest/docs/setup/additional-setup/pod-security-admission/',
  why: 'istio-init needs NET_ADMIN and NET_RAW to program the packet rules. Pod Security "baseline" and "restricted" refuse both, so that no injected pod of the namespace can be created. With Istio’s CNI plugin pods need no istio-init. A hint only where nothing tells whether the plugin is there.',
  reads: ['Namespace', 'ConfigMap'],
  subject: ['Namespace'],
  *check({ Namespace, ConfigMap }) {
    for (const { metadata, name } of Namespace) {
      const labels = metadata.at('labels');
      const level = labels.at(enforce);
      const injection = labels.at('istio-injection').string;
      const revision = labels.at('istio.io/rev').string;
      const asked = injection === 'enabled' ? 'default' : injection === undefined ? revision : undefined;
      if (!asked || level.string === undefined) continue;
      const settings = findCniSettings(ConfigMap, asked);
      const namespaceLabels = { [enforce]: level.string };
      const by = settings?.cni ? 'cni' : 'init';
      const pods = l10n.t('an injected pod');
      const refusal = findPodSecurityRefusal({ name: pods, namespace: name, namespaceLabels, by });
      if (!refusal) continue;
      if (settings) yield finding(level, refusal.says);
      else
        yield finding(
          level,
          l10n.t(
            'Namespace {0} is injected and enforces Pod Security "{1}", which refuses the capabilities NET_ADMIN and NET_RAW of istio-init: its pods can only be created where Istio\'s CNI plugin does the redirection (pilot.cni.enabled=true).',
            name,
            level.string,
          ),
          { severity: 'info' },
        );
    }
  },
});
