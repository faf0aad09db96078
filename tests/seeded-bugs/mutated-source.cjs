// Source text with the seeded bugs of this process in it. SEEDED_BUGS is [{file, text, instead}, …] as JSON, or absent;
// SEEDED_BUGS_MET is a file to which each one is written when its source is loaded.
const { appendFileSync } = require('node:fs');
const { join, resolve } = require('node:path');

const root = resolve(__dirname, '..', '..');
const bugs = JSON.parse(process.env.SEEDED_BUGS ?? '[]');

/** Throws when a text to replace is not there exactly once: a bug that can not be put in would prove nothing. */
exports.mutatedSource = (source, file) => {
  let mutated = source;
  for (const bug of bugs.filter(({ file: name }) => join(root, name) === file)) {
    const parts = mutated.split(bug.text);
    if (parts.length !== 2) throw new Error(`${bug.file} holds ${parts.length - 1} times: ${bug.text}`);
    // A bug in a source that nothing loads is never met: who started this process counts these lines.
    appendFileSync(process.env.SEEDED_BUGS_MET, `${bug.file} ${JSON.stringify(bug.text)}\n`);
    mutated = parts.join(bug.instead);
  }
  return mutated;
};
exports.seededBugs = bugs;
