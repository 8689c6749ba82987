import { describe, expect, it } from 'vitest';
import { isExplorerNode, makeExplorerNode, readExplorerNode } from './explorer-node.ts';

const pod = { kind: 'Pod', namespace: 'shop', name: 'web-1' };

describe('nodes of the Kubernetes extension', () => {
  it('are read as its API resolves them', () => {
    const resolved = {
      nodeType: 'resource',
      namespace: 'shop',
      resourceKind: { manifestKind: 'Pod', abbreviation: 'pod' },
      name: 'web-1',
    };
    expect(readExplorerNode({}, resolved)).toEqual(pod);
    expect(readExplorerNode({}, { ...resolved, namespace: null })).toEqual({ ...pod, namespace: '' });
    const statefulSet = { ...resolved, resourceKind: { manifestKind: 'Statefulset', abbreviation: 'statefulset' } };
    expect(readExplorerNode({}, statefulSet)).toMatchObject({ kind: 'StatefulSet' });
  });

  it('are read without its API, too, and the namespace of the object itself counts', () => {
    const node = {
      nodeCategory: 'kubernetes-explorer-node',
      nodeType: 'resource',
      kind: { manifestKind: 'Pod', abbreviation: 'pod' },
      kindName: 'pod/web-1',
      name: 'web-1',
      namespace: null,
      metadata: { name: 'web-1', namespace: 'shop' },
    };
    expect(isExplorerNode(node)).toBe(true);
    expect(readExplorerNode(node, undefined)).toEqual(pod);
    expect(readExplorerNode(makeExplorerNode(pod), undefined)).toEqual(pod);
  });

  it('that are no objects, or make no sense, are none', () => {
    for (const node of [
      undefined,
      null,
      5,
      'x',
      [],
      {},
      { nodeType: 'context', name: 'kind' },
      { nodeType: 'resource' },
    ])
      expect(readExplorerNode(node, undefined)).toBeUndefined();
    expect(readExplorerNode({ nodeType: 'error' }, { nodeType: 'folder.resource', resourceKind: {} })).toBeUndefined();
  });

  it('are told from ours, from documents and from nothing', () => {
    for (const target of [
      undefined,
      pod,
      { flags: ['pod'], nodeType: 'resource' },
      { scheme: 'file', path: '/x' },
      'x',
    ])
      expect(isExplorerNode(target)).toBe(false);
    expect(isExplorerNode(makeExplorerNode(pod))).toBe(true);
  });
});
