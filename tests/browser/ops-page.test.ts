/** The operations page as an operator sees it: in ten seconds whether all is well and, if not, what to type. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BrowserContextOptions, Page } from 'playwright-core';
import type { PairFixture } from '../integration/web/published-fixture';
import { openAt, screenshot, testInChromium } from './chromium';
import { writeOpsExamples } from './ops-examples';
import { useStage } from './stage';

const PAYLOAD = `<img src=x onerror="window.__xss=1"><script>window.__xss=1</script>`;
const HEALTHY: readonly PairFixture[] = ['BTC/USDT', 'ETH/USDT'].flatMap((symbol) =>
  ['1h', '1d', '1w', '1M'].map((timeframe) => ({ symbol, timeframe })),
);
/** One pair for every trouble that a row can tell. */
const TROUBLE: readonly PairFixture[] = [
  ...HEALTHY,
  {
    symbol: 'DOGE/USDT',
    timeframe: '1h',
    row: { visibility: 'hidden_backfilling', symbolState: 'backfilling', gateReason: 'history is being fetched' },
  },
  { symbol: 'SOL/USDT', timeframe: '1h', behind: 3 },
  {
    symbol: 'SOL/USDT',
    timeframe: '1d',
    predictionBehind: 1,
    row: { degraded: true, softMs: 80 * 3_600_000, hardMs: 90 * 3_600_000 },
  },
  { symbol: 'XRP/USDT', timeframe: '1h', row: { exportBlock: PAYLOAD, ops: { shadow_version: 'waits' } } },
  {
    symbol: 'XRP/USDT',
    timeframe: '1d',
    candles: 31,
    predictionBehind: null,
    row: { gateReason: '31 closed candles, 120 are needed' },
  },
  {
    symbol: 'XRP/USDT',
    timeframe: '1w',
    row: { history: null, prediction: null, dataThrough: null, predictionDataThrough: null },
  },
];

const stage = useStage();

async function openOps(hash = '', options: BrowserContextOptions = {}): Promise<{ page: Page; faults: string[] }> {
  const { page, faults } = await openAt(stage.browser, `${stage.server.opsUrl}/ops${hash}`, options);
  await page.locator('#verdict p').filter({ hasNotText: 'Loading' }).first().waitFor();
  return { page, faults: faults.filter((fault) => !fault.includes('503')) };
}

const verdict = (page: Page) => page.locator('#verdict').innerText();
const stateOf = (page: Page, key: string) => page.locator(`#matrix [data-key="${key}"]`).getAttribute('data-state');

testInChromium('when all is well one sentence says so', async () => {
  stage.server.fixture.publish(HEALTHY);
  writeOpsExamples(stage.server.fixture.opsDir, Date.now(), ['alerts', 'operations']);
  const { page } = await openOps();
  expect(await verdict(page)).toBe('All 8 published pairs are well.');
  expect(await page.locator('#verdict').getAttribute('data-mood')).toBe('good');
  await page.context().close();
});

testInChromium(
  'S13 every pair has one worst-of state and its marks, judged now; what rows say is only ever text',
  async () => {
    stage.server.fixture.publish(TROUBLE);
    writeOpsExamples(stage.server.fixture.opsDir, Date.now());
    const { page, faults } = await openOps('#pair=XRP%2FUSDT%201h');
    const keys = [
      'BTC/USDT 1h',
      'DOGE/USDT 1h',
      'SOL/USDT 1h',
      'SOL/USDT 1d',
      'XRP/USDT 1h',
      'XRP/USDT 1d',
      'XRP/USDT 1w',
    ];
    expect(await Promise.all(keys.map((key) => stateOf(page, key)))).toEqual([
      'fresh',
      'hidden',
      'hard_stale',
      'degraded',
      'blocked',
      'insufficient_data',
      'missing',
    ]);
    expect(await verdict(page)).toMatch(
      /^Needs attention: 1 missing, 1 hard stale, 1 blocked, 1 too little data, 1 degraded\./,
    );
    expect(await verdict(page)).toContain('Paused: cycle-1w.');
    const detail = await page.locator('#pair').innerText();
    expect(detail).toContain(PAYLOAD);
    expect(detail).toMatch(/Shadow\s+waits/);
    expect(await page.evaluate('window.__xss')).toBeUndefined();
    expect(await page.locator('main img, main script').count()).toBe(0);
    await screenshot(page, 'ops-trouble');
    expect(faults).toEqual([]);
    await page.context().close();
  },
);

