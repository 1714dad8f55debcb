import { run } from './commands';

const prefix = 'sluice-chaos';
const ours = new RegExp(`^${prefix}-(\\d+)-`);

/** The name of a namespace of this process. */
export function namespaceName(network: number, node: string): string {
  return `${prefix}-${process.pid}-${network}-${node}`;
}

/**
 * Deletes the namespaces of runs that were killed: those whose names have the id of a process that
 * is not there. Their links go with them. Where another process has got that id meanwhile, they
 * stay until it has ended, and harm nobody.
 */
export async function removeLeftovers(): Promise<void> {
  const listed = await run(['ip', 'netns', 'list']);
  const names = listed.split('\n').map((line) => line.split(' ')[0]!);
  for (const name of names) {
    const [, pid] = ours.exec(name) ?? [];
    if (pid === undefined || isThere(Number(pid))) continue;
    // Another run may be at it, too.
    await run(['ip', 'netns', 'delete', name]).catch(() => undefined);
  }
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
