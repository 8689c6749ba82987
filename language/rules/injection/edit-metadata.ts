import { insertEntry, removeEntry } from '../../edits.ts';
import type { TextEdit } from '../../finding.ts';
import type { Located, LocatedEntry } from '../../located.ts';

type CarrierField = 'annotations' | 'labels';

/** Takes an annotation or label out of this metadata, and the empty map with it. */
export function removeFrom(metadata: Located, carrier: CarrierField, name: string): TextEdit[] {
  return removeEntry(metadata.at(carrier), name, { map: metadata, key: carrier });
}

/**
 * Takes an annotation or label out of one place and writes it in another; where it stands already, it is only taken out.
 * @param to what holds the new `metadata`: a pod template, or the object itself.
 */
export function moveEntry(
  entry: LocatedEntry,
  from: { metadata: Located; carrier: CarrierField },
  to: { holder: Located; carrier: CarrierField; name?: string; value?: string },
): TextEdit[] {
  const name = to.name ?? String(entry.key.value);
  const taken = removeFrom(from.metadata, from.carrier, String(entry.key.value));
  if (to.holder.at('metadata', to.carrier).entry(name)) return taken;
  return [...insertEntry(to.holder, ['metadata', to.carrier], name, to.value ?? oneLine(entry.value)), ...taken];
}

/** The value as it can stand behind a key anywhere: what is written over several lines depends on its indentation. */
function oneLine(value: Located): string {
  return value.text.includes('\n') ? JSON.stringify(value.value ?? '') : value.text || '""';
}
