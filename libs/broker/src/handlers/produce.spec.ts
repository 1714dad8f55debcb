import { encodeBatch } from '@sluice/records';
import { ErrorCode, type Produce, type ResponseInput } from '@sluice/wire';
import { silentLogger } from '@sluice/base';
import { FakeClock } from '@sluice/test/support/fake-clock';
import type { RequestContext } from '../requests/context';
import { AppendLines } from '../examiner/append-lines';
import { Examiner } from '../examiner/examiner';
import { limits } from '../limits';
import { promiseOf } from '../requests/later-answer';
import { produce } from './00-produce';

const records = [{ timestampMs: 1, value: Buffer.from('value') }];
/** Every topic is there; its name is its compression. */
const catalog = {
  byName: (name: string) => ({ name, configs: { 'compression.type': name } }),
};
const appended = { result: { kind: 'appended', baseOffset: 0 }, logStartOffset: 0 };

/** Produces to topics of the given compressions; each append takes a second of the clock. */
async function produceTo(compressionTypes: string[]): Promise<number[]> {
  const clock = new FakeClock();
  const append = (_: unknown, __: number, done: (outcome: unknown, error: null) => void) => {
    clock.advance(1000);
    done(appended, null);
  };
  const examiner = new Examiner({ clock, log: silentLogger });
  const partitions = { lead: () => ({ append }) };
  const services = { clock, catalog, partitions, examiner, lines: new AppendLines() };
  const context = { services, apiVersion: 8 } as unknown as RequestContext;
  const topicData = compressionTypes.map((name) => ({
    name,
    partitionData: [{ index: 0, records: encodeBatch({ records }) }],
  }));
  const request = { acks: 1, timeoutMs: 1, topicData };
  const answer = await promiseOf(produce.run(context, request)).finally(() => examiner.stop());
  const { responses } = answer as ResponseInput<typeof Produce>;
  return responses.flatMap((topic) => topic.partitionResponses.map((one) => one.errorCode));
}

describe('a request whose batches have to be opened', () => {
  it('is worked on for a limited time, and the client may send the rest again', async () => {
    const seconds = limits.examineMsMax / 1000;
    const codes = await produceTo(Array.from({ length: seconds + 9 }, () => 'gzip'));
    const { NONE, KAFKA_STORAGE_ERROR } = ErrorCode;
    const done = codes.filter((code) => code === NONE);
    // Each thread may have one more when the time is up.
    expect(done.length).toBeGreaterThan(seconds);
    expect(done.length).toBeLessThanOrEqual(seconds + 1 + limits.examineThreadsMax);
    const refused = codes.filter((code) => code !== NONE);
    expect(refused.length).toBeGreaterThan(0);
    expect(new Set(refused)).toEqual(new Set([KAFKA_STORAGE_ERROR]));
  });

  it('has no such limit for what stays as it is', async () => {
    const codes = await produceTo(Array.from({ length: 20 }, () => 'producer'));
    expect(new Set(codes)).toEqual(new Set([ErrorCode.NONE]));
  });
});
