/** The page as a reader sees it, in a real browser: nothing stale may look fresh, nothing in a document may run. */
import type { BrowserContextOptions, Page } from 'playwright-core';
import { EVERYTHING } from './everything';
import { openAt, screenshot, testInChromium } from './chromium';
import { useStage } from './stage';
import { HOUR } from '../integration/web/published-fixture';

const stage = useStage();

const openPage = (path = '', options: BrowserContextOptions = {}) =>
  openAt(stage.browser, `${stage.server.url}/${path}`, options);

const detailText = (page: Page) => page.locator('#detail').innerText();
const look = (page: Page) => page.locator('#detail').getAttribute('data-look');

testInChromium(
  'a fresh pair shows its age, its chart, its forecast, its model and its track record in plain words',
  async () => {
    stage.server.fixture.publish(EVERYTHING);
    const { page, faults } = await openPage('#BTC_USDT/1h');
    await page.locator('#detail canvas').waitFor();
    await page.locator('#symbols .change').first().filter({ hasText: '%' }).waitFor();
    const text = await detailText(page);
    expect(await look(page)).toBe('fresh');
    expect(text).toMatch(/Data through .*\d\d:00 UTC, (\d+ min ago|just now)\./);
    expect(text).toContain('range-volatility, version range-012345…');
    expect(text).toContain('The 80 % range held the close 81.2 % of the time, which is about right.');
    expect(text).toContain('Middle and ranges together missed by 2.1 % less than those of \u201csame as now\u201d.');
    expect(text).toContain('Scored on 17,280 forecast steps of the last 30 days.');
    expect(text).toMatch(/At (\d+ \w+, )?\d\d:00 UTC\s+forecast [\d,.]+, 80 % between [\d,.]+ and [\d,.]+/);
    expect(await page.locator('#market').innerText()).toBe('simulated market: not real prices');
    await screenshot(page, 'page-fresh');
    expect(faults).toEqual([]);
    await page.context().close();
  },
);

testInChromium('hits and misses of earlier forecasts are told in a sentence, on the chart and in a table', async () => {
  stage.server.fixture.publish(EVERYTHING);
  const { page, faults } = await openPage('#BTC_USDT/1h');
  await page.locator('#detail canvas').waitFor();
  const sentence = page.locator('.past-words');
  expect(await sentence.innerText()).toMatch(
    /^Of the last 24 closes, \d+ came inside the 80 % range forecast 1 hour before, \d+ did not/,
  );
  const [, hits] = /closes, (\d+) came/.exec(await sentence.innerText()) ?? [];
  await page.getByText('What was forecast, and what came').click();
  const results = await page
    .locator('[data-name="past"] tbody tr')
    .evaluateAll((rows) => rows.map((row) => [...row.querySelectorAll('td')].map((cell) => cell.textContent)));
  const made = results.filter(([before]) => before === '1 hour');
  expect([made.length, made.filter((cells) => cells.at(-1) === 'inside').length]).toEqual([24, Number(hits)]);
  expect(results).toHaveLength(72);
  const drawn = () =>
    page.locator('#detail canvas').evaluate((canvas) => (canvas as unknown as { toDataURL(): string }).toDataURL());
  const before = await drawn();
  await page.getByRole('radio', { name: 'made 24 hours ahead' }).check();
  expect(await sentence.innerText()).toContain('forecast 24 hours before');
  expect(await drawn()).not.toBe(before);
  await screenshot(page, 'page-past-24');
  await page.getByRole('radio', { name: 'none' }).check();
  expect(await sentence.innerText()).toBe('');
  expect(faults).toEqual([]);
  await page.context().close();
});

testInChromium(
  'before anything has come due the page says that nothing is scored, and shows no earlier forecast',
  async () => {
    stage.server.fixture.publish([{ symbol: 'BTC/USDT', timeframe: '1h' }]);
    const { page } = await openPage();
    await page.locator('#detail canvas').waitFor();
    expect(await detailText(page)).toContain('No forecast has been scored yet.');
    expect(await page.locator('.past-choice, .figures').count()).toBe(0);
    await page.context().close();
  },
);

testInChromium('a live market shows its source and no badge', async () => {
  await stage.serveAs(true);
  stage.server.fixture.publish(EVERYTHING.slice(0, 4), { source: 'binance' });
  const { page } = await openPage();
  await page.locator('#detail canvas').waitFor();
  expect(await page.locator('#market').innerText()).toBe('source: binance');
  expect(await page.locator('body').innerText()).not.toContain('simulated');
  await page.context().close();
});

