/**
 * npm start: from a fresh clone to a running gateway. Plain Node without packages, for nothing is
 * installed yet. This file only checks Node's version, so that an old one says so instead of
 * failing on newer syntax.
 */
const [wantedMajor, wantedMinor] = [20, 19];
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major < wantedMajor || (major === wantedMajor && minor < wantedMinor)) {
  const wanted = `${wantedMajor}.${wantedMinor}`;
  console.error(`Sluice needs Node ${wanted} or newer; this is ${process.versions.node}.`);
  process.exitCode = 1;
} else {
  const { start } = await import('./parts/start.mjs');
  await start(process.argv.slice(2));
}
