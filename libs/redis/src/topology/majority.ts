/** How answers are compared. */
export interface VoteTerms<T> {
  /** Answers of the same text are the same. */
  textOf: (answer: T) => string;
  /** Of answers that as many give, one that is doubted comes last. */
  isDoubted?: (text: string) => boolean;
}

/**
 * What most of those who are asked say, as soon as more than half agree or all have answered; of
 * answers that as many give, the one that was asked for first.
 *
 * @param asked of each its answer, or null where it has none; none may reject
 * @returns null where nobody has an answer
 */
export async function whatMostSay<T>(
  asked: readonly Promise<T | null>[],
  terms: VoteTerms<T>,
): Promise<T | null> {
  const answers: (T | null)[] = asked.map(() => null);
  const agreed = new Promise<T>((resolve) => {
    for (const [index, one] of asked.entries()) {
      void one.then((answer) => {
        answers[index] = answer;
        const best = bestOf(answers, terms);
        if (best !== null && best.votes * 2 > asked.length) resolve(best.answer);
        return null;
      });
    }
  });
  const all = Promise.all(asked).then((final) => bestOf(final, terms)?.answer ?? null);
  return Promise.race([agreed, all]);
}

function bestOf<T>(
  answers: readonly (T | null)[],
  { textOf, isDoubted = () => false }: VoteTerms<T>,
): { answer: T; votes: number } | null {
  const votes = new Map<string, { answer: T; votes: number; weight: number }>();
  for (const answer of answers) {
    if (answer === null) continue;
    const text = textOf(answer);
    const one = votes.get(text) ?? { answer, votes: 0, weight: isDoubted(text) ? -0.5 : 0 };
    one.votes++;
    one.weight++;
    votes.set(text, one);
  }
  const [best] = [...votes.values()].sort((a, b) => b.weight - a.weight);
  return best ?? null;
}
