import { describe, expect, it } from 'vitest';
import type { TraceHints } from '../../../contract/interception-view.ts';
import { describeReading } from '../../../contract/reading-view.ts';
import { recordedRules } from '../../gallery/recorded-rules.ts';
import { parseReading } from '../index-rows.ts';
import { listPresets } from './presets.ts';
import { emptyTraceForm, readTraceForm } from './trace-form.ts';
import { traceReading } from './trace-reading.ts';

function answers(text: string, hints?: TraceHints): Record<string, string> {
  const reading = describeReading({ family: '4', backend: 'nft', text });
  const presets = listPresets(reading, parseReading(reading).ruleset, hints);
  return Object.fromEntries(
    presets.map(({ id, form }) => {
      const { verdict, port } = traceReading(reading, form)?.trace ?? {};
      return [id, port === undefined ? String(verdict) : `${verdict} ${port}`];
    }),
  );
}

describe('listPresets', () => {
  const plain = { 'app-service': 'REDIRECT 15001', 'app-itself': 'PASS', 'client-app': 'REDIRECT 15006' };

  it('asks what people ask, of a sidecar', () => {
    expect(answers(recordedRules.redirect.v4)).toEqual({
      ...plain,
      'kubelet-probe': 'PASS',
      prometheus: 'PASS',
      'proxy-app': 'PASS',
      dns: 'PASS',
      excluded: 'PASS',
    });
  });

  it('asks the DNS server that the rules name', () => {
    expect(answers(recordedRules.dns.v4)).toMatchObject({ dns: 'REDIRECT 15053' });
  });

  it('asks with the pod’s own addresses and ports where the host knows them', () => {
    const reading = describeReading({ family: '4', backend: 'nft', text: recordedRules.redirect.v4 });
    const hints = {
      podIps: ['fd00::9', '10.9.8.7'],
      nodeIps: ['10.9.8.1'],
      appPorts: [9080],
      service: { name: 'ratings', ip: '10.96.0.7', port: 9080 },
    };
    const presets = listPresets(reading, parseReading(reading).ruleset, hints);
    const form = (id: string) => presets.find((preset) => preset.id === id)?.form;
    expect(presets[0]?.label).toContain('ratings');
    expect(form('app-service')).toMatchObject({ dst: '10.96.0.7', dport: '9080', localIps: 'fd00::9, 10.9.8.7' });
    expect(form('kubelet-probe')).toMatchObject({ src: '10.9.8.1', dst: '10.9.8.7' });
    expect(form('app-itself')).toMatchObject({ dst: '10.9.8.7', dport: '9080' });
  });

  it('offers packets of the reading’s own IP version', () => {
    const reading = describeReading({ family: '6', backend: 'nft', text: recordedRules.redirect.v6 });
    for (const { form, id } of listPresets(reading, parseReading(reading).ruleset))
      expect(readTraceForm(form).packet?.dst, id).toContain(':');
  });
});

describe('readTraceForm', () => {
  it('says which field is wrong, and asks nothing then', () => {
    const { packet, problems = {} } = readTraceForm({ ...emptyTraceForm, dst: 'reviews', dport: '99999', mark: 'x' });
    expect(packet).toBeUndefined();
    expect(Object.keys(problems).sort()).toEqual(['dport', 'dst', 'mark']);
    expect(readTraceForm({ ...emptyTraceForm, dst: '10.0.0.1', src: '::1', dport: '1' }).problems).toHaveProperty(
      'src',
    );
  });

  it('leaves the sender’s ids out of what comes in', () => {
    const form = { ...emptyTraceForm, dst: '10.0.0.1', dport: '80', uid: '1337', mark: '0x539' };
    expect(readTraceForm(form).packet).toMatchObject({ uid: 1337, mark: 1337 });
    expect(readTraceForm({ ...form, direction: 'in' }).packet).not.toHaveProperty('uid');
  });
});

it('answers for 150 rules before a person notices', () => {
  const rules = Array.from({ length: 150 }, (_, at) => `-A ISTIO_OUTPUT -p tcp -m tcp --dport ${2000 + at} -j RETURN`);
  const text = `*nat\n:OUTPUT ACCEPT [0:0]\n:ISTIO_OUTPUT - [0:0]\n-A OUTPUT -j ISTIO_OUTPUT\n${rules.join('\n')}\nCOMMIT\n`;
  const took = Array.from({ length: 5 }, () => {
    const reading = describeReading({ family: '4', backend: 'nft', text });
    const start = performance.now();
    traceReading(reading, { ...emptyTraceForm, dst: '10.0.0.1', dport: '2149' });
    return performance.now() - start;
  });
  console.log(`a trace through 150 rules, parsed first: ${took.map((ms) => ms.toFixed(1)).join(', ')} ms (budget 50)`);
  expect(Math.min(...took)).toBeLessThan(50);
});
