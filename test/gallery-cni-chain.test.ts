import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { build } from 'esbuild';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contentSecurityPolicy } from '../extension/panels/webview-html.ts';
import { cniChainStates } from '../webviews/gallery/cni-chain-states.ts';

const root = resolve(import.meta.dirname, '..');
const browserPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
);
const screenshots = join(root, 'out/screenshots');

if (!browserPath) console.warn('skipped: the CNI chain gallery is not looked at, because no Chromium is installed');

describe.skipIf(!browserPath)(
  'the CNI chain view, under the webview’s own content security policy',
  { timeout: 60_000 },
  () => {
    let directory: string;
    let browser: Browser;

    beforeAll(async () => {
      mkdirSync(screenshots, { recursive: true });
      directory = await mkdtemp(join(tmpdir(), 'meshloom-gallery-'));
      await build({
        entryPoints: { 'cni-chain': join(root, 'webviews/gallery/cni-chain.ts') },
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
      const page = await readFile(join(root, 'webviews/gallery/cni-chain.html'), 'utf8');
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
      await page.waitForSelector('main.cni-chain');
      return { page, complaints };
    }

    it.each(Object.keys(cniChainStates))('shows %s without a complaint, at any width', async (state) => {
      for (const [theme, width] of [
        ['dark', 1180],
        ['light', 420],
      ] as const) {
        const { page, complaints } = await open(state, theme, width);
        expect(complaints).toEqual([]);
        expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
        await page.screenshot({
          path: join(screenshots, `cni-chain-${state}-${theme}.png`),
          fullPage: state !== 'plan-large',
        });
        await page.close();
      }
    });

    it.each(['high-contrast', 'high-contrast-light'])('can be told apart without colour in %s', async (theme) => {
      for (const state of ['broken', 'sound', 'plan-installation']) {
        const { page, complaints } = await open(state, theme);
        expect(complaints).toEqual([]);
        await page.screenshot({ path: join(screenshots, `cni-chain-${state}-${theme}.png`), fullPage: true });
        await page.close();
      }
    });

    it('marks the version that is asked for in words, and says of every cell whether it is spoken', async () => {
      const { page } = await open('broken');
      expect(await page.locator('.matrix th.asked').innerText()).toMatch(/0\.3\.1\s*asked for/);
      expect(await page.locator('.matrix tbody tr').first().locator('td').allInnerTexts()).toEqual([
        expect.stringMatching(/✓\s*spoken/),
        expect.stringMatching(/✓\s*spoken/),
        ...Array.from({ length: 5 }, () => expect.stringMatching(/✗\s*not spoken/) as unknown),
      ]);
      await page.close();
    });

    it('runs the wish of each button', async () => {
      const { page } = await open('broken');
      const sends = async (selector: string) => {
        await page.locator(selector).first().click();
        return JSON.parse(await page.title()) as unknown;
      };
      expect(await sends('.run-repair')).toEqual({ type: 'run', command: 'repair' });
      expect(await sends('.run-plan-installation')).toEqual({ type: 'run', command: 'plan-installation' });
      expect(await sends('.problems .link')).toEqual({ type: 'open-docs', code: 'ML2001' });
      expect(await sends('.pods .link')).toEqual({
        type: 'reveal-pod',
        namespace: 'shop',
        name: 'batch-5fdc6666cd-6kbwm',
      });
      expect(await sends('.open-diff')).toEqual({ type: 'open-diff', file: '00-galaxy.conf' });
      expect(await sends('.close-plan')).toEqual({ type: 'close-plan' });
      expect(await sends('.refresh')).toEqual({ type: 'refresh' });
      await page.close();
    });

    it('can be walked through and unfolded with the keyboard alone', async () => {
      const { page } = await open('sound');
      await page.locator('.file summary').focus();
      await page.keyboard.press('Enter');
      expect(await page.locator('.file pre').innerText()).toContain('cniVersion');
      await page.keyboard.press('Tab');
      expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('PRE');
      await page.close();
    });

    it('names every region, button and image for a screen reader', async () => {
      const { page } = await open('broken');
      const nameless = await page.evaluate(() =>
        [...document.querySelectorAll('button, [role=region], table, pre')]
          .filter((element) => !(element.getAttribute('aria-label') ?? element.textContent)?.trim())
          .map(({ outerHTML }) => outerHTML.slice(0, 80)),
      );
      expect(nameless).toEqual([]);
      expect(await page.locator('svg:not([aria-hidden=true])').count()).toBe(0);
      await page.close();
    });

    it('offers to deploy the helper where there is none, and labels what the API tells', async () => {
      const { page } = await open('no-helper');
      expect(await page.locator('header .label').innerText()).toBe('from the Kubernetes API alone');
      await page.locator('.action-deploy-node-helper').click();
      expect(await page.title()).toBe('{"type":"action","id":"deploy-node-helper"}');
      await page.close();
    });

    it('shows markup in names and contents as text', async () => {
      const { page } = await open('markup');
      expect(await page.locator('h1').innerText()).toBe('<img src=x onerror=alert(1)>');
      expect(await page.locator('img, b, i, .says script').count()).toBe(0);
      await page.close();
    });
  },
);
