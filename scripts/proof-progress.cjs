/**
 * One line for each case of a full proof as it ends: the files of a proof last an hour, and jest tells of whole files. At the
 * end what did not run is told with its reason; a proof of which nothing ran has failed.
 */
module.exports = class {
  started = Date.now();
  done = 0;
  passed = 0;

  onTestCaseResult(_, { status, fullName, duration, failureMessages }) {
    this.done++;
    const minutes = ((Date.now() - this.started) / 60_000).toFixed(1);
    const seconds = ((duration ?? 0) / 1000).toFixed(1);
    process.stderr.write(`[${minutes} min] ${this.done}. ${status} in ${seconds} s: ${fullName}\n`);
    for (const message of failureMessages) process.stderr.write(`${message}\n`);
  }

  onRunComplete(_, { numPassedTests, testResults }) {
    this.passed = numPassedTests;
    for (const { testResults: cases } of testResults)
      for (const { status, fullName } of cases)
        if (status === 'pending' && fullName.includes('(not run: ')) process.stderr.write(`${fullName}\n`);
  }

  getLastError() {
    return this.passed === 0 ? new Error('nothing of this proof ran here: see above for what it needs') : undefined;
  }
};
