/** S12: what a log line may not be, whatever a symbol, a reason or an error holds. */
import fc from 'fast-check';
import { createLog } from '../../../temporal/log';
import { PipelineError } from '../../../src/domain/errors';

function logged(write: (log: ReturnType<typeof createLog>) => void): string[] {
  const lines: string[] = [];
  write(createLog('debug', 'test', { write: (line) => lines.push(line) }));
  return lines;
}

const NASTY = [
  '\n{"level":60,"msg":"forged"}\n',
  '\r\nlevel=fatal',
  '\u001b[31mred\u001b[0m',
  '\u009b31m',
  '\u0000\u0007\u0008',
  '\u2028\u2029',
  '\u202eevil',
  '"}, "admin": true, {"a":"',
  '\\u000a',
  '\ud800',
];
const text = fc
  .array(fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.constantFrom(...NASTY)))
  .map((parts) => parts.join(''));

/** Controls, C1 included, line separators and marks that turn the direction of a text. */
const isControl = (letter: string): boolean =>
  letter.charCodeAt(0) < 32 || /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/.test(letter);

test('S12 any text in any field is exactly one line, and JSON gives it back', () => {
  fc.assert(
    fc.property(text, text, text, (symbol, message, key) => {
      const fields = { pair: `${symbol} 1h`, error: message, nested: { [`k${key}`]: [message] } };
      const lines = logged((log) => {
        log.warn(fields, message);
        log.error({ err: new PipelineError('internal', message) }, 'failed');
      });
      expect(lines).toHaveLength(2);
      for (const line of lines) {
        expect(line.endsWith('\n')).toBe(true);
        expect(line.slice(0, -1).split('').some(isControl)).toBe(false);
      }
      const [first = '', second = ''] = lines;
      const read = JSON.parse(first) as { pair: string; error: string; msg: string; nested: object; level: number };
      expect(read).toMatchObject({ level: 40, name: 'test', pair: `${symbol} 1h`, error: message });
      expect(read.msg).toBe(message);
      expect((JSON.parse(second) as { err: { message: string } }).err.message).toContain(message);
    }),
    { numRuns: Number(process.env.FC_RUNS ?? 500) },
  );
});

test('S12 a line is cut where an error quotes an answer of any size, and stays JSON with its level and message', () => {
  for (const fields of [
    { error: 'x'.repeat(1_000_000) },
    { error: '"\\\n'.repeat(300_000) },
    { list: Array.from({ length: 5_000 }, (_, k) => `entry ${k} ${'y'.repeat(50)}`) },
  ]) {
    const [line = ''] = logged((log) => log.error(fields, 'the exchange answered'));
    expect(line.length).toBeLessThan(64_100);
    expect(line.indexOf('\n')).toBe(line.length - 1);
    expect(JSON.parse(line)).toMatchObject({ level: 50, name: 'test', msg: 'the exchange answered', cut: true });
  }
  const [line = ''] = logged((log) => log.error({}, 'z'.repeat(1_000_000)));
  expect(line.length).toBeLessThan(64_100);
  expect(JSON.parse(line)).toMatchObject({ cut: true });
});
