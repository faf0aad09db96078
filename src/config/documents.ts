/** `.env.example` and `docs/configuration.md`, made from the table of variables so that they can not disagree with it. */
import type { Variable } from './variable';
import { VARIABLES, VARIABLE_NAMES } from './variables';

function defaultOf(variable: Variable): string {
  return variable.default ?? variable.defaultMeaning ?? 'none';
}

function unitOf({ unit, schema }: Variable): string {
  return schema.description === undefined ? unit : `${unit}, ${schema.description}`;
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const part of text.split(' ')) {
    if (line !== '' && line.length + 1 + part.length > width) {
      lines.push(line);
      line = part;
    } else line = line === '' ? part : `${line} ${part}`;
  }
  return [...lines, line];
}

/** The text of `.env.example`: every variable commented out at its default. */
export function envExample(): string {
  const blocks = VARIABLE_NAMES.map((name) => {
    const variable: Variable = VARIABLES[name];
    const comments = [...wrap(variable.meaning, 98), `Unit: ${unitOf(variable)}. Default: ${defaultOf(variable)}`];
    return [...comments.map((line) => `# ${line}`), `#${name}=${variable.default ?? ''}`].join('\n');
  });
  const head = '# Copy to .env and change what you need. The environment wins over this file.\n';
  return `${head}# Made from src/config/variables.ts and kept so by a test; do not edit.\n\n${blocks.join('\n\n')}\n`;
}

/** The text of `docs/configuration.md`. */
export function configurationPage(): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const rows = VARIABLE_NAMES.map((name) => {
    const variable: Variable = VARIABLES[name];
    const standard = variable.default === null ? defaultOf(variable) : `\`${variable.default}\``;
    const secret = variable.secret === true ? ' Secret: never shown.' : '';
    return `| \`${name}\` | ${cell(standard)} | ${cell(unitOf(variable))} | ${cell(variable.meaning)}${secret} |`;
  });
  return `# Configuration

<!-- Made from src/config/variables.ts; a test says when it is out of date. -->

Every setting is a variable. It is taken from the environment, else from a file \`.env\` in the working directory, else its
default holds. An empty variable counts as not set. A name in \`.env\` that does not exist is refused, and so is a value or a
combination that can not work: nothing starts, all problems are told at once, and the exit code is 3.
\`coin-predict config show --origin\` tells what holds and where it came from.

| variable | default | unit | meaning |
|---|---|---|---|
${rows.join('\n')}
`;
}