testInChromium('a moment of the past is judged by its own time and says that it is past', async () => {
  const then = Date.parse('2023-03-24T12:30:00Z');
  await stage.serveAs(false, then);
  stage.server.fixture.publish(EVERYTHING, { now: then - 1_000_000, source: 'replay' });
  const { page, faults } = await openPage('#BTC_USDT/1h');
  await page.locator('#detail canvas').waitFor();
  expect(await look(page)).toBe('fresh');
  expect(await page.locator('#notices').innerText()).toBe(
    'A look back: everything is shown as it was at 24 Mar 2023, 12:30 UTC.',
  );
  expect(await page.locator('#market').innerText()).toBe('past candles, replayed: not today\u2019s prices');
  expect(await page.locator('#publisher').innerText()).toMatch(/16 min ago/);
  await screenshot(page, 'page-look-back');
  expect(faults).toEqual([]);
  await page.context().close();
});

testInChromium('a stale pair is shown with a warning', async () => {
  stage.server.fixture.publish([
    { symbol: 'BTC/USDT', timeframe: '1h', behind: 1, row: { softMs: HOUR / 2, hardMs: 3 * HOUR } },
  ]);
  const { page, faults } = await openPage();
  await page.locator('#detail canvas').waitFor();
  expect(await look(page)).toBe('stale');
  expect(await page.locator('#detail .notice.warn').innerText()).toMatch(
    /^Stale\. The data is older than it should be\./,
  );
  await screenshot(page, 'page-stale');
  expect(faults).toEqual([]);
  await page.context().close();
});

testInChromium('I30 a hard stale pair shows no price and no chart', async () => {
  stage.server.fixture.publish([
    ...EVERYTHING.slice(1),
    { symbol: 'BTC/USDT', timeframe: '1h', behind: 3, price: 64_210 },
  ]);
  const { page, faults } = await openPage('#BTC_USDT/1h');
  await page.locator('#detail .notice.bad').waitFor();
  expect(await look(page)).toBe('hard_stale');
  expect(await page.locator('#detail .notice.bad').innerText()).toMatch(/^Not shown: hard stale\. .*ended 3 h ago/);
  expect(await page.locator('#detail canvas').count()).toBe(0);
  expect(await detailText(page)).not.toMatch(/Last close|forecast [\d]/);
  await screenshot(page, 'page-hard-stale');
  expect(faults).toEqual([]);
  await page.context().close();
});

testInChromium('a degraded pair is served and says which data its forecast rests on', async () => {
  const quality = {
    mae: 210.4,
    coverage: { '50': 0.48, '80': 0.79, '95': 0.94 },
    skill_vs_naive: -0.031,
    directional_accuracy: 0.507,
    sample_count: 4320,
  };
  const pair = {
    symbol: 'BTC/USDT',
    timeframe: '1d',
    predictionBehind: 1,
    price: 64_210,
    quality,
    row: { degraded: true },
  };
  stage.server.fixture.publish([pair]);
  const { page, faults } = await openPage();
  await page.locator('#detail canvas').waitFor();
  const text = await detailText(page);
  expect(text).toMatch(
    /Degraded\. The last forecast run failed; the last good forecast is shown\. It rests on data through /,
  );
  expect(text).toContain('Scored on 4,320 forecast steps of the last 30 d.');
  expect(text).toContain(
    'Middle and ranges together were not better than those of “same as now”: they missed by 3.1 % more.',
  );
  expect(await page.locator('#symbols .word').innerText()).toContain('degraded');
  expect(await page.locator('#detail .title .word').innerText()).toBe('stale, degraded');
  await screenshot(page, 'page-degraded');
  expect(faults).toEqual([]);
  await page.context().close();
});

testInChromium('too little data is said with its counts and shows no forecast', async () => {
  const row = { gateReason: '31 closed candles, 240 are needed' };
  stage.server.fixture.publish([{ symbol: 'BTC/USDT', timeframe: '1h', candles: 31, predictionBehind: null, row }]);
  const { page, faults } = await openPage();
  await page.locator('#detail .notice.bad').waitFor();
  expect(await look(page)).toBe('insufficient_data');
  expect(await detailText(page)).toContain('31 closed candles, 240 are needed');
  expect(await page.locator('#detail canvas').count()).toBe(0);
  await screenshot(page, 'page-insufficient-data');
  expect(faults).toEqual([]);
  await page.context().close();
});

testInChromium('I30 with an expired manifest nothing is called fresh', async () => {
  stage.server.fixture.publish(EVERYTHING, { now: Date.now() - 3000, nextExpectedCommit: Date.now() - 2 * HOUR });
  const { page, faults } = await openPage();
  await page.locator('#detail canvas').waitFor();
  expect(await look(page)).toBe('late');
  expect(await page.locator('#notices').innerText()).toMatch(
    /^The publisher is silent: its next report was due by .* 118 min ago/,
  );
  expect(await page.locator('.word').allInnerTexts()).not.toContain('fresh');
  await screenshot(page, 'page-expired-manifest');
  expect(faults).toEqual([]);
  await page.context().close();
});

