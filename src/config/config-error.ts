export interface ConfigProblem {
  readonly variable: string;
  /** What was given, secrets hidden; null when nothing was. */
  readonly value: string | null;
  /** What is wrong and how to mend it. */
  readonly sentence: string;
}

/** The configuration can not be used: exit code 3. `message` holds every problem, one a line. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly ConfigProblem[]) {
    super(problems.map((problem) => `${problem.variable}: ${problem.sentence}`).join('\n'));
    this.name = 'ConfigError';
  }
}
