/** What every forecast ledger must do. */
import type { QuantileForecast } from '../../src/domain/quantiles';
import type { ForecastLedger, ForecastRecord, ForecastScore } from '../../src/ports/forecast-ledger';
import { BTC_1H, ETH_1D, HOUR, pairOf, slot } from './store-fixtures';

const STEPS = 3;

/** Numbers with all their digits, so that a rounded one is noticed. */
function quantiles(seed: number): QuantileForecast {
  return Array.from({ length: STEPS }, (_, step) => {
    const at = (level: number): number => 100 + seed / 3 + step / 7 + level / 11;
    return [at(0), at(1), at(2), at(3), at(4), at(5), at(6)] as const;
  });
}

function forecast(dataThrough: number, changes: Partial<ForecastRecord> = {}): ForecastRecord {
  return {
    pair: BTC_1H,
    role: 'champion',
    issuedAt: slot(dataThrough) + 5000,
    dataThrough: slot(dataThrough),
    modelVersion: 'a1',
    family: 'theta',
    lastClose: 100 / 3,
    quantiles: quantiles(dataThrough),
    ...changes,
  };
}

function score(
  { pair, role, modelVersion, dataThrough }: ForecastRecord,
  step: number,
  actual = 101.25,
): ForecastScore {
  const errors = { absoluteError: 1 / 3, symmetricError: 2 / 7, pinball: 1 / 9 };
  const inside = { inside50: step === 1, inside80: step !== 2, inside95: true };
  return {
    pair,
    role,
    modelVersion,
    dataThrough,
    step,
    actual,
    ...errors,
    ...inside,
    directionRight: [null, true, false][step % 3] ?? null,
  };
}

export function forecastLedgerContract(name: string, make: () => Promise<ForecastLedger>): void {
  describe(`forecast ledger: ${name}`, () => {
    describe('forecasts', () => forecasts(make));
    describe('what is still to be scored', () => unscored(make));
    describe('scores', () => scores(make));
  });
}

function forecasts(make: () => Promise<ForecastLedger>): void {
  test('a forecast comes back bit for bit', async () => {
    const ledger = await make();
    await ledger.append([forecast(1)]);
    expect(await ledger.latest(BTC_1H, 'champion')).toStrictEqual(forecast(1));
    expect(await ledger.list(BTC_1H, 'champion', slot(1), slot(1))).toStrictEqual([forecast(1)]);
  });

  test('I10 appending the same forecast again adds nothing and changes nothing', async () => {
    const ledger = await make();
    await ledger.append([forecast(1)]);
    await ledger.append([forecast(1, { quantiles: quantiles(99), lastClose: 1 })]);
    expect(await ledger.list(BTC_1H, 'champion', 0, Infinity)).toStrictEqual([forecast(1)]);
  });

  test('for one data_through and version the first issue is listed, even when it is appended late', async () => {
    const ledger = await make();
    const again = forecast(1, { issuedAt: slot(2), quantiles: quantiles(50) });
    await ledger.append([again]);
    await ledger.append([forecast(1)]);
    expect(await ledger.list(BTC_1H, 'champion', 0, Infinity)).toStrictEqual([forecast(1)]);
  });

  test('another version for the same data is another forecast', async () => {
    const ledger = await make();
    const other = forecast(1, { modelVersion: 'b2', issuedAt: slot(1) + 1 });
    await ledger.append([other, forecast(1)]);
    expect(await ledger.list(BTC_1H, 'champion', 0, Infinity)).toEqual([forecast(1), other]);
  });

  test('the latest is of the newest data, and of that the one issued last', async () => {
    const ledger = await make();
    expect(await ledger.latest(BTC_1H, 'champion')).toBeNull();
    const newer = forecast(2, { modelVersion: 'b2', issuedAt: slot(2) + 9000 });
    await ledger.append([newer, forecast(2), forecast(1, { issuedAt: slot(9) })]);
    expect(await ledger.latest(BTC_1H, 'champion')).toEqual(newer);
  });

  test('a list is ascending and includes both its ends', async () => {
    const ledger = await make();
    await ledger.append([4, 2, 3, 1].map((at) => forecast(at)));
    expect(await ledger.list(BTC_1H, 'champion', slot(2), slot(3))).toEqual([forecast(2), forecast(3)]);
  });

  test('roles and pairs do not mix', async () => {
    const ledger = await make();
    const shadow = forecast(1, { role: 'shadow' });
    const minute = forecast(1, { pair: pairOf('BTC/USDT', '1m') });
    await ledger.append([shadow, minute, forecast(0)]);
    expect(await ledger.latest(BTC_1H, 'shadow')).toEqual(shadow);
    expect(await ledger.list(BTC_1H, 'champion', 0, Infinity)).toEqual([forecast(0)]);
    expect(await ledger.latest(ETH_1D, 'champion')).toBeNull();
    expect(await ledger.latest(pairOf('BTC/USDT', '1M'), 'champion')).toBeNull();
  });
}

