import { PipelineError } from '../../domain/errors';
import type { EpochMs, TimeframeId } from '../../domain/types';
import { modelMetadataSchema } from '../../ports/model-metadata';
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
import { insertEvents } from './event-log';
import { alertOfLifecycle } from './lifecycle-alert';
import type { StateConnection, StateDatabase } from './state-database';

export class SqliteModelRegistry implements ModelRegistry {
  constructor(private readonly state: StateDatabase) {}

  async register(metadata: ModelMetadata): Promise<void> {
    const checked = modelMetadataSchema.parse(metadata);
    const row = { timeframe: checked.timeframe, version: checked.model_version, metadata: JSON.stringify(checked) };
    await this.state.write((db) =>
      db
        .insertInto('model')
        .values(row)
        .onConflict((conflict) => conflict.doNothing())
        .execute(),
    );
  }

  async model(timeframe: TimeframeId, version: string): Promise<ModelMetadata | null> {
    return this.state.read((db) => modelOf(db, timeframe, version));
  }

  async models(timeframe: TimeframeId): Promise<ModelMetadata[]> {
    const rows = await this.state.read((db) =>
      db.selectFrom('model').selectAll().where('timeframe', '=', timeframe).orderBy('id', 'desc').execute(),
    );
    return rows.map(({ metadata }) => readMetadata(metadata));
  }

  async champion(timeframe: TimeframeId): Promise<ChampionChange | null> {
    return this.state.read((db) => championOf(db, timeframe));
  }

  async history(timeframe: TimeframeId): Promise<ChampionChange[]> {
    return this.state.read((db) => changes(db, timeframe).execute());
  }

  async changeChampion(change: ChampionChange): Promise<boolean> {
    const { timeframe, version, previous, at, reason } = change;
    return this.state.write(async (db) => {
      if ((await modelOf(db, timeframe, version)) === null) throw unregistered(timeframe, version);
      if (((await championOf(db, timeframe))?.version ?? null) !== previous) return false;
      if (await wasMade(db, change)) return false;
      await db.insertInto('champion_change').values(change).execute();
      await insertEvent(db, eventOf(change));
      await db
        .deleteFrom('shadow_model')
        .where((where) => where.and({ timeframe, version }))
        .execute();
      if (change.kind === 'rollback' && previous !== null) {
        const freeze: PromotionFreeze = { timeframe, since: at, version: previous, reason };
        await db
          .insertInto('promotion_freeze')
          .values(freeze)
          .onConflict((conflict) => conflict.column('timeframe').doUpdateSet({ since: at, version: previous, reason }))
          .execute();
        await insertEvent(db, freezeEvent(freeze));
      }
      return true;
    });
  }

  async shadow(timeframe: TimeframeId): Promise<ShadowModel | null> {
    const row = await this.state.read((db) =>
      db.selectFrom('shadow_model').selectAll().where('timeframe', '=', timeframe).executeTakeFirst(),
    );
    return row ?? null;
  }

  async setShadow({ timeframe, version, since }: ShadowModel): Promise<void> {
    await this.state.write(async (db) => {
      if ((await modelOf(db, timeframe, version)) === null) throw unregistered(timeframe, version);
      await db
        .insertInto('shadow_model')
        .values({ timeframe, version, since })
        .onConflict((conflict) =>
          conflict
            .column('timeframe')
            .doUpdateSet({ version, since })
            // Set again, it goes on since when it did.
            .where('shadow_model.version', '<>', version),
        )
        .execute();
    });
  }

  async freeze(timeframe: TimeframeId): Promise<PromotionFreeze | null> {
    const row = await this.state.read((db) =>
      db.selectFrom('promotion_freeze').selectAll().where('timeframe', '=', timeframe).executeTakeFirst(),
    );
    return row ?? null;
  }

  async unfreeze(timeframe: TimeframeId, at: EpochMs, reason: string): Promise<boolean> {
    return this.state.write(async (db) => {
      const frozen = await db.deleteFrom('promotion_freeze').where('timeframe', '=', timeframe).executeTakeFirst();
      if (frozen.numDeletedRows === 0n) return false;
      await insertEvent(db, unfreezeEvent(timeframe, at, reason));
      return true;
    });
  }

  async record(event: LifecycleEvent): Promise<void> {
    await this.state.write((db) => insertEvent(db, event));
  }

  async events(
    timeframe: TimeframeId,
    { kind, limit }: { readonly kind?: LifecycleKind; readonly limit: number },
  ): Promise<LifecycleEvent[]> {
    const rows = await this.state.read((db) => {
      const all = db.selectFrom('lifecycle_event').selectAll().where('timeframe', '=', timeframe);
      const wanted = kind === undefined ? all : all.where('kind', '=', kind);
      return wanted.orderBy('id', 'desc').limit(limit).execute();
    });
    return rows.map(({ id: _id, criteria, facts, ...event }) => ({
      ...event,
      criteria: JSON.parse(criteria) as LifecycleEvent['criteria'],
      facts: JSON.parse(facts) as LifecycleEvent['facts'],
    }));
  }
}

async function modelOf(db: StateConnection, timeframe: TimeframeId, version: string): Promise<ModelMetadata | null> {
  const row = await db
    .selectFrom('model')
    .select('metadata')
    .where((where) => where.and({ timeframe, version }))
    .executeTakeFirst();
  return row === undefined ? null : readMetadata(row.metadata);
}

function readMetadata(json: string): ModelMetadata {
  return modelMetadataSchema.parse(JSON.parse(json));
}

function changes(db: StateConnection, timeframe: TimeframeId) {
  return db
    .selectFrom('champion_change')
    .select(['timeframe', 'version', 'previous', 'at', 'kind', 'by', 'reason'])
    .where('timeframe', '=', timeframe)
    .orderBy('id', 'desc');
}

async function championOf(db: StateConnection, timeframe: TimeframeId): Promise<ChampionChange | null> {
  return (await changes(db, timeframe).limit(1).executeTakeFirst()) ?? null;
}

/** The same change is made once, also when the champion has since been changed back to the one before it. */
async function wasMade(db: StateConnection, { timeframe, version, at, kind }: ChampionChange): Promise<boolean> {
  const made = await changes(db, timeframe)
    .where((where) => where.and({ version, at, kind }))
    .executeTakeFirst();
  return made !== undefined;
}

async function insertEvent(db: StateConnection, event: LifecycleEvent): Promise<void> {
  const { criteria, facts, ...rest } = event;
  await db
    .insertInto('lifecycle_event')
    .values({ ...rest, criteria: JSON.stringify(criteria), facts: JSON.stringify(facts) })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const alert = alertOfLifecycle(event);
  if (alert !== null) await insertEvents(db, [alert]);
}

function unregistered(timeframe: TimeframeId, version: string): PipelineError {
  return new PipelineError('invalid_input', `there is no model ${version} of ${timeframe}`);
}
