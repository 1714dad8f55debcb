import type { BenchContext } from './bench-context';

/** Seconds of processor time that Redis has used since it was started. */
export async function redisSeconds({ redis }: BenchContext): Promise<number> {
  const info = await redis.info('cpu');
  const of = (name: string) => Number(new RegExp(`${name}:([\\d.]+)`).exec(info)![1]);
  return of('used_cpu_user') + of('used_cpu_sys');
}
