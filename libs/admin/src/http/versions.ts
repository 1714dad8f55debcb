import type { IncomingHttpHeaders } from 'node:http';
import { Problem } from './problems';

/** A version as `ETag` and `If-Match` hold it. */
export function eTag(version: string): string {
  return `"${version}"`;
}

/**
 * The version that a change is based on, from `If-Match`; undefined: `*` was sent, or nothing where
 * that may be left out.
 *
 * @throws Problem where it is needed and missing, or more than one version
 */
export function basedOn(
  headers: IncomingHttpHeaders,
  { isNeeded }: { isNeeded: boolean },
): string | undefined {
  const given = headers['if-match']?.trim();
  if (given === undefined || given === '') {
    if (!isNeeded) return undefined;
    const detail =
      'Send If-Match with the ETag of what you have looked at, or If-Match: * to overwrite ' +
      'whatever is there.';
    throw new Problem('if-match-needed', detail);
  }
  if (given === '*') return undefined;
  const [, version] = /^"([^"]*)"$/.exec(given) ?? [];
  if (version !== undefined) return version;
  // A weak one never matches; RFC 9110, 13.1.1.
  if (/^W\/"[^"]*"$/.test(given)) return given;
  const errors = [{ field: 'If-Match', message: 'must be one ETag in quotes, or *' }];
  throw new Problem('invalid-request', 'Send one ETag as it was answered.', { errors });
}

/** The problem of a change that is based on what is no longer so. */
export function changedMeanwhile(version: string): Problem {
  const detail =
    'Somebody has changed it since it was looked at. Look again, and decide again; its ETag is ' +
    `now "${version}".`;
  return new Problem('changed-meanwhile', detail, { headers: { ETag: eTag(version) } });
}
