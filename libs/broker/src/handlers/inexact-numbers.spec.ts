import { decodeRequest, DeleteRecords, encodeRequest, ErrorCode, ListOffsets } from '@sluice/wire';
import type { Api, RequestInput } from '@sluice/wire';
import type { RequestContext } from '../requests/context';
import { listOffsets } from './02-list-offsets';
import { deleteRecords } from './21-delete-records';

/*
 * Numbers of 64 bits that JavaScript's cannot hold are refused, or have an answer that is true for
 * all of them; none is ever taken for the nearest that can be held. (Fetch offsets: see
 * fetch-wait-ends.spec.ts. Offsets of commits: see libs/groups.)
 */

const marker = 0x0123456789;

/** A request as it is decoded, with an int64 in the place of the marker. */
function decoded<A extends Api>(api: A, version: number, request: RequestInput<A>, value: bigint) {
  const header = { correlationId: 1, clientId: null };
  const frame = Buffer.concat(encodeRequest(api, version, header, request)).subarray(4);
  const place = Buffer.alloc(8);
  place.writeBigInt64BE(BigInt(marker));
  frame.writeBigInt64BE(value, frame.indexOf(place));
  const bodyAt = 2 + 2 + 4 + 2;
  return decodeRequest(api, version, frame, bodyAt);
}

/** A partition with records up to the largest timestamp there can be, and 10 offsets. */
function contextOf(apiVersion: number): RequestContext {
  const leaderEpochs = { current: 0, at: () => 0 };
  const bounds = { logStartOffset: 0, logEndOffset: 10, leaderEpochs };
  const store = {
    firstAtOrAfter: async () => ({ offset: 9, timestampMs: Number.MAX_SAFE_INTEGER }),
    deleteRecords: async (_: unknown, offset: number) =>
      offset > 10 ? { refused: 'out-of-range' } : { logStartOffset: offset },
  };
  const partition = { ref: {}, refreshBounds: async () => bounds };
  const partitions = { lead: () => partition, open: () => partition, store };
  const services = { catalog: { byName: () => ({}) }, partitions };
  return { services, apiVersion } as unknown as RequestContext;
}

const beyond = [2n ** 53n, 2n ** 53n + 1n, 1_700_000_000_000_000_000n, 2n ** 63n - 1n];

describe('a number beyond 2^53', () => {
  it.each(beyond)('as a time (%s) finds no record', async (value) => {
    const partitions = [{ partitionIndex: 0, timestamp: marker }];
    const request = { replicaId: -1, topics: [{ name: 't', partitions }] };
    const asked = decoded(ListOffsets, 1, request, value);
    const { topics } = (await listOffsets.run(contextOf(1), asked)) as {
      topics: { partitions: object[] }[];
    };
    expect(topics[0]!.partitions[0]).toMatchObject({ errorCode: 0, offset: -1, timestamp: -1 });
  });

  it('as a time before all has no meaning, and is refused', async () => {
    const partitions = [{ partitionIndex: 0, timestamp: marker }];
    const request = { replicaId: -1, topics: [{ name: 't', partitions }] };
    const asked = decoded(ListOffsets, 1, request, -(2n ** 60n));
    const answer = await listOffsets.run(contextOf(1), asked);
    const { UNSUPPORTED_VERSION } = ErrorCode;
    expect(answer).toMatchObject({
      topics: [{ partitions: [{ errorCode: UNSUPPORTED_VERSION }] }],
    });
  });

  it.each([...beyond, -(2n ** 60n)])(
    'as where to delete to (%s) is out of range',
    async (value) => {
      const request = {
        topics: [{ name: 't', partitions: [{ partitionIndex: 0, offset: marker }] }],
        timeoutMs: 1,
      };
      const asked = decoded(DeleteRecords, 0, request, value);
      const answer = await deleteRecords.run(contextOf(0), asked);
      const { OFFSET_OUT_OF_RANGE } = ErrorCode;
      expect(answer).toMatchObject({
        topics: [{ partitions: [{ errorCode: OFFSET_OUT_OF_RANGE }] }],
      });
    },
  );
});
