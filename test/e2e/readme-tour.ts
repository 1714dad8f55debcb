import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '@sluice/test/tidy/source-files';

/** Where the tour goes, in the place of the usual ports; the key is the one that it is shown. */
export interface TourPlace {
  kafkaPort: number;
  adminPort: number;
  key?: string;
}

/** What was printed for one line of the tour. */
export interface TourStep {
  command: string;
  output: string;
}

/** The lines of the section "A tour" of the README that are to be typed, as they stand there. */
export function tourCommands(): string[] {
  const readme = readFileSync(join(projectRoot, 'README.md'), 'utf8');
  const [, tour = ''] = /^## A tour\n(.*?)^## /ms.exec(readme) ?? [];
  const blocks = [...tour.matchAll(/^```sh\n(.*?)^```/gms)].map(([, block = '']) => block);
  return blocks.join('').split('\n').filter(Boolean);
}

/**
 * Types the tour into a shell, with other ports than the usual ones.
 *
 * @returns each line with what it printed; throws what was printed where a line fails
 */
export async function takeTour(place: TourPlace): Promise<TourStep[]> {
  const commands = tourCommands();
  const mark = '--- end of a line ---';
  const script = commands
    .map((line) => `${line}\nprintf '\\n${mark}\\n'`)
    .join('\n')
    .replaceAll('localhost:9092', `localhost:${place.kafkaPort}`)
    .replaceAll('localhost:8080', `localhost:${place.adminPort}`);
  // A request that is refused ends it, though the function goes on with an echo.
  const strict = script.replace('; echo; }', ' || exit 1; echo; }');
  const output = await typed(`set -eo pipefail\n${strict}`, place.key ?? '');
  return output
    .split(mark)
    .slice(0, commands.length)
    .map((text, index) => ({ command: commands[index]!, output: text.trim() }));
}

function typed(script: string, key: string): Promise<string> {
  const child = spawn('bash', ['-c', script], {
    env: { ...process.env, key },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let all = '';
  child.stdout.on('data', (chunk) => {
    output += String(chunk);
    all += String(chunk);
  });
  child.stderr.on('data', (chunk) => (all += String(chunk)));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`the tour ended with exit code ${code}:\n${all}`));
    });
  });
}

/** What the line printed in which these words stand. */
export function printedBy(steps: readonly TourStep[], words: string): string {
  const step = steps.find(({ command }) => command.includes(words));
  if (!step) throw new Error(`no line of the tour has '${words}'`);
  return step.output;
}
