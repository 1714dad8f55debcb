import { HistoryView } from '../history/history-view';
import type { FinalRecord, Position } from '../history/operation';
import { allCheckers } from './all';
import { group, lossAt, operationsOf, soundHistory, type SoundHistory } from './sound-history';

/** By name, what the checkers find that find anything. */
function found(history: SoundHistory): Record<string, string[]> {
  const view = new HistoryView(operationsOf(history));
  const verdicts = allCheckers.map(({ name, check }) => [name, check(view).anomalies] as const);
  return Object.fromEntries(verdicts.filter(([, anomalies]) => anomalies.length > 0));
}

function allowed(history: SoundHistory, name: string): number {
  const checker = allCheckers.find((one) => one.name === name)!;
  return checker.check(new HistoryView(operationsOf(history))).allowed;
}

/** The history with one change. */
function seeded(change: (history: SoundHistory) => void): SoundHistory {
  const history = soundHistory();
  change(history);
  return history;
}

/** Nobody ever saw a record, and it is not in the log. */
function forget(history: SoundHistory, partition: number, offset: number): void {
  const without = <T extends [offset: number, ...rest: unknown[]]>(records: T[]) =>
    records.filter(([at]) => at !== offset);
  history.log[partition] = without(history.log[partition]!);
  for (const poll of [...history.polls, ...history.memberPolls]) {
    if (poll.partition === partition) poll.records = without(poll.records);
  }
}

describe('a history in which all is well', () => {
  const view = new HistoryView(operationsOf(soundHistory()));

  it.each(allCheckers.map((checker) => [checker.name, checker] as const))(
    'passes %s, which has something to look at',
    (_, checker) => {
      const verdict = checker.check(view);
      expect(verdict.anomalies).toEqual([]);
      expect(verdict.checked).toBeGreaterThan(0);
    },
  );
});

