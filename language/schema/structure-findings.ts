import * as l10n from '@vscode/l10n';
import { rename, replaceValue } from '../edits.ts';
import { finding } from '../finding.ts';
import type { Finding, QuickFix } from '../finding.ts';
import type { Located } from '../located.ts';
import { findNearMiss } from '../../mesh/near-miss.ts';
import { hasType } from './bounds.ts';
import type { Schema } from './structure.ts';

/** What kind of fault; each is a rule of its own, so that it can be looked up and silenced. */
export type StructureFault =
  | 'unknown-field'
  | 'wrong-type'
  | 'unknown-value'
  | 'missing-field'
  | 'exclusive-fields'
  | 'out-of-bounds'
  | 'unknown-version';

export interface StructureFinding extends Finding {
  fault: StructureFault;
}

export function typeName(type: NonNullable<Schema['type']>): string {
  const names = {
    object: l10n.t('a map of fields'),
    array: l10n.t('a list'),
    string: l10n.t('text'),
    integer: l10n.t('a whole number'),
    number: l10n.t('a number'),
    boolean: l10n.t('true or false'),
  };
  return names[type];
}

function describe(value: Located): string {
  switch (value.type) {
    case 'map':
      return typeName('object');
    case 'list':
      return typeName('array');
    case 'string':
      return l10n.t('text ({0})', short(value.text));
    case 'null':
      return l10n.t('empty');
    default:
      return l10n.t('{0} ({1})', typeName(value.type === 'boolean' ? 'boolean' : 'number'), short(value.text));
  }
}

function short(text: string): string {
  const line = text.split('\n', 1)[0]!.trimEnd();
  return line.length > 40 ? `${line.slice(0, 40)}…` : line;
}

/** What a person surely meant, when quotes alone make the difference, or a list was forgotten around a single value. */
export function fixType(value: Located, schema: Schema): QuickFix[] {
  const { text } = value;
  if (value.value === undefined && !value.flow) return [];
  if (schema.type === 'string' && (value.type === 'number' || value.type === 'boolean')) {
    return [
      {
        title: l10n.t('Put {0} in quotes', text),
        preferred: true,
        edits: () => replaceValue(value, JSON.stringify(text)),
      },
    ];
  }
  const bare = value.string?.trim() ?? '';
  const isWanted =
    schema.type === 'boolean' ? /^(true|false)$/.test(bare) : schema.type === 'integer' && /^-?\d+$/.test(bare);
  if (isWanted)
    return [
      { title: l10n.t('Take {0} out of its quotes', text), preferred: true, edits: () => replaceValue(value, bare) },
    ];
  if (schema.type === 'array' && !text.includes('\n') && schema.items?.type && hasType(value, schema.items.type)) {
    return [{ title: l10n.t('Make {0} a list', text), preferred: true, edits: () => replaceValue(value, `[${text}]`) }];
  }
  return [];
}

export function wrongType(value: Located, wanted: string, fixes: QuickFix[] = []): StructureFinding {
  const name = value.key?.string;
  const message = name
    ? l10n.t('"{0}" must be {1}, not {2}.', name, wanted, describe(value))
    : l10n.t('This must be {0}, not {1}.', wanted, describe(value));
  return { ...finding(value, message, { fixes }), fault: 'wrong-type' };
}

/** Where a misplaced field would be right: in a field of the same map, or directly in a map around it. */
export type FieldHome = { below: string } | { above: string };

