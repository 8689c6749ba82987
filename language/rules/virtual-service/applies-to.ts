import type { Located } from '../../located.ts';

/** A VirtualService without gateways, or with the gateway `mesh` among them, is for the sidecars. */
export function appliesToMesh(spec: Located): boolean {
  const gateways = spec.at('gateways').items;
  return gateways.length === 0 || gateways.some(({ string }) => string === 'mesh');
}

/** Whether any gateway beside `mesh` is named. */
export function namesAGateway(spec: Located): boolean {
  return spec.at('gateways').items.some(({ string }) => string !== 'mesh');
}
