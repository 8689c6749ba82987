import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PodRecord } from '../../contract/cni-plugin.ts';
import { fakeHost } from '../fake-host.ts';
import type { Host } from '../host.ts';
import { parseMissedNote } from './missed-notes.ts';
import { recordStore, removeHalfWritten } from './record-store.ts';
import { findRememberedPod } from './remembered-pods.ts';

const host: Host = {
  ...fakeHost({ files: {} }),
  list: (path) => readdirSync(path),
  read: (path) => readFileSync(path, 'utf8'),
};
let directory: string;
const said: string[] = [];
const open = () => recordStore(host, join(directory, 'pods'), (line) => said.push(line));
const record = (containerId: string, more: Partial<PodRecord> = {}): PodRecord => ({
  ...{ containerId, namespace: 'shop', name: 'a', uid: 'u', outcome: 'programmed', steps: [], problems: [] },
  ...{ at: '2026-01-01T00:00:00.000Z', ...more },
});

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'meshloom-records-'));
  said.length = 0;
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('records', () => {
  it('are there again after a restart, closed to others, and gone when dropped', () => {
    const store = open();
    store.put(record('c1'));
    store.put(record('c2'));
    store.put(record('c1', { outcome: 'repaired' }));
    store.drop('c2');
    expect(open().list()).toEqual([record('c1', { outcome: 'repaired' })]);
    expect(statSync(join(directory, 'pods/c1.json')).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(directory, 'pods'))).toEqual(['c1.json']);
  });

  it('that somebody spoilt are passed over', () => {
    open().put(record('good'));
    for (const [name, text] of Object.entries({
      'a.json': '{',
      'b.json': 'null',
      'c.json': '{"containerId":"x"}',
      'd.json': '[]',
      'e.txt': '',
    }))
      writeFileSync(join(directory, 'pods', name), text);
    mkdirSync(join(directory, 'pods/f.json'));
    writeFileSync(join(directory, 'pods/other.json'), JSON.stringify(record('good')));
    expect(
      open()
        .list()
        .map(({ containerId }) => containerId),
    ).toEqual(['good']);
  });

  it('never leave their directory', () => {
    const store = open();
    store.put(record('../escaped'));
    store.drop('../pods');
    expect(store.list()).toEqual([]);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('are kept in memory when the disk refuses, which is said once', () => {
    writeFileSync(join(directory, 'pods'), 'a file');
    const store = open();
    store.put(record('c1'));
    store.put(record('c2'));
    expect(store.get('c2')).toBeDefined();
    expect(said).toHaveLength(1);
  });

  it('are bounded, and so is what stands in one', () => {
    const store = open();
    for (let at = 0; at < 2_010; at++) store.put(record(`c${at}`));
    expect(store.list()).toHaveLength(2_000);
    expect(store.get('c0')).toBeUndefined();
    store.put(record('long', { problems: Array.from({ length: 100 }, String) }));
    expect(store.get('long')!.problems).toHaveLength(20);
  });

  it('half written ones go', () => {
    mkdirSync(join(directory, 'x'));
    writeFileSync(join(directory, 'x/c.json.12.tmp'), '{');
    writeFileSync(join(directory, 'x/.12.c'), '');
    removeHalfWritten(join(directory, 'x'), 60_000);
    expect(readdirSync(join(directory, 'x'))).toHaveLength(2);
    removeHalfWritten(join(directory, 'x'));
    expect(readdirSync(join(directory, 'x'))).toEqual([]);
  });
});

describe('what is known of a pod that was missed', () => {
  it('stands in the plugin’s note', () => {
    const text =
      'CNI_NETNS=/run/netns/cni-1\nCNI_ARGS=IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=a;K8S_POD_UID=u\nERRNO=2\n';
    expect(parseMissedNote('c1', text)).toEqual({
      containerId: 'c1',
      ids: { namespace: 'shop', name: 'a', uid: 'u' },
      netns: '/run/netns/cni-1',
    });
    expect(parseMissedNote('c1', '\0garbage')).toMatchObject({ ids: { namespace: '', name: '', uid: '' }, netns: '' });
  });

  it('stands in libcni’s cache too, with its annotations', () => {
    const entry = {
      kind: 'cniCacheV1',
      cniArgs: [
        ['K8S_POD_NAMESPACE', 'shop'],
        ['K8S_POD_NAME', 'a'],
        ['K8S_POD_UID', 'u'],
      ],
      capabilityArgs: { 'io.kubernetes.cri.pod-annotations': { 'sidecar.istio.io/status': '{}', odd: 5 } },
    };
    writeFileSync(join(directory, 'pods-c1-eth0'), JSON.stringify(entry));
    writeFileSync(join(directory, 'pods-c2-eth0'), '{"capabilityArgs":null}');
    expect(findRememberedPod(host, directory, 'c1')).toEqual({
      ids: { namespace: 'shop', name: 'a', uid: 'u' },
      annotations: { 'sidecar.istio.io/status': '{}' },
    });
    expect(findRememberedPod(host, directory, 'c2')).toBeUndefined();
    expect(findRememberedPod(host, directory, '.*')).toBeUndefined();
    expect(findRememberedPod(host, '/nowhere', 'c1')).toBeUndefined();
  });
});
