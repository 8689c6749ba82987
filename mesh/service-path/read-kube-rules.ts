import * as l10n from '@vscode/l10n';
import { parseRules, recognizeFormat } from '../interception/parse-rules.ts';
import type { IptablesChain, Ruleset } from '../interception/ruleset.ts';
import type { KubeRuleset } from './kube-rules.ts';
import { chainKey } from './kube-rules.ts';
import { nftJsonToText } from './nft-json-to-text.ts';
import { readIptablesRule } from './read-iptables-rule.ts';
import { readNftTables } from './read-nft-tables.ts';

/**
 * kube-proxy's rules in a text of a node's rules, in any format that `parseRules` reads: one set per family and mode that
 * has some. Empty when kube-proxy has written nothing there.
 */
export function readKubeRules(text: string): KubeRuleset[] {
  const format = recognizeFormat(text);
  const native =
    format === 'nft-json' ? readNftTables(nftJsonToText(text)) : format === 'nft' ? readNftTables(text) : [];
  for (const table of native)
    table.warnings = table.warnings.map((name) =>
      l10n.t('The text ends in the middle of {0}: the rest is missing.', name),
    );
  // A table of nftables' own needs no second reading, unless the text holds those of iptables-nft beside it.
  if (native.length > 0 && !text.includes('KUBE-SERVICES')) return native;
  return [...native, ...fromIptables(parseRules(text))];
}

function fromIptables(ruleset: Ruleset): KubeRuleset[] {
  const found = new Map<string, KubeRuleset>();
  for (const { family, chains } of bySection(ruleset)) {
    for (const { table, name, rules: own, policy } of chains) {
      if (table === 'kube-proxy') continue;
      const rules = found.get(family) ?? emptyRules(family, ruleset.warnings);
      found.set(family, rules);
      const read = own.map(readIptablesRule);
      const known = rules.chains.get(chainKey(table, name));
      if (known) known.rules.push(...read);
      else
        rules.chains.set(chainKey(table, name), {
          table,
          name,
          rules: read,
          ...(policy !== undefined && { hook: name.toLowerCase() }),
        });
    }
  }
  if (usesIpvs(ruleset.chains))
    for (const { warnings } of found.values())
      warnings.push(
        l10n.t(
          'kube-proxy runs in IPVS mode on this node: which endpoint a connection gets is decided by the kernel’s virtual servers (ipvsadm -Ln), not by these rules.',
        ),
      );
  return [...found.values()].filter(({ chains }) => chains.has(chainKey('nat', 'KUBE-SERVICES')));
}

function emptyRules(family: '4' | '6', warnings: string[]): KubeRuleset {
  return { mode: 'iptables', family, chains: new Map(), sets: new Map(), maps: new Map(), warnings: [...warnings] };
}

/**
 * `iptables-save` and `ip6tables-save` one after the other name the same tables twice. A table begins a family's part when
 * its name was seen in this part already.
 */
function bySection({ chains, sections, family }: Ruleset): { family: '4' | '6'; chains: IptablesChain[] }[] {
  const parts: IptablesChain[][] = [];
  const seen = new Set<string>();
  let at = 0;
  for (const { table, chainCount } of sections ?? [{ table: '', chainCount: chains.length }]) {
    const own = chains.slice(at, at + chainCount);
    at += chainCount;
    const key = `${own[0]?.family ?? ''} ${table}`;
    if (parts.length === 0 || seen.has(key)) {
      parts.push([]);
      seen.clear();
    }
    seen.add(key);
    parts.at(-1)!.push(...own);
  }
  return parts.flatMap((part) => {
    const named = (['4', '6'] as const).flatMap((each) => {
      const own = part.filter((chain) => chain.family === each);
      return own.length ? [{ family: each, chains: own }] : [];
    });
    const rest = part.filter((chain) => chain.family !== '4' && chain.family !== '6');
    return rest.length ? [...named, { family: familyOf(rest) ?? (family === '6' ? '6' : '4'), chains: rest }] : named;
  });
}

/** From the first address. */
function familyOf(chains: IptablesChain[]): '4' | '6' | undefined {
  for (const { rules } of chains)
    for (const { matches, targetOptions } of rules)
      for (const { option, values } of [...matches, ...targetOptions])
        if (option === '-s' || option === '-d' || option === '--to-destination')
          return /^\[|:.*:/.test(values[0] ?? '') ? '6' : '4';
  return undefined;
}

function usesIpvs(chains: IptablesChain[]): boolean {
  return chains.some(
    ({ name, rules }) => name === 'KUBE-SERVICES' && rules.some(({ text }) => text.includes('KUBE-CLUSTER-IP')),
  );
}
