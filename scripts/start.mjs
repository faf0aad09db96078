// npm start: install what is missing, build, run everything.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build } from './build.mjs';
import { checkNode, ensureInstalled, root } from './install.mjs';

checkNode();
ensureInstalled();
build();
const require = createRequire(import.meta.url);
const { main } = require(join(root, 'dist', 'temporal', 'cli.js'));
process.exitCode = await main(['up', ...process.argv.slice(2)]);
