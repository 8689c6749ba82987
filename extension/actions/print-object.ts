/** An object as YAML for reading: in the order that people know, without what nobody reads, secrets masked. */
import * as l10n from '@vscode/l10n';
import { stringify } from 'yaml';
import type { KubernetesObject } from '../../mesh/kubernetes.ts';
import { maskVariables } from './mask-variables.ts';

export interface PrintOptions {
  /** Who wrote which field; hidden without it, as kubectl does. */
  managedFields?: boolean;
}

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** An object is at most 1.5 MB in etcd; as YAML that is a document an editor still opens. */
const longestText = 8 * 1024 * 1024;

/**
 * The whole object. A Secret's values are replaced by their sizes, wherever they stand, and so are environment variables
 * that somebody wrote into a pod although they are secrets by their names.
 */
export function printObject(object: KubernetesObject, { managedFields = false }: PrintOptions = {}): string {
  const { object: shownObject, masked: variables } = maskVariables(maskSecret(object));
  const { apiVersion, kind, metadata, ...rest } = shownObject;
  const { managedFields: managers, ...shownMetadata } = (metadata ?? {}) as Record<string, unknown>;
  const { status, ...body } = rest as Record<string, unknown>;
  const ordered = {
    ...(apiVersion !== undefined && { apiVersion }),
    ...(kind !== undefined && { kind }),
    metadata: managedFields && managers !== undefined ? { ...shownMetadata, managedFields: managers } : shownMetadata,
    ...body,
    ...(status !== undefined && { status }),
  };
  const text = stringify(ordered, { lineWidth: 0, aliasDuplicateObjects: false });
  const shown = text.length > longestText ? `${text.slice(0, longestText)}\n# …\n` : text;
  return [...notes(object, managers, managedFields, variables), shown].join('');
}

function notes(
  { kind }: KubernetesObject,
  managers: unknown,
  areShown: boolean,
  variables: readonly string[],
): string[] {
  const names = (Array.isArray(managers) ? managers : [])
    .map((entry) => (entry as { manager?: unknown } | null)?.manager)
    .filter((name) => typeof name === 'string');
  const hidden = l10n.t('managedFields are folded away ({0}).', [...new Set(names)].join(', '));
  const masked = l10n.t('The values of this Secret are masked.');
  const byName = l10n.t(
    'Masked, because their names say that they are secrets: {0}.',
    [...new Set(variables)].join(', '),
  );
  return [
    ...(names.length > 0 && !areShown ? [hidden] : []),
    ...(kind === 'Secret' ? [masked] : []),
    ...(variables.length > 0 ? [byName] : []),
  ].map((line) => `# ${line.replace(/[\r\n]+/g, ' ')}\n`);
}

/** A copy in which no value of a Secret is left: not in `data`, `stringData`, nor in what kubectl last applied. */
export function maskSecret<T extends KubernetesObject>(object: T): T {
  if (object.kind !== 'Secret') return object;
  const { data, stringData, metadata } = object as T & { data?: unknown; stringData?: unknown };
  const annotations = metadata?.annotations;
  return {
    ...object,
    ...(metadata && { metadata: { ...metadata, ...(annotations && { annotations: maskAnnotations(annotations) }) } }),
    ...(data !== undefined && { data: maskValues(data, (value) => Buffer.from(value, 'base64').length) }),
    ...(stringData !== undefined && { stringData: maskValues(stringData, (value) => Buffer.byteLength(value)) }),
  };
}

function maskValues(values: unknown, sizeOf: (value: string) => number): unknown {
  if (typeof values !== 'object' || values === null) return masked(undefined);
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, masked(typeof value === 'string' ? sizeOf(value) : undefined)]),
  );
}

/** Tools keep whole objects in annotations, in more places than kubectl's: what looks like one with data is masked, too. */
function maskAnnotations(annotations: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(annotations).map(([key, value]) => [
      key,
      key === lastApplied || /"(?:data|stringData)"\s*:/.test(value) ? masked(Buffer.byteLength(value)) : value,
    ]),
  );
}

function masked(bytes: number | undefined): string {
  return bytes === undefined ? l10n.t('(masked)') : l10n.t('(masked, {0} bytes)', bytes);
}
