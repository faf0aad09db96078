import { PipelineError } from '../../../src/domain/errors';
import { parseTimeframe } from '../../../src/domain/timeframe';
import { metadataOf } from '../../ports/model-registry-contract';
import { NOW, pairOf, World } from './test-wiring';

const { timeframe } = pairOf('BTC/USDT', '1h');
const started = { kind: 'started', workflowId: 'champion-1h', runId: 'run-1' } as const;

async function worldWithModels(): Promise<World> {
  const world = new World();
  for (const version of ['v1', 'v2']) await world.models.register(metadataOf(version));
  const first = {
    timeframe,
    version: 'v1',
    previous: null,
    at: NOW,
    kind: 'first',
    by: 'configuration',
    reason: 'CHAMPION',
  } as const;
  await world.models.changeChampion(first);
  await world.models.setShadow({ timeframe, version: 'v2', since: NOW });
  await world.models.record({
    key: 'd',
    timeframe,
    at: NOW,
    kind: 'decision',
    verdict: 'KEEP',
    version: 'v2',
    by: 'automatic',
    reason: 'p 0.2 (needs <= 0.05)',
    criteria: [{ name: 'p', value: 0.2, threshold: '<= 0.05', passed: false }],
    facts: {},
  });
  return world;
}

describe('model', () => {
  test('show tells champion, shadow and the last decision with each criterion', async () => {
    const world = await worldWithModels();
    expect(await world.run('model show 1h')).toBe(0);
    expect(world.stdout).toContain('naive v1 since 2024-05-01T14:30:00Z (first: CHAMPION)');
    expect(world.stdout).toContain('naive v2 since');
    expect(world.stdout).toMatch(/p\s+0\.2\s+<= 0\.05\s+does not hold/);
    expect(await world.run('model show 1h --json')).toBe(0);
    expect(world.json()).toMatchObject({ champion: { version: 'v1' }, shadow: { version: 'v2' }, frozen_since: null });
  });

  test('show tells the newest request of a training, a refusal with its reason', async () => {
    const world = await worldWithModels();
    const request = { timeframe, kind: 'trigger', version: null, by: 'automatic', criteria: [], facts: {} } as const;
    const reason = 'drift: the newest model is 1.0 h old, and is left alone for 12 h';
    await world.models.record({ ...request, key: 't1', at: NOW - 1, verdict: 'train', reason: 'schedule' });
    await world.models.record({ ...request, key: 't2', at: NOW, verdict: 'refused', reason });
    expect(await world.run('model show 1h')).toBe(0);
    expect(world.stdout).toMatch(new RegExp(`^trigger +refused at 2024-05-01T14:30:00Z: ${reason}$`, 'm'));
    expect(await world.run('model show 1h --json')).toBe(0);
    expect(world.json()).toMatchObject({ trigger: { verdict: 'refused', reason } });
  });

  test('history lists every change and every model', async () => {
    const world = await worldWithModels();
    expect(await world.run('model history 1h --json')).toBe(0);
    expect(world.json()).toMatchObject({
      changes: [{ version: 'v1', kind: 'first' }],
      models: [{ model_version: 'v2' }, { model_version: 'v1' }],
    });
    expect(await world.run('model show 1d')).toBe(5);
  });

  test('F91 a refused rollback is one clear sentence and exit 7', async () => {
    const world = await worldWithModels();
    world.control = {
      changeChampion: async () => started,
      changeResult: async () => {
        throw new PipelineError('change_refused', 'v1 is the champion of 1h already');
      },
    };
    expect(await world.run('model rollback 1h v1 --reason odd')).toBe(7);
    expect(world.stderr.split('\n')[0]).toBe('error: v1 is the champion of 1h already');
    world.control = { changeChampion: async () => ({ ...started, kind: 'already_running' }) };
    expect(await world.run('model promote 1h v2 --reason better')).toBe(7);
    const sentence = 'another change of the champion of 1h is under way (run run-1)';
    expect(world.stderr).toContain(sentence);
    // No run was started that could keep it (S23).
    const { models } = await world.wiring().stores();
    const [refusal] = await models.events(parseTimeframe('1h'), { kind: 'change', limit: 1 });
    expect(refusal).toMatchObject({ verdict: 'refused', version: 'v2', by: 'operator', facts: { asked: 'better' } });
    expect(refusal?.reason).toContain(sentence);
  });

  test('a change needs a reason, which is kept with it', async () => {
    const world = await worldWithModels();
    const asked: unknown[] = [];
    world.control = {
      changeChampion: async (request) => {
        asked.push(request);
        return started;
      },
      changeResult: async () => ({ version: 'v2', previous: 'v1', checked: 5 }),
    };
    expect(await world.run('model promote 1h v2')).toBe(2);
    expect(await world.run('model promote 1h v2 --reason better')).toBe(0);
    expect(asked).toEqual([{ timeframe, action: 'promote', version: 'v2', reason: 'better' }]);
    expect(world.stdout).toContain('1h: v2 is champion, v1 was; tried on 5 symbols');
  });

  test.each([
    ['done', 0],
    ['partial', 8],
    ['failed', 1],
    ['refused', 7],
  ] as const)('a training that ends %s exits %i', async (outcome, code) => {
    const world = new World();
    world.control = {
      train: async () => ({ ...started, workflowId: 'train-1h' }),
      trainingResult: async () => ({ outcome, version: 'v3', reason: 'why', trained: [], failed: [] }),
    };
    expect(await world.run('model train --timeframe 1h --wait')).toBe(code);
    expect(world.stdout).toContain(`training 1h ${outcome}: why`);
  });

  test('a training that is under way answers for no other request: only a plain one joins it', async () => {
    const world = new World();
    const running = { kind: 'already_running', workflowId: 'train-1h', runId: 'run-7' } as const;
    const done = { outcome: 'done', version: 'v3', reason: 'why', trained: [], failed: [] } as const;
    world.control = { train: async () => running, trainingResult: async () => done };
    for (const wait of ['', ' --wait']) {
      for (const asked of ['--family prophet', '--family naive --settings {"window":6}', '--symbols BTC/USDT']) {
        expect(await world.run(`model train --timeframe 1h ${asked}${wait}`)).toBe(7);
        expect(world.stdout).toBe('');
        expect(world.stderr).toContain('another training of 1h is under way (run run-7): try again when it has ended');
      }
      expect(await world.run(`model train --timeframe 1h${wait}`)).toBe(0);
    }
    expect(world.stdout).toContain('training 1h done: why');
  });

  test('symbols that discovery follows can be trained, others are refused', async () => {
    const world = await worldWithModels();
    world.environment = { SYMBOLS: 'BTC/USDT', TIMEFRAMES: '1h', DISCOVER_TOP: '3' };
    world.chosen = [{ symbol: pairOf('TOP/USDT', '1h').symbol, since: 0, misses: 0, rank: 1 }];
    const train = jest.fn(async () => ({ ...started, workflowId: 'train-1h' }));
    world.control = { train };
    expect(await world.run('model train --timeframe 1h --symbols TOP/USDT,BTC/USDT')).toBe(0);
    expect(train).toHaveBeenCalledWith('1h', ['TOP/USDT', 'BTC/USDT'], null);
    expect(await world.run('model train --timeframe 1h --symbols OTHER/USDT')).toBe(2);
  });

  test('a training without a search names its family, and settings need one', async () => {
    const world = new World();
    const asked: unknown[] = [];
    world.control = {
      train: async (timeframe, symbols, recipe) => {
        asked.push([timeframe, symbols, recipe]);
        return { kind: 'started', workflowId: 'train-1h', runId: 'r' };
      },
    };
    expect(await world.run('model train --timeframe 1h')).toBe(0);
    expect(await world.run('model train --timeframe 1h --family naive --settings {"window":6}')).toBe(0);
    expect(asked).toEqual([
      ['1h', null, null],
      ['1h', null, { family: 'naive', settings: { window: 6 } }],
    ]);
    expect(await world.run('model train --timeframe 1h --settings {"window":6}')).toBe(2);
    expect(await world.run('model train --timeframe 1h --family naive --settings [6]')).toBe(2);
    expect(asked).toHaveLength(2);
  });

  test('a training of a symbol or timeframe that is not configured is a bad request', async () => {
    const world = new World();
    expect(await world.run('model train --timeframe 5h')).toBe(2);
    expect(await world.run('model train --timeframe 1h --symbols BTC/USD')).toBe(2);
  });

  test('I34 unfreeze lifts what a rollback froze, once', async () => {
    const world = await worldWithModels();
    const rollback = {
      timeframe,
      version: 'v2',
      previous: 'v1',
      at: NOW,
      kind: 'rollback',
      by: 'operator',
      reason: 'odd',
    } as const;
    await world.models.changeChampion(rollback);
    expect(await world.run('model unfreeze 1h --reason seen')).toBe(0);
    expect(await world.run('model unfreeze 1h --reason seen')).toBe(7);
    expect(await world.models.freeze(timeframe)).toBeNull();
  });
});
