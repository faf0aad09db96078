/** What every model registry must do. */
import type { ModelMetadata } from '../../src/ports/model-metadata';
import type { ChampionChange, LifecycleEvent, ModelRegistry } from '../../src/ports/model-registry';
import { BTC_1H, ETH_1D, slot } from './store-fixtures';

const { timeframe } = BTC_1H;

export function metadataOf(version: string, changes: Partial<ModelMetadata> = {}): ModelMetadata {
  return {
    schema_version: '1.0',
    model_version: version,
    timeframe,
    family: 'naive',
    settings: { window: 500 },
    code_version: '0.1.0',
    origin: 'training',
    run_id: 'run-1',
    trained_at: slot(1),
    parent: null,
    fits: [
      {
        symbol: BTC_1H.symbol,
        file_sha256: null,
        snapshot_sha256: 'a'.repeat(64),
        data_from: slot(0),
        data_through: slot(1),
        row_count: 1,
        loss: 0.01,
        naive_loss: null,
      },
    ],
    metrics: { loss: 0.01, champion_loss: 0.01, naive_loss: null, coverage80: 0.8, origins: 240 },
    ...changes,
  };
}

const first: ChampionChange = {
  timeframe,
  version: 'v1',
  previous: null,
  at: slot(1),
  kind: 'first',
  by: 'configuration',
  reason: 'CHAMPION',
};
const promotion: ChampionChange = {
  ...first,
  version: 'v2',
  previous: 'v1',
  at: slot(2),
  kind: 'promotion',
  by: 'automatic',
  reason: 'better',
};
const rollback: ChampionChange = {
  ...promotion,
  version: 'v1',
  previous: 'v2',
  at: slot(3),
  kind: 'rollback',
  by: 'operator',
  reason: 'odd bands',
};
const decision: LifecycleEvent = {
  key: 'decision 1',
  timeframe,
  at: slot(2),
  kind: 'decision',
  verdict: 'KEEP',
  version: 'v2',
  by: 'automatic',
  reason: 'p 0.2 (needs <= 0.05)',
  criteria: [{ name: 'p', value: 0.2, threshold: '<= 0.05', passed: false }],
  facts: { origins: 240, basis: 'ledger', note: null },
};

export function modelRegistryContract(name: string, make: () => Promise<ModelRegistry>): void {
  const withModels = async (): Promise<ModelRegistry> => {
    const registry = await make();
    for (const version of ['v1', 'v2', 'v3']) await registry.register(metadataOf(version));
    return registry;
  };
  describe(`model registry: ${name}`, () => {
    describe('models', () => models(make));
    describe('the champion', () => champions(withModels));
    describe('shadow, freeze and events', () => others(withModels));
  });
}

function models(make: () => Promise<ModelRegistry>): void {
  test('a model is found by timeframe and version, the newest first; registering again changes nothing', async () => {
    const registry = await make();
    await registry.register(metadataOf('v1'));
    await registry.register(metadataOf('v2'));
    await registry.register(metadataOf('v1', { family: 'other' }));
    expect(await registry.model(timeframe, 'v1')).toStrictEqual(metadataOf('v1'));
    expect((await registry.models(timeframe)).map(({ model_version }) => model_version)).toEqual(['v2', 'v1']);
    expect(await registry.model(ETH_1D.timeframe, 'v1')).toBeNull();
    expect(await registry.models(ETH_1D.timeframe)).toEqual([]);
  });
}

