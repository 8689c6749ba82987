// One window of a real VS Code with a suite running in its extension host, and eyes and hands on its page for that suite:
// a small HTTP server on loopback that takes screenshots, reads text, clicks and types through the browser's protocol.
import { createServer } from 'node:http';
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { root } from './setup.mjs';
import { editorUrl, endProcessGroup, startServer } from './vscode-host.mjs';

const chromiumFlags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const remoteDebuggingPort = 9339;

/**
 * Opens `folder` with the extension, runs the module `tests` in the extension host, and closes everything.
 * @param environment handed to the extension host, beside `MESHLOOM_EYES` (where the eyes listen).
 * @returns what the suite reported.
 */
export async function runInEditor({
  host,
  chromiumPath,
  folder,
  tests,
  dataDir,
  environment = {},
  timeoutMs,
  screenshots,
  locale,
}) {
  const eyes = await openEyes({ screenshots });
  const hostEnvironment = { ...environment, MESHLOOM_EYES: eyes.url };
  let close;
  try {
    const opened = await (host.kind === 'server'
      ? openInServer({ chromiumPath, folder, tests, dataDir, environment: hostEnvironment, locale })
      : openOnDesktop({ executable: host.executable, folder, tests, dataDir, environment: hostEnvironment }));
    close = opened.close;
    eyes.look(opened.page);
    return await Promise.race([
      eyes.report,
      opened.ended.then(() =>
        Promise.race([
          eyes.report,
          after(2_000).then(() => Promise.reject(new Error('VS Code ended before the suite did.'))),
        ]),
      ),
      after(timeoutMs).then(async () => {
        await opened.page.screenshot({ path: join(screenshots, 'timeout.png') }).catch(() => undefined);
        throw new Error(
          `The suite in VS Code did not report within ${timeoutMs / 1000} s; see ${join(screenshots, 'timeout.png')}.`,
        );
      }),
    ]);
  } finally {
    await close?.();
    await eyes.close();
  }
}

async function openInServer({ chromiumPath, folder, tests, dataDir, environment, locale }) {
  const { origin, server, stop } = await startServer({ dataDir, environment, underTest: true });
  const browser = await chromium.launch({ executablePath: chromiumPath, args: chromiumFlags }).catch(async (error) => {
    await stop();
    throw error;
  });
  const close = async () => {
    await browser.close();
    await stop();
  };
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...(locale && { locale }) });
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin });
  const page = await context.newPage();
  if (process.env.MESHLOOM_VERBOSE)
    page.on('console', (message) => console.log(`  [page] ${message.text().slice(0, 300)}`));
  await page.goto(editorUrl({ origin, folder, tests }));
  return { page, close, ended: new Promise((resolve) => server.once('exit', resolve)) };
}

async function openOnDesktop({ executable, folder, tests, dataDir, environment }) {
  const editor = spawn(
    executable,
    [
      folder,
      `--extensionDevelopmentPath=${root}`,
      `--extensionTestsPath=${tests}`,
      `--user-data-dir=${dataDir}`,
      `--extensions-dir=${join(dataDir, 'extensions')}`,
      `--remote-debugging-port=${remoteDebuggingPort}`,
      '--disable-workspace-trust',
      '--skip-welcome',
      '--skip-release-notes',
      '--no-sandbox',
    ],
    { stdio: 'ignore', env: { ...process.env, ...environment }, detached: process.platform !== 'win32' },
  );
  const ended = new Promise((resolve) => editor.once('exit', resolve));
  for (let attempt = 0; ; attempt++) {
    try {
      const browser = await chromium.connectOverCDP(`http://127.0.0.1:${remoteDebuggingPort}`);
      const page = browser.contexts()[0]?.pages()[0];
      if (!page) throw new Error('VS Code has no window yet.');
      return { page, ended, close: () => browser.close().then(() => endProcessGroup(editor)) };
    } catch (error) {
      if (attempt > 60) {
        await endProcessGroup(editor);
        throw error;
      }
      await after(500);
    }
  }
}

/** The eyes and hands. Every request is a POST with JSON; `inWebview` looks into the newest webview instead of the workbench. */
async function openEyes({ screenshots }) {
  mkdirSync(screenshots, { recursive: true });
  let page;
  let reported;
  let sawPage;
  const pageIsThere = new Promise((resolve) => (sawPage = resolve));
  const report = new Promise((resolve) => (reported = resolve));

  const places = async (inWebview) => {
    if (!inWebview) return [page.mainFrame()];
    return page
      .frames()
      .filter((frame) => frame !== page.mainFrame() && frame.url().includes('fake.html'))
      .reverse();
  };
  const find = async ({ selector, text, inWebview, timeoutMs = 10_000 }) => {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      for (const frame of await places(inWebview)) {
        const found = frame.locator(selector, text ? { hasText: text } : undefined).first();
        if (await found.isVisible().catch(() => false)) return found;
      }
      if (Date.now() > deadline)
        throw new Error(`Not seen within ${timeoutMs} ms: ${selector}${text ? ` with “${text}”` : ''}`);
      await after(100);
    }
  };
  const actions = {
    screenshot: async ({ name }) => void (await page.screenshot({ path: join(screenshots, `${name}.png`) })),
    text: async (request) => (await find(request)).innerText(),
    texts: async ({ selector, inWebview }) => {
      for (const frame of await places(inWebview)) {
        const all = await frame
          .locator(selector)
          .allInnerTexts()
          .catch(() => []);
        if (all.length > 0) return all;
      }
      return [];
    },
    click: async (request) => (await find(request)).click({ button: request.button ?? 'left' }),
    fill: async (request) => (await find(request)).fill(request.value),
    hover: async (request) => (await find(request)).hover(),
    press: async ({ key }) => page.keyboard.press(key),
    type: async ({ value }) => page.keyboard.type(value),
    done: async (summary) => reported(summary),
  };
  const server = createServer((request, response) => {
    void (async () => {
      try {
        await pageIsThere;
        const chunks = [];
        for await (const chunk of request) chunks.push(chunk);
        const action = actions[request.url.slice(1)];
        if (!action) throw new Error(`No such action: ${request.url}`);
        const value = await action(JSON.parse(Buffer.concat(chunks).toString() || '{}'));
        response.end(JSON.stringify({ value }));
      } catch (error) {
        response.statusCode = 500;
        response.end(JSON.stringify({ error: error.message }));
      }
    })();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    report,
    look: (at) => {
      page = at;
      sawPage();
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(resolve);
      }),
  };
}

function after(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}
