/**
 * Decides the invariants of a deployment from outside: it reads the market's truth, the database files by SQL of its own
 * and the published files, and shares no code with what it judges. `tried` tells how many facts each rule was tried
 * on: a rule that was tried on none has proved nothing, see `unproved`.
 *
 *     const report = check({ folder: 'data/simulated', truth: truthOfFiles('candles') });
 *     expect(report.breaches).toEqual([]);
 *     expect(unproved(report, ['I60 ban'])).toEqual([]);
 */
import { join } from 'node:path';
import { candleRows, checkComplete, endedRuns, readCandles } from './candles';
import { openDatabaseFile } from './database-file';
import type { Row } from './database-file';
import { checkObjects } from './documents';
import { Findings } from './findings';
import type { CheckReport } from './findings';
import { checkForecasts, checkScores, closesByEnd, readForecasts } from './forecasts';
import { checkGaps, readGaps } from './gaps';
import { checkManifests } from './manifests';
import type { Truth } from './market-truth';
import { checkRequests } from './requests';
import type { MarketRequest } from './requests';
import { checkBoundaries, checkRuns } from './runs';
import { checkUserPlane } from './user-plane';

export interface CheckInput {
  /** Folder of one source: candles.db, state.db, public/. Nothing may be writing there. */
  readonly folder: string;
  /** Rows like those of candles.db, where the candles are in another store. */
  readonly candles?: readonly Row[];
  readonly truth: Truth;
  /** Requests as the market logged them, oldest first, where they were kept. */
  readonly requests?: readonly MarketRequest[];
}

/** The rules of candles and gaps alone, where nothing has been forecast or published. */
export function checkStore({ folder, truth, candles }: Omit<CheckInput, 'requests'>): CheckReport {
  const findings = new Findings();
  const rows = candles ?? candleRows(folder);
  const state = openDatabaseFile(join(folder, 'state.db'));
  try {
    checkGaps(findings, readCandles(findings, truth, rows), readGaps(state), truth);
  } finally {
    state.close();
  }
  return findings;
}

export function check({ folder, truth, candles, requests = [] }: CheckInput): CheckReport {
  const findings = new Findings();
  const rows = candles ?? candleRows(folder);
  const state = openDatabaseFile(join(folder, 'state.db'));
  try {
    const stored = readCandles(findings, truth, rows);
    const gaps = readGaps(state);
    checkGaps(findings, stored, gaps, truth, endedRuns(state));
    checkComplete(findings, stored, truth, state);
    checkRuns(findings, state);
    checkBoundaries(findings, state, { stored, gaps, truth });
    const closes = closesByEnd(stored);
    const forecasts = readForecasts(state);
    checkForecasts(findings, state, forecasts, closes);
    const scores = checkScores(findings, state, forecasts, closes);
    const publicDir = join(folder, 'public');
    const objects = checkObjects(findings, publicDir, state, { stored, forecasts });
    const manifests = checkManifests(findings, publicDir, state, objects);
    checkUserPlane(findings, manifests, { state, stored, scores, objects });
    checkRequests(findings, requests);
  } finally {
    state.close();
  }
  return findings;
}
