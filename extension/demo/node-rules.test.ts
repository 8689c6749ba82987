import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ObjectInputs } from '../../mesh/service-path/compare-with-objects.ts';
import { computeServicePaths } from '../../mesh/service-path/compute-service-paths.ts';
import { ApiResources } from './api-resources.ts';
import { ApiStore } from './api-store.ts';
import { readNodeRules } from './node-rules.ts';
import { readRecording } from './recording.ts';
import { recordingsDir } from './testing.ts';

describe('the rules of the demo’s node', () => {
  it.each(['before-cni', 'with-cni', 'broken'])('agree with the Services and EndpointSlices of %s', async (name) => {
    const recording = await readRecording(join(recordingsDir, name));
    const resources = new ApiResources();
    const store = new ApiStore(1, 10);
    for (const object of recording.objects) store.load(resources.learn(object), object);
    const { readings, addresses } = readNodeRules({ resources, store }, 'n1');
    const ofKind = (kind: string) => recording.objects.filter((object) => object.kind === kind);
    const objects = {
      services: ofKind('Service'),
      slices: ofKind('EndpointSlice'),
      node: 'n1',
      nodeAddresses: addresses,
    } as unknown as ObjectInputs;
    const { paths, warnings } = computeServicePaths(
      readings.map(({ text }) => text),
      { family: '4' },
      objects,
    );
    expect(warnings).toEqual([]);
    expect(paths.length).toBeGreaterThan(10);
    expect(paths.flatMap(({ problems }) => problems.filter(({ severity }) => severity === 'error'))).toEqual([]);
    const [one] = readNodeRules({ resources, store }, 'n1', { namespace: 'shop', name: 'reviews' }).readings;
    expect(computeServicePaths([one!.text], { namespace: 'shop', name: 'reviews' }).paths[0]?.service.name).toBe(
      'reviews',
    );
  });
});
