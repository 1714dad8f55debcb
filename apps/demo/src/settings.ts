/** Nest’s token for `ShopSettings`. */
export const SHOP_SETTINGS = Symbol('ShopSettings');

/** How the shop runs. */
export interface ShopSettings {
  redisUrl: string;
  keyPrefix: string;
  host: string;
  port: number;
  /** How many of a hundred attempts to charge a card fail, and which. */
  failuresPercent: number;
  seed: string;
}

/** The settings from the environment; `docker-compose.yml` and the README name them. */
export function loadShopSettings(env: Readonly<Record<string, string | undefined>>): ShopSettings {
  return {
    redisUrl: env['REDIS_URL'] ?? 'redis://127.0.0.1:6379',
    keyPrefix: env['SLUICE_KEY_PREFIX'] ?? 'sluice:',
    host: env['SHOP_HOST'] ?? '127.0.0.1',
    port: wholeNumber(env, 'SHOP_PORT', 3001, 65_535),
    failuresPercent: wholeNumber(env, 'SHOP_FAILURES_PERCENT', 30, 100),
    seed: env['SHOP_SEED'] ?? 'shop',
  };
}

function wholeNumber(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  otherwise: number,
  max: number,
): number {
  const text = env[name] ?? String(otherwise);
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= max) return value;
  throw new Error(`${name} must be a whole number up to ${max}, not "${text}"`);
}
