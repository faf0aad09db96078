/**
 * A publish as a process of its own, to be killed or starved: exports two pairs and commits.
 * Arguments: folder, folder of the state, data_through, and how many hours from there are published, one after the other.
 * Prints `acked GENERATION` for each; on failure the code of the error, exit 1.
 */
import { join } from 'node:path';
import { openPublishedTree } from '../../src/adapters/files/published-tree';
import { SqlitePublication } from '../../src/adapters/sqlite/publication';
import { StateDatabase } from '../../src/adapters/sqlite/state-database';
import { PipelineError } from '../../src/domain/errors';
import { HOUR, MINUTE } from '../../src/domain/timeframe';
import { systemClock } from '../../src/ports/clock';
import { createPublisher } from '../../src/publish/publisher';
import { SOURCE, exportOf, pairOf } from '../unit/publish/example';

async function main(root: string, state: string, first: number, hours: number): Promise<void> {
  const database = await StateDatabase.open(join(state, 'state.db'));
  const files = openPublishedTree({ publicDir: join(root, 'public'), opsDir: join(root, 'ops') });
  const publication = new SqlitePublication(database);
  const publisher = createPublisher({ publication, files, source: SOURCE, clock: systemClock, cycleTargetMs: MINUTE });
  for (let hour = 0; hour < hours; hour++) {
    const through = first + hour * HOUR;
    let failure: unknown = null;
    for (const symbol of ['BTC/USDT', 'ETH/USDT']) {
      await publisher.exportPair(exportOf(pairOf(symbol, '1h'), through)).catch((error: unknown) => {
        failure = error;
      });
    }
    const { generation } = await publisher.commitManifest({ asOf: through + 7000, nextExpectedCommit: through + HOUR });
    if (failure !== null) throw failure;
    if (hour === hours - 1) await database.close();
    process.stdout.write(`acked ${generation}\n`);
  }
}

const [root = '', state = '', through = '', hours = '1'] = process.argv.slice(2);
main(root, state, Number(through), Number(hours)).catch((error: unknown) => {
  process.stdout.write(error instanceof PipelineError ? error.code : String(error));
  process.exitCode = 1;
});
