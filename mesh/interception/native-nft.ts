/** The part of `nft list ruleset` that iptables does not show: tables that somebody wrote with nft itself. */

export interface NftTable {
  /** `ip`, `ip6`, `inet`, `arp`, `bridge`, `netdev`. */
  family: string;
  name: string;
  /** From `table …` to its closing brace, with a line end. */
  text: string;
}

/** Cuts the output of `nft list ruleset` into its tables. */
export function splitNftRuleset(text: string): NftTable[] {
  const tables: NftTable[] = [];
  let current: NftTable | undefined;
  for (const line of text.split('\n')) {
    const [, family, name] = /^table (\S+) (\S+) \{/.exec(line) ?? [];
    if (family && name) {
      current = { family, name, text: '' };
      tables.push(current);
    }
    if (current) current.text += `${line}\n`;
    if (line === '}') current = undefined;
  }
  return tables;
}

const iptablesTables = ['filter', 'nat', 'mangle', 'raw', 'security'];

/**
 * Tables that `iptables-nft-save` and `ip6tables-nft-save` did not print.
 * @param saved what they printed, per family. A table of theirs by name into which somebody wrote with nft is said to be
 *   incompatible there, or to contain incompatible chains, and those rules are left out: it counts as native.
 */
export function findNativeTables(tables: readonly NftTable[], saved: { ip: string; ip6: string }): NftTable[] {
  return tables.filter(({ family, name }) => {
    if ((family !== 'ip' && family !== 'ip6') || !iptablesTables.includes(name)) return true;
    return new RegExp(`^# Table \`${name}' (is|contains) incompatible`, 'm').test(saved[family]);
  });
}

/** Tables through which packets of this family go; `inet` ones see both. */
export function tablesOfFamily(tables: readonly NftTable[], family: '4' | '6'): NftTable[] {
  return tables.filter(
    (table) => table.family !== (family === '4' ? 'ip6' : 'ip') && (family === '4' || table.family !== 'arp'),
  );
}