function unscored(make: () => Promise<ForecastLedger>): void {
  test('a forecast waits for a score as soon as its first target has closed', async () => {
    const ledger = await make();
    await ledger.append([forecast(1)]);
    expect(await ledger.unscored(BTC_1H, slot(1) + HOUR - 1)).toEqual([]);
    expect(await ledger.unscored(BTC_1H, slot(1) + HOUR)).toEqual([forecast(1)]);
  });

  test('it does so no more when every target that has closed is scored, until the next one closes', async () => {
    const ledger = await make();
    await ledger.append([forecast(1)]);
    await ledger.recordScores([score(forecast(1), 1)]);
    expect(await ledger.unscored(BTC_1H, slot(1) + HOUR)).toEqual([]);
    expect(await ledger.unscored(BTC_1H, slot(1) + 2 * HOUR)).toEqual([forecast(1)]);
    await ledger.recordScores([score(forecast(1), 2), score(forecast(1), 3)]);
    expect(await ledger.unscored(BTC_1H, slot(1000))).toEqual([]);
  });

  test('a step in the middle that has no score is still looked for', async () => {
    const ledger = await make();
    await ledger.append([forecast(1)]);
    await ledger.recordScores([score(forecast(1), 1), score(forecast(1), 3)]);
    expect(await ledger.unscored(BTC_1H, slot(1000))).toEqual([forecast(1)]);
  });

  test('a step whose target is said to be empty is not waited for, as long as that is said', async () => {
    const ledger = await make();
    await ledger.append([forecast(1)]);
    await ledger.recordScores([score(forecast(1), 1), score(forecast(1), 3)]);
    const second = slot(1) + 2 * HOUR;
    expect(await ledger.unscored(BTC_1H, slot(1000), (close) => close === second)).toEqual([]);
    expect(await ledger.unscored(BTC_1H, slot(1000), (close) => close !== second)).toEqual([forecast(1)]);
    await ledger.append([forecast(2)]);
    expect(await ledger.unscored(BTC_1H, slot(1000), (close) => close === second)).toEqual([forecast(2)]);
    expect(await ledger.unscored(BTC_1H, slot(1000))).toEqual([forecast(1), forecast(2)]);
  });

  test('of a forecast that was issued again only the first issue is scored', async () => {
    const ledger = await make();
    await ledger.append([forecast(1), forecast(1, { issuedAt: slot(3) })]);
    expect(await ledger.unscored(BTC_1H, slot(1000))).toEqual([forecast(1)]);
    await ledger.recordScores([1, 2, 3].map((step) => score(forecast(1), step)));
    await ledger.append([forecast(1, { issuedAt: slot(4) })]);
    expect(await ledger.unscored(BTC_1H, slot(1000))).toEqual([]);
  });

  test('forecasts of every role wait, ascending by data_through', async () => {
    const ledger = await make();
    const all = [forecast(1), forecast(1, { role: 'naive' }), forecast(2, { role: 'shadow' })];
    await ledger.append(all.toReversed());
    expect(await ledger.unscored(BTC_1H, slot(1000))).toEqual(all);
    expect(await ledger.unscored(ETH_1D, slot(1000))).toEqual([]);
  });

  test('months close by the calendar: the first target after January is the end of February', async () => {
    const ledger = await make();
    const monthly = forecast(0, { pair: pairOf('BTC/USDT', '1M'), dataThrough: Date.UTC(2023, 1, 1) });
    await ledger.append([monthly]);
    expect(await ledger.unscored(monthly.pair, Date.UTC(2023, 2, 1) - 1)).toEqual([]);
    expect(await ledger.unscored(monthly.pair, Date.UTC(2023, 2, 1))).toEqual([monthly]);
  });
}

function scores(make: () => Promise<ForecastLedger>): void {
  test('scores come back exactly, ascending by data_through and step', async () => {
    const ledger = await make();
    await ledger.recordScores([score(forecast(2), 1), score(forecast(1), 3)]);
    await ledger.recordScores([score(forecast(1), 2), score(forecast(1), 1)]);
    expect(await ledger.scores(BTC_1H, 'champion', slot(1), slot(2))).toStrictEqual([
      score(forecast(1), 1),
      score(forecast(1), 2),
      score(forecast(1), 3),
      score(forecast(2), 1),
    ]);
    expect(await ledger.scores(BTC_1H, 'champion', slot(2), slot(9))).toHaveLength(1);
  });

  test('I10 a score recorded twice is one score; recorded anew, after a revision, it is the new one', async () => {
    const ledger = await make();
    await ledger.recordScores([score(forecast(1), 1)]);
    await ledger.recordScores([score(forecast(1), 1)]);
    expect(await ledger.scores(BTC_1H, 'champion', 0, Infinity)).toEqual([score(forecast(1), 1)]);
    await ledger.recordScores([score(forecast(1), 1, 102)]);
    expect(await ledger.scores(BTC_1H, 'champion', 0, Infinity)).toEqual([score(forecast(1), 1, 102)]);
  });

  test('roles, versions and pairs do not mix', async () => {
    const ledger = await make();
    const naive = score(forecast(1, { role: 'naive' }), 1);
    const other = score(forecast(1, { modelVersion: 'b2' }), 1);
    await ledger.recordScores([other, naive, score(forecast(1), 1)]);
    expect(await ledger.scores(BTC_1H, 'champion', 0, Infinity)).toEqual([score(forecast(1), 1), other]);
    expect(await ledger.scores(BTC_1H, 'naive', 0, Infinity)).toEqual([naive]);
    expect(await ledger.scores(ETH_1D, 'champion', 0, Infinity)).toEqual([]);
  });
}
