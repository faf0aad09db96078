/** Results go to stdout in one of two forms, chosen the same way for every verb. */
import { Option, type Command } from 'commander';
import type { CliWiring } from './wiring';

export interface FormatOptions {
  readonly output?: 'text' | 'json';
  readonly json?: boolean;
}

/** Adds `-o text|json` and `--json` to a verb. */
export function withFormat(command: Command): Command {
  return command
    .addOption(new Option('-o, --output <format>', 'form of the result').choices(['text', 'json']).default('text'))
    .addOption(new Option('--json', 'the same as -o json'));
}

/** Prints a result: `json` exactly, or `text` as it is. */
export function print(wiring: CliWiring, options: FormatOptions, result: { text: string; json: unknown }): void {
  const asJson = options.json === true || options.output === 'json';
  wiring.output.stdout(asJson ? `${JSON.stringify(result.json, null, 2)}\n` : result.text);
}

/** One line of progress on stderr. */
export function progressTo(wiring: CliWiring): (line: string) => void {
  return (line) => wiring.output.stderr(`${line}\n`);
}
