import { HandOverTimes } from './hand-over-times';

describe('the times of hand-overs', () => {
  it('are forgotten as the progress moves on, whether or not anybody asks for them', () => {
    const times = new HandOverTimes();
    for (let offset = 0; offset < 1_000; offset++) times.note(offset, offset, offset);
    expect(times.size).toBeLessThanOrEqual(2);
    expect(times.oldestMs(999)).toBe(999);
  });

  it('stay as long as something of the hand-over is in flight', () => {
    const times = new HandOverTimes();
    times.note(0, 10, 0);
    times.note(5, 20, 3);
    times.note(7, 30, 3);
    expect(times.oldestMs(3)).toBe(10);
    expect(times.oldestMs(5)).toBe(20);
    expect(times.size).toBe(2);
  });
});
