import type { BatchHeader, ExamineRules, Findings } from '@sluice/records';

/** A batch was not examined, and so not stored; the client may send it again. */
export class NotExamined extends Error {
  override readonly name = 'NotExamined';

  constructor(why: string) {
    super(`The records were not examined: ${why}. They may be sent again.`);
  }
}

/** A batch that waits to be examined on a thread, or is. */
export interface Examination {
  readonly batch: Buffer;
  readonly header: BatchHeader;
  readonly rules: ExamineRules;
  /** It is not begun after this time on the monotonic clock. */
  readonly untilMs: number;
  readonly resolve: (findings: Findings) => void;
  readonly reject: (error: unknown) => void;
}
