import { expect, test } from 'vitest';
import { Workspace } from '../../workspace.ts';
import { subsetDefinedLater } from './subset-defined-later.ts';

const virtualService = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews, namespace: shop }
spec: { hosts: [reviews], http: [{ route: [{ destination: { host: reviews, subset: v1 } }] }] }
`;
const destinationRule = `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews, namespace: shop }
spec: { host: reviews, subsets: [{ name: v1, labels: { version: v1 } }] }
`;

test('the order of a file counts anew when documents change places, and that of other files does not', () => {
  const workspace = new Workspace({ rules: [subsetDefinedLater] });
  const told = (text: string) => {
    workspace.setFile('file:///a.yaml', text);
    return workspace.findings().map(({ range }) => range.start.line);
  };
  expect(told(`${virtualService}---\n${destinationRule}`)).toEqual([3]);
  expect(told(`${destinationRule}---\n${virtualService}`)).toEqual([]);
  expect(told(`# moved\n${virtualService}---\n${destinationRule}`)).toEqual([4]);
  expect(told(`${virtualService}---\n${destinationRule}`)).toEqual([3]);
  workspace.setFile('file:///b.yaml', destinationRule);
  expect(told(`${virtualService}---\n${destinationRule}`)).toEqual([]);
  workspace.removeFile('file:///b.yaml');
  expect(told(virtualService)).toEqual([]);
});
