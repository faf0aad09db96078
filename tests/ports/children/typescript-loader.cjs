// Lets a child process of a test run the TypeScript sources as they are: `node -r typescript-loader.cjs child.ts`.
const { transformFileSync } = require('@swc/core');

const options = { module: { type: 'commonjs' }, jsc: { target: 'es2022', parser: { syntax: 'typescript' } } };

require.extensions['.ts'] = (module, file) => {
  // oxlint-disable-next-line no-underscore-dangle -- the name is Node's
  module._compile(transformFileSync(file, options).code, file);
};
