import { expect, test } from 'vitest';
import {
  interceptCapabilities,
  interceptRights,
  observeCapabilities,
  observeMounts,
  observeRights,
} from './node-helper-rights.ts';

const named = (kind: string) =>
  observeRights()
    .filter((right) => right.kind === kind)
    .map(({ name }) => name);

test('every capability and every mount that is asked for is explained, and nothing else', () => {
  expect(named('capability')).toEqual([...observeCapabilities]);
  expect(named('mount')).toEqual([...observeMounts]);
  for (const { why } of observeRights()) expect(why.length).toBeGreaterThan(20);
});

test('intercept mode asks to delete pods only where the setting says so, and explains every right', () => {
  const needs = { confDirs: ['/etc/cni/net.d'], binDirs: ['/opt/cni/bin'] };
  const api = (onMiss: 'repair' | 'delete') =>
    interceptRights({ ...needs, onMiss }).flatMap(({ kind, name }) => (kind === 'api' ? [name] : []));
  expect(api('repair')).toEqual(['pods: get, list, watch']);
  expect(api('delete')).toEqual(['pods: get, list, watch, delete']);
  const rights = interceptRights({ ...needs, onMiss: 'repair' });
  expect(rights.filter(({ kind }) => kind === 'capability').map(({ name }) => name)).toEqual([
    ...interceptCapabilities,
  ]);
  for (const { why } of rights) expect(why.length).toBeGreaterThan(20);
});
