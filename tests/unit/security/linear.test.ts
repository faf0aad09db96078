/** S16: whatever reads text from outside takes time in proportion to it: 100 KB made to hurt, each parser, at once. */
import { pauseAfterBan, pauseAfterOverload } from '../../../src/adapters/ccxt/retry-after';
import { isPublicAddress } from '../../../src/adapters/webhook/public-address';
import { isTimeframe } from '../../../src/domain/timeframe';
import { isSymbol } from '../../../src/domain/types';
import { isCanonicalName } from '../../../src/publish/canonical-name';
import { allowedEncoding, matchesTag } from '../../../src/web/content';
import { readStatusQuestion, readSymbolName } from '../../../src/web/status-answer';

const SIZE = 100_000;
const LIMIT_MS = 500;
const times = (text: string) => text.repeat(Math.ceil(SIZE / text.length));
const HURTFUL = [
  'A',
  'A/',
  '1',
  ' ',
  ',',
  ';',
  ',;q=0',
  'gzip;q=0.',
  '"',
  'W/"',
  '_',
  '%2F',
  '\\',
  '.',
  ':',
  '::',
  '\t ',
  'é',
  '(',
  '0.',
].flatMap((piece) => [times(piece), `${times(piece)}!`, `A${times(piece)}/USDT`]);

const PARSERS: readonly (readonly [string, (text: string) => unknown])[] = [
  ['symbol', isSymbol],
  ['timeframe', isTimeframe],
  ['document name', isCanonicalName],
  ['symbol of an address', readSymbolName],
  ['status question', (text) => readStatusQuestion(text, { timeframe: text })],
  ['Accept-Encoding', allowedEncoding],
  ['If-None-Match', (text) => matchesTag(text, '"a"')],
  ['Retry-After', (text) => pauseAfterOverload(text, 0)],
  ['ban', (text) => pauseAfterBan(text, text, 0)],
  ['address', isPublicAddress],
];
test.each(PARSERS)('S16 %s', (_name, parse) => {
  for (const text of HURTFUL) {
    // 50 ms on a quiet machine; a pattern that is not linear takes seconds or more, each time.
    let took = Number.POSITIVE_INFINITY;
    for (let time = 0; time < 3 && took > LIMIT_MS; time++) {
      const started = performance.now();
      parse(text);
      took = Math.min(took, performance.now() - started);
    }
    expect([text.slice(0, 12), took <= LIMIT_MS]).toEqual([text.slice(0, 12), true]);
  }
});
