import { BrokerIdHeld } from '@sluice/cluster';
import { explainStart } from './explain';

test('a broker id that another gateway holds is told in words, without a stack', () => {
  const held = { id: 2, holder: null, leftMs: 1_000, renewedUntilMs: 0 };
  const told = explainStart(new BrokerIdHeld(held, true), { host: '0.0.0.0', port: 9092 });
  expect(told).toMatch(/^Broker id 2 is held by another gateway\. It is alive\.\nGive each/);
  expect(told).not.toContain('    at ');
});
