/** `model`: which model forecasts, why, and the commands that change it. */
import { randomUUID } from 'node:crypto';
import { InvalidArgumentError, type Command } from 'commander';
import type { GateCriterion } from '../domain/promotion-gate';
import type { TimeframeId } from '../domain/types';
import type { ChangeRequest, Control, TrainingReport } from '../ports/control';
import type { Recipe } from '../ports/forecaster';
import { refusalAfter, refusalEvent } from '../ports/model-registry';
import type { LifecycleEvent, ModelRegistry } from '../ports/model-registry';
import { configuredSymbol, configuredTimeframe } from './arguments';
import { confirm, withConfirmation, type ConfirmOptions } from './confirm';
import { CommandEnd, EXIT_CODES, endWith, type ExitCode } from './exit-codes';
import { followedBy } from './followed';
import { print, progressTo, withFormat, type FormatOptions } from './output';
import { textFacts, textTable } from './text-table';
import type { CliWiring } from './wiring';
import { isoOrNull, isoText, minuteText, plural } from './wording';

export function addModel(program: Command, wiring: CliWiring): void {
  const noun = program.command('model').description('which model forecasts a timeframe, why, and how to change it');
  withFormat(
    noun
      .command('show')
      .description('champion, shadow, the last request of a training, the last decision with every criterion'),
  )
    .argument('<timeframe>', 'like 1h')
    .action(async (timeframe: string, options: FormatOptions) => show(wiring, timeframe, options));
  withFormat(noun.command('history').description('every change of the champion, and every model there is'))
    .argument('<timeframe>', 'like 1h')
    .action(async (timeframe: string, options: FormatOptions) => history(wiring, timeframe, options));
  withFormat(
    noun
      .command('train')
      .description(
        'train a candidate now; it starts as shadow. Joins one that is running, unless it names symbols or a family',
      ),
  )
    .requiredOption('--timeframe <timeframe>', 'like 1h')
    .option('--symbols <list>', 'separated by commas; else all that are ready')
    .option('--family <name>', 'this family, without a search for the best recipe')
    .option('--settings <json>', 'of that family, like {"window":500}', settingsOf)
    .option('--wait', 'until it has ended')
    .action(async (options: TrainOptions) => train(wiring, options));
  addChange(noun, wiring, 'promote', 'make a model champion now');
  addChange(
    noun,
    wiring,
    'rollback',
    'make an earlier champion champion again, now; automatic changes stop until unfreeze',
  );
  withFormat(noun.command('unfreeze').description('let models be changed automatically again after a rollback'))
    .argument('<timeframe>', 'like 1h')
    .requiredOption('--reason <text>', 'kept with the record', reason)
    .action(async (timeframe: string, options: FormatOptions & { reason: string }) =>
      unfreeze(wiring, timeframe, options),
    );
}

function addChange(noun: Command, wiring: CliWiring, action: ChangeRequest['action'], description: string): void {
  withConfirmation(withFormat(noun.command(action).description(description)))
    .argument('<timeframe>', 'like 1h')
    .argument('<version>', 'as `model history` shows it')
    .requiredOption('--reason <text>', 'kept with the change for ever', reason)
    .action(async (timeframe: string, version: string, options: FormatOptions & ConfirmOptions & { reason: string }) =>
      change(
        wiring,
        { timeframe: configuredTimeframe(wiring.config(), timeframe), action, version, reason: options.reason },
        options,
      ),
    );
}

function reason(text: string): string {
  if (text.trim() !== '' && text.length <= 300) return text.trim();
  throw new InvalidArgumentError('Say why in 1 to 300 characters.');
}

async function change(
  wiring: CliWiring,
  request: ChangeRequest,
  options: FormatOptions & ConfirmOptions,
): Promise<void> {
  const { timeframe, version: wanted } = request;
  await confirm(wiring, `${wanted} will be the champion of ${timeframe} from the next cycle on.`, options);
  const control = await wiring.control();
  const start = await control.changeChampion(request);
  if (start.kind === 'already_running') {
    const sentence = `another change of the champion of ${request.timeframe} is under way (run ${start.runId}): try again when it has ended`;
    await keepRefusal(wiring, request, sentence);
    throw new CommandEnd(EXIT_CODES.refused, sentence);
  }
  const { version, previous, checked } = await control.changeResult(start);
  const text = `${request.timeframe}: ${version} is champion, ${previous} was; tried on ${plural(checked, 'symbol')}; it forecasts from the next cycle on\n`;
  print(wiring, options, { text, json: { ...request, previous, checked, run_id: start.runId } });
}

