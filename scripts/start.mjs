/**
 * npm start: from a fresh clone to a running gateway. Plain Node without packages, for nothing is installed yet.
 * This file only checks Node's version, so that an old one says so instead of failing on newer syntax.
 */
const wanted = [20, 19];
const [major, minor] = process.versions.node.split('.').map(Number);

if (major < wanted[0] || (major === wanted[0] && minor < wanted[1])) {
  console.error(
    `Sluice needs Node ${wanted.join('.')} or newer; this is ${process.versions.node}.`,
  );
  process.exitCode = 1;
} else {
  const { start } = await import('./parts/start.mjs');
  await start(process.argv.slice(2));
}
