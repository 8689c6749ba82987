import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { build } from 'esbuild';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contentSecurityPolicy } from '../extension/panels/webview-html.ts';
import { servicePathStates } from '../webviews/gallery/service-path-states.ts';

const root = resolve(import.meta.dirname, '..');
const browserPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
);
const screenshots = join(root, 'out/screenshots');

if (!browserPath) console.warn('skipped: the service path gallery is not looked at, because no Chromium is installed');

describe.skipIf(!browserPath)(
  'the service path view, under the webview’s own content security policy',
  { timeout: 60_000 },
  () => {
    let directory: string;
    let browser: Browser;

    beforeAll(async () => {
      mkdirSync(screenshots, { recursive: true });
      directory = await mkdtemp(join(tmpdir(), 'meshloom-gallery-'));
      await build({
        entryPoints: { 'service-path': join(root, 'webviews/gallery/service-path.ts') },
        outdir: directory,
        ...{
          bundle: true,
          platform: 'browser',
          format: 'iife',
          target: 'es2022',
          logLevel: 'warning',
          loader: { '.ttf': 'dataurl' },
        },
      });
      const page = await readFile(join(root, 'webviews/gallery/service-path.html'), 'utf8');
      const policy = contentSecurityPolicy('gallery', 'file:').replace(/"/g, '&quot;');
      await writeFile(
        join(directory, 'index.html'),
        page
          .replace('<meta charset', `<meta http-equiv="Content-Security-Policy" content="${policy}" /><meta charset`)
          .replace('<script ', '<script nonce="gallery" '),
      );
      browser = await chromium.launch({
        executablePath: browserPath!,
        args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
      });
    });

    afterAll(async () => {
      await browser?.close();
      if (directory) await rm(directory, { recursive: true });
    });

    async function open(state: string, theme = 'dark', width = 1180): Promise<{ page: Page; complaints: string[] }> {
      const page = await browser.newPage({ viewport: { width, height: 900 }, locale: 'en-GB' });
      const complaints: string[] = [];
      page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
      page.on('pageerror', (error) => complaints.push(String(error)));
      await page.goto(`${pathToFileURL(join(directory, 'index.html')).href}?state=${state}&theme=${theme}`);
      await page.waitForSelector('main.service-path');
      return { page, complaints };
    }

    it.each(Object.keys(servicePathStates))('shows %s without a complaint, at any width', async (state) => {
      for (const [theme, width] of [
        ['dark', 1180],
        ['light', 420],
      ] as const) {
        const { page, complaints } = await open(state, theme, width);
        expect(complaints).toEqual([]);
        expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
        await page.screenshot({
          path: join(screenshots, `service-path-${state}-${theme}.png`),
          fullPage: state !== 'many-endpoints',
        });
        await page.close();
      }
    });

    it('shows the share of each endpoint, and the rules behind it when asked', async () => {
      const { page } = await open('shares');
      expect(await page.locator('.endpoints tbody tr').allInnerTexts()).toEqual([
        expect.stringContaining('33.34 %'),
        expect.stringContaining('33.33 %'),
        expect.stringContaining('33.33 %'),
      ]);
      await page.locator('.client summary').first().click();
      expect(await page.locator('.client[open] .steps').innerText()).toContain('-A KUBE-SVC-X');
      await page.screenshot({ path: join(screenshots, 'service-path-opened.png'), fullPage: true });
      await page.close();
    });

    it('names a missing endpoint, one that should be gone, and one that is not ready', async () => {
      const { page } = await open('missing-endpoint');
      const notices = await page.locator('.notices').innerText();
      expect(notices).toContain('10.88.0.3:8080');
      expect(notices).toContain('10.88.0.9:8080');
      expect(notices).toContain('10.88.0.4:8080');
      await page.close();
    });

    it('offers to deploy the helper where there is none, and passes the wish on', async () => {
      const { page } = await open('failed');
      await page.locator('.action-deploy-node-helper').click();
      expect(await page.title()).toBe('{"type":"action","id":"deploy-node-helper"}');
      await page.close();
    });

    it('shows markup in a name as text', async () => {
      const { page } = await open('markup');
      expect(await page.locator('h1').innerText()).toBe('<img src=x onerror=alert(1)>');
      expect(await page.locator('img').count()).toBe(0);
      await page.close();
    });
  },
);
