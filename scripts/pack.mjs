/**
 * npm run pack: makes the packages that NestJS services install, as folders and as tarballs in
 * dist/packages/.
 */
import { complain } from './parts/console.mjs';
import { ensureInstalled } from './parts/install.mjs';
import { packAll } from './parts/npm-packages.mjs';

try {
  await ensureInstalled();
  await packAll();
} catch (error) {
  complain(error);
  process.exitCode = 1;
}
