import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decideInjection } from '../../../mesh/injection/decide-injection.ts';
import type { KubernetesObject, Pod } from '../../../mesh/kubernetes.ts';
import { describePod } from '../../../mesh/pods/describe-pod.ts';
import { slim } from './slim.ts';

const url = new URL('../../demo/recordings/with-cni/resources.json', import.meta.url);
const { items } = JSON.parse(readFileSync(url, 'utf8')) as { items: KubernetesObject[] };
const pods = items.filter(({ kind }) => kind === 'Pod') as Pod[];

describe('a slimmed object', () => {
  it('says the same about its pod as the whole one', () => {
    for (const pod of pods) {
      expect(describePod(slim(pod))).toEqual(describePod(pod));
      expect(decideInjection({ pod: slim(pod) })).toEqual(decideInjection({ pod }));
    }
  });

  it('is less than half of an injected pod, and leaves the given one as it is', () => {
    const pod = pods.find(({ metadata }) => metadata?.name?.startsWith('reviews'))!;
    const before = JSON.stringify(pod);
    expect(JSON.stringify(slim(pod)).length).toBeLessThan(before.length / 2);
    expect(JSON.stringify(pod)).toBe(before);
  });

  it('takes objects without spec, status or metadata', () => {
    expect(slim({})).toEqual({});
    expect(slim({ metadata: { name: 'x' } })).toEqual({ metadata: { name: 'x' } });
  });
});
