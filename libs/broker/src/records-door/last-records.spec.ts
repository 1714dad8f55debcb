import { LastRecords } from './last-records';
import type { ToldRecord } from './told-record';

const at = (offset: number) => ({ offset }) as ToldRecord;
const offsets = (kept: LastRecords) => kept.records.map(({ record }) => record.offset);

describe('the last records of a stretch', () => {
  it('are no more than a page takes, however small they are', () => {
    const kept = new LastRecords({ recordsMax: 3, replyBytesMax: 1_000_000 });
    for (let offset = 0; offset < 50_000; offset++) {
      kept.add(at(offset), 0);
      expect(kept.records.length).toBeLessThanOrEqual(3);
    }
    expect([offsets(kept), kept.from]).toEqual([[49_997, 49_998, 49_999], 49_997]);
  });

  it('have no more bytes than a page takes, but for the very last', () => {
    const kept = new LastRecords({ recordsMax: 10, replyBytesMax: 100 });
    kept.add(at(0), 60);
    expect([offsets(kept), kept.from]).toEqual([[0], null]);
    kept.add(at(1), 41);
    expect([offsets(kept), kept.from]).toEqual([[1], 1]);
    kept.add(at(2), 59);
    expect(offsets(kept)).toEqual([1, 2]);
    kept.add(at(3), 500);
    expect([offsets(kept), kept.from]).toEqual([[3], 3]);
  });
});
