import type { AlertMessage } from '../domain/alert-messages';

/** One receiver of alerts. */
export interface Notifier {
  /** Its name in the state store and in messages; never its address, which can hold a secret. */
  readonly name: string;
  readonly kind: 'discord' | 'slack' | 'webhook';
  /**
   * Sends and waits for the answer; `gone` when the receiver says that it does not exist any more (410).
   * @throws PipelineError `delivery_failed`, whose message names neither address nor key; then try again.
   */
  send(message: AlertMessage): Promise<'delivered' | 'gone'>;
}

/** Someone outside who rings when we fall silent (I53). */
export interface Heartbeat {
  /** @throws PipelineError `delivery_failed` */
  ping(): Promise<void>;
}
