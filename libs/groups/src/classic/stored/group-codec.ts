import { formatField, stateFormats } from '../../store/format';
import type { StateChanges } from '../../store/group-states';
import { type Group, type Member, noBytes, sameProtocols } from '../machine/group';
import { GroupState } from '../machine/states';
import { parseObject } from '../../store/parse-object';
import { checkGroup, checkHead, checkMember } from './checks';

/** A member as it is stored; its assignment is a field of its own, as it changes at other times. */
export interface StoredMember {
  instanceId: string | null;
  clientId: string;
  clientHost: string;
  sessionTimeoutMs: number;
  rebalanceTimeoutMs: number;
  /** Name, and metadata in base64. */
  protocols: [string, string][];
}

/** The part of a group that lists need. */
export interface StoredHead {
  state: GroupState;
  generationId: number;
  protocolType: string | null;
  protocolName: string | null;
  leaderId: string | null;
}

interface Changes extends StateChanges {
  set: (string | Buffer)[];
  removed: string[];
}

const memberPrefix = 'member/';
const sharePrefix = 'share/';
const pendingPrefix = 'pending/';

/** What must be written for the store to hold `after` where it held `before`; null when nothing. */
export function changesBetween(before: Group, after: Group): StateChanges | null {
  const changes: Changes = { set: [], removed: [], emptiness: 'same' };
  if (encodeHead(after) !== encodeHead(before)) changes.set.push(...headFields(after));
  if (before.members !== after.members) compareMembers(before, after, changes);
  if (before.pending !== after.pending) comparePending(before, after, changes);
  const hadMembers = before.state !== GroupState.Empty;
  const hasMembers = after.state !== GroupState.Empty;
  if (hadMembers !== hasMembers) changes.emptiness = hasMembers ? 'ends' : 'begins';
  return changes.set.length + changes.removed.length > 0 ? changes : null;
}

/**
 * Reads a group from its hash. Fields that are not known are passed over.
 *
 * @throws Error that says what is not as a save writes it
 */
export function decodeGroup(groupId: string, fields: Readonly<Record<string, Buffer>>): Group {
  const members = new Map<string, Member>();
  const pending = new Map<string, number>();
  // Redis gives the fields in any order; here they get one that is the same each time.
  for (const field of Object.keys(fields).sort()) {
    const value = fields[field]!;
    if (field.startsWith(memberPrefix)) {
      const memberId = field.slice(memberPrefix.length);
      members.set(memberId, decodeMember(memberId, value, fields[sharePrefix + memberId]));
    } else if (field.startsWith(pendingPrefix)) {
      pending.set(field.slice(pendingPrefix.length), decodePending(field, value));
    } else if (field.startsWith(sharePrefix)) {
      const memberId = field.slice(sharePrefix.length);
      if (fields[memberPrefix + memberId] !== undefined) continue;
      throw new Error(`it has an assignment of "${memberId}", who is no member`);
    }
  }
  const head = decodeHead(fields['head']);
  const group: Group = { groupId, ...head, members, pending, initialDelay: null };
  checkGroup(group);
  return group;
}

/**
 * Reads the head of a group.
 *
 * @throws Error that says what is not as a save writes it
 */
export function decodeHead(head: Buffer | string | undefined): StoredHead {
  if (head === undefined) throw new Error('it has no head');
  const decoded = parseObject('its head', String(head));
  checkHead(decoded);
  const { state, generationId, protocolType, protocolName, leaderId } = decoded;
  return { state, generationId, protocolType, protocolName, leaderId };
}

/** What tells of which engine a group is, and how it stands. */
export function headFields(group: Group): string[] {
  return [formatField, String(stateFormats.classic), 'head', encodeHead(group)];
}

/** The head as it is stored. The state comes first, which expire.lua relies on. */
export function encodeHead(group: Group): string {
  const { state, generationId, protocolType, protocolName, leaderId } = group;
  const head: StoredHead = { state, generationId, protocolType, protocolName, leaderId };
  return JSON.stringify(head);
}

function compareMembers(before: Group, after: Group, changes: Changes): void {
  for (const member of after.members.values()) {
    const old = before.members.get(member.memberId);
    if (old === member) continue;
    if (old === undefined || !isStoredAlike(old, member)) {
      changes.set.push(memberPrefix + member.memberId, encodeMember(member));
    }
    if (!(old?.assignment ?? noBytes).equals(member.assignment)) {
      changes.set.push(sharePrefix + member.memberId, member.assignment);
    }
  }
  for (const member of before.members.values()) {
    if (after.members.has(member.memberId)) continue;
    changes.removed.push(memberPrefix + member.memberId, sharePrefix + member.memberId);
  }
}

function comparePending(before: Group, after: Group, changes: Changes): void {
  for (const [memberId, sessionTimeoutMs] of after.pending) {
    if (before.pending.get(memberId) === sessionTimeoutMs) continue;
    changes.set.push(pendingPrefix + memberId, String(sessionTimeoutMs));
  }
  for (const memberId of before.pending.keys()) {
    if (!after.pending.has(memberId)) changes.removed.push(pendingPrefix + memberId);
  }
}

function isStoredAlike(left: Member, right: Member): boolean {
  return (
    left.instanceId === right.instanceId &&
    left.clientId === right.clientId &&
    left.clientHost === right.clientHost &&
    left.sessionTimeoutMs === right.sessionTimeoutMs &&
    left.rebalanceTimeoutMs === right.rebalanceTimeoutMs &&
    sameProtocols(left.protocols, right.protocols)
  );
}

function encodeMember(member: Member): string {
  const { instanceId, clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs } = member;
  const stored: StoredMember = {
    instanceId,
    clientId,
    clientHost,
    sessionTimeoutMs,
    rebalanceTimeoutMs,
    protocols: member.protocols.map(({ name, metadata }) => [name, metadata.toString('base64')]),
  };
  return JSON.stringify(stored);
}

function decodeMember(memberId: string, value: Buffer, share: Buffer | undefined): Member {
  const decoded = parseObject(`its member "${memberId}"`, value.toString());
  checkMember(memberId, decoded);
  const { instanceId, clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs } = decoded;
  return {
    memberId,
    instanceId,
    clientId,
    clientHost,
    sessionTimeoutMs,
    rebalanceTimeoutMs,
    protocols: decoded.protocols.map(([name, metadata]) => ({
      name,
      metadata: Buffer.from(metadata, 'base64'),
    })),
    assignment: share ?? noBytes,
    joinTicket: null,
    syncTicket: null,
    isNew: false,
    owesSync: false,
  };
}

function decodePending(field: string, value: Buffer): number {
  const sessionTimeoutMs = Number(value.toString() || 'nothing');
  if (!Number.isSafeInteger(sessionTimeoutMs)) throw new Error(`its "${field}" is no time`);
  return sessionTimeoutMs;
}
