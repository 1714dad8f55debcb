/** The value of a record cannot be read; no attempt will do better. */
export class UndecodableRecord extends Error {
  override readonly name = 'UndecodableRecord';
}

/** Names of errors that say that no attempt will do better: ours, the transport's and BullMQ's. */
const finalNames = new Set([
  'UndecodableRecord',
  'UnrecoverableStreamException',
  'UnrecoverableError',
]);

/** Whether an error says that the job need not be tried again. Told by name: copies may differ. */
export function isUnrecoverable(error: unknown): boolean {
  return error instanceof Error && finalNames.has(error.name);
}
