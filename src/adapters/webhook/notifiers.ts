/** The receivers of alerts that are configured, and the heartbeat. */
import { createHmac } from 'node:crypto';
import { PipelineError } from '../../domain/errors';
import type { AlertMessage } from '../../domain/alert-messages';
import type { Clock } from '../../ports/clock';
import type { Heartbeat, Notifier } from '../../ports/notifier';
import { guardedRequest } from './guarded-request';
import type { OutboundPolicy } from './guarded-request';
import { escapeDiscord, escapeSlack, messageText } from './message-text';

export interface ReceiverSettings {
  /** Addresses; null: not configured. */
  readonly discord: string | null;
  readonly slack: string | null;
  readonly webhook: string | null;
  /** Key of the signature of the webhook; null: not signed. */
  readonly webhookSecret: string | null;
  readonly policy: OutboundPolicy;
  readonly clock: Clock;
}

/** Discord takes 2000 characters, Slack more than anyone reads. */
const DISCORD_LIMIT = 1_900;
const SLACK_LIMIT = 3_000;

export function createNotifiers(settings: ReceiverSettings): Notifier[] {
  const { discord, slack, webhook } = settings;
  return [
    ...(discord === null ? [] : [jsonNotifier('discord', discord, settings, discordBody)]),
    ...(slack === null ? [] : [jsonNotifier('slack', slack, settings, slackBody)]),
    ...(webhook === null ? [] : [jsonNotifier('webhook', webhook, settings, webhookBody)]),
  ];
}

/** Null when no address is configured. */
export function createHeartbeat(url: string | null, policy: OutboundPolicy): Heartbeat | null {
  if (url === null) return null;
  return {
    ping: async () => {
      const { status } = await guardedRequest(url, { method: 'GET' }, policy);
      if (status < 200 || status > 299) throw new PipelineError('delivery_failed', `the heartbeat got HTTP ${status}`);
    },
  };
}

function jsonNotifier(
  kind: Notifier['kind'],
  url: string,
  settings: ReceiverSettings,
  bodyOf: (message: AlertMessage) => object,
): Notifier {
  return {
    name: kind,
    kind,
    send: async (message) => {
      const body = JSON.stringify(bodyOf(message));
      const signed = kind === 'webhook' ? signature(body, settings) : {};
      const headers = { 'content-type': 'application/json', 'idempotency-key': message.key, ...signed };
      const { status, retryAfterMs } = await guardedRequest(url, { method: 'POST', headers, body }, settings.policy);
      if (status >= 200 && status <= 299) return 'delivered';
      if (status === 410) return 'gone';
      const context = retryAfterMs === null ? {} : { retryAfterMs };
      throw new PipelineError('delivery_failed', `${kind} answered HTTP ${status}`, context);
    },
  };
}

/** HMAC-SHA256 over `timestamp.body`; the receiver refuses a timestamp older than five minutes (S09). */
function signature(body: string, { webhookSecret, clock }: ReceiverSettings): Record<string, string> {
  if (webhookSecret === null) return {};
  const timestamp = String(Math.floor(clock.now() / 1000));
  const mac = createHmac('sha256', webhookSecret).update(`${timestamp}.${body}`).digest('hex');
  return { 'x-coin-predict-timestamp': timestamp, 'x-coin-predict-signature': `v1=${mac}` };
}

function discordBody(message: AlertMessage): object {
  return { content: messageText(message, escapeDiscord, DISCORD_LIMIT), allowed_mentions: { parse: [] } };
}

function slackBody(message: AlertMessage): object {
  return { text: messageText(message, escapeSlack, SLACK_LIMIT), mrkdwn: false, parse: 'none', link_names: false };
}

function webhookBody({ at, ...message }: AlertMessage): object {
  return { version: '1', at: new Date(at).toISOString(), ...message };
}