testInChromium('S13 what a document says is only ever text', async () => {
  const payload = `<img src=x onerror="window.__xss=1"><script>window.__xss=1</script>`;
  const blocked = { symbol: 'BTC/USDT', timeframe: '1h', row: { exportBlock: payload } };
  const scored = {
    symbol: 'BTC/USDT',
    timeframe: '1d',
    quality: { evaluation_window: payload.slice(0, 60), sample_count: 5 },
  };
  stage.server.fixture.publish([blocked, scored]);
  const { page, faults } = await openPage('#BTC_USDT/1h');
  await page.locator('#detail .notice.bad').waitFor();
  expect(await detailText(page)).toContain(payload);
  await page.goto(`${stage.server.url}/#BTC_USDT/1d`);
  await page.locator('#detail canvas').waitFor();
  expect(await detailText(page)).toContain('<img src=x');
  await page.goto(`${stage.server.url}/#%3Cimg%20src=x%20onerror=window.__xss=1%3E`);
  await page.getByText('This pair is not published.').waitFor();
  expect(await page.evaluate('window.__xss')).toBeUndefined();
  expect(await page.locator('main img, main script').count()).toBe(0);
  expect(faults).toEqual([]);
  await page.context().close();
});

testInChromium('I30 a page that is left open ages by itself when the server is gone', async () => {
  stage.server.fixture.publish([{ symbol: 'BTC/USDT', timeframe: '1h' }]);
  const context = await stage.browser.newContext();
  const page = await context.newPage();
  await page.clock.install();
  await page.goto(stage.server.url);
  await page.locator('#detail canvas').waitFor();
  expect(await look(page)).toBe('fresh');
  // A server that hangs first: only the page's own clock can tell the time.
  await page.route('**/static/manifest.json', () => {});
  await page.clock.fastForward(70 * 60_000);
  await expect(page.locator('#detail[data-look="stale"]').waitFor()).resolves.toBeUndefined();
  await page.unroute('**/static/manifest.json');
  await context.setOffline(true);
  await page.clock.fastForward(90 * 60_000);
  await page.locator('#detail[data-look="hard_stale"]').waitFor();
  expect(await page.locator('#detail canvas').count()).toBe(0);
  expect(await page.locator('#notices').innerText()).toContain('The server can not be reached.');
  await context.close();
});

testInChromium("I30 a reader's slow clock makes nothing look fresh", async () => {
  // Fresh when it was published: only the reader's own judgement can tell.
  stage.server.fixture.publish([{ symbol: 'BTC/USDT', timeframe: '1h' }], { now: Date.now() - 4 * HOUR });
  const context = await stage.browser.newContext();
  const page = await context.newPage();
  await page.clock.setFixedTime(Date.now() - 6 * HOUR);
  await page.goto(stage.server.url);
  await page.locator('#detail[data-look="hard_stale"]').waitFor();
  await context.close();
});

testInChromium('a document that turns bad on disk is not shown', async () => {
  stage.server.fixture.publish([{ symbol: 'BTC/USDT', timeframe: '1h' }]);
  const { page } = await openPage('#nothing');
  await page.route('**/static/objects/*', (route) => route.fulfill({ status: 503, body: '{}' }));
  // A new document, not only a new hash: what the first one had read already would still be in its memory.
  await page.goto('about:blank');
  await page.goto(`${stage.server.url}/#BTC_USDT/1h`);
  await page.locator('#detail .notice.warn').waitFor();
  expect(await detailText(page)).toContain('The documents can not be read at the moment.');
  await page.context().close();
});

testInChromium('I28 a document of another pair or another time than the manifest says is not shown', async () => {
  stage.server.fixture.publish(EVERYTHING.slice(0, 2));
  const { page } = await openPage('#nothing');
  const change = { old: '', with: '' };
  await page.route('**/static/objects/*', async (route) => {
    const body = await (await route.fetch()).text();
    await route.fulfill({ body: body.replace(change.old, change.with), contentType: 'application/json' });
  });
  for (const [old, other] of [
    ['"symbol":"BTC/USDT"', '"symbol":"ETH/USDT"'],
    ['"data_through":"20', '"data_through":"19'],
  ] as const) {
    Object.assign(change, { old, with: other });
    await page.goto('about:blank');
    await page.goto(`${stage.server.url}/#BTC_USDT/1h`);
    await page.locator('#detail .notice.warn').waitFor();
    expect(await detailText(page)).toContain('The documents can not be read at the moment.');
    expect(await page.locator('#detail canvas').count()).toBe(0);
  }
  await page.context().close();
});

testInChromium('before the first publish the page says so', async () => {
  const { page } = await openPage();
  await page.getByText('Nothing has been published yet.').waitFor();
  await page.context().close();
});
