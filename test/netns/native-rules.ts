import type { InterceptionSettings } from '../../mesh/interception/interception-settings.ts';
import { programAmbient } from '../../mesh/interception/program-ambient.ts';
import type { AmbientSettings } from '../../mesh/interception/program-ambient.ts';
import { programRules } from '../../mesh/interception/program-rules.ts';
import type { IptablesRule, Match, Ruleset } from '../../mesh/interception/ruleset.ts';

/**
 * Istio's rules as it writes them with nft itself: tables `inet istio-proxy-{nat,mangle,raw}` or `istio-ambient-…`, for both
 * families at once, chains with small letters. Without IPv6 the rules that name no address still see it.
 */
export function nativeSidecar(settings: InterceptionSettings): string {
  const four = programRules(settings, {}, '4').ruleset;
  return writeTables('istio-proxy', four, settings.ipv6 ? programRules(settings, {}, '6').ruleset : undefined);
}

/** @see nativeSidecar */
export function nativeAmbient(settings: AmbientSettings): string {
  return writeTables('istio-ambient', programAmbient(settings, '4').ruleset, programAmbient(settings, '6').ruleset);
}

const bases: Record<string, string> = {
  'raw PREROUTING': 'type filter hook prerouting priority raw; policy accept;',
  'raw OUTPUT': 'type filter hook output priority raw; policy accept;',
  'mangle PREROUTING': 'type filter hook prerouting priority mangle; policy accept;',
  'mangle OUTPUT': 'type route hook output priority mangle; policy accept;',
  'nat PREROUTING': 'type nat hook prerouting priority dstnat; policy accept;',
  'nat OUTPUT': 'type nat hook output priority -100; policy accept;',
};

function writeTables(prefix: string, four: Ruleset, six: Ruleset | undefined): string {
  const tables = [...new Set(four.chains.map(({ table }) => table))];
  return tables
    .map((table) => {
      const chains = four.chains.filter((chain) => chain.table === table);
      const names = chains.map(({ name }) => `  chain ${nameOf(name)} { ${bases[`${table} ${name}`] ?? ''} }\n`);
      const rules = chains.map(({ name, rules: ofFour }) => {
        const ofSix = six?.chains.find((chain) => chain.table === table && chain.name === name)?.rules;
        const lines = merge(ofFour, ofSix).map((line) => `    ${line}\n`);
        return `  chain ${nameOf(name)} {\n${lines.join('')}  }\n`;
      });
      // Declared before anybody jumps there.
      return `table inet ${prefix}-${table} {\n${names.join('')}${rules.join('')}}\n`;
    })
    .join('');
}

function nameOf(chain: string): string {
  return chain.toLowerCase().replaceAll('_', '-').replace('istio-prert', 'istio-prerouting');
}

/** What both families have alike stands there once. */
function merge(four: readonly IptablesRule[], six: readonly IptablesRule[] | undefined): string[] {
  const left = four.map((rule) => writeRule(rule, 'ip'));
  if (!six) return left;
  const right = six.map((rule) => writeRule(rule, 'ip6'));
  const merged: string[] = [];
  for (const line of left) {
    const at = right.indexOf(line);
    if (at >= 0) merged.push(...right.splice(0, at + 1));
    else merged.push(line);
  }
  return [...merged, ...right];
}

function writeRule(rule: IptablesRule, ip: 'ip' | 'ip6'): string {
  const protocol = rule.matches.find(({ option }) => option === '-p')?.values[0];
  const words = rule.matches.flatMap((match) => writeMatch(match, ip, protocol));
  const hasPort = rule.matches.some(({ option }) => /port/.test(option ?? ''));
  if (protocol !== undefined && !hasPort) words.unshift(`meta l4proto ${protocol}`);
  return [...words, 'counter', writeTarget(rule, ip)].join(' ');
}

function writeMatch({ module, option, values, negated }: Match, ip: string, protocol = 'th'): string[] {
  const [value = ''] = values;
  const is = negated ? '!= ' : '';
  switch (option) {
    case '-s':
      return [`${ip} saddr ${is}${value}`];
    case '-d':
      return [`${ip} daddr ${is}${value}`];
    case '-i':
      return [`iifname ${is}"${value}"`];
    case '-o':
      return [`oifname ${is}"${value}"`];
    case '--dport':
    case '--dports':
      return [`${protocol} dport ${is}${value.includes(',') ? `{ ${value} }` : value}`];
    case '--sport':
      return [`${protocol} sport ${is}${value}`];
    case '--uid-owner':
      return [`meta skuid ${is}${value}`];
    case '--gid-owner':
      return [`meta skgid ${is}${value}`];
    case '--ctstate':
      return [`ct state ${is}${value.toLowerCase()}`];
    case '--mark':
      return [writeMark(value, is, module === 'connmark' ? 'ct' : 'meta')];
    case '-p':
    case '':
      return [];
    default:
      throw new Error(`No words of nft for ${option}`);
  }
}

function writeMark(value: string, is: string, of: 'meta' | 'ct'): string {
  const [mark, mask] = value.split('/');
  return mask === undefined ? `${of} mark ${is}${mark}` : `${of} mark & ${mask} ${is || '== '}${mark}`;
}

function writeTarget({ target = '', targetOptions }: IptablesRule, ip: string): string {
  const option = (name: string) => targetOptions.find((each) => each.option === name)?.values[0];
  switch (target) {
    case 'RETURN':
    case 'ACCEPT':
    case 'DROP':
      return target.toLowerCase();
    case 'REDIRECT':
      return `redirect to :${option('--to-ports')}`;
    case 'CT':
      return `ct zone set ${option('--zone')}`;
    case 'MARK':
      return `meta mark set ${markSet(option('--set-mark') ?? option('--set-xmark'))}`;
    case 'CONNMARK':
      return writeConnmark(
        option,
        targetOptions.map((each) => each.option),
      );
    case 'TPROXY':
      return `tproxy ${ip} to :${option('--on-port')} meta mark set ${markSet(option('--tproxy-mark'))} accept`;
    default:
      return `jump ${nameOf(target)}`;
  }
}

function markSet(written = ''): string {
  return written.split('/')[0] ?? '';
}

/** With nft, Istio keeps and takes marks whole, but sets that of a connection within its mask. */
function writeConnmark(option: (name: string) => string | undefined, names: string[]): string {
  if (names.includes('--save-mark')) return 'ct mark set meta mark';
  if (names.includes('--restore-mark')) return 'meta mark set ct mark';
  const [value = '', mask] = (option('--set-xmark') ?? option('--set-mark') ?? '').split('/');
  return mask === undefined ? `ct mark set ${value}` : `ct mark set ct mark & 0xfffff000 ^ ${value}`;
}
