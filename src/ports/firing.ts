/** The alerts that hold now, whoever began them: what every page, command and metric calls firing. */
import { subjectOf } from '../domain/event';
import { firingAlerts } from '../domain/monitor-memory';
import type { FiringAlert, MonitorMemory } from '../domain/monitor-memory';
import { quarantineKey } from '../domain/names';
import type { EventLog } from './event-log';
import type { PairStateStore } from './pair-state';

export interface FiringStores {
  readonly events: Pick<EventLog, 'failedCommits'>;
  readonly pairState: Pick<PairStateStore, 'symbolStates'>;
}

export interface FiringNow extends FiringAlert {
  /** `BTC/USDT 1h`, `BTC/USDT`, `1h` or `the system`. */
  readonly subject: string;
}

/** What the monitor remembers (null before its first round), commits that fail, symbols in quarantine. */
export async function firingNow(stores: FiringStores, memory: MonitorMemory | null): Promise<FiringNow[]> {
  const failed = await stores.events.failedCommits(0);
  const symbols = (await stores.pairState.symbolStates()).filter(({ activation }) => activation === 'quarantined');
  return [
    ...(memory === null ? [] : firingAlerts(memory)).map((alert) => ({
      ...alert,
      subject: alert.pairKey ?? 'the system',
    })),
    ...failed.map((event) => ({
      key: event.key,
      kind: event.kind,
      pairKey: null,
      since: event.since,
      subject: subjectOf(event),
    })),
    ...symbols.map(({ symbol, since }) => ({
      key: quarantineKey(symbol, since),
      kind: 'symbol_quarantined' as const,
      pairKey: null,
      since,
      subject: symbol,
    })),
  ];
}
