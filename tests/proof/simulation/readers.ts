/** Readers of what is published who take their time: every file of the manifest they hold must be there, whole (I24, F44). */
import { createHash } from 'node:crypto';
import { DAY, HOUR } from '../../../src/domain/timeframe';
import type { Manifest } from '../../../src/publish/documents';
import type { Life } from './life';

const PATIENCE_MS = 20 * HOUR;

export class Readers {
  /** The highest generation that was ever seen. */
  #seen = 0;
  readonly #reading: Promise<void>[] = [];

  constructor(private readonly life: Life) {}

  /** False when nothing is published yet that could be read. */
  start(): boolean {
    const { manifest: text } = this.life.stores.files;
    if (text === null) return false;
    const manifest = JSON.parse(text) as Manifest;
    if (manifest.generation < this.#seen) this.life.invariants.report('I25', 'a reader saw an older generation');
    this.#seen = Math.max(this.#seen, manifest.generation);
    this.#reading.push(this.#read(manifest));
    return manifest.entries.length > 0;
  }

  async finish(): Promise<void> {
    await this.life.time.runThrough(Promise.all(this.#reading));
  }

  async #read({ generation, entries }: Manifest): Promise<void> {
    const { time, stores, invariants } = this.life;
    const begun = time.now;
    for (const file of entries.flatMap(({ files }) => [files.history, files.prediction])) {
      if (file === null) continue;
      await time.sleep(time.pick(PATIENCE_MS / 8));
      if (time.now - begun > DAY) return;
      const body = await stores.files.readObject(file.sha256);
      const whole = body !== null && createHash('sha256').update(body).digest('hex') === file.sha256;
      if (!whole && !invariants.clocksWereWrong)
        invariants.report('I24', `a reader of generation ${generation} found ${file.name} gone`);
    }
  }
}
