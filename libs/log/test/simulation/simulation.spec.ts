import type { Bug } from './simulated-gateway';
import { simulate } from './simulation';

/** How many runs, and from which seed; more for a long run by hand. */
const runs = Number(process.env['SLUICE_SIMULATION_RUNS'] ?? 60);
const firstSeed = Number(process.env['SLUICE_SIMULATION_SEED'] ?? 1);

const seeds = Array.from({ length: runs }, (_, i) => firstSeed + i);

describe('writer and watch over a network that fails them', () => {
  it(`keep their promises in ${runs} runs from seed ${firstSeed}`, async () => {
    const failures: string[] = [];
    for (const seed of seeds) {
      for (const problem of await simulate(seed)) failures.push(`seed ${seed}: ${problem}`);
    }
    expect(failures).toEqual([]);
  });

  it.each<[Bug, RegExp]>([
    ['drops-wake-ups-while-appending', /while all is well, consumer/],
    ['has-a-line-for-each-lane', /has overtaken|is stored behind|waits for ever/],
    ['believes-old-bounds', /consumer/],
  ])('are seen to break them by a writer or watch that %s', async (bug, symptom) => {
    const problems: string[] = [];
    for (let i = 0; i < seeds.length && !problems.some((one) => symptom.test(one)); i++) {
      problems.push(...(await simulate(seeds[i]!, bug)));
    }
    expect(problems).toContainEqual(expect.stringMatching(symptom));
  });
});
