// '@temporalio/worker' to the tests of a seeded bug: the workflows it bundles from their sources have the bugs too.
const worker = require('../../node_modules/@temporalio/worker');

const loader = { test: /\.ts$/, enforce: 'pre', use: require.resolve('./seeded-webpack.cjs') };

module.exports = {
  ...worker,
  bundleWorkflowCode: (options) =>
    worker.bundleWorkflowCode({
      ...options,
      webpackConfigHook: (config) => ({
        ...config,
        module: { ...config.module, rules: [...config.module.rules, loader] },
      }),
    }),
};
