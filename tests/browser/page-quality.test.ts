/** Both pages in every trouble, colour scheme and width: readable by everyone, small, quick, and shown. */
import type { BrowserContextOptions, Page } from 'playwright-core';
import { NO_DOCUMENTS, type PairFixture, type PublishOptions } from '../integration/web/published-fixture';
import { screenshot, seriousFindings, testInChromium, watchForFaults } from './chromium';
import { EVERYTHING } from './everything';
import { writeOpsExamples } from './ops-examples';
import { useStage } from './stage';

const HOUR = 3_600_000;
const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true };
const DESKTOP = { viewport: { width: 1280, height: 900 } };
const LOOKS: readonly (readonly [string, BrowserContextOptions])[] = [
  ['light-desktop', { ...DESKTOP, colorScheme: 'light' }],
  ['dark-desktop', { ...DESKTOP, colorScheme: 'dark' }],
  ['light-phone', { ...PHONE, colorScheme: 'light' }],
  ['dark-phone', { ...PHONE, colorScheme: 'dark' }],
];

const stage = useStage('the file');

async function open(address: string, options: BrowserContextOptions = DESKTOP): Promise<Page> {
  const page = await (await stage.browser.newContext(options)).newPage();
  await page.goto(address);
  return page;
}

const publicPage = () => `${stage.server.url}/#BTC_USDT/1h`;
const opsPage = () => `${stage.server.opsUrl}/ops#pair=BTC%2FUSDT%201h`;

/** What reaches past the right edge and is not inside something that scrolls. */
const CUT_OFF = `document.documentElement.scrollWidth <= document.documentElement.clientWidth ? [] :
  [...document.querySelectorAll('body *')]
    .filter((item) => item.getBoundingClientRect().right > document.documentElement.clientWidth + 1 && !item.closest('.scroll'))
    .map((item) => item.tagName + '.' + item.className + ' ' + item.textContent.slice(0, 40))`;

async function whenReady(page: Page): Promise<void> {
  await page.locator('#detail .title, #pair h3').first().waitFor();
  await page.evaluate('document.fonts.ready');
}

testInChromium(
  'axe finds nothing serious on either page, in dark and light, on phone and desktop',
  async () => {
    stage.server.fixture.publish(EVERYTHING);
    writeOpsExamples(stage.server.fixture.opsDir, Date.now());
    for (const [look, options] of LOOKS) {
      for (const [name, address] of [
        ['page', publicPage()],
        ['ops', opsPage()],
      ] as const) {
        const page = await open(address, options);
        await whenReady(page);
        for (const details of await page.locator('main details').all()) {
          await details.evaluate((item) => item.setAttribute('open', ''));
        }
        expect([name, look, await seriousFindings(page)]).toEqual([name, look, []]);
        expect([name, look, await page.evaluate(CUT_OFF)]).toEqual([name, look, []]);
        await page.locator('main details').evaluateAll((all) => all.forEach((item) => item.removeAttribute('open')));
        await screenshot(page, `${name}-${look}`);
        await page.context().close();
      }
    }
  },
  180_000,
);

const BTC: PairFixture = { symbol: 'BTC/USDT', timeframe: '1h', price: 64_210 };
const TROUBLES: readonly (readonly [string, PairFixture, PublishOptions, string, string])[] = [
  ['fresh', BTC, {}, 'fresh', 'fresh'],
  ['stale', { ...BTC, behind: 1, row: { softMs: HOUR / 2, hardMs: 3 * HOUR } }, {}, 'stale', 'stale'],
  ['hard-stale', { ...BTC, behind: 3 }, {}, 'hard_stale', 'hard_stale'],
  ['corrupt', BTC, { damaged: ['BTC/USDT 1h'] }, 'corrupt', 'corrupt'],
  ['missing', { ...BTC, row: NO_DOCUMENTS }, {}, 'missing', 'missing'],
  [
    'degraded',
    { ...BTC, predictionBehind: 1, row: { degraded: true, softMs: 3 * HOUR, hardMs: 4 * HOUR } },
    {},
    'fresh',
    'degraded',
  ],
  [
    'insufficient',
    { ...BTC, candles: 31, predictionBehind: null, row: { gateReason: '31 closed candles, 240 are needed' } },
    {},
    'insufficient_data',
    'insufficient_data',
  ],
  ['blocked', { ...BTC, row: { exportBlock: '<b>the disk is full</b>' } }, {}, 'blocked', 'blocked'],
  ['hidden', { ...BTC, row: { visibility: 'hidden_backfilling' } }, {}, 'none', 'hidden'],
  ['expired-manifest', BTC, { nextExpectedCommit: Date.now() - 2 * HOUR }, 'late', 'late'],
];

