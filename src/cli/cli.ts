/** The command line: noun, then verb. Nothing here ends the process or knows where things come from. */
import { Command, CommanderError } from 'commander';
import { addAlert } from './alert';
import { addBacktest } from './backtest';
import { addConfig } from './config';
import { addCycle } from './cycle';
import { addData } from './data';
import { addDoctor } from './doctor';
import { EXIT_CODES, EXIT_MEANINGS, endingOf } from './exit-codes';
import { addExport } from './export';
import { addForecast } from './forecast';
import { addModel } from './model';
import { addProcesses } from './processes';
import { addReplay } from './replay';
import { addSchedule } from './schedule';
import { addStatus } from './status';
import { addSymbol } from './symbol';
import { addWhy } from './why';
import type { CliWiring } from './wiring';

/** All verbs over this wiring; nothing of it is called before a verb runs. */
export function buildCli(wiring: CliWiring): Command {
  const program = new Command('coin-predict')
    .description('Durable crypto forecasting: trusted candles, honestly graded forecasts, static JSON.')
    .version(wiring.version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => wiring.output.stdout(text),
      writeErr: (text) => wiring.output.stderr(text),
      getOutHelpWidth: () => 100,
      getErrHelpWidth: () => 100,
    })
    .showHelpAfterError('(add --help to see what is possible)')
    .addHelpText(
      'after',
      `\nExit codes:\n${EXIT_MEANINGS.map(([code, meaning]) => `  ${code}  ${meaning}`).join('\n')}`,
    );
  addProcesses(program, wiring);
  addCycle(program, wiring);
  addSchedule(program, wiring);
  addData(program, wiring);
  addForecast(program, wiring);
  addModel(program, wiring);
  addExport(program, wiring);
  addBacktest(program, wiring);
  addReplay(program, wiring);
  addAlert(program, wiring);
  addStatus(program, wiring);
  addSymbol(program, wiring);
  addWhy(program, wiring);
  addDoctor(program, wiring);
  addConfig(program, wiring);
  return program;
}

/**
 * Runs one command and closes what it opened.
 * @param argv the words after the program's name
 * @returns the exit code; every failure has been told on stderr in a sentence.
 */
export async function runCli(argv: readonly string[], wiring: CliWiring): Promise<number> {
  try {
    await buildCli(wiring).parseAsync([...argv], { from: 'user' });
    return EXIT_CODES.ok;
  } catch (error) {
    // Commander has already told what is wrong.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODES.ok : EXIT_CODES.usage;
    const { exitCode, message } = endingOf(error);
    if (message !== '') wiring.output.stderr(`error: ${message}\n`);
    return exitCode;
  } finally {
    await wiring.close();
  }
}
