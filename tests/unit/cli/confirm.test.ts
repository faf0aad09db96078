import { World } from './test-wiring';

describe('S31 a rollback at a terminal', () => {
  function worldThatAnswers(answer: string) {
    const world = new World();
    const asked: string[] = [];
    world.ask = async (question) => {
      asked.push(question);
      return answer;
    };
    const done: number[] = [];
    world.exporter = {
      rollback: async ({ to }) => {
        done.push(to);
        return { generation: to + 10 };
      },
    };
    return { world, asked, done };
  }

  test('is asked about, and yes does it', async () => {
    for (const answer of ['y', 'YES', ' y ']) {
      const { world, asked, done } = worldThatAnswers(answer);
      expect(await world.run('export rollback --to 3')).toBe(0);
      expect(asked).toEqual(['Generation 3 will be published again, and readers see it at once. Go on? [y/N] ']);
      expect(done).toEqual([3]);
    }
  });

  test('anything else changes nothing and ends with 7', async () => {
    for (const answer of ['', 'n', 'yesterday']) {
      const { world, done } = worldThatAnswers(answer);
      expect(await world.run('export rollback --to 3')).toBe(7);
      expect(world.stderr).toContain('nothing was changed');
      expect(done).toEqual([]);
    }
  });

  test('--yes asks nothing, and neither does a script, which has no terminal', async () => {
    const { world, asked, done } = worldThatAnswers('n');
    expect(await world.run('export rollback --to 3 --yes')).toBe(0);
    world.ask = null;
    expect(await world.run('export rollback --to 4')).toBe(0);
    expect([asked, done]).toEqual([[], [3, 4]]);
  });

  test('a change of the champion is asked about, too', async () => {
    const { world } = worldThatAnswers('n');
    for (const action of ['promote', 'rollback']) {
      expect(await world.run(`model ${action} 1h v1 --reason odd`)).toBe(7);
      expect(world.stderr).toContain('nothing was changed');
    }
  });
});
