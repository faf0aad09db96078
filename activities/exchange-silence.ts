/** An exchange that is down is asked a few times, not once for every symbol: a hundred time-outs would outlast the cycle. */
import { PipelineError } from '../src/domain/errors';
import type { ErrorCode } from '../src/domain/errors';
import type { Exchange } from '../src/ports/exchange';

/** No contact at all; every other failure may be of one symbol alone. */
const SILENCE: ReadonlySet<ErrorCode> = new Set(['exchange_unreachable', 'exchange_timeout']);
/** So many symbols in a row without contact, and the exchange is asked for its time. */
const IN_A_ROW = 2;

/** For one group of symbols that are asked for one after the other. */
export class ExchangeSilence {
  #inARow = 0;
  #silence: PipelineError | null = null;

  constructor(private readonly exchange: Pick<Exchange, 'serverTime'>) {}

  /**
   * Asks for one symbol, unless the exchange has been found silent: neither two symbols in a row nor its time (I17: what
   * has to do with some symbols only never keeps the others from being asked for).
   * @throws PipelineError what `ask` throws, or the silence met before.
   */
  async guard<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.#silence !== null) {
      throw new PipelineError(
        this.#silence.code,
        `not asked for, since the exchange is silent: ${this.#silence.message}`,
      );
    }
    try {
      const answer = await ask();
      this.#inARow = 0;
      return answer;
    } catch (error) {
      const silent = error instanceof PipelineError && SILENCE.has(error.code);
      this.#inARow = silent ? this.#inARow + 1 : 0;
      if (silent && this.#inARow >= IN_A_ROW && !(await this.answersAtAll(signal))) this.#silence = error;
      throw error;
    }
  }

  private async answersAtAll(signal: AbortSignal): Promise<boolean> {
    try {
      await this.exchange.serverTime(signal);
      this.#inARow = 0;
      return true;
    } catch {
      signal.throwIfAborted();
      return false;
    }
  }
}
