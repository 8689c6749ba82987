import * as l10n from '@vscode/l10n';
import { removeEntry, removeItem } from '../edits.ts';
import type { QuickFix } from '../finding.ts';
import type { Located } from '../located.ts';

/** A fix that takes one field out of a map: for a field that says nothing, or that another one excludes. */
export function dropField(map: Located, field: string): QuickFix {
  return { title: l10n.t('Remove "{0}"', field), edits: () => removeEntry(map, field) };
}

/** A fix that takes a text out of a list: for one that is there already. */
export function dropItem(list: Located, item: Located): QuickFix {
  return { title: l10n.t('Remove "{0}"', item.string ?? item.text), edits: () => removeItem(list, item) };
}
