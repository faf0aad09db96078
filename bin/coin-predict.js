#!/usr/bin/env node
'use strict';
const { existsSync } = require('node:fs');
const { join } = require('node:path');

const entry = join(__dirname, '..', 'dist', 'temporal', 'cli.js');
if (existsSync(entry)) {
  void require(entry).run();
} else {
  process.stderr.write('error: coin-predict is not built yet: run "npm run build" (or "npm start") first.\n');
  process.exitCode = 1;
}
