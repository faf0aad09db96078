/** The verbs that run until they are stopped: `up`, `worker`, `serve`, `market`. */
import type { Command } from 'commander';
import type { EpochMs } from '../domain/types';
import { moment, wholeNumber } from './arguments';
import { print, progressTo, withFormat, type FormatOptions } from './output';
import { textFacts } from './text-table';
import type { CliWiring, Running } from './wiring';

interface MarketOptions {
  readonly host: string;
  readonly port: number;
  readonly seed?: number;
  readonly data?: string;
  readonly scenario?: string;
}

export function addProcesses(program: Command, wiring: CliWiring): void {
  withFormat(program.command('up').description('run everything: Temporal, schedules, worker and pages')).action(
    async (options: FormatOptions) => runUntilStopped(wiring, options, wiring.startUp(progressTo(wiring))),
  );
  withFormat(program.command('worker').description('run a worker only')).action(async (options: FormatOptions) =>
    runUntilStopped(wiring, options, wiring.startWorker()),
  );
  withFormat(program.command('serve').description('run the pages only; they need no worker'))
    .option(
      '--as-of <time>',
      'pages and documents as they were at that moment, as far back as generations are kept',
      moment,
    )
    .action(async (options: FormatOptions & { asOf?: EpochMs }) =>
      runUntilStopped(wiring, options, wiring.startWeb(options.asOf ?? null)),
    );
  withFormat(program.command('market').description('run the simulated market: an exchange on this machine'))
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on; 0: any free one', wholeNumber(0, 65_535), 0)
    .option('--seed <number>', 'seed of the generated candles (default: MARKET_SEED)', wholeNumber(0, 4_294_967_295))
    .option('--data <folder>', 'serve the candle files of this folder instead of generated ones')
    .option('--scenario <file>', 'faults in force from the start: see docs/market-simulator.md')
    .action(async (options: FormatOptions & MarketOptions) => {
      const request = {
        host: options.host,
        port: options.port,
        seed: options.seed ?? wiring.config().marketSeed,
        dataDir: options.data ?? null,
        scenario: options.scenario ?? null,
      };
      await runUntilStopped(wiring, options, wiring.startMarket(request));
    });
}

/** Prints what was started, after what led to it, and waits until it ends or is asked to stop. */
export async function runUntilStopped(
  wiring: CliWiring,
  options: FormatOptions,
  starting: Promise<Running>,
  before?: { readonly text: string; readonly json: object },
): Promise<void> {
  const running = await starting;
  const facts = Object.entries(running.facts).map(
    ([key, fact]) => [key.replaceAll('_', ' '), String(fact ?? '-')] as const,
  );
  const text = textFacts(facts);
  if (before === undefined) print(wiring, options, { text, json: running.facts });
  else print(wiring, options, { text: `${before.text}\n${text}`, json: { ...before.json, serving: running.facts } });
  try {
    await Promise.race([running.ended, stopOf(wiring.stopping)]);
  } finally {
    await running.stop();
  }
}

function stopOf(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
