import { encodeRecord, registryMark } from './topic';

const nothing = { name: registryMark, id: '', partitions: 0, createdAtMs: 0 };

/** What stands for no topic, for whoever reads the registry without leaving it out, too. */
export const markRecord = encodeRecord({ topic: { ...nothing, configs: {} }, prepared: 0 });

/** The same, where the registry was made anew because somebody had removed its topics. */
export const lostMarkRecord = encodeRecord({
  topic: { ...nothing, configs: { 'topics.lost': 'true' } },
  prepared: 0,
});
