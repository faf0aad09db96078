import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../../../src/config/config';
import { ConfigError } from '../../../src/config/config-error';
import { chooseSource, readRunning, sourceFolder, writeRunning } from '../../../temporal/source';
import { temporaryFolders } from '../../ports/store-fixtures';

const folder = temporaryFolders();
const reachable = async () => true;
const unreachable = async () => false;

describe('which source a deployment uses', () => {
  test('auto takes the real exchange when it answers', async () => {
    const config = loadConfig({ DATA_DIR: folder() }, null);
    expect(await chooseSource(config, reachable)).toEqual({ name: 'binance', notice: null });
  });

  test('auto falls back to the simulated market, and says loudly that no price is real', async () => {
    const config = loadConfig({ DATA_DIR: folder() }, null);
    const source = await chooseSource(config, unreachable);
    expect(source.name).toBe('simulated');
    expect(source.notice).toContain('no price is real');
  });

  test('I60 auto never switches away from a live store, nor asks its exchange, which may have banned us', async () => {
    const dataDir = folder();
    mkdirSync(join(dataDir, 'binance'));
    writeFileSync(sourceFolder(dataDir, 'binance').state, '');
    const asked = jest.fn(unreachable);
    const source = await chooseSource(loadConfig({ DATA_DIR: dataDir }, null), asked);
    expect(source.name).toBe('binance');
    expect(source.notice).toContain('goes on with it');
    expect(asked).not.toHaveBeenCalled();
  });

  test('a named exchange is used without asking whether it answers', async () => {
    const config = loadConfig({ DATA_DIR: folder(), EXCHANGE: 'kraken' }, null);
    const asked = jest.fn(unreachable);
    expect(await chooseSource(config, asked)).toEqual({ name: 'kraken', notice: null });
    expect(asked).not.toHaveBeenCalled();
  });

  test('an exchange that nobody knows is refused before anything starts, with the one that was meant', async () => {
    const config = loadConfig({ DATA_DIR: folder(), EXCHANGE: 'krakn' }, null);
    const refused = chooseSource(config, reachable);
    await expect(refused).rejects.toThrow('EXCHANGE: ccxt knows no exchange "krakn". Did you mean kraken?');
    await expect(refused).rejects.toBeInstanceOf(ConfigError);
  });

  test('sources never mix: every file of one lies in its own folder', () => {
    const [live, simulated] = ['binance', 'simulated'].map((name) => Object.values(sourceFolder('/data', name)));
    expect(live?.every((path) => path.startsWith('/data/binance'))).toBe(true);
    expect(simulated?.every((path) => path.startsWith('/data/simulated'))).toBe(true);
  });

  test('a running deployment is known by its file; half a file is none', async () => {
    const dataDir = folder();
    expect(await readRunning(dataDir)).toBeNull();
    const running = {
      pid: process.pid,
      source: 'simulated',
      exchangeUrl: null,
      temporalAddress: '127.0.0.1:1',
      temporalUiUrl: null,
      webUrl: 'http://127.0.0.1:2',
      opsUrl: 'http://127.0.0.1:3',
    };
    await writeRunning(dataDir, running);
    expect(await readRunning(dataDir)).toEqual({ running, alive: true });
    writeFileSync(join(dataDir, 'running.json'), '{"pid":');
    expect(await readRunning(dataDir)).toBeNull();
  });
});
