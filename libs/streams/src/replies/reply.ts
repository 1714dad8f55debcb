/** An answer to a request, or one of several, as it goes to the client that asked. */
export interface Reply {
  /** Which request of that client it answers. */
  correlationId: string;
  /** The answer; null: this one has none. */
  value: Buffer | null;
  /** What the handler failed with; null: it did not. */
  error: Buffer | null;
  /** Nothing follows. */
  isLast: boolean;
  /** How many answers to the same request came before it. */
  number?: number;
}

/** Names of the fields of an entry, short because each answer has them. */
const fields = { correlationId: 'id', value: 'v', error: 'e', isLast: 'z', number: 'n' } as const;

/** An answer as fields and values of a stream's entry. */
export function encodeReply(reply: Reply): (string | Buffer)[] {
  const { correlationId, value, error, isLast, number } = reply;
  const entry: (string | Buffer)[] = [fields.correlationId, correlationId];
  if (value !== null) entry.push(fields.value, value);
  if (error !== null) entry.push(fields.error, error);
  if (isLast) entry.push(fields.isLast, '1');
  if (number !== undefined) entry.push(fields.number, String(number));
  return entry;
}

/** Reads an entry; null: it is no answer, such as the one that a new stream begins with. */
export function decodeReply(entry: readonly Buffer[]): Reply | null {
  const reply: Reply = { correlationId: '', value: null, error: null, isLast: false };
  for (let at = 0; at + 1 < entry.length; at += 2) {
    const value = entry[at + 1]!;
    switch (entry[at]!.toString('latin1')) {
      case fields.correlationId:
        reply.correlationId = value.toString();
        break;
      case fields.value:
        reply.value = value;
        break;
      case fields.error:
        reply.error = value;
        break;
      case fields.isLast:
        reply.isLast = true;
        break;
      case fields.number:
        reply.number = Number(value.toString('latin1'));
        break;
    }
  }
  return reply.correlationId === '' ? null : reply;
}
