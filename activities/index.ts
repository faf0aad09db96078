/** The activities of a worker, each bound to the ports it touches. */
import type {
  BackgroundActivities,
  ComputeActivities,
  CycleActivities,
  FillActivities,
  HousekeepingActivities,
  ReconciliationActivities,
  SymbolActivities,
  MonitorActivities,
} from './contract';
import { createRegisterCandidate } from './candidate';
import { createMovePointer, createPlanChange, createRecordRefusal, createSmokeCheck } from './change-champion';
import { createCloseCycle } from './close-cycle';
import { createDeliver, createGiveUp, createWaitingReceivers } from './deliver';
import { createExport } from './export';
import { createFetch } from './fetch';
import { createFillPages, createSettleFill } from './fill';
import { createForecast } from './forecast';
import { createGate } from './gate';
import { createManifest } from './manifest';
import { createHeartbeatActivity, createProbe, createRecommit, createRollUpDay } from './monitor';
import { createObserve } from './observe';
import { createOpenCycle } from './open-cycle';
import { createWriteOpsDocuments } from './ops-documents';
import type { ActivityPorts } from './ports';
import { createPlanReconciliation, createReconcileSymbol } from './reconcile';
import { createFitSymbol, createSearchForRecipe } from './recipe-search';
import { createRepair } from './repair';
import { createReportModels } from './report-models';
import { createRequestCycles } from './request-cycles';
import { createApplyRetention } from './retention';
import { createCheckSymbol, createPlanSymbols, createSettleSymbols } from './symbols';
import { createShadowForecast } from './shadow';
import { createCloseTraining, createPlanTraining, createSnapshotCandles } from './training';
import type {
  ChangeActivities,
  ReportActivities,
  SmokeActivities,
  TrainingActivities,
  TrainingComputations,
} from './training-contract';
import { createWrite } from './write';

/** Everything that is served on the main queue. */
export type MainActivities = CycleActivities &
  FillActivities &
  HousekeepingActivities &
  MonitorActivities &
  ReconciliationActivities &
  TrainingActivities &
  ChangeActivities &
  ReportActivities &
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
    observe: createObserve(ports),
    recommit: createRecommit(ports),
    probe: createProbe(ports),
    writeOpsDocuments: createWriteOpsDocuments(ports),
    heartbeat: createHeartbeatActivity(ports),
    waitingReceivers: createWaitingReceivers(ports),
    deliver: createDeliver(ports),
    giveUp: createGiveUp(ports),
    rollUpDay: createRollUpDay(ports),
    planTraining: createPlanTraining(ports),
    snapshotCandles: createSnapshotCandles(ports),
    registerCandidate: createRegisterCandidate(ports),
    closeTraining: createCloseTraining(ports),
    planChange: createPlanChange(ports),
    movePointer: createMovePointer(ports),
    recordRefusal: createRecordRefusal(ports),
    reportModels: createReportModels(ports),
  };
}

/** Those that need a processor: served on a queue of their own. */
export function createComputeActivities(ports: ActivityPorts): ComputeActivities & SmokeActivities {
  return { forecast: createForecast(ports), smokeCheck: createSmokeCheck(ports) };
}

/** Those that need a processor and may be late: served on a queue that no cycle waits for. */
export function createBackgroundActivities(ports: ActivityPorts): BackgroundActivities & TrainingComputations {
  return {
    shadowForecast: createShadowForecast(ports),
    searchForRecipe: createSearchForRecipe(ports),
    fitSymbol: createFitSymbol(ports),
  };
}
