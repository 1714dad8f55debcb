/** Something a person can do something about: it is shown without a stack. */
export class Trouble extends Error {}

/**
 * One step of the work, in one line.
 * @param {string} text
 */
export function say(text) {
  console.log(`sluice: ${text}`);
}

/**
 * Milliseconds as a person says them.
 * @param {number} ms
 */
export function duration(ms) {
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`;
}

/**
 * Shows what went wrong; without a stack when it is no fault of the program.
 * @param {unknown} error
 */
export function complain(error) {
  console.error(error instanceof Trouble ? `sluice: ${error.message}` : error);
}
