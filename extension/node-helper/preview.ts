import * as l10n from '@vscode/l10n';
import { stringify } from 'yaml';
import type { HelperMode, HelperRight } from '../../contract/node-helper-rights.ts';
import type { ManifestObject } from './manifest.ts';

/**
 * The manifest as a person reads it before agreeing: the rights and their reasons on top as comments, the packed program
 * as its size instead of its bytes.
 * @param target where it would go, as the user knows it.
 */
export function printPreview(
  manifest: readonly ManifestObject[],
  rights: readonly HelperRight[],
  target: { context: string; namespace: string; mode?: HelperMode; replaces?: { version: string; hash: string } },
): string {
  const head = [
    l10n.t(
      'Meshloom node helper, to be applied to namespace “{0}” of context “{1}”.',
      target.namespace,
      target.context,
    ),
    ...(target.replaces
      ? [
          l10n.t(
            'It replaces version {0} (program {1}) in place, node by node.',
            target.replaces.version,
            target.replaces.hash,
          ),
        ]
      : []),
    l10n.t('Nothing has been sent yet. “Mesh: Remove Node Helper” takes all of it away again.'),
    '',
    ...(target.mode === 'intercept'
      ? [
          l10n.t(
            'Intercept mode: the agent of the CNI plugin runs on each node and writes the rules of pods that start.',
          ),
          l10n.t(
            'The node’s CNI configuration is changed by “Mesh: Install CNI Plugin” and its like alone, never by this.',
          ),
          l10n.t('Not asked for: a privileged container, a port.'),
        ]
      : [
          l10n.t(
            'It only reads: processes, network namespaces, packet filter rules and CNI configuration of each node.',
          ),
          l10n.t('Not asked for: a privileged container, a service-account token, a port, a writable host directory.'),
        ]),
    '',
    l10n.t('Rights that it asks for, and why:'),
    ...rights.flatMap(({ name, why }) => [`  ${name}`, ...wrap(why, 100).map((line) => `      ${line}`)]),
  ];
  const comments = head.map((line) => `# ${line}`.trimEnd()).join('\n');
  const documents = manifest.map((object) => stringify(shortened(object), { lineWidth: 0 }));
  return `${comments}\n---\n${documents.join('---\n')}`;
}

function shortened(object: ManifestObject): ManifestObject {
  const binaryData = object.binaryData as Record<string, string> | undefined;
  if (!binaryData) return object;
  const sizes = Object.entries(binaryData).map(([key, value]) => {
    const bytes = Buffer.byteLength(value, 'base64');
    return [
      key,
      key.endsWith('.gz')
        ? l10n.t('… {0} bytes, gzip: the program of this extension …', bytes)
        : l10n.t('… {0} bytes: the CNI plugin for this processor …', bytes),
    ];
  });
  return { ...object, binaryData: Object.fromEntries(sizes) as Record<string, string> };
}

function wrap(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1)!;
    if (last !== '' && last.length + word.length >= width) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines;
}
