import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';

/** A route of Express, as far as it is looked at. */
interface Layer {
  route?: { methods: Readonly<Record<string, boolean>> };
  match(path: string): boolean;
}

/** Which methods an address takes. */
@Injectable()
export class RouteTable {
  constructor(private readonly host: HttpAdapterHost) {}

  /** The methods of a path, sorted; none where there is nothing at it. */
  methodsOf(path: string): string[] {
    const instance = this.host.httpAdapter.getInstance<{ router: { stack: Layer[] } }>();
    const found = new Set<string>();
    for (const layer of instance.router.stack) {
      if (layer.route === undefined || !matches(layer, path)) continue;
      for (const method of Object.keys(layer.route.methods)) found.add(method.toUpperCase());
    }
    return [...found].sort();
  }
}

/** A path that is not well encoded matches nothing. */
function matches(layer: Layer, path: string): boolean {
  try {
    return layer.match(path);
  } catch {
    return false;
  }
}
