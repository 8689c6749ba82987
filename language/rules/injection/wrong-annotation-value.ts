import * as l10n from '@vscode/l10n';
import {
  checkAnnotationValue,
  describeFormat,
  findCatalogueEntry,
  mayStandOn,
  type CatalogueEntry,
} from '../../../mesh/injection/annotation-catalogue.ts';
import { rename } from '../../edits.ts';
import type { QuickFix } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { annotatedKinds, entriesOf, listAnnotated } from './annotated.ts';
import { parseAnnotationYaml } from './annotation-yaml.ts';
import { partOfValue } from './part-of-value.ts';

/**
 * The injector checks these values when a pod is created, and a wrong one fails the creation: the Deployment is accepted
 * and then has no pods. The reason stands only in an event of the ReplicaSet.
 */
export const wrongAnnotationValue = defineRule({
  id: 'injection/wrong-annotation-value',
  code: 'IST0125',
  severity: 'warning',
  docs: istioDocs('IST0125'),
  why: 'The injector refuses the creation of a pod whose annotation has a value that it cannot read: the Deployment is accepted and never gets pods, and only an event on the ReplicaSet says why.',
  reads: annotatedKinds,
  scope: 'resource',
  *check(byKind) {
    for (const { metadata, kind } of listAnnotated(byKind)) {
      for (const { key, value } of entriesOf(metadata, 'annotations')) {
        const known = findCatalogueEntry(key.string!, 'annotation');
        if (!known?.format || value.string === undefined || !mayStandOn(known, kind)) continue;
        const problem = checkAnnotationValue(known, value.string, parseAnnotationYaml);
        if (!problem) continue;
        const at = problem.at ? partOfValue(value, problem.at.start, problem.at.end) : value;
        yield finding(at, describe(known, problem.message), { fixes: corrections(known, value) });
      }
    }
  },
});

function describe(known: CatalogueEntry, problem: string): string {
  return l10n.t(
    '{0} The injector refuses pods with this value; {1} takes {2}.',
    problem,
    known.name,
    describeFormat(known.format!),
  );
}

/** One fix for the whole value, which the injector accepts; none if it cannot be told what was meant. */
function corrections(known: CatalogueEntry, value: Located): QuickFix[] {
  let text = value.string!;
  let certain = true;
  for (
    let problem = checkAnnotationValue(known, text, parseAnnotationYaml);
    problem;
    problem = checkAnnotationValue(known, text, parseAnnotationYaml)
  ) {
    const { start, end } = problem.at ?? { start: 0, end: text.length };
    if (problem.instead !== undefined) {
      text = text.slice(0, start) + problem.instead + text.slice(end);
      continue;
    }
    // An item that means nothing can only be left out, which the user has to decide.
    const without = withoutItem(text, start);
    if (known.format === 'proxy-config' || without === undefined) return [];
    text = without;
    certain = false;
  }
  if (text === value.string) return [];
  const fixed = text;
  return [{ title: l10n.t('Change to "{0}"', fixed), preferred: certain, edits: () => rename(value, fixed) }];
}

/** The list without the item at that offset; undefined if it is no list. */
function withoutItem(list: string, offset: number): string | undefined {
  const items = list.split(',');
  if (items.length < 2) return undefined;
  const index = list.slice(0, offset).split(',').length - 1;
  return items.toSpliced(index, 1).join(',');
}
