/** Tests that need more than a process has everywhere. Where it is missing they say so; under CI that is a failure. */
import { existsSync } from 'node:fs';

export const STRACE = '/usr/bin/strace';

type Test = (name: string, body: () => Promise<void>, timeout: number) => void;

function testWhen(possible: boolean, why: string): Test {
  if (possible || process.env.CI === 'true') return test;
  return (name) => test.skip(`${name} (not run: ${why})`, () => undefined);
}

export const testTraced = testWhen(existsSync(STRACE), 'no strace');
export const testMounted = testWhen(process.getuid?.() === 0, 'needs root to mount');
