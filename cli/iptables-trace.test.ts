import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { iptablesTrace } from './iptables-trace.ts';
import { run } from './run.ts';

const fixtures = join(import.meta.dirname, '..', 'mesh', 'interception', 'fixtures');
const rules = 'with-cni_shop_dns.v4.save';

const dropping =
  '*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -j ACCEPT\nCOMMIT\n*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp -j DROP\nCOMMIT\n';

async function call(...args: string[]) {
  return callWith('*nat\nCOMMIT\n', ...args);
}

async function callWith(stdin: string, ...args: string[]) {
  let out = '';
  let err = '';
  const terminal = {
    args: ['iptables', 'trace', ...args],
    cwd: fixtures,
    stdin: () => Promise.resolve(stdin),
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
    color: false,
  };
  return { code: await run([iptablesTrace], terminal, () => '0'), out, err };
}

describe('meshloom iptables trace', () => {
  it('prints the contract’s JSON', async () => {
    const { code, out, err } = await call(
      ...['--format', 'json', '--direction', 'out', '--dst', '10.0.0.9', '--dport', '80', '--uid', '1000', rules],
    );
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const json = JSON.parse(out) as { path: object[] };
    expect(Object.keys(json)).toEqual(['verdict', 'port', 'path', 'says']);
    expect(json).toMatchObject({ verdict: 'REDIRECT', port: 15001 });
    expect(json.path[1]).toEqual({ table: 'nat', rule: '-A OUTPUT -j ISTIO_OUTPUT' });
  });

  it('leaves the port out where nothing redirects, and reads standard input', async () => {
    const { out } = await call('--format=json', '--direction=in', '--dst=10.0.0.9', '--dport=80', '-');
    expect(Object.keys(JSON.parse(out) as object)).toEqual(['verdict', 'path', 'says']);
  });

  it('keeps the path to raw, mangle and nat, and shows a rule of filter that drops beside it', async () => {
    const { out } = await callWith(
      dropping,
      ...['--format', 'json', '--direction', 'in', '--dst', '10.7.0.2', '--dport', '80', '-'],
    );
    expect(JSON.parse(out)).toMatchObject({
      verdict: 'DROP',
      path: [{ table: 'nat', rule: '-A PREROUTING -p tcp -j ACCEPT' }],
      further: [{ table: 'filter', rule: '-A INPUT -p tcp -j DROP' }],
    });
  });

  it('prints verdict, sentence and path for people', async () => {
    const { out } = await call(
      '--direction',
      'in',
      '--dst',
      '10.7.0.2',
      '--dport',
      '80',
      '--local-ip',
      '10.7.0.2,fd00::2',
      rules,
    );
    expect(out).toContain('REDIRECT 15006\nRedirected to the proxy, inbound port 15006.\n');
    expect(out).toContain('  nat  -A PREROUTING -p tcp -j ISTIO_INBOUND\n');
  });

  it.each([
    [['--dst', '1.1.1.1', '--dport', '1'], '--direction is missing'],
    [['--direction', 'out', '--dst', 'host', '--dport', '1'], 'not "host"'],
    [['--direction', 'out', '--dst', '1.1.1.1', '--dport', '70000'], '65535'],
    [['--direction', 'in', '--dst', '1.1.1.1', '--dport', '1', '--uid', '0'], 'no owner'],
    [['--direction', 'out', '--dst', '1.1.1.1', '--src', '::1', '--dport', '1'], 'different families'],
    [['--direction', 'out', '--dst', '1.1.1.1', '--dport', '1', '--frob'], 'Unknown flag --frob'],
  ])('refuses %j', async (args, message) => {
    const { code, out, err } = await call(...args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(message);
  });
});