testInChromium('each action is the exact command, and a click copies it', async () => {
  stage.server.fixture.publish(TROUBLE);
  writeOpsExamples(stage.server.fixture.opsDir, Date.now());
  const { page } = await openOps('#pair=SOL%2FUSDT%201h', { permissions: ['clipboard-read', 'clipboard-write'] });
  await page.getByText('What to do').click();
  await page.getByRole('button', { name: 'Copy the command: explain its state' }).click();
  await page.getByText('Copied').waitFor();
  expect(await page.evaluate('navigator.clipboard.readText()')).toBe('npx coin-predict why SOL/USDT 1h');
  await page.getByText('Pause, resume, start').click();
  const text = await page.locator('#runs').innerText();
  expect(text).toContain('npx coin-predict schedule resume cycle-1w');
  expect(text).toContain('npx coin-predict schedule pause cycle-1h --reason "why"');
  expect(await page.locator('form:not(.filters), [method]').count()).toBe(0);
  await page.context().close();
});

testInChromium('filters narrow the matrix to a symbol, a timeframe or what needs attention', async () => {
  stage.server.fixture.publish(TROUBLE);
  const { page } = await openOps();
  const shown = () =>
    page.locator('#matrix .pair').evaluateAll((cells) => cells.map((cell) => cell.getAttribute('data-key')));
  await page.getByLabel('State').selectOption('attention');
  expect(await shown()).toEqual(['SOL/USDT 1h', 'SOL/USDT 1d', 'XRP/USDT 1h', 'XRP/USDT 1d', 'XRP/USDT 1w']);
  await page.getByLabel('Timeframe').selectOption('1d');
  expect(await shown()).toEqual(['SOL/USDT 1d', 'XRP/USDT 1d']);
  await page.getByLabel('Symbol').fill('sol');
  expect(await shown()).toEqual(['SOL/USDT 1d']);
  await page.getByLabel('State').selectOption('hidden');
  expect(await page.locator('#matrix').innerText()).toBe('No pair matches.');
  await page.context().close();
});

testInChromium('runs, coverage, models, alerts, SLA and storage are told from their documents', async () => {
  stage.server.fixture.publish(HEALTHY);
  writeOpsExamples(stage.server.fixture.opsDir, Date.now());
  const { page, faults } = await openOps();
  const textOf = (id: string) => page.locator(`#${id}`).innerText();
  expect(await textOf('runs')).toMatch(/cycle-1w\s+paused\s+bad weekly candles at the exchange/);
  expect(await page.getByRole('link', { name: 'cycle-1w' }).getAttribute('href')).toBe(
    'http://127.0.0.1:8233/namespaces/default/schedules/cycle-1w',
  );
  expect(await textOf('runs')).toMatch(/1h\s+240\s+1.84 s\s+3.2 s\s+60 s\s+0 %\s+99.2 %\s+2/);
  expect(await textOf('coverage')).toContain(
    '3 holes: 1 asked for, not decided, 1 the exchange has nothing there, 1 the exchange was down',
  );
  expect(await textOf('coverage')).toMatch(/DOGE\/USDT 1h\s+running\s+62 %/);
  expect(await textOf('models')).toMatch(/worst_symbol\s+not computable\s+<= 0.10\s+× failed/);
  expect(await textOf('models')).toMatch(/As of \d\d:\d\d UTC, /);
  expect(await textOf('models')).toContain('theta theta-77ab09ccd1e2, 71 of 240 origins scored');
  expect(await textOf('alerts')).toMatch(/critical\s+hard stale\s+SOL\/USDT 1h\s+data ended 3 h ago/);
  expect(await textOf('alerts')).toContain('Muted. maintenance of the exchange');
  expect(await textOf('sla')).toContain('19 of 40 allowed bad probes used; 52.9 % of the error budget is left.');
  expect(await textOf('storage')).toContain(
    '36.4 GB of 50 GB (72.8 %), grows 41 MB a day; 209 days until new fills stop at 90 %.',
  );
  expect(await textOf('changes')).toContain('fresh → stale');
  for (const details of await page.locator('main details').all())
    await details.evaluate((item) => item.setAttribute('open', ''));
  await screenshot(page, 'ops-whole');
  expect(faults).toEqual([]);
  await page.context().close();
});

