/**
 * npm test: installs what is missing, then types, lint, build and all tests; stops at the first step that
 * fails. Arguments go to Jest: `npm test -- libs/wire` runs only those tests, after the same checks.
 */
import { test } from './parts/test.mjs';

await test(process.argv.slice(2));
