import { ErrorCode } from '@sluice/wire';
import { ClusterClient } from './cluster-client';
import { retryPauseMs, type ClientContext } from './context';
import { fetchOnce } from './fetching';
import { GroupSession, PlaceLost, type Place } from './group-session';
import { LoopingClient } from './looping-client';
import { pollOf } from './raw-reader';

const heartbeatEveryMs = 300;
/** A member stays so long, then leaves and comes back as a new one. */
const stayMs = { least: 4_000, most: 15_000 };
const awayMsMax = 500;

/** These say that the member is none any more, and has to come as a new one. */
const forgotten = new Set<number>([ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.FENCED_INSTANCE_ID]);

/** A member of a group, by our own wire library, that commits after each fetch. */
export class RawMember extends LoopingClient {
  readonly #cluster: ClusterClient;
  readonly #session: GroupSession;
  #isChurning = true;
  #fetches = 0;

  constructor(
    name: string,
    private readonly group: string,
    private readonly context: ClientContext,
  ) {
    super(name);
    this.#cluster = new ClusterClient(context, name);
    this.#session = new GroupSession(this.#cluster, group, context.topic, context.partitions);
  }

  /** From now on it leaves only when it is told to stop. */
  settle(): void {
    this.#isChurning = false;
  }

  protected async run(): Promise<void> {
    while (!this.isStopping) {
      try {
        await this.#join();
      } catch (error) {
        if (error instanceof PlaceLost && forgotten.has(error.code)) this.#session.forget();
        await this.pause(retryPauseMs);
      }
    }
    await this.#cluster.close();
  }

  async #join(): Promise<void> {
    const { history, random } = this.context;
    const begunMs = history.now();
    const place = await this.#session.join();
    history.add({
      kind: 'assigned',
      process: this.name,
      begunMs,
      endedMs: history.now(),
      group: this.group,
      member: place.memberId,
      generation: place.generation,
      partitions: place.partitions,
    });
    const leavesMs = history.now() + random.between(stayMs.least, stayMs.most);
    await this.#hold(place, () => this.#isChurning && history.now() > leavesMs);
    await this.#session.leave(place);
    if (!this.isStopping) await this.pause(random.between(0, awayMsMax));
  }

  /** Heartbeats and reads until it is to leave. Throws when its place is lost. */
  async #hold(place: Place, isOver: () => boolean): Promise<void> {
    const over = { value: false, failure: null as unknown };
    const fail = (error: unknown) => {
      over.failure ??= error;
      over.value = true;
    };
    const beats = this.#beat(place, over, isOver).catch(fail);
    const reads = place.partitions.map((one) => this.#read(place, one, over).catch(fail));
    await Promise.all([beats, ...reads]);
    if (over.failure !== null) throw over.failure;
  }

  async #beat(place: Place, over: { value: boolean }, isOver: () => boolean): Promise<void> {
    while (!over.value) {
      await this.pause(heartbeatEveryMs);
      if (this.isStopping || isOver()) {
        over.value = true;
        return;
      }
      await this.#session.heartbeat(place);
    }
  }

  async #read(place: Place, partition: number, over: { value: boolean }): Promise<void> {
    const { history, topic } = this.context;
    const about = { process: this.name, how: 'subscribe', group: this.group, partition } as const;
    let offset = (await this.#position(partition)) ?? 0;
    while (!over.value) {
      const begunMs = history.now();
      const fetched = await fetchOnce(this.#cluster, topic, { partition, offset });
      const asked = { request: ++this.#fetches, from: offset };
      const poll = pollOf(fetched, { ...about, asked, begunMs, endedMs: history.now() });
      if (poll !== null) history.add(poll);
      if (fetched.outcome !== 'done') await this.pause(retryPauseMs);
      if (fetched.next === offset) continue;
      offset = fetched.next;
      await this.#commit(place, partition, offset);
    }
  }

  async #position(partition: number): Promise<number | null> {
    const { history } = this.context;
    const begunMs = history.now();
    const about = { process: this.name, group: this.group, partition };
    const offset = await this.#session.committed(partition);
    const times = { begunMs, endedMs: history.now() };
    history.add({ kind: 'committed', ...about, ...times, outcome: 'done', offset });
    return offset;
  }

  async #commit(place: Place, partition: number, offset: number): Promise<void> {
    const { history } = this.context;
    const begunMs = history.now();
    const { outcome, why, code } = await this.#session.commit(place, partition, offset);
    const { memberId: member, generation } = place;
    const about = { process: this.name, group: this.group, member, generation, partition, offset };
    const failed = why === undefined ? {} : { why };
    const times = { begunMs, endedMs: history.now() };
    history.add({ kind: 'commit', ...about, ...times, outcome, ...failed });
    if (code !== null && code !== ErrorCode.NONE) throw new PlaceLost(code);
  }
}
