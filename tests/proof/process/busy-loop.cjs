// Loaded into a worker by a proof: SIGUSR2 blocks its event loop, as an endless piece of work on it would.
const BLOCKED_MS = 13_000;
process.on('SIGUSR2', () => {
  const end = Date.now() + BLOCKED_MS;
  while (Date.now() < end);
});
