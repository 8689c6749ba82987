import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Pod } from '../../mesh/kubernetes.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { findRunningDebugContainer, offerDebugContainer } from './debug-container.ts';
import { whyNotStarting } from './debug-failure.ts';
import { parseSections, readingsOf } from './debug-output.ts';
import { commandsOf, newMark } from './debug-script.ts';

const pod: Pod = {
  metadata: { namespace: 'shop', name: 'reviews-1' },
  spec: {
    containers: [
      { name: 'app', image: 'example.org/app' },
      { name: 'istio-proxy', image: 'example.org/proxyv2:1.30' },
    ],
  },
};
const cluster = { context: { id: 'c', name: 'kind-mesh', kind: 'kubeconfig' } } as Cluster;
const place = { pod, container: 'meshloom-rules', image: 'example.org/proxyv2:1.30', started: 0 };

const work = mkdtempSync(join(tmpdir(), 'meshloom-script-'));
afterAll(() => rmSync(work, { recursive: true }));

/** Runs the script with these programs and no others. */
function runScript(programs: Record<string, string>): ReturnType<typeof parseSections> {
  const directory = mkdtempSync(join(work, 'bin-'));
  for (const [name, body] of Object.entries({ sleep: '', ...programs }))
    writeFileSync(join(directory, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  const mark = newMark();
  const [, ...args] = commandsOf('shell', mark);
  const { stdout } = spawnSync('/bin/sh', args, { encoding: 'utf8', env: { PATH: directory } });
  return parseSections(stdout, mark);
}

describe.skipIf(process.platform !== 'linux')('the script', () => {
  test('prints both families and what nft and ip tell, and never asks a legacy program where no legacy table is', () => {
    const sections = runScript({
      'iptables-nft-save': 'echo "*nat"; echo ":PREROUTING ACCEPT [1:60]"; echo COMMIT',
      'ip6tables-nft-save': 'printf "# no end of line"',
      'iptables-legacy-save': `touch ${join(work, 'asked')}`,
      nft: 'echo "table inet istio-proxy-nat {"; echo "}"',
      ip: 'echo "$*"',
    })!;
    const result = readingsOf(sections, place);
    expect(result.readings.map(({ family, backend, text }) => [family, backend, text])).toEqual([
      ['4', 'nft', '*nat\n:PREROUTING ACCEPT [1:60]\nCOMMIT\n'],
      ['6', 'nft', '# no end of line\n'],
      ['4', 'native-nft', 'table inet istio-proxy-nat {\n}\n'],
      ['6', 'native-nft', 'table inet istio-proxy-nat {\n}\n'],
    ]);
    expect(result.readings[0]!.command).toBe(
      'kubectl exec --namespace shop reviews-1 --container meshloom-rules -- iptables-nft-save -c',
    );
    expect(result.policyRules).toEqual(['rule show', 'inet6 -6 rule show']);
    expect(result.routes).toEqual(['route show table all']);
    expect(sections.some(({ id }) => id === '4-legacy')).toBe(false);
  });

  test('a plain iptables-save is asked which backend it is', () => {
    const plain = 'case "$1" in --version) echo "iptables-save v1.8.9 (nf_tables)";; *) echo COMMIT;; esac';
    const sections = runScript({ 'iptables-save': plain, 'ip6tables-save': plain })!;
    expect(sections.map(({ id }) => id)).toEqual(['4-nft', '6-nft']);
    expect(readingsOf(sections, place).notes.join(' ')).toContain('no usable nft');
  });

  test('what fails is told with its own words, and the rest is read', () => {
    const sections = runScript({
      'iptables-nft-save': 'echo "iptables: Operation not permitted" >&2; exit 4',
      'ip6tables-nft-save': 'echo COMMIT',
    })!;
    const { readings, notes } = readingsOf(sections, place);
    expect(readings.map(({ family }) => family)).toEqual(['6']);
    expect(notes.join(' ')).toContain('iptables: Operation not permitted');
  });

  test('an image without iptables is said to be one', () => {
    expect(() => readingsOf(runScript({})!, place)).toThrow(/printed no rules: image example\.org\/proxyv2:1\.30/);
  });
});

test('a comment in a rule is never taken for the end of a section', () => {
  const mark = newMark();
  const rule = '-A OUTPUT -m comment --comment "meshloom-0000000000000000 done" -j ACCEPT';
  const log = `\n${mark} begin 4-nft iptables-save -c\n${rule}\n\n${mark} end 4-nft 0\n`;
  expect(parseSections(log, mark)).toBeUndefined();
  expect(parseSections(`${log}\n${mark} done\n`, mark)?.[0]?.text).toContain(rule);
});

test('offers the proxy’s own image under a name that is free, and tells what cannot be undone', () => {
  const offer = offerDebugContainer(cluster, pod)!;
  expect(offer).toMatchObject({ container: 'meshloom-rules', image: 'example.org/proxyv2:1.30' });
  for (const word of ['reviews-1', 'shop', 'kind-mesh', 'cannot be undone']) expect(offer.detail).toContain(word);
  expect(offer.preview).toContain('# Nothing has been sent yet.');
  const used = { ...pod, spec: { ...pod.spec, ephemeralContainers: [{ name: 'meshloom-rules-b' }] } };
  expect(offerDebugContainer(cluster, used)?.container).toBe('meshloom-rules-2');
  expect(offerDebugContainer(cluster, { ...pod, spec: { containers: [{ name: 'app', image: 'a' }] } })).toBeUndefined();
});

test('a distroless proxy is kept waiting by its own agent', () => {
  const distroless = { ...pod, spec: { containers: [{ name: 'istio-proxy', image: 'proxyv2:1.30-distroless' }] } };
  expect(offerDebugContainer(cluster, distroless)?.preview).toContain('pilot-agent');
});

test('finds the debug container that still runs', () => {
  const statuses = [
    { name: 'meshloom-rules', state: { terminated: { exitCode: 0 } } },
    { name: 'meshloom-rules-2', state: { running: {} } },
    { name: 'debugger-x', state: { running: {} } },
  ];
  expect(findRunningDebugContainer({ ...pod, status: { ephemeralContainerStatuses: statuses } })).toBe(
    'meshloom-rules-2',
  );
  expect(findRunningDebugContainer(pod)).toBeUndefined();
});

test.each([
  ['waiting', { waiting: { reason: 'ContainerCreating' } }, false, undefined],
  ['a first failed pull may pass', { waiting: { reason: 'ErrImagePull', message: 'refused' } }, false, undefined],
  ['a pull that backs off', { waiting: { reason: 'ImagePullBackOff', message: 'no such host' } }, false, 'image'],
  ['a failed pull at the end', { waiting: { reason: 'ErrImagePull' } }, true, 'image'],
  ['a bad name', { waiting: { reason: 'InvalidImageName' } }, false, 'image'],
  [
    'runAsNonRoot',
    { waiting: { reason: 'CreateContainerConfigError', message: 'container has runAsNonRoot' } },
    false,
    'configuration',
  ],
  [
    'no shell',
    {
      terminated: {
        reason: 'StartError',
        exitCode: 128,
        message: 'exec: "sh": executable file not found in $PATH: unknown',
      },
    },
    false,
    'no-program',
  ],
  ['running', { running: {} }, false, undefined],
  ['nothing at all', undefined, true, 'timeout'],
])('why it does not start: %s', (_, state, final, kind) => {
  const trouble = whyNotStarting('meshloom-rules', 'i', state && { name: 'meshloom-rules', state }, final);
  expect(trouble?.kind).toBe(kind);
});
