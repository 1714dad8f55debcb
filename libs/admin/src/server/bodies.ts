import { Injectable } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { MemoryBudget } from '@sluice/base';
import { adminLimits } from '../limits';
import { readJson } from './body-reader';

/** The bodies of all requests that are under way, within the memory that there is for them. */
@Injectable()
export class Bodies {
  readonly #budget = new MemoryBudget(adminLimits.bodiesBytesMax);

  /**
   * Reads a request's JSON body; undefined where it has none. Its memory is taken until the
   * response is done with: only who may do what is asked for is to come this far.
   *
   * @throws Problem where there is no such body
   */
  async read(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
    const { body, release } = await readJson(request, this.#budget);
    if (response.destroyed) release();
    else response.once('close', release);
    return body;
  }
}
