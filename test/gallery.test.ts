import { existsSync, mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contentSecurityPolicy } from '../extension/panels/webview-html.ts';
import { recordedRules } from '../webviews/gallery/recorded-rules.ts';
import { states } from '../webviews/gallery/states.ts';

const root = resolve(import.meta.dirname, '..');
const browserPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
);
const browserArguments = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const screenshots = join(root, 'out/screenshots');
const nonce = 'gallery';

if (!browserPath)
  console.warn('skipped: the gallery is not looked at, because no Chromium is installed (apt-get install chromium)');

describe.skipIf(!browserPath)(
  'the gallery, under the webview’s own content security policy',
  { timeout: 60_000 },
  () => {
    let server: Server;
    let browser: Browser;
    let address: string;

    beforeAll(async () => {
      mkdirSync(screenshots, { recursive: true });
      server = await serveGallery();
      address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      browser = await chromium.launch({ executablePath: browserPath!, args: browserArguments });
    });

    afterAll(async () => {
      await browser?.close();
      await new Promise((done) => server?.close(done));
    });

    /** Opens a state in a fresh page; the page must not complain. */
    async function open(state: string, theme = 'dark', width = 1180): Promise<{ page: Page; complaints: string[] }> {
      const page = await browser.newPage({ viewport: { width, height: 820 }, locale: 'en-GB' });
      const complaints: string[] = [];
      page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
      page.on('pageerror', (error) => complaints.push(String(error)));
      await page.goto(`${address}?state=${state}&theme=${theme}`);
      await page.waitForSelector('main.interception');
      return { page, complaints };
    }

    for (const theme of ['dark', 'light', 'high-contrast', 'high-contrast-light']) {
      it(
        `shows every state in ${theme}, readable and without a complaint of the browser`,
        { timeout: 240_000 },
        async () => {
          // Size is no matter of colour: one theme sees the giants.
          const shown = Object.keys(states).filter((state) => theme === 'dark' || !state.startsWith('many-'));
          for (const state of shown) {
            const { page, complaints } = await open(state, theme);
            expect(complaints, state).toEqual([]);
            expect(await page.locator('main h1').textContent(), state).toBeTruthy();
            await page.screenshot({ path: join(screenshots, `gallery-${state}-${theme}.png`) });
            expect(await page.evaluate(findFaintText), `${state} in ${theme}`).toEqual([]);
            await page.close();
          }
        },
      );
    }

    it('finds rules by any word, marks it, counts, and gives all back on Escape', async () => {
      const { page } = await open('redirect');
      const rules = page.locator('[role=row].rule');
      const all = await rules.count();
      expect(all).toBe(recordedRules.redirect.v4.match(/ -A /g)?.length);
      await page.keyboard.press('/');
      await page.keyboard.type('DPORT 15021');
      await expect.poll(() => rules.count()).toBe(1);
      expect(await page.locator('.text mark').allTextContents()).toEqual(['dport', '15021']);
      expect(await page.locator('.found').textContent()).toBe(`1 of ${all} rules`);
      await page.keyboard.press('Escape');
      await expect.poll(() => rules.count()).toBe(all);
      await page.locator('h1').click();
      await page.keyboard.press('Control+f');
      await page.keyboard.type('no such thing');
      await page.locator('.empty').waitFor();
      await page.locator('.show-all').click();
      await expect.poll(() => rules.count()).toBe(all);
      await page.close();
    });

    it('gives every rule to who selects the whole page, also those out of sight', async () => {
      const { page } = await open('redirect');
      const text = await page.innerText('main');
      for (const rule of recordedRules.redirect.v4.match(/-A .*/g) ?? []) expect(text).toContain(rule);
      await page.close();
    });

    it('marks a rule that nobody knows with words, and counts it in a warning', async () => {
      const { page } = await open('unknown-rules');
      expect(await page.locator('.rule.unknown .mark').allInnerTexts()).toEqual([
        'Unknown rule',
        'Unknown rule',
        'Unknown rule',
      ]);
      expect(await page.locator('.notice.warning').innerText()).toContain('3 rules are not of Istio');
      await page.close();
    });

    it('hides rules that no packet has met', async () => {
      const { page } = await open('redirect');
      await page.locator('.unused').click();
      const met = recordedRules.redirect.v4.match(/^\[[1-9]\d*:\d+\] -A /gm)?.length;
      await expect.poll(() => page.locator('[role=row].rule').count()).toBe(met);
      await page.close();
    });

    it('has the exact text one click away, to copy and to open', async () => {
      const { page } = await open('redirect');
      await page.getByRole('tab', { name: 'Raw Text' }).click();
      expect(await page.locator('pre.raw').textContent()).toBe(recordedRules.redirect.v4);
      await page.locator('.copy').click();
      expect(await page.locator('#posted').textContent()).toContain('{"type":"copy","text":"*nat');
      await page.locator('.open-raw').click();
      expect(await page.locator('#posted').textContent()).toBe('{"type":"open-raw","reading":"4-nft"}');
      await page.screenshot({ path: join(screenshots, 'gallery-raw-dark.png') });
      await page.close();
    });

    it('shows the other reading, and keeps search, tab and reading over a reload', async () => {
      const { page } = await open('redirect');
      await page.locator('#search').click();
      await page.keyboard.type('15001');
      await page.getByRole('radio', { name: 'IPv6' }).click();
      expect(await page.getByRole('radio', { name: 'IPv6' }).getAttribute('aria-checked')).toBe('true');
      await page.getByRole('tab', { name: 'Raw Text' }).click();
      await page.reload();
      expect(await page.locator('pre.raw').textContent()).toBe(recordedRules.redirect.v6);
      await page.getByRole('tab', { name: 'Rules' }).click();
      await page.getByRole('radio', { name: 'IPv4' }).click();
      expect(await page.locator('#search').evaluate((field) => (field as HTMLInputElement).value)).toBe('15001');
      await page.close();
    });

    it('folds a chain, and a link to it unfolds it and goes there', async () => {
      const { page } = await open('redirect');
      const chain = page.locator('details.chain', { has: page.locator('#chain-nat_ISTIO_REDIRECT') });
      await page.locator('#chain-nat_ISTIO_REDIRECT').click();
      expect(await chain.locator('.rule').count()).toBe(0);
      await page.locator('.text a', { hasText: 'ISTIO_REDIRECT' }).first().click();
      expect(await chain.locator('.rule').count()).toBe(1);
      expect(await page.evaluate(() => document.activeElement?.id)).toBe('chain-nat_ISTIO_REDIRECT');
      await page.close();
    });

    it('posts what the buttons of a failure stand for', async () => {
      const { page } = await open('failed-no-helper');
      await page.locator('.action-deploy-node-helper').click();
      expect(await page.locator('#posted').textContent()).toBe('{"type":"action","id":"deploy-node-helper"}');
      await page.locator('.refresh').click();
      expect(await page.locator('#posted').textContent()).toBe('{"type":"refresh"}');
      await page.close();
    });

    it('lets the keyboard reach everything that can be pressed, with a visible focus', async () => {
      for (const [state, theme] of [
        ['redirect', 'dark'],
        ['unknown-rules', 'light'],
        ['failed-no-helper', 'high-contrast'],
        ['graph', 'dark'],
        ['trace', 'light'],
        ['drift-some', 'high-contrast'],
        ['watch-armed', 'dark'],
        ['compare-differs', 'high-contrast-light'],
      ] as const) {
        const { page } = await open(state, theme);
        const expected = await page.evaluate(nameStops);
        const reached = new Set<string>();
        const unseen: string[] = [];
        for (let presses = 0; presses < expected.length + 20; presses++) {
          await page.keyboard.press('Tab');
          const focused = await page.evaluate(describeFocus);
          if (!focused) continue;
          reached.add(focused.name);
          if (!focused.visible) unseen.push(focused.name);
        }
        expect(
          expected.filter((name) => !reached.has(name)),
          state,
        ).toEqual([]);
        expect([...new Set(unseen)], state).toEqual([]);
        await page.close();
      }
    });

    it('moves through tabs and readings with the arrow keys', async () => {
      const { page } = await open('redirect');
      await page.getByRole('tab', { name: 'Rules' }).focus();
      await page.keyboard.press('ArrowLeft');
      await page.locator('pre.raw').waitFor();
      await page.keyboard.press('ArrowRight');
      await page.locator('[role=row].rule').first().waitFor();
      for (const panel of ['.graph-canvas', '.trace-form', '.status', '.watch', '.choose-pod', 'pre.raw']) {
        await page.keyboard.press('ArrowRight');
        await page.locator(panel).first().waitFor();
        const tab = page.locator('[role=tab][aria-selected=true]');
        expect(await tab.evaluate((element) => element === document.activeElement)).toBe(true);
        expect(await page.locator('[role=tabpanel]').getAttribute('aria-labelledby')).toBe(
          await tab.getAttribute('id'),
        );
      }
      await page.getByRole('radio', { name: 'IPv4' }).focus();
      await page.keyboard.press('ArrowRight');
      expect(await page.getByRole('radio', { name: 'IPv6' }).getAttribute('aria-checked')).toBe('true');
      await page.close();
    });

    it('fits a narrow editor column in every state', { timeout: 240_000 }, async () => {
      const narrow = Object.keys(states).filter((state) => !/^many-(2000|50000|chains)/.test(state));
      for (const state of narrow) {
        const { page } = await open(state, 'dark', 380);
        const overflow = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        expect(overflow, state).toBeLessThanOrEqual(0);
        await page.screenshot({ path: join(screenshots, `gallery-${state}-narrow.png`) });
        await page.close();
      }
    });

    it('paints 150 rules at once, and stays fluid with 2,000', async () => {
      const paints: Paint[] = [];
      for (let trial = 0; trial < 5; trial++) {
        const { page } = await open('many-150');
        paints.push(await page.evaluate(timePaint));
        await page.close();
      }
      const { page } = await open('many-2000');
      expect(await page.locator('[role=row].rule').count()).toBe(2000);
      const whole = await page.evaluate(timePaint);
      const scrolling = await page.evaluate(scrollThrough);
      await page.locator('#search').click();
      const keys: number[] = [];
      for (const key of ['2', '0', '1', 'Backspace', 'Backspace', 'Backspace']) keys.push(await timeKey(page, key));
      console.log(
        `150 rules, from the state to the painted page: ${list(paints.map(({ painted }) => painted))} ms (budget 200)`,
      );
      console.log(`150 rules, from the navigation to the first paint: ${list(paints.map(({ first }) => first))} ms`);
      console.log(
        `2,000 rules: elements ${Math.round(whole.elements)} ms, painted ${Math.round(whole.painted)} ms; a key in their search: ${list(keys)} ms`,
      );
      console.log(
        `2,000 rules scrolled through: ${scrolling.frames} frames, ${scrolling.long.length} tasks over 50 ms${scrolling.long.length ? ` (${list(scrolling.long)} ms)` : ''}`,
      );
      // The best of five: the others measure what else the machine was doing.
      expect(Math.min(...paints.map(({ painted }) => painted))).toBeLessThan(200);
      expect(Math.min(...keys)).toBeLessThan(200);
      expect(Math.max(0, ...scrolling.long)).toBeLessThan(250);
      await page.close();
    });

    it('draws the graph of 150 rules, and each step on it, without a wait', async () => {
      const { page } = await open('many-150');
      const opened = await timeClick(page, '#tab-graph');
      const zoomed = await timeClick(page, '.zoom-in');
      await page.locator('.node').first().focus();
      const keys = [await timeKey(page, 'ArrowRight'), await timeKey(page, 'ArrowRight'), await timeKey(page, '+')];
      console.log(`the graph: opened ${list([opened])} ms, zoomed ${list([zoomed])} ms, keys ${list(keys)} ms`);
      expect(Math.min(...keys)).toBeLessThan(200);
      await page.close();
    });

    it('walks over the graph by keyboard, zooms, and shows the rules of what is chosen', async () => {
      const { page } = await open('graph-traced');
      const named = page.locator('.node');
      for (const name of await named.evaluateAll((nodes) => nodes.map((node) => node.getAttribute('aria-label'))))
        expect(name).toMatch(/^(Hook|Chain|End) .+, \d+ rules?/);
      await page.locator('.node[tabindex="0"]').focus();
      await page.keyboard.press('Home');
      expect(await page.evaluate(focusedLabel)).toContain('Hook PREROUTING of table nat');
      await page.keyboard.press('ArrowRight');
      expect(await page.evaluate(focusedLabel)).toContain('Chain ISTIO_INBOUND of table nat');
      expect(await page.locator('.chosen .rule').count()).toBe(5);
      const scale = async () => parseInt((await page.locator('.scale').textContent()) ?? '', 10);
      const before = await scale();
      await page.keyboard.press('+');
      expect(await scale()).toBeGreaterThan(before);
      await page.keyboard.press('-');
      await page.keyboard.press('-');
      expect(await scale()).toBeLessThan(before);
      await page.keyboard.press('0');
      const transform = () => page.locator('.graph-canvas > g').getAttribute('transform');
      const fitted = await transform();
      await page.locator('.graph-canvas').hover({ position: { x: 20, y: 20 } });
      await page.mouse.wheel(0, -200);
      await expect.poll(transform).not.toBe(fitted);
      const zoomed = await transform();
      await page.mouse.down();
      await page.mouse.move(300, 600);
      await page.mouse.up();
      expect(await transform()).not.toBe(zoomed);
      expect(await page.locator('.edge.traced').count()).toBe(3);
      expect(await page.locator('.step-badge text').allTextContents()).toEqual(
        expect.arrayContaining(['1', '2', '3']) as string[],
      );
      await page.locator('.to-rules').click();
      expect(await page.evaluate(() => document.activeElement?.id)).toBe('chain-nat_ISTIO_INBOUND');
      await page.close();
    });

    it('traces what a preset or a person asks, and leads to the rules', async () => {
      const { page, complaints } = await open('trace');
      const verdict = page.locator('.verdict h2');
      expect(await verdict.innerText()).toBe('REDIRECT :15001');
      for (const [preset, answer] of [
        ['app-itself', 'PASS'],
        ['client-app', 'REDIRECT :15006'],
        ['kubelet-probe', 'PASS'],
        ['prometheus', 'PASS'],
        ['proxy-app', 'PASS'],
        ['dns', 'PASS'],
        ['excluded', 'PASS'],
        ['app-service', 'REDIRECT :15001'],
      ]) {
        await page.locator(`.preset-${preset}`).click();
        expect(await page.locator(`.preset-${preset}`).getAttribute('aria-pressed')).toBe('true');
        expect(await verdict.innerText(), preset).toBe(answer);
      }
      await page.getByLabel('User id').fill('1337');
      expect(await verdict.innerText()).toBe('PASS');
      await page.getByLabel('Destination', { exact: true }).fill('not an address');
      expect(await page.locator('#trace-dst-problem').textContent()).toBe('Not an IP address.');
      expect(await verdict.count()).toBe(0);
      await page.locator('.preset-app-service').click();
      await page.locator('.way a').last().click();
      expect(await page.evaluate(() => document.activeElement?.textContent)).toContain('--to-ports 15001');
      expect(await page.locator('.rule.traced .step').allInnerTexts()).toEqual(['Step 1', 'Step 2', 'Step 3']);
      await page.getByRole('tab', { name: 'Trace' }).click();
      await page.locator('.draw').click();
      expect(await page.locator('.node.traced').count()).toBe(4);
      expect(complaints).toEqual([]);
      await page.close();
    });

    it('shows drift as a diff with effect and cause, and leads to the rule', async () => {
      const { page } = await open('drift-some');
      expect(await page.locator('.difference').count()).toBe(2);
      expect(await page.locator('.difference .kind').allInnerTexts()).toEqual(['Changed rule', 'Changed rule']);
      expect(await page.locator('.line.minus .side').first().innerText()).toBe('expected');
      expect(await page.locator('.line em').allInnerTexts()).toEqual(expect.arrayContaining(['15007']) as string[]);
      for (const effect of await page.locator('.effect').allInnerTexts()) expect(effect).toMatch(/^Effect .+/);
      await page.locator('.save-expected').click();
      expect(await page.locator('#posted').textContent()).toBe('{"type":"save","reading":"4-nft","of":"expected"}');
      await page.locator('.line.plus a').last().click();
      expect(await page.evaluate(() => document.activeElement?.textContent)).toContain('15007');
      await page.close();
      for (const [state, words] of [
        ['drift-none', 'No drift'],
        ['drift-unknown', 'cannot be told'],
        ['drift-everything', 'Drift: '],
        ['drift-waiting', 'being worked out'],
      ] as const) {
        const other = (await open(state)).page;
        expect(await other.locator('.status h2').innerText(), state).toContain(words);
        await other.close();
      }
    });

    it('arms, counts what is hit at each reading, in every tab, resets and stops', async () => {
      const { page } = await open('watch');
      await page.locator('.interval select').selectOption('1');
      await page.locator('.arm').click();
      expect(await page.locator('#posted').textContent()).toBe('{"type":"watch","on":true,"seconds":1}');
      expect(await page.locator('.watch-title').innerText()).toContain('No rule has met a packet');
      await expect.poll(() => page.locator('.hits li').count(), { timeout: 5000 }).toBe(6);
      expect(await page.locator('.hits .now').count()).toBe(6);
      await page.getByRole('tab', { name: 'Rules' }).click();
      expect(await page.locator('.rule.hit .delta').count()).toBe(6);
      await page.getByRole('tab', { name: 'Graph' }).click();
      expect(await page.locator('.edge .counted').first().textContent()).toMatch(/^\+\d+ since armed$/);
      await page.getByRole('tab', { name: 'Watch' }).click();
      await page.locator('.stop').click();
      expect(await page.locator('#posted').textContent()).toBe('{"type":"watch","on":false,"seconds":1}');
      const stopped = await page.locator('.hits .delta').first().innerText();
      await page.locator('.reset').click();
      await page.locator('.stop').click();
      expect(stopped).toMatch(/^\+\d+/);
      await page.locator('.disarm').click();
      await page.locator('.arm').waitFor();
      await page.close();
    });

    it('asks for another pod, shows what differs in its name, and lets it go', async () => {
      const { page } = await open('compare');
      await page.locator('.choose-pod').click();
      expect(await page.locator('#posted').textContent()).toBe('{"type":"compare"}');
      await page.locator('.difference').first().waitFor();
      expect(await page.locator('.effect').first().innerText()).toContain('In productpage-75bc9f9bfd-fwjsl it');
      await page.locator('.stop-compare').click();
      expect(await page.locator('#posted').textContent()).toBe('{"type":"compare","stop":true}');
      await page.locator('.empty .choose-pod').waitFor();
      await page.close();
      const same = (await open('compare-same')).page;
      await expect.poll(() => same.locator('.status h2').innerText()).toContain('treat every packet alike');
      await same.close();
    });

    it('says on every tab that rules are computed, or not whole', async () => {
      for (const [state, tag] of [
        ['computed', 'Computed, not read'],
        ['partial', 'Partial'],
      ] as const) {
        const { page } = await open(state);
        for (const tab of await page.getByRole('tab').all()) {
          await tab.click();
          expect(await page.locator('.bar .tag').innerText(), state).toBe(tag);
        }
        expect(await page.locator('.provenance').innerText()).toMatch(/because|node n1|30 seconds/);
        await page.close();
      }
    });

    it('takes names and comments with markup for text', async () => {
      const { page, complaints } = await open('markup');
      expect(await page.locator('h1').textContent()).toBe('<img src=x onerror=alert(1)>');
      for (const tab of await page.getByRole('tab').all()) {
        await tab.click();
        expect(await page.locator('main :is(img, script)').count()).toBe(0);
      }
      await page.getByRole('tab', { name: 'Graph' }).click();
      expect(await page.locator('.node .title').allTextContents()).toContain('<b>X</b>');
      expect(complaints).toEqual([]);
      await page.close();
    });

    it('bears 50,000 rules: folded, page by page, searched, traced', { timeout: 120_000 }, async () => {
      const { page } = await open('many-50000');
      expect(await page.locator('[role=row].rule').count()).toBe(0);
      await page.locator('#chain-nat_ISTIO_OUTPUT').click();
      expect(await page.locator('[role=row].rule').count()).toBe(500);
      await page.locator('.page-on').click();
      expect(await page.locator('.paging [role=status]').innerText()).toContain('Rules 501 to 1000');
      await page.locator('#search').click();
      const keys: number[] = [];
      for (const key of ['2', '0', '0', '0', '1']) keys.push(await timeKey(page, key));
      console.log(`50,000 rules: a key in their search: ${list(keys)} ms`);
      await expect.poll(() => page.locator('.found').innerText()).toMatch(/^\d+ of 50000 rules$/);
      await page.getByRole('tab', { name: 'Trace' }).click();
      await page.locator('.verdict').waitFor();
      await page.locator('.way a').last().click();
      expect(await page.evaluate(() => document.activeElement?.textContent)).toContain('--to-ports 15001');
      await page.getByRole('tab', { name: 'Graph' }).click();
      await page.locator('.graph-canvas').waitFor();
      await page.close();
    });
  },
);

