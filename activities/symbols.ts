/** Which symbols are followed: named ones and discovered ones, without those in quarantine; and the daily look at all of them. */
import { cancellationSignal } from '@temporalio/activity';
import { chooseSymbols } from '../src/domain/discovery';
import { closeOf, DAY } from '../src/domain/timeframe';
import type { EpochMs, MarketSymbol } from '../src/domain/types';
import { canary } from '../src/ingest/canary';
import { ACTIVATION_TIMEFRAME } from './activation';
import type { CheckedSymbol, CheckSymbolInput, SettleSymbolsInput, SymbolPlan, SymbolReview } from './contract';
import { followedSymbols } from './followed';
import type { ActivityPorts } from './ports';
import { quarantine, release, stateOf } from './quarantine';
import { guarded, refuseOtherSource } from './stage';

/**
 * Looks at the markets and says which symbols have to be checked: new ones before they join, those in quarantine, and those
 * that are listed but not traded at present (F74).
 */
export function createPlanSymbols(ports: ActivityPorts) {
  return ({ asOf }: { readonly asOf: EpochMs }): Promise<SymbolPlan> =>
    guarded(async () => {
      const { discovery, symbols } = ports.settings;
      const markets = await ports.exchange.markets(cancellationSignal());
      const before = await ports.symbolChoice.chosen();
      const choice =
        discovery === null
          ? { chosen: [], joining: [], leaving: before.map(({ symbol }) => ({ symbol, reason: 'discovery is off' })) }
          : chooseSymbols(markets, before, discovery, symbols, asOf);
      const followed = new Set<MarketSymbol>([...symbols, ...choice.chosen.map(({ symbol }) => symbol)]);
      const quarantined = (await ports.pairState.symbolStates()).filter(
        ({ activation }) => activation === 'quarantined',
      );
      const halted = markets.filter(({ active }) => !active);
      const doubtful = new Set([...quarantined, ...halted].map(({ symbol }) => symbol));
      const probes = [...doubtful].filter((symbol) => followed.has(symbol) && !choice.joining.includes(symbol));
      return { source: ports.source, ...choice, probes };
    });
}

/** That it is traded, and a page of each timeframe. A discovered symbol must have the history that a forecast needs before anything of it is stored. */
export function createCheckSymbol(ports: ActivityPorts) {
  return ({ source, symbol, asOf }: CheckSymbolInput): Promise<CheckedSymbol> =>
    guarded(async () => {
      refuseOtherSource(ports, source);
      const signal = cancellationSignal();
      const market = (await ports.exchange.markets(signal)).find((listed) => listed.symbol === symbol);
      const { settleMs, symbols, timeframes } = ports.settings;
      const stored = await ports.candles.extent({ symbol, timeframe: ACTIVATION_TIMEFRAME });
      // An exchange under maintenance halts all its markets for an hour: a day without a candle is another matter.
      const silent = stored === null || asOf - closeOf(ACTIVATION_TIMEFRAME, stored.last) > DAY;
      if (market?.active === false) {
        if (silent) return { symbol, reason: `${symbol} is listed, but has not been traded for a day` };
        // Its newest candles lack the halt; one in quarantine has to show that it is well.
        if ((await stateOf(ports, symbol))?.activation !== 'quarantined') return { symbol, reason: null };
      }
      const joins = stored === null && !symbols.includes(symbol);
      for (const timeframe of timeframes) {
        if (!ports.exchange.supports(timeframe).offered) continue;
        const history = joins && timeframe === ACTIVATION_TIMEFRAME;
        const wanted = history ? ports.settings.rules(timeframe).minimumSamples : 1;
        const reason = await canary(ports.exchange, { pair: { symbol, timeframe }, asOf, wanted, settleMs, signal });
        if (reason !== null) return { symbol, reason };
      }
      return { symbol, reason: null };
    });
}

/**
 * Makes the choice hold: passed symbols join or come out of quarantine, failed ones go there with the reason, those that
 * left keep their data. One that could not be checked does not join.
 */
export function createSettleSymbols(ports: ActivityPorts) {
  return (input: SettleSymbolsInput): Promise<SymbolReview> =>
    guarded(async () => {
      refuseOtherSource(ports, input.source);
      const { asOf, chosen, joining, leaving, checked } = input;
      const known = new Set(checked.map(({ symbol }) => symbol));
      await ports.symbolChoice.choose(chosen.filter(({ symbol }) => known.has(symbol) || !joining.includes(symbol)));
      const released: MarketSymbol[] = [];
      for (const { symbol, reason } of checked) {
        if (reason === null) {
          const wasQuarantined = await release(ports, symbol, asOf);
          if (wasQuarantined && !joining.includes(symbol)) released.push(symbol);
        } else await quarantine(ports, symbol, reason, asOf);
      }
      const passed = checked.flatMap(({ symbol, reason }) => (reason === null ? [symbol] : []));
      return {
        asOf,
        followed: (await followedSymbols(ports)).length,
        joined: passed.filter((symbol) => joining.includes(symbol)),
        released,
        quarantined: checked.flatMap(({ symbol, reason }) => (reason === null ? [] : [symbol])),
        left: leaving.map(({ symbol }) => symbol),
      };
    });
}
