import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { iptablesDrift } from './iptables-drift.ts';
import { iptablesExpected } from './iptables-expected.ts';
import { run } from './run.ts';

const recordings = join(import.meta.dirname, '..', 'extension', 'demo', 'recordings');

async function call(args: string[], stdin?: string) {
  let out = '';
  let err = '';
  const code = await run(
    [iptablesExpected, iptablesDrift],
    {
      args: ['iptables', ...args],
      cwd: recordings,
      stdin: () => (stdin === undefined ? Promise.reject(new Error('not to be read')) : Promise.resolve(stdin)),
      out: (text) => void (out += text),
      err: (text) => void (err += text),
      color: false,
    },
    () => '0',
  );
  return { code, out, err };
}

const folder = join(import.meta.dirname, '..', 'out', `expected-${process.pid}`);
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const recorded = (state: string, name: string) =>
  readFileSync(join(recordings, state, 'rules', name), 'utf8')
    .replace(/^\[\d+:\d+\] /gm, '')
    .replace(/^(:.*) \[.*\]$/gm, '$1 [0:0]');

const reviews = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: reviews, namespace: shop }
spec:
  template:
    metadata:
      annotations:
        traffic.sidecar.istio.io/excludeOutboundPorts: "3306"
        traffic.sidecar.istio.io/excludeOutboundIPRanges: 169.254.169.254/32
    spec:
      containers: [{ name: app, image: app }]
