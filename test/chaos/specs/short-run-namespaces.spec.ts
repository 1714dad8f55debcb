import { runAndCheck, runMsMax } from './run-and-check';

jest.setTimeout(runMsMax);

/** Those that a network of proxies does not have, and what follows from a primary that is away. */
const faults = [
  'client-no-replies',
  'client-silent',
  'redis-no-requests',
  'redis-no-replies',
  'redis-silent',
  'gateway-silent',
  'gateway-lossy',
  'primary-cut-off',
  'primary-unwatched',
];

it('a short run in network namespaces finds nothing', async () => {
  const asked = { setUp: 'sentinel', network: 'namespaces', seconds: 10, seed: 3, faults } as const;
  const { report, text } = await runAndCheck(asked);
  if (report.faultsFound.length > 0) throw new Error(text);
  expect(report.faults.size).toBeGreaterThan(2);
  expect(report.service.done).toBeGreaterThan(0);
});
