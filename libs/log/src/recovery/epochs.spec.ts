import { LeaderEpochs } from './epochs';

describe('LeaderEpochs', () => {
  const epochs = LeaderEpochs.parse('0 0 1 100 4 250');

  it('are one from the beginning where nothing is stored', () => {
    for (const none of [null, '']) {
      expect(LeaderEpochs.parse(none).current).toBe(0);
      expect(LeaderEpochs.parse(none).at(10 ** 15)).toBe(0);
      expect(LeaderEpochs.parse(none).endOf(0, 7)).toEqual({ epoch: 0, endOffset: 7 });
    }
  });

  it('tell the one of an offset', () => {
    expect([0, 99, 100, 249, 250, 10_000].map((offset) => epochs.at(offset))).toEqual([
      0, 0, 1, 1, 4, 4,
    ]);
    expect(epochs.current).toBe(4);
    // The oldest were forgotten with their records.
    expect(LeaderEpochs.parse('3 500 4 600').at(10)).toBe(3);
  });

  it('tell where one ended, as Kafka does', () => {
    expect(epochs.endOf(0, 300)).toEqual({ epoch: 0, endOffset: 100 });
    expect(epochs.endOf(1, 300)).toEqual({ epoch: 1, endOffset: 250 });
    expect(epochs.endOf(4, 300)).toEqual({ epoch: 4, endOffset: 300 });
    // There were no records in it: the last one before it is told.
    expect(epochs.endOf(2, 300)).toEqual({ epoch: 1, endOffset: 250 });
    expect(LeaderEpochs.parse('3 500 4 600').endOf(1, 700)).toEqual({ epoch: 1, endOffset: 500 });
    expect(epochs.endOf(5, 300)).toBeNull();
    expect(epochs.endOf(-1, 300)).toBeNull();
  });
});
