/**
 * node scripts/make-keys.mjs DIRECTORY: makes the API keys of docker-compose.yml's services at the
 * first start, so that nobody has to think of one and none is the same everywhere. What is there
 * already stays. `admin-keys` is for --admin-keys-file, the others are one key each.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const keyBytes = 24;
const ownerOnly = 0o600;
/** Prometheus is another user, and its key may only read. */
const everybody = 0o644;

const [directory] = process.argv.slice(2);
if (directory === undefined) {
  console.error('usage: node scripts/make-keys.mjs DIRECTORY');
  process.exit(2);
}
const keys = [
  { name: 'compose-admin', role: 'admin', key: keyIn('admin.key', ownerOnly) },
  { name: 'compose-prometheus', role: 'read', key: keyIn('prometheus.key', everybody) },
];
const lines = keys.map(({ name, role, key }) => `${name}:${role}:${key}\n`);
write('admin-keys', lines.join(''), ownerOnly);

/**
 * The key in a file, which is made where it is missing or empty: a power cut may leave it so.
 * @param {string} name
 * @param {number} mode
 */
function keyIn(name, mode) {
  try {
    const known = readFileSync(join(directory ?? '', name), 'utf8').trim();
    if (known !== '') return known;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOENT') throw error;
  }
  const key = randomBytes(keyBytes).toString('base64url');
  write(name, `${key}\n`, mode);
  return key;
}

/**
 * The file is there as a whole or not at all.
 * @param {string} name
 * @param {string} text
 * @param {number} mode
 */
function write(name, text, mode) {
  const file = join(directory ?? '', name);
  writeFileSync(`${file}.new`, text, { mode });
  // Whatever the umask leaves.
  chmodSync(`${file}.new`, mode);
  renameSync(`${file}.new`, file);
}
