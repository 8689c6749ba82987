import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { describeReading } from '../../contract/reading-view.ts';
import type { RulesReading } from '../../contract/node-helper.ts';
import type { ConfigMap, KubernetesObject, Pod } from '../../mesh/kubernetes.ts';
import { driftOf } from './drift-state.ts';

const recordings = join(import.meta.dirname, '..', 'demo', 'recordings');

function recorded(state: string, prefix: string) {
  const file = readFileSync(join(recordings, state, 'resources.json'), 'utf8');
  const { items } = JSON.parse(file) as { items: KubernetesObject[] };
  const pod = items.find(({ kind, metadata }) => kind === 'Pod' && metadata?.name?.startsWith(prefix)) as Pod;
  const configMaps = items.filter(({ kind }) => kind === 'ConfigMap') as ConfigMap[];
  const rules = (family: '4' | '6') =>
    readFileSync(join(recordings, state, 'rules', `shop_${pod.metadata!.name}.v${family}.save`), 'utf8');
  return { inputs: { pod, configMaps, parseYaml: (text: string) => parse(text) as unknown }, rules };
}

const read = (family: '4' | '6', text: string, backend: RulesReading['backend'] = 'nft') =>
  describeReading({ family, backend, text });

describe('driftOf', () => {
  it.each([
    ['before-cni', 'reviews'],
    ['before-cni', 'dns'],
    ['before-cni', 'ratings'],
    ['with-cni', 'productpage'],
    ['with-cni', 'details'],
    ['broken', 'ratings'],
  ])('finds none in what was recorded of %s %s', (state, prefix) => {
    const { inputs, rules } = recorded(state, prefix);
    const drift = driftOf(inputs, [read('4', rules('4')), read('6', rules('6'))]);
    expect(drift.comparisons.map(({ reading, status }) => [reading, status])).toEqual([
      ['4-nft', 'same'],
      ['6-nft', 'same'],
    ]);
    expect(drift.basis).toMatch(/istio-init|CNI plugin/);
  });

  it('names what was changed by hand, and whom it concerns', () => {
    const { inputs, rules } = recorded('with-cni', 'productpage');
    const text = rules('4').replace(/^(\[\d+:\d+\] )?-A ISTIO_INBOUND.* --dport 9080 .*\n/m, '');
    const [comparison] = driftOf(inputs, [read('4', text)]).comparisons;
    expect(comparison?.status).toBe('drift');
    expect(comparison?.differences).toEqual([expect.objectContaining({ kind: 'missing', table: 'nat' })]);
    expect(comparison?.expected).toContain('*nat');
  });

  it('takes what another kind of iptables holds for nobody’s of Istio', () => {
    const { inputs, rules } = recorded('with-cni', 'reviews');
    const foreign = '*nat\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -p tcp --dport 80 -j REDIRECT --to-ports 1\nCOMMIT\n';
    const drift = driftOf(inputs, [read('4', rules('4')), read('4', foreign, 'legacy'), read('6', '')]);
    expect(drift.comparisons.map(({ reading, status }) => [reading, status])).toEqual([
      ['4-nft', 'same'],
      ['4-legacy', 'drift'],
      ['6-nft', 'same'],
    ]);
  });

  it('expects nothing of a pod without a sidecar, and says why', () => {
    const { inputs } = recorded('with-cni', 'legacy');
    const drift = driftOf(inputs, [read('4', ''), read('6', '')]);
    expect(drift.basis).toContain('without a sidecar');
    expect(drift.comparisons.every(({ status }) => status === 'same')).toBe(true);
  });

  it('cannot tell for rules that were cut off', () => {
    const { inputs, rules } = recorded('with-cni', 'reviews');
    const whole = rules('4');
    const drift = driftOf(inputs, [read('4', whole.slice(0, whole.lastIndexOf('COMMIT')))]);
    expect(drift.comparisons[0]?.status).not.toBe('same');
  });

  it('compares what Istio wrote with nft itself by what it means', () => {
    const args = ['-p', '15001', '-z', '15006', '-u', '1337', '-i', '*', '-b', '*', '-d', '15090,15021,15020'];
    const init = { name: 'istio-init', args: [...args, '--native-nftables'] };
    const pod: Pod = {
      metadata: { name: 'web' },
      spec: { initContainers: [init], containers: [{ name: 'istio-proxy' }] },
    };
    const statusOf = (text: string) =>
      driftOf({ pod }, [read('4', ''), read('4', text, 'native-nft')]).comparisons.map(({ reading, status }) => [
        reading,
        status,
      ]);
    expect(statusOf(native)).toEqual([['4-native-nft', 'same']]);
    expect(statusOf(native.replace('15021', '15022'))).toEqual([['4-native-nft', 'drift']]);
  });
});

const native = `table inet istio-proxy-nat {
	chain prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		meta l4proto tcp jump istio-inbound
	}
	chain output {
		type nat hook output priority dstnat; policy accept;
		jump istio-output
	}
	chain istio-inbound {
		tcp dport 15008 return
		tcp dport 15090 return
		tcp dport 15021 return
		tcp dport 15020 return
		meta l4proto tcp jump istio-in-redirect
	}
	chain istio-redirect {
		meta l4proto tcp redirect to :15001
	}
	chain istio-in-redirect {
		meta l4proto tcp redirect to :15006
	}
	chain istio-output {
		oifname "lo" ip saddr 127.0.0.6 return
		oifname "lo" ip daddr != 127.0.0.1 tcp dport != 15008 meta skuid 1337 jump istio-in-redirect
		oifname "lo" meta skuid != 1337 return
		meta skuid 1337 return
		oifname "lo" ip daddr != 127.0.0.1 tcp dport != 15008 meta skgid 1337 jump istio-in-redirect
		oifname "lo" meta skgid != 1337 return
		meta skgid 1337 return
		ip daddr 127.0.0.1 return
		jump istio-redirect
	}
}
`;
