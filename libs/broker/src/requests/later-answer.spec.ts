import { LaterAnswer, promiseOf } from './later-answer';

class Later extends LaterAnswer<string> {
  end(answer: string): void {
    this.answer(answer);
  }

  break(error: Error): void {
    this.fail(error);
  }
}

const told: unknown[] = [];
const listener = {
  answered: (answer: unknown): void => void told.push(answer),
  failed: (error: unknown): void => void told.push({ error }),
};

beforeEach(() => void (told.length = 0));

test('a listener is told in the turn in which the answer is known', () => {
  const later = new Later();
  later.whenEnded(listener);
  expect(told).toEqual([]);
  later.end('stored');
  expect(told).toEqual(['stored']);
});

test('a listener that comes afterwards is told at once', () => {
  const [answered, failed] = [new Later(), new Later()];
  const error = new Error('not led');
  answered.end('stored');
  failed.break(error);
  answered.whenEnded(listener);
  failed.whenEnded(listener);
  expect(told).toEqual(['stored', { error }]);
});

test('it can be waited for before and after its end', async () => {
  const [answered, failed, early] = [new Later(), new Later(), new Later()];
  const waiting = promiseOf(answered);
  const failure = promiseOf(failed).catch((error: unknown) => error);
  answered.end('stored');
  failed.break(new Error('gone'));
  early.end('stored before');
  expect(await waiting).toBe('stored');
  expect(await failure).toEqual(new Error('gone'));
  expect(await promiseOf(early)).toBe('stored before');
  expect(await promiseOf('at once')).toBe('at once');
});
