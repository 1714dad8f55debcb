import { RequestMethod } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA, VERSION_METADATA } from '@nestjs/common/constants.js';
import { adminControllers } from '../src/controllers';
import { endpointFacts, type EndpointFacts } from '../src/http/endpoint';

/** A route of the admin endpoints. */
export interface Route {
  method: string;
  /** With something in the place of each parameter. */
  path: string;
  /** Undefined where a method of a controller was made a route without being an endpoint. */
  facts: EndpointFacts | undefined;
}

/** Every route that the controllers have, as Nest sees them. */
export function allRoutes(): Route[] {
  return adminControllers.flatMap((controller) => {
    const version = Reflect.getMetadata(VERSION_METADATA, controller) as unknown;
    const base = String(Reflect.getMetadata(PATH_METADATA, controller));
    const prefix = typeof version === 'string' ? `/v${version}` : '';
    const prototype = controller.prototype as Record<string, unknown>;
    return Object.getOwnPropertyNames(prototype).flatMap((name) => {
      const method = prototype[name] as object;
      const verb = Reflect.getMetadata(METHOD_METADATA, method) as RequestMethod | undefined;
      if (verb === undefined) return [];
      const own = String(Reflect.getMetadata(PATH_METADATA, method));
      const path = [prefix, base, own]
        .join('/')
        .replace(/\/+/g, '/')
        .replace(/(?<=.)\/$/, '');
      const filled = path.replace(/:\w+/g, '0').replace(/\*\w+/g, 'x');
      return [{ method: RequestMethod[verb], path: filled, facts: endpointFacts(method) }];
    });
  });
}
