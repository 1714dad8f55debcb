import { duration, say } from './console.mjs';
import { findProgram, outputOf, run } from './processes.mjs';

/**
 * @typedef {'redis' | 'kcat' | 'cc'} Tool `cc` is a C compiler
 * @typedef {object} Manager
 * @property {string} program
 * @property {string[]} [refresh] arguments that bring its lists up to date
 * @property {string[]} install arguments that install without questions
 * @property {Partial<Record<Tool, string[]>>} packages what a tool's package is called; several
 *   names are tried in turn, and packages that are needed together stand in one name
 * @property {string} [note]
 * @property {boolean} [asUser] it wants no root
 */

/**
 * System package managers.
 * @type {Manager[]}
 */
const managers = [
  {
    program: 'apt-get',
    refresh: ['update', '-qq'],
    install: ['install', '-y', '-qq', '--no-install-recommends'],
    packages: { redis: ['redis-server', 'valkey'], kcat: ['kcat'], cc: ['gcc libc6-dev'] },
    note: 'the package may also start a Redis of its own on port 6379, which Sluice does not use',
  },
  {
    program: 'dnf',
    install: ['install', '-y', '-q'],
    packages: { redis: ['valkey', 'redis'], kcat: ['kcat'], cc: ['gcc glibc-devel'] },
  },
  {
    program: 'apk',
    install: ['add', '--no-cache', '-q'],
    packages: { redis: ['valkey', 'redis'], kcat: ['kcat'], cc: ['gcc musl-dev'] },
  },
  {
    program: 'pacman',
    install: ['-S', '--noconfirm', '--needed'],
    packages: { redis: ['valkey'], kcat: [], cc: ['gcc'] },
  },
  {
    program: 'zypper',
    install: ['--non-interactive', '--quiet', 'install'],
    packages: { redis: ['valkey', 'redis'], kcat: ['kcat'], cc: ['gcc glibc-devel'] },
  },
  {
    program: 'brew',
    install: ['install', '--quiet'],
    packages: { redis: ['redis', 'valkey'], kcat: ['kcat'] },
    asUser: true,
  },
];

/**
 * Installs a tool with the system's package manager, as root or through a sudo that asks nothing.
 * @param {Tool} what
 * @returns {Promise<string | undefined>} undefined when it is installed, else in words why not
 */
export async function installPackage(what) {
  const manager = managers.find(({ program }) => findProgram(program) !== undefined);
  const names = manager?.packages[what] ?? [];
  if (manager === undefined) return 'no package manager that Sluice knows was found';
  if (names.length === 0) return `${manager.program} has no package of it`;
  const prefix = privileges(manager);
  if (prefix === undefined) {
    return `it needs root: sudo ${[manager.program, ...manager.install, names[0]].join(' ')}`;
  }
  const startedMs = performance.now();
  say(`installing ${names[0]} with ${[...prefix, manager.program].join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const call = (/** @type {string[]} */ args) => {
    const [command = '', ...rest] = [...prefix, manager.program, ...args];
    return run(command, rest, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  };
  if (manager.refresh !== undefined) await call(manager.refresh);
  for (const name of names) {
    if ((await call([...manager.install, ...name.split(' ')])) !== 0) continue;
    say(`installed ${name} in ${duration(performance.now() - startedMs)}`);
    if (what === 'redis' && manager.note !== undefined) say(manager.note);
    return undefined;
  }
  return `${manager.program} could not install ${names.join(' or ')}`;
}

/**
 * What to put before the command: nothing, sudo, or undefined when there is no right to install.
 * @param {Manager} manager
 */
function privileges({ asUser }) {
  if (asUser || process.getuid?.() === 0) return [];
  const sudo = findProgram('sudo');
  return sudo !== undefined && outputOf(sudo, ['-n', 'true']) !== undefined
    ? [sudo, '-n']
    : undefined;
}
