/** Verify must turn red on each planted breach in a document: one test a breach. */
import { HOUR, MINUTE } from '../../../src/domain/timeframe';
import { isoTime } from '../../../src/publish/canonical-json';
import type { PredictionDocument } from '../../../src/publish/documents';
import { broken, plantDocument, plantEntry, second } from './planting';
import type { Changeable } from './planting';
import { THROUGH, openWorkshop } from './workshop';
import type { Workshop } from './workshop';

type Step = Changeable<PredictionDocument['forecast'][number]>;

let shop: Workshop;
beforeEach(async () => {
  shop = await openWorkshop();
  await shop.publish(THROUGH - HOUR);
  await shop.publish(THROUGH);
});
afterEach(async () => shop.close());

describe('a history', () => {
  test('I05 a candle off the grid', async () => {
    plantDocument(shop, 'history', ({ data }) => {
      second(data).timestamp = second(data).timestamp.replace(':00:00Z', ':30:00Z');
    });
    expect(await broken(shop)).toEqual(['I05']);
  });

  test('I06 a candle twice', async () => {
    plantDocument(shop, 'history', (history) => {
      history.data = history.data.flatMap((candle, k) => (k === 1 ? [candle, candle] : [candle]));
    });
    expect(await broken(shop)).toEqual(['I06']);
  });

  test('I06 candles out of order', async () => {
    plantDocument(shop, 'history', ({ data }) => {
      [data[1], data[2]] = [data[2] as never, data[1] as never];
    });
    expect(await broken(shop)).toEqual(['I06']);
  });

  test('I09 a high below its body', async () => {
    plantDocument(shop, 'history', ({ data }) => {
      second(data).high = second(data).low;
    });
    expect(await broken(shop)).toEqual(['I09']);
  });

  test('I44 a price of zero', async () => {
    plantDocument(shop, 'history', ({ data }) => {
      second(data).low = 0;
    });
    expect(await broken(shop)).toEqual(['I44']);
  });

  test('I30 a data_through that is not the close of its last candle', async () => {
    plantDocument(shop, 'history', (history) => {
      history.data = history.data.slice(0, -1);
    });
    expect(await broken(shop)).toEqual(['I30']);
  });

  test('I30 a fresh_until that promises too much, in document and manifest alike', async () => {
    const late = isoTime(THROUGH + 2 * HOUR);
    plantDocument(shop, 'history', (history) => {
      history.fresh_until = late;
    });
    plantEntry(shop, (entry) => {
      entry.fresh_until = late;
      if (entry.files.history) entry.files.history.fresh_until = late;
    });
    expect(await broken(shop)).toEqual(['I30']);
  });

  test('I30 an expires_at that promises too much, in document and manifest alike', async () => {
    const late = isoTime(THROUGH + 9 * HOUR);
    plantDocument(shop, 'prediction', (prediction) => {
      prediction.expires_at = late;
    });
    plantEntry(shop, (entry) => {
      if (entry.files.prediction) entry.files.prediction.expires_at = late;
    });
    expect(await broken(shop)).toEqual(['I30']);
  });

  test('I02 a last candle that had not closed', async () => {
    plantDocument(shop, 'history', (history) => {
      history.updated_at = isoTime(THROUGH - 1000);
    });
    plantEntry(shop, (entry) => {
      entry.updated_at = isoTime(THROUGH - 1000);
    });
    expect(await broken(shop)).toEqual(['I02']);
  });

  test('I28 another source than that of the manifest', async () => {
    plantDocument(shop, 'history', (history) => {
      history.source = 'elsewhere';
    });
    expect(await broken(shop)).toEqual(['I28']);
  });

  test('I29 a document that is not canonical', async () => {
    plantDocument(
      shop,
      'history',
      () => undefined,
      (document) => JSON.stringify(document, null, 1),
    );
    expect(await broken(shop)).toEqual(['I29']);
  });
});

describe('a prediction', () => {
  test('I43 a step off the grid', async () => {
    plantDocument(shop, 'prediction', ({ forecast }) => {
      second(forecast).timestamp = second(forecast).timestamp.replace(':00:00Z', ':00:01Z');
    });
    expect(await broken(shop)).toEqual(['I43']);
  });

  test('I43 steps that begin one too late', async () => {
    plantDocument(shop, 'prediction', ({ forecast }) => {
      for (const step of forecast) step.timestamp = isoTime(Date.parse(step.timestamp) + HOUR);
    });
    expect(await broken(shop)).toEqual(['I43']);
  });

  test('I43 a step too few', async () => {
    plantDocument(shop, 'prediction', (prediction) => {
      prediction.forecast = prediction.forecast.slice(0, -1);
    });
    expect(await broken(shop)).toEqual(['I43']);
  });

  test('I43 an issue before its data ended', async () => {
    plantDocument(shop, 'prediction', (prediction) => {
      prediction.issued_at = isoTime(THROUGH - 1000);
    });
    expect(await broken(shop)).toEqual(['I43']);
  });

  test.each([
    ['a lower bound above the price', (step: Step) => (step.lower_bound = step.price + 1)],
    ['an upper bound that is not the 80 % one', (step: Step) => (step.upper_bound += 0.5)],
    ['a 50 % interval outside the 80 % one', (step: Step) => (step.intervals['50'].upper += 50)],
    ['a median outside its intervals', (step: Step) => (step.price += 50)],
  ])('I40 %s', async (_name, change) => {
    plantDocument(shop, 'prediction', ({ forecast }) => {
      change(second(forecast));
    });
    expect(await broken(shop)).toEqual(['I40']);
  });

  test('I40 a price far off all published ones', async () => {
    plantDocument(shop, 'prediction', ({ forecast }) => {
      second(forecast).intervals['95'].upper = 1e6;
    });
    expect(await broken(shop)).toEqual(['I40']);
  });

  test('I44 a negative price', async () => {
    plantDocument(shop, 'prediction', ({ forecast }) => {
      second(forecast).intervals['95'].lower = -1;
    });
    expect(await broken(shop)).toEqual(['I44']);
  });

  test('I40 a quality though nothing has been scored', async () => {
    plantDocument(shop, 'prediction', ({ quality }) => {
      quality.mae = 0.1;
    });
    expect(await broken(shop)).toEqual(['I40']);
  });

  test('I28 a prediction that rests on candles that are not published', async () => {
    const ahead = { data_through: isoTime(THROUGH + HOUR), issued_at: isoTime(THROUGH + HOUR) };
    const times = { fresh_until: isoTime(THROUGH + 125 * MINUTE), expires_at: isoTime(THROUGH + 190 * MINUTE) };
    plantDocument(shop, 'prediction', (prediction) => {
      Object.assign(prediction, ahead, times, { updated_at: ahead.issued_at });
      for (const step of prediction.forecast) step.timestamp = isoTime(Date.parse(step.timestamp) + HOUR);
    });
    plantEntry(shop, (entry) =>
      Object.assign(entry.files.prediction ?? {}, { data_through: ahead.data_through }, times),
    );
    expect(await broken(shop, THROUGH + 2 * HOUR)).toEqual(['I28']);
  });
});
