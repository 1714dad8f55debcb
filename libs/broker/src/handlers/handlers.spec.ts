import { apis } from '@sluice/wire';
import { readdirSync } from 'node:fs';
import { registeredHandlers } from '../requests/handler';
import './index';

/**
 * Every API that is served, and its versions. Clients choose what they use by this, so it changes
 * knowingly.
 */
const served = {
  '00-produce': [0, 11],
  '01-fetch': [4, 17],
  '02-list-offsets': [1, 10],
  '03-metadata': [0, 12],
  '08-offset-commit': [2, 9],
  '09-offset-fetch': [1, 9],
  '10-find-coordinator': [0, 5],
  '11-join-group': [0, 9],
  '12-heartbeat': [0, 4],
  '13-leave-group': [0, 5],
  '14-sync-group': [0, 5],
  '15-describe-groups': [0, 6],
  '16-list-groups': [0, 5],
  '18-api-versions': [0, 4],
  '19-create-topics': [2, 7],
  '20-delete-topics': [1, 6],
  '21-delete-records': [0, 2],
  '22-init-producer-id': [0, 5],
  '23-offset-for-leader-epoch': [2, 4],
  '29-describe-acls': [1, 3],
  '30-create-acls': [1, 3],
  '31-delete-acls': [1, 3],
  '32-describe-configs': [1, 4],
  '33-alter-configs': [0, 2],
  '35-describe-log-dirs': [1, 5],
  '37-create-partitions': [0, 3],
  '42-delete-groups': [0, 2],
  '43-elect-leaders': [0, 2],
  '44-incremental-alter-configs': [0, 1],
  '45-alter-partition-reassignments': [0, 1],
  '46-list-partition-reassignments': [0, 0],
  '47-offset-delete': [0, 0],
  '48-describe-client-quotas': [0, 1],
  '50-describe-user-scram-credentials': [0, 0],
  '60-describe-cluster': [0, 2],
  '61-describe-producers': [0, 0],
  '66-list-transactions': [0, 2],
  '74-list-config-resources': [0, 1],
  '75-describe-topic-partitions': [0, 0],
} as const;

/** The file that an API's handler must be in: `12-heartbeat` for key 12, Heartbeat. */
function fileOf({ key, name }: { key: number; name: string }): string {
  const words = name.replace(/(?!^)[A-Z]/g, (letter) => `-${letter}`).toLowerCase();
  return `${String(key).padStart(2, '0')}-${words}`;
}

describe('the handlers', () => {
  const handlers = registeredHandlers();

  test('serve exactly these APIs in these versions', () => {
    const found = handlers.map(({ api }) => [fileOf(api), [api.versions.min, api.versions.max]]);
    expect(Object.fromEntries(found)).toEqual(served);
  });

  test('stand one in a file that is named after its API, and all are registered', () => {
    const files = readdirSync(__dirname)
      .filter((file) => /^\d/.test(file) && !file.endsWith('.spec.ts'))
      .map((file) => file.replace(/\.ts$/, ''));
    expect(files.sort()).toEqual(handlers.map(({ api }) => fileOf(api)));
  });

  test('are there for every API that the wire format knows', () => {
    const known = [...apis.keys()].sort((a, b) => a - b);
    expect(handlers.map(({ api }) => api.key)).toEqual(known);
  });
});
