import { PipelineError } from '../../domain/errors';
import type { EpochMs, TimeframeId } from '../../domain/types';
import type { ModelMetadata } from '../../ports/model-metadata';
import { eventOf, freezeEvent, unfreezeEvent } from '../../ports/model-registry';
import type {
  ChampionChange,
  LifecycleEvent,
  LifecycleKind,
  ModelRegistry,
  PromotionFreeze,
  ShadowModel,
} from '../../ports/model-registry';

/** For tests. */
export class MemoryModelRegistry implements ModelRegistry {
  readonly #models: ModelMetadata[] = [];
  readonly #changes: ChampionChange[] = [];
  readonly #shadows = new Map<TimeframeId, ShadowModel>();
  readonly #freezes = new Map<TimeframeId, PromotionFreeze>();
  readonly #events: LifecycleEvent[] = [];

  async register(metadata: ModelMetadata): Promise<void> {
    if ((await this.model(metadata.timeframe, metadata.model_version)) === null) this.#models.push(metadata);
  }

  async model(timeframe: TimeframeId, version: string): Promise<ModelMetadata | null> {
    return this.#models.find((model) => model.timeframe === timeframe && model.model_version === version) ?? null;
  }

  async models(timeframe: TimeframeId): Promise<ModelMetadata[]> {
    return this.#models.filter((model) => model.timeframe === timeframe).toReversed();
  }

  async champion(timeframe: TimeframeId): Promise<ChampionChange | null> {
    return (await this.history(timeframe))[0] ?? null;
  }

  async history(timeframe: TimeframeId): Promise<ChampionChange[]> {
    return this.#changes.filter((change) => change.timeframe === timeframe).toReversed();
  }

  async changeChampion(change: ChampionChange): Promise<boolean> {
    const { timeframe, version, previous } = change;
    if ((await this.model(timeframe, version)) === null) throw unregistered(timeframe, version);
    // Looked at and moved without a pause between, as in a transaction.
    const current = this.#changes.findLast((earlier) => earlier.timeframe === timeframe)?.version ?? null;
    if (current !== previous) return false;
    const made = this.#changes.some(
      (earlier) =>
        earlier.timeframe === timeframe &&
        earlier.version === version &&
        earlier.at === change.at &&
        earlier.kind === change.kind,
    );
    if (made) return false;
    this.#changes.push(change);
    await this.record(eventOf(change));
    if (this.#shadows.get(timeframe)?.version === version) this.#shadows.delete(timeframe);
    if (change.kind === 'rollback' && previous !== null) {
      const freeze = { timeframe, since: change.at, version: previous, reason: change.reason };
      this.#freezes.set(timeframe, freeze);
      await this.record(freezeEvent(freeze));
    }
    return true;
  }

  async shadow(timeframe: TimeframeId): Promise<ShadowModel | null> {
    return this.#shadows.get(timeframe) ?? null;
  }

  async setShadow(shadow: ShadowModel): Promise<void> {
    if ((await this.model(shadow.timeframe, shadow.version)) === null) {
      throw unregistered(shadow.timeframe, shadow.version);
    }
    if (this.#shadows.get(shadow.timeframe)?.version !== shadow.version) this.#shadows.set(shadow.timeframe, shadow);
  }

  async freeze(timeframe: TimeframeId): Promise<PromotionFreeze | null> {
    return this.#freezes.get(timeframe) ?? null;
  }

  async unfreeze(timeframe: TimeframeId, at: EpochMs, reason: string): Promise<boolean> {
    if (!this.#freezes.delete(timeframe)) return false;
    await this.record(unfreezeEvent(timeframe, at, reason));
    return true;
  }

  async record(event: LifecycleEvent): Promise<void> {
    if (!this.#events.some(({ key }) => key === event.key)) this.#events.push(event);
  }

  async events(
    timeframe: TimeframeId,
    { kind, limit }: { readonly kind?: LifecycleKind; readonly limit: number },
  ): Promise<LifecycleEvent[]> {
    return this.#events
      .filter((event) => event.timeframe === timeframe && (kind === undefined || event.kind === kind))
      .toReversed()
      .slice(0, limit);
  }
}

function unregistered(timeframe: TimeframeId, version: string): PipelineError {
  return new PipelineError('invalid_input', `there is no model ${version} of ${timeframe}`);
}
