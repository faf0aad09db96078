/** Everything the page says in words and numbers. */

const MINUTE = 60_000;
const TIMEFRAMES = { '1m': '1 minute', '1h': '1 hour', '1d': '1 day', '1w': '1 week', '1M': '1 month' };

/** What each status word means to a reader. `late` is the page's own: fresh by its time, but the publisher is silent. */
export const STATUS_WORDS = {
  fresh: { word: 'fresh', meaning: 'The data is up to date.' },
  late: { word: 'not confirmed', meaning: 'The publisher is silent, so newer data may be missing.' },
  stale: { word: 'stale', meaning: 'The data is older than it should be.' },
  hard_stale: { word: 'hard stale', meaning: 'The data is too old to be shown.' },
  corrupt: { word: 'corrupt', meaning: 'A published document can not be trusted.' },
  missing: { word: 'missing', meaning: 'Nothing has been published yet.' },
  insufficient_data: { word: 'insufficient data', meaning: 'There are too few candles for a forecast.' },
};

export function timeframeWords(timeframe) {
  const [, count, unit] = /^(\d+)([mhdwM])$/.exec(timeframe) ?? [];
  if (TIMEFRAMES[timeframe] !== undefined) return TIMEFRAMES[timeframe];
  const name = { m: 'minutes', h: 'hours', d: 'days', w: 'weeks', M: 'months' }[unit];
  return name === undefined ? timeframe : `${count} ${name}`;
}

/** `12 min`, `30 h`, `12 d`. */
export function spell(ms) {
  const minutes = Math.max(0, Math.floor(ms / MINUTE));
  if (minutes < 120) return `${minutes} min`;
  return minutes < 2880 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} d`;
}

/** `12 min ago`, or `just now` within the first minute. */
export function agoWords(ms) {
  return ms < MINUTE ? 'just now' : `${spell(ms)} ago`;
}

/** `14:00 UTC` today, `23 Nov, 14:00 UTC` on another day, with the year when it is another one. */
export function timeWords(at, now, local) {
  const zone = local ? undefined : 'UTC';
  const part = (options) => new Intl.DateTimeFormat('en-GB', { timeZone: zone, ...options });
  const day = part({ day: 'numeric', month: 'short', year: 'numeric' });
  const clock = part({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZoneName: 'short' }).format(at);
  if (day.format(at) === day.format(now)) return clock;
  const sameYear = part({ year: 'numeric' }).format(at) === part({ year: 'numeric' }).format(now);
  const date = sameYear ? part({ day: 'numeric', month: 'short' }).format(at) : day.format(at);
  return `${date}, ${clock}`;
}

/** `30 days` for `720 x 1h`; other texts as they are. */
function windowWords(text) {
  const [, count, timeframe] = /^(\d+) x (\d+[mhdwM])$/.exec(text) ?? [];
  if (count === undefined) return text;
  const hours = timeframe === '1h' ? Number(count) : 0;
  return hours >= 48 && hours % 24 === 0 ? aheadWords('1d', hours / 24) : aheadWords(timeframe, Number(count));
}

/** A price with the digits that matter for its size. */
export function priceWords(price) {
  if (price >= 1) {
    const digits = price >= 1000 ? 2 : 4;
    return price.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: digits });
  }
  return price.toLocaleString('en', { maximumSignificantDigits: 5 });
}

/** An error in the price's unit: two decimals of a large one are more than it is known to. */
function errorWords(error) {
  return error >= 1 ? error.toLocaleString('en', { maximumFractionDigits: 2 }) : priceWords(error);
}

/** `+1.20 %`; the sign is always there. */
export function changeWords(share) {
  const text = (share * 100).toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  return `${share >= 0 ? '+' : ''}${text} %`.replace('-', '\u2212');
}

export function percentWords(share) {
  return `${(share * 100).toLocaleString('en', { maximumFractionDigits: 1 })} %`;
}

/** `6 hours`: so many candles of the timeframe. */
export function aheadWords(timeframe, steps) {
  const [, count, unit] = /^(\d+)([mhdwM])$/.exec(timeframe) ?? [];
  const name = { m: 'minute', h: 'hour', d: 'day', w: 'week', M: 'month' }[unit];
  if (name === undefined) return `${steps} candles`;
  const total = steps * Number(count);
  return `${total} ${name}${total === 1 ? '' : 's'}`;
}

/** A range that should hold 80 % is called right within this many parts of one, as the gate for new models judges it. */
const BAND_TOLERANCE = 0.08;

/** The figures a reader looks for first: name, value, and whether it is good, middling or bad. */
export function recordFigures(quality) {
  if (quality.sample_count === 0) return [];
  const band = quality.coverage['80'];
  const skill = quality.skill_vs_naive;
  return [
    band === null ? null : ['80 % range held', percentWords(band), bandMood(band)],
    skill === null ? null : ['against \u201csame as now\u201d', skillFigure(skill), skill > 0 ? 'good' : 'plain'],
    ['scored forecast steps', quality.sample_count.toLocaleString('en'), 'plain'],
  ].filter((figure) => figure !== null);
}

function bandMood(band) {
  return Math.abs(band - 0.8) <= BAND_TOLERANCE ? 'good' : 'bad';
}

function skillFigure(skill) {
  if (skill === 0) return 'no better';
  return `${percentWords(Math.abs(skill))} ${skill > 0 ? 'better' : 'worse'}`;
}

function bandWords(band) {
  if (band === null) return null;
  const held = `The 80 % range held the close ${percentWords(band)} of the time`;
  if (bandMood(band) === 'good') return `${held}, which is about right.`;
  return band < 0.8 ? `${held}: it was too narrow.` : `${held}: it was wider than it need be.`;
}

/** The track record in plain sentences; how much it rests on is always said. */
export function qualityWords(quality) {
  if (quality.sample_count === 0) {
    return ['No forecast has been scored yet.', 'The record begins when the first target candles have closed.'];
  }
  const steps =
    quality.sample_count === 1 ? '1 forecast step' : `${quality.sample_count.toLocaleString('en')} forecast steps`;
  return [
    `Scored on ${steps} of the last ${windowWords(quality.evaluation_window)}.`,
    bandWords(quality.coverage['80']),
    quality.mae === null ? null : `On average the middle was off by ${errorWords(quality.mae)}.`,
    skillWords(quality.skill_vs_naive),
    quality.directional_accuracy === null
      ? null
      : `The direction was right ${percentWords(quality.directional_accuracy)} of the time (a coin gives 50 %).`,
  ].filter((sentence) => sentence !== null);
}

/** The whole forecast, middle and ranges, is scored: a middle that equals "same as now" can still have better ranges. */
function skillWords(skill) {
  if (skill === null) return null;
  const subject = 'Middle and ranges together';
  if (skill > 0) return `${subject} missed by ${percentWords(skill)} less than those of \u201csame as now\u201d.`;
  if (skill === 0) return `${subject} were no better than those of \u201csame as now\u201d.`;
  return `${subject} were not better than those of \u201csame as now\u201d: they missed by ${percentWords(-skill)} more.`;
}
