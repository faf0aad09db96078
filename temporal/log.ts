/** The log of our processes: one event, one line, one JSON object, whatever a symbol or an error text holds (S12). */
import type { pino as Pino, DestinationStream, Logger } from 'pino';

/** Characters of one text in a line, and of a whole line: an error can quote an answer of any size. */
const LONGEST_TEXT = 8_000;
const LONGEST_LINE = 64_000;

/** @param destination absent: stderr */
export function createLog(level: string, name: string, destination?: DestinationStream): Logger {
  // Loaded when a verb asks for it, so that `--help` does not.
  const { pino } = require('pino') as { pino: typeof Pino };
  return pino(
    {
      name,
      level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      hooks: { streamWrite: safeLine },
    },
    destination ?? pino.destination(2),
  );
}

/** JSON escapes C0 controls; what a terminal or a log reader may obey besides is escaped here. */
function safeLine(line: string): string {
  const short = line.length > LONGEST_LINE ? cut(line) : line;
  return short.replaceAll(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function cut(line: string): string {
  const event = JSON.parse(line, (_key, value: unknown) =>
    typeof value === 'string' && value.length > LONGEST_TEXT ? `${value.slice(0, LONGEST_TEXT)}…` : value,
  ) as Record<string, unknown>;
  const text = JSON.stringify({ ...event, cut: true });
  if (text.length <= LONGEST_LINE) return `${text}\n`;
  const { level, time, pid, name, msg } = event;
  return `${JSON.stringify({ level, time, pid, name, msg, cut: true })}\n`;
}