function list(times: number[]): string {
  return times.map(Math.round).join(', ');
}

/** Runs in the page. */
function focusedLabel(): string {
  return document.activeElement?.getAttribute('aria-label') ?? '';
}

/** Milliseconds from a click until the frame that answers it is drawn. */
async function timeClick(page: Page, selector: string): Promise<number> {
  return page.evaluate(async (target) => {
    const start = performance.now();
    document.querySelector<HTMLElement>(target)?.click();
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    return performance.now() - start;
  }, selector);
}

/** Runs in the page: from top to bottom in steps of most of a screen, and what took long on the way. */
async function scrollThrough(): Promise<{ frames: number; long: number[] }> {
  const long: number[] = [];
  const observer = new PerformanceObserver((seen) => long.push(...seen.getEntries().map(({ duration }) => duration)));
  observer.observe({ type: 'longtask' });
  let frames = 0;
  for (let before = -1; window.scrollY !== before && frames < 400; frames++) {
    before = window.scrollY;
    window.scrollBy(0, window.innerHeight * 0.8);
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  }
  observer.disconnect();
  window.scrollTo(0, 0);
  return { frames, long };
}

/** Milliseconds from a key going down until the frame that answers it is drawn. */
async function timeKey(page: Page, key: string): Promise<number> {
  await page.evaluate(() => {
    delete document.body.dataset.took;
    const answer = () => {
      const start = performance.now();
      requestAnimationFrame(() =>
        requestAnimationFrame(() => (document.body.dataset.took = String(performance.now() - start))),
      );
    };
    window.addEventListener('keydown', answer, { once: true, capture: true });
  });
  await page.keyboard.press(key);
  await page.waitForSelector('body[data-took]');
  return Number(await page.evaluate(() => document.body.dataset.took));
}

