/** One project; real servers are started once by tests/environment (see tests/README.md). */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/tests'],
  testMatch: ['**/*.test.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        // ccxt and augurs are ES modules: import() must reach Node untouched.
        module: { type: 'commonjs', ignoreDynamic: true },
        jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
        sourceMaps: 'inline',
      },
    ],
  },
  testTimeout: 60_000,
  maxWorkers: 2,
  // Files leave memory behind; collecting it again and again made those that allocate much ten times as slow.
  workerIdleMemoryLimit: '512MB',
};
