import { encodeBatch } from '@sluice/records';
import { heldEntry, type HeldEntry } from './entry-queue';
import { RecordLine } from './record-line';
import { SkippedRecords } from './skipped-records';

const terms = {
  topic: 'orders',
  partition: 0,
  decompressedBytesMax: 1_024,
  endOffset: () => Infinity,
};

/** A batch of so many records, as it was read where the offset `follows` was to come. */
function entry(baseOffset: number, count: number, follows = baseOffset): HeldEntry {
  const record = { value: Buffer.from('x'), timestampMs: 1 };
  const bytes = encodeBatch({ records: Array.from({ length: count }, () => record) });
  return heldEntry({ id: `${baseOffset + count - 1}-1`, bytes }, follows, { isRepeated: false });
}

function offsets(line: RecordLine): number[] {
  return line.next(100).map(({ offset }) => offset);
}

describe('the records of a partition on their way', () => {
  it('follow on one another; what was trimmed away before a batch is passed over', () => {
    const line = new RecordLine(terms, 2);
    line.add(entry(2, 2));
    line.add(entry(9, 2, 4));
    expect(offsets(line)).toEqual([2, 3, 9, 10]);
    for (const offset of [2, 3]) line.inFlight.acknowledge(offset);
    expect(line.inFlight.progress).toBe(9);
  });

  it('are not handed over before they are confirmed', () => {
    let endOffset = 2;
    const line = new RecordLine({ ...terms, endOffset: () => endOffset }, 0);
    for (const base of [0, 2, 4]) line.add(entry(base, 2));
    expect(offsets(line)).toEqual([0, 1]);
    expect([offsets(line), line.isWaiting]).toEqual([[], true]);
    endOffset = 6;
    expect(offsets(line)).toEqual([2, 3, 4, 5]);
  });

  it('are not handed over where something between them was dropped', () => {
    const line = new RecordLine(terms, 0);
    line.add(entry(0, 2));
    line.add(entry(2, 3));
    expect(line.next(3)).toHaveLength(3);
    line.dropWaiting();
    line.add(entry(5, 1));
    expect(() => line.next(100)).toThrow(SkippedRecords);
    for (const offset of [0, 1, 2]) line.inFlight.acknowledge(offset);
    expect(line.inFlight.progress).toBe(3);
  });

  it('come as far as they follow on one another, before it is said that more does not', () => {
    const line = new RecordLine(terms, 0);
    line.add(entry(0, 1));
    line.add(entry(4, 1));
    expect(offsets(line)).toEqual([0]);
    expect(() => line.next(100)).toThrow('the offset 1 was to follow, and not 4');
  });
});
