'use strict';

/**
 * The gateway's process as the start script makes it. It checks the settings and tells them, loads
 * the large packages while the start script looks after Redis, and becomes the gateway when it
 * hears where Redis is. So nothing is loaded twice, and nothing waits for Redis that need not.
 *
 * When the start script dies without having stopped it, the channel between them closes, and the
 * gateway stops as if it had been asked to.
 */
const { join } = require('node:path');

const killMs = 30_000;
const sources = join(__dirname, '../../dist/apps/gateway/apps/gateway/src');

process.once('disconnect', () => {
  process.kill(process.pid, 'SIGTERM');
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), killMs).unref();
});

process.once('message', (message) => {
  /** @typedef {{ redisUrl: string, own: boolean, flags: string[] }} Facts */
  const { redisUrl, own, flags } = /** @type {Facts} */ (message);
  // A listener would keep the process alive for as long as the channel is open.
  process.channel?.unref();
  process.argv.push(...flags);
  process.env.REDIS_URL = redisUrl;
  if (own) process.env.SLUICE_REDIS_MANAGED = 'true';
  require(join(sources, 'main.js'));
});

const { loadGatewaySettings } = require(join(sources, 'settings.js'));
const loaded = loadGatewaySettings(process.env, process.argv.slice(2));
process.send?.({ type: 'settings', loaded });
if ('settings' in loaded) {
  for (const name of ['reflect-metadata', '@nestjs/core', 'ioredis']) require(name);
}
