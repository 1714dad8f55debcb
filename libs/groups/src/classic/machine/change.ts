import type { JoinResult, SyncResult } from '../../api';
import { joinRefusal, syncRefusal } from './answers';
import type { Reply, Step, TimerChange } from './events';
import type { Group, Member, TimerId } from './group';
import { checkTransition, type GroupState } from './states';

/**
 * One step in the making: the group as it will be, and what is to be done. The group it began with
 * is not touched, so a step that cannot be stored is simply dropped.
 */
export class Change {
  #group: Group;
  #ownsMembers = false;
  readonly #replies: Reply[] = [];
  readonly #timers: TimerChange[] = [];

  constructor(group: Group) {
    this.#group = group;
  }

  get group(): Group {
    return this.#group;
  }

  finish(): Step {
    return { group: this.#group, replies: this.#replies, timers: this.#timers };
  }

  set(fields: Partial<Omit<Group, 'groupId' | 'state' | 'members' | 'pending'>>): void {
    this.#group = { ...this.#group, ...fields };
  }

  enter(state: GroupState): void {
    checkTransition(this.#group.state, state);
    this.#group = { ...this.#group, state };
  }

  /** Adds a member, or puts a changed one in its place. */
  put(member: Member): void {
    this.#members().set(member.memberId, member);
  }

  /** Takes a member out and cancels its session; the caller answers what it has parked. */
  remove(memberId: string): void {
    this.#members().delete(memberId);
    this.cancelTimer(`session/${memberId}`);
  }

  putPending(memberId: string, sessionTimeoutMs: number): void {
    const pending = new Map(this.#group.pending).set(memberId, sessionTimeoutMs);
    this.#group = { ...this.#group, pending };
    this.setTimer(`pending/${memberId}`, sessionTimeoutMs);
  }

  removePending(memberId: string): void {
    const pending = new Map(this.#group.pending);
    pending.delete(memberId);
    this.#group = { ...this.#group, pending };
    this.cancelTimer(`pending/${memberId}`);
  }

  setTimer(timer: TimerId, delayMs: number): void {
    this.#timers.push({ timer, delayMs });
  }

  cancelTimer(timer: TimerId): void {
    this.#timers.push({ timer, delayMs: null });
  }

  /** The member has been heard of: its session starts anew. */
  restartSession(member: Member): void {
    this.setTimer(`session/${member.memberId}`, member.sessionTimeoutMs);
  }

  replyJoin(ticket: number, result: JoinResult): void {
    this.#replies.push({ kind: 'join', ticket, result });
  }

  replySync(ticket: number, result: SyncResult): void {
    this.#replies.push({ kind: 'sync', ticket, result });
  }

  replyPlain(ticket: number, errorCode: number): void {
    this.#replies.push({ kind: 'plain', ticket, result: { errorCode } });
  }

  reply(reply: Reply): void {
    this.#replies.push(reply);
  }

  /** Answers whatever a member has parked with a refusal, and gives back the member without it. */
  refuseParked(member: Member, errorCode: number): Member {
    if (member.joinTicket !== null) {
      this.replyJoin(member.joinTicket, joinRefusal(errorCode, member.memberId));
    }
    if (member.syncTicket !== null) this.replySync(member.syncTicket, syncRefusal(errorCode));
    return { ...member, joinTicket: null, syncTicket: null };
  }

  #members(): Map<string, Member> {
    if (!this.#ownsMembers) {
      this.#group = { ...this.#group, members: new Map(this.#group.members) };
      this.#ownsMembers = true;
    }
    return this.#group.members as Map<string, Member>;
  }
}
