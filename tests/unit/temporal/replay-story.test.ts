import { parseTimeframe } from '../../../src/domain/timeframe';
import type { ModelMetadata } from '../../../src/ports/model-metadata';
import type { LifecycleEvent } from '../../../src/ports/model-registry';
import { foldEvents } from '../../../temporal/replay-story';

const HOUR = parseTimeframe('1h');
const models = new Map([
  ['aa', { model_version: 'aa', family: 'theta', settings: { window: 500 }, fits: [{ symbol: 'ETH/USDT' }] }],
  ['bb', { model_version: 'bb', family: 'naive', settings: {}, fits: [] }],
]) as unknown as ReadonlyMap<string, ModelMetadata>;

let at = 0;
function event(kind: LifecycleEvent['kind'], verdict: string, more: Partial<LifecycleEvent> = {}): LifecycleEvent {
  const given = { version: null, by: 'automatic', reason: 'why', criteria: [], facts: {}, ...more } as const;
  return { key: `${++at}`, timeframe: HOUR, at, kind, verdict, ...given };
}
const told = (events: readonly LifecycleEvent[]): string[] =>
  foldEvents(events, models).map(({ event: name, times, sentence }) => `${name} ${times}: ${sentence}`);

const training = (ms: number): LifecycleEvent =>
  event('training', 'done', { version: 'aa', reason: 'kept', facts: { trigger: 'schedule', duration_ms: ms } });
const criterion = (name: string): LifecycleEvent['criteria'][number] => ({
  name,
  value: 1,
  threshold: '<= 0',
  passed: false,
});
const decision = (failed: string): LifecycleEvent =>
  event('decision', 'KEEP', {
    version: 'aa',
    reason: `${failed} ${at}`,
    criteria: [criterion(failed)],
    facts: { champion: 'bb', basis: 'ledger' },
  });

describe('the story of models', () => {
  test('days alike are one line each of what happened, with how often and how long it took', () => {
    const days = [training(1000), decision('p'), training(3000), decision('p'), training(2000), decision('p')];
    expect(told(days)).toEqual([
      'trained 3: trained on ETH/USDT (schedule): kept',
      expect.stringMatching(/^decided 3: gate on shadow theta \{"window":500\} aa \(ledger\): KEEP, p \d/) as string,
    ]);
    expect(foldEvents(days, models)[0]?.seconds).toEqual([1, 3, 2]);
  });

  test('long numbers of a decision are told with four digits', () => {
    const [line] = told([event('decision', 'KEEP', { version: 'bb', reason: 'p 0.2441569399094931 (needs <= 0.05)' })]);
    expect(line).toContain('KEEP, p 0.2442 (needs <= 0.05)');
  });

  test('another criterion that blocks is another line', () => {
    expect(told([decision('p'), decision('p'), decision('loss ratio'), decision('p')])).toHaveLength(3);
  });

  test('a change of the champion is told by itself, and what follows it begins anew', () => {
    const change = event('change', 'promotion', { version: 'aa', by: 'operator', facts: { previous: 'bb' } });
    expect(told([training(1), change, training(1)])).toEqual([
      'trained 1: trained on ETH/USDT (schedule): kept',
      'promoted 1: promoted theta {"window":500} aa, naive bb was champion (operator): why',
      'trained 1: trained on ETH/USDT (schedule): kept',
    ]);
  });

  test('refusals that differ in numbers only are one, those for another reason are not', () => {
    const refused = (reason: string): LifecycleEvent => event('trigger', 'refused', { reason });
    const all = ['shock: the model is 1.5 h old', 'shock: the model is 2.5 h old', 'shock: observed 1 of 2 times'];
    expect(told(all.map(refused))).toEqual([
      'training_refused 2: not trained: shock: the model is 1.5 h old',
      'training_refused 1: not trained: shock: observed 1 of 2 times',
    ]);
  });

  test('drift is told while it lasts and when it is over; days without a sign are not told', () => {
    const calm = (): LifecycleEvent => event('drift', 'calm', { version: 'bb' });
    const drift = (): LifecycleEvent => event('drift', 'drift', { version: 'bb', criteria: [criterion('input')] });
    expect(told([calm(), drift(), drift(), calm(), calm(), drift()])).toEqual([
      'drift 2: drift of champion naive bb: why',
      'drift_over 1: no sign of drift of naive bb any more',
      'drift 1: drift of champion naive bb: why',
    ]);
  });
});
