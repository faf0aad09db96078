/** The page for every reader: phone and desktop, dark and light, keyboard and screen reader, any static host. */
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { openDocumentFolder } from '../../src/adapters/files/document-folder';
import { materialise } from '../../src/publish/materialise';
import { readPublished } from '../../src/publish/published-reader';
import { openAt, screenshot, testInChromium } from './chromium';
import { EVERYTHING } from './everything';
import { useStage } from './stage';

const stage = useStage();

const openPage = (path = '', options: BrowserContextOptions = {}) =>
  openAt(stage.browser, `${stage.server.url}/${path}`, options);

const detailText = (page: Page) => page.locator('#detail').innerText();
const look = (page: Page) => page.locator('#detail').getAttribute('data-look');

testInChromium('on a phone the list comes first, a pair fills the screen and nothing is cut off', async () => {
  stage.server.fixture.publish(EVERYTHING);
  const { page, faults } = await openPage('', {
    viewport: { width: 360, height: 740 },
    deviceScaleFactor: 2,
    hasTouch: true,
  });
  await page.locator('.cell').first().waitFor();
  expect(await page.locator('#detail').isVisible()).toBe(false);
  await screenshot(page, 'page-phone-list');
  await page.locator('.cell').first().click();
  await page.locator('#detail canvas').waitFor();
  expect(await page.locator('#pairs').isVisible()).toBe(false);
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
  await screenshot(page, 'page-phone-pair');
  await page.getByText('All pairs').click();
  expect(await page.locator('#pairs').isVisible()).toBe(true);
  expect(faults).toEqual([]);
  await page.context().close();
});

testInChromium('dark follows the reader, and local time is a click away', async () => {
  stage.server.fixture.publish(EVERYTHING);
  const { page, faults } = await openPage('#ETH_USDT/1d', { colorScheme: 'dark' });
  await page.locator('#detail canvas').waitFor();
  expect(await detailText(page)).toContain('UTC');
  await page.getByRole('button', { name: 'Show local time' }).click();
  await page
    .locator('#detail .through')
    .filter({ hasText: 'CET' })
    .or(page.locator('#detail .through').filter({ hasText: 'GMT+' }))
    .waitFor();
  await page.locator('#detail canvas').waitFor();
  await screenshot(page, 'page-dark');
  expect(faults).toEqual([]);
  await page.context().close();
});

testInChromium('search narrows the list, and the keyboard alone reaches a pair', async () => {
  stage.server.fixture.publish(EVERYTHING);
  const { page } = await openPage();
  await page.locator('#symbols .symbol').first().waitFor();
  await page.getByRole('searchbox').fill('doge');
  expect(await page.locator('#symbols h2').allInnerTexts()).toEqual(['DOGE/USDT']);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.locator('#detail h2').filter({ hasText: 'DOGE/USDT' }).waitFor();
  await page.locator('.cell[aria-current]').filter({ hasText: '1d' }).waitFor();
  await page.context().close();
});

testInChromium('every control and cell has a name, and words never depend on colour', async () => {
  stage.server.fixture.publish(EVERYTHING.slice(0, 4));
  const { page } = await openPage();
  await page.locator('#detail canvas').waitFor();
  const names = await page.locator('.cell').evaluateAll((cells) => cells.map((cell) => cell.textContent));
  expect(names[0]).toMatch(/^BTC\/USDT 1h fresh \d+ min old [+−][\d.]+ % $/);
  expect(names).toHaveLength(4);
  await page.context().close();
});

testInChromium('the page works from any static host, with the documents that materialise writes', async () => {
  stage.server.fixture.publish(EVERYTHING.slice(0, 4));
  const root = join(stage.folder, 'static-host');
  cpSync(join(stage.folder, 'page'), root, { recursive: true });
  await materialise(readPublished(stage.server.fixture.publicDir), openDocumentFolder(join(root, 'static')));
  const types: Record<string, string> = {
    html: 'text/html',
    js: 'text/javascript',
    css: 'text/css',
    svg: 'image/svg+xml',
  };
  const host = createServer((request, response) => {
    const path = join(root, new URL(request.url ?? '/', 'http://host').pathname.replace(/\/$/, '/index.html'));
    const found = existsSync(path);
    response.writeHead(found ? 200 : 404, {
      'content-type': types[path.split('.').at(-1) ?? ''] ?? 'application/json',
    });
    response.end(found ? readFileSync(path) : '');
  });
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = host.address() as AddressInfo;
    const page = await (await stage.browser.newContext()).newPage();
    await page.goto(`http://127.0.0.1:${port}/#BTC_USDT/1d`);
    await page.locator('#detail canvas').waitFor();
    expect(await look(page)).toBe('fresh');
    expect(await page.locator('#market').innerText()).toBe('simulated market: not real prices');
    await page.context().close();
  } finally {
    host.closeAllConnections();
    await new Promise((resolve) => host.close(resolve));
  }
});
