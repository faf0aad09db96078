/**
 * Tests that need more than every machine has. What a machine lacks is said in the name of each test that does not run, with how to
 * get it; with CI=true it is a failure, so that a green run always means that they ran.
 */
import { existsSync } from 'node:fs';

type DeclareTest = (name: string, body: () => Promise<void>, timeout?: number) => void;

/** @param missing what is not there, and what to do about it; null when all is there. */
export function testUnless(missing: string | null): DeclareTest {
  return (name, body, timeout) => {
    if (missing === null) test(name, body, timeout);
    else if (process.env.CI === 'true')
      test(name, () => {
        throw new Error(`CI=true, but ${missing}`);
      });
    // A stranger's machine has no real candles, no browser, no root: `npm test` names the test and why.
    else test.skip(`${name} (not run: ${missing})`, () => undefined);
  };
}

/** The same for a group; with CI=true it runs, and fails by what it does not find. */
export function describeUnless(missing: string | null): (name: string, body: () => void) => void {
  if (missing === null || process.env.CI === 'true') return describe;
  // As above: the group is named with what it lacks.
  return (name, body) => describe.skip(`${name} (not run: ${missing})`, body);
}

export const STRACE = '/usr/bin/strace';
export const testTraced = testUnless(existsSync(STRACE) ? null : `no ${STRACE}: install strace`);

/** Only root may mount a disk. */
export const mayMount = process.platform === 'linux' && process.getuid?.() === 0;
export const testMounted = testUnless(mayMount ? null : 'mounting a disk needs root on Linux');
