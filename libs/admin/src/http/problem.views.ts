import { field } from './fields';

/** What is wrong with one field of a request. */
export class FieldErrorView {
  @field.text({
    about: 'Where it is: a name in the body, `?name` in the address, or a header.',
    example: '?limit',
  })
  field: string;

  @field.text({ about: 'What is wrong with it.', example: 'limit must be an integer number' })
  message: string;
}

/** What every endpoint answers when it cannot do what it was asked (RFC 9457). */
export class ProblemView {
  @field.text({
    about: '`urn:sluice:problem:` and a code, which stays the same.',
    example: 'urn:sluice:problem:unknown-topic',
  })
  type: string;

  @field.text({ about: 'What the code means.', example: 'There is no such topic' })
  title: string;

  @field.whole({ about: 'The status of the answer.', example: 404 })
  status: number;

  @field.text({
    about: 'What is wrong this time, and what to do about it.',
    example: "There is no topic 'orders'. GET /v1/topics lists them.",
  })
  detail: string;

  @field.text({
    about: 'The request, by the id that the header `X-Request-Id` and the log have.',
    example: 'urn:sluice:request:a1iQ5OL8BDCwSZ-RhAI2_g',
  })
  instance: string;

  @field.list({
    about: 'The fields that are wrong, where it is about fields.',
    items: { kind: 'shape', shape: () => FieldErrorView },
    optional: true,
  })
  errors?: FieldErrorView[];
}
