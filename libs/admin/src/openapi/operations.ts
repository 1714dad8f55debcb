import { RequestMethod, type Type } from '@nestjs/common';
import type * as Swagger from '@nestjs/swagger';
import { endpointFacts, type EndpointFacts } from '../http/endpoint';
import { Problem, problemKinds, problemMediaType, problemResponse } from '../http/problems';
import type { ProblemCode } from '../http/problems';
import { ProblemView } from '../http/problem.views';

const done = new Set<Type>();

/** What the parts of addresses are. */
const parameters: Readonly<Record<string, { description: string; example: string | number }>> = {
  topic: { description: 'The name of a topic.', example: 'orders' },
  partition: { description: 'The number of a partition.', example: 0 },
  broker: { description: 'The number of a broker.', example: 1 },
  group: { description: 'The id of a consumer group.', example: 'billing' },
  run: { description: 'The id of a run of a job.', example: '17' },
};

const eTagHeader = {
  ETag: { description: 'The version, for `If-Match`.', schema: { type: 'string' } },
};

/** Puts the decorators of @nestjs/swagger on the endpoints of controllers. */
export function applyOperations(swagger: typeof Swagger, controllers: readonly Type[]): void {
  for (const controller of controllers.filter((one) => !done.has(one))) {
    done.add(controller);
    const prototype = controller.prototype as object;
    for (const name of Object.getOwnPropertyNames(prototype)) {
      const descriptor = Object.getOwnPropertyDescriptor(prototype, name)!;
      const facts = endpointFacts(descriptor.value as object);
      if (!facts) continue;
      const route = routeOf(controller, descriptor);
      for (const decorate of decoratorsOf(swagger, facts, route)) {
        decorate(prototype, name, descriptor);
      }
    }
    swagger.ApiExtraModels(ProblemView)(controller);
  }
}

interface Route {
  path: string;
  takesBody: boolean;
}

const bodyMethods = [RequestMethod.POST, RequestMethod.PUT, RequestMethod.PATCH];

/** What `@Controller` and `RequestMapping` were given, where Nest keeps it. */
function routeOf(controller: Type, { value }: PropertyDescriptor): Route {
  const paths = [controller, value as object].map((one) => Reflect.getMetadata('path', one));
  const method = Reflect.getMetadata('method', value as object) as RequestMethod;
  return { path: paths.map(String).join('/'), takesBody: bodyMethods.includes(method) };
}

function decoratorsOf(
  swagger: typeof Swagger,
  facts: EndpointFacts,
  { path, takesBody }: Route,
): MethodDecorator[] {
  if (facts.isHidden) return [swagger.ApiExcludeEndpoint()];
  const { role, summary, about, ifMatch, headers = {} } = facts;
  const names = [...path.matchAll(/:(\w+)/g)].map((match) => match[1]!);
  const [tag = ''] = path.split('/');
  const needs = role === 'open' ? 'Needs no key.' : `Needs a key with the role **${role}**.`;
  return [
    swagger.ApiTags(tag),
    swagger.ApiOperation({ summary, description: [about, needs].filter(Boolean).join('\n\n') }),
    swagger.ApiExtension('x-role', role),
    ...(role === 'open' ? [] : [swagger.ApiSecurity('key')]),
    ...names.map((name) => swagger.ApiParam({ name, ...parameters[name], type: 'string' })),
    ...Object.entries(headers).map(([name, description]) => {
      return swagger.ApiHeader({ name, description, required: false });
    }),
    ...(ifMatch === undefined ? [] : [ifMatchHeader(swagger, ifMatch)]),
    success(swagger, facts),
    ...problemResponses(swagger, facts, takesBody ? ofBodies : []),
  ];
}

function ifMatchHeader(swagger: typeof Swagger, ifMatch: 'needed' | 'optional'): MethodDecorator {
  return swagger.ApiHeader({
    name: 'If-Match',
    description: 'The `ETag` of what was looked at, or `*`.',
    required: ifMatch === 'needed',
    example: '"pXAeVh1ufGq0b3qZkYxS0g"',
  });
}

function success(swagger: typeof Swagger, facts: EndpointFacts): MethodDecorator {
  const { status = 200, answers, produces, example, hasETag } = facts;
  const headers = hasETag ? { headers: eTagHeader } : {};
  const about = { status, description: 'It was done.', ...headers };
  if (answers) {
    return swagger.ApiResponse({
      ...about,
      type: answers() as Type,
      ...(example ? { example } : {}),
    });
  }
  const content = produces ? { content: { [produces]: { schema: { type: 'string' } } } } : {};
  return swagger.ApiResponse({ ...about, ...content } as Swagger.ApiResponseOptions);
}

/** What can go wrong with every request. */
const always: readonly ProblemCode[] = ['not-acceptable', 'too-many-requests', 'internal-error'];
const withKey: readonly ProblemCode[] = ['key-missing', 'key-unknown', 'role-too-low'];

const ofBodies: readonly ProblemCode[] = [
  'invalid-json',
  'body-too-large',
  'unsupported-media-type',
];

/** One response for each status, with an example for each problem that has it. */
function problemResponses(
  swagger: typeof Swagger,
  { role, problems = [] }: EndpointFacts,
  further: readonly ProblemCode[],
): MethodDecorator[] {
  const ofKeys = role === 'open' ? [] : withKey;
  const codes = new Set([
    ...problems,
    'invalid-request',
    ...further,
    ...ofKeys,
    ...always,
  ] as const);
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of codes) {
    const [status] = problemKinds[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return [...byStatus].map(([status, all]) => {
    const schema = { $ref: swagger.getSchemaPath(ProblemView) };
    const examples = Object.fromEntries(all.map((code) => [code, { value: exampleOf(code) }]));
    const description = all.map((code) => `${problemKinds[code][1]} (\`${code}\`).`).join(' ');
    return swagger.ApiResponse({
      status,
      description,
      content: { [problemMediaType]: { schema, examples } },
    });
  });
}

function exampleOf(code: ProblemCode): object {
  const detail = 'What is wrong this time, and what to do about it.';
  return problemResponse(new Problem(code, detail), 'a1iQ5OL8BDCwSZ-RhAI2_g').document;
}
