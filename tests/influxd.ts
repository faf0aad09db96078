/** Tests on a real InfluxDB: where there is one, and always with CI=true. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

export { startInfluxd } from './influxd-server';
export type { TestInflux } from './influxd-server';

const SCRIPT = join(process.cwd(), 'scripts', 'influxd.mjs');

/** The time limit of a `beforeAll` that starts a server: with CI=true it may have to wait until influxd is built. */
export const INFLUXD_START_MS = 1_200_000;

/** Whether tests on InfluxDB run: with CI=true always, so that a green run means that they did. */
function isThere(): boolean {
  if (process.env.CI === 'true') return true;
  try {
    execFileSync(process.execPath, [SCRIPT, '--look'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** A group of tests on a real InfluxDB; without one each is reported by name as not run. */
export const describeOnInflux = isThere() ? describe : describe.skip;
