import type { BrokerInfo } from '../api';

/** A broker as Redis knows it: for others, and for its session. */
export interface StoredBroker extends BrokerInfo {
  /** Names the session; no other one, of any process and time, has the same. */
  readonly token: string;
  /** Where it listens, on which host: only one process can at a time. */
  readonly place: string;
  /** When the session began, by the clock of Redis, ms since 1970. */
  readonly joinedAtMs: number;
  /** It is about to leave, and is given nothing more to lead. */
  readonly isDraining: boolean;
}

const brokerFormat = 1;

/** What a broker tells of itself; scripts put id, token, place and time before it. */
export function encodeDescription(
  broker: Pick<StoredBroker, 'host' | 'port' | 'rack' | 'version' | 'isDraining'>,
): string {
  const { host, port, rack, version, isDraining } = broker;
  return JSON.stringify({ format: brokerFormat, host, port, rack, version, isDraining });
}

/** The whole text. Scripts look for its token and place at the beginning. */
export function encodeBroker(broker: StoredBroker): string {
  const { token, place, joinedAtMs } = broker;
  const head = JSON.stringify({ token, place, joinedAtMs }).slice(0, -1);
  return `${head},${encodeDescription(broker).slice(1)}`;
}

/** Reads a broker; null where it is none that this version knows. */
export function decodeBroker(field: string, text: string): StoredBroker | null {
  const id = Number(field);
  if (!Number.isSafeInteger(id) || id < 0) return null;
  try {
    return readBroker(id, JSON.parse(text) as Partial<StoredBroker>);
  } catch {
    return null;
  }
}

function readBroker(id: number, stored: Partial<StoredBroker>): StoredBroker | null {
  const { token, place = '', joinedAtMs = 0, host, port, rack = null, version = '' } = stored;
  if (typeof token !== 'string' || typeof host !== 'string' || typeof port !== 'number') {
    return null;
  }
  const isDraining = stored.isDraining === true;
  return { id, token, place, joinedAtMs, host, port, rack, version, isDraining };
}

/**
 * Names a place to listen at. Two containers may have the same host name, so where clients are told
 * to connect is part of it.
 */
export function placeOf(hostName: string, host: string, port: number): string {
  return [hostName, host, String(port)].map(encodeURIComponent).join('/');
}

/** The name of the host that a place is on. */
export function hostOfPlace(place: string): string {
  return decodeURIComponent(place.split('/')[0] ?? '');
}
