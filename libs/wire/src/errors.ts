import { errorTable } from './errors-table';

type Table = typeof errorTable;
type ErrorName = keyof Table;

/** A code out of Kafka's table. */
export type ErrorCodeValue = Table[ErrorName][0];

export interface ErrorInfo {
  readonly code: ErrorCodeValue;
  readonly name: ErrorName;
  /** Whether a client may expect the same request to succeed later. */
  readonly retriable: boolean;
  readonly message: string;
}

const entries = Object.entries(errorTable) as [ErrorName, Table[ErrorName]][];

/** Kafka's error codes by name, -1 to 133. */
export const ErrorCode = Object.fromEntries(entries.map(([name, [code]]) => [name, code])) as {
  readonly [N in ErrorName]: Table[N][0];
};

const infos = new Map<number, ErrorInfo>(
  entries.map(([name, [code, retriable, message]]) => [code, { code, name, retriable, message }]),
);

/** What a code means; codes outside the table are UNKNOWN_SERVER_ERROR. */
export function errorInfo(code: number): ErrorInfo {
  return infos.get(code) ?? infos.get(ErrorCode.UNKNOWN_SERVER_ERROR)!;
}
