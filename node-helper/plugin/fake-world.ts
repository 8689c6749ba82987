/** The plugin's surroundings in memory, for tests. */
import { defaultAgentSettings, type AgentSettings, type PodRecord } from '../../contract/cni-plugin.ts';
import { fakeHost } from '../fake-host.ts';
import type { Host } from '../host.ts';
import { newToolbox } from './toolbox.ts';
import type { KnownPod, PluginWorld, PodIds } from './types.ts';

export interface FakeWorld extends PluginWorld {
  kept: Map<string, PodRecord>;
  /** Pods that were asked for. */
  asked: PodIds[];
}

/** @param pods what the API server knows, by `namespace/name`; absent: it does not answer. */
export function fakeWorld(
  options: { host?: Host; settings?: Partial<AgentSettings>; pods?: Record<string, KnownPod> } = {},
): FakeWorld {
  const kept = new Map<string, PodRecord>();
  const asked: PodIds[] = [];
  return {
    kept,
    asked,
    host: options.host ?? fakeHost({ files: {} }),
    settings: { ...defaultAgentSettings, ...options.settings },
    findPod: (ids) => {
      asked.push(ids);
      return Promise.resolve(options.pods?.[`${ids.namespace}/${ids.name}`]);
    },
    records: {
      put: (record) => void kept.set(record.containerId, record),
      get: (id) => kept.get(id),
      drop: (id) => void kept.delete(id),
      list: () => [...kept.values()],
    },
    toolbox: newToolbox(),
    time: () => '2026-08-21T10:00:00.000Z',
  };
}
