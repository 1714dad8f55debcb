import { readFileSync } from 'node:fs';
import { isLoopback } from '../options';
import { parseApiKeys, type ApiKey } from './api-keys';

/** What an app's settings say of the admin endpoints and their keys. */
export interface KeySettings {
  admin: boolean;
  adminHost: string;
  adminKeys?: string;
  /** A file with more keys. */
  adminKeysFile?: string;
}

/** What is wrong with a list of keys; undefined: nothing. The keys are not repeated. */
export function apiKeysProblem(text: string): string | undefined {
  const parsed = parseApiKeys(text);
  return 'problem' in parsed ? `have the form name:role:key, but ${parsed.problem}` : undefined;
}

/** The API keys of the setting and of the file, or why they will not do. */
export function apiKeysOf(settings: KeySettings): { keys: ApiKey[] } | { error: string } {
  const { admin, adminHost, adminKeys = '', adminKeysFile } = settings;
  if (!admin) return { keys: [] };
  let fromFile = '';
  try {
    if (adminKeysFile !== undefined) fromFile = readFileSync(adminKeysFile, 'utf8');
  } catch (error) {
    return { error: `--admin-keys-file cannot be read: ${(error as Error).message}` };
  }
  const parsed = parseApiKeys(`${adminKeys}\n${fromFile}`);
  if ('problem' in parsed) return { error: `--admin-keys-file: ${parsed.problem}` };
  if (parsed.keys.length > 0 || isLoopback(adminHost)) return parsed;
  return {
    error:
      `--admin-host is '${adminHost}', where others can reach the admin endpoints, so they need ` +
      'an API key: set SLUICE_ADMIN_KEYS to name:admin:key, or leave out --admin-host',
  };
}
