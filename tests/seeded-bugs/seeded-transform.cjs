// Jest's usual transform, of sources with the seeded bugs in them.
const { createHash } = require('node:crypto');
const { createTransformer } = require('@swc/jest');
const { mutatedSource, seededBugs } = require('./mutated-source.cjs');

module.exports = {
  createTransformer: (options) => {
    const usual = createTransformer(options);
    return {
      ...usual,
      process: (source, file, jest) => usual.process(mutatedSource(source, file), file, jest),
      // What one bug has compiled must never be met by another run.
      getCacheKey: (source, file, jest) =>
        createHash('sha256')
          .update(`${JSON.stringify(seededBugs)} ${usual.getCacheKey(source, file, jest)}`)
          .digest('hex'),
    };
  },
};
