/**
 * npm test: installs what is missing, then types, lint, build and all tests; stops at the first
 * step that fails. Arguments go to Jest: `npm test -- libs/wire` runs only those tests, after the
 * same checks.
 *
 * npm run test:servers: the same, with the tests on each server and in each set-up
 * (scripts/parts/test-runs.mjs).
 */
import { test } from './parts/test.mjs';

const flag = '--servers';
const args = process.argv.slice(2);
await test(
  args.filter((arg) => arg !== flag),
  { everywhere: args.includes(flag) },
);
