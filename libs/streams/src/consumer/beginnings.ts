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
 * has a lineage by which the progress is known. One of which that cannot be said yet keeps no other
 * waiting. Grants that the member does not keep are left out.
 *
 * @param onBegun is told of each as soon as it may be read
 */
export async function beginnings(
  grants: readonly Grant[],
  parts: BeginningParts,
  onBegun: (begun: readonly Beginning[]) => void,
): Promise<void> {
  const known = grants.flatMap((grant) => {
    const { committed } = grant;
    return committed === null ? [] : { grant, committed };
  });
  if (known.length > 0) onBegun(known);
  let fresh: readonly Grant[] = grants.filter(({ committed }) => committed === null);
  for (let failures = 0; fresh.length > 0;) {
    fresh = fresh.filter((grant) => parts.session.holds(grant));
    const { begun, failed, error } = await commitFirst(fresh, parts);
    if (begun.length > 0) onBegun(begun);
    fresh = failed;
    if (fresh.length === 0) return;
    if (failures++ === 0) {
      const partitions = failed.map(({ topic, partition }) => `${topic}/${partition}`);
      const { message } = error as Error;
      const what = 'a group cannot begin in some partitions yet; it is tried again';
      parts.log.warn(what, { partitions, error: message });
    }
    const delayMs = reconnectDelayMs(failures);
    await new Promise<void>((resolve) => parts.clock.setTimer(delayMs, resolve));
  }
}

interface FirstCommits {
  begun: readonly Beginning[];
  failed: readonly Grant[];
  /** Why the first of them has failed. */
  error?: unknown;
}

async function commitFirst(grants: readonly Grant[], parts: BeginningParts): Promise<FirstCommits> {
  const { session, store, startFrom } = parts;
  const found = await Promise.allSettled(
    grants.map((grant) => resolveTarget(store, grant, startFrom)),
  );
  const places: { grant: Grant; offset: number }[] = [];
  const failed: Grant[] = [];
  let error: unknown;
  for (const [at, place] of found.entries()) {
    const grant = grants[at]!;
    if (place.status === 'rejected') {
      error ??= place.reason;
      failed.push(grant);
    } else if (place.value !== null) places.push({ grant, offset: place.value });
  }
  if (places.length === 0) return { begun: [], failed, error };
  const offsets = places.map(({ grant: { topicId, partition, ownerEpoch }, offset }) => {
    return { topicId, partition, ownerEpoch, offset, leaderEpoch: -1 };
  });
  try {
    const committed = await session.commit(offsets);
    if (committed.outcome === 'fenced') return { begun: [], failed, error };
    const begun = places.flatMap(({ grant, offset }, at) => {
      const lineage = committed.lineages[at] ?? null;
      return lineage === null ? [] : { grant, committed: { offset, lineage } };
    });
    return { begun, failed, error };
  } catch (reason) {
    return { begun: [], failed: grants, error: reason };
  }
}
