/** Process entry: `node dist/src/market/main.js --port N --seed S [--data DIR] [--fixed ISO] [--factor N] [--symbols …] [--scenario FILE]`. */
import { fstatSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { PipelineError } from '../domain/errors';
import { parseSymbol } from '../domain/types';
import type { MarketSymbol } from '../domain/types';
import type { ClockSetting } from './clock';
import { readScenario } from './faults/fault-rules';
import { inventedSymbols } from './instrument';
import { startMarket } from './market-server';

/** `A/B,C/D`, or a number of known and invented ones. */
function symbolsOf(text: string | undefined): readonly MarketSymbol[] | undefined {
  if (text === undefined) return undefined;
  return /^\d+$/.test(text) ? inventedSymbols(Number(text)) : text.split(',').map(parseSymbol);
}

/** `--fixed` alone stands still; with `--factor` the clock starts there and runs; `--factor` alone starts now. */
function clockOf(fixed: string | undefined, factor: string | undefined): ClockSetting {
  const start = fixed === undefined ? Date.now() : Date.parse(fixed);
  if (factor !== undefined) return { start, factor: Number(factor) };
  return fixed === undefined ? 'real' : { fixed: start };
}

/** Calls back when the parent has gone: its pipe to our input, or its IPC channel, has closed. */
function onParentGone(callback: () => void): void {
  process.once('disconnect', callback);
  // A terminal, a file or /dev/null says nothing about a parent.
  const input = fstatSync(process.stdin.fd);
  if (!input.isFIFO() && !input.isSocket()) return;
  process.stdin.once('end', callback).once('error', callback).resume();
}

async function run(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      host: text,
      port: text,
      seed: text,
      data: text,
      fixed: text,
      factor: text,
      symbols: text,
      scenario: text,
    },
  });
  const server = await startMarket({
    host: values.host,
    port: Number(values.port ?? 0),
    seed: values.seed,
    data: values.data,
    symbols: symbolsOf(values.symbols),
    scenario: values.scenario === undefined ? undefined : readScenario(values.scenario),
    clock: clockOf(values.fixed, values.factor),
  });
  const stop = (): void => {
    void server.close().then(() => process.exit(0));
  };
  process.once('SIGTERM', stop).once('SIGINT', stop);
  onParentGone(stop);
  console.log(`market listening on ${server.url}`);
}

run().catch((error: unknown) => {
  const known = error instanceof PipelineError || error instanceof RangeError || error instanceof TypeError;
  console.error(known ? error.message : error);
  process.exitCode = 2;
});
