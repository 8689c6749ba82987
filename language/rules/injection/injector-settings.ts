import { readInjectorConfig } from '../../../mesh/injection/injector-config.ts';
import type { InjectorConfig } from '../../../mesh/injection/injector-config.ts';
import type { ConfigMap } from '../../../mesh/kubernetes.ts';
import { lookUp } from '../../lookup.ts';
import type { Resource } from '../../resource.ts';

const injector = 'istio-sidecar-injector';
const byInjector = ({ name }: Resource) => (name.startsWith(injector) ? [injector] : []);

/** What an injector's ConfigMap says of Istio's CNI plugin. */
export type CniSettings = Pick<InjectorConfig, 'cni' | 'cniProvider'>;

function tellCni(configMaps: readonly Resource[], revision: string): CniSettings | undefined {
  const configs = configMaps.flatMap(({ root }) => readInjectorConfig(root.toJSON() as ConfigMap) ?? []);
  const config = configs.find((one) => one.revision === revision) ?? (configs.length === 1 ? configs[0] : undefined);
  return config && { cni: config.cni, cniProvider: config.cniProvider };
}

/** The settings of the injector of a revision; undefined where no ConfigMap tells them. */
export function findCniSettings(configMaps: readonly Resource[], revision: string): CniSettings | undefined {
  return lookUp(configMaps, byInjector, { clusterDomain: '' }).tell(injector, tellCni, revision);
}