/** Milliseconds: from the state to its elements, from the state to the painted page, from the navigation to the first paint. */
interface Paint {
  elements: number;
  painted: number;
  first: number;
}

/** Runs in the page. */
async function timePaint(): Promise<Paint> {
  const measured = async (name: string): Promise<PerformanceEntry> => {
    for (;;) {
      const [entry] = performance.getEntriesByName(name);
      if (entry) return entry;
      await new Promise((done) => setTimeout(done, 20));
    }
  };
  return {
    elements: (await measured('elements')).duration,
    painted: (await measured('painted')).duration,
    first: (await measured('first-contentful-paint')).startTime,
  };
}

/** Runs in the page: a name for every tab stop of the view. */
function nameStops(): string[] {
  const stops = document.querySelectorAll<HTMLElement>(
    'main :is(button, a[href], summary, select, input, [role=button], pre[tabindex="0"], vscode-button, vscode-textfield, vscode-checkbox)',
  );
  return [...stops]
    .filter((stop) => stop.tabIndex >= 0 && !stop.hasAttribute('disabled') && stop.getClientRects().length > 0)
    .map((stop) => {
      stop.dataset.stop ??= `${stop.localName} ${stop.id || stop.textContent?.trim().slice(0, 30)} #${[...stops].indexOf(stop)}`;
      return stop.dataset.stop;
    });
}

