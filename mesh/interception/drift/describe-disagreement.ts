import * as l10n from '@vscode/l10n';
import type { Disagreement } from './compare-chains.ts';
import type { Box, PacketSpace } from './packet-space.ts';
import type { Outcome } from './decision-diagram.ts';

/** Which traffic is treated differently, and how: `TCP that comes in to port 9443: goes to the proxy (port 15006). Expected: is left alone.` @param peer whose rules stand on the expected side, when that is another pod */
export function describeDisagreement(
  { hook, box, expected, actual }: Disagreement,
  space: PacketSpace,
  peer?: string,
): string {
  const details = describeBox(box, space);
  const kind = describeProtocol(box, space);
  const traffic =
    hook === 'PREROUTING'
      ? l10n.t('{0} that comes in{1}', kind, details)
      : hook === 'OUTPUT'
        ? l10n.t('{0} that the pod sends{1}', kind, details)
        : l10n.t('{0} in {1}{2}', kind, hook, details);
  const [now, wanted] = describeOutcomes(actual, expected);
  return peer === undefined
    ? l10n.t('{0} {1}. Expected: it {2}.', traffic, now, wanted)
    : l10n.t('{0} {1}. In {2} it {3}.', traffic, now, peer, wanted);
}

/** How narrow a disagreement is: the widest one says most about a difference. */
export function narrowness({ box }: Disagreement, space: PacketSpace): number {
  let conditions = 0;
  for (const [name, mask] of box) {
    const dimension = space.dimension(name);
    if (!dimension || mask === dimension.all) continue;
    conditions += dimension.describe(mask) === undefined ? 1 : 100;
  }
  return conditions;
}

function describeProtocol(box: Box, space: PacketSpace): string {
  const mask = box.get('protocol');
  const name = mask === undefined ? undefined : space.dimension('protocol')?.describe(mask);
  return name === undefined ? l10n.t('Traffic') : name.toUpperCase();
}

function describeBox(box: Box, space: PacketSpace): string {
  const parts: string[] = [];
  const inOrder = ['in', 'out', 'source', 'source port', 'destination', 'port', 'user', 'group', 'state'];
  const others = [...box.keys()].filter((name) => name !== 'protocol' && !inOrder.includes(name));
  for (const name of [...inOrder, ...others]) {
    const mask = box.get(name);
    const value = mask === undefined ? undefined : space.dimension(name)?.describe(mask);
    if (value !== undefined && value !== '') parts.push(describeCondition(name, value));
  }
  return parts.map((part) => ` ${part}`).join('');
}

function describeCondition(name: string, value: string): string {
  switch (name) {
    case 'in':
    case 'out':
      return l10n.t('over {0}', value);
    case 'source':
      return l10n.t('from {0}', value);
    case 'source port':
      return l10n.t('from port {0}', value);
    case 'destination':
      return l10n.t('to {0}', value);
    case 'port':
      return l10n.t('to port {0}', value);
    case 'user':
      return l10n.t('by user {0}', value);
    case 'group':
      return l10n.t('by group {0}', value);
    case 'state':
      return l10n.t('in state {0}', value);
    case 'mark':
      return l10n.t('with mark {0}', value);
    case 'connmark':
      return l10n.t('with connection mark {0}', value);
  }
  return l10n.t('({0})', value.replace(/^\?/, ''));
}

/** Both in words; what they have in common besides the verdict is left out. */
function describeOutcomes(a: Outcome, b: Outcome): [string, string] {
  const sameVerdict = a.verdict === b.verdict && a.options === b.options;
  const say = (own: Outcome, other: Outcome) => {
    const words = sameVerdict ? [] : [describeVerdict(own)];
    if (own.mark !== other.mark && own.mark !== undefined) words.push(l10n.t('gets mark {0}', mark(own.mark)));
    if (own.connmark !== other.connmark && own.connmark !== undefined)
      words.push(l10n.t('gets connection mark {0}', mark(own.connmark)));
    for (const effect of own.effects) if (!other.effects.includes(effect)) words.push(l10n.t('meets {0}', effect));
    return words.join(', ') || l10n.t('is left alone');
  };
  return [say(a, b), say(b, a)];
}

function mark(value: number | string): string {
  return typeof value === 'number' ? `0x${value.toString(16)}` : value;
}

function describeVerdict({ verdict, options }: Outcome): string {
  const port = /--(?:to-ports|on-port) (\S+)/.exec(options)?.[1] ?? '';
  switch (verdict) {
    case 'ACCEPT':
      return l10n.t('is left alone');
    case 'DROP':
    case 'REJECT':
      return l10n.t('is dropped');
    case 'REDIRECT':
      return l10n.t('is redirected to port {0}', port);
    case 'TPROXY':
      return l10n.t('is handed to port {0} with its addresses kept', port);
  }
  return l10n.t('meets {0}', `${verdict} ${options}`.trim());
}
