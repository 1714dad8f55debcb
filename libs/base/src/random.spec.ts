import { systemRandom } from './random';

describe('systemRandom', () => {
  it('makes ids in Kafka’s form that no tool takes for an option', () => {
    const ids = Array.from({ length: 2_000 }, () => systemRandom.uuid());
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/);
  });

  it('makes UUIDs of version 4', () => {
    expect(systemRandom.uuidV4()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab]/);
  });
});
