/** One line for each case of a full proof as it ends: the files of a proof last an hour, and jest tells of whole files. */
module.exports = class {
  started = Date.now();
  done = 0;

  onTestCaseResult(_, { status, fullName, duration, failureMessages }) {
    this.done++;
    const minutes = ((Date.now() - this.started) / 60_000).toFixed(1);
    const seconds = ((duration ?? 0) / 1000).toFixed(1);
    process.stderr.write(`[${minutes} min] ${this.done}. ${status} in ${seconds} s: ${fullName}\n`);
    for (const message of failureMessages) process.stderr.write(`${message}\n`);
  }
};
