import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { commandIds, settingIds, viewIds } from '../../extension/ids.ts';
import { readAll, screenshot } from './eyes.ts';
import { activated, eventually, pause, readTree, setTheme, visibleRows } from './support.ts';

const eventuallyRow = (what: RegExp, timeoutMs?: number) =>
  eventually(
    `a row that says ${what}`,
    async () => (await visibleRows()).find((text) => what.test(text)),
    timeoutMs,
  ).catch(async (error: unknown) => {
    throw new Error(`${(error as Error).message}\nThe rows are:\n${(await visibleRows()).join('\n')}`);
  });

/** The checkout, whose dist/ runs in this window. */
const root = process.env.MESHLOOM_TEST_ROOT ?? '';

async function chooseContext(id: string): Promise<void> {
  const { clusters } = await activated();
  const { contexts } = await clusters.listContexts();
  const context = contexts.find((candidate) => candidate.id === id);
  assert.ok(context, `there is a context ${id} among ${contexts.map((one) => one.id).join(', ')}`);
  await clusters.choose(context);
}

describe('seeing the cluster', function () {
  this.timeout(60_000);

  before(async () => {
    await vscode.commands.executeCommand('workbench.view.extension.meshloom');
  });

  it('contacts nobody until a view is looked at, then shows the demo cluster', async () => {
    await vscode.commands.executeCommand('meshloom.workloads.focus');
    await eventuallyRow(/^shop/);
  });

  it('says of every pod whether it is in the mesh, how, and why not', async () => {
    await chooseContext('demo:before-cni');
    await vscode.commands.executeCommand('meshloom.workloads.focus');
    await eventuallyRow(/^locked.*1 problem/);
    const tree = await readTree(viewIds.workloads);
    const says = (name: string) => tree.filter((text) => text.startsWith(name)).join(' | ');
    assert.match(says('batch'), /label/i);
    assert.match(says('legacy'), /annotation/i);
    assert.match(says('hostnet'), /host network/i);
    assert.match(says('reviews'), /injected by istio-init/);
    // Where Pod Security refuses the pod there is none to look at: the workload says it.
    assert.match(says('api'), /Pod Security/);
    await screenshot('workloads-before-cni');
  });

  it('follows the namespaces that are chosen, says which, and follows all again', async () => {
    await chooseContext('demo:before-cni');
    await vscode.commands.executeCommand('meshloom.workloads.focus');
    await eventuallyRow(/^locked.*1 problem/);
    await vscode.commands.executeCommand(commandIds.chooseNamespaces, ['shop']);
    await eventually('only shop', async () => {
      const rows = await visibleRows();
      return rows.some((text) => /^shop/.test(text)) && !rows.some((text) => /^locked/.test(text));
    });
    await eventually('the namespace in the title', async () =>
      (await readAll({ selector: '.part.sidebar .pane-header' })).some((text) => /shop/.test(text)),
    );
    await screenshot('workloads-chosen-namespace');
    await vscode.commands.executeCommand(commandIds.chooseNamespaces, []);
    await eventuallyRow(/^locked.*1 problem/);
  });

  it('shows pods that hang on a broken CNI chain', async () => {
    await chooseContext('demo:broken');
    await vscode.commands.executeCommand('meshloom.workloads.focus');
    await eventuallyRow(/^n1.*CNI version/);
    const tree = await readTree(viewIds.workloads);
    const says = (name: string) => tree.filter((text) => text.startsWith(name)).join(' | ');
    assert.match(says('batch'), /hangs: CNI version/);
    assert.match(says('web'), /hangs in Terminating/);
    assert.match(says('reviews'), /injected by CNI/);
    const chain = await readTree(viewIds.cniChain);
    assert.match(chain.join('\n'), /galaxy-sdn speaks only 0\.1\.0, 0\.2\.0/);
    for (const theme of ['light', 'dark'] as const) {
      await setTheme(theme);
      await screenshot(`trees-broken-${theme}`);
    }
  });
  it('explains an injection step by step', async () => {
    const text = await vscode.commands.executeCommand<string>(commandIds.explainInjection, {
      kind: 'Deployment',
      namespace: 'shop',
      name: 'legacy',
    });
    assert.match(text, /annotation/);
    await screenshot('explain-injection');
  });
});

