/** npm run chaos: builds the gateway and lets things go wrong around it. See `--help` of it. */
import { join } from 'node:path';
import { ensureBuilt } from './parts/build.mjs';
import { complain, Trouble } from './parts/console.mjs';
import { ensureInstalled } from './parts/install.mjs';
import { endPrograms, run } from './parts/processes.mjs';
import { root } from './parts/project.mjs';
import { whyNoNamespaces } from './parts/tools.mjs';

const loader = join(root, 'test/support/typescript-loader.cjs');
const tool = join(root, 'test/chaos/main.ts');
const args = process.argv.slice(2);
/** It repairs what is broken, ends all that it has started, and deletes its namespaces. */
const endMsMax = 120_000;
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void endPrograms(endMsMax));

try {
  await ensureInstalled();
  const why = args.some((arg) => /^(--network=)?namespaces$/.test(arg)) && whyNoNamespaces();
  if (why) throw new Trouble(`there can be no network of namespaces here: ${why}`);
  if (!args.includes('--help')) await ensureBuilt(['gateway']);
  process.exitCode = await run(process.execPath, ['--require', loader, tool, ...args]);
} catch (error) {
  complain(error);
  process.exitCode = 1;
}
