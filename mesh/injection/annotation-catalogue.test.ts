import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { checkUncheckedValue } from './unchecked-values.ts';
import {
  catalogue,
  checkAnnotationValue,
  describeEntry,
  findCatalogueEntry,
  isIstioName,
  mayStandOn,
  nearestName,
} from './annotation-catalogue.ts';

const check = (name: string, value: string) =>
  checkAnnotationValue(findCatalogueEntry(name, 'annotation')!, value, parse);
/** The part of the value that is named wrong; `ok` if it is accepted. */
const wrong = (name: string, value: string) => {
  const problem = check(name, value);
  return problem ? (problem.at ? value.slice(problem.at.start, problem.at.end) : value) : 'ok';
};

describe('the catalogue', () => {
  it('knows every annotation and label of Istio, once', () => {
    expect(catalogue.filter((entry) => entry.carrier === 'annotation')).toHaveLength(68);
    expect(catalogue.filter((entry) => entry.carrier === 'label')).toHaveLength(27);
    expect(new Set(catalogue.map((entry) => `${entry.carrier} ${entry.name}`)).size).toBe(catalogue.length);
    expect(catalogue.filter((entry) => entry.format)).toHaveLength(19);
    expect(catalogue.filter((entry) => entry.carrier === 'annotation' && entry.deprecated)).toHaveLength(10);
  });

  it('explains the important ones, and the rule behind each one that changes interception', () => {
    expect(catalogue.filter((entry) => describeEntry(entry).meaning).length).toBeGreaterThanOrEqual(30);
    for (const entry of catalogue)
      if (entry.name.startsWith('traffic.sidecar.istio.io/'))
        expect(describeEntry(entry).rule, entry.name).toBeTruthy();
  });

  it('tells where an entry may stand', () => {
    expect(mayStandOn(findCatalogueEntry('sidecar.istio.io/inject')!, 'Pod')).toBe(true);
    expect(mayStandOn(findCatalogueEntry('sidecar.istio.io/inject')!, 'Deployment')).toBe(false);
    expect(mayStandOn(findCatalogueEntry('galley.istio.io/analyze-suppress')!, 'Deployment')).toBe(true);
    expect(findCatalogueEntry('istio.io/rev')?.carrier).toBe('annotation');
    expect(findCatalogueEntry('istio.io/rev', 'label')?.resources).toContain('Namespace');
    expect(isIstioName('sidecar.istio.io/x') && isIstioName('kubernetes.io/ingress.class')).toBe(true);
    expect(isIstioName('prometheus.io/scrape') || isIstioName('app.kubernetes.io/name')).toBe(false);
  });

  it.each([
    ['traffic.sidecar.istio.io/excludeOutboundPort', 'traffic.sidecar.istio.io/excludeOutboundPorts'],
    ['traffic.sidecar.istio.io/excludeoutboundports', 'traffic.sidecar.istio.io/excludeOutboundPorts'],
    ['traffic.sidecar.istio.io/exclude-outbound-ports', 'traffic.sidecar.istio.io/excludeOutboundPorts'],
    ['sidecar.istio.io/excludeOutboundPorts', 'traffic.sidecar.istio.io/excludeOutboundPorts'],
    ['traffic.sidecar.istio.oi/includeInboundPorts', 'traffic.sidecar.istio.io/includeInboundPorts'],
    ['traffic.sidecar.istio.io/inclueOutboundIPRanges', 'traffic.sidecar.istio.io/includeOutboundIPRanges'],
    ['sidecar.istio.io/injct', 'sidecar.istio.io/inject'],
    ['istio.io/inject', 'sidecar.istio.io/inject'],
    ['sidecar.istio.io/proxyCpu', 'sidecar.istio.io/proxyCPU'],
    ['sidecar.istio.io/ProxyMemoryLimits', 'sidecar.istio.io/proxyMemoryLimit'],
    ['proxy.istio.io/confg', 'proxy.istio.io/config'],
    ['sidecar.istio.io/intercpetionMode', 'sidecar.istio.io/interceptionMode'],
  ])('understands %s as %s', (written, meant) => {
    expect(nearestName(written)).toBe(meant);
  });

  it.each([
    'example.istio.io/owner',
    'sidecar.istio.io/capNetBindService',
    'traffic.sidecar.istio.io/x',
    'sidecar.istio.io/inject',
    'app.kubernetes.io/name',
  ])('guesses nothing for %s', (name) => {
    expect(nearestName(name)).toBeUndefined();
  });

  it('understands misspelt labels', () => {
    expect(nearestName('istio-injecton', 'label')).toBe('istio-injection');
    expect(nearestName('istio_injection', 'label')).toBe('istio-injection');
    expect(nearestName('istio.io/data-plane-mode', 'label')).toBe('istio.io/dataplane-mode');
    expect(nearestName('sidecar.istio.io/injected', 'label')).toBe('sidecar.istio.io/inject');
    for (const label of [
      'app',
      'istio',
      'version',
      'istio.io/owner',
      'install.operator.istio.io/owning-resource',
      'istio-locality',
    ])
      expect(nearestName(label, 'label'), label).toBeUndefined();
  });
});

