/**
 * npm run pack: makes the packages that NestJS services install, as folders and as tarballs in
 * dist/packages/, or in the folder that `npm run pack -- FOLDER` names.
 */
import { resolve } from 'node:path';
import { complain } from './parts/console.mjs';
import { ensureInstalled } from './parts/install.mjs';
import { packAll } from './parts/npm-packages.mjs';

const [folder] = process.argv.slice(2);

try {
  await ensureInstalled();
  await packAll(folder === undefined ? undefined : resolve(folder));
} catch (error) {
  complain(error);
  process.exitCode = 1;
}
