// Lets a process run the TypeScript sources as they are but for the seeded bug: `node -r seeded-loader.cjs child.ts`.
const { readFileSync } = require('node:fs');
const { transformSync } = require('@swc/core');
const { mutatedSource } = require('./mutated-source.cjs');

const options = {
  module: { type: 'commonjs', ignoreDynamic: true },
  jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
};

require.extensions['.ts'] = (module, file) => {
  const { code } = transformSync(mutatedSource(readFileSync(file, 'utf8'), file), { ...options, filename: file });
  // oxlint-disable-next-line no-underscore-dangle -- the name is Node's
  module._compile(code, file);
};
