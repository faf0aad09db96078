/** What must hold after every command of a simulated life, whatever befell it (PROOF 2). */
import { subtractRanges } from '../../../src/domain/coverage';
import { closeOf, HOUR, isOnGrid, lastBoundary, shiftSlots } from '../../../src/domain/timeframe';
import { pairKey } from '../../../src/domain/types';
import type { EpochMs, MarketSymbol, Pair } from '../../../src/domain/types';
import type { HistoryDocument, Manifest, PredictionDocument } from '../../../src/publish/documents';
import { checkObject } from '../../../src/publish/verify-document';
import { checkManifest, checkReferences, checkSuccession, parseManifest } from '../../../src/publish/verify-manifest';
import { SETTLE_MS } from './simulated-market';
import { rules } from './life-script';
import type { Life } from './life';

/** Always kept, whatever their age. */
const KEPT_GENERATIONS = 50;
/** Stored candles at the end that each fetch reads again. */
const READ_AGAIN = 3;
const EVER = { limit: 1_000_000 };

export class Invariants {
  /** A worker's clock was wrong for a while: then what rests on the age of files or fetches is not promised. */
  clocksWereWrong = false;
  readonly #broken: string[] = [];
  readonly #keys = new Map<string, Set<EpochMs>>();
  readonly #manifests = new Map<number, { readonly text: string; readonly manifest: Manifest }>();
  /** Objects that were searched for a shadow, by its version: what bears a hash never changes. */
  readonly #searched = new Map<string, Set<string>>();
  readonly #documents = new Map<string, HistoryDocument | PredictionDocument>();
  #published = 0;

  constructor(private readonly life: Life) {}

  report(invariant: string, sentence: string): void {
    this.#broken.push(`${invariant} ${sentence}`);
  }

  /** Everything that is broken now or was since the last look. */
  async check(): Promise<string[]> {
    for (const pair of this.life.pairs) await this.#checkCandles(pair);
    await this.#checkRuns();
    await this.#checkModels();
    await this.#checkPublished();
    if (this.life.market.requestsInBan > 0) this.report('I60', 'a request was sent inside a ban that was known');
    return this.#broken.splice(0);
  }

