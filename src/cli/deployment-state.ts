/** What `status` says beside the pairs: alerts, open fills, the champion of each timeframe. */
import type { Config } from '../config/config';
import { MINUTE } from '../domain/timeframe';
import type { EpochMs, TimeframeId } from '../domain/types';
import { firingNow, type FiringNow } from '../ports/firing';
import type { ChampionChange } from '../ports/model-registry';
import type { CliStores } from './wiring';
import { agoText, isoOrNull, isoText, plural } from './wording';

export interface DeploymentState {
  /** Null before the monitor's first round. */
  readonly lookedAt: EpochMs | null;
  readonly firing: readonly FiringNow[];
  /** Histories that are not complete yet: `BTC/USDT 1h` and the candles it has. */
  readonly fills: readonly (readonly [pairKey: string, stored: number])[];
  readonly champions: readonly { readonly timeframe: TimeframeId; readonly change: ChampionChange }[];
}

/** Rounds come every minute. */
const SILENT_MS = 3 * MINUTE;
const NAMED = 5;

export async function deploymentState(stores: CliStores, config: Config): Promise<DeploymentState> {
  const last = await stores.monitor.last();
  const champions = [];
  for (const timeframe of config.timeframes) {
    const change = await stores.models.champion(timeframe);
    if (change !== null) champions.push({ timeframe, change });
  }
  const fills = Object.entries(last?.memory.fills ?? {}).map(([pairKey, { stored }]) => [pairKey, stored] as const);
  const firing = await firingNow(stores, last?.memory ?? null);
  return { lookedAt: last?.asOf ?? null, firing, fills, champions };
}

export function deploymentText({ lookedAt, firing, fills, champions }: DeploymentState, now: EpochMs): string {
  const named = firing.slice(0, NAMED).map(({ subject, kind }) => `${subject} ${kind}`);
  const more = firing.length > NAMED ? ` and ${firing.length - NAMED} more` : '';
  const alerts =
    firing.length === 0 ? 'no alert is firing' : `${plural(firing.length, 'alert')}: ${named.join(', ')}${more}`;
  const silent = lookedAt !== null && now - lookedAt > SILENT_MS ? ', which is too long' : '';
  const looked =
    lookedAt === null ? 'the monitor has not looked yet' : `the monitor looked ${agoText(lookedAt, now)}${silent}`;
  const filling = fills.map(([pairKey, stored]) => `filling ${pairKey}: ${plural(stored, 'candle')} so far\n`);
  const models = champions.map(({ timeframe, change }) => `${timeframe} ${change.version} (${change.kind})`);
  const champion = models.length === 0 ? '' : `champions: ${models.join(', ')}\n`;
  return `${filling.slice(0, NAMED).join('')}${champion}${alerts}; ${looked}\n`;
}

export function deploymentJson({ lookedAt, firing, fills, champions }: DeploymentState): Record<string, unknown> {
  return {
    monitored_at: isoOrNull(lookedAt),
    alerts: firing.map(({ key, kind, pairKey, since }) => ({
      key,
      event: kind,
      pair: pairKey,
      since: isoOrNull(since),
    })),
    fills: fills.map(([pair, candles]) => ({ pair, candles })),
    champions: champions.map(({ timeframe, change }) => ({
      timeframe,
      version: change.version,
      since: isoText(change.at),
      kind: change.kind,
      by: change.by,
    })),
  };
}
