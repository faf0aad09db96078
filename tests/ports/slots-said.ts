import type { Child } from './children/child-process';
import { slot } from './store-fixtures';

/** Slots named by lines of a child such as `ack 100 149`. */
export function slotsSaid(child: Child, word: string): Set<number> {
  const said = child.lines.map((line) => line.split(' ')).filter(([first]) => first === word);
  const slots = new Set<number>();
  for (const [, from, to] of said) for (let each = Number(from); each <= Number(to); each++) slots.add(slot(each));
  return slots;
}
