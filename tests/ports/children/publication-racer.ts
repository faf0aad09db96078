/** Commits generations as fast as it can, against whoever else does. */
import { openStateStore } from '../../../src/adapters/sqlite/state-store';
import { rendered } from '../publication-rows';

async function main(path: string, commits: number): Promise<void> {
  const state = await openStateStore(path);
  process.stdout.write('ready\n');
  await new Promise((resolve) => process.stdin.once('data', resolve));
  for (let each = 0; each < commits; each++) {
    const { generation } = await state.publication.commit(async () => {
      await new Promise((resolve) => setTimeout(resolve, 2));
      return rendered;
    });
    process.stdout.write(`generation ${generation}\n`);
  }
  await state.close();
  process.stdin.destroy();
}

void main(process.argv[2] ?? '', Number(process.argv[3]));
