import { defineSignal } from '@temporalio/workflow';

/** A request to a running cycle to go round again, with the reason: data or readiness changed meanwhile. */
export const againSignal = defineSignal<[string]>('again');
