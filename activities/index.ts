/** The activities of a worker, each bound to the ports it touches. */
import type {
  ComputeActivities,
  CycleActivities,
  FillActivities,
  HousekeepingActivities,
  ReconciliationActivities,
  SymbolActivities,
} from './contract';
import { createCloseCycle } from './close-cycle';
import { createExport } from './export';
import { createFetch } from './fetch';
import { createFillPages, createSettleFill } from './fill';
import { createForecast } from './forecast';
import { createGate } from './gate';
import { createManifest } from './manifest';
import { createOpenCycle } from './open-cycle';
import type { ActivityPorts } from './ports';
import { createPlanReconciliation, createReconcileSymbol } from './reconcile';
import { createRepair } from './repair';
import { createRequestCycles } from './request-cycles';
import { createApplyRetention } from './retention';
import { createCheckSymbol, createPlanSymbols, createSettleSymbols } from './symbols';
import { createWrite } from './write';

/** Everything that is served on the main queue. */
export type MainActivities = CycleActivities &
  FillActivities &
  HousekeepingActivities &
  ReconciliationActivities &
  SymbolActivities;

export function createActivities(ports: ActivityPorts): MainActivities {
  return {
    openCycle: createOpenCycle(ports),
    fetch: createFetch(ports),
    write: createWrite(ports),
    repair: createRepair(ports),
    gate: createGate(ports),
    export: createExport(ports),
    manifest: createManifest(ports),
    closeCycle: createCloseCycle(ports),
    requestCycles: createRequestCycles(ports),
    fillPages: createFillPages(ports),
    settleFill: createSettleFill(ports),
    applyRetention: createApplyRetention(ports),
    planReconciliation: createPlanReconciliation(ports),
    reconcileSymbol: createReconcileSymbol(ports),
    planSymbols: createPlanSymbols(ports),
    checkSymbol: createCheckSymbol(ports),
    settleSymbols: createSettleSymbols(ports),
  };
}

/** Those that need a processor: served on a queue of their own. */
export function createComputeActivities(ports: ActivityPorts): ComputeActivities {
  return { forecast: createForecast(ports) };
}
