/** The chart of one pair: candles up to the last close, then the fan of 50, 80 and 95 % ranges. */
import { closeOf } from './shared/domain/timeframe.js';

const LEVELS = ['95', '80', '50'];
/** Columns of the chart's data after the times. */
const COLUMN = { high: 1, low: 2, median: 3, pastUpper: 4, pastLower: 5, first: 6 };

/** Colours come from the style sheet, so that light and dark have one owner. */
function colours() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).trim();
  return {
    text: read('--quiet'),
    grid: read('--line'),
    up: read('--up'),
    down: read('--down'),
    median: read('--accent'),
    fan: { 95: read('--fan-95'), 80: read('--fan-80'), 50: read('--fan-50') },
    past: read('--past'),
    miss: read('--miss'),
  };
}

/** Candles as numbers: open and close instants in seconds, prices. */
export function readCandles(history, most) {
  return history.data.slice(-most).map((candle) => {
    const openAt = Date.parse(candle.timestamp);
    const { open, high, low, close } = candle;
    return { openAt: openAt / 1000, closeAt: closeOf(history.timeframe, openAt) / 1000, open, high, low, close };
  });
}

/** Forecast steps as numbers, led by the close they start from, where all ranges have no width. */
export function readSteps(prediction, candles) {
  if (prediction === null) return [];
  const origin = Date.parse(prediction.data_through) / 1000;
  const start = candles.find((candle) => candle.closeAt === origin);
  const point = (price) => ({ lower: price, upper: price });
  const first =
    start === undefined
      ? []
      : [
          {
            at: origin,
            price: start.close,
            intervals: { 50: point(start.close), 80: point(start.close), 95: point(start.close) },
          },
        ];
  return first.concat(
    prediction.forecast.map((step) => ({
      at: Date.parse(step.timestamp) / 1000,
      price: step.price,
      intervals: step.intervals,
    })),
  );
}

/** Earlier forecasts as numbers, for the closes that came. */
export function readPast(targets) {
  return targets.map(({ timestamp, lower_bound, upper_bound, actual, within }) => ({
    at: Date.parse(timestamp) / 1000,
    lower: lower_bound,
    upper: upper_bound,
    actual,
    within,
  }));
}

/** One row of times, then high, low, median, both ends of earlier ranges and of each range; null where there is nothing. */
function tableOf(candles, steps, past) {
  const candleAt = new Map(candles.map((candle) => [candle.closeAt, candle]));
  const stepAt = new Map(steps.map((step) => [step.at, step]));
  const pastAt = new Map(past.map((target) => [target.at, target]));
  const times = [...new Set([...candleAt.keys(), ...stepAt.keys()])].sort((a, b) => a - b);
  const column = (map, value) => times.map((at) => (map.has(at) ? value(map.get(at)) : null));
  return [
    times,
    column(candleAt, (candle) => candle.high),
    column(candleAt, (candle) => candle.low),
    column(stepAt, (step) => step.price),
    column(pastAt, (target) => target.upper),
    column(pastAt, (target) => target.lower),
    ...LEVELS.flatMap((level) => [
      column(stepAt, (step) => step.intervals[level].upper),
      column(stepAt, (step) => step.intervals[level].lower),
    ]),
  ];
}

function drawCandles(chart, candles, colour) {
  const { ctx } = chart;
  const pixels = window.devicePixelRatio || 1;
  ctx.save();
  ctx.beginPath();
  ctx.rect(chart.bbox.left, chart.bbox.top, chart.bbox.width, chart.bbox.height);
  ctx.clip();
  for (const candle of candles) {
    const left = chart.valToPos(candle.openAt, 'x', true);
    const right = chart.valToPos(candle.closeAt, 'x', true);
    const middle = Math.round((left + right) / 2);
    const width = Math.max(pixels, Math.round((right - left) * 0.64));
    const price = (value) => Math.round(chart.valToPos(value, 'y', true));
    const [top, bottom] = [price(Math.max(candle.open, candle.close)), price(Math.min(candle.open, candle.close))];
    ctx.fillStyle = candle.close >= candle.open ? colour.up : colour.down;
    ctx.fillRect(
      middle - pixels / 2,
      price(candle.high),
      pixels,
      Math.max(pixels, price(candle.low) - price(candle.high)),
    );
    ctx.fillRect(middle - Math.round(width / 2), top, width, Math.max(pixels, bottom - top));
  }
  ctx.restore();
}

/** Behind each candle the range that was forecast for its close. */
function drawPast(chart, candles, past, colour) {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.fillStyle = colour.past;
  for (const { left, right, lower, upper } of placesOf(chart, candles, past)) {
    const [top, bottom] = [chart.valToPos(upper, 'y', true), chart.valToPos(lower, 'y', true)];
    ctx.fillRect(left, top, right - left, bottom - top);
  }
  ctx.restore();
}

/** Earlier forecasts with the edges of the candle they were for; those whose candle is not shown are left out. */
function placesOf(chart, candles, past) {
  const candleAt = new Map(candles.map((candle) => [candle.closeAt, candle]));
  return past.flatMap((target) => {
    const candle = candleAt.get(target.at);
    if (candle === undefined) return [];
    const [left, right] = [candle.openAt, candle.closeAt].map((at) => Math.round(chart.valToPos(at, 'x', true)));
    return [{ ...target, left, right }];
  });
}