describe('what stands beside the trees', function () {
  this.timeout(30_000);

  it('names a protected context as such in the title', async () => {
    const setting = vscode.workspace.getConfiguration();
    await setting.update(settingIds.protectedContexts, { 'Demo*': 'refuse' }, vscode.ConfigurationTarget.Global);
    await vscode.commands.executeCommand('meshloom.workloads.focus');
    await eventually('the word in the title', async () =>
      (await readAll({ selector: '.part.sidebar .pane-header .description' })).some((text) =>
        text.includes('protected'),
      ),
    );
    await setting.update(settingIds.protectedContexts, undefined, vscode.ConfigurationTarget.Global);
  });

  it('says of a page that comes back with a reloaded window that it is old, and how to ask again', async () => {
    await activated();
    const uri = vscode.Uri.from({ scheme: 'meshloom-page', path: '/mtls/shop/Deployment/nobody · mTLS.md' });
    const document = await vscode.workspace.openTextDocument(uri);
    assert.match(document.getText(), /before the window was loaded again.*“Mesh: Explain mTLS”/);
  });
});

describe('when the cluster does not answer as it should', function () {
  this.timeout(60_000);
  let server: Server;
  let kubeconfig: string;
  const authorizations = new Set<string>();
  let answer: (respond: { status: number; body: string } | 'never') => void;

  before(async () => {
    let next: { status: number; body: string } | 'never' = { status: 500, body: '' };
    answer = (respond) => (next = respond);
    server = createServer((request, response) => {
      authorizations.add(request.headers.authorization ?? '');
      if (next === 'never') return;
      response.writeHead(next.status, { 'content-type': 'application/json' }).end(next.body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    kubeconfig = join(process.env.MESHLOOM_TEST_SCRATCH ?? '/tmp', 'kubeconfig');
    await vscode.workspace
      .getConfiguration()
      .update(settingIds.kubeconfig, kubeconfig, vscode.ConfigurationTarget.Global);
  });

  after(async () => {
    server.closeAllConnections();
    server.close();
    await vscode.workspace
      .getConfiguration()
      .update(settingIds.kubeconfig, undefined, vscode.ConfigurationTarget.Global);
    await chooseContext('demo:broken');
  });

  const contextFor = (name: string, url: string, user: object = { token: 't' }) =>
    writeFileSync(
      kubeconfig,
      `apiVersion: v1\nkind: Config\ncurrent-context: ${name}\nclusters: [{ name: c, cluster: { server: '${url}' } }]\nusers: [{ name: u, user: ${JSON.stringify(user)} }]\ncontexts: [{ name: ${name}, context: { cluster: c, user: u } }]\n`,
    );
  const here = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const status = (code: number, reason: string) => ({
    status: code,
    body: JSON.stringify({
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      message: `${reason} by the test`,
      reason,
      code,
    }),
  });

  it('says so when the kubeconfig is missing', async () => {
    const { clusters } = await activated();
    const { problem, contexts } = await clusters.listContexts();
    assert.match(problem ?? '', /kubeconfig/);
    assert.ok(
      contexts.some(({ kind }) => kind === 'demo'),
      'the demo can still be chosen',
    );
  });

  it('says where the kubeconfig is broken', async () => {
    writeFileSync(kubeconfig, 'apiVersion: v1\nclusters: [\n');
    const { problem } = await (await activated()).clusters.listContexts();
    assert.match(problem ?? '', /kubeconfig/);
  });

  for (const [name, respond, words] of [
    ['refused', status(401, 'Unauthorized'), /401|log ?in|credential|token|recogni/i],
    ['no-rights', status(403, 'Forbidden'), /403|may not|not allowed|right|forbid/i],
    ['failing', status(500, 'InternalError'), /500|error/i],
  ] as const) {
    it(`shows one message with the reason in the tree when the API answers ${respond.status}`, async () => {
      contextFor(name, here());
      answer(respond);
      await chooseContext(`kubeconfig:${name}`);
      await vscode.commands.executeCommand('meshloom.workloads.focus');
      await eventuallyRow(words, 20_000);
    });
  }

  it('names the file when the recording of the demo cluster is cut off, and works again when it is whole', async () => {
    const file = join(root, 'dist', 'recordings', 'before-cni', 'resources.json');
    const whole = readFileSync(file, 'utf8');
    try {
      writeFileSync(file, whole.slice(0, whole.length / 2));
      await chooseContext('demo:before-cni');
      await vscode.commands.executeCommand('meshloom.workloads.focus');
      await eventually('the message above the tree', async () =>
        (await readAll({ selector: '.part.sidebar .message' })).some((text) => text.includes('resources.json')),
      );
      await screenshot('tree-damaged-recording');
    } finally {
      writeFileSync(file, whole);
    }
    await vscode.commands.executeCommand(commandIds.refresh);
    await eventuallyRow(/^locked.*1 problem/);
  });

  it('shows one message when nothing listens there', async () => {
    contextFor('nowhere', 'http://127.0.0.1:9');
    await chooseContext('kubeconfig:nowhere');
    await vscode.commands.executeCommand('meshloom.workloads.focus');
    await eventuallyRow(/connect|reach|refused/i, 20_000);
    await screenshot('tree-unreachable');
  });

  it('says what login it waits for, and ends it at once', async () => {
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      interactiveMode: 'IfAvailable',
      command: 'sh',
      args: ['-c', 'echo "Open https://login.example and enter A-1" >&2; sleep 100'],
    };
    contextFor('waiting', here(), { exec });
    await chooseContext('kubeconfig:waiting');
    await vscode.commands.executeCommand('meshloom.workloads.focus');
    await eventuallyRow(/Waiting for the login/, 20_000);
    await eventually('what the program says', async () =>
      (await readAll({ selector: '.part.sidebar .message' })).some((text) => text.includes('enter A-1')),
    );
    await screenshot('tree-waits-for-login');
    await vscode.commands.executeCommand(commandIds.cancelLogin);
    await eventuallyRow(/cancelled/, 5_000);
  });

  /** The title of what is skipped is printed. */
  const onPosix = (title: string, test: () => Promise<void>) =>
    process.platform === 'win32'
      ? it.skip(`${title} (not on Windows: the editor opens no login terminal there)`)
      : it(title, test);

  const nextTerminal = () =>
    new Promise<vscode.Terminal>((resolve) => {
      const following = vscode.window.onDidOpenTerminal((terminal) => {
        following.dispose();
        resolve(terminal);
      });
    });

  onPosix('lets a login program ask in a terminal, where its credential is never shown', async () => {
    const token = 'never-to-be-seen';
    const printed = { kind: 'ExecCredential', apiVersion: 'client.authentication.k8s.io/v1', status: { token } };
    const exec = {
      apiVersion: printed.apiVersion,
      interactiveMode: 'Always',
      command: 'sh',
      args: [
        '-c',
        // The editor knows a variable of that look; it is none here.
        `printf 'Badge: ' >&2; read -r badge; test "$1$badge" = '\${env:HOME}A-1' && echo '${JSON.stringify(printed)}'; sleep 3`,
        'sh',
        '${env:HOME}',
      ],
    };
    contextFor('asking', here(), { exec });
    answer(status(403, 'Forbidden'));
    authorizations.clear();
    const opened = nextTerminal();
    await chooseContext('kubeconfig:asking');
    await vscode.commands.executeCommand('meshloom.workloads.focus');
    const terminal = await opened;
    assert.equal(terminal.name, 'Login: sh (u)');
    await eventuallyRow(/Waiting for the login/, 20_000);
    await screenshot('login-in-terminal');
    terminal.sendText('A-1');
    await pause(500);
    await vscode.commands.executeCommand('workbench.action.terminal.selectAll');
    await vscode.commands.executeCommand('workbench.action.terminal.copySelection');
    const screen = await vscode.env.clipboard.readText();
    assert.match(screen, /Badge: .*A-1/);
    assert.ok(!screen.includes(token), 'the token is not in the terminal');
    await eventually('the token at the server', () => authorizations.has(`Bearer ${token}`));
    await eventually('the terminal is closed', () => terminal.exitStatus !== undefined);
    assert.deepEqual(
      readdirSync(tmpdir()).filter((name) => name.startsWith('meshloom-terminal-')),
      [],
    );
  });

  onPosix('offers a terminal where a login program fails for lack of one; closing it cancels the login', async () => {
    const script = 'test -t 0 || { echo "no terminal" >&2; exit 1; }; read -r word';
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', interactiveMode: 'IfAvailable', command: 'sh' };
    contextFor('lacking', here(), { exec: { ...exec, args: ['-c', script] } });
    await chooseContext('kubeconfig:lacking');
    await vscode.commands.executeCommand('meshloom.workloads.focus');
    await eventuallyRow(/no terminal/);
    await eventuallyRow(/^Log In in Terminal/);
    await screenshot('login-offers-terminal');
    const opened = nextTerminal();
    await vscode.commands.executeCommand(commandIds.loginInTerminal);
    const terminal = await opened;
    await terminal.processId;
    terminal.dispose();
    await eventuallyRow(/cancelled/);
  });

  it('shows a message, not a frozen view, when the API never answers', async () => {
    contextFor('silent', here());
    answer('never');
    await chooseContext('demo:broken');
    // Another view may be in front of it.
    await vscode.commands.executeCommand('meshloom.workloads.focus');
    await eventuallyRow(/^shop/);
    await chooseContext('kubeconfig:silent');
    // Not the rows of one cluster under the name of another.
    await eventually(
      'nothing of the other cluster',
      async () => !(await visibleRows()).some((row) => /^(?:shop|n1|istiod)/.test(row)),
      3_000,
    );
    await eventuallyRow(/^Reading silent/, 1_000);
    await vscode.commands.executeCommand('meshloom.workloads.focus');
    await eventuallyRow(/answer|time/i, 40_000);
  });
});
