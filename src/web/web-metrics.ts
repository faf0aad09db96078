/** What the web process counts about itself and what it serves, for Prometheus. Labels are bounded: no path, no pair. */
import type { FastifyInstance } from 'fastify';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { PAIR_STATUSES } from '../domain/status';
import type { PairStatus, StatusVerdict } from '../domain/status';
import { judgingTime } from '../publish/documents';
import { judgeEntry } from './entry-status';
import type { Snapshot } from './published-folder';

export interface WebMetrics {
  readonly contentType: string;
  /** Counts the requests that this server answers. */
  count(app: FastifyInstance): void;
  /** An answer was given again without routing. */
  repeated(): void;
  /** A request was refused because too many came at once. */
  shed(): void;
  /** Text format 0.0.4, with the state of what is published at `now`. */
  text(snapshot: Snapshot | null, now: number): Promise<string>;
}

/** Seconds; documents come out of memory, so most answers take about a millisecond. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5];

/** @param ofProcess also measure the process itself: once a process */
export function createWebMetrics(ofProcess: boolean): WebMetrics {
  const register = new Registry();
  const registers = [register];
  if (ofProcess) collectDefaultMetrics({ register });
  const duration = new Histogram({
    name: 'coin_predict_http_request_duration_seconds',
    help: 'Time from a request to the end of its answer, where it was routed.',
    labelNames: ['audience', 'method', 'route', 'status'] as const,
    buckets: BUCKETS,
    registers,
  });
  const repeats = new Counter({
    name: 'coin_predict_http_repeated_answers_total',
    help: 'Answers of the public server that were given again from memory, without routing.',
    registers,
  });
  const sheds = new Counter({
    name: 'coin_predict_http_shed_requests_total',
    help: 'Requests that were refused with 503 because more came at once than can be answered.',
    registers,
  });
  const show = publishedGauges(registers);
  return {
    contentType: register.contentType,
    count: (app) => {
      app.addHook('onResponse', async (request, reply) => {
        const route = request.routeOptions.url ?? 'none';
        const method = request.method === 'GET' || request.method === 'HEAD' ? request.method : 'other';
        const labels = { audience: app.audience, method, route, status: String(reply.statusCode) };
        duration.observe(labels, reply.elapsedTime / 1000);
      });
    },
    repeated: () => repeats.inc(),
    shed: () => sheds.inc(),
    text: async (snapshot, now) => {
      show(snapshot, now);
      return register.metrics();
    },
  };
}

function publishedGauges(registers: Registry[]): (snapshot: Snapshot | null, now: number) => void {
  const gauge = (name: string, help: string): Gauge => new Gauge({ name: `coin_predict_${name}`, help, registers });
  const generation = gauge('manifest_generation', 'Generation of the manifest that is served.');
  const age = gauge('manifest_age_seconds', 'Time since the manifest was written.');
  const late = gauge('manifest_late', '1 when the manifest is past its time: the publisher is late.');
  const valid = gauge('manifest_valid', '1 when the manifest on disk is valid.');
  const degraded = gauge('pairs_degraded', 'Pairs that serve an older forecast because the last run failed.');
  const help = 'Visible pairs by status, judged now; blocked: fresh or stale, and not served all the same.';
  const pairs = new Gauge({ name: 'coin_predict_pairs', help, labelNames: ['status'] as const, registers });
  return (snapshot, now) => {
    const verdicts = snapshot?.manifest.entries.map((entry) => judgeEntry(entry, now, 'ok')) ?? [];
    generation.set(snapshot?.manifest.generation ?? 0);
    for (const status of [...PAIR_STATUSES, 'blocked'] as const) {
      pairs.set({ status }, verdicts.filter((verdict) => countedAs(verdict) === status).length);
    }
    if (snapshot === null) {
      // Without a manifest there is no age, which is not the same as an age of 0.
      for (const one of [age, late, valid, degraded]) one.remove({});
      return;
    }
    const { manifest, lastGood } = snapshot;
    age.set((now - Date.parse(judgingTime(manifest))) / 1000);
    late.set(now > Date.parse(manifest.expires_at) ? 1 : 0);
    valid.set(lastGood ? 0 : 1);
    degraded.set(verdicts.filter((verdict) => verdict.degraded).length);
  };
}

/** The word of a pair that is not served although its data is recent enough would hide that. */
function countedAs({ status, serveAllowed }: StatusVerdict): PairStatus | 'blocked' {
  return !serveAllowed && (status === 'fresh' || status === 'stale') ? 'blocked' : status;
}
