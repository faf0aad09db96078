/** `doctor`: is everything there that a run needs? */
import type { Command } from 'commander';
import {
  checkDisk,
  checkExchange,
  checkNode,
  checkPorts,
  checkStores,
  checkTemporal,
  type Check,
} from './doctor-checks';
import { EXIT_CODES, endWith } from './exit-codes';
import { print, withFormat, type FormatOptions } from './output';
import { textTable } from './text-table';
import type { CliWiring } from './wiring';

export function addDoctor(program: Command, wiring: CliWiring): void {
  withFormat(
    program.command('doctor').description('check what a run needs, and say how to mend what is missing'),
  ).action(async (options: FormatOptions) => examine(wiring, options));
}

async function examine(wiring: CliWiring, options: FormatOptions): Promise<void> {
  const config = wiring.config();
  const checks: Check[] = [
    checkNode(process.versions.node),
    await checkDisk(wiring, config),
    await checkStores(wiring, config),
    ...(await checkPorts(config)),
    ...(await checkTemporal(wiring, config)),
    ...(await checkExchange(wiring, config)),
  ];
  const table = textTable<Check>(
    [
      { title: 'check', cell: (row) => row.name },
      { title: 'state', cell: (row) => row.state },
      { title: 'found', cell: (row) => row.detail },
    ],
    checks,
  );
  const mends = checks.filter((row) => row.mend !== null).map((row) => `${row.name}: ${row.mend}\n`);
  print(wiring, options, { text: mends.length === 0 ? table : `${table}\n${mends.join('')}`, json: { checks } });
  if (checks.some((row) => row.state === 'fail')) endWith(EXIT_CODES.failure);
  if (checks.some((row) => row.state === 'unreachable')) endWith(EXIT_CODES.unreachable);
}
