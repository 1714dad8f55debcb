import { partitionLimits } from '@sluice/log';
import type { FaultNote, FinalRecord, Operation, Poll, Send } from './operation';

type Kind = Operation['kind'];
type Of<K extends Kind> = Extract<Operation, { kind: K }>;

/** The final log of a partition, as one reading had it. */
export interface FinalLog {
  records: FinalRecord[];
  end: number | null;
}

/** A value at an offset, with where it was seen and when. */
export interface Sighting {
  partition: number;
  offset: number;
  value: string;
  atMs: number;
  /** In words, for messages. */
  by: string;
}

/** A history, with what checkers look up in it. */
export class HistoryView {
  readonly #byKind = new Map<Kind, Operation[]>();
  #sendOfValue: Map<string, Send> | null = null;
  #finalLogs: Map<number, FinalLog> | null = null;
  #finalOffsets: Map<number, Map<number, FinalRecord>> | null = null;

  constructor(operations: readonly Operation[]) {
    for (const operation of operations) {
      const all = this.#byKind.get(operation.kind);
      if (all) all.push(operation);
      else this.#byKind.set(operation.kind, [operation]);
    }
  }

  /** All operations of a kind, in the order in which they ended. */
  of<K extends Kind>(kind: K): readonly Of<K>[] {
    return (this.#byKind.get(kind) ?? []) as Of<K>[];
  }

  /** Those, too, that could not be brought to their end: they may have lost something. */
  get faults(): readonly FaultNote[] {
    return this.of('fault');
  }

  /** When every fault was over; null where the run did not come so far. */
  get healedMs(): number | null {
    return this.of('healed')[0]?.atMs ?? null;
  }

  /** The polls that brought records. */
  get reads(): readonly Poll[] {
    return this.of('poll').filter(({ records }) => records.length > 0);
  }

  /** The operation that sent a value. */
  sendOf(value: string): Send | undefined {
    this.#sendOfValue ??= new Map(
      this.of('send').flatMap((send) => send.values.map((sent) => [sent, send] as const)),
    );
    return this.#sendOfValue.get(value);
  }

  /** The final logs by partition, as one of the two readings has them: the second is Redis' own. */
  finalLogs(reading: 1 | 2 = 2): Map<number, FinalLog> {
    if (reading === 2 && this.#finalLogs) return this.#finalLogs;
    const logs = new Map<number, FinalLog>();
    for (const piece of this.of('final')) {
      if (piece.reading !== reading) continue;
      const log = logs.get(piece.partition) ?? { records: [], end: null };
      for (const record of piece.records) log.records.push(record);
      logs.set(piece.partition, { ...log, end: piece.end ?? log.end });
    }
    if (reading === 2) this.#finalLogs = logs;
    return logs;
  }

  /**
   * With how many acks a record that was read is as safe: a topic that asks for copies, or for the
   * disk, shows its readers nothing that has not got there.
   */
  readAcks(value: string): 1 | -1 {
    const run = this.of('run')[0];
    const isConfirmed = run !== undefined && (run.copies > 1 || run.onDisk);
    return isConfirmed ? -1 : (this.sendOf(value)?.acks ?? 1);
  }

  /**
   * The leader epoch of a partition that stands for all before it, too: a partition remembers its
   * last ones, and tells the oldest of these for what is older. Null where it remembers all.
   */
  mergedEpoch(partition: number): number | null {
    let [oldest, latest] = [Infinity, 0];
    for (const [, , epoch] of this.finalLogs().get(partition)?.records ?? []) {
      oldest = Math.min(oldest, epoch);
      latest = Math.max(latest, epoch);
    }
    return latest < partitionLimits.leaderEpochsMax ? null : oldest;
  }

  /** The record of the final log at an offset. */
  finalAt(partition: number, offset: number): FinalRecord | undefined {
    this.#finalOffsets ??= new Map(
      [...this.finalLogs()].map(([index, { records }]) => [
        index,
        new Map(records.map((record) => [record[0], record])),
      ]),
    );
    return this.#finalOffsets.get(partition)?.get(offset);
  }

  /** Every value that was seen at an offset: by acknowledgements, by polls, in the final log. */
  *sightings(): Generator<Sighting> {
    for (const { outcome, values, offset, partition, endedMs, process } of this.of('send')) {
      if (outcome !== 'done' || offset === null) continue;
      const by = `the acknowledgement to ${process}`;
      for (const [i, value] of values.entries()) {
        yield { partition, offset: offset + i, value, atMs: endedMs, by };
      }
    }
    for (const { partition, records, endedMs, process } of this.of('poll')) {
      for (const [offset, value] of records) {
        yield { partition, offset, value, atMs: endedMs, by: `a poll of ${process}` };
      }
    }
    for (const [partition, { records }] of this.finalLogs()) {
      for (const [offset, value] of records) {
        yield { partition, offset, value, atMs: Infinity, by: 'the final log' };
      }
    }
  }

  /**
   * Whether what was acknowledged or seen at a moment may be lost by what is promised: by a fault
   * that came so soon after it.
   *
   * @param acks what the record was sent with
   */
  mayBeLost(acks: 1 | -1, { begunMs, endedMs }: { begunMs: number; endedMs: number }): boolean {
    if (acks === -1 && this.of('run')[0]?.onDisk === true) return false;
    return this.faults.some((fault) => {
      const lossMs = acks === 1 ? fault.mayLoseMs.one : fault.mayLoseMs.all;
      return lossMs > 0 && endedMs >= fault.begunMs - lossMs && begunMs <= fault.endedMs;
    });
  }
}
