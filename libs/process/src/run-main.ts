import type { LoadedSettings } from './settings/load';

/** Exit status of a command line that was wrong, as most tools have it. */
const usageStatus = 2;

/**
 * The main function of an app: answers `--help` and `--version`, says what is wrong with the
 * settings (exit code 2), or runs the app with them.
 */
export async function runMain<S>(
  loaded: LoadedSettings<S>,
  run: (settings: S, warnings: readonly string[]) => Promise<void>,
): Promise<void> {
  // Whoever reads the lines may go first: a closed terminal, or `| tee` at Ctrl-C. Without a
  // listener the next line would end the app in the middle of its work.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  if ('help' in loaded) return void process.stdout.write(`${loaded.help}\n`);
  if ('version' in loaded) return void process.stdout.write(`${loaded.version}\n`);
  if ('errors' in loaded) {
    const lines = [...loaded.errors, 'All settings are listed by --help.'];
    process.stderr.write(`${lines.join('\n')}\n`);
    process.exitCode = usageStatus;
    return;
  }
  await run(loaded.settings, loaded.warnings);
}
