/**
 * Istio's interception with a real Envoy behind it: rules as we expect them in a pod's network namespace, Envoy as user 1337
 * with the two listeners that istiod gives it, an application, clients. Envoy's own access log tells which connections it
 * had; the packet trace has to have said so.
 */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultSettings, type InterceptionSettings } from '../../mesh/interception/interception-settings.ts';
import { printRules } from '../../mesh/interception/print-rules.ts';
import { programRules } from '../../mesh/interception/program-rules.ts';
import { addresses, ConnectionLab, type Connection } from '../netns/connection-lab.ts';
import { reasonToSkip } from '../netns/packet-lab.ts';
import { bootstrap, listening, passthrough } from './intercepting-proxy.ts';
import { obtainEnvoy } from './obtain-envoy.ts';
import { RunningEnvoy, until } from './run-envoy.ts';

const program = await obtainEnvoy();
const why = reasonToSkip() ?? ('missing' in program ? program.missing : undefined);
if (why !== undefined) console.warn(`a real Envoy in a network namespace is skipped: ${why}`);

const families = ['4', '6'] as const;
const changed: Record<string, Partial<InterceptionSettings>> = {
  REDIRECT: { excludeInboundPorts: ['15090', '15021', '15020', '9090'], excludeOutboundPorts: ['3306'] },
  TPROXY: { mode: 'TPROXY', excludeInboundPorts: ['15090', '15021', '15020', '9090'], excludeOutboundPorts: ['3306'] },
};

/** One line of the access log. */
interface Logged {
  listener: 'outbound' | 'inbound';
  /** Where the connection was going before the rules changed that. */
  original: string;
  /** What Envoy connected from, on its way on. */
  from: string;
  client: string;
}

describe.skipIf(why !== undefined)('a real Envoy behind our rules', { timeout: 40_000 }, () => {
  const envoy = new RunningEnvoy();
  const log = join(envoy.directory, 'access.log');
  let pod = '';
  const lab = new ConnectionLab('meshloom-envoy', (netns) => {
    pod = netns;
    return Promise.resolve();
  });
  beforeAll(async () => {
    chmodSync(envoy.directory, 0o755);
    await lab.open();
  });
  afterAll(async () => {
    await envoy.stop();
    lab.close();
  });

  const start = async (mode: 'REDIRECT' | 'TPROXY') => {
    await envoy.end();
    writeFileSync(log, '');
    chmodSync(log, 0o666);
    const capabilities = ['--inh-caps', '-all,+net_admin', '--ambient-caps', '-all,+net_admin'];
    // With TPROXY the injector lets the proxy run as root, of the proxy's group: as 1337 its calls to the application would
    // come back to it for ever, because the rules for REDIRECT take them again.
    const uid = mode === 'TPROXY' ? 0 : 1337;
    const user = ['setpriv', `--reuid=${uid}`, '--regid=1337', '--clear-groups', ...capabilities];
    envoy.start((program as { path: string }).path, bootstrap(mode, log), ['ip', 'netns', 'exec', pod, ...user]);
    await until(
      () => Promise.resolve(listening(pod)),
      (ports) => [15_001, 15_006].every((port) => ports.filter((one) => one === port).length >= 2),
    ).catch((error: unknown) => {
      throw new Error(`Envoy does not listen: ${envoy.log}`, { cause: error });
    });
  };

  const logged = (): Logged[] =>
    readFileSync(log, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Logged);

  it.each(['REDIRECT', 'TPROXY'] as const)('%s: it has the connections that the trace gives it', async (mode) => {
    await start(mode);
    const settings = { ...defaultSettings, ipv6: true, ...changed[mode] };
    for (const family of families) {
      const tool = family === '4' ? 'iptables-nft' : 'ip6tables-nft';
      lab.program({ [tool]: printRules(programRules(settings, {}, family).ruleset) });
      const ruleset = lab.read([tool]);
      writeFileSync(log, '');
      const expected: string[] = [];
      for (const [name, connection] of connections(family)) {
        const predicted = lab.predict(ruleset, connection);
        const port = connection.dst.includes(':')
          ? `[${connection.dst}]:${connection.dport}`
          : `${connection.dst}:${connection.dport}`;
        if (predicted.port === 15_001) expected.push(`outbound ${port}`);
        if (predicted.port === 15_006) expected.push(`inbound ${port}`);
        // Envoy calls the pod itself for the application: its own call comes in again.
        if (name === 'its own service') expected.push(`inbound ${passthrough[family].own}`);
        const landing = await lab.connect(connection);
        const isPod = connection.by === 'node' || connection.dst === addresses[family].loopback || /own/.test(name);
        const end = name.startsWith('nobody') ? undefined : isPod ? 'pod' : 'node';
        expect({ name, where: landing.where.slice(0, 4) }).toEqual({ name, where: end ?? 'nobo' });
      }
      const seen = await until(
        () => Promise.resolve(logged()),
        (lines) => lines.length >= expected.length,
        3000,
      );
      expect(seen.map(({ listener, original }) => `${listener} ${original}`).sort(), envoy.log).toEqual(
        expected.sort(),
      );
      // What it hands to the application comes from Istio's own address, or, with TPROXY, from the client's.
      const { client, pod: own } = addresses[family];
      const direct = seen.find(
        (one) =>
          one.listener === 'inbound' &&
          one.original === `${bracketed(own)}:8080` &&
          one.client.startsWith(bracketed(client)),
      );
      expect(direct?.from).toMatch(mode === 'TPROXY' ? startOf(client) : startOf(addresses[family].inbound));
    }
  });
});

function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

function startOf(address: string): RegExp {
  return new RegExp(`^${bracketed(address).replaceAll(/[[\].]/g, '\\$&')}:`);
}

/** Each to another destination, so that the log tells them apart. */
function connections(family: '4' | '6'): [string, Connection][] {
  const { pod, server, loopback } = addresses[family];
  const tcp = { protocol: 'tcp' } as const;
  return [
    ['out', { ...tcp, by: 'app', dst: server, dport: 80 }],
    ['out on an excluded port', { ...tcp, by: 'app', dst: server, dport: 3306 }],
    ['out by the proxy’s user', { ...tcp, by: 'proxy', dst: server, dport: 443 }],
    ['in', { ...tcp, by: 'node', dst: pod, dport: 8080 }],
    ['in on an excluded port', { ...tcp, by: 'node', dst: pod, dport: 9090 }],
    ['to its own address', { ...tcp, by: 'app', dst: pod, dport: 443 }],
    ['to its own loopback', { ...tcp, by: 'app', dst: loopback, dport: 8080 }],
    ['its own service', { ...tcp, by: 'app', dst: passthrough[family].service, dport: 8080 }],
    ['nobody: the port of the proxy, from outside', { ...tcp, by: 'node', dst: pod, dport: 15_006 }],
    ['nobody: the port of the proxy, elsewhere', { ...tcp, by: 'app', dst: server, dport: 15_001 }],
  ];
}
