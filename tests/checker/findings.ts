/** What the checker has tried and found broken. */

/** Every rule there is: its invariant (PROOF 2, SPEC) and what it says. A finding under any other name does not compile. */
export const RULES = {
  'I01 closed': 'no candle is stored before it has closed',
  'I02 through': 'nothing rests on, or shows, a candle that had not closed then',
  'I03 explained':
    'every slot from the first to the last closed candle has its candle or a line of the ledger, never both',
  'I04 invented': 'every stored candle is one that the market has',
  'I05 grid': 'every stored candle opens on the calendar',
  'I06 single': 'no slot has two candles',
  'I07 revised': 'a candle whose values changed after they were shown or recorded has its record of revision',
  'I08 kept': 'every candle that was ever published is still stored',
  'I09 sound': 'every stored candle is finite, positive and within its high and low',
  'I11 complete': "every candle that had closed by a pair's newest successful run is stored",
  'I12 equal': 'every stored candle has the values the market has',
  'I14 apart': 'two runs of one timeframe never overlap',
  'I16 done': 'a boundary that is called done has its candles or lines of the ledger',
  'I20 whole': 'every object holds the bytes that its name is the hash of',
  'I21 named': 'every object that a kept manifest names is there, whole, with its size',
  'I23 manifest': 'the manifest in force is the newest kept generation, byte for byte',
  'I25 onward': 'generations are dense, and neither their times nor the data of a pair go back',
  'I27 durable': 'every recorded generation is on disk as it was recorded',
  'I29 canonical': 'objects are canonical JSON: the same content has the same bytes everywhere',
  'I30 honest': 'status words and times follow from data_through and the limits',
  'I31 registry': 'what is forecast under the name of the champion is by the champion of that time',
  'I33 champion': "every published prediction is the champion's record in the ledger, number for number",
  'I40 sane': 'forecasts are finite, positive, ordered and not absurd',
  'I41 gate': 'a pair below its minimum of samples shows no prediction as servable',
  'I42 last good': 'a pair that had a prediction keeps one, and never an older one',
  'I42 shown': 'a pair that is shown stays as long as its symbol is ready',
  'I43 steps': 'a forecast has its steps, each at the next boundary, from the end of its last candle',
  'I44 schema': 'every document keeps its published JSON Schema',
  'I60 ban': 'nobody asks while a Retry-After lasts',
  'I61 empty': 'no gap is called empty that the market has a candle for',
  'I61 cursor': 'one empty answer moves no cursor: the same place is asked about again',
  'P16 synced': 'every published file is synced before its one rename, and its folder after it',
  'SPEC1 derived': 'published candles are the stored ones, value for value',
  'SPEC3 hidden': 'nothing of a symbol that is not ready is in the user plane',
  'SPEC6 score': "every score is what its forecast and the market's close say",
  'SPEC6 scored': 'every step whose target is stored is scored, and nothing else',
  'SPEC6 yardstick': 'every forecast of the champion has the naive one beside it',
  'SPEC6 record': 'the published track record is the mean of the scores in the ledger',
} as const;

export type Rule = keyof typeof RULES;
const NAMES = Object.keys(RULES) as readonly Rule[];

export interface CheckReport {
  /** `I04 invented BTC/USDT 1h …: …`; of each rule the first ones. */
  readonly breaches: readonly string[];
  /** Facts that each rule was tried on, and how many of them broke it. */
  readonly tried: Readonly<Record<Rule, number>>;
  readonly broken: Readonly<Record<Rule, number>>;
}

/** Sentences kept of each rule; what follows is only counted. */
const KEPT = 20;

export class Findings implements CheckReport {
  readonly breaches: string[] = [];
  readonly tried = zeros();
  readonly broken = zeros();

  /** Counts a fact tried; a breach is told as `where: sentence`, put together only then. */
  holds(rule: Rule, truth: boolean, tell: () => string): void {
    this.tried[rule] += 1;
    if (truth) return;
    this.broken[rule] += 1;
    if (this.broken[rule] <= KEPT) this.breaches.push(`${rule} ${tell()}`);
  }
}

function zeros(): Record<Rule, number> {
  return Object.fromEntries(NAMES.map((rule) => [rule, 0])) as Record<Rule, number>;
}

/** Rules that were tried on no fact and so have proved nothing, without those that can not apply to what was run. */
export function unproved({ tried }: CheckReport, notApplicable: readonly Rule[] = []): Rule[] {
  return NAMES.filter((rule) => tried[rule] === 0 && !notApplicable.includes(rule));
}

export function brokenRules({ broken }: CheckReport): Rule[] {
  return NAMES.filter((rule) => broken[rule] > 0);
}

/** Rule, facts, broken: a line each. */
export function reportTable({ tried, broken }: CheckReport): string {
  const width = Math.max(...NAMES.map((rule) => rule.length));
  const line = (rule: string, facts: string, bad: string, says: string): string =>
    `${rule.padEnd(width)}  ${facts.padStart(9)}  ${bad.padStart(6)}  ${says}`;
  return [
    line('rule', 'facts', 'broken', 'what it says'),
    ...NAMES.map((rule) => line(rule, String(tried[rule]), String(broken[rule]), RULES[rule])),
  ].join('\n');
}
