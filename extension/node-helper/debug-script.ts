/** What runs in the debug container. It must do with whatever a proxy's image has: Debian's, a distroless one, an old one. */
import { randomBytes } from 'node:crypto';

/**
 * What keeps the container alive. `shell`: prints everything to its log, then sleeps. The others only wait, and what
 * prints rules is run in them one by one: `sleep` where there is no shell, `pilot-agent` in Istio's distroless image,
 * where waiting for something that never comes is the one thing that sleeps.
 */
export type Keeper = 'shell' | 'sleep' | 'pilot-agent';

export const idleSeconds = 600;

/** Stands before every section: nothing that a rule's comment says can be taken for one. */
export function newMark(): string {
  return `meshloom-${randomBytes(8).toString('hex')}`;
}

export function commandsOf(keeper: Keeper, mark: string): string[] {
  const seconds = String(idleSeconds);
  switch (keeper) {
    case 'shell':
      return ['sh', '-c', script, 'meshloom', mark, seconds];
    case 'sleep':
      return ['sleep', seconds];
    case 'pilot-agent':
      return ['pilot-agent', 'wait', '--url', 'http://127.0.0.1:1/', '--timeoutSeconds', seconds];
  }
}

/**
 * One section each: `<mark> begin <id> <command>`, standard output, `<mark> end <id> <code>`. The root file system is
 * read-only, so what went to standard error is had by running a failed command once more. A legacy table is read only where
 * one is listed.
 */
const script = `
mark=$1
has() { command -v "$1" >/dev/null 2>&1; }
section() {
  id=$1; shift
  echo; echo "$mark begin $id $*"
  "$@" 2>/dev/null; code=$?
  echo; echo "$mark end $id $code"
  if [ $code != 0 ]; then echo "$mark begin $id-error $*"; "$@" 2>&1 >/dev/null; echo; echo "$mark end $id-error 0"; fi
}
for family in 4 6; do
  if [ $family = 4 ]; then t=iptables; names=/proc/net/ip_tables_names; else t=ip6tables; names=/proc/net/ip6_tables_names; fi
  case "$($t-save --version 2>/dev/null)" in
    *nf_tables*) plain=nft;;
    '') plain=none;;
    *) plain=legacy;;
  esac
  if has $t-nft-save; then section $family-nft $t-nft-save -c
  elif [ $plain = nft ]; then section $family-nft $t-save -c
  elif has xtables-nft-multi; then section $family-nft xtables-nft-multi $t-save -c
  fi
  legacy=
  if [ -e $names ]; then read -r legacy <$names 2>/dev/null; fi
  if [ -n "$legacy" ]; then
    if has $t-legacy-save; then section $family-legacy $t-legacy-save -c
    elif [ $plain = legacy ]; then section $family-legacy $t-save -c
    elif has xtables-legacy-multi; then section $family-legacy xtables-legacy-multi $t-save -c
    else echo; echo "$mark begin $family-legacy-missing $legacy"; echo "$mark end $family-legacy-missing 0"
    fi
  elif [ $plain = legacy ] && ! has $t-nft-save; then echo; echo "$mark begin $family-legacy $t-save"; echo "$mark end $family-legacy 0"
  fi
done
if has nft; then section nft nft list ruleset; fi
if has ip; then
  section addresses ip -j addr show
  section rules4 ip rule show
  section rules6 ip -6 rule show
  section routes ip route show table all
fi
echo; echo "$mark done"
exec sleep "$2"
`.trim();

/** A command to run alone, and what its output is. Several of one id: the first that is there is taken. */
export interface SingleCommand {
  id: string;
  argv: string[];
  /** Taken only when its `--version` says that it is of this backend. */
  plain?: 'nft' | 'legacy';
}

/** The same without a shell. `legacy-save` creates no table, and prints nothing where there is none. */
export const singleCommands: readonly SingleCommand[] = [
  ...(['iptables', 'ip6tables'] as const).flatMap((tool) =>
    (['nft', 'legacy'] as const).flatMap((backend): SingleCommand[] => {
      const id = `${tool === 'iptables' ? '4' : '6'}-${backend}`;
      return [
        { id, argv: [`${tool}-${backend}-save`, '-c'] },
        { id, argv: [`xtables-${backend}-multi`, `${tool}-save`, '-c'] },
        { id, argv: [`${tool}-save`, '-c'], plain: backend },
      ];
    }),
  ),
  { id: 'nft', argv: ['nft', 'list', 'ruleset'] },
  { id: 'addresses', argv: ['ip', '-j', 'addr', 'show'] },
  { id: 'rules4', argv: ['ip', 'rule', 'show'] },
  { id: 'rules6', argv: ['ip', '-6', 'rule', 'show'] },
  { id: 'routes', argv: ['ip', 'route', 'show', 'table', 'all'] },
];
