import { describe, expect, it } from 'vitest';
import { findProtection, matchesPattern } from './protected-contexts.ts';

describe('patterns of protected contexts', () => {
  it.each([
    ['prod', 'prod'],
    ['prod*', 'production-eu'],
    ['*prod*', 'arn:aws:eks:eu-west-1:123456789012:cluster/my-PROD'],
    ['gke_*_prod?', 'gke_acme_europe-west1_prod1'],
    ['{live,prod}-*', 'live-1'],
    ['node[0-9]', 'node7'],
    ['node[!0-9]', 'nodex'],
    ['a.b', 'a.b'],
    ['[', '['],
    ['{', '{'],
  ])('%s means %s', (pattern, name) => expect(matchesPattern(pattern, name)).toBe(true));

  it.each([
    ['prod', 'preprod'],
    ['prod?', 'prod'],
    ['a.b', 'axb'],
    ['node[0-9]', 'nodex'],
    ['', 'x'],
  ])('%s does not mean %s', (pattern, name) => expect(matchesPattern(pattern, name)).toBe(false));

  it('does not hang on a pattern of many stars', () => {
    const before = performance.now();
    matchesPattern('*a'.repeat(40) + 'b', 'a'.repeat(200));
    expect(performance.now() - before).toBeLessThan(2000);
  });
});

describe('the protection of a context', () => {
  it('is the strictest that any level of settings demands', () => {
    const user = { 'prod*': 'refuse' };
    const workspace = { '*': 'confirm', 'prod*': 'confirm' };
    expect(findProtection('prod-1', [user, workspace])).toEqual({ protection: 'refuse', pattern: 'prod*' });
    expect(findProtection('dev', [user, workspace])).toEqual({ protection: 'confirm', pattern: '*' });
    expect(findProtection('dev', [user, undefined])).toBeUndefined();
  });

  it('is refusal where the setting says something unknown, and none where it is no setting at all', () => {
    expect(findProtection('prod', [{ prod: 'none' }])?.protection).toBe('refuse');
    expect(findProtection('prod', [['prod'] as never])).toBeUndefined();
  });
});
