/**
 * What a run writes down, one line of JSON each. Times are milliseconds since the run began, by one
 * monotonic clock. An operation is written when it has ended.
 */
export type Operation =
  | RunNote
  | Send
  | Poll
  | Assigned
  | Position
  | Commit
  | Committed
  | FaultNote
  | Healed
  | Stuck
  | Crash
  | FinalRecords;

/**
 * `done`: the answer says so. `refused`: the answer says that nothing was done. `unknown`: it may
 * have been done or not, or may be done later.
 */
export type Outcome = 'done' | 'refused' | 'unknown';

export type ClientKind = 'raw' | 'kafkajs' | 'platformatic';

export interface Timed {
  begunMs: number;
  endedMs: number;
}

/** What a process did: one client that does one thing after the other. */
export interface Done extends Timed {
  process: string;
  outcome: Outcome;
  /** The error, where it was not done. */
  why?: string;
}

/** The first line: what the run was. */
export interface RunNote {
  kind: 'run';
  command: string;
  commit: string;
  seed: number;
  setUp: string;
  /** What the network is made of; missing: of proxies. */
  network?: string | undefined;
  seconds: number;
  /**
   * How slow the machine was when nothing was wrong yet, by the start of the set-up: 1 is as usual.
   * What is to happen soon may take as many times longer.
   */
  slowness: number;
  versions: Record<string, string>;
  partitions: number;
  /**
   * What `min.insync.replicas` of the topic is: as many as there are servers that have a record.
   * With more than one, readers are given what all of them have, whatever it was sent with.
   */
  copies: number;
  /**
   * Whether `sluice.ack.disk` of the topic is `all`: what is acknowledged with acks=all, or read,
   * is on the disk.
   */
  onDisk: boolean;
  producers: string[];
  /** Consumers of partitions of their own choice: of all of them. */
  readers: string[];
  groups: string[];
}

/** Records sent to one partition in one batch. Each value is sent by one operation only. */
export interface Send extends Done {
  kind: 'send';
  client: ClientKind;
  partition: number;
  values: string[];
  /** Of the first value; the others follow. Null where it is not known. */
  offset: number | null;
  acks: 1 | -1;
  idempotent: boolean;
  /** How often the batch was sent; null where the client repeats by itself. */
  attempts: number | null;
  /** Who answered at last; null where the client does not tell. */
  gateway: string | null;
}

/** Offset and value. */
export type SeenRecord = [offset: number, value: string];

/** Records that a consumer got. Polls that brought nothing are not written. */
export interface Poll extends Done {
  kind: 'poll';
  client: ClientKind;
  how: 'assign' | 'subscribe';
  /** Null under `assign`. */
  group: string | null;
  partition: number;
  /** Null where the client does not tell; `begunMs` is then no more than a guess. */
  asked: Asked | null;
  records: SeenRecord[];
  /** What the answer said of the log; null where the client does not tell. */
  logStart: number | null;
  logEnd: number | null;
  gateway: string | null;
}

/** The request that brought the records of a poll. */
export interface Asked {
  /** Its number among those of its process: one request may bring several polls. */
  request: number;
  /** The offset that it asked for. */
  from: number;
}

/** What a member of a group was given; from here on its positions are those of the group. */
export interface Assigned extends Timed {
  kind: 'assigned';
  process: string;
  group: string;
  member: string;
  /** Null where the client does not tell. */
  generation: number | null;
  /** Null: all is taken away. */
  partitions: number[] | null;
}

/**
 * Where a member of a group goes on in a partition, as it has been told by its group, or by its
 * own rule where its group has committed nothing. Written by clients that tell it.
 */
export interface Position extends Timed {
  kind: 'position';
  process: string;
  group: string;
  partition: number;
  offset: number;
}

/** A commit of one partition. */
export interface Commit extends Done {
  kind: 'commit';
  group: string;
  member: string;
  generation: number;
  partition: number;
  offset: number;
}

/** What a group answered for its committed offset; null: none. */
export interface Committed extends Done {
  kind: 'committed';
  group: string;
  partition: number;
  offset: number | null;
}

/** A fault, from its beginning to its end. */
export interface FaultNote extends Timed {
  kind: 'fault';
  fault: string;
  target: string;
  /** For how long before `begunMs` acknowledged records may be lost, by the number of acks. */
  mayLoseMs: { one: number; all: number };
  /** Why it could not be done after all. */
  failed?: string;
}

/** Every fault is over; from here on everything has to work. */
export interface Healed {
  kind: 'healed';
  atMs: number;
}

/** A client that did not end when it was told to. */
export interface Stuck {
  kind: 'stuck';
  process: string;
  atMs: number;
}

/** A gateway that served and ended, though nobody had told it to. */
export interface Crash {
  kind: 'crash';
  gateway: string;
  atMs: number;
  /** The exit code or the signal. */
  code: string;
  /** The end of what it had said. */
  output: string;
}

/** A record of the final log: offset, value, leader epoch. */
export type FinalRecord = [offset: number, value: string, epoch: number];

/** A piece of the final log: what was read from its start to its end after everything. */
export interface FinalRecords {
  kind: 'final';
  /** Once as gateways have it that lived through the run, once from Redis by new ones. */
  reading: 1 | 2;
  partition: number;
  records: FinalRecord[];
  /** One past the last offset; with the last piece only. */
  end: number | null;
}
