/**
 * The bit field of authorized operations when nobody asked for it, or nobody computes it (KIP-430).
 */
export const noAuthorizedOperations = -2_147_483_648;
