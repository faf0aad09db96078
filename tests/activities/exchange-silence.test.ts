import { ExchangeSilence } from '../../activities/exchange-silence';
import { PipelineError } from '../../src/domain/errors';

const { signal } = new AbortController();
const silent = () => Promise.reject(new PipelineError('exchange_timeout', 'no answer'));

/** What each symbol's question came to: `asked`, or the message of its failure. */
async function askAll(questions: readonly (() => Promise<unknown>)[], serverTime: () => Promise<number>) {
  const silence = new ExchangeSilence({ serverTime });
  let asked = 0;
  for (const question of questions) {
    const counted = () => {
      asked += 1;
      return question();
    };
    await silence.guard(counted, signal).catch(() => {});
  }
  return asked;
}

describe('F25 an exchange that is silent', () => {
  test('is asked for two symbols and its time, and for no further one of the group', async () => {
    const questions = Array.from({ length: 25 }, () => silent);
    expect(await askAll(questions, silent)).toBe(2);
  });

  test('what was not asked for fails with the code of the silence', async () => {
    const silence = new ExchangeSilence({ serverTime: silent });
    for (const ask of [silent, silent]) await expect(silence.guard(ask, signal)).rejects.toThrow('no answer');
    await expect(silence.guard(async () => 1, signal)).rejects.toMatchObject({
      code: 'exchange_timeout',
      message: 'not asked for, since the exchange is silent: no answer',
    });
  });

  test('I17 symbols that are silent alone keep no other from being asked for', async () => {
    const questions = [silent, silent, silent, silent, async () => 1];
    expect(await askAll(questions, async () => 1_700_000_000_000)).toBe(5);
    const apart = [silent, async () => 1, silent, async () => 1, silent];
    expect(await askAll(apart, silent)).toBe(5);
  });

  test('an answer that is wrong is an answer', async () => {
    const wrong = () => Promise.reject(new PipelineError('bad_response', 'HTML'));
    expect(await askAll([wrong, wrong, wrong], silent)).toBe(3);
  });
});
