/** One change of the cluster, as it is published; what is not named is as it was. */
export interface ClusterNotice {
  version: number;
  /** Broker id to its text; null where it has gone. */
  brokers?: ReadonlyMap<string, string | null>;
  /** −1: nobody. */
  controllerId?: number;
  /** Topic id to the text of its leaders; null where there are none any more. */
  leaders?: ReadonlyMap<string, string | null>;
}

interface Published {
  version: number;
  brokers?: Record<string, unknown>;
  controllerId?: number;
  leaders?: Record<string, unknown>;
}

/** The version of a notice, without reading the rest; infinite where it is none. */
export function versionOf(message: string): number {
  const digits = /^\{"version":(\d+)/.exec(message)?.[1];
  return digits === undefined ? Infinity : Number(digits);
}

/** Reads a notice; null where it is none. What is in it goes back to the texts that it was. */
export function parseNotice(message: string): ClusterNotice | null {
  try {
    const { version, brokers, controllerId, leaders } = JSON.parse(message) as Published;
    if (!Number.isSafeInteger(version)) return null;
    return {
      version,
      ...(brokers === undefined ? {} : { brokers: textsOf(brokers) }),
      ...(typeof controllerId === 'number' ? { controllerId } : {}),
      ...(leaders === undefined ? {} : { leaders: textsOf(leaders) }),
    };
  } catch {
    return null;
  }
}

function textsOf(values: Record<string, unknown>): Map<string, string | null> {
  const texts = new Map<string, string | null>();
  for (const [field, value] of Object.entries(values)) {
    texts.set(field, value === null ? null : JSON.stringify(value));
  }
  return texts;
}
