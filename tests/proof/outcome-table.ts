/**
 * The end of every proof: which fault fired how often and what came of it. A fault that never fired proves nothing, so
 * it fails the run (PROOF 6, rule 1).
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** `PROOF=full` is what `npm run proof:*` sets; otherwise the short form that fits into the tests. */
export const FULL_PROOF = process.env.PROOF === 'full';

const FOLDER = join(__dirname, '..', '..', 'test-output', 'proof');

export interface OutcomeTable {
  /** Counts one firing of a declared fault with what came of it, in a few words. */
  fired(fault: string, outcome: string, times?: number): void;
  /** Writes `test-output/proof/NAME.txt` and gives the faults that never fired: expect it to be empty. */
  finish(): readonly string[];
}

/**
 * `faults`: every fault the proof promises to fire. One that is fired without being declared throws. `seed`: what its
 * moments are drawn from.
 */
export function outcomeTable(name: string, faults: readonly string[], seed?: string): OutcomeTable {
  const counts = new Map(faults.map((fault) => [fault, new Map<string, number>()]));
  return {
    fired: (fault, outcome, times = 1) => {
      const outcomes = counts.get(fault);
      if (outcomes === undefined) throw new Error(`"${fault}" is not among the declared faults of ${name}`);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + times);
    },
    finish: () => {
      writeTable(name, seed === undefined ? render(counts) : `${render(counts)}\nPROOF_SEED=${seed}`);
      return [...counts].filter(([, outcomes]) => outcomes.size === 0).map(([fault]) => fault);
    },
  };
}

/** Writes `test-output/proof/NAME.txt`, which `npm run proof:*` prints at its end. */
export function writeTable(name: string, lines: string): void {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, `${name}.txt`), `${name} (${FULL_PROOF ? 'full' : 'short'} form)\n${lines}\n`);
}

function render(counts: ReadonlyMap<string, ReadonlyMap<string, number>>): string {
  const rows = [...counts].flatMap(([fault, outcomes]) =>
    outcomes.size === 0
      ? [[fault, '0', 'NEVER FIRED']]
      : [...outcomes].map(([outcome, n]) => [fault, String(n), outcome]),
  );
  const table = [['fault', 'fired', 'outcome'], ...rows];
  const widths = [0, 1].map((column) => Math.max(...table.map((row) => (row[column] ?? '').length)));
  const lines = table.map(
    ([fault = '', fired = '', outcome = '']) =>
      `${fault.padEnd(widths[0] ?? 0)}  ${fired.padStart(widths[1] ?? 0)}  ${outcome}`,
  );
  return lines.join('\n');
}
