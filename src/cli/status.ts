/** `status`: all pairs in one table; exit 6 when any is not fresh. */
import type { Command } from 'commander';
import { MINUTE } from '../domain/timeframe';
import { pairKey } from '../domain/types';
import { followedBy } from './followed';
import { selectedPairs } from './arguments';
import type { PairFilter } from './data-coverage';
import { deploymentJson, deploymentState, deploymentText } from './deployment-state';
import { EXIT_CODES, endWith } from './exit-codes';
import { print, withFormat, type FormatOptions } from './output';
import { pairStatuses, type PairStatusRow } from './pair-status';
import { textTable } from './text-table';
import type { CliWiring } from './wiring';
import { isoOrNull, lengthText, minuteText, plural } from './wording';

export function addStatus(program: Command, wiring: CliWiring): void {
  withFormat(program.command('status').description('every pair: fresh, stale or worse; exit 6 unless all are fresh'))
    .option('--symbol <symbol>', 'only this symbol')
    .option('--timeframe <timeframe>', 'only this timeframe')
    .action(async (options: FormatOptions & PairFilter) => show(wiring, options));
}

async function show(wiring: CliWiring, options: FormatOptions & PairFilter): Promise<void> {
  const config = wiring.config();
  const stores = await wiring.stores();
  const rows = await pairStatuses(stores, config, selectedPairs(await followedBy(wiring), options), wiring.clock.now());
  const [generation] = await stores.publication.generations(1);
  const text = textTable<PairStatusRow>(
    [
      { title: 'pair', cell: (row) => pairKey(row.pair) },
      { title: 'status', cell: (row) => `${row.verdict.status}${row.verdict.degraded ? ' degraded' : ''}` },
      { title: 'served', cell: (row) => (row.verdict.serveAllowed ? 'yes' : 'no') },
      { title: 'age', cell: (row) => minutesText(row.verdict.ageMinutes), align: 'right' },
      { title: 'soft / hard', cell: limitsText, align: 'right' },
      { title: 'data through (UTC)', cell: (row) => minuteText(row.row?.dataThrough ?? null) },
    ],
    rows,
  );
  const manifest =
    generation === undefined
      ? 'no manifest has been published yet'
      : `manifest generation ${generation.generation} of ${minuteText(generation.generatedAt)} UTC`;
  const worse = rows.filter((row) => row.verdict.status !== 'fresh').length;
  const summary = `${plural(rows.length, 'pair')} of ${stores.source}, ${worse} not fresh; ${manifest}\n`;
  const state = await deploymentState(stores, config);
  const json = {
    source: stores.source,
    generation: generation?.generation ?? null,
    generated_at: isoOrNull(generation?.generatedAt),
    pairs: rows.map(statusJson),
    ...deploymentJson(state),
  };
  const about = deploymentText(state, wiring.clock.now());
  print(wiring, options, { text: `${text}${notesText(rows)}${summary}${about}`, json });
  if (worse > 0) endWith(EXIT_CODES.stale);
}

/** Each reason once, with the pairs it holds for. */
function notesText(rows: readonly PairStatusRow[]): string {
  const byReason = new Map<string, string[]>();
  for (const { pair, verdict } of rows) {
    if (verdict.reason !== null) byReason.set(verdict.reason, [...(byReason.get(verdict.reason) ?? []), pairKey(pair)]);
  }
  const lines = [...byReason].map(([reason, keys]) => {
    const more = keys.length > NAMED ? ` and ${keys.length - NAMED} more` : '';
    return `${keys.slice(0, NAMED).join(', ')}${more}: ${reason}\n`;
  });
  return lines.length === 0 ? '' : `${lines.join('')}to know more: coin-predict why SYMBOL TIMEFRAME\n`;
}

/** Pairs named beside a reason. */
const NAMED = 3;

function minutesText(minutes: number | null): string {
  return minutes === null ? '-' : lengthText(minutes * MINUTE);
}

function limitsText({ verdict }: PairStatusRow): string {
  return `${minutesText(verdict.thresholds.softMinutes)} / ${minutesText(verdict.thresholds.hardMinutes)}`;
}

function statusJson({ pair, row, verdict }: PairStatusRow): unknown {
  return {
    symbol: pair.symbol,
    timeframe: pair.timeframe,
    status: verdict.status,
    serve_allowed: verdict.serveAllowed,
    degraded: verdict.degraded,
    reason: verdict.reason,
    visibility: row?.visibility ?? 'hidden_backfilling',
    data_through: isoOrNull(row?.dataThrough),
    updated_at: isoOrNull(row?.updatedAt),
    age_minutes: verdict.ageMinutes,
    threshold_minutes: { soft: verdict.thresholds.softMinutes, hard: verdict.thresholds.hardMinutes },
  };
}