`;
const injecting = ['--namespace-labels', 'istio-injection=enabled'];
const initRules = recorded('before-cni', 'shop_reviews-57b9fb8fff-7pnkh.v4.save');
const cniRules = recorded('with-cni', 'shop_reviews-6cb6f49678-9fmxc.v4.save');

describe('meshloom iptables expected', () => {
  it.each([
    ['before-cni', 'shop/reviews', 'shop_reviews-57b9fb8fff-7pnkh'],
    ['with-cni', 'shop/dns', 'shop_dns-5f566c5fb6-42wwk'],
    ['with-cni', 'reviews-6cb6f49678-9fmxc', 'shop_reviews-6cb6f49678-9fmxc'],
  ])('finds in the list of %s what %s needs', async (state, pod, file) => {
    for (const family of ['4', '6'])
      expect(await call(['expected', '--pod', pod, '--family', family, `${state}/resources.json`])).toEqual({
        code: 0,
        err: '',
        out: recorded(state, `${file}.v${family}.save`),
      });
  });

  it('takes a manifest alone, in either mode', async () => {
    expect(await call(['expected', ...injecting], reviews)).toEqual({ code: 0, err: '', out: initRules });
    expect(await call(['expected', ...injecting, '--mode', 'cni', '-'], reviews)).toEqual({
      code: 0,
      err: '',
      out: cniRules,
    });
  });

  it('takes a namespace that is not in the input for one that injects, and says so', async () => {
    const { code, out, err } = await call(['expected'], reviews);
    expect({ code, out }).toEqual({ code: 0, out: initRules });
    expect(err).toBe('assumed: Namespace shop is not in the input: taken for one labelled istio-injection=enabled.\n');
  });

  it('prints each rule with its cause as JSON', async () => {
    const { out } = await call(['expected', ...injecting, '--format', 'json'], reviews);
    const { mode, rules } = JSON.parse(out) as { mode: string; rules: Record<string, string>[] };
    expect(mode).toBe('sidecar-redirect');
    expect(rules.map(({ rule }) => rule)).toEqual(initRules.match(/^-A .*$/gm));
    expect(rules).toContainEqual({
      table: 'nat',
      chain: 'ISTIO_OUTPUT',
      rule: '-A ISTIO_OUTPUT -p udp -m udp --dport 3306 -j RETURN',
      cause: 'annotation traffic.sidecar.istio.io/excludeOutboundPorts',
    });
    expect(rules).toContainEqual(expect.objectContaining({ rule: '-A OUTPUT -j ISTIO_OUTPUT', cause: 'default' }));
  });

  it.each([
    ['shop/hostnet', /uses the host's network/],
    ['shop/batch', /sidecar\.istio\.io\/inject=false/],
    ['shop/legacy', /annotation sidecar\.istio\.io\/inject is "false"/],
    ['plain/worker', /Namespace plain has neither/],
    ['locked/api', /Pod Security "baseline"/],
    ['istio-system/istiod', /sidecar\.istio\.io\/inject=false|neither/],
  ])('prints nothing for %s and says why', async (pod, why) => {
    const { code, out, err } = await call(['expected', '--pod', pod, 'before-cni/resources.json']);
    expect({ code, out }).toEqual({ code: 0, out: '' });
    expect(err).toMatch(why);
  });

  it('says of a live pod without sidecar that it has none, whatever its namespace says today', async () => {
    const { out, err } = await call(
      ['expected', ...injecting],
      'kind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: b}]}\nstatus: {phase: Running}\n',
    );
    expect(out).toBe('');
    expect(err).toContain('created without a sidecar');
  });

  it('honours mesh configuration: NONE, DNS capture and ports', async () => {
    const mesh = (name: string, text: string) => {
      mkdirSync(folder, { recursive: true });
      const file = join(folder, name);
      writeFileSync(file, text);
      return ['--mesh-config', file];
    };
    const none = await call(
      ['expected', ...injecting, ...mesh('none.yaml', 'defaultConfig: {interceptionMode: NONE}\n')],
      reviews,
    );
    expect(none.out).toBe('');
    expect(none.err).toContain('NONE');
    const { out } = await call(
      [
        'expected',
        ...injecting,
        ...mesh(
          'dns.yaml',
          'kind: ConfigMap\ndata:\n  mesh: |\n    proxyListenPort: 16001\n    defaultConfig: {proxyMetadata: {ISTIO_META_DNS_CAPTURE: "true"}}\n',
        ),
      ],
      reviews,
    );
    expect(out).toContain('-j REDIRECT --to-ports 16001');
    expect(out).toContain('-A ISTIO_OUTPUT_DNS -d 10.96.0.10/32 -p udp -m udp --dport 53 -j REDIRECT --to-ports 15053');
  });

  it('refuses what it cannot use: several pods, an unknown one, broken YAML, wrong flags', async () => {
    expect((await call(['expected', 'before-cni/resources.json'])).err).toContain('Which pod?');
    expect((await call(['expected', '--pod', 'shop/review', 'before-cni/resources.json'])).code).toBe(2);
    expect((await call(['expected'], 'a: [')).code).toBe(2);
    expect((await call(['expected'], 'kind: Service\n')).err).toContain('no pod');
    expect((await call(['expected', '--mode', 'ambient'], reviews)).code).toBe(2);
    expect((await call(['expected', '--family', '5'], reviews)).code).toBe(2);
    expect((await call(['expected', 'nowhere.yaml'])).err).toContain('no such file');
  });
});

describe('meshloom iptables drift', () => {
  const pod = ['--pod', 'before-cni/resources.json', '--name', 'shop/reviews'];

  it('exits with 0 for the same, 1 for drift, 2 for what it cannot tell', async () => {
    const same = await call(['drift', ...pod, '--format', 'json'], initRules);
    expect(same).toEqual({
      code: 0,
      err: '',
      out: `${JSON.stringify({ status: 'same', differences: [] }, null, 2)}\n`,
    });
    const other = await call(['drift', ...pod, '--format', 'json', '-'], initRules.replaceAll('3306', '3307'));
    expect(other.code).toBe(1);
    expect(JSON.parse(other.out)).toMatchObject({ status: 'drift', differences: [{ kind: 'changed' }] });
    expect((await call(['drift', ...pod], 'no rules at all\n')).code).toBe(2);
  });

  it('believes the name servers of the rules', async () => {
    const dns = recorded('before-cni', 'shop_dns-fffbf57bf-vzs2j.v4.save').replaceAll('10.96.0.10', '172.20.0.10');
    expect((await call(['drift', '--pod', 'before-cni/resources.json', '--name', 'shop/dns'], dns)).code).toBe(0);
  });

  it('tells in words what goes where', async () => {
    const { out } = await call(['drift', ...pod], initRules.replaceAll('3306', '3307'));
    expect(out).toContain(
      '  - -A ISTIO_OUTPUT -p tcp -m tcp --dport 3306 -j RETURN\n  + -A ISTIO_OUTPUT -p tcp -m tcp --dport 3307 -j RETURN',
    );
    expect(out).toContain(
      'TCP that the pod sends to port 3306 is redirected to port 15001. Expected: it is left alone.',
    );
    const none = await call(['drift', ...pod], '');
    expect(none.code).toBe(1);
    expect(none.out.match(/No rule of Istio is there/g)).toHaveLength(1);
  });

  it('wants a pod, and only one standard input', async () => {
    expect((await call(['drift'], initRules)).err).toContain('--pod');
    expect((await call(['drift', '--pod', '-'], initRules)).code).toBe(2);
  });
});
