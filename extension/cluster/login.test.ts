import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ClusterFailure } from './cluster.ts';
import { createCredentialSource, parseCredential } from './exec-credential.ts';
import { parseRetryAfter } from './http-call.ts';
import { keepOidcTokens, replaceTokens } from './keep-oidc-tokens.ts';
import { parseKubeconfig, type ExecPlugin } from './kubeconfig.ts';
import { createOidcSource } from './oidc-credential.ts';
import { quietMs, type LoginWait } from './login-wait.ts';
import { findStart, runProgram } from './run-program.ts';
import { namesToWatch, watchFiles } from './watch-files.ts';

let directory = '';
const cleanUps: (() => unknown)[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'meshloom-login-'));
});
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
  rmSync(directory, { recursive: true });
});

const version = 'client.authentication.k8s.io/v1';
const credential = (status: object, more: object = {}) =>
  JSON.stringify({ kind: 'ExecCredential', apiVersion: version, status, ...more });

describe('a login program', () => {
  const cluster = { name: 'c', server: 'https://c', skipTLSVerify: false };
  const waits: (LoginWait | undefined)[] = [];
  const source = (script: string, more: Partial<ExecPlugin> = {}, timeoutMs?: number) => {
    const plugin = { command: 'sh', args: ['-c', script], env: [], provideClusterInfo: false, ...more };
    const made = createCredentialSource(plugin, cluster, 'kind', {
      timeoutMs,
      user: 'dev',
      onLogin: (wait) => waits.push(wait),
    });
    cleanUps.push(() => made.dispose());
    return made;
  };
  const failure = async (script: string, more?: Partial<ExecPlugin>, timeoutMs?: number) =>
    (await source(script, more, timeoutMs)
      .get()
      .then(
        () => expect.fail('it did not fail'),
        (error: unknown) => error,
      )) as ClusterFailure;
  const runs = () => readFileSync(join(directory, 'runs'), 'utf8').length;
  const counting = (rest: string) => `printf x >> ${directory}/runs; ${rest}`;

  it('runs once for all who ask, and again only when what it said has expired', async () => {
    const soon = new Date(Date.now() + 10_300).toISOString();
    const made = source(counting(`echo '${credential({ token: 't', expirationTimestamp: soon })}'`));
    const all = await Promise.all(Array.from({ length: 20 }, () => made.get()));
    expect(new Set(all).size).toBe(1);
    expect(runs()).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 400));
    await made.get();
    expect(runs()).toBe(2);
  });

  it('is asked for another credential once, however many were refused, and not again and again', async () => {
    const made = source(counting(`echo '${credential({ token: 't' })}'`));
    const first = await made.get();
    expect([made.renew(first), made.renew(first)]).toEqual([true, true]);
    const second = await made.get();
    expect(runs()).toBe(2);
    expect(made.renew(second)).toBe(false);
    expect(await made.get()).toBe(second);
  });

  it('is told the cluster, with its authority read from the file, its proxy and what is meant for it, and that nobody can answer', async () => {
    const ca = join(directory, 'ca.crt');
    writeFileSync(ca, 'PEM');
    const plugin = {
      command: 'sh',
      args: [
        '-c',
        `printf '%s' "$KUBERNETES_EXEC_INFO $HELLO" > ${directory}/info; echo '${credential({ token: 't' })}'`,
      ],
      env: [{ name: 'HELLO', value: 'you' }],
      provideClusterInfo: true,
    };
    const told = { ...cluster, caFile: ca, tlsServerName: 'n', execConfig: { audience: 'a' } };
    await createCredentialSource(plugin, told, 'kind', { proxyUrl: 'http://p:1' }).get();
    const text = readFileSync(join(directory, 'info'), 'utf8');
    expect(text.endsWith(' you')).toBe(true);
    expect(JSON.parse(text.slice(0, -4))).toEqual({
      kind: 'ExecCredential',
      apiVersion: version,
      spec: {
        interactive: false,
        cluster: {
          server: 'https://c',
          'certificate-authority-data': Buffer.from('PEM').toString('base64'),
          'tls-server-name': 'n',
          'proxy-url': 'http://p:1',
          config: { audience: 'a' },
        },
      },
    });
  });

  it.each([
    ['echo nonsense', {}, /what it printed is not JSON/],
    ['true', {}, /it printed nothing/],
    [`echo '{"kind":"Pod"}'`, {}, /a Pod, not an ExecCredential/],
    [
      `echo '${credential({ token: 't' }, { apiVersion: 'client.authentication.k8s.io/v1beta1' })}'`,
      {},
      /asks for client/,
    ],
    [`echo '${credential({ clientCertificateData: 'c' })}'`, {}, /but not both/],
    [`echo '${credential({})}'`, {}, /neither a token nor a certificate/],
    ['echo no session >&2; exit 3', {}, /ended with code 3: no session/],
    ['', { apiVersion: 'client.authentication.k8s.io/v1alpha1' }, /no Kubernetes client speaks any more/],
    ['', { interactiveMode: 'Always' }, /asks questions in a terminal/],
    [
      '',
      { command: 'no-such-login', installHint: 'brew install it', env: [{ name: 'PATH', value: '/only/here' }] },
      /“no-such-login”, with which user “dev”.*not found on the PATH: \/only\/here/,
    ],
    ['', { command: '/no/such-login' }, /“\/no\/such-login”.* cannot be found\.$/],
    ['', { command: import.meta.filename }, /may not be run/],
  ] as [string, Partial<ExecPlugin>, RegExp][])(
    'that fails is named with its words: %s %o',
    async (script, more, words) => {
      const { reason, message, next } = await failure(script, more);
      expect(reason).toBe('unauthorized');
      expect(message).toMatch(words);
      expect(next).not.toBe('');
      if (more.installHint) expect(next).toContain(`${more.installHint} Install it`);
    },
  );

  it('never has its token in a message', () => {
    expect(parseCredential('{"status":{"token":"secret"}', version)).not.toContain('secret');
  });

  it('that waits for ever is ended at the deadline with all that it started, and the way on is told', async () => {
    const begin = performance.now();
    const script = `trap '' TERM; sleep 300 & echo $! > ${directory}/child; sleep 300; sleep 300`;
    const { message, next } = await failure(script, {}, 500);
    expect(performance.now() - begin).toBeLessThan(2_500);
    expect(message).toMatch(/did not finish: it was ended by SIGTERM after 0.5 s/);
    expect(next).toMatch(/Run it in a terminal/);
    const child = Number(readFileSync(join(directory, 'child'), 'utf8'));
    await expect.poll(() => isRunning(child), { timeout: 6_000 }).toBe(false);
  });

  it('ends when the connection is closed', async () => {
    const made = source('sleep 300');
    const asked = made.get().catch((error: unknown) => (error as Error).message);
    made.dispose();
    expect(await asked).toMatch(/not needed any more/);
  });

  it('that takes its time is told of with what it says to a person, and ends at once when he wants', async () => {
    waits.length = 0;
    const script = counting(`echo 'enter code A-1' >&2; sleep 300 & echo $! > ${directory}/child; wait`);
    const made = source(script);
    const asked = [made.get(), made.get()].map((login) => login.catch((error: unknown) => error as ClusterFailure));
    await expect.poll(() => waits.length, { timeout: quietMs + 3_000 }).toBe(1);
    expect(waits[0]).toMatchObject({ who: 'sh', kind: 'program', context: 'kind', says: 'enter code A-1' });
    const begin = performance.now();
    waits[0]!.cancel();
    expect((await Promise.all(asked)).map((error) => (error as ClusterFailure).reason)).toEqual([
      'cancelled',
      'cancelled',
    ]);
    expect(performance.now() - begin).toBeLessThan(1_000);
    expect(waits.at(-1)).toBeUndefined();
    const child = Number(readFileSync(join(directory, 'child'), 'utf8'));
    await expect.poll(() => isRunning(child), { timeout: 6_000 }).toBe(false);
    // No window comes back by itself; somebody who asks anew gets one.
    await expect(made.get()).rejects.toMatchObject({ reason: 'cancelled' });
    expect(runs()).toBe(1);
    made.retry();
    void made.get().catch(() => undefined);
    await expect.poll(runs).toBe(2);
  }, 20_000);

  it('that fails at once is not started ten times for ten who ask one after the other', async () => {
    const made = source(counting('exit 1'));
    for (let i = 0; i < 10; i++) await made.get().catch(() => undefined);
    expect(runs()).toBe(1);
  });

  it('that leaves a child behind holding its output does not hold us', async () => {
    const begin = performance.now();
    const { stdout } = await runProgram('sh', ['-c', 'echo out; sleep 30 &'], { env: process.env, timeoutMs: 20_000 });
    expect(stdout).toBe('out\n');
    expect(performance.now() - begin).toBeLessThan(10_000);
  });

  it('on Windows is found by its ending, and a batch file goes through the shell with its arguments quoted', () => {
    const env = { Path: 'C:\\a;C:\\b', PATHEXT: '.EXE;.CMD', ComSpec: 'cmd' };
    const start = (file: string, args: string[]) =>
      findStart('az', args, env, 'win32', (candidate) => candidate.replace(/\//g, '\\') === file);
    expect(start('C:\\b\\az.EXE', ['x']).command.replace(/\//g, '\\')).toBe('C:\\b\\az.EXE');
    const batch = start('C:\\b\\az.CMD', ['a b', 'c"d', '%PATH%', '&calc']);
    expect(batch).toMatchObject({ command: 'cmd', verbatim: true });
    expect(batch.args.slice(0, 3)).toEqual(['/d', '/s', '/c']);
    expect(batch.args[3]).toContain('^"a^ b^"');
    expect(batch.args[3]).toContain('^%PATH^%');
    expect(batch.args[3]).toContain('^&calc');
    expect(findStart('az', [], {}, 'linux')).toEqual({ command: 'az', args: [], verbatim: false });
  });
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[2] !== 'Z';
  } catch {
    return false;
  }
}

describe('an OIDC issuer', () => {
  const jwt = (seconds: number, name = '') =>
    ['{}', JSON.stringify({ exp: Math.floor(Date.now() / 1000) + seconds, name }), 's']
      .map((part) => Buffer.from(part).toString('base64url'))
      .join('.');

  async function issuer(answer: (form: URLSearchParams, authorization: string) => [number, object]) {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (part: Buffer) => (body += part.toString()));
      request.on('end', () => {
        asked.push(request.url ?? '');
        const { port } = server.address() as AddressInfo;
        const [status, json] = request.url?.includes('well-known')
          ? [200, { token_endpoint: `http://127.0.0.1:${port}/token` }]
          : answer(new URLSearchParams(body), request.headers.authorization ?? '');
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanUps.push(() => server.close());
    return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/realm` };
  }

  function user(config: Record<string, string>, file?: string) {
    const text = `# mine\nusers:\n- name: other\n  user: {token: x}\n- name: jane\n  user:\n    auth-provider:\n      name: oidc\n      config:\n${Object.entries(
      config,
    )
      .map(([key, value]) => `        ${key}: ${value}  # kept`)
      .join('\n')}\ncontexts: []\n`;
    const path = file ?? join(directory, 'config');
    writeFileSync(path, text, { mode: 0o600 });
    return { path, user: parseKubeconfig(text, path).users[1]! };
  }

  it('is not asked while the id token is valid, and once for all when it is not', async () => {
    const { url, asked } = await issuer(() => [200, { id_token: jwt(300) }]);
    const valid = jwt(3600);
    const settings = { 'idp-issuer-url': url, 'client-id': 'k', 'refresh-token': 'r' };
    expect(await createOidcSource(user({ ...settings, 'id-token': valid }).user, 'x').get()).toBe(valid);
    expect(asked).toEqual([]);
    const source = createOidcSource(user({ ...settings, 'id-token': jwt(-5) }).user, 'x');
    await Promise.all(Array.from({ length: 10 }, () => source.get()));
    await source.get();
    expect(asked).toEqual(['/realm/.well-known/openid-configuration', '/token']);
  });

  it('that takes a refresh token back finds the new one in the kubeconfig, where nothing else changed', async () => {
    const fresh = jwt(300, 'fresh');
    const { url } = await issuer((form, authorization) =>
      form.get('refresh_token') === 'r1' && authorization === `Basic ${Buffer.from('k:s').toString('base64')}`
        ? [200, { id_token: fresh, refresh_token: 'r2' }]
        : [400, { error: 'invalid_grant', error_description: 'seen before' }],
    );
    const old = jwt(-5);
    const settings = {
      'idp-issuer-url': url,
      'client-id': 'k',
      'client-secret': 's',
      'id-token': old,
      'refresh-token': 'r1',
    };
    const { path, user: jane } = user(settings);
    const before = readFileSync(path, 'utf8');
    expect(await createOidcSource(jane, 'x').get()).toBe(fresh);
    expect(readFileSync(path, 'utf8')).toBe(before.replace(old, `"${fresh}"`).replace(/: r1 /, ': "r2" '));
    // Who starts from the old tokens reads what the file says now, and need not ask.
    expect(await createOidcSource(jane, 'x').get()).toBe(fresh);
  });

  it('that refuses, or is not named, is told with the way on', async () => {
    const { url } = await issuer(() => [400, { error: 'invalid_grant', error_description: 'session ended' }]);
    const told = async (config: Record<string, string>) =>
      (await createOidcSource(user(config).user, 'x')
        .get()
        .catch((error: unknown) => error)) as ClusterFailure;
    const refused = await told({ 'idp-issuer-url': url, 'client-id': 'k', 'id-token': jwt(-5), 'refresh-token': 'r' });
    expect(refused.message).toContain(`issuer ${url}: it answered 400: invalid_grant: session ended`);
    expect(refused.next).toContain('Log in');
    expect((await told({ 'id-token': jwt(-5) })).message).toContain(
      'without idp-issuer-url, client-id and refresh-token',
    );
  });

  it('does not write where somebody else is writing, or where there are no such tokens', async () => {
    const { path } = user({ 'id-token': 'a', 'refresh-token': 'b' });
    writeFileSync(`${path}.lock`, '');
    const tokens = { 'id-token': 'c', 'refresh-token': 'd' };
    expect(await keepOidcTokens(path, 'jane', tokens)).toBe(false);
    expect(replaceTokens('users: []', 'jane', tokens)).toBeUndefined();
    expect(replaceTokens('users: [', 'jane', tokens)).toBeUndefined();
  });
});

describe('a kubeconfig that changes', () => {
  it('is noticed when it is written, replaced, and when it comes', async () => {
    const [file, late] = [join(directory, 'config'), join(directory, 'late')];
    writeFileSync(file, 'a');
    let told = 0;
    const watcher = watchFiles([file, late, '/no/such/directory/config'], () => (told += 1));
    cleanUps.push(() => watcher.dispose());
    writeFileSync(join(directory, 'another'), 'x');
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(told).toBe(0);
    writeFileSync(file, 'b');
    await expect.poll(() => told).toBe(1);
    writeFileSync(late, 'c');
    await expect.poll(() => told).toBe(2);
  });

  it('is noticed as Kubernetes mounts it, again and again, and when its directory goes and comes', async () => {
    const generation = (name: string) => {
      mkdirSync(join(directory, name));
      writeFileSync(join(directory, name, 'config'), name);
      symlinkSync(name, join(directory, '..data_tmp'));
      renameSync(join(directory, '..data_tmp'), join(directory, '..data'));
    };
    generation('..1');
    symlinkSync(join('..data', 'config'), join(directory, 'config'));
    const home = join(directory, 'home');
    let told = 0;
    const watcher = watchFiles([join(directory, 'config'), join(home, '.kube', 'config')], () => (told += 1), 30);
    cleanUps.push(() => watcher.dispose());
    const next = async (change: () => void) => {
      const before = told;
      change();
      await expect.poll(() => told, { timeout: 5_000, interval: 20 }).toBeGreaterThan(before);
      await new Promise((resolve) => setTimeout(resolve, 100));
    };
    await next(() => generation('..2'));
    await next(() => generation('..3'));
    await next(() => rmSync(join(directory, '..data')));
    await next(() => generation('..4'));
    await next(() => mkdirSync(home));
    await next(() => mkdirSync(join(home, '.kube')));
    await next(() => writeFileSync(join(home, '.kube', 'config'), 'a'));
    await next(() => rmSync(join(home, '.kube'), { recursive: true }));
    await next(() => mkdirSync(join(home, '.kube')));
    await next(() => writeFileSync(join(home, '.kube', 'config'), 'a'));
  }, 20_000);

  it('does not hang on links that lead in a circle', () => {
    symlinkSync('b', join(directory, 'a'));
    symlinkSync('a', join(directory, 'b'));
    expect([...(namesToWatch([join(directory, 'a')]).get(directory) ?? [])].sort()).toEqual(['a', 'b']);
  });
});

it('Retry-After is a number of seconds or a date, and nothing else', () => {
  const now = Date.parse('Wed, 21 Oct 2026 07:28:00 GMT');
  expect(parseRetryAfter('120', now)).toBe(120);
  expect(parseRetryAfter('Wed, 21 Oct 2026 07:28:30 GMT', now)).toBe(30);
  expect(parseRetryAfter('Wed, 21 Oct 2026 07:00:00 GMT', now)).toBe(0);
  expect(parseRetryAfter('soon', now)).toBeUndefined();
  expect(parseRetryAfter(undefined, now)).toBeUndefined();
});
