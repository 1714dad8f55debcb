import type { INestApplication, Type } from '@nestjs/common';
import { applyOperations } from './operations';
import { applySchemas } from './schemas';

const about = `The admin endpoints of a Sluice gateway: topics, partitions, records, consumer
groups, brokers and the cluster.

What cannot be done is answered with a problem document (RFC 9457) whose \`type\` has a code that
stays the same. Lists come in pages: \`next\` of one page is \`after\` of the next. Changes that two
admins could make at the same time take \`If-Match\` with the \`ETag\` of what was looked at. Every
answer has an \`X-Request-Id\`, which the log has too.`;

/** What is described. */
export interface DescribedApi {
  version: string;
  controllers: readonly Type[];
}

/**
 * The OpenAPI document of an application with the admin endpoints. @nestjs/swagger is loaded when
 * it is first asked for.
 */
export async function describeApi(
  app: INestApplication,
  { version, controllers }: DescribedApi,
): Promise<object> {
  const swagger = await import('@nestjs/swagger');
  applySchemas(swagger);
  applyOperations(swagger, controllers);
  const config = new swagger.DocumentBuilder()
    .setTitle('Sluice')
    .setDescription(about)
    .setVersion(version)
    .addSecurity('key', {
      type: 'http',
      scheme: 'bearer',
      description: 'An API key. Not needed where the gateway has no keys.',
    })
    .build();
  return swagger.SwaggerModule.createDocument(app, config, {
    // So no two methods of controllers have one name; a test looks.
    operationIdFactory: (_controller, method) => method,
  });
}

/** The OpenAPI document, made once. */
export class ApiDocument {
  #text: Promise<string> | null = null;
  #make: () => Promise<object> = () => Promise.reject(new Error('there is no application'));

  /** From now on it is of this application. */
  of(app: INestApplication, api: DescribedApi): void {
    this.#make = () => describeApi(app, api);
  }

  /** As JSON. */
  text(): Promise<string> {
    this.#text ??= this.#make().then((document) => JSON.stringify(document));
    return this.#text;
  }
}
