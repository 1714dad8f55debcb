/** npm run chaos: builds the gateway and lets things go wrong around it. See `--help` of it. */
import { join } from 'node:path';
import { ensureBuilt } from './parts/build.mjs';
import { complain } from './parts/console.mjs';
import { ensureInstalled } from './parts/install.mjs';
import { run } from './parts/processes.mjs';
import { root } from './parts/project.mjs';

const loader = join(root, 'test/support/typescript-loader.cjs');
const tool = join(root, 'test/chaos/main.ts');
const args = process.argv.slice(2);

try {
  await ensureInstalled();
  if (!args.includes('--help')) await ensureBuilt(['gateway']);
  process.exitCode = await run(process.execPath, ['--require', loader, tool, ...args]);
} catch (error) {
  complain(error);
  process.exitCode = 1;
}