/** No run was started that could keep it. What can not be kept is said all the same. */
async function keepRefusal(wiring: CliWiring, request: ChangeRequest, sentence: string): Promise<void> {
  const { reason: asked, ...change } = request;
  const facts = { id: randomUUID(), at: wiring.clock.now(), by: 'operator', code: 'change_refused' } as const;
  try {
    const { models } = await wiring.stores();
    await models.record(refusalEvent({ ...change, ...facts, asked, sentence }));
  } catch (error) {
    wiring.output.stderr(`the refusal was not kept: ${String(error)}\n`);
  }
}

async function unfreeze(wiring: CliWiring, name: string, options: FormatOptions & { reason: string }): Promise<void> {
  const timeframe = configuredTimeframe(wiring.config(), name);
  const { models } = await wiring.stores();
  if (!(await models.unfreeze(timeframe, wiring.clock.now(), options.reason))) {
    throw new CommandEnd(EXIT_CODES.refused, `nothing is frozen: models of ${timeframe} are changed automatically`);
  }
  print(wiring, options, {
    text: `models of ${timeframe} are changed automatically again\n`,
    json: { timeframe, frozen: false },
  });
}

type TrainOptions = FormatOptions & {
  timeframe: string;
  symbols?: string;
  family?: string;
  settings?: Recipe['settings'];
  wait?: boolean;
};

function settingsOf(text: string): Recipe['settings'] {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // Refused below, like JSON of another kind.
  }
  throw new InvalidArgumentError('Write a JSON object like {"window":500}.');
}

function recipeOf({ family, settings }: TrainOptions): Recipe | null {
  if (family !== undefined) return { family, settings: settings ?? {} };
  if (settings === undefined) return null;
  throw new CommandEnd(EXIT_CODES.usage, '--settings needs --family: whose settings they are.');
}

const EXIT_OF: Readonly<Record<TrainingReport['outcome'], ExitCode>> = {
  done: EXIT_CODES.ok,
  partial: EXIT_CODES.partial,
  failed: EXIT_CODES.failure,
  refused: EXIT_CODES.refused,
};

async function train(wiring: CliWiring, options: TrainOptions): Promise<void> {
  const config = wiring.config();
  const timeframe = configuredTimeframe(config, options.timeframe);
  const followed = await followedBy(wiring);
  const symbols = options.symbols?.split(',').map((symbol) => configuredSymbol(followed, symbol.trim())) ?? null;
  const recipe = recipeOf(options);
  const control: Control = await wiring.control();
  const start = await control.train(timeframe, symbols, recipe);
  // What runs was asked for by another: its end says nothing about this recipe or these symbols.
  if (start.kind === 'already_running' && (symbols !== null || recipe !== null)) {
    const sentence = `another training of ${timeframe} is under way (run ${start.runId}): try again when it has ended; "model train --timeframe ${timeframe} --wait" waits for it`;
    throw new CommandEnd(EXIT_CODES.refused, sentence);
  }
  const what = start.kind === 'started' ? 'started' : 'already running, joined';
  const told = `training ${what}: workflow ${start.workflowId}, run ${start.runId}`;
  if (options.wait !== true) {
    const json = { kind: start.kind, workflow_id: start.workflowId, run_id: start.runId };
    print(wiring, options, { text: `${told}\n`, json });
    return;
  }
  progressTo(wiring)(told);
  const report = await control.trainingResult(start);
  const failed = report.failed.map(({ symbol, reason: why }) => `${symbol} failed: ${why}\n`).join('');
  const text = `training ${timeframe} ${report.outcome}: ${report.reason}\n${plural(report.trained.length, 'symbol')} trained\n${failed}`;
  print(wiring, options, { text, json: { timeframe, run_id: start.runId, ...report } });
  endWith(EXIT_OF[report.outcome]);
}