/** One seeded fault each: what is changed, and the only checkers that find it. */
const seeds: [what: string, by: string[], change: (history: SoundHistory) => void][] = [
  ['an acknowledged record that is nowhere', ['lost-write'], (history) => forget(history, 0, 2)],
  [
    'an acknowledged record whose offset nobody was told, and that is nowhere',
    ['lost-write'],
    (history) => {
      forget(history, 0, 2);
      history.sends[2]!.offset = null;
    },
  ],
  [
    'a record of an idempotent producer that is stored twice',
    ['duplicate'],
    ({ log, polls, memberPolls }) => {
      log[0]!.push([5, 'writer/0', 0]);
      for (const poll of [polls[1]!, memberPolls[1]!]) {
        poll.records.push([5, 'writer/0']);
        poll.logEnd = 6;
      }
    },
  ],
  [
    'a record that was sent once and is stored twice',
    ['duplicate'],
    ({ log, polls, memberPolls }) => {
      log[1]!.push([5, 'other/0', 0]);
      for (const poll of [polls[3]!, memberPolls[3]!]) {
        poll.records.push([5, 'other/0']);
        poll.logEnd = 6;
      }
    },
  ],
  [
    'an offset that was given to two records',
    ['lost-write', 'inconsistent-offsets'],
    ({ sends }) => {
      sends.push({ ...sends[4]!, process: 'late', values: ['late/0'], begunMs: 600 });
    },
  ],
  [
    'a refused record that is in the log',
    ['aborted-read'],
    ({ sends }) => Object.assign(sends[1]!, { outcome: 'refused', offset: null, why: 'no' }),
  ],
  [
    'a record that nobody sent',
    ['aborted-read'],
    ({ sends }) => {
      sends.splice(1, 1);
    },
  ],
  [
    'a sequence that was refused though nothing was lost',
    ['refused-sequence'],
    (history) => {
      forget(history, 0, 4);
      const why = 'OUT_OF_ORDER_SEQUENCE_NUMBER';
      Object.assign(history.sends[4]!, { outcome: 'refused', offset: null, why });
      history.sends.push({ ...history.sends[9]!, process: 'writer', begunMs: 610 });
    },
  ],
  [
    'an acknowledgement of an offset before the last one',
    ['nonmonotonic-send'],
    ({ sends }) => {
      const [first, second] = [sends[0]!, sends[1]!];
      [first.begunMs, second.begunMs] = [second.begunMs, first.begunMs];
      [first.endedMs, second.endedMs] = [second.endedMs, first.endedMs];
    },
  ],
  [
    'a consumer that goes back',
    ['nonmonotonic-poll'],
    ({ polls }) => polls[1]!.records.unshift([2, 'writer/2']),
  ],
  [
    'a consumer that passes over a record, though it comes back for it as another',
    ['poll-skip'],
    ({ polls, memberPolls }) => {
      memberPolls[0]!.records.splice(1, 1);
      memberPolls.push({ ...polls[0]!, process: 'member-3', how: 'subscribe', group: 'group' });
    },
  ],
  [
    'a consumer that is told that its offset is out of range',
    ['poll-skip'],
    ({ polls }) => {
      const why = 'OFFSET_OUT_OF_RANGE';
      polls.push({ ...polls[0]!, outcome: 'refused', why, records: [], logEnd: null });
    },
  ],
  [
    'a record that a consumer never gets',
    ['unseen'],
    ({ polls }) => {
      polls[1]!.records.pop();
    },
  ],
  [
    'a group that never gets a partition',
    ['unseen'],
    (history) => (history.memberPolls = history.memberPolls.slice(0, 2)),
  ],
  [
    'a record that was read and is gone',
    ['final-log'],
    (history) => {
      Object.assign(history.sends[4]!, { outcome: 'unknown', offset: null });
      history.log[0]!.pop();
      history.sends.push({ ...history.sends[9]!, process: 'writer', begunMs: 610 });
    },
  ],
  [
    'a log that is another one in the memory of gateways',
    ['final-log'],
    ({ more }) => {
      more.push({ kind: 'final', reading: 1, partition: 0, records: [[5, 'x', 0]], end: 6 });
    },
  ],
  ['a leader epoch that falls', ['final-log'], ({ log }) => (log[0]![3]![2] = -1)],
  [
    'a log end that goes back',
    ['log-bounds'],
    ({ polls }) => {
      polls[0]!.logEnd = 9;
    },
  ],
  [
    'a gateway that appends in the epoch of another one',
    ['stale-leader-append'],
    ({ sends }) => {
      sends[2]!.gateway = 'gateway-2';
    },
  ],
  [
    'two owners of a partition in one generation',
    ['group-ownership'],
    ({ assigned }) => assigned[0]!.partitions!.push(1),
  ],
  [
    'a generation that falls',
    ['group-ownership'],
    ({ assigned }) => {
      assigned.push({ ...assigned[0]!, begunMs: 700, endedMs: 710 });
    },
  ],
  [
    'a commit of an old generation that is taken',
    ['stale-commit'],
    ({ commits }) => {
      commits[1]!.generation = 1;
    },
  ],
  [
    'a committed offset that goes back',
    ['committed-offset'],
    ({ committed }) => {
      committed[2]!.offset = 3;
    },
  ],
  [
    'a committed offset of which nobody knows',
    ['committed-offset'],
    ({ committed }) => {
      committed[0]!.offset = 0;
    },
  ],
  [
    'a producer that never comes back',
    ['liveness'],
    (history) => {
      history.sends[4]!.begunMs = 540;
    },
  ],
  [
    'a client that does not end',
    ['liveness'],
    ({ more }) => more.push({ kind: 'stuck', process: 'reader', atMs: 1 }),
  ],
  [
    'a gateway that ends by itself',
    ['crash'],
    ({ more }) => {
      more.push({ kind: 'crash', gateway: 'gateway-1', atMs: 1, code: '1', output: 'oh' });
    },
  ],
];

describe('a seeded fault', () => {
  it.each(seeds)('%s is found by %j alone', (_, by, change) => {
    expect(Object.keys(found(seeded(change))).sort()).toEqual([...by].sort());
  });

  it('of every kind is there: each checker has found one', () => {
    const finders = new Set(seeds.flatMap(([, by]) => by));
    expect([...finders].sort()).toEqual(allCheckers.map(({ name }) => name).sort());
  });
});

