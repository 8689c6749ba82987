import * as l10n from '@vscode/l10n';
import type { RecordingFile } from './recording-file.ts';

/** What a recording holds and what it does not, as Markdown, for the person who is about to write it. */
export function describeRecording(
  recording: RecordingFile,
  { masked, file, size }: { masked: number; file: string; size: number },
): string {
  const { cluster, scope, anonymized, kinds, nodes, pods, notes, recordedAt } = recording;
  const counts = kinds.filter(({ objects }) => objects > 0).sort((a, b) => (a.kind < b.kind ? -1 : 1));
  return [
    `# ${l10n.t('Recording of cluster {0}', cluster.name)}`,
    [
      l10n.t('File: {0} ({1} kB)', `\`${file}\``, Math.ceil(size / 1024)),
      l10n.t('Recorded at: {0}', recordedAt),
      scope.namespace === undefined
        ? l10n.t('Scope: all namespaces')
        : l10n.t('Scope: namespace {0}, and what the control plane says for it', scope.namespace),
      anonymized
        ? l10n.t('Names, hosts, images and addresses are others than on the cluster; names in this document, too.')
        : l10n.t('Names, hosts, images and addresses are those of the cluster.'),
      anonymized
        ? l10n.t('Left out: the contents of Secrets (names stay), managed fields, image lists, templates.')
        : l10n.t(
            'Left out: the contents of Secrets (names and certificates stay), managed fields, image lists, templates.',
          ),
      l10n.t('Masked as {0} because they look like credentials: {1} values', '`***`', masked),
    ]
      .map((line) => `- ${line}`)
      .join('\n'),
    `## ${l10n.t('What it holds')}`,
    [
      `| ${l10n.t('Kind')} | ${l10n.t('Objects')} |`,
      '| --- | ---: |',
      ...counts.map(({ kind, objects }) => `| ${kind.replace(/^\//, '')} | ${objects} |`),
      `| ${l10n.t('Nodes told of by a node helper')} | ${nodes.length} |`,
      `| ${l10n.t('Pods with their packet rules')} | ${pods.length} |`,
    ].join('\n'),
    `## ${l10n.t('What is missing')}`,
    notes.length > 0
      ? notes.map((note) => `- ${note}`).join('\n')
      : l10n.t('Nothing: all that Meshloom reads was read.'),
    '',
  ].join('\n\n');
}
