/** F08: a server that forgets its runs and schedules when it ends is no server for this program. */
import { portHolder } from '../src/web/port-holder';
import { ConfigError } from '../src/config/config-error';
import { commandLineOf } from './command-line';

/**
 * Refuses `temporal server start-dev` without a database file, where it can be seen: on this machine, by its command line.
 * @throws ConfigError that names TEMPORAL_ADDRESS
 */
export async function refuseForgetful(address: string): Promise<void> {
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(address) ?? [];
  if (!/^(127\.\d+\.\d+\.\d+|localhost|\[?::1\]?)$/.test(host)) return;
  const holder = portHolder(Number(port));
  if (holder === null) return;
  const words = (await commandLineOf(holder.pid)).split(' ');
  const forgets = words.includes('start-dev') && !words.some((word) => /^(--db-filename|-f)(=|$)/.test(word));
  if (!forgets) return;
  throw new ConfigError([
    {
      variable: 'TEMPORAL_ADDRESS',
      value: address,
      sentence:
        'this development server keeps everything in memory, so runs and schedules are lost when it ends; start it with --db-filename FILE, or unset TEMPORAL_ADDRESS to use a server of our own',
    },
  ]);
}
