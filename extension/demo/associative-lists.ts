import { isObject, type JsonObject } from './api-object.ts';

/** Lists that Kubernetes merges item by item, by the field that holds them: its items are told apart by these keys. */
const listKeys: Record<string, string[][]> = {
  containers: [['name']],
  initContainers: [['name']],
  ephemeralContainers: [['name']],
  env: [['name']],
  volumes: [['name']],
  volumeMounts: [['mountPath']],
  imagePullSecrets: [['name']],
  ports: [
    ['containerPort', 'protocol'],
    ['port', 'protocol'],
  ],
  conditions: [['type']],
  ownerReferences: [['uid']],
  hostAliases: [['ip']],
  topologySpreadConstraints: [['topologyKey', 'whenUnsatisfiable']],
  webhooks: [['name']],
};

/** What the API server fills in before it compares. */
const keyDefaults: JsonObject = { protocol: 'TCP' };

/** Maps that are replaced as one although they are maps. */
export const atomicMaps = new Set([
  'selector',
  'labelSelector',
  'namespaceSelector',
  'objectSelector',
  'podSelector',
  'nodeSelector',
]);

export interface ListItem {
  /** `{"name":"app"}`: the item's identity in its list. */
  key: string;
  value: JsonObject;
}

/**
 * The items of a list that merges item by item.
 * @param field that holds the list.
 * @returns `undefined` for a list that is replaced as one: of an unknown field, or with items that have no or equal keys.
 */
export function associativeItems(field: string, list: unknown): ListItem[] | undefined {
  if (!Array.isArray(list) || !Object.hasOwn(listKeys, field)) return undefined;
  for (const keys of listKeys[field]!) {
    const items = list.map((value) => toItem(value, keys));
    if (!items.every((item) => item !== undefined)) continue;
    if (new Set(items.map(({ key }) => key)).size === items.length) return items;
  }
  return undefined;
}

function toItem(value: unknown, keys: string[]): ListItem | undefined {
  if (!isObject(value)) return undefined;
  const identity: JsonObject = {};
  for (const key of keys) {
    const part = value[key] ?? keyDefaults[key];
    if (part === undefined || part === null) return undefined;
    identity[key] = part;
  }
  return { key: JSON.stringify(identity), value };
}
