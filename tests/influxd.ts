/** Tests on a real InfluxDB. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describeUnless } from './possible';

export { startInfluxd } from './influxd-server';
export type { TestInflux } from './influxd-server';

const SCRIPT = join(process.cwd(), 'scripts', 'influxd.mjs');

/** The time limit of a `beforeAll` that starts a server: with CI=true it may have to wait until influxd is built. */
export const INFLUXD_START_MS = 1_200_000;

function isThere(): boolean {
  try {
    execFileSync(process.execPath, [SCRIPT, '--look'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** With CI=true it may still be built: then the tests wait for it, and fail when it does not come. */
const missing = process.env.CI === 'true' || isThere() ? null : 'no influxd: run node scripts/influxd.mjs';

export const hasInfluxd = missing === null;

/** A group of tests on a real InfluxDB. */
export const describeOnInflux = describeUnless(missing);