testInChromium(
  'every planted trouble is told on both pages, passes axe, and no number of a pair that is not served is shown',
  async () => {
    const others = EVERYTHING.filter(({ symbol }) => symbol !== 'BTC/USDT');
    for (const [name, pair, options, look, state] of TROUBLES) {
      stage.server.fixture.publish([pair, ...others], options);
      const page = await open(publicPage());
      const faults = watchForFaults(page);
      const served = ['fresh', 'stale', 'late'].includes(look);
      await page
        .locator(look === 'none' ? '#detail .empty' : served ? '#detail canvas' : '#detail .notice.bad')
        .waitFor();
      expect([name, (await page.locator('#detail').getAttribute('data-look')) ?? 'none']).toEqual([name, look]);
      if (!served) expect(await page.locator('#detail').innerText()).not.toMatch(/Last close|64,\d{3}/);
      expect([name, await seriousFindings(page)]).toEqual([name, []]);
      await screenshot(page, `trouble-${name}`);
      await page.context().close();

      const ops = await open(opsPage());
      const cell = ops.locator('#matrix [data-key="BTC/USDT 1h"]');
      await cell.waitFor();
      expect([name, await cell.getAttribute('data-state')]).toEqual([name, state]);
      expect(await ops.locator('#verdict').getAttribute('data-mood')).toMatch(
        ['fresh', 'hidden'].includes(state) ? /good|warn/ : /warn|bad/,
      );
      expect([name, faults]).toEqual([name, []]);
      await ops.context().close();
    }
  },
  240_000,
);

testInChromium('S13 50 symbols are listed, searched and read, and only what is on the screen is fetched', async () => {
  const symbols = Array.from({ length: 50 }, (_, k) => `C${String(k).padStart(2, '0')}/USDT`);
  stage.server.fixture.publish(
    symbols.flatMap((symbol) => ['1h', '1d', '1w', '1M'].map((timeframe) => ({ symbol, timeframe, candles: 60 }))),
  );
  const page = await open(stage.server.url);
  let documents = 0;
  page.on('request', (request) => (documents += request.url().includes('/static/objects/') ? 1 : 0));
  await page.reload();
  await page.locator('#detail canvas').waitFor();
  await page.locator('#symbols .change').first().filter({ hasText: '%' }).waitFor();
  expect(await page.locator('#symbols .symbol').count()).toBe(50);
  expect(documents).toBeLessThan(80);
  await page.getByRole('searchbox').fill('c4');
  expect(await page.locator('#symbols .symbol').count()).toBe(10);
  await screenshot(page, 'page-50-symbols');
  await page.context().close();
});

testInChromium(
  'each page is under 200 KB of script, has nothing inline, and paints within a second',
  async () => {
    stage.server.fixture.publish(EVERYTHING);
    writeOpsExamples(stage.server.fixture.opsDir, Date.now());
    for (const [name, address] of [
      ['page', publicPage()],
      ['ops', opsPage()],
    ] as const) {
      const paints: number[] = [];
      let script = 0;
      for (let time = 0; time < 5; time++) {
        const page = await (await stage.browser.newContext(DESKTOP)).newPage();
        const bodies: Promise<Buffer>[] = [];
        page.on('response', (response) => {
          if (response.request().resourceType() === 'script') bodies.push(response.body());
        });
        await page.goto(address);
        await whenReady(page);
        script = (await Promise.all(bodies)).reduce((sum, body) => sum + body.length, 0);
        paints.push(await page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"));
        const inline = await page
          .locator('script:not([src]), style, [style]:not(canvas, .uplot *, .uplot), [onclick], [onload]')
          .count();
        expect([name, inline]).toEqual([name, 0]);
        await page.context().close();
      }
      console.log(`${name}: ${script} bytes of script, first contentful paint ${paints.map(Math.round).join(' ')} ms`);
      expect(script).toBeGreaterThan(10_000);
      expect(script).toBeLessThan(200_000);
      // The best of five: the machine that runs the tests is busy with other things.
      expect(Math.min(...paints)).toBeLessThan(1000);
    }
  },
  120_000,
);
