/** One test of the ordinary ones against sources with a seeded bug in them. */
const { join } = require('node:path');
const usual = require('../../jest.config.cjs');

const [[pattern, [, options]]] = Object.entries(usual.transform);
module.exports = {
  ...usual,
  rootDir: join(__dirname, '..', '..'),
  transform: { [pattern]: [join(__dirname, 'seeded-transform.cjs'), options] },
};
