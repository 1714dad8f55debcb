import { ErrorCode, errorInfo } from './errors';

interface PeerError {
  readonly code: number;
  readonly type: string;
  readonly retriable: boolean;
}

/** Where kafkajs 2.2.4 differs from Kafka's present table. */
const changedSince = new Map([
  [-1, 'UNKNOWN'],
  [6, 'NOT_LEADER_FOR_PARTITION'],
  [14, 'GROUP_LOAD_IN_PROGRESS'],
  [15, 'GROUP_COORDINATOR_NOT_AVAILABLE'],
  [16, 'NOT_COORDINATOR_FOR_GROUP'],
]);

describe('the error table', () => {
  test('has every code from -1 to 133 once', () => {
    const codes = Object.values(ErrorCode).sort((a, b) => a - b);
    expect(codes).toEqual(Array.from({ length: 135 }, (_, at) => at - 1));
  });

  test('gives name, message and whether to try again', () => {
    expect(errorInfo(ErrorCode.NOT_LEADER_OR_FOLLOWER)).toEqual({
      code: 6,
      name: 'NOT_LEADER_OR_FOLLOWER',
      retriable: true,
      message: expect.any(String),
    });
    expect(errorInfo(999).name).toBe('UNKNOWN_SERVER_ERROR');
  });

  test('agrees with the table of kafkajs', () => {
    const { errorCodes } = jest.requireActual<{ errorCodes: PeerError[] }>(
      'kafkajs/src/protocol/error',
    );
    const differing = errorCodes.filter(({ code, type, retriable }) => {
      const info = errorInfo(code);
      return info.name !== type && changedSince.get(code) !== type
        ? true
        : info.retriable !== retriable;
    });
    expect(differing).toEqual([]);
  });
});
