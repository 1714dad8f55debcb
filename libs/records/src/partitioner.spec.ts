import * as fc from 'fast-check';
import { Partitioners } from 'kafkajs';
import { murmur2, partitionForKey } from './partitioner';

const kafkajsMurmur2 = jest.requireActual<(key: Buffer) => number>(
  'kafkajs/src/producer/partitioners/default/murmur2',
);
const bytes = fc.uint8Array({ maxLength: 70 }).map((array) => Buffer.from(array));

describe('murmur2', () => {
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ])('gives what the Java client gives for %s', (key, hash) => {
    expect(murmur2(Buffer.from(key))).toBe(hash);
  });

  it('agrees with kafkajs for every key', () => {
    fc.assert(fc.property(bytes, (key) => murmur2(key) === kafkajsMurmur2(key)));
  });
});

describe('partitionForKey', () => {
  it('agrees with the default partitioner of kafkajs', () => {
    const partitioner = Partitioners.DefaultPartitioner();
    fc.assert(
      fc.property(bytes, fc.integer({ min: 1, max: 1000 }), (key, partitionCount) => {
        const partitionMetadata = Array.from({ length: partitionCount }, (_, partitionId) => ({
          partitionErrorCode: 0,
          partitionId,
          leader: 0,
          replicas: [],
          isr: [],
        }));
        const message = { key, value: null };
        const theirs = partitioner({ topic: 'any', partitionMetadata, message });
        expect(partitionForKey(key, partitionCount)).toBe(theirs);
      }),
    );
  });
});
