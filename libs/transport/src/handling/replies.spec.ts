import type { ReplyFrame } from '../driver';
import { jsonSerializer } from '../serialization/json';
import { Replies } from './replies';

/** Answers of which those with these numbers cannot be sent. */
function repliesWithout(...lost: number[]) {
  const frames: ReplyFrame[] = [];
  const replies = new Replies({
    correlationId: '1',
    topic: 'prices',
    serializer: jsonSerializer,
    send: async (frame) => {
      if (lost.includes(frame.number!)) throw new Error('Redis is away');
      frames.push(frame);
    },
    onFailure: () => {},
  });
  return { replies, frames };
}

const textOf = ({ value, error }: ReplyFrame): string => String(value ?? error);

describe('answers to one request', () => {
  it('are numbered in their order', async () => {
    const { replies, frames } = repliesWithout();
    for (const value of [1, 2, 3]) replies.next(value);
    await replies.end();
    expect(frames.map(({ number, isLast }) => [number, isLast])).toEqual([
      [0, false],
      [1, false],
      [2, true],
    ]);
  });

  it('end with an error once one could not be sent', async () => {
    const { replies, frames } = repliesWithout(1);
    for (const value of [1, 2, 3, 4]) replies.next(value);
    await replies.end();
    expect(frames.map(textOf)).toEqual(['1', expect.stringContaining('answers are missing')]);
    expect(frames.at(-1)).toMatchObject({ isLast: true, value: null });
  });

  it('end with an error where more wait than may', async () => {
    const { replies, frames } = repliesWithout();
    for (let value = 0; value < 10_001; value++) replies.next(value);
    await replies.end();
    expect(textOf(frames.at(-1)!)).toContain('more than 10000');
    expect(frames.length).toBeLessThanOrEqual(10_001);
  });
});
