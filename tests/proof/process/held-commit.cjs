// Loaded into a worker by a proof: when the file HELD_COMMIT/hold is there, the next manifest takes it and waits in the
// middle of its commit until HELD_COMMIT/held-PID is gone.
const { existsSync, renameSync } = require('node:fs');
const promises = require('node:fs/promises');
const { join } = require('node:path');
const { setTimeout: delay } = require('node:timers/promises');

const folder = process.env.HELD_COMMIT;
const { readdir } = promises;

async function waitWhenHeld() {
  const held = join(folder, `held-${process.pid}`);
  try {
    renameSync(join(folder, 'hold'), held);
  } catch {
    return;
  }
  while (existsSync(held)) await delay(10);
}

if (folder !== undefined) {
  promises.readdir = async (path, ...rest) => {
    if (String(path).endsWith('generations')) await waitWhenHeld();
    return readdir(path, ...rest);
  };
}
