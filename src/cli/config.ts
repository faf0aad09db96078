/** `config show`: what holds, and where it came from. */
import type { Command } from 'commander';
import type { Setting } from '../config/config';
import { print, withFormat, type FormatOptions } from './output';
import { textTable, type Column } from './text-table';
import type { CliWiring } from './wiring';

export function addConfig(program: Command, wiring: CliWiring): void {
  const noun = program.command('config').description('the settings; docs/configuration.md explains them');
  withFormat(noun.command('show').description('every variable and its value, secrets hidden'))
    .option('--origin', 'also where each value came from')
    .action((options: FormatOptions & { origin?: boolean }) => show(wiring, options));
}

function show(wiring: CliWiring, options: FormatOptions & { origin?: boolean }): void {
  const { settings } = wiring.config();
  const columns: Column<Setting>[] = [
    { title: 'variable', cell: (row) => row.name },
    { title: 'value', cell: (row) => row.shown },
  ];
  if (options.origin === true) columns.splice(1, 0, { title: 'from', cell: (row) => row.origin });
  const json = settings.map(({ name, shown, origin }) => ({
    name,
    value: shown,
    ...(options.origin === true ? { origin } : {}),
  }));
  print(wiring, options, { text: textTable(columns, settings), json: { variables: json } });
}
