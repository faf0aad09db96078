/** A message as text for people, safe for the service that shows it (PROOF S13): what is quoted can not mention, link or format. */
import type { AlertMessage } from '../../domain/alert-messages';

const MARKS = { critical: 'CRITICAL', warning: 'WARNING', info: 'INFO' } as const;
// Controls, and the characters that turn the direction of text.
// eslint-disable-next-line no-control-regex -- controls are what it takes out
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+/g;

/**
 * The lines of a message, each made safe by `escape`, within `limit` characters. What to do and where to look come with each
 * message (SPEC 8): where not all fits, lines of events make room and are counted.
 */
export function messageText(message: AlertMessage, escape: (text: string) => string, limit: number): string {
  const { severity, title, lines, count, runbooks, workflow } = message;
  const safe = (part: string): string => escape(part.replaceAll(UNPRINTABLE, ' '));
  const next = runbooks.map((file) => `what to do: docs/runbooks/${file}`);
  const run = workflow === null ? [] : [`workflow: ${workflow.id}${workflow.run === null ? '' : ` ${workflow.run}`}`];
  const textWith = (shown: number): string => {
    const more = count > shown ? [`and ${count - shown} more`] : [];
    return [`${MARKS[severity]} ${title}`, ...lines.slice(0, shown), ...more, ...next, ...run].map(safe).join('\n');
  };
  let shown = lines.length;
  while (shown > 0 && textWith(shown).length > limit) shown--;
  return fitting(textWith(shown), limit);
}

/** Whole lines, as many as fit: only a summary of very many kinds is longer without its events. */
function fitting(text: string, limit: number): string {
  return text.length <= limit ? text : text.slice(0, text.lastIndexOf('\n', limit));
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
