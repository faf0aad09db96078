/** A message as text for people, safe for the service that shows it (PROOF S13): what is quoted can not mention, link or format. */
import type { AlertMessage } from '../../domain/alert-messages';

const MARKS = { critical: 'CRITICAL', warning: 'WARNING', info: 'INFO' } as const;
// Controls, and the characters that turn the direction of text.
// eslint-disable-next-line no-control-regex -- controls are what it takes out
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+/g;

/** The lines of a message, each made safe by `escape`, within `limit` characters. */
export function messageText(message: AlertMessage, escape: (text: string) => string, limit: number): string {
  const { severity, title, lines, count, runbooks, workflow } = message;
  const more = count > lines.length ? [`and ${count - lines.length} more`] : [];
  const next = runbooks.map((file) => `what to do: docs/runbooks/${file}`);
  const run = workflow === null ? [] : [`workflow: ${workflow.id}${workflow.run === null ? '' : ` ${workflow.run}`}`];
  const parts = [`${MARKS[severity]} ${title}`, ...lines, ...more, ...next, ...run];
  let text = '';
  for (const part of parts) {
    const line = escape(part.replaceAll(UNPRINTABLE, ' '));
    if (text.length + line.length + 1 > limit) break;
    text += text === '' ? line : `\n${line}`;
  }
  return text;
}

/** Markdown of Discord taken literally; the zero-width space keeps addresses from becoming links. */
export function escapeDiscord(text: string): string {
  return text.replaceAll(/[\\`*_~|>#<[\]()@-]/g, '\\$&').replaceAll('://', ':\u200b//');
}

/** Slack's own three escapes, and no formatting. */
export function escapeSlack(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(/[*_~`]/g, '\u200b$&')
    .replaceAll('://', ':\u200b//');
}
