import { describe, expect, it } from 'vitest';
import type { CniActionResult } from '../../contract/cni-plugin.ts';
import { isSameRemoval, removalPlans, sortForRemoval, type RemovalPlans } from './removal-plans.ts';
import { insertion, refusal } from './testing.ts';

const plansOf = (results: Record<string, CniActionResult>): RemovalPlans => {
  const answers = Object.entries(results).map(([node, result]) => ({
    node,
    ok: true as const,
    result: { plannedFor: 'uninstall' as const, ...result },
  }));
  return removalPlans(answers, []);
};

describe('a removal as it was shown', () => {
  it('is the same where the bytes are, and another where they, or a refusal, are not', () => {
    const shown = plansOf({ n1: insertion(), n2: insertion() });
    expect(isSameRemoval(shown, plansOf({ n2: insertion(), n1: insertion() }))).toBe(true);
    expect(isSameRemoval(shown, plansOf({ n1: insertion(), n2: insertion({ confDir: '/x' }) }))).toBe(false);
    expect(isSameRemoval(shown, plansOf({ n1: insertion(), n2: refusal('no') }))).toBe(false);
    expect(isSameRemoval(shown, plansOf({ n1: insertion() }))).toBe(false);
  });

  it('is not made of what a helper plans that knows installations only', () => {
    const { plans, agreed } = plansOf({ n1: insertion({ plannedFor: 'install' }) });
    expect([plans.groups, agreed.size]).toEqual([[], 0]);
  });

  it('goes on without the nodes that refuse, and with those that cannot plan it', () => {
    const { able, refusing } = sortForRemoval(['n1', 'n2', 'n3'], plansOf({ n1: insertion(), n2: refusal('alone') }));
    expect([able, refusing]).toEqual([['n1', 'n3'], [{ node: 'n2', why: 'alone' }]]);
  });
});
