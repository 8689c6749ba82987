import * as l10n from '@vscode/l10n';
import { finding } from './finding.ts';
import type { Finding } from './finding.ts';
import type { YamlProblem } from './locate.ts';
import type { ParsedDocument } from './parse.ts';
import type { Rule } from './rule.ts';

type YamlRule = Omit<Rule, 'reads' | 'scope' | 'check'>;

const docs = 'https://kubernetes.io/docs/concepts/overview/working-with-objects/#describing-a-kubernetes-object';

/** What is wrong with the text itself, before it is a resource. Beside the rules, as these read no kinds. */
export const yamlRules = {
  syntax: {
    id: 'yaml/syntax',
    code: 'ML0001',
    severity: 'error',
    docs,
    why: 'What is not YAML cannot be applied. Until it is repaired, the document is not looked at further.',
  },
  'duplicate-key': {
    id: 'yaml/duplicate-key',
    code: 'ML0002',
    severity: 'warning',
    docs,
    why: 'A key that stands twice in a map: strict readers refuse the file, all others silently take the last one.',
  },
  'too-large': {
    id: 'yaml/too-large',
    code: 'ML0003',
    severity: 'info',
    docs,
    why: 'Files over 10 MB, and documents whose aliases expand to over a million values, are not analysed: the editor would stall.',
  },
} satisfies Record<YamlProblem['kind'], YamlRule>;

/** The findings on a document's YAML. */
export function* yamlFindings(document: ParsedDocument): Iterable<Finding & { rule: YamlRule }> {
  for (const { kind, at, message } of document.problems) {
    const rule = yamlRules[kind];
    if (kind === 'syntax') yield { rule, ...finding(at, l10n.t('This is not valid YAML: {0}.', message)) };
    else if (kind === 'too-large')
      yield { rule, ...finding(at, l10n.t('This document is not analysed: {0}. Use fewer aliases.', message)) };
    else
      yield {
        rule,
        ...finding(
          at,
          l10n.t('"{0}" stands here twice: the last one counts, or the file is refused. Remove one.', message),
        ),
      };
  }
}