async function history(wiring: CliWiring, name: string, options: FormatOptions): Promise<void> {
  const timeframe = configuredTimeframe(wiring.config(), name);
  const { models } = await wiring.stores();
  const changes = await models.history(timeframe);
  const all = await models.models(timeframe);
  const families = new Map(all.map(({ model_version: version, family }) => [version, family]));
  const changed = textTable<(typeof changes)[number]>(
    [
      { title: 'at (UTC)', cell: (row) => minuteText(row.at) },
      { title: 'change', cell: (row) => row.kind },
      { title: 'champion', cell: (row) => `${families.get(row.version) ?? '?'} ${row.version}` },
      { title: 'by', cell: (row) => row.by },
      { title: 'reason', cell: (row) => row.reason },
    ],
    changes,
  );
  const known = textTable<(typeof all)[number]>(
    [
      { title: 'version', cell: (row) => row.model_version },
      { title: 'family', cell: (row) => row.family },
      { title: 'settings', cell: (row) => JSON.stringify(row.settings) },
      { title: 'from', cell: (row) => row.origin },
      { title: 'trained', cell: (row) => minuteText(row.trained_at) },
    ],
    all,
  );
  const json = { timeframe, changes: changes.map((row) => ({ ...row, at: isoText(row.at) })), models: all };
  print(wiring, options, { text: `${changed}\n${known}`, json });
}

async function show(wiring: CliWiring, name: string, options: FormatOptions): Promise<void> {
  const timeframe = configuredTimeframe(wiring.config(), name);
  const { models } = await wiring.stores();
  const champion = await models.champion(timeframe);
  if (champion === null) {
    throw new CommandEnd(EXIT_CODES.data, `${timeframe} has no champion yet: its first cycle makes one.`);
  }
  const shadow = await models.shadow(timeframe);
  const freeze = await models.freeze(timeframe);
  const [decision] = await models.events(timeframe, { kind: 'decision', limit: 1 });
  const [trigger] = await models.events(timeframe, { kind: 'trigger', limit: 1 });
  const refusal = decision === undefined ? null : await refusalAfter(models, decision);
  const [training] = await models.events(timeframe, { kind: 'training', limit: 1 });
  const [drift] = await models.events(timeframe, { kind: 'drift', limit: 1 });
  const facts = textFacts([
    ['timeframe', timeframe],
    [
      'champion',
      `${await named(models, timeframe, champion.version)} since ${isoText(champion.at)} (${champion.kind}: ${champion.reason})`,
    ],
    [
      'shadow',
      shadow === null ? 'none' : `${await named(models, timeframe, shadow.version)} since ${isoText(shadow.since)}`,
    ],
    ['automatic', freeze === null ? 'changes are allowed' : `frozen since ${isoText(freeze.since)}: ${freeze.reason}`],
    ['trigger', eventText(trigger)],
    ['training', eventText(training)],
    ['drift', eventText(drift)],
    ['decision', `${eventText(decision)}${refusal === null ? '' : `; not made champion: ${refusal.reason}`}`],
  ]);
  const json = {
    timeframe,
    champion: { ...champion, at: isoText(champion.at) },
    shadow: shadow === null ? null : { ...shadow, since: isoText(shadow.since) },
    frozen_since: isoOrNull(freeze?.since ?? null),
    decision: decision ?? null,
    trigger: trigger ?? null,
    refusal,
    training: training ?? null,
    drift: drift ?? null,
  };
  print(wiring, options, {
    text: `${facts}${decision === undefined ? '' : `\n${criteriaText(decision.criteria)}`}`,
    json,
  });
}

async function named(models: ModelRegistry, timeframe: TimeframeId, version: string): Promise<string> {
  return `${(await models.model(timeframe, version))?.family ?? 'unknown'} ${version}`;
}

function eventText(event: LifecycleEvent | undefined): string {
  return event === undefined ? 'none yet' : `${event.verdict} at ${isoText(event.at)}: ${event.reason}`;
}

function criteriaText(criteria: readonly GateCriterion[]): string {
  return textTable<GateCriterion>(
    [
      { title: 'criterion', cell: (row) => row.name },
      { title: 'value', cell: (row) => String(row.value ?? 'unknown') },
      { title: 'needs', cell: (row) => row.threshold },
      { title: '', cell: (row) => (row.passed ? 'holds' : 'does not hold') },
    ],
    criteria,
  );
}
