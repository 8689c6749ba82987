import { describe, expect, test } from 'vitest';
import { whyNoCel } from './cel.ts';
import { parseDuration } from './durations.ts';
import { isCidr, isDnsLabel, isIpOrCidr, isWithinHost, whyNoHost, whyNoWildcardHost } from './hosts.ts';
import { isLabelName, isLabelValue } from './labels.ts';
import { isUnixSocket } from './ports.ts';
import { whyNoRe2 } from './regex.ts';
import { parseRequestUri, parseUrl } from './urls.ts';

describe('durations', () => {
  test.each([
    ['5s', 5000],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['.5s', 500],
    ['5.s', 5000],
    ['250ms', 250],
    ['100us', 0.1],
    ['-1s', -1000],
    ['+1s', 1000],
    ['0', 0],
    ['0s', 0],
  ])('%s is %d ms', (text, milliseconds) => {
    expect(parseDuration(text)).toBeCloseTo(milliseconds);
  });

  test.each(['', '5', '5 s', '5sec', '1d', 's', '1,5s', '1s 2s', '--1s', '.s'])('"%s" is none', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});

describe('hosts', () => {
  test.each([
    'reviews',
    'a.b.example.com',
    '*',
    '*.example.com',
    '*example.com',
    '*-api.example.com',
    'Example.COM',
    'a.example.com.',
    '9p.example.com',
    '123',
    '*.',
    'example.1.',
  ])('%s is one, which may be a wildcard', (host) => {
    expect(whyNoWildcardHost(host)).toBeUndefined();
  });

  test.each([
    '',
    'a b',
    'a..b',
    '.a',
    'a.*.com',
    'a*.com',
    '**.com',
    'a_b.com',
    '-a.com',
    'a-.com',
    '10.0.0.1',
    'http://a.com',
    'a.com:80',
    '*-',
    '*-.example.com',
    '.',
    'a..',
    '::1',
    `${'a'.repeat(64)}.com`,
  ])('"%s" is none', (host) => {
    expect(whyNoWildcardHost(host)).not.toBeUndefined();
  });

  test('a full host has no wildcard', () => {
    expect(whyNoHost('api.example.com')).toBeUndefined();
    expect(whyNoHost('api.example.com.')).toBeUndefined();
    expect(whyNoHost('*.example.com')).not.toBeUndefined();
    expect(whyNoHost('123')).not.toBeUndefined();
    expect(whyNoHost('')).not.toBeUndefined();
  });

  test('a host is within another when all its names are', () => {
    expect(isWithinHost('api.example.com', '*.example.com')).toBe(true);
    expect(isWithinHost('*.api.example.com', '*.example.com')).toBe(true);
    expect(isWithinHost('*.example.com', '*.example.com')).toBe(true);
    expect(isWithinHost('*.com', '*.example.com')).toBe(false);
    expect(isWithinHost('*.example.com', 'api.example.com')).toBe(false);
  });
});

test('tells addresses, sockets and labels from what only looks like them', () => {
  expect(['10.0.0.0/8', 'fd00::/64', '10.1.2.3/0'].every(isCidr)).toBe(true);
  expect(['10.0.0.0', '10.0.0.0/33', '10.0.0/8', 'a/8', '10.0.0.0/8/8', '10.0.0.0/'].some(isCidr)).toBe(false);
  expect(['unix:///run/a', 'unix://@a'].every(isUnixSocket)).toBe(true);
  expect(['unix://run', 'unix:/run/a', '/run/a'].some(isUnixSocket)).toBe(false);
  expect(['a', 'v1-2', '9'].every(isDnsLabel)).toBe(true);
  expect(['', 'a.b', 'a_b', '-a', 'a'.repeat(64)].some(isDnsLabel)).toBe(false);
  expect(['app', 'app.kubernetes.io/name', 'A_b'].every(isLabelName)).toBe(true);
  expect(['', 'a b', '/a', 'a/', 'a/b/c', '_a'].some(isLabelName)).toBe(false);
  expect(['', 'v1', 'V_1.2'].every(isLabelValue)).toBe(true);
  expect(['-a', 'a!', 'a'.repeat(64)].some(isLabelValue)).toBe(false);
});

describe('regular expressions of RE2', () => {
  test.each([
    '',
    '.*',
    '^(a|b)+$',
    '(?i)abc',
    'a(?i)*',
    '(?P<n>a)',
    '(?:a)?',
    '[]a]',
    '[^]]',
    '[[:alpha:]]+',
    '[^[^|)-[:alpha:]+',
    'a{2,3}?',
    'a{,2}',
    '{',
    '\\Q(\\E',
    '\\123',
    'a|',
    '\\p{Greek}',
    'x*?',
    '(?<name>a)',
    '(?im-sU:a)',
    '(a{10}){100}',
    'a{1000}',
    'a{01}',
    'a{,2}',
    '^*$+',
    '\\b?',
    '\\pN\\P{^Lu}\\p{Letter}\\p{Old_Italic}',
    '\\x{10FFFF}\\x41\\0\\12\\_\\-\\"',
    '\\Qa**',
    '[\\d-z\\x41-\\x5a\\pL]',
    '()|(|)',
    '語😀+',
  ])('%s is one', (regex) => {
    expect(whyNoRe2(regex)).toBeUndefined();
  });

  test.each([
    'a(?=b)',
    'a(?!b)',
    '(?<=a)b',
    '(?<!a)b',
    '(?>a)',
    '(a)\\1',
    '(a',
    'a)',
    '[a',
    '*a',
    'a**',
    'a++',
    'a{2}{3}',
    'a{1001}',
    'a{3,2}',
    '(*)',
    'a|*',
    'a\\',
    '(?<n-a>a)',
    '(?P=n)',
    '(?P<n',
    '(?x)a',
    '(?-)a',
    '(?#a)',
    'a{0}{2}',
    '(a{10}){101}',
    '((a{100}){10}b){2}',
    '\\C',
    '\\Z',
    '\\h',
    '\\8',
    '\\k<n>',
    '\\u0041',
    '\\x{110000}',
    '\\x4',
    '\\p{Foo}',
    '\\p',
    '[z-a]',
    '[a-\\d]',
    '[[:foo:]]',
    '[\\b]',
    '[',
    '[]',
    '[^]',
    '\\é',
  ])('%s is none', (regex) => {
    expect(whyNoRe2(regex)).not.toBeUndefined();
  });
});

describe('addresses as Go reads them', () => {
  test.each([
    ['https://a.com:443/b', 'https'],
    ['HTTP://a', 'http'],
    ['registry:5000/a', 'registry'],
    ['http://[fe80::1%25eth0]:80/', 'http'],
    ['/a b', ''],
    ['http://ü.com/%20', 'http'],
    ['http://a.com:', 'http'],
    ['http://u:p@a.com', 'http'],
    ['*', ''],
  ])('%s has the scheme "%s"', (text, scheme) => {
    expect(parseRequestUri(text)?.scheme).toBe(scheme);
    expect(parseUrl(text)?.scheme).toBe(scheme);
  });

  test.each([
    'http://a b',
    'http://a:b',
    'http://a/%zz',
    'http://[::1',
    'http://[a]',
    ':a',
    'a\nb',
    'http://a@b c@d',
    '%zz',
  ])('"%s" is none', (text) => {
    expect(parseRequestUri(text)).toBeUndefined();
    expect(parseUrl(text)).toBeUndefined();
  });

  test('a request has no fragment and no relative path', () => {
    expect(parseUrl('a/b')).toEqual({ scheme: '', host: '' });
    expect(parseRequestUri('a/b')).toBeUndefined();
    expect(parseUrl('http://a#b')?.host).toBe('a');
    expect(parseRequestUri('http://a#b')).toBeUndefined();
    expect(parseRequestUri('')).toBeUndefined();
  });
});

test('takes blocks of addresses as policies do', () => {
  expect(['10.0.0.1', '10.0.0.1/8', '::1', 'fe80::1%eth0', '::ffff:1.2.3.4/96'].every(isIpOrCidr)).toBe(true);
  expect(['10.0.0.1/08', 'fe80::1%eth0/64', '1.2.3', '01.2.3.4', '10.0.0.1%a', '::1%', ''].some(isIpOrCidr)).toBe(
    false,
  );
});

test('reads a hundred thousand levels of an expression without running out of stack', () => {
  expect(whyNoCel('('.repeat(100_000))).toBeUndefined();
  expect(whyNoRe2('('.repeat(100_000))).not.toBeUndefined();
  expect(whyNoCel(`${'-'.repeat(100_000)}a`)).toBeUndefined();
});
