/** `export`: check, make again, go back to or copy what is published. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { PipelineError } from '../domain/errors';
import { wholeNumber } from './arguments';
import { confirm, withConfirmation, type ConfirmOptions } from './confirm';
import { CommandEnd, EXIT_CODES, endWith } from './exit-codes';
import { print, progressTo, withFormat, type FormatOptions } from './output';
import { textTable } from './text-table';
import type { Breach, CliWiring } from './wiring';
import { plural } from './wording';

export function addExport(program: Command, wiring: CliWiring): void {
  const noun = program.command('export').description('what is published: check, make again, go back, copy');
  withFormat(noun.command('verify').description('check every published file from outside; exit 5 on any breach'))
    .argument('[folder]', 'published folder, else the configured one')
    .action(async (folder: string | undefined, options: FormatOptions) => verify(wiring, folder, options));
  withFormat(noun.command('rebuild').description('make every document again from the stores')).action(
    async (options: FormatOptions) => {
      const { generation, pairs } = await (await wiring.exporter()).rebuild(progressTo(wiring));
      const text = `${plural(pairs, 'pair')} published again as generation ${generation}\n`;
      print(wiring, options, { text, json: { generation, pairs } });
    },
  );
  withConfirmation(
    withFormat(noun.command('rollback').description('publish an older generation again, under a new number')),
  )
    .requiredOption('--to <generation>', 'number of the older generation', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .option('--reason <text>', 'kept with the new generation', 'by hand')
    .action(async (options: FormatOptions & ConfirmOptions & { to: number; reason: string }) => {
      const sentence = `Generation ${options.to} will be published again, and readers see it at once.`;
      await confirm(wiring, sentence, options);
      const { generation } = await rollback(wiring, options.to, options.reason);
      const text = `generation ${options.to} is published again as generation ${generation}\n`;
      print(wiring, options, { text, json: { generation, rollback_of: options.to } });
    });
  withFormat(
    noun.command('materialise').description('write the documents under their canonical names for a static host'),
  )
    .argument('<folder>', 'where to')
    .action(async (folder: string, options: FormatOptions) => {
      const target = resolve(folder);
      const { generation, files } = await (await wiring.exporter()).materialise(target);
      const text = `${plural(files, 'file')} of generation ${generation} in ${target}\n`;
      print(wiring, options, { text, json: { generation, files, folder: target } });
    });
}

async function rollback(wiring: CliWiring, to: number, reason: string): Promise<{ readonly generation: number }> {
  try {
    return await (await wiring.exporter()).rollback({ to, reason });
  } catch (error) {
    // The command was right; what it names can not be brought back.
    if (error instanceof PipelineError && error.code === 'invalid_input')
      throw new CommandEnd(EXIT_CODES.refused, error.message);
    throw error;
  }
}

async function verify(wiring: CliWiring, folder: string | undefined, options: FormatOptions): Promise<void> {
  const report = await (await wiring.exporter()).verify(folder === undefined ? null : resolve(folder));
  const checked = Object.entries(report.checked).map(([what, count]) => `${count} ${what.replaceAll('_', ' ')}`);
  const table = textTable<Breach>(
    [
      { title: 'rule', cell: (row) => row.invariant },
      { title: 'where', cell: (row) => row.where },
      { title: 'breach', cell: (row) => row.sentence },
    ],
    report.breaches,
  );
  const head = `${plural(report.breaches.length, 'breach', 'breaches')}; checked ${checked.join(', ')}\n`;
  print(wiring, options, { text: report.breaches.length === 0 ? head : `${table}${head}`, json: report });
  if (report.breaches.length > 0) endWith(EXIT_CODES.data);
}
