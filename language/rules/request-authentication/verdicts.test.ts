import { describe } from 'vitest';
import { testVerdicts } from '../verdicts.fixture.ts';

const header =
  'apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: { name: jwt, namespace: shop }';
const jwt = (text: string) => `spec: { jwtRules: [{ ${text} }] }`;
const issued = (text: string) => jwt(`issuer: a, ${text}`);
const uri = (text: string) => jwt(`jwksUri: '${text}'`);
const keys = (text: string) => issued(`jwks: '${text}'`);
const rsa =
  '"kty":"RSA","e":"AQAB","n":"qDi7Tx4DhNvPQsl1ofxxc2ePQFcs-L0mXYo6TGS64CY_2WmOtvYlcLNZjhuddZVV2X88m0MfwaSA16wE-RiKM9hqo5EY8BPXj57CMiYAyiHuQPp1yayjMgoE1P2jvp4eqF-BTillGJt5W5RuXti9uqfMtCQdagB8EC3MNRuU_KdeLgBy3lS3oo4LOYd-74kRBVZbk2wnmmb7IhP9OoLc1-7-9qU1uhpDxmE6JwBau0mDSwMnYDS4G_ML17dC-ZDtLd1i24STUw39KH0pcSdfFbL2NtEZdNeam1DDdk0iUtJSPZliUHJBI_pj8M-2Mn_oA8jBuI8YKwBqYkZCN1I95Q"';

describe('rules', () => {
  testVerdicts(header, [
    ['no spec', 'accepted', ''],
    ['an empty spec', 'accepted', 'spec: {}'],
    ['no rules', 'accepted', 'spec: { jwtRules: [] }'],
    ['an issuer', 'accepted', jwt('issuer: a')],
    ['an issuer that is null', 'refused', jwt('issuer: null')],
    ['an empty issuer', 'refused', jwt("issuer: ''")],
    ['an address for the keys alone', 'accepted', uri('https://a.com/keys')],
    ['its old name', 'accepted', jwt("jwks_uri: 'https://a.com/keys'")],
    ['keys alone', 'refused', jwt(`jwks: '{"keys":[]}'`)],
    ['an empty rule', 'refused', 'spec: { jwtRules: [{}] }'],
    ['a rule that is null', 'refused', 'spec: { jwtRules: [null] }'],
    ['a second rule without issuer', 'refused', 'spec: { jwtRules: [{ issuer: a }, { forwardOriginalToken: true }] }'],
    ['an issuer twice', 'accepted', 'spec: { jwtRules: [{ issuer: a }, { issuer: a }] }'],
    ['an unknown field', 'refused', issued('jwksURI: a')],
    ['an address and an issuer', 'accepted', issued("jwksUri: 'https://a.com'")],
  ]);
});

describe('the address of the keys', () => {
  const good = [
    ...[
      'http://a',
      'https://a.com',
      'HTTPS://a.com/keys',
      'https://a.com:443/keys?a=b',
      'https://10.0.0.1',
      'https://[::1]:443/',
    ],
    ...[
      'https://a.com:',
      'http://',
      'https://user:pw@a.com/',
      'https://a.com/a b',
      'https://a.com/%20',
      'https://a.com/#a',
      'https:/',
    ],
  ];
  const bad = [
    ...[
      '',
      'a.com',
      'a.com/keys',
      '/keys',
      'ftp://a.com',
      'file:///keys',
      'http',
      'https://a.com#a',
      '//a.com',
      'https://a.com:https',
      'https://a b.com',
    ],
    ...[
      'https://a.com/%zz',
      'https://[::1',
      ' https://a.com',
      'a.com:443/keys',
      'https//a.com',
      'oci://a.com',
      '://a.com',
    ],
  ];
  testVerdicts(header, [
    ...good.map((text) => [text, 'accepted', uri(text)] as const),
    ...bad.map((text) => [`"${text}"`, 'refused', uri(text)] as const),
    ['one too long', 'refused', uri(`https://a.com/${'a'.repeat(2048)}`)],
    ['the old name with another scheme', 'refused', jwt('jwks_uri: ftp://a.com')],
    ['both names', 'refused', jwt("jwksUri: 'https://a.com', jwks_uri: 'https://a.com'")],
    ['keys and their address', 'refused', issued(`jwks: '{"keys":[]}', jwksUri: 'https://a.com'`)],
    ['empty keys and their address', 'refused', issued(`jwks: '', jwksUri: 'https://a.com'`)],
    ['keys that are null and their address', 'accepted', issued(`jwks: null, jwksUri: 'https://a.com'`)],
  ]);
});

