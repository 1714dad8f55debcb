import { field } from '../http/fields';

/** What terminus answers. */
export class Health {
  @field.text({
    about: 'Whether all parts are up.',
    choices: ['ok', 'degraded', 'error', 'shutting_down'],
  })
  status: string;

  @field.map({ about: 'The parts that are up.', values: { kind: 'anything' } })
  info: object;

  @field.map({ about: 'The parts that are down, and why.', values: { kind: 'anything' } })
  error: object;

  @field.map({ about: 'All parts.', values: { kind: 'anything' } })
  details: object;
}
