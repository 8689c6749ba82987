import * as l10n from '@vscode/l10n';
import type { FindingJson } from '../../contract/language-server.ts';
import { toolNames } from '../ids.ts';
import { InputReader } from './read-input.ts';
import { fit, ToolFailure, type Tool } from './tool.ts';

export interface AnalyzeFileInput {
  path: string;
}

/** What is wrong in one manifest, judged with all other manifests of the window (and the cluster, when it is followed). */
export const analyzeFile: Tool<AnalyzeFileInput> = {
  name: toolNames.analyzeFile,
  read(input) {
    const reader = new InputReader(input);
    const path = reader.text('path');
    reader.end();
    return { path };
  },
  progress: ({ path }) => l10n.t('Checking {0}', path),
  confirm: ({ path }, services) =>
    services.isInside(path)
      ? undefined
      : {
          title: l10n.t('Read a file outside of this window’s folders?'),
          message: l10n.t('{0} is opened and checked. Nothing is changed.', path),
        },
  async run({ path }, services, { signal, limit }) {
    const { file, reply } = await services.findings(path, signal);
    const { findings } = reply;
    if (!findings) {
      throw new ToolFailure(
        `${file} is not read: it is no YAML or JSON manifest, or the setting meshloom.analysis.exclude leaves it out.`,
      );
    }
    const { json, leftOut } = fit(findings, limit, (kept) => kept);
    const more = leftOut > 0 ? ` Only the first ${json.length} are listed.` : '';
    return { says: `${describe(file, findings)}${more}`, json };
  },
};

function describe(file: string, findings: FindingJson[]): string {
  const count = (level: FindingJson['level']) => findings.filter((finding) => finding.level === level).length;
  return findings.length === 0
    ? `Nothing is wrong in ${file}, as far as the manifests that are open in the editor tell.`
    : `${file}: ${count('error')} errors, ${count('warning')} warnings, ${count('info')} notes.`;
}
