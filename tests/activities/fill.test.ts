/** What a fill leaves in the records of its pair. */
import { pino } from 'pino';
import { createFillPages } from '../../activities/fill';
import type { ActivityPorts } from '../../activities/ports';
import { PipelineError } from '../../src/domain/errors';
import type { ErrorCode } from '../../src/domain/errors';
import { defaultRules } from '../../src/domain/timeframe-rules';
import { inActivity } from '../activity-context';
import { after, before, BTC, candles, ingestPorts } from '../unit/ingest/ingest-under-test';

const NEWEST = 50;

test.each<ErrorCode>(['internal', 'unsupported_timeframe', 'store_corrupt', 'disk_full', 'rate_limited', 'bad_symbol'])(
  'a fill that failed with %s and then succeeds leaves no failure behind',
  async (code) => {
    const memory = ingestPorts(after(NEWEST), candles(0, NEWEST));
    let fails = true;
    const ports = {
      ...memory,
      exchange: before(memory.exchange, async () => {
        if (fails) throw new PipelineError(code, 'for now');
      }),
      settings: { rules: defaultRules, settleMs: 2_000, timeframes: [BTC.timeframe] },
      storage: { measure: async () => ({ usedBytes: 0, budgetBytes: 1 }) },
      log: pino({ level: 'silent' }),
    } as unknown as ActivityPorts;
    const fill = () => inActivity(() => createFillPages(ports)({ ...BTC, asOf: after(NEWEST), virtual: true }));
    await expect(fill()).rejects.toMatchObject({ type: code });
    expect(await memory.pairState.stages(BTC)).toMatchObject([{ stage: 'ingest', failureCount: 1, lastCode: code }]);
    fails = false;
    memory.clock.at += 1000;
    await fill();
    expect(await memory.pairState.stages(BTC)).toMatchObject([{ stage: 'ingest', failureCount: 0 }]);
  },
);