/** Runs in the page: what has the focus, and whether a person can see that. */
function describeFocus(): { name: string; visible: boolean } | undefined {
  const host = document.activeElement as HTMLElement | null;
  if (!host?.dataset.stop) return undefined;
  const shows = (element: Element | null | undefined): boolean => {
    if (!element) return false;
    const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(element);
    return outlineStyle !== 'none' && parseFloat(outlineWidth) > 0 && !outlineColor.endsWith(', 0)');
  };
  const shadow = host.shadowRoot;
  const visible =
    shows(host) ||
    shows(shadow?.activeElement) ||
    [...(shadow?.querySelectorAll('*') ?? [])].some((part) => shows(part)) ||
    shadowBorderIsFocus(host);
  return { name: host.dataset.stop, visible };

  /** Elements that show focus by the colour of their border. */
  function shadowBorderIsFocus(element: HTMLElement): boolean {
    const probe = document.createElement('i');
    probe.style.color = getComputedStyle(document.documentElement).getPropertyValue('--vscode-focusBorder');
    document.body.append(probe);
    const focus = getComputedStyle(probe).color;
    probe.remove();
    return [element, ...(element.shadowRoot?.querySelectorAll('*') ?? [])].some(
      (part) => getComputedStyle(part).borderTopColor === focus,
    );
  }
}

