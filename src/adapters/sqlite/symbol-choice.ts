import type { ChosenSymbol } from '../../domain/discovery';
import type { SymbolChoice } from '../../ports/symbol-choice';
import type { StateDatabase } from './state-database';

export class SqliteSymbolChoice implements SymbolChoice {
  constructor(private readonly state: StateDatabase) {}

  async chosen(): Promise<ChosenSymbol[]> {
    return this.state.read((db) =>
      db
        .selectFrom('chosen_symbol')
        .select(['symbol', 'since', 'misses', 'rank'])
        .orderBy('rank')
        .orderBy('symbol')
        .execute(),
    );
  }

  async choose(symbols: readonly ChosenSymbol[]): Promise<void> {
    await this.state.write(async (db) => {
      await db.deleteFrom('chosen_symbol').execute();
      for (const { symbol, since, misses, rank } of symbols)
        await db.insertInto('chosen_symbol').values({ symbol, since, misses, rank }).execute();
    });
  }
}
