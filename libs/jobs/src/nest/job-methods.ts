import { Injectable } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { resolveSettings, StreamJobMistake, type JobSettings } from '../options';
import type { JobHandler } from '../working/job-worker';
import { declaredJobOf } from './stream-job';

/** A queue, and what does its jobs. */
export interface JobMethod {
  settings: JobSettings;
  handle: JobHandler;
}

/** Finds the methods that are decorated with `@StreamJob`. */
@Injectable()
export class JobMethods {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
  ) {}

  /** @throws StreamJobMistake */
  find(): JobMethod[] {
    const found: JobMethod[] = [];
    const seen = new Set<object>();
    for (const wrapper of [...this.discovery.getProviders(), ...this.discovery.getControllers()]) {
      const prototype = wrapper.metatype?.prototype as object | undefined;
      if (!prototype || (wrapper.isDependencyTreeStatic() && !wrapper.instance)) continue;
      for (const name of this.scanner.getAllMethodNames(prototype)) {
        const method = (prototype as Record<string, unknown>)[name];
        const declared = declaredJobOf(method);
        if (declared === null || seen.has(wrapper.instance as object)) continue;
        if (!wrapper.isDependencyTreeStatic()) {
          throw new StreamJobMistake(
            `${wrapper.name}.${name} does jobs, so ${wrapper.name} cannot be made per request.`,
          );
        }
        const handle = (method as JobHandler).bind(wrapper.instance);
        found.push({ settings: resolveSettings(declared.topics, declared.options), handle });
      }
      if (wrapper.instance !== null && typeof wrapper.instance === 'object') {
        seen.add(wrapper.instance as object);
      }
    }
    return found;
  }
}
