/**
 * Imports point one way (docs/decisions): domain <- ports, config <- adapters, forecasting, ingest, publish, web, cli
 * <- activities <- temporal; workflows see the domain and activity types only. Checked in the test command.
 */
const rooms = {
  'src/domain': [],
  'src/ports': ['src/domain'],
  'src/config': ['src/domain', 'src/ports'],
  'src/market': ['src/domain', 'src/ports'],
  'src/forecasting': ['src/domain', 'src/ports', 'src/config'],
  'src/ingest': ['src/domain', 'src/ports', 'src/config'],
  'src/adapters': ['src/domain', 'src/ports', 'src/config'],
  'src/publish': ['src/domain', 'src/ports', 'src/config', 'src/adapters/files'],
  'src/web': ['src/domain', 'src/ports', 'src/config', 'src/publish', 'src/adapters/files'],
  'src/cli': ['src/domain', 'src/ports', 'src/config', 'src/publish', 'src/forecasting', 'src/ingest', 'src/market'],
  activities: ['src'],
  workflows: ['src/domain', 'activities/contract', 'activities/training-contract'],
};
const room = (name) => `^${name}(/|\\.|$)`;

module.exports = {
  forbidden: [
    ...Object.entries(rooms).map(([from, allowed]) => ({
      name: `${from} sees only ${['itself', ...allowed].join(', ')}`,
      severity: 'error',
      from: { path: room(from) },
      to: { path: '^(src|activities|workflows|temporal)/', pathNot: [from, ...allowed].map(room) },
    })),
    {
      name: 'the domain and the workflows use no library but Temporal',
      severity: 'error',
      from: { path: '^(src/domain|workflows)/' },
      to: { dependencyTypesNot: ['local', 'undetermined'], pathNot: 'node_modules/@temporalio/(workflow|common)/' },
    },
    {
      name: 'the domain does not know Temporal',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '@temporalio/' },
    },
    { name: 'no cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'nothing unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    // The pages are browser modules, linked by scripts/build-page.mjs.
    exclude: { path: '^src/web/(page|ops-page)/' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.json'],
      mainFields: ['main', 'types'],
      exportsFields: ['exports'],
      conditionNames: ['require', 'node', 'default'],
    },
  },
};