testInChromium(
  'what has no document yet is said to be not yet measured, and an old report is told as old',
  async () => {
    stage.server.fixture.publish(HEALTHY);
    writeOpsExamples(stage.server.fixture.opsDir, Date.now() - 3_600_000, ['models', 'sla', 'alerts']);
    const { page } = await openOps();
    for (const id of ['models', 'sla', 'alerts']) {
      expect(await page.locator(`#${id}`).innerText()).toMatch(/Not yet measured\. .*there is no \w+\.json yet/);
    }
    expect(await page.locator('#storage').innerText()).toMatch(
      /Old report\. It was written .* 60 min ago; its writer may be down\./,
    );
    writeFileSync(join(stage.server.fixture.opsDir, 'sla.json'), '{"version":"1.0"}');
    await page.reload();
    await page.locator('#sla .unmeasured').waitFor();
    expect(await page.locator('#sla').innerText()).toContain('sla.json breaks its schema');
    await screenshot(page, 'ops-not-measured');
    await page.context().close();
  },
);

testInChromium('I30 with a silent publisher nothing is called well, whatever the words in the manifest', async () => {
  stage.server.fixture.publish(HEALTHY, { now: Date.now() - 3000, nextExpectedCommit: Date.now() - 2 * 3_600_000 });
  const { page } = await openOps();
  expect(await verdict(page)).toMatch(/^Needs attention: 8 not confirmed\.\s+The publisher is silent: it was due by/);
  await page.context().close();
});

testInChromium('50 symbols on four timeframes stay one table, on a phone too', async () => {
  const symbols = Array.from({ length: 50 }, (_, k) => `C${String(k).padStart(2, '0')}/USDT`);
  stage.server.fixture.publish(
    symbols.flatMap((symbol, k) =>
      ['1h', '1d'].map((timeframe) => ({ symbol, timeframe, candles: 40, behind: k === 7 ? 1 : 0 })),
    ),
  );
  const { page } = await openOps('', { viewport: { width: 390, height: 844 }, colorScheme: 'dark' });
  expect(await page.locator('#matrix .pair').count()).toBe(100);
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
  await screenshot(page, 'ops-50-symbols-phone');
  await page.context().close();
});

testInChromium('dark, on a phone, and by keyboard alone', async () => {
  stage.server.fixture.publish(TROUBLE);
  writeOpsExamples(stage.server.fixture.opsDir, Date.now());
  const { page, faults } = await openOps('', { viewport: { width: 390, height: 844 }, colorScheme: 'dark' });
  await page.locator('#matrix [data-key="SOL/USDT 1h"]').focus();
  await page.keyboard.press('Enter');
  await page.locator('#pair h3').filter({ hasText: 'SOL/USDT 1h' }).waitFor();
  // The matrix was made anew with its choice; the place of the keyboard is kept.
  expect(await page.evaluate('document.activeElement.dataset.key')).toBe('SOL/USDT 1h');
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
  await screenshot(page, 'ops-dark-phone');
  expect(await page.locator('#published').innerText()).toContain('UTC');
  await page.getByRole('button', { name: 'Show local time' }).click();
  expect(await page.locator('#published').innerText()).toMatch(/CES?T|GMT\+/);
  expect(faults).toEqual([]);
  await page.context().close();
});

test('the examples are what the server serves', async () => {
  mkdirSync(stage.server.fixture.opsDir, { recursive: true });
  writeOpsExamples(stage.server.fixture.opsDir, Date.now());
  for (const name of ['operations', 'models', 'alerts', 'sla']) {
    expect((await fetch(`${stage.server.opsUrl}/ops/${name}.json`)).status).toBe(200);
  }
});