describe('values', () => {
  it('reads port lists as the injector does, and points at the wrong item', () => {
    const name = 'traffic.sidecar.istio.io/excludeOutboundPorts';
    for (const value of ['', ' ', '80', '0', '65535', '80,443', ' 80 , 443 ', '00080'])
      expect(wrong(name, value), value).toBe('ok');
    expect(wrong(name, '3306,65536')).toBe('65536');
    expect(wrong(name, '3306, mysql ,80')).toBe('mysql');
    expect(wrong(name, '8000-9000')).toBe('8000-9000');
    expect(wrong(name, '80,')).toBe('');
    expect(wrong(name, '-1')).toBe('-1');
    expect(wrong(name, '*')).toBe('*');
    expect(wrong('traffic.sidecar.istio.io/includeInboundPorts', '*')).toBe('ok');
    expect(wrong('traffic.sidecar.istio.io/includeInboundPorts', '*,80')).toBe('*');
    expect(wrong('traffic.sidecar.istio.io/includeOutboundPorts', 'not checked')).toBe('ok');
  });

  it('reads CIDR lists as the injector does: no spaces, no bare address', () => {
    const name = 'traffic.sidecar.istio.io/includeOutboundIPRanges';
    for (const value of [
      '',
      '*',
      '10.0.0.0/8',
      '10.0.0.1/8',
      '10.0.0.0/8,172.16.0.0/12',
      'fd00::/8',
      '::/0',
      '::ffff:10.0.0.0/104',
      '2001:db8:1:2:3:4:5:6/128',
    ])
      expect(wrong(name, value), value).toBe('ok');
    expect(wrong(name, '10.0.0.0/8, 172.16.0.0/12')).toBe(' 172.16.0.0/12');
    expect(check(name, '10.0.0.0/8, 172.16.0.0/12')?.instead).toBe('172.16.0.0/12');
    expect(wrong(name, '10.0.0.0/8,10.1.2.3')).toBe('10.1.2.3');
    expect(check(name, '10.0.0.0/8,10.1.2.3')?.instead).toBe('10.1.2.3/32');
    expect(check(name, 'fd00::1')?.instead).toBe('fd00::1/128');
    for (const value of [
      '10.0.0.0/33',
      '10.0.0/8',
      '010.0.0.0/8',
      '256.0.0.0/8',
      'fd00::/129',
      'fd00:::/8',
      '1:2:3:4:5:6:7/64',
      '10.0.0.0/08',
      'example.com',
      'fe80::1%eth0/64',
      '*,10.0.0.0/8',
    ])
      expect(wrong(name, value), value).not.toBe('ok');
    expect(wrong('traffic.sidecar.istio.io/excludeOutboundIPRanges', '*')).toBe('*');
  });

  it('reads interfaces, bools, numbers, quantities, modes and ports', () => {
    expect(wrong('traffic.sidecar.istio.io/excludeInterfaces', 'eth0,net1')).toBe('ok');
    expect(wrong('traffic.sidecar.istio.io/excludeInterfaces', 'eth0,averyverylonginterface')).toBe(
      'averyverylonginterface',
    );
    for (const value of ['1', 't', 'T', 'TRUE', 'true', 'True', '0', 'f', 'F', 'FALSE', 'false', 'False'])
      expect(wrong('prometheus.istio.io/merge-metrics', value)).toBe('ok');
    for (const value of ['', 'yes', 'tRUE', 'on', ' true'])
      expect(check('prometheus.istio.io/merge-metrics', value), value).toBeDefined();
    expect(check('prometheus.istio.io/merge-metrics', 'yes')?.instead).toBe('true');
    const seconds = 'readiness.status.sidecar.istio.io/periodSeconds';
    expect([wrong(seconds, '0'), wrong(seconds, '4294967295')]).toEqual(['ok', 'ok']);
    for (const value of ['', '-1', '4294967296', '5s', '1.5', ' 5']) expect(check(seconds, value), value).toBeDefined();
    for (const value of ['100m', '0.5', '2', '128Mi', '1Gi', '1e3', '1E', '.5', '+1k'])
      expect(wrong('sidecar.istio.io/proxyCPU', value), value).toBe('ok');
    for (const value of ['', '100 m', '128MB', '1K', '128mi', 'half'])
      expect(check('sidecar.istio.io/proxyMemory', value), value).toBeDefined();
    for (const value of ['REDIRECT', 'TPROXY', 'NONE'])
      expect(wrong('sidecar.istio.io/interceptionMode', value)).toBe('ok');
    expect(check('sidecar.istio.io/interceptionMode', 'tproxy')?.instead).toBe('TPROXY');
    expect(wrong('status.sidecar.istio.io/port', '15020')).toBe('ok');
    expect(wrong('status.sidecar.istio.io/port', '70000')).toBe('70000');
  });

  it('only parses a proxy config', () => {
    for (const value of ['', 'concurrency: 2\n', '{"proxyMetadata":{"ISTIO_META_DNS_CAPTURE":"true"}}'])
      expect(wrong('proxy.istio.io/config', value)).toBe('ok');
    expect(check('proxy.istio.io/config', 'concurrency: [')).toBeDefined();
    expect(check('proxy.istio.io/config', 'concurrency=2')?.message).toContain('mapping');
  });

  it('leaves values alone that the injector does not check', () => {
    expect(wrong('sidecar.istio.io/inject', 'maybe')).toBe('ok');
    expect(wrong('sidecar.istio.io/logLevel', 'loud')).toBe('ok');
  });
});

