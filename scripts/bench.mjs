/** npm run bench: builds the gateway and the load tool, and runs the tool. See `--help` of it. */
import { join } from 'node:path';
import { ensureBuilt } from './parts/build.mjs';
import { complain, Trouble } from './parts/console.mjs';
import { ensureInstalled } from './parts/install.mjs';
import { gatewayNodeFlags } from './parts/node-flags.mjs';
import { run } from './parts/processes.mjs';
import { root } from './parts/project.mjs';

const tool = join(root, 'dist/load/test/load/main.js');
const gateway = join(root, 'dist/apps/gateway/apps/gateway/src/main.js');

try {
  await ensureInstalled();
  await ensureBuilt(['gateway']);
  const nest = join(root, 'node_modules/@nestjs/cli/bin/nest.js');
  const built = await run(process.execPath, [nest, 'build', 'load'], { cwd: root });
  if (built !== 0) throw new Trouble('the build of the load tool failed; the reasons are above.');
  const flags = gatewayNodeFlags.join(' ');
  const own = ['--gateway', gateway, `--node-flags=${flags}`];
  process.exitCode = await run(process.execPath, [tool, ...own, ...process.argv.slice(2)]);
} catch (error) {
  complain(error);
  process.exitCode = 1;
}
