/** What every browser test stands on: the pages built once a file, one browser, and a server with its own published folder. */
import type { Browser } from 'playwright-core';
import { openBrowser } from './chromium';
import { buildPages, servePage } from './page-server';
import type { PageServer } from './page-server';

export interface Stage {
  /** @throws Error where there is no Chromium; tests that need one do not run there. */
  readonly browser: Browser;
  /** The folder of the built pages. */
  readonly folder: string;
  readonly server: PageServer;
  /** Serves anew, as another kind of deployment: see {@link servePage}. */
  serveAs(live: boolean, asOf?: number | null): Promise<void>;
}

/** Registers the hooks. @param serverFor a fresh server and folder for each test, or one for the file */
export function useStage(serverFor: 'each test' | 'the file' = 'each test'): Stage {
  let pages: ReturnType<typeof buildPages> | null = null;
  let browser: Browser | null = null;
  let server: PageServer | null = null;
  const up = <T>(part: T | null, what: string): T => {
    if (part === null) throw new Error(`no ${what}`);
    return part;
  };
  const stage: Stage = {
    get browser() {
      return up(browser, 'Chromium');
    },
    get folder() {
      return up(pages, 'pages').folder;
    },
    get server() {
      return up(server, 'server');
    },
    serveAs: async (live, asOf = null) => {
      await server?.close();
      server = await servePage(stage.folder, live, asOf);
    },
  };
  beforeAll(async () => {
    pages = buildPages();
    browser = await openBrowser();
    if (serverFor === 'the file') await stage.serveAs(false);
  }, 60_000);
  if (serverFor === 'each test') beforeEach(async () => stage.serveAs(false));
  afterAll(async () => {
    await server?.close();
    await browser?.close();
    pages?.remove();
  });
  return stage;
}