/** A field that the schema does not have. @param names those it has. */
export function unknownField(key: Located, names: string[], map: Located, home?: FieldHome): StructureFinding {
  const typed = String(key.value);
  const meant = findNearMiss(
    typed,
    names.filter((name) => !map.at(name).exists),
  );
  const place = map.key?.string;
  const unknown = place
    ? l10n.t('"{0}" is no field of "{1}": the API server refuses or drops it.', typed, place)
    : l10n.t('"{0}" is no field here: the API server refuses or drops it.', typed);
  if (!meant && home) return { ...finding(key, `${unknown} ${describeHome(home)}`), fault: 'unknown-field' };
  if (!meant) {
    const choice = names.length > 0 && names.length <= 12 ? ` ${l10n.t('Fields here: {0}.', names.join(', '))}` : '';
    return { ...finding(key, unknown + choice), fault: 'unknown-field' };
  }
  const fix: QuickFix = { title: l10n.t('Rename to "{0}"', meant), preferred: true, edits: () => rename(key, meant) };
  return {
    ...finding(key, `${unknown} ${l10n.t('Did you mean "{0}"?', meant)}`, { fixes: [fix] }),
    fault: 'unknown-field',
  };
}

function describeHome(home: FieldHome): string {
  return 'below' in home
    ? l10n.t('It is a field of "{0}": move it there.', home.below)
    : l10n.t('It is a field of "{0}" further up: move it there, less indented.', home.above);
}

export function unknownValue(value: Located, names: string[]): StructureFinding {
  const typed = String(value.value);
  const meant = findNearMiss(typed, names);
  const hint = meant ? ` ${l10n.t('Did you mean "{0}"?', meant)}` : '';
  const message = l10n.t('"{0}" is not one of {1}.', typed, names.join(', ')) + hint;
  const fixes = (meant ? [meant, ...names.filter((name) => name !== meant)] : names)
    .filter((name) => !/^(UNSET|UNSPECIFIED|UNDEFINED)/.test(name))
    .slice(0, 6)
    .map((name): QuickFix => ({
      title: l10n.t('Change to {0}', name),
      preferred: name === meant,
      edits: () => rename(value, name),
    }));
  return { ...finding(value, message, { fixes }), fault: 'unknown-value' };
}

export function missingField(map: Located, name: string): StructureFinding {
  return { ...finding(owner(map), l10n.t('"{0}" is required here.', name)), fault: 'missing-field' };
}

/** None of the fields of which one must be there. */
export function missingChoice(map: Located, names: string[]): StructureFinding {
  const message = l10n.t('One of {0} is required here.', names.join(', '));
  return { ...finding(owner(map), message), fault: 'missing-field' };
}

/** A second field where only one may be. */
export function exclusive(key: Located, first: string, names: string[]): StructureFinding {
  const message = l10n.t(
    '"{0}" excludes "{1}": only one of {2} may be set.',
    String(key.value),
    first,
    names.join(', '),
  );
  return { ...finding(key, message), fault: 'exclusive-fields' };
}

/** A field that our release of Istio has, and the connected cluster's has not yet (or no more). */
export function newerField(key: Located, map: Located): StructureFinding {
  const place = map.key?.string;
  const message = place
    ? l10n.t(
        'This cluster\'s Istio does not know the field "{0}" of "{1}": its API server drops it. Other releases have it; upgrade Istio\'s CRDs there, or leave it out.',
        String(key.value),
        place,
      )
    : l10n.t(
        'This cluster\'s Istio does not know the field "{0}": its API server drops it. Other releases have it; upgrade Istio\'s CRDs there, or leave it out.',
        String(key.value),
      );
  return { ...finding(key, message, { severity: 'warning' }), fault: 'unknown-field' };
}

/** What is missing inside a map is shown on the map's key, or on its first field when it is a list's item. */
function owner(map: Located): Located {
  return map.key ?? map;
}

export function bounds(value: Located, message: string): StructureFinding {
  return { ...finding(value, message), fault: 'out-of-bounds' };
}

export function unknownVersion(at: Located, group: string, versions: string[], kind: string): StructureFinding {
  const fixes = versions.map((version): QuickFix => ({
    title: l10n.t('Change to {0}', `${group}/${version}`),
    preferred: version === versions[0],
    edits: () => rename(at, `${group}/${version}`),
  }));
  const message = l10n.t(
    'Istio serves {0} as {1}, not as "{2}".',
    kind,
    versions.map((version) => `${group}/${version}`).join(', '),
    at.string ?? '',
  );
  return { ...finding(at, message, { fixes }), fault: 'unknown-version' };
}
