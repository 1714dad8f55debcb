/** What an app needs of the admin endpoints before they are loaded: nothing large. */
export type { AdminParts } from './admin-parts';
export { parseApiKeys, roles, type ApiKey, type Role } from './keys/api-keys';
export { adminLimits } from './limits';
export { isLoopback, type AdminOptions } from './options';
export { AdminDoor, AdminListenError } from './server/door';
