/** npm run build: compiles the apps into dist/. */
import { build } from './parts/build.mjs';
import { complain } from './parts/console.mjs';

try {
  await build();
} catch (error) {
  complain(error);
  process.exitCode = 1;
}
