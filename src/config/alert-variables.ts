/** The variables of alerts, heartbeat and availability: a part of the table in variables.ts. */
import { httpUrl, list, number, secretText, secretUrl, whole } from './values';
import type { Variable } from './variable';

const hostAndPort = (text: string): string => {
  if (/^[A-Za-z0-9.-]+:\d{1,5}$/.test(text)) return text.toLowerCase();
  throw new RangeError(`"${text}" is not HOST:PORT.`);
};

export const ALERT_VARIABLES = {
  ALERT_DISCORD_URL: {
    schema: secretUrl(),
    default: null,
    defaultMeaning: 'no alert goes to Discord',
    unit: 'URL',
    meaning: 'Discord webhook that gets alerts.',
    secret: true,
  },
  ALERT_SLACK_URL: {
    schema: secretUrl(),
    default: null,
    defaultMeaning: 'no alert goes to Slack',
    unit: 'URL',
    meaning: 'Slack incoming webhook that gets alerts.',
    secret: true,
  },
  ALERT_WEBHOOK_URL: {
    schema: secretUrl(),
    default: null,
    defaultMeaning: 'no alert goes to a webhook',
    unit: 'URL',
    meaning: 'Any other receiver of alerts: gets them as JSON by POST, with an Idempotency-Key.',
    secret: true,
  },
  ALERT_WEBHOOK_SECRET: {
    schema: secretText(16),
    default: null,
    defaultMeaning: 'not signed',
    unit: 'text',
    meaning: 'Key with which messages to ALERT_WEBHOOK_URL are signed (HMAC-SHA256 over time and body).',
    secret: true,
  },
  ALERT_ALLOWED_HOSTS: {
    schema: list(hostAndPort, 'host'),
    default: null,
    defaultMeaning: 'none: https and public addresses only',
    unit: 'list of host:port',
    meaning:
      'Receivers of alerts, and the host of HEARTBEAT_URL, that may have a private address or plain http, like `alerts.internal:8080`.',
  },
  ALERTS_PER_MINUTE: {
    schema: whole(1, 1000, 'messages'),
    default: '10',
    unit: 'messages',
    meaning: 'Most alert messages a minute; the last one then sums up the rest.',
  },
  HEARTBEAT_URL: {
    schema: secretUrl(),
    default: null,
    defaultMeaning: 'no heartbeat',
    unit: 'URL',
    meaning:
      "Asked by GET after each round of the monitor; the service behind it (a dead man's switch) rings when the calls stop. Its address obeys the rules of receivers: public https, or named in ALERT_ALLOWED_HOSTS.",
    secret: true,
  },
  PROBE_URL: {
    schema: httpUrl(),
    default: null,
    defaultMeaning: 'the web server that "npm start" has started for this folder',
    unit: 'URL',
    meaning: 'Where readers find the documents: asked every minute, as a reader would, to measure availability.',
  },
  SLA_OBJECTIVE: {
    schema: number(0.5, 1, 'parts of one'),
    default: '0.995',
    unit: 'share',
    meaning: 'Promised share of good probes; what is left of it is the error budget.',
  },
} as const satisfies Record<string, Variable>;
