import * as l10n from '@vscode/l10n';
import { parse } from 'yaml';
import type { WorkloadReference } from '../../contract/language-server.ts';
import { decideInjection } from '../../mesh/injection/decide-injection.ts';
import type { Step } from '../../mesh/step.ts';
import { readInjectionEnvironment, readPodOf } from '../cluster/read-injection.ts';
import { toolNames } from '../ids.ts';
import { InputReader } from './read-input.ts';
import type { Tool } from './tool.ts';

const kinds = ['Pod', 'Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'Job'] as const;

/** Whether a workload of the chosen cluster gets a sidecar, and every step that decides it. */
export const explainInjection: Tool<WorkloadReference> = {
  name: toolNames.explainInjection,
  read(input) {
    const reader = new InputReader(input);
    const reference = {
      kind: reader.oneOf('kind', kinds) ?? 'Deployment',
      namespace: reader.text('namespace'),
      name: reader.text('name'),
    };
    reader.end();
    return reference;
  },
  progress: ({ kind, namespace, name }) => l10n.t('Explaining the injection of {0} {1}/{2}', kind, namespace, name),
  confirm: ({ kind, namespace, name }, services) => ({
    title: l10n.t('Read from cluster {0}?', services.chosenCluster()),
    message: l10n.t(
      '{0} {1}/{2}, its namespace, the injector webhooks and the injector’s settings are read. Nothing is changed.',
      kind,
      namespace,
      name,
    ),
  }),
  async run(reference, services) {
    const cluster = await services.connect();
    const { pod } = await readPodOf(cluster, reference);
    const { known, missing } = await readInjectionEnvironment(cluster, reference.namespace);
    const decision = decideInjection({ pod, ...known, parseYaml: parse });
    const { injected, revision, templates, by, steps } = decision;
    const { kind, namespace, name } = reference;
    const explained = {
      resource: { kind, namespace, name },
      file: `cluster:${cluster.context.name}`,
      injected,
      revision: revision ?? null,
      templates,
      by,
      steps: steps.map(asContract),
      ...(missing.length > 0 && { notRead: missing }),
    };
    return { says: steps.at(-1)?.says ?? '', json: [explained] };
  },
};

function asContract({ check, value, verdict, says }: Step): object {
  return { check, value: value ?? null, verdict, says };
}
