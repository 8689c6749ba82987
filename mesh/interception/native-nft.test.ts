import { expect, test } from 'vitest';
import { findNativeTables, splitNftRuleset, tablesOfFamily } from './native-nft.ts';

const ruleset = `# Warning: table ip nat is managed by iptables-nft, do not touch!
table ip nat {
	chain PREROUTING {
		type nat hook prerouting priority dstnat; policy accept;
	}
}
table inet istio-proxy-nat {
	set s {
		type ipv4_addr
		elements = { 10.0.0.1 }
	}
	chain prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		meta l4proto tcp jump istio-inbound
	}
}
table ip6 own {
}
`;

test('keeps what iptables does not show, each table whole', () => {
  const native = findNativeTables(splitNftRuleset(ruleset), { ip: '*nat\nCOMMIT\n', ip6: '' });
  expect(native.map(({ family, name }) => `${family} ${name}`)).toEqual(['inet istio-proxy-nat', 'ip6 own']);
  expect(native[0]?.text).toMatch(/^table inet istio-proxy-nat \{\n\tset s[^]*jump istio-inbound\n\t\}\n\}\n$/);
});

test.each([
  "# Table `nat' is incompatible, use 'nft' tool.\n",
  "# Table `nat' contains incompatible base-chains, use 'nft' tool to list them.\n*nat\nCOMMIT\n",
])('keeps a table of iptables’ name of which iptables says: %s', (ip) => {
  const native = findNativeTables(splitNftRuleset(ruleset), { ip, ip6: '' });
  expect(native.map(({ name }) => name)).toContain('nat');
});

test('a table of family inet counts for both families', () => {
  const tables = splitNftRuleset(ruleset);
  expect(tablesOfFamily(tables, '4').map(({ name }) => name)).toEqual(['nat', 'istio-proxy-nat']);
  expect(tablesOfFamily(tables, '6').map(({ name }) => name)).toEqual(['istio-proxy-nat', 'own']);
});

test('an empty ruleset has no tables', () => {
  expect(splitNftRuleset('')).toEqual([]);
});