describe('what is promised', () => {
  it('lets a power cut take what was acknowledged just before it with acks=1', () => {
    const history = seeded((one) => {
      forget(one, 0, 2);
      one.faults.push(lossAt(400));
    });
    expect(found(history)).toEqual({});
    expect(allowed(history, 'lost-write')).toBe(1);
  });

  it('lets it take nothing that was acknowledged with acks=all', () => {
    const history = seeded((one) => {
      forget(one, 0, 2);
      one.sends[2]!.acks = -1;
      one.faults.push(lossAt(400));
    });
    expect(Object.keys(found(history))).toEqual(['lost-write']);
  });

  it('lets it take nothing that was acknowledged with acks=all and is on the disk', () => {
    const history = seeded((one) => {
      forget(one, 0, 2);
      one.sends[2]!.acks = -1;
      one.faults.push({ ...lossAt(400), mayLoseMs: { one: 100, all: 100 } });
    });
    expect(found(history)).toEqual({});
    history.onDisk = true;
    expect(Object.keys(found(history))).toEqual(['lost-write']);
  });

  it('lets it take back what the high watermark was, of a topic that asks for copies', () => {
    const history = seeded(({ polls, faults }) => {
      polls[0]!.logEnd = 9;
      faults.push(lossAt(400));
    });
    expect(Object.keys(found(history))).toEqual(['log-bounds']);
    history.copies = 2;
    expect(found(history)).toEqual({});
    expect(allowed(history, 'log-bounds')).toBe(1);
    history.faults = [];
    expect(Object.keys(found(history))).toEqual(['log-bounds']);
  });

  it('lets it take nothing that was read of a topic that asks for copies', () => {
    const history = seeded((one) => {
      one.log[0]!.splice(2, 1);
      one.faults.push(lossAt(400));
    });
    expect(found(history)).toEqual({});
    expect(allowed(history, 'final-log')).toBeGreaterThan(0);
    history.copies = 2;
    expect(Object.keys(found(history))).toEqual(['final-log']);
  });

  it('lets it take nothing that is older, or younger', () => {
    for (const atMs of [200, 600]) {
      const history = seeded((one) => {
        forget(one, 0, 2);
        one.faults.push(lossAt(atMs));
      });
      expect(Object.keys(found(history))).toEqual(['lost-write']);
    }
  });

  it('never lets it give an offset to another record', () => {
    const history = seeded(({ sends, faults }) => {
      sends.push({ ...sends[4]!, process: 'late', values: ['late/0'], begunMs: 600 });
      faults.push(lossAt(650));
    });
    expect(Object.keys(found(history))).toContain('inconsistent-offsets');
  });

  it('lets a partition forget leader epochs beyond those that it remembers', () => {
    const history = seeded(({ log, sends, more }) => {
      const [first, second] = [7, 64 + 7];
      log[0]!.forEach((record, at) => (record[2] = at < 3 ? first : second));
      sends[1]!.gateway = 'gateway-2';
      const records = log[0]!.map(([offset, value, epoch]): FinalRecord => [
        offset,
        value,
        offset < 2 ? first - 1 : epoch,
      ]);
      more.push({ kind: 'final', reading: 1, partition: 0, records, end: 5 });
    });
    history.rereads = [1];
    expect(found(history)).toEqual({});
    // Of an epoch that is remembered all is as it was.
    history.sends[4]!.gateway = 'gateway-2';
    expect(Object.keys(found(history))).toEqual(['stale-leader-append']);
    history.sends[4]!.gateway = 'gateway-1';
    history.log[0]![4]![2] = 64 + 8;
    expect(Object.keys(found(history))).toEqual(['final-log']);
  });

  it('lets a client that is not idempotent and repeats store a record twice', () => {
    const history = seeded(({ sends, log, polls, memberPolls }) => {
      Object.assign(sends[5]!, { attempts: null, client: 'kafkajs' });
      log[1]!.push([5, 'other/0', 0]);
      for (const poll of [polls[3]!, memberPolls[3]!]) {
        poll.records.push([5, 'other/0']);
        poll.logEnd = 6;
      }
    });
    expect(found(history)).toEqual({});
    expect(allowed(history, 'duplicate')).toBe(1);
  });

  it('lets it take what was written just before it, whoever read it of memory later', () => {
    const history = seeded((one) => {
      one.log[0]!.splice(2, 1);
      for (const poll of [one.polls[0]!, one.memberPolls[0]!]) poll.endedMs += 300;
      one.faults.push(lossAt(400));
    });
    expect(found(history)).toEqual({});
    expect(allowed(history, 'final-log')).toBeGreaterThan(0);
    // It was written so long ago that it was on the disk, though it was read just before.
    history.faults = [lossAt(470)];
    expect(Object.keys(found(history))).toContain('final-log');
  });
});

