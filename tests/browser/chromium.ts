/** Real Chromium for the page tests. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { testUnless } from '../possible';

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const testInChromium = testUnless(
  existsSync(EXECUTABLE) ? null : 'no Chromium: install it, or set CHROMIUM to its executable',
);

/** A browser with a fresh profile; null where there is none. */
export async function openBrowser(): Promise<Browser | null> {
  return existsSync(EXECUTABLE) ? chromium.launch({ executablePath: EXECUTABLE, args: FLAGS }) : null;
}

/** Collects everything that a healthy page never has: console errors, CSP violations, exceptions. */
export function watchForFaults(page: Page): string[] {
  const faults: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(String(error)));
  return faults;
}

/** A page of its own at `url`, in a time zone that is not UTC, and what goes wrong on it from its start. */
export async function openAt(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; faults: string[] }> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    timezoneId: 'Europe/Berlin',
    ...options,
  });
  const page = await context.newPage();
  const faults = watchForFaults(page);
  await page.goto(url);
  return { page, faults };
}

const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

/** What axe-core finds that keeps a reader out: its serious and critical findings, one line each. */
export async function seriousFindings(page: Page): Promise<string[]> {
  // Through the debugger: the page's own policy allows no script from elsewhere.
  await page.evaluate(AXE);
  return page.evaluate(`axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => id + ' ' + target + ' ' + failureSummary)))`);
}

export async function screenshot(page: Page, name: string): Promise<void> {
  const folder = resolve(__dirname, '../../test-output/screenshots');
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: resolve(folder, `${name}.png`), fullPage: true });
}
