import type { PlainObject } from '../../contract/cluster-layer.ts';

/** What `kubectl apply` writes down for itself: the whole object once more. */
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';
/** The only data of a Secret that everybody who connects is shown anyway. Keys, tokens and passwords are not among them. */
const publicData = new Set(['tls.crt', 'cert', 'ca.crt', 'cacert']);

/**
 * An object as analysis gets it. No bookkeeping, which is most of an object; of a Secret the names of its entries and the
 * certificates alone: nothing that opens a door leaves the process that asked for it.
 */
export function trimObject(object: PlainObject, apiVersion: string, kind: string): PlainObject {
  // Items of a list do not say what they are.
  const { metadata, ...rest }: PlainObject = { ...object, apiVersion, kind };
  const trimmed = { ...rest, metadata: trimMetadata(metadata, kind === 'Secret') };
  if (kind === 'Secret') return trimSecret(trimmed);
  return trimmed;
}

function trimMetadata(metadata: unknown, isSecret: boolean): PlainObject {
  const { managedFields: _, selfLink: __, annotations, ...rest } = (metadata ?? {}) as PlainObject;
  if (typeof annotations !== 'object' || annotations === null) return rest;
  // Of a Secret that was applied, this annotation holds the keys.
  if (isSecret) return rest;
  const { [lastApplied]: ___, ...kept } = annotations as PlainObject;
  return { ...rest, annotations: kept };
}

function trimSecret({ apiVersion, kind, metadata, type, data }: PlainObject): PlainObject {
  const entries = Object.entries((data ?? {}) as PlainObject);
  return {
    apiVersion,
    kind,
    metadata,
    type,
    data: Object.fromEntries(entries.map(([name, value]) => [name, publicData.has(name) ? value : ''])),
  };
}
