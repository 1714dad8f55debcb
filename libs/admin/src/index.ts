/** What an app needs of the admin endpoints before they are loaded: nothing large. */
export type { AdminParts, DoorParts } from './admin-parts';
export { parseApiKeys, roles, type ApiKey, type Role } from './keys/api-keys';
export { apiKeysOf, apiKeysProblem, type KeySettings } from './keys/keys-of-settings';
export { adminLimits } from './limits';
export type { AdminOptions } from './options';
export { AdminDoor, AdminListenError } from './server/door';
export { ownDoor } from './server/own-door';
