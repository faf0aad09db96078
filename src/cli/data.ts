/** `data`: what is stored, what is missing, fills, and candles from and to files. */
import { Option, type Command } from 'commander';
import { moment } from './arguments';
import { showAudit } from './data-audit';
import { BACKFILL_CHOICES, backfill, type BackfillOptions } from './data-backfill';
import { copyStore, type CopyOptions } from './data-copy';
import { showCoverage, showDataStatus, showGaps, type PairFilter } from './data-coverage';
import { DAY_ORDERS } from './csv-time';
import { CONFLICT_RULES } from './csv-understanding';
import { EXPORT_FORMATS, exportCandles, type ExportOptions } from './data-export';
import { importFiles, type ImportOptions } from './data-import';
import { showStorage } from './data-storage';
import { withFormat, type FormatOptions } from './output';
import { STORE_KINDS, type CliWiring } from './wiring';

const splitNames = (text: string): string[] => text.split(',').map((name) => name.trim());

function withFilter(command: Command): Command {
  return withFormat(command)
    .option('--symbol <symbol>', 'only this symbol')
    .option('--timeframe <timeframe>', 'only this timeframe');
}

export function addData(program: Command, wiring: CliWiring): void {
  const noun = program
    .command('data')
    .description('what is stored and what is missing; fills; candles from and to files');
  withFormat(noun.command('status').description('size of the store, state of the symbols, fills that run')).action(
    async (options: FormatOptions) => showDataStatus(wiring, options),
  );
  withFormat(
    noun.command('storage').description('how full the storage is, days left, and what each setting would buy'),
  ).action(async (options: FormatOptions) => showStorage(wiring, options));
  withFilter(noun.command('coverage').description('first, last, count and holes of every pair')).action(
    async (options: FormatOptions & PairFilter) => showCoverage(wiring, options),
  );
  withFilter(
    noun.command('gaps').description('every gap with what is known of it, and the rows that were refused'),
  ).action(async (options: FormatOptions & PairFilter) => showGaps(wiring, options));
  withFilter(
    noun.command('audit').description('candles that changed after they were stored, and mismatches with the exchange'),
  ).action(async (options: FormatOptions & PairFilter) => showAudit(wiring, options));
  withFilter(noun.command('backfill').description('fetch whole histories; what is stored is not fetched again'))
    .addOption(new Option('--only <which>', 'which pairs').choices(BACKFILL_CHOICES).default('missing'))
    .option('--dry-run', 'say requests, minutes and megabytes, and start nothing')
    .action(async (options: BackfillOptions) => backfill(wiring, options));
  withFilter(
    noun
      .command('import')
      .description(
        'candles from CSV files (.csv or .csv.gz) named like BTC_USDT-1h.csv.gz, or with both options above',
      ),
  )
    .argument('<files...>', 'our own exports, or CSV of others: what was understood is told first')
    .option('--apply', 'store what was understood of a foreign file; without it nothing of it is')
    .option('--columns <names>', 'names of the columns, in order, where the header lacks or misleads', splitNames)
    .addOption(new Option('--dates <order>', 'how dates like 03/04/2021 are meant').choices(DAY_ORDERS))
    .addOption(
      new Option('--conflicts <which>', 'rows of one slot with different values')
        .choices(CONFLICT_RULES)
        .default('refuse'),
    )
    .action(async (files: string[], options: ImportOptions) => importFiles(wiring, files, options));
  withFormat(
    noun.command('export').description('candles as CSV or Parquet: one pair to stdout or a file, or all into a folder'),
  )
    .argument('[symbol]', 'like BTC/USDT')
    .argument('[timeframe]', 'like 1h')
    .option('--to <path>', 'file (.csv, .csv.gz or .parquet), or the folder for all pairs')
    .addOption(new Option('--format <format>', 'of the files of all pairs').choices(EXPORT_FORMATS).default('csv'))
    .option('--from <time>', 'first open time, UTC', moment)
    .option('--until <time>', 'last open time, UTC', moment)
    .action(async (symbol: string | undefined, timeframe: string | undefined, options: ExportOptions) =>
      exportCandles(wiring, symbol, timeframe, options),
    );
  withFormat(
    noun
      .command('copy')
      .description('move all candles to the other kind of store, compared by hash; goes on where it was'),
  )
    .addOption(new Option('--from <store>', 'where they are').choices(STORE_KINDS).makeOptionMandatory())
    .addOption(new Option('--to <store>', 'where they go').choices(STORE_KINDS).makeOptionMandatory())
    .action(async (options: CopyOptions) => copyStore(wiring, options));
}