/** A cross where the close came outside the range. */
function drawMisses(chart, candles, past, colour) {
  const { ctx } = chart;
  const pixels = window.devicePixelRatio || 1;
  ctx.save();
  ctx.strokeStyle = colour.miss;
  ctx.lineWidth = 2 * pixels;
  for (const { left, right, actual, within } of placesOf(chart, candles, past)) {
    if (within) continue;
    const [x, y, arm] = [(left + right) / 2, chart.valToPos(actual, 'y', true), 4 * pixels];
    ctx.beginPath();
    for (const slope of [1, -1]) {
      ctx.moveTo(x - arm, y - arm * slope);
      ctx.lineTo(x + arm, y + arm * slope);
    }
    ctx.stroke();
  }
  ctx.restore();
}

/** A dashed line at the last close, across the whole chart, and one down at its time. */
function drawLastClose(chart, last, colour) {
  if (last === undefined) return;
  const { ctx, bbox } = chart;
  const pixels = window.devicePixelRatio || 1;
  const y = Math.round(chart.valToPos(last.close, 'y', true));
  const x = Math.round(chart.valToPos(last.closeAt, 'x', true));
  ctx.save();
  ctx.strokeStyle = colour.text;
  ctx.lineWidth = 1.5 * pixels;
  ctx.setLineDash([2 * pixels, 3 * pixels]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.restore();
}

function seriesOf(colour) {
  const hidden = { points: { show: false }, spanGaps: false };
  const series = [{}, hidden, hidden];
  series[COLUMN.median] = { ...hidden, stroke: colour.median, width: 2, dash: [6, 4] };
  series.push(hidden, hidden);
  return series.concat(LEVELS.flatMap(() => [hidden, hidden])).map((item) => ({ ...item }));
}

/** `12:00` within a day with the date at its start, `23 Nov` for days, `Nov 2026` for longer steps (seconds). */
function timeLabels(values, step, zone) {
  const part = (options) => new Intl.DateTimeFormat('en-GB', { timeZone: zone, hourCycle: 'h23', ...options });
  const clock = part({ hour: '2-digit', minute: '2-digit' });
  const day = part({ day: 'numeric', month: 'short' });
  const month = part({ month: 'short', year: 'numeric' });
  return values.map((seconds) => {
    const at = seconds * 1000;
    if (step >= 28 * 86_400) return month.format(at);
    const time = clock.format(at);
    return step >= 86_400 || time === '00:00' ? day.format(at) : time;
  });
}

/** As many digits as the distance between two labels needs. */
function priceLabels(values, step) {
  const digits = Math.max(0, Math.ceil(-Math.log10(step)));
  const format = new Intl.NumberFormat('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return values.map((value) => format.format(value));
}

function optionsOf({ width, height, candles, past, colour, zone, onCursor }) {
  const axis = {
    stroke: colour.text,
    grid: { stroke: colour.grid, width: 1 },
    ticks: { show: false },
    font: '12px system-ui',
  };
  return {
    width,
    height,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
    tzDate: (seconds) => window.uPlot.tzDate(new Date(seconds * 1000), zone),
    scales: { y: { range: (_chart, low, high) => [low - (high - low) * 0.06, high + (high - low) * 0.06] } },
    series: seriesOf(colour),
    bands: LEVELS.map((level, index) => ({
      series: [COLUMN.first + 2 * index, COLUMN.first + 2 * index + 1],
      fill: colour.fan[level],
    })),
    axes: [
      { ...axis, space: 84, size: 32, values: (_chart, values, _axis, _space, step) => timeLabels(values, step, zone) },
      { ...axis, side: 1, size: 72, values: (_chart, values, _axis, _space, step) => priceLabels(values, step) },
    ],
    hooks: {
      drawAxes: [
        (chart) => drawLastClose(chart, candles.at(-1), colour),
        (chart) => drawPast(chart, candles, past, colour),
      ],
      drawSeries: [
        (chart, index) => {
          if (index !== COLUMN.high) return;
          drawCandles(chart, candles, colour);
          drawMisses(chart, candles, past, colour);
        },
      ],
      setCursor: [(chart) => onCursor(chart.cursor.idx ?? null)],
    },
  };
}

/**
 * Draws into `target` and keeps to its width. `onCursor` is told the instant under the pointer (seconds) or null.
 * Returns a function that takes the chart away.
 */
export function drawChart(target, { candles, steps, past, local, onCursor }) {
  const zone = local ? Intl.DateTimeFormat().resolvedOptions().timeZone : 'Etc/UTC';
  const dark = window.matchMedia('(prefers-color-scheme: dark)');
  const shownPast = past.filter(({ at }) => at >= (candles[0]?.closeAt ?? 0));
  const table = tableOf(candles, steps, shownPast);
  const size = () => ({ width: Math.max(240, target.clientWidth), height: target.clientWidth < 560 ? 260 : 380 });
  let chart = null;
  const draw = () => {
    chart?.destroy();
    const told = (index) => onCursor(index === null ? null : (table[0][index] ?? null));
    chart = new window.uPlot(
      optionsOf({ ...size(), candles, past: shownPast, colour: colours(), zone, onCursor: told }),
      table,
      target,
    );
  };
  const observer = new ResizeObserver(() => chart !== null && chart.width !== size().width && chart.setSize(size()));
  draw();
  observer.observe(target);
  dark.addEventListener('change', draw);
  return () => {
    observer.disconnect();
    dark.removeEventListener('change', draw);
    chart?.destroy();
  };
}
