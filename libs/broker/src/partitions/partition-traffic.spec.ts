import { silentMetrics } from '@sluice/base';
import { FakeClock } from '@sluice/test/support/fake-clock';
import { limits } from '../limits';
import { noRates, PartitionTraffic } from './partition-traffic';
import { TrafficMeter } from './traffic-meter';

const windowSeconds = limits.rateWindowMs / 1_000;

describe('the rates of a partition', () => {
  let clock: FakeClock;
  let traffic: PartitionTraffic;

  beforeEach(() => {
    clock = new FakeClock();
    traffic = new PartitionTraffic(new TrafficMeter(silentMetrics).of('orders'), clock);
  });

  it('are nothing at first', () => {
    expect(traffic.rates).toEqual(noRates);
  });

  it('tell what goes in and out in a second', () => {
    for (let second = 0; second < 3 * windowSeconds; second++) {
      traffic.appended(1, 10, 1_000);
      traffic.read('hot', 1, 5, 500);
      clock.advance(1_000);
    }
    const { produced, consumed } = traffic.rates;
    expect(produced.recordsPerSecond).toBeCloseTo(10, 6);
    expect(produced.bytesPerSecond).toBeCloseTo(1_000, 6);
    expect(consumed.recordsPerSecond).toBeCloseTo(5, 6);
    expect(consumed.bytesPerSecond).toBeCloseTo(500, 6);
  });

  it('fall to nothing when nothing comes any more', () => {
    traffic.appended(1, 60, 6_000);
    const first = traffic.rates.produced.recordsPerSecond;
    expect(first).toBeCloseTo(60 / windowSeconds, 6);
    clock.advance(1.5 * limits.rateWindowMs);
    expect(traffic.rates.produced.recordsPerSecond).toBeCloseTo(first / 2, 6);
    clock.advance(limits.rateWindowMs);
    expect(traffic.rates).toEqual(noRates);
  });
});
