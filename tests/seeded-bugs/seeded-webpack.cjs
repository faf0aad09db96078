// A loader of webpack that comes before all others: a source with the seeded bugs in it.
const { mutatedSource } = require('./mutated-source.cjs');

module.exports = function seeded(source) {
  return mutatedSource(source, this.resourcePath);
};
