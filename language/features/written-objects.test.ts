import { describe, expect, it } from 'vitest';
import { Workspace } from '../workspace.ts';
import { findObjectAt, listObjects } from './written-objects.ts';

const text = `apiVersion: v1
kind: Service
metadata: { name: reviews, namespace: shop }
spec:
  ports: [{ port: 80 }]
---
# of Helm
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: default
spec:
  mtls: { mode: STRICT }

---
kind: ConfigMap
`;

function workspace(): Workspace {
  const made = new Workspace({ defaultNamespace: 'home' });
  made.setFile('file:///a.yaml', text);
  return made;
}

describe('what the files define', () => {
  it('is listed by kind, each object with the namespace it goes to', () => {
    const objects = listObjects(workspace().definedResources(), ['PeerAuthentication', 'ConfigMap']);
    expect(objects).toMatchObject([
      {
        kind: 'PeerAuthentication',
        metadata: { name: 'default', namespace: 'home' },
        spec: { mtls: { mode: 'STRICT' } },
      },
    ]);
  });

  it('leaves out what a kustomization lays over something else', () => {
    const made = workspace();
    made.setFile(
      'file:///kustomization.yaml',
      'kind: Kustomization\napiVersion: kustomize.config.k8s.io/v1beta1\npatches: [{ path: a.yaml }]\n',
    );
    expect(listObjects(made.definedResources(), ['Service'])).toEqual([]);
  });
});

describe('the object on a line', () => {
  const at = (line: number) => findObjectAt(workspace().findFile('file:///a.yaml'), line)?.name;

  it.each([
    [0, 'reviews'],
    [4, 'reviews'],
    [6, 'default'],
    [12, 'default'],
    [13, 'default'],
    [15, undefined],
    [99, undefined],
  ])('%i: %s', (line, name) => expect(at(line)).toBe(name));

  it('is none in a file that nobody read', () => expect(findObjectAt(undefined, 0)).toBeUndefined());
});