describe('values that nobody checks', () => {
  it.each<[carrier: 'annotation' | 'label', name: string, value: string, instead: string | undefined | null]>([
    ['label', 'sidecar.istio.io/inject', 'true', null],
    ['label', 'sidecar.istio.io/inject', '', null],
    ['label', 'sidecar.istio.io/inject', 'True', 'true'],
    ['label', 'sidecar.istio.io/inject', '0', 'false'],
    ['label', 'sidecar.istio.io/inject', 'off', 'false'],
    ['label', 'sidecar.istio.io/inject', 'enabled', 'true'],
    ['label', 'sidecar.istio.io/inject', 'maybe', undefined],
    ['label', 'istio.io/dataplane-mode', 'AMBIENT', 'ambient'],
    ['label', 'istio.io/dataplane-mode', 'sidecar', undefined],
    ['label', 'sidecar.istio.io/logLevel', 'loud', null],
    ['annotation', 'sidecar.istio.io/logLevel', 'DEBUG', 'debug'],
    ['annotation', 'sidecar.istio.io/nativeSidecar', 'F', null],
    ['annotation', 'sidecar.istio.io/statsFlushInterval', '5', '5s'],
    ['annotation', 'sidecar.istio.io/userVolume', 'null', undefined],
    ['annotation', 'toString', 'x', null],
  ])('%s %s: %s', (carrier, name, value, instead) => {
    const problem = checkUncheckedValue(carrier, name, value);
    expect(problem ? problem.instead : null).toBe(instead);
  });
});
