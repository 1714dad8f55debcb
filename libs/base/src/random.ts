import { randomBytes, randomUUID } from 'node:crypto';

/** The only source of randomness. */
export interface Random {
  /** 128 random bits in Kafka's form of a UUID: 22 characters of base64url, never a leading '-'. */
  uuid(): string;
  /** A random UUID (version 4) in the usual 36-character form. */
  uuidV4(): string;
}

/** The operating system's random generator. */
export const systemRandom: Random = {
  uuid() {
    // Kafka's tools read a topic id that begins with '-' as an option, so such ids are not given
    // out.
    for (;;) {
      const id = randomBytes(16).toString('base64url');
      if (!id.startsWith('-')) return id;
    }
  },
  uuidV4: () => randomUUID(),
};
