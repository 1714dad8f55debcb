import { KnownEnds } from './known-ends';

const ref = (partition: number, topicId = 'id') => ({ topic: 'orders', topicId, partition });

describe('KnownEnds', () => {
  it('keep the largest end of each partition, and what is in doubt behind it', () => {
    const ends = new KnownEnds();
    ends.of(ref(2)).reached(10);
    ends.of(ref(2)).reached(7);
    ends.of(ref(0)).doubted(3);
    ends.of(ref(0)).doubted(4);
    ends.of(ref(5)).reached(20);
    ends.of(ref(5)).doubted(1);
    expect([...ends]).toEqual([
      { ref: ref(0), logEndOffset: -1, inDoubt: 7 },
      { ref: ref(2), logEndOffset: 10, inDoubt: 0 },
      { ref: ref(5), logEndOffset: 20, inDoubt: 1 },
    ]);
    ends.of(ref(5)).reached(21);
    expect([...ends].at(-1)).toEqual({ ref: ref(5), logEndOffset: 21, inDoubt: 0 });
  });

  it('forget a topic that is gone', () => {
    const ends = new KnownEnds();
    ends.of(ref(0)).reached(1);
    ends.of(ref(0, 'other')).reached(2);
    ends.forget('id');
    expect([...ends].map((end) => end.ref.topicId)).toEqual(['other']);
  });
});
