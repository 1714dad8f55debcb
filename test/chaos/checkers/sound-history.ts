import type {
  Assigned,
  Commit,
  Committed,
  FaultNote,
  Operation,
  Poll,
  Send,
  SeenRecord,
} from '../history/operation';

/** A small history in which all is well, for seeding it with single faults. */
export interface SoundHistory {
  /** Two partitions' worth of sends: of `writer` to partition 0, of `other` to partition 1. */
  sends: Send[];
  /** By `reader`, of both partitions. */
  polls: Poll[];
  /** By `member-1` of partition 0 and `member-2` of partition 1, in one group. */
  memberPolls: Poll[];
  /** Generation 1, both members; then generation 2, both again. */
  assigned: Assigned[];
  commits: Commit[];
  committed: Committed[];
  faults: FaultNote[];
  /** What the topic asks for. */
  copies: number;
  onDisk: boolean;
  /** The final log, by partition. */
  log: [offset: number, value: string, epoch: number][][];
  /** The partitions of which the first of the two final readings is the same as the second. */
  rereads: number[] | null;
  healedMs: number;
  more: Operation[];
}

const writers = ['writer', 'other'];
const count = 5;
export const group = 'group';

/** Each batch has one record, sent at 100 ms, 200 ms and so on. */
export function soundHistory(): SoundHistory {
  const partitions = [0, 1];
  const offsets = Array.from({ length: count }, (_, offset) => offset);
  const sends = partitions.flatMap((partition) => offsets.map((at) => sendOf(partition, at)));
  const log = partitions.map((partition) =>
    offsets.map((offset): [number, string, number] => [offset, valueOf(partition, offset), 0]),
  );
  const halves = [offsets.slice(0, 3), offsets.slice(3)];
  const read = (process: string, how: Poll['how'], partition: number) =>
    halves.map((half, at) => pollOf(process, how, partition, half, 300 + at * 300));
  return {
    sends,
    log,
    polls: partitions.flatMap((partition) => read('reader', 'assign', partition)),
    memberPolls: partitions.flatMap((one) => read(`member-${one + 1}`, 'subscribe', one)),
    assigned: [1, 2].flatMap((generation) =>
      partitions.map((partition) => assignedOf(generation, partition)),
    ),
    commits: [commitOf(1, 0, 3, 350), commitOf(2, 0, 5, 650), commitOf(2, 1, 5, 660)],
    committed: [fetchedOf(0, null, 100), fetchedOf(0, 3, 450), fetchedOf(0, 5, 700)],
    faults: [],
    copies: 1,
    onDisk: false,
    rereads: null,
    healedMs: 550,
    more: [],
  };
}

/** All of it as a run writes it down. */
export function operationsOf(history: SoundHistory): Operation[] {
  const { sends, polls, memberPolls, assigned, commits, committed, faults, log, more } = history;
  const run: Operation = {
    kind: 'run',
    command: 'npm run chaos',
    commit: 'abc',
    seed: 1,
    setUp: 'single',
    seconds: 1,
    slowness: 1,
    versions: {},
    partitions: log.length,
    copies: history.copies,
    onDisk: history.onDisk,
    producers: writers,
    readers: ['reader'],
    groups: [group],
  };
  const final = ([1, 2] as const).flatMap((reading) =>
    log.flatMap((records, partition): Operation[] => {
      if (reading === 1 && history.rereads?.includes(partition) === false) return [];
      const end = (records.at(-1)?.[0] ?? -1) + 1;
      return [{ kind: 'final', reading, partition, records, end }];
    }),
  );
  const healed: Operation = { kind: 'healed', atMs: history.healedMs };
  const all = [...sends, ...polls, ...memberPolls, ...assigned, ...commits, ...committed];
  return [run, ...all, ...faults, healed, ...final, ...more];
}

/** A fault that may take what was acknowledged up to 100 ms before it. */
export function lossAt(begunMs: number): FaultNote {
  const mayLoseMs = { one: 100, all: 0 };
  const about = { fault: 'power-cut-everysec', target: 'redis', mayLoseMs };
  return { kind: 'fault', ...about, begunMs, endedMs: begunMs + 10 };
}

function valueOf(partition: number, offset: number): string {
  return `${writers[partition]}/${offset}`;
}

function sendOf(partition: number, offset: number): Send {
  const begunMs = (offset + 1) * 100;
  return {
    kind: 'send',
    client: 'raw',
    process: writers[partition]!,
    begunMs: begunMs + (offset === count - 1 ? 100 : 0),
    endedMs: begunMs + (offset === count - 1 ? 150 : 50),
    outcome: 'done',
    partition,
    values: [valueOf(partition, offset)],
    offset,
    acks: 1,
    idempotent: partition === 0,
    attempts: 1,
    gateway: 'gateway-1',
  };
}

function pollOf(
  process: string,
  how: Poll['how'],
  partition: number,
  offsets: readonly number[],
  begunMs: number,
): Poll {
  const records = offsets.map((offset): SeenRecord => [offset, valueOf(partition, offset)]);
  return {
    kind: 'poll',
    client: 'raw',
    process,
    begunMs,
    endedMs: begunMs + 50,
    outcome: 'done',
    how,
    group: how === 'assign' ? null : group,
    partition,
    asked: { request: begunMs, from: offsets[0]! },
    records,
    logStart: 0,
    logEnd: offsets.at(-1)! + 1,
    gateway: 'gateway-1',
  };
}

function assignedOf(generation: number, partition: number): Assigned {
  const process = `member-${partition + 1}`;
  const begunMs = (generation - 1) * 400 + 10;
  return {
    kind: 'assigned',
    process,
    begunMs,
    endedMs: begunMs + 10,
    group,
    member: process,
    generation,
    partitions: [partition],
  };
}

function commitOf(generation: number, partition: number, offset: number, begunMs: number): Commit {
  const process = `member-${partition + 1}`;
  const about = { process, group, member: process, generation, partition, offset };
  return { kind: 'commit', ...about, begunMs, endedMs: begunMs + 10, outcome: 'done' };
}

function fetchedOf(partition: number, offset: number | null, begunMs: number): Committed {
  const about = { process: 'member-1', group, partition, offset };
  return { kind: 'committed', ...about, begunMs, endedMs: begunMs + 10, outcome: 'done' };
}
