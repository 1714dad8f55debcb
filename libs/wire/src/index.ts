export {
  isFlexible,
  isServed,
  type Api,
  type ApiOptions,
  type Message,
  type RequestInput,
  type RequestOf,
  type ResponseInput,
  type ResponseOf,
} from './api';
export { noAuthorizedOperations } from './authorized-operations';
export { decodeRequest, decodeResponse, encodeRequest, encodeResponse } from './codec';
export { ErrorCode, errorInfo, type ErrorCodeValue, type ErrorInfo } from './errors';
export { FrameReader } from './framing';
export { apiVersionsKey, readRequestHeader, type RequestHeader } from './headers';
export { wireLimits } from './limits';
export { MalformedError } from './malformed-error';
export * from './messages';
export { isCarried, zeroOf, type FieldSpec, type StructSpec, type TypeSpec } from './schema';
export { isUuid, zeroUuid } from './uuid';
