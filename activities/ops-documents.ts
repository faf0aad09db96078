/** `alerts.json` and `sla.json` of the operations page, from what the monitor keeps. */
import { EVENT_TABLE } from '../src/domain/event';
import type { Event } from '../src/domain/event';
import { pairOfKey } from '../src/domain/monitor-memory';
import type { FiringAlert as Firing } from '../src/domain/monitor-memory';
import { errorBudget, slaFigures } from '../src/domain/sla';
import type { SlaFigures } from '../src/domain/sla';
import { DAY, lastBoundary, parseTimeframe } from '../src/domain/timeframe';
import type { EpochMs } from '../src/domain/types';
import type { ToldEvent } from '../src/ports/alert-outbox';
import { firingNow } from '../src/ports/firing';
import type { SlaDay } from '../src/ports/monitor-store';
import { canonicalDocument, isoTime } from '../src/publish/canonical-json';
import { alertsDocumentSchema, OPS_DOCUMENT_VERSION, slaDocumentSchema } from '../src/web/ops-documents';
import type { AlertsDocument, SlaDocument } from '../src/web/ops-documents';
import type { ActivityPorts } from './ports';
import { slaEvents } from './sla-events';
import { guarded } from './stage';

type FiringAlert = AlertsDocument['firing'][number];

/** Alerts that ended are shown for this long, the newest of them. */
const PAST_MS = 7 * DAY;
const PAST_SHOWN = 100;
/** Events looked through for alerts that ended. */
const EVENTS_READ = 5_000;
const SLA_DAYS = 30;

export function createWriteOpsDocuments(ports: ActivityPorts) {
  return ({ asOf }: { readonly asOf: EpochMs }): Promise<void> =>
    guarded(async () => {
      const alerts = canonicalDocument(alertsDocumentSchema, await alertsDocument(ports, asOf));
      await ports.opsDocuments.write('alerts.json', alerts);
      const sla = canonicalDocument(slaDocumentSchema, await slaDocument(ports, asOf));
      await ports.opsDocuments.write('sla.json', sla);
    });
}

async function alertsDocument(ports: ActivityPorts, asOf: EpochMs): Promise<AlertsDocument> {
  const last = await ports.monitor.last();
  const told = await ports.outbox.events(asOf - PAST_MS, EVENTS_READ);
  const mute = await ports.outbox.lastMute();
  const firing: FiringAlert[] = [];
  for (const alert of await firingNow(ports, last?.memory ?? null)) {
    const shown = await firingAlert(ports, alert);
    if (shown !== null) firing.push(shown);
  }
  return {
    version: OPS_DOCUMENT_VERSION,
    generated_at: isoTime(asOf),
    monitored_at: last === null ? null : isoTime(last.asOf),
    mute: mute !== null && mute.until > asOf ? { until: isoTime(mute.until), reason: mute.reason } : null,
    firing,
    past: pastAlerts(told, new Set(firing.map(({ key }) => key))),
    receivers: await receivers(ports),
  };
}

/** What holds now, with what was told of it. */
async function firingAlert(ports: ActivityPorts, { key, kind, pairKey, since }: Firing): Promise<FiringAlert | null> {
  const told = await ports.outbox.told(key);
  const begin = told?.first.since ?? since;
  if (begin === null) return null;
  const newest = told?.newest.event ?? null;
  const { severity, runbook } = EVENT_TABLE[newest?.kind ?? kind];
  return {
    key,
    event: newest?.kind ?? kind,
    severity: newest?.severity ?? severity,
    pairs: pairKey === null ? [] : [pairOfKey(pairKey)],
    detail: newest === null ? key : detailOf(newest),
    since: isoTime(begin),
    notified: told?.messages ?? 0,
    last_notified_at: told === null || told.lastMessageAt === null ? null : isoTime(told.lastMessageAt),
    delivery: told?.newest.delivery ?? 'pending',
    runbook,
    workflow: newest?.workflow ?? null,
  };
}

/** Messages sent for an alert, and what became of the newest. */
function notified(own: readonly ToldEvent[]): Pick<FiringAlert, 'notified' | 'last_notified_at' | 'delivery'> {
  const messages = own.filter(({ messageKey, delivery }) => messageKey !== null && delivery !== 'muted');
  return {
    notified: new Set(messages.map(({ messageKey }) => messageKey)).size,
    last_notified_at: messages[0] === undefined ? null : isoTime(messages[0].event.at),
    delivery: own[0]?.delivery ?? 'pending',
  };
}

