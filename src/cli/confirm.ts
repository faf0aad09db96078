/** A question before what readers see at once. Only a person at a terminal is asked: scripts have decided already (S31). */
import type { Command } from 'commander';
import { CommandEnd, EXIT_CODES } from './exit-codes';
import type { CliWiring } from './wiring';

export interface ConfirmOptions {
  readonly yes?: boolean;
}

export function withConfirmation(command: Command): Command {
  return command.option('--yes', 'without the question that is asked at a terminal');
}

/** @throws CommandEnd with exit code 7 unless the answer is yes. */
export async function confirm({ ask }: CliWiring, sentence: string, { yes }: ConfirmOptions): Promise<void> {
  if (yes === true || ask === null) return;
  const answer = await ask(`${sentence} Go on? [y/N] `);
  if (!/^y(es)?$/i.test(answer.trim())) throw new CommandEnd(EXIT_CODES.refused, 'nothing was changed');
}
