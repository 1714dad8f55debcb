import { silentMetrics, systemClock, systemRandom } from '@sluice/base';
import type { RedisLink } from '@sluice/redis';
import { eventually } from '@sluice/test/support/eventually';
import { connectLink, sharedRedis, type TestRedis } from '@sluice/test/support/redis';
import { ErrorCode } from '@sluice/wire';
import { subscription } from '../../../test/machine-driver';
import { RecordedLog } from '../../../test/recorded-log';
import { loneCoordinator } from '../../coordinator/group-cluster';
import { Quarantine } from '../../coordinator/quarantine';
import { Troubles } from '../../coordinator/troubles';
import { defaultGroupLimits } from '../../limits';
import { GroupMeter } from '../../metrics';
import { GroupIndex } from '../../store/group-index';
import { GroupStates } from '../../store/group-states';
import { CommittedOffsets } from '../../store/offsets';
import { ClassicGroups } from './classic-groups';

let redis: TestRedis;
let link: RedisLink;
let log: RecordedLog;
let groups: ClassicGroups;
/** Set to make the machine throw where it looks at the limits. */
let isFaulty: boolean;

beforeAll(async () => {
  redis = await sharedRedis();
});
afterAll(() => redis.stop());
beforeEach(async () => {
  link = await connectLink(redis);
  log = new RecordedLog();
  isFaulty = false;
  groups = startGroups();
});
afterEach(async () => {
  await groups.stop(ErrorCode.NOT_COORDINATOR);
  await link.close();
});

function faulty(limit: number): number {
  if (isFaulty) throw new Error('a fault in the machine');
  return limit;
}

function startGroups(): ClassicGroups {
  const limits = {
    ...defaultGroupLimits,
    quarantineMs: 1000,
    get initialRebalanceDelayMs() {
      return faulty(50);
    },
    get memberAssignmentBytesMax() {
      return faulty(1000);
    },
  };
  const common = { clock: systemClock, log, limits };
  return new ClassicGroups({
    meter: new GroupMeter(silentMetrics),
    ...common,
    random: systemRandom,
    stores: {
      states: new GroupStates(link, limits, systemRandom),
      offsets: new CommittedOffsets(link, limits),
      index: new GroupIndex(link, limits),
    },
    troubles: new Troubles(common),
    quarantine: new Quarantine(common),
    cluster: loneCoordinator,
  });
}

const join = (groupId: string) =>
  groups.join({
    groupId,
    memberId: '',
    groupInstanceId: null,
    clientId: 'c',
    clientHost: '/127.0.0.1',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: subscription('orders') }],
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    requireKnownMemberId: false,
    supportsSkippingAssignment: false,
  });

const state = async () => (await groups.describe('g')).groupState;

function sync(groupId: string, memberId: string, generationId: number) {
  const assignments = [{ memberId, assignment: Buffer.from('all') }];
  const claim = { groupId, memberId, generationId, groupInstanceId: null };
  return groups.sync({ ...claim, protocolType: null, protocolName: null, assignments });
}

describe('a fault in the machine', () => {
  test('in a request puts that group in quarantine, and it goes on afterwards', async () => {
    const { memberId, generationId } = await join('g');
    const other = await join('other');
    isFaulty = true;
    const refused = await sync('g', memberId, generationId);
    expect(refused.errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    const described = await groups.describe('g');
    expect(described.errorCode).toBe(ErrorCode.UNKNOWN_SERVER_ERROR);
    expect(described.errorMessage).toBe('a fault in the machine');
    const beat = { ...other, groupId: 'other', groupInstanceId: null };
    expect(await groups.heartbeat(beat)).toEqual({ errorCode: ErrorCode.NONE });
    const [told, ...more] = log.about('error', 'g');
    expect(more).toEqual([]);
    expect(told!.fields.stack).toContain('sync');

    isFaulty = false;
    const again = () => sync('g', memberId, generationId);
    await eventually(async () => (await again()).errorCode === ErrorCode.NONE);
    expect((await groups.describe('g')).groupState).toBe('Stable');
  });

  test('in a timer does not end the process, and all who wait are answered', async () => {
    const parked = [join('g'), join('g')];
    await eventually(async () => (await state()) === 'PreparingRebalance');
    isFaulty = true;
    for (const answer of await Promise.all(parked)) {
      expect(answer.errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    }
    expect(log.about('error', 'g')).toHaveLength(1);
    isFaulty = false;
    await eventually(async () => (await state()) === 'PreparingRebalance');
  });

  test('does not keep a group from being deleted', async () => {
    const { memberId, generationId } = await join('g');
    isFaulty = true;
    await sync('g', memberId, generationId);
    expect(await groups.delete('g')).toBe(ErrorCode.NONE);
    isFaulty = false;
    expect((await groups.describe('g')).errorCode).toBe(ErrorCode.GROUP_ID_NOT_FOUND);
  });
});