function champions(make: () => Promise<ModelRegistry>): void {
  test('I31 there is none before the first, and exactly one after each change', async () => {
    const registry = await make();
    expect(await registry.champion(timeframe)).toBeNull();
    for (const change of [first, promotion, rollback]) {
      expect(await registry.changeChampion(change)).toBe(true);
      expect(await registry.champion(timeframe)).toStrictEqual(change);
    }
    expect(await registry.history(timeframe)).toStrictEqual([rollback, promotion, first]);
    expect(await registry.champion(ETH_1D.timeframe)).toBeNull();
  });

  test('P10 I31 a change that is made again after a rollback of it, as a worker that wakes up late does, changes nothing', async () => {
    const registry = await make();
    for (const change of [first, promotion, rollback]) await registry.changeChampion(change);
    expect(await registry.changeChampion(promotion)).toBe(false);
    expect(await registry.history(timeframe)).toStrictEqual([rollback, promotion, first]);
  });

  test('I31 of two changes from the same champion one wins, and the other changes nothing', async () => {
    const registry = await make();
    await registry.changeChampion(first);
    const results = await Promise.all(
      ['v2', 'v3'].map(async (version) => registry.changeChampion({ ...promotion, version })),
    );
    expect(results.filter(Boolean)).toHaveLength(1);
    expect(await registry.history(timeframe)).toHaveLength(2);
    expect(await registry.changeChampion({ ...first, version: 'v3' })).toBe(false);
    expect(await registry.events(timeframe, { kind: 'change', limit: 9 })).toHaveLength(2);
  });

  test('F91 a version that was never registered can not become champion', async () => {
    const registry = await make();
    await registry.changeChampion(first);
    await expect(registry.changeChampion({ ...promotion, version: 'v9' })).rejects.toThrow(
      'there is no model v9 of 1h',
    );
    expect(await registry.champion(timeframe)).toStrictEqual(first);
  });

  test('I34 a rollback freezes automatic promotion until it is lifted, a promotion does not', async () => {
    const registry = await make();
    await registry.changeChampion(first);
    await registry.changeChampion(promotion);
    expect(await registry.freeze(timeframe)).toBeNull();
    await registry.changeChampion(rollback);
    expect(await registry.freeze(timeframe)).toStrictEqual({
      timeframe,
      since: slot(3),
      version: 'v2',
      reason: 'odd bands',
    });
    expect(await registry.unfreeze(timeframe, slot(4), 'looked at')).toBe(true);
    expect(await registry.unfreeze(timeframe, slot(5), 'again')).toBe(false);
    expect(await registry.freeze(timeframe)).toBeNull();
    expect((await registry.events(timeframe, { limit: 9 })).map(({ kind, reason }) => [kind, reason])).toEqual([
      ['unfrozen', 'looked at'],
      ['frozen', 'odd bands'],
      ['change', 'odd bands'],
      ['change', 'better'],
      ['change', 'CHAMPION'],
    ]);
  });
}

function others(make: () => Promise<ModelRegistry>): void {
  test('there is at most one shadow; the newer takes the place, and it ends when it becomes champion', async () => {
    const registry = await make();
    expect(await registry.shadow(timeframe)).toBeNull();
    await registry.setShadow({ timeframe, version: 'v2', since: slot(1) });
    await registry.setShadow({ timeframe, version: 'v2', since: slot(9) });
    expect(await registry.shadow(timeframe)).toStrictEqual({ timeframe, version: 'v2', since: slot(1) });
    await registry.setShadow({ timeframe, version: 'v3', since: slot(2) });
    expect(await registry.shadow(timeframe)).toStrictEqual({ timeframe, version: 'v3', since: slot(2) });
    await registry.changeChampion(first);
    expect(await registry.shadow(timeframe)).not.toBeNull();
    await registry.changeChampion({ ...promotion, version: 'v3' });
    expect(await registry.shadow(timeframe)).toBeNull();
    await expect(registry.setShadow({ timeframe, version: 'v9', since: slot(2) })).rejects.toThrow('no model v9');
  });

  test('I56 events are kept as given, newest first, by kind; the same key adds nothing', async () => {
    const registry = await make();
    await registry.record(decision);
    await registry.record({ ...decision, reason: 'changed' });
    await registry.record({ ...decision, key: 'trigger 1', kind: 'trigger' });
    expect(await registry.events(timeframe, { kind: 'decision', limit: 9 })).toStrictEqual([decision]);
    expect((await registry.events(timeframe, { limit: 9 })).map(({ key }) => key)).toEqual(['trigger 1', 'decision 1']);
    expect(await registry.events(timeframe, { limit: 1 })).toHaveLength(1);
    expect(await registry.events(ETH_1D.timeframe, { limit: 9 })).toEqual([]);
  });
}
