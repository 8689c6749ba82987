import * as l10n from '@vscode/l10n';
import type { CodeLens } from 'vscode-languageserver';
import type { WorkloadReference } from '../../contract/language-server.ts';
import type { ParsedFile } from '../parse.ts';
import { findPodSource } from '../resource.ts';

/** A lens above everything that makes pods: from the manifest to the rules of what runs. */
export function listCodeLenses(file: ParsedFile): CodeLens[] {
  return file.documents
    .flatMap(({ resources }) => resources)
    .filter((resource) => resource.name !== '' && findPodSource(resource)?.spec.isSet)
    .map(({ root, namespace, name, kind }) => {
      const workload: WorkloadReference = { kind, namespace, name };
      return {
        range: (root.entry('kind')?.key ?? root).mark,
        command: {
          title: l10n.t('Show Intercepted iptables'),
          command: 'meshloom.showIptables',
          arguments: [workload],
        },
      };
    });
}
