import { commitScript, deleteOffsetsScript, deleteScript } from '@sluice/groups/store/scripts';

/** What changes of groups are sent as, for proxies that are to lose the reply to just one. */
export const groupScripts = {
  commit: commitScript,
  deleteOffsets: deleteOffsetsScript,
  deleteGroup: deleteScript,
} as const;
