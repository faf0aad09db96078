/** Bugs in what is forecast, how it is scored, and when it may be shown. */
import type { SeededBug } from './seeded-bug';

const METRIC_TEST = 'tests/unit/domain/metric.test.ts';

export const FORECAST_BUGS: readonly SeededBug[] = [
  {
    name: 'wrong_score_step',
    file: 'activities/quality.ts',
    text: 'const actuals = times.map((time) => closes.get(time) ?? null);',
    instead: 'const actuals = times.slice(1).map((time) => closes.get(time) ?? null);',
    caughtBy: { kind: 'scene', rule: 'SPEC6 score' },
  },
  {
    name: 'scores_of_one_forecast_only',
    file: 'activities/quality.ts',
    text: `closesByTime(ports, pair, first.dataThrough, asOf);
  const scores = records.flatMap(`,
    instead: `closesByTime(ports, pair, first.dataThrough, asOf);
  const scores = records.slice(0, 1).flatMap(`,
    caughtBy: { kind: 'scene', rule: 'SPEC6 scored' },
  },
  {
    name: 'no_yardstick',
    file: 'activities/forecast.ts',
    text: 'await ports.forecastLedger.append([issued.record, naive.record]);',
    instead: 'await ports.forecastLedger.append([issued.record]);',
    caughtBy: { kind: 'scene', rule: 'SPEC6 yardstick', alone: true },
  },
  {
    name: 'flattering_record',
    file: 'activities/quality.ts',
    text: 'mae: metricValue(summary.mae),',
    instead: 'mae: metricValue(summary.smape),',
    caughtBy: { kind: 'scene', rule: 'SPEC6 record' },
  },
  {
    name: 'crossed_bands',
    file: 'activities/forecast.ts',
    text: 'quantiles: result.quantiles,',
    instead: "quantiles: role === 'naive' ? result.quantiles.map((row) => [...row].reverse()) : result.quantiles,",
    caughtBy: { kind: 'scene', rule: 'I40 sane' },
  },
  {
    name: 'short_horizon',
    file: 'activities/forecast.ts',
    text: 'const steps = ports.settings.rules(pair.timeframe).horizon;',
    instead: "const steps = ports.settings.rules(pair.timeframe).horizon - (role === 'naive' ? 1 : 0);",
    caughtBy: { kind: 'scene', rule: 'I43 steps' },
  },
  {
    name: 'last_close_of_the_candle_before',
    file: 'activities/forecast.ts',
    text: 'lastClose: last.close,',
    instead: 'lastClose: candles.at(-2)?.close ?? last.close,',
    caughtBy: { kind: 'scene', rule: 'I02 through' },
  },
  {
    name: 'serve_yardstick',
    file: 'activities/export.ts',
    text: "const record = await ports.forecastLedger.latest(pair, 'champion');",
    instead: `const naive = await ports.forecastLedger.latest(pair, 'naive');
      const record = naive === null ? null : { ...naive, role: 'champion' as const };`,
    caughtBy: { kind: 'scene', rule: 'I33 champion', alone: true },
  },
  {
    name: 'serve_shadow',
    file: 'activities/shadow.ts',
    text: "forecastByModel(ports, ports.shadowForecaster, model, 'shadow', origin);",
    instead: "forecastByModel(ports, ports.shadowForecaster, model, 'champion', origin);",
    caughtBy: { kind: 'scene', rule: 'I31 registry', alone: true },
  },
  {
    name: 'replaced_champion_goes_on',
    file: 'activities/champion.ts',
    text: 'const current = await ports.models.champion(timeframe);',
    instead: 'const current = (await ports.models.history(timeframe)).at(-1) ?? null;',
    caughtBy: { kind: 'scene', rule: 'I31 registry' },
  },
  {
    name: 'gate_ignored',
    file: 'activities/gate.ts',
    text: "return verdict.verdict === 'refused' ? verdict.reason : null;",
    instead: "return verdict.verdict === 'refused' && verdict.cause !== 'samples' ? verdict.reason : null;",
    caughtBy: { kind: 'scene', rule: 'I41 gate' },
  },
  {
    name: 'null_metric_promotes',
    file: 'src/domain/promotion-gate.ts',
    text: 'const passed = value !== null && limit !== null && value <= limit;',
    instead: 'const passed = limit !== null && (value ?? 0) <= limit;',
    caughtBy: {
      kind: 'test',
      test: 'tests/unit/domain/promotion-gate.test.ts',
      title: 'F87 P1 any one field missing',
    },
  },
  {
    name: 'null_metric_is_lower',
    file: 'src/domain/metric.ts',
    text: 'if (!isFiniteNumber(challenger) || !isFiniteNumber(champion) || !isFiniteNumber(margin)) return false;',
    instead: '',
    caughtBy: { kind: 'test', test: METRIC_TEST, title: 'is found only between finite numbers' },
  },
  {
    name: 'nan_read_as_a_metric',
    file: 'src/domain/metric.ts',
    text: "return typeof value === 'number' && Number.isFinite(value);",
    instead: "return typeof value === 'number';",
    caughtBy: { kind: 'test', test: METRIC_TEST, title: 'P1 whatever is read as a metric' },
  },
  {
    name: 'gate_passes_what_is_no_number',
    file: 'src/domain/gate.ts',
    text: 'if (Number.isFinite(age) && age <= hardMs) return null;',
    instead: 'if (!(age > hardMs)) return null;',
    caughtBy: { kind: 'test', test: 'tests/unit/domain/gate.test.ts', title: 'I41 it passes only when' },
  },
  {
    name: 'one_sample_too_few_passes',
    file: 'src/domain/gate.ts',
    text: 'return count >= minimum ? null',
    instead: 'return count >= minimum - 1 ? null',
    caughtBy: { kind: 'test', test: 'tests/unit/domain/gate.test.ts', title: 'I41 F85 one candle too few' },
  },
];
