/** Takes weight from the shared budget until none is left or it is told to stop, and says when each was granted. */
import { openStateStore } from '../../../src/adapters/sqlite/state-store';

async function main(path: string, limit: number, weight: number, pauseMs: number): Promise<void> {
  const state = await openStateStore(path);
  const budget = state.budget({ limits: { demo: limit } });
  process.stdout.write('ready\n');
  for (;;) {
    try {
      await budget.take('demo', weight, 'live', undefined, 3000);
    } catch (error) {
      process.stdout.write(`refused ${(error as { code?: string }).code}\n`);
      break;
    }
    process.stdout.write(`granted ${Date.now()}\n`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  await state.close();
}

void main(process.argv[2] ?? '', Number(process.argv[3]), Number(process.argv[4]), Number(process.argv[5]));
