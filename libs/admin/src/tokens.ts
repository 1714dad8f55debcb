/** Nest's tokens for what has no class of its own. */

/** `AdminParts`: what the endpoints are made on. */
export const ADMIN_PARTS = Symbol('AdminParts');