  /** I01 I04 I05 I06 I08 I09. */
  async #checkCandles(pair: Pair): Promise<void> {
    const { stores, market, time } = this.life;
    const candles = await stores.candles.read(pair, EVER);
    const closedBy = closeOf(pair.timeframe, market.lastClosed(pair));
    const keys = new Set<EpochMs>();
    for (const candle of candles) {
      const { openTime } = candle;
      const tell = (invariant: string, what: string) =>
        this.report(invariant, `${pairKey(pair)} ${new Date(openTime).toISOString()} ${what}`);
      keys.add(openTime);
      if (!isOnGrid(pair.timeframe, openTime)) tell('I05', 'is off the grid');
      if (closeOf(pair.timeframe, openTime) > Math.min(closedBy, time.now - SETTLE_MS))
        tell('I01', 'is stored and has not closed');
      if (!market.everSaid(pair, candle)) tell('I04', 'was never said by the exchange');
    }
    for (const key of this.#keys.get(pairKey(pair)) ?? []) {
      if (!keys.has(key)) this.report('I08', `${pairKey(pair)} ${new Date(key).toISOString()} is stored no more`);
    }
    this.#keys.set(pairKey(pair), keys);
  }

  /** I14 I16. */
  async #checkRuns(): Promise<void> {
    const { stores, timeframes } = this.life;
    for (const timeframe of timeframes) {
      const runs = (await stores.runLog.recent(timeframe, 10_000)).toReversed();
      let ended = Number.NEGATIVE_INFINITY;
      for (const run of runs) {
        if (run.startedAt < ended) this.report('I14', `two runs of ${timeframe} overlap: ${run.runId}`);
        ended = Math.max(ended, run.end?.endedAt ?? ended);
      }
      for (const { boundary, outcome } of await stores.runLog.boundaries(timeframe, 0, Number.MAX_SAFE_INTEGER)) {
        if (outcome !== 'done') continue;
        for (const state of await stores.pairState.symbolStates()) {
          if (state.activation !== 'ready' || state.since > boundary) continue;
          await this.#checkExplained({ symbol: state.symbol, timeframe }, shiftSlots(timeframe, boundary, -1));
        }
      }
    }
  }

  /** I31 I33: one champion, which has its model; what was never champion is neither issued as such nor published. */
  async #checkModels(): Promise<void> {
    const { models, forecastLedger, files } = this.life.stores;
    for (const timeframe of this.life.timeframes) {
      const known = new Set((await models.models(timeframe)).map(({ model_version }) => model_version));
      const history = (await models.history(timeframe)).toReversed();
      const champions = new Set(history.map(({ version }) => version));
      for (const [place, { version, previous }] of history.entries()) {
        if (previous !== (history[place - 1]?.version ?? null))
          this.report('I31', `${timeframe} ${version} did not follow the champion before it`);
        if (!known.has(version)) this.report('I31', `${timeframe} ${version} is champion and no model`);
      }
      const shadow = await models.shadow(timeframe);
      if (shadow !== null && !known.has(shadow.version)) this.report('I31', `${shadow.version} is shadow and no model`);
      if (shadow !== null && shadow.version === history.at(-1)?.version)
        this.report('I31', `${timeframe} ${shadow.version} is champion and shadow`);
      for (const pair of this.life.pairs.filter((of) => of.timeframe === timeframe)) {
        for (const { modelVersion } of await forecastLedger.list(pair, 'champion', 0, Number.MAX_SAFE_INTEGER))
          if (!champions.has(modelVersion)) this.report('I33', `${modelVersion} was never champion and forecasts`);
      }
      if (shadow === null || champions.has(shadow.version)) continue;
      const searched = this.#searched.get(shadow.version) ?? new Set();
      this.#searched.set(shadow.version, searched);
      for (const [sha256, { text }] of files.objects) {
        if (searched.has(sha256)) continue;
        searched.add(sha256);
        if (text.includes(shadow.version)) this.report('I33', `the shadow ${shadow.version} is published`);
      }
    }
  }

  async #checkExplained(pair: Pair, slot: EpochMs): Promise<void> {
    if (this.#keys.get(pairKey(pair))?.has(slot) === true) return;
    const gaps = await this.life.stores.gapLedger.list(pair);
    if (gaps.some(({ from, to }) => from <= slot && slot <= to)) return;
    this.report('I16', `${pairKey(pair)} ${new Date(slot).toISOString()} counts as done and is not stored`);
  }

  /** I02 I20 I21 I23 I24 I25 I28 I29 I30 I40 I41 I42 I43 I44, with the rules that `export verify` has. */
  async #checkPublished(): Promise<void> {
    const { files, pairState } = this.life.stores;
    const states = await pairState.symbolStates();
    const ready = new Set(states.filter(({ activation }) => activation === 'ready').map(({ symbol }) => symbol));
    const tell = (invariant: string, where: string, sentence: string) => this.report(invariant, `${where} ${sentence}`);
    for (const [sha256, { text }] of files.objects) {
      if (this.#documents.has(sha256)) continue;
      const document = checkObject(text, sha256, tell);
      if (document !== null) this.#documents.set(sha256, document);
    }
    const sizes = new Map([...files.objects].map(([sha256, { text }]) => [sha256, Buffer.byteLength(text)]));
    const kept = [...files.generations].toSorted(([a], [b]) => a - b).slice(-KEPT_GENERATIONS);
    for (const [generation, { text }] of kept) {
      const known = this.#manifests.get(generation);
      // One that was never in force is taken back, and its number may be given again.
      const isNew = known?.text !== text;
      const manifest = isNew ? parseManifest(text, `generation ${generation}`, tell) : known.manifest;
      if (manifest === null) continue;
      checkReferences(manifest, sizes, `generation ${generation}`, tell);
      if (!isNew) continue;
      const before = [...this.#manifests.values()].findLast((other) => other.manifest.generation < generation);
      this.#manifests.set(generation, { text, manifest });
      if (before !== undefined) this.#checkNext(before.manifest, manifest, ready);
    }
    this.#checkCurrent(tell);
  }

  #checkCurrent(tell: (invariant: string, where: string, sentence: string) => void): void {
    const { time, stores } = this.life;
    const text = stores.files.manifest;
    if (text === null) {
      if (this.#published > 0) this.report('I23', 'there is no manifest any more');
      return;
    }
    const manifest = parseManifest(text, 'manifest', tell);
    if (manifest === null) return;
    if (manifest.generation < this.#published) this.report('I25', `generation went back to ${manifest.generation}`);
    this.#published = manifest.generation;
    checkManifest(manifest, { report: tell, rules, documents: this.#documents, now: time.now });
  }

  /** `ready`: symbols that are now. */
  #checkNext(before: Manifest, manifest: Manifest, ready: ReadonlySet<MarketSymbol>): void {
    checkSuccession(before, manifest, (invariant, where, sentence) => this.report(invariant, `${where} ${sentence}`));
    const earlier = new Map(before.entries.map((entry) => [entry.key, entry.files.prediction]));
    const shown = new Set(manifest.entries.map(({ key }) => key));
    for (const { key, symbol } of before.entries) {
      if (shown.has(key) || manifest.rollback_of !== null || !ready.has(symbol)) continue;
      this.report('I42', `${key} is in the manifest no more, and its symbol is ready`);
    }
    for (const { key, files } of manifest.entries) {
      const had = earlier.get(key) ?? null;
      if (had === null || (files.prediction !== null && files.prediction.data_through >= had.data_through)) continue;
      if (!this.clocksWereWrong) this.report('I42', `the last good prediction of ${key} is gone`);
    }
  }

  /** What three undisturbed boundaries later must be as if nothing had been: I03 I07 I12 I16, and every pair served. */
  async checkHealed(): Promise<string[]> {
    const { stores, market, time, timeframes } = this.life;
    for (const pair of this.life.pairs) {
      const candles = await stores.candles.read(pair, EVER);
      const last = shiftSlots(pair.timeframe, market.lastClosed(pair), this.life.alwaysLate ? -1 : 0);
      const reached = candles.at(-1)?.openTime ?? 0;
      if (market.newestUpTo(pair, last) > reached)
        this.report('I03', `${pairKey(pair)} does not reach its last closed candle`);
      const gaps = await stores.gapLedger.list(pair);
      const holes = await stores.candles.holes(pair);
      for (const { from } of subtractRanges(pair.timeframe, holes, gaps))
        this.report('I03', `${pairKey(pair)} ${new Date(from).toISOString()} is an unexplained hole`);
      // Slots after the last candle are in the ledger when they have closed, and holes of the store only later.
      const inside = gaps.filter(({ from }) => from <= reached);
      for (const { from, to } of subtractRanges(pair.timeframe, inside, holes)) {
        this.report('I03', `${pairKey(pair)} ${new Date(from).toISOString()} is stored and in the ledger of gaps`);
        if (to < from) throw new RangeError('a gap ends before it begins');
      }
      for (const hole of holes) {
        for (let slot = hole.from; slot <= hole.to; slot = shiftSlots(pair.timeframe, slot, 1))
          if (market.candle(pair, slot) !== undefined)
            this.report('I03', `${pairKey(pair)} ${new Date(slot).toISOString()} is lost`);
      }
      if (this.clocksWereWrong) continue;
      for (const candle of candles.slice(-READ_AGAIN)) {
        if (JSON.stringify(market.candle(pair, candle.openTime)) !== JSON.stringify(candle))
          this.report(
            'I07',
            `${pairKey(pair)} ${new Date(candle.openTime).toISOString()} is not as the exchange has it`,
          );
      }
    }
    for (const timeframe of timeframes) {
      const newest = lastBoundary(timeframe, time.now - HOUR / 4);
      const records = await stores.runLog.boundaries(timeframe, 0, newest);
      const first = records[0]?.boundary ?? newest;
      for (let at = first; at <= newest; at = shiftSlots(timeframe, at, 1)) {
        const record = records.find(({ boundary }) => boundary === at);
        if (record === undefined) this.report('I16', `${timeframe} ${new Date(at).toISOString()} is not accounted for`);
      }
      const empty = this.life.pairs.some(
        (pair) => market.candle(pair, shiftSlots(pair.timeframe, newest, -1)) === undefined,
      );
      if (records.at(-1)?.outcome === 'failed' && !this.life.alwaysLate && !empty)
        this.report(
          'I16',
          `the last boundary of ${timeframe} is ${records.at(-1)?.outcome}: ${records.at(-1)?.reason}`,
        );
    }
    const manifest = JSON.parse(stores.files.manifest ?? '{"entries":[]}') as Manifest;
    for (const pair of this.life.pairs) {
      const entry = manifest.entries.find(({ key }) => key === pairKey(pair));
      if (entry?.serve_allowed !== true || entry.degraded)
        this.report('SPEC 5', `${pairKey(pair)} is not served after all: ${entry?.status} ${entry?.reason}`);
    }
    return this.#broken.splice(0);
  }
}
