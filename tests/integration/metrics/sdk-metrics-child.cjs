// Serves the Temporal SDK's own metrics until it is stopped, by the compiled code of the worker.
const { installRuntime } = require('../../../dist/temporal/worker.js');
const { pino } = require('pino');
installRuntime(pino({ level: 'silent' }), process.argv[2]);
const { Runtime } = require('@temporalio/worker');
Runtime.instance();
setInterval(() => {}, 1_000);
console.log('up');
