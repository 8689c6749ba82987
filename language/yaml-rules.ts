import * as l10n from '@vscode/l10n';
import { finding } from './finding.ts';
import type { Finding } from './finding.ts';
import type { YamlProblem } from './locate.ts';
import type { ParsedDocument } from './parse.ts';
import type { Located } from './located.ts';
import { findNearMiss } from '../mesh/near-miss.ts';
import { kindsOfGroup } from './kinds.ts';
import type { Kind } from './kinds.ts';
import { rename } from './edits.ts';
import { istioDocs } from './rule.ts';
import type { Rule } from './rule.ts';
import { istioStructures } from './schema/structure.ts';

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
    why: 'A key that stands twice in a map: kubectl silently takes the last one, so what the first one says does not happen.',
  },
  'too-large': {
    id: 'yaml/too-large',
    code: 'ML0003',
    severity: 'info',
    docs,
    why: 'Files over 10 MB, documents whose aliases expand to over a million values, long documents that are not plain YAML, and resources of over 50,000 values are not analysed: the editor would stall.',
  },
  'unknown-kind': {
    id: 'yaml/unknown-kind',
    code: 'IST0106',
    severity: 'error',
    docs: istioDocs('IST0106'),
    why: 'The API server has no such kind in this group of Istio’s, so it refuses the resource.',
  },
} satisfies Record<YamlProblem['kind'], YamlRule>;

/** The findings on a document's YAML. */
export function* yamlFindings(document: ParsedDocument): Iterable<Finding & { rule: YamlRule }> {
  for (const { kind, at, message } of document.problems) {
    const rule = yamlRules[kind];
    if (kind === 'syntax') yield { rule, ...finding(at, l10n.t('This is not valid YAML: {0}.', message)) };
    else if (kind === 'unknown-kind' && at.key?.string === 'apiVersion') yield { rule, ...wrongGroup(at, message) };
    else if (kind === 'unknown-kind') yield { rule, ...unknownKind(at, message) };
    else if (kind === 'too-large')
      yield {
        rule,
        ...finding(at, l10n.t('This document is not analysed: {0}. Split it, or write it more simply.', message)),
      };
    else
      yield {
        rule,
        ...finding(
          at,
          l10n.t('"{0}" stands here twice: kubectl takes the last one and says nothing. Remove one.', message),
        ),
      };
  }
}

/** A kind of Istio's under an apiVersion that has none of that name. */
function wrongGroup(at: Located, name: string): Finding {
  const { group, versions } = istioStructures[name as Kind]!;
  const right = `${group}/${versions[0]!}`;
  return finding(
    at,
    l10n.t('{0} is a kind of {1}: the API server knows none in "{2}" and refuses it.', name, right, at.string ?? ''),
    { fixes: [{ title: l10n.t('Change to {0}', right), preferred: true, edits: () => rename(at, right) }] },
  );
}

function unknownKind(at: Located, group: string): Finding {
  const kinds = kindsOfGroup(group);
  const meant = findNearMiss(at.string ?? '', kinds);
  const hint = meant ? l10n.t('Did you mean "{0}"?', meant) : l10n.t('Kinds there: {0}.', kinds.join(', '));
  const fixes = meant
    ? [{ title: l10n.t('Change to {0}', meant), preferred: true, edits: () => rename(at, meant) }]
    : [];
  return finding(
    at,
    `${l10n.t('There is no kind "{0}" in {1}: the API server refuses it.', at.string ?? '', group)} ${hint}`,
    { fixes },
  );
}
