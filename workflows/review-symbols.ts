import { proxyActivities, setCurrentDetails, setWorkflowOptions, upsertSearchAttributes } from '@temporalio/workflow';
import type { CheckedSymbol, CycleActivities, SymbolActivities, SymbolReview } from '../activities/contract';
import type { EpochMs } from '../src/domain/types';
import { KIND, OUTCOME, SYMBOLS } from './search-attributes';
import { failureOf } from './stages';

const { planSymbols, checkSymbol, settleSymbols, requestCycles } = proxyActivities<SymbolActivities & CycleActivities>({
  startToCloseTimeout: '10m',
  heartbeatTimeout: '30s',
  retry: { initialInterval: '5s', backoffCoefficient: 2, maximumInterval: '2m', maximumAttempts: 6 },
});

setWorkflowOptions({ failureExceptionTypes: [Error] }, reviewSymbols);

/**
 * The daily look at the symbols: which are followed by volume, whether new ones are fit to be, and whether those in
 * quarantine are well again. A symbol that could not be checked is as it was. `asOf` only under the virtual-time driver.
 */
export async function reviewSymbols(input: { readonly asOf?: EpochMs }): Promise<SymbolReview> {
  upsertSearchAttributes([{ key: KIND, value: 'symbols' }]);
  const asOf = input.asOf ?? Date.now();
  const { probes, ...plan } = await planSymbols({ asOf });
  const checked: CheckedSymbol[] = [];
  for (const symbol of [...plan.joining, ...probes]) {
    try {
      const options = { summary: `${symbol}: ${probes.includes(symbol) ? 'is it well again' : 'is it fit to join'}` };
      checked.push(await checkSymbol.executeWithOptions(options, [{ source: plan.source, symbol, asOf }]));
    } catch (error) {
      // Says nothing of the symbol; the next look asks again.
      setCurrentDetails(`${symbol} could not be checked: ${failureOf(error).message}`);
    }
  }
  const review = await settleSymbols({ ...plan, asOf, checked });
  upsertSearchAttributes([
    { key: SYMBOLS, value: review.followed },
    { key: OUTCOME, value: review.quarantined.length > 0 ? 'quarantined' : 'done' },
  ]);
  const news = [...review.joined, ...review.released];
  if (news.length > 0 && input.asOf === undefined)
    await requestCycles({ timeframes: [], reason: `${news.join(', ')} joined`.slice(0, 300) });
  return review;
}
