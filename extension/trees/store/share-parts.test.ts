import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSameButVersion, sharePartsOf, Siblings } from './share-parts.ts';

const pod = (name: string, version: string, ready = true) => ({
  kind: 'Pod',
  metadata: {
    name,
    resourceVersion: version,
    labels: { app: 'web' },
    ownerReferences: [{ kind: 'ReplicaSet', name: 'web', uid: 'u' }],
  },
  spec: { containers: [{ name: 'app', args: ['serve', '--with-a-long-flag'] }] },
  status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
});

describe('what comes again', () => {
  it('is the held object when nothing differs, and shares what does not when something does', () => {
    const held = pod('a', '1');
    expect(sharePartsOf(held, pod('a', '1'))).toBe(held);
    const came = sharePartsOf(held, pod('a', '2', false));
    expect(came).toEqual(pod('a', '2', false));
    expect(came.spec).toBe(held.spec);
    expect(came.metadata.labels).toBe(held.metadata.labels);
    expect(came.status).not.toBe(held.status);
    expect(held).toEqual(pod('a', '1'));
  });

  it('says nothing new when only its version differs', () => {
    const held = pod('a', '1');
    expect(isSameButVersion(held, sharePartsOf(held, pod('a', '2')))).toBe(true);
    expect(isSameButVersion(held, sharePartsOf(held, pod('a', '2', false)))).toBe(false);
    const { status: _, ...without } = pod('a', '2');
    expect(isSameButVersion(held, sharePartsOf(held, without))).toBe(false);
  });

  it('takes nothing for the same that is only inherited', () => {
    const odd = JSON.parse('{"__proto__":{}}') as object;
    expect(sharePartsOf({ a: 1 }, odd)).toBe(odd);
    expect(sharePartsOf({ a: {} }, { toString: 1 })).toEqual({ toString: 1 });
  });

  it('shares a template with its siblings', () => {
    const siblings = new Siblings();
    const [a, b] = [siblings.share(pod('a', '1')), siblings.share(pod('b', '2'))];
    expect(b.spec).toBe(a.spec);
    expect(b).toEqual(pod('b', '2'));
  });

  it('keeps its value, and leaves the held one as it is, whatever the two are', () => {
    const objects = fc.json({ maxDepth: 4 });
    fc.assert(
      fc.property(objects, objects, (first, second) => {
        const held: unknown = JSON.parse(first);
        expect(sharePartsOf(held, JSON.parse(second) as unknown)).toEqual(JSON.parse(second));
        expect(sharePartsOf(held, JSON.parse(first) as unknown)).toBe(
          typeof held === 'object' && held !== null ? held : JSON.parse(first),
        );
        expect(JSON.stringify(held)).toBe(JSON.stringify(JSON.parse(first)));
      }),
    );
  });
});
