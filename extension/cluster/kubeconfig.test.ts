import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClusterFailure } from './cluster.ts';
import { findKubeconfigFiles, parseKubeconfig, readKubeconfig, resolveContext } from './kubeconfig.ts';

let home = '';
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'meshloom-kube-'));
});
afterAll(() => rmSync(home, { recursive: true }));

function write(name: string, text: string): string {
  const file = join(home, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

const entry = (cluster: string, server: string, user: string) => `
clusters: [{ name: ${cluster}, cluster: { server: '${server}' } }]
users: [{ name: ${user}, user: { token: token-of-${server.slice(8, 9)} } }]
contexts: [{ name: ${cluster}-context, context: { cluster: ${cluster}, user: ${user}, namespace: shop } }]
current-context: ${cluster}-context
`;

describe('which files', () => {
  it('the setting goes before $KUBECONFIG, and that before ~/.kube/config', () => {
    const environment = { KUBECONFIG: ['/a', '', '/b'].join(delimiter) };
    expect(findKubeconfigFiles('~/mine', environment, '/home/u')).toEqual({
      paths: ['/home/u/mine'],
      source: 'setting',
    });
    expect(findKubeconfigFiles(' ', environment, '/home/u')).toEqual({ paths: ['/a', '/b'], source: 'KUBECONFIG' });
    expect(findKubeconfigFiles('', {}, '/home/u')).toEqual({ paths: ['/home/u/.kube/config'], source: 'default' });
  });
});

describe('several files', () => {
  it('are merged as kubectl does: missing ones are skipped, the first entry of a name wins whole, so does current-context', async () => {
    const a = write('merge/a', entry('one', 'https://a', 'jane'));
    const b = write('merge/b', entry('two', 'https://b', 'jane') + '\n');
    const config = await readKubeconfig({ paths: [join(home, 'merge/none'), a, b], source: 'KUBECONFIG' });
    expect(config.problems).toEqual([]);
    expect(config.currentContext).toBe('one-context');
    expect(config.contexts.map(({ name, namespace }) => [name, namespace])).toEqual([
      ['one-context', 'shop'],
      ['two-context', 'shop'],
    ]);
    const { user, cluster } = resolveContext(config, 'two-context');
    expect([cluster.server, user?.token]).toEqual(['https://b', 'token-of-a']);
  });

  it('keep their good contexts when one of them is broken', async () => {
    const good = write('half/good', entry('one', 'https://a', 'jane'));
    const broken = write('half/broken', 'clusters:\n- name: x\n  cluster: { server: https://x\ncontexts: ]\n');
    const config = await readKubeconfig({ paths: [broken, good], source: 'KUBECONFIG' });
    expect(config.contexts.map(({ name }) => name)).toEqual(['one-context']);
    expect(config.problems).toHaveLength(1);
    expect(config.problems[0]).toMatchObject({ file: broken, line: 4 });
    expect(config.problems[0]!.message).toContain(
      `The kubeconfig ${broken}, line 4 cannot be used: it is not valid YAML`,
    );
  });
});

describe('a kubeconfig that cannot be used', () => {
  it('is missing where the setting, the variable or nobody named it', async () => {
    const none = join(home, 'none');
    const [bySetting, byVariable, byDefault] = await Promise.all(
      (['setting', 'KUBECONFIG', 'default'] as const).map(
        async (source) => (await readKubeconfig({ paths: [none], source })).problems[0]!.message,
      ),
    );
    expect(bySetting).toContain(`${none}, which meshloom.cluster.kubeconfig names, does not exist`);
    expect(byVariable).toContain('None of the files in $KUBECONFIG exists');
    expect(byDefault).toContain(`There is no kubeconfig at ${none}`);
  });

  it('is a directory', async () => {
    const { problems } = await readKubeconfig({ paths: [home], source: 'setting' });
    expect(problems[0]!.message).toContain('it is a directory');
  });

  const cases: [string, string, number | undefined, RegExp][] = [
    ['empty', ' \n', undefined, /it is empty/],
    ['plain text', 'hello', 1, /plain text or list/],
    ['binary', '\u0000\u0001\ufffd\u0002', 1, /cannot be used/],
    ['another manifest', 'apiVersion: v1\nkind: Pod\n', 2, /holds a Pod, not a kubeconfig/],
    ['a mapping of other things', 'a: 1', 1, /neither clusters nor contexts/],
    ['a list that is none', 'contexts: []\nclusters: 3', 2, /clusters is not a list/],
    ['an entry without name', 'contexts:\n- context: {cluster: a}', 2, /contexts\[0\] has no name/],
    ['a cluster without server', 'clusters:\n- name: a\n', 2, /cluster “a” has no server/],
    [
      'a server that is no URL',
      'clusters:\n- name: a\n  cluster: {server: "10.0.0.1:6443"}',
      2,
      /“10\.0\.0\.1:6443” of cluster “a” is not an http/,
    ],
    ['a context without cluster', 'contexts:\n\n- name: c\n  context: {}\n', 3, /context “c” names no cluster/],
    ['an alias bomb', bomb(), undefined, /anchors cannot be followed/],
  ];
  it.each(cases)('is %s: file and line are named', (_title, text, line, message) => {
    const { problems } = parseKubeconfig(text, '/home/u/.kube/config');
    expect(problems[0]?.message).toMatch(message);
    expect(problems[0]?.line).toBe(line);
    expect(problems[0]?.message).toContain('/home/u/.kube/config');
  });

  it('names clusters and users that are not there', async () => {
    const file = write('dangling', 'contexts: [{name: c, context: {cluster: gone, user: nobody}}]');
    const config = await readKubeconfig({ paths: [file], source: 'setting' });
    expect(config.problems.map(({ message }) => message).join()).toMatch(
      /cluster “gone”, which is not defined.*user “nobody”, who is not defined/,
    );
    expect(() => resolveContext(config, 'c')).toThrow(ClusterFailure);
    expect(() => resolveContext(config, 'c')).toThrow(/Could not use context “c”: its cluster “gone” is not defined/);
    expect(() => resolveContext(config, 'd')).toThrow(/“d”/);
    // What is wrong with another entry is not why this one is missing.
    expect(() => resolveContext(config, 'was-here')).toThrow(/Could not use context “was-here”: it is not in /);
  });
});

it('relative paths count from the file that names them; a bare program name does not', () => {
  const { users, clusters } = parseKubeconfig(
    `
clusters: [{ name: c, cluster: { server: 'https://c/', certificate-authority: ca.crt } }]
users:
- name: certs
  user: { client-certificate: a/b.crt, client-key: /abs/b.key, tokenFile: ../token }
- name: bare
  user: { exec: { command: aws, args: [eks, 1], env: [{ name: A, value: b }], installHint: "brew install" } }
- name: local
  user: { exec: { command: ./bin/login } }
`,
    '/home/u/.kube/config',
  );
  expect(clusters[0]).toEqual({ name: 'c', server: 'https://c', skipTLSVerify: false, caFile: '/home/u/.kube/ca.crt' });
  expect(users[0]).toMatchObject({
    certFile: '/home/u/.kube/a/b.crt',
    keyFile: '/abs/b.key',
    tokenFile: '/home/u/token',
  });
  expect(users[1]?.exec).toEqual({
    command: 'aws',
    args: ['eks', '1'],
    env: [{ name: 'A', value: 'b' }],
    provideClusterInfo: false,
    installHint: 'brew install',
  });
  expect(users[2]?.exec?.command).toBe('/home/u/.kube/bin/login');
});

it('groups without the user whom they are of are refused, as by kubectl: who is left out would act with more rights', () => {
  const config = parseKubeconfig(
    `
clusters: [{ name: c, cluster: { server: 'https://c' } }]
users: [{ name: u, user: { token: t, as-groups: [readers] } }]
contexts: [{ name: x, context: { cluster: c, user: u } }]
`,
    '/k',
  );
  expect(() => resolveContext(config, 'x')).toThrow(/user “u” asks for groups.*without saying of whom/);
});

it('a JSON kubeconfig is read like any other', () => {
  const text = JSON.stringify({
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server: 'https://c' } }],
    contexts: [{ name: 'x', context: { cluster: 'c' } }],
  });
  const config = parseKubeconfig(text, '/k');
  expect(config.problems).toEqual([]);
  expect(resolveContext(config, 'x').cluster.server).toBe('https://c');
});

function bomb(): string {
  const levels = ['a: &a [x, x, x, x, x, x, x, x, x]'];
  for (let i = 1; i < 8; i++)
    levels.push(
      `${'abcdefgh'[i]}: &${'abcdefgh'[i]} [${Array(9)
        .fill(`*${'abcdefgh'[i - 1]}`)
        .join(', ')}]`,
    );
  return `${levels.join('\n')}\ncontexts: []\n`;
}
