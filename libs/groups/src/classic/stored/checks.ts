import type { Unchecked } from '../../store/parse-object';
import { type Group, staticMemberId } from '../machine/group';
import { GroupState } from '../machine/states';
import type { StoredHead, StoredMember } from './group-codec';

const storedStates: readonly unknown[] = Object.values(GroupState).filter(
  (state) => state !== GroupState.Dead,
);

/** Checks the fields of a head. @throws Error that names the first that is wrong */
export function checkHead(head: Unchecked): asserts head is Unchecked & StoredHead {
  const { state, generationId, protocolType, protocolName, leaderId } = head;
  if (!storedStates.includes(state)) throw new Error(`its state "${String(state)}" is unknown`);
  if (!isCount(generationId)) throw new Error('its generation is no number');
  for (const [name, value] of Object.entries({ protocolType, protocolName, leaderId })) {
    if (!isTextOrNull(value)) throw new Error(`its head has no ${name}`);
  }
}

/** Checks the fields of a member. @throws Error that names the first that is wrong */
export function checkMember(
  memberId: string,
  member: Unchecked,
): asserts member is Unchecked & StoredMember {
  const fail = (what: string) => new Error(`its member "${memberId}" has no ${what}`);
  const { instanceId, clientId, clientHost, protocols } = member;
  if (!isTextOrNull(instanceId)) throw fail('instanceId');
  if (typeof clientId !== 'string') throw fail('clientId');
  if (typeof clientHost !== 'string') throw fail('clientHost');
  if (!isCount(member.sessionTimeoutMs)) throw fail('sessionTimeoutMs');
  if (!isCount(member.rebalanceTimeoutMs)) throw fail('rebalanceTimeoutMs');
  const areProtocols = Array.isArray(protocols) && protocols.length > 0 && protocols.every(isPair);
  if (!areProtocols) throw fail('protocols');
}

/**
 * Checks what must hold between the parts of a group in whatever state the machine leaves it.
 *
 * @throws Error that says what does not
 */
export function checkGroup(group: Group): void {
  const { state, members, leaderId, protocolName } = group;
  const isEmpty = state === GroupState.Empty;
  if (members.size === 0 && !isEmpty) throw new Error(`it is ${state}, but has no members`);
  if (members.size > 0 && isEmpty) throw new Error('it is empty, but has members');
  if (!isEmpty && !members.has(leaderId ?? '')) {
    throw new Error(`its leader "${leaderId}" is no member`);
  }
  if (!isEmpty && group.protocolType === null) throw new Error('it has no protocol type');
  for (const { memberId, instanceId } of members.values()) {
    if (instanceId === null || staticMemberId(group, instanceId) === memberId) continue;
    throw new Error(`its instance "${instanceId}" is of two members`);
  }
  const hasGeneration = state === GroupState.Stable || state === GroupState.CompletingRebalance;
  if (!hasGeneration) return;
  if (protocolName === null) throw new Error(`it is ${state}, but has no protocol`);
  for (const { memberId, protocols } of members.values()) {
    if (protocols.some(({ name }) => name === protocolName)) continue;
    throw new Error(`its member "${memberId}" does not know its protocol "${protocolName}"`);
  }
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isTextOrNull(value: unknown): boolean {
  return value === null || typeof value === 'string';
}

function isPair(value: unknown): boolean {
  return (
    Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === 'string')
  );
}
