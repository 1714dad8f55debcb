/**
 * The keys of Kafka 4.4 that clients may send and Sluice does not answer, by what is missing. The
 * other keys of Kafka go between its own brokers and controllers.
 */
export const missingApis: readonly { what: string; apis: Readonly<Record<number, string>> }[] = [
  {
    what: 'Transactions',
    apis: {
      24: 'AddPartitionsToTxn',
      25: 'AddOffsetsToTxn',
      26: 'EndTxn',
      27: 'WriteTxnMarkers',
      28: 'TxnOffsetCommit',
      65: 'DescribeTransactions',
    },
  },
  {
    what: 'Passwords and users',
    apis: {
      17: 'SaslHandshake',
      36: 'SaslAuthenticate',
      51: 'AlterUserScramCredentials',
    },
  },
  {
    what: 'Delegation tokens',
    apis: {
      38: 'CreateDelegationToken',
      39: 'RenewDelegationToken',
      40: 'ExpireDelegationToken',
      41: 'DescribeDelegationToken',
    },
  },
  { what: 'Quotas', apis: { 49: 'AlterClientQuotas' } },
  { what: 'Moves between directories', apis: { 34: 'AlterReplicaLogDirs' } },
  {
    what: 'Consumer groups of KIP-848',
    apis: { 68: 'ConsumerGroupHeartbeat', 69: 'ConsumerGroupDescribe' },
  },
  {
    what: 'Share groups',
    apis: {
      76: 'ShareGroupHeartbeat',
      77: 'ShareGroupDescribe',
      78: 'ShareFetch',
      79: 'ShareAcknowledge',
      90: 'DescribeShareGroupOffsets',
      91: 'AlterShareGroupOffsets',
      92: 'DeleteShareGroupOffsets',
    },
  },
  {
    what: 'Streams groups',
    apis: { 88: 'StreamsGroupHeartbeat', 89: 'StreamsGroupDescribe' },
  },
  { what: 'Client telemetry', apis: { 71: 'GetTelemetrySubscriptions', 72: 'PushTelemetry' } },
  {
    what: 'Brokers and controllers',
    apis: {
      55: 'DescribeQuorum',
      57: 'UpdateFeatures',
      64: 'UnregisterBroker',
      80: 'AddRaftVoter',
      81: 'RemoveRaftVoter',
    },
  },
];