/** Alerts that ended, and events that only happened, newest first. */
function pastAlerts(told: readonly ToldEvent[], firing: ReadonlySet<string>): AlertsDocument['past'] {
  const over = told.filter(
    ({ event }) => (event.ends !== null && !firing.has(event.ends)) || EVENT_TABLE[event.kind].phase === 'happens',
  );
  return over.slice(0, PAST_SHOWN).map(({ event }) => {
    const key = event.ends ?? event.key;
    const own = told.filter((one) => one.event.alert === key && one.event.ends !== key);
    const first = own.at(-1)?.event ?? event;
    const { runbook } = EVENT_TABLE[first.kind];
    return {
      key,
      event: first.kind,
      severity: first.severity,
      pairs: pairsOf(first),
      detail: detailOf(first),
      since: isoTime(first.since),
      ...notified(own),
      runbook,
      workflow: first.workflow,
      ended_at: isoTime(event.at),
    };
  });
}

/** What is about a symbol, and not about one of its pairs, names it here. */
function detailOf({ symbol, timeframe, detail }: Event): string {
  return symbol !== null && timeframe === null ? `${symbol}: ${detail}` : detail;
}

function pairsOf({ symbol, timeframe }: Event): FiringAlert['pairs'] {
  return symbol === null || timeframe === null ? [] : [{ symbol, timeframe }];
}

async function receivers(ports: ActivityPorts): Promise<AlertsDocument['receivers']> {
  const records = new Map((await ports.outbox.receivers()).map((record) => [record.name, record]));
  const pending = await ports.outbox.pendingCounts();
  return ports.notifiers.map(({ name, kind }) => {
    const record = records.get(name);
    const { disabledAt = null, lastSuccessAt = null, lastFailureAt = null } = record ?? {};
    const failing = (lastFailureAt ?? 0) > (lastSuccessAt ?? 0);
    return {
      name,
      kind,
      state: disabledAt !== null ? 'disabled' : failing ? 'failing' : 'ok',
      pending: pending.get(name) ?? 0,
      last_success_at: lastSuccessAt === null ? null : isoTime(lastSuccessAt),
    };
  });
}

async function slaDocument(ports: ActivityPorts, asOf: EpochMs): Promise<SlaDocument> {
  const from = asOf - SLA_DAYS * DAY;
  const probes = await ports.monitor.probes(from, asOf + 1);
  const counts = {
    probes: probes.reduce((sum, round) => sum + round.probes, 0),
    good: probes.reduce((sum, round) => sum + round.good, 0),
  };
  const figures = slaFigures(counts, await slaEvents(ports.outbox, from, asOf + 1));
  const budget = errorBudget(counts, ports.settings.slaObjective);
  const days = await ports.monitor.days(SLA_DAYS);
  return {
    version: OPS_DOCUMENT_VERSION,
    generated_at: isoTime(asOf),
    objective: ports.settings.slaObjective,
    window: { from: isoTime(from), to: isoTime(asOf), ...figuresJson(figures) },
    error_budget:
      budget === null
        ? null
        : { allowed_bad_probes: budget.allowedBad, bad_probes: budget.bad, remaining: budget.remaining },
    days: days.map((day) => ({ day: day.day, ...figuresJson(day.figures) })),
    review: weeklyReview(days, asOf),
  };
}

function figuresJson(figures: SlaFigures) {
  return {
    probes: figures.probes,
    good_probes: figures.goodProbes,
    availability: figures.availability,
    unhealthy_transitions: figures.unhealthyTransitions,
    undelivered_transitions: figures.undeliveredTransitions,
    alert_miss_rate: figures.alertMissRate,
    recoveries: figures.recoveries,
    mttr_stale_minutes: figures.mttrStaleMinutes,
  };
}

/** The week (Monday to Sunday) that ended last, in sentences; null when none of its days was measured. */
function weeklyReview(days: readonly SlaDay[], asOf: EpochMs): SlaDocument['review'] {
  const end = lastBoundary(parseTimeframe('1w'), asOf);
  const start = new Date(end - 7 * DAY).toISOString().slice(0, 10);
  const week = days.filter(({ day }) => day >= start && day < new Date(end).toISOString().slice(0, 10));
  if (week.length === 0) return null;
  const total = (pick: (figures: SlaFigures) => number) => week.reduce((sum, { figures }) => sum + pick(figures), 0);
  const probes = total(({ probes }) => probes);
  const good = total(({ goodProbes }) => goodProbes);
  const worst = week
    .filter(({ figures }) => figures.availability !== null)
    .toSorted((a, b) => (a.figures.availability ?? 1) - (b.figures.availability ?? 1))[0];
  const percent = (value: number) => `${(100 * value).toFixed(2)} %`;
  return {
    week_start: start,
    sentences: [
      probes === 0
        ? 'No probe was made.'
        : `${percent(good / probes)} of ${probes} probes were good, on ${week.length} measured days.`,
      ...(worst?.figures.availability == null
        ? []
        : [`The worst day was ${worst.day} with ${percent(worst.figures.availability)}.`]),
      `${total(({ unhealthyTransitions }) => unhealthyTransitions)} times a pair stopped being served, ${total(
        ({ undeliveredTransitions }) => undeliveredTransitions,
      )} of them without an alert that arrived.`,
      `${total(({ recoveries }) => recoveries)} pairs recovered from being too old.`,
    ],
  };
}
