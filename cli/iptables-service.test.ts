import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { iptablesService } from './iptables-service.ts';
import { run } from './run.ts';

const fixtures = join(import.meta.dirname, '..', 'mesh', 'service-path', 'fixtures');

async function call(args: string[], stdin = '') {
  let out = '';
  let err = '';
  const code = await run(
    [iptablesService],
    {
      args: ['iptables', 'service', ...args],
      cwd: fixtures,
      stdin: () => Promise.resolve(stdin),
      out: (text) => void (out += text),
      err: (text) => void (err += text),
      color: false,
    },
    () => '0',
  );
  return { code, out, err };
}

const rules = 'kube-proxy-1.34.nftables.txt';

describe('meshloom iptables service', () => {
  it('prints shares that add up, as JSON', async () => {
    const { code, out, err } = await call(['--format', 'json', '--service', 'default/many', '--family', '4', rules]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const json = JSON.parse(out) as { services: { mode: string; endpoints: { percent: number }[] }[] };
    expect(json.services).toHaveLength(1);
    expect(json.services[0]).toMatchObject({
      mode: 'nftables',
      service: { namespace: 'default', name: 'many', port: 'dns', protocol: 'udp' },
    });
    expect(json.services[0]!.endpoints.map(({ percent }) => percent)).toEqual(Array(16).fill(6.25));
  });

  it('tells people who is sent where and who is masqueraded', async () => {
    const { code, out } = await call(['--service', 'default/plain:dns', '--family', '4', rules]);
    expect(code).toBe(0);
    expect(out).toContain('default/plain:dns UDP · IPv4 · nftables');
    expect(out).toContain('From a pod (10.244.0.0/16): Goes to one of 5 endpoints, to each with the same chance.');
    expect(out).toMatch(/cluster IP 10\.96\.\d+\.\d+:53/);
  });

  it('takes a port by number too', async () => {
    const { out } = await call(['--service', 'default/plain:80', '--family', '6', rules]);
    expect(out).toContain('default/plain:web TCP · IPv6');
    expect(out).not.toContain('UDP');
  });

  it('compares with manifests', async () => {
    const right = await call([
      '--services',
      'objects.yaml',
      '--node',
      'n1',
      '--service',
      'default/single',
      '--family',
      '4',
      rules,
    ]);
    expect(right.err).toContain('no such file');
    const slice = `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: single-x, namespace: default, labels: { kubernetes.io/service-name: single } }
addressType: IPv4
ports: [{ name: dns, port: 8053, protocol: UDP }]
endpoints: [{ addresses: [10.9.9.9], conditions: { ready: true } }]
`;
    const { code, out } = await call(
      ['--services', '-', '--node', 'n1', '--service', 'default/single', '--family', '4', rules],
      slice,
    );
    expect(code).toBe(1);
    expect(out).toContain(
      'error: Endpoints of default/single:dns that are ready but not in the rules of this node: 10.9.9.9:8053.',
    );
  });

  it('says what it could not find, with the near miss', async () => {
    const { code, out, err } = await call(['--service', 'default/stiky', rules]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain('Did you mean default/sticky?');
    expect((await call([], '*nat\nCOMMIT\n')).err).toContain('There are no rules of kube-proxy here');
  });

  it.each([
    [['--service', 'plain', rules], '--service takes NAMESPACE/NAME[:PORT], not "plain"'],
    [['--address', '10.0.0.1', rules], '--address needs --port too'],
    [['--address', 'web', '--port', '80', rules], '--address takes an IP address, not "web"'],
    [['--port', '0', rules], '--port takes a number from 1 to 65535'],
    [['--proto', 'tpc', rules], 'Did you mean tcp?'],
    [['--servce', 'a/b', rules], 'Did you mean --service?'],
  ])('refuses %j', async (args, said) => {
    const { code, err } = await call(args);
    expect(code).toBe(2);
    expect(err).toContain(said);
  });
});