describe('keys', () => {
  const good = [
    ...[
      '{"keys":[]}',
      '{"keys":null}',
      ` {"keys":[{${rsa}}]} `,
      `{${rsa}}`,
      `{"keys":[{${rsa},"kid":"a","use":"sig","alg":"RS256"}]}`,
    ],
    ...[
      '{"keys":[{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"}]}',
      '{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AAAA"}]}',
    ],
    ...[
      '{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}',
      '{"keys":[{"kty":"RSA","e":"AQAB","n":"AA+/"}]}',
      '{"keys":[{"kty":"RSA","e":"AQAB","n":"AA=="}]}',
    ],
    ...['{"keys":[],"other":1}'],
  ];
  const bad = [
    ...[
      'a',
      '{}',
      '[]',
      'null',
      '"keys"',
      '1',
      '{"keys":[]',
      '{"keys":{}}',
      '{"keys":[{}]}',
      '{"keys":[1]}',
      '{"keys":[null]}',
      '{"keys":[]} x',
    ],
    ...[
      '{"keys":[{"kty":"rsa","e":"AQAB","n":"AAAA"}]}',
      '{"keys":[{"kty":"RSA","n":"AAAA"}]}',
      '{"keys":[{"kty":"RSA","e":"AQAB"}]}',
    ],
    ...[
      '{"keys":[{"kty":"RSA","e":"AQAB","n":"$$"}]}',
      '{"keys":[{"kty":"RSA","e":"AQAB","n":"AAAAA"}]}',
      '{"keys":[{"kty":"RSA","e":1,"n":"AAAA"}]}',
    ],
    ...[
      '{"keys":[{"kty":"EC","x":"AAAA","y":"AAAA"}]}',
      '{"keys":[{"kty":"OKP","crv":"Ed25519"}]}',
      '{"keys":[{"kty":"oct"}]}',
      '{"keys":[{"kty":"DSA"}]}',
    ],
    ...[`{"keys":[{${rsa}},{"kty":"RSA"}]}`, '-----BEGIN PUBLIC KEY-----'],
  ];
  testVerdicts(header, [
    ...good.map((text) => [text.slice(0, 60), 'accepted', keys(text)] as const),
    ...bad.map((text) => [text.slice(-60), 'refused', keys(text)] as const),
    ['empty', 'accepted', keys('')],
    [
      'over several lines',
      'accepted',
      `spec:\n  jwtRules:\n    - issuer: a\n      jwks: |\n        {"keys": [\n          {${rsa}}\n        ]}\n`,
    ],
    ['written as YAML', 'refused', issued('jwks: { keys: [] }')],
    ['a private RSA key', 'warned', keys(`{"keys":[{${rsa},"d":"AAAA"}]}`)],
    ['a private EC key', 'warned', keys('{"keys":[{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA","d":"AAAA"}]}')],
    ['a private key alone', 'warned', keys(`{${rsa},"d":"AAAA"}`)],
    ['a private key behind a public one', 'warned', keys(`{"keys":[{${rsa}},{${rsa},"d":"AAAA"}]}`)],
  ]);
});

