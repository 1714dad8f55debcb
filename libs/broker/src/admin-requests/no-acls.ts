import { ErrorCode } from '@sluice/wire';
import { refuse } from './outcome';

/** The answer to whoever asks for ACLs, or wants to change them; Kafka's words. */
export const noAcls = Object.freeze(
  refuse(ErrorCode.SECURITY_DISABLED, 'No Authorizer is configured.'),
);
