/** Bugs in what is published, how it comes onto the disk, and what is said about its age. */
import type { SeededBug } from './seeded-bug';

const PUBLISHER_TEST = 'tests/integration/publish/publisher.test.ts';

export const PUBLISH_BUGS: readonly SeededBug[] = [
  {
    name: 'data_through_from_the_future',
    file: 'src/publish/manifest.ts',
    text: 'data_through: age?.data_through ?? null,',
    instead: 'data_through: age?.fresh_until ?? null,',
    caughtBy: { kind: 'scene', rule: 'I02 through' },
  },
  {
    name: 'other_values_than_stored',
    file: 'src/publish/history.ts',
    text: `      close,
      volume,
    })),`,
    instead: `      close: open,
      volume,
    })),`,
    caughtBy: { kind: 'scene', rule: 'SPEC1 derived' },
  },
  {
    name: 'hidden_pair_shown',
    file: 'activities/export.ts',
    text: "if (visibilityOf(symbol?.activation) !== 'visible' || lost) {",
    instead: 'if (lost) {',
    caughtBy: { kind: 'scene', rule: 'SPEC3 hidden' },
  },
  {
    name: 'pair_left_out_once',
    file: 'src/publish/manifest.ts',
    text: "const shown = ops.filter((entry) => entry.visibility === 'visible');",
    instead: `const shown = ops.filter(
    (entry) => entry.visibility === 'visible' && !(entry.key === 'ETH/USDT 1h' && input.generation === 6),
  );`,
    caughtBy: { kind: 'scene', rule: 'I42 shown' },
  },
  {
    name: 'degraded_loses_the_last_good',
    file: 'src/publish/export-pair.ts',
    text: 'prediction: predicts ? (previous?.prediction ?? null) : null,',
    instead: 'prediction: null,',
    caughtBy: { kind: 'scene', rule: 'I42 last good' },
  },
  {
    name: 'stale_called_fresh',
    file: 'src/domain/status.ts',
    text: "if (age <= softMs) return { status: 'fresh', reason: null };",
    instead: "if (age <= hardMs) return { status: 'fresh', reason: null };",
    caughtBy: { kind: 'scene', rule: 'I30 honest' },
  },
  {
    name: 'boundary_done_without_data',
    file: 'src/domain/boundaries.ts',
    text: 'if (!input.hasData(boundary)) {',
    instead: 'if (!input.hasData(boundary) && !input.succeeded) {',
    caughtBy: { kind: 'scene', rule: 'I16 done' },
  },
  {
    name: 'generation_left_out',
    file: 'src/adapters/sqlite/publication.ts',
    text: 'const generation = (await newestOf(db)) + 1;',
    instead: 'const generation = (await newestOf(db)) + 2;',
    caughtBy: { kind: 'scene', rule: 'I25 onward' },
  },
  {
    name: 'recorded_otherwise_than_written',
    file: 'src/publish/commit.ts',
    text: 'manifest: referenceTo(bodies.manifest),',
    instead: 'manifest: referenceTo(bodies.opsManifest),',
    caughtBy: { kind: 'scene', rule: 'I27 durable' },
  },
  {
    name: 'keys_in_any_order',
    file: 'src/publish/canonical-json.ts',
    text: 'for (const key of Object.keys(value).sort())',
    instead: 'for (const key of Object.keys(value))',
    caughtBy: { kind: 'scene', rule: 'I29 canonical' },
  },
  {
    name: 'half_a_document',
    file: 'src/adapters/files/published-tree.ts',
    text: 'await writeDurably(path, body);',
    instead: 'await writeDurably(path, body.slice(0, body.length / 2));',
    caughtBy: { kind: 'scene', rule: 'I20 whole', alone: true },
  },
  {
    name: 'skip_dir_fsync',
    file: 'src/adapters/files/durable-file.ts',
    text: '  await syncFolder(folder);',
    instead: '',
    caughtBy: { kind: 'trace', rule: 'P16 synced' },
  },
  {
    name: 'skip_file_fsync',
    file: 'src/adapters/files/durable-file.ts',
    text: '      await file.sync();',
    instead: '',
    caughtBy: { kind: 'trace', rule: 'P16 synced' },
  },
  {
    name: 'write_after_fsync',
    file: 'src/adapters/files/durable-file.ts',
    text: '      await file.writeFile(body);\n      await file.sync();',
    instead: '      await file.sync();\n      await file.writeFile(body);',
    caughtBy: { kind: 'trace', rule: 'P16 synced' },
  },
  {
    name: 'rename_before_fsync',
    file: 'src/adapters/files/durable-file.ts',
    text: '      await file.sync();',
    instead: `      await check?.();
      await rename(temporary, path);
      await file.sync();
      await syncFolder(folder);
      return;`,
    caughtBy: { kind: 'trace', rule: 'P16 synced' },
  },
  {
    name: 'no_fence',
    file: 'src/publish/commit.ts',
    text: 'if (deadline !== undefined && !(clock.monotonic() < deadline())) {',
    instead: 'if (deadline !== undefined && clock.monotonic() < 0) {',
    caughtBy: { kind: 'test', test: PUBLISHER_TEST, title: 'I26 refuses an attempt past its deadline' },
  },
  {
    name: 'no_generation_fence',
    file: 'src/adapters/files/published-tree.ts',
    text: 'if (published >= generation) {',
    instead: 'if (published > generation + 1_000_000) {',
    caughtBy: { kind: 'test', test: PUBLISHER_TEST, title: 'I25 refuses a generation that is published already' },
  },
  {
    name: 'names_what_is_gone',
    file: 'src/publish/commit.ts',
    text: 'if (bytes === null) return false;',
    instead: 'if (bytes === null) return true;',
    caughtBy: { kind: 'test', test: PUBLISHER_TEST, title: 'I21 never names an object that is gone' },
  },
  {
    name: 'gc_too_early',
    file: 'src/adapters/files/sweep.ts',
    text: 'if (place < policy.keepGenerations || policy.now - file.changed <= policy.keepMs) {',
    instead: 'if (place < 1) {',
    caughtBy: {
      kind: 'test',
      test: 'tests/integration/publish/going-back.test.ts',
      title: 'I24 keeps the last 50 generations',
    },
  },
];