/** Runs in the page: text of the view whose contrast with what is behind it is below WCAG AA. */
function findFaintText(): string[] {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 1;
  const pen = canvas.getContext('2d', { willReadFrequently: true })!;
  /** Any CSS colour over an opaque one. */
  const over = (color: string, [r, g, b]: number[]): number[] => {
    pen.fillStyle = `rgb(${r} ${g} ${b})`;
    pen.fillRect(0, 0, 1, 1);
    pen.fillStyle = color;
    pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data.slice(0, 3)];
  };
  const background = (element: Element | null): number[] =>
    element ? over(getComputedStyle(element).backgroundColor, background(element.parentElement)) : [255, 255, 255];
  const luminance = (color: number[]): number => {
    const [r = 0, g = 0, b = 0] = color.map((part) =>
      part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4,
    );
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const faint = new Set<string>();
  for (const element of [...document.querySelectorAll('main *')].slice(0, 1500)) {
    const text = [...element.childNodes]
      .filter((node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim())
      .map((node) => node.textContent?.trim());
    // A disabled button is faint on purpose; elements with a shadow draw their text there.
    if (
      text.length === 0 ||
      element.shadowRoot ||
      element.closest('[disabled], .visually-hidden, [aria-busy="true"] #panel')
    )
      continue;
    const behind = background(element);
    const { color, fill } = getComputedStyle(element);
    const ink = element instanceof SVGElement ? fill : color;
    const [light = 0, dark = 0] = [luminance(over(ink, behind)), luminance(behind)].sort((a, b) => b - a);
    const contrast = (light + 0.05) / (dark + 0.05);
    if (contrast < 4.5)
      faint.add(`${element.className || element.localName}: ${contrast.toFixed(2)} “${text[0]?.slice(0, 30)}”`);
  }
  return [...faint];
}

/** The gallery as esbuild makes it, on loopback, with the policy that the editor's panel has. */
async function serveGallery(): Promise<Server> {
  const { outputFiles } = await build({
    entryPoints: { gallery: join(root, 'webviews/gallery/main.ts') },
    outdir: '/',
    write: false,
    bundle: true,
    minify: true,
    platform: 'browser',
    format: 'iife',
    target: 'es2022',
  });
  const page = (await readFile(join(root, 'webviews/gallery/index.html'), 'utf8')).replace(
    '<script ',
    `<script nonce="${nonce}" `,
  );
  const files = new Map(outputFiles.map(({ path, text }) => [path.replace(/^.*[\\/]/, '/'), text]));
  const types: Record<string, string> = { js: 'text/javascript', css: 'text/css' };
  const server = createServer(({ url = '/' }, response) => {
    const { pathname } = new URL(url, 'http://127.0.0.1');
    const body = pathname === '/' ? page : files.get(pathname);
    if (pathname === '/favicon.ico') return response.writeHead(204).end();
    if (body === undefined) return response.writeHead(404).end();
    response.writeHead(200, {
      'content-type': `${types[pathname.split('.').pop() ?? ''] ?? 'text/html'}; charset=utf-8`,
      'content-security-policy': contentSecurityPolicy(nonce, "'self'"),
    });
    return response.end(body);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return server;
}
