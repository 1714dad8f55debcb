import { limitsOf } from './cluster-options';

const settings = {
  brokerId: null,
  rack: null,
  brokerSessionMs: 6_000,
  leaderBalancing: true,
  leaderBalancingMs: 20_000,
  leaderImbalancePercent: 25,
  version: '1.2.3',
  hostName: 'here',
};

test('leaders are balanced as the settings say, or not at all', () => {
  const limits = { sessionMs: 6_000, balanceEveryMs: 20_000, imbalancePercent: 25 };
  expect(limitsOf(settings)).toEqual(limits);
  const off = { ...limits, imbalancePercent: Infinity };
  expect(limitsOf({ ...settings, leaderBalancing: false })).toEqual(off);
});
