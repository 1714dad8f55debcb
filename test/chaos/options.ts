import { parseArgs } from 'node:util';
import { allCheckers } from './checkers/all';
import { allFaults } from './faults/all-faults';
import type { NetworkKind } from './network/chaos-network';
import { networks } from './network/open-network';
import { setUps, type NamedSetUp } from './set-ups/all-set-ups';

const secondsMax = 24 * 60 * 60;
const seedsMax = 2 ** 31;
const eachMax = 10_000;

/** What the command line asks for. */
export interface ChaosOptions {
  setUp: string;
  network: NetworkKind;
  seconds: number;
  seed: number;
  /** How often each kind of fault is to happen; null: as it comes. */
  each: number | null;
  faults: string[] | null;
  checkers: string[] | null;
  report: string | null;
  history: string | null;
  logs: string | null;
  /** A history to check, in the place of a run. */
  check: string | null;
}

/** What `--help` prints. */
export function helpText(): string {
  const named: [string, NamedSetUp][] = Object.entries(setUps);
  return `npm run chaos -- [options]

Lets clients write and read through gateways while things go wrong, and checks the history of it.
It starts processes of its own on this machine and ends them.

  --set-up NAME          one of those below (default single)
  --network NAME         one of those below (default proxies)
  --seconds N            how long things go wrong (default 60); a minute or so comes after that
  --seed N               decides what goes wrong and when (default: another one each time)
  --faults A,B           only these
  --each N               so many faults of each kind, evenly over the time
  --report FILE          write the report there, as Markdown
  --history FILE         keep the history there: one operation a line, as JSON
  --logs FOLDER          keep what gateways say there
  --check FILE           no run: check the history in this file
  --checkers A,B         only these
  --help                 this text

Exit code 0: nothing was found. 1: something was found, or the run failed.

Set-ups:
${lines(named.map(([name, { about }]) => [name, about]))}

Networks:
${lines(Object.entries(networks).map(([name, { about }]) => [name, about]))}

Faults:
${lines(allFaults.map(({ name, about }) => [name, about]))}

Checkers:
${lines(allCheckers.map(({ name, claim }) => [name, claim]))}
`;
}

function lines(all: readonly (readonly [string, string])[]): string {
  return all.map(([name, about]) => `  ${name.padEnd(22)} ${about}`).join('\n');
}

/**
 * Reads the command line; null where it asks for help.
 * @throws Error that says what is wrong with it
 */
export function readOptions(args: readonly string[], freshSeed: () => number): ChaosOptions | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      'set-up': { type: 'string', default: 'single' },
      network: { type: 'string', default: 'proxies' },
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string' },
      faults: { type: 'string' },
      each: { type: 'string' },
      checkers: { type: 'string' },
      report: { type: 'string' },
      history: { type: 'string' },
      logs: { type: 'string' },
      check: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  return {
    setUp: values['set-up'],
    network: networkNamed(values.network),
    seconds: wholeNumber('--seconds', values.seconds, 1, secondsMax),
    seed: values.seed === undefined ? freshSeed() : wholeNumber('--seed', values.seed, 0, seedsMax),
    each: values.each === undefined ? null : wholeNumber('--each', values.each, 1, eachMax),
    faults: values.faults?.split(',') ?? null,
    checkers: values.checkers?.split(',') ?? null,
    report: values.report ?? null,
    history: values.history ?? null,
    logs: values.logs ?? null,
    check: values.check ?? null,
  };
}

function networkNamed(name: string): NetworkKind {
  if (Object.hasOwn(networks, name)) return name as NetworkKind;
  throw new Error(`there is no network ${name}; see --help`);
}

function wholeNumber(flag: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new Error(`${flag} wants a whole number from ${least} to ${most}, not "${text}"`);
}
