/** Migrates and is killed at one moment: after statement number `last`, before the next. */
import { openDatabase } from '../../../src/adapters/sqlite/database';
import { migrate } from '../../../src/adapters/sqlite/migration';
import { STATE_MIGRATIONS } from '../../../src/adapters/sqlite/state-schema';

async function main(path: string, last: number): Promise<void> {
  const database = await openDatabase(path);
  let done = 0;
  await migrate(path, database, STATE_MIGRATIONS, (statement) => {
    database.exec(statement);
    done += 1;
    if (done === last) process.kill(process.pid, 'SIGKILL');
  });
  process.stdout.write('complete\n');
}

void main(process.argv[2] ?? '', Number(process.argv[3]));
