import type { Clock, Logger } from '@sluice/base';
import type { Grant } from '@sluice/groups';
import type { PartitionStore } from '@sluice/log';
import { reconnectDelayMs } from '@sluice/redis';
import type { SeekTarget } from '../api';
import type { GroupSession } from './group-session';
import type { CommittedPosition } from './partition-parts';
import { resolveTarget } from './seek-target';

/** A grant, and where the group stands in it. */
export interface Beginning {
  grant: Grant;
  committed: CommittedPosition;
}

interface BeginningParts {
  session: Pick<GroupSession, 'commit' | 'holds'>;
  store: Pick<PartitionStore, 'bounds' | 'firstAtOrAfter'>;
  clock: Pick<Clock, 'setTimer'>;
  log: Logger;
  startFrom: SeekTarget;
}

/**
 * Where the group begins in partitions that were granted. Where it has committed nothing, the place
 * from which it is to start is committed first: so it is decided once, whoever dies meanwhile, and
 * has a lineage by which the progress is known. Grants that the member does not keep are left out.
 */
export async function beginnings(
  grants: readonly Grant[],
  parts: BeginningParts,
): Promise<readonly Beginning[]> {
  const begun: Beginning[] = [];
  let fresh: Grant[] = [];
  for (const grant of grants) {
    const { committed } = grant;
    if (committed === null) fresh.push(grant);
    else begun.push({ grant, committed });
  }
  for (let failures = 0; fresh.length > 0;) {
    fresh = fresh.filter((grant) => parts.session.holds(grant));
    try {
      begun.push(...(await commitFirst(fresh, parts)));
      break;
    } catch (error) {
      const { message } = error as Error;
      if (failures++ === 0) {
        parts.log.warn('a group cannot begin yet; it is tried again', { error: message });
      }
      const delayMs = reconnectDelayMs(failures);
      await new Promise<void>((resolve) => parts.clock.setTimer(delayMs, resolve));
    }
  }
  return begun;
}

async function commitFirst(grants: readonly Grant[], parts: BeginningParts): Promise<Beginning[]> {
  const { session, store, startFrom } = parts;
  const found = await Promise.all(
    grants.map(async (grant) => ({ grant, offset: await resolveTarget(store, grant, startFrom) })),
  );
  const places = found.flatMap(({ grant, offset }) => (offset === null ? [] : { grant, offset }));
  if (places.length === 0) return [];
  const offsets = places.map(({ grant: { topicId, partition, ownerEpoch }, offset }) => {
    return { topicId, partition, ownerEpoch, offset, leaderEpoch: -1 };
  });
  const committed = await session.commit(offsets);
  if (committed.outcome === 'fenced') return [];
  return places.flatMap(({ grant, offset }, at) => {
    const lineage = committed.lineages[at] ?? null;
    return lineage === null ? [] : { grant, committed: { offset, lineage } };
  });
}
