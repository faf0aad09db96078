/** Where the lines of Temporal's native core go: by default to stdout, which belongs to the JSON of a command. */
import { Runtime } from '@temporalio/worker';
import { pino } from 'pino';
import { installRuntime } from '../../../temporal/worker';

test.each([null, '127.0.0.1:9464'])('with metrics at %s, the core hands its lines to our log', (metricsAddress) => {
  const shutdown = jest.fn(async () => {});
  const installed = jest.spyOn(Runtime, 'install').mockImplementation(() => ({ shutdown }) as unknown as Runtime);
  const end = installRuntime(pino({ level: 'silent' }), metricsAddress);
  expect(installed.mock.calls[0]?.[0].telemetryOptions).toMatchObject({
    logging: { forward: {}, filter: expect.stringContaining('WARN') },
    ...(metricsAddress === null ? {} : { metrics: { prometheus: { bindAddress: metricsAddress } } }),
  });
  expect(shutdown).not.toHaveBeenCalled();
  void end();
  expect(shutdown).toHaveBeenCalled();
  installed.mockRestore();
});