describe('where tokens come from and go to', () => {
  testVerdicts(header, [
    ['audiences', 'accepted', issued('audiences: [a, b]')],
    ['an empty audience', 'refused', issued("audiences: [a, '']")],
    ['no audiences', 'accepted', issued('audiences: []')],
    ['a header', 'accepted', issued("fromHeaders: [{ name: x, prefix: 'Bearer ' }]")],
    ['a header with an empty prefix', 'accepted', issued("fromHeaders: [{ name: x, prefix: '' }]")],
    ['a header without name', 'refused', issued("fromHeaders: [{ prefix: 'Bearer ' }]")],
    ['an empty header name', 'refused', issued("fromHeaders: [{ name: '' }]")],
    ['a header that is null', 'refused', issued('fromHeaders: [null]')],
    ['a header as text', 'refused', issued('fromHeaders: [x]')],
    ['parameters', 'accepted', issued('fromParams: [token]')],
    ['an empty parameter', 'refused', issued("fromParams: ['']")],
    ['cookies', 'accepted', issued('fromCookies: [token]')],
    ['an empty cookie', 'refused', issued("fromCookies: [a, '']")],
    ['a payload', 'accepted', issued('outputPayloadToHeader: x-payload')],
    ['a payload to any header', 'accepted', issued("outputPayloadToHeader: 'x payload'")],
    ['a claim', 'accepted', issued('outputClaimToHeaders: [{ header: X-Claim_1, claim: sub }]')],
    ['a claim within a claim', 'accepted', issued('outputClaimToHeaders: [{ header: x, claim: realm.roles }]')],
    ['a claim without header', 'refused', issued('outputClaimToHeaders: [{ claim: sub }]')],
    ['a header without claim', 'refused', issued('outputClaimToHeaders: [{ header: x }]')],
    ['an empty claim', 'refused', issued("outputClaimToHeaders: [{ header: x, claim: '' }]")],
    ['a claim to an empty header', 'refused', issued("outputClaimToHeaders: [{ header: '', claim: a }]")],
    ['a claim to a header with a dot', 'refused', issued('outputClaimToHeaders: [{ header: x.y, claim: a }]')],
    ['a claim to a header with a blank', 'refused', issued("outputClaimToHeaders: [{ header: 'x y', claim: a }]")],
    ['a claim to a pseudo header', 'refused', issued("outputClaimToHeaders: [{ header: ':path', claim: a }]")],
    ['forwarding', 'accepted', issued('forwardOriginalToken: true')],
    ['forwarding as text', 'refused', issued("forwardOriginalToken: 'true'")],
    ['claims with spaces', 'accepted', issued('spaceDelimitedClaims: [scope]')],
    ['an empty claim with spaces', 'refused', issued("spaceDelimitedClaims: ['']")],
  ]);
});

describe('the timeout', () => {
  const good = ['5s', '1ms', '1m30s', '0.5s', '1h', '1.5ms', '.5s', '+1s'];
  const bad = ['', '0s', '-1s', '5', '5 s', '1d', '500us', 's', '0', '5sec', '1s ', '99999999h'];
  testVerdicts(header, [
    ...good.map((text) => [text, 'accepted', issued(`timeout: ${text}`)] as const),
    ...bad.map((text) => [`"${text}"`, 'refused', issued(`timeout: '${text}'`)] as const),
    ['a number', 'refused', issued('timeout: 5')],
    ['null', 'accepted', issued('timeout: null')],
  ]);
});

describe('whom it is for', () => {
  testVerdicts(header, [
    ['a selector', 'accepted', 'spec: { selector: { matchLabels: { app: a } }, jwtRules: [{ issuer: a }] }'],
    ['an empty selector', 'warned', 'spec: { selector: {} }'],
    ['a wildcard', 'refused', "spec: { selector: { matchLabels: { app: '*' } } }"],
    ['a target', 'accepted', 'spec: { targetRefs: [{ kind: Service, name: a }] }'],
    [
      'a selector and a target',
      'refused',
      'spec: { selector: { matchLabels: { app: a } }, targetRef: { kind: Service, name: a } }',
    ],
    [
      'dry-run',
      'refused',
      `${header.replace('namespace: shop', "namespace: shop, annotations: { istio.io/dry-run: 'true' }")}\nspec: {}`,
    ],
  ]);
});
