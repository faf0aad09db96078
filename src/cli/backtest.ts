/** `backtest`: model families judged on files of candles; its JSON is the benchmark's. */
import { existsSync } from 'node:fs';
import { Option, type Command } from 'commander';
import { anyTimeframe, wholeNumber } from './arguments';
import { CommandEnd, EXIT_CODES, endWith } from './exit-codes';
import { print, progressTo, withFormat, type FormatOptions } from './output';
import { textTable } from './text-table';
import type { BacktestRow, CliWiring } from './wiring';
import { plural } from './wording';

interface BacktestOptions extends FormatOptions {
  readonly data: string;
  readonly timeframe: string;
  readonly origins: number;
  readonly window: number;
  readonly families?: readonly string[];
}

export function addBacktest(program: Command, wiring: CliWiring): void {
  withFormat(
    program.command('backtest').description('judge model families on a folder of SYMBOL_QUOTE-TF.csv.gz files'),
  )
    .requiredOption('--data <folder>', 'where the candle files are')
    .requiredOption('--timeframe <timeframe>', 'like 1h')
    .option('--origins <number>', 'forecasts of each series', wholeNumber(1, 100_000), 40)
    .option('--window <number>', 'candles before each forecast', wholeNumber(2, 1_000_000), 500)
    .addOption(
      new Option('--families <names>', 'only these, separated by commas').argParser((text) =>
        text.split(',').map((name) => name.trim()),
      ),
    )
    .action(async (options: BacktestOptions) => run(wiring, options));
}

async function run(wiring: CliWiring, options: BacktestOptions): Promise<void> {
  if (!existsSync(options.data))
    throw new CommandEnd(EXIT_CODES.usage, `--data: there is no folder "${options.data}".`);
  const timeframe = anyTimeframe(options.timeframe);
  const backtest = await wiring.backtest();
  const { rows, failures, skipped } = await backtest({
    dataDir: options.data,
    timeframe,
    origins: options.origins,
    window: options.window,
    families: options.families ?? null,
    progress: progressTo(wiring),
  });
  const number = (title: string, pick: (row: BacktestRow) => number) => ({
    title,
    align: 'right' as const,
    cell: (row: BacktestRow) => pick(row).toFixed(4),
  });
  const table = textTable<BacktestRow>(
    [
      { title: 'family', cell: (row) => `${row.family}${row.default ? ' (default)' : ''}` },
      { title: 'n', cell: (row) => String(row.n), align: 'right' },
      number('error / yardstick', (row) => row.mae_ratio),
      number('pinball / yardstick', (row) => row.pinball_ratio),
      number('inside 80 %', (row) => row.cov80),
      number('inside 95 %', (row) => row.cov95),
      number('seconds', (row) => row.seconds),
    ],
    rows,
  );
  const failed = failures.map(
    ({ family, failed: count, why }) => `${family} failed ${plural(count, 'time')}, first: ${why}\n`,
  );
  const short = skipped.length === 0 ? '' : `left out, too short for this window: ${skipped.join(', ')}\n`;
  print(wiring, options, { text: `${table}${failed.join('')}${short}`, json: { rows, failures, skipped } });
  if (rows.length === 0 && failures.length === 0)
    throw new CommandEnd(EXIT_CODES.data, `no series in "${options.data}" is long enough for this window.`);
  if (failures.length === 0) return;
  // The yardstick is always among the rows, and answers for none that was asked for.
  const judged = rows.some(({ family }) => options.families?.includes(family) ?? true);
  endWith(judged ? EXIT_CODES.partial : EXIT_CODES.failure);
}
