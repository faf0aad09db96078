/** One test of the ordinary ones against sources with a seeded bug in them. */
const { join } = require('node:path');
const usual = require('../../jest.config.cjs');

const [[pattern, [, options]]] = Object.entries(usual.transform);
module.exports = {
  ...usual,
  rootDir: join(__dirname, '..', '..'),
  // Workflows are no modules of Jest: the worker's bundler reads their sources.
  moduleNameMapper: { '^@temporalio/worker$': join(__dirname, 'seeded-worker.cjs') },
  transform: { [pattern]: [join(__dirname, 'seeded-transform.cjs'), options] },
};