/** Where `member-1` was told to go on in partition 0. */
function placed(offset: number, atMs: number): Position {
  const about = { process: 'member-1', group, partition: 0, offset };
  return { kind: 'position', ...about, begunMs: atMs, endedMs: atMs };
}

/** The group's members are of a library that does not tell when it asked. */
function untold(change: (history: SoundHistory) => void): SoundHistory {
  return seeded((history) => {
    for (const poll of history.memberPolls) poll.asked = null;
    change(history);
  });
}

/** Partition 0 comes to `member-1` by requests 1 from 0 and 2 from 3; its group told it once. */
function told(change: (history: SoundHistory) => void): SoundHistory {
  return seeded((history) => {
    history.more.push(placed(0, 290));
    change(history);
  });
}

describe('what a library may do', () => {
  it('is to hand over once what it had fetched before its group moved', () => {
    const history = untold(({ memberPolls }) => memberPolls[1]!.records.unshift([2, 'writer/2']));
    history.assigned = history.assigned.slice(0, 2);
    expect(found(history)).toEqual({});
    expect(allowed(history, 'nonmonotonic-poll')).toBe(1);
    history.memberPolls[1]!.records.push([3, 'writer/3']);
    expect(Object.keys(found(history))).toContain('nonmonotonic-poll');
  });

  it('is to ask twice at once: the second answer goes back, and it goes on from there', () => {
    const history = told(({ memberPolls }) => {
      const [first, second] = memberPolls;
      // Asked before the first one was answered, and answered after the second one.
      const late = { begunMs: 310, endedMs: 660, logEnd: null };
      memberPolls.push({ ...first!, asked: { request: 9, from: 0 }, ...late });
      const asked = { request: 10, from: 3 };
      memberPolls.push({ ...second!, asked, begunMs: 670, endedMs: 680 });
    });
    expect(found(history)).toEqual({});
    expect(allowed(history, 'nonmonotonic-poll')).toBe(1);
    expect(history.memberPolls[4]!.begunMs).toBe(310);
    // It had all three records when it asked: so it has gone back.
    history.memberPolls[4]!.begunMs = 655;
    expect(Object.keys(found(history))).toEqual(['nonmonotonic-poll']);
  });

  it('is not to be given a record twice by one answer', () => {
    const history = told(({ memberPolls }) => memberPolls[1]!.records.push([4, 'writer/4']));
    expect(Object.keys(found(history))).toEqual(['nonmonotonic-poll']);
  });

  it('is to go back where its group tells it to, and only then', () => {
    const history = told(({ memberPolls, more }) => {
      const asked = { request: 9, from: 1 };
      memberPolls[1]!.asked = asked;
      memberPolls[1]!.records.unshift([1, 'writer/1'], [2, 'writer/2']);
      more.push(placed(1, 590));
    });
    expect(found(history)).toEqual({});
    expect(allowed(history, 'nonmonotonic-poll')).toBe(0);
    // A new generation is no new position where a client tells its positions.
    history.more.pop();
    expect(Object.keys(found(history))).toEqual(['nonmonotonic-poll']);
  });

  it('is to be given after its new position what it had asked for before', () => {
    const history = told(({ memberPolls, more }) => {
      const [first, second] = memberPolls;
      // The group says 0 once more; the answer to an older request comes between the new ones.
      more.push(placed(0, 560));
      memberPolls.push({ ...first!, asked: { request: 9, from: 0 }, begunMs: 570, endedMs: 580 });
      Object.assign(second!, { begunMs: 550, endedMs: 590 });
    });
    expect(found(history)).toEqual({});
  });

  it('is not to be given anything but the first record from where it asks', () => {
    const history = told(({ memberPolls, more }) => {
      memberPolls[1]!.asked = { request: 9, from: 2 };
      more.push(placed(2, 590));
      memberPolls.push({ ...memberPolls[0]!, process: 'member-3' });
    });
    expect(Object.keys(found(history))).toEqual(['poll-skip']);
  });
});
